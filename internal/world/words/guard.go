package words

import (
	"fmt"
	"time"

	"hearth/internal/world"
)

// clockAt is a moment as the time of the reader's day, and how far away it is.
func clockAt(t time.Time) string { return fmt.Sprintf("<t:%d:t> (%s)", t.Unix(), at(t)) }

// IdleWarning tells that nobody is on and when the fire goes out for it, with
// what can be done.
func IdleWarning(c *world.Config, s *world.State, now time.Time, grace time.Duration) world.Say {
	text := fmt.Sprintf("🌙 Nobody has been in %s for %s.", bold(c.Name), spell(now.Sub(s.EmptySince)))
	if !s.Session.Joined {
		text = fmt.Sprintf("🌙 %s has been ready for %s, and nobody has come in.", bold(c.Name), spell(now.Sub(s.EmptySince)))
	}
	op := s.WarningID()
	return world.Say{
		Text: text + fmt.Sprintf(" If it stays like that it is saved and goes out %s.", at(now.Add(grace))),
		Buttons: []world.Button{
			{Label: "Keep awake", Emoji: "🔥", Style: world.StylePrimary, Action: world.Action{Command: world.CmdKeepAwake, World: c.ID, Operation: op}.String()},
			{Label: "Stop now", Emoji: "🌙", Style: world.StyleSecondary, Action: world.Action{Command: world.CmdStopWhenEmpty, World: c.ID, Operation: op}.String()},
		},
	}
}

// Idle tells that the fire goes out because nobody is on.
func Idle(c *world.Config, s *world.State, now time.Time) world.Say {
	if !s.Session.Joined {
		return world.Say{Text: fmt.Sprintf("🌙 Nobody has come into %s in %s. Saving it and letting the fire go out; `/start` lights it again.", bold(c.Name), spell(now.Sub(s.EmptySince)))}
	}
	return world.Say{Text: fmt.Sprintf("🌙 Nobody has been in %s for %s. Saving it and letting the fire go out.", bold(c.Name), spell(now.Sub(s.EmptySince)))}
}

// KeptAwake answers the button Keep awake.
func KeptAwake(c *world.Config, by world.Person, until time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("🔥 %s keeps %s awake until %s. If nobody is in by then it is saved and goes out; I say so here a few minutes before.", world.PlainName(by.Name), bold(c.Name), clockAt(until))}
}

// NotIdle answers a button of a warning that is void, because somebody is in.
func NotIdle(c *world.Config, s *world.State) world.Say {
	if s.OnlinePlayers() < 0 {
		return world.Say{Text: fmt.Sprintf("🔥 I can't see right now who is in %s, so it burns on. `/stop` puts it out.", bold(c.Name))}
	}
	return world.Say{Text: fmt.Sprintf("🔥 Somebody has come into %s meanwhile (%s), so it burns on. `/stop` puts it out.", bold(c.Name), playersText(s))}
}

// most is how long a session may last: mostly whole hours.
func most(c *world.Config) string {
	if d := c.SessionMost(); d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return spell(c.SessionMost())
}

// SessionEnds tells when a session has lasted as long as it may.
func SessionEnds(c *world.Config, ends time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("⏳ A session of %s lasts %s at most. It is saved and goes out %s, whoever is in; `/start` lights it again right after.", bold(c.Name), most(c), at(ends))}
}

// SessionOver tells that a session is ended because it lasted as long as it may.
func SessionOver(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("⏳ This session of %s has lasted %s, which is the most. Saving it and letting the fire go out; `/start` lights it again.", bold(c.Name), most(c))}
}

// spentText is what the month has cost of what it may.
func spentText(c *world.Config, s *world.State, now time.Time) string {
	return fmt.Sprintf("%s has cost about %s of %s this month", bold(c.Name), s.Bill.OfMonth(now), s.Cap(c, now))
}

// anew is when the next month's money begins.
func anew(now time.Time) string {
	next := world.NextMonth(now)
	return fmt.Sprintf("The new month begins on %s, UTC (%s)", next.Format("2 January"), at(next))
}

func raiseButton(c *world.Config, s *world.State) world.Button {
	return world.Button{
		Label: "Raise by " + c.RaiseBy().String(), Emoji: "💰", Style: world.StyleDanger,
		Action: world.Action{Command: world.CmdRaiseCap, World: c.ID, Operation: s.Bill.RaiseID()}.String(),
	}
}

// MonthNeared tells the keeper that most of the month's money is spent.
func MonthNeared(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{
		Text:    fmt.Sprintf("💰 %s. When it reaches that it is saved and goes out, and is not lit again before the month is over. %s. The button allows more, for this month alone.", spentText(c, s, now), anew(now)),
		Buttons: []world.Button{raiseButton(c, s)},
	}
}

// MonthEnds tells that the month's money is nearly spent, and when the fire goes
// out for it.
func MonthEnds(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("💰 %s. It is saved and goes out %s, whoever is in, unless a keeper allows more.", spentText(c, s, now), at(s.Bill.StopAt))}
}

// MonthEndsForKeeper is MonthEnds, with the button that calls it off.
func MonthEndsForKeeper(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{
		Text:    fmt.Sprintf("💰 %s, and burns. It is saved and goes out %s, whoever is in, and is not lit again before the month is over. %s. The button allows more, for this month alone.", spentText(c, s, now), at(s.Bill.StopAt), anew(now)),
		Buttons: []world.Button{raiseButton(c, s)},
	}
}

// MonthSpent tells that the session is ended because the month's money is spent.
func MonthSpent(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("💰 %s, which is the most. Saving it and letting the fire go out. %s; before that a keeper can allow more.", spentText(c, s, now), anew(now))}
}

// MonthReached tells the keeper that a start was refused.
func MonthReached(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{
		Text:    fmt.Sprintf("💰 Somebody wanted to light it, but %s, so I did not. %s. The button allows more, for this month alone.", spentText(c, s, now), anew(now)),
		Buttons: []world.Button{raiseButton(c, s)},
	}
}

// TooDear answers a /start when the month's money is spent; to a keeper with the
// button that allows more.
func TooDear(c *world.Config, s *world.State, keeper bool, now time.Time) world.Say {
	say := world.Say{Text: fmt.Sprintf("💰 %s, which is the most, so I don't light it. %s. Before that a keeper can allow more, and has the button for it.", spentText(c, s, now), anew(now))}
	if keeper {
		say.Buttons = []world.Button{raiseButton(c, s)}
	}
	return say
}

// Raised answers a keeper who allowed more.
func Raised(c *world.Config, s *world.State, by world.Person, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("💰 %s allowed %s more. %s.", world.PlainName(by.Name), c.RaiseBy(), spentText(c, s, now))}
}

// RaisedInTime tells the channel that the fire does not go out after all.
func RaisedInTime(c *world.Config, s *world.State, by world.Person, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("🔥 %s allowed more, so %s burns on: about %s of %s are spent this month.", world.PlainName(by.Name), bold(c.Name), s.Bill.OfMonth(now), s.Cap(c, now))}
}

// StaleRaise answers a button of another month, or one that was pressed already.
func StaleRaise(c *world.Config, s *world.State, now time.Time) world.Say {
	if c.MonthlyDollars == 0 {
		return world.Say{Text: fmt.Sprintf("🕰️ That button is from earlier. %s has no limit for the month now.", bold(c.Name))}
	}
	return world.Say{Text: fmt.Sprintf("🕰️ That button is from earlier. Now %s.", spentText(c, s, now))}
}
