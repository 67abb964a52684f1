package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"hearth/internal/playground/panel"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/guild"
	"hearth/internal/world"
)

// town is people who use a running Hearth by its page: they give commands,
// press buttons, play, and pull the levers of the pretend world outside.
type town struct {
	url     string
	rnd     *rand.Rand
	client  *http.Client
	arrived int // players so far; each has a name of its own
}

// look is what the page shows.
type look struct {
	panel.Snapshot
	state    world.State
	messages []simdiscord.Message
	people   []simdiscord.Person
}

// see opens the page and reads what it is told first.
func (w *town) see(ctx context.Context) (*look, error) {
	l := &look{}
	var channel guild.Snapshot
	if err := w.first(ctx, "/panel/events", &l.Snapshot); err != nil {
		return nil, err
	}
	if err := w.first(ctx, "/page/events", &channel); err != nil {
		return nil, err
	}
	l.messages, l.people = channel.Messages, channel.Users
	var err error
	l.state, err = world.DecodeState(l.Row.JSON)
	return l, err
}

// first reads the first event of a stream that has data.
func (w *town) first(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+path, nil)
	if err != nil {
		return err
	}
	res, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewReader(res.Body)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			return json.Unmarshal(data, into)
		}
	}
}

// post sends what the page's script would. A refusal is no error: people try
// things that do not work.
func (w *town) post(ctx context.Context, path string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := w.client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close() // all of it was read
	return err
}

func (w *town) say(ctx context.Context, l *look, who, command string) error {
	return w.post(ctx, "/page/interact", simdiscord.Request{
		User: l.id(who), Channel: simdiscord.DefaultChannelID, Kind: simdiscord.KindCommand, Command: command,
	})
}

// press presses the newest button of a label that who can see.
func (w *town) press(ctx context.Context, l *look, who, label string) error {
	for _, m := range slices.Backward(l.messages) {
		if m.EphemeralTo != nil && *m.EphemeralTo != l.id(who) {
			continue
		}
		for _, b := range m.Buttons() {
			if b.Label == label && !b.Disabled {
				return w.post(ctx, "/page/interact", simdiscord.Request{
					User: l.id(who), Channel: m.ChannelID, Kind: simdiscord.KindButton, Message: m.ID, CustomID: b.CustomID,
				})
			}
		}
	}
	return nil
}

func (w *town) pull(ctx context.Context, l panel.Lever) error {
	return w.post(ctx, "/panel/lever", l)
}

func (l *look) id(name string) string {
	for _, p := range l.people {
		if p.Name == name {
			return p.ID
		}
	}
	return ""
}

// act does one thing that people do at such a time. toward is the status that
// the town is in the mood for.
func (w *town) act(ctx context.Context, l *look, toward world.Status) error {
	who := []string{"Ana", "Bo", "Cleo"}[w.rnd.IntN(3)]
	maybe := func(percent int) bool { return w.rnd.IntN(100) < percent }
	switch world.Status(l.Status) {
	case world.Stopped, world.Failed:
		switch {
		case maybe(10):
			return w.say(ctx, l, who, "status")
		case world.Status(l.Status) == toward && maybe(80):
			return nil
		}
		return w.say(ctx, l, who, "start")
	case world.Online:
		return w.play(ctx, l, who, toward)
	case world.Stopping:
		if maybe(4) {
			return w.say(ctx, l, who, "start")
		}
	case world.Starting, world.Booting, world.Loading, world.Relocating:
		if maybe(2) || toward == world.Stopped && maybe(10) {
			return w.say(ctx, l, who, "stop")
		}
		if maybe(4) {
			return w.say(ctx, l, who, "start")
		}
	}
	if maybe(4) {
		return w.say(ctx, l, who, []string{"status", "join"}[w.rnd.IntN(2)])
	}
	return nil
}

// play is what may happen while the fire burns.
func (w *town) play(ctx context.Context, l *look, who string, toward world.Status) error {
	if w.rnd.IntN(100) < 30 {
		switch toward {
		case world.Relocating:
			return w.pull(ctx, panel.Lever{Name: panel.Evict})
		case world.Failed:
			return w.pull(ctx, panel.Lever{Name: panel.Crash})
		case world.Stopping, world.Stopped:
			return w.putOut(ctx, l)
		case world.Starting, world.Booting, world.Loading:
			return w.pull(ctx, panel.Lever{Name: panel.Vanish})
		case world.Online:
		}
	}
	player := ""
	if len(l.Players) > 0 {
		player = l.Players[w.rnd.IntN(len(l.Players))].Name
	}
	switch n := w.rnd.IntN(100); {
	case n < 30:
		w.arrived++
		return w.pull(ctx, panel.Lever{Name: panel.PlayerJoin, Player: fmt.Sprintf("P%d", w.arrived)})
	case n < 36 && player != "":
		return w.pull(ctx, panel.Lever{Name: panel.PlayerDie, Player: player})
	case n < 44 && player != "":
		return w.pull(ctx, panel.Lever{Name: panel.PlayerLeave, Player: player})
	case n < 48:
		return w.pull(ctx, panel.Lever{Name: panel.AllLeave})
	case n < 51:
		return w.pull(ctx, panel.Lever{Name: []panel.LeverName{panel.Evict, panel.EvictShort, panel.Vanish}[w.rnd.IntN(3)]})
	case n < 53:
		return w.pull(ctx, panel.Lever{Name: panel.Crash})
	case n < 58:
		return w.say(ctx, l, who, "stop")
	case n < 62:
		return w.press(ctx, l, who, []string{"Stop when empty", "Never mind", "Save and stop now"}[w.rnd.IntN(3)])
	case n < 66:
		return w.say(ctx, l, who, []string{"status", "join", "start"}[w.rnd.IntN(3)])
	}
	return nil
}

// putOut is what Ana does who wants it out: she asks, and insists.
func (w *town) putOut(ctx context.Context, l *look) error {
	asked := slices.ContainsFunc(l.messages[max(0, len(l.messages)-5):], func(m simdiscord.Message) bool {
		return strings.Contains(m.Content, "still playing") && m.Interaction != nil && m.Interaction.User.ID == l.id("Ana")
	})
	if asked {
		return w.press(ctx, l, "Ana", "Save and stop now")
	}
	return w.say(ctx, l, "Ana", "stop")
}

// finish brings everything to its end: out, with every answer given. It lights
// the fire first if the last evening failed.
func (w *town) finish(ctx context.Context) error {
	for {
		l, err := w.see(ctx)
		if err != nil {
			return err
		}
		switch world.Status(l.Status) {
		case world.Stopped:
			thinking := slices.ContainsFunc(l.messages, func(m simdiscord.Message) bool { return m.Thinking })
			if len(l.state.Pending) == 0 && !thinking && l.Queues[0].Visible == 0 {
				return nil
			}
		case world.Failed:
			err = w.say(ctx, l, "Ana", "start")
		case world.Online:
			err = w.putOut(ctx, l)
		case world.Starting, world.Booting, world.Loading, world.Stopping, world.Relocating:
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it is %s and does not end: %w", l.Status, context.Cause(ctx))
		case <-time.After(500 * time.Millisecond):
		}
	}
}
