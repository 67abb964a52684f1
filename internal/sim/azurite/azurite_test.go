package azurite_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"

	"hearth/internal/sim/azurite"
)

// What was enqueued is there after a restart, on the same folder.
func TestKeepsItsData(t *testing.T) {
	dir := t.TempDir()
	const text = "bWlkZ2FyZA=="
	s := start(t, dir)
	q := queue(t, s)
	if _, err := q.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := q.EnqueueMessage(t.Context(), text, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing it again: %v", err)
	}
	if resp, err := http.Get(s.QueueURL); err == nil {
		_ = resp.Body.Close()
		t.Error("it still answers after Close")
	}

	again, err := queue(t, start(t, dir)).DequeueMessage(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Messages) != 1 || *again.Messages[0].MessageText != text {
		t.Errorf("after a restart: got %d messages, want the one that was enqueued", len(again.Messages))
	}
}

// A port that is taken is an error that says so, at once.
func TestPortTaken(t *testing.T) {
	s := start(t, t.TempDir())
	var port int
	if _, err := fmt.Sscanf(s.QueueURL, "http://127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	second, err := azurite.Start(ctx, azurite.Options{Dir: t.TempDir(), QueuePort: port})
	if err == nil {
		_ = second.Close()
		t.Fatal("started on a port that is taken")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want what Azurite says", err)
	}
}

func start(t *testing.T, dir string) *azurite.Server {
	t.Helper()
	s, err := azurite.Start(t.Context(), azurite.Options{Dir: dir})
	if errors.Is(err, azurite.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func queue(t *testing.T, s *azurite.Server) *azqueue.QueueClient {
	t.Helper()
	q, err := azqueue.NewQueueClientFromConnectionString(s.ConnectionString(), "events", nil)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
