package worldtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// archive keeps world.Archive's promises in memory.
type archive struct {
	clock world.Clock

	mu   sync.Mutex // guards kept
	kept map[string]archived
}

type archived struct {
	body []byte
	at   time.Time
}

func (a *archive) Keep(ctx context.Context, name string, body []byte) (first bool, err error) {
	odd := func(r rune) bool { return r < ' ' || r > '~' }
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case len(body) > world.MaxMessageBytes:
		return false, world.ErrTooLarge
	case name == "" || len(name) > 200 || strings.ContainsFunc(name, odd):
		return false, fmt.Errorf("name %q is out of range", name)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, again := a.kept[name]; again {
		return false, nil
	}
	a.kept[name] = archived{bytes.Clone(body), a.clock.Now()}
	return true, nil
}

func (a *archive) Kept(ctx context.Context, since time.Time) (n int, err error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, k := range a.kept {
		if !k.at.Before(since) {
			n++
		}
	}
	return n, nil
}

func (a *archive) stored(name string) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.kept[name].body
}

// forget makes room for another body under the name.
func (a *archive) forget(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.kept, name)
}

// oddArchive does what its functions say, and what its archive does where it
// has none.
type oddArchive struct {
	*archive
	keep   func(ctx context.Context, name string, body []byte) (bool, error)
	count  func(ctx context.Context, since time.Time) (int, error)
	reader func(name string) []byte
}

func (a oddArchive) Keep(ctx context.Context, name string, body []byte) (bool, error) {
	if a.keep == nil {
		return a.archive.Keep(ctx, name, body)
	}
	return a.keep(ctx, name, body)
}

func (a oddArchive) Kept(ctx context.Context, since time.Time) (int, error) {
	if a.count == nil {
		return a.archive.Kept(ctx, since)
	}
	return a.count(ctx, since)
}

func brokenArchives() []brokenCopy {
	odd := func(name, fails string, spoil func(a *archive) oddArchive) brokenCopy {
		return brokenCopy{name, fails, func(t *testing.T) {
			worldtest.Archive(t, func(_ *testing.T, clock world.Clock) worldtest.ArchiveUnderTest {
				a := &archive{clock: clock, kept: map[string]archived{}}
				o := spoil(a)
				o.archive = a
				read := a.stored
				if o.reader != nil {
					read = o.reader
				}
				return worldtest.ArchiveUnderTest{
					Archive: o, Now: clock.Now, Stored: func(_ *testing.T, name string) []byte { return read(name) },
				}
			})
		}}
	}
	// renamed keeps everything under another name, which several may share.
	renamed := func(name, fails string, rename func(string) string) brokenCopy {
		return odd(name, fails, func(a *archive) oddArchive {
			return oddArchive{keep: func(ctx context.Context, name string, body []byte) (bool, error) {
				return a.Keep(ctx, rename(name), body)
			}, reader: func(name string) []byte { return a.stored(rename(name)) }}
		})
	}
	return []brokenCopy{
		odd(honest, "", func(*archive) oddArchive { return oddArchive{} }),
		odd("keeps text", "body is kept as it was given", func(a *archive) oddArchive {
			return oddArchive{keep: func(ctx context.Context, name string, body []byte) (bool, error) {
				return a.Keep(ctx, name, bytes.ReplaceAll(body, []byte{0}, nil))
			}}
		}),
		odd("replaces what is kept", "keeping it again changes nothing", func(a *archive) oddArchive {
			return oddArchive{keep: func(ctx context.Context, name string, body []byte) (bool, error) {
				again := a.stored(name) != nil
				a.forget(name)
				_, err := a.Keep(ctx, name, body)
				return !again, err
			}}
		}),
		odd("counts every repeat as kept now", "keeping it again changes nothing", func(a *archive) oddArchive {
			return oddArchive{keep: func(ctx context.Context, name string, body []byte) (bool, error) {
				first, err := a.Keep(ctx, name, body)
				if was := a.stored(name); err == nil && !first {
					a.forget(name)
					_, err = a.Keep(ctx, name, was)
				}
				return first, err
			}}
		}),
		odd("says so to everybody", "of keeps at once exactly one is first", func(a *archive) oddArchive {
			return oddArchive{keep: func(ctx context.Context, name string, body []byte) (bool, error) {
				_, err := a.Keep(ctx, name, body)
				return true, err
			}}
		}),
		odd("cuts what is too large", "48 KiB are allowed and not one byte more", func(a *archive) oddArchive {
			return oddArchive{keep: func(ctx context.Context, name string, body []byte) (bool, error) {
				return a.Keep(ctx, name, body[:min(len(body), world.MaxMessageBytes)])
			}}
		}),
		odd("keeps what it refuses", "48 KiB are allowed and not one byte more", func(a *archive) oddArchive {
			return oddArchive{keep: func(ctx context.Context, name string, body []byte) (bool, error) {
				first, err := a.Keep(ctx, name, body)
				if errors.Is(err, world.ErrTooLarge) {
					_, _ = a.Keep(ctx, name, body[:1])
				}
				return first, err
			}}
		}),
		odd("takes any name", "names out of range are refused", func(a *archive) oddArchive {
			return oddArchive{keep: func(ctx context.Context, name string, body []byte) (bool, error) {
				first, err := a.Keep(ctx, name, body)
				if err != nil && ctx.Err() == nil && len(body) == 1 {
					return a.Keep(ctx, "nameless", body)
				}
				return first, err
			}}
		}),
		renamed("does not mind the case", "names that look alike are apart", strings.ToLower),
		renamed("makes all odd characters one", "names that look alike are apart", func(name string) string {
			return strings.Map(func(r rune) rune {
				if strings.ContainsRune(`/\#?`, r) {
					return '-'
				}
				return r
			}, name)
		}),
		odd("counts all", "what was kept since then is counted", func(a *archive) oddArchive {
			return oddArchive{count: func(ctx context.Context, _ time.Time) (int, error) { return a.Kept(ctx, time.Time{}) }}
		}),
		odd("keeps the giver's bytes", "kept body shares nothing with its giver", func(a *archive) oddArchive {
			given := map[string][]byte{}
			var mu sync.Mutex // guards given
			return oddArchive{keep: func(ctx context.Context, name string, body []byte) (bool, error) {
				first, err := a.Keep(ctx, name, body)
				mu.Lock()
				defer mu.Unlock()
				if first {
					given[name] = body
				}
				return first, err
			}, reader: func(name string) []byte {
				mu.Lock()
				defer mu.Unlock()
				return given[name]
			}}
		}),
		odd("hears no cancel", "canceled context is honored", func(a *archive) oddArchive {
			return oddArchive{keep: func(ctx context.Context, name string, body []byte) (bool, error) {
				return a.Keep(deaf(ctx), name, body)
			}}
		}),
	}
}
