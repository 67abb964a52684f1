//go:build linux

package vmtest_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// times are how long the phases of each boot took.
type times struct {
	mu   sync.Mutex // guards rows
	rows []row
}

type row struct {
	boot, phase string
	took        time.Duration
}

func (s *times) add(boot, phase string, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = append(s.rows, row{boot, phase, took})
}

// table is a table of docs/performance.md: a phase a line, a boot a column.
func (s *times) table() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var boots, phases []string
	cells := map[[2]string]string{}
	for _, r := range s.rows {
		boots, phases = appendNew(boots, r.boot), appendNew(phases, r.phase)
		cells[[2]string{r.phase, r.boot}] = fmt.Sprintf("%.1f", r.took.Seconds())
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| seconds | %s |\n|---|%s\n", strings.Join(boots, " | "), strings.Repeat("---|", len(boots)))
	for _, phase := range phases {
		fmt.Fprintf(&b, "| %s |", phase)
		for _, boot := range boots {
			fmt.Fprintf(&b, " %s |", cells[[2]string{phase, boot}])
		}
		b.WriteString("\n")
	}
	return b.String()
}

func appendNew(all []string, s string) []string {
	if slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}
