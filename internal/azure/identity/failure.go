package identity

import (
	"errors"
	"fmt"
	"net/http"
)

// ErrNone says that the platform gave the app no identity.
var ErrNone = errors.New("there is no managed identity: switch it on in the portal under Identity, then restart the app")

// Error says why there is no token. It has nothing of an answer in it.
type Error struct {
	Status int   // of the answer; 0: there was none
	Err    error // nil: the status says it
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("the identity gives no token (status %d)", e.Status)
	}
	return "the identity gives no token: " + e.Err.Error()
}

// Unwrap gives Err.
func (e *Error) Unwrap() error { return e.Err }

// Settled is whether asking again changes nothing: somebody must switch the
// identity on or name another.
func (e *Error) Settled() bool {
	return errors.Is(e.Err, ErrNone) ||
		e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusRequestTimeout
}
