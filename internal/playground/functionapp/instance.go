package functionapp

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hearth/internal/sim/simhost"
)

// restartAfter is how long the platform takes to bring up a host in the place
// of one that ended.
const restartAfter = 2 * time.Second

// Instance is one of the machines that an app runs on.
type Instance struct{ in *instance }

// KillHandler kills the bot's process; its host starts it again.
func (i Instance) KillHandler() error {
	if h := i.in.live(); h != nil {
		return h.KillHandler()
	}
	return nil
}

// Pid is the bot's process; 0 while there is none.
func (i Instance) Pid() int {
	if h := i.in.live(); h != nil {
		return h.Pid()
	}
	return 0
}

// Crash takes the machine away: nothing it has in hand is given back. The
// platform brings up another.
func (i Instance) Crash() { i.in.crash() }

type instance struct {
	o simhost.Options

	mu      sync.Mutex    // guards what follows
	host    *simhost.Host // nil while there is none
	crashed chan struct{} // closed when host was made to crash
	inHand  int           // messages that host has and has not put away
}

func (in *instance) begin(ctx context.Context) error {
	h, err := simhost.Start(ctx, in.o)
	if err != nil {
		return fmt.Errorf("start the functions host: %w", err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.host, in.crashed, in.inHand = h, make(chan struct{}), 0
	return nil
}

// supervise does what the platform does: where a host has ended, another is
// started.
func (in *instance) supervise(ctx context.Context, log *slog.Logger) {
	for {
		in.mu.Lock()
		h, crashed := in.host, in.crashed
		in.mu.Unlock()
		if h != nil {
			select {
			case <-ctx.Done():
				return
			case <-crashed:
				log.Warn("functions host crashed")
			case <-h.Done():
				log.Error("functions host ended", "error", h.Err())
			}
			in.mu.Lock()
			in.host = nil
			in.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return
		case <-in.o.Clock.After(restartAfter):
		}
		if err := in.begin(ctx); err != nil {
			log.Error("functions host not started", "error", err)
		}
	}
}

func (in *instance) live() *simhost.Host {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.host
}

func (in *instance) crash() {
	in.mu.Lock()
	h, crashed := in.host, in.crashed
	in.host = nil
	in.mu.Unlock()
	if h == nil {
		return
	}
	h.Crash()
	close(crashed)
}

func (in *instance) hand(n int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.inHand += n
}

func (in *instance) busy() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.inHand > 0
}
