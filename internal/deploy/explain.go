package deploy

import (
	"errors"
	"regexp"
	"strings"

	"hearth/internal/deploy/program"
)

// meaning is what a program's own words mean for a keeper. In says, {what} is what
// a group of the pattern found, and {subscription} the subscription's id.
type meaning struct {
	pattern *regexp.Regexp
	says    string
}

// meanings are tried in order. The words are those of Terraform, azurerm, the Azure
// CLI and Azure, as people quote them where they ask for help.
func meanings() []meaning {
	m := func(pattern, says string) meaning { return meaning{regexp.MustCompile(`(?is)` + pattern), says} }
	return []meaning{
		m(`please run 'az login'|az login|AADSTS\d+|could not acquire access token|no subscription found|could not configure AzureCli Authorizer`,
			"The Azure CLI is not logged in, or its login has ended: run az login, then run this again."),
		m(`the subscription of '?([0-9a-zA-Z-]+)'? doesn't exist|subscription '?([0-9a-f-]{36})'? (?:could not be found|not found)`,
			"The login has no subscription {what}: run az account list to see those that it has, and put the right id into "+VariablesFile+" (subscription_id); or az login as somebody else."),
		m(`error acquiring the state lock.*?ID:\s+(\S+)`,
			"Terraform's state is locked: it is at work somewhere else, or was ended by force. If nobody is at it: terraform -chdir=infra force-unlock {what}, then run this again."),
		m(`error acquiring the state lock`,
			"Terraform's state is locked: it is at work somewhere else, or was ended by force. Wait until the other one has ended, then run this again."),
		m(`not registered to use namespace '([\w.]+)'|MissingSubscriptionRegistration.*?namespace '([\w.]+)'`,
			"The subscription does not have {what} yet. Run az provider register --namespace {what} --subscription {subscription} --wait, then run this again."),
		m(`ensure the following resource providers.*?|registering resource provider "?([\w.]+)"?.*(?:failed|error)`,
			"The subscription lacks something that Hearth needs ({what}), and this login may not add it: have an Owner of the subscription run az provider register --namespace {what}, then run this again."),
		m(`MissingSubscriptionRegistration|SubscriptionNotRegistered`,
			"The subscription was never used for something that Hearth needs. In the portal, under Subscriptions, Resource providers, register Microsoft.Compute, Microsoft.Network, Microsoft.Storage, Microsoft.KeyVault and Microsoft.Web, then run this again."),
		m(`Current Limit \((?:Dynamic|Total) VMs\): 0|SubscriptionIsOverQuotaForSku`,
			`The subscription may have no function app of this kind in this region (new subscriptions have that). Set plan = "flex" in `+VariablesFile+`, or another region before anything is made, then run this again.`),
		m(`exceeding approved.*?quota|QuotaExceeded|quota .*?exceeded`,
			"The subscription's quota is too small: in the portal, under Quotas, Compute, ask for 2 or more of the row that "+LogFile+" names (for spot machines: Total Regional Low-priority vCPUs). That takes minutes to a day; then run this again."),
		m(`SkuNotAvailable|NotAvailableForSubscription`,
			"Azure does not rent this size of machine to this subscription in this region: give the world's placements in "+VariablesFile+" another size or region (hearth init shows which there are), then run this again."),
		m(`RequestDisallowedBy(?:Policy|Azure)`,
			"The subscription forbids that, mostly a region (students' and companies' subscriptions have such rules): choose another region in "+VariablesFile+", or ask whoever owns the subscription."),
		m(`with azurerm_consumption_budget_subscription\.|Cost management data is not supported for subscription`,
			"Azure does not make the budget, whose mails warn of a bill: mostly since the subscription is younger than two days. Set budget_dollars = 0 in "+VariablesFile+", and run this again; a world's own limit, monthly_dollars, is kept all the same. Put the old number back in some days."),
		m(`ReadOnlyDisabledSubscription`,
			"The subscription is switched off: open it in the portal under Subscriptions, which says what it wants (mostly a payment)."),
		m(`roleAssignments/write|roleDefinitions/write`,
			"This login may not give rights to others, which Hearth's parts need among themselves: it has to be Owner of the subscription (or Contributor with User Access Administrator)."),
		m(`AuthorizationFailed|LinkedAuthorizationFailed`,
			"This login may not do that: it has to be Owner of the subscription. "+LogFile+" names the right that is missing."),
		m(`Instance cannot be destroyed.*?Resource\s+(\S+)\s+has`,
			"This would take {what} away for good, so it is not done. It comes of a changed name or region, or of a world that is no longer in "+VariablesFile+": put that back, and run this again.\n"+
				"If a world is to leave, and its saves may stay in Azure for some cents a month: terraform -chdir=infra state rm '{what}', and so for each that is named next."),
		m(`VaultAlreadyExists|vault.{0,200}?deleted state|StorageAccountAlreadyTaken|already taken|Website with given name .*? already exists|VaultNameNotAvailable`,
			"A name is taken by somebody else in the world, or by something that was deleted lately and is kept for a while: change name in "+VariablesFile+" if this is the first time, then run this again."),
		m(`already exists - to be managed via Terraform`,
			"Something of that name is there already, and Terraform's state does not know it: the state is on another machine (bring it from there: hearth remote-state), or name in "+VariablesFile+" is that of something else of yours: choose another."),
		m(`Backend configuration (?:block )?has changed|Backend initialization required|Reason: (?:Initial|Unsetting|Backend)`,
			"Terraform's state is not where "+backendFile+" says: run hearth remote-state, which brings it there."),
		m(`failed to query available provider packages|could not (?:connect to|query provider) registry|failed to install provider`,
			"Terraform can't get its providers: check this machine's network (registry.terraform.io), then run this again."),
		m(`failed to establish a new connection|getaddrinfo failed|name or service not known|no such host|network is unreachable`,
			"Azure can't be reached from here: check this machine's network, then run this again."),
		m(`can't be reached to build|dial tcp.*proxy\.golang\.org|proxy\.golang\.org.*(?:timeout|no such host)`,
			"Go can't get what the program is built from: check this machine's network (proxy.golang.org), then run this again."),
	}
}

