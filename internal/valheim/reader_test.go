package valheim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/valheim"
	"hearth/internal/world"
)

func read(lines ...string) (*valheim.Reader, []valheim.Happening) {
	r := valheim.NewReader()
	var out []valheim.Happening
	for _, line := range lines {
		out = append(out, r.Read(line)...)
	}
	return r, out
}

func kinds(hs []valheim.Happening) []valheim.Kind {
	var out []valheim.Kind
	for _, h := range hs {
		out = append(out, h.Kind)
	}
	return out
}

// TestOneLine is what a line means that needs no other.
func TestOneLine(t *testing.T) {
	const at = "01/02/2026 10:00:00: "
	tests := []struct {
		line string
		want []valheim.Kind
	}{
		{"Valheim version:0.148.7", []valheim.Kind{valheim.VersionKnown}},
		{at + "Valheim version: l-1.0.7 (network version 39)", []valheim.Kind{valheim.VersionKnown}},
		{at + "BepInExPack Valheim version 5.4.2333", nil},
		{at + "Opened PlayFab server", []valheim.Kind{valheim.Listening}},
		{at + "Game server connected", []valheim.Kind{valheim.Listening}},
		{at + "Game server connected failed", nil},
		{at + "game server connected", nil},
		{at + "Got session request from 76561198555000001", []valheim.Kind{valheim.Connecting}},
		{at + "Got handshake from client 76561198555000001", nil},
		{at + "Server: New peer connected sending global keys", []valheim.Kind{valheim.Connected}},
		{at + "Got character ZDOID from Ulv : 12:", nil},
		{at + "Got character ZDOID from Ulv : 1x2:3", nil},
		{at + "Got character ZDOID from Ulv", nil},
		{at + "Got character ZDOID from Ulv : 0:7", nil},
		{at + "Got character ZDOID from Ulv : -9:7   ", []valheim.Kind{valheim.Spawned}},
		{at + "Got character ZDOID from Ulv : 0:0", []valheim.Kind{valheim.Died}},
		{at + "Destroying abandoned non persistent zdo 4:4 owner -7", []valheim.Kind{valheim.Disconnected}},
		{at + "Destroying abandoned non persistent zdo 4:4 owner -7x", nil},
		{at + "RPC_Disconnect", nil},
		{at + "Closing socket 76561198555000001", nil},
		{at + "Closing socket 0", nil},
		{at + "ZRpc timeout set to 90s", nil},
		{at + "World save writing finished", nil},
		{at + "Saved 100 ZDOs", nil},
		{at + "clone 812", []valheim.Kind{valheim.SaveStarted}},
		{at + "clone 812 of something", nil},
		{at + "World save (1/5) Cloud & Backup checks done [0ms] => Save number 2", []valheim.Kind{valheim.SaveStarted}},
		{at + "World save (4/5) FWL writing done [6ms]", nil},
		{at + "World save (5/5) done. Total time [86ms]", []valheim.Kind{valheim.Saved}},
		{at + "World saved ( 86,5ms )", []valheim.Kind{valheim.Saved}},
		{at + "World saved ( soon )", nil},
		{at + "Not enough space left to save: 12", []valheim.Kind{valheim.SaveSkipped}},
		{at + "ZNet Shutdown without save", []valheim.Kind{valheim.Stopping, valheim.SaveSkipped}},
		{at + "Found location of type Bonemass", nil},
		{at + "Random event set:army_bonemass", []valheim.Kind{valheim.Raid}},
		{at + "Random event set:", nil},
		{at + "Random event set:army bonemass", nil},
		{at + "Random event set: wolves", nil},
		{at + "Random event set:https://wolves", nil},
		{at + "random event set:wolves", nil},
		{at + "Console: Loki: Random event set:wolves", nil},
		{at + "Time 9, day:0    nextm:1,5  skipspeed:0.1", []valheim.Kind{valheim.Day}},
		{at + "Connections 12 of many", nil},
		{at + "Error bad password:Password is too short", []valheim.Kind{valheim.Fault}},
		{"Caught fatal signal - signo:11 code:1 errno:0 addr:(nil)", []valheim.Kind{valheim.Crashed}},
		{at + `Session "x" registered with join code 12345`, nil},
		{at + `Session "x" registered with join code 123456 or so`, nil},
		{at + `Session "x" registered with join code 000001`, []valheim.Kind{valheim.JoinCode}},
		{"valheim-updater Game server connected", nil},
		{at + "Console: Loki: " + at + "ZNet Shutdown", nil},
		{"Console: Loki: " + at + "ZNet Shutdown", nil},
		{"[Info   :   ChatMod] " + at + "Loki says ZNet Shutdown", nil},
		{at + "RPC_Disconnect" + at + "Opened Steam server", []valheim.Kind{valheim.Listening}},
		{strings.Repeat("x", 9000) + at + "Opened Steam server", nil},
		{"", nil},
	}
	for _, tt := range tests {
		t.Run(tt.line[:min(len(tt.line), 60)], func(t *testing.T) {
			_, got := read(tt.line)
			if !slices.Equal(kinds(got), tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			for _, h := range got {
				if h.Line != tt.line {
					t.Errorf("line %q, want it as written", h.Line)
				}
			}
		})
	}
}

func TestTook(t *testing.T) {
	tests := []struct {
		line string
		want time.Duration
	}{
		{"World saved ( 925.4ms )", 925400 * time.Microsecond},
		{"World saved ( 1795,588ms )", 1795588 * time.Microsecond},
		{"World save (5/5) done. Total time [86ms]", 86 * time.Millisecond},
		{"World save (5/5) done. Total time [12,086ms]", 12086 * time.Millisecond},
		{"World save (5/5) done. Total time [..,ms]", 0},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			_, hs := read(tt.line)
			if len(hs) != 1 || hs[0].Took != tt.want {
				t.Errorf("got %v, want %v", hs, tt.want)
			}
		})
	}
}

