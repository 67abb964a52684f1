// Package spool keeps on the machine's disk what an agent must not forget when
// its process dies: the events that are not sent yet, and beside them, in the
// same step, what the agent knew when it made them.
//
// # On the disk
//
//	checkpoint           the agent's state, the end of the spool, what is sent
//	events-000000000017  a segment: events from number 17 on, one record each
//
// A record is its length and its CRC-32C, four bytes each, little endian, and
// a JSON letter. Segments are appended to and synced; then the checkpoint is
// replaced in one step. Only that makes the events count: what a segment holds
// beyond the end that the checkpoint names was never sent, and is cut off when
// the spool is opened.
//
// # When the disk is full
//
// The oldest segment gives way, and then the next one. Who commits is told
// from which number on events are still kept, and counts the others. When there
// is no room even so, the checkpoint gives way, too: it is written anew in its own
// room, or there is none. An older one would have the next process say again, and
// under the same numbers, what is sent all the same.
package spool

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

const (
	checkpointName = "checkpoint"
	segmentPrefix  = "events-"

	// segmentBytes is when a new segment is begun: about a hundred events,
	// which is what a full disk costs at a time.
	segmentBytes = 64 << 10

	recordHead = 8 // bytes before a record's letter
	// maxRecord bounds a record: an event has at most 48 KiB, which JSON makes
	// a third longer.
	maxRecord = 128 << 10

	version = 1
)

// ErrNewer says that a newer version of Hearth wrote the checkpoint.
var ErrNewer = errors.New("written by a newer version of Hearth")

// Disk is a folder of small files. A write is on the disk when its call
// returns. One goroutine uses it.
type Disk interface {
	// Read returns a file; fs.ErrNotExist if there is none.
	Read(name string) ([]byte, error)
	// Replace writes a file in one step: afterwards, and at any moment before,
	// there is the old one or the new one, whole.
	Replace(name string, b []byte) error
	// Append adds to a file's end, and makes it if there is none. When it
	// fails, a part of b may have been added.
	Append(name string, b []byte) error
	// Truncate cuts a file to its first size bytes.
	Truncate(name string, size int64) error
	// Remove deletes a file; one that is not there is no error.
	Remove(name string) error
	// List returns the names of all files.
	List() ([]string, error)
}

// Letter is an event on its way.
type Letter struct {
	Number int64  `json:"n"` // from 1, one more with every event of this spool
	ID     string `json:"id"`
	Body   []byte `json:"body"`
}

// Spool is the events of one agent on a disk. One goroutine uses it.
type Spool struct {
	disk     Disk
	segments []segment // oldest first
	next     int64     // the number after the last event that was committed
	low      int64     // up to this number events gave way; those are counted
	sent     int64     // up to this number events need not be kept
	noted    int64     // and up to this one the checkpoint says so
	state    json.RawMessage
}

// segment is one file of events.
type segment struct {
	first int64 // the number of its first event
	size  int64 // bytes that count
	bytes int64 // bytes that may be there: more than size after a failed append
}

func (s segment) name() string { return fmt.Sprintf("%s%012d", segmentPrefix, s.first) }

// checkpoint is the file.
type checkpoint struct {
	Version int             `json:"version"`
	Segment int64           `json:"segment"`       // first number of the last segment; 0: there is none
	Size    int64           `json:"size"`          // its bytes that count
	Next    int64           `json:"next"`          // the number of the next event
	Low     int64           `json:"low,omitempty"` // up to this number they gave way
	Sent    int64           `json:"sent"`
	Lost    int64           `json:"lost,omitempty"`
	State   json.RawMessage `json:"state,omitempty"`
}

// Found is what Open found.
type Found struct {
	State   []byte   // as of the last Commit; nil if there was none
	Letters []Letter // not sent yet, as far as is known, oldest first
	Next    int64    // the number of the next event
	Lost    int64    // dropped and not yet told, those included that are damaged
}

