package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

const (
	claimFor = 60 * time.Second
	// raceRetries: whoever loses this often gives the event back to the queue,
	// where it waits for half a minute. The pauses between, some four seconds
	// in all, double up to slowestRetry.
	raceRetries  = 12
	slowestRetry = 5 // doublings of 10 ms
)

// ErrClaimed says that effects of this event are being performed by another worker.
// The event must stay in its queue until they are done.
var ErrClaimed = errors.New("effects are claimed by another worker")

// ErrUnknownWorld says that the event is for a world that is not configured.
var ErrUnknownWorld = errors.New("world is not configured")

// Runner reacts to events and performs what they ask for. It keeps nothing
// between events and is safe for concurrent use.
type Runner struct {
	Guild   world.Guild
	Worlds  []world.Config
	Store   world.Store
	Compute world.Compute
	Console world.Console
	Estate  world.Estate
	Chat    world.Chat
	Events  world.Queue                      // takes delayed events
	Orders  func(worldID string) world.Queue // takes the orders of a world
	Key     []byte                           // seals the bot's own events
	Clock   world.Clock
	Log     *slog.Logger
	// Draw gives random numbers, for the names of claims and the jitter
	// between attempts; nil: the system's. It is called by several goroutines.
	Draw func() uint64
}

// Handle reacts to one event and performs its effects. nil means that the
// event may be acknowledged; any error that it must come again.
func (r *Runner) Handle(ctx context.Context, e world.Event) error {
	c, ok := r.config(e.World)
	if !ok {
		return fmt.Errorf("handle event %s: %w: %q", e.ID, ErrUnknownWorld, e.World)
	}
	e.Received = r.Clock.Now()
	h := &handling{Runner: r, c: c, claim: r.name(), event: e.ID, log: r.Log.With("world", e.World, "event_id", e.ID)}
	if err := h.update(ctx, func(s *world.State) { h.react(s, e); h.adopt(s) }); err != nil {
		return fmt.Errorf("handle event %s: %w", e.ID, err)
	}
	if err := h.perform(ctx); err != nil {
		return fmt.Errorf("handle event %s: %w", e.ID, err)
	}
	if h.claimedElsewhere() {
		return fmt.Errorf("handle event %s: %w", e.ID, ErrClaimed)
	}
	return nil
}

// took reports whether a command is known to be in the row. A store that is
// away leaves time to tell.
func (r *Runner) took(ctx context.Context, e world.Event) bool {
	ctx, cancel := context.WithTimeout(ctx, chatWithin/4)
	defer cancel()
	row, err := r.Store.Load(ctx, world.Key{Guild: r.Guild.ID, World: e.World})
	return err == nil && slices.Contains(row.State.Commands, e.ID)
}

// name is one that nothing else has.
func (r *Runner) name() string {
	return strconv.FormatUint(r.draw(), 36) + strconv.FormatUint(r.draw(), 36)
}

func (r *Runner) draw() uint64 {
	if r.Draw != nil {
		return r.Draw()
	}
	return rand.Uint64() //nolint:gosec // ChaCha8 from the system's entropy; a claim's name is unique, not secret
}

func (r *Runner) config(id string) (*world.Config, bool) {
	for i := range r.Worlds {
		if r.Worlds[i].ID == id {
			return &r.Worlds[i], true
		}
	}
	return nil, false
}

// handling is the work on one event.
type handling struct {
	*Runner
	c     *world.Config
	claim string // names this worker's hold on effects
	event string
	row   world.Row // as last read or written
	known bool      // row is what the store holds, as far as we know
	hung  int       // effects hung on the row so far, for their ids
	log   *slog.Logger
}

// react applies one event to the state and hangs its effects on it, claimed.
func (h *handling) react(s *world.State, e world.Event) {
	next, effects := rules.React(*h.c, *s, e)
	*s = next
	for _, eff := range effects {
		h.hung++
		h.hang(s, world.Pending{
			ID:    fmt.Sprintf("%d.%d", s.Generation+1, h.hung),
			Event: h.event, Effect: eff, Claim: h.claim, Until: h.Clock.Now().Add(claimFor),
		})
	}
}

// update changes the row by compare-and-swap, first write wins. change may run
// several times, on newer and newer states; it must do no harm when its own
// earlier write has landed.
func (h *handling) update(ctx context.Context, change func(*world.State)) error {
	var (
		failed error
		tried  string // names the last write, whose fate is unknown
	)
	for try := 0; ; try++ {
		if !h.known {
			if err := h.load(ctx); err != nil {
				return errors.Join(failed, err)
			}
			// A lost reply, and a conflict with a repeat of one's own request,
			// look like failures of a write that is done.
			if tried != "" && h.row.State.Write == tried {
				return nil
			}
		}
		if try == raceRetries {
			return fmt.Errorf("tried %d times: %w", raceRetries, failed)
		}
		s := h.row.State
		change(&s)
		if reflect.DeepEqual(s, h.row.State) {
			return nil
		}
		s.Generation++
		s.Write = h.claim + "." + fmt.Sprint(s.Generation)
		if failed = h.write(ctx, s); failed == nil {
			return nil
		}
		h.known, tried = false, s.Write
		if errors.Is(failed, world.ErrTooLarge) {
			return failed // nothing was written, and nothing smaller can be
		}
		if err := h.pause(ctx, try); err != nil {
			return errors.Join(failed, err)
		}
	}
}

func (h *handling) load(ctx context.Context) error {
	key := world.Key{Guild: h.Guild.ID, World: h.c.ID}
	row, err := h.Store.Load(ctx, key)
	if errors.Is(err, world.ErrNotFound) {
		row, err = world.Row{Key: key, State: world.NewState(h.c.ID)}, nil
	}
	if errors.Is(err, world.ErrMalformed) || errors.Is(err, world.ErrSchema) {
		return fmt.Errorf("load row of %s: %w: %w", h.c.ID, ErrRow, err)
	}
	if err != nil {
		return fmt.Errorf("load row of %s: %w", h.c.ID, err)
	}
	h.row, h.known = row, true
	return nil
}

// write stores s in place of the row; on success the row is s.
func (h *handling) write(ctx context.Context, s world.State) error {
	shrink(&s)
	row := world.Row{Key: h.row.Key, State: s, ETag: h.row.ETag}
	var err error
	if row.ETag == "" {
		row.ETag, err = h.Store.Insert(ctx, row)
	} else {
		row.ETag, err = h.Store.Replace(ctx, row)
	}
	if err != nil {
		return fmt.Errorf("write row of %s: %w", h.c.ID, err)
	}
	h.row, h.known = row, true
	return nil
}

// pause waits a jittered moment before a lost race is run again.
func (h *handling) pause(ctx context.Context, try int) error {
	d := time.Duration(10<<min(try, slowestRetry)) * time.Millisecond
	d = d/2 + time.Duration(h.draw()%uint64(d)) //nolint:gosec // both are positive
	select {
	case <-ctx.Done():
		return fmt.Errorf("write row of %s: %w", h.c.ID, context.Cause(ctx))
	case <-h.Clock.After(d):
		return nil
	}
}
