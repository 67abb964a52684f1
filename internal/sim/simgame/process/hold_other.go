//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package process

// holdDir: directories can't be locked here.
func holdDir(string) (release func() error, err error) {
	return func() error { return nil }, nil
}
