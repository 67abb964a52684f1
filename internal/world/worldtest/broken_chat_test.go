package worldtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/discord"
	"hearth/internal/discord/discordtest"
	"hearth/internal/world"
	"hearth/internal/world/worldtest/chattest"
)

// oddChat does what its functions say, and what its Chat does where it has
// none.
type oddChat struct {
	world.Chat
	post  func(ctx context.Context, channel string, m world.Say, nonce string) (world.MessageRef, error)
	find  func(ctx context.Context, channel string, m world.Say, since time.Time) (world.MessageRef, error)
	edit  func(ctx context.Context, ref world.MessageRef, m world.Say) error
	reply func(ctx context.Context, to world.Reply, m world.Say) (world.MessageRef, error)
}

func (c oddChat) Post(ctx context.Context, channel string, m world.Say, nonce string) (world.MessageRef, error) {
	if c.post == nil {
		return c.Chat.Post(ctx, channel, m, nonce)
	}
	return c.post(ctx, channel, m, nonce)
}

func (c oddChat) Find(ctx context.Context, channel string, m world.Say, since time.Time) (world.MessageRef, error) {
	if c.find == nil {
		return c.Chat.Find(ctx, channel, m, since)
	}
	return c.find(ctx, channel, m, since)
}

func (c oddChat) Edit(ctx context.Context, ref world.MessageRef, m world.Say) error {
	if c.edit == nil {
		return c.Chat.Edit(ctx, ref, m)
	}
	return c.edit(ctx, ref, m)
}

func (c oddChat) Reply(ctx context.Context, to world.Reply, m world.Say) (world.MessageRef, error) {
	if c.reply == nil {
		return c.Chat.Reply(ctx, to, m)
	}
	return c.reply(ctx, to, m)
}

// between is what lies between the client and Discord: it may change what is
// asked and what is answered.
type between struct {
	base   http.RoundTripper
	ask    func(r *http.Request)
	answer func(r *http.Response)
}

func (b between) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.ask != nil {
		r = r.Clone(r.Context())
		b.ask(r)
	}
	resp, err := b.base.RoundTrip(r)
	if err == nil && b.answer != nil {
		b.answer(resp)
	}
	return resp, err
}

// rewrite changes a JSON body.
func rewrite(body io.ReadCloser, change func(m map[string]any)) io.ReadCloser {
	var m map[string]any
	if body == nil || json.NewDecoder(body).Decode(&m) != nil {
		return http.NoBody
	}
	change(m)
	b, err := json.Marshal(m)
	if err != nil {
		return http.NoBody
	}
	return io.NopCloser(bytes.NewReader(b))
}

