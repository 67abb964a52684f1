package words

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hearth/internal/world"
)

// Card is the one message that tells a session from start to end.
func Card(c *world.Config, s *world.State, now time.Time) world.Say {
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
			k.Body = fmt.Sprintf("🔥 %s is being lit again. %s", bold(c.Name), step(s))
		}
		say.Buttons = []world.Button{stopButton(c, s)}
	case world.Online:
		k.Tone = world.ToneBurning
		k.Body = "The fire burns. Come in!"
		if s.WhenEmpty != nil {
			k.Body = fmt.Sprintf("The fire burns. %s asked to let it go out when the last one leaves.", world.PlainName(s.WhenEmpty.Name))
		}
		if s.Boot.SaveLate {
			k.Tone = world.ToneTrouble
			k.Body += " But the game has not saved for a while, and what you do may be lost; the keeper knows."
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
		k.Fields = recap(s, now)
		say.Buttons = []world.Button{startButton(c, s)}
	case world.Failed:
		k.Tone = world.ToneTrouble
		k.Body = "🌫️ The fire is out: " + s.Why + "."
		k.Fields = recap(s, now)
		say.Buttons = []world.Button{startButton(c, s)}
	}
	if !s.Boot.LastSave.IsZero() {
		k.Fields = append(k.Fields, world.Field{Name: "Last save", Value: at(s.Boot.LastSave), Inline: true})
	}
	if cost := sessionCost(s, now); cost != "" && s.Status != world.Stopped && s.Status != world.Failed {
		k.Fields = append(k.Fields, world.Field{Name: "This session", Value: cost, Inline: true})
	}
	if cost := monthCost(c, s, now); cost != "" {
		k.Fields = append(k.Fields, world.Field{Name: "This month", Value: cost, Inline: true})
	}
	k.Footer = priceText(c, s)
	return say
}

func title(c *world.Config, s *world.State) string {
	state := map[world.Status]string{
		world.Stopped: "is out", world.Starting: "is being lit", world.Booting: "is being lit", world.Loading: "is being lit",
		world.Online: "is burning", world.Stopping: "is going out", world.Relocating: "is moving", world.Failed: "did not light",
	}
	if s.Status == world.Failed && !s.Session.Ready.IsZero() {
		return world.Plain(c.Name, world.MaxWorldName) + " went out"
	}
	return world.Plain(c.Name, world.MaxWorldName) + " " + state[s.Status]
}

// step is which of the three parts of a start it is in, and what is done there.
func step(s *world.State) string {
	switch s.Status {
	case world.Starting:
		return "1/3 Renting a machine…"
	case world.Booting:
		return "2/3 The machine is waking up…"
	default:
		return "3/3 " + doing(s.Boot.Step) + "…"
	}
}

// doing is what the machine does to bring the game up.
func doing(st world.Step) string {
	switch st {
	case world.StepLease:
		return "Waiting for the last machine to let go of the world"
	case world.StepFiles:
		return "Looking at the world's files"
	case world.StepImage:
		return "Fetching the server"
	case world.StepContainer:
		return "Setting the server up"
	case world.StepUpdate:
		return "Fetching the game"
	case world.StepCode:
		return "Waiting for the join code"
	case world.StepLoad:
		return "Loading the world"
	}
	return "Bringing the game up"
}

// defaultUsually is how long a start is said to take while none is known.
const defaultUsually = 4 * time.Minute

func usually(s *world.State, now time.Time) string {
	u := s.Usually
	if u == 0 {
		u = defaultUsually
	}
	left := u - now.Sub(s.Session.Began)
	if fetches := s.Boot.Step == world.StepImage || s.Boot.Step == world.StepUpdate; s.Status == world.Loading && fetches && left < time.Minute {
		return step(s) + " the first time this takes some minutes"
	}
	if left < 30*time.Second {
		return step(s) + " any moment now"
	}
	if s.Status == world.Starting {
		return step(s) + " usually ready in " + spell(left)
	}
	return step(s) + " about " + spell(left) + " left"
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

func recap(s *world.State, now time.Time) []world.Field {
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
	if text := billed(s, now); text != "" {
		fs = append(fs, world.Field{Name: "This session", Value: text, Inline: true})
	}
	return fs
}
