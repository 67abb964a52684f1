package worldtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"hearth/internal/world"
)

// MetadataUnderTest is an implementation of world.Metadata on a machine that is
// on and has no notice, and the hands that the suite needs on the cloud behind
// it. Every field is required.
type MetadataUnderTest struct {
	Metadata world.Metadata
	// Name and Size are the machine's.
	Name, Size string
	// Announce makes the cloud give the machine notice of a kind. in is when
	// it is carried out; 0: it has started by the time that it is told.
	Announce func(t *testing.T, kind string, in time.Duration)
	// AnnounceOther does so to another machine, whose events this one gets to
	// see.
	AnnounceOther func(t *testing.T, kind string, in time.Duration)
	// PowerOff ends the machine.
	PowerOff func(t *testing.T)
	// Wait lets d pass in the cloud, and Now is its time.
	Wait func(t *testing.T, d time.Duration)
	Now  func() time.Time
}

// Metadata runs the contract of world.Metadata. open gives a new machine to each
// case; it cleans up by t.Cleanup.
func Metadata(t *testing.T, open func(t *testing.T) MetadataUnderTest) {
	t.Helper()
	for _, tc := range []struct {
		name string
		run  func(t *testing.T, u MetadataUnderTest)
	}{
		{"machine keeps its name", metadataMachine},
		{"each kind is told", func(t *testing.T, u MetadataUnderTest) { metadataKinds(t, u, open) }},
		{"notice tells when it begins", metadataNotBefore},
		{"notice keeps its id", metadataID},
		{"notice of another machine is not told", metadataOther},
		{"sudden notice has started", metadataSudden},
		{"acknowledged notice has started", metadataAcknowledged},
		{"unknown id starts nothing", metadataUnknown},
		{"notice that is over leaves the list", metadataOver},
		{"machine that is off gives an error", metadataOff},
		{"canceled context is honored", metadataCanceled},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, open(t)) })
	}
}

func metadataMachine(t *testing.T, u MetadataUnderTest) {
	for range 2 {
		m, err := u.Metadata.Machine(t.Context())
		if err != nil {
			t.Fatalf("Machine: %v", err)
		}
		if m.Name != u.Name || m.Size != u.Size {
			t.Errorf("Machine = %+v, want name %q and size %q", m, u.Name, u.Size)
		}
		u.Wait(t, time.Minute)
	}
}

func metadataKinds(t *testing.T, u MetadataUnderTest, open func(t *testing.T) MetadataUnderTest) {
	for i, kind := range []string{"Preempt", "Terminate", "Reboot", "Redeploy", "Freeze"} {
		if i > 0 {
			u = open(t)
		}
		wantNone(t, u)
		u.Announce(t, kind, 20*time.Second)
		if n := onlyNotice(t, u); n.Kind != kind || n.ID == "" {
			t.Errorf("notice = %+v, want kind %s and an id", n, kind)
		}
	}
}

func metadataNotBefore(t *testing.T, u MetadataUnderTest) {
	want := u.Now().Add(15 * time.Minute)
	u.Announce(t, "Reboot", 15*time.Minute)
	for range 2 {
		n := onlyNotice(t, u)
		if early := want.Sub(n.NotBefore); early < 0 || early >= time.Second {
			t.Errorf("NotBefore = %v, want %v or the second before it", n.NotBefore, want)
		}
		if n.Started {
			t.Errorf("notice = %+v, want one that has not started", n)
		}
		u.Wait(t, 5*time.Minute)
	}
}

func metadataID(t *testing.T, u MetadataUnderTest) {
	u.Announce(t, "Reboot", 15*time.Minute)
	first := onlyNotice(t, u)
	u.Wait(t, time.Minute)
	if n := onlyNotice(t, u); n.ID != first.ID {
		t.Errorf("id = %q a minute later, want still %q", n.ID, first.ID)
	}
	if err := u.Metadata.Acknowledge(t.Context(), first.ID); err != nil {
		t.Fatalf("Acknowledge by the first id: %v", err)
	}
	if n := onlyNotice(t, u); n.ID != first.ID {
		t.Errorf("id = %q once acknowledged, want still %q", n.ID, first.ID)
	}
}

