package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// PerSecond is how many requests a second the real service answers.
const PerSecond = 5

// maxRequest bounds a request's body, which names events to start.
const maxRequest = 64 << 10

// Options are how the service behaves. The zero value answers at once and as
// often as it is asked.
type Options struct {
	// Clock is the cloud's; required with either of the others.
	Clock world.Clock
	// FirstEvents is how long the first look at scheduled events takes, which
	// switches them on. The real one takes up to two minutes.
	FirstEvents time.Duration
	// PerSecond is how many requests are answered within a second; the others
	// get a 429. 0: all of them.
	PerSecond int
	// Tenant makes the tokens of the machine's identities, which these client ids
	// name. nil: the machine has none.
	Tenant     *Tenant
	Identities []string
}

// Handler is the metadata service of one machine. It is safe for concurrent
// use.
type Handler struct {
	cloud *simcloud.Cloud
	vm    string
	o     Options
	mux   *http.ServeMux

	mu          sync.Mutex // guards what follows
	recent      []time.Time
	enabled     bool   // somebody has looked at scheduled events
	events      string // as last told
	incarnation int    // of events
}

// New is the service that the machine with this name asks. A machine that is
// off, or not there, gets no answer: the connection is broken off.
func New(c *simcloud.Cloud, vm string, o Options) *Handler {
	h := &Handler{cloud: c, vm: vm, o: o, mux: http.NewServeMux()}
	h.mux.HandleFunc("/metadata/instance", h.instance)
	h.mux.HandleFunc("/metadata/loadbalancer", h.loadBalancer)
	h.mux.HandleFunc("/metadata/scheduledevents", h.scheduledEvents)
	h.mux.HandleFunc("/metadata/identity/oauth2/token", h.machineIdentity)
	h.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "Not found") })
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.machine(r.Context()) // or it breaks off
	switch {
	case r.Header.Get("X-Forwarded-For") != "":
		refuse(w, http.StatusBadRequest, "Bad request. X-Forwarded-For header is not allowed")
	case !strings.EqualFold(r.Header.Get("Metadata"), "true"):
		refuse(w, http.StatusBadRequest, "Bad request. Required metadata header not specified")
	case !h.admits():
		refuse(w, http.StatusTooManyRequests, "Too many requests")
	default:
		h.mux.ServeHTTP(w, r)
	}
}

// machine is what the machine's programs see of it.
func (h *Handler) machine(ctx context.Context) (*simcloud.VM, world.Machine) {
	vm, ok := h.cloud.VM(h.vm)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	m, err := vm.Machine(ctx)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return vm, m
}

