package functions

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Request is what a caller of an HTTP function sent. The host has read the body
// as UTF-8, without a mark of byte order and with invalid bytes replaced: a
// signature over anything but plain UTF-8 does not fit any more. A body that
// came without a length is absent.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte // nil: none
}

// Response is what the caller gets, and what goes into queues before.
type Response struct {
	Status int               // HTTP status
	Header map[string]string // Content-Type and the like
	Body   []byte            // UTF-8
	// Enqueue has one message at most for each queue output binding. The host
	// answers the caller only once they are in their queues, and with a 500 if
	// they can't be put there.
	Enqueue map[string][]byte
}

// HTTPBindings are the names that an HTTP function has in its function.json.
type HTTPBindings struct {
	Trigger  string   // httpTrigger
	Response string   // http, out
	Queues   []string // queue, out
}

// HTTP registers a function with an httpTrigger. An error of its handler is a
// 500 to the caller.
//
// The host sends an envelope only if the function has another output beside the
// response, or neither enableForwardingHttpRequest nor enableProxyingHttpRequest
// is set in host.json.
func (a *App) HTTP(name string, b HTTPBindings, handle func(context.Context, Request) (Response, error)) {
	a.register(name, func(ctx context.Context, e envelope) (map[string]any, error) {
		req, err := e.request(b.Trigger)
		if err != nil {
			return nil, err
		}
		resp, err := handle(ctx, req)
		if err != nil {
			return nil, err
		}
		return resp.outputs(b)
	})
}

// wireRequest is what Data has of a request.
type wireRequest struct {
	Method  string
	URL     string
	Headers map[string][]string
	Body    any
}

func (e envelope) request(binding string) (Request, error) {
	w, err := data[wireRequest](e, binding, "an HTTP request's")
	if err != nil {
		return Request{}, err
	}
	r := Request{Method: w.Method, URL: w.URL, Header: make(http.Header, len(w.Headers))}
	// In order: of two names that differ in case alone the same one comes first
	// every time.
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		canonical := http.CanonicalHeaderKey(name)
		r.Header[canonical] = append(r.Header[canonical], w.Headers[name]...)
	}
	r.Body = requestBody(w.Body, r.Header.Get("Content-Type"))
	return r, nil
}

// requestBody is the caller's body. One that the host has not written as a text
// is taken for none, and one that is not base64 where it should be for what it
// is: whoever checks a signature over it refuses it.
func requestBody(written any, contentType string) []byte {
	s, ok := written.(string)
	if !ok {
		return nil
	}
	kind := strings.ToLower(contentType)
	if strings.HasPrefix(kind, "application/octet-stream") || strings.HasPrefix(kind, "multipart/") {
		if b, err := base64.StdEncoding.DecodeString(s); err == nil {
			return b
		}
	}
	return []byte(s)
}

// wireResponse is what an http output binding takes. The host formats a body
// that is an object anew; a string it writes as it is.
type wireResponse struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers,omitempty"`
	Body       string            `json:"body"`
}

func (r Response) outputs(b HTTPBindings) (map[string]any, error) {
	if r.Status < 200 || r.Status > 599 {
		return nil, fmt.Errorf("answer request: status %d is none", r.Status)
	}
	if !utf8.Valid(r.Body) {
		return nil, errors.New("answer request: the body is not UTF-8")
	}
	out := map[string]any{b.Response: wireResponse{r.Status, r.Header, string(r.Body)}}
	for queue, body := range r.Enqueue {
		if !slices.Contains(b.Queues, queue) {
			return nil, fmt.Errorf("answer request: there is no queue output binding %q", queue)
		}
		out[queue] = base64.StdEncoding.EncodeToString(body)
	}
	return out, nil
}
