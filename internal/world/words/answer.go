package words

import (
	"fmt"
	"strings"
	"time"

	"hearth/internal/world"
)

// Denied tells somebody why not, and what would work. worlds are those of
// the deployment, for the denials that name them.
func Denied(d world.Denial, worlds []world.Config) world.Say {
	switch d {
	case world.DenyGuild, world.DenyDirect:
		return world.Say{Text: "🏠 I only listen in the server I was set up for. Go to its Hearth channel and say it there."}
	case world.DenyChannel:
		return world.Say{Text: "🏠 Not in this channel. Go to the Hearth channel and say it there."}
	case world.DenyRole:
		return world.Say{Text: "🔒 You need the role for this world. Ask a keeper to give it to you."}
	case world.DenyKeeper:
		return world.Say{Text: "🔒 Only a keeper can do this. **Stop when empty** is for everybody."}
	case world.DenyButton:
		return world.Say{Text: "🔒 That one is for keepers: it spends money or removes something. Ask one to press it."}
	case world.DenyLog:
		return world.Say{Text: "🔒 The game's log is for keepers. Ask one to look."}
	case world.DenyWorld:
		return world.Say{Text: "🗺️ There is no such world here. There is " + nameWorlds(worlds) + "."}
	case world.DenyWorldNeeded:
		return world.Say{Text: "🗺️ Which world? Say it with the `world` option: " + nameWorlds(worlds) + "."}
	case world.DenyCommand, world.DenyNone:
	}
	return world.Say{Text: "🤔 I don't know that one. Try `/start`, `/stop`, `/status` or `/join`."}
}

// NoToken tells somebody that the bot can't speak, and so does nothing.
func NoToken() world.Say {
	return world.Say{Text: "🔌 I can't speak here yet: my bot token is missing, so I do nothing that I couldn't tell you about. Ask a keeper to put it into the app's settings (`DISCORD_BOT_TOKEN`) and try again."}
}

func nameWorlds(worlds []world.Config) string {
	names := make([]string, len(worlds))
	for i := range worlds {
		names[i] = bold(worlds[i].Name)
	}
	return strings.Join(names, ", ")
}

// Status answers /status: the card as it is now, and for a keeper how the
// machine does.
func Status(c *world.Config, s *world.State, keeper bool, now time.Time) world.Say {
	say := Card(c, s, now)
	say.Card.Fields = append(say.Card.Fields, fullPriceField(c, s)...)
	if keeper && s.Boot.Up {
		say.Card.Fields = append(say.Card.Fields, machineFields(&s.Boot)...)
	}
	if s.Status == world.Stopped && s.Session.ID == "" {
		say.Card.Body = "🌙 The fire has not been lit yet. `/start` lights it."
	}
	return say
}

// machineFields are what only a keeper wants to know.
func machineFields(b *world.Boot) []world.Field {
	var fs []world.Field
	var took []string
	for _, t := range b.Steps {
		if t.Took >= time.Second/2 {
			took = append(took, string(t.Step)+" "+spell(t.Took))
		}
	}
	if len(took) > 0 {
		fs = append(fs, world.Field{Name: "Came up in", Value: strings.Join(took, ", "), Inline: true})
	}
	if b.MemoryMB > 0 {
		fs = append(fs, world.Field{Name: "Memory", Value: sizeText(int64(b.MemoryMB) * 1_000_000), Inline: true})
	}
	return fs
}

// Join answers /join: address, join code and password, or why there is none
// yet. The password makes it an answer for one person alone.
func Join(c *world.Config, s *world.State) world.Say {
	if s.Status != world.Online {
		next := "Say `/start` to light it."
		switch s.Status {
		case world.Starting, world.Booting, world.Loading:
			next = "It is being lit: " + step(s)
		case world.Relocating:
			next = "It is moving to another machine; the new address comes soon."
		case world.Stopping:
			next = "It is going out. Say `/start` and it is lit again after the save."
		case world.Online, world.Stopped, world.Failed:
		}
		return world.Say{Text: fmt.Sprintf("🌙 %s is not burning now. %s", bold(c.Name), next)}
	}
	fs := joinFields(c, s)
	if pw := c.Password.Reveal(); pw != "" {
		fs = append(fs, world.Field{Name: "Password", Value: "||" + code(pw) + "||", Inline: true})
	}
	body := "In Valheim: *Join Game* → *Add server* → the address."
	if s.Boot.JoinCode != "" {
		body = "In Valheim: *Join Game* → *Join by code* or *Add server*."
	}
	return world.Say{Card: &world.Card{Title: "How to join " + world.Plain(c.Name, world.MaxWorldName), Body: body, Tone: world.ToneBurning, Fields: fs}}
}

// Lighting answers a /start given in private; the card stands in the channel.
func Lighting(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🔥 Lighting %s. Watch the channel.", bold(c.Name))}
}

// AlreadyLighting answers a /start while the world is coming up or moving.
func AlreadyLighting(c *world.Config, s *world.State, now time.Time) world.Say {
	if s.Status == world.Relocating {
		return world.Say{Text: fmt.Sprintf("🌬️ %s is moving to another machine already. The new address comes here.", bold(c.Name))}
	}
	if !s.RetryAt.IsZero() {
		return world.Say{Text: fmt.Sprintf("⏳ %s is already trying. The cloud has no machine right now; next try %s.", world.PlainName(s.Op.By.Name), at(s.RetryAt))}
	}
	return world.Say{Text: fmt.Sprintf("🔥 %s is already lighting %s. %s", world.PlainName(s.Op.By.Name), bold(c.Name), usually(s, now))}
}

