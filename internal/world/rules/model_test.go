package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"

	"pgregory.net/rapid"
)

// model is a small pretend world around React: scale sets, one machine each,
// an agent on it, a queue of delayed events. Its clock moves by hand.
type model struct {
	t      *rapid.T
	c      world.Config
	s      world.State
	now    time.Time
	timers []due
	sets   map[string]*set
	noRoom map[string]bool
	epoch  int64
	nextID int
	said   []string // of this session
	last   *world.Event
}

type due struct {
	at time.Time
	d  *world.Timer
}

type set struct {
	capacity int
	toward   int
	opDue    time.Time // zero: no operation
	vm       *machine
}

type machine struct {
	id      string
	born    time.Time
	epoch   int64 // 0 until the agent is up
	seq     int64
	mute    bool // its events are lost
	gone    time.Time
	off     time.Time // when it is switched off, to boot again
	game    string    // "", loading, on, down
	gameAt  time.Time
	beat    time.Time
	players []world.Player
	dirty   bool // somebody played since the last proven save
	orders  []world.Order
	proof   *world.SaveProven
	proofAt time.Time
}

func newModel(t *rapid.T) *model {
	c := world.Config{ID: "midgard", Name: "Midgard", Port: 2456, IdleMinutes: 10,
		SessionHours: rapid.SampledFrom([]float64{0, 1}).Draw(t, "session"), MonthlyDollars: rapid.SampledFrom([]float64{0, 0.1}).Draw(t, "cap"),
		Placements: []world.Placement{{ID: "a", CentsPerHour: 36}, {ID: "b", CentsPerHour: 36}, {ID: "dear", CentsPerHour: 36, Regular: true}}}
	m := &model{t: t, c: c, s: world.NewState(c.ID), now: time.Unix(1_800_000_000, 0).UTC(),
		sets: map[string]*set{"a": {}, "b": {}, "dear": {}}, noRoom: map[string]bool{}}
	return m
}

func setNames() []string { return []string{"a", "b", "dear"} }

func (m *model) id() string { m.nextID++; return fmt.Sprintf("e%d", m.nextID) }

// send gives one event to React and does what it asks for.
func (m *model) send(e world.Event) {
	e.Received = m.now
	m.last = &e
	before := m.s.Generation
	next, effects := rules.React(m.c, m.s, e)
	next.Generation = before + 1
	m.s = next
	for _, eff := range effects {
		if eff.Chat != nil {
			m.said = append(m.said, eff.Chat.Say.Text)
		}
	}
	for class := range 4 {
		for _, eff := range effects {
			m.perform(class, eff)
		}
	}
}

func (m *model) perform(class int, e world.Effect) {
	switch {
	case class == 3 && e.Chat != nil:
		if e.Chat.Kind == world.ChatCard && m.s.Card == nil {
			m.bot(&world.Carded{Operation: e.Chat.Operation, Ref: world.MessageRef{Channel: "c", ID: "card"}})
		}
	case class == 0 && e.Order != nil:
		for _, st := range m.sets {
			if st.vm != nil {
				st.vm.orders = append(st.vm.orders, *e.Order)
			}
		}
	case class == 1 && e.Cloud != nil:
		m.cloud(*e.Cloud)
	case class == 2 && e.Delay != nil:
		t := e.Delay.Timer
		m.timers = append(m.timers, due{m.now.Add(e.Delay.After), &t})
	}
}

func (m *model) bot(d world.Payload) {
	m.send(world.Event{ID: m.id(), Source: world.SourceBot, World: m.c.ID, Time: m.now, Data: d})
}

