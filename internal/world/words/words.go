// Package words has every word that Hearth says to people: short and warm, the
// state first, then the next step. What others chose (names, versions, the
// cloud's own words) goes through world.Plain or into code font.
//
// Card is the message that tells a session from start to end; button.go has
// what can be pressed. answer.go is for one person who asked for something,
// line.go and trouble.go are for the channel, keeper.go is for the keeper.
package words

import (
	"fmt"
	"strings"
	"time"

	"hearth/internal/world"
)

// bold sets a world's name.
func bold(name string) string { return "**" + world.Plain(name, world.MaxWorldName) + "**" }

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
	if n < 1_000_000_000 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// ellipsis shortens s to n characters and shows that it did.
func ellipsis(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
