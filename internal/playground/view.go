package playground

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"hearth/internal/playground/panel"
	"hearth/internal/world"
)

// guide remembers which steps of the tour were done since the last reset.
type guide struct {
	mu   sync.Mutex // guards done
	done [4]bool
}

func (g *guide) clear() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done = [4]bool{}
}

// see ticks off what the state shows: lit, somebody in, machine taken away,
// put out.
func (g *guide) see(s world.State) [4]bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done[0] = g.done[0] || s.Status == world.Online
	g.done[1] = g.done[1] || s.Status == world.Online && s.OnlinePlayers() > 0
	g.done[2] = g.done[2] || g.done[0] && (s.Session.Evicted > 0 || s.Status == world.Relocating)
	g.done[3] = g.done[3] || g.done[0] && s.Status == world.Stopped
	return g.done
}

// Changes implements panel.Playground.
func (p *Playground) Changes(ctx context.Context) <-chan struct{} {
	out := make(chan struct{}, 1)
	go func() {
		defer close(out)
		// The lease's expiry and the queues' hidden messages change with time
		// alone.
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			var changed <-chan struct{}
			var r *run
			var stop context.CancelFunc = func() {}
			if r = p.current.Load(); r != nil {
				var wctx context.Context
				wctx, stop = context.WithCancel(ctx)
				changed = r.notes.watch(wctx)
			}
			for p.current.Load() == r {
				select {
				case <-ctx.Done():
					stop()
					return
				case <-tick.C:
				case <-changed:
				}
				select {
				case out <- struct{}{}:
				default:
				}
			}
			stop()
		}
	}()
	return out
}

// Snapshot implements panel.Playground.
func (p *Playground) Snapshot(ctx context.Context) (panel.Snapshot, error) {
	r := p.current.Load()
	if r == nil {
		return panel.Snapshot{}, panel.Refuse("The playground is just being reset.")
	}
	w := r.worlds[0]
	row, err := r.row(ctx, w.ID)
	if err != nil {
		return panel.Snapshot{}, err
	}
	s, now := row.State, p.clock.Now()
	v := panel.Snapshot{
		Now: now, Speed: p.clock.Speed(), SpeedFixed: p.o.Azure != nil, World: panel.World{ID: w.ID, Name: w.Name},
		Status: string(s.Status), StatusText: statusText(w, s), Since: s.Since, Step: stepOf(s),
		Players: []panel.Player{}, PlayersKnown: s.OnlinePlayers() >= 0, Connecting: s.Boot.Connecting,
		JoinCode: s.Boot.JoinCode, LastSave: s.Boot.LastSave, SaveProven: s.Boot.Proven && s.Boot.Confirmed,
		Guide: p.guide.see(s),
		Row:   panel.Row{ETag: row.ETag, Generation: s.Generation, JSON: redactedJSON(s)},
	}
	for _, pl := range s.Boot.Players {
		v.Players = append(v.Players, panel.Player{Name: pl.Name})
	}
	if s.Status == world.Online && s.Boot.Machine.Address != "" {
		v.Address = fmt.Sprintf("%s:%d", s.Boot.Machine.Address, w.Port)
	}
	v.SessionCents, v.TotalCents, v.CentsPerHour = s.Bill.OfSession(now).Cents(), s.Bill.OfAll(now).Cents(), s.Bill.PerHour.Cents()
	v.MonthCents, v.CapCents = s.Bill.OfMonth(now).Cents(), s.Cap(&w, now).Cents()
	return v, r.underTheHood(ctx, w, s, &v)
}

// underTheHood fills in what lies behind the state: cloud, lease, queues,
// levers.
func (r *run) underTheHood(ctx context.Context, w world.Config, s world.State, v *panel.Snapshot) error {
	cloud := r.cloud.Snapshot()
	for _, vm := range cloud.VMs {
		if _, ours := w.Placement(vm.Placement); ours {
			v.Machines = append(v.Machines, panel.Machine{Name: vm.ID, Placement: vm.Placement, Size: vm.Size, State: string(vm.State), Since: vm.Since})
		}
	}
	noCapacity, bootFails := false, false
	for _, place := range w.Placements {
		v.Placements = append(v.Placements, panel.Placement{
			ID: place.ID, Region: place.Region, Active: place.ID == s.Cloud.Placement && (s.Cloud.Want == 1 || s.Cloud.VM != ""),
			Blocked: s.Blocked[place.ID],
		})
		for _, pv := range cloud.Placements {
			noCapacity = noCapacity || pv.ID == place.ID && pv.NoCapacity
			bootFails = bootFails || pv.ID == place.ID && pv.BootFails != ""
		}
	}
	h, expires, held, err := r.storage.Lease().Holder(ctx, w.ID)
	if err != nil {
		return err
	}
	v.Lease.Epoch = s.Boot.Epoch
	if held {
		v.Lease = panel.Lease{Holder: "agent of boot " + itoa(int(h.Epoch)), Epoch: h.Epoch, Expires: expires}
	}
	for _, name := range []string{world.EventsQueue, world.OrdersQueue(w.ID)} {
		visible, hidden, err := r.storage.Count(ctx, name)
		if err != nil {
			return err
		}
		poison, aside, err := r.storage.Count(ctx, world.PoisonQueue(name))
		if err != nil {
			return err
		}
		v.Queues = append(v.Queues, panel.Queue{Name: name, Visible: visible, Hidden: hidden, Poison: poison + aside})
	}
	for _, n := range r.notes.last() {
		v.Log = append(v.Log, panel.Line{Time: n.at, Text: n.text})
	}
	_, machine := r.machineOf(w)
	v.Levers = leverStates(s, machine, noCapacity, bootFails)
	return nil
}

