package words

import (
	"fmt"
	"strings"
	"time"

	"hearth/internal/world"
)

// moved adds to the line that tells the new address how long the move took, who
// was in, and pings who asked for the session.
func moved(say world.Say, s *world.State, took time.Duration) world.Say {
	verb := "It moved in"
	if s.Move.Gone.IsZero() { // the machine stayed, or came back
		verb = "It was away for"
	}
	say.Text += fmt.Sprintf(" %s %s.", verb, spellExact(took))
	if names := playedText(s.Move.Players); names != "" {
		say.Text += " " + names + ": come back in!"
	}
	say.Ping = s.Session.Guests
	if id := s.Op.By.ID; len(say.Ping) == 0 && id != "" { // the row is of a version that did not know
		say.Ping = []string{id}
	}
	for _, id := range say.Ping {
		say.Text += " <@" + id + ">"
	}
	return say
}

// playedText names characters, in bold, as far as a row has room for them.
func playedText(names []string) string {
	var all []string
	left := 360 // bytes, as for playersText
	for _, n := range names {
		n = "**" + world.PlainName(n) + "**"
		if left -= len(n) + len(", "); left < 0 {
			break
		}
		all = append(all, n)
	}
	switch n := len(all); n {
	case 0:
		return ""
	case 1:
		return all[0]
	default:
		return strings.Join(all[:n-1], ", ") + " and " + all[n-1]
	}
}

// spellExact is a duration in words, to the second under an hour.
func spellExact(d time.Duration) string {
	d = d.Round(time.Second)
	if d < 2*time.Minute || d >= time.Hour {
		return spell(d)
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}
