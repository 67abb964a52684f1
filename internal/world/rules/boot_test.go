package rules_test

import (
	"slices"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// TestSteps: while a world loads its card says what is being done, in the
// agent's order whatever the queue's is, and no line of the channel does.
func TestSteps(t *testing.T) {
	step := func(g *stage, seq int64, s world.Step) {
		g.t.Helper()
		g.hearAs(g.epoch, seq, &world.StepBegun{Step: s})
	}
	shows := func(g *stage, want string) {
		g.t.Helper()
		has(g.t, whole(g.card()), want)
	}
	t.Run("each", func(t *testing.T) {
		g := newStage(t)
		g.toLoading()
		lines := g.told(world.ChatLine, "")
		for s, want := range map[world.Step]string{
			world.StepLease:     "3/3 Waiting for the last machine to let go of the world…",
			world.StepFiles:     "3/3 Looking at the world's files…",
			world.StepImage:     "3/3 Fetching the server…",
			world.StepContainer: "3/3 Setting the server up…",
			world.StepUpdate:    "3/3 Fetching the game…",
			world.StepLoad:      "3/3 Loading the world…",
			world.StepCode:      "3/3 Waiting for the join code…",
		} {
			g.hear(&world.StepBegun{Step: s})
			shows(g, want)
		}
		if n := g.told(world.ChatLine, ""); n != lines {
			t.Errorf("lines: got %d, want none of the steps", n-lines)
		}
		has(t, g.say(cmd{name: world.CmdJoin, private: true}), "It is being lit: 3/3 ")
	})
	t.Run("out of order", func(t *testing.T) {
		g := newStage(t)
		g.toLoading()
		step(g, 5, world.StepLoad)
		step(g, 4, world.StepUpdate)
		shows(g, "Loading the world")
	})
	t.Run("unknown", func(t *testing.T) {
		g := newStage(t)
		g.toLoading()
		step(g, 5, world.StepUpdate)
		if effects := g.hearAs(g.epoch, 6, &world.StepBegun{Step: "dance"}); len(effects) != 0 {
			t.Errorf("got %+v, want nothing", effects)
		}
		shows(g, "Fetching the game")
	})
	t.Run("late", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		if effects := g.hear(&world.StepBegun{Step: world.StepLoad}); len(effects) != 0 {
			t.Errorf("while it burns: got %+v, want nothing", effects)
		}
	})
	t.Run("after a crash", func(t *testing.T) {
		g := newStage(t)
		g.toLoading()
		step(g, 2, world.StepLoad)
		step(g, 3, world.StepCode)
		g.hearAs(g.epoch, 4, &world.Listening{})
		g.hearAs(g.epoch, 6, &world.Crashed{Restarting: true})
		shows(g, "Bringing the game up")
		step(g, 5, world.StepUpdate) // from before the crash
		shows(g, "Bringing the game up")
		step(g, 7, world.StepUpdate)
		shows(g, "Fetching the game")
	})
	t.Run("of another boot", func(t *testing.T) {
		g := newStage(t)
		g.toLoading()
		step(g, 9, world.StepUpdate)
		g.boot()
		shows(g, "Bringing the game up")
		step(g, 2, world.StepFiles)
		shows(g, "Looking at the world's files")
	})
	t.Run("a fetch says that it takes long", func(t *testing.T) {
		g := newStage(t)
		g.toLoading()
		g.pass(6 * time.Minute) // longer than is usual
		g.hear(&world.StepBegun{Step: world.StepUpdate})
		shows(g, "3/3 Fetching the game… the first time this takes some minutes")
		g.hear(&world.StepBegun{Step: world.StepLoad})
		shows(g, "3/3 Loading the world… any moment now")
	})
}

