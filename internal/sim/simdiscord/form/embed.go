package form

import (
	"time"
	"unicode/utf8"
)

// Embed is a card under a message.
type Embed struct {
	Title       string       `json:"title,omitempty"` // at most 256 characters
	Type        string       `json:"type"`            // always "rich"
	Description string       `json:"description,omitempty"`
	URL         string       `json:"url,omitempty"`
	Timestamp   string       `json:"timestamp,omitempty"` // RFC 3339
	Color       int          `json:"color,omitempty"`     // 0xRRGGBB
	Footer      *EmbedFooter `json:"footer,omitempty"`
	Image       *EmbedImage  `json:"image,omitempty"`
	Thumbnail   *EmbedImage  `json:"thumbnail,omitempty"`
	Author      *EmbedAuthor `json:"author,omitempty"`
	Fields      []EmbedField `json:"fields,omitempty"` // at most 25
}

// EmbedFooter is the small line under an embed.
type EmbedFooter struct {
	Text    string `json:"text"` // at most 2048 characters
	IconURL string `json:"icon_url,omitempty"`
}

// EmbedImage is a picture in an embed.
type EmbedImage struct {
	URL string `json:"url"`
}

// EmbedAuthor is the line above an embed's title.
type EmbedAuthor struct {
	Name    string `json:"name"` // at most 256 characters
	URL     string `json:"url,omitempty"`
	IconURL string `json:"icon_url,omitempty"`
}

// EmbedField is a labelled value.
type EmbedField struct {
	Name   string `json:"name"`  // 1 to 256 characters
	Value  string `json:"value"` // 1 to 1024 characters
	Inline bool   `json:"inline"`
}

// Limits of embeds, as documented.
const (
	maxEmbeds      = 10
	maxEmbedTitle  = 256
	maxEmbedText   = 4096
	maxEmbedFields = 25
	maxFieldName   = 256
	maxFieldValue  = 1024
	maxFooter      = 2048
	maxAuthor      = 256
	maxEmbedTotal  = 6000 // characters of all embeds of a message
)

// readEmbeds reads the embeds of a message; nil if the field is not there.
func readEmbeds(o *object) *[]Embed {
	present := o.named("embeds")
	embeds := []Embed{}
	o.objects("embeds", maxEmbeds, func(item *object) { embeds = append(embeds, readEmbed(item)) })
	total := 0
	for _, e := range embeds {
		total += e.size()
	}
	if total > maxEmbedTotal {
		o.bad("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of %d", maxEmbedTotal)
	}
	if !present {
		return nil
	}
	return &embeds
}

func readEmbed(o *object) Embed {
	e := Embed{
		Type:        "rich",
		Title:       o.text("title", 0, maxEmbedTitle),
		Description: o.text("description", 0, maxEmbedText),
		URL:         o.link("url"),
		Timestamp:   o.text("timestamp", 0, 64),
	}
	_ = o.text("type", 0, 32) // always rich for embeds that are sent
	if e.Timestamp != "" {
		if _, err := time.Parse(time.RFC3339, e.Timestamp); err != nil {
			o.bad("timestamp", "DATE_TIME_TYPE_PARSE", "Could not parse %s. Should be ISO8601.", e.Timestamp)
		}
	}
	color, _ := o.whole("color", 0, 0xFFFFFF)
	e.Color = int(color)
	if f := o.inner("footer"); f != nil {
		e.Footer = &EmbedFooter{Text: f.text("text", 1, maxFooter), IconURL: f.link("icon_url")}
		f.close()
	}
	if a := o.inner("author"); a != nil {
		e.Author = &EmbedAuthor{Name: a.text("name", 1, maxAuthor), URL: a.link("url"), IconURL: a.link("icon_url")}
		a.close()
	}
	e.Image = readImage(o, "image")
	e.Thumbnail = readImage(o, "thumbnail")
	o.objects("fields", maxEmbedFields, func(f *object) {
		e.Fields = append(e.Fields, EmbedField{
			Name:   f.text("name", 1, maxFieldName),
			Value:  f.text("value", 1, maxFieldValue),
			Inline: f.truth("inline"),
		})
	})
	if e.size() == 0 && e.Image == nil && e.Thumbnail == nil {
		o.required("description")
	}
	return e
}

func readImage(o *object, key string) *EmbedImage {
	img := o.inner(key)
	if img == nil {
		return nil
	}
	defer img.close()
	if !img.named("url") {
		img.required("url")
	}
	return &EmbedImage{URL: img.link("url")}
}

// size is what counts toward the 6000 characters of a message.
func (e Embed) size() int {
	n := utf8.RuneCountInString(e.Title) + utf8.RuneCountInString(e.Description)
	for _, f := range e.Fields {
		n += utf8.RuneCountInString(f.Name) + utf8.RuneCountInString(f.Value)
	}
	if e.Footer != nil {
		n += utf8.RuneCountInString(e.Footer.Text)
	}
	if e.Author != nil {
		n += utf8.RuneCountInString(e.Author.Name)
	}
	return n
}
