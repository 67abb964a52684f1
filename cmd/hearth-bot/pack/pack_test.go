package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"hearth/internal/sim/simhost/app"
)

const (
	root     = "../../.."
	maxBytes = 5_000_000
)

// dir is where packages puts what it builds.
var dir string

func TestMain(m *testing.M) {
	var err error
	if dir, err = os.MkdirTemp("", "hearth-packages-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// packages builds, once for all tests, those of a release and one for this
// machine.
var packages = sync.OnceValue(func() error { return packTo(dir, "windows-amd64 linux-amd64 "+here()) })

func here() string { return runtime.GOOS + "-" + runtime.GOARCH }

func packTo(dir, platforms string) error {
	var stdout, stderr bytes.Buffer
	args := []string{"pack", "-root", root, "-out", dir, "-platforms", platforms, "-version", "v1.2.3-test"}
	if code := run(context.Background(), args, &stdout, &stderr); code != 0 {
		return fmt.Errorf("pack = %d: %s", code, &stderr)
	}
	return nil
}

func open(t *testing.T, platform string) (*zip.ReadCloser, string) {
	t.Helper()
	if err := packages(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "hearth-bot-"+platform+".zip")
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = z.Close() })
	return z, path
}

func read(t *testing.T, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestContents: what the app needs, nothing else, and small.
func TestContents(t *testing.T) {
	for platform, exe := range map[string]string{"windows-amd64": "hearth-bot.exe", "linux-amd64": "hearth-bot"} {
		z, path := open(t, platform)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.2f MB", platform, float64(info.Size())/1e6)
		if info.Size() > maxBytes {
			t.Errorf("%s has %d bytes, want at most %d", platform, info.Size(), maxBytes)
		}
		var names []string
		for _, f := range z.File {
			names = append(names, f.Name)
			mode := fs.FileMode(0o644)
			if f.Name == exe {
				mode = 0o755
			}
			if f.Mode() != mode {
				t.Errorf("%s: %s has mode %s, want %s", platform, f.Name, f.Mode(), mode)
			}
			body := read(t, f)
			var host struct {
				CustomHandler struct {
					Description struct{ DefaultExecutablePath string }
				}
			}
			switch {
			case f.Name == "host.json":
				if err := json.Unmarshal(body, &host); err != nil || host.CustomHandler.Description.DefaultExecutablePath != exe {
					t.Errorf("%s: host.json starts %q, %v; want %q", platform, host.CustomHandler.Description.DefaultExecutablePath, err, exe)
				}
			case strings.HasSuffix(f.Name, ".json") && !json.Valid(body):
				t.Errorf("%s: %s is no JSON", platform, f.Name)
			}
		}
		want := []string{"health/function.json", exe, "host.json", "interactions/function.json", "reactions/function.json", "reconcile/function.json"}
		if !slices.Equal(names, want) {
			t.Errorf("%s holds %v\nwant %v", platform, names, want)
		}
	}
}

// TestReproducible: another build, in another place and with other habits, makes
// the same bytes.
func TestReproducible(t *testing.T) {
	_, path := open(t, here())
	again := t.TempDir()
	t.Setenv("GOFLAGS", "-gcflags=-N")
	t.Setenv("TMPDIR", t.TempDir())
	if err := packTo(again, here()); err != nil {
		t.Fatal(err)
	}
	a, err1 := os.ReadFile(path)
	b, err2 := os.ReadFile(filepath.Join(again, filepath.Base(path)))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("two builds of one commit differ: %d and %d bytes", len(a), len(b))
	}
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	z, _ := open(t, here())
	for _, f := range z.File {
		if bytes.Contains(read(t, f), []byte(checkout)) {
			t.Errorf("%s tells where it was built", f.Name)
		}
	}
}

