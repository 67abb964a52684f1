package wire_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

const (
	instance = "/metadata/instance?api-version=2021-02-01"
	events   = "/metadata/scheduledevents?api-version=2020-07-01"
)

// stage is two machines of a pretend cloud.
type stage struct {
	cloud *simcloud.Cloud
	clock world.Clock
	vms   []simcloud.VMView
}

// newStage takes a clock and what makes its time pass.
func newStage(t *testing.T, clock world.Clock, pass func(time.Duration)) stage {
	t.Helper()
	places := []world.Placement{{ID: "vmss-asgard", Region: "westus2"}, {ID: "vmss-midgard", Region: "eastus2"}}
	c, err := simcloud.New(simcloud.Options{Clock: clock, Placements: places})
	must(t, err)
	t.Cleanup(func() { must(t, c.Close(context.Background())) })
	for _, p := range places {
		_, err := c.Scale(t.Context(), p, 1)
		must(t, err)
	}
	pass(5 * time.Minute)
	return stage{cloud: c, clock: clock, vms: c.Snapshot().VMs}
}

func still(t *testing.T) (stage, *worldtest.Clock) {
	t.Helper()
	clock := worldtest.NewClock()
	return newStage(t, clock, clock.Advance), clock
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask sends a request as a program on the machine would. status 0: the
// connection was broken off.
func ask(t *testing.T, h http.Handler, method, target, body string, header ...string) (status int, answer string) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Metadata", "true")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler { //nolint:errorlint // a panic's value
				panic(p)
			}
			status, answer = 0, ""
		}
	}()
	h.ServeHTTP(w, r)
	b, err := io.ReadAll(w.Result().Body)
	must(t, err)
	return w.Code, string(b)
}

func TestRefusals(t *testing.T) {
	s, _ := still(t)
	h := wire.New(s.cloud, s.vms[1].ID, wire.Options{})
	must(t, s.cloud.Preempt(s.vms[1].ID, simcloud.MaxNotice))
	for _, tc := range []struct {
		name           string
		method, target string
		body           string
		header         []string
		code           int
		says           string
	}{
		{"no Metadata header", "GET", instance, "", []string{"Metadata", ""}, 400, `"error":"Bad request. Required metadata header not specified"`},
		{"Metadata header of another value", "GET", events, "", []string{"Metadata", "yes"}, 400, "Required metadata header"},
		{"forwarded", "GET", instance, "", []string{"X-Forwarded-For", "10.0.0.9"}, 400, "X-Forwarded-For"},
		{"no version", "GET", "/metadata/instance", "", nil, 400, `"newest-versions":["2021-12-13","2021-02-01","2020-10-01"]`},
		{"unknown version", "GET", "/metadata/scheduledevents?api-version=latest", "", nil, 400, `"newest-versions":["2020-07-01"`},
		{"version twice", "GET", events + "&api-version=2020-07-01", "", nil, 400, "api-version is invalid"},
		{"unknown path", "GET", "/metadata/attested?api-version=2021-02-01", "", nil, 404, "Not found"},
		{"no load balancer", "GET", "/metadata/loadbalancer?api-version=2020-10-01", "", nil, 404, "No load balancer metadata"},
		{"wrong verb", "PUT", events, "", nil, 405, "Method not allowed"},
		{"wrong verb for the instance", "POST", instance, "{}", nil, 405, "Method not allowed"},
		{"start of nothing", "POST", events, `{"StartRequests":[]}`, nil, 400, "malformed"},
		{"no JSON", "POST", events, "start it", nil, 400, "malformed"},
		{"too much", "POST", events, `{"StartRequests":[{"EventId":"` + strings.Repeat("x", 64<<10) + `"}]}`, nil, 400, "malformed"},
		{"unknown event", "POST", events, `{"StartRequests":[{"EventId":"C7061BAC"}]}`, nil, 400, "There is no event"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, answer := ask(t, h, tc.method, tc.target, tc.body, tc.header...)
			if code != tc.code || !strings.Contains(answer, tc.says) || !json.Valid([]byte(answer)) {
				t.Errorf("got %d %s, want %d and JSON with %q", code, answer, tc.code, tc.says)
			}
		})
	}
	if n := s.cloud.Snapshot().VMs[1].Notice; n == nil || n.Started {
		t.Errorf("notice %+v, want it as it was", n)
	}
}

