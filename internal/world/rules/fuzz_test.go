package rules_test

import (
	"encoding/json"
	"testing"

	"hearth/internal/world"
	"hearth/internal/world/rules"
	"hearth/internal/world/worldtest"
)

// FuzzReact: whatever stands in the data of an event that could be decoded,
// React ends, for a world that is out and for one that is online.
func FuzzReact(f *testing.F) {
	for typ, p := range worldtest.Payloads() {
		f.Add(string(typ), asJSON(f, p))
		f.Add(string(typ), "{}")
	}
	online := newStage(f)
	online.c.MonthlyDollars = 1
	online.toOnline()
	f.Fuzz(func(_ *testing.T, typ, data string) {
		p, ok := worldtest.Payloads()[world.Type(typ)]
		if !ok || json.Unmarshal([]byte(data), p) != nil {
			return
		}
		for _, s := range []world.State{world.NewState(online.c.ID), online.s} {
			rules.React(online.c, s, world.Event{ID: "1", World: online.c.ID, Data: p, Received: online.now})
		}
	})
}
