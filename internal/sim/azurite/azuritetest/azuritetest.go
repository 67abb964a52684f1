// Package azuritetest gives a package's tests one Azurite, which costs a second
// or two to start.
package azuritetest

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"hearth/internal/sim/azurite"
)

// Shared is the one Azurite of a package's tests, started when the first of them
// needs it; TestMain ends it. The zero Shared is ready.
type Shared struct {
	mu     sync.Mutex // guards what follows
	server *azurite.Server
	dir    string
}

// Server is it. Without Node the test is skipped.
func (s *Shared) Server(t testing.TB) *azurite.Server {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return s.server
	}
	dir, err := os.MkdirTemp("", "hearth-azurite-") //nolint:usetesting // it outlives the test
	if err != nil {
		t.Fatal(err)
	}
	server, err := azurite.Start(context.Background(), azurite.Options{Dir: dir})
	if err != nil {
		_ = os.RemoveAll(dir) // nothing is in it
		if errors.Is(err, azurite.ErrMissing) {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	s.server, s.dir = server, dir
	return server
}

// Close ends it, if it was started.
func (s *Shared) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		_ = s.server.Close()
		_ = os.RemoveAll(s.dir)
	}
}