// TestEnd: nobody is left on when the process is gone.
func TestEnd(t *testing.T) {
	on := []string{"Opened Steam server", "Server: New peer connected,sending global keys", "Got character ZDOID from Una : 5:1"}
	tests := []struct {
		name  string
		lines []string
		want  []valheim.Kind
	}{
		{"killed", on, []valheim.Kind{valheim.Disconnected, valheim.Crashed}},
		{"asked", append(slices.Clone(on), "ZNet Shutdown"), []valheim.Kind{valheim.Disconnected, valheim.Stopped}},
		{"said so itself", append(slices.Clone(on), "ZNet Shutdown", "Net scene destroyed"), nil},
		{"silent", nil, []valheim.Kind{valheim.Crashed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := read(tt.lines...)
			got := r.End()
			if !slices.Equal(kinds(got), tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if now := r.Roster(); len(now.Players) != 0 || now.Connecting != 0 {
				t.Errorf("still on: %+v", now)
			}
			if again := r.End(); again != nil {
				t.Errorf("a second end says %v", again)
			}
		})
	}
}

// TestKnocksAreForgotten: some sockets end without a line; they must not keep
// a world awake.
func TestKnocksAreForgotten(t *testing.T) {
	r, _ := read("01/02/2026 10:00:00: PlayFab listen socket child connected to remote player AB01")
	if got := r.Roster().Connecting; got != 1 {
		t.Fatalf("connecting %d, want 1", got)
	}
	r.Read("01/02/2026 10:04:59: Unloading unused assets")
	if got := r.Roster().Connecting; got != 1 {
		t.Errorf("connecting %d before five minutes, want 1", got)
	}
	r.Read("01/02/2026 10:05:00: Unloading unused assets")
	if got := r.Roster().Connecting; got != 0 {
		t.Errorf("connecting %d after five minutes, want 0", got)
	}
}

// TestMemory: no log makes a reader grow.
func TestMemory(t *testing.T) {
	r := valheim.NewReader()
	for i := range 5000 {
		r.Read("Server: New peer connected,sending global keys")
		r.Read(fmt.Sprintf("Got character ZDOID from P%d : %d:1", i, i+1))
		r.Read(fmt.Sprintf("Got connection SteamID %017d", i))
	}
	if now := r.Roster(); len(now.Players) > world.MaxPlayers || now.Connecting > world.MaxPlayers {
		t.Errorf("%d players, %d connecting remembered", len(now.Players), now.Connecting)
	}
}

func TestProof(t *testing.T) {
	start, done := valheim.Happening{Kind: valheim.SaveStarted}, valheim.Happening{Kind: valheim.Saved}
	skip := valheim.Happening{Kind: valheim.SaveSkipped}
	tests := []struct {
		name          string
		before, after []valheim.Happening
		want          bool
	}{
		{"nothing", nil, nil, false},
		{"a save", nil, []valheim.Happening{start, done}, true},
		{"only begun", nil, []valheim.Happening{start}, false},
		{"no start seen", nil, []valheim.Happening{done}, false},
		{"saved before", []valheim.Happening{start, done}, nil, false},
		{"autosave that began before", []valheim.Happening{start}, []valheim.Happening{done}, false},
		{"and then another", []valheim.Happening{start}, []valheim.Happening{done, start, done}, true},
		{"whose start came first", []valheim.Happening{start}, []valheim.Happening{start, done}, false},
		{"both ended", []valheim.Happening{start}, []valheim.Happening{start, done, done}, true},
		{"skipped", nil, []valheim.Happening{start, skip, done}, false},
		{"skipped before", []valheim.Happening{start, skip}, []valheim.Happening{start, done}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p valheim.Proof
			for _, h := range tt.before {
				p.See(h)
			}
			if p.Saved() {
				t.Error("proven without a request")
			}
			p.Request()
			for _, h := range tt.after {
				p.See(h)
			}
			if p.Saved() != tt.want {
				t.Errorf("got %v, want %v", p.Saved(), tt.want)
			}
			p.Request()
			if p.Saved() {
				t.Error("an old proof serves a new request")
			}
		})
	}
}

