package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hearth/internal/world"
)

// Every word that Hearth says to people stands in this file: short and warm,
// the state first, then the next step. What a player chose goes through Plain.

// Why a session failed, and what to do next.
const (
	whyNoCapacity   = "the cloud has had no machine for us anywhere for a good while. Try `/start` again later; no money is being spent"
	whyQuota        = "the cloud account may not rent this machine yet. The keeper knows what to click"
	whyConfig       = "the cloud refused the deployment's settings. The keeper has the details"
	whyCloudAway    = "the cloud keeps answering with errors. Try `/start` again in a few minutes"
	whyNoMachine    = "the cloud promised a machine and did not deliver in ten minutes. Try `/start` again"
	whyNoHost       = "the machine came up but its helper never spoke. The machine is deleted; try `/start` again"
	whyNeverListens = "the game never opened its door. The machine is deleted, the world is as it was; try `/start` again, and tell the keeper if it happens twice"
	whyCrashes      = "the game crashed twice in ten minutes. The keeper has been told; the world is as of its last save"
	whyNoReturn     = "the machine went down and did not come back in ten minutes. What was saved is safe; try `/start` again"
	whySilent       = "the machine had been silent for ten minutes, so it was deleted"
)

// SayDenied tells somebody why not, and what would work. worlds are those of
// the deployment, for the denials that name them.
func SayDenied(d world.Denial, worlds []world.Config) world.Say {
	switch d {
	case world.DenyGuild, world.DenyDirect:
		return world.Say{Text: "🏠 I only listen in the server I was set up for. Go to its Hearth channel and say it there."}
	case world.DenyChannel:
		return world.Say{Text: "🏠 Not in this channel. Go to the Hearth channel and say it there."}
	case world.DenyRole:
		return world.Say{Text: "🔒 You need the role for this world. Ask a keeper to give it to you."}
	case world.DenyKeeper:
		return world.Say{Text: "🔒 Only a keeper can do this. **Stop when empty** is for everybody."}
	case world.DenyWorld:
		return world.Say{Text: "🗺️ There is no such world here. There is " + nameWorlds(worlds) + "."}
	case world.DenyWorldNeeded:
		return world.Say{Text: "🗺️ Which world? Say it with the `world` option: " + nameWorlds(worlds) + "."}
	case world.DenyCommand, world.DenyNone:
	}
	return world.Say{Text: "🤔 I don't know that one. Try `/start`, `/stop`, `/status` or `/join`."}
}

func nameWorlds(worlds []world.Config) string {
	names := make([]string, len(worlds))
	for i := range worlds {
		names[i] = bold(worlds[i].Name)
	}
	return strings.Join(names, ", ")
}

// The three steps of a start.
const (
	stepMachine = "1/3 Renting a machine…"
	stepBoot    = "2/3 The machine is waking up…"
	stepLoad    = "3/3 Loading the world…"
)

func step(st world.Status) string {
	switch st {
	case world.Starting:
		return stepMachine
	case world.Booting:
		return stepBoot
	default:
		return stepLoad
	}
}

