package simcloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"hearth/internal/world"
)

var _ world.Compute = (*Cloud)(nil)

// Why a Boot's context ended, as context.Cause tells it.
var (
	// ErrPowerOff: the machine was switched off under its programs (deleted,
	// evicted, vanished). Nothing on it may do anything any more, not even
	// save: there is no disk and no network.
	ErrPowerOff = errors.New("machine switched off")
	// ErrFrozen: the machine hangs. To what runs on it that is the same as
	// ErrPowerOff, which it wraps; only the cloud still lists it.
	ErrFrozen = fmt.Errorf("machine hangs: %w", ErrPowerOff)
	// ErrShutdown: the whole playground closes. There is time to end well.
	ErrShutdown = errors.New("pretend cloud closes")
)

// Defaults of Timing: what a small machine of the real cloud takes, roughly.
const (
	DefaultCreate = 35 * time.Second
	DefaultBoot   = 45 * time.Second
	DefaultDelete = 20 * time.Second
)

// MaxPlacements is how many scale sets one cloud holds: each may have a
// machine, and each machine an address of 203.0.113.0/24.
const MaxPlacements = 254

// Timing is how long the cloud takes, on its clock.
type Timing struct {
	Create time.Duration // a scale-up, until its operation is done; 0: DefaultCreate
	Boot   time.Duration // from there until Boot runs; 0: DefaultBoot
	Delete time.Duration // a scale-down of a machine; 0: DefaultDelete
	// Jitter, 0 to 1, makes each of them take up to this part more or less,
	// drawn by Options.Seed.
	Jitter float64
}

// Options are what New needs to know.
type Options struct {
	// Clock is required.
	Clock world.Clock
	// Boot is what runs on a machine once it has booted, each in a goroutine
	// of its own that Close waits for. It must return soon after ctx ends;
	// context.Cause says ErrPowerOff, ErrFrozen or ErrShutdown. When it returns
	// by itself, the machine stays, with nothing running on it. nil: nothing
	// ever runs on the machines.
	Boot func(ctx context.Context, vm *VM)
	// Placements are the scale sets that exist, 1 to MaxPlacements, beside
	// those that File remembers.
	Placements []world.Placement
	Timing     Timing
	// Seed determines addresses, tokens and jitter.
	Seed uint64
	// HideAddress makes VM.Machine leave the public address out, as the real
	// metadata service often does for Standard addresses.
	HideAddress bool
	// File keeps everything across processes; empty: nothing is kept.
	File string
	// Log may be nil.
	Log *slog.Logger
	// OnChange is called after each change that Snapshot shows, on the
	// goroutine that made it, perhaps several at once. It may call Snapshot and
	// must not block. May be nil.
	OnChange func()
}

// Cloud is the pretend cloud. All methods are safe for concurrent use.
type Cloud struct {
	clock    world.Clock
	boot     func(ctx context.Context, vm *VM)
	timing   Timing
	seed     uint64
	hideAddr bool
	file     string
	log      *slog.Logger
	onChange func()

	kick    chan struct{} // wakes the engine: something has changed
	end     context.CancelCauseFunc
	drained chan struct{} // closed when the engine and every Boot have ended

	mu       sync.Mutex // guards what follows
	st       state
	toBoot   []string                           // machines whose Boot is to be begun, in order
	boots    map[string]context.CancelCauseFunc // of the machines that something runs on
	consoles map[string][]byte                  // of the machines that there are
	live     int                                // goroutines: the engine and the Boots
	changed  bool                               // st differs from what leave last told
	unsaved  bool                               // the file is behind st
	closed   bool
}

// New opens the cloud and starts its engine; Close ends it. The error tells
// every problem of the options, or what is wrong with the file.
func New(o Options) (*Cloud, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("open pretend cloud: %w", err)
	}
	c := &Cloud{
		clock: o.Clock, boot: o.Boot, timing: o.Timing.withDefaults(), seed: o.Seed,
		hideAddr: o.HideAddress, file: o.File, log: o.Log, onChange: o.OnChange,
		kick: make(chan struct{}, 1), drained: make(chan struct{}),
		boots: map[string]context.CancelCauseFunc{}, consoles: map[string][]byte{},
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	now := c.clock.Now()
	c.st = state{Schema: fileSchema, Born: strconv.FormatInt(now.UnixNano(), 36)}
	if c.file != "" {
		if err := c.load(now); err != nil {
			return nil, fmt.Errorf("open pretend cloud: %w", err)
		}
	}
	c.st.addSets(o.Placements)
	if n := len(c.st.Sets); n > MaxPlacements {
		return nil, fmt.Errorf("open pretend cloud: %d scale sets with those of %s: at most %d fit; delete the file or name fewer placements", n, c.file, MaxPlacements)
	}
	if err := c.save(now); err != nil {
		return nil, fmt.Errorf("open pretend cloud: %w", err)
	}
	ctx, end := context.WithCancelCause(context.Background())
	c.end = end
	c.live = 1
	go c.run(ctx)
	return c, nil
}

