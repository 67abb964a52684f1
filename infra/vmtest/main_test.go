//go:build linux

// Package vmtest_test boots the world's machine as Azure would and plays an
// evening on it: a whole Debian in qemu, set up by the cloud-init of package vm,
// beside stand-ins of everything that a machine on Azure talks to, at their real
// names and ports. `make test-vm` runs it, as root; `make test` only compiles it.
//
// Everything happens in a network, a process list and a folder of the test's
// own. When the test ends, however it does, the kernel ends what it started.
//
//	10.77.0.15        the machine; its serial console is what Azure's boot diagnostics show
//	10.77.0.1         the way out: what a container may reach, and the test's hands on the machine
//	10.77.0.2, .3     blobs and queues: Azurite behind TLS and the roles of the machine's identity
//	10.77.0.4         the world's share: Samba, SMB 3.1.1, encrypted
//	10.77.0.5         the key vault
//	169.254.169.254   the metadata service with tokens and scheduled events: simcloud
//	168.63.129.16     the platform's wire server, which containers may not reach
package vmtest_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// variable is empty in `make test`, 1 in `make test-vm`, and inside of the
// test's own network the folder in which everything is prepared.
const variable = "HEARTH_VM"

func TestMain(m *testing.M) {
	flag.Parse()
	switch os.Getenv(variable) {
	case "":
		if err := flag.Set("test.skip", "^TestMachine$"); err != nil {
			panic(err)
		}
		os.Exit(m.Run())
	case "1":
		os.Exit(outside())
	default:
		os.Exit(m.Run())
	}
}

// outside prepares what needs the network, then runs this test in one of its
// own.
func outside() int {
	if lacks := missing(); len(lacks) > 0 {
		fmt.Fprintf(os.Stderr, "make test-vm can't run here:\n  %s\n", strings.Join(lacks, "\n  "))
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := prepare(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "prepare the machine:", err)
		return 1
	}
	// unshare's death is that of everything in there, and ours is unshare's, as
	// long as the thread lives that started it.
	runtime.LockOSThread()
	args := append([]string{"--net", "--pid", "--fork", "--mount-proc", "--kill-child", "--", os.Args[0]}, os.Args[1:]...)
	cmd := exec.Command("unshare", args...)
	cmd.Env = append(os.Environ(), variable+"="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "make test-vm:", err)
		return 1
	}
	return 0
}

// missing is what this machine lacks, each with what to do.
func missing() []string {
	var lacks []string
	if runtime.GOARCH != "amd64" {
		lacks = append(lacks, "it needs a processor of the kind amd64")
	}
	if os.Geteuid() != 0 {
		lacks = append(lacks, "it needs root, for a network of its own and the machine's disk: sudo make test-vm")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		lacks = append(lacks, "/dev/net/tun is missing, the machine's network: modprobe tun")
	}
	var packages []string
	for _, p := range []struct{ program, debian string }{
		{"qemu-system-x86_64", "qemu-system-x86"}, {"mmdebstrap", "mmdebstrap"}, {"smbd", "samba"}, {"smbpasswd", "samba-common-bin"},
		{"ip", "iproute2"}, {"unshare", "util-linux"}, {"mkfs.ext4", "e2fsprogs"}, {"tar", "tar"}, {"node", "nodejs"}, {"npm", "npm"},
	} {
		if _, err := exec.LookPath(p.program); err != nil {
			packages = append(packages, p.debian)
		}
	}
	if len(packages) > 0 {
		lacks = append(lacks, "programs are missing: apt-get install --no-install-recommends "+strings.Join(packages, " "))
	}
	if _, err := exec.LookPath("terraform"); err != nil {
		lacks = append(lacks, "terraform is missing: developer.hashicorp.com/terraform/install")
	}
	return lacks
}

// root is the repository's.
func root() (string, error) {
	return filepath.Abs(filepath.Join("..", ".."))
}