// Open reads what the last process left. The error of a checkpoint that can't be
// understood wraps ErrNewer or says that it is damaged; nothing was changed.
func Open(disk Disk) (*Spool, Found, error) {
	names, err := disk.List()
	if err != nil {
		return nil, Found{}, fmt.Errorf("open spool: %w", err)
	}
	c, err := readCheckpoint(disk)
	if err != nil {
		return nil, Found{}, fmt.Errorf("open spool: %w", err)
	}
	s := &Spool{disk: disk, next: c.Next, low: c.Low, sent: c.Sent, noted: c.Sent, state: c.State}
	found := Found{State: c.State, Next: c.Next, Lost: c.Lost}
	expect := max(c.Sent, c.Low) + 1
	for _, first := range segmentsOf(names) {
		g := segment{first: first}
		if first > c.Segment { // nothing in it was committed
			if err := disk.Remove(g.name()); err != nil {
				return nil, Found{}, fmt.Errorf("open spool: %w", err)
			}
			continue
		}
		b, err := disk.Read(g.name())
		if err != nil {
			return nil, Found{}, fmt.Errorf("open spool: %w", err)
		}
		g.size, g.bytes = int64(len(b)), int64(len(b))
		if first == c.Segment && g.size > c.Size {
			b, g.size = b[:c.Size], c.Size
			if err := disk.Truncate(g.name(), c.Size); err != nil {
				return nil, Found{}, fmt.Errorf("open spool: %w", err)
			}
			g.bytes = c.Size
		}
		s.segments = append(s.segments, g)
		for _, l := range letters(b) {
			if l.Number < expect || l.Number >= c.Next {
				continue
			}
			found.Lost += l.Number - expect
			expect = l.Number + 1
			found.Letters = append(found.Letters, l)
		}
	}
	found.Lost += max(0, c.Next-expect)
	return s, found, nil
}

func readCheckpoint(disk Disk) (checkpoint, error) {
	c := checkpoint{Next: 1}
	b, err := disk.Read(checkpointName)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("checkpoint is damaged: %w", err)
	}
	if c.Version > version {
		return c, fmt.Errorf("checkpoint: %w", ErrNewer)
	}
	if c.Version < 1 || c.Next < 1 || c.Size < 0 || c.Sent < 0 || c.Sent >= c.Next {
		return c, errors.New("checkpoint is damaged: its numbers can't be")
	}
	return c, nil
}

// Clear forgets everything, for a spool that can't be opened.
func Clear(disk Disk) error {
	names, err := disk.List()
	if err != nil {
		return fmt.Errorf("clear spool: %w", err)
	}
	var errs []error
	for _, name := range names {
		if name == checkpointName || strings.HasPrefix(name, segmentPrefix) {
			errs = append(errs, disk.Remove(name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clear spool: %w", err)
	}
	return nil
}

func segmentsOf(names []string) []int64 {
	var firsts []int64
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, segmentPrefix)
		if n, err := strconv.ParseInt(digits, 10, 64); ok && err == nil && n > 0 {
			firsts = append(firsts, n)
		}
	}
	slices.SortFunc(firsts, cmp.Compare[int64])
	return firsts
}

// letters reads records up to the first that is not whole.
func letters(b []byte) []Letter {
	var out []Letter
	for len(b) >= recordHead {
		n := int64(binary.LittleEndian.Uint32(b))
		sum := binary.LittleEndian.Uint32(b[4:])
		if n > maxRecord || int64(len(b)) < recordHead+n {
			break
		}
		text := b[recordHead : recordHead+n]
		b = b[recordHead+n:]
		var l Letter
		if crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)) != sum || json.Unmarshal(text, &l) != nil {
			break
		}
		out = append(out, l)
	}
	return out
}

func record(l Letter) ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	b := make([]byte, recordHead, recordHead+len(text))
	binary.LittleEndian.PutUint32(b, uint32(len(text))) //nolint:gosec // bounded by the size of a message
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)))
	return append(b, text...), nil
}

// Entry is what one Commit writes down.
type Entry struct {
	Letters []Letter // new ones, in the order of their numbers, after all earlier ones
	State   []byte   // JSON; nil: as before
	Sent    int64    // up to this number events need not be kept
	Lost    int64    // dropped before and not yet told
}

