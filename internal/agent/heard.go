package agent

import (
	"context"
	"time"
)

const (
	// sayUnheardEvery is how often it is said what the game waits for.
	sayUnheardEvery = time.Minute
	// fitFor is how long files that were found fit are believed to be.
	fitFor = time.Minute
)

// awaitHearing waits for the queue to take HostUp.
func (b *boot) awaitHearing() {
	b.heard = nil
	if b.Greeted && !b.Heard {
		b.heard = b.out.Taken(b.Hello)
	}
}

// onHeard: the queue took the boot's first word.
func (b *boot) onHeard(work context.Context) {
	b.heard, b.Heard, b.unwritten = nil, true, true
	b.beginIfHeard(work)
}

// beginIfHeard makes the game's process if the files are fit, the lease is fresh
// and the queue took HostUp. Whoever is not heard is taken for dead in minutes, and
// its machine deleted with all who play there.
func (b *boot) beginIfHeard(work context.Context) {
	switch {
	case b.Phase != checking || b.fit.IsZero():
	case !b.Heard:
		if b.complain == nil {
			b.complain = b.Clock.After(sayUnheardEvery)
		}
	case b.Clock.Now().Sub(b.Renewed) >= staleAfter: // the next renewal comes here
	case b.Clock.Now().Sub(b.fit) >= fitFor:
		b.notFit()
		b.check(work)
	default:
		b.notFit()
		b.begin(work)
	}
}

func (b *boot) notFit() { b.fit, b.complain = time.Time{}, nil }

// sayUnheard tells who reads the machine's console, the only ones who can be told.
func (b *boot) sayUnheard() {
	b.complain = nil
	if b.Phase != checking || b.fit.IsZero() || b.Heard {
		return
	}
	b.complain = b.Clock.After(sayUnheardEvery)
	why := "it was not tried yet"
	if err := b.out.Failing(); err != nil {
		why = err.Error()
	}
	b.Log.Error("game is not started: the events queue does not take this boot's first word, and what nobody hears of nobody looks after",
		"world", b.World, "boot", b.Holding.Epoch, "error", why)
}
