package functions_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzEnvelope: nothing that comes ends the process, is answered with what the
// host does not take, or is handled without having been understood.
func FuzzEnvelope(f *testing.F) {
	for _, name := range []string{"http.json", "http_bytes.json", "queue_text.json", "queue_binary.json", "timer.json"} {
		f.Add(golden(f, "envelope/"+name))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := newRig()
		for _, function := range []string{"ask", "take", "tick", "other"} {
			before := len(r.requests) + len(r.messages) + len(r.ticks)
			w := r.invoke(t, function, body)
			handled := len(r.requests) + len(r.messages) + len(r.ticks) - before
			if ok := w.Code == http.StatusOK; ok != (handled == 1) {
				t.Errorf("%s: status %d, handled %d times", function, w.Code, handled)
			}
			if !json.Valid(body) && w.Code == http.StatusOK {
				t.Errorf("%s took what is no JSON", function)
			}
		}
		for _, m := range r.messages {
			if m.DequeueCount < 1 {
				t.Errorf("delivery %d", m.DequeueCount)
			}
		}
	})
}

// FuzzMessage: whichever way the host writes a message, the handler gets its
// bytes; and a message that goes out comes back the same.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{"", "save", "aGk=", `"`, `{"id":"x"}`, "\u2028 ☃ <b>", "\x00\x01"} {
		f.Add(s)
	}
	quoted := func(t *testing.T, s string) string {
		t.Helper()
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := newRig()
		forms := []string{quoted(t, base64.StdEncoding.EncodeToString([]byte(s)))}
		if utf8.ValidString(s) {
			forms = append(forms, quoted(t, quoted(t, s)))
		}
		for _, form := range forms {
			w := r.invoke(t, "take", []byte(`{"Data":{"event":`+form+`},"Metadata":{"DequeueCount":"1"}}`))
			if got := r.messages[len(r.messages)-1].Body; w.Code != http.StatusOK || string(got) != s {
				t.Errorf("%s = %d %q, want %q", form, w.Code, got, s)
			}
		}
		r.response.Enqueue = map[string][]byte{"events": []byte(s)}
		w := r.invoke(t, "ask", golden(t, "envelope/http.json"))
		var answer struct{ Outputs struct{ Events []byte } }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || !bytes.Equal(answer.Outputs.Events, []byte(s)) {
			t.Errorf("enqueued %q of %q, %v", answer.Outputs.Events, s, err)
		}
		if strings.Contains(w.Body.String(), "\n") {
			t.Error("the answer has more than one line")
		}
	})
}
