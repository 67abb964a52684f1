package envelope

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Sys is what every invocation's Metadata has under "sys".
type Sys struct {
	Function string
	Now      time.Time
	RandGUID string
}

// MarshalJSON writes it as .NET does.
func (s Sys) MarshalJSON() ([]byte, error) {
	return marshal(map[string]string{
		"MethodName": s.Function, "UtcNow": s.Now.UTC().Format("2006-01-02T15:04:05.0000000Z"), "RandGuid": s.RandGUID,
	}), nil
}

// QueueMessage is a received message, decoded.
type QueueMessage struct {
	Body                           []byte
	ID, PopReceipt                 string
	DequeueCount                   int64
	Inserted, Expires, NextVisible time.Time
}

// Queue is the invocation of a queueTrigger with the binding name. binary is its
// dataType: the body travels as base64 then, and is not merged into Metadata.
func Queue(name string, binary bool, m QueueMessage, sys Sys) []byte {
	meta := newValues()
	meta.set("DequeueCount", quoted(m.DequeueCount))
	meta.set("ExpirationTime", stamp(m.Expires))
	meta.set("Id", quoted(m.ID))
	meta.set("InsertionTime", stamp(m.Inserted))
	meta.set("NextVisibleTime", stamp(m.NextVisible))
	meta.set("PopReceipt", quoted(m.PopReceipt))
	meta.set("sys", marshal(sys))
	data := marshal(m.Body) // base64
	if !binary {
		text := decodeUTF8(m.Body)
		data = quoted(text)
		meta.merge(text)
	}
	return whole(name, data, meta)
}

// Timer is the invocation of a timerTrigger. status is nil if the schedule is
// not monitored.
func Timer(name string, status *TimerStatus, pastDue bool, sys Sys) []byte {
	meta := newValues()
	meta.set("sys", marshal(sys))
	data := marshal(map[string]any{
		"Schedule": map[string]bool{"AdjustForDST": true}, "ScheduleStatus": status, "IsPastDue": pastDue,
	})
	return whole(name, data, meta)
}

// TimerStatus is a timer's record of its runs, as the host keeps it in the
// container azure-webjobs-hosts.
type TimerStatus struct {
	Last, Next, LastUpdated time.Time
}

// HTTPRequest is a request to an httpTrigger.
type HTTPRequest struct {
	*http.Request // its body was read
	URL           string
	Params        map[string]string // of the route
	Body          []byte
}

// HTTP is the invocation of an httpTrigger.
func HTTP(name string, r HTTPRequest, sys Sys) []byte {
	query := queryOf(r.Request)
	headers := map[string][]string{"Host": {r.Host}}
	flat := map[string]string{"Host": r.Host}
	for key, v := range r.Header {
		headers[key], flat[key] = v, strings.Join(v, ",")
	}
	data := map[string]any{
		"Url": r.URL, "Method": r.Method, "Query": query, "Headers": headers, "Params": r.Params,
		"Identities": []any{nobody()},
	}
	meta := newValues()
	if r.ContentLength > 0 {
		headers["Content-Length"], flat["Content-Length"] = []string{length(r)}, length(r)
		text := decodeUTF8(r.Body)
		data["Body"] = text
		if isBinary(r.Header.Get("Content-Type")) {
			data["Body"] = r.Body
		}
		meta.merge(text)
	}
	// What comes later wins (HttpTriggerAttributeBindingProvider.cs).
	for _, values := range []map[string]string{query, r.Params} {
		for key, value := range values {
			if !strings.EqualFold(key, "code") {
				meta.set(key, quoted(value))
			}
		}
	}
	if !meta.has("Query") {
		meta.set("Query", marshal(query))
	}
	if !meta.has("Headers") {
		meta.set("Headers", marshal(flat))
	}
	meta.set("sys", marshal(sys))
	return whole(name, marshal(data), meta)
}

func length(r HTTPRequest) string { return string(marshal(r.ContentLength)) }

// queryOf joins what a key is given several times with commas.
func queryOf(r *http.Request) map[string]string {
	out := map[string]string{}
	for key, v := range r.URL.Query() {
		out[key] = strings.Join(v, ",")
	}
	return out
}

// isBinary: octet streams and multipart bodies travel as base64.
func isBinary(contentType string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	kind = strings.TrimSpace(kind)
	return kind == "application/octet-stream" || strings.HasPrefix(kind, "multipart/")
}

// nobody is the identity of an anonymous caller.
func nobody() map[string]any {
	return map[string]any{
		"AuthenticationType": nil, "IsAuthenticated": false, "Actor": nil, "BootstrapContext": nil, "Claims": []any{},
		"Label": nil, "Name": nil, "NameClaimType": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
		"RoleClaimType": "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
	}
}

func whole(name string, data json.RawMessage, meta *values) []byte {
	return marshal(map[string]any{"Data": map[string]json.RawMessage{name: data}, "Metadata": meta})
}

// decodeUTF8 reads text as a .NET StreamReader does: without the byte order
// mark, and with U+FFFD for what is no UTF-8.
func decodeUTF8(b []byte) string {
	const bom = "\ufeff"
	text := strings.TrimPrefix(string(b), bom)
	if utf8.ValidString(text) {
		return text
	}
	return string(slices.Collect(func(yield func(rune) bool) {
		for _, r := range text {
			if !yield(r) {
				return
			}
		}
	}))
}
