package discord

import (
	"fmt"

	disgo "github.com/disgoorg/disgo/discord"

	"hearth/internal/world"
)

const maxChoices = 25

// Commands are the slash commands of a guild with these worlds (at most 25;
// the rest is left out). Each has a choice of world, which must be made only
// where there is one to make.
func Commands(worlds []world.Config) []disgo.ApplicationCommandCreate {
	var commands []disgo.ApplicationCommandCreate
	for _, c := range []struct {
		name        world.CommandName
		description string // at most 100 characters
		options     []disgo.ApplicationCommandOption
	}{
		{world.CmdStart, "Light the fire: wake the world up so that you can play", nil},
		{world.CmdStop, "Save the world and let the fire go out", nil},
		{world.CmdStatus, "See whether the fire burns and who sits around it", nil},
		{world.CmdJoin, "How to get in: address and password, for your eyes only", nil},
		// Who is a keeper may be a role's matter; Discord's own permissions
		// know nothing of it, so everybody is offered this one.
		{world.CmdLog, "For keepers: the last lines of the game's log, into the keeper's channel", linesOption()},
	} {
		commands = append(commands, disgo.SlashCommandCreate{
			Name:        string(c.name),
			Description: c.description,
			Options:     append(worldOption(worlds), c.options...), // what must be chosen comes first
			// Without these a PUT would offer the commands in direct
			// messages as well.
			Contexts:         []disgo.InteractionContextType{disgo.InteractionContextTypeGuild},
			IntegrationTypes: []disgo.ApplicationIntegrationType{disgo.ApplicationIntegrationTypeGuildInstall},
		})
	}
	return commands
}

func linesOption() []disgo.ApplicationCommandOption {
	least, most := 1, world.MaxTailLines
	return []disgo.ApplicationCommandOption{disgo.ApplicationCommandOptionInt{
		Name: optionLines, Description: "How many lines", MinValue: &least, MaxValue: &most,
	}}
}

func worldOption(worlds []world.Config) []disgo.ApplicationCommandOption {
	if len(worlds) == 0 {
		return nil
	}
	seen := map[string]int{}
	for _, w := range worlds {
		seen[w.Name]++
	}
	var choices []disgo.ApplicationCommandOptionChoiceString
	for _, w := range worlds[:min(len(worlds), maxChoices)] {
		name := w.Name
		switch {
		case name == "":
			name = w.ID
		case seen[name] > 1: // two lines that read the same are no choice
			name = fmt.Sprintf("%s (%s)", name, w.ID)
		}
		choices = append(choices, disgo.ApplicationCommandOptionChoiceString{Name: cut(name, 100), Value: w.ID})
	}
	return []disgo.ApplicationCommandOption{disgo.ApplicationCommandOptionString{
		Name:        optionWorld,
		Description: "Which world",
		Required:    len(worlds) > 1,
		Choices:     choices,
	}}
}
