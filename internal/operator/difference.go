package operator

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"hearth/internal/discord"
	"hearth/internal/world"
)

// Kind of a Change.
type Kind int

// What is to be done about a command.
const (
	Create  Kind = iota // it is not there
	Edit                // it is there, and is not as it should be
	Foreign             // it is there, and Hearth knows nothing of it
)

// Change is a command that is not as it should be.
type Change struct {
	Kind       Kind
	Is, Should discord.GuildCommand // the one of them that there is not is empty
	What       []string             // of Edit: what differs, a few words each
}

// Compare says what is to be done for the commands that are registered to be
// those that are wanted: first in the wanted ones' order, then what is foreign. A
// command is known by its type and its name.
func Compare(are, wanted []discord.GuildCommand) []Change {
	var changes []Change
	same := func(a discord.GuildCommand) func(discord.GuildCommand) bool {
		return func(b discord.GuildCommand) bool { return a.Name == b.Name && a.Type == b.Type }
	}
	for _, should := range wanted {
		at := slices.IndexFunc(are, same(should))
		if at < 0 {
			changes = append(changes, Change{Kind: Create, Should: should})
		} else if what := differs(are[at], should); len(what) > 0 {
			changes = append(changes, Change{Kind: Edit, Is: are[at], Should: should, What: what})
		}
	}
	for _, is := range are {
		if !slices.ContainsFunc(wanted, same(is)) {
			changes = append(changes, Change{Kind: Foreign, Is: is})
		}
	}
	return changes
}

// String is the change in one line. What is registered may be anybody's text.
func (c Change) String() string {
	switch c.Kind {
	case Create:
		return fmt.Sprintf("+ /%s: new", c.Should.Name)
	case Edit:
		return fmt.Sprintf("~ /%s: %s", c.Is.Name, strings.Join(c.What, "; "))
	default:
		return fmt.Sprintf("- %s: not one of Hearth's commands", named(c.Is))
	}
}

// named is a command as people know it.
func named(c discord.GuildCommand) string {
	if c.Type == discord.SlashCommand {
		return "/" + shown(c.Name)
	}
	return "“" + shown(c.Name) + "” in a menu"
}

// differs says what of a command is not as it should be.
func differs(is, should discord.GuildCommand) []string {
	var what []string
	if is.Description != should.Description {
		what = append(what, "description")
	}
	if !maps.Equal(is.NameLocalizations, should.NameLocalizations) || !maps.Equal(is.DescriptionLocalizations, should.DescriptionLocalizations) {
		what = append(what, "translations")
	}
	if is.NSFW != should.NSFW {
		what = append(what, "age restriction")
	}
	if !equal(is.DefaultMemberPermissions, should.DefaultMemberPermissions) {
		what = append(what, "who may use it")
	}
	return append(what, optionsDiffer(is.Options, should.Options)...)
}

func equal[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func optionsDiffer(are, should []discord.CommandOption) []string {
	var what []string
	find := func(in []discord.CommandOption, name string) int {
		return slices.IndexFunc(in, func(o discord.CommandOption) bool { return o.Name == name })
	}
	for _, o := range should {
		at := find(are, o.Name)
		if at < 0 {
			what = append(what, "option "+o.Name+" is new")
			continue
		}
		what = append(what, optionDiffers(are[at], o)...)
	}
	for _, o := range are {
		if find(should, o.Name) < 0 {
			what = append(what, "option "+shown(o.Name)+" goes")
		}
	}
	// The order is what people see.
	if len(what) == 0 && !slices.EqualFunc(are, should, func(a, b discord.CommandOption) bool { return a.Name == b.Name }) {
		what = append(what, "order of the options")
	}
	return what
}

func optionDiffers(is, should discord.CommandOption) []string {
	var what []string
	choice := func(c discord.CommandChoice) string {
		return fmt.Sprintf("%s (%s)", shown(c.Name), shown(fmt.Sprint(c.Value)))
	}
	if !slices.EqualFunc(is.Choices, should.Choices, sameChoice) {
		var gone, added []string
		for _, c := range should.Choices {
			if !slices.ContainsFunc(is.Choices, func(o discord.CommandChoice) bool { return sameChoice(o, c) }) {
				added = append(added, "+"+choice(c))
			}
		}
		for _, c := range is.Choices {
			if !slices.ContainsFunc(should.Choices, func(o discord.CommandChoice) bool { return sameChoice(o, c) }) {
				gone = append(gone, "-"+choice(c))
			}
		}
		if len(gone)+len(added) == 0 {
			added = []string{"in another order"}
		}
		what = append(what, "choices of "+should.Name+" "+strings.Join(append(added, gone...), " "))
	}
	if is.Required != should.Required {
		must := map[bool]string{true: "must be given", false: "may be left out"}[should.Required]
		what = append(what, "option "+should.Name+" "+must)
	}
	is.Choices, should.Choices = nil, nil
	is.Required, should.Required = false, false
	even(&is)
	even(&should)
	if !reflect.DeepEqual(is, should) {
		what = append(what, "option "+should.Name)
	}
	return what
}

func sameChoice(a, b discord.CommandChoice) bool {
	return a.Name == b.Name && reflect.DeepEqual(a.Value, b.Value) && maps.Equal(a.NameLocalizations, b.NameLocalizations)
}

// even makes one of the two ways to have none of something.
func even(o *discord.CommandOption) {
	if len(o.NameLocalizations) == 0 {
		o.NameLocalizations = nil
	}
	if len(o.DescriptionLocalizations) == 0 {
		o.DescriptionLocalizations = nil
	}
	if len(o.ChannelTypes) == 0 {
		o.ChannelTypes = nil
	}
	if len(o.Choices) == 0 {
		o.Choices = nil
	}
	if len(o.Options) == 0 {
		o.Options = nil
	}
	o.Options = slices.Clone(o.Options) // not the caller's
	for i := range o.Options {
		even(&o.Options[i])
	}
}

// shown is what of somebody's text is printed.
func shown(text string) string {
	const most = 40 // characters
	return world.Visible(text, most)
}
