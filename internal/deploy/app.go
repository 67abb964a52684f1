package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"hearth/internal/settings"
)

const (
	publishWithin = 20 * time.Minute
	answerWithin  = 20 * time.Second // an app that sleeps takes some seconds
	answerEvery   = 5 * time.Second
	answerFor     = 10 * time.Minute // Azure takes its time to start a new package
	refreshEvery  = 2 * time.Minute  // by then a new right may be known
	maxAnswer     = 64 << 10         // bytes of the app's that are read
)

// publish brings the package to the app, unless it runs it already.
func (d *Deployment) publish(ctx context.Context, o outputs) (string, error) {
	if h := d.health(ctx, o); d.exact && h.Version == d.version {
		return "version " + d.version + " is there already", nil
	}
	c := d.azCommand("functionapp", "deployment", "source", "config-zip", "--resource-group", o.ResourceGroup, "--name", o.FunctionApp,
		"--src", filepath.FromSlash(d.packageName()), "--timeout", fmt.Sprint(int(publishWithin.Seconds())), "--output", "none")
	c.Within = publishWithin
	if _, err := d.Run.Run(ctx, c); err != nil {
		return "", d.explain(err)
	}
	d.note("the bot")
	return "version " + d.version + " is published to " + o.FunctionApp, nil
}

// health is what the app tells of itself.
type health struct {
	Status   int // 0: there was no answer
	Version  string
	Settings map[string]bool // whether they are set
}

func (d *Deployment) health(ctx context.Context, o outputs) health {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.HealthURL, nil)
	if err != nil {
		return health{}
	}
	req.Header.Set("User-Agent", "hearth-deploy/"+d.Version)
	transport := d.HTTP
	if transport == nil {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return health{}
	}
	defer func() { _ = resp.Body.Close() }() // read
	h := health{}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil && resp.StatusCode == http.StatusOK {
		_ = json.Unmarshal(body, &h) // what is no answer of Hearth's has no version
	}
	h.Status = resp.StatusCode
	return h
}

// awaitApp waits until the app runs this package and has the bot's token. Azure
// looks up a secret when the app is made, which is before there was one, and perhaps
// before it knows that the app may read it; and then once a day: it is told to look
// again.
func (d *Deployment) awaitApp(ctx context.Context, o outputs) (string, error) {
	began := d.Clock.Now()
	refreshed := began
	refresh := func() error {
		refreshed = d.Clock.Now()
		return d.refresh(ctx, o)
	}
	if d.fresh {
		if err := refresh(); err != nil {
			return "", err
		}
	}
	var h health
	for { // it is looked at once at least, however long the rest took
		h = d.health(ctx, o)
		right := h.Version == d.version
		if right && h.Settings[settings.Token] {
			return fmt.Sprintf("%s, version %s", o.HealthURL, h.Version), nil
		}
		// Without its other secrets the bot does not start.
		lacks := right || h.Status >= http.StatusInternalServerError
		if lacks && d.Clock.Now().Sub(refreshed) >= refreshEvery {
			if err := refresh(); err != nil {
				return "", err
			}
		}
		if d.Clock.Now().Sub(began) >= answerFor {
			break
		}
		if err := d.pause(ctx, answerEvery); err != nil {
			return "", err
		}
	}
	look := fmt.Sprintf("az webapp log tail --name %s --resource-group %s --subscription %s", o.FunctionApp, o.ResourceGroup, d.wants.subscription)
	switch {
	case h.Version == d.version:
		return "", problem("The bot runs, but Azure does not hand it the token: in the portal open the function app %s, Settings, Environment variables, choose Pull reference values, and see what it says of %s. Then run this again.", o.FunctionApp, settings.Token)
	case h.Version != "":
		return "", problem("The app still runs the version %s: restart it (az functionapp restart --name %s --resource-group %s --subscription %s), then run this again.", h.Version, o.FunctionApp, o.ResourceGroup, d.wants.subscription)
	case h.Status == 0:
		return "", problem("%s does not answer, for %s now: check this machine's network, and look at the app's log:\n  %s\nThen run this again.", o.HealthURL, took(answerFor), look)
	case h.Status >= http.StatusInternalServerError:
		return "", problem("The bot does not start: the app answers %d. Its log names what is wrong with its settings:\n  %s\nThen run this again.", h.Status, look)
	default:
		return "", problem("The app answers %d, and that is not Hearth's bot yet. Look at its log:\n  %s\nThen run this again.", h.Status, look)
	}
}

// refresh makes Azure look up the app's secrets now, and starts the app with them.
// The first is a help and no more: the second mostly does it, too.
func (d *Deployment) refresh(ctx context.Context, o outputs) error {
	const api = "https://management.azure.com/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Web/sites/%s/config/configreferences/appsettings/refresh?api-version=2022-03-01"
	// What comes of it shows in the app's health.
	_, _ = d.Run.Run(ctx, d.azCommand("rest", "--method", "post", "--url", fmt.Sprintf(api, d.wants.subscription, o.ResourceGroup, o.FunctionApp), "--output", "none"))
	_, err := d.az(ctx, "functionapp", "restart", "--name", o.FunctionApp, "--resource-group", o.ResourceGroup, "--output", "none")
	return err
}
