package app

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"hearth/internal/sim/simhost/ncrontab"
)

// App is a function app as its folder describes it.
type App struct {
	Root            string // absolute
	Handler         Handler
	Queues          Queues
	RoutePrefix     string        // "api" by default; may be empty
	FunctionTimeout time.Duration // 0: unbounded, on Flex only
	Functions       []Function    // by name
}

// Function is one folder with a function.json, not disabled.
type Function struct {
	Name    string
	Trigger Binding
	Outputs []Binding
}

// SimpleHTTP says whether the function has exactly one input, an httpTrigger,
// and one output, http: only such a function's requests are ever forwarded as
// they came.
func (f Function) SimpleHTTP() bool {
	return f.Trigger.Type == HTTPTrigger && len(f.Outputs) == 1 && f.Outputs[0].Type == HTTP
}

// The types of bindings.
const (
	HTTPTrigger  = "httpTrigger"
	QueueTrigger = "queueTrigger"
	TimerTrigger = "timerTrigger"
	HTTP         = "http"
	Queue        = "queue"
)

// Binding is one entry of a function.json; which fields are set depends on its
// Type. %NAME% in queue names and schedules is replaced by the app setting.
type Binding struct {
	Type, Name string
	Binary     bool // dataType is binary

	Route   string   // httpTrigger: without the prefix; default: the function's name
	Methods []string // httpTrigger: upper case; empty: all

	Queue      string // queueTrigger, queue
	Connection string // queueTrigger, queue, and a monitored timerTrigger's status: the connection string

	Schedule     ncrontab.Schedule // timerTrigger
	RunOnStartup bool
	Monitor      bool // useMonitor, and it comes not more than once a minute: its status is kept
}

// names of functions and bindings, as the host has them (Utility.cs,
// BindingMetadata.cs).
const (
	functionNames = `^[A-Za-z][A-Za-z0-9_-]{0,127}$`
	bindingNames  = `^[A-Za-z][A-Za-z0-9]{0,127}$`
	queueNames    = `^[a-z0-9]+(-[a-z0-9]+)*$`
)

// Read reads the app in the folder root. settings are the app settings; flex
// says that the plan is Flex Consumption, whose limits differ.
func Read(root string, settings map[string]string, flex bool) (App, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return App{}, fmt.Errorf("read function app: %w", err)
	}
	a := App{Root: root}
	problems := readHost(&a, settings, flex)
	dirs, err := os.ReadDir(root)
	if err != nil {
		return App{}, fmt.Errorf("read function app: %w", err)
	}
	for _, dir := range dirs {
		name := filepath.Join(root, dir.Name(), "function.json")
		b, err := os.ReadFile(name) //nolint:gosec // a file of the app
		if errors.Is(err, fs.ErrNotExist) || err != nil && !dir.IsDir() {
			continue
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		f, enabled, bad := readFunction(dir.Name(), b, settings)
		for _, p := range bad {
			problems = append(problems, fmt.Errorf("%s/function.json: %w", dir.Name(), p))
		}
		if enabled && len(bad) == 0 {
			a.Functions = append(a.Functions, f)
		}
	}
	if len(a.Functions) == 0 && len(problems) == 0 {
		problems = append(problems, fmt.Errorf("no function is enabled: %s has no folder with a function.json in it", root))
	}
	if len(problems) > 0 {
		return App{}, fmt.Errorf("read function app %s: %w", root, errors.Join(problems...))
	}
	slices.SortFunc(a.Functions, func(x, y Function) int { return cmp.Compare(x.Name, y.Name) })
	return a, nil
}

type functionJSON struct {
	Disabled any
	Bindings []bindingJSON
}

type bindingJSON struct {
	Type, Name, Direction, DataType string
	AuthLevel, Route                *string
	Methods                         []string
	QueueName, Connection           string
	Schedule                        string
	RunOnStartup                    bool
	UseMonitor                      *bool
}

