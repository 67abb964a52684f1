package bot

import (
	"context"
	"errors"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

const (
	drainAtOnce = 16
	drainHidden = time.Minute
)

// looksAround: after this event is a good time to look into the poison queue. A
// check comes every 30 s while something may run, and who gave a command that
// was lost gives another.
func looksAround(e world.Event) bool {
	switch d := e.Data.(type) {
	case *world.Timer:
		return d.Kind == world.TimerCheck
	case *world.Command:
		return true
	}
	return false
}

// Drain empties the poison queue: an event whose worker died with its last
// delivery has been told to nobody. Each is told and then deleted; what cannot
// be told now stays.
func (h *Reactions) Drain(ctx context.Context) {
	if h.Poison == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, chatsWithin)
	defer cancel()
	ms, err := h.Poison.Receive(ctx, drainAtOnce, drainHidden)
	if err != nil {
		h.Log.Warn("poison queue not read", "error", err)
		return
	}
	for _, m := range ms {
		e, err := h.read(ctx, m.Body)
		switch {
		case err != nil:
			h.Log.Error("event cannot be read, deleted", "message", m.ID, "delivery", m.DequeueCount, "error", err)
		case e.Data == nil || h.again(ctx, e, m.Body):
		case h.giveUp(ctx, e) != nil:
			continue
		}
		if err := h.Poison.Delete(ctx, m); err != nil && !errors.Is(err, world.ErrStaleReceipt) {
			h.Log.Warn("poison not deleted", "message", m.ID, "error", err)
		}
	}
}

// giveUp tells that a command will not be done, unless the row has it: then
// what it asks for is done from there. An agent's or the cloud's event is for
// the log: the next heartbeat or look tells the same anew.
func (h *Reactions) giveUp(ctx context.Context, e world.Event) error {
	// The time of the event itself may be what ran out.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), chatWithin)
	defer cancel()
	typ := ""
	if e.Data != nil {
		typ = string(e.Data.Type())
	}
	h.Log.Error("event given up", "event_id", e.ID, "world", e.World, "type", typ)
	c, ok := e.Data.(*world.Command)
	if !ok || h.Runner.took(ctx, e) {
		return nil
	}
	say, channel := words.Broken(), h.Runner.Guild.Channel
	if _, err := h.Runner.Chat.Reply(ctx, c.Reply, say); err == nil {
		return nil
	}
	// It may have been told with the last delivery, longer ago than a nonce
	// is known.
	_, err := h.Runner.Chat.Find(ctx, channel, say, e.Time)
	if errors.Is(err, world.ErrMessageGone) {
		_, err = h.Runner.Chat.Post(ctx, channel, say, nonce("broken", e.ID))
	}
	if err != nil {
		h.Log.Error("failure not told", "event_id", e.ID, "error", err)
	}
	return err
}
