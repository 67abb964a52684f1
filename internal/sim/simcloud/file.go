package simcloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"hearth/internal/world"
)

const (
	// fileSchema is the number of the file's form.
	fileSchema = 1
	// maxFile is far above what MaxPlacements sets come to.
	maxFile = 16 << 20
)

// load reads the file, if there is one, and goes on from it at now.
func (c *Cloud) load(now time.Time) error {
	f, err := os.Open(c.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read its file: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return fmt.Errorf("read its file: %w", err)
	}
	st, err := parseState(body)
	if err != nil {
		return fmt.Errorf("file %s is not one that the pretend cloud wrote (%w): move it away or delete it to begin with an empty cloud", c.file, err)
	}
	c.st = st
	c.st.shift(now.Sub(st.Saved))
	for _, s := range c.st.Sets {
		if m := s.VM; m != nil && (m.State == VMBooting || m.State == VMRunning) {
			m.State, m.Since, m.Frozen, m.Paused = VMBooting, now, false, time.Time{}
			m.BootAt = now.Add(c.jitter(c.timing.Boot))
		}
	}
	return nil
}

// parseState reads and checks a file's content: what advance relies on must
// hold, whoever wrote it.
func parseState(body []byte) (state, error) {
	if len(body) > maxFile {
		return state{}, fmt.Errorf("more than %d bytes", maxFile)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	var st state
	if err := dec.Decode(&st); err != nil {
		return state{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return state{}, errors.New("text after its JSON object")
	}
	if st.Schema != fileSchema {
		return state{}, fmt.Errorf("schema %d, this version knows %d", st.Schema, fileSchema)
	}
	if st.Born == "" || st.FailCalls < 0 {
		return state{}, errors.New("born is missing or fail_calls below 0")
	}
	if err := checkTime("saved", st.Saved); err != nil {
		return state{}, err
	}
	names, addresses := map[string]bool{}, map[string]bool{}
	for i, s := range st.Sets {
		if s == nil || s.ID == "" {
			return state{}, fmt.Errorf("scale set %d has no id", i+1)
		}
		if i > 0 && st.Sets[i-1].ID >= s.ID {
			return state{}, fmt.Errorf("scale set %s is out of order", s.ID)
		}
		if err := s.check(); err != nil {
			return state{}, fmt.Errorf("scale set %s: %w", s.ID, err)
		}
		if m := s.VM; m != nil {
			if names[m.ID] || addresses[m.Address] {
				return state{}, fmt.Errorf("scale set %s: another machine has its machine's name or address", s.ID)
			}
			names[m.ID], addresses[m.Address] = true, true
		}
	}
	for _, g := range st.Gone {
		if err := errors.Join(checkTime("created", g.Created), checkTime("gone", g.Gone)); err != nil {
			return state{}, err
		}
	}
	return st, st.checkLeftovers()
}

func (st *state) checkLeftovers() error {
	if n := len(st.Leftovers); n > MaxLeftovers {
		return fmt.Errorf("%d leftovers: at most %d fit", n, MaxLeftovers)
	}
	for i, l := range st.Leftovers {
		switch {
		case l == nil || !isKind(l.Kind) || l.Name == "":
			return fmt.Errorf("leftover %d has no kind or no name", i+1)
		case i > 0 && st.Leftovers[i-1].compare(l) >= 0:
			return fmt.Errorf("leftover %s %s is out of order", l.Kind, l.Name)
		case st.ownerOf(world.Leftover{Kind: l.Kind, Name: l.Name}) != "":
			return fmt.Errorf("leftover %s %s is a machine's", l.Kind, l.Name)
		}
		if !l.GoneAt.IsZero() {
			if err := checkTime("gone_at", l.GoneAt); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *scaleSet) check() error {
	if s.Size == "" || s.Capacity < 0 || s.Capacity > 1 {
		return errors.New("size is missing or capacity not 0 or 1")
	}
	for _, f := range s.FailNext {
		if !slices.Contains(failCodes(), f.Code) {
			return fmt.Errorf("unknown code %q", f.Code)
		}
	}
	for i, op := range s.Ops {
		if op.Token == "" || op.Capacity < 0 || op.Capacity > 1 {
			return fmt.Errorf("operation %d: token is missing or capacity not 0 or 1", i+1)
		}
		if !op.Done && i < len(s.Ops)-1 {
			return fmt.Errorf("operation %d is under way and not the last", i+1)
		}
		if op.Fail != nil && !slices.Contains(failCodes(), op.Fail.Code) {
			return fmt.Errorf("operation %d: unknown code %q", i+1, op.Fail.Code)
		}
		if err := checkTime("begun", op.Begun); err != nil {
			return err
		}
		if op.Started {
			if err := checkTime("ends", op.Ends); err != nil {
				return err
			}
		}
	}
	if s.VM != nil {
		return s.VM.check(s)
	}
	return nil
}

func (m *machine) check(s *scaleSet) error {
	if m.ID == "" || m.Size == "" {
		return errors.New("machine has no id or no size")
	}
	if _, err := netip.ParseAddr(m.Address); err != nil {
		return fmt.Errorf("machine %s: %w", m.ID, err)
	}
	op := s.underWay()
	wantCapacity := 1
	switch m.State {
	case VMBooting, VMRunning:
	case VMCreating:
		if op == nil || !op.Started || op.Capacity != 1 || op.Fail != nil {
			return fmt.Errorf("machine %s is being created and no operation does it", m.ID)
		}
	case VMDeleting:
		wantCapacity = 0
		if op == nil || !op.Started || op.Capacity != 0 || op.Fail != nil {
			return fmt.Errorf("machine %s is being deleted and no operation does it", m.ID)
		}
	default:
		return fmt.Errorf("machine %s: unknown state %q", m.ID, m.State)
	}
	if s.Capacity != wantCapacity {
		return fmt.Errorf("machine %s is %s and capacity %d", m.ID, m.State, s.Capacity)
	}
	if err := errors.Join(checkTime("since", m.Since), checkTime("created", m.Created)); err != nil {
		return err
	}
	if !m.Paused.IsZero() {
		if err := checkTime("paused", m.Paused); err != nil {
			return err
		}
	}
	if n := m.Notice; n != nil {
		if n.ID == "" {
			return fmt.Errorf("machine %s has a notice without id", m.ID)
		}
		if !slices.Contains(noticeKinds(), n.kind()) {
			return fmt.Errorf("machine %s has a notice of unknown kind %q", m.ID, n.Kind)
		}
		return errors.Join(checkTime("not_before", n.NotBefore), checkTime("gone_at", n.GoneAt))
	}
	return nil
}

// checkTime keeps times where their differences fit a time.Duration and JSON
// can write them.
func checkTime(name string, t time.Time) error {
	if y := t.UTC().Year(); y < 1970 || y > 2200 {
		return fmt.Errorf("%s is %v: not a time this cloud could have written", name, t)
	}
	return nil
}

// shift moves everything by d: no time passes while nobody has the file open.
func (st *state) shift(d time.Duration) {
	move := func(ts ...*time.Time) {
		for _, t := range ts {
			if !t.IsZero() {
				*t = t.Add(d)
			}
		}
	}
	for _, s := range st.Sets {
		for i := range s.Ops {
			move(&s.Ops[i].Begun, &s.Ops[i].Ends)
		}
		if m := s.VM; m != nil {
			move(&m.Since, &m.Created, &m.BootAt, &m.Paused)
			if m.Notice != nil {
				move(&m.Notice.NotBefore, &m.Notice.GoneAt)
			}
		}
	}
	for _, l := range st.Leftovers {
		move(&l.GoneAt)
	}
	for i := range st.Gone {
		move(&st.Gone[i].Created, &st.Gone[i].Gone)
	}
}

// save replaces the file by the present state. c.mu is held, or c is not yet
// known to anybody.
func (c *Cloud) save(now time.Time) error {
	if c.file == "" {
		return nil
	}
	c.st.Saved = now
	c.unsaved = true
	body, err := json.MarshalIndent(c.st, "", "\t")
	if err != nil {
		return fmt.Errorf("write file %s: %w", c.file, err)
	}
	if err := replaceFile(c.file, append(body, '\n')); err != nil {
		return fmt.Errorf("write file %s: %w", c.file, err)
	}
	c.unsaved = false
	return nil
}

// replaceFile writes a file so that a power cut leaves the old or the new
// content, never a part. What a killed process left half written beside it has
// the same name, so that the next one writes over it.
func replaceFile(name string, body []byte) (err error) {
	dir := filepath.Dir(name)
	f, err := os.OpenFile(filepath.Clean(name)+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the error that counts is returned
		}
	}()
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil || runtime.GOOS == "windows" { // which can't sync a directory
		return err
	}
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}
