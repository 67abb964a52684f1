package valheim

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// phase is where the game is in its life.
type phase int

const (
	unknown  phase = iota // the log began in the middle, or nothing was said yet
	up                    // it started
	stopping              // a stop was asked for
	down                  // it ended
)

// life is one start of the game.
type life struct {
	phase     phase
	version   string
	listening bool
	opened    mark // the last time it said so
	code      string
	faults    []string
	escalated string // the last signal of an impatient stop
	clue      string // why it may have crashed
}

// booted begins a new life: whoever was on is off.
func (r *Reader) booted() {
	r.confirm()
	r.flush()
	r.life = life{phase: up}
	r.saving = 0
}

// alive notes a sign of a started game. After an end it is a new start whose
// first lines were not seen.
func (r *Reader) alive() {
	switch r.life.phase {
	case down:
		r.booted()
	case unknown:
		r.life.phase = up
	case up, stopping:
	}
}

func (r *Reader) version(version, network string) {
	if r.life.listening || len(r.roster.sessions) > 0 || r.trust.doubt.number != 0 {
		r.booted() // a crash left no line
	}
	r.alive()
	if version = short(version); r.life.version == version { // BepInEx says it up to four times
		return
	}
	r.life.version = version
	r.roster.fromStart()
	r.emit(Happening{Kind: VersionKnown, Version: version, Network: network})
}

func (r *Reader) listening(signal string) {
	if signal == SignalLogon {
		r.alive()
		// Steam's log-on is repeated after an outage.
		if r.life.listening || len(r.roster.sessions) > 0 {
			r.life.listening = true
			return
		}
	} else {
		if len(r.roster.sessions) > 0 || r.life.opened.line != 0 && !r.near(r.life.opened) {
			r.booted() // the socket is opened once per start, whose first lines were not seen
		}
		r.alive()
		r.life.opened = r.now
		if r.life.listening {
			return
		}
	}
	r.life.listening = true
	r.roster.fromStart() // nobody can be on before
	r.emit(Happening{Kind: Listening, Signal: signal})
}

func (r *Reader) joinCode(code string) {
	if code == "" || code == r.life.code {
		return
	}
	r.life.code = code
	r.emit(Happening{Kind: JoinCode, Code: code})
}

func (r *Reader) fault(detail string) {
	if detail != FaultUpdate {
		r.life.clue = detail
	}
	if slices.Contains(r.life.faults, detail) {
		return
	}
	if detail != FaultUpdate { // the game goes on, and there may be a next one
		r.life.faults = append(r.life.faults, detail)
	}
	r.emit(Happening{Kind: Fault, Detail: detail})
}

func (r *Reader) stopping() {
	if r.life.phase == stopping || r.life.phase == down {
		return
	}
	r.life.phase = stopping
	r.emit(Happening{Kind: Stopping})
}

func (r *Reader) stopped(detail string) {
	if r.life.phase == down {
		return
	}
	r.ended(Happening{Kind: Stopped, Detail: detail})
}

func (r *Reader) crashed(detail string) {
	if r.life.phase == down {
		return
	}
	if detail == "" && r.trust.doubt.number == 0 {
		detail = r.life.clue
	}
	r.ended(Happening{Kind: Crashed, Detail: detail})
}

// ended: the game is gone, and everybody with it. That confirms a crash that was
// in doubt.
func (r *Reader) ended(h Happening) {
	r.flush()
	if d := r.trust.doubt; d.number != 0 {
		h.Detail = d.detail
	}
	r.life.phase, r.trust.doubt = down, doubt{}
	r.emit(h)
}

// gone: the process ended, by the word of those who watch it. Its exit status
// means nothing: 0 is seen after an out-of-memory kill.
func (r *Reader) gone(detail string) {
	if r.life.phase == stopping {
		r.stopped(detail)
		return
	}
	r.crashed(detail)
}

// escalated: the signal that asked had no effect. The container's script and
// supervisord may both say so.
func (r *Reader) escalated(signal string) {
	r.stopping()
	if (signal == "SIGTERM" || signal == "SIGKILL") && r.life.escalated != signal {
		r.life.escalated = signal
		r.emit(Happening{Kind: Escalated, Detail: signal})
	}
}

// stoppedPID: the container's script about the process it started. The shell
// names the killed one with the script and its line.
var (
	stoppedPID = regexp.MustCompile(`^Valheim server with PID \d+ stopped$`)
	killed     = regexp.MustCompile(`^\S+: line \d+: +\d+ (Killed|Segmentation fault|Aborted)\b`)
)

// matchScript reads the container's own scripts.
func (r *Reader) matchScript(body string) bool {
	switch {
	case body == "Received signal to shut down valheim-server",
		strings.HasPrefix(body, "Shutting down Valheim server with PID "):
		r.stopping()
	case strings.HasPrefix(body, "Valheim server with PID ") && stoppedPID.MatchString(body):
		r.gone("")
	case body == "Shutdown complete":
		r.stopped("")
	case body == "Downloading/updating/validating Valheim server from Steam":
		r.emit(Happening{Kind: UpdateStarted})
	case strings.HasPrefix(body, "Timeout while waiting for server to shut down - sending SIG"):
		// The script of 2026 goes on: " to PGID N".
		signal, _, _ := strings.Cut(strings.TrimPrefix(body, "Timeout while waiting for server to shut down - sending "), " ")
		r.escalated(signal)
	case body == "Valheim Server was updated - restarting":
		r.emit(Happening{Kind: UpdateFinished, Count: 1})
	case body == "Valheim Server is already the latest version":
		r.emit(Happening{Kind: UpdateFinished})
	case strings.HasPrefix(body, "Failed to update Valheim server from Steam"):
		r.fault(FaultUpdate)
	default:
		return false
	}
	return true
}

