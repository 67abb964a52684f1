package simhost_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"hearth/internal/functions"
	"hearth/internal/sim/simhost"
)

// proper is a handler made with our own end of the protocol.
func proper() int {
	a := functions.New(functions.Options{Log: slog.New(slog.NewTextHandler(os.Stdout, nil))})
	a.HTTP("front", functions.HTTPBindings{Trigger: "req", Response: "res", Queues: []string{"out"}}, func(_ context.Context, r functions.Request) (functions.Response, error) {
		return functions.Response{
			Status: http.StatusAccepted, Header: map[string]string{"Content-Type": "application/json", "X-Signature": r.Header.Get("X-Signature")},
			Body: []byte(`{"type": 5}`), Enqueue: map[string][]byte{"out": r.Body},
		}, nil
	})
	a.Queue("work", "job", func(_ context.Context, m functions.Message) error {
		fmt.Printf("work has %q, %d\n", m.Body, m.DequeueCount)
		if strings.HasPrefix(string(m.Body), "fail") {
			return errors.New("as it was told")
		}
		return nil
	})
	a.Timer("tick", "tick", func(context.Context, functions.Tick) error { return nil })
	l, err := functions.Listen(context.Background(), os.Getenv(functions.PortVariable))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(a.Serve(context.Background(), l))
	return 1
}

// Both ends of the protocol together: what goes in at the front comes out of the
// queue byte by byte, whatever it looks like to the host.
func TestBothEnds(t *testing.T) {
	for kind, trigger := range map[string]string{"text": workFile, "binary": strings.Replace(workFile, `"name"`, `"dataType":"binary","name"`, 1)} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, map[string]string{"front/function.json": frontFile, "work/function.json": trigger, "tick/function.json": tickFile}, nil).queued()
			r.opts.Settings["TEST_BRAIN"] = "proper"
			r.start()
			bodies := []string{`{"id":"x","dequeueCount":9,"nested":{"a":[1, 2]}}`, "stop", "eyJhIjoxfQ==", `["a","b"]`, "plain <&> words", "Ærö ❄ \u2028"}
			for _, body := range bodies {
				got := r.do(http.MethodPost, "/api/front", body, "X-Signature", "ab")
				if got.status != http.StatusAccepted || got.body != `{"type": 5}` || got.header.Get("X-Signature") != "ab" || got.header.Get("Content-Type") != "application/json" {
					t.Errorf("%q: got %+v\n%s", body, got, r.log)
				}
				want := fmt.Sprintf("INFO handler said line=work has %q, ", body)
				r.eventually(want, func() bool { return strings.Contains(r.log.String(), want) })
			}
			r.eventually("all are deleted", func() bool { return r.count(simhost.Deleted) == len(bodies) })
			r.do(http.MethodPost, "/api/front", "fail")
			r.eventually("what fails is set aside", func() bool { return r.count(simhost.Poisoned) == 1 })
			if n := r.count(simhost.Released); n != 2 {
				t.Errorf("released %d times, want 2", n)
			}
			if err := r.host.Fire(t.Context(), "tick"); err != nil {
				t.Error(err)
			}
			if s := r.log.String(); strings.Contains(s, "ERROR handler said") || strings.Contains(s, "never completes") {
				t.Errorf("the log:\n%s", s)
			}
		})
	}
}
