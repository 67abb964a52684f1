package bot_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/internal/bot"
	"hearth/internal/discord"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// twoWorlds are one for everybody and one for a role.
func twoWorlds() []world.Config {
	return append(oneWorld(), world.Config{
		ID: "niflheim", Name: "Niflheim", Port: 2456, IdleMinutes: 10, Roles: []string{"77"},
		Placements: []world.Placement{{ID: "vmss-n"}},
	})
}

// typed is a signed /start of Bo's, as a template for what Discord might send.
func (r *rig) typed(change func(m map[string]any)) []byte {
	r.t.Helper()
	if r.last.body == nil {
		req := simdiscord.Request{User: r.person("Bo"), Channel: r.guild.Channel, Kind: simdiscord.KindCommand, Command: "start"}
		if len(r.worlds) > 1 {
			req.Options = []simdiscord.OptionValue{{Name: "world", Value: midgard}}
		}
		r.interact(req)
	}
	var m map[string]any
	if err := json.Unmarshal(r.last.body, &m); err != nil {
		r.t.Fatal(err)
	}
	if change != nil {
		change(m)
	}
	body, err := json.Marshal(m)
	if err != nil {
		r.t.Fatal(err)
	}
	return body
}

// ask gives the endpoint a request signed now.
func (r *rig) ask(body []byte) bot.Answer {
	return r.askWith(http.MethodPost, r.discord.Sign(r.clock.Now(), body), body)
}

func (r *rig) askWith(method string, h http.Header, body []byte) bot.Answer {
	return r.endpoint.Read(httptest.NewRecorder(), request(r.t.Context(), method, h, body))
}

func TestPing(t *testing.T) {
	r := newRig(t)
	if err := r.discord.ValidateEndpoint(t.Context()); err != nil {
		t.Errorf("Discord would not take this endpoint: %v", err)
	}
	a := r.ask([]byte(`{"id":"1","application_id":"2","type":1,"token":"t","version":1}`))
	if a.Status != http.StatusOK || string(a.Body) != `{"type":1}` || a.Enqueue != nil {
		t.Errorf("PING = %d %s, enqueue %q; want 200 and a pong alone", a.Status, a.Body, a.Enqueue)
	}
}

func TestInteractionRefused(t *testing.T) {
	type header = http.Header
	r := newRig(t)
	good := r.typed(nil)
	now := r.clock.Now()
	signed := func(at time.Time) header { return r.discord.Sign(at, good) }
	with := func(key, value string) header {
		h := signed(now)
		h.Set(key, value)
		return h
	}
	huge := bytes.Repeat([]byte("x"), 2<<20)
	for _, c := range []struct {
		name   string
		method string
		header header
		body   []byte
		want   int
	}{
		{"not a POST", http.MethodGet, signed(now), good, http.StatusMethodNotAllowed},
		{"other signature", http.MethodPost, with("X-Signature-Ed25519", strings.Repeat("0", 128)), good, http.StatusUnauthorized},
		{"signature of another body", http.MethodPost, signed(now), append([]byte(" "), good...), http.StatusUnauthorized},
		{"signature is no hex", http.MethodPost, with("X-Signature-Ed25519", strings.Repeat("z", 128)), good, http.StatusUnauthorized},
		{"other timestamp", http.MethodPost, with("X-Signature-Timestamp", "1"), good, http.StatusUnauthorized},
		{"no headers", http.MethodPost, header{}, good, http.StatusUnauthorized},
		{"no body", http.MethodPost, signed(now), nil, http.StatusUnauthorized},
		{"stale timestamp", http.MethodPost, signed(now.Add(-discord.Window - time.Second)), good, http.StatusUnauthorized},
		{"timestamp ahead", http.MethodPost, signed(now.Add(discord.Window + 2*time.Second)), good, http.StatusUnauthorized},
		{"2 MB", http.MethodPost, r.discord.Sign(now, huge), huge, http.StatusRequestEntityTooLarge},
		{"garbage", http.MethodPost, r.discord.Sign(now, []byte("{{")), []byte("{{"), http.StatusBadRequest},
		{"JSON that is no interaction", http.MethodPost, r.discord.Sign(now, []byte(`[1]`)), []byte(`[1]`), http.StatusBadRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := r.askWith(c.method, c.header, c.body)
			if a.Status != c.want || len(a.Body) > 0 || a.Enqueue != nil {
				t.Errorf("= %d with %d bytes, enqueue %q; want %d and nothing else", a.Status, len(a.Body), a.Enqueue, c.want)
			}
		})
	}
	if strings.Contains(r.log.String(), "aW50ZXJhY3Rpb24") || strings.Contains(r.log.String(), string(good)) {
		t.Error("the log holds a body or token")
	}
}

