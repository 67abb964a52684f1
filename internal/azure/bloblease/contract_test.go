package bloblease_test

import (
	"testing"

	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// Its cases wait for leases to expire, all at once: 72 s.
func TestLeaseContract(t *testing.T) {
	t.Parallel()
	worldtest.Lease(t, func(t *testing.T, _ world.Clock) world.Lease {
		l := open(t, newAccount(t), nil)
		provision(t, l, worldID, "asgard")
		return l
	}, worldtest.PassTime(pass))
}
