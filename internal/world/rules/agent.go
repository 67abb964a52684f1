package rules

import (
	"slices"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

// heard fences an agent's word: an older boot changes nothing, a newer one is
// believed before the cloud tells of it, and nothing counts twice.
func (r *reaction) heard(d world.AgentPayload) {
	h, b := *d.AsHeard(), &r.s.Boot
	if h.Epoch < 1 || h.Epoch < b.Epoch || h.Epoch == b.Epoch && b.Over {
		return
	}
	if up, ok := d.(*world.HostUp); ok && up.Continues && h.Epoch == b.Epoch+1 && b.Up && !b.Proven {
		// The same game under the next epoch: its agent was away for longer
		// than a lease lasts.
		b.Epoch, b.Seen, b.RosterSeq, b.RosterLast, b.StepSeq = h.Epoch, world.Seen{}, 0, 0, 0
	}
	if h.Epoch > b.Epoch {
		if up, _ := d.(*world.HostUp); b.Up && b.Opened && !b.Proven && !r.proves(up, b.Epoch) {
			r.line(words.StartedOver(&r.c, &r.s, r.now))
		}
		r.leaveBoot()
		r.s.Boot = world.Boot{Epoch: h.Epoch, Up: true, LastSave: b.LastSave, Machine: world.Machine{Address: b.Machine.Address}}
		b = &r.s.Boot
		r.newBoot()
	}
	if !b.Seen.Add(h.Seq) {
		return
	}
	b.Heard = r.now
	silent := b.Silent
	if silent {
		b.Silent = false
		r.line(words.SpeaksAgain(&r.c))
	}
	r.told(d)
	if silent {
		r.cardIfAny()
	}
}

// told does what an agent's word that counts asks for.
func (r *reaction) told(d world.AgentPayload) {
	switch d := d.(type) {
	case *world.HostUp:
		r.hostUp(d)
	case *world.StepBegun:
		r.stepBegun(d)
	case *world.CannotStart:
		r.cannotStart(d)
	case *world.NotKept:
		r.keeper(words.NotKept(&r.c, d))
	case *world.Heartbeat:
		r.heartbeat(d)
	case *world.Listening:
		r.listening(d)
	case *world.JoinCode:
		r.joinCode(d)
	case *world.Connected:
		r.connected(d)
	case *world.Spawned:
		r.spawned(d)
	case *world.Disconnected:
		r.disconnected(d)
	case *world.Died:
		r.died(d)
	case *world.Refused:
		r.refused(d)
	case *world.Raid:
		r.raid(d)
	case *world.Saved:
		r.saved()
	case *world.Crashed:
		r.crashed(d)
	case *world.Noticed:
		r.noticed(d)
	case *world.SaveProven:
		r.saveProven(d)
	case *world.OrderRefused:
		r.orderRefused(d)
	case *world.LogTail:
		r.logTail(d)
	case *world.WordsLost:
		r.wordsLost(d)
	}
}

// maxMemoryMB is more than any machine has.
const maxMemoryMB = 1 << 24

func (r *reaction) heartbeat(d *world.Heartbeat) {
	s, b := &r.s, &r.s.Boot
	r.machine(d.Machine)
	fresh := r.lastSave(d.LastSave)
	b.MemoryMB = min(max(d.MemoryMB, 0), maxMemoryMB)
	if d.Seq < max(b.RosterSeq, b.RosterLast) || b.Proven {
		return // a late one: newer word on the roster is known
	}
	before, connecting := b.Players, b.Connecting
	b.RosterSeq = d.Seq
	b.Players = nil
	for _, p := range d.Players {
		r.add(p)
	}
	b.Connecting, b.Known = min(max(d.Connecting, 0), world.MaxPlayers), true
	code := world.Visible(d.JoinCode, world.MaxCodeRunes)
	newCode := code != "" && code != b.JoinCode
	if newCode {
		b.JoinCode = code
	}
	switch {
	case d.Listening && s.Status == world.Loading:
		r.nowOnline()
	case (newCode || fresh || connecting != b.Connecting || !slices.Equal(before, b.Players)) && s.Status == world.Online:
		r.card()
	}
	r.rosterChanged()
	if d.Listening { // else it is empty because nobody can be in
		r.stopIfAsked()
	}
}

func (r *reaction) listening(d *world.Listening) {
	r.s.Boot.Version = world.Visible(d.Version, world.MaxCodeRunes)
	if len(d.Steps) > 0 {
		r.s.Boot.Steps = keptSteps(d.Steps)
	}
	// One from before a crash, or from before a proof, is no news.
	if r.s.Status == world.Loading && d.Seq > r.s.Boot.RosterSeq {
		r.nowOnline()
	}
	if d.New {
		r.line(words.NewWorld(&r.c))
	}
	if d.Mended != "" {
		r.keeper(words.Mended(&r.c, d.Mended))
	}
}

// nowOnline: players can connect.
func (r *reaction) nowOnline() {
	s := &r.s
	s.Boot.Listening, s.Boot.Known, s.Boot.Opened = true, true, true
	r.enter(world.Online)
	r.noDeadline()
	s.Tries = 0
	first := s.Session.Ready.IsZero()
	if first {
		s.Session.Ready = r.now
		if s.Session.Evicted == 0 {
			s.Usually = mean(s.Usually, r.now.Sub(s.Session.Began))
		}
	}
	// Whoever asked for a stop once all have left meant those who were in
	// before it moved or crashed; they are to find it burning.
	dropped := s.WhenEmpty != nil
	s.WhenEmpty, s.EmptySince = nil, time.Time{}
	r.rosterChanged()
	r.card()
	took := r.moveOnline()
	r.line(words.Online(&r.c, s, first, dropped, took))
}

func (r *reaction) joinCode(d *world.JoinCode) {
	code := world.Visible(d.Code, world.MaxCodeRunes)
	if code == r.s.Boot.JoinCode {
		return
	}
	r.s.Boot.JoinCode = code
	if r.s.Status == world.Online {
		r.card()
	}
}

func (r *reaction) connected(d *world.Connected) {
	b := &r.s.Boot
	if d.Seq < b.RosterSeq {
		return
	}
	b.RosterLast = max(b.RosterLast, d.Seq)
	b.Connecting = min(b.Connecting+1, world.MaxPlayers)
	r.rosterChanged()
}

// add puts a player on the roster, which has a bound.
func (r *reaction) add(p world.Player) {
	b := &r.s.Boot
	p = p.Kept()
	i := slices.IndexFunc(b.Players, func(q world.Player) bool { return q.Owner == p.Owner })
	if i < 0 && len(b.Players) < world.MaxPlayers {
		i = len(b.Players)
		b.Players = append(b.Players, world.Player{Owner: p.Owner})
	}
	if i >= 0 && i < world.MaxNamed { // nobody reads more names; the rest is counted
		b.Players[i] = p
	}
	if played := &r.s.Session.Played; p.Name != "" && !slices.Contains(*played, p.Name) && len(*played) < world.MaxPlayed {
		*played = append(*played, p.Name)
	}
}

func (r *reaction) spawned(d *world.Spawned) {
	b := &r.s.Boot
	if d.Seq > b.RosterSeq {
		b.RosterLast = max(b.RosterLast, d.Seq)
		r.add(d.Player)
		b.Connecting = max(b.Connecting-1, 0)
		r.rosterChanged()
	}
	r.line(words.Joined(d.Player.Name, len(b.Players)))
	r.card()
}

func (r *reaction) disconnected(d *world.Disconnected) {
	b := &r.s.Boot
	if d.Seq > b.RosterSeq {
		b.RosterLast = max(b.RosterLast, d.Seq)
		before, gone := len(b.Players), d.Player.Kept()
		b.Players = slices.DeleteFunc(b.Players, func(p world.Player) bool { return p.Owner == gone.Owner })
		if len(b.Players) == before && d.Player.Name == "" {
			b.Connecting = max(b.Connecting-1, 0) // gave up before it spawned
		}
		r.rosterChanged()
	}
	if d.Reason == "server_stop" {
		return // nobody left: the game did, and what that means is told next
	}
	if d.Player.Name != "" {
		r.line(words.Left(d.Player.Name, len(b.Players), d.Reason))
	}
	if !r.stopIfAsked() {
		r.card()
	}
}

// rosterChanged keeps the clocks of how long nobody, or somebody, is on.
func (r *reaction) rosterChanged() {
	s := &r.s
	switch n := s.OnlinePlayers(); {
	case n == 0:
		s.Boot.Busy, s.Boot.SaveLate = time.Time{}, false
	case n > 0 && s.Boot.Busy.IsZero():
		s.Boot.Busy = r.now
	}
	s.Session.Joined = s.Session.Joined || len(s.Boot.Players) > 0
	switch {
	case s.Status != world.Online || s.OnlinePlayers() != 0:
		s.EmptySince = time.Time{}
	case s.EmptySince.IsZero():
		s.EmptySince = r.now
	}
}

func (r *reaction) died(d *world.Died) {
	r.s.Session.Deaths++
	r.line(words.Died(d.Player.Name))
}

// raid: whoever is away may want to help, so one that is over by now is no news.
func (r *reaction) raid(d *world.Raid) {
	if r.s.Status == world.Online && r.now.Sub(r.e.Time) <= RaidLasts {
		r.line(words.Raid(&r.c, d.Event))
	}
}

func (r *reaction) saved() {
	r.lastSave(r.e.Time)
	if r.s.Status == world.Online {
		r.card()
	}
}

func (r *reaction) crashed(d *world.Crashed) {
	s, b := &r.s, &r.s.Boot
	r.lastSave(d.LastSave)
	b.Listening, b.JoinCode, b.Players, b.Connecting, b.RosterSeq = false, "", nil, 0, d.Seq
	if s.Status != world.Online && s.Status != world.Loading {
		return // it stops or moves anyway; the agent's proof follows
	}
	s.Crashes = append(slices.DeleteFunc(s.Crashes, func(t time.Time) bool { return r.now.Sub(t) > CrashWindow }), r.now)
	s.EmptySince = time.Time{}
	if len(s.Crashes) < 2 && d.Restarting {
		r.line(words.Crashed(&r.c, s, r.now))
		b.LateTold = false // of the game that was
		r.enter(world.Loading)
		r.comesUp(d.Seq)
		r.within(ListenWithin)
		r.card()
		return
	}
	s.Why = words.WhyCrashes
	r.line(words.CrashedTwice(&r.c, s, r.now))
	r.keeper(words.CrashedTwice(&r.c, s, r.now))
	r.beginStop(world.Person{}, nil, false)
	r.awaitSave()
	r.card()
}

// noticed: the cloud announced that it does something to the machine. The
// agent saves by itself.
func (r *reaction) noticed(d *world.Noticed) {
	s := &r.s
	switch d.Kind {
	case "Preempt", "Terminate", "Redeploy":
		s.Boot.Noticed = true
		if s.Status == world.Stopping || s.Status == world.Relocating {
			return
		}
		r.moveNoticed()
		r.line(words.EvictionNotice(&r.c, d.Kind == "Redeploy"))
		r.enter(world.Relocating)
		if s.Boot.Proven { // the proof was faster than the notice
			r.within(DeleteWithin)
			r.scale(0)
		} else {
			r.within(SaveWithin)
			r.lookSoon()
		}
		r.card()
	case "Reboot":
		// Told only of a machine that is to stay. Its next boot is waited for.
		if s.Status == world.Loading || s.Status == world.Online {
			r.moveNoticed()
			r.line(words.RebootNotice(&r.c))
		}
	}
}

func (r *reaction) saveProven(d *world.SaveProven) {
	s, b := &r.s, &r.s.Boot
	r.lastSave(d.LastSave)
	if b.Proven {
		return
	}
	r.moveProven(d)
	b.Proven, b.Confirmed = true, d.Confirmed
	b.Listening, b.JoinCode, b.Players, b.Connecting, b.Known, b.RosterSeq = false, "", nil, 0, true, d.Seq
	switch s.Status {
	case world.Stopping:
		if s.Why != words.WhyCrashes { // the crash told the loss
			r.line(words.SaveProven(&r.c, s, d, r.now))
		}
		r.release()
		r.cardIfAny()
	case world.Relocating:
		r.line(words.SaveProven(&r.c, s, d, r.now))
		r.within(DeleteWithin)
		r.scale(0)
	case world.Starting, world.Booting, world.Loading, world.Online:
		// The agent ended the game by itself. A notice whose event is still
		// on its way says more; else its next boot is waited for.
		r.line(words.SaveProven(&r.c, s, d, r.now))
		r.enter(world.Loading)
		r.within(LostAfter)
		r.card()
	case world.Stopped, world.Failed:
	}
}

func (r *reaction) orderRefused(d *world.OrderRefused) {
	s := &r.s
	if s.Tail != nil && d.Kind == world.OrderLogTail && d.Operation == s.Tail.Operation {
		r.noTail()
		return
	}
	if s.Status != world.Stopping || d.Operation != s.Op.ID || s.Boot.Proven {
		return
	}
	switch d.Reason {
	case world.OrderOccupied:
		if !s.Op.IfEmpty {
			return
		}
		s.Boot.Players = nil
		for _, p := range d.Players {
			r.add(p)
		}
		s.Boot.RosterSeq, s.Boot.Known = d.Seq, true
		s.Boot.Connecting = max(1-len(d.Players), s.Boot.Connecting)
		r.noDeadline()
		r.enter(world.Online)
		r.rosterChanged()
		r.line(words.Occupied(&r.c, s))
		r.card()
	case world.OrderStale, world.OrderExpired:
		r.repeatOrder()
	case world.OrderBusy:
	}
}

// mean is a running mean: the newest counts a quarter.
func mean(old, d time.Duration) time.Duration {
	if old == 0 {
		return d
	}
	return (3*old + d) / 4
}