// card is the one message that tells a session from start to end.
func card(c *world.Config, s *world.State, now time.Time) world.Say {
	k := world.Card{Title: title(c, s)}
	say := world.Say{Card: &k}
	by := world.PlainName(s.Op.By.Name)
	switch s.Status {
	case world.Starting, world.Booting, world.Loading:
		k.Tone = world.ToneWorking
		k.Body = fmt.Sprintf("🔥 %s is lighting %s. %s", by, bold(c.Name), usually(s, now))
		if s.Status == world.Loading && s.Boot.Proven {
			k.Body = "🔥 The fire is banked and the world saved. Waiting for the machine to come back…"
		} else if !s.RetryAt.IsZero() {
			k.Body = fmt.Sprintf("⏳ The cloud has no machine for us right now. Trying again %s. `/stop` to leave it.", at(s.RetryAt))
		} else if !s.Session.Ready.IsZero() || s.Session.Evicted > 0 {
			k.Body = fmt.Sprintf("🔥 %s is being lit again. %s", bold(c.Name), step(s.Status))
		}
		say.Buttons = []world.Button{stopButton(c, s)}
	case world.Online:
		k.Tone = world.ToneBurning
		k.Body = "The fire burns. Come in!"
		if s.WhenEmpty != nil {
			k.Body = fmt.Sprintf("The fire burns. %s asked to let it go out when the last one leaves.", world.PlainName(s.WhenEmpty.Name))
		}
		if s.Boot.Silent {
			k.Tone = world.ToneTrouble
			k.Body = "The machine has gone quiet. I can't see who is on; looking after it."
		}
		k.Fields = append(joinFields(c, s), world.Field{Name: "Players", Value: playersText(s)})
		say.Buttons = []world.Button{joinButton(c, s), stopButton(c, s)}
	case world.Stopping:
		k.Tone = world.ToneWorking
		switch {
		case s.Why != "":
			k.Body = "🌫️ Putting the fire out: " + s.Why + "."
		case s.Boot.Over && s.Boot.Confirmed:
			k.Body = "🌙 Saved. Giving the machine back…"
		case s.Boot.Over:
			k.Body = "🌙 Giving the machine back…"
		default:
			k.Body = "💾 Saving " + bold(c.Name) + " before anything else…"
		}
		if s.Again != nil {
			k.Body += fmt.Sprintf("\nThen it is lit again for %s.", world.PlainName(s.Again.By.Name))
		}
	case world.Relocating:
		k.Tone = world.ToneWorking
		k.Body = "🌬️ The cloud is taking this machine back. Saving, then lighting it elsewhere: the new address comes here."
		if s.Boot.Proven || s.Boot.Over {
			k.Body = "🌬️ Lighting it on another machine: the new address comes here."
		}
	case world.Stopped:
		k.Tone = world.ToneOut
		k.Body = "🌙 The fire is out and nothing costs money. `/start` lights it again."
		k.Fields = recap(c, s, now)
		say.Buttons = []world.Button{startButton(c, s)}
	case world.Failed:
		k.Tone = world.ToneTrouble
		k.Body = "🌫️ The fire is out: " + s.Why + "."
		k.Fields = recap(c, s, now)
		say.Buttons = []world.Button{startButton(c, s)}
	}
	if !s.Boot.LastSave.IsZero() {
		k.Fields = append(k.Fields, world.Field{Name: "Last save", Value: at(s.Boot.LastSave), Inline: true})
	}
	if cost := costText(c, s, now); cost != "" && s.Status != world.Stopped && s.Status != world.Failed {
		k.Fields = append(k.Fields, world.Field{Name: "This session", Value: cost, Inline: true})
	}
	return say
}

func title(c *world.Config, s *world.State) string {
	words := map[world.Status]string{
		world.Stopped: "is out", world.Starting: "is being lit", world.Booting: "is being lit", world.Loading: "is being lit",
		world.Online: "is burning", world.Stopping: "is going out", world.Relocating: "is moving", world.Failed: "did not light",
	}
	if s.Status == world.Failed && !s.Session.Ready.IsZero() {
		return world.Plain(c.Name, world.MaxWorldName) + " went out"
	}
	return world.Plain(c.Name, world.MaxWorldName) + " " + words[s.Status]
}

func usually(s *world.State, now time.Time) string {
	u := s.Usually
	if u == 0 {
		u = DefaultUsually
	}
	left := u - now.Sub(s.Session.Began)
	if left < 30*time.Second {
		return step(s.Status) + " any moment now"
	}
	if s.Status == world.Starting {
		return step(s.Status) + " usually ready in " + spell(left)
	}
	return step(s.Status) + " about " + spell(left) + " left"
}

func joinFields(c *world.Config, s *world.State) []world.Field {
	fs := []world.Field{{Name: "Address", Value: code(address(c, s)), Inline: true}}
	if s.Boot.JoinCode != "" {
		fs = append(fs, world.Field{Name: "Join code", Value: code(s.Boot.JoinCode), Inline: true})
	}
	return fs
}

func address(c *world.Config, s *world.State) string {
	if s.Boot.Machine.Address == "" {
		return "not known yet"
	}
	return s.Boot.Machine.Address + ":" + strconv.Itoa(c.Port)
}

func playersText(s *world.State) string {
	if s.OnlinePlayers() < 0 {
		return "can't see right now"
	}
	var names []string
	left := 360 // bytes: what waits to be said is part of the row
	for _, p := range s.Boot.Players {
		if name := world.PlainName(p.Name); p.Name != "" && len(names) < world.MaxNamed && len(name) < left {
			names = append(names, name)
			left -= len(name) + len(", ")
		}
	}
	nameless := len(s.Boot.Players) - len(names) + s.Boot.Connecting
	switch {
	case len(names) == 0 && nameless == 0:
		return "nobody yet"
	case nameless == 0:
		return strings.Join(names, ", ")
	case len(names) == 0:
		return fmt.Sprintf("%d coming in", nameless)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), nameless)
}

