package program_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"testing"
	"time"

	"hearth/internal/deploy/program"
)

// TestMain is also the program that the tests run.
func TestMain(m *testing.M) {
	switch os.Getenv("PROGRAM_TEST") {
	case "speak":
		fmt.Println("one", strings.Join(os.Args[1:], "|"))
		fmt.Print("two")
		fmt.Fprintln(os.Stderr, "trouble")
		if len(os.Args) > 1 {
			os.Exit(7)
		}
		os.Exit(0)
	case "group":
		fmt.Print(leadsItsGroup())
		os.Exit(0)
	case "linger": // ends in order when it is interrupted, once
		c := make(chan os.Signal, 2)
		signal.Notify(c, os.Interrupt)
		fmt.Println("ready")
		<-c
		select {
		case <-c:
			fmt.Println("interrupted twice")
		case <-time.After(300 * time.Millisecond):
			fmt.Println("saved")
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func self(string) (string, error) { return os.Executable() }

func TestRun(t *testing.T) {
	for name, tc := range map[string]struct {
		c       program.Command
		look    func(string) (string, error)
		code    int // -1: none
		is      error
		logged  bool
		stdout  string
		stderr  string
		numbers []string
	}{
		"well":    {program.Command{}, self, 0, nil, true, "one \ntwo", "trouble\n", []string{"one ", "two"}},
		"badly":   {program.Command{Args: []string{"a b", "c"}}, self, 7, nil, true, "one a b|c\ntwo", "trouble\n", []string{"one a b|c", "two"}},
		"private": {program.Command{Private: true}, self, 0, nil, false, "one \ntwo", "trouble\n", []string{"one ", "two"}},
		"missing": {program.Command{}, func(string) (string, error) { return "", errors.New("no") }, -1, program.ErrMissing, false, "", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			var got []string
			tc.c.Name, tc.c.Env, tc.c.Line = "speaker", []string{"PROGRAM_TEST=speak"}, func(s string) { got = append(got, s) }
			r := &program.Runner{Look: tc.look, Log: &log}
			out, err := r.Run(t.Context(), tc.c)
			failed, ok := errors.AsType[*program.Error](err)
			if ok != (tc.code != 0) || ok && (failed.Code != tc.code || tc.is != nil && !errors.Is(err, tc.is)) {
				t.Errorf("error %v, want code %d", err, tc.code)
			}
			if out.Stdout != tc.stdout || out.Stderr != tc.stderr {
				t.Errorf("said %q and %q", out.Stdout, out.Stderr)
			}
			if fmt.Sprint(got) != fmt.Sprint(tc.numbers) {
				t.Errorf("lines %q, want %q", got, tc.numbers)
			}
			if logged := strings.Contains(log.String(), "trouble"); logged != tc.logged {
				t.Errorf("log %q, want its output there: %v", log.String(), tc.logged)
			}
			if err != nil && strings.Contains(err.Error(), "trouble") {
				t.Errorf("the error tells what the program said: %v", err)
			}
		})
	}
}

// TestApart: a terminal's Ctrl-C, which goes to a whole group, reaches no program but
// through here, so that none is interrupted twice.
func TestApart(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("has no groups of this kind")
	}
	r := &program.Runner{Look: self}
	out, err := r.Run(t.Context(), program.Command{Name: "member", Env: []string{"PROGRAM_TEST=group"}})
	if err != nil || out.Stdout != "true" {
		t.Errorf("it leads a group of its own: %s, %v", out.Stdout, err)
	}
}

// TestEndsInOrder: a program that is broken off, or late, is interrupted once and
// may tidy up.
func TestEndsInOrder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs signals")
	}
	for name, tc := range map[string]struct {
		within time.Duration
		is     error
	}{"broken off": {time.Minute, program.ErrBrokenOff}, "late": {time.Second, program.ErrLate}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r := &program.Runner{Look: self}
			out, err := r.Run(ctx, program.Command{
				Name: "lingerer", Env: []string{"PROGRAM_TEST=linger"}, Within: tc.within, Grace: 20 * time.Second,
				Line: func(string) {
					if errors.Is(tc.is, program.ErrBrokenOff) {
						cancel()
					}
				},
			})
			if !errors.Is(err, tc.is) || !strings.HasSuffix(out.Stdout, "saved\n") {
				t.Errorf("got %v, %q; want %v and that it saved", err, out.Stdout, tc.is)
			}
		})
	}
}
