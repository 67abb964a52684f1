package world

import (
	"fmt"
	"math"
	"time"
)

// Money is an amount in millionths of a US dollar: a machine's hour costs some
// ten thousand of them.
type Money int64

// Dollar is one US dollar.
const Dollar Money = 1_000_000

// Cents is an amount of US cents, which may be a fraction.
func Cents(c float64) Money { return Money(math.Round(c * float64(Dollar) / 100)) }

// Cents is the amount in US cents.
func (m Money) Cents() float64 { return float64(m) * 100 / float64(Dollar) }

// For is what some time costs at this price of an hour; nothing for less than none.
func (m Money) For(d time.Duration) Money {
	return Money(float64(m) * max(d, 0).Hours())
}

// String is the amount in dollars and whole cents, rounded up from the first
// millionth on, so that what costs something never reads as nothing: $0.01.
func (m Money) String() string {
	if m < 0 {
		return "-" + (-m).String()
	}
	cents := (m + Dollar/100 - 1) / (Dollar / 100)
	return fmt.Sprintf("$%d.%02d", cents/100, cents%100)
}
