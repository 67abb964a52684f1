package simdiscord_test

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/guild"
)

func verify(t *testing.T, key string, d delivery) bool {
	t.Helper()
	pub, err := hex.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := hex.DecodeString(d.header.Get("X-Signature-Ed25519"))
	if err != nil {
		t.Fatal(err)
	}
	return ed25519.Verify(pub, append([]byte(d.header.Get("X-Signature-Timestamp")), d.body...), sig)
}

func TestInteractionIsSignedAndWhole(t *testing.T) {
	w := newWorld(t)
	w.registerStart()
	r := w.start("Ana")
	r.Options = []simdiscord.OptionValue{{Name: "world", Value: "midgard"}, {Name: "minutes", Value: 5}}
	w.interact(r)
	got := w.deliveries()[0]
	if !verify(t, w.PublicKey(), got) {
		t.Error("the signature does not verify")
	}
	stamp, err := strconv.ParseInt(got.header.Get("X-Signature-Timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(stamp, 0)) > time.Minute {
		t.Errorf("timestamp %d (%v)", stamp, err)
	}
	var v any
	if err := json.Unmarshal(got.body, &v); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path string
		want any
	}{
		{"type", 2.0},
		{"version", 1.0},
		{"application_id", simdiscord.DefaultApplicationID},
		{"guild_id", simdiscord.DefaultGuildID},
		{"channel_id", channel},
		{"context", 0.0},
		{"locale", "en-US"},
		{"member.user.id", w.id("Ana")},
		{"member.user.username", "Ana"},
		{"member.nick", nil},
		{"data.name", "start"},
		{"data.type", 1.0},
		{"authorizing_integration_owners.0", simdiscord.DefaultGuildID},
	} {
		if got := inner(v, strings.Split(tt.path, ".")...); got != tt.want {
			t.Errorf("%s = %v, want %v", tt.path, got, tt.want)
		}
	}
	for _, part := range []string{
		`"options":[{"name":"world","type":3,"value":"midgard"},{"name":"minutes","type":4,"value":5}]`,
		`"roles":["` + simdiscord.DefaultKeeperRoleID + `"]`, `"entitlements":[]`, `"app_permissions":"`,
	} {
		if !strings.Contains(string(got.body), part) {
			t.Errorf("body lacks %s: %s", part, got.body)
		}
	}
	id, err := strconv.ParseUint(inner(v, "id").(string), 10, 64)
	if made := time.UnixMilli(int64(id>>22) + 1420070400000); err != nil || time.Since(made).Abs() > time.Minute {
		t.Errorf("the id says it was made %v", made)
	}
}

