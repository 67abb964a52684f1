package words

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/internal/world"
)

// FailedForKeeper is Failed, for the keeper.
func FailedForKeeper(c *world.Config, s *world.State) world.Say {
	text := fmt.Sprintf("🔧 %s is out: %s.", bold(c.Name), s.Why)
	if s.Why == WhyNoCapacity {
		text += " If it stays so, other sizes and regions among its placements help. A size can be closed to a subscription altogether: `az vm list-skus --location REGION --size SIZE` tells."
	}
	return world.Say{Text: text}
}

// NeverListens tells the keeper that the game never let anybody in, for so long.
func NeverListens(c *world.Config, s *world.State, d time.Duration) world.Say {
	text := fmt.Sprintf("🔧 The game of %s came up for %s and never opened its door", bold(c.Name), spell(d))
	if s.Boot.Step != "" {
		text += "; the last I heard was: " + strings.ToLower(doing(s.Boot.Step)[:1]) + doing(s.Boot.Step)[1:]
	}
	return world.Say{Text: text + ". I stop it and delete the machine. Look at the world's files and the game's log."}
}

// CannotStart tells the keeper why the game was not started, and what to do.
func CannotStart(c *world.Config, d *world.CannotStart) world.Say {
	what, next := "the game could not be started on them", "Look at them"
	switch d.Reason {
	case world.FilesNotMounted:
		what, next = "their folder is not mounted on the machine", "Look whether the share that holds them exists and the machine may mount it"
	case world.FilesMissing:
		what, next = "there is no such world among them, and a new one is not allowed", "Put the files back, or allow a new world in the agent's configuration"
	case world.FilesUnreadable:
		what, next = "they can't be read or written", "Look at their owner and the free space, or put a backup in their place"
	case world.FilesOther:
		what, next = "they are another world's", "Look at the world's name in the agent's configuration, and at the share it mounts"
	}
	if detail := world.Plain(d.Detail, 400); detail != "" {
		what += " (" + detail + ")"
	}
	return world.Say{Text: fmt.Sprintf("🔧 The game of %s was not started on the world's files: %s. %s, then `/start`; I try nothing by myself.", bold(c.Name), what, next)}
}

// Mended tells the keeper what was put right in the world's files.
func Mended(c *world.Config, what string) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 The last save of %s had been interrupted. Before the start I put right: %s. Look in and see that the world is as it should be.", bold(c.Name), world.Plain(what, 400))}
}

// NotKept tells the keeper why there is no new snapshot of the world, and what to
// do.
func NotKept(c *world.Config, d *world.NotKept) world.Say {
	what, next := "Azure gave no answer that helps", "If I say so again next time, look at the storage account of the world's share"
	switch d.Reason {
	case world.SnapshotNoAnswer: // and one that is not known here
	case world.SnapshotSetup:
		what, next = "its machine does not know how to reach the share", "Look at `share` and `share_file` in the agent's configuration"
	case world.SnapshotDenied:
		what, next = "the storage account of its share does not let the machine in", "Look at the account's networking, and whether its key was changed"
	case world.SnapshotNoShare:
		what, next = "there is no such share, or no such storage account", "Look at `share` in the agent's configuration, and into the portal"
	case world.SnapshotFull:
		what, next = "its share has as many snapshots as Azure allows", "Delete some in the portal that are not Hearth's; of its own it keeps fifty at most"
	}
	if code := world.Plain(d.Code, 64); code != "" {
		what += " (" + code + ")"
	}
	return world.Say{Text: fmt.Sprintf("🔧 %s starts without a new snapshot: %s. Nothing is lost by it; but if something goes wrong in this session, the way back is the last snapshot before. %s.", bold(c.Name), what, next)}
}

// SaveLate tells the keeper that the game has not saved for so long.
func SaveLate(c *world.Config, d time.Duration) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 The game of %s has not saved for %s, and people are playing; it should every five minutes. `/log` shows what it says: a full disk is the usual reason. `/stop` saves before anything else.", bold(c.Name), spell(d))}
}

// EventsLost tells the keeper how many of its events an agent has lost since it
// came up.
func EventsLost(c *world.Config, n int64) world.Say {
	what := fmt.Sprintf("%d of the things it had to tell are lost", n)
	if n == 1 {
		what = "one of the things it had to tell is lost"
	}
	return world.Say{Text: fmt.Sprintf("🔧 The machine of %s could not reach me for so long that %s by now. The world itself is not touched by it; the channel may lack who came and went. Look at the machine's network and its disk.", bold(c.Name), what)}
}

// NoLog tells the keeper that the lines of the log did not come.
func NoLog(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("📜 The log of %s did not come: its machine did not answer. Try `/log` again; `/status` says how it is.", bold(c.Name))}
}

// What a message with lines of a log may have: Discord counts 2000 characters,
// and the row that it waits in counts bytes.
const (
	maxTailBytes = 1700
	maxTailLine  = 300 // characters
)

// LogTail tells the keeper the last lines of a game's log, oldest first: as many
// of the newest as fit.
func LogTail(c *world.Config, lines []string) world.Say {
	var kept []string
	left := maxTailBytes
	for _, line := range slices.Backward(lines) {
		line = strings.ReplaceAll(world.Visible(line, maxTailLine), "`", "'")
		// A quote and a backslash take two bytes in the row.
		if left -= len(line) + strings.Count(line, `"`) + strings.Count(line, `\`) + len(`\n`); left < 0 {
			break
		}
		kept = append(kept, line)
	}
	if len(kept) == 0 {
		return world.Say{Text: fmt.Sprintf("📜 The log of %s is empty.", bold(c.Name))}
	}
	slices.Reverse(kept)
	text := fmt.Sprintf("📜 The end of the log of %s", bold(c.Name))
	switch older := len(lines) - len(kept); {
	case older == 1:
		text += "; the line before it did not fit"
	case older > 1:
		text += fmt.Sprintf("; the %d lines before it did not fit", older)
	}
	return world.Say{Text: text + ":\n```\n" + strings.Join(kept, "\n") + "\n```"}
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

// because is the cloud's own words for a failure.
func because(code, detail string) string {
	code, detail = world.Plain(code, 64), world.Plain(detail, 400)
	if code == "" || detail == "" {
		return code + detail
	}
	return code + ": " + detail
}
