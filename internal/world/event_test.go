package world_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/worldtest"

	"github.com/google/go-cmp/cmp"
)

var dawn = time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)

var (
	key    = []byte("0123456789abcdef0123456789abcdef")
	botKey = []byte("fedcba9876543210fedcba9876543210")
)

// keyring knows the keys of midgard's agent and of the bot.
func keyring(w string) []byte {
	switch w {
	case "midgard":
		return key
	case world.BotKey:
		return botKey
	}
	return nil
}

func event(p world.Payload) world.Event {
	source, _, _ := strings.Cut(string(p.Type()), ".")
	return world.Event{ID: "midgard/7/42", Source: source, World: "midgard", Time: dawn, Data: p}
}

func encoded(t testing.TB, e world.Event) []byte {
	t.Helper()
	encode := e.Encode
	switch e.Source {
	case world.SourceAgent:
		encode = func() ([]byte, error) { return e.EncodeSealed(key) }
	case world.SourceBot:
		encode = func() ([]byte, error) { return e.EncodeSealed(botKey) }
	}
	body, err := encode()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// sealedBy is the bot's word under somebody's key.
func sealedBy(t *testing.T, k []byte) []byte {
	t.Helper()
	body, err := event(&world.Timer{Kind: world.TimerCheck, Number: 1}).EncodeSealed(k)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestEventRoundTrip(t *testing.T) {
	for typ, p := range worldtest.Payloads() {
		t.Run(string(typ), func(t *testing.T) {
			want := event(p)
			got, err := world.Decode(encoded(t, want), keyring)
			if err != nil {
				t.Fatal(err)
			}
			if sealed := len(got.Seal) > 0; sealed != (want.Source != world.SourceDiscord) {
				t.Errorf("sealed: got %v of a word of %s", sealed, want.Source)
			}
			got.Seal = nil
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("got -, want +:\n%s", diff)
			}
		})
	}
}

func TestEncodeWithoutData(t *testing.T) {
	e := world.Event{ID: "1", Source: world.SourceAgent, World: "midgard", Time: dawn}
	if _, err := e.Encode(); !errors.Is(err, world.ErrMalformed) {
		t.Errorf("Encode: got %v, want ErrMalformed", err)
	}
	if _, err := e.EncodeSealed(key); !errors.Is(err, world.ErrMalformed) {
		t.Errorf("EncodeSealed: got %v, want ErrMalformed", err)
	}
}

// TestEventGolden pins the wire: a deployment is updated piece by piece, and
// what one version wrote the next must read.
func TestEventGolden(t *testing.T) {
	for name, typ := range map[string]world.Type{
		"command.json": "discord.command", "died.json": "agent.died", "timer.json": "bot.timer",
	} {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			var one bytes.Buffer
			if err := json.Compact(&one, want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(encoded(t, event(worldtest.Payloads()[typ]))), one.String()); diff != "" {
				t.Errorf("got -, want +:\n%s", diff)
			}
			if _, err := world.Decode(want, keyring); typ == "discord.command" && err != nil {
				t.Errorf("decode of the golden file: %v", err)
			}
		})
	}
}

// TestSealBreaks flips every bit of every sealed value, one at a time.
func TestSealBreaks(t *testing.T) {
	body := encoded(t, event(worldtest.Payloads()["agent.died"]))
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		t.Fatal(err)
	}
	anyWorld := func(string) []byte { return key }
	for _, part := range []string{"id", "subject", "type", "data", "hearthseal"} {
		t.Run(part, func(t *testing.T) {
			value := raw[part]
			start := bytes.Index(body, append([]byte(`"`+part+`":`), value...)) + len(part) + 3
			for i := range value {
				for bit := range 8 {
					forged := bytes.Clone(body)
					forged[start+i] ^= 1 << bit
					if e, err := world.Decode(forged, anyWorld); !errors.Is(err, world.ErrMalformed) {
						t.Fatalf("%s: got %+v, %v, want ErrMalformed", forged, e, err)
					}
				}
			}
		})
	}
}

