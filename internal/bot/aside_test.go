package bot_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/bot"
	"hearth/internal/sqlite"
	"hearth/internal/world"
)

// expectKept looks for a body in the archive.
func (r *rig) expectKept(reason world.AsideReason, body []byte) {
	r.t.Helper()
	body = body[:min(len(body), world.MaxMessageBytes)]
	for _, name := range r.archive.Names() {
		if strings.HasPrefix(name, "unreadable/"+string(reason)+"/") && bytes.Equal(r.archive.Read(name), body) {
			return
		}
	}
	r.t.Errorf("%.60q is not kept for %s; what is: %v", body, reason, r.archive.Names())
}

// keeperHeard is what was said in the keeper's channel that has part in it.
func (r *rig) keeperHeard(part string) []string {
	var heard []string
	for _, m := range r.said(part) {
		if m.ChannelID == r.guild.KeeperChannel {
			heard = append(heard, m.Content)
		}
	}
	return heard
}

// TestForgeryFloods: a machine that writes nonsense into the queue fills neither
// the archive nor the keeper's channel, and costs a call a minute. What it
// wrote is counted.
func TestForgeryFloods(t *testing.T) {
	r := newRig(t)
	l := &life{}
	w := r.worker(l)
	const minutes, each = 130, 10
	for minute := range minutes {
		for i := range each {
			body := fmt.Appendf(nil, "nonsense %d of minute %d", i, minute)
			if err := w.Handle(t.Context(), body, 1); err != nil {
				t.Fatal(err)
			}
		}
		r.pass(time.Minute)
	}
	if err := w.Handle(t.Context(), []byte("the last"), 1); err != nil {
		t.Fatal(err)
	}
	heard := r.keeperHeard("events queue")
	if len(heard) != 3 {
		t.Fatalf("told %d times in %d minutes, want three: %q", len(heard), minutes, heard)
	}
	if !strings.Contains(heard[0], "- 1 that no part of Hearth would write") || !strings.Contains(heard[1], "- 600 that") {
		t.Errorf("told %q, want the first at once and then the sum of an hour", heard)
	}
	if n := len(r.archive.Names()); n == 0 || n > 64 {
		t.Errorf("%d are kept, want at most 64", n)
	}
	if n := l.count("delay"); n > minutes+1 {
		t.Errorf("the row was told %d times, want once a minute at most", n)
	}
	if n := l.count("keep", "kept"); n > 200 {
		t.Errorf("the archive was asked %d times", n)
	}
	if got := w.Counts().Refused; got != minutes*each+1 {
		t.Errorf("counted %d, want %d", got, minutes*each+1)
	}
	// What is known to be ours has room all the same.
	body := sealedAs(t, r, "agent.danced")
	if err := r.poison.Send(t.Context(), body, 0); err != nil {
		t.Fatal(err)
	}
	r.look()
	r.expectKept(world.AsideType, body)
	r.expect(world.Stopped)
}

