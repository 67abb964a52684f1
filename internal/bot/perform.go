package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/internal/discord"
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
		res := result{done: map[string]bool{}, later: map[string]time.Time{}, doubt: map[string]bool{}}
		failed := h.doAll(ctx, todo, &res)
		err := h.update(ctx, func(s *world.State) {
			h.fold(s, res)
			if failed != nil {
				h.release(s)
			}
		})
		if err := errors.Join(failed, err); err != nil {
			return err
		}
	}
}

// doAll performs effects in their order, chats last. One that fails the event
// does not keep the others from being done: a queue of orders that is broken
// must not keep a machine from being deleted, nor people from hearing of it.
func (h *handling) doAll(ctx context.Context, todo []world.Pending, res *result) error {
	chats := slices.IndexFunc(todo, func(p world.Pending) bool { return p.Effect.Chat != nil })
	if chats < 0 {
		chats = len(todo)
	}
	var errs []error
	for _, p := range todo[:chats] {
		errs = append(errs, h.do(ctx, p, res))
	}
	ctx, cancel := context.WithTimeout(ctx, chatsWithin)
	defer cancel()
	for _, p := range todo[chats:] {
		errs = append(errs, h.do(ctx, p, res))
	}
	return errors.Join(errs...)
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
	case e.Cloud != nil && e.Cloud.Act == world.ActRemove:
		h.tidy(ctx)
	case e.Cloud != nil:
		res.answers = append(res.answers, answer{p.ID, h.cloud(ctx, e.Cloud)})
	case e.Delay != nil:
		now := h.Clock.Now()
		body, err := world.Event{
			ID:     fmt.Sprintf("%s/%s/%d", h.c.ID, e.Delay.Timer.Kind, e.Delay.Timer.Number),
			Source: world.SourceBot, World: h.c.ID, Time: now, Data: &e.Delay.Timer,
		}.EncodeSealed(h.Key)
		if err != nil {
			return err
		}
		if err := h.Events.Send(ctx, body, e.Delay.After); err != nil {
			return fmt.Errorf("delay event %s: %w", e.Delay.Timer.Kind, err)
		}
	case e.Chat != nil:
		said, err := h.say(ctx, p)
		if err != nil {
			// What cannot be said now is said later; the event goes on.
			res.later[p.ID] = h.Clock.Now().Add(chatPause(e.Chat.Tries, err))
			refused, ok := errors.AsType[*discord.Error](err)
			res.doubt[p.ID] = !ok || refused.Maybe
			h.log.Warn("message not posted", "kind", string(e.Chat.Kind), "tries", e.Chat.Tries+1, "error", err)
			return nil
		}
		if said != nil {
			res.answers = append(res.answers, answer{p.ID, said})
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
	rep = h.look(ctx, do, place, rep)
	if vm := h.row.State.Cloud.VM; do.Console && vm != "" {
		rep.Boot = h.console(ctx, vm)
	}
	return rep
}

// look polls what is under way, and lists the machines.
func (h *handling) look(ctx context.Context, do *world.CloudDo, place world.Placement, rep *world.CloudReport) *world.CloudReport {
	rep.Phase = world.CloudProgress
	if do.Token != "" {
		done, err := h.Compute.Poll(ctx, do.Token)
		switch {
		case done && err == nil:
			rep.Phase = world.CloudDone
		case done:
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

// consoleWithin bounds the reading of a console: what follows from it must be
// written and told in the same handling.
const consoleWithin = 10 * time.Second

// console is what a machine's console says of its boot. One that can't be read
// says so.
func (h *handling) console(ctx context.Context, vm string) *world.BootLog {
	ctx, cancel := context.WithTimeout(ctx, consoleWithin)
	defer cancel()
	text, err := h.Console.ReadConsole(ctx, vm)
	if err != nil {
		h.log.Warn("console not read", "vm", vm, "error", err)
		code := "Unreachable"
		if ce, ok := errors.AsType[*world.CloudError](err); ok && ce.Code != "" {
			code = ce.Code
		}
		return &world.BootLog{Machine: vm, Unread: code}
	}
	log := world.ReadBootLog(text)
	log.Machine = vm
	h.log.Info("console read", "vm", vm, "bytes", len(text), "step", string(log.Step), "failed", log.Failed, "agent_speaks", log.Speaks)
	return &log
}

// tidyWithin bounds tidying: people are to be answered after it.
const tidyWithin = 20 * time.Second

// tidy does away with the leftovers that are to be removed. What fails is tried
// again with the next survey, which tells whether it is there. A set that a world
// has by now stays.
func (h *handling) tidy(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, tidyWithin)
	defer cancel()
	for _, l := range h.row.State.Leftovers {
		if l.Removed && ctx.Err() == nil && (l.Kind != world.LeftoverSet || !h.placed(l.Name)) {
			h.remove(ctx, l.Leftover)
		}
	}
}

// placed: a scale set is a placement of some world.
func (h *handling) placed(set string) bool {
	return slices.ContainsFunc(h.Worlds, func(w world.Config) bool {
		return slices.ContainsFunc(w.Placements, func(p world.Placement) bool { return strings.EqualFold(p.ID, set) })
	})
}

func (h *handling) remove(ctx context.Context, l world.Leftover) {
	var err error
	if l.Kind == world.LeftoverSet {
		_, err = h.Compute.Scale(ctx, world.Placement{ID: l.Name}, 0)
	} else {
		err = h.Estate.Remove(ctx, l)
	}
	if err != nil {
		h.log.Warn("leftover not removed", "kind", string(l.Kind), "name", l.Name, "error", err)
		return
	}
	h.log.Info("leftover removed", "kind", string(l.Kind), "name", l.Name)
}

func (h *handling) cloudFailed(rep *world.CloudReport, err error) *world.CloudReport {
	rep.Phase, rep.Class, rep.Code, rep.Detail = world.CloudFailed, world.ClassTransient, "Unreachable", "the cloud could not be reached"
	if ce, ok := errors.AsType[*world.CloudError](err); ok {
		rep.Class, rep.Code, rep.Detail = ce.Class, ce.Code, ce.Message
	}
	h.log.Warn("cloud operation failed", "placement", rep.Placement, "capacity", rep.Capacity, "class", string(rep.Class), "error", err)
	return rep
}

// A chat that is away must hold up neither the world nor the write that comes
// after it, even when an answer of the cloud asks for two more rounds.
const (
	chatWithin  = 8 * time.Second  // one message
	chatsWithin = 15 * time.Second // all messages of a round
)

const longestChatPause = time.Minute

// chatPause is how long to wait before something is said again that failed
// after so many tries. A refusal for good is not asked about often: Discord
// counts it against the address.
func chatPause(tries int, err error) time.Duration {
	if errors.Is(err, world.ErrChatForbidden) {
		return longestChatPause
	}
	return min(5*time.Second<<min(tries, 4), longestChatPause)
}

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
	if s.Card == nil {
		return h.firstCard(ctx, p)
	}
	err := h.Chat.Edit(ctx, *s.Card, do.Say)
	if !errors.Is(err, world.ErrMessageGone) || s.Recarded {
		return nil, unlessGone(err)
	}
	return h.postCard(ctx, p, true)
}

// firstCard shows the session's card for the first time, as the answer to the
// command that began it if that can still be answered. In doubt it may be
// there already, by whichever way.
func (h *handling) firstCard(ctx context.Context, p world.Pending) (world.Payload, error) {
	do := p.Effect.Chat
	if p.Doubt {
		ref, err := h.Chat.Find(ctx, h.Guild.Channel, do.Say, h.row.State.Session.Began)
		if err == nil {
			err = h.Chat.Edit(ctx, ref, do.Say)
		}
		if err == nil {
			return &world.Carded{Operation: do.Operation, Ref: ref}, nil
		}
		if !errors.Is(err, world.ErrMessageGone) {
			return nil, err
		}
	}
	if do.Reply != nil {
		ref, err := h.Chat.Reply(ctx, *do.Reply, do.Say)
		if err == nil {
			return &world.Carded{Operation: do.Operation, Ref: ref}, nil
		}
		if !errors.Is(err, world.ErrMessageGone) {
			return nil, err
		}
	}
	return h.postCard(ctx, p, false)
}

// postCard makes a new message of the card. Its nonce is the session's: a
// newer card that replaced this one in the row, or that another worker posts
// now, must not become a second message.
func (h *handling) postCard(ctx context.Context, p world.Pending, again bool) (world.Payload, error) {
	do := p.Effect.Chat
	ref, err := h.Chat.Post(ctx, h.Guild.Channel, do.Say, nonce(h.c.ID, "card", do.Operation, strconv.FormatBool(again)))
	if err != nil {
		return nil, err
	}
	return &world.Carded{Operation: do.Operation, Ref: ref, Again: again}, nil
}

func unlessGone(err error) error {
	if errors.Is(err, world.ErrMessageGone) {
		return nil
	}
	return err
}

// nonceLife is how long Discord certainly knows a nonce ("the past few
// minutes" in its documentation).
const nonceLife = 3 * time.Minute

// post says something new in a channel, once: what may have been said before,
// so long ago that the nonce is no help, is looked for first.
func (h *handling) post(ctx context.Context, p world.Pending, channel string) (world.MessageRef, error) {
	do := p.Effect.Chat
	if p.Doubt && h.Clock.Now().Sub(do.Made) > nonceLife {
		ref, err := h.Chat.Find(ctx, channel, do.Say, do.Made)
		if !errors.Is(err, world.ErrMessageGone) {
			return ref, err
		}
	}
	return h.Chat.Post(ctx, channel, do.Say, nonce(h.c.ID, p.ID, channel))
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
