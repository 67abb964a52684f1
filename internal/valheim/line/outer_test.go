package line_test

import (
	"testing"

	"hearth/internal/valheim/line"
)

func TestOuter(t *testing.T) {
	tests := []struct {
		a, b string
		want int64 // seconds from a to b
	}{
		{"2026-01-31T23:59:59.9Z x", "2026-02-01T00:00:01Z x", 2},
		{"valheim-1  | 2026-01-01T10:00:00Z x", "\x1b[36mvalheim-1  | \x1b[0m2026-01-01T10:00:03Z 2026-01-01T11:00:00Z x", 3},
		{"Jan  9 10:00:00 hall docker[77]: x", "Jan 10 10:00:00 hall docker[77]: x", 86400},
		{"Dec 31 23:59:59 supervisord: valheim-server x", "Dec 31 23:59:59 supervisord: valheim-server Jan  1 00:00:00 x", 0},
	}
	for _, tt := range tests {
		a, b := line.Outer(tt.a), line.Outer(tt.b)
		if a == 0 || b == 0 || b-a != tt.want {
			t.Errorf("%q, %q: got %d, want %d", tt.a, tt.b, b-a, tt.want)
		}
	}
	for _, text := range []string{
		"", "x", "11/22/2026 18:00:00: x", "[Info   : Unity Log] 2026-01-01T10:00:00Z x", "x 2026-01-01T10:00:00Z", "2026-01-01 10:00:00,000 INFO x",
		"n F  9 10:00:00 x", "Jak  9 10:00:00 x", "Jan x9 10:00:00 x",
	} {
		if got := line.Outer(text); got != 0 {
			t.Errorf("%q: got %d, want 0", text, got)
		}
	}
}
