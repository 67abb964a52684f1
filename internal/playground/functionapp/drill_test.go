package functionapp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hearth/internal/settings"
)

// `hearth evict` on a deployment: the program as people have it, the app's
// settings in a file, a token of Azure Resource Manager's in the environment. The
// eviction goes through the wire, and the timeline comes from the table.
func TestDrill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "hearth")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/hearth")
	build.Dir = filepath.Join("..", "..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := start(t, options{worlds: sized})
	told := r.p.App().Settings()
	var lines strings.Builder
	for name, value := range told {
		_, _ = fmt.Fprintf(&lines, "%s=%s\n", name, value)
	}
	file := filepath.Join(dir, "settings.env")
	r.must(os.WriteFile(file, []byte(lines.String()), 0o600))
	evict := func(world string, flags ...string) (code int, out, trouble string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, append([]string{"evict", world, "--settings", file}, flags...)...)
		cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+told["SSL_CERT_FILE"], "AZURE_ACCESS_TOKEN="+r.token())
		var o, e strings.Builder
		cmd.Stdout, cmd.Stderr = &o, &e
		if err := cmd.Run(); err != nil {
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok {
				t.Fatal(err)
			}
			code = exit.ExitCode()
		}
		return code, o.String(), e.String()
	}
	if code, _, trouble := evict("asgard"); code != 2 || !strings.Contains(trouble, `there is no world "asgard" in HEARTH_WORLDS: it has midgard`) {
		t.Errorf("got %d %s, want to be told which worlds there are", code, trouble)
	}
	if code, _, trouble := evict("midgard"); code != 1 || !strings.Contains(trouble, "Midgard is stopped, so there is nothing to try") {
		t.Errorf("got %d %s, want it refused", code, trouble)
	}
	r.play(lightIt + "\nlever player_join Bo\nexpect **Bo** came in")
	if code, out, _ := evict("midgard"); code != 3 || !strings.Contains(out, "Somebody is in Midgard") || len(r.evicted()) != 0 {
		t.Errorf("got %d %s and calls %q, want nothing done while somebody plays and nobody agrees", code, out, r.evicted())
	}
	code, out, trouble := evict("midgard", "--yes")
	want := `(?s)The cloud takes vmss-midgard-1_\w+, the machine of Midgard at vmss-midgard-1.` +
		`.*hears of it.*of the cloud\n.*told to stop.*of Hearth\n.*save is proven.*of the game\n.*is gone.*of the cloud\n` +
		`.*asked for at vmss-midgard-2.*of Hearth\n.*is there.*of the cloud\n.*agent is up.*of the cloud\n.*people can be in.*of the game\n` +
		`\nBack after \d+\.\d s: `
	if code != 0 || trouble != "" || !regexp.MustCompile(want).MatchString(out) {
		t.Errorf("got %d\n%s%s\nwant\n%s", code, out, trouble, want)
	}
	if got := r.evicted(); len(got) != 1 || !strings.HasPrefix(got[0], "virtualMachines/vmss-midgard-1_") {
		t.Errorf("got evictions %q, want one of the machine", got)
	}
	r.moved("vmss-midgard-1", "vmss-midgard-2", true)
	r.play(putItOut)
	if got, want := r.patches(), []string{up1, down1, up2, down2}; !slices.Equal(got, want) {
		t.Errorf("got updates %q, want %q", got, want)
	}
	r.oneMachine()
}

// evicted are the machines that Azure was asked to evict.
func (r *rig) evicted() (out []string) {
	for _, c := range r.p.App().ARM().Calls() {
		if name, ok := strings.CutSuffix(c.Path, "/simulateEviction"); ok && c.Method == http.MethodPost {
			out = append(out, name)
		}
	}
	return out
}

// token is one for Azure Resource Manager, as somebody who is logged in has it.
func (r *rig) token() string {
	r.t.Helper()
	arm := r.p.App().ARM()
	q := url.Values{"api-version": {"2019-08-01"}, "resource": {r.p.App().Settings()[settings.ARM]}}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, arm.IdentityURL+"?"+q.Encode(), nil)
	r.must(err)
	req.Header.Set("X-Identity-Header", arm.IdentityHeader)
	resp, err := http.DefaultClient.Do(req)
	r.must(err)
	defer func() { _ = resp.Body.Close() }()
	var doc struct {
		Token string `json:"access_token"`
	}
	r.must(json.NewDecoder(resp.Body).Decode(&doc))
	return doc.Token
}
