package functionapp_test

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2/queueerror"

	"hearth/internal/azure/account"
	"hearth/internal/azure/storage"
	"hearth/internal/playground"
	"hearth/internal/playground/functionapp"
	"hearth/internal/sim/azurite"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simhost"
	"hearth/internal/world"
)

// rig is a playground whose bot runs as on Azure.
type rig struct {
	t       testing.TB
	p       *playground.Playground
	dir     string // of the playground
	log     string // the file of its log
	tables  *aztables.ServiceClient
	table   *aztables.Client // of the rows
	store   world.Store      // the same
	queues  *azqueue.ServiceClient
	weather *weather
}

const worlds = `[{"id":"midgard","name":"Midgard","cents_per_hour":1.9,"placements":[
	{"id":"vmss-midgard-1","region":"eastus2"},{"id":"vmss-midgard-2","region":"westus2"}]}]`

// soon bounds one step of an evening in real time, on a busy machine.
const soon = 3 * time.Minute

type options struct {
	worlds    string           // HEARTH_WORLDS; empty: worlds
	timing    simcloud.Timing  // of the cloud; what is 0 takes a second
	loadFor   time.Duration    // of the game; 0: a second
	prepare   func(dir string) // is told the folder before anything starts on it; may be nil
	hostSpeed float64
	instances int
	observe   func(functionapp.Instance, simhost.Moment)
}

func start(t testing.TB, o options) *rig {
	t.Helper()
	pkg, err := packaged()
	if err != nil {
		t.Fatal(err)
	}
	server, err := azurite.Start(t.Context(), azurite.Options{Dir: t.TempDir()})
	if errors.Is(err, azurite.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	r := &rig{t: t, weather: newWeather(t, server)}
	// What a test looks at is not in the weather.
	if r.tables, err = aztables.NewServiceClientFromConnectionString(server.ConnectionString(), nil); err != nil {
		t.Fatal(err)
	}
	r.table = r.tables.NewClient("worlds")
	if r.queues, err = azqueue.NewServiceClientFromConnectionString(server.ConnectionString(), nil); err != nil {
		t.Fatal(err)
	}
	a, err := account.Open(account.Options{ConnectionString: world.Secret(server.ConnectionString())})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := storage.Open(a)
	if err != nil {
		t.Fatal(err)
	}
	r.store = rows.Store()
	configs, err := world.ParseWorlds(cmp.Or(o.worlds, worlds))
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r.dir = t.TempDir()
	if o.prepare != nil {
		o.prepare(r.dir)
	}
	log, err := os.Create(filepath.Join(r.dir, "test.log"))
	if err != nil {
		t.Fatal(err)
	}
	r.log = log.Name()
	r.p, err = playground.Start(t.Context(), playground.Options{
		Dir: r.dir, Listen: "127.0.0.1:0", Speed: 1, Worlds: configs, Game: []string{self, "game"},
		Timing: simcloud.Timing{
			Create: cmp.Or(o.timing.Create, time.Second), Boot: cmp.Or(o.timing.Boot, time.Second), Delete: cmp.Or(o.timing.Delete, time.Second),
		},
		LoadFor: cmp.Or(o.loadFor, time.Second),
		Version: "test", Log: slog.New(slog.NewTextHandler(log, nil)),
		Azure: &playground.Azure{Package: pkg, Connection: r.weather.connection, HostSpeed: o.hostSpeed, Instances: o.instances, Observe: o.observe},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if _, err := r.p.Close(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			if b, err := os.ReadFile(log.Name()); err == nil {
				t.Logf("log's end:\n%s", tail(string(b), 12000))
			}
		}
		_ = log.Close()
	})
	return r
}

// packaged is the bot's package for this machine, built once.
var packaged = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "hearth-package-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "run", "./cmd/hearth-bot/pack", "-platforms", runtime.GOOS+"-"+runtime.GOARCH, "-out", dir)
	cmd.Dir = filepath.Join("..", "..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return filepath.Join(dir, fmt.Sprintf("hearth-bot-%s-%s.zip", runtime.GOOS, runtime.GOARCH)), nil
})

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// play plays a piece of an evening.
func (r *rig) play(script string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), soon)
	defer cancel()
	var out strings.Builder
	if err := r.p.Play(ctx, script, &out); err != nil {
		r.t.Fatalf("%v\n%s", err, out.String())
	}
}

// columns are what people see who look into the table.
type columns struct {
	Status     string
	IP         string `json:"ip"`
	Players    *int   `json:"online_players"`
	Generation int64  `json:"generation,string"`
	State      string
}

func (r *rig) columns() (c columns, there bool) {
	r.t.Helper()
	c, doc := r.document()
	if doc.World == "" {
		return c, false
	}
	if string(doc.Status) != c.Status || doc.Generation != c.Generation {
		r.t.Errorf("columns say %s, generation %d; the document %s, %d", c.Status, c.Generation, doc.Status, doc.Generation)
	}
	return c, true
}

