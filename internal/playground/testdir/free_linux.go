package testdir

import "syscall"

// free is how many bytes of a file system are left; 0 if there is none.
func free(dir string) int64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0
	}
	return int64(s.Bavail) * s.Bsize //nolint:gosec // no disk has 2^63 blocks
}
