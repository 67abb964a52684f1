package playground

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"hearth/internal/clock"
	"hearth/internal/discord"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/web"
	"hearth/internal/sim/simgame/process"
	"hearth/internal/world"
)

// keepEvery is how often the time is written down.
const keepEvery = 200 * time.Millisecond

// run is one life of the playground on its folder.
type run struct {
	o       Options
	log     *slog.Logger
	clock   *clock.Scaled
	secrets secrets
	worlds  []world.Config
	guild   world.Guild

	storage storage
	discord *simdiscord.Discord
	cloud   *simcloud.Cloud
	chat    *discord.Client
	control control

	notes *notes

	mu    sync.Mutex // guards games
	games map[string]*process.Game

	neverListens atomic.Bool // games started from now on never open their door

	stopKeeping context.CancelFunc
	keeping     sync.WaitGroup
}

// storage is where queues, rows and leases are. All methods are safe for
// concurrent use.
type storage interface {
	Store() world.Store
	Queue(name string) world.Queue
	Lease() lease
	// Count counts a queue's messages, a queue that does not exist as empty.
	Count(ctx context.Context, queue string) (visible, hidden int, err error)
	Close() error
}

// lease also tells who holds it, and until when.
type lease interface {
	world.Lease
	Holder(ctx context.Context, worldID string) (h world.Holding, expires time.Time, held bool, err error)
}

// control is the running bot. ServeHTTP is the endpoint of its interactions.
type control interface {
	http.Handler
	// Drain waits, a while at most, until the bot has seen to every event that
	// is due.
	Drain(ctx context.Context)
	// Close ends it once it has finished what it has in hand.
	Close(ctx context.Context) error
}

// halfClock tells the playground's time and waits in the wall's: the pretend
// Discord's deadlines are about this machine's network, not about the pretend
// evening.
type halfClock struct{ *clock.Scaled }

