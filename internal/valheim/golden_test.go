package valheim_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/internal/valheim"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden reads whole logs. Beside each stands what it means, one
// happening a line under the number of its log line, and the rosters.
func TestGolden(t *testing.T) {
	logs, err := filepath.Glob("testdata/*.log")
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs: %v", err)
	}
	for _, path := range logs {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".log"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(string(text))
			golden := strings.TrimSuffix(path, ".log") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestEveryKindHasALog: each Kind stands in a golden file, so its words and its
// place in the document are tested, too.
func TestEveryKindHasALog(t *testing.T) {
	source, err := os.ReadFile("happening.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`(?m)^\t\w+ +Kind = "(\w+)"$`).FindAllStringSubmatch(string(source), -1)
	if len(kinds) < 25 {
		t.Fatalf("found %d kinds", len(kinds))
	}
	golden, err := filepath.Glob("testdata/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range golden {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, k := range kinds {
		if !regexp.MustCompile(`(?m)^ +(\d+|end) ` + k[1] + `( |$)`).MatchString(all.String()) {
			t.Errorf("no log has %s", k[1])
		}
	}
}

// TestWhatStandsAroundALine changes nothing: the same logs, as they come out of
// other hands.
func TestWhatStandsAroundALine(t *testing.T) {
	hands := map[string]func(line string) string{
		"carriage return": func(l string) string { return strings.TrimSuffix(l, "\r") + "\r" },
		"colours":         func(l string) string { return "\x1b[1;32m" + l + "\x1b[0m" },
		"docker's time":   func(l string) string { return "2026-01-01T10:00:00.123456789Z " + l },
		"zone":            func(l string) string { return "2026-01-01T12:00:00+02:00 " + l },
		"compose":         func(l string) string { return strings.TrimRight("valheim-1  | "+l, " ") },
		"stderr":          func(l string) string { return "[stderr] " + l },
		"journal":         func(l string) string { return "Jan 01 10:00:00 hall docker[77]: " + l },
		"all of them": func(l string) string {
			return "\x1b[36mvalheim-1  | \x1b[0m2026-01-01T10:00:00.123456789Z Jan  1 10:00:00 hall podman[77]: [stderr] " + l + "  \r"
		},
	}
	for name, lines := range goldenLogs(t) {
		want := tell(strings.Join(lines, "\n"))
		for hand, put := range hands {
			t.Run(name+" with "+hand, func(t *testing.T) {
				if diff := cmp.Diff(tell(strings.Join(each(lines, put), "\n")), want); diff != "" {
					t.Errorf("got -, want +:\n%s", diff)
				}
			})
		}
	}
}

func each(lines []string, do func(string) string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, do(l))
	}
	return out
}

func tell(log string) string {
	var b strings.Builder
	r := valheim.NewReader()
	roster := ""
	say := func(hs []valheim.Happening) {
		for _, h := range hs {
			n := "end"
			if h.Number > 0 {
				n = fmt.Sprint(h.Number)
			}
			fmt.Fprintf(&b, "%4s %s\n", n, words(h))
		}
		if now := rosterWords(r.Roster()); now != roster {
			roster = now
			fmt.Fprintf(&b, "     on: %s\n", now)
		}
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(log, "\n"), "\n") {
		say(r.Read(line))
	}
	say(r.End())
	return b.String()
}

func rosterWords(r valheim.Roster) string {
	var who []string
	for _, p := range r.Players {
		who = append(who, fmt.Sprintf("%q(%s)", p.Name, p.Owner))
	}
	return fmt.Sprintf("[%s] connecting %d, let in %d", strings.Join(who, " "), r.Connecting, r.Authenticated)
}

// words leaves the line out: its number says more.
func words(h valheim.Happening) string {
	var b strings.Builder
	b.WriteString(string(h.Kind))
	add := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, " %s=%q", key, value)
		}
	}
	add("name", h.Player.Name)
	add("owner", h.Player.Owner)
	add("id", h.PlatformID)
	add("socket", h.Socket)
	add("code", h.Code)
	add("version", h.Version)
	add("network", h.Network)
	add("signal", h.Signal)
	add("detail", h.Detail)
	add("reason", h.Reason)
	add("refusal", string(h.Refusal))
	add("theirs", h.Theirs)
	add("mine", h.Mine)
	if h.Took != 0 {
		add("took", h.Took.String())
	}
	if h.Count != 0 {
		add("count", fmt.Sprint(h.Count))
	}
	return b.String()
}
