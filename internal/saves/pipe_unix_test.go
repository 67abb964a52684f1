//go:build unix

package saves_test

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"hearth/internal/saves"
	"hearth/internal/world"
)

// A pipe in the proof's place must not be waited for.
func TestLastProofIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, proofFile), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, saves.Options{Dir: dir}).LastProof(t.Context()); !errors.Is(err, world.ErrNotFound) {
		t.Errorf("LastProof = %v, want ErrNotFound", err)
	}
}
