package playground_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/simdiscord"
)

// TestEndpointRefuses sends what Discord would not, to the endpoint of a
// playground that runs.
func TestEndpointRefuses(t *testing.T) {
	p := start(t, t.TempDir())
	defer end(t, p)
	ping := []byte(`{"id":"1","application_id":"` + simdiscord.DefaultApplicationID + `","type":1,"token":"t","version":1}`)
	now := time.Now()
	signed := p.Discord().Sign(now, ping)
	altered := bytes.Replace(ping, []byte(`"1"`), []byte(`"2"`), 1)
	for _, tt := range []struct {
		name   string
		method string
		header http.Header
		body   []byte
		want   int
	}{
		{"a ping", http.MethodPost, signed, ping, http.StatusOK},
		{"not signed", http.MethodPost, nil, ping, http.StatusUnauthorized},
		{"altered", http.MethodPost, signed, altered, http.StatusUnauthorized},
		{"no body", http.MethodPost, signed, nil, http.StatusUnauthorized},
		{"signed an hour ago", http.MethodPost, p.Discord().Sign(now.Add(-time.Hour), ping), ping, http.StatusUnauthorized},
		{"two megabytes", http.MethodPost, signed, bytes.Repeat([]byte("x"), 2<<20), http.StatusRequestEntityTooLarge},
		{"signed nonsense", http.MethodPost, p.Discord().Sign(now, []byte("{")), []byte("{"), http.StatusBadRequest},
		{"a GET", http.MethodGet, nil, nil, http.StatusMethodNotAllowed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := send(t, tt.method, p.URL()+"/api/interactions", "", tt.header, tt.body); got != tt.want {
				t.Errorf("got status %d, want %d", got, tt.want)
			}
		})
	}
}

// TestPageKnowsItsName: a name of somebody else's that leads here, as a
// rebinding attack makes it, opens nothing.
func TestPageKnowsItsName(t *testing.T) {
	p := start(t, t.TempDir())
	defer end(t, p)
	if got, body := send(t, http.MethodGet, p.URL()+"/", "evil.example:80", nil, nil); got != http.StatusMisdirectedRequest || !strings.Contains(body, "127.0.0.1") {
		t.Errorf("got %d %q, want 421 and the right name", got, body)
	}
	if got, _ := send(t, http.MethodGet, p.URL()+"/", "localhost:8080", nil, nil); got != http.StatusOK {
		t.Errorf("localhost: got %d, want 200", got)
	}
}

func send(t *testing.T, method, url, host string, header http.Header, body []byte) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header.Clone()
	}
	req.Host = host
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
