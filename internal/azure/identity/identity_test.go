package identity_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hearth/internal/azure/identity"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

const (
	storage  = "https://storage.azure.com"
	clientID = "01234567-89ab-cdef-0123-456789abcdef"
)

// platform is the identity endpoint of an app.
type platform struct {
	*httptest.Server
	clock *worldtest.Clock
	life  time.Duration
	asked atomic.Int64
	// answer replaces the right answer of the nth request; nil: none.
	answer func(n int64, w http.ResponseWriter) bool
	last   atomic.Pointer[http.Request]
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{clock: worldtest.NewClock(), life: time.Hour}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := p.asked.Add(1)
		p.last.Store(r)
		if p.answer != nil && p.answer(n, w) {
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token":"t0ken-%d","expires_on":"%d","token_type":"Bearer"}`, n, p.clock.Now().Add(p.life).Unix())
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *platform) credential() *identity.Credential {
	return identity.New(identity.Options{Endpoint: p.URL + "/msi/token/", Header: "canary", ClientID: clientID, Clock: p.clock})
}

func get(ctx context.Context, c *identity.Credential, resource string) (azcore.AccessToken, error) {
	return c.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{resource + "/.default"}})
}

// want is the token that must come.
func want(t *testing.T, c *identity.Credential, resource, token string) {
	t.Helper()
	if got, err := get(t.Context(), c, resource); err != nil || got.Token != token {
		t.Errorf("GetToken = %q, %v; want %q", got.Token, err, token)
	}
}

func TestRequest(t *testing.T) {
	p := newPlatform(t)
	c := p.credential()
	if p.asked.Load() != 0 {
		t.Error("asked before a token was needed")
	}
	want(t, c, storage, "t0ken-1")
	r := p.last.Load()
	q := r.URL.Query()
	if r.Method != http.MethodGet || r.URL.Path != "/msi/token/" || r.Header.Get("X-Identity-Header") != "canary" ||
		q.Get("api-version") != "2019-08-01" || q.Get("resource") != storage || q.Get("client_id") != clientID || len(q) != 3 {
		t.Errorf("asked %s %s with header %q", r.Method, r.URL, r.Header.Get("X-Identity-Header"))
	}
	want(t, c, "https://management.azure.com", "t0ken-2")
	want(t, c, storage, "t0ken-1")
}

func TestKept(t *testing.T) {
	p := newPlatform(t)
	c := p.credential()
	want(t, c, storage, "t0ken-1")
	p.clock.Advance(54 * time.Minute)
	want(t, c, storage, "t0ken-1")
	p.clock.Advance(time.Minute)
	want(t, c, storage, "t0ken-2")
	if got, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{storage + "/.default"}, Claims: "{}"}); err != nil || got.Token != "t0ken-3" {
		t.Errorf("after a challenge GetToken = %q, %v; want another", got.Token, err)
	}
	// The platform keeps tokens as well, and gives away the rest of one's life.
	p.life = time.Minute
	p.clock.Advance(55 * time.Minute)
	want(t, c, storage, "t0ken-4")
	p.clock.Advance(29 * time.Second)
	want(t, c, storage, "t0ken-4")
	p.clock.Advance(time.Second)
	want(t, c, storage, "t0ken-5")
}

// TestRenewalFails: an old token is good until it expires, and is not fought
// over.
func TestRenewalFails(t *testing.T) {
	p := newPlatform(t)
	p.answer = func(n int64, w http.ResponseWriter) bool {
		if n > 1 {
			w.WriteHeader(http.StatusBadRequest)
		}
		return n > 1
	}
	c := p.credential()
	want(t, c, storage, "t0ken-1")
	p.clock.Advance(56 * time.Minute)
	want(t, c, storage, "t0ken-1")
	want(t, c, storage, "t0ken-1")
	if n := p.asked.Load(); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
	p.clock.Advance(4 * time.Minute)
	if got, err := get(t.Context(), c, storage); err == nil {
		t.Errorf("an expired token is given: %q", got.Token)
	}
}

func TestOneAsksAtATime(t *testing.T) {
	p := newPlatform(t)
	hold := make(chan struct{})
	p.answer = func(int64, http.ResponseWriter) bool { <-hold; return false }
	c := p.credential()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { want(t, c, storage, "t0ken-1") })
	}
	// Who waits for another's answer goes when its own time is up.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := get(ctx, c, storage); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: error is %v", err)
	}
	close(hold)
	wg.Wait()
}

func TestTriedAgain(t *testing.T) {
	p := newPlatform(t)
	p.answer = func(n int64, w http.ResponseWriter) bool {
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return n == 1
	}
	want(t, p.credential(), storage, "t0ken-2")
}

func TestFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		status  int
		body    string
		want    string
		settled bool
	}{
		"no such identity": {400, `{"message":"no canary"}`, "status 400", true},
		"wrong header":     {403, "canary", "status 403", true},
		"unavailable":      {503, "canary", "status 503", false},
		"throttled":        {429, "canary", "status 429", false},
		"elsewhere":        {302, "canary", "status 302", false},
		"no JSON":          {200, `<html>canary`, "no token's document", false},
		"too much":         {200, `{"access_token":"canary","expires_on":"4102444800"` + strings.Repeat(" ", 70<<10) + "}", "no token's document", false},
		"no token":         {200, `{"expires_on":"4102444800"}`, "no access_token", false},
		"no header's text": {200, `{"access_token":"canary\r\nx: y","expires_on":"4102444800"}`, "no access_token", false},
		"no end":           {200, `{"access_token":"canary"}`, "no expires_on", false},
		"a date":           {200, `{"access_token":"canary","expires_on":"11/30/2026 08:00:00 +00:00"}`, "no token's document", false},
		"past":             {200, `{"access_token":"canary","expires_on":"1"}`, "expired already", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.answer = func(_ int64, w http.ResponseWriter) bool {
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
				return true
			}
			_, err := get(t.Context(), p.credential(), storage)
			e, ok := errors.AsType[*identity.Error](err)
			if !ok || !strings.Contains(err.Error(), tc.want) || strings.Contains(fmt.Sprintf("%v %+v", err, err), "canary") {
				t.Fatalf("error is %v, want it to say %q and nothing of the answer", err, tc.want)
			}
			if e.Settled() != tc.settled || e.Status != tc.status {
				t.Errorf("settled %v with status %d, want %v and %d", e.Settled(), e.Status, tc.settled, tc.status)
			}
			again := int64(1)
			if tc.status == 503 || tc.status == 429 {
				again = 3
			}
			if n := p.asked.Load(); n != again {
				t.Errorf("asked %d times, want %d", n, again)
			}
		})
	}
}

func TestNothingThere(t *testing.T) {
	p := newPlatform(t)
	for name, o := range map[string]identity.Options{
		"no endpoint": {Header: "canary"}, "no header": {Endpoint: p.URL}, "no address": {Endpoint: "http://\x7f", Header: "canary"},
	} {
		o.Clock = p.clock
		_, err := get(t.Context(), identity.New(o), storage)
		if err == nil || errors.Is(err, identity.ErrNone) != (name != "no address") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	if _, err := p.credential().GetToken(t.Context(), policy.TokenRequestOptions{}); err == nil {
		t.Error("no scope: no error")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	p.answer = func(int64, http.ResponseWriter) bool { <-ctx.Done(); return false }
	if _, err := get(ctx, p.credential(), storage); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), clientID) {
		t.Errorf("no answer: error is %v", err)
	}
}

func TestNothingToPrint(t *testing.T) {
	p := newPlatform(t)
	c := p.credential()
	for _, s := range []string{fmt.Sprintf("%v %+v %#v", c, c, c), fmt.Sprintf("%+v", identity.Options{Header: "canary"})} {
		if strings.Contains(s, "canary") {
			t.Errorf("the header is printed: %s", s)
		}
	}
}

// TestOnTheWire asks the identity endpoint that stands beside the pretend Azure.
func TestOnTheWire(t *testing.T) {
	clk := worldtest.NewClock()
	cloud, err := simcloud.New(simcloud.Options{Clock: clk, Placements: []world.Placement{{ID: "vmss-midgard"}}})
	if err != nil {
		t.Fatal(err)
	}
	arm, err := wire.ServeARM(t.Context(), cloud, wire.ARMOptions{Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		arm.Close()
		_ = cloud.Close(context.Background())
	})
	c := identity.New(identity.Options{Endpoint: arm.IdentityURL, Header: world.Secret(arm.IdentityHeader), Clock: clk})
	one, err := get(t.Context(), c, arm.URL)
	if err != nil || !one.ExpiresOn.After(clk.Now()) {
		t.Fatalf("GetToken = expires %s, %v; want a token", one.ExpiresOn, err)
	}
	clk.Advance(one.ExpiresOn.Sub(clk.Now()))
	if two, err := get(t.Context(), c, arm.URL); err != nil || two.Token == one.Token {
		t.Errorf("after it expired GetToken gives the same or %v", err)
	}
	wrong := identity.New(identity.Options{Endpoint: arm.IdentityURL, Header: "guessed", Clock: clk})
	if _, err := get(t.Context(), wrong, arm.URL); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("with a wrong header: %v", err)
	}
}

// FuzzAnswer: whatever comes, it is a token that can be sent or an error that
// repeats nothing.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{`{"access_token":"t0ken","expires_on":"4102444800"}`, `{"access_token":"t0ken","expires_on":4102444800}`, `{"expires_on":1e3}`, `[]`, `null`, ``} {
		f.Add(s)
	}
	clk := worldtest.NewClock()
	f.Fuzz(func(t *testing.T, body string) {
		token, err := get(t.Context(), identity.New(identity.Options{Endpoint: "http://identity.test", Header: "h", Clock: clk, Transport: answers(body)}), storage)
		if err == nil && (token.Token == "" || !token.ExpiresOn.After(clk.Now()) || strings.ContainsAny(token.Token, "\r\n ")) {
			t.Errorf("%q gives %q until %s", body, token.Token, token.ExpiresOn)
		}
		if err != nil && len(body) > 30 && strings.Contains(err.Error(), strconv.Quote(body)) {
			t.Errorf("the error repeats the answer: %v", err)
		}
	})
}

type answers string

func (a answers) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	_, _ = w.WriteString(string(a))
	resp := w.Result()
	resp.Request = r
	return resp, nil
}
