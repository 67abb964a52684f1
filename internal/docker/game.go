package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"hearth/internal/world"
)

var (
	_ world.Game   = (*Game)(nil)
	_ world.Server = (*server)(nil)
)

// Errors of a Game.
var (
	// ErrRunning: the container runs already; one world has one writer.
	ErrRunning = errors.New("the game's container runs already")
	// ErrForeign: a container of this name was made by somebody else, or for
	// another world. It is left alone.
	ErrForeign = errors.New("a container of this name is not ours")

	errNoProcess = errors.New("no such process on this machine")
)

// worldLabel is the label by which a container is ours; its value is the world.
const worldLabel = "hearth.world"

// gameProgram is how the name of the game's program begins.
const gameProgram = "valheim_server"

const (
	callTimeout = 10 * time.Second // of a call to the engine that is quick
	// cleanUpFor is how long a container whose start failed may take to be
	// removed.
	cleanUpFor = 20 * time.Second
	// engineWithin is how long Start and Find wait for an engine that is not
	// up: after a boot it may come later than the agent.
	engineWithin = 30 * time.Second

	// neverRotated times the usual size: of a log that must not be rotated.
	neverRotated = 50

	leastWait = 100 * time.Millisecond // before something is tried again
	mostWait  = 5 * time.Second
	pullWait  = 2 * time.Second // before an image is pulled again, and each time longer
	pullMost  = 30 * time.Second
)

// Game runs the game's server in a container. It is safe for concurrent use.
type Game struct {
	o     Options
	api   *client.Client
	clock world.Clock
	log   *slog.Logger

	starting sync.Mutex // held by the one Start or Find at a time

	work  sync.WaitGroup
	spawn func(func(context.Context)) // runs until Close
	stop  context.CancelFunc
}

// New checks the options; it does not talk to the engine yet. Close it.
func New(o Options) (*Game, error) {
	o, err := o.prepare()
	if err != nil {
		return nil, err
	}
	opts := []client.Opt{client.FromEnv}
	if o.Host != "" {
		opts = append(opts, client.WithHost(o.Host))
	}
	api, err := client.New(opts...)
	if err != nil {
		return nil, fmt.Errorf("game container: %w", err)
	}
	g := &Game{o: o, api: api, clock: o.Clock, log: o.Log.With("world", o.World, "container", o.Name)}
	ctx, stop := context.WithCancel(context.Background())
	g.stop = stop
	g.spawn = func(f func(context.Context)) { g.work.Go(func() { f(ctx) }) }
	return g, nil
}

// Close stops watching the servers and leaves them alone: their Lines and
// Done say nothing more. For whoever goes before the game does.
func (g *Game) Close() error {
	g.stop()
	g.work.Wait()
	if err := g.api.Close(); err != nil {
		return fmt.Errorf("close engine client: %w", err)
	}
	return nil
}

// Start implements world.Game. It begins world.StepImage and
// world.StepContainer. ErrRunning while the last server has not ended,
// ErrForeign if the container's name is taken. When it fails, no container of
// ours is left behind; if even that fails, the error says so, and is a
// world.ErrMaybeRunning once the engine was asked to start it.
func (g *Game) Start(ctx context.Context, began func(world.Step)) (world.Server, error) {
	g.starting.Lock()
	defer g.starting.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start game: %w", err)
	}
	began(world.StepImage)
	if err := g.image(ctx); err != nil {
		return nil, fmt.Errorf("start game: %w", err)
	}
	began(world.StepContainer)
	id, err := g.create(ctx)
	if err != nil {
		return nil, fmt.Errorf("start game: %w", err)
	}
	if _, err := g.api.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		return nil, g.notStarted(ctx, id, fmt.Errorf("start game: start container %s: %w", g.o.Name, err))
	}
	found, err := g.inspect(ctx, id)
	if err != nil {
		return nil, g.notStarted(ctx, id, fmt.Errorf("start game: %w", err))
	}
	g.log.Info("game's container started", "id", id, "image", g.o.Image)
	return g.attach(found, world.Place{}), nil
}

