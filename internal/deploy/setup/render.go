package setup

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// variables are what is written.
type variables struct {
	subscription, subscriptionName string
	name, plan                     string
	region                         string
	sizes                          []string
	application, publicKey         string
	guild, guildName               string
	channel, channelName           string
	keeperRole, keeperName         string
	id, world, save                string
	placements                     []placement
	monthly                        float64 // dollars; 0: no limit
	unkept                         float64 // a limit that was wanted, and can't be kept
	email                          string
}

// render writes them for Terraform and for people.
func (v variables) render() []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line(`# What Hearth's deployment is told. Written by hearth init; change it as you like, then run hearth deploy again.
# No secret is in it. infra/terraform.tfvars.example shows everything else that can be said.
`)
	line("# %s", comment(v.subscriptionName))
	line("subscription_id = %s", quote(v.subscription))
	if v.name != "" {
		line("\n# Begins every name in Azure. It can't be changed afterwards.\nname = %s", quote(v.name))
	}
	if v.plan != "" {
		line("\n# What the bot runs on.\nplan = %s", quote(v.plan))
	}
	line("\n# Where the bot and the worlds' files are. It can't be changed afterwards.\nregion = %s", quote(v.region))
	line(`
discord = {
  application_id = %s
  public_key     = %s
  guild_id       = %s # %s
  channel_id     = %s # %s`, quote(v.application), quote(v.publicKey), quote(v.guild), comment(v.guildName), quote(v.channel), comment(v.channelName))
	if v.keeperRole != "" {
		line("  keeper_role_id = %s # %s", quote(v.keeperRole), comment(v.keeperName))
	}
	line(`}

# The worlds, by their ids, which name files and queues: a world keeps its id.
worlds = {
  %s = {
    name       = %s
    world_file = %s # of its files, without .db`, quote(v.id), quote(v.world), quote(v.save))
	switch {
	case v.monthly > 0:
		line("\n    # What its machines may cost in a calendar month. Then it is saved and put out.\n    monthly_dollars = %s", number(v.monthly))
	case v.unkept > 0:
		line("\n    # For a limit a month, give every placement cents_per_hour, in US cents with half a cent for the address, and take the # away:\n    # monthly_dollars = %s", number(v.unkept))
	}
	line(`
    # Where its machine may be had, the best first. A regular one is at the full price and never taken
    # back; none is rented until a keeper allows it.
    placements = [`)
	for _, p := range v.placements {
		more := ""
		if p.regular {
			more += ", regular = true"
		}
		if p.cents > 0 {
			more += fmt.Sprintf(", cents_per_hour = %s, priced_on = %s", number(p.cents), quote(p.on))
		}
		line("      { region = %s, size = %s%s },", quote(v.region), quote(p.size), more)
	}
	line(`    ]
  }
}

# Azure writes there when a month's bill, all of it, goes above this.
alert_email    = %s
budget_dollars = %s`, quote(v.email), number(v.budget()))
	return b.Bytes()
}

// budget is what the whole month may cost before a mail is sent: what machines may,
// and some dollars for what lasts.
func (v variables) budget() float64 {
	const lasts = 5
	if v.monthly == 0 && v.unkept == 0 {
		return 2 * lasts
	}
	return math.Ceil(v.monthly + v.unkept + lasts)
}

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// quote writes a text of Terraform's language, in which ${ and %{ begin something.
func quote(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strconv.Quote(text))
}

// comment is a text that ends with its line.
func comment(text string) string { return strings.Join(strings.Fields(text), " ") }
