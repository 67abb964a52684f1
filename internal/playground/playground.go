package playground

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"hearth/internal/clock"
	"hearth/internal/playground/functionapp"
	"hearth/internal/playground/journey"
	"hearth/internal/playground/panel"
	"hearth/internal/playground/points"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/web"
	"hearth/internal/world"
)

// Options say where and how a playground runs.
type Options struct {
	Dir     string         // holds everything it keeps; made if missing
	Listen  string         // host:port of the page; port 0 picks a free one
	Speed   float64        // of its clock, panel.MinSpeed to panel.MaxSpeed
	Worlds  []world.Config // at least one; the panel shows the first
	Game    []string       // the command that runs a game: a program and its first arguments
	Timing  simcloud.Timing
	LoadFor time.Duration // of a game, from its start to its door
	Version string
	Log     *slog.Logger
	// Azure, if set, has the bot run as on Azure; Speed must be 1 then, and the
	// folder one that was never used without it.
	Azure *Azure
	// At, if set, is told before and after everything that is done for good.
	At points.At
}

// Playground is a running one. It is safe for concurrent use.
type Playground struct {
	o       Options
	clock   *clock.Scaled
	server  *http.Server
	address string
	// loopback: the page is for this machine, so no other name leads to it.
	loopback bool
	served   chan error

	current atomic.Pointer[run]
	reset   sync.Mutex // held by whoever replaces current
	guide   guide
}

var _ panel.Playground = (*Playground)(nil)

// Start opens the folder, starts everything and serves the page. The errors
// are for people: a port that is taken, a folder in use, a damaged file.
func Start(ctx context.Context, o Options) (*Playground, error) {
	if o.Speed < panel.MinSpeed || o.Speed > panel.MaxSpeed {
		return nil, fmt.Errorf("speed is %v: choose %d to %d", o.Speed, panel.MinSpeed, panel.MaxSpeed)
	}
	from, err := lastTime(o.Dir)
	if err != nil {
		return nil, err
	}
	if o.Azure != nil {
		if o.Speed != 1 {
			return nil, fmt.Errorf("speed is %v: the packaged bot has this machine's clock, so it is 1", o.Speed)
		}
		from = time.Time{}
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot serve the page at %s (%w): stop what runs there, or choose another address with --listen, such as 127.0.0.1:0 for any free port", o.Listen, err)
	}
	p := &Playground{o: o, clock: clock.NewScaled(o.Speed, from), address: "http://" + ln.Addr().String(), served: make(chan error, 1)}
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
		p.loopback = tcp.IP.IsLoopback()
		if tcp.IP.IsUnspecified() { // served on every address: this one always works here
			p.address = fmt.Sprintf("http://127.0.0.1:%d", tcp.Port)
		}
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.server = &http.Server{
		Handler: p.handler(), ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog:    slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	p.server.RegisterOnShutdown(cancel)
	// The listener takes connections from here on; the handler answers 503
	// until the run is there.
	go func() { p.served <- p.server.Serve(ln) }()
	if err := p.begin(ctx); err != nil {
		return nil, errors.Join(err, p.stopServing(context.WithoutCancel(ctx)))
	}
	return p, nil
}

// begin starts a run behind the page.
func (p *Playground) begin(ctx context.Context) error {
	r, err := newRun(ctx, p.o, p.o.Log, p.clock, p.address)
	if err != nil {
		return err
	}
	p.current.Store(r)
	if err := r.ready(ctx, p.address); err != nil {
		p.current.Store(nil)
		return errors.Join(err, r.close(context.WithoutCancel(ctx)))
	}
	return nil
}

// URL is where the page is.
func (p *Playground) URL() string { return p.address }

// Discord is the pretend Discord of the present run.
func (p *Playground) Discord() *simdiscord.Discord { return p.current.Load().discord }

// Cloud is the pretend cloud of the present run.
func (p *Playground) Cloud() *simcloud.Cloud { return p.current.Load().cloud }

// App is the function app of the present run; nil without Options.Azure.
func (p *Playground) App() *functionapp.App {
	app, _ := p.current.Load().control.(*functionapp.App)
	return app
}

// Play plays a script of package journey on the first world and writes its
// transcript.
func (p *Playground) Play(ctx context.Context, script string, out io.Writer) error {
	return journey.Play(ctx, journey.Stage{
		Discord: p.Discord(), Clock: p.clock, Pull: p.Pull,
		Status: func(ctx context.Context) (world.Status, error) {
			r := p.current.Load()
			s, err := r.state(ctx, r.worlds[0].ID)
			return s.Status, err
		},
		Game: func(command string) error {
			r := p.current.Load()
			g, err := r.game(r.worlds[0].ID)
			if err != nil {
				return err
			}
			return g.Command(command)
		},
		NeverListen: func(on bool) { p.current.Load().neverListens.Store(on) },
	}, script, out)
}

// Close ends the run in order and returns, for each world that was up, what
// became of it in words.
func (p *Playground) Close(ctx context.Context) ([]string, error) {
	p.reset.Lock()
	defer p.reset.Unlock()
	r := p.current.Load()
	var errs []error
	var words []string
	if r != nil {
		awake := r.awake(ctx)
		errs = append(errs, r.closeMachines(ctx))
		r.control.Drain(ctx)
		for _, f := range awake {
			words = append(words, r.words(ctx, f))
		}
		errs = append(errs, r.close(ctx))
	}
	errs = append(errs, p.stopServing(ctx))
	return words, errors.Join(errs...)
}

func (p *Playground) stopServing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := p.server.Shutdown(ctx); err != nil {
		_ = p.server.Close() // cut off whoever still reads
	}
	if err := <-p.served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve page: %w", err)
	}
	return nil
}