func brokenChats() []brokenCopy {
	odd := func(name, fails string, spoil func(h chattest.Hands) oddChat) brokenCopy {
		return brokenCopy{name, fails, func(t *testing.T) {
			chattest.Run(t, func(t *testing.T) chattest.Hands {
				h := discordtest.Open(t)
				o := spoil(h)
				o.Chat = h.Chat
				h.Chat = o
				return h
			})
		}}
	}
	behind := func(name, fails string, b between) brokenCopy {
		return brokenCopy{name, fails, func(t *testing.T) {
			chattest.Run(t, func(t *testing.T) chattest.Hands {
				return discordtest.Open(t, func(o *discord.ClientOptions) {
					b.base = o.Transport
					o.Transport = b
				})
			})
		}}
	}
	return []brokenCopy{
		odd(honest, "", func(chattest.Hands) oddChat { return oddChat{} }),
		odd("posts no buttons", "post arrives whole", func(h chattest.Hands) oddChat {
			return oddChat{post: func(ctx context.Context, channel string, m world.Say, nonce string) (world.MessageRef, error) {
				m.Buttons = nil
				return h.Chat.Post(ctx, channel, m, nonce)
			}}
		}),
		odd("makes each nonce its own", "same nonce is one message", func(h chattest.Hands) oddChat {
			var n atomic.Int32
			return oddChat{post: func(ctx context.Context, channel string, m world.Say, nonce string) (world.MessageRef, error) {
				if nonce != "" {
					nonce = fmt.Sprint(nonce, n.Add(1))
				}
				return h.Chat.Post(ctx, channel, m, nonce)
			}}
		}),
		odd("finds the newest, whatever it says", "what was posted is found, and nothing else", func(h chattest.Hands) oddChat {
			return oddChat{find: func(context.Context, string, world.Say, time.Time) (world.MessageRef, error) {
				all := h.Messages()
				return all[len(all)-1].Ref, nil
			}}
		}),
		behind("edits what is given alone", "edit replaces the whole message", between{ask: func(r *http.Request) {
			if r.Method != http.MethodPatch {
				return
			}
			r.Body = rewrite(r.Body, func(m map[string]any) {
				for _, part := range []string{"embeds", "components"} {
					if list, ok := m[part].([]any); ok && len(list) == 0 {
						delete(m, part)
					}
				}
			})
		}}),
		odd("edits what is not there", "edit of a deleted message is gone", func(h chattest.Hands) oddChat {
			return oddChat{edit: func(ctx context.Context, ref world.MessageRef, m world.Say) error {
				if err := h.Chat.Edit(ctx, ref, m); !errors.Is(err, world.ErrMessageGone) {
					return err
				}
				return nil
			}}
		}),
		odd("answers beside the answer", "reply fills in the answer", func(h chattest.Hands) oddChat {
			return oddChat{reply: func(ctx context.Context, to world.Reply, m world.Say) (world.MessageRef, error) {
				if _, err := h.Chat.Reply(ctx, to, m); err != nil {
					return world.MessageRef{}, err
				}
				return h.Chat.Post(ctx, h.Channel, m, "")
			}}
		}),
		odd("keeps to itself that the token is dead", "reply with a dead token is gone", func(h chattest.Hands) oddChat {
			return oddChat{reply: func(ctx context.Context, to world.Reply, m world.Say) (world.MessageRef, error) {
				ref, err := h.Chat.Reply(ctx, to, m)
				if e, ok := errors.AsType[*discord.Error](err); ok && e.Status == http.StatusUnauthorized {
					err = errors.New("unauthorized")
				}
				return ref, err
			}}
		}),
		odd("posts where it can't answer", "reply to a deleted answer is gone", func(h chattest.Hands) oddChat {
			return oddChat{reply: func(ctx context.Context, to world.Reply, m world.Say) (world.MessageRef, error) {
				ref, err := h.Chat.Reply(ctx, to, m)
				if e, ok := errors.AsType[*discord.Error](err); ok && e.Status == http.StatusNotFound {
					return h.Chat.Post(ctx, h.Channel, m, "")
				}
				return ref, err
			}}
		}),
		behind("allows mentions by default", "nobody is notified but whom the message means", between{ask: func(r *http.Request) {
			if r.Method == http.MethodPost || r.Method == http.MethodPatch {
				r.Body = rewrite(r.Body, func(m map[string]any) { delete(m, "allowed_mentions") })
			}
		}}),
		behind("reads no length beside a bucket", "limit of a bucket is waited for", between{answer: func(r *http.Response) {
			if r.StatusCode == http.StatusTooManyRequests && r.Header.Get("X-RateLimit-Bucket") != "" {
				hurry(r)
			}
		}}),
		behind("reads no length without a bucket", "limit that names no bucket is waited for", between{answer: func(r *http.Response) {
			if r.StatusCode == http.StatusTooManyRequests && r.Header.Get("X-RateLimit-Bucket") == "" {
				hurry(r)
			}
		}}),
		behind("takes a global limit for its route's", "global limit holds every call", between{answer: func(r *http.Response) {
			if r.Header.Get("X-RateLimit-Global") != "" {
				r.Header.Del("X-RateLimit-Global")
				r.Header.Del("X-RateLimit-Scope")
				r.Body = rewrite(r.Body, func(m map[string]any) { m["global"] = false })
			}
		}}),
		odd("waits however long", "longer limit fails at once and says how long", func(h chattest.Hands) oddChat {
			return oddChat{post: func(ctx context.Context, channel string, m world.Say, nonce string) (world.MessageRef, error) {
				for {
					ref, err := h.Chat.Post(ctx, channel, m, nonce)
					e, ok := errors.AsType[*discord.Error](err)
					if !ok || e.Status != http.StatusTooManyRequests {
						return ref, err
					}
					<-time.After(e.RetryAfter)
				}
			}}
		}),
		behind("reads no remainder", "spent bucket is not run into", between{answer: func(r *http.Response) {
			r.Header.Del("X-RateLimit-Remaining")
		}}),
		behind("takes trouble for good", "passing trouble is borne", between{answer: func(r *http.Response) {
			if r.StatusCode >= http.StatusInternalServerError {
				r.StatusCode = http.StatusNotImplemented
			}
		}}),
		odd("drops what it can't say", "lasting trouble is an error", func(h chattest.Hands) oddChat {
			return oddChat{post: func(ctx context.Context, channel string, m world.Say, nonce string) (world.MessageRef, error) {
				ref, err := h.Chat.Post(ctx, channel, m, nonce)
				if e, ok := errors.AsType[*discord.Error](err); ok && e.Status >= http.StatusInternalServerError {
					return world.MessageRef{Channel: channel, ID: "1"}, nil
				}
				return ref, err
			}}
		}),
		odd("asks again for what it may not", "missing permission is forbidden and asked once", func(h chattest.Hands) oddChat {
			return oddChat{edit: func(ctx context.Context, ref world.MessageRef, m world.Say) error {
				err := h.Chat.Edit(ctx, ref, m)
				for range 3 {
					if errors.Is(err, world.ErrChatForbidden) {
						err = h.Chat.Edit(ctx, ref, m)
					}
				}
				return err
			}}
		}),
		behind("gives up what it does not find", "answer not found at first is found", between{answer: func(r *http.Response) {
			if r.StatusCode == http.StatusNotFound && strings.HasSuffix(r.Request.URL.Path, "@original") {
				r.StatusCode = http.StatusUnauthorized
			}
		}}),
		behind("asks for no nonce to be kept", "lost reply says nothing twice", between{ask: func(r *http.Request) {
			if r.Method == http.MethodPost {
				r.Body = rewrite(r.Body, func(m map[string]any) { delete(m, "enforce_nonce") })
			}
		}}),
		odd("repeats what may be said already", "lost reply says nothing twice", func(h chattest.Hands) oddChat {
			return oddChat{post: func(ctx context.Context, channel string, m world.Say, nonce string) (world.MessageRef, error) {
				ref, err := h.Chat.Post(ctx, channel, m, nonce)
				if err != nil && nonce == "" {
					return h.Chat.Post(ctx, channel, m, nonce)
				}
				return ref, err
			}}
		}),
		odd("hears no cancel", "canceled context is honored", func(h chattest.Hands) oddChat {
			return oddChat{post: func(ctx context.Context, channel string, m world.Say, nonce string) (world.MessageRef, error) {
				return h.Chat.Post(deaf(ctx), channel, m, nonce)
			}}
		}),
		odd("tells how it asked", "no error tells a secret", func(h chattest.Hands) oddChat {
			return oddChat{reply: func(ctx context.Context, to world.Reply, m world.Say) (world.MessageRef, error) {
				ref, err := h.Chat.Reply(ctx, to, m)
				if err != nil {
					err = fmt.Errorf("patch /webhooks/%s/%s: %w", to.Application, to.Token.Reveal(), err)
				}
				return ref, err
			}}
		}),
	}
}

// hurry makes a 429 ask for a tenth of a second.
func hurry(r *http.Response) {
	r.Header.Set("Retry-After", "0")
	r.Header.Del("X-RateLimit-Reset-After")
	r.Body = rewrite(r.Body, func(m map[string]any) { m["retry_after"] = 0.1 })
}
