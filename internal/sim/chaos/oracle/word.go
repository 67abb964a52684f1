package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/world"
)

// number names a word as the row counts it.
type number struct{ epoch, seq int64 }

func (n number) String() string { return fmt.Sprintf("%d/%d", n.epoch, n.seq) }

// place is where in which log a word was read; the zero value: nowhere, an
// agent said it by itself.
type place struct{ vm, at string }

// spoken is a word that came into the queue.
type spoken struct {
	id string
	place
	fenced bool // it was handled, and its boot was over
	done   bool // it was handled, and counts
	poison bool // no delivery could handle it
	putOff int  // how often it was sent again since it was delivered
}

// memory is what is known of a machine's agent.
type memory struct {
	full    bool            // its disk was, at some time
	blind   bool            // and its process was killed then: see KilledFull
	forgot  []time.Time     // when it was lost
	lost    int64           // words that were dropped, by its own telling
	highest map[int64]int64 // number of each boot
	holes   []hole          // in the numbers
	last    time.Time       // when its last word came
	epoch   int64           // of the last word that was read
	newest  position        // where in the log
	told    map[string]bool // games whose end it told
}

// hole is numbers that did not come, and when the next one did.
type hole struct {
	at   time.Time
	many int64
}

// number notes one that came. They come in their order, but for those that come
// again.
func (m *memory) number(n number, now time.Time) {
	if many := n.seq - m.highest[n.epoch] - 1; many > 0 {
		m.holes = append(m.holes, hole{now, many})
	}
	m.highest[n.epoch] = max(m.highest[n.epoch], n.seq)
}

// uncounted is how many of an agent's events did not come and should have been
// told to be lost.
func (m *memory) uncounted() (many int64) {
	if len(m.forgot) > 0 || m.blind {
		return 0
	}
	for _, h := range m.holes {
		if m.last.Sub(h.at) > countWithin {
			many += h.many
		}
	}
	return max(0, many-m.lost)
}

// position orders places of a machine's logs.
type position struct{ at, line, nth int64 }

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.at, q.at), cmp.Compare(p.line, q.line), cmp.Compare(p.nth, q.nth))
}

func parsePosition(at string) (p position) {
	_, _ = fmt.Sscanf(at, "%d/%d/%d", &p.at, &p.line, &p.nth) // ours, and well formed
	return p
}

// readAt is where the word with this id was read; empty: an agent said it by
// itself.
func readAt(id string) string {
	parts := strings.Split(id, "/")
	if len(parts) < 6 { // world, epoch, server, time, line, meaning
		return ""
	}
	return strings.Join(parts[len(parts)-3:], "/")
}

// memoryOf is what is known of a machine's agent. w.mu is held.
func (w *Witness) memoryOf(vm string) *memory {
	m := w.memories[vm]
	if m == nil {
		m = &memory{told: map[string]bool{}, highest: map[int64]int64{}}
		w.memories[vm] = m
	}
	return m
}

// Full notes that the disk of a machine's agent is full, or nearly so.
func (w *Witness) Full(vm string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("disk of %s full", vm)
	w.memoryOf(vm).full = true
}

// KilledFull notes that an agent's process was killed while its disk was full,
// or nearly so. What it had dropped since its last write stood in its memory
// alone, and the next process can't count it.
func (w *Witness) KilledFull(vm string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("agent of %s killed with its disk full", vm)
	w.memoryOf(vm).blind = true
}

// Forgot notes that an agent came back to an empty disk.
func (w *Witness) Forgot(vm string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("memory of %s lost", vm)
	m := w.memoryOf(vm)
	m.forgot = append(m.forgot, w.o.Clock.Now())
}

