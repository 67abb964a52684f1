// Package accounttest is a way to a storage account that misbehaves on request:
// for the tests of what goes there.
package accounttest

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

var _ policy.Transporter = (*Faults)(nil)

// Fault is what becomes of a request. send carries it out.
type Fault func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error)

// Pass carries the request out.
func Pass(_ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	return send()
}

// LoseReply carries it out and loses the reply.
func LoseReply(_ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	resp, err := send()
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return nil, io.ErrUnexpectedEOF
}

// LoseRequest carries nothing out.
func LoseRequest(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return nil, io.ErrUnexpectedEOF
}

// Hang answers nothing until the caller has had enough.
func Hang(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// Refuse answers with a status, the service's code and headers, given as "Name:
// value".
func Refuse(status int, code string, headers ...string) Fault {
	return func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
		resp := &http.Response{
			StatusCode: status, Status: http.StatusText(status), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"X-Ms-Error-Code": {code}, "X-Ms-Request-Id": {"request-1"}}, Body: http.NoBody,
		}
		for _, h := range headers {
			name, v, _ := strings.Cut(h, ": ")
			resp.Header.Set(name, v)
		}
		return resp, nil
	}
}

// Faults is a policy.Transporter. It is safe for concurrent use.
type Faults struct {
	Client *http.Client // the way there; nil: http.DefaultClient. Not to be changed once requests are sent

	mu     sync.Mutex // guards what follows
	script []Fault
	rest   Fault
	sent   []*http.Request
}

// New meets the first requests with these faults, one each; rest meets those
// after them. nil: Pass.
func New(rest Fault, script ...Fault) *Faults {
	if rest == nil {
		rest = Pass
	}
	return &Faults{script: script, rest: rest}
}

// Do implements policy.Transporter.
func (f *Faults) Do(r *http.Request) (*http.Response, error) {
	client := f.Client
	if client == nil {
		client = http.DefaultClient
	}
	return f.next(r)(r, func() (*http.Response, error) {
		return client.Do(r) //nolint:gosec // a test's own address
	})
}

func (f *Faults) next(r *http.Request) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, r)
	if len(f.script) == 0 {
		return f.rest
	}
	first := f.script[0]
	f.script = f.script[1:]
	return first
}

// Sent are the requests so far, each attempt one. Their bodies are read.
func (f *Faults) Sent() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*http.Request(nil), f.sent...)
}
