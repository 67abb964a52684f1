package simgame_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simgame"
	"hearth/internal/valheim"
)

// table is a running game in a bubble, and a reader of its log.
type table struct {
	t         *testing.T
	commands  chan string
	interrupt chan struct{}
	kill      context.CancelFunc
	done      chan error

	mu  sync.Mutex // guards what follows
	log bytes.Buffer
	at  int // how much of log was read

	reader *valheim.Reader
	proof  valheim.Proof
	seen   []valheim.Happening
}

// Write implements io.Writer for the game.
func (g *table) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.log.Write(p)
}

func play(t *testing.T, o simgame.Options) *table {
	t.Helper()
	g := &table{
		t: t, commands: make(chan string), interrupt: make(chan struct{}),
		done: make(chan error, 1), reader: valheim.NewReader(),
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Seed == 0 {
		o.Seed = 7
	}
	o.Clock, o.Out = clock.System{}, g
	ctx, kill := context.WithCancel(t.Context())
	g.kill = kill
	go func() { g.done <- simgame.Run(ctx, o, g.commands, g.interrupt) }()
	synctest.Wait()
	return g
}

// pass lets time pass and returns what the log told since the last call.
func (g *table) pass(d time.Duration) []valheim.Happening {
	time.Sleep(d) // the bubble's clock
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	text := g.log.String()
	var out []valheim.Happening
	for line := range strings.Lines(text[g.at:]) {
		for _, h := range g.reader.Read(strings.TrimSuffix(line, "\n")) {
			g.proof.See(h)
			out = append(out, h)
		}
	}
	g.at = len(text)
	g.seen = append(g.seen, out...)
	return out
}

func (g *table) tell(command string) {
	g.commands <- command
	synctest.Wait()
}

// end interrupts the game and returns what it said then.
func (g *table) end() []valheim.Happening {
	g.t.Helper()
	close(g.interrupt)
	out := g.pass(10 * time.Second)
	select {
	case err := <-g.done:
		if err != nil {
			g.t.Errorf("the game ended with %v", err)
		}
	default:
		g.t.Error("the game did not end")
	}
	return out
}

func (g *table) names() []string {
	var names []string
	for _, p := range g.reader.Roster().Players {
		names = append(names, p.Name)
	}
	return names
}

// summary is each happening in a word or two; counts and saves come by
// themselves and are left out.
func summary(hs []valheim.Happening) []string {
	var out []string
	for _, h := range hs {
		switch h.Kind {
		case valheim.Counted, valheim.SaveStarted, valheim.Saved:
			continue
		default:
		}
		word := string(h.Kind)
		for _, more := range []string{h.Player.Name, h.Reason, string(h.Refusal), h.Detail} {
			if more != "" {
				word += " " + more
			}
		}
		out = append(out, word)
	}
	return out
}

func want(t *testing.T, got []valheim.Happening, want ...string) {
	t.Helper()
	if g := summary(got); !slices.Equal(g, want) {
		t.Errorf("got %q, want %q", g, want)
	}
}

// TestCommands: what every command writes, in every form, is read back as
// exactly what was asked for.
func TestCommands(t *testing.T) {
	const soon = 30 * time.Second // longer than any join takes
	steps := []struct {
		command string
		want    []string
		on      []string
	}{
		{"join Astrid", []string{"connecting", "connected", "spawned Astrid"}, []string{"Astrid"}},
		{"join Erik : the Red", []string{"connecting", "connected", "spawned Erik : the Red"}, []string{"Astrid", "Erik : the Red"}},
		{"join Astrid", []string{"connecting", "connected", "spawned Astrid"}, []string{"Astrid", "Erik : the Red", "Astrid"}},
		{"join Loki wrong-password", []string{"connecting", "refused password password"}, []string{"Astrid", "Erik : the Red", "Astrid"}},
		{"join Loki old-version", []string{"connecting", "refused version version"}, []string{"Astrid", "Erik : the Red", "Astrid"}},
		{"join Loki full", []string{"connecting", "refused full full"}, []string{"Astrid", "Erik : the Red", "Astrid"}},
		{"join Loki banned", []string{"connecting", "refused Loki banned list"}, []string{"Astrid", "Erik : the Red", "Astrid"}},
		{"die Erik : the Red", []string{"died Erik : the Red", "respawned Erik : the Red"}, []string{"Astrid", "Erik : the Red", "Astrid"}},
		{"leave Astrid", []string{"disconnected Astrid left"}, []string{"Erik : the Red", "Astrid"}},
		{"timeout Erik : the Red", []string{"disconnected Erik : the Red timeout"}, []string{"Astrid"}},
		{"raid army_bonemass", []string{"raid army_bonemass"}, []string{"Astrid"}},
		{"sleep", []string{"day"}, []string{"Astrid"}},
		{"dance wildly", nil, []string{"Astrid"}},
		{"leave 01/02/2026 10:00:00: Opened Steam server", nil, []string{"Astrid"}},
		{"die Nobody", nil, []string{"Astrid"}},
		{"raid Game - OnApplicationQuit", nil, []string{"Astrid"}},
		{"never-listen", nil, []string{"Astrid"}},
		{"join " + strings.Repeat("x", 65), nil, []string{"Astrid"}},
		{"", nil, []string{"Astrid"}},
		{"join Frida", []string{"connecting", "connected", "spawned Frida"}, []string{"Astrid", "Frida"}},
		{"leave-all", []string{"disconnected Astrid left", "disconnected Frida left"}, nil},
	}
	for _, form := range simgame.Forms() {
		t.Run(string(form), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := play(t, simgame.Options{Form: form, LoadFor: 40 * time.Second, Password: "hunter22", ServerName: `Odin "one-eyed"`})
				want(t, g.pass(39*time.Second), "version")
				ready := []string{"listening"}
				if form == simgame.Crossplay10 {
					ready = append(ready, "join_code")
				}
				want(t, g.pass(10*time.Second), ready...)
				for _, step := range steps {
					g.tell(step.command)
					want(t, g.pass(soon), step.want...)
					if !slices.Equal(g.names(), step.on) {
						t.Fatalf("after %q %q are on, want %q", step.command, g.names(), step.on)
					}
					if n := g.reader.Roster().Connecting; n != 0 {
						t.Fatalf("after %q %d are connecting", step.command, n)
					}
				}
				// A reader does without these; a person looks for them.
				if n := strings.Count(g.log.String(), "RPC_Disconnect"); n != 7 {
					t.Errorf("%d goodbyes, want one for each leave and refusal", n)
				}
				g.proof.Request()
				want(t, g.end(), "stopping", "stopped")
				if !g.proof.Saved() {
					t.Error("the stop has no proof of a save")
				}
			})
		})
	}
}

