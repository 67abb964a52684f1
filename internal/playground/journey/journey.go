// Package journey plays a script of what people do in a playground, and says
// what they saw: for tests, and for showing.
//
// A script is plain lines:
//
//	Ana: /start              a person gives a command (options as name=value)
//	Bo: [Stop when empty]    a person presses the newest button of that label they can
//	                         see, as soon as there is one
//	Bo: hello                a person says something
//	lever player_join Bo     pulls a lever of the panel; also: evict 30, no_capacity on, boot_fails on
//	wait online              until the world has that status, at most 30 minutes of its time
//	wait 2m                  lets that much of its time pass
//	expect TEXT              until a message that was new since the last `expect` holds TEXT
//	refute TEXT              no message since the start holds TEXT
//	game raid wolves         tells the pretend game a command, as package simgame lists them
//	never-listen on|off      games started from now on never open their door
//	# …                      a remark
//
// The transcript is one line per message and status.
package journey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/internal/playground/panel"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

const waitAtMost = 30 * time.Minute // of the playground's time

// Stage is where a journey is played.
type Stage struct {
	Discord     *simdiscord.Discord
	Clock       world.Clock // measures every wait
	Status      func(ctx context.Context) (world.Status, error)
	Pull        func(ctx context.Context, l panel.Lever) error
	Game        func(command string) error
	NeverListen func(on bool)
}

// Play plays a script and writes its transcript. The error names the line that
// did not hold.
func Play(ctx context.Context, stage Stage, script string, out io.Writer) error {
	_, _, events, cancel := stage.Discord.Subscribe()
	defer cancel()
	s := &player{Stage: stage, out: out, events: events}
	for i, line := range strings.Split(script, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s.print("> " + line)
		if err := s.step(ctx, line); err != nil {
			return fmt.Errorf("script line %d, %q: %w", i+1, line, err)
		}
	}
	return nil
}

type player struct {
	Stage
	out    io.Writer
	events <-chan simdiscord.Event
	all    []string // every message text so far, newest state last
	mark   int      // those before were looked at by expect
	status string
}

func (s *player) print(text string) { _, _ = fmt.Fprintln(s.out, text) }

func (s *player) step(ctx context.Context, line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "wait":
		if d, err := time.ParseDuration(rest); err == nil {
			return s.until(ctx, d, func() bool { return false }, nil)
		}
		return s.until(ctx, waitAtMost, func() bool { return s.status == rest }, func() error {
			return fmt.Errorf("it is %s", s.status)
		})
	case "expect":
		return s.expect(ctx, rest)
	case "refute":
		for _, text := range s.all {
			if strings.Contains(text, rest) {
				return fmt.Errorf("it was said: %s", text)
			}
		}
		return nil
	case "lever":
		return s.lever(ctx, rest)
	case "game":
		return s.Game(rest)
	case "never-listen":
		s.NeverListen(rest == "on")
		return nil
	}
	name, what, ok := strings.Cut(line, ": ")
	person, known := s.Discord.Person(name)
	if !ok || !known {
		return errors.New("no such verb and no such person")
	}
	return s.person(ctx, person, what)
}

func (s *player) expect(ctx context.Context, text string) error {
	seen := func() bool {
		for i := s.mark; i < len(s.all); i++ {
			if strings.Contains(s.all[i], text) {
				s.mark = i + 1
				return true
			}
		}
		return false
	}
	return s.until(ctx, waitAtMost, seen, func() error {
		return fmt.Errorf("not said; since the last expect: %q", s.all[s.mark:])
	})
}

func (s *player) lever(ctx context.Context, line string) error {
	name, arg, _ := strings.Cut(line, " ")
	l := panel.Lever{Name: panel.LeverName(name)}
	switch l.Name {
	case panel.NoCapacity, panel.BootFails:
		l.On = arg == "on"
	case panel.Evict, panel.EvictShort:
		n, err := strconv.Atoi(arg)
		if err != nil {
			return errors.New("how many seconds of notice? As in: lever evict 30")
		}
		l.NoticeSeconds = n
	default:
		l.Player = arg
	}
	return s.Pull(ctx, l)
}

