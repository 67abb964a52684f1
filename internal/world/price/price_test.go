package price_test

import (
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/price"
)

func TestHourly(t *testing.T) {
	t.Parallel()
	spot := world.Placement{ID: "a", Region: "eastus2", Size: "Standard_D2ads_v5"}
	regular, own, away := spot, spot, spot
	regular.Regular = true
	own.CentsPerHour, own.PricedOn = 1.9, "2027-01-02"
	away.Region = "marsnorth"
	for name, tc := range map[string]struct {
		p     world.Placement
		want  world.Money
		on    string
		known bool
	}{
		"spot, with its address": {spot, 19_100, price.TakenOn, true},
		"at the full price":      {regular, 108_000, price.TakenOn, true},
		"of the configuration":   {own, 19_000, "2027-01-02", true},
		"not in the table":       {away, 0, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, on, known := price.Hourly(tc.p)
			if got != tc.want || on != tc.on || known != tc.known {
				t.Errorf("%d, %q, %t; want %d, %q, %t", int64(got), on, known, int64(tc.want), tc.on, tc.known)
			}
		})
	}
	if got := price.Of(19_100, 90*time.Minute); got != 28_650 {
		t.Errorf("an hour and a half: %d", int64(got))
	}
}
