package simgame

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// maxPeers is how many the game lets in.
const maxPeers = 10

// peer is somebody connecting or connected.
type peer struct {
	name     string
	steam    string // 17 digits
	hex      string // crossplay's name of its socket
	owner    int64  // session number; 0 until it spawns
	idx      int    // counts its objects
	since    time.Time
	accepted bool
	dead     bool
	gone     bool
}

// manner is how a join goes.
type manner string

const (
	mannerFine     manner = ""
	mannerPassword manner = "wrong-password"
	mannerVersion  manner = "old-version"
	mannerFull     manner = "full"
	mannerBanned   manner = "banned"
)

// find returns the first peer of that name.
func (g *game) find(name string) *peer {
	for _, p := range g.peers {
		if p.name == name {
			return p
		}
	}
	return nil
}

// identity makes a player's account of its name, so that it is the same on
// every evening; namesakes of one evening get different ones.
func (g *game) identity(name string) (steam, hex string) {
	namesakes := 0
	for _, p := range g.peers {
		if p.name == name {
			namesakes++
		}
	}
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s/%d", name, namesakes) // a hash never fails
	sum := h.Sum64()
	return fmt.Sprintf("76561198%09d", sum%1_000_000_000), fmt.Sprintf("%016X", sum)
}

// id is how refusals and handshakes name a peer.
func (g *game) id(p *peer) string {
	if g.o.Form.crossplay() {
		return "playfab/" + p.hex
	}
	return p.steam
}

// join connects somebody: the knock now, the checks after some seconds of
// typing, the character 8 to 17 s later.
func (g *game) join(name string, how manner) {
	p := &peer{name: name}
	p.steam, p.hex = g.identity(name)
	g.peers = append(g.peers, p)
	if g.o.Form.crossplay() {
		g.sockets++
		g.log.say("PlayFab listen socket child connected to remote player %s", p.hex)
		g.log.say("Player joined server %s that has join code %s, now %d player(s)", g.session(), g.code, g.sockets)
		g.log.say("ZRpc timeout set to 90s ")
		g.log.say("Muted PlayFab remote player %s", p.hex)
		g.log.say("PlayFab socket with remote ID playfab/%s received local Platform ID Steam_%s", p.hex, p.steam)
	} else {
		g.log.say("Got status changed msg k_ESteamNetworkingConnectionState_Connecting")
		g.log.say("New connection")
		g.log.say("Accepting connection k_EResultOK")
		g.log.say("Got status changed msg k_ESteamNetworkingConnectionState_Connected")
		g.log.say("Got connection SteamID %s", p.steam)
	}
	g.log.say("Got handshake from client %s", g.id(p))
	g.in(g.between(3*time.Second, 8*time.Second), func() {
		if g.phase == listening && !p.gone {
			g.check(p, how)
		}
	})
}

// check is the server's answer to a join, in the order in which the game
// checks.
func (g *game) check(p *peer, how manner) {
	network := g.network()
	theirs := network
	if how == mannerVersion {
		theirs--
	}
	g.log.say("Network version check, their:%d, mine:%d", theirs, network)
	in := 0
	for _, other := range g.peers {
		if other.accepted {
			in++
		}
	}
	switch {
	case how == mannerVersion:
		g.log.say("Peer %s has incompatible version, mine:%s (network version %d)   remote 0.0.1 (network version %d)",
			g.id(p), g.o.Version, network, theirs)
	case how == mannerBanned:
		g.log.say("Player %s : Steam_%s is blacklisted or not in whitelist.", p.name, p.steam)
	case how == mannerFull || in >= maxPeers:
		g.log.say("Peer %s disconnected due to server is full", g.id(p))
	case how == mannerPassword:
		g.log.say("Peer %s has wrong password", g.id(p))
	default:
		p.accepted = true
		g.log.say("Server: New peer connected,sending global keys")
		g.in(g.between(8*time.Second, 17*time.Second), func() {
			if g.phase == listening && !p.gone {
				g.spawn(p)
			}
		})
		return
	}
	g.hangUp(p)
}

