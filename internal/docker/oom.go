package docker

import (
	"context"

	"github.com/moby/moby/client"
)

// hearMemory tells the log when the kernel ends a process of the container for
// its memory. The game's supervisor revives it, and its log says no more than
// that it was killed.
func (s *server) hearMemory(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wait := leastWait
	for !is(s.ended) && ctx.Err() == nil {
		r := s.g.api.Events(ctx, client.EventsListOptions{
			Filters: make(client.Filters).Add("type", "container").Add("container", s.id).Add("event", "oom"),
		})
		for broken := false; !broken; {
			select {
			case <-r.Messages:
				s.g.log.Error("kernel ended a process of the game's container for its memory: give it a larger machine, or a higher limit")
				wait = leastWait
			case err := <-r.Err:
				broken = true
				if ctx.Err() == nil {
					s.g.log.Debug("engine's events broke off", "error", err)
				}
			case <-s.ended:
				return
			}
		}
		if !s.pause(ctx, wait) { // the engine is away: watch says so
			return
		}
		wait = min(2*wait, mostWait)
	}
}