// sealedAs is an agent's event of a type that is not known, under its own seal.
func sealedAs(t testing.TB, r *rig, typ world.Type) []byte {
	t.Helper()
	r.seq++
	body, err := world.Event{
		ID: fmt.Sprintf("%s/1/%d", midgard, r.seq), Source: world.SourceAgent, World: midgard, Time: r.clock.Now(), Data: odd{typ},
	}.EncodeSealed(r.key(midgard))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

type odd struct{ typ world.Type }

func (o odd) Type() world.Type { return o.typ }

// look gives a healthy worker with a poison queue the check that is due.
func (r *rig) look() {
	r.t.Helper()
	w := r.worker(nil)
	w.Poison = r.poison
	if err := w.Handle(r.t.Context(), r.bot("check", &world.Timer{Kind: world.TimerCheck, Number: r.state().CheckNo}), 1); err != nil {
		r.t.Fatal(err)
	}
	r.drain()
}

// TestNotKeptNotAcknowledged: what cannot be kept or counted comes again.
func TestNotKeptNotAcknowledged(t *testing.T) {
	for _, call := range []string{"kept", "keep", "delay"} {
		for _, how := range []fate{failsBefore, failsAfter} {
			t.Run(call+" "+how.String(), func(t *testing.T) {
				r := newRig(t)
				r.burning()
				w := r.worker(&life{when: call, how: how})
				if err := w.Handle(t.Context(), []byte("no event"), 1); !errors.Is(err, errLost) {
					t.Fatalf("Handle = %v, want errLost", err)
				}
				if err := w.Handle(t.Context(), []byte("no event"), 2); err != nil {
					t.Fatal(err)
				}
				r.drain()
				r.expectKept(world.AsideMalformed, []byte("no event"))
				r.clock.Advance(2 * time.Hour)
				r.drain()
				r.look()
				if heard := r.keeperHeard("events queue"); len(heard) != 1 || !strings.Contains(heard[0], "- 1 that") {
					t.Errorf("told %q, want one message of one", heard)
				}
			})
		}
	}
}

// TestPoisonIsKeptAndTold: each kind of event that no delivery could handle is
// stored, then told, then deleted; wherever a worker dies over it, nothing is lost
// and nothing told twice. (P19)
func TestPoisonIsKeptAndTold(t *testing.T) {
	at := func(r *rig, body []byte, err error) []byte {
		r.t.Helper()
		if err != nil {
			r.t.Fatal(err)
		}
		return body
	}
	for _, c := range []struct {
		name string
		body func(r *rig) []byte
		kept string // begin of its name
		told string // in the keeper's channel, or, of a command, in the other
	}{
		{"no event at all", func(*rig) []byte { return []byte("light the fire") }, "unreadable/malformed/", "no part of Hearth would write"},
		{"forged seal", func(r *rig) []byte { return forgeBot(r.t, midgard, []byte("a key of somebody's")) }, "unreadable/seal/", "sealed by none of ours"},
		{"forged command", func(r *rig) []byte { return forge(r.t, midgard, world.Signed{}) }, "unreadable/signature/", "Discord did not sign"},
		{"unknown schema", func(r *rig) []byte {
			return bytes.Replace(spawn(r, "1", "Astrid"), []byte(`"hearthschema":1`), []byte(`"hearthschema":7`), 1)
		}, "unreadable/schema/", "of schema (`7`)"},
		{"unknown type", func(r *rig) []byte { return sealedAs(r.t, r, "agent.danced") }, "unreadable/type/", "(`agent.danced`)"},
		{"world not configured", func(r *rig) []byte { return forgeBot(r.t, "asgard", r.key(world.BotKey)) }, "unreadable/world/", "(`asgard`)"},
		{"timer of a world not configured", func(r *rig) []byte {
			body, err := world.Event{ID: "x", Source: world.SourceBot, World: "asgard", Time: r.clock.Now(), Data: &world.Timer{Kind: world.TimerLook}}.EncodeSealed(r.key(world.BotKey))
			return at(r, body, err)
		}, "unreadable/world/", "(`asgard`)"},
		{"agent of a world without a key", func(r *rig) []byte {
			body, err := world.Event{
				ID: "x", Source: world.SourceAgent, World: "asgard", Time: r.clock.Now(), Data: &world.HostUp{Heard: world.Heard{Epoch: 1, Seq: 1}},
			}.EncodeSealed([]byte("a key of asgard's"))
			return at(r, body, err)
		}, "unreadable/world/", "(`asgard`)"},
		{"command", func(r *rig) []byte { return r.command("Bo", "stop") }, "given-up/discord.command/", "Something went wrong"},
		{"agent's old word", func(r *rig) []byte {
			r.seq++
			body, err := world.Event{
				ID: "x", Source: world.SourceAgent, World: midgard, Time: r.clock.Now().Add(-31 * time.Minute),
				Data: &world.Spawned{Heard: world.Heard{Epoch: 1, Seq: r.seq}, Player: world.Player{Owner: "1", Name: "Astrid"}},
			}.EncodeSealed(r.key(midgard))
			return at(r, body, err)
		}, "given-up/agent.spawned/", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := func(t *testing.T, l *life) {
				r := newRig(t)
				r.burning()
				body := c.body(r)
				if err := r.poison.Send(t.Context(), body, 0); err != nil {
					t.Fatal(err)
				}
				w := r.worker(l)
				w.Poison = mortalQueue{r.poison, l, "poison"}
				_, _ = l.survives(func() error { w.Drain(t.Context()); return nil })
				r.drain()
				for range 3 {
					r.clock.Advance(time.Minute + time.Second)
					r.look()
				}
				if n := len(r.poison.Messages()); n != 0 {
					t.Errorf("%d are left in the poison queue", n)
				}
				names := r.archive.Names()
				if len(names) != 1 || !strings.HasPrefix(names[0], c.kept) || !bytes.Equal(r.archive.Read(names[0]), body) {
					t.Errorf("kept %v, want it as it came under %s…", names, c.kept)
				}
				heard := r.said("Something went wrong")
				if c.told != "" && !strings.HasPrefix(c.kept, "given-up") {
					heard = r.said("events queue")
					if len(r.keeperHeard(names[0])) != 1 {
						t.Errorf("the keeper was not told where it is: %v", heard)
					}
				}
				if want := min(1, len(c.told)); len(heard) != want || want == 1 && !strings.Contains(text(heard[0]), c.told) {
					t.Errorf("told %v, want %q once", heard, c.told)
				}
				r.expect(world.Online)
				r.clock.Advance(2 * time.Hour)
				r.look()
				if again := r.said("events queue"); len(again) > 1 {
					t.Errorf("told again two hours later: %s", text(again[1]))
				}
			}
			whole := &life{}
			run(t, whole)
			for i, call := range whole.calls {
				for _, how := range []fate{diesBefore, diesAfter, failsBefore, failsAfter} {
					t.Run(fmt.Sprintf("%s %s %d", how, call, i+1), func(t *testing.T) { run(t, &life{at: i + 1, how: how}) })
				}
			}
			if keep, del := slices.Index(whole.calls, "keep"), slices.Index(whole.calls, "delete"); keep < 0 || del < keep {
				t.Errorf("calls: %v, want keep before delete", whole.calls)
			}
		})
	}
}

