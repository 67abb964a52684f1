package discord_test

import (
	"testing"

	"hearth/internal/discord/discordtest"
	"hearth/internal/world/worldtest/chattest"
)

func TestChatContract(t *testing.T) {
	chattest.Run(t, func(t *testing.T) chattest.Hands { return discordtest.Open(t) })
}
