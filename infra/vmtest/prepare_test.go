//go:build linux

package vmtest_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"hearth/internal/docker/dockertest"
	"hearth/internal/sim/azurite"
)

// Names in the folder that is prepared.
const (
	rootTar     = "root.tar" // a link to the cached one
	agentFile   = "hearth-agent"
	imageFile   = "image.tar"
	imageName   = "image.name"
	folderOfAll = "bin/vm"
)

// suite is the Debian that the machine runs. What Ubuntu's image on Azure has
// and the world's machine needs is in it, and so is what boot.sh would install
// from a mirror that the machine can't reach here.
const suite = "bookworm"

func packages() []string {
	return []string{
		"systemd", "systemd-sysv", "udev", "dbus", "cloud-init", "netplan.io", "linux-image-cloud-amd64", "iproute2", "netbase",
		"ca-certificates", "curl", "python3", "sudo",
		"docker.io", "apparmor", "iptables", "cifs-utils",
	}
}

// prepare makes everything that needs the world's networks, and says where.
func prepare(ctx context.Context) (dir string, err error) {
	top, err := root()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(top, folderOfAll)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := azurite.Install(ctx); err != nil {
		return "", err
	}
	debian, err := debian(ctx)
	if err != nil {
		return "", err
	}
	if err := os.Symlink(debian, filepath.Join(dir, rootTar)); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "make", "-s", "-C", top, "agent")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the agent: %w\n%s", err, out)
	}
	if err := os.Rename(filepath.Join(top, "bin", "hearth-agent"), filepath.Join(dir, agentFile)); err != nil {
		return "", err
	}
	ref, archive, err := dockertest.ServerArchive()
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, imageFile), archive, 0o644); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, imageName), []byte(ref), 0o644)
}

// debian is the root file system as a tar archive, from the cache if it was made
// of the same packages.
func debian(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("make the root file system: %w: set HOME or XDG_CACHE_HOME", err)
	}
	include := strings.Join(packages(), ",")
	path := filepath.Join(cache, "hearth", fmt.Sprintf("vm-%x.tar", sha256.Sum256([]byte(suite+" "+include)))[:len("vm-")+16]+".tar")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	tmp := path + ".part"
	cmd := exec.CommandContext(ctx, "mmdebstrap", "--variant=minbase", "--format=tar", "--include="+include, suite, tmp)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make the root file system: mmdebstrap: %w: is a mirror of Debian reached? It said:\n%s", err, tail(string(out), 20))
	}
	return path, os.Rename(tmp, path)
}

// tail is the last lines of a text.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
