package simdiscord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"hearth/internal/sim/simdiscord/form"
)

// APIPrefix is the path under which the REST API lies.
const APIPrefix = "/api/v10"

// maxBody bounds a request's body, in bytes.
const maxBody = 1 << 20

// Answer is what the REST API answers.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// reply is an answer under construction; a nil body is an empty one, []byte
// is written as it is and anything else as JSON.
type reply struct {
	status int
	body   any
	header http.Header
	// then, if set, makes the real reply, with d.mu free: it takes its time.
	then func(ctx context.Context) reply
}

func success(body any) reply { return reply{status: http.StatusOK, body: body} }

// refusal is Discord's JSON form of an error.
func refusal(status, code int, message string) reply {
	return reply{status: status, body: map[string]any{"message": message, "code": code}}
}

// invalid refuses a body for an error of package form.
func invalid(why error) reply {
	switch p, isForm := errors.AsType[*form.Problems](why); {
	case isForm:
		return reply{status: http.StatusBadRequest, body: map[string]any{"message": "Invalid Form Body", "code": 50035, "errors": p}}
	case errors.Is(why, form.ErrTooManyCommands):
		return refusal(http.StatusBadRequest, 30032, "Maximum number of application commands reached (100)")
	default:
		return refusal(http.StatusBadRequest, 50109, "The request body contains invalid JSON.")
	}
}

func notFound() reply { return refusal(http.StatusNotFound, 0, "404: Not Found") }

// userAgent is the form that Discord demands of bots.
var userAgent = regexp.MustCompile(`^DiscordBot \([^,()]+, [^()]+\)`)

// Call carries out one REST request; path begins with APIPrefix and may end
// in a query. Everything that Discord would refuse is an Answer; the error is
// ErrReplyLost or ctx's. It needs no socket, so it works inside a synctest
// bubble.
func (d *Discord) Call(ctx context.Context, method, path string, header http.Header, body []byte) (Answer, error) {
	d.mu.Lock()
	slow := d.levers.slow
	d.mu.Unlock()
	if slow > 0 {
		select {
		case <-d.opts.Clock.After(slow):
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return Answer{}, fmt.Errorf("call %s: %w", method, err)
	}

	d.mu.Lock()
	defer d.leave()
	d.sweep()
	headers := http.Header{}
	r := d.answer(method, path, header, body, headers)
	if r.then != nil {
		d.mu.Unlock()
		r = r.then(ctx)
		d.mu.Lock()
	}
	if err := d.keep(); err != nil {
		r = refusal(http.StatusInternalServerError, 0, "500: Internal Server Error")
	}
	d.count(r)
	if method != http.MethodGet && r.status < 300 && d.levers.drop > 0 {
		d.levers.drop--
		return Answer{}, fmt.Errorf("call %s: %w", method, ErrReplyLost)
	}
	return r.finish(headers)
}

// count keeps the books about an answer. d.mu is held.
func (d *Discord) count(r reply) {
	d.stats.Calls++
	if r.status == http.StatusTooManyRequests {
		d.stats.Limited++
	}
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		if r.header.Get("X-RateLimit-Scope") != "shared" {
			d.stats.Invalid++
			d.limits.invalid.Used++
		}
	}
}

func (r reply) finish(headers http.Header) (Answer, error) {
	a := Answer{Status: r.status, Header: headers}
	maps.Copy(a.Header, r.header)
	if r.header.Get("X-RateLimit-Global") != "" {
		for _, k := range []string{"Limit", "Remaining", "Reset", "Reset-After", "Bucket"} {
			a.Header.Del("X-RateLimit-" + k)
		}
	}
	switch body := r.body.(type) {
	case nil:
	case []byte:
		a.Header.Set("Content-Type", "text/html; charset=UTF-8")
		a.Body = body
	default:
		var err error
		if a.Body, err = json.Marshal(body); err != nil {
			return Answer{}, fmt.Errorf("encode answer: %w", err)
		}
		a.Header.Set("Content-Type", "application/json")
	}
	return a, nil
}

// call is a request on its way to its route.
type call struct {
	method string
	parts  []string // of the path after APIPrefix
	query  url.Values
	body   []byte
}

