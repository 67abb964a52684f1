// Package simdisk is a machine's disk in memory: it outlives the programs on
// the machine, can be full, and can fail or stop at any write. It is a
// spool.Disk; the real one is a folder.
package simdisk

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"syscall"
)

// ErrPulled is what every call fails with once the disk was pulled.
var ErrPulled = errors.New("the disk was pulled out")

// Disk is a folder in memory. The zero value is an empty one without a bound.
// It is safe for concurrent use.
type Disk struct {
	mu     sync.Mutex // guards what follows
	files  map[string][]byte
	limit  int64 // bytes; 0: none
	writes int
	stopAt int // the write that is done by half and pulls the disk; 0: none
	pulled bool
	onPull func()
}

// Clone is a copy as a new process finds it, working and unlimited.
func (d *Disk) Clone() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &Disk{files: maps.Clone(d.files)}
}

// SetLimit bounds what the files may hold together; 0 lifts the bound.
func (d *Disk) SetLimit(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit = bytes
}

// StopAt lets the n-th write from now be done by half, and all calls fail from
// then on, as when the power goes. then, if it is not nil, is called at that
// moment, from within the write.
func (d *Disk) StopAt(n int, then func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopAt, d.onPull = d.writes+n, then
}

// Pulled reports whether the power went.
func (d *Disk) Pulled() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pulled
}

// Writes is how many calls changed something so far, or tried to.
func (d *Disk) Writes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writes
}

// change counts a write; half says that it is the last one.
func (d *Disk) change() (half bool, err error) {
	if d.pulled {
		return false, ErrPulled
	}
	d.writes++
	if d.writes == d.stopAt {
		d.pulled = true
		if d.onPull != nil {
			d.onPull()
		}
		return true, nil
	}
	if d.files == nil {
		d.files = map[string][]byte{}
	}
	return false, nil
}

// fits reports whether the file may have this size. A replaced one needs room
// beside the old one.
func (d *Disk) fits(size int64) bool {
	if d.limit == 0 {
		return true
	}
	for _, b := range d.files {
		size += int64(len(b))
	}
	return size <= d.limit
}

// Read returns a file.
func (d *Disk) Read(name string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pulled {
		return nil, ErrPulled
	}
	b, ok := d.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(b), nil
}

// Replace writes a file in one step; half of it is none of it.
func (d *Disk) Replace(name string, b []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	half, err := d.change()
	switch {
	case err != nil:
		return err
	case half:
		return ErrPulled
	case !d.fits(int64(len(b))):
		return &fs.PathError{Op: "replace", Path: name, Err: syscall.ENOSPC}
	}
	d.files[name] = slices.Clone(b)
	return nil
}

// Append adds to a file; of what does not fit the beginning is added.
func (d *Disk) Append(name string, b []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	half, err := d.change()
	if err != nil {
		return err
	}
	if half {
		if d.files != nil {
			d.files[name] = append(d.files[name], b[:len(b)/2]...)
		}
		return ErrPulled
	}
	for n := len(b); n >= 0; n-- {
		if n == 0 || d.fits(int64(n)) {
			d.files[name] = append(d.files[name], b[:n]...)
			if n < len(b) {
				return &fs.PathError{Op: "append", Path: name, Err: syscall.ENOSPC}
			}
			return nil
		}
	}
	return nil
}

// Truncate cuts a file.
func (d *Disk) Truncate(name string, size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	half, err := d.change()
	if err != nil {
		return err
	}
	if half {
		return ErrPulled
	}
	b, ok := d.files[name]
	if !ok || int64(len(b)) < size {
		return &fs.PathError{Op: "truncate", Path: name, Err: fs.ErrNotExist}
	}
	d.files[name] = b[:size:size]
	return nil
}

// Remove deletes a file, if it is there.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	half, err := d.change()
	if err != nil {
		return err
	}
	if half {
		return ErrPulled
	}
	delete(d.files, name)
	return nil
}

// List returns the names, in order.
func (d *Disk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pulled {
		return nil, ErrPulled
	}
	return slices.Sorted(maps.Keys(d.files)), nil
}
