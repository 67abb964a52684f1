// Package panel is the panel beside the pretend Discord's channel: it shows
// what a playground's world does and holds the levers that do something to it.
//
// The page is told by server-sent events: one whole Snapshot on each change,
// at most ten a second. It asks by POST. There is no other state here: the
// Playground is the truth, and a page that reconnects is up to date with the
// first event.
package panel

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
)

// Playground is the pretend world that the panel shows and shakes. All
// methods are safe for concurrent use.
type Playground interface {
	// Snapshot is the present. An error is told on the page as trouble and
	// logged.
	Snapshot(ctx context.Context) (Snapshot, error)
	// Row reads one world's row, by the world's id; a *Refusal if there is no
	// such world.
	Row(ctx context.Context, world string) (WorldRow, error)
	// Changes sends whenever a new Snapshot may differ from the last, and is
	// closed when ctx is done. Each call is a subscription of its own. Sends
	// may be dropped while one is waiting to be received.
	Changes(ctx context.Context) <-chan struct{}
	// Pull does what the lever says. The lever is valid in itself; whether it
	// makes sense now is the Playground's to judge, with a *Refusal.
	Pull(ctx context.Context, l Lever) error
	// SetSpeed makes the playground's clock run speed times as fast as the
	// wall's, MinSpeed to MaxSpeed.
	SetSpeed(speed float64) error
	// Reset puts out the fire and forgets everything.
	Reset(ctx context.Context) error
}

// Bounds of the speed that a page may ask for.
const (
	MinSpeed = 1
	MaxSpeed = 100
)

//go:embed panel.html panel.css panel.js
var assets embed.FS

// Panel serves one Playground. It is safe for concurrent use.
type Panel struct {
	play Playground
	log  *slog.Logger
	html template.HTML
}

// New makes the panel of a playground. It panics only if the page it embeds
// is broken.
func New(p Playground, log *slog.Logger) *Panel {
	t := template.Must(template.ParseFS(assets, "panel.html"))
	var page bytes.Buffer
	if err := t.Execute(&page, layout()); err != nil {
		panic(fmt.Sprintf("panel: execute panel.html: %v", err))
	}
	return &Panel{
		play: p,
		log:  log,
		html: template.HTML(page.String()), //nolint:gosec // made by html/template from embedded text alone
	}
}

// HTML is the panel's markup, to be put into a page that is served from the
// same origin as Handler. It loads its own style and script.
func (p *Panel) HTML() template.HTML { return p.html }

// Handler serves what HTML needs. Mount it at /panel/, with that prefix
// stripped or not. Its event streams last until the request's context ends:
// give the server a BaseContext that is cancelled before Shutdown, or Shutdown
// waits for every open page.
func (p *Panel) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /panel.css", p.asset("panel.css"))
	mux.HandleFunc("GET /panel.js", p.asset("panel.js"))
	mux.HandleFunc("GET /events", p.events)
	mux.HandleFunc("GET /rows/{world}", p.row)
	mux.HandleFunc("POST /lever", p.lever)
	mux.HandleFunc("POST /speed", p.speed)
	mux.HandleFunc("POST /reset", p.reset)
	stripped := http.StripPrefix("/panel", mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/panel/") {
			stripped.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
