package discord_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/clock"
	"hearth/internal/discord"
	"hearth/internal/world"
)

func TestNewClientRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*discord.ClientOptions)
		want   string
	}{
		{"no application", func(o *discord.ClientOptions) { o.Application = "" }, "DISCORD_APPLICATION_ID"},
		{"application is a name", func(o *discord.ClientOptions) { o.Application = "hearth" }, "DISCORD_APPLICATION_ID"},
		{"no token", func(o *discord.ClientOptions) { o.Token = "" }, "DISCORD_BOT_TOKEN is empty"},
		{"token with its type", func(o *discord.ClientOptions) { o.Token = "Bot canary" }, "without \"Bot\""},
		{"token with a line end", func(o *discord.ClientOptions) { o.Token = "canary\n" }, "DISCORD_BOT_TOKEN"},
		{"address without a scheme", func(o *discord.ClientOptions) { o.URL = "discord.com/api" }, "DISCORD_API_URL"},
		{"address with a password", func(o *discord.ClientOptions) { o.URL = "https://u:canary@discord.com/api" }, "DISCORD_API_URL"},
		{"address that is none", func(o *discord.ClientOptions) { o.URL = "https://\x7f" }, "DISCORD_API_URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := discord.ClientOptions{Application: appID, Token: botToken}
			tt.change(&o)
			c, err := discord.NewClient(o)
			if err == nil || c != nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("NewClient = %v, %v; want an error about %s", c, err, tt.want)
			}
		})
	}
	t.Run("all at once", func(t *testing.T) {
		_, err := discord.NewClient(discord.ClientOptions{URL: "x"})
		for _, want := range []string{"DISCORD_APPLICATION_ID", "DISCORD_BOT_TOKEN", "DISCORD_API_URL"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not speak of %s", err, want)
			}
		}
	})
	t.Run("another API", func(t *testing.T) {
		s := &script{answers: []answer{fine()}}
		c := newClient(t, s, func(o *discord.ClientOptions) { o.URL = "http://127.0.0.1:9/pretend/" })
		if _, err := c.Post(t.Context(), channelID, say("x"), "n"); err != nil || s.asked()[0].path != "/pretend/channels/"+channelID+"/messages" {
			t.Errorf("%v, %v", s.asked(), err)
		}
	})
}

func TestReferences(t *testing.T) {
	s := &script{answers: []answer{fine()}}
	c := newClient(t, s)
	want := world.MessageRef{Channel: channelID, ID: "1400000000000000100"}
	if got, err := c.Post(t.Context(), channelID, say("x"), "n"); err != nil || got != want {
		t.Errorf("Post = %v, %v", got, err)
	}
	if got, err := c.Reply(t.Context(), reply(), say("x")); err != nil || got != want {
		t.Errorf("Reply = %v, %v", got, err)
	}
}