func readFunction(name string, b []byte, settings map[string]string) (f Function, enabled bool, problems []error) {
	if !regexp.MustCompile(functionNames).MatchString(name) {
		return f, false, []error{fmt.Errorf("%q is no name for a function: it begins with a letter, and letters, digits, - and _ follow", name)}
	}
	var j functionJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return f, false, []error{jsonError(b, err)}
	}
	if disabled(name, j, settings) {
		return f, false, nil
	}
	f.Name = name
	seen := map[string]bool{}
	for i, bj := range j.Bindings {
		parsed, err := readBinding(name, bj, settings)
		if err != nil {
			problems = append(problems, fmt.Errorf("binding %d: %w", i+1, err))
			continue
		}
		if seen[strings.ToLower(parsed.Name)] {
			problems = append(problems, fmt.Errorf("binding %d: the name %q is taken by another binding", i+1, parsed.Name))
		}
		seen[strings.ToLower(parsed.Name)] = true
		if isTrigger(parsed.Type) {
			if f.Trigger.Type != "" {
				problems = append(problems, fmt.Errorf("binding %d: a second trigger: a function has one", i+1))
			}
			f.Trigger = parsed
			continue
		}
		if parsed.Type == HTTP && slices.ContainsFunc(f.Outputs, func(b Binding) bool { return b.Type == HTTP }) {
			problems = append(problems, fmt.Errorf("binding %d: a second http output: a request has one reply", i+1))
		}
		f.Outputs = append(f.Outputs, parsed)
	}
	if len(problems) == 0 && f.Trigger.Type == "" {
		problems = append(problems, errors.New("no trigger: one of the bindings is an httpTrigger, queueTrigger or timerTrigger"))
	}
	if f.Trigger.Type != HTTPTrigger && slices.ContainsFunc(f.Outputs, func(b Binding) bool { return b.Type == HTTP }) {
		problems = append(problems, errors.New("an http output belongs to an httpTrigger"))
	}
	return f, true, problems
}

// disabled follows function.json's own switch and the app setting
// AzureWebJobs.<name>.Disabled, whose dots may be written as underscores on
// Linux.
func disabled(name string, j functionJSON, settings map[string]string) bool {
	if on, ok := j.Disabled.(bool); ok && on {
		return true
	}
	for _, setting := range []string{"AzureWebJobs." + name + ".Disabled", "AzureWebJobs_" + name + "_Disabled"} {
		if v := strings.ToLower(settings[setting]); v == "true" || v == "1" {
			return true
		}
	}
	return false
}

func isTrigger(kind string) bool {
	return kind == HTTPTrigger || kind == QueueTrigger || kind == TimerTrigger
}

func readBinding(function string, j bindingJSON, settings map[string]string) (Binding, error) {
	b := Binding{Type: j.Type, Name: j.Name, Binary: strings.EqualFold(j.DataType, "binary")}
	known := []string{HTTPTrigger, QueueTrigger, TimerTrigger, HTTP, Queue}
	n := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(j.Type, k) })
	if n < 0 {
		return b, fmt.Errorf("type %q: the stand-in knows %s", j.Type, strings.Join(known, ", "))
	}
	b.Type = known[n]
	want := "out"
	if isTrigger(b.Type) {
		want = "in"
	}
	switch {
	case b.Name == "$return":
		return b, errors.New("the stand-in does not know $return, which takes words for base64: give the output a name")
	case !regexp.MustCompile(bindingNames).MatchString(b.Name):
		return b, fmt.Errorf("%q is no name for a binding: it begins with a letter, and letters and digits follow", b.Name)
	case !strings.EqualFold(j.Direction, want) && !isTrigger(b.Type):
		return b, fmt.Errorf("%s %q: direction is %q, and is to be %q", b.Type, b.Name, j.Direction, want)
	}
	var err error
	switch b.Type {
	case HTTPTrigger:
		err = b.readHTTP(function, j)
	case QueueTrigger, Queue:
		err = b.readQueue(j, settings)
	case TimerTrigger:
		err = b.readTimer(j, settings)
	}
	if err != nil {
		return b, fmt.Errorf("%s %q: %w", b.Type, b.Name, err)
	}
	return b, nil
}

