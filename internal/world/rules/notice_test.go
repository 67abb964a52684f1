package rules_test

import (
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// announced: the cloud gives notice of a kind.
func (g *stage) announced(kind string) {
	g.t.Helper()
	g.hear(&world.Noticed{Kind: kind, NotBefore: g.now.Add(15 * time.Minute)})
}

// A machine that is to be redeployed would come back with an empty disk: it is
// given back once the world is saved, like one that the cloud takes.
func TestRedeployGoesElsewhere(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.join("1", "Bo")
	g.hush()
	g.announced("Redeploy")
	g.status(world.Relocating)
	g.tells(world.ChatLine, "The cloud moves the machine of **Midgard** and empties its disk. Saving now; then it comes up elsewhere")
	if len(g.asked) != 0 {
		t.Fatalf("asked %+v before the proof", g.asked)
	}
	g.proves(world.StopNotice)
	g.comesUp("b")
	g.tellsNot("lost")
	if g.places["a"].vm != "" || g.s.Session.Evicted != 1 {
		t.Errorf("got machine %q and %d evictions, want none and one", g.places["a"].vm, g.s.Session.Evicted)
	}
}

// TestCameBackUnderNotice: a machine that was to go is up again by itself and
// its agent speaks, before it was deleted. Nobody may be deleted with it.
func TestCameBackUnderNotice(t *testing.T) {
	t.Run("no proof of the save was heard", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.announced("Redeploy")
		g.beating = false
		g.pass(4 * time.Minute)
		g.status(world.Relocating)
		g.boot()
		g.status(world.Loading)
		g.tells(world.ChatLine, "started over without word of a save")
		g.hear(&world.Listening{})
		g.status(world.Online)
		g.join("1", "Bo")
		g.hush()
		g.pass(rules.LostAfter)
		g.status(world.Online)
		if len(g.asked) != 0 {
			t.Errorf("asked %+v: somebody plays there", g.asked)
		}
		g.tellsNot("not proven")
	})
	t.Run("its deletion was not begun", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.deaf = true // no worker gets to it
		g.announced("Redeploy")
		g.proves(world.StopNotice)
		g.deaf = false
		round := g.s.Cloud.Round
		g.boot()
		g.status(world.Loading)
		if c := g.s.Cloud; c.Acting || c.Round == round {
			t.Errorf("cloud %+v, want the deletion of round %d taken back", c, round)
		}
		g.hear(&world.Listening{})
		g.join("1", "Bo")
		g.hush()
		g.pass(20 * time.Minute)
		g.status(world.Online)
		if len(g.asked) != 0 || g.machines() != 1 {
			t.Errorf("asked %+v and %d machines: somebody plays there", g.asked, g.machines())
		}
	})
	t.Run("its deletion goes on", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.announced("Redeploy")
		g.proves(world.StopNotice)
		g.pass(10 * time.Second)
		g.boot()
		g.status(world.Loading)
		g.beating = false
		g.comesUp("b")
		g.tells(world.ChatLine, "Nobody could have been in yet, so nothing is lost. Lighting it elsewhere now")
	})
	t.Run("and goes all the same", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.notice()
		g.boot() // the agent died under the notice, and finds it listed
		g.status(world.Loading)
		g.notice()
		g.status(world.Relocating)
		g.hear(&world.SaveProven{Why: world.StopNotice, Confirmed: true, Untouched: true})
		g.beating = false
		g.comesUp("b")
	})
	t.Run("the old machine is seen gone, and something speaks for it", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.notice()
		g.vanish()
		g.until(time.Minute, "it is seen gone", func() bool { return g.told(world.ChatLine, "is gone") == 1 })
		g.status(world.Relocating)
		g.epoch++
		g.hearAs(g.epoch, 1, &world.HostUp{Machine: world.Machine{Name: "vm-a-1"}})
		g.status(world.Relocating)
		g.until(5*time.Minute, "a machine", func() bool { return g.s.Status == world.Booting })
		if g.s.Cloud.Placement != "b" {
			t.Errorf("it is at %s, want b", g.s.Cloud.Placement)
		}
	})
}

// TestRebootWithoutTime: the hardware failed, and there was no time for a proof.
func TestRebootWithoutTime(t *testing.T) {
	sudden := func(t *testing.T) *stage {
		g := newStage(t)
		g.toOnline()
		g.join("1", "Bo")
		g.pass(3 * time.Minute)
		g.hush()
		g.hear(&world.Noticed{Kind: "Reboot"})
		g.beating = false
		return g
	}
	t.Run("it comes back", func(t *testing.T) {
		g := sudden(t)
		g.pass(3 * time.Minute)
		g.tells(world.ChatLine, "has not spoken for over a minute")
		g.boot()
		g.tells(world.ChatLine, "started over without word of a save. The last save I know of is 6 min old")
		g.hear(&world.Listening{})
		g.status(world.Online)
		if len(g.asked) != 0 || g.s.Session.Evicted != 0 {
			t.Errorf("asked %+v, %d evictions, want the same machine", g.asked, g.s.Session.Evicted)
		}
	})
	t.Run("it does not", func(t *testing.T) {
		g := sudden(t)
		g.untilStatus(rules.LostAfter+2*time.Minute, world.Failed)
		g.tells(world.ChatLine, "stayed silent for ten minutes and is deleted now")
		g.noMachine()
	})
	t.Run("it is gone", func(t *testing.T) {
		g := sudden(t)
		g.vanish()
		g.comesUp("b")
	})
}

// TestStopInAReboot: the world is saved and the machine about to be restarted.
func TestStopInAReboot(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.announced("Reboot")
	g.proves(world.StopNotice)
	g.pass(time.Minute)
	g.hush()
	g.stop()
	g.untilStatus(2*time.Minute, world.Stopped)
	g.noMachine()
	g.tellsNot("lost")
}

// TestRebootOfWhatGoes: nobody is told that a machine comes back that is to go.
func TestRebootOfWhatGoes(t *testing.T) {
	for name, to := range map[string]func(*stage){
		"stopping":   (*stage).toStopping,
		"relocating": func(g *stage) { g.toOnline(); g.notice() },
	} {
		t.Run(name, func(t *testing.T) {
			g := newStage(t)
			to(g)
			before := g.s.Status
			g.announced("Reboot")
			g.status(before)
			g.tellsNot("comes back by itself")
			g.proves(world.StopNotice)
			g.beating = false
			if name == "stopping" {
				g.untilStatus(2*time.Minute, world.Stopped)
			} else {
				g.comesUp("b")
			}
		})
	}
}