// notStarted undoes a start that failed. What can't be undone may run.
func (g *Game) notStarted(ctx context.Context, id string, failed error) error {
	if err := g.cleanUp(ctx, id); err != nil {
		return errors.Join(failed, fmt.Errorf("%w: %w", world.ErrMaybeRunning, err))
	}
	return failed
}

// create makes the container, in the last one's place.
func (g *Game) create(ctx context.Context) (id string, err error) {
	o := g.o
	if !g.followsRotation(ctx) {
		g.log.Warn("engine is older than 23 and would lose lines when it rotates a log that is read: the log is kept whole", "up_to", o.LogSize*neverRotated)
		o.LogSize *= neverRotated
	}
	config, host := o.config()
	for wait := leastWait; ; wait *= 2 {
		if err := g.makeRoom(ctx); err != nil {
			return "", err
		}
		made, err := g.api.ContainerCreate(ctx, client.ContainerCreateOptions{Name: g.o.Name, Config: config, HostConfig: host})
		if err == nil {
			return made.ID, nil
		}
		err = fmt.Errorf("create container %s: %w", g.o.Name, err)
		// An engine goes on with a request that was given up, and has the name
		// before it shows the container.
		if !errdefs.IsConflict(err) || wait > mostWait {
			return "", errors.Join(err, g.cleanUp(ctx, g.o.Name)) // the answer may be lost and the container there
		}
		select {
		case <-g.clock.After(wait):
		case <-ctx.Done():
			return "", errors.Join(ctx.Err(), err)
		}
	}
}

// Find implements world.Game. It needs the engine: one that does not answer
// for half a minute is an error. A container that does not run is looked at
// twice, a second apart.
func (g *Game) Find(ctx context.Context, after world.Place) (world.Server, error) {
	g.starting.Lock()
	defer g.starting.Unlock()
	found, err := g.look(ctx)
	if err != nil {
		return nil, fmt.Errorf("find game: %w", err)
	}
	if !ours(found, g.o.World) || found.State.Status == container.StateCreated {
		return nil, fmt.Errorf("find game: container %s: %w", g.o.Name, world.ErrNotFound)
	}
	if !running(found) { // Done says so at once, unless it is up again
		select {
		case <-g.clock.After(restartWithin):
		case <-ctx.Done():
			return nil, fmt.Errorf("find game: %w", ctx.Err())
		}
		if found, err = g.inspect(ctx, found.ID); err != nil {
			return nil, fmt.Errorf("find game: %w", err)
		}
	}
	if after.Server != found.ID {
		after = world.Place{}
	}
	g.log.Info("game's container found", "id", found.ID, "status", string(found.State.Status))
	return g.attach(found, after), nil
}

// followsRotation says whether the engine reads a file to its end before it
// turns to the next one, when it rotates a log that is followed. That began
// with version 23, whose API is 1.42 (moby's daemon/logger/loggerutils/follow.go);
// 20.10 was seen to lose lines.
func (g *Game) followsRotation(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	p, err := g.api.Ping(ctx, client.PingOptions{})
	if err != nil {
		return false // whoever makes the container will be told
	}
	minor, err := strconv.Atoi(strings.TrimPrefix(p.APIVersion, "1."))
	return err == nil && minor >= 42
}

// look inspects the container of our name, whosever it is, and waits for an
// engine that is not up yet. world.ErrNotFound if there is none.
func (g *Game) look(ctx context.Context) (container.InspectResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, engineWithin)
	defer cancel()
	for wait := leastWait; ; wait = min(2*wait, mostWait) {
		found, err := g.inspect(ctx, g.o.Name)
		if err == nil || !client.IsErrConnectionFailed(err) {
			return found, err
		}
		select {
		case <-g.clock.After(wait):
		case <-ctx.Done():
			return found, err
		}
	}
}