func (b *Binding) readHTTP(function string, j bindingJSON) error {
	if j.AuthLevel == nil || !strings.EqualFold(*j.AuthLevel, "anonymous") {
		return errors.New(`authLevel is not "anonymous": the stand-in holds no function keys`)
	}
	b.Route = function
	if j.Route != nil {
		b.Route = strings.Trim(*j.Route, "/")
	}
	for _, m := range j.Methods {
		b.Methods = append(b.Methods, strings.ToUpper(m))
	}
	return nil
}

func (b *Binding) readTimer(j bindingJSON, settings map[string]string) error {
	text, err := resolve(j.Schedule, settings)
	if err != nil {
		return err
	}
	if b.Schedule, err = ncrontab.Parse(text); err != nil {
		return err
	}
	b.RunOnStartup = j.RunOnStartup
	b.Monitor = (j.UseMonitor == nil || *j.UseMonitor) && !isFrequent(b.Schedule)
	if !b.Monitor {
		return nil
	}
	if b.Connection, err = connection("AzureWebJobsStorage", settings); err != nil {
		return fmt.Errorf("%w, in which a timer's status is kept unless useMonitor is false", err)
	}
	return nil
}

// isFrequent says whether a schedule comes more often than once a minute: such a
// one is never monitored (TimerTriggerAttributeBindingProvider.cs).
func isFrequent(s ncrontab.Schedule) bool {
	const looks = 10
	at := s.Next(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
	for range looks {
		next := s.Next(at)
		if !next.IsZero() && next.Sub(at) < time.Minute {
			return true
		}
		at = next
	}
	return false
}

func (b *Binding) readQueue(j bindingJSON, settings map[string]string) error {
	name, err := resolve(j.QueueName, settings)
	if err != nil {
		return err
	}
	// The rules for names are Azure's: "Naming queues and metadata".
	name = strings.ToLower(name) // as the extension does
	if len(name) < 3 || len(name) > 63 || !regexp.MustCompile(queueNames).MatchString(name) {
		return fmt.Errorf("queueName %q: 3 to 63 lower-case letters, digits and single dashes between them", j.QueueName)
	}
	b.Queue = name
	b.Connection, err = connection(cmp.Or(j.Connection, "AzureWebJobsStorage"), settings)
	return err
}

// connection finds the connection string of that name: the setting with
// AzureWebJobs before it goes first, as in the host.
func connection(name string, settings map[string]string) (string, error) {
	for _, setting := range []string{"AzureWebJobs" + name, name} {
		if s := settings[setting]; s != "" {
			return s, nil
		}
	}
	return "", fmt.Errorf("connection %q: the app setting %s is missing; the stand-in needs a connection string in it", name, name)
}

// resolve replaces %NAME% by the app setting NAME. One that is missing is an
// error, as it is to the host.
func resolve(text string, settings map[string]string) (string, error) {
	var missing []string
	text = regexp.MustCompile(`%[^%]+%`).ReplaceAllStringFunc(text, func(s string) string {
		v, ok := settings[strings.Trim(s, "%")]
		if !ok {
			missing = append(missing, strings.Trim(s, "%"))
		}
		return v
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("%q names an app setting that is missing: set %s", text, strings.Join(missing, ", "))
	}
	return text, nil
}

// jsonError says where in the text the error is.
func jsonError(b []byte, err error) error {
	var at int64
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &kind):
		at = kind.Offset
	default:
		return err
	}
	at = min(at, int64(len(b)))
	return fmt.Errorf("line %d: %w", 1+strings.Count(string(b[:at]), "\n"), err)
}
