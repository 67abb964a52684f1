package words

import (
	"hearth/internal/world"
)

func startButton(c *world.Config, s *world.State) world.Button {
	return world.Button{Label: "Light it", Emoji: "🔥", Style: world.StyleSuccess, Action: action(world.CmdStart, c, s)}
}

func stopButton(c *world.Config, s *world.State) world.Button {
	return world.Button{Label: "Put it out", Emoji: "🌙", Style: world.StyleSecondary, Action: action(world.CmdStop, c, s)}
}

func joinButton(c *world.Config, s *world.State) world.Button {
	return world.Button{Label: "How to join", Emoji: "🚪", Style: world.StylePrimary, Action: action(world.CmdJoin, c, s)}
}

// stopNowButton is the keeper's; the worker sees to that.
func stopNowButton(c *world.Config, s *world.State) world.Button {
	return world.Button{Label: "Save and stop now", Emoji: "💾", Style: world.StyleDanger, Action: action(world.CmdStopNow, c, s)}
}

func keepGoingButton(c *world.Config, s *world.State) world.Button {
	return world.Button{Label: "Never mind", Style: world.StyleSecondary, Action: action(world.CmdKeepGoing, c, s)}
}

func action(cmd world.CommandName, c *world.Config, s *world.State) string {
	return world.Action{Command: cmd, World: c.ID, Operation: s.Session.ID}.String()
}
