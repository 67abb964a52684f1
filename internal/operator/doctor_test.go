package operator_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"
	"github.com/google/go-cmp/cmp"

	"hearth/internal/azure/account"
	"hearth/internal/azure/bloblease"
	"hearth/internal/azure/storage"
	"hearth/internal/bot"
	"hearth/internal/clock"
	"hearth/internal/discord"
	"hearth/internal/operator"
	"hearth/internal/probe"
	"hearth/internal/settings"
	"hearth/internal/sim/azurite/azuritetest"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/web"
	"hearth/internal/world"
)

var update = flag.Bool("update", false, "write the golden files anew")

// service is the one Azurite of this package's tests.
var service azuritetest.Shared

func TestMain(m *testing.M) {
	code := m.Run()
	service.Close()
	os.Exit(code)
}

const (
	worlds = `[{"id":"midgard","name":"Midgard","password":"canary-of-the-game","placements":[
		{"id":"vmss-midgard-1","size":"Standard_D2ads_v5","region":"eastus2"},{"id":"vmss-midgard-2","size":"Standard_D2ds_v5","region":"westus2"}]}]`
	token = "canary-of-the-bots-token"
)

// deployment is a whole one, all of whose parts are right.
type deployment struct {
	t        *testing.T
	settings map[string]string
	discord  *simdiscord.Discord
	arm      *wire.ARM
	app      http.HandlerFunc // in place of the right one
	direct   bool             // the app is asked over the network
	key      *probe.Key
	login    *operator.Login
	trust    *http.Client
	listed   *settings.Source // what the keeper has of the settings; nil: what the app has
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// endpoint is where Discord finds the app.
const endpoint = "https://hearth-bot.azurewebsites.net/api/interactions"

func deploy(t *testing.T) *deployment {
	t.Helper()
	return deployAt(t, endpoint)
}

// deployAt is one whose app Discord asks at another address.
func deployAt(t *testing.T, address string) *deployment {
	t.Helper()
	d := &deployment{t: t}
	d.openDiscord(address)
	d.openAzure()
	d.openStorage()
	client, err := discord.NewClient(discord.ClientOptions{URL: d.settings["DISCORD_API_URL"], Application: simdiscord.DefaultApplicationID, Token: token})
	must(t, err)
	ws, err := world.ParseWorlds(worlds)
	must(t, err)
	must(t, client.Register(t.Context(), simdiscord.DefaultGuildID, ws))
	return d
}

func (d *deployment) openDiscord(address string) {
	t := d.t
	file := filepath.Join(t.TempDir(), "probe.key")
	public, err := probe.NewKey(file)
	must(t, err)
	key, err := probe.LoadKey(file)
	must(t, err)
	d.key = &key
	d.discord, err = simdiscord.New(simdiscord.Options{
		Clock: clock.System{}, Seed: bytes.Repeat([]byte{7}, 32), BotToken: token, BadSignatureEvery: 1, EndpointURL: address,
		Deliver: web.Deliver(&http.Client{Transport: d}, address),
	})
	must(t, err)
	t.Cleanup(d.discord.Close)
	api := httptest.NewServer(web.Handler(d.discord, web.Options{Clock: clock.System{}}))
	t.Cleanup(api.Close)
	d.settings = map[string]string{
		"DISCORD_APPLICATION_ID": simdiscord.DefaultApplicationID, "DISCORD_PUBLIC_KEY": d.discord.PublicKey(), "DISCORD_BOT_TOKEN": token,
		"DISCORD_GUILD_ID": simdiscord.DefaultGuildID, "DISCORD_CHANNEL_ID": simdiscord.DefaultChannelID,
		"DISCORD_KEEPER_ROLE_ID": simdiscord.DefaultKeeperRoleID, "DISCORD_KEEPER_CHANNEL_ID": simdiscord.DefaultKeeperChannelID,
		"DISCORD_API_URL": api.URL + simdiscord.APIPrefix, "HEARTH_WORLDS": worlds, "HEARTH_PROBE_KEY": public,
		"HEARTH_BOT_KEY": "canary-of-the-bots-own-key-which-is-long", "HEARTH_AGENT_KEY_MIDGARD": "canary-of-midgards-key",
	}
}

// RoundTrip implements http.RoundTripper: the way to the app, whatever its host.
func (d *deployment) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	if d.app != nil {
		d.app(rec, r)
	} else {
		d.serve(rec, r)
	}
	return rec.Result(), nil
}

