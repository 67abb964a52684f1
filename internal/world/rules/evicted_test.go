package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
)

// How the cloud takes a machine.
type taking string

const (
	saved   taking = "notice, saved"   // notice, proof of the save, gone
	unsaved taking = "notice, unsaved" // notice, and gone before the proof
	denied  taking = "notice, denied"  // notice, and proof that it was not saved
	sudden  taking = "no notice"
)

func takings() []taking { return []taking{saved, unsaved, denied, sudden} }

// take lets the cloud take the machine, three minutes after its last save.
func (g *stage) take(how taking) {
	g.t.Helper()
	if how != sudden {
		g.notice()
		g.pass(2 * time.Second)
	}
	switch how {
	case saved:
		g.proves(world.StopNotice)
	case denied:
		g.beating = false
		g.hear(&world.SaveProven{Why: world.StopNotice, Took: 20 * time.Second})
	case unsaved, sudden:
	}
	g.pass(5 * time.Second)
	g.vanish()
}

// lines are what the channel was told, each up to its first colon or full stop
// after so many characters.
func (g *stage) lines() []string {
	var all []string
	for _, c := range g.chats {
		if c.Kind == world.ChatLine {
			all = append(all, c.Say.Text)
		}
	}
	return all
}

// TestEvictedWhenever: the cloud takes the machine in every status, with and
// without notice and proof. What is told in the channel, and what is asked of the
// cloud, is all there is.
func TestEvictedWhenever(t *testing.T) {
	const (
		takes    = "🌬️ The cloud takes the machine"
		isSaved  = "💾 **Midgard** is saved, in 1.3 s"
		notSaved = "⚠️ The game of **Midgard** ended without a save that I can vouch for. The last save is 3 min old; what was done since is lost."
		noOne    = "⚠️ The game of **Midgard** ended without a save that I can vouch for. Nobody could have been in yet, so nothing is lost."
		safe     = "🌬️ The old machine is gone, **Midgard** is safe. Lighting it elsewhere now."
		unproven = "🌬️ The machine of **Midgard** is gone before it could prove the save. The last save is 3 min old; what was done since is lost. Lighting it elsewhere now."
		vanished = "🌬️ The machine of **Midgard** is gone without notice. The last save is 4 min old; what was done since is lost. Lighting it elsewhere now."
		notYet   = "🌬️ The machine of **Midgard** is gone before it could prove the save. Nobody could have been in yet, so nothing is lost. Lighting it elsewhere now."
		gone     = "🌬️ The old machine of **Midgard** is gone. Lighting it elsewhere now."
		early    = "🌬️ The cloud took the machine of **Midgard** before it was up. Lighting it elsewhere now."
		justGone = "🌬️ The machine of **Midgard** is gone without notice. Nobody could have been in yet, so nothing is lost. Lighting it elsewhere now."
		again    = "🔥 **Midgard** is burning. Join at `203.0.113.7:2456`. It moved in"
		went     = "⚠️ The machine of **Midgard** went before it could prove the save. The last save is "
		out      = "🌙 **Midgard** is out. The machine is gone and nothing costs money."
	)
	elsewhere := []string{"a 0", "b 1"}
	type want struct {
		lines []string
		cloud []string
	}
	for _, tc := range []struct {
		name string
		to   func(*stage)
		end  world.Status
		want map[taking]want
	}{
		{"starting", func(g *stage) { // the create is done, and nobody has seen its machine
			g.places["a"].hollow = true
			g.start()
			g.pass(31 * time.Second)
			g.places["a"].hollow = false
			g.hush()
		}, world.Online, map[taking]want{
			sudden: {[]string{"🔥 **Midgard** is burning. Join at `203.0.113.7:2456`. <@1001>"}, []string{"a 1"}},
		}},
		{"booting", func(g *stage) { g.toBooting(); g.hush() }, world.Online, map[taking]want{
			sudden: {[]string{early, again}, elsewhere},
		}},
		{"loading", func(g *stage) { g.toLoading(); g.hush() }, world.Online, map[taking]want{
			saved:   {[]string{takes, isSaved, safe, again}, elsewhere},
			unsaved: {[]string{takes, notYet, again}, elsewhere},
			denied:  {[]string{takes, noOne, gone, again}, elsewhere},
			sudden:  {[]string{justGone, again}, elsewhere},
		}},
		{"online", func(g *stage) { g.toOnline(); g.pass(3 * time.Minute); g.hush() }, world.Online, map[taking]want{
			saved:   {[]string{takes, isSaved, safe, again}, elsewhere},
			unsaved: {[]string{takes, unproven, again}, elsewhere},
			denied:  {[]string{takes, notSaved, gone, again}, elsewhere},
			sudden:  {[]string{vanished, again}, elsewhere},
		}},
		{"stopping, before the proof", func(g *stage) { g.toOnline(); g.pass(3 * time.Minute); g.stop(); g.hush() }, world.Stopped, map[taking]want{
			saved:   {[]string{isSaved, out}, []string{"a 0"}},
			unsaved: {[]string{went, out}, []string{"a 0"}},
			denied:  {[]string{notSaved, out}, []string{"a 0"}},
			sudden:  {[]string{went, out}, []string{"a 0"}},
		}},
		{"stopping, after the proof", func(g *stage) {
			g.toOnline()
			g.pass(3 * time.Minute)
			g.stop()
			g.proves(world.StopOrdered)
			g.hush()
		}, world.Stopped, map[taking]want{
			sudden: {[]string{out}, nil}, // it was being deleted already
		}},
		{"relocating", func(g *stage) { // the second machine is taken before it could be seen or heard
			g.toOnline()
			g.take(saved)
			g.untilStatus(5*time.Minute, world.Booting)
			g.pass(3 * time.Minute)
			g.hush()
		}, world.Online, map[taking]want{
			sudden: {[]string{early, again}, []string{"b 0", "c 1"}},
		}},
		{"relocating, and its second machine up", func(g *stage) {
			g.toOnline()
			g.take(saved)
			g.comesUp("b")
			g.hear(&world.Saved{})
			g.pass(3 * time.Minute)
			g.hush()
		}, world.Online, map[taking]want{
			saved:   {[]string{takes, isSaved, safe, again}, []string{"b 0", "c 1"}},
			unsaved: {[]string{takes, unproven, again}, []string{"b 0", "c 1"}},
			denied:  {[]string{takes, notSaved, gone, again}, []string{"b 0", "c 1"}},
			sudden:  {[]string{vanished, again}, []string{"b 0", "c 1"}},
		}},
	} {
		for _, how := range takings() {
			want, ok := tc.want[how]
			if !ok { // nobody is there who could hear a notice
				continue
			}
			t.Run(tc.name+"/"+string(how), func(t *testing.T) {
				g := newStage(t, "a", "b", "c")
				tc.to(g)
				g.take(how)
				if tc.end == world.Online {
					g.until(5*time.Minute, "a machine", func() bool { return g.s.Status == world.Booting && g.machines() == 1 })
					g.boot()
					g.hear(&world.Listening{})
				}
				g.untilStatus(5*time.Minute, tc.end)
				lines := g.lines()
				ok := len(lines) == len(want.lines)
				for i := range min(len(lines), len(want.lines)) {
					ok = ok && strings.HasPrefix(lines[i], want.lines[i])
				}
				if !ok {
					t.Errorf("told\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want.lines, "\n"))
				}
				var cloud []string
				for _, do := range g.asked {
					cloud = append(cloud, fmt.Sprintf("%s %d", do.Placement, do.Capacity))
				}
				if !slices.Equal(cloud, want.cloud) {
					t.Errorf("asked the cloud for %q, want %q", cloud, want.cloud)
				}
				if tc.end == world.Stopped {
					g.pass(time.Hour)
					g.noMachine()
				}
			})
		}
	}
}
