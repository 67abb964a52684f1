package panel_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/playground/panel"
)

// page is a response that can be read while it is written.
type page struct {
	mu      sync.Mutex // guards what follows
	head    http.Header
	text    strings.Builder
	flushed int
}

func (p *page) Header() http.Header { return p.head }
func (p *page) WriteHeader(int)     {}
func (p *page) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushed = p.text.Len()
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

// events returns what was flushed, split into events.
func (p *page) events() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Split(strings.TrimSuffix(p.text.String()[:p.flushed], "\n\n"), "\n\n")
}

// count says how many events begin with a line that contains what.
func (p *page) count(what string) int {
	n := 0
	for _, e := range p.events() {
		if strings.Contains(e, what) {
			n++
		}
	}
	return n
}

// listen opens a stream inside a bubble and closes it at the test's end.
func listen(t *testing.T, play *playground) *page {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out := &page{head: http.Header{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/panel/events", nil)
		panel.New(play, quiet()).Handler().ServeHTTP(out, r)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	synctest.Wait()
	return out
}

func TestStreamBeginsWithThePresent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		play := newPlayground()
		play.snap.Players = []panel.Player{{Name: "</script><img src=x onerror=alert(1)>\n\ndata: x"}}
		play.snap.Row.JSON = json.RawMessage("{\n\"a\": 1\n}")
		out := listen(t, play)
		events := out.events()
		if len(events) != 2 || events[0] != "retry: 1000" {
			t.Fatalf("got %q, want the retry time and one state", events)
		}
		lines := strings.Split(events[1], "\n")
		if len(lines) != 3 || lines[0] != "id: 1" || lines[1] != "event: state" {
			t.Fatalf("got %q, want id, event and one line of data", lines)
		}
		var got panel.Snapshot
		if err := json.Unmarshal([]byte(strings.TrimPrefix(lines[2], "data: ")), &got); err != nil {
			t.Fatal(err)
		}
		if got.World.Name != "Midgard" || got.Players[0] != play.snap.Players[0] {
			t.Errorf("got %+v, want the playground's snapshot", got)
		}
		if strings.Contains(lines[2], "<img") {
			t.Errorf("markup stands unescaped in %q", lines[2])
		}
		if got := out.head.Get("Content-Type"); got != "text/event-stream" {
			t.Errorf("got content type %q", got)
		}
	})
}

func TestStreamIsCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		play := newPlayground()
		out := listen(t, play)
		const every, span = time.Millisecond, 2 * time.Second
		tick := time.NewTicker(every)
		defer tick.Stop()
		for range int(span / every) {
			<-tick.C
			play.changes <- struct{}{}
		}
		synctest.Wait()
		// The first at once, then ten a second.
		if n := out.count("event: state"); n < 19 || n > 21 {
			t.Errorf("got %d snapshots in %v of ceaseless change, want 20", n, span)
		}
	})
}

func TestStreamTellsTheLastChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		play := newPlayground()
		out := listen(t, play)
		play.mu.Lock()
		play.snap.Status = "online"
		play.mu.Unlock()
		play.changes <- struct{}{} // while the gate is closed after the first
		synctest.Wait()
		if n := out.count(`"status":"online"`); n != 0 {
			t.Fatalf("got %d snapshots before the gap was over, want 0", n)
		}
		<-time.After(101 * time.Millisecond)
		synctest.Wait()
		if n := out.count(`"status":"online"`); n != 1 {
			t.Errorf("got %d snapshots after the gap, want 1", n)
		}
	})
}

func TestStreamStaysAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := listen(t, newPlayground())
		<-time.After(46 * time.Second)
		synctest.Wait()
		if n := out.count(": still here"); n != 3 {
			t.Errorf("got %d comments in 46 s, want 3", n)
		}
		if n := out.count("event: state"); n != 1 {
			t.Errorf("got %d snapshots without a change, want 1", n)
		}
	})
}

func TestStreamTellsTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		play := newPlayground()
		play.snapErr = errors.New("disk full: /secret")
		out := listen(t, play)
		if out.count("event: trouble") != 1 || out.count("secret") != 0 {
			t.Errorf("got %q, want trouble without its cause", out.events())
		}
		play.mu.Lock()
		play.snapErr = nil
		play.mu.Unlock()
		<-time.After(time.Second)
		play.changes <- struct{}{}
		synctest.Wait()
		if n := out.count("event: state"); n != 1 {
			t.Errorf("got %d snapshots after the trouble, want 1", n)
		}
	})
}

func TestStreamEndsWithThePlayground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		play := newPlayground()
		done := make(chan struct{})
		go func() {
			defer close(done)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/panel/events", nil)
			panel.New(play, quiet()).Handler().ServeHTTP(&page{head: http.Header{}}, r)
		}()
		close(play.changes)
		<-done // the bubble would report a deadlock
	})
}
