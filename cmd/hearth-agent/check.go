package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"hearth/internal/world"
)

type checkCommand struct {
	Config string `help:"The configuration file (default: the one that HEARTH_AGENT_CONFIG names)." placeholder:"FILE"`
}

// verdict is how a thing stands.
type verdict string

const (
	good verdict = "ok"
	warn verdict = "warn" // works, and may not always
	bad  verdict = "fail" // the agent can't do its work
)

// checker tries the parts one after the other and writes a line for each.
type checker struct {
	*config
	parts  *parts
	stdout io.Writer
	stderr io.Writer
	fails  int
}

func (k *checker) say(v verdict, what, format string, args ...any) {
	if v == bad {
		k.fails++
	}
	say(k.stdout, "%-4s  %-8s  %s", v, what, fmt.Sprintf(format, args...))
}

// How long each may take.
const (
	callWithin = 15 * time.Second
	// noticesWithin: the first question for scheduled events switches them on,
	// and may take two minutes ("Scheduled Events for Linux VMs").
	noticesWithin = 130 * time.Second
)

// Run tries everything.
func (r checkCommand) Run(e *env) (err error) {
	c, err := load(r.Config, e.getenv)
	if err != nil {
		return err
	}
	p, err := c.parts(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	k := &checker{config: c, parts: p, stdout: e.stdout, stderr: e.stderr}
	k.configuration()
	for _, try := range []func(context.Context){k.agent, k.engine, k.world, k.share, k.storage, k.vault, k.metadata, k.clock, k.space} {
		if e.ctx.Err() != nil {
			return fmt.Errorf("check was interrupted: %w", context.Cause(e.ctx))
		}
		try(e.ctx)
	}
	if k.fails > 0 {
		return fmt.Errorf("check failed: %d to mend", k.fails)
	}
	return nil
}

func (k *checker) configuration() {
	k.say(good, "config", "%s: world %s, files %s, port %d and %d", k.path, k.World, k.WorldFile, k.Port, k.Port+1)
	inside := false
	for _, s := range k.secrets() {
		inside = inside || *s.file == "" && *s.value != ""
		if *s.file != "" && othersRead(*s.file) {
			k.say(warn, "config", "%s_file %s can be read by everybody on this machine: chmod 600", s.name, *s.file)
		}
	}
	if inside && othersRead(k.path) {
		k.say(warn, "config", "%s may hold secrets and can be read by everybody on this machine: chmod 600, or use key_file, password_file and storage_connection_file below /run", k.path)
	}
}

// othersRead tells whether a file is open to all.
func othersRead(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o004 != 0
}

func (k *checker) agent(context.Context) {
	switch up, err := running(filepath.Join(k.State, lockName)); {
	case err != nil:
		k.say(warn, "agent", "whether one runs is not known: %v", err)
	case up:
		k.say(good, "agent", "one runs on this machine")
	default:
		k.say(good, "agent", "none runs on this machine")
	}
}

func (k *checker) engine(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	e, err := k.parts.game.Engine(ctx)
	if err != nil {
		k.say(bad, "docker", "it does not answer (%v): see `systemctl status docker`, and whether this user may use its socket", err)
		return
	}
	k.say(good, "docker", "version %s", e.Version)
	if !e.JSONFile {
		k.say(bad, "docker", "it knows no json-file logs, from which the agent reads the game's: install Docker's own engine")
	}
	if !e.DeliversStop() {
		k.say(warn, "docker", "with AppArmor 4 this version may deliver no signal to a container (moby/moby#47749), so `docker stop` would kill the game unsaved; the agent does not rely on it. Update to 26.1.3, 25.0.6 or 27")
	}
	if !e.LiveRestore {
		k.say(warn, "docker", "live-restore is off: a restart of the engine, such as an update's, ends the game unsaved. Put {\"live-restore\": true} into /etc/docker/daemon.json and reload it")
	}
}

func (k *checker) world(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	s, err := k.parts.files.Look(ctx)
	unfit, judged := errors.AsType[*world.FilesError](err)
	switch {
	case judged:
		k.say(bad, "world", "%s", unfit.Detail)
	case err != nil:
		k.say(bad, "world", "%v", err)
	case s.New:
		k.say(warn, "world", "there is none in %s yet: the game will make a new one", filepath.Join(k.Mount, k.Folder))
	case s.Mended != "":
		k.say(warn, "world", "a save was cut off: at its start the agent will make %s", s.Mended)
	default:
		k.say(good, "world", "%s is there, and its folder can be written", k.WorldFile)
	}
	if !k.MountRequired {
		k.say(warn, "world", "mount_required is off: an empty folder in the share's place would not be noticed before a world was seen in it")
	}
	if k.AllowNewWorld {
		k.say(warn, "world", "allow_new_world is on: turn it off once there is a world")
	}
}

func (k *checker) storage(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	s, err := k.openStorage(ctx)
	if err != nil {
		k.say(bad, "storage", "%v", err)
		return
	}
	defer func() {
		if err := s.close(); err != nil {
			k.say(warn, "storage", "%v", err)
		}
	}()
	k.sendEvent(ctx, s.events)
	k.receiveOrder(ctx, s.orders)
	k.askLease(ctx, s)
}

// sendEvent sends a heartbeat of boot 0: no boot has that number, so every bot
// takes it in and leaves it at that.
func (k *checker) sendEvent(ctx context.Context, events world.Queue) {
	e := world.Event{
		ID: k.World + "/0/" + rand.Text(), Source: world.SourceAgent, World: k.World, Time: time.Now(), Data: &world.Heartbeat{},
	}
	body, err := e.EncodeSealed([]byte(k.Key.Reveal()))
	if err == nil {
		err = events.Send(ctx, body, 0)
	}
	if err != nil {
		k.say(bad, "events", "can't be sent: %v", err)
		return
	}
	k.say(good, "events", "one that means nothing was sent to queue %s; whether the key is the right one, the bot's log tells", world.EventsQueue)
}

// hideFor is how long an order that the check comes by is hidden from the
// agent: the shortest time that queues know.
const hideFor = time.Second

func (k *checker) receiveOrder(ctx context.Context, orders world.Queue) {
	ms, err := orders.Receive(ctx, 1, hideFor)
	switch {
	case err != nil:
		k.say(bad, "orders", "can't be received: %v", err)
	case len(ms) > 0:
		k.say(good, "orders", "one is waiting in queue %s; it was looked at and goes back in %s", world.OrdersQueue(k.World), hideFor)
	default:
		k.say(good, "orders", "none is waiting in queue %s", world.OrdersQueue(k.World))
	}
}

// askLease renews a lease that nobody has: the answer is that it is lost, from
// whoever can be asked for the true one.
func (k *checker) askLease(ctx context.Context, s *storage) {
	err := s.lease.Renew(ctx, world.Holding{World: k.World, ID: nobodysID()})
	if !errors.Is(err, world.ErrLeaseLost) {
		k.say(bad, "lease", "can't be asked for: %v", err)
		return
	}
	h, until, held, err := s.holder(ctx, k.World)
	switch {
	case err != nil:
		k.say(bad, "lease", "can't be read: %v", err)
	case held && until.IsZero():
		k.say(good, "lease", "boot %d holds it", h.Epoch)
	case held:
		k.say(good, "lease", "boot %d holds it until %s", h.Epoch, until.UTC().Format("15:04:05 MST"))
	default:
		k.say(good, "lease", "nobody holds it")
	}
}

// nobodysID is the id of a lease that nobody has, in the form that Azure's have.
func nobodysID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// vault gets the machine's secrets and writes nothing.
func (k *checker) vault(ctx context.Context) {
	if k.VaultSecret == "" {
		return
	}
	s, err := k.openVault()
	if err != nil {
		k.say(bad, "vault", "%v", err)
		return
	}
	m, err := k.getSecrets(ctx, s)
	switch {
	case err != nil:
		k.say(bad, "vault", "%v", err)
	case m.Key != k.Key || m.Password != k.Password:
		k.say(warn, "vault", "%s has others than this machine uses: `hearth-agent secrets`, then restart the agent", s.name)
	default:
		k.say(good, "vault", "%s is there, and is what this machine uses", s.name)
	}
}

func (k *checker) metadata(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	m, err := k.parts.metadata.Machine(within)
	if err != nil {
		k.say(bad, "metadata", "%s does not tell what machine this is: %v", k.MetadataURL, err)
		return
	}
	k.say(good, "metadata", "this is %s (%s)", m.Name, m.Size)
	say(k.stderr, "asking for scheduled events: the first time this may take two minutes")
	within, cancel = context.WithTimeout(ctx, noticesWithin)
	defer cancel()
	notices, err := k.parts.metadata.Notices(within)
	if err != nil {
		k.say(bad, "notices", "scheduled events can't be read, so an eviction would come unannounced: %v", err)
		return
	}
	k.say(good, "notices", "scheduled events are on, %d now", len(notices))
	for _, n := range notices {
		k.say(warn, "notices", "%s is announced for this machine, not before %s", n.Kind, n.NotBefore.UTC().Format(time.RFC3339))
	}
}

// How far the clock may be off. Commands are refused when they are 15 minutes
// old, orders when they are 10; times in the channel are wrong long before.
const (
	clockOff   = 5 * time.Second
	clockWrong = 2 * time.Minute
)

func (k *checker) clock(ctx context.Context) {
	switch synced, err := clockSynced(); {
	case err != nil:
		k.say(warn, "clock", "whether it is kept right is not known: %v", err)
	case !synced:
		k.say(warn, "clock", "it is not synchronized: see `timedatectl`; chrony or systemd-timesyncd must run")
	default:
		k.say(good, "clock", "it is synchronized")
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	theirs, err := dateOf(ctx, k.MetadataURL)
	if err != nil {
		k.say(warn, "clock", "it was compared with nothing: %v", err)
		return
	}
	off := time.Since(theirs)
	switch d := off.Abs(); {
	case d > clockWrong:
		k.say(bad, "clock", "it is off by %s from the metadata service's: set it right (`timedatectl set-ntp true`)", off.Round(time.Second))
	case d > clockOff:
		k.say(warn, "clock", "it is off by %s from the metadata service's", off.Round(time.Second))
	}
}

// dateOf is the time by the clock of whoever answers there.
func dateOf(ctx context.Context, url string) (time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metadata/versions", nil)
	if err != nil {
		return time.Time{}, err
	}
	req.Header.Set("Metadata", "true")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy, as for all metadata
	res, err := client.Do(req)
	if err != nil {
		return time.Time{}, err
	}
	if err := res.Body.Close(); err != nil {
		return time.Time{}, err
	}
	return http.ParseTime(res.Header.Get("Date"))
}

// Free space, in bytes, below which there is trouble. The game refuses to save
// when about 30 MB are left, a world takes some ten, and its next save needs as
// much again; an installed game takes 2 GB.
const (
	mb            = 1 << 20
	worldScarce   = 512 * mb
	worldShort    = 64 * mb
	stateScarce   = 256 * mb
	stateShort    = 16 * mb
	installScarce = 4096 * mb
	installShort  = 256 * mb
)

func (k *checker) space(ctx context.Context) {
	for _, f := range []struct {
		what          string
		folder        string
		scarce, short uint64
	}{
		{"the world", k.Mount, worldScarce, worldShort},
		{"the agent's state", k.State, stateScarce, stateShort},
		{"the game", k.InstallFolder, installScarce, installShort},
	} {
		n, err := freeWithin(ctx, f.folder)
		switch {
		case err != nil:
			k.say(warn, "space", "for %s: %v", f.what, err)
		case n < f.short:
			k.say(bad, "space", "for %s: %d MB in %s, at least %d are needed: make room", f.what, n/mb, f.folder, f.short/mb)
		case n < f.scarce:
			k.say(warn, "space", "for %s: %d MB in %s, less than %d", f.what, n/mb, f.folder, f.scarce/mb)
		default:
			k.say(good, "space", "for %s: %d MB in %s", f.what, n/mb, f.folder)
		}
	}
}

// freeWithin is free on a share that may be away: the call is left to the
// kernel then.
func freeWithin(ctx context.Context, folder string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	type result struct {
		n   uint64
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := free(folder)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return r.n, r.err
	case <-ctx.Done():
		return 0, fmt.Errorf("%s does not answer", folder)
	}
}
