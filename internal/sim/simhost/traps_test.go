package simhost_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simhost"
	"hearth/internal/world/worldtest"
)

// plainFile is an HTTP function with no other output.
const plainFile = `{"bindings":[
 {"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous","route":"plain"},
 {"type":"http","direction":"out","name":"res"}]}`

func plain(t *testing.T, brain answer) *rig {
	t.Helper()
	return newRig(t, map[string]string{"plain/function.json": plainFile}, brain)
}

// hurry lets functionTimeout pass in a second.
func (r *rig) hurry() *rig {
	r.write("host.json", strings.Replace(hostFile, `"00:05:00"`, `"00:00:04"`, 1))
	r.opts.Clock = clock.NewScaled(4, time.Time{})
	return r
}

// Trap 1: an answer without a body, or JSON's null, hangs until functionTimeout
// and takes the handler with it, and all it is doing.
func TestTrapEmptyAnswer(t *testing.T) {
	for name, naive := range map[string]answer{
		"200 without a body": func(w http.ResponseWriter, _ call) { w.WriteHeader(http.StatusOK) },
		"204":                func(w http.ResponseWriter, _ call) { w.WriteHeader(http.StatusNoContent) },
		"null":               say("null"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			neighbour := make(chan struct{})
			r := plain(t, func(w http.ResponseWriter, c call) {
				if strings.Contains(string(c.body), "neighbour") {
					close(neighbour)
					<-c.Context().Done()
					return
				}
				if c.n == 1 {
					naive(w, c)
					return
				}
				say(okReply)(w, c)
			}).hurry().start()
			begin := r.opts.Clock.Now()
			var other reply
			var both sync.WaitGroup
			both.Go(func() {
				for len(r.called("/plain")) == 0 { // after the first
					<-time.After(time.Millisecond)
				}
				other = r.do(http.MethodPost, "/api/plain", "neighbour")
			})
			got := r.do(http.MethodPost, "/api/plain", "")
			took := r.opts.Clock.Now().Sub(begin)
			both.Wait()
			<-neighbour
			if got.status != 500 || took < 6*time.Second {
				t.Errorf("got %d after %v, want 500 after functionTimeout and 2 s", got.status, took)
			}
			if other.status != 500 {
				t.Errorf("the neighbour got %d, want 500", other.status)
			}
			if again := r.do(http.MethodPost, "/api/plain", ""); again.status != 200 || again.body != "ok" {
				t.Errorf("the next call got %+v, want it answered by a new handler\n%s", again, r.log)
			}
			calls := r.called("/plain")
			if first, last := calls[0].Header.Get(pidHeader), calls[len(calls)-1].Header.Get(pidHeader); first == last {
				t.Errorf("handler %s was not started anew", first)
			}
			if r.host.Err() != nil {
				t.Errorf("got %v: that is no error to the host", r.host.Err())
			}
		})
	}
}

// A call that ends within the grace keeps the handler, and fails all the same.
func TestTimeoutWithinGrace(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := plain(t, func(w http.ResponseWriter, c call) {
		if c.n == 1 {
			<-release
		}
		say(okReply)(w, c)
	})
	c := worldtest.NewClock()
	r.opts.Clock = c
	r.start()
	r.eventually("the handler is ready", func() bool {
		c.Advance(25 * time.Millisecond) // it is asked again
		return strings.Contains(r.log.String(), "handler ready")
	})
	late := make(chan reply)
	go func() { late <- r.do(http.MethodPost, "/api/plain", "") }()
	r.eventually("the function runs", func() bool { return r.count(simhost.Invoked) == 1 })
	c.Advance(5 * time.Minute)
	r.eventually("it is out of time", func() bool { return strings.Contains(r.log.String(), "out of time") })
	close(release)
	if got := <-late; got.status != 500 {
		t.Errorf("got %d, want 500", got.status)
	}
	if got := r.do(http.MethodPost, "/api/plain", ""); got.status != 200 {
		t.Errorf("got %d, want 200", got.status)
	}
	if calls := r.called("/plain"); calls[0].Header.Get(pidHeader) != calls[1].Header.Get(pidHeader) {
		t.Error("the handler was started anew")
	}
}

