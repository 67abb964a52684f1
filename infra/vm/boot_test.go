package vm_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func TestShellcheck(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), need(t, "shellcheck", "Debian: package shellcheck"), "boot.sh").CombinedOutput()
	if err != nil {
		t.Errorf("shellcheck: %v\n%s", err, out)
	}
}

// program stands for hearth-agent: it notes how it was called and does what the
// test's file says.
const program = "#!/bin/sh\necho \"agent $*\" >>\"$ROOT/calls\"\n[ ! -f \"$ROOT/shim/agent\" ] || . \"$ROOT/shim/agent\"\n"

// host is a machine on which boot.sh runs: a folder in place of /, programs that
// only note their calls in place of the system's, and curl itself, led to
// stand-ins under the real names. Time is what sleep and slow calls make of it.
type host struct {
	t        *testing.T
	dir      string
	environ  []string
	blob     string // the program that is served
	sha256   string // of the program that is expected
	metadata http.Handler

	mu    sync.Mutex // guards what follows
	trips []http.HandlerFunc
	blobs []http.HandlerFunc // answers of the storage account, the first one first; then the blob
	asked []*http.Request
}

const (
	blobHost = "hearthbotabc123.blob.core.windows.net"
	clientID = "01234567-89ab-cdef-0123-456789abcdef"
)

