package words

import (
	"fmt"

	"hearth/internal/world"
)

// FailedForKeeper is Failed, for the keeper.
func FailedForKeeper(c *world.Config, s *world.State) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 %s is out: %s.", bold(c.Name), s.Why)}
}

// NeverListens tells the keeper that the game never let anybody in.
func NeverListens(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 The game of %s loaded for twenty minutes and never opened its door. I stop it and delete the machine. Look at the world's files and the game's log.", bold(c.Name))}
}

// UnwantedMachine tells the keeper that a world that is out has a machine.
func UnwantedMachine(c *world.Config, vm string) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 %s has a machine that nobody wants%s. I delete it.", bold(c.Name), paren(vm))}
}

// StrayMachine tells the keeper that a burning world has a machine at another
// placement.
func StrayMachine(c *world.Config, placement, vm string) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 %s has a second machine at %s%s. It costs money; I delete it once the fire is out. Look whether somebody started it by hand.", bold(c.Name), code(placement), paren(vm))}
}

// CannotDelete tells the keeper that a machine stays; reason is why.
func CannotDelete(c *world.Config, reason string) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 The machine of %s will not be deleted (%s). I keep trying, but it costs money: look at its scale set in the portal.", bold(c.Name), world.Plain(reason, 64))}
}

// Quota tells the keeper that the account's quota is used up; reason and detail
// are the cloud's.
func Quota(c *world.Config, placement, reason, detail string) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 The cloud account has no quota for %s at %s (%s). In the portal: *Quotas* → *Compute* → the region → ask for more spot (low-priority) vCPUs; then `/start`.", bold(c.Name), code(placement), because(reason, detail))}
}

// Misconfigured tells the keeper that the cloud refuses the deployment; reason and
// detail are the cloud's.
func Misconfigured(c *world.Config, placement, reason, detail string) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 The cloud refuses %s at %s (%s). Check the scale set and the bot's role, then `/start`.", bold(c.Name), code(placement), because(reason, detail))}
}

// because is the cloud's own words for a failure.
func because(code, detail string) string {
	code, detail = world.Plain(code, 64), world.Plain(detail, 400)
	if code == "" || detail == "" {
		return code + detail
	}
	return code + ": " + detail
}
