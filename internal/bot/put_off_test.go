package bot_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"hearth/internal/world"
)

// tableless is a store that cannot be reached.
type tableless struct{ world.Store }

func (tableless) Load(context.Context, world.Key) (world.Row, error) {
	return world.Row{}, errors.New("the table is away")
}

// TestTimerIsPutOff: a table that is away for longer than a message's
// deliveries last does not end the chain of checks.
func TestTimerIsPutOff(t *testing.T) {
	r := newRig(t)
	r.burning()
	ms, err := r.events.Receive(t.Context(), 32, time.Minute)
	for len(ms) == 0 && err == nil {
		r.clock.Advance(time.Second)
		ms, err = r.events.Receive(t.Context(), 32, time.Minute)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := r.worker(nil)
	w.Runner.Store = tableless{}
	for _, m := range ms {
		for n := 1; n < world.MaxDeliveries; n++ {
			if err := w.Handle(t.Context(), m.Body, n); err == nil {
				t.Fatalf("delivery %d: no error, and nothing was done", n)
			}
		}
		if err := w.Handle(t.Context(), m.Body, world.MaxDeliveries); err != nil {
			t.Errorf("last delivery: %v; want the timer put off", err)
		}
		if err := r.events.Delete(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	before := r.state().CheckNo
	r.pass(2 * time.Minute)
	if after := r.state().CheckNo; after < before+2 {
		t.Errorf("check %d after %d: the chain has ended", after, before)
	}
}

// TestWordIsPutOff: nor does it make a world forget that its agent has spoken,
// whether a worker meets the last delivery or finds it in the poison queue. After
// half an hour a word is old, and kept.
func TestWordIsPutOff(t *testing.T) {
	for _, poisoned := range []bool{false, true} {
		r := newRig(t)
		r.lit()
		body := r.agent(func(h world.Heard) world.Payload { return &world.HostUp{Heard: h} })
		w := r.worker(nil)
		w.Poison = r.poison
		healthy := w.Runner.Store
		if poisoned {
			if err := r.poison.Send(t.Context(), body, 0); err != nil {
				t.Fatal(err)
			}
			w.Drain(t.Context())
		} else {
			w.Runner.Store = tableless{}
			if err := w.Handle(t.Context(), body, world.MaxDeliveries); err != nil {
				t.Fatalf("last delivery: %v; want the word put off", err)
			}
			w.Runner.Store = healthy
		}
		if n := len(r.poison.Messages()) + len(r.archive.Names()); n > 0 {
			t.Errorf("poisoned %t: %d are in the poison queue and the archive", poisoned, n)
		}
		r.pass(time.Minute)
		r.expect(world.Loading)

		w.Runner.Store = tableless{}
		r.clock.Advance(31 * time.Minute)
		if err := w.Handle(t.Context(), body, world.MaxDeliveries); err == nil || len(r.archive.Names()) != 1 {
			t.Errorf("an old word: %v, kept %v; want it kept", err, r.archive.Names())
		}
	}
}
