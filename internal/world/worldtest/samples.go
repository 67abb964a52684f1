package worldtest

import (
	"strings"
	"time"

	"hearth/internal/world"
)

// Payloads has one payload of each type with every field set.
func Payloads() map[world.Type]world.Payload {
	h := world.Heard{Epoch: 7, Seq: 42, Line: `11/22/2026 18:00:00: a "line" <as> written`}
	at := time.Date(2026, 11, 22, 18, 0, 1, 234_000_000, time.UTC)
	p := world.Player{Owner: "-3738881258", Name: "Æva & Bo"}
	m := world.Machine{Name: "vm-a-1", Size: "Standard_D2as_v5", Zone: "2", Address: "203.0.113.7"}
	found := []world.Instance{{ID: "vm-a-1", Address: "203.0.113.7"}, {ID: "vm-a-2"}}
	all := []world.Payload{
		&world.Command{
			Name: world.CmdStopNow, By: world.Person{ID: "1001", Name: "Astrid"}, Keeper: true, Operation: "99",
			Reply:  world.Reply{Application: "app", Token: "a-token", Ephemeral: true},
			Signed: world.Signed{Body: []byte(`{"type":2}`), Timestamp: "1800000000", Signature: "c0ffee"},
		},
		&world.HostUp{Heard: h, Machine: m, Continues: true, Previous: &world.Proof{
			World: "midgard", Epoch: 6, At: at, Why: world.StopNotice, Confirmed: true, Untouched: true, Size: 38_000_000, LastSave: at,
		}},
		&world.StepBegun{Heard: h, Step: world.StepImage},
		&world.CannotStart{Heard: h, Reason: world.FilesMissing, Detail: "no Midgard.db"},
		&world.NotKept{Heard: h, Reason: world.SnapshotDenied, Code: "AuthenticationFailed"},
		&world.Heartbeat{
			Heard: h, Machine: m, GameUp: true, Listening: true, Players: []world.Player{p, {Owner: "2"}},
			Connecting: 3, JoinCode: "034505", LastSave: at, MemoryMB: 2850,
		},
		&world.Listening{Heard: h, Version: "l-1.0.16", Took: 31 * time.Second, New: true, Mended: "Midgard.db from Midgard.db.old",
			Steps: []world.StepTook{{Step: world.StepLease, Took: time.Second}, {Step: world.StepLoad, Took: 30 * time.Second}}},
		&world.JoinCode{Heard: h, Code: "034505"},
		&world.Connected{Heard: h},
		&world.Spawned{Heard: h, Player: p},
		&world.Disconnected{Heard: h, Player: p, Reason: "timeout"},
		&world.Died{Heard: h, Player: p},
		&world.Refused{Heard: h, Reason: world.RefusedVersion, Name: "Bo", Theirs: "39", Mine: "40"},
		&world.Raid{Heard: h, Event: "army_bonemass"},
		&world.Saved{Heard: h, Took: 86 * time.Millisecond},
		&world.Crashed{Heard: h, Detail: "signal 11", Restarting: true, LastSave: at},
		&world.Noticed{Heard: h, Kind: "Preempt", NotBefore: at},
		&world.SaveProven{
			Heard: h, Why: world.StopOrdered, Operation: "99", Confirmed: true, Untouched: true,
			Took: 3 * time.Second, Size: 38_000_000, LastSave: at,
		},
		&world.OrderRefused{
			Heard: h, Operation: "99", Kind: world.OrderStopIfEmpty, Reason: world.OrderOccupied,
			Players: []world.Player{p}, Age: 11 * time.Minute,
		},
		&world.LogTail{Heard: h, Operation: "99", Lines: []string{"a line", "another"}},
		&world.WordsLost{Heard: h, Count: 312},
		&world.CloudReport{
			Operation: "99", Round: 3, Placement: "a", Phase: world.CloudFailed, Capacity: 1, Token: "resume",
			Class: world.ClassQuota, Code: "QuotaExceeded", Detail: "no", Seen: true, Instances: found,
		},
		&world.Timer{Kind: world.TimerDeadline, Operation: "99", Number: 5},
		&world.Sweep{Placement: "b", Instances: found, Capacity: 1},
		&world.LeftOver{Items: []world.Leftover{{Kind: world.LeftoverAddress, Name: "ip-a-1"}, {Kind: world.LeftoverDisk, Name: "disk-1"}, {Kind: world.LeftoverSet, Name: "vmss-old"}}, More: 3},
		&world.Carded{Operation: "99", Ref: world.MessageRef{Channel: "1", ID: "2"}, Again: true},
		&world.SetAside{Items: []world.Aside{
			{Reason: world.AsideSchema, Count: 3, Key: "0123456789abcdef", Kept: "unreadable/schema/0123456789abcdef", What: "7"},
		}},
	}
	byType := map[world.Type]world.Payload{}
	for _, p := range all {
		byType[p.Type()] = p
	}
	return byType
}

// HostileNames are the names that somebody will try; some are a megabyte long.
func HostileNames() []string {
	return []string{
		"@everyone", "@here", "<@1001>", "<@&77>", "<#88>", "**x**", "__x__", "~~x~~", "||x||", "`x`", "```\nx\n```",
		" : 0:0", "[a](http://x)", "http://evil.example/x", "discord.gg/abc", "# h", "## h", "-# small", "> quote", ">>> quote",
		"- list", "1. list", "+ list", "\n\n🌙 **Midgard** is out.", "a\r\nb", "a\u2028b", "a\u0085b", "\\", "\\*", "x\\",
		":skull:", "<:skull:123>", "<t:0:R>", "</start:1>", "\u202egnip", "\u2066x\u2069", "\u200b\u200d\ufeff", "\u3164", "\u2800",
		"\ufe0f", "\u0301\u0301", "\x00\x1b[31m", "\xff\xfe", "\u00a0", "", "   ", strings.Repeat("x", 1<<20), strings.Repeat("*", 1<<20),
		strings.Repeat("\u200b", 1<<20) + "x", strings.Repeat("😀", 100), "&lt;@everyone&gt;", "<script>", `","admin":true,"`,
	}
}