// serve is the app: the real interactions handler, and a health function with the
// form of the bot's.
func (d *deployment) serve(w http.ResponseWriter, r *http.Request) {
	c, err := settings.Load(func(name string) string { return d.settings[name] })
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/api/interactions":
		in := &bot.Interactions{Verifier: c.Verifier, Probe: c.Probe, Guild: c.Guild, Worlds: c.Worlds, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)}
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		a := in.Take(r.Method, r.Header, body.Bytes())
		w.WriteHeader(a.Status)
		_, _ = w.Write(a.Body)
	case "/api/health":
		var ids []string
		for _, world := range c.Worlds {
			ids = append(ids, world.ID)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"version": "v1.2.3", "worlds": ids, "settings": c.Set, "events": map[string]int{}})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (d *deployment) openAzure() {
	t := d.t
	ws, err := world.ParseWorlds(worlds)
	must(t, err)
	cloud, err := simcloud.New(simcloud.Options{Clock: clock.System{}, Placements: ws[0].Placements})
	must(t, err)
	t.Cleanup(func() { must(t, cloud.Close(context.Background())) })
	d.arm, err = wire.ServeARM(context.Background(), cloud, wire.ARMOptions{Clock: clock.System{}})
	must(t, err)
	t.Cleanup(d.arm.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(d.arm.CertificatePEM)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	d.trust = &http.Client{Transport: transport}
	d.settings["AZURE_SUBSCRIPTION_ID"], d.settings["HEARTH_RESOURCE_GROUP"], d.settings["HEARTH_ARM_URL"] = wire.DefaultSubscription, wire.DefaultResourceGroup, d.arm.URL
	d.login = &operator.Login{Token: world.Secret(d.arm.Login()), ARM: d.arm.URL, Clock: clock.System{}, Run: noAz}
}

func noAz(context.Context, ...string) ([]byte, error) { return nil, errors.New("not logged in") }

// openStorage makes what a deployment makes, or what a test took away.
func (d *deployment) openStorage() {
	t := d.t
	d.settings["AzureWebJobsStorage"] = service.Server(t).ConnectionString()
	a, err := account.Open(account.Options{ConnectionString: world.Secret(d.settings["AzureWebJobsStorage"])})
	must(t, err)
	s, err := storage.Open(a)
	must(t, err)
	l, err := bloblease.New(a)
	must(t, err)
	must(t, errors.Join(s.Provision(t.Context(), []string{"midgard"}), l.Provision(t.Context(), []string{"midgard"})))
	if _, err := d.queue("events-poison").Delete(t.Context(), nil); err != nil && account.Code(err) != "QueueNotFound" {
		t.Fatal(err)
	}
}

func (d *deployment) queue(name string) *azqueue.QueueClient {
	q, err := azqueue.NewQueueClientFromConnectionString(d.settings["AzureWebJobsStorage"], name, nil)
	must(d.t, err)
	return q
}

// look runs the doctor. No line of what it says holds a secret.
func (d *deployment) look() (wrong, unknown int, out string) {
	d.t.Helper()
	var text strings.Builder
	doctor := &operator.Doctor{
		Getenv: func(name string) string { return d.settings[name] }, Version: "test", Probe: d.key, Login: d.login,
		Clock: clock.System{}, HTTP: d, ARM: d.trust, Out: &text,
	}
	if d.direct {
		doctor.HTTP = nil
	}
	if d.listed != nil {
		doctor.Getenv, doctor.References = d.listed.Getenv, d.listed.References
	}
	wrong, unknown = doctor.Run(d.t.Context())
	out = text.String()
	secrets := []string{"canary", "Eby8", d.login.Token.Reveal(), d.arm.IdentityHeader}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(out, secret) {
			d.t.Errorf("the doctor shows the secret %q:\n%s", secret, out)
		}
	}
	return wrong, unknown, out
}

