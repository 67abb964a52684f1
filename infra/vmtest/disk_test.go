//go:build linux

package vmtest_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// diskSize is that of the machine's disk, most of which is a hole.
const diskSize = "4G"

// image is the machine's root file system before its first boot.
type image struct {
	dir  string // where everything is
	root string // the unpacked file system
}

// newImage unpacks Debian and adds what makes this network look like Azure's.
func newImage(t *testing.T, dir string, a *authority) *image {
	t.Helper()
	im := &image{dir: dir, root: filepath.Join(dir, "root")}
	if err := os.Mkdir(im.root, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "tar", "-C", im.root, "--numeric-owner", "-xf", filepath.Join(dir, rootTar))
	for pattern, name := range map[string]string{"vmlinuz-*": "vmlinuz", "initrd.img-*": "initrd"} {
		found, err := filepath.Glob(filepath.Join(im.root, "boot", pattern))
		if err != nil || len(found) != 1 {
			t.Fatalf("the image has %d files like boot/%s, %v; want one", len(found), pattern, err)
		}
		if err := os.Rename(found[0], filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	hosts := "127.0.0.1 localhost\n"
	for name, address := range map[string]string{blobHost: blobAddress, queueHost: queueAddress, fileHost: fileAddress, vaultHost: vaultAddress} {
		hosts += address + " " + name + "\n"
	}
	bundle := filepath.Join("etc", "ssl", "certs", "ca-certificates.crt")
	trusted := im.read(t, bundle)
	game := read(t, filepath.Join(dir, imageName))
	im.write(t, "etc/fstab", "/dev/vda / ext4 defaults 0 1\n", 0o644)
	im.write(t, "etc/hosts", hosts, 0o644)
	im.write(t, bundle, trusted+string(a.pem()), 0o644)
	im.write(t, "etc/hearth/agent.env", "HEARTH_IMAGE="+game+"\n", 0o644)
	im.write(t, "etc/cloud/cloud.cfg.d/90_vmtest.cfg", read(t, "testdata/image/cloud.cfg"), 0o644)
	im.write(t, "usr/local/lib/vmtest/image.tar", read(t, filepath.Join(dir, imageFile)), 0o644)
	im.write(t, "usr/local/lib/vmtest/hands", read(t, "testdata/image/hands"), 0o755)
	for _, unit := range []string{"vmtest-image.service", "vmtest-hands.service"} {
		im.write(t, "etc/systemd/system/"+unit, read(t, "testdata/image/"+unit), 0o644)
		wants := filepath.Join(im.root, "etc/systemd/system/multi-user.target.wants", unit)
		if err := os.Symlink("../"+unit, wants); err != nil {
			t.Fatal(err)
		}
	}
	return im
}

// disk is a new machine's, whose cloud-init is this text.
func (im *image) disk(t *testing.T, name, cloudInit string) string {
	t.Helper()
	const seed = "var/lib/cloud/seed/nocloud/"
	im.write(t, seed+"meta-data", fmt.Sprintf("instance-id: %s\nlocal-hostname: midgard\n", name), 0o644)
	im.write(t, seed+"user-data", cloudInit, 0o644)
	im.write(t, seed+"network-config", fmt.Sprintf(`version: 2
ethernets:
  eth0:
    addresses: [%s/24]
    routes: [{to: 0.0.0.0/0, via: %s}]
`, machineAddress, wayOut), 0o644)
	path := filepath.Join(im.dir, name+".disk")
	run(t, "mkfs.ext4", "-q", "-F", "-d", im.root, path, diskSize)
	t.Cleanup(func() {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
	})
	return path
}

func (im *image) write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	path = filepath.Join(im.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func (im *image) read(t *testing.T, path string) string {
	t.Helper()
	return read(t, filepath.Join(im.root, path))
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// run runs a program and returns what it wrote to standard output.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		var said []byte
		if failed, ok := errors.AsType[*exec.ExitError](err); ok {
			said = failed.Stderr
		}
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, said)
	}
	return string(out)
}
