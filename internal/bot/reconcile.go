package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"hearth/internal/world"
)

// Reconcile is the backstop for what nobody watches: run every six hours, it
// surveys the resource group, with as many calls for one world as for 25, and
// enqueues what it saw. It changes nothing itself; the core decides.
type Reconcile struct {
	Guild  world.Guild
	Worlds []world.Config
	Estate world.Estate
	Store  world.Store // only read: a row can be at a place that is not configured any more
	Events world.Queue
	Key    []byte // seals the bot's own events
	Clock  world.Clock
	Log    *slog.Logger
}

// Run looks at everything once. Each world hears of every placement of its own
// that has or wants a machine, and of its first one if none has, for a sweep
// revives a lost chain of checks, too. The first world hears of what is no
// world's.
func (h *Reconcile) Run(ctx context.Context) error {
	survey, err := h.Estate.Survey(ctx)
	if err != nil {
		return fmt.Errorf("survey the resource group: %w", err)
	}
	now := h.Clock.Now()
	var errs []error
	owned, all := map[string]bool{}, true
	for i := range h.Worlds {
		w := &h.Worlds[i]
		places, err := h.places(ctx, w)
		if err != nil {
			errs, all = append(errs, err), false
		}
		var sweeps []*world.Sweep
		for _, place := range places {
			owned[strings.ToLower(place)] = true
			if d := sweepOf(survey, place); d.Capacity > 0 || len(d.Instances) > 0 {
				sweeps = append(sweeps, d)
			}
		}
		if len(sweeps) == 0 {
			sweeps = append(sweeps, &world.Sweep{Placement: places[0]})
		}
		for _, d := range sweeps {
			errs = append(errs, h.tell(ctx, w.ID, "sweep/"+d.Placement, now, d))
		}
	}
	items := slices.Clone(survey.Leftovers)
	for _, set := range survey.Sets {
		// While a row can't be read nobody knows whose a set is.
		if all && !owned[strings.ToLower(set.ID)] && (set.Capacity > 0 || len(set.Instances) > 0) {
			items = append(items, world.Leftover{Kind: world.LeftoverSet, Name: set.ID})
		}
	}
	if len(h.Worlds) > 0 {
		errs = append(errs, h.tell(ctx, h.Worlds[0].ID, "left-over", now, leftOver(items)))
	}
	err = errors.Join(errs...)
	h.Log.Info("resource group swept", "worlds", len(h.Worlds), "sets", len(survey.Sets), "leftovers", len(items), "complete", err == nil)
	return err
}

// places are the configured placements of a world, and where its row is.
func (h *Reconcile) places(ctx context.Context, w *world.Config) ([]string, error) {
	var places []string
	for _, p := range w.Placements {
		places = append(places, p.ID)
	}
	row, err := h.Store.Load(ctx, world.Key{Guild: h.Guild.ID, World: w.ID})
	switch at := row.State.Cloud.Placement; {
	case errors.Is(err, world.ErrNotFound):
	case err != nil:
		return places, fmt.Errorf("load row of %s: %w", w.ID, err)
	case at != "" && !slices.Contains(places, at):
		places = append(places, at)
	}
	return places, nil
}

// sweepOf is what a survey saw at a placement.
func sweepOf(s world.Survey, place string) *world.Sweep {
	d := &world.Sweep{Placement: place}
	for _, set := range s.Sets {
		if strings.EqualFold(set.ID, place) { // the cloud's names have no case
			d.Capacity, d.Instances = set.Capacity, set.Instances
		}
	}
	return d
}

// leftOver names as many as a row remembers, the same ones each time.
func leftOver(items []world.Leftover) *world.LeftOver {
	slices.SortFunc(items, func(a, b world.Leftover) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	n := min(len(items), world.MaxLeftovers)
	return &world.LeftOver{Items: items[:n], More: len(items) - n}
}

func (h *Reconcile) tell(ctx context.Context, worldID, what string, now time.Time, d world.Payload) error {
	body, err := world.Event{
		ID:     fmt.Sprintf("%s/%s/%d", worldID, what, now.UnixNano()),
		Source: world.SourceBot, World: worldID, Time: now, Data: d,
	}.EncodeSealed(h.Key)
	if err == nil {
		err = h.Events.Send(ctx, body, 0)
	}
	if err != nil {
		return fmt.Errorf("enqueue %s of %s: %w", what, worldID, err)
	}
	return nil
}
