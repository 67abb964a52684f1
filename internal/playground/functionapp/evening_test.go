package functionapp_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/playground"
	"hearth/internal/playground/browsertest"
	"hearth/internal/playground/functionapp"
	"hearth/internal/sim/azurite"
	"hearth/internal/sim/simhost"
	"hearth/internal/sqlite"
	"hearth/internal/world"
)

// Without the package it is said how to make one, and nothing stays behind. A
// folder that another Hearth has is left alone.
func TestDoesNotStart(t *testing.T) {
	t.Parallel()
	configs, err := world.ParseWorlds(worlds)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	start := func() error {
		_, err := playground.Start(t.Context(), playground.Options{
			Dir: dir, Listen: "127.0.0.1:0", Speed: 1, Worlds: configs, Version: "test", Log: slog.New(slog.DiscardHandler),
			Azure: &playground.Azure{Package: filepath.Join(dir, "none.zip")},
		})
		return err
	}
	unlock, err := sqlite.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := start(); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("Start = %v, want ErrInUse", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds nothing of the first
		err := start()
		if errors.Is(err, azurite.ErrMissing) {
			t.Skip(err)
		}
		if err == nil || !strings.Contains(err.Error(), "make package") {
			t.Errorf("Start = %v, want to be told to make the package", err)
		}
	}
}

// Every step of an evening, as the channel hears it and as the table has it.
func TestEvening(t *testing.T) {
	t.Parallel()
	r := start(t, options{})
	if c, there := r.columns(); there {
		t.Errorf("before anybody played there is a row: %+v", c)
	}
	r.play("Ana: /start")
	r.passes(world.Starting, world.Loading, world.Online)
	var last int64
	for _, step := range []struct {
		script  string
		status  world.Status
		address bool // the row has one
		players int
	}{
		{"", world.Online, true, 0},
		{"lever player_join Bo\nexpect **Bo** came in. One is on.", world.Online, true, 1},
		{"lever player_join Cleo\nexpect **Cleo** came in. 2 are on.", world.Online, true, 2},
		{"lever player_leave Cleo\nexpect **Cleo** left", world.Online, true, 1},
		{"lever all_leave\nexpect Nobody is on", world.Online, true, 0},
		{"Bo: /stop", world.Stopped, false, 0},
		{"Bo: /stop\nexpect is out already", world.Stopped, false, 0},
	} {
		r.play(step.script)
		if step.script == "Bo: /stop" {
			r.passes(world.Stopping, world.Stopped)
		}
		c, _ := r.columns()
		if c.Status != string(step.status) || (c.IP != "") != step.address || c.Players == nil || *c.Players != step.players {
			t.Errorf("after %q the row says %+v, want %s, address %t, %d players", step.script, c, step.status, step.address, step.players)
		}
		if c.Generation < last {
			t.Errorf("after %q the generation is %d, it was %d", step.script, c.Generation, last)
		}
		last = c.Generation
	}
	for _, text := range []string{"is burning. Join at `203.0.113.", "**Cleo** left", "is saved, in", "is out. The machine is gone"} {
		r.until("it is said: "+text, func() bool { return r.said(text) > 0 })
		if n := r.said(text); n != 1 {
			t.Errorf("said %d times: %s", n, text)
		}
	}
}

// The page in front of it: no buttons for a time that runs as it does, and what
// the function app handles in the drawer.
func TestOnThePage(t *testing.T) {
	t.Parallel()
	r := start(t, options{})
	page := browsertest.Open(t, r.p.URL(), 1440, 900)
	page.Until(soon, status("stopped"))
	page.Until(soon, `!document.querySelector("#speed").checkVisibility()`)
	page.Keys("#composer", "\r")
	page.Until(soon, status("online")+" && "+said("203.0.113."))
	page.Until(soon, `document.body.textContent.includes("agent.listening → midgard")`)
	page.Screenshot("azure-online")
}

func status(s string) string {
	return `document.querySelector("#status").dataset.status === "` + s + `"`
}

