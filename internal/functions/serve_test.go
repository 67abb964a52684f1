package functions_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"hearth/internal/functions"
)

var errStopped = errors.New("stopped by the test")

func TestServe(t *testing.T) {
	r := newRig()
	l, err := functions.Listen(t.Context(), "0")
	if err != nil {
		t.Fatal(err)
	}
	if host, _, _ := net.SplitHostPort(l.Addr().String()); host != "127.0.0.1" {
		t.Errorf("listens on %s, want 127.0.0.1", host)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	served := make(chan error, 1)
	begun, finish := make(chan struct{}), make(chan struct{})
	r.handle = func(context.Context) error { close(begun); <-finish; return nil }
	go func() { served <- r.app.Serve(ctx, l) }()

	base := "http://" + l.Addr().String()
	resp, err := http.Get(base + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	status := make(chan int, 1)
	go func() {
		resp, err := http.Post(base+"/tick", "application/json", strings.NewReader(string(golden(t, "envelope/timer.json"))))
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		_ = resp.Body.Close()
		status <- resp.StatusCode
	}()
	// What is in hand is finished, and the end is an error all the same.
	<-begun
	stop(errStopped)
	close(finish)
	if got := <-status; got != http.StatusOK {
		t.Errorf("invocation in hand = %d, want 200", got)
	}
	if err := <-served; !errors.Is(err, errStopped) {
		t.Errorf("Serve = %v, want what ended it", err)
	}
}

func TestServeEndsByItself(t *testing.T) {
	l, err := functions.Listen(t.Context(), "0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := newRig().app.Serve(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve on a closed listener = %v, want that error", err)
	}
}

func TestListen(t *testing.T) {
	taken, err := functions.Listen(t.Context(), "0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, c := range []struct{ port, says string }{
		{"", "started by the Azure Functions host"},
		{"http", "not a port"},
		{"65536", "not a port"},
		{port, "in use"},
	} {
		l, err := functions.Listen(t.Context(), c.port)
		if err == nil {
			_ = l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Listen(%q) = %v, want one that says %q", c.port, err, c.says)
		}
	}
}
