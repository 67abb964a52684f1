package chaos

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/form"
	"hearth/internal/world"
)

// deliver is the endpoint as its host serves it: 200 only with what it wants
// enqueued in the queue.
func (s *simulation) deliver(ctx context.Context, header http.Header, body []byte) (int, string, []byte, error) {
	c := s.bystander("endpoint " + header.Get("X-Signature-Ed25519"))
	if err := c.lane.Sleep(ctx, c.dice.Between(5*time.Millisecond, 800*time.Millisecond)); err != nil {
		return 0, "", nil, err
	}
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/interactions", bytes.NewReader(body))
	req.Header = header.Clone()
	a := s.endpoint.Read(httptest.NewRecorder(), req)
	if a.Enqueue != nil {
		s.witness.Asked(a.Enqueue)
		if err := (queue{s.storage.Queue(world.EventsQueue), c}).Send(ctx, a.Enqueue, 0); err != nil {
			return http.StatusInternalServerError, "text/plain", nil, nil //nolint:nilerr // the host's answer to it
		}
	}
	return a.Status, "application/json", a.Body, nil
}

// startPeople lets people type commands and press buttons, and play.
func (s *simulation) startPeople(ctx context.Context) {
	typing, playing := s.lanes.New(0), s.lanes.New(0)
	s.work.Go(func() {
		d := replay.NewDice(s.o.Seed, "people")
		for typing.Sleep(ctx, d.About(s.plan.CommandEvery)) == nil {
			if !s.chaotic.Load() {
				return
			}
			n := 1
			for d.Chance(s.plan.Burst) && n < 6 {
				n++
			}
			for range n {
				s.askForSomething(ctx, d)
				if typing.Sleep(ctx, d.Between(50*time.Millisecond, 3*time.Second)) != nil {
					return
				}
			}
		}
	})
	s.work.Go(func() {
		d := replay.NewDice(s.o.Seed, "players")
		for playing.Sleep(ctx, d.About(s.plan.PlayerEvery)) == nil {
			if !s.chaotic.Load() {
				return
			}
			s.playSomething(d)
		}
	})
	if every := s.plan.GameCrashEvery; every > 0 {
		lane := s.lanes.New(0)
		s.work.Go(func() {
			d := replay.NewDice(s.o.Seed, "crashes")
			for lane.Sleep(ctx, d.About(every)) == nil && s.chaotic.Load() {
				if g := s.openGame(); g != nil {
					s.faults.add(GameCrashes)
					g.Command("crash", "")
				}
			}
		})
	}
}

// askForSomething lets somebody type a command or press a button.
func (s *simulation) askForSomething(ctx context.Context, d *replay.Dice) {
	person := replay.Pick(d, s.discord.People()...)
	r := simdiscord.Request{User: person.ID, Channel: s.guild.Channel, Kind: simdiscord.KindCommand}
	switch kind := d.IntN(10); {
	case kind < 4:
		r.Command = string(world.CmdStart)
	case kind < 6:
		r.Command = string(world.CmdStop)
	case kind < 7:
		r.Command = string(replay.Pick(d, world.CmdStatus, world.CmdJoin))
	default:
		m, b, ok := s.someButton(d, person.ID)
		if !ok {
			r.Command = string(world.CmdStart)
			break
		}
		r.Kind, r.Message, r.CustomID, r.Channel = simdiscord.KindButton, m.ID, b.CustomID, m.ChannelID
	}
	s.interact(ctx, r)
}

// interact does it, without waiting for the answer.
func (s *simulation) interact(ctx context.Context, r simdiscord.Request) {
	s.work.Go(func() {
		out, err := s.discord.Interact(ctx, r)
		switch {
		case errors.Is(err, simdiscord.ErrRequest): // the message is gone by now
		case err != nil:
			s.log.Warn("interaction not made", "error", err)
		case out.State == simdiscord.StateDone:
			s.witness.Accepted(r, out)
		}
	})
}

// someButton is one of the last messages' that the person sees.
func (s *simulation) someButton(d *replay.Dice, user string) (simdiscord.Message, form.Component, bool) {
	type found struct {
		m simdiscord.Message
		b form.Component
	}
	var all []found
	ms := s.discord.Messages()
	for _, m := range ms[max(0, len(ms)-20):] {
		if m.EphemeralTo != nil && *m.EphemeralTo != user {
			continue
		}
		for _, b := range m.Buttons() {
			if !b.Disabled && b.CustomID != "" {
				all = append(all, found{m, b})
			}
		}
	}
	if len(all) == 0 {
		return simdiscord.Message{}, form.Component{}, false
	}
	f := replay.Pick(d, all...)
	return f.m, f.b, true
}

// openGame is the game that players can join, or nil.
func (s *simulation) openGame() *games.Game {
	if g := s.games.Present(); g != nil && g.Truth().Ready() {
		return g
	}
	return nil
}

// playSomething lets a player do something.
func (s *simulation) playSomething(d *replay.Dice) {
	g := s.openGame()
	if g == nil {
		return
	}
	truth := g.Truth()
	name := replay.Pick(d, "Astrid", "Bjorn", "Cnut", "Dagny", "Einar")
	_, known := truth.Arrived[name]
	switch in := slices.Contains(truth.Players(), name); {
	case !known:
		g.Command("join", name)
	case in && d.Chance(0.3):
		if truth.Alive(name) {
			g.Command("die", name)
		}
	case in:
		g.Command(replay.Pick(d, "leave", "leave", "timeout"), name)
	case d.Chance(0.2): // changed their mind at the door
		g.Command("leave", name)
	}
}

// putOut lets a keeper put the fire out at the end, whoever is in.
func (s *simulation) putOut(ctx context.Context) {
	keeper := s.discord.People()[0]
	if g := s.openGame(); g != nil {
		g.Command("leave-all", "")
		_ = s.clock.Sleep(ctx, 2*time.Minute)
	}
	s.interact(ctx, simdiscord.Request{User: keeper.ID, Channel: s.guild.Channel, Kind: simdiscord.KindCommand, Command: string(world.CmdStop)})
}
