package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/internal/playground/autopsy"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

const (
	// killsVariable asks for so many kills, seedVariable for the moments and
	// moods of an earlier run.
	killsVariable, seedVariable = "HEARTH_KILLS", "HEARTH_KILL_SEED"
	fewKills                    = 5 // without killsVariable
	killSpeed                   = 40

	upWithin    = 30 * time.Second // from the program's start to its page
	reachWithin = 10 * time.Second // for the status in which it is to be killed
	tick        = 120 * time.Millisecond
)

// TestKilledAtRandom lets people use one folder while `hearth up` on it is
// killed again and again, at random moments in every status, and started
// again. After each kill the files are looked at; in the end the world is put
// out, and everybody must have been told everything once.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	kills, seed := fewKills, uint64(1)
	if text := os.Getenv(killsVariable); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", killsVariable, err)
		}
		seed = uint64(time.Now().UnixNano())
	}
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	t.Logf("seed %d", seed)
	s := &siege{
		t: t, dir: filepath.Join(t.TempDir(), "hearth"), rnd: rand.New(rand.NewPCG(seed, 1)),
		town:   &town{rnd: rand.New(rand.NewPCG(seed, 2)), client: &http.Client{Timeout: 5 * time.Second}},
		killed: map[world.Status]int{}, seen: map[string]autopsy.Message{},
	}
	began := time.Now()
	for range kills {
		s.life()
		if len(s.violations) > 20 {
			break
		}
	}
	s.finale()
	s.judge()
	var counts []string
	for _, st := range slices.Sorted(maps.Keys(s.killed)) {
		counts = append(counts, fmt.Sprintf("%s=%d", st, s.killed[st]))
	}
	for _, v := range s.violations {
		t.Errorf("violation: %s", v)
	}
	slices.Sort(s.upAfter)
	t.Logf("up again after %s, %s at most", s.upAfter[len(s.upAfter)/2].Round(time.Millisecond), s.upAfter[len(s.upAfter)-1].Round(time.Millisecond))
	t.Logf("kills=%d %s seed=%d commands=%d messages=%d players=%d generation=%d wall=%s violations=%d", s.kills, strings.Join(counts, " "), seed,
		s.commands(), len(s.seen), s.town.arrived, s.last.State.Generation, time.Since(began).Round(time.Second), len(s.violations))
	if t.Failed() {
		s.keep()
	}
}

// siege is the life of one folder.
type siege struct {
	t          *testing.T
	dir        string
	rnd        *rand.Rand // of the moments
	town       *town
	kills      int
	killed     map[world.Status]int
	last       *autopsy.Folder            // after the last kill
	seen       map[string]autopsy.Message // by id, as they were last seen
	violations []string
	upAfter    []time.Duration // from the program's start to its page
}

// commands counts those that were accepted and whose answers were seen.
func (s *siege) commands() int {
	n := 0
	for _, m := range s.seen {
		if m.Interaction != nil {
			n++
		}
	}
	return n
}

func (s *siege) violate(format string, args ...any) {
	s.violations = append(s.violations, fmt.Sprintf("after %d kills: ", s.kills)+fmt.Sprintf(format, args...))
}

// child is a running `hearth up`.
type child struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	url    chan string // one value: where the page is, or "" if it ended before
	drain  chan struct{}
}

func (s *siege) start() *child {
	path, err := exec.LookPath("hearth")
	if err != nil {
		s.t.Fatal(err)
	}
	p := &child{cmd: exec.CommandContext(s.t.Context(), path, "up", "--dir", s.dir, "--listen", "127.0.0.1:0", "--speed", strconv.Itoa(killSpeed)), url: make(chan string, 1), drain: make(chan struct{})}
	p.cmd.Stderr = &p.stderr
	// The game has these ends, too, for the moment in which it outlives its
	// parent.
	p.cmd.WaitDelay = 5 * time.Second
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.drain)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, url, ok := strings.Cut(lines.Text(), "Open   "); ok {
				p.url <- strings.TrimSpace(url)
			}
		}
		close(p.url)
		_, _ = io.Copy(io.Discard, out)
	}()
	return p
}

// end waits for the program, which was told to end or killed.
func (p *child) end() error {
	<-p.drain
	return p.cmd.Wait()
}

// life is one start of the program, and its kill.
func (s *siege) life() {
	p := s.start()
	ctx, cancel := context.WithCancel(s.t.Context())
	watched := make(chan []string, 1)
	go func() { watched <- watch(ctx, s.dir) }()
	switch n := s.rnd.IntN(100); {
	case n < 8: // while it starts
		<-time.After(time.Duration(s.rnd.IntN(150)) * time.Millisecond)
	case n < 45: // whatever it does
		s.use(p, "", time.Duration(s.rnd.IntN(2500))*time.Millisecond)
	default:
		s.use(p, s.rarest(), time.Duration(s.rnd.IntN(600))*time.Millisecond)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		s.violate("it ended by itself: %v", err)
	}
	if err := p.end(); err == nil || strings.Contains(p.stderr.String(), "panic") {
		s.violate("it ended with %v and said %s", err, p.stderr.String())
	}
	s.kills++
	cancel()
	s.violations = append(s.violations, <-watched...)
	s.look()
	s.killed[s.last.State.Status]++
}

// rarest is the status in which it was killed least often.
func (s *siege) rarest() world.Status {
	all := []world.Status{world.Online, world.Stopping, world.Relocating, world.Starting, world.Booting, world.Loading, world.Stopped, world.Failed}
	s.rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return slices.MinFunc(all, func(a, b world.Status) int { return s.killed[a] - s.killed[b] })
}