func (s *player) person(ctx context.Context, who simdiscord.Person, what string) error {
	d := s.Discord
	req := simdiscord.Request{User: who.ID, Channel: simdiscord.DefaultChannelID}
	switch {
	case strings.HasPrefix(what, "/"):
		words := strings.Fields(what[1:])
		req.Kind, req.Command = simdiscord.KindCommand, words[0]
		for _, w := range words[1:] {
			name, value, _ := strings.Cut(w, "=")
			req.Options = append(req.Options, simdiscord.OptionValue{Name: name, Value: value})
		}
	case strings.HasPrefix(what, "["):
		label := strings.Trim(what, "[]")
		var m simdiscord.Message
		var id string
		err := s.until(ctx, waitAtMost, func() (ok bool) {
			m, id, ok = newestButton(d.Messages(), who.ID, label)
			return ok
		}, func() error { return fmt.Errorf("no button %q to press", label) })
		if err != nil {
			return err
		}
		req.Kind, req.Message, req.CustomID, req.Channel = simdiscord.KindButton, m.ID, id, m.ChannelID
	default:
		_, err := d.Say(who.ID, simdiscord.DefaultChannelID, what)
		return err
	}
	out, err := d.Interact(ctx, req)
	if err != nil {
		return err
	}
	if out.State == simdiscord.StateFailed {
		s.hear("! " + out.Text)
	}
	return nil
}

func newestButton(ms []simdiscord.Message, user, label string) (simdiscord.Message, string, bool) {
	for _, m := range slices.Backward(ms) {
		if m.EphemeralTo != nil && *m.EphemeralTo != user {
			continue
		}
		for _, b := range m.Buttons() {
			if b.Label == label && !b.Disabled {
				return m, b.CustomID, true
			}
		}
	}
	return simdiscord.Message{}, "", false
}

// until takes in what happens until ok, or for d of the playground's time. A
// nil late means that the time is just to pass.
func (s *player) until(ctx context.Context, d time.Duration, ok func() bool, late func() error) error {
	over := s.Clock.After(d)
	// The status is read, not told; now and then is enough.
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		s.look(ctx)
		if ok() {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-over:
			if late == nil {
				return nil
			}
			return late()
		case e, open := <-s.events:
			if !open {
				return errors.New("the channel was closed")
			}
			s.take(e)
		case <-tick.C:
		}
	}
}

func (s *player) look(ctx context.Context) {
	st, err := s.Status(ctx)
	if err != nil || string(st) == s.status {
		return
	}
	s.status = string(st)
	s.print("= " + s.status)
}

func (s *player) take(e simdiscord.Event) {
	if e.Message == nil || e.Message.Thinking {
		return
	}
	text := textOf(*e.Message)
	if text == "" {
		return
	}
	sign := "+ "
	if e.Kind == simdiscord.EventMessageUpdate {
		sign = "~ "
	}
	s.hear(sign + text)
}

func (s *player) hear(text string) {
	s.all = append(s.all, text)
	s.print(text)
}

// textOf is a message in one line: content, cards, buttons.
func textOf(m simdiscord.Message) string {
	parts := []string{m.Content}
	for _, e := range m.Embeds {
		parts = append(parts, e.Title, e.Description)
		for _, f := range e.Fields {
			parts = append(parts, f.Name+": "+f.Value)
		}
		if e.Footer != nil {
			parts = append(parts, e.Footer.Text)
		}
	}
	for _, b := range m.Buttons() {
		parts = append(parts, "["+b.Label+"]")
	}
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, strings.ReplaceAll(p, "\n", " "))
		}
	}
	text := strings.Join(kept, " | ")
	if text != "" && m.EphemeralTo != nil {
		text = "(only one sees this) " + text
	}
	return text
}
