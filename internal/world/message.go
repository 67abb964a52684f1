package world

// Say is a message for people, free of any chat's wire format.
type Say struct {
	// Text is markdown; anything a player chose is escaped already.
	Text string `json:"text,omitempty"`
	// Card is a framed block under the text.
	Card *Card `json:"card,omitempty"`
	// Buttons stand in rows of five at most.
	Buttons []Button `json:"buttons,omitempty"`
	// Ping lists the ids of the users this message may notify; it must also
	// name them as <@id> in Text. Nobody else is ever mentioned.
	Ping []string `json:"ping,omitempty"`
}

// Card is a framed block with a coloured edge.
type Card struct {
	Title  string  `json:"title"`
	Body   string  `json:"body,omitempty"`
	Tone   Tone    `json:"tone"`
	Fields []Field `json:"fields,omitempty"`
	Footer string  `json:"footer,omitempty"`
}

// Field is one labelled value on a card; at most 25 a card.
type Field struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline,omitempty"`
}

// Tone is the colour of a card's edge, always beside words that say the same.
type Tone string

// The tones.
const (
	ToneOut     Tone = "out"     // grey: stopped
	ToneWorking Tone = "working" // amber: starting, stopping
	ToneBurning Tone = "burning" // green: online
	ToneTrouble Tone = "trouble" // red: somebody should look
)

// Button is something to press.
type Button struct {
	Label  string `json:"label"`
	Emoji  string `json:"emoji,omitempty"`
	Style  Style  `json:"style"`
	Action string `json:"action"` // the custom_id, as made by Action.String
}

// Style is a button's weight.
type Style string

// The styles, as Discord has them.
const (
	StylePrimary   Style = "primary"
	StyleSecondary Style = "secondary"
	StyleSuccess   Style = "success"
	StyleDanger    Style = "danger"
)

// Reply is the way back to the person who gave a command. It is good for 15
// minutes after the interaction.
type Reply struct {
	Application string `json:"application"`
	Token       Token  `json:"token"`
	// Ephemeral: only that person sees the answer; fixed when it was deferred.
	Ephemeral bool `json:"ephemeral,omitempty"`
}
