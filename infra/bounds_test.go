package infra_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/docker"
	"hearth/internal/world"
	"hearth/internal/world/price"
)

type object = map[string]any

// deployed is a world as the variable worlds has it, with this changed.
func deployed(change object) object {
	w := object{"name": "Midgard", "world_file": "Midgard", "placements": []object{placed(nil)}}
	maps.Copy(w, change)
	return w
}

func placed(change object) object {
	p := object{"region": "eastus2", "size": "Standard_D2ads_v5"}
	maps.Copy(p, change)
	return p
}

// botAccepts tells whether the bot would start with such worlds.
func botAccepts(t *testing.T, worlds map[string]object) bool {
	t.Helper()
	var list []object
	for id, w := range worlds {
		of := object{"id": id}
		for k, v := range w {
			if k != "world_file" { // the machine's
				of[k] = v
			}
		}
		var placements []object
		for i, p := range w["placements"].([]object) {
			at := object{"id": fmt.Sprintf("%s-%d", id, i)}
			maps.Copy(at, p)
			placements = append(placements, at)
		}
		of["placements"] = placements
		list = append(list, of)
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := world.ParseWorlds(string(text))
	return err == nil && price.Check(parsed) == nil
}

// TestBoundsAreTheBots: Terraform takes the worlds that the bot takes and refuses
// the others, at each bound. Otherwise somebody would learn of it from a bot that
// does not start.
func TestBoundsAreTheBots(t *testing.T) {
	one := func(change object) map[string]object { return map[string]object{"midgard": deployed(change)} }
	cases := map[string]map[string]object{}
	for key, values := range map[string][]any{
		"port":                 {1023, 1024, 65534, 65535, 2456.5},
		"idle_minutes":         {-1, 1, 720, 721, 1.5},
		"never_joined_minutes": {-1, 1, 720, 721, 1.5},
		"session_hours":        {0.24, 0.25, 168, 168.5},
		"monthly_dollars":      {-1, 0, 0.5, 10_000, 10_001},
		"name":                 {strings.Repeat("å", 40), strings.Repeat("å", 41), strings.Repeat("🇳🇴", 20), strings.Repeat("🇳🇴", 21), "a\nb", "\u200b", " ", "a\tb", "7"},
		"roles":                {[]string{"1", strings.Repeat("1", 20)}, []string{strings.Repeat("1", 21)}, []string{"admin"}, []string{""}},
	} {
		for i, value := range values {
			cases[fmt.Sprintf("%s_%d", key, i)] = one(object{key: value})
		}
	}
	for key, values := range map[string][]any{
		"cents_per_hour": {-1, 0.01, 1000, 1000.5},
		"priced_on":      {"2026-11-30", "2028-02-29", "2026-02-30", "2026-02-29", "30.11.2026", "2026-1-1", "2026-11-30T00:00:00Z"},
	} {
		for i, value := range values {
			cases[fmt.Sprintf("%s_%d", key, i)] = one(object{"placements": []object{placed(object{key: value})}})
		}
	}
	var places []object
	for _, n := range []int{2, 4, 8, 16, 32, 48, 64} {
		for _, family := range []string{"D%dads_v5", "D%dds_v5", "E%dads_v5", "E%dds_v5"} {
			places = append(places, placed(object{"size": "Standard_" + fmt.Sprintf(family, n)}))
		}
	}
	for _, n := range []int{1, 25, 26} {
		cases[fmt.Sprintf("placements_%d", n)] = one(object{"placements": places[:n]})
		worlds := map[string]object{}
		for i := range n {
			worlds[fmt.Sprintf("world-%d", i)] = deployed(nil)
		}
		cases[fmt.Sprintf("worlds_%d", n)] = worlds
	}
	cases["worlds_0"] = map[string]object{}
	for i, id := range []string{"a", "our-world", strings.Repeat("a", 24), strings.Repeat("a", 25), "a--b", "-a", "a-", "Midgard", "a_b", "a-poison", "poison", "å"} {
		cases[fmt.Sprintf("id_%d", i)] = map[string]object{id: deployed(nil)}
	}
	// A limit needs prices: those of the placement, or the table's.
	for i, change := range []object{
		nil, {"region": "westus2"}, {"regular": true}, {"region": "westeurope"}, {"region": "westeurope", "cents_per_hour": 1.9}, {"size": "Standard_D4ads_v5"}, {"size": "Standard_D4ads_v5", "cents_per_hour": 3},
	} {
		cases[fmt.Sprintf("limit_%d", i)] = one(object{"monthly_dollars": 5, "placements": []object{placed(change)}})
	}

	compare(t, cases, botAccepts)
}

// compare asks Terraform which of these worlds it takes.
func compare(t *testing.T, cases map[string]map[string]object, accepts func(*testing.T, map[string]object) bool) {
	t.Helper()
	r := variables(t, open(t).program)
	var file strings.Builder
	taken := 0
	for name, worlds := range cases {
		text, err := json.Marshal(worlds)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&file, "\nrun %q {\n  command = plan\n\n  variables {\n    worlds = %s\n  }\n", name, text)
		if accepts(t, worlds) {
			taken++
		} else {
			file.WriteString("\n  expect_failures = [var.worlds]\n")
		}
		file.WriteString("}\n")
	}
	if taken < 8 || taken > len(cases)-8 {
		t.Fatalf("%d of %d are accepted: this compares nothing", taken, len(cases))
	}
	r.write(t, "tests/bounds.tftest.hcl", file.String())
	out, err := r.run(t, "test", "-filter=tests/bounds.tftest.hcl")
	if err == nil {
		return
	}
	t.Errorf("terraform test: %v\n%s", err, out)
	for _, name := range failed(out) {
		worlds := cases[strings.TrimPrefix(name, "bounds.tftest.hcl: ")]
		t.Errorf("%s: accepted is %t, Terraform is of another opinion\n%v", name, accepts(t, worlds), worlds)
	}
}

