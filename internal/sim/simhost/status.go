package simhost

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"hearth/internal/sim/simhost/envelope"
)

// statuses keep when monitored timers ran, in blobs where the host keeps it
// (StorageScheduleMonitor.cs).
type statuses struct {
	client *azblob.Client
	hostID string
}

// hostContainer is the container of the host's own blobs.
const hostContainer = "azure-webjobs-hosts"

// openStatuses opens the account of the host's own blobs. The host's id tells
// apps apart that share one.
func openStatuses(connection string, settings map[string]string) (*statuses, error) {
	c, err := azblob.NewClientFromConnectionString(connection, nil)
	if err != nil {
		return nil, fmt.Errorf("open storage account: %w", err)
	}
	id := cmp.Or(settings["AzureFunctionsWebHost__hostid"], settings["WEBSITE_SITE_NAME"], "simhost")
	return &statuses{client: c, hostID: strings.ToLower(id)}, nil
}

func (s *statuses) name(function string) string {
	return "timers/" + s.hostID + "/Host.Functions." + function + "/status"
}

// load returns nil if the timer has no status yet.
func (s *statuses) load(ctx context.Context, function string) (*envelope.TimerStatus, error) {
	const most = 4 << 10
	b := make([]byte, most)
	n, err := s.client.DownloadBuffer(ctx, hostContainer, s.name(function), b, nil)
	if bloberror.HasCode(err, bloberror.BlobNotFound, bloberror.ContainerNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load timer status of %s: %w", function, err)
	}
	var t envelope.TimerStatus
	if err := json.Unmarshal(b[:n], &t); err != nil {
		return nil, fmt.Errorf("load timer status of %s: %w", function, err)
	}
	return &t, nil
}

func (s *statuses) save(ctx context.Context, function string, t envelope.TimerStatus) error {
	b, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("save timer status of %s: %w", function, err)
	}
	_, err = s.client.UploadBuffer(ctx, hostContainer, s.name(function), b, nil)
	if bloberror.HasCode(err, bloberror.ContainerNotFound) {
		if _, err = s.client.CreateContainer(ctx, hostContainer, nil); err == nil || bloberror.HasCode(err, bloberror.ContainerAlreadyExists) {
			_, err = s.client.UploadBuffer(ctx, hostContainer, s.name(function), b, nil)
		}
	}
	if err != nil {
		return fmt.Errorf("save timer status of %s: %w", function, err)
	}
	return nil
}
