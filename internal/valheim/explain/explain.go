// Package explain tells people, and programs of theirs, what a whole log of a
// Valheim dedicated server means. It keeps no state but the reader's.
package explain

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"hearth/internal/valheim"
)

// Errors of Words and JSON. Each is a sentence that goes on after the log's
// name, and says what to do.
var (
	ErrEmpty      = errors.New("is empty: save the server's log first, such as docker logs valheim > server.log")
	ErrDirectory  = errors.New("is a folder: name the log file in it")
	ErrBinary     = errors.New("is no text: name the log that the server prints, not its world or a program")
	ErrCompressed = errors.New("is compressed: unpack it first, such as gunzip -c server.log.gz | hearth explain -")
	ErrUTF16      = errors.New("is UTF-16, as PowerShell's > writes it: save it anew with | Out-File -Encoding utf8")
)

// end is what there is to say when a log ends.
type end struct {
	lines  int64
	cut    bool // the last line has no end
	roster valheim.Roster
}

// walk reads a log and hands out what happens in it. idle is called whenever
// the log has to be waited for.
func walk(log io.Reader, see func(valheim.Happening), idle func() error) (end, error) {
	in := bufio.NewReaderSize(log, 64*1024)
	if err := check(in); err != nil {
		return end{}, err
	}
	r := valheim.NewReader()
	var e end
	for {
		text, whole, err := nextLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return end{}, fmt.Errorf("read the log: %w", err)
		}
		if !whole {
			// The rest may be missing, and with it the meaning.
			e.cut = text != ""
			break
		}
		e.lines++
		for _, h := range r.Read(text) {
			see(h)
		}
		if in.Buffered() == 0 {
			if err := idle(); err != nil {
				return end{}, err
			}
		}
	}
	for _, h := range r.Settle() {
		see(h)
	}
	e.roster = r.Roster()
	return e, nil
}

// check looks at a log's beginning, and skips the mark that editors put there.
func check(in *bufio.Reader) error {
	begin, err := in.Peek(8 * 1024)
	switch {
	case len(begin) == 0 && errors.Is(err, io.EOF):
		return ErrEmpty
	case len(begin) == 0:
		return fmt.Errorf("read the log: %w", err)
	case bytes.HasPrefix(begin, []byte{0x1f, 0x8b}), bytes.HasPrefix(begin, []byte("PK\x03\x04")), bytes.HasPrefix(begin, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return ErrCompressed
	case bytes.HasPrefix(begin, []byte{0xff, 0xfe}), bytes.HasPrefix(begin, []byte{0xfe, 0xff}):
		return ErrUTF16
	case bytes.IndexByte(begin, 0) >= 0:
		return ErrBinary
	}
	if mark := []byte("\ufeff"); bytes.HasPrefix(begin, mark) {
		_, err = in.Discard(len(mark))
		return err
	}
	return nil
}

// nextLine reads the next line without its end. One that is too long for a log of
// the game is cut; whole is false for a tail that has no line end.
func nextLine(in *bufio.Reader) (text string, whole bool, err error) {
	b, err := in.ReadSlice('\n')
	text = string(b)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = in.ReadSlice('\n')
	}
	if err != nil {
		return text, false, err
	}
	return string(bytes.TrimSuffix([]byte(text), []byte("\n"))), true, nil
}
