package world

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// SchemaVersion is the number every envelope and row carries. Each side
// understands its own and the previous one.
const SchemaVersion = 1

// MaxMessageBytes is the size limit of an envelope, under a storage queue's
// 64 KiB after base64.
const MaxMessageBytes = 48 * 1024

// Event is something asked or something that happened, to one world. On the
// wire it is one JSON envelope with the attributes of CloudEvents 1.0.
type Event struct {
	// ID names the event; a redelivery has the same one. An agent's ids are
	// "<world>/<epoch>/<seq>", a command's is its interaction's id.
	ID string
	// Source says who speaks: SourceDiscord, SourceAgent, SourceBot.
	Source string
	// World is the subject.
	World string
	// Time is when it happened on the source's clock.
	Time time.Time
	// Received is when the worker took it from the queue, on the worker's
	// clock: the "now" of React. It is not on the wire.
	Received time.Time
	// Data is a pointer to one of the payload types of payload.go.
	Data Payload
	// Seal is the HMAC-SHA256 of the data under its speaker's key: the world's
	// for an agent's events, the bot's own for SourceBot.
	Seal []byte
}

// Sources of events.
const (
	SourceDiscord = "discord"
	SourceAgent   = "agent"
	SourceBot     = "bot"
)

// Errors of Decode.
var (
	// ErrMalformed: not an envelope that anybody of ours would write.
	ErrMalformed = errors.New("malformed event")
	// ErrSeal: the seal is not that of the speaker whom the envelope names. It
	// always comes together with ErrMalformed.
	ErrSeal = errors.New("seal does not fit")
	// ErrSchema: written by a version of Hearth too far from this one.
	ErrSchema = errors.New("unknown schema")
	// ErrType: sealed by its speaker, and of a type or with data that this
	// version does not know. It always comes together with ErrSchema.
	ErrType = errors.New("unknown type")
)

// envelope is the wire form. CloudEvents extension attributes are lower case
// letters and digits only.
type envelope struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject"`
	Time        time.Time       `json:"time"`
	ContentType string          `json:"datacontenttype"`
	Schema      int             `json:"hearthschema"`
	Seal        string          `json:"hearthseal,omitempty"`
	Data        json.RawMessage `json:"data"`
}

// Encode writes the envelope of an event that proves itself otherwise, as a
// command does by its signed body; ErrMalformed without data, ErrTooLarge
// above MaxMessageBytes.
func (e Event) Encode() ([]byte, error) {
	if e.Data == nil {
		return nil, fmt.Errorf("encode event %s: %w: no data", e.ID, ErrMalformed)
	}
	data, err := json.Marshal(e.Data)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return e.encode(data)
}

// EncodeSealed writes the envelope of an agent's or the bot's event with its
// HMAC under the speaker's key; errors as of Encode.
func (e Event) EncodeSealed(key []byte) ([]byte, error) {
	if e.Data == nil {
		return nil, fmt.Errorf("encode event %s: %w: no data", e.ID, ErrMalformed)
	}
	data, err := json.Marshal(e.Data)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	e.Seal = seal(key, e.ID, e.World, string(e.Data.Type()), data)
	return e.encode(data)
}

func (e Event) encode(data []byte) ([]byte, error) {
	body, err := json.Marshal(envelope{
		SpecVersion: "1.0", ID: e.ID, Source: e.Source, Type: string(e.Data.Type()),
		Subject: e.World, Time: e.Time.UTC(), ContentType: "application/json",
		Schema: SchemaVersion, Seal: base64.StdEncoding.EncodeToString(e.Seal), Data: data,
	})
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	if len(body) > MaxMessageBytes {
		return nil, fmt.Errorf("encode event %s: %w: %d bytes of at most %d", e.ID, ErrTooLarge, len(body), MaxMessageBytes)
	}
	return body, nil
}

// MinKeyBytes is the shortest key that an agent may seal with.
const MinKeyBytes = 16

// BotKey is what Decode asks for the bot's own key by: no world has this id.
const BotKey = ""

// Decode reads an envelope. keyOf returns the key of a world's agent, the
// bot's own for BotKey, or nil. An event of SourceAgent or SourceBot whose seal
// does not fit is ErrSeal: whoever may put messages into the queue, as every
// machine may, can speak for no world but its own, and not for the bot.
// A command proves itself by its signed body, which is the worker's to verify.
//
// ErrMalformed and ErrTooLarge are for good. ErrSchema may be another version's,
// which can read it; an ErrSchema without ErrType anybody could have written.
func Decode(body []byte, keyOf func(world string) []byte) (Event, error) {
	var env envelope
	if len(body) > MaxMessageBytes {
		return Event{}, fmt.Errorf("decode event: %w: %d bytes", ErrTooLarge, len(body))
	}
	if err := json.Unmarshal(body, &env); err != nil {
		return Event{}, fmt.Errorf("decode event: %w: %w", ErrMalformed, err)
	}
	if env.Schema < SchemaVersion-1 || env.Schema > SchemaVersion || env.Schema < 1 {
		return Event{}, fmt.Errorf("decode event %s: %w: %d, this is %d", env.ID, ErrSchema, env.Schema, SchemaVersion)
	}
	if env.ID == "" || env.Subject == "" || env.SpecVersion != "1.0" {
		return Event{}, fmt.Errorf("decode event: %w: id, subject or specversion missing", ErrMalformed)
	}
	if typ := Type(env.Type); sourceOf(typ) != env.Source {
		return Event{}, fmt.Errorf("decode event %s: %w: %s does not send %s", env.ID, ErrMalformed, env.Source, env.Type)
	}
	e := Event{ID: env.ID, Source: env.Source, World: env.Subject, Time: env.Time}
	// The seal before what it seals: a type that is not known is believed to
	// be a newer version's only if its speaker sealed it.
	sealed, err := env.unseal(&e, keyOf)
	if err != nil {
		return Event{}, fmt.Errorf("decode event %s: %w", env.ID, err)
	}
	e.Data, err = decodePayload(Type(env.Type), env.Data)
	switch {
	case err != nil && sealed:
		return Event{}, fmt.Errorf("decode event %s: %w: %w: %w", env.ID, ErrSchema, ErrType, err)
	case err != nil:
		return Event{}, fmt.Errorf("decode event %s: %w: %w", env.ID, ErrMalformed, err)
	}
	return e, nil
}

// unseal checks who speaks, and says whether that is proven.
func (env *envelope) unseal(e *Event, keyOf func(world string) []byte) (sealed bool, err error) {
	// Strict: without it several texts would be the same seal.
	if e.Seal, err = base64.StdEncoding.Strict().DecodeString(env.Seal); err != nil {
		return false, fmt.Errorf("%w: %w: %w", ErrMalformed, ErrSeal, err)
	}
	speaker := BotKey
	switch e.Source {
	case SourceDiscord:
		return false, nil
	case SourceAgent:
		speaker = e.World
	case SourceBot:
	default:
		return false, fmt.Errorf("%w: nobody is called %q", ErrMalformed, e.Source)
	}
	key := keyOf(speaker)
	if len(key) == 0 || !hmac.Equal(e.Seal, seal(key, e.ID, e.World, env.Type, env.Data)) {
		return false, fmt.Errorf("%w: %w", ErrMalformed, ErrSeal)
	}
	return true, nil
}

func seal(key []byte, id, world, typ string, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range [][]byte{[]byte(id), []byte(world), []byte(typ), data} {
		// Length before content, so that no two events share a byte stream.
		_, _ = fmt.Fprintf(h, "%d:", len(part)) // a hash takes every write
		h.Write(part)
	}
	return h.Sum(nil)
}
