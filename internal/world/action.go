package world

import (
	"fmt"
	"strings"
)

// Action is what a button does, written into its custom_id. Version 1 is
// "h1:<command>:<world>:<operation>". Everything in it is looked up and
// decided again by the worker: a custom_id grants nothing.
type Action struct {
	Command   CommandName
	World     string
	Operation string // the operation it was made for, or empty
}

const actionVersion = "h1"

// String is the custom_id, at most 100 characters.
func (a Action) String() string {
	return strings.Join([]string{actionVersion, string(a.Command), a.World, a.Operation}, ":")
}

// ParseAction reads a custom_id; ErrMalformed for one of another version or
// form.
func ParseAction(id string) (Action, error) {
	parts := strings.SplitN(id, ":", 4)
	if len(parts) != 4 || parts[0] != actionVersion || len(id) > 100 || !IsWorldID(parts[2]) {
		return Action{}, fmt.Errorf("custom_id: %w", ErrMalformed)
	}
	a := Action{Command: CommandName(parts[1]), World: parts[2], Operation: parts[3]}
	switch a.Command {
	case CmdStart, CmdStop, CmdStatus, CmdJoin, CmdStopWhenEmpty, CmdStopNow, CmdKeepGoing, CmdKeepAwake, CmdPayAsYouGo, CmdRaiseCap, CmdTidy:
		return a, nil
	case CmdLog: // it is typed only
	}
	return Action{}, fmt.Errorf("custom_id: %w: command %q", ErrMalformed, parts[1])
}