// inspect looks at a container. world.ErrNotFound if there is none.
func (g *Game) inspect(ctx context.Context, id string) (container.InspectResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := g.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) {
		return container.InspectResponse{}, fmt.Errorf("container %s: %w", id, world.ErrNotFound)
	}
	if err != nil {
		return container.InspectResponse{}, fmt.Errorf("inspect container %s: %w", id, err)
	}
	if r.Container.State == nil || r.Container.Config == nil {
		return container.InspectResponse{}, fmt.Errorf("inspect container %s: the engine left out its state", id)
	}
	return r.Container, nil
}

func ours(c container.InspectResponse, worldID string) bool {
	return c.Config.Labels[worldLabel] == worldID
}

// running: there are processes, or will be without anybody's doing.
func running(c container.InspectResponse) bool {
	return c.State.Running || c.State.Paused || c.State.Restarting
}

// makeRoom removes the container of the last server, if it has ended.
func (g *Game) makeRoom(ctx context.Context) error {
	last, err := g.look(ctx)
	switch {
	case errors.Is(err, world.ErrNotFound):
		return nil
	case err != nil:
		return err
	case !ours(last, g.o.World):
		return fmt.Errorf("container %s: %w", g.o.Name, ErrForeign)
	case running(last):
		return fmt.Errorf("container %s: %w", g.o.Name, ErrRunning)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err = g.api.ContainerRemove(ctx, last.ID, client.ContainerRemoveOptions{RemoveVolumes: true})
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("remove container %s: %w", g.o.Name, err)
	}
	return nil
}

// cleanUp removes the container of a start that failed, whatever it does by
// now: the caller of Start may be told that nothing runs. ctx may be over. The
// clock bounds how often it tries, the timeout how long a try may hang.
func (g *Game) cleanUp(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpFor)
	defer cancel()
	late := g.clock.After(cleanUpFor)
	for {
		err := g.tryCleanUp(ctx, id)
		if err == nil {
			return nil
		}
		select {
		case <-g.clock.After(time.Second):
			continue
		case <-late:
		case <-ctx.Done():
		}
		return fmt.Errorf("container %s was not removed: %w", g.o.Name, err)
	}
}

func (g *Game) tryCleanUp(ctx context.Context, id string) error {
	found, err := g.inspect(ctx, id)
	if errors.Is(err, world.ErrNotFound) || err == nil && !ours(found, g.o.World) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = g.api.ContainerRemove(ctx, found.ID, client.ContainerRemoveOptions{RemoveVolumes: true, Force: true})
	if err == nil || errdefs.IsNotFound(err) {
		return nil
	}
	// An engine that may not kill can't remove either: the machine kills.
	if p, held := openProcess(found.State.Pid, found.ID); held == nil {
		err = errors.Join(err, p.kill(), p.close())
	}
	return err
}

// image sees to it that the image is here. One that is here is not asked for
// again: a boot does not wait for a registry that is down.
func (g *Game) image(ctx context.Context) error {
	for wait := pullWait; ; wait = min(2*wait, pullMost) {
		_, err := g.api.ImageInspect(ctx, g.o.Image)
		if err == nil {
			return nil
		}
		if errdefs.IsNotFound(err) {
			err = g.pull(ctx)
		}
		if err == nil {
			continue // it is here now
		}
		if ctx.Err() != nil || errdefs.IsInvalidArgument(err) {
			return fmt.Errorf("fetch image %s: %w", g.o.Image, err)
		}
		g.log.Warn("game's image could not be fetched, trying again", "image", g.o.Image, "wait", wait, "error", err)
		select {
		case <-g.clock.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("fetch image %s: %w", g.o.Image, err)
		}
	}
}

func (g *Game) pull(ctx context.Context) error {
	g.log.Info("fetching the game's image", "image", g.o.Image)
	r, err := g.api.ImagePull(ctx, g.o.Image, client.ImagePullOptions{})
	if err != nil {
		return err
	}
	return errors.Join(r.Wait(ctx), r.Close()) // the pull ends with its answer
}
