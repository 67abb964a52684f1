package explain

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/internal/valheim"
)

// event is what happened, as the document says it: line, type, and the fields
// of that type. A field that the log does not tell is null.
type event struct {
	line   int64
	kind   string
	fields []field
}

type field struct {
	key   string
	value any // string, int, int64, float64 or bool; nil for unknown
}

// JSON writes what a log means as one document:
//
//	{"events": [{"line": 7, "type": "spawned", "player": "Bo", "owner": -3738881258, "id": null}, …],
//	 "online": {"count": 1, "players": ["Bo"]}}
//
// Lines are counted from 1. An owner that no 64-bit integer holds is text. In
// players, null is somebody whose character the log does not tell. Types and
// their fields:
//
//	version          version, network          listening          signal
//	joincode         code                      connecting         id, playfab
//	connected        id                        spawned            player, owner, id
//	respawned        player, owner             died               player
//	disconnected     player, owner, id, reason aborted            id, playfab
//	rejected         reason, player, id, playfab, mine, theirs
//	link_lost        playfab, id               link_restored      playfab, id
//	saved            ms                        save_skipped       detail
//	day              day, printed              raid               event
//	count            count, source             error              detail
//	stopping, stopped, crashed   pid           update_started
//	update_finished  updated
//
// The beginning of a save and the signals of an impatient stop are in the
// words alone.
func JSON(log io.Reader, out io.Writer) error {
	var events []event
	e, err := walk(log, func(h valheim.Happening) {
		if ev, ok := newEvent(h); ok {
			events = append(events, ev)
		}
	}, func() error { return nil })
	if err != nil {
		return err
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.line, b.line) })
	players := make([]any, 0, len(e.roster.Players)+e.roster.Authenticated)
	for _, p := range e.roster.Players {
		players = append(players, text(p.Name))
	}
	for range e.roster.Authenticated {
		players = append(players, nil)
	}
	w := bufio.NewWriter(out)
	_, _ = w.WriteString(`{"events": [`)
	for i, ev := range events {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_, _ = w.WriteString("\n  ")
		writeObject(w, append([]field{{"line", ev.line}, {"type", ev.kind}}, ev.fields...))
	}
	_, _ = w.WriteString("\n],\n\"online\": ")
	writeObject(w, []field{{"count", len(players)}, {"players", players}})
	_, _ = w.WriteString("}\n")
	return w.Flush()
}

func writeObject(w *bufio.Writer, fields []field) {
	_ = w.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			_, _ = w.WriteString(", ")
		}
		value, err := json.Marshal(f.value)
		if err != nil { // the types of field.value have no errors
			value = []byte("null")
		}
		_, _ = fmt.Fprintf(w, "%q: %s", f.key, value)
	}
	_ = w.WriteByte('}')
}

// text is a string, or nil for an empty one.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// number is an integer, or nil for none.
func number(s string) any {
	if s == "" {
		return nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	return s
}

// newEvent says a happening in the document's terms; ok is false if it has
// none.
func newEvent(h valheim.Happening) (e event, ok bool) {
	e.line = h.Number
	say := func(kind string, fields ...field) (event, bool) {
		e.kind, e.fields = kind, fields
		return e, true
	}
	player, owner, id := field{"player", text(h.Player.Name)}, field{"owner", number(h.Player.Owner)}, field{"id", text(h.PlatformID)}
	socket, detail := field{"playfab", text(h.Socket)}, field{"detail", text(h.Detail)}
	switch h.Kind {
	case valheim.VersionKnown:
		return say("version", field{"version", h.Version}, field{"network", number(h.Network)})
	case valheim.Listening:
		return say("listening", field{"signal", h.Signal})
	case valheim.JoinCode:
		return say("joincode", field{"code", h.Code})
	case valheim.Connecting:
		return say("connecting", id, socket)
	case valheim.Connected:
		return say("connected", id)
	case valheim.Spawned:
		return say("spawned", player, owner, id)
	case valheim.Respawned:
		return say("respawned", player, owner)
	case valheim.Died:
		return say("died", player)
	case valheim.Disconnected:
		return say("disconnected", player, owner, id, field{"reason", h.Reason})
	case valheim.GaveUp:
		return say("aborted", id, socket)
	case valheim.Refused:
		return say("rejected", field{"reason", h.Detail}, player, id, socket, field{"mine", text(h.Mine)}, field{"theirs", text(h.Theirs)})
	case valheim.LinkLost:
		return say("link_lost", socket, id)
	case valheim.LinkRestored:
		return say("link_restored", socket, id)
	case valheim.Saved:
		return say("saved", field{"ms", float64(h.Took) / float64(time.Millisecond)})
	case valheim.SaveSkipped:
		return say("save_skipped", detail)
	case valheim.Day:
		return say("day", field{"day", h.Count}, field{"printed", h.Count - 1})
	case valheim.Raid:
		return say("raid", field{"event", h.Detail})
	case valheim.Counted:
		return say("count", field{"count", h.Count}, field{"source", "connections"})
	case valheim.Stopping, valheim.Stopped, valheim.Crashed:
		return say(string(h.Kind), field{"pid", pid(h.Line)})
	case valheim.Fault:
		return say("error", detail)
	case valheim.UpdateStarted:
		return say("update_started")
	case valheim.UpdateFinished:
		return say("update_finished", field{"updated", h.Count > 0})
	default:
		return event{}, false
	}
}

var scriptPID = regexp.MustCompile(`Valheim server with PID (\d{1,18})`)

// pid is the game's process, where a container's script names it.
func pid(line string) any {
	if !strings.Contains(line, "PID") {
		return nil
	}
	if m := scriptPID.FindStringSubmatch(line); m != nil {
		return number(m[1])
	}
	return nil
}
