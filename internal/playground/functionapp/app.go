package functionapp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/sim/simhost"
	"hearth/internal/world"
)

const (
	drainWithin = 5 * time.Second
	// retryAfter is of a cloud in a hurry.
	retryAfter = 2 * time.Second
	lookEvery  = 50 * time.Millisecond
)

// Options say what an App is made of.
type Options struct {
	Dir     string // of the unpacked package, which is replaced
	Package string // a zip of `make package`, for this machine
	// Settings are the app's, beside those of storage and cloud.
	Settings map[string]string
	Storage  *Storage
	Cloud    *simcloud.Cloud
	Clock    world.Clock
	// HostSpeed is how many times as fast the host's own time runs (the lease
	// of a message, the pause before it comes again, the timeout of a
	// function); 0: 1. The bot's time is the system's all the same.
	HostSpeed float64
	// Instances is how many hosts share the work; 0: 1.
	Instances int
	// Observe is told each step of an invocation, and may kill who is about to
	// take it. May be nil.
	Observe func(Instance, simhost.Moment)
	Log     *slog.Logger
}

// App is a running function app. It is safe for concurrent use.
type App struct {
	o         Options
	arm       *wire.ARM
	stop      context.CancelFunc
	work      sync.WaitGroup
	told      map[string]string // its settings
	instances []*instance
	turn      atomic.Uint64 // whose turn it is to answer
}

// Start unpacks the package and starts a host on it.
func Start(ctx context.Context, o Options) (_ *App, err error) {
	if o.HostSpeed == 0 {
		o.HostSpeed = 1
	}
	o.Instances = max(o.Instances, 1)
	if err := unpack(o.Package, o.Dir); err != nil {
		return nil, err
	}
	a := &App{o: o}
	if a.arm, err = wire.ServeARM(ctx, o.Cloud, wire.ARMOptions{Clock: o.Clock, RetryAfter: retryAfter}); err != nil {
		return nil, fmt.Errorf("serve the pretend cloud: %w", err)
	}
	certificate := filepath.Join(filepath.Dir(o.Dir), "arm.pem")
	if err := os.WriteFile(certificate, a.arm.CertificatePEM, 0o600); err != nil {
		a.arm.Close()
		return nil, fmt.Errorf("write the pretend cloud's certificate: %w", err)
	}
	a.told = a.settings(certificate)
	lives, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.stop = stop
	for range o.Instances {
		in := &instance{o: simhost.Options{
			Root: o.Dir, Settings: a.told, Clock: clock.NewScaled(o.HostSpeed, time.Time{}), Speed: o.HostSpeed,
			Log: o.Log.With("part", "functions"),
		}}
		in.o.Observe = func(m simhost.Moment) { a.observe(in, m) }
		a.instances = append(a.instances, in)
		if err := in.begin(ctx); err != nil {
			return nil, errors.Join(err, a.Close(context.WithoutCancel(ctx)))
		}
		a.work.Go(func() { in.supervise(lives, o.Log) })
	}
	return a, nil
}

func (a *App) settings(certificate string) map[string]string {
	s := map[string]string{
		"AzureWebJobsStorage":   a.o.Storage.connection,
		"AZURE_SUBSCRIPTION_ID": wire.DefaultSubscription, "HEARTH_RESOURCE_GROUP": wire.DefaultResourceGroup, "HEARTH_ARM_URL": a.arm.URL,
		"IDENTITY_ENDPOINT": a.arm.IdentityURL, "IDENTITY_HEADER": a.arm.IdentityHeader, "SSL_CERT_FILE": certificate,
		"FUNCTIONS_WORKER_RUNTIME": "custom", "FUNCTIONS_EXTENSION_VERSION": "~4",
	}
	maps.Copy(s, a.o.Settings)
	return s
}

// ServeHTTP is the app's public face: the instances answer in turn.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := a.next(); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	http.Error(w, "The function app is just starting.", http.StatusServiceUnavailable)
}

// next is the host whose turn it is; nil if there is none just now.
func (a *App) next() *simhost.Host {
	for range a.instances {
		if h := a.instances[a.turn.Add(1)%uint64(len(a.instances))].live(); h != nil {
			return h
		}
	}
	return nil
}

// observe counts what is in hand and passes the moment on.
func (a *App) observe(in *instance, m simhost.Moment) {
	switch m.Phase {
	case simhost.Received:
		in.hand(1)
	case simhost.Deleted, simhost.Released, simhost.Poisoned:
		in.hand(-1)
	default:
	}
	if a.o.Observe != nil {
		a.o.Observe(Instance{in}, m)
	}
}

// Settings are all that the bot is told, secrets included.
func (a *App) Settings() map[string]string { return maps.Clone(a.told) }

// ARM is the Azure Resource Manager that the bot calls.
func (a *App) ARM() *wire.ARM { return a.arm }

// Reconcile lets the six-hourly timer fire now.
func (a *App) Reconcile(ctx context.Context) error {
	if h := a.next(); h != nil {
		return h.Fire(ctx, "reconcile")
	}
	return errors.New("the function app is just starting")
}

// Drain waits, a while at most, until no event is due and none is in hand.
func (a *App) Drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	for {
		visible, _, err := a.o.Storage.Count(ctx, world.EventsQueue)
		if err != nil || visible == 0 && !slices.ContainsFunc(a.instances, (*instance).busy) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
	}
}

// Close ends the app once it has finished what it has in hand.
func (a *App) Close(ctx context.Context) error {
	a.stop()
	a.work.Wait()
	var errs []error
	for _, in := range a.instances {
		if h := in.live(); h != nil {
			errs = append(errs, h.Close(ctx))
		}
	}
	a.arm.Close()
	return errors.Join(errs...)
}
