package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	module = "hearth/cmd/hearth-bot"
	appDir = "cmd/hearth-bot/app"
	// executableLine of host.json is what differs between platforms.
	executableLine = `"defaultExecutablePath": "hearth-bot"`
)

// file is one of a package.
type file struct {
	name string // with slashes
	mode fs.FileMode
	body []byte
}

// pack builds the package for a platform and puts it, in one step, into out.
func pack(ctx context.Context, root, out string, p platform, version string) (path string, size int64, err error) {
	files, err := appFiles(os.DirFS(filepath.Join(root, filepath.FromSlash(appDir))), p)
	if err != nil {
		return "", 0, err
	}
	exe, err := build(ctx, root, p, version)
	if err != nil {
		return "", 0, err
	}
	// The bit: the host sets it on some plans only, and where it fails to, says
	// so in a warning.
	files = append(files, file{p.executable(), 0o755, exe})
	var b bytes.Buffer
	if err := writeZip(&b, files); err != nil {
		return "", 0, err
	}
	if err := os.MkdirAll(out, 0o755); err != nil { //nolint:gosec // packages are no secret
		return "", 0, err
	}
	path = filepath.Join(out, "hearth-bot-"+p.String()+".zip")
	if err := writeFile(path, b.Bytes()); err != nil {
		return "", 0, err
	}
	return path, int64(b.Len()), nil
}

// appFiles are what the host reads. Anything else in the folder, such as
// settings of somebody's own, is an error and no part of a package.
func appFiles(app fs.FS, p platform) ([]file, error) {
	var files []file
	err := fs.WalkDir(app, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		host := name == "host.json"
		if dir, base, ok := strings.Cut(name, "/"); !host && (!ok || dir == "" || base != "function.json") {
			return fmt.Errorf("%s/%s does not belong into a package: move it elsewhere", appDir, name)
		}
		body, err := fs.ReadFile(app, name)
		if err != nil {
			return err
		}
		if host {
			if bytes.Count(body, []byte(executableLine)) != 1 {
				return fmt.Errorf("%s/host.json does not have %s once", appDir, executableLine)
			}
			body = bytes.Replace(body, []byte(executableLine), []byte(strings.Replace(executableLine, "hearth-bot", p.executable(), 1)), 1)
		}
		files = append(files, file{name, 0o644, body})
		return nil
	})
	return files, err
}

// build compiles the bot so that nothing of the machine it is built on gets into
// it.
func build(ctx context.Context, root string, p platform, version string) (_ []byte, err error) {
	dir, err := os.MkdirTemp("", "hearth-pack-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	exe := filepath.Join(dir, p.executable())
	if strings.ContainsAny(version, " '\"") {
		return nil, fmt.Errorf("version %q has a blank or quote", version)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid= -X main.version="+version, "-o", exe, module) //nolint:gosec // the checkout's own code, for a platform that was checked
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off", "GOAMD64=v1", "GOARM64=v8.0")
	if says, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, says)
	}
	return os.ReadFile(exe) //nolint:gosec // it was just built
}

// writeZip writes the files in the order of their names, with one time for all.
func writeZip(w io.Writer, files []file) error {
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
		h.SetMode(f.mode)
		e, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := e.Write(f.body); err != nil {
			return err
		}
	}
	return z.Close()
}

// writeFile replaces a file in one step.
func writeFile(path string, body []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".pack-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(body)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
