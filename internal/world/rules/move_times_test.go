package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"

	"github.com/google/go-cmp/cmp"
)

// TestMoveTimes goes through a move second by second, and reads what is
// remembered of it. The agents' clocks are ahead of the bot's by ten minutes.
func TestMoveTimes(t *testing.T) {
	const ahead = 10 * time.Minute
	for _, c := range []struct {
		name            string
		notice, proof   bool
		early           bool // the proof comes before the notice
		late            bool // it stands beside the world's files
		began           time.Duration
		hasProof, known bool
	}{
		{"notice and proof", true, true, false, false, 0, true, true},
		{"proof before notice", true, true, true, false, 0, true, true},
		{"notice without proof", true, false, false, false, 0, false, true},
		{"notice, proof beside the files", true, false, false, true, 0, true, true},
		{"no notice", false, false, false, false, 0, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newStage(t)
			g.toOnline()
			g.ahead = ahead
			g.join("1", "Bo")
			g.join("2", "Eyvind")
			from := g.s.Cloud.Placement
			began := g.now
			var want world.Move
			if c.early {
				g.proves(world.StopNotice)
			}
			if c.notice {
				g.notice()
				want.Notice = g.now.Add(ahead)
			}
			if c.proof && !c.early {
				g.pass(2 * time.Second)
				g.proves(world.StopNotice)
			}
			if c.proof {
				want.Proof = g.now.Add(ahead)
				want.Signal = want.Proof.Add(-1300 * time.Millisecond)
			}
			if g.s.Move.Began != began && c.notice {
				t.Fatalf("began: got %s, want %s", g.s.Move.Began, began)
			}
			g.vanish()
			g.until(2*time.Minute, "the loss of the machine", func() bool { return !g.s.Move.Gone.IsZero() })
			want.Gone = g.now
			if !c.notice {
				began = g.now
			}
			g.until(2*time.Minute, "asking for a machine", func() bool { return g.s.Status == world.Starting })
			want.Asked = g.now
			g.untilStatus(2*time.Minute, world.Booting)
			want.Machine = g.now
			g.pass(20 * time.Second)
			want.HostUp = g.now.Add(ahead)
			g.epoch, g.seq, g.players = g.epoch+1, 0, nil
			up := &world.HostUp{Machine: world.Machine{Name: g.vm(), Address: "203.0.113.8"}}
			if c.late {
				want.Proof = began.Add(ahead + 4*time.Second)
				up.Previous = &world.Proof{World: "midgard", Epoch: g.epoch - 1, At: want.Proof, Confirmed: true}
			}
			g.hear(up)
			g.pass(70 * time.Second)
			g.hush()
			g.hear(&world.Listening{})
			want.Online = g.now.Add(ahead)
			want.Began, want.Noticed, want.From, want.To, want.Players = began, c.notice, from, "b", []string{"Bo", "Eyvind"}
			if got := g.s.Move; !cmp.Equal(got, want) {
				t.Errorf("move (-got +want):\n%s", cmp.Diff(got, want))
			}
			took := g.now.Sub(began)
			g.tells(world.ChatLine, fmt.Sprintf("is burning. Join at `203.0.113.8:2456`. It moved in %d min %d s. **Bo** and **Eyvind**: come back in! <@1001>", int(took.Minutes()), int(took.Seconds())%60))
		})
	}
}

// TestMoveTimesOfSeveral: each move replaces the last one, and what nobody could
// play between counts as one time away.
func TestMoveTimesOfSeveral(t *testing.T) {
	g := newStage(t, "a", "b", "c")
	g.toOnline()
	g.join("1", "Bo")
	g.notice()
	first := g.now
	g.vanish()
	g.untilStatus(5*time.Minute, world.Booting)
	g.boot()
	g.vanish() // of the second machine nobody could be in
	g.until(5*time.Minute, "the second machine's end", func() bool { return g.s.Session.Evicted == 2 })
	if m := g.s.Move; m.Began != first || m.Noticed || !m.Notice.IsZero() || m.From != "b" || !m.HostUp.IsZero() || !slices.Equal(m.Players, []string{"Bo"}) {
		t.Errorf("second move: got %+v, want one without notice from b, since %s, with Bo", m, first)
	}
	g.hush()
	g.comesUp("c")
	g.tells(world.ChatLine, "It moved in ")
	g.tells(world.ChatLine, "**Bo**: come back in!")
	g.pass(time.Minute)
	g.hush()
	g.notice()
	if m := g.s.Move; m.Began != g.now || m.From != "c" || len(m.Players) != 0 || !m.Online.IsZero() {
		t.Errorf("third move: got %+v, want a new one that nobody was in", m)
	}
}

