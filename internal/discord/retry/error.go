package retry

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/disgoorg/disgo/rest"

	"hearth/internal/world"
)

// Error is Discord's refusal of a call. errors.Is finds world.ErrMessageGone
// or world.ErrChatForbidden in it where one of them is what it means.
type Error struct {
	// Route is the method and the route's template, without any id or token.
	Route string
	// Status is the HTTP status. 429 also stands for a call that was not
	// made because an earlier one was told to wait.
	Status int
	// Code is Discord's own, 0 if the answer had none.
	Code int
	// Message is Discord's, at most 600 characters, without secrets.
	Message string
	// RetryAfter is how long Discord wants to be left alone, if it said so
	// and it was too long to wait for.
	RetryAfter time.Duration
	// Maybe: the call may have been carried out all the same. An attempt before
	// the one that this is the answer to had none, or this is an error of
	// Discord's own.
	Maybe bool

	answerRoute bool // of an interaction's answer, where any 404 means gone
	global      bool // a 429 of every route
}

// Error names the route, the status, and Discord's code and words.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: discord answered %d", e.Route, e.Status)
	if e.Code != 0 {
		fmt.Fprintf(&b, " (%d)", e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, "; try again in %s", e.RetryAfter.Round(time.Millisecond))
	}
	return b.String()
}

// Unwrap returns what the refusal means to the core, or nil.
func (e *Error) Unwrap() error {
	switch e.Code {
	case int(rest.JSONErrorCodeUnknownChannel), // 10003
		int(rest.JSONErrorCodeUnknownGuild),        // 10004
		int(rest.JSONErrorCodeUnknownMessage),      // 10008
		int(rest.JSONErrorCodeUnknownWebhook),      // 10015
		int(rest.JSONErrorCodeUnknownInteraction),  // 10062
		int(rest.JSONErrorCodeInvalidWebhookToken): // 50027, a 401 of the interaction's token, not of the bot's
		return world.ErrMessageGone
	case int(rest.JSONErrorCodeMissingAccess), // 50001
		int(rest.JSONErrorCodeLackPermissionsToPerformAction), // 50013
		int(rest.JSONErrorCodeInvalidAuthenticationToken):     // 50014
		return world.ErrChatForbidden
	}
	switch {
	case e.Status == http.StatusUnauthorized && e.answerRoute:
		return world.ErrMessageGone
	case e.Status == http.StatusUnauthorized:
		return world.ErrChatForbidden
	case e.Status == http.StatusNotFound && e.answerRoute:
		return world.ErrMessageGone
	}
	return nil
}

// lostError is a call that got no answer, in words that hold no URL. It
// unwraps to the context's error if that is what ended it: the error it was
// made from names the URL, and with it perhaps a token.
type lostError struct {
	text  string
	cause error
}

func (e *lostError) Error() string { return e.text }
func (e *lostError) Unwrap() error { return e.cause }

// problem is the JSON of a refusal. Any of it may be absent: a proxy in
// between answers in HTML.
type problem struct {
	Code       int             `json:"code"`
	Message    string          `json:"message"`
	Errors     json.RawMessage `json:"errors"`
	RetryAfter float64         `json:"retry_after"` // seconds
	Global     bool            `json:"global"`
}

func parseProblem(body []byte) problem {
	var p problem
	if json.Unmarshal(body, &p) != nil {
		return problem{} // half of it would be worse than nothing
	}
	return p
}

// words joins Discord's message and, for an invalid form (50035), which part
// of it was wrong.
func (p problem) words() string {
	text := p.Message
	if p.Code == int(rest.JSONErrorCodeInvalidFormBody) && len(p.Errors) > 0 {
		text += " " + string(p.Errors)
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

// cut shortens text to limit characters, the last of them an ellipsis. What is
// not UTF-8 becomes the replacement character.
func cut(text string, limit int) string {
	runes := []rune(strings.ToValidUTF8(text, "\ufffd"))
	if len(runes) <= limit {
		return string(runes)
	}
	return string(runes[:limit-1]) + "…"
}
