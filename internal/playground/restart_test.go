package playground_test

import (
	"strings"
	"testing"
)

// TestTimeGoesOn: a playground that ran fast has times in its state that lie
// in the wall's future. The next one must not take a command for older than
// the last.
func TestTimeGoesOn(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	var out strings.Builder
	if err := p.Play(t.Context(), "wait 1m\nAna: /start\nwait online\n", &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	end(t, p)
	p = start(t, dir)
	defer end(t, p)
	if err := p.Play(t.Context(), "Ana: /stop\nwait stopped\nrefute something newer\n", &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
}