func (m *model) cloud(do world.CloudDo) {
	st := m.sets[do.Placement]
	rep := &world.CloudReport{Operation: do.Operation, Round: do.Round, Placement: do.Placement, Capacity: do.Capacity}
	if do.Act == world.ActScale {
		m.checkScale(do)
		switch {
		case !st.opDue.IsZero():
			rep.Phase, rep.Class, rep.Code = world.CloudFailed, world.ClassBusy, "OperationNotAllowed"
		case do.Capacity == 1 && m.noRoom[do.Placement]:
			rep.Phase, rep.Class, rep.Code = world.CloudFailed, world.ClassCapacity, "SkuNotAvailable"
		default:
			st.toward, st.opDue = do.Capacity, m.now.Add(30*time.Second)
			rep.Phase, rep.Token = world.CloudBegun, "token"
		}
		m.bot(rep)
		return
	}
	rep.Phase = world.CloudProgress
	if do.Token != "" && st.opDue.IsZero() {
		rep.Phase = world.CloudDone
	}
	rep.Seen = true
	if st.vm != nil {
		rep.Instances = []world.Instance{{ID: st.vm.id}}
	}
	m.bot(rep)
}

// checkScale holds what must be true whenever a machine is asked for or given
// back: never two at once (P8, P9), never one deleted whose world was played
// and is not saved, unless the loss was told (P10).
func (m *model) checkScale(do world.CloudDo) {
	if do.Capacity == 1 {
		if do.Placement == "dear" && !m.s.Session.FullPrice {
			m.t.Fatal("a machine at the full price, and nobody allowed it")
		}
		for name, st := range m.sets {
			if st.vm != nil || name != do.Placement && !st.opDue.IsZero() && st.toward == 1 {
				m.t.Fatalf("machine wanted at %s while %s has one or gets one", do.Placement, name)
			}
		}
		return
	}
	vm := m.sets[do.Placement].vm
	if vm == nil || vm.game != "on" || !vm.dirty {
		return
	}
	if !slices.ContainsFunc(m.said, func(s string) bool {
		return strings.Contains(s, "last save") || strings.Contains(s, "no save in this session")
	}) {
		m.t.Fatalf("machine deleted under a played world, and no loss told; said %q", m.said)
	}
}

// advance lets time pass in steps of a second.
func (m *model) advance(d time.Duration) {
	for end := m.now.Add(d); m.now.Before(end); {
		m.now = m.now.Add(time.Second)
		for _, name := range setNames() {
			m.stepSet(m.sets[name])
		}
		for i := 0; i < len(m.timers); {
			if m.timers[i].at.After(m.now) {
				i++
				continue
			}
			d := m.timers[i].d
			m.timers = slices.Delete(m.timers, i, i+1)
			m.bot(d)
		}
	}
}

func (m *model) stepSet(st *set) {
	if !st.opDue.IsZero() && !m.now.Before(st.opDue) {
		st.opDue = time.Time{}
		if st.toward == 0 {
			st.vm = nil
		} else if st.capacity == 0 {
			st.vm = &machine{id: m.id(), born: m.now}
		}
		st.capacity = st.toward
	}
	if vm := st.vm; vm != nil {
		m.stepMachine(st, vm)
	}
}

func (m *model) stepMachine(st *set, vm *machine) {
	if !vm.gone.IsZero() && !m.now.Before(vm.gone) {
		st.vm = nil // capacity stays 1: the trap
		return
	}
	if !vm.off.IsZero() && !m.now.Before(vm.off) {
		*vm = machine{id: vm.id, born: m.now, mute: vm.mute, gone: vm.gone}
	}
	if vm.epoch == 0 && m.now.Sub(vm.born) > 40*time.Second {
		m.epoch++
		vm.epoch, vm.game, vm.gameAt = m.epoch, "loading", m.now
		m.agent(vm, func(h world.Heard) world.Payload { return &world.HostUp{Heard: h, Machine: world.Machine{Name: vm.id}} })
	}
	if vm.epoch == 0 {
		return
	}
	if vm.game == "loading" && m.now.Sub(vm.gameAt) > 30*time.Second {
		vm.game = "on"
		m.agent(vm, func(h world.Heard) world.Payload { return &world.Listening{Heard: h} })
	}
	if vm.proof == nil {
		for _, o := range vm.orders {
			m.obey(vm, o)
		}
		vm.orders = nil
	} else if vm.game == "stopping" && m.now.Sub(vm.proofAt) > 3*time.Second {
		vm.game, vm.dirty, vm.players = "down", false, nil
		p := *vm.proof
		m.agent(vm, func(h world.Heard) world.Payload { p.Heard = h; return &p })
	}
	if m.now.Sub(vm.beat) >= world.HeartbeatEvery {
		vm.beat = m.now
		m.agent(vm, func(h world.Heard) world.Payload {
			return &world.Heartbeat{Heard: h, Listening: vm.game == "on", GameUp: vm.game != "down", Players: slices.Clone(vm.players)}
		})
	}
}

