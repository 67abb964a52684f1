package price_test

import (
	"os"
	"regexp"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/price"
)

// TestCostDocument: the month that docs/cost.md reckons is of the table's prices.
func TestCostDocument(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../../docs/cost.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| (\w+) \| `+"`"+`(\w+)`+"`"+` \| (\S+) \| (\S+) \|$`).FindAllStringSubmatch(string(b), -1)
	if len(rows) != 9 {
		t.Errorf("rows: got %d, want the table's 9", len(rows))
	}
	for _, row := range rows {
		p := world.Placement{ID: "a", Region: row[1], Size: row[2]}
		for i, regular := range []bool{false, true} {
			p.Regular = regular
			perHour, _, known := price.Hourly(p)
			if want := perHour.For(40 * time.Hour).String(); !known || row[3+i] != want {
				t.Errorf("%s in %s, regular %t: got %s, want %s", row[2], row[1], regular, row[3+i], want)
			}
		}
	}
}
