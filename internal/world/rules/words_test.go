package rules_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// evil is what somebody writes where they may: as a name, a version, a reason,
// an address. None of it may come through.
const evil = "@everyone **pwn** [a](http://x) ```\n# h\n <@666> \u202eob ||s|| \x1b"

var (
	// A block of code is text of ours around lines without a backtick.
	inBlock = regexp.MustCompile("(?m)^```\n(?:[^`\n]*\n)+```$")
	inCode  = regexp.MustCompile("`[^`\n]*`")
	mention = regexp.MustCompile(`<@[!&]?[0-9]+>`)
)

// unfit says what is wrong with a message, or "". Every message of every test
// on a stage goes through it.
func (g *stage) unfit(s world.Say) string {
	text := whole(s)
	bare := inCode.ReplaceAllString(inBlock.ReplaceAllString(text, ""), "")
	for _, raw := range []string{"@everyone", "@here", "**pwn", "](", "://", "\n# h", "<@666>", "||s", "```"} {
		if strings.Contains(bare, raw) {
			return "a player's text comes through: " + raw
		}
	}
	for _, c := range text {
		if c != '\n' && c != '\u200b' && c != '\ufe0f' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
			return "a control or direction character"
		}
	}
	for _, m := range mention.FindAllString(bare, -1) {
		if !slices.Contains(s.Ping, strings.Trim(m, "<@!&>")) {
			return "mentions " + m + " without a ping"
		}
	}
	for _, id := range s.Ping {
		if !slices.Contains(g.askers, id) || !strings.Contains(s.Text, "<@"+id+">") {
			return "pings " + id + ", who asked for nothing or is not named"
		}
	}
	if text == "" || utf8.RuneCountInString(s.Text) > 2000 || len(s.Buttons) > 5 {
		return "empty or too much"
	}
	for _, b := range s.Buttons {
		if a, err := world.ParseAction(b.Action); err != nil || a.World != g.c.ID || b.Label == "" {
			return "button " + b.Action
		}
	}
	if s.Card == nil {
		return ""
	}
	for _, f := range s.Card.Fields {
		if f.Name == "" || f.Value == "" || utf8.RuneCountInString(f.Value) > 1024 {
			return "field " + f.Name
		}
	}
	if len(s.Card.Fields) > 25 || s.Card.Tone == "" || s.Card.Title == "" {
		return "a card without its parts"
	}
	return ""
}

// TestHostileNames goes through all that can be said, with hostile text in
// every place that others fill in. send checks each message.
func TestHostileNames(t *testing.T) {
	names := append([]string{evil}, worldtest.HostileNames()...)
	for i, name := range names {
		if len(name) > 4096 {
			continue // TestPlain has those
		}
		eve := by("1666", name)
		bo := world.Player{Owner: "1", Name: name}
		g := newStage(t)
		g.places["a"].refuses, g.places["a"].code = world.ClassCapacity, name
		g.places["b"].address = name
		g.say(cmd{name: world.CmdStart, by: eve})
		g.say(cmd{name: world.CmdStart, by: eve})
		g.say(cmd{name: world.CmdStatus, by: eve, at: g.now.Add(-time.Hour)})
		g.untilStatus(2*time.Minute, world.Booting)
		g.epoch++
		g.hear(&world.HostUp{Machine: world.Machine{Name: name, Size: name, Zone: name, Address: name}})
		g.hear(&world.StepBegun{Step: world.Step(name)})
		g.hear(&world.Listening{Version: name, New: true, Mended: name, Steps: []world.StepTook{{Step: world.Step(name), Took: time.Hour}}})
		g.say(cmd{name: world.CmdLog, by: eve, keeper: true, id: "log"})
		g.hear(&world.LogTail{Operation: "log", Lines: []string{name, name}})
		g.hear(&world.JoinCode{Code: name})
		g.hear(&world.Connected{})
		g.hear(&world.Spawned{Player: bo})
		g.hear(&world.Died{Player: bo})
		g.hear(&world.Raid{Event: name})
		for _, reason := range []world.RefusalReason{world.RefusedPassword, world.RefusedVersion, world.RefusedBanned, world.RefusedFull, world.RefusalReason(name)} {
			g.hear(&world.Refused{Reason: reason, Name: name, Theirs: name, Mine: name})
		}
		g.hear(&world.Heartbeat{Listening: true, Players: []world.Player{bo, {Owner: name, Name: name}}, JoinCode: name + "2", Machine: world.Machine{Name: name, Address: name}})
		g.say(cmd{name: world.CmdStatus, by: eve})
		g.say(cmd{name: world.CmdJoin, by: eve})
		g.say(cmd{name: world.CmdStop, by: eve, keeper: true})
		g.say(cmd{name: world.CmdStopWhenEmpty, by: eve, operation: g.s.Session.ID})
		g.say(cmd{name: world.CmdKeepGoing, by: eve, operation: name})
		g.say(cmd{name: world.CommandName(name), by: eve})
		g.hear(&world.Disconnected{Player: bo, Reason: name})
		g.bot(&world.Sweep{Placement: "a", Instances: []world.Instance{{ID: "vm-by-hand"}}})
		g.hear(&world.Crashed{Detail: name, Restarting: true})
		g.hear(&world.Listening{})
		g.hear(&world.Noticed{Kind: name})
		g.hear(&world.Noticed{Kind: "Reboot"})
		g.say(cmd{name: world.CmdStopNow, by: eve, keeper: true, operation: g.s.Session.ID})
		g.say(cmd{name: world.CmdStart, by: eve})
		g.say(cmd{name: world.CmdStop, by: eve})
		g.hear(&world.OrderRefused{Operation: name, Reason: world.RefusedOrder(name)})
		g.pass(2 * time.Minute)
		g.say(cmd{name: world.CmdStart, by: eve})
		g.bot(&world.CloudReport{Round: g.s.Cloud.Round, Placement: g.s.Cloud.Placement, Phase: world.CloudFailed, Class: world.ClassConfig, Code: name, Detail: name})
		g.hear(&world.SaveProven{Why: world.StopWhy(name), Operation: name})
		g.pass(10 * time.Minute)
		g.toLoading()
		g.hear(&world.NotKept{Reason: world.SnapshotReason(name), Code: name})
		g.hear(&world.CannotStart{Reason: world.FilesReason(name), Detail: name})
		g.pass(time.Minute)
		if g.told(world.ChatCard, "Played") == 0 && i == 0 {
			t.Error("the recap was not drawn")
		}

		for _, class := range []world.CloudClass{world.ClassQuota, world.ClassConfig} {
			g := newStage(t)
			g.say(cmd{name: world.CmdStart, by: eve})
			g.places["a"].until = time.Time{}
			g.bot(&world.CloudReport{Round: g.s.Cloud.Round, Placement: "a", Phase: world.CloudFailed, Class: class, Code: name, Detail: name})
			g.status(world.Stopping)
			g.bot(&world.CloudReport{Round: g.s.Cloud.Round, Placement: "a", Phase: world.CloudFailed, Class: class, Code: name, Detail: name})
			if n := g.told(world.ChatKeeper, ""); n != 2 {
				t.Errorf("the keeper was told %d things, want the failure and that nothing can be deleted", n)
			}
		}
	}
}

