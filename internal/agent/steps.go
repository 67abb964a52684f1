package agent

import (
	"hearth/internal/valheim"
	"hearth/internal/world"
)

// step begins a step of the boot; the one before it is done. Once the game
// listened, a boot has no more steps.
func (b *boot) step(s world.Step) {
	if s == b.Step || b.Touched {
		return
	}
	b.finishStep()
	b.Step, b.StepSince = s, b.Clock.Now()
	if b.Greeted {
		b.tellStep()
	}
}

// tellStep tells the step under way. HostUp does not wait for it, nor is it told
// before.
func (b *boot) tellStep() { b.emit(valheim.Happening{}, &world.StepBegun{Step: b.Step}) }

// finishStep ends the one under way, if there is one.
func (b *boot) finishStep() {
	if b.Step != "" {
		b.Steps = append(b.Steps, world.StepTook{Step: b.Step, Took: b.Clock.Now().Sub(b.StepSince)})
		b.Step = ""
	}
	b.Steps = b.Steps[max(0, len(b.Steps)-maxSteps):]
}

// maxSteps bounds what is told of the steps; an update can come twice.
const maxSteps = 16
