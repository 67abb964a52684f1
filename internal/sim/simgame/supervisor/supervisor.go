//go:build unix

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The names of the supervised programs.
const (
	server  = "valheim-server"
	updater = "valheim-updater"
)

const (
	pollEvery    = 6 * time.Second  // of the script, whether the game is gone
	escalate     = 29 * time.Second // from one signal of the script to the next
	stopWait     = 90 * time.Second // then supervisord kills
	firmAfter    = 10 * time.Second // a shorter life counts as a failed start
	startRetries = 10
	reviveAfter  = time.Second
)

// Run supervises the game until a SIGTERM comes by signals; it returns when
// the game is stopped then. ctx kills everything.
func Run(ctx context.Context, o Options, signals <-chan os.Signal) error {
	p, err := o.plan()
	if err != nil {
		return err
	}
	s := &supervisor{
		o: o, plan: p, say: &voice{clock: o.Clock, out: o.Out},
		requests: make(chan request), gone: make(chan struct{}, 1),
	}
	closeSocket, err := s.listen(ctx)
	if err != nil {
		return err
	}
	err = s.loop(ctx, signals)
	return errors.Join(err, closeSocket())
}

// supervisor is a container's first process. Only the goroutine of Run touches
// what it holds.
type supervisor struct {
	o        Options
	plan     plan
	say      *voice
	requests chan request
	gone     chan struct{} // the child has ended

	child  *exec.Cmd
	stdin  io.WriteCloser
	born   time.Time
	script int // the pretended number of the script's process
	lives  int
	failed int // starts in a row

	stop    *stopping
	revive  <-chan time.Time
	waiting []request // for the stop
	ballast [][]byte
}

// stopping is a stop under way.
type stopping struct {
	poll     <-chan time.Time
	escalate <-chan time.Time
	give     <-chan time.Time
	signal   syscall.Signal // the next one
	gone     bool           // the game is, and the script has not noticed
	exits    bool           // the container ends with it
}

func (s *supervisor) loop(ctx context.Context, signals <-chan os.Signal) error {
	updated := s.boot()
	defer s.killChild()
	for {
		var poll, escalate, give <-chan time.Time
		if s.stop != nil {
			poll, escalate, give = s.stop.poll, s.stop.escalate, s.stop.give
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-updated:
			updated = nil
			s.say.syslog(updater, "Success! App '896660' fully installed.")
			s.say.syslog(updater, "INFO - Valheim Server is already the latest version")
			if s.child == nil && s.revive == nil {
				s.spawn()
			}
		case <-signals:
			s.say.supervisord("WARN received SIGTERM indicating exit request")
			if s.child == nil {
				return nil
			}
			s.say.supervisord("INFO waiting for %s, syslogd to die", server)
			s.beginStop()
			s.stop.exits = true
		case r := <-s.requests:
			s.request(r)
		case <-s.gone:
			s.childGone()
		case <-s.revive:
			s.revive = nil
			s.spawn()
		case <-escalate:
			s.escalate()
		case <-give:
			s.say.supervisord("WARN killing '%s' (%d) with SIGKILL", server, s.script)
			s.stop.give = nil
			s.signal(syscall.SIGKILL)
		case <-poll:
			if exits, done := s.poll(); done && exits {
				return nil
			}
		}
	}
}

// boot prints what comes before the game, and says when the updater is through.
func (s *supervisor) boot() <-chan time.Time {
	s.say.write("INFO - Setting timezone Etc/UTC")
	s.say.supervisord("INFO supervisord started with pid %d", os.Getpid())
	s.say.supervisord("INFO spawned: '%s' with pid %d", updater, s.number())
	s.say.syslog(updater, "INFO - Downloading/updating/validating Valheim server from Steam")
	s.say.syslog(updater, "Redirecting stderr to '/home/valheim/Steam/logs/stderr.txt'")
	s.say.syslog(updater, "Loading Steam API...OK")
	return s.o.Clock.After(s.plan.update)
}

// number is a pretended process number.
func (s *supervisor) number() int {
	s.lives++
	return 100 + s.lives
}

