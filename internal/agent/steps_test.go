package agent_test

import (
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
)

// TestSteps: each step of a boot is told when it begins, and how long all took
// when it is over.
func TestSteps(t *testing.T) {
	inBubble(t, "an update, and a join code", func(t *testing.T, r *rig) {
		r.files.state = world.FilesState{New: true, Mended: "Midgard.db from Midgard.db.old"}
		r.game.steps = []world.Step{world.StepImage, world.StepContainer}
		r.game.takes = 10 * time.Second
		r.start()
		pass(20 * time.Second)
		s := r.server(0)
		s.script("Downloading/updating/validating Valheim server from Steam")
		pass(time.Minute)
		s.script("Valheim Server is already the latest version")
		s.log("Valheim version: l-1.0.16 (network version 40)")
		pass(30 * time.Second)
		s.log("Opened PlayFab server")
		pass(5 * time.Second)
		s.log(`Session "Midgard" registered with join code 034505`)
		pass(10 * time.Second)
		var told []string
		for _, e := range r.of("step_begun") {
			told = append(told, string(e.Data.(*world.StepBegun).Step))
		}
		if got, want := strings.Join(told, " "), "files image container load update load code"; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
		l := r.want("listening", 1)[0].Data.(*world.Listening)
		took := map[world.Step]time.Duration{}
		for _, s := range l.Steps {
			took[s.Step] += s.Took
		}
		for step, want := range map[world.Step]time.Duration{
			world.StepContainer: 10 * time.Second, world.StepUpdate: time.Minute, world.StepCode: 8 * time.Second,
		} {
			if d := took[step]; d < want-time.Second || d > want+time.Second {
				t.Errorf("%s took %v, want about %v: %v", step, d, want, l.Steps)
			}
		}
		if !l.New || l.Mended == "" {
			t.Errorf("listening %+v, want it new and mended", l)
		}
	})
	inBubble(t, "a second start has no steps", func(t *testing.T, r *rig) {
		s := r.up()
		before := len(r.of("step_begun"))
		s.end()
		pass(time.Second)
		r.server(1).log(opened)
		pass(5 * time.Second)
		if n := len(r.of("step_begun")); n != before {
			t.Errorf("%d steps more after a crash", n-before)
		}
		if l := r.want("listening", 2)[1].Data.(*world.Listening); len(l.Steps) != 0 || l.New {
			t.Errorf("listening %+v", l)
		}
	})
}

// TestUnfit: no game starts on files that are not fit.
func TestUnfit(t *testing.T) {
	for _, c := range []struct {
		reason world.FilesReason
		after  time.Duration // it is looked for so long
	}{
		{world.FilesMissing, 0},
		{world.FilesOther, 0},
		{world.FilesNotMounted, time.Minute},
		{world.FilesUnreadable, time.Minute},
	} {
		inBubble(t, string(c.reason), func(t *testing.T, r *rig) {
			r.files.unfit = &world.FilesError{Reason: c.reason, Detail: "no Midgard.db in /srv/midgard"}
			r.start()
			pass(c.after/2 + time.Second)
			if c.after > 0 {
				r.want("cannot_start", 0)
			}
			pass(c.after)
			got := r.want("cannot_start", 1)[0].Data.(*world.CannotStart)
			if got.Reason != c.reason || got.Detail == "" {
				t.Errorf("got %+v", got)
			}
			if len(r.game.all()) != 0 {
				t.Error("a game was started")
			}
			r.order(world.OrderStop, "op-1")
			pass(3 * time.Second)
			if p := r.proof(); !p.Untouched || !p.Confirmed || p.Operation != "op-1" {
				t.Errorf("proof %+v", p)
			}
			if r.files.proof != nil || r.files.synced != 0 {
				t.Error("wrote to files that are not fit")
			}
		})
	}
	inBubble(t, "a share that comes late", func(_ *testing.T, r *rig) {
		r.files.unfit = &world.FilesError{Reason: world.FilesNotMounted, Detail: "not yet"}
		r.start()
		pass(12 * time.Second)
		r.files.mu.Lock()
		r.files.unfit = nil
		r.files.mu.Unlock()
		pass(10 * time.Second)
		r.server(0)
		r.want("cannot_start", 0)
	})
}

