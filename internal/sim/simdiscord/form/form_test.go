package form_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hearth/internal/sim/simdiscord/form"
)

func repeat(n int, f func(i int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = f(i)
	}
	return strings.Join(parts, ",")
}

func chars(n int) string { return strings.Repeat("é", n) }

func button(i int) string {
	return fmt.Sprintf(`{"type":2,"style":1,"label":"b","custom_id":"b%d"}`, i)
}

func row(buttons string) string {
	return `{"content":"x","components":[{"type":1,"components":[` + buttons + `]}]}`
}

func embed(e string) string { return `{"embeds":[` + e + `]}` }

// firstError is the code of the first problem at a path of the errors tree.
func firstError(t *testing.T, p *form.Problems, path string) string {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var at map[string]any
	if err := json.Unmarshal(b, &at); err != nil {
		t.Fatal(err)
	}
	for key := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '.' }) {
		at, _ = at[key].(map[string]any)
	}
	list, _ := at["_errors"].([]any)
	if len(list) == 0 {
		return ""
	}
	first, _ := list[0].(map[string]any)
	code, _ := first["code"].(string)
	return code
}

// checkFirst wants this code as the first problem at the path, or, if code is
// empty, no error.
func checkFirst(t *testing.T, err error, path, code string) {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	p, ok := errors.AsType[*form.Problems](err)
	if !ok {
		t.Fatalf("error %v, want problems with %s at %q", err, code, path)
	}
	if got := firstError(t, p, path); got != code {
		t.Errorf("at %q: %q, want %q in %v", path, got, code, err)
	}
}

