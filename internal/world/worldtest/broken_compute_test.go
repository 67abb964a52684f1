package worldtest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// oddCompute does what its functions say, and what its Compute does where it
// has none. The suite calls it from one goroutine.
type oddCompute struct {
	world.Compute
	scale     func(ctx context.Context, p world.Placement, capacity int) (string, error)
	poll      func(ctx context.Context, token string) (bool, error)
	instances func(ctx context.Context, p world.Placement) ([]world.Instance, error)
}

func (c oddCompute) Scale(ctx context.Context, p world.Placement, capacity int) (string, error) {
	if c.scale == nil {
		return c.Compute.Scale(ctx, p, capacity)
	}
	return c.scale(ctx, p, capacity)
}

func (c oddCompute) Poll(ctx context.Context, token string) (bool, error) {
	if c.poll == nil {
		return c.Compute.Poll(ctx, token)
	}
	return c.poll(ctx, token)
}

func (c oddCompute) Instances(ctx context.Context, p world.Placement) ([]world.Instance, error) {
	if c.instances == nil {
		return c.Compute.Instances(ctx, p)
	}
	return c.instances(ctx, p)
}

// cloudUnderTest is a pretend cloud. It stays when it is reopened: that it comes
// back from its file is seen in its own tests, and files cost time.
func cloudUnderTest(t *testing.T) worldtest.ComputeUnderTest {
	clock := worldtest.NewClock()
	place := world.Placement{ID: "vmss-midgard"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := simcloud.New(simcloud.Options{Clock: clock, Placements: []world.Placement{place}})
	must(err)
	t.Cleanup(func() { must(c.Close(context.Background())) })
	return worldtest.ComputeUnderTest{
		Compute: c, Placement: place, Missing: world.Placement{ID: "vmss-utgard"},
		Reopen:   func(*testing.T) world.Compute { return c },
		Wait:     func(_ *testing.T, d time.Duration) { clock.Advance(d) },
		Vanish:   func(_ *testing.T, id string) { must(c.Vanish(id)) },
		Refuse:   func(_ *testing.T, code string, async bool) { must(c.FailNext(place.ID, code, async)) },
		FailCall: func(*testing.T) { c.FailCalls(1) },
	}
}

// cloudError gives the error another class and code, if it is one of the
// cloud's.
func cloudError(err error, class world.CloudClass, code string) error {
	if ce, ok := errors.AsType[*world.CloudError](err); ok {
		return &world.CloudError{Class: class, Code: code, Message: ce.Message}
	}
	return err
}

func classOf(err error) world.CloudClass {
	if ce, ok := errors.AsType[*world.CloudError](err); ok {
		return ce.Class
	}
	return ""
}

func brokenComputes() []brokenCopy {
	// Spoils the first Compute and the one in another process alike; elsewhere
	// says which.
	odd := func(name, fails string, spoil func(u worldtest.ComputeUnderTest, c world.Compute, elsewhere bool) oddCompute) brokenCopy {
		return brokenCopy{name, fails, func(t *testing.T) {
			worldtest.Compute(t, func(t *testing.T) worldtest.ComputeUnderTest {
				u := cloudUnderTest(t)
				whole := u
				wrap := func(c world.Compute, elsewhere bool) world.Compute {
					o := spoil(whole, c, elsewhere)
					o.Compute = c
					return o
				}
				u.Compute = wrap(whole.Compute, false)
				u.Reopen = func(t *testing.T) world.Compute { return wrap(whole.Reopen(t), true) }
				return u
			})
		}}
	}
	type under = worldtest.ComputeUnderTest
	return []brokenCopy{
		odd(honest, "", func(under, world.Compute, bool) oddCompute { return oddCompute{} }),
		odd("never scales down", "up and down", func(_ under, c world.Compute, _ bool) oddCompute {
			return oddCompute{scale: func(ctx context.Context, p world.Placement, capacity int) (string, error) {
				if in, err := c.Instances(ctx, p); err == nil && len(in) > 0 {
					capacity = 1
				}
				return c.Scale(ctx, p, capacity)
			}}
		}),
		odd("forgets an operation that has ended", "an ended operation answers the same again", func(_ under, c world.Compute, _ bool) oddCompute {
			ended := map[string]bool{}
			return oddCompute{poll: func(ctx context.Context, token string) (bool, error) {
				if ended[token] {
					return false, &world.CloudError{Class: world.ClassTransient, Code: "OperationNotFound", Message: "it has ended"}
				}
				done, err := c.Poll(ctx, token)
				ended[token] = done || err != nil
				return done, err
			}}
		}),
		odd("knows its own tokens only", "token in another process", func(_ under, _ world.Compute, elsewhere bool) oddCompute {
			if !elsewhere {
				return oddCompute{}
			}
			return oddCompute{poll: func(context.Context, string) (bool, error) {
				return false, &world.CloudError{Class: world.ClassConfig, Code: "OperationNotFound", Message: "not begun here"}
			}}
		}),
		odd("ends with its caller", "operation outlives its caller", func(_ under, c world.Compute, _ bool) oddCompute {
			callers := map[string]context.Context{}
			return oddCompute{scale: func(ctx context.Context, p world.Placement, capacity int) (string, error) {
				token, err := c.Scale(ctx, p, capacity)
				callers[token] = ctx
				return token, err
			}, poll: func(ctx context.Context, token string) (bool, error) {
				if caller := callers[token]; caller != nil && caller.Err() != nil {
					return false, &world.CloudError{Class: world.ClassTransient, Code: "OperationCanceled", Message: caller.Err().Error()}
				}
				return c.Poll(ctx, token)
			}}
		}),
		odd("takes a second wish for the first", "wish changed under way is busy", func(_ under, c world.Compute, _ bool) oddCompute {
			running := ""
			return oddCompute{scale: func(ctx context.Context, p world.Placement, capacity int) (string, error) {
				token, err := c.Scale(ctx, p, capacity)
				if classOf(err) == world.ClassBusy {
					return running, nil
				}
				running = token
				return token, err
			}}
		}),
		odd("has no operation where nothing changes", "same capacity again", func(_ under, c world.Compute, _ bool) oddCompute {
			return oddCompute{scale: func(ctx context.Context, p world.Placement, capacity int) (string, error) {
				if in, err := c.Instances(ctx, p); err == nil && len(in) == 1 && capacity == 1 {
					return "", nil
				}
				return c.Scale(ctx, p, capacity)
			}}
		}),
		odd("takes a quota for a lack of capacity", "refused at once", func(_ under, c world.Compute, _ bool) oddCompute {
			return oddCompute{scale: func(ctx context.Context, p world.Placement, capacity int) (string, error) {
				token, err := c.Scale(ctx, p, capacity)
				if classOf(err) == world.ClassQuota {
					err = cloudError(err, world.ClassCapacity, "OperationNotAllowed")
				}
				return token, err
			}}
		}),
		odd("tells the outer code", "failed under way", func(_ under, c world.Compute, _ bool) oddCompute {
			return oddCompute{poll: func(ctx context.Context, token string) (bool, error) {
				done, err := c.Poll(ctx, token)
				return done, cloudError(err, classOf(err), "ResourceDeploymentFailure")
			}}
		}),
		odd("tells another process less", "failed under way, seen from another process", func(_ under, c world.Compute, elsewhere bool) oddCompute {
			if !elsewhere {
				return oddCompute{}
			}
			return oddCompute{poll: func(ctx context.Context, token string) (bool, error) {
				done, err := c.Poll(ctx, token)
				return done, cloudError(err, world.ClassTransient, "Unknown")
			}}
		}),
		odd("has no machines where there is no scale set", "missing placement", func(_ under, c world.Compute, _ bool) oddCompute {
			return oddCompute{instances: func(ctx context.Context, p world.Placement) ([]world.Instance, error) {
				in, err := c.Instances(ctx, p)
				if classOf(err) == world.ClassConfig {
					return nil, nil
				}
				return in, err
			}}
		}),
		odd("takes what it does not know for done", "unknown token", func(_ under, c world.Compute, _ bool) oddCompute {
			known := map[string]bool{}
			return oddCompute{scale: func(ctx context.Context, p world.Placement, capacity int) (string, error) {
				token, err := c.Scale(ctx, p, capacity)
				known[token] = err == nil
				return token, err
			}, poll: func(ctx context.Context, token string) (bool, error) {
				done, err := c.Poll(ctx, token)
				if err != nil && !known[token] {
					return true, nil
				}
				return done, err
			}}
		}),
		odd("sees no machines when it can't see", "passing trouble", func(_ under, c world.Compute, _ bool) oddCompute {
			return oddCompute{instances: func(ctx context.Context, p world.Placement) ([]world.Instance, error) {
				in, err := c.Instances(ctx, p)
				if classOf(err) == world.ClassTransient {
					return nil, nil
				}
				return in, err
			}}
		}),
		odd("goes by what it has seen once", "accepted then gone", func(_ under, c world.Compute, _ bool) oddCompute {
			var seen []world.Instance
			return oddCompute{scale: func(ctx context.Context, p world.Placement, capacity int) (string, error) {
				seen = nil
				return c.Scale(ctx, p, capacity)
			}, instances: func(ctx context.Context, p world.Placement) ([]world.Instance, error) {
				in, err := c.Instances(ctx, p)
				if len(in) > 0 {
					seen = in
				}
				if err != nil {
					return nil, err
				}
				return seen, nil
			}}
		}),
		odd("fails an operation whose machine is gone", "gone while under way", func(u under, c world.Compute, _ bool) oddCompute {
			up := map[string]bool{}
			return oddCompute{scale: func(ctx context.Context, p world.Placement, capacity int) (string, error) {
				token, err := c.Scale(ctx, p, capacity)
				up[token] = capacity == 1
				return token, err
			}, poll: func(ctx context.Context, token string) (bool, error) {
				done, err := c.Poll(ctx, token)
				if in, lerr := c.Instances(ctx, u.Placement); done && up[token] && lerr == nil && len(in) == 0 {
					return false, &world.CloudError{Class: world.ClassTransient, Code: "ResourceNotFound", Message: "the machine is gone"}
				}
				return done, err
			}}
		}),
	}
}
