package saves

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// syncAtOnce is how many files are flushed at the same time: over a network
// each is a few round trips, and a world has hundreds.
const syncAtOnce = 8

// Sync implements world.Files: fsync of every file of the world, and of the
// folders they are in. A folder that is not there has none. The game's own
// backups are not the world, and not waited for.
func (d *Dir) Sync(ctx context.Context) (int64, error) {
	size, err := beside(ctx, d, func() (int64, error) { return d.sync(ctx) })
	if err != nil {
		return 0, fmt.Errorf("sync %s: %w", d.o.Dir, err)
	}
	return size, nil
}

func (d *Dir) sync(ctx context.Context) (int64, error) {
	files, folders, err := d.worldsOwn()
	if err != nil {
		return 0, err
	}
	var (
		mu    sync.Mutex // guards what follows
		total int64
		fails []error
	)
	var work sync.WaitGroup
	free := make(chan struct{}, syncAtOnce)
	for _, path := range files {
		free <- struct{}{}
		if ctx.Err() != nil {
			break // nobody waits any more
		}
		work.Go(func() {
			size, err := syncFile(path)
			mu.Lock()
			defer mu.Unlock()
			total += size
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // a save under way renamed it
				fails = append(fails, err)
			}
			<-free
		})
	}
	work.Wait()
	if err := errors.Join(append(fails, ctx.Err())...); err != nil {
		return 0, err
	}
	for _, path := range folders { // after what is in them
		if err := syncFolder(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	return total, nil
}

// worldsOwn lists the files that bear the world's name or are in its folder,
// and the folders they are in, the inner ones first.
func (d *Dir) worldsOwn() (files, folders []string, err error) {
	entries, err := os.ReadDir(d.o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		path := filepath.Join(d.o.Dir, e.Name())
		switch {
		case e.Type().IsRegular() && strings.HasPrefix(e.Name(), d.o.World+"."):
			files = append(files, path)
		case e.IsDir() && e.Name() == d.o.World:
			inner, err := os.ReadDir(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, nil, err
			}
			for _, i := range inner {
				if i.Type().IsRegular() {
					files = append(files, filepath.Join(path, i.Name()))
				}
			}
			folders = append(folders, path)
		}
	}
	return files, append(folders, d.o.Dir), nil
}

// syncFile flushes a file and returns its size in bytes.
func syncFile(path string) (size int64, err error) {
	f, err := os.Open(path) //nolint:gosec // in the world's own folder
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), f.Sync()
}

// syncFolder flushes a folder, where its file system has such a thing: SMB's
// names are on the server once the call that makes them returns, and Windows
// refuses to flush a folder.
func syncFolder(path string) (err error) {
	f, err := os.Open(path) //nolint:gosec // the world's own folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	err = f.Sync()
	if runtime.GOOS == "windows" || errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
