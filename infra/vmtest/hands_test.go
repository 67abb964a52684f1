//go:build linux

package vmtest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hands do on the machine what the test asks for.
type hands struct {
	commands chan string
	outputs  chan string
}

func newHands(t *testing.T) *hands {
	h := &hands{commands: make(chan string), outputs: make(chan string, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case command := <-h.commands:
			_, _ = io.WriteString(w, command)
		case <-r.Context().Done():
		case <-time.After(time.Minute):
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST /done", func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body) // what came of it
		select {
		case h.outputs <- string(b):
		default: // nobody waits for it any more
		}
	})
	serve(t, listen(t, wayOut+":8077"), mux)
	return h
}

// do runs a shell command there and returns what it printed, and whether it
// ended well.
func (h *hands) do(t *testing.T, command string) (out string, ok bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	select {
	case <-h.outputs: // of a command that was given up
	default:
	}
	select {
	case h.commands <- command + "\n":
	case <-ctx.Done():
		t.Fatalf("nobody on the machine takes the command %q", command)
	}
	select {
	case out = <-h.outputs:
	case <-ctx.Done():
		t.Fatalf("no end of the command %q", command)
	}
	out = "\n" + strings.TrimRight(out, "\n")
	last := strings.LastIndex(out, "\n")
	return strings.TrimSpace(out[:last]), out[last:] == "\nexit 0"
}
