package azure_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/azure"
	"hearth/internal/world"
)

const (
	instancePath = "GET /metadata/instance?api-version=2021-02-01"
	balancerPath = "GET /metadata/loadbalancer?api-version=2020-10-01"
	eventsPath   = "GET /metadata/scheduledevents?api-version=2020-07-01"
	startPath    = "POST /metadata/scheduledevents?api-version=2020-07-01"
)

// reply is what the service says to one request.
type reply struct {
	code int // 0: 200
	body string
}

// service answers with what stands under METHOD PATH?QUERY, else with a 404,
// and notes what it was asked.
type service struct {
	t  *testing.T
	mu sync.Mutex // guards what follows

	replies map[string]reply
	asked   []string
	bodies  []string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := r.Header.Get("Metadata"); got != "true" {
		s.t.Errorf("header Metadata is %q, want true", got)
	}
	key := r.Method + " " + r.URL.RequestURI()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	s.asked, s.bodies = append(s.asked, key), append(s.bodies, string(body))
	a, ok := s.replies[key]
	if !ok {
		a = reply{404, `{"error":"Not found"}`}
	}
	if a.code != 0 {
		if a.code/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(a.code)
	}
	_, _ = io.WriteString(w, a.body)
}

func (s *service) set(key string, r reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies[key] = r
}

// saw is how often the request was made.
func (s *service) saw(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, k := range s.asked {
		if k == key {
			n++
		}
	}
	return n
}