func TestPermissionBits(t *testing.T) {
	const manageGuild = 1 << 5
	w := newWorld(t)
	w.registerStart()
	for name, want := range map[string]bool{"Ana": true, "Bo": false, "Cleo": false} {
		w.interact(w.start(name))
		got := w.deliveries()
		var v any
		if err := json.Unmarshal(got[len(got)-1].body, &v); err != nil {
			t.Fatal(err)
		}
		bits, err := strconv.ParseUint(inner(v, "member", "permissions").(string), 10, 64)
		if err != nil || (bits&manageGuild != 0) != want {
			t.Errorf("%s has permissions %d (%v), MANAGE_GUILD wanted: %v", name, bits, err, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	both := []simdiscord.RequestKind{simdiscord.KindCommand, simdiscord.KindButton}
	for _, tt := range []struct {
		name   string
		kinds  []simdiscord.RequestKind
		status int
		media  string
		text   string
		ok     bool
		reason string // logged
	}{
		{"message", both, 200, "application/json", `{"type":4,"data":{"content":"hi"}}`, true, ""},
		{"charset", both, 200, "application/json; charset=utf-8", `{"type":4,"data":{"content":"hi"}}`, true, ""},
		{"ephemeral", both, 200, "application/json", `{"type":4,"data":{"content":"hi","flags":64}}`, true, ""},
		{"defer", both, 200, "application/json", `{"type":5}`, true, ""},
		{"ephemeral defer", both, 200, "application/json", `{"type":5,"data":{"flags":64}}`, true, ""},
		{"deferred update", both[1:], 200, "application/json", `{"type":6}`, true, ""},
		{"update", both[1:], 200, "application/json", `{"type":7,"data":{"content":"new"}}`, true, ""},
		{"deferred update of a command", both[:1], 200, "application/json", `{"type":6}`, false, "component only"},
		{"update of a command", both[:1], 200, "application/json", `{"type":7,"data":{"content":"new"}}`, false, "component only"},
		{"defer with content", both, 200, "application/json", `{"type":5,"data":{"content":"x"}}`, false, "flags only"},
		{"defer with other flags", both, 200, "application/json", `{"type":5,"data":{"flags":4}}`, false, "EPHEMERAL"},
		{"pong", both, 200, "application/json", `{"type":1}`, false, "PING"},
		{"autocomplete", both, 200, "application/json", `{"type":8,"data":{"choices":[]}}`, false, "autocomplete"},
		{"modal", both, 200, "application/json", `{"type":9,"data":{}}`, false, "modal"},
		{"no such type", both, 200, "application/json", `{"type":3}`, false, "does not exist"},
		{"empty message", both, 200, "application/json", `{"type":4,"data":{"content":""}}`, false, "50006"},
		{"too long", both, 200, "application/json", `{"type":4,"data":{"content":"` + strings.Repeat("é", 2001) + `"}}`, false, "50035"},
		{"unknown field", both, 200, "application/json", `{"type":4,"dat":{}}`, false, "UNKNOWN_FIELD"},
		{"no json", both, 200, "application/json", `hello`, false, "not JSON"},
		{"no content type", both, 200, "", `{"type":5}`, false, "content type"},
		{"unauthorized", both, 401, "application/json", `{"type":5}`, false, "status 401"},
		{"server error", both, 500, "application/json", `{"type":5}`, false, "status 500"},
	} {
		for _, kind := range tt.kinds {
			t.Run(tt.name+" to a "+string(kind), func(t *testing.T) {
				w := newWorld(t)
				w.registerStart()
				panelID := w.must("POST", messages, row(button(1)))
				w.does(func(context.Context, http.Header, []byte) (int, string, string, error) {
					return tt.status, tt.media, tt.text, nil
				})
				r := w.start("Bo")
				if kind == simdiscord.KindButton {
					r = simdiscord.Request{User: w.id("Bo"), Channel: channel, Kind: kind, Message: panelID, CustomID: "b1"}
				}
				out := w.interact(r)
				if tt.ok {
					if out.State != simdiscord.StateDone {
						t.Errorf("outcome %+v, log %s", out, w.log)
					}
					return
				}
				if out.State != simdiscord.StateFailed || out.Text != simdiscord.NotResponding || len(w.Messages()) != 1 || w.Messages()[0].Content != "x" {
					t.Errorf("outcome %+v, messages %+v", out, w.Messages())
				}
				if !strings.Contains(w.log.String(), tt.reason) {
					t.Errorf("log %s does not name %q", w.log, tt.reason)
				}
				if a, m := w.call("PATCH", webhook(w.token())+"/messages/@original", `{"content":"x"}`); a.Status != 404 || code(m) != 10015 {
					t.Errorf("token of a failed interaction: %d %s", a.Status, a.Body)
				}
			})
		}
	}
}

func TestThreeSeconds(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after time.Duration
		want  simdiscord.State
	}{
		{"in time", 2999 * time.Millisecond, simdiscord.StateDone},
		{"late", 3001 * time.Millisecond, simdiscord.StateFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.registerStart()
				w.does(func(ctx context.Context, _ http.Header, _ []byte) (int, string, string, error) {
					select {
					case <-time.After(tt.after):
						return 200, "application/json", `{"type":5}`, nil
					case <-ctx.Done():
						return 0, "", "", ctx.Err()
					}
				})
				began := time.Now()
				out := w.interact(w.start("Bo"))
				if out.State != tt.want || time.Since(began) > 3*time.Second {
					t.Errorf("%+v after %v, want %s", out, time.Since(began), tt.want)
				}
			})
		})
	}
}

func TestDeferredAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registerStart()
		bo := w.id("Bo")
		var early simdiscord.Answer
		w.does(func(_ context.Context, _ http.Header, _ []byte) (int, string, string, error) {
			early, _ = w.call("PATCH", webhook(w.token())+"/messages/@original", `{"content":"too early"}`)
			return 200, "application/json", `{"type":5}`, nil
		})
		out := w.interact(w.start("Ana"))
		if early.Status != 404 || !strings.Contains(string(early.Body), `"code":10015`) {
			t.Errorf("edit before the defer: %d %s, want 404/10015", early.Status, early.Body)
		}
		m := w.Messages()[0]
		if !m.Thinking || m.Flags != guild.FlagLoading || m.Interaction == nil || m.Interaction.Name != "start" || m.Interaction.User.Name != "Ana" {
			t.Fatalf("deferred message %+v", m)
		}
		original := webhook(w.token()) + "/messages/@original"
		if id := w.must("PATCH", original, `{"content":"ready <@`+bo+`>"}`); id != out.Message.ID {
			t.Errorf("edited %s, want %s", id, out.Message.ID)
		}
		m = w.Messages()[0]
		if m.Thinking || m.Flags != 0 || m.Content != "ready <@"+bo+">" || m.Edited != nil || !slices.Equal(m.Mentions, []string{bo}) {
			t.Errorf("filled in: %+v", m)
		}
		w.must("GET", original, "")
		// The bot's own token may edit it as well, for it is not ephemeral.
		w.must("PATCH", messages+"/"+m.ID, `{"content":"edited"}`)
		follow := w.must("POST", webhook(w.token()), `{"content":"psst","flags":64}`)
		f := w.Messages()[1]
		if f.ID != follow || f.EphemeralTo == nil || *f.EphemeralTo != w.id("Ana") || f.Flags != simdiscord.FlagEphemeral {
			t.Errorf("followup %+v", f)
		}
		w.must("PATCH", webhook(w.token())+"/messages/"+follow, `{"content":"psst!"}`)
		<-time.After(2 * time.Second) // five calls with one token in two seconds
		w.must("DELETE", original, "")
		if a, m := w.call("PATCH", original, `{"content":"x"}`); a.Status != 404 || code(m) != 10008 {
			t.Errorf("deleted original: %d %s", a.Status, a.Body)
		}
	})
}

func TestFollowupAfterDeferFillsIt(t *testing.T) {
	w := newWorld(t)
	w.registerStart()
	w.interact(w.start("Ana"))
	w.must("POST", webhook(w.token()), `{"content":"here"}`)
	if got := w.Messages(); len(got) != 1 || got[0].Content != "here" || got[0].Thinking {
		t.Errorf("%+v", got)
	}
}

func TestEphemeralIsNotForTheBotToken(t *testing.T) {
	w := newWorld(t)
	w.registerStart()
	w.says(`{"type":4,"data":{"content":"secret @everyone","flags":64,"allowed_mentions":{"parse":["everyone"]}}}`)
	out := w.interact(w.start("Bo"))
	if got := out.Message.Mentions; !slices.Equal(got, []string{w.id("Bo")}) {
		t.Errorf("an ephemeral message notified %v", got)
	}
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		if a, m := w.call(method, messages+"/"+out.Message.ID, `{"content":"x"}`); a.Status != 404 || code(m) != 10008 {
			t.Errorf("%s by the bot's token: %d %s", method, a.Status, a.Body)
		}
	}
	if a, _ := w.call("GET", messages, ""); string(a.Body) != "[]" {
		t.Errorf("the list shows it: %s", a.Body)
	}
}

func TestInteractionDefaultMentionsAreUsersOnly(t *testing.T) {
	w := newWorld(t)
	w.registerStart()
	w.says(`{"type":4,"data":{"content":"@everyone <@` + w.id("Cleo") + `>"}}`)
	if got := w.interact(w.start("Bo")).Message.Mentions; !slices.Equal(got, []string{w.id("Cleo")}) {
		t.Errorf("notified %v", got)
	}
}

func TestTokenLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registerStart()
		w.interact(w.start("Ana"))
		original := webhook(w.token()) + "/messages/@original"
		<-time.After(simdiscord.TokenLife - time.Second)
		w.must("GET", original, "")
		<-time.After(time.Second)
		if a, m := w.call("PATCH", original, `{"content":"late"}`); a.Status != 401 || code(m) != 50027 {
			t.Errorf("after 15 min: %d %s", a.Status, a.Body)
		}
		if m := w.Messages()[0]; m.Thinking || m.Content != simdiscord.NotResponding {
			t.Errorf("the answer that never came: %+v", m)
		}
		<-time.After(time.Hour)
		if a, m := w.call("GET", original, ""); a.Status != 401 || code(m) != 50027 {
			t.Errorf("an hour later: %d %s", a.Status, a.Body)
		}
	})
}