func (s *supervisor) spawn() {
	s.script = s.number()
	s.say.supervisord("INFO spawned: '%s' with pid %d", server, s.script)
	s.say.syslog(server, "INFO - Running Valheim Server")
	s.say.syslog(server, "DEBUG - [%d] - Server config is name: %s, port: %s/udp, world: %s, public: %s, mod: none",
		s.script, s.o.Getenv("SERVER_NAME"), s.o.Getenv("SERVER_PORT"), s.o.Getenv("WORLD_NAME"), s.o.Getenv("SERVER_PUBLIC"))
	cmd := exec.Command(s.o.Game) //nolint:gosec,noctx // the caller's own program; it outlives every context
	cmd.Args = append([]string{GameProgram}, s.plan.args...)
	cmd.Env = append(os.Environ(), s.plan.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the script's setsid
	stdin, err := cmd.StdinPipe()
	if err != nil {
		s.notSpawned(err)
		return
	}
	out, in, err := os.Pipe()
	if err != nil {
		s.notSpawned(err)
		return
	}
	cmd.Stdout, cmd.Stderr = in, in
	err = cmd.Start()
	_ = in.Close() // the child has its own
	if err != nil {
		_ = out.Close()
		s.notSpawned(err)
		return
	}
	s.child, s.stdin, s.born = cmd, stdin, s.o.Clock.Now()
	go func() {
		s.say.pass(out)
		_ = out.Close()
		_ = cmd.Wait() // its state says how
		s.gone <- struct{}{}
	}()
}

func (s *supervisor) notSpawned(err error) {
	s.say.supervisord("ERRO spawnerr: %v", err)
}

// request answers one of the control socket.
func (s *supervisor) request(r request) {
	words := strings.Fields(r.line)
	verb, rest := "", ""
	if len(words) > 0 {
		verb, rest = words[0], strings.TrimSpace(strings.TrimPrefix(r.line, words[0]))
	}
	count, _ := strconv.Atoi(rest)
	ours := rest == server
	switch {
	case verb == "stop" && ours:
		if s.child == nil {
			s.revive = nil
			r.reply(1, server+": ERROR (not running)")
			return
		}
		s.waiting = append(s.waiting, r)
		if s.o.Getenv(DeafVariable) == "" {
			s.beginStop()
		}
	case verb == "start" && ours && s.child == nil:
		s.failed, s.revive = 0, nil
		s.spawn()
		r.reply(0, server+": started")
	case verb == "start" && ours:
		r.reply(1, server+": ERROR (already started)")
	case verb == "status" && ours && s.child != nil:
		r.reply(0, fmt.Sprintf("%s RUNNING pid %d, uptime %v", server, s.script, s.o.Clock.Now().Sub(s.born).Round(time.Second)))
	case verb == "status" && ours:
		r.reply(3, server+" STOPPED")
	case verb == "tell" && s.child != nil:
		if _, err := io.WriteString(s.stdin, rest+"\n"); err != nil {
			r.reply(1, err.Error())
			return
		}
		r.reply(0)
	case verb == "flood":
		s.say.flood(count)
		r.reply(0)
	case verb == "long":
		s.say.syslog(server, "%s", strings.Repeat("x", count))
		r.reply(0)
	case verb == "eat":
		r.reply(0)
		s.ballast = append(s.ballast, eat(count)...)
	default:
		r.reply(2, "*** Unknown syntax: "+r.line)
	}
}

// eat takes memory and uses it.
func eat(mega int) (eaten [][]byte) {
	for range mega {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 512 {
			b[i] = 1
		}
		eaten = append(eaten, b)
	}
	return eaten
}

// beginStop does what supervisord and the script do when they are told to stop.
func (s *supervisor) beginStop() {
	s.revive = nil
	if s.stop != nil || s.child == nil {
		return
	}
	s.stop = &stopping{
		poll: s.o.Clock.After(pollEvery), escalate: s.o.Clock.After(escalate), give: s.o.Clock.After(stopWait),
		signal: syscall.SIGTERM,
	}
	s.say.supervisord("INFO waiting for %s to stop", server)
	s.say.syslog(server, "DEBUG - [%d] - Received signal to shut down valheim-server", s.script)
	s.say.syslog(server, "INFO - Shutting down Valheim server with PID %d", s.child.Process.Pid)
	s.signal(syscall.SIGINT)
	s.say.syslog(server, "DEBUG - [%d] - Waiting for Valheim Server with PID %d to shut down", s.script, s.child.Process.Pid)
}

// signal: to the game's whole group, as the script does.
func (s *supervisor) signal(sig syscall.Signal) {
	if s.child != nil {
		_ = syscall.Kill(-s.child.Process.Pid, sig) // it may be gone
	}
}

func (s *supervisor) killChild() { s.signal(syscall.SIGKILL) }

func (s *supervisor) escalate() {
	name := map[syscall.Signal]string{syscall.SIGTERM: "TERM", syscall.SIGKILL: "KILL"}[s.stop.signal]
	s.say.syslog(server, "WARN - Timeout while waiting for server to shut down - sending SIG%s to PGID %d", name, s.child.Process.Pid)
	s.signal(s.stop.signal)
	s.stop.signal, s.stop.escalate = syscall.SIGKILL, s.o.Clock.After(escalate)
}

// childGone: the game has ended. Under a stop the script notices with its next
// look only.
func (s *supervisor) childGone() {
	if s.stop != nil {
		s.stop.gone = true
		return
	}
	pid, lived := s.child.Process.Pid, s.o.Clock.Now().Sub(s.born)
	if status, ok := s.child.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		s.say.syslog(server, `/usr/local/bin/valheim-server: line 28: %5d Killed                  "$valheim_server" -nographics`, pid)
	}
	s.scriptEnds()
	if s.failed++; lived > firmAfter {
		s.failed = 0
	}
	if s.failed == 0 {
		s.say.supervisord("INFO exited: %s (exit status 0; expected)", server)
	} else {
		s.say.supervisord("WARN exited: %s (exit status 0; not expected)", server)
	}
	if s.failed > startRetries {
		s.say.supervisord("INFO gave up: %s entered FATAL state, too many start retries too quickly", server)
		return
	}
	s.revive = s.o.Clock.After(reviveAfter * time.Duration(max(1, s.failed)))
}

func (s *supervisor) scriptEnds() {
	s.say.syslog(server, "DEBUG - [%d] - Valheim server with PID %d stopped", s.script, s.child.Process.Pid)
	s.say.syslog(server, "INFO - Shutdown complete")
	s.child = nil
}

// poll is the script's look at a game that it stops.
func (s *supervisor) poll() (exits, done bool) {
	if !s.stop.gone {
		s.say.syslog(server, "DEBUG - [%d] - Waiting for Valheim Server with PID %d to shut down", s.script, s.child.Process.Pid)
		s.stop.poll = s.o.Clock.After(pollEvery)
		return false, false
	}
	exits = s.stop.exits
	s.scriptEnds()
	s.say.supervisord("INFO stopped: %s (exit status 0)", server)
	for _, r := range s.waiting {
		r.reply(0, server+": stopped")
	}
	s.stop, s.waiting = nil, nil
	return exits, true
}
