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
	survey, err := h.survey(ctx)
	if err != nil {
		return err
	}
	now := h.Clock.Now()
	at, err := h.at(ctx)
	errs, all := []error{err}, err == nil
	owned := map[string]bool{}
	for i := range h.Worlds {
		w := &h.Worlds[i]
		var sweeps []*world.Sweep
		for _, place := range at.places(w) {
			if d := sweepOf(survey, place); d.Capacity > 0 || len(d.Instances) > 0 {
				sweeps = append(sweeps, d)
			}
		}
		if len(sweeps) == 0 {
			sweeps = append(sweeps, &world.Sweep{Placement: w.Placements[0].ID})
		}
		for _, d := range sweeps {
			errs = append(errs, h.tell(ctx, w.ID, "sweep/"+d.Placement, now, d))
		}
		for _, p := range w.Placements {
			owned[strings.ToLower(p.ID)] = true
		}
		owned[strings.ToLower(at.rows[w.ID])] = true
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

// A survey that fails is made again: the next one is hours away, and what nobody
// wants costs money until then.
const (
	surveyTries = 4
	surveyPause = 30 * time.Second
)

func (h *Reconcile) survey(ctx context.Context) (world.Survey, error) {
	for try := 1; ; try++ {
		survey, err := h.Estate.Survey(ctx)
		if err == nil {
			return survey, nil
		}
		err = fmt.Errorf("survey the resource group: %w", err)
		if try == surveyTries {
			return survey, err
		}
		h.Log.Warn("survey failed", "try", try, "error", err)
		select {
		case <-ctx.Done():
			return survey, err
		case <-h.Clock.After(surveyPause):
		}
	}
}

// whereabouts are where the worlds' rows are, which the configuration may not
// know any more, or have given to another world.
type whereabouts struct {
	rows  map[string]string // by world, its placement
	awake map[string]string // by placement, the world that is awake there
	owner map[string]string // by placement, the world that it is configured for
}

func (h *Reconcile) at(ctx context.Context) (whereabouts, error) {
	var errs []error
	at := whereabouts{map[string]string{}, map[string]string{}, map[string]string{}}
	for i := range h.Worlds {
		w := &h.Worlds[i]
		for _, p := range w.Placements {
			at.owner[p.ID] = w.ID
		}
		row, err := h.Store.Load(ctx, world.Key{Guild: h.Guild.ID, World: w.ID})
		switch s := &row.State; {
		case errors.Is(err, world.ErrNotFound):
		case err != nil:
			errs = append(errs, fmt.Errorf("load row of %s: %w", w.ID, err))
		default:
			at.rows[w.ID] = s.Cloud.Placement
			if s.Status != world.Stopped && s.Status != world.Failed {
				at.awake[s.Cloud.Placement] = w.ID
			}
		}
	}
	return at, errors.Join(errs...)
}

// places are the configured placements of a world, and where its row is. What a
// place has is of the world that is awake there, if one is, and else of the one
// that it is configured for.
func (at *whereabouts) places(w *world.Config) []string {
	var places []string
	add := func(place string) {
		who := cmp.Or(at.awake[place], at.owner[place], w.ID)
		if place != "" && who == w.ID && !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	for _, p := range w.Placements {
		add(p.ID)
	}
	add(at.rows[w.ID])
	return places
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