// TestAnswers: the unpacked bot, started as the host starts it, answers Discord.
func TestAnswers(t *testing.T) {
	z, _ := open(t, here())
	dir := t.TempDir()
	if err := os.CopyFS(dir, z); err != nil { // keeps the executable bit
		t.Fatal(err)
	}
	// The stand-in of the host, which knows its rules, has no fault to find.
	read, err := app.Read(dir, map[string]string{
		"AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=hearth;AccountKey=a2V5;EndpointSuffix=core.windows.net",
	}, false)
	if err != nil || len(read.Functions) != 4 {
		t.Errorf("the host reads %d functions, %v; want 4", len(read.Functions), err)
	}
	exe := filepath.Join(dir, platform{os: runtime.GOOS}.executable())
	said, err := exec.Command(exe, "--version").Output()
	if err != nil || strings.TrimSpace(string(said)) != "hearth-bot v1.2.3-test" {
		t.Errorf("--version = %q, %v", said, err)
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	_ = l.Close()
	cmd := exec.Command(exe)
	cmd.Dir = dir
	cmd.Env = []string{
		"FUNCTIONS_CUSTOMHANDLER_PORT=" + port, "DISCORD_APPLICATION_ID=1100", "DISCORD_PUBLIC_KEY=" + hex.EncodeToString(public),
		"DISCORD_BOT_TOKEN=token", "DISCORD_GUILD_ID=1200", "DISCORD_CHANNEL_ID=1300",
		`HEARTH_WORLDS=[{"id":"midgard","placements":[{"id":"vmss-a"}]}]`,
		"HEARTH_BOT_KEY=" + strings.Repeat("b", 32), "HEARTH_AGENT_KEY_MIDGARD=" + strings.Repeat("a", 32),
		"AzureWebJobsStorage__accountName=hearth", "AZURE_SUBSCRIPTION_ID=00000000-0000-4000-8000-000000000001", "HEARTH_RESOURCE_GROUP=rg",
	}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill() // as the host ends it
		_ = cmd.Wait()
	}()
	const ping = `{"id":"1","application_id":"1100","type":1,"token":"t","version":1}`
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	envelope, err := json.Marshal(map[string]any{"Data": map[string]any{"request": map[string]any{
		"Method": "POST", "Body": ping, "Headers": map[string][]string{
			"X-Signature-Timestamp": {stamp}, "X-Signature-Ed25519": {hex.EncodeToString(ed25519.Sign(private, []byte(stamp+ping)))},
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	post := func() (int, string, error) {
		resp, err := http.Post("http://127.0.0.1:"+port+"/interactions", "application/json", bytes.NewReader(envelope))
		if err != nil {
			return 0, "", err
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), err
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		status, body, err := post()
		if err != nil && time.Now().Before(deadline) {
			continue // it does not listen yet
		}
		const want = `{"Outputs":{"response":{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":"{\"type\":1}"}}}`
		if status != http.StatusOK || body != want || err != nil {
			t.Errorf("PING = %d %s, %v\nwant %s", status, body, err, want)
		}
		return
	}
}

// TestOnlyTheApp: somebody's own settings don't get into a package.
func TestOnlyTheApp(t *testing.T) {
	good := fstest.MapFS{"host.json": {Data: []byte("{" + executableLine + "}")}, "health/function.json": {Data: []byte("{}")}}
	files, err := appFiles(good, platform{"windows", "amd64"})
	if err != nil || len(files) != 2 || !strings.Contains(string(files[1].body), `"hearth-bot.exe"`) {
		t.Fatalf("files = %+v, %v", files, err)
	}
	for name, says := range map[string]string{
		"local.settings.json": "does not belong", "health/notes.md": "does not belong", "a/b/function.json": "does not belong", "host.json": "once",
	} {
		bad := fstest.MapFS{name: {Data: []byte("{}")}}
		for n, f := range good {
			if n != name {
				bad[n] = f
			}
		}
		if _, err := appFiles(bad, platform{"linux", "amd64"}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("with %s: %v, want that it %s", name, err, says)
		}
	}
}

func TestBadArguments(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
		code int
	}{
		{[]string{"-platforms", ""}, "no platform", 1},
		{[]string{"-platforms", "linux/amd64"}, "write it like linux-amd64", 1},
		{[]string{"-platforms", "linux-z80", "-version", "v1"}, "unsupported GOOS/GOARCH", 1},
		{[]string{"-version", "v1 beta", "-platforms", here()}, "has a blank", 1},
		{[]string{"-root", t.TempDir()}, "outside of a checkout give -version", 1},
		{[]string{"-fast"}, "not defined", 2},
	} {
		var stdout, stderr bytes.Buffer
		args := append([]string{"pack", "-root", root, "-out", t.TempDir()}, c.args...)
		if code := run(t.Context(), args, &stdout, &stderr); code != c.code || !strings.Contains(stderr.String(), c.says) {
			t.Errorf("%v = %d %s; want %d and %q", c.args, code, &stderr, c.code, c.says)
		}
	}
}
