package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"hearth/internal/agent/spool"
	"hearth/internal/sim/simdisk"
	"hearth/internal/world"
)

// Bug is a mistake that is planted to see whether the oracles find it.
type Bug string

// The bugs. Each is what a system makes that lacks one of Hearth's guards.
const (
	NoBug            Bug = ""
	AcknowledgeFirst Bug = "acknowledge-first"    // the host deletes a message before it is handled
	BlindWrite       Bug = "blind-write"          // a row is replaced whatever its ETag
	NoFence          Bug = "no-fence"             // the lease is given to everybody who asks
	SaveNotAwaited   Bug = "save-not-awaited"     // a stop counts as saved as soon as it is ordered
	BootNotCompared  Bug = "boot-not-compared"    // events of an older boot are taken for the present one's
	ClaimIgnored     Bug = "claim-ignored"        // effects are performed though another worker holds them
	SeenForgotten    Bug = "seen-forgotten"       // events that come again are new
	WishForgotten    Bug = "wish-forgotten"       // the command that arrives last wins, not the one given last
	EmptyAssumed     Bug = "empty-assumed"        // a place is taken for empty as soon as the cloud was told to empty it
	PlaceForgotten   Bug = "place-forgotten"      // a log is read from its begin by whoever takes it up
	Unsynced         Bug = "unsynced"             // what is written is on the disk some seconds later
	MemoryLostHidden Bug = "memory-lost-silently" // a game that no memory tells of is not looked for
	LeaseNotResumed  Bug = "lease-not-resumed"    // an agent that came back does not renew its lease
	NoticeIgnored    Bug = "notice-ignored"       // the cloud's notices are not read
	GoneRemembered   Bug = "gone-remembered"      // a machine that is gone is listed for some minutes more
	SavesInvented    Bug = "saves-invented"       // every heartbeat tells of a save just now
	LossUncounted    Bug = "loss-uncounted"       // that words were lost is not told
	WriteBelieved    Bug = "write-believed"       // a write without an answer is taken for done
	WriteNotReread   Bug = "write-not-reread"     // one without an answer is taken for not done, and the row is not read again
	SendBelieved     Bug = "send-believed"        // what was sent to a queue and not answered is taken for sent
	RetriesRushed    Bug = "retries-rushed"       // while no place has a machine, they are asked with every check
	AgainForgotten   Bug = "again-forgotten"      // a start that was asked for during a stop is not done after it
	SilenceEndured   Bug = "silence-endured"      // an agent is never silent for more than nine minutes
)

// Bugs are all that can be planted.
func Bugs() []Bug {
	return []Bug{AcknowledgeFirst, BlindWrite, NoFence, SaveNotAwaited, BootNotCompared, ClaimIgnored, SeenForgotten, WishForgotten, EmptyAssumed,
		PlaceForgotten, Unsynced, MemoryLostHidden, LeaseNotResumed, NoticeIgnored, GoneRemembered, SavesInvented, LossUncounted, WriteBelieved, WriteNotReread, SendBelieved, RetriesRushed, AgainForgotten, SilenceEndured}
}

// forget plants the bugs of a row that is not read with care.
func forget(s *world.State, b Bug, now time.Time) {
	switch b {
	case ClaimIgnored:
		for i := range s.Pending {
			s.Pending[i].Claim, s.Pending[i].Until = "", time.Time{}
		}
	case SeenForgotten:
		s.Boot.Seen, s.Commands = world.Seen{}, nil
	case WishForgotten:
		s.WishAt = time.Time{}
	case RetriesRushed:
		if !s.RetryAt.IsZero() {
			s.Deadline = now.Add(-time.Minute)
		}
	case AgainForgotten:
		s.Again = nil
	case SilenceEndured:
		if least := now.Add(-9 * time.Minute); s.Boot.Heard.Before(least) && !s.Boot.Heard.IsZero() {
			s.Boot.Heard = least
		}
	default:
	}
}

// rejuvenate plants BootNotCompared: an event of an older boot becomes one of
// the present one.
func (s *simulation) rejuvenate(body []byte) []byte {
	if s.o.Bug != BootNotCompared {
		return body
	}
	e, err := world.Decode(body, s.key)
	if err != nil || e.Source != world.SourceAgent {
		return body
	}
	word, ok := e.Data.(world.AgentPayload)
	epoch := s.witness.Epoch()
	if !ok || word.AsHeard().Epoch >= epoch {
		return body
	}
	h := word.AsHeard()
	h.Epoch, h.Seq = epoch, 5_000_000+s.rejuvenated.Add(1) // no agent comes to it
	young, err := e.EncodeSealed([]byte(agentKey))
	if err != nil {
		return body
	}
	return young
}

// assume plants EmptyAssumed, for a place and the operation that it is told of
// by token.
func (s *simulation) assume(p world.Placement, token string, empty bool) {
	if s.o.Bug == EmptyAssumed {
		s.emptied.Store(p.ID, empty)
		s.emptied.Store("token "+token, empty)
	}
}

// assumed tells whether a place, or the operation of a token, is taken for empty.
func (s *simulation) assumed(place, token string) bool {
	for _, key := range []string{place, "token " + token} {
		if empty, ok := s.emptied.Load(key); ok && empty.(bool) {
			return true
		}
	}
	return false
}

// orders plants SaveNotAwaited: the bot's way to an agent, whose proof comes
// back at once.
type orders struct{ queue }

