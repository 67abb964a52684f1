package setup

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hearth/internal/world"
)

// subscription is one of the login's.
type subscription struct {
	ID, Name  string
	IsDefault bool
}

// readSubscriptions asks the Azure CLI, before anybody has typed anything.
func (s *Setup) readSubscriptions(ctx context.Context) error {
	out, err := s.az(ctx, "account", "list", "--query", "[?state=='Enabled'].{id:id,name:name,isDefault:isDefault}")
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), &s.subs); err != nil {
		return problem("The Azure CLI's answer is not understood: update it (az upgrade), then run this again.")
	}
	if len(s.subs) == 0 {
		return problem("This login has no subscription that is enabled: make one at portal.azure.com under Subscriptions (pay-as-you-go: the free trial has no spot machines), or az login as somebody else. Then run this again.")
	}
	if i := slices.IndexFunc(s.subs, func(sub subscription) bool { return sub.IsDefault }); i > 0 {
		s.subs[0], s.subs[i] = s.subs[i], s.subs[0]
	}
	return nil
}

// askSubscription finds who pays.
func (s *Setup) askSubscription(context.Context) error {
	s.say("\nThe Azure subscription that pays.")
	take := func(i int) (string, error) {
		s.wants.subscription, s.wants.subscriptionName = s.subs[i].ID, s.subs[i].Name
		return "", nil
	}
	if len(s.subs) == 1 && s.Subscription == "" {
		s.say("  %s", world.Visible(s.subs[0].Name, 60))
		_, err := take(0)
		return err
	}
	var all []choice
	for _, sub := range s.subs {
		all = append(all, choice{sub.ID, sub.Name})
	}
	return s.choose(question{text: "Which subscription", flag: "--subscription", given: s.Subscription}, all, true, take)
}

// sizes are those that Hearth's machines have, the best first: two processors, eight
// gigabytes, and a disk of their own, so that none is left over and billed.
func sizes() []string { return []string{"Standard_D2ads_v5", "Standard_D2ds_v5"} }

// cores is what the smallest machine takes of the quota.
const cores = 2

// askRegion finds where. There must be machines, and the subscription must be allowed
// one.
func (s *Setup) askRegion(ctx context.Context) error {
	s.say("\nThe Azure region, near the players: such as westeurope, northeurope, uksouth, eastus2, westus2, australiaeast.")
	out, err := s.az(ctx, "account", "list-locations", "--subscription", s.wants.subscription, "--query", "[?metadata.regionType=='Physical'].name")
	if err != nil {
		return err
	}
	var regions []string
	if err := json.Unmarshal([]byte(out), &regions); err != nil {
		return problem("The Azure CLI's answer is not understood: update it (az upgrade), then run this again.")
	}
	return s.ask(question{text: "Which region", flag: "--region", given: s.Region, check: func(answer string) (string, error) {
		region := strings.ToLower(strings.ReplaceAll(answer, " ", ""))
		if !slices.Contains(regions, region) {
			return fmt.Sprintf("there is no region %s: Azure writes them in one word, such as westeurope (az account list-locations lists them).", world.Visible(answer, 40)), nil
		}
		s.say("  Looking what there is in %s …", region)
		wrong, err := s.checkRegion(ctx, region)
		if wrong == "" && err == nil {
			s.wants.region = region
		}
		return wrong, err
	}})
}

