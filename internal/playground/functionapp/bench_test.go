package functionapp_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/playground/functionapp"
	"hearth/internal/sim/azurite"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simhost"
	"hearth/internal/world"
)

const benchAgentKey = "the key of midgard's agent, for a benchmark"

// BenchmarkFunctionApp is the packaged bot under the stand-in for the Functions
// host, on Azurite. Discord answers at once.
//
// start_p50_ms and start_p99_ms: from a signed /start to its answer, which the
// host gives once the command is in Azurite. events/s: deaths of one world, each
// a line, through reactions, from the last one sent to the last one deleted.
// rss_MB: the bot's memory after both.
func BenchmarkFunctionApp(b *testing.B) {
	start, err := os.ReadFile("../../discord/testdata/interactions/start.json")
	if err != nil {
		b.Fatal(err)
	}
	var ids struct {
		ID      string `json:"id"`
		Guild   string `json:"guild_id"`
		Channel string `json:"channel_id"`
	}
	if err := json.Unmarshal(start, &ids); err != nil {
		b.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	var deleted, said atomic.Int64
	var bot atomic.Pointer[functionapp.Instance]
	discord := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id":"%d","channel_id":"1300"}`, 9000+said.Add(1))
	}))
	b.Cleanup(discord.Close)
	app, storage := openApp(b, map[string]string{
		"DISCORD_PUBLIC_KEY": hex.EncodeToString(public), "DISCORD_API_URL": discord.URL + "/api/v10",
		"DISCORD_GUILD_ID": ids.Guild, "DISCORD_CHANNEL_ID": ids.Channel,
	}, func(in functionapp.Instance, m simhost.Moment) {
		bot.Store(&in)
		if m.Phase == simhost.Deleted {
			deleted.Add(1)
		}
	})

	const commands, deaths = 100, 200
	var took []time.Duration
	var rate []float64
	seq := int64(0)
	handled := func(n int64) {
		for late := time.Now().Add(soon); deleted.Load() < n; time.Sleep(time.Millisecond) {
			if time.Now().After(late) {
				b.Fatalf("%d messages are handled, want %d", deleted.Load(), n)
			}
		}
	}
	for b.Loop() {
		before := deleted.Load()
		for range commands {
			seq++
			body := bytes.Replace(start, []byte(ids.ID), []byte(strconv.FormatInt(1100000000000000000+seq, 10)), 1)
			req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/api/interactions", bytes.NewReader(body))
			stamp := strconv.FormatInt(time.Now().Unix(), 10)
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("X-Signature-Timestamp", stamp)
			req.Header.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(private, append([]byte(stamp), body...))))
			w := httptest.NewRecorder()
			begun := time.Now()
			app.ServeHTTP(w, req)
			took = append(took, time.Since(begun))
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"type":5`) {
				b.Fatalf("/start is answered with %d %s", w.Code, w.Body)
			}
		}
		handled(before + commands)
		before = deleted.Load()
		for range deaths {
			seq++
			e := world.Event{
				ID: fmt.Sprintf("midgard/1/%d", seq), Source: world.SourceAgent, World: "midgard", Time: time.Now(),
				Data: &world.Died{Heard: world.Heard{Epoch: 1, Seq: seq}, Player: world.Player{Owner: "1", Name: fmt.Sprintf("n%d", seq)}},
			}
			body, err := e.EncodeSealed([]byte(benchAgentKey))
			if err == nil {
				err = storage.Queue(world.EventsQueue).Send(b.Context(), body, 0)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		// What came through while the others were sent is no rate of reactions.
		already, begun := deleted.Load(), time.Now()
		if left := before + deaths - already; left < 20 {
			b.Logf("only %d events were left to be measured", left)
		}
		handled(before + deaths)
		rate = append(rate, float64(before+deaths-already)/time.Since(begun).Seconds())
	}
	slices.Sort(took)
	slices.Sort(rate)
	ms := func(part float64) float64 { return took[int(part*float64(len(took)-1))].Seconds() * 1000 }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(0.50), "start_p50_ms")
	b.ReportMetric(ms(0.99), "start_p99_ms")
	b.ReportMetric(rate[len(rate)/2], "events/s")
	b.ReportMetric(residentMB(b, bot.Load().Pid()), "rss_MB")
	pkg, err := packaged()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(megabytes(b, pkg), "zip_MB")
}

// openApp runs the packaged bot with nothing around it but its storage and a
// cloud. The settings are added to those that are the same for everybody.
func openApp(t testing.TB, settings map[string]string, observe func(functionapp.Instance, simhost.Moment)) (*functionapp.App, *functionapp.Storage) {
	t.Helper()
	pkg, err := packaged()
	if err != nil {
		t.Fatal(err)
	}
	silent := slog.New(slog.DiscardHandler)
	storage, err := functionapp.OpenStorage(t.Context(), t.TempDir(), "", []string{"midgard"}, silent)
	if errors.Is(err, azurite.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = storage.Close() })
	cloud, err := simcloud.New(simcloud.Options{Clock: clock.System{}, Placements: []world.Placement{{ID: "vmss-a"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	all := map[string]string{
		"DISCORD_APPLICATION_ID": "1100", "DISCORD_BOT_TOKEN": "MTEwMA.canary.token-of-a-benchmark-and-no-other",
		"HEARTH_WORLDS":  `[{"id":"midgard","name":"Midgard","placements":[{"id":"vmss-a"}]}]`,
		"HEARTH_BOT_KEY": "the bot's own key, for a benchmark alone", "HEARTH_AGENT_KEY_MIDGARD": benchAgentKey,
	}
	maps.Copy(all, settings)
	app, err := functionapp.Start(t.Context(), functionapp.Options{
		Dir: filepath.Join(t.TempDir(), "app"), Package: pkg, Storage: storage, Cloud: cloud, Clock: clock.System{}, Log: silent,
		Settings: all, Observe: observe,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Close(context.Background()) })
	return app, storage
}

// residentMB is what Linux keeps in memory of a process.
func residentMB(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Logf("no memory is told: %v", err) // not on Linux
		return 0
	}
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		b.Fatalf("%s", status)
	}
	kb, err := strconv.Atoi(string(m[1]))
	if err != nil {
		b.Fatal(err)
	}
	return float64(kb) / 1024
}

func megabytes(b *testing.B, path string) float64 {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size()) / 1e6
}
