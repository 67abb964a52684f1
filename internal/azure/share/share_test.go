package share_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/azure/account"
	"hearth/internal/azure/account/accounttest"
	"hearth/internal/azure/share"
	"hearth/internal/clock"
	"hearth/internal/sim/simshare"
	"hearth/internal/world"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

const (
	accountName = "hearthab12cd"
	key         = "dGhlIGtleSBvZiB0aGUgd29ybGQncyBhY2NvdW50"
	host        = accountName + ".file.core.windows.net"
)

// shifted is the system's clock, later.
type shifted struct {
	clock.System

	mu sync.Mutex // guards by
	by time.Duration
}

func (s *shifted) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.System.Now().Add(s.by)
}

func (s *shifted) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by += d
}

// rig is a share behind TLS, and the way to it under its true name.
type rig struct {
	t      *testing.T
	azure  *simshare.Share
	clock  *shifted // of the agent and of when snapshots are said to be taken
	client *http.Client
}

func newRig(t *testing.T, page int) *rig {
	t.Helper()
	r := &rig{t: t, clock: &shifted{}}
	var err error
	r.azure, err = simshare.New(simshare.Options{Account: accountName, Key: key, Share: "world", Page: page, Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(r.azure)
	t.Cleanup(server.Close)
	r.client = server.Client()
	way := r.client.Transport.(*http.Transport)
	way.TLSClientConfig.ServerName = "example.com" // whose certificate it has
	way.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != host+":443" {
			return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}
		}
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	return r
}

// over is the way there with these faults on it.
func (r *rig) over(rest accounttest.Fault, script ...accounttest.Fault) *accounttest.Faults {
	f := accounttest.New(rest, script...)
	f.Client = r.client
	return f
}

// open is the adapter as the agent makes it.
func (r *rig) open(way policy.Transporter, change ...func(connection *string, o *share.Options)) *share.Share {
	r.t.Helper()
	connection, o := "AccountName="+accountName+";AccountKey="+key, share.Options{World: "midgard", Share: "world", Clock: r.clock}
	for _, f := range change {
		f(&connection, &o)
	}
	if way == nil {
		way = r.client
	}
	a, err := account.Open(account.Options{ConnectionString: world.Secret(connection), Transport: way})
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := share.New(a, o)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// TestTake: the service takes what is asked, and what for stands in the metadata.
func TestTake(t *testing.T) {
	r := newRig(t, 0)
	s := r.open(nil)
	if err := s.Take(t.Context(), 7, "a boot\nof mine"); err != nil {
		t.Fatalf("Take: %v", err)
	}
	got := r.azure.Snapshots()
	if len(got) != 1 {
		t.Fatalf("got %d snapshots, want one", len(got))
	}
	if want := "map[boot:a_boot_of_mine epoch:7 takenby:hearth world:midgard]"; fmt.Sprint(got[0].Metadata) != want {
		t.Errorf("metadata %v, want %s", got[0].Metadata, want)
	}
	all, err := s.List(t.Context())
	if err != nil || len(all) != 1 || !all[0].Ours || all[0].Epoch != "7" || all[0].ID != got[0].ID || time.Since(all[0].At) > time.Minute {
		t.Fatalf("List = %+v, %v; want it", all, err)
	}
	for range 3 { // within the hour
		if err := s.Take(t.Context(), 8, "b"); err != nil {
			t.Fatalf("Take: %v", err)
		}
	}
	if n := len(r.azure.Snapshots()); n != 1 {
		t.Errorf("%d snapshots within the hour, want one", n)
	}
	r.clock.pass(share.Every)
	if err := s.Take(t.Context(), 9, "c"); err != nil {
		t.Fatalf("Take: %v", err)
	}
	if n := len(r.azure.Snapshots()); n != 2 {
		t.Errorf("%d snapshots an hour later, want two", n)
	}
}

// TestWhose: only those with this world's mark are its own.
func TestWhose(t *testing.T) {
	r := newRig(t, 2) // more pages than one
	r.azure.Add(nil)
	r.azure.Add(map[string]string{"takenby": "hearth"})
	r.azure.Add(map[string]string{"takenby": "hearth", "world": "asgard"})
	r.azure.Add(map[string]string{"takenby": "backup", "world": "midgard"})
	r.azure.Add(map[string]string{"TakenBy": "hearth", "WORLD": "midgard", "Epoch": "3"})
	all, err := r.open(nil).List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	var got []bool
	for _, s := range all {
		got = append(got, s.Ours)
	}
	if want := []bool{false, false, false, false, true}; !slices.Equal(got, want) {
		t.Errorf("ours: %v, want %v", got, want)
	}
}

// TestPrune: what is too much goes, oldest first and not all at once; what is
// somebody else's stays.
func TestPrune(t *testing.T) {
	r := newRig(t, 7)
	for range 3 {
		r.azure.Add(nil)
	}
	mine := map[string]string{"takenby": "hearth", "world": "midgard"}
	for range share.Newest + share.MostPruned + 5 { // all within a minute
		r.azure.Add(mine)
	}
	before := r.azure.Snapshots()
	s := r.open(nil)
	for i, want := range []int{share.Newest + 5 + 3, share.Newest + 3, share.Newest + 3} {
		if err := s.Prune(t.Context()); err != nil {
			t.Fatalf("Prune: %v", err)
		}
		after := r.azure.Snapshots()
		if len(after) != want {
			t.Fatalf("%d snapshots after %d prunings, want %d", len(after), i+1, want)
		}
		for j, kept := range slices.Concat(before[:3], before[len(before)-(want-3):]) {
			if after[j].ID != kept.ID {
				t.Fatalf("snapshot %d is %s, want %s", j, after[j].ID, kept.ID)
			}
		}
	}
	if r.azure.Gone() {
		t.Fatal("the share was deleted")
	}
}

// TestPrunedBySomebodyElse: one that is gone by now is no trouble.
func TestPrunedBySomebodyElse(t *testing.T) {
	r := newRig(t, 0)
	for range share.Newest + 2 {
		r.azure.Add(map[string]string{"takenby": "hearth", "world": "midgard"})
	}
	way := r.over(nil, accounttest.Pass, accounttest.Refuse(http.StatusNotFound, "ShareSnapshotNotFound"))
	if err := r.open(way).Prune(t.Context()); err != nil {
		t.Fatalf("Prune: %v", err)
	}
	if n := len(r.azure.Snapshots()); n != share.Newest+1 {
		t.Errorf("%d snapshots, want %d: the second went", n, share.Newest+1)
	}
}

// TestNeverTheShare: whatever a list says, the share itself stays.
func TestNeverTheShare(t *testing.T) {
	for _, id := range []string{"", " ", "yesterday", "2026-11-30T12:00:00.0000000Z&x=1", "?"} {
		t.Run(id, func(t *testing.T) {
			r := newRig(t, 0)
			lie := func(req *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
				if req.Method != http.MethodGet {
					return send()
				}
				var b strings.Builder
				b.WriteString(`<EnumerationResults><Shares><Share><Name>world</Name></Share>`)
				for range share.Newest + 5 {
					fmt.Fprintf(&b, `<Share><Name>world</Name><Snapshot>%s</Snapshot><Metadata><takenby>hearth</takenby><world>midgard</world></Metadata></Share>`, strings.ReplaceAll(id, "&", "&amp;"))
				}
				b.WriteString(`</Shares></EnumerationResults>`)
				w := httptest.NewRecorder()
				w.Header().Set("Content-Type", "application/xml")
				_, _ = w.WriteString(b.String())
				res := w.Result()
				res.Request = req
				return res, nil
			}
			way := r.over(lie)
			err := r.open(way).Prune(t.Context())
			for _, sent := range way.Sent() {
				if sent.Method == http.MethodDelete && sent.URL.Query().Get("sharesnapshot") == "" {
					t.Errorf("%s %s was sent", sent.Method, sent.URL)
				}
			}
			if r.azure.Gone() {
				t.Fatalf("the share was deleted; Prune: %v", err)
			}
		})
	}
}

// TestNeverTheShareAtAll: not even code that means to delete it can.
func TestNeverTheShareAtAll(t *testing.T) {
	r := newRig(t, 0)
	s := r.open(nil)
	if _, err := s.Client().Delete(t.Context(), nil); err == nil || r.azure.Gone() {
		t.Errorf("Delete = %v, share gone: %v; want it refused", err, r.azure.Gone())
	}
	id := r.azure.Add(nil)
	one, err := s.Client().WithSnapshot(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.Delete(t.Context(), nil); err != nil || len(r.azure.Snapshots()) != 0 {
		t.Errorf("Delete of a snapshot = %v, %d left; want it gone", err, len(r.azure.Snapshots()))
	}
}

// TestFailures: each says what stands in the way, and nothing of the key.
func TestFailures(t *testing.T) {
	none := func(*rig) {}
	wrong := func(connection *string, _ *share.Options) {
		*connection = "AccountName=" + accountName + ";AccountKey=" + strings.Replace(key, "dGhl", "dGhm", 1)
	}
	for _, tc := range []struct {
		name   string
		before func(*rig)
		change func(*string, *share.Options)
		way    []accounttest.Fault // of the two requests, and again
		rest   accounttest.Fault
		reason world.SnapshotReason
		code   string
		says   string
	}{
		{name: "another key", before: none, change: wrong, reason: world.SnapshotDenied, code: "AuthenticationFailed", says: "account key is wrong"},
		{
			name: "the account's firewall", before: none, rest: accounttest.Refuse(http.StatusForbidden, "AuthorizationFailure"),
			reason: world.SnapshotDenied, code: "AuthorizationFailure", says: "firewall",
		},
		{
			name: "no keys any more", before: none, rest: accounttest.Refuse(http.StatusForbidden, "KeyBasedAuthenticationNotPermitted"),
			reason: world.SnapshotDenied, code: "KeyBasedAuthenticationNotPermitted", says: "takes no keys",
		},
		{name: "the share is gone", before: func(r *rig) { r.azure.Delete() }, reason: world.SnapshotNoShare, says: "there is no such share"},
		{
			name: "it goes in between", before: none, way: []accounttest.Fault{accounttest.Pass}, rest: accounttest.Refuse(http.StatusNotFound, "ShareNotFound"),
			reason: world.SnapshotNoShare, code: "ShareNotFound", says: "take a snapshot of share world",
		},
		{
			name: "another share", before: none, change: func(_ *string, o *share.Options) { o.Share = "worl" },
			reason: world.SnapshotNoShare, says: "no such share",
		},
		{
			name: "no such account", before: none, change: func(c *string, _ *share.Options) { *c = "AccountName=hearthelse;AccountKey=" + key },
			reason: world.SnapshotNoShare, says: "check the storage account's name",
		},
		{
			name: "as many as there may be", before: func(r *rig) {
				for range simshare.MaxSnapshots {
					r.azure.Add(nil)
				}
			},
			reason: world.SnapshotFull, code: "ShareSnapshotCountExceeded", says: "409",
		},
		{
			name: "busy for good", before: none, rest: accounttest.Refuse(http.StatusServiceUnavailable, "ServerBusy"),
			reason: world.SnapshotNoAnswer, code: "ServerBusy", says: "503",
		},
		{
			name: "an answer that is none", before: none, rest: func(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
				return accounttest.Refuse(http.StatusOK, "")(req, nil)
			},
			reason: world.SnapshotNoShare, says: "no such share",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, 0)
			tc.before(r)
			var change []func(*string, *share.Options)
			if tc.change != nil {
				change = append(change, tc.change)
			}
			err := r.open(r.over(tc.rest, tc.way...), change...).Take(t.Context(), 1, "boot")
			e, ok := errors.AsType[*world.SnapshotError](err)
			if !ok || e.Reason != tc.reason || e.Code != tc.code || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Take = %v; want reason %q, code %q, saying %q", err, tc.reason, tc.code, tc.says)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, key) || strings.Contains(text, "SharedKey") {
				t.Errorf("the error tells the key: %s", text)
			}
		})
	}
}

