package agent_test

import (
	"testing"
	"time"

	"hearth/internal/world"
)

// TestHungShare: a share that hangs does not keep the cloud, nor the news, waiting.
func TestHungShare(t *testing.T) {
	check := func(t *testing.T, r *rig, since time.Time) {
		t.Helper()
		p := r.proof()
		if p.Confirmed || p.LastSave.IsZero() {
			t.Errorf("proof %+v, want it unconfirmed, and when the last save was", p)
		}
		acks := r.metadata.acks()
		if len(acks) != 1 || acks[0].at.Sub(since) > 8*time.Second {
			t.Errorf("acknowledged %+v, want once within 8 s of %v", acks, since)
		}
	}
	inBubble(t, "from the start", func(t *testing.T, r *rig) {
		r.files.hangs = true
		r.up()
		since := time.Now()
		r.notice("n-1", "Preempt")
		pass(10 * time.Second)
		check(t, r, since)
	})
	inBubble(t, "while it stops for an order", func(t *testing.T, r *rig) {
		r.files.hangs = true
		r.up()
		r.order(world.OrderStop, "op-1")
		pass(20 * time.Second)
		r.want("save_proven", 0)
		since := time.Now()
		r.notice("n-1", "Preempt")
		pass(10 * time.Second)
		check(t, r, since)
	})
}

// TestOldRebootAgain: an event that was over when the boot began is over for the
// next process, too.
func TestOldRebootAgain(t *testing.T) {
	inBubble(t, "", func(t *testing.T, r *rig) {
		r.metadata.set(func(m *metadata) {
			m.list = []world.Notice{{ID: "n-1", Kind: "Reboot", Started: true}}
		})
		s := r.up()
		pass(time.Minute)
		r.die()
		pass(time.Second)
		r.start()
		pass(time.Minute)
		if len(s.stops()) != 0 || len(s.kills()) != 0 {
			t.Errorf("%d stops, %d kills for a reboot that is over", len(s.stops()), len(s.kills()))
		}
	})
}

// TestNoAccounts: nothing that tells an account or an address leaves the machine.
func TestNoAccounts(t *testing.T) {
	inBubble(t, "", func(t *testing.T, r *rig) {
		s := r.up()
		lines := map[string]string{
			"PlayFab listen socket child connected to remote player E0B9AF0D1A2B3C4D":                         "PlayFab listen socket child connected to remote player (id)",
			"Player history entry with index 0:  Bo (Steam_76561198000000001, E0B9AF0D1A2B3C4D)":              "Player history entry with index 0:  Bo ((id), (id))",
			"PlayFab socket with remote ID playfab/E0B9AF0D1A2B3C4D received local Platform ID Xbox_25354000": "PlayFab socket with remote ID (id) received local Platform ID (id)",
			"[Mod] user steam_76561198000000001 joined":                                                       "[Mod] user (id) joined",
			"[Mod] SteamID76561198000000001":                                                                  "[Mod] SteamID(id)",
			"ServerSync peer id_76561198000000001":                                                            "ServerSync peer id_(id)",
			"Adding admin V_76561198000000001 PlayStation_aa-bb":                                              "Adding admin V_(id) (id)",
			"Player connected from 203.0.113.55:1234 and 2001:db8:0:0:1::7":                                   "Player connected from (id):1234 and (id)",
			"Valheim version: l-1.0.16 (network version 40) at 18:00:00":                                      "Valheim version: l-1.0.16 (network version 40) at 18:00:00",
			"Destroying abandoned non persistent zdo 7:8 owner -3738881258":                                   "Destroying abandoned non persistent zdo 7:8 owner -3738881258",
			"Time 692882.977320414, day:384    nextm:693270  skipspeed:32.2":                                  "Time 692882.977320414, day:384    nextm:693270  skipspeed:32.2",
		}
		for line := range lines {
			s.script(line)
		}
		pass(time.Second)
		r.send(world.Order{Kind: world.OrderLogTail, World: midgard, Operation: "op-1", Epoch: 1, Issued: time.Now(), Lines: len(lines)})
		pass(3 * time.Second)
		got := map[string]bool{}
		for _, l := range r.want("log_tail", 1)[0].Data.(*world.LogTail).Lines {
			const begin = "INFO - "
			for i := range len(l) - len(begin) {
				if l[i:i+len(begin)] == begin {
					got[l[i+len(begin):]] = true
				}
			}
		}
		for line, want := range lines {
			if !got[want] {
				t.Errorf("%q: want %q among %v", line, want, got)
			}
		}
	})
}
