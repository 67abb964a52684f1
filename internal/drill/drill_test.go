package drill_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/clock"
	"hearth/internal/drill"
	"hearth/internal/world"
)

// site is a world whose row is what the test says it is, by the seconds since its
// machine was taken.
type site struct {
	before  world.State
	after   func(s *world.State, seconds int) error
	refuses error

	taken time.Time
	asked int // evictions
}

func (s *site) Look(ctx context.Context) (drill.Look, error) {
	if err := ctx.Err(); err != nil {
		return drill.Look{}, err
	}
	l := drill.Look{Now: time.Now(), World: "Midgard", State: s.before.Clone()}
	if s.taken.IsZero() {
		return l, nil
	}
	err := s.after(&l.State, int(time.Since(s.taken)/time.Second))
	return l, err
}

func (s *site) Evict(context.Context, world.State) error {
	s.asked++
	s.taken = time.Now()
	return s.refuses
}

// burning is a world with so many people in it; -1: nobody knows.
func burning(players int) world.State {
	s := world.NewState("midgard")
	s.Status, s.Cloud = world.Online, world.Cloud{Placement: "vmss-a", VM: "vmss-a_1", Want: 1}
	s.Boot = world.Boot{Up: true, Known: players >= 0}
	for range players {
		s.Boot.Players = append(s.Boot.Players, world.Player{Name: "Bo"})
	}
	return s
}

func TestRun(t *testing.T) {
	asleep, unknown := world.NewState("midgard"), burning(0)
	unknown.Cloud.VM = ""
	for _, tt := range []struct {
		name   string
		before world.State
		after  func(s *world.State, seconds int) error
		no     bool // whoever is asked does not agree
		refuse error
		stop   time.Duration // the program is ended then; 0: it is not
		want   drill.Outcome
		out    []string // in this order
		err    string
		asked  int           // how often somebody had to agree
		taken  int           // machines
		took   time.Duration // at most
	}{
		{name: "out", before: asleep, err: "Midgard is stopped, so there is nothing to try"},
		{name: "no machine known", before: unknown, err: "not known yet"},
		{name: "one plays", before: burning(1), no: true, asked: 1, want: drill.Left, out: []string{"Somebody is in Midgard", "Nothing was done"}},
		{name: "two play", before: burning(2), no: true, asked: 1, want: drill.Left, out: []string{"2 people are in Midgard"}},
		{name: "nobody knows", before: burning(-1), no: true, asked: 1, want: drill.Left, out: []string{"Nobody can tell who is in Midgard"}},
		{name: "refused", before: burning(0), refuse: errors.New("Azure does not"), taken: 1, err: "Azure does not"},
		{
			name: "back", before: burning(1), asked: 1, taken: 1, want: drill.Back, took: 61 * time.Second,
			after: func(s *world.State, seconds int) error {
				if seconds >= 3 {
					s.Status, s.Move = world.Relocating, world.Move{Began: time.Now().Truncate(time.Hour), To: "vmss-b"}
					s.Move.Notice = s.Move.Began
				}
				if seconds >= 60 {
					s.Status, s.Move.Online = world.Online, s.Move.Notice.Add(50*time.Second)
				}
				return nil
			},
			out: []string{"The cloud takes vmss-a_1, the machine of Midgard at vmss-a.", "the machine hears of it", "people can be in", "Back after"},
		},
		{
			name: "back, in a row that knows an older move", before: moved(burning(0)), taken: 1, want: drill.Failed, took: drill.DefaultWithin + time.Second,
			after: func(*world.State, int) error { return nil },
			out:   []string{"The cloud takes"}, err: "Midgard is not back after 15m0s; it is online",
		},
		{
			name: "failed", before: burning(0), taken: 1, took: 6 * time.Second,
			after: func(s *world.State, seconds int) error {
				if seconds >= 5 {
					s.Status, s.Why = world.Failed, "no machine anywhere"
				}
				return nil
			},
			out: []string{"The cloud takes"}, err: "did not come back: no machine anywhere",
		},
		{
			name: "stopped meanwhile", before: burning(0), taken: 1, took: time.Second,
			after: func(s *world.State, _ int) error { s.Status = world.Stopped; return nil },
			out:   []string{"The cloud takes"}, err: "somebody stopped it meanwhile",
		},
		{
			name: "ended early", before: burning(0), taken: 1, stop: 5 * time.Second, took: 6 * time.Second,
			after: func(*world.State, int) error { return nil },
			out:   []string{"The cloud takes", "The eviction goes on by itself"},
		},
		{
			name: "blind for a while", before: burning(0), taken: 1, want: drill.Back, took: 52 * time.Second,
			after: func(s *world.State, seconds int) error {
				if seconds < 50 {
					return errors.New("no row")
				}
				s.Move = world.Move{Began: time.Now(), Online: time.Now()}
				return nil
			},
			out: []string{"The cloud takes", "people can be in"},
		},
		{
			name: "blind for good", before: burning(0), taken: 1, took: 62 * time.Second,
			after: func(*world.State, int) error { return errors.New("no row") },
			out:   []string{"The cloud takes"}, err: "no row. The eviction goes on by itself",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &site{before: tt.before, after: tt.after, refuses: tt.refuse}
				var out, trouble strings.Builder
				asked := 0
				d := drill.Drill{Site: s, Clock: clock.System{}, Out: &out, Err: &trouble, Agree: func() bool { asked++; return !tt.no }}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.stop > 0 {
					time.AfterFunc(tt.stop, cancel)
				}
				began := time.Now()
				if got := d.Run(ctx); got != tt.want {
					t.Errorf("got outcome %d, want %d", got, tt.want)
				}
				if took := time.Since(began); took > tt.took {
					t.Errorf("it took %s, want %s at most", took, tt.took)
				}
				if asked != tt.asked || s.asked != tt.taken {
					t.Errorf("%d were asked and %d machines taken, want %d and %d", asked, s.asked, tt.asked, tt.taken)
				}
				rest := out.String()
				for _, want := range tt.out {
					_, after, ok := strings.Cut(rest, want)
					if !ok {
						t.Errorf("got\n%s\nwant %q in it", out.String(), want)
					}
					rest = after
				}
				if got := trouble.String(); !strings.Contains(got, tt.err) || (got == "") != (tt.err == "") {
					t.Errorf("got trouble %q, want %q", got, tt.err)
				}
			})
		})
	}
}

