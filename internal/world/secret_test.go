package world_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"hearth/internal/world"
)

const canary = "Canary-Hunter2"

// TestSecretsStayIn prints secrets in every way that fmt, JSON and slog know.
func TestSecretsStayIn(t *testing.T) {
	s, tok := world.Secret(canary), world.Token(canary)
	c := world.Config{ID: "midgard", Password: s}
	re := world.Reply{Application: "app", Token: tok}
	type outer struct {
		C world.Config
		R []world.Reply
		M map[world.Secret]world.Token
	}
	all := outer{c, []world.Reply{re}, map[world.Secret]world.Token{s: tok}}
	values := map[string]any{
		"secret": s, "secret pointer": &s, "token": tok, "token pointer": &tok, "config": c, "config pointer": &c,
		"reply": re, "nested": all, "list": []any{s, tok, c, re}, "error": fmt.Errorf("start %s: %w", s, errors.New(tok.String())),
	}
	verbs := strings.Split("%v %+v %#v %s %q %x %X %d %t %f %c %U %b %e %10s %-10q %.3s %T", " ") // %p and %w ask no method of a string; go vet refuses them
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			for _, verb := range verbs {
				if out := fmt.Sprintf(verb, v); leaks(out) {
					t.Errorf("%s: got %s", verb, out)
				}
			}
			if out := fmt.Sprint(v) + fmt.Sprintln(v, v); leaks(out) {
				t.Errorf("Sprint: got %s", out)
			}
			var out bytes.Buffer
			slog.New(slog.NewTextHandler(&out, nil)).Info("text", "value", v)
			if leaks(out.String()) {
				t.Errorf("slog text: got %s", out.String())
			}
		})
	}
	for name, v := range map[string]any{"secret": s, "token": tok} {
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", name, v, "group", slog.GroupValue(slog.Any(name, v)))
		if leaks(out.String()) {
			t.Errorf("slog JSON of a %s: got %s", name, out.String())
		}
	}
	for name, v := range map[string]any{"secret": s, "config": c} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if leaks(string(b)) {
			t.Errorf("JSON of a %s: got %s", name, b)
		}
	}
}

// leaks looks for the canary, whole, in parts or in hexadecimal.
func leaks(out string) bool {
	low := strings.ToLower(out)
	return strings.Contains(low, "canary") || strings.Contains(low, "hunter") || strings.Contains(low, "can,") ||
		strings.Contains(low, fmt.Sprintf("%x", "anary"))
}

func TestSecretsCanBeUsed(t *testing.T) {
	if got := world.Secret(canary).Reveal() + world.Token(canary).Reveal(); got != canary+canary {
		t.Errorf("Reveal: got %q", got)
	}
	if got := world.Secret("").String() + world.Token("").String(); got != "" {
		t.Errorf("empty ones print as %q, want nothing: that none is set may be seen", got)
	}
	b, err := json.Marshal(world.Reply{Application: "app", Token: canary})
	if err != nil {
		t.Fatal(err)
	}
	var back world.Reply
	if err := json.Unmarshal(b, &back); err != nil || back.Token != canary {
		t.Errorf("a token must come back from the row: got %q, %v", back.Token.Reveal(), err)
	}
}
