package drill

import (
	"context"
	"fmt"
	"io"
	"time"

	"hearth/internal/world"
)

// DefaultWithin is how long a world may take to come back.
const DefaultWithin = 15 * time.Minute

const (
	lookEvery = 500 * time.Millisecond // of the clock on the wall
	// blindFor is how long the row may not be readable until that is the end.
	blindFor = time.Minute
)

// Site is where a world burns. Its errors are for people.
type Site interface {
	// Look reads the world's row.
	Look(ctx context.Context) (Look, error)
	// Evict has the cloud take the machine that the row names, with the notice
	// that Azure aims at.
	Evict(ctx context.Context, s world.State) error
}

// Look is a row as it was at one time.
type Look struct {
	Now   time.Time // by the clock of whoever writes it
	World string    // its name for people
	State world.State
}

// Outcome of a drill.
type Outcome int

// What came of it.
const (
	Failed Outcome = iota // it was refused, or the world did not come back: said why
	Left                  // nobody agreed, so nothing was done
	Back                  // people can be in again
)

// Drill takes the machine of one world. All but Within is needed.
type Drill struct {
	Site Site
	// Clock is the wall's: between two looks.
	Clock  world.Clock
	Within time.Duration // of the world's clock; 0: DefaultWithin
	// Agree asks whether to go on although somebody plays.
	Agree func() bool
	Out   io.Writer // what is seen, as it is seen
	Err   io.Writer // why it failed
}

// Run does it. When ctx ends it leaves the eviction to itself, and says so.
func (d *Drill) Run(ctx context.Context) Outcome {
	before, err := d.Site.Look(ctx)
	if err != nil {
		return d.fail("%v", err)
	}
	s := &before.State
	switch {
	case s.Status != world.Online:
		return d.fail("%s is %s, so there is nothing to try: it has to be online. In Discord, /start lights it", before.World, s.Status)
	case s.Cloud.VM == "":
		return d.fail("The machine of %s is not known yet. Try again in half a minute", before.World)
	}
	if !d.mayDisturb(before) {
		d.say("Nothing was done.")
		return Left
	}
	if err := d.Site.Evict(ctx, *s); err != nil {
		return d.fail("%v", err)
	}
	d.say("The cloud takes %s, the machine of %s at %s.\n", s.Cloud.VM, before.World, s.Cloud.Placement)
	return d.follow(ctx, before)
}

// mayDisturb: nobody plays, or somebody has agreed.
func (d *Drill) mayDisturb(look Look) bool {
	who := "Somebody is"
	switch n := look.State.OnlinePlayers(); n {
	case 0:
		return true
	case 1:
	case -1:
		who = "Nobody can tell who is"
	default:
		who = fmt.Sprintf("%d people are", n)
	}
	d.say("%s in %s. Nothing they did is lost, but they are thrown out, and can come back in when it is up again.", who, look.World)
	return d.Agree()
}

// follow prints each step as it is seen, until people can be in or will not be.
func (d *Drill) follow(ctx context.Context, before Look) Outcome {
	within := d.Within
	if within == 0 {
		within = DefaultWithin
	}
	told, seen := map[string]bool{}, d.Clock.Now()
	for {
		look, err := d.Site.Look(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil && d.Clock.Now().Sub(seen) > blindFor:
			return d.fail("%v. The eviction goes on by itself; /status tells how the world is", err)
		case err == nil:
			seen = d.Clock.Now()
			t := Timeline{}
			if !look.State.Move.Began.Equal(before.State.Move.Began) {
				t = Of(before.Now, look.State.Move)
			}
			for _, step := range t.Steps {
				if !told[step.What] {
					told[step.What] = true
					d.say("%s", step)
				}
			}
			if over, outcome := d.over(look, before, t, within); over {
				return outcome
			}
		}
		select {
		case <-ctx.Done():
			d.say("\nThe eviction goes on by itself, and so does what comes after it: /status tells how the world is.")
			return Failed
		case <-d.Clock.After(lookEvery):
		}
	}
}

// over: nothing more is to be seen.
func (d *Drill) over(look, before Look, t Timeline, within time.Duration) (bool, Outcome) {
	s, w := &look.State, look.World
	switch {
	case t.Back():
		d.say("\n%s", t.Sum())
		return true, Back
	case s.Status == world.Failed:
		return true, d.fail("%s did not come back: %s", w, s.Why)
	case s.Status == world.Stopped:
		return true, d.fail("%s is out: somebody stopped it meanwhile", w)
	case look.Now.Sub(before.Now) > within:
		return true, d.fail("%s is not back after %s; it is %s. Hearth goes on trying: /status tells how it is", w, within, s.Status)
	}
	return false, Failed
}

func (d *Drill) fail(format string, args ...any) Outcome {
	_, _ = fmt.Fprintf(d.Err, "hearth: "+format+"\n", args...) // a terminal that is gone is nobody's business
	return Failed
}

func (d *Drill) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.Out, format+"\n", args...)
}
