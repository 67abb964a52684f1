package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"hearth/internal/discord"
	"hearth/internal/settings"
)

// Permissions of Discord's that the bot needs in its channels.
const (
	viewChannel  discord.Bits = 1 << 10
	sendMessages discord.Bits = 1 << 11
	embedLinks   discord.Bits = 1 << 14
	readHistory  discord.Bits = 1 << 16

	needed = viewChannel | sendMessages | embedLinks | readHistory
)

// Invite is the address that brings the application into the guild, with its
// commands and what it needs in the channels.
func Invite(application, guild string) string {
	return "https://discord.com/oauth2/authorize?" + url.Values{
		"client_id": {application}, "guild_id": {guild}, "disable_guild_select": {"true"},
		"scope": {"bot applications.commands"}, "permissions": {fmt.Sprint(needed)},
	}.Encode()
}

// InviteAnywhere is the same for a server that the keeper chooses there.
func InviteAnywhere(application string) string {
	return "https://discord.com/oauth2/authorize?" + url.Values{
		"client_id": {application}, "scope": {"bot applications.commands"}, "permissions": {fmt.Sprint(needed)},
	}.Encode()
}

// Refusal is why Discord did not do what was asked, in words, with what to do.
func Refusal(err error, application, guild string) string {
	refused, ok := errors.AsType[*discord.Error](err)
	if !ok {
		if errors.Is(err, context.Canceled) {
			return "it was broken off; run it again"
		}
		return "Discord can't be reached from here: check this machine's network (and " + settings.DiscordURL + ", if it is set), then try again"
	}
	switch refused.Code {
	case discord.CodeMissingAccess:
		return fmt.Sprintf("the application is not in the server %s, or was invited without its commands: open %s, choose Authorize, then try again (and check %s)",
			guild, Invite(application, guild), settings.Guild)
	case discord.CodeUnknownGuild:
		return fmt.Sprintf("there is no server %s that this bot is in: check %s, or bring the bot there by %s", guild, settings.Guild, Invite(application, guild))
	case discord.CodeOtherApp:
		return fmt.Sprintf("the token belongs to another application than %s: take %s and %s from the same application's pages in Discord's developer portal",
			application, settings.Application, settings.Token)
	case discord.CodeTooManyCommands:
		return "the server has as many commands of this application as Discord allows, 100: take some away (--prune takes all that are not Hearth's)"
	case discord.CodeDailyCreates:
		return "Discord makes 200 new commands a day in a server, and today's are used up: nothing is broken, try again in 24 hours"
	case discord.CodeUnknownCommand:
		return "somebody else changed the commands meanwhile: run it again"
	}
	switch {
	case refused.Status == http.StatusUnauthorized:
		return fmt.Sprintf("Discord does not know the bot's token: make a new one on the application's Bot page (Reset Token), set it as %s here and in the app's settings", settings.Token)
	case refused.Status == http.StatusTooManyRequests && refused.RetryAfter > 0:
		return fmt.Sprintf("Discord wants to be left alone for %s: try again then", refused.RetryAfter.Round(time.Second))
	case refused.Status == http.StatusTooManyRequests:
		return "Discord gets too many calls from here: try again in some minutes"
	case refused.Status >= 500:
		return fmt.Sprintf("Discord itself has trouble (%d): try again in some minutes (discordstatus.com tells how it is)", refused.Status)
	}
	return fmt.Sprintf("Discord refuses it (%d, code %d: %s)", refused.Status, refused.Code, shown(refused.Message))
}
