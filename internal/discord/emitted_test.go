package discord_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/internal/discord"
	"hearth/internal/world"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares JSON with testdata/emitted/<name>.json, form aside.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata/emitted", name+".json")
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	pretty.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, pretty.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(pretty.String(), string(readFile(t, file))); d != "" {
		t.Errorf("got -, want +:\n%s", d)
	}
}

func fullSay() world.Say {
	return world.Say{
		Text: "<@1100000000000000001> the fire burns.",
		Card: &world.Card{
			Title: "Midgard", Body: "Somebody is home.", Tone: world.ToneBurning, Footer: "$0.04 so far",
			Fields: []world.Field{{Name: "On", Value: "Astrid", Inline: true}, {Name: "Since", Value: " "}},
		},
		Buttons: []world.Button{
			{Label: "Start", Style: world.StyleSuccess, Action: "h1:start:midgard:"},
			{Label: "Stop", Style: world.StyleDanger, Action: "h1:stop:midgard:op-1"},
			{Label: "Status", Style: world.StyleSecondary, Action: "h1:status:midgard:"},
			{Label: "Join", Emoji: "🔥", Style: world.StylePrimary, Action: "h1:join:midgard:"},
			{Label: "Never mind", Style: "odd", Action: "h1:keep_going:midgard:op-1"},
			{Label: "When empty", Style: world.StyleSecondary, Action: "h1:stop_when_empty:midgard:op-1"},
		},
		Ping: []string{"1100000000000000001"},
	}
}

// wanted are the commands of these worlds in the form that they are compared in.
func wanted(t *testing.T, worlds []world.Config) []discord.GuildCommand {
	t.Helper()
	commands, err := discord.WantedCommands(worlds)
	if err != nil {
		t.Fatal(err)
	}
	return commands
}

func TestEmitted(t *testing.T) {
	twoWorlds := []world.Config{{ID: "midgard", Name: "Midgard"}, {ID: "asgard", Name: "Åsgård"}, {ID: "asgard-2", Name: "Åsgård"}}
	for name, body := range map[string][]byte{
		"response_pong":               discord.Pong(),
		"response_deferred":           discord.Deferred(false),
		"response_deferred_ephemeral": discord.Deferred(true),
		"response_deferred_update":    discord.DeferredUpdate(),
		"response_refusal":            discord.Refusal("Only in the \"hall\",\n@everyone <b>."),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, body) })
	}
	for _, tt := range []struct {
		name string
		do   func(*discord.Client) error
		path string
	}{
		{"commands_one_world", func(c *discord.Client) error { return c.Register(t.Context(), guildID, twoWorlds[:1]) }, "PUT /api/v10/applications/" + appID + "/guilds/" + guildID + "/commands"},
		{"commands_worlds", func(c *discord.Client) error { return c.Register(t.Context(), guildID, twoWorlds) }, "PUT /api/v10/applications/" + appID + "/guilds/" + guildID + "/commands"},
		{"command_create", func(c *discord.Client) error {
			return c.CreateCommand(t.Context(), guildID, wanted(t, twoWorlds)[4])
		}, "POST /api/v10/applications/" + appID + "/guilds/" + guildID + "/commands"},
		{"command_edit", func(c *discord.Client) error {
			return c.EditCommand(t.Context(), guildID, discord.GuildCommand{ID: "1400000000000000100", NSFW: true}, wanted(t, nil)[0])
		}, "PATCH /api/v10/applications/" + appID + "/guilds/" + guildID + "/commands/1400000000000000100"},
		{"message_post", func(c *discord.Client) error {
			_, err := c.Post(t.Context(), channelID, fullSay(), "op-1/3")
			return err
		}, "POST /api/v10/channels/" + channelID + "/messages"},
		{"message_post_text", func(c *discord.Client) error { _, err := c.Post(t.Context(), channelID, say("hello"), ""); return err }, "POST /api/v10/channels/" + channelID + "/messages"},
		{"message_edit", func(c *discord.Client) error {
			return c.Edit(t.Context(), world.MessageRef{Channel: channelID, ID: "1400000000000000100"}, fullSay())
		}, "PATCH /api/v10/channels/" + channelID + "/messages/1400000000000000100"},
		{"message_edit_text", func(c *discord.Client) error {
			return c.Edit(t.Context(), world.MessageRef{Channel: channelID, ID: "1400000000000000100"}, say("gone out"))
		}, "PATCH /api/v10/channels/" + channelID + "/messages/1400000000000000100"},
		{"answer_edit", func(c *discord.Client) error { _, err := c.Reply(t.Context(), reply(), fullSay()); return err }, "PATCH /api/v10/webhooks/" + appID + "/" + replyToken + "/messages/@original"},
		{"answer_edit_card", func(c *discord.Client) error {
			_, err := c.Reply(t.Context(), reply(), world.Say{Card: &world.Card{Title: "Out", Tone: world.ToneOut}})
			return err
		}, "PATCH /api/v10/webhooks/" + appID + "/" + replyToken + "/messages/@original"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{answers: []answer{fine()}}
			if err := tt.do(newClient(t, s)); err != nil {
				t.Fatal(err)
			}
			call := s.asked()[0]
			if got := call.method + " " + call.path; got != tt.path {
				t.Errorf("%s, want %s", got, tt.path)
			}
			if got := call.header.Get("User-Agent"); got != "DiscordBot (https://github.com/hearth-game/hearth, 1.2.3)" {
				t.Errorf("User-Agent %q", got)
			}
			auth := "Bot " + botToken
			if strings.HasPrefix(tt.name, "answer") {
				auth = "" // its path is its key
			}
			if got := call.header.Get("Authorization"); got != auth {
				t.Errorf("Authorization %q, want %q", got, auth)
			}
			golden(t, tt.name, []byte(call.body))
		})
	}
}

