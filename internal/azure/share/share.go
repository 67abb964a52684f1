package share

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azfile/fileerror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azfile/service"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azfile/share"

	"hearth/internal/azure/account"
	"hearth/internal/world"
)

var _ world.Snapshots = (*Share)(nil)

// The metadata of a snapshot. Names of letters alone: a signature sorts the
// headers that carry them, and does not sort punctuation as one would expect.
const (
	byKey    = "takenby"
	by       = "hearth"
	worldKey = "world"
	epochKey = "epoch"
	bootKey  = "boot"
)

// MostPruned bounds how many snapshots one Prune deletes. Each Take adds one.
const MostPruned = 20

// Options say what lies on which share.
type Options struct {
	World string // the world's id
	Share string // the share's name
	Clock world.Clock
}

// Share is a world's share. It is safe for concurrent use.
type Share struct {
	Options
	files *service.Client
}

// New uses the account, which must have a key. It makes no call.
func New(a *account.Account, o Options) (*Share, error) {
	act := fmt.Sprintf("use share %s of storage account %s", o.Share, a.Name())
	if !world.IsWorldID(o.World) || o.Share == "" || o.Clock == nil {
		return nil, fmt.Errorf("%s: World, Share and Clock are needed", act)
	}
	key, err := service.NewSharedKeyCredential(a.Name(), a.Key().Reveal())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", act, err)
	}
	client := a.ClientOptions()
	client.PerCallPolicies = append(slices.Clone(client.PerCallPolicies), spareTheShare{})
	files, err := service.NewClientWithSharedKeyCredential(a.Endpoint(account.File), key, &service.ClientOptions{ClientOptions: client})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", act, err)
	}
	return &Share{Options: o, files: files}, nil
}

// spareTheShare lets nothing through that would delete more than a snapshot.
type spareTheShare struct{}

// errWholeShare is what nobody is to see.
var errWholeShare = errors.New("a request to delete the whole share was refused: it named no snapshot")

func (spareTheShare) Do(r *policy.Request) (*http.Response, error) {
	if raw := r.Raw(); raw.Method == http.MethodDelete && raw.URL.Query().Get("sharesnapshot") == "" {
		return nil, errWholeShare
	}
	return r.Next()
}

// Take implements world.Snapshots.
func (s *Share) Take(ctx context.Context, epoch int64, boot string) error {
	all, err := s.List(ctx)
	if err != nil {
		return err
	}
	if !Due(all, s.Clock.Now()) {
		return nil
	}
	text := func(v string) *string { return &v }
	_, err = s.client().CreateSnapshot(ctx, &share.CreateSnapshotOptions{Metadata: map[string]*string{
		byKey: text(by), worldKey: &s.World, epochKey: text(strconv.FormatInt(epoch, 10)), bootKey: text(header(boot)),
	}})
	if fileerror.HasCode(err, fileerror.ShareSnapshotInProgress) {
		return nil // most likely the one whose reply was lost
	}
	return s.fail("take a snapshot", err)
}

// header is a text as a header may carry it.
func header(text string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, text)
}

// List are the share's snapshots, oldest first.
func (s *Share) List(ctx context.Context) ([]Snapshot, error) {
	const act = "list snapshots"
	var out []Snapshot
	there := false
	pager := s.files.NewListSharesPager(&service.ListSharesOptions{
		Prefix: &s.Share, Include: service.ListSharesInclude{Snapshots: true, Metadata: true},
	})
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, s.fail(act, err)
		}
		for _, item := range page.Shares {
			switch {
			case item.Name == nil || *item.Name != s.Share: // another's that begins alike
			case item.Snapshot == nil || *item.Snapshot == "":
				there = true
			default:
				found, err := s.read(item)
				if err != nil {
					return nil, s.fail(act, err)
				}
				out = append(out, found)
			}
		}
	}
	if !there {
		return nil, &world.SnapshotError{Reason: world.SnapshotNoShare, Err: fmt.Errorf("%s of share %s: there is no such share in %s", act, s.Share, s.files.URL())}
	}
	slices.SortStableFunc(out, func(a, b Snapshot) int { return a.At.Compare(b.At) })
	return out, nil
}

func (s *Share) read(item *service.Share) (Snapshot, error) {
	at, err := time.Parse(time.RFC3339, *item.Snapshot)
	if err != nil {
		return Snapshot{}, fmt.Errorf("time of a snapshot: %w", err)
	}
	get := func(key string) string { // the client has made small letters of the names
		if v := item.Metadata[key]; v != nil {
			return *v
		}
		return ""
	}
	return Snapshot{
		ID: *item.Snapshot, At: at, Ours: get(byKey) == by && get(worldKey) == s.World, Epoch: get(epochKey),
	}, nil
}

// Prune implements world.Snapshots.
func (s *Share) Prune(ctx context.Context) error {
	all, err := s.List(ctx)
	if err != nil {
		return err
	}
	surplus := Surplus(all, s.Clock.Now())
	for _, old := range surplus[:min(len(surplus), MostPruned)] {
		one, err := s.client().WithSnapshot(old.ID)
		if err == nil {
			_, err = one.Delete(ctx, nil)
		}
		if r, ok := errors.AsType[*azcore.ResponseError](err); ok && r.StatusCode == http.StatusNotFound {
			continue // somebody else did
		}
		if err != nil {
			return s.fail("delete snapshot "+old.ID, err)
		}
	}
	return nil
}

func (s *Share) client() *share.Client { return s.files.NewShareClient(s.Share) }

// fail says what stands in the way.
func (s *Share) fail(act string, err error) error {
	if err == nil {
		return nil
	}
	out := &world.SnapshotError{
		Reason: world.SnapshotNoAnswer, Code: account.Code(err), Err: account.Fail(fmt.Sprintf("%s of share %s", act, s.Share), err),
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		out.Reason = world.SnapshotNoShare
	}
	if r, ok := errors.AsType[*azcore.ResponseError](err); ok {
		switch {
		case r.StatusCode == http.StatusUnauthorized, r.StatusCode == http.StatusForbidden:
			out.Reason = world.SnapshotDenied
		case r.StatusCode == http.StatusNotFound:
			out.Reason = world.SnapshotNoShare
		case out.Code == string(fileerror.ShareSnapshotCountExceeded):
			out.Reason = world.SnapshotFull
		}
	}
	return out
}
