package rules_test

import (
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// gives lets the machines of these places have this on their consoles.
func (g *stage) gives(b world.BootLog, places ...string) {
	for _, p := range places {
		g.places[p].console = &b
	}
}

func failedAt(step world.BootStep, reason string) world.BootLog {
	return world.BootLog{Step: step, Failed: true, Reason: reason}
}

// TestBootFails: the machine is given back minutes before its agent's time is
// over, another is tried once, and it burns there.
func TestBootFails(t *testing.T) {
	g := newStage(t)
	g.gives(failedAt(world.BootPackages, "E: no mirror"), "a")
	g.toBooting()
	from := g.now
	g.untilStatus(rules.ConsoleAfter+rules.CheckEvery, world.Relocating)
	if d := g.now.Sub(from); d < rules.ConsoleAfter {
		t.Errorf("read %s after the machine came, want not before %s", d, rules.ConsoleAfter)
	}
	g.tells(world.ChatLine, "🧯 The machine of **Midgard** came up but could not install what the game needs. I give it back and try once more with another.")
	g.tells(world.ChatKeeper, "at `a` gave up at `packages` (E\\: no mirror). The distribution's mirrors did not give")
	g.untilStatus(3*time.Minute, world.Booting)
	if g.s.Cloud.Placement != "b" {
		t.Errorf("the next one is at %s, want b", g.s.Cloud.Placement)
	}
	if n := g.s.Session.Evicted; n != 0 {
		t.Errorf("%d machines count as taken", n)
	}
	g.boot()
	g.hear(&world.Listening{})
	g.status(world.Online)
	if g.s.Session.Unbooted != 0 {
		t.Error("the failure counts after a boot that did not fail")
	}
}

// TestBootFailsTwice: no third machine is paid for.
func TestBootFailsTwice(t *testing.T) {
	for name, places := range map[string][]string{"two places": {"a", "b"}, "the only place": {"a"}, "three places": {"a", "b", "c"}} {
		t.Run(name, func(t *testing.T) {
			g := newStage(t, places...)
			g.gives(failedAt(world.BootStart, "mount: no route"), places...)
			g.start()
			g.untilStatus(15*time.Minute, world.Failed)
			g.noMachine()
			made := 0
			for _, p := range g.places {
				made += p.made
			}
			if made != 2 {
				t.Errorf("%d machines were made, want 2", made)
			}
			g.tells(world.ChatLine, "could not start its helper. I give it back and try once more")
			g.tells(world.ChatLine, "🌫️ **Midgard** is out: the machine came up but could not start its helper. It is given back, and the keeper knows what to do.")
			g.tells(world.ChatKeeper, "try nothing more by myself: `/start` when that is done")
			// The next start is a new one, with two machines of its own.
			g.hush()
			g.start()
			g.untilStatus(15*time.Minute, world.Failed)
			g.tells(world.ChatLine, "try once more")
		})
	}
}

// TestBootFailsEverywhere: what is wrong with the deployment costs one machine.
func TestBootFailsEverywhere(t *testing.T) {
	for _, tc := range []struct {
		log    world.BootLog
		line   string
		keeper string
		made   int
	}{
		{failedAt(world.BootChecksum, "is 12ab"), "fetched a helper that is not the right one", "is not the one that the deployment was made with: run `make deploy` again", 1},
		{failedAt(world.BootSecrets, "the vault answers 403"), "could not fetch the world's secrets", "may not read the secret `machine-midgard` in the vault yet. A new role takes some minutes", 1},
		{failedAt(world.BootSecrets, "404: SecretNotFound"), "could not fetch the world's secrets", "There is no secret `machine-midgard` in the vault", 1},
		{failedAt(world.BootAgent, "HTTP 404"), "could not fetch its helper", "is not in the container `deploy`", 2},
		{failedAt(world.BootAgent, "HTTP 403"), "could not fetch its helper", "may not read the container `deploy` yet. A new role takes some minutes", 1},
		{failedAt(world.BootIdentity, "400: the metadata service gives no token"), "got no pass from the cloud", "run `make deploy` again, which assigns the identity", 1},
		{failedAt(world.BootSecrets, "hearth-agent: the vault answers 403 (ForbiddenByRbac): x"), "could not fetch the world's secrets", "may not read the secret", 1},
		{failedAt(world.BootIdentity, "000: no token for the identity 1a403b00-0404-401c-8400-000000000403"), "got no pass from the cloud", "gave the machine no token. That passes", 2},
		{failedAt(world.BootIdentity, "timed out after 4030 ms"), "got no pass from the cloud", "gave the machine no token. That passes", 2},
		{failedAt(world.BootPackages, "404 Not Found"), "could not install what the game needs", "another region has another mirror", 2},
		{failedAt(world.BootFence, ""), "could not fence the game off", "gave up at `fence`. Its system could not set up the firewall", 2},
		{failedAt("<@1> moon`phase", "@everyone\n**x**"), "could not get ready (it stopped at `<@1> moon'phase`)", "(@\u200beveryone \\*\\*x\\*\\*). This bot does not know the step", 2},
	} {
		t.Run(string(tc.log.Step)+" "+tc.log.Reason, func(t *testing.T) {
			g := newStage(t)
			g.gives(tc.log, "a", "b")
			g.start()
			g.untilStatus(15*time.Minute, world.Failed)
			g.noMachine()
			if n := g.places["a"].made + g.places["b"].made; n != tc.made {
				t.Errorf("%d machines were made, want %d", n, tc.made)
			}
			g.tells(world.ChatLine, "is out: the machine came up but "+tc.line)
			if g.told(world.ChatKeeper, tc.keeper) != tc.made {
				t.Errorf("keeper: want %q, got %q", tc.keeper, g.texts())
			}
			if n := len(g.s.Why); n > 170 {
				t.Errorf("the reason has %d bytes: the row has no room for it", n)
			}
		})
	}
}

// TestUnheard: at the end of an agent's time the keeper is told what its machine's
// console says, and the machine goes in the same handling.
func TestUnheard(t *testing.T) {
	long := strings.Repeat("`*", 500)
	for name, tc := range map[string]struct {
		log  *world.BootLog
		want string
		late time.Duration // how much later the machine goes
	}{
		"a step without end":   {&world.BootLog{Step: world.BootPackages}, "it got as far as `packages`, and neither went on nor gave up. If it happens there again: The distribution's mirrors", 0},
		"an agent's error":     {&world.BootLog{Step: world.BootStart, Speaks: true, Said: "events not sent: 403 @here"}, "its agent runs, and its last error is: events not sent\\: 403 @\u200bhere", 0},
		"an agent without one": {&world.BootLog{Step: world.BootStart, Speaks: true}, "tells of no error: look whether the machine's identity may write into the queue `events`", 0},
		"no script":            {&world.BootLog{}, "the boot script never began", 0},
		"empty":                {&world.BootLog{Blank: true}, "Its console is empty", 0},
		"unreadable":           {&world.BootLog{Unread: "AuthorizationFailed"}, "could not be read (`AuthorizationFailed`): boot diagnostics must be on", 0},
		"very long":            {&world.BootLog{Step: "x", Speaks: true, Said: long}, "its last error is: \\`\\*", 0},
		"the answer is lost":   {nil, "could not be read (`Timeout`)", rules.CheckEvery + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			g := newStage(t)
			g.places["a"].console = tc.log
			g.toBooting()
			from := g.now
			g.untilStatus(rules.HostWithin+time.Minute, world.Stopping)
			if d := g.now.Sub(from); d < rules.HostWithin || d > rules.HostWithin+tc.late {
				t.Errorf("given back after %s, want %s and %s more at most", d, rules.HostWithin, tc.late)
			}
			g.tells(world.ChatKeeper, tc.want)
			if got := g.chats[len(g.chats)-1]; tc.log != nil && len(got.Say.Text) > 900 {
				t.Errorf("the keeper's line has %d bytes", len(got.Say.Text))
			}
			g.untilStatus(5*time.Minute, world.Failed)
			g.noMachine()
			g.tells(world.ChatLine, "its helper never spoke")
		})
	}
}

