package simdiscord

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hearth/internal/sim/simdiscord/endpoint"
	"hearth/internal/sim/simdiscord/form"
	"hearth/internal/sim/simdiscord/guild"
)

// Clock is the time that the pretend Discord lives in.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// Deliver takes one signed request to the interactions endpoint and brings
// back its answer. An error means that no HTTP answer came. It must return
// soon after ctx is done.
type Deliver = endpoint.Deliver

// Options are fixed for the life of a Discord. Clock, Seed, Deliver and
// BotToken are required; everything else has a default.
type Options struct {
	Clock   Clock
	Seed    []byte // of the ed25519 key that signs interactions: 32 bytes
	Deliver Deliver
	// BotToken is what the REST face accepts as "Authorization: Bot …".
	BotToken string

	// Ids are decimal snowflakes; the defaults are the Default… constants.
	ApplicationID   string // also the id of the bot's user
	GuildID         string
	ChannelID       string // the play channel
	KeeperChannelID string
	KeeperRoleID    string

	GuildName         string
	ChannelName       string
	KeeperChannelName string
	BotName           string
	// EndpointURL is the address that the application's page shows for
	// interactions. It is only shown: Deliver brings them there.
	EndpointURL string
	// Reach makes the way to another address, which the bot may then give by
	// PATCH /applications/@me; nil: no other can be verified. Where it was moved
	// is no part of Export.
	Reach func(address string) Deliver

	// People are the guild's members; the default is the keeper Ana and the
	// members Bo and Cleo.
	People []Person

	// BadSignatureEvery n > 0 sends the endpoint a deliberately bad signature
	// after every n-th interaction, as Discord does from time to time.
	BadSignatureEvery int
	// AnswerWithin is how long the endpoint may take; default 3 s, Discord's.
	AnswerWithin time.Duration
	// Keep, if set, is given everything there is, in the form of Export, after
	// each change and before anybody learns of it, so that a process that is
	// killed forgets nothing it has told. One call at a time; it must not call
	// the Discord. After an error a REST request is answered 500, with its
	// change done.
	Keep func(export []byte) error
	Log  *slog.Logger // default: nowhere
}

// Defaults of Options. People without an id get those from firstPersonID on.
const (
	DefaultApplicationID   = "1100000000000000001"
	DefaultGuildID         = "1100000000000000100"
	DefaultChannelID       = "1100000000000000200"
	DefaultKeeperChannelID = "1100000000000000201"
	DefaultKeeperRoleID    = "1100000000000000300"
	DefaultAnswerWithin    = 3 * time.Second

	firstPersonID = 1100000000000000401
)

// Errors that callers branch on.
var (
	// ErrReplyLost is what Call and Transport return when DropReplies lost an
	// answer: the request was carried out.
	ErrReplyLost = errors.New("the reply was lost")
	// ErrRequest is wrapped by errors of Interact and Say about requests that
	// no Discord client could send.
	ErrRequest = errors.New("no client could send this")
	// ErrEndpoint is wrapped by errors of ValidateEndpoint.
	ErrEndpoint = endpoint.ErrRefused
)

// Discord is a pretend Discord with one guild and one application. It is safe
// for concurrent use.
type Discord struct {
	opts     Options // never changes
	endpoint *endpoint.Endpoint
	running  sync.WaitGroup // interactions begun by Begin

	mu           sync.Mutex // guards what follows
	closed       bool
	address      string // of the endpoint
	guild        *guild.Guild
	creates      window // commands created in this guild today
	interactions map[string]*interaction
	nonces       map[string]nonceUse
	limits       limits
	levers       levers
	kept         int64 // the last event whose change Keep was given
	stats        Stats
}

// Stats counts what came and went since New or Reset.
type Stats struct {
	Calls        int // REST requests
	Invalid      int // answered 401, 403 or 429 (not of scope shared): 10,000 in 10 minutes are a ban
	Limited      int // answered 429
	Interactions int
	Failed       int // interactions shown as "The application did not respond"
}

// New makes a pretend Discord. It starts nothing; the error names every
// option that must be mended.
func New(o Options) (*Discord, error) {
	o.applyDefaults()
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("simdiscord options: %w", err)
	}
	d := &Discord{
		opts: o,
		endpoint: endpoint.New(endpoint.Options{
			Clock: o.Clock, Key: ed25519.NewKeyFromSeed(o.Seed), Deliver: o.Deliver, Within: o.AnswerWithin, Log: o.Log,
		}),
		guild: guild.New(guild.Options{
			Clock: o.Clock, ApplicationID: o.ApplicationID, GuildID: o.GuildID, ChannelID: o.ChannelID,
			KeeperChannelID: o.KeeperChannelID, KeeperRoleID: o.KeeperRoleID, GuildName: o.GuildName,
			ChannelName: o.ChannelName, KeeperChannelName: o.KeeperChannelName, BotName: o.BotName, People: o.People,
		}),
		address:      o.EndpointURL,
		interactions: map[string]*interaction{},
		nonces:       map[string]nonceUse{},
	}
	d.limits.reset()
	return d, nil
}