// Reset puts out the fire, forgets everything but the keys, and begins anew.
func (p *Playground) Reset(ctx context.Context) error {
	p.reset.Lock()
	defer p.reset.Unlock()
	ctx = context.WithoutCancel(ctx)     // half a reset is worse than a late one
	if r := p.current.Load(); r != nil { // else the last reset failed half-way
		speed := p.clock.Speed()
		if err := r.close(ctx); err != nil {
			p.o.Log.Warn("run not closed in order", "error", err)
		}
		p.clock.SetSpeed(speed) // closing went slower
		p.current.Store(nil)
	}
	// The machines go first: a row whose machine is gone puts that right by
	// itself, a machine whose row is gone would be nobody's.
	for _, name := range []string{"cloud.json", "discord.json", "hearth.db", "hearth.db-wal", "hearth.db-shm", "azurite", "worlds"} {
		err := p.o.At.Around("forget", func() error { return os.RemoveAll(filepath.Join(p.o.Dir, name)) })
		if err != nil {
			return fmt.Errorf("reset: %w", err)
		}
	}
	p.guide.clear()
	return p.begin(ctx)
}

// SetSpeed implements panel.Playground.
func (p *Playground) SetSpeed(speed float64) error {
	if speed < panel.MinSpeed || speed > panel.MaxSpeed {
		return panel.Refuse("The speed can be %d to %d.", panel.MinSpeed, panel.MaxSpeed)
	}
	if p.o.Azure != nil && speed != 1 {
		return panel.Refuse("Here the bot runs as on Azure, with this machine's clock: time cannot run faster.")
	}
	if r := p.current.Load(); r != nil {
		r.setSpeed(speed)
		r.notes.changed()
	} else {
		p.clock.SetSpeed(speed)
	}
	return nil
}

// handler serves the page, the pretend Discord's API and the endpoint.
func (p *Playground) handler() http.Handler {
	board := panel.New(p, p.o.Log)
	handPanel := web.Panel{HTML: board.HTML(), Handler: board.Handler()}
	type faced struct {
		run  *run
		face http.Handler
	}
	var last atomic.Pointer[faced]
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if p.loopback && !localName(req.Host) {
			http.Error(w, "This page is "+p.address+": open it by that name.", http.StatusMisdirectedRequest)
			return
		}
		r := p.current.Load()
		if r == nil {
			http.Error(w, "Hearth is just starting. Reload in a moment.", http.StatusServiceUnavailable)
			return
		}
		if req.URL.Path == "/api/interactions" || p.o.Azure != nil && req.URL.Path == "/api/health" {
			r.control.ServeHTTP(w, req)
			return
		}
		f := last.Load()
		if f == nil || f.run != r {
			f = &faced{r, web.Handler(r.discord, web.Options{Clock: halfClock{r.clock}, Panel: handPanel, Log: r.log.With("part", "simdiscord")})}
			last.Store(f)
		}
		f.face.ServeHTTP(w, req)
	})
}

// localName: the host of a request is a name of this machine's loopback. A
// page elsewhere could make a name of its own lead here (DNS rebinding), and
// would then be of the same origin as this page.
func localName(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}