// TestMoveOfAnotherSession: a move that came to nothing ends with its session.
func TestMoveOfAnotherSession(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.notice()
	g.stop()
	g.proves(world.StopNotice)
	g.untilStatus(5*time.Minute, world.Stopped)
	if m := g.s.Move; m.Notice.IsZero() || m.Proof.IsZero() || !m.Online.IsZero() {
		t.Errorf("move: got %+v, want it kept as far as it came", m)
	}
	g.hush()
	g.toLoading()
	g.hear(&world.Listening{})
	g.tells(world.ChatLine, "is burning. Join at `203.0.113.7:2456`. <@1001>")
	g.tellsNot("moved")
}

// TestRestartIsNoMove: the machine stays, and those who were in are told when
// it is back.
func TestRestartIsNoMove(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.join("1", "Bo")
	g.hear(&world.Noticed{Kind: "Reboot"})
	g.proves(world.StopNotice)
	g.pass(50 * time.Second)
	g.boot()
	g.hear(&world.Listening{})
	g.tells(world.ChatLine, "It was away for 50 s. **Bo**: come back in! <@1001>")
	if m := g.s.Move; m.From != "a" || m.To != "a" || !m.Gone.IsZero() || m.Online.IsZero() {
		t.Errorf("move: got %+v, want it at a, and over", m)
	}
}

// TestGuests: after a move everybody who asked for this session is pinged, and
// nobody else; the line of a start pings who began it alone.
func TestGuests(t *testing.T) {
	g := newStage(t)
	ask := func(n world.CommandName, id string) { g.t.Helper(); g.say(cmd{name: n, by: by(id, "P"+id)}) }
	ask(world.CmdStart, "1")
	ask(world.CmdStart, "2")
	ask(world.CmdStatus, "3")
	g.untilStatus(2*time.Minute, world.Booting)
	g.boot()
	g.hear(&world.Listening{})
	if got := g.lastPing(); !slices.Equal(got, []string{"1"}) {
		t.Errorf("start pings %q, want who began it", got)
	}
	ask(world.CmdJoin, "4")
	ask(world.CmdJoin, "4")
	ask(world.CmdStart, "5")
	g.notice()
	ask(world.CmdStart, "6")
	g.hush()
	g.vanish()
	g.comesUp("b")
	if got, want := g.lastPing(), []string{"1", "2", "4", "5", "6"}; !slices.Equal(got, want) {
		t.Errorf("move pings %q, want %q", got, want)
	}
	for i := range 2 * world.MaxGuests {
		ask(world.CmdJoin, fmt.Sprint(100+i))
	}
	if got := g.s.Session.Guests; len(got) != world.MaxGuests || got[0] != "1" {
		t.Errorf("guests: got %q, want the first %d", got, world.MaxGuests)
	}
	g.say(cmd{name: world.CmdStop, by: by("1", "P1")})
	g.proves(world.StopOrdered)
	g.untilStatus(5*time.Minute, world.Stopped)
	ask(world.CmdJoin, "7") // of a world that is out
	ask(world.CmdStart, "8")
	if got := g.s.Session.Guests; !slices.Equal(got, []string{"8"}) {
		t.Errorf("guests of the next session: got %q, want who began it", got)
	}
}

// lastPing is whom the line with the address pings.
func (g *stage) lastPing() []string {
	g.t.Helper()
	for _, c := range slices.Backward(g.chats) {
		if strings.Contains(c.Say.Text, "is burning. Join at") {
			return c.Say.Ping
		}
	}
	g.t.Fatalf("no line with an address; said %q", g.texts())
	return nil
}
