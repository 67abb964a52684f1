package chaos

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"hearth/internal/bot"
	"hearth/internal/discord"
	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
)

// Options say which simulation to run.
type Options struct {
	Seed  uint64
	Hours float64   // of chaos, on the simulated clock; the calm after it is extra
	Bug   Bug       // planted, to see whether the oracles find it
	Dir   string    // an empty folder for the games' files
	Trace io.Writer // what everybody logs; nil: nobody reads it
}

// Result is what came of a simulation.
type Result struct {
	Plan       string             // every option drawn
	Violations []oracle.Violation // of promises; at most oracle.MaxViolations
	Stats      Stats
	Hash       string // of all that happened, when and in which order
}

// Stats counts what a simulation did.
type Stats struct {
	oracle.Counts
	Simulated time.Duration
	Faults    map[Fault]int
	Kills     int // of workers and agents
	Games     int // processes
	Drills    int // things that happened alone
	Judged    int // machines that went in the chaos, with no excuse for not telling
}

// Add sums up.
func (s *Stats) Add(o Stats) {
	s.Counts.Add(o.Counts)
	s.Simulated += o.Simulated
	if s.Faults == nil {
		s.Faults = map[Fault]int{}
	}
	for f, n := range o.Faults {
		s.Faults[f] += n
	}
	s.Kills += o.Kills
	s.Games += o.Games
	s.Drills += o.Drills
	s.Judged += o.Judged
}

// Evictions are the machines that were taken by the cloud, with notice or
// without.
func (s *Stats) Evictions() int { return s.Faults[Eviction] + s.Faults[Vanishing] }

// AllFaults is how many there were.
func (s *Stats) AllFaults() (n int) {
	for _, of := range s.Faults {
		n += of
	}
	return n
}

const (
	worldID  = "midgard"
	botToken = oracle.Canary + ".bot-token." + oracle.Canary
	agentKey = oracle.Canary + ": the key of midgard's agent"
	botKey   = oracle.Canary + ": the key of the bot's own events"
)

// simulation is one seed under way.
type simulation struct {
	o       Options
	plan    plan
	lanes   *replay.Lanes
	clock   *replay.Lane // of whoever has no own
	log     *slog.Logger
	witness *oracle.Witness

	guild    world.Guild
	worlds   []world.Config
	storage  *simstorage.Account
	store    *simstorage.Store
	cloud    *simcloud.Cloud
	discord  *simdiscord.Discord
	verifier *discord.Verifier
	endpoint *bot.Interactions
	games    *games.Hall
	month    *ledger // of RunMonth; else nil

	chaotic        atomic.Bool // faults happen
	storageAway    atomic.Bool // nobody reaches the storage account
	tableAway      atomic.Bool // nor the state table alone
	machinesCutOff atomic.Bool // no machine reaches the storage account
	faults         *faultCounts
	machines       sync.Map     // by the machine's name: *machine
	working        atomic.Int64 // workers that live and do not stand still
	kills          atomic.Int64
	drilled        atomic.Int64
	judged         atomic.Int64
	emptied        sync.Map     // for EmptyAssumed: places and tokens of operations
	sighted        sightings    // for GoneRemembered
	rejuvenated    atomic.Int64 // for BootNotCompared: events
	work           sync.WaitGroup
}

// Phases after the chaos.
const (
	calmFor = 40 * time.Minute // until everything must be as people want it
	outFor  = 25 * time.Minute // from the last /stop until the fire must be out
)

// Run simulates one seed. It must run inside a testing/synctest bubble of its
// own, whose clock it uses; with GOMAXPROCS=1 the same options give the same
// Result. The error is about the surroundings (the folder, the options), never
// about a promise.
func Run(ctx context.Context, o Options) (Result, error) {
	p := draw(o.Seed)
	s, err := newSimulation(o, p, p.config()) //nolint:contextcheck // what it makes lives until the end of Run, not of ctx
	if err != nil {
		return Result{}, fmt.Errorf("simulate seed %d: %w", o.Seed, err)
	}
	ctx, stop := context.WithCancel(ctx)
	begun := s.clock.Now()
	s.chaotic.Store(true)
	s.startWorkers(ctx)
	s.startPeople(ctx)
	s.startWeather(ctx)
	s.watchAlways(ctx)
	chaos := time.Duration(o.Hours * float64(time.Hour))
	_ = s.clock.Sleep(ctx, chaos)
	s.beCalm()
	_ = s.clock.Sleep(ctx, calmFor)
	s.checkCalm()
	s.drill(ctx)
	end, err := s.finish(ctx, stop)
	if err != nil {
		return Result{}, fmt.Errorf("simulate seed %d: %w", o.Seed, err)
	}
	return s.result(end.Sub(begun)), nil
}

