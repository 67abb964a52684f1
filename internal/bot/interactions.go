package bot

import (
	"errors"
	"log/slog"
	"net/http"

	"hearth/internal/discord"
	"hearth/internal/world"
	"hearth/internal/world/words"
)

// Interactions answers Discord's HTTP requests. It makes no network call: what
// it accepts leaves through Answer.Enqueue, and whoever hosts it must say
// "accepted" only once that is in the queue.
type Interactions struct {
	Verifier *discord.Verifier
	Guild    world.Guild
	Worlds   []world.Config
	Clock    world.Clock
	Log      *slog.Logger
}

// Answer is what goes back to Discord, and what goes into the events queue.
type Answer struct {
	Status  int    // HTTP status
	Body    []byte // JSON; empty unless Status is 200
	Enqueue []byte // an encoded event, or nil
}

// Read takes a request's bounded body and headers and answers it.
func (h *Interactions) Read(w http.ResponseWriter, req *http.Request) Answer {
	if req.Method != http.MethodPost {
		return Answer{Status: http.StatusMethodNotAllowed}
	}
	signed, err := discord.ReadSigned(w, req)
	switch {
	case errors.Is(err, discord.ErrBodyTooLarge):
		h.Log.Warn("interaction refused", "error", err)
		return Answer{Status: http.StatusRequestEntityTooLarge}
	case err != nil:
		h.Log.Warn("interaction not read", "error", err)
		return Answer{Status: http.StatusUnauthorized}
	}
	return h.Answer(signed)
}

// Answer verifies, decides and answers one interaction. Nothing is parsed
// before its signature is verified; what does not verify is a 401.
func (h *Interactions) Answer(signed world.Signed) Answer {
	now := h.Clock.Now()
	if err := h.Verifier.Verify(signed, now); err != nil {
		h.Log.Info("interaction refused", "error", err)
		return Answer{Status: http.StatusUnauthorized}
	}
	i, err := discord.ParseInteraction(signed.Body)
	switch {
	case errors.Is(err, discord.ErrUnknownCommand):
		return refuse(words.Denied(world.DenyCommand, h.Worlds))
	case err != nil:
		h.Log.Warn("interaction not understood", "error", err)
		return Answer{Status: http.StatusBadRequest}
	}
	if i.Kind == discord.Ping {
		return Answer{Status: http.StatusOK, Body: discord.Pong()}
	}
	d, denial := discord.Decide(h.Guild, h.Worlds, i)
	if denial != world.DenyNone {
		h.Log.Info("command denied", "event_id", i.ID, "denial", string(denial))
		return refuse(words.Denied(denial, h.Worlds))
	}
	c := i.ToCommand(d, signed)
	body, err := world.Event{
		ID: i.ID, Source: world.SourceDiscord, World: d.World.ID, Time: i.Created, Data: &c,
	}.Encode()
	if err != nil {
		h.Log.Error("command not encoded", "event_id", i.ID, "error", err)
		return Answer{Status: http.StatusInternalServerError}
	}
	return Answer{Status: http.StatusOK, Body: i.Acknowledge(), Enqueue: body}
}

func refuse(say world.Say) Answer {
	return Answer{Status: http.StatusOK, Body: discord.Refusal(say.Text)}
}