// Trap 2 and the other answers that fail at once: 500 to the caller, and the
// handler stays.
func TestTrapBadAnswers(t *testing.T) {
	with := func(status int, kind, text string) answer {
		return func(w http.ResponseWriter, _ call) {
			if kind != "" {
				w.Header().Set("Content-Type", kind)
			}
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, text)
		}
	}
	var naive answer
	r := plain(t, func(w http.ResponseWriter, c call) { naive(w, c) }).start()
	for name, tt := range map[string]struct {
		brain answer
		log   string
	}{
		"Go's sniffed type": {with(200, "text/plain; charset=utf-8", okReply), "text/plain"},
		"no type":           {with(200, "", okReply), "Content-Type"},
		"no JSON":           {with(200, "application/json", "ok"), "no JSON"},
		"not 2xx":           {with(400, "application/json", okReply), "400"},
		"a header's list":   {say(`{"Outputs":{"res":{"headers":{"Set-Cookie":["a"]}}}}`), "Set-Cookie"},
		"a header's number": {say(`{"Outputs":{"res":{"headers":{"Retry-After":5}}}}`), "Retry-After"},
	} {
		t.Run(name, func(t *testing.T) {
			naive = tt.brain
			if got := r.do(http.MethodPost, "/api/plain", ""); got.status != 500 || got.body != "" {
				t.Errorf("got %+v, want 500", got)
			}
			if !strings.Contains(r.log.String(), tt.log) {
				t.Errorf("the log does not tell of %q:\n%s", tt.log, r.log)
			}
		})
	}
	naive = say(okReply)
	if got := r.do(http.MethodPost, "/api/plain", ""); got.status != 200 {
		t.Errorf("got %+v afterwards", got)
	}
}

// Trap 3: a handler that leaves with 0 is not started again: what comes later
// finds nothing that listens. With another code it is, twice.
func TestTrapExit0(t *testing.T) {
	r := plain(t, func(w http.ResponseWriter, _ call) { w.Header().Set(exitHeader, "0") }).start()
	for range 3 {
		if got := r.do(http.MethodPost, "/api/plain", ""); got.status != 500 {
			t.Errorf("got %+v", got)
		}
	}
	r.eventually("the handler is gone", func() bool { return r.host.Pid() == 0 })
	if r.host.Pid() != 0 || r.host.Err() != nil || len(r.called("/plain")) != 1 {
		t.Errorf("pid %d, %v, %d calls: want a host without a handler", r.host.Pid(), r.host.Err(), len(r.called("/plain")))
	}
}

func TestThirdExitStopsTheHost(t *testing.T) {
	t.Parallel()
	r := plain(t, func(w http.ResponseWriter, _ call) {
		w.Header().Set(exitHeader, "3")
		w.Header().Set(stderrHeader, "panic: at the end")
	}).start()
	r.eventually("the host stops", func() bool {
		r.do(http.MethodPost, "/api/plain", "")
		return r.host.Err() != nil
	})
	<-r.host.Done()
	if err := r.host.Err(); err == nil || !strings.Contains(err.Error(), "three times") || !strings.Contains(err.Error(), "code 3") {
		t.Errorf("got %v", err)
	}
	if n := strings.Count(r.log.String(), "ERROR handler said line=panic: at the end"); n != 3 {
		t.Errorf("its last words stand %d times in the log, want 3", n)
	}
	if got := r.do(http.MethodPost, "/api/plain", ""); got.status != http.StatusServiceUnavailable {
		t.Errorf("got %d from a host that stopped, want 503", got.status)
	}
}

// Trap 4: who decodes a queue's text once only does not get the message.
func TestTrapDoubleEncoding(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{"work/function.json": workFile}, func(w http.ResponseWriter, c call) {
		var e struct {
			Data struct {
				Job struct{ Op string }
			}
			Metadata struct{ DequeueCount int }
		}
		if err := json.Unmarshal(c.body, &e); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		say("{}")(w, c)
	}).queued().start()
	r.send(`{"op":"start"}`)
	r.eventually("the message is in the poison queue", func() bool { return r.count(simhost.Poisoned) == 1 })
	if got := r.peek(r.jobs + "-poison"); len(got) != 1 || got[0] != "eyJvcCI6InN0YXJ0In0=" {
		t.Errorf("got %q in the poison queue", got)
	}
	if n := r.count(simhost.Released); n != 2 {
		t.Errorf("released %d times, want 2", n)
	}
}

// Trap 5: what a handler writes to stderr, as Go's log does, is an Error.
func TestTrapStderr(t *testing.T) {
	lines := []string{"all is well", "WARNING: not so well", "LanguageWorkerConsoleLog hello"}
	var out bool
	r := plain(t, func(w http.ResponseWriter, c call) {
		header := stderrHeader
		if out {
			header = stdoutHeader
		}
		w.Header().Set(header, lines[(c.n-1)%len(lines)])
		say(okReply)(w, c)
	}).start()
	for _, out = range []bool{false, true} {
		for range lines {
			r.do(http.MethodPost, "/api/plain", "")
		}
	}
	for _, want := range []string{
		"ERROR handler said line=all is well", "WARN handler said line=WARNING: not so well", "DEBUG handler said to the host line= hello",
		"INFO handler said line=all is well", "INFO handler said line=WARNING: not so well", "INFO handler said line=ready to listen",
	} {
		r.eventually(want, func() bool { return strings.Contains(r.log.String(), want) })
	}
	r.eventually("both lines for the host", func() bool { return strings.Count(r.log.String(), "handler said to the host") == 2 })
}
