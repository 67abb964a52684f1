package agent

import (
	"context"
	"errors"
	"time"

	"hearth/internal/agent/backoff"
	"hearth/internal/valheim"
	"hearth/internal/world"
)

const (
	// checkTimeout bounds one look at the files: a share that hangs does so
	// for minutes.
	checkTimeout = 30 * time.Second
	// checkFor is how long files that can't be got at are looked at again: a
	// share may be mounted a moment after the agent begins.
	checkFor   = time.Minute
	checkAgain = 5 * time.Second

	proofTimeout = 5 * time.Second
)

// checkResult is what was found of the world's files.
type checkResult struct {
	state   world.FilesState
	unfit   *world.FilesError
	tried   bool                 // to keep the files
	notKept *world.SnapshotError // why they were not
}

// askProof reads how an earlier boot ended.
func (b *boot) askProof(work context.Context) {
	b.errands.Go(func() {
		p := b.lastProof(work)
		select {
		case b.proofs <- p:
		case <-b.over:
		}
	})
}

func (b *boot) lastProof(ctx context.Context) *world.Proof {
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	p, err := b.Files.LastProof(ctx)
	if err == nil && p.World == b.World {
		return &p
	}
	if err != nil && !errors.Is(err, world.ErrNotFound) {
		b.Log.Warn("last boot's proof can't be read", "world", b.World, "error", err)
	}
	return nil
}

// check looks whether the game may start on the world's files.
func (b *boot) check(work context.Context) {
	b.Phase = checking
	b.step(world.StepFiles)
	kept := b.keep(work)
	b.errands.Go(func() {
		select {
		case <-b.cleared: // else who has the files writes to them
		case <-work.Done():
			return
		}
		r := b.look(work)
		if kept != nil {
			r.tried, r.notKept = true, <-kept
		}
		select {
		case b.checked <- r:
		case <-b.over:
		}
	})
}

func (b *boot) look(work context.Context) checkResult {
	for began := b.Clock.Now(); ; {
		state, err := b.tryCheck(work)
		if err == nil {
			return checkResult{state: state}
		}
		unfit, ok := errors.AsType[*world.FilesError](err)
		if !ok {
			unfit = &world.FilesError{Reason: world.FilesUnreadable, Detail: err.Error()}
		}
		b.Log.Error("world's files are not fit to start on", "world", b.World, "reason", string(unfit.Reason), "detail", unfit.Detail)
		passes := unfit.Reason == world.FilesNotMounted || unfit.Reason == world.FilesUnreadable
		if !passes || b.Clock.Now().Sub(began) >= checkFor || !backoff.Pause(work, b.Clock, checkAgain) {
			return checkResult{unfit: unfit}
		}
	}
}

func (b *boot) tryCheck(ctx context.Context) (world.FilesState, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return b.Files.Check(ctx)
}

// onChecked starts the game as soon as it may be, or says why it can't be.
func (b *boot) onChecked(work context.Context, r checkResult) {
	if b.Phase != checking {
		return // a stop was faster
	}
	b.onKept(r)
	if r.unfit != nil {
		b.emit(valheim.Happening{}, &world.CannotStart{Reason: r.unfit.Reason, Detail: r.unfit.Detail})
		b.Phase = down
		b.giveLeaseBack()
		return
	}
	b.Found, b.fit = r.state, b.Clock.Now()
	b.beginIfHeard(work)
}

// leaveProof writes beside the world how the boot ended. written is closed when
// that is done or given up. The lease is given back when it also stands in the
// agent's memory: a process that did not know of it would ask for the lease again.
func (b *boot) leaveProof(work context.Context, p *world.SaveProven) (written <-chan struct{}) {
	ch := make(chan struct{})
	proof := world.Proof{
		World: b.World, Epoch: b.Holding.Epoch, At: b.Clock.Now(), Why: p.Why,
		Confirmed: p.Confirmed, Untouched: p.Untouched, Size: p.Size, LastSave: p.LastSave,
	}
	ours := (b.Ran || b.Met) && !b.leaseLost && !b.stop.Lost // else the files are another's, or not known
	known := b.out.Commit(b.remembered())
	b.errands.Go(func() {
		if ours {
			b.tryLeaveProof(work, proof)
		}
		close(ch)
		b.await(work, known)
		select {
		case b.left <- struct{}{}:
		case <-work.Done():
		}
	})
	return ch
}

// proofLeft gives the lease back, unless the game may still write.
func (b *boot) proofLeft() {
	if !b.stop.Lost {
		b.giveLeaseBack()
	}
}

func (b *boot) tryLeaveProof(ctx context.Context, p world.Proof) {
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	if err := b.Files.LeaveProof(ctx, p); err != nil {
		b.Log.Error("proof could not be left beside the world", "world", b.World, "boot", p.Epoch, "error", err)
	}
}
