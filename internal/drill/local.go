package drill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hearth/internal/world"
)

const (
	askWithin = 10 * time.Second // one question to a Hearth
	maxAnswer = 256 << 10        // a row has 31 KB
)

// Local is a world of a `hearth up` that runs.
type Local struct {
	url   *url.URL
	world string
}

var _ Site = (*Local)(nil)

// NewLocal takes the address of the page, such as http://127.0.0.1:8080, and the
// world's id. It makes no call.
func NewLocal(at, worldID string) (*Local, error) {
	if !strings.Contains(at, "://") {
		at = "http://" + at
	}
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%q is no address of a page of hearth up: it prints one such as http://127.0.0.1:8080", at)
	}
	return &Local{&url.URL{Scheme: "http", Host: u.Host}, worldID}, nil
}

// Look implements Site.
func (l *Local) Look(ctx context.Context) (Look, error) {
	body, err := l.ask(ctx, http.MethodGet, l.url.JoinPath("panel", "rows", l.world), nil)
	if err != nil {
		return Look{}, err
	}
	var doc struct {
		Now   time.Time
		World struct{ Name string }
		Row   struct{ JSON json.RawMessage }
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return Look{}, l.stranger()
	}
	s, err := world.DecodeState(doc.Row.JSON)
	if errors.Is(err, world.ErrSchema) {
		return Look{}, fmt.Errorf("the Hearth at %s is of another version than this program", l.url)
	}
	if err != nil {
		return Look{}, l.stranger()
	}
	return Look{Now: doc.Now, World: doc.World.Name, State: s}, nil
}

// Evict implements Site, with the page's own lever.
func (l *Local) Evict(ctx context.Context, _ world.State) error {
	lever, err := json.Marshal(map[string]string{"name": "evict", "world": l.world})
	if err != nil {
		return err
	}
	_, err = l.ask(ctx, http.MethodPost, l.url.JoinPath("panel", "lever"), lever)
	return err
}

// ask asks the Hearth; what it refuses, it refuses in a sentence.
func (l *Local) ask(ctx context.Context, method string, at *url.URL, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req) // no proxy: it is this machine's
	if err != nil {
		return nil, fmt.Errorf("there is no Hearth at %s: `hearth up` starts one, and --at says where its page is", l.url)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("the Hearth at %s broke off in its answer", l.url)
	}
	var refusal struct{ Error string }
	switch {
	case resp.StatusCode/100 == 2:
		return answer, nil
	case resp.StatusCode == http.StatusServiceUnavailable:
		return nil, fmt.Errorf("the Hearth at %s is just starting: try again in a moment", l.url)
	case json.Unmarshal(answer, &refusal) == nil && refusal.Error != "":
		return nil, errors.New(world.Visible(refusal.Error, 400))
	}
	return nil, l.stranger()
}

// stranger: something else listens there, or an older Hearth.
func (l *Local) stranger() error {
	return fmt.Errorf("what answers at %s is no `hearth up` of this version: --at says where the page is", l.url)
}
