package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/clock"
	"hearth/internal/discord/retry"
	"hearth/internal/world"
)

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
		{"bad token by code", "edit", 401, problem(50014), forbidden, 1},
		{"401 in HTML", "edit", 401, "<html>", forbidden, 1},
		{"blocked by the proxy", "post", 403, problem(40333), nil, 1},
		{"invalid form", "edit", 400, `{"code":50035,"message":"Invalid Form Body","errors":{"0":{"_errors":[{"code":"X","message":"bad"}]}}}`, nil, 1},
		{"invalid form, odd tree", "post", 400, `{"code":50035,"message":"Invalid Form Body","errors":[7]}`, nil, 1},
		{"null", "post", 400, "null", nil, 1},
		{"redirect", "post", 302, "", nil, 1},
		{"too many edits of an old message", "edit", 429, `{"code":30046,"message":"Maximum number of edits to messages older than 1 hour reached.","retry_after":3}`, nil, 1},
		{"as many new commands as a day has", "post", 429, `{"code":30034,"message":"Max number of daily application command creates has been reached (200)"}`, nil, 1},
		{"not implemented", "post", 501, "", nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, []answer{{status: tt.status, body: tt.body, header: map[string]string{"Location": "https://elsewhere.example/"}}})
				err := map[string]func(context.Context) error{"post": r.post, "edit": r.edit, "reply": r.reply}[tt.call](t.Context())
				refusal, ok := errors.AsType[*retry.Error](err)
				if !ok || refusal.Status != tt.status {
					t.Fatalf("err = %v", err)
				}
				if errors.Is(err, gone) != errors.Is(tt.want, gone) || errors.Is(err, forbidden) != errors.Is(tt.want, forbidden) {
					t.Errorf("err = %v, want %v", err, tt.want)
				}
				if got := len(r.asked()); got != tt.calls {
					t.Errorf("%d calls, want %d", got, tt.calls)
				}
				if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "https:") {
					t.Errorf("error tells too much: %v", err)
				}
			})
		})
	}
}

func TestEarly404(t *testing.T) {
	missing := answer{status: 404, body: `{"code":10015,"message":"Unknown Webhook"}`}
	half, one, two, four := 500*time.Millisecond, time.Second, 2*time.Second, 4*time.Second
	t.Run("found at the third time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, []answer{missing, missing, fine()})
			if err := r.reply(t.Context()); err != nil {
				t.Error(err)
			}
			if got := fmt.Sprint(r.pauses()); got != fmt.Sprint([]time.Duration{half, one}) {
				t.Errorf("pauses %s", got)
			}
		})
	})
	t.Run("never found", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, []answer{missing})
			err := r.reply(t.Context())
			if got := fmt.Sprint(r.pauses()); !errors.Is(err, world.ErrMessageGone) || got != fmt.Sprint([]time.Duration{half, one, two, four}) {
				t.Errorf("pauses %s, %v", got, err)
			}
		})
	})
	t.Run("no time left", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, []answer{missing})
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			began := time.Now()
			err := r.reply(ctx)
			if !errors.Is(err, world.ErrMessageGone) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 2*time.Second || len(r.asked()) != 3 {
				t.Errorf("%d calls in %s, %v", len(r.asked()), time.Since(began), err)
			}
		})
	})
	t.Run("a 5xx between", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, []answer{missing, {status: 502}, missing, missing, missing, fine()})
			if err := r.reply(t.Context()); err != nil || len(r.asked()) != 6 {
				t.Errorf("%d calls, %v", len(r.asked()), err)
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
				r := newRig(t, []answer{tt.answer, fine()})
				err := r.post(t.Context())
				if tt.want == 0 {
					refusal, ok := errors.AsType[*retry.Error](err)
					if !ok || refusal.Status != 429 || refusal.RetryAfter < 65*time.Second || len(r.asked()) != 1 {
						t.Errorf("%d calls, %v", len(r.asked()), err)
					}
					return
				}
				if err != nil || len(r.asked()) != 2 || r.pauses()[0] != tt.want {
					t.Errorf("pauses %v, want %s; %v", r.pauses(), tt.want, err)
				}
			})
		})
	}
	t.Run("endless", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, []answer{{status: 429, body: `{"retry_after":0.5}`}})
			err := r.post(t.Context())
			if refusal, ok := errors.AsType[*retry.Error](err); !ok || refusal.Status != 429 || len(r.asked()) != 6 {
				t.Errorf("%d calls, %v", len(r.asked()), err)
			}
		})
	})
	t.Run("bounded by the context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, []answer{{status: 429, body: `{"retry_after":9}`}})
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			err := r.post(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second || len(r.asked()) != 1 {
				t.Errorf("%d calls in %s, %v", len(r.asked()), time.Since(began), err)
			}
		})
	})
}

