package world_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"

	"github.com/google/go-cmp/cmp"
)

const good = `{"id":"midgard","name":"Midgard","placements":[{"id":"vmss-midgard"}]}`

// with is the good world with some of its keys replaced.
func with(t *testing.T, keys string) string {
	t.Helper()
	var m, over map[string]any
	if err := json.Unmarshal([]byte(good), &m); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(keys), &over); err != nil {
		t.Fatal(err)
	}
	maps.Copy(m, over)
	b, err := json.Marshal([]any{m})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestParseWorlds(t *testing.T) {
	got, err := world.ParseWorlds(` [{"id":"a"` + `,"placements":[{"id":"vmss-a"}]},
		{"id":"two-2","name":"The Ten Worlds","placements":[{"id":"A.b_c-1","size":"Standard_D2as_v5","region":"westeurope"},{"id":"B"}],
		 "port":65534,"password":"` + canary + `","roles":["123456789012345678"],"idle_minutes":720,"never_joined_minutes":45,"session_hours":6.5,"monthly_dollars":2.5,"cents_per_hour":3.1},
		{"id":"c","cents_per_hour":1.9,"placements":[{"id":"own","cents_per_hour":2.5,"priced_on":"2027-01-02"},{"id":"full","regular":true}]}] `)
	if err != nil {
		t.Fatal(err)
	}
	want := []world.Config{
		{ID: "a", Name: "a", Placements: []world.Placement{{ID: "vmss-a"}}, Port: world.DefaultPort, IdleMinutes: world.DefaultIdleMin},
		{
			ID: "two-2", Name: "The Ten Worlds", Port: 65534, Password: canary, Roles: []string{"123456789012345678"},
			Placements:  []world.Placement{{ID: "A.b_c-1", Size: "Standard_D2as_v5", Region: "westeurope", CentsPerHour: 3.1}, {ID: "B", CentsPerHour: 3.1}},
			IdleMinutes: 720, NeverJoinedMinutes: 45, SessionHours: 6.5, MonthlyDollars: 2.5, CentsPerHour: 3.1,
		},
		{
			ID: "c", Name: "c", Port: world.DefaultPort, IdleMinutes: world.DefaultIdleMin, CentsPerHour: 1.9,
			Placements: []world.Placement{{ID: "own", CentsPerHour: 2.5, PricedOn: "2027-01-02"}, {ID: "full", Regular: true}},
		},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got -, want +:\n%s", diff)
	}
	if p, ok := got[1].Placement("B"); !ok || p.ID != "B" {
		t.Errorf("Placement: got %+v, %v", p, ok)
	}
	if p, ok := got[1].Placement("C"); ok {
		t.Errorf("Placement of no name: got %+v", p)
	}
	for i, want := range [][3]time.Duration{
		{10 * time.Minute, 30 * time.Minute, 24 * time.Hour},
		{720 * time.Minute, 45 * time.Minute, 6*time.Hour + 30*time.Minute},
	} {
		if d := [3]time.Duration{got[i].Idle(), got[i].NeverJoined(), got[i].SessionMost()}; d != want {
			t.Errorf("idle, never joined, session of %s: got %s, want %s", got[i].ID, d, want)
		}
	}
}

