package functionapp_test

import (
	"slices"
	"testing"
	"time"

	"hearth/internal/world"
)

const monthSpent = "the month's money is spent"

// What is put out by itself, and what is not. Nobody waits for the hours here:
// times in the row are set back, and the check, every 30 s, sees to the rest.
func TestGuard(t *testing.T) {
	t.Parallel()
	evenings := []evening{
		{
			// Whoever types the password is no player yet, and the bot may not have
			// heard of them: the order to stop says "if empty", and the agent, which
			// counts who connects, does not obey it.
			name:    "idle, and somebody types the password",
			options: options{worlds: `[{"id":"midgard","name":"Midgard","idle_minutes":1,"placements":[{"id":"vmss-midgard-1","size":"Standard_D2ads_v5"}]}]`},
			play: func(r *rig) {
				r.play("Ana: /start\nwait online\nlever player_join Bo\nexpect **Bo** came in\nlever all_leave\nexpect Nobody is on")
				r.play("game speed 0.01\nlever wrong_password")
				r.until("the agent refuses", func() bool {
					_, doc := r.document()
					if doc.Status == world.Online && (doc.OnlinePlayers() != 0 || time.Since(doc.EmptySince) < time.Minute) {
						r.earlier(func(s *world.State) {
							s.Boot.Connecting = 0 // as if the agent's word of it were still on its way
							s.EmptySince = time.Now().Add(-time.Hour)
							s.Idle.Warned = s.EmptySince.Add(time.Minute)
						})
					}
					return r.said("Somebody is in **Midgard** after all") > 0
				})
				r.play("game speed 20\nexpect tried the wrong password\ngame speed 1\n" + putItOut)
			},
			says: []string{
				burning, "**Bo** came in", "**Bo** left", "letting the fire go out", "Somebody is in **Midgard** after all",
				"tried the wrong password", putOut, saved, out,
			},
			patches: []string{up1, down1},
			status:  world.Stopped,
		},
		{
			name: monthSpent,
			options: options{worlds: `[{"id":"midgard","name":"Midgard","monthly_dollars":0.5,
				"placements":[{"id":"vmss-midgard-1","size":"Standard_D2ads_v5","cents_per_hour":600,"priced_on":"2026-11-30"}]}]`},
			play: func(r *rig) {
				r.play("Ana: /start\nwait online\nexpect It is saved and goes out\nlever player_join Bo\nexpect **Bo** came in")
				r.earlier(func(s *world.State) {
					s.Bill.Counted = s.Bill.Counted.Add(-10 * time.Minute)
					s.Bill.StopAt = time.Now().Add(-time.Second)
				})
				r.play("wait stopped\nBo: /start\nexpect so I don't light it")
				r.until("the keeper is asked", func() bool { return r.saidInKeepers("Somebody wanted to light it") == 1 })
				if got := r.patches(); len(got) != 2 {
					r.t.Errorf("got updates %q, want nothing lit once the money is spent", got)
				}
				r.play("Ana: [Raise by $1.00]\nexpect Ana allowed $1.00 more\nBo: /start\nwait online\n" + putItOut)
			},
			says: []string{
				burning, "of $0.50 this month. It is saved and goes out", "**Bo** came in", "of $0.50 this month, which is the most. Saving it",
				saved, out, "so I don't light it", burning, putOut, saved, out,
			},
			keeper:  []string{"of $0.50 this month, and burns", "Ana allowed $1.00 more"}, // in place of "Somebody wanted to light it"
			patches: []string{up1, down1, up1, down1},
			status:  world.Stopped,
		},
	}
	// The bill is cut at a month's end: beside one, the ten minutes that are set
	// back would be another month's.
	if now := time.Now(); world.NextMonth(now.Add(-15*time.Minute)) != world.NextMonth(now.Add(15*time.Minute)) {
		t.Log("the month ends or has just begun: its money is not played with now")
		evenings = slices.DeleteFunc(evenings, func(e evening) bool { return e.name == monthSpent })
	}
	for _, e := range evenings {
		t.Run(e.name, e.run)
	}
}
