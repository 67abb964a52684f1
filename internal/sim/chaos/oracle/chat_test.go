package oracle_test

import (
	"bytes"
	"strings"
	"testing"

	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/world/worldtest"
)

func TestSaid(t *testing.T) {
	play(t, []scene{
		{"one nonce, one message", func(_ *testing.T, s *stage) {
			s.post("It burns.", "n1", "m1")
			s.post("Astrid came in.", "n2", "m2")
		}, ""},
		{"one nonce, two messages", func(_ *testing.T, s *stage) {
			s.post("It burns.", "n1", "m1")
			s.post("It burns.", "n1", "m2")
		}, "P3"},
		{"one nonce, posted twice and shown once", func(_ *testing.T, s *stage) {
			s.post("It burns.", "n1", "m1")
			s.post("It burns.", "n1", "m1")
		}, ""},
		{"two nonces, the same words", func(_ *testing.T, s *stage) {
			s.post("It burns.", "n1", "m1")
			s.post("It burns.", "n2", "m2")
		}, ""},
		{"no nonce", func(_ *testing.T, s *stage) {
			s.post("It burns.", "", "m1")
			s.post("It burns.", "", "m2")
		}, ""},
		{"a message that nobody can find", func(_ *testing.T, s *stage) {
			s.post("It burns.", "n1", "m1")
			s.post("It burns.", "n1", "")
		}, ""},
		{"an edit is not said again", func(_ *testing.T, s *stage) {
			s.post("It burns.", "n1", "m1")
			s.Said(oracle.Call{Method: "PATCH", Path: channelPath + "/m1", Body: []byte(`{"content":"It burns.","nonce":"n1"}`), Message: "m2"})
		}, ""},
		{"a secret", func(_ *testing.T, s *stage) {
			s.post("The token is "+oracle.Canary+".", "n1", "m1")
		}, "P23"},
		{"a secret in an answer", func(_ *testing.T, s *stage) {
			s.Said(oracle.Call{Method: "PATCH", Path: answerPath("1"), Body: []byte(`{"content":"` + oracle.Canary + `"}`)})
		}, "P23"},
	})
}

// TestSecretInTheLog: whoever logs it, and whether anybody reads it.
func TestSecretInTheLog(t *testing.T) {
	for _, tt := range []struct {
		name, token string
		want        int
	}{
		{"none", "REDACTED", 0},
		{"one", "xx" + oracle.Canary + "xx", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			for _, o := range []oracle.Options{{Clock: worldtest.NewClock()}, {Clock: worldtest.NewClock(), Log: &out}} {
				w := oracle.New(o)
				w.Log().With("token", tt.token).Info("client made")
				if got := w.Testify().Violations; len(got) != tt.want || len(got) > 0 && got[0].Promise != "P23" {
					t.Errorf("broken: %v, want P23 %d times", got, tt.want)
				}
			}
			if got := out.String(); !strings.Contains(got, "client made") || !strings.HasPrefix(got, "at=-6h0m0s ") {
				t.Errorf("logged %q, want it with the simulation's time, which is before its begin", got)
			}
		})
	}
}

// TestCounts: what people see is counted once, however often it is posted.
func TestCounts(t *testing.T) {
	s := newStage()
	s.accept("start", commandID(0), nil)
	s.post("It burns.", "n1", "m1")
	s.post("It burns.", "n1", "m1")
	s.post("It burns.", "n2", "m2")
	s.Handled(nil)
	s.End(oracle.Scene{Poisoned: 2})
	got := s.Testify().Counts
	got.Add(got)
	if want := (oracle.Counts{Commands: 2, Events: 2, Messages: 4, Poisoned: 4}); got != want {
		t.Errorf("twice the counts: %+v, want %+v", got, want)
	}
}
