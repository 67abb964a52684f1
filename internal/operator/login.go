package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hearth/internal/azure/audit"
	"hearth/internal/azure/vault"
	"hearth/internal/world"
)

var _ azcore.TokenCredential = (*Login)(nil)

// The environment variables with a token for Azure Resource Manager, and with one for
// Key Vaults.
const (
	TokenVariable      = "AZURE_ACCESS_TOKEN"
	VaultTokenVariable = "AZURE_VAULT_TOKEN" //nolint:gosec // the name of a variable
)

// azWithin bounds one run of the Azure CLI, which is slow.
const azWithin = 30 * time.Second

// Login gives the tokens of whoever sits here: one that was given, for Azure
// Resource Manager or for Key Vaults, or else what the Azure CLI has. Its errors are
// sentences for people.
type Login struct {
	Token world.Secret // empty: none was given
	ARM   string       // the address that Token is for; empty: the public cloud's
	Vault world.Secret // for Key Vaults; empty: none was given
	Clock world.Clock
	// Run runs the Azure CLI; nil: the one on the path.
	Run func(ctx context.Context, args ...string) (stdout []byte, err error)
}

// errNoAz: there is no Azure CLI.
var errNoAz = errors.New("the Azure CLI is missing")

// GetToken implements azcore.TokenCredential.
func (l *Login) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	arm := l.ARM
	if arm == "" {
		arm = audit.PublicURL
	}
	scope := strings.Join(o.Scopes, " ")
	given, variable, resource := world.Secret(""), "", ""
	switch {
	case scope == audit.Scope(arm):
		given, variable = l.Token, TokenVariable
	case vault.IsScope(scope):
		given, variable, resource = l.Vault, VaultTokenVariable, "--scope "+scope+" "
	}
	if given != "" {
		// When it ends nobody says; Azure will.
		return azcore.AccessToken{Token: given.Reveal(), ExpiresOn: l.Clock.Now().Add(time.Hour)}, nil
	}
	run := l.Run
	if run == nil {
		run = runAz
	}
	ctx, cancel := context.WithTimeout(ctx, azWithin)
	defer cancel()
	out, err := run(ctx, "account", "get-access-token", "--scope", scope, "--output", "json")
	switch {
	case errors.Is(err, errNoAz) && variable == "":
		return azcore.AccessToken{}, errors.New("nobody is logged in to Azure here: install the Azure CLI and run az login")
	case errors.Is(err, errNoAz):
		return azcore.AccessToken{}, fmt.Errorf("nobody is logged in to Azure here: install the Azure CLI and run az login, or set %s to what az account get-access-token %s--query accessToken --output tsv prints elsewhere", variable, resource)
	case err != nil:
		return azcore.AccessToken{}, errors.New("the Azure CLI gives no token: run az login, then try again")
	}
	var doc struct {
		AccessToken world.Token `json:"accessToken"`
		ExpiresOn   int64       `json:"expires_on"`
	}
	if err := json.Unmarshal(out, &doc); err != nil || doc.AccessToken == "" {
		return azcore.AccessToken{}, errors.New("the Azure CLI's answer is not understood: update it (az upgrade), then try again")
	}
	ends := l.Clock.Now().Add(time.Minute) // an old CLI does not say
	if doc.ExpiresOn > 0 {
		ends = time.Unix(doc.ExpiresOn, 0)
	}
	return azcore.AccessToken{Token: doc.AccessToken.Reveal(), ExpiresOn: ends}, nil
}

// runAz runs the Azure CLI on the path.
func runAz(ctx context.Context, args ...string) ([]byte, error) {
	az, err := exec.LookPath("az")
	if err != nil {
		return nil, errNoAz
	}
	out, err := exec.CommandContext(ctx, az, args...).Output() //nolint:gosec // the CLI, and arguments of ours
	if err != nil {
		return nil, fmt.Errorf("run az: %w", err)
	}
	return out, nil
}
