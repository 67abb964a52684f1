package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hearth/internal/bot"
	"hearth/internal/settings"
	"hearth/internal/world"
)

// binding is one of a function.json.
type binding struct {
	Type, Direction, Name, AuthLevel, DataType, QueueName, Connection, Schedule string

	Methods []string
}

func readJSON(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("app", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// TestFunctionFiles holds the files that the host reads against the code.
func TestFunctionFiles(t *testing.T) {
	out := func(kind, name string) binding { return binding{Type: kind, Direction: "out", Name: name} }
	events := binding{Name: bindEvent, QueueName: world.EventsQueue, Connection: settings.Storage}
	trigger, output := events, events
	trigger.Type, trigger.Direction, trigger.DataType = "queueTrigger", "in", "binary"
	output.Type, output.Direction = "queue", "out"
	request := func(method string) binding {
		return binding{Type: "httpTrigger", Direction: "in", Name: bindRequest, AuthLevel: "anonymous", Methods: []string{method}}
	}
	want := map[string][]binding{
		fnInteractions: {request("post"), out("http", bindResponse), output},
		fnReactions:    {trigger},
		fnReconcile:    {{Type: "timerTrigger", Direction: "in", Name: bindTimer, Schedule: "0 0 */6 * * *"}},
		fnHealth:       {request("get"), out("http", bindResponse)},
	}
	dirs, err := filepath.Glob("app/*/function.json")
	if err != nil || len(dirs) != len(want) {
		t.Errorf("functions %v, %v; want %v", dirs, err, slices.Sorted(maps.Keys(want)))
	}
	for name, bindings := range want {
		var f struct{ Bindings []binding }
		readJSON(t, name+"/function.json", &f)
		if !slices.EqualFunc(f.Bindings, bindings, func(a, b binding) bool {
			methods := slices.Equal(a.Methods, b.Methods)
			a.Methods, b.Methods = nil, nil
			x, _ := json.Marshal(a) // texts have a JSON form
			y, _ := json.Marshal(b)
			return methods && string(x) == string(y)
		}) {
			t.Errorf("%s/function.json has %+v\nwant %+v", name, f.Bindings, bindings)
		}
	}
}

func TestHostFile(t *testing.T) {
	var h struct {
		Version       string
		CustomHandler map[string]json.RawMessage
		Extensions    struct {
			Queues struct {
				BatchSize, NewBatchThreshold, MaxDequeueCount int
				MaxPollingInterval, VisibilityTimeout         string
				MessageEncoding                               string
			}
		}
		ExtensionBundle struct{ Version string }
		FunctionTimeout string
	}
	readJSON(t, "host.json", &h)
	var d struct{ DefaultExecutablePath string }
	if err := json.Unmarshal(h.CustomHandler["description"], &d); err != nil || d.DefaultExecutablePath != "hearth-bot" {
		t.Errorf("executable %q, %v", d.DefaultExecutablePath, err)
	}
	// Anything beside the description forwards or proxies requests, past the envelope.
	if len(h.CustomHandler) != 1 {
		t.Errorf("customHandler = %s, want a description alone", h.CustomHandler)
	}
	q := h.Extensions.Queues
	if q.MaxDequeueCount != world.MaxDeliveries {
		t.Errorf("maxDequeueCount %d, want world.MaxDeliveries, %d", q.MaxDequeueCount, world.MaxDeliveries)
	}
	if q.MessageEncoding != "" {
		t.Errorf("messageEncoding %q, want the default, base64", q.MessageEncoding)
	}
	if q.MaxPollingInterval != "00:00:02" || h.ExtensionBundle.Version != "[4.*, 5.0.0)" || h.Version != "2.0" {
		t.Errorf("maxPollingInterval %s, bundle %s, version %s", q.MaxPollingInterval, h.ExtensionBundle.Version, h.Version)
	}
	if most := q.BatchSize + q.NewBatchThreshold; most != 12 {
		t.Errorf("%d messages in hand at most, want the 12 of the decision", most)
	}
	limit, again := span(t, h.FunctionTimeout), span(t, q.VisibilityTimeout)
	if bot.HandleWithin >= invocationWithin || invocationWithin >= limit {
		t.Errorf("a reaction ends within %s, an invocation is cancelled after %s and killed after %s: want this order", bot.HandleWithin, invocationWithin, limit)
	}
	const claim = 60 * time.Second // of a worker over its effects: package bot
	if outlasts := (world.MaxDeliveries - 1) * again; outlasts <= claim {
		t.Errorf("the last delivery comes %s after the first, want it to outlast a claim of %s", outlasts, claim)
	}
}

// span reads the host's hh:mm:ss.
func span(t *testing.T, text string) time.Duration {
	t.Helper()
	at, err := time.Parse(time.TimeOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
}
