package world

import "slices"

// add remembers seq and reports whether it is new.
func (s *Seen) add(seq int64) bool {
	if seq <= s.Mark {
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
