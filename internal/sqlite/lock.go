package sqlite

// Lock takes a lock on a file, which it makes if there is none, as Open does for
// a database: for what keeps its state beside. It is held until release, or until
// the process dies. ErrInUse if somebody has it.
func Lock(path string) (release func() error, err error) {
	l, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	return l.release, nil
}
