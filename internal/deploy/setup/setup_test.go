package setup_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/deploy/deploytest"
	"hearth/internal/deploy/program"
	"hearth/internal/deploy/setup"
	"hearth/internal/world"
)

func TestMain(m *testing.M) {
	deploytest.Main()
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hand answers in the order in which it is asked, and then is gone.
type hand struct {
	lines   []string
	secrets []world.Secret
	asked   []string
	hook    func(question string)
}

func (h *hand) Line(question string) (string, bool) {
	h.asked = append(h.asked, question)
	if h.hook != nil {
		h.hook(question)
	}
	if len(h.lines) == 0 {
		return "", false
	}
	line := h.lines[0]
	h.lines = h.lines[1:]
	return line, true
}

func (h *hand) Secret(string) (world.Secret, bool) {
	if len(h.secrets) == 0 {
		return "", false
	}
	s := h.secrets[0]
	h.secrets = h.secrets[1:]
	return s, true
}

func open(t *testing.T) (*setup.Setup, *hand, *deploytest.Town, *bytes.Buffer) {
	t.Helper()
	town, err := deploytest.Open(t.TempDir())
	must(t, err)
	t.Cleanup(town.Close)
	for name, value := range town.Env(os.Getenv("PATH")) {
		t.Setenv(name, value)
	}
	var out bytes.Buffer
	h := &hand{}
	return &setup.Setup{
		Answers: setup.Answers{Token: deploytest.Token, Channel: "valheim", KeeperRole: "none", Subscription: "Pay-As-You-Go", Region: "westeurope", Email: "ana@example.org"},
		Ask:     h, Run: &program.Runner{}, Path: filepath.Join(t.TempDir(), "terraform.tfvars"), Clock: clock.System{}, Out: &out, Version: "test",
		DiscordURL: town.DiscordURL(), PricesURL: town.AppURL(),
	}, h, town, &out
}

// terraform is the real one, before a town hides it.
func terraform(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed (developer.hashicorp.com/terraform/install, 1.11 or newer)")
	}
	return path
}

// taken has Terraform judge a file of variables by infra/variables.tf.
func taken(t *testing.T, program, file string) {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile("../../../infra/variables.tf")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "variables.tf"), text, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "show.tf"), []byte("output \"worlds\" { value = jsonencode(var.worlds) }\n"), 0o600))
	for _, args := range [][]string{
		{"init", "-input=false", "-no-color"},
		{"plan", "-input=false", "-no-color", "-var-file=" + file, "-var=agent_file=variables.tf"},
	} {
		cmd := exec.CommandContext(t.Context(), program, append([]string{"-chdir=" + dir}, args...)...)
		cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("terraform %v: %v\n%s", args, err, out)
		}
	}
}

// TestTaken: Terraform takes what is written, whatever the world is called.
func TestTaken(t *testing.T) {
	program := terraform(t)
	for _, name := range []string{"Midgard", `A "quoted" \ one`, "Costs ${var.region} %{if true}", "Ænglaland Ørsted", "🔥🔥"} {
		t.Run(name, func(t *testing.T) {
			s, _, _, out := open(t)
			s.World, s.Monthly = name, "7.50"
			if _, err := s.Do(t.Context()); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			taken(t, program, s.Path)
			if info, err := os.Stat(s.Path); err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			text, err := os.ReadFile(s.Path)
			must(t, err)
			if bytes.Contains(text, []byte(deploytest.Token)) {
				t.Error("the token is in the file")
			}
		})
	}
}

// TestExample: infra/terraform.tfvars.example is taken as it is, and has a word of
// every variable, and of all that can be said of a world, Discord and a placement.
func TestExample(t *testing.T) {
	const example = "../../../infra/terraform.tfvars.example"
	text, err := os.ReadFile(example)
	must(t, err)
	vars, err := os.ReadFile("../../../infra/variables.tf")
	must(t, err)
	names := 0
	for _, m := range regexp.MustCompile(`(?m)^variable "(\w+)"|^\s+(\w+)\s+= (?:optional\(|string$|string |list\(object)`).FindAllStringSubmatch(string(vars), -1) {
		name := m[1] + m[2]
		if name == "type" || name == "description" {
			continue
		}
		names++
		if !regexp.MustCompile(`\b` + name + `\b`).Match(text) {
			t.Errorf("the example has no %s", name)
		}
	}
	if names < 30 {
		t.Errorf("found %d names in variables.tf: has its form changed?", names)
	}
	path, err := filepath.Abs(example)
	must(t, err)
	taken(t, terraform(t), path)
	// With everything that it leaves out, too.
	all := regexp.MustCompile(`(?m)^(\s*)# (\w+\s*=)`).ReplaceAllString(string(text), "$1$2")
	all = strings.NewReplacer(`probe_key = "…"`, `probe_key = "`+strings.Repeat("1", 64)+`"`, `midgard = "…"`, `midgard = "secret-of-five"`).Replace(all)
	file := filepath.Join(t.TempDir(), "all.tfvars")
	must(t, os.WriteFile(file, []byte(all), 0o600))
	taken(t, terraform(t), file)
}