// Arrived looks at an event of a machine's agent that came into the queue: each
// number is one word's, and what a log said comes in its order (P17). One that
// arrived before may come again.
func (w *Witness) Arrived(vm string, body []byte) {
	e, err := world.Decode(body, w.o.KeyOf)
	if err != nil {
		return // AgentSays told
	}
	data, ok := e.Data.(world.AgentPayload)
	if !ok {
		return
	}
	h := data.AsHeard()
	n := number{h.Epoch, h.Seq}
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.memoryOf(vm)
	m.last = w.o.Clock.Now()
	if old := w.spoken[n]; old != nil {
		if old.id != e.ID {
			w.violate("P17", "number %v is event %s and event %s (%s)", n, old.id, e.ID, data.Type())
		}
		return
	}
	s := &spoken{id: e.ID}
	w.spoken[n] = s
	m.number(n, m.last)
	if lost, ok := data.(*world.WordsLost); ok {
		m.lost += lost.Count
	}
	at := readAt(e.ID)
	if at == "" {
		return
	}
	s.place = place{vm, at}
	if _, ok := w.came[s.place]; !ok {
		w.came[s.place] = m.last
	}
	p := parsePosition(at)
	if h.Epoch == m.epoch && p.compare(m.newest) <= 0 {
		w.violate("P17", "%s (%s) is told after a later line", e.ID, data.Type())
	}
	m.epoch, m.newest = h.Epoch, p
}

// Spent notes an event that no delivery could handle.
func (w *Witness) Spent(body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, _ := w.wordOf(body); s != nil {
		s.poison = true
	}
}

// PutOff notes that a worker sent a word to the queue again, which no delivery
// could handle.
func (w *Witness) PutOff(body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, _ := w.wordOf(body); s != nil {
		s.putOff++
	}
}

// Buried looks at a message that is deleted from the poison queue (P19): it is
// kept, in the archive or as it was put off in the queue, unless it says nothing
// that does not come again (a heartbeat, a timer), or the row has it.
func (w *Witness) Buried(body []byte, kept bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("buried %d bytes, kept %t", len(body), kept)
	if kept {
		return
	}
	if e, err := world.Decode(body, w.o.KeyOf); err == nil {
		switch e.Data.(type) {
		case *world.Heartbeat, *world.Timer, *world.SetAside:
			return
		case *world.Command:
			if slices.Contains(w.state.Commands, e.ID) {
				return
			}
		case world.AgentPayload:
			_, n := w.wordOf(body)
			if b := &w.state.Boot; n.epoch < b.Epoch || n.epoch == b.Epoch && hasSeen(b.Seen, n.seq) {
				return
			}
		}
	}
	w.violate("P19", "a message was deleted that nobody handled and nobody kept: %.80q", body)
}

// Handled notes that a worker has handled an event, and looks whether it counts
// (P17): an agent's word does, unless its boot is over or it was put off just
// now.
func (w *Witness) Handled(body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts.Events++
	if e, err := world.Decode(body, w.o.KeyOf); err == nil {
		if t, ok := e.Data.(*world.Timer); ok && t.Kind == world.TimerCheck {
			w.checked = w.o.Clock.Now()
		}
	}
	s, n := w.wordOf(body)
	if s == nil {
		return
	}
	switch b := &w.state.Boot; {
	case n.epoch < b.Epoch || n.epoch == b.Epoch && b.Over:
		s.fenced = s.fenced || !s.done
	case (n.epoch > b.Epoch || !hasSeen(b.Seen, n.seq)) && s.putOff > 0:
		s.putOff--
	case n.epoch > b.Epoch || !hasSeen(b.Seen, n.seq):
		w.violate("P17", "event %s was handled and does not count", s.id)
	}
}

// wordOf is the word that an event is, if one of this number arrived.
func (w *Witness) wordOf(body []byte) (*spoken, number) {
	e, err := world.Decode(body, w.o.KeyOf)
	if err != nil {
		return nil, number{}
	}
	data, ok := e.Data.(world.AgentPayload)
	if !ok {
		return nil, number{}
	}
	n := number{data.AsHeard().Epoch, data.AsHeard().Seq}
	return w.spoken[n], n
}

func hasSeen(s world.Seen, seq int64) bool {
	_, beyond := slices.BinarySearch(s.Beyond, seq)
	return seq <= s.Mark || beyond
}

// counted looks at the words that a write counts: none that was counted before
// under another number (P17). w.mu is held, as for all below.
func (w *Witness) counted(before, after *world.State) {
	b, a := &before.Boot, &after.Boot
	old := b.Seen
	if b.Epoch != a.Epoch {
		old = world.Seen{}
	}
	take := func(seq int64) {
		n := number{a.Epoch, seq}
		s := w.spoken[n]
		if s == nil || hasSeen(old, seq) {
			return
		}
		s.done = true
		if s.at == "" {
			return
		}
		w.counts.Words++
		if m, ok := w.tallied[s.place]; ok && m != n {
			w.violate("P17", "%s counts twice, as %v and %v", s.id, m, n)
		}
		w.tallied[s.place] = n
	}
	for seq := old.Mark + 1; seq <= a.Seen.Mark; seq++ {
		take(seq)
	}
	for _, seq := range a.Seen.Beyond {
		take(seq)
	}
}

