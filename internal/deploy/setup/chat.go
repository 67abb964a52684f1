package setup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hearth/internal/discord"
	"hearth/internal/operator"
	"hearth/internal/world"
)

// askToken gets the bot's token, from which Discord tells application and key.
func (s *Setup) askToken(ctx context.Context) error {
	if s.Token == "" {
		s.say("The bot. At discord.com/developers/applications choose New Application, then its page Bot, then Reset Token, and copy that.")
	}
	for given := s.Token != ""; ; given = false {
		if !given {
			var ok bool
			if s.Token, ok = s.Ask.Secret("The bot's token (it is not shown)"); !ok {
				return problem("Nobody is here to ask for the bot's token: set DISCORD_BOT_TOKEN.")
			}
		}
		s.Token = world.Secret(strings.TrimSpace(s.Token.Reveal()))
		wrong := s.useToken(ctx)
		if wrong == "" {
			return nil
		}
		if given || ctx.Err() != nil {
			return problem("The bot's token: %s", wrong)
		}
		s.say("  %s", wrong)
	}
}

// useToken asks Discord whose it is.
func (s *Setup) useToken(ctx context.Context) (wrong string) {
	if discord.CheckToken(s.Token) != nil {
		return "that is no token of a bot: copy it as it is, without quotes and without the word Bot."
	}
	const unused = "1" // what is asked here needs no application
	c, err := discord.NewClient(discord.ClientOptions{URL: s.DiscordURL, Application: unused, Token: s.Token, Version: s.Version, Clock: s.Clock})
	if err != nil {
		return "Discord can't be asked: check DISCORD_API_URL, if it is set."
	}
	app, err := c.Application(ctx)
	if err == nil {
		s.me, err = c.Me(ctx)
	}
	if err != nil {
		return operator.Refusal(err, "", "") + "."
	}
	s.chat, s.wants.application, s.wants.publicKey = c, app.ID, app.VerifyKey
	s.say("  It is that of %s.", world.Visible(app.Name, 40))
	return ""
}

// askServer finds the Discord server. The bot must be in it.
func (s *Setup) askServer(ctx context.Context) error {
	s.say("\nThe Discord server.")
	for {
		guilds, err := s.chat.Guilds(ctx)
		if err != nil {
			return problem("Discord does not tell where the bot is: %s.", operator.Refusal(err, s.wants.application, ""))
		}
		if len(guilds) == 0 {
			invite := operator.InviteAnywhere(s.wants.application)
			s.say("  The bot is in no server yet. Open this, choose your server and Authorize:\n\n    %s\n", invite)
			if _, ok := s.Ask.Line("Press Enter when that is done"); !ok {
				return problem("The bot is in no server yet: open %s, choose your server and Authorize. Then run this again.", invite)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue
		}
		take := func(i int) (string, error) {
			s.wants.guild, s.wants.guildName = guilds[i].ID, guilds[i].Name
			s.say("  %s", world.Visible(guilds[i].Name, 60))
			return "", nil
		}
		if len(guilds) == 1 && s.Server == "" {
			_, err := take(0)
			return err
		}
		var all []choice
		for _, g := range guilds {
			all = append(all, choice{g.ID, g.Name})
		}
		return s.choose(question{text: "Which server", flag: "--server", given: s.Server}, all, false, take)
	}
}

// askChannel finds the channel that Hearth lives in, where the bot may do what it
// must.
func (s *Setup) askChannel(ctx context.Context) error {
	s.say("\nThe channel that Hearth lives in.")
	var all []choice
	var err error
	if all, err = s.textChannels(ctx); err != nil {
		return err
	}
	if len(all) == 0 {
		return problem("The server %s has no text channel: make one, then run this again.", world.Visible(s.wants.guildName, 60))
	}
	return s.choose(question{text: "Which channel", flag: "--channel", given: s.Channel}, all, len(all) == 1, func(i int) (string, error) {
		lacks, err := s.lacks(ctx, all[i].id)
		if err != nil {
			return "", problem("Discord does not tell what the bot may do there: %s.", operator.Refusal(err, s.wants.application, s.wants.guild))
		}
		if lacks != "" {
			return fmt.Sprintf("in %s the bot lacks %s: in the channel's settings, under Permissions, allow its role that, and choose it again; or choose another.", all[i].name, lacks), nil
		}
		s.wants.channel, s.wants.channelName = all[i].id, all[i].name
		return "", nil
	})
}

func (s *Setup) textChannels(ctx context.Context) ([]choice, error) {
	channels, err := s.chat.Channels(ctx, s.wants.guild)
	if err != nil {
		return nil, problem("Discord does not tell the server's channels: %s.", operator.Refusal(err, s.wants.application, s.wants.guild))
	}
	var all []choice
	for _, c := range channels {
		if c.Type == discord.TextChannel {
			all = append(all, choice{c.ID, "#" + c.Name})
		}
	}
	return all, nil
}

// lacks names what the bot may not do in the channel now; empty: nothing of what it
// must.
func (s *Setup) lacks(ctx context.Context, channel string) (string, error) {
	g, err := s.chat.GuildInfo(ctx, s.wants.guild)
	if err != nil {
		return "", err
	}
	m, err := s.chat.Member(ctx, g.ID, s.me.ID)
	if err != nil {
		return "", err
	}
	ch, err := s.chat.ChannelInfo(ctx, channel)
	if refused, ok := errors.AsType[*discord.Error](err); ok && refused.Code == discord.CodeMissingAccess {
		return operator.Lacks(g, discord.Member{}, discord.ChannelInfo{Overwrites: []discord.Overwrite{{ID: g.ID, Deny: ^discord.Bits(0)}}}), nil // all of it
	}
	if err != nil {
		return "", err
	}
	return operator.Lacks(g, m, ch), nil
}

// askKeepers finds the role of those who are told of trouble and may do more.
func (s *Setup) askKeepers(ctx context.Context) error {
	s.say("\nThe keepers, who may stop, allow and look into everything.")
	g, err := s.chat.GuildInfo(ctx, s.wants.guild)
	if err != nil {
		return problem("Discord does not tell the server's roles: %s.", operator.Refusal(err, s.wants.application, s.wants.guild))
	}
	all := []choice{{"none", "those who may manage the server"}}
	for _, r := range g.Roles {
		if r.ID != g.ID && !r.Managed {
			all = append(all, choice{r.ID, r.Name})
		}
	}
	return s.choose(question{text: "Which role", flag: "--keeper-role", given: s.KeeperRole}, all, true, func(i int) (string, error) {
		if i > 0 {
			s.wants.keeperRole, s.wants.keeperName = all[i].id, all[i].name
		}
		return "", nil
	})
}
