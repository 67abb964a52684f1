package wire

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// Defaults of ARMOptions.
const (
	DefaultSubscription  = "00000000-0000-0000-0000-000000000001"
	DefaultResourceGroup = "hearth-compute"
	DefaultTokenLife     = 24 * time.Hour
)

// keptCalls is how many calls a server remembers.
const keptCalls = 10000

// ARMOptions are how ServeARM's server is reached and behaves.
type ARMOptions struct {
	Subscription  string // a GUID; empty: DefaultSubscription
	ResourceGroup string // where the scale sets are; empty: DefaultResourceGroup
	// Listen is where ARM listens; empty: a free port of 127.0.0.1. The
	// certificate is for 127.0.0.1 whatever is given.
	Listen string
	// Clock is its callers', by which tokens expire; required.
	Clock world.Clock
	// TokenLife is how long a token is good; 0: DefaultTokenLife.
	TokenLife time.Duration
	// RetryAfter is what operations and throttled calls name in Retry-After, in
	// whole seconds; 0: ten.
	RetryAfter time.Duration
	// Accepted makes a PATCH be answered with 202, not with the 200 that the
	// interface's description names.
	Accepted bool
	// PageSize is how many resources a list gives at once; 0: all of them.
	PageSize int
	// ConsolePages makes a console's blob at least so many bytes, with zeros after
	// what is written, as a page blob is; 0: just what is written.
	ConsolePages int
}

// ARM is Azure Resource Manager in front of a pretend cloud, with the identity
// endpoint of an App Service that gives out the tokens for it. All methods are
// safe for concurrent use.
type ARM struct {
	// URL is Azure Resource Manager's, https://127.0.0.1:PORT.
	URL string
	// CertificatePEM is the certificate that URL is served with, of its own
	// signature: the contents of the file that SSL_CERT_FILE names.
	CertificatePEM []byte
	// IdentityURL and IdentityHeader are for IDENTITY_ENDPOINT and
	// IDENTITY_HEADER. The header is a secret.
	IdentityURL    string
	IdentityHeader string

	cloud   *simcloud.Cloud
	o       ARMOptions
	servers []*http.Server
	wg      sync.WaitGroup
	forget  func() bool // unties the end of ctx

	mu     sync.Mutex // guards what follows
	tokens map[string]token
	fails  []Failure
	drops  int
	calls  []Call
	audit  audit
	// rights are what may be read of machines' consoles, and blobURL where they are
	// said to be; empty: URL.
	rights  map[string][]sas
	blobURL string
}

// ServeARM opens the server; Close or the end of ctx ends it.
func ServeARM(ctx context.Context, c *simcloud.Cloud, o ARMOptions) (*ARM, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("serve ARM: %w", err)
	}
	cert, pem, err := newCertificate()
	if err != nil {
		return nil, fmt.Errorf("serve ARM: make a certificate: %w", err)
	}
	var lc net.ListenConfig
	armL, err := lc.Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("serve ARM: %w", err)
	}
	idL, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		_ = armL.Close() // there is no server
		return nil, fmt.Errorf("serve ARM's identity endpoint: %w", err)
	}
	a := &ARM{
		URL: "https://" + armL.Addr().String(), CertificatePEM: pem,
		IdentityURL: "http://" + idL.Addr().String() + "/msi/token", IdentityHeader: secret(),
		cloud: c, o: o, tokens: map[string]token{}, audit: newAudit(), rights: map[string][]sas{},
	}
	armS := &http.Server{Handler: http.HandlerFunc(a.serve), TLSConfig: tlsConfig(cert), ReadHeaderTimeout: time.Minute, ErrorLog: silent()}
	idS := &http.Server{Handler: http.HandlerFunc(a.identity), ReadHeaderTimeout: time.Minute, ErrorLog: silent()}
	a.servers = []*http.Server{armS, idS}
	a.wg.Go(func() { _ = armS.ServeTLS(armL, "", "") }) // it ends with Close
	a.wg.Go(func() { _ = idS.Serve(idL) })
	a.forget = context.AfterFunc(ctx, a.shut)
	return a, nil
}

