//go:build unix

package supervisor

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"sync"

	"hearth/internal/world"
)

// voice is the container's output, to which several write.
type voice struct {
	clock world.Clock

	mu  sync.Mutex // guards out
	out io.Writer
}

// syslog writes a line of one of the programs, as the image's syslogd does.
func (v *voice) syslog(program, format string, args ...any) {
	v.write(v.clock.Now().UTC().Format("Jan _2 15:04:05") + " supervisord: " + program + " " + fmt.Sprintf(format, args...))
}

// supervisord writes one of its own.
func (v *voice) supervisord(format string, args ...any) {
	v.write(v.clock.Now().UTC().Format("2006-01-02 15:04:05,000") + " " + fmt.Sprintf(format, args...))
}

func (v *voice) write(line string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, _ = io.WriteString(v.out, line+"\n") // nobody reads: the game goes on
}

// pass writes a game's lines until it has closed its output.
func (v *voice) pass(from io.Reader) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			v.syslog(server, "%s", strings.TrimSuffix(line, "\n"))
		}
		if err != nil {
			return
		}
	}
}

// flood writes n lines as fast as it can.
func (v *voice) flood(n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := bufio.NewWriterSize(v.out, 1<<16)
	stamp := v.clock.Now().UTC().Format("Jan _2 15:04:05")
	for i := range n {
		_, _ = fmt.Fprintf(out, "%s supervisord: %s flood-%d\n", stamp, server, i)
	}
	_ = out.Flush() // as in write
}
