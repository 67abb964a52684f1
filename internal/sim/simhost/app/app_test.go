package app_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/simhost/app"
)

const (
	hostOK  = `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"handler"}}}`
	frontOK = `{"bindings":[{"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous"},{"type":"http","direction":"out","name":"res"}]}`
)

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func settings() map[string]string {
	return map[string]string{"AzureWebJobsStorage": "main", "AzureWebJobsJobs": "jobs", "QUEUE": "events", "WHEN": "0 0 */6 * * *", "NAME": "x y"}
}

func TestRead(t *testing.T) {
	root := write(t, map[string]string{
		"handler": "", "README.md": "", "lib/other.txt": "",
		"host.json": `{"version":"2.0","functionTimeout":"00:09:00","logging":{"x":1},
			"extensions":{"http":{"routePrefix":"v1"},"queues":{"batchSize":8,"maxPollingInterval":"00:00:02","visibilityTimeout":"00:00:30.5","maxDequeueCount":7}},
			"customHandler":{"enableForwardingHttpRequest":true,"initializationTimeout":"00:01:00",
			 "description":{"defaultExecutablePath":"handler","workingDirectory":"lib","arguments":["--a","%NAME%","\"one two\"","%GONE%"],"defaultWorkerPath":"main x","workerArguments":["z"]}}}`,
		"front/function.json": strings.Replace(frontOK, `"authLevel"`, `"methods":["post"],"route":"/in/{id}","authLevel"`, 1),
		"work/function.json":  `{"bindings":[{"type":"queuetrigger","name":"job","direction":"in","queueName":"%QUEUE%","connection":"Jobs","dataType":"binary"},{"type":"queue","name":"out","direction":"out","queueName":"Other"}]}`,
		"tick/function.json":  `{"bindings":[{"type":"timerTrigger","name":"t","direction":"in","schedule":"%WHEN%","runOnStartup":true,"useMonitor":false}]}`,
		"off/function.json":   `{"disabled":true,"bindings":[]}`,
		"out/function.json":   frontOK,
	})
	s := settings()
	s["AzureWebJobs.out.Disabled"] = "true"
	a, err := app.Read(root, s, false)
	if err != nil {
		t.Fatal(err)
	}
	if a.RoutePrefix != "v1" || a.FunctionTimeout != 9*time.Minute || a.Root != root {
		t.Errorf("got %+v", a)
	}
	wantQueues := app.Queues{BatchSize: 8, NewBatchThreshold: 4, MaxDequeueCount: 7, VisibilityTimeout: 30*time.Second + 500*time.Millisecond, MaxPollingInterval: 2 * time.Second, Base64: true}
	if a.Queues != wantQueues {
		t.Errorf("got %+v, want %+v", a.Queues, wantQueues)
	}
	h := a.Handler
	if h.Path != filepath.Join(root, "handler") || h.Dir != filepath.Join(root, "lib") || !h.Forward || h.InitializationTimeout != time.Minute {
		t.Errorf("got %+v", h)
	}
	if want := []string{"--a", "x", "y", "one two", "main x", "z"}; !slices.Equal(h.Args, want) {
		t.Errorf("got arguments %q, want %q", h.Args, want)
	}
	var names []string
	for _, f := range a.Functions {
		names = append(names, f.Name)
	}
	if want := []string{"front", "tick", "work"}; !slices.Equal(names, want) {
		t.Fatalf("got %v, want %v", names, want)
	}
	front, tick, work := a.Functions[0], a.Functions[1], a.Functions[2]
	if !front.SimpleHTTP() || front.Trigger.Route != "in/{id}" || !slices.Equal(front.Trigger.Methods, []string{"POST"}) {
		t.Errorf("got %+v", front)
	}
	if tick.Trigger.Schedule.String() != "0 0 */6 * * *" || !tick.Trigger.RunOnStartup || tick.Trigger.Monitor || tick.SimpleHTTP() {
		t.Errorf("got %+v", tick)
	}
	if w := work.Trigger; w.Queue != "events" || w.Connection != "jobs" || !w.Binary || work.Outputs[0].Queue != "other" || work.Outputs[0].Connection != "main" {
		t.Errorf("got %+v", work)
	}
}

func TestDefaults(t *testing.T) {
	root := write(t, map[string]string{"handler": "", "host.json": hostOK, "front/function.json": frontOK})
	for flex, want := range map[bool]time.Duration{false: 5 * time.Minute, true: 30 * time.Minute} {
		a, err := app.Read(root, nil, flex)
		if err != nil {
			t.Fatal(err)
		}
		if a.FunctionTimeout != want || a.RoutePrefix != "api" || a.Handler.InitializationTimeout != 30*time.Second {
			t.Errorf("flex %v: got %+v", flex, a)
		}
		if q := (app.Queues{BatchSize: 16, NewBatchThreshold: 8, MaxDequeueCount: 5, MaxPollingInterval: time.Minute, Base64: true}); a.Queues != q {
			t.Errorf("got %+v, want %+v", a.Queues, q)
		}
		if a.Functions[0].Trigger.Route != "front" {
			t.Errorf("got the route %q, want the function's name", a.Functions[0].Trigger.Route)
		}
	}
}

// Times are .NET's; the trap is 24:00:00.
func TestTimes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"00:00:02": 2 * time.Second, "00:10": 10 * time.Minute, "1.02:03:04": 26*time.Hour + 3*time.Minute + 4*time.Second,
		"00:00:00.1": 100 * time.Millisecond, "24:00:00": 24 * 24 * time.Hour,
		"x": 0, "2": 0, "00:60:00": 0, "00:00:60": 0, "1:2:3:4": 0, "24:10": 0, "-00:00:02": 0, "2s": 0,
	} {
		root := write(t, map[string]string{"handler": "", "front/function.json": frontOK,
			"host.json": strings.Replace(hostOK, `"customHandler"`, `"extensions":{"queues":{"maxPollingInterval":"`+text+`"}},"customHandler"`, 1)})
		a, err := app.Read(root, nil, false)
		if got := a.Queues.MaxPollingInterval; got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: got %v and %v, want %v", text, got, err, want)
		}
	}
}

// Everything that is wrong is told at once, with the file it stands in.
func TestProblems(t *testing.T) {
	host := func(old, with string) map[string]string {
		return map[string]string{"handler": "", "front/function.json": frontOK, "host.json": strings.Replace(hostOK, old, with, 1)}
	}
	function := func(text string) map[string]string {
		return map[string]string{"handler": "", "host.json": hostOK, "f/function.json": text}
	}
	binding := func(text string) map[string]string { return function(`{"bindings":[{` + text + `}]}`) }
	for name, tt := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"no host.json":       {map[string]string{"front/function.json": frontOK}, []string{"host.json", "unpacked folder"}},
		"no function":        {map[string]string{"handler": "", "host.json": hostOK}, []string{"no function is enabled"}},
		"truncated":          {host(`}}}`, ``), []string{"host.json: line 1"}},
		"wrong type":         {host(`"handler"`, `7`), []string{"host.json: line 1", "number"}},
		"version":            {host(`2.0`, `1`), []string{`host.json: version is "1"`}},
		"no handler":         {host(`"defaultExecutablePath":"handler"`, ``), []string{"host.json: customHandler", "defaultExecutablePath is missing"}},
		"handler not there":  {host(`:"handler"`, `:"none-such"`), []string{`"none-such"`, "executable bit"}},
		"function timeout":   {host(`"customHandler"`, `"functionTimeout":"00:11:00","customHandler"`), []string{"functionTimeout", "10 minutes"}},
		"unbounded":          {host(`"customHandler"`, `"functionTimeout":"-1","customHandler"`), []string{"functionTimeout", "-1"}},
		"init timeout":       {host(`"description"`, `"initializationTimeout":"soon","description"`), []string{"initializationTimeout", "soon"}},
		"proxying":           {host(`"description"`, `"enableProxyingHttpRequest":true,"description"`), []string{"enableProxyingHttpRequest"}},
		"queues":             {host(`"customHandler"`, `"extensions":{"queues":{"batchSize":33,"maxDequeueCount":0,"messageEncoding":"hex","visibilityTimeout":"1","maxPollingInterval":"00:00:00.05"}},"customHandler"`), []string{"batchSize is 33", "maxDequeueCount", "hex", "visibilityTimeout", "maxPollingInterval"}},
		"function truncated": {function("{\n\"bindings\": [\n"), []string{"f/function.json: line 3"}},
		"bad name":           {map[string]string{"handler": "", "host.json": hostOK, "1st/function.json": frontOK}, []string{`1st/function.json: "1st"`}},
		"no trigger":         {function(`{"bindings":[]}`), []string{"f/function.json: no trigger"}},
		"two triggers":       {function(`{"bindings":[{"type":"queueTrigger","name":"a","queueName":"abc","direction":"in"},{"type":"queueTrigger","name":"b","queueName":"abc","direction":"in"}]}`), []string{"binding 2: a second trigger"}},
		"two replies":        {function(strings.Replace(frontOK, `]}`, `,{"type":"http","name":"two","direction":"out"}]}`, 1)), []string{"binding 3: a second http"}},
		"same name":          {function(strings.Replace(frontOK, `"res"`, `"Req"`, 1)), []string{`binding 2: the name "Req" is taken`}},
		"unknown trigger":    {binding(`"type":"eventHubTrigger","name":"a","direction":"in"`), []string{"f/function.json: binding 1", "eventHubTrigger", "the stand-in knows"}},
		"direction":          {function(strings.Replace(frontOK, `"out"`, `"in"`, 1)), []string{`direction is "in"`}},
		"$return":            {binding(`"type":"http","name":"$return","direction":"out"`), []string{"$return", "give the output a name"}},
		"binding name":       {binding(`"type":"http","name":"a b","direction":"out"`), []string{`"a b"`}},
		"auth level":         {function(strings.Replace(frontOK, "anonymous", "function", 1)), []string{"authLevel"}},
		"queue name":         {binding(`"type":"queueTrigger","name":"a","queueName":"a--b","direction":"in"`), []string{"queueName", "a--b"}},
		"setting missing":    {binding(`"type":"queueTrigger","name":"a","queueName":"%GONE%","direction":"in"`), []string{"set GONE"}},
		"connection missing": {binding(`"type":"queueTrigger","name":"a","queueName":"abc","connection":"Gone","direction":"in"`), []string{"the app setting Gone is missing"}},
		"no status":          {binding(`"type":"timerTrigger","name":"a","schedule":"0 0 * * * *","direction":"in"`), []string{"AzureWebJobsStorage", "useMonitor"}},
		"schedule":           {binding(`"type":"timerTrigger","name":"a","schedule":"* *","direction":"in"`), []string{`schedule "* *"`}},
		"reply without http": {function(`{"bindings":[{"type":"timerTrigger","name":"a","schedule":"0 * * * * *","direction":"in"},{"type":"http","name":"res","direction":"out"}]}`), []string{"belongs to an httpTrigger"}},
		"all of them": {map[string]string{"host.json": `{}`, "f/function.json": `{}`, "g/function.json": `x`},
			[]string{"version", "customHandler", "f/function.json", "g/function.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := settings()
			if name == "no status" {
				delete(s, "AzureWebJobsStorage")
			}
			_, err := app.Read(write(t, tt.files), s, false)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want an error with %q", err, want)
				}
			}
		})
	}
}

