package simdiscord_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/guild"
)

func TestSubscribe(t *testing.T) {
	w := newWorld(t)
	w.registerStart()
	w.must("POST", messages, `{"content":"before"}`)
	snapshot, seq, events, cancel := w.Subscribe()
	if len(snapshot.Messages) != 1 || len(snapshot.Commands) != 3 || snapshot.Users[0].Role != guild.RoleKeeper {
		t.Errorf("snapshot %+v", snapshot)
	}
	w.interact(w.start("Bo"))
	w.must("PATCH", webhook(w.token())+"/messages/@original", `{"content":"x"}`)
	w.must("DELETE", webhook(w.token())+"/messages/@original", "")
	w.must("PUT", commands, "[]")
	w.Reset()
	cancel()
	cancel() // twice does no harm
	var kinds []guild.EventKind
	var states []simdiscord.State
	for e := range events {
		if seq++; e.Seq != seq {
			t.Errorf("event %d, want %d", e.Seq, seq)
		}
		kinds = append(kinds, e.Kind)
		if e.Interaction != nil {
			states = append(states, e.Interaction.State)
			if e.Interaction.Nonce != "n1" {
				t.Errorf("nonce %q", e.Interaction.Nonce)
			}
		}
	}
	want := []guild.EventKind{"interaction", "message", "interaction", "message_update", "message_delete", "commands", "reset"}
	if !slices.Equal(kinds, want) || !slices.Equal(states, []simdiscord.State{"thinking", "done"}) {
		t.Errorf("events %v, states %v", kinds, states)
	}
}

func TestResetVoidsWhatIsUnderWay(t *testing.T) {
	w := newWorld(t)
	w.registerStart()
	w.does(func(context.Context, http.Header, []byte) (int, string, string, error) {
		w.Reset()
		return 200, "application/json", `{"type":5}`, nil
	})
	if out := w.interact(w.start("Bo")); out.State != simdiscord.StateFailed || len(w.Messages()) != 0 {
		t.Errorf("outcome %+v, messages %v", out, w.Messages())
	}
	if len(w.Commands()) != 3 {
		t.Error("a reset keeps the commands")
	}
}

func TestExportImport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registerStart()
		w.interact(w.start("Ana"))
		token := w.token()
		w.must("POST", messages, `{"content":"one","nonce":"a","enforce_nonce":true,"embeds":[{"title":"t"}]}`)
		saved, err := w.Export()
		if err != nil {
			t.Fatal(err)
		}
		v := newWorld(t)
		if err := v.Import(saved); err != nil {
			t.Fatal(err)
		}
		again, err := v.Export()
		if err != nil || string(again) != string(saved) {
			t.Errorf("(%v)\n got %s\nwant %s", err, again, saved)
		}
		v.must("PATCH", webhook(token)+"/messages/@original", `{"content":"x"}`)
		if id := v.must("POST", messages, `{"content":"one","nonce":"a","enforce_nonce":true}`); id != w.Messages()[1].ID {
			t.Error("the nonce was forgotten")
		}
		v.says(`{"type":4,"data":{"content":"x"}}`)
		v.interact(v.start("Bo"))
		if n := len(v.Messages()); n != 3 {
			t.Errorf("%d messages, want 3", n)
		}
	})
}

func TestImportVoidsWhatWasUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registerStart()
		var saved []byte
		w.does(func(context.Context, http.Header, []byte) (int, string, string, error) {
			var err error
			if saved, err = w.Export(); err != nil {
				t.Error(err)
			}
			return 200, "application/json", `{"type":5}`, nil
		})
		w.interact(w.start("Bo"))
		v := newWorld(t)
		if err := v.Import(saved); err != nil {
			t.Fatal(err)
		}
		original := webhook(w.token()) + "/messages/@original"
		if a, m := v.call("GET", original, ""); a.Status != 404 || code(m) != 10015 {
			t.Errorf("at once: %d %s", a.Status, a.Body)
		}
		// Its token dies as every other does, so that it is forgotten in time.
		<-time.After(simdiscord.TokenLife)
		if a, m := v.call("GET", original, ""); a.Status != 401 || code(m) != 50027 {
			t.Errorf("after its life: %d %s", a.Status, a.Body)
		}
	})
}

func TestImportRefuses(t *testing.T) {
	w := newWorld(t)
	w.must("POST", messages, `{"content":"stays"}`)
	for name, text := range map[string]string{
		"no json":       `hello`,
		"unknown field": `{"x":1}`,
		"other schema":  `{"schema":9}`,
		"other guild":   `{"schema":1,"application":"1","guild":"2"}`,
		"no message":    `{"schema":1,"application":"` + simdiscord.DefaultApplicationID + `","guild":"` + simdiscord.DefaultGuildID + `","messages":[null]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if err := w.Import([]byte(text)); err == nil || !strings.Contains(err.Error(), "start with an empty") {
				t.Errorf("error %v", err)
			}
			if len(w.Messages()) != 1 {
				t.Error("it changed something")
			}
		})
	}
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	w := newWorld(t)
	w.registerStart()
	began := make(chan struct{})
	w.does(func(ctx context.Context, _ http.Header, _ []byte) (int, string, string, error) {
		close(began)
		<-ctx.Done()
		return 0, "", "", ctx.Err()
	})
	_, _, events, cancel := w.Subscribe()
	defer cancel()
	if err := w.Begin(t.Context(), w.start("Ana")); err != nil {
		t.Fatal(err)
	}
	<-began
	w.Close()
	w.Close() // twice does no harm
	for range events {
		// Drains what came before the end; the channel is closed.
	}
	if s := w.Stats(); s.Failed != 1 {
		t.Errorf("stats %+v, want one failed interaction", s)
	}
}
