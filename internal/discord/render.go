package discord

import (
	"errors"
	"strings"
	"unicode/utf16"

	disgo "github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"hearth/internal/world"
)

// Discord's limits, in characters. Here a character is a UTF-16 unit: Discord
// does not say which it counts, and no other count gives more.
const (
	maxContent    = 2000
	maxTitle      = 256
	maxBody       = 4096
	maxFields     = 25
	maxFieldName  = 256
	maxFieldValue = 1024
	maxFooter     = 2048
	maxEmbed      = 6000 // all texts of an embed together
	maxRows       = 5
	maxRowButtons = 5
	maxLabel      = 80
	maxCustomID   = 100
	maxPings      = 100
)

var errNothingToSay = errors.New("nothing to say: give the message a text, a card or buttons")

// parts is a world.Say in Discord's form.
type parts struct {
	content    string
	embeds     []disgo.Embed           // never nil
	components []disgo.LayoutComponent // never nil
	mentions   *disgo.AllowedMentions
}

// render never fails on a text: what is too long is cut with an ellipsis, and
// what Discord would refuse the whole message for (a button without a name or
// an action, a second one with the same action) is left out.
func render(m world.Say) (parts, error) {
	p := parts{content: cut(m.Text, maxContent), embeds: []disgo.Embed{}, mentions: mentions(m.Ping)}
	if m.Card != nil {
		if e, ok := embed(*m.Card); ok {
			p.embeds = append(p.embeds, e)
		}
	}
	p.components = rows(m.Buttons)
	if strings.TrimSpace(p.content) == "" && len(p.embeds) == 0 && len(p.components) == 0 {
		return parts{}, errNothingToSay
	}
	return p, nil
}

func (p parts) create(nonce string) disgo.MessageCreate {
	return disgo.MessageCreate{
		Content: p.content, Embeds: p.embeds, Components: p.components,
		AllowedMentions: p.mentions, Nonce: nonce, EnforceNonce: nonce != "",
	}
}

// update names every part, so that what the message had before and has no
// longer vanishes.
func (p parts) update() disgo.MessageUpdate {
	return disgo.MessageUpdate{
		Content: &p.content, Embeds: &p.embeds, Components: &p.components,
		AllowedMentions: p.mentions,
	}
}

// mentions lets nobody be notified but the users named. Every edit reads a
// message's mentions afresh, so every message carries this.
func mentions(ping []string) *disgo.AllowedMentions {
	a := &disgo.AllowedMentions{
		Parse: []disgo.AllowedMentionType{},
		Roles: []snowflake.ID{},
		Users: []snowflake.ID{},
	}
	seen := map[snowflake.ID]bool{}
	for _, text := range ping {
		id, ok := snowflakeID(text)
		if !ok || seen[id] || len(a.Users) == maxPings {
			continue
		}
		seen[id] = true
		a.Users = append(a.Users, id)
	}
	return a
}

func snowflakeID(text string) (snowflake.ID, bool) {
	n, ok := snowflakeNumber(text)
	return snowflake.ID(n), ok
}

func embed(c world.Card) (disgo.Embed, bool) {
	left := maxEmbed
	take := func(text string, limit int) string {
		text = cut(text, min(limit, left))
		left -= units(text)
		return text
	}
	e := disgo.Embed{Title: take(c.Title, maxTitle), Color: colour(c.Tone)}
	if footer := take(c.Footer, maxFooter); footer != "" {
		e.Footer = &disgo.EmbedFooter{Text: footer}
	}
	e.Description = take(c.Body, maxBody)
	for _, f := range c.Fields[:min(len(c.Fields), maxFields)] {
		name, value := visible(f.Name), visible(f.Value)
		if left < 2 { // a field needs both
			break
		}
		left-- // kept for the value
		name = take(name, maxFieldName)
		left++
		inline := f.Inline
		e.Fields = append(e.Fields, disgo.EmbedField{Name: name, Value: take(value, maxFieldValue), Inline: &inline})
	}
	empty := strings.TrimSpace(e.Title+e.Description) == "" && e.Footer == nil && len(e.Fields) == 0
	return e, !empty
}

// visible keeps Discord from refusing a blank field.
func visible(text string) string {
	if strings.TrimSpace(text) == "" {
		return "\u200b"
	}
	return text
}

func colour(t world.Tone) int {
	switch t {
	case world.ToneOut:
		return 0x95a5a6
	case world.ToneWorking:
		return 0xf0b232
	case world.ToneBurning:
		return 0x3ba55d
	case world.ToneTrouble:
		return 0xed4245
	default:
		return 0x95a5a6
	}
}

func rows(buttons []world.Button) []disgo.LayoutComponent {
	layout := []disgo.LayoutComponent{}
	var row []disgo.InteractiveComponent
	seen := map[string]bool{}
	for _, b := range buttons {
		if len(layout) == maxRows {
			break
		}
		label := cut(b.Label, maxLabel)
		if (strings.TrimSpace(label) == "" && b.Emoji == "") || b.Action == "" || units(b.Action) > maxCustomID || seen[b.Action] {
			continue
		}
		seen[b.Action] = true
		button := disgo.ButtonComponent{Style: style(b.Style), Label: label, CustomID: b.Action}
		if b.Emoji != "" {
			button.Emoji = &disgo.ComponentEmoji{Name: b.Emoji}
		}
		row = append(row, button)
		if len(row) == maxRowButtons {
			layout = append(layout, disgo.ActionRowComponent{Components: row})
			row = nil
		}
	}
	if len(row) > 0 {
		layout = append(layout, disgo.ActionRowComponent{Components: row})
	}
	return layout
}

func style(s world.Style) disgo.ButtonStyle {
	switch s {
	case world.StylePrimary:
		return disgo.ButtonStylePrimary
	case world.StyleSuccess:
		return disgo.ButtonStyleSuccess
	case world.StyleDanger:
		return disgo.ButtonStyleDanger
	case world.StyleSecondary:
		return disgo.ButtonStyleSecondary
	default:
		return disgo.ButtonStyleSecondary
	}
}

// cut shortens text to limit characters, the last of them an ellipsis. What is
// not UTF-8 becomes the replacement character.
func cut(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if units(text) <= limit {
		return text
	}
	if limit < 1 {
		return ""
	}
	room := limit - 1
	for i, r := range text {
		if room -= utf16.RuneLen(r); room < 0 {
			// An odd backslash at the end would escape the ellipsis.
			kept := text[:i]
			if n := len(kept) - len(strings.TrimRight(kept, `\`)); n%2 == 1 {
				kept = kept[:len(kept)-1]
			}
			return kept + "…"
		}
	}
	return text
}

func units(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}
