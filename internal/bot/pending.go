package bot

import (
	"slices"
	"time"

	"hearth/internal/world"
)

// hang adds an effect to what is to be done. It replaces what it makes stale,
// and what is to be said has a bound: so has the row.
func (h *handling) hang(s *world.State, p world.Pending) {
	s.Pending = slices.DeleteFunc(s.Pending, func(q world.Pending) bool { return stale(q.Effect, p.Effect) })
	if c := p.Effect.Chat; c != nil {
		if c.Key != "" {
			s.Pending = slices.DeleteFunc(s.Pending, func(q world.Pending) bool {
				same := q.Effect.Chat != nil && q.Effect.Chat.Key == c.Key
				p.Doubt = p.Doubt || same && (q.Doubt || q.Claim != "")
				return same
			})
		}
		for countChats(s) >= world.MaxChatWaiting {
			if !dropChat(s) {
				break
			}
		}
	}
	s.Pending = append(s.Pending, p)
}

// stale: nobody needs an older effect any more when there is the newer one.
func stale(older, newer world.Effect) bool {
	switch {
	case older.Order != nil && newer.Order != nil:
		return older.Order.Kind == newer.Order.Kind || stops(older.Order) && stops(newer.Order)
	case older.Delay != nil && newer.Delay != nil: // its number is no longer waited for
		return older.Delay.Timer.Kind == newer.Delay.Timer.Kind
	case older.Cloud != nil && newer.Cloud != nil:
		return older.Cloud.Act == newer.Cloud.Act && (older.Cloud.Act != world.ActScale || older.Cloud.Round < newer.Cloud.Round)
	}
	return false
}

func stops(o *world.Order) bool {
	return o.Kind == world.OrderStop || o.Kind == world.OrderStopIfEmpty
}

func countChats(s *world.State) int {
	n := 0
	for _, p := range s.Pending {
		if p.Effect.Chat != nil {
			n++
		}
	}
	return n
}

// dropChat forgets the oldest thing to be said, and counts it.
func dropChat(s *world.State) bool {
	i := slices.IndexFunc(s.Pending, func(p world.Pending) bool {
		return p.Effect.Chat != nil && p.Effect.Chat.Kind != world.ChatCard
	})
	if i < 0 {
		return false
	}
	s.Unsaid += 1 + s.Pending[i].Effect.Chat.Unsaid
	s.Pending = slices.Delete(s.Pending, i, i+1)
	return true
}

// shrink keeps the row under its bound by forgetting things to be said.
func shrink(s *world.State) {
	for {
		if _, err := s.Encode(); err == nil || !dropChat(s) {
			return
		}
	}
}

// adopt claims what nobody holds, and forgets what is no longer news, orders
// that no agent would obey any more, and what was asked of the cloud in an older
// round or for another wish: its worker died over it, and the wish has changed
// since. Done now, it would make a machine that nobody wants; the next look
// sees to what was begun.
func (h *handling) adopt(s *world.State) {
	now := h.Clock.Now()
	kept := make([]world.Pending, 0, len(s.Pending))
	for _, p := range s.Pending {
		if o := p.Effect.Order; o != nil && now.Sub(o.Issued) > world.OrderLifetime {
			h.log.Error("order was never sent", "kind", string(o.Kind), "issued", o.Issued)
			continue
		}
		if c := p.Effect.Chat; c != nil && now.Sub(c.Made) > world.ChatLifetime {
			if c.Kind != world.ChatCard {
				s.Unsaid += 1 + c.Unsaid
			}
			continue
		}
		if p.Claim != h.claim && !now.Before(p.Until) {
			if do := p.Effect.Cloud; do != nil && (do.Round != s.Cloud.Round || do.Act == world.ActScale && do.Capacity != s.Cloud.Want) {
				continue
			}
			p.Doubt = p.Doubt || p.Claim != "" // its worker never told
			p.Claim, p.Until = h.claim, now.Add(claimFor)
		}
		kept = append(kept, p)
	}
	if len(kept) == 0 {
		kept = nil
	}
	s.Pending = kept
}

// release frees what this worker will not come to.
func (h *handling) release(s *world.State) {
	for i := range s.Pending {
		if p := &s.Pending[i]; p.Claim == h.claim {
			p.Claim, p.Until = "", time.Time{}
		}
	}
}

// mine lists what this worker has claimed, in the order of performing: orders,
// cloud, delays, chat.
func (h *handling) mine() []world.Pending {
	var ps []world.Pending
	for _, p := range h.row.State.Pending {
		if p.Claim == h.claim {
			ps = append(ps, p)
		}
	}
	slices.SortStableFunc(ps, func(a, b world.Pending) int { return class(a.Effect) - class(b.Effect) })
	return ps
}

func class(e world.Effect) int {
	switch {
	case e.Order != nil:
		return 0
	case e.Cloud != nil:
		return 1
	case e.Delay != nil:
		return 2
	}
	return 3
}

// claimedElsewhere: another worker is at an effect of this very event.
func (h *handling) claimedElsewhere() bool {
	now := h.Clock.Now()
	return slices.ContainsFunc(h.row.State.Pending, func(p world.Pending) bool {
		return p.Event == h.event && p.Claim != "" && p.Claim != h.claim && now.Before(p.Until)
	})
}

// result is what became of the effects that were performed.
type result struct {
	done    map[string]bool
	later   map[string]time.Time // what could not be said, and when to try again
	doubt   map[string]bool      // of it, what may have been said all the same
	answers []answer
}

// answer is what the outside said to an effect.
type answer struct {
	effect string // its id
	data   world.Payload
}

// fold writes the result into the state: what is done goes, what failed is
// free for others, and what the outside answered is reacted to.
func (h *handling) fold(s *world.State, res result) {
	kept := make([]world.Pending, 0, len(s.Pending))
	found := map[string]bool{}
	for _, p := range s.Pending {
		if res.done[p.ID] {
			found[p.ID] = true
			continue
		}
		if p.Claim == h.claim {
			p.Claim, p.Until = "", time.Time{}
			if at, ok := res.later[p.ID]; ok {
				said := *p.Effect.Chat
				said.Tries++
				p.Effect.Chat, p.Until = &said, at
				p.Doubt = p.Doubt || res.doubt[p.ID]
			}
		}
		kept = append(kept, p)
	}
	if len(kept) == 0 {
		kept = nil
	}
	s.Pending = kept
	for _, a := range res.answers {
		// The cloud's answer to an effect that is no longer pending was told
		// before: by a write of ours whose reply was lost, or by whoever took
		// the effect over. A card that was posted is one in any case.
		if _, card := a.data.(*world.Carded); !card && !found[a.effect] {
			continue
		}
		now := h.Clock.Now()
		h.react(s, world.Event{
			ID: h.event + "/answer", Source: world.SourceBot, World: h.c.ID,
			Time: now, Received: now, Data: a.data,
		})
	}
}
