package rules

import (
	"slices"
	"strconv"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

// leftOver is what reconcile saw in the resource group that no world has. What is
// new is told; what is there an hour later is removed. What is not seen any more is
// forgotten.
func (r *reaction) leftOver(d *world.LeftOver) {
	if r.now.Sub(r.e.Time) > LeftoverStays {
		return // it was like this once
	}
	s := &r.s
	var (
		seen       []world.LeftoverSeen
		fresh, due []world.Leftover
		again      bool
	)
	for _, l := range d.Items {
		if len(seen) == world.MaxLeftovers || l.Name == "" || len(l.Name) > world.MaxLeftoverName {
			continue
		}
		i := slices.IndexFunc(s.Leftovers, func(k world.LeftoverSeen) bool { return k.Leftover == l })
		if i < 0 {
			fresh = append(fresh, l)
			seen = append(seen, world.LeftoverSeen{Leftover: l, Since: r.now.Truncate(time.Second)})
			continue
		}
		k := s.Leftovers[i]
		if r.now.Sub(k.Since) >= LeftoverStays {
			if !k.Removed {
				due = append(due, l)
			}
			k.Removed, again = true, true // each time, if the cloud fails to
		}
		seen = append(seen, k)
	}
	s.Leftovers = seen
	if again {
		r.remove()
	}
	if len(due) > 0 {
		r.keeper(words.Removing(due))
	}
	if len(fresh) > 0 {
		r.keeper(words.LeftOver(&r.c, fresh, d.More, tidyKey(r.now)))
	}
}

// remove has everything removed that is to be.
func (r *reaction) remove() {
	r.effects = append(r.effects, world.Effect{Cloud: &world.CloudDo{
		Act: world.ActRemove, Operation: r.s.Op.ID, Round: r.s.Cloud.Round,
	}})
}

// tidyKey names the message that told of leftovers, for its button.
func tidyKey(seen time.Time) string { return strconv.FormatInt(seen.Unix(), 10) }

// tidy removes what the message with the button told of, and is left over yet.
func (r *reaction) tidy(c *world.Command) {
	if !c.Keeper {
		r.answer(c, words.Denied(world.DenyButton, nil))
		return
	}
	var now []world.Leftover
	for i := range r.s.Leftovers {
		if k := &r.s.Leftovers[i]; !k.Removed && tidyKey(k.Since) == c.Operation {
			k.Removed = true
			now = append(now, k.Leftover)
		}
	}
	if len(now) == 0 {
		r.answer(c, words.NothingToTidy())
		return
	}
	r.remove()
	r.answer(c, words.Tidying(c.By, now))
}