func recap(c *world.Config, s *world.State, now time.Time) []world.Field {
	var fs []world.Field
	if len(s.Session.Played) > 0 {
		names := make([]string, 0, len(s.Session.Played))
		for _, n := range s.Session.Played {
			names = append(names, world.PlainName(n))
		}
		fs = append(fs, world.Field{Name: "Played", Value: ellipsis(strings.Join(names, ", "), 500), Inline: true})
	}
	if !s.Session.Ready.IsZero() {
		fs = append(fs, world.Field{Name: "Burned for", Value: spell(s.Since.Sub(s.Session.Ready)), Inline: true})
	}
	if cost := costText(c, s, now); cost != "" {
		fs = append(fs, world.Field{Name: "Cost", Value: cost, Inline: true})
	}
	return fs
}

func costText(c *world.Config, s *world.State, now time.Time) string {
	if c.CentsPerHour == 0 || s.MachineTime(now) == 0 {
		return ""
	}
	return fmt.Sprintf("about $%.2f", max(s.MachineTime(now).Hours()*c.CentsPerHour/100, 0.01))
}

func sayStatus(c *world.Config, s *world.State, now time.Time) world.Say {
	say := card(c, s, now)
	if s.Status == world.Stopped && s.Session.ID == "" {
		say.Card.Body = "🌙 The fire has not been lit yet. `/start` lights it."
	}
	return say
}

