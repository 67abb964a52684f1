package account

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"hearth/internal/world"
)

const (
	publicSuffix = "core.windows.net"
	// unresolved begins the text that the platform leaves in a setting whose
	// Key Vault reference it could not resolve ("Use Key Vault references as app
	// settings").
	unresolved = "@Microsoft.KeyVault("
)

// connection is what a connection string says ("Configure Azure Storage
// connection strings").
type connection struct {
	account   string
	key       world.Secret
	endpoints map[Service]string
}

func endpoints(scheme, account, suffix string) map[Service]string {
	m := map[Service]string{}
	for _, s := range []Service{Blob, Queue, Table, File} {
		m[s] = fmt.Sprintf("%s://%s.%s.%s", scheme, account, s, suffix)
	}
	return m
}

// parseConnection reads a connection string. The errors repeat nothing of it.
func parseConnection(secret world.Secret) (connection, error) {
	const again = "copy it anew from the portal (Access keys, Connection string)"
	values := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimSpace(secret.Reveal()), ";") {
		if part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return connection{}, errors.New("it is no list of name=value with semicolons between: " + again)
		}
		values[name] = value
	}
	switch {
	case values["UseDevelopmentStorage"] != "":
		return connection{}, errors.New("UseDevelopmentStorage is not understood: write the emulator's whole connection string, with AccountName, AccountKey and the three endpoints")
	case values["SharedAccessSignature"] != "":
		return connection{}, errors.New("it has a SharedAccessSignature, which expires: use one with an AccountKey, or a managed identity")
	case values["AccountName"] == "":
		return connection{}, errors.New("it has no AccountName: " + again)
	case values["AccountKey"] == "":
		return connection{}, errors.New("it has no AccountKey: " + again)
	}
	if key, err := base64.StdEncoding.DecodeString(values["AccountKey"]); err != nil || len(key) == 0 {
		return connection{}, errors.New("its AccountKey is not base64: " + again)
	}
	scheme, suffix := "https", publicSuffix
	if p := values["DefaultEndpointsProtocol"]; p != "" {
		scheme = p
	}
	if s := values["EndpointSuffix"]; s != "" {
		suffix = s
	}
	c := connection{
		account: values["AccountName"], key: world.Secret(values["AccountKey"]),
		endpoints: endpoints(scheme, values["AccountName"], suffix),
	}
	for service, name := range map[Service]string{Blob: "BlobEndpoint", Queue: "QueueEndpoint", Table: "TableEndpoint", File: "FileEndpoint"} {
		if e := values[name]; e != "" {
			c.endpoints[service] = strings.TrimRight(e, "/")
		}
	}
	for _, service := range slices.Sorted(maps.Keys(c.endpoints)) {
		u, err := url.Parse(c.endpoints[service])
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.User != nil {
			return connection{}, fmt.Errorf("its address of the %s service is no http or https address: %s", service, again)
		}
	}
	return c, nil
}

// problems are what is wrong with the options, with what to do.
func (o *Options) problems() []error {
	name := func(name, otherwise string) string {
		if name == "" {
			return otherwise
		}
		return name
	}
	conn := name(o.Names.ConnectionString, "connection string")
	account, client := name(o.Names.Account, "account"), name(o.Names.ClientID, "client id")
	var problems []error
	bad := func(setting, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s: "+format, append([]any{setting}, args...)...))
	}
	if o.ConnectionString == "" && o.Account == "" {
		if !strings.HasPrefix(o.ClientID, unresolved) {
			bad(conn, "missing: set it to the storage account's connection string, or %s to its name", account)
			return problems
		}
	}
	if o.ConnectionString != "" && o.Account != "" {
		bad(conn, "set beside %s: the connection string would win; remove one of them", account)
	}
	resolved := func(setting, value string) bool {
		if !strings.HasPrefix(value, unresolved) {
			return true
		}
		bad(setting, "the Key Vault reference was not resolved: check that the secret exists and that the app's identity may read it (role Key Vault Secrets User), then restart the app")
		return false
	}
	if v := o.ConnectionString; v != "" && resolved(conn, v.Reveal()) {
		if _, err := parseConnection(v); err != nil {
			bad(conn, "%w", err)
		}
	}
	if v := o.Account; v != "" && resolved(account, v) && !regexp.MustCompile(`^[a-z0-9]{3,24}$`).MatchString(v) {
		bad(account, "%.40q is no name of a storage account: 3 to 24 small letters and digits, without .blob.%s", v, publicSuffix)
	}
	if v := o.ClientID; v != "" && resolved(client, v) && !regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`).MatchString(v) {
		bad(client, "%.40q is no client id: take the managed identity's, such as 01234567-89ab-cdef-0123-456789abcdef", v)
	}
	return problems
}
