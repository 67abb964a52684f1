package simhost_test

import (
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simhost"
)

// A handler that is killed loses its invocation at once; the message is released
// and comes again, to the next handler. Killed at each step that the handler
// has a part in.
func TestHandlerKilled(t *testing.T) {
	for _, tt := range []struct {
		at    simhost.Phase
		twice bool // the message comes a second time
	}{
		{simhost.Received, false}, // the call waits for the next handler
		{simhost.Invoked, true},
		{simhost.Answered, false}, // it has answered: the host goes on
		{simhost.Bound, false},
	} {
		t.Run(string(tt.at), func(t *testing.T) {
			t.Parallel()
			var first atomic.Int64
			r := newRig(t, map[string]string{"work/function.json": workFile}, func(w http.ResponseWriter, c call) {
				if c.Header.Get(pidHeader) == strconv.FormatInt(first.Load(), 10) && tt.at == simhost.Invoked {
					<-c.Context().Done() // the relay's call ends with it
					return
				}
				say(`{}`)(w, c)
			}).queued()
			killed := false
			note := r.opts.Observe
			r.opts.Observe = func(m simhost.Moment) {
				note(m)
				if m.Phase == tt.at && !killed {
					killed = true
					if err := r.host.KillHandler(); err != nil {
						t.Error(err)
					}
				}
			}
			r.start()
			r.eventually("the handler runs", func() bool { return r.host.Pid() != 0 })
			first.Store(int64(r.host.Pid()))
			r.send("hello")
			r.eventually("the message is deleted", func() bool { return r.count(simhost.Deleted) == 1 })
			r.eventually("another handler runs", func() bool { return r.host.Pid() != 0 && r.host.Pid() != int(first.Load()) })
			if got := r.count(simhost.Released) == 1; got != tt.twice {
				t.Errorf("released: got %v, want %v: %v", got, tt.twice, r.phases())
			}
			if err := r.host.Err(); err != nil {
				t.Errorf("got %v, want the host going on", err)
			}
		})
	}
}

// An instance that crashes leaves its message leased: it comes again when the
// lease has lapsed, and not before. 600 s are 3 s at this speed.
func TestHostCrashed(t *testing.T) {
	for _, at := range []simhost.Phase{simhost.Received, simhost.Invoked, simhost.Answered, simhost.Bound} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, map[string]string{"work/function.json": workFile}, say(`{}`)).queued()
			r.opts.Clock, r.opts.Speed = clock.NewScaled(20, time.Time{}), 200
			note := r.opts.Observe
			r.opts.Observe = func(m simhost.Moment) {
				note(m)
				if m.Phase == at {
					r.host.Crash()
				}
			}
			r.start()
			r.send("hello")
			<-r.host.Done()
			if err := r.host.Err(); !errors.Is(err, simhost.ErrCrashed) {
				t.Errorf("got %v, want ErrCrashed", err)
			}
			if pid := r.host.Pid(); pid != 0 {
				t.Errorf("the handler %d outlives its host", pid)
			}
			if n := r.count(simhost.Deleted) + r.count(simhost.Released); n > 0 {
				t.Errorf("something was done to the message after the crash: %v", r.phases())
			}
			if got := r.peek(r.jobs); len(got) > 0 {
				t.Errorf("the message is visible at once: %v", got)
			}
			r.opts.Observe = note
			r.start()
			r.eventually("the message is deleted by the next host", func() bool { return r.count(simhost.Deleted) == 1 })
			r.mu.Lock()
			defer r.mu.Unlock()
			if last := r.moments[len(r.moments)-1]; last.DequeueCount != 2 {
				t.Errorf("got the last moment %+v, want the second delivery", last)
			}
		})
	}
}

// Close waits for what is under way, and takes nothing new.
func TestClose(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := newRig(t, map[string]string{"work/function.json": workFile}, func(w http.ResponseWriter, c call) {
		<-release
		say(`{}`)(w, c)
	}).queued().start()
	r.send("hello")
	r.eventually("the function runs", func() bool { return r.count(simhost.Invoked) == 1 })
	closed := make(chan error)
	go func() { closed <- r.host.Close(t.Context()) }()
	select {
	case err := <-closed:
		t.Errorf("Close did not wait: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	close(release)
	if err := <-closed; err != nil || r.host.Err() != nil {
		t.Errorf("got %v and %v, want nothing", err, r.host.Err())
	}
	if r.count(simhost.Deleted) != 1 || r.host.Pid() != 0 {
		t.Errorf("got %v and handler %d, want the message deleted and the handler gone", r.phases(), r.host.Pid())
	}
	if got := r.do(http.MethodGet, "/api/work", ""); got.status != http.StatusServiceUnavailable {
		t.Errorf("got %d after Close, want 503", got.status)
	}
}

// What is not done after ten seconds is abandoned: the message stays leased.
func TestCloseAbandons(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{"work/function.json": workFile}, func(_ http.ResponseWriter, c call) {
		<-c.Context().Done()
	}).queued()
	r.opts.Clock = clock.NewScaled(20, time.Time{})
	r.start()
	r.send("hello")
	r.eventually("the function runs", func() bool { return r.count(simhost.Invoked) == 1 })
	if err := r.host.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := r.count(simhost.Deleted) + r.count(simhost.Released); n > 0 || len(r.peek(r.jobs)) > 0 {
		t.Errorf("got %v, want the message left alone", r.phases())
	}
}