// TestLives: where one start of the game ends and the next begins, and what is
// said of the end.
func TestLives(t *testing.T) {
	const (
		version = "05/05/2026 03:00:00: Valheim version: l-1.0.16 (network version 40)"
		logon   = "05/05/2026 03:00:20: Game server connected"
		opened  = "05/05/2026 03:00:20: Opened Steam server"
		later   = "05/05/2026 03:30:20: Opened Steam server"
		spawn   = "05/05/2026 03:01:00: Got character ZDOID from Una : 5:1"
		quit    = "05/05/2026 03:02:00: Game - OnApplicationQuit"
		super   = "2026-05-05 03:02:01,000 INFO "
		script  = "May  5 03:02:00 supervisord: valheim-server WARN - Timeout while waiting for server to shut down - sending "
		starved = "hearth: the game's container was killed by the kernel for its memory"
	)
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"log-on before the socket", []string{version, logon, opened}, "version listening"},
		{"log-on after an outage", []string{opened, spawn, logon}, "listening spawned"},
		{"log-on in the middle", []string{spawn, logon}, "spawned"},
		{"said twice", []string{opened, opened}, "listening"},
		{"a crash that left no line", []string{version, opened, spawn, version, opened}, "version listening spawned disconnected version listening"},
		{"likewise, in the middle of a log", []string{spawn, version}, "spawned disconnected version"},
		{"likewise, and no version", []string{opened, spawn, later}, "listening spawned disconnected listening"},
		{"likewise, nobody on", []string{opened, later}, "listening listening"},
		{"one stop of many words", []string{opened, quit, quit[:21] + "Shutting down", quit[:21] + "ZNet Shutdown", quit[:21] + "Net scene destroyed", quit[:21] + "ZNet OnDestroy"},
			"listening stopping stopped"},
		{"out of memory", []string{opened, starved}, "listening crashed=out of memory"},
		{"out of memory after a name", []string{opened, spawn, starved, version}, "listening spawned disconnected crashed=out of memory version"},
		{"out of memory over a stop", []string{opened, quit, starved}, "listening stopping stopped=out of memory"},
		{"a crash over a stop", []string{opened, quit, "Segmentation fault (core dumped)"}, "listening stopping stopped=segmentation fault"},
		{"a crash", []string{opened, "Caught fatal signal - signo:11", "Native Crash Reporting", super + "exited: valheim-server (exit status 0; expected)"},
			"listening crashed=signal 11"},
		{"a crash by supervisord", []string{opened, super + "exited: valheim-server (terminated by SIGSEGV (core dumped); not expected)"},
			"listening crashed=SIGSEGV (core dumped)"},
		{"a crash after a name, and the next start", []string{opened, spawn, "Caught fatal signal - signo:11", version, opened},
			"listening spawned disconnected crashed=signal 11 version listening"},
		{"what seems a crash after a name, and life goes on", []string{opened, spawn, "Caught fatal signal - signo:11", spawn[:21] + "x", version},
			"listening spawned disconnected version"},
		{"a crash after a name, by the supervisor", []string{opened, spawn, "Caught fatal signal - signo:11",
			super + "exited: valheim-server (exit status 0; expected)", super + "spawned: 'valheim-server' with pid 5"},
			"listening spawned disconnected crashed=signal 11"},
		{"impatient script", []string{opened, script + "SIGTERM", script + "SIGKILL", script + "SIGHUP"}, "listening stopping escalated=SIGTERM escalated=SIGKILL"},
		{"the updater after a name", []string{"May  5 03:01:00 supervisord: valheim-server " + spawn,
			"May  5 03:02:00 supervisord: valheim-updater INFO - Downloading/updating/validating Valheim server from Steam"}, "spawned update_started"},
		{"the script after a name, not heard before", []string{"May  5 03:01:00 supervisord: valheim-server " + spawn, script + "SIGTERM"}, "spawned"},
		{"impatient script, with a group", []string{opened, script + "SIGTERM to PGID 94", script + "SIGKILL to PGID 94"}, "listening stopping escalated=SIGTERM escalated=SIGKILL"},
		{"impatient supervisord", []string{opened, super + "waiting for valheim-server to stop", super + "killing 'valheim-server' (94) with SIGKILL",
			super + "stopped: valheim-server (terminated by SIGKILL)"}, "listening stopping escalated=SIGKILL stopped=SIGKILL"},
		{"killed without a word before", []string{opened, super + "waiting for valheim-server to stop", super + "stopped: valheim-server (terminated by SIGKILL)"},
			"listening stopping escalated=SIGKILL stopped=SIGKILL"},
		{"only the supervisor tells", []string{opened, super + "stopped: valheim-server (exit status 0)"}, "listening stopped"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			_, hs := read(tt.lines...)
			for _, h := range hs {
				word := string(h.Kind)
				if h.Kind != valheim.Listening && h.Detail != "" {
					word += "=" + h.Detail
				}
				got = append(got, word)
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("got  %s\nwant %s", text, tt.want)
			}
		})
	}
}

