package simdiscord_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"hearth/internal/sim/simdiscord"
)

// These tests let a public client library judge the wire forms: what it sends
// must be accepted, and what it is sent must be readable for it.

func client(w *world) rest.Rest {
	return rest.New(rest.NewClient(botToken,
		rest.WithURL("http://discord.invalid"+simdiscord.APIPrefix),
		rest.WithHTTPClient(&http.Client{Transport: w.Transport()}),
		rest.WithRateLimiter(rest.NewNoopRateLimiter()),
		rest.WithLogger(slog.New(slog.DiscardHandler)),
		rest.WithUserAgent("DiscordBot (https://example.org, 1.0)"),
	), rest.WithDefaultAllowedMentions(discord.AllowedMentions{}))
}

func TestClientLibraryReadsInteractions(t *testing.T) {
	w := newWorld(t)
	w.registerStart()
	id := w.must("POST", messages, `{"content":"x","embeds":[{"title":"t","color":255}],"components":[{"type":1,"components":[`+button(1)+`]}]}`)
	r := w.start("Ana")
	r.Options = []simdiscord.OptionValue{{Name: "world", Value: "midgard"}}
	w.interact(r)
	w.interact(simdiscord.Request{User: w.id("Bo"), Channel: channel, Kind: simdiscord.KindButton, Message: id, CustomID: "b1"})
	got := w.deliveries()

	i, err := discord.UnmarshalInteraction(got[0].body)
	if err != nil {
		t.Fatal(err)
	}
	cmd, ok := i.(discord.ApplicationCommandInteraction)
	if !ok {
		t.Fatalf("%T is no command", i)
	}
	data := cmd.SlashCommandInteractionData()
	if data.CommandName() != "start" || data.String("world") != "midgard" || !cmd.Member().Permissions.Has(discord.PermissionManageGuild) || cmd.User().EffectiveName() != "Ana" {
		t.Errorf("command %+v", cmd)
	}
	i, err = discord.UnmarshalInteraction(got[1].body)
	if err != nil {
		t.Fatal(err)
	}
	press, ok := i.(discord.ComponentInteraction)
	if !ok || press.Data.CustomID() != "b1" || press.Message.ID.String() != id || press.Message.Content != "x" {
		t.Errorf("button %+v", i)
	}
}

func TestClientLibraryReadsPing(t *testing.T) {
	w := newWorld(t)
	w.does(rightEndpoint(t, w))
	if err := w.ValidateEndpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	i, err := discord.UnmarshalInteraction(w.deliveries()[0].body)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := i.(discord.PingInteraction); !ok {
		t.Errorf("%T is no ping", i)
	}
}

func TestClientLibrarySpeaks(t *testing.T) {
	w := newWorld(t)
	c := client(w)
	app, guild := snowflake.MustParse(simdiscord.DefaultApplicationID), snowflake.MustParse(simdiscord.DefaultGuildID)
	in := snowflake.MustParse(channel)
	cmds, err := c.SetGuildCommands(app, guild, []discord.ApplicationCommandCreate{discord.SlashCommandCreate{
		Name: "start", Description: "Light the fire", Contexts: []discord.InteractionContextType{discord.InteractionContextTypeGuild},
		Options: []discord.ApplicationCommandOption{discord.ApplicationCommandOptionString{
			Name: "world", Description: "which", Choices: []discord.ApplicationCommandOptionChoiceString{{Name: "Midgard", Value: "midgard"}},
		}},
	}})
	if err != nil || len(cmds) != 1 {
		t.Fatal(cmds, err)
	}
	if cmds, err = c.GetGuildCommands(app, guild, false); err != nil || cmds[0].Name() != "start" {
		t.Error(cmds, err)
	}
	made, err := c.CreateMessage(in, discord.MessageCreate{
		Content: "@everyone", Nonce: "n", EnforceNonce: true, AllowedMentions: &discord.AllowedMentions{},
		Embeds: []discord.Embed{{Title: "t", Color: 255, Fields: []discord.EmbedField{{Name: "n", Value: "v"}}}},
		Components: []discord.LayoutComponent{discord.NewActionRow(
			discord.NewPrimaryButton("Start", "h1:start").WithEmoji(discord.NewComponentEmoji("🔥")),
		)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Messages()[0]; len(got.Mentions) != 0 || len(got.Buttons()) != 1 {
		t.Errorf("%+v", got)
	}
	text := "edited"
	edited, err := c.UpdateMessage(in, made.ID, discord.MessageUpdate{Content: &text, Components: &[]discord.LayoutComponent{}})
	if err != nil || edited.Content != text || edited.EditedTimestamp == nil {
		t.Error(edited, err)
	}
	w.interact(w.start("Ana"))
	if _, err := c.UpdateInteractionResponse(app, w.token(), discord.MessageUpdate{Content: &text}); err != nil {
		t.Error(err)
	}
	if _, err := c.CreateFollowupMessage(app, w.token(), discord.MessageCreate{Content: "psst", Flags: discord.MessageFlagEphemeral}); err != nil {
		t.Error(err)
	}
	_, err = c.UpdateMessage(in, snowflake.ID(5), discord.MessageUpdate{Content: &text})
	if !rest.IsJSONErrorCode(err, rest.JSONErrorCodeUnknownMessage) {
		t.Errorf("unknown message: %v", err)
	}
	if err := c.DeleteMessage(in, made.ID); err != nil {
		t.Error(err)
	}
	// The answer that disgo's types make must be one that is taken.
	body, err := json.Marshal(discord.InteractionResponse{
		Type: discord.InteractionResponseTypeDeferredCreateMessage, Data: discord.MessageCreate{Flags: discord.MessageFlagEphemeral},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.says(string(body))
	if out := w.interact(w.start("Bo")); out.State != simdiscord.StateDone {
		t.Errorf("answer %s: %+v, log %s", body, out, w.log)
	}
}
