package main

import (
	"bytes"
	"maps"
	"strings"
	"testing"
)

const (
	publicKey = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" // RFC 8032's first
	probeKey  = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c" // its second
	botToken  = "canary-of-the-token"
	botKey    = "canary-of-the-bots-own-key-which-is-long"
	agentKey  = "canary-of-midgards-key"
	otherKey  = "canary-of-our-worlds-key"
)

// storageKey is Azurite's, which everybody knows.
const connection = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;" +
	"AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;" +
	"BlobEndpoint=http://127.0.0.1:1/devstoreaccount1;QueueEndpoint=http://127.0.0.1:1/devstoreaccount1;TableEndpoint=http://127.0.0.1:1/devstoreaccount1;"

// deployment is the settings of one with two worlds.
func deployment() map[string]string {
	return map[string]string{
		"DISCORD_APPLICATION_ID": "1100", "DISCORD_PUBLIC_KEY": publicKey, "DISCORD_BOT_TOKEN": botToken,
		"DISCORD_GUILD_ID": "1200", "DISCORD_CHANNEL_ID": "1300", "DISCORD_KEEPER_ROLE_ID": "1400", "DISCORD_KEEPER_CHANNEL_ID": "1500",
		"HEARTH_WORLDS": `[{"id":"midgard","name":"Midgard","placements":[{"id":"vmss-a"}]},
			{"id":"our-world","name":"Ours","placements":[{"id":"vmss-b"}]}]`,
		"HEARTH_BOT_KEY": botKey, "HEARTH_AGENT_KEY_MIDGARD": agentKey, "HEARTH_AGENT_KEY_OUR_WORLD": otherKey, "HEARTH_PROBE_KEY": probeKey,
		"AzureWebJobsStorage": connection, "AZURE_SUBSCRIPTION_ID": "00000000-0000-4000-8000-000000000001", "HEARTH_RESOURCE_GROUP": "rg-hearth",
	}
}

// lookup is an environment that has just these settings, and change's over them.
func lookup(set map[string]string, change map[string]string) func(string) string {
	set = maps.Clone(set)
	maps.Copy(set, change)
	return func(name string) string { return set[name] }
}

// TestNothingSet: every missing setting is named at once, in the log and on
// stderr, and the program does not end well.
func TestNothingSet(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"hearth-bot"}, func(string) string { return "" }, &stdout, &stderr); code != exitUsage {
		t.Errorf("exit code %d, want %d", code, exitUsage)
	}
	for _, name := range []string{
		"DISCORD_APPLICATION_ID", "DISCORD_PUBLIC_KEY", "DISCORD_GUILD_ID", "DISCORD_CHANNEL_ID", "HEARTH_WORLDS", "HEARTH_BOT_KEY",
		"AzureWebJobsStorage", "AZURE_SUBSCRIPTION_ID", "HEARTH_RESOURCE_GROUP", "FUNCTIONS_CUSTOMHANDLER_PORT",
	} {
		if !strings.Contains(stdout.String(), name) {
			t.Errorf("the log does not name %s: %s", name, &stdout)
		}
		if !strings.Contains(stderr.String(), name) {
			t.Errorf("stderr does not name %s: %s", name, &stderr)
		}
	}
	for _, name := range []string{"DISCORD_BOT_TOKEN", "KEEPER", "PROBE"} {
		if strings.Contains(stderr.String(), name) {
			t.Errorf("stderr names %s, which may be missing: %s", name, &stderr)
		}
	}
}
