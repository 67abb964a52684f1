package bot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"hearth/internal/bot"
	"hearth/internal/discord"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
	"hearth/internal/world/rules"
	"hearth/internal/world/worldtest"
)

const (
	botToken = "the-bots-own-token"
	midgard  = "midgard"
)

// rig is a deployment in a test: the bot around a store and queues in memory,
// the pretend cloud and the pretend Discord, all on one clock that stands
// still.
type rig struct {
	t        testing.TB
	clock    *worldtest.Clock
	discord  *simdiscord.Discord
	cloud    *simcloud.Cloud
	chat     world.Chat
	store    world.Store
	events   *simstorage.Queue
	orders   *simstorage.Queue
	poison   *simstorage.Queue // workers look into it if they are given it
	archive  *simstorage.Archive
	guild    world.Guild
	worlds   []world.Config
	verifier *discord.Verifier
	endpoint *bot.Interactions
	log      *logBuffer
	accepted [][]byte // what the endpoint wants enqueued
	last     signedRequest
	seq      int64
}

// memory is a storage account that nobody used.
func memory(clock world.Clock) *simstorage.Account {
	return simstorage.New(simstorage.Options{Clock: clock})
}

// signedRequest is an interaction as it was delivered.
type signedRequest struct {
	header http.Header
	body   []byte
}

type logBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func oneWorld() []world.Config {
	return []world.Config{{
		ID: midgard, Name: "Midgard", Port: 2456, IdleMinutes: 10,
		Placements: []world.Placement{{ID: "vmss-a"}, {ID: "vmss-b"}},
	}}
}

