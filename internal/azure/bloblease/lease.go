package bloblease

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"hearth/internal/azure/account"
	"hearth/internal/world"
)

var _ world.Lease = (*Lease)(nil)

const (
	blobName  = "lease"
	epochKey  = "epoch"
	holderKey = "holder"
	// giveBackWithin bounds giving back what a failed Acquire may have taken.
	giveBackWithin = 2 * time.Second
)

// Lease keeps the worlds' leases. It is safe for concurrent use.
type Lease struct{ blobs *service.Client }

// New uses the account. It makes no call.
func New(a *account.Account) (*Lease, error) {
	o := &service.ClientOptions{ClientOptions: a.ClientOptions()}
	url := a.Endpoint(account.Blob)
	var (
		blobs *service.Client
		err   error
	)
	if a.Key() == "" {
		blobs, err = service.NewClient(url, a.Credential(), o)
	} else {
		var key *blob.SharedKeyCredential
		if key, err = blob.NewSharedKeyCredential(a.Name(), a.Key().Reveal()); err == nil {
			blobs, err = service.NewClientWithSharedKeyCredential(url, key, o)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("use storage account %s: %w", a.Name(), err)
	}
	return &Lease{blobs: blobs}, nil
}

// Container names the container of a world's lease.
func Container(worldID string) string { return "lease-" + worldID }

// Provision makes the containers of these worlds. What is there already stays as
// it is. The error names each that could not be made.
func (l *Lease) Provision(ctx context.Context, worldIDs []string) error {
	var failed []error
	for _, id := range worldIDs {
		act := "make container " + Container(id)
		if !world.IsWorldID(id) {
			failed = append(failed, fmt.Errorf("%s: %q is no world's id", act, id))
			continue
		}
		_, err := l.blobs.NewContainerClient(Container(id)).Create(ctx, nil)
		if !bloberror.HasCode(err, bloberror.ContainerAlreadyExists) {
			failed = append(failed, account.Fail(act, err))
		}
	}
	return errors.Join(failed...)
}

// HasContainer tells whether a world's container is there.
func (l *Lease) HasContainer(ctx context.Context, worldID string) (bool, error) {
	_, err := l.blobs.NewContainerClient(Container(worldID)).GetProperties(ctx, nil)
	// A HEAD's refusal has its code in a header alone.
	if bloberror.HasCode(err, bloberror.ContainerNotFound) {
		return false, nil
	}
	if err != nil {
		return false, account.Fail("look at container "+Container(worldID), err)
	}
	return true, nil
}

// Acquire implements world.Lease.
func (l *Lease) Acquire(ctx context.Context, worldID string) (world.Holding, error) {
	act := "acquire lease of " + worldID
	if !world.IsWorldID(worldID) {
		return world.Holding{}, fmt.Errorf("acquire lease: %q is no world's id", worldID)
	}
	if err := ctx.Err(); err != nil {
		return world.Holding{}, fmt.Errorf("%s: %w", act, err)
	}
	b := l.blob(worldID)
	mine, err := lease.NewBlobClient(b, nil) // with an id of its own
	if err != nil {
		return world.Holding{}, fmt.Errorf("%s: %w", act, err)
	}
	h := world.Holding{World: worldID, ID: *mine.LeaseID()}
	if err := take(ctx, b, mine); err != nil {
		if refused(err) {
			return world.Holding{}, fail(act, worldID, err)
		}
		return world.Holding{}, errors.Join(fail(act, worldID, err), giveBack(ctx, mine))
	}
	if h.Epoch, err = raise(ctx, b, h.ID); err != nil {
		return world.Holding{}, errors.Join(fail(act, worldID, err), giveBack(ctx, mine))
	}
	return h, nil
}

// take takes the lease, and makes the blob for it if there is none yet.
func take(ctx context.Context, b *blockblob.Client, mine *lease.BlobClient) error {
	const duration = int32(world.LeaseDuration / time.Second)
	_, err := mine.AcquireLease(ctx, duration, nil)
	if !bloberror.HasCode(err, bloberror.BlobNotFound) {
		return err
	}
	none, zero := azcore.ETagAny, "0"
	_, err = b.Upload(ctx, streaming.NopCloser(bytes.NewReader(nil)), &blockblob.UploadOptions{
		Metadata:         map[string]*string{epochKey: &zero},
		AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: &none}},
	})
	// Another may have made it meanwhile, and hold it.
	if err != nil && !bloberror.HasCode(err, bloberror.BlobAlreadyExists, bloberror.ConditionNotMet, bloberror.LeaseIDMissing) {
		return err
	}
	_, err = mine.AcquireLease(ctx, duration, nil)
	return err
}

// raise writes the next epoch under the lease.
func raise(ctx context.Context, b *blockblob.Client, id string) (int64, error) {
	held := &blob.AccessConditions{LeaseAccessConditions: &blob.LeaseAccessConditions{LeaseID: &id}}
	was, err := b.GetProperties(ctx, &blob.GetPropertiesOptions{AccessConditions: held})
	if err != nil {
		return 0, err
	}
	epoch, err := epochOf(was.Metadata)
	if err != nil {
		return 0, err
	}
	epoch++
	text := strconv.FormatInt(epoch, 10)
	_, err = b.SetMetadata(ctx, map[string]*string{epochKey: &text, holderKey: &id}, &blob.SetMetadataOptions{AccessConditions: held})
	return epoch, err
}

