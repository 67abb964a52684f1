package chaos_test

import (
	"fmt"
	"testing"

	"hearth/internal/sim/chaos"
)

// TestFoundSeeds simulates again what once broke a promise; each seed was seen to
// fail with its mending taken out. docs/promises.md tells the stories. A change
// of the simulator may make them ordinary seeds.
func TestFoundSeeds(t *testing.T) {
	for _, f := range []struct {
		seed uint64
		what string
	}{
		{1, "a failed operation was looked at for ever"},
		{10, "a dead worker's scale was done beside a newer one"},
		{82, "an agent spoke while its machine was on the way out"},
		{21, "a message was said again after its nonce"},
		{15, "the chain of checks ended in the poison queue"},
		{48, "silence in which nobody listened was believed"},
		{113, "a command died with its worker's last delivery"},
		{5478, "silence was believed, after an earlier boot that was proven"},
		{21103, "a stop was ordered of a boot that was over, with its next one unheard"},
		{21314, "a start was called off, and its machine came up unheard"},
		{210, "a machine came up unheard while its deletion was refused as busy"},
		{1539, "another command's answer was taken for this one's"},
		{549, "a message whose answer was lost was taken for refused, as its repeat was"},
		{629, "operations failed in the calm, as the chaos had asked for"},
		{752, "an agent's first words ended in the poison queue, and its machine was deleted for silence"},
		{1450, "a second game that did not save was told to nobody, as the first had been told"},
		{66, "a full disk kept an old memory"},
	} {
		t.Run(fmt.Sprintf("%d %s", f.seed, f.what), func(t *testing.T) {
			r := simulate(t, chaos.Options{Seed: f.seed, Hours: 3})
			for _, v := range r.Violations {
				t.Error(v)
			}
		})
	}
}
