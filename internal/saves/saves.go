package saves

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"hearth/internal/world"
)

var _ world.Files = (*Dir)(nil)

// Options say where a world's files are.
type Options struct {
	ID    string // the world's id
	World string // names the files: World.db, or a folder World
	// Dir holds the world's files. It need not exist before the first save.
	Dir string
	// Home outlives the machine and holds Dir, or is it; default Dir. Word of
	// the world and of its last boot is left there.
	Home string
	// MustMount: Home must be a mount point. Only Linux can tell.
	MustMount bool
	// AllowNew: where there has never been a world, the game may make one.
	AllowNew bool
}

// Dir is a folder with a world's files. It is safe for concurrent use.
type Dir struct {
	o      Options
	writes chan struct{} // holds a token while somebody writes
	before func()        // called before every batch of file calls; nil but in tests
}

// New checks the options. The error names everything that is wrong. It does not
// look at the files.
func New(o Options) (*Dir, error) {
	var problems []error
	need := func(ok bool, what string) {
		if !ok {
			problems = append(problems, errors.New(what))
		}
	}
	need(o.ID != "", "ID is missing: the world's id")
	need(o.World != "" && !strings.ContainsAny(o.World, `/\`) && o.World != "." && o.World != "..", "World must be the name of the world's files, without a folder")
	need(o.Dir != "", "Dir is missing: the folder of the world's files")
	if o.Home == "" {
		o.Home = o.Dir
	}
	inside, err := filepath.Rel(o.Home, o.Dir)
	need(err == nil && filepath.IsLocal(inside), "Dir must be Home or a folder in it")
	need(!o.MustMount || canTellMounts, "MustMount: this system does not tell what is mounted where; leave it out")
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("world's files: %w", err)
	}
	o.Dir, o.Home = filepath.Clean(o.Dir), filepath.Clean(o.Home)
	return &Dir{o: o, writes: make(chan struct{}, 1)}, nil
}

// errNoAnswer: the file system did not answer while the caller's time lasted.
var errNoAnswer = errors.New("the file system does not answer: the share is away, or its disk stands still")

// beside runs file calls and returns their result, or errNoAnswer and the
// context's error when that ends first. They go on then, for nobody.
func beside[T any](ctx context.Context, d *Dir, calls func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	done := make(chan result, 1)
	go func() {
		if d.before != nil {
			d.before()
		}
		value, err := calls()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, fmt.Errorf("%w: %w", errNoAnswer, ctx.Err())
	}
}

// writing is beside for calls that write. Those of an earlier caller, who may
// have gone on without them, end first.
func writing[T any](ctx context.Context, d *Dir, calls func() (T, error)) (T, error) {
	var none T
	select {
	case d.writes <- struct{}{}:
	case <-ctx.Done():
		return none, fmt.Errorf("%w: %w", errNoAnswer, ctx.Err())
	}
	if err := ctx.Err(); err != nil {
		<-d.writes
		return none, err
	}
	return beside(ctx, d, func() (T, error) {
		defer func() { <-d.writes }()
		return calls()
	})
}
