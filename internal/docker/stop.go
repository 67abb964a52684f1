package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"hearth/internal/world"
)

const (
	// askWithin is how long the engine may take to hand the request on; then
	// the machine asks the game itself.
	askWithin = 3 * time.Second
	// askAgainAfter: the stop command blocks for as long as the game saves, so
	// that it runs says nothing. If the log says nothing either, the request was
	// lost on its way. The image's own script escalates at 29 s, so an interrupt
	// is no worse by then.
	askAgainAfter = 30 * time.Second
	// logFor is how long the container lives on after the game, for what is
	// still in its pipes. It is part of an eviction's eight seconds.
	logFor = 2 * time.Second

	lookEvery = 100 * time.Millisecond // at what can't be waited for
)

// stopCommand makes the image's supervisor stop the game: it interrupts it,
// waits, and does not revive it. It speaks over a socket in the container, so
// nothing on the way to it is a signal that a security module may block
// (github.com/moby/moby/issues/47749).
func stopCommand() []string { return []string{"supervisorctl", "stop", "valheim-server"} }

// Stop implements world.Server. It asks the supervisor in the container; if
// that can't be asked, the game itself is interrupted.
func (s *server) Stop(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stop game: %w", err)
	}
	if is(s.ended) || is(s.done) {
		return nil
	}
	s.askOnce.Do(func() {
		close(s.asked)
		s.g.spawn(s.goes)
	})
	if s.told.Load() || s.byHand.Load() {
		return nil // once is enough
	}
	exec, err := s.tell(ctx)
	if err == nil {
		s.told.Store(true)
		s.g.spawn(func(ctx context.Context) { s.heed(ctx, exec) })
		return nil
	}
	if errdefs.IsNotFound(err) || errdefs.IsConflict(err) {
		// It does not run, or is about to be gone: watch will tell. But what
		// can't be executed in it is an error of this kind, too.
		if c, looked := s.g.inspect(ctx, s.id); looked == nil && !running(c) {
			return nil
		}
	}
	s.g.log.Warn("game's supervisor could not be asked, interrupting the game itself", "error", err)
	if direct := s.interrupt(ctx); direct != nil {
		return fmt.Errorf("stop game: %w", errors.Join(err, direct))
	}
	return nil
}

// tell begins the stop command in the container and does not wait for it: it
// takes as long as the game does.
func (s *server) tell(ctx context.Context) (exec string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	made, err := s.g.api.ExecCreate(ctx, s.id, client.ExecCreateOptions{Cmd: stopCommand()})
	if err != nil {
		return "", fmt.Errorf("make %q: %w", stopCommand(), err)
	}
	if _, err := s.g.api.ExecStart(ctx, made.ID, client.ExecStartOptions{Detach: true}); err != nil {
		return "", fmt.Errorf("run %q: %w", stopCommand(), err)
	}
	return made.ID, nil
}

// heed looks how the stop command ended. One that fails, or neither ends nor has
// reached the game, is followed by an interrupt. A game that goes by its own log
// is never interrupted a second time: its save may take long.
func (s *server) heed(ctx context.Context, exec string) {
	late := s.g.clock.After(askAgainAfter)
	for waited := false; !waited; {
		select {
		case <-s.g.clock.After(lookEvery):
		case <-late:
			waited = true
		case <-s.done:
			return
		case <-ctx.Done():
			return
		}
		if s.going.Load() {
			continue
		}
		why := "the supervisor does not answer"
		if !waited {
			looking, cancel := context.WithTimeout(ctx, askWithin)
			r, err := s.g.api.ExecInspect(looking, exec, client.ExecInspectOptions{})
			cancel()
			switch {
			case err != nil || r.Running:
				continue
			case r.ExitCode == 0:
				return
			}
			why = fmt.Sprintf("the stop command ended with %d", r.ExitCode)
		}
		s.g.log.Warn("game's supervisor did not stop it, interrupting the game itself", "why", why)
		if err := s.interrupt(ctx); err != nil {
			s.g.log.Error("game could not be interrupted", "error", err)
		}
		return
	}
}

// notice looks for the lines by which a stop of the game shows in the log: that
// of the script that interrupts it, and the game's own. supervisord's word about
// the next start ends it.
func (s *server) notice(lines []world.Line) {
	for _, l := range lines {
		switch {
		case strings.HasSuffix(l.Text, "Game - OnApplicationQuit"), strings.Contains(l.Text, "Shutting down Valheim server with PID "):
			s.going.Store(true)
		case strings.Contains(l.Text, "spawned: 'valheim-server'"):
			s.going.Store(false)
		}
	}
}

// interrupt goes past the supervisor. Without hands on this machine's processes
// the container is told to end as a whole, which its supervisor understands as
// well.
func (s *server) interrupt(ctx context.Context) error {
	s.byHand.Store(true)
	p, err := findProcess(s.id)
	if err == nil {
		defer s.drop(p)
		if err = p.interrupt(); err == nil {
			return nil
		}
	}
	if errors.Is(err, errNoProcess) && s.first() != nil {
		return nil // the game is not there; goes ends the container
	}
	if term := s.terminate(ctx); term != nil {
		s.byHand.Store(false) // nobody was asked
		return errors.Join(err, term)
	}
	return nil
}

// terminate tells the container's first process to end. The machine is quicker
// than the engine, which may hang, and a supervisor revives within a second.
func (s *server) terminate(ctx context.Context) error {
	if p := s.first(); p != nil {
		if err := p.terminate(); err == nil {
			return nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	_, err := s.g.api.ContainerKill(ctx, s.id, client.ContainerKillOptions{Signal: "TERM"})
	if errdefs.IsNotFound(err) || errdefs.IsConflict(err) {
		return nil
	}
	return err
}

// goes sees a stop through: it waits for the game's process, and then ends the
// container around it.
func (s *server) goes(ctx context.Context) {
	seen, err := s.awaitGame(ctx)
	if err != nil {
		return // closed
	}
	// Asked past its supervisor the game may be revived until the container
	// has ended.
	if seen && !s.byHand.Load() {
		s.closeDone()
	}
	for ctx.Err() == nil && !is(s.ended) {
		if err := s.terminate(ctx); err != nil {
			s.g.log.Warn("game's container could not be told to end", "error", err)
		}
		select {
		case <-s.ended:
			return
		case <-s.g.clock.After(logFor):
		case <-ctx.Done():
			return
		}
		// It may have come up after the first look: it was told, too.
		if _, err := s.awaitGame(ctx); err != nil {
			return
		}
		if err := s.Kill(); err != nil { //nolint:contextcheck // world.Server's Kill has a time of its own
			s.g.log.Warn("game's container could not be ended", "error", err)
		}
		if !s.pause(ctx, lookEvery) {
			return
		}
	}
}

// awaitGame returns when no process of the game is in the container: whether
// one was seen before, or ctx's error.
func (s *server) awaitGame(ctx context.Context) (seen bool, err error) {
	for ctx.Err() == nil && !is(s.ended) {
		p, err := findProcess(s.id)
		switch {
		case err == nil:
			seen = true
			err = p.wait(ctx)
			s.drop(p)
			if err == nil {
				return true, nil
			}
		case errors.Is(err, errNoProcess) && s.first() != nil:
			return seen, nil
		default: // not to be seen from here
			listed, err := s.listed(ctx)
			if err == nil && !listed {
				return seen, nil
			}
			seen = seen || listed
		}
		if !s.pause(ctx, lookEvery) {
			break
		}
	}
	return seen, ctx.Err()
}
