package account_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hearth/internal/azure/account"
	"hearth/internal/azure/identity"
	"hearth/internal/world"
)

const (
	key       = "c2VjcmV0LWtleQ=="
	clientID  = "01234567-89ab-cdef-0123-456789abcdef"
	vaultName = "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/s)"
)

func TestFromEnvironment(t *testing.T) {
	for _, tc := range []struct {
		name string
		env  map[string]string
		want []string // in the error; none: it is right
		not  string
	}{
		{name: "connection string", env: map[string]string{"AzureWebJobsStorage": "AccountName=hearth;AccountKey=" + key}},
		{name: "as the portal shows it", env: map[string]string{"AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=hearth;AccountKey=" + key + ";EndpointSuffix=core.windows.net\n"}},
		{name: "user-assigned identity", env: map[string]string{"AzureWebJobsStorage__accountName": "hearth1", "AzureWebJobsStorage__clientId": clientID, "AzureWebJobsStorage__credential": "managedidentity"}},
		{name: "system-assigned identity", env: map[string]string{"AzureWebJobsStorage__accountName": "hearth1"}},
		{name: "nothing", want: []string{"AzureWebJobsStorage: missing", "AzureWebJobsStorage__accountName"}},
		{
			name: "both", env: map[string]string{"AzureWebJobsStorage": "AccountName=hearth;AccountKey=" + key, "AzureWebJobsStorage__accountName": "hearth1"},
			want: []string{"AzureWebJobsStorage: set beside AzureWebJobsStorage__accountName", "remove one"},
		},
		{
			name: "unresolved references", env: map[string]string{"AzureWebJobsStorage__accountName": vaultName, "AzureWebJobsStorage__clientId": vaultName, "AzureWebJobsStorage__credential": "managedidentity"},
			want: []string{"AzureWebJobsStorage__accountName: the Key Vault reference was not resolved", "AzureWebJobsStorage__clientId: the Key Vault", "Key Vault Secrets User"}, not: "vault.azure.net",
		},
		{
			name: "unresolved connection string", env: map[string]string{"AzureWebJobsStorage": vaultName},
			want: []string{"AzureWebJobsStorage: the Key Vault reference was not resolved"}, not: "vault.azure.net",
		},
		{
			name: "all wrong at once", env: map[string]string{"AzureWebJobsStorage__accountName": "hearth.blob.core.windows.net", "AzureWebJobsStorage__clientId": "me"},
			want: []string{"AzureWebJobsStorage__accountName: ", "without .blob", "AzureWebJobsStorage__clientId: ", clientID, "AzureWebJobsStorage__credential: ", "managedidentity"},
		},
		{name: "no list", env: map[string]string{"AzureWebJobsStorage": "s3cret"}, want: []string{"AzureWebJobsStorage: ", "name=value", "portal"}, not: "s3cret"},
		{name: "no name", env: map[string]string{"AzureWebJobsStorage": "AccountKey=" + key}, want: []string{"AzureWebJobsStorage: ", "AccountName"}, not: key},
		{name: "no key", env: map[string]string{"AzureWebJobsStorage": "AccountName=hearth"}, want: []string{"AzureWebJobsStorage: ", "AccountKey"}},
		{name: "key cut", env: map[string]string{"AzureWebJobsStorage": "AccountName=hearth;AccountKey=c2VjcmV0L"}, want: []string{"not base64"}, not: "c2VjcmV0L"},
		{name: "shared access signature", env: map[string]string{"AzureWebJobsStorage": "BlobEndpoint=https://x;SharedAccessSignature=sv=1&sig=s3cret"}, want: []string{"expires"}, not: "s3cret"},
		{name: "emulator by its short name", env: map[string]string{"AzureWebJobsStorage": "UseDevelopmentStorage=true"}, want: []string{"emulator", "AccountKey"}},
		{name: "address without a scheme", env: map[string]string{"AzureWebJobsStorage": "AccountName=hearth;AccountKey=" + key + ";QueueEndpoint=hearth.queue"}, want: []string{"queue service"}, not: key},
		{name: "another scheme", env: map[string]string{"AzureWebJobsStorage": "DefaultEndpointsProtocol=ftp;AccountName=hearth;AccountKey=" + key}, want: []string{"http or https"}, not: key},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o, err := account.FromEnvironment(func(name string) string { return tc.env[name] })
			o.Credential = tokens(nil)
			if _, opened := account.Open(o); (opened != nil) != (err != nil) && !strings.Contains(fmt.Sprint(err), "__credential") {
				t.Errorf("Open = %v, FromEnvironment = %v: want both to find fault or none", opened, err)
			}
			if len(tc.want) == 0 {
				if err != nil {
					t.Errorf("error is %v, want none", err)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %q, want it to say %q", err, want)
				}
			}
			if tc.not != "" && strings.Contains(err.Error(), tc.not) {
				t.Errorf("error is %q, want it to keep %q to itself", err, tc.not)
			}
		})
	}
}

