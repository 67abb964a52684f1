package simdiscord_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/guild"
)

// kept is a Discord whose Keep holds on to what it was given last.
func kept(t *testing.T) (w *world, last func() []byte) {
	t.Helper()
	var export []byte
	w = newWorld(t, func(o *simdiscord.Options) {
		o.Keep = func(b []byte) error {
			export = bytes.Clone(b)
			return nil
		}
	})
	return w, func() []byte { return export }
}

// killed is what comes up after this export was all that was left.
func killed(t *testing.T, export []byte) *world {
	t.Helper()
	w := newWorld(t)
	if err := w.Import(export); err != nil {
		t.Fatalf("import what was kept: %v", err)
	}
	return w
}

// TestNothingToldIsForgotten: whoever was answered, or told by the feed, finds
// it again although the process was killed in the same moment.
func TestNothingToldIsForgotten(t *testing.T) {
	w, last := kept(t)
	w.registerStart()
	if got := len(killed(t, last()).Commands()); got != 3 {
		t.Errorf("%d commands after a kill, want 3", got)
	}
	_, _, events, cancel := w.Subscribe()
	defer cancel()
	w.does(func(context.Context, http.Header, []byte) (int, string, string, error) {
		v := killed(t, last())
		if a, m := v.call("GET", webhook(w.token())+"/messages/@original", ""); a.Status != 404 || code(m) != 10015 {
			t.Errorf("an interaction under way, after a kill: %d %s, want it void", a.Status, a.Body)
		}
		return 200, "application/json", `{"type":5}`, nil
	})
	w.interact(w.start("Bo"))
	killed(t, last()).must("PATCH", webhook(w.token())+"/messages/@original", `{"content":"lit"}`)
	w.must("PATCH", webhook(w.token())+"/messages/@original", `{"content":"lit"}`)
	id := w.must("POST", messages, `{"content":"hello","nonce":"a","enforce_nonce":true}`)
	if got := killed(t, last()).must("POST", messages, `{"content":"hello","nonce":"a","enforce_nonce":true}`); got != id {
		t.Errorf("a repeat after a kill made message %s, want %s again", got, id)
	}
	if _, err := w.Say(w.id("Cleo"), channel, "hi"); err != nil {
		t.Fatal(err)
	}
	w.must("DELETE", messages+"/"+id, "")
	v := killed(t, last())
	if got, want := texts(v), []string{"lit", "hi"}; !slices.Equal(got, want) {
		t.Errorf("after a kill the channel says %q, want %q", got, want)
	}
	for range 2 {
		<-events // it does not wait for the others
	}
}

// TestKeptBeforeTold: an event is not told before what it tells is kept.
func TestKeptBeforeTold(t *testing.T) {
	var events <-chan simdiscord.Event
	early := 0
	w := newWorld(t, func(o *simdiscord.Options) {
		o.Keep = func([]byte) error {
			early += len(events)
			return nil
		}
	})
	_, _, events, cancel := w.Subscribe()
	defer cancel()
	if _, err := w.Say(w.id("Bo"), channel, "hello"); err != nil {
		t.Fatal(err)
	}
	if early != 0 || len(events) != 1 {
		t.Errorf("%d events were told before they were kept and %d in all, want 0 and 1", early, len(events))
	}
}

// TestWhatTimeEndsIsKept: an answer that never came is shown as such after a
// kill, too.
func TestWhatTimeEndsIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, last := kept(t)
		w.registerStart()
		w.interact(w.start("Bo"))
		<-time.After(simdiscord.TokenLife)
		w.Sweep()
		var export struct {
			Messages []struct{ Content string }
		}
		decode(t, last(), &export)
		if len(export.Messages) != 1 || export.Messages[0].Content != simdiscord.NotResponding {
			t.Errorf("kept %+v, want one message %q", export.Messages, simdiscord.NotResponding)
		}
	})
}

// TestNotKept: what could not be kept is not answered as done. The next change
// brings it along.
func TestNotKept(t *testing.T) {
	var fail error
	var export []byte
	w := newWorld(t, func(o *simdiscord.Options) {
		o.Keep = func(b []byte) error {
			if fail == nil {
				export = bytes.Clone(b)
			}
			return fail
		}
	})
	fail = errors.New("disk full")
	if a, _ := w.call("POST", messages, `{"content":"one","nonce":"a","enforce_nonce":true}`); a.Status != http.StatusInternalServerError {
		t.Errorf("got status %d, want 500", a.Status)
	}
	fail = nil
	w.must("POST", messages, `{"content":"one","nonce":"a","enforce_nonce":true}`)
	if got, want := texts(killed(t, export)), []string{"one"}; !slices.Equal(got, want) {
		t.Errorf("kept %q, want %q", got, want)
	}
}

// TestClosedKeepsNothing: after Close the file may be another's.
func TestClosedKeepsNothing(t *testing.T) {
	w, last := kept(t)
	w.must("POST", messages, `{"content":"one"}`)
	before := last()
	w.Close()
	w.must("POST", messages, `{"content":"two"}`)
	if !bytes.Equal(last(), before) {
		t.Errorf("kept after Close: %s", last())
	}
}

// BenchmarkKeep says something in a channel that is full, with everything kept
// each time.
func BenchmarkKeep(b *testing.B) {
	bytes := 0
	d, err := simdiscord.New(simdiscord.Options{
		Clock: wallClock{}, Seed: make([]byte, 32), BotToken: botToken,
		Deliver: func(context.Context, http.Header, []byte) (int, string, []byte, error) { return 0, "", nil, nil },
		Keep:    func(export []byte) error { bytes = len(export); return nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	bo, _ := d.Person("Bo")
	for range guild.MaxMessages {
		if _, err := d.Say(bo.ID, channel, strings.Repeat("x", 200)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := d.Say(bo.ID, channel, strings.Repeat("x", 200)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(bytes), "bytes")
}