// TestSchemaIsRetried: a newer version may be rolling out that can read it.
func TestSchemaIsRetried(t *testing.T) {
	r := newRig(t)
	r.burning()
	for _, body := range [][]byte{
		bytes.Replace(spawn(r, "1", "Astrid"), []byte(`"hearthschema":1`), []byte(`"hearthschema":7`), 1),
		sealedAs(t, r, "agent.danced"),
		forgeBot(t, "asgard", r.key(world.BotKey)),
	} {
		for delivery := 1; delivery <= world.MaxDeliveries; delivery++ {
			if err := r.worker(nil).Handle(t.Context(), body, delivery); err == nil {
				t.Errorf("delivery %d of %s was acknowledged", delivery, body)
			}
		}
	}
	if n := len(r.archive.Names()); n != 0 {
		t.Errorf("%d were kept before they were poison", n)
	}
}

// TestRowOfNonsense: somebody edits a row by hand into something that is none.
// A command is tried five times and kept, the keeper is told once however many
// workers meet it, timers and the agent's words wait, and once the row is mended all
// goes on.
func TestRowOfNonsense(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		told string
	}{
		{"nonsense", fmt.Errorf("decode state: %w: invalid character", world.ErrMalformed), "changed by hand"},
		{"a newer version's", fmt.Errorf("decode state: %w: 7, this is 1", world.ErrSchema), "another version of Hearth"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.burning()
			healthy := r.store
			r.store = &faulty{Store: healthy, load: func() error { return c.err }}
			check := r.bot("check", &world.Timer{Kind: world.TimerCheck, Number: mustLoad(t, r, healthy).CheckNo})
			command, died := r.command("Bo", "stop"), spawn(r, "1", "Astrid")
			r.events.Clear()
			for _, body := range [][]byte{command, died, check} {
				for delivery := 1; delivery <= world.MaxDeliveries; delivery++ {
					err := r.worker(nil).Handle(t.Context(), body, delivery)
					if last := delivery == world.MaxDeliveries && !bytes.Equal(body, command); last != (err == nil) || err != nil && !errors.Is(err, bot.ErrRow) {
						t.Errorf("delivery %d: %v, want ErrRow, but of what is put off", delivery, err)
					}
					r.clock.Advance(30 * time.Second)
				}
			}
			if heard := r.keeperHeard("row of **Midgard**"); len(heard) != 1 || !strings.Contains(heard[0], c.told) {
				t.Errorf("keeper told %q, want it once", heard)
			}
			if n := len(r.said("Something went wrong")); n != 1 {
				t.Errorf("the command's failure was told %d times, want once", n)
			}
			if names := r.archive.Names(); len(names) != 1 {
				t.Errorf("kept %v, want the command", names)
			}
			r.store = healthy
			r.drain()
			r.pass(2 * time.Minute)
			if s := r.state(); s.CheckNo < 2 || s.CheckDue.Before(r.clock.Now()) {
				t.Errorf("the chain of checks did not go on: number %d, due %s", s.CheckNo, s.CheckDue)
			} else if len(s.Boot.Players) != 1 {
				t.Errorf("players: %+v, want Astrid, who came in meanwhile", s.Boot.Players)
			}
			r.handle(r.command("Bo", "status"))

			// Broken anew, it is told anew.
			w := r.worker(nil)
			if err := w.Handle(t.Context(), spawn(r, "2", "Bjorn"), 1); err != nil {
				t.Fatal(err)
			}
			r.clock.Advance(time.Minute)
			w.Runner.Store = &faulty{Store: healthy, load: func() error { return c.err }}
			for range 2 {
				_ = w.Handle(t.Context(), spawn(r, "3", "Cara"), world.MaxDeliveries)
			}
			if n := len(r.keeperHeard("row of **Midgard**")); n != 2 {
				t.Errorf("keeper told %d times in all, want twice", n)
			}
		})
	}
}