func (m *model) obey(vm *machine, o world.Order) {
	if o.Epoch != vm.epoch {
		m.agent(vm, func(h world.Heard) world.Payload {
			return &world.OrderRefused{Heard: h, Operation: o.Operation, Kind: o.Kind, Reason: world.OrderStale}
		})
		return
	}
	if o.Kind == world.OrderStopIfEmpty && len(vm.players) > 0 {
		m.agent(vm, func(h world.Heard) world.Payload {
			return &world.OrderRefused{Heard: h, Operation: o.Operation, Kind: o.Kind, Reason: world.OrderOccupied, Players: slices.Clone(vm.players)}
		})
		return
	}
	m.stopGame(vm, world.StopOrdered, o.Operation)
}

func (m *model) stopGame(vm *machine, why world.StopWhy, op string) {
	if vm.proof != nil || vm.game == "down" {
		return
	}
	vm.proof = &world.SaveProven{Why: why, Operation: op, Confirmed: true, Untouched: vm.game == "loading"}
	vm.game, vm.proofAt = "stopping", m.now
}

func (m *model) agent(vm *machine, data func(world.Heard) world.Payload) {
	vm.seq++
	if vm.mute {
		return
	}
	m.send(world.Event{ID: m.id(), Source: world.SourceAgent, World: m.c.ID, Time: m.now,
		Data: data(world.Heard{Epoch: vm.epoch, Seq: vm.seq})})
}

func (m *model) vm() *machine {
	for _, name := range setNames() {
		if vm := m.sets[name].vm; vm != nil && vm.epoch > 0 {
			return vm
		}
	}
	return nil
}

func (m *model) command(name world.CommandName, keeper bool) {
	m.press(name, keeper, m.s.Session.ID)
}

func (m *model) press(name world.CommandName, keeper bool, operation string) {
	if name == world.CmdStart && (m.s.Status == world.Stopped || m.s.Status == world.Failed) {
		m.said = nil
	}
	m.send(world.Event{ID: m.id(), Source: world.SourceDiscord, World: m.c.ID, Time: m.now, Data: &world.Command{
		Name: name, By: world.Person{ID: "1", Name: "Ana"}, Keeper: keeper, Operation: operation,
		Reply: world.Reply{Application: "app", Token: "t"}}})
}

// checkBill: every second of every machine is in the bill once. It costs a
// hundred millionths of a dollar; each sum drops what is less than a millionth.
func (m *model) checkBill() {
	paid := m.s.Session.Total + m.s.MachineTime(m.now)
	want, got := world.Money(paid/time.Second)*100, m.s.Bill.OfAll(m.now)
	if got > want || got < want-1000 {
		m.t.Fatalf("the bill: got %d, want %d for %s", got, want, paid)
	}
	if m.s.Bill.OfMonth(m.now) > got {
		m.t.Fatalf("the month's bill: got %d of %d", m.s.Bill.OfMonth(m.now), got)
	}
}

// checkBounds: no session lasts longer than it may, and none goes on when the
// month's money is spent, but for what people are warned and a check is late.
func (m *model) checkBounds() {
	if asleep := m.s.Status == world.Stopped || m.s.Status == world.Failed; asleep || m.s.Status == world.Stopping {
		return
	}
	const late = rules.CheckEvery + time.Second
	if d := m.now.Sub(m.s.Session.Began); d > m.c.SessionMost()+late {
		m.t.Fatalf("%s after %s", m.s.Status, d)
	}
	spent := m.s.Bill.OfMonth(m.now)
	if most := m.s.Cap(&m.c, m.now); most > 0 && spent > most+world.Cents(36).For(rules.CapAhead+2*late) {
		m.t.Fatalf("%s, and %s of %s are spent", m.s.Status, spent, most)
	}
}

