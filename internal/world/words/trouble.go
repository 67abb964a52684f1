package words

import (
	"fmt"
	"time"

	"hearth/internal/world"
)

// Why a session failed, and what to do next: the words of State.Why.
const (
	WhyNoCapacity   = "the cloud has had no machine for us anywhere for a good while. Try `/start` again later; no money is being spent"
	WhyQuota        = "the cloud account may not rent this machine yet. The keeper knows what to click"
	WhyConfig       = "the cloud refused the deployment's settings. The keeper has the details"
	WhyCloudAway    = "the cloud keeps answering with errors. Try `/start` again in a few minutes"
	WhyNoMachine    = "the cloud promised a machine and did not deliver in ten minutes. Try `/start` again"
	WhyNoHost       = "the machine came up but its helper never spoke. The machine is deleted; try `/start` again"
	WhyNeverListens = "the game never opened its door. The machine is deleted, the world is as it was; try `/start` again, and tell the keeper if it happens twice"
	WhyCrashes      = "the game crashed twice in ten minutes. The keeper has been told; the world is as of its last save"
	WhyNoReturn     = "the machine went down and did not come back in ten minutes. What was saved is safe; try `/start` again"
	WhySilent       = "the machine had been silent for ten minutes, so it was deleted"
)

// WhyFiles is why a session failed whose game could not be started on the
// world's files.
func WhyFiles(reason world.FilesReason) string {
	what := "the game can't be started on its files"
	switch reason {
	case world.FilesNotMounted:
		what = "its files are not there: their disk is not mounted"
	case world.FilesMissing:
		what = "there is no such world among its files"
	case world.FilesUnreadable:
		what = "its files can't be read or written"
	case world.FilesOther:
		what = "the files in its place are another world's"
	}
	return what + ". The game was not let at them, and the keeper knows what to do"
}

// GameGone tells that a game that was open is down and can't be started again.
func GameGone(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("⚠️ The game of %s is down and can't be started again. %s", bold(c.Name), lossText(s, now))}
}

// Failed tells that the session ended for a reason, State.Why.
func Failed(c *world.Config, s *world.State) world.Say {
	return world.Say{
		Text:    fmt.Sprintf("🌫️ %s is out: %s.", bold(c.Name), s.Why),
		Buttons: []world.Button{startButton(c, s)},
	}
}

// Crashed tells that the game crashed and the agent starts it again.
func Crashed(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("💥 The game of %s crashed and starts again by itself. %s", bold(c.Name), lossText(s, now))}
}

// CrashedTwice tells that the game crashed again, which ends the session.
func CrashedTwice(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("💥 The game of %s crashed again, so I stop here and tell the keeper. %s", bold(c.Name), lossText(s, now))}
}

// SaveOverdue tells that a save takes long. silent: the agent does not answer.
func SaveOverdue(c *world.Config, s *world.State, silent bool, now time.Time) world.Say {
	text := fmt.Sprintf("⏳ %s is not saved yet after %s. I wait for it, ten minutes at most.", bold(c.Name), spell(now.Sub(s.Since)))
	if silent {
		text += " The machine does not answer."
	}
	return world.Say{Text: text}
}

// SaveLost tells that a save was not proven in time.
func SaveLost(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("⚠️ The save of %s was not proven in ten minutes. The machine is deleted now. %s", bold(c.Name), lossText(s, now))}
}

// GoneUnsaved tells that a machine went while its save was awaited.
func GoneUnsaved(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("⚠️ The machine of %s went before it could prove the save. %s", bold(c.Name), lossText(s, now))}
}

// Vanished tells that the machine went and no save was proven.
func Vanished(c *world.Config, s *world.State, now time.Time) world.Say {
	how := "is gone without notice"
	if s.Boot.Noticed {
		how = "is gone before it could prove the save"
	}
	return world.Say{Text: fmt.Sprintf("🌬️ The machine of %s %s. %s Lighting it elsewhere now.", bold(c.Name), how, lossText(s, now))}
}

// StartedOver tells that a new boot speaks while the old one had proven
// nothing. The game may have saved after all when the agent beside it died, so
// this says what is known and no more.
func StartedOver(c *world.Config, s *world.State, now time.Time) world.Say {
	loss := "I know of no save in this session: what was done in it may be lost."
	if !s.Boot.LastSave.IsZero() {
		loss = fmt.Sprintf("The last save I know of is %s old; what was done since may be lost.", spell(now.Sub(s.Boot.LastSave)))
	}
	return world.Say{Text: fmt.Sprintf("🔁 The machine of %s started over without word of a save. %s", bold(c.Name), loss)}
}

// SavedAfterAll tells that a boot whose end nobody had heard did save.
func SavedAfterAll(c *world.Config, when time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("💾 %s was saved after all, %s: the machine before did not get to say so. Nothing that was done then is lost.", bold(c.Name), at(when))}
}

// Silent tells that the agent has not been heard for a while.
func Silent(c *world.Config, s *world.State) world.Say {
	text := fmt.Sprintf("🔇 The machine of %s has not spoken for over a minute. It still exists, so people may be playing.", bold(c.Name))
	if !s.Boot.LastSave.IsZero() {
		text += " Last save " + at(s.Boot.LastSave) + "."
	}
	return world.Say{Text: text + " If it stays silent for ten minutes I delete it."}
}

// SpeaksAgain tells that a silent agent was heard.
func SpeaksAgain(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🔔 The machine of %s speaks again.", bold(c.Name))}
}

// GivenUp tells that a silent machine is deleted.
func GivenUp(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("⚠️ The machine of %s stayed silent for ten minutes and is deleted now. %s", bold(c.Name), lossText(s, now))}
}

func lossText(s *world.State, now time.Time) string {
	if !s.Boot.Opened {
		return "Nobody could have been in yet, so nothing is lost."
	}
	if s.Boot.LastSave.IsZero() {
		return "There was no save in this session: the world is as it was before."
	}
	return fmt.Sprintf("The last save is %s old; what was done since is lost.", spell(now.Sub(s.Boot.LastSave)))
}

// Broken tells the channel that something asked for could not be done.
func Broken() world.Say {
	return world.Say{Text: "⚠️ Something went wrong on my side and I could not do what was asked. It stands in the log for the keeper; please try again."}
}
