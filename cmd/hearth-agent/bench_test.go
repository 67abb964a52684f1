//go:build linux

package main

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"hearth/internal/sim/simgame/supervisor"
	"hearth/internal/world"
)

// BenchmarkEviction is how long a machine that is taken needs: from the notice in
// its metadata to the signal at the game, to the proof in the events queue, and
// to the acknowledgement. The save itself takes 0.3 to 2 s of it. The program,
// the engine, the supervisor in the container and the queue are real; the game
// is the pretend one at the speed of life.
func BenchmarkEviction(b *testing.B) {
	var signal, proof, acknowledged time.Duration
	n := 0
	for b.Loop() {
		b.StopTimer()
		e := newEvening(b, "1")
		e.conf["environment"] = map[string]string{supervisor.LoadVariable: "1s"}
		p := e.agent(nil)
		e.wait("listening", 1)
		b.StartTimer()
		begun := time.Now()
		if err := e.cloud.Preempt(e.vm, 30*time.Second); err != nil {
			b.Fatal(err)
		}
		proven := e.wait("save_proven", 1)[0]
		e.until("acknowledgement", e.acknowledged)
		acknowledged += time.Since(begun)
		b.StopTimer()
		if is := proven.Data.(*world.SaveProven); !is.Confirmed {
			b.Fatalf("proof %+v", is)
		}
		proof += proven.at.Sub(begun)
		signal += e.stamp("Game - OnApplicationQuit").Sub(begun)
		p.kill()
		n++
		b.StartTimer()
	}
	for unit, sum := range map[string]time.Duration{"ms-to-signal": signal, "ms-to-proof": proof, "ms-to-acknowledgement": acknowledged} {
		b.ReportMetric(float64(sum.Milliseconds())/float64(n), unit)
	}
	b.ReportMetric(0, "ns/op") // says nothing beside them
}

// stamp is when the engine took down the first line of the container's log with
// this text.
func (e *evening) stamp(text string) time.Time {
	e.t.Helper()
	logs, err := e.api.ContainerLogs(e.t.Context(), "hearth-"+e.world, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true})
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = logs.Close() }() // it was read
	r, w := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(w, w, logs)
		_ = w.CloseWithError(err) // it never fails
	}()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		stamp, rest, _ := strings.Cut(lines.Text(), " ")
		if strings.Contains(rest, text) {
			at, err := time.Parse(time.RFC3339Nano, stamp)
			if err != nil {
				e.t.Fatal(err)
			}
			return at
		}
	}
	e.t.Fatalf("the container's log has no %q", text)
	return time.Time{}
}
