package form

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// object reads a JSON object strictly: each read checks what it reads, and
// close reports the fields that nobody asked for. Discord itself lets unknown
// fields pass; here they are errors, because they are always typing mistakes.
type object struct {
	fields map[string]any
	known  map[string]bool
	path   []string
	p      *Problems
}

// newObject begins to read v, which must be a JSON object.
func newObject(v any, path []string, p *Problems) *object {
	fields, ok := v.(map[string]any)
	if !ok {
		p.Add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
	}
	return &object{fields: fields, known: map[string]bool{}, path: path, p: p}
}

// get returns a field's value; null counts as absent, as it does for Discord.
func (o *object) get(key string) (any, bool) {
	o.known[key] = true
	v, ok := o.fields[key]
	return v, ok && v != nil
}

// named reports whether the field is there, be it null.
func (o *object) named(key string) bool {
	_, ok := o.fields[key]
	return ok
}

func (o *object) at(key string) []string { return append(slices.Clone(o.path), key) }

func (o *object) bad(key, code, format string, args ...any) {
	o.p.Add(o.at(key), code, fmt.Sprintf(format, args...))
}

// required reports a field that is missing.
func (o *object) required(key string) {
	o.bad(key, "BASE_TYPE_REQUIRED", "This field is required")
}

// text reads a string of least to most characters; least > 0 makes the field
// required and refuses blanks.
func (o *object) text(key string, least, most int) string {
	v, ok := o.get(key)
	if !ok {
		if least > 0 {
			o.required(key)
		}
		return ""
	}
	s, ok := v.(string)
	if !ok {
		o.bad(key, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
		return ""
	}
	switch n := utf8.RuneCountInString(s); {
	case least > 0 && strings.TrimSpace(s) == "":
		o.required(key)
	case n < least || n > most && least > 0:
		o.bad(key, "BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", least, most)
	case n > most:
		o.bad(key, "BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", most)
	}
	return s
}

// link reads an optional http or https address.
func (o *object) link(key string) string {
	s := o.text(key, 0, 2048)
	if s != "" && !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		o.bad(key, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
	}
	return s
}

// whole reads an integer from least to most; absent is zero and false.
func (o *object) whole(key string, least, most int64) (int64, bool) {
	v, ok := o.get(key)
	if !ok {
		return 0, false
	}
	number, ok := v.(json.Number)
	if !ok {
		o.bad(key, "NUMBER_TYPE_COERCE", "Value is not int.")
		return 0, false
	}
	n, err := number.Int64()
	switch {
	case err != nil:
		o.bad(key, "NUMBER_TYPE_COERCE", "Value %q is not int.", number.String())
		return 0, false
	case n < least:
		o.bad(key, "NUMBER_TYPE_MIN", "int value should be greater than or equal to %d.", least)
	case n > most:
		o.bad(key, "NUMBER_TYPE_MAX", "int value should be less than or equal to %d.", most)
	}
	return n, true
}

// truth reads a boolean; absent is false.
func (o *object) truth(key string) bool {
	v, ok := o.get(key)
	if !ok {
		return false
	}
	b, ok := v.(bool)
	if !ok {
		o.bad(key, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
	}
	return b
}

// list reads a list of at most most items and hands each to read.
func (o *object) list(key string, most int, read func(path []string, v any)) bool {
	v, ok := o.get(key)
	if !ok {
		return false
	}
	items, ok := v.([]any)
	if !ok {
		o.bad(key, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		return false
	}
	if len(items) > most {
		o.bad(key, "BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", most)
		return false
	}
	for i, item := range items {
		read(append(o.at(key), strconv.Itoa(i)), item)
	}
	return true
}

// objects reads a list of objects and closes each after it was read.
func (o *object) objects(key string, most int, read func(item *object)) bool {
	return o.list(key, most, func(path []string, v any) {
		item := newObject(v, path, o.p)
		read(item)
		item.close()
	})
}

// inner reads an object that is a field's value; nil if it is absent.
func (o *object) inner(key string) *object {
	v, ok := o.get(key)
	if !ok {
		return nil
	}
	return newObject(v, o.at(key), o.p)
}

// snowflakes reads a list of ids.
func (o *object) snowflakes(key string, most int) []string {
	var ids []string
	o.list(key, most, func(path []string, v any) {
		s, _ := v.(string)
		if !IsSnowflake(s) {
			o.p.Add(path, "NUMBER_TYPE_COERCE", "Value is not snowflake.")
			return
		}
		ids = append(ids, s)
	})
	return ids
}

var snowflakeForm = regexp.MustCompile(`^(0|[1-9][0-9]{0,18})$`)

// IsSnowflake reports whether s has the form of an id: a decimal number of at
// most 19 digits.
func IsSnowflake(s string) bool { return snowflakeForm.MatchString(s) }

// notPlayed refuses fields that Discord knows and this one does not play.
// Empty values pass: clients send them out of habit.
func (o *object) notPlayed(keys ...string) {
	for _, key := range keys {
		v, ok := o.get(key)
		if !ok {
			continue
		}
		if list, ok := v.([]any); ok && len(list) == 0 || v == false {
			continue
		}
		o.bad(key, "NOT_PLAYED", "The pretend Discord does not play this field: leave it out.")
	}
}

// close reports the fields that were never asked for.
func (o *object) close() {
	for key := range o.fields {
		if !o.known[key] {
			o.bad(key, "UNKNOWN_FIELD", "This field is unknown: check its spelling.")
		}
	}
}
