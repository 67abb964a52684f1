package chaos

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
	"hearth/internal/world/words"
)

// compare looks at one write of the row: P3, P4, P5, P7. w.mu is held.
func (w *witness) compare(before, after *world.State) {
	if after.Generation != before.Generation+1 {
		w.violate("P5", "a write made generation %d of %d: an update is lost", after.Generation, before.Generation)
	}
	if after.Boot.Epoch < before.Boot.Epoch {
		w.violate("P7", "epoch fell from %d to %d", before.Boot.Epoch, after.Boot.Epoch)
	}
	w.claims(before, after)
	for _, p := range after.Pending {
		if !slices.ContainsFunc(before.Pending, func(q world.Pending) bool { return q.ID == p.ID }) {
			w.hangs(before, after, p)
		}
	}
	for _, p := range before.Pending {
		if !slices.ContainsFunc(after.Pending, func(q world.Pending) bool { return q.ID == p.ID }) {
			w.goes(before, after, p)
		}
	}
	for _, id := range after.Commands {
		if !slices.Contains(before.Commands, id) {
			w.commanded(before, after, id)
		}
	}
}

// claims: what a worker holds is left to it until its claim expires (P3).
func (w *witness) claims(before, after *world.State) {
	slack := 2 * w.s.plan.WorkerSkew * time.Duration(w.s.plan.Workers)
	now := w.s.clock.Now()
	for _, p := range after.Pending {
		i := slices.IndexFunc(before.Pending, func(q world.Pending) bool { return q.ID == p.ID })
		if i < 0 {
			continue
		}
		q := before.Pending[i]
		if q.Claim != "" && p.Claim != "" && p.Claim != q.Claim && now.Add(slack).Before(q.Until) {
			w.violate("P3", "effect %s of %s was taken from the worker that performs it", p.ID, p.Event)
		}
	}
}

// hangs: an effect is new in the row.
func (w *witness) hangs(before, after *world.State, p world.Pending) {
	w.hungAt[p.ID] = w.s.clock.Now()
	var epoch, seq int64
	// Whatever happens, an old boot's word too, begins a lost chain of checks.
	check := p.Effect.Delay != nil && p.Effect.Delay.Timer.Kind == world.TimerCheck
	if n, _ := fmt.Sscanf(p.Event, worldID+"/%d/%d", &epoch, &seq); n == 2 && epoch < after.Boot.Epoch && !check && !answers(before, after) {
		w.violate("P7", "event %s of boot %d changed something in boot %d", p.Event, epoch, after.Boot.Epoch)
	}
	c := p.Effect.Chat
	if c == nil {
		return
	}
	if c.Kind == world.ChatLine {
		key := p.Event + "|" + c.Say.Text
		if g, ok := w.hung[key]; ok && g != after.Generation {
			w.violate("P3", "event %s says again: %q", p.Event, c.Say.Text)
		}
		w.hung[key] = after.Generation
	}
	if id, ok := strings.CutPrefix(c.Key, "answer:"); ok {
		cmd := w.command(id)
		cmd.answer, cmd.waits = c.Say.Text, true
	}
}

// answers: this write folds in what the cloud answered, which is news of the
// present whichever event's handling brought it.
func answers(before, after *world.State) bool {
	return slices.ContainsFunc(before.Pending, func(p world.Pending) bool {
		return p.Effect.Cloud != nil &&
			!slices.ContainsFunc(after.Pending, func(q world.Pending) bool { return q.ID == p.ID })
	})
}

// goes: an effect is no longer in the row.
func (w *witness) goes(before, after *world.State, p world.Pending) {
	if p.Effect.Chat == nil {
		return
	}
	if id, ok := strings.CutPrefix(p.Effect.Chat.Key, "answer:"); ok {
		cmd := w.command(id)
		cmd.waits = false
		cmd.expired = cmd.expired || counted(before, after)
	}
}

// counted: this write counts messages that were dropped. The lines that it
// hangs may tell of some.
func counted(before, after *world.State) bool {
	told := 0
	for _, p := range after.Pending {
		if p.Effect.Chat != nil && !slices.ContainsFunc(before.Pending, func(q world.Pending) bool { return q.ID == p.ID }) {
			told += p.Effect.Chat.Unsaid
		}
	}
	return after.Unsaid+told > before.Unsaid
}