func leverStates(s world.State, machine, noCapacity, bootFails bool) map[panel.LeverName]panel.LeverState {
	on := func(ok bool, why string) panel.LeverState { return panel.LeverState{Enabled: ok, Why: why} }
	online := s.Status == world.Online
	playing := online && len(s.Boot.Players) > 0
	const notOnline, nobody, noMachine = "Players can only come while the fire burns: type /start.", "Nobody is in the world.", "There is no machine, or it is still being made."
	return map[panel.LeverName]panel.LeverState{
		panel.PlayerJoin:    on(online, notOnline),
		panel.OldClient:     on(online, notOnline),
		panel.WrongPassword: on(online, notOnline),
		panel.PlayerDie:     on(playing, nobody),
		panel.PlayerLeave:   on(playing, nobody),
		panel.AllLeave:      on(playing, nobody),
		panel.Crash:         on(online || s.Status == world.Loading, "No game is running."),
		panel.Evict:         on(machine, noMachine),
		panel.EvictShort:    on(machine, noMachine),
		panel.Vanish:        on(machine, noMachine),
		panel.Reboot:        on(machine, noMachine),
		panel.NoCapacity:    {Enabled: true, On: noCapacity},
		panel.BootFails:     {Enabled: true, On: bootFails},
	}
}

func stepOf(s world.State) panel.Step {
	switch s.Status {
	case world.Starting, world.Booting:
		return panel.StepMachine
	case world.Loading:
		return panel.StepWorld
	case world.Online:
		return panel.StepPlay
	case world.Relocating:
		if s.Boot.Over {
			return panel.StepMachine
		}
		return panel.StepSave
	case world.Stopping:
		if s.Boot.Over {
			return panel.StepGone
		}
		return panel.StepSave
	case world.Failed:
		return panel.StepGone
	case world.Stopped:
	}
	if s.Session.ID == "" {
		return panel.StepAsk
	}
	return panel.StepGone
}

func statusText(w world.Config, s world.State) string {
	switch s.Status {
	case world.Starting:
		if !s.RetryAt.IsZero() {
			return "The cloud has no machine right now. It is asked again in a while; nothing costs money meanwhile."
		}
		return "A machine is being rented at " + s.Cloud.Placement + "."
	case world.Booting:
		return "The machine exists and wakes up."
	case world.Loading:
		return "The game loads the world."
	case world.Online:
		return w.Name + " is burning: players can join."
	case world.Stopping:
		if s.Boot.Over {
			return "The machine is being given back."
		}
		return "The world is being saved before anything else."
	case world.Relocating:
		if s.Boot.Over {
			return "The old machine is gone; the world comes up on another."
		}
		return "The cloud takes the machine; the world is saved and comes up elsewhere."
	case world.Failed:
		return "The fire is out: " + s.Why + "."
	case world.Stopped:
	}
	if s.Session.ID == "" {
		return "No machine, no cost. Type /start."
	}
	return "The world is saved and the machine is gone. Nothing costs money."
}

// Row implements panel.Playground.
func (p *Playground) Row(ctx context.Context, id string) (panel.WorldRow, error) {
	r := p.current.Load()
	if r == nil {
		return panel.WorldRow{}, panel.Refuse("The playground is just being reset.")
	}
	w, err := r.world(id)
	if err != nil {
		return panel.WorldRow{}, err
	}
	row, err := r.row(ctx, w.ID)
	if err != nil {
		return panel.WorldRow{}, err
	}
	return panel.WorldRow{
		Now: p.clock.Now(), World: panel.World{ID: w.ID, Name: w.Name},
		Row: panel.Row{ETag: row.ETag, Generation: row.State.Generation, JSON: redactedJSON(row.State)},
	}, nil
}

// world is the one with this id; the error is for people.
func (r *run) world(id string) (world.Config, error) {
	ids := make([]string, len(r.worlds))
	for i, w := range r.worlds {
		if w.ID == id {
			return w, nil
		}
		ids[i] = w.ID
	}
	return world.Config{}, panel.Refuse("There is no world %q here: this Hearth has %s.", id, strings.Join(ids, ", "))
}

// redactedJSON is the row's document without the keys to anybody's answers.
func redactedJSON(s world.State) json.RawMessage {
	hide := func(r *world.Reply) *world.Reply {
		if r == nil {
			return nil
		}
		c := *r
		c.Token = world.Token(c.Token.String())
		return &c
	}
	s.Op.Reply = hide(s.Op.Reply)
	if s.Again != nil {
		a := *s.Again
		a.Reply = hide(a.Reply)
		s.Again = &a
	}
	pending := make([]world.Pending, len(s.Pending))
	for i, p := range s.Pending {
		if p.Effect.Chat != nil {
			c := *p.Effect.Chat
			c.Reply = hide(c.Reply)
			p.Effect.Chat = &c
		}
		pending[i] = p
	}
	s.Pending = pending
	b, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	return b
}
