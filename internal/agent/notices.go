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
	// firstNotices bounds the first look: it switches the service on, which
	// may take two minutes (Azure's documentation of Scheduled Events).
	firstNotices  = 3 * time.Minute
	noticeTimeout = 5 * time.Second

	// proofWithin is how long an acknowledgement waits for the proof to be
	// sent: what the machine has left is for the machine.
	proofWithin = 2 * time.Second

	acknowledgeTries = 3
)

// watchNotices hands each notice to the loop once. Notices that vanish were
// carried out or withdrawn; nothing is undone for them.
func (b *boot) watchNotices(ctx context.Context) {
	var seen []string
	timeout := firstNotices
	failing := false
	for {
		list, err := b.askNotices(ctx, timeout)
		switch {
		case err == nil:
			timeout, failing = noticeTimeout, false
		case ctx.Err() != nil:
			return
		case !failing:
			failing = true
			b.Log.Warn("notices can't be read, trying again", "world", b.World, "error", err)
		}
		fresh := make([]string, 0, len(list))
		for _, n := range list {
			fresh = append(fresh, n.ID)
			if slices.Contains(seen, n.ID) {
				continue
			}
			select {
			case b.notices <- n:
			case <-ctx.Done():
				return
			}
		}
		if err == nil {
			seen = remember(seen, fresh)
		}
		if !backoff.Pause(ctx, b.Clock, noticesEvery) {
			return
		}
	}
}

// remember keeps the last 256 ids, so that one which drops out of a list and
// comes back is not new.
func remember(seen, fresh []string) []string {
	for _, id := range fresh {
		if !slices.Contains(seen, id) {
			seen = append(seen, id)
		}
	}
	return seen[max(0, len(seen)-256):]
}

func (b *boot) askNotices(ctx context.Context, timeout time.Duration) ([]world.Notice, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return b.Metadata.Notices(ctx)
}

// heed acts on a notice: the game first, words after.
func (b *boot) heed(work context.Context, n world.Notice) {
	if n.Started && !b.touched && (n.Kind == "Reboot" || n.Kind == "Redeploy") {
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
	b.Log.Warn("cloud gave notice", "world", b.World, "boot", b.holding.Epoch, "kind", n.Kind, "notice", n.ID, "not_before", n.NotBefore)
	if b.holding.Epoch == 0 {
		// Nothing runs and there is no epoch to speak under yet. A machine
		// that goes must not take the lease from its successor.
		if takes {
			b.giveLeaseBack()
			b.phase = down
		}
		if takes || n.Kind == "Freeze" {
			b.acknowledge(work, n.ID, nil)
		}
		return
	}
	if takes && b.stop == nil {
		b.beginStop(work, stopRequest{why: world.StopNotice})
	}
	b.emit(valheim.Happening{}, &world.Noticed{Kind: n.Kind, NotBefore: n.NotBefore})
	switch {
	case takes && b.proven == nil:
		b.stop.notices = append(b.stop.notices, n.ID)
	case takes, n.Kind == "Freeze":
		b.acknowledge(work, n.ID, nil)
	}
}

// acknowledge lets the cloud go on, once sent is closed or proofWithin passed;
// at once if sent is nil. A notice that is not acknowledged is carried out all
// the same, later.
func (b *boot) acknowledge(work context.Context, id string, sent <-chan struct{}) {
	b.errands.Go(func() {
		if sent != nil {
			select {
			case <-sent:
			case <-b.Clock.After(proofWithin):
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
			if !backoff.Pause(work, b.Clock, noticesEvery) {
				return
			}
		}
	})
}

func (b *boot) tryAcknowledge(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	return b.Metadata.Acknowledge(ctx, id)
}
