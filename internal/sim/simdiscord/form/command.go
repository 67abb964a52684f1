package form

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Command is a registered slash command, as Discord's JSON has it.
type Command struct {
	ID                       string            `json:"id"`
	ApplicationID            string            `json:"application_id"`
	GuildID                  string            `json:"guild_id"`
	Version                  string            `json:"version"`
	Type                     int               `json:"type"` // 1
	Name                     string            `json:"name"`
	NameLocalizations        map[string]string `json:"name_localizations"`
	Description              string            `json:"description"`
	DescriptionLocalizations map[string]string `json:"description_localizations"`
	Options                  []CommandOption   `json:"options,omitempty"`
	DefaultMemberPermissions *string           `json:"default_member_permissions"` // bits in decimal, or nil for everybody
	NSFW                     bool              `json:"nsfw"`
	Contexts                 []int             `json:"contexts"`
	IntegrationTypes         []int             `json:"integration_types"`
}

// CommandOption is a parameter, subcommand or group of a command.
type CommandOption struct {
	Type                     int               `json:"type"`
	Name                     string            `json:"name"`
	NameLocalizations        map[string]string `json:"name_localizations,omitempty"`
	Description              string            `json:"description"`
	DescriptionLocalizations map[string]string `json:"description_localizations,omitempty"`
	Required                 bool              `json:"required,omitempty"`
	Choices                  []CommandChoice   `json:"choices,omitempty"`
	Options                  []CommandOption   `json:"options,omitempty"`
	MinValue                 *json.Number      `json:"min_value,omitempty"`
	MaxValue                 *json.Number      `json:"max_value,omitempty"`
	MinLength                *int64            `json:"min_length,omitempty"`
	MaxLength                *int64            `json:"max_length,omitempty"`
	Autocomplete             bool              `json:"autocomplete,omitempty"`
}

// CommandChoice is one of the values that an option may have.
type CommandChoice struct {
	Name              string            `json:"name"`
	NameLocalizations map[string]string `json:"name_localizations,omitempty"`
	Value             any               `json:"value"` // string or json.Number
}

// Types of options.
const (
	optionSubCommand = 1
	optionGroup      = 2
	optionString     = 3
	optionInteger    = 4
	optionBoolean    = 5
	optionNumber     = 10
	optionLast       = 11
)

// MaxCommands is how many slash commands a guild has at most, as documented.
const MaxCommands = 100

// Limits of commands, as documented.
const (
	maxCommandChars = 8000
	maxOptions      = 25
	maxChoices      = 25
	maxName         = 32
	maxDescription  = 100
	maxChoiceText   = 100
	maxOptionDepth  = 3 // group, subcommand, option
)

var (
	commandName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)
	digits      = regexp.MustCompile(`^[0-9]{1,20}$`)
)

// ErrTooManyCommands refuses a list before any of it is read.
var ErrTooManyCommands = errors.New("more than 100 commands")

