// Package price is what a machine costs an hour: a small table, for the money
// that people are shown and for the caps that guard it. A placement of the
// configuration can name a price of its own, and then it is that.
//
// The figures are Azure's list prices of Linux machines in US dollars, taken
// over from an undated public catalogue on TakenOn. Azure changes prices of spot
// machines from month to month, so what is shown is "about".
package price

import (
	"errors"
	"fmt"

	"hearth/internal/world"
)

// TakenOn is the day on which the table was made.
const TakenOn = "2026-11-30"

// Address is what a public address of the Standard SKU costs an hour.
const Address = world.Money(5_000)

// row is a size in a region, in millionths of a dollar an hour without an
// address.
type row struct {
	region, size  string
	regular, spot world.Money
}

// table lists what Hearth's own placements are made of.
func table() []row {
	return []row{
		{"eastus", "Standard_D2ads_v5", 103_000, 11_300},
		{"eastus2", "Standard_D2ads_v5", 103_000, 14_100},
		{"westus2", "Standard_D2ads_v5", 103_000, 13_400},
		{"eastus", "Standard_D2as_v5", 86_000, 9_500},
		{"eastus2", "Standard_D2as_v5", 86_000, 11_800},
		{"westus2", "Standard_D2as_v5", 86_000, 11_200},
		{"eastus", "Standard_D2as_v4", 96_000, 10_600},
		{"eastus2", "Standard_D2as_v4", 96_000, 12_500},
		{"westus2", "Standard_D2as_v4", 96_000, 12_500},
	}
}

// Hourly is what a machine of the placement costs an hour, with its address, and
// the day of that price (as 2026-11-30; empty if the configuration does not tell).
// Not known: the size is not in the table for its region, and the placement
// names no price.
func Hourly(p world.Placement) (perHour world.Money, on string, known bool) {
	if p.CentsPerHour > 0 {
		return world.Cents(p.CentsPerHour), p.PricedOn, true
	}
	for _, r := range table() {
		if r.region == p.Region && r.size == p.Size {
			if p.Regular {
				return r.regular + Address, TakenOn, true
			}
			return r.spot + Address, TakenOn, true
		}
	}
	return 0, "", false
}

// Check tells of every world whose cost a month has a cap, and of whose machines
// the price is not known: the cap could not be kept.
func Check(worlds []world.Config) error {
	var problems []error
	for _, w := range worlds {
		for _, p := range w.Placements {
			if _, _, known := Hourly(p); !known && w.MonthlyDollars > 0 {
				problems = append(problems, fmt.Errorf("HEARTH_WORLDS: world %q has monthly_dollars, and what a machine at placement %q costs is not known: give the placement cents_per_hour, in US cents with its public address", w.ID, p.ID))
			}
		}
	}
	return errors.Join(problems...)
}