// pending are the words for a right that was given and is not known everywhere yet.
var pending = regexp.MustCompile(`(?i)ForbiddenByRbac|AuthorizationPermissionMismatch|please observe propagation time|does not have secrets \w+ permission|do not have the required permissions needed to perform this operation`)

// rightsPending: this failed for a right that may only be too young.
func rightsPending(err error) bool {
	failed, ok := errors.AsType[*program.Error](err)
	return ok && failed.Code > 0 && pending.MatchString(failed.Says())
}

// most of a program's own words that are shown, in lines.
const most = 12

// explain makes a *Problem of a program's failure. Any other error is returned as it
// is.
func (d *Deployment) explain(err error) error {
	failed, ok := errors.AsType[*program.Error](err)
	if !ok {
		return err
	}
	name := failed.Command.Name
	switch {
	case errors.Is(err, program.ErrMissing):
		return problem("%s is not there: %s, and open a new terminal.", name, tools()[name].get)
	case errors.Is(err, program.ErrBrokenOff):
		return errBrokenOff()
	case errors.Is(err, program.ErrLate):
		return problem("%s takes longer than %s and was ended: look at %s for what it was at, then run this again.", name, took(failed.Command.Within), LogFile)
	case failed.Err != nil:
		return problem("%s can't be run here: check that %s works in a terminal.", name, name)
	}
	words := failed.Says()
	if failed.Command.Private {
		words = failed.Output.Stderr
	}
	if rightsPending(err) {
		return problem("Azure refuses it for a missing right. If this is new, wait ten minutes and run this again; else check that this login is Owner of the subscription. %s names the right.", LogFile)
	}
	for _, m := range meanings() {
		found := m.pattern.FindStringSubmatch(words)
		if found == nil {
			continue
		}
		what := "the one in " + LogFile
		for _, group := range found[1:] {
			if group != "" {
				what = group
				break
			}
		}
		return problem("%s", strings.NewReplacer("{what}", what, "{subscription}", d.wants.subscription).Replace(m.says))
	}
	return problem("%s did not do it. It says:\n%s\nAll of it is in %s.", name, excerpt(words), LogFile)
}

// frame is what Terraform draws around an error.
var frame = regexp.MustCompile(`^[│╷╵|\s]+`)

// excerpt is the part of a program's words that tells most: from its first error on,
// or else its last lines.
func excerpt(words string) string {
	var lines []string
	first := -1
	for line := range strings.Lines(words) {
		if line = frame.ReplaceAllString(strings.TrimRight(line, "\r\n"), ""); line == "" {
			continue
		}
		if first < 0 && (strings.HasPrefix(line, "Error") || strings.HasPrefix(line, "ERROR")) {
			first = len(lines)
		}
		lines = append(lines, "  "+line)
	}
	if first < 0 {
		first = max(0, len(lines)-most)
	}
	if lines = lines[first:]; len(lines) > most {
		lines = append(lines[:most], "  …")
	}
	if len(lines) == 0 {
		return "  nothing"
	}
	return strings.Join(lines, "\n")
}
