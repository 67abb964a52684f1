package functions

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// envelope is an invocation as the host writes it.
type envelope []byte

// data reads what the envelope has for the function's trigger. kind says what
// that must be. Errors quote nothing of it. What else is in the envelope is
// skipped: of an HTTP request the host repeats most in Metadata.
func data[T any](e envelope, binding, kind string) (T, error) {
	var (
		v struct{ Data map[string]*T }
		t T
	)
	if len(e) == 0 {
		return t, failed(http.StatusBadRequest, "the invocation has no body")
	}
	err := json.Unmarshal(e, &v)
	_, mistyped := errors.AsType[*json.UnmarshalTypeError](err)
	at, ok := v.Data[binding]
	switch {
	case err != nil && !mistyped:
		return t, failed(http.StatusBadRequest, "the invocation is not the JSON of one: %w", err)
	case v.Data == nil:
		return t, failed(http.StatusBadRequest, "the invocation has no Data")
	case !ok:
		return t, failed(http.StatusBadRequest, "the invocation has no data for the trigger %q: does function.json name it so?", binding)
	case err != nil || at == nil:
		return t, failed(http.StatusBadRequest, "the data of trigger %q is not %s", binding, kind)
	}
	return *at, nil
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
