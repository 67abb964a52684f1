package panel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
)

// maxBody bounds what a page may send.
const maxBody = 4 << 10

func (p *Panel) asset(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// Without it the browser may keep last week's script beside a new page.
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if t := mime.TypeByExtension(path.Ext(name)); t != "" {
			w.Header().Set("Content-Type", t)
		}
		http.ServeFileFS(w, r, assets, name)
	}
}

func (p *Panel) lever(w http.ResponseWriter, r *http.Request) {
	var l Lever
	if err := p.read(w, r, &l); err != nil {
		p.refuse(w, r, http.StatusBadRequest, err)
		return
	}
	if err := l.normalize(); err != nil {
		p.refuse(w, r, http.StatusBadRequest, err)
		return
	}
	p.answer(w, r, "pull lever", p.play.Pull(r.Context(), l))
}

// row gives a program what the drawer shows people.
func (p *Panel) row(w http.ResponseWriter, r *http.Request) {
	row, err := p.play.Row(r.Context(), r.PathValue("world"))
	if err != nil {
		p.answer(w, r, "read row", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := json.NewEncoder(w).Encode(row); err != nil {
		p.log.DebugContext(r.Context(), "whoever asked left before the answer", "error", err)
	}
}

func (p *Panel) speed(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Speed float64 `json:"speed"`
	}
	if err := p.read(w, r, &ask); err != nil {
		p.refuse(w, r, http.StatusBadRequest, err)
		return
	}
	if ask.Speed < MinSpeed || ask.Speed > MaxSpeed {
		p.refuse(w, r, http.StatusBadRequest, Refuse("The clock cannot run %v times as fast: choose %d to %d.", ask.Speed, MinSpeed, MaxSpeed))
		return
	}
	p.answer(w, r, "set speed", p.play.SetSpeed(ask.Speed))
}

func (p *Panel) reset(w http.ResponseWriter, r *http.Request) {
	var ask struct{}
	if err := p.read(w, r, &ask); err != nil {
		p.refuse(w, r, http.StatusBadRequest, err)
		return
	}
	p.answer(w, r, "reset", p.play.Reset(r.Context()))
}

// read checks where a request comes from and takes its JSON. Its error is a
// *Refusal.
func (p *Panel) read(w http.ResponseWriter, r *http.Request, into any) error {
	// Any page in the same browser can send a POST here; only our own may.
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return Refuse("This came from another site: use the panel's own page.")
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return Refuse("Send JSON, with Content-Type: application/json.")
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return Refuse("That is too much: at most %d bytes.", maxBody)
		}
		return Refuse("That is not the JSON it should be: %s.", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Refuse("There is text after the JSON: remove it.")
	}
	return nil
}

// answer tells the page how it went: 204, 409 with the playground's refusal,
// or 500 with a sentence that tells no internals.
func (p *Panel) answer(w http.ResponseWriter, r *http.Request, what string, err error) {
	var refusal *Refusal
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.As(err, &refusal):
		p.refuse(w, r, http.StatusConflict, refusal)
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		// The page is gone: nobody to tell.
	default:
		p.log.ErrorContext(r.Context(), "playground failed", "operation", what, "error", err)
		p.refuse(w, r, http.StatusInternalServerError, Refuse("The playground could not do that. Its log says why; Reset starts it afresh."))
	}
}

func (p *Panel) refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	body, mErr := json.Marshal(map[string]string{"error": err.Error()})
	if mErr != nil { // a string always marshals
		panic(fmt.Sprintf("panel: %v", mErr))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, wErr := w.Write(body); wErr != nil {
		p.log.DebugContext(r.Context(), "page left before its answer", "error", wErr)
	}
}
