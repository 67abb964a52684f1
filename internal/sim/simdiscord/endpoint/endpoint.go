// Package endpoint is Discord's way to an application's interactions endpoint:
// requests that are signed with the application's key and answered in time or
// not at all, and now and then one with a bad signature, which must be refused.
// It knows nothing of what is asked.
package endpoint

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"sync"
	"time"

	"hearth/internal/sim/simdiscord/form"
)

// Clock is the time that signatures bear and that answers are waited for.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// Deliver takes one signed request to the endpoint and brings back its answer.
// An error means that no HTTP answer came. It must return soon after ctx is
// done.
type Deliver func(ctx context.Context, header http.Header, body []byte) (status int, contentType string, answer []byte, err error)

// Errors that callers branch on.
var (
	// ErrRefused: Discord does not use the endpoint, for the reason that
	// follows.
	ErrRefused = errors.New("interactions endpoint refused")
	// ErrClosed is the end of what was under way at Close.
	ErrClosed = errors.New("the pretend Discord is closed")
)

// Why no answer came.
var (
	errLate     = errors.New("no answer in time")
	errNoAnswer = errors.New("no HTTP answer")
)

// Options are fixed for the life of an Endpoint; all are required.
type Options struct {
	Clock   Clock
	Key     ed25519.PrivateKey // the application's
	Deliver Deliver
	Within  time.Duration // how long an answer may take
	Log     *slog.Logger
}

// Endpoint is one application's. It is safe for concurrent use.
type Endpoint struct {
	opts Options // never changes

	closed chan struct{} // by close
	close  func()

	mu       sync.Mutex // guards what follows
	deliver  Deliver    // the way to its present address
	disabled string     // why its address was removed; empty while it is in use
	probes   int        // bad signatures sent so far
}

// New makes an endpoint that is in use. It starts nothing.
func New(o Options) *Endpoint {
	closed := make(chan struct{})
	return &Endpoint{opts: o, deliver: o.Deliver, closed: closed, close: sync.OnceFunc(func() { close(closed) })}
}

// PublicKey is the application's key in hex, as the developer portal shows it.
func (e *Endpoint) PublicKey() string {
	return hex.EncodeToString(e.opts.Key.Public().(ed25519.PublicKey))
}

// Sign makes the headers of a request: the body, signed as at that time.
func (e *Endpoint) Sign(at time.Time, body []byte) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	h := http.Header{}
	h.Set("X-Signature-Timestamp", stamp)
	h.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(e.opts.Key, append([]byte(stamp), body...))))
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Discord-Interactions/1.0 (+https://discord.com)")
	return h
}

// signBadly makes the headers of a request that the endpoint must refuse: a
// well formed signature with one wrong bit, another one every time.
func (e *Endpoint) signBadly(at time.Time, body []byte, n int) http.Header {
	h := e.Sign(at, body)
	sig, err := hex.DecodeString(h.Get("X-Signature-Ed25519"))
	if err != nil {
		panic("simdiscord: own signature is no hex: " + err.Error()) // programmer error
	}
	sig[n%len(sig)] ^= 1 << (n % 8)
	h.Set("X-Signature-Ed25519", hex.EncodeToString(sig))
	return h
}

// Ask sends a body, rightly signed, and hands the answer to use, or why none
// came that can be used. It returns when nothing of the delivery runs any
// more; use is called before that, as soon as it is known.
func (e *Endpoint) Ask(ctx context.Context, body []byte, use func(form.Answer, error)) {
	if why := e.Disabled(); why != "" {
		use(form.Answer{}, fmt.Errorf("%w: %s", ErrRefused, why))
		return
	}
	res, wait := e.send(ctx, e.way(), e.Sign(e.opts.Clock.Now(), body), body)
	use(res.read())
	wait()
}

// Probe sends a body with a bad signature. An endpoint that does not refuse it
// is not used any more.
func (e *Endpoint) Probe(ctx context.Context, body []byte) {
	err := e.probe(ctx, e.way(), body)
	if err == nil || errors.Is(err, errNoAnswer) { // no answer says nothing about its judgement
		return
	}
	e.setDisabled(err.Error())
	e.opts.Log.Error("interactions endpoint disabled: it must answer 401 to a bad signature; mend it and validate it again", slog.Any("error", err))
}