// TestGetsThrough: what passes is tried again; a snapshot whose reply was lost
// leaves two at most.
func TestGetsThrough(t *testing.T) {
	for _, tc := range []struct {
		name string
		way  []accounttest.Fault
		want int
	}{
		{"busy", []accounttest.Fault{accounttest.Refuse(http.StatusServiceUnavailable, "ServerBusy"), accounttest.Pass, accounttest.Refuse(http.StatusInternalServerError, "InternalError")}, 1},
		{"requests lost", []accounttest.Fault{accounttest.LoseRequest, accounttest.Pass, accounttest.LoseRequest}, 1},
		{"a reply lost", []accounttest.Fault{accounttest.Pass, accounttest.LoseReply}, 2},
		{"the lost one is still under way", []accounttest.Fault{accounttest.Pass, accounttest.LoseReply, accounttest.Refuse(http.StatusConflict, "ShareSnapshotInProgress")}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, 0)
			if err := r.open(r.over(nil, tc.way...)).Take(t.Context(), 1, "boot"); err != nil {
				t.Fatalf("Take: %v", err)
			}
			if n := len(r.azure.Snapshots()); n != tc.want {
				t.Errorf("%d snapshots, want %d", n, tc.want)
			}
		})
	}
}

// TestSlow: a call ends with its context, and by itself after account.Total.
func TestSlow(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := r.open(r.over(accounttest.Hang)).Take(ctx, 1, "boot")
	if e, ok := errors.AsType[*world.SnapshotError](err); !ok || e.Reason != world.SnapshotNoAnswer || time.Since(began) > 3*time.Second {
		t.Errorf("Take = %v after %v, want no answer at once", err, time.Since(began))
	}
	began = time.Now()
	err = r.open(r.over(accounttest.Hang)).Take(t.Context(), 1, "boot")
	if e, ok := errors.AsType[*world.SnapshotError](err); !ok || e.Reason != world.SnapshotNoAnswer || time.Since(began) > account.Total+2*time.Second {
		t.Errorf("Take = %v after %v, want no answer within %v", err, time.Since(began), account.Total)
	}
	if !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("Take = %v, want it to say that nobody answered", err)
	}
}

func TestNew(t *testing.T) {
	a, err := account.Open(account.Options{ConnectionString: "AccountName=" + accountName + ";AccountKey=" + key})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []share.Options{
		{Share: "world", Clock: clock.System{}}, {World: "midgard", Clock: clock.System{}}, {World: "midgard", Share: "world"},
	} {
		if _, err := share.New(a, o); err == nil {
			t.Errorf("New(%+v) found nothing wrong", o)
		}
	}
}