func serve(t *testing.T, replies map[string]reply) (*azure.Metadata, *service) {
	t.Helper()
	s := &service{t: t, replies: replies}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	m, err := azure.NewMetadata(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

func instanceOf(name, address string) reply {
	return reply{body: fmt.Sprintf(`{"compute":{"name":%q,"vmSize":"Standard_D2ads_v5","zone":"2","vmId":"13f56399"},
"network":{"interface":[{"ipv4":{"ipAddress":[{"privateIpAddress":"10.0.0.4","publicIpAddress":%q}]},"ipv6":{"ipAddress":[]}}]},"new":[1]}`, name, address)}
}

func TestMachine(t *testing.T) {
	balanced := reply{body: `{"loadbalancer":{"publicIpAddresses":[{"frontendIpAddress":"203.0.113.9","privateIpAddress":"10.0.0.4"}],"inboundRules":[]}}`}
	for _, tc := range []struct {
		name     string
		instance reply
		balancer reply
		address  string
		asks     int // of the load balancer
	}{
		{"the instance tells", instanceOf("vmss-midgard_0a1b2c3d", "203.0.113.7"), balanced, "203.0.113.7", 0},
		{"the load balancer tells", instanceOf("vmss-midgard_0a1b2c3d", ""), balanced, "203.0.113.9", 1},
		{"IPv6", instanceOf("vmss-midgard_0a1b2c3d", "2001:db8::7"), balanced, "2001:db8::7", 0},
		{"nonsense and the load balancer", instanceOf("vmss-midgard_0a1b2c3d", "none"), balanced, "203.0.113.9", 1},
		{"nobody tells", instanceOf("vmss-midgard_0a1b2c3d", ""), reply{404, `{"error":"No load balancer metadata is found."}`}, "", 1},
		{"the load balancer fails", instanceOf("vmss-midgard_0a1b2c3d", ""), reply{500, "oops"}, "", 1},
		{"the load balancer says nothing", instanceOf("vmss-midgard_0a1b2c3d", ""), reply{body: `{"loadbalancer":{"publicIpAddresses":null}}`}, "", 1},
		{"the load balancer talks nonsense", instanceOf("vmss-midgard_0a1b2c3d", ""), reply{body: `]`}, "", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, s := serve(t, map[string]reply{instancePath: tc.instance, balancerPath: tc.balancer})
			got, err := m.Machine(t.Context())
			want := world.Machine{Name: "vmss-midgard_0a1b2c3d", Size: "Standard_D2ads_v5", Zone: "2", Address: tc.address}
			if err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
			if n := s.saw(balancerPath); n != tc.asks {
				t.Errorf("asked the load balancer %d times, want %d", n, tc.asks)
			}
		})
	}
}

func TestMachineRefused(t *testing.T) {
	for _, tc := range []struct {
		name  string
		reply reply
		want  string
	}{
		{"no name", reply{body: `{"compute":{"vmSize":"Standard_D2ads_v5"}}`}, "read instance metadata: its answer has no compute.name"},
		{"no JSON", reply{body: `<html>`}, "its answer: invalid character"},
		{"too much", reply{body: `{"x":"` + strings.Repeat("x", 256<<10) + `"}`}, "more than 262144 bytes"},
		{"gone", reply{410, ""}, "status 410 Gone, try again"},
		{"throttled", reply{429, `{"error":"Too many requests"}`}, `status 429 Too Many Requests ("Too many requests"), try again`},
		{"failed", reply{500, strings.Repeat("é", 300)}, `é"), try again`},
		{"refused", reply{400, `{"error":"Bad request. api-version is invalid"}`}, `status 400 Bad Request ("Bad request. api-version is invalid")`},
		{"redirected", reply{302, ""}, "status 302 Found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, s := serve(t, map[string]reply{instancePath: tc.reply})
			_, err := m.Machine(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) || len(err.Error()) > 400 {
				t.Errorf("got %v, want it to say %q in short", err, tc.want)
			}
			var status *azure.StatusError
			transient := tc.reply.code == 410 || tc.reply.code == 429 || tc.reply.code == 500
			if errors.As(err, &status) != (tc.reply.code != 0) || status != nil && (status.Code != tc.reply.code || strings.HasSuffix(status.Error(), ", try again") != transient) {
				t.Errorf("got status %+v, want %d, to be tried again %v", status, tc.reply.code, transient)
			}
			if s.saw("GET /elsewhere") != 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

// document holds one event for each of the resources given.
func document(events ...string) reply {
	return reply{body: `{"DocumentIncarnation":7,"Events":[` + strings.Join(events, ",") + `]}`}
}

func event(kind, status, notBefore, resources string) string {
	return fmt.Sprintf(`{"EventId":"C7061BAC-AFDC-4513-B24B-AA5F13A16123","EventStatus":%q,"EventType":%q,"ResourceType":"VirtualMachine",
"Resources":%s,"NotBefore":%q,"Description":"Host server is undergoing maintenance.","EventSource":"Platform","DurationInSeconds":-1,"New":{}}`,
		status, kind, resources, notBefore)
}

func TestNotices(t *testing.T) {
	const (
		id   = "C7061BAC-AFDC-4513-B24B-AA5F13A16123"
		when = "Mon, 11 Apr 2026 22:26:58 GMT"
	)
	at := time.Date(2026, time.April, 11, 22, 26, 58, 0, time.UTC)
	const flexible, uniform = "vmss-midgard_0a1b2c3d", "vmss-midgard_0"
	for _, tc := range []struct {
		name string
		vm   string
		doc  reply
		want []world.Notice
	}{
		{"none", flexible, document(), nil},
		{"no list", flexible, reply{body: `{}`}, nil},
		{"scheduled", flexible, document(event("Preempt", "Scheduled", when, `["vmss-midgard_0a1b2c3d"]`)),
			[]world.Notice{{ID: id, Kind: "Preempt", NotBefore: at}}},
		{"started", flexible, document(event("Reboot", "Started", "", `["vmss-midgard_0a1b2c3d"]`)),
			[]world.Notice{{ID: id, Kind: "Reboot", Started: true}}},
		{"started, and still with a time", flexible, document(event("Reboot", "Started", when, `["vmss-midgard_0a1b2c3d"]`)),
			[]world.Notice{{ID: id, Kind: "Reboot", Started: true}}},
		{"of a kind that nobody knows", flexible, document(event("Dance", "Scheduled", when, `["vmss-midgard_0a1b2c3d"]`)),
			[]world.Notice{{ID: id, Kind: "Dance", NotBefore: at}}},
		{"a time that nobody can read", flexible, document(event("Preempt", "Scheduled", "soon", `["vmss-midgard_0a1b2c3d"]`)),
			[]world.Notice{{ID: id, Kind: "Preempt"}}},
		{"among others", flexible, document(event("Freeze", "Scheduled", when, `["vmss-asgard_1","VMSS-Midgard_0A1B2C3D"]`)),
			[]world.Notice{{ID: id, Kind: "Freeze", NotBefore: at}}},
		{"of another of the set", uniform, document(event("Preempt", "Scheduled", when, `["vmss-midgard_00"]`), event("Preempt", "Scheduled", when, `["vmss-midgard"]`)), nil},
		{"a number", uniform, document(event("Preempt", "Scheduled", when, `["vmss-midgard_0"]`)),
			[]world.Notice{{ID: id, Kind: "Preempt", NotBefore: at}}},
		{"an underscore before it", uniform, document(event("Preempt", "Scheduled", when, `["_vmss-midgard_0"]`)),
			[]world.Notice{{ID: id, Kind: "Preempt", NotBefore: at}}},
		{"of nobody", flexible, document(event("Preempt", "Scheduled", when, `null`), event("Preempt", "Scheduled", when, `[""]`)), nil},
		{"two", flexible, document(event("Freeze", "Scheduled", when, `["vmss-midgard_0a1b2c3d"]`), `{"EventType":"Preempt","Resources":["vmss-midgard_0a1b2c3d"]}`),
			[]world.Notice{{ID: id, Kind: "Freeze", NotBefore: at}, {Kind: "Preempt"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, _ := serve(t, map[string]reply{instancePath: instanceOf(tc.vm, ""), eventsPath: tc.doc})
			got, err := m.Notices(t.Context())
			if err != nil || fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, tc.want)
			}
		})
	}
}

// Whose events they are is asked once, and not before there are any.
func TestNoticesLearnTheName(t *testing.T) {
	m, s := serve(t, map[string]reply{eventsPath: document()})
	if _, err := m.Notices(t.Context()); err != nil || s.saw(instancePath) != 0 {
		t.Errorf("no events: %v, and the instance was asked for %d times", err, s.saw(instancePath))
	}
	s.set(eventsPath, document(event("Preempt", "Scheduled", "", `["vmss-midgard_0"]`)))
	s.set(instancePath, reply{429, ""})
	if list, err := m.Notices(t.Context()); err == nil || !strings.Contains(err.Error(), "there are 1, and which machine this is was not told: status 429") {
		t.Errorf("got %+v, %v; want an error that tells of one", list, err)
	}
	s.set(instancePath, instanceOf("vmss-midgard_0", ""))
	for range 3 {
		if list, err := m.Notices(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("got %+v, %v, want one", list, err)
		}
	}
	if n := s.saw(instancePath); n != 2 {
		t.Errorf("the instance was asked for %d times, want 2", n)
	}
	if s.saw(balancerPath) != 0 {
		t.Error("an address was looked for")
	}
	s.set(eventsPath, reply{body: `"events"`})
	if _, err := m.Notices(t.Context()); err == nil || !strings.Contains(err.Error(), "read scheduled events: its answer") {
		t.Errorf("got %v, want what is wrong with the answer", err)
	}
}

func TestAcknowledge(t *testing.T) {
	m, s := serve(t, map[string]reply{startPath: {}})
	if err := m.Acknowledge(t.Context(), `C7061BAC "x"`); err != nil {
		t.Fatal(err)
	}
	if want := `{"StartRequests":[{"EventId":"C7061BAC \"x\""}]}`; s.bodies[0] != want {
		t.Errorf("posted %s, want %s", s.bodies[0], want)
	}
	s.set(startPath, reply{400, `{"error":"Bad request."}`})
	if err := m.Acknowledge(t.Context(), "other"); err == nil || err.Error() != `start scheduled event other: status 400 Bad Request ("Bad request.")` {
		t.Errorf("got %v", err)
	}
}

// proxy is where nothing listens.
const proxy = "127.0.0.1:1"

// TestMain names a proxy for all the tests: what net/http reads of the
// environment it reads once a process.
func TestMain(m *testing.M) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy"} {
		if err := os.Setenv(name, "http://"+proxy); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// The proxy that the environment names is not used.
func TestNoProxy(t *testing.T) {
	m, err := azure.NewMetadata("http://192.0.2.1") // TEST-NET-1; loopback is never asked through a proxy
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := m.Notices(ctx); err == nil || strings.Contains(err.Error(), proxy) {
		t.Errorf("got %v, want nobody to be asked at %s", err, proxy)
	}
}

func TestNewMetadataRefuses(t *testing.T) {
	for _, base := range []string{"", "169.254.169.254", "https://169.254.169.254", "http://", "http://x/metadata", "http://x?y=1", "http://u:p@x", "http://\x7f"} {
		if _, err := azure.NewMetadata(base); err == nil {
			t.Errorf("%q was taken", base)
		}
	}
	for _, base := range []string{azure.MetadataURL, "http://127.0.0.1:8080/"} {
		if _, err := azure.NewMetadata(base); err != nil {
			t.Errorf("%q: %v", base, err)
		}
	}
}
