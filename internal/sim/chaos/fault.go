package chaos

import (
	"maps"
	"sync"
	"time"

	"hearth/internal/sim/chaos/replay"
	"hearth/internal/world"
)

// Fault is a kind of what goes wrong.
type Fault string

// The faults, besides those of calls to the storage account. Each of these may
// be refused, or done and its reply lost.
const (
	CopiedMessage   Fault = "a message comes twice"
	LateMessage     Fault = "a message comes late"
	ForeignWrite    Fault = "somebody else writes the row first"
	StorageAway     Fault = "nobody reaches the storage account"
	TableAway       Fault = "nobody reaches the state table"
	MachinesCutOff  Fault = "no machine reaches the storage account"
	WorkerDies      Fault = "a worker dies"
	WorkerStalls    Fault = "a worker stands still"
	AgentDies       Fault = "an agent dies"
	AgentStaysDead  Fault = "an agent stays dead"
	DiskStops       Fault = "an agent dies in the middle of a write"
	DiskFull        Fault = "an agent's disk is full"
	MemoryLost      Fault = "an agent's memory is lost"
	GameCrashes     Fault = "a game crashes"
	GameRefuses     Fault = "a game does not start"
	CloudRefuses    Fault = "the cloud refuses a call"
	ScaleLost       Fault = "the reply to a scale is lost"
	ScaleFails      Fault = "a scale fails"
	NoCapacity      Fault = "the cloud has no capacity"
	NoQuota         Fault = "the cloud has no quota"
	Eviction        Fault = "a machine is evicted"
	Vanishing       Fault = "a machine vanishes"
	Freezing        Fault = "a machine hangs"
	BootFails       Fault = "a machine does not boot"
	Lingering       Fault = "a machine runs on that is gone from the list"
	ChatFails       Fault = "Discord fails for some calls"
	ChatLimits      Fault = "Discord limits all calls"
	ChatRepliesLost Fault = "Discord's replies are lost"
	ChatTokensLost  Fault = "Discord forgets the tokens of interactions"
	ChatSlow        Fault = "Discord is slow"
	ChatForbids     Fault = "Discord takes the channel from the bot"
	ChatAway        Fault = "Discord is away"
)

// excuses are the faults for which something may be told late: somebody on the
// way to the channel is away, or was just now and has work waiting. What is not
// among them excuses nothing: messages that come twice, other writers, machines
// and games that fail.
func excuses() []Fault {
	all := []Fault{
		LateMessage, StorageAway, TableAway, MachinesCutOff, WorkerDies, WorkerStalls, CloudRefuses, ScaleLost, Lingering, DiskFull, refused("load"),
	}
	for _, call := range calls() {
		all = append(all, refused(call), replyLost(call))
	}
	return all
}

// chatExcuses are those of Discord, some of which last until they are used up.
func chatExcuses() []Fault {
	return []Fault{ChatFails, ChatLimits, ChatRepliesLost, ChatTokensLost, ChatSlow, ChatForbids, ChatAway}
}

// agentExcuses are those of an agent that is away.
func agentExcuses() []Fault {
	return []Fault{AgentDies, AgentStaysDead, DiskStops, MemoryLost, Freezing}
}

// calls are those to the storage account that may be refused, or done and their
// reply lost.
func calls() []string {
	return []string{"send", "receive", "delete", "write", "acquire", "renew", "release"}
}

func refused(call string) Fault   { return Fault(call + " is refused") }
func replyLost(call string) Fault { return Fault("the reply to " + call + " is lost") }

// Faults are all kinds. A load has no reply to lose: that it is refused is the
// same.
func Faults() []Fault {
	all := []Fault{
		CopiedMessage, LateMessage, ForeignWrite, StorageAway, TableAway, MachinesCutOff, WorkerDies, WorkerStalls, AgentDies, AgentStaysDead, DiskStops, DiskFull, MemoryLost, GameCrashes,
		GameRefuses, CloudRefuses, ScaleLost, ScaleFails, NoCapacity, NoQuota, Eviction, Vanishing, Freezing, BootFails, Lingering,
		ChatFails, ChatLimits, ChatRepliesLost, ChatTokensLost, ChatSlow, ChatForbids, ChatAway, refused("load"),
	}
	for _, call := range calls() {
		all = append(all, refused(call), replyLost(call))
	}
	return all
}

// faultCounts counts what went wrong, and knows when each kind did last. It is
// safe for concurrent use.
type faultCounts struct {
	clock world.Clock

	mu    sync.Mutex // guards what follows
	of    map[Fault]int
	last  map[Fault]time.Time // when one began or ended
	lasts map[Fault]int       // how many are under way
}

func newFaultCounts(clock world.Clock) *faultCounts {
	return &faultCounts{clock: clock, of: map[Fault]int{}, last: map[Fault]time.Time{}, lasts: map[Fault]int{}}
}

// add counts one that is over at once.
func (c *faultCounts) add(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[f]++
	c.last[f] = c.clock.Now()
}

// begin counts one that lasts until end.
func (c *faultCounts) begin(f Fault) {
	c.add(f)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lasts[f]++
}

func (c *faultCounts) end(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lasts[f]--
	c.last[f] = c.clock.Now()
}

// since tells which of these kinds there was at or after an instant, or is
// still; empty: none.
func (c *faultCounts) since(at time.Time, kinds ...Fault) Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range kinds {
		if c.lasts[f] > 0 || !c.last[f].Before(at) {
			return f
		}
	}
	return ""
}

func (c *faultCounts) all() map[Fault]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.of)
}

// fault lets one happen, or not: with probability p while the chaos lasts.
func (s *simulation) fault(f Fault, d *replay.Dice, p float64) bool {
	if p == 0 || !d.Chance(p) || !s.chaotic.Load() {
		return false
	}
	s.faults.add(f)
	return true
}
