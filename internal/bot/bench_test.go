package bot_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hearth/internal/bot"
	"hearth/internal/discord"
	"hearth/internal/sqlite"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// BenchmarkRunner handles events that each say a line: two writes an event.
// The metrics are events a second, and reads and writes of the store an event;
// the bar is 2 and 2.
func BenchmarkRunner(b *testing.B) {
	for _, c := range []struct {
		name string
		open func(b *testing.B) world.Store
	}{
		{"memory", func(*testing.B) world.Store { return memory(wall{}).Store() }},
		{"sqlite", func(b *testing.B) world.Store {
			db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "hearth.db"), wall{})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() {
				if err := db.Close(); err != nil {
					b.Errorf("close database: %v", err)
				}
			})
			return db.Store()
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			store := &counted{Store: c.open(b)}
			r := bare(store, &noteChat{}, wall{})
			seq := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				seq++
				if err := r.Handle(b.Context(), death(seq, time.Now())); err != nil {
					b.Fatal(err)
				}
			}
			n := float64(seq)
			b.ReportMetric(n/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(store.reads.Load())/n, "reads/event")
			b.ReportMetric(float64(store.writes.Load())/n, "writes/event")
		})
	}
}

// BenchmarkInteraction answers a signed /start. of_raw_verify is its rate as a
// share of the rate of ed25519.Verify alone on the same bytes, taken in turns
// in the same run so that the machine's noise falls on both; the bar is 0.5.
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
	signature := ed25519.Sign(key, message)
	header := http.Header{}
	header.Set("X-Signature-Timestamp", stamp)
	header.Set("X-Signature-Ed25519", hex.EncodeToString(signature))
	h := &bot.Interactions{Verifier: verifier, Guild: r.guild, Worlds: r.worlds, Clock: clock, Log: silent()}

	var raw, full time.Duration
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		req := request(b.Context(), http.MethodPost, header, body)
		w := httptest.NewRecorder()
		begun := time.Now()
		a := h.Read(w, req)
		answered := time.Now()
		ok := ed25519.Verify(public, message, signature)
		full += answered.Sub(begun)
		raw += time.Since(answered)
		if a.Status != http.StatusOK || a.Enqueue == nil || !ok {
			b.Fatalf("status %d, verified %t", a.Status, ok)
		}
	}
	b.ReportMetric(raw.Seconds()/full.Seconds(), "of_raw_verify")
	b.ReportMetric(full.Seconds()/float64(n)*1e6, "µs/interaction")
}
