package chattest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/world"
)

// together runs the calls at once, each a second after the one before it, and
// returns their errors.
func together(ctx context.Context, calls ...func(context.Context) error) []error {
	errs := make([]error, len(calls))
	var wg sync.WaitGroup
	for i, call := range calls {
		wg.Go(func() {
			pass(time.Duration(i) * time.Second)
			errs[i] = call(ctx)
		})
	}
	wg.Wait()
	return errs
}

// expectQuiet checks that after the first 429 nothing was asked until wait had
// passed, and that so many requests came in all.
func expectQuiet(t *testing.T, h Hands, wait time.Duration, calls int) {
	t.Helper()
	var refused time.Time
	got := h.Calls()
	for _, c := range got {
		switch {
		case refused.IsZero() && c.Status == http.StatusTooManyRequests:
			refused = c.At
		case !refused.IsZero() && c.At.Before(refused.Add(wait)):
			t.Errorf("a request %s after it was told to wait %s", c.At.Sub(refused), wait)
		case c.Status == http.StatusTooManyRequests:
			t.Errorf("a second 429, %s after the first", c.At.Sub(refused))
		}
	}
	if refused.IsZero() || len(got) != calls {
		t.Errorf("%d requests, refused %t; want %d, the first of them refused", len(got), !refused.IsZero(), calls)
	}
}

// A limit is waited for by the call that met it and by those that come after.
func limitWaited(t *testing.T, h Hands, kind Limit) {
	wait := h.Patience / 2
	h.Limit(kind, wait)
	say := func(text string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := h.Chat.Post(ctx, h.Channel, world.Say{Text: text}, text)
			return err
		}
	}
	for i, err := range together(t.Context(), say("one"), say("two")) {
		if err != nil {
			t.Errorf("Post %d: %v", i+1, err)
		}
	}
	expectQuiet(t, h, wait, 3)
	expectTexts(t, h, "one", "two")
}

func limitGlobal(t *testing.T, h Hands) {
	ref := post(t, h, say("before"), "before")
	wait, before := h.Patience/2, len(h.Calls())
	h.Limit(LimitGlobal, wait)
	for i, err := range together(t.Context(), func(ctx context.Context) error {
		_, err := h.Chat.Post(ctx, h.Channel, say("posted"), "posted")
		return err
	}, func(ctx context.Context) error { return h.Chat.Edit(ctx, ref, say("edited")) }) {
		if err != nil {
			t.Errorf("call %d: %v", i+1, err)
		}
	}
	expectQuiet(t, h, wait, before+3)
	expectTexts(t, h, "posted", "edited")
}

func limitTooLong(t *testing.T, h Hands) {
	wait := h.Patience + 50*time.Second
	h.Limit(LimitBucket, wait)
	began := now()
	for left := wait; left > h.Patience; left -= 20 * time.Second {
		_, err := h.Chat.Post(t.Context(), h.Channel, say("later"), "n-1")
		if err == nil || errors.Is(err, world.ErrMessageGone) || errors.Is(err, world.ErrChatForbidden) {
			t.Fatalf("Post with %s to wait = %v, want an error that passes", left, err)
		}
		if !strings.Contains(err.Error(), left.String()) {
			t.Errorf("Post with %s to wait: %q does not say how long", left, err)
		}
		if took := now().Sub(began); took != wait-left {
			t.Errorf("it took %s, want it to fail at once", took-(wait-left))
		}
		pass(20 * time.Second)
	}
	post(t, h, say("at last"), "n-1") // what is left is waited for
	expectQuiet(t, h, wait, 2)
	expectTexts(t, h, "at last")
}

// Who is told with an answer that nothing is left of a bucket asks no more
// until it is full again.
func limitSpent(t *testing.T, h Hands) {
	const many = 12
	var want []string
	for i := range many {
		want = append(want, fmt.Sprint(i))
		post(t, h, say(want[i]), want[i])
	}
	for _, c := range h.Calls() {
		if c.Status == http.StatusTooManyRequests {
			t.Error("the bucket was run into")
		}
	}
	expectTexts(t, h, want...)
}

func failPassing(t *testing.T, h Hands) {
	for i, a := range acts(t, h, "said") {
		before := len(h.Calls())
		h.Fail(1, []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable}[i])
		if err := a.do(t.Context()); err != nil {
			t.Errorf("%s: %v", a.name, err)
		}
		if n := len(h.Calls()) - before; n != 2 {
			t.Errorf("%s: %d requests, want the one that failed and one more", a.name, n)
		}
	}
	expectTexts(t, h, "said", "said", "said")
}

func failLasting(t *testing.T, h Hands) {
	const limit, requests = time.Minute, 10
	for _, a := range acts(t, h, "never said") {
		before, began := len(h.Calls()), now()
		h.Fail(1000, http.StatusBadGateway)
		err := a.do(t.Context())
		if err == nil || errors.Is(err, world.ErrMessageGone) || errors.Is(err, world.ErrChatForbidden) {
			t.Errorf("%s = %v, want an error that passes", a.name, err)
		}
		if took, n := now().Sub(began), len(h.Calls())-before; took > limit || n > requests {
			t.Errorf("%s: %d requests in %s, want at most %d in %s", a.name, n, took, requests, limit)
		}
		h.Fail(0, 0)
	}
	expectTexts(t, h, "before")
	post(t, h, say("after"), "after")
}