// TestConsolePace: a machine that takes long is not asked at every check, nor at
// all once its agent has spoken.
func TestConsolePace(t *testing.T) {
	g := newStage(t)
	g.gives(world.BootLog{Step: world.BootPackages}, "a")
	asked := 0
	g.looks = func(do world.CloudDo) {
		if do.Console {
			asked++
		}
	}
	g.toBooting()
	g.pass(rules.HostWithin - 10*time.Second)
	if want := int((rules.HostWithin - rules.ConsoleAfter) / rules.ConsoleEvery); asked < want-1 || asked > want {
		t.Errorf("asked %d times, want about %d", asked, want)
	}
	g.status(world.Booting)
	g.boot()
	asked = 0
	g.hear(&world.Listening{})
	g.pass(10 * time.Minute)
	if asked > 0 {
		t.Errorf("asked %d times while its agent speaks", asked)
	}
}

// TestConsoleOfAnother: what another machine has written is not this one's, and
// one whose agent has spoken is not given back for what it wrote before.
func TestConsoleOfAnother(t *testing.T) {
	report := func(g *stage, vm string) {
		g.bot(&world.CloudReport{
			Round: g.s.Cloud.Round, Placement: "a", Phase: world.CloudProgress, Seen: true, Instances: []world.Instance{{ID: g.vm()}},
			Boot: &world.BootLog{Machine: vm, Step: world.BootAgent, Failed: true, Reason: "404"},
		})
	}
	g := newStage(t)
	g.toBooting()
	report(g, "vm-a-0")
	g.status(world.Booting)
	g.boot()
	report(g, g.vm())
	g.status(world.Loading)
	g.tellsNot("gave up")
}

