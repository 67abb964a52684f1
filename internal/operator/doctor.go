package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hearth/internal/discord"
	"hearth/internal/probe"
	"hearth/internal/settings"
	"hearth/internal/world"
)

// groupWithin bounds each group of checks; they run beside each other.
const groupWithin = time.Minute

// Verdict of a check.
type Verdict int

// Verdicts.
const (
	OK Verdict = iota
	Wrong
	Unknown // it could not be looked at
)

// Finding is what a check found: one line.
type Finding struct {
	Verdict Verdict
	About   string
	Says    string // how it is; what is wrong and how to mend it; why it is unknown
}

// String is the line.
func (f Finding) String() string {
	about, says := oneLine(f.About), oneLine(f.Says)
	switch f.Verdict {
	case OK:
		return fmt.Sprintf("ok    %s: %s", about, says)
	case Wrong:
		return fmt.Sprintf("WRONG %s: %s", about, says)
	default:
		return fmt.Sprintf("?     %s: could not be looked at, because %s", about, says)
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// findings are those of one group, in order.
type findings []Finding

func (f *findings) ok(about, format string, args ...any) {
	*f = append(*f, Finding{OK, about, fmt.Sprintf(format, args...)})
}

func (f *findings) wrong(about, format string, args ...any) {
	*f = append(*f, Finding{Wrong, about, fmt.Sprintf(format, args...)})
}

func (f *findings) unknown(about, format string, args ...any) {
	*f = append(*f, Finding{Unknown, about, fmt.Sprintf(format, args...)})
}

// Doctor looks at a whole deployment and changes nothing.
type Doctor struct {
	// Getenv gives the bot's settings, and References tells which of them were
	// references.
	Getenv     func(string) string
	References []settings.Reference
	Version    string // of Hearth
	// Probe asks the endpoint as Discord would; nil: nobody does.
	Probe *probe.Key
	// Login gives tokens for Azure; its errors say what to do.
	Login azcore.TokenCredential
	Clock world.Clock
	// HTTP asks the app, and ARM Azure Resource Manager; nil: as always.
	HTTP http.RoundTripper
	ARM  policy.Transporter
	Out  io.Writer
}

// examination is one run of a Doctor.
type examination struct {
	*Doctor
	c       *settings.Config
	chat    *discord.Client // nil: noChat says why
	noChat  string
	app     func() (discord.Application, error) // asked once
	noWorld bool                                // the worlds are not known
}

// Run prints a line for every check and then a summary, and tells how many found
// something wrong, and how many could not look.
func (d *Doctor) Run(ctx context.Context) (wrong, unknown int) {
	e, first := d.begin(ctx)
	groups := []struct {
		name  string
		check func(context.Context, *findings)
	}{
		{"Discord", e.checkDiscord},
		{"The app", e.checkApp},
		{"Storage", e.checkStorage},
		{"Azure", e.checkAzure},
	}
	results := make([]chan findings, len(groups))
	var running sync.WaitGroup
	for i, g := range groups {
		results[i] = make(chan findings, 1)
		running.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, groupWithin)
			defer cancel()
			var f findings
			g.check(ctx, &f)
			results[i] <- f
		})
	}
	tell := func(name string, of findings) {
		d.say("%s", name)
		for _, f := range of {
			d.say("  %s", f)
			switch f.Verdict {
			case Wrong:
				wrong++
			case Unknown:
				unknown++
			case OK:
			}
		}
	}
	tell("Settings", first)
	for i, g := range groups {
		tell(g.name, <-results[i])
	}
	running.Wait()
	d.say("\n%s", summary(wrong, unknown))
	return wrong, unknown
}

func summary(wrong, unknown int) string {
	text := "All is well."
	switch {
	case wrong == 1:
		text = "One thing is wrong: mend it, then run this again."
	case wrong > 1:
		text = fmt.Sprintf("%d things are wrong. Mend the first one first, then run this again: others may come of it.", wrong)
	case unknown > 0:
		text = "Nothing is wrong in what could be looked at."
	}
	if unknown > 0 {
		text += fmt.Sprintf(" %s not be looked at.", count(unknown, "thing could", "things could"))
	}
	return text
}

func (d *Doctor) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.Out, format+"\n", args...) // a terminal that is gone is nobody's business
}

// begin reads the settings.
func (d *Doctor) begin(ctx context.Context) (*examination, findings) {
	const about = "settings"
	e := &examination{Doctor: d}
	var (
		f   findings
		err error
	)
	e.c, err = settings.Source{Getenv: d.Getenv, References: d.References}.Load()
	open := func(setting string) bool { // it is a reference yet, and told below
		return slices.ContainsFunc(d.References, func(r settings.Reference) bool { return r.Setting == setting && r.Why != "" })
	}
	if bad, ok := errors.AsType[*settings.Error](err); ok {
		for _, p := range bad.Problems {
			if !open(p.Setting) {
				f.wrong(about, "%s", p.Err)
			}
		}
		e.noWorld = len(bad.Of(settings.Worlds)) > 0
	}
	if e.c.NoToken != nil && !open(settings.Token) {
		f.wrong(about, "%s", e.c.NoToken)
	}
	if len(f) == 0 {
		f.ok(about, "they are all there, and have the right form")
	}
	tellReferences(&f, d.References)
	o := e.c.Discord
	o.Version = d.Version
	if e.chat, err = discord.NewClient(o); err != nil {
		e.chat, e.noChat = nil, "the settings for it are wrong"
	}
	e.app = sync.OnceValues(func() (discord.Application, error) { return e.chat.Application(ctx) })
	return e, f
}

// tellReferences says of the settings that are secrets of a vault whether they are
// there. That they are is as it should be.
func tellReferences(f *findings, refs []settings.Reference) {
	const about = "secrets"
	resolved, unseen := map[string][]string{}, map[string][]string{} // settings, by vault, and by that and why
	for _, r := range refs {
		of := "in the vault " + r.Secret.Vault
		switch {
		case r.Why == "":
			resolved[of] = append(resolved[of], r.Setting)
		case r.Unseen:
			unseen[of+", "+r.Why] = append(unseen[of+", "+r.Why], r.Setting)
		default:
			f.wrong(about, "%s", r.Err())
		}
	}
	for _, why := range slices.Sorted(maps.Keys(unseen)) {
		f.unknown(about, "%s: %s", strings.Join(unseen[why], ", "), why)
	}
	for _, of := range slices.Sorted(maps.Keys(resolved)) {
		f.ok(about, "%s: %s", strings.Join(resolved[of], ", "), of)
	}
}

// refusal is what Discord's error means.
func (e *examination) refusal(err error) string {
	return Refusal(err, e.c.Discord.Application, e.c.Guild.ID)
}
