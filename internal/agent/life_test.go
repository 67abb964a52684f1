package agent_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/agent"
	"hearth/internal/valheim"
	"hearth/internal/world"
)

func TestNew(t *testing.T) {
	r := newRig(t)
	t.Run("whole", func(t *testing.T) {
		if _, err := agent.New(r.options()); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("empty", func(t *testing.T) {
		_, err := agent.New(agent.Options{})
		if err == nil {
			t.Fatal("got no error")
		}
		for _, field := range []string{"World", "Key", "Clock", "Game", "Metadata", "Lease", "Events", "Orders", "Log"} {
			if !strings.Contains(err.Error(), field) {
				t.Errorf("the error does not name %s: %v", field, err)
			}
		}
	})
	t.Run("short key", func(t *testing.T) {
		o := r.options()
		o.Key = []byte("short")
		if _, err := agent.New(o); err == nil || !strings.Contains(err.Error(), "16 bytes") {
			t.Fatalf("got %v", err)
		}
	})
}

func TestBoot(t *testing.T) {
	inBubble(t, "host up is first, listening after three seconds", func(t *testing.T, r *rig) {
		r.start()
		up := r.want("host_up", 1)[0]
		if up.ID != "midgard/1/1" || up.Data.(*world.HostUp).Machine.Name != "vm-1" {
			t.Fatalf("got %s %+v", up.ID, up.Data)
		}
		pass(9 * time.Second)
		s := r.server(0)
		s.log("Valheim version: l-1.0.16 (network version 40)", opened)
		pass(2900 * time.Millisecond)
		r.want("listening", 0)
		pass(200 * time.Millisecond)
		got := r.want("listening", 1)[0].Data.(*world.Listening)
		if got.Version != "1.0.16" || got.Took != 9*time.Second || !strings.HasSuffix(got.Line, opened) {
			t.Fatalf("got %+v", got)
		}
		pass(world.HeartbeatEvery)
		beat := r.of("heartbeat")[0].Data.(*world.Heartbeat)
		if !beat.GameUp || !beat.Listening || beat.Players == nil || beat.Machine.Address != "192.0.2.7" {
			t.Fatalf("got %+v", beat)
		}
		pass(10 * world.HeartbeatEvery)
		if n := len(r.of("heartbeat")); n != 11 {
			t.Fatalf("got %d heartbeats, want 11", n)
		}
		r.inOrder()
	})
	inBubble(t, "a damaged world opens and quits", func(_ *testing.T, r *rig) {
		r.start()
		s := r.server(0)
		s.log("World load failed mid-file. The data is damaged.", opened)
		s.end()
		pass(10 * time.Second)
		r.want("listening", 0)
		r.want("crashed", 1)
	})
	inBubble(t, "an unknown machine holds neither the game nor its events for more than ten seconds", func(t *testing.T, r *rig) {
		r.metadata.machineAway = true
		r.start()
		pass(10 * time.Second)
		r.server(0).log(opened)
		pass(4 * time.Second)
		r.want("listening", 1)
		r.inOrder()
		if up := r.heard()[0].Data.(*world.HostUp); up.Machine.Name != "" {
			t.Fatalf("got %+v", up)
		}
		r.metadata.set(func(m *metadata) { m.machineAway = false })
		pass(time.Minute)
		beats := r.of("heartbeat")
		if got := beats[len(beats)-1].Data.(*world.Heartbeat).Machine.Name; got != "vm-1" {
			t.Fatalf("got machine %q in the heartbeat", got)
		}
	})
	inBubble(t, "the first look at notices blocks nothing", func(_ *testing.T, r *rig) {
		r.metadata.firstLook = 2 * time.Minute
		r.up()
		r.notice("n1", "Preempt")
		pass(2 * time.Minute)
		r.want("save_proven", 1)
	})
	inBubble(t, "an agent runs once", func(t *testing.T, r *rig) {
		a, err := agent.New(r.options())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(agent.ErrPowerOff)
		if err := a.Run(ctx); !errors.Is(err, agent.ErrPowerOff) {
			t.Fatalf("got %v, want %v", err, agent.ErrPowerOff)
		}
		if err := a.Run(t.Context()); err == nil {
			t.Fatal("a second Run gave no error")
		}
	})
}

func TestEvents(t *testing.T) {
	inBubble(t, "players", func(t *testing.T, r *rig) {
		s := r.up()
		knock(s, 1)
		spawn(s, "Astrid", 4242)
		pass(20 * time.Second)
		beat := r.of("heartbeat")[0].Data.(*world.Heartbeat)
		if len(beat.Players) != 1 || beat.Players[0] != (world.Player{Owner: "4242", Name: "Astrid"}) {
			t.Fatalf("got roster %+v", beat.Players)
		}
		s.log("Got character ZDOID from Astrid : 0:0")
		pass(8 * time.Second)
		s.log("Got character ZDOID from Astrid : 4242:900")
		s.log(saveBegan, saveEnded)
		pass(time.Second)
		saved := time.Now()
		leaves(s, 1, 4242)
		pass(2 * world.HeartbeatEvery)
		if got, want := r.types(), "host_up listening connected spawned died saved disconnected"; got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		beats := r.of("heartbeat")
		last := beats[len(beats)-1].Data.(*world.Heartbeat)
		if len(last.Players) != 0 || last.LastSave.IsZero() || last.LastSave.After(saved) {
			t.Fatalf("got %+v", last)
		}
		if got := r.of("saved")[0].Data.(*world.Saved).Took; got != 86*time.Millisecond {
			t.Fatalf("got a save of %v", got)
		}
		r.inOrder()
	})
	inBubble(t, "a join code and a refusal", func(t *testing.T, r *rig) {
		s := r.up()
		s.log(`Session "Hearth" registered with join code 012345`)
		id := "76561198000000009"
		s.log("Got connection SteamID "+id, "Got handshake from client "+id, "Network version check, their:40, mine:40",
			"Peer "+id+" has wrong password", "RPC_Disconnect ", "Closing socket "+id)
		pass(world.HeartbeatEvery)
		if got := r.want("join_code", 1)[0].Data.(*world.JoinCode).Code; got != "012345" {
			t.Fatalf("got code %q", got)
		}
		if got := r.of("heartbeat")[0].Data.(*world.Heartbeat).JoinCode; got != "012345" {
			t.Fatalf("got code %q in the heartbeat", got)
		}
		if got := r.want("refused", 1)[0].Data.(*world.Refused); got.Reason != world.RefusedPassword {
			t.Fatalf("got %+v", got)
		}
		r.want("disconnected", 0)
	})
	inBubble(t, "no account id leaves the machine", func(t *testing.T, r *rig) {
		s := r.up()
		knock(s, 1)
		spawn(s, "Astrid", 4242)
		leaves(s, 1, 4242)
		knock(s, 2)
		s.log("Closing socket 76561198000000002", "Player Bo : 76561198000000003 is blacklisted or not in whitelist.",
			"Player Bo : Xbox_2533274800000000 is blacklisted or not in whitelist.",
			"Peer playfab/0A1B2C3D has wrong password",
			"Got character ZDOID from Bo 76561198000000004 : 4244:1")
		pass(time.Minute)
		r.want("disconnected", 2)
		r.want("refused", 3)
		for _, e := range r.want("spawned", 2)[1:] {
			if line := e.Data.(*world.Spawned).Line; strings.Contains(line, "7656119") {
				t.Errorf("got line %q", line)
			}
		}
		r.events.sent = slices.DeleteFunc(r.events.sent, func(s sent) bool {
			return strings.Contains(string(s.body), `"name":"Bo 76561198000000004"`) // a name is a name
		})
		for _, m := range r.events.sent {
			for _, secret := range []string{"7656119", "Xbox_", "25332748", "0A1B2C3D"} {
				if strings.Contains(string(m.body), secret) {
					t.Errorf("%s in %s", secret, m.body)
				}
			}
		}
	})
	inBubble(t, "hostile names and lines are cut", func(t *testing.T, r *rig) {
		s := r.up()
		spawn(s, strings.Repeat("ᚠ", 1000), 4242)
		spawn(s, "bad \xff\xfe name", 4243)
		pass(world.HeartbeatEvery)
		got := r.want("spawned", 2)
		huge, bad := got[0].Data.(*world.Spawned), got[1].Data.(*world.Spawned)
		if want := strings.Repeat("ᚠ", valheim.MaxTextRunes); huge.Player.Name != want {
			t.Errorf("got name %q", huge.Player.Name)
		}
		if n := len(huge.Line); n > agent.MaxLineBytes || n < agent.MaxLineBytes-3 || strings.Contains(huge.Line, "\uFFFD") {
			t.Errorf("got a line of %d bytes: %q", n, huge.Line)
		}
		if !strings.Contains(bad.Player.Name, "\uFFFD") || !strings.Contains(bad.Line, "\uFFFD") {
			t.Errorf("got %+v", bad)
		}
	})
}

func TestCrash(t *testing.T) {
	crash := func(s *server) {
		s.log("Caught fatal signal - signo:11 code:1 errno:0 addr:(nil)")
		s.end()
	}
	inBubble(t, "once, then again in ten minutes", func(t *testing.T, r *rig) {
		s := r.up()
		spawn(s, "Astrid", 4242)
		crash(s)
		pass(time.Second)
		first := r.want("crashed", 1)[0].Data.(*world.Crashed)
		if !first.Restarting || first.Detail == "" {
			t.Fatalf("got %+v", first)
		}
		r.want("disconnected", 1)
		s = r.server(1)
		s.log(opened)
		pass(4 * time.Second)
		r.want("listening", 2)
		s.log(saveBegan, saveEnded)
		pass(9 * time.Minute)
		crash(s)
		pass(time.Second)
		second := r.want("crashed", 2)[1].Data.(*world.Crashed)
		if second.Restarting || second.LastSave.IsZero() {
			t.Fatalf("got %+v", second)
		}
		pass(time.Minute)
		if n := len(r.game.all()); n != 2 {
			t.Fatalf("got %d processes, want 2", n)
		}
		r.order(world.OrderStop, "op-1")
		pass(3 * time.Second)
		p := r.proof()
		if p.Confirmed || p.Untouched || p.Operation != "op-1" || !p.LastSave.Equal(second.LastSave) || p.Size != 4096 {
			t.Fatalf("got %+v", p)
		}
	})
	inBubble(t, "again after more than ten minutes", func(t *testing.T, r *rig) {
		crash(r.up())
		pass(10*time.Minute + time.Second)
		crash(r.server(1))
		pass(time.Second)
		if got := r.want("crashed", 2)[1].Data.(*world.Crashed); !got.Restarting {
			t.Fatalf("got %+v", got)
		}
		r.server(2)
	})
	inBubble(t, "revived inside its container", func(t *testing.T, r *rig) {
		s := r.up()
		s.log("Caught fatal signal - signo:11 code:1 errno:0 addr:(nil)")
		pass(time.Second)
		if b := r.want("crashed", 1); len(s.kills()) != 0 {
			t.Fatalf("got %+v and a kill of what may be revived", b)
		}
		s.log(opened)
		pass(4 * time.Second)
		if got := r.want("crashed", 1)[0].Data.(*world.Crashed); !got.Restarting {
			t.Fatalf("got %+v", got)
		}
		r.want("listening", 2)
		if n := len(r.game.all()); n != 1 {
			t.Fatalf("got %d processes, want 1", n)
		}
	})
	inBubble(t, "not revived inside its container: ended, and started anew", func(t *testing.T, r *rig) {
		s := r.up()
		s.log("Caught fatal signal - signo:11 code:1 errno:0 addr:(nil)")
		pass(9 * time.Minute)
		if len(s.kills()) != 0 {
			t.Fatal("killed too early")
		}
		pass(2 * time.Minute)
		if n := len(r.game.all()); len(s.kills()) != 1 || n != 2 {
			t.Fatalf("%d kills, %d processes", len(s.kills()), n)
		}
		r.want("crashed", 1)
	})
	inBubble(t, "falls twice inside its container: ended for good", func(t *testing.T, r *rig) {
		s := r.up()
		for range 2 {
			s.log("Caught fatal signal - signo:11 code:1 errno:0 addr:(nil)")
			pass(time.Minute)
			s.log("Valheim version: l-1.0.16 (network version 40)", opened)
			pass(time.Minute)
		}
		got := r.want("crashed", 2)
		if got[1].Data.(*world.Crashed).Restarting || len(s.kills()) != 1 || len(r.game.all()) != 1 {
			t.Fatalf("got %+v, %d kills, %d processes", got[1].Data, len(s.kills()), len(r.game.all()))
		}
	})
	inBubble(t, "stopped by somebody else inside its container", func(t *testing.T, r *rig) {
		s := r.up()
		s.log("Game - OnApplicationQuit", "ZNet Shutdown", saveBegan, saveEnded, "ZNet OnDestroy")
		pass(time.Second)
		if got := r.want("crashed", 1)[0].Data.(*world.Crashed); !got.Restarting || got.Detail == "" || got.LastSave.IsZero() {
			t.Fatalf("got %+v", got)
		}
	})
	inBubble(t, "files that are not fit any more", func(t *testing.T, r *rig) {
		s := r.up()
		r.files.mu.Lock()
		r.files.unfit = &world.FilesError{Reason: world.FilesMissing, Detail: "no Midgard.db"}
		r.files.mu.Unlock()
		crash(s)
		pass(time.Second)
		r.want("cannot_start", 1)
		if n := len(r.game.all()); n != 1 {
			t.Fatalf("%d processes on files that are not fit", n)
		}
	})
	inBubble(t, "a start of which nobody knows how it went is looked into", func(t *testing.T, r *rig) {
		r.game.maybe = true
		r.start()
		pass(time.Second)
		r.order(world.OrderStop, "op-1")
		pass(10 * time.Second)
		r.want("save_proven", 0)
		pass(10 * time.Minute)
		if p := r.proof(); p.Confirmed {
			t.Fatalf("got %+v", p)
		}
		if len(r.lease.released) != 0 {
			t.Error("the lease was given back while a game may run")
		}
	})
	inBubble(t, "a start that fails is a crash", func(t *testing.T, r *rig) {
		r.game.fails = 2
		r.start()
		pass(time.Second)
		got := r.want("crashed", 2)
		if !got[0].Data.(*world.Crashed).Restarting || got[1].Data.(*world.Crashed).Restarting {
			t.Fatalf("got %+v and %+v", got[0].Data, got[1].Data)
		}
		r.cancel(nil)
		r.ended(15*time.Second, nil)
		if p := r.proof(); p.Confirmed || p.Why != world.StopAgent {
			t.Fatalf("got %+v", p)
		}
	})
}

func TestPowerOff(t *testing.T) {
	for _, c := range []struct {
		name  string
		until func(r *rig)
	}{
		{"while listening", func(r *rig) { r.up() }},
		{"while loading", func(r *rig) { r.start() }},
		{"while starting", func(r *rig) { r.game.takes = time.Hour; r.start() }},
		{"while acquiring", func(r *rig) { r.lease.occupy(r.t, time.Hour); r.start() }},
		{"while stopping", func(r *rig) {
			r.game.onStop = func(*server) {}
			r.up()
			r.order(world.OrderStop, "op-1")
			pass(3 * time.Second)
		}},
		{"while the queue is away", func(r *rig) { r.events.away = true; r.start() }},
	} {
		inBubble(t, c.name, func(t *testing.T, r *rig) {
			c.until(r)
			sent := len(r.events.sent)
			r.events.set(func(q *queue) { q.away = false })
			off := time.Now()
			r.cancel(agent.ErrPowerOff)
			r.ended(time.Minute, agent.ErrPowerOff)
			if took := time.Since(off); took != 0 {
				t.Errorf("Run took %v to return", took)
			}
			if n := len(r.events.sent) - sent; n != 0 {
				t.Errorf("got %d events after the end", n)
			}
			if len(r.lease.released) != 0 {
				t.Error("the lease was released")
			}
			for i, s := range r.game.all() {
				if !isOver(s) {
					t.Errorf("process %d still runs", i)
				}
			}
		})
	}
}

func TestPowerOffIsFinal(t *testing.T) {
	inBubble(t, "a process that can't be killed holds nothing up", func(t *testing.T, r *rig) {
		r.game.noKill = true
		s := r.up()
		r.events.set(func(q *queue) { q.away = true })
		pass(time.Minute)
		sent := len(r.events.sent)
		r.events.set(func(q *queue) { q.away = false })
		r.cancel(agent.ErrPowerOff)
		r.ended(2*time.Second, agent.ErrPowerOff)
		if n := len(r.events.sent) - sent; n != 0 {
			t.Errorf("got %d events after the end", n)
		}
		s.end()
	})
	inBubble(t, "a process that comes up afterwards is killed", func(t *testing.T, r *rig) {
		r.game.takes, r.game.deaf = 10*time.Second, true
		r.start()
		r.cancel(agent.ErrPowerOff)
		r.ended(time.Minute, agent.ErrPowerOff)
		if !isOver(r.server(0)) {
			t.Error("it still runs")
		}
	})
}

func isOver(s *server) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}
