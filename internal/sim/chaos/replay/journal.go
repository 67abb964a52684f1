package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"
)

// Journal is everything that happened and when. The zero value is empty. It is
// not safe for concurrent use.
type Journal struct {
	lines []string
}

// Add writes down what happened at an instant.
func (j *Journal) Add(at time.Time, format string, args ...any) {
	j.lines = append(j.lines, fmt.Sprintf("%020d ", at.UnixNano())+fmt.Sprintf(format, args...))
}

// Hash is one of all that was added, whichever order it was added in: what
// happens at one instant has none.
func (j *Journal) Hash() string {
	sum := sha256.New()
	for _, line := range slices.Sorted(slices.Values(j.lines)) {
		_, _ = io.WriteString(sum, line+"\n") // a hash takes everything
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}