func (s *Setup) checkRegion(ctx context.Context, region string) (wrong string, err error) {
	out, err := s.az(ctx, "vm", "list-usage", "--subscription", s.wants.subscription, "--location", region, "--query", "[?name.value=='lowPriorityCores'].limit")
	if err != nil {
		return "", err
	}
	var limits []any // numbers or texts, as the version of the CLI has it
	if err := json.Unmarshal([]byte(out), &limits); err != nil {
		return "", problem("The Azure CLI's answer is not understood: update it (az upgrade), then run this again.")
	}
	if len(limits) > 0 {
		if n, err := strconv.ParseFloat(fmt.Sprint(limits[0]), 64); err == nil && n < cores {
			return fmt.Sprintf("the subscription may have %d spot processors there, and a machine has %d. Choose another region; or ask for more in the portal, under Quotas, Compute, Total Regional Low-priority vCPUs (a free trial can't have any).", int(n), cores), nil
		}
	}
	out, err = s.az(ctx, "vm", "list-skus", "--subscription", s.wants.subscription, "--location", region, "--resource-type", "virtualMachines", "--size", "Standard_D2", "--query", "[].name")
	if err != nil {
		return "", err
	}
	var there []string
	if err := json.Unmarshal([]byte(out), &there); err != nil {
		return "", problem("The Azure CLI's answer is not understood: update it (az upgrade), then run this again.")
	}
	s.wants.sizes = nil
	for _, size := range sizes() {
		if slices.Contains(there, size) {
			s.wants.sizes = append(s.wants.sizes, size)
		}
	}
	if len(s.wants.sizes) == 0 {
		return fmt.Sprintf("Azure rents this subscription none of %s there: choose another region.", strings.Join(sizes(), " and ")), nil
	}
	return "", nil
}

var saveName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// askWorld names the first world.
func (s *Setup) askWorld(context.Context) error {
	s.say("\nThe first world. More can be added in the file.")
	err := s.ask(question{text: "Its name, as people see it", flag: "--world", given: s.World, otherwise: "Midgard", check: func(answer string) (string, error) {
		if world.Visible(answer, world.MaxWorldName) == "" || len([]rune(answer)) > world.MaxWorldName {
			return fmt.Sprintf("a name is one line of 1 to %d characters.", world.MaxWorldName), nil
		}
		s.wants.world, s.wants.id = answer, worldID(answer)
		return "", nil
	}})
	if err != nil {
		return err
	}
	save := regexp.MustCompile(`[^A-Za-z0-9_-]+`).ReplaceAllString(s.wants.world, "")
	if save == "" {
		save = "World"
	}
	return s.ask(question{text: "The name of its files (of an old world that you bring: Midgard for Midgard.db)", flag: "--save", given: s.Save, otherwise: save[:min(len(save), 40)], check: func(answer string) (string, error) {
		if !saveName.MatchString(answer) {
			return "that is 1 to 40 letters, digits, _ and -, without .db.", nil
		}
		s.wants.save = answer
		return "", nil
	}})
}

// worldID makes an id of a name.
func worldID(name string) string {
	id := strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-"), "-")
	id = strings.Trim(id[:min(len(id), 24)], "-")
	if !world.IsWorldID(id) {
		return "world"
	}
	return id
}

// defaultMonthly is what a world's machines may cost a month, in dollars, if nobody
// says: some 200 hours of a spot machine.
const defaultMonthly = "5"

// askMoney asks what may be spent, and looks up what machines cost.
func (s *Setup) askMoney(ctx context.Context) error {
	s.say("\nThe money. Nothing stops Azure's bill by itself: Hearth puts a world out when its month is spent, and Azure writes to you.")
	err := s.ask(question{text: "What the world's machines may cost a month, in US dollars (0: no limit)", flag: "--monthly", given: s.Monthly, otherwise: defaultMonthly, check: func(answer string) (string, error) {
		n, err := strconv.ParseFloat(strings.TrimPrefix(answer, "$"), 64)
		if err != nil || !(n >= 0 && n <= 10_000) {
			return "write a number of dollars, such as 5, or 0 for no limit.", nil
		}
		s.wants.monthly = math.Round(n*100) / 100
		return "", nil
	}})
	if err != nil {
		return err
	}
	if err := s.ask(question{text: "Your e-mail address, for Azure's warning", flag: "--email", given: s.Email, check: func(answer string) (string, error) {
		a, err := mail.ParseAddress(answer)
		if err != nil || a.Address != answer || !strings.Contains(answer[strings.LastIndex(answer, "@"):], ".") {
			return "that is no e-mail address: write it as in ana@example.org.", nil
		}
		s.wants.email = answer
		return "", nil
	}}); err != nil {
		return err
	}
	s.wants.name, s.wants.plan = s.Name, s.Plan
	s.priceAll(ctx)
	return nil
}
