package worldtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"hearth/internal/world"
)

// ComputeUnderTest is an implementation of world.Compute and the hands that
// the suite needs on the cloud behind it. Every field is required.
type ComputeUnderTest struct {
	Compute world.Compute
	// Placement is a scale set at capacity 0 with no machine.
	Placement world.Placement
	// Missing names no scale set.
	Missing world.Placement
	// Reopen is a Compute on the same cloud that shares nothing with the first
	// in memory, as in another process. The first one is not used after it.
	Reopen func(t *testing.T) world.Compute
	// Wait lets d pass in the cloud.
	Wait func(t *testing.T, d time.Duration)
	// Vanish makes a machine be gone at once.
	Vanish func(t *testing.T, id string)
	// Refuse makes the next Scale of Placement to 1 fail with the cloud's
	// code: at once, or when async, by its operation.
	Refuse func(t *testing.T, code string, async bool)
	// FailCall makes the next call fail for a reason that passes.
	FailCall func(t *testing.T)
}

// Compute runs the contract of world.Compute. open gives a new cloud to each
// case; it cleans up by t.Cleanup.
func Compute(t *testing.T, open func(t *testing.T) ComputeUnderTest) {
	t.Helper()
	for _, tc := range []struct {
		name string
		run  func(t *testing.T, u ComputeUnderTest)
	}{
		{"up and down", computeUpAndDown},
		{"an ended operation answers the same again", computeEndedAgain},
		{"token in another process", computeOtherProcess},
		{"operation outlives its caller", computeOutlives},
		{"wish changed under way is busy", computeBusy},
		{"same capacity again", computeSameAgain},
		{"refused at once", computeRefused},
		{"failed under way", computeFailed},
		{"failed under way, seen from another process", computeFailedElsewhere},
		{"missing placement", computeMissing},
		{"unknown token", computeUnknownToken},
		{"passing trouble", computePassing},
		{"accepted then gone", computeAcceptedThenGone},
		{"gone while under way", computeGoneUnderWay},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, open(t)) })
	}
}

// computeClasses are codes of the cloud and what each asks for.
func computeClasses() map[string]world.CloudClass {
	return map[string]world.CloudClass{
		"SkuNotAvailable":                       world.ClassCapacity,
		"AllocationFailed":                      world.ClassCapacity,
		"ZonalAllocationFailed":                 world.ClassCapacity,
		"OverconstrainedAllocationRequest":      world.ClassCapacity,
		"OverconstrainedZonalAllocationRequest": world.ClassCapacity,
		"OperationNotAllowed":                   world.ClassQuota,
		"SpotPriceGreaterThanProvidedMaxPrice":  world.ClassConfig,
		"LinkedAuthorizationFailed":             world.ClassConfig,
		"InternalServerError":                   world.ClassTransient,
	}
}

func computeUpAndDown(t *testing.T, u ComputeUnderTest) {
	computeWant(t, u, u.Compute, 0)
	computeSettle(t, u, u.Compute, computeScale(t, u, 1))
	in := computeWant(t, u, u.Compute, 1)
	if in[0].ID == "" {
		t.Error("the machine has no ID")
	}
	computeSettle(t, u, u.Compute, computeScale(t, u, 0))
	computeWant(t, u, u.Compute, 0)
}

func computeEndedAgain(t *testing.T, u ComputeUnderTest) {
	token := computeScale(t, u, 1)
	computeSettle(t, u, u.Compute, token)
	done, err := u.Compute.Poll(t.Context(), token)
	if err != nil || !done {
		t.Errorf("second Poll of an ended operation: %v, %v; want done again", done, err)
	}
	u.Refuse(t, "AllocationFailed", true)
	computeSettle(t, u, u.Compute, computeScale(t, u, 0))
	token = computeScale(t, u, 1)
	first := computeFailure(t, u, u.Compute, token)
	done, err = u.Compute.Poll(t.Context(), token)
	if again := computeError(t, err); !done || again.Code != first.Code || again.Class != first.Class {
		t.Errorf("second Poll of a failed operation: done %v, %s (%s); want done, %s (%s) again", done, again.Code, again.Class, first.Code, first.Class)
	}
}

func computeOtherProcess(t *testing.T, u ComputeUnderTest) {
	token := computeScale(t, u, 1)
	other := u.Reopen(t)
	if done, err := other.Poll(t.Context(), token); err != nil || done {
		t.Errorf("first Poll elsewhere: %v, %v; want still under way", done, err)
	}
	computeSettle(t, u, other, token)
	computeWant(t, u, other, 1)
}

