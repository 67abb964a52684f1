package envelope

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// values is the host's binding data: a map whose keys ignore case. A key keeps
// the spelling it came with first, whatever is put there later.
type values struct {
	keys []string
	of   map[string]json.RawMessage // by the lower-case key
}

func newValues() *values { return &values{of: map[string]json.RawMessage{}} }

func (v *values) set(key string, value json.RawMessage) {
	low := strings.ToLower(key)
	if _, ok := v.of[low]; !ok {
		v.keys = append(v.keys, key)
	}
	v.of[low] = value
}

func (v *values) has(key string) bool {
	_, ok := v.of[strings.ToLower(key)]
	return ok
}

// MarshalJSON leaves out what the host leaves out of Metadata: keys that end
// in trigger.
func (v *values) MarshalJSON() ([]byte, error) {
	out := map[string]json.RawMessage{}
	for _, key := range v.keys {
		if low := strings.ToLower(key); !strings.HasSuffix(low, "trigger") {
			out[key] = v.of[low]
		}
	}
	return marshal(out), nil
}

// merge adds the top-level properties of text, if that is a JSON object, but for
// null and arrays (Utility.ApplyBindingData). Values that are no objects
// become strings first.
func (v *values) merge(text string) {
	if !looksLikeJSON(text) {
		return
	}
	var properties map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &properties) != nil {
		return
	}
	keys, err := order(text)
	if err != nil {
		return
	}
	for _, key := range keys {
		switch value := properties[key]; value[0] {
		case 'n', '[':
		case '{':
			v.set(key, value)
		default:
			v.set(key, quoted(scalar(value)))
		}
	}
}

// order returns the keys of a JSON object as they come, each once.
func order(text string) ([]string, error) {
	d := json.NewDecoder(strings.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var keys []string
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		key := fmt.Sprint(t)
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// scalar is the text that .NET makes of a JSON string, number or boolean.
func scalar(value json.RawMessage) string {
	switch {
	case len(value) == 0 || value[0] == 'n':
		return ""
	case value[0] == '"':
		var s string
		if json.Unmarshal(value, &s) != nil {
			return string(value)
		}
		return s
	case value[0] == 't':
		return "True"
	case value[0] == 'f':
		return "False"
	}
	return string(value)
}

// looksLikeJSON is Utility.IsJson.
func looksLikeJSON(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") ||
		strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]")
}

// quoted is a JSON string that holds v's JSON text.
func quoted(v any) json.RawMessage { return marshal(string(marshal(v))) }

func stamp(t time.Time) json.RawMessage {
	return marshal(t.UTC().Format("2006-01-02T15:04:05+00:00"))
}

// marshal writes v as Newtonsoft does, who escapes no HTML. What is handed to it
// here can always be written.
func marshal(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("envelope: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