// TestWhoseSocket: the socket of one whose account is not known ends, and it is
// the right one who is off.
func TestWhoseSocket(t *testing.T) {
	at := func(minute int, text string) string { return fmt.Sprintf("10/02/2026 20:%02d:00: %s", minute, text) }
	const in = "Server: New peer connected,sending global keys"
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"never came in, log from the middle", []string{at(1, "Got connection SteamID 76561198555000801"), at(2, in), at(3, "Closing socket 76561198555000801")}, ""},
		{"two, one of whom was never heard knocking", []string{
			at(0, "Opened Steam server"), at(1, in), at(2, "Got connection SteamID 76561198555000801"), at(2, in),
			at(3, "Got character ZDOID from Una : 5:1"), at(3, "Got character ZDOID from Sif : 6:1"),
			at(4, "Destroying abandoned non persistent zdo 6:1 owner 6"), at(4, "Closing socket 76561198555000801"),
		}, "Una"},
		{"a double is refused", []string{
			at(0, "Opened Steam server"), at(1, "Got connection SteamID 76561198555000801"), at(1, in), at(1, "Got character ZDOID from Una : 5:1"),
			at(4, "Got connection SteamID 76561198555000801"), at(4, "Already connected to peer with UID:5  76561198555000801"), at(4, "Closing socket 76561198555000801"),
		}, "Una"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := read(tt.lines...)
			now := r.Roster()
			var on []string
			for _, p := range now.Players {
				on = append(on, p.Name)
			}
			if got := strings.Join(on, " "); got != tt.want || now.Connecting != 0 {
				t.Errorf("got %q and %d connecting, want %q", got, now.Connecting, tt.want)
			}
		})
	}
}

// TestNoGuesses: an account is told only if it is certain.
func TestNoGuesses(t *testing.T) {
	at := func(minute int, text string) string { return fmt.Sprintf("10/02/2026 20:%02d:00: %s", minute, text) }
	knock := func(minute, who int) []string {
		return []string{
			at(minute, fmt.Sprintf("PlayFab listen socket child connected to remote player AB%d", who)),
			at(minute, fmt.Sprintf("PlayFab socket with remote ID playfab/AB%d received local Platform ID Xbox_%d", who, who)),
		}
	}
	const in = "Server: New peer connected,sending global keys"
	tests := []struct {
		name  string
		lines []string
	}{
		{"one of two is in, both knocks are old", slices.Concat(knock(0, 1), knock(1, 2), []string{at(2, in), at(6, "x"), at(7, "x"), at(7, "Got character ZDOID from Una : 5:1")})},
		{"one of two is in, the first knock is old", slices.Concat(knock(0, 1), knock(3, 2), []string{at(4, in), at(6, "x"), at(6, "Got character ZDOID from Una : 5:1")})},
		{"the log begins in the middle", slices.Concat([]string{at(0, "x")}, knock(1, 1), []string{at(2, in), at(3, "Got character ZDOID from Una : 5:1")})},
		{"the acceptance is missing", slices.Concat(knock(0, 1), []string{at(6, "x")}, knock(7, 2), []string{at(7, "Got character ZDOID from Una : 5:1")})},
		{"two of two, one gone", slices.Concat([]string{at(0, "Opened PlayFab server")}, knock(1, 1), []string{at(1, in)}, knock(2, 2), knock(2, 3),
			[]string{at(2, in), at(3, "Got character ZDOID from Una : 5:1"), at(3, "Got character ZDOID from Sif : 6:1"),
				at(4, "Destroying abandoned non persistent zdo 5:1 owner 5"), at(20, "x"), at(20, "Destroying abandoned non persistent zdo 6:1 owner 6")})},
		{"and the next comes in", slices.Concat(knock(0, 1), knock(3, 2), []string{at(4, in), at(6, "x"), at(6, in), at(7, "Got character ZDOID from Una : 5:1")})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, hs := read(tt.lines...)
			for _, h := range hs {
				if h.PlatformID != "" && h.Kind != valheim.Connected {
					t.Errorf("%s tells %s", h.Kind, h.PlatformID)
				}
			}
		})
	}
}
