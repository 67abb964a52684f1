package agent_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
)

var (
	_ world.Clock    = bubbleClock{}
	_ world.Queue    = (*queue)(nil)
	_ world.Lease    = (*lease)(nil)
	_ world.Metadata = (*metadata)(nil)
	_ world.Game     = (*gameHost)(nil)
	_ world.Server   = (*server)(nil)
	_ world.Files    = (*files)(nil)
)

var errAway = errors.New("service is away")

// bubbleClock is the clock of the synctest bubble.
type bubbleClock struct{}

func (bubbleClock) Now() time.Time                         { return time.Now() }
func (bubbleClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// queue is a queue of the storage account that can be away or hang.
type queue struct {
	*simstorage.Queue

	mu     sync.Mutex // guards what follows
	away   bool
	hangs  bool
	lost   int // so many of the next sends arrive although they fail
	stuck  bool
	found  func()      // called when messages are received
	stopIf func() bool // nothing arrives any more
	sent   []sent
	tries  int
}

type sent struct {
	body []byte
	at   time.Time
}

func (q *queue) set(change func(*queue)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change(q)
}

func (q *queue) Send(ctx context.Context, body []byte, delay time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tries++
	if q.hangs {
		q.mu.Unlock()
		<-ctx.Done()
		q.mu.Lock()
		return ctx.Err()
	}
	if q.away || q.stopIf != nil && q.stopIf() {
		return errAway
	}
	if err := q.Queue.Send(ctx, body, delay); err != nil {
		return err
	}
	q.sent = append(q.sent, sent{body: body, at: time.Now()})
	if q.lost > 0 {
		q.lost--
		return errAway
	}
	return nil
}

func (q *queue) Receive(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away {
		return nil, errAway
	}
	out, err := q.Queue.Receive(ctx, limit, visibility)
	if len(out) > 0 && q.found != nil {
		q.found()
	}
	return out, err
}

func (q *queue) Delete(ctx context.Context, gone world.Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away || q.stuck || q.stopIf != nil && q.stopIf() {
		return errAway
	}
	return q.Queue.Delete(ctx, gone)
}

func (q *queue) attempts() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.tries
}

func (q *queue) waiting() int { return len(q.Messages()) }

// lease is the storage account's leases, which can be away.
type lease struct {
	*simstorage.Lease

	mu       sync.Mutex // guards what follows
	away     bool
	stopIf   func() bool // nobody calls any more
	lost     int         // so many of the next replies to Acquire
	released []int64     // the epochs of those who held it and gave it back
}

func (l *lease) set(change func(*lease)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

func (l *lease) Acquire(ctx context.Context, id string) (world.Holding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost > 0 {
		l.lost--
		_, _ = l.Lease.Acquire(ctx, id) // nobody hears what came of it
		return world.Holding{}, errAway
	}
	if l.away || l.stopIf != nil && l.stopIf() {
		return world.Holding{}, errAway
	}
	return l.Lease.Acquire(ctx, id)
}

func (l *lease) Renew(ctx context.Context, h world.Holding) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away || l.stopIf != nil && l.stopIf() {
		return errAway
	}
	return l.Lease.Renew(ctx, h)
}

func (l *lease) Release(ctx context.Context, h world.Holding) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away || l.stopIf != nil && l.stopIf() {
		return errAway
	}
	if holder, _, held := l.Holder(h.World); held && holder == h {
		l.released = append(l.released, h.Epoch)
	}
	return l.Lease.Release(ctx, h)
}

// epoch is that of who holds the lease, or held it last.
func (l *lease) epoch() int64 {
	h, _, _ := l.Holder(midgard)
	return h.Epoch
}

// until is when the lease ends if it is not renewed.
func (l *lease) until() time.Time {
	_, until, _ := l.Holder(midgard)
	return until
}