// AlreadyOnline answers a /start of a burning world. kept: it was to go out when
// empty, and is not any more.
func AlreadyOnline(c *world.Config, s *world.State, kept bool) world.Say {
	text := fmt.Sprintf("🔥 %s is burning already. Join at %s.", bold(c.Name), code(address(c, s)))
	if kept {
		text += " It will not go out when empty any more."
	}
	return world.Say{Text: text, Buttons: []world.Button{joinButton(c, s)}}
}

// StartAfterSave answers a /start while the world is going out. first: nobody
// had asked before.
func StartAfterSave(c *world.Config, first bool) world.Say {
	if first {
		return world.Say{Text: fmt.Sprintf("💾 %s is being saved. I light it again as soon as that is done.", bold(c.Name))}
	}
	return world.Say{Text: fmt.Sprintf("💾 %s is being saved, and somebody asked already: it is lit again right after.", bold(c.Name))}
}

// AlreadyOut answers a /stop of a world that is out.
func AlreadyOut(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🌙 %s is out already, and costs nothing. `/start` lights it.", bold(c.Name))}
}

// AlreadyStopping answers a /stop of a world that is going out. dropped: a start
// was to follow, and does not any more.
func AlreadyStopping(c *world.Config, dropped bool) world.Say {
	if dropped {
		return world.Say{Text: fmt.Sprintf("🌙 %s is going out, and stays out: the remembered start is dropped.", bold(c.Name))}
	}
	return world.Say{Text: fmt.Sprintf("💾 %s is going out already: save first, then the machine.", bold(c.Name))}
}

// CalledOff answers a /stop before a game can have been played.
func CalledOff(c *world.Config, by world.Person) world.Say {
	return world.Say{Text: fmt.Sprintf("🌙 %s called it off. %s is not lit, and the machine goes back.", world.PlainName(by.Name), bold(c.Name))}
}

// Stopping answers a /stop that is being done.
func Stopping(c *world.Config, by world.Person) world.Say {
	return world.Say{Text: fmt.Sprintf("💾 %s puts the fire out. Saving %s first; the machine goes only after that.", world.PlainName(by.Name), bold(c.Name))}
}

// AskBack answers a /stop while others play, with buttons. keeper: may stop it all
// the same.
func AskBack(c *world.Config, s *world.State, keeper bool) world.Say {
	text := fmt.Sprintf("🔥 %s still playing: %s. What now?", isAre(s.OnlinePlayers()), playersText(s))
	if s.OnlinePlayers() < 0 {
		text = "🔥 I can't see right now who is playing, so I take it that somebody is. What now?"
	}
	say := world.Say{Text: text, Buttons: []world.Button{
		{Label: "Stop when empty", Emoji: "🌙", Style: world.StylePrimary, Action: action(world.CmdStopWhenEmpty, c, s)},
	}}
	if keeper {
		say.Buttons = append(say.Buttons, stopNowButton(c, s))
	}
	say.Buttons = append(say.Buttons, keepGoingButton(c, s))
	return say
}

func isAre(n int) string {
	if n == 1 {
		return "Somebody is"
	}
	return fmt.Sprintf("%d are", n)
}

// WhenEmpty answers the button Stop when empty.
func WhenEmpty(c *world.Config, s *world.State) world.Say {
	return world.Say{
		Text:    fmt.Sprintf("🌙 When the last one leaves, %s is saved and the fire goes out. `/start` changes that.", bold(c.Name)),
		Buttons: []world.Button{stopNowButton(c, s), keepGoingButton(c, s)},
	}
}

// KeepsBurning answers the button Never mind.
func KeepsBurning(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🔥 %s keeps burning.", bold(c.Name))}
}

// StaleButton answers a button of an earlier session.
func StaleButton(c *world.Config, s *world.State) world.Say {
	return world.Say{Text: fmt.Sprintf("🕰️ That button is from earlier. Now: %s.", title(c, s))}
}

// LogAsked answers a /log whose lines are on their way.
func LogAsked(c *world.Config, s *world.State, n int) world.Say {
	if s.Boot.Silent {
		return world.Say{Text: fmt.Sprintf("📜 I asked for the log of %s, but its machine does not speak right now. If it does again within ten minutes, the lines come in the keeper's channel.", bold(c.Name))}
	}
	lines := "The last line"
	if n > 1 {
		lines = fmt.Sprintf("The last %d lines", n)
	}
	return world.Say{Text: fmt.Sprintf("📜 %s of the log of %s come in the keeper's channel in a moment; in the Hearth channel, if there is no other.", lines, bold(c.Name))}
}

// NoLogNow answers a /log when there is nobody to ask.
func NoLogNow(c *world.Config, s *world.State) world.Say {
	why := "is out, and its log goes with the machine. `/start` lights it"
	switch s.Status {
	case world.Starting, world.Booting:
		why = "is being lit and its machine has not spoken yet. Try again in a minute"
	case world.Relocating:
		why = "is moving to another machine. Try again when it burns there"
	case world.Stopping, world.Loading, world.Online:
		why = "has nobody on its machine any more who could read the log"
	case world.Stopped, world.Failed:
	}
	return world.Say{Text: fmt.Sprintf("📜 %s %s.", bold(c.Name), why)}
}

// TooOld answers a command that came after its lifetime.
func TooOld(c *world.Command) world.Say {
	return world.Say{Text: fmt.Sprintf("🕰️ %s asked for something more than 15 minutes ago and it only reached me now, so I left it. Please say it again.", world.PlainName(c.By.Name))}
}

// Superseded answers a command that was given before the last one and came after
// it.
func Superseded(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("↪️ Somebody has said something newer about %s meanwhile; that counts.", bold(c.Name))}
}
