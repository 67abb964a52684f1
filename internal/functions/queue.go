package functions

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
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
	data, err := e.trigger(binding)
	if err != nil {
		return Message{}, err
	}
	var m Message
	if m.Body, err = messageBody(data); err != nil {
		return Message{}, err
	}
	// Upper and lower case are one to the host, and to this decoder.
	var meta struct{ ID, DequeueCount json.RawMessage }
	if err := json.Unmarshal(e.Metadata, &meta); err != nil {
		return Message{}, failed(http.StatusBadRequest, "the invocation has no Metadata of a message: %w", err)
	}
	m.ID, _ = text(meta.ID)
	var ok bool
	if m.DequeueCount, ok = number(meta.DequeueCount); !ok {
		return Message{}, failed(http.StatusBadRequest, "the invocation does not say how often its message was delivered (Metadata.DequeueCount)")
	}
	return m, nil
}

// messageBody reads a message that is base64 or a JSON string within a JSON
// string.
func messageBody(data json.RawMessage) ([]byte, error) {
	var outer, inner string
	if err := json.Unmarshal(data, &outer); err != nil || string(data) == "null" {
		return nil, failed(http.StatusBadRequest, "the message is no JSON string")
	}
	if len(outer) > 0 && outer[0] == '"' {
		if err := json.Unmarshal([]byte(outer), &inner); err != nil {
			return nil, failed(http.StatusBadRequest, "the message's text is not the JSON of a string: %w", err)
		}
		return []byte(inner), nil
	}
	body, err := base64.StdEncoding.DecodeString(outer)
	if err != nil {
		return nil, failed(http.StatusBadRequest, "the message is neither base64 nor a JSON string within a string: %w", err)
	}
	return body, nil
}
