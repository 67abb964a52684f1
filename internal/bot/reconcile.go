package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"hearth/internal/world"
)

// Reconcile is the backstop for what nobody watches: run every six hours, it
// lists the machines of every placement and enqueues what it saw. It changes
// nothing itself; the core decides.
type Reconcile struct {
	Worlds  []world.Config
	Compute world.Compute
	Events  world.Queue
	Key     []byte // seals the bot's own events
	Clock   world.Clock
	Log     *slog.Logger
}

// Run looks at everything once. One place that cannot be seen does not keep it
// from the others.
func (h *Reconcile) Run(ctx context.Context) error {
	var errs []error
	for _, w := range h.Worlds {
		for _, p := range w.Placements {
			found, err := h.Compute.Instances(ctx, p)
			if err != nil {
				errs = append(errs, fmt.Errorf("list machines at %s: %w", p.ID, err))
				continue
			}
			now := h.Clock.Now()
			body, err := world.Event{
				ID:     fmt.Sprintf("%s/sweep/%s/%d", w.ID, p.ID, now.UnixNano()),
				Source: world.SourceBot, World: w.ID, Time: now,
				Data: &world.Sweep{Placement: p.ID, Instances: found},
			}.EncodeSealed(h.Key)
			if err == nil {
				err = h.Events.Send(ctx, body, 0)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("enqueue sweep of %s: %w", p.ID, err))
			}
		}
	}
	h.Log.Info("machines swept", "worlds", len(h.Worlds), "failures", len(errs))
	return errors.Join(errs...)
}
