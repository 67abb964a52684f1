package storage_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hearth/internal/azure/account"
	"hearth/internal/azure/account/accounttest"
	"hearth/internal/azure/identity"
	"hearth/internal/azure/storage"
	"hearth/internal/clock"
	"hearth/internal/world"
)

// answer is a fault that answers with a body and headers, given as "Name: value".
func answer(status int, body string, headers ...string) accounttest.Fault {
	return func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
		resp := &http.Response{
			StatusCode: status, Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		}
		for _, h := range headers {
			name, v, _ := strings.Cut(h, ": ")
			resp.Header.Set(name, v)
		}
		return resp, nil
	}
}

// What is there already is fine, whatever the service calls it.
func TestProvisionOfWhatIsThere(t *testing.T) {
	faults := accounttest.New(nil,
		accounttest.Refuse(http.StatusConflict, "QueueAlreadyExists"), accounttest.Refuse(http.StatusConflict, "QueueAlreadyExists"),
		accounttest.Refuse(http.StatusConflict, "TableAlreadyExists"), accounttest.Refuse(http.StatusConflict, "TableAlreadyExists"))
	if err := offline(t, faults).Provision(t.Context(), []string{"midgard"}); err != nil {
		t.Errorf("Provision = %v, want no error", err)
	}
	deleted := accounttest.New(accounttest.Refuse(http.StatusConflict, "QueueBeingDeleted"))
	if err := offline(t, deleted).Provision(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "make queue events: 409 QueueBeingDeleted") {
		t.Errorf("Provision of a queue that is being deleted = %v, want an error that says so", err)
	}
}

// Kept counts every page.
func TestKeptInPages(t *testing.T) {
	page := func(n int, headers ...string) accounttest.Fault {
		return answer(http.StatusOK, `{"value":[`+strings.TrimSuffix(strings.Repeat(`{"RowKey":"x"},`, n), ",")+`]}`, headers...)
	}
	faults := accounttest.New(nil,
		page(3, "x-ms-continuation-NextPartitionKey: kept", "x-ms-continuation-NextRowKey: x"),
		page(0, "x-ms-continuation-NextPartitionKey: kept", "x-ms-continuation-NextRowKey: y"), page(2))
	if n, err := offline(t, faults).Archive().Kept(t.Context(), time.Time{}); err != nil || n != 5 {
		t.Errorf("Kept = %d, %v; want 5", n, err)
	}
}

// Each name has a row key of its own, which a row key may be.
func TestRowKeys(t *testing.T) {
	var names []string
	for a := byte(' '); a <= '~'; a++ {
		names = append(names, string(a), strings.Repeat(string(a), 200))
		for b := byte(' '); b <= '~'; b++ {
			names = append(names, string([]byte{a, b}))
		}
	}
	var body []byte
	archive := offline(t, accounttest.New(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		body, _ = io.ReadAll(r.Body)
		return answer(http.StatusCreated, `{}`)(r, send)
	})).Archive()
	seen := map[string]string{}
	for _, name := range names {
		if _, err := archive.Keep(t.Context(), name, nil); err != nil {
			t.Fatalf("Keep under %q: %v", name, err)
		}
		var row struct{ RowKey, Name string }
		if err := json.Unmarshal(body, &row); err != nil {
			t.Fatal(err)
		}
		if other, there := seen[row.RowKey]; there {
			t.Errorf("%q and %q have one row key, %q", other, name, row.RowKey)
		}
		seen[row.RowKey] = name
		if len(row.RowKey) > 512 || strings.ContainsAny(row.RowKey, `/\#?%'+ `) || row.Name != name {
			t.Errorf("%q has row key %q and column name %q", name, row.RowKey, row.Name)
		}
	}
}

// An identity authorizes all calls, with one token.
func TestIdentityAuthorizes(t *testing.T) {
	tokens := 0
	way := accounttest.New(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if r.URL.Host == "identity.test" {
			tokens++
			return answer(http.StatusOK, `{"access_token":"t0ken","expires_on":"4102444800","resource":"https://storage.azure.com","token_type":"Bearer"}`)(r, send)
		}
		if got := r.Header.Get("Authorization"); got != "Bearer t0ken" || r.URL.Scheme != "https" {
			t.Errorf("%s %s is authorized by %q, want the token", r.Method, r.URL, got)
		}
		return accounttest.Refuse(http.StatusForbidden, "AuthorizationPermissionMismatch")(r, send)
	})
	id := identity.New(identity.Options{Endpoint: "http://identity.test/token", Header: "header", Clock: clock.System{}, Transport: way})
	a, err := account.Open(account.Options{Account: "hearth1", Credential: id, Transport: way})
	if err != nil {
		t.Fatal(err)
	}
	s, err := storage.Open(a)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(way.Sent()); n != 0 {
		t.Errorf("opening made %d calls, want none", n)
	}
	for name, call := range calls() {
		if err := call(t.Context(), s); err == nil || !strings.Contains(err.Error(), "Data Contributor") {
			t.Errorf("%s: error is %v, want the service's refusal", name, err)
		}
	}
	if tokens != 1 {
		t.Errorf("%d tokens were asked for, want 1", tokens)
	}
}

// Whatever stands in a row, it is read or refused.
func FuzzLoad(f *testing.F) {
	state := world.NewState("midgard")
	document, err := state.Encode()
	if err != nil {
		f.Fatal(err)
	}
	entity, err := json.Marshal(map[string]any{
		"PartitionKey": key.Guild, "RowKey": key.World, "ip": "", "online_players": 0, "status": "stopped", "generation": "0", "state": string(document),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(entity))
	for _, seed := range []string{``, `null`, `[]`, `{}`, `{"state":null}`, `{"state":"{}"}`, `{"state":7,"ip":[]}`, string(entity[:40])} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := offline(t, accounttest.New(answer(http.StatusOK, body, `ETag: W/"1"`)))
		row, err := s.Store().Load(t.Context(), key)
		if err != nil {
			if errors.Is(err, world.ErrNotFound) {
				t.Errorf("Load = %v, want an error that says what is wrong", err)
			}
			return
		}
		if row.State.World != key.World || row.ETag == "" || row.Key != key {
			t.Errorf("Load = %+v of %q, want a row of %s", row, body, key.World)
		}
	})
}
