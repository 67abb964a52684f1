package settings_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"hearth/internal/settings"
	"hearth/internal/settings/settingstest"
	"hearth/internal/world"
)

func TestLoad(t *testing.T) {
	c, err := settings.Load(settingstest.Lookup(settingstest.Deployment(), map[string]string{"HEARTH_LOG_LEVEL": "debug"}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Guild, (world.Guild{ID: "1200", Channel: "1300", KeeperRole: "1400", KeeperChannel: "1500"}); got != want {
		t.Errorf("guild = %+v, want %+v", got, want)
	}
	if len(c.Worlds) != 2 || c.Worlds[1].ID != "our-world" {
		t.Errorf("worlds = %+v", c.Worlds)
	}
	if got := c.Worlds[0].Password.Reveal() + " " + c.Worlds[1].Password.Reveal(); got != "canary-of-the-game canary-of-the-other-game" {
		t.Errorf("passwords %q", got)
	}
	for id, want := range map[string]string{world.BotKey: settingstest.BotKey, "midgard": settingstest.AgentKey, "our-world": settingstest.OtherKey, "asgard": ""} {
		if got := string(c.KeyOf(id)); got != want {
			t.Errorf("key of %q = %q, want %q", id, got, want)
		}
	}
	if c.Token.Reveal() != settingstest.BotToken || c.NoToken != nil || c.Probe == nil || c.Verifier == nil || c.Level.String() != "DEBUG" {
		t.Errorf("token %v (%v), probe %v, verifier %v, level %s", c.Token, c.NoToken, c.Probe, c.Verifier, c.Level)
	}
	if c.Compute.Subscription != "00000000-0000-4000-8000-000000000001" || c.Compute.ResourceGroup != "rg-hearth" || c.Storage.ConnectionString == "" {
		t.Errorf("cloud %+v, storage %+v", c.Compute, c.Storage)
	}
	if text := fmt.Sprintf("%+v %#v", *c, *c); strings.Contains(text, "canary") || strings.Contains(text, "Eby8") {
		t.Errorf("the configuration prints its secrets: %s", text)
	}
	// What may be missing.
	set := settingstest.Deployment()
	for _, name := range []string{"DISCORD_KEEPER_ROLE_ID", "DISCORD_KEEPER_CHANNEL_ID", "HEARTH_PROBE_KEY"} {
		delete(set, name)
	}
	if c, err = settings.Load(settingstest.Lookup(set, nil)); err != nil || c.Probe != nil {
		t.Errorf("without what may be missing: %v, probe %v", err, c.Probe)
	}
	// An identity in a connection string's place.
	_, err = settings.Load(settingstest.Lookup(settingstest.Deployment(), map[string]string{"AzureWebJobsStorage": "", "AzureWebJobsStorage__accountName": "hearth", "AZURE_CLIENT_ID": "00000000-0000-4000-8000-000000000002"}))
	if err != nil {
		t.Errorf("with an identity: %v", err)
	}
}

// TestNothingSet: every missing setting is named at once, and none that may be
// missing.
func TestNothingSet(t *testing.T) {
	c, err := settings.Load(func(string) string { return "" })
	wrong, ok := errors.AsType[*settings.Error](err)
	if !ok || c == nil {
		t.Fatalf("got %v, %v; want what there is and an *Error", c, err)
	}
	names := []string{
		"DISCORD_APPLICATION_ID", "DISCORD_PUBLIC_KEY", "DISCORD_GUILD_ID", "DISCORD_CHANNEL_ID", "HEARTH_WORLDS", "HEARTH_BOT_KEY",
		"AzureWebJobsStorage", "AZURE_SUBSCRIPTION_ID", "HEARTH_RESOURCE_GROUP",
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
	for _, name := range []string{"DISCORD_BOT_TOKEN", "KEEPER", "PROBE"} {
		if strings.Contains(err.Error(), name) {
			t.Errorf("the error names %s, which may be missing: %v", name, err)
		}
	}
	if len(wrong.Problems) == 0 || len(wrong.Problems) > len(names) {
		t.Errorf("%d problems, want one for each of %d settings at most", len(wrong.Problems), len(names))
	}
}

func TestBadSettings(t *testing.T) {
	const reference = "@Microsoft.KeyVault(SecretUri=https://canary.vault.azure.net/secrets/x)"
	for _, c := range []struct{ name, value, says string }{
		{"DISCORD_APPLICATION_ID", "hearth", "DISCORD_APPLICATION_ID is \"hearth\""},
		{"DISCORD_PUBLIC_KEY", settingstest.PublicKey[:62], "DISCORD_PUBLIC_KEY has 62 characters"},
		{"DISCORD_PUBLIC_KEY", strings.Repeat("0", 64), "DISCORD_PUBLIC_KEY is all zeros"},
		{"DISCORD_GUILD_ID", "our server", "DISCORD_GUILD_ID is \"our server\""},
		{"DISCORD_CHANNEL_ID", "#hearth", "DISCORD_CHANNEL_ID is \"#hearth\""},
		{"DISCORD_KEEPER_ROLE_ID", "keeper", "DISCORD_KEEPER_ROLE_ID is \"keeper\""},
		{"DISCORD_KEEPER_CHANNEL_ID", "keepers", "DISCORD_KEEPER_CHANNEL_ID is \"keepers\""},
		{"DISCORD_API_URL", "discord", "DISCORD_API_URL is not the address"},
		{"HEARTH_WORLDS", "[]", "HEARTH_WORLDS has 0 worlds"},
		{"HEARTH_WORLDS", "midgard", "HEARTH_WORLDS is not the JSON"},
		{"HEARTH_WORLDS", `[{"id":"midgard","monthly_dollars":5,"placements":[{"id":"vmss-a"}]}]`, "what a machine at placement \"vmss-a\" costs is not known"},
		{"HEARTH_BOT_KEY", "canary-too-short", "HEARTH_BOT_KEY has 16 bytes, at least 32"},
		{"HEARTH_BOT_KEY", settingstest.AgentKey + settingstest.AgentKey, ""},
		{"HEARTH_AGENT_KEY_MIDGARD", "canary-short", "HEARTH_AGENT_KEY_MIDGARD has 12 bytes, at least 16"},
		{"HEARTH_AGENT_KEY_OUR_WORLD", "", "HEARTH_AGENT_KEY_OUR_WORLD is missing"},
		{"HEARTH_AGENT_KEY_OUR_WORLD", settingstest.AgentKey, "HEARTH_AGENT_KEY_MIDGARD and HEARTH_AGENT_KEY_OUR_WORLD are the same"},
		{"HEARTH_AGENT_KEY_MIDGARD", settingstest.BotKey, "HEARTH_BOT_KEY and HEARTH_AGENT_KEY_MIDGARD are the same"},
		{"HEARTH_PASSWORD_MIDGARD", "skol", "HEARTH_PASSWORD_MIDGARD: the game wants at least 5 characters"},
		{"HEARTH_PASSWORD_MIDGARD", "canary-of-mead\n", "HEARTH_PASSWORD_MIDGARD: write it on one line"},
		{"HEARTH_PASSWORD_MIDGARD", "Midgard", "HEARTH_PASSWORD_MIDGARD: the game refuses one that is part of the server's name"},
		{"HEARTH_PASSWORD_OUR_WORLD", "canary-again", "HEARTH_PASSWORD_OUR_WORLD is set, and world our-world has a password in HEARTH_WORLDS as well"},
		{"HEARTH_PROBE_KEY", "abc", "HEARTH_PROBE_KEY has 3 characters"},
		{"HEARTH_LOG_LEVEL", "loud", "HEARTH_LOG_LEVEL is \"loud\""},
		{"AzureWebJobsStorage", "canary", "AzureWebJobsStorage: "},
		{"AzureWebJobsStorage__accountName", "hearth", "set beside AzureWebJobsStorage__accountName"},
		{"AZURE_SUBSCRIPTION_ID", "mine", "AZURE_SUBSCRIPTION_ID is \"mine\""},
		{"HEARTH_RESOURCE_GROUP", "a/b", "HEARTH_RESOURCE_GROUP is \"a/b\""},
		{"HEARTH_ARM_URL", "http://arm", "HEARTH_ARM_URL is \"http://arm\""},
		{"AZURE_CLIENT_ID", "hearth", "AZURE_CLIENT_ID is \"hearth\""},
		{"DISCORD_APPLICATION_ID", reference, "DISCORD_APPLICATION_ID is a Key Vault reference"},
		{"DISCORD_PUBLIC_KEY", reference, "DISCORD_PUBLIC_KEY is a Key Vault reference"},
		{"DISCORD_KEEPER_ROLE_ID", reference, "DISCORD_KEEPER_ROLE_ID is a Key Vault reference"},
		{"HEARTH_WORLDS", reference, "HEARTH_WORLDS is a Key Vault reference"},
		{"HEARTH_BOT_KEY", reference, "HEARTH_BOT_KEY is a Key Vault reference"},
		{"HEARTH_AGENT_KEY_MIDGARD", reference, "HEARTH_AGENT_KEY_MIDGARD is a Key Vault reference"},
		{"HEARTH_PASSWORD_MIDGARD", reference, "HEARTH_PASSWORD_MIDGARD is a Key Vault reference"},
		{"HEARTH_PROBE_KEY", reference, "HEARTH_PROBE_KEY is a Key Vault reference"},
		{"HEARTH_LOG_LEVEL", reference, "HEARTH_LOG_LEVEL is a Key Vault reference"},
		{"AzureWebJobsStorage", reference, "AzureWebJobsStorage: the Key Vault reference was not resolved"},
		{"AZURE_SUBSCRIPTION_ID", reference, "AZURE_SUBSCRIPTION_ID is a Key Vault reference"},
	} {
		_, err := settings.Load(settingstest.Lookup(settingstest.Deployment(), map[string]string{c.name: c.value}))
		if c.says == "" {
			if err != nil {
				t.Errorf("%s=%s: %v, want none", c.name, c.value, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "1 things") {
			t.Errorf("%s=%s: %v\nwant that alone: %s", c.name, c.value, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s=%s: the error shows a secret: %v", c.name, c.value, err)
		}
	}
}

// TestNoTokenStarts: without a usable token the bot starts, and knows why it
// can't speak.
func TestNoTokenStarts(t *testing.T) {
	for value, says := range map[string]string{
		"": "DISCORD_BOT_TOKEN is empty",
		"@Microsoft.KeyVault(SecretUri=https://canary.vault.azure.net/secrets/x)": "DISCORD_BOT_TOKEN is a Key Vault reference",
		"Bot canary": "DISCORD_BOT_TOKEN has spaces",
	} {
		c, err := settings.Load(settingstest.Lookup(settingstest.Deployment(), map[string]string{"DISCORD_BOT_TOKEN": value}))
		if err != nil {
			t.Errorf("token %q: %v", value, err)
			continue
		}
		if c.Token != "" || c.NoToken == nil || !strings.Contains(c.NoToken.Error(), says) || strings.Contains(c.NoToken.Error(), "canary") {
			t.Errorf("token %q: %v, %v; want none, and %q", value, c.Token, c.NoToken, says)
		}
		if c.Set["DISCORD_BOT_TOKEN"] || !c.Set["DISCORD_PUBLIC_KEY"] {
			t.Errorf("token %q: set = %v", value, c.Set)
		}
	}
}

// A key is taken byte by byte: base64 is a text like any other.
func TestKeysAreText(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	c, err := settings.Load(settingstest.Lookup(settingstest.Deployment(), map[string]string{"HEARTH_BOT_KEY": key}))
	if err != nil || string(c.KeyOf(world.BotKey)) != key {
		t.Errorf("key = %q, %v; want %q", c.KeyOf(world.BotKey), err, key)
	}
}

// TestManualSettings: docs/bot.md has a row for every setting, and for no other.
func TestManualSettings(t *testing.T) {
	b, err := os.ReadFile("../../docs/bot.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z][A-Za-z_]*[A-Z_][A-Za-z_]+)` \\|").FindAllStringSubmatch(string(b), -1) {
		told[m[1]] = true
	}
	set := settingstest.Deployment()
	set["HEARTH_WORLDS"] = `[{"id":"midgard","placements":[{"id":"vmss-a"}]}]`
	c, err := settings.Load(settingstest.Lookup(set, nil))
	if err != nil {
		t.Fatal(err)
	}
	for name := range c.Set {
		if !told[name] {
			t.Errorf("docs/bot.md has no row for %s", name)
		}
		delete(told, name)
	}
	for name := range told {
		t.Errorf("docs/bot.md has a row for %s, which nothing reads", name)
	}
}

// TestManualWorlds: docs/bot.md has a row for every key of a world and of a
// placement, and for no other.
func TestManualWorlds(t *testing.T) {
	b, err := os.ReadFile("../../docs/bot.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[a-z_]+`(?:, `[a-z_]+`)*) \\|").FindAllStringSubmatch(string(b), -1) {
		for _, m := range regexp.MustCompile("[a-z_]+").FindAllString(row[1], -1) {
			told[m] = true
		}
	}
	for _, functions := range []string{"interactions", "reactions", "reconcile", "health"} {
		delete(told, functions)
	}
	keys := map[string]bool{}
	for _, of := range []reflect.Type{reflect.TypeFor[world.Config](), reflect.TypeFor[world.Placement]()} {
		for _, f := range reflect.VisibleFields(of) {
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			keys[key] = true
			if !told[key] {
				t.Errorf("docs/bot.md has no row for %s", key)
			}
		}
	}
	maps.DeleteFunc(told, func(key string, _ bool) bool { return keys[key] })
	for key := range told {
		t.Errorf("docs/bot.md has a row for %s, which is no key", key)
	}
}