// matchSupervisor reads supervisord. Its words about the game stand in for
// the game's own, which can be missing.
func (r *Reader) matchSupervisor(body string) bool {
	switch {
	case body == "waiting for valheim-server to stop":
		r.stopping()
	case strings.HasPrefix(body, "spawned: 'valheim-server' with pid "):
		r.booted()
	case strings.HasPrefix(body, "killing 'valheim-server' ("):
		r.escalated(body[strings.LastIndexByte(body, ' ')+1:])
	case strings.HasPrefix(body, "stopped: valheim-server ("):
		signal := endedBy(body)
		if signal == "SIGKILL" && r.life.phase != down {
			r.escalated(signal)
		}
		r.stopped(signal)
	case strings.HasPrefix(body, "exited: valheim-server ("):
		r.gone(endedBy(body))
	default:
		return false
	}
	return true
}

// endedBy is the signal that ended a process by supervisord's word, or empty if
// the process ended by itself.
func endedBy(body string) string {
	_, signal, _ := strings.Cut(body, "(terminated by ")
	signal, _, _ = strings.Cut(strings.TrimSuffix(signal, ")"), ";")
	return signal
}

// matchLife reads what the game says of its own life.
func (r *Reader) matchLife(body string) bool {
	switch body {
	case "Opened Steam server":
		r.listening(SignalSteam)
	case "Opened PlayFab server":
		r.listening(SignalPlayFab)
	case "Game server connected": // its opposite is "Game server connected failed"
		r.listening(SignalLogon)
	case "Game - OnApplicationQuit", "Shutting down", "ZNet Shutdown":
		r.stopping()
	case "ZNet Shutdown without save":
		r.stopping()
		r.saveSkipped(body)
	case "ZNet OnDestroy", "Net scene destroyed", "Steam manager on destroy":
		r.stopped("")
	case "Steam is not initialized", "Awake of network backend failed":
		if !slices.Contains(r.life.faults, FaultPort) { // else it follows from that
			r.fault(FaultNetwork)
		}
	default:
		return r.matchLifeBegin(body)
	}
	return true
}

func (r *Reader) matchLifeBegin(body string) bool {
	switch {
	case strings.HasPrefix(body, "World load failed"):
		r.fault(FaultWorld)
	case strings.HasPrefix(body, "CreateBoundSocket: ::bind couldn't find an open port"):
		r.fault(FaultPort)
	case strings.HasPrefix(body, "Error bad password:"):
		r.fault(FaultPassword)
	default:
		detail, ok := crashDetail(body)
		if ok {
			r.gone(detail)
		}
		return ok
	}
	return true
}

// crashDetail reads what the game's runtime prints when it crashes, or the shell
// around it. None of it has a stamp.
func crashDetail(body string) (detail string, ok bool) {
	switch {
	case strings.HasPrefix(body, "Caught fatal signal - signo:"):
		return "signal " + strings.TrimPrefix(body, "Caught fatal signal - signo:"), true
	case body == "Native Crash Reporting", strings.HasPrefix(body, "Segmentation fault"):
		return "segmentation fault", true
	case body == "hearth: the game's container was killed by the kernel for its memory": // package docker's own
		return "out of memory", true
	case strings.Contains(body, ": line "):
		if m := killed.FindStringSubmatch(body); m != nil {
			return strings.ToLower(m[1]), true
		}
	}
	return "", false
}

// valheimVersion: without a blank in 2021, with l- before it since.
var valheimVersion = regexp.MustCompile(`^Valheim [vV]ersion: ?(?:l-)?(\d\S*)(?: \(network version (\d+)\))?$`)

func (r *Reader) matchVersion(body string) bool {
	m := valheimVersion.FindStringSubmatch(body)
	if m == nil {
		return false
	}
	r.version(m[1], m[2])
	return true
}

// sessionLine is crossplay's word about its session. The session's name may
// hold blanks and quotes; the code is empty while there is none.
var sessionLine = regexp.MustCompile(`^(New session|Player joined|Player connection lost|Session)(?: server)? "(?:.*)" ` +
	`(?:that has|registered with|with) join code (\d{6})?` +
	`(?:, now (\d+) player\(s\)| and IP \S+ is active with \d+ player\(s\))?$`)

func (r *Reader) matchSession(body string) bool {
	m := sessionLine.FindStringSubmatch(body)
	if m == nil {
		return false
	}
	r.roster.crossplay = true
	r.joinCode(m[2])
	if m[1] == "Player connection lost" {
		left, err := strconv.Atoi(m[3])
		r.connectionLost(err == nil && left == 0)
	}
	return true
}