func TestBadArgumentsMakeNoCall(t *testing.T) {
	s := &script{answers: []answer{fine()}}
	c := newClient(t, s)
	for name, tt := range map[string]struct {
		err  error
		gone bool
	}{
		"channel":           {second(c.Post(t.Context(), "../users", say("x"), "n")), false},
		"nonce":             {second(c.Post(t.Context(), channelID, say("x"), strings.Repeat("n", 26))), false},
		"message":           {c.Edit(t.Context(), world.MessageRef{Channel: channelID}, say("x")), true},
		"reply's token":     {second(c.Reply(t.Context(), world.Reply{Application: appID}, say("x"))), true},
		"reply's app":       {second(c.Reply(t.Context(), world.Reply{Application: "x", Token: "t"}, say("x"))), true},
		"guild to register": {c.Register(t.Context(), "", worlds("a")), false},
	} {
		if tt.err == nil || errors.Is(tt.err, world.ErrMessageGone) != tt.gone {
			t.Errorf("%s: %v", name, tt.err)
		}
	}
	if n := len(s.asked()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func second[T any](_ T, err error) error { return err }

func TestRefusalsMeanWhatTheTableSays(t *testing.T) {
	gone, forbidden := world.ErrMessageGone, world.ErrChatForbidden
	problem := func(code int) string { return fmt.Sprintf(`{"code":%d,"message":"No."}`, code) }
	for _, tt := range []struct {
		name   string
		call   string
		status int
		body   string
		want   error // nil: neither of the two
		calls  int
	}{
		{"unknown channel", "post", 404, problem(10003), gone, 1},
		{"unknown guild", "post", 404, problem(10004), gone, 1},
		{"unknown message", "edit", 404, problem(10008), gone, 1},
		{"unknown webhook", "reply", 404, problem(10015), gone, 5},
		{"unknown answer", "reply", 404, problem(10008), gone, 5},
		{"unknown interaction", "reply", 404, problem(10062), gone, 5},
		{"404 in HTML", "reply", 404, "<html>", gone, 5},
		{"route unknown", "post", 404, problem(0), nil, 1},
		{"token of the interaction expired", "reply", 401, problem(50027), gone, 1},
		{"token of the interaction expired, in other words", "reply", 400, problem(50027), gone, 1},
		{"401 of the interaction", "reply", 401, "", gone, 1},
		{"missing access", "post", 403, problem(50001), forbidden, 1},
		{"missing permission", "edit", 403, problem(50013), forbidden, 1},
		{"bad token", "post", 401, `{"message":"401: Unauthorized","code":0}`, forbidden, 1},
		{"bad token by code", "register", 401, problem(50014), forbidden, 1},
		{"401 in HTML", "edit", 401, "<html>", forbidden, 1},
		{"blocked by the proxy", "post", 403, problem(40333), nil, 1},
		{"invalid form", "register", 400, `{"code":50035,"message":"Invalid Form Body","errors":{"0":{"_errors":[{"code":"X","message":"bad"}]}}}`, nil, 1},
		{"invalid form, odd tree", "post", 400, `{"code":50035,"message":"Invalid Form Body","errors":[7]}`, nil, 1},
		{"null", "post", 400, "null", nil, 1},
		{"redirect", "post", 302, "", nil, 1},
		{"too many edits of an old message", "edit", 429, `{"code":30046,"message":"Maximum number of edits to messages older than 1 hour reached.","retry_after":3}`, nil, 1},
		{"not implemented", "post", 501, "", nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answer{{status: tt.status, body: tt.body, header: map[string]string{"Location": "https://elsewhere.example/"}}}}
				err := everyCall(newClient(t, s))[tt.call](t.Context())
				refusal, ok := errors.AsType[*discord.Error](err)
				if !ok || refusal.Status != tt.status {
					t.Fatalf("err = %v", err)
				}
				if errors.Is(err, gone) != errors.Is(tt.want, gone) || errors.Is(err, forbidden) != errors.Is(tt.want, forbidden) {
					t.Errorf("err = %v, want %v", err, tt.want)
				}
				if got := len(s.asked()); got != tt.calls {
					t.Errorf("%d calls, want %d", got, tt.calls)
				}
				if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), channelID) {
					t.Errorf("error tells too much: %v", err)
				}
			})
		})
	}
}

func TestAlreadyAcknowledgedIsDone(t *testing.T) {
	s := &script{answers: []answer{{status: 400, body: `{"code":40060,"message":"Interaction has already been acknowledged."}`}}}
	if ref, err := newClient(t, s).Reply(t.Context(), reply(), say("x")); err != nil || ref != (world.MessageRef{}) {
		t.Errorf("Reply = %v, %v", ref, err)
	}
}

func TestEarly404(t *testing.T) {
	missing := answer{status: 404, body: `{"code":10015,"message":"Unknown Webhook"}`}
	half, one, two, four := 500*time.Millisecond, time.Second, 2*time.Second, 4*time.Second
	t.Run("found at the third time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{missing, missing, fine()}}
			if _, err := newClient(t, s).Reply(t.Context(), reply(), say("x")); err != nil {
				t.Error(err)
			}
			if got := fmt.Sprint(s.pauses()); got != fmt.Sprint([]time.Duration{half, one}) {
				t.Errorf("pauses %s", got)
			}
		})
	})
	t.Run("never found", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{missing}}
			_, err := newClient(t, s).Reply(t.Context(), reply(), say("x"))
			if got := fmt.Sprint(s.pauses()); !errors.Is(err, world.ErrMessageGone) || got != fmt.Sprint([]time.Duration{half, one, two, four}) {
				t.Errorf("pauses %s, %v", got, err)
			}
		})
	})
	t.Run("no time left", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{missing}}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			began := time.Now()
			_, err := newClient(t, s).Reply(ctx, reply(), say("x"))
			if !errors.Is(err, world.ErrMessageGone) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 2*time.Second || len(s.asked()) != 3 {
				t.Errorf("%d calls in %s, %v", len(s.asked()), time.Since(began), err)
			}
		})
	})
	t.Run("a 5xx between", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{missing, {status: 502}, missing, missing, missing, fine()}}
			if _, err := newClient(t, s).Reply(t.Context(), reply(), say("x")); err != nil || len(s.asked()) != 6 {
				t.Errorf("%d calls, %v", len(s.asked()), err)
			}
		})
	})
}