func sayJoin(c *world.Config, s *world.State) world.Say {
	if s.Status != world.Online {
		next := "Say `/start` to light it."
		switch s.Status {
		case world.Starting, world.Booting, world.Loading:
			next = "It is being lit: " + step(s.Status)
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

func sayLighting(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🔥 Lighting %s. Watch the channel.", bold(c.Name))}
}

func sayAlreadyLighting(c *world.Config, s *world.State, now time.Time) world.Say {
	if s.Status == world.Relocating {
		return world.Say{Text: fmt.Sprintf("🌬️ %s is moving to another machine already. The new address comes here.", bold(c.Name))}
	}
	if !s.RetryAt.IsZero() {
		return world.Say{Text: fmt.Sprintf("⏳ %s is already trying. The cloud has no machine right now; next try %s.", world.PlainName(s.Op.By.Name), at(s.RetryAt))}
	}
	return world.Say{Text: fmt.Sprintf("🔥 %s is already lighting %s. %s", world.PlainName(s.Op.By.Name), bold(c.Name), usually(s, now))}
}

func sayAlreadyOnline(c *world.Config, s *world.State, kept bool) world.Say {
	text := fmt.Sprintf("🔥 %s is burning already. Join at %s.", bold(c.Name), code(address(c, s)))
	if kept {
		text += " It will not go out when empty any more."
	}
	return world.Say{Text: text, Buttons: []world.Button{joinButton(c, s)}}
}

func sayAgain(c *world.Config, first bool) world.Say {
	if first {
		return world.Say{Text: fmt.Sprintf("💾 %s is being saved. I light it again as soon as that is done.", bold(c.Name))}
	}
	return world.Say{Text: fmt.Sprintf("💾 %s is being saved, and somebody asked already: it is lit again right after.", bold(c.Name))}
}

func sayAlreadyOut(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🌙 %s is out already, and costs nothing. `/start` lights it.", bold(c.Name))}
}

func sayAlreadyStopping(c *world.Config, dropped bool) world.Say {
	if dropped {
		return world.Say{Text: fmt.Sprintf("🌙 %s is going out, and stays out: the remembered start is dropped.", bold(c.Name))}
	}
	return world.Say{Text: fmt.Sprintf("💾 %s is going out already: save first, then the machine.", bold(c.Name))}
}

func sayCalledOff(c *world.Config, by world.Person) world.Say {
	return world.Say{Text: fmt.Sprintf("🌙 %s called it off. %s is not lit, and the machine goes back.", world.PlainName(by.Name), bold(c.Name))}
}

func sayStopping(c *world.Config, by world.Person) world.Say {
	return world.Say{Text: fmt.Sprintf("💾 %s puts the fire out. Saving %s first; the machine goes only after that.", world.PlainName(by.Name), bold(c.Name))}
}

func sayAskBack(c *world.Config, s *world.State, keeper bool) world.Say {
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

func sayWhenEmpty(c *world.Config, s *world.State) world.Say {
	return world.Say{
		Text:    fmt.Sprintf("🌙 When the last one leaves, %s is saved and the fire goes out. `/start` changes that.", bold(c.Name)),
		Buttons: []world.Button{stopNowButton(c, s), keepGoingButton(c, s)},
	}
}

func sayKeepGoing(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🔥 %s keeps burning.", bold(c.Name))}
}

func sayStaleButton(c *world.Config, s *world.State) world.Say {
	return world.Say{Text: fmt.Sprintf("🕰️ That button is from earlier. Now: %s.", title(c, s))}
}

func sayTooOld(c *world.Command) world.Say {
	return world.Say{Text: fmt.Sprintf("🕰️ %s asked for something more than 15 minutes ago and it only reached me now, so I left it. Please say it again.", world.PlainName(c.By.Name))}
}

func saySuperseded(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("↪️ Somebody has said something newer about %s meanwhile; that counts.", bold(c.Name))}
}

func sayOnline(c *world.Config, s *world.State, first, dropped bool) world.Say {
	text := fmt.Sprintf("🔥 %s is burning. Join at %s", bold(c.Name), code(address(c, s)))
	if s.Boot.JoinCode != "" {
		text += " or with code " + code(s.Boot.JoinCode)
	}
	text += "."
	if dropped {
		text += " It does not go out as soon as it is empty any more."
	}
	say := world.Say{Text: text, Buttons: []world.Button{joinButton(c, s)}}
	if id := s.Op.By.ID; id != "" && (first || s.Session.Evicted > 0) {
		say.Text, say.Ping = text+" <@"+id+">", []string{id}
	}
	return say
}

func sayJoined(name string, n int) world.Say {
	return world.Say{Text: fmt.Sprintf("⚔️ **%s** came in. %s", world.PlainName(name), countText(n))}
}

func sayLeft(name string, n int, reason string) world.Say {
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

func sayDied(name string) world.Say {
	return world.Say{Text: fmt.Sprintf("💀 **%s** died.", world.PlainName(name))}
}

func sayRefused(c *world.Config, d *world.Refused) world.Say {
	who := "Somebody"
	if d.Name != "" {
		who = "**" + world.PlainName(d.Name) + "**"
	}
	switch d.Reason {
	case world.RefusedPassword:
		return world.Say{Text: "🚪 " + who + " tried the wrong password. `/join` shows the right one.", Buttons: nil}
	case world.RefusedVersion:
		text := "🚪 " + who + " has a different version of Valheim"
		if d.Theirs != "" && d.Mine != "" {
			text += fmt.Sprintf(" (theirs %s, the server's %s)", world.PlainName(d.Theirs), world.PlainName(d.Mine))
			if theirs, mine := networkVersion(d.Theirs), networkVersion(d.Mine); mine > 0 && theirs > mine {
				return world.Say{Text: text + fmt.Sprintf(". The server is older: `/stop` and `/start` bring %s up to date.", bold(c.Name))}
			}
		}
		return world.Say{Text: text + ". Update the game in Steam or your store and try again."}
	case world.RefusedBanned:
		return world.Say{Text: "🚪 " + who + " is banned, or not on the world's list. A keeper can change that."}
	case world.RefusedFull:
		return world.Say{Text: "🚪 " + who + " could not come in: the world is full."}
	case world.RefusedOther:
	}
	return world.Say{Text: "🚪 " + who + " could not come in. Try once more; if it stays so, restart the game."}
}

// networkVersion is the number that decides who may join: "36", or in
// brackets as in "0.221.12 (network version 36)". 0 if there is none.
func networkVersion(s string) int {
	if _, tail, ok := strings.Cut(s, "network version "); ok {
		s, _, _ = strings.Cut(tail, ")")
	}
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return 0
	}
	return n
}

func sayNoCapacity(c *world.Config, retry world.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("⏳ The cloud has no machine for %s anywhere right now. I try again %s; nothing costs money meanwhile. `/stop` to leave it.", bold(c.Name), at(retry))}
}

func sayNotice(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🌬️ The cloud takes the machine of %s back. Saving now; then it comes up elsewhere and the new address is posted here.", bold(c.Name))}
}

func sayReboot(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🌬️ The machine of %s is being restarted by the cloud. Saving now; it comes back by itself.", bold(c.Name))}
}

func sayProven(c *world.Config, s *world.State, d *world.SaveProven, now time.Time) world.Say {
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

func lossText(s *world.State, now time.Time) string {
	if !s.Boot.Opened {
		return "Nobody could have been in yet, so nothing is lost."
	}
	if s.Boot.LastSave.IsZero() {
		return "There was no save in this session: the world is as it was before."
	}
	return fmt.Sprintf("The last save is %s old; what was done since is lost.", spell(now.Sub(s.Boot.LastSave)))
}

func sayStartedOver(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("🔁 The machine of %s started over without word of a save. %s", bold(c.Name), lossText(s, now))}
}

func saySaveOverdue(c *world.Config, s *world.State, now time.Time) world.Say {
	text := fmt.Sprintf("⏳ %s is not saved yet after %s. I wait for it, ten minutes at most.", bold(c.Name), spell(now.Sub(s.Since)))
	if now.Sub(s.Boot.Heard) > SilentAfter {
		text += " The machine does not answer."
	}
	return world.Say{Text: text}
}

func sayLost(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("⚠️ The save of %s was not proven in ten minutes. The machine is deleted now. %s", bold(c.Name), lossText(s, now))}
}

func sayGoneUnsaved(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("⚠️ The machine of %s went before it could prove the save. %s", bold(c.Name), lossText(s, now))}
}

