package playground_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/internal/playground"
	"hearth/internal/playground/panel"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

// evening is what a child process of the kill tests does: it opens a folder
// and lives an evening there to its end, or goes on where another was killed.
type evening struct {
	Dir   string
	Trace string // file for the points that were passed, one a line; empty: none
	Log   string // file for the log
	Evict bool   // the cloud takes the machine in the middle
	Reset bool   // somebody presses Reset once the fire burns
	Life  int    // from 1; names who comes in
	Kill  point  // where the process ends itself
}

// point is the n-th time, from 1, that a moment of package points comes.
type point struct {
	Name string
	N    int
}

func (p point) String() string { return fmt.Sprintf("%s #%d", p.Name, p.N) }

const (
	// eveningSpeed leaves a busy machine two seconds before an agent takes its
	// lease for lost.
	eveningSpeed = 12
	eveningIsAt  = `[{"id":"midgard","name":"Midgard","placements":[{"id":"vmss-1"},{"id":"vmss-2"}]}]`
	evicted      = "evicted" // a line of the trace: the lever was pulled
)

// eveningTiming is a cloud in a hurry: what a kill does depends on what is
// under way, not on how long that takes.
func eveningTiming() simcloud.Timing {
	return simcloud.Timing{Create: 8 * time.Second, Boot: 8 * time.Second, Delete: 6 * time.Second}
}

// liveEvening is the child's main. Its arguments are an evening in JSON.
func liveEvening(args []string) error {
	var e evening
	if err := json.Unmarshal([]byte(args[0]), &e); err != nil {
		return err
	}
	worlds, err := world.ParseWorlds(eveningIsAt)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(e.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), lifeWithin)
	defer cancel()
	c := &counter{kill: e.Kill, n: map[string]int{}}
	p, err := playground.Start(ctx, playground.Options{
		Dir: e.Dir, Listen: "127.0.0.1:0", Speed: eveningSpeed, Worlds: worlds, Game: []string{self, "game"},
		Timing: eveningTiming(), LoadFor: 4 * time.Second, Version: "test", At: c.at,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		return err
	}
	g := &guest{p: p, evening: e, mark: c.at}
	if err := g.live(ctx); err != nil {
		return fmt.Errorf("life %d: %w", e.Life, err)
	}
	c.end() // the end is in order; nobody is killed in it
	if _, err := p.Close(ctx); err != nil {
		return err
	}
	if e.Trace == "" {
		return log.Close()
	}
	return errors.Join(os.WriteFile(e.Trace, []byte(strings.Join(c.trace, "\n")), 0o600), log.Close())
}

// counter counts the points, and ends the process at one of them.
type counter struct {
	kill point

	mu    sync.Mutex // guards what follows
	n     map[string]int
	trace []string
	ended bool
}

func (c *counter) at(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.n[name]++
	c.trace = append(c.trace, name)
	if c.kill == (point{name, c.n[name]}) {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic(err)
		}
		select {} // whatever this goroutine was to do is not done any more
	}
}

func (c *counter) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
}

// guest is Ana, who wants an evening: light it, somebody comes in, put it out.
// She goes by what she sees, so she also goes on where somebody left off.
type guest struct {
	evening
	p      *playground.Playground
	mark   func(string)
	joined bool
	epoch  int64     // of the last boot of an earlier life
	next   time.Time // when she tries again what did not work, on the wall's clock
}