func (o *ARMOptions) complete() error {
	var problems []error
	if o.Subscription == "" {
		o.Subscription = DefaultSubscription
	}
	if o.ResourceGroup == "" {
		o.ResourceGroup = DefaultResourceGroup
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.TokenLife == 0 {
		o.TokenLife = DefaultTokenLife
	}
	if o.RetryAfter == 0 {
		o.RetryAfter = 10 * time.Second
	}
	if !regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`).MatchString(o.Subscription) {
		problems = append(problems, fmt.Errorf("Subscription is %q: give a GUID", o.Subscription)) //nolint:staticcheck // a field's name
	}
	if o.Clock == nil {
		problems = append(problems, errors.New("Clock is missing: give it the clock of those who call")) //nolint:staticcheck // a field's name
	}
	return errors.Join(problems...)
}

// Close ends the servers and breaks off what they were answering. Closing again
// does nothing.
func (a *ARM) Close() {
	a.forget()
	a.shut()
	a.wg.Wait()
}

func (a *ARM) shut() {
	for _, s := range a.servers {
		_ = s.Close() // connections that can't be closed are gone
	}
}

// secret is one that nobody can guess.
func secret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// Call is a call that was answered, for tests to look at.
type Call struct {
	Method string
	// Path is below the subscription or the resource group, without the
	// provider: virtualMachineScaleSets/vmss-midgard.
	Path   string
	Query  url.Values
	Status int       // 0: it was committed and its reply was dropped
	At     time.Time // when it came, by ARMOptions.Clock
	Body   string    // as it was sent
	// RetryAfter is what the answer asked to wait; 0: it did not.
	RetryAfter time.Duration
}

// Calls lists the last calls, those that were refused included.
func (a *ARM) Calls() []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

// Failure is an answer in place of the real one.
type Failure struct {
	Status     int           // such as 503
	Body       string        // as it is sent
	RetryAfter time.Duration // in whole seconds; 0: no such header
}

// Fail answers the next calls that carry a token with these, in order. Nothing
// comes of such a call.
func (a *ARM) Fail(f ...Failure) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fails = append(a.fails, f...)
}

// DropReplies lets the next n calls that carry a token be done and their replies
// be lost: the connection is broken off.
func (a *ARM) DropReplies(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drops = n
}

// recorder remembers a reply's status.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(code int) {
	r.status = code
	r.ResponseWriter.WriteHeader(code)
}

// discard is a reply that nobody gets.
type discard struct{ h http.Header }

// Header implements http.ResponseWriter.
func (d discard) Header() http.Header { return d.h }

// Write implements http.ResponseWriter.
func (d discard) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter.
func (d discard) WriteHeader(int) {}

// serve answers one call to Azure Resource Manager.
func (a *ARM) serve(w http.ResponseWriter, r *http.Request) {
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	call := Call{Method: r.Method, Path: a.short(r.URL.Path), Query: r.URL.Query(), At: a.o.Clock.Now()}
	if r.Body != nil {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1)) // more is refused below
		if err != nil {
			panic(http.ErrAbortHandler) // who sent it went away
		}
		call.Body, r.Body = string(body), io.NopCloser(bytes.NewReader(body))
	}
	w.Header().Set("X-Ms-Request-Id", guid(secret()))
	if strings.HasPrefix(r.URL.Path, blobs) {
		a.blob(rec, r)
		a.record(call, rec)
		return
	}
	if e := a.authorize(r); e != nil {
		e.write(rec)
		a.record(call, rec)
		return
	}
	fail, drop := a.mishap()
	switch {
	case fail != nil:
		if fail.RetryAfter > 0 {
			rec.Header().Set("Retry-After", seconds(fail.RetryAfter))
		}
		rec.Header().Set("Content-Type", "application/json; charset=utf-8")
		rec.WriteHeader(fail.Status)
		_, _ = rec.Write([]byte(fail.Body)) // who went away needs no answer
		a.record(call, rec)
	case drop:
		a.route(discard{http.Header{}}, r)
		a.record(call, nil)
		panic(http.ErrAbortHandler)
	default:
		a.route(rec, r)
		a.record(call, rec)
	}
}

// mishap is what is to go wrong with this call.
func (a *ARM) mishap() (*Failure, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.fails) > 0 {
		f := a.fails[0]
		a.fails = a.fails[1:]
		return &f, false
	}
	if a.drops > 0 {
		a.drops--
		return nil, true
	}
	return nil, false
}

// record remembers a call and its answer; nil: there was none.
func (a *ARM) record(c Call, answer *recorder) {
	if answer != nil {
		c.Status = answer.status
		s, _ := strconv.Atoi(answer.Header().Get("Retry-After")) // we have written it
		c.RetryAfter = time.Duration(s) * time.Second
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.calls) >= keptCalls {
		a.calls = slices.Delete(a.calls, 0, keptCalls/2)
	}
	a.calls = append(a.calls, c)
}

// short is a path as Call tells it.
func (a *ARM) short(path string) string {
	s := segments(path)
	if i := slices.IndexFunc(s, func(x string) bool { return strings.EqualFold(x, "providers") }); i >= 0 && len(s) > i+2 {
		return strings.Join(s[i+2:], "/")
	}
	return path
}

func segments(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

// id is a resource's.
func (a *ARM) id(kind, name string) string {
	return fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/%s/%s", a.o.Subscription, a.o.ResourceGroup, kind, name)
}