func TestMessageForm(t *testing.T) {
	url := `{"type":2,"style":5,"label":"b","url":"https://example.org"}`
	for _, tt := range []struct {
		name, body string
		path, code string // of the first error; empty: accepted
	}{
		{"2000 characters", `{"content":"` + chars(2000) + `"}`, "", ""},
		{"2001 characters", `{"content":"` + chars(2001) + `"}`, "content", "BASE_TYPE_MAX_LENGTH"},
		{"no object", `[]`, "", "DICT_TYPE_CONVERT"},
		{"unknown field", `{"contnet":"x"}`, "contnet", "UNKNOWN_FIELD"},
		{"unknown field in an embed", embed(`{"titel":"x","title":"x"}`), "embeds.0.titel", "UNKNOWN_FIELD"},
		{"content is a number", `{"content":1}`, "content", "STRING_TYPE_CONVERT"},
		{"nonce of 26", `{"content":"x","nonce":"` + strings.Repeat("n", 26) + `"}`, "nonce", "BASE_TYPE_MAX_LENGTH"},
		{"components v2", `{"flags":32768,"components":[]}`, "flags", "NOT_PLAYED"},
		{"ephemeral in a channel", `{"content":"x","flags":64}`, "flags", "MESSAGE_FLAGS_INVALID"},
		{"poll", `{"content":"x","poll":{}}`, "poll", "NOT_PLAYED"},
		{"no attachments", `{"content":"x","attachments":[],"tts":false}`, "", ""},

		{"10 embeds", `{"embeds":[` + repeat(10, func(int) string { return `{"title":"t"}` }) + `]}`, "", ""},
		{"11 embeds", `{"embeds":[` + repeat(11, func(int) string { return `{"title":"t"}` }) + `]}`, "embeds", "BASE_TYPE_MAX_LENGTH"},
		{"empty embed", embed(`{}`), "embeds.0.description", "BASE_TYPE_REQUIRED"},
		{"title of 256", embed(`{"title":"` + chars(256) + `"}`), "", ""},
		{"title of 257", embed(`{"title":"` + chars(257) + `"}`), "embeds.0.title", "BASE_TYPE_MAX_LENGTH"},
		{"description of 4097", embed(`{"description":"` + chars(4097) + `"}`), "embeds.0.description", "BASE_TYPE_MAX_LENGTH"},
		{"footer of 2049", embed(`{"footer":{"text":"` + chars(2049) + `"}}`), "embeds.0.footer.text", "BASE_TYPE_BAD_LENGTH"},
		{"author of 257", embed(`{"author":{"name":"` + chars(257) + `"}}`), "embeds.0.author.name", "BASE_TYPE_BAD_LENGTH"},
		{"25 fields", embed(`{"fields":[` + repeat(25, func(int) string { return `{"name":"n","value":"v"}` }) + `]}`), "", ""},
		{"26 fields", embed(`{"fields":[` + repeat(26, func(int) string { return `{"name":"n","value":"v"}` }) + `]}`), "embeds.0.fields", "BASE_TYPE_MAX_LENGTH"},
		{"field without value", embed(`{"fields":[{"name":"n"}]}`), "embeds.0.fields.0.value", "BASE_TYPE_REQUIRED"},
		{"field of blanks", embed(`{"fields":[{"name":"n","value":"  "}]}`), "embeds.0.fields.0.value", "BASE_TYPE_REQUIRED"},
		{"field value of 1025", embed(`{"fields":[{"name":"n","value":"` + chars(1025) + `"}]}`), "embeds.0.fields.0.value", "BASE_TYPE_BAD_LENGTH"},
		{"6000 in all", `{"embeds":[{"description":"` + chars(4096) + `"},{"description":"` + chars(1904) + `"}]}`, "", ""},
		{"6001 in all", `{"embeds":[{"description":"` + chars(4096) + `"},{"description":"` + chars(1905) + `"}]}`, "embeds", "MAX_EMBED_SIZE_EXCEEDED"},
		{"color", embed(`{"title":"t","color":16777216}`), "embeds.0.color", "NUMBER_TYPE_MAX"},
		{"timestamp", embed(`{"title":"t","timestamp":"yesterday"}`), "embeds.0.timestamp", "DATE_TIME_TYPE_PARSE"},
		{"embed url", embed(`{"title":"t","url":"javascript:alert(1)"}`), "embeds.0.url", "URL_TYPE_INVALID_URL"},

		{"a button", row(button(1)), "", ""},
		{"a link", row(url), "", ""},
		{"5 rows of 5", `{"content":"x","components":[` + repeat(5, func(r int) string {
			return `{"type":1,"components":[` + repeat(5, func(i int) string { return button(5*r + i) }) + `]}`
		}) + `]}`, "", ""},
		{"6 rows", `{"content":"x","components":[` + repeat(6, func(r int) string { return `{"type":1,"components":[` + button(r) + `]}` }) + `]}`, "components", "BASE_TYPE_MAX_LENGTH"},
		{"6 in a row", row(repeat(6, button)), "components.0.components", "BASE_TYPE_MAX_LENGTH"},
		{"empty row", row(""), "components.0.components", "BASE_TYPE_BAD_LENGTH"},
		{"button outside a row", `{"content":"x","components":[` + button(1) + `]}`, "components.0.type", "BASE_TYPE_CHOICES"},
		{"custom_id of 100", row(`{"type":2,"style":1,"label":"b","custom_id":"` + chars(100) + `"}`), "", ""},
		{"custom_id of 101", row(`{"type":2,"style":1,"label":"b","custom_id":"` + chars(101) + `"}`), "components.0.components.0.custom_id", "BASE_TYPE_BAD_LENGTH"},
		{"custom_id of 0", row(`{"type":2,"style":1,"label":"b","custom_id":""}`), "components.0.components.0.custom_id", "BASE_TYPE_REQUIRED"},
		{"same custom_id", row(button(1) + "," + button(1)), "components.0.components.1.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED"},
		{"label of 81", row(`{"type":2,"style":1,"label":"` + chars(81) + `","custom_id":"a"}`), "components.0.components.0.label", "BASE_TYPE_MAX_LENGTH"},
		{"neither custom_id nor url", row(`{"type":2,"style":1,"label":"b"}`), "components.0.components.0.custom_id", "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED"},
		{"both custom_id and url", row(`{"type":2,"style":1,"label":"b","custom_id":"a","url":"https://example.org"}`), "components.0.components.0.url", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE"},
		{"link with custom_id", row(`{"type":2,"style":5,"label":"b","custom_id":"a","url":"https://example.org"}`), "components.0.components.0.custom_id", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE"},
		{"link without url", row(`{"type":2,"style":5,"label":"b"}`), "components.0.components.0.url", "BUTTON_COMPONENT_URL_REQUIRED"},
		{"no label or emoji", row(`{"type":2,"style":1,"custom_id":"a"}`), "components.0.components.0.label", "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED"},
		{"emoji", row(`{"type":2,"style":1,"custom_id":"a","emoji":{"name":"🔥"}}`), "", ""},
		{"emoji by name", row(`{"type":2,"style":1,"custom_id":"a","emoji":{"name":"fire"}}`), "components.0.components.0.emoji", "BUTTON_COMPONENT_INVALID_EMOJI"},
		{"select", row(`{"type":3,"custom_id":"a","options":[]}`), "components.0.components.0.type", "BASE_TYPE_CHOICES"},
		{"style 0", row(`{"type":2,"style":0,"label":"b","custom_id":"a"}`), "components.0.components.0.style", "NUMBER_TYPE_MIN"},

		{"mentions by type and id", `{"content":"x","allowed_mentions":{"parse":["users"],"users":["1"]}}`, "allowed_mentions.parse", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"},
		{"mentions of a kind unknown", `{"content":"x","allowed_mentions":{"parse":["here"]}}`, "allowed_mentions.parse.0", "BASE_TYPE_CHOICES"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := form.ReadDraft([]byte(tt.body), form.Post)
			checkFirst(t, err, tt.path, tt.code)
		})
	}
}

func TestCommandForm(t *testing.T) {
	cmd := func(rest string) string { return `[{"name":"start","description":"d"` + rest + `}]` }
	opt := func(rest string) string {
		return cmd(`,"options":[{"type":3,"name":"world","description":"d"` + rest + `}]`)
	}
	for _, tt := range []struct {
		name, body string
		path, code string
	}{
		{"none", `[]`, "", ""},
		{"one", cmd(""), "", ""},
		{"as clients send it", cmd(`,"type":1,"contexts":[0],"integration_types":[0],"default_member_permissions":"32","nsfw":false,"name_localizations":{"de":"los"}`), "", ""},
		{"upper case", `[{"name":"Start","description":"d"}]`, "0.name", "APPLICATION_COMMAND_INVALID_NAME"},
		{"blank in the name", `[{"name":"st art","description":"d"}]`, "0.name", "APPLICATION_COMMAND_INVALID_NAME"},
		{"name of 33", `[{"name":"` + strings.Repeat("a", 33) + `","description":"d"}]`, "0.name", "BASE_TYPE_BAD_LENGTH"},
		{"other scripts", `[{"name":"пуск","description":"d"}]`, "", ""},
		{"no description", `[{"name":"start"}]`, "0.description", "BASE_TYPE_REQUIRED"},
		{"description of 101", `[{"name":"start","description":"` + chars(101) + `"}]`, "0.description", "BASE_TYPE_BAD_LENGTH"},
		{"same name", `[{"name":"start","description":"d"},{"name":"start","description":"d"}]`, "", "APPLICATION_COMMANDS_DUPLICATE_NAME"},
		{"permissions as a number", cmd(`,"default_member_permissions":32`), "0.default_member_permissions", "STRING_TYPE_CONVERT"},
		{"permissions in words", cmd(`,"default_member_permissions":"MANAGE"`), "0.default_member_permissions", "NUMBER_TYPE_COERCE"},
		{"unknown field", cmd(`,"describe":"x"`), "0.describe", "UNKNOWN_FIELD"},
		{"unknown locale", cmd(`,"name_localizations":{"xx":"los"}`), "0.name_localizations.xx", "UNKNOWN_FIELD"},
		{"user command", cmd(`,"type":2`), "0.type", "NOT_PLAYED"},
		{"context", cmd(`,"contexts":[3]`), "0.contexts.0", "BASE_TYPE_CHOICES"},
		{"25 options", cmd(`,"options":[` + repeat(25, func(i int) string { return fmt.Sprintf(`{"type":3,"name":"o%d","description":"d"}`, i) }) + `]`), "", ""},
		{"26 options", cmd(`,"options":[` + repeat(26, func(i int) string { return fmt.Sprintf(`{"type":3,"name":"o%d","description":"d"}`, i) }) + `]`), "0.options", "BASE_TYPE_MAX_LENGTH"},
		{"25 choices", opt(`,"choices":[` + repeat(25, func(i int) string { return fmt.Sprintf(`{"name":"c%d","value":"v"}`, i) }) + `]`), "", ""},
		{"26 choices", opt(`,"choices":[` + repeat(26, func(i int) string { return fmt.Sprintf(`{"name":"c%d","value":"v"}`, i) }) + `]`), "0.options.0.choices", "BASE_TYPE_MAX_LENGTH"},
		{"choice of 101", opt(`,"choices":[{"name":"c","value":"` + chars(101) + `"}]`), "0.options.0.choices.0.value", "BASE_TYPE_BAD_LENGTH"},
		{"choice of another type", opt(`,"choices":[{"name":"c","value":3}]`), "0.options.0.choices.0.value", "STRING_TYPE_CONVERT"},
		{"choices and autocomplete", opt(`,"autocomplete":true,"choices":[{"name":"c","value":"v"}]`), "0.options.0.choices", "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID"},
		{"option type 12", cmd(`,"options":[{"type":12,"name":"o","description":"d"}]`), "0.options.0.type", "NUMBER_TYPE_MAX"},
		{"required after optional", cmd(`,"options":[{"type":3,"name":"a","description":"d"},{"type":3,"name":"b","description":"d","required":true}]`), "0.options.1", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"},
		{"same option", cmd(`,"options":[{"type":3,"name":"a","description":"d"},{"type":3,"name":"a","description":"d"}]`), "0.options.1.name", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS"},
		{"more than 8000 characters", cmd(`,"options":[` + repeat(4, func(o int) string {
			return fmt.Sprintf(`{"type":3,"name":"o%d","description":"d","choices":[`, o) +
				repeat(25, func(i int) string {
					return fmt.Sprintf(`{"name":"%s","value":"v%d"}`, strings.Repeat("n", 90), i)
				}) + `]}`
		}) + `]`), "0.name", "APPLICATION_COMMAND_TOO_LARGE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := form.ReadCommands([]byte(tt.body))
			checkFirst(t, err, tt.path, tt.code)
		})
	}
}

// TestOptionValue: what a person's client lets them choose.
func TestOptionValue(t *testing.T) {
	commands, err := form.ReadCommands([]byte(`[{"name":"log","description":"d","options":[
		{"type":4,"name":"lines","description":"d","min_value":1,"max_value":100},
		{"type":3,"name":"world","description":"d","choices":[{"name":"M","value":"m"}]}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	lines, of := commands[0].Options[0], commands[0].Options[1]
	for _, tt := range []struct {
		option form.CommandOption
		value  any
		ok     bool
	}{
		{lines, 1, true}, {lines, "100", true}, {lines, json.Number("42"), true},
		{lines, 0, false}, {lines, 101, false}, {lines, 1.5, false}, {lines, "many", false}, {lines, nil, false},
		{of, "m", true}, {of, "n", false}, {of, 1, false},
	} {
		if got, err := tt.option.Value(tt.value); (err == nil) != tt.ok {
			t.Errorf("%s %v: got %v, %v; want it offered: %v", tt.option.Name, tt.value, got, err, tt.ok)
		}
	}
}

// FuzzRead: whatever comes is read or refused with the errors that are
// promised, and a refusal can be written as JSON.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{"content":"x","nonce":1,"allowed_mentions":{"parse":[]}}`, `{"embeds":[{"fields":[{}]}],"components":[{"components":[{}]}]}`,
		`[{"name":"start","options":[{"type":1,"options":[{}],"choices":[{}]}]}]`, `{"type":4,"data":{"flags":64}}`, `{"type":5,"data":[]}`, `null`, `{"content":`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var errs []error
		for kind := form.Post; kind <= form.Followup; kind++ {
			_, err := form.ReadDraft([]byte(body), kind)
			errs = append(errs, err)
		}
		_, err := form.ReadCommands([]byte(body))
		errs = append(errs, err)
		a, err := form.ReadAnswer([]byte(body))
		errs = append(errs, err)
		_, err = a.Message()
		errs = append(errs, err)
		for _, err := range errs {
			p, refused := errors.AsType[*form.Problems](err)
			if err != nil && !refused && !errors.Is(err, form.ErrJSON) && !errors.Is(err, form.ErrTooManyCommands) {
				t.Errorf("%q: error %v is none of those promised", body, err)
			}
			if _, err := json.Marshal(p); err != nil {
				t.Errorf("%q: its problems are no JSON: %v", body, err)
			}
		}
	})
}
