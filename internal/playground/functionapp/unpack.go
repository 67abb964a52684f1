package functionapp

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxUnpacked bounds what a package may hold, in bytes.
const maxUnpacked = 256 << 20

// unpack replaces dir by what a package holds.
func unpack(pkg, dir string) error {
	z, err := zip.OpenReader(pkg)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no package %s: build it with `make package PLATFORMS=…` for this machine, or say where it is with --package", pkg)
	}
	if err != nil {
		return fmt.Errorf("open package %s: %w: build it anew with `make package`", pkg, err)
	}
	defer z.Close() //nolint:errcheck // it was only read
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("unpack %s: %w", pkg, err)
	}
	left := int64(maxUnpacked)
	for _, f := range z.File {
		n, err := unpackFile(f, dir, left)
		if err != nil {
			return fmt.Errorf("unpack %s: %s: %w", pkg, f.Name, err)
		}
		left -= n
	}
	return nil
}

func unpackFile(f *zip.File, dir string, most int64) (int64, error) {
	if !filepath.IsLocal(f.Name) {
		return 0, errors.New("its name leads out of the package")
	}
	path := filepath.Join(dir, filepath.FromSlash(f.Name))
	if f.FileInfo().IsDir() {
		return 0, os.MkdirAll(path, 0o700)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return 0, err
	}
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()                                                                  //nolint:errcheck // it was only read
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, f.Mode().Perm()) //nolint:gosec // it is local to dir: see above
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, io.LimitReader(in, most+1))
	if err == nil && n > most {
		err = fmt.Errorf("the package holds more than %d MB", maxUnpacked>>20)
	}
	return n, errors.Join(err, out.Close())
}