func TestRateLimits(t *testing.T) {
	const jitter = 125 * time.Millisecond // half of a quarter second
	for _, tt := range []struct {
		name   string
		answer answer
		want   time.Duration
	}{
		{"route, with a bucket", answer{status: 429, body: `{"message":"You are being rate limited.","retry_after":1.337,"global":false}`, header: map[string]string{
			"X-RateLimit-Bucket": "abcd", "X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.337", "Retry-After": "2", "X-RateLimit-Scope": "user",
		}}, 1337*time.Millisecond + jitter},
		{"global, without a bucket", answer{status: 429, body: `{"message":"You are being rate limited.","retry_after":1.0,"global":true}`, header: map[string]string{
			"Retry-After": "1", "X-RateLimit-Global": "true", "X-RateLimit-Scope": "global",
		}}, time.Second + jitter},
		{"body alone", answer{status: 429, body: `{"retry_after":0.65}`}, 650*time.Millisecond + jitter},
		{"not JSON, with a header", answer{status: 429, body: "<html>error 1015</html>", header: map[string]string{"Retry-After": "3"}}, 3*time.Second + jitter},
		{"reset header alone", answer{status: 429, header: map[string]string{"X-RateLimit-Reset-After": "0.9"}}, 900*time.Millisecond + jitter},
		{"nothing is said", answer{status: 429, body: "slow down"}, 375*time.Millisecond + jitter},
		{"nonsense is said", answer{status: 429, body: `{"retry_after":-5}`, header: map[string]string{"Retry-After": "NaN"}}, 375*time.Millisecond + jitter},
		{"absurd length is not waited for", answer{status: 429, body: `{"retry_after":1e300}`}, 0},
		{"65 s are not waited for", answer{status: 429, body: `{"retry_after":65.0}`}, 0},
		{"1,337 s are not waited for", answer{status: 429, header: map[string]string{"Retry-After": "1337"}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answer{tt.answer, fine()}}
				_, err := newClient(t, s).Post(t.Context(), channelID, say("x"), "n")
				if tt.want == 0 {
					refusal, ok := errors.AsType[*discord.Error](err)
					if !ok || refusal.Status != 429 || refusal.RetryAfter < 65*time.Second || len(s.asked()) != 1 {
						t.Errorf("%d calls, %v", len(s.asked()), err)
					}
					return
				}
				if err != nil || len(s.asked()) != 2 || s.pauses()[0] != tt.want {
					t.Errorf("pauses %v, want %s; %v", s.pauses(), tt.want, err)
				}
			})
		})
	}
	t.Run("endless", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{{status: 429, body: `{"retry_after":0.5}`}}}
			_, err := newClient(t, s).Post(t.Context(), channelID, say("x"), "n")
			if refusal, ok := errors.AsType[*discord.Error](err); !ok || refusal.Status != 429 || len(s.asked()) != 6 {
				t.Errorf("%d calls, %v", len(s.asked()), err)
			}
		})
	})
	t.Run("bounded by the context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{{status: 429, body: `{"retry_after":9}`}}}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			_, err := newClient(t, s).Post(ctx, channelID, say("x"), "n")
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second || len(s.asked()) != 1 {
				t.Errorf("%d calls in %s, %v", len(s.asked()), time.Since(began), err)
			}
		})
	})
}