// TestFetching: the download of a first boot does not trip the start's timeout,
// and does not go on for ever.
func TestFetching(t *testing.T) {
	fetching := func(t *testing.T, s world.Step) *stage {
		g := newStage(t)
		g.toLoading()
		g.hear(&world.StepBegun{Step: s})
		return g
	}
	t.Run("slow", func(t *testing.T) {
		for _, s := range []world.Step{world.StepImage, world.StepUpdate} {
			g := fetching(t, s)
			g.pass(rules.FetchWithin - time.Minute)
			g.status(world.Loading)
			g.hear(&world.StepBegun{Step: world.StepLoad})
			g.pass(rules.ListenWithin - time.Minute)
			g.status(world.Loading)
			g.hear(&world.Listening{})
			g.status(world.Online)
			g.tellsNot("never opened")
		}
	})
	t.Run("and then it hangs", func(t *testing.T) {
		g := fetching(t, world.StepUpdate)
		g.pass(30 * time.Minute)
		g.hear(&world.StepBegun{Step: world.StepLoad})
		g.pass(rules.ListenWithin - time.Second)
		g.status(world.Loading)
		g.pass(2 * time.Second)
		g.status(world.Stopping)
		g.tells(world.ChatKeeper, "came up for 50 min and never opened its door; the last I heard was: loading the world. I stop it")
	})
	t.Run("for ever", func(t *testing.T) {
		g := fetching(t, world.StepUpdate)
		g.pass(rules.FetchWithin - time.Minute)
		g.status(world.Loading)
		g.pass(2 * time.Minute)
		g.status(world.Stopping)
		g.tells(world.ChatKeeper, "came up for 1 h 00 min and never opened its door; the last I heard was: fetching the game")
	})
	t.Run("to and fro", func(t *testing.T) {
		g := fetching(t, world.StepUpdate)
		steps := []world.Step{world.StepContainer, world.StepUpdate}
		for i := 0; g.s.Status == world.Loading && i < 1000; i++ {
			g.pass(time.Minute)
			g.hear(&world.StepBegun{Step: steps[i%2]})
		}
		if d := g.now.Sub(dawn); d > rules.FetchWithin+rules.ListenWithin+5*time.Minute {
			t.Errorf("given up after %s; want the cap to hold", d)
		}
		g.status(world.Stopping)
	})
	t.Run("in a row that does not know since when", func(t *testing.T) {
		g := fetching(t, world.StepUpdate)
		g.s.Boot.ComesUp = time.Time{} // it was written by the version before
		g.pass(rules.FetchWithin - time.Minute)
		g.status(world.Loading)
		g.pass(2 * time.Minute)
		g.status(world.Stopping)
		g.tells(world.ChatKeeper, "came up for 1 h 00 min")
	})
	t.Run("without a word", func(t *testing.T) {
		g := fetching(t, world.StepUpdate)
		g.beating = false
		g.pass(rules.ListenWithin)
		if g.s.Status == world.Loading {
			t.Error("an agent that is silent is waited for")
		}
	})
}

