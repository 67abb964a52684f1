package worldtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/world"
)

// ArchiveUnderTest is an archive that is empty and that nobody else uses, and
// the eyes that the suite needs on it. Every field is required.
type ArchiveUnderTest struct {
	Archive world.Archive
	// Stored reads the body that is kept under the name; nil if there is none.
	Stored func(t *testing.T, name string) []byte
	// Now is the archive's clock.
	Now func() time.Time
}

// ArchiveOpener returns an archive whose times are clock's, unless the service
// behind it has a clock of its own.
type ArchiveOpener func(t *testing.T, clock world.Clock) ArchiveUnderTest

// Archive checks that the archives open returns do what world.Archive promises.
func Archive(t *testing.T, open ArchiveOpener, opts ...Option) {
	t.Helper()
	o := optionsOf(opts)
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s stage, u ArchiveUnderTest)
	}{
		{"body is kept as it was given", archiveKeeps},
		{"keeping it again changes nothing", archiveAgain},
		{"of keeps at once exactly one is first", archiveRace},
		{"48 KiB are allowed and not one byte more", archiveSize},
		{"names out of range are refused", archiveBadNames},
		{"names that look alike are apart", archiveNames},
		{"what was kept since then is counted", archiveSince},
		{"kept body shares nothing with its giver", archiveSharesNothing},
		{"canceled context is honored", archiveCanceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(o)
			c.run(t, s, open(t, s.clock))
		})
	}
}

func archiveKeeps(t *testing.T, _ stage, u ArchiveUnderTest) {
	expectKept(t, u, time.Time{}, 0)
	for i, body := range [][]byte{[]byte(`{"type":"agent.died"}`), {0, 1, 0xff, 0xfe, '\n', 0}, []byte("Skål \u2028")} {
		name := fmt.Sprintf("event-%d", i)
		keep(t, u, name, body, true)
		expectStored(t, u, name, body)
	}
	expectKept(t, u, time.Time{}, 3)
}

func archiveAgain(t *testing.T, s stage, u ArchiveUnderTest) {
	keep(t, u, "event", []byte("first"), true)
	s.pass(t, hold)
	later := u.Now()
	for _, body := range []string{"first", "second"} {
		keep(t, u, "event", []byte(body), false)
		expectStored(t, u, "event", []byte("first"))
	}
	expectKept(t, u, time.Time{}, 1)
	expectKept(t, u, later, 0)
}

func archiveRace(t *testing.T, _ stage, u ArchiveUnderTest) {
	var (
		wg     sync.WaitGroup
		firsts atomic.Int32
	)
	for i := range 8 {
		wg.Go(func() {
			first, err := u.Archive.Keep(t.Context(), "event", fmt.Append(nil, i))
			if err != nil {
				t.Errorf("Keep: %v", err)
			}
			if first {
				firsts.Add(1)
			}
		})
	}
	wg.Wait()
	if n := firsts.Load(); n != 1 {
		t.Errorf("%d of 8 keeps were the first, want 1", n)
	}
	expectKept(t, u, time.Time{}, 1)
}

func archiveSize(t *testing.T, _ stage, u ArchiveUnderTest) {
	largest := bytes.Repeat([]byte{0xff}, world.MaxMessageBytes)
	if _, err := u.Archive.Keep(t.Context(), "larger", append(largest, 0)); !errors.Is(err, world.ErrTooLarge) {
		t.Errorf("Keep of one byte more = %v, want ErrTooLarge", err)
	}
	if got := u.Stored(t, "larger"); got != nil {
		t.Errorf("%d bytes were stored of what is too large, want nothing", len(got))
	}
	keep(t, u, "largest", largest, true)
	expectStored(t, u, "largest", largest)
}

func archiveBadNames(t *testing.T, _ stage, u ArchiveUnderTest) {
	for _, name := range []string{"", strings.Repeat("x", 201), "a\nb", "\x00", "a\x7f", "Åse", "a\xff"} {
		if _, err := u.Archive.Keep(t.Context(), name, []byte("x")); err == nil {
			t.Errorf("Keep under %q: want an error", name)
		}
	}
	expectKept(t, u, time.Time{}, 0)
}

func archiveNames(t *testing.T, _ stage, u ArchiveUnderTest) {
	names := []string{
		"a", "A", "a ", " a", "a/b", `a\b`, "a#b", "a?b", "a%2Fb", "a%b", "a+b", "a b", "a'b", "a''b", `a"b`, "a_b", "a-b", "a~2fb",
		"a=b", "a:b", ".", "..", "~", "a&b", "<a>", "$a", "{a}", "a|b", "a;b", "a,b",
		strings.Repeat("x", 199), strings.Repeat("x", 200), strings.Repeat("/", 199), strings.Repeat("/", 200),
	}
	for _, name := range names {
		keep(t, u, name, []byte("body of "+name), true)
	}
	for _, name := range names {
		expectStored(t, u, name, []byte("body of "+name))
	}
	expectKept(t, u, time.Time{}, len(names))
}

func archiveSince(t *testing.T, s stage, u ArchiveUnderTest) {
	start := u.Now()
	s.pass(t, hold)
	keep(t, u, "early", []byte("x"), true)
	s.pass(t, hold)
	middle := u.Now()
	s.pass(t, hold)
	keep(t, u, "late", []byte("x"), true)
	keep(t, u, "later", []byte("x"), true)
	s.pass(t, hold)
	for _, since := range []time.Time{{}, start, start.In(time.FixedZone("", 5*60*60))} {
		expectKept(t, u, since, 3)
	}
	expectKept(t, u, middle, 2)
	expectKept(t, u, u.Now(), 0)
	expectKept(t, u, u.Now().Add(time.Hour), 0)
}

func archiveSharesNothing(t *testing.T, _ stage, u ArchiveUnderTest) {
	body := []byte("midgard")
	keep(t, u, "event", body, true)
	copy(body, "asgard!")
	expectStored(t, u, "event", []byte("midgard"))
}

func archiveCanceled(t *testing.T, _ stage, u ArchiveUnderTest) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := u.Archive.Keep(ctx, "event", []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Keep = %v, want context.Canceled", err)
	}
	if _, err := u.Archive.Kept(ctx, time.Time{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Kept = %v, want context.Canceled", err)
	}
	expectKept(t, u, time.Time{}, 0)
}

func keep(t *testing.T, u ArchiveUnderTest, name string, body []byte, first bool) {
	t.Helper()
	got, err := u.Archive.Keep(t.Context(), name, body)
	if err != nil {
		t.Fatalf("Keep under %q: %v", name, err)
	}
	if got != first {
		t.Errorf("Keep under %q: first is %t, want %t", name, got, first)
	}
}

func expectStored(t *testing.T, u ArchiveUnderTest, name string, want []byte) {
	t.Helper()
	if got := u.Stored(t, name); !bytes.Equal(got, want) {
		t.Errorf("%d bytes are stored under %q: %.40q, want %d: %.40q", len(got), name, got, len(want), want)
	}
}

func expectKept(t *testing.T, u ArchiveUnderTest, since time.Time, want int) {
	t.Helper()
	n, err := u.Archive.Kept(t.Context(), since)
	if err != nil {
		t.Fatalf("Kept: %v", err)
	}
	if n != want {
		t.Errorf("%d were kept since %v, want %d", n, since, want)
	}
}
