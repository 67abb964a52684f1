package price_test

import (
	"strings"
	"testing"

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
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, worlds, want string }{
		{"no cap, no price", `[{"id":"a","placements":[{"id":"p"}]}]`, ""},
		{"a price of the table", `[{"id":"a","monthly_dollars":5,"placements":[{"id":"p","region":"eastus2","size":"Standard_D2ads_v5"}]}]`, ""},
		{"a price of the placement", `[{"id":"a","monthly_dollars":5,"placements":[{"id":"p","cents_per_hour":1.9}]}]`, ""},
		{"a price of the world", `[{"id":"a","monthly_dollars":5,"cents_per_hour":1.9,"placements":[{"id":"p"}]}]`, ""},
		{"no price at one", `[{"id":"a","monthly_dollars":5,"placements":[{"id":"p","cents_per_hour":1.9},{"id":"q"}]}]`, `placement "q" costs is not known: give the placement cents_per_hour`},
		{"the price of spot machines for a regular one", `[{"id":"a","monthly_dollars":5,"cents_per_hour":1.9,"placements":[{"id":"p"},{"id":"r","regular":true}]}]`, `placement "r"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			worlds, err := world.ParseWorlds(tc.worlds)
			if err != nil {
				t.Fatal(err)
			}
			err = price.Check(worlds)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
		})
	}
}