// What is signed by Discord and may not be done is answered to the person
// alone, and goes nowhere.
func TestInteractionDenied(t *testing.T) {
	r := newRig(t, twoWorlds()...)
	data := func(m map[string]any) map[string]any { return m["data"].(map[string]any) }
	world := func(id string) func(map[string]any) {
		return func(m map[string]any) {
			data(m)["options"] = []any{map[string]any{"name": "world", "type": 3, "value": id}}
		}
	}
	for _, c := range []struct {
		name   string
		change func(m map[string]any)
		says   string
	}{
		{"unknown command", func(m map[string]any) { data(m)["name"] = "dance" }, "don't know that one"},
		{"unknown world", world("asgard"), "no such world"},
		{"no world of several", func(m map[string]any) { delete(data(m), "options") }, "Which world"},
		{"direct message", func(m map[string]any) {
			m["user"] = m["member"].(map[string]any)["user"]
			delete(m, "member")
			delete(m, "guild_id")
			delete(m, "guild")
		}, "only listen in the server"},
		{"other guild", func(m map[string]any) { m["guild_id"] = "999" }, "only listen in the server"},
		{"other channel", func(m map[string]any) { m["channel_id"] = "999" }, "Not in this channel"},
		{"without the world's role", world("niflheim"), "need the role"},
		{"old button", func(m map[string]any) {
			m["type"], m["data"] = 3, map[string]any{"component_type": 2, "custom_id": "h0:start"}
			m["message"] = map[string]any{"id": "5", "flags": 0}
		}, "don't know that one"},
		{"button for keepers", func(m map[string]any) {
			m["type"], m["data"] = 3, map[string]any{"component_type": 2, "custom_id": "h1:stop_now:midgard:1"}
			m["message"] = map[string]any{"id": "5", "flags": 0}
		}, "Only a keeper"},
		{"command for keepers", func(m map[string]any) {
			world("midgard")(m)
			data(m)["name"] = "log"
		}, "log is for keepers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := r.ask(r.typed(c.change))
			var said struct {
				Type int
				Data struct {
					Content  string
					Flags    int
					Mentions struct{ Parse []string } `json:"allowed_mentions"`
				}
			}
			if err := json.Unmarshal(a.Body, &said); err != nil {
				t.Fatalf("answer %q: %v", a.Body, err)
			}
			if a.Status != http.StatusOK || a.Enqueue != nil || said.Type != 4 || said.Data.Flags != simdiscord.FlagEphemeral {
				t.Errorf("= %d %s, enqueue %q; want an ephemeral message and nothing enqueued", a.Status, a.Body, a.Enqueue)
			}
			if !strings.Contains(said.Data.Content, c.says) || said.Data.Mentions.Parse == nil {
				t.Errorf("says %q, want %q and no mentions", said.Data.Content, c.says)
			}
		})
	}
}

// A good command is accepted with one event, which the worker takes.
func TestInteractionAccepted(t *testing.T) {
	for _, name := range []string{"start", "stop", "status", "join"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			body, out := r.interact(simdiscord.Request{
				User: r.person("Bo"), Channel: r.guild.Channel, Kind: simdiscord.KindCommand, Command: name,
			})
			if out.State != simdiscord.StateDone || out.Type != 5 {
				t.Fatalf("outcome = %+v, want a deferred answer", out)
			}
			e, err := world.Decode(body, r.key)
			if err != nil || e.ID != out.ID || e.World != midgard {
				t.Fatalf("event = %+v, %v; want %s for %s", e, err, out.ID, midgard)
			}
			r.handle(body)
			for _, m := range r.discord.Messages() {
				if m.Thinking {
					t.Errorf("message %s still thinks", m.ID)
				}
			}
			if got := r.state().Commands; !slices.Equal(got, []string{out.ID}) {
				t.Errorf("commands handled = %v, want %s", got, out.ID)
			}
		})
	}
}

