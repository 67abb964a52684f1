package simdiscord_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"hearth/internal/sim/simdiscord"
)

// rightEndpoint answers as an endpoint should.
func rightEndpoint(t *testing.T, w *world) func(context.Context, http.Header, []byte) (int, string, string, error) {
	return func(_ context.Context, h http.Header, body []byte) (int, string, string, error) {
		switch {
		case !verify(t, w.PublicKey(), delivery{h, body}):
			return 401, "text/plain", "no", nil
		case strings.Contains(string(body), `"type":1,"token"`):
			return 200, "application/json", `{"type":1}`, nil
		}
		return 200, "application/json", `{"type":5}`, nil
	}
}

func TestBadSignatures(t *testing.T) {
	every := func(o *simdiscord.Options) { o.BadSignatureEvery = 2 }
	t.Run("a right endpoint stays", func(t *testing.T) {
		w := newWorld(t, every)
		w.registerStart()
		w.does(rightEndpoint(t, w))
		for range 4 {
			w.interact(w.start("Bo"))
		}
		bad := 0
		for _, d := range w.deliveries() {
			if !verify(t, w.PublicKey(), d) {
				bad++
			}
		}
		if bad != 2 || w.EndpointDisabled() != "" || len(w.Messages()) != 4 {
			t.Errorf("%d bad signatures, disabled %q, %d messages", bad, w.EndpointDisabled(), len(w.Messages()))
		}
	})
	t.Run("one that does not verify is disabled", func(t *testing.T) {
		w := newWorld(t, every)
		w.registerStart()
		w.interact(w.start("Bo"))
		w.interact(w.start("Bo"))
		if w.EndpointDisabled() == "" || !strings.Contains(w.log.String(), "endpoint disabled") {
			t.Fatalf("not disabled; log %s", w.log)
		}
		if out := w.interact(w.start("Bo")); out.State != simdiscord.StateFailed {
			t.Errorf("outcome %+v", out)
		}
		w.does(rightEndpoint(t, w))
		if err := w.ValidateEndpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		if out := w.interact(w.start("Bo")); out.State != simdiscord.StateDone {
			t.Errorf("after it was mended: %+v", out)
		}
	})
}
