package compute_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/internal/azure/compute"
	"hearth/internal/azure/identity"
	"hearth/internal/clock"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
)

// TestMain is also the program that TestEnvironment starts.
func TestMain(m *testing.M) {
	if os.Getenv("HEARTH_TEST_PROGRAM") == "" {
		os.Exit(m.Run())
	}
	if err := evening(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// evening is a machine's from start to end, in a program that knows nothing but
// its environment.
func evening(ctx context.Context) error {
	c, err := compute.New(compute.Options{
		Subscription: os.Getenv("AZURE_SUBSCRIPTION_ID"), ResourceGroup: wire.DefaultResourceGroup,
		URL: os.Getenv("HEARTH_ARM_URL"), Clock: clock.System{},
		Credential: identity.New(identity.Options{
			Endpoint: os.Getenv(identity.EndpointVariable), Header: world.Secret(os.Getenv(identity.HeaderVariable)), Clock: clock.System{},
		}),
	})
	if err != nil {
		return err
	}
	for _, capacity := range []int{1, 0} {
		token, err := c.Scale(ctx, midgard, capacity)
		if err != nil {
			return err
		}
		for done := false; !done; time.Sleep(5 * time.Millisecond) {
			if done, err = c.Poll(ctx, token); err != nil {
				return err
			}
		}
		in, err := c.Instances(ctx, midgard)
		if err != nil {
			return err
		}
		fmt.Println(len(in), in)
	}
	return nil
}

func TestEnvironment(t *testing.T) {
	c, err := simcloud.New(simcloud.Options{
		Clock: clock.System{}, Placements: []world.Placement{midgard},
		Timing: simcloud.Timing{Create: 20 * time.Millisecond, Delete: 20 * time.Millisecond},
	})
	must(t, err)
	t.Cleanup(func() { must(t, c.Close(context.Background())) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	arm, err := wire.ServeARM(ctx, c, wire.ARMOptions{Clock: clock.System{}})
	must(t, err)
	defer arm.Close()
	cert := filepath.Join(t.TempDir(), "arm.pem")
	must(t, os.WriteFile(cert, arm.CertificatePEM, 0o600))

	run := func(env ...string) (string, error) {
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append(os.Environ(), "HEARTH_TEST_PROGRAM=1", "AZURE_SUBSCRIPTION_ID="+wire.DefaultSubscription, "HEARTH_ARM_URL="+arm.URL,
			"IDENTITY_ENDPOINT="+arm.IdentityURL, "IDENTITY_HEADER="+arm.IdentityHeader, "SSL_CERT_FILE="+cert)
		cmd.Env = append(cmd.Env, env...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	t.Run("right", func(t *testing.T) {
		got, err := run()
		if lines := strings.Split(got, "\n"); err != nil || len(lines) != 3 || !strings.HasPrefix(lines[0], "1 [{vmss-midgard_") || lines[1] != "0 []" {
			t.Errorf("got %v\n%s, want one machine and then none", err, got)
		}
	})
	for name, tc := range map[string]struct{ env, want string }{
		"wrong identity header": {"IDENTITY_HEADER=guessed", "ManagedIdentity: The function app's managed identity gives no token (status 403)"},
		"no identity":           {"IDENTITY_ENDPOINT=", "ManagedIdentity: The function app's managed identity gives no token: switch the identity on"},
		"certificate unknown":   {"SSL_CERT_FILE=" + filepath.Join(t.TempDir(), "none.pem"), "Unreachable: Azure Resource Manager at 127.0.0.1"},
		"plain HTTP":            {"HEARTH_ARM_URL=http://127.0.0.1:1", "give https://HOST"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := run(tc.env); err == nil || !strings.Contains(got, tc.want) {
				t.Errorf("got %v\n%s, want a failure with %q", err, got, tc.want)
			}
		})
	}
}
