package valheim

import (
	"regexp"
	"strconv"
	"strings"

	"hearth/internal/valheim/line"
	"hearth/internal/world"
)

// match reads a line's body and reports whether anything knows it. The first
// byte decides who looks, plain prefixes come before patterns: most lines of
// a log are noise and must be cheap.
func (r *Reader) match(s line.Line) bool {
	switch s.From {
	case line.Script:
		return r.matchScript(s.Body)
	case line.Supervisor:
		return r.matchSupervisor(s.Body)
	case line.Loader: // it says the game's version
		return strings.HasPrefix(s.Body, "Valheim ") && r.matchVersion(s.Body)
	case line.Mod, line.Other:
		return false
	case line.Game:
	}
	body := s.Body
	switch body[0] {
	case 'A':
		if strings.HasPrefix(body, "Already connected to peer with UID:") {
			return r.matchDuplicate(body)
		}
	case 'C':
		switch {
		case strings.HasPrefix(body, "Closing socket "):
			return r.matchClosing(body)
		case strings.HasPrefix(body, "Connections "):
			return r.matchConnections(body)
		}
	case 'D':
		if strings.HasPrefix(body, "Destroying abandoned non persistent zdo ") {
			return r.matchAbandoned(body)
		}
	case 'G':
		switch {
		case strings.HasPrefix(body, "Got character ZDOID from "):
			return r.matchCharacter(body)
		case strings.HasPrefix(body, "Got connection SteamID "), strings.HasPrefix(body, "Got session request from "):
			return r.matchKnock(body)
		case strings.HasPrefix(body, "GetSave"):
			return r.matchSave(body)
		}
	case 'K':
		return r.matchKicked(body) || r.matchHeld(body)
	case 'P':
		switch {
		case strings.HasPrefix(body, "Peer "):
			return r.matchPeer(body)
		case strings.HasPrefix(body, "Player "):
			return r.matchSession(body) || r.matchBanned(body)
		case strings.HasPrefix(body, "PlayFab "):
			return r.matchPlayFab(body)
		}
		return r.matchSave(body)
	case 'R':
		return r.matchR(body)
	case 'T':
		if strings.HasPrefix(body, "Time ") {
			return r.matchDay(body)
		}
	case 'V':
		return r.matchVersion(body)
	case 'W', 'c', '#':
		if r.matchSave(body) {
			return true
		}
	case 'S', 'N':
		if strings.HasPrefix(body, "Server: New peer connected") {
			r.connected()
			return true
		}
		if r.matchSave(body) || strings.HasPrefix(body, "Session ") && r.matchSession(body) ||
			strings.HasPrefix(body, "New session ") && r.matchSession(body) {
			return true
		}
	case 'Z':
		switch {
		case body == "ZRpc timeout detected": // "ZRpc timeout set to 90s" is a setting
			r.roster.timeout = r.now
			return true
		case strings.HasPrefix(body, "ZPlayFabSocket::"):
			r.roster.crossplay = true
			return true
		}
	}
	return r.matchLife(body)
}

func (r *Reader) matchR(body string) bool {
	switch {
	case body == "RPC_Disconnect": // no identity, and printed for refusals too
		r.roster.hungUp = r.now
	case strings.HasPrefix(body, "Random event set:"):
		event := strings.TrimPrefix(body, "Random event set:")
		if event == "" || strings.ContainsAny(event, " /:") {
			return false
		}
		r.emit(Happening{Kind: Raid, Detail: event})
	case strings.HasPrefix(body, "Resume TX on playfab/"):
		r.restored(strings.TrimPrefix(body, "Resume TX on playfab/"))
	default:
		return false
	}
	return true
}

// slept: the day that is named ends; the number of the new one is one more.
// The locale decides about points and commas.
var slept = regexp.MustCompile(`^Time [\d.,]+, day:(\d{1,9}) +nextm:[\d.,]+ +skipspeed:[\d.,]+$`)

func (r *Reader) matchDay(body string) bool {
	m := slept.FindStringSubmatch(body)
	if m == nil {
		return false
	}
	day, err := strconv.Atoi(m[1])
	if err != nil {
		return false
	}
	r.emit(Happening{Kind: Day, Count: day + 1})
	return true
}

// The lines of joins and leaves. A player chooses NAME, so it is greedy and
// the line's end is fixed.
var (
	banned    = regexp.MustCompile(`^(?s:Player (.*)) : ([\w.:/-]{1,64}) is blacklisted or not in whitelist\.?$`)
	kickedFor = regexp.MustCompile(`^Kicking player not in permitted list (?s:(.*)) host: ([\w.:/-]{1,64})$`)
	duplicate = regexp.MustCompile(`^Already connected to peer with UID:\S+(?: +([\w.:/-]{1,64}))?$`)
	playFabID = regexp.MustCompile(`^PlayFab socket with remote ID playfab/(\w{1,64}) received local Platform ID (\w{1,64})$`)
)

// matchConnections: " Connections N ZDOS:…", every ten minutes.
func (r *Reader) matchConnections(body string) bool {
	number, rest, _ := strings.Cut(strings.TrimPrefix(body, "Connections "), " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n > 9999 || !strings.HasPrefix(rest, "ZDOS:") {
		return false
	}
	r.counted(n)
	return true
}

