package world

import (
	"encoding/json"
	"fmt"
	"slices"
)

// maxSeq is the highest number of a word. An agent with one word a second
// comes to it in three months; what lies above is no agent's.
const maxSeq = 9_999_999

// Add remembers seq and reports whether it is new.
func (s *Seen) Add(seq int64) bool {
	if seq <= s.Mark || seq > maxSeq {
		return false
	}
	i, found := slices.BinarySearch(s.Beyond, seq)
	if found {
		return false
	}
	s.Beyond = slices.Insert(s.Beyond, i, seq)
	for len(s.Beyond) > 0 && (s.Beyond[0] == s.Mark+1 || len(s.Beyond) > MaxSeen) {
		s.Mark = s.Beyond[0]
		s.Beyond = s.Beyond[1:]
	}
	return true
}

// seenJSON writes each number beyond the mark as its distance from the one
// before: a quarter of the bytes.
type seenJSON struct {
	Mark  int64   `json:"mark"`
	Steps []int64 `json:"steps,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (s Seen) MarshalJSON() ([]byte, error) {
	wire := seenJSON{Mark: s.Mark, Steps: make([]int64, len(s.Beyond))}
	before := s.Mark
	for i, seq := range s.Beyond {
		wire.Steps[i], before = seq-before, seq
	}
	return json.Marshal(wire)
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Seen) UnmarshalJSON(b []byte) error {
	var wire seenJSON
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*s = Seen{Mark: wire.Mark}
	seq := wire.Mark
	for i, step := range wire.Steps {
		if step <= 0 || step > maxSeq || i >= MaxSeen {
			return fmt.Errorf("seen: %d steps, one of %d", len(wire.Steps), step)
		}
		seq += step
		s.Beyond = append(s.Beyond, seq)
	}
	return nil
}