// What one call was told holds for the others too.
func TestGate(t *testing.T) {
	t.Run("no call within a long pause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, []answer{{status: 429, body: `{"retry_after":65}`}, fine()})
			for range 3 {
				if err := r.post(t.Context()); err == nil {
					t.Error("posted within the pause")
				}
			}
			if err := r.edit(t.Context()); err != nil {
				t.Errorf("another route: %v", err)
			}
			if n := len(r.asked()); n != 2 {
				t.Errorf("%d calls", n)
			}
			<-time.After(55 * time.Second) // the bubble's clock: ten seconds are left, and waited for
			if err := r.post(t.Context()); err != nil || r.asked()[2].at.Sub(r.asked()[0].at) != 65*time.Second {
				t.Errorf("%v, %v", r.pauses(), err)
			}
		})
	})
	t.Run("a global limit covers the bot's routes, not the answers", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, []answer{{status: 429, body: `{"retry_after":65,"global":true}`}, fine()})
			_ = r.post(t.Context()) // is limited
			if err := r.edit(t.Context()); err == nil {
				t.Error("edited within the pause")
			}
			if err := r.reply(t.Context()); err != nil {
				t.Error(err)
			}
			if n := len(r.asked()); n != 2 {
				t.Errorf("%d calls", n)
			}
		})
	})
	t.Run("the last call of a bucket", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			last := fine()
			last.header = map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "0.9"}
			r := newRig(t, []answer{last, fine()})
			for range 2 {
				if err := r.edit(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if got := r.pauses(); len(got) != 1 || got[0] != 900*time.Millisecond {
				t.Errorf("pauses %v", got)
			}
		})
	})
	t.Run("a bad token is not tried again for a minute", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, []answer{{status: 401, body: `{"code":0,"message":"401: Unauthorized"}`}, fine()})
			for _, call := range []func(context.Context) error{r.post, r.edit, r.post} {
				if err := call(t.Context()); !errors.Is(err, world.ErrChatForbidden) {
					t.Error(err)
				}
			}
			if n := len(r.asked()); n != 1 {
				t.Errorf("%d calls", n)
			}
			if err := r.reply(t.Context()); err != nil {
				t.Errorf("an answer needs no bot token: %v", err)
			}
			<-time.After(time.Minute)
			if err := r.post(t.Context()); err != nil {
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
		{"no answer in time", []answer{{status: 200, body: "{}", takes: 11 * time.Second}, fine()}, 2, true},
		{"endless answer", []answer{{status: 200, body: strings.Repeat(" ", 1<<20) + "{}"}, fine()}, 2, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, tt.answers)
				err := r.post(t.Context())
				if (err == nil) != tt.ok || len(r.asked()) != tt.calls {
					t.Errorf("%d calls, %v", len(r.asked()), err)
				}
				for i, call := range r.asked() {
					if call.body != "said" {
						t.Errorf("call %d is no repeat of the same: %s", i, call.body)
					}
				}
				for i, p := range r.pauses() {
					if p <= 0 || i > 0 && tt.calls == 6 && p < r.pauses()[i-1] {
						t.Errorf("pauses %v", r.pauses())
					}
				}
			})
		})
	}
	t.Run("what a repeat might do twice is made once", func(t *testing.T) {
		for _, first := range []answer{reset, {status: 502}} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, []answer{first, fine()})
				if err := r.do(t.Context(), retry.Call{Route: "POST /messages", Scope: retry.Bot, Once: true}, "said"); err == nil || len(r.asked()) != 1 {
					t.Errorf("%d calls, %v", len(r.asked()), err)
				}
			})
		}
	})
	t.Run("cancelled while waiting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, []answer{{status: 429, body: `{"retry_after":9}`}})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- r.edit(ctx) }()
			synctest.Wait()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	})
}

// TestMaybe: a refusal says whether the call may have been carried out before it,
// so that nobody takes what was perhaps said for unsaid.
func TestMaybe(t *testing.T) {
	denied := answer{status: 403, body: `{"code":50013,"message":"Missing Permissions"}`}
	for _, tt := range []struct {
		name    string
		answers []answer
		maybe   bool
	}{
		{"refused", []answer{denied}, false},
		{"told to wait, then refused", []answer{{status: 429, body: `{"retry_after":1}`}, denied}, false},
		{"connection lost, then refused", []answer{{err: errors.New("connection reset")}, denied}, true},
		{"answer torn, then refused", []answer{{status: 200, body: `{"id":"1`, torn: true}, denied}, true},
		{"502, then refused", []answer{{status: 502}, denied}, true},
		{"500 for ever", []answer{{status: 500}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, ok := errors.AsType[*retry.Error](newRig(t, tt.answers).post(t.Context()))
				if !ok || e.Maybe != tt.maybe {
					t.Errorf("got %+v, want Maybe to be %t", e, tt.maybe)
				}
			})
		})
	}
}

func TestWaitsAreOnTheGivenClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, []answer{{status: 429, body: `{"retry_after":10}`}, fine()}, func(o *retry.Options) {
			o.Clock = clock.NewScaled(20, time.Time{})
			o.Jitter = func() float64 { return 0 }
		})
		if err := r.post(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.pauses()[0].Round(10 * time.Millisecond); got != 500*time.Millisecond {
			t.Errorf("waited %s of real time for 10 s at twenty times the speed", got)
		}
	})
}

// Errors are searched for the call's secrets and for addresses, in whatever
// way it fails.
func TestSecretsAreNeverTold(t *testing.T) {
	for name, a := range map[string]answer{
		"connection": {err: &url.Error{Op: "Post", URL: "https://discord.example/" + secret, Err: errors.New("a proxy says no to " + secret)}},
		"refusal":    {status: 400, body: `{"code":50035,"message":"bad ` + secret + `","errors":{"token":"` + secret + `"}}`},
		"redirect":   {status: 307, header: map[string]string{"Location": "https://elsewhere.example/" + secret}},
		"slow":       {status: 200, takes: time.Minute},
		"slow down":  {status: 429, body: `{"message":"` + secret + `","retry_after":0.1}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err := newRig(t, []answer{a}).post(t.Context())
				if err == nil {
					t.Error("it succeeded")
				}
				for e := err; e != nil; e = errors.Unwrap(e) {
					if told := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(told, "canary") || strings.Contains(told, "https:") {
						t.Error(told)
					}
				}
			})
		})
	}
}