// TestServerCounts: the server's own count agrees with the roster, and it
// saves by itself.
func TestServerCounts(t *testing.T) {
	for _, form := range simgame.Forms() {
		t.Run(string(form), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := play(t, simgame.Options{Form: form, SaveEvery: 15 * time.Minute})
				g.pass(10 * time.Second)
				for i := range 12 { // two more than the server takes
					g.tell(fmt.Sprintf("join Viking %d", i))
					g.pass(time.Minute)
				}
				if n := len(g.names()); n != 10 {
					t.Errorf("%d are on, want 10", n)
				}
				var counts, saves, refused int
				for _, h := range append(g.seen, g.pass(time.Hour)...) {
					switch h.Kind {
					case valheim.Counted:
						counts++
					case valheim.Saved:
						saves++
					case valheim.Refused:
						refused++
					default:
					}
				}
				if n := len(g.names()); n != 10 {
					t.Errorf("%d are on after an hour, want 10", n)
				}
				if counts < 6 || saves < 4 || refused != 2 {
					t.Errorf("%d counts, %d saves, %d refused; want at least 6, 4, and 2", counts, saves, refused)
				}
				g.end()
			})
		})
	}
}

// TestSaveAndKill: a killed game keeps what was saved, and nothing else.
func TestSaveAndKill(t *testing.T) {
	for _, form := range simgame.Forms() {
		t.Run(string(form), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := simgame.Options{Form: form, Dir: t.TempDir()}
				g := play(t, o)
				g.pass(10 * time.Second)
				g.tell("join Astrid")
				g.pass(time.Minute)
				g.tell("save")
				g.tell("die Astrid") // after the world was copied
				g.pass(10 * time.Second)
				g.tell("join Erik")
				g.pass(time.Minute)
				g.tell("save")
				g.kill() // while it saves
				if err := <-g.done; !errors.Is(err, context.Canceled) {
					t.Errorf("killed: got %v", err)
				}
				w, err := simgame.ReadWorld(o.Dir, simgame.DefaultWorld)
				if err != nil {
					t.Fatal(err)
				}
				if _, ok := w.Players["Astrid"]; !ok || len(w.Players) != 1 || w.Saves != 1 || w.Players["Astrid"].Deaths != 0 {
					t.Errorf("saved %+v, want Astrid alone and alive in save 1", w)
				}
				g = play(t, o)
				g.pass(10 * time.Second)
				g.end()
				w, err = simgame.ReadWorld(o.Dir, simgame.DefaultWorld)
				if err != nil || w.Saves != 2 || w.Players["Astrid"].Played < 30*time.Second || w.Chronicle[0].Name != "Astrid" {
					t.Errorf("after another evening: %+v, %v", w, err)
				}
			})
		})
	}
}

