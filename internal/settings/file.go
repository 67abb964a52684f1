package settings

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// FromFile reads a file of settings: lines of NAME=VALUE, of which empty ones and
// those that begin with # are skipped; or, if it begins with a brace or bracket,
// one of the two forms that Azure's tools write: local.settings.json, and what
// `az functionapp config appsettings list` prints. It returns the settings as
// Load takes them, and no error of it shows a value.
func FromFile(name string) (getenv func(string) string, err error) {
	text, err := os.ReadFile(name) //nolint:gosec // the keeper names the file
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	values, err := parse(strings.TrimPrefix(string(text), "\ufeff")) // as Windows' editors begin a file
	if err != nil {
		return nil, fmt.Errorf("read settings: %s %w", name, err)
	}
	return func(name string) string { return values[name] }, nil
}

func parse(text string) (map[string]string, error) {
	switch trimmed := strings.TrimSpace(text); {
	case strings.HasPrefix(trimmed, "{"):
		return parseLocal(trimmed)
	case strings.HasPrefix(trimmed, "["):
		return parseList(trimmed)
	}
	return parseLines(text)
}

// parseLocal reads local.settings.json.
func parseLocal(text string) (map[string]string, error) {
	var doc struct {
		IsEncrypted bool
		Values      map[string]string
	}
	switch err := json.Unmarshal([]byte(text), &doc); {
	case err != nil || doc.Values == nil:
		return nil, fmt.Errorf(`begins as local.settings.json does and is none: it is {"IsEncrypted": false, "Values": {"NAME": "VALUE"}}`)
	case doc.IsEncrypted:
		return nil, fmt.Errorf("is encrypted: run `func settings decrypt` beside it first")
	}
	return doc.Values, nil
}

// parseList reads what the Azure CLI prints of an app's settings.
func parseList(text string) (map[string]string, error) {
	var list []struct{ Name, Value string }
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf(`begins as a list and is none of [{"name": "NAME", "value": "VALUE"}], as az functionapp config appsettings list prints it`)
	}
	values := map[string]string{}
	for _, s := range list {
		values[s.Name] = s.Value
	}
	return values, nil
}

func parseLines(text string) (map[string]string, error) {
	values := map[string]string{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		switch _, twice := values[name]; {
		case !ok || name == "" || strings.ContainsAny(name, " \t\"'"):
			return nil, fmt.Errorf("line %d is not NAME=VALUE: write each setting on one line, without export and quotes", number)
		case twice:
			return nil, fmt.Errorf("line %d sets %s again: remove one of the two", number, name)
		}
		values[name] = strings.TrimSpace(value)
	}
	return values, nil
}
