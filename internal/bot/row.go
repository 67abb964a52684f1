package bot

import (
	"context"
	"errors"
	"sync"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

// ErrRow says that a world's row is there and cannot be read: somebody changed
// it by hand, or another version of Hearth wrote it. It comes together with
// world.ErrMalformed or world.ErrSchema.
var ErrRow = errors.New("row cannot be read")

// rowToldEvery is how often the keeper is told that a row cannot be read.
const rowToldEvery = 6 * time.Hour

// rows is what a Reactions knows of rows that cannot be read. The zero value is
// ready.
type rows struct {
	mu   sync.Mutex           // guards what follows
	told map[string]time.Time // by world: when the keeper was told, as far as this worker knows
	fine map[string]time.Time // by world: when an event was handled last
}

// rowFine notes that a world's row can be read.
func (h *Reactions) rowFine(worldID string) {
	s := &h.rows
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fine == nil {
		s.told, s.fine = map[string]time.Time{}, map[string]time.Time{}
	}
	s.fine[worldID] = h.Runner.Clock.Now()
	delete(s.told, worldID)
}

// rowBroken tells the keeper, past the row, that it cannot be read. What another
// worker told since the row was last fine is looked for in the channel.
func (h *Reactions) rowBroken(ctx context.Context, worldID string, cause error) {
	c, ok := h.Runner.config(worldID)
	if !ok {
		return
	}
	now := h.Runner.Clock.Now()
	s := &h.rows
	s.mu.Lock()
	told, since := s.told[worldID], now.Add(-rowToldEvery)
	if fine := s.fine[worldID]; fine.After(since) {
		since = fine
	}
	s.mu.Unlock()
	if now.Sub(told) < rowToldEvery {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), chatWithin)
	defer cancel()
	say, channel := words.RowUnreadable(c, errors.Is(cause, world.ErrSchema)), h.Runner.Guild.KeeperChannel
	if channel == "" {
		channel = h.Runner.Guild.Channel
	}
	_, err := h.Runner.Chat.Find(ctx, channel, say, since)
	if errors.Is(err, world.ErrMessageGone) {
		_, err = h.Runner.Chat.Post(ctx, channel, say, nonce("row", worldID))
	}
	if err != nil {
		h.Log.Error("keeper not told of a row that cannot be read", "world", worldID, "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told == nil {
		s.told, s.fine = map[string]time.Time{}, map[string]time.Time{}
	}
	s.told[worldID] = now
}
