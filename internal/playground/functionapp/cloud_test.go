package functionapp_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// sized are worlds whose placements ask for a size each.
const sized = `[{"id":"midgard","name":"Midgard","cents_per_hour":1.9,"placements":[
	{"id":"vmss-midgard-1","region":"eastus2","size":"Standard_D2ads_v5"},{"id":"vmss-midgard-2","region":"westus2","size":"Standard_D2as_v4"}]}]`

// The updates of scale sets, as patches writes them.
const (
	up1, down1 = "midgard-1 to 1 as Standard_D2ads_v5", "midgard-1 to 0"
	up2, down2 = "midgard-2 to 1 as Standard_D2as_v4", "midgard-2 to 0"
	refused    = ": 409"
)

// Lines of the channel.
const (
	burning = "is burning. Join at `203.0.113."
	putOut  = "puts the fire out. Saving"
	saved   = "is saved, in"
	out     = "is out. The machine is gone and nothing costs money"
)

// What the cloud does to a start or a stop, and what the channel, the keeper, the
// table and Azure Resource Manager see of it.
func TestCloud(t *testing.T) {
	t.Parallel()
	for _, e := range []evening{
		{
			name: "start and stop",
			play: func(r *rig) {
				r.play("Ana: /start\nwait online")
				r.play(putItOut)
			},
			says:    []string{burning, putOut, saved, out},
			patches: []string{up1, down1},
			status:  world.Stopped,
		},
		{
			name:    "stop while starting",
			options: options{timing: simcloud.Timing{Create: 10 * time.Second, Boot: time.Minute}},
			play: func(r *rig) {
				r.play("Ana: /start\nwait starting")
				r.machine(simcloud.VMCreating)
				r.play("Bo: /stop\nwait stopped")
			},
			says:    []string{"called it off", out},
			patches: []string{up1, down1}, // the second after the first was done: else a 409
			status:  world.Stopped,
		},
		{
			name: "no capacity at one placement",
			play: func(r *rig) {
				r.must(r.p.Cloud().NoCapacity("vmss-midgard-1", true))
				r.play("Ana: /start\nwait online\nBo: /stop\nwait stopped")
				r.within(time.Minute, up1+refused, up2)
			},
			says:    []string{burning, putOut, saved, out},
			patches: []string{up1 + refused, down1, up2, down2},
			status:  world.Stopped,
		},
		{
			name: "the allocation fails half-way",
			play: func(r *rig) {
				r.must(r.p.Cloud().FailNext("vmss-midgard-1", "OverconstrainedAllocationRequest", true))
				r.play("Ana: /start\nwait online\nBo: /stop\nwait stopped")
				r.within(time.Minute, up1, up2)
			},
			says:    []string{burning, putOut, saved, out},
			patches: []string{up1, down1, up2, down2},
			status:  world.Stopped,
		},
		{
			name: "no capacity anywhere, then somewhere",
			play: func(r *rig) {
				for _, p := range []string{"vmss-midgard-1", "vmss-midgard-2"} {
					r.must(r.p.Cloud().NoCapacity(p, true))
				}
				r.play("Ana: /start\nexpect anywhere right now. I try again <t:")
				_, doc := r.document()
				if in := time.Until(doc.RetryAt); in < time.Minute || in > 2*time.Minute {
					r.t.Errorf("it is tried again in %s, want two minutes from when that was said", in)
				}
				r.must(r.p.Cloud().NoCapacity("vmss-midgard-2", false))
				// Its two minutes pass at once: the timer of the new time was never
				// sent, so it counts as lost, and the next check sees to it.
				r.earlier(func(s *world.State) { s.RetryAt, s.Deadline = s.RetryAt.Add(-time.Hour), s.Deadline.Add(-time.Hour) })
				r.play("wait online\nBo: /stop\nwait stopped")
			},
			says: []string{"anywhere right now. I try again <t:", burning, putOut, saved, out},
			// Then all are tried again, the best first.
			patches: []string{up1 + refused, down1, up2 + refused, down2, up1 + refused, down1, up2, down2},
			status:  world.Stopped,
		},
		{
			name: "no quota",
			play: func(r *rig) {
				r.must(r.p.Cloud().Quota("vmss-midgard-1", true))
				r.play("Ana: /start\nwait failed")
			},
			says:    []string{"may not rent this machine yet. The keeper knows what to click"},
			keeper:  []string{"exceeding approved LowPriorityCores quota in eastus2", "is out: the cloud account may not rent"},
			patches: []string{up1 + refused, down1}, // and no other placement
			status:  world.Failed,
		},
		{
			name: "another operation is under way",
			play: func(r *rig) {
				r.must(r.p.Cloud().FailNext("vmss-midgard-1", "Conflict", false))
				r.play("Ana: /start\nwait online")
				r.must(r.p.Cloud().FailNext("vmss-midgard-1", "Conflict", false))
				r.play("Bo: /stop\nwait stopped")
			},
			says:    []string{burning, putOut, saved, out}, // it is nobody's business
			patches: []string{up1 + refused, up1, down1 + refused, down1},
			status:  world.Stopped,
		},
		{
			name: "Azure asks for no call",
			play: func(r *rig) {
				r.p.App().ARM().Fail(wire.Failure{
					Status: 429, RetryAfter: 12 * time.Second,
					Body: `{"error":{"code":"TooManyRequests","message":"The request was throttled."}}`,
				})
				r.play("Ana: /start\nwait online\nBo: /stop\nwait stopped")
			},
			says:    []string{burning, putOut, saved, out},
			patches: []string{up1 + ": 429", up1, down1},
			status:  world.Stopped,
		},
		{
			name:    "accepted, then gone",
			options: options{timing: simcloud.Timing{Create: 4 * time.Second}},
			play: func(r *rig) {
				r.play("Ana: /start")
				r.must(r.p.Cloud().Vanish(r.machine(simcloud.VMCreating)))
				r.play("wait online\nBo: /stop\nwait stopped")
			},
			says:    []string{burning, putOut, saved, out},
			patches: []string{up1, down1, up1, down1}, // what has capacity 1 and no machine gets one only by way of 0
			status:  world.Stopped,
		},
		{
			name: "a machine that hangs",
			play: func(r *rig) {
				r.play("Ana: /start\nwait online\nlever player_join Bo\nexpect **Bo** came in")
				r.must(r.p.Cloud().Freeze(r.machine(simcloud.VMRunning)))
				// Nobody waits ten minutes here. The last word of the agent is said to
				// be older than it is; the bot looks every 30 s, as ever.
				r.earlier(func(s *world.State) { s.Boot.Heard = time.Now().Add(-rules.SaveWithin) })
				r.play("expect has not spoken for over a minute")
				if got := r.patches(); len(got) != 1 {
					r.t.Errorf("got updates %q, want none of a machine on which people may play", got)
				}
				r.earlier(func(s *world.State) { s.Boot.Heard = time.Now().Add(-rules.LostAfter) })
				r.play("wait failed")
			},
			says:    []string{burning, "**Bo** came in", "has not spoken for over a minute", "stayed silent for ten minutes and is deleted now", "had been silent for ten minutes, so it was deleted"},
			keeper:  []string{"stayed silent for ten minutes and is deleted now", "had been silent for ten minutes, so it was deleted"},
			patches: []string{up1, down1},
			status:  world.Failed,
		},
	} {
		t.Run(e.name, e.run)
	}
}

