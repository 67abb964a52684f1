package simcloud_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func TestFileGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "cloud.json")
		l := newLives()
		open := func() *simcloud.Cloud { return openCloud(t, simcloud.Options{File: file, Boot: l.boot}) }
		c := open()
		view := up(t, c, midgard)
		must(t, c.Preempt(view.ID, 30*time.Second))
		must(t, c.NoCapacity(west.ID, true))
		must(t, c.FailNext(midgard.ID, "AllocationFailed", true))
		must(t, c.NoCapacity(west.ID, false))
		token, err := c.Scale(t.Context(), west, 1)
		must(t, err)
		must(t, c.Quota(west.ID, true))
		pass(10 * time.Second) // 25 s of the create and 20 s of the notice are left
		closeCloud(t, c)
		if me := l.next(t); me.vm.ID != view.ID {
			t.Errorf("Boot of %s ended", me.vm.ID)
		}
		pass(time.Hour) // in which nothing happens

		c = open()
		start := time.Now()
		vms := c.Snapshot().VMs
		if len(vms) != 2 || vms[0].ID != view.ID || vms[0].State != simcloud.VMBooting || vms[0].Address != view.Address {
			t.Fatalf("machines %+v; want %s booting again at %s, and another", vms, view.ID, view.Address)
		}
		if want := start.Add(20 * time.Second); vms[0].Notice == nil || !vms[0].Notice.NotBefore.Equal(want) {
			t.Errorf("notice %+v; want not before %v", vms[0].Notice, want)
		}
		for i, p := range c.Snapshot().Placements {
			if p.NoCapacity || p.NoQuota != (i == 1) || (len(p.FailNext) == 1) != (i == 0) {
				t.Errorf("levers of %s: %+v", p.ID, p)
			}
		}
		pass(20*time.Second - 1)
		if count(t, c, midgard) != 1 {
			t.Error("evicted too early")
		}
		pass(1)
		if count(t, c, midgard) != 0 {
			t.Error("the eviction was forgotten")
		}
		pass(5*time.Second - 1)
		if done, err := c.Poll(t.Context(), token); done || err != nil {
			t.Errorf("just before its end: %v, %v", done, err)
		}
		pass(1)
		if done, err := c.Poll(t.Context(), token); !done || err != nil {
			t.Errorf("at its end: %v, %v", done, err)
		}
		pass(time.Minute)
		scale(t, c, west, 0)
		if me := l.next(t); !me.began.Equal(start.Add(70 * time.Second)) {
			t.Errorf("the other machine booted %v after opening; want 70 s", me.began.Sub(start))
		}
		scale(t, c, midgard, 0)
		token, err = c.Scale(t.Context(), midgard, 1)
		must(t, err)
		pass(time.Minute)
		_, err = c.Poll(t.Context(), token)
		wantCloudError(t, err, world.ClassCapacity, "AllocationFailed")
		scale(t, c, midgard, 0)
		if again := up(t, c, world.Placement{ID: midgard.ID}).ID; again == view.ID {
			t.Errorf("name %s was given twice", again)
		}
	})
}

// A clock that starts anew may be behind the one that wrote the file.
func TestFileOfTheFuture(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cloud.json")
	ahead := worldtest.NewClock()
	ahead.Advance(8 * time.Hour)
	for i, clock := range []*worldtest.Clock{ahead, worldtest.NewClock()} {
		c := openCloud(t, simcloud.Options{Clock: clock, File: file})
		if i == 0 {
			_, err := c.Scale(t.Context(), midgard, 1)
			must(t, err)
		} else {
			clock.Advance(34 * time.Second)
			if vm := c.Snapshot().VMs[0]; vm.State != simcloud.VMCreating {
				t.Errorf("%s after 34 s", vm.State)
			}
			clock.Advance(time.Second)
			if vm := c.Snapshot().VMs[0]; vm.State != simcloud.VMBooting || !vm.Since.Equal(clock.Now()) {
				t.Errorf("%s since %v; want booting since now", vm.State, vm.Since)
			}
		}
		closeCloud(t, c)
	}
}

