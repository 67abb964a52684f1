package oracle_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

const (
	midgard = "midgard"
	skew    = time.Second
)

// scene is something that happens, and the promises that it breaks.
type scene struct {
	name string
	play func(t *testing.T, s *stage)
	want string // promises with spaces between; empty: all are kept
}

// play plays each scene before a new witness.
func play(t *testing.T, scenes []scene) {
	t.Helper()
	for _, tt := range scenes {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage()
			tt.play(t, s)
			var got []string
			told := s.Testify().Violations
			for _, v := range told {
				got = append(got, v.Promise)
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("broken: %q, want %q: %v", got, tt.want, told)
			}
		})
	}
}

// stage is a witness and what it is shown.
type stage struct {
	*oracle.Witness
	clock *worldtest.Clock
	state world.State // as last written
}

func newStage() *stage {
	clock := worldtest.NewClock()
	return &stage{
		Witness: oracle.New(oracle.Options{World: midgard, Clock: clock, Skew: skew, KeyOf: func(string) []byte { return []byte("key") }}),
		clock:   clock, state: world.NewState(midgard),
	}
}

// write writes the row as whoever has read it does. A fire that burns after it
// was asked for before.
func (s *stage) write(t *testing.T, change func(*world.State)) {
	t.Helper()
	probe := s.state
	probe.Commands = nil
	if change(&probe); burns(probe.Status) && !burns(s.state.Status) && len(probe.Commands) == 0 {
		s.light(t)
	}
	s.writes(t, change)
}

func burns(st world.Status) bool {
	return st != world.Stopped && st != world.Failed && st != world.Stopping
}

// light lets somebody have lit the fire, long before all commands of a test.
func (s *stage) light(t *testing.T) {
	t.Helper()
	id := commandID(-time.Hour)
	s.command(t, &world.Command{Name: world.CmdStart}, id)
	s.writes(t, func(st *world.State) {
		st.Commands = append(st.Commands, id)
		st.Op.ID, st.Cloud.Want, st.Status = id, 1, world.Starting
	})
}

// command is one that goes into the queue.
func (s *stage) command(t *testing.T, c *world.Command, id string) {
	t.Helper()
	b, err := world.Event{ID: id, Source: world.SourceDiscord, World: midgard, Time: s.clock.Now(), Data: c}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s.Asked(b)
}

// writes writes the row.
func (s *stage) writes(t *testing.T, change func(*world.State)) {
	t.Helper()
	st := s.state
	st.Generation++
	st.Pending, st.Commands = slices.Clone(st.Pending), slices.Clone(st.Commands)
	change(&st)
	s.state = st
	if _, err := s.Write(world.Row{State: st}, func(world.Row) (string, error) { return "etag", nil }); err != nil {
		t.Fatal(err)
	}
}

// hang adds an effect of an event.
func hang(id, event string, e world.Effect) func(*world.State) {
	return func(st *world.State) { st.Pending = append(st.Pending, world.Pending{ID: id, Event: event, Effect: e}) }
}

// drop takes an effect out of the row.
func drop(id string) func(*world.State) {
	return func(st *world.State) {
		st.Pending = slices.DeleteFunc(st.Pending, func(p world.Pending) bool { return p.ID == id })
	}
}

func line(text string) world.Effect {
	return world.Effect{Chat: &world.ChatDo{Kind: world.ChatLine, Say: world.Say{Text: text}}}
}

func answer(command, text string) world.Effect {
	return world.Effect{Chat: &world.ChatDo{Kind: world.ChatAnswer, Say: world.Say{Text: text}, Key: "answer:" + command}}
}

// commandID is the snowflake of what was made so long after noon. It tells the
// time to the millisecond; microseconds make it another's.
func commandID(after time.Duration) string {
	const epochMillis = 1420070400000
	millis := worldtest.NewClock().Now().Add(after).UnixMilli() - epochMillis
	return fmt.Sprint(millis<<22 + int64(after%time.Millisecond/time.Microsecond))
}

// accept lets Discord show a command as accepted, and a second pass; thinking is
// the message that is to become its answer.
func (s *stage) accept(name world.CommandName, id string, thinking *simdiscord.Message) {
	s.Accepted(simdiscord.Request{Kind: simdiscord.KindCommand, Command: string(name)},
		simdiscord.Outcome{ID: id, State: simdiscord.StateDone, Type: 5, Message: thinking})
	s.clock.Advance(time.Second)
}

// answerPath is where the answer to an interaction goes.
func answerPath(id string) string {
	token := base64.RawURLEncoding.EncodeToString([]byte("interaction:" + id + ":sealed"))
	return simdiscord.APIPrefix + "/webhooks/" + simdiscord.DefaultApplicationID + "/" + token + "/messages/@original"
}

const channelPath = simdiscord.APIPrefix + "/channels/" + simdiscord.DefaultChannelID + "/messages"

// post posts a text in the channel, which becomes a message.
func (s *stage) post(text, nonce, message string) {
	s.Said(oracle.Call{Method: "POST", Path: channelPath, Body: fmt.Appendf(nil, `{"content":%q,"nonce":%q}`, text, nonce), Message: message})
}

// TestRefusedWrite: what the store refuses did not happen.
func TestRefusedWrite(t *testing.T) {
	s := newStage()
	refused := errors.New("refused")
	for range 2 {
		if _, err := s.Write(world.Row{State: world.State{Generation: 1}}, func(world.Row) (string, error) { return "", refused }); !errors.Is(err, refused) {
			t.Errorf("the error is %v, want %v", err, refused)
		}
	}
	s.write(t, func(*world.State) {})
	if got := s.Testify(); len(got.Violations) > 0 || got.Counts.Writes != 1 {
		t.Errorf("%d writes and %v, want one and nothing broken", got.Counts.Writes, got.Violations)
	}
}

// TestViolationsAreBounded: of one seed the first are kept.
func TestViolationsAreBounded(t *testing.T) {
	s := newStage()
	for range oracle.MaxViolations + 3 {
		s.write(t, func(st *world.State) { st.Generation++ })
	}
	got := s.Testify().Violations
	if len(got) != oracle.MaxViolations {
		t.Fatalf("%d are kept, want %d", len(got), oracle.MaxViolations)
	}
	if want := "a write made generation 2 of 0: an update is lost"; got[0].What != want {
		t.Errorf("the first is %q, want %q", got[0].What, want)
	}
}
