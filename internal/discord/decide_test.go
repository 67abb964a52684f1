package discord_test

import (
	"slices"
	"testing"

	"hearth/internal/discord"
	"hearth/internal/world"
)

func guild() world.Guild {
	return world.Guild{ID: guildID, Channel: channelID, KeeperRole: wardens, KeeperChannel: keeperID}
}

func worlds(ids ...string) []world.Config {
	var ws []world.Config
	for _, id := range ids {
		ws = append(ws, world.Config{ID: id, Name: id})
	}
	return ws
}

// TestDecideMatrix goes through role × command × guild × channel against the
// rule written down a second time, the other way round: allowed only if all
// of it holds.
func TestDecideMatrix(t *testing.T) {
	const manage, administrator, talk = 1 << 5, 1 << 3, 1 << 11
	commands := map[world.CommandName]bool{ // may be typed
		world.CmdStart: true, world.CmdStop: true, world.CmdStatus: true, world.CmdJoin: true, world.CmdLog: true,
		world.CmdStopNow: false, world.CmdStopWhenEmpty: false, world.CmdKeepGoing: false,
		world.CmdKeepAwake: false, world.CmdPayAsYouGo: false, world.CmdRaiseCap: false, world.CmdTidy: false,
	}
	keepers := []world.CommandName{world.CmdStopNow, world.CmdLog, world.CmdPayAsYouGo, world.CmdRaiseCap, world.CmdTidy}
	allowed, denied := 0, 0
	for _, role := range []string{"", vikings, wardens} {
		for _, bits := range []uint64{0, talk, manage, administrator} {
			for _, keeperRole := range []string{"", wardens} {
				for _, needs := range [][]string{nil, {vikings}, {""}} {
					for command, typed := range commands {
						for _, kind := range []discord.Kind{discord.Ping, discord.Command, discord.Button, 0} {
							for _, inGuild := range []string{guildID, "999", ""} {
								for _, channel := range []string{channelID, keeperID, "998", ""} {
									g := guild()
									g.KeeperRole = keeperRole
									w := world.Config{ID: "midgard", Roles: needs}
									i := discord.Interaction{Kind: kind, Guild: inGuild, Channel: channel, Permissions: bits, Command: command}
									if role != "" {
										i.Roles = []string{role}
									}
									isKeeper := keeperRole == wardens && role == wardens ||
										keeperRole == "" && (bits == manage || bits == administrator)
									isPlayer := needs == nil || needs[0] == vikings && role == vikings
									want := inGuild == guildID && (channel == channelID || channel == keeperID) &&
										(kind == discord.Button || kind == discord.Command && typed) &&
										(isPlayer || isKeeper) && (!slices.Contains(keepers, command) || isKeeper)
									d, denial := discord.Decide(g, []world.Config{w}, i)
									if got := denial == world.DenyNone; got != want {
										t.Errorf("%+v in %+v with roles %q: %v, want allowed %v", i, g, needs, denial, want)
									}
									if denial != world.DenyNone && (d.Keeper || d.World.ID != "") {
										t.Errorf("denied with a decision: %+v", d)
									}
									if want {
										allowed++
										if d.Keeper != isKeeper || d.World.ID != "midgard" {
											t.Errorf("decision %+v, want keeper %v", d, isKeeper)
										}
									} else {
										denied++
									}
								}
							}
						}
					}
				}
			}
		}
	}
	if allowed == 0 || denied == 0 {
		t.Errorf("matrix is one-sided: %d allowed, %d denied", allowed, denied)
	}
}

