package operator_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hearth/internal/clock"
	"hearth/internal/operator"
	"hearth/internal/world"
)

func TestLogin(t *testing.T) {
	const arm, storage = "https://management.azure.com/.default", "https://storage.azure.com/.default"
	for name, tc := range map[string]struct {
		token world.Secret
		scope string
		out   string
		err   error
		want  string // the token, or
		says  string // of the error
		ends  time.Time
	}{
		"given":                 {token: "canary", scope: arm, want: "canary"},
		"given, for another":    {token: "canary", scope: storage, out: `{"accessToken":"canary-2","expires_on":4000000000}`, want: "canary-2", ends: time.Unix(4000000000, 0)},
		"from the CLI":          {scope: arm, out: `{"accessToken":"canary-3","expiresOn":"2096-10-02 07:06:40.000000"}`, want: "canary-3"},
		"nobody is logged in":   {scope: arm, err: errors.New("canary: please run az login"), says: "run az login, then"},
		"the CLI says nonsense": {scope: arm, out: `canary`, says: "az upgrade"},
		"the CLI says nothing":  {scope: arm, out: `{}`, says: "az upgrade"},
	} {
		t.Run(name, func(t *testing.T) {
			l := &operator.Login{Token: tc.token, Clock: clock.System{}, Run: func(_ context.Context, args ...string) ([]byte, error) {
				if got := strings.Join(args, " "); got != "account get-access-token --scope "+tc.scope+" --output json" {
					t.Errorf("az %s", got)
				}
				return []byte(tc.out), tc.err
			}}
			got, err := l.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{tc.scope}})
			if tc.says != "" {
				if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "canary") {
					t.Errorf("got %v, want %q", err, tc.says)
				}
				return
			}
			if err != nil || got.Token != tc.want || got.ExpiresOn.Before(time.Now()) || !tc.ends.IsZero() && !got.ExpiresOn.Equal(tc.ends) {
				t.Errorf("got %q until %s, %v; want %q", got.Token, got.ExpiresOn, err, tc.want)
			}
		})
	}
}

// TestLoginWithoutTheCLI: it says where to get a token.
func TestLoginWithoutTheCLI(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := (&operator.Login{Clock: clock.System{}}).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}})
	if err == nil || !strings.Contains(err.Error(), "AZURE_ACCESS_TOKEN") {
		t.Errorf("got %v", err)
	}
}
