package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"hearth/internal/discord"
	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

// newClient is a bot's way to Discord.
func (s *simulation) newClient(t http.RoundTripper, l *replay.Lane) (*discord.Client, error) {
	jitter := replay.NewDice(s.o.Seed, "jitter", l.Slot())
	return discord.NewClient(discord.ClientOptions{
		URL: "http://discord.invalid" + simdiscord.APIPrefix, Application: simdiscord.DefaultApplicationID, Token: botToken,
		Clock: l, Transport: t, Jitter: func() float64 { return float64(jitter.IntN(1000)) / 1000 },
	})
}

// wire is a worker's connection to Discord.
type wire struct {
	*caller
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	t.mayDie()
	if err := t.lane.Sleep(req.Context(), t.dice.Between(20*time.Millisecond, 250*time.Millisecond)); err != nil {
		return nil, err
	}
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	if req.Method == http.MethodPost {
		t.s.witness.Posts(t.who, read(body).Content)
	}
	resp, err := t.base.RoundTrip(req)
	if err == nil && resp.StatusCode < 300 {
		switch req.Method {
		case http.MethodPost:
			t.s.witness.Performed(world.Effect{Chat: &world.ChatDo{Say: world.Say{Text: read(body).Content}}})
		case http.MethodGet:
			t.s.witness.Searched()
		}
	}
	switch {
	case errors.Is(err, simdiscord.ErrReplyLost): // it was done all the same
		t.said(req, body, t.newest(read(body).Content))
	case err == nil && resp.StatusCode < 300:
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(answer))
		t.said(req, body, read(answer).ID)
	}
	if err == nil {
		t.mayDie()
	}
	return resp, err
}

func (t *wire) said(req *http.Request, body []byte, message string) {
	t.s.witness.Said(oracle.Call{Method: req.Method, Path: req.URL.Path, Body: body, Message: message})
}

// newest is the id of the last message of this content, or empty. Cards have
// none.
func (t *wire) newest(content string) string {
	if content == "" {
		return ""
	}
	for _, m := range slices.Backward(t.s.discord.Messages()) {
		if m.Content == content {
			return m.ID
		}
	}
	return ""
}

// message is what is read of one that is posted, and of the answer to it.
type message struct {
	ID      string `json:"id"`
	Content string `json:"content"`
}

func read(body []byte) (m message) {
	_ = json.Unmarshal(body, &m) // not all that is sent is one
	return m
}
