package retry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Scope is what a global rate limit covers.
type Scope string

// Scopes, which Discord counts apart.
const (
	Bot    Scope = "bot"    // calls with the bot token
	Answer Scope = "answer" // calls with an interaction's token
)

// Call is one call through all its attempts; one goroutine uses it, once.
type Call struct {
	Route  string // for people: the method and the route's template
	Bucket string // names its rate limit: template and major parameter
	Scope  Scope
	Once   bool              // a repeat might do it twice: retry only what was surely refused
	Redact *strings.Replacer // takes the secrets of this call out of a text

	tries   int
	missing int           // early 404s
	pause   time.Duration // before the next attempt
	failure *Error        // the last attempt's answer, if it was a refusal
	lost    error         // the last attempt's error, if it had no answer
	header  http.Header   // of the last answer
	unsure  bool          // an attempt may have been carried out that had no answer
	asked   time.Duration // the wait that the last answer asked for
}

// callKey: a call travels in the context, since retryablehttp's hooks are
// given nothing else.
type callKey struct{}

var errNoCall = errors.New("request outside of a call")

func callOf(ctx context.Context) (*Call, error) {
	c, ok := ctx.Value(callKey{}).(*Call)
	if !ok {
		return nil, errNoCall
	}
	return c, nil
}

// Do makes the call: send makes its request, with a client of NewClient and
// the context that it is given. A refusal is an *Error, also when ctx ended while
// it was waited out; then both are in the error. All errors are made here
// anew: those of net/http hold the URL, and disgo's the request with its
// headers.
func (c *Call) Do(ctx context.Context, send func(context.Context) error) error {
	err := send(context.WithValue(ctx, callKey{}, c))
	switch {
	case err == nil && c.failure == nil:
		return nil
	case c.failure != nil && ctx.Err() != nil:
		return fmt.Errorf("%w; then no time was left: %w", c.refusal(), context.Cause(ctx))
	case c.failure != nil:
		return c.refusal()
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", c.Route, context.Cause(ctx))
	}
	if c.lost != nil {
		err = c.lost
	}
	return &lostError{text: c.Route + ": " + cut(c.Redact.Replace(withoutURL(err).Error()), 300), cause: contextError(err)}
}

// refusal is the last answer as this call's. The gate may have it as well.
func (c *Call) refusal() *Error {
	e := *c.failure
	e.Maybe = c.unsure
	return &e
}

// withoutURL is the error inside of every *url.Error.
func withoutURL(err error) error {
	for {
		u, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = u.Err
	}
}

func contextError(err error) error {
	for _, cause := range []error{context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, cause) {
			return cause
		}
	}
	return nil
}

// status is that of the last answer, if it was a refusal, or else 0.
func (c *Call) status() int {
	if c.failure == nil {
		return 0
	}
	return c.failure.Status
}
