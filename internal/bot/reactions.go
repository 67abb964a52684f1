package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hearth/internal/discord"
	"hearth/internal/world"
	"hearth/internal/world/words"
)

// sendWithin bounds a call to the events queue beside a handling.
const sendWithin = 5 * time.Second

// HandleWithin bounds the handling of one event, under its claims' life.
const HandleWithin = 50 * time.Second

// Reactions takes events from the queue.
type Reactions struct {
	Runner   *Runner
	Verifier *discord.Verifier
	KeyOf    func(worldID string) []byte // HMAC key of a world's agent, the bot's own for world.BotKey, or nil
	Log      *slog.Logger
	// Poison is where the queue sets events aside that no delivery could
	// handle; nil: nobody looks into it.
	Poison world.Queue
	// Archive keeps what could not be handled; nil: only the log has it.
	Archive world.Archive

	asides asides
	rows   rows
	counts counts
}

// ErrSpent says that the message was delivered more than world.MaxDeliveries
// times and belongs into the poison queue.
var ErrSpent = errors.New("message was delivered too often")

// Handle handles one delivery of an event; dequeueCount is 1 the first time.
// nil means that it may be deleted: it was handled, or it is none that anybody of
// ours wrote, and was set aside.
//
// When the last delivery fails, a timer is put off, and so is an agent's word for
// half an hour; any other event is kept, and a command's failure told in the
// channel, before the queue sets the message aside. A later delivery is ErrSpent and does nothing, for hosts are known to
// deliver on (azure-functions-host#3022).
func (h *Reactions) Handle(ctx context.Context, body []byte, dequeueCount int) error {
	if dequeueCount > world.MaxDeliveries {
		return fmt.Errorf("handle event: %w: delivery %d of at most %d", ErrSpent, dequeueCount, world.MaxDeliveries)
	}
	e, err := h.handle(ctx, body)
	if u, ok := errors.AsType[*unreadable](err); ok && u.forGood() {
		if err = h.refuse(ctx, body, u); err == nil {
			return nil
		}
	}
	if err == nil {
		h.counts.handled.Add(1)
		return nil
	}
	h.counts.failed.Add(1)
	if dequeueCount < world.MaxDeliveries {
		return err
	}
	if errors.Is(err, ErrRow) {
		h.rowBroken(ctx, e.World, err)
	}
	if e.Data == nil || h.configured(e) != nil {
		return err // Drain sets it aside
	}
	if h.again(ctx, e, body) {
		return nil
	}
	_ = h.giveUp(ctx, e, body) // what could not be kept or told now is by Drain
	return err
}

const (
	// putOffFor is how long an event that could not be handled is put off.
	putOffFor = 30 * time.Second
	// wordLives is how long an agent's word is put off again and again: about
	// as long as its world is still waited for.
	wordLives = 30 * time.Minute
)

// again puts an event off instead of giving it up. A world whose row cannot be
// read for some minutes must lose neither the chain of checks that looks after
// it, nor the word that its agent speaks: without it a machine would be deleted
// for silence whose game runs. Nor may what the keeper is to be told get lost. A
// heartbeat is not worth it, the next one says all.
func (h *Reactions) again(ctx context.Context, e world.Event, body []byte) bool {
	switch e.Data.(type) {
	case *world.Timer, *world.SetAside:
	case *world.Heartbeat:
		return false
	case world.AgentPayload:
		if h.Runner.Clock.Now().Sub(e.Time).Abs() > wordLives {
			return false
		}
	default:
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendWithin)
	defer cancel()
	if err := h.Runner.Events.Send(ctx, body, putOffFor); err != nil {
		h.Log.Error("event not put off", "event_id", e.ID, "world", e.World, "error", err)
		return false
	}
	h.Log.Error("event put off", "event_id", e.ID, "world", e.World)
	return true
}

func (h *Reactions) handle(ctx context.Context, body []byte) (world.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, HandleWithin)
	defer cancel()
	e, err := h.read(ctx, body)
	if err == nil && e.Data != nil {
		err = h.Runner.Handle(ctx, e)
	}
	if err == nil && e.Data != nil {
		h.rowFine(e.World)
	}
	if err == nil && looksAround(e) {
		h.Drain(ctx)
	}
	return e, err
}

// read decodes an event and, for a command, verifies and decides again from
// its signed body: what else stands in the message is not believed. An event
// without data needs no handling.
func (h *Reactions) read(ctx context.Context, body []byte) (world.Event, error) {
	e, err := world.Decode(body, h.KeyOf)
	if err != nil {
		return world.Event{}, h.judge(body, err)
	}
	c, ok := e.Data.(*world.Command)
	if !ok {
		return e, nil
	}
	now := h.Runner.Clock.Now()
	if err := h.Verifier.VerifyQueued(c.Signed, now); err != nil && !errors.Is(err, discord.ErrExpired) {
		return world.Event{}, h.misfit(c, fmt.Errorf("read command %s: %w", e.ID, err))
	}
	i, err := discord.ParseInteraction(c.Signed.Body)
	if err != nil {
		return world.Event{}, h.misfit(c, fmt.Errorf("read command %s: %w", e.ID, err))
	}
	d, denial := discord.Decide(h.Runner.Guild, h.Runner.Worlds, i)
	if denial != world.DenyNone {
		// Allowed when it was asked, and no longer: the configuration changed.
		h.Log.Info("command denied", "event_id", i.ID, "denial", string(denial))
		say := words.Denied(denial, h.Runner.Worlds)
		_, err := h.Runner.Chat.Reply(ctx, world.Reply{Application: i.Application, Token: i.Token, Ephemeral: i.Ephemeral()}, say)
		if err != nil {
			h.Log.Warn("denial not posted", "event_id", i.ID, "error", err)
		}
		return world.Event{}, nil
	}
	cmd := i.ToCommand(d, world.Signed{}) // the proof has served; the row needs no copy
	return world.Event{ID: i.ID, Source: e.Source, World: d.World.ID, Time: i.Created, Data: &cmd}, nil
}
