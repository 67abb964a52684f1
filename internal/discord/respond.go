package discord

import (
	"encoding/json"
	"strconv"

	disgo "github.com/disgoorg/disgo/discord"
)

// Answers to an interaction, as the JSON body of a 200. Discord wants one
// within three seconds, or the interaction is void.

// Pong answers a Ping.
func Pong() []byte {
	return answer(disgo.InteractionResponseTypePong, "")
}

// Deferred says that the answer follows ("thinking"). Whether only the person
// who asked sees it is fixed here for good.
func Deferred(ephemeral bool) []byte {
	if !ephemeral {
		return answer(disgo.InteractionResponseTypeDeferredCreateMessage, "")
	}
	return answer(disgo.InteractionResponseTypeDeferredCreateMessage, `{"flags":`+ephemeralFlag()+`}`)
}

// DeferredUpdate says that the message under which a button was pressed will
// change. Nothing is shown meanwhile.
func DeferredUpdate() []byte {
	return answer(disgo.InteractionResponseTypeDeferredUpdateMessage, "")
}

// Refusal answers at once, to the person who asked alone, and mentions
// nobody. Text beyond 2,000 characters is cut.
func Refusal(text string) []byte {
	content, err := json.Marshal(cut(text, maxContent))
	if err != nil { // a string always has a JSON form
		content = []byte(`""`)
	}
	return answer(disgo.InteractionResponseTypeCreateMessage,
		`{"content":`+string(content)+`,"flags":`+ephemeralFlag()+`,"allowed_mentions":{"parse":[]}}`)
}

// Acknowledge is the answer that lets an allowed interaction be done later:
// Pong for a ping, DeferredUpdate for a button that answers in its place, Deferred for
// everything else.
func (i Interaction) Acknowledge() []byte {
	switch {
	case i.Kind == Ping:
		return Pong()
	case i.Kind == Button && inPlace(i.Command):
		return DeferredUpdate()
	default:
		return Deferred(i.Ephemeral())
	}
}

// answer is put together by hand: it stands in the path that decides how long
// the first answer of a cold process takes.
func answer(kind disgo.InteractionResponseType, data string) []byte {
	b := append([]byte(`{"type":`), strconv.Itoa(int(kind))...)
	if data != "" {
		b = append(append(b, `,"data":`...), data...)
	}
	return append(b, '}')
}

func ephemeralFlag() string {
	return strconv.Itoa(int(disgo.MessageFlagEphemeral))
}
