package agent_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"hearth/internal/agent"
	"hearth/internal/world"
)

var _ world.Snapshots = (*snapshots)(nil)

// snapshots are kept on a share that takes its time, or does not answer.
type snapshots struct {
	game *gameHost

	mu      sync.Mutex // guards what follows
	takes   time.Duration
	prunes  time.Duration
	err     error
	taken   []string // of which boot, in which life
	meant   int      // so many of them while no game had been started
	pruned  int
	begun   int // of the prunings
	aborted int // ended by the agent
}

func (s *snapshots) Take(ctx context.Context, epoch int64, boot string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.game.all())
	s.mu.Unlock()
	err := s.wait(ctx, s.takes)
	s.mu.Lock()
	s.taken = append(s.taken, fmt.Sprintf("%d %s", epoch, boot))
	if before == len(s.game.all()) {
		s.meant++
	}
	if err != nil {
		return err
	}
	return s.err
}

func (s *snapshots) Prune(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun++
	s.mu.Unlock()
	err := s.wait(ctx, s.prunes)
	s.mu.Lock()
	if err == nil {
		s.pruned++
	}
	return err
}

func (s *snapshots) wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		s.aborted++
		return ctx.Err()
	}
}

// want checks which snapshots were taken, all of them while no game wrote, and
// how often old ones were given up.
func (s *snapshots) want(t *testing.T, pruned int, taken ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.taken, taken) || s.meant != len(taken) || s.pruned != pruned {
		t.Errorf("taken %q, %d of them before the game, %d times pruned; want %q, all before it, %d times", s.taken, s.meant, s.pruned, taken, pruned)
	}
}

// TestKeeps: the files are kept before the first game of a boot, and before no
// other.
func TestKeeps(t *testing.T) {
	keeping := func(t *testing.T, name string, f func(t *testing.T, r *rig, s *snapshots)) {
		inBubble(t, name, func(t *testing.T, r *rig) {
			s := &snapshots{game: r.game}
			r.snapshots = s
			f(t, r, s)
		})
	}
	keeping(t, "once in a boot", func(t *testing.T, r *rig, s *snapshots) {
		first := r.up()
		s.want(t, 1, "1 first")
		first.end() // a crash, after which it is started again
		pass(time.Minute)
		r.server(1)
		s.want(t, 1, "1 first")
		r.want("not_kept", 0)
	})
	keeping(t, "the game waits", func(t *testing.T, r *rig, s *snapshots) {
		s.takes = 7 * time.Second
		r.start()
		pass(6 * time.Second)
		if n := len(r.game.all()); n != 0 {
			t.Fatalf("%d games before the files were kept", n)
		}
		pass(2 * time.Second)
		r.server(0)
		s.want(t, 1, "1 first")
	})
	keeping(t, "nobody waits for old ones to go", func(t *testing.T, r *rig, s *snapshots) {
		s.prunes = 30 * time.Second
		r.start()
		pass(time.Second)
		r.server(0)
		s.want(t, 0, "1 first")
		pass(30 * time.Second)
		s.want(t, 1, "1 first")
	})
	keeping(t, "no answer ends in a start, and is told", func(t *testing.T, r *rig, s *snapshots) {
		s.takes = time.Hour
		r.start()
		pass(13 * time.Second)
		r.server(0).log(opened)
		pass(5 * time.Second)
		r.want("listening", 1)
		if d := r.want("not_kept", 1)[0].Data.(*world.NotKept); d.Reason != world.SnapshotNoAnswer {
			t.Errorf("reason: got %q, want %q", d.Reason, world.SnapshotNoAnswer)
		}
		if s.begun != 0 {
			t.Error("old ones are given up, and there is no new one")
		}
		r.inOrder()
	})
	for _, tc := range []struct {
		err    error
		reason world.SnapshotReason
		pruned int
	}{
		{&world.SnapshotError{Reason: world.SnapshotDenied, Code: "AuthenticationFailed", Err: errAway}, world.SnapshotDenied, 0},
		{fmt.Errorf("take: %w", &world.SnapshotError{Reason: world.SnapshotFull, Code: "AuthenticationFailed", Err: errAway}), world.SnapshotFull, 1},
		{errAway, world.SnapshotNoAnswer, 0},
	} {
		keeping(t, "refused: "+string(tc.reason), func(t *testing.T, r *rig, s *snapshots) {
			s.err = tc.err
			first := r.up()
			d := r.want("not_kept", 1)[0].Data.(*world.NotKept)
			code := ""
			if _, ok := errors.AsType[*world.SnapshotError](tc.err); ok {
				code = "AuthenticationFailed"
			}
			if d.Reason != tc.reason || d.Code != code {
				t.Errorf("told %+v, want reason %q and code %q", d, tc.reason, code)
			}
			s.want(t, tc.pruned, "1 first")
			first.end()
			pass(time.Minute)
			r.want("not_kept", 1) // once in a boot
		})
	}
	keeping(t, "files that are not fit are kept all the same", func(t *testing.T, r *rig, s *snapshots) {
		r.files.unfit = &world.FilesError{Reason: world.FilesMissing, Detail: "no Midgard.db"}
		r.start()
		pass(time.Second)
		r.want("cannot_start", 1)
		s.want(t, 1, "1 first")
	})
}

