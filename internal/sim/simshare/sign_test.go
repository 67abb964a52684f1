package simshare

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hearth/internal/clock"
)

// TestStringToSign: as in the examples of "Authorize with Shared Key".
func TestStringToSign(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "https://myaccount.file.core.windows.net/my%20share?restype=share&comp=metadata&timeout=20&INCLUDE=snapshots&include=metadata", nil)
	for name, v := range map[string]string{
		"x-ms-version": "2015-02-21", "x-ms-date": "Fri, 26 Jun 2015 23:39:12 GMT", "x-ms-meta-m2": " b ", "X-Ms-Meta-M1": "a",
		"Date": "Fri, 26 Jun 2015 23:39:12 GMT", "Content-Length": "0", "If-Match": "*", "Accept": "application/xml",
	} {
		r.Header.Set(name, v)
	}
	want := "GET\n\n\n\n\n\n\n\n*\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-meta-m1:a\nx-ms-meta-m2:b\nx-ms-version:2015-02-21\n" +
		"/myaccount/my%20share\ncomp:metadata\ninclude:metadata,snapshots\nrestype:share\ntimeout:20"
	if got := stringToSign(r, "myaccount"); got != want {
		t.Errorf("stringToSign = %q\nwant %q", got, want)
	}
}

// TestRefuses: nothing is done for whoever does not sign.
func TestRefuses(t *testing.T) {
	s, err := New(Options{Account: "a", Key: "c2VjcmV0", Share: "world", Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Format(http.TimeFormat)
	for name, headers := range map[string]map[string]string{
		"nothing":          {},
		"no signature":     {"x-ms-date": now, "x-ms-version": "2026-06-06", "Authorization": "SharedKey a:"},
		"a wrong one":      {"x-ms-date": now, "x-ms-version": "2026-06-06", "Authorization": "SharedKey a:c2VjcmV0"},
		"another account":  {"x-ms-date": now, "x-ms-version": "2026-06-06", "Authorization": "SharedKey b:c2VjcmV0"},
		"a token":          {"x-ms-date": now, "x-ms-version": "2026-06-06", "Authorization": "Bearer c2VjcmV0"},
		"an old signature": {"x-ms-date": time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), "x-ms-version": "2026-06-06", "Authorization": "SharedKey a:c2VjcmV0"},
	} {
		for _, r := range []*http.Request{
			httptest.NewRequest(http.MethodPut, "/world?restype=share&comp=snapshot", nil),
			httptest.NewRequest(http.MethodDelete, "/world?restype=share", nil),
		} {
			for name, v := range headers {
				r.Header.Set(name, v)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "AuthenticationFailed") || len(s.Snapshots()) > 0 || s.Gone() {
				t.Errorf("%s with %s: %d %s", r.Method, name, w.Code, w.Body)
			}
		}
	}
}

// TestSkew: a right signature of another time is refused, too.
func TestSkew(t *testing.T) {
	s, err := New(Options{Account: "a", Key: "c2VjcmV0", Share: "world", Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	for off, want := range map[time.Duration]bool{0: true, 14 * time.Minute: true, -14 * time.Minute: true, 16 * time.Minute: false, -16 * time.Minute: false} {
		r := httptest.NewRequest(http.MethodGet, "/?comp=list", nil)
		r.Header.Set("X-Ms-Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		r.Header.Set("X-Ms-Version", "2026-06-06")
		r.Header.Set("Authorization", "SharedKey a:"+s.signature(r))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if got := w.Code == http.StatusOK; got != want {
			t.Errorf("%v off: %d, want it to pass: %v", off, w.Code, want)
		}
	}
}
