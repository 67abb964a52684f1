package rules_test

import (
	"fmt"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// A start, as the runner gives it to React: a command, what the cloud answers
// to the effects, and the agent's first words.
func ExampleReact() {
	c := world.Config{ID: "midgard", Name: "Midgard", Port: 2456, IdleMinutes: 10, Placements: []world.Placement{{ID: "vmss-midgard"}}}
	s := world.NewState("midgard")
	now := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)

	react := func(p world.Payload) {
		var effects []world.Effect
		now = now.Add(10 * time.Second)
		s, effects = rules.React(c, s, world.Event{ID: now.Format("150405"), World: "midgard", Time: now, Received: now, Data: p})
		fmt.Printf("%T: %s\n", p, s.Status)
		for _, e := range effects {
			switch {
			case e.Cloud != nil:
				fmt.Println("  cloud:", e.Cloud.Act, e.Cloud.Placement, e.Cloud.Capacity)
			case e.Chat != nil && e.Chat.Kind == world.ChatLine:
				fmt.Println("  line:", e.Chat.Say.Text)
			}
		}
	}

	react(&world.Command{Name: world.CmdStart, By: world.Person{ID: "1001", Name: "Astrid"}})
	react(&world.CloudReport{Round: 1, Placement: "vmss-midgard", Phase: world.CloudBegun, Capacity: 1, Token: "resume"})
	react(&world.Timer{Kind: world.TimerLook, Number: s.LookNo})
	react(&world.CloudReport{Round: 1, Placement: "vmss-midgard", Phase: world.CloudDone, Capacity: 1, Seen: true, Instances: []world.Instance{{ID: "vm-1"}}})
	react(&world.HostUp{Heard: world.Heard{Epoch: 1, Seq: 1}, Machine: world.Machine{Name: "vm-1", Address: "203.0.113.7"}})
	react(&world.Listening{Heard: world.Heard{Epoch: 1, Seq: 2}})

	// Output:
	// *world.Command: starting
	//   cloud: scale vmss-midgard 1
	// *world.CloudReport: starting
	// *world.Timer: starting
	//   cloud: look vmss-midgard 1
	// *world.CloudReport: booting
	// *world.HostUp: loading
	// *world.Listening: online
	//   line: 🔥 **Midgard** is burning. Join at `203.0.113.7:2456`. <@1001>
}
