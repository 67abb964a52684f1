package words

import (
	"fmt"
	"time"

	"hearth/internal/world"
)

// Online tells that players can connect, and pings who asked for it. first: of this
// session. dropped: it was to go out when empty, and is not any more. took: how
// long nobody could be in because of a move that ends now; 0: there was none.
func Online(c *world.Config, s *world.State, first, dropped bool, took time.Duration) world.Say {
	text := fmt.Sprintf("🔥 %s is burning. Join at %s", bold(c.Name), code(address(c, s)))
	if s.Boot.JoinCode != "" {
		text += " or with code " + code(s.Boot.JoinCode)
	}
	text += "."
	if dropped {
		text += " It does not go out as soon as it is empty any more."
	}
	say := world.Say{Text: text, Buttons: []world.Button{joinButton(c, s)}}
	if took > 0 {
		return moved(say, s, took)
	}
	if id := s.Op.By.ID; id != "" && first {
		say.Text, say.Ping = text+" <@"+id+">", []string{id}
	}
	return say
}

// Joined tells that a player came in; n are on now.
func Joined(name string, n int) world.Say {
	return world.Say{Text: fmt.Sprintf("⚔️ **%s** came in. %s", world.PlainName(name), countText(n))}
}

// Left tells that a player left; n are on now. reason is that of a
// world.Disconnected.
func Left(name string, n int, reason string) world.Say {
	verb := "left"
	switch reason {
	case "timeout", "lost":
		verb = "lost the connection"
	case "kicked":
		verb = "was sent away"
	}
	return world.Say{Text: fmt.Sprintf("👋 **%s** %s. %s", world.PlainName(name), verb, countText(n))}
}

func countText(n int) string {
	switch n {
	case 0:
		return "Nobody is on."
	case 1:
		return "One is on."
	}
	return fmt.Sprintf("%d are on.", n)
}

// Died tells of a player's death.
func Died(name string) world.Say {
	return world.Say{Text: fmt.Sprintf("💀 **%s** died.", world.PlainName(name))}
}

// NewWorld tells that the game made a world, because there was none.
func NewWorld(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🌱 %s is a new world: there was none yet, so the game has made one. If you expected your old one, `/stop` and tell the keeper.", bold(c.Name))}
}

// Raid tells that a raid began. event is that of a world.Raid.
func Raid(c *world.Config, event string) world.Say {
	if who := raiders(event); who != "" {
		return world.Say{Text: fmt.Sprintf("⚔️ %s is under attack by %s. To arms!", bold(c.Name), who)}
	}
	text := fmt.Sprintf("⚔️ Something comes over %s", bold(c.Name))
	if name := world.Visible(event, world.MaxNameRunes); name != "" {
		text += "; the game calls it " + code(name)
	}
	return world.Say{Text: text + ". To arms!"}
}

// raiders are who comes with one of the game's events, by valheim.fandom.com/wiki/Events;
// empty for a mod's, or a newer game's.
func raiders(event string) string {
	switch event {
	case "army_eikthyr":
		return "Eikthyr's herd of boars and necks"
	case "army_theelder":
		return "the Elder's army of greydwarfs"
	case "army_bonemass":
		return "Bonemass's army of draugr and skeletons"
	case "army_moder":
		return "Moder's flock of drakes"
	case "army_goblin":
		return "Yagluth's horde of fulings"
	case "army_seekers":
		return "the Queen's swarm of seekers"
	case "army_gjall":
		return "a gjall and its ticks"
	case "army_charred", "army_charredspawners":
		return "an army of the Charred"
	case "foresttrolls":
		return "trolls"
	case "skeletons", "blobs", "surtlings", "bats", "ghosts":
		return event
	case "wolves":
		return "a pack of wolves"
	case "hildirboss1":
		return "Brenna and her skeletons"
	case "hildirboss2":
		return "Geirrhafa and his cultists"
	case "hildirboss3":
		return "Zil, Thungr and their fulings"
	}
	return ""
}

