// Package settingstest has the settings of a deployment, for tests. What of them is
// secret has "canary" in it.
package settingstest

import (
	"maps"

	"hearth/internal/sim/azurite"
)

// What is in Deployment. ProbeSeed is the private half of ProbeKey.
const (
	PublicKey = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" // RFC 8032's first
	ProbeKey  = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c" // its second
	ProbeSeed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
	BotToken  = "canary-of-the-token"
	BotKey    = "canary-of-the-bots-own-key-which-is-long"
	AgentKey  = "canary-of-midgards-key"
	OtherKey  = "canary-of-our-worlds-key"
	Password  = "canary-of-the-game" // of midgard
)

// Deployment is the settings of one with two worlds, midgard and our-world. Nobody
// answers at its storage account.
func Deployment() map[string]string {
	const nobody = "http://127.0.0.1:1/" + azurite.Account
	return map[string]string{
		"DISCORD_APPLICATION_ID": "1100", "DISCORD_PUBLIC_KEY": PublicKey, "DISCORD_BOT_TOKEN": BotToken,
		"DISCORD_GUILD_ID": "1200", "DISCORD_CHANNEL_ID": "1300", "DISCORD_KEEPER_ROLE_ID": "1400", "DISCORD_KEEPER_CHANNEL_ID": "1500",
		"HEARTH_WORLDS": `[{"id":"midgard","name":"Midgard","placements":[{"id":"vmss-a"}]},
			{"id":"our-world","name":"Ours","password":"canary-of-the-other-game","placements":[{"id":"vmss-b"}]}]`,
		"HEARTH_PASSWORD_MIDGARD": Password,
		"HEARTH_BOT_KEY":          BotKey, "HEARTH_AGENT_KEY_MIDGARD": AgentKey, "HEARTH_AGENT_KEY_OUR_WORLD": OtherKey, "HEARTH_PROBE_KEY": ProbeKey,
		"AzureWebJobsStorage": azurite.ConnectionString(nobody, nobody, nobody), "AZURE_SUBSCRIPTION_ID": "00000000-0000-4000-8000-000000000001", "HEARTH_RESOURCE_GROUP": "rg-hearth",
	}
}

// Lookup is an environment that has just these settings, and change's over them.
func Lookup(set, change map[string]string) func(string) string {
	set = maps.Clone(set)
	maps.Copy(set, change)
	return func(name string) string { return set[name] }
}
