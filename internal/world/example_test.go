package world_test

import (
	"fmt"
	"time"

	"hearth/internal/world"
)

// HEARTH_WORLDS is read once, and every problem in it is told.
func ExampleParseWorlds() {
	worlds, err := world.ParseWorlds(`[{"id": "midgard", "name": "Midgard", "placements": [{"id": "vmss-1"}]}]`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(worlds[0].Name, worlds[0].Port, worlds[0].Idle())

	_, err = world.ParseWorlds(`[{"id": "Mid gard", "placements": []}]`)
	fmt.Println(err != nil)

	// Output:
	// Midgard 2456 10m0s
	// true
}

// An agent's event goes through the queue under its world's seal: whoever has
// another key can put messages into the queue, and speaks for nobody.
func ExampleEvent_EncodeSealed() {
	key := []byte("the key of midgard's agent")
	body, err := world.Event{
		ID: "midgard/7/42", Source: world.SourceAgent, World: "midgard",
		Time: time.Date(2026, time.November, 22, 18, 0, 0, 0, time.UTC),
		Data: &world.Died{
			Heard:  world.Heard{Epoch: 7, Seq: 42, Line: "Got character ZDOID from Bo : 0:0"},
			Player: world.Player{Owner: "1", Name: "Bo"},
		},
	}.EncodeSealed(key)
	if err != nil {
		fmt.Println(err)
		return
	}

	e, err := world.Decode(body, func(string) []byte { return key })
	fmt.Println(e.ID, e.Data.Type(), e.Data.(*world.Died).Player.Name, err)

	_, err = world.Decode(body, func(string) []byte { return []byte("another world's key") })
	fmt.Println(err)

	// Output:
	// midgard/7/42 agent.died Bo <nil>
	// decode event midgard/7/42: malformed event: seal does not fit
}

// What players chose stands in messages that people read: it means nothing
// there, and mentions nobody.
func ExamplePlainName() {
	fmt.Println(world.PlainName("**Bo** the [Bold](x)"))
	fmt.Println(world.PlainName("\u200b"))

	// Output:
	// \*\*Bo\*\* the \[Bold\]\(x\)
	// someone
}