// TestRowEditedByHand does it to a real table: an event fails, is kept and told,
// and with the old text put back all goes on.
func TestRowEditedByHand(t *testing.T) {
	r := newRig(t)
	path := filepath.Join(t.TempDir(), "hearth.db")
	db, err := sqlite.Open(t.Context(), path, r.clock)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	r.store = db.Store()
	r.burning()
	hand, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hand.Close() }()
	var good string
	if err := hand.QueryRowContext(t.Context(), "SELECT state FROM worlds").Scan(&good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "{", `"online"`, strings.Replace(good, `"schema":1`, `"schema":7`, 1), strings.Replace(good, `"generation":`, `"generation":"x`, 1)} {
		if _, err := hand.ExecContext(t.Context(), "UPDATE worlds SET state = ?", bad); err != nil {
			t.Fatal(err)
		}
		body := r.command("Bo", "stop")
		if err := r.worker(nil).Handle(t.Context(), body, world.MaxDeliveries); !errors.Is(err, bot.ErrRow) {
			t.Errorf("%.20q: Handle = %v, want ErrRow", bad, err)
		}
		if !slices.ContainsFunc(r.archive.Names(), func(name string) bool { return bytes.Equal(r.archive.Read(name), body) }) {
			t.Errorf("%.20q: the command is not kept", bad)
		}
	}
	if n := len(r.keeperHeard("changed by hand")); n != 1 {
		t.Errorf("told %d times that it was changed by hand, want once", n)
	}
	if _, err := hand.ExecContext(t.Context(), "UPDATE worlds SET state = ?", good); err != nil {
		t.Fatal(err)
	}
	r.handle(spawn(r, "2", "Bjorn"))
	if s := r.state(); len(s.Boot.Players) != 1 {
		t.Errorf("players after it was mended: %+v, want Bjorn", s.Boot.Players)
	}
}

func mustLoad(t *testing.T, r *rig, s world.Store) world.State {
	t.Helper()
	row, err := s.Load(t.Context(), r.rowKey())
	if err != nil {
		t.Fatal(err)
	}
	return row.State
}

// TestSetAsideWaits: what the keeper is to be told outlives a row that cannot be
// read.
func TestSetAsideWaits(t *testing.T) {
	r := newRig(t)
	if err := r.worker(nil).Handle(t.Context(), []byte("no event"), 1); err != nil {
		t.Fatal(err)
	}
	told := r.events.Messages()[0].Body
	r.events.Clear()
	healthy := r.store
	r.store = &faulty{Store: healthy, load: func() error { return errLost }}
	if err := r.worker(nil).Handle(t.Context(), told, world.MaxDeliveries); err != nil {
		t.Fatal(err)
	}
	r.store = healthy
	r.pass(time.Minute)
	if heard := r.keeperHeard("events queue"); len(heard) != 1 {
		t.Errorf("told %q, want it once", heard)
	}
}
