package bloblease_test

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
	"hearth/internal/azure/bloblease"
	"hearth/internal/world"
)

func acquire(t *testing.T, l *bloblease.Lease) world.Holding {
	t.Helper()
	h, err := l.Acquire(t.Context(), worldID)
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	return h
}

// Whatever reply of Acquire is lost, the lease is had once, with one epoch.
func TestAcquireWhoseReplyIsLost(t *testing.T) {
	t.Parallel()
	const (
		firstTime = 5 // no blob: take, make, take, read, write
		again     = 3 // take, read, write
	)
	pass := accounttest.Fault(accounttest.Pass)
	for _, tc := range []struct {
		name  string
		calls int
		again bool
	}{{"first boot", firstTime, false}, {"second boot", again, true}} {
		for lose := range tc.calls {
			script := make([]accounttest.Fault, lose, lose+1)
			for i := range script {
				script[i] = pass
			}
			conn := newAccount(t)
			plain := open(t, conn, nil)
			provision(t, plain, worldID)
			want := int64(1)
			if tc.again {
				want = 2
				if err := plain.Release(t.Context(), acquire(t, plain)); err != nil {
					t.Fatal(err)
				}
			}
			way := accounttest.New(nil, append(script, accounttest.LoseReply)...)
			h, err := open(t, conn, way).Acquire(t.Context(), worldID)
			if err != nil || h.Epoch != want {
				t.Errorf("%s, reply %d lost: Acquire = %+v, %v; want epoch %d", tc.name, lose+1, h, err, want)
				continue
			}
			if n := len(way.Sent()); n < tc.calls+1 {
				t.Errorf("%s, reply %d lost: %d requests, want the lost one repeated", tc.name, lose+1, n)
			}
			if other, err := plain.Acquire(t.Context(), worldID); !errors.Is(err, world.ErrLeaseHeld) {
				t.Errorf("%s, reply %d lost: Acquire by another = %+v, %v; want ErrLeaseHeld", tc.name, lose+1, other, err)
			}
			if err := plain.Renew(t.Context(), h); err != nil {
				t.Errorf("%s, reply %d lost: Renew: %v", tc.name, lose+1, err)
			}
			if err := plain.Release(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			if next := acquire(t, plain); next.Epoch != want+1 {
				t.Errorf("%s, reply %d lost: the next epoch is %d, want %d", tc.name, lose+1, next.Epoch, want+1)
			}
		}
	}
}

// An Acquire that does not get through leaves nobody waiting, and gives no epoch
// twice.
func TestAcquireThatFailsGivesBack(t *testing.T) {
	t.Parallel()
	lost, pass := accounttest.Fault(accounttest.LoseReply), accounttest.Fault(accounttest.Pass)
	busy := accounttest.Refuse(http.StatusServiceUnavailable, "ServerBusy")
	for name, script := range map[string][]accounttest.Fault{
		"taking it, replies lost":    {lost, lost, lost},
		"reading it, busy":           {pass, busy, busy, busy},
		"writing it, busy":           {pass, pass, busy, busy, busy},
		"writing it, replies lost":   {pass, pass, lost, lost, lost},
		"writing it, forbidden":      {pass, pass, accounttest.Refuse(http.StatusForbidden, "AuthorizationPermissionMismatch")},
		"writing it, lease was lost": {pass, pass, accounttest.Refuse(http.StatusPreconditionFailed, "LeaseIdMismatchWithBlobOperation")},
	} {
		conn := newAccount(t)
		plain := open(t, conn, nil)
		provision(t, plain, worldID)
		before := acquire(t, plain)
		if err := plain.Release(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		h, err := open(t, conn, accounttest.New(nil, script...)).Acquire(t.Context(), worldID)
		if err == nil || errors.Is(err, world.ErrLeaseHeld) {
			t.Errorf("%s: Acquire = %+v, %v; want an error that is not ErrLeaseHeld", name, h, err)
		}
		if after := acquire(t, plain); after.Epoch <= before.Epoch {
			t.Errorf("%s: the next epoch is %d, want one above %d", name, after.Epoch, before.Epoch)
		}
	}

	// Nor does a caller that gave up leave it taken.
	conn := newAccount(t)
	plain := open(t, conn, nil)
	provision(t, plain, worldID)
	if err := plain.Release(t.Context(), acquire(t, plain)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	giveUp := func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		resp, err := accounttest.LoseReply(r, send)
		cancel()
		return resp, err
	}
	if _, err := open(t, conn, accounttest.New(nil, giveUp)).Acquire(ctx, worldID); !errors.Is(err, context.Canceled) {
		t.Errorf("Acquire = %v, want context.Canceled", err)
	}
	acquire(t, plain)
}

func TestRenewAndReleaseWhoseReplyIsLost(t *testing.T) {
	t.Parallel()
	conn := newAccount(t)
	plain := open(t, conn, nil)
	provision(t, plain, worldID)
	h := acquire(t, plain)
	if err := open(t, conn, accounttest.New(nil, accounttest.LoseReply)).Renew(t.Context(), h); err != nil {
		t.Errorf("Renew: %v", err)
	}
	if err := open(t, conn, accounttest.New(nil, accounttest.LoseReply)).Release(t.Context(), h); err != nil {
		t.Errorf("Release: %v", err)
	}
	if err := plain.Renew(t.Context(), h); !errors.Is(err, world.ErrLeaseLost) {
		t.Errorf("Renew after Release = %v, want ErrLeaseLost", err)
	}
	// Busy is neither held nor lost.
	busy := open(t, conn, accounttest.New(accounttest.Refuse(http.StatusServiceUnavailable, "ServerBusy")))
	if err := busy.Renew(t.Context(), h); err == nil || errors.Is(err, world.ErrLeaseLost) {
		t.Errorf("Renew of a busy service = %v, want an error that leaves it open", err)
	}
	if err := busy.Release(t.Context(), h); err == nil {
		t.Error("Release of a busy service: want an error")
	}
}

// Somebody broke it in the portal, or deleted the blob.
func TestLeaseThatWasBroken(t *testing.T) {
	t.Parallel()
	conn := newAccount(t)
	l := open(t, conn, nil)
	provision(t, l, worldID)
	h := acquire(t, l)
	breakLease(t, conn)
	if err := l.Renew(t.Context(), h); !errors.Is(err, world.ErrLeaseLost) {
		t.Errorf("Renew of a broken lease = %v, want ErrLeaseLost", err)
	}
	next := acquire(t, l)
	if next.Epoch != h.Epoch+1 {
		t.Errorf("epoch = %d, want %d", next.Epoch, h.Epoch+1)
	}
	breakLease(t, conn)
	if _, err := rawBlob(t, conn).Delete(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := l.Renew(t.Context(), next); !errors.Is(err, world.ErrLeaseLost) {
		t.Errorf("Renew without a blob = %v, want ErrLeaseLost", err)
	}
	if err := l.Release(t.Context(), next); err != nil {
		t.Errorf("Release without a blob = %v, want no error", err)
	}
}

// An epoch that can't be read is not guessed, and keeps the lease from nobody.
func TestEpochEditedByHand(t *testing.T) {
	t.Parallel()
	conn := newAccount(t)
	l := open(t, conn, nil)
	provision(t, l, worldID)
	if err := l.Release(t.Context(), acquire(t, l)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []map[string]*string{nil, {"epoch": new("seven")}, {"epoch": new("-1")}, {"epoch": new("99999999999999999999")}} {
		if _, err := rawBlob(t, conn).SetMetadata(t.Context(), bad, nil); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			h, err := l.Acquire(t.Context(), worldID)
			if !errors.Is(err, world.ErrMalformed) || !strings.Contains(err.Error(), "epoch") || !strings.Contains(err.Error(), worldID) {
				t.Errorf("Acquire with metadata %v = %+v, %v; want ErrMalformed and what to do", bad, h, err)
			}
		}
	}
	if _, err := rawBlob(t, conn).SetMetadata(t.Context(), map[string]*string{"Epoch": new("41")}, nil); err != nil {
		t.Fatal(err)
	}
	if h := acquire(t, l); h.Epoch != 42 {
		t.Errorf("epoch = %d, want 42", h.Epoch)
	}
}

func TestHolder(t *testing.T) {
	t.Parallel()
	l := open(t, newAccount(t), nil)
	provision(t, l, worldID)
	expect := func(want world.Holding, held bool) {
		t.Helper()
		h, _, ok, err := l.Holder(t.Context(), worldID)
		if err != nil || ok != held || h != want {
			t.Errorf("Holder = %+v, %t, %v; want %+v, %t", h, ok, err, want, held)
		}
	}
	expect(world.Holding{}, false)
	for range 2 {
		h := acquire(t, l)
		expect(h, true)
		if err := l.Release(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		expect(world.Holding{}, false)
	}
}

// A machine's identity makes no container, and a wrong id reaches none.
func TestMissingContainer(t *testing.T) {
	t.Parallel()
	l := open(t, newAccount(t), nil)
	h := world.Holding{World: worldID, ID: "01234567-89ab-cdef-0123-456789abcdef", Epoch: 1}
	_, acquired := l.Acquire(t.Context(), worldID)
	_, _, _, asked := l.Holder(t.Context(), worldID)
	for name, err := range map[string]error{"acquire": acquired, "renew": l.Renew(t.Context(), h), "release": l.Release(t.Context(), h), "holder": asked} {
		if err == nil || !strings.Contains(err.Error(), "lease-midgard") || !strings.Contains(err.Error(), "apply infra") {
			t.Errorf("%s: error is %v, want one that names the container and says who makes it", name, err)
		}
		if errors.Is(err, world.ErrLeaseLost) || errors.Is(err, world.ErrLeaseHeld) {
			t.Errorf("%s: error is %v, want none that says how the lease stands", name, err)
		}
	}
	for _, id := range []string{"", "Midgard", "../asgard", "midgard--x"} {
		if _, err := l.Acquire(t.Context(), id); err == nil {
			t.Errorf("Acquire of %q: want an error", id)
		}
		if _, _, _, err := l.Holder(t.Context(), id); err == nil {
			t.Errorf("Holder of %q: want an error", id)
		}
		if err := l.Provision(t.Context(), []string{id}); err == nil {
			t.Errorf("Provision of %q: want an error", id)
		}
	}
}

// However the service fails, each call ends: with its context, and after its
// attempts if that has no end.
func TestCallsAreBounded(t *testing.T) {
	h := world.Holding{World: worldID, ID: "01234567-89ab-cdef-0123-456789abcdef", Epoch: 1}
	const soon = 500 * time.Millisecond
	for name, fault := range map[string]accounttest.Fault{
		"busy": accounttest.Refuse(http.StatusServiceUnavailable, "ServerBusy"), "no answer": accounttest.Hang, "broken": accounttest.LoseRequest,
	} {
		for act, call := range map[string]func(ctx context.Context, l *bloblease.Lease) error{
			"acquire": func(ctx context.Context, l *bloblease.Lease) error { _, err := l.Acquire(ctx, worldID); return err },
			"renew":   func(ctx context.Context, l *bloblease.Lease) error { return l.Renew(ctx, h) },
			"release": func(ctx context.Context, l *bloblease.Lease) error { return l.Release(ctx, h) },
			"holder": func(ctx context.Context, l *bloblease.Lease) error {
				_, _, _, err := l.Holder(ctx, worldID)
				return err
			},
			"provision": func(ctx context.Context, l *bloblease.Lease) error { return l.Provision(ctx, []string{worldID}) },
		} {
			for _, within := range []time.Duration{soon, time.Hour} {
				synctest.Test(t, func(t *testing.T) {
					a, err := account.Open(account.Options{ConnectionString: "AccountName=hearth;AccountKey=c2VjcmV0", Transport: accounttest.New(fault)})
					if err != nil {
						t.Fatal(err)
					}
					l, err := bloblease.New(a)
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithTimeout(t.Context(), within)
					defer cancel()
					start := time.Now()
					err = call(ctx, l)
					longest := min(within, account.Total)
					if act == "acquire" {
						longest += 2 * time.Second // to give it back
					}
					if took := time.Since(start); err == nil || took > longest {
						t.Errorf("%s, %s: %v after %s, want an error after at most %s", act, name, err, took, longest)
					}
					if errors.Is(err, world.ErrLeaseLost) || errors.Is(err, world.ErrLeaseHeld) {
						t.Errorf("%s, %s: error is %v, want none that says how the lease stands", act, name, err)
					}
				})
			}
		}
	}
}

// Two boots meet a world without a blob: the one that comes late does not make it
// anew over the other's epoch.
func TestBlobIsMadeOnce(t *testing.T) {
	t.Parallel()
	conn := newAccount(t)
	l := open(t, conn, nil)
	provision(t, l, worldID)
	h := acquire(t, l)
	late := func() (world.Holding, error) {
		return open(t, conn, accounttest.New(nil, accounttest.Refuse(http.StatusNotFound, "BlobNotFound"))).Acquire(t.Context(), worldID)
	}
	if other, err := late(); !errors.Is(err, world.ErrLeaseHeld) {
		t.Errorf("Acquire beside a holder = %+v, %v; want ErrLeaseHeld", other, err)
	}
	if err := l.Release(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if other, err := late(); err != nil || other.Epoch != h.Epoch+1 {
		t.Errorf("Acquire after a holder = %+v, %v; want epoch %d", other, err, h.Epoch+1)
	}
}

// What the service calls it when somebody else was there first ("Blob service
// error codes"): Azurite does not say all of them.
func TestWordsOfTheService(t *testing.T) {
	t.Parallel()
	conn := newAccount(t)
	l := open(t, conn, nil)
	for range 2 { // what is there already is fine
		provision(t, l, worldID)
	}
	h := acquire(t, l)
	if err := l.Release(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	for code, status := range map[string]int{
		"BlobAlreadyExists": http.StatusConflict, "ConditionNotMet": http.StatusPreconditionFailed, "LeaseIdMissing": http.StatusPreconditionFailed,
	} {
		way := accounttest.New(nil, accounttest.Refuse(http.StatusNotFound, "BlobNotFound"), accounttest.Refuse(status, code))
		other, err := open(t, conn, way).Acquire(t.Context(), worldID)
		if err != nil || other.Epoch <= h.Epoch {
			t.Errorf("%s: Acquire = %+v, %v; want an epoch above %d", code, other, err, h.Epoch)
			continue
		}
		h = other
		if err := l.Release(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	for code, status := range map[string]int{
		"LeaseIdMismatchWithLeaseOperation": http.StatusConflict, "LeaseNotPresentWithLeaseOperation": http.StatusConflict,
		"LeaseIsBrokenAndCannotBeRenewed": http.StatusConflict, "LeaseLost": http.StatusPreconditionFailed, "BlobNotFound": http.StatusNotFound,
	} {
		refuses := open(t, conn, accounttest.New(accounttest.Refuse(status, code)))
		if err := refuses.Renew(t.Context(), h); !errors.Is(err, world.ErrLeaseLost) {
			t.Errorf("%s: Renew = %v, want ErrLeaseLost", code, err)
		}
		if err := refuses.Release(t.Context(), h); err != nil {
			t.Errorf("%s: Release = %v, want no error", code, err)
		}
	}
	for _, code := range []string{"LeaseAlreadyPresent", "LeaseIsBreakingAndCannotBeAcquired"} {
		refuses := open(t, conn, accounttest.New(accounttest.Refuse(http.StatusConflict, code)))
		if other, err := refuses.Acquire(t.Context(), worldID); !errors.Is(err, world.ErrLeaseHeld) {
			t.Errorf("%s: Acquire = %+v, %v; want ErrLeaseHeld", code, other, err)
		}
	}
}
