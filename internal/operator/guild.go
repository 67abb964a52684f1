package operator

import (
	"context"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"

	"hearth/internal/discord"
	"hearth/internal/settings"
)

// checkDiscord looks at the bot as Discord has it.
func (e *examination) checkDiscord(ctx context.Context, f *findings) {
	rest := []string{"application", "public key", "endpoint's address", "server", "channel", "keepers' channel", "keepers' role", "commands"}
	allUnknown := func(because string) {
		for _, about := range rest {
			f.unknown(about, "%s", because)
		}
	}
	if e.chat == nil {
		f.unknown("bot token", "%s", e.noChat)
		allUnknown(e.noChat)
		return
	}
	me, err := e.chat.Me(ctx)
	if err != nil {
		f.wrong("bot token", "%s", e.refusal(err))
		allUnknown("of the bot token")
		return
	}
	f.ok("bot token", "Discord knows it as %s", shown(me.Name))
	e.checkApplication(f)
	e.checkGuild(ctx, f, me)
	e.checkCommands(ctx, f)
}

// checkApplication compares the settings with the application's page.
func (e *examination) checkApplication(f *findings) {
	app, err := e.app()
	if err != nil {
		f.wrong("application", "%s", e.refusal(err))
		f.unknown("public key", "of the application")
		f.unknown("endpoint's address", "of the application")
		return
	}
	if app.ID == e.c.Discord.Application {
		f.ok("application", "%s is the token's", app.ID)
	} else {
		f.wrong("application", "%s is %s, and the token is that of %s (%s): take both from the pages of the same application", settings.Application, e.c.Discord.Application, app.ID, shown(app.Name))
	}
	switch key, err := hex.DecodeString(app.VerifyKey); {
	case e.c.Verifier == nil:
		f.unknown("public key", "the setting has not its form")
	case err != nil || !e.c.Verifier.Has(key):
		f.wrong("public key", "%s is not the application's: copy Public Key from its General Information page, or the app refuses everything that Discord sends it", settings.PublicKey)
	default:
		f.ok("public key", "it is the application's")
	}
	e.checkAddress(f, app)
}

func (e *examination) checkAddress(f *findings, app discord.Application) {
	const about = "endpoint's address"
	const where = "on the application's General Information page set Interactions Endpoint URL to https://APP.azurewebsites.net/api/interactions, with your app's name"
	u, err := url.Parse(app.InteractionsURL)
	switch {
	case app.InteractionsURL == "":
		f.wrong(about, "Discord has none (it takes one away that answered wrongly), so no command reaches the app: %s", where)
	case err != nil || u.Host == "":
		f.wrong(about, "Discord has %s, which is no address: %s", shown(app.InteractionsURL), where)
	case u.Scheme != "https" && !isLoopback(u):
		f.wrong(about, "Discord has %s, which is not https: %s", shownURL(app.InteractionsURL), where)
	default:
		f.ok(about, "%s", shownURL(app.InteractionsURL))
	}
}

// isLoopback: it is this machine's, as that of `hearth up`.
func isLoopback(u *url.URL) bool {
	return u.Hostname() == "127.0.0.1" || u.Hostname() == "localhost"
}

// shownURL is an address without what may be a key of it.
func shownURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "it"
	}
	u.RawQuery, u.User = "", nil
	return u.String()
}

// checkGuild looks at the server, its channels and its keepers.
func (e *examination) checkGuild(ctx context.Context, f *findings, me discord.User) {
	unknown := func(because string) {
		for _, about := range []string{"channel", "keepers' channel", "keepers' role"} {
			f.unknown(about, "%s", because)
		}
	}
	if e.c.Guild.ID == "" || !discord.IsSnowflake(e.c.Guild.ID) {
		f.unknown("server", "%s is wrong", settings.Guild)
		unknown("of the server")
		return
	}
	g, err := e.chat.GuildInfo(ctx, e.c.Guild.ID)
	if err != nil {
		f.wrong("server", "%s", e.refusal(err))
		unknown("of the server")
		return
	}
	m, err := e.chat.Member(ctx, g.ID, me.ID)
	if err != nil {
		f.wrong("server", "the bot is not one of its members (%s): open %s", e.refusal(err), Invite(e.c.Discord.Application, g.ID))
		unknown("of the server")
		return
	}
	f.ok("server", "%s, and the bot is in it", shown(g.Name))
	e.checkChannel(ctx, f, "channel", settings.Channel, e.c.Guild.Channel, g, m)
	if e.c.Guild.KeeperChannel == "" {
		f.ok("keepers' channel", "none is set: keepers are told in the channel")
	} else {
		e.checkChannel(ctx, f, "keepers' channel", settings.KeeperChannel, e.c.Guild.KeeperChannel, g, m)
	}
	checkRole(f, g, e.c.Guild.KeeperRole)
}