func forbidden(t *testing.T, h Hands) {
	all := acts(t, h, "said")
	h.Forbid(true)
	for _, a := range all[:2] { // an answer needs no right but its token
		before := len(h.Calls())
		if err := a.do(t.Context()); !errors.Is(err, world.ErrChatForbidden) {
			t.Errorf("%s = %v, want ErrChatForbidden", a.name, err)
		}
		if n := len(h.Calls()) - before; n != 1 {
			t.Errorf("%s: %d requests, want one", a.name, n)
		}
	}
	expectTexts(t, h, "before")
	h.Forbid(false)
	for _, a := range all {
		if err := a.do(t.Context()); err != nil {
			t.Errorf("%s with the right to: %v", a.name, err)
		}
	}
	expectTexts(t, h, "said", "said", "said")
}

// A good answer is not found at first now and then (discord-api-docs#7220).
func missPassing(t *testing.T, h Hands) {
	to := h.Ask(t)
	h.Miss(2)
	ref := reply(t, h, to, say("there"))
	expect(t, h, Message{Ref: ref, Say: say("there")})
}

func lost(t *testing.T, h Hands) {
	for _, a := range acts(t, h, "said") {
		h.Lose(1)
		if err := a.do(t.Context()); err != nil {
			t.Errorf("%s: %v", a.name, err)
		}
	}
	expectTexts(t, h, "said", "said", "said")
	// Without a nonce nobody could tell the repeat from the first.
	h.Lose(1)
	if ref, err := h.Chat.Post(t.Context(), h.Channel, say("no nonce"), ""); err == nil {
		t.Errorf("Post without a nonce = %+v; want an error, for its reply was lost", ref)
	}
	expectTexts(t, h, "said", "said", "said", "no nonce")
}

func canceled(t *testing.T, h Hands) {
	all := acts(t, h, "never said")
	before := len(h.Calls())
	ended, end := context.WithCancel(t.Context())
	end()
	for _, a := range all {
		if err := a.do(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v, want context.Canceled", a.name, err)
		}
	}
	if n := len(h.Calls()) - before; n != 0 {
		t.Errorf("%d requests after it was canceled", n)
	}
	for name, c := range map[string]struct {
		ctx  func() (context.Context, context.CancelFunc)
		want error
	}{
		"canceled while waiting": {func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				pass(time.Second)
				cancel()
			}()
			return ctx, cancel
		}, context.Canceled},
		"deadline while waiting": {func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), time.Second)
		}, context.DeadlineExceeded},
	} {
		h.Limit(LimitGlobal, h.Patience/2)
		ctx, cancel := c.ctx()
		began := now()
		if err := all[0].do(ctx); !errors.Is(err, c.want) {
			t.Errorf("%s: Post = %v, want %v", name, err, c.want)
		}
		if took := now().Sub(began); took != time.Second {
			t.Errorf("%s: Post took %s, want one second", name, took)
		}
		cancel()
		pass(h.Patience)
	}
	expectTexts(t, h, "before")
}

func secrets(t *testing.T, h Hands) {
	ref, to := post(t, h, say("before"), "before"), h.Ask(t)
	hidden := append([]string{to.Token.Reveal(), url.PathEscape(to.Token.Reveal())}, h.Secrets...)
	ended, end := context.WithCancel(t.Context())
	end()
	for _, trouble := range []struct {
		name       string
		begin, end func()
		ctx        context.Context
	}{
		{"failing", func() { h.Fail(1000, http.StatusBadGateway) }, func() { h.Fail(0, 0) }, t.Context()},
		{"losing replies", func() { h.Lose(1000) }, func() { h.Lose(0) }, t.Context()},
		{"limited", func() { h.Limit(LimitGlobal, h.Patience*2) }, func() { pass(h.Patience * 2) }, t.Context()},
		{"forbidden", func() { h.Forbid(true) }, func() { h.Forbid(false) }, t.Context()},
		{"canceled", func() {}, func() {}, ended},
		{"gone", func() { pass(tokenLife); h.Delete(t, ref) }, func() {}, t.Context()},
	} {
		trouble.begin()
		_, posted := h.Chat.Post(trouble.ctx, h.Channel, say("text"), "")
		edited := h.Chat.Edit(trouble.ctx, ref, say("text"))
		_, replied := h.Chat.Reply(trouble.ctx, to, say("text"))
		trouble.end()
		some := false
		for _, err := range []error{posted, edited, replied} {
			some = some || err != nil
			for e := err; e != nil; e = errors.Unwrap(e) {
				for _, secret := range hidden {
					if told := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(told, secret) {
						t.Errorf("%s: an error tells a secret: %s", trouble.name, strings.ReplaceAll(told, secret, "<secret>"))
					}
				}
			}
		}
		if !some {
			t.Errorf("%s: no error at all", trouble.name)
		}
	}
}
