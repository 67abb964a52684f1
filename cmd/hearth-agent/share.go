package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"

	"hearth/internal/azure/account"
	"hearth/internal/azure/share"
	"hearth/internal/clock"
	"hearth/internal/world"
)

var _ world.Snapshots = (*snapshots)(nil)

// snapshots are those of the Azure Files share that the world lies on. Who may
// make them stands in the file that the share is mounted with. It is read for each
// call: what is wrong with it keeps no game from starting.
type snapshots struct{ c *config }

// snapshots are nil if there is no share.
func (c *config) snapshots() world.Snapshots {
	if !c.hasShare() {
		return nil // and not a nil *snapshots
	}
	return &snapshots{c}
}

// hasShare: a file of its key is there, or is written.
func (c *config) hasShare() bool {
	return c.ShareFile != "" && (c.VaultSecret == "" || c.ShareAccount != "")
}

// Take implements world.Snapshots.
func (s *snapshots) Take(ctx context.Context, epoch int64, boot string) error {
	azure, err := s.open()
	if err != nil {
		return err
	}
	return azure.Take(ctx, epoch, boot)
}

// Prune implements world.Snapshots.
func (s *snapshots) Prune(ctx context.Context) error {
	azure, err := s.open()
	if err != nil {
		return err
	}
	return azure.Prune(ctx)
}

// open reads the file and makes no call.
func (s *snapshots) open() (*share.Share, error) {
	setup := func(err error) (*share.Share, error) {
		return nil, &world.SnapshotError{Reason: world.SnapshotSetup, Err: err}
	}
	user, password, err := readCredentials(s.c.ShareFile)
	if err != nil {
		return setup(err)
	}
	connection := "AccountName=" + user + ";AccountKey=" + password.Reveal()
	if s.c.ShareURL != "" {
		connection += ";FileEndpoint=" + s.c.ShareURL
	}
	a, err := account.Open(account.Options{
		ConnectionString: world.Secret(connection), Names: account.Names{ConnectionString: "share_file " + s.c.ShareFile},
	})
	if err != nil {
		return setup(err)
	}
	out, err := share.New(a, share.Options{World: s.c.World, Share: s.c.Share, Clock: clock.System{}})
	if err != nil {
		return setup(err)
	}
	return out, nil
}

// readCredentials reads a credentials file of mount.cifs: an account's name and its
// key, as username and password. The errors repeat nothing of it.
func readCredentials(path string) (user string, password world.Secret, err error) {
	f, err := os.Open(path) //nolint:gosec // the keeper names it
	if err != nil {
		return "", "", fmt.Errorf("share_file can't be read (%w): has that which writes it run?", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return "", "", fmt.Errorf("share_file can't be read (%w)", err)
	case len(b) > maxSecret:
		return "", "", fmt.Errorf("share_file %s has more than %d bytes: it is another file", path, maxSecret)
	}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "username", "user":
			user = value
		case "password", "pass":
			password = world.Secret(value)
		}
	}
	// With anything else in them they would say more than they should in a
	// connection string.
	if !regexp.MustCompile(`^[a-z0-9]{3,24}$`).MatchString(user) || strings.ContainsAny(password.Reveal(), "; \t") {
		return "", "", fmt.Errorf("share_file %s is no credentials file of a storage account: it must have the lines username=ACCOUNT and password=KEY", path)
	}
	return user, password, nil
}

// checkShare names what is wrong with the share's configuration.
func (c *config) checkShare(bad func(string, ...any)) {
	if !regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){2,}$`).MatchString(c.Share) || len(c.Share) > 63 {
		bad("share %q is not the name of a file share: 3 to 63 of a-z, 0-9 and single inner dashes", c.Share)
	}
	if c.ShareURL == "" {
		return
	}
	u, err := url.Parse(c.ShareURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(c.ShareURL, ";?#@") {
		bad("share_url %q must be the address of the account's file service, such as https://ACCOUNT.file.core.windows.net; leave it out if it is that", c.ShareURL)
	}
}

// share looks at the snapshots and takes none. Without them the agent does its
// work.
func (k *checker) share(ctx context.Context) {
	if !k.hasShare() {
		return
	}
	if othersRead(k.ShareFile) {
		k.say(warn, "share", "share_file %s can be read by everybody on this machine: chmod 600", k.ShareFile)
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	azure, err := (&snapshots{k.config}).open()
	if err != nil {
		k.sayNoSnapshots(err)
		return
	}
	all, err := azure.List(ctx)
	if err != nil {
		k.sayNoSnapshots(err)
		return
	}
	ours, newest := 0, "none yet"
	for _, s := range all {
		if s.Ours {
			ours++
			newest = "the newest of " + s.At.UTC().Format("2006-01-02 15:04 MST")
		}
	}
	k.say(good, "share", "%d snapshots of %s, %d of them taken by Hearth: %s", len(all), k.Share, ours, newest)
}

// sayNoSnapshots leaves out the class, which is for the keeper's message.
func (k *checker) sayNoSnapshots(err error) {
	if e, ok := errors.AsType[*world.SnapshotError](err); ok {
		err = e.Err
	}
	k.say(warn, "share", "no snapshots are taken: %v", err)
}
