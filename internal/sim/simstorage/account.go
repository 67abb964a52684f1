// Package simstorage is a storage account in memory: queues, the table of the
// worlds' rows, their leases, and the archive. It keeps the rules of the real one and does
// nothing by itself: no goroutine, no randomness, no time but its Clock's. The
// same calls in the same order have the same answers, so a seed can be played
// again, and it may be used inside a testing/synctest bubble.
package simstorage

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"hearth/internal/world"
)

// Options configure an account.
type Options struct {
	// Clock is what delays, visibility and leases are measured on. Required.
	Clock world.Clock
	// Pick chooses which of n visible messages a Receive hands out next, the
	// one visible longest being 0; it returns 0 to n-1. It is called with the
	// account locked and must not use it. Nil: always 0.
	Pick func(n int) int
}

// Account is the storage account. Its methods and those of its parts are safe
// for concurrent use.
type Account struct {
	clock world.Clock
	pick  func(n int) int

	mu     sync.Mutex // guards what follows, and the queues' messages
	serial int64      // the number of the last id, receipt or etag
	queues map[string]*Queue
	rows   map[world.Key]row
	leases map[string]tenure
	kept   map[string]kept
}

// New returns an empty account.
func New(o Options) *Account {
	a := &Account{
		clock: o.Clock, pick: o.Pick,
		queues: map[string]*Queue{}, rows: map[world.Key]row{}, leases: map[string]tenure{},
		kept: map[string]kept{},
	}
	if a.pick == nil {
		a.pick = func(int) int { return 0 }
	}
	return a
}

// Queue returns the queue with this name, the same one every time. A name made
// by world.PoisonQueue is a poison queue: it hands out its messages any number
// of times.
func (a *Account) Queue(name string) *Queue {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.queue(name)
}

// queue returns the queue with this name. a.mu is held.
func (a *Account) queue(name string) *Queue {
	q, ok := a.queues[name]
	if !ok {
		q = &Queue{account: a, name: name, poison: strings.HasSuffix(name, world.PoisonQueue(""))}
		a.queues[name] = q
	}
	return q
}

// Store returns the table of the worlds' rows.
func (a *Account) Store() *Store { return &Store{a} }

// Lease returns the worlds' leases.
func (a *Account) Lease() *Lease { return &Lease{a} }

// Archive returns what could not be handled.
func (a *Account) Archive() *Archive { return &Archive{a} }

// name returns a name that was never used before. a.mu is held.
func (a *Account) name(of string) string {
	a.serial++
	return of + "-" + strconv.FormatInt(a.serial, 10)
}

// now is the time of the account.
func (a *Account) now() time.Time { return a.clock.Now() }
