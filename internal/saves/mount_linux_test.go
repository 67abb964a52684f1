package saves_test

import (
	"errors"
	"strings"
	"testing"

	"hearth/internal/saves"
	"hearth/internal/world"
)

// table is of a machine with a share, one behind systemd's automount, and one
// that is only waited for.
const table = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / /srv/world rw,relatime shared:5 - cifs //account.file.core.windows.net/midgard rw,vers=3.1.1
31 22 0:27 / /srv/auto rw,relatime shared:6 - autofs systemd-1 rw,fd=44
32 31 0:28 / /srv/auto rw,relatime shared:7 - cifs //account.file.core.windows.net/asgard rw
33 22 0:29 / /srv/waited rw,relatime - autofs systemd-1 rw,fd=45
34 22 0:30 / /srv/two\040words rw - tmpfs tmpfs rw
35 22 8:1 /bound /srv/bound rw,relatime master:1 - ext4 /dev/sda1 rw
a line that means nothing
`

func TestMountedIn(t *testing.T) {
	for folder, want := range map[string]bool{
		"/": true, "/srv/world": true, "/srv/auto": true, "/srv/bound": true, "/srv/two words": true,
		"/srv/waited": false, "/srv": false, "/srv/world/worlds_local": false, "/srv/worl": false,
	} {
		got, err := saves.MountedIn(strings.NewReader(table), folder)
		if err != nil || got != want {
			t.Errorf("MountedIn %s = %t, %v; want %t", folder, got, err, want)
		}
	}
}

func TestMountIsLookedFor(t *testing.T) {
	// /proc is mounted everywhere, and nothing can be written there.
	for _, c := range []struct {
		home string
		want world.FilesReason
	}{
		{"/proc", world.FilesUnreadable},
		{t.TempDir(), world.FilesNotMounted},
		{"/nowhere/at/all", world.FilesNotMounted},
	} {
		d, err := saves.New(saves.Options{ID: "midgard", World: "Midgard", Dir: c.home + "/worlds_local", Home: c.home, MustMount: true, AllowNew: true})
		if err != nil {
			t.Fatalf("New: %v", err)
		}
		_, err = d.Check(t.Context())
		if e, ok := errors.AsType[*world.FilesError](err); !ok || e.Reason != c.want {
			t.Errorf("Check of %s = %v, want %s", c.home, err, c.want)
		}
	}
}
