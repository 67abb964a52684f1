package agent

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hearth/internal/valheim"
	"hearth/internal/world"
)

// MaxLineBytes bounds what an event carries of the log line it was read from.
const MaxLineBytes = 512

// measureTimeout bounds the question what the game uses.
const measureTimeout = 5 * time.Second

// account finds what tells a player's account or address, as the game and mods
// print it: a Steam id of an individual (17 digits beginning with 7656119), a
// platform's id, a PlayFab entity (14 to 16 hexadecimal digits), an IP address.
var account = regexp.MustCompile(`(?i:steam|xbox|playstation|nintendo|psn|epic|gog)_[0-9A-Za-z-]+|7656119[0-9]{10}` +
	`|(?i:playfab/)[0-9A-Fa-f]+|\b[0-9A-F]{14,16}\b|\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b|(?:[0-9A-Fa-f]{1,4}:){4,7}[0-9A-Fa-f:]*[0-9A-Fa-f]`)

// emit numbers, seals and posts an event: it fills in what every agent's event
// carries. h is what it was read from, if it was read. HostUp goes before any
// other. The channel is closed when the event was sent or given up.
func (b *boot) emit(h valheim.Happening, data world.AgentPayload) <-chan struct{} {
	if !b.Greeted {
		b.hostUp()
	}
	return b.post(b.World+"/"+strconv.FormatInt(b.Holding.Epoch, 10)+"/"+strconv.FormatInt(b.Seq+1, 10), b.Clock.Now(), h, data)
}

// emitRead emits what the line that was read last means; it is the nth thing
// that it means. The id tells the line: who reads it again makes the same one. It
// happened when the line was written, which may lie back if the agent was away.
func (b *boot) emitRead(h valheim.Happening, nth int, data world.AgentPayload) {
	if !b.Greeted {
		b.hostUp()
	}
	p := b.game.Place
	server := p.Server[:min(len(p.Server), 12)]
	b.post(fmt.Sprintf("%s/%d/%s/%d/%d/%d", b.World, b.Holding.Epoch, server, p.At.UnixNano(), p.N, nth), p.At, h, data)
}

func (b *boot) post(id string, at time.Time, h valheim.Happening, data world.AgentPayload) <-chan struct{} {
	*data.AsHeard() = world.Heard{Epoch: b.Holding.Epoch, Seq: b.Seq + 1, Line: tidy(h.Line, h.PlatformID)}
	e := world.Event{ID: id, Source: world.SourceAgent, World: b.World, Time: at, Data: data}
	body, err := e.EncodeSealed(b.Key)
	if err != nil {
		// Every field has a bound, so this is a mistake in this program; the
		// number is used again, so that the others keep their order.
		b.Log.Error("event could not be written", "event_id", id, "type", string(data.Type()), "error", err)
		settled := make(chan struct{})
		close(settled)
		return settled
	}
	b.Seq++
	b.unwritten = true
	urgent := false
	switch data.(type) {
	case *world.SaveProven, *world.Noticed:
		urgent = true
	}
	return b.out.Put(id, body, urgent)
}

// greet says hello as soon as the machine and the last boot's proof are known.
func (b *boot) greet() {
	if b.Holding.Epoch != 0 && !b.Greeted && b.machineKnown && b.proofKnown {
		b.hostUp()
	}
}

func (b *boot) hostUp() {
	b.Greeted, b.greetBy = true, nil
	b.Hello = b.out.Next()
	id := b.World + "/" + strconv.FormatInt(b.Holding.Epoch, 10) + "/" + strconv.FormatInt(b.Seq+1, 10)
	b.post(id, b.Clock.Now(), valheim.Happening{}, &world.HostUp{Machine: b.Machine, Previous: b.previous, Continues: b.continues})
	b.awaitHearing()
	if b.Step != "" && b.Step != world.StepLease {
		b.tellStep()
	}
}

// heartbeat tells everything that is known, and when the next one is due.
func (b *boot) heartbeat(work context.Context) {
	b.heartbeatDue = b.Clock.After(world.HeartbeatEvery)
	beat := &world.Heartbeat{Machine: b.Machine, Players: b.players(), LastSave: b.LastSave}
	if g := b.game; g != nil {
		beat.GameUp, beat.Listening, beat.JoinCode = true, g.Up, g.JoinCode
		beat.Connecting = g.Reader.Roster().Authenticated
		beat.MemoryMB = int(b.memoryBytes >> 20)
		b.measure(work, g.server)
	}
	if n := b.out.Lost(); n > 0 && b.out.Left() == 0 { // else this might be lost next
		b.emit(valheim.Happening{}, &world.WordsLost{Count: n})
		b.out.Told(n)
	}
	b.emit(valheim.Happening{}, beat)
}

// measure asks what the game uses, for the next heartbeat.
func (b *boot) measure(work context.Context, s world.Server) {
	b.errands.Go(func() {
		ctx, cancel := context.WithTimeout(work, measureTimeout)
		defer cancel()
		n, err := s.Memory(ctx)
		if err != nil {
			b.Log.Debug("game's memory is not known", "world", b.World, "error", err)
			n = 0
		}
		select {
		case b.measured <- n:
		case <-b.over:
		}
	})
}

// players is the roster within its bounds; empty, not nil, when nobody is on.
func (b *boot) players() []world.Player {
	out := []world.Player{}
	if b.game == nil {
		return out
	}
	for _, p := range b.game.Reader.Roster().Players {
		if len(out) == world.MaxPlayers {
			break
		}
		out = append(out, p)
	}
	return out
}

// tidy is a line as the world may see it: valid UTF-8, without account ids, of
// which one may be known, at most MaxLineBytes.
func tidy(line, id string) string {
	s := strings.ToValidUTF8(line, "\uFFFD")
	if id != "" {
		s = strings.ReplaceAll(s, id, "(id)")
	}
	s = account.ReplaceAllString(s, "(id)")
	if len(s) <= MaxLineBytes {
		return s
	}
	end := MaxLineBytes
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
