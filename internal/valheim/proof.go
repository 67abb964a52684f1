package valheim

// Proof tells whether the game saved after it was asked to: a finished save
// whose start line lies after the request in the log's order. An autosave
// that began before the request does not count, even if it ends after it. No
// clock is compared. Give it every happening, from the start of the game on.
// The zero value is ready; it is not safe for concurrent use.
type Proof struct {
	running bool // a save has started and not finished
	asked   bool
	before  bool // a save that began before the request has yet to finish
	started bool // a save began after the request
	saved   bool
}

// Request marks the place in the log where the save was asked for; a new
// request forgets what an older one has found.
func (p *Proof) Request() {
	*p = Proof{running: p.running, asked: true, before: p.running}
}

// See takes the next happening of the log.
func (p *Proof) See(h Happening) {
	switch h.Kind {
	case SaveStarted:
		p.running = true
		p.started = p.asked
	case Saved:
		p.running = false
		switch {
		case p.before: // the older save's end; a younger one may be under way
			p.before = false
			p.running = p.started
		case p.started:
			p.saved = true
		}
	case SaveSkipped, Crashed:
		p.running, p.before, p.started = false, false, false
	default:
	}
}

// Saved reports whether a save that counts has finished since the request.
func (p *Proof) Saved() bool { return p.saved }
