package discord

import (
	"slices"

	disgo "github.com/disgoorg/disgo/discord"

	"hearth/internal/world"
)

// Decision is what somebody may do: act on this world, as keeper or not.
type Decision struct {
	World  world.Config
	Keeper bool
}

// Decide says whether i may be done, and on which of the worlds. It denies by
// default: what is not configured matches nothing. The Decision is good only
// with world.DenyNone.
//
// It asks in an order that tells strangers least: place, then command, then
// world, then person.
func Decide(g world.Guild, worlds []world.Config, i Interaction) (Decision, world.Denial) {
	switch {
	case i.Guild == "":
		return Decision{}, world.DenyDirect
	case i.Guild != g.ID:
		return Decision{}, world.DenyGuild
	case i.Channel == "" || (i.Channel != g.Channel && i.Channel != g.KeeperChannel):
		return Decision{}, world.DenyChannel
	case !askable(i):
		return Decision{}, world.DenyCommand
	}
	w, denial := resolve(worlds, i.World)
	if denial != world.DenyNone {
		return Decision{}, denial
	}
	d := Decision{World: w, Keeper: keeper(g, i)}
	if !d.Keeper && len(w.Roles) > 0 && !slices.ContainsFunc(w.Roles, func(role string) bool {
		return role != "" && slices.Contains(i.Roles, role)
	}) {
		return Decision{}, world.DenyRole
	}
	switch {
	case d.Keeper:
	case i.Command == world.CmdStopNow:
		return Decision{}, world.DenyKeeper
	case i.Command == world.CmdPayAsYouGo, i.Command == world.CmdRaiseCap, i.Command == world.CmdTidy:
		return Decision{}, world.DenyButton
	case i.Command == world.CmdLog:
		return Decision{}, world.DenyLog
	}
	return d, world.DenyNone
}

func askable(i Interaction) bool {
	switch i.Kind {
	case Command:
		return slashCommand(i.Command)
	case Button:
		return slashCommand(i.Command) || inPlace(i.Command)
	default:
		return false
	}
}

func resolve(worlds []world.Config, id string) (world.Config, world.Denial) {
	if id == "" {
		switch len(worlds) {
		case 0:
			return world.Config{}, world.DenyWorld
		case 1:
			return worlds[0], world.DenyNone
		default:
			return world.Config{}, world.DenyWorldNeeded
		}
	}
	for _, w := range worlds {
		if w.ID == id {
			return w, world.DenyNone
		}
	}
	return world.Config{}, world.DenyWorld
}

// keeper: the configured role and nothing else, or, where none is configured,
// those who may manage the server. Administrator is a permission of its own
// that implies the others but is not always accompanied by their bits.
func keeper(g world.Guild, i Interaction) bool {
	if g.KeeperRole != "" {
		return slices.Contains(i.Roles, g.KeeperRole)
	}
	const manage = uint64(disgo.PermissionManageGuild | disgo.PermissionAdministrator)
	return i.Permissions&manage != 0
}