// TestDoctorAllWell: the whole of what is said of a deployment that is right.
func TestDoctorAllWell(t *testing.T) {
	d := deploy(t)
	wrong, unknown, out := d.look()
	if wrong != 0 || unknown != 0 {
		t.Errorf("%d wrong, %d unknown", wrong, unknown)
	}
	if *update {
		must(t, os.WriteFile("testdata/doctor.txt", []byte(out), 0o600))
	}
	want, err := os.ReadFile("testdata/doctor.txt")
	must(t, err)
	if diff := cmp.Diff(string(want), out); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// TestDoctorAddress: what Discord takes for the endpoint's address.
func TestDoctorAddress(t *testing.T) {
	for address, want := range map[string]string{
		"":                                      "WRONG endpoint's address: Discord has none",
		"http://hearth-bot.azurewebsites.net/x": "WRONG endpoint's address: Discord has http://hearth-bot.azurewebsites.net/x, which is not https",
		"hearth":                                "WRONG endpoint's address: Discord has hearth, which is no address",
		"http://127.0.0.1:8080/x":               "ok endpoint's address: http://127.0.0.1:8080/x",
		endpoint + "?code=canary":               "ok endpoint's address: " + endpoint,
	} {
		_, _, out := deployAt(t, address).look()
		if got := lines(out)["endpoint's address"]; !strings.HasPrefix(got, want) {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	}
}

// TestDoctorAppUnreachable: an app that gives no answer is told as such.
func TestDoctorAppUnreachable(t *testing.T) {
	d := deployAt(t, "http://127.0.0.1:1/api/interactions")
	d.direct = true
	_, _, out := d.look()
	for _, about := range []string{"endpoint refuses strangers", "app"} {
		if got, want := lines(out)[about], "WRONG "+about+": 127.0.0.1:1 can't be reached: check that the app runs"; !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestDoctorFinds: one thing is broken, and the lines about it change, no other.
func TestDoctorFinds(t *testing.T) {
	good := deploy(t)
	_, _, out := good.look()
	before := lines(out)
	shape := func(change func(*wire.SetShape)) func(*deployment) {
		return func(d *deployment) { d.arm.Shape("vmss-midgard-1", change) }
	}
	allow := func(change func(*wire.Account)) func(*deployment) {
		return func(d *deployment) { d.arm.Allow(change) }
	}
	set := func(name, value string) func(*deployment) {
		return func(d *deployment) { d.settings[name] = value }
	}
	// The app keeps what it was deployed with.
	onlyHere := func(name, value string) func(*deployment) {
		return func(d *deployment) {
			app := &deployment{t: d.t, settings: maps.Clone(d.settings)}
			d.app = app.serve
			d.settings[name] = value
		}
	}
	answers := func(path string, status int, body string) func(*deployment) {
		return func(d *deployment) {
			d.app = func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != path {
					d.serve(w, r)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			}
		}
	}
	const set1, rest1, rest2 = "scale set vmss-midgard-1", "what stays of vmss-midgard-1", "what stays of vmss-midgard-2"
	const room1, room2 = "room for Standard_D2ads_v5 in eastus2", "room for Standard_D2ds_v5 in westus2"
	for name, tc := range map[string]struct {
		do    func(*deployment)
		wants []string // the beginnings of the lines that change, as they are then; no others do
	}{
		"setting missing":       {onlyHere("HEARTH_BOT_KEY", ""), []string{"WRONG settings: HEARTH_BOT_KEY is missing"}},
		"setting misformed":     {onlyHere("DISCORD_KEEPER_ROLE_ID", "keeper"), []string{"WRONG settings: DISCORD_KEEPER_ROLE_ID is \"keeper\"", "WRONG keepers' role: the server has no role keeper"}},
		"token missing":         {onlyHere("DISCORD_BOT_TOKEN", ""), append([]string{"WRONG settings: DISCORD_BOT_TOKEN is empty", "? bot token: "}, unknown("application", "public key", "endpoint's address", "server", "channel", "keepers' channel", "keepers' role", "commands", "endpoint refuses strangers", "endpoint answers", "app")...)},
		"token of nobody":       {onlyHere("DISCORD_BOT_TOKEN", "canary-of-another"), append([]string{"WRONG bot token: Discord does not know the bot's token"}, unknown("application", "public key", "endpoint's address", "server", "channel", "keepers' channel", "keepers' role", "commands", "endpoint refuses strangers", "endpoint answers", "app")...)},
		"another application":   {set("DISCORD_APPLICATION_ID", "1100"), []string{"WRONG application: DISCORD_APPLICATION_ID is 1100, and the token is that of " + simdiscord.DefaultApplicationID, "WRONG commands: the token belongs to another application"}},
		"another public key":    {onlyHere("DISCORD_PUBLIC_KEY", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"), []string{"WRONG public key: DISCORD_PUBLIC_KEY is not the application's"}},
		"address taken away":    {takeAway, append([]string{"WRONG endpoint's address: Discord has none"}, unknown("endpoint refuses strangers", "endpoint answers", "app")...)},
		"another server":        {set("DISCORD_GUILD_ID", "1200"), append([]string{"WRONG server: there is no server 1200", "WRONG commands: the application is not in the server 1200"}, unknown("channel", "keepers' channel", "keepers' role")...)},
		"no such channel":       {set("DISCORD_CHANNEL_ID", "1300"), []string{"WRONG channel: there is no channel 1300"}},
		"may not see":           {deny(simdiscord.DefaultChannelID, 1<<10), []string{"WRONG channel: the bot does not see channel " + simdiscord.DefaultChannelID}},
		"may not write":         {deny(simdiscord.DefaultChannelID, 1<<11), []string{"WRONG channel: in #valheim the bot lacks Send Messages:"}},
		"may not embed":         {deny(simdiscord.DefaultKeeperChannelID, 1<<14|1<<16), []string{"WRONG keepers' channel: in #keepers the bot lacks Embed Links and Read Message History:"}},
		"no keepers' channel":   {set("DISCORD_KEEPER_CHANNEL_ID", ""), []string{"ok keepers' channel: none is set"}},
		"no such role":          {set("DISCORD_KEEPER_ROLE_ID", "1400"), []string{"WRONG keepers' role: the server has no role 1400"}},
		"everybody is a keeper": {set("DISCORD_KEEPER_ROLE_ID", simdiscord.DefaultGuildID), []string{"WRONG keepers' role: DISCORD_KEEPER_ROLE_ID is the server's own id"}},
		"no role":               {set("DISCORD_KEEPER_ROLE_ID", ""), []string{"ok keepers' role: none is set"}},
		"commands changed":      {func(d *deployment) { d.call("PATCH", "/"+d.discord.Commands()[0].ID, `{"description":"x"}`) }, []string{"WRONG commands: run hearth register, which does: ~ /start: description"}},
		"a foreign command":     {func(d *deployment) { d.call("POST", "", `{"name":"dance","description":"x"}`) }, []string{fmt.Sprintf("ok commands: %d, as they should be; beside them /dance", len(good.discord.Commands()))}},
		"not invited":           {func(d *deployment) { d.discord.Uninvite(true) }, []string{"WRONG commands: the application is not in the server " + simdiscord.DefaultGuildID + ", or was invited without its commands: open https://discord.com/oauth2/authorize?client_id="}},

		"no key for the endpoint":  {func(d *deployment) { d.key = nil }, []string{"? endpoint answers: could not be looked at, because no key for it was given: hearth probe --new-key"}},
		"the app has not this key": {set("HEARTH_PROBE_KEY", ""), []string{"WRONG endpoint answers: status 401"}},
		"no function there":        {answers("/api/interactions", 404, ""), []string{"WRONG endpoint refuses strangers: there is no such function", "WRONG endpoint answers: status 404"}},
		"takes everything":         {answers("/api/interactions", 200, `{"type":1}`), []string{"WRONG endpoint refuses strangers: an unsigned request gets 200 in place of 401"}},
		"the app fails":            {answers("/api/interactions", 500, ""), []string{"WRONG endpoint refuses strangers: the app answers 500", "WRONG endpoint answers: status 500"}},
		"no health":                {answers("/api/health", 404, ""), []string{"WRONG app: its health function answers 404"}},
		"another's health":         {answers("/api/health", 200, `{}`), []string{"WRONG app: https://hearth-bot.azurewebsites.net/api/health is not Hearth's health function"}},
		"the app has other worlds": {answers("/api/health", 200, `{"version":"v1","worlds":["asgard"],"settings":{}}`), []string{"WRONG app: hearth-bot v1 runs with other settings than these: it has world asgard, which HEARTH_WORLDS has not here; it has no world midgard"}},
		"the app has no token":     {answers("/api/health", 200, `{"version":"v1","worlds":["midgard"],"settings":{"DISCORD_BOT_TOKEN":false}}`), []string{"WRONG app: hearth-bot v1 runs with other settings than these: it has no DISCORD_BOT_TOKEN"}},

		"account does not answer": {set("AzureWebJobsStorage", strings.ReplaceAll(good.settings["AzureWebJobsStorage"], "http://127.0.0.1:", "http://127.0.0.1:1/")), append([]string{"WRONG storage account: "}, unknown("queues", "events set aside", "tables", "leases")...)},
		"account key wrong":       {set("AzureWebJobsStorage", strings.Replace(good.settings["AzureWebJobsStorage"], "AccountKey=Eby8", "AccountKey=Fby8", 1)), append([]string{"WRONG storage account: "}, unknown("queues", "events set aside", "tables", "leases")...)},
		"account by a name": {func(d *deployment) {
			d.settings["AzureWebJobsStorage"] = ""
			d.settings["AzureWebJobsStorage__accountName"] = "hearth"
		}, append([]string{"WRONG storage account: look at queue events: the Azure CLI gives no token: run az login"}, unknown("queues", "events set aside", "tables", "leases")...)},
		"no queue of orders": {func(d *deployment) { _, err := d.queue("orders-midgard").Delete(d.t.Context(), nil); must(d.t, err) }, []string{"WRONG queues: there is no orders-midgard: apply the deployment again"}},
		"no queue of events": {func(d *deployment) { _, err := d.queue("events").Delete(d.t.Context(), nil); must(d.t, err) }, []string{"WRONG queues: there is no events: apply"}},
		"events set aside":   {func(d *deployment) { poison(d, 2) }, []string{"WRONG events set aside: 2 events wait in events-poison"}},
		"queue of poison":    {func(d *deployment) { poison(d, 0) }, []string{"ok events set aside: none"}},
		"no table":           {func(d *deployment) { dropTable(d, "archive") }, []string{"WRONG tables: there is no archive: apply"}},
		"no lease":           {func(d *deployment) { dropContainer(d, "lease-midgard") }, []string{"WRONG leases: there is no lease-midgard: apply"}},

		"nobody logged in":     {func(d *deployment) { d.login.Token = "" }, unknown("subscription", "resource group", set1, "scale set vmss-midgard-2", rest1, rest2, room1, room2)},
		"token revoked":        {func(d *deployment) { d.arm.RevokeTokens() }, append([]string{"WRONG subscription: Azure does not take the token"}, unknown("resource group", set1, "scale set vmss-midgard-2", rest1, rest2, room1, room2)...)},
		"another subscription": {onlyHere("AZURE_SUBSCRIPTION_ID", "00000000-0000-0000-0000-000000000002"), append([]string{"WRONG subscription: there is no subscription 00000000-0000-0000-0000-000000000002"}, unknown("resource group", set1, "scale set vmss-midgard-2", rest1, rest2, room1, room2)...)},
		"may not read": {func(d *deployment) {
			d.arm.Fail(wire.Failure{Status: 403, Body: `{"error":{"code":"AuthorizationFailed","message":"canary"}}`})
		}, append([]string{"WRONG subscription: whoever is logged in may not read it"}, unknown("resource group", set1, "scale set vmss-midgard-2", rest1, rest2, room1, room2)...)},
		"subscription stopped": {allow(func(a *wire.Account) { a.State = "Disabled" }), []string{"WRONG subscription: Pretend is Disabled"}},
		"free trial":           {allow(func(a *wire.Account) { a.QuotaID = "FreeTrial_2014-09-01" }), []string{"WRONG subscription: Pretend is of the offer FreeTrial_2014-09-01, which has no spot machines"}},
		"spending limit":       {allow(func(a *wire.Account) { a.SpendingLimit = "On" }), []string{"ok subscription: Pretend (PayAsYouGo_2014-09-01); it has a spending limit"}},
		"another group":        {onlyHere("HEARTH_RESOURCE_GROUP", "other"), append([]string{"WRONG resource group: there is no resource group other"}, unknown(set1, "scale set vmss-midgard-2", rest1, rest2, room1, room2)...)},
		"no such set": {onlyHere("HEARTH_WORLDS", strings.Replace(worlds, "vmss-midgard-1", "vmss-midgard-3", 1)), []string{
			"WRONG scale set vmss-midgard-3: there is none in hearth-compute", "gone " + set1, "gone " + rest1, "gone " + room1,
		}},
		"uniform":             {shape(func(s *wire.SetShape) { s.Mode = "Uniform" }), []string{"WRONG " + set1 + ": its orchestration mode is Uniform, not Flexible"}},
		"full price":          {shape(func(s *wire.SetShape) { s.Priority = "Regular" }), []string{"WRONG " + set1 + ": its machines are regular ones at the full price"}},
		"kept when evicted":   {shape(func(s *wire.SetShape) { s.EvictionPolicy = "Deallocate" }), []string{"WRONG " + set1 + ": a machine that Azure takes back is kept (eviction policy Deallocate"}},
		"a highest price":     {shape(func(s *wire.SetShape) { s.MaxPrice = 0.02 }), []string{"WRONG " + set1 + ": it has a highest price of $0.02"}},
		"no boot diagnostics": {shape(func(s *wire.SetShape) { s.NoBootDiagnostics = true }), []string{"WRONG " + set1 + ": its boot diagnostics are off"}},
		"managed disk":        {shape(func(s *wire.SetShape) { s.Ephemeral = false }), []string{"WRONG " + set1 + ": its machines' disk is a managed one"}},
		"disk stays":          {shape(func(s *wire.SetShape) { s.Disk = "Detach" }), []string{"WRONG " + set1 + ": a machine's disk stays", "gone " + rest1}},
		"interface stays":     {shape(func(s *wire.SetShape) { s.Interface = "Detach" }), []string{"WRONG " + set1 + ": a machine's network interface stays", "gone " + rest1}},
		"nothing is said":     {shape(func(s *wire.SetShape) { s.Disk, s.Interface, s.Address = "", "", "" }), []string{"? " + rest1 + ": could not be looked at, because the scale set does not say what becomes of network interfaces and public addresses"}},
		"address stays":       {shape(func(s *wire.SetShape) { s.Address = "Detach" }), []string{"WRONG " + set1 + ": a machine's public address stays", "gone " + rest1}},
		"another size":        {shape(func(s *wire.SetShape) { s.Size = "Standard_D4ads_v5" }), []string{"WRONG " + set1 + ": its size is Standard_D4ads_v5, and HEARTH_WORLDS says Standard_D2ads_v5"}},
		"another region":      {shape(func(s *wire.SetShape) { s.Location = "westus2" }), []string{"WRONG " + set1 + ": it is in westus2, and HEARTH_WORLDS says eastus2", "gone " + room1, "ok room for Standard_D2ads_v5 in westus2"}},
		"regular wanted":      {onlyHere("HEARTH_WORLDS", strings.Replace(worlds, `"region":"eastus2"`, `"region":"eastus2","regular":true`, 1)), []string{"WRONG " + set1 + ": its machines are Spot ones, and HEARTH_WORLDS says regular", "ok " + room1}},
		"no spot cores":       {allow(func(a *wire.Account) { a.Quotas["lowPriorityCores"] = 0 }), []string{"WRONG " + room1 + ": a machine has 2 cores, and of the quota Total Regional Spot vCPUs only 0 of 0", "WRONG " + room2}},
		"spot cores used up":  {allow(func(a *wire.Account) { a.Used["lowPriorityCores"] = 2 }), []string{"WRONG " + room1 + ": a machine has 2 cores, and of the quota Total Regional Spot vCPUs only 1 of 3", "WRONG " + room2}},
		"size withheld":       {allow(func(a *wire.Account) { a.Withheld["Standard_D2ads_v5"] = "NotAvailableForSubscription" }), []string{"WRONG " + room1 + ": this subscription may not have it there (NotAvailableForSubscription)"}},
		"no spot of the size": {allow(func(a *wire.Account) { a.NoSpot["Standard_D2ds_v5"] = true }), []string{"WRONG " + room2 + ": there are no spot machines"}},
		"size without a disk": {onlyHere("HEARTH_WORLDS", strings.Replace(worlds, "Standard_D2ads_v5", "Standard_D2as_v5", 1)), []string{"WRONG " + set1 + ": its size is Standard_D2ads_v5", "gone " + room1, "WRONG room for Standard_D2as_v5 in eastus2: this size has no disk of its own"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := deploy(t)
			tc.do(d)
			wrong, _, out := d.look()
			after := lines(out)
			var changed []string
			for about, line := range after {
				if before[about] != line {
					changed = append(changed, line)
				}
			}
			for about := range before {
				if after[about] == "" {
					changed = append(changed, "gone "+about)
				}
			}
			for _, want := range tc.wants {
				at := slices.IndexFunc(changed, func(line string) bool { return strings.HasPrefix(line, want) })
				if at < 0 {
					t.Errorf("no line changed to %q", want)
					continue
				}
				changed = slices.Delete(changed, at, at+1)
			}
			if len(changed) > 0 {
				t.Errorf("changed as well:\n%s", strings.Join(changed, "\n"))
			}
			if isWrong := slices.ContainsFunc(tc.wants, func(w string) bool { return strings.HasPrefix(w, "WRONG") }); isWrong != (wrong > 0) {
				t.Errorf("%d wrong", wrong)
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// lines are those of an output, by what they are about, with one blank after the
// verdict.
func lines(out string) map[string]string {
	by := map[string]string{}
	for line := range strings.Lines(out) {
		line = strings.Join(strings.Fields(line), " ")
		verdict, rest, _ := strings.Cut(line, " ")
		about, _, ok := strings.Cut(rest, ": ")
		if ok && slices.Contains([]string{"ok", "WRONG", "?"}, verdict) {
			by[about] = line
		}
	}
	return by
}

// unknown are the beginnings of the lines about what could not be looked at.
func unknown(abouts ...string) []string {
	var all []string
	for _, about := range abouts {
		if strings.HasPrefix(about, "room ") || strings.HasPrefix(about, "what stays of ") {
			all = append(all, "gone "+about)
			continue
		}
		all = append(all, "? "+about+": could not be looked at, because ")
	}
	return all
}

func deny(channel string, bits uint64) func(*deployment) {
	return func(d *deployment) { d.discord.Deny(channel, bits) }
}

// call changes the commands as somebody else with the token would.
func (d *deployment) call(method, path, body string) {
	d.t.Helper()
	h := http.Header{"Authorization": {"Bot " + token}, "User-Agent": {"DiscordBot (https://example.org, 1.0)"}, "Content-Type": {"application/json"}}
	path = fmt.Sprintf("%s/applications/%s/guilds/%s/commands%s", simdiscord.APIPrefix, simdiscord.DefaultApplicationID, simdiscord.DefaultGuildID, path)
	if a, err := d.discord.Call(d.t.Context(), method, path, h, []byte(body)); err != nil || a.Status > 299 {
		d.t.Fatalf("%s %s: %d %s, %v", method, path, a.Status, a.Body, err)
	}
}

// takeAway makes Discord take the endpoint's address away: it does not refuse a
// bad signature.
func takeAway(d *deployment) {
	d.app = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"type":5}`))
	}
	_, err := d.discord.Interact(d.t.Context(), simdiscord.Request{
		Nonce: "n1", User: d.discord.People()[0].ID, Channel: simdiscord.DefaultChannelID, Kind: simdiscord.KindCommand, Command: "start",
	})
	must(d.t, err)
	if d.discord.EndpointDisabled() == "" {
		d.t.Fatal("an endpoint that takes everything was kept")
	}
	d.app = nil
}

func poison(d *deployment, n int) {
	q := d.queue("events-poison")
	_, err := q.Create(d.t.Context(), nil)
	must(d.t, err)
	for range n {
		_, err := q.EnqueueMessage(d.t.Context(), "x", nil)
		must(d.t, err)
	}
}

func dropTable(d *deployment, name string) {
	s, err := aztables.NewServiceClientFromConnectionString(d.settings["AzureWebJobsStorage"], nil)
	must(d.t, err)
	_, err = s.DeleteTable(d.t.Context(), name, nil)
	must(d.t, err)
}

func dropContainer(d *deployment, name string) {
	c, err := azblob.NewClientFromConnectionString(d.settings["AzureWebJobsStorage"], nil)
	must(d.t, err)
	_, err = c.DeleteContainer(d.t.Context(), name, nil)
	must(d.t, err)
}
