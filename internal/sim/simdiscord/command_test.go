package simdiscord_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCommandsAreReplaced(t *testing.T) {
	w := newWorld(t)
	list := func(from, n int) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(`{"name":"c%d","description":"d"}`, from+i)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	w.must("PUT", commands, list(0, 2))
	before := w.Commands()
	w.must("PUT", commands, list(1, 2))
	after := w.Commands()
	if len(after) != 2 || after[0].ID != before[1].ID || after[0].Version == before[1].Version {
		t.Errorf("before %+v, after %+v: a kept name keeps its id and gets a new version", before, after)
	}
	if a, m := w.call("PUT", commands, list(0, 101)); a.Status != 400 || code(m) != 30032 {
		t.Errorf("101 commands: %d %s", a.Status, a.Body)
	}
	w.must("PUT", commands, list(100, 100))
	if a, m := w.call("PUT", commands, list(200, 98)); a.Status != 429 || code(m) != 30034 {
		t.Errorf("201 creates in a day: %d %s", a.Status, a.Body)
	}
	if got := w.Commands()[0].Name; got != "c100" {
		t.Errorf("a refused PUT changed the commands: %s", got)
	}
}

// TestOneCommand: commands are made, edited and taken away one by one, and only
// a new name counts as a creation.
func TestOneCommand(t *testing.T) { synctest.Test(t, testOneCommand) }

func testOneCommand(t *testing.T) {
	w := newWorld(t)
	a, m := w.call("POST", commands, `{"name":"start","description":"d","options":[{"type":3,"name":"world","description":"which"}]}`)
	id, _ := m["id"].(string)
	if a.Status != 201 || id == "" {
		t.Fatalf("a new one: %d %s, want 201", a.Status, a.Body)
	}
	version := m["version"]
	a, m = w.call("POST", commands, `{"name":"start","description":"e"}`)
	if a.Status != 200 || m["id"] != id || m["version"] == version || m["options"] != nil {
		t.Errorf("the same name: %d %s, want 200, the same id, a new version, and no options", a.Status, a.Body)
	}
	w.must("POST", commands, `{"name":"stop","description":"d","options":[{"type":3,"name":"world","description":"which"}],"default_member_permissions":"32"}`)
	stop := w.Commands()[1].ID
	a, m = w.call("PATCH", commands+"/"+stop, `{"description":"e","default_member_permissions":null}`)
	if a.Status != 200 || m["description"] != "e" || m["default_member_permissions"] != nil || m["options"] == nil || m["id"] != stop {
		t.Errorf("edit: %d %s, want what was named changed, null the default, and the rest left", a.Status, a.Body)
	}
	for _, tt := range []struct {
		name, method, path, body string
		status, code             int
	}{
		{"no such command", "PATCH", commands + "/123", `{"description":"e"}`, 404, 10063},
		{"take no such command away", "DELETE", commands + "/123", "", 404, 10063},
		{"name of another", "PATCH", commands + "/" + stop, `{"name":"start"}`, 400, 50035},
		{"type can't be edited", "PATCH", commands + "/" + stop, `{"type":1}`, 400, 50035},
		{"options in place of a list", "PATCH", commands + "/" + stop, `{"options":3}`, 400, 50035},
		{"no object", "PATCH", commands + "/" + stop, `[]`, 400, 50035},
		{"no description", "POST", commands, `{"name":"join"}`, 400, 50035},
		{"no json", "POST", commands, `{`, 400, 50109},
	} {
		time.Sleep(5 * time.Second) // the route's own limit
		if a, m := w.call(tt.method, tt.path, tt.body); a.Status != tt.status || code(m) != tt.code {
			t.Errorf("%s: %d %s, want %d/%d", tt.name, a.Status, a.Body, tt.status, tt.code)
		}
	}
	if a, _ := w.call("DELETE", commands+"/"+stop, ""); a.Status != 204 || len(w.Commands()) != 1 {
		t.Errorf("take away: %d, then %d commands", a.Status, len(w.Commands()))
	}
}

// TestCreatesOfADay: 200, and what is only edited is none of them.
func TestCreatesOfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		post := func(name string) int {
			t.Helper()
			time.Sleep(2 * time.Second) // the route's own limit
			a, _ := w.call("POST", commands, `{"name":"`+name+`","description":"d"}`)
			return a.Status
		}
		for i := range 100 {
			if got := post(fmt.Sprint("c", i)); got != 201 {
				t.Fatalf("command %d: %d", i, got)
			}
		}
		if a, m := w.call("POST", commands, `{"name":"more","description":"d"}`); a.Status != 400 || code(m) != 30032 {
			t.Errorf("the 101st: %d %s, want 400/30032", a.Status, a.Body)
		}
		for i := range 100 {
			time.Sleep(2 * time.Second)
			w.must("DELETE", commands+"/"+w.Commands()[0].ID, "")
			if got := post(fmt.Sprint("d", i)); got != 201 {
				t.Fatalf("again %d: %d", i, got)
			}
		}
		w.must("DELETE", commands+"/"+w.Commands()[0].ID, "")
		if a, m := w.call("POST", commands, `{"name":"e","description":"d"}`); a.Status != 429 || code(m) != 30034 {
			t.Errorf("the 201st: %d %s, want 429/30034", a.Status, a.Body)
		}
		if got := post("d99"); got != 200 {
			t.Errorf("a name that is there: %d, want 200", got)
		}
		time.Sleep(24 * time.Hour)
		if got := post("e"); got != 201 {
			t.Errorf("the next day: %d, want 201", got)
		}
	})
}

func TestUninvited(t *testing.T) {
	w := newWorld(t)
	w.Uninvite(true)
	if a, m := w.call("GET", commands, ""); a.Status != 403 || code(m) != 50001 {
		t.Errorf("uninvited: %d %s, want 403/50001", a.Status, a.Body)
	}
	w.Uninvite(false)
	w.must("GET", commands, "")
}
