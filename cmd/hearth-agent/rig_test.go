package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"hearth/internal/clock"
	"hearth/internal/sqlite"
)

const key = "0123456789abcdef0123456789abcdef"

// rig is a machine of real parts: folders, the bot's file, and a metadata
// service and an engine that answer over HTTP.
type rig struct {
	t        *testing.T
	dir      string
	db       *sqlite.DB // the bot's
	config   map[string]any
	environ  map[string]string
	metadata *httptest.Server
	engine   *httptest.Server
	info     map[string]any // what the engine says of itself
	dead     atomic.Bool    // the metadata service refuses everything
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), environ: map[string]string{}}
	for name, content := range map[string]string{
		"world/worlds_local/Midgard.fwl": "head", "world/worlds_local/Midgard.db": strings.Repeat("x", 500), "run/key": key + "\n",
	} {
		path := filepath.Join(r.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if r.db, err = sqlite.Open(t.Context(), r.path("hearth.db"), clock.System{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	r.metadata = httptest.NewServer(http.HandlerFunc(r.serveMetadata))
	t.Cleanup(r.metadata.Close)
	r.info = map[string]any{
		"ServerVersion": "28.2.2", "LiveRestoreEnabled": true, "Plugins": map[string]any{"Log": []string{"json-file", "journald"}},
		"SecurityOptions": []string{"name=apparmor", "name=seccomp,profile=builtin"},
	}
	r.engine = httptest.NewServer(http.HandlerFunc(r.serveEngine))
	t.Cleanup(r.engine.Close)
	r.config = map[string]any{
		"world": "midgard", "world_file": "Midgard", "server_name": "Our Midgard", "password": "secret-of-midgard", "crossplay": true,
		"save_interval": "5m", "mount": r.path("world"), "mount_required": false, "state": r.path("state"), "key_file": r.path("run/key"),
		"storage": "sqlite:" + r.path("hearth.db"), "metadata_url": r.metadata.URL,
		"docker_host": strings.Replace(r.engine.URL, "http://", "tcp://", 1),
	}
	return r
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

func (r *rig) serveMetadata(w http.ResponseWriter, req *http.Request) {
	switch {
	case r.dead.Load():
		http.Error(w, "no", http.StatusInternalServerError)
	case strings.HasPrefix(req.URL.Path, "/metadata/instance"):
		_, _ = fmt.Fprint(w, `{"compute":{"name":"vmss-midgard_0","vmSize":"Standard_D2ads_v5","zone":"1"},"network":{"interface":[]}}`)
	case strings.HasPrefix(req.URL.Path, "/metadata/scheduledevents"):
		_, _ = fmt.Fprint(w, `{"DocumentIncarnation":1,"Events":[]}`)
	default:
		http.NotFound(w, req)
	}
}

func (r *rig) serveEngine(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Api-Version", "1.50")
	w.Header().Set("Content-Type", "application/json")
	switch {
	case req.URL.Path == "/_ping":
		_, _ = fmt.Fprint(w, "OK")
	case strings.HasSuffix(req.URL.Path, "/info"):
		_ = json.NewEncoder(w).Encode(r.info)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprint(w, `{"message":"no such thing"}`)
	}
}

// writeConfig writes the configuration with these changes (nil: left out) and
// returns its path.
func (r *rig) writeConfig(changes map[string]any) string {
	r.t.Helper()
	c := maps.Clone(r.config)
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	b, err := json.Marshal(c)
	if err != nil {
		r.t.Fatal(err)
	}
	path := r.path("agent.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// run runs the program with the configuration.
func (r *rig) run(ctx context.Context, changes map[string]any, command string) (code int, stdout, stderr string) {
	r.t.Helper()
	r.environ[pathVariable] = r.writeConfig(changes)
	var out, trouble bytes.Buffer
	code = run(ctx, []string{"hearth-agent", command}, func(name string) string { return r.environ[name] }, &out, &trouble)
	return code, out.String(), trouble.String()
}
