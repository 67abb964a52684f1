//go:build linux

package vmtest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// machine is a virtual machine and its serial console.
type machine struct {
	name  string // of its boot
	disk  string
	began time.Time

	cmd   *exec.Cmd
	ended chan struct{}

	mu    sync.Mutex // guards what follows
	lines []line
	news  chan struct{} // closed with every line
}

// line is one of the console, and when it came.
type line struct {
	at   time.Time
	text string
}

// colours are what systemd paints its lines with.
var colours = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// power switches a machine on that has this disk.
func power(t *testing.T, name, dir, disk string) *machine {
	t.Helper()
	m := &machine{name: name, disk: disk, began: time.Now(), ended: make(chan struct{}), news: make(chan struct{})}
	m.cmd = exec.Command("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "2048", "-smp", "2",
		"-kernel", filepath.Join(dir, "vmlinuz"), "-initrd", filepath.Join(dir, "initrd"),
		"-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0",
		"-drive", "file="+disk+",format=raw,if=virtio,cache=unsafe",
		"-netdev", "tap,id=n0,ifname="+tap+",script=no,downscript=no", "-device", "virtio-net-pci,netdev=n0",
		"-device", "virtio-rng-pci", "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot")
	console, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.cmd.Stderr = os.Stderr
	log, err := os.Create(filepath.Join(dir, name+".console"))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		m.read(io.TeeReader(console, log))
		_ = log.Close()  // it is for people
		_ = m.cmd.Wait() // most often it was killed
		close(m.ended)
	}()
	t.Cleanup(m.kill)
	return m
}

func (m *machine) read(console io.Reader) {
	lines := bufio.NewReader(console)
	for {
		text, err := lines.ReadString('\n')
		if text = strings.TrimSpace(colours.ReplaceAllString(text, "")); text != "" {
			m.mu.Lock()
			m.lines = append(m.lines, line{time.Now(), text})
			close(m.news)
			m.news = make(chan struct{})
			m.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// kill is a power cut.
func (m *machine) kill() {
	_ = m.cmd.Process.Kill() // it may have ended
	<-m.ended
}

// said is the first line that matches, and false if there is none yet.
func (m *machine) said(pattern *regexp.Regexp) (l line, ok bool, news <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.lines {
		if pattern.MatchString(l.text) {
			return l, true, nil
		}
	}
	return line{}, false, m.news
}

// console is everything that was said.
func (m *machine) console() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	for _, l := range m.lines {
		fmt.Fprintf(&b, "%7.1f  %s\n", l.at.Sub(m.began).Seconds(), l.text)
	}
	return b.String()
}

// await waits for a line.
func (m *machine) await(t *testing.T, pattern string, within time.Duration) line {
	t.Helper()
	expression := regexp.MustCompile(pattern)
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for {
		l, ok, news := m.said(expression)
		if ok {
			return l
		}
		select {
		case <-news:
		case <-m.ended:
			t.Fatalf("the machine has ended without a line like %q:\n%s", pattern, tail(m.console(), 40))
		case <-ctx.Done():
			t.Fatalf("no line like %q on the console within %v:\n%s", pattern, within, tail(m.console(), 40))
		}
	}
}

// tap is the machine's end of the network.
const tap = "hearth0"

// wireUp makes the network that the machine is in.
func wireUp(t *testing.T) {
	t.Helper()
	for _, args := range []string{
		"link set lo up",
		"tuntap add dev " + tap + " mode tap",
		"address add " + wayOut + "/24 dev " + tap,
		"address add " + blobAddress + "/24 dev " + tap,
		"address add " + queueAddress + "/24 dev " + tap,
		"address add " + fileAddress + "/24 dev " + tap,
		"address add " + vaultAddress + "/24 dev " + tap,
		"address add " + metadataAddress + "/32 dev " + tap,
		"address add " + platformAddress + "/32 dev " + tap,
		"link set " + tap + " up",
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", args, err, out)
		}
	}
}
