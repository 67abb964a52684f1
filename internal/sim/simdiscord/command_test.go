package simdiscord_test

import (
	"fmt"
	"strings"
	"testing"
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
