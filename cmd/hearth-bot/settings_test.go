package main

import (
	"bytes"
	"strings"
	"testing"
)

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
