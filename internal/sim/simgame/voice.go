package simgame

import (
	"fmt"
	"io"
	"strings"

	"hearth/internal/world"
)

// voice writes the log.
type voice struct {
	out   io.Writer
	clock world.Clock
}

// say writes a message under the game's timestamp: US order, no zone.
func (v voice) say(format string, args ...any) {
	v.write(v.clock.Now().Format("01/02/2006 15:04:05: ") + fmt.Sprintf(format, args...))
}

// raw writes a line without a timestamp, as the engine and Steam do.
func (v voice) raw(line string) { v.write(line) }

func (v voice) write(line string) {
	line = strings.NewReplacer("\r", " ", "\n", " ").Replace(line)
	_, _ = io.WriteString(v.out, line+"\n") // nobody reads: the game goes on
}
