package functions

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// envelope is an invocation as the host writes it.
type envelope struct {
	Data     map[string]json.RawMessage // by input binding
	Metadata json.RawMessage            // of the trigger; a timer's and an HTTP request's is not needed
}

// parseEnvelope reads one. Its errors quote nothing of it.
func parseEnvelope(body []byte) (envelope, error) {
	var e envelope
	if len(body) == 0 {
		return envelope{}, failed(http.StatusBadRequest, "the invocation has no body")
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return envelope{}, failed(http.StatusBadRequest, "the invocation is not the JSON of one: %w", err)
	}
	if e.Data == nil {
		return envelope{}, failed(http.StatusBadRequest, "the invocation has no Data")
	}
	return e, nil
}

// trigger is the data of the function's trigger.
func (e envelope) trigger(binding string) (json.RawMessage, error) {
	data, ok := e.Data[binding]
	if !ok {
		return nil, failed(http.StatusBadRequest, "the invocation has no data for the trigger %q: does function.json name it so?", binding)
	}
	return data, nil
}

// text takes a value out of the JSON strings that are around it: the host
// writes whatever is no object as a string that holds its JSON.
func text(raw json.RawMessage) (string, bool) {
	s := string(raw)
	for range 2 {
		if len(s) == 0 || s[0] != '"' {
			break
		}
		var inner string
		if json.Unmarshal([]byte(s), &inner) != nil {
			return "", false
		}
		s = inner
	}
	return s, s != "" && s != "null"
}

// number reads a positive number that may be in strings.
func number(raw json.RawMessage) (int, bool) {
	s, ok := text(raw)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0
}