func (halfClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// newRun opens the folder and starts everything. address is where the HTTP
// face of this playground is reached.
func newRun(ctx context.Context, o Options, log *slog.Logger, clk *clock.Scaled, address string) (*run, error) {
	r := &run{o: o, log: log, clock: clk, notes: newNotes(clk), games: map[string]*process.Game{}}
	if err := r.open(ctx, address); err != nil {
		return nil, errors.Join(err, r.close(context.WithoutCancel(ctx)))
	}
	ctx, r.stopKeeping = context.WithCancel(context.WithoutCancel(ctx))
	r.keeping.Go(func() { r.keep(ctx) })
	return r, nil
}

// open opens the parts, each of which needs those before it.
func (r *run) open(ctx context.Context, address string) (err error) {
	for _, d := range []string{r.o.Dir, filepath.Join(r.o.Dir, "worlds")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	if r.secrets, err = loadSecrets(r.o.Dir); err != nil {
		return err
	}
	r.worlds = worldsOf(r.o.Worlds, r.secrets.Password)
	startBot, err := r.openStorage(ctx)
	if err != nil {
		return err
	}
	r.guild = world.Guild{
		ID: simdiscord.DefaultGuildID, Channel: simdiscord.DefaultChannelID,
		KeeperRole: simdiscord.DefaultKeeperRoleID, KeeperChannel: simdiscord.DefaultKeeperChannelID,
	}
	if err := r.openDiscord(address); err != nil {
		return err
	}
	if err := r.openCloud(); err != nil { //nolint:contextcheck // the cloud lives until its Close, not as long as the start
		return err
	}
	if err := r.openChat(address); err != nil {
		return err
	}
	bot, err := startBot(address)
	if err != nil {
		return err // and bot is not nil, though it holds none
	}
	r.control = bot
	return nil
}

// openStorage returns what starts the bot on it, once the rest is there.
func (r *run) openStorage(ctx context.Context) (startBot func(address string) (control, error), err error) {
	if r.o.Azure == nil {
		l, err := openLocal(ctx, r.o.Dir, r.clock)
		if err != nil {
			return nil, err
		}
		r.storage = l
		return func(string) (control, error) { return r.startWorker(ctx, l) }, nil
	}
	a, err := r.openAccount(ctx)
	if err != nil {
		return nil, err
	}
	r.storage = a
	return func(address string) (control, error) { return r.startApp(ctx, a, address) }, nil
}

// worldsOf gives worlds without a password the playground's own.
func worldsOf(worlds []world.Config, password string) []world.Config {
	out := make([]world.Config, len(worlds))
	for i, w := range worlds {
		if w.Password == "" {
			w.Password = world.Secret(password)
		}
		out[i] = w
	}
	return out
}

func (r *run) openDiscord(address string) error {
	d, err := simdiscord.New(simdiscord.Options{
		Clock: halfClock{r.clock}, Seed: r.secrets.DiscordSeed, BotToken: r.secrets.BotToken,
		Deliver:           web.Deliver(new(http.Client), address+"/api/interactions"),
		EndpointURL:       address + "/api/interactions",
		BadSignatureEvery: 7,
		// Not synced: it has to outlive this process, not this machine.
		Keep: func(b []byte) error { return writeFile(r.path("discord.json"), b) },
		Log:  r.log.With("part", "simdiscord"),
	})
	if err != nil {
		return fmt.Errorf("open pretend discord: %w", err)
	}
	r.discord = d
	b, err := os.ReadFile(r.path("discord.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = d.Import(b)
	}
	if err != nil {
		// The channel's history is all that is in it; the world is not.
		r.log.Warn("channel not restored", "error", err)
	}
	return nil
}

func (r *run) openCloud() error {
	var places []world.Placement
	for _, w := range r.worlds {
		places = append(places, w.Placements...)
	}
	c, err := simcloud.New(simcloud.Options{
		Clock: r.clock, Boot: r.boot, Placements: places, Timing: r.o.Timing,
		File: r.path("cloud.json"), Log: r.log.With("part", "simcloud"), OnChange: r.notes.changed,
	})
	if err != nil {
		return fmt.Errorf("open pretend cloud: %w", err)
	}
	r.cloud = c
	if err := r.clearDisks(); err != nil {
		return fmt.Errorf("remove disks of machines that are gone: %w", err)
	}
	return nil
}

func (r *run) openChat(address string) (err error) {
	r.chat, err = discord.NewClient(discord.ClientOptions{
		URL: address + "/api/v10", Application: simdiscord.DefaultApplicationID,
		Token: world.Secret(r.secrets.BotToken), Version: r.o.Version,
		// The pauses that the pretend Discord asks for are of the time it tells.
		Log: r.log.With("part", "discord"), Clock: r.clock,
	})
	return err
}

// key is whose seal an event must bear.
func (r *run) key(worldID string) []byte {
	if worldID == world.BotKey {
		return r.secrets.botKey()
	}
	return r.secrets.agentKey(worldID)
}

// ready does what a deployment does once: register the commands, and save the
// endpoint's address, which Discord tries out. The HTTP face must be served. Then
// the keeper's commands find everything.
func (r *run) ready(ctx context.Context, address string) error {
	if err := r.chat.Register(ctx, r.guild.ID, r.worlds); err != nil {
		return fmt.Errorf("register commands: %w", err)
	}
	if err := r.discord.ValidateEndpoint(ctx); err != nil {
		return fmt.Errorf("save endpoint: %w", err)
	}
	return r.keepSettings(address)
}

func (r *run) path(name string) string { return filepath.Join(r.o.Dir, name) }

// closeSpeed is how fast time runs at most while machines end.
const closeSpeed = 5

// closeMachines ends what runs on the machines: the agents save, and the
// worker hears of it.
func (r *run) closeMachines(ctx context.Context) error {
	if r.cloud == nil {
		return nil
	}
	// At a high speed the agents' patience is a moment of this machine's time.
	r.setSpeed(min(r.clock.Speed(), closeSpeed))
	return r.cloud.Close(ctx)
}

// fate is a world that was not asleep when the end began.
type fate struct {
	world  world.Config
	status world.Status
	played bool // its game was up
}

// awake lists the worlds that are not asleep.
func (r *run) awake(ctx context.Context) []fate {
	var fs []fate
	for _, w := range r.worlds {
		s, err := r.state(ctx, w.ID)
		if err == nil && s.Status != world.Stopped && s.Status != world.Failed {
			fs = append(fs, fate{w, s.Status, s.Boot.Up && !s.Boot.Proven})
		}
	}
	return fs
}

// words says, after the machines have ended, what became of a world.
func (r *run) words(ctx context.Context, f fate) string {
	next := "; the next `hearth up` goes on from there"
	if f.status == world.Stopping {
		next = "; the next `hearth up` finishes putting it out"
	}
	if !f.played {
		return f.world.Name + " was " + string(f.status) + ", with no game running" + next
	}
	s, err := r.state(ctx, f.world.ID)
	switch {
	case err != nil || !s.Boot.Proven:
		return f.world.Name + ": the save was not proven; the last one stands in " + r.saves(f.world)
	case s.Boot.Confirmed:
		return f.world.Name + " is saved in " + r.saves(f.world) + next
	}
	return f.world.Name + ": the game ended without a save that counts; the last one stands in " + r.saves(f.world)
}

func (r *run) state(ctx context.Context, worldID string) (world.State, error) {
	row, err := r.row(ctx, worldID)
	return row.State, err
}

func (r *run) row(ctx context.Context, worldID string) (world.Row, error) {
	key := world.Key{Guild: r.guild.ID, World: worldID}
	row, err := r.storage.Store().Load(ctx, key)
	if errors.Is(err, world.ErrNotFound) {
		return world.Row{Key: key, State: world.NewState(worldID)}, nil
	}
	return row, err
}

// close ends the run in order; see doc.go.
func (r *run) close(ctx context.Context) error {
	var errs []error
	errs = append(errs, r.closeMachines(ctx))
	if r.control != nil {
		r.control.Drain(ctx)
		errs = append(errs, r.control.Close(ctx))
	}
	if r.stopKeeping != nil {
		r.stopKeeping()
	}
	r.keeping.Wait()
	if r.discord != nil {
		r.discord.Close()
		errs = append(errs, r.saveTime())
	}
	if r.storage != nil {
		errs = append(errs, r.storage.Close())
	}
	return errors.Join(errs...)
}

// keep writes down the time, so that a run that is killed loses no more than
// a moment of it.
func (r *run) keep(ctx context.Context) {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := r.saveTime(); err != nil {
			r.log.Error("time not kept", "error", err)
		}
	}
}

func (r *run) saveTime() error {
	// Until the next one is written the clock goes on: a run that is killed
	// must not begin before what was written down since.
	ahead := time.Duration(2 * float64(keepEvery) * r.clock.Speed())
	return writeFile(r.path("time"), []byte(r.clock.Now().Add(ahead).Format(time.RFC3339Nano)))
}

// lastTime is the time that the last run on the folder had come to, which may
// lie in the future: a fast clock runs ahead of the wall's. The state's times
// and those of commands must not fall back behind it.
func lastTime(dir string) (time.Time, error) {
	path := filepath.Join(dir, "time")
	b, err := os.ReadFile(path) //nolint:gosec // the folder is the user's own choice
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read the last run's time: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return time.Time{}, fmt.Errorf("%s holds no time: delete it, and the clock begins at now", path)
	}
	return at, nil
}

// writeFile replaces a file in one step.
func writeFile(path string, b []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}
