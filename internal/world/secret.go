package world

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "REDACTED"

// Secret is a configured credential. It prints REDACTED in fmt, JSON and
// slog; Reveal gives the value to the one call that needs it.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString implements fmt.GoStringer, for %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// Format implements fmt.Formatter: a verb that does not fit text would print
// the bytes themselves, past String.
func (s Secret) Format(f fmt.State, verb rune) { format(f, verb, s.String(), s.GoString()) }

func format(f fmt.State, verb rune, text, source string) {
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		text = source
	}
	_, _ = io.WriteString(f, text) // fmt's own buffer: it does not fail
}

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps the secret out of JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Token is the key to one interaction's answer. Like a Secret it never prints,
// but it is written to JSON: the row must keep it for the 15 minutes it lives.
type Token string

// Reveal returns the token itself.
func (t Token) Reveal() string { return string(t) }

// String implements fmt.Stringer.
func (t Token) String() string { return Secret(t).String() }

// GoString implements fmt.GoStringer, for %#v.
func (t Token) GoString() string { return Secret(t).GoString() }

// Format implements fmt.Formatter, as Secret's does.
func (t Token) Format(f fmt.State, verb rune) { Secret(t).Format(f, verb) }

// LogValue implements slog.LogValuer.
func (t Token) LogValue() slog.Value { return Secret(t).LogValue() }