func TestCannotStart(t *testing.T) {
	for reason, want := range map[world.FilesReason][2]string{
		world.FilesNotMounted: {"its files are not there: their disk is not mounted", "their folder is not mounted on the machine (no such \\*thing\\*). Look whether the share"},
		world.FilesMissing:    {"there is no such world among its files", "a new one is not allowed (no such \\*thing\\*). Put the files back, or allow a new world"},
		world.FilesUnreadable: {"its files can't be read or written", "they can't be read or written (no such \\*thing\\*). Look at their owner"},
		world.FilesOther:      {"the files in its place are another world's", "they are another world's (no such \\*thing\\*). Look at the world's name"},
		"new":                 {"the game can't be started on its files", "(no such \\*thing\\*). Look at them, then `/start`"},
	} {
		t.Run(string(reason), func(t *testing.T) {
			g := newStage(t)
			g.toLoading()
			g.hear(&world.CannotStart{Reason: reason, Detail: "no such *thing*"})
			g.status(world.Stopping)
			g.tells(world.ChatKeeper, "was not started on the world's files: ")
			g.tells(world.ChatKeeper, want[1])
			has(t, whole(g.card()), want[0])
			if len(g.orders) != 0 {
				t.Errorf("ordered %+v: there is nothing to save", g.orders)
			}
			g.untilStatus(time.Minute, world.Failed)
			g.noMachine()
			g.tells(world.ChatLine, "is out: "+want[0])
			asked := len(g.asked)
			g.pass(2 * time.Hour)
			if len(g.asked) != asked {
				t.Errorf("asked %+v by itself", g.asked[asked:])
			}
		})
	}
	sorry := func() *world.CannotStart { return &world.CannotStart{Reason: world.FilesMissing} }
	t.Run("as the first word", func(t *testing.T) {
		g := newStage(t)
		g.toBooting()
		g.epoch++
		g.hear(sorry())
		g.untilStatus(time.Minute, world.Failed)
		g.noMachine()
	})
	t.Run("and a stop", func(t *testing.T) {
		g := newStage(t)
		g.toLoading()
		g.stop()
		g.hear(sorry())
		g.untilStatus(time.Minute, world.Stopped)
		g.tells(world.ChatKeeper, "was not started on the world's files")
		g.tellsNot("lost")
		g.noMachine()
	})
	t.Run("after a crash", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.pass(2 * time.Minute)
		g.hear(&world.Crashed{Restarting: true})
		g.hear(sorry())
		g.tells(world.ChatLine, "The last save is 2 min old; what was done since is lost")
		g.untilStatus(time.Minute, world.Failed)
	})
	t.Run("before the crash is heard", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.pass(2 * time.Minute)
		g.hear(sorry())
		g.tells(world.ChatLine, "is down and can't be started again. The last save is 2 min old; what was done since is lost")
		g.untilStatus(time.Minute, world.Failed)
	})
	t.Run("under notice, with something to lose", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.pass(2 * time.Minute)
		g.notice()
		g.hear(sorry())
		g.tells(world.ChatLine, "The last save is 2 min old; what was done since is lost")
		g.untilStatus(time.Minute, world.Failed)
	})
	t.Run("of a world that is being saved", func(t *testing.T) {
		g := newStage(t)
		g.toStopping()
		g.hear(sorry())
		g.pass(10 * time.Second)
		if len(g.asked) != 0 {
			t.Errorf("asked %+v before the proof", g.asked)
		}
		g.proves(world.StopOrdered)
		g.untilStatus(time.Minute, world.Stopped)
	})
	t.Run("under notice", func(t *testing.T) {
		g := newStage(t)
		g.toLoading()
		g.notice()
		g.hear(sorry())
		g.untilStatus(time.Minute, world.Failed)
		g.pass(time.Hour)
		g.noMachine()
	})
}

