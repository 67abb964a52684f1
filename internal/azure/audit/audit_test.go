package audit_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hearth/internal/azure/audit"
)

// login gives a token, or an error.
type login struct{ err error }

// GetToken implements azcore.TokenCredential.
func (l login) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "for " + strings.Join(o.Scopes, " "), ExpiresOn: time.Now().Add(time.Hour)}, l.err
}

// serve answers with a handler, over TLS.
func serve(t *testing.T, err error, h http.HandlerFunc) (a *audit.Audit, address string) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	return audit.New(audit.Options{Subscription: "s 1", ResourceGroup: "g", URL: s.URL + "/", Credential: login{err}, Transport: s.Client()}), s.URL
}

// TestPages: a list is read to its end, each page as this subscription and with
// a token for this host.
func TestPages(t *testing.T) {
	var asked []string
	address := ""
	a, address := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer for "+address+"/.default" {
			t.Errorf("authorization %q", got)
		}
		asked = append(asked, r.URL.RequestURI())
		if len(asked) == 1 {
			_, _ = w.Write([]byte(`{"value":[{"name":{"value":"cores"},"currentValue":1,"limit":10}],"nextLink":"` + address + `/more?api-version=2024-07-01&$skiptoken=x%2Fy"}`))
			return
		}
		_, _ = w.Write([]byte(`{"value":[{"name":{"value":"lowPriorityCores"},"currentValue":2,"limit":3}]}`))
	})
	got, err := a.Quotas(t.Context(), "eastus2")
	if err != nil || len(got) != 2 || got[audit.AllCores] != (audit.Quota{Used: 1, Limit: 10}) || got[audit.SpotCores] != (audit.Quota{Used: 2, Limit: 3}) {
		t.Errorf("got %v, %v", got, err)
	}
	want := []string{"/subscriptions/s%201/providers/Microsoft.Compute/locations/eastus2/usages?api-version=2024-07-01", "/more?%24skiptoken=x%2Fy&api-version=2024-07-01"}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(asked, "\n"), strings.Join(want, "\n"))
	}
}

func TestErrors(t *testing.T) {
	refused := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, tc := range map[string]struct {
		h      http.HandlerFunc
		status int // of the *Error; 0: it is none
		code   string
	}{
		"not there":      {refused(404, `{"error":{"code":"ResourceGroupNotFound","message":"m"}}`), 404, "ResourceGroupNotFound"},
		"forbidden":      {refused(403, `{"error":{"code":"AuthorizationFailed"}}`), 403, "AuthorizationFailed"},
		"a proxy's":      {refused(404, `<html>`), 404, ""},
		"no JSON":        {refused(200, `<html>`), 0, ""},
		"another's host": {refused(200, `{"value":[],"nextLink":"https://example.org/x"}`), 0, ""},
		"pages for ever": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"nextLink":"https://` + r.Host + `/x"}`))
		}, 0, ""},
		"far too much":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 17<<20)) }, 0, ""},
		"what is no list": {refused(200, `{"value":{}}`), 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := serve(t, nil, tc.h)
			_, err := a.Sizes(t.Context(), "eastus2")
			refused, isRefused := errors.AsType[*audit.Error](err)
			if err == nil || isRefused != (tc.status != 0) || isRefused && (refused.Status != tc.status || refused.Code != tc.code) {
				t.Errorf("got %v", err)
			}
		})
	}
	a, _ := serve(t, errors.New("nobody is logged in"), refused(200, `{}`))
	_, err := a.Subscription(t.Context())
	if token, ok := errors.AsType[*audit.TokenError](err); !ok || token.Err.Error() != "nobody is logged in" {
		t.Errorf("without a token: %v", err)
	}
}
