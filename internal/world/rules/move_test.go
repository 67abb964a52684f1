package rules_test

import (
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// comesUp waits for the machine of a move and lets its agent speak.
func (g *stage) comesUp(where string) {
	g.t.Helper()
	g.until(5*time.Minute, "a machine", func() bool { return g.s.Status == world.Booting && g.machines() == 1 })
	if g.s.Cloud.Placement != where || g.machines() != 1 {
		g.t.Fatalf("got %d machines at %s, want one at %s", g.machines(), g.s.Cloud.Placement, where)
	}
	g.boot()
	g.hear(&world.Listening{})
	g.status(world.Online)
}

func TestEvictionWithNoticeAndProof(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.join("1", "Bo")
	g.hush()
	g.notice()
	g.status(world.Relocating)
	g.tells(world.ChatLine, "The cloud takes the machine of **Midgard** back. Saving now; then it comes up elsewhere")
	has(t, whole(g.card()), "Saving, then lighting it elsewhere")
	has(t, g.start(), "is moving to another machine already. The new address comes here")
	g.pass(3 * time.Second)
	if len(g.asked) != 0 {
		t.Fatalf("asked %+v before the proof", g.asked)
	}
	g.proves(world.StopNotice)
	g.tells(world.ChatLine, "**Midgard** is saved, in 1.3 s")
	g.pass(25 * time.Second)
	g.vanish()
	g.comesUp("b")
	g.tells(world.ChatLine, "The old machine is gone, **Midgard** is safe. Lighting it elsewhere now")
	g.tells(world.ChatLine, "is burning. Join at `203.0.113.7:2456`. It moved in 63 s. **Bo**: come back in! <@1001>")
	g.tellsNot("without notice")
	if g.s.Session.Evicted != 1 || len(g.s.Session.Played) != 1 {
		t.Errorf("session: got %+v, want one eviction and Bo still in it", g.s.Session)
	}
}

func TestEvictionWithoutProof(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.pass(3 * time.Minute)
	g.notice()
	g.pass(20 * time.Second)
	g.vanish()
	g.comesUp("b")
	g.tells(world.ChatLine, "is gone before it could prove the save. The last save is 3 min old; what was done since is lost. Lighting it elsewhere now")
}

// TestNoticeAndNothing: a machine under notice neither saves nor goes.
func TestNoticeAndNothing(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.notice()
	g.pass(rules.SaveWithin + time.Second)
	g.tells(world.ChatLine, "is not saved yet after 90 s")
	if len(g.orders) != 0 {
		t.Errorf("ordered %+v: the agent saves by itself", g.orders)
	}
	g.pass(rules.LostAfter - rules.SaveWithin)
	g.tells(world.ChatLine, "not proven in ten minutes. The machine is deleted now")
	g.tells(world.ChatKeeper, "not proven in ten minutes")
	g.comesUp("b")
	g.tellsNot("is gone")
}

// TestProofBeforeNotice: two words of one second, in the other order.
func TestProofBeforeNotice(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.proves(world.StopNotice)
	g.notice()
	g.status(world.Relocating)
	if len(g.asked) != 1 || g.asked[0].Capacity != 0 {
		t.Fatalf("asked %+v, want the machine back at once: it is saved", g.asked)
	}
	g.pass(2 * time.Minute)
	g.tellsNot("not saved yet")
	g.tellsNot("lost")
	g.comesUp("b")
}

// TestProvenMachineStays: under notice and saved, but the deletion takes for
// ever. No loss may be told.
func TestProvenMachineStays(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.places["a"].stays = true
	g.notice()
	g.proves(world.StopNotice)
	g.pass(rules.DeleteWithin + time.Minute)
	g.tellsNot("lost")
	g.tellsNot("not proven")
	if g.told(world.ChatKeeper, "will not be deleted") == 0 {
		t.Errorf("the keeper was not told; said %q", g.texts())
	}
	g.status(world.Relocating)
	g.vanish()
	g.comesUp("b")
}

func TestNoticeTwice(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.notice()
	g.pass(time.Second)
	g.notice()
	g.tells(world.ChatLine, "The cloud takes the machine")
}

func TestEvictionWithoutNotice(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.pass(2 * time.Minute)
	g.vanish()
	gone := g.now
	g.until(90*time.Second, "the loss is told", func() bool { return g.told(world.ChatLine, "is gone without notice") == 1 })
	g.tells(world.ChatLine, "The last save is "+map[bool]string{true: "3 min", false: "2 min"}[g.now.Sub(gone) >= 30*time.Second]+" old; what was done since is lost")
	g.comesUp("b")
	g.tells(world.ChatLine, "<@1001>")
	g.tellsNot("ten minutes")
}

// TestToldSoon holds P12 and P13: whatever the machine was at when it went, and
// whenever it went between two heartbeats and two checks, people are told within
// their time what became of the world.
func TestToldSoon(t *testing.T) {
	online := func(g *stage) { g.toOnline(); g.pass(3 * time.Minute) }
	noticed := func(g *stage) { online(g); g.notice() }
	const lost = "The last save is "
	for _, tc := range []struct {
		name   string
		to     func(*stage)
		within time.Duration
		want   string
	}{
		{"noticed, and no proof", noticed, time.Minute, "is gone before it could prove the save. " + lost},
		{"noticed, and saved", func(g *stage) { noticed(g); g.proves(world.StopNotice) }, time.Minute, "is safe. Lighting it elsewhere now"},
		{"stopping, and no proof", func(g *stage) { online(g); g.stop() }, time.Minute, "went before it could prove the save. " + lost},
		{"stopping, noticed, and no proof", func(g *stage) { online(g); g.stop(); g.notice() }, time.Minute, "went before it could prove the save. " + lost},
		{"without notice", online, 90 * time.Second, "is gone without notice. " + lost},
		{"loading, without notice", (*stage).toLoading, 90 * time.Second, "is gone without notice. Nobody could have been in yet"},
		{"crashed, without notice", func(g *stage) { online(g); g.hear(&world.Crashed{Restarting: true}) }, 90 * time.Second, "is gone without notice. " + lost},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for later := range 30 { // seconds
				g := newStage(t)
				tc.to(g)
				g.hush()
				g.pass(time.Duration(later) * time.Second)
				g.vanish()
				g.until(tc.within, tc.want, func() bool { return g.told(world.ChatLine, tc.want) == 1 })
			}
		})
	}
}

