package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"hearth/internal/probe"
	"hearth/internal/settings"
)

const (
	appWithin = 20 * time.Second // an app that sleeps takes some seconds
	maxAnswer = 64 << 10         // bytes of the app's that are read
)

// checkApp asks the app where Discord asks it.
func (e *examination) checkApp(ctx context.Context, f *findings) {
	const refuses, answers, health = "endpoint refuses strangers", "endpoint answers", "app"
	because := e.noChat
	var u *url.URL
	if e.chat != nil {
		app, err := e.app()
		switch {
		case err != nil:
			because = "Discord does not tell where it is"
		case app.InteractionsURL == "":
			because = "Discord has no address of it"
		default:
			if u, err = probe.ParseURL(app.InteractionsURL); err != nil {
				because = "its address is none"
			}
		}
	}
	if u == nil {
		for _, about := range []string{refuses, answers, health} {
			f.unknown(about, "%s", because)
		}
		return
	}
	e.checkRefuses(ctx, f, refuses, u)
	e.checkAnswers(ctx, f, answers, u)
	e.checkHealth(ctx, f, health, u)
}

// ask makes one request to the app.
func (e *examination) ask(ctx context.Context, method, address, body string) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, appWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("ask the app: %w", err)
	}
	req.Header.Set("User-Agent", "hearth-doctor/"+e.Version)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	transport := e.HTTP
	if transport == nil {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(req) // a redirect is an answer, too
	if err != nil {
		return 0, nil, fmt.Errorf("ask the app: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // read
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("ask the app: %w", err)
	}
	return resp.StatusCode, answer, nil
}

// silence is what a request without an answer means.
func silence(u *url.URL, err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("%s does not answer within %s: look at the app's log (Log stream) and restart it", u.Host, appWithin)
	}
	return fmt.Sprintf("%s can't be reached: check that the app runs and that the address is its own", u.Host)
}

// checkRefuses: Discord sends bad signatures on purpose, and takes an address
// away that does not refuse them.
func (e *examination) checkRefuses(ctx context.Context, f *findings, about string, u *url.URL) {
	status, _, err := e.ask(ctx, http.MethodPost, u.String(), `{"type":1}`)
	switch {
	case err != nil:
		f.wrong(about, "%s", silence(u, err))
	case status == http.StatusUnauthorized:
		f.ok(about, "an unsigned request gets 401")
	case status == http.StatusNotFound:
		f.wrong(about, "there is no such function at %s (404): check that Interactions Endpoint URL ends in /api/interactions and that the package is deployed", shownURL(u.String()))
	case status >= 500:
		f.wrong(about, "the app answers %d: look at its log; it names the settings that are wrong", status)
	default:
		f.wrong(about, "an unsigned request gets %d in place of 401, and Discord will take the address away: check that %s is Hearth's", status, shownURL(u.String()))
	}
}

// checkAnswers asks as Discord would, with a key that may ask nothing else.
func (e *examination) checkAnswers(ctx context.Context, f *findings, about string, u *url.URL) {
	if e.Probe == nil {
		f.unknown(about, "no key for it was given: hearth probe --new-key FILE makes one and says where it goes; then add --probe-key FILE")
		return
	}
	p := &probe.Prober{URL: u, Key: *e.Probe, Clock: e.Clock, Timeout: appWithin, Agent: "hearth-doctor/" + e.Version}
	if e.HTTP != nil {
		p.Transport = func() http.RoundTripper { return e.HTTP }
	}
	var result *probe.Result
	p.Run(ctx, probe.Schedule{0}, func(r probe.Result) { result = &r })
	switch {
	case result == nil:
		f.unknown(about, "it was broken off")
	case result.Err != nil:
		f.wrong(about, "%s (is %s=%s among the app's settings?)", result.Err, settings.ProbeKey, e.Probe.Public())
	case !result.InTime():
		f.wrong(about, "it took %s, and Discord waits %s: try again; if it stays so, look at the app's plan and region", result.Took.Round(time.Millisecond), probe.Limit)
	default:
		f.ok(about, "a signed PING gets its answer within Discord's %s", probe.Limit)
	}
}

// report is what the app's health function tells.
type report struct {
	Version  string
	Worlds   []string
	Settings map[string]bool
}

// checkHealth compares what the app was given with the settings here.
func (e *examination) checkHealth(ctx context.Context, f *findings, about string, u *url.URL) {
	address := *u
	address.RawQuery = ""
	if at := strings.LastIndex(address.Path, "/"); at >= 0 {
		address.Path = address.Path[:at] + "/health"
	}
	status, body, err := e.ask(ctx, http.MethodGet, address.String(), "")
	var r report
	switch {
	case err != nil:
		f.wrong(about, "%s", silence(u, err))
		return
	case status != http.StatusOK:
		f.wrong(about, "its health function answers %d: check that the whole package is deployed", status)
		return
	case json.Unmarshal(body, &r) != nil || r.Version == "":
		f.wrong(about, "%s is not Hearth's health function: check that the whole package is deployed", address.Redacted())
		return
	}
	var differ []string
	here := map[string]bool{}
	for _, w := range e.c.Worlds {
		here[w.ID] = true
	}
	for _, id := range r.Worlds {
		if !here[id] {
			differ = append(differ, "it has world "+shown(id)+", which "+settings.Worlds+" has not here")
		}
		delete(here, id)
	}
	for _, id := range slices.Sorted(maps.Keys(here)) {
		differ = append(differ, "it has no world "+id)
	}
	for _, name := range slices.Sorted(maps.Keys(e.c.Set)) {
		if is, known := r.Settings[name]; known && !is && e.c.Set[name] {
			differ = append(differ, "it has no "+name)
		}
	}
	if len(differ) > 0 && !e.noWorld {
		f.wrong(about, "hearth-bot %s runs with other settings than these: %s. Put these into the app's settings, or bring these up to date", shown(r.Version), strings.Join(differ, "; "))
		return
	}
	f.ok(about, "hearth-bot %s runs, with %s", shown(r.Version), count(len(r.Worlds), "world", "worlds"))
}
