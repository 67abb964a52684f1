package functionapp_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"hearth/internal/clock"
	"hearth/internal/operator"
	"hearth/internal/settings"
	"hearth/internal/world"
)

// TestDoctor: what a deployment is looked at by finds nothing wrong with the
// real bot in its package, from the file that the playground writes.
func TestDoctor(t *testing.T) {
	r := start(t, options{})
	getenv, err := settings.FromFile(filepath.Join(r.dir, "settings"))
	if err != nil {
		t.Fatal(err)
	}
	arm := r.p.App().ARM()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(arm.CertificatePEM)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	var out strings.Builder
	d := &operator.Doctor{
		Getenv: getenv, Version: "test", Clock: clock.System{}, ARM: &http.Client{Transport: transport}, Out: &out,
		Login: &operator.Login{Token: world.Secret(arm.Login()), ARM: arm.URL, Clock: clock.System{}},
	}
	// The probe's key is nobody's here.
	if wrong, unknown := d.Run(t.Context()); wrong != 0 || unknown != 1 {
		t.Errorf("%d wrong, %d unknown:\n%s", wrong, unknown, &out)
	}
}
