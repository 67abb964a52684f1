package functionapp_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/probe"
)

// `hearth probe` gets the right answer of the packaged bot with its own key, and
// none with another, which is Discord's or nobody's.
func TestProbe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := map[string]string{} // by file
	for _, name := range []string{"own.key", "another.key"} {
		public, err := probe.NewKey(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = public
	}
	discords, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	app, _ := openApp(t, map[string]string{
		"DISCORD_PUBLIC_KEY": hex.EncodeToString(discords), "HEARTH_PROBE_KEY": keys["own.key"],
		"DISCORD_GUILD_ID": "1200", "DISCORD_CHANNEL_ID": "1300",
	}, nil)
	server := httptest.NewServer(app)
	defer server.Close()
	at, err := probe.ParseURL(server.URL + "/api/interactions")
	if err != nil {
		t.Fatal(err)
	}
	for name := range keys {
		key, err := probe.LoadKey(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		p := &probe.Prober{URL: at, Key: key, Clock: clock.System{}}
		schedule, err := probe.Every(time.Millisecond, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Run(t.Context(), schedule, func(probe.Result) {}) {
			if (r.Err == nil) != (name == "own.key") {
				t.Errorf("with %s: got %s", name, r)
			}
		}
	}
}
