package worldtest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"hearth/internal/world"
)

// ConsoleUnderTest is an implementation of world.Console and the hands that the
// suite needs on the machines behind it. Every field is required.
type ConsoleUnderTest struct {
	Console world.Console
	// Machine and Other are machines that have written nothing yet. There is no
	// Missing.
	Machine, Other, Missing string
	// Write lets a machine write on its console, and waits until that is there.
	Write func(t *testing.T, machine string, text []byte)
	// FailCall makes the next call fail for a reason that passes.
	FailCall func(t *testing.T)
}

// Console runs the contract of world.Console. open gives new machines to each
// case; it cleans up by t.Cleanup.
func Console(t *testing.T, open func(t *testing.T) ConsoleUnderTest) {
	t.Helper()
	for _, tc := range []struct {
		name string
		run  func(t *testing.T, u ConsoleUnderTest)
	}{
		{"nothing written yet", consoleEmpty},
		{"as it was written", consoleVerbatim},
		{"more of it later", consoleGrows},
		{"the end of much", consoleEnd},
		{"just as much as is read", consoleFull},
		{"each machine its own", consoleOther},
		{"missing machine", consoleMissing},
		{"passing trouble", consolePassing},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, open(t)) })
	}
}

func consoleEmpty(t *testing.T, u ConsoleUnderTest) { consoleWant(t, u, u.Machine, nil) }

func consoleVerbatim(t *testing.T, u ConsoleUnderTest) {
	text := []byte("[    0.0] boot\r\n\x1b[0;32mgreen\x1b[0m \x00 \xff\xfe é\n\r\nno end of line")
	u.Write(t, u.Machine, text)
	consoleWant(t, u, u.Machine, text)
	consoleWant(t, u, u.Machine, text)
}

func consoleGrows(t *testing.T, u ConsoleUnderTest) {
	u.Write(t, u.Machine, []byte("one\n"))
	consoleWant(t, u, u.Machine, []byte("one\n"))
	u.Write(t, u.Machine, []byte("two\n"))
	consoleWant(t, u, u.Machine, []byte("one\ntwo\n"))
}

func consoleEnd(t *testing.T, u ConsoleUnderTest) {
	text := consoleLines(3 * world.MaxConsoleBytes)
	u.Write(t, u.Machine, text)
	consoleWant(t, u, u.Machine, text[len(text)-world.MaxConsoleBytes:])
}

func consoleFull(t *testing.T, u ConsoleUnderTest) {
	text := consoleLines(world.MaxConsoleBytes)[:world.MaxConsoleBytes]
	u.Write(t, u.Machine, text)
	consoleWant(t, u, u.Machine, text)
	u.Write(t, u.Machine, []byte("!"))
	consoleWant(t, u, u.Machine, append(text[1:], '!'))
}

func consoleOther(t *testing.T, u ConsoleUnderTest) {
	u.Write(t, u.Machine, []byte("mine\n"))
	consoleWant(t, u, u.Other, nil)
	u.Write(t, u.Other, []byte("its own\n"))
	consoleWant(t, u, u.Machine, []byte("mine\n"))
	consoleWant(t, u, u.Other, []byte("its own\n"))
}

func consoleMissing(t *testing.T, u ConsoleUnderTest) {
	for _, machine := range []string{u.Missing, "", "..", "a/b?c#d"} {
		text, err := u.Console.ReadConsole(t.Context(), machine)
		if ce := consoleError(t, err); ce.Class != world.ClassConfig || ce.Code == "" || ce.Message == "" || len(text) > 0 {
			t.Errorf("ReadConsole(%q): %q, class %q, code %q, message %q; want nothing, and config with code and message", machine, text, ce.Class, ce.Code, ce.Message)
		}
	}
}

func consolePassing(t *testing.T, u ConsoleUnderTest) {
	u.Write(t, u.Machine, []byte("x"))
	u.FailCall(t)
	text, err := u.Console.ReadConsole(t.Context(), u.Machine)
	if ce := consoleError(t, err); ce.Class != world.ClassTransient || ce.Code == "" || len(text) > 0 {
		t.Errorf("ReadConsole: %q, class %q, code %q; want nothing, and transient with a code", text, ce.Class, ce.Code)
	}
	consoleWant(t, u, u.Machine, []byte("x"))
}

// consoleLines are some more bytes than n, in lines that differ.
func consoleLines(n int) []byte {
	var text []byte
	for i := 0; len(text) <= n; i++ {
		text = fmt.Appendf(text, "[%12.6f] line %d of the console\r\n", float64(i)/10, i)
	}
	return text
}

func consoleWant(t *testing.T, u ConsoleUnderTest, machine string, want []byte) {
	t.Helper()
	got, err := u.Console.ReadConsole(t.Context(), machine)
	if err != nil {
		t.Fatalf("ReadConsole: %v", err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("ReadConsole: %d bytes, %.60q…; want %d bytes, %.60q…", len(got), got, len(want), want)
	}
}

func consoleError(t *testing.T, err error) *world.CloudError {
	t.Helper()
	ce, ok := errors.AsType[*world.CloudError](err)
	if !ok {
		t.Fatalf("error is %v (%T); want a *world.CloudError", err, err)
	}
	return ce
}
