package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"hearth/internal/world"
)

// perform does what is claimed, until nothing is left. Answers of the cloud
// may ask for more.
func (h *handling) perform(ctx context.Context) error {
	for {
		todo := h.mine()
		if len(todo) == 0 {
			return nil
		}
		res := result{done: map[string]bool{}, later: map[string]time.Time{}}
		var failed error
		for _, p := range todo {
			if failed != nil {
				break
			}
			failed = h.do(ctx, p, &res)
		}
		err := h.update(ctx, func(s *world.State) { h.fold(s, res) })
		if err := errors.Join(failed, err); err != nil {
			return err
		}
	}
}

// do performs one effect. An error means that the event must come again.
func (h *handling) do(ctx context.Context, p world.Pending, res *result) error {
	switch e := p.Effect; {
	case e.Order != nil:
		body, err := e.Order.Encode()
		if err != nil {
			return err
		}
		if err := h.Orders(e.Order.World).Send(ctx, body, 0); err != nil {
			return fmt.Errorf("send order %s: %w", e.Order.Kind, err)
		}
		h.log.Info("order sent", "kind", string(e.Order.Kind), "boot", e.Order.Epoch)
	case e.Cloud != nil:
		res.answers = append(res.answers, h.cloud(ctx, e.Cloud))
	case e.Delay != nil:
		now := h.Clock.Now()
		body, err := world.Event{
			ID:     fmt.Sprintf("%s/%s/%d", h.c.ID, e.Delay.Timer.Kind, e.Delay.Timer.Number),
			Source: world.SourceBot, World: h.c.ID, Time: now, Data: &e.Delay.Timer,
		}.Encode()
		if err != nil {
			return err
		}
		if err := h.Events.Send(ctx, body, e.Delay.After); err != nil {
			return fmt.Errorf("delay event %s: %w", e.Delay.Timer.Kind, err)
		}
	case e.Chat != nil:
		answer, err := h.say(ctx, p)
		if err != nil {
			// What cannot be said now is said later; the event goes on.
			wait := min(5*time.Second<<min(e.Chat.Tries, 4), time.Minute)
			res.later[p.ID] = h.Clock.Now().Add(wait)
			h.log.Warn("message not posted", "kind", string(e.Chat.Kind), "tries", e.Chat.Tries+1, "error", err)
			return nil
		}
		if answer != nil {
			res.answers = append(res.answers, answer)
		}
	}
	res.done[p.ID] = true
	return nil
}

// cloud asks Compute and turns the answer into a report. A cloud that cannot
// be asked is a transient failure: the next look asks again.
func (h *handling) cloud(ctx context.Context, do *world.CloudDo) *world.CloudReport {
	rep := &world.CloudReport{Operation: do.Operation, Round: do.Round, Placement: do.Placement, Capacity: do.Capacity}
	place, ok := h.c.Placement(do.Placement)
	if !ok {
		// The configuration changed under a session: the old place is still
		// there by its name, and must be emptied.
		place = world.Placement{ID: do.Placement}
	}
	if do.Act == world.ActScale {
		token, err := h.Compute.Scale(ctx, place, do.Capacity)
		if err != nil {
			return h.cloudFailed(rep, err)
		}
		h.log.Info("cloud operation begun", "placement", do.Placement, "capacity", do.Capacity)
		rep.Phase, rep.Token = world.CloudBegun, token
		return rep
	}
	rep.Phase = world.CloudProgress
	if do.Token != "" {
		done, err := h.Compute.Poll(ctx, do.Token)
		ce, told := errors.AsType[*world.CloudError](err)
		switch {
		case err == nil && done:
			rep.Phase = world.CloudDone
		case told && ce.Class != world.ClassTransient && ce.Class != world.ClassBusy:
			return h.cloudFailed(rep, err)
		case err != nil:
			h.log.Warn("cloud operation not polled", "placement", do.Placement, "error", err)
			return rep
		}
	}
	found, err := h.Compute.Instances(ctx, place)
	if err != nil {
		h.log.Warn("instances not listed", "placement", do.Placement, "error", err)
		return rep
	}
	rep.Seen, rep.Instances = true, found
	return rep
}

func (h *handling) cloudFailed(rep *world.CloudReport, err error) *world.CloudReport {
	rep.Phase, rep.Class, rep.Code, rep.Detail = world.CloudFailed, world.ClassTransient, "Unreachable", "the cloud could not be reached"
	if ce, told := errors.AsType[*world.CloudError](err); told {
		rep.Class, rep.Code, rep.Detail = ce.Class, ce.Code, ce.Message
	}
	h.log.Warn("cloud operation failed", "placement", rep.Placement, "capacity", rep.Capacity, "class", string(rep.Class), "error", err)
	return rep
}

// chatWithin bounds one message, so that a chat that is away does not hold up
// the world.
const chatWithin = 8 * time.Second

// say posts, edits or answers. A dead end (deleted message, dead token) is
// resolved here; it is no error.
func (h *handling) say(ctx context.Context, p world.Pending) (world.Payload, error) {
	ctx, cancel := context.WithTimeout(ctx, chatWithin)
	defer cancel()
	do := p.Effect.Chat
	switch do.Kind {
	case world.ChatAnswer:
		_, err := h.Chat.Reply(ctx, *do.Reply, do.Say)
		if errors.Is(err, world.ErrMessageGone) && !do.Reply.Ephemeral {
			_, err = h.post(ctx, p, h.Guild.Channel)
		}
		if errors.Is(err, world.ErrMessageGone) {
			h.log.Info("answer has nowhere to go")
			return nil, nil
		}
		return nil, err
	case world.ChatCard:
		return h.card(ctx, p)
	case world.ChatKeeper:
		channel := h.Guild.KeeperChannel
		if channel == "" {
			channel = h.Guild.Channel
		}
		_, err := h.post(ctx, p, channel)
		return nil, err
	case world.ChatLine:
	}
	_, err := h.post(ctx, p, h.Guild.Channel)
	return nil, err
}

// card posts the session's card or edits it. One that was deleted is posted
// again once.
func (h *handling) card(ctx context.Context, p world.Pending) (world.Payload, error) {
	do, s := p.Effect.Chat, &h.row.State
	if do.Operation != s.Session.ID {
		return nil, nil // of an earlier session
	}
	again := false
	if s.Card != nil {
		err := h.Chat.Edit(ctx, *s.Card, do.Say)
		if !errors.Is(err, world.ErrMessageGone) {
			return nil, err
		}
		if s.Recarded {
			return nil, nil
		}
		again = true
	} else if do.Reply != nil {
		ref, err := h.Chat.Reply(ctx, *do.Reply, do.Say)
		if err == nil {
			return &world.Carded{Operation: do.Operation, Ref: ref}, nil
		}
		if !errors.Is(err, world.ErrMessageGone) {
			return nil, err
		}
	}
	ref, err := h.post(ctx, p, h.Guild.Channel)
	if err != nil {
		return nil, err
	}
	return &world.Carded{Operation: do.Operation, Ref: ref, Again: again}, nil
}

func (h *handling) post(ctx context.Context, p world.Pending, channel string) (world.MessageRef, error) {
	return h.Chat.Post(ctx, channel, p.Effect.Chat.Say, nonce(h.c.ID, p.ID, channel))
}

// nonce names a message, so that Discord drops a repeat of it. At most 25
// characters.
func nonce(parts ...string) string {
	sum := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(sum, "%d:%s", len(p), p) // a hash takes everything
	}
	return hex.EncodeToString(sum.Sum(nil))[:24]
}
