//go:build linux

package vmtest_test

import (
	"crypto/rand"
	"encoding/base64"
)

// The deployment, whose names are invented and as Terraform makes them.
const (
	worldID      = "midgard"
	worldFile    = "Midgard"
	serverName   = "The Hall"
	gamePort     = 2456
	region       = "westeurope"
	size         = "Standard_D2ads_v5"
	placement    = "hearth-midgard-westeurope-d2ads-v5"
	botAccount   = "hearthbotx7k2p9"
	shareAccount = "hearthx7k2p9c0ffee42"
	vault        = "hearth-x7k2p9"
	vaultSecret  = "machine-midgard"
	clientID     = "6f1d4b2a-3c58-4e07-9b61-d0a4c7e81f35"
)

// Hosts, as Azure calls them.
const (
	blobHost  = botAccount + ".blob.core.windows.net"
	queueHost = botAccount + ".queue.core.windows.net"
	fileHost  = shareAccount + ".file.core.windows.net"
	vaultHost = vault + ".vault.azure.net"
)

// Addresses; the package comment says whose.
const (
	machineAddress  = "10.77.0.15"
	wayOut          = "10.77.0.1"
	blobAddress     = "10.77.0.2"
	queueAddress    = "10.77.0.3"
	fileAddress     = "10.77.0.4"
	vaultAddress    = "10.77.0.5"
	metadataAddress = "169.254.169.254"
	platformAddress = "168.63.129.16"
)

// secrets are the world's, new in every run.
type secrets struct {
	Key      string `json:"key"`      // seals the agent's events
	Password string `json:"password"` // of players
	Share    string `json:"share"`    // the key of the share's account
}

func newSecrets() secrets {
	share := make([]byte, 64)
	_, _ = rand.Read(share) // never fails
	return secrets{Key: rand.Text(), Password: rand.Text()[:10], Share: base64.StdEncoding.EncodeToString(share)}
}
