package world_test

import (
	"testing"
	"time"

	"hearth/internal/world"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		m    world.Money
		want string
	}{
		{0, "$0.00"}, {1, "$0.01"}, {world.Cents(1), "$0.01"}, {world.Cents(1) + 1, "$0.02"}, {world.Cents(1.41), "$0.02"},
		{world.Dollar, "$1.00"}, {12*world.Dollar + world.Cents(5), "$12.05"}, {-world.Cents(3), "-$0.03"},
	} {
		if got := tc.m.String(); got != tc.want {
			t.Errorf("%d: %s, want %s", int64(tc.m), got, tc.want)
		}
	}
	for _, tc := range []struct {
		d    time.Duration
		want world.Money
	}{{90 * time.Minute, 28_650}, {0, 0}, {-time.Hour, 0}, {24 * 31 * time.Hour, 14_210_400}} {
		if got := world.Money(19_100).For(tc.d); got != tc.want {
			t.Errorf("for %s: %d, want %d", tc.d, int64(got), int64(tc.want))
		}
	}
	if got := world.Cents(1.91).Cents(); got != 1.91 {
		t.Errorf("cents: %v, want 1.91", got)
	}
}
