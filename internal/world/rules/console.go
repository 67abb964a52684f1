package rules

import (
	"hearth/internal/world"
	"hearth/internal/world/words"
)

// maxUnbooted is how many machines in a row may fail to start their agent.
const maxUnbooted = 2

// watchBoot looks at a machine whose agent has not spoken, and now and then at
// what it wrote on its console.
func (r *reaction) watchBoot() {
	s, c := &r.s, &r.s.Cloud
	if d := r.now.Sub(s.Since); d >= ConsoleAfter && d < HostWithin && r.now.Sub(c.ConsoleAt) >= ConsoleEvery {
		r.lookInside()
		return
	}
	r.look()
}

// lookInside looks, and reads the console, too.
func (r *reaction) lookInside() {
	r.s.Cloud.ConsoleAt = r.now
	r.lookAt(true)
}

// noHost: the agent has had its time. What the console says is asked for first,
// and answered in the same handling; should the answer be lost, the machine goes
// without it.
func (r *reaction) noHost() {
	if !r.lastReading() {
		r.lookInside()
		r.within(CheckEvery)
		return
	}
	r.unheard(&world.BootLog{Unread: "Timeout"})
}

// lastReading: the console was asked for after the agent's time.
func (r *reaction) lastReading() bool {
	return !r.s.Cloud.ConsoleAt.Before(r.s.Since.Add(HostWithin))
}

// bootLog is what the console says of a machine whose agent has not spoken.
func (r *reaction) bootLog(b *world.BootLog) {
	s := &r.s
	if s.Status != world.Booting || b.Machine != s.Cloud.VM {
		return
	}
	switch {
	case b.Failed:
		r.bootFailed(b)
	case r.lastReading():
		r.unheard(b)
	}
}

// unheard gives a machine back whose agent never spoke.
func (r *reaction) unheard(b *world.BootLog) {
	r.keeper(words.Unheard(&r.c, b))
	r.fail(words.WhyNoHost)
}

// bootFailed: the machine has given up, and says at which step. It is not paid
// for any longer. What may be its own bad luck is tried once more, elsewhere if
// there is another place; what the next one would meet as well is not.
func (r *reaction) bootFailed(b *world.BootLog) {
	s, c := &r.s, &r.s.Cloud
	s.Session.Unbooted++
	again := s.Session.Unbooted < maxUnbooted && !failsEverywhere(b)
	r.keeper(words.BootFailedForKeeper(&r.c, c.Placement, b, again))
	if !again {
		r.fail(words.WhyBoot(b.Step))
		r.cardIfAny()
		return
	}
	r.line(words.BootFailed(&r.c, b.Step))
	r.block(c.Placement, TakenFor)
	r.enter(world.Relocating)
	r.machineLost()
	r.card()
}

// failsEverywhere: it is the deployment that is wrong, not this machine.
func failsEverywhere(b *world.BootLog) bool {
	switch b.Step {
	case world.BootChecksum:
		return true
	case world.BootAgent:
		// Gone: it was deployed anew a moment ago, and the next machine knows the
		// new one's name.
		return b.Answer() != 0 && b.Answer() != 404
	case world.BootIdentity, world.BootSecrets:
		return b.Answer() != 0
	case world.BootFence, world.BootPackages, world.BootStart:
	}
	return false
}