// Send implements world.Queue.
func (o orders) Send(ctx context.Context, body []byte, delay time.Duration) error {
	order, err := world.DecodeOrder(body)
	if err != nil {
		return err
	}
	o.s.witness.Performs(o.who, world.Effect{Order: &order})
	if err := o.queue.Send(ctx, body, delay); err != nil {
		return o.s.believe(err)
	}
	o.s.witness.Performed(world.Effect{Order: &order})
	if o.s.o.Bug != SaveNotAwaited {
		return nil
	}
	h := world.Heard{Epoch: order.Epoch, Seq: 9_000_000} // no agent comes to it
	proof, err := world.Event{
		ID: fmt.Sprintf("%s/%d/%d", worldID, h.Epoch, h.Seq), Source: world.SourceAgent, World: worldID, Time: o.s.clock.Now(),
		Data: &world.SaveProven{Heard: h, Why: world.StopOrdered, Operation: order.Operation, Confirmed: true},
	}.EncodeSealed([]byte(agentKey))
	if err != nil {
		return err
	}
	return o.s.storage.Queue(world.EventsQueue).Send(ctx, proof, 0)
}

// forgetful plants PlaceForgotten.
type forgetful struct{ world.Game }

// Find implements world.Game.
func (f forgetful) Find(ctx context.Context, after world.Place) (world.Server, error) {
	return f.Game.Find(ctx, world.Place{Server: after.Server})
}

// game plants PlaceForgotten in an agent's way to its game.
func (s *simulation) game(g world.Game) world.Game {
	if s.o.Bug == PlaceForgotten {
		return forgetful{g}
	}
	return g
}

// spoil plants Unsynced in an agent's disk.
func (s *simulation) spoil(d *simdisk.Disk) spool.Disk {
	if s.o.Bug == Unsynced {
		return &lagging{Disk: d.Clone(), real: d}
	}
	return d
}

// lagging is a disk as an agent sees it that does not sync: what it writes comes
// to the real one with the tenth write after.
type lagging struct {
	*simdisk.Disk
	real   *simdisk.Disk
	writes int
}

// Replace implements spool.Disk.
func (l *lagging) Replace(name string, b []byte) error {
	if err := l.Disk.Replace(name, b); err != nil {
		return err
	}
	if l.writes++; l.writes%10 != 0 {
		return nil
	}
	old, err := l.real.List()
	if err != nil {
		return err
	}
	now, err := l.List()
	if err != nil {
		return err
	}
	for _, name := range old {
		if !slices.Contains(now, name) {
			err = errors.Join(err, l.real.Remove(name))
		}
	}
	for _, name := range now {
		b, readErr := l.Read(name)
		err = errors.Join(err, readErr, l.real.Replace(name, b))
	}
	return err
}

// word plants SavesInvented and LossUncounted in what an agent sends; nil: it is
// not sent.
func (s *simulation) word(body []byte) []byte {
	if s.o.Bug != SavesInvented && s.o.Bug != LossUncounted {
		return body
	}
	e, err := world.Decode(body, s.key)
	if err != nil {
		return body
	}
	switch d := e.Data.(type) {
	case *world.WordsLost:
		if s.o.Bug == LossUncounted {
			return nil
		}
	case *world.Heartbeat:
		if s.o.Bug == SavesInvented && d.GameUp {
			d.LastSave = e.Time
			if body, err := e.EncodeSealed([]byte(agentKey)); err == nil {
				return body
			}
		}
	}
	return body
}

// sightings plants GoneRemembered: what there was at each place lately.
type sightings struct {
	mu sync.Mutex // guards of
	of map[string]sighting
}

type sighting struct {
	gone  time.Time // since when nothing is there; zero: something is
	found []world.Instance
}

// recall is what is told to be at a place where this was found.
func (s *simulation) recall(place string, found []world.Instance) []world.Instance {
	if s.o.Bug != GoneRemembered {
		return found
	}
	r := &s.sighted
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[string]sighting{}
	}
	old := r.of[place]
	switch now := s.clock.Now(); {
	case len(found) > 0:
		r.of[place] = sighting{found: found}
		return found
	case old.gone.IsZero():
		old.gone = now
		r.of[place] = old
	case now.Sub(old.gone) > 5*time.Minute:
		return nil
	}
	return old.found
}

// believe plants SendBelieved.
func (s *simulation) believe(err error) error {
	if s.o.Bug == SendBelieved && errors.Is(err, errPretended) {
		return nil
	}
	return err
}

// rows is what a process of WriteNotReread remembers.
type rows struct {
	known world.Row // as last read or written
	lost  bool      // whether the last write is done is not known
}

// believe plants WriteBelieved, and remembers for WriteNotReread.
func (t store) believe(row world.Row, etag string, err error) (string, error) {
	switch unknown := errors.Is(err, errPretended); t.s.o.Bug {
	case WriteBelieved:
		if unknown {
			return row.ETag, nil
		}
	case WriteNotReread:
		if t.rows == nil {
			t.rows = &rows{}
		}
		if t.rows.lost = unknown; err == nil {
			t.rows.known = row
			t.rows.known.ETag = etag
		}
	default:
	}
	return etag, err
}

// recall plants WriteNotReread: the row as this process knew it.
func (t store) recall() (world.Row, bool) {
	if t.s.o.Bug != WriteNotReread || t.rows == nil || !t.rows.lost || t.rows.known.ETag == "" {
		return world.Row{}, false
	}
	t.rows.lost = false
	return t.rows.known, true
}
