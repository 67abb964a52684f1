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
	// Probe is for whoever measures the endpoint: what is signed with its key is
	// answered if it is a PING, and is a 401 otherwise. nil: nobody.
	Probe  *discord.Verifier
	Guild  world.Guild
	Worlds []world.Config
	Clock  world.Clock
	Log    *slog.Logger
	// NoToken says that the bot's token is missing, so nobody could be told what
	// becomes of a command: allowed ones are refused in writing.
	NoToken bool
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
	return h.take(discord.ReadSigned(w, req))
}

// Take answers a request whose body was read already; nil: it had none.
func (h *Interactions) Take(method string, header http.Header, body []byte) Answer {
	if method != http.MethodPost {
		return Answer{Status: http.StatusMethodNotAllowed}
	}
	return h.take(discord.SignedFrom(header, body))
}

func (h *Interactions) take(signed world.Signed, err error) Answer {
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
	probe, err := h.verify(signed)
	if err != nil {
		h.Log.Info("interaction refused", "error", err)
		return Answer{Status: http.StatusUnauthorized}
	}
	i, err := discord.ParseInteraction(signed.Body)
	switch {
	case probe && (err != nil || i.Kind != discord.Ping):
		h.Log.Warn("probe refused: it asks for more than a PING")
		return Answer{Status: http.StatusUnauthorized}
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
	if h.NoToken {
		h.Log.Error("command refused: the bot's token is missing", "event_id", i.ID)
		return refuse(words.NoToken())
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

// verify says whether the probe signed it, and not Discord.
func (h *Interactions) verify(signed world.Signed) (probe bool, err error) {
	now := h.Clock.Now()
	if err = h.Verifier.Verify(signed, now); err == nil || h.Probe == nil {
		return false, err
	}
	if h.Probe.Verify(signed, now) == nil {
		return true, nil
	}
	return false, err
}

func refuse(say world.Say) Answer {
	return Answer{Status: http.StatusOK, Body: discord.Refusal(say.Text)}
}
