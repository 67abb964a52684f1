package probe

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Summary is what came of several probes.
type Summary struct {
	Count  int // of all probes
	Failed int // wrong and missing answers
	InTime int // right answers within Limit

	// Of the right answers; 0 without any.
	Average, P95, P99, Slowest time.Duration
}

// Sum sums up.
func Sum(results []Result) Summary {
	s := Summary{Count: len(results)}
	var (
		took []time.Duration
		sum  time.Duration
	)
	for _, r := range results {
		if r.Err != nil {
			s.Failed++
			continue
		}
		if r.InTime() {
			s.InTime++
		}
		took, sum = append(took, r.Took), sum+r.Took
	}
	if len(took) == 0 {
		return s
	}
	slices.Sort(took)
	s.Average, s.Slowest = sum/time.Duration(len(took)), took[len(took)-1]
	s.P95, s.P99 = Percentile(took, 95), Percentile(took, 99)
	return s
}

// Percentile is the nearest rank: the smallest of the sorted times that at least
// p percent (1 to 100) of them do not exceed. There must be one.
func Percentile(sorted []time.Duration, p int) time.Duration {
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1]
}

// String is one probe in a line.
func (r Result) String() string {
	line := r.At.Format("15:04:05")
	if r.Idle >= time.Second {
		line += fmt.Sprintf("  after %s", r.Idle.Round(time.Second))
	}
	if r.Err != nil {
		return line + fmt.Sprintf("  FAILED after %s: %v", seconds(r.Took), r.Err)
	}
	line += "  " + seconds(r.Took)
	if r.Connect > 0 {
		line += fmt.Sprintf(" (connection %s)", seconds(r.Connect))
	}
	if !r.InTime() {
		line += "  too late for Discord"
	}
	return line
}

// String is the summary in lines, with how it counts.
func (s Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d probes, %d failed; %d within Discord's %s\n", s.Count, s.Failed, s.InTime, Limit)
	if s.Count > s.Failed {
		fmt.Fprintf(&b, "average %s, P95 %s, P99 %s, slowest %s (nearest rank, of the right answers)\n",
			seconds(s.Average), seconds(s.P95), seconds(s.P99), seconds(s.Slowest))
	}
	return b.String()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }
