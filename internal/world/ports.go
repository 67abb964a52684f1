package world

import (
	"context"
	"errors"
	"time"
)

// The ports: what Hearth needs of the world outside. Queue, Store, Archive,
// Lease, Compute, Console, Estate, Metadata and Game have a contract suite each in worldtest,
// Chat has one in chattest below it, and every implementation passes its
// port's.

// Errors that callers branch on.
var (
	// ErrNotFound: no row has this key.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the row changed since it was read, or exists already. The
	// write may still be one's own whose reply was lost: re-read before
	// judging.
	ErrConflict = errors.New("row changed since it was read")
	// ErrStaleReceipt: the message was handed to somebody else meanwhile.
	ErrStaleReceipt = errors.New("stale receipt")
	// ErrTooLarge: a message or row is above its limit. Nothing was written.
	ErrTooLarge = errors.New("too large")
	// ErrLeaseHeld: another holder has the lease and it has not expired.
	ErrLeaseHeld = errors.New("lease held by another")
	// ErrLeaseLost: the lease expired or was taken; the caller no longer
	// holds it.
	ErrLeaseLost = errors.New("lease lost")
	// ErrMessageGone: the chat message, or the token that leads to it, no
	// longer exists.
	ErrMessageGone = errors.New("message gone")
	// ErrChatForbidden: the chat refuses the bot for good (permission or
	// token). Trying again does not help.
	ErrChatForbidden = errors.New("chat refuses the bot")
	// ErrMaybeRunning: the server may have been started: its state is not
	// known. Nothing else may take its place before Find has told.
	ErrMaybeRunning = errors.New("the server may have been started: its state is not known")
)

// Clock tells the time and waits. Hearth's parts take one instead of reading
// the system's, so that local mode can run twenty times as fast and tests can
// run in no time.
type Clock interface {
	Now() time.Time
	// After sends once on the returned channel when d has passed on this
	// clock. d <= 0 sends at once.
	After(d time.Duration) <-chan time.Time
}

// Queue delivers messages at least once, in any order. All methods are safe
// for concurrent use.
type Queue interface {
	// Send enqueues body, at most 48 KiB, invisible for delay (0 to 7 days).
	// An error leaves open whether the message was enqueued.
	Send(ctx context.Context, body []byte, delay time.Duration) error
	// Receive returns up to limit visible messages (1 to 32), each hidden
	// from others for visibility and its DequeueCount raised by one. No
	// message: an empty slice, at once.
	Receive(ctx context.Context, limit int, visibility time.Duration) ([]Message, error)
	// Delete removes a received message. ErrStaleReceipt when its visibility
	// ran out and it was received again, or it is gone.
	Delete(ctx context.Context, m Message) error
}

// Message is one delivery of a queued message.
type Message struct {
	ID      string
	Receipt string // changes with every delivery
	Body    []byte
	// DequeueCount counts deliveries, this one included; from 1.
	DequeueCount int
}

// MaxDeliveries is how often a message is handed to a handler before it goes
// to the poison queue.
const MaxDeliveries = 5

// Key names a row: the guild is the partition, the world the row.
type Key struct {
	Guild string
	World string
}

// Row is a world's state as stored, with the tag that guards its replacement.
type Row struct {
	Key   Key
	State State
	ETag  string // opaque; empty for a row that is not stored yet
}

// Store keeps one row per world. First write wins: no blind writes, no
// upserts. All methods are safe for concurrent use.
type Store interface {
	// Load returns the row, or ErrNotFound.
	Load(ctx context.Context, key Key) (Row, error)
	// Insert stores a new row and returns its ETag; ErrConflict if the key
	// exists, ErrTooLarge above MaxStateBytes.
	Insert(ctx context.Context, row Row) (etag string, err error)
	// Replace stores the row if row.ETag is still the stored one and returns
	// the new ETag; ErrConflict if it is not, ErrTooLarge above
	// MaxStateBytes. Any other error leaves open whether it was written.
	Replace(ctx context.Context, row Row) (etag string, err error)
}

// Archive keeps events that could not be handled, for the keeper to look at.
// All methods are safe for concurrent use.
type Archive interface {
	// Keep stores body, at most 48 KiB (else ErrTooLarge), under a name of 1 to
	// 200 printable ASCII characters (see CheckKept). first tells that it was not there before; keeping it
	// again changes nothing and is no error. An error leaves open whether it
	// was stored.
	Keep(ctx context.Context, name string, body []byte) (first bool, err error)
	// Kept counts what was stored since then, on the archive's clock.
	Kept(ctx context.Context, since time.Time) (int, error)
}

// Lease is the right to run one world's game. It lasts LeaseDuration and
// carries the world's epoch, the number of the boot. A clock that is set back
// gives it to no second holder and makes it last LeaseDuration from the next
// Acquire or Renew.
type Lease interface {
	// Acquire takes the lease if it is free or expired and raises the epoch;
	// ErrLeaseHeld if it is not free.
	Acquire(ctx context.Context, world string) (Holding, error)
	// Renew makes the lease last LeaseDuration from now; ErrLeaseLost if it
	// is no longer h's.
	Renew(ctx context.Context, h Holding) error
	// Release gives the lease back; releasing a lost lease is no error.
	Release(ctx context.Context, h Holding) error
}

// Holding is a lease that was acquired.
type Holding struct {
	World string
	ID    string
	Epoch int64 // from 1, one higher with every Acquire
}

// LeaseDuration is how long an unrenewed lease lasts, the longest that Azure
// gives a finite blob lease.
const LeaseDuration = 60 * time.Second

// Compute turns machines on and off. A placement is a scale set that holds
// zero or one machine of one world.
type Compute interface {
	// Scale begins to bring the placement to capacity (0 or 1) and returns a
	// token that Poll resumes from any process. The operation outlives ctx.
	// Scaling to the capacity a placement has already is an operation like
	// any other. Errors are *CloudError; Busy while another operation runs.
	Scale(ctx context.Context, p Placement, capacity int) (token string, err error)
	// Poll looks at an operation once. done is true when it has ended: err is
	// nil if it succeeded, and the *CloudError that it failed with if not. An
	// operation that nobody knows any more has ended, too. With an error and
	// done false it could not be looked at, and may still be under way.
	Poll(ctx context.Context, token string) (done bool, err error)
	// Instances lists the machines of a placement. The list is the truth; a
	// scale set's capacity is not.
	Instances(ctx context.Context, p Placement) ([]Instance, error)
}

// Instance is a machine that exists.
type Instance struct {
	ID      string `json:"id"`                // the VM's name
	Address string `json:"address,omitempty"` // public IP address, if known
}

// Console shows what a machine has written on its serial console, which is there
// before any program of ours is, and when none of them gets to run.
type Console interface {
	// ReadConsole returns the end of it as it was written, at most
	// MaxConsoleBytes; empty if nothing is written yet. What is written may be
	// there some seconds later. Errors are *CloudError: of class config if there
	// is no such machine, or its console is not kept.
	ReadConsole(ctx context.Context, machine string) ([]byte, error)
}

// MaxConsoleBytes is how much of a console is read at most.
const MaxConsoleBytes = 64 << 10

// Estate is the resource group that holds a deployment's machines, and nothing
// that is not Hearth's. All methods are safe for concurrent use; errors are
// *CloudError.
type Estate interface {
	// Survey lists what there is, with one list a kind for the whole group: no
	// call for each world. A machine and what belongs to it is listed while it
	// is being made or deleted, too.
	Survey(ctx context.Context) (Survey, error)
	// Remove begins to delete a leftover. One that is gone is no error; one that
	// a machine has meanwhile is refused as Busy, and stays. What a machine of kind
	// LeftoverMachine had goes with it, or is a leftover from then on.
	Remove(ctx context.Context, l Leftover) error
}

// Survey is what a resource group holds.
type Survey struct {
	Sets []SetSeen
	// Leftovers belong to no scale set's machine.
	Leftovers []Leftover
}

// SetSeen is a scale set.
type SetSeen struct {
	ID        string
	Capacity  int // what it was last asked to hold; Instances are the truth
	Instances []Instance
}

// Leftover is something that costs money and that no machine of a scale set has.
type Leftover struct {
	Kind LeftoverKind `json:"kind"`
	Name string       `json:"name"` // in the resource group
}

// LeftoverKind is what it is.
type LeftoverKind string

// The kinds.
const (
	LeftoverMachine LeftoverKind = "machine" // in no scale set
	LeftoverNIC     LeftoverKind = "nic"     // a network interface without a machine
	LeftoverAddress LeftoverKind = "address" // a public address without an interface
	LeftoverDisk    LeftoverKind = "disk"    // a managed disk without a machine
	// LeftoverSet is a scale set that holds or wants a machine and is no world's
	// placement. Survey does not list it so, and Remove knows it not: Compute
	// scales it to zero.
	LeftoverSet LeftoverKind = "set"
)

// CloudError is a refusal or failure of the cloud.
type CloudError struct {
	Class   CloudClass
	Code    string // the cloud's own innermost code, such as SkuNotAvailable
	Message string
}

func (e *CloudError) Error() string { return e.Code + ": " + e.Message }

// CloudClass says what a cloud failure asks for.
type CloudClass string

// The classes.
const (
	ClassCapacity  CloudClass = "capacity"  // none left here: try the next placement
	ClassQuota     CloudClass = "quota"     // the keeper must ask the cloud for more
	ClassConfig    CloudClass = "config"    // the keeper must mend the deployment
	ClassBusy      CloudClass = "busy"      // another operation runs: look again later
	ClassTransient CloudClass = "transient" // try again
)

// Chat speaks in the guild. Implementations retry what is worth retrying
// within ctx's deadline.
type Chat interface {
	// Post sends a new message to a channel. nonce (at most 25 characters)
	// makes a repeat within a few minutes return the first message.
	Post(ctx context.Context, channel string, m Say, nonce string) (MessageRef, error)
	// Find looks for what a Post of m may have made since then (give or take
	// the difference of two clocks): the bot's newest message in the channel
	// with the same text, other than a Reply, or, if m has a card, with a card
	// and one of the buttons of m. ErrMessageGone if there is none among the last 100. For a
	// Post whose fate is unknown and whose nonce is too old to make sure.
	Find(ctx context.Context, channel string, m Say, since time.Time) (MessageRef, error)
	// Edit replaces a message's content; ErrMessageGone if it was deleted.
	Edit(ctx context.Context, ref MessageRef, m Say) error
	// Reply fills in the answer of a deferred interaction; ErrMessageGone
	// when its token is dead.
	Reply(ctx context.Context, to Reply, m Say) (MessageRef, error)
}

// MessageRef names a message in a channel.
type MessageRef struct {
	Channel string `json:"channel"`
	ID      string `json:"id"`
}

// Game runs the game's server beside the agent, one at a time on a machine.
type Game interface {
	// Start runs the server on the world's files and returns once its process
	// exists. ctx bounds the start only. began is called, before Start
	// returns, with each step as it begins; which ones there are is the
	// implementation's. A server that was started before and has ended is
	// forgotten; one that still runs is an error. After any error but
	// ErrMaybeRunning no server of this Start's runs.
	Start(ctx context.Context, began func(Step)) (Server, error)
	// Find returns the server that was started last on this machine, by
	// whatever process, running or ended, with its lines after the place: from
	// its first one if the place is another server's. One that has ended has
	// Done closed. ErrNotFound if there is none, or it was forgotten. For an
	// agent that died and came back.
	Find(ctx context.Context, after Place) (Server, error)
}

// Server is a game server that was started.
type Server interface {
	// ID names it; each Start's is another.
	ID() string
	// Lines delivers the lines of its log in order, in batches of one or more,
	// each line once and whole. It is closed after the last one when the
	// server has ended, which may be some seconds after Done. A reader that
	// takes its time never holds up the server. One goroutine reads it, to its
	// end or for as long as its process lives.
	Lines() <-chan []Line
	// Stop asks the server to save and end, and returns as soon as it was
	// asked. Asking one that has ended is no error.
	Stop(ctx context.Context) error
	// Kill ends it without a save. Killing one that has ended is no error.
	Kill() error
	// Done is closed when the game's process is gone and won't come back.
	Done() <-chan struct{}
	// Memory is what the game uses, in bytes.
	Memory(ctx context.Context) (int64, error)
}

// Line is one line of a server's log.
type Line struct {
	// At is when it was taken down, on the clock of whoever took it. Several
	// lines can have the same one, and a clock can be set back.
	At time.Time
	// N counts, from 0, the lines since the first one with the latest At of
	// all so far. (At, N) names the line in its server's log.
	N    int
	Text string // without its line end
}

// Place is a place in a server's log: behind the line that (At, N) names. The
// zero Place is before the first line.
type Place struct {
	Server string    `json:"server,omitempty"` // Server.ID
	At     time.Time `json:"at,omitzero"`      // the latest of all lines up to here
	N      int       `json:"n,omitempty"`
}

// Next is the place behind the line of a log that comes after p, and the number
// that this line has. at is when the line was taken down.
func (p Place) Next(at time.Time) Place {
	if p.At.IsZero() || at.After(p.At) {
		return Place{Server: p.Server, At: at}
	}
	p.N++
	return p
}

