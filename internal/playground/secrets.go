package playground

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// secrets are made at the first start and kept, so that a restart can still
// read what was signed and sealed before.
type secrets struct {
	DiscordSeed []byte `json:"discord_seed"` // of the pretend Discord's signing key, 32 bytes
	AgentKey    []byte `json:"agent_key"`    // what the agents' keys are made of, 32 bytes
	BotKey      []byte `json:"bot_key"`      // what the bot's own key is made of, 32 bytes
	BotToken    string `json:"bot_token"`
	Password    string `json:"password"` // of the game, for worlds without one
}

// agentKey is the key of a world's agent. Like the bot's it is text, such as a
// setting can hold.
func (s secrets) agentKey(worldID string) []byte {
	h := hmac.New(sha256.New, s.AgentKey)
	h.Write([]byte(worldID))
	return []byte(hex.EncodeToString(h.Sum(nil)))
}

func (s secrets) botKey() []byte { return []byte(hex.EncodeToString(s.BotKey)) }

func loadSecrets(dir string) (secrets, error) {
	path := filepath.Join(dir, "secrets.json")
	var s secrets
	b, err := os.ReadFile(path) //nolint:gosec // the folder is the user's own choice
	if err == nil {
		if err := json.Unmarshal(b, &s); err != nil || len(s.DiscordSeed) != 32 || len(s.AgentKey) != 32 || len(s.BotKey) != 32 || s.BotToken == "" {
			return s, fmt.Errorf("%s is damaged: delete it, and new keys are made (what is under way then starts over; no world is in it)", path)
		}
		return s, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("read secrets: %w", err)
	}
	s = secrets{DiscordSeed: make([]byte, 32), AgentKey: make([]byte, 32), BotKey: make([]byte, 32), BotToken: rand.Text(), Password: strings.ToLower(rand.Text()[:8])}
	for _, k := range [][]byte{s.DiscordSeed, s.AgentKey, s.BotKey} {
		if _, err := rand.Read(k); err != nil {
			return s, fmt.Errorf("make a key: %w", err)
		}
	}
	b, err = json.Marshal(s) //nolint:gosec // this file is where they are kept, 0600
	if err != nil {
		return s, fmt.Errorf("write secrets: %w", err)
	}
	return s, writeFile(path, b)
}