// epochOf reads the epoch. It is never guessed: one that was given before would
// be taken for an older boot's.
func epochOf(metadata map[string]*string) (int64, error) {
	text := find(metadata, epochKey)
	epoch, err := strconv.ParseInt(text, 10, 64)
	if err != nil || epoch < 0 {
		return 0, fmt.Errorf("%w: metadata %s of blob %s is %.40q: somebody changed it; set it to the highest number that a boot of this world had (boot.epoch in the column state of its row), or to 0 if there was none",
			world.ErrMalformed, epochKey, blobName, text)
	}
	return epoch, nil
}

// find is a value of a blob's metadata. Their names are headers', whose case is
// not kept.
func find(metadata map[string]*string, key string) string {
	for name, v := range metadata {
		if v != nil && strings.EqualFold(name, key) {
			return *v
		}
	}
	return ""
}

// giveBack releases what an Acquire that failed may have taken: nobody would
// know the id that renews it.
func giveBack(ctx context.Context, mine *lease.BlobClient) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackWithin)
	defer cancel()
	if _, err := mine.ReleaseLease(ctx, nil); err != nil && !lost(err) {
		return fmt.Errorf("it may be held for %s: %w", world.LeaseDuration, account.Fail("give it back", err))
	}
	return nil
}

// Renew implements world.Lease. A lease that expired and was not taken is
// renewed.
func (l *Lease) Renew(ctx context.Context, h world.Holding) error {
	act := "renew lease of " + h.World
	mine, err := lease.NewBlobClient(l.blob(h.World), &lease.BlobClientOptions{LeaseID: &h.ID})
	if err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	_, err = mine.RenewLease(ctx, nil)
	if lost(err) {
		return fmt.Errorf("%s: epoch %d: %w", act, h.Epoch, world.ErrLeaseLost)
	}
	return fail(act, h.World, err)
}

// Release implements world.Lease.
func (l *Lease) Release(ctx context.Context, h world.Holding) error {
	act := "release lease of " + h.World
	mine, err := lease.NewBlobClient(l.blob(h.World), &lease.BlobClientOptions{LeaseID: &h.ID})
	if err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	_, err = mine.ReleaseLease(ctx, nil)
	if lost(err) {
		return nil
	}
	return fail(act, h.World, err)
}

// Holder tells who holds the world's lease; ok is false if nobody does. For
// display: it may have changed by the time it is read, and while a holder is
// just taking it the one before is named. expires is zero: the service tells
// nobody.
func (l *Lease) Holder(ctx context.Context, worldID string) (h world.Holding, expires time.Time, ok bool, err error) {
	act := "read lease of " + worldID
	if !world.IsWorldID(worldID) {
		return world.Holding{}, time.Time{}, false, fmt.Errorf("read lease: %q is no world's id", worldID)
	}
	is, err := l.blob(worldID).GetProperties(ctx, nil)
	switch {
	case bloberror.HasCode(err, bloberror.BlobNotFound):
		return world.Holding{}, time.Time{}, false, nil
	case err != nil:
		return world.Holding{}, time.Time{}, false, fail(act, worldID, err)
	}
	h = world.Holding{World: worldID, ID: find(is.Metadata, holderKey)}
	if h.Epoch, err = epochOf(is.Metadata); err != nil {
		return world.Holding{}, time.Time{}, false, fmt.Errorf("%s: %w", act, err)
	}
	if is.LeaseState == nil || *is.LeaseState != lease.StateTypeLeased {
		return world.Holding{}, time.Time{}, false, nil
	}
	return h, time.Time{}, true, nil
}

func (l *Lease) blob(worldID string) *blockblob.Client {
	return l.blobs.NewContainerClient(Container(worldID)).NewBlockBlobClient(blobName)
}

// lost says that the lease is not the caller's any more.
func lost(err error) bool {
	return bloberror.HasCode(err,
		bloberror.LeaseIDMismatchWithLeaseOperation, bloberror.LeaseNotPresentWithLeaseOperation, bloberror.LeaseLost,
		bloberror.LeaseIsBrokenAndCannotBeRenewed, bloberror.BlobNotFound)
}

// refused says that the service answered and did not do it.
func refused(err error) bool {
	r, ok := errors.AsType[*azcore.ResponseError](err)
	return ok && r.StatusCode < http.StatusInternalServerError && r.StatusCode != http.StatusRequestTimeout
}

func fail(act, worldID string, err error) error {
	switch {
	case err == nil:
		return nil
	case bloberror.HasCode(err, bloberror.LeaseAlreadyPresent, bloberror.LeaseIsBreakingAndCannotBeAcquired):
		return fmt.Errorf("%s: %w", act, world.ErrLeaseHeld)
	case bloberror.HasCode(err, bloberror.ContainerNotFound):
		return fmt.Errorf("%s: there is no container %s; the deployment makes it: apply infra again", act, Container(worldID))
	case errors.Is(err, world.ErrMalformed):
		return fmt.Errorf("%s: %w", act, err)
	}
	return account.Fail(act, err)
}