// use lets the town use the program until it has been in a status for a while;
// "" is any.
func (s *siege) use(p *child, status world.Status, stay time.Duration) {
	began := time.Now()
	select {
	case s.town.url = <-p.url:
	case <-time.After(upWithin):
	}
	if s.town.url == "" {
		s.violate("it did not come up: %s", p.stderr.String())
		return
	}
	s.upAfter = append(s.upAfter, time.Since(began))
	if s.kills%20 == 19 {
		s.second()
	}
	var over <-chan time.Time
	if status == "" {
		over = time.After(stay)
	}
	for {
		l, err := s.town.see(s.t.Context())
		if err == nil {
			if over == nil && (world.Status(l.Status) == status || time.Since(began) > reachWithin) {
				over = time.After(stay)
			}
			err = s.town.act(s.t.Context(), l, status)
		}
		if err != nil {
			s.violate("the page does not answer: %v", err)
			return
		}
		select {
		case <-over:
			return
		case <-time.After(tick):
		}
	}
}

// second tries another Hearth on the folder.
func (s *siege) second() {
	ctx, cancel := context.WithTimeout(s.t.Context(), upWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, "hearth", "up", "--dir", s.dir, "--listen", "127.0.0.1:0")
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitFailed || !bytes.Contains(out, []byte("in use")) {
		s.violate("a second Hearth on the folder: %v, %s", err, out)
	}
}

// look opens the folder of the dead.
func (s *siege) look() {
	f, err := autopsy.Read(s.t.Context(), s.dir, "midgard")
	if err != nil {
		s.violate("the folder is not sound: %v", err)
	}
	if s.last != nil {
		if err := f.Since(s.last); err != nil {
			s.violate("%v", err)
		}
	}
	if err := errors.Join(f.SaidTwice(), f.Litter()); err != nil {
		s.violate("%v", err)
	}
	for _, m := range f.Messages {
		if old, ok := s.seen[m.ID]; ok && old.Nonce != m.Nonce {
			s.violate("message %s became another", m.ID)
		}
		s.seen[m.ID] = m
	}
	s.last = f
}

// finale lets the last life end in order, with everything done.
func (s *siege) finale() {
	p := s.start()
	began := time.Now()
	s.town.url = <-p.url
	s.upAfter = append(s.upAfter, time.Since(began))
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	if err := s.town.finish(ctx); err != nil {
		s.violate("%v", err)
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		s.violate("%v", err)
	}
	if err := p.end(); err != nil {
		s.violate("its end in order: %v %s", err, p.stderr.String())
	}
	s.look()
	if err := s.last.Asleep(); err != nil {
		s.violate("%v", err)
	}
}

var (
	cameIn  = regexp.MustCompile(`\*\*(P\d+)\*\* came in`)
	burning = regexp.MustCompile("is burning. Join at (`[^`]*`) or with code (`[^`]*`)")
)

// judge looks at all that was ever said.
func (s *siege) judge() {
	once := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(s.seen)) {
		m := s.seen[id]
		if m.Thinking || m.Content == simdiscord.NotResponding {
			s.violate("message %s never got its answer (%q)", id, m.Content)
		}
		if !m.Author.Bot || m.Interaction != nil {
			continue
		}
		if strings.Contains(m.Content, "crashed and starts again") {
			// On the same machine, with the same code.
			maps.DeleteFunc(once, func(key, _ string) bool { return burning.MatchString(key) })
		}
		keys := []string{"nonce " + m.Nonce, cameIn.FindString(m.Content), burning.FindString(m.Content)}
		for _, key := range keys {
			if key == "" || key == "nonce " {
				continue
			}
			if other, ok := once[key]; ok {
				s.violate("messages %s and %s both say %q", other, id, m.Content)
			}
			once[key] = id
		}
	}
}

// watch looks at a folder that is in use until ctx ends, and returns what must
// not be: two machines, or two games on one save for long.
func watch(ctx context.Context, dir string) []string {
	var found []string
	beside := 0 // looks in a row that found two games
	for {
		if sets, err := autopsy.Sets(dir); err == nil && autopsy.Machines(sets) > 1 {
			found = append(found, fmt.Sprintf("two machines: %+v", sets))
		}
		// The next game waits for one that outlives its parent to save.
		games := gamesIn(dir)
		if beside++; len(games) < 2 {
			beside = 0
		}
		if beside > 100 {
			found = append(found, fmt.Sprintf("two games on one save: processes %v", games))
		}
		select {
		case <-ctx.Done():
			return found
		case <-time.After(50 * time.Millisecond):
		}
		if len(found) > 3 {
			return found
		}
	}
}

// gamesIn lists the processes that run a game of this folder, where the system
// shows them as files.
func gamesIn(dir string) []string {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil
	}
	var out []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		args := strings.Split(string(b), "\x00")
		if err == nil && len(args) > 2 && args[1] == "game" && slices.Contains(args, filepath.Join(dir, "worlds", "midgard")) {
			out = append(out, filepath.Base(filepath.Dir(f)))
		}
	}
	return out
}

// keep copies the folder to where it outlives the test.
func (s *siege) keep() {
	to, err := os.MkdirTemp("", "hearth-killed-")
	if err == nil {
		err = os.CopyFS(to, os.DirFS(s.dir))
	}
	s.t.Logf("the folder is kept in %s (%v)", to, err)
}
