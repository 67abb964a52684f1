package agent

import (
	"context"
	"encoding/json"
	"time"

	"hearth/internal/valheim"
	"hearth/internal/world"
)

// memory is what an agent must not forget when its process dies: it is written
// with every event, and the next process on the same life of the machine goes
// on from it.
type memory struct {
	Life     string        `json:"life"` // Options.Boot
	Phase    phase         `json:"phase"`
	Ended    bool          `json:"ended,omitempty"` // it was asked to end, and did
	Holding  world.Holding `json:"holding"`
	Renewed  time.Time     `json:"renewed"`            // when the last successful acquire or renew was begun
	Released bool          `json:"released,omitempty"` // the keeper was told to let go
	Machine  world.Machine `json:"machine"`
	Seq      int64         `json:"seq"`
	Greeted  bool          `json:"greeted,omitempty"`
	Hello    int64         `json:"hello,omitempty"` // the outbox's number of HostUp
	Heard    bool          `json:"heard,omitempty"` // the queue took it

	Cleared  bool        `json:"cleared,omitempty"` // no game runs that nobody knows of
	Met      bool        `json:"met,omitempty"`     // one did, and was ended
	Ran      bool        `json:"ran,omitempty"`     // there was a process: its files are synced
	Over     string      `json:"over,omitempty"`    // the last process that is gone and whose log was read to its end
	Touched  bool        `json:"touched,omitempty"` // some process of this boot could be joined
	Crashes  []time.Time `json:"crashes,omitempty"` // of the last crashWindow
	LastSave time.Time   `json:"last_save,omitzero"`
	// Saves are orders to save that wait for an autosave.
	Saves    []saveWaiting     `json:"saves,omitempty"`
	Occupied []string          `json:"occupied,omitempty"` // operations whose stop-if-empty was refused
	Noticed  []string          `json:"noticed,omitempty"`  // notices that were heeded
	Proven   *world.SaveProven `json:"proven,omitempty"`   // the stop's outcome

	Steps     []world.StepTook `json:"steps,omitempty"` // that are done
	Step      world.Step       `json:"step,omitempty"`  // that is under way; empty: the boot is over
	StepSince time.Time        `json:"step_since,omitzero"`
	Found     world.FilesState `json:"found,omitzero"` // of the world's files
	Kept      bool             `json:"kept,omitempty"` // a snapshot was taken, or it was tried

	Play *play `json:"play,omitempty"` // of the process that runs
	End  *end  `json:"end,omitempty"`  // of the stop that was begun
}

// write has the memory written, with the events that were made since the last
// time, if something that matters changed.
func (b *boot) write() {
	if b.unwritten {
		b.out.Commit(b.remembered())
		b.unwritten = false
	}
}

// remembered is the memory as it is written.
func (b *boot) remembered() []byte {
	m := b.memory
	if b.game != nil {
		m.Play = &b.game.play
	}
	if b.stop != nil {
		m.End = &b.stop.end
	}
	text, err := json.Marshal(m)
	if err != nil {
		// A mistake in this program. An older memory would tell events twice.
		b.Log.Error("agent's memory could not be written", "world", b.World, "error", err)
		return nil
	}
	return text
}

// remember takes up what an earlier process of the agent left, or begins anew.
func (b *boot) remember(work context.Context, state []byte) {
	var m memory
	if state != nil {
		if err := json.Unmarshal(state, &m); err != nil {
			b.Log.Error("agent's memory can't be read, beginning a new boot", "world", b.World, "error", err)
			m = memory{}
		}
	}
	if m.Holding.Epoch == 0 || m.Life != b.Boot || m.Ended || m.Holding.World != b.World {
		if m.Holding.Epoch != 0 && !m.Released && m.Holding.World == b.World {
			b.errands.Go(func() { b.release(work, m.Holding) }) // the machine's last life: its game is gone
		}
		b.lookForUnknown(work)
		b.step(world.StepLease)
		b.askProof(work)
		return
	}
	b.Log.Warn("agent goes on after its process ended", "world", b.World, "boot", m.Holding.Epoch, "phase", string(m.Phase))
	b.memory = m
	if m.Cleared {
		close(b.cleared) // what runs is known
	} else {
		b.lookForUnknown(work)
	}
	b.proofKnown = m.Greeted
	b.awaitHearing()
	if !m.Greeted {
		b.askProof(work)
		b.greetBy = b.Clock.After(greetWithin)
	}
	b.feeders.Go(func() { b.watch.Deliveries(work, b.deliveries) })
	b.heartbeatDue = b.Clock.After(time.Second)
	b.keeper.Resume(m.Holding)
	if m.End != nil {
		b.stop = &stop{end: *m.End}
		b.resumeStop()
	}
	if m.Phase == down && (m.Released || m.Proven != nil) {
		b.resumeDown(work)
		return
	}
	// It may be held no more, but whoever else has it, has it since a minute
	// after the last renewal.
	b.graceUntil = b.Clock.Now().Add(resumeGrace)
	b.checkLease(work)
	switch {
	case m.Phase == down:
	case m.Phase == checking:
		b.check(work) // nothing was started
	case !m.Cleared: // nor here
	default:
		b.find(work)
	}
}

// resumeDown: everything was said, but perhaps not done.
func (b *boot) resumeDown(work context.Context) {
	if b.stop != nil && b.stop.Lost {
		return // its game may still run: nobody else is to have the lease
	}
	b.Released = false // whether it really was is not known
	b.giveLeaseBack()
	if b.stop == nil {
		return
	}
	for _, id := range b.stop.Notices {
		b.acknowledge(work, id)
	}
}

// release gives a lease of the machine's last life back, so that this one need
// not wait for its end.
func (b *boot) release(ctx context.Context, h world.Holding) {
	ctx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	if err := b.Lease.Release(ctx, h); err != nil {
		b.Log.Warn("lease of the machine's last life could not be released", "world", b.World, "boot", h.Epoch, "error", err)
	}
}

// play is what is remembered of a process of the game: its log's reader, and
// how far it has come.
type play struct {
	Place    world.Place     `json:"place"` // of the last line that was read
	Reader   *valheim.Reader `json:"reader"`
	Proof    valheim.Proof   `json:"proof"`
	Asked    bool            `json:"asked,omitempty"` // to stop: Proof knows from where on a save counts
	Began    time.Time       `json:"began"`
	Version  string          `json:"version,omitempty"`
	JoinCode string          `json:"join_code,omitempty"`
	Up       bool            `json:"up,omitempty"` // it listened and stayed up
	// Heard is the line that said it listens, Took how long that took.
	Heard     string        `json:"heard,omitempty"`
	Took      time.Duration `json:"took,omitempty"`
	Opened    time.Time     `json:"opened,omitzero"`     // since when it is waited whether it stays up
	Crossplay bool          `json:"crossplay,omitempty"` // and for its join code
	Detail    string        `json:"detail,omitempty"`    // what the log said of its end
	Fell      time.Time     `json:"fell,omitzero"`       // when the log told of a crash, after which the process went on
	Again     bool          `json:"again,omitempty"`     // it is to have another chance
}
