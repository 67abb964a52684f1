package playground_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/internal/playground"
	"hearth/internal/playground/browsertest"
	"hearth/internal/world"
)

const (
	worlds = `[{"id":"midgard","name":"Midgard","cents_per_hour":1.9,"monthly_dollars":5,"placements":[
		{"id":"vmss-midgard-1","region":"eastus2"},{"id":"vmss-midgard-2","region":"westus2"}]}]`
	speed = 20
	// soon is how long a step may take on a busy machine; a start takes seven
	// seconds at this speed.
	soon = 60 * time.Second
)

func start(t testing.TB, dir string) *playground.Playground {
	t.Helper()
	configs, err := world.ParseWorlds(worlds)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := io.Writer(io.Discard)
	if logs := os.Getenv("HEARTH_TEST_LOG"); logs != "" {
		f, err := os.OpenFile(filepath.Clean(logs), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		out = f
	}
	p, err := playground.Start(t.Context(), playground.Options{
		Dir: dir, Listen: "127.0.0.1:0", Speed: speed, Worlds: configs, Game: []string{self, "game"},
		LoadFor: 30 * time.Second, Version: "test", Log: slog.New(slog.NewTextHandler(out, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func end(t testing.TB, p *playground.Playground) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	words, err := p.Close(ctx)
	if err != nil {
		t.Errorf("close: %v", err)
	}
	return words
}

func status(s string) string {
	return `document.querySelector("#status").dataset.status === "` + s + `"`
}

// said: a message holds the text.
func said(text string) string {
	return `[...document.querySelectorAll("#messages .message")].some(m => m.textContent.includes("` + text + `"))`
}

// TestEveningInTheBrowser is what a newcomer does, with the real page: light
// it, let somebody in, take the machine away, put it out.
func TestEveningInTheBrowser(t *testing.T) {
	p := start(t, t.TempDir())
	defer end(t, p)
	page := browsertest.Open(t, p.URL(), 1440, 900)
	page.Until(soon, status("stopped")+` && document.querySelector("#composer").value === "/start"`)
	page.Screenshot("1-stopped")
	page.Keys("#composer", "\r")
	page.Until(soon, said("is lighting"))
	page.Screenshot("2-starting")
	page.Until(soon, status("online")+" && "+said("203.0.113."))
	page.Until(soon, `/at 1\.90¢ an hour · [\d.]+¢ of \$5\.00 this month/.test(document.querySelector("#money").textContent)`)

	page.Press(`button[data-lever="player_join"]`)
	page.Until(soon, said("came in"))
	page.Press(`button[data-lever="player_join"]`)
	page.Until(soon, said("2 are on"))
	page.Screenshot("3-online")
	page.Type("#composer", "/stop\r")
	page.Until(soon, said("still playing"))
	page.Screenshot("4-ask-back")

	// The thirty seconds of notice are to be this machine's, however busy it is.
	page.Press(`#speed button[data-speed="1"]`)
	page.Press(`button[data-lever="evict"]`)
	page.Until(soon, said("takes the machine"))
	page.Screenshot("5-relocating")
	page.Until(soon, said("is saved, in"))
	page.Press(`#speed button[data-speed="20"]`)
	page.Until(soon, said("old machine is gone"))
	order := browsertest.Eval[[]string](page, `[...document.querySelectorAll("#messages .message")].map(m => m.textContent).filter(t => t.includes("is saved, in") || t.includes("old machine is gone")).map(t => t.includes("is saved, in") ? "saved" : "gone")`)
	if len(order) < 2 || order[0] != "saved" || order[1] != "gone" {
		t.Errorf("got %v, want the save before the machine is gone", order)
	}
	page.Until(soon, status("online"))

	page.Press(`button[data-lever="player_join"]`)
	page.Until(soon, `!document.querySelector("button[data-lever='player_leave']").disabled`)
	page.Press(`button[data-lever="all_leave"]`)
	page.Until(soon, `document.querySelector("button[data-lever='player_leave']").disabled`)
	page.Type("#composer", "/stop\r")
	page.Until(soon, status("stopped"))
	page.Until(soon, said("is out. The machine is gone"))
	page.Screenshot("6-out")
	for i, want := range []string{"true", "true", "true", "true"} {
		if got := browsertest.Eval[string](page, `document.querySelectorAll("#guide li")[`+string(rune('0'+i))+`].dataset.done`); got != want {
			t.Errorf("guide step %d: got done %s, want %s", i+1, got, want)
		}
	}
	page.Resize(390, 844)
	page.Until(soon, `getComputedStyle(document.querySelector("#levers-toggle")).display !== "none"`)
	page.Screenshot("7-phone-out")
	page.Type("#composer", "/start\r")
	page.Until(soon, status("online"))
	page.Screenshot("8-phone-online")
	page.Press("#levers-toggle")
	page.Screenshot("9-phone-levers")
}

// TestResetFromThePage begins a new life behind the open page.
func TestResetFromThePage(t *testing.T) {
	p := start(t, t.TempDir())
	defer end(t, p)
	page := browsertest.Open(t, p.URL(), 1440, 900)
	page.Until(soon, status("stopped"))
	page.Type("#composer", "/start\r")
	page.Until(soon, said("is lighting"))
	page.Press("#reset")
	page.Press("#reset-confirm")
	page.Until(soon, status("stopped")+` && document.querySelectorAll("#messages .message").length === 0`)
	page.Type("#composer", "/start\r")
	page.Until(soon, status("online"))
}

// TestEndAndGoOn ends a playground under a burning fire: the world is saved,
// and the next one on the folder goes on.
func TestEndAndGoOn(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	var out strings.Builder
	if err := p.Play(t.Context(), "Ana: /start\nwait online\nlever player_join Bo\nexpect Bo** came in\n", &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if words := end(t, p); len(words) != 1 || !strings.Contains(words[0], "Midgard is saved") {
		t.Errorf("got %q, want it to say that Midgard is saved", words)
	}
	p = start(t, dir)
	defer end(t, p)
	out.Reset()
	if err := p.Play(t.Context(), "wait online\nlever player_join Bo\nexpect Bo** came in\nlever player_leave Bo\nexpect left\nAna: /stop\nwait stopped\n", &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
}