func (g *guest) live(ctx context.Context) error {
	g.joined = len(g.asked("stop")) > 0 // too late for that
	v, err := g.p.Snapshot(ctx)
	if err != nil {
		return err
	}
	g.epoch = v.Lease.Epoch
	for {
		s, err := g.state(ctx)
		if err != nil {
			return err
		}
		if s.Status == world.Stopped && s.Session.ID != "" && len(s.Pending) == 0 {
			return nil
		}
		if s.Status == world.Failed {
			return fmt.Errorf("the evening failed: %s", s.Why)
		}
		if time.Now().After(g.next) {
			g.next = time.Now().Add(100 * time.Millisecond)
			if err := g.act(ctx, s); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it is %s and does not end: %w", s.Status, context.Cause(ctx))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (g *guest) act(ctx context.Context, s world.State) error {
	switch {
	case s.Session.ID == "":
		if len(g.asked("start")) > 0 {
			return nil // accepted: it will come
		}
		return g.interact(ctx, simdiscord.Request{Kind: simdiscord.KindCommand, Command: "start"})
	case s.Status != world.Online || s.Boot.Epoch <= g.epoch:
		return nil // nothing is there, or the row does not know yet that it is gone
	case g.Reset:
		return g.p.Reset(ctx)
	case !g.joined:
		return g.join(ctx)
	case g.Evict && s.Session.Evicted == 0:
		return g.evict(ctx)
	}
	return g.stop(ctx)
}

// join lets somebody in, as soon as there is a game, and waits to hear of it.
func (g *guest) join(ctx context.Context) error {
	name := fmt.Sprintf("Bo%d", g.Life)
	if done, err := g.pull(ctx, panel.Lever{Name: panel.PlayerJoin, Player: name}); !done {
		return err
	}
	for !g.said("**" + name + "** came in") {
		select {
		case <-ctx.Done():
			return fmt.Errorf("nobody said that %s came in: %w", name, context.Cause(ctx))
		case <-time.After(10 * time.Millisecond):
		}
	}
	g.joined = true
	return nil
}

func (g *guest) evict(ctx context.Context) error {
	if done, err := g.pull(ctx, panel.Lever{Name: panel.Evict, NoticeSeconds: 30}); !done {
		return err
	}
	g.mark(evicted)
	return nil
}

// pull pulls a lever; it may be too early.
func (g *guest) pull(ctx context.Context, l panel.Lever) (done bool, err error) {
	err = g.p.Pull(ctx, l)
	if _, early := errors.AsType[*panel.Refusal](err); early {
		return false, nil
	}
	return err == nil, err
}

// stop asks for the end, and insists when she is asked back.
func (g *guest) stop(ctx context.Context) error {
	asked := g.asked("stop")
	if len(asked) == 0 {
		return g.interact(ctx, simdiscord.Request{Kind: simdiscord.KindCommand, Command: "stop"})
	}
	last := asked[len(asked)-1]
	for _, b := range last.Buttons() {
		if b.Label == "Save and stop now" {
			return g.interact(ctx, simdiscord.Request{Kind: simdiscord.KindButton, Message: last.ID, CustomID: b.CustomID})
		}
	}
	return nil // thinking, or being done
}

func (g *guest) ana() string {
	ana, _ := g.p.Discord().Person("Ana")
	return ana.ID
}

// interact gives a command or presses a button. What was not accepted is tried
// again, as she would.
func (g *guest) interact(ctx context.Context, r simdiscord.Request) error {
	r.User, r.Channel = g.ana(), simdiscord.DefaultChannelID
	_, err := g.p.Discord().Interact(ctx, r)
	return err
}

// asked lists the answers to a command of hers, those that think, too.
func (g *guest) asked(command string) []simdiscord.Message {
	return slices.DeleteFunc(g.p.Discord().Messages(), func(m simdiscord.Message) bool {
		return m.Interaction == nil || m.Interaction.User.ID != g.ana() || m.Interaction.Name != command
	})
}

func (g *guest) said(text string) bool {
	return slices.ContainsFunc(g.p.Discord().Messages(), func(m simdiscord.Message) bool { return strings.Contains(m.Content, text) })
}

func (g *guest) state(ctx context.Context) (world.State, error) {
	v, err := g.p.Snapshot(ctx)
	if err != nil {
		return world.State{}, err
	}
	return world.DecodeState(v.Row.JSON)
}
