package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"hearth/internal/azure/identity"
)

// machine is the managed identity of a virtual machine. Its tokens are those of
// the machine's metadata service.
type machine struct {
	*azidentity.ManagedIdentityCredential
}

// machineIdentity is the user-assigned identity of that client id, or, if it is
// empty, the system-assigned one. It makes no call.
func machineIdentity(clientID string) (azcore.TokenCredential, error) {
	var o azidentity.ManagedIdentityCredentialOptions
	if clientID != "" {
		o.ID = azidentity.ClientID(clientID)
	}
	c, err := azidentity.NewManagedIdentityCredential(&o)
	if err != nil {
		return nil, fmt.Errorf("use the managed identity: %w", err)
	}
	return machine{c}, nil
}

// GetToken implements azcore.TokenCredential. Its error is an *identity.Error.
func (m machine) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := m.ManagedIdentityCredential.GetToken(ctx, o)
	if err == nil {
		return token, nil
	}
	return azcore.AccessToken{}, noToken(err)
}

// noToken is what an error of azidentity's means.
func noToken(err error) error {
	if refused, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok && refused.RawResponse != nil {
		return &identity.Error{Status: refused.RawResponse.StatusCode}
	}
	return &identity.Error{Err: err}
}