// TestEvictionNewAddress: the new machine's agent does not know its address,
// and the old one's must not be told.
func TestEvictionNewAddress(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.places["b"].address = "198.51.100.9"
	g.notice()
	g.proves(world.StopNotice)
	g.vanish()
	g.untilStatus(5*time.Minute, world.Booting)
	g.epoch++
	g.seq = 0
	g.hear(&world.HostUp{Machine: world.Machine{Name: "vm-b-1"}})
	g.hear(&world.Listening{})
	g.tells(world.ChatLine, "Join at `198.51.100.9:2456`")
	has(t, g.say(cmd{name: world.CmdJoin}), "198.51.100.9:2456")
}

func TestEvictionOnTheWay(t *testing.T) {
	t.Run("starting", func(t *testing.T) { // the machine is gone before it was seen
		g := newStage(t)
		g.places["a"].hollow = true
		g.start()
		g.pass(32 * time.Second)
		g.places["a"].hollow = false
		g.comesUp("a")
		g.tellsNot("lost")
	})
	t.Run("booting", func(t *testing.T) {
		g := newStage(t)
		g.toBooting()
		g.vanish()
		g.comesUp("b")
		g.tellsNot("lost")
	})
	t.Run("loading, with notice", func(t *testing.T) {
		g := newStage(t)
		g.toLoading()
		g.notice()
		g.hear(&world.SaveProven{Why: world.StopNotice, Confirmed: true, Untouched: true})
		g.vanish()
		g.comesUp("b")
		g.tells(world.ChatLine, "was not opened, so there was nothing to save")
	})
	t.Run("loading, without notice", func(t *testing.T) {
		g := newStage(t)
		g.toLoading()
		g.vanish()
		g.comesUp("b")
		g.tells(world.ChatLine, "Nobody could have been in yet, so nothing is lost")
	})
	t.Run("stopping, with notice", func(t *testing.T) {
		g := newStage(t)
		g.toStopping()
		g.notice()
		g.status(world.Stopping)
		g.proves(world.StopNotice)
		g.vanish()
		g.untilStatus(2*time.Minute, world.Stopped)
		g.tellsNot("elsewhere")
		g.pass(time.Hour)
		g.noMachine()
	})
	t.Run("stopping, without notice", func(t *testing.T) {
		g := newStage(t)
		g.toStopping()
		g.vanish()
		g.untilStatus(3*time.Minute, world.Stopped)
		g.tells(world.ChatLine, "went before it could prove the save. The last save is")
		g.pass(time.Hour)
		g.noMachine()
	})
	t.Run("and stop", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.notice()
		has(t, g.stop(), "puts the fire out")
		g.proves(world.StopNotice)
		g.vanish()
		g.untilStatus(2*time.Minute, world.Stopped)
		g.pass(time.Hour)
		g.noMachine()
	})
	t.Run("and stop, between two machines", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.notice()
		g.proves(world.StopNotice)
		g.vanish()
		g.until(time.Minute, "it is gone", func() bool { return g.told(world.ChatLine, "The old machine is gone") == 1 })
		g.stop()
		g.untilStatus(2*time.Minute, world.Stopped)
		g.pass(time.Hour)
		g.noMachine()
	})
}

