package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"hearth/internal/docker/logstream"
	"hearth/internal/world"
)

const (
	readBytes = 64 << 10
	// keptAhead bounds what is read ahead of whoever takes the lines, in
	// bytes. Beyond it the log waits on the engine's disk, where its rotation is
	// the bound.
	keptAhead = 4 << 20
	lineBytes = 56 // of a world.Line beside its text
)

// follow reads the container's log after a place to its end, and closes Lines.
func (s *server) follow(ctx context.Context, after world.Place) {
	batches := make(chan []world.Line)
	done := make(chan struct{})
	go func() {
		defer close(done)
		hand(ctx, batches, s.lines)
	}()
	s.read(ctx, after, batches)
	close(batches)
	<-done
	if ctx.Err() == nil { // else the server goes on, and nobody looks
		close(s.lines)
	}
}

// hand passes batches on, and puts together what is not taken yet.
func hand(ctx context.Context, in <-chan []world.Line, out chan<- []world.Line) {
	var waiting []world.Line
	size := 0
	for in != nil || len(waiting) > 0 {
		from, to := in, out
		if len(waiting) == 0 {
			to = nil
		}
		if size >= keptAhead {
			from = nil
		}
		select {
		case lines, ok := <-from:
			if !ok {
				in = nil
				continue
			}
			for _, l := range lines {
				size += len(l.Text) + lineBytes
			}
			if waiting == nil {
				waiting = lines
			} else {
				waiting = append(waiting, lines...)
			}
		case to <- waiting:
			waiting, size = nil, 0
		case <-ctx.Done():
			return
		}
	}
}

// read reads the log until its container has ended, however often the stream
// breaks.
func (s *server) read(ctx context.Context, place world.Place, batches chan<- []world.Line) {
	wait := leastWait
	for ctx.Err() == nil {
		last := is(s.ended) // then nobody writes any more, and the end is the end
		before := place
		err := s.stream(ctx, &place, !last, batches)
		switch {
		case errdefs.IsNotFound(err):
			if last {
				return // removed, with its log
			}
		case err != nil && ctx.Err() == nil:
			s.g.log.Warn("game's log broke off, reading on", "wait", wait, "error", err)
		case err == nil && last:
			return
		}
		if place != before {
			wait = leastWait
		}
		ended := s.ended
		if last {
			ended = nil
		}
		select {
		case <-s.g.clock.After(wait):
			wait = min(2*wait, mostWait)
		case <-ended:
			wait = leastWait
		case <-ctx.Done():
			return
		}
	}
}

// stream reads the log once from its beginning and hands on what comes after
// the place, which it moves along.
func (s *server) stream(ctx context.Context, place *world.Place, follow bool, batches chan<- []world.Line) error {
	after := *place
	if !after.At.IsZero() {
		lost, err := s.lost(ctx, after)
		if err != nil {
			return err
		}
		if lost {
			s.g.log.Warn("place in the game's log was rotated away, reading what is there")
			after = world.Place{}
		}
	}
	p := logstream.New(after)
	return s.scan(ctx, client.ContainerLogsOptions{Follow: follow}, func(b []byte) error {
		lines, err := p.Feed(b, nil)
		end := p.Place()
		if b == nil && !follow {
			lines = p.End(lines)
			if end = p.Place(); s.starved && !end.At.IsZero() {
				if end = epitaph(end); !same(end, after) {
					lines = append(lines, world.Line{At: end.At, N: end.N, Text: killedForMemory})
				}
			}
		}
		s.notice(lines)
		if len(lines) > 0 {
			select {
			case batches <- lines:
			case <-ctx.Done():
				return ctx.Err()
			}
			*place = end
		}
		return err
	})
}

// killedForMemory is a line of our own behind the log of a container that the
// kernel ended for its memory, for nobody in it could say so. valheim.Reader
// knows it.
const killedForMemory = "hearth: the game's container was killed by the kernel for its memory"

// epitaph is the place behind killedForMemory in a log that ends at end: that of
// one more line with the same stamp. The engine remembers how the container
// ended, so the line is there whenever the log is read, and always the last.
func epitaph(end world.Place) world.Place { return end.Next(end.At) }

// same says whether two places of one log are the same.
func same(a, b world.Place) bool { return a.At.Equal(b.At) && a.N == b.N }

// lost says whether the place's line is no more in the log, although the
// stamps of the lines that are there come before it.
func (s *server) lost(ctx context.Context, after world.Place) (bool, error) {
	// The usual case at little cost: the last line is no older than the place.
	for _, tail := range []string{"1", "all"} {
		p := logstream.New(after)
		if tail == "1" {
			p = logstream.New(world.Place{At: after.At.Add(-1)})
		}
		n := 0
		err := s.scan(ctx, client.ContainerLogsOptions{Tail: tail}, func(b []byte) error {
			lines, err := p.Feed(b, nil)
			n += len(lines)
			return err
		})
		if err != nil || n > 0 {
			return false, err
		}
		if tail == "all" {
			ours := is(s.ended) && s.starved && same(epitaph(p.Place()), after) // that line is in no file
			return p.Lost() && !ours, nil
		}
	}
	return false, nil
}

// scan opens the log and gives take its bytes, and nil at its end.
func (s *server) scan(ctx context.Context, o client.ContainerLogsOptions, take func([]byte) error) (err error) {
	o.ShowStdout, o.ShowStderr, o.Timestamps = true, true, true
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, err := s.g.api.ContainerLogs(ctx, s.id, o)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	buf := make([]byte, readBytes)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if err := take(buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return take(nil)
		}
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
	}
}

// listed asks the engine whether the game is among the container's processes.
func (s *server) listed(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := s.g.api.ContainerTop(ctx, s.id, client.ContainerTopOptions{Arguments: []string{"-eo", "pid,args"}})
	if errdefs.IsNotFound(err) || errdefs.IsConflict(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("list processes: %w", err)
	}
	for _, row := range r.Processes {
		if len(row) > 1 && strings.HasPrefix(filepath.Base(strings.Fields(row[1] + " -")[0]), gameProgram) {
			return true, nil
		}
	}
	return false, nil
}