// evening is one that is played until nothing is left of it.
type evening struct {
	name    string
	options options
	play    func(r *rig)
	says    []string // the whole channel, in order
	keeper  []string // the keeper's
	patches []string // every update of a scale set, in order
	status  world.Status
}

func (e evening) run(t *testing.T) {
	t.Parallel()
	e.options.worlds = cmp.Or(e.options.worlds, sized)
	r := start(t, e.options)
	e.play(r)
	r.hears("the channel", simdiscord.DefaultChannelID, e.says)
	r.hears("the keeper", simdiscord.DefaultKeeperChannelID, e.keeper)
	if got := r.patches(); !slices.Equal(got, e.patches) {
		t.Errorf("got updates\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(e.patches, "\n"))
	}
	r.oneMachine()
	r.noHurry()
	c, doc := r.document()
	if c.Status != string(e.status) || doc.Status != e.status || c.IP != "" || doc.Cloud.Want != 0 || doc.Cloud.VM != "" {
		t.Errorf("got the row %+v with %+v, want %s without a machine", c, doc.Cloud, e.status)
	}
	if vms := r.p.Cloud().Snapshot().VMs; len(vms) != 0 {
		t.Errorf("there is %+v, want nothing that costs money", vms)
	}
}

// hears waits until a channel has as many lines as wanted, and compares them:
// each must hold the text in its place, or be beside it. Two events in the same
// second are two workers', and the later one may be the first to speak.
func (r *rig) hears(who, channel string, want []string) {
	r.t.Helper()
	r.until(fmt.Sprintf("%d lines for %s", len(want), who), func() bool { return len(r.lines(channel)) >= len(want) })
	got := r.lines(channel)
	same := len(got) == len(want)
	for i, text := range want {
		near := got[min(max(i-1, 0), len(got)):min(i+2, len(got))]
		same = same && slices.ContainsFunc(near, func(line string) bool { return strings.Contains(line, text) })
	}
	if !same {
		r.t.Errorf("%s hears\n%s\nwant\n%s", who, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// lines are a channel's messages that all see: not the cards, nor that a world
// is new, which may come before or after its first door.
func (r *rig) lines(channel string) (out []string) {
	for _, m := range r.p.Discord().Messages() {
		if m.ChannelID == channel && m.EphemeralTo == nil && len(m.Embeds) == 0 && m.Content != "" && !strings.Contains(m.Content, "is a new world") {
			out = append(out, m.Content)
		}
	}
	return out
}

// patches are the updates of scale sets that Azure Resource Manager was asked
// for, with the status of the answer where it was not 200.
func (r *rig) patches() (out []string) {
	r.t.Helper()
	for _, c := range r.p.App().ARM().Calls() {
		if c.Method != "PATCH" {
			continue
		}
		set, capacity, size := r.update(c)
		text := fmt.Sprintf("%s to %d", strings.TrimPrefix(set, "vmss-"), capacity)
		if size != "" {
			text += " as " + size
		}
		if c.Status != 200 {
			text += fmt.Sprintf(": %d", c.Status)
		}
		out = append(out, text)
	}
	return out
}

// update reads what a PATCH asks of a scale set.
func (r *rig) update(c wire.Call) (set string, capacity int, size string) {
	r.t.Helper()
	var body struct {
		SKU struct {
			Capacity int
			Name     string
		}
	}
	if err := json.Unmarshal([]byte(c.Body), &body); err != nil {
		r.t.Fatalf("PATCH %s with %q: %v", c.Path, c.Body, err)
	}
	return strings.TrimPrefix(c.Path, "virtualMachineScaleSets/"), body.SKU.Capacity, body.SKU.Name
}

// oneMachine holds the cloud's truth against the calls: none was asked for at a
// placement while there was one at another.
func (r *rig) oneMachine() {
	r.t.Helper()
	snap := r.p.Cloud().Snapshot()
	machines := slices.Clone(snap.Gone)
	for _, vm := range snap.VMs {
		machines = append(machines, simcloud.GoneView{ID: vm.ID, Placement: vm.Placement, Created: vm.Created, Gone: time.Now().Add(time.Hour)})
	}
	for _, c := range r.p.App().ARM().Calls() {
		if c.Method != "PATCH" || c.Status != 200 {
			continue
		}
		set, capacity, _ := r.update(c)
		for _, m := range machines {
			if capacity == 1 && m.Placement != set && m.Created.Before(c.At) && m.Gone.After(c.At) {
				r.t.Errorf("at %s a machine was asked for at %s; %s was there until %s", c.At, set, m.ID, m.Gone)
			}
		}
	}
}

// noHurry: no call came while Azure had asked for none.
func (r *rig) noHurry() {
	r.t.Helper()
	calls := r.p.App().ARM().Calls()
	for i, c := range calls {
		if c.Status != 429 {
			continue
		}
		for _, next := range calls[i+1:] {
			if next.At.Before(c.At.Add(c.RetryAfter)) {
				r.t.Errorf("%s %s came %s after an answer that asked to wait %s", next.Method, next.Path, next.At.Sub(c.At), c.RetryAfter)
			}
		}
	}
}

// within: the first of these updates and the second are no further apart.
func (r *rig) within(most time.Duration, first, second string) {
	r.t.Helper()
	got := r.patches()
	i, j := slices.Index(got, first), slices.Index(got, second)
	if i < 0 || j < i {
		r.t.Fatalf("got updates %q, want %s and then %s", got, first, second)
	}
	var at []time.Time
	for _, c := range r.p.App().ARM().Calls() {
		if c.Method == "PATCH" {
			at = append(at, c.At)
		}
	}
	if took := at[j].Sub(at[i]); took > most {
		r.t.Errorf("%s came %s after %s, want it within %s", second, took, first, most)
	}
}

// machine waits for a machine in this state and returns its name.
func (r *rig) machine(state simcloud.VMState) (id string) {
	r.t.Helper()
	r.until("a machine that is "+string(state), func() bool {
		for _, vm := range r.p.Cloud().Snapshot().VMs {
			if vm.State == state {
				id = vm.ID
			}
		}
		return id != ""
	})
	return id
}

// earlier changes the row as a worker would, against its ETag: times in it to
// ones that lie further back, for what nobody waits for here.
func (r *rig) earlier(change func(*world.State)) {
	r.t.Helper()
	key := world.Key{Guild: simdiscord.DefaultGuildID, World: "midgard"}
	for range 20 {
		row, err := r.store.Load(r.t.Context(), key)
		r.must(err)
		change(&row.State)
		row.State.Generation++
		row.State.Write = "" // of no worker
		if _, err = r.store.Replace(r.t.Context(), row); !errors.Is(err, world.ErrConflict) {
			r.must(err)
			return
		}
	}
	r.t.Fatal("somebody else writes the row all the time")
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}
