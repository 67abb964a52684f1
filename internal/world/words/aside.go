package words

import (
	"fmt"
	"strings"

	"hearth/internal/world"
)

// SetAside tells the keeper which messages were set aside, why, where they are
// kept and what to do. At most one item a reason.
func SetAside(items []world.Aside) world.Say {
	var b strings.Builder
	b.WriteString("🔧 Messages came into the events queue that I can't use. I did nothing of what they say:")
	for _, reason := range world.AsideReasons() {
		for _, a := range items {
			if a.Reason == reason {
				b.WriteString("\n- " + aside(a))
			}
		}
	}
	b.WriteString("\nI tell of such messages once an hour at most.")
	return world.Say{Text: b.String()}
}

func aside(a world.Aside) string {
	which, next := "of a kind that I do not know", "Look at it"
	switch a.Reason {
	case world.AsideMalformed:
		which = "that no part of Hearth would write"
		next = "If nobody wrote there by hand, change the storage account's key"
	case world.AsideSeal:
		which = "sealed by none of ours"
		next = "If you changed an agent's or the bot's key, deploy both with the same one; if not, change the storage account's key"
	case world.AsideSignature:
		which = "that say they are commands, and Discord did not sign them"
		next = "Somebody else can write there: change the storage account's key. If you changed the application, give the bot its new public key"
	case world.AsideSchema:
		which = "of schema" + paren(world.Visible(a.What, world.MaxAsideRunes))
		next = "Bot and agent are of different versions: deploy both from the same one"
	case world.AsideType:
		which = "of a type that I do not know" + paren(world.Visible(a.What, world.MaxAsideRunes))
		next = "The agent is newer than the bot: deploy the bot from the agent's version"
	case world.AsideForm:
		which = "that Discord signed, in a form that I do not know"
		next = "Deploy a newer version of the bot"
	case world.AsideWorld:
		which = "for a world that is not configured" + paren(world.Visible(a.What, world.MaxAsideRunes))
		next = "Put it back into `HEARTH_WORLDS`, or delete its machine and its row"
	}
	kept := "None of them is kept: too much was kept today."
	switch {
	case a.Kept != "" && a.Count == 1:
		kept = "It is kept in the table `archive` as " + code(world.Visible(a.Kept, world.MaxAsideRunes)) + "."
	case a.Kept != "":
		kept = "One is kept in the table `archive` as " + code(world.Visible(a.Kept, world.MaxAsideRunes)) + "."
	}
	return fmt.Sprintf("%d %s. %s. %s", a.Count, which, next, kept)
}

// RowUnreadable tells the keeper that a world's row can't be read. schema: it is
// of a version that this bot does not know.
func RowUnreadable(c *world.Config, schema bool) world.Say {
	why, next := "it was changed by hand into something that is none",
		"Put back what was there before, from a backup of the table. To begin anew, delete the row, but see first that no machine of this world runs: nobody would watch it"
	if schema {
		why, next = "it was written by another version of Hearth", "Deploy the bot from the newest version that ever ran here"
	}
	return world.Say{Text: fmt.Sprintf("🔧 I can't read the row of %s in the state table: %s. Until that is mended nothing is done for this world. %s. Commands are tried five times and then kept in the table `archive`, and what the machine tells waits for half an hour before that; timers wait, and it goes on by itself once the row can be read.", bold(c.Name), why, next)}
}
