package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/discord"
	"hearth/internal/functions"
	"hearth/internal/settings"
	"hearth/internal/settings/settingstest"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
)

const ping = `{"id":"1","application_id":"1100","type":1,"token":"t","version":1}`

// rig is the function app around a storage, cloud and Discord in memory.
type rig struct {
	t       *testing.T
	app     *functions.App
	bot     *theBot
	c       *settings.Config
	discord *simdiscord.Discord
	cloud   *simcloud.Cloud
	storage *simstorage.Account
	log     bytes.Buffer
	opened  int // how often the ways to the world outside were opened

	mu   sync.Mutex // guards what follows
	last struct {
		header http.Header
		body   []byte
	}
	accepted []byte // what interactions gave the host to enqueue
}

// newRig makes the app of a deployment whose settings are changed.
func newRig(t *testing.T, change map[string]string) *rig {
	t.Helper()
	r := &rig{t: t, storage: simstorage.New(simstorage.Options{Clock: clock.System{}})}
	var err error
	r.discord, err = simdiscord.New(simdiscord.Options{Clock: clock.System{}, Seed: bytes.Repeat([]byte{7}, 32), BotToken: settingstest.BotToken, Deliver: r.deliver})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.discord.Close)
	set := map[string]string{
		"DISCORD_APPLICATION_ID": simdiscord.DefaultApplicationID, "DISCORD_PUBLIC_KEY": r.discord.PublicKey(),
		"DISCORD_GUILD_ID": simdiscord.DefaultGuildID, "DISCORD_CHANNEL_ID": simdiscord.DefaultChannelID,
		"DISCORD_KEEPER_ROLE_ID": simdiscord.DefaultKeeperRoleID, "DISCORD_KEEPER_CHANNEL_ID": simdiscord.DefaultKeeperChannelID,
		"DISCORD_API_URL": "http://discord.invalid" + simdiscord.APIPrefix,
	}
	maps.Copy(set, change)
	if r.c, err = settings.Load(settingstest.Lookup(settingstest.Deployment(), set)); err != nil {
		t.Fatal(err)
	}
	r.cloud, err = simcloud.New(simcloud.Options{Clock: clock.System{}, Placements: []world.Placement{{ID: "vmss-a"}, {ID: "vmss-b"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.cloud.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	r.bot = newBot(r.c, clock.System{}, slog.New(slog.NewJSONHandler(&r.log, nil)), r.open)
	r.app = r.bot.app()
	return r
}

func (r *rig) open() (*ports, error) {
	r.opened++
	o := r.c.Discord
	o.Transport = r.discord.Transport()
	chat, err := discord.NewClient(o)
	if err != nil {
		return nil, err
	}
	if err := chat.Register(r.t.Context(), r.c.Guild.ID, r.c.Worlds); err != nil {
		return nil, err
	}
	return &ports{
		store: r.storage.Store(), archive: r.storage.Archive(), compute: r.cloud, console: r.cloud, estate: r.cloud, chat: chat,
		queue: func(name string) world.Queue { return r.storage.Queue(name) },
	}, nil
}

// invoke sends an envelope, and returns the status and the outputs.
func (r *rig) invoke(function string, envelope any) (int, map[string]json.RawMessage) {
	r.t.Helper()
	body, err := json.Marshal(envelope)
	if err != nil {
		r.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r.app.ServeHTTP(w, httptest.NewRequestWithContext(r.t.Context(), http.MethodPost, "/"+function, bytes.NewReader(body)))
	var answer struct{ Outputs map[string]json.RawMessage }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		r.t.Fatalf("%s answers %s: %v", function, w.Body, err)
	}
	return w.Code, answer.Outputs
}

type object = map[string]any

// request is an HTTP request's envelope, as the host writes it. nil: no body.
func request(method string, header http.Header, body []byte) object {
	req := object{"Url": "https://app.invalid/api/x", "Method": method, "Query": object{}, "Headers": header, "Params": object{}, "Identities": []any{}}
	if body != nil {
		req["Body"] = string(body)
	}
	return object{"Data": object{bindRequest: req}, "Metadata": object{"sys": object{"MethodName": fnInteractions}}}
}

// response is what the caller of an HTTP function gets.
type response struct {
	StatusCode int
	Body       string
}

// ask sends a request, and returns the answer and what is to be enqueued.
func (r *rig) ask(function, method string, header http.Header, body []byte) (response, []byte) {
	r.t.Helper()
	code, outputs := r.invoke(function, request(method, header, body))
	if code != http.StatusOK {
		r.t.Fatalf("%s = %d\n%s", function, code, &r.log)
	}
	var resp response
	if err := json.Unmarshal(outputs[bindResponse], &resp); err != nil {
		r.t.Fatal(err)
	}
	var event []byte // base64 in JSON is what []byte is read from
	if raw := outputs[bindEvent]; raw != nil {
		if err := json.Unmarshal(raw, &event); err != nil {
			r.t.Fatal(err)
		}
	}
	return resp, event
}

// deliver is Discord's way to the app.
func (r *rig) deliver(_ context.Context, header http.Header, body []byte) (int, string, []byte, error) {
	resp, event := r.ask(fnInteractions, http.MethodPost, header, body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last.header, r.last.body, r.accepted = header, body, event
	return resp.StatusCode, "application/json", []byte(resp.Body), nil
}

// start lets somebody type /start, and returns the event.
func (r *rig) start() []byte {
	r.t.Helper()
	if _, err := r.bot.workers(); err != nil && r.c.Token != "" { // registers the commands
		r.t.Fatal(err)
	}
	p, _ := r.discord.Person("Bo")
	_, err := r.discord.Interact(r.t.Context(), simdiscord.Request{
		User: p.ID, Channel: r.c.Guild.Channel, Kind: simdiscord.KindCommand, Command: "start",
		Options: []simdiscord.OptionValue{{Name: "world", Value: "midgard"}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accepted
}

// message is a queue message's envelope.
func message(body []byte, delivery int) object {
	return object{
		"Data":     object{bindEvent: base64.StdEncoding.EncodeToString(body)},
		"Metadata": object{"DequeueCount": strconv.Itoa(delivery), "Id": `"5f1c"`, "PopReceipt": `"AgAA"`},
	}
}

// react delivers an event for the first time.
func (r *rig) react(body []byte) int {
	r.t.Helper()
	code, _ := r.invoke(fnReactions, message(body, 1))
	return code
}

// row is midgard's state, and whether there is one.
func (r *rig) row() (world.State, bool) {
	r.t.Helper()
	row, err := r.storage.Store().Load(r.t.Context(), world.Key{Guild: r.c.Guild.ID, World: "midgard"})
	return row.State, err == nil
}

// healthPage is what health tells.
type healthPage struct {
	Version  string
	Worlds   []string
	Settings map[string]bool
	Events   map[string]int
	text     string
}

func (r *rig) health() healthPage {
	r.t.Helper()
	resp, _ := r.ask(fnHealth, http.MethodGet, http.Header{}, nil)
	h := healthPage{text: resp.Body}
	if err := json.Unmarshal([]byte(resp.Body), &h); err != nil || resp.StatusCode != http.StatusOK {
		r.t.Fatalf("health = %+v, %v", resp, err)
	}
	return h
}

func TestPing(t *testing.T) {
	r := newRig(t, nil)
	resp, event := r.ask(fnInteractions, http.MethodPost, r.discord.Sign(time.Now(), []byte(ping)), []byte(ping))
	if resp.StatusCode != http.StatusOK || resp.Body != `{"type":1}` || event != nil {
		t.Errorf("PING = %+v, enqueue %q; want a pong alone", resp, event)
	}
	if err := r.discord.ValidateEndpoint(t.Context()); err != nil {
		t.Errorf("Discord would not take this endpoint: %v", err)
	}
	if r.opened > 0 {
		t.Error("a PING opened the ways to the world outside")
	}
}

// TestCommand: a command goes out by the binding, comes in by the trigger, and
// is done.
func TestCommand(t *testing.T) {
	r := newRig(t, nil)
	event := r.start()
	if event == nil {
		t.Fatalf("nothing to enqueue:\n%s", &r.log)
	}
	if ms, err := r.storage.Queue(world.EventsQueue).Receive(t.Context(), 1, time.Second); err != nil || len(ms) > 0 {
		t.Errorf("interactions wrote to the queue itself: %v, %v", ms, err)
	}
	if code := r.react(event); code != http.StatusOK {
		t.Fatalf("reactions = %d\n%s", code, &r.log)
	}
	if s, ok := r.row(); !ok || s.Status != world.Starting {
		t.Errorf("midgard is %v (%v), want it starting", s.Status, ok)
	}
	if r.opened != 1 {
		t.Errorf("the ways to the world outside were opened %d times, want once", r.opened)
	}
}

// TestNotDiscords: a body that is absent, altered, too large or not Discord's is
// refused, and nothing is enqueued.
func TestNotDiscords(t *testing.T) {
	r := newRig(t, nil)
	r.start()
	body := r.last.body
	header := r.discord.Sign(time.Now(), body)
	large := bytes.Repeat([]byte("x"), discord.MaxBodyBytes+1)
	for _, c := range []struct {
		name, method string
		header       http.Header
		body         []byte
		want         int
	}{
		{"absent", http.MethodPost, header, nil, http.StatusUnauthorized},
		{"empty", http.MethodPost, header, []byte{}, http.StatusUnauthorized},
		{"altered", http.MethodPost, header, bytes.Replace(body, []byte("midgard"), []byte("midgarb"), 1), http.StatusUnauthorized},
		{"with a blank more", http.MethodPost, header, append(bytes.Clone(body), ' '), http.StatusUnauthorized},
		{"without headers", http.MethodPost, http.Header{}, body, http.StatusUnauthorized},
		{"too large", http.MethodPost, r.discord.Sign(time.Now(), large), large, http.StatusRequestEntityTooLarge},
		{"not a POST", http.MethodGet, header, body, http.StatusMethodNotAllowed},
	} {
		if resp, event := r.ask(fnInteractions, c.method, c.header, c.body); resp.StatusCode != c.want || resp.Body != "" || event != nil {
			t.Errorf("%s = %+v, enqueue %q; want %d and nothing", c.name, resp, event, c.want)
		}
	}
	if resp, event := r.ask(fnInteractions, http.MethodPost, header, body); resp.StatusCode != http.StatusOK || event == nil {
		t.Errorf("the same unaltered = %+v, enqueue %q", resp, event)
	}
}

// TestEnvelopes: what the host should not send is a failure, and changes
// nothing.
func TestEnvelopes(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct {
		function, body string
		want           int
	}{
		{"dreams", `{"Data":{},"Metadata":{}}`, http.StatusNotFound},
		{fnReactions, `{"Data":{"event":"aGk`, http.StatusBadRequest},
		{fnReactions, `{"Data":{"timer":{}},"Metadata":{}}`, http.StatusBadRequest},
		{fnReactions, `{"Data":{"event":"` + strings.Repeat("A", 1<<20) + `"}}`, http.StatusRequestEntityTooLarge},
	} {
		w := httptest.NewRecorder()
		r.app.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/"+c.function, strings.NewReader(c.body)))
		if w.Code != c.want {
			t.Errorf("%s with %.40s = %d %s, want %d", c.function, c.body, w.Code, w.Body, c.want)
		}
	}
	if _, ok := r.row(); ok || r.opened > 0 {
		t.Error("something was done all the same")
	}
}

// TestForged: what somebody wrote straight into the queue changes nothing.
func TestForged(t *testing.T) {
	r := newRig(t, nil)
	command := r.start()
	forged := func(old, by string) []byte {
		t.Helper()
		b := bytes.Replace(command, []byte(old), []byte(by), 1)
		if bytes.Equal(b, command) {
			t.Fatalf("the command has no %q: %s", old, command)
		}
		return b
	}
	altered := func() []byte { // the signed body itself
		var e object
		if err := json.Unmarshal(command, &e); err != nil {
			t.Fatal(err)
		}
		signed := e["data"].(object)["signed"].(object)
		signed["body"] = base64.StdEncoding.EncodeToString(bytes.Replace(r.last.body, []byte(`"start"`), []byte(`"stop"`), 1))
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	resigned := func() []byte {
		var e object
		if err := json.Unmarshal(command, &e); err != nil {
			t.Fatal(err)
		}
		signed := e["data"].(object)["signed"].(object)
		signed["signature"] = hex.EncodeToString(ed25519.Sign(other, append([]byte(signed["timestamp"].(string)), r.last.body...)))
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	agent := func(worldID string, key []byte) []byte {
		b, err := world.Event{
			ID: worldID + "/1/1", Source: world.SourceAgent, World: worldID, Time: time.Now(),
			Data: &world.Heartbeat{Heard: world.Heard{Epoch: 1, Seq: 1}, Machine: world.Machine{Name: "vm"}, GameUp: true},
		}.EncodeSealed(key)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	refused := 0
	for name, body := range map[string][]byte{
		"altered body":                 altered(),
		"signed by another":            resigned(),
		"unknown schema":               forged(`"hearthschema":1`, `"hearthschema":7`),
		"no schema":                    forged(`"hearthschema":1,`, ``),
		"agent without a seal":         agent("midgard", nil),
		"agent under a wrong key":      agent("midgard", []byte("a key that is of nobody")),
		"agent under another's key":    agent("midgard", []byte(settingstest.OtherKey)),
		"agent of a world that is not": agent("asgard", []byte(settingstest.AgentKey)),
		"no event":                     []byte("hello"),
		"nothing":                      {},
		"oversize":                     bytes.Repeat([]byte("x"), world.MaxMessageBytes+1),
	} {
		code, kept := r.react(body), len(r.storage.Archive().Names())
		if s, ok := r.row(); ok {
			t.Fatalf("%s: midgard is %+v now", name, s)
		}
		// It comes again, or was kept: nothing is deleted that nobody can look at.
		if code == http.StatusOK {
			refused++
		}
		if kept != refused {
			t.Errorf("%s = %d, and %d are kept; want %d", name, code, kept, refused)
		}
	}
	if h := r.health(); h.Events["refused"] != refused || refused == 0 || h.Events["handled"] != 0 {
		t.Errorf("health tells %v, want %d refused", h.Events, refused)
	}
	if n, err := r.cloud.Capacity("vmss-a"); n > 0 || err != nil {
		t.Errorf("%d machines are wanted, %v", n, err)
	}
	if code := r.react(command); code != http.StatusOK {
		t.Errorf("the real one = %d\n%s", code, &r.log)
	}
	if s, ok := r.row(); !ok || s.Status != world.Starting {
		t.Errorf("midgard is %v (%v) after the real one", s.Status, ok)
	}
}

// TestSpent: a host that delivers on and on is told no, and nothing is done.
func TestSpent(t *testing.T) {
	r := newRig(t, nil)
	event := r.start()
	if code, _ := r.invoke(fnReactions, message(event, world.MaxDeliveries+1)); code != http.StatusInternalServerError {
		t.Errorf("delivery %d = %d, want 500", world.MaxDeliveries+1, code)
	}
	if _, ok := r.row(); ok {
		t.Error("it was handled")
	}
}

func TestReconcile(t *testing.T) {
	r := newRig(t, nil)
	poison := r.storage.Queue(world.PoisonQueue(world.EventsQueue))
	if err := poison.Send(t.Context(), []byte("nobody's"), 0); err != nil {
		t.Fatal(err)
	}
	tick := object{"Data": object{bindTimer: object{"IsPastDue": false}}, "Metadata": object{}}
	if code, _ := r.invoke(fnReconcile, tick); code != http.StatusOK {
		t.Fatalf("= %d\n%s", code, &r.log)
	}
	ms, err := r.storage.Queue(world.EventsQueue).Receive(t.Context(), 32, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	sweeps, leftovers := 0, 0
	for _, m := range ms {
		sweeps += bytes.Count(m.Body, []byte(`"bot.sweep"`))
		leftovers += bytes.Count(m.Body, []byte(`"bot.left_over"`))
		if code := r.react(m.Body); code != http.StatusOK {
			t.Errorf("%s = %d\n%s", m.Body, code, &r.log)
		}
	}
	if sweeps != 2 || leftovers != 1 {
		t.Errorf("%d sweeps, %d of leftovers; want one for each world, and one", sweeps, leftovers)
	}
	if left, err := poison.Receive(t.Context(), 1, time.Second); err != nil || len(left) > 0 {
		t.Errorf("what was set aside is left: %v, %v", left, err)
	}
}

// TestProbe: a probe's PING is answered, and nothing else of it.
func TestProbe(t *testing.T) {
	seed, err := hex.DecodeString(settingstest.ProbeSeed)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, nil)
	r.start()
	signed := func(body []byte) http.Header {
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		return http.Header{
			"x-signature-timestamp": {stamp}, // as HTTP/2 writes names
			"x-signature-ed25519":   {hex.EncodeToString(ed25519.Sign(ed25519.NewKeyFromSeed(seed), append([]byte(stamp), body...)))},
		}
	}
	if resp, event := r.ask(fnInteractions, http.MethodPost, signed([]byte(ping)), []byte(ping)); resp.Body != `{"type":1}` || event != nil {
		t.Errorf("PING = %+v, enqueue %q; want a pong", resp, event)
	}
	if resp, event := r.ask(fnInteractions, http.MethodPost, signed(r.last.body), r.last.body); resp.StatusCode != http.StatusUnauthorized || event != nil {
		t.Errorf("/start = %+v, enqueue %q; want 401", resp, event)
	}
}

// TestNoToken: PING is answered, a command is refused in writing, and no event
// is taken out of the queue.
func TestNoToken(t *testing.T) {
	r := newRig(t, map[string]string{"DISCORD_BOT_TOKEN": ""})
	if resp, _ := r.ask(fnInteractions, http.MethodPost, r.discord.Sign(time.Now(), []byte(ping)), []byte(ping)); resp.Body != `{"type":1}` {
		t.Errorf("PING = %+v", resp)
	}
	withToken := newRig(t, nil)
	withToken.start()
	body := withToken.last.body
	resp, event := r.ask(fnInteractions, http.MethodPost, r.discord.Sign(time.Now(), body), body)
	if resp.StatusCode != http.StatusOK || !strings.Contains(resp.Body, "DISCORD_BOT_TOKEN") || event != nil {
		t.Errorf("/start = %+v, enqueue %q; want a refusal", resp, event)
	}
	if code := r.react(withToken.accepted); code != http.StatusInternalServerError || !strings.Contains(r.log.String(), "handle event: the bot's token is missing") {
		t.Errorf("reactions = %d\n%s", code, &r.log)
	}
	if code, _ := r.invoke(fnReconcile, object{"Data": object{bindTimer: object{}}}); code != http.StatusInternalServerError {
		t.Errorf("reconcile = %d", code)
	}
}

// TestHealth: names and whether they are set, and no value.
func TestHealth(t *testing.T) {
	r := newRig(t, map[string]string{"HEARTH_PROBE_KEY": ""})
	h := r.health()
	if fmt.Sprint(h.Worlds) != "[midgard our-world]" || h.Version == "" {
		t.Errorf("health = %s", h.text)
	}
	for name, want := range map[string]bool{
		"DISCORD_BOT_TOKEN": true, "HEARTH_PROBE_KEY": false, "HEARTH_AGENT_KEY_OUR_WORLD": true, "AzureWebJobsStorage": true, "AZURE_CLIENT_ID": false,
	} {
		if got, ok := h.Settings[name]; !ok || got != want {
			t.Errorf("%s: %v (%v), want %v", name, got, ok, want)
		}
	}
	for _, value := range []string{"canary", "Eby8", r.c.Guild.ID, "vmss-a"} {
		if strings.Contains(h.text, value) {
			t.Errorf("health tells %s: %s", value, h.text)
		}
	}
	if r.opened > 0 {
		t.Error("health opened the ways to the world outside")
	}
}