func sayVanished(c *world.Config, s *world.State, now time.Time) world.Say {
	how := "is gone without notice"
	if s.Boot.Noticed {
		how = "is gone before it could prove the save"
	}
	return world.Say{Text: fmt.Sprintf("🌬️ The machine of %s %s. %s Lighting it elsewhere now.", bold(c.Name), how, lossText(s, now))}
}

func sayMovingOn(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🌬️ The old machine is gone, %s is safe. Lighting it elsewhere now.", bold(c.Name))}
}

func sayNoAgent(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🌙 No game had begun on the machine of %s. It goes back now.", bold(c.Name))}
}

func sayCrashed(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("💥 The game of %s crashed and starts again by itself. %s", bold(c.Name), lossText(s, now))}
}

func sayCrashedTwice(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("💥 The game of %s crashed again, so I stop here and tell the keeper. %s", bold(c.Name), lossText(s, now))}
}

func saySilent(c *world.Config, s *world.State) world.Say {
	text := fmt.Sprintf("🔇 The machine of %s has not spoken for over a minute. It still exists, so people may be playing.", bold(c.Name))
	if !s.Boot.LastSave.IsZero() {
		text += " Last save " + at(s.Boot.LastSave) + "."
	}
	return world.Say{Text: text + " If it stays silent for ten minutes I delete it."}
}

func sayBack(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🔔 The machine of %s speaks again.", bold(c.Name))}
}

func sayGivenUp(c *world.Config, s *world.State, now time.Time) world.Say {
	return world.Say{Text: fmt.Sprintf("⚠️ The machine of %s stayed silent for ten minutes and is deleted now. %s", bold(c.Name), lossText(s, now))}
}

func sayIdle(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🌙 Nobody has been in %s for %s. Saving it and letting the fire go out.", bold(c.Name), spell(c.Idle()))}
}

func sayOccupied(c *world.Config, s *world.State) world.Say {
	return world.Say{
		Text:    fmt.Sprintf("🔥 Somebody is in %s after all (%s), so it keeps burning.", bold(c.Name), playersText(s)),
		Buttons: []world.Button{{Label: "Stop when empty", Emoji: "🌙", Style: world.StylePrimary, Action: action(world.CmdStopWhenEmpty, c, s)}},
	}
}

func sayOut(c *world.Config, s *world.State, now time.Time) world.Say {
	text := fmt.Sprintf("🌙 %s is out. The machine is gone and nothing costs money.", bold(c.Name))
	if cost := costText(c, s, now); cost != "" {
		text += " This session: " + cost + "."
	}
	return world.Say{Text: text}
}

func sayFailed(c *world.Config, s *world.State) world.Say {
	return world.Say{
		Text:    fmt.Sprintf("🌫️ %s is out: %s.", bold(c.Name), s.Why),
		Buttons: []world.Button{startButton(c, s)},
	}
}

func sayFailedKeeper(c *world.Config, s *world.State) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 %s is out: %s.", bold(c.Name), s.Why)}
}

func sayNeverListens(c *world.Config) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 The game of %s loaded for twenty minutes and never opened its door. I stop it and delete the machine. Look at the world's files and the game's log.", bold(c.Name))}
}

func sayUnwanted(c *world.Config, vm string) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 %s has a machine that nobody wants%s. I delete it.", bold(c.Name), paren(vm))}
}

func sayStray(c *world.Config, placement, vm string) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 %s has a second machine at %s%s. It costs money; I delete it once the fire is out. Look whether somebody started it by hand.", bold(c.Name), code(placement), paren(vm))}
}

func sayCannotDelete(c *world.Config, code string) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 The machine of %s will not be deleted (%s). I keep trying, but it costs money: look at its scale set in the portal.", bold(c.Name), world.Plain(code, 64))}
}

func sayQuota(c *world.Config, placement, codeText, detail string) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 The cloud account has no quota for %s at %s (%s). In the portal: *Quotas* → *Compute* → the region → ask for more spot (low-priority) vCPUs; then `/start`.", bold(c.Name), code(placement), because(codeText, detail))}
}

func sayConfig(c *world.Config, placement, codeText, detail string) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 The cloud refuses %s at %s (%s). Check the scale set and the bot's role, then `/start`.", bold(c.Name), code(placement), because(codeText, detail))}
}

func unsaid(n int) string {
	if n == 1 {
		return "\n-# One message before this could not be posted in time."
	}
	return fmt.Sprintf("\n-# %d messages before this could not be posted in time.", n)
}

// SayBroken tells the channel that something asked for could not be done.
func SayBroken() world.Say {
	return world.Say{Text: "⚠️ Something went wrong on my side and I could not do what was asked. It is kept for the keeper to look at; please try again."}
}

func startButton(c *world.Config, s *world.State) world.Button {
	return world.Button{Label: "Light it", Emoji: "🔥", Style: world.StyleSuccess, Action: action(world.CmdStart, c, s)}
}

func stopButton(c *world.Config, s *world.State) world.Button {
	return world.Button{Label: "Put it out", Emoji: "🌙", Style: world.StyleSecondary, Action: action(world.CmdStop, c, s)}
}

func joinButton(c *world.Config, s *world.State) world.Button {
	return world.Button{Label: "How to join", Emoji: "🚪", Style: world.StylePrimary, Action: action(world.CmdJoin, c, s)}
}

// stopNowButton is the keeper's; the worker sees to that.
func stopNowButton(c *world.Config, s *world.State) world.Button {
	return world.Button{Label: "Save and stop now", Emoji: "💾", Style: world.StyleDanger, Action: action(world.CmdStopNow, c, s)}
}

func keepGoingButton(c *world.Config, s *world.State) world.Button {
	return world.Button{Label: "Never mind", Style: world.StyleSecondary, Action: action(world.CmdKeepGoing, c, s)}
}

func action(cmd world.CommandName, c *world.Config, s *world.State) string {
	return world.Action{Command: cmd, World: c.ID, Operation: s.Session.ID}.String()
}

// bold sets a world's name.
func bold(name string) string { return "**" + world.Plain(name, world.MaxWorldName) + "**" }

// because is the cloud's own words for a failure.
func because(code, detail string) string {
	code, detail = world.Plain(code, 64), world.Plain(detail, 400)
	if code == "" || detail == "" {
		return code + detail
	}
	return code + ": " + detail
}

// code sets a value in code font. Within it nothing but the backtick means
// anything.
func code(s string) string { return "`" + strings.ReplaceAll(s, "`", "'") + "`" }

func paren(s string) string {
	if s == "" {
		return ""
	}
	return " (" + code(world.Visible(s, world.MaxMachineRunes)) + ")"
}

// at is a moment as the reader's client shows it: "in 3 minutes", ticking.
func at(t time.Time) string { return fmt.Sprintf("<t:%d:R>", t.Unix()) }

// spell is a duration in words, to the minute above two minutes.
func spell(d time.Duration) string {
	switch {
	case d < time.Second:
		return "a moment"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

func sizeText(n int64) string {
	if n < 1_000_000 {
		return fmt.Sprintf("%d kB", (n+999)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// ellipsis shortens s to n characters and shows that it did.
func ellipsis(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