// Commit writes an entry down. When the disk refuses, the oldest events give
// way until it does not: kept is the number from which on the earlier events
// are still there. With an error the entry is not on the disk, or nobody knows
// whether it is: the next Commit should bring its letters again.
func (s *Spool) Commit(e Entry) (kept int64, err error) {
	s.sent = max(s.sent, e.Sent)
	for {
		err = s.commit(e)
		if err == nil {
			break
		}
		gone, ok := s.dropOldest()
		if !ok {
			if len(e.Letters) > 0 && s.disk.Remove(checkpointName) == nil {
				err = s.commit(e)
			}
			break
		}
		e.Lost += gone
	}
	kept = s.next
	if len(s.segments) > 0 {
		kept = s.segments[0].first
	}
	if err == nil && len(e.Letters) > 0 {
		s.next = e.Letters[len(e.Letters)-1].Number + 1
	}
	return kept, err
}

func (s *Spool) commit(e Entry) error {
	if err := s.forgetSent(); err != nil {
		return err
	}
	before := slices.Clone(s.segments)
	err := s.append(e.Letters)
	if err == nil {
		err = s.checkpoint(e)
	}
	if err == nil {
		return nil
	}
	// What was appended does not count. The last segment is cut to its size by
	// the next append; new ones go.
	n := len(before)
	for _, g := range s.segments[n:] {
		_ = s.disk.Remove(g.name()) // or when the spool is opened
	}
	if n > 0 {
		before[n-1].bytes = s.segments[n-1].bytes
	}
	s.segments = before
	return err
}

// append adds letters to the last segment, and to new ones when it is full.
func (s *Spool) append(list []Letter) error {
	for len(list) > 0 {
		if n := len(s.segments); n == 0 || s.segments[n-1].size >= segmentBytes {
			s.segments = append(s.segments, segment{first: list[0].Number})
		}
		g := &s.segments[len(s.segments)-1]
		if g.bytes > g.size {
			if err := s.disk.Truncate(g.name(), g.size); err != nil {
				return err
			}
			g.bytes = g.size
		}
		var b []byte
		for len(list) > 0 && g.size+int64(len(b)) < segmentBytes {
			r, err := record(list[0])
			if err != nil {
				return err
			}
			b, list = append(b, r...), list[1:]
		}
		g.bytes = g.size + int64(len(b))
		if err := s.disk.Append(g.name(), b); err != nil {
			return err
		}
		g.size = g.bytes
	}
	return nil
}

func (s *Spool) checkpoint(e Entry) error {
	c := checkpoint{Version: version, Next: s.next, Low: s.low, Sent: s.sent, Lost: e.Lost, State: s.state}
	if e.State != nil {
		c.State = e.State
	}
	if n := len(e.Letters); n > 0 {
		c.Next = e.Letters[n-1].Number + 1
	}
	if n := len(s.segments); n > 0 {
		c.Segment, c.Size = s.segments[n-1].first, s.segments[n-1].size
	}
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := s.disk.Replace(checkpointName, b); err != nil {
		return err
	}
	s.state, s.noted = c.State, s.sent
	return nil
}

// forgetSent removes segments that hold nothing that is not sent, and of which
// the checkpoint knows it: else they would be counted as lost.
func (s *Spool) forgetSent() error {
	for len(s.segments) > 1 && s.segments[1].first <= s.noted+1 {
		if err := s.disk.Remove(s.segments[0].name()); err != nil {
			return err
		}
		s.segments = s.segments[1:]
	}
	return nil
}

// dropOldest lets the oldest segment go and returns how many events in it were
// not sent; false if there is none to go.
func (s *Spool) dropOldest() (events int64, ok bool) {
	if len(s.segments) == 0 || s.disk.Remove(s.segments[0].name()) != nil {
		return 0, false
	}
	s.segments = s.segments[1:]
	before := max(s.low, s.sent)
	s.low = s.next - 1
	if len(s.segments) > 0 {
		s.low = s.segments[0].first - 1
	}
	return max(0, s.low-before), true
}