func (o *Options) applyDefaults() {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&o.ApplicationID, DefaultApplicationID)
	def(&o.GuildID, DefaultGuildID)
	def(&o.ChannelID, DefaultChannelID)
	def(&o.KeeperChannelID, DefaultKeeperChannelID)
	def(&o.KeeperRoleID, DefaultKeeperRoleID)
	def(&o.GuildName, "The Hearth")
	def(&o.ChannelName, "valheim")
	def(&o.KeeperChannelName, "keepers")
	def(&o.BotName, "Hearth")
	if o.AnswerWithin == 0 {
		o.AnswerWithin = DefaultAnswerWithin
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.People = slices.Clone(o.People)
	if len(o.People) == 0 {
		o.People = []Person{{Name: "Ana", Role: guild.RoleKeeper}, {Name: "Bo"}, {Name: "Cleo"}}
	}
	for i := range o.People {
		p := &o.People[i]
		def(&p.ID, fmt.Sprintf("%d", firstPersonID+i))
		def((*string)(&p.Role), string(guild.RoleMember))
	}
}

func (o *Options) check() error {
	var ps []error
	bad := func(format string, args ...any) { ps = append(ps, fmt.Errorf(format, args...)) }
	if o.Clock == nil {
		bad("Clock is nil: give it the clock that the bot runs on")
	}
	if len(o.Seed) != ed25519.SeedSize {
		bad("Seed has %d bytes: an ed25519 seed has %d", len(o.Seed), ed25519.SeedSize)
	}
	if o.Deliver == nil {
		bad("Deliver is nil: give it the way to the interactions endpoint, for instance web.Deliver")
	}
	if o.BotToken == "" {
		bad("BotToken is empty: give it the token that the bot will send")
	}
	if o.AnswerWithin < 0 || o.BadSignatureEvery < 0 {
		bad("AnswerWithin and BadSignatureEvery must not be negative")
	}
	ids := map[string]bool{}
	id := func(what, v string) {
		if !form.IsSnowflake(v) {
			bad("%s %q is not a snowflake: give a decimal number of up to 19 digits", what, v)
		}
		if ids[v] {
			bad("%s %q is used twice: ids must differ", what, v)
		}
		ids[v] = true
	}
	id("ApplicationID", o.ApplicationID)
	id("GuildID", o.GuildID)
	id("ChannelID", o.ChannelID)
	id("KeeperChannelID", o.KeeperChannelID)
	id("KeeperRoleID", o.KeeperRoleID)
	for _, p := range o.People {
		id("id of "+p.Name, p.ID)
		if p.Name == "" {
			bad("person %s has no name", p.ID)
		}
		if p.Role != guild.RoleKeeper && p.Role != guild.RoleMember {
			bad("role %q of %s is neither %q nor %q", p.Role, p.Name, guild.RoleKeeper, guild.RoleMember)
		}
	}
	return errors.Join(ps...)
}

// PublicKey is the application's key in hex, as the developer portal shows it.
func (d *Discord) PublicKey() string {
	return d.endpoint.PublicKey()
}

// Stats returns the counts so far.
func (d *Discord) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stats
}

// Reset empties the channels and forgets interactions, nonces, budgets,
// levers and counts. Commands stay registered and ids go on rising.
// Interactions under way are void.
func (d *Discord) Reset() {
	d.mu.Lock()
	defer d.leave()
	clear(d.interactions)
	clear(d.nonces)
	d.limits.reset()
	d.levers = levers{}
	d.endpoint.Reset()
	d.stats = Stats{}
	d.guild.Clear()
}

// Close ends all subscriptions, cuts off interactions under way and waits for
// those that Begin began. The Discord can still be read afterwards.
func (d *Discord) Close() {
	d.mu.Lock()
	if !d.closed {
		d.closed = true
		d.endpoint.Close()
		d.guild.Close()
	}
	d.mu.Unlock()
	d.running.Wait()
}

// keep gives what changed to Options.Keep. d.mu is held.
func (d *Discord) keep() error {
	if d.opts.Keep == nil || d.closed || d.kept == d.guild.Seq() {
		return nil
	}
	b, err := d.export()
	if err == nil {
		err = d.opts.Keep(b)
	}
	if err != nil {
		return fmt.Errorf("keep channel: %w", err)
	}
	d.kept = d.guild.Seq()
	return nil
}

// leave unlocks d.mu after something may have changed: it is kept first, and
// told then.
func (d *Discord) leave() {
	if err := d.keep(); err != nil {
		d.opts.Log.Error("channel not kept", slog.Any("error", err))
	}
	d.guild.Flush()
	d.mu.Unlock()
}
