package agent

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"hearth/internal/valheim"
	"hearth/internal/world"
)

// MaxLineBytes bounds what an event carries of the log line it was read from.
const MaxLineBytes = 512

// account finds players' account ids as the game prints them: a Steam id of an
// individual (17 digits beginning with 7656119), a platform's id, a PlayFab
// entity.
var account = regexp.MustCompile(`\b(?:Steam|Xbox|PlayStation|Nintendo)_[0-9A-Za-z]+|\b7656119[0-9]{10}\b|\bplayfab/[0-9A-Fa-f]+`)

// emit numbers, seals and posts an event: it fills in what every agent's event
// carries. h is what it was read from, if it was read. HostUp goes before any
// other. The channel is closed when the event was sent or given up.
func (b *boot) emit(h valheim.Happening, data world.AgentPayload) <-chan struct{} {
	if !b.greeted {
		b.hostUp()
	}
	return b.post(h, data)
}

func (b *boot) post(h valheim.Happening, data world.AgentPayload) <-chan struct{} {
	*data.AsHeard() = world.Heard{Epoch: b.holding.Epoch, Seq: b.seq + 1, Line: tidy(h)}
	id := b.World + "/" + strconv.FormatInt(b.holding.Epoch, 10) + "/" + strconv.FormatInt(b.seq+1, 10)
	e := world.Event{ID: id, Source: world.SourceAgent, World: b.World, Time: b.Clock.Now(), Data: data}
	body, err := e.EncodeSealed(b.Key)
	if err != nil {
		// Every field has a bound, so this is a mistake in this program; the
		// number is used again, so that the others keep their order.
		b.Log.Error("event could not be written", "event_id", id, "type", string(data.Type()), "error", err)
		settled := make(chan struct{})
		close(settled)
		return settled
	}
	b.seq++
	urgent := false
	switch data.(type) {
	case *world.SaveProven, *world.Noticed:
		urgent = true
	}
	return b.out.Put(id, body, urgent)
}

// greet says hello as soon as the machine is known.
func (b *boot) greet() {
	if b.holding.Epoch != 0 && !b.greeted {
		b.hostUp()
	}
}

func (b *boot) hostUp() {
	b.greeted, b.greetBy = true, nil
	b.post(valheim.Happening{}, &world.HostUp{Machine: b.machine})
}

// heartbeat tells everything that is known, and when the next one is due.
func (b *boot) heartbeat() {
	b.heartbeatDue = b.Clock.After(world.HeartbeatEvery)
	beat := &world.Heartbeat{Machine: b.machine, Players: b.players(), LastSave: b.lastSave}
	if g := b.game; g != nil {
		beat.GameUp, beat.Listening, beat.JoinCode = true, g.up, g.joinCode
		beat.Connecting = g.reader.Roster().Authenticated
	}
	b.emit(valheim.Happening{}, beat)
}

// players is the roster within its bounds; empty, not nil, when nobody is on.
func (b *boot) players() []world.Player {
	out := []world.Player{}
	if b.game == nil {
		return out
	}
	for _, p := range b.game.reader.Roster().Players {
		if len(out) == world.MaxPlayers {
			break
		}
		out = append(out, p)
	}
	return out
}

// tidy is the line as the world may see it: valid UTF-8, without account ids,
// at most MaxLineBytes.
func tidy(h valheim.Happening) string {
	s := strings.ToValidUTF8(h.Line, "\uFFFD")
	if h.PlatformID != "" {
		s = strings.ReplaceAll(s, h.PlatformID, "(id)")
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