// matchCharacter: "… from NAME : OWNER:IDX". The owner is the session's
// number, signed and wider than 32 bits; 0:0 is a death.
func (r *Reader) matchCharacter(body string) bool {
	rest := strings.TrimPrefix(body, "Got character ZDOID from ")
	at := strings.LastIndex(rest, " : ")
	if at < 0 {
		return false
	}
	owner, idx, ok := strings.Cut(rest[at+3:], ":")
	if !ok || !isOwner(owner) || !isDigits(idx) {
		return false
	}
	name := short(strings.TrimSpace(rest[:at]))
	if owner == "0" {
		if idx == "0" {
			r.died(name)
		}
		return true
	}
	r.character(owner, name, idx)
	return true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) <= 20
}

// isID: an account, an address, or crossplay's name of a connection.
func isID(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', strings.IndexByte("_-.:/", c) >= 0:
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

func isOwner(s string) bool { return isDigits(strings.TrimPrefix(s, "-")) }

// matchAbandoned: "… zdo A:B owner OWNER", many of one leave.
func (r *Reader) matchAbandoned(body string) bool {
	at := strings.LastIndex(body, " owner ")
	if at < 0 || !isOwner(body[at+7:]) {
		return false
	}
	r.abandoned(body[at+7:])
	return true
}

func (r *Reader) matchKnock(body string) bool {
	id := body[strings.LastIndexByte(body, ' ')+1:]
	if !isDigits(id) {
		return false
	}
	r.knocked(id, "")
	return true
}

func (r *Reader) matchClosing(body string) bool {
	id := strings.TrimPrefix(body, "Closing socket ")
	if !isDigits(id) {
		return false
	}
	if len(id) == 17 { // 0 stands in clients' logs
		r.closing(id)
	}
	return true
}

func (r *Reader) matchPlayFab(body string) bool {
	r.roster.crossplay = true
	if hex, ok := strings.CutPrefix(body, "PlayFab listen socket child connected to remote player "); ok && isID(hex) {
		r.knocked("", hex)
		return true
	}
	if m := playFabID.FindStringSubmatch(body); m != nil {
		r.identified(m[1], m[2])
		return true
	}
	return false
}

// matchHeld: the link is lost and its socket kept for up to 90 s.
func (r *Reader) matchHeld(body string) bool {
	hex, ok := strings.CutPrefix(body, "Keep socket for playfab/")
	if !ok {
		return false
	}
	if hex, _, _ = strings.Cut(hex, ","); !isID(hex) {
		return false
	}
	r.held(hex)
	return true
}

// matchPeer: refusals that name the peer.
func (r *Reader) matchPeer(body string) bool {
	peer, what, _ := strings.Cut(strings.TrimPrefix(body, "Peer "), " ")
	h := Happening{Kind: Refused}
	if !isID(peer) {
		return false
	}
	switch {
	case strings.HasPrefix(what, "has incompatible version, mine:"):
		mine, theirs, _ := strings.Cut(strings.TrimPrefix(what, "has incompatible version, mine:"), " remote ")
		h.Refusal, h.Detail = world.RefusedVersion, RefusalVersion
		h.Mine, h.Theirs = strings.TrimSpace(mine), strings.TrimSpace(theirs)
	case strings.HasPrefix(what, "has invalid session ticket"):
		h.Refusal, h.Detail = world.RefusedOther, RefusalTicket
	case strings.HasPrefix(what, "disconnected due to server is full"):
		h.Refusal, h.Detail = world.RefusedFull, RefusalFull
	case strings.HasPrefix(what, "has wrong password"):
		h.Refusal, h.Detail = world.RefusedPassword, RefusalPassword
	default:
		return false
	}
	r.refused(peer, h)
	return true
}

func (r *Reader) matchBanned(body string) bool {
	m := banned.FindStringSubmatch(body)
	if m == nil {
		return false
	}
	h := Happening{Kind: Refused, Refusal: world.RefusedBanned, Detail: RefusalList}
	h.Player.Name = short(strings.TrimSpace(m[1]))
	r.refused(m[2], h)
	return true
}

func (r *Reader) matchDuplicate(body string) bool {
	m := duplicate.FindStringSubmatch(body)
	if m == nil {
		return false
	}
	r.refused(m[1], Happening{Kind: Refused, Refusal: world.RefusedOther, Detail: RefusalDuplicate})
	return true
}

// matchKicked: the permitted list changed, or an admin kicked ("Kicking NAME",
// read in the game's code).
func (r *Reader) matchKicked(body string) bool {
	if m := kickedFor.FindStringSubmatch(body); m != nil {
		name := short(strings.TrimSpace(m[1]))
		s := r.kick(name, m[2])
		h := Happening{Kind: Refused, Refusal: world.RefusedBanned, Detail: RefusalPermittedKick, PlatformID: platformID(m[2])}
		h.Player.Name = name
		if s != nil {
			h.Player.Owner = s.owner
		}
		r.emit(h)
		return true
	}
	if name, ok := strings.CutPrefix(body, "Kicking "); ok {
		r.kick(short(strings.TrimSpace(name)), "")
		return true
	}
	return false
}