func newHost(t *testing.T) *host {
	t.Helper()
	curl := need(t, "curl", "Debian: package curl")
	h := &host{t: t, dir: t.TempDir(), blob: program, sha256: fmt.Sprintf("%x", sha256.Sum256([]byte(program)))}
	for _, folder := range []string{"etc/hearth", "proc", "dev", "run", "shim", "bin"} {
		if err := os.MkdirAll(h.path(folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h.write("proc/uptime", "38.21 70.00\n")
	h.write("dev/console", prompt)
	h.write("etc/hearth/agent.json", "{}")

	clk := worldtest.NewClock()
	place := world.Placement{ID: "vmss-midgard", Region: "eastus2"}
	cloud, err := simcloud.New(simcloud.Options{Clock: clk, Placements: []world.Placement{place}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	if _, err := cloud.Scale(t.Context(), place, 1); err != nil {
		t.Fatal(err)
	}
	clk.Advance(5 * time.Minute)
	h.metadata = wire.New(cloud, cloud.Snapshot().VMs[0].ID, wire.Options{Tenant: wire.NewTenant(clock.System{}, 0), Identities: []string{clientID}})

	metadata := httptest.NewServer(http.HandlerFunc(h.serveMetadata))
	t.Cleanup(metadata.Close)
	cert, authority := certificateFor(t, blobHost)
	storage := httptest.NewUnstartedServer(http.HandlerFunc(h.serveBlob))
	storage.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	storage.StartTLS()
	t.Cleanup(storage.Close)
	h.write("ca.pem", string(authority))

	for _, name := range []string{"systemctl", "apt-get", "modprobe", "iptables", "dockerd", "mount.cifs"} {
		h.shim(name, fmt.Sprintf("echo \"%s $*\" >>\"$ROOT/calls\"\n[ ! -f \"$ROOT/shim/%s\" ] || . \"$ROOT/shim/%s\"\n", name, name, name))
	}
	h.shim("uname", "echo 6.8.0-azure\n")
	pass := "awk -v s=%s '{ printf \"%%.2f %%s\\n\", $1 + s, $2 }' \"$ROOT/proc/uptime\" >\"$ROOT/proc/new\" && mv \"$ROOT/proc/new\" \"$ROOT/proc/uptime\"\n"
	h.shim("sleep", fmt.Sprintf(pass, `"$1"`))
	// What hangs does so for as long as shim/patience says, in seconds, and is counted as 20 s.
	h.write("shim/patience", "60")
	h.shim("curl", "echo \"curl $*\" >>\"$ROOT/calls\"\n"+curl+
		" --cacert \"$ROOT/ca.pem\" --connect-to 169.254.169.254:80:"+metadata.Listener.Addr().String()+" --connect-to "+blobHost+":443:"+storage.Listener.Addr().String()+
		" \"$@\" --max-time \"$(cat \"$ROOT/shim/patience\")\"\ncode=$?\nif [ $code = 28 ]; then\n"+fmt.Sprintf(pass, "20")+"fi\nexit $code\n")
	h.environ = append(os.Environ(), "ROOT="+h.dir, "PATH="+h.path("bin")+":"+systemPath(t, h.path("system")))
	return h
}

// systemPath is a folder with the ordinary programs that the script relies on,
// and nothing else of this machine.
func systemPath(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sh", "cut", "tr", "sed", "head", "tail", "awk", "cat", "mkdir", "rm", "mv", "chmod", "sha256sum", "timeout"} {
		if err := os.Symlink(need(t, name, "coreutils"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// certificateFor is one for a host that vouches for itself.
func certificateFor(t *testing.T, name string) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

func (h *host) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(h.path(name), []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) read(name string) string {
	h.t.Helper()
	b, err := os.ReadFile(h.path(name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		h.t.Fatal(err)
	}
	return string(b)
}

// shim puts a program of the test's in the place of the system's.
func (h *host) shim(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(h.path("bin/"+name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		h.t.Fatal(err)
	}
}

// without takes a program away.
func (h *host) without(name string) {
	h.t.Helper()
	if err := os.Remove(h.path("bin/" + name)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) serveMetadata(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	var trip http.HandlerFunc
	if len(h.trips) > 0 {
		trip = h.trips[0]
		h.trips = h.trips[1:]
	}
	h.mu.Unlock()
	if trip != nil {
		trip(w, r)
		return
	}
	h.metadata.ServeHTTP(w, r)
}

func (h *host) serveBlob(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.asked = append(h.asked, r)
	var answer http.HandlerFunc
	if len(h.blobs) > 0 {
		answer = h.blobs[0]
		h.blobs = h.blobs[1:]
	}
	h.mu.Unlock()
	// The service takes a token from version 2017-11-09 on.
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") || r.Header.Get("X-Ms-Version") < "2017-11-09" || r.URL.Path != "/deploy/hearth-agent-x" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if answer != nil {
		answer(w, r)
		return
	}
	_, _ = w.Write([]byte(h.blob))
}

// refuses is an answer of Azure Storage.
func refuses(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Ms-Error-Code", code)
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code></Error>", code)
	}
}

// hangs answers nothing.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func times(n int, h http.HandlerFunc) []http.HandlerFunc {
	return slices.Repeat([]http.HandlerFunc{h}, n)
}

// boot runs the script.
func (h *host) boot() (code int) {
	h.t.Helper()
	h.write("etc/hearth/boot.conf", fmt.Sprintf("client_id='%s'\nagent_url='https://%s/deploy/hearth-agent-x'\nagent_sha256='%s'\n", clientID, blobHost, h.sha256))
	return h.script(h.t.Context())
}

func (h *host) script(ctx context.Context) (code int) {
	h.t.Helper()
	cmd := exec.CommandContext(ctx, "/bin/sh", "boot.sh", h.dir)
	cmd.Env = h.environ
	out, err := cmd.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		h.t.Fatalf("boot.sh: %v\n%s", err, out)
	}
	h.t.Cleanup(func() {
		if h.t.Failed() {
			h.t.Logf("it printed:\n%.3000s\nand called:\n%.3000s", out, h.read("calls"))
		}
	})
	return cmd.ProcessState.ExitCode()
}

// prompt is what a getty leaves on the console.
const prompt = "midgard login: "

// said are the console's lines without their times, which it checks.
func (h *host) said() []string {
	h.t.Helper()
	var lines []string
	last := 0.0
	for line := range strings.Lines(h.read("dev/console")) {
		if line == "\n" || line == prompt+"\n" {
			continue
		}
		m := regexp.MustCompile(`^\[ *(\d+\.\d\d)\] (hearth-boot: .*)\n$`).FindStringSubmatch(line)
		if m == nil || len(line) > 301 {
			h.t.Errorf("the console has %q", line)
			continue
		}
		at, err := strconv.ParseFloat(m[1], 64)
		if err != nil || at < last || at < 38.21 {
			h.t.Errorf("%q comes after %.2f s", line, last)
		}
		last = at
		lines = append(lines, m[2])
	}
	return lines
}

// steps are the script's, each with the call that shows that it was taken.
var steps = []struct{ name, call string }{
	{"fence", "systemctl enable --now hearth-fence.service"},
	{"identity", "http://169.254.169.254/metadata/identity"},
	{"agent", "https://" + blobHost},
	{"checksum", ""},
	{"secrets", "agent secrets --config"},
	{"packages", "modprobe cifs"},
	{"start", "systemctl start hearth-agent.service"},
}

func TestBoot(t *testing.T) {
	h := newHost(t)
	if code := h.boot(); code != 0 {
		t.Fatalf("it ends with %d, and says %q", code, h.said())
	}
	var want []string
	for _, s := range steps {
		want = append(want, "hearth-boot: "+s.name)
	}
	if got := h.said(); !slices.Equal(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
	calls := h.read("calls")
	last := -1
	for _, s := range steps {
		at := strings.Index(calls, s.call)
		if s.call != "" && at <= last {
			t.Errorf("%q does not come when it should:\n%s", s.call, calls)
		}
		last = max(last, at)
	}
	for _, call := range []string{
		"systemctl enable hearth-secrets.service hearth-share.service hearth-agent.service", "systemctl start --no-block hearth-share.service",
		"systemctl mask --now apt-daily.timer", "agent secrets --config " + h.path("etc/hearth/agent.json"),
	} {
		if !strings.Contains(calls, call) {
			t.Errorf("%q was not called:\n%s", call, calls)
		}
	}
	// All was there.
	if strings.Contains(calls, "apt-get") {
		t.Errorf("it installs what is there:\n%s", calls)
	}
	info, err := os.Stat(h.path("usr/local/bin/hearth-agent"))
	if err != nil || info.Mode() != 0o755 || h.read("usr/local/bin/hearth-agent") != program {
		t.Errorf("the agent is %v, %v", info, err)
	}
	// A token is in no argument, and in no file afterwards.
	if strings.Contains(calls, "Bearer") || strings.Contains(calls, "eyJ") {
		t.Errorf("the token is in arguments:\n%s", calls)
	}
	if out, err := exec.CommandContext(t.Context(), "grep", "-rl", "eyJ", h.path("run"), h.path("etc"), h.path("dev"), h.path("usr")).Output(); err == nil {
		t.Errorf("the token is in %s", out)
	}
	if _, err := os.Stat(h.path("run/hearth-boot")); err == nil {
		t.Error("its folder is left")
	}
	if len(h.asked) != 1 {
		t.Errorf("the program was fetched %d times", len(h.asked))
	}

	// Somebody runs it again.
	h.write("dev/console", prompt)
	if code := h.boot(); code != 0 || len(h.said()) != len(want) {
		t.Errorf("again: %d, and it says %q", code, h.said())
	}
}

// TestBootMends: what comes right by itself is waited for.
func TestBootMends(t *testing.T) {
	notYet := func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error":"invalid_request","error_description":"Identity not found"}`, http.StatusBadRequest)
	}
	for _, c := range []struct {
		name   string
		change func(h *host)
		least  float64 // seconds
		calls  []string
	}{
		{"an identity after a minute", func(h *host) { h.trips = times(20, notYet) }, 60, nil},
		{"a metadata service that begins to answer", func(h *host) {
			h.write("shim/patience", "2")
			h.trips = []http.HandlerFunc{hangs}
		}, 20, nil},
		{"a metadata service that says something else", func(h *host) {
			h.trips = times(2, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
		}, 6, nil},
		{"a role after some minutes", func(h *host) { h.blobs = times(50, refuses(403, "AuthorizationPermissionMismatch")) }, 250, nil},
		{"a storage account that is busy", func(h *host) {
			h.write("shim/patience", "2")
			h.blobs = append(times(2, refuses(503, "ServerBusy")), hangs)
		}, 30, nil},
		{"a download that breaks off", func(h *host) {
			h.blobs = times(1, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				_, _ = w.Write([]byte(program[:10]))
			})
		}, 5, nil},
		{"a program that was changed on the way", func(h *host) {
			h.blobs = times(1, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(program + "#")) })
		}, 0, nil},
		{"no packages", func(h *host) { h.without("dockerd"); h.without("mount.cifs") }, 0, []string{"apt-get update", "apt-get install -q -y --no-install-recommends", "docker.io cifs-utils\n"}},
		{"no engine", func(h *host) { h.without("dockerd") }, 0, []string{" docker.io\n"}},
		{"no mount.cifs", func(h *host) { h.without("mount.cifs") }, 0, []string{" cifs-utils\n"}},
		{"no iptables", func(h *host) { h.without("iptables") }, 0, []string{" iptables\n"}},
		{"a mirror that is away for a minute", func(h *host) {
			h.without("dockerd")
			h.write("shim/apt-get", `printf x >>"$ROOT/tries"; tries=$(cat "$ROOT/tries"); [ ${#tries} -gt 6 ] || exit 100`)
		}, 50, nil},
		{"a kernel whose module is elsewhere", func(h *host) {
			h.write("shim/modprobe", `grep -q modules-extra "$ROOT/calls" || { echo "modprobe: FATAL: Module cifs not found" >&2; exit 1; }`)
		}, 0, []string{" linux-modules-extra-6.8.0-azure\n"}},
		{"timers that are not there", func(h *host) { h.write("shim/systemctl", `case "$*" in mask*) exit 1 ;; esac`) }, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			if err := os.Symlink(need(t, "grep", "package grep"), h.path("system/grep")); err != nil {
				t.Fatal(err)
			}
			c.change(h)
			code := h.boot()
			said := h.said()
			if code != 0 || len(said) == 0 || said[len(said)-1] != "hearth-boot: start" {
				t.Fatalf("it ends with %d, and says %q", code, said)
			}
			up, _, _ := strings.Cut(h.read("proc/uptime"), " ")
			if at, err := strconv.ParseFloat(up, 64); err != nil || at-38.21 < c.least-0.01 || at-38.21 > c.least+60 {
				t.Errorf("it took until %s, want %.0f s and a little more", up, c.least)
			}
			for _, call := range c.calls {
				if !strings.Contains(h.read("calls"), call) {
					t.Errorf("%q was not called", call)
				}
			}
			if h.read("usr/local/bin/hearth-agent") != program {
				t.Error("the agent is another one")
			}
		})
	}
}

// TestBootFails: what does not come right is told in one line, and nothing
// after it is done.
func TestBootFails(t *testing.T) {
	long := strings.Repeat("and so on ", 60)
	for _, c := range []struct {
		name        string
		change      func(h *host)
		step        string
		says        string
		least, most float64 // seconds that it was tried
	}{
		{"a fence", func(h *host) {
			h.write("shim/systemctl", `case "$*" in *fence*) echo "Job for hearth-fence.service failed." >&2; exit 1 ;; esac`)
		}, "fence", "the rules can't be set (Job for hearth-fence.service failed.)", 0, 0},
		{"no iptables to be had", func(h *host) {
			h.without("iptables")
			h.write("shim/apt-get", `echo "E: Unable to locate package iptables" >&2; exit 100`)
		}, "fence", "iptables can't be installed (E: Unable to locate package iptables)", 300, 320},
		{"no identity", func(h *host) {
			h.trips = times(1000, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
		}, "identity", "400: the metadata service gives no token for the identity " + clientID, 90, 110},
		{"a metadata service that hangs", func(h *host) { h.write("shim/patience", "0.3"); h.trips = times(1000, hangs) }, "identity", "curl: (28) ", 90, 120},
		{"a token that is none", func(h *host) {
			h.trips = times(1000, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"access_token":"a b"}`)) })
		}, "identity", "the answer has no access_token", 90, 110},
		{"no program", func(h *host) { h.blobs = times(9, refuses(404, "BlobNotFound")) }, "agent", "404 BlobNotFound: the agent's program is not in the bot's storage account: deploy again", 0, 0},
		{"no role", func(h *host) { h.blobs = times(1000, refuses(403, "AuthorizationPermissionMismatch")) }, "agent", "403 AuthorizationPermissionMismatch: the agent's program can't be fetched; the machine's identity lacks the role", 270, 290},
		{"a storage account that hangs", func(h *host) { h.write("shim/patience", "1"); h.blobs = times(1000, hangs) }, "agent", "curl: (28) ", 270, 370},
		{"a refusal without a code", func(h *host) {
			h.blobs = times(1000, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		}, "agent", "502: the agent's program can't be fetched", 270, 290},
		{"a redirect", func(h *host) {
			h.blobs = times(1000, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://example.com/", http.StatusFound)
			})
		}, "checksum", "another one than was deployed", 0, 0},
		{"another program", func(h *host) { h.blob = program + "#" }, "checksum", "the agent's program is another one than was deployed, twice: deploy again", 0, 0},
		{"no secrets", func(h *host) {
			h.write("shim/agent", "echo 'hearth-agent: not yet' >&2; printf 'hearth-agent: the vault answers 403\\n \\n' >&2; exit 1")
		}, "secrets", "hearth-agent: the vault answers 403", 0, 0},
		{"a reason without an end", func(h *host) { h.write("shim/agent", "printf '"+long+"\\033[1m\\t"+long+"' >&2; exit 1") }, "secrets", "and so on and so on", 0, 0},
		{"a program that says nothing", func(h *host) { h.write("shim/agent", "exit 2") }, "secrets", "", 0, 0},
		{"no packages to be had", func(h *host) {
			h.without("dockerd")
			h.write("shim/apt-get", `case "$1" in install) printf 'W: x\nE: Unable to fetch some archives\n' >&2; exit 100 ;; esac`)
		}, "packages", "docker.io can't be installed (E: Unable to fetch some archives)", 300, 320},
		{"everything late", func(h *host) {
			h.blobs = times(35, refuses(503, "ServerBusy")) // 175 s
			h.without("dockerd")
			h.write("shim/apt-get", `echo "E: Unable to fetch some archives" >&2; exit 100`)
		}, "packages", "docker.io can't be installed (E: Unable to fetch some archives)", 355, 375},
		{"very late", func(h *host) {
			h.blobs = times(1000, refuses(503, "ServerBusy"))
			h.write("shim/systemctl", `case "$*" in *hearth-fence*) printf '438.21 70.00\n' >"$ROOT/proc/uptime" ;; esac`)
		}, "agent", "503 ServerBusy: the agent's program can't be fetched", 430, 440},
		{"no module", func(h *host) { h.write("shim/modprobe", `echo "modprobe: FATAL: Module cifs not found" >&2; exit 1`) }, "packages", "the kernel can't mount the share (modprobe: FATAL: Module cifs not found)", 0, 0},
		{"no agent", func(h *host) {
			h.write("shim/systemctl", `case "$*" in *"start hearth-agent"*) echo "Job for hearth-agent.service failed" >&2; exit 1 ;; esac`)
		}, "start", "the agent does not start (Job for hearth-agent.service failed)", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			c.change(h)
			code := h.boot()
			said := h.said()
			prefix := "hearth-boot: FAILED at " + c.step + ": "
			if code != 1 || len(said) == 0 || !strings.HasPrefix(said[len(said)-1], prefix) || !strings.Contains(said[len(said)-1], c.says) {
				t.Fatalf("it ends with %d, and says %q; want %s%s", code, said, prefix, c.says)
			}
			for _, line := range said[:len(said)-1] {
				if strings.Contains(line, "FAILED") {
					t.Errorf("it fails twice: %q", said)
				}
			}
			up, _, _ := strings.Cut(h.read("proc/uptime"), " ")
			if at, err := strconv.ParseFloat(up, 64); err != nil || at-38.21 < c.least-0.01 || at-38.21 > c.most+0.01 {
				t.Errorf("it was tried until %s, want %.0f to %.0f s", up, c.least, c.most)
			}
			at := slices.IndexFunc(steps, func(s struct{ name, call string }) bool { return s.name == c.step })
			for _, s := range steps[at+1:] {
				if s.call != "" && strings.Contains(h.read("calls"), s.call) || slices.Contains(said, "hearth-boot: "+s.name) {
					t.Errorf("it goes on with %s", s.name)
				}
			}
			if c.step == "checksum" && h.read("usr/local/bin/hearth-agent") != "" {
				t.Error("a program that nobody knows is installed")
			}
		})
	}
}

// TestBootItself: a mistake in the script or its settings is told as such; a
// machine that is shut down is no failure.
func TestBootItself(t *testing.T) {
	h := newHost(t)
	if code := h.script(t.Context()); code == 0 || len(h.said()) != 1 || !strings.HasPrefix(h.said()[0], "hearth-boot: FAILED at begin: ") {
		t.Errorf("without its settings it ends with %d, and says %q", code, h.said())
	}

	h = newHost(t)
	h.write("shim/agent", "kill -TERM $PPID")
	if code := h.boot(); code != 143 || slices.ContainsFunc(h.said(), func(s string) bool { return strings.Contains(s, "FAILED") }) {
		t.Errorf("terminated it ends with %d, and says %q", code, h.said())
	}

	// A console that takes nothing stops nobody.
	h = newHost(t)
	if err := errors.Join(os.Remove(h.path("dev/console")), os.Mkdir(h.path("dev/console"), 0o755)); err != nil {
		t.Fatal(err)
	}
	if code := h.boot(); code != 0 {
		t.Errorf("without a console it ends with %d", code)
	}
}
