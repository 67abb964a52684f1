package form

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrJSON says that a body is not exactly one JSON value.
var ErrJSON = errors.New("invalid json")

// Problems is the "errors" tree of a 50035 answer. As JSON it is that tree,
// as an error its one line for a log.
type Problems struct {
	root map[string]any
}

// problem is one entry of an "_errors" list.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Add hangs a problem at a path of keys and list indexes.
func (p *Problems) Add(path []string, code, message string) {
	if p.root == nil {
		p.root = map[string]any{}
	}
	at := p.root
	for _, key := range path {
		next, ok := at[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[key] = next
		}
		at = next
	}
	list, _ := at["_errors"].([]problem)
	at["_errors"] = append(list, problem{code, message})
}

// Err is p, or nil if there is no problem.
func (p *Problems) Err() error {
	if p.root == nil {
		return nil
	}
	return p
}

// MarshalJSON implements json.Marshaler.
func (p *Problems) MarshalJSON() ([]byte, error) { return json.Marshal(p.root) }

// Error implements error.
func (p *Problems) Error() string {
	b, err := json.Marshal(p.root)
	if err != nil {
		return "unreadable"
	}
	return string(b)
}

// decode reads exactly one JSON value, numbers as json.Number.
func decode(body []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrJSON, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: text after the value", ErrJSON)
	}
	return v, nil
}
