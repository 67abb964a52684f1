package saves

// Hang makes every batch of file calls wait until release is called, as on a
// share that is away.
func (d *Dir) Hang() (release func()) {
	held := make(chan struct{})
	d.before = func() { <-held }
	return func() { close(held) }
}
