package words

import (
	"fmt"
	"strings"

	"hearth/internal/world"
)

// Quota tells the keeper that the account's quota is used up, and where to ask
// for more; reason and detail are the cloud's.
func Quota(c *world.Config, placement, reason, detail string) world.Say {
	p, _ := c.Placement(placement)
	which := "spot (low-priority) vCPUs, which the portal calls *Total Regional Spot vCPUs*"
	if p.Regular {
		which = "vCPUs of the machine's family"
	}
	if strings.Contains(strings.ToLower(reason+detail), "publicip") {
		which = "public addresses, under the provider *Microsoft.Network*"
	}
	switch name := between(detail, "exceeding approved ", " quota"); {
	case name == "", strings.EqualFold(name, "LowPriorityCores"):
	default:
		which = code(world.Visible(strings.TrimPrefix(name, "Total "), 60))
	}
	where := p.Region
	if told := between(detail, "Location: ", ","); told != "" {
		where = told
	}
	if where = world.Visible(where, 40); where == "" {
		where = "the region"
	} else {
		where = code(where)
	}
	most := ""
	if n := between(detail, "New Limit Required: ", "."); n != "" && len(n) <= 6 && strings.Trim(n, "0123456789") == "" {
		most = ", " + n + " at least"
	}
	return world.Say{Text: fmt.Sprintf("🔧 The cloud account has no quota for %s at %s (%s). In the portal: *Subscriptions* → yours → *Usage + quotas* → %s → ask for more %s%s; then `/start`. It is free, and often granted at once.",
		bold(c.Name), code(placement), because(reason, detail), where, which, most)}
}

// between is what stands in text after one mark and before the next.
func between(text, after, before string) string {
	_, rest, ok := strings.Cut(text, after)
	if !ok {
		return ""
	}
	found, _, ok := strings.Cut(rest, before)
	if !ok {
		return ""
	}
	return strings.TrimSpace(found)
}

// Misconfigured tells the keeper that the cloud refuses the deployment, and what
// to do; reason and detail are the cloud's.
func Misconfigured(c *world.Config, placement, reason, detail string) world.Say {
	return world.Say{Text: fmt.Sprintf("🔧 The cloud refuses %s at %s (%s). %s; then `/start`.", bold(c.Name), code(placement), because(reason, detail), remedy(reason))}
}

// remedy is what the keeper does about one of the cloud's codes.
func remedy(reason string) string {
	switch strings.ToLower(reason) {
	case "spotpricegreaterthanprovidedmaxprice":
		return "Its spot machines cost more today than the scale set may pay: set its maximum price to -1 (`max_bid_price` in Terraform), which is never above the full price"
	case "linkedauthorizationfailed":
		return "In the portal: the network's resource group → *Access control (IAM)* → give the bot's identity the right to join the subnet and security group, and to assign the machine's identity; or apply the deployment's Terraform again, which does that"
	case "authorizationfailed":
		return "In the portal: the scale set's resource group → *Access control (IAM)* → give the bot's identity its role back; or apply the deployment's Terraform again, which does that. A new role takes some minutes"
	case "skunotavailable":
		return "Its size can't be had in its region with this subscription: choose another size or region for the placement"
	case "resourcenotfound", "resourcegroupnotfound", "notfound":
		return "There is no such scale set: apply the deployment's Terraform, or take the placement out of `HEARTH_WORLDS`"
	case "readonlydisabledsubscription":
		return "In the portal: *Subscriptions* → yours → reactivate it; a used-up credit or an unpaid bill is the usual reason"
	case "scopelocked":
		return "In the portal: the resource group → *Locks* → remove the lock"
	case "missingsubscriptionregistration", "subscriptionnotregistered", "noregisteredproviderfound":
		return "In the portal: *Subscriptions* → yours → *Resource providers* → register `Microsoft.Compute` and `Microsoft.Network`"
	case "requestdisallowedbypolicy":
		return "In the portal: *Policy* → *Compliance* shows which policy forbids it; choose a region and size that it allows"
	case "managedidentity":
		return "In the portal: the function app → *Identity* → see that the bot's identity is assigned"
	}
	return "Check the scale set and the bot's role"
}