// TestInterruptWhileSaving: the save under way does not hold what comes after
// it; another one follows.
func TestInterruptWhileSaving(t *testing.T) {
	for _, form := range simgame.Forms() {
		t.Run(string(form), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := play(t, simgame.Options{Form: form})
				g.pass(10 * time.Second)
				g.tell("save")
				g.tell("save") // owed, and dropped by the stop's own
				g.pass(0)
				g.proof.Request()
				proof := g.proof
				saves := 0
				for _, h := range g.end() {
					proof.See(h)
					if h.Kind != valheim.Saved {
						continue
					}
					if saves++; saves == 1 && proof.Saved() {
						t.Error("the autosave proves what came after it")
					}
				}
				if saves != 2 || !proof.Saved() {
					t.Errorf("%d saves, proven %v; want 2 and proven", saves, proof.Saved())
				}
			})
		})
	}
}

func TestInterruptWhileLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := play(t, simgame.Options{LoadFor: time.Minute})
		g.pass(30 * time.Second)
		want(t, g.end(), "stopping", "stopped")
	})
}

func TestNeverListens(t *testing.T) {
	for _, form := range simgame.Forms() {
		t.Run(string(form), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := play(t, simgame.Options{Form: form, LoadFor: time.Minute})
				g.tell("never-listen")
				g.tell("join Astrid")
				want(t, g.pass(time.Hour), "version")
				want(t, g.end(), "stopping", "stopped")
			})
		})
	}
}

func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := play(t, simgame.Options{})
		g.pass(10 * time.Second)
		g.tell("join Astrid")
		g.pass(time.Minute)
		g.tell("crash")
		want(t, g.pass(time.Second), "disconnected Astrid server_stop", "crashed signal 11 code:1 errno:0 addr:(nil)")
		if err := <-g.done; !errors.Is(err, simgame.ErrCrashed) {
			t.Errorf("got %v, want ErrCrashed", err)
		}
	})
}

func TestBadPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := play(t, simgame.Options{Password: "1234"})
		want(t, g.pass(time.Second), "version", "fault bad_password")
		if err := <-g.done; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}

// TestSameSeed: a seed makes the log.
func TestSameSeed(t *testing.T) {
	evening := func(t *testing.T, seed uint64) (log string) {
		synctest.Test(t, func(t *testing.T) {
			g := play(t, simgame.Options{Seed: seed})
			g.pass(10 * time.Second)
			g.tell("join Astrid")
			g.pass(20 * time.Minute)
			g.end()
			log = g.log.String()
		})
		return log
	}
	if first, second := evening(t, 3), evening(t, 3); first != second {
		t.Error("one seed, two logs")
	}
	if evening(t, 3) == evening(t, 4) {
		t.Error("two seeds, one log")
	}
}

func TestOptions(t *testing.T) {
	err := simgame.Run(t.Context(), simgame.Options{
		World: "../x", Form: "steam-2.0", SaveEvery: time.Millisecond, LoadFor: -1, Version: "new", ServerName: "a\nb",
	}, nil, nil)
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"no clock", "no log", "no directory", `"../x"`, "steam-2.0", "between saves", "to load", `"new"`, "server name"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not named in %v", part, err)
		}
	}
}

// FuzzCommands: no command makes the log lie, or the reader lose count.
func FuzzCommands(f *testing.F) {
	f.Add("join A\nleave A\nsave\njoin 01/02/2026 10:00:00: ZNet Shutdown\nleave-all")
	f.Add("die A\njoin A\ntimeout A\ncrash")
	f.Fuzz(func(t *testing.T, script string) {
		synctest.Test(t, func(t *testing.T) {
			o := simgame.Options{Form: simgame.Steam10, Dir: t.TempDir(), Clock: clock.System{}, Out: io.Discard}
			g := play(t, o)
			g.pass(time.Second)
			for line := range strings.SplitSeq(script, "\n") {
				select {
				case g.commands <- line:
				case err := <-g.done:
					if !errors.Is(err, simgame.ErrCrashed) {
						t.Errorf("ended with %v", err)
					}
					return
				}
			}
			for _, h := range g.pass(time.Minute) {
				if h.Kind == valheim.Stopping || h.Kind == valheim.Stopped || h.Kind == valheim.Fault {
					t.Errorf("a command forged %+v", h)
				}
			}
			g.kill()
			if err := <-g.done; !errors.Is(err, context.Canceled) && !errors.Is(err, simgame.ErrCrashed) {
				t.Errorf("killed: got %v", err)
			}
		})
	})
}
