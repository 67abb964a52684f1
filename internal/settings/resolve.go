package settings

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"hearth/internal/azure/vault"
	"hearth/internal/world"
)

// atOnce is how many secrets are asked for beside each other.
const atOnce = 16

// Secrets reads secrets out of vaults, as whoever is logged in. *vault.Client is
// one.
type Secrets interface {
	Get(ctx context.Context, n vault.Name) (world.Secret, error)
}

// Source is where settings are read, away from the app: the platform resolved no
// reference there.
type Source struct {
	Getenv     func(string) string // with the secrets in place of references to them
	References []Reference         // by setting
}

// Reference is a setting that says in which secret its value is.
type Reference struct {
	Setting string
	Secret  vault.Name // the zero Name: what it says can't be read
	// Why it was not resolved, behind "the secret …, "; empty: it was.
	Why string
	// Unseen: nobody could look, and the app may be able to.
	Unseen bool
}

// Err says why it was not resolved, and names the setting; nil: it was.
func (r Reference) Err() error {
	if r.Why == "" {
		return nil
	}
	what := r.Secret.String()
	if r.Secret == (vault.Name{}) {
		what = "a Key Vault reference"
	}
	return fmt.Errorf("%s is %s, %s", r.Setting, what, r.Why)
}

// Resolve puts secrets in place of the references to them, among the settings that
// Load reads. What can't be resolved stays a reference.
func Resolve(ctx context.Context, getenv func(string) string, secrets Secrets) Source {
	found := map[string]string{}
	s := Source{Getenv: func(name string) string {
		if value, ok := found[name]; ok {
			return value
		}
		return getenv(name)
	}}
	tried := map[string]bool{}
	for {
		// The worlds say what else there is, and may be one themselves.
		names := references(s.Getenv, tried)
		if len(names) == 0 {
			break
		}
		refs, values := resolve(ctx, names, getenv, secrets)
		for i, r := range refs {
			if tried[r.Setting] = true; r.Why == "" {
				found[r.Setting] = values[i].Reveal()
			}
		}
		s.References = append(s.References, refs...)
	}
	slices.SortFunc(s.References, func(a, b Reference) int { return strings.Compare(a.Setting, b.Setting) })
	return s
}

// references are the settings that Load reads, are references, and were not tried.
func references(getenv func(string) string, tried map[string]bool) []string {
	names := map[string]bool{}
	_, _ = Load(func(name string) string { // what is wrong is told by who needs it
		value := getenv(name)
		if vault.IsReference(value) && !tried[name] {
			names[name] = true
		}
		return value
	})
	return slices.Sorted(maps.Keys(names))
}

// resolve asks for the secrets of these settings. Who gives no token for the first
// gives none for the others.
func resolve(ctx context.Context, names []string, getenv func(string) string, secrets Secrets) ([]Reference, []world.Secret) {
	refs, values := make([]Reference, len(names)), make([]world.Secret, len(names))
	var login error
	ask := func(i int) {
		name := names[i]
		n, err := vault.ParseReference(getenv(name))
		if err != nil {
			refs[i] = Reference{Setting: name, Why: "which is misformed: " + err.Error()}
			return
		}
		refs[i] = Reference{Setting: name, Secret: n}
		if err = login; err == nil {
			values[i], err = secrets.Get(ctx, n)
		}
		if _, ok := errors.AsType[*vault.TokenError](err); ok && i == 0 {
			login = err
		}
		switch {
		case err != nil:
			refs[i].Why, refs[i].Unseen = unresolved(err)
		case values[i] == "":
			refs[i].Why = "which is empty: give it a value"
		case vault.IsReference(values[i].Reveal()):
			refs[i].Why = "which is a reference itself: give it the value"
		}
	}
	ask(0)
	var all sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for i := 1; i < len(names); i++ {
		free <- struct{}{}
		all.Go(func() {
			ask(i)
			<-free
		})
	}
	all.Wait()
	return refs, values
}

// unresolved says why a secret, or several, were not to be had, and whether the app
// may have them all the same.
func unresolved(err error) (why string, unseen bool) {
	if token, ok := errors.AsType[*vault.TokenError](err); ok {
		return "which can't be read: " + token.Err.Error(), true
	}
	refused, ok := errors.AsType[*vault.Error](err)
	if !ok {
		if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
			return "and there is no such vault: run hearth deploy, then list the app's settings anew", false
		}
		return "and the vault can't be reached from here: check this machine's network, then try again", true
	}
	switch {
	case refused.Status == http.StatusNotFound:
		return "which is not there: run hearth deploy, which puts it there", false
	case refused.Code == vault.CodeDisabled:
		return "which is disabled: enable it in the portal, or run hearth deploy", false
	case refused.Code == vault.CodeFirewall:
		return "and the vault's firewall lets nobody in from here: allow this machine's address in the portal, under the vault's Networking", true
	case refused.Status == http.StatusForbidden:
		return "which you may not read: give yourself the role Key Vault Secrets User on the vault, wait some minutes, then try again", true
	case refused.Status == http.StatusUnauthorized:
		return "and the vault does not know your login: run az login into the subscription that the vault is in, then try again", true
	}
	return fmt.Sprintf("and the vault answers %d: try again in some minutes", refused.Status), true
}

// Load is Load, which tells of a reference that is there yet why that is so.
func (s Source) Load() (*Config, error) {
	c, err := Load(s.Getenv)
	var problems []Problem
	if wrong, ok := errors.AsType[*Error](err); ok {
		problems = wrong.Problems
	}
	for _, r := range s.References {
		if r.Why == "" {
			continue
		}
		if r.Setting == Token {
			c.NoToken = r.Err()
		}
		if at := slices.IndexFunc(problems, func(p Problem) bool { return p.Setting == r.Setting }); at >= 0 {
			problems[at].Err = r.Err()
		}
	}
	return c, err
}
