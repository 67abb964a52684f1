package guild_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simdiscord/form"
	"hearth/internal/sim/simdiscord/guild"
)

const (
	application = "1100000000000000001"
	channel     = "1100000000000000200"
	keeperRole  = "1100000000000000300"
	ana         = "1100000000000000401"
	bo          = "1100000000000000402"
	cleo        = "1100000000000000403"
)

func newGuild() *guild.Guild {
	return guild.New(guild.Options{
		Clock: clock.System{}, ApplicationID: application, GuildID: "1100000000000000100",
		ChannelID: channel, KeeperChannelID: "1100000000000000201", KeeperRoleID: keeperRole,
		GuildName: "The Hearth", ChannelName: "valheim", KeeperChannelName: "keepers", BotName: "Hearth",
		People: []guild.Person{
			{ID: ana, Name: "Ana", Role: guild.RoleKeeper}, {ID: bo, Name: "Bo", Role: guild.RoleMember}, {ID: cleo, Name: "Cleo", Role: guild.RoleMember},
		},
	})
}

// said is a message of the bot's that was added.
func said(g *guild.Guild, content string) *guild.Stored {
	m := g.Blank(channel)
	m.Put(form.Draft{Content: &content})
	g.Add(m)
	return m
}

func TestNotify(t *testing.T) {
	g := newGuild()
	everyone := []string{ana, bo, cleo}
	for _, tt := range []struct {
		name, content, allowed string
		want                   []string
	}{
		{"nobody named", "hello", "", nil},
		{"default: a user", "<@" + bo + "> <@!" + cleo + ">", "", []string{bo, cleo}},
		{"default: everyone", "@everyone", "", everyone},
		{"default: here", "@here", "", everyone},
		{"default: a role", "<@&" + keeperRole + ">", "", []string{ana}},
		{"none allowed", "@everyone <@" + bo + ">", `{"parse":[]}`, nil},
		{"as disgo writes none", "@everyone <@" + bo + ">", `{"parse":[],"roles":[],"users":[],"replied_user":false}`, nil},
		{"one allowed", "<@" + bo + "> <@" + cleo + "> @everyone", `{"users":["` + bo + `"]}`, []string{bo}},
		{"allowed but not named", "hello", `{"users":["` + bo + `"]}`, nil},
		{"users allowed", "<@" + bo + "> @everyone", `{"parse":["users"]}`, []string{bo}},
		{"role by id", "<@&" + keeperRole + ">", `{"roles":["` + keeperRole + `"]}`, []string{ana}},
		{"in code", "`<@" + bo + ">` ```@everyone```", "", nil},
		{"after a backslash", `\\<@` + bo + ">", "", []string{bo}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"content":"` + tt.content + `"}`
			if tt.allowed != "" {
				body = `{"content":"` + tt.content + `","allowed_mentions":` + tt.allowed + `}`
			}
			in, err := form.ReadDraft([]byte(body), form.Post)
			if err != nil {
				t.Fatal(err)
			}
			m := g.Blank(channel)
			m.Put(in)
			g.Notify(m, in.Allowed, guild.Anybody(), true)
			if !slices.Equal(m.Mentions, tt.want) {
				t.Errorf("notified %v, want %v", m.Mentions, tt.want)
			}
		})
	}
}

func TestNotifyKnowsItsLimits(t *testing.T) {
	g := newGuild()
	all := "@everyone <@" + ana + "> <@" + bo + ">"
	for _, tt := range []struct {
		name   string
		change func(*guild.Stored)
		or     form.Mentions
		mayAll bool
		want   []string
	}{
		{"an answer's assumption", func(*guild.Stored) {}, guild.UsersOnly(), true, []string{ana, bo}},
		{"an author who may not call everyone", func(*guild.Stored) {}, guild.Anybody(), false, []string{ana, bo}},
		{"who does not see it", func(m *guild.Stored) { m.EphemeralTo = new(bo) }, guild.Anybody(), true, []string{bo}},
		{"the author", func(m *guild.Stored) { m.Author.ID = ana }, guild.Anybody(), true, []string{bo, cleo}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := g.Blank(channel)
			m.Put(form.Draft{Content: &all})
			tt.change(m)
			g.Notify(m, nil, tt.or, tt.mayAll)
			if !slices.Equal(m.Mentions, tt.want) {
				t.Errorf("notified %v, want %v", m.Mentions, tt.want)
			}
		})
	}
}

func TestPut(t *testing.T) {
	g := newGuild()
	m := said(g, "first")
	flags := form.SuppressEmbeds | form.Ephemeral
	embeds := []form.Embed{{Type: "rich", Title: "t"}}
	if !m.Put(form.Draft{Embeds: &embeds, Flags: &flags}) || m.Content != "first" || len(m.Embeds) != 1 {
		t.Errorf("what is not named stays: %+v", m.Message)
	}
	if m.Flags != form.SuppressEmbeds {
		t.Errorf("flags %d, want %d: who sees it is no edit's business", m.Flags, form.SuppressEmbeds)
	}
	before := m.Message
	none, blank := []form.Embed{}, " "
	if m.Put(form.Draft{Content: &blank, Embeds: &none}) || m.Content != before.Content || len(m.Embeds) != 1 {
		t.Errorf("an empty message: %+v, want it as it was", m.Message)
	}
}

func TestMessagesAreBounded(t *testing.T) {
	g := newGuild()
	first := said(g, "0")
	for i := range guild.MaxMessages {
		said(g, strconv.Itoa(i+1))
	}
	ms := g.Messages()
	if len(ms) != guild.MaxMessages || ms[0].Content != "1" || g.Find(first.ID) != nil {
		t.Errorf("%d messages from %q on, want %d from \"1\" on", len(ms), ms[0].Content, guild.MaxMessages)
	}
}

func TestIDsRise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in 2000, before there were snowflakes
		g := newGuild()
		last := uint64(0)
		for range 3 {
			id, err := strconv.ParseUint(g.NewID(), 10, 64)
			if err != nil || id <= last {
				t.Errorf("%d after %d (%v)", id, last, err)
			}
			last = id
		}
	})
	g := newGuild()
	id, err := strconv.ParseUint(g.NewID(), 10, 64)
	if made := time.UnixMilli(int64(id>>22) + 1420070400000); err != nil || time.Since(made).Abs() > time.Minute {
		t.Errorf("the id %d says it was made %v (%v)", id, made, err)
	}
	if next := g.NewID(); next <= strconv.FormatUint(id, 10) {
		t.Errorf("%s after %d", next, id)
	}
}

func TestFeed(t *testing.T) {
	g := newGuild()
	m := said(g, "before")
	events, cancel := g.Subscribe()
	seq := g.Seq()
	second := "second"
	m.Put(form.Draft{Content: &second})
	g.Changed(m)
	g.Remove(m.ID)
	g.SetCommands(nil)
	g.Clear()
	select {
	case e := <-events:
		t.Fatalf("told of %s before Flush", e.Kind)
	default:
	}
	m.Content = "changed after it was told"
	g.Flush()
	cancel()
	cancel() // twice does no harm
	var told []string
	for e := range events {
		if seq++; e.Seq != seq {
			t.Errorf("event %d, want %d", e.Seq, seq)
		}
		b, err := json.Marshal([]any{e.Message, e.Deleted, e.Commands})
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, string(e.Kind))
		if e.Kind == guild.EventMessageUpdate && !strings.Contains(string(b), second) {
			t.Errorf("told %s", b)
		}
	}
	if got, want := fmt.Sprint(told), "[message_update message_delete commands reset]"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

func TestSlowSubscriberIsCutOff(t *testing.T) {
	g := newGuild()
	events, cancel := g.Subscribe()
	defer cancel()
	for range 300 {
		said(g, "x")
		g.Flush()
	}
	n := 0
	for range events {
		n++
	}
	if n != 256 {
		t.Errorf("%d events before the cut, want 256", n)
	}
}

func TestClosed(t *testing.T) {
	g := newGuild()
	before, _ := g.Subscribe()
	g.Close()
	after, cancel := g.Subscribe()
	for _, events := range []<-chan guild.Event{before, after} {
		select {
		case e, ok := <-events:
			if ok {
				t.Errorf("told of %s after the end", e.Kind)
			}
		default:
			t.Error("a subscription outlived the end")
		}
	}
	cancel() // does no harm
}

func TestContents(t *testing.T) {
	g := newGuild()
	g.SetCommands([]form.Command{{Name: "start"}})
	m := said(g, "stays")
	b, err := json.Marshal(g.Contents())
	if err != nil {
		t.Fatal(err)
	}
	var c guild.Contents
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	if err := c.Sound(); err != nil {
		t.Fatal(err)
	}
	again := newGuild()
	again.Restore(c)
	if got := again.Messages(); len(got) != 1 || got[0].ID != m.ID || len(again.Commands()) != 1 {
		t.Errorf("restored %+v, %+v", got, again.Commands())
	}
	if id := again.NewID(); id <= m.ID {
		t.Errorf("the next id is %s after %s", id, m.ID)
	}
	for _, bad := range []string{`{"messages":[null]}`, `{"messages":[{"id":"x","channel_id":"1"}]}`, `{"messages":[{"id":"1"}]}`} {
		var c guild.Contents
		if err := json.Unmarshal([]byte(bad), &c); err != nil {
			t.Fatal(err)
		}
		if err := c.Sound(); err == nil {
			t.Errorf("%s is sound", bad)
		}
	}
}
