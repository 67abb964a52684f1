package bot_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"hearth/internal/bot"
	"hearth/internal/discord"
	"hearth/internal/sqlite"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// took is how long each run of something took.
type took []time.Duration

// run does it once more.
func (t *took) run(b *testing.B, do func() error) {
	begun := time.Now()
	err := do()
	*t = append(*t, time.Since(begun))
	if err != nil {
		b.Fatal(err)
	}
}

// median is what noise of the machine hardly moves; a mean of few
// milliseconds is moved by one moment in which others had the processor.
func (t took) median() time.Duration {
	sorted := slices.Sorted(slices.Values(t))
	return sorted[len(sorted)/2]
}

// rate is how often it is done in a second.
func (t took) rate() float64 { return 1 / t.median().Seconds() }

// BenchmarkRunner handles events that each say a line: two writes an event,
// and Discord left out. of_bare_store is its rate as a share of the rate of
// one read and one conditional write of the same row on the same kind of
// store, taken in turns in the same run so that the machine's noise falls on
// both; the bar is 0.3. of_memory is SQLite's rate as a share of the runner's
// in memory, taken in the same turns. Reads and writes of the store are
// counted; the budget is 2 and 2 an event.
func BenchmarkRunner(b *testing.B) {
	inMemory := func(testing.TB) world.Store { return memory(wall{}).Store() }
	b.Run("memory", func(b *testing.B) {
		events, _ := benchmarkRunner(b, inMemory, nil)
		b.ReportMetric(events.rate(), "events/s")
	})
	b.Run("sqlite", func(b *testing.B) {
		events, beside := benchmarkRunner(b, inSQLite, inMemory)
		b.ReportMetric(events.rate(), "events/s")
		b.ReportMetric(events.rate()/beside.rate(), "of_memory")
	})
}

func inSQLite(t testing.TB) world.Store {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "hearth.db"), wall{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	return db.Store()
}

// benchmarkRunner times events on a store of the one kind, and in turns with
// them on one of the other, if there is one.
func benchmarkRunner(b *testing.B, kind, other func(testing.TB) world.Store) (events, beside took) {
	store := &counted{Store: kind(b)}
	worker := bare(store, &noteChat{}, wall{})
	seq := int64(0)
	handle := func(r *bot.Runner) func() error {
		return func() error { return r.Handle(b.Context(), death(seq, time.Now())) }
	}
	var reference func() error
	if other != nil {
		reference = handle(bare(other(b), &noteChat{}, wall{}))
	}
	var limit took
	var readAndWrite func() error
	for b.Loop() {
		seq++
		events.run(b, handle(worker))
		if readAndWrite == nil {
			readAndWrite = alone(b, kind(b), store.Store)
		}
		limit.run(b, readAndWrite)
		if reference != nil {
			beside.run(b, reference)
		}
	}
	b.ReportMetric(0, "ns/op") // of all that takes turns
	b.ReportMetric(events.rate()/limit.rate(), "of_bare_store")
	b.ReportMetric(float64(store.reads.Load())/float64(seq), "reads/event")
	b.ReportMetric(float64(store.writes.Load())/float64(seq), "writes/event")
	b.ReportMetric(bytesPerRun(func() {
		seq++
		if err := worker.Handle(b.Context(), death(seq, time.Now())); err != nil {
			b.Fatal(err)
		}
	}), "B/event")
	return events, beside
}

// alone reads a copy of the runner's row in a store of its own, and writes it.
func alone(b *testing.B, store, runners world.Store) func() error {
	row, err := runners.Load(b.Context(), world.Key{Guild: "1", World: midgard})
	if err == nil {
		row.ETag, err = store.Insert(b.Context(), row)
	}
	if err != nil {
		b.Fatal(err)
	}
	return func() error {
		read, err := store.Load(b.Context(), row.Key)
		if err != nil {
			return err
		}
		_, err = store.Replace(b.Context(), read)
		return err
	}
}

// bytesPerRun is how much memory one run takes from the heap, in the mean.
func bytesPerRun(do func()) float64 {
	const runs = 200
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		do()
	}
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc-before.TotalAlloc) / runs
}

// BenchmarkInteraction answers a signed /start, and refuses one with a forged
// signature. of_raw_verify is the rate as a share of the rate of
// ed25519.Verify alone on the same bytes, taken in turns in the same run so
// that the machine's noise falls on both. The budget of the signed one is 0.5,
// the bar of the forged one 0.9: a flood costs no more than its check.
func BenchmarkInteraction(b *testing.B) {
	seed := sha256.Sum256([]byte("a key for this benchmark"))
	key := ed25519.NewKeyFromSeed(seed[:])
	public := key.Public().(ed25519.PublicKey)
	verifier, err := discord.NewVerifier(hex.EncodeToString(public))
	if err != nil {
		b.Fatal(err)
	}
	r := newRig(b)
	body := r.typed(nil) // a real one, but for the key
	clock := worldtest.NewClock()
	stamp := strconv.FormatInt(clock.Now().Unix(), 10)
	message := append([]byte(stamp), body...)
	h := &bot.Interactions{Verifier: verifier, Guild: r.guild, Worlds: r.worlds, Clock: clock, Log: silent()}
	good := ed25519.Sign(key, message)
	forged := slices.Clone(good)
	forged[0] ^= 1
	for _, c := range []struct {
		name      string
		signature []byte
		status    int
	}{
		{"signed", good, http.StatusOK},
		{"forged", forged, http.StatusUnauthorized},
	} {
		b.Run(c.name, func(b *testing.B) {
			header := http.Header{}
			header.Set("X-Signature-Timestamp", stamp)
			header.Set("X-Signature-Ed25519", hex.EncodeToString(c.signature))
			fits := c.status == http.StatusOK
			answer := func(req *http.Request) {
				if a := h.Read(httptest.NewRecorder(), req); a.Status != c.status || (a.Enqueue != nil) != fits {
					b.Fatalf("status %d, want %d", a.Status, c.status)
				}
			}
			post := func() *http.Request { return request(context.Background(), http.MethodPost, header, body) }
			var raw, full took
			for b.Loop() {
				req := post()
				full.run(b, func() error { answer(req); return nil })
				raw.run(b, func() error {
					if ed25519.Verify(public, message, c.signature) != fits {
						b.Fatalf("verified %t, want %t", !fits, fits)
					}
					return nil
				})
			}
			b.ReportMetric(0, "ns/op") // of both
			b.ReportMetric(full.rate(), "interactions/s")
			b.ReportMetric(full.rate()/raw.rate(), "of_raw_verify")
			b.ReportMetric(bytesPerRun(func() { answer(post()) }), "B/interaction")
		})
	}
}