// TestReactHoldsItsPromises drives React with everything that can happen, in
// any order, and then lets it calm down: a last stop must leave no machine.
func TestReactHoldsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		need := func(ok bool) {
			if !ok {
				t.Skip("not now")
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"start":         func(*rapid.T) { m.command(world.CmdStart, false) },
			"stop":          func(*rapid.T) { m.command(world.CmdStop, false) },
			"stopNow":       func(*rapid.T) { m.command(world.CmdStopNow, true) },
			"stopWhenEmpty": func(*rapid.T) { m.command(world.CmdStopWhenEmpty, false) },
			"keepGoing":     func(*rapid.T) { m.command(world.CmdKeepGoing, false) },
			"fullPrice":     func(t *rapid.T) { m.command(world.CmdPayAsYouGo, rapid.Bool().Draw(t, "keeper")) },
			"keepAwake":     func(*rapid.T) { m.press(world.CmdKeepAwake, false, m.s.WarningID()) },
			"stopIdle":      func(*rapid.T) { m.press(world.CmdStopWhenEmpty, false, m.s.WarningID()) },
			"raise":         func(*rapid.T) { m.press(world.CmdRaiseCap, true, m.s.Bill.RaiseID()) },
			"status":        func(*rapid.T) { m.command(world.CmdStatus, false) },
			"wait":          func(t *rapid.T) { m.advance(time.Duration(rapid.IntRange(1, 60).Draw(t, "seconds")) * time.Second) },
			"waitLong":      func(t *rapid.T) { m.advance(time.Duration(rapid.IntRange(1, 15).Draw(t, "minutes")) * time.Minute) },
			"join": func(*rapid.T) {
				vm := m.vm()
				need(vm != nil && vm.game == "on" && len(vm.players) < 10)
				p := world.Player{Owner: m.id(), Name: "Bo"}
				vm.players, vm.dirty = append(vm.players, p), true
				m.agent(vm, func(h world.Heard) world.Payload { return &world.Spawned{Heard: h, Player: p} })
			},
			"leave": func(*rapid.T) {
				vm := m.vm()
				need(vm != nil && vm.game == "on" && len(vm.players) > 0)
				p := vm.players[0]
				vm.players = vm.players[1:]
				m.agent(vm, func(h world.Heard) world.Payload { return &world.Disconnected{Heard: h, Player: p, Reason: "left"} })
			},
			"crash": func(*rapid.T) {
				vm := m.vm()
				need(vm != nil && vm.game == "on")
				vm.players, vm.dirty, vm.game, vm.gameAt = nil, false, "loading", m.now
				m.agent(vm, func(h world.Heard) world.Payload { return &world.Crashed{Heard: h, Restarting: true} })
			},
			"evict": func(t *rapid.T) {
				vm := m.vm()
				need(vm != nil && vm.gone.IsZero())
				vm.gone = m.now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "notice")) * time.Second)
				m.agent(vm, func(h world.Heard) world.Payload {
					return &world.Noticed{Heard: h, Kind: "Preempt", NotBefore: vm.gone}
				})
				m.stopGame(vm, world.StopNotice, "")
			},
			"restart": func(t *rapid.T) {
				vm := m.vm()
				need(vm != nil && vm.gone.IsZero() && vm.off.IsZero())
				vm.off = m.now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "notice")) * time.Second)
				kind := rapid.SampledFrom([]string{"Reboot", "Redeploy"}).Draw(t, "kind")
				m.agent(vm, func(h world.Heard) world.Payload {
					return &world.Noticed{Heard: h, Kind: kind, NotBefore: vm.off}
				})
				m.stopGame(vm, world.StopNotice, "")
			},
			"vanish": func(*rapid.T) {
				vm := m.vm()
				need(vm != nil && vm.gone.IsZero())
				vm.gone = m.now
			},
			"vanishEarly": func(*rapid.T) {
				i := slices.IndexFunc(setNames(), func(n string) bool { return m.sets[n].vm != nil })
				need(i >= 0)
				m.sets[setNames()[i]].vm.gone = m.now
			},
			"oldWord": func(t *rapid.T) {
				need(m.epoch > 0)
				epoch := rapid.Int64Range(1, m.epoch).Draw(t, "epoch")
				asleep := m.s.Status == world.Stopped || m.s.Status == world.Failed
				old := epoch < m.s.Boot.Epoch || epoch == m.s.Boot.Epoch && asleep
				need(old)
				m.send(world.Event{ID: m.id(), Source: world.SourceAgent, World: m.c.ID, Time: m.now, Data: &world.Heartbeat{
					Heard:     world.Heard{Epoch: epoch, Seq: 1000 + int64(m.nextID)},
					Listening: true, GameUp: true, Players: []world.Player{{Owner: "ghost", Name: "Ghost"}},
				}})
				if slices.ContainsFunc(m.s.Boot.Players, func(p world.Player) bool { return p.Owner == "ghost" }) {
					t.Fatalf("%s, and a ghost of boot %d is on", m.s.Status, epoch)
				}
			},
			"mute": func(*rapid.T) {
				vm := m.vm()
				need(vm != nil)
				vm.mute = !vm.mute
			},
			"room": func(t *rapid.T) {
				m.noRoom[rapid.SampledFrom(setNames()).Draw(t, "place")] = rapid.Bool().Draw(t, "none")
			},
			"duplicate": func(*rapid.T) { need(m.last != nil); m.send(*m.last) },
			"loseTimer": func(*rapid.T) {
				i := slices.IndexFunc(m.timers, func(d due) bool { return d.d.Kind != world.TimerCheck })
				need(i >= 0) // checks are what finds out about lost timers
				m.timers = slices.Delete(m.timers, i, i+1)
			},
			"": func(t *rapid.T) {
				if _, err := m.s.Encode(); err != nil {
					t.Fatal(err)
				}
				m.checkBill()
				m.checkBounds()
				asleep := m.s.Status == world.Stopped || m.s.Status == world.Failed
				if asleep && m.s.Cloud.Want != 0 {
					t.Fatalf("%s and a machine is wanted", m.s.Status)
				}
				if m.s.Status == world.Stopped && m.s.OnlinePlayers() != 0 {
					t.Fatalf("stopped with %d players", m.s.OnlinePlayers())
				}
			},
		})
		clear(m.noRoom)
		if vm := m.vm(); vm != nil {
			vm.mute, vm.players = false, nil
		}
		m.advance(2 * time.Minute)
		m.command(world.CmdStop, true)
		if m.s.Status == world.Online {
			m.command(world.CmdStopNow, true)
		}
		m.advance(45 * time.Minute)
		if m.s.Status != world.Stopped && m.s.Status != world.Failed {
			t.Fatalf("after a last stop and 45 minutes it is %s: %+v", m.s.Status, m.s.Cloud)
		}
		for name, st := range m.sets {
			if st.vm != nil || st.capacity != 0 {
				t.Fatalf("%s still has capacity %d, machine %+v", name, st.capacity, st.vm)
			}
		}
	})
}

// TestStartPlayStop is the plain evening.
func TestStartPlayStop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		m.command(world.CmdStart, false)
		if m.s.Status != world.Starting {
			t.Fatalf("after start: got %s, want starting", m.s.Status)
		}
		m.advance(3 * time.Minute)
		if m.s.Status != world.Online {
			t.Fatalf("after three minutes: got %s, want online", m.s.Status)
		}
		m.command(world.CmdStop, false)
		m.advance(2 * time.Minute)
		if m.s.Status != world.Stopped {
			t.Fatalf("after stop: got %s, want stopped", m.s.Status)
		}
	})
}