// TestInvite: a bot that is in no server is invited while Hearth waits.
func TestInvite(t *testing.T) {
	s, h, town, out := open(t)
	town.Discord.Expel(true)
	h.lines = []string{"", "", ""}
	waits := 0
	h.hook = func(question string) {
		if strings.HasPrefix(question, "Press Enter") {
			if waits++; waits == 2 {
				town.Discord.Expel(false)
			}
		}
	}
	if _, err := s.Do(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := strings.Count(out.String(), "https://discord.com/oauth2/authorize?client_id="); n != 2 {
		t.Errorf("the link is shown %d times, want 2:\n%s", n, out)
	}
}

// TestMissingPermission: a channel that the bot may not write in, or not see, is
// refused with what to allow; once that is done it is taken.
func TestMissingPermission(t *testing.T) {
	for name, tc := range map[string]struct {
		bits uint64
		says string
	}{
		"write": {1 << 11, "in #valheim the bot lacks Send Messages: in the channel's settings, under Permissions"},
		"see":   {1 << 10, "in #valheim the bot lacks View Channel, Send Messages, Embed Links and Read Message History"},
	} {
		t.Run(name, func(t *testing.T) {
			s, h, town, out := open(t)
			channel := town.Discord.Channels()[0].ID
			town.Discord.Deny(channel, tc.bits)
			if _, err := s.Do(t.Context()); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("by a flag: got %v, want %q", err, tc.says)
			}
			s.Channel = ""
			h.lines = []string{"1", "#valheim", "", ""}
			h.hook = func(question string) {
				if strings.HasPrefix(question, "Which channel") && len(h.lines) == 3 {
					town.Discord.Deny(channel, 0)
				}
			}
			if _, err := s.Do(t.Context()); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if !strings.Contains(out.String(), tc.says) {
				t.Errorf("got\n%s\nwant %q", out, tc.says)
			}
		})
	}
}

// TestReplace: a file that is there stays unless somebody agrees.
func TestReplace(t *testing.T) {
	for answer, replaced := range map[string]bool{"": false, "n": false, "y": true, "Yes": true} {
		s, h, _, _ := open(t)
		must(t, os.WriteFile(s.Path, []byte("mine"), 0o600))
		h.lines = []string{answer}
		_, err := s.Do(t.Context())
		if errors.Is(err, setup.ErrLeft) == replaced {
			t.Errorf("%q: got %v", answer, err)
		}
		text, err := os.ReadFile(s.Path)
		must(t, err)
		if (string(text) != "mine") != replaced {
			t.Errorf("%q: the file is %s", answer, text)
		}
	}
}

// TestPrices: Linux's price of the kind that is meant, in cents with an address.
func TestPrices(t *testing.T) {
	item := func(price, product, sku string) string {
		return `{"currencyCode":"USD","retailPrice":` + price + `,"productName":"` + product + `","skuName":"` + sku + `"}`
	}
	const linux, windows = "Virtual Machines Dadsv5 Series", "Virtual Machines Dadsv5 Series Windows"
	for name, tc := range map[string]struct {
		items   []string
		regular bool
		want    float64 // 0: none
	}{
		"spot":             {[]string{item("0.1", linux, "D2ads v5"), item("0.0171", linux, "D2ads v5 Spot")}, false, 2.21},
		"regular":          {[]string{item("0.0171", linux, "D2ads v5 Spot"), item("0.103", linux, "D2ads v5")}, true, 10.8},
		"not Windows":      {[]string{item("0.05", windows, "D2ads v5 Spot"), item("0.0171", linux, "D2ads v5 Spot")}, false, 2.21},
		"not low priority": {[]string{item("0.05", linux, "D2ads v5 Low Priority")}, true, 0},
		"free is no price": {[]string{item("0", linux, "D2ads v5 Spot")}, false, 0},
		"none":             {nil, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := setup.ReadPrice([]byte(`{"Items":[`+strings.Join(tc.items, ",")+`]}`), tc.regular)
			if got != tc.want || (err != nil) != (tc.want == 0) {
				t.Errorf("got %v, %v; want %v", got, err, tc.want)
			}
		})
	}
	if _, err := setup.ReadPrice([]byte("<html>"), false); err == nil {
		t.Error("a page that is no list is taken")
	}
}

// TestWhen: a price is of the day on which it was asked.
func TestWhen(t *testing.T) {
	s, _, _, _ := open(t)
	_, err := s.Do(t.Context())
	must(t, err)
	text, err := os.ReadFile(s.Path)
	must(t, err)
	if want := `cents_per_hour = 2.21, priced_on = "` + time.Now().UTC().Format(time.DateOnly) + `"`; !strings.Contains(string(text), want) {
		t.Errorf("got\n%s\nwant %q in it", text, want)
	}
}
