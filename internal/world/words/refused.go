package words

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hearth/internal/world"
)

// Refused tells who could not come in, and what helps. more is how often it was
// so again since it was told last.
func Refused(c *world.Config, d *world.Refused, more int) world.Say {
	who := "Somebody"
	if d.Name != "" {
		who = "**" + world.PlainName(d.Name) + "**"
	}
	text := "🚪 " + who + " " + refusal(c, d)
	switch {
	case more == 1:
		text += " It was so once more since I said it last."
	case more > 1:
		text += fmt.Sprintf(" It was so %d times more since I said it last.", more)
	}
	return world.Say{Text: text}
}

func refusal(c *world.Config, d *world.Refused) string {
	switch d.Reason {
	case world.RefusedPassword:
		return "tried the wrong password. `/join` shows the right one."
	case world.RefusedVersion:
		return versionRefusal(c, d)
	case world.RefusedBanned:
		return "is banned, or not on the world's list. A keeper can change that."
	case world.RefusedFull:
		return "could not come in: the world is full. Try again when somebody leaves; `/status` shows who is in."
	case world.RefusedOther:
	}
	return "could not come in. Try once more; if it stays so, restart the game."
}

// versionRefusal says which side is the older one, if that can be told.
func versionRefusal(c *world.Config, d *world.Refused) string {
	both := ""
	if d.Theirs != "" && d.Mine != "" {
		both = fmt.Sprintf(" (theirs %s, the server's %s)", world.PlainName(d.Theirs), world.PlainName(d.Mine))
	}
	theirs, mine := readVersion(d.Theirs), readVersion(d.Mine)
	switch older, ok := theirs.compare(mine); {
	case ok && older < 0:
		return "has an older version of Valheim than the server" + both + ". Update the game in Steam or your store, then try again."
	case ok && older > 0:
		return "has a newer version of Valheim than the server" + both + fmt.Sprintf(". `/stop` and `/start` bring %s up to date.", bold(c.Name))
	case ok:
		return "has the same version of Valheim as the server, and was refused for it all the same" + both + ". Mods are the usual reason: have the same ones as the server, or ask a keeper which it has."
	}
	return "has a different version of Valheim" + both + fmt.Sprintf(". Update the game in Steam or your store; if it is up to date, the server is older, and `/stop` and `/start` update %s.", bold(c.Name))
}

// version is what the game says of one side.
type version struct {
	network int   // decides who may join; 0 if it does not tell
	parts   []int // as in 0.221.12; empty if it does not tell
}

// readVersion reads "36", "0.221.12", "l-0.221.12 (network version 36)" or a
// modded game's "0.221.12@0.9".
func readVersion(s string) version {
	var v version
	if head, tail, ok := strings.Cut(s, "network version "); ok {
		number, _, _ := strings.Cut(tail, ")")
		v.network, _ = strconv.Atoi(strings.TrimSpace(number)) // 0 if it is none
		s = head
	}
	s = strings.TrimLeft(strings.TrimSpace(s), "lv-") // a Linux build's has an l- before it
	if i := strings.IndexFunc(s, func(c rune) bool { return c != '.' && (c < '0' || c > '9') }); i >= 0 {
		s = s[:i]
	}
	for part := range strings.SplitSeq(strings.Trim(s, "."), ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return version{network: v.network}
		}
		v.parts = append(v.parts, n)
	}
	if len(v.parts) == 1 && v.network == 0 {
		v.network, v.parts = v.parts[0], nil
	}
	return v
}

// compare is below zero if v is older than w; false if it can't be told.
func (v version) compare(w version) (int, bool) {
	switch {
	case v.network > 0 && w.network > 0 && v.network != w.network:
		return v.network - w.network, true
	case len(v.parts) > 0 && len(w.parts) > 0:
		return slices.Compare(v.parts, w.parts), true
	}
	return 0, v.network > 0 && v.network == w.network
}
