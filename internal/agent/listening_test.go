package agent_test

import (
	"testing"
	"time"

	"hearth/internal/world"
)

// TestListeningWaitsForTheJoinCode: players of a crossplay server join by
// code, so it is not called up without one, unless the code takes too long.
func TestListeningWaitsForTheJoinCode(t *testing.T) {
	const crossplay = "Opened PlayFab server"
	const registered = `Session "Midgard" registered with join code 034505`
	inBubble(t, "code comes", func(t *testing.T, r *rig) {
		r.start()
		s := r.server(0)
		s.log(crossplay)
		pass(10 * time.Second)
		r.want("listening", 0)
		s.log(registered)
		pass(2 * time.Second)
		r.want("listening", 0)
		pass(2 * time.Second)
		r.want("listening", 1)
		if got := r.want("join_code", 1)[0].Data.(*world.JoinCode).Code; got != "034505" {
			t.Errorf("got code %q, want 034505", got)
		}
	})
	inBubble(t, "code never comes", func(_ *testing.T, r *rig) {
		r.start()
		r.server(0).log(crossplay)
		pass(29 * time.Second)
		r.want("listening", 0)
		pass(2 * time.Second)
		r.want("listening", 1)
	})
}