// TestWorldName: the name is the keeper's own, and may have stars in
// it, and forty characters.
func TestWorldName(t *testing.T) {
	g := newStage(t)
	g.c.Name = "The *Tenth* World, of Forty Characters!!"
	g.toLoading()
	g.hear(&world.Listening{})
	g.tells(world.ChatLine, `**The \*Tenth\* World, of Forty Characters\!\!** is burning`)
}

// TestCloudsOwnWords: a quota message is of use only whole.
func TestCloudsOwnWords(t *testing.T) {
	g := newStage(t)
	g.start()
	g.bot(&world.CloudReport{
		Round: g.s.Cloud.Round, Placement: "a", Phase: world.CloudFailed, Class: world.ClassQuota, Code: "OperationNotAllowed",
		Detail: "Operation could not be completed as it results in exceeding approved LowPriorityCores quota.\nCurrent Limit: 3, Required: 4",
	})
	g.tells(world.ChatKeeper, `(OperationNotAllowed: Operation could not be completed as it results in exceeding approved LowPriorityCores quota\. Current Limit\: 3, Required\: 4)`)
}

func TestJoin(t *testing.T) {
	join := func(g *stage) string { return g.say(cmd{name: world.CmdJoin, private: true}) }
	g := newStage(t)
	g.c.Password = "hunter2"
	has(t, join(g), "is not burning now. Say `/start` to light it")
	g.toLoading()
	has(t, join(g), "It is being lit: 3/3 Bringing the game up")
	g.hear(&world.Listening{})
	has(t, join(g), "Address: `203.0.113.7:2456`\nPassword: ||`hunter2`||")
	g.hear(&world.JoinCode{Code: "034505"})
	has(t, join(g), "Join code: `034505`")
	g.notice()
	has(t, join(g), "It is moving to another machine; the new address comes soon")
	g.stop()
	has(t, join(g), "It is going out. Say `/start` and it is lit again after the save")
	for _, c := range g.chats {
		if c.Kind != world.ChatAnswer && strings.Contains(whole(c.Say), "hunter2") {
			t.Errorf("the password was said in the channel: %q", whole(c.Say))
		}
	}
}

func TestStatus(t *testing.T) {
	g := newStage(t)
	has(t, g.say(cmd{name: world.CmdStatus}), "The fire has not been lit yet. `/start` lights it.\nAbout $0.031 an hour\n[Light it]")
	g.toOnline()
	g.pass(30 * time.Minute / 4)
	has(t, g.say(cmd{name: world.CmdStatus}), "Midgard is burning\nThe fire burns. Come in!\nAbout $0.031 an hour\nAddress: `203.0.113.7:2456`\nPlayers: nobody yet\nLast save: <t:1795370430:R>\nThis session: about $0.01\nThis month: about $0.01")
}