// The same signed request again, within the window: Discord or a thief sent
// it twice, and it counts once.
func TestInteractionReplayed(t *testing.T) {
	r := newRig(t)
	first := r.command("Bo", "start")
	r.handle(first)
	r.pass(discord.Window - time.Second)
	said, before := r.discord.Messages(), r.state()
	a := r.askWith(http.MethodPost, r.last.header, r.last.body)
	if a.Status != http.StatusOK || a.Enqueue == nil {
		t.Fatalf("replay = %d, want it accepted: the endpoint remembers nothing", a.Status)
	}
	r.handle(a.Enqueue)
	if after := r.state(); after.Generation != before.Generation {
		t.Errorf("generation %d after %d: the replay changed the row", after.Generation, before.Generation)
	}
	if got := r.discord.Messages(); len(got) != len(said) {
		t.Errorf("%d messages after %d", len(got), len(said))
	}
	r.clock.Advance(2 * time.Second)
	if a := r.askWith(http.MethodPost, r.last.header, r.last.body); a.Status != http.StatusUnauthorized {
		t.Errorf("replay after the window = %d, want 401", a.Status)
	}
}

// A command that lay in the queue for longer than its token lives is not
// done; people are told.
func TestCommandTooOld(t *testing.T) {
	r := newRig(t)
	body := r.command("Bo", "start")
	r.clock.Advance(rules.CommandLifetime + time.Second)
	for range 2 {
		r.handle(body)
	}
	if s := r.state(); s.Status != world.Stopped || len(s.Pending) > 0 {
		t.Errorf("%s, pending %v; want stopped", s.Status, s.Pending)
	}
	if got := r.said("more than 15 minutes ago"); len(got) != 1 {
		t.Errorf("told %d times, want once", len(got))
	}
	for _, p := range r.cloud.Snapshot().Placements {
		if p.Busy || p.Capacity != 0 {
			t.Errorf("%s was scaled", p.ID)
		}
	}
}

// TestProbe: whoever measures the endpoint gets a pong, and nothing else.
func TestProbe(t *testing.T) {
	r := newRig(t)
	ping := []byte(`{"id":"1","application_id":"2","type":1,"token":"t","version":1}`)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(at time.Time, body []byte) http.Header {
		stamp := strconv.FormatInt(at.Unix(), 10)
		h := http.Header{}
		h.Set("X-Signature-Timestamp", stamp)
		h.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(private, append([]byte(stamp), body...))))
		return h
	}
	now := r.clock.Now()
	if a := r.askWith(http.MethodPost, signed(now, ping), ping); a.Status != http.StatusUnauthorized {
		t.Errorf("PING of a probe nobody allowed = %d, want 401", a.Status)
	}
	if r.endpoint.Probe, err = discord.NewProbeVerifier(hex.EncodeToString(public)); err != nil {
		t.Fatal(err)
	}
	start := r.typed(nil)
	for _, c := range []struct {
		name string
		at   time.Time
		body []byte
		want int
	}{
		{"PING", now, ping, http.StatusOK},
		{"old PING", now.Add(-discord.Window - time.Second), ping, http.StatusUnauthorized},
		{"command", now, start, http.StatusUnauthorized},
		{"unknown kind", now, bytes.Replace(ping, []byte(`"type":1`), []byte(`"type":9`), 1), http.StatusUnauthorized},
		{"no interaction", now, []byte("{"), http.StatusUnauthorized},
	} {
		a := r.askWith(http.MethodPost, signed(c.at, c.body), c.body)
		if a.Status != c.want || a.Enqueue != nil || c.want != http.StatusOK && len(a.Body) > 0 {
			t.Errorf("%s of the probe = %d %s, enqueue %q; want %d", c.name, a.Status, a.Body, a.Enqueue, c.want)
		}
	}
	if a := r.ask(start); a.Status != http.StatusOK || a.Enqueue == nil {
		t.Errorf("Discord's command beside a probe = %d, enqueue %q", a.Status, a.Enqueue)
	}
}

// TestNoToken: a bot that can't speak answers PING, and refuses in writing what
// it would otherwise take on.
func TestNoToken(t *testing.T) {
	r := newRig(t)
	start := r.typed(nil)
	r.endpoint.NoToken = true
	if a := r.ask([]byte(`{"id":"1","application_id":"2","type":1,"token":"t","version":1}`)); a.Status != http.StatusOK || string(a.Body) != `{"type":1}` {
		t.Errorf("PING = %d %s, want a pong", a.Status, a.Body)
	}
	a := r.ask(start)
	if a.Status != http.StatusOK || a.Enqueue != nil || !strings.Contains(string(a.Body), "DISCORD_BOT_TOKEN") || !strings.Contains(string(a.Body), `"flags":64`) {
		t.Errorf("/start = %d %s, enqueue %q; want a refusal for the person alone", a.Status, a.Body, a.Enqueue)
	}
	if !strings.Contains(r.log.String(), "token is missing") {
		t.Error("the log does not say why")
	}
}