// heardOf looks whether everything that was said before the last thing that came
// came, too, or is told to be lost (P17, P18). Of a game whose log was read to
// its end by its agent's telling, that is everything that was said before it was
// asked to end.
//
// And what counts was said.
func (w *Witness) heardOf(logs []games.Log) {
	missing, said := map[string][]string{}, map[place]bool{}
	for _, l := range logs {
		m := w.memoryOf(l.VM)
		missing[l.VM] = append(missing[l.VM], w.holesIn(l, m)...)
		for _, word := range l.Words {
			said[place{l.VM, word.Place}] = true
		}
	}
	for _, vm := range slices.Sorted(maps.Keys(missing)) {
		m, holes := w.memoryOf(vm), missing[vm]
		promise := "P17"
		if m.full {
			promise = "P18"
		}
		if int64(len(holes)) > m.lost {
			w.violate(promise, "%s never told of %d words, and of %d that they are lost: %v", vm, len(holes), m.lost, holes)
		}
	}
	for _, vm := range slices.Sorted(maps.Keys(w.memories)) {
		if n := w.memories[vm].uncounted(); n > 0 {
			w.violate("P18", "%d events of %s did not come, and are not told to be lost", n, vm)
		}
	}
	var never []string
	for p, n := range w.tallied {
		if !said[p] {
			never = append(never, fmt.Sprintf("%v at %s on %s", n, p.at, p.vm))
		}
	}
	if slices.Sort(never); len(never) > 0 {
		w.violate("P17", "%d words count that no log said: %v", len(never), never)
	}
}

// holesIn are the words of a log that did not come, though something later did.
func (w *Witness) holesIn(l games.Log, m *memory) (holes []string) {
	left := m.last // when the first word that came after was here
	for _, word := range slices.Backward(l.Words) {
		if came, ok := w.came[place{l.VM, word.Place}]; ok {
			left = came
			continue
		}
		later := parsePosition(word.Place).compare(m.newest) < 0 || m.told[l.ID]
		ended := !l.Asked.IsZero()
		switch {
		case !later, m.forgotSince(l.Began), ended && !word.At.Before(l.Asked):
		case ended && word.Type == (*world.Saved)(nil).Type(): // once it is to end, the proof tells of saves
		case m.full && m.last.Sub(left) < countWithin: // it had no time to count
		default:
			holes = append(holes, fmt.Sprintf("%s %s at %s", word.Type, word.Name, word.Place))
		}
	}
	return holes
}

// countWithin is how long an agent may take to tell that words were lost, once
// others came.
const countWithin = 45 * time.Second

// forgotSince: the memory was lost after this.
func (m *memory) forgotSince(began time.Time) bool {
	return slices.ContainsFunc(m.forgot, began.Before)
}

// soon is how long a word may be on its way when nothing fails.
const soon = 2 * time.Minute

// fresh looks whether the game that runs was heard of lately (P17): everything
// that its log said a while ago came and counts.
func (w *Witness) fresh(q Quiet) {
	if q.Game == nil || !q.Game.Ready() || w.state.Boot.Over {
		return
	}
	for _, l := range q.Logs {
		if l.ID != q.Game.ID || w.memoryOf(l.VM).forgotSince(l.Began) {
			continue
		}
		for _, word := range l.Words {
			if q.Game.Now.Sub(word.At) < soon || q.Game.Now.Sub(word.At) > q.Lasts-soon {
				continue
			}
			if _, ok := w.tallied[place{l.VM, word.Place}]; !ok {
				w.violate("P17", "%s %s at %s is not heard of after %v", word.Type, word.Name, word.Place, q.Game.Now.Sub(word.At))
			}
		}
	}
}

// handledAll looks whether every word that came was handled (P17).
func (w *Witness) handledAll() {
	var left []string
	for _, s := range w.spoken {
		if !s.done && !s.fenced && !s.poison {
			left = append(left, s.id)
		}
	}
	if slices.Sort(left); len(left) > 0 {
		w.violate("P17", "%d events came and were never handled: %v", len(left), left)
	}
}
