package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"hearth/internal/probe"
)

// interrupter ends a program once it has printed a line.
type interrupter struct {
	strings.Builder
	end context.CancelFunc
}

func (i *interrupter) Write(b []byte) (int, error) {
	defer i.end()
	return i.Builder.Write(b)
}

// TestProbeInterrupted: Ctrl-C in a long pause prints what was measured so far.
func TestProbeInterrupted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		code int
		want string
	}{
		"right": {`{"type":1}`, exitOK, "1 probes, 0 failed; 1 within Discord's 3s\naverage 0."},
		"wrong": {`{"type":4}`, exitFailed, "1 probes, 1 failed; 0 within Discord's 3s\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(tc.body))
			}))
			defer server.Close()
			key := filepath.Join(t.TempDir(), "probe.key")
			if _, err := probe.NewKey(key); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			out := &interrupter{end: cancel}
			var trouble strings.Builder
			code := run(ctx, []string{"hearth", "probe", server.URL, "--key", key, "--after", "1h,2h"}, func(string) string { return "" }, nil, out, &trouble)
			if code != tc.code || trouble.String() != "" {
				t.Errorf("code %d, %s; want %d", code, trouble.String(), tc.code)
			}
			if text := out.String(); !strings.Contains(text, "Interrupted after 1 of 3 probes.\n"+tc.want) {
				t.Errorf("got %q, want %q in it", text, tc.want)
			}
		})
	}
}