func (o *Options) validate() error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if o.Clock == nil {
		bad("Options.Clock is missing: give it the clock that everything else runs on")
	}
	if n := len(o.Placements); n < 1 || n > MaxPlacements {
		bad("Options.Placements has %d scale sets: name 1 to %d", n, MaxPlacements)
	}
	seen := map[string]bool{}
	for i, p := range o.Placements {
		if p.ID == "" {
			bad("placement %d has no id: give it a scale set's name, such as vmss-midgard", i+1)
		}
		if seen[p.ID] {
			bad("placement %q appears twice: ids must differ", p.ID)
		}
		seen[p.ID] = true
	}
	if t := o.Timing; t.Create < 0 || t.Boot < 0 || t.Delete < 0 {
		bad("Options.Timing has a negative duration: give 0 for the default, or more")
	}
	if j := o.Timing.Jitter; !(j >= 0 && j <= 1) { // so that NaN is refused
		bad("Options.Timing.Jitter is %v: choose 0 to 1", j)
	}
	return errors.Join(problems...)
}

func (t Timing) withDefaults() Timing {
	if t.Create == 0 {
		t.Create = DefaultCreate
	}
	if t.Boot == 0 {
		t.Boot = DefaultBoot
	}
	if t.Delete == 0 {
		t.Delete = DefaultDelete
	}
	return t
}

// Close ends every Boot with cause ErrShutdown, keeps the state, and waits for
// the Boots to return or for ctx, whose cause is then in the error. Later calls
// wait again; the other methods refuse after it.
func (c *Cloud) Close(ctx context.Context) error {
	err := c.shut()
	select {
	case <-c.drained:
		return err
	default: // if both are ready below, what is done counts
	}
	select {
	case <-c.drained:
		return err
	case <-ctx.Done():
		return errors.Join(err, fmt.Errorf("close pretend cloud: wait for what runs on its machines: %w", context.Cause(ctx)))
	}
}

// shut refuses what comes from now on, writes the file a last time and tells
// the goroutines to end.
func (c *Cloud) shut() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	now := c.clock.Now()
	c.advance(now)
	c.closed = true
	c.end(ErrShutdown)
	if err := c.save(now); err != nil {
		return fmt.Errorf("close pretend cloud: %w", err)
	}
	return nil
}

// run is the engine: it makes happen what is due, begins the Boots, and waits
// for the next thing or for a change. ctx is the parent of every Boot's.
func (c *Cloud) run(ctx context.Context) {
	defer c.exited()
	for {
		wait := c.turn(ctx)
		select {
		case <-wait:
		case <-c.kick:
		case <-ctx.Done():
			return
		}
	}
}

// turn is one round of the engine. The channel tells when the next is due; nil
// when nothing is.
func (c *Cloud) turn(ctx context.Context) <-chan time.Time {
	now := c.enter()
	defer c.leave()
	for _, id := range c.toBoot {
		c.beginBoot(ctx, id)
	}
	c.toBoot = nil
	s, ok := c.next()
	if !ok {
		return nil
	}
	return c.clock.After(s.at.Sub(now))
}

// beginBoot runs Boot for a machine, unless it is gone or frozen by now. c.mu
// is held.
func (c *Cloud) beginBoot(ctx context.Context, id string) {
	set := c.st.setOf(id)
	if c.closed || c.boot == nil || set == nil || !set.VM.on() {
		return
	}
	ctx, cancel := context.WithCancelCause(ctx)
	c.boots[id] = cancel
	c.live++
	vm := c.vm(set)
	go func() {
		defer c.exited()
		defer cancel(nil)
		c.boot(ctx, vm)
	}()
}

// powerOff ends what runs on a machine. c.mu is held.
func (c *Cloud) powerOff(id string, cause error) {
	if cancel, ok := c.boots[id]; ok {
		cancel(cause)
		delete(c.boots, id)
	}
}

// exited counts the end of a goroutine that Close waits for.
func (c *Cloud) exited() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live--
	if c.live == 0 { // the engine is the last but for Boots, and ends only by Close
		close(c.drained)
	}
}

// enter locks the cloud and brings it up to the present, so that what a caller
// sees does not depend on whether the engine woke before it. leave must follow.
func (c *Cloud) enter() time.Time {
	c.mu.Lock()
	now := c.clock.Now()
	if !c.closed {
		c.advance(now)
	}
	return now
}

// leave keeps what changed since enter, unlocks, and tells about it.
func (c *Cloud) leave() {
	changed := c.changed
	c.changed = false
	if (changed || c.unsaved) && !c.closed { // the file may be another's by then
		if err := c.save(c.clock.Now()); err != nil {
			c.log.Error("pretend cloud not kept, its file is behind", "error", err)
		}
	}
	c.mu.Unlock()
	if !changed {
		return
	}
	select {
	case c.kick <- struct{}{}:
	default: // it is awake already
	}
	if c.onChange != nil {
		c.onChange()
	}
}