func computeOutlives(t *testing.T, u ComputeUnderTest) {
	ctx, cancel := context.WithCancel(t.Context())
	token, err := u.Compute.Scale(ctx, u.Placement, 1)
	cancel()
	if err != nil {
		t.Fatalf("Scale: %v", err)
	}
	computeSettle(t, u, u.Compute, token)
	computeWant(t, u, u.Compute, 1)
}

func computeBusy(t *testing.T, u ComputeUnderTest) {
	token := computeScale(t, u, 1)
	_, err := u.Compute.Scale(t.Context(), u.Placement, 0)
	if ce := computeError(t, err); ce.Class != world.ClassBusy || ce.Code == "" {
		t.Fatalf("Scale while another runs: class %q, code %q; want busy with a code", ce.Class, ce.Code)
	}
	computeSettle(t, u, u.Compute, token)
	computeWant(t, u, u.Compute, 1) // the refused wish changed nothing
	computeSettle(t, u, u.Compute, computeScale(t, u, 0))
	computeWant(t, u, u.Compute, 0)
}

func computeSameAgain(t *testing.T, u ComputeUnderTest) {
	computeSettle(t, u, u.Compute, computeScale(t, u, 0))
	computeWant(t, u, u.Compute, 0)
	computeSettle(t, u, u.Compute, computeScale(t, u, 1))
	before := computeWant(t, u, u.Compute, 1)
	token := computeScale(t, u, 1)
	if token == "" {
		t.Error("Scale to the capacity it has: no token")
	}
	computeSettle(t, u, u.Compute, token)
	if after := computeWant(t, u, u.Compute, 1); after[0].ID != before[0].ID {
		t.Errorf("machine %s was replaced by %s", before[0].ID, after[0].ID)
	}
}

func computeRefused(t *testing.T, u ComputeUnderTest) {
	for code, class := range computeClasses() {
		u.Refuse(t, code, false)
		token, err := u.Compute.Scale(t.Context(), u.Placement, 1)
		if ce := computeError(t, err); ce.Code != code || ce.Class != class || ce.Message == "" || token != "" {
			t.Errorf("Scale refused with %s: token %q, class %q, code %q, message %q; want no token, class %q and a message", code, token, ce.Class, ce.Code, ce.Message, class)
		}
		computeWant(t, u, u.Compute, 0)
	}
	// A refusal leaves nothing under way.
	computeSettle(t, u, u.Compute, computeScale(t, u, 1))
	computeWant(t, u, u.Compute, 1)
}

func computeFailed(t *testing.T, u ComputeUnderTest) {
	for code, class := range computeClasses() {
		u.Refuse(t, code, true)
		ce := computeFailure(t, u, u.Compute, computeScale(t, u, 1))
		if ce.Code != code || ce.Class != class || ce.Message == "" {
			t.Errorf("operation failed with %s: class %q, code %q, message %q; want class %q, the innermost code and a message", code, ce.Class, ce.Code, ce.Message, class)
		}
		computeWant(t, u, u.Compute, 0)
		// Capacity may say 1 by now.
		computeSettle(t, u, u.Compute, computeScale(t, u, 0))
	}
	computeSettle(t, u, u.Compute, computeScale(t, u, 1))
	computeWant(t, u, u.Compute, 1)
}

func computeFailedElsewhere(t *testing.T, u ComputeUnderTest) {
	u.Refuse(t, "ZonalAllocationFailed", true)
	token := computeScale(t, u, 1)
	other := u.Reopen(t)
	if ce := computeFailure(t, u, other, token); ce.Code != "ZonalAllocationFailed" || ce.Class != world.ClassCapacity {
		t.Errorf("failure seen elsewhere: class %q, code %q; want capacity, ZonalAllocationFailed", ce.Class, ce.Code)
	}
}

func computeMissing(t *testing.T, u ComputeUnderTest) {
	_, err := u.Compute.Scale(t.Context(), u.Missing, 1)
	if ce := computeError(t, err); ce.Class != world.ClassConfig || ce.Code == "" {
		t.Errorf("Scale: class %q, code %q; want config with a code", ce.Class, ce.Code)
	}
	_, err = u.Compute.Instances(t.Context(), u.Missing)
	if ce := computeError(t, err); ce.Class != world.ClassConfig || ce.Code == "" {
		t.Errorf("Instances: class %q, code %q; want config with a code", ce.Class, ce.Code)
	}
}

func computeUnknownToken(t *testing.T, u ComputeUnderTest) {
	for _, token := range []string{"", "x", "{}", `{"type":"other"}`, "\x00\xff"} {
		done, err := u.Compute.Poll(t.Context(), token)
		ce := computeError(t, err)
		if !done || ce.Code == "" || ce.Message == "" || (ce.Class != world.ClassConfig && ce.Class != world.ClassTransient) {
			t.Errorf("Poll(%q): done %v, class %q, code %q, message %q; want done, and config or transient with code and message", token, done, ce.Class, ce.Code, ce.Message)
		}
	}
}