// A frozen machine runs again after the power cut.
func TestFileThaws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "cloud.json")
		c := openCloud(t, simcloud.Options{File: file})
		view := up(t, c, midgard)
		must(t, c.Freeze(view.ID))
		closeCloud(t, c)
		c = openCloud(t, simcloud.Options{File: file})
		pass(45 * time.Second)
		if vm := c.Snapshot().VMs[0]; vm.ID != view.ID || vm.Frozen || vm.State != simcloud.VMRunning {
			t.Errorf("machine %+v; want %s running", vm, view.ID)
		}
	})
}

// Every change is in the file at once, so that an end without Close loses none.
func TestFileWithoutClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := openCloud(t, simcloud.Options{File: filepath.Join(dir, "cloud.json")})
		token, err := c.Scale(t.Context(), midgard, 1)
		must(t, err)
		must(t, c.NoCapacity(west.ID, true))
		copied := filepath.Join(dir, "copy.json")
		body, err := os.ReadFile(filepath.Join(dir, "cloud.json"))
		must(t, err)
		must(t, os.WriteFile(copied, body, 0o600))
		other := openCloud(t, simcloud.Options{File: copied})
		if done, err := other.Poll(t.Context(), token); done || err != nil {
			t.Errorf("Poll after a crash: %v, %v; want under way", done, err)
		}
		if !other.Snapshot().Placements[1].NoCapacity {
			t.Error("a lever was forgotten")
		}
		pass(35 * time.Second)
		if done, err := other.Poll(t.Context(), token); !done || err != nil {
			t.Errorf("Poll at its end: %v, %v; want done", done, err)
		}
	})
}

// What a process was writing when it was killed stays beside the file, and is
// gone with the next write.
func TestFileHalfWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "cloud.json")
		must(t, openCloud(t, simcloud.Options{File: file}).NoCapacity(west.ID, true))
		must(t, os.WriteFile(file+".new", []byte(`{"sch`), 0o600))
		if !openCloud(t, simcloud.Options{File: file}).Snapshot().Placements[1].NoCapacity {
			t.Error("a lever was forgotten")
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("the folder holds %v, %v; want the file alone", entries, err)
		}
	})
}

// What can't be kept is not accepted.
func TestFileCantBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "state")
		must(t, os.Mkdir(dir, 0o700))
		c := openCloud(t, simcloud.Options{File: filepath.Join(dir, "cloud.json")})
		must(t, c.FailNext(midgard.ID, "AllocationFailed", true))
		must(t, os.Rename(dir, dir+".away"))
		token, err := c.Scale(t.Context(), midgard, 1)
		wantCloudError(t, err, world.ClassTransient, "InternalServerError")
		if token != "" || count(t, c, midgard) != 0 {
			t.Error("it was accepted all the same")
		}
		if v := c.Snapshot().Placements[0]; v.Busy || len(v.FailNext) != 1 {
			t.Errorf("placement %+v; want as before", v)
		}
		must(t, os.Rename(dir+".away", dir))
		if _, err = c.Scale(t.Context(), midgard, 1); err != nil {
			t.Errorf("Scale after the folder is back: %v", err)
		}
	})
}

// Scale sets that are no longer named stay in the cloud.
func TestFileKeepsSets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "cloud.json")
		c := openCloud(t, simcloud.Options{File: file})
		up(t, c, midgard)
		closeCloud(t, c)
		c = openCloud(t, simcloud.Options{File: file, Placements: []world.Placement{{ID: "vmss-asgard"}, {ID: west.ID, Region: "northeurope"}}})
		var got []string
		for _, p := range c.Snapshot().Placements {
			got = append(got, p.ID+" "+p.Region+" "+p.Size)
		}
		want := "vmss-asgard  Standard_D2ads_v5, vmss-midgard eastus2 Standard_D2ads_v5, vmss-midgard-west northeurope Standard_D2ds_v5"
		if strings.Join(got, ", ") != want {
			t.Errorf("scale sets %s; want %s", strings.Join(got, ", "), want)
		}
		if count(t, c, midgard) != 1 {
			t.Error("its machine was forgotten")
		}
	})
}