// TestKeepsAndEnds: whoever ends the boot does not wait for snapshots.
func TestKeepsAndEnds(t *testing.T) {
	inBubble(t, "a stop while they are kept", func(t *testing.T, r *rig) {
		s := &snapshots{game: r.game, takes: time.Hour}
		r.snapshots = s
		r.start()
		pass(3 * time.Second)
		r.order(world.OrderStop, "op-1")
		pass(3 * time.Second)
		if p := r.proof(); !p.Confirmed || !p.Untouched {
			t.Errorf("proof %+v, want an untouched world", p)
		}
		if s.aborted != 1 || len(r.game.all()) != 0 {
			t.Errorf("%d given up, %d games; want one and none", s.aborted, len(r.game.all()))
		}
		r.want("not_kept", 0) // nobody's world is played on
	})
	inBubble(t, "the agent ends while old ones go", func(t *testing.T, r *rig) {
		s := &snapshots{game: r.game, prunes: time.Hour}
		r.snapshots = s
		r.up()
		r.cancel(nil)
		r.ended(5*time.Second, nil)
		s.want(t, 0, "1 first")
	})
}

// TestKeepsAfterADeath: the agent's process dies and comes back.
func TestKeepsAfterADeath(t *testing.T) {
	inBubble(t, "while the files are kept", func(t *testing.T, r *rig) {
		s := &snapshots{game: r.game, takes: 5 * time.Second}
		r.snapshots = s
		r.start()
		pass(2 * time.Second)
		r.die()
		s.want(t, 0, "1 first") // given up, or not: nobody knows
		r.start()
		pass(10 * time.Second)
		r.server(0)
		s.want(t, 1, "1 first", "1 first")
	})
	inBubble(t, "beside its game", func(t *testing.T, r *rig) {
		s := &snapshots{game: r.game, err: errAway}
		r.snapshots = s
		r.up()
		r.die()
		r.start()
		pass(time.Minute)
		if n := len(r.game.all()); n != 1 {
			t.Fatalf("%d games, want the one", n)
		}
		r.server(0).end()
		pass(time.Minute)
		r.server(1)
		s.want(t, 0, "1 first")
		r.want("not_kept", 1)
	})
	inBubble(t, "on another life of the machine", func(t *testing.T, r *rig) {
		s := &snapshots{game: r.game}
		r.snapshots = s
		r.up()
		r.cancel(agent.ErrPowerOff)
		r.ended(time.Second, agent.ErrPowerOff)
		r.life = "second"
		r.start()
		pass(2 * world.LeaseDuration)
		s.want(t, 2, "1 first", "2 second")
	})
}
