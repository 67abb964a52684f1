package agent

import (
	"context"
	"slices"
	"time"

	"hearth/internal/agent/backoff"
	"hearth/internal/valheim"
	"hearth/internal/world"
)

const (
	acknowledgeTimeout = 5 * time.Second
	acknowledgeAgain   = time.Second

	// proofWithin is how long an acknowledgement waits for the proof to be
	// sent and written: what the machine has left is for the machine.
	proofWithin = 2 * time.Second

	acknowledgeTries = 3

	rememberNotices = 64
)

// heed acts on a notice: the game first, words after.
func (b *boot) heed(work context.Context, n world.Notice) {
	if slices.Contains(b.Noticed, n.ID) {
		return // it was heeded by an earlier process of the agent
	}
	b.Noticed = append(b.Noticed, n.ID)
	b.Noticed = b.Noticed[max(0, len(b.Noticed)-rememberNotices):]
	b.unwritten = b.unwritten || b.Holding.Epoch != 0
	if n.Started && !b.Touched && (n.Kind == "Reboot" || n.Kind == "Redeploy") {
		// It is still listed after it brought this boot about, for up to ten
		// minutes ("Scheduled Events for Linux VMs"), or it takes a machine on
		// which nobody could be in yet. There is nothing to save either way, and
		// whoever stopped for the first kind would wait for a restart that is
		// over.
		b.Log.Info("cloud's event has begun before anybody could be in, going on", "world", b.World, "kind", n.Kind, "notice", n.ID)
		return
	}
	takes := false // the machine, or the process with it
	switch n.Kind {
	case "Preempt", "Terminate", "Reboot", "Redeploy":
		takes = true
	}
	b.Log.Warn("cloud gave notice", "world", b.World, "boot", b.Holding.Epoch, "kind", n.Kind, "notice", n.ID, "not_before", n.NotBefore)
	if b.Holding.Epoch == 0 {
		// Nothing runs and there is no epoch to speak under yet. A machine
		// that goes must not take the lease from its successor.
		if takes {
			b.giveLeaseBack()
			b.Phase = down
		}
		if takes || n.Kind == "Freeze" {
			b.acknowledge(work, n.ID)
		}
		return
	}
	if takes && !isClosed(b.hurried) {
		close(b.hurried)
	}
	if takes && b.stop == nil {
		b.beginStop(work, stopRequest{Why: world.StopNotice})
	}
	b.emit(valheim.Happening{}, &world.Noticed{Kind: n.Kind, NotBefore: n.NotBefore})
	switch {
	case takes && b.Proven == nil:
		b.stop.Notices = append(b.stop.Notices, n.ID)
	case takes, n.Kind == "Freeze":
		b.acknowledge(work, n.ID)
	}
}

// acknowledge lets the cloud go on, once all of after are closed or proofWithin
// passed. A notice that is not acknowledged is carried out all the same, later.
func (b *boot) acknowledge(work context.Context, id string, after ...<-chan struct{}) {
	b.errands.Go(func() {
		bound := b.Clock.After(proofWithin)
		for _, c := range after {
			select {
			case <-c:
			case <-bound:
				bound = b.Clock.After(0)
			case <-work.Done():
				return
			}
		}
		for try := range acknowledgeTries {
			err := b.tryAcknowledge(work, id)
			if err == nil || work.Err() != nil {
				return
			}
			b.Log.Warn("notice could not be acknowledged", "world", b.World, "notice", id, "tries", try+1, "error", err)
			if !backoff.Pause(work, b.Clock, acknowledgeAgain) {
				return
			}
		}
	})
}

func (b *boot) tryAcknowledge(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, acknowledgeTimeout)
	defer cancel()
	return b.Metadata.Acknowledge(ctx, id)
}
