package words

import (
	"fmt"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/price"
)

// FullPrice is the best placement whose machines cost the full price; false if
// none is configured.
func FullPrice(c *world.Config) (world.Placement, bool) {
	for _, p := range c.Placements {
		if p.Regular {
			return p, true
		}
	}
	return world.Placement{}, false
}

// OfferFullPrice asks the keeper whether this session may have a machine at the
// full price, as there is one at p. twice: machines were taken twice; else there
// is none for less.
func OfferFullPrice(c *world.Config, s *world.State, p world.Placement, twice bool) world.Say {
	why := fmt.Sprintf("The cloud has no spot machine for %s anywhere", bold(c.Name))
	if twice {
		why = fmt.Sprintf("The cloud has taken the machine of %s twice within an hour", bold(c.Name))
	}
	return world.Say{
		Text: fmt.Sprintf("🔧 %s. A machine at the full price (%s) is not taken back, and costs %s. I take none unless you say so; if you do, it holds for this session alone.",
			why, code(p.ID), hourText(p)),
		Buttons: []world.Button{{Label: "Allow the full price", Emoji: "💰", Style: world.StyleDanger, Action: action(world.CmdPayAsYouGo, c, s)}},
	}
}

// FullPriceAllowed answers the button. waits: the world waits for a machine, and
// one is asked for now.
func FullPriceAllowed(c *world.Config, s *world.State, by world.Person, p world.Placement, waits bool) world.Say {
	next := "I take one when it needs a machine next"
	switch placed, _ := c.Placement(s.Cloud.Placement); {
	case waits:
		next = "I ask for one now"
	case s.Status == world.Online && !placed.Regular:
		next = "It burns, so nothing is moved: I take one when it needs a machine next"
	}
	return world.Say{Text: fmt.Sprintf("💰 %s allows %s machines at the full price, %s, until this session ends. %s.", world.PlainName(by.Name), bold(c.Name), hourText(p), next)}
}

// hourText is what a machine of the placement costs.
func hourText(p world.Placement) string {
	perHour, on, known := price.Hourly(p)
	if !known {
		return "a price that I do not know: look at its size in the portal"
	}
	text := "about " + perHour.String() + " an hour"
	if day, err := time.Parse(time.DateOnly, on); err == nil {
		text += " (price of " + day.Format("2 January 2006") + ")"
	}
	return text
}

// fullPriceField says in /status that the machine there is costs the full price.
func fullPriceField(c *world.Config, s *world.State) []world.Field {
	if p, ok := c.Placement(s.Cloud.Placement); ok && p.Regular && s.Cloud.VM != "" {
		return []world.Field{{Name: "Full price", Value: "The machine is not a spot one: it costs " + hourText(p) + "."}}
	}
	return nil
}
