package discord_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/discord"
)

// Errors and logs are searched for the tokens, in whatever way a call fails.
func TestTokensAreNeverTold(t *testing.T) {
	lookalike := func(s string) error {
		return &url.Error{Op: "Patch", URL: "https://discord.com/api/v10/webhooks/1/" + s, Err: fmt.Errorf("proxy says no to %s", s)}
	}
	escaped := url.PathEscape(replyToken)
	for name, a := range map[string]answer{
		"connection":     {err: lookalike(replyToken + " " + escaped + " " + botToken)},
		"echoing JSON":   {status: 400, body: `{"code":50035,"message":"bad ` + replyToken + `","errors":{"token":"` + botToken + ` ` + escaped + `"}}`},
		"echoing page":   {status: 400, body: "<html>" + replyToken + botToken},
		"echoing server": {status: 500, body: `{"message":"` + botToken + replyToken + `"}`},
		"unauthorized":   {status: 401, body: `{"message":"` + botToken + `"}`},
		"not found":      {status: 404, body: `{"message":"` + escaped + `"}`},
		"slow down":      {status: 429, body: `{"message":"` + escaped + `","retry_after":0.1}`},
		"odd JSON":       {status: 200, body: `{"id":"` + botToken + `","channel_id":{"` + replyToken + `":1}}`},
		"redirect":       {status: 307, header: map[string]string{"Location": "https://elsewhere.example/" + replyToken}},
		"slow":           {status: 200, takes: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &bytes.Buffer{}
				s := &script{answers: []answer{a}}
				c := newClient(t, s, func(o *discord.ClientOptions) {
					o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				})
				for call, do := range everyCall(c) {
					err := do(t.Context())
					if err == nil {
						if a.status == http.StatusOK && call != "post" && call != "reply" {
							continue // the answer is not read
						}
						t.Errorf("%s succeeded", call)
					}
					canary := botToken // a call can hide only what it was given
					if call == "reply" {
						canary = "canary"
					}
					for e := err; e != nil; e = errors.Unwrap(e) {
						if told := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(told, canary) || strings.Contains(told, "https:") {
							t.Errorf("%s: %s", call, told)
						}
					}
				}
				if strings.Contains(log.String(), "canary") {
					t.Errorf("log: %s", log)
				}
				if name == "slow down" && !strings.Contains(log.String(), `"route":"PATCH /webhooks/{application.id}/{interaction.token}/messages/@original"`) {
					t.Errorf("retries are not logged: %s", log)
				}
			})
		})
	}
	c := newClient(t, &script{answers: []answer{fine()}})
	if told := fmt.Sprintf("%v %+v %#v", c, *c, c); strings.Contains(told, "canary") {
		t.Errorf("the client prints its token: %s", told)
	}
}