// Files are a world's files, where they outlive the machine.
type Files interface {
	// Check says whether the game may start on them, having mended what an
	// interrupted save left behind. A *FilesError says why it may not.
	Check(ctx context.Context) (FilesState, error)
	// Sync flushes them to where they outlive the machine and returns their
	// total size in bytes.
	Sync(ctx context.Context) (size int64, err error)
	// LeaveProof writes beside them how a boot ended, in one step.
	LeaveProof(ctx context.Context, p Proof) error
	// LastProof is the one that was left last; ErrNotFound if there is none.
	LastProof(ctx context.Context) (Proof, error)
}

// FilesState is what Check found.
type FilesState struct {
	New    bool   // there is no world yet, and a new one is allowed
	Mended string // what was put right, as in "Midgard.db from Midgard.db.new"; empty: nothing
}

// FilesError says why the game may not start on its files.
type FilesError struct {
	Reason FilesReason
	Detail string // for the keeper: what is wrong with which file
}

func (e *FilesError) Error() string { return string(e.Reason) + ": " + e.Detail }

// FilesReason is why.
type FilesReason string

// The reasons.
const (
	FilesNotMounted FilesReason = "not_mounted" // the folder is not where the world lives
	FilesMissing    FilesReason = "missing"     // no such world, and a new one is not allowed
	FilesUnreadable FilesReason = "unreadable"  // it is there, and can't be read or written
	FilesOther      FilesReason = "other_world" // another world's
)

// Snapshots keep a world's files as they were at one moment, where they outlive
// both the machine and what happens to the files. All methods are safe for
// concurrent use.
type Snapshots interface {
	// Take keeps them as they are now, before the game of that boot writes to
	// them, unless that was done a short while ago. boot names the life of the
	// machine. Any error is a *SnapshotError, and leaves open whether they were
	// kept.
	Take(ctx context.Context, epoch int64, boot string) error
	// Prune gives up what need not be kept any more. An error is like Take's.
	Prune(ctx context.Context) error
}

// SnapshotError says why a world's files were not kept.
type SnapshotError struct {
	Reason SnapshotReason
	Code   string // the service's, as in AuthenticationFailed; empty: it gave none
	Err    error  // for the log
}

func (e *SnapshotError) Error() string { return string(e.Reason) + ": " + e.Err.Error() }

func (e *SnapshotError) Unwrap() error { return e.Err }

// SnapshotReason is why.
type SnapshotReason string

// The reasons.
const (
	SnapshotSetup    SnapshotReason = "setup"     // how the share is reached is not configured, or not in this way
	SnapshotDenied   SnapshotReason = "denied"    // the share's account does not let this machine in
	SnapshotNoShare  SnapshotReason = "no_share"  // there is no such account, or no such share
	SnapshotFull     SnapshotReason = "full"      // there are as many as there may be
	SnapshotNoAnswer SnapshotReason = "no_answer" // none, or one that says no more
)

// Metadata is the cloud's view of the machine the agent runs on. A machine
// that is off gives an error. All methods are safe for concurrent use.
type Metadata interface {
	// Machine describes the VM. Its Name stays the same for its whole life.
	// Address may be empty: the cloud does not always tell.
	Machine(ctx context.Context) (Machine, error)
	// Notices lists the scheduled events that name this machine, and none of
	// another. Polled once a second; the first look may take minutes. A
	// notice that is carried out or withdrawn leaves the list, sooner or
	// later.
	Notices(ctx context.Context) ([]Notice, error)
	// Acknowledge tells the cloud that it may go on with a notice: it is
	// Started then, and carried out as soon as the cloud likes, at NotBefore at
	// the latest. Repeating it is no error; an id that Notices did not tell of
	// is one, and starts nothing.
	Acknowledge(ctx context.Context, noticeID string) error
}

// Machine is what the instance metadata says of a VM.
type Machine struct {
	Name    string `json:"name"`
	Size    string `json:"size,omitempty"`
	Zone    string `json:"zone,omitempty"`
	Address string `json:"address,omitempty"`
}

// Notice is a scheduled event of the cloud.
type Notice struct {
	ID   string // stays the same while it is listed
	Kind string // Preempt, Terminate, Reboot, Redeploy, Freeze; perhaps others
	// NotBefore is when it is carried out unless it is acknowledged before, to
	// the second; zero once it has Started.
	NotBefore time.Time
	// Started: it is under way, or was carried out and is still listed. A
	// failure of the hardware is Started when it is first told.
	Started bool
}
