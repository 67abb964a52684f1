package compute_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"

	"hearth/internal/azure/compute"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
)

// bubble is the clock of the testing/synctest bubble that it is used in.
type bubble struct{}

func (bubble) Now() time.Time                         { return time.Now() }
func (bubble) After(d time.Duration) <-chan time.Time { return time.After(d) }

// limits is Azure Resource Manager before 1,000 scale sets, as far as its buckets
// of calls go: 250 reads, refilled with 25 a second, and 200 writes, refilled with
// 10 ("Understand how Azure Resource Manager throttles requests"). It asks for
// what Retry-After it likes, and counts who does not mind it.
type limits struct {
	takes      time.Duration // each call
	retryAfter time.Duration

	mu        sync.Mutex // guards what follows
	reads     tokens
	writes    tokens
	calls     int
	throttled int
	early     int           // calls within a Retry-After that was answered before they came
	until     time.Time     // of the last Retry-After
	down      time.Duration // from the start: everything is refused until then
	born      time.Time
	sets      map[string]*scaled
}

// scaled is a scale set: what was asked for, and when that is done.
type scaled struct {
	capacity int
	done     time.Time
}

type tokens struct {
	size, perSecond, left float64
	at                    time.Time
}

func (b *tokens) take(now time.Time) bool {
	b.left = min(b.size, b.left+b.perSecond*now.Sub(b.at).Seconds())
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

func newLimits() *limits {
	now := time.Now()
	return &limits{
		takes: 200 * time.Millisecond, retryAfter: 10 * time.Second, born: now, sets: map[string]*scaled{},
		reads: tokens{250, 25, 250, now}, writes: tokens{200, 10, 200, now},
	}
}

func (l *limits) open(t *testing.T) *compute.Compute {
	t.Helper()
	c, err := compute.New(compute.Options{
		Subscription: wire.DefaultSubscription, ResourceGroup: wire.DefaultResourceGroup,
		Credential: &azfake.TokenCredential{}, Transport: l, Clock: bubble{},
	})
	must(t, err)
	return c
}

// Do implements policy.Transporter.
func (l *limits) Do(req *http.Request) (*http.Response, error) {
	status, header, body := l.arrived(req)
	select {
	case <-time.After(l.takes):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if header.Get("Retry-After") != "" && status >= 429 {
		l.mu.Lock()
		l.until = time.Now().Add(l.retryAfter)
		l.mu.Unlock()
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewBufferString(body)), Request: req}, nil
}

func (l *limits) arrived(req *http.Request) (int, http.Header, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.calls++
	if now.Before(l.until) {
		l.early++
	}
	bucket := &l.writes
	if req.Method == http.MethodGet {
		bucket = &l.reads
	}
	if !bucket.take(now) || now.Sub(l.born) < l.down {
		l.throttled++
		return http.StatusTooManyRequests, http.Header{"Retry-After": {strconv.Itoa(int(l.retryAfter.Seconds()))}}, `{"error":{"code":"SubscriptionRequestsThrottled","message":"Number of requests for subscription exceeded the limit."}}`
	}
	return l.answer(req, now)
}

func (l *limits) answer(req *http.Request, now time.Time) (int, http.Header, string) {
	name := req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:]
	s := l.sets[name]
	if s == nil {
		s = &scaled{}
		l.sets[name] = s
	}
	switch {
	case req.Method == http.MethodPatch && now.Before(s.done):
		return http.StatusConflict, http.Header{}, `{"error":{"code":"Conflict","message":"another operation is in progress"}}`
	case req.Method == http.MethodPatch:
		body, _ := io.ReadAll(req.Body)
		s.capacity = strings.Count(string(body), `"capacity":1`)
		s.done = now.Add(40 * time.Second)
		at := fmt.Sprintf("https://management.azure.com/subscriptions/%s/providers/Microsoft.Compute/locations/eastus2/operations/%s?api-version=2026-04-01", wire.DefaultSubscription, name)
		return http.StatusOK, http.Header{"Azure-Asyncoperation": {at}}, `{}`
	case strings.Contains(req.URL.Path, "/operations/") && now.Before(s.done):
		return http.StatusOK, http.Header{}, `{"status":"InProgress"}`
	case strings.Contains(req.URL.Path, "/operations/"):
		return http.StatusOK, http.Header{}, `{"status":"Succeeded"}`
	}
	return http.StatusOK, http.Header{}, `{"value":[]}`
}