// answer checks a request in Discord's order and hands it to its route. It
// writes the rate limit headers to h. d.mu is held.
func (d *Discord) answer(method, path string, header http.Header, body []byte, h http.Header) reply {
	now := d.opts.Clock.Now()
	d.limits.invalid.roll(now, banPeriod)
	if d.limits.invalid.Used >= banLimit {
		return reply{status: http.StatusTooManyRequests, body: []byte("<html><body>error code: 1015</body></html>\n")}
	}
	if !userAgent.MatchString(header.Get("User-Agent")) {
		return refusal(http.StatusForbidden, 40333, "internal network error")
	}
	if d.levers.fail > 0 {
		d.levers.fail--
		return reply{status: d.levers.failStatus, body: map[string]any{
			"message": fmt.Sprintf("%d: %s", d.levers.failStatus, http.StatusText(d.levers.failStatus)), "code": 0,
		}}
	}
	if wait := d.levers.limitUntil.Sub(now); wait > 0 {
		return limited(wait, "global", 0)
	}
	c, ok := parseCall(method, path, body)
	if !ok {
		return notFound()
	}
	rt, ok := d.route(c)
	if !ok {
		return notFound()
	}
	if rt.handle == nil {
		return refusal(http.StatusMethodNotAllowed, 0, "405: Method Not Allowed")
	}
	if rt.bot {
		if header.Get("Authorization") != "Bot "+d.opts.BotToken {
			return refusal(http.StatusUnauthorized, 0, "401: Unauthorized")
		}
		if !d.limits.global.take(now, 1, globalLimit, globalPeriod) {
			return limited(d.limits.global.left(now, globalPeriod), "global", 0)
		}
	}
	if r, ok := d.levers.limit(c, rt.quota, now, h); ok {
		return r
	}
	if !d.limits.spend(now, rt.quota, h) {
		return limited(d.limits.buckets[rt.quota.key].left(now, rt.quota.period), "user", 0)
	}
	if len(body) > 0 {
		if kind, _, err := mime.ParseMediaType(header.Get("Content-Type")); err != nil || kind != "application/json" {
			var p form.Problems
			p.Add(nil, "CONTENT_TYPE_INVALID", `Expected "Content-Type" header to be one of {'application/json'}.`)
			return invalid(&p)
		}
	}
	return rt.handle()
}

func parseCall(method, path string, body []byte) (call, bool) {
	u, err := url.ParseRequestURI(path)
	if err != nil {
		return call{}, false
	}
	rest, ok := strings.CutPrefix(u.Path, APIPrefix+"/")
	if !ok {
		return call{}, false
	}
	return call{method: method, parts: strings.Split(rest, "/"), query: u.Query(), body: body}, true
}

// route is what a request asks for; a nil handle is a method that the path
// does not know.
type route struct {
	bot    bool // needs the bot's token, and counts toward the global limit
	quota  quota
	handle func() reply
}

// Budgets of the routes.
const (
	messageLimit  = 5
	messagePeriod = 5 * time.Second
	webhookLimit  = 5
	webhookPeriod = 2 * time.Second
	readLimit     = 30
	readPeriod    = 10 * time.Second
)

// route finds a request's route. d.mu is held.
func (d *Discord) route(c call) (route, bool) {
	p := c.parts
	is := func(shape ...string) bool {
		if len(p) != len(shape) {
			return false
		}
		for i, s := range shape {
			if p[i] == "" || s != "*" && s != p[i] {
				return false
			}
		}
		return true
	}
	switch {
	case is("channels", "*", "messages"), is("channels", "*", "messages", "*"):
		return route{
			bot:    true,
			quota:  quota{fmt.Sprintf("%s channels/%s/messages %d", c.method, p[1], len(p)), messageLimit, messagePeriod},
			handle: d.channelRoute(c),
		}, true
	case is("webhooks", "*", "*"), is("webhooks", "*", "*", "messages", "*"):
		return route{
			quota:  quota{"webhooks/" + p[1] + "/" + p[2], webhookLimit, webhookPeriod},
			handle: d.webhookRoute(c),
		}, true
	case is("applications", "*", "guilds", "*", "commands"), is("applications", "*", "guilds", "*", "commands", "*"):
		return route{
			bot:    true,
			quota:  quota{fmt.Sprintf("%s commands %d", c.method, len(p)), messageLimit, messagePeriod},
			handle: d.commandRoute(c),
		}, true
	case is("users", "@me"), is("users", "@me", "guilds"), is("applications", "@me"), is("guilds", "*"), is("guilds", "*", "roles"), is("guilds", "*", "channels"), is("guilds", "*", "members", "*"), is("channels", "*"):
		return route{
			bot:    true,
			quota:  quota{c.method + " " + p[0] + " " + p[len(p)-1], readLimit, readPeriod},
			handle: d.readRoute(c),
		}, true
	}
	return route{}, false
}

// Transport is an http.RoundTripper to this Discord's REST API without a
// socket; the address's host does not matter. A lost reply is an error.
func (d *Discord) Transport() http.RoundTripper { return transport{d} }

type transport struct{ d *Discord }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(io.LimitReader(r.Body, maxBody))
		_ = r.Body.Close() // a body in memory; there is nothing left to learn from it
		if err != nil {
			return nil, fmt.Errorf("read request body: %w", err)
		}
	}
	a, err := t.d.Call(r.Context(), r.Method, r.URL.RequestURI(), r.Header, body)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status)),
		StatusCode:    a.Status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.Header,
		Body:          io.NopCloser(bytes.NewReader(a.Body)),
		ContentLength: int64(len(a.Body)),
		Request:       r,
	}, nil
}
