//go:build linux

package vmtest_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// samba is the storage account of the world's share. As Azure's it speaks SMB
// 3.1.1, encrypts everything, and knows one user: the account's name with its
// key.
type samba struct {
	config, share string
	cmd           *exec.Cmd
}

func newSamba(t *testing.T, dir, key string) *samba {
	t.Helper()
	s := &samba{config: filepath.Join(dir, "smb.conf"), share: filepath.Join(dir, "world")}
	for _, sub := range []string{"world", "state"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	state := filepath.Join(dir, "state")
	// The account is root here, under whose number its password is kept.
	config := fmt.Sprintf(`[global]
server role = standalone server
interfaces = %[1]s
bind interfaces only = yes
smb ports = 445
disable netbios = yes
server min protocol = SMB3_11
server smb encrypt = required
map to guest = never
username map = %[2]s/users
passdb backend = tdbsam:%[2]s/passdb.tdb
private dir = %[2]s
lock directory = %[2]s
state directory = %[2]s
cache directory = %[2]s
pid directory = %[2]s
ncalrpc dir = %[2]s/ncalrpc
log file = %[2]s/log
log level = 1
load printers = no
printing = bsd
printcap name = /dev/null
disable spoolss = yes

[world]
path = %[3]s
read only = no
`, fileAddress, state, s.share)
	for path, text := range map[string]string{s.config: config, filepath.Join(state, "users"): "root = " + shareAccount + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("smbpasswd", "-c", s.config, "-s", "-a", "root")
	cmd.Stdin = strings.NewReader(key + "\n" + key + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("smbpasswd: %v\n%s", err, out)
	}
	t.Cleanup(s.stop)
	return s
}

// start returns when it listens.
func (s *samba) start(t *testing.T) {
	t.Helper()
	var out bytes.Buffer
	s.cmd = exec.Command("smbd", "--foreground", "--no-process-group", "--configfile", s.config)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; {
		conn, err := net.DialTimeout("tcp", fileAddress+":445", time.Second)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(end) {
			s.stop()
			t.Fatalf("samba does not listen: %v\n%s", err, out.String())
		}
		<-time.After(100 * time.Millisecond)
	}
}

// stop ends it with everybody's connection.
func (s *samba) stop() {
	if s.cmd == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	_ = s.cmd.Wait()                                      // by the signal
	s.cmd = nil
}