// Files of the form that this version writes and will have to read.
func TestFileGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{File: golden(t, "evening.json")})
		start := time.Now()
		vms := c.Snapshot().VMs
		if len(vms) != 2 || vms[0].ID != "vmss-midgard_0a1b2c3d" || vms[0].Address != "203.0.113.7" ||
			vms[0].Notice == nil || !vms[0].Notice.NotBefore.Equal(start.Add(12*time.Second)) ||
			vms[1].State != simcloud.VMDeleting {
			t.Fatalf("machines %+v; want one with a notice of 12 s, and one being deleted", vms)
		}
		token := "simcloud.2vxs.4.00000000000000ff"
		pass(8*time.Second - 1)
		if done, err := c.Poll(t.Context(), token); done || err != nil {
			t.Errorf("Poll: %v, %v; want under way", done, err)
		}
		pass(1)
		if done, err := c.Poll(t.Context(), token); !done || err != nil {
			t.Errorf("Poll: %v, %v; want done", done, err)
		}
		_, err := c.Poll(t.Context(), "simcloud.2vxs.2.00000000000000aa")
		wantCloudError(t, err, world.ClassCapacity, "ZonalAllocationFailed")
	})
}

// golden is a copy of a golden file.
func golden(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	must(t, err)
	file := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(file, body, 0o600))
	return file
}

