package envelope

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// ErrNothing is a 2xx without a body, or with JSON's null. Nothing ever completes
// such an invocation: it ends when its time is up, and the handler with it
// (DefaultHttpWorkerService.cs).
var ErrNothing = errors.New("the handler answered nothing: answer at least {}")

// Answer is what a handler's response says.
type Answer struct {
	Outputs map[string]json.RawMessage // by binding name, as written; nil: none at all
	Logs    []string
}

// ParseAnswer reads a response. ErrNothing, or an error that fails the
// invocation.
func ParseAnswer(status int, contentType string, body []byte) (Answer, error) {
	if status < 200 || status > 299 {
		return Answer{}, fmt.Errorf("the handler answered %d, not 2xx: %s", status, excerpt(body))
	}
	if len(body) == 0 {
		return Answer{}, ErrNothing
	}
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "application/json" && kind != "text/json" {
		return Answer{}, fmt.Errorf("the handler answered with Content-Type %q: set application/json", contentType)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return Answer{}, ErrNothing
	}
	var raw *struct {
		Outputs map[string]json.RawMessage
		Logs    []json.RawMessage
	}
	// What follows the first value is not read.
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&raw); err != nil {
		return Answer{}, fmt.Errorf("the handler answered no JSON that the host understands: %w: %s", err, excerpt(body))
	}
	if raw == nil {
		return Answer{}, ErrNothing
	}
	a := Answer{Outputs: raw.Outputs}
	for _, line := range raw.Logs {
		if line[0] == '{' || line[0] == '[' {
			return Answer{}, fmt.Errorf("the handler answered Logs with something other than text: %s", excerpt(line))
		}
		a.Logs = append(a.Logs, scalar(line))
	}
	return a, nil
}

// Output is the value for a binding; ok is false if there is none, or null.
func (a Answer) Output(name string) (value json.RawMessage, ok bool) {
	value = bytes.TrimSpace(a.Outputs[name])
	return value, len(value) > 0 && value[0] != 'n'
}

func excerpt(b []byte) string {
	const most = 200
	if len(b) > most {
		return strconv.Quote(string(b[:most])) + "…"
	}
	return strconv.Quote(string(b))
}

// FromBase64 is .NET's Convert.FromBase64String, which skips blanks.
func FromBase64(text string) ([]byte, bool) {
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, text)
	b, err := base64.StdEncoding.DecodeString(text)
	return b, err == nil
}

// Messages are the messages that a queue output enqueues
// (HttpScriptInvocationResultExtensions.cs, FunctionBinding.cs): a string that
// happens to be base64 is decoded, unless the binding's dataType is binary; one
// that looks like JSON is parsed and written anew, indented; an array is a
// message for each element; all else is the text that .NET makes of it.
func Messages(value json.RawMessage, binary bool) ([][]byte, error) {
	if value[0] == '"' {
		text := scalar(value)
		if b, ok := FromBase64(text); ok && !binary {
			return [][]byte{b}, nil
		}
		if !looksLikeJSON(text) {
			return [][]byte{[]byte(text)}, nil
		}
		value = json.RawMessage(strings.TrimSpace(text))
		if !json.Valid(value) {
			return nil, fmt.Errorf("the output looks like JSON and is none: %s", excerpt(value))
		}
	}
	if value[0] != '[' {
		return [][]byte{element(value)}, nil
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(value, &elements); err != nil {
		return nil, fmt.Errorf("the output is no JSON: %w", err)
	}
	out := make([][]byte, 0, len(elements))
	for _, e := range elements {
		out = append(out, element(e))
	}
	return out, nil
}

// element is JToken.ToString.
func element(value json.RawMessage) []byte {
	value = bytes.TrimSpace(value)
	if value[0] != '{' && value[0] != '[' {
		return []byte(scalar(value))
	}
	var b bytes.Buffer
	if err := json.Indent(&b, value, "", "  "); err != nil {
		return value // it was parsed before
	}
	return b.Bytes()
}

// Reply is an HTTP response.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// ReplyOf is the response that the http output name makes. An error fails the
// invocation before anything is bound.
func ReplyOf(a Answer, name string) (Reply, error) {
	r := Reply{Status: http.StatusOK, Header: http.Header{}}
	if a.Outputs == nil {
		return r, nil
	}
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	value, ok := a.Output(name)
	if !ok {
		r.Body = []byte("{}") // an empty response object that is taken for the body
		return r, nil
	}
	if value[0] == '"' {
		value = json.RawMessage(scalar(value))
	}
	var out *struct {
		StatusCode, Status json.RawMessage
		Headers            map[string]json.RawMessage
		Body               json.RawMessage
	}
	if err := json.NewDecoder(bytes.NewReader(value)).Decode(&out); err != nil && !errors.Is(err, io.EOF) || out == nil {
		return Reply{}, fmt.Errorf("the output %q is no HTTP response: write {\"statusCode\":200,\"headers\":{},\"body\":\"\"}, not %s", name, excerpt(value))
	}
	for key, v := range out.Headers {
		if v[0] != '"' {
			return Reply{}, fmt.Errorf("the output %q has the header %q with the value %s: a header's value is a string", name, key, excerpt(v))
		}
		r.Header.Set(key, scalar(v))
	}
	status := out.StatusCode
	if len(status) == 0 || status[0] == 'n' {
		status = out.Status
	}
	if len(status) > 0 && (status[0] == '{' || status[0] == '[') {
		return Reply{}, fmt.Errorf("the output %q has the status %s: it is a number", name, excerpt(status))
	}
	if n, err := strconv.Atoi(strings.TrimSpace(scalar(status))); err == nil {
		if n < 200 || n > 999 {
			return Reply{}, fmt.Errorf("the output %q has the status %d: it is a number from 200 to 999", name, n)
		}
		r.Status = n
	}
	if len(out.Body) > 0 {
		r.Body = element(out.Body)
	}
	return r, nil
}
