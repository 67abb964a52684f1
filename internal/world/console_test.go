package world_test

import (
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"hearth/internal/world"
)

func TestReadBootLog(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for name, tc := range map[string]struct {
		text string
		want world.BootLog
	}{
		"nothing":            {"", world.BootLog{Blank: true}},
		"a blob's empty end": {"\x00\x00\r\n\x00", world.BootLog{Blank: true}},
		"before the script":  {"[    0.000000] Linux version 6.8.0\r\n", world.BootLog{}},
		"under way":          {"hearth-boot: fence\nhearth-boot: identity\n", world.BootLog{Step: "identity"}},
		"failed": {
			"hearth-boot: secrets\nhearth-boot: FAILED at secrets: the vault answers 403\n",
			world.BootLog{Step: "secrets", Failed: true, Reason: "the vault answers 403"},
		},
		"the last line has no end": {"hearth-boot: FAILED at start: no unit", world.BootLog{Step: "start", Failed: true, Reason: "no unit"}},
		"without a reason":         {"hearth-boot: FAILED at start", world.BootLog{Step: "start", Failed: true}},
		"prefixes": {
			"[   41.250000] cloud-init[612]: hearth-boot: FAILED at packages: no mirror\r\r\n",
			world.BootLog{Step: "packages", Failed: true, Reason: "no mirror"},
		},
		"the script's own time":        {"[  339.87] hearth-boot: FAILED at agent: 404 BlobNotFound: deploy again\n", world.BootLog{Step: "agent", Failed: true, Reason: "404 BlobNotFound: deploy again"}},
		"its time behind the system's": {"[   41.250000] boot.sh[612]: [   41.25] hearth-boot: secrets\n", world.BootLog{Step: "secrets"}},
		"behind a login's question":    {"midgard login: [  170.01] hearth-boot: FAILED at agent: 404\n", world.BootLog{Step: "agent", Failed: true, Reason: "404"}},
		"nobody's login":               {"a player login: hearth-boot: FAILED at agent: ha\n", world.BootLog{}},
		"one prefix":                   {"cloud-init[612]: hearth-boot: agent\r\n", world.BootLog{Step: "agent"}},
		"colours": {
			"\x1b[0;1;31m[\x1b[0m 41.2]\x1b[32m hearth-boot: FAILED at agent: \x1b[1m404\x1b[0m\x07\n",
			world.BootLog{Step: "agent", Failed: true, Reason: "404"},
		},
		"restarted since":  {"hearth-boot: FAILED at packages: no mirror\nhearth-boot: fence\n", world.BootLog{Step: "fence"}},
		"a step not known": {"hearth-boot: FAILED at moonphase: full\n", world.BootLog{Step: "moonphase", Failed: true, Reason: "full"}},
		"lines after it":   {"hearth-boot: FAILED at agent: 404\n[  99.1] systemd[1]: Reached target.\nhearth login: \n", world.BootLog{Step: "agent", Failed: true, Reason: "404"}},
		"an agent speaks": {
			"hearth-boot: start\n{\"time\":\"x\",\"level\":\"INFO\",\"msg\":\"agent starts\"}\n",
			world.BootLog{Step: "start", Speaks: true},
		},
		"an agent's last error": {
			"hearth-boot: start\n[ 50.1] hearth-agent[812]: {\"level\":\"ERROR\",\"msg\":\"events not sent\",\"error\":\"send:\\n403\"}\r\n" +
				"[ 51.1] hearth-agent[812]: {\"level\":\"WARN\",\"msg\":\"again\"}\r\n",
			world.BootLog{Step: "start", Speaks: true, Said: "events not sent: send: 403"},
		},
		"an agent after a failure": {"hearth-boot: FAILED at start: late\n{\"level\":\"INFO\",\"msg\":\"agent starts\"}\n", world.BootLog{Step: "start", Speaks: true}},
		"an agent that ended": {
			"hearth-boot: start\n{\"level\":\"ERROR\",\"msg\":\"no key\"}\nhearth-boot: FAILED at start: the agent ended\n",
			world.BootLog{Step: "start", Failed: true, Reason: "the agent ended", Said: "no key"},
		},
		"a player's words": {
			"hearth-boot: start\n{\"level\":\"INFO\",\"msg\":\"x\",\"name\":\"\\nhearth-boot: FAILED at start: ha\"}\nGot character hearth-boot: FAILED at start: ha\n",
			world.BootLog{Step: "start", Speaks: true},
		},
		"somebody's brackets": {"[a player] hearth-boot: FAILED at start: ha\na b[1]: hearth-boot: FAILED at start: ha\n", world.BootLog{}},
		"too long": {
			"hearth-boot: FAILED at " + long + ": " + long + "\n",
			world.BootLog{Step: world.BootStep(strings.Repeat("x", 23) + "…"), Failed: true, Reason: strings.Repeat("x", 199) + "…"},
		},
		"not text": {"hearth-boot: FAILED at \u202estart: \xff\xfe a\u0000b\u200b\n", world.BootLog{Step: "start", Failed: true, Reason: "\uFFFD\uFFFD ab"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := world.ReadBootLog([]byte(tc.text)); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

// The end of a console as `make test-vm` saw it, on which somebody else's program
// lies in the agent's place.
func TestReadBootLogOfAMachine(t *testing.T) {
	text, err := os.ReadFile("testdata/console_checksum.txt")
	if err != nil {
		t.Fatal(err)
	}
	got := world.ReadBootLog(text)
	if !got.Failed || got.Step != world.BootChecksum || got.Speaks || !strings.HasSuffix(got.Reason, "is another file, twice: deploy again") {
		t.Errorf("got %+v, want a failed checksum", got)
	}
}

func FuzzReadBootLog(f *testing.F) {
	for _, s := range []string{
		"hearth-boot: FAILED at agent: 404", "[ 1.0] cloud-init[1]: hearth-boot: x\r\n", "\x1b[", "{\"level\":\"ERROR\",\"msg\":\"m\",\"error\":{}}", "[]]: ", "\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b := world.ReadBootLog(text)
		for _, s := range []string{string(b.Step), b.Reason, b.Said} {
			if !utf8.ValidString(s) || utf8.RuneCountInString(s) > world.MaxBootReason || strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("%q is not one line of at most %d characters", s, world.MaxBootReason)
			}
		}
		if utf8.RuneCountInString(string(b.Step)) > world.MaxBootStep {
			t.Errorf("step %q is too long", b.Step)
		}
		if b.Blank && b != (world.BootLog{Blank: true}) || !b.Failed && b.Reason != "" || b.Failed && b.Speaks {
			t.Errorf("got %+v, which contradicts itself", b)
		}
	})
}
