package simshare

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// skew is how far a request's time may be off ("Authorize with Shared Key").
const skew = 15 * time.Minute

// authorize refuses what is not signed with the account's key.
func (s *Share) authorize(r *http.Request) *refusal {
	failed := &refusal{http.StatusForbidden, "AuthenticationFailed", "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature."}
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	account, signature, _ := strings.Cut(rest, ":")
	if scheme != "SharedKey" || account != s.o.Account {
		return failed
	}
	date := r.Header.Get("X-Ms-Date")
	if date == "" {
		date = r.Header.Get("Date")
	}
	at, err := http.ParseTime(date)
	if err != nil || s.o.Clock.Now().Sub(at).Abs() > skew || r.Header.Get("X-Ms-Version") == "" {
		return failed
	}
	if !hmac.Equal([]byte(s.signature(r)), []byte(signature)) {
		return failed
	}
	return nil
}

// signature is the right one.
func (s *Share) signature(r *http.Request) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(stringToSign(r, s.o.Account)))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// stringToSign is what a signature is of: the verb, eleven headers of which an
// absent one is an empty line, the x-ms- headers, and the resource, as "Authorize
// with Shared Key" has it for versions from 2015-02-21 on.
func stringToSign(r *http.Request, account string) string {
	var b strings.Builder
	line := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
		}
		b.WriteByte('\n')
	}
	line(r.Method)
	for _, name := range []string{
		"Content-Encoding", "Content-Language", "Content-Length", "Content-MD5", "Content-Type", "Date",
		"If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range",
	} {
		v := r.Header.Get(name)
		switch {
		case name == "Content-Length" && v == "0":
			v = ""
		case name == "Date" && r.Header.Get("X-Ms-Date") != "":
			v = ""
		}
		line(v)
	}
	special := map[string]string{}
	for name, values := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-ms-") {
			special[name] = strings.TrimSpace(strings.Join(values, ","))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(special)) {
		line(name, ":", special[name])
	}
	b.WriteString("/" + account + r.URL.EscapedPath())
	parameters := map[string][]string{}
	for name, values := range r.URL.Query() {
		name = strings.ToLower(name)
		parameters[name] = append(parameters[name], values...)
	}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		slices.Sort(parameters[name])
		b.WriteString("\n" + name + ":" + strings.Join(parameters[name], ","))
	}
	return b.String()
}
