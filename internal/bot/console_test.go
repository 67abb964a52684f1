package bot_test

import (
	"testing"
	"time"

	"hearth/internal/bot"
	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// failing is a world whose machine is there, and whose boot ends at this step.
func (r *rig) failing(step world.BootStep, reason string, places ...string) {
	r.t.Helper()
	for _, p := range places {
		if err := r.cloud.FailBoots(p, step, reason); err != nil {
			r.t.Fatal(err)
		}
	}
	r.lit()
}

// TestBootThatFails: the channel is told the step, the keeper the reason, and the
// machine is gone minutes before its agent's time would have been over.
func TestBootThatFails(t *testing.T) {
	r := newRig(t)
	r.failing(world.BootPackages, "E: *no* mirror", "vmss-a")
	r.pass(rules.ConsoleAfter + time.Minute)
	if len(r.said("could not install what the game needs. I give it back and try once more with another")) != 1 || len(r.keeperHeard(`(E\: \*no\* mirror)`)) != 1 {
		t.Fatalf("the channel and the keeper were not told once each\n%s", r.log)
	}
	r.pass(2 * time.Minute)
	r.expect(world.Booting)
	v := r.cloud.Snapshot()
	if len(v.VMs) != 1 || v.VMs[0].Placement != "vmss-b" {
		t.Errorf("machines: got %+v, want one at vmss-b", v.VMs)
	}
}

// TestConsoleFails: a console that can't be read fails no event and keeps no machine.
func TestConsoleFails(t *testing.T) {
	for name, set := range map[string]func(*bot.Runner){
		"answers with an error": func(w *bot.Runner) { w.Console = mortalConsole{w.Console, &life{when: "console", how: failsBefore}} },
		"is read too late":      func(w *bot.Runner) { w.Console = mortalConsole{w.Console, &life{when: "console", how: failsAfter}} },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.failing(world.BootPackages, "", "vmss-a", "vmss-b") // it hangs
			r.pass(rules.HostWithin - 10*time.Second)
			r.expect(world.Booting)
			// What comes at the end of the agent's time.
			for end := r.clock.Now().Add(20 * time.Second); r.state().Status == world.Booting; r.clock.Advance(time.Second) {
				if r.clock.Now().After(end) {
					t.Fatalf("the machine is kept\n%s", r.log)
				}
				ms, err := r.events.Receive(t.Context(), 32, time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range ms {
					w := r.worker(nil)
					set(w.Runner)
					if err := w.Handle(t.Context(), m.Body, m.DequeueCount); err != nil {
						t.Fatalf("the event failed: %v", err)
					}
					if err := r.events.Delete(t.Context(), m); err != nil {
						t.Fatal(err)
					}
				}
			}
			if len(r.keeperHeard("could not be read (`Unreachable`)")) != 1 {
				t.Errorf("the keeper was not told\n%s", r.log)
			}
			r.pass(2 * time.Minute)
			r.expect(world.Failed)
			if n := len(r.cloud.Snapshot().VMs); n != 0 {
				t.Errorf("%d machines are left", n)
			}
		})
	}
}

// TestWorkerDiesOverAConsole: whoever takes the effect over reads it, and if nobody
// does, the machine goes all the same.
func TestWorkerDiesOverAConsole(t *testing.T) {
	r := newRig(t)
	r.failing(world.BootSecrets, "the vault answers 403", "vmss-a", "vmss-b")
	deaths := 0
	for end := r.clock.Now().Add(rules.HostWithin + 3*time.Minute); r.state().Status == world.Booting; r.clock.Advance(5 * time.Second) {
		if r.clock.Now().After(end) {
			t.Fatalf("the machine is kept\n%s", r.log)
		}
		ms, err := r.events.Receive(t.Context(), 32, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms {
			l := &life{when: "console", how: diesBefore}
			lived, err := l.survives(func() error { return r.worker(l).Handle(t.Context(), m.Body, m.DequeueCount) })
			if !lived {
				deaths++
				continue
			}
			if err == nil {
				err = r.events.Delete(t.Context(), m)
			}
			if err != nil {
				t.Log(err) // it comes again
			}
		}
	}
	if deaths == 0 {
		t.Fatal("nobody died over a console: this tests nothing")
	}
	r.pass(5 * time.Minute)
	r.expect(world.Failed)
	if n := len(r.cloud.Snapshot().VMs); n != 0 {
		t.Errorf("%d machines are left", n)
	}
}
