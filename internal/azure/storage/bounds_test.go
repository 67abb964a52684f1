package storage_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/azure/account"
	"hearth/internal/azure/account/accounttest"
	"hearth/internal/azure/storage"
	"hearth/internal/world"
)

const accountKey = "c2VjcmV0LWtleQ=="

// calls are all that is asked of the account.
func calls() map[string]func(ctx context.Context, s *storage.Storage) error {
	row := world.Row{Key: world.Key{Guild: "1", World: "midgard"}, State: world.NewState("midgard"), ETag: "W/\"1\""}
	return map[string]func(ctx context.Context, s *storage.Storage) error{
		"send": func(ctx context.Context, s *storage.Storage) error {
			return s.Queue("events").Send(ctx, []byte("x"), 0)
		},
		"receive": func(ctx context.Context, s *storage.Storage) error {
			_, err := s.Queue("events").Receive(ctx, 1, time.Minute)
			return err
		},
		"delete": func(ctx context.Context, s *storage.Storage) error {
			return s.Queue("events").Delete(ctx, world.Message{ID: "1", Receipt: "r"})
		},
		"load": func(ctx context.Context, s *storage.Storage) error {
			_, err := s.Store().Load(ctx, row.Key)
			return err
		},
		"insert":  func(ctx context.Context, s *storage.Storage) error { _, err := s.Store().Insert(ctx, row); return err },
		"replace": func(ctx context.Context, s *storage.Storage) error { _, err := s.Store().Replace(ctx, row); return err },
		"keep": func(ctx context.Context, s *storage.Storage) error {
			_, err := s.Archive().Keep(ctx, "x", []byte("x"))
			return err
		},
		"kept": func(ctx context.Context, s *storage.Storage) error {
			_, err := s.Archive().Kept(ctx, time.Time{})
			return err
		},
		"provision": func(ctx context.Context, s *storage.Storage) error { return s.Provision(ctx, nil) },
	}
}

// offline returns an account that is reached over the faults alone.
func offline(t *testing.T, faults *accounttest.Faults) *storage.Storage {
	t.Helper()
	a, err := account.Open(account.Options{
		ConnectionString: "AccountName=hearth;AccountKey=" + accountKey, Transport: faults,
	})
	if err != nil {
		t.Fatalf("account.Open: %v", err)
	}
	s, err := storage.Open(a)
	if err != nil {
		t.Fatalf("storage.Open: %v", err)
	}
	if n := len(faults.Sent()); n != 0 {
		t.Errorf("opening made %d calls, want none", n)
	}
	return s
}

// However the service fails, each call ends: after its attempts, with its
// context, and after account.Total if that has no end.
func TestCallsAreBounded(t *testing.T) {
	const soon = 500 * time.Millisecond
	busy := accounttest.Refuse(http.StatusServiceUnavailable, "ServerBusy")
	for _, tc := range []struct {
		name     string
		fault    accounttest.Fault
		within   time.Duration // of the context; 0: none
		attempts int
		longest  time.Duration
		is       error
	}{
		{"busy for ever", busy, 0, account.Attempts, 2 * time.Second, nil},
		{"busy for ever, in a hurry", busy, soon, 2, soon, context.DeadlineExceeded},
		{"asked to wait a second", accounttest.Refuse(http.StatusServiceUnavailable, "ServerBusy", "Retry-After: 1"), 0, account.Attempts, 2 * time.Second, nil},
		{"asked to wait too long", accounttest.Refuse(http.StatusTooManyRequests, "ServerBusy", "Retry-After: 30"), 0, 1, 0, nil},
		{"no answer", accounttest.Hang, 0, account.Attempts, account.Total, context.DeadlineExceeded},
		{"no answer, in a hurry", accounttest.Hang, soon, 1, soon, context.DeadlineExceeded},
		{"connection broken", accounttest.LoseRequest, 0, account.Attempts, 2 * time.Second, nil},
		{"forbidden", accounttest.Refuse(http.StatusForbidden, "AuthorizationPermissionMismatch"), 0, 1, 0, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for name, call := range calls() {
				synctest.Test(t, func(t *testing.T) {
					faults := accounttest.New(tc.fault)
					s := offline(t, faults)
					ctx := t.Context()
					if tc.within > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, tc.within)
						defer cancel()
					}
					start := time.Now()
					err := call(ctx, s)
					took := time.Since(start)
					attempts, longest := tc.attempts, tc.longest
					if name == "provision" { // a queue and two tables
						attempts, longest = len(faults.Sent()), 3*longest
					}
					if err == nil || tc.is != nil && !errors.Is(err, tc.is) {
						t.Errorf("%s: error is %v, want %v", name, err, tc.is)
					}
					for _, known := range []error{world.ErrConflict, world.ErrNotFound, world.ErrStaleReceipt} {
						if errors.Is(err, known) {
							t.Errorf("%s: error is %v, want none that says how it went", name, err)
						}
					}
					if took > longest {
						t.Errorf("%s: took %s, want at most %s", name, took, longest)
					}
					if n := len(faults.Sent()); n != attempts {
						t.Errorf("%s: %d attempts, want %d", name, n, attempts)
					}
					if s := err.Error(); strings.Contains(s, accountKey) || name != "provision" && strings.ContainsAny(s, "\n") {
						t.Errorf("%s: error is %q, want one line without the key", name, s)
					}
				})
			}
		})
	}
}