func TestAnswerTokenStaysOnePathSegment(t *testing.T) {
	s := &script{answers: []answer{fine()}}
	to := world.Reply{Application: appID, Token: "../../users/{x}?a=b#c"}
	if _, err := newClient(t, s).Reply(t.Context(), to, say("x")); err != nil {
		t.Fatal(err)
	}
	want := "/api/v10/webhooks/" + appID + "/..%2F..%2Fusers%2F%7Bx%7D%3Fa=b%23c/messages/@original"
	if got := s.asked()[0].escape; got != want {
		t.Errorf("path %s, want %s", got, want)
	}
}

// sent is what the tests read of a message.
type sent struct {
	Content *string `json:"content"`
	Embeds  *[]struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Color       int    `json:"color"`
		Footer      struct {
			Text string `json:"text"`
		} `json:"footer"`
		Fields []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"fields"`
	} `json:"embeds"`
	Components *[]struct {
		Components []struct {
			Label    string `json:"label"`
			CustomID string `json:"custom_id"`
		} `json:"components"`
	} `json:"components"`
	Mentions *struct {
		Parse []string `json:"parse"`
		Roles []string `json:"roles"`
		Users []string `json:"users"`
	} `json:"allowed_mentions"`
}

func edit(t interface {
	Context() context.Context
	Fatal(args ...any)
}, c *discord.Client, s *script, m world.Say) sent {
	if err := c.Edit(t.Context(), world.MessageRef{Channel: channelID, ID: "1400000000000000100"}, m); err != nil {
		t.Fatal(err)
	}
	calls := s.asked()
	var got sent
	if err := json.Unmarshal([]byte(calls[len(calls)-1].body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Content == nil || got.Embeds == nil || got.Components == nil || got.Mentions == nil {
		t.Fatal("an edit must name every part: " + calls[len(calls)-1].body)
	}
	return got
}

func length(s string) int { return len(utf16.Encode([]rune(s))) }

func TestLimits(t *testing.T) {
	s := &script{answers: []answer{fine()}}
	c := newClient(t, s)
	t.Run("content is cut", func(t *testing.T) {
		for _, tt := range []struct{ name, text, want string }{
			{"exact", strings.Repeat("a", 2000), strings.Repeat("a", 2000)},
			{"over", strings.Repeat("a", 2001), strings.Repeat("a", 1999) + "…"},
			{"pairs", strings.Repeat("🔥", 1001), strings.Repeat("🔥", 999) + "…"},
			{"escape", strings.Repeat("a", 1998) + `\*bc`, strings.Repeat("a", 1998) + "…"},
			{"escaped escape", strings.Repeat("a", 1997) + `\\bcd`, strings.Repeat("a", 1997) + `\\` + "…"},
			{"not UTF-8", "a\xffb", "a\ufffdb"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				if got := *edit(t, c, s, say(tt.text)).Content; got != tt.want {
					t.Errorf("%d characters ending in %q", length(got), got[max(0, len(got)-12):])
				}
			})
		}
	})
	t.Run("card", func(t *testing.T) {
		long := strings.Repeat("x", 5000)
		card := world.Card{Title: long, Body: long, Footer: "f", Tone: world.ToneTrouble}
		for range 30 {
			card.Fields = append(card.Fields, world.Field{Name: long, Value: long})
		}
		e := (*edit(t, c, s, world.Say{Card: &card}).Embeds)[0]
		total := length(e.Title) + length(e.Description) + length(e.Footer.Text)
		for _, f := range e.Fields {
			if f.Name == "" || f.Value == "" || length(f.Name) > 256 || length(f.Value) > 1024 {
				t.Errorf("field %q: %d characters", f.Name, length(f.Value))
			}
			total += length(f.Name) + length(f.Value)
		}
		if length(e.Title) != 256 || length(e.Description) != 4096 || e.Footer.Text != "f" || total != 6000 || e.Color != 0xed4245 {
			t.Errorf("title %d, body %d, total %d, colour %x", length(e.Title), length(e.Description), total, e.Color)
		}
		card.Body = "short"
		for i := range card.Fields {
			card.Fields[i] = world.Field{Name: "n"}
		}
		if e := (*edit(t, c, s, world.Say{Card: &card}).Embeds)[0]; len(e.Fields) != 25 {
			t.Errorf("%d fields", len(e.Fields))
		}
	})
	t.Run("tones differ", func(t *testing.T) {
		seen := map[int]bool{}
		for _, tone := range []world.Tone{world.ToneOut, world.ToneWorking, world.ToneBurning, world.ToneTrouble} {
			seen[(*edit(t, c, s, world.Say{Card: &world.Card{Title: "t", Tone: tone}}).Embeds)[0].Color] = true
		}
		if len(seen) != 4 || seen[0] {
			t.Errorf("colours %v", seen)
		}
	})
	t.Run("an empty card is none", func(t *testing.T) {
		if e := *edit(t, c, s, world.Say{Text: "x", Card: &world.Card{}}).Embeds; len(e) != 0 {
			t.Errorf("embeds %v", e)
		}
	})
	t.Run("buttons", func(t *testing.T) {
		var m world.Say
		m.Buttons = append(m.Buttons, world.Button{Action: "h1:start:a:"}, world.Button{Label: "no action"},
			world.Button{Label: "long action", Action: strings.Repeat("a", 101)})
		for i := range 40 {
			m.Buttons = append(m.Buttons, world.Button{Label: strings.Repeat("l", 90), Action: "h1:start:w" + string(rune('A'+i)) + ":"},
				world.Button{Label: "twice", Action: "h1:start:w" + string(rune('A'+i)) + ":"})
		}
		rows := *edit(t, c, s, m).Components
		if len(rows) != 5 {
			t.Fatalf("%d rows", len(rows))
		}
		seen := map[string]bool{}
		for _, r := range rows {
			if len(r.Components) != 5 {
				t.Errorf("%d in a row", len(r.Components))
			}
			for _, b := range r.Components {
				if length(b.Label) != 80 || seen[b.CustomID] {
					t.Errorf("button %q %q", b.Label, b.CustomID)
				}
				seen[b.CustomID] = true
			}
		}
	})
	t.Run("nothing to say", func(t *testing.T) {
		before := len(s.asked())
		for _, m := range []world.Say{{}, {Text: " \n"}, {Card: &world.Card{}}, {Ping: []string{"1"}}} {
			if _, err := c.Post(t.Context(), channelID, m, "n"); err == nil || !strings.Contains(err.Error(), "nothing to say") {
				t.Errorf("Post(%+v) = %v", m, err)
			}
		}
		if len(s.asked()) != before {
			t.Error("was sent all the same")
		}
	})
	t.Run("commands of 25 worlds at most", func(t *testing.T) {
		var ws []world.Config
		for range 26 {
			ws = append(ws, world.Config{ID: strings.Repeat("w", len(ws)+1), Name: strings.Repeat("n", 40)})
		}
		for _, command := range discord.Commands(ws) {
			b, err := json.Marshal(command)
			if err != nil || strings.Count(string(b), `"value"`) != 25 || len(b) > 8000 {
				t.Errorf("%v: %s", err, b)
			}
		}
		if err := c.Register(t.Context(), guildID, ws); err == nil {
			t.Error("26 worlds were registered")
		}
		if err := c.Register(t.Context(), guildID, nil); err == nil {
			t.Error("no world was registered")
		}
	})
}

func TestNobodyIsMentionedButWhoIsPinged(t *testing.T) {
	s := &script{answers: []answer{fine()}}
	c := newClient(t, s)
	rapid.Check(t, func(r *rapid.T) {
		hostile := rapid.OneOf(rapid.String(), rapid.StringMatching(`(@everyone|@here|<@[0-9]{1,20}>|<@&[0-9]{1,20}>|.){1,20}`),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
		ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[1-9][0-9]{16}`), 0, 3, rapid.ID).Draw(r, "ping")
		m := world.Say{Text: "x" + hostile.Draw(r, "text"), Ping: append(slices.Clone(ids), "everyone", "0", "-1", "<@5>")}
		if rapid.Bool().Draw(r, "card") {
			m.Card = &world.Card{Title: hostile.Draw(r, "title"), Body: hostile.Draw(r, "body"), Footer: hostile.Draw(r, "footer"),
				Fields: []world.Field{{Name: hostile.Draw(r, "name"), Value: hostile.Draw(r, "value")}}}
		}
		got := edit(r, c, s, m)
		if got.Mentions.Parse == nil || len(got.Mentions.Parse) != 0 || len(got.Mentions.Roles) != 0 {
			r.Fatalf("mentions %+v", got.Mentions)
		}
		if !slices.Equal(got.Mentions.Users, ids) && len(ids)+len(got.Mentions.Users) > 0 {
			r.Fatalf("users %q, want %q", got.Mentions.Users, ids)
		}
		if length(*got.Content) > 2000 {
			r.Fatalf("%d characters", length(*got.Content))
		}
	})
	rapid.Check(t, func(r *rapid.T) {
		var got struct {
			Type int `json:"type"`
			Data struct {
				Content  string              `json:"content"`
				Flags    int                 `json:"flags"`
				Mentions map[string][]string `json:"allowed_mentions"`
			} `json:"data"`
		}
		if err := json.Unmarshal(discord.Refusal(rapid.String().Draw(r, "text")), &got); err != nil {
			r.Fatal(err)
		}
		parse, ok := got.Data.Mentions["parse"]
		if got.Type != 4 || got.Data.Flags != 64 || !ok || len(parse) != 0 || len(got.Data.Mentions) != 1 || length(got.Data.Content) > 2000 {
			r.Fatalf("%+v", got)
		}
	})
}
