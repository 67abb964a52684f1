package queues

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// What the errors of a Queue are told apart by.
var (
	// ErrNoQueue: it does not exist, is being deleted, or is disabled.
	ErrNoQueue = errors.New("no such queue")
	// ErrServer: the storage failed, and may not the next time.
	ErrServer = errors.New("storage failed")
	// ErrGone: the message was received by somebody else meanwhile, or is
	// gone.
	ErrGone = errors.New("the message is no longer ours")
)

// MaxText is how long a message may be as it is stored, in bytes.
const MaxText = 64 << 10

// Message is one delivery of a message.
type Message struct {
	ID, Receipt                    string
	Text                           string // as it is stored
	DequeueCount                   int64  // from 1
	Inserted, Expires, NextVisible time.Time
}

// Queue is one storage queue. All methods are safe for concurrent use.
type Queue interface {
	// Receive returns up to limit visible messages (1 to 32), each hidden
	// for as long; none, at once, if there is none.
	Receive(ctx context.Context, limit int, hide time.Duration) ([]Message, error)
	// Hide makes m visible when d has passed, from now on (0: at once), and
	// returns m with its new receipt.
	Hide(ctx context.Context, m Message, d time.Duration) (Message, error)
	// Delete removes it.
	Delete(ctx context.Context, m Message) error
	// Send enqueues a text as it is to be stored. A queue that is missing is
	// created.
	Send(ctx context.Context, text string) error
}

// Encode makes the text of a message that has this body. One that is above
// MaxText is an error.
func Encode(body []byte, asBase64 bool) (string, error) {
	text := string(body)
	if asBase64 {
		text = base64.StdEncoding.EncodeToString(body)
	}
	if len(text) > MaxText {
		return "", fmt.Errorf("a message of %d bytes takes %d as it is stored, and may take %d", len(body), len(text), MaxText)
	}
	return text, nil
}