// document reads the row; without one both are zero.
func (r *rig) document() (c columns, doc world.State) {
	r.t.Helper()
	resp, err := r.table.GetEntity(r.t.Context(), simdiscord.DefaultGuildID, "midgard", nil)
	if refused, ok := errors.AsType[*azcore.ResponseError](err); ok && refused.StatusCode == http.StatusNotFound {
		return c, doc
	}
	if err != nil {
		r.t.Fatal(err)
	}
	if err := json.Unmarshal(resp.Value, &c); err != nil {
		r.t.Fatalf("row %s: %v", resp.Value, err)
	}
	if err := json.Unmarshal([]byte(c.State), &doc); err != nil {
		r.t.Fatalf("state column: %v", err)
	}
	return c, doc
}

// passes reads the row until it has the last of these statuses, having had the
// others before it, in their order.
func (r *rig) passes(want ...world.Status) {
	r.t.Helper()
	var seen []string
	r.until(fmt.Sprintf("the row passes %q", want), func() bool {
		c, there := r.columns()
		if there && (len(seen) == 0 || seen[len(seen)-1] != c.Status) {
			seen = append(seen, c.Status)
		}
		return c.Status == string(want[len(want)-1])
	})
	rest := seen
	for _, status := range want {
		i := slices.Index(rest, string(status))
		if i < 0 {
			r.t.Fatalf("the row had the statuses %q, want %q in this order", seen, want)
		}
		rest = rest[i+1:]
	}
}

// give gives a command, and again when it was not answered.
func (r *rig) give(command string) {
	r.t.Helper()
	for range 10 {
		var out strings.Builder
		if err := r.p.Play(r.t.Context(), command, &out); err != nil {
			r.t.Fatal(err)
		}
		if !strings.Contains(out.String(), "did not respond") {
			return
		}
	}
	r.t.Fatalf("%s was never answered", command)
}

// wholeEvening plays one, and looks for what a failure would leave behind.
func (r *rig) wholeEvening() {
	r.t.Helper()
	r.give("Ana: /start")
	r.play("wait online")
	r.play(playIt)
	r.give("Bo: /stop")
	r.play("wait stopped")
	r.until("it is said that nothing costs money", func() bool { return r.said("is out. The machine is gone") == 1 })
	c, _ := r.columns()
	if c.Status != string(world.Stopped) || c.IP != "" {
		r.t.Errorf("after the evening the row says %+v", c)
	}
	for _, text := range []string{"**Bo** came in", "**Bo** left", "is burning. Join at", "is saved, in", "is out. The machine is gone"} {
		// What a worker had claimed when it was killed is said a minute later.
		r.until("it is said: "+text, func() bool { return r.said(text) > 0 })
		if n := r.said(text); n != 1 {
			r.t.Errorf("said %d times: %s", n, text)
		}
	}
}

// said counts the messages with these words, cards included.
func (r *rig) said(part string) (n int) {
	for _, m := range r.p.Discord().Messages() {
		if strings.Contains(m.Content, part) {
			n++
		}
	}
	return n
}

// messages counts a queue's; one that does not exist has none.
func (r *rig) messages(queue string) int {
	r.t.Helper()
	p, err := r.queues.NewQueueClient(queue).GetProperties(r.t.Context(), nil)
	if queueerror.HasCode(err, queueerror.QueueNotFound) {
		return 0
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return int(*p.ApproximateMessagesCount)
}

func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for over := time.Now().Add(soon); !ok(); {
		if time.Now().After(over) {
			r.t.Fatalf("not within %v: %s", soon, what)
		}
		select {
		case <-r.t.Context().Done():
			r.t.Fatal(r.t.Context().Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (r *rig) enqueue(body []byte) {
	r.t.Helper()
	if _, err := r.queues.NewQueueClient(world.EventsQueue).EnqueueMessage(r.t.Context(), base64.StdEncoding.EncodeToString(body), nil); err != nil {
		r.t.Fatal(err)
	}
}

// agentKey is made as package playground makes it.
func (r *rig) agentKey(worldID string) []byte {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(r.dir, "secrets.json"))
	if err != nil {
		r.t.Fatal(err)
	}
	var s struct {
		AgentKey []byte `json:"agent_key"`
	}
	if err := json.Unmarshal(b, &s); err != nil {
		r.t.Fatal(err)
	}
	h := hmac.New(sha256.New, s.AgentKey)
	h.Write([]byte(worldID))
	return []byte(hex.EncodeToString(h.Sum(nil)))
}

func (r *rig) saidInKeepers(part string) (n int) {
	for _, m := range r.p.Discord().Messages() {
		if m.ChannelID == simdiscord.DefaultKeeperChannelID && strings.Contains(m.Content, part) {
			n++
		}
	}
	return n
}

// count counts a table's rows.
func (r *rig) count(table *aztables.Client) (n int) {
	r.t.Helper()
	for pages := table.NewListEntitiesPager(nil); pages.More(); {
		page, err := pages.NextPage(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		n += len(page.Entities)
	}
	return n
}

const (
	lightIt  = "Ana: /start\nwait online\nexpect is burning. Join at"
	playIt   = "lever player_join Bo\nexpect **Bo** came in\nlever all_leave\nexpect Nobody is on"
	putItOut = "Bo: /stop\nwait stopped\nexpect is out. The machine is gone"
)
