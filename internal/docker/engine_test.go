package docker_test

import (
	"testing"

	"hearth/internal/docker"
)

func TestDeliversStop(t *testing.T) {
	for version, want := range map[string]bool{
		"28.2.2": true, "27.0.0": true, "26.1.3": true, "26.1.2": false, "26.0.9": false, "25.0.6": true, "25.0.5": false,
		"24.0.7-0ubuntu4": false, "23.0.11": true, "23.0.10": false, "20.10.25+azure-2": false, "dev": true, "": true,
	} {
		if got := (docker.Engine{Version: version, AppArmor: true}).DeliversStop(); got != want {
			t.Errorf("%q delivers a stop: %t, want %t", version, got, want)
		}
		if !(docker.Engine{Version: version}).DeliversStop() {
			t.Errorf("%q without AppArmor delivers none", version)
		}
	}
}