// TestBootFailsAfterAnOutage: what the console says needs nobody to have listened.
func TestBootFailsAfterAnOutage(t *testing.T) {
	g := newStage(t)
	g.gives(failedAt(world.BootAgent, "timed out"), "a")
	g.toBooting()
	g.deaf, g.late = true, 4*time.Minute
	g.pass(9 * time.Minute)
	g.deaf, g.late = false, 0
	g.untilStatus(2*time.Minute, world.Relocating)
}

// TestStopBeforeReading: a stop is not turned into another try.
func TestStopBeforeReading(t *testing.T) {
	g := newStage(t)
	g.gives(failedAt(world.BootPackages, "no mirror"), "a", "b")
	g.toBooting()
	g.untilStatus(rules.ConsoleAfter+rules.CheckEvery, world.Relocating)
	g.stop()
	g.untilStatus(5*time.Minute, world.Stopped)
	g.noMachine()
	if n := g.places["b"].made; n != 0 {
		t.Errorf("%d machines were made after the stop", n)
	}
}

// TestBootFailedAndSpeaks: a machine that gave up is up again by itself while it is
// being deleted.
func TestBootFailedAndSpeaks(t *testing.T) {
	g := newStage(t)
	g.gives(failedAt(world.BootPackages, "no mirror"), "a")
	g.toBooting()
	g.untilStatus(rules.ConsoleAfter+rules.CheckEvery, world.Relocating)
	g.boot()
	g.hear(&world.Listening{})
	g.status(world.Online)
	// Its deletion had begun, so the world moves, as after every eviction.
	g.untilStatus(2*time.Minute, world.Booting)
	g.boot()
	g.hear(&world.Listening{})
	g.status(world.Online)
	if g.machines() != 1 {
		t.Errorf("%d machines, want one", g.machines())
	}
}