// forge writes an envelope with some attributes replaced.
func forge(t *testing.T, body []byte, with map[string]any) []byte {
	t.Helper()
	var raw map[string]any
	if err := json.Unmarshal(body, &raw); err != nil {
		t.Fatal(err)
	}
	for k, v := range with {
		if v == nil {
			delete(raw, k)
			continue
		}
		raw[k] = v
	}
	out, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDecodeRefuses(t *testing.T) {
	died := encoded(t, event(worldtest.Payloads()["agent.died"]))
	timer := encoded(t, event(worldtest.Payloads()["bot.timer"]))
	none := func(string) []byte { return nil }
	other := func(string) []byte { return []byte("another key") }
	for _, tc := range []struct {
		name  string
		body  []byte
		keyOf func(string) []byte
		want  error
	}{
		{"nothing", nil, keyring, world.ErrMalformed},
		{"not JSON", []byte("light the fire"), keyring, world.ErrMalformed},
		{"an array", []byte("[]"), keyring, world.ErrMalformed},
		{"half an envelope", timer[:len(timer)/2], keyring, world.ErrMalformed},
		{"two envelopes", append(bytes.Clone(timer), timer...), keyring, world.ErrMalformed},
		{"no key for this world", died, none, world.ErrMalformed},
		{"an empty key", died, func(string) []byte { return []byte{} }, world.ErrMalformed},
		{"another world's key", died, other, world.ErrMalformed},
		{"the bot's word without a seal", forge(t, timer, map[string]any{"hearthseal": nil}), keyring, world.ErrMalformed},
		{"the bot's word under an agent's key", sealedBy(t, key), keyring, world.ErrMalformed},
		{"the bot's word, and no key of the bot's", timer, none, world.ErrMalformed},
		{"no seal", forge(t, died, map[string]any{"hearthseal": nil}), keyring, world.ErrMalformed},
		{"a seal that is no base64", forge(t, died, map[string]any{"hearthseal": "?"}), keyring, world.ErrMalformed},
		{"of another world", forge(t, died, map[string]any{"subject": "asgard"}), keyring, world.ErrMalformed},
		{"an agent that says it is the bot", forge(t, died, map[string]any{"source": "bot"}), keyring, world.ErrMalformed},
		{"an agent that says it is Discord", forge(t, died, map[string]any{"source": "discord"}), keyring, world.ErrMalformed},
		{"the bot's word from an agent", forge(t, timer, map[string]any{"source": "agent"}), keyring, world.ErrMalformed},
		{"no source", forge(t, timer, map[string]any{"source": nil}), keyring, world.ErrMalformed},
		{"no id", forge(t, timer, map[string]any{"id": ""}), keyring, world.ErrMalformed},
		{"no world", forge(t, timer, map[string]any{"subject": nil}), keyring, world.ErrMalformed},
		{"no data", forge(t, timer, map[string]any{"data": nil}), keyring, world.ErrMalformed},
		{"data of another form", forge(t, timer, map[string]any{"data": []int{1}}), keyring, world.ErrMalformed},
		{"an unknown type", forge(t, timer, map[string]any{"type": "bot.dance"}), keyring, world.ErrMalformed},
		{"another CloudEvents", forge(t, timer, map[string]any{"specversion": "0.3"}), keyring, world.ErrMalformed},
		{"a time that is none", forge(t, timer, map[string]any{"time": "yesterday"}), keyring, world.ErrMalformed},
		{"schema 0", forge(t, timer, map[string]any{"hearthschema": 0}), keyring, world.ErrSchema},
		{"schema left out", forge(t, timer, map[string]any{"hearthschema": nil}), keyring, world.ErrSchema},
		{"schema 2", forge(t, timer, map[string]any{"hearthschema": 2}), keyring, world.ErrSchema},
		{"schema -1", forge(t, timer, map[string]any{"hearthschema": -1}), keyring, world.ErrSchema},
		{"too large", bytes.Repeat([]byte(" "), world.MaxMessageBytes+1), keyring, world.ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if e, err := world.Decode(tc.body, tc.keyOf); !errors.Is(err, tc.want) {
				t.Errorf("got %+v, %v, want %v", e, err, tc.want)
			}
		})
	}
}

