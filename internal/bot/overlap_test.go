package bot_test

import (
	"context"
	"testing"
	"time"

	"hearth/internal/world"
)

// Two workers that draw the card of a session at the same moment make one
// message, even though the newer card has replaced the older in the row.
func TestTwoWorkersPostOneCard(t *testing.T) {
	r := newRig(t)
	r.asleep()
	start := r.press("Bo", world.CmdStart) // from a button, the card is a message of its own
	w := r.worker(nil)
	chat := &interrupted{Chat: r.chat}
	w.Runner.Chat = chat
	chat.before = func() {
		chat.before = nil
		if err := r.worker(nil).Handle(t.Context(), r.agent(func(h world.Heard) world.Payload { return &world.HostUp{Heard: h} }), 1); err != nil {
			t.Errorf("second worker: %v", err)
		}
	}
	if err := w.Handle(t.Context(), start, 1); err != nil {
		t.Fatal(err)
	}
	if got := r.said("Midgard is being lit"); len(got) != 1 {
		t.Errorf("%d cards of one session, want 1", len(got))
	}
	if s := r.state(); s.Card == nil || len(s.Pending) > 0 {
		t.Errorf("card = %v, pending %v", s.Card, s.Pending)
	}
}

// A card that was posted is the session's even if a newer one, which could not
// be said, has taken its place in the row meanwhile.
func TestPostedCardIsKept(t *testing.T) {
	r := newRig(t)
	r.asleep()
	start := r.press("Bo", world.CmdStart)
	w := r.worker(nil)
	w.Runner.Chat = &interrupted{Chat: r.chat, before: func() {
		other := r.worker(nil)
		other.Runner.Chat = &moody{err: errAway}
		if err := other.Handle(t.Context(), r.agent(func(h world.Heard) world.Payload { return &world.HostUp{Heard: h} }), 1); err != nil {
			t.Errorf("second worker: %v", err)
		}
	}}
	if err := w.Handle(t.Context(), start, 1); err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(6 * time.Minute) // longer than Discord knows a nonce
	r.nothing()
	if got := r.said("Midgard is being lit"); len(got) != 1 {
		t.Errorf("%d cards of one session, want 1", len(got))
	}
	if got := r.said("Bringing the game up"); len(got) != 1 {
		t.Errorf("the card is not the newer one: %d say so", len(got))
	}
}

// A worker so slow that another took its effect over: the cloud's second
// answer, that it is busy, must not unmake the first.
func TestEffectTakenOver(t *testing.T) {
	r := newRig(t)
	body := r.command("Bo", "start")
	inScale, finish, finished := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	first := r.worker(nil)
	first.Runner.Compute = scaling{r.cloud, func(scale func() (string, error)) (string, error) {
		token, err := scale()
		close(inScale)
		<-finish
		return token, err
	}}
	go func() { finished <- first.Handle(t.Context(), body, 1) }()
	<-inScale
	r.clock.Advance(claimTime + time.Second)
	second := r.worker(nil)
	second.Runner.Compute = scaling{r.cloud, func(scale func() (string, error)) (string, error) {
		close(finish)
		if err := <-finished; err != nil {
			t.Errorf("first worker: %v", err)
		}
		r.clock.Advance(-30 * time.Second) // the operation is still under way
		return scale()
	}}
	if err := second.Handle(t.Context(), body, 2); err != nil {
		t.Fatal(err)
	}
	s := r.state()
	if !s.Cloud.Acting || s.Cloud.Token == "" {
		t.Errorf("acting %t with token %q: the operation under way was forgotten", s.Cloud.Acting, s.Cloud.Token)
	}
	if len(s.Pending) > 0 {
		t.Errorf("pending: %v", s.Pending)
	}
	if got := r.said("Midgard is being lit"); len(got) != 1 {
		t.Errorf("%d cards, want 1", len(got))
	}
}

// scaling lets something happen around a Scale.
type scaling struct {
	world.Compute
	around func(scale func() (string, error)) (string, error)
}

func (c scaling) Scale(ctx context.Context, p world.Placement, capacity int) (string, error) {
	return c.around(func() (string, error) { return c.Compute.Scale(ctx, p, capacity) })
}

// interrupted lets something happen right before a message is posted.
type interrupted struct {
	world.Chat
	before func()
}

func (c *interrupted) Post(ctx context.Context, channel string, m world.Say, nonce string) (world.MessageRef, error) {
	if c.before != nil {
		c.before()
	}
	return c.Chat.Post(ctx, channel, m, nonce)
}