// TestPrevious: a boot saved and did not get to say so; the next one finds its
// proof beside the world's files.
func TestPrevious(t *testing.T) {
	const good = "**Midgard** was saved after all, <t:"
	up := func(g *stage, p world.Proof) {
		g.t.Helper()
		g.hearAs(g.epoch, 1, &world.HostUp{Machine: world.Machine{Name: g.vm()}, Previous: &p})
	}
	proof := func(g *stage, epoch int64) world.Proof {
		return world.Proof{World: "midgard", Epoch: epoch, At: g.now, Why: world.StopNotice, Confirmed: true, LastSave: g.now}
	}
	// vanished: the machine of boot 1 went, its loss was told, and the next is up.
	vanished := func(t *testing.T) (*stage, world.Proof) {
		g := newStage(t)
		g.toOnline()
		g.pass(3 * time.Minute)
		p := proof(g, 1)
		g.vanish()
		g.untilStatus(5*time.Minute, world.Relocating)
		g.tells(world.ChatLine, "what was done since is lost")
		g.untilStatus(5*time.Minute, world.Booting)
		g.epoch++
		g.seq = 1
		return g, p
	}
	t.Run("the loss was told", func(t *testing.T) {
		g, p := vanished(t)
		up(g, p)
		g.tells(world.ChatLine, good)
		if !g.s.Boot.LastSave.Equal(p.LastSave) {
			t.Errorf("last save: got %s, want %s", g.s.Boot.LastSave, p.LastSave)
		}
		g.pass(time.Minute)
		g.tells(world.ChatLine, good)
	})
	t.Run("after other words of its boot", func(t *testing.T) {
		g, p := vanished(t)
		g.hear(&world.StepBegun{Step: world.StepLoad})
		g.hear(&world.Listening{})
		g.tellsNot("after all")
		up(g, p)
		g.tells(world.ChatLine, good)
	})
	t.Run("once", func(t *testing.T) {
		g, p := vanished(t)
		up(g, p)
		g.vanish()
		g.untilStatus(5*time.Minute, world.Relocating)
		g.untilStatus(5*time.Minute, world.Booting)
		g.epoch++
		up(g, p) // still there: the second boot left none
		g.tells(world.ChatLine, good)
	})
	t.Run("a boot later", func(t *testing.T) {
		g, p := vanished(t)
		g.hear(&world.Heartbeat{}) // its HostUp is never heard
		g.vanish()
		g.untilStatus(5*time.Minute, world.Relocating)
		g.untilStatus(5*time.Minute, world.Booting)
		g.epoch++
		up(g, p)
		g.tells(world.ChatLine, good)
	})
	for name, change := range map[string]func(*world.Proof){
		"of another boot":  func(p *world.Proof) { p.Epoch = 0 },
		"of another world": func(p *world.Proof) { p.World = "asgard" },
		"of no save":       func(p *world.Proof) { p.Confirmed = false },
	} {
		t.Run(name, func(t *testing.T) {
			g, p := vanished(t)
			change(&p)
			up(g, p)
			g.tellsNot("after all")
		})
	}
	t.Run("there is none", func(t *testing.T) {
		g, _ := vanished(t)
		g.boot()
		g.tellsNot("after all")
	})
	t.Run("it was heard", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		p := proof(g, 1)
		g.notice()
		g.proves(world.StopNotice)
		g.vanish()
		g.untilStatus(5*time.Minute, world.Booting)
		g.epoch++
		up(g, p)
		g.tellsNot("after all")
	})
	t.Run("instead of the loss", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		p := proof(g, 1)
		g.epoch++
		up(g, p) // the machine started over, and this is the first that is heard of it
		g.tells(world.ChatLine, good)
		g.tellsNot("started over")
	})
	t.Run("after the loss", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		p := proof(g, 1)
		g.epoch++
		g.seq = 1
		g.hear(&world.Heartbeat{})
		g.tells(world.ChatLine, "started over without word of a save")
		up(g, p)
		g.tells(world.ChatLine, good)
	})
	t.Run("an evening later", func(t *testing.T) {
		g := newStage(t)
		g.toStopping()
		p := proof(g, 1)
		g.beating = false
		g.untilStatus(rules.LostAfter+2*time.Minute, world.Stopped)
		g.tells(world.ChatLine, "not proven in ten minutes")
		g.pass(20 * time.Hour)
		g.toBooting()
		g.epoch++
		up(g, p)
		g.tells(world.ChatLine, good)
	})
}

func TestListeningTells(t *testing.T) {
	g := newStage(t)
	g.toLoading()
	steps := []world.StepTook{
		{Step: world.StepLoad, Took: 31 * time.Second}, {Step: world.StepLease, Took: time.Second},
		{Step: world.StepFiles, Took: time.Millisecond}, {Step: world.StepUpdate, Took: 400 * time.Second},
		{Step: "dance", Took: time.Hour}, {Step: world.StepLoad, Took: time.Hour}, {Step: world.StepCode, Took: -time.Hour},
	}
	g.hear(&world.Listening{Steps: steps, New: true, Mended: "Midgard.db from *Midgard.db.new*"})
	g.hear(&world.Heartbeat{Listening: true, MemoryMB: 2850})
	g.tells(world.ChatLine, "**Midgard** is a new world: there was none yet, so the game has made one")
	g.tells(world.ChatKeeper, `Before the start I put right: Midgard\.db from \*Midgard\.db\.new\*. Look in`)
	got := g.say(cmd{name: world.CmdStatus, keeper: true})
	has(t, got, "Came up in: lease 1 s, update 7 min, load 31 s")
	has(t, got, "Memory: 2.9 GB")
	g.hush()
	g.say(cmd{name: world.CmdStatus})
	g.tellsNot("Came up in")
	g.tellsNot("Memory")
	if n := len(g.s.Boot.Steps); n != 5 {
		t.Errorf("steps: got %v, want the five known ones once", g.s.Boot.Steps)
	}
	g.hear(&world.Listening{})
	if !slices.ContainsFunc(g.s.Boot.Steps, func(s world.StepTook) bool { return s.Step == world.StepUpdate }) {
		t.Error("the steps of the boot are forgotten after a crash")
	}
}
