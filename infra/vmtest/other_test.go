//go:build !linux

package vmtest_test

import (
	"os"
	"testing"
)

func TestMachine(t *testing.T) {
	if os.Getenv("HEARTH_VM") == "" {
		t.Skip("make test-vm runs this")
	}
	t.Fatal("make test-vm needs Linux on amd64")
}