func TestButton(t *testing.T) {
	w := newWorld(t)
	id := w.must("POST", messages, row(button(1)))
	press := simdiscord.Request{User: w.id("Bo"), Channel: channel, Kind: simdiscord.KindButton, Message: id, CustomID: "b1"}
	w.says(`{"type":7,"data":{"content":"pressed","components":[]}}`)
	out := w.interact(press)
	if m := w.Messages()[0]; out.Message.ID != id || m.Content != "pressed" || len(m.Components) != 0 || m.Edited == nil {
		t.Errorf("%+v", m)
	}
	var v any
	if err := json.Unmarshal(w.deliveries()[0].body, &v); err != nil {
		t.Fatal(err)
	}
	if inner(v, "type") != 3.0 || inner(v, "data", "custom_id") != "b1" || inner(v, "data", "component_type") != 2.0 || inner(v, "message", "id") != id {
		t.Errorf("interaction %v", v)
	}
	// @original of a pressed button is the message it stands on.
	if got := w.must("PATCH", webhook(w.token())+"/messages/@original", `{"content":"panel"}`); got != id {
		t.Errorf("@original is %s, want %s", got, id)
	}
	if _, err := w.Interact(t.Context(), press); !errors.Is(err, simdiscord.ErrRequest) {
		t.Errorf("a button that is gone: %v", err)
	}
}

func TestImpossibleRequests(t *testing.T) {
	w := newWorld(t)
	w.registerStart()
	off := w.must("POST", messages, row(`{"type":2,"style":1,"label":"b","custom_id":"off","disabled":true}`))
	w.says(`{"type":4,"data":{"content":"x","flags":64,"components":[{"type":1,"components":[` + button(1) + `]}]}}`)
	private := w.interact(w.start("Ana")).Message.ID
	sent := len(w.deliveries())
	for _, tt := range []struct {
		name   string
		change func(r *simdiscord.Request)
	}{
		{"unknown user", func(r *simdiscord.Request) { r.User = "1" }},
		{"unknown channel", func(r *simdiscord.Request) { r.Channel = "1" }},
		{"unknown kind", func(r *simdiscord.Request) { r.Kind = "dance" }},
		{"unknown command", func(r *simdiscord.Request) { r.Command = "dance" }},
		{"a keeper's command", func(r *simdiscord.Request) { r.Command = "mend" }},
		{"an administrator's command", func(r *simdiscord.Request) { r.Command, r.User = "nobody", w.id("Ana") }},
		{"unknown option", func(r *simdiscord.Request) { r.Options = []simdiscord.OptionValue{{Name: "x", Value: "y"}} }},
		{"no choice of it", func(r *simdiscord.Request) { r.Options = []simdiscord.OptionValue{{Name: "world", Value: "asgard"}} }},
		{"wrong type", func(r *simdiscord.Request) { r.Options = []simdiscord.OptionValue{{Name: "minutes", Value: "many"}} }},
		{"twice", func(r *simdiscord.Request) {
			r.Options = []simdiscord.OptionValue{{Name: "minutes", Value: 1}, {Name: "minutes", Value: 2}}
		}},
		{"disabled button", func(r *simdiscord.Request) { r.Kind, r.Message, r.CustomID = simdiscord.KindButton, off, "off" }},
		{"unknown button", func(r *simdiscord.Request) { r.Kind, r.Message, r.CustomID = simdiscord.KindButton, off, "x" }},
		{"another's ephemeral message", func(r *simdiscord.Request) {
			r.Kind, r.Message, r.CustomID = simdiscord.KindButton, private, "b1"
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := w.start("Bo")
			tt.change(&r)
			if _, err := w.Interact(t.Context(), r); !errors.Is(err, simdiscord.ErrRequest) {
				t.Errorf("error %v, want ErrRequest", err)
			}
			if len(w.deliveries()) != sent {
				t.Error("it was delivered")
			}
		})
	}
	r := w.start("Ana")
	r.Command = "mend"
	w.interact(r) // the keeper may
}

func TestLoseWebhooks(t *testing.T) {
	w := newWorld(t)
	w.registerStart()
	w.interact(w.start("Bo"))
	w.LoseWebhooks(1)
	original := webhook(w.token()) + "/messages/@original"
	if a, m := w.call("PATCH", original, `{"content":"x"}`); a.Status != 404 || code(m) != 10015 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	w.must("PATCH", original, `{"content":"x"}`)
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{`{"type":5,"data":{"flags":64}}`, `{"type":4,"data":{"content":"x"}}`, `{"type":7}`, `{"type":6,"data":null}`, `[]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		w := newWorld(t)
		w.registerStart()
		w.says(answer)
		out := w.interact(w.start("Bo"))
		if (out.State == simdiscord.StateDone) != (out.Message != nil) {
			t.Errorf("%q: outcome %+v", answer, out)
		}
		if n := len(w.Messages()); out.State == simdiscord.StateFailed && n != 0 {
			t.Errorf("%q failed and made %d messages", answer, n)
		}
	})
}
