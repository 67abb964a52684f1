package words

import (
	"fmt"

	"hearth/internal/world"
)

// WhyBoot is why a session failed whose machine gave up at this step.
func WhyBoot(step world.BootStep) string {
	return "the machine came up but " + bootTrouble(step) + ". It is given back, and the keeper knows what to do"
}

// BootFailed tells that a machine gave up at this step, and another is tried.
func BootFailed(c *world.Config, step world.BootStep) world.Say {
	return world.Say{Text: fmt.Sprintf("🧯 The machine of %s came up but %s. I give it back and try once more with another.", bold(c.Name), bootTrouble(step))}
}

// bootTrouble is what a machine could not do.
func bootTrouble(step world.BootStep) string {
	switch step {
	case world.BootFence:
		return "could not fence the game off from the cloud's own services"
	case world.BootIdentity:
		return "got no pass from the cloud"
	case world.BootAgent:
		return "could not fetch its helper"
	case world.BootChecksum:
		return "fetched a helper that is not the right one"
	case world.BootSecrets:
		return "could not fetch the world's secrets"
	case world.BootPackages:
		return "could not install what the game needs"
	case world.BootStart:
		return "could not start its helper"
	}
	return "could not get ready (it stopped at " + bootStep(step) + ")"
}

func bootStep(step world.BootStep) string {
	return code(world.Visible(string(step), world.MaxBootStep))
}

// BootFailedForKeeper tells the keeper at which step a machine gave up, why, and
// what to do. again: another machine is tried.
func BootFailedForKeeper(c *world.Config, placement string, b *world.BootLog, again bool) world.Say {
	text := fmt.Sprintf("🔧 The machine of %s at %s gave up at %s%s.%s", bold(c.Name), code(placement), bootStep(b.Step), inParen(b.Reason), said(b))
	text += " " + bootRemedy(c, b) + "."
	if again {
		return world.Say{Text: text + " I give the machine back and try once more with another."}
	}
	return world.Say{Text: text + " I give the machine back and try nothing more by myself: `/start` when that is done."}
}

func inParen(text string) string {
	if text = world.Plain(text, world.MaxBootReason); text != "" {
		return " (" + text + ")"
	}
	return ""
}

// said is short: a row has to hold it beside the reason.
func said(b *world.BootLog) string {
	if text := world.Plain(b.Said, world.MaxBootReason/2); text != "" {
		return " Its agent's last error: " + text + "."
	}
	return ""
}

// bootRemedy is what the keeper does about a machine that gave up.
func bootRemedy(c *world.Config, b *world.BootLog) string {
	refused, missing := b.Answer() == 401 || b.Answer() == 403, b.Answer() == 404
	const later = "A new role takes some minutes: wait ten, and run `make deploy` again if it stays so"
	switch b.Step {
	case world.BootFence:
		return "Its system could not set up the firewall: look at `image_version` in `terraform.tfvars`, and take the image that worked last"
	case world.BootIdentity:
		if refused {
			return "The machine's identity has no role yet. " + later
		}
		return "The cloud's identity service gave the machine no token. That passes; if it does not, run `make deploy` again, which assigns the identity"
	case world.BootAgent:
		switch {
		case refused:
			return "The machine's identity may not read the container `deploy` yet. " + later
		case missing:
			return "The agent's file is not in the container `deploy`: run `make deploy` again, which uploads it"
		}
		return "The storage account did not answer the machine. If it stays so, look at the account's *Networking* in the portal"
	case world.BootChecksum:
		return "The agent's file in the container `deploy` is not the one that the deployment was made with: run `make deploy` again"
	case world.BootSecrets:
		secret := code("machine-" + c.ID)
		switch {
		case refused:
			return "The machine's identity may not read the secret " + secret + " in the vault yet. " + later
		case missing:
			return "There is no secret " + secret + " in the vault: run `make deploy` again, which makes it"
		}
		return "The vault did not give the machine its secret " + secret + ". If it stays so, look at the vault's *Networking* in the portal, and run `make deploy` again"
	case world.BootPackages:
		return "The distribution's mirrors did not give what was asked of them. That passes, mostly within the hour; another region has another mirror"
	case world.BootStart:
		return "The services that mount the world's files and run the agent did not start: look at the reason, and run `make deploy` again, which writes them anew"
	}
	return "This bot does not know the step: run `make deploy` again, which brings the bot and its machines to one version"
}

// Unheard tells the keeper what the console says of a machine whose agent never
// spoke.
func Unheard(c *world.Config, b *world.BootLog) world.Say {
	what := ""
	switch {
	case b.Unread != "":
		what = "Its console could not be read (" + code(world.Visible(b.Unread, world.MaxMachineRunes)) + "): boot diagnostics must be on in its scale set, and the bot have the right to read them; `hearth doctor` looks at that"
	case b.Blank:
		what = "Its console is empty: its system did not come up, or its boot diagnostics were just switched on. If it happens twice, look at the scale set's image and size"
	case b.Speaks && b.Said != "":
		what = "By its console its agent runs, and its last error is: " + world.Plain(b.Said, world.MaxBootReason)
	case b.Speaks:
		what = "By its console its agent runs, and tells of no error: look whether the machine's identity may write into the queue `events`, and at the storage account's *Networking*"
	case b.Step == "":
		what = "By its console its system came up, and the boot script never began: run `make deploy` again, which gives it to the machines anew"
	default:
		what = "By its console it got as far as " + bootStep(b.Step) + ", and neither went on nor gave up. If it happens there again: " + bootRemedy(c, b)
	}
	return world.Say{Text: fmt.Sprintf("🔧 The machine of %s came up and its agent never spoke. %s. I give the machine back.", bold(c.Name), what)}
}
