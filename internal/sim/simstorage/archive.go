package simstorage

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"hearth/internal/world"
)

var _ world.Archive = (*Archive)(nil)

// Archive keeps what could not be handled.
type Archive struct{ account *Account }

// kept is a body in the archive.
type kept struct {
	body []byte
	at   time.Time
}

// Keep implements world.Archive.
func (v *Archive) Keep(ctx context.Context, name string, body []byte) (first bool, err error) {
	err = ctx.Err()
	if err == nil {
		err = world.CheckKept(name, body)
	}
	if err != nil {
		return false, fmt.Errorf("keep event %q: %w", name, err)
	}
	a := v.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, there := a.kept[name]; there {
		return false, nil
	}
	a.kept[name] = kept{body: bytes.Clone(body), at: a.now()}
	return true, nil
}

// Kept implements world.Archive.
func (v *Archive) Kept(ctx context.Context, since time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("count kept events: %w", err)
	}
	v.account.mu.Lock()
	defer v.account.mu.Unlock()
	n := 0
	for _, k := range v.account.kept {
		if !k.at.Before(since) {
			n++
		}
	}
	return n, nil
}

// Read returns what is kept under the name, or nil.
func (v *Archive) Read(name string) []byte {
	v.account.mu.Lock()
	defer v.account.mu.Unlock()
	return bytes.Clone(v.account.kept[name].body)
}

// Names lists what is kept, in the order of the alphabet.
func (v *Archive) Names() []string {
	v.account.mu.Lock()
	defer v.account.mu.Unlock()
	return slices.Sorted(maps.Keys(v.account.kept))
}

// Holds tells whether this body is kept, under whatever name.
func (v *Archive) Holds(body []byte) bool {
	v.account.mu.Lock()
	defer v.account.mu.Unlock()
	for _, k := range v.account.kept {
		if bytes.Equal(k.body, body) {
			return true
		}
	}
	return false
}
