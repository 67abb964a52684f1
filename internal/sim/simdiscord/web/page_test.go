package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"hearth/internal/playground/browsertest"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/guild"
	"hearth/internal/sim/simdiscord/web"
	"hearth/internal/world/worldtest"
)

// TestPageLeavesOtherMessagesAlone: who has the focus on a button, or has
// selected a text, keeps it when the channel goes on and its oldest message is
// forgotten.
func TestPageLeavesOtherMessagesAlone(t *testing.T) {
	e := newEvening(t)
	e.goOn(guild.MaxMessages)
	button := `document.querySelector(".message[data-id='` + e.last + `'] button[data-custom-id]")`
	oldest := e.site.Messages()[0].ID
	for _, tt := range []struct {
		name    string
		happens func()
		until   string
	}{
		{"a message comes in a full channel", func() { e.line() }, `!document.querySelector(".message[data-id='` + oldest + `']")`},
		{"an older message is deleted", func() {
			path := messages + "/" + e.site.Messages()[1].ID
			if a, err := e.site.Call(t.Context(), http.MethodDelete, path, botHeader(), nil); err != nil || a.Status != http.StatusNoContent {
				t.Fatalf("delete: %d %s (%v)", a.Status, a.Body, err)
			}
		}, `document.querySelectorAll(".message").length === 499`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			browsertest.Eval[any](e.page, button+`.focus(); null`)
			tt.happens()
			e.page.Until(shownWithin, tt.until)
			if !browsertest.Eval[bool](e.page, `document.activeElement === `+button) {
				t.Errorf("got the focus at %s, want it where it was", browsertest.Eval[string](e.page, `document.activeElement.tagName`))
			}
		})
	}
}

// shownWithin is how long the page may take to show something.
const shownWithin = time.Minute

// evening fills the channel that a page shows.
type evening struct {
	t     testing.TB
	site  *site
	page  *browsertest.Page
	clock *worldtest.Clock // Discord's limits go by it, and it leaps
	count int              // messages so far
	last  string           // the id of the last card
}

// newEvening opens a page on an empty channel.
func newEvening(t testing.TB) *evening {
	t.Helper()
	clock := worldtest.NewClock()
	s := serve(t, web.Panel{}, func(o *simdiscord.Options) { o.Clock = clock })
	page := browsertest.Open(t, s.URL, 1440, 900)
	page.Until(shownWithin, `document.querySelector(".welcome")`)
	return &evening{t: t, site: s, page: page, clock: clock}
}

// beginAnew empties the channel.
func (e *evening) beginAnew() {
	e.t.Helper()
	e.site.Reset()
	e.last = ""
	e.page.Until(shownWithin, `!document.querySelector(".message")`)
}

// goOn posts so many messages more, a multiple of 50. Of ten, eight are lines
// of the bot's, one is a card of its, whose card before is edited, and one is
// what a person says. It waits for the page after each 50: one that falls
// behind is cut off and begins anew.
func (e *evening) goOn(count int) {
	e.t.Helper()
	for i := range count / 10 {
		for range 8 {
			e.line()
		}
		before := e.last
		e.last = e.post(http.MethodPost, messages, e.card("burning"))
		if before != "" {
			e.post(http.MethodPatch, messages+"/"+before, e.card("out"))
		}
		said, err := e.site.Say(e.site.id(e.t, "Bo"), channel, "is anybody *there*?")
		if err != nil {
			e.t.Fatal(err)
		}
		if i%5 == 4 {
			e.shown(said.ID)
		}
	}
}

// line posts one line of the bot's and returns its id.
func (e *evening) line() string {
	e.t.Helper()
	e.count++
	return e.post(http.MethodPost, messages, map[string]any{
		"content": fmt.Sprintf("⚔️ **Astrid %d** came in. %d are on.", e.count, e.count%10),
	})
}

// shown waits until the page shows a message.
func (e *evening) shown(id string) {
	e.t.Helper()
	e.page.Until(shownWithin, `document.querySelector(".message[data-id='`+id+`']")`)
}

func (e *evening) card(status string) map[string]any {
	return map[string]any{
		"embeds": []any{map[string]any{
			"title": "Midgard is " + status, "description": fmt.Sprintf("Since <t:%d:R>. Join at `203.0.113.7:2456`", e.clock.Now().Unix()), "color": 0xff9a3d,
			"fields": []any{
				map[string]any{"name": "On", "value": "Astrid, Bo", "inline": true},
				map[string]any{"name": "Cost", "value": "**1.9¢** an hour", "inline": true},
			},
			"footer": map[string]any{"text": fmt.Sprintf("evening %d", e.count)},
		}},
		"components": []any{map[string]any{"type": 1, "components": []any{
			map[string]any{"type": 2, "style": 1, "label": "Stop when empty", "custom_id": fmt.Sprintf("h1:stop_empty:midgard:%d", e.count)},
			map[string]any{"type": 2, "style": 4, "label": "Stop now", "custom_id": fmt.Sprintf("h1:stop_now:midgard:%d", e.count)},
		}}},
	}
}

// post makes a call of the bot's, after a pause that keeps it within Discord's
// limits, and returns the message's id.
func (e *evening) post(method, path string, body map[string]any) string {
	e.t.Helper()
	e.clock.Advance(1100 * time.Millisecond)
	text, err := json.Marshal(body)
	if err != nil {
		e.t.Fatal(err)
	}
	a, err := e.site.Call(e.t.Context(), method, path, botHeader(), text)
	if err != nil || a.Status != http.StatusOK {
		e.t.Fatalf("%s %s: %d %s (%v)", method, path, a.Status, a.Body, err)
	}
	var m struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(a.Body, &m); err != nil {
		e.t.Fatal(err)
	}
	return m.ID
}

// TestCommandBeforeThereIsOne: the page can be quicker than the bot that tells its
// commands, and so can whoever types.
func TestCommandBeforeThereIsOne(t *testing.T) {
	e := newEvening(t)
	register := func(commands string) {
		t.Helper()
		path := simdiscord.APIPrefix + "/applications/" + simdiscord.DefaultApplicationID + "/guilds/" + simdiscord.DefaultGuildID + "/commands"
		a, err := e.site.Call(t.Context(), http.MethodPut, path, botHeader(), []byte(commands))
		if err != nil || a.Status != http.StatusOK {
			t.Fatalf("register: %d %s (%v)", a.Status, a.Body, err)
		}
	}
	start := `[{"name":"start","description":"Light the fire","type":1}]`
	offered := `document.querySelector("#suggestions").textContent.includes("/start")`
	register(start)
	e.page.Type("#composer", "/")
	e.page.Until(shownWithin, offered)
	register("[]")
	e.page.Until(shownWithin, "!"+offered)
	e.page.Type("#composer", "/start\r")
	e.page.Until(shownWithin, `document.querySelector("#compose-problem").textContent.startsWith("There are no commands here yet")`)
	register(start)
	e.page.Until(shownWithin, `[...document.querySelectorAll("#messages .message")].some(m => m.textContent.includes("/start"))`)
}
