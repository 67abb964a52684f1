package simhost_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"hearth/internal/clock"
)

// Fire calls a timer function at once, and tells how that went.
func TestFire(t *testing.T) {
	r := newRig(t, map[string]string{"tick/function.json": tickFile, "plain/function.json": plainFile}, func(w http.ResponseWriter, c call) {
		if c.n == 2 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		say(`{}`)(w, c)
	}).start()
	if err := r.host.Fire(t.Context(), "tick"); err != nil {
		t.Error(err)
	}
	if err := r.host.Fire(t.Context(), "tick"); err == nil {
		t.Error("a function that fails: got no error")
	}
	for _, name := range []string{"plain", "none"} {
		if err := r.host.Fire(t.Context(), name); err == nil || !strings.Contains(err.Error(), "no timer function") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	var tick struct {
		Schedule  struct{ AdjustForDST bool }
		IsPastDue *bool
	}
	e := r.called("/tick")[0].envelope(t)
	if err := json.Unmarshal(e.Data["tick"], &tick); err != nil || tick.IsPastDue == nil || *tick.IsPastDue || !tick.Schedule.AdjustForDST {
		t.Errorf("got %s", e.Data["tick"])
	}
}

// The schedule is followed, on the host's clock; runOnStartup calls at once.
func TestSchedule(t *testing.T) {
	const every5 = `{"bindings":[{"type":"timerTrigger","direction":"in","name":"tick","schedule":"*/5 * * * * *","runOnStartup":true}]}`
	r := newRig(t, map[string]string{"tick/function.json": every5}, say(`{}`))
	c := clock.NewScaled(20, time.Time{})
	r.opts.Clock = c
	begin := c.Now()
	r.start()
	r.eventually("it ran thrice", func() bool { return len(r.called("/tick")) >= 3 })
	if took := c.Now().Sub(begin); took > 2*time.Minute {
		t.Errorf("three runs took %v", took)
	}
}
