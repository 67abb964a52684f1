package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoctor: what is there is told, what is not is told as well, and the exit
// code says which. What each check finds is operator's to test.
func TestDoctor(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no Azure CLI
	s := newServer(t)
	s.settings["DISCORD_PUBLIC_KEY"], s.settings["DISCORD_CHANNEL_ID"] = s.PublicKey(), s.Channels()[0].ID
	s.settings["HEARTH_BOT_KEY"], s.settings["HEARTH_AGENT_KEY_MIDGARD"] = "canary-of-the-bots-own-key-which-is-long", "canary-of-midgards-key"
	s.settings["AzureWebJobsStorage"] = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=Y2FuYXJ5;BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a;TableEndpoint=http://127.0.0.1:1/a;"
	s.settings["AZURE_SUBSCRIPTION_ID"], s.settings["HEARTH_RESOURCE_GROUP"] = "00000000-0000-0000-0000-000000000001", "hearth"
	if code, out := s.hearth("register", "--yes"); code != exitOK {
		t.Fatalf("register: code %d:\n%s", code, out)
	}
	code, out := s.hearth("doctor")
	if code != exitFailed {
		t.Errorf("code %d, want %d", code, exitFailed)
	}
	for _, want := range []string{
		"  ok    settings: they are all there", fmt.Sprintf("  ok    commands: %d, as they should be", len(commandNames(t, s))), "  WRONG endpoint's address: Discord has none", "  WRONG storage account: ",
		"  ?     subscription: could not be looked at, because nobody is logged in to Azure here: install the Azure CLI", "things are wrong.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("got\n%s\nwant %q in it", out, want)
		}
	}
	short := filepath.Join(t.TempDir(), "probe.key")
	if err := os.WriteFile(short, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"no such settings": {"doctor", "--settings", short + ".no"},
		"no probe's key":   {"doctor", "--probe-key", short},
		"no such flag":     {"doctor", "--heal"},
	} {
		if code, out := s.hearth(args...); code != exitUsage {
			t.Errorf("%s: code %d, want %d:\n%s", name, code, exitUsage, out)
		}
	}
}
