package line_test

import (
	"strings"
	"testing"

	"hearth/internal/valheim/line"
)

func TestStrip(t *testing.T) {
	const at = "06/01/2025 10:00:00: "
	for _, tt := range []struct {
		text string
		from line.Source
		body string
	}{
		{at + "Opened Steam server", line.Game, "Opened Steam server"},
		{"Valheim version:0.148.7", line.Game, "Valheim version:0.148.7"},
		{at + "  blanks around  ", line.Game, "blanks around"},
		{", " + at + "pasted out of a table", line.Game, "pasted out of a table"},
		{at + at + "only one stamp is the game's", line.Game, at + "only one stamp is the game's"},
		{"", line.Game, ""},

		{"[Info   : Unity Log] " + at + "x", line.Game, "x"},
		{"[Message:   BepInEx] x", line.Loader, "x"},
		{"[Info   :   ChatMod] " + at + "x", line.Mod, "x"},
		{"[Loud   :   ChatMod] x", line.Game, "[Loud   :   ChatMod] x"},
		{"[stderr] " + at + "x", line.Game, "x"},
		{"[stdout] x", line.Game, "x"},

		{"2025-06-01T08:00:07.860907823Z " + at + "x", line.Game, "x"},
		{"2025-03-31 12:05:35,543 INFO stopped: valheim-server (exit status 0)", line.Supervisor, "stopped: valheim-server (exit status 0)"},
		{"2021-03-08 00:00:02 [24] (DEBUG) x", line.Script, "x"},
		{"2025-06-01 nothing of ours", line.Game, "2025-06-01 nothing of ours"},

		{"Jun  1 10:00:10 /supervisord: valheim-server " + at + "x", line.Game, "x"},
		{"Jun  1 10:00:10 supervisord: valheim-updater x", line.Other, "x"},
		{"Jun 01 10:00:08 box valheim_server.x86_64[4711]: x", line.Game, "x"},
		{"Jun 01 10:00:08 box systemd[1]: x", line.Other, "x"},
		{"Jun 01 10:00:08 box systemd[1]: " + at + "x", line.Other, "x"},

		{"INFO - x", line.Script, "x"},
		{"DEBUG - [24] - x", line.Script, "x"},
		{"INFO odin::commands::logs: [valheim_server.log]: " + at + "x", line.Game, "x"},
		{"INFO odin::commands::start: x", line.Other, "odin::commands::start: x"},
		{"INFORMATION is no level", line.Game, "INFORMATION is no level"},

		{"name-1  | " + at + "x", line.Game, "x"},
		{"name-1  |", line.Game, ""},
		{"valheim-1  | 2025-06-01T08:00:07Z Jun  1 10:00:07 supervisord: valheim-server [Info   : Unity Log] " + at + "x", line.Game, "x"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			got := line.Strip(tt.text)
			if got.From != tt.from || got.Body != tt.body {
				t.Errorf("from %d, %q; want from %d, %q", got.From, got.Body, tt.from, tt.body)
			}
			if has := strings.Contains(tt.text, at); has != (got.Seconds != 0) {
				t.Errorf("%d seconds, want some: %v", got.Seconds, has)
			}
		})
	}
}

func TestSeconds(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		want     int64
	}{
		{"06/01/2025 10:00:00: ", "06/01/2025 10:00:00: ", 0},
		{"06/01/2025 10:00:00: ", "06/01/2025 11:02:03: ", 3723},
		{"06/30/2025 23:59:59: ", "07/01/2025 00:00:00: ", 1},
		{"12/31/2025 23:59:59: ", "01/01/2026 00:00:00: ", 1},
		{"02/28/2025 00:00:00: ", "03/01/2025 00:00:00: ", 86400},
		{"02/28/2024 00:00:00: ", "03/01/2024 00:00:00: ", 2 * 86400},
		{"01/01/2025 00:00:00: ", "01/01/2026 00:00:00: ", 365 * 86400},
	} {
		if got := line.Strip(tt.to+"x").Seconds - line.Strip(tt.from+"x").Seconds; got != tt.want {
			t.Errorf("%d seconds from %sto %swant %d", got, tt.from, tt.to, tt.want)
		}
	}
}

func TestGlued(t *testing.T) {
	const at = "06/01/2025 10:00:00: "
	for text, want := range map[string]int{
		"":                           -1,
		"adding: worlds/A.db":        -1,
		at + "at the beginning":      -1,
		"x" + at + "y":               1,
		"a/b/c" + at + "y":           5,
		"x06/01/2025 10:00:00 no :":  -1,
		"1/" + at + "y" + at:         2,
		"RPC_Disconnect" + at[:20]:   -1,
		strings.Repeat("/", 9) + at:  9,
		"ü" + at + "after two bytes": 2,
	} {
		if got := line.Glued(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestGluedScript(t *testing.T) {
	const script = "2021-03-08 00:00:02 [24] (INFO) x"
	for text, want := range map[string]int{
		"":                              -1,
		script:                          -1,
		"a.db.old" + script:             8,
		"a [1] (x) " + script:           -1,
		"2021-03-08 00:00:02 [24] INFO": -1,
		"x 00:00:02 [24] (INFO) x":      -1,
		"x] (INFO)":                     -1,
	} {
		if got := line.GluedScript(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"x":                            "x",
		"\x1b[33m[Message]\x1b[0m x":   "[Message] x",
		"\x1b[1;31mred\x1b[0m":         "red",
		"cut off \x1b[3":               "cut off [3",
		"x\x1b[ : 7:1":                 "x[ : 7:1",
		"cut off \x1b":                 "cut off ",
		"\x1bno sequence of colours":   "no sequence of colours",
		"a\x1b[0mb\x1b[0mc\x1b[0m\x1b": "abc",
	} {
		if got := line.Plain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzStrip: what is left is a part of the text, without blanks around it.
func FuzzStrip(f *testing.F) {
	for _, text := range []string{
		"name-1  | 2025-06-01T08:00:07Z Jun  1 10:00:07 supervisord: valheim-server [Info   : Unity Log] 06/01/2025 10:00:00: x",
		"2025-03-31 12:05:35,543 INFO x", "2021-03-08 00:00:02 [24] (DEBUG) x", "INFO - [1] - x", "INFO odin::x: [valheim_server.log]: x",
		"\x1b[33m[Message:   BepInEx]\x1b[0m x06/01/2025 10:00:00: y",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := line.Strip(line.Plain(text))
		if !strings.Contains(text, got.Body) && !strings.Contains(text, "\x1b") || got.Body != strings.TrimSpace(got.Body) {
			t.Errorf("%q became %q", text, got.Body)
		}
		if at := line.Glued(got.Body); at == 0 || at > len(got.Body) {
			t.Errorf("a stamp at %d of %q", at, got.Body)
		}
	})
}