// TestProofBeside: how a boot ended stands beside the world, and the next tells it.
func TestProofBeside(t *testing.T) {
	inBubble(t, "left and told", func(t *testing.T, r *rig) {
		r.up()
		r.order(world.OrderStop, "op-1")
		pass(5 * time.Second)
		p := r.files.proof
		if p == nil || p.World != midgard || p.Epoch != 1 || !p.Confirmed || p.Why != world.StopOrdered || p.Size != 4096 || p.LastSave.IsZero() {
			t.Fatalf("left %+v", p)
		}
		if len(r.lease.released) != 1 {
			t.Error("the lease was not given back")
		}
		r.cancel(nil)
		r.ended(time.Second, nil)
		r.life = "second"
		r.start()
		pass(time.Second)
		up := r.want("host_up", 2)[1].Data.(*world.HostUp)
		if up.Epoch != 2 || up.Previous == nil || up.Previous.Epoch != 1 || !up.Previous.Confirmed || !up.Previous.At.Equal(p.At) {
			t.Errorf("host up %+v with %+v, want %+v", up, up.Previous, p)
		}
	})
	inBubble(t, "another world's is not told", func(t *testing.T, r *rig) {
		r.files.proof = &world.Proof{World: "asgard", Epoch: 7}
		r.up()
		if up := r.want("host_up", 1)[0].Data.(*world.HostUp); up.Previous != nil {
			t.Errorf("host up with %+v", up.Previous)
		}
	})
	inBubble(t, "one that can't be left delays the lease, and nothing else", func(t *testing.T, r *rig) {
		r.files.noProof = errAway
		r.up()
		r.order(world.OrderStop, "op-1")
		pass(5 * time.Second)
		if p := r.proof(); !p.Confirmed {
			t.Errorf("proof %+v", p)
		}
		if len(r.lease.released) != 1 {
			t.Error("the lease was not given back")
		}
	})
}

// TestEscalated: a game that was ended by force is told so.
func TestEscalated(t *testing.T) {
	inBubble(t, "SIGKILL", func(t *testing.T, r *rig) {
		r.game.onStop = func(s *server) {
			s.log("Game - OnApplicationQuit", saveBegan)
			<-time.After(time.Second)
			s.log(saveEnded)
			s.script("Timeout while waiting for server to shut down - sending SIGKILL")
			<-time.After(time.Second)
			s.end()
		}
		r.up()
		r.order(world.OrderStop, "op-1")
		pass(5 * time.Second)
		if p := r.proof(); p.Confirmed {
			t.Errorf("proof %+v, want it not confirmed", p)
		}
	})
}

// TestLogTail: the last lines, without account ids, as many as fit.
func TestLogTail(t *testing.T) {
	inBubble(t, "", func(t *testing.T, r *rig) {
		s := r.up()
		for i := range 300 {
			s.log(strings.Repeat("x", 10*i))
		}
		s.log("Got connection SteamID 76561198000000042")
		pass(time.Second)
		tail := func(op string, n int) []string {
			t.Helper()
			r.send(world.Order{Kind: world.OrderLogTail, World: midgard, Operation: op, Epoch: r.lease.epoch(), Issued: time.Now(), Lines: n})
			pass(3 * time.Second)
			all := r.of("log_tail")
			last := all[len(all)-1].Data.(*world.LogTail)
			if last.Operation != op {
				t.Fatalf("got %+v", last)
			}
			return last.Lines
		}
		got := tail("op-1", 3)
		if len(got) != 3 || strings.Contains(strings.Join(got, " "), "76561198000000042") || !strings.HasSuffix(got[2], "Got connection SteamID (id)") {
			t.Errorf("got %q", got)
		}
		if got := tail("op-2", 100); len(got) < 60 || len(got) > 100 || !strings.HasSuffix(got[len(got)-1], "(id)") {
			t.Errorf("got %d lines", len(got))
		}
		if got := tail("op-3", 0); len(got) != 1 {
			t.Errorf("got %d lines for none", len(got))
		}
		if got := tail("op-4", 5000); len(got) > world.MaxTailLines {
			t.Errorf("got %d lines", len(got))
		}
		if r.orders.waiting() != 0 {
			t.Error("an order was not deleted")
		}
	})
}
