package simdiscord

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"time"

	"hearth/internal/sim/simdiscord/form"
	"hearth/internal/sim/simdiscord/guild"
)

// TokenLife is how long an interaction's token works, counted from the
// interaction.
const TokenLife = 15 * time.Minute

// NotResponding is what Discord shows when an interaction got no answer in
// time or none that it could use, and in place of a deferred answer that
// never came.
const NotResponding = "The application did not respond"

// stage is how far an interaction is.
type stage string

const (
	stagePending  stage = "pending"  // with the endpoint: its token is not known yet
	stageAnswered stage = "answered" // its token works until TokenLife
	stageVoid     stage = "void"     // no good answer came: its token never works
)

// interaction is one use of a command or button.
type interaction struct {
	ID      string    `json:"id"`
	Token   string    `json:"token"`
	Made    time.Time `json:"made"`
	User    string    `json:"user"`
	Channel string    `json:"channel"`
	Nonce   string    `json:"nonce,omitempty"`
	Command string    `json:"command,omitempty"` // its name, or empty for a button
	Button  string    `json:"button,omitempty"`  // id of the button's message, or empty
	Stage   stage     `json:"stage"`
	// Original is the message that @original means, once answered.
	Original string `json:"original,omitempty"`

	probe bool // a bad signature follows this one
}

// newToken makes an interaction's token. It is as good as random to whoever
// does not have the seed, and the same in every run of a test.
func (d *Discord) newToken(id string) string {
	mac := hmac.New(sha256.New, d.opts.Seed)
	_, _ = mac.Write([]byte(id)) // never fails
	return base64.RawURLEncoding.EncodeToString(append([]byte("interaction:"+id+":"), mac.Sum(nil)...))
}

// byToken finds an interaction. d.mu is held.
func (d *Discord) byToken(token string) *interaction {
	for _, ir := range d.interactions {
		if ir.Token == token {
			return ir
		}
	}
	return nil
}

// Sweep ends what time has ended, and tells subscribers of it, for those who
// only listen. Whoever looks or calls has it done, too.
func (d *Discord) Sweep() {
	d.mu.Lock()
	defer d.leave()
	d.sweep()
}

// sweep ends what time has ended: deferred answers that never came, tokens,
// nonces. There is no timer behind it: whoever looks or calls sweeps first.
// d.mu is held.
func (d *Discord) sweep() {
	now := d.opts.Clock.Now()
	for _, id := range slices.Sorted(maps.Keys(d.interactions)) {
		ir := d.interactions[id]
		age := now.Sub(ir.Made)
		if age < TokenLife || ir.Stage == stagePending {
			continue
		}
		if m := d.guild.Find(ir.Original); m != nil && m.Thinking {
			m.Thinking = false
			m.Flags &^= guild.FlagLoading
			m.Content = NotResponding
			d.guild.Changed(m)
		}
		if age > 2*TokenLife {
			delete(d.interactions, id)
		}
	}
	maps.DeleteFunc(d.nonces, func(_ string, use nonceUse) bool { return now.Sub(use.At) >= nonceLife })
}

// webhookRoute handles the messages of an interaction, by its token alone.
// d.mu is held.
func (d *Discord) webhookRoute(c call) func() reply {
	message := ""
	if len(c.parts) == 5 {
		message = c.parts[4]
	}
	var handle func(ir *interaction) reply
	switch {
	case message == "" && c.method == http.MethodPost:
		handle = func(ir *interaction) reply { return d.followup(ir, c.body) }
	case message != "" && c.method == http.MethodPatch:
		handle = func(ir *interaction) reply {
			in, err := form.ReadDraft(c.body, form.Edit)
			if err != nil {
				return invalid(err)
			}
			m := d.ofInteraction(ir, message)
			if m == nil {
				return unknownMessage()
			}
			return d.edit(m, in)
		}
	case message != "" && c.method == http.MethodGet:
		handle = func(ir *interaction) reply {
			m := d.ofInteraction(ir, message)
			if m == nil {
				return unknownMessage()
			}
			return success(d.guild.MessageJSON(m))
		}
	case message != "" && c.method == http.MethodDelete:
		handle = func(ir *interaction) reply {
			m := d.ofInteraction(ir, message)
			if m == nil {
				return unknownMessage()
			}
			d.guild.Remove(m.ID)
			return reply{status: http.StatusNoContent}
		}
	default:
		return nil
	}
	return func() reply {
		ir, refused, ok := d.authorize(c.parts[1], c.parts[2])
		if !ok {
			return refused
		}
		return handle(ir)
	}
}

// authorize finds the interaction that a token opens now. d.mu is held.
func (d *Discord) authorize(application, token string) (ir *interaction, refused reply, ok bool) {
	unknown := refusal(http.StatusNotFound, 10015, "Unknown Webhook")
	if d.levers.lose > 0 {
		d.levers.lose--
		return nil, unknown, false
	}
	if application != d.opts.ApplicationID {
		return nil, unknown, false
	}
	ir = d.byToken(token)
	if ir == nil || ir.Stage != stagePending && !d.opts.Clock.Now().Before(ir.Made.Add(TokenLife)) {
		return nil, refusal(http.StatusUnauthorized, 50027, "Invalid Webhook Token"), false
	}
	if ir.Stage != stageAnswered {
		// The answer is still on its way, or it was void.
		return nil, unknown, false
	}
	return ir, reply{}, true
}

// ofInteraction finds one of an interaction's messages. d.mu is held.
func (d *Discord) ofInteraction(ir *interaction, message string) *guild.Stored {
	if message == "@original" {
		message = ir.Original
	}
	m := d.guild.Find(message)
	if m == nil || m.ID != ir.Original && m.Via != ir.ID {
		return nil
	}
	return m
}

// followup posts a further message of an interaction. Straight after a defer
// it fills in the deferred answer instead, which Discord calls deprecated but
// does. d.mu is held.
func (d *Discord) followup(ir *interaction, body []byte) reply {
	in, err := form.ReadDraft(body, form.Followup)
	if err != nil {
		return invalid(err)
	}
	if m := d.guild.Find(ir.Original); m != nil && m.Thinking {
		return d.edit(m, in)
	}
	m := d.interactionMessage(ir, in.Ephemeral())
	m.Interaction = nil
	if !m.Put(in) {
		return emptyMessage()
	}
	d.guild.Notify(m, in.Allowed, guild.UsersOnly(), true)
	d.guild.Add(m)
	return success(d.guild.MessageJSON(m))
}

// interactionMessage is a blank message that answers an interaction, seen by
// its user alone if it is ephemeral. d.mu is held.
func (d *Discord) interactionMessage(ir *interaction, ephemeral bool) *guild.Stored {
	m := d.guild.Blank(ir.Channel)
	m.Via = ir.ID
	if ephemeral {
		m.Flags |= guild.FlagEphemeral
		user := ir.User
		m.EphemeralTo = &user
	}
	if ir.Command != "" {
		p, _ := d.guild.Member(ir.User)
		m.Interaction = &guild.Invocation{User: guild.Named{ID: p.ID, Name: p.Name}, Name: ir.Command}
	}
	return m
}
