// Package deploytest is a deployment to practise on. Its programs stand in for
// terraform, az, go and git: they take exactly the arguments that are right, and keep
// in a file what they did. A Town is Discord, and the app as it was published.
package deploytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"hearth/internal/bot"
	"hearth/internal/clock"
	"hearth/internal/settings"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/web"
	"hearth/internal/world"
)

// Token is the bot's.
const Token = "canary-of-the-bots-token"

// Town is Discord, the app, and a folder with the programs.
type Town struct {
	Discord *simdiscord.Discord
	Folder  string
	tools   string
	api     *httptest.Server
	app     *httptest.Server
	deaf    atomic.Bool
}

// Open makes a town that keeps what it knows in the folder, which exists and is empty.
func Open(folder string) (*Town, error) {
	t := &Town{Folder: folder, tools: filepath.Join(folder, "tools")}
	t.app = httptest.NewServer(http.HandlerFunc(t.serve))
	var err error
	t.Discord, err = simdiscord.New(simdiscord.Options{
		Clock: clock.System{}, Seed: bytes.Repeat([]byte{7}, 32), BotToken: Token,
		Deliver: web.Deliver(http.DefaultClient, "http://127.0.0.1:1/"),
		Reach:   func(address string) simdiscord.Deliver { return web.Deliver(http.DefaultClient, address) },
	})
	if err != nil {
		return nil, err
	}
	t.api = httptest.NewServer(web.Handler(t.Discord, web.Options{Clock: clock.System{}}))
	c := &cloud{folder: folder, Faults: map[string]int{}, Settings: map[string]string{
		"DISCORD_APPLICATION_ID": simdiscord.DefaultApplicationID, "DISCORD_PUBLIC_KEY": t.Discord.PublicKey(),
		"DISCORD_BOT_TOKEN": "@Microsoft.KeyVault(SecretUri=https://hearth-abc123.vault.azure.net/secrets/discord-bot-token)",
		"DISCORD_GUILD_ID":  simdiscord.DefaultGuildID, "DISCORD_CHANNEL_ID": simdiscord.DefaultChannelID,
		"HEARTH_WORLDS": `[{"id":"midgard","name":"Midgard","placements":[{"id":"hearth-midgard-westeurope-d2ads_v5"}]}]`,
	}}
	if err := c.save(); err != nil {
		return nil, err
	}
	return t, t.link()
}

// link puts the programs into the town's folder: this test binary, under their names.
func (t *Town) link() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Mkdir(t.tools, 0o750); err != nil {
		return err
	}
	for _, name := range []string{"terraform", "az", "go", "git"} {
		if runtime.GOOS == "windows" {
			name += ".exe"
		}
		if err := os.Symlink(self, filepath.Join(t.tools, name)); err != nil {
			return err
		}
	}
	return nil
}

// Close ends it.
func (t *Town) Close() {
	t.api.Close()
	t.app.Close()
	t.Discord.Close()
}

// Env is what a process needs to live there: NAME, VALUE.
func (t *Town) Env(path string) map[string]string {
	return map[string]string{
		"PATH": t.tools + string(os.PathListSeparator) + path, folderVariable: t.Folder, urlVariable: t.app.URL,
		"DISCORD_API_URL": t.DiscordURL(),
	}
}

// DiscordURL is where Discord's API is.
func (t *Town) DiscordURL() string { return t.api.URL + simdiscord.APIPrefix }

// AppURL is where the app is.
func (t *Town) AppURL() string { return t.app.URL }

// Tool is the path of a program.
func (t *Town) Tool(name string) string { return filepath.Join(t.tools, name) }

// Lose takes a program away.
func (t *Town) Lose(name string) error { return os.Remove(t.Tool(name)) }

// prices is what Azure's list says of a size in a region.
const prices = `{"BillingCurrency":"USD","Count":4,"NextPageLink":null,"Items":[
{"currencyCode":"USD","retailPrice":0.195,"armRegionName":"westeurope","meterName":"D2ads v5","productName":"Virtual Machines Dadsv5 Series Windows","skuName":"D2ads v5","armSkuName":"Standard_D2ads_v5","type":"Consumption"},
{"currencyCode":"USD","retailPrice":0.0248,"armRegionName":"westeurope","meterName":"D2ads v5 Low Priority","productName":"Virtual Machines Dadsv5 Series","skuName":"D2ads v5 Low Priority","armSkuName":"Standard_D2ads_v5","type":"Consumption"},
{"currencyCode":"USD","retailPrice":0.0171,"armRegionName":"westeurope","meterName":"D2ads v5 Spot","productName":"Virtual Machines Dadsv5 Series","skuName":"D2ads v5 Spot","armSkuName":"Standard_D2ads_v5","type":"Consumption"},
{"currencyCode":"USD","retailPrice":0.124,"armRegionName":"westeurope","meterName":"D2ads v5","productName":"Virtual Machines Dadsv5 Series","skuName":"D2ads v5","armSkuName":"Standard_D2ads_v5","type":"Consumption"}]}`

// Deaf has the app verify nothing of what it is sent, which Discord does not take.
func (t *Town) Deaf(on bool) { t.deaf.Store(on) }

// Fault makes something go wrong the next n times.
func (t *Town) Fault(name string, n int) error {
	c, err := load(t.Folder)
	if err != nil {
		return err
	}
	c.Faults[name] = n
	return c.save()
}

// Calls are what the programs were called with, a line each.
func (t *Town) Calls() (string, error) {
	text, err := os.ReadFile(filepath.Join(t.Folder, "calls"))
	return string(text), err
}

// Is tells of the cloud what tests look at.
func (t *Town) Is() (applied bool, token, published string, remote bool, err error) {
	c, err := load(t.Folder)
	if err != nil {
		return false, "", "", false, err
	}
	return c.Applied, c.Token, c.Published, c.Remote, nil
}

// serve is the app: nothing until it is published, then Hearth's real handler for
// interactions, and a health function with the form of the bot's.
func (t *Town) serve(w http.ResponseWriter, r *http.Request) {
	c, err := load(t.Folder)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if r.URL.Path == "/api/retail/prices" { // Azure's, which is no part of the app
		_, _ = fmt.Fprint(w, prices)
		return
	}
	if c.Published == "" || c.Faults["app-starts-not"] > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/api/health":
		version := c.Published
		if c.Faults["app-stays-old"] > 0 {
			version = "older"
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"version": version, "worlds": []string{"midgard"}, "settings": map[string]bool{"DISCORD_BOT_TOKEN": c.Resolved}})
	case "/api/interactions":
		if t.deaf.Load() {
			_, _ = fmt.Fprint(w, `{"type":1}`)
			return
		}
		t.interact(w, r, c)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (t *Town) interact(w http.ResponseWriter, r *http.Request, c *cloud) {
	conf, _ := settings.Load(func(name string) string { return c.Settings[name] }) // what an endpoint needs of it is right
	in := &bot.Interactions{Verifier: conf.Verifier, Guild: conf.Guild, Worlds: []world.Config{}, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)}
	var body bytes.Buffer
	_, _ = body.ReadFrom(r.Body)
	a := in.Take(r.Method, r.Header, body.Bytes())
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}
