package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/settings"
	"hearth/internal/settings/settingstest"
)

// BenchmarkFirstPing is how long a process takes from its start to its first
// right answer to a signed PING, beside a server that only answers: at least 100
// of each, in turn. With the executable's size.
func BenchmarkFirstPing(b *testing.B) {
	dir := b.TempDir()
	bot, floor := filepath.Join(dir, "bot"), filepath.Join(dir, "floor")
	for path, pkg := range map[string]string{bot: ".", floor: "./testdata/floor"} {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if says, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("build %s: %v\n%s", pkg, err, says)
		}
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	env := []string{"DISCORD_PUBLIC_KEY=" + hex.EncodeToString(public)}
	for name, value := range settingstest.Deployment() {
		if name != "DISCORD_PUBLIC_KEY" {
			env = append(env, name+"="+value)
		}
	}
	took := map[string][]time.Duration{}
	round := func() {
		for _, path := range []string{floor, bot} {
			took[path] = append(took[path], firstPing(b, path, env, private))
		}
	}
	for b.Loop() {
		round()
	}
	for len(took[bot]) < 100 {
		round()
	}
	at := func(path string, q float64) float64 {
		slices.Sort(took[path])
		return float64(took[path][int(q*float64(len(took[path])-1))].Microseconds()) / 1e3
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(at(bot, 0.5), "median-ms")
	b.ReportMetric(at(bot, 0.99), "p99-ms")
	b.ReportMetric(at(floor, 0.5), "floor-median-ms")
	b.ReportMetric(at(floor, 0.99), "floor-p99-ms")
	b.ReportMetric(at(bot, 0.5)/at(floor, 0.5), "x-floor")
	b.ReportMetric(at(bot, 0.99)/at(floor, 0.99), "x-floor-p99")
	info, err := os.Stat(bot)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/1e6, "binary-MB")
}

// firstPing starts a program, asks it until it answers, and ends it.
func firstPing(b *testing.B, path string, env []string, key ed25519.PrivateKey) time.Duration {
	b.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	_ = l.Close()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	header := http.Header{}
	header.Set("X-Signature-Timestamp", stamp)
	header.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(key, []byte(stamp+ping))))
	envelope, err := json.Marshal(request(http.MethodPost, header, []byte(ping)))
	if err != nil {
		b.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	ask := func() ([]byte, error) {
		resp, err := (&http.Client{Transport: transport}).Post("http://127.0.0.1:"+port+"/"+fnInteractions, "application/json", bytes.NewReader(envelope))
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		return body, errors.Join(err, resp.Body.Close())
	}
	cmd := exec.Command(path)
	cmd.Env = append(env, "FUNCTIONS_CUSTOMHANDLER_PORT="+port)
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	for time.Since(begun) < 10*time.Second {
		body, err := ask()
		if err != nil { // it does not listen yet, and needs the processor
			time.Sleep(100 * time.Microsecond)
			continue
		}
		took := time.Since(begun)
		var answer struct{ Outputs struct{ Response response } }
		if err := json.Unmarshal(body, &answer); err != nil || answer.Outputs.Response.Body != `{"type":1}` {
			b.Fatalf("%s answers %s, %v", filepath.Base(path), body, err)
		}
		return took
	}
	b.Fatalf("%s does not answer", path)
	return 0
}

// BenchmarkEnvelope is a command in the host's envelope, from the bytes of the
// invocation to those of its outputs, beside the verification of the signature
// alone.
func BenchmarkEnvelope(b *testing.B) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	c, err := settings.Load(settingstest.Lookup(settingstest.Deployment(), map[string]string{"DISCORD_PUBLIC_KEY": hex.EncodeToString(public)}))
	if err != nil {
		b.Fatal(err)
	}
	body, err := os.ReadFile("../../internal/discord/testdata/interactions/start.json")
	if err != nil {
		b.Fatal(err)
	}
	var i map[string]any // what the host repeats in Metadata
	if err := json.Unmarshal(body, &i); err != nil {
		b.Fatal(err)
	}
	c.Guild.ID, c.Guild.Channel = i["guild_id"].(string), i["channel_id"].(string)
	app := newBot(c, clock.System{}, slog.New(slog.DiscardHandler), nil).app()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	message := append([]byte(stamp), body...)
	signature := ed25519.Sign(private, message)
	header := http.Header{"X-Signature-Timestamp": {stamp}, "X-Signature-Ed25519": {hex.EncodeToString(signature)}}
	invocation := request(http.MethodPost, header, body)
	invocation["Metadata"] = i
	envelope, err := json.Marshal(invocation)
	if err != nil {
		b.Fatal(err)
	}
	var full, raw time.Duration
	for b.Loop() {
		req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/"+fnInteractions, bytes.NewReader(envelope))
		w := httptest.NewRecorder()
		at := time.Now()
		app.ServeHTTP(w, req)
		full += time.Since(at)
		if !bytes.Contains(w.Body.Bytes(), []byte(`"event":`)) {
			b.Fatalf("%d %s: no command was accepted", w.Code, w.Body)
		}
		at = time.Now()
		if !ed25519.Verify(public, message, signature) {
			b.Fatal("the signature does not fit")
		}
		raw += time.Since(at)
	}
	b.ReportMetric(float64(raw)/float64(full), "of-verify")
}
