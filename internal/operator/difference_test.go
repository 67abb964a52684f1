package operator_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"hearth/internal/discord"
	"hearth/internal/operator"
	"hearth/internal/world"
)

// registered is the list as Discord answers it, with all that it adds, in the
// form of the documentation's "Application Command Object".
const registered = `[
 {"id":"1180","application_id":"1100","guild_id":"1200","version":"1181","type":1,"name":"start",
  "name_localizations":null,"name_localized":"start","description":"Light the fire: wake the world up so that you can play","description_localizations":null,
  "default_member_permissions":null,"dm_permission":false,"contexts":null,"integration_types":[0],"nsfw":false,
  "options":[{"type":3,"name":"world","name_localizations":null,"description":"Which world","description_localizations":{},"required":true,
   "choices":[{"name":"Midgard","name_localizations":null,"value":"midgard"},{"name":"Asgard","value":"asgard"}]}]},
 {"id":"1190","application_id":"1100","guild_id":"1200","version":"1191","type":1,"name":"log",
  "description":"For keepers: the last lines of the game's log, into the keeper's channel","default_member_permissions":null,"nsfw":false,
  "options":[{"type":3,"name":"world","description":"Which world","required":true,
   "choices":[{"name":"Midgard","value":"midgard"},{"name":"Asgard","value":"asgard"}]},
   {"type":4,"name":"lines","description":"How many lines","min_value":1.0,"max_value":100}]}
]`

// wanted are the commands of registered.
func wanted(t *testing.T) []discord.GuildCommand {
	t.Helper()
	all, err := discord.WantedCommands([]world.Config{{ID: "midgard", Name: "Midgard"}, {ID: "asgard", Name: "Asgard"}})
	if err != nil {
		t.Fatal(err)
	}
	var some []discord.GuildCommand
	for _, c := range all {
		if c.Name == "start" || c.Name == "log" {
			some = append(some, c)
		}
	}
	return some
}

func TestCompare(t *testing.T) {
	for name, tc := range map[string]struct {
		from, to string // of registered
		want     string // the changes, a line each
	}{
		"as Discord has it": {"", "", ""},
		"description":       {"Light the fire", "Light a fire", "~ /start: description"},
		"translation":       {`"name_localizations":null,"name_localized"`, `"name_localizations":{"de":"los"},"name_localized"`, "~ /start: translations"},
		"for some":          {`"default_member_permissions":null,"dm`, `"default_member_permissions":"0","dm`, "~ /start: who may use it"},
		"for grown-ups": {`"nsfw":false,
  "options":[{"type":3,"name":"world","name_loc`, `"nsfw":true,"options":[{"type":3,"name":"world","name_loc`, "~ /start: age restriction"},
		"choice gone":            {`,{"name":"Asgard","value":"asgard"}]}]}`, `]}]}`, "~ /start: choices of world +Asgard (asgard)"},
		"choice more":            {`"choices":[{"name":"Midgard","name_`, `"choices":[{"name":"@Old\u0007","value":"old"},{"name":"Midgard","name_`, "~ /start: choices of world -@Old (old)"},
		"choices in other order": {`{"name":"Midgard","name_localizations":null,"value":"midgard"},{"name":"Asgard","value":"asgard"}`, `{"name":"Asgard","value":"asgard"},{"name":"Midgard","value":"midgard"}`, "~ /start: choices of world in another order"},
		"may be left out": {`"required":true,
   "choices":[{"name":"Midgard","name_`, `"choices":[{"name":"Midgard","name_`, "~ /start: option world must be given"},
		"bound": {`"max_value":100`, `"max_value":50`, "~ /log: option lines"},
		"option gone": {`,
   {"type":4,"name":"lines","description":"How many lines","min_value":1.0,"max_value":100}`, ``, "~ /log: option lines is new"},
		"option more": {`{"type":4,"name":"lines"`, `{"type":5,"name":"x","description":"x"},{"type":4,"name":"lines"`, "~ /log: option x goes"},
		"options in other order": {`{"type":3,"name":"world","description":"Which world","required":true,
   "choices":[{"name":"Midgard","value":"midgard"},{"name":"Asgard","value":"asgard"}]},
   {"type":4,"name":"lines","description":"How many lines","min_value":1.0,"max_value":100}`,
			`{"type":4,"name":"lines","description":"How many lines","min_value":1,"max_value":100},{"type":3,"name":"world","description":"Which world","required":true,
   "choices":[{"name":"Midgard","value":"midgard"},{"name":"Asgard","value":"asgard"}]}`, "~ /log: order of the options"},
		"another name": {`"name":"start",`, `"name":"begin",`, "+ /start: new\n- /begin: not one of Hearth's commands"},
		// A menu's command may have the same name.
		"another type": {`"type":1,"name":"start"`, `"type":2,"name":"start"`, "+ /start: new\n- “start” in a menu: not one of Hearth's commands"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(registered, tc.from, tc.to, 1)
			if text == registered && tc.from != tc.to {
				t.Fatal("nothing was changed")
			}
			var are []discord.GuildCommand
			if err := json.Unmarshal([]byte(text), &are); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range operator.Compare(are, wanted(t)) {
				got = append(got, fmt.Sprint(c))
			}
			if text := strings.Join(got, "\n"); text != tc.want {
				t.Errorf("got\n%s\nwant\n%s", text, tc.want)
			}
		})
	}
}
