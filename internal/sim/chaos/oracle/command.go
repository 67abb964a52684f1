package oracle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
	"hearth/internal/world/words"
)

// command is one that was accepted.
type command struct {
	id      string
	name    world.CommandName
	keeper  bool   // a keeper gave it
	session string // that its button belongs to
	created time.Time
	out     simdiscord.Outcome
	seen    bool   // a write has its id
	answer  string // what it was to be told
	waits   bool   // the answer is in the row and not told yet
	expired bool   // the answer was dropped and counted
}

// wish is what a command wants: the world up, or down.
type wish struct {
	id string
	at time.Time
	up bool
}

// Types of an interaction's answer that promise another.
const (
	deferredAnswer = 5
	deferredEdit   = 6
)

// Accepted notes a command that Discord shows as accepted.
func (w *Witness) Accepted(r simdiscord.Request, out simdiscord.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("accepted %s %s%s type %d", out.ID, r.Command, r.CustomID, out.Type)
	if out.Type != deferredAnswer && out.Type != deferredEdit { // it was answered at once
		return
	}
	c := w.command(out.ID)
	c.out = out
	c.name = world.CommandName(r.Command)
	if a, err := world.ParseAction(r.CustomID); err == nil && r.Kind == simdiscord.KindButton {
		c.name = a.Command
	}
	w.order = append(w.order, out.ID)
	w.counts.Commands++
}

// command is what is known of one; it may be handled before Discord has its
// answer. w.mu is held, as for all below.
func (w *Witness) command(id string) *command {
	c := w.commands[id]
	if c == nil {
		c = &command{id: id, created: created(id)}
		w.commands[id] = c
	}
	return c
}

// created is when an interaction was made, by its snowflake.
func created(id string) time.Time {
	var n int64
	if _, err := fmt.Sscan(id, &n); err != nil {
		return time.Time{}
	}
	const epochMillis = 1420070400000 // Discord's, of 2015
	return time.UnixMilli(n>>22 + epochMillis)
}

// answerOf is the command that an effect answers, if it is an answer.
func (w *Witness) answerOf(p world.Pending) (c *command, ok bool) {
	if p.Effect.Chat == nil {
		return nil, false
	}
	id, ok := strings.CutPrefix(p.Effect.Chat.Key, "answer:")
	if !ok {
		return nil, false
	}
	return w.command(id), true
}

// answerWaits: an effect is new in the row.
func (w *Witness) answerWaits(p world.Pending) {
	if c, ok := w.answerOf(p); ok {
		c.answer, c.waits = p.Effect.Chat.Say.Text, true
	}
}

// answerGone: an effect is no longer in the row.
func (w *Witness) answerGone(before, after *world.State, p world.Pending) {
	if c, ok := w.answerOf(p); ok {
		c.waits = false
		c.expired = c.expired || counted(before, after)
	}
}

// counted: this write counts messages that were dropped. The lines that it
// hangs may tell of some.
func counted(before, after *world.State) bool {
	told := 0
	for _, p := range newIn(after, before) {
		if p.Effect.Chat != nil {
			told += p.Effect.Chat.Unsaid
		}
	}
	return after.Unsaid+told > before.Unsaid
}

// commanded: a command is known from this write on. One that changes the wish
// must not be older than one that did so before and wants the opposite, unless
// somebody has asked for the same since (P4).
func (w *Witness) commanded(before, after *world.State, id string) {
	c := w.command(id)
	c.seen = true
	w.wished(before, c)
	if up, ok := wishOf(c.name); ok {
		w.asked = append(w.asked, wish{id: id, at: c.created, up: up})
	}
	again := after.Again != nil && after.Again.ID == id && (before.Again == nil || before.Again.ID != id)
	began := after.Op.ID == id && before.Op.ID != id
	empties := (after.WhenEmpty == nil) != (before.WhenEmpty == nil)
	if !again && !began && !empties {
		return
	}
	up := again || began && after.Cloud.Want == 1 && after.Status == world.Starting || empties && after.WhenEmpty == nil && after.Status != world.Stopping
	for _, old := range w.wishes {
		since := slices.ContainsFunc(w.asked, func(a wish) bool { return a.up == up && a.at.After(old.at) })
		if old.up != up && old.at.After(c.created) && !since {
			w.violate("P4", "command %s of %v undid %s of %v", id, c.created, old.id, old.at)
		}
	}
	w.wishes = append(w.wishes, wish{id: id, at: c.created, up: up})
}

// wishOf tells what a command wants, if it wants anything.
func wishOf(name world.CommandName) (up, ok bool) {
	switch name {
	case world.CmdStart, world.CmdKeepGoing, world.CmdKeepAwake:
		return true, true
	case world.CmdStop, world.CmdStopWhenEmpty, world.CmdStopNow:
		return false, true
	case world.CmdStatus, world.CmdJoin, world.CmdLog, world.CmdPayAsYouGo, world.CmdRaiseCap, world.CmdTidy:
	}
	return false, false
}

// answered: a command that was accepted ended in an answer that people saw
// (P2). What cannot be told in the command's own message is told in the channel,
// unless it is for one person alone, and that something went wrong always.
func (w *Witness) answered(c *command, messages map[string]simdiscord.Message) {
	var m simdiscord.Message
	there := false
	if c.out.Message != nil {
		m, there = messages[c.out.Message.ID]
	}
	dead := there && m.Content == simdiscord.NotResponding // its token died first
	handled := c.seen || there && !dead || w.told[c.id] || w.saidSince(c, words.Broken().Text)
	switch {
	case there && m.Thinking:
		w.violate("P2", "/%s %s of %v is still thinking", c.name, c.id, c.created.Sub(replay.Start()))
	case !handled:
		w.violate("P2", "/%s %s of %v was accepted and never handled", c.name, c.id, c.created.Sub(replay.Start()))
	case dead && m.EphemeralTo == nil && c.answer != "" && !c.expired && !w.saidSince(c, c.answer) && !w.saidSince(c, words.Broken().Text):
		w.violate("P2", "/%s %s was never answered: %q", c.name, c.id, c.answer)
	case c.waits:
		w.violate("P2", "the answer to /%s %s still waits", c.name, c.id)
	}
}

// saidSince: a text was posted after the command was given.
func (w *Witness) saidSince(c *command, text string) bool { return w.posted[text].After(c.created) }