func TestEvictedTwice(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.vanish()
	g.comesUp("b")
	g.vanish()
	g.comesUp("b") // both were taken within minutes: the last one is tried again
	if g.s.Session.Evicted != 2 {
		t.Errorf("evictions: got %d, want 2", g.s.Session.Evicted)
	}
	g.join("1", "Bo")
	g.pass(15 * time.Minute)
	g.vanish()
	g.comesUp("a")
}

// TestNoMachineCostsNothing: what is told as the price is the time of machines.
func TestNoMachineCostsNothing(t *testing.T) {
	g := newStage(t, "a")
	g.toOnline()
	g.pass(5 * time.Minute)
	g.places["a"].refuses = world.ClassCapacity
	g.vanish()
	g.until(5*time.Minute, "the pause", func() bool { return !g.s.RetryAt.IsZero() })
	paid := g.s.MachineTime(g.now)
	if paid < 5*time.Minute || paid > 8*time.Minute {
		t.Errorf("paid for %s, want the five minutes and a little", paid)
	}
	g.pass(time.Minute)
	if got := g.s.MachineTime(g.now); got != paid {
		t.Errorf("without a machine: got %s, want still %s", got, paid)
	}
}

func TestEvictedFromTheOnlyPlace(t *testing.T) {
	g := newStage(t, "a")
	g.toOnline()
	g.notice()
	g.proves(world.StopNotice)
	g.vanish()
	g.comesUp("a")
}

// TestEvictedBesideAnOldBlock: an hour-old block of the other place counts no
// more.
func TestEvictedBesideAnOldBlock(t *testing.T) {
	g := newStage(t)
	g.s.Blocked = map[string]time.Time{"b": g.now}
	g.toOnline()
	g.vanish()
	g.comesUp("b")
}

// TestRebootNotice: the machine stays and comes back with a new boot.
func TestRebootNotice(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.hear(&world.Noticed{Kind: "Reboot"})
	g.tells(world.ChatLine, "is being restarted by the cloud. Saving now; it comes back by itself")
	g.status(world.Online)
	g.proves(world.StopNotice)
	g.status(world.Loading)
	has(t, whole(g.card()), "The fire is banked and the world saved")
	g.pass(2 * time.Minute)
	if len(g.asked) != 0 {
		t.Fatalf("asked %+v: the machine stays", g.asked)
	}
	g.boot()
	g.hear(&world.Listening{})
	g.status(world.Online)
	if g.s.Boot.Epoch != 2 || g.s.Session.Evicted != 0 {
		t.Errorf("got boot %d and %d evictions, want boot 2 and none", g.s.Boot.Epoch, g.s.Session.Evicted)
	}
	t.Run("and never comes back", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.proves(world.StopNotice)
		g.pass(rules.LostAfter + 2*time.Second)
		g.tellsNot("opened its door")
		g.untilStatus(2*time.Minute, world.Failed)
		g.tells(world.ChatLine, "did not come back in ten minutes. What was saved is safe; try `/start` again")
		g.noMachine()
	})
	for _, kind := range []string{"Freeze", "Dance"} {
		t.Run(kind, func(t *testing.T) {
			g := newStage(t)
			g.toOnline()
			if effects := g.hear(&world.Noticed{Kind: kind}); len(effects) != 0 {
				t.Errorf("effects: got %+v, want none", effects)
			}
		})
	}
}