func metadataOther(t *testing.T, u MetadataUnderTest) {
	u.AnnounceOther(t, "Preempt", 30*time.Second)
	wantNone(t, u)
	u.Announce(t, "Reboot", 15*time.Minute)
	if n := onlyNotice(t, u); n.Kind != "Reboot" {
		t.Errorf("notice = %+v, want this machine's own", n)
	}
}

func metadataSudden(t *testing.T, u MetadataUnderTest) {
	u.Announce(t, "Reboot", 0)
	if n := onlyNotice(t, u); !n.Started || !n.NotBefore.IsZero() || n.Kind != "Reboot" {
		t.Errorf("notice = %+v, want a Reboot that has started, with no time", n)
	}
}

func metadataAcknowledged(t *testing.T, u MetadataUnderTest) {
	u.Announce(t, "Preempt", 30*time.Second)
	n := onlyNotice(t, u)
	for range 2 {
		if err := u.Metadata.Acknowledge(t.Context(), n.ID); err != nil {
			t.Fatalf("Acknowledge: %v", err)
		}
		if n := onlyNotice(t, u); !n.Started || !n.NotBefore.IsZero() {
			t.Errorf("notice = %+v, want it started, with no time", n)
		}
	}
	u.Wait(t, 30*time.Second)
	if list, err := u.Metadata.Notices(t.Context()); err == nil {
		t.Errorf("Notices after the Preempt = %+v, want an error: the machine is gone", list)
	}
}

func metadataUnknown(t *testing.T, u MetadataUnderTest) {
	const unknown = "00000000-0000-0000-0000-000000000000"
	if err := u.Metadata.Acknowledge(t.Context(), unknown); err == nil {
		t.Error("Acknowledge with no notice at all: want an error")
	}
	u.Announce(t, "Preempt", 30*time.Second)
	before := onlyNotice(t, u)
	if err := u.Metadata.Acknowledge(t.Context(), unknown); err == nil {
		t.Error("Acknowledge of another id: want an error")
	}
	if n := onlyNotice(t, u); n != before {
		t.Errorf("notice = %+v, want %+v as before", n, before)
	}
}

func metadataOver(t *testing.T, u MetadataUnderTest) {
	u.Announce(t, "Freeze", 15*time.Minute)
	onlyNotice(t, u)
	u.Wait(t, 2*time.Hour)
	wantNone(t, u)
}

func metadataOff(t *testing.T, u MetadataUnderTest) {
	u.Announce(t, "Preempt", 30*time.Second)
	id := onlyNotice(t, u).ID
	if _, err := u.Metadata.Machine(t.Context()); err != nil {
		t.Fatalf("Machine: %v", err)
	}
	u.PowerOff(t)
	if m, err := u.Metadata.Machine(t.Context()); err == nil {
		t.Errorf("Machine = %+v, want an error", m)
	}
	if list, err := u.Metadata.Notices(t.Context()); err == nil {
		t.Errorf("Notices = %+v, want an error", list)
	}
	if err := u.Metadata.Acknowledge(t.Context(), id); err == nil {
		t.Error("Acknowledge: want an error")
	}
}

func metadataCanceled(t *testing.T, u MetadataUnderTest) {
	u.Announce(t, "Preempt", 30*time.Second)
	before := onlyNotice(t, u)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := u.Metadata.Machine(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Machine = %v, want context.Canceled", err)
	}
	if _, err := u.Metadata.Notices(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Notices = %v, want context.Canceled", err)
	}
	if err := u.Metadata.Acknowledge(ctx, before.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("Acknowledge = %v, want context.Canceled", err)
	}
	if n := onlyNotice(t, u); n != before {
		t.Errorf("notice = %+v, want %+v as before", n, before)
	}
}

func wantNone(t *testing.T, u MetadataUnderTest) {
	t.Helper()
	list, err := u.Metadata.Notices(t.Context())
	if err != nil {
		t.Fatalf("Notices: %v", err)
	}
	if len(list) != 0 {
		t.Errorf("Notices = %+v, want none", list)
	}
}

func onlyNotice(t *testing.T, u MetadataUnderTest) world.Notice {
	t.Helper()
	list, err := u.Metadata.Notices(t.Context())
	if err != nil {
		t.Fatalf("Notices: %v", err)
	}
	if len(list) != 1 {
		t.Fatalf("Notices = %+v, want one", list)
	}
	return list[0]
}
