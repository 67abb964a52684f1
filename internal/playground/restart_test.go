package playground_test

import (
	"strings"
	"testing"
)

// TestTimeGoesOn: a playground that ran fast has times in its state that lie
// in the wall's future. The next one must begin no earlier, or deadlines,
// claims and silence would be measured from a time to come.
func TestTimeGoesOn(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	var out strings.Builder
	if err := p.Play(t.Context(), "Ana: /start\nwait online\n", &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	end(t, p)
	p = start(t, dir)
	defer end(t, p)
	after, err := p.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after.Now.Before(after.Since) || after.Now.Before(after.LastSave) {
		t.Errorf("it is %s again, and the state is of %s, the save of %s", after.Now, after.Since, after.LastSave)
	}
	if err := p.Play(t.Context(), "Ana: /stop\nwait stopped\n", &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
}
