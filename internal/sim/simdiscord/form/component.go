package form

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Component is an action row (type 1) or a button (type 2).
type Component struct {
	Type       int         `json:"type"`
	ID         int         `json:"id"` // numbered from 1 within a message
	Components []Component `json:"components,omitempty"`
	Style      int         `json:"style,omitempty"`
	Label      string      `json:"label,omitempty"`
	Emoji      *Emoji      `json:"emoji,omitempty"`
	CustomID   string      `json:"custom_id,omitempty"`
	URL        string      `json:"url,omitempty"`
	Disabled   bool        `json:"disabled,omitempty"`
}

// Emoji is a picture on a button.
type Emoji struct {
	ID       *string `json:"id"`
	Name     string  `json:"name"`
	Animated bool    `json:"animated,omitempty"`
}

// Component types.
const (
	Row    = 1
	Button = 2
)

const styleLink = 5

// Limits of components, as documented.
const (
	maxRows        = 5
	maxRowButtons  = 5
	maxButtonLabel = 80
	maxCustomID    = 100
	maxButtonURL   = 512
)

// readComponents reads the components of a message; nil if the field is not
// there. Only rows of buttons are played.
func readComponents(o *object) *[]Component {
	present := o.named("components")
	rows := []Component{}
	seen := map[string]bool{}
	next := 0
	number := func() int { next++; return next }
	o.objects("components", maxRows, func(r *object) {
		_, _ = r.whole("id", 0, 1<<31-1)
		if kind, _ := r.whole("type", 0, 1<<31-1); kind != Row {
			r.bad("type", "BASE_TYPE_CHOICES", "Value must be one of {1}.")
		}
		row := Component{Type: Row, ID: number()}
		r.objects("components", maxRowButtons, func(b *object) {
			button := readButton(b, seen)
			button.ID = number()
			row.Components = append(row.Components, button)
		})
		if len(row.Components) == 0 {
			r.bad("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and %d in length.", maxRowButtons)
		}
		rows = append(rows, row)
	})
	if !present {
		return nil
	}
	return &rows
}

func readButton(o *object, seen map[string]bool) Component {
	_, _ = o.whole("id", 0, 1<<31-1)
	if kind, _ := o.whole("type", 0, 1<<31-1); kind != Button {
		o.bad("type", "BASE_TYPE_CHOICES", "Value must be one of {2}: the pretend Discord plays buttons only.")
	}
	b := Component{
		Type:     Button,
		Label:    o.text("label", 0, maxButtonLabel),
		URL:      o.text("url", 0, maxButtonURL),
		Emoji:    readEmoji(o),
		Disabled: o.truth("disabled"),
	}
	style, ok := o.whole("style", 1, styleLink)
	if !ok {
		o.required("style")
	}
	b.Style = int(style)
	if o.named("custom_id") {
		b.CustomID = o.text("custom_id", 1, maxCustomID)
	}
	switch {
	case b.Style == styleLink && b.CustomID != "":
		o.bad("custom_id", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A custom id and url cannot both be specified")
	case b.Style == styleLink && !isLink(b.URL):
		o.bad("url", "BUTTON_COMPONENT_URL_REQUIRED", "A url is required")
	case b.Style != styleLink && b.URL != "":
		o.bad("url", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A custom id and url cannot both be specified")
	case b.Style != styleLink && !o.named("custom_id"):
		o.bad("custom_id", "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
	case b.CustomID != "" && seen[b.CustomID]:
		o.bad("custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
	}
	seen[b.CustomID] = true
	if b.Label == "" && b.Emoji == nil {
		o.bad("label", "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A label or an emoji is required")
	}
	return b
}

func isLink(s string) bool {
	return slices.ContainsFunc([]string{"https://", "http://", "discord://"}, func(p string) bool { return strings.HasPrefix(s, p) })
}

func readEmoji(o *object) *Emoji {
	e := o.inner("emoji")
	if e == nil {
		return nil
	}
	defer e.close()
	out := &Emoji{Name: e.text("name", 0, 32), Animated: e.truth("animated")}
	if id := e.text("id", 0, 19); id != "" {
		out.ID = &id
	}
	// An emoji without an id is a character; a word such as "fire" is not.
	ascii := !strings.ContainsFunc(out.Name, func(r rune) bool { return r >= utf8.RuneSelf })
	if out.ID == nil && ascii {
		o.bad("emoji", "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji")
	}
	return out
}
