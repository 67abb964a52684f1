package explain_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"hearth/internal/valheim/explain"
)

const at = "11/22/2026 18:00:01: "

// document is what JSON writes, as a program would read it.
type document struct {
	Events []map[string]any
	Online struct {
		Count   int
		Players []*string
	}
}

func documentOf(t *testing.T, log string) document {
	t.Helper()
	var out strings.Builder
	if err := explain.JSON(strings.NewReader(log), &out); err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal([]byte(out.String()), &d); err != nil {
		t.Fatalf("%v:\n%s", err, out.String())
	}
	return d
}

func wordsOf(t *testing.T, log string) string {
	t.Helper()
	var out strings.Builder
	if err := explain.Words(strings.NewReader(log), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestNoLog(t *testing.T) {
	for _, tt := range []struct {
		name, log string
		want      error
	}{
		{"empty", "", explain.ErrEmpty},
		{"gzip", "\x1f\x8b\x08\x00rest", explain.ErrCompressed},
		{"zip", "PK\x03\x04rest", explain.ErrCompressed},
		{"PowerShell", "\xff\xfeO\x00p\x00", explain.ErrUTF16},
		{"the world's file", "\x25\x00\x00\x00\x01rest\n", explain.ErrBinary},
		{"text", "\n", nil},
		{"an editor's mark", "\ufeff" + at + "Opened Steam server\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, tell := range map[string]func(io.Reader, io.Writer) error{"words": explain.Words, "json": explain.JSON} {
				var out strings.Builder
				if err := tell(strings.NewReader(tt.log), &out); !errors.Is(err, tt.want) {
					t.Errorf("%s: got %v, want %v", name, err, tt.want)
				}
				if tt.want != nil && out.Len() > 0 {
					t.Errorf("%s: wrote %q beside the error", name, out.String())
				}
			}
		})
	}
	broken := errors.New("disk on fire")
	if err := explain.Words(iotest.ErrReader(broken), io.Discard); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if err := explain.JSON(io.MultiReader(strings.NewReader("x\n"), iotest.ErrReader(broken)), io.Discard); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// TestLines: each line has its number, whatever stands in the lines before.
func TestLines(t *testing.T) {
	for name, before := range map[string]string{
		"plain":           "noise\n",
		"carriage return": "noise\r\n",
		"blank":           "\n",
		"mark":            "\ufeff\n",
		"glued":           at + "noise" + at + "noise\n",
		"long":            strings.Repeat("x", 200_000) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			d := documentOf(t, before+at+"Random event set:wolves\r\n")
			if len(d.Events) != 1 || d.Events[0]["line"] != 2.0 {
				t.Errorf("got %v, want a raid in line 2", d.Events)
			}
		})
	}
}

// TestTail: a last line without an end may be cut; it is not read, and that is
// said.
func TestTail(t *testing.T) {
	const log = at + "Got character ZDOID from Bo : 7:1\n" + at + "Got character ZDOID from Bo : 0:0"
	if d := documentOf(t, log); len(d.Events) != 1 || d.Online.Count != 1 {
		t.Errorf("got %+v, want one event", d)
	}
	if got, want := wordsOf(t, log), "Line 2 has no end and may be cut"; !strings.Contains(got, want) {
		t.Errorf("got %s want %q", got, want)
	}
	if got := wordsOf(t, log+"\n"); strings.Contains(got, "no end") || !strings.Contains(got, `"Bo" died`) {
		t.Errorf("got %s", got)
	}
}

// TestWhatTheEndLeavesOpen is told.
func TestWhatTheEndLeavesOpen(t *testing.T) {
	const on = "11/22/2026 18:00:01: Opened Steam server\n11/22/2026 18:01:00: Got character ZDOID from Bo : 7:1\n"
	d := documentOf(t, on+"11/22/2026 18:01:04: Got character ZDOID from Bo : 0:0\n")
	if n := len(d.Events); n != 3 || d.Events[n-1]["type"] != "died" || d.Events[n-1]["line"] != 3.0 || d.Online.Count != 1 {
		t.Errorf("a death within seconds of the spawn: got %+v", d)
	}
	d = documentOf(t, on+"Caught fatal signal - signo:11\n")
	if n := len(d.Events); n != 4 || d.Events[n-1]["type"] != "crashed" || d.Events[n-1]["line"] != 3.0 || d.Online.Count != 0 {
		t.Errorf("a crash in the last line: got %+v", d)
	}
}

// TestOrder: a death that waited for proof stands where it happened.
func TestOrder(t *testing.T) {
	d := documentOf(t, strings.Join([]string{
		"11/22/2026 18:01:00: Got character ZDOID from Bo : 7:1",
		"11/22/2026 18:01:04: Got character ZDOID from Bo : 0:0",
		"11/22/2026 18:01:05: Random event set:wolves",
		"11/22/2026 18:01:12: Got character ZDOID from Bo : 7:300",
		"",
	}, "\n"))
	var got []string
	for _, e := range d.Events {
		got = append(got, e["type"].(string))
	}
	if want := "spawned died raid respawned"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// FuzzExplain: whatever the file, there is an answer, and a document is one.
func FuzzExplain(f *testing.F) {
	for _, log := range []string{"", "\n", "\x00", "\ufeff" + at + "Opened Steam server\n", at + "Got character ZDOID from \xff\"<\u2028 : 99999999999999999999:1\n"} {
		f.Add(log)
	}
	f.Fuzz(func(t *testing.T, log string) {
		var words, doc strings.Builder
		err := explain.Words(strings.NewReader(log), &words)
		if other := explain.JSON(strings.NewReader(log), &doc); !errors.Is(other, err) {
			t.Fatalf("words say %v, the document %v", err, other)
		}
		if err != nil {
			return
		}
		if strings.ContainsFunc(words.String(), func(c rune) bool { return c < ' ' && c != '\n' }) {
			t.Errorf("control characters for a terminal: %q", words.String())
		}
		if !json.Valid([]byte(doc.String())) {
			t.Errorf("no document: %s", doc.String())
		}
	})
}

// TestAllLogs: every log of package valheim is told, in words without accounts,
// and the document is one of distinct lines in order.
func TestAllLogs(t *testing.T) {
	logs, err := filepath.Glob("../testdata/*.log")
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs: %v", err)
	}
	account := regexp.MustCompile(`\d{16}|(Steam|Xbox|PlayStation|Nintendo)_|[0-9A-F]{14}`)
	for _, path := range logs {
		t.Run(filepath.Base(path), func(t *testing.T) {
			log, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			words := wordsOf(t, string(log))
			if found := account.FindString(words); found != "" {
				t.Errorf("the words name %s:\n%s", found, words)
			}
			for l := range strings.Lines(words) {
				if l = strings.TrimRight(l, "\n"); l != "" && !strings.HasSuffix(l, ".") || strings.Contains(l, "(MISSING)") || strings.Contains(l, "%!") {
					t.Errorf("says nothing: %q", l)
				}
			}
			last := 0.0
			for _, e := range documentOf(t, string(log)).Events {
				if e["line"].(float64) < last {
					t.Errorf("%v stands after line %v", e, last)
				}
				last = e["line"].(float64)
			}
		})
	}
}
