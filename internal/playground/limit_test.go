package playground_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestManyLeaveAtOnce says more at once than Discord takes within its five
// seconds. Those are seconds of the playground: waited for in this machine's
// time, the sixth message would come a minute and a half of the evening late.
func TestManyLeaveAtOnce(t *testing.T) {
	p := start(t, t.TempDir())
	defer end(t, p)
	script := "Ana: /start\nwait online\n"
	for i := range 8 {
		script += fmt.Sprintf("lever player_join P%d\n", i)
	}
	script += "expect 8 are on\nwait 10s\nlever all_leave\nexpect Nobody is on\n"
	if err := p.Play(t.Context(), script, io.Discard); err != nil {
		t.Fatal(err)
	}
	var left []time.Time
	for _, m := range p.Discord().Messages() {
		if strings.Contains(m.Content, "** left.") {
			left = append(left, m.Timestamp)
		}
	}
	if len(left) != 8 {
		t.Fatalf("got %d messages that somebody left, want 8", len(left))
	}
	if got := left[7].Sub(left[0]); got > time.Minute {
		t.Errorf("the last was told %s after the first, want the seconds that Discord asks for", got)
	}
}