func newRig(t testing.TB, worlds ...world.Config) *rig {
	t.Helper()
	if len(worlds) == 0 {
		worlds = oneWorld()
	}
	clock := worldtest.NewClock()
	account := memory(clock)
	r := &rig{
		t: t, clock: clock, worlds: worlds, log: &logBuffer{},
		store: account.Store(), events: account.Queue(world.EventsQueue), orders: account.Queue(world.OrdersQueue(midgard)),
		poison: account.Queue(world.PoisonQueue(world.EventsQueue)), archive: account.Archive(),
		guild: world.Guild{
			ID: simdiscord.DefaultGuildID, Channel: simdiscord.DefaultChannelID,
			KeeperRole: simdiscord.DefaultKeeperRoleID, KeeperChannel: simdiscord.DefaultKeeperChannelID,
		},
	}
	var err error
	r.discord, err = simdiscord.New(simdiscord.Options{
		Clock: patient{clock}, Seed: bytes.Repeat([]byte{7}, 32), BotToken: botToken, Deliver: r.deliver,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.newCloud(simcloud.Timing{})
	t.Cleanup(func() {
		if err := r.cloud.Close(context.Background()); err != nil {
			t.Errorf("close cloud: %v", err)
		}
		r.discord.Close()
	})
	client, err := discord.NewClient(discord.ClientOptions{
		URL: "http://discord.invalid" + simdiscord.APIPrefix, Application: simdiscord.DefaultApplicationID, Token: botToken,
		Clock: hurried{clock}, Transport: r.discord.Transport(), Jitter: func() float64 { return 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Register(context.Background(), r.guild.ID, worlds); err != nil {
		t.Fatal(err)
	}
	r.chat = client
	if r.verifier, err = discord.NewVerifier(r.discord.PublicKey()); err != nil {
		t.Fatal(err)
	}
	r.endpoint = &bot.Interactions{Verifier: r.verifier, Guild: r.guild, Worlds: worlds, Clock: clock, Log: r.logger()}
	return r
}

func (r *rig) newCloud(timing simcloud.Timing, more ...world.Placement) {
	r.t.Helper()
	places := slices.Clone(more) // of no world
	for _, w := range r.worlds {
		places = append(places, w.Placements...)
	}
	var err error
	if r.cloud, err = simcloud.New(simcloud.Options{Clock: r.clock, Placements: places, Timing: timing}); err != nil {
		r.t.Fatal(err)
	}
}

// hurryCloud puts one in the cloud's place that takes seconds.
func (r *rig) hurryCloud() {
	r.t.Helper()
	if err := r.cloud.Close(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	r.newCloud(simcloud.Timing{Create: 3 * time.Second, Boot: 3 * time.Second, Delete: 3 * time.Second})
}

func (r *rig) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r.log, nil)) }

// deliver is the endpoint as its host serves it: 200 only with what it wants
// enqueued in hand.
func (r *rig) deliver(ctx context.Context, header http.Header, body []byte) (int, string, []byte, error) {
	r.last = signedRequest{header, body}
	a := r.endpoint.Read(httptest.NewRecorder(), request(ctx, http.MethodPost, header, body))
	if a.Enqueue != nil {
		r.accepted = append(r.accepted, a.Enqueue)
	}
	return a.Status, "application/json", a.Body, nil
}

func request(ctx context.Context, method string, header http.Header, body []byte) *http.Request {
	req := httptest.NewRequestWithContext(ctx, method, "/interactions", bytes.NewReader(body))
	req.Header = header.Clone()
	return req
}

// key is of the only agent's world.
func (r *rig) key(worldID string) []byte {
	switch worldID {
	case midgard:
		return []byte("the key of midgard's agent")
	case world.BotKey:
		return []byte("the bot's own key, nobody else's")
	}
	return []byte("the key of another agent!!")
}

// worker is a process of its own around the shared store, queues, cloud and
// Discord. l counts what it does, and may end it.
func (r *rig) worker(l *life) *bot.Reactions {
	if l == nil {
		l = &life{}
	}
	return &bot.Reactions{
		Verifier: r.verifier, KeyOf: r.key, Log: r.logger(), Archive: mortalArchive{r.archive, l},
		Runner: &bot.Runner{
			Guild: r.guild, Worlds: r.worlds, Clock: hurried{r.clock}, Log: r.logger(),
			Store: mortalStore{r.store, l}, Compute: mortalCompute{r.cloud, l}, Console: mortalConsole{r.cloud, l}, Estate: mortalEstate{r.cloud, l}, Chat: mortalChat{r.chat, l},
			Events: mortalQueue{r.events, l, "delay"},
			Orders: func(string) world.Queue { return mortalQueue{r.orders, l, "order"} },
			Key:    r.key(world.BotKey),
		},
	}
}

// interact lets a person do something; what the endpoint accepted is the
// answer's event, or nil.
func (r *rig) interact(req simdiscord.Request) ([]byte, simdiscord.Outcome) {
	r.t.Helper()
	r.accepted = nil
	out, err := r.discord.Interact(context.Background(), req)
	if err != nil {
		r.t.Fatal(err)
	}
	if len(r.accepted) > 1 {
		r.t.Fatalf("one interaction enqueued %d events", len(r.accepted))
	}
	if len(r.accepted) == 0 {
		return nil, out
	}
	return r.accepted[0], out
}

// command lets a person type a command, and returns its event.
func (r *rig) command(who, name string) []byte {
	r.t.Helper()
	body, out := r.interact(simdiscord.Request{
		User: r.person(who), Channel: r.guild.Channel, Kind: simdiscord.KindCommand, Command: name,
	})
	if body == nil {
		r.t.Fatalf("/%s was not accepted: %+v", name, out)
	}
	return body
}

// press lets a person press the newest button with this command on it.
func (r *rig) press(who string, cmd world.CommandName) []byte {
	r.t.Helper()
	for _, m := range slices.Backward(r.discord.Messages()) {
		for _, b := range m.Buttons() {
			a, err := world.ParseAction(b.CustomID)
			if err != nil || a.Command != cmd {
				continue
			}
			body, out := r.interact(simdiscord.Request{
				User: r.person(who), Channel: m.ChannelID, Kind: simdiscord.KindButton, Message: m.ID, CustomID: b.CustomID,
			})
			if body == nil {
				r.t.Fatalf("button %s was not accepted: %+v", cmd, out)
			}
			return body
		}
	}
	r.t.Fatalf("no message has a button %s", cmd)
	return nil
}

func (r *rig) person(name string) string {
	r.t.Helper()
	p, ok := r.discord.Person(name)
	if !ok {
		r.t.Fatalf("nobody is called %s", name)
	}
	return p.ID
}

// agent is an event of the agent on the first boot of midgard.
func (r *rig) agent(p func(h world.Heard) world.Payload) []byte {
	r.t.Helper()
	r.seq++
	e := world.Event{
		ID: fmt.Sprintf("%s/1/%d", midgard, r.seq), Source: world.SourceAgent, World: midgard, Time: r.clock.Now(),
		Data: p(world.Heard{Epoch: 1, Seq: r.seq}),
	}
	body, err := e.EncodeSealed(r.key(midgard))
	if err != nil {
		r.t.Fatal(err)
	}
	return body
}

// bot is an event that the bot sends to itself.
func (r *rig) bot(id string, p world.Payload) []byte {
	r.t.Helper()
	body, err := world.Event{ID: id, Source: world.SourceBot, World: midgard, Time: r.clock.Now(), Data: p}.EncodeSealed(r.key(world.BotKey))
	if err != nil {
		r.t.Fatal(err)
	}
	return body
}

// handle gives an event to a healthy worker, which must take it.
func (r *rig) handle(body []byte) {
	r.t.Helper()
	if err := r.worker(nil).Handle(context.Background(), body, 1); err != nil {
		r.t.Fatalf("handle %s: %v", body, err)
	}
}

// drain gives every event that is due to a healthy worker.
func (r *rig) drain() {
	r.t.Helper()
	for {
		ms, err := r.events.Receive(context.Background(), 32, time.Minute)
		if err != nil {
			r.t.Fatal(err)
		}
		if len(ms) == 0 {
			return
		}
		for _, m := range ms {
			r.handle(m.Body)
			if err := r.events.Delete(context.Background(), m); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// pass lets time pass, with the events that become due in it.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	for end := r.clock.Now().Add(d); ; r.clock.Advance(min(5*time.Second, end.Sub(r.clock.Now()))) {
		r.drain()
		if !r.clock.Now().Before(end) {
			return
		}
	}
}

func (r *rig) state() world.State {
	r.t.Helper()
	row, err := r.store.Load(context.Background(), r.rowKey())
	if err != nil {
		r.t.Fatal(err)
	}
	return row.State
}

func (r *rig) rowKey() world.Key { return world.Key{Guild: r.guild.ID, World: midgard} }

// plant writes the row past the bot.
func (r *rig) plant(change func(s *world.State)) {
	r.t.Helper()
	row, err := r.store.Load(context.Background(), r.rowKey())
	if err != nil {
		r.t.Fatal(err)
	}
	change(&row.State)
	if _, err := r.store.Replace(context.Background(), row); err != nil {
		r.t.Fatal(err)
	}
}

// said lists the texts of the bot's messages that contain part, in any
// channel, ephemeral ones too.
func (r *rig) said(part string) []simdiscord.Message {
	var found []simdiscord.Message
	for _, m := range r.discord.Messages() {
		if m.Author.Bot && bytes.Contains([]byte(text(m)), []byte(part)) {
			found = append(found, m)
		}
	}
	return found
}

// text is all that a message says.
func text(m simdiscord.Message) string {
	b, err := json.Marshal(m.Embeds)
	if err != nil {
		return err.Error()
	}
	return m.Content + " " + string(b)
}

// The ways to the states that tests begin in.

// asleep is a world that was started and stopped once: its row exists.
func (r *rig) asleep() {
	r.t.Helper()
	r.lit()
	r.handle(r.command("Ana", "stop"))
	r.pass(2 * time.Minute)
	r.expect(world.Stopped)
	r.clock.Advance(rules.CheckAfter + time.Minute)
	r.drain() // the last check finds it asleep
	r.events.Clear()
	r.orders.Clear()
}

// lit is a world whose machine is there and whose agent has not spoken.
func (r *rig) lit() {
	r.t.Helper()
	r.handle(r.command("Ana", "start"))
	r.clock.Advance(45 * time.Second)
	r.drain()
	r.expect(world.Booting)
}

// burning is a world that players can join.
func (r *rig) burning() {
	r.t.Helper()
	r.lit()
	r.handle(r.agent(func(h world.Heard) world.Payload {
		return &world.HostUp{Heard: h, Machine: world.Machine{Address: "203.0.113.9"}}
	}))
	r.handle(r.agent(func(h world.Heard) world.Payload { return &world.Listening{Heard: h, Version: "0.221.4"} }))
	r.expect(world.Online)
}

// inhabited is a world with one player in it.
func (r *rig) inhabited() {
	r.t.Helper()
	r.burning()
	r.handle(spawn(r, "1", "Astrid"))
}

func spawn(r *rig, owner, name string) []byte {
	return r.agent(func(h world.Heard) world.Payload {
		return &world.Spawned{Heard: h, Player: world.Player{Owner: owner, Name: name}}
	})
}

func (r *rig) expect(want world.Status) {
	r.t.Helper()
	if got := r.state().Status; got != want {
		r.t.Fatalf("status = %s, want %s\n%s", got, want, r.log)
	}
}

// silent is a logger that nobody reads.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }
