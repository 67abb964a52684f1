package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Handler is how the custom handler is started.
type Handler struct {
	Path                  string // of the program: absolute, or to be looked for in PATH
	Args                  []string
	Dir                   string // absolute
	Forward               bool   // enableForwardingHttpRequest
	InitializationTimeout time.Duration
}

// Queues are host.json's extensions.queues.
type Queues struct {
	BatchSize          int           // 1 to 32
	NewBatchThreshold  int           // 0 and up: the next batch is fetched when no more than this are running
	MaxDequeueCount    int           // 1 and up
	VisibilityTimeout  time.Duration // until the next try after a failure
	MaxPollingInterval time.Duration // 100 ms and up
	Base64             bool          // messageEncoding is not "none"
}

// Defaults of the host, and its limits for functionTimeout
// (ScriptJobHostOptionsSetup.cs).
const (
	defaultInitialization = 30 * time.Second
	defaultPolling        = time.Minute
	minPolling            = 100 * time.Millisecond
	consumptionTimeout    = 5 * time.Minute
	consumptionMaximum    = 10 * time.Minute
	flexTimeout           = 30 * time.Minute
)

type hostJSON struct {
	Version         string
	FunctionTimeout string
	Extensions      struct {
		HTTP struct {
			RoutePrefix *string
		}
		Queues struct {
			BatchSize, NewBatchThreshold, MaxDequeueCount *int
			VisibilityTimeout, MaxPollingInterval         string
			MessageEncoding                               string
		}
	}
	CustomHandler struct {
		Description *struct {
			DefaultExecutablePath, DefaultWorkerPath, WorkingDirectory string
			Arguments, WorkerArguments                                 []string
		}
		EnableForwardingHTTPRequest bool `json:"enableForwardingHttpRequest"`
		EnableProxyingHTTPRequest   bool `json:"enableProxyingHttpRequest"`
		InitializationTimeout       string
	}
}

// readHost fills in what host.json says and returns what is wrong with it.
func readHost(a *App, settings map[string]string, flex bool) []error {
	b, err := os.ReadFile(filepath.Join(a.Root, "host.json"))
	if err != nil {
		return []error{fmt.Errorf("%w: is this the unpacked folder of a function app?", err)}
	}
	var j hostJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return []error{fmt.Errorf("host.json: %w", jsonError(b, err))}
	}
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("host.json: "+format, args...))
	}
	if j.Version != "2.0" {
		bad(`version is %q, and is to be "2.0"`, j.Version)
	}
	a.RoutePrefix = "api"
	if p := j.Extensions.HTTP.RoutePrefix; p != nil {
		a.RoutePrefix = strings.Trim(*p, "/")
	}
	a.FunctionTimeout, err = functionTimeout(j.FunctionTimeout, flex)
	if err != nil {
		bad("functionTimeout: %w", err)
	}
	if a.Queues, err = readQueues(j); err != nil {
		bad("extensions.queues: %w", err)
	}
	if j.CustomHandler.EnableProxyingHTTPRequest {
		bad("customHandler.enableProxyingHttpRequest: the stand-in forwards, and does not proxy: use enableForwardingHttpRequest")
	}
	if a.Handler, err = readHandler(a.Root, j, settings); err != nil {
		bad("customHandler: %w", err)
	}
	return problems
}

func functionTimeout(text string, flex bool) (time.Duration, error) {
	if text == "" {
		if flex {
			return flexTimeout, nil
		}
		return consumptionTimeout, nil
	}
	if text == "-1" && flex {
		return 0, nil
	}
	d, err := timeSpan(text)
	switch {
	case err != nil:
		return 0, err
	case d < time.Second:
		return 0, fmt.Errorf("%s is below a second", text)
	case !flex && d > consumptionMaximum:
		return 0, fmt.Errorf("%s: the Consumption plan ends a function after 10 minutes at the latest", text)
	}
	return d, nil
}

func readQueues(j hostJSON) (Queues, error) {
	q := Queues{BatchSize: 16, MaxDequeueCount: 5, MaxPollingInterval: defaultPolling}
	in := j.Extensions.Queues
	if in.BatchSize != nil {
		q.BatchSize = *in.BatchSize
	}
	q.NewBatchThreshold = q.BatchSize / 2 // on one core
	if in.NewBatchThreshold != nil {
		q.NewBatchThreshold = *in.NewBatchThreshold
	}
	if in.MaxDequeueCount != nil {
		q.MaxDequeueCount = *in.MaxDequeueCount
	}
	var errs []error
	if in.VisibilityTimeout != "" {
		var err error
		if q.VisibilityTimeout, err = timeSpan(in.VisibilityTimeout); err != nil {
			errs = append(errs, fmt.Errorf("visibilityTimeout: %w", err))
		}
	}
	if in.MaxPollingInterval != "" {
		var err error
		if q.MaxPollingInterval, err = timeSpan(in.MaxPollingInterval); err != nil {
			errs = append(errs, fmt.Errorf("maxPollingInterval: %w", err))
		}
	}
	switch strings.ToLower(in.MessageEncoding) {
	case "", "base64":
		q.Base64 = true
	case "none":
	default:
		errs = append(errs, fmt.Errorf(`messageEncoding is %q, and is to be "base64" or "none"`, in.MessageEncoding))
	}
	if q.BatchSize < 1 || q.BatchSize > 32 {
		errs = append(errs, fmt.Errorf("batchSize is %d, and is to be 1 to 32", q.BatchSize))
	}
	if q.NewBatchThreshold < 0 || q.MaxDequeueCount < 1 {
		errs = append(errs, errors.New("newBatchThreshold is 0 or more, maxDequeueCount 1 or more"))
	}
	if q.MaxPollingInterval < minPolling {
		errs = append(errs, fmt.Errorf("maxPollingInterval is %v, and is to be %v or more", q.MaxPollingInterval, minPolling))
	}
	return q, errors.Join(errs...)
}

func readHandler(root string, j hostJSON, settings map[string]string) (Handler, error) {
	d := j.CustomHandler.Description
	if d == nil || d.DefaultExecutablePath == "" {
		return Handler{}, errors.New("description.defaultExecutablePath is missing: name the handler's program")
	}
	h := Handler{Forward: j.CustomHandler.EnableForwardingHTTPRequest, InitializationTimeout: defaultInitialization, Dir: root}
	if text := j.CustomHandler.InitializationTimeout; text != "" {
		var err error
		if h.InitializationTimeout, err = timeSpan(text); err != nil {
			return h, fmt.Errorf("initializationTimeout: %w", err)
		}
	}
	if d.WorkingDirectory != "" {
		h.Dir = filepath.Join(root, expand(d.WorkingDirectory, settings))
	}
	h.Path = expand(d.DefaultExecutablePath, settings)
	if !filepath.IsAbs(h.Path) {
		if here := filepath.Join(root, h.Path); isFile(here) {
			h.Path = here
		}
	}
	if _, err := exec.LookPath(h.Path); err != nil {
		return h, fmt.Errorf("description.defaultExecutablePath %q: %w: put the program into the app's folder, with its executable bit set", d.DefaultExecutablePath, err)
	}
	// The host joins all of it into one command line, without quoting.
	line := strings.Join(d.Arguments, " ")
	if d.DefaultWorkerPath != "" {
		line += ` "` + d.DefaultWorkerPath + `"`
	}
	line += " " + strings.Join(d.WorkerArguments, " ")
	h.Args = split(expand(line, settings))
	return h, nil
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// expand replaces %NAME% by the app setting NAME, and one that is missing by
// nothing.
func expand(text string, settings map[string]string) string {
	return regexp.MustCompile(`%[^%\s]+%`).ReplaceAllStringFunc(text, func(s string) string {
		return settings[strings.Trim(s, "%")]
	})
}

// split takes a command line apart at its blanks; double quotes keep blanks
// together.
func split(line string) []string {
	var args []string
	var word strings.Builder
	quoted, empty := false, true
	for _, r := range line {
		switch {
		case r == '"':
			quoted, empty = !quoted, false
		case (r == ' ' || r == '\t') && !quoted:
			if !empty || word.Len() > 0 {
				args = append(args, word.String())
			}
			word.Reset()
			empty = true
		default:
			word.WriteRune(r)
		}
	}
	if !empty || word.Len() > 0 {
		args = append(args, word.String())
	}
	return args
}