func said(text string) string {
	return `[...document.querySelectorAll("#messages .message")].some(m => m.textContent.includes("` + text + `"))`
}

// The bot's process is killed while it has an event in hand for the first time:
// between all evenings every event, at moments from before it reads the row
// to when it speaks. What it had claimed is another's after a minute.
func TestHandlerKilledAtEachStep(t *testing.T) {
	t.Parallel()
	const evenings = 8
	for k := range int64(evenings) {
		t.Run(fmt.Sprintf("events %d, %d …", k+1, k+1+evenings), func(t *testing.T) {
			t.Parallel()
			var armed atomic.Bool
			var events, killed atomic.Int64
			// Twice: five deliveries must outlast a claim, as they do in life.
			r := start(t, options{hostSpeed: 2, observe: func(in functionapp.Instance, m simhost.Moment) {
				if m.Function != "reactions" || m.Phase != simhost.Invoked || m.DequeueCount != 1 || !armed.Load() {
					return
				}
				n := events.Add(1) - 1
				if n%evenings != k {
					return
				}
				after := time.Duration([]int64{0, 4, 12, 25, 50}[(n/evenings+k)%5] * int64(time.Millisecond))
				time.AfterFunc(after, func() {
					if in.KillHandler() == nil {
						killed.Add(1)
					}
				})
			}})
			armed.Store(true)
			r.wholeEvening()
			armed.Store(false)
			if killed.Load() == 0 {
				t.Errorf("never killed in an evening of %d events", events.Load())
			}
			t.Logf("killed %d times in an evening of %d events", killed.Load(), events.Load())
		})
	}
}

// A command whose handler is killed was not accepted, and says so; given again
// it is done, once.
func TestHandlerKilledUnderACommand(t *testing.T) {
	t.Parallel()
	var armed atomic.Bool
	r := start(t, options{hostSpeed: 10, observe: func(in functionapp.Instance, m simhost.Moment) {
		if m.Function != "interactions" || !armed.Load() {
			return
		}
		switch m.Phase {
		case simhost.Received:
			// It must not get as far as an answer.
			if err := exec.Command("kill", "-STOP", fmt.Sprint(in.Pid())).Run(); err != nil {
				t.Error(err)
			}
		case simhost.Invoked:
			armed.Store(false)
			_ = in.KillHandler()
		default:
		}
	}})
	armed.Store(true)
	r.play("Ana: /start\nexpect did not respond")
	if c, there := r.columns(); there {
		t.Errorf("a command that was not accepted has left a row: %+v", c)
	}
	r.wholeEvening()
}

// The machine under the function app is gone while it has a message: nobody
// gives that back, so it comes again when its lease has run out.
func TestHostCrashes(t *testing.T) {
	t.Parallel()
	for _, phase := range []simhost.Phase{simhost.Received, simhost.Invoked, simhost.Answered} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			var events, crashed atomic.Int64
			// The lease of ten minutes is one of fifteen seconds.
			r := start(t, options{hostSpeed: 40, observe: func(in functionapp.Instance, m simhost.Moment) {
				if m.Function == "reactions" && m.Phase == phase && m.DequeueCount == 1 && events.Add(1)%6 == 2 {
					crashed.Add(1)
					in.Crash()
				}
			}})
			r.wholeEvening()
			if crashed.Load() == 0 {
				t.Error("it never crashed")
			}
		})
	}
}

// Discord is away for a minute in the middle: what was to be said is said
// after it, once.
func TestDiscordDown(t *testing.T) {
	t.Parallel()
	r := start(t, options{})
	r.play(lightIt)
	r.p.Discord().Fail(1<<30, http.StatusBadGateway)
	r.play("lever player_join Bo\nwait 60s\nrefute **Bo** came in")
	r.p.Discord().Fail(0, 0)
	r.play("expect **Bo** came in\nlever all_leave\nexpect Nobody is on")
	r.play(putItOut)
}

