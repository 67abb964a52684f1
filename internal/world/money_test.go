package world_test

import (
	"testing"

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
}