// What only a person can mend says what to do.
func TestRefusalsSayWhatToDo(t *testing.T) {
	for code, want := range map[string]string{
		"AuthorizationPermissionMismatch":    "Data Contributor",
		"AuthorizationFailure":               "firewall",
		"AuthenticationFailed":               "account key is wrong",
		"KeyBasedAuthenticationNotPermitted": "managed identity",
		"AccountIsDisabled":                  "subscription",
	} {
		for name, call := range calls() {
			err := call(t.Context(), offline(t, accounttest.New(accounttest.Refuse(http.StatusForbidden, code))))
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "request-1") {
				t.Errorf("%s, %s: error is %v, want one that names the request and says %q", name, code, err, want)
			}
		}
	}
}

// What is missing is named, and who makes it.
func TestMissingQueuesAndTables(t *testing.T) {
	s := openOn(t, nil)
	for _, table := range []string{"worlds", "archive"} {
		emptyTable(t, table)
		if _, err := rawTable(t, table).Delete(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	_, received := s.Queue("orders-nowhere").Receive(t.Context(), 1, time.Minute)
	row := world.Row{Key: world.Key{Guild: "1", World: "midgard"}, State: world.NewState("midgard"), ETag: "W/\"1\""}
	_, loaded := s.Store().Load(t.Context(), row.Key)
	_, inserted := s.Store().Insert(t.Context(), row)
	_, replaced := s.Store().Replace(t.Context(), row)
	_, keeping := s.Archive().Keep(t.Context(), "x", nil)
	_, counted := s.Archive().Kept(t.Context(), time.Time{})
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"send":    {s.Queue("orders-nowhere").Send(t.Context(), []byte("x"), 0), "orders-nowhere"},
		"receive": {received, "orders-nowhere"},
		"delete":  {s.Queue("orders-nowhere").Delete(t.Context(), world.Message{ID: "1", Receipt: "r"}), "orders-nowhere"},
		"load":    {loaded, "table worlds"},
		"insert":  {inserted, "table worlds"},
		"replace": {replaced, "table worlds"},
		"keep":    {keeping, "table archive"},
		"kept":    {counted, "table archive"},
	} {
		if tc.err == nil || !strings.Contains(tc.err.Error(), tc.want) || !strings.Contains(tc.err.Error(), "apply infra") {
			t.Errorf("%s: error is %v, want one that names %s and says who makes it", name, tc.err, tc.want)
		}
		if errors.Is(tc.err, world.ErrNotFound) || errors.Is(tc.err, world.ErrConflict) || errors.Is(tc.err, world.ErrStaleReceipt) {
			t.Errorf("%s: error is %v, want none that callers take for an answer", name, tc.err)
		}
	}
}
