package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	disgo "github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"hearth/internal/discord/retry"
	"hearth/internal/world"
)

var _ world.Chat = (*Client)(nil)

// Error is Discord's refusal of a call.
type Error = retry.Error

// DefaultURL is Discord's API.
const DefaultURL = "https://discord.com/api/v10"

// Defaults of ClientOptions.
const (
	DefaultTimeout = 30 * time.Second
	DefaultAttempt = 10 * time.Second
	DefaultPause   = 15 * time.Second
)

// maxNonce is Discord's limit, in characters.
const maxNonce = 25

// ClientOptions is what a Client needs. Application and Token must be given.
type ClientOptions struct {
	URL         string       // of the API, with its version; empty: DefaultURL
	Application string       // snowflake of the application
	Token       world.Secret // the bot's
	Version     string       // of Hearth, for the User-Agent; empty: "dev"
	Log         *slog.Logger // nil: silence
	// Clock measures the waits between attempts; nil: the system's. Deadlines
	// of single attempts and of ctx are the system's in any case.
	Clock world.Clock
	// Transport makes the single attempts; nil: a http.Transport of its own.
	Transport http.RoundTripper
	// Timeout bounds one call with all its attempts, and Attempt one of them;
	// 0: DefaultTimeout, DefaultAttempt.
	Timeout, Attempt time.Duration
	// Pause is the longest that a call waits because Discord asked it to. If
	// more is asked it fails at once, with an *Error that says how long. 0:
	// DefaultPause.
	Pause time.Duration
	// Jitter returns a number of [0, 1); nil: a random one. It is called by
	// several goroutines.
	Jitter func() float64
}

// Client speaks in a guild: Hearth's world.Chat. It is safe for concurrent
// use and starts no goroutine of its own.
type Client struct {
	application snowflake.ID
	timeout     time.Duration
	rest        rest.Client
	// redactor makes what takes the bot's token and these secrets out of a
	// text. It is a function because fmt would print a Secret in an
	// unexported field as it is.
	redactor func(secrets ...string) *strings.Replacer
}

// NewClient checks the options, all of them, and connects to nothing. The
// error says what to do and never holds the token.
func NewClient(o ClientOptions) (*Client, error) {
	if err := errors.Join(o.CheckAddress(), CheckToken(o.Token)); err != nil {
		return nil, err
	}
	application, _ := snowflakeID(o.Application) // both were checked
	base, _ := apiURL(o.URL)
	o.setDefaults()
	patient := retry.NewClient(retry.Options{
		Base: o.Transport, Attempt: o.Attempt, Clock: o.Clock, Pause: o.Pause, Log: o.Log, Jitter: o.Jitter,
	})
	return &Client{
		application: application, timeout: o.Timeout,
		redactor: func(secrets ...string) *strings.Replacer {
			return replacer(append(secrets, o.Token.Reveal()))
		},
		rest: rest.NewClient(o.Token.Reveal(),
			rest.WithURL(base),
			rest.WithHTTPClient(patient),
			// disgo's limiter misses a 429 without a bucket header and its
			// debug log prints bodies.
			rest.WithRateLimiter(rest.NewNoopRateLimiter()),
			rest.WithLogger(slog.New(slog.DiscardHandler)),
			// Discord's proxies block other forms (40333).
			rest.WithUserAgent("DiscordBot (https://github.com/hearth-game/hearth, "+o.Version+")")),
	}, nil
}

