package panel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// gap is the least time between two snapshots to one page.
	gap = 100 * time.Millisecond
	// keepAlive is how often a silent stream gets a comment, so that nothing
	// between page and server takes it for dead.
	keepAlive = 15 * time.Second
	// writeWithin is how long one write may take before the page counts as
	// gone.
	writeWithin = 10 * time.Second
)

// events streams snapshots: event "state", or "trouble" with {"error"} when
// there is none. The numeric ids only count; a reconnecting page gets the
// present at once.
func (p *Panel) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s := &stream{panel: p, w: w, flush: http.NewResponseController(w)}
	if err := s.run(r.Context()); err != nil && r.Context().Err() == nil {
		p.log.DebugContext(r.Context(), "panel stream ended", "error", err)
	}
}

// stream is one page that listens.
type stream struct {
	panel *Panel
	w     http.ResponseWriter
	flush *http.ResponseController
	id    int64
}

func (s *stream) run(ctx context.Context) error {
	// Subscribed before the first snapshot, so that no change falls between.
	changes := s.panel.play.Changes(ctx)
	if err := s.write("retry: 1000\n\n"); err != nil {
		return err
	}
	if err := s.state(ctx); err != nil {
		return err
	}
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	closed := time.After(gap) // while set, no snapshot may be sent
	dirty := false            // a change waits for the gate to open
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-changes:
			if !ok {
				return nil
			}
			dirty = true
		case <-closed:
			closed = nil
		case <-alive.C:
			if err := s.write(": still here\n\n"); err != nil {
				return err
			}
		}
		if dirty && closed == nil {
			if err := s.state(ctx); err != nil {
				return err
			}
			dirty, closed = false, time.After(gap)
		}
	}
}

// state sends the present.
func (s *stream) state(ctx context.Context) error {
	snap, err := s.panel.play.Snapshot(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		s.panel.log.ErrorContext(ctx, "no snapshot of the playground", "error", err)
		return s.send("trouble", map[string]string{"error": "The playground does not say how it is. Its log says why."})
	}
	return s.send("state", snap)
}

func (s *stream) send(event string, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode %s: %w", event, err)
	}
	s.id++
	// json.Marshal leaves no line end in its output, so one data line holds it.
	return s.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", s.id, event, body))
}

func (s *stream) write(text string) error {
	deadline := time.Now().Add(writeWithin)
	if err := s.flush.SetWriteDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("set write deadline: %w", err)
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if err := s.flush.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("flush event: %w", err)
	}
	return nil
}
