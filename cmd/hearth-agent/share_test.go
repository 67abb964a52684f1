package main

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearth/internal/azure/share"
	"hearth/internal/clock"
	"hearth/internal/sim/simshare"
	"hearth/internal/world"
)

// worldsKey is the key of the worlds' account.
const worldsKey = "c2hhcmUta2V5LW9mLW1pZGdhcmQ="

// newShare is a share, and what configures it: over plain HTTP, for the machine
// believes no certificate of ours. The adapter's own tests go over TLS.
func newShare(t testing.TB) (*simshare.Share, map[string]any) {
	t.Helper()
	s, err := simshare.New(simshare.Options{Account: "hearthworlds", Key: worldsKey, Share: "world", Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "share")
	if err := os.WriteFile(file, []byte("username=hearthworlds\npassword="+worldsKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, map[string]any{"share_file": file, "share_url": server.URL}
}

func TestReadCredentials(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		user, key  string // empty: it is refused
	}{
		{name: "as the machine writes it", text: "username=hearth1\npassword=a2V5\n", user: "hearth1", key: "a2V5"},
		{name: "with more in it", text: "  user=hearth1\r\ndomain=AZURE\n\npass=a2U=", user: "hearth1", key: "a2U="},
		{name: "empty"},
		{name: "no key", text: "username=hearth1\npasword=secret\n"},
		{name: "another file", text: "secret"},
		{name: "a name that is an address", text: "username=hearth1.file.core.windows.net\npassword=a2V5\n"},
		{name: "more than a key", text: "username=hearth1\npassword=c2VjcmV0;FileEndpoint=http://secret\n"},
		{name: "too long", text: "username=hearth1\npassword=secret" + strings.Repeat("x", maxSecret) + "\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "share")
			if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			c := &config{World: "midgard", Share: "world", ShareFile: path}
			user, key, err := readCredentials(path)
			_, opened := (&snapshots{c}).open()
			if tc.user == "" {
				e, ok := errors.AsType[*world.SnapshotError](opened)
				if !ok || e.Reason != world.SnapshotSetup {
					t.Errorf("open = %v, want it refused", opened)
				}
				if strings.Contains(fmt.Sprint(opened, err), "secret") {
					t.Errorf("it tells the key: %v; %v", opened, err)
				}
				return
			}
			if err != nil || opened != nil || user != tc.user || key.Reveal() != tc.key {
				t.Errorf("readCredentials = %q, %q, %v; open = %v; want %q and %q", user, key.Reveal(), err, opened, tc.user, tc.key)
			}
		})
	}
	if _, _, err := readCredentials(filepath.Join(t.TempDir(), "nothing")); err == nil || !strings.Contains(err.Error(), "has that which writes it run?") {
		t.Errorf("readCredentials of nothing = %v", err)
	}
}

// TestSnapshots: the configuration leads to the share, and a boot's first
// snapshot to its last.
func TestSnapshots(t *testing.T) {
	azure, conf := newShare(t)
	r := newRig(t)
	c, err := load(r.writeConfig(conf), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	s := c.snapshots()
	if err := s.Take(t.Context(), 3, "a-boot"); err != nil {
		t.Fatalf("Take: %v", err)
	}
	for range share.Newest + 4 {
		azure.Add(map[string]string{"takenby": "hearth", "world": "midgard"})
	}
	if err := s.Prune(t.Context()); err != nil {
		t.Fatalf("Prune: %v", err)
	}
	if n := len(azure.Snapshots()); n != share.Newest || azure.Gone() {
		t.Errorf("%d snapshots, share gone: %v; want the newest", n, azure.Gone())
	}
	for _, tc := range []struct {
		c    config
		want bool
	}{
		{config{Share: "world"}, false},
		{config{Share: "world", ShareFile: "/run/hearth/share"}, true},
		{config{Share: "world", ShareFile: "/run/hearth/share", VaultSecret: "https://v.vault.azure.net/secrets/s"}, false}, // nobody writes the file
		{config{Share: "world", ShareFile: "/run/hearth/share", VaultSecret: "https://v.vault.azure.net/secrets/s", ShareAccount: "hearth1"}, true},
	} {
		if s := tc.c.snapshots(); (s != nil) != tc.want {
			t.Errorf("%+v has snapshots: %v, want %v", tc.c, s != nil, tc.want)
		}
	}
}

// TestCheckShare: what is there is told, nothing is taken, and what is wrong keeps
// nothing from working.
func TestCheckShare(t *testing.T) {
	azure, conf := newShare(t)
	r := newRig(t)
	check := func(want string) {
		t.Helper()
		before := len(azure.Snapshots())
		code, stdout, stderr := r.run(t.Context(), conf, "check")
		if code != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("check = %d, want it to say %q\n%s%s", code, want, stdout, stderr)
		}
		if strings.Contains(stdout+stderr, worldsKey) {
			t.Errorf("it tells the key:\n%s%s", stdout, stderr)
		}
		if n := len(azure.Snapshots()); n != before {
			t.Errorf("%d snapshots, before the check there were %d", n, before)
		}
	}
	check("ok    share     0 snapshots of world, 0 of them taken by Hearth: none yet\n")
	azure.Add(nil)
	id := azure.Add(map[string]string{"takenby": "hearth", "world": "midgard"})
	azure.Add(nil)
	check("ok    share     3 snapshots of world, 1 of them taken by Hearth: the newest of " + strings.Replace(id[:16], "T", " ", 1) + " UTC\n")
	file := conf["share_file"].(string)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	check("warn  share     share_file " + file + " can be read by everybody")
	conf["share"] = "elsewhere"
	check("warn  share     no snapshots are taken: list snapshots of share elsewhere: there is no such share")
	delete(conf, "share")
	conf["share_file"] = "/nowhere"
	check("warn  share     no snapshots are taken: share_file can't be read")
	if err := os.WriteFile(file, []byte("username=hearthworlds\npassword=b3RoZXI=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	conf["share_file"] = file
	check("warn  share     no snapshots are taken: list snapshots of share world: 403 AuthenticationFailed (request simshare): the account key is wrong")
}
