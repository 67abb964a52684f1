package playground_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/playground/panel"
	"hearth/internal/sim/simdiscord/guild"
)

// pace is the playground's speed while it is measured.
const pace = 10

// BenchmarkLineToMessage is how long it takes from a line of the game's log to
// the message in the channel, in this machine's time: game's process → agent →
// SQLite's queue → worker → Discord's client → loopback → pretend Discord,
// while a page looks on. The budget is a p99 of 250 ms.
//
// The line says that a player died, which the game writes at once when it is
// told to; the way of that order into the game's process is measured too. No
// wait of the playground's clock lies in the path: lines, outbox and queue wake
// each other, and the deaths keep the pace that Discord allows. What the speed
// costs is that the polls and heartbeats beside the path come that many times
// as often as in life; a higher one would take a busy machine's hiccup for a
// lost lease.
func BenchmarkLineToMessage(b *testing.B) {
	p := start(b, b.TempDir())
	defer end(b, p)
	watch(b, p.URL()+"/panel/events")
	// A player that died has a new body after at most 9 s of the game's time,
	// so ten take turns.
	script := "Ana: /start\nwait online\n"
	for i := range 10 {
		script += fmt.Sprintf("lever player_join P%d\n", i)
	}
	if err := p.Play(b.Context(), script+"expect 10 are on\nwait 10s\n", io.Discard); err != nil {
		b.Fatal(err)
	}
	if err := p.SetSpeed(pace); err != nil {
		b.Fatal(err)
	}
	_, _, events, cancel := p.Discord().Subscribe()
	defer cancel()

	const samples = 200
	var took []time.Duration
	for b.Loop() {
		for i := range samples {
			pause(events)
			begun := time.Now()
			name := fmt.Sprintf("P%d", i%10)
			if err := p.Pull(b.Context(), panel.Lever{Name: panel.PlayerDie, Player: name}); err != nil {
				b.Fatal(err)
			}
			hear(b, events, "**"+name+"** died")
			took = append(took, time.Since(begun))
		}
	}
	slices.Sort(took)
	ms := func(part float64) float64 { return took[int(part*float64(len(took)-1))].Seconds() * 1000 }
	b.ReportMetric(0, "ns/op") // of all samples and pauses: nobody's question
	b.ReportMetric(ms(0.50), "p50_ms")
	b.ReportMetric(ms(0.99), "p99_ms")
}

// pause lets so much time pass that no sixth message falls into Discord's five
// seconds, with a chance in it so that the deaths do not keep step with the
// polls.
func pause(events <-chan guild.Event) {
	over := time.After((1600*time.Millisecond + rand.N(400*time.Millisecond)) / pace)
	for {
		select {
		case <-events:
		case <-over:
			return
		}
	}
}

// hear waits for a new message with the text.
func hear(b *testing.B, events <-chan guild.Event, text string) {
	late := time.After(soon)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				b.Fatal("the channel was closed")
			}
			if e.Kind == guild.EventMessage && strings.Contains(e.Message.Content, text) {
				return
			}
		case <-late:
			b.Fatalf("nobody said %q within %s", text, soon)
		}
	}
}

// watch reads an event stream of the page, as a browser does, until the
// benchmark ends.
func watch(b *testing.B, url string) {
	ctx, cancel := context.WithCancel(b.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Errorf("watch the panel: %v", err)
			return
		}
		defer func() { _ = res.Body.Close() }()
		_, _ = io.Copy(io.Discard, res.Body) // it ends with the benchmark
	}()
	b.Cleanup(func() {
		cancel()
		<-done
	})
}