func TestDecideDenials(t *testing.T) {
	ok := discord.Interaction{Kind: discord.Command, Guild: guildID, Channel: channelID, Command: world.CmdStart}
	with := func(f func(*discord.Interaction)) discord.Interaction {
		i := ok
		f(&i)
		return i
	}
	roles := []world.Config{{ID: "midgard", Roles: []string{vikings}}}
	for _, tt := range []struct {
		name   string
		g      world.Guild
		worlds []world.Config
		i      discord.Interaction
		want   world.Denial
		world  string
	}{
		{"allowed", guild(), worlds("midgard"), ok, world.DenyNone, "midgard"},
		{"direct message", guild(), worlds("midgard"), with(func(i *discord.Interaction) { i.Guild = "" }), world.DenyDirect, ""},
		{"direct message, no guild configured", world.Guild{}, worlds("midgard"), with(func(i *discord.Interaction) { i.Guild = "" }), world.DenyDirect, ""},
		{"another guild", guild(), worlds("midgard"), with(func(i *discord.Interaction) { i.Guild = "7" }), world.DenyGuild, ""},
		{"no guild configured", world.Guild{}, worlds("midgard"), ok, world.DenyGuild, ""},
		{"another channel", guild(), worlds("midgard"), with(func(i *discord.Interaction) { i.Channel = "7" }), world.DenyChannel, ""},
		{"no channel anywhere", world.Guild{ID: guildID}, worlds("midgard"), with(func(i *discord.Interaction) { i.Channel = "" }), world.DenyChannel, ""},
		{"role missing", guild(), roles, ok, world.DenyRole, ""},
		{"a keeper needs no other role", guild(), roles, with(func(i *discord.Interaction) { i.Roles = []string{wardens} }), world.DenyNone, "midgard"},
		{"stop now by a player", guild(), roles, with(func(i *discord.Interaction) {
			i.Roles, i.Kind, i.Command = []string{vikings}, discord.Button, world.CmdStopNow
		}), world.DenyKeeper, ""},
		{"more money by a player", guild(), roles, with(func(i *discord.Interaction) {
			i.Roles, i.Kind, i.Command = []string{vikings}, discord.Button, world.CmdRaiseCap
		}), world.DenyButton, ""},
		{"awake by a player", guild(), roles, with(func(i *discord.Interaction) {
			i.Roles, i.Kind, i.Command = []string{vikings}, discord.Button, world.CmdKeepAwake
		}), world.DenyNone, "midgard"},
		{"the log by a player", guild(), roles, with(func(i *discord.Interaction) { i.Roles, i.Command = []string{vikings}, world.CmdLog }), world.DenyLog, ""},
		{"the log by a stranger", guild(), roles, with(func(i *discord.Interaction) { i.Command = world.CmdLog }), world.DenyRole, ""},
		{"the log by a keeper", guild(), roles, with(func(i *discord.Interaction) { i.Roles, i.Command = []string{wardens}, world.CmdLog }), world.DenyNone, "midgard"},
		{"manage server, but a keeper's role is configured", guild(), roles, with(func(i *discord.Interaction) {
			i.Roles, i.Kind, i.Command, i.Permissions = []string{vikings}, discord.Button, world.CmdStopNow, 1<<5|1<<3
		}), world.DenyKeeper, ""},
		{"no worlds", guild(), nil, ok, world.DenyWorld, ""},
		{"unknown world", guild(), worlds("midgard"), with(func(i *discord.Interaction) { i.World = "asgard" }), world.DenyWorld, ""},
		{"world in another case", guild(), worlds("midgard"), with(func(i *discord.Interaction) { i.World = "Midgard" }), world.DenyWorld, ""},
		{"several worlds, none named", guild(), worlds("midgard", "asgard"), ok, world.DenyWorldNeeded, ""},
		{"several worlds, one named", guild(), worlds("midgard", "asgard"), with(func(i *discord.Interaction) { i.World = "asgard" }), world.DenyNone, "asgard"},
		{"no command", guild(), worlds("midgard"), with(func(i *discord.Interaction) { i.Command = "" }), world.DenyCommand, ""},
		{"a button's command typed", guild(), worlds("midgard"), with(func(i *discord.Interaction) { i.Command = world.CmdStopNow }), world.DenyCommand, ""},
		{"nothing at all", world.Guild{}, nil, discord.Interaction{}, world.DenyDirect, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, denial := discord.Decide(tt.g, tt.worlds, tt.i)
			if denial != tt.want || d.World.ID != tt.world {
				t.Errorf("Decide = %q, %s; want %q, %s", d.World.ID, denial, tt.world, tt.want)
			}
		})
	}
}
