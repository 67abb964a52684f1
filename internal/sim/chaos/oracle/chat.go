package oracle

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"hearth/internal/sim/simdiscord"
)

// Call is a REST call that Discord carried out, whether or not its reply came
// back.
type Call struct {
	Method  string
	Path    string
	Body    []byte
	Message string // id of the message that it made or changed; empty: none, or unknown
}

// Said looks at what was said: no secret (P23), and nothing twice (P3).
func (w *Witness) Said(c Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("said %s %s %d bytes", c.Method, c.Path, len(c.Body))
	if hasSecret(c.Body) {
		w.violate("P23", "a secret stands in a message")
	}
	if id, ok := answerTo(c.Path); ok {
		w.told[id] = true
		return
	}
	if c.Method != "POST" {
		return
	}
	var post struct{ Content, Nonce string }
	_ = json.Unmarshal(c.Body, &post) // Discord took it, so it is one
	w.posted[post.Content] = w.o.Clock.Now()
	if post.Nonce == "" || c.Message == "" {
		return
	}
	made := w.nonces[post.Nonce]
	if made == nil {
		made = map[string]bool{}
		w.nonces[post.Nonce] = made
	}
	if !made[c.Message] {
		made[c.Message] = true
		w.counts.Messages++
	}
	if len(made) > 1 {
		w.violate("P3", "said twice: %q", post.Content)
	}
}

// answerTo reads out of a path which interaction's answer it is, if it is one.
// Discord's tokens tell their interaction.
func answerTo(path string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(path, simdiscord.APIPrefix+"/webhooks/"+simdiscord.DefaultApplicationID+"/")
	if !ok {
		return "", false
	}
	token, tail, _ := strings.Cut(rest, "/")
	if tail != "messages/@original" {
		return "", false
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", true
	}
	_, rest, _ = strings.Cut(string(b), ":")
	id, _, _ = strings.Cut(rest, ":")
	return id, true
}