func TestFileGarbage(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("testdata", "evening.json"))
	must(t, err)
	good := string(body)
	for _, tc := range []struct{ name, old, now, want string }{
		{"empty", good, "", "EOF"},
		{"cut off", "}\n", "", "unexpected EOF"},
		{"not JSON", good, "hearth!", "invalid character"},
		{"something after it", good, good + good, "text after"},
		{"unknown field", `"serial"`, `"cereal"`, `unknown field "cereal"`},
		{"another schema", `"schema": 1`, `"schema": 2`, "schema 2, this version knows 1"},
		{"no born", `"2vxs"`, `""`, "born is missing"},
		{"a time that never was", `"saved": "2026`, `"saved": "0026`, "saved is"},
		{"gone never", `"saved":`, `"gone": [{"id": "x", "created": "2026-09-12T19:00:00Z", "gone": "9026-09-12T20:00:22Z"}], "saved":`, "gone is"},
		{"leftover without name", `"saved":`, `"leftovers": [{"kind": "nic", "name": ""}], "saved":`, "no kind or no name"},
		{"leftover of no kind", `"saved":`, `"leftovers": [{"kind": "bucket", "name": "x"}], "saved":`, "no kind or no name"},
		{"null leftover", `"saved":`, `"leftovers": [null], "saved":`, "no kind or no name"},
		{"leftover twice", `"saved":`, `"leftovers": [{"kind": "nic", "name": "x"}, {"kind": "nic", "name": "x"}], "saved":`, "out of order"},
		{"leftover is a machine", `"saved":`, `"leftovers": [{"kind": "machine", "name": "vmss-midgard_0a1b2c3d"}], "saved":`, "is a machine's"},
		{"leftover goes never", `"saved":`, `"leftovers": [{"kind": "nic", "name": "x", "gone_at": "9026-09-12T20:00:22Z"}], "saved":`, "gone_at is"},
		{"set without id", `"id": "vmss-midgard",`, `"id": "",`, "has no id"},
		{"null set", `"sets": [`, `"sets": [null,`, "has no id"},
		{"sets out of order", `"id": "vmss-midgard-west"`, `"id": "vmss"`, "out of order"},
		{"capacity", `"capacity": 1,`, `"capacity": 2,`, "capacity not 0 or 1"},
		{"code", `"AllocationFailed"`, `"Oops"`, `unknown code "Oops"`},
		{"code of an operation", `"ZonalAllocationFailed"`, `"Oops"`, `unknown code "Oops"`},
		{"operation without token", `"simcloud.2vxs.2.00000000000000aa"`, `""`, "token is missing"},
		{"two operations under way", `"done": true`, `"done": false`, "not the last"},
		{"operation without end", `"ends": "2026-09-12T20:00:18Z"`, `"done": false`, "ends is"},
		{"machine without id", `"vmss-midgard_0a1b2c3d"`, `""`, "no id"},
		{"machine's address", `"203.0.113.7"`, `"midgard.example"`, "ParseAddr"},
		{"one address twice", `"203.0.113.9"`, `"203.0.113.7"`, "name or address"},
		{"machine's state", `"running"`, `"flying"`, `unknown state "flying"`},
		{"created by nothing", `"running"`, `"creating"`, "no operation does it"},
		{"deleted by nothing", `"running"`, `"deleting"`, "no operation does it"},
		{"runs at capacity 0", `"capacity": 1,
			"fail_next"`, `"capacity": 0,
			"fail_next"`, "is running and capacity 0"},
		{"notice without id", `"4E55-NOTICE"`, `""`, "notice without id"},
		{"notice of no kind", `"id": "4E55-NOTICE"`, `"id": "4E55-NOTICE", "kind": "Dance"`, "unknown kind"},
		{"pause without end", `"notice": {`, `"paused": "9026-09-12T20:00:22Z", "notice": {`, "paused is"},
		{"notice without time", `"gone_at": "2026`, `"gone_at": "9026`, "gone_at is"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !strings.Contains(good, tc.old) {
				t.Fatalf("the golden file has no %s", tc.old)
			}
			file := filepath.Join(t.TempDir(), "cloud.json")
			bad := strings.Replace(good, tc.old, tc.now, 1)
			if tc.name == "cut off" {
				bad = good[:len(good)/2]
			}
			must(t, os.WriteFile(file, []byte(bad), 0o600))
			c, err := simcloud.New(simcloud.Options{Clock: bubble{}, Placements: []world.Placement{midgard}, File: file})
			if err == nil {
				closeCloud(t, c)
				t.Fatal("opened")
			}
			for _, want := range []string{tc.want, file, "move it away or delete it"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q; want it to say %q", err, want)
				}
			}
			after, err := os.ReadFile(file)
			must(t, err)
			if string(after) != bad {
				t.Error("the file was changed")
			}
		})
	}
}

// FuzzFile holds that any file is refused, or opened as a cloud that works and
// that writes a file which opens again.
func FuzzFile(f *testing.F) {
	body, err := os.ReadFile(filepath.Join("testdata", "evening.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"schema":1,"born":"a","saved":"2026-09-12T20:00:10Z","serial":0,"sets":[]}`))
	f.Add([]byte(`{"schema":1,"born":"a","saved":"2026-09-12T20:00:10Z","serial":0,"leave_behind":true,"sets":[],"leftovers":[{"kind":"disk","name":"a","gone_at":"2026-09-12T20:00:12Z"},{"kind":"nic","name":"a","attached":true}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		clock := worldtest.NewClock()
		file := filepath.Join(t.TempDir(), "cloud.json")
		must(t, os.WriteFile(file, body, 0o600))
		o := simcloud.Options{Clock: clock, Placements: []world.Placement{midgard}, File: file}
		c, err := simcloud.New(o)
		if err != nil {
			if !strings.Contains(err.Error(), "delete") {
				t.Errorf("error %q does not say what to do", err)
			}
			return
		}
		for range 3 {
			clock.Advance(100 * 365 * 24 * time.Hour / 3)
			c.Snapshot()
		}
		for _, p := range c.Snapshot().Placements {
			if p.Busy {
				t.Errorf("an operation on %s never ends", p.ID)
			}
		}
		closeCloud(t, c)
		c, err = simcloud.New(o)
		must(t, err)
		closeCloud(t, c)
	})
}