func checkRole(f *findings, g discord.GuildInfo, id string) {
	const about = "keepers' role"
	if id == "" {
		f.ok(about, "none is set: keepers are those who may manage the server")
		return
	}
	for _, r := range g.Roles {
		switch {
		case r.ID != id:
		case id == g.ID:
			f.wrong(about, "%s is the server's own id, so everybody is a keeper: copy the id of the keepers' role, or remove the setting", settings.KeeperRole)
			return
		default:
			f.ok(about, "%s", shown(r.Name))
			return
		}
	}
	f.wrong(about, "the server has no role %s: copy the id of the keepers' role (Server Settings, Roles) into %s, or remove it", shown(id), settings.KeeperRole)
}

func (e *examination) checkChannel(ctx context.Context, f *findings, about, setting, id string, g discord.GuildInfo, m discord.Member) {
	if !discord.IsSnowflake(id) {
		f.unknown(about, "%s is wrong", setting)
		return
	}
	ch, err := e.chat.ChannelInfo(ctx, id)
	refused, isRefused := errors.AsType[*discord.Error](err)
	switch {
	case isRefused && refused.Code == discord.CodeUnknownChannel:
		f.wrong(about, "there is no channel %s: copy the channel's id into %s", id, setting)
	case isRefused && refused.Code == discord.CodeMissingAccess:
		f.wrong(about, "the bot does not see channel %s: in the channel's settings, under Permissions, let its role %s", id, list(permissionNames(needed)))
	case err != nil:
		f.wrong(about, "%s", e.refusal(err))
	case ch.GuildID != g.ID:
		f.wrong(about, "channel %s is not in the server %s: copy the id of one that is into %s", id, shown(g.Name), setting)
	case ch.Type != discord.TextChannel:
		f.wrong(about, "#%s is no text channel: copy the id of one into %s", shown(ch.Name), setting)
	default:
		if lacks := Lacks(g, m, ch); lacks != "" {
			f.wrong(about, "in #%s the bot lacks %s: in the channel's settings, under Permissions, allow its role that", shown(ch.Name), lacks)
			return
		}
		f.ok(about, "#%s, and the bot may do there what it must", shown(ch.Name))
	}
}

// Lacks names the permissions that the bot needs in the channel and has not; empty: it
// has all of them.
func Lacks(g discord.GuildInfo, m discord.Member, ch discord.ChannelInfo) string {
	return list(permissionNames(needed &^ discord.Permissions(g, m, ch)))
}

// permissionNames are what Discord calls the bits, of those that are needed.
func permissionNames(bits discord.Bits) []string {
	var names []string
	for _, p := range []struct {
		bit  discord.Bits
		name string
	}{
		{viewChannel, "View Channel"}, {sendMessages, "Send Messages"}, {embedLinks, "Embed Links"}, {readHistory, "Read Message History"},
	} {
		if bits&p.bit != 0 {
			names = append(names, p.name)
		}
	}
	return names
}

// list is a list in words.
func list(items []string) string {
	if n := len(items); n > 1 {
		return strings.Join(items[:n-1], ", ") + " and " + items[n-1]
	}
	return strings.Join(items, "")
}

// checkCommands compares the server's commands with those that are wanted.
func (e *examination) checkCommands(ctx context.Context, f *findings) {
	const about = "commands"
	if e.noWorld || !discord.IsSnowflake(e.c.Guild.ID) {
		f.unknown(about, "the settings for them are wrong")
		return
	}
	wanted, err := discord.WantedCommands(e.c.Worlds)
	if err != nil {
		f.unknown(about, "they can't be written")
		return
	}
	are, err := e.chat.ListCommands(ctx, e.c.Guild.ID)
	if err != nil {
		f.wrong(about, "%s", e.refusal(err))
		return
	}
	var todo, foreign []string
	for _, c := range Compare(are, wanted) {
		if c.Kind == Foreign {
			foreign = append(foreign, named(c.Is))
		} else {
			todo = append(todo, c.String())
		}
	}
	more := ""
	if len(foreign) > 0 {
		more = "; beside them " + list(foreign) + ", which nobody answers (hearth register --prune takes away what is not Hearth's)"
	}
	if len(todo) > 0 {
		f.wrong(about, "run hearth register, which does: %s%s", strings.Join(todo, ", "), more)
		return
	}
	f.ok(about, "%d, as they should be%s", len(wanted), more)
}