// A timer's status is kept if it is wanted, and the timer does not come all the
// time.
func TestMonitor(t *testing.T) {
	for text, want := range map[string]bool{
		`"schedule":"0 0 */6 * * *"`: true, `"schedule":"0 * * * * *"`: true, `"schedule":"*/30 * * * * *"`: false,
		`"schedule":"0,30 0 0 1 1 *"`: false, `"schedule":"0 0 0 31 2 *"`: true, `"schedule":"0 0 * * * *","useMonitor":false`: false,
	} {
		root := write(t, map[string]string{"handler": "", "host.json": hostOK, "t/function.json": `{"bindings":[{"type":"timerTrigger","name":"t","direction":"in",` + text + `}]}`})
		a, err := app.Read(root, settings(), false)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Functions[0].Trigger; got.Monitor != want || (got.Connection == "main") != want {
			t.Errorf("%s: got %v %q, want %v", text, got.Monitor, got.Connection, want)
		}
	}
}

func TestUnboundedOnFlex(t *testing.T) {
	root := write(t, map[string]string{"handler": "", "front/function.json": frontOK, "host.json": strings.Replace(hostOK, `"customHandler"`, `"functionTimeout":"-1","customHandler"`, 1)})
	a, err := app.Read(root, nil, true)
	if err != nil || a.FunctionTimeout != 0 {
		t.Errorf("got %v and %v, want no limit", a.FunctionTimeout, err)
	}
}

// FuzzRead: no host.json or function.json panics.
func FuzzRead(f *testing.F) {
	f.Add(hostOK, frontOK)
	f.Add(`{"functionTimeout":"99999999.23:59:59.9999999"}`, `{"disabled":"x","bindings":[{"type":"timerTrigger","schedule":"%WHEN%"}]}`)
	root := f.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "f"), 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, host, function string) {
		for name, text := range map[string]string{"host.json": host, "f/function.json": function} {
			if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = app.Read(root, settings(), false)
	})
}