func TestParseWorldsRefuses(t *testing.T) {
	many := func(n int, one func(int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = one(i)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	for _, tc := range []struct{ name, text, want string }{
		{"nothing", "", "is empty: give it a JSON array"},
		{"blanks", " \n\t", "is empty: give it a JSON array"},
		{"not JSON", "midgard", "it is an array of objects with id, name"},
		{"one object", good, "it is an array of objects with id, name"},
		{"an unknown key", with(t, `{"pasword":"x"}`), `unknown field "pasword"`},
		{"a port in words", with(t, `{"port":"2456"}`), "Config.port"},
		{"text after it", "[" + good + "] x", "text after its JSON array: remove it"},
		{"a bracket after it", "[" + good + "]]", "text after its JSON array: remove it"},
		{"a second array", "[" + good + "][]", "text after its JSON array: remove it"},
		{"no worlds", "[]", "has 0 worlds: one deployment keeps 1 to 25"},
		{"null", "null", "has 0 worlds"},
		{"26 worlds", many(26, func(i int) string { return fmt.Sprintf(`{"id":"w%d","placements":[{"id":"p"}]}`, i) }), "has 26 worlds"},
		{"one id twice", "[" + good + "," + good + "]", `world "midgard" appears twice: ids must differ`},
		{"no id", with(t, `{"id":""}`), `world 1 (""): id must be 1 to 24`},
		{"capitals", with(t, `{"id":"Midgard"}`), "id must be"},
		{"a blank", with(t, `{"id":"mid gard"}`), "id must be"},
		{"a slash", with(t, `{"id":"mid/gard"}`), "id must be"},
		{"a line end", with(t, `{"id":"midgard\n"}`), "id must be"},
		{"a dash before", with(t, `{"id":"-midgard"}`), "id must be"},
		{"a dash after", with(t, `{"id":"midgard-"}`), "id must be"},
		{"two dashes", with(t, `{"id":"mid--gard"}`), "id must be"},
		{"25 letters", with(t, `{"id":"`+strings.Repeat("a", 25)+`"}`), "id must be"},
		{"a poison queue", with(t, `{"id":"midgard-poison"}`), `id ends in "-poison"`},
		{"a long name", with(t, `{"name":"`+strings.Repeat("ø", 41)+`"}`), "name has 41 characters: at most 40"},
		{"a name of blanks", with(t, `{"name":"  "}`), "nothing that can be seen"},
		{"a name of nothing", with(t, `{"name":"\u200b"}`), "nothing that can be seen"},
		{"a name of two lines", with(t, `{"name":"Mid\ngard"}`), "line break"},
		{"port 80", with(t, `{"port":80}`), "port is 80: choose one from 1024 to 65534"},
		{"port below zero", with(t, `{"port":-1}`), "port is -1"},
		{"the last port, whose next does not exist", with(t, `{"port":65535}`), "port is 65535"},
		{"no patience", with(t, `{"idle_minutes":-5}`), "idle_minutes is -5: choose 1 to 720"},
		{"much patience", with(t, `{"idle_minutes":721}`), "idle_minutes is 721"},
		{"nobody may ever come", with(t, `{"never_joined_minutes":-1}`), "never_joined_minutes is -1: choose 1 to 720"},
		{"a day until somebody comes", with(t, `{"never_joined_minutes":1440}`), "never_joined_minutes is 1440"},
		{"no session", with(t, `{"session_hours":0.1}`), "session_hours is 0.1: choose 0.25 to 168"},
		{"a session for ever", with(t, `{"session_hours":1000}`), "session_hours is 1000"},
		{"a cap below zero", with(t, `{"monthly_dollars":-1}`), "monthly_dollars is -1: choose up to 10000, or 0 for no limit"},
		{"a cap in cents", with(t, `{"monthly_dollars":10001}`), "monthly_dollars is 10001"},
		{"a placement's price below zero", with(t, `{"placements":[{"id":"p","cents_per_hour":-1}]}`), `cents_per_hour of placement "p" is -1`},
		{"a price of no day", with(t, `{"placements":[{"id":"p","cents_per_hour":1,"priced_on":"30.11.2026"}]}`), `priced_on of placement "p" is "30.11.2026"`},
		{"a price below zero", with(t, `{"cents_per_hour":-0.5}`), "cents_per_hour is -0.5: choose 0 to 1000"},
		{"a price in another unit", with(t, `{"cents_per_hour":1001}`), "cents_per_hour is 1001"},
		{"a short password", with(t, `{"password":"four"}`), "password: the game wants at least 5 characters"},
		{"a password in the name", with(t, `{"name":"Midgard","password":"idgar"}`), "password: the game refuses one that is part of the server's name"},
		{"a password of two lines", with(t, `{"password":"yggdra\nsil"}`), "password: write it on one line"},
		{"a role by its name", with(t, `{"roles":["viking"]}`), `role "viking" is not the id of a role`},
		{"an empty role", with(t, `{"roles":[""]}`), `role "" is not the id of a role`},
		{"no placements", with(t, `{"placements":[]}`), "placements is empty: name at least one scale set"},
		{"a placement without a name", with(t, `{"placements":[{"size":"x"}]}`), `placement id "" is not the name of a scale set`},
		{"a path as placement", with(t, `{"placements":[{"id":"../x"}]}`), `placement id "../x"`},
		{"a long placement", with(t, `{"placements":[{"id":"`+strings.Repeat("p", 65)+`"}]}`), "is not the name of a scale set"},
		{"a placement twice", with(t, `{"placements":[{"id":"p"},{"id":"p","size":"x"}]}`), `placement "p" appears twice`},
		{
			"26 placements",
			with(t, `{"placements":`+many(26, func(i int) string { return fmt.Sprintf(`{"id":"p%d"}`, i) })+`}`),
			"placements has 26 entries: at most 25",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := world.ParseWorlds(tc.text)
			if err == nil {
				t.Fatalf("got %+v, want an error with %q", got, tc.want)
			}
			if !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "HEARTH_WORLDS") {
				t.Errorf("got %q, want HEARTH_WORLDS and %q in it", err, tc.want)
			}
		})
	}
}