// again does one thing until it is done; Busy and what passes is tried again by
// the next look, as the rules do.
func again(ctx context.Context, do func() (bool, error)) error {
	for {
		done, err := do()
		if done {
			return err
		}
		select {
		case <-time.After(30 * time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// restart brings a scale set to none and to one again.
func restart(ctx context.Context, c *compute.Compute, set string) error {
	for _, capacity := range []int{0, 1} {
		var token string
		err := again(ctx, func() (bool, error) {
			var err error
			token, err = c.Scale(ctx, world.Placement{ID: set}, capacity)
			return err == nil, err
		})
		if err != nil {
			return err
		}
		if err := again(ctx, func() (bool, error) { return c.Poll(ctx, token) }); err != nil {
			return err
		}
	}
	return nil
}

// TestThousandRestarts: 1,000 scale sets are restarted at once by five processes,
// and Azure never has to say no.
func TestThousandRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sets, processes = 1000, 5
		l := newLimits()
		began := time.Now()
		var wg sync.WaitGroup
		for p := range processes {
			c := l.open(t)
			for i := p; i < sets; i += processes {
				wg.Go(func() {
					if err := restart(t.Context(), c, fmt.Sprintf("vmss-%03d", i)); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		up := 0
		for _, s := range l.sets {
			up += s.capacity
		}
		if l.throttled != 0 || up != sets {
			t.Errorf("got %d answers of 429 in %d calls and %d sets at one, want none and %d", l.throttled, l.calls, up, sets)
		}
		t.Logf("%d calls in %v", l.calls, time.Since(began))
	})
}

// TestStampede: everything at once, with no hand on it, stays below the limits, too,
// and what can't have its turn in time is told so at once.
func TestStampede(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits()
		c := l.open(t)
		var mu sync.Mutex // guards took
		took := map[string][]time.Duration{}
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				began := time.Now()
				_, err := c.Scale(t.Context(), world.Placement{ID: fmt.Sprintf("vmss-%03d", i)}, 1)
				what := "accepted"
				if err != nil {
					ce := cloudError(t, err)
					what = string(ce.Class) + " " + ce.Code
				}
				mu.Lock()
				defer mu.Unlock()
				took[what] = append(took[what], time.Since(began))
			})
		}
		wg.Wait()
		accepted, busy := took["accepted"], took["busy TooManyRequests"]
		// 40 at once, and 2 a second for 8 seconds.
		if len(accepted) != 56 || len(busy) != 944 || l.throttled != 0 || l.calls != 56 {
			t.Errorf("got %d accepted, %d busy, %d calls, %d of them throttled; want 56, 944, 56 and none", len(accepted), len(busy), l.calls, l.throttled)
		}
		if most := slices.Max(accepted); most != 8200*time.Millisecond {
			t.Errorf("the last one took %v, want 8 s for its turn and 200 ms for the call", most)
		}
		if most := slices.Max(busy); most != 0 {
			t.Errorf("one waited %v to be told that it is too late, want 0", most)
		}
		// Reads have their own bucket, and it fills again.
		_, err := c.Poll(t.Context(), "v1 vmss-000 /subscriptions/"+wire.DefaultSubscription+"/operations/vmss-000")
		must(t, err)
		<-time.After(time.Minute)
		_, err = c.Scale(t.Context(), world.Placement{ID: "vmss-999"}, 1)
		must(t, err)
	})
}