// admits counts a request, if there is room for it in this second.
func (h *Handler) admits() bool {
	if h.o.PerSecond == 0 {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.o.Clock.Now()
	h.recent = slices.DeleteFunc(h.recent, func(t time.Time) bool { return now.Sub(t) >= time.Second })
	if len(h.recent) >= h.o.PerSecond {
		return false
	}
	h.recent = append(h.recent, now)
	return true
}

func (h *Handler) instance(w http.ResponseWriter, r *http.Request) {
	if !allowed(w, r, []string{http.MethodGet}, []string{"2021-12-13", "2021-02-01", "2020-10-01"}) {
		return
	}
	vm, m := h.machine(r.Context())
	set, _, _ := strings.Cut(vm.ID, "_")
	type object = map[string]any
	answer(w, object{
		"compute": object{
			"azEnvironment": "AzurePublicCloud", "evictionPolicy": "Delete", "location": vm.Placement.Region,
			"name": m.Name, "osType": "Linux", "priority": "Spot", "provider": "Microsoft.Compute",
			"tagsList": []any{}, "vmId": guid(vm.ID), "vmScaleSetName": set, "vmSize": m.Size, "zone": m.Zone,
		},
		"network": object{"interface": []object{{
			"ipv4": object{
				"ipAddress": []object{{"privateIpAddress": "10.0.0.4", "publicIpAddress": m.Address}},
				"subnet":    []object{{"address": "10.0.0.0", "prefix": "24"}},
			},
			"ipv6": object{"ipAddress": []any{}}, "macAddress": "000D3AE51CC0",
		}}},
	})
}

// loadBalancer: none of these machines stands behind one.
func (h *Handler) loadBalancer(w http.ResponseWriter, r *http.Request) {
	if allowed(w, r, []string{http.MethodGet}, []string{"2021-02-01", "2020-10-01"}) {
		refuse(w, http.StatusNotFound, "No load balancer metadata is found. Please check if your VM is using any non-basic SKU load balancer and retry later.")
	}
}

func (h *Handler) scheduledEvents(w http.ResponseWriter, r *http.Request) {
	if !allowed(w, r, []string{http.MethodGet, http.MethodPost}, []string{"2020-07-01", "2019-08-01", "2019-04-01"}) {
		return
	}
	if !h.enable(r.Context()) {
		return
	}
	vm, _ := h.machine(r.Context()) // time may have passed
	if r.Method == http.MethodPost {
		h.start(w, r, vm)
		return
	}
	events, err := json.Marshal(h.listed())
	if err != nil {
		refuse(w, http.StatusInternalServerError, "Internal server error")
		return
	}
	h.mu.Lock()
	if string(events) != h.events {
		h.events = string(events)
		h.incarnation++
	}
	incarnation := h.incarnation
	h.mu.Unlock()
	answer(w, struct {
		DocumentIncarnation int
		Events              json.RawMessage
	}{incarnation, events})
}

// enable makes the first look wait; false if it was given up.
func (h *Handler) enable(ctx context.Context) bool {
	h.mu.Lock()
	enabled := h.enabled || h.o.FirstEvents <= 0
	h.mu.Unlock()
	if enabled {
		return true
	}
	select {
	case <-h.o.Clock.After(h.o.FirstEvents):
	case <-ctx.Done():
		return false
	}
	h.mu.Lock()
	h.enabled = true
	h.mu.Unlock()
	return true
}

type event struct {
	EventID           string `json:"EventId"`
	EventStatus       string
	EventType         string
	ResourceType      string
	Resources         []string
	NotBefore         string
	Description       string
	EventSource       string
	DurationInSeconds int
}

// listed are the events of all machines.
func (h *Handler) listed() []event {
	out := []event{}
	for _, vm := range h.cloud.Snapshot().VMs {
		n := vm.Notice
		if n == nil {
			continue
		}
		e := event{
			EventID: n.ID, EventStatus: "Scheduled", EventType: n.Kind, ResourceType: "VirtualMachine",
			Resources: []string{vm.ID}, EventSource: "Platform", DurationInSeconds: -1,
			Description: "Host server is undergoing maintenance.",
		}
		if n.Kind == "Freeze" {
			e.Description, e.DurationInSeconds = "Virtual machine is being paused because of a memory-preserving Live Migration operation.", 7
		}
		if n.Started {
			e.EventStatus = "Started"
		} else {
			e.NotBefore = n.NotBefore.UTC().Format(http.TimeFormat)
		}
		out = append(out, e)
	}
	return out
}

// start lets events go on. One that is unknown refuses them all.
func (h *Handler) start(w http.ResponseWriter, r *http.Request, vm *simcloud.VM) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	var asked struct {
		StartRequests []struct {
			EventID string `json:"EventId"`
		}
	}
	if err == nil {
		err = json.Unmarshal(body, &asked)
	}
	if err != nil || len(asked.StartRequests) == 0 {
		refuse(w, http.StatusBadRequest, "Bad request. The request's payload is malformed")
		return
	}
	owners := map[string]string{}
	for _, m := range h.cloud.Snapshot().VMs {
		if m.Notice != nil {
			owners[m.Notice.ID] = m.ID
		}
	}
	for _, s := range asked.StartRequests {
		if owners[s.EventID] == "" {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("Bad request. There is no event %q", s.EventID))
			return
		}
	}
	for _, s := range asked.StartRequests {
		owner := vm
		if id := owners[s.EventID]; id != vm.ID {
			owner, _ = h.cloud.VM(id)
		}
		if owner == nil {
			continue // its machine is gone by now
		}
		// Another machine may be off; its event starts at its time.
		if err := owner.Acknowledge(r.Context(), s.EventID); err != nil && owner == vm && !errors.Is(err, simcloud.ErrShutdown) {
			panic(http.ErrAbortHandler)
		}
	}
	w.WriteHeader(http.StatusOK)
}

// allowed checks method and version as the real service does.
func allowed(w http.ResponseWriter, r *http.Request, methods, versions []string) bool {
	if !slices.Contains(methods, r.Method) {
		w.Header().Set("Allow", strings.Join(methods, ", "))
		refuse(w, http.StatusMethodNotAllowed, "Method not allowed")
		return false
	}
	if v := r.URL.Query()["api-version"]; len(v) != 1 || !slices.Contains(versions, v[0]) {
		write(w, http.StatusBadRequest, map[string]any{
			"error":           "Bad request. api-version is invalid or was not specified in the request. For more information refer to aka.ms/azureimds",
			"newest-versions": versions,
		})
		return false
	}
	return true
}

// guid is a machine's id that no other has, from its name.
func guid(name string) string {
	h := fnv.New128a()
	_, _ = h.Write([]byte(name)) // a hash never fails
	b := h.Sum(nil)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func refuse(w http.ResponseWriter, code int, why string) {
	write(w, code, map[string]any{"error": why})
}

func answer(w http.ResponseWriter, doc any) { write(w, http.StatusOK, doc) }

func write(w http.ResponseWriter, code int, doc any) {
	body, err := json.Marshal(doc)
	if err != nil {
		code, body = http.StatusInternalServerError, []byte(`{"error":"Internal server error"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(body) // who went away needs no answer
}
