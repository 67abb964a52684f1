package simcloud_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// bubble is the clock of the testing/synctest bubble it is used in.
type bubble struct{}

func (bubble) Now() time.Time                         { return time.Now() }
func (bubble) After(d time.Duration) <-chan time.Time { return time.After(d) }

// pass lets time pass in the bubble.
func pass(d time.Duration) { <-time.After(d) }

var (
	midgard = world.Placement{ID: "vmss-midgard", Region: "eastus2"}
	west    = world.Placement{ID: "vmss-midgard-west", Size: "Standard_D2ds_v5", Region: "westus2"}
)

// life is what the programs on one machine saw.
type life struct {
	vm    *simcloud.VM
	began time.Time
	ended time.Time
	cause error
}

// lives collects them. Its Boot returns when its machine ends.
type lives struct {
	ch  chan *life
	mu  sync.Mutex // guards what follows
	vms map[string]*simcloud.VM
}

func newLives() *lives {
	return &lives{ch: make(chan *life, 64), vms: map[string]*simcloud.VM{}}
}

// vm is a machine as the programs on it see it.
func (l *lives) vm(t *testing.T, id string) *simcloud.VM {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	vm := l.vms[id]
	if vm == nil {
		t.Fatalf("nothing runs on %s", id)
	}
	return vm
}

func (l *lives) boot(ctx context.Context, vm *simcloud.VM) {
	l.mu.Lock()
	l.vms[vm.ID] = vm
	l.mu.Unlock()
	me := &life{vm: vm, began: time.Now()}
	<-ctx.Done()
	me.ended, me.cause = time.Now(), context.Cause(ctx)
	l.ch <- me
}

func (l *lives) next(t *testing.T) *life {
	t.Helper()
	select {
	case me := <-l.ch:
		return me
	case <-time.After(time.Second):
		t.Fatal("no machine's Boot has ended")
		return nil
	}
}

func openCloud(t *testing.T, o simcloud.Options) *simcloud.Cloud {
	t.Helper()
	if o.Clock == nil {
		o.Clock = bubble{}
	}
	if o.Placements == nil {
		o.Placements = []world.Placement{midgard, west}
	}
	c, err := simcloud.New(o)
	must(t, err)
	t.Cleanup(func() { closeCloud(t, c) })
	return c
}

func closeCloud(t *testing.T, c *simcloud.Cloud) {
	t.Helper()
	if err := c.Close(context.Background()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// up scales a placement to 1 and waits until its machine runs.
func up(t *testing.T, c *simcloud.Cloud, p world.Placement) simcloud.VMView {
	t.Helper()
	scale(t, c, p, 1)
	for range 600 {
		pass(time.Second)
		for _, vm := range c.Snapshot().VMs {
			if vm.Placement == p.ID && vm.State == simcloud.VMRunning {
				synctest.Wait() // until its Boot has begun
				return vm
			}
		}
	}
	t.Fatalf("no machine runs at %s", p.ID)
	return simcloud.VMView{}
}

// scale begins an operation and waits until it is done.
func scale(t *testing.T, c *simcloud.Cloud, p world.Placement, capacity int) {
	t.Helper()
	token, err := c.Scale(t.Context(), p, capacity)
	must(t, err)
	for range 600 {
		done, err := c.Poll(t.Context(), token)
		must(t, err)
		if done {
			return
		}
		pass(time.Second)
	}
	t.Fatalf("scale of %s to %d does not end", p.ID, capacity)
}

func count(t *testing.T, c *simcloud.Cloud, p world.Placement) int {
	t.Helper()
	in, err := c.Instances(t.Context(), p)
	must(t, err)
	return len(in)
}

func wantCloudError(t *testing.T, err error, class world.CloudClass, code string) {
	t.Helper()
	var ce *world.CloudError
	if !errors.As(err, &ce) {
		t.Fatalf("error is %v; want a *world.CloudError", err)
	}
	if ce.Class != class || ce.Code != code {
		t.Errorf("class %q, code %q; want %q, %q", ce.Class, ce.Code, class, code)
	}
}