// commanded: a command is known from this write on. One that changes the wish
// must not be older than one that did so before and wants the opposite, unless
// somebody has asked for the same since (P4).
func (w *witness) commanded(before, after *world.State, id string) {
	c := w.command(id)
	c.seen = true
	if up, ok := wants(c.name); ok {
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

// wants tells what a command wants, if it wants anything.
func wants(name world.CommandName) (up, ok bool) {
	switch name {
	case world.CmdStart, world.CmdKeepGoing:
		return true, true
	case world.CmdStop, world.CmdStopWhenEmpty, world.CmdStopNow:
		return false, true
	case world.CmdStatus, world.CmdJoin:
	}
	return false, false
}

// cloudChanged: never two machines of one world (P8).
func (w *witness) cloudChanged() {
	if w.s.cloud == nil {
		return // it is just being made
	}
	vms := w.s.cloud.Snapshot().VMs
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, vm := range vms {
		w.record("machine %s %s", vm.ID, vm.State)
	}
	if len(vms) > 1 {
		w.violate("P8", "two machines at once: %s at %s and %s at %s", vms[0].ID, vms[0].Placement, vms[1].ID, vms[1].Placement)
	}
}

// scale: a machine is only asked for where no other place has one (P9).
func (w *witness) scale(p world.Placement, capacity int) {
	shot := w.s.cloud.Snapshot()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("scale %s to %d", p.ID, capacity)
	if capacity == 0 {
		return
	}
	for _, vm := range shot.VMs {
		if vm.Placement != p.ID {
			w.violate("P9", "a machine is asked for at %s while %s is at %s", p.ID, vm.ID, vm.Placement)
		}
	}
}

// gameStarts: never two games on one world (P8), and the world is whole and
// never older than it was.
func (w *witness) gameStarts(vm string) {
	other := w.s.games.Present()
	files, err := w.s.games.Files()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("game starts on %s", vm)
	if other != nil {
		w.violate("P8", "a game starts on %s while one runs on %s", vm, other.Truth().VM)
		return
	}
	w.world(files, err)
}

// world: the files are whole and hold at least as many saves as ever before.
// w.mu is held.
func (w *witness) world(files simgame.World, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist) && w.saves == 0:
	case err != nil:
		w.violate("P10", "the world is lost: %v", err)
	case files.Saves < w.saves:
		w.violate("P10", "the world went back from save %d to %d", w.saves, files.Saves)
	default:
		w.saves = files.Saves
	}
}

// losses are the ways to tell that something is lost.
func losses() *regexp.Regexp {
	return regexp.MustCompile(`not proven in ten minutes|silent for ten minutes|before it could prove|without a save|crashed again|started over`)
}

// machineOff: a machine was switched off. If we deleted it, its world was
// saved, or the loss told (P10).
func (w *witness) machineOff(cause error, vm *simcloud.VM) {
	if !errors.Is(cause, simcloud.ErrPowerOff) || errors.Is(cause, simcloud.ErrFrozen) {
		return
	}
	deleted := slices.ContainsFunc(w.s.cloud.Snapshot().VMs, func(v simcloud.VMView) bool {
		return v.ID == vm.ID && v.State == simcloud.VMDeleting
	})
	g := w.s.games.Last(vm.ID)
	messages := w.s.discord.Messages()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("machine %s off, deleted %v", vm.ID, deleted)
	if !deleted || g == nil {
		return
	}
	t := g.Truth()
	runs := !t.Over() || t.Killed && w.s.clock.Now().Sub(t.Ended) < time.Second
	if t.Opened.IsZero() || !runs {
		return
	}
	told := losses()
	if slices.ContainsFunc(w.state.Pending, func(p world.Pending) bool {
		return p.Effect.Chat != nil && told.MatchString(p.Effect.Chat.Say.Text)
	}) {
		return
	}
	if slices.ContainsFunc(messages, func(m simdiscord.Message) bool {
		return !m.Timestamp.Before(t.Began) && told.MatchString(m.Content)
	}) {
		return
	}
	w.violate("P10", "machine %s was deleted while its game ran, and no loss was told (status %s)", vm.ID, w.state.Status)
}

// agentSays: a save that is said to be proven is one (P11).
func (w *witness) agentSays(vm string, life int, body []byte) {
	e, err := world.Decode(body, w.s.key)
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.violate("P21", "an agent sends what nobody can read: %v", err)
		return
	}
	p, ok := e.Data.(*world.SaveProven)
	if !ok || !p.Confirmed {
		return
	}
	var t games.Truth
	if g := w.s.games.Last(vm); g != nil {
		t = g.Truth()
	}
	files, err := w.s.games.Files()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("save proven on %s", vm)
	switch {
	case t.Life != life: // this agent had no game
	case p.Untouched:
		if !t.Opened.IsZero() {
			w.violate("P11", "%s says that nobody could change the world, and the door was open", vm)
		}
	case !t.Over() || t.Crashed():
		w.violate("P11", "%s proves a save, and its game has not ended by itself", vm)
	default:
		if w.world(files, err); err != nil {
			return
		}
		if lost := t.Missing(files); len(lost) > 0 {
			w.violate("P11", "%s proves a save that lacks %v", vm, lost)
		}
	}
}