// What one call was told holds for the others too.
func TestGate(t *testing.T) {
	t.Run("no call within a long pause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{{status: 429, body: `{"retry_after":65}`}, fine()}}
			c := newClient(t, s)
			for range 3 {
				if err := everyCall(c)["post"](t.Context()); err == nil {
					t.Error("posted within the pause")
				}
			}
			if err := everyCall(c)["edit"](t.Context()); err != nil {
				t.Errorf("another route: %v", err)
			}
			if n := len(s.asked()); n != 2 {
				t.Errorf("%d calls", n)
			}
			time.Sleep(55 * time.Second) // the bubble's clock: ten seconds are left, and waited for
			if err := everyCall(c)["post"](t.Context()); err != nil || s.asked()[2].at.Sub(s.asked()[0].at) != 65*time.Second {
				t.Errorf("%v, %v", s.pauses(), err)
			}
		})
	})
	t.Run("a global limit covers the bot's routes, not the answers", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{{status: 429, body: `{"retry_after":65,"global":true}`}, fine()}}
			c := newClient(t, s)
			_ = everyCall(c)["post"](t.Context()) // is limited
			if err := everyCall(c)["edit"](t.Context()); err == nil {
				t.Error("edited within the pause")
			}
			if err := everyCall(c)["reply"](t.Context()); err != nil {
				t.Error(err)
			}
			if n := len(s.asked()); n != 2 {
				t.Errorf("%d calls", n)
			}
		})
	})
	t.Run("the last call of a bucket", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			last := fine()
			last.header = map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "0.9"}
			s := &script{answers: []answer{last, fine()}}
			c := newClient(t, s)
			for range 2 {
				if err := everyCall(c)["edit"](t.Context()); err != nil {
					t.Error(err)
				}
			}
			if got := s.pauses(); len(got) != 1 || got[0] != 900*time.Millisecond {
				t.Errorf("pauses %v", got)
			}
		})
	})
	t.Run("a bad token is not tried again for a minute", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{{status: 401, body: `{"code":0,"message":"401: Unauthorized"}`}, fine()}}
			c := newClient(t, s)
			for name, call := range everyCall(c) {
				if name == "reply" {
					continue
				}
				if err := call(t.Context()); !errors.Is(err, world.ErrChatForbidden) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if n := len(s.asked()); n != 1 {
				t.Errorf("%d calls", n)
			}
			if err := everyCall(c)["reply"](t.Context()); err != nil {
				t.Errorf("an answer needs no bot token: %v", err)
			}
			time.Sleep(time.Minute)
			if err := everyCall(c)["post"](t.Context()); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestBrokenAnswers(t *testing.T) {
	reset := answer{err: errors.New("connection reset")}
	for _, tt := range []struct {
		name    string
		answers []answer
		calls   int
		ok      bool
	}{
		{"502 once", []answer{{status: 502, body: "<html>"}, fine()}, 2, true},
		{"503 with a wish", []answer{{status: 503, header: map[string]string{"Retry-After": "2"}}, fine()}, 2, true},
		{"503 with a long wish", []answer{{status: 503, header: map[string]string{"Retry-After": "3600"}}, fine()}, 1, false},
		{"500 for ever", []answer{{status: 500}}, 6, false},
		{"connection lost once", []answer{reset, fine()}, 2, true},
		{"connection lost for ever", []answer{reset}, 6, false},
		{"answer torn once", []answer{{status: 200, body: `{"id":"1`, torn: true}, fine()}, 2, true},
		{"no answer in time", []answer{{status: 200, body: message, takes: 11 * time.Second}, fine()}, 2, true},
		{"endless answer", []answer{{status: 200, body: strings.Repeat(" ", 1<<20) + message}, fine()}, 2, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: tt.answers}
				_, err := newClient(t, s).Post(t.Context(), channelID, say("x"), "n-1")
				if (err == nil) != tt.ok || len(s.asked()) != tt.calls {
					t.Errorf("%d calls, %v", len(s.asked()), err)
				}
				for i, call := range s.asked() {
					if !strings.Contains(call.body, `"nonce":"n-1"`) || !strings.Contains(call.body, `"enforce_nonce":true`) {
						t.Errorf("call %d is no repeat of the same: %s", i, call.body)
					}
				}
				for i, p := range s.pauses() {
					if p <= 0 || i > 0 && tt.calls == 6 && p < s.pauses()[i-1] {
						t.Errorf("pauses %v", s.pauses())
					}
				}
			})
		})
	}
	t.Run("without a nonce nothing is said twice", func(t *testing.T) {
		for _, first := range []answer{reset, {status: 502}} {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answer{first, fine()}}
				if _, err := newClient(t, s).Post(t.Context(), channelID, say("x"), ""); err == nil || len(s.asked()) != 1 {
					t.Errorf("%d calls, %v", len(s.asked()), err)
				}
			})
		}
	})
	t.Run("200 that is not JSON", func(t *testing.T) {
		s := &script{answers: []answer{{status: 200, body: "<html>"}}}
		if _, err := newClient(t, s).Post(t.Context(), channelID, say("x"), "n"); err == nil || len(s.asked()) != 1 {
			t.Errorf("%d calls, %v", len(s.asked()), err)
		}
	})
	t.Run("the whole call is bounded", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{{status: 200, body: message, takes: time.Hour}}}
			began := time.Now()
			err := everyCall(newClient(t, s))["edit"](t.Context())
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != discord.DefaultTimeout {
				t.Errorf("after %s: %v", time.Since(began), err)
			}
		})
	})
	t.Run("cancelled while waiting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{{status: 429, body: `{"retry_after":9}`}}}
			c := newClient(t, s)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- everyCall(c)["edit"](ctx) }()
			synctest.Wait()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	})
}

func TestWaitsAreOnTheGivenClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{{status: 429, body: `{"retry_after":10}`}, fine()}}
		c := newClient(t, s, func(o *discord.ClientOptions) {
			o.Clock = clock.NewScaled(20, time.Time{})
			o.Jitter = func() float64 { return 0 }
		})
		if err := everyCall(c)["post"](t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.pauses()[0].Round(10 * time.Millisecond); got != 500*time.Millisecond {
			t.Errorf("waited %s of real time for 10 s at twenty times the speed", got)
		}
	})
}
