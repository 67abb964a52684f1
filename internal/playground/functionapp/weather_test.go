package functionapp_test

import (
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hearth/internal/sim/azurite"
)

// weather stands between a storage account and everybody who uses it.
type weather struct {
	connection string
	writes     atomic.Int64 // of rows, that succeeded

	mu            sync.Mutex // guards what follows
	rng           *rand.Rand
	refuse, lose  float64 // parts of the requests
	refused, lost int
}

func newWeather(t testing.TB, s *azurite.Server) *weather {
	t.Helper()
	w := &weather{rng: rand.New(rand.NewPCG(1, 2))}
	front := func(to string) string {
		target, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(w.before(target))
		t.Cleanup(server.Close)
		return server.URL + target.Path
	}
	w.connection = azurite.ConnectionString(front(s.BlobURL), front(s.QueueURL), front(s.TableURL))
	return w
}

// set makes parts of the requests be refused, and of the rest lose their reply
// after they were carried out.
func (w *weather) set(refuse, lose float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse, w.lose = refuse, lose
}

func (w *weather) seen() (refused, lost int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused, w.lost
}

func (w *weather) draw() (refuse, lose bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	refuse = w.rng.Float64() < w.refuse
	lose = !refuse && w.rng.Float64() < w.lose
	if refuse {
		w.refused++
	}
	if lose {
		w.lost++
	}
	return refuse, lose
}

func (w *weather) before(target *url.URL) http.Handler {
	proxy := &httputil.ReverseProxy{
		ErrorLog: log.New(io.Discard, "", 0), // whoever asked may be killed
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			r.Out.Host = r.In.Host
		},
	}
	proxy.ModifyResponse = func(resp *http.Response) error {
		if strings.Contains(resp.Request.URL.Path, "/worlds") && resp.Request.Method != http.MethodGet && resp.StatusCode/100 == 2 {
			w.writes.Add(1)
		}
		return nil
	}
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		refuse, lose := w.draw()
		switch {
		case refuse:
			out.Header().Set("X-Ms-Error-Code", "ServerBusy")
			out.Header().Set("Content-Type", "application/xml")
			out.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(out, `<?xml version="1.0" encoding="utf-8"?><Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>`)
		case lose:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) // the connection is cut
		default:
			proxy.ServeHTTP(out, r)
		}
	})
}