// TestParseWorldsNamesAll: who mends one problem must not find the next only
// after the next deployment.
func TestParseWorldsNamesAll(t *testing.T) {
	_, err := world.ParseWorlds(`[
		{"id":"Bad","name":"` + strings.Repeat("x", 50) + `","port":1,"idle_minutes":9999,"cents_per_hour":-1,"roles":["x"],"placements":[{"id":"/"},{"id":"/"}],"password":"` + canary + `"},
		{"id":"x-poison","placements":[]},
		{"id":"good","placements":[{"id":"p"}]},
		{"id":"good","placements":[{"id":"p"}]}]`)
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		`world 1 ("Bad"): id must be`, "name has 50", "port is 1:", "idle_minutes is 9999", "cents_per_hour is -1", `role "x"`,
		`placement id "/"`, `placement "/" appears twice`, `world 2 ("x-poison"): id ends in`, `world 2 ("x-poison"): placements is empty`,
		`world "good" appears twice`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to have %q", err, want)
		}
	}
	if leaks(err.Error()) {
		t.Errorf("the error tells the password: %v", err)
	}
}

func TestQueueNamesDiffer(t *testing.T) {
	if _, err := world.ParseWorlds(`[{"id":"x","placements":[{"id":"p"}]},{"id":"x-poison","placements":[{"id":"q"}]}]`); err == nil {
		t.Errorf("%s would be both the orders of one world and the poison of another", world.OrdersQueue("x-poison"))
	}
	if got := world.PoisonQueue(world.OrdersQueue("x")); got != "orders-x-poison" {
		t.Errorf("poison queue: got %s", got)
	}
}

func TestAgentKeySetting(t *testing.T) {
	for id, want := range map[string]string{"midgard": "HEARTH_AGENT_KEY_MIDGARD", "our-world-2": "HEARTH_AGENT_KEY_OUR_WORLD_2"} {
		if got := world.AgentKeySetting(id); got != want {
			t.Errorf("AgentKeySetting(%q) = %q, want %q", id, got, want)
		}
	}
	if got, want := world.PasswordSetting("our-world-2"), "HEARTH_PASSWORD_OUR_WORLD_2"; got != want {
		t.Errorf("PasswordSetting = %q, want %q", got, want)
	}
}
