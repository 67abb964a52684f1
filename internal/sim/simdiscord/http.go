package simdiscord

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"time"
)

//go:embed web
var web embed.FS

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

// Handler is the HTTP face: the REST API under /api/v10/, the page at / with
// its files under /web/, its endpoints under /page/ and the panel under
// /panel/. Page and panel refuse requests that another site's page sends.
func (d *Discord) Handler(panel Panel) http.Handler {
	page := http.NewServeMux()
	page.HandleFunc("GET /{$}", d.servePage(panel))
	page.Handle("GET /web/", serveAssets())
	page.HandleFunc("GET /page/events", d.serveEvents)
	page.HandleFunc("POST /page/interact", d.serveInteract)
	page.HandleFunc("POST /page/say", d.serveSay)
	if panel.Handler != nil {
		page.Handle("/panel/", http.StripPrefix("/panel", panel.Handler))
	}
	mux := http.NewServeMux()
	mux.HandleFunc(APIPrefix+"/", d.serveAPI)
	mux.Handle("/", http.NewCrossOriginProtection().Handler(page))
	return mux
}

// serveAPI is the REST API.
func (d *Discord) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "Request entity too large", http.StatusRequestEntityTooLarge)
		return
	}
	a, err := d.Call(r.Context(), r.Method, r.URL.RequestURI(), r.Header, body)
	if err != nil {
		// The caller is gone or the answer is to be lost; net/http's way to
		// cut the connection without an answer is this panic.
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // a caller that has gone needs no answer
}

func (d *Discord) servePage(panel Panel) http.HandlerFunc {
	page := template.Must(template.ParseFS(web, "web/index.html"))
	data := pageData{GuildName: d.opts.GuildName, ChannelName: d.opts.ChannelName, PanelHTML: panel.HTML}
	return func(w http.ResponseWriter, _ *http.Request) {
		var out bytes.Buffer
		if err := page.Execute(&out, data); err != nil {
			d.opts.Log.Error("page template failed", slog.Any("error", err))
			http.Error(w, "The page could not be drawn; the log says why.", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", contentPolicy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(out.Bytes()) // a browser that has gone needs no page
	}
}

// serveAssets serves the page's files, but not the template itself.
func serveAssets() http.Handler {
	files, err := fs.Sub(web, "web")
	if err != nil {
		panic("simdiscord: embedded files: " + err.Error()) // programmer error
	}
	serve := http.StripPrefix("/web/", http.FileServerFS(files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/web/" || r.URL.Path == "/web/index.html" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		serve.ServeHTTP(w, r)
	})
}

// serveEvents is the page's event stream: hello, then what happens.
func (d *Discord) serveEvents(w http.ResponseWriter, r *http.Request) {
	snapshot, seq, events, cancel := d.Subscribe()
	defer cancel()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Time{}) // not every server has one; then there is nothing to lift
	if err := writeEvent(w, rc, seq, "hello", snapshot); err != nil {
		return // the browser is gone
	}
	beat := d.opts.Clock.After(heartbeat)
	for {
		var err error
		select {
		case e, ok := <-events:
			if !ok {
				return // closed or too far behind: the browser connects again
			}
			err = writeEvent(w, rc, e.Seq, string(e.Kind), e.data())
		case <-beat:
			d.tidy()
			beat = d.opts.Clock.After(heartbeat)
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

// tidy ends what time has ended, for pages that only listen.
func (d *Discord) tidy() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep()
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
func (d *Discord) serveInteract(w http.ResponseWriter, r *http.Request) {
	var req Request
	if !readPage(w, r, &req) {
		return
	}
	ir, body, err := d.begin(req)
	if err != nil {
		refusePage(w, err)
		return
	}
	ctx := context.WithoutCancel(r.Context()) // the person may close the page
	if !d.background(func() { d.finish(ctx, ir, body) }) {
		d.settle(ir, result{err: errClosed})
	}
	w.WriteHeader(http.StatusAccepted)
}

// background runs f unless Close was called, and lets Close wait for it.
func (d *Discord) background(f func()) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.running.Go(f)
	return true
}

// serveSay posts a person's own message.
func (d *Discord) serveSay(w http.ResponseWriter, r *http.Request) {
	var req struct {
		User    string `json:"user"`
		Channel string `json:"channel"`
		Content string `json:"content"`
	}
	if !readPage(w, r, &req) {
		return
	}
	if _, err := d.Say(req.User, req.Channel, req.Content); err != nil {
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
		refusePage(w, impossible("the request is not the JSON it should be (%v)", err))
		return false
	}
	return true
}

func refusePage(w http.ResponseWriter, why error) {
	status, text := http.StatusInternalServerError, "That did not work on this side."
	if e, ok := errors.AsType[*requestError](why); ok {
		status, text = http.StatusBadRequest, e.text
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A browser that has gone needs no answer.
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}
