package operator

import (
	"context"
	"fmt"
	"strings"

	"hearth/internal/azure/account"
	"hearth/internal/azure/bloblease"
	"hearth/internal/azure/storage"
	"hearth/internal/settings"
	"hearth/internal/world"
)

// checkStorage looks at the storage account.
func (e *examination) checkStorage(ctx context.Context, f *findings) {
	const about = "storage account"
	rest := []string{"queues", "events set aside", "tables", "leases"}
	unknown := func(because string) {
		for _, about := range rest {
			f.unknown(about, "%s", because)
		}
	}
	o := e.c.Storage
	if o.ConnectionString == "" {
		o.Credential = e.Login
	}
	s, l, err := openStorage(o)
	if err != nil {
		f.unknown(about, "%s is wrong", settings.Storage)
		unknown("of the storage account")
		return
	}
	there, _, err := s.HasQueue(ctx, world.EventsQueue)
	if err != nil {
		f.wrong(about, "%s", err)
		unknown("of the storage account")
		return
	}
	f.ok(about, "it answers")
	var ids []string
	for _, w := range e.c.Worlds {
		ids = append(ids, w.ID)
	}
	tell(f, "queues", storage.Queues(ids), func(name string) (bool, error) {
		if name == world.EventsQueue {
			return there, nil
		}
		is, _, err := s.HasQueue(ctx, name)
		return is, err
	})
	checkPoison(ctx, f, s)
	tell(f, "tables", storage.Tables(), func(name string) (bool, error) { return s.HasTable(ctx, name) })
	containers := map[string]string{} // the world, by name
	var names []string
	for _, id := range ids {
		containers[bloblease.Container(id)] = id
		names = append(names, bloblease.Container(id))
	}
	tell(f, "leases", names, func(name string) (bool, error) { return l.HasContainer(ctx, containers[name]) })
}

func openStorage(o account.Options) (*storage.Storage, *bloblease.Lease, error) {
	a, err := account.Open(o)
	if err != nil {
		return nil, nil, fmt.Errorf("open storage: %w", err)
	}
	s, err := storage.Open(a)
	if err != nil {
		return nil, nil, err
	}
	l, err := bloblease.New(a)
	return s, l, err
}

// tell says which of these are there.
func tell(f *findings, about string, names []string, has func(name string) (bool, error)) {
	var missing []string
	for _, name := range names {
		switch there, err := has(name); {
		case err != nil:
			f.wrong(about, "%s", err)
			return
		case !there:
			missing = append(missing, name)
		}
	}
	switch {
	case len(names) == 0:
		f.unknown(about, "the worlds are not known")
	case len(missing) > 0:
		f.wrong(about, "there is no %s: apply the deployment again, which makes them", list(missing))
	default:
		f.ok(about, "%s", strings.Join(names, ", "))
	}
}

// checkPoison counts what no worker could handle.
func checkPoison(ctx context.Context, f *findings, s *storage.Storage) {
	const about = "events set aside"
	name := world.PoisonQueue(world.EventsQueue)
	there, n, err := s.HasQueue(ctx, name)
	switch {
	case err != nil:
		f.wrong(about, "%s", err)
	case n > 0:
		f.wrong(about, "%s in %s: the app could not handle them, and its log says why; when it can again, the next command takes them up and the keepers are told", count(n, "event waits", "events wait"), name)
	case !there:
		f.ok(about, "none (there is no %s yet: the Functions host makes it for the first)", name)
	default:
		f.ok(about, "none")
	}
}