func TestMessageBound(t *testing.T) {
	e := event(&world.Crashed{Heard: world.Heard{Epoch: 1, Seq: 1}})
	spare := world.MaxMessageBytes - len(encoded(t, e)) - len(`,"detail":""`)
	for _, tc := range []struct {
		name  string
		extra int
		want  error
	}{{"at the bound", 0, nil}, {"one above", 1, world.ErrTooLarge}} {
		t.Run(tc.name, func(t *testing.T) {
			e := event(&world.Crashed{Heard: world.Heard{Epoch: 1, Seq: 1}, Detail: strings.Repeat("x", spare+tc.extra)})
			body, err := e.EncodeSealed(key)
			if !errors.Is(err, tc.want) {
				t.Fatalf("encode: got %v, want %v", err, tc.want)
			}
			if err == nil {
				if len(body) != world.MaxMessageBytes {
					t.Errorf("body has %d bytes, want %d", len(body), world.MaxMessageBytes)
				}
				if _, err := world.Decode(body, keyring); err != nil {
					t.Errorf("decode: %v", err)
				}
			}
		})
	}
}

func TestOrderRoundTrip(t *testing.T) {
	want := world.Order{Kind: world.OrderStopIfEmpty, World: "midgard", Operation: "99", Epoch: 7, Issued: dawn}
	body, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	want.Schema = world.SchemaVersion
	got, err := world.DecodeOrder(body)
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for name, tc := range map[string]struct {
		body string
		want error
	}{
		"not JSON":  {"stop", world.ErrMalformed},
		"no kind":   {`{"schema":1,"world":"midgard"}`, world.ErrMalformed},
		"no world":  {`{"schema":1,"kind":"stop"}`, world.ErrMalformed},
		"schema 0":  {`{"kind":"stop","world":"midgard"}`, world.ErrSchema},
		"schema 2":  {`{"schema":2,"kind":"stop","world":"midgard"}`, world.ErrSchema},
		"a string":  {`"stop"`, world.ErrMalformed},
		"two of it": {string(body) + string(body), world.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			if o, err := world.DecodeOrder([]byte(tc.body)); !errors.Is(err, tc.want) {
				t.Errorf("got %+v, %v, want %v", o, err, tc.want)
			}
		})
	}
}

// FuzzDecode: whatever is in the queue, Decode ends, says one of its errors,
// or gives an event that can be written and read again.
func FuzzDecode(f *testing.F) {
	for _, p := range worldtest.Payloads() {
		f.Add(encoded(f, event(p)))
	}
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"agent","type":"agent.died","subject":"midgard","hearthschema":1,"hearthseal":"` +
		base64.StdEncoding.EncodeToString(make([]byte, 32)) + `","data":{}}`))
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"bot","type":"bot.timer","subject":"midgard","hearthschema":1,"data":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := world.Decode(body, keyring)
		if err != nil {
			if !errors.Is(err, world.ErrMalformed) && !errors.Is(err, world.ErrSchema) && !errors.Is(err, world.ErrTooLarge) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if e.Source == world.SourceAgent && e.World != "midgard" {
			t.Fatalf("an agent of %q was believed without a key", e.World)
		}
		again, err := e.Encode()
		if errors.Is(err, world.ErrTooLarge) {
			return // escaping may lengthen what was written without
		}
		if err != nil {
			t.Fatalf("encode of what was decoded: %v", err)
		}
		if _, err := world.Decode(again, keyring); err != nil && e.Source == world.SourceDiscord {
			t.Fatalf("decode of what was encoded: %v", err)
		}
	})
}
