package main

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"hearth/internal/playground"
	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// TestEvict: drills on a Hearth that runs, one after the other.
func TestEvict(t *testing.T) {
	t.Parallel()
	worlds, err := world.ParseWorlds(`[
		{"id":"midgard","name":"Midgard","placements":[{"id":"vmss-midgard-1"},{"id":"vmss-midgard-2"}]},
		{"id":"asgard","name":"Asgard","placements":[{"id":"vmss-asgard-1"},{"id":"vmss-asgard-2"}]}]`)
	if err != nil {
		t.Fatal(err)
	}
	p, err := playground.Start(t.Context(), playground.Options{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", Speed: 20, Worlds: worlds, Game: []string{"hearth", "game"},
		Timing: simcloud.Timing{Create: 15 * time.Second, Boot: 15 * time.Second}, LoadFor: 10 * time.Second,
		Version: "test", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := p.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	play := func(script string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var out strings.Builder
		if err := p.Play(ctx, script, &out); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
	}
	const line = `(?s)` // the text goes on over lines
	for _, tt := range []struct {
		name   string
		before string // is played before it
		args   string
		code   int
		out    string // expressions; empty: nothing is printed
		err    string
		said   int // how often the cloud has taken a machine after it
	}{
		{
			name: "no Hearth", args: "midgard --at 127.0.0.1:1",
			code: exitFailed, err: "there is no Hearth at http://127.0.0.1:1: `hearth up` starts one, and --at says",
		},
		{name: "no address", args: "midgard --at ftp://x", code: exitUsage, err: "is no address of a page of hearth up"},
		{name: "here and on Azure", args: "midgard --at URL --azure", code: exitUsage, err: "--at is the page of a hearth up, and --azure, --deployed or --settings mean Azure: one of them"},
		{name: "no settings", args: "midgard --azure", code: exitUsage, err: "(?s)HEARTH_WORLDS.*AZURE_SUBSCRIPTION_ID"},
		{name: "no such world", args: "vanaheim --at URL", code: exitFailed, err: `There is no world "vanaheim" here: this Hearth has midgard, asgard`},
		{name: "out", args: "midgard --at URL", code: exitFailed, err: "Midgard is stopped, so there is nothing to try"},
		{
			name: "nobody agrees", before: "Ana: /start world=midgard\nexpect is burning\nlever player_join Bo\nexpect **Bo** came in",
			args: "midgard --at URL", code: exitLeft, out: line + "Somebody is in Midgard.*Nobody is here to agree: --yes does it.\nNothing was done."},
		{
			name: "to the end", args: "midgard --at URL --yes",
			out: line + `Somebody is in Midgard.*The cloud takes vmss-midgard-1_\w+, the machine of Midgard at vmss-midgard-1\.\n\n` +
				` +0\.0 s  the eviction is asked for\n` +
				` +\d+\.\d s  the machine hears of it +\d+\.\d s of the cloud\n` +
				` +\d+\.\d s  the game is told to stop +\d+\.\d s of Hearth\n` +
				` +\d+\.\d s  the save is proven +\d+\.\d s of the game\n` +
				` +\d+\.\d s  the old machine is gone +\d+\.\d s of the cloud\n` +
				` +\d+\.\d s  a new one is asked for at vmss-midgard-2 +\d+\.\d s of Hearth\n` +
				` +\d+\.\d s  it is there +\d+\.\d s of the cloud\n` +
				` +\d+\.\d s  its agent is up +\d+\.\d s of the cloud\n` +
				` +\d+\.\d s  people can be in +\d+\.\d s of the game\n` +
				`\nBack after \d+\.\d s: \d+\.\d s of the cloud, \d+\.\d s of the game, \d+\.\d s of Hearth\.\n`,
			said: 1,
		},
		{
			name: "not within a second", args: "midgard --at URL --within 1s", code: exitFailed,
			out: "The cloud takes vmss-midgard-2", err: "Midgard is not back after 1s; it is .*Hearth goes on trying", said: 2,
		},
		{
			name: "another world than the page shows", before: "Ana: /start world=asgard\nexpect **Asgard** is burning", args: "asgard --at URL",
			out: line + "The cloud takes vmss-asgard-1_.* at vmss-asgard-2.*Back after", said: 3,
		},
	} {
		if tt.before != "" {
			play(tt.before)
		}
		var out, trouble strings.Builder
		args := strings.Fields("hearth evict " + strings.ReplaceAll(tt.args, "URL", p.URL()))
		code := run(t.Context(), args, func(string) string { return "" }, strings.NewReader(""), &out, &trouble)
		if code != tt.code {
			t.Errorf("%s: got code %d, want %d", tt.name, code, tt.code)
		}
		for what, got := range map[string][2]string{"output": {out.String(), tt.out}, "trouble": {trouble.String(), tt.err}} {
			if (got[1] == "") != (got[0] == "") || !regexp.MustCompile(got[1]).MatchString(got[0]) {
				t.Errorf("%s: got %s\n%s\nwant\n%s", tt.name, what, got[0], got[1])
			}
		}
		// The last word of it may still be on its way.
		said := evictions(p)
		for over := time.Now().Add(time.Minute); said < tt.said && time.Now().Before(over); said = evictions(p) {
			<-time.After(10 * time.Millisecond)
		}
		if said != tt.said {
			t.Errorf("%s: people were told of %d evictions, want %d", tt.name, said, tt.said)
		}
	}
}

// evictions counts those that people were told of.
func evictions(p *playground.Playground) (n int) {
	for _, m := range p.Discord().Messages() {
		if strings.Contains(m.Content, "The cloud takes the machine of") {
			n++
		}
	}
	return n
}
