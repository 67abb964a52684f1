package functions

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// Message is one delivery of a queue message.
type Message struct {
	ID   string // the queue's own; may be empty
	Body []byte // as it was enqueued
	// DequeueCount counts deliveries, this one included; from 1. Believe it
	// only of a trigger with dataType binary.
	DequeueCount int
}

// Queue registers a function with a queueTrigger binding of this name. nil from
// its handler deletes the message; any error gives it back to the queue, which
// delivers it again after visibilityTimeout or, after maxDequeueCount
// deliveries, sets it aside.
func (a *App) Queue(name, binding string, handle func(context.Context, Message) error) {
	a.register(name, func(ctx context.Context, e envelope) (map[string]any, error) {
		m, err := e.message(binding)
		if err != nil {
			return nil, err
		}
		return nil, handle(ctx, m)
	})
}

func (e envelope) message(binding string) (Message, error) {
	written, err := data[string](e, binding, "a message, a JSON string")
	if err != nil {
		return Message{}, err
	}
	var m Message
	if m.Body, err = messageBody(written); err != nil {
		return Message{}, err
	}
	// Upper and lower case are one to the host, and to this decoder.
	var v struct {
		Metadata struct{ ID, DequeueCount json.RawMessage }
	}
	err = json.Unmarshal(e, &v)
	m.ID, _ = text(v.Metadata.ID)
	var ok bool
	if m.DequeueCount, ok = number(v.Metadata.DequeueCount); err != nil || !ok {
		return Message{}, failed(http.StatusBadRequest, "the invocation does not say how often its message was delivered (Metadata.DequeueCount)")
	}
	return m, nil
}

// messageBody reads a message that is base64, or a JSON string within the
// string.
func messageBody(written string) ([]byte, error) {
	if strings.HasPrefix(written, `"`) {
		var inner string
		if err := json.Unmarshal([]byte(written), &inner); err != nil {
			return nil, failed(http.StatusBadRequest, "the message's text is not the JSON of a string: %w", err)
		}
		return []byte(inner), nil
	}
	body, err := base64.StdEncoding.DecodeString(written)
	if err != nil {
		return nil, failed(http.StatusBadRequest, "the message is neither base64 nor a JSON string within a string: %w", err)
	}
	return body, nil
}