// steal gives the lease to another, whoever holds it, until it expires.
func (l *lease) steal(t *testing.T) world.Holding {
	t.Helper()
	l.Break(midgard)
	h, err := l.Lease.Acquire(t.Context(), midgard)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// occupy lets another hold the lease for d and give it back then.
func (l *lease) occupy(t *testing.T, d time.Duration) {
	t.Helper()
	h := l.steal(t)
	go func() {
		for end := time.Now().Add(d); time.Now().Before(end); {
			select {
			case <-time.After(min(world.LeaseDuration/2, time.Until(end))):
			case <-t.Context().Done():
				return
			}
			if err := l.Lease.Renew(t.Context(), h); err != nil {
				t.Errorf("Renew by the other: %v", err)
			}
		}
		if err := l.Lease.Release(t.Context(), h); err != nil {
			t.Errorf("Release by the other: %v", err)
		}
	}()
}

// metadata is the machine's.
type metadata struct {
	mu           sync.Mutex // guards what follows
	machine      world.Machine
	machineAway  bool
	firstLook    time.Duration // how long the first look at notices takes
	noticesSince time.Time     // the first look
	list         []world.Notice
	found        func() // called when there are notices
	acknowledged []acknowledgement
}

type acknowledgement struct {
	id string
	at time.Time
}

func (m *metadata) set(change func(*metadata)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

func (m *metadata) Machine(context.Context) (world.Machine, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.machineAway {
		return world.Machine{}, errAway
	}
	return m.machine, nil
}

func (m *metadata) Notices(ctx context.Context) ([]world.Notice, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.noticesSince.IsZero() {
		m.noticesSince = time.Now()
		m.mu.Unlock()
		select {
		case <-time.After(m.firstLook):
		case <-ctx.Done():
		}
		m.mu.Lock()
	}
	if len(m.list) > 0 && m.found != nil {
		m.found()
	}
	return append([]world.Notice(nil), m.list...), ctx.Err()
}

func (m *metadata) Acknowledge(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acknowledged = append(m.acknowledged, acknowledgement{id: id, at: time.Now()})
	return nil
}

func (m *metadata) acks() []acknowledgement {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]acknowledgement(nil), m.acknowledged...)
}

// files are the world's.
type files struct {
	mu      sync.Mutex // guards what follows
	synced  int
	syncErr error
	hangs   bool // a sync does
	state   world.FilesState
	unfit   error
	proof   *world.Proof
	noProof error // why none is left
}

func (f *files) Check(context.Context) (world.FilesState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state, f.unfit
}

func (f *files) Sync(ctx context.Context) (int64, error) {
	f.mu.Lock()
	if f.hangs {
		f.mu.Unlock()
		<-ctx.Done()
		return 0, ctx.Err()
	}
	defer f.mu.Unlock()
	f.synced++
	return 4096, f.syncErr
}

func (f *files) LeaveProof(_ context.Context, p world.Proof) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.noProof == nil {
		f.proof = &p
	}
	return f.noProof
}

func (f *files) LastProof(context.Context) (world.Proof, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.proof == nil {
		return world.Proof{}, world.ErrNotFound
	}
	return *f.proof, nil
}

// gameHost makes servers.
type gameHost struct {
	mu      sync.Mutex // guards what follows
	fails   int        // so many of the next starts
	takes   time.Duration
	onStop  func(*server) // what a server does when it is asked to stop; default: quit
	noKill  bool          // a kill does nothing
	deaf    bool          // a start does not heed its context
	servers []*server

	steps    []world.Step // of every start
	maybe    bool         // a start fails, and whether it did is not known
	findAway bool         // nothing can be found
	stopIf   func() bool  // nobody asks anything of it any more
	finds    int          // how often one was found
}

// Find returns the server that was started last, whose lines nobody reads any more.
func (g *gameHost) Find(_ context.Context, after world.Place) (world.Server, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.findAway {
		return nil, errAway
	}
	if len(g.servers) == 0 {
		return nil, world.ErrNotFound
	}
	g.finds++
	return g.servers[len(g.servers)-1].attach(after), nil
}

func (g *gameHost) Start(ctx context.Context, began func(world.Step)) (world.Server, error) {
	if g.dead() {
		return nil, errAway
	}
	for _, s := range g.steps {
		<-time.After(time.Second)
		began(s)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.takes > 0 {
		g.mu.Unlock()
		var err error
		select {
		case <-time.After(g.takes):
		case <-ctx.Done():
			err = ctx.Err()
			if g.deaf {
				<-time.After(g.takes)
				err = nil
			}
		}
		g.mu.Lock()
		if err != nil {
			return nil, err
		}
	}
	if g.fails > 0 {
		g.fails--
		return nil, errAway
	}
	if g.maybe {
		g.findAway = true
		return nil, fmt.Errorf("start: %w", world.ErrMaybeRunning)
	}
	s := &server{id: strconv.Itoa(len(g.servers)), lines: make(chan []world.Line, 100_000), done: make(chan struct{}), onStop: g.onStop, noKill: g.noKill, host: g}
	if s.onStop == nil {
		s.onStop = quit
	}
	g.servers = append(g.servers, s)
	return s, nil
}

func (g *gameHost) dead() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stopIf != nil && g.stopIf()
}