// Validate does what saving the endpoint's address in the developer portal
// does: a PING that must be answered 200 {"type":1} as JSON, and one with a
// bad signature that must be answered 401. If both are right, the endpoint is
// in use (again). Errors wrap ErrRefused or say why no answer came.
func (e *Endpoint) Validate(ctx context.Context, ping []byte) error {
	return e.Move(ctx, e.way(), ping)
}

// Move validates another address, and uses it from then on if all is right.
// Otherwise nothing has changed.
func (e *Endpoint) Move(ctx context.Context, deliver Deliver, ping []byte) error {
	res, wait := e.send(ctx, deliver, e.Sign(e.opts.Clock.Now(), ping), ping)
	wait()
	if res.err != nil {
		return fmt.Errorf("validate endpoint: ping: %w", res.err)
	}
	a, err := res.read()
	if err != nil {
		return fmt.Errorf("validate endpoint: ping: %w: %w", ErrRefused, err)
	}
	if res.status != http.StatusOK || a.Type != form.AnswerPong {
		return fmt.Errorf(`validate endpoint: ping: %w: status %d and type %d, want 200 {"type":1}`, ErrRefused, res.status, a.Type)
	}
	if err := e.probe(ctx, deliver, ping); err != nil {
		return fmt.Errorf("validate endpoint: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deliver, e.disabled = deliver, ""
	return nil
}

// Remove takes the address away.
func (e *Endpoint) Remove() { e.setDisabled("its address was removed") }

func (e *Endpoint) way() Deliver {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.deliver
}

// Disabled says why Discord removed the endpoint's address, or is empty while
// it is in use. Only Validate, Move and Reset bring it back.
func (e *Endpoint) Disabled() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.disabled
}

func (e *Endpoint) setDisabled(why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.disabled = why
}

// Reset forgets what was learnt of the endpoint.
func (e *Endpoint) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.disabled, e.probes = "", 0
}

// Close cuts off what is under way, with ErrClosed. Twice does no harm.
func (e *Endpoint) Close() { e.close() }

// probe sends a body with a bad signature; anything but a 401 is an error.
func (e *Endpoint) probe(ctx context.Context, deliver Deliver, body []byte) error {
	e.mu.Lock()
	e.probes++
	n := e.probes
	e.mu.Unlock()
	res, wait := e.send(ctx, deliver, e.signBadly(e.opts.Clock.Now(), body, n), body)
	wait()
	if res.err != nil {
		return fmt.Errorf("%w to a bad signature: %w", errNoAnswer, res.err)
	}
	if res.status != http.StatusUnauthorized {
		return fmt.Errorf("%w: status %d to a bad signature, want 401: verify the signature before anything else", ErrRefused, res.status)
	}
	return nil
}

// result is what came back of one request.
type result struct {
	status      int
	contentType string
	answer      []byte
	err         error
}

// send sends one request and waits for its answer. wait returns when nothing
// of the delivery runs any more.
func (e *Endpoint) send(ctx context.Context, deliver Deliver, header http.Header, body []byte) (res result, wait func()) {
	ctx, cancel := context.WithCancel(ctx)
	got := make(chan result, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var r result
		r.status, r.contentType, r.answer, r.err = deliver(ctx, header, body)
		got <- r
	}()
	wait = func() { cancel(); <-done }
	select {
	case res = <-got:
	case <-e.opts.Clock.After(e.opts.Within):
		res.err = errLate
	case <-e.closed:
		res.err = ErrClosed
	case <-ctx.Done():
		res.err = ctx.Err()
	}
	return res, wait
}

// read reads the answer; the error says what is wrong with it.
func (r result) read() (form.Answer, error) {
	if r.err != nil {
		return form.Answer{}, r.err
	}
	if r.status < 200 || r.status > 299 {
		return form.Answer{}, fmt.Errorf("status %d", r.status)
	}
	if media, _, err := mime.ParseMediaType(r.contentType); err != nil || media != "application/json" {
		return form.Answer{}, fmt.Errorf("content type %q, want application/json", r.contentType)
	}
	a, err := form.ReadAnswer(r.answer)
	if errors.Is(err, form.ErrJSON) {
		return form.Answer{}, errors.New("the body is not JSON")
	}
	if err != nil {
		return form.Answer{}, fmt.Errorf("the body is not an object of type and data: %w", err)
	}
	return a, nil
}
