package valheim_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestCutName: behind a line of the game that lacks its end nothing is believed
// until the end comes, with or without a time before it.
func TestCutName(t *testing.T) {
	const (
		at     = "11/22/2026 18:00:00: "
		from   = at + "Got character ZDOID from "
		raid   = at + "Random event set:wolves"
		shout  = at + "Console: <color=orange>X</color>: <color=#FFEB04FF>"
		docker = "2026-11-22T17:00:0"
		log    = "Nov 22 17:00:0"
	)
	x := func(n int) string { return strings.Repeat(at+"x\n", n) }
	unheld := strings.TrimSuffix(x(59), "\n")
	tests := []struct{ name, log, want string }{
		{"a forged spawn and a raid", from + "X\n" + from + "@everyone : 5:1\n" + raid + "\n : 123:4", `spawned "X\nGot character ZDOID from @everyone : 5:1\nRandom event set:wolv"=123`},
		{"a break at the beginning", from + "\n" + raid + "\nX : -7:4", `spawned "Random event set:wolves\nX"=-7`},
		{"nothing but breaks", from + "\n\n : 123:4", `spawned ""=123`},
		{"BepInEx' mark", "[Info   : Unity Log] " + from + "X\n[Info   : Unity Log] " + raid + "\nY : 123:4", `spawned "X\nRandom event set:wolves\nY"=123`},
		{"the end looks like a line", from + "X\n" + raid + "\n" + from + "Y : 123:4\n" + unheld, `spawned "Y"=123`},
		{"the end looks like a line, no more comes", from + "X\n" + raid + "\n" + from + "Y : 123:4", `spawned "Y"=123`},
		{"the end looks like a line, and others are whole", from + "X\n" + raid + "\n" + from + "Y : 123:4\n" + raid + "\n" + from + "Z : 124:4", `spawned "Y"=123 spawned "Z"=124`},
		{"a long end that looks like a line", from + "X\n" + raid + "\n" + from + "Y" + strings.Repeat(" ", 9000) + "Z : 123:4", `spawned "Y` + strings.Repeat(" ", 63) + `"=123`},
		{"a long line", from + "X\n" + raid + "\n" + strings.Repeat("x", 9000) + " : 123:4\n" + raid, `spawned "X\nRandom event set:wolves\n` + strings.Repeat("x", 38) + `"=123 raid ""=`},
		{"a whole beginning", from + "X : 5:1\n" + from + "Y : 123:4", `spawned "X"=5 spawned "Y"=123`}, // beyond telling
		{"cut, and life goes on", from + "X\n" + raid + "\n" + unheld, `raid ""=`},
		{"cut, and no more comes", from + "X\n" + raid, `raid ""=`},
		{"cut twice", from + "X\n" + raid + "\n" + from + "Y\n" + x(60) + from + "Z : 5:1", `raid ""= spawned "Z"=5`},
		{"cut, by docker's time", docker + "0.9Z " + from + "X\n" + docker + "2Z " + raid, `raid ""=`},
		{"many lines in one of docker's seconds", docker + "0Z " + from + "X\n" + strings.Repeat(docker+"1Z x\n", 80) + docker + "1Z " + raid + "\n" + docker + "1Z  : 123:4", `spawned "X` + strings.Repeat(`\nx`, 31) + `\n"=123`},
		{"docker's time is forged", from + "X\n" + docker + "5Z " + raid + "\n : 123:4", `spawned "X\nRandom event set:wolves"=123`},
		{"docker's time is forged behind docker's", docker + "0Z " + from + "X\n" + docker + "0Z " + docker + "5Z " + raid + "\n" + docker + "0Z  : 123:4", `spawned "X\nRandom event set:wolves"=123`},
		{"cut, by the journal's time", log + "0 hall valheim[7]: " + from + "X\n" + log + "2 hall valheim[7]: " + raid, `raid ""=`},
		{"who is banned", at + "Player X\n" + raid + "\nY : 76561198555000001 is blacklisted or not in whitelist.", `refused "X\nRandom event set:wolves\nY"=`},
		{"who is banned, a break at both ends", at + "Player \n" + raid + "\n : 76561198555000001 is blacklisted or not in whitelist.", `refused "Random event set:wolves"=`},
		{"who is kicked", at + "Kicking player not in permitted list X\n" + raid + "\n host: 76561198555000001", `refused "X\nRandom event set:wolves"=`},
		{"who was here", at + "Player history entry with index 0:  X\n" + raid + "\nY (Steam_76561198555000001, aa)\n" + raid, `raid ""=`},
		{"who shouts", shout + "HE\n" + raid + "\nHO</color>\n" + raid, `raid ""=`},
		{"who shouts by a cut name", at + "Console: <color=orange>X\n" + raid + "\nY</color>: <color=#FFEB04FF>HO</color>", ""},
		{"a shout without a colour", at + "Console: <color=orange>Bo</color>: HO\n" + raid, `raid ""=`},
		{"crossplay's words", at + `Player joined server "x" that has join code 123456, now 1 player(s)` + "\n" + raid, `join_code ""= raid ""=`},
		{"a mod's words", at + "Player of the month\n" + raid + "\n" + x(59) + at + "Player of the month\n" + raid, `raid ""= raid ""=`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, hs := read(strings.Split(tt.log, "\n")...)
			hs = append(hs, r.Settle()...)
			var got []string
			for _, h := range hs {
				got = append(got, fmt.Sprintf("%s %q=%s", h.Kind, h.Player.Name, h.Player.Owner))
			}
			text := strings.Join(got, " ")
			if text != tt.want {
				t.Errorf("got  %s\nwant %s", text, tt.want)
			}
		})
	}
}
