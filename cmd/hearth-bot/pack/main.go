// Command pack builds the packages of the function app: for each platform a zip
// with host.json, the functions' folders and the bot's executable, as the
// Functions platform runs it. The same commit makes the same bytes.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program, for main and for tests. args[0] is the program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("pack", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", ".", "the checkout")
	out := flags.String("out", "dist", "the folder for the packages")
	platforms := flags.String("platforms", "windows-amd64 linux-amd64", "what to build for: names such as linux-arm64, with blanks between")
	version := flags.String("version", "", "the version to stamp (default: what git says of the commit)")
	if err := flags.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	err := packAll(ctx, *root, *out, *platforms, *version, stdout)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "pack: %v\n", err) // a terminal that is gone is nobody's business
		return 1
	}
	return 0
}

func packAll(ctx context.Context, root, out, platforms, version string, stdout io.Writer) error {
	var all []platform
	for name := range strings.FieldsSeq(platforms) {
		p, err := parsePlatform(name)
		if err != nil {
			return err
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return fmt.Errorf("no platform: name some, such as -platforms %q", "windows-amd64 linux-amd64")
	}
	if version == "" {
		var err error
		if version, err = describe(ctx, root); err != nil {
			return err
		}
	}
	for _, p := range all {
		path, size, err := pack(ctx, root, out, p, version)
		if err != nil {
			return fmt.Errorf("pack for %s: %w", p, err)
		}
		if _, err := fmt.Fprintf(stdout, "%s  %s  %.2f MB\n", path, version, float64(size)/1e6); err != nil {
			return err
		}
	}
	return nil
}

// describe is what git says of the commit: its tag of a version, or its hash,
// with -dirty behind it if there are changes.
func describe(ctx context.Context, root string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", "-C", root, "describe", "--always", "--dirty", "--abbrev=12", "--match=v*") //nolint:gosec // the folder is named by whoever builds
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("ask git for the version: %w: %s: outside of a checkout give -version", err, strings.TrimSpace(complaint.String()))
	}
	return strings.TrimSpace(out.String()), nil
}
