package simhost

import (
	"net/http"
	"slices"
	"strings"

	"hearth/internal/sim/simhost/app"
)

// route finds the function for a path and method: under the prefix, ignoring
// case, a literal segment before a parameter. A route whose methods do not fit
// is no match, so that the answer is 404, as the host's.
func (h *Host) route(r *http.Request) (g *group, f app.Function, params map[string]string, ok bool) {
	segments := split(r.URL.Path)
	for _, p := range split(h.app.RoutePrefix) {
		if len(segments) == 0 || !strings.EqualFold(segments[0], p) {
			return nil, f, nil, false
		}
		segments = segments[1:]
	}
	best := ""
	for _, gr := range h.groups {
		for _, fn := range gr.functions {
			if fn.Trigger.Type != app.HTTPTrigger || len(fn.Trigger.Methods) > 0 && !slices.Contains(fn.Trigger.Methods, r.Method) {
				continue
			}
			if p, shape, fits := match(split(fn.Trigger.Route), segments); fits && (!ok || shape < best) {
				g, f, params, best, ok = gr, fn, p, shape, true
			}
		}
	}
	return g, f, params, ok
}

func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// match compares a route with a path. shape orders routes that fit: a literal
// before a parameter before a rest.
func match(route, path []string) (params map[string]string, shape string, ok bool) {
	params = map[string]string{}
	for i, part := range route {
		name, isParam := parameter(part)
		switch {
		case !isParam && (i >= len(path) || !strings.EqualFold(part, path[i])):
			return nil, "", false
		case !isParam:
			shape += "a"
		case strings.HasPrefix(name, "*"):
			params[strings.TrimLeft(name, "*")] = strings.Join(path[min(i, len(path)):], "/")
			return params, shape + "c", true
		case i < len(path):
			params[strings.TrimSuffix(name, "?")] = path[i]
			shape += "b"
		case !strings.HasSuffix(name, "?"):
			return nil, "", false
		}
	}
	return params, shape, len(path) <= len(route)
}

func parameter(part string) (name string, ok bool) {
	if strings.HasPrefix(part, "{") && strings.HasSuffix(part, "}") {
		return part[1 : len(part)-1], true
	}
	return "", false
}