func (g *gameHost) set(change func(*gameHost)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g)
}

func (g *gameHost) all() []*server {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]*server(nil), g.servers...)
}

// server is a game that writes what the test says.
type server struct {
	id     string
	lines  chan []world.Line
	done   chan struct{}
	onStop func(*server)
	noKill bool
	host   *gameHost

	mu      sync.Mutex // guards what follows
	over    bool
	stopped []time.Time
	killed  []time.Time
	place   world.Place
	whole   []world.Line // its log
}

// log writes lines in the game's form.
func (s *server) log(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	for _, l := range lines {
		s.place = s.place.Next(time.Now())
		line := world.Line{At: s.place.At, N: s.place.N, Text: time.Now().Format("01/02/2006 15:04:05") + ": " + l}
		s.whole = append(s.whole, line)
		s.lines <- []world.Line{line}
	}
}

// attached is a server as an agent sees it that did not start it.
type attached struct {
	*server
	lines chan []world.Line
}

func (a attached) Lines() <-chan []world.Line { return a.lines }

// attach lets the lines after a place be read, and no others.
func (s *server) attach(after world.Place) attached {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = make(chan []world.Line, 100_000)
	past := after.Server != s.id || after.At.IsZero()
	for _, l := range s.whole {
		if past {
			s.lines <- []world.Line{l}
		}
		past = past || l.At.Equal(after.At) && l.N == after.N
	}
	if s.over {
		close(s.lines)
	}
	return attached{server: s, lines: s.lines}
}

// script writes lines of the container's own scripts.
func (s *server) script(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range lines {
		s.place = s.place.Next(time.Now())
		line := world.Line{At: s.place.At, N: s.place.N, Text: time.Now().Format(time.Stamp) + " supervisord: valheim-server INFO - " + l}
		s.whole = append(s.whole, line)
		s.lines <- []world.Line{line}
	}
}

// end ends the process.
func (s *server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.over = true
		close(s.lines)
		close(s.done)
	}
}

func (s *server) ID() string                            { return s.id }
func (s *server) Lines() <-chan []world.Line            { return s.lines }
func (s *server) Memory(context.Context) (int64, error) { return 3 << 30, nil }
func (s *server) Done() <-chan struct{}                 { return s.done }

func (s *server) Stop(context.Context) error {
	if s.host.dead() {
		return errAway
	}
	s.mu.Lock()
	s.stopped = append(s.stopped, time.Now())
	s.mu.Unlock()
	go s.onStop(s)
	return nil
}

func (s *server) Kill() error {
	s.mu.Lock()
	s.killed = append(s.killed, time.Now())
	s.mu.Unlock()
	if !s.noKill {
		s.end()
	}
	return nil
}

func (s *server) stops() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.stopped...)
}

func (s *server) kills() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.killed...)
}

// What the game writes, in the form of 1.0 on the Steam backend.
const (
	opened    = "Opened Steam server"
	saveBegan = "PrepareSave: clone done in 12ms"
	saveEnded = "World save (5/5) done. Total time [86ms]"
)

// quit is a graceful end with a save of one second.
func quit(s *server) {
	s.log("Game - OnApplicationQuit", "ZNet Shutdown", saveBegan)
	<-time.After(time.Second)
	s.log(saveEnded, "ZNet OnDestroy")
	s.end()
}

// quitUnsaved ends without a save.
func quitUnsaved(s *server) {
	s.log("Game - OnApplicationQuit")
	s.end()
}

// knock is somebody at the door, let in but not in the world yet.
func knock(s *server, account int) {
	id := strconv.Itoa(76561198000000000 + account)
	s.log("Got connection SteamID "+id, "Got handshake from client "+id,
		"Network version check, their:40, mine:40", "Server: New peer connected,sending global keys")
}

func spawn(s *server, name string, owner int) {
	s.log(fmt.Sprintf("Got character ZDOID from %s : %d:1", name, owner))
}

func leaves(s *server, account, owner int) {
	s.log(fmt.Sprintf("Destroying abandoned non persistent zdo 7:8 owner %d", owner),
		fmt.Sprintf("Closing socket %d", 76561198000000000+account))
}
