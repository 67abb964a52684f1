package wire

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// identityVersion is the App Service's ("How to use managed identities for App
// Service and Azure Functions").
const identityVersion = "2019-08-01"

// token is one that was given out.
type token struct {
	resource string
	expires  time.Time
}

// identity answers IDENTITY_ENDPOINT as an App Service does. It knows the
// system-assigned identity and any user-assigned one that is named.
func (a *ARM) identity(w http.ResponseWriter, r *http.Request) {
	refuse := func(code int, why string) {
		write(w, code, map[string]any{"statusCode": code, "message": why})
	}
	q := r.URL.Query()
	resource := strings.TrimSuffix(q.Get("resource"), "/")
	switch {
	case r.URL.Path != "/msi/token":
		refuse(http.StatusNotFound, "Not found")
	case r.Method != http.MethodGet:
		refuse(http.StatusMethodNotAllowed, "Method not allowed")
	case subtle.ConstantTimeCompare([]byte(r.Header.Get("X-IDENTITY-HEADER")), []byte(a.IdentityHeader)) != 1:
		refuse(http.StatusForbidden, "The X-IDENTITY-HEADER is missing or wrong.")
	case q.Get("api-version") != identityVersion:
		refuse(http.StatusBadRequest, "The api-version is missing or not supported: use "+identityVersion+".")
	case resource == "":
		refuse(http.StatusBadRequest, "The resource is missing.")
	default:
		t := token{resource: resource, expires: a.o.Clock.Now().Add(a.o.TokenLife)}
		text := secret()
		a.mu.Lock()
		a.tokens[text] = t
		a.mu.Unlock()
		client := q.Get("client_id")
		if client == "" {
			client = guid(a.IdentityURL)
		}
		answer(w, map[string]string{
			"access_token": text, "expires_on": strconv.FormatInt(t.expires.Unix(), 10),
			"resource": q.Get("resource"), "token_type": "Bearer", "client_id": client,
		})
	}
}

// RevokeTokens makes every token that was given out be refused from now on.
func (a *ARM) RevokeTokens() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.tokens)
}

// authorize refuses who has no good token for this server.
func (a *ARM) authorize(r *http.Request) *armError {
	unauthorized := func(code, message string) *armError {
		return &armError{status: http.StatusUnauthorized, code: code, message: message}
	}
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || text == "" {
		return unauthorized("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
	}
	a.mu.Lock()
	t, ok := a.tokens[text]
	a.mu.Unlock()
	switch {
	case !ok:
		return unauthorized("InvalidAuthenticationToken", "The access token is invalid.")
	case !a.o.Clock.Now().Before(t.expires):
		return unauthorized("ExpiredAuthenticationToken", fmt.Sprintf("The access token expiry UTC time '%s' is earlier than current UTC time.", t.expires.UTC().Format(time.DateTime)))
	case t.resource != a.URL:
		return unauthorized("InvalidAuthenticationTokenAudience", fmt.Sprintf("The access token has been obtained for wrong audience or resource '%s'. It should exactly match with one of the allowed audiences '%s'.", t.resource, a.URL))
	}
	return nil
}