func (g *game) spawn(p *peer) {
	p.owner = g.rnd.Int64N(1<<32) - 1<<31 // signed, as the game's are
	if p.owner >= 0 {
		p.owner++
	}
	p.idx = 1 + g.rnd.IntN(6)
	p.since = g.o.Clock.Now()
	g.character(p)
	g.log.say("Console: <color=orange>%s</color>: <color=#FFEB04FF>I HAVE ARRIVED!</color>",
		strings.NewReplacer("<", " ", ">", " ").Replace(p.name))
	g.chronicle(p.name, "arrived")
	if _, ok := g.world.Players[p.name]; !ok {
		g.world.Players[p.name] = Character{}
	}
}

func (g *game) character(p *peer) {
	g.log.say("Got character ZDOID from %s : %d:%d", p.name, p.owner, p.idx)
}

// die kills a character; it has a new body some 8 s later.
func (g *game) die(p *peer) {
	p.dead = true
	g.log.say("Got character ZDOID from %s : 0:0", p.name)
	g.chronicle(p.name, "died")
	c := g.world.Players[p.name]
	c.Deaths++
	c.X, c.Z = 0, 0 // everybody wakes up at the stones
	g.world.Players[p.name] = c
	g.in(g.between(7*time.Second, 9*time.Second), func() {
		if g.phase != listening || p.gone {
			return
		}
		p.dead = false
		p.idx += 100 + g.rnd.IntN(400)
		g.character(p)
	})
}

// leave is a clean leave, or a join given up.
func (g *game) leave(p *peer) { g.hangUp(p) }

func (g *game) hangUp(p *peer) {
	g.log.say("RPC_Disconnect")
	g.abandon(p)
	if g.o.Form.crossplay() {
		g.sockets--
		g.log.raw("ZPlayFabSocket::Dispose. State: CONNECTED")
		g.log.raw("ZPlayFabSocket::Dispose. leave lobby. LobbyId: ")
		g.log.raw("ZPlayFabSocket::Dispose. State: CLOSED")
		g.log.say("Player connection lost server %s that has join code %s, now %d player(s)", g.session(), g.code, g.sockets)
	} else {
		g.log.say("Disposing socket")
		g.closeSocket(p)
		g.log.say("Got status changed msg k_ESteamNetworkingConnectionState_ClosedByPeer")
		g.log.say("Socket closed by peer Steamworks.SteamNetConnectionStatusChangedCallback_t")
	}
	g.remove(p)
}

// timeout is a leave without a word from the player: no RPC_Disconnect, and
// on crossplay no line with the count either.
func (g *game) timeout(p *peer) {
	g.log.say("ZRpc timeout detected")
	if g.o.Form.crossplay() {
		g.sockets--
		g.log.raw("ZPlayFabSocket::Dispose. State: CONNECTED")
		g.log.raw("ZPlayFabSocket::Dispose. leave lobby. LobbyId: ")
		g.abandon(p)
		g.log.raw("ZPlayFabSocket::Dispose. State: CLOSED")
	} else {
		g.closeSocket(p)
		g.abandon(p)
	}
	g.remove(p)
}

func (g *game) closeSocket(p *peer) {
	g.log.say("Closing socket %s", p.steam)
	g.log.say("  send queue size:0")
	g.log.say("Disposing socket")
}

// abandon destroys what belonged to a session, its body first.
func (g *game) abandon(p *peer) {
	if p.owner == 0 {
		return
	}
	for i := range 2 + g.rnd.IntN(5) {
		g.log.say("Destroying abandoned non persistent zdo %d:%d owner %d", p.owner, p.idx+i*17, p.owner)
	}
}

func (g *game) remove(p *peer) {
	p.gone = true
	if p.owner != 0 {
		c := g.world.Players[p.name]
		c.Played += g.o.Clock.Now().Sub(p.since)
		g.world.Players[p.name] = c
		g.chronicle(p.name, "left")
	}
	for i, other := range g.peers {
		if other == p {
			g.peers = append(g.peers[:i:i], g.peers[i+1:]...)
			return
		}
	}
}
