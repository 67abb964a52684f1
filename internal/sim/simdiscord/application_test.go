package simdiscord_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"hearth/internal/discord"
	"hearth/internal/sim/simdiscord"
)

const application = "/applications/@me"

// TestSetEndpoint: an address is taken if what is there answers as it must, and
// interactions go there from then on.
func TestSetEndpoint(t *testing.T) {
	const old, right = "https://old.example.org/api/interactions", "https://new.example.org/api/interactions"
	for name, tc := range map[string]struct {
		body string
		code string // in the errors; empty: it is taken
		now  string // the address afterwards
	}{
		"right":             {`{"interactions_endpoint_url":"` + right + `"}`, "", right},
		"the same again":    {`{"interactions_endpoint_url":"` + old + `"}`, "", old},
		"does not verify":   {`{"interactions_endpoint_url":"https://careless.example.org/"}`, "APPLICATION_INTERACTIONS_ENDPOINT_URL_INVALID", old},
		"is not there":      {`{"interactions_endpoint_url":"https://nobody.example.org/"}`, "APPLICATION_INTERACTIONS_ENDPOINT_URL_INVALID", old},
		"not https":         {`{"interactions_endpoint_url":"http://new.example.org/"}`, "URL_TYPE_INVALID_SCHEME", old},
		"no address":        {`{"interactions_endpoint_url":"new.example.org"}`, "URL_TYPE_INVALID_URL", old},
		"a typing mistake":  {`{"interaction_endpoint_url":"` + right + `"}`, "UNKNOWN_FIELD", old},
		"a field of others": {`{"tags":["game"]}`, "NOT_PLAYED", old},
		"a number":          {`{"interactions_endpoint_url":5}`, "STRING_TYPE_CONVERT", old},
		"none":              {`{"interactions_endpoint_url":null}`, "", ""},
		"nothing":           {`{}`, "", old},
	} {
		t.Run(name, func(t *testing.T) {
			var w *world
			asked := map[string]int{}
			w = newWorld(t, func(o *simdiscord.Options) {
				o.EndpointURL = old
				o.Reach = func(address string) simdiscord.Deliver {
					return func(ctx context.Context, h http.Header, body []byte) (int, string, []byte, error) {
						asked[address]++
						switch address {
						case right:
							status, kind, text, err := rightEndpoint(t, w)(ctx, h, body)
							return status, kind, []byte(text), err
						case "https://careless.example.org/":
							return 200, "application/json", []byte(`{"type":1}`), nil
						}
						return 0, "", nil, context.DeadlineExceeded
					}
				}
			})
			w.registerStart()
			w.does(rightEndpoint(t, w))
			a, _ := w.call("PATCH", application, tc.body)
			if tc.code == "" && a.Status != 200 || tc.code != "" && (a.Status != 400 || !strings.Contains(string(a.Body), `"code":"`+tc.code+`"`)) {
				t.Errorf("got %d %s, want code %q", a.Status, a.Body, tc.code)
			}
			_, m := w.call("GET", application, "")
			if now, _ := m["interactions_endpoint_url"].(string); now != tc.now {
				t.Errorf("the address is %q, want %q", now, tc.now)
			}
			before := asked[right]
			out := w.interact(w.start("Bo"))
			if (out.State == simdiscord.StateDone) != (tc.now != "") {
				t.Errorf("an interaction: %+v", out)
			}
			if went := asked[right] > before; went != (tc.now == right) {
				t.Errorf("it went to the new address: %v", went)
			}
		})
	}
}

// TestSetEndpointNowhereToReach: without Reach another address is refused.
func TestSetEndpointNowhereToReach(t *testing.T) {
	w := newWorld(t)
	w.does(rightEndpoint(t, w))
	if a, _ := w.call("PATCH", application, `{"interactions_endpoint_url":"https://new.example.org/"}`); a.Status != 400 {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
}

// TestWhereTheBotIs: which guilds it is in, and their channels, as Hearth's client
// reads them.
func TestWhereTheBotIs(t *testing.T) {
	w := newWorld(t, func(o *simdiscord.Options) {
		o.Reach = func(string) simdiscord.Deliver { return nil } // not asked
	})
	c, err := discord.NewClient(discord.ClientOptions{
		URL: "http://discord.invalid" + simdiscord.APIPrefix, Application: simdiscord.DefaultApplicationID, Token: botToken, Transport: w.Transport(),
	})
	if err != nil {
		t.Fatal(err)
	}
	guilds, err := c.Guilds(t.Context())
	if err != nil || len(guilds) != 1 || guilds[0].ID != simdiscord.DefaultGuildID || guilds[0].Name != "The Hearth" {
		t.Errorf("guilds %+v, %v", guilds, err)
	}
	channels, err := c.Channels(t.Context(), simdiscord.DefaultGuildID)
	if err != nil || len(channels) != 3 || channels[0].Type == discord.TextChannel || channels[1].ID != channel || channels[1].Type != discord.TextChannel {
		t.Errorf("channels %+v, %v", channels, err)
	}
	w.Expel(true)
	if guilds, err := c.Guilds(t.Context()); err != nil || len(guilds) != 0 {
		t.Errorf("expelled: guilds %+v, %v", guilds, err)
	}
	for _, path := range []string{"/guilds/" + simdiscord.DefaultGuildID, "/guilds/" + simdiscord.DefaultGuildID + "/channels", "/channels/" + channel, commands} {
		if a, _ := w.call("GET", path, ""); a.Status < 400 {
			t.Errorf("expelled, GET %s: %d", path, a.Status)
		}
	}
}
