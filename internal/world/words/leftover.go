package words

import (
	"fmt"
	"strings"

	"hearth/internal/world"
	"hearth/internal/world/price"
)

// LeftOver tells the keeper what there is in the resource group that no world
// has, and more that is not named. key is the button's.
func LeftOver(c *world.Config, items []world.Leftover, more int, key string) world.Say {
	text := "🧹 In the resource group of the machines there is something that no world uses:" + leftoverList(items)
	if more > 0 {
		text += fmt.Sprintf("\n- and %d more, which I come to later", more)
	}
	text += "\nI remove it with the next sweep, in about six hours, unless it is used by then. Something of yours must go elsewhere: everything in this resource group is taken for Hearth's."
	return world.Say{Text: text, Buttons: []world.Button{{
		Label: "Remove now", Emoji: "🧹", Style: world.StyleDanger,
		Action: world.Action{Command: world.CmdTidy, World: c.ID, Operation: key}.String(),
	}}}
}

// Removing tells the keeper that what was told of is removed.
func Removing(items []world.Leftover) world.Say {
	return world.Say{Text: "🧹 No world has used this since I told of it, so I remove it now:" + leftoverList(items)}
}

// Tidying answers the button.
func Tidying(by world.Person, items []world.Leftover) world.Say {
	return world.Say{Text: fmt.Sprintf("🧹 %s had this removed:%s\nIf some of it is used meanwhile, the cloud lets it stay. What can't be removed now, I try again with each sweep.", world.PlainName(by.Name), leftoverList(items))}
}

// NothingToTidy answers a button whose leftovers are gone.
func NothingToTidy() world.Say {
	return world.Say{Text: "🧹 There is nothing left of that: it is gone, or used, or being removed already."}
}

func leftoverList(items []world.Leftover) string {
	var b strings.Builder
	for _, l := range items {
		what, costs := "something", "a price that I do not know"
		switch l.Kind {
		case world.LeftoverMachine:
			what = "a machine in no scale set"
		case world.LeftoverNIC:
			what, costs = "a network interface", "nothing by itself"
		case world.LeftoverAddress:
			what, costs = "a public address", "about "+perHourText(price.Address)+" an hour"
		case world.LeftoverDisk:
			what = "a disk"
		case world.LeftoverSet:
			what = "a scale set of no world that holds or wants a machine (it is scaled to zero, and stays)"
		}
		fmt.Fprintf(&b, "\n- %s, %s: %s", code(world.Visible(l.Name, world.MaxLeftoverName)), what, costs)
	}
	return b.String()
}
