package web

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/guild"
)

//go:embed index.html *.css *.js
var files embed.FS

// Panel is what stands beside the channel on the page. It may be zero.
type Panel struct {
	HTML template.HTML // written into the page as it is
	// Handler is mounted at /panel/ and sees paths without that prefix.
	Handler http.Handler
}

// pageData is what the page's template is given.
type pageData struct {
	GuildName   string
	ChannelName string
	PanelHTML   template.HTML
}

// heartbeat is how often an idle event stream says that it lives, so that
// neither end takes it for dead.
const heartbeat = 15 * time.Second

// contentPolicy lets the page run its own files only, so that a name or text
// could do nothing even if the page put it in the wrong place.
const contentPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// Options are what a face needs beside its Discord.
type Options struct {
	Clock simdiscord.Clock // of event streams; required
	Panel Panel
	Log   *slog.Logger // default: nowhere
}

// Handler is the HTTP face of d: the REST API under /api/v10/, the page at /
// with its files under /web/, its endpoints under /page/ and the panel under
// /panel/. Page and panel refuse requests that another site's page sends.
func Handler(d *simdiscord.Discord, o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	f := &face{discord: d, opts: o}
	page := http.NewServeMux()
	page.HandleFunc("GET /{$}", f.servePage())
	page.HandleFunc("GET /web/", serveFiles)
	page.HandleFunc("GET /page/events", f.serveEvents)
	page.HandleFunc("POST /page/interact", f.serveInteract)
	page.HandleFunc("POST /page/say", f.serveSay)
	if o.Panel.Handler != nil {
		page.Handle("/panel/", http.StripPrefix("/panel", o.Panel.Handler))
	}
	mux := http.NewServeMux()
	mux.HandleFunc(simdiscord.APIPrefix+"/", f.serveAPI)
	mux.Handle("/", http.NewCrossOriginProtection().Handler(page))
	return mux
}

// face is the HTTP face of one Discord.
type face struct {
	discord *simdiscord.Discord
	opts    Options
}

// maxBody bounds a body of the REST API or of an endpoint's answer, in bytes.
const maxBody = 1 << 20

// serveAPI is the REST API.
func (f *face) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "Request entity too large", http.StatusRequestEntityTooLarge)
		return
	}
	a, err := f.discord.Call(r.Context(), r.Method, r.URL.RequestURI(), r.Header, body)
	if err != nil {
		// The caller is gone or the answer is to be lost; net/http's way to
		// cut the connection without an answer is this panic.
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // a caller that has gone needs no answer
}

func (f *face) servePage() http.HandlerFunc {
	page := template.Must(template.ParseFS(files, "index.html"))
	data := pageData{GuildName: f.discord.Guild().Name, ChannelName: f.discord.Channels()[0].Name, PanelHTML: f.opts.Panel.HTML}
	return func(w http.ResponseWriter, _ *http.Request) {
		var out bytes.Buffer
		if err := page.Execute(&out, data); err != nil {
			f.opts.Log.Error("page template failed", slog.Any("error", err))
			http.Error(w, "The page could not be drawn; the log says why.", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", contentPolicy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(out.Bytes()) // a browser that has gone needs no page
	}
}

// serveFiles serves the page's files, but not the template itself.
func serveFiles(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/web/" || r.URL.Path == "/web/index.html" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.StripPrefix("/web/", http.FileServerFS(files)).ServeHTTP(w, r)
}

// serveEvents is the page's event stream: hello, then what happens.
func (f *face) serveEvents(w http.ResponseWriter, r *http.Request) {
	snapshot, seq, events, cancel := f.discord.Subscribe()
	defer cancel()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Time{}) // not every server has one; then there is nothing to lift
	if err := writeEvent(w, rc, seq, "hello", snapshot); err != nil {
		return // the browser is gone
	}
	beat := f.opts.Clock.After(heartbeat)
	for {
		var err error
		select {
		case e, ok := <-events:
			if !ok {
				return // closed or too far behind: the browser connects again
			}
			err = writeEvent(w, rc, e.Seq, string(e.Kind), data(e))
		case <-beat:
			f.discord.Sweep()
			beat = f.opts.Clock.After(heartbeat)
			if _, err = io.WriteString(w, ": alive\n\n"); err == nil {
				err = rc.Flush()
			}
		case <-r.Context().Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// data is an event's JSON value on the stream.
func data(e simdiscord.Event) any {
	switch e.Kind {
	case guild.EventMessage, guild.EventMessageUpdate:
		return e.Message
	case guild.EventMessageDelete:
		return map[string]string{"id": e.Deleted}
	case guild.EventInteraction:
		return e.Interaction
	case guild.EventCommands:
		return e.Commands
	default:
		return struct{}{}
	}
}

// writeEvent writes one event. JSON has no line breaks, as the format needs.
func writeEvent(w io.Writer, rc *http.ResponseController, id int64, name string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", name, err)
	}
	if _, err := fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", id, name, b); err != nil {
		return fmt.Errorf("write event %s: %w", name, err)
	}
	return rc.Flush()
}

// serveInteract begins an interaction; how it ends is told on the stream.
func (f *face) serveInteract(w http.ResponseWriter, r *http.Request) {
	var req simdiscord.Request
	if !readPage(w, r, &req) {
		return
	}
	ctx := context.WithoutCancel(r.Context()) // the person may close the page
	if err := f.discord.Begin(ctx, req); err != nil {
		refusePage(w, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// serveSay posts a person's own message.
func (f *face) serveSay(w http.ResponseWriter, r *http.Request) {
	var req struct {
		User    string `json:"user"`
		Channel string `json:"channel"`
		Content string `json:"content"`
	}
	if !readPage(w, r, &req) {
		return
	}
	if _, err := f.discord.Say(req.User, req.Channel, req.Content); err != nil {
		refusePage(w, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// maxPageBody bounds what the page may send, in bytes.
const maxPageBody = 64 << 10

func readPage(w http.ResponseWriter, r *http.Request, into any) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPageBody))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("the request is not the JSON it should be (%v)", err))
		return false
	}
	return true
}

func refusePage(w http.ResponseWriter, why error) {
	if e, ok := errors.AsType[*simdiscord.RequestError](why); ok {
		refuse(w, http.StatusBadRequest, e.Text)
		return
	}
	refuse(w, http.StatusInternalServerError, "That did not work on this side.")
}

// refuse tells the page in a sentence what was wrong.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A browser that has gone needs no answer.
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}