func computePassing(t *testing.T, u ComputeUnderTest) {
	ctx := t.Context()
	passes := func(call string, err error) {
		t.Helper()
		if ce := computeError(t, err); ce.Class != world.ClassTransient || ce.Code == "" {
			t.Errorf("%s: class %q, code %q; want transient with a code", call, ce.Class, ce.Code)
		}
	}
	u.FailCall(t)
	_, err := u.Compute.Scale(ctx, u.Placement, 1)
	passes("Scale", err)
	token := computeScale(t, u, 1) // not busy: nothing was begun
	u.FailCall(t)
	done, err := u.Compute.Poll(ctx, token)
	passes("Poll", err)
	if done {
		t.Error("a Poll that failed says done")
	}
	computeSettle(t, u, u.Compute, token)
	u.FailCall(t)
	_, err = u.Compute.Instances(ctx, u.Placement)
	passes("Instances", err) // and not an empty list
	computeWant(t, u, u.Compute, 1)
}

func computeAcceptedThenGone(t *testing.T, u ComputeUnderTest) {
	token := computeScale(t, u, 1)
	computeSettle(t, u, u.Compute, token)
	first := computeWant(t, u, u.Compute, 1)[0].ID
	u.Vanish(t, first)
	computeWant(t, u, u.Compute, 0)
	if done, err := u.Compute.Poll(t.Context(), token); err != nil || !done {
		t.Errorf("Poll after the machine has gone: %v, %v; want done as before", done, err)
	}
	// What brings one back whatever capacity says.
	computeSettle(t, u, u.Compute, computeScale(t, u, 0))
	computeWant(t, u, u.Compute, 0)
	computeSettle(t, u, u.Compute, computeScale(t, u, 1))
	if second := computeWant(t, u, u.Compute, 1)[0].ID; second == first {
		t.Errorf("the new machine has the name of the one that is gone, %s", first)
	}
}

func computeGoneUnderWay(t *testing.T, u ComputeUnderTest) {
	token := computeScale(t, u, 1)
	var id string
	for range computePatience {
		in, err := u.Compute.Instances(t.Context(), u.Placement)
		if err != nil {
			t.Fatalf("Instances: %v", err)
		}
		if len(in) > 0 {
			id = in[0].ID
			break
		}
		u.Wait(t, time.Second)
	}
	if id == "" {
		t.Fatal("no machine came")
	}
	u.Vanish(t, id)
	computeSettle(t, u, u.Compute, token) // it was accepted, so it succeeds
	computeWant(t, u, u.Compute, 0)
}

// computePatience is how many seconds an operation may take.
const computePatience = 600

func computeScale(t *testing.T, u ComputeUnderTest, capacity int) string {
	t.Helper()
	token, err := u.Compute.Scale(t.Context(), u.Placement, capacity)
	if err != nil {
		t.Fatalf("Scale to %d: %v", capacity, err)
	}
	return token
}

// computeSettle polls an operation until it is done.
func computeSettle(t *testing.T, u ComputeUnderTest, c world.Compute, token string) {
	t.Helper()
	if err := computePoll(t, u, c, token); err != nil {
		t.Fatalf("Poll: %v", err)
	}
}

// computeFailure polls an operation until it has failed.
func computeFailure(t *testing.T, u ComputeUnderTest, c world.Compute, token string) *world.CloudError {
	t.Helper()
	err := computePoll(t, u, c, token)
	if err == nil {
		t.Fatal("the operation succeeded; want a failure")
	}
	return computeError(t, err)
}

func computePoll(t *testing.T, u ComputeUnderTest, c world.Compute, token string) error {
	t.Helper()
	for range computePatience {
		done, err := c.Poll(t.Context(), token)
		if err != nil && !done {
			t.Fatalf("Poll could not look: %v", err)
		}
		if done {
			return err
		}
		u.Wait(t, time.Second)
	}
	t.Fatalf("the operation is under way after %d s", computePatience)
	return nil
}

// computeWant lists the machines and checks how many there are.
func computeWant(t *testing.T, u ComputeUnderTest, c world.Compute, n int) []world.Instance {
	t.Helper()
	in, err := c.Instances(t.Context(), u.Placement)
	if err != nil {
		t.Fatalf("Instances: %v", err)
	}
	if len(in) != n {
		t.Fatalf("Instances: %v; want %d of them", in, n)
	}
	return in
}

func computeError(t *testing.T, err error) *world.CloudError {
	t.Helper()
	var ce *world.CloudError
	if !errors.As(err, &ce) {
		t.Fatalf("error is %v (%T); want a *world.CloudError", err, err)
	}
	return ce
}