// ReadCommands reads the body that replaces all commands of a guild; ids and
// versions are left empty. Its errors are ErrJSON, ErrTooManyCommands and
// *Problems.
func ReadCommands(body []byte) ([]Command, error) {
	v, err := decode(body)
	if err != nil {
		return nil, err
	}
	var p Problems
	// The body is a list; errors begin at its indexes.
	items, ok := v.([]any)
	if !ok {
		p.Add(nil, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
	}
	if len(items) > MaxCommands {
		return nil, ErrTooManyCommands
	}
	var commands []Command
	names := map[string]bool{}
	for i, item := range items {
		c := readCommand(newObject(item, []string{strconv.Itoa(i)}, &p))
		if names[c.Name] {
			p.Add(nil, "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		}
		names[c.Name] = true
		commands = append(commands, c)
	}
	return commands, p.Err()
}

// ReadCommand reads the body that makes one command, or replaces the one of its
// name; errors as of ReadCommands.
func ReadCommand(body []byte) (Command, error) {
	v, err := decode(body)
	if err != nil {
		return Command{}, err
	}
	var p Problems
	c := readCommand(newObject(v, nil, &p))
	return c, p.Err()
}

// PatchCommand reads the body that edits a command: what it does not name stays
// as it is, and null is the default. Errors as of ReadCommands.
func PatchCommand(c Command, body []byte) (Command, error) {
	v, err := decode(body)
	if err != nil {
		return Command{}, err
	}
	var p Problems
	change, ok := v.(map[string]any)
	if !ok {
		newObject(v, nil, &p) // says so
		return Command{}, p.Err()
	}
	for _, fixed := range []string{"id", "type"} {
		if _, named := change[fixed]; named {
			p.Add([]string{fixed}, "UNKNOWN_FIELD", "A command's "+fixed+" can't be edited.")
		}
	}
	is, err := json.Marshal(c)
	if err != nil {
		return Command{}, fmt.Errorf("write command: %w", err)
	}
	whole, err := decode(is)
	if err != nil {
		return Command{}, err
	}
	fields, _ := whole.(map[string]any) // as Marshal wrote it
	for _, given := range []string{"application_id", "guild_id", "version"} {
		delete(fields, given)
	}
	maps.Copy(fields, change)
	next := readCommand(newObject(fields, nil, &p))
	next.ID, next.ApplicationID, next.GuildID = c.ID, c.ApplicationID, c.GuildID
	return next, p.Err()
}

func readCommand(o *object) Command {
	c := Command{
		Type:                     1,
		Name:                     readName(o),
		NameLocalizations:        readLocalizations(o, "name_localizations", maxName),
		Description:              o.text("description", 1, maxDescription),
		DescriptionLocalizations: readLocalizations(o, "description_localizations", maxDescription),
		NSFW:                     o.truth("nsfw"),
		Contexts:                 readChoices(o, "contexts", 2),
		IntegrationTypes:         readChoices(o, "integration_types", 1),
	}
	if !o.named("integration_types") {
		c.IntegrationTypes = []int{0}
	}
	if kind, ok := o.whole("type", 1, 4); ok && kind != 1 {
		o.bad("type", "NOT_PLAYED", "The pretend Discord plays slash commands only: type 1.")
	}
	if bits := o.text("default_member_permissions", 0, 20); bits != "" {
		if !digits.MatchString(bits) {
			o.bad("default_member_permissions", "NUMBER_TYPE_COERCE", "Value %q is not a bitset.", bits)
		}
		c.DefaultMemberPermissions = &bits
	}
	_ = o.truth("dm_permission") // deprecated for contexts, still sent by clients
	_ = o.text("id", 0, 19)      // clients send back what they were given
	c.Options = readOptions(o, 1)
	if n := c.chars(); n > maxCommandChars {
		o.bad("name", "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (%d)", maxCommandChars)
	}
	o.close()
	return c
}

func readName(o *object) string {
	name := o.text("name", 1, maxName)
	if name != "" && (!commandName.MatchString(name) || name != strings.ToLower(name)) {
		o.bad("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
	}
	return name
}

func readChoices(o *object, key string, most int64) []int {
	var out []int
	o.list(key, 3, func(path []string, v any) {
		n, _ := v.(json.Number)
		i, err := n.Int64()
		if err != nil || i < 0 || i > most {
			o.p.Add(path, "BASE_TYPE_CHOICES", "Value must be from 0 to "+strconv.FormatInt(most, 10)+".")
			return
		}
		out = append(out, int(i))
	})
	return out
}

func readOptions(o *object, depth int) []CommandOption {
	var opts []CommandOption
	names := map[string]bool{}
	optional := false
	o.objects("options", maxOptions, func(item *object) {
		opt := readOption(item, depth)
		if names[opt.Name] {
			item.bad("name", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option with that name already exists")
		}
		names[opt.Name] = true
		if opt.Required && optional {
			item.p.Add(item.path, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before non-required options")
		}
		optional = optional || !opt.Required
		opts = append(opts, opt)
	})
	return opts
}

func readOption(o *object, depth int) CommandOption {
	kind, ok := o.whole("type", optionSubCommand, optionLast)
	if !ok {
		o.required("type")
	}
	opt := CommandOption{
		Type:                     int(kind),
		Name:                     readName(o),
		NameLocalizations:        readLocalizations(o, "name_localizations", maxName),
		Description:              o.text("description", 1, maxDescription),
		DescriptionLocalizations: readLocalizations(o, "description_localizations", maxDescription),
		Required:                 o.truth("required"),
		Autocomplete:             o.truth("autocomplete"),
		MinValue:                 readNumber(o, "min_value"),
		MaxValue:                 readNumber(o, "max_value"),
	}
	if n, ok := o.whole("min_length", 0, 6000); ok {
		opt.MinLength = &n
	}
	if n, ok := o.whole("max_length", 1, 6000); ok {
		opt.MaxLength = &n
	}
	_ = readChoices(o, "channel_types", 20)
	o.objects("choices", maxChoices, func(c *object) {
		opt.Choices = append(opt.Choices, readChoice(c, opt.Type))
	})
	nested := opt.Type == optionSubCommand || opt.Type == optionGroup
	if nested && depth < maxOptionDepth {
		opt.Options = readOptions(o, depth+1)
	} else if _, ok := o.get("options"); ok {
		o.bad("options", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Options are for subcommands and groups only")
	}
	if opt.Autocomplete && len(opt.Choices) > 0 {
		o.bad("choices", "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", "Choices and autocomplete exclude each other")
	}
	return opt
}

// Value brings what a person chose into the form that the option's type has
// in JSON; the error says what no client offers.
func (o CommandOption) Value(v any) (any, error) {
	ok := false
	switch o.Type {
	case optionString:
		_, ok = v.(string)
	case optionBoolean:
		_, ok = v.(bool)
	case optionInteger, optionNumber:
		n := json.Number(fmt.Sprint(v))
		_, err := n.Float64()
		if o.Type == optionInteger {
			_, err = n.Int64()
		}
		v, ok = n, err == nil
	default:
		return nil, fmt.Errorf("option %q has type %d: the pretend Discord's clients offer strings, integers, booleans and numbers", o.Name, o.Type)
	}
	if !ok {
		return nil, fmt.Errorf("value of option %q does not fit its type %d", o.Name, o.Type)
	}
	if n, number := v.(json.Number); number && (below(n, o.MinValue) || o.MaxValue != nil && below(*o.MaxValue, &n)) {
		return nil, fmt.Errorf("value of option %q is beyond its bounds", o.Name)
	}
	offered := func(c CommandChoice) bool { return fmt.Sprint(c.Value) == fmt.Sprint(v) }
	if len(o.Choices) > 0 && !slices.ContainsFunc(o.Choices, offered) {
		return nil, fmt.Errorf("value of option %q is none of its choices", o.Name)
	}
	return v, nil
}

// below: n is less than a bound, if there is one. Both are numbers.
func below(n json.Number, bound *json.Number) bool {
	if bound == nil {
		return false
	}
	x, errX := n.Float64()
	y, errY := bound.Float64()
	return errX == nil && errY == nil && x < y
}

func readNumber(o *object, key string) *json.Number {
	v, ok := o.get(key)
	if !ok {
		return nil
	}
	n, ok := v.(json.Number)
	if !ok {
		o.bad(key, "NUMBER_TYPE_COERCE", "Value is not a number.")
		return nil
	}
	return &n
}

func readChoice(o *object, kind int) CommandChoice {
	c := CommandChoice{
		Name:              o.text("name", 1, maxChoiceText),
		NameLocalizations: readLocalizations(o, "name_localizations", maxChoiceText),
	}
	v, _ := o.get("value")
	_, isNumber := v.(json.Number)
	switch {
	case kind == optionString:
		c.Value = o.text("value", 1, maxChoiceText)
	case (kind == optionInteger || kind == optionNumber) && isNumber:
		c.Value = v
	default:
		o.bad("value", "APPLICATION_COMMAND_OPTIONS_CHOICES_VALUE_INVALID", "Value does not fit the option's type %d", kind)
	}
	return c
}

func readLocalizations(o *object, key string, most int) map[string]string {
	in := o.inner(key)
	if in == nil {
		return nil
	}
	out := map[string]string{}
	for locale := range in.fields {
		if slices.Contains(locales(), locale) {
			out[locale] = in.text(locale, 1, most)
		}
	}
	in.close() // what is left is no locale of Discord's
	return out
}

// locales are all that Discord knows.
func locales() []string {
	return strings.Fields("id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE vi tr cs el bg ru uk hi th zh-CN ja zh-TW ko")
}

// chars is what counts toward 8000: names, descriptions and values, each in
// its longest localization.
func (c Command) chars() int {
	return longest(c.Name, c.NameLocalizations) + longest(c.Description, c.DescriptionLocalizations) + optionChars(c.Options)
}

func optionChars(opts []CommandOption) int {
	n := 0
	for _, o := range opts {
		n += longest(o.Name, o.NameLocalizations) + longest(o.Description, o.DescriptionLocalizations) + optionChars(o.Options)
		for _, c := range o.Choices {
			n += longest(c.Name, c.NameLocalizations)
			if s, ok := c.Value.(string); ok {
				n += utf8.RuneCountInString(s)
			}
		}
	}
	return n
}

func longest(s string, others map[string]string) int {
	n := utf8.RuneCountInString(s)
	for _, o := range others {
		n = max(n, utf8.RuneCountInString(o))
	}
	return n
}
