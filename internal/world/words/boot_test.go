package words_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

// TestBootWordsAreShort: what a console says waits in the row while Discord is
// away, as the lines of a log do.
func TestBootWordsAreShort(t *testing.T) {
	c := &world.Config{ID: strings.Repeat("w", 24), Name: strings.Repeat("W", 40)}
	for _, long := range []string{strings.Repeat("\U0001f600", 1000), strings.Repeat("`", 1000), strings.Repeat("@", 1000)} {
		text := []byte("hearth-boot: FAILED at " + long + ": 403 " + long + "\n")
		agent := []byte("{\"level\":\"ERROR\",\"msg\":\"" + long + "\"}\n")
		for _, step := range append(world.BootSteps(), "") {
			failed := world.ReadBootLog(append(agent, text...))
			if step != "" {
				failed.Step = step
			}
			speaks := world.ReadBootLog(agent)
			hangs := world.BootLog{Step: failed.Step}
			for _, say := range []world.Say{
				words.BootFailedForKeeper(c, strings.Repeat("p", 64), &failed, false), words.Unheard(c, &speaks), words.Unheard(c, &hangs),
				words.BootFailed(c, step), {Text: words.WhyBoot(failed.Step)},
			} {
				if n := len(say.Text); n > 1700 || utf8.RuneCountInString(say.Text) > 1200 || strings.Contains(say.Text, "\n") {
					t.Errorf("%d bytes: %s", n, say.Text)
				}
			}
			if n := len(words.WhyBoot(failed.Step)); n > 220 {
				t.Errorf("%d bytes of a reason", n)
			}
		}
	}
}
