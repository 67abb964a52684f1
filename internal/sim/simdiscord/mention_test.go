package simdiscord_test

import (
	"slices"
	"testing"
)

func TestMentions(t *testing.T) {
	w := newWorld(t)
	ana, bo, cleo := w.id("Ana"), w.id("Bo"), w.id("Cleo")
	t.Run("a message notifies whom it may", func(t *testing.T) {
		for _, tt := range []struct {
			allowed string
			want    []string
		}{
			{``, []string{ana, bo, cleo}},
			{`,"allowed_mentions":{"parse":["users"]}`, []string{bo}},
			{`,"allowed_mentions":{"parse":[]}`, nil},
		} {
			w.Reset()
			w.must("POST", messages, `{"content":"@everyone <@`+bo+`>"`+tt.allowed+`}`)
			if got := w.Messages()[0].Mentions; !slices.Equal(got, tt.want) {
				t.Errorf("notified %v, want %v", got, tt.want)
			}
		}
	})
	t.Run("an embed notifies nobody", func(t *testing.T) {
		w.Reset()
		w.must("POST", messages, `{"embeds":[{"description":"<@`+bo+`> @everyone"}]}`)
		if got := w.Messages()[0].Mentions; len(got) != 0 {
			t.Errorf("notified %v", got)
		}
	})
	t.Run("an edit notifies nobody", func(t *testing.T) {
		w.Reset()
		id := w.must("POST", messages, `{"content":"x"}`)
		w.must("PATCH", messages+"/"+id, `{"content":"@everyone"}`)
		if got := w.Messages()[0].Mentions; len(got) != 0 {
			t.Errorf("notified %v", got)
		}
	})
	t.Run("a member may not call everyone", func(t *testing.T) {
		for name, want := range map[string][]string{"Bo": nil, "Ana": {bo, cleo}} {
			m, err := w.Say(w.id(name), channel, "@everyone")
			if err != nil || !slices.Equal(m.Mentions, want) {
				t.Errorf("%s notified %v (%v), want %v", name, m.Mentions, err, want)
			}
		}
	})
}