// TestWaitsWithinDeadline: a caller that has no more time gets its answer then, and
// no call is made for it.
func TestWaitsWithinDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits()
		c := l.open(t)
		for i := range 40 {
			_, err := c.Scale(t.Context(), world.Placement{ID: fmt.Sprintf("vmss-%03d", i)}, 1)
			must(t, err)
		}
		<-time.After(100 * time.Millisecond) // 40 calls took 8 s: 16 tokens came meanwhile
		for i := range 16 {
			_, err := c.Scale(t.Context(), world.Placement{ID: fmt.Sprintf("vmss-1%02d", i)}, 1)
			must(t, err)
		}
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				_, _ = c.Scale(t.Context(), world.Placement{ID: fmt.Sprintf("vmss-2%02d", i)}, 1) // it takes a turn
			})
		}
		synctest.Wait()
		before := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Scale(ctx, world.Placement{ID: "vmss-late"}, 1)
		if ce := cloudError(t, err); ce.Class != world.ClassBusy || time.Since(before) != time.Second {
			t.Errorf("got %v (%s) after %v, want busy after a second", ce, ce.Class, time.Since(before))
		}
		wg.Wait()
		if _, asked := l.sets["vmss-late"]; asked {
			t.Error("the call was made all the same")
		}
	})
}

// TestOneCallARetryAfter: while Azure is throttled for everybody, many callers at
// once make one call for each Retry-After, and none inside one.
func TestOneCallARetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits()
		l.down, l.retryAfter = 5*time.Minute, 65*time.Second
		c := l.open(t)
		_, err := c.Instances(t.Context(), midgard) // the first one, which nobody could have known of
		if ce := cloudError(t, err); ce.Class != world.ClassTransient {
			t.Fatalf("got %v (%s), want transient", ce, ce.Class)
		}
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if err := restart(t.Context(), c, fmt.Sprintf("vmss-%03d", i)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			_ = again(t.Context(), func() (bool, error) {
				_, err := c.Survey(t.Context())
				return err == nil, err
			})
		})
		wg.Wait()
		// In five minutes, at the first look after each 65 s: every 90 s.
		if l.throttled != 4 || l.early != 0 {
			t.Errorf("got %d answers of 429 and %d calls inside a Retry-After, want 4 and none", l.throttled, l.early)
		}
	})
}

// TestFirstCallFails: the one that goes first may come back with nothing; another
// one goes first then.
func TestFirstCallFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits()
		l.down, l.retryAfter = time.Second, 5*time.Second
		c := l.open(t)
		_, err := c.Instances(t.Context(), midgard)
		_ = cloudError(t, err)
		<-time.After(6 * time.Second)
		l.takes = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := c.Instances(ctx, midgard)
			if ce := cloudError(t, err); ce.Class != world.ClassTransient {
				t.Errorf("got %v (%s), want transient", ce, ce.Class)
			}
		})
		synctest.Wait()
		calls := l.calls
		_, err = c.Instances(t.Context(), asgard)
		if ce := cloudError(t, err); ce.Class != world.ClassBusy || l.calls != calls {
			t.Errorf("behind the first: got %v (%s) and %d calls, want busy and none", ce, ce.Class, l.calls-calls)
		}
		wg.Wait()
		l.takes = time.Millisecond
		if _, err := c.Scale(t.Context(), asgard, 1); err != nil {
			t.Errorf("after it: got %v, want it accepted", err)
		}
		if _, err := c.Scale(t.Context(), midgard, 1); err != nil {
			t.Errorf("and then: got %v, want it accepted", err)
		}
	})
}

// TestClockSetBack: a clock that goes back stops no call for long.
func TestClockSetBack(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	for range 100 {
		_, err := r.Instances(t.Context(), midgard)
		must(t, err)
	}
	r.clock.Advance(-24 * time.Hour)
	before := r.clock.Now()
	_, err := r.Instances(t.Context(), midgard)
	must(t, err)
	if d := r.clock.Now().Sub(before); d > time.Second {
		t.Errorf("waited %v, want a turn's time", d)
	}
}
