package valheim_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/internal/valheim"
)

// awake is a reader and a proof that are put away and taken up again.
type awake struct {
	r *valheim.Reader
	p valheim.Proof
}

// failer is a test, of Go's or of rapid's.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func (a *awake) sleep(t failer) {
	t.Helper()
	next := awake{r: valheim.NewReader()}
	for from, to := range map[any]any{a.r: next.r, &a.p: &next.p} {
		state, err := json.Marshal(from)
		if err != nil {
			t.Fatal(err)
		}
		if len(state) > valheim.MaxStateBytes {
			t.Fatalf("%d bytes of state, want at most %d", len(state), valheim.MaxStateBytes)
		}
		if err := json.Unmarshal(state, to); err != nil {
			t.Fatalf("%v: %s", err, state)
		}
	}
	*a = next
}

// said is all that a reader tells by a line, or by the end.
type said struct {
	Happenings []valheim.Happening
	Roster     valheim.Roster
	Saved      bool
}

func (a *awake) say(hs []valheim.Happening) said {
	for _, h := range hs {
		a.p.See(h)
	}
	return said{slices.Clone(hs), a.r.Roster(), a.p.Saved()}
}

// story reads all lines; asks for a proof before one of them and sleeps before
// some.
func story(t failer, lines []string, ask int, sleeps func(int) bool) []said {
	a := awake{r: valheim.NewReader()}
	var out []said
	for i, l := range lines {
		if i == ask {
			a.p.Request()
		}
		if sleeps(i) {
			a.sleep(t)
		}
		out = append(out, a.say(a.r.Read(l)))
	}
	if sleeps(len(lines)) {
		a.sleep(t)
	}
	return append(out, a.say(a.r.End()))
}

func never(int) bool  { return false }
func always(int) bool { return true }

func goldenLogs(t *testing.T) map[string][]string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.log")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no logs: %v", err)
	}
	logs := map[string][]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		logs[filepath.Base(path)] = strings.Split(string(text), "\n")
	}
	return logs
}

// TestStateAtEveryLine: whoever reads on from a state tells the same as who
// read through, at every line of every log.
func TestStateAtEveryLine(t *testing.T) {
	for name, lines := range goldenLogs(t) {
		t.Run(name, func(t *testing.T) {
			want := story(t, lines, len(lines)/2, never)
			if diff := cmp.Diff(story(t, lines, len(lines)/2, always), want); diff != "" {
				t.Errorf("asleep at every line: got -, want +:\n%s", diff)
			}
			for cut := range len(lines) + 1 {
				got := story(t, lines, len(lines)/2, func(i int) bool { return i == cut })
				if diff := cmp.Diff(got, want); diff != "" {
					t.Fatalf("asleep before line %d: got -, want +:\n%s", cut+1, diff)
				}
			}
		})
	}
}

// TestStateOfAnyLog does the same with lines in any order.
func TestStateOfAnyLog(t *testing.T) {
	var known []string
	for _, lines := range goldenLogs(t) {
		known = append(known, lines...)
	}
	few := rapid.Custom(func(t *rapid.T) string {
		second := rapid.SampledFrom([]int{0, 1, 1, 1, 2, 9, 40}).Draw(t, "second")
		who := rapid.IntRange(1, 2).Draw(t, "who")
		body := rapid.SampledFrom([]string{
			"Got connection SteamID 7656119855500000%d", "Closing socket 7656119855500000%d", "Got character ZDOID from P%d : %[1]d:1",
			"Got character ZDOID from P%d : 0:0", "Got character ZDOID from P%d : %[1]d:500", "Destroying abandoned non persistent zdo 1:1 owner %d",
			"Peer 7656119855500000%d has wrong password", "PlayFab listen socket child connected to remote player AB%d",
			"PlayFab socket with remote ID playfab/AB%d received local Platform ID Xbox_%[1]d", "Keep socket for playfab/AB%d, try",
			" Connections %d ZDOS:1", "Server: New peer connected,sending global keys", "RPC_Disconnect", "ZRpc timeout detected",
			`Player connection lost server "x" that has join code 00000%d, now %[1]d player(s)`, "clone %d", "World saved ( %d.0ms )",
			"Resume TX on playfab/AB%d", "Opened Steam server", "Opened PlayFab server", "ZNet Shutdown", "Kicking P%d",
			"Destroying abandoned non persistent zdo 1:1 owner 9%d", "Console: <color=orange>P%d</color>: <color=#FFEB04FF>HO</color>",
			"Got character ZDOID from P%d", "Player P%d", "Console: <color=orange>P%d</color>: <color=#FFEB04FF>HO",
		}).Draw(t, "body")
		if strings.Contains(body, "%") {
			body = fmt.Sprintf(body, who)
		}
		return fmt.Sprintf("11/22/2026 18:00:%02d: %s", second, body)
	})
	bare := rapid.SampledFrom([]string{ // no time before them
		"Segmentation fault", "INFO - Shutdown complete", "DEBUG - [1] - Received signal to shut down valheim-server",
		"WARN - Timeout while waiting for server to shut down - sending SIGKILL", "[Info   : Unity Log] RPC_Disconnect",
		"[Info   : Unity Log] ZNet Shutdown", "Opened Steam server", "HO</color>", "P1 : 1:1", " : 2:1",
	})
	line := rapid.OneOf(
		few, few, few, few, few, few, bare,
		rapid.SampledFrom(known),
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return "01/02/2026 10:00:01: Got character ZDOID from " + string(b) + " : 7:1" }),
	)
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(line, 0, 120).Draw(t, "lines")
		ask := rapid.IntRange(-1, len(lines)).Draw(t, "ask")
		cuts := rapid.SliceOfN(rapid.SampledFrom([]bool{false, false, true}), len(lines)+1, len(lines)+1).Draw(t, "cuts")
		want := story(t, lines, ask, never)
		if diff := cmp.Diff(story(t, lines, ask, func(i int) bool { return cuts[i] }), want); diff != "" {
			t.Fatalf("got -, want +:\n%s", diff)
		}
	})
}