func TestEndpoints(t *testing.T) {
	for _, tc := range []struct {
		name       string
		o          account.Options
		queue      string
		keyed      bool
		wantName   string
		wantTables string
	}{
		{"portal", account.Options{ConnectionString: "AccountName=hearth;AccountKey=" + key}, "https://hearth.queue.core.windows.net", true, "hearth", "https://hearth.table.core.windows.net"},
		{"another cloud", account.Options{ConnectionString: "DefaultEndpointsProtocol=https;AccountName=hearth;AccountKey=" + key + ";EndpointSuffix=core.chinacloudapi.cn"}, "https://hearth.queue.core.chinacloudapi.cn", true, "hearth", "https://hearth.table.core.chinacloudapi.cn"},
		{"emulator", account.Options{ConnectionString: "AccountName=dev;AccountKey=" + key + ";QueueEndpoint=http://127.0.0.1:1/dev/"}, "http://127.0.0.1:1/dev", true, "dev", "https://dev.table.core.windows.net"},
		{"identity", account.Options{Account: "hearth1", ClientID: clientID, Credential: tokens(nil)}, "https://hearth1.queue.core.windows.net", false, "hearth1", "https://hearth1.table.core.windows.net"},
	} {
		a, err := account.Open(tc.o)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if a.Name() != tc.wantName || a.Endpoint(account.Queue) != tc.queue || a.Endpoint(account.Table) != tc.wantTables {
			t.Errorf("%s: %s at %s and %s; want %s at %s and %s", tc.name, a.Name(), a.Endpoint(account.Queue), a.Endpoint(account.Table), tc.wantName, tc.queue, tc.wantTables)
		}
		if (a.Key() != "") != tc.keyed || (a.Credential() == nil) != tc.keyed {
			t.Errorf("%s: key %v, credential %v; want one of them", tc.name, a.Key(), a.Credential())
		}
	}
	if _, err := account.Open(account.Options{Account: "hearth1", Attempt: -1}); err == nil || !strings.Contains(err.Error(), "above 0") || !strings.Contains(err.Error(), "set Credential") {
		t.Errorf("Open with a negative attempt and no credential = %v, want an error for each", err)
	}
}

// tokens has none, for this reason; nil: one that is good for ever.
func tokens(err error) azcore.TokenCredential { return tokenless{err} }

type tokenless struct{ err error }

func (t tokenless) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "t0ken", ExpiresOn: time.Now().Add(time.Hour)}, t.err
}

// The identity is handed on as it was given.
func TestManagedIdentity(t *testing.T) {
	a, err := account.Open(account.Options{Account: "hearth1", ClientID: clientID, Credential: tokens(nil)})
	if err != nil {
		t.Fatal(err)
	}
	if token, err := a.Credential().GetToken(t.Context(), policy.TokenRequestOptions{}); err != nil || token.Token != "t0ken" {
		t.Errorf("GetToken = %v, %v; want the token", token, err)
	}
}