// settleWithin is how long a status between stopped and online may last when
// nothing goes wrong.
const settleWithin = 15 * time.Minute

// checkCalm: some time after all faults the world is as people want it, and the
// players are those who are in (P15, P16).
func (s *simulation) checkCalm(context.Context) {
	w, shot, g := s.witness, s.cloud.Snapshot(), s.games.Present()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("check")
	st := &w.state
	switch st.Status {
	case world.Stopped, world.Failed:
		w.asleep(shot)
	case world.Online:
		if len(shot.VMs) != 1 || g == nil || !g.Truth().Ready() {
			w.violate("P15", "the world is online by the row, with %d machines and no open game", len(shot.VMs))
			return
		}
		var names []string
		for _, p := range st.Boot.Players {
			names = append(names, p.Name)
		}
		slices.Sort(names)
		if in := g.Truth().Players(); !slices.Equal(names, in) || st.Boot.Connecting != 0 {
			w.violate("P16", "players by the row: %v and %d connecting; in truth: %v", names, st.Boot.Connecting, in)
		}
	default:
		if since := s.clock.Now().Sub(st.Since); since > settleWithin {
			w.violate("P15", "after %v without a fault the world is %s since %v (%d machines)", calmFor, st.Status, since, len(shot.VMs))
		}
	}
}

// asleep: nothing runs, nothing costs money, nobody is in. w.mu is held.
func (w *witness) asleep(shot simcloud.Snapshot) {
	if n := len(shot.VMs); n > 0 {
		w.violate("P20", "the world is %s, and %s is there", w.state.Status, shot.VMs[0].ID)
	}
	for _, p := range shot.Placements {
		if p.Capacity != 0 || p.Toward != 0 {
			w.violate("P20", "the world is %s, and %s has capacity %d", w.state.Status, p.ID, p.Capacity)
		}
	}
	if n := w.state.OnlinePlayers(); n != 0 {
		w.violate("P16", "the world is %s with %d players", w.state.Status, n)
	}
}

// checkOut: after the last /stop the fire is out, and every command was
// answered (P2).
func (s *simulation) checkOut() {
	w, shot := s.witness, s.cloud.Snapshot()
	messages := map[string]simdiscord.Message{}
	for _, m := range s.discord.Messages() {
		messages[m.ID] = m
	}
	poison := s.storage.Queue(world.PoisonQueue(world.EventsQueue)).Messages()
	files, err := s.games.Files()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("end")
	w.world(files, err)
	if st := w.state.Status; st != world.Stopped && st != world.Failed {
		w.violate("P15", "%v after the last /stop the world is %s", outFor, st)
	} else {
		w.asleep(shot)
	}
	for _, p := range w.state.Pending {
		if age := s.clock.Now().Sub(w.hungAt[p.ID]); age > 3*time.Minute {
			w.violate("P2", "an effect of %s is pending for %v", p.Event, age)
		}
	}
	w.stats.Poisoned += len(poison)
	for _, id := range w.order {
		w.answered(w.commands[id], messages)
	}
}

// answered: a command that was accepted ended in an answer that people saw.
// w.mu is held.
func (w *witness) answered(c *command, messages map[string]simdiscord.Message) {
	var m simdiscord.Message
	there := false
	if c.out.Message != nil {
		m, there = messages[c.out.Message.ID]
	}
	switch {
	case there && m.Thinking:
		w.violate("P2", "/%s %s of %v is still thinking", c.name, c.id, c.created.Sub(replay.Start()))
	case there && m.Content == simdiscord.NotResponding:
		// The token died first. What is not for one person alone is told in
		// the channel instead.
		if m.EphemeralTo == nil && !w.texts[c.answer] && !w.texts[words.Broken().Text] && !c.expired && c.answer != "" {
			w.violate("P2", "/%s %s was never answered: %q", c.name, c.id, c.answer)
		}
	case !c.seen && !there && !w.told[c.id] && !w.texts[words.Broken().Text]:
		w.violate("P2", "/%s %s of %v was accepted and never handled", c.name, c.id, c.created.Sub(replay.Start()))
	case c.waits:
		w.violate("P2", "the answer to /%s %s still waits", c.name, c.id)
	}
}