func TestInstance(t *testing.T) {
	s, _ := still(t)
	vm := s.vms[1]
	_, got := ask(t, wire.New(s.cloud, vm.ID, wire.Options{}), "GET", instance, "")
	for _, want := range []string{
		`"name":"` + vm.ID + `"`, `"vmSize":"` + vm.Size + `"`, `"vmScaleSetName":"vmss-midgard"`, `"location":"eastus2"`,
		`"publicIpAddress":"` + vm.Address + `"`, `"zone":""`, `"vmId":"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want it to have %s", got, want)
		}
	}
}

// document is the events' as a program reads it.
type document struct {
	DocumentIncarnation int
	Events              []struct {
		EventId, EventStatus, EventType, ResourceType, NotBefore, Description, EventSource string //nolint:revive // Azure's
		Resources                                                                          []string
		DurationInSeconds                                                                  int
	}
}

func look(t *testing.T, h http.Handler) document {
	t.Helper()
	code, body := ask(t, h, "GET", events, "")
	var doc document
	if err := json.Unmarshal([]byte(body), &doc); code != 200 || err != nil {
		t.Fatalf("got %d %s, %v", code, body, err)
	}
	return doc
}

func TestEvents(t *testing.T) {
	s, clock := still(t)
	asgard, midgard := s.vms[0], s.vms[1]
	h := wire.New(s.cloud, midgard.ID, wire.Options{})
	if code, body := ask(t, h, "GET", events, ""); code != 200 || body != `{"DocumentIncarnation":1,"Events":[]}` {
		t.Fatalf("got %d %s, want no events", code, body)
	}
	must(t, s.cloud.Announce(asgard.ID, "Freeze", 15*time.Minute))
	clock.Advance(300 * time.Millisecond)
	must(t, s.cloud.Announce(midgard.ID, "Reboot", 15*time.Minute))
	doc := look(t, h)
	if len(doc.Events) != 2 || doc.DocumentIncarnation != 2 {
		t.Fatalf("got %+v, want both machines' events in document 2", doc)
	}
	freeze, reboot := doc.Events[0], doc.Events[1]
	if freeze.EventType != "Freeze" || !slices.Equal(freeze.Resources, []string{asgard.ID}) || freeze.DurationInSeconds != 7 || freeze.EventSource != "Platform" {
		t.Errorf("got %+v, want the other machine's Freeze of 7 s", freeze)
	}
	if reboot.NotBefore != "Mon, 01 Jun 2026 12:20:00 GMT" || reboot.EventStatus != "Scheduled" || reboot.ResourceType != "VirtualMachine" || reboot.DurationInSeconds != -1 {
		t.Errorf("got %+v, want it scheduled at 12:20", reboot)
	}
	if doc := look(t, h); doc.DocumentIncarnation != 2 {
		t.Errorf("got document %d, want still 2", doc.DocumentIncarnation)
	}
	// The other's event may be started from here as well.
	for _, e := range doc.Events {
		if code, body := ask(t, h, "POST", events, `{"StartRequests":[{"EventId":"`+e.EventId+`"}]}`); code != 200 || body != "" {
			t.Errorf("start %s: got %d %q, want 200 and nothing", e.EventType, code, body)
		}
	}
	doc = look(t, h)
	if doc.DocumentIncarnation != 3 {
		t.Errorf("got document %d, want 3", doc.DocumentIncarnation)
	}
	for _, e := range doc.Events {
		if e.EventStatus != "Started" || e.NotBefore != "" {
			t.Errorf("got %+v, want it started, with no time", e)
		}
	}
	clock.Advance(2 * time.Second)
	if code, _ := ask(t, h, "GET", events, ""); code != 0 {
		t.Errorf("got %d while it reboots, want no answer", code)
	}
	clock.Advance(time.Minute)
	if doc := look(t, h); len(doc.Events) != 2 {
		t.Errorf("got %+v, want both still listed", doc)
	}
}

func TestNoMachineNoAnswer(t *testing.T) {
	s, _ := still(t)
	must(t, s.cloud.Vanish(s.vms[0].ID))
	must(t, s.cloud.Freeze(s.vms[1].ID))
	for _, vm := range s.vms {
		if code, body := ask(t, wire.New(s.cloud, vm.ID, wire.Options{}), "GET", instance, ""); code != 0 {
			t.Errorf("%s: got %d %s, want no answer", vm.ID, code, body)
		}
	}
}

func TestTooManyRequests(t *testing.T) {
	s, clock := still(t)
	h := wire.New(s.cloud, s.vms[0].ID, wire.Options{Clock: clock, PerSecond: wire.PerSecond})
	for round := range 2 {
		for i := range wire.PerSecond + 2 {
			want := 200
			if i >= wire.PerSecond {
				want = 429
			}
			if code, body := ask(t, h, "GET", instance, ""); code != want {
				t.Errorf("round %d, request %d: got %d %s, want %d", round, i+1, code, body, want)
			}
		}
		clock.Advance(time.Second)
	}
}

// bubble is the clock of a testing/synctest bubble.
type bubble struct{}

func (bubble) Now() time.Time                         { return time.Now() }
func (bubble) After(d time.Duration) <-chan time.Time { return time.After(d) }

func TestFirstEventsTakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, bubble{}, func(d time.Duration) { <-time.After(d) })
		h := wire.New(s.cloud, s.vms[0].ID, wire.Options{Clock: bubble{}, FirstEvents: 2 * time.Minute})
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r := httptest.NewRequest("GET", events, nil).WithContext(ctx)
		r.Header.Set("Metadata", "true")
		h.ServeHTTP(httptest.NewRecorder(), r)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("given up after %v, want a minute", took)
		}
		for _, want := range []time.Duration{2 * time.Minute, 0} {
			began := time.Now()
			look(t, h)
			if took := time.Since(began); took != want {
				t.Errorf("the look took %v, want %v", took, want)
			}
		}
	})
}
