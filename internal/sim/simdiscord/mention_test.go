package simdiscord_test

import (
	"slices"
	"testing"

	"hearth/internal/sim/simdiscord"
)

func TestMentions(t *testing.T) {
	w := newWorld(t)
	ana, bo, cleo := w.id("Ana"), w.id("Bo"), w.id("Cleo")
	everyone := []string{ana, bo, cleo}
	for _, tt := range []struct {
		name, content, allowed string
		want                   []string
	}{
		{"nobody named", "hello", "", nil},
		{"default: a user", "<@" + bo + "> <@!" + cleo + ">", "", []string{bo, cleo}},
		{"default: everyone", "@everyone", "", everyone},
		{"default: here", "@here", "", everyone},
		{"default: a role", "<@&" + simdiscord.DefaultKeeperRoleID + ">", "", []string{ana}},
		{"none allowed", "@everyone <@" + bo + ">", `{"parse":[]}`, nil},
		{"as disgo writes none", "@everyone <@" + bo + ">", `{"parse":[],"roles":[],"users":[],"replied_user":false}`, nil},
		{"one allowed", "<@" + bo + "> <@" + cleo + "> @everyone", `{"users":["` + bo + `"]}`, []string{bo}},
		{"allowed but not named", "hello", `{"users":["` + bo + `"]}`, nil},
		{"users allowed", "<@" + bo + "> @everyone", `{"parse":["users"]}`, []string{bo}},
		{"role by id", "<@&" + simdiscord.DefaultKeeperRoleID + ">", `{"roles":["` + simdiscord.DefaultKeeperRoleID + `"]}`, []string{ana}},
		{"in code", "`<@" + bo + ">` ```@everyone```", "", nil},
		{"after a backslash", `\\<@` + bo + ">", "", []string{bo}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.Reset()
			body := `{"content":"` + tt.content + `"}`
			if tt.allowed != "" {
				body = `{"content":"` + tt.content + `","allowed_mentions":` + tt.allowed + `}`
			}
			w.must("POST", messages, body)
			if got := w.Messages()[0].Mentions; !slices.Equal(got, tt.want) {
				t.Errorf("notified %v, want %v", got, tt.want)
			}
		})
	}
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