// moved has had a move before.
func moved(s world.State) world.State {
	at := time.Date(2026, 11, 1, 20, 0, 0, 0, time.UTC)
	s.Move = world.Move{Began: at, Notice: at, Online: at.Add(time.Minute)}
	return s
}

// The steps of a move, with what is missing left out and clocks that differ.
func TestTimeline(t *testing.T) {
	asked := time.Date(2026, 11, 30, 20, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return asked.Add(time.Duration(s * float64(time.Second))) }
	whole := world.Move{
		Began: at(1.1), Noticed: true, From: "vmss-a", To: "vmss-b", Notice: at(1), Signal: at(1.2), Proof: at(2.7),
		Gone: at(8), Asked: at(14), Machine: at(49), HostUp: at(95), Online: at(130),
	}
	skewed := whole
	skewed.Notice, skewed.Signal = at(-1), at(-0.8) // the machine's clock is behind the keeper's
	vanished := world.Move{Began: at(50), From: "vmss-a", To: "vmss-b", Gone: at(50), Asked: at(56), Machine: at(90)}
	heard := world.Move{Began: at(8), To: "vmss-b", Gone: at(8), Asked: at(14), Machine: at(19), HostUp: at(16), Online: at(20)}
	for _, tt := range []struct {
		name string
		move world.Move
		want string
		sum  string
		back bool
	}{
		{
			name: "whole", move: whole, back: true,
			want: `    0.0 s  the eviction is asked for
    1.0 s  the machine hears of it                    1.0 s of the cloud
    1.2 s  the game is told to stop                   0.2 s of Hearth
    2.7 s  the save is proven                         1.5 s of the game
    8.0 s  the old machine is gone                    5.3 s of the cloud
   14.0 s  a new one is asked for at vmss-b           6.0 s of Hearth
   49.0 s  it is there                                35.0 s of the cloud
   95.0 s  its agent is up                            46.0 s of the cloud
  130.0 s  people can be in                           35.0 s of the game`,
			sum: "Back after 130.0 s: 87.3 s of the cloud, 36.5 s of the game, 6.2 s of Hearth.",
		},
		{
			name: "clocks differ", move: skewed, back: true,
			want: `    0.0 s  the eviction is asked for
    0.0 s  the machine hears of it                    0.0 s of the cloud
    0.0 s  the game is told to stop                   0.0 s of Hearth
    2.7 s  the save is proven                         2.7 s of the game
    8.0 s  the old machine is gone                    5.3 s of the cloud
   14.0 s  a new one is asked for at vmss-b           6.0 s of Hearth
   49.0 s  it is there                                35.0 s of the cloud
   95.0 s  its agent is up                            46.0 s of the cloud
  130.0 s  people can be in                           35.0 s of the game`,
			sum: "Back after 130.0 s: 86.3 s of the cloud, 37.7 s of the game, 6.0 s of Hearth.",
		},
		{
			name: "the agent was heard before the machine was seen", move: heard, back: true,
			want: `    0.0 s  the eviction is asked for
    8.0 s  the old machine is gone                    8.0 s of the cloud
   14.0 s  a new one is asked for at vmss-b           6.0 s of Hearth
   16.0 s  it is there                                2.0 s of the cloud
   16.0 s  its agent is up                            0.0 s of the cloud
   20.0 s  people can be in                           4.0 s of the game`,
			sum: "Back after 20.0 s: 10.0 s of the cloud, 4.0 s of the game, 6.0 s of Hearth.",
		},
		{
			name: "vanished, and still on its way", move: vanished,
			want: `    0.0 s  the eviction is asked for
   50.0 s  the old machine is gone                    50.0 s of the cloud
   56.0 s  a new one is asked for at vmss-b           6.0 s of Hearth
   90.0 s  it is there                                34.0 s of the cloud`,
			sum: "Back after 90.0 s: 84.0 s of the cloud, 0.0 s of the game, 6.0 s of Hearth.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := drill.Of(asked, tt.move)
			var lines []string
			for _, s := range got.Steps {
				lines = append(lines, s.String())
			}
			if text := strings.Join(lines, "\n"); text != tt.want || got.Sum() != tt.sum || got.Back() != tt.back {
				t.Errorf("got\n%s\n%s\nwant\n%s\n%s", text, got.Sum(), tt.want, tt.sum)
			}
		})
	}
}