// NoCapacity tells that every placement is blocked until retry.
func NoCapacity(c *world.Config, s *world.State, retry time.Time) world.Say {
	text := fmt.Sprintf("⏳ The cloud has no machine for %s anywhere right now. I try again %s; nothing costs money meanwhile. `/stop` to leave it.", bold(c.Name), at(retry))
	if _, ok := FullPrice(c); ok && !s.Session.FullPrice {
		text += " A keeper can allow one at the full price."
	}
	return world.Say{Text: text}
}

// StillSeeking tells that some placements had no machine, and others are asked
// yet.
func StillSeeking(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("⏳ The cloud had no machine for %s where I asked first; I go on asking elsewhere. Nothing costs money meanwhile. `/stop` to leave it.", bold(c.Name))}
}

// EvictionNotice tells that the cloud announced to take the machine, or to move
// it, which leaves nothing on its disk.
func EvictionNotice(c *world.Config, moves bool) world.Say {
	if moves {
		return world.Say{Text: fmt.Sprintf("🌬️ The cloud moves the machine of %s and empties its disk. Saving now; then it comes up elsewhere and the new address is posted here.", bold(c.Name))}
	}
	return world.Say{Text: fmt.Sprintf("🌬️ The cloud takes the machine of %s back. Saving now; then it comes up elsewhere and the new address is posted here.", bold(c.Name))}
}

// RebootNotice tells that the cloud announced to restart the machine.
func RebootNotice(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🌬️ The machine of %s is being restarted by the cloud. Saving now; it comes back by itself.", bold(c.Name))}
}

// TakenEarly tells that a machine is gone on which no game had begun.
func TakenEarly(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🌬️ The cloud took the machine of %s before it was up. Lighting it elsewhere now.", bold(c.Name))}
}

// MovingOn tells that the old machine is gone; what became of the save was told.
func MovingOn(c *world.Config, saved bool) world.Say {
	if !saved {
		return world.Say{Text: fmt.Sprintf("🌬️ The old machine of %s is gone. Lighting it elsewhere now.", bold(c.Name))}
	}
	return world.Say{Text: fmt.Sprintf("🌬️ The old machine is gone, %s is safe. Lighting it elsewhere now.", bold(c.Name))}
}

// SaveProven tells what came of the save, for better or worse.
func SaveProven(c *world.Config, s *world.State, d *world.SaveProven, now time.Time) world.Say {
	switch {
	case d.Untouched:
		return world.Say{Text: fmt.Sprintf("💾 %s was not opened, so there was nothing to save.", bold(c.Name))}
	case d.Confirmed:
		text := fmt.Sprintf("💾 %s is saved", bold(c.Name))
		if d.Took > 0 {
			text += fmt.Sprintf(", in %.1f s", d.Took.Seconds())
		}
		if d.Size > 0 {
			text += " (" + sizeText(d.Size) + ")"
		}
		return world.Say{Text: text + "."}
	}
	return world.Say{Text: fmt.Sprintf("⚠️ The game of %s ended without a save that I can vouch for. %s", bold(c.Name), lossText(s, now))}
}

// Occupied tells that a stop was called off because somebody is in.
func Occupied(c *world.Config, s *world.State) world.Say {
	return world.Say{
		Text:    fmt.Sprintf("🔥 Somebody is in %s after all (%s), so it keeps burning.", bold(c.Name), playersText(s)),
		Buttons: []world.Button{{Label: "Stop when empty", Emoji: "🌙", Style: world.StylePrimary, Action: action(world.CmdStopWhenEmpty, c, s)}},
	}
}

// NoAgent tells that a stop found no game on the machine.
func NoAgent(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🌙 No game had begun on the machine of %s. It goes back now.", bold(c.Name))}
}

// Out tells that the session is over and nothing costs money.
func Out(c *world.Config, s *world.State, now time.Time) world.Say {
	text := fmt.Sprintf("🌙 %s is out. The machine is gone and nothing costs money.", bold(c.Name))
	if cost := billed(s, now); cost != "" {
		text += " This session: " + cost + "."
	}
	if cost := monthCost(c, s, now); cost != "" {
		text += " This month: " + cost + "."
	}
	return world.Say{Text: text}
}

// Unsaid is a small line under a message: n before it were lost.
func Unsaid(n int) string {
	if n == 1 {
		return "\n-# One message before this could not be posted in time."
	}
	return fmt.Sprintf("\n-# %d messages before this could not be posted in time.", n)
}
