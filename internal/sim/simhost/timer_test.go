package simhost_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/world/worldtest"
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

// A monitored timer that missed its time while no host ran is called at once, and
// told so.
func TestPastDue(t *testing.T) {
	t.Parallel()
	const every5min = `{"bindings":[{"type":"timerTrigger","direction":"in","name":"tick","schedule":"0 */5 * * * *"}]}`
	r := newRig(t, map[string]string{"tick/function.json": every5min}, say(`{}`)).queued()
	r.opts.Settings["WEBSITE_SITE_NAME"] = "App-" + r.jobs
	c := worldtest.NewClock()
	r.opts.Clock = c
	tick := func(n int) (out struct {
		IsPastDue      bool
		ScheduleStatus *struct{ Last, Next, LastUpdated time.Time }
	}) {
		t.Helper()
		r.eventually("it is called", func() bool {
			c.Advance(time.Second)
			return len(r.called("/tick")) == n
		})
		if err := json.Unmarshal(r.called("/tick")[n-1].envelope(t).Data["tick"], &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	run := func(f func()) {
		t.Helper()
		r.start()
		f()
		if err := r.host.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	noon := c.Now()
	run(func() {
		if got := tick(1); got.IsPastDue || got.ScheduleStatus == nil || !got.ScheduleStatus.Last.IsZero() || !got.ScheduleStatus.Next.Equal(noon.Add(5*time.Minute)) {
			t.Errorf("the first run: got %+v", got)
		}
	})
	c.Advance(time.Hour)
	run(func() {
		if got := tick(2); !got.IsPastDue || got.ScheduleStatus.Last.Before(noon.Add(5*time.Minute)) || !got.ScheduleStatus.Next.Equal(noon.Add(10*time.Minute)) {
			t.Errorf("after an hour without a host: got %+v %+v", got, got.ScheduleStatus)
		}
		if got := tick(3); got.IsPastDue {
			t.Errorf("the next run: got %+v", got)
		}
	})
	c.Advance(time.Hour)
	soon := strconv.Itoa(c.Now().Add(3 * time.Minute).Minute())
	r.write("tick/function.json", strings.Replace(every5min, "*/5", soon, 1))
	run(func() {
		if got := tick(4); got.IsPastDue {
			t.Errorf("another schedule: got %+v", got)
		}
	})
}

// The schedule is followed, on the host's clock; runOnStartup calls at once.
func TestSchedule(t *testing.T) {
	t.Parallel()
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