// The storage account answers 503 now and then and loses replies all evening,
// and is away altogether for a while.
func TestStorageFails(t *testing.T) {
	t.Parallel()
	r := start(t, options{hostSpeed: 10})
	r.weather.set(0.15, 0.08)
	r.play(lightIt)
	r.weather.set(1, 0)
	r.play("wait 12s")
	r.weather.set(0.15, 0.08)
	r.play(playIt)
	r.play(putItOut)
	if refused, lost := r.weather.seen(); refused < 10 || lost < 5 {
		t.Errorf("%d requests were refused and %d replies lost in an evening", refused, lost)
	}
}

// Eight machines share the work on one world, and the queue holds two hundred
// deaths, each twice: each is counted once, and no write undoes another.
func TestEightInstances(t *testing.T) {
	t.Parallel()
	const instances, deaths = 8, 200
	var workers sync.Map
	r := start(t, options{hostSpeed: 10, instances: instances, observe: func(in functionapp.Instance, m simhost.Moment) {
		if m.Function == "reactions" && m.Phase == simhost.Answered {
			workers.Store(in, true)
		}
	}})
	r.play(lightIt + "\nlever player_join Bo\nexpect **Bo** came in")
	_, doc := r.document()
	key := r.agentKey("midgard")
	for i := range 2 * deaths {
		seq := int64(1000 + i%deaths) // far from what the agent has said by then
		body, err := world.Event{
			ID: fmt.Sprintf("midgard/%d/%d", doc.Boot.Epoch, seq), Source: world.SourceAgent, World: "midgard", Time: time.Now(),
			Data: &world.Died{Heard: world.Heard{Epoch: doc.Boot.Epoch, Seq: seq}, Player: world.Player{Owner: "1", Name: "Bo"}},
		}.EncodeSealed(key)
		if err != nil {
			t.Fatal(err)
		}
		r.enqueue(body)
	}
	r.until("all deaths are counted", func() bool {
		_, doc = r.document()
		return doc.Session.Deaths >= deaths
	})
	r.play("lever all_leave\nexpect Nobody is on\n" + putItOut)
	c, doc := r.document()
	if doc.Session.Deaths != deaths {
		t.Errorf("%d deaths were counted, want %d", doc.Session.Deaths, deaths)
	}
	if writes := r.weather.writes.Load(); c.Generation != writes {
		t.Errorf("generation is %d after %d writes that succeeded", c.Generation, writes)
	}
	n := 0
	workers.Range(func(any, any) bool { n++; return true })
	if n != instances {
		t.Errorf("%d of %d instances handled an event", n, instances)
	}
}

// What nobody can read is kept, and the keeper told of it once; a forged
// command changes nothing.
func TestPoison(t *testing.T) {
	t.Parallel()
	r := start(t, options{hostSpeed: 30})
	r.enqueue([]byte("no event of anybody's"))
	r.until("the keeper is told", func() bool { return r.saidInKeepers("that no part of Hearth would write") > 0 })
	body, err := world.Event{
		ID: "forged", Source: world.SourceDiscord, World: "midgard", Time: time.Now(),
		Data: &world.Command{Name: world.CmdStart},
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	r.enqueue(body)
	future := strings.Replace(string(body), `"hearthschema":1`, `"hearthschema":99`, 1)
	r.enqueue([]byte(future)) // may be for a newer version, so it is tried five times
	archive := r.tables.NewClient("archive")
	r.until("two are kept", func() bool { return r.count(archive) == 2 })
	r.until("the third is poison", func() bool { return r.messages(world.PoisonQueue(world.EventsQueue)) == 1 })
	r.wholeEvening() // nobody is the worse for it, and somebody looks after the poison
	if n := r.count(archive); n != 3 {
		t.Errorf("%d are kept, want 3", n)
	}
	if n := r.messages(world.PoisonQueue(world.EventsQueue)); n != 0 {
		t.Errorf("%d messages are still poison", n)
	}
	if n := r.saidInKeepers("that I can't use"); n != 1 {
		t.Errorf("the keeper was told %d times within the hour, want once", n)
	}
}