func TestFail(t *testing.T) {
	address := "https://hearth.queue.core.windows.net/events/messages?popreceipt=r3ceipt"
	refused := &azcore.ResponseError{ErrorCode: "ServerBusy", StatusCode: 503, RawResponse: &http.Response{
		StatusCode: 503, Header: http.Header{"X-Ms-Request-Id": {"r-1"}}, Body: http.NoBody,
	}}
	for _, tc := range []struct {
		name string
		err  error
		want string
		is   error
	}{
		{"nothing", nil, "", nil},
		{"refusal", refused, "act: 503 ServerBusy (request r-1)", refused},
		{"refusal without a reply", &azcore.ResponseError{ErrorCode: "X", StatusCode: 400}, "act: 400 X", nil},
		{"no token", &identity.Error{Status: 400}, "act: the managed identity gets no token (400): check that it is assigned to this machine or app, and that its client id is right", nil},
		{"no token now", &identity.Error{Status: 503}, "act: the managed identity gets no token: its service answers 503", nil},
		{"no identity", fmt.Errorf("x: %w", &identity.Error{Err: identity.ErrNone}), "act: the managed identity gets no token: there is no managed identity: switch it on in the portal under Identity, then restart the app", identity.ErrNone},
		{"account that is not there", &url.Error{Op: "Post", URL: address, Err: &net.DNSError{Name: "hearth.queue.core.windows.net", IsNotFound: true}}, "act: there is no hearth.queue.core.windows.net: check the storage account's name", nil},
		{"address is kept out", &url.Error{Op: "Post", URL: address, Err: errors.New("connection\nreset")}, "act: connection reset", nil},
		{"no time", fmt.Errorf("x: %w", context.DeadlineExceeded), "act: no answer in time: context deadline exceeded", context.DeadlineExceeded},
		{"canceled", &url.Error{Op: "Post", URL: address, Err: context.Canceled}, "act: context canceled", context.Canceled},
	} {
		err := account.Fail("act", tc.err)
		if got := ""; err != nil {
			got = err.Error()
			if got != tc.want {
				t.Errorf("%s: error is %q, want %q", tc.name, got, tc.want)
			}
		} else if tc.want != "" {
			t.Errorf("%s: no error, want %q", tc.name, tc.want)
		}
		if tc.is != nil && !errors.Is(err, tc.is) {
			t.Errorf("%s: error is not %v", tc.name, tc.is)
		}
	}
	if code := account.Code(account.Fail("act", refused)); code != "ServerBusy" {
		t.Errorf("Code = %q, want ServerBusy", code)
	}
	if code := account.Code(io.EOF); code != "" {
		t.Errorf("Code of no refusal = %q, want none", code)
	}
}

// Options are logged by mistake sooner or later.
func TestOptionsKeepTheKey(t *testing.T) {
	o := account.Options{ConnectionString: world.Secret("AccountName=hearth;AccountKey=" + key)}
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "options", o)
	for _, s := range []string{b.String(), fmt.Sprintf("%v %+v %#v", o, o, o)} {
		if strings.Contains(s, key) {
			t.Errorf("%q has the key", s)
		}
	}
}

// Whatever is configured, it is taken or refused, and kept secret.
func FuzzConnectionString(f *testing.F) {
	for _, seed := range []string{
		"AccountName=hearth;AccountKey=" + key, "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=" + key + ";QueueEndpoint=http://127.0.0.1:1/a",
		vaultName, ";;=;", "AccountName==;AccountKey=;", "=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := account.Open(account.Options{ConnectionString: world.Secret(text)})
		if err != nil {
			if len(text) > 40 && strings.Contains(err.Error(), text) {
				t.Errorf("error %q repeats what is configured", err)
			}
			return
		}
		for _, s := range []account.Service{account.Blob, account.Queue, account.Table} {
			if u, err := url.Parse(a.Endpoint(s)); err != nil || u.Host == "" {
				t.Errorf("%q is taken, with %q as its %s service", text, a.Endpoint(s), s)
			}
		}
	})
}
