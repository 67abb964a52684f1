package account

import (
	"errors"
	"fmt"
	"strings"

	"hearth/internal/world"
)

// The settings of a function app, as the Functions host reads them ("Connecting
// to host storage with an identity").
const (
	connectionSetting = "AzureWebJobsStorage"
	accountSetting    = "AzureWebJobsStorage__accountName"
	clientSetting     = "AzureWebJobsStorage__clientId"
	credentialSetting = "AzureWebJobsStorage__credential" //nolint:gosec // the name of a setting
)

// FromEnvironment takes the options from a function app's settings:
// AzureWebJobsStorage, a connection string; or AzureWebJobsStorage__accountName
// with, for a user-assigned identity, AzureWebJobsStorage__clientId. The error
// names everything that is wrong and what to do about each.
func FromEnvironment(getenv func(string) string) (Options, error) {
	o := Options{
		ConnectionString: world.Secret(getenv(connectionSetting)),
		Account:          getenv(accountSetting),
		ClientID:         getenv(clientSetting),
		Names:            Names{ConnectionString: connectionSetting, Account: accountSetting, ClientID: clientSetting},
	}
	problems := o.problems()
	credential := getenv(credentialSetting)
	if o.ConnectionString == "" && o.ClientID != "" && !strings.EqualFold(credential, "managedidentity") {
		problems = append(problems, fmt.Errorf("%s: %.40q: set it to managedidentity, for the Functions host does not look at %s without it", credentialSetting, credential, clientSetting))
	}
	return o, errors.Join(problems...)
}
