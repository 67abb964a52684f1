//go:build linux

package vmtest_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// identity gives out the tokens of the machine's identity.
type identity struct {
	mu     sync.Mutex // guards tokens
	tokens map[string]string
}

func (i *identity) accepts(token, resource string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return token != "" && i.tokens[token] == resource
}

func (i *identity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.Header.Get("Metadata") != "true" || q.Get("client_id") != clientID || q.Get("resource") == "" || q.Get("api-version") != "2018-02-01" {
		http.Error(w, `{"error":"invalid_request","error_description":"Identity not found"}`, http.StatusBadRequest)
		return
	}
	token := rand.Text()
	i.mu.Lock()
	i.tokens[token] = strings.TrimSuffix(q.Get("resource"), "/")
	i.mu.Unlock()
	until := time.Now().Add(24 * time.Hour)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(map[string]string{
		"access_token": token, "client_id": clientID, "expires_in": "86400", "expires_on": strconv.FormatInt(until.Unix(), 10),
		"ext_expires_in": "86400", "not_before": strconv.FormatInt(time.Now().Unix(), 10), "resource": q.Get("resource"), "token_type": "Bearer",
	})
}
