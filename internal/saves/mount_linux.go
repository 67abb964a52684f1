package saves

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const canTellMounts = true

// mounted tells whether a file system is mounted on the folder. What systemd
// only waits to mount (autofs) does not count.
func mounted(folder string) (bool, error) {
	if _, err := os.Stat(folder); err != nil { // which also makes systemd mount it
		return false, err
	}
	path, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return false, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return false, err
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return mountedIn(f, path)
}

// mountedIn looks the folder up in a table of the form of
// /proc/self/mountinfo (proc_pid_mountinfo(5)): the fifth field is where, the
// one behind the dash of its own is what kind.
func mountedIn(table io.Reader, folder string) (bool, error) {
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		head, tail, ok := strings.Cut(lines.Text(), " - ")
		fields, kind := strings.Fields(head), strings.Fields(tail)
		if !ok || len(fields) < 5 || len(kind) == 0 {
			continue
		}
		if unescaped(fields[4]) == folder && kind[0] != "autofs" {
			return true, nil
		}
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("read what is mounted: %w", err)
	}
	return false, nil
}

// unescaped takes back the kernel's \040 for a blank, and the like.
func unescaped(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
