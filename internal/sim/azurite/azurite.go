// Package azurite runs Azurite, Microsoft's own emulator of Azure Storage, as a
// process beside this one: queues, tables and blobs with the real semantics of
// receipts, ETags and leases.
//
// It needs Node and npm. Azurite itself is installed by npm at first use, in
// the version that package-lock.json pins, into the user's cache folder.
package azurite

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

//go:embed package.json package-lock.json beside.js
var files embed.FS

// ErrMissing says that Node or npm is not on this machine.
var ErrMissing = errors.New("node or npm is missing: install Node 20 or newer with npm (nodejs.org), then try again")

// Account and Key are those that every Azurite has, as Microsoft publishes
// them: they open nothing else.
const (
	Account = "devstoreaccount1"
	Key     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

const (
	installWithin = 5 * time.Minute
	startWithin   = time.Minute
	stopWithin    = 10 * time.Second
)

// Options say where Azurite keeps its data.
type Options struct {
	Dir string    // of its data; made if missing
	Log io.Writer // what it prints; nil: dropped
	// Ports of blob, queue and table service on the loopback; 0: a free one.
	BlobPort, QueuePort, TablePort int
}

// Server is a running Azurite.
type Server struct {
	// BlobURL, QueueURL and TableURL lead to the account, as in
	// http://127.0.0.1:10000/devstoreaccount1.
	BlobURL, QueueURL, TableURL string

	stdin io.Closer
	cmd   *exec.Cmd
	ended chan struct{}
}

// Start installs Azurite if need be, starts it and returns when its three
// services listen. It ends with this process, at the latest.
func Start(ctx context.Context, o Options) (*Server, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, ErrMissing
	}
	home, err := install(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("start azurite: %w", err)
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	//nolint:gosec // the program is Node, and its arguments are ours
	cmd := exec.CommandContext(context.WithoutCancel(ctx), node, filepath.Join(home, "beside.js"),
		"--location", o.Dir, "--silent", "--disableTelemetry", "--skipApiVersionCheck",
		"--blobPort", fmt.Sprint(o.BlobPort), "--queuePort", fmt.Sprint(o.QueuePort), "--tablePort", fmt.Sprint(o.TablePort))
	cmd.SysProcAttr = ownGroup() // Ctrl-C in a terminal is for us; Azurite ends after us
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start azurite: %w", err)
	}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start azurite: %w", err)
	}
	s := &Server{stdin: stdin, cmd: cmd, ended: make(chan struct{})}
	ready := make(chan error, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		ready <- s.addresses(r, o.Log)
		_, _ = io.Copy(o.Log, r) // ends with the process
	})
	go func() {
		_ = cmd.Wait() // however it ended, it has
		_ = w.Close()  // always nil
		reading.Wait()
		close(s.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	select {
	case err = <-ready:
	case <-ctx.Done():
		err = fmt.Errorf("start azurite: it does not listen: %w", ctx.Err())
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// addresses takes them from what Azurite prints and returns when all three are
// there.
func (s *Server) addresses(r *io.PipeReader, log io.Writer) error {
	var said bytes.Buffer
	lines := bufio.NewScanner(io.TeeReader(r, log))
	want := map[string]*string{"Blob": &s.BlobURL, "Queue": &s.QueueURL, "Table": &s.TableURL}
	for len(want) > 0 {
		if !lines.Scan() {
			return fmt.Errorf("start azurite: it ended: %s", strings.TrimSpace(said.String()))
		}
		said.WriteString(lines.Text() + "\n")
		name, address, ok := strings.Cut(lines.Text(), " service is successfully listening at ")
		if name = strings.TrimPrefix(name, "Azurite "); ok && want[name] != nil {
			*want[name] = strings.TrimSpace(address) + "/" + Account
			delete(want, name)
		}
	}
	return nil
}

// ConnectionString is what AzureWebJobsStorage holds.
func (s *Server) ConnectionString() string {
	return ConnectionString(s.BlobURL, s.QueueURL, s.TableURL)
}

// ConnectionString is that of an Azurite which is reached at these addresses.
func ConnectionString(blobURL, queueURL, tableURL string) string {
	return fmt.Sprintf("DefaultEndpointsProtocol=http;AccountName=%s;AccountKey=%s;BlobEndpoint=%s;QueueEndpoint=%s;TableEndpoint=%s;",
		Account, Key, blobURL, queueURL, tableURL)
}

// Close ends it in order, so that its data is on the disk.
func (s *Server) Close() error {
	_ = s.stdin.Close() // asks it to end; a second time is no harm
	select {
	case <-s.ended:
		return nil
	case <-time.After(stopWithin): //nolint:forbidigo // how long a real process may take
	}
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill azurite: %w", err)
	}
	<-s.ended
	return nil
}

// Ended is closed when Azurite has ended, asked or not.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Install installs it, if need be, so that Start needs no network.
func Install(ctx context.Context) error {
	_, err := install(ctx)
	return err
}

// install returns the folder that Azurite is installed in.
func install(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("install azurite: %w: set HOME or XDG_CACHE_HOME", err)
	}
	digest := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json", "beside.js"} {
		b, err := files.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("install azurite: %w", err)
		}
		digest.Write(b)
	}
	home := filepath.Join(cache, "hearth", "azurite-"+hex.EncodeToString(digest.Sum(nil))[:16])
	if _, err := os.Stat(home); err == nil {
		return home, nil
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", ErrMissing
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o700); err != nil {
		return "", fmt.Errorf("install azurite: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(home), "installing-")
	if err != nil {
		return "", fmt.Errorf("install azurite: %w", err)
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // what is left is in a cache
	if err := os.CopyFS(tmp, files); err != nil {
		return "", fmt.Errorf("install azurite: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, installWithin)
	defer cancel()
	// Nothing of what Azurite depends on needs its install script to run here.
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund") //nolint:gosec // npm, and arguments of ours
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("install azurite: npm ci: %w: is npm's registry reached? It said:\n%s", err, bytes.TrimSpace(out))
	}
	// Whoever else installed it meanwhile has done the same.
	if err := os.Rename(tmp, home); err != nil && !errors.Is(err, fs.ErrExist) {
		if _, there := os.Stat(home); there != nil {
			return "", fmt.Errorf("install azurite: %w", err)
		}
	}
	return home, nil
}