// TestStateOfProof: a proof that was put away proves the same.
func TestStateOfProof(t *testing.T) {
	kinds := []valheim.Kind{"request", valheim.SaveStarted, valheim.Saved, valheim.SaveSkipped, valheim.Crashed}
	rapid.Check(t, func(t *rapid.T) {
		through, asleep := valheim.Proof{}, awake{r: valheim.NewReader()}
		for _, k := range rapid.SliceOfN(rapid.SampledFrom(kinds), 0, 12).Draw(t, "log") {
			for _, p := range []*valheim.Proof{&through, &asleep.p} {
				if k == "request" {
					p.Request()
				} else {
					p.See(valheim.Happening{Kind: k})
				}
			}
			asleep.sleep(t)
			if asleep.p.Saved() != through.Saved() {
				t.Fatalf("got %v after %s, want %v", asleep.p.Saved(), k, through.Saved())
			}
		}
	})
}

// TestStateIsBounded: no log makes it larger.
func TestStateIsBounded(t *testing.T) {
	a := awake{r: valheim.NewReader()}
	name := strings.Repeat("<", valheim.MaxTextRunes)
	id := func(i int) string { return fmt.Sprintf("%s%04d", strings.Repeat("_", 60), i) }
	at := func(i int) string { return fmt.Sprintf("01/02/2026 10:%02d:%02d: ", i/60%60, i%60) }
	a.r.Read(at(0) + "Valheim version: l-" + "1" + name + " (network version 40)")
	a.r.Read(at(0) + "Opened PlayFab server")
	for i := range 300 {
		for _, l := range []string{
			"PlayFab listen socket child connected to remote player " + id(i),
			"PlayFab socket with remote ID playfab/" + id(i) + " received local Platform ID " + id(i),
			"Server: New peer connected,sending global keys",
			fmt.Sprintf("Got character ZDOID from %s : -%020d:1", name, i+1),
			"Peer " + id(i) + " has wrong password",
			fmt.Sprintf("Destroying abandoned non persistent zdo 1:1 owner %020d", i),
			"Got character ZDOID from " + name + " : 0:0" + strings.Repeat(" ", 500),
		} {
			a.r.Read(at(i) + l)
		}
	}
	for i := range 300 {
		a.r.Read(at(299) + "PlayFab listen socket child connected to remote player " + fmt.Sprintf("%s%04d", strings.Repeat("Z", 60), i))
	}
	a.r.Read(at(299) + "World load failed mid-file")
	a.r.Read(at(299) + "Got character ZDOID from " + name + " : 0:0")
	a.r.Read("Segmentation fault" + name + strings.Repeat("x", 1000))
	cut := at(299) + "Got character ZDOID from " + strings.Repeat("x", 900)
	for range 9 {
		a.r.Read(cut)
	}
	for range 50 {
		a.r.Read(cut + " : 9:9")
	}
	a.sleep(t) // measures
	state, err := json.Marshal(a.r)
	if err != nil {
		t.Fatal(err)
	}
	if len(state) < valheim.MaxStateBytes/2 {
		t.Errorf("%d bytes: either this is not the worst, or the bound is too wide", len(state))
	}
}

func TestStateRefused(t *testing.T) {
	r, _ := read("Got character ZDOID from Bo : 7:1")
	var p valheim.Proof
	for _, state := range []string{
		`null`, `{}`, `[]`, `"x"`, `{"v":2}`, `{"v":0}`, `{"v":1,"life":{"p":9}}`, `{"v":1,"life":{"p":-1}}`, `{"v":1,"sv":-1}`, `{"v":1,"r":{"lo":1}}`, `{"v":1,"cut":{"f":1}}`, `{"v":1,"cut":{"f":9,"h":["eA=="]}}`, `{"v":1,"cut":{"f":1,"h":["eA=="],"l":1}}`,
		`{"v":1,"cut":{"f":1,"h":["` + strings.Repeat("eHh4", 400) + `"]}}`, `{"v":1,"cut":{"f":1,"h":["` + strings.Repeat(`","`, 60) + `"]}}`,
		`{"v":1,"r":{"p":["` + strings.Repeat(`","`, 100) + `"]}}`,
	} {
		if err := json.Unmarshal([]byte(state), r); err == nil {
			t.Errorf("a reader was made of %s", state)
		}
	}
	if on := r.Roster().Players; len(on) != 1 {
		t.Errorf("a refused state left %v", on)
	}
	for _, state := range []string{`null`, `{}`, `{"v":2,"ok":true}`, `{"ok":true}`} {
		if err := json.Unmarshal([]byte(state), &p); err == nil || p.Saved() {
			t.Errorf("a proof was made of %s", state)
		}
	}
}