// finish puts the fire out, looks at what is there then, and waits for the end of
// all that was begun. stop cancels ctx.
func (s *simulation) finish(ctx context.Context, stop func()) (at time.Time, err error) {
	s.putOut(ctx)
	_ = s.clock.Sleep(ctx, outFor)
	s.checkEnd()
	at = s.clock.Now()
	stop()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
	defer cancel()
	err = s.cloud.Close(closing)
	s.discord.Close()
	s.work.Wait()
	return at, err
}

func newSimulation(o Options, p plan, c world.Config) (*simulation, error) {
	ls := replay.NewLanes()
	clock := ls.New(0)
	s := &simulation{o: o, plan: p, lanes: ls, clock: clock, faults: newFaultCounts(clock)}
	s.witness = oracle.New(oracle.Options{
		World: worldID, Clock: s.clock, Skew: 2 * s.plan.WorkerSkew * time.Duration(s.plan.Workers), KeyOf: s.key, Log: o.Trace, Turned: s.turned,
	})
	s.log = s.witness.Log()
	s.log.Info("options drawn", "plan", s.plan.String())
	s.worlds = []world.Config{c}
	s.guild = world.Guild{
		ID: simdiscord.DefaultGuildID, Channel: simdiscord.DefaultChannelID,
		KeeperRole: simdiscord.DefaultKeeperRoleID, KeeperChannel: simdiscord.DefaultKeeperChannelID,
	}
	order := replay.NewDice(o.Seed, "queue order")
	s.storage = simstorage.New(simstorage.Options{Clock: ls.New(0), Pick: order.IntN})
	s.store = s.storage.Store()
	s.games = games.New(games.Options{
		ID:   worldID,
		Seed: o.Seed, Dir: filepath.Join(o.Dir, "world"), Form: s.plan.Form, SaveEvery: s.plan.SaveEvery,
		Clock: s.clock, Lane: func() *replay.Lane { return ls.New(s.plan.AgentSkew) },
		Fail: s.noGame, Starts: s.gameStarts, Go: s.work.Go,
	})
	if o.Bug == MemoryLostHidden {
		s.games.Blind()
	}
	var err error
	s.cloud, err = simcloud.New(simcloud.Options{
		Clock: ls.New(0), Boot: s.boot, Placements: c.Placements, Timing: simcloud.Timing{Jitter: 0.4}, Seed: o.Seed,
		HideAddress: s.plan.HideAddress, Log: s.log.With("part", "cloud"), OnChange: s.cloudChanged,
	})
	if err != nil {
		return nil, err
	}
	seed := sha256.Sum256(fmt.Appendf(nil, "discord %d", o.Seed))
	s.discord, err = simdiscord.New(simdiscord.Options{
		Clock: ls.New(0), Seed: seed[:], BotToken: botToken, Deliver: s.deliver, BadSignatureEvery: 7,
		Log: s.log.With("part", "discord"),
	})
	if err != nil {
		return nil, err
	}
	if s.verifier, err = discord.NewVerifier(s.discord.PublicKey()); err != nil {
		return nil, err
	}
	s.endpoint = &bot.Interactions{
		Verifier: s.verifier, Guild: s.guild, Worlds: s.worlds, Clock: ls.New(0), Log: s.log.With("part", "interactions"),
	}
	return s, s.register()
}

// register does what a deployment does once.
func (s *simulation) register() error {
	c, err := s.newClient(s.discord.Transport(), s.lanes.New(0))
	if err != nil {
		return err
	}
	return c.Register(context.Background(), s.guild.ID, s.worlds)
}

// key is whose seal an event must bear.
func (s *simulation) key(id string) []byte {
	switch id {
	case worldID:
		return []byte(agentKey)
	case world.BotKey:
		return []byte(botKey)
	}
	return nil
}

// noGame is why a game does not start this time.
func (s *simulation) noGame(d *replay.Dice) error {
	if s.month == nil && s.fault(GameRefuses, d, 0.03) {
		return errPretended
	}
	return nil
}

func (s *simulation) result(took time.Duration) Result {
	seen := s.witness.Testify()
	return Result{Plan: s.plan.String(), Violations: seen.Violations, Hash: seen.Hash, Stats: Stats{
		Counts: seen.Counts, Simulated: took, Games: s.games.Count(), Drills: int(s.drilled.Load()), Judged: int(s.judged.Load()),
		Faults: s.faults.all(), Kills: int(s.kills.Load()),
	}}
}