// CheckAddress says what is wrong with URL and Application, and what to do.
func (o ClientOptions) CheckAddress() error {
	var problems []error
	if !IsSnowflake(o.Application) {
		problems = append(problems, fmt.Errorf("DISCORD_APPLICATION_ID is %q: copy \"Application ID\", a number, from the application's General Information page", o.Application))
	}
	if _, err := apiURL(o.URL); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// CheckToken says what is wrong with a bot's token, and what to do. It makes no
// call: whether Discord takes it, is Discord's to say.
func CheckToken(t world.Secret) error {
	switch token := t.Reveal(); {
	case token == "":
		return errors.New("DISCORD_BOT_TOKEN is empty: make one on the application's Bot page")
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("DISCORD_BOT_TOKEN has spaces or other characters that no token has: give it bare, without \"Bot\" before it")
	}
	return nil
}

func (o *ClientOptions) setDefaults() {
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
			MaxIdleConns: 8, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 5 * time.Second,
		}
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Attempt <= 0 {
		o.Attempt = DefaultAttempt
	}
	if o.Pause <= 0 {
		o.Pause = DefaultPause
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
}

// apiURL checks the API's address; it may end in a slash.
func apiURL(text string) (string, error) {
	if text == "" {
		return DefaultURL, nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("DISCORD_API_URL is not the address of an API: leave it empty for %s, or give one like it", DefaultURL)
	}
	return strings.TrimRight(text, "/"), nil
}

// messageRef is what is read of a message that Discord answers with.
type messageRef struct {
	ID        string `json:"id"`
	ChannelID string `json:"channel_id"`
}

// Post implements world.Chat. Without a nonce a call whose fate is unknown is
// not repeated, since it might be said twice.
func (c *Client) Post(ctx context.Context, channel string, m world.Say, nonce string) (world.MessageRef, error) {
	id, ok := snowflakeID(channel)
	if !ok {
		return world.MessageRef{}, fmt.Errorf("post message: channel %q is not a snowflake: set DISCORD_CHANNEL_ID and DISCORD_KEEPER_CHANNEL_ID to channel ids", channel)
	}
	if n := units(nonce); n > maxNonce {
		return world.MessageRef{}, fmt.Errorf("post message: nonce has %d characters: at most %d", n, maxNonce)
	}
	p, err := render(m)
	if err != nil {
		return world.MessageRef{}, fmt.Errorf("post message: %w", err)
	}
	var ref messageRef
	endpoint := rest.CreateMessage.Compile(nil, id)
	if err := c.do(ctx, endpoint, p.create(nonce), &ref, callOptions{once: nonce == ""}); err != nil {
		return world.MessageRef{}, fmt.Errorf("post message: %w", err)
	}
	return world.MessageRef{Channel: channel, ID: ref.ID}, nil
}

// foundMessage is what is read of a message in a channel's history.
type foundMessage struct {
	ID     string `json:"id"`
	Author struct {
		ID string `json:"id"`
	} `json:"author"`
	// WebhookID is set on the answers to interactions, not on what was posted.
	WebhookID  string            `json:"webhook_id"`
	Content    string            `json:"content"`
	Embeds     []json.RawMessage `json:"embeds"`
	Components []struct {
		Components []struct {
			CustomID string `json:"custom_id"`
		} `json:"components"`
	} `json:"components"`
}

// Find implements world.Chat. Without the permission to read the channel's
// history Discord shows none of it, and nothing is found.
func (c *Client) Find(ctx context.Context, channel string, m world.Say, since time.Time) (world.MessageRef, error) {
	id, ok := snowflakeID(channel)
	if !ok {
		return world.MessageRef{}, fmt.Errorf("find message: %w: %q is no channel", world.ErrMessageGone, channel)
	}
	p, err := render(m)
	if err != nil {
		return world.MessageRef{}, fmt.Errorf("find message: %w", err)
	}
	const clocks = 10 * time.Second // Discord's and ours
	after := snowflake.ID(0)
	if t := since.Add(-clocks); t.UnixMilli() > snowflake.Epoch { // there were no ids before
		after = snowflake.New(t)
	}
	var history []foundMessage
	endpoint := rest.GetMessages.Compile(disgo.QueryValues{"after": after, "limit": 100}, id)
	if err := c.do(ctx, endpoint, nil, &history, callOptions{}); err != nil {
		return world.MessageRef{}, fmt.Errorf("find message: %w", err)
	}
	for _, f := range history { // newest first
		if f.Author.ID == c.application.String() && f.says(p, m) {
			return world.MessageRef{Channel: channel, ID: f.ID}, nil
		}
	}
	return world.MessageRef{}, fmt.Errorf("find message: %w", world.ErrMessageGone)
}

// says: the message is what a post of m made, perhaps edited since if m is a
// card.
func (f foundMessage) says(p parts, m world.Say) bool {
	if m.Card == nil {
		return f.Content == p.content && f.WebhookID == ""
	}
	if len(f.Embeds) == 0 {
		return false
	}
	for _, row := range f.Components {
		for _, b := range row.Components {
			if slices.ContainsFunc(m.Buttons, func(want world.Button) bool { return want.Action == b.CustomID }) {
				return true
			}
		}
	}
	return false
}

// Edit implements world.Chat. Text, card and buttons that m lacks vanish from
// the message.
func (c *Client) Edit(ctx context.Context, ref world.MessageRef, m world.Say) error {
	channel, ok1 := snowflakeID(ref.Channel)
	id, ok2 := snowflakeID(ref.ID)
	if !ok1 || !ok2 {
		return fmt.Errorf("edit message: %w: %q in channel %q is no message", world.ErrMessageGone, ref.ID, ref.Channel)
	}
	p, err := render(m)
	if err != nil {
		return fmt.Errorf("edit message: %w", err)
	}
	endpoint := rest.UpdateMessage.Compile(nil, channel, id)
	if err := c.do(ctx, endpoint, p.update(), nil, callOptions{}); err != nil {
		return fmt.Errorf("edit message: %w", err)
	}
	return nil
}

// Reply implements world.Chat. A 404 is asked again for 7.5 seconds, because
// Discord sometimes does not find a good answer at first. The reference is
// empty if Discord says that the answer was given already.
func (c *Client) Reply(ctx context.Context, to world.Reply, m world.Say) (world.MessageRef, error) {
	application, ok := c.application, true
	if to.Application != "" {
		application, ok = snowflakeID(to.Application)
	}
	if !ok || to.Token == "" {
		return world.MessageRef{}, fmt.Errorf("reply: %w: no application or token to answer with", world.ErrMessageGone)
	}
	p, err := render(m)
	if err != nil {
		return world.MessageRef{}, fmt.Errorf("reply: %w", err)
	}
	token := to.Token.Reveal()
	escaped := url.PathEscape(token)
	var ref messageRef
	endpoint := rest.UpdateInteractionResponse.Compile(nil, application, escaped)
	if err := c.do(ctx, endpoint, p.update(), &ref, callOptions{scope: retry.Answer, secrets: []string{token, escaped}}); err != nil {
		return world.MessageRef{}, fmt.Errorf("reply: %w", err)
	}
	return world.MessageRef{Channel: ref.ChannelID, ID: ref.ID}, nil
}

// Register replaces all of the application's commands in the guild by those
// for these worlds. Discord shows them at once, and allows 200 new ones a day
// in a guild: call it when a deployment changes, not when a process starts.
func (c *Client) Register(ctx context.Context, guild string, worlds []world.Config) error {
	id, ok := snowflakeID(guild)
	if !ok {
		return fmt.Errorf("register commands: guild %q is not a snowflake: set DISCORD_GUILD_ID to the server's id", guild)
	}
	if n := len(worlds); n == 0 || n > maxChoices {
		return fmt.Errorf("register commands: %d worlds: give 1 to %d", n, maxChoices)
	}
	endpoint := rest.SetGuildCommands.Compile(nil, c.application, id)
	if err := c.do(ctx, endpoint, Commands(worlds), nil, callOptions{}); err != nil {
		return fmt.Errorf("register commands: %w", err)
	}
	return nil
}

type callOptions struct {
	scope   retry.Scope // empty: retry.Bot
	once    bool
	secrets []string // beside the bot's token
}

// do makes a call and reads its answer into out, unless that is nil.
func (c *Client) do(ctx context.Context, endpoint *rest.CompiledEndpoint, body, out any, o callOptions) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if o.scope == "" {
		o.scope = retry.Bot
	}
	route := endpoint.Endpoint.Method + " " + endpoint.Endpoint.Route
	call := &retry.Call{
		Route: route, Bucket: route + " " + endpoint.MajorParams,
		Scope: o.scope, Once: o.once,
		Redact: c.redactor(o.secrets...),
	}
	err := call.Do(ctx, func(ctx context.Context) error { return c.rest.Do(endpoint, body, out, rest.WithCtx(ctx)) })
	if refused, ok := errors.AsType[*Error](err); ok && refused.Code == int(rest.JSONErrorCodeInteractionAlreadyAcknowledged) {
		return nil
	}
	return err
}

func replacer(secrets []string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		if s != "" {
			pairs = append(pairs, s, "REDACTED")
		}
	}
	return strings.NewReplacer(pairs...)
}

// systemClock is the clock of a Client that was given none.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() } //nolint:forbidigo // the default clock is the system's

func (systemClock) After(d time.Duration) <-chan time.Time {
	return time.After(d) //nolint:forbidigo // the default clock is the system's
}
