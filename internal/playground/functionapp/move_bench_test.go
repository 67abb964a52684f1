package functionapp_test

import (
	"testing"
	"time"

	"hearth/internal/drill"
	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// BenchmarkMove is an eviction of the packaged bot's world at the speed of life,
// with somebody in, from the cloud's announcement until people can be in again. The
// cloud takes five seconds for what it does and the game five to load: what they
// really take is theirs, and the rest is Hearth's.
//
// The steps are those of `hearth evict`, in ms, by the world's row: notice (the
// machine hears of it), signal, proof, gone (seen), asked, machine (seen), up,
// online. own_ms is Hearth's part by the truth of the cloud: own_notice_ms until
// the agent has read it, own_signal_ms until the game is told, own_ack_ms from the
// proof until the cloud may go on, own_gone_ms from the machine's end until that is
// seen, own_asked_ms from there until a new machine is being made, own_up_ms from
// the end of its boot until the agent speaks. From there to the players it is the
// game's loading and its join code, and what the agent waits beside them (ADR 6).
func BenchmarkMove(b *testing.B) {
	const (
		takes  = 5 * time.Second // each thing the cloud does, and the game's loading
		leaves = time.Second     // simcloud's, from the acknowledgement to the end
	)
	r := start(b, options{worlds: sized, timing: simcloud.Timing{Create: takes, Boot: takes, Delete: takes}, loadFor: takes})
	r.play(lightIt)
	sum := map[string]time.Duration{}
	for b.Loop() {
		r.play("lever player_join Bo\nexpect **Bo** came in")
		_, before := r.document()
		id := r.machine(simcloud.VMRunning)
		announced := time.Now()
		r.must(r.p.Cloud().Preempt(id, simcloud.MaxNotice))
		var m world.Move
		r.until("it is up elsewhere", func() bool {
			_, doc := r.document()
			m = doc.Move
			return !m.Began.Equal(before.Move.Began) && !m.Online.IsZero()
		})
		snap := r.p.Cloud().Snapshot()
		gone, there := snap.Gone[len(snap.Gone)-1], snap.VMs[0]
		for i, step := range drill.Of(announced, m).Steps[1:] {
			sum[[]string{"notice", "signal", "proof", "gone", "asked", "machine", "up", "online"}[i]+"_ms"] += step.Took
		}
		own := map[string]time.Duration{
			"notice": m.Notice.Sub(announced), "signal": m.Signal.Sub(m.Notice), "ack": gone.Gone.Sub(m.Proof) - leaves, "gone": m.Gone.Sub(gone.Gone),
			"asked": there.Created.Sub(m.Gone), "up": m.HostUp.Sub(there.Since),
		}
		for name, took := range own {
			sum["own_"+name+"_ms"] += took
			sum["own_ms"] += took
		}
		sum["whole_ms"] += m.Online.Sub(announced)
	}
	b.ReportMetric(0, "ns/op")
	for name, took := range sum {
		b.ReportMetric(took.Seconds()*1000/float64(b.N), name)
	}
	r.play(putItOut)
}