// agentAccepts tells whether the agent would run such worlds' games.
func agentAccepts(t *testing.T, worlds map[string]object) bool {
	t.Helper()
	for id, w := range worlds {
		o := docker.Options{
			World: id, WorldName: w["world_file"].(string), ServerName: w["name"].(string), Password: "long enough",
			ConfigDir: t.TempDir(), InstallDir: t.TempDir(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
		}
		if name, ok := w["server_name"].(string); ok {
			o.ServerName = name
		}
		if args, ok := w["args"].([]string); ok {
			o.Args = args
		}
		if environment, ok := w["environment"].(map[string]string); ok {
			o.Environment = environment
		}
		if text, ok := w["save_interval"].(string); ok {
			d, err := time.ParseDuration(text)
			if err != nil {
				return false
			}
			o.SaveInterval = d
		}
		g, err := docker.New(o)
		if err != nil {
			return false
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return true
}

// TestBoundsAreTheAgents is the same of what the agent on the machine is told.
func TestBoundsAreTheAgents(t *testing.T) {
	cases := map[string]map[string]object{}
	for key, values := range map[string][]any{
		"world_file":    {"Midgard", "a_b-1", strings.Repeat("a", 40), strings.Repeat("a", 41), "", "Midgard.db", "../x", "a b", "å"},
		"server_name":   {strings.Repeat("å", 64), strings.Repeat("å", 65), "two\nlines", "\"Vikings\" & 'friends' $HOME"},
		"save_interval": {"1m", "60s", "59s", "5m", "7m30s", "2h", "1h60m", "2h1s", "121m", "5", "", "1.5x", "m", "-5m"},
		"args":          {[]string{"-preset", "hard"}, []string{"a b"}, []string{"*"}, []string{"$HOME"}, []string{""}, []string{strings.Repeat("a", 100)}, []string{strings.Repeat("a", 101)}},
		"environment": {
			map[string]string{"ADMINLIST_IDS": "1 2"}, map[string]string{"A-B": "x"}, map[string]string{"1A": "x"}, map[string]string{"": "x"},
			map[string]string{"SERVER_NAME": "x"}, map[string]string{"WORLD_NAME": "x"}, map[string]string{"SERVER_PASS": "x"}, map[string]string{"SERVER_PORT": "x"},
			map[string]string{"SERVER_PUBLIC": "x"}, map[string]string{"SERVER_ARGS": "x"}, map[string]string{"UPDATE_CRON": "x"}, map[string]string{"UPDATE_IF_IDLE": "x"},
			map[string]string{"RESTART_CRON": "x"}, map[string]string{"BACKUPS": "x"}, map[string]string{"BACKUPS_CRON": "x"}, map[string]string{"STATUS_HTTP": "x"},
			map[string]string{"SUPERVISOR_HTTP": "x"}, map[string]string{"TZ": "x"}, map[string]string{"SERVER_NAMES": "x"}, map[string]string{"tz": "x"},
		},
	} {
		for i, value := range values {
			cases[fmt.Sprintf("%s_%d", key, i)] = map[string]object{"midgard": deployed(object{key: value})}
		}
	}
	compare(t, cases, agentAccepts)
}
