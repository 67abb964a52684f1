package docker_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/world"
)

// TestStartUnknown: what Start says when the engine goes away in the middle of
// it, by the request at which it does.
func TestStartUnknown(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		at    string // how the path of the request ends
		maybe bool   // it may run
		runs  bool   // it does
	}{
		{"create", "/containers/create", false, false},
		{"start", "/start", true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.o.Clock = clock.NewScaled(100, time.Now()) // nobody comes back: no need to wait long
			var away atomic.Bool
			r.o.Host = r.through(t, &away, tc.at)
			g := r.game()
			_, err := g.Start(t.Context(), noted)
			if err == nil || errors.Is(err, world.ErrMaybeRunning) != tc.maybe {
				t.Errorf("start: %v; want ErrMaybeRunning %v", err, tc.maybe)
			}
			away.Store(false)
			s, err := g.Find(t.Context(), world.Place{})
			if !tc.runs {
				if !errors.Is(err, world.ErrNotFound) {
					t.Errorf("find: %v, want ErrNotFound", err)
				}
				return
			}
			if err != nil {
				t.Fatalf("the server that may run is not found: %v", err)
			}
			(&running{Server: s, r: r}).until(opened)
		})
	}
}

// through is the address of the rig's engine behind a proxy that passes the
// first request whose path has the suffix on, loses the answer, and from then
// on every other request, until away is unset.
func (r *rig) through(t *testing.T, away *atomic.Bool, suffix string) string {
	t.Helper()
	dial := r.api.Dialer()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
		Transport: &http.Transport{
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			DisableKeepAlives: true,
		},
		FlushInterval: -1,
	}
	var met atomic.Bool
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasSuffix(q.URL.Path, suffix) && met.CompareAndSwap(false, true) {
			away.Store(true)
			proxy.ServeHTTP(httptest.NewRecorder(), q)
			panic(http.ErrAbortHandler)
		}
		if away.Load() {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, q)
	}))
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	return "tcp://" + front.Listener.Addr().String()
}
