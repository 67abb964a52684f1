package bot_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/bot"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

// forgeBot writes a report of the bot's under somebody's key.
func forgeBot(t testing.TB, worldID string, key []byte) []byte {
	t.Helper()
	e := world.Event{ID: "x", Source: world.SourceBot, World: worldID, Time: time.Now(), Data: &world.Sweep{Placement: "p"}}
	body, err := e.EncodeSealed(key)
	if key == nil {
		body, err = e.Encode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// forge writes a command into an envelope past the endpoint.
func forge(t testing.TB, worldID string, s world.Signed) []byte {
	t.Helper()
	body, err := world.Event{
		ID: "900", Source: world.SourceDiscord, World: worldID, Time: time.Now(),
		Data: &world.Command{Name: world.CmdStart, By: world.Person{ID: "1", Name: "Eve"}, Keeper: true, Signed: s},
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func sealed(t *testing.T, worldID string, key []byte) []byte {
	t.Helper()
	body, err := world.Event{
		ID: worldID + "/9/1", Source: world.SourceAgent, World: worldID, Time: time.Now(),
		Data: &world.HostUp{Heard: world.Heard{Epoch: 9, Seq: 1}},
	}.EncodeSealed(key)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// Whatever stands in the queue that nobody of ours wrote changes nothing. What no
// version could take is kept and counted at once, what another may take comes
// again.
func TestForgedEvents(t *testing.T) {
	r := newRig(t, twoWorlds()...)
	interaction := r.typed(nil)
	now := r.clock.Now()
	signed := world.Signed{
		Body:      interaction,
		Timestamp: r.discord.Sign(now, interaction).Get("X-Signature-Timestamp"),
		Signature: r.discord.Sign(now, interaction).Get("X-Signature-Ed25519"),
	}
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	otherKey := world.Signed{
		Body: interaction, Timestamp: stamp,
		Signature: hex.EncodeToString(ed25519.Sign(stranger, append([]byte(stamp), interaction...))),
	}
	altered := signed
	altered.Body = bytes.Replace(interaction, []byte(`"start"`), []byte(`"stop"`), 1)
	if bytes.Equal(altered.Body, interaction) {
		t.Fatal("nothing was altered")
	}
	good := sealed(t, midgard, r.key(midgard))
	for _, c := range []struct {
		name string
		body []byte
		want error
		kept world.AsideReason // without a retry; empty: it comes again
	}{
		{"unsigned command", forge(t, midgard, world.Signed{}), nil, world.AsideSignature},
		{"command without a signature", forge(t, midgard, world.Signed{Body: interaction, Timestamp: stamp}), nil, world.AsideSignature},
		{"command signed by another key", forge(t, midgard, otherKey), nil, world.AsideSignature},
		{"command with an altered body", forge(t, midgard, altered), nil, world.AsideSignature},
		{"agent's event without a seal", sealed(t, midgard, nil), nil, world.AsideSeal},
		{"agent's event under another world's key", sealed(t, midgard, r.key("niflheim")), nil, world.AsideSeal},
		{"agent's event moved to another world", bytes.Replace(good, []byte(`"subject":"midgard"`), []byte(`"subject":"niflheim"`), 1), nil, world.AsideSeal},
		{"agent's event with another number", bytes.Replace(good, []byte(`"seq":1`), []byte(`"seq":2`), 1), nil, world.AsideSeal},
		{"agent's event said to be the bot's", bytes.Replace(good, []byte(`"source":"agent"`), []byte(`"source":"bot"`), 1), nil, world.AsideMalformed},
		{"unknown schema", bytes.Replace(good, []byte(`"hearthschema":1`), []byte(`"hearthschema":99`), 1), world.ErrSchema, ""},
		{"truncated JSON", good[:len(good)/2], nil, world.AsideMalformed},
		{"nothing", nil, nil, world.AsideMalformed},
		{"too large", bytes.Repeat([]byte(" "), world.MaxMessageBytes+1), nil, world.AsideMalformed},
		{"the bot's own word, unsealed", forgeBot(t, midgard, nil), nil, world.AsideSeal},
		{"the bot's own word under an agent's key", forgeBot(t, midgard, r.key(midgard)), nil, world.AsideSeal},
		{"unknown world", forgeBot(t, "asgard", r.key(world.BotKey)), bot.ErrUnknownWorld, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, kept := len(r.discord.Messages()), len(r.archive.Names())
			for delivery := 1; delivery <= world.MaxDeliveries; delivery++ {
				l := &life{}
				w := r.worker(l)
				err := w.Handle(t.Context(), c.body, delivery)
				if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
					t.Errorf("delivery %d: Handle = %v, want %v", delivery, err, c.want)
				}
				if c.kept == "" && len(l.calls) > 0 || len(l.calls) > l.count("kept", "keep", "delay") || l.count("delay") > 1 {
					t.Errorf("delivery %d came to %v", delivery, l.calls)
				}
				if got := w.Counts(); (c.kept != "") != (got.Refused == 1) || got.Handled != 0 || (c.kept == "") != (got.Failed == 1) {
					t.Errorf("delivery %d: counted %+v", delivery, got)
				}
			}
			if n := len(r.discord.Messages()); n != said {
				t.Errorf("%d messages after %d", n, said)
			}
			if c.kept != "" {
				kept++
				r.expectKept(c.kept, c.body)
			}
			if n := len(r.archive.Names()); n != kept {
				t.Errorf("kept: %v, want %d", r.archive.Names(), kept)
			}
			for _, w := range r.worlds {
				if row, err := r.store.Load(t.Context(), world.Key{Guild: r.guild.ID, World: w.ID}); !errors.Is(err, world.ErrNotFound) {
					t.Errorf("row of %s = %+v, %v; want none", w.ID, row.State, err)
				}
			}
		})
	}
	if strings.Contains(r.log.String(), "aW50ZXJhY3Rpb24") {
		t.Error("the log holds a token")
	}
}

// Of a command only its signed body counts: not the world on the envelope,
// not who the data says it is from.
func TestEnvelopeIsNotBelieved(t *testing.T) {
	r := newRig(t, twoWorlds()...)
	interaction := r.typed(nil) // Bo's, for midgard
	h := r.discord.Sign(r.clock.Now(), interaction)
	r.handle(forge(t, "niflheim", world.Signed{
		Body: interaction, Timestamp: h.Get("X-Signature-Timestamp"), Signature: h.Get("X-Signature-Ed25519"),
	}))
	if row, err := r.store.Load(t.Context(), world.Key{Guild: r.guild.ID, World: "niflheim"}); !errors.Is(err, world.ErrNotFound) {
		t.Errorf("row of the envelope's world = %+v, %v; want none", row.State, err)
	}
	s := r.state()
	if s.Status != world.Starting || s.Op.By.Name != "Bo" || s.Op.ID == "900" {
		t.Errorf("%s by %s as %s; want starting by Bo under the interaction's id", s.Status, s.Op.By.Name, s.Op.ID)
	}
}

// A role that a world asks for since the command was accepted counts.
func TestRoleRemovedMeanwhile(t *testing.T) {
	r := newRig(t)
	body := r.command("Bo", "start")
	r.worlds = oneWorld()
	r.worlds[0].Roles = []string{"77"}
	for range 2 {
		r.handle(body)
	}
	if got := r.said("need the role"); len(got) != 1 || got[0].Thinking {
		t.Errorf("denied %d times, want once, as the answer", len(got))
	}
	if _, err := r.store.Load(t.Context(), r.rowKey()); !errors.Is(err, world.ErrNotFound) {
		t.Errorf("Load = %v, want no row", err)
	}
}

// Only the failure of the last delivery is told, and only once.
func TestLastDeliveryIsTold(t *testing.T) {
	for _, c := range []struct {
		name string
		age  time.Duration // of the command at its last delivery
	}{{"to the person", 0}, {"in the channel, once the token is dead", simdiscord.TokenLife + time.Minute}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			body := r.command("Bo", "start")
			healthy := r.store
			r.store = &faulty{Store: healthy, load: func() error { return errLost }}
			const sorry = "Something went wrong on my side"
			for delivery := 1; delivery < world.MaxDeliveries; delivery++ {
				if err := r.worker(nil).Handle(t.Context(), body, delivery); !errors.Is(err, errLost) {
					t.Fatalf("delivery %d: %v", delivery, err)
				}
			}
			if got := r.said(sorry); len(got) != 0 {
				t.Errorf("told before the last delivery: %v", got)
			}
			r.clock.Advance(c.age)
			if err := r.worker(nil).Handle(t.Context(), body, world.MaxDeliveries); !errors.Is(err, errLost) {
				t.Fatalf("last delivery: %v", err)
			}
			// Hosts are known to deliver on.
			r.store = healthy
			for delivery := world.MaxDeliveries + 1; delivery < world.MaxDeliveries+4; delivery++ {
				l := &life{}
				if err := r.worker(l).Handle(t.Context(), body, delivery); !errors.Is(err, bot.ErrSpent) || len(l.calls) > 0 {
					t.Errorf("delivery %d: %v with %v, want ErrSpent and nothing done", delivery, err, l.calls)
				}
			}
			if got := r.said(sorry); len(got) != 1 || got[0].ChannelID != r.guild.Channel {
				t.Errorf("told %d times, want once in the channel", len(got))
			}
		})
	}
}

// stuck is a store that answers nobody.
type stuck struct{ world.Store }

func (stuck) Load(ctx context.Context, _ world.Key) (world.Row, error) {
	<-ctx.Done()
	return world.Row{}, ctx.Err()
}

// An event that runs out of time ends within its claim's life, and its
// failure is told all the same.
func TestHandlerRunsOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		body := r.command("Bo", "start")
		r.store = stuck{r.store}
		begun := time.Now()
		err := r.worker(nil).Handle(t.Context(), body, world.MaxDeliveries)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Handle = %v, want a deadline", err)
		}
		if took := time.Since(begun); took < bot.HandleWithin || took > claimTime {
			t.Errorf("took %s, want %s to %s", took, bot.HandleWithin, claimTime)
		}
		if got := r.said("Something went wrong on my side"); len(got) != 1 {
			t.Errorf("told %d times, want once", len(got))
		}
	})
}

// Agents' events that are given up are for the log: nobody in the channel can
// do anything about them.
func TestAgentsEventGivenUp(t *testing.T) {
	r := newRig(t)
	r.store = &faulty{Store: r.store, load: func() error { return errLost }}
	body := sealed(t, midgard, r.key(midgard))
	if err := r.worker(nil).Handle(t.Context(), body, world.MaxDeliveries); !errors.Is(err, errLost) {
		t.Errorf("Handle = %v", err)
	}
	if n := len(r.discord.Messages()); n != 0 {
		t.Errorf("%d messages, want none", n)
	}
	if want := fmt.Sprintf("event_id=%s/9/1", midgard); !strings.Contains(r.log.String(), want) {
		t.Errorf("the log does not name %s:\n%s", want, r.log)
	}
}
