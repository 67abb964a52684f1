package worldtest_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A suite that nothing fails proves nothing. So each suite is run on copies of
// an implementation that break one promise each, and every one of its cases
// must be seen to fail on the copy that breaks its own.

// brokenCopy is an implementation with one promise broken.
type brokenCopy struct {
	name  string // what it does
	fails string // the case that must notice
	run   func(t *testing.T)
}

// honest names the run of a suite on the implementation as it is.
const honest = "honest"

func suites() map[string][]brokenCopy {
	return map[string][]brokenCopy{
		"queue": brokenQueues(), "store": brokenStores(), "lease": brokenLeases(),
		"compute": brokenComputes(), "metadata": brokenMetadatas(), "chat": brokenChats(), "game": brokenGames(),
		"archive": brokenArchives(), "estate": brokenEstates(), "console": brokenConsoles(),
	}
}

// childSuite names the suite that a child process runs on all its copies.
const childSuite = "HEARTH_TEST_BROKEN_SUITE"

// TestChild fails on purpose: it is the body of TestBrokenCopies' children, and
// does nothing in any other run.
func TestChild(t *testing.T) {
	for _, c := range suites()[os.Getenv(childSuite)] {
		t.Run(c.name, c.run)
	}
}

func TestBrokenCopies(t *testing.T) {
	all := suites()
	for _, suite := range slices.Sorted(maps.Keys(all)) {
		t.Run(suite, func(t *testing.T) {
			t.Parallel() // one child process each
			out, results := runChild(t, suite)
			cases := results[honest]
			if len(cases) == 0 {
				t.Fatalf("the child ran no case:\n%s", out)
			}
			noticed := map[string]bool{}
			for _, c := range all[suite] {
				failed := failures(results[c.name])
				switch {
				case c.name == honest && len(failed) > 0:
					t.Errorf("the honest one fails %q:\n%s", failed, out)
				case c.name == honest:
				case len(results[c.name]) != len(cases):
					t.Errorf("copy %q: %d of %d cases ran:\n%s", c.name, len(results[c.name]), len(cases), out)
				case !slices.Contains(failed, c.fails):
					t.Errorf("copy %q fails %q, want %q among them", c.name, failed, c.fails)
				case len(failed) == len(cases):
					t.Errorf("copy %q fails every case: it is not broken, it is no %s", c.name, suite)
				default:
					noticed[c.fails] = true
				}
			}
			for _, name := range slices.Sorted(maps.Keys(cases)) {
				if !noticed[name] {
					t.Errorf("case %q was not seen to fail: add a copy that breaks what it checks", name)
				}
			}
		})
	}
}

// runChild runs a suite on all its copies in another process, since a test
// that fails can't be taken back. The results are by copy and case: whether it
// passed.
func runChild(t *testing.T, suite string) (out string, results map[string]map[string]bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$", "-test.v", "-test.timeout=3m")
	cmd.Env = append(os.Environ(), childSuite+"="+suite)
	b, err := cmd.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatalf("run child: %v", err)
	}
	ended := regexp.MustCompile(`(?m)^\s*--- (PASS|FAIL): TestChild/([^/\s]+)/([^/\s]+) \(`)
	results = map[string]map[string]bool{}
	for _, m := range ended.FindAllSubmatch(b, -1) {
		name := plain(string(m[2]))
		if results[name] == nil {
			results[name] = map[string]bool{}
		}
		results[name][plain(string(m[3]))] = string(m[1]) == "PASS"
	}
	return string(b), results
}

// plain undoes what package testing does to the spaces in a name.
func plain(name string) string { return strings.ReplaceAll(name, "_", " ") }

func failures(results map[string]bool) []string {
	var failed []string
	for _, name := range slices.Sorted(maps.Keys(results)) {
		if !results[name] {
			failed = append(failed, name)
		}
	}
	return failed
}

// deaf is a context that is never canceled.
func deaf(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }
