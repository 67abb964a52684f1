package simcloud

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"hearth/internal/world"
)

var _ world.Console = (*Cloud)(nil)

// keptConsole is how much of a machine's console is kept.
const keptConsole = 4 * world.MaxConsoleBytes

// bootFailure is how boots at a set end.
type bootFailure struct {
	Step   world.BootStep `json:"step"`
	Reason string         `json:"reason,omitempty"` // empty: nothing is said, and nothing goes on
}

// FailBoots makes the boots at a placement, those under way too, give up at a
// step for this reason, or stop there without a word if there is none: the machine
// is there and paid for, and nothing runs on it. An empty step ends it. What is
// running already goes on.
func (c *Cloud) FailBoots(placement string, step world.BootStep, reason string) error {
	return c.pull("fail boots", placement, func(s *scaleSet) {
		s.BootFails = &bootFailure{step, reason}
		if step == "" {
			s.BootFails = nil
		}
	})
}

// ReadConsole implements world.Console. It is not kept in the File.
func (c *Cloud) ReadConsole(ctx context.Context, machine string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read console of %s: %w", machine, err)
	}
	c.enter()
	defer c.leave()
	if err := c.refusal(); err != nil {
		return nil, err
	}
	if c.st.setOf(machine) == nil {
		return nil, cloudError(codeNotFound, fmt.Sprintf("The Resource 'Microsoft.Compute/virtualMachines/%s' was not found.", machine))
	}
	text := c.consoles[machine]
	return bytes.Clone(text[max(0, len(text)-world.MaxConsoleBytes):]), nil
}

// Printed is all that is kept of a machine's console; unlike ReadConsole it is no
// call that FailCalls counts.
func (c *Cloud) Printed(machine string) []byte {
	c.enter()
	defer c.leave()
	return bytes.Clone(c.consoles[machine])
}

// Write prints on the machine's console, as programs on it may. It fails once the
// machine is gone.
func (v *VM) Write(text []byte) (int, error) {
	v.cloud.enter()
	defer v.cloud.leave()
	if v.cloud.st.setOf(v.ID) == nil {
		return 0, fmt.Errorf("print on the console of %s: %w", v.ID, ErrPowerOff)
	}
	v.cloud.print(v.ID, text)
	return len(text), nil
}

// print adds to a machine's console. c.mu is held.
func (c *Cloud) print(machine string, text []byte) {
	all := append(c.consoles[machine], text...)
	c.consoles[machine] = all[max(0, len(all)-keptConsole):]
}

// printBoot prints what a machine's boot prints, in the form in which cloud-init
// shows it on Ubuntu's console, and reports whether it came to its end. c.mu is
// held.
func (c *Cloud) printBoot(s *scaleSet, took time.Duration) bool {
	m := s.VM
	c.print(m.ID, fmt.Appendf(nil, "[    0.000000] Linux version 6.14.0-1012-azure (pretended)\r\n"))
	steps := world.BootSteps()
	line := func(i int, text string) {
		at := took.Seconds() * float64(i+1) / float64(len(steps)+1)
		c.print(m.ID, fmt.Appendf(nil, "[%12.6f] cloud-init[612]: hearth-boot: %s\r\n", at, text))
	}
	for i, step := range steps {
		line(i, string(step))
		if f := s.BootFails; f != nil && (f.Step == step || i == len(steps)-1) {
			if f.Reason != "" {
				line(i, fmt.Sprintf("FAILED at %s: %s", f.Step, f.Reason))
			}
			return false
		}
	}
	return true
}
