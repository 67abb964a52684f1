package valheim_test

import (
	"fmt"

	"hearth/internal/valheim"
)

// A reader takes the log line by line. Most lines mean nothing; some mean what
// the world is told.
func ExampleReader() {
	r := valheim.NewReader()
	for _, line := range []string{
		"11/22/2026 18:00:01: Opened Steam server",
		"11/22/2026 18:02:10: Got connection SteamID 76561198000000001",
		"11/22/2026 18:02:16: Server: New peer connected,sending global keys",
		"11/22/2026 18:02:27: Got character ZDOID from Bo : -3738881258:2",
		"11/22/2026 18:02:28: Console: <color=orange>Bo</color>: I HAVE ARRIVED!",
		"11/22/2026 18:31:40: Time 3780.5, day:2    nextm:3870.0  skipspeed:7.45",
		"11/22/2026 18:32:05: Got character ZDOID from Bo : 0:0",
	} {
		for _, h := range r.Read(line) {
			if p := h.Payload(); p != nil {
				fmt.Printf("%s %q: the world is told %s\n", h.Kind, h.Player.Name, p.Type())
			} else {
				fmt.Println(h.Kind)
			}
		}
	}
	fmt.Println(r.Roster().Players)
	for _, h := range r.End() { // the process is gone, and nobody had asked for it
		fmt.Printf("%s %q\n", h.Kind, h.Player.Name)
	}

	// Output:
	// listening
	// connecting
	// connected "": the world is told agent.connected
	// spawned "Bo": the world is told agent.spawned
	// day
	// died "Bo": the world is told agent.died
	// [{-3738881258 Bo}]
	// disconnected "Bo"
	// crashed ""
}

// An autosave that began before the request proves nothing, even if it ends
// after it.
func ExampleProof() {
	r, p := valheim.NewReader(), valheim.Proof{}
	read := func(line string) {
		for _, h := range r.Read(line) {
			p.See(h)
		}
	}
	read("PrepareSave: clone done in 12 ms")
	p.Request()
	read("World saved ( 86.5ms )")
	fmt.Println(p.Saved())

	read("PrepareSave: clone done in 11 ms")
	read("World saved ( 84.1ms )")
	fmt.Println(p.Saved())

	// Output:
	// false
	// true
}
