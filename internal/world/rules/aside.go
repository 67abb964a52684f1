package rules

import (
	"slices"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

// setAside adds to what the keeper is to be told. A message that was told of in
// the last AsideEvery comes again from a worker that died, and is counted once.
func (r *reaction) setAside(d *world.SetAside) {
	s := &r.s
	s.AsideSeen = slices.DeleteFunc(s.AsideSeen, func(k world.AsideSeen) bool { return r.now.Sub(k.At) > AsideEvery })
	for _, item := range d.Items {
		if !slices.Contains(world.AsideReasons(), item.Reason) || item.Count < 1 || len(item.Key) > world.MaxAsideKey {
			continue
		}
		if slices.ContainsFunc(s.AsideSeen, func(k world.AsideSeen) bool { return k.Key == item.Key }) {
			item.Count--
		} else {
			s.AsideSeen = append(s.AsideSeen, world.AsideSeen{Key: item.Key, At: r.now})
		}
		if item.Count > 0 {
			r.addAside(item)
		}
	}
	if n := len(s.AsideSeen) - world.MaxAsideSeen; n > 0 {
		s.AsideSeen = slices.Delete(s.AsideSeen, 0, n)
	}
}

// addAside merges what was set aside for one reason; the first of it is shown.
func (r *reaction) addAside(item world.Aside) {
	const most = 1_000_000_000
	item.Count = min(item.Count, most)
	item.What, item.Kept = world.Visible(item.What, world.MaxAsideRunes), world.Visible(item.Kept, world.MaxAsideRunes)
	item.Key = ""
	for i := range r.s.Asides {
		if a := &r.s.Asides[i]; a.Reason == item.Reason {
			a.Count = min(a.Count+item.Count, most)
			if a.Kept == "" {
				a.Kept, a.What = item.Kept, item.What
			}
			return
		}
	}
	r.s.Asides = append(r.s.Asides, item)
}

// tellAsides tells the keeper what was set aside, the first time at once and then
// at most once in AsideEvery: every machine may write into the queue, and none
// may fill a channel. What comes within it is told with the next event after it.
func (r *reaction) tellAsides() {
	s := &r.s
	if len(s.Asides) == 0 || r.now.Sub(s.AsideTold) < AsideEvery {
		return
	}
	r.chat(world.ChatDo{Kind: world.ChatKeeper, Say: words.SetAside(s.Asides), Key: "asides"})
	s.Asides, s.AsideTold = nil, r.now
}
