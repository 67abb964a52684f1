package storage_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"hearth/internal/azure/account/accounttest"
	"hearth/internal/azure/storage"
	"hearth/internal/world"
)

var key = world.Key{Guild: "81384788765712384", World: "midgard"}

// A service that is busy once is asked again, and nobody hears of it.
func TestBusyOnce(t *testing.T) {
	emptyTable(t, "worlds")
	emptyTable(t, "archive")
	queue := newQueue(t)
	busy := func() *storage.Storage {
		return openOn(t, accounttest.New(nil, accounttest.Refuse(http.StatusServiceUnavailable, "ServerBusy", "Retry-After: 0")))
	}
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	must("send", busy().Queue(queue).Send(t.Context(), []byte("x"), 0))
	ms, err := busy().Queue(queue).Receive(t.Context(), 1, time.Minute)
	must("receive", err)
	if len(ms) != 1 || ms[0].DequeueCount != 1 {
		t.Fatalf("received %+v, want the message, once", ms)
	}
	must("delete", busy().Queue(queue).Delete(t.Context(), ms[0]))
	row := world.Row{Key: key, State: world.NewState("midgard")}
	row.ETag, err = busy().Store().Insert(t.Context(), row)
	must("insert", err)
	row.State.Generation++
	_, err = busy().Store().Replace(t.Context(), row)
	must("replace", err)
	got, err := busy().Store().Load(t.Context(), key)
	must("load", err)
	if got.State.Generation != 1 {
		t.Errorf("generation = %d, want 1", got.State.Generation)
	}
	first, err := busy().Archive().Keep(t.Context(), "x", []byte("x"))
	must("keep", err)
	n, err := busy().Archive().Kept(t.Context(), time.Time{})
	must("kept", err)
	if !first || n != 1 {
		t.Errorf("first %t, kept %d; want true and 1", first, n)
	}
}

// The SDK repeats a write whose reply was lost, and the repeat meets the write:
// that is a conflict to whoever asked, and the row tells whose write it holds.
func TestWriteWhoseReplyIsLost(t *testing.T) {
	emptyTable(t, "worlds")
	plain := openOn(t, nil).Store()
	for _, tc := range []struct {
		name  string
		write func(s *storage.Store, row world.Row) error
	}{
		{"insert", func(s *storage.Store, row world.Row) error { _, err := s.Insert(t.Context(), row); return err }},
		{"replace", func(s *storage.Store, row world.Row) error { _, err := s.Replace(t.Context(), row); return err }},
	} {
		row, err := plain.Load(t.Context(), key)
		if errors.Is(err, world.ErrNotFound) {
			row, err = world.Row{Key: key, State: world.NewState("midgard")}, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		row.State.Write, row.State.Generation = tc.name, row.State.Generation+1
		way := accounttest.New(nil, accounttest.LoseReply)
		err = tc.write(openOn(t, way).Store(), row)
		if !errors.Is(err, world.ErrConflict) {
			t.Errorf("%s = %v, want ErrConflict", tc.name, err)
		}
		if n := len(way.Sent()); n != 2 {
			t.Errorf("%s: %d attempts, want 2", tc.name, n)
		}
		got, err := plain.Load(t.Context(), key)
		if err != nil || got.State.Write != tc.name || got.State.Generation != row.State.Generation {
			t.Errorf("after %s the row is of write %q, generation %d (%v); want its own", tc.name, got.State.Write, got.State.Generation, err)
		}

		// Every reply is lost: it is not known how it went.
		row = got
		row.State.Write = tc.name + " again"
		if err := tc.write(openOn(t, accounttest.New(accounttest.LoseReply)).Store(), row); err == nil || errors.Is(err, world.ErrConflict) {
			t.Errorf("%s without any reply = %v, want an error that leaves it open", tc.name, err)
		}
	}
}

func TestMessageWhoseReplyIsLost(t *testing.T) {
	queue := newQueue(t)
	plain := openOn(t, nil).Queue(queue)
	lossy := func() *storage.Queue { return openOn(t, accounttest.New(nil, accounttest.LoseReply)).Queue(queue) }

	if err := lossy().Send(t.Context(), []byte("x"), 0); err != nil {
		t.Fatalf("Send: %v", err)
	}
	ms, err := plain.Receive(t.Context(), 32, time.Minute)
	if err != nil || len(ms) != 2 {
		t.Fatalf("Receive = %d messages, %v; want the message twice: at least once is the promise", len(ms), err)
	}
	if err := lossy().Delete(t.Context(), ms[0]); !errors.Is(err, world.ErrStaleReceipt) {
		t.Errorf("Delete = %v, want ErrStaleReceipt: it is gone", err)
	}
	if err := plain.Delete(t.Context(), ms[0]); !errors.Is(err, world.ErrStaleReceipt) {
		t.Errorf("Delete again = %v, want ErrStaleReceipt", err)
	}
	if err := plain.Delete(t.Context(), ms[1]); err != nil {
		t.Errorf("Delete of the other: %v", err)
	}

	// One that was handed out unseen comes again.
	if err := plain.Send(t.Context(), []byte("y"), 0); err != nil {
		t.Fatal(err)
	}
	if ms, err := lossy().Receive(t.Context(), 32, time.Second); err != nil || len(ms) != 0 {
		t.Errorf("Receive = %d messages, %v; want none: the first reply had it", len(ms), err)
	}
	pass(t, 1500*time.Millisecond)
	if ms, err := plain.Receive(t.Context(), 32, time.Minute); err != nil || len(ms) != 1 || ms[0].DequeueCount != 2 {
		t.Errorf("Receive = %+v, %v; want it, for the second time", ms, err)
	}
}

// Whoever kept it first is told so, lost reply or not: what is told in a channel
// hangs on it.
func TestKeepWhoseReplyIsLost(t *testing.T) {
	emptyTable(t, "archive")
	way := accounttest.New(nil, accounttest.LoseReply)
	first, err := openOn(t, way).Archive().Keep(t.Context(), "event", []byte("x"))
	if err != nil || !first {
		t.Errorf("Keep = %t, %v; want true: nobody else kept it", first, err)
	}
	if n := len(way.Sent()); n != 3 {
		t.Errorf("%d requests, want the insert, its repeat, and the look at what stands there", n)
	}
	first, err = openOn(t, accounttest.New(nil, accounttest.LoseReply)).Archive().Keep(t.Context(), "event", []byte("x"))
	if err != nil || first {
		t.Errorf("Keep again = %t, %v; want false", first, err)
	}
}

// No write is blind.
func TestWritesAreConditional(t *testing.T) {
	emptyTable(t, "worlds")
	way := accounttest.New(nil)
	s := openOn(t, way).Store()
	row := world.Row{Key: key, State: world.NewState("midgard")}
	var err error
	if row.ETag, err = s.Insert(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Replace(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	for _, etag := range []string{"", "*"} {
		blind := row
		blind.ETag = etag
		if _, err := s.Replace(t.Context(), blind); !errors.Is(err, world.ErrConflict) {
			t.Errorf("Replace with etag %q = %v, want ErrConflict", etag, err)
		}
	}
	var got []string
	for _, r := range way.Sent() {
		got = append(got, r.Method+" "+r.Header.Get("If-Match"))
	}
	if want := []string{"POST ", "PUT " + row.ETag}; !slices.Equal(got, want) {
		t.Errorf("requests = %q, want %q", got, want)
	}
}
