package storage_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"

	"hearth/internal/azure/account/accounttest"
	"hearth/internal/world"
)

// The Functions host makes the poison queue when it needs one.
func TestPoisonQueueThatIsNotThere(t *testing.T) {
	q := openOn(t, nil).Queue(world.PoisonQueue("nothing-yet"))
	ms, err := q.Receive(t.Context(), 16, time.Minute)
	if err != nil || len(ms) != 0 {
		t.Errorf("Receive = %v, %v; want no messages", ms, err)
	}
}

// What others sent is handed on as it stands, and holds up nothing.
func TestForeignMessages(t *testing.T) {
	name := newQueue(t)
	raw := rawQueue(t, name)
	long := strings.Repeat("{", 60_000)
	texts := []string{`{"type":"bot.timer"}`, "Skål!", long, base64.StdEncoding.EncodeToString([]byte("ours"))}
	for _, text := range texts {
		if _, err := raw.EnqueueMessage(t.Context(), text, nil); err != nil {
			t.Fatal(err)
		}
	}
	ms, err := openOn(t, nil).Queue(name).Receive(t.Context(), 32, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range ms {
		got = append(got, string(m.Body))
	}
	for _, want := range []string{texts[0], texts[1], long[:world.MaxMessageBytes], "ours"} {
		found := false
		for _, body := range got {
			found = found || body == want
		}
		if !found {
			t.Errorf("no message %.40q among %.200q", want, got)
		}
	}
	if len(ms) != len(texts) {
		t.Errorf("%d messages, want %d", len(ms), len(texts))
	}
}

// What goes over the wire: base64, which the Functions host decodes; whole
// seconds, rounded up; a message that never expires.
func TestMessageOnTheWire(t *testing.T) {
	name := newQueue(t)
	way := accounttest.New(nil)
	q := openOn(t, way).Queue(name)
	body := []byte("Skål <&> \x00")
	if err := q.Send(t.Context(), body, 0); err != nil {
		t.Fatal(err)
	}
	if err := q.Send(t.Context(), body, 1001*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Receive(t.Context(), 7, time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	sent := way.Sent()
	for i, want := range []map[string]string{
		{"messagettl": "-1", "visibilitytimeout": "0"},
		{"messagettl": "-1", "visibilitytimeout": "2"},
		{"numofmessages": "7", "visibilitytimeout": "1"},
	} {
		for k, v := range want {
			if got := sent[i].URL.Query().Get(k); got != v {
				t.Errorf("request %d: %s = %q, want %q", i, k, got, v)
			}
		}
	}
	pass(t, 1200*time.Millisecond)
	many := int32(32)
	got, err := rawQueue(t, name).DequeueMessages(t.Context(), &azqueue.DequeueMessagesOptions{NumberOfMessages: &many})
	if err != nil || len(got.Messages) == 0 {
		t.Fatalf("DequeueMessages = %d messages, %v", len(got.Messages), err)
	}
	text := *got.Messages[0].MessageText
	if decoded, err := base64.StdEncoding.DecodeString(text); err != nil || !bytes.Equal(decoded, body) {
		t.Errorf("text = %q, want %q as base64", text, body)
	}
}

func TestProvision(t *testing.T) {
	s := openOn(t, nil)
	for _, table := range []string{"worlds", "archive"} {
		if _, err := rawTable(t, table).Delete(t.Context(), nil); err != nil {
			t.Logf("delete table %s: %v", table, err) // it need not be there
		}
	}
	for range 2 { // what is there already is fine
		if err := s.Provision(t.Context(), []string{"midgard", "asgard"}); err != nil {
			t.Fatalf("Provision: %v", err)
		}
	}
	for _, name := range []string{world.EventsQueue, world.OrdersQueue("midgard"), world.OrdersQueue("asgard")} {
		if err := s.Queue(name).Send(t.Context(), []byte("x"), 0); err != nil {
			t.Errorf("Send: %v", err)
		}
	}
	row := world.Row{Key: world.Key{Guild: "1", World: "midgard"}, State: world.NewState("midgard")}
	if _, err := s.Store().Insert(t.Context(), row); err != nil {
		t.Errorf("Insert: %v", err)
	}
	if _, err := s.Archive().Keep(t.Context(), "x", nil); err != nil {
		t.Errorf("Keep: %v", err)
	}
	if err := s.Provision(t.Context(), []string{"Midgard/.."}); err == nil || !strings.Contains(err.Error(), "Midgard/..") {
		t.Errorf("Provision of a world with a bad id = %v, want an error that names it", err)
	}
}
