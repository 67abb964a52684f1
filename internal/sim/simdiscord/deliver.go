package simdiscord

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"time"

	"hearth/internal/sim/simdiscord/form"
)

// result is what came back from the endpoint.
type result struct {
	status      int
	contentType string
	answer      []byte
	err         error
}

// Why no answer came.
var (
	errLate   = errors.New("no answer in time")
	errClosed = errors.New("the pretend Discord is closed")
)

// Sign makes the headers of a request to the endpoint: the body, signed as at
// that time.
func (d *Discord) Sign(at time.Time, body []byte) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	h := http.Header{}
	h.Set("X-Signature-Timestamp", stamp)
	h.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(d.key, append([]byte(stamp), body...))))
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Discord-Interactions/1.0 (+https://discord.com)")
	return h
}

// signBadly makes the headers of a request that the endpoint must refuse: a
// well formed signature with one wrong bit, another one every time.
func (d *Discord) signBadly(at time.Time, body []byte, n int) http.Header {
	h := d.Sign(at, body)
	sig, err := hex.DecodeString(h.Get("X-Signature-Ed25519"))
	if err != nil {
		panic("simdiscord: own signature is no hex: " + err.Error()) // programmer error
	}
	sig[n%len(sig)] ^= 1 << (n % 8)
	h.Set("X-Signature-Ed25519", hex.EncodeToString(sig))
	return h
}

// deliver sends one request and waits for its answer, at most AnswerWithin.
// wait must be called after the result was used; it returns when nothing of
// the delivery runs any more.
func (d *Discord) deliver(ctx context.Context, header http.Header, body []byte) (res result, wait func()) {
	ctx, cancel := context.WithCancel(ctx)
	got := make(chan result, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var r result
		r.status, r.contentType, r.answer, r.err = d.opts.Deliver(ctx, header, body)
		got <- r
	}()
	wait = func() { cancel(); <-done }
	select {
	case res = <-got:
	case <-d.opts.Clock.After(d.opts.AnswerWithin):
		res.err = errLate
	case <-d.stop:
		res.err = errClosed
	case <-ctx.Done():
		res.err = ctx.Err()
	}
	return res, wait
}

// finish delivers a registered interaction and settles it.
func (d *Discord) finish(ctx context.Context, ir *interaction, body []byte) Outcome {
	if why := d.EndpointDisabled(); why != "" {
		return d.settle(ir, result{err: fmt.Errorf("%w: %s", ErrEndpoint, why)})
	}
	res, wait := d.deliver(ctx, d.Sign(d.opts.Clock.Now(), body), body)
	out := d.settle(ir, res)
	wait()
	if ir.probe {
		if err := d.probe(ctx, body); err != nil && !errors.Is(err, errNoAnswer) {
			d.disable(err)
		}
	}
	return out
}

// EndpointDisabled says why Discord removed the endpoint's address, or is
// empty while it is in use. Only ValidateEndpoint and Reset bring it back.
func (d *Discord) EndpointDisabled() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.endpoint.disabled
}

func (d *Discord) disable(why error) {
	d.mu.Lock()
	d.endpoint.disabled = why.Error()
	d.mu.Unlock()
	d.opts.Log.Error("interactions endpoint disabled: it must answer 401 to a bad signature; mend it and validate it again", slog.Any("error", why))
}

var errNoAnswer = errors.New("no HTTP answer")

// probe sends a body with a bad signature; anything but a 401 is an error.
// One that wraps errNoAnswer says nothing about the endpoint's judgement.
func (d *Discord) probe(ctx context.Context, body []byte) error {
	d.mu.Lock()
	d.endpoint.probes++
	n := d.endpoint.probes
	d.mu.Unlock()
	res, wait := d.deliver(ctx, d.signBadly(d.opts.Clock.Now(), body, n), body)
	wait()
	if res.err != nil {
		return fmt.Errorf("%w to a bad signature: %w", errNoAnswer, res.err)
	}
	if res.status != http.StatusUnauthorized {
		return fmt.Errorf("%w: status %d to a bad signature, want 401: verify the signature before anything else", ErrEndpoint, res.status)
	}
	return nil
}

// ValidateEndpoint does what saving the endpoint's address in the developer
// portal does: a PING that must be answered 200 {"type":1} as JSON, and one
// with a bad signature that must be answered 401. If both are right, the
// endpoint is in use (again). Errors wrap ErrEndpoint or say why no answer
// came.
func (d *Discord) ValidateEndpoint(ctx context.Context) error {
	d.mu.Lock()
	id := d.newID()
	user := userJSON(Author{ID: d.people[0].ID, Name: d.people[0].Name})
	ping := wireInteraction{
		ID: id, ApplicationID: d.opts.ApplicationID, Type: interactionPing, Token: d.newToken(id), Version: 1,
		User: &user, AppPermissions: bitset(d.botPermissions()), Entitlements: []string{}, Owners: map[string]string{},
	}
	d.mu.Unlock()
	body, err := json.Marshal(ping)
	if err != nil {
		return fmt.Errorf("encode ping: %w", err)
	}
	res, wait := d.deliver(ctx, d.Sign(d.opts.Clock.Now(), body), body)
	wait()
	if res.err != nil {
		return fmt.Errorf("validate endpoint: ping: %w", res.err)
	}
	a, why := readAnswer(res)
	if why != "" {
		return fmt.Errorf("validate endpoint: ping: %w: %s", ErrEndpoint, why)
	}
	if res.status != http.StatusOK || a.Type != form.AnswerPong {
		return fmt.Errorf(`validate endpoint: ping: %w: status %d and type %d, want 200 {"type":1}`, ErrEndpoint, res.status, a.Type)
	}
	if err := d.probe(ctx, body); err != nil {
		return fmt.Errorf("validate endpoint: %w", err)
	}
	d.mu.Lock()
	d.endpoint.disabled = ""
	d.mu.Unlock()
	return nil
}

// readAnswer reads an answer; why says what is wrong with it.
func readAnswer(res result) (a form.Answer, why string) {
	if res.status < 200 || res.status > 299 {
		return form.Answer{}, fmt.Sprintf("status %d", res.status)
	}
	if media, _, err := mime.ParseMediaType(res.contentType); err != nil || media != "application/json" {
		return form.Answer{}, fmt.Sprintf("content type %q, want application/json", res.contentType)
	}
	a, err := form.ReadAnswer(res.answer)
	if errors.Is(err, form.ErrJSON) {
		return form.Answer{}, "the body is not JSON"
	}
	if err != nil {
		return form.Answer{}, "the body is not an object of type and data: " + err.Error()
	}
	return a, ""
}
