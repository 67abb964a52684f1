package functionapp_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
	"hearth/internal/world/rules"
)

const (
	taken   = "The cloud takes the machine of **Midgard** back. Saving now"
	nothing = "was not opened, so there was nothing to save"
	movesOn = "The old machine is gone, **Midgard** is safe. Lighting it elsewhere now"
	movedIn = "It moved in"
)

// The cloud takes the machine, in each status of its world: the world is saved if
// there is anything to save and time to do it, the old machine is gone before
// another is asked for, and the channel is told the new address.
func TestMoves(t *testing.T) {
	t.Parallel()
	slow := "game speed 0.25\n" // a save takes one second to eight
	for _, e := range []evening{
		{
			name:    "booting",
			options: options{timing: simcloud.Timing{Boot: 20 * time.Second}},
			play: func(r *rig) {
				r.play("Ana: /start\nwait booting")
				r.must(r.p.Cloud().Preempt(r.machine(simcloud.VMBooting), time.Second))
				r.play("wait relocating\nwait online\n" + putItOut)
			},
			says:    []string{"took the machine of **Midgard** before it was up. Lighting it elsewhere now", burning, putOut, saved, out},
			patches: []string{up1, down1, up2, down2},
			status:  world.Stopped,
		},
		{
			name:    "loading",
			options: options{loadFor: 15 * time.Second},
			play: func(r *rig) {
				r.play("Ana: /start\nwait loading\nlever evict 30\nwait relocating\nwait online\n" + putItOut)
			},
			says:    []string{taken, nothing, movesOn, burning, putOut, saved, out},
			patches: []string{up1, down1, up2, down2},
			status:  world.Stopped,
		},
		{
			name: "online, twice in a row",
			play: func(r *rig) {
				r.play("Ana: /start\nexpect is burning. Join at\nlever player_join Bo\nexpect **Bo** came in")
				first := r.address()
				r.play("lever evict 30\nexpect Lighting it elsewhere now\nexpect is burning. Join at")
				if second := r.address(); second == first {
					r.t.Errorf("the new address is the old one, %s", first)
				}
				r.moved("vmss-midgard-1", "vmss-midgard-2", true)
				r.play("lever evict 8\nexpect Lighting it elsewhere now\nexpect is burning. Join at")
				r.moved("vmss-midgard-2", "vmss-midgard-2", true) // the other is blocked for longer
				r.play(putItOut)
			},
			says: []string{
				burning, "**Bo** came in", taken, saved, movesOn, "**Bo**: come back in!",
				taken, saved, movesOn, movedIn, putOut, saved, out,
			},
			patches: []string{up1, down1, up2, down2, up2, down2},
			status:  world.Stopped,
		},
		{
			name: "online, without notice",
			play: func(r *rig) {
				r.play("Ana: /start\nexpect is burning. Join at\nlever player_join Bo\nexpect **Bo** came in\nlever vanish")
				// Two heartbeats are missed at once: nobody waits for them here.
				r.earlier(func(s *world.State) { s.Boot.Heard = time.Now().Add(-rules.SilentAfter) })
				r.play("expect is gone without notice\nexpect is burning. Join at")
				r.moved("vmss-midgard-1", "vmss-midgard-2", false)
				r.play(putItOut)
			},
			says:    []string{burning, "**Bo** came in", "is gone without notice", "**Bo**: come back in!", putOut, saved, out},
			patches: []string{up1, down1, up2, down2},
			status:  world.Stopped,
		},
		{
			name: "stopping",
			play: func(r *rig) {
				r.play("Ana: /start\nwait online\nBo: /stop\nwait stopping\nlever evict 30\nwait stopped")
			},
			says:    []string{burning, putOut, saved, out},
			patches: []string{up1, down1}, // nobody wants another one
			status:  world.Stopped,
		},
		{
			name: "saving",
			play: func(r *rig) {
				r.play("Ana: /start\nwait online\n" + slow + "Bo: /stop")
				r.until("the game is told to stop", func() bool { return r.logged("stopping the game") })
				r.play("lever evict 30\nwait stopped")
			},
			says:    []string{burning, putOut, saved, out},
			patches: []string{up1, down1},
			status:  world.Stopped,
		},
		{
			name: "saving, and there is no time",
			play: func(r *rig) {
				r.play("Ana: /start\nwait online\n" + slow + "Bo: /stop")
				r.until("the game is told to stop", func() bool { return r.logged("stopping the game") })
				r.play("lever vanish\nwait stopped")
			},
			says:    []string{burning, putOut, "went before it could prove the save", out},
			patches: []string{up1, down1},
			status:  world.Stopped,
		},
	} {
		t.Run(e.name, e.run)
	}
}

// address is the one that the channel was told last.
func (r *rig) address() string {
	r.t.Helper()
	address := ""
	for _, line := range r.lines(simdiscord.DefaultChannelID) {
		if _, after, ok := strings.Cut(line, "Join at `"); ok {
			address, _, _ = strings.Cut(after, "`")
		}
	}
	if address == "" {
		r.t.Fatal("no address was told")
	}
	return address
}

// moved holds what the row remembers of the last move against what the cloud
// knows of it.
func (r *rig) moved(from, to string, noticed bool) {
	r.t.Helper()
	var m world.Move
	r.until("the move is over", func() bool {
		_, doc := r.document()
		m = doc.Move
		return !m.Online.IsZero()
	})
	snap := r.p.Cloud().Snapshot()
	if len(snap.Gone) == 0 || len(snap.VMs) != 1 {
		r.t.Fatalf("got %+v, want a machine that is gone and one that is there", snap)
	}
	gone, there := snap.Gone[len(snap.Gone)-1], snap.VMs[0]
	if m.From != from || m.To != to || gone.Placement != from || there.Placement != to || m.Noticed != noticed {
		r.t.Errorf("got move %+v, from %s to %s in truth; want it from %s to %s, noticed %t", m, gone.Placement, there.Placement, from, to, noticed)
	}
	if noticed {
		r.inOrder("notice", m.Notice, "signal", m.Signal, "proof", m.Proof, "the machine is gone", gone.Gone)
	}
	r.inOrder("the machine is gone", gone.Gone, "and that is seen", m.Gone, "a machine is asked for", m.Asked, "it is made", there.Created,
		"it is seen", m.Machine)
	r.inOrder("it has booted", there.Since, "its agent speaks", m.HostUp, "players can be in", m.Online)
}

// inOrder: these times, each with its name before it, do not fall.
func (r *rig) inOrder(named ...any) {
	r.t.Helper()
	var last time.Time
	for i := 0; i < len(named); i += 2 {
		at, _ := named[i+1].(time.Time)
		if at.Before(last) || at.IsZero() {
			r.t.Errorf("%s at %s, which is not after %s", named[i], at, last)
		}
		last = at
	}
}

// logged: these words are in the playground's log.
func (r *rig) logged(words string) bool {
	r.t.Helper()
	b, err := os.ReadFile(r.log)
	r.must(err)
	return strings.Contains(string(b), words)
}
