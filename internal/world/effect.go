package world

import (
	"encoding/json"
	"fmt"
	"time"
)

// Effect is something to be done about an event. Exactly one of its pointers
// is set. Effects are performed in the order orders, cloud, delayed events,
// chat; each may be performed more than once and does no harm by it.
type Effect struct {
	Order *Order   `json:"order,omitempty"`
	Cloud *CloudDo `json:"cloud,omitempty"`
	Delay *Delay   `json:"delay,omitempty"`
	Chat  *ChatDo  `json:"chat,omitempty"`
}

// OrderKind is what an order tells the agent to do.
type OrderKind string

// The kinds of orders.
const (
	OrderSave        OrderKind = "save"          // save and go on
	OrderStop        OrderKind = "stop"          // save, prove it, end the game
	OrderStopIfEmpty OrderKind = "stop_if_empty" // the same, but refuse while anybody is connected or connecting
	OrderSnapshot    OrderKind = "snapshot"      // keep a copy of the last save
	OrderLogTail     OrderKind = "log_tail"      // tell the last Lines of the game's log
)

// OrderLifetime is how long an order may wait for its agent.
const OrderLifetime = 10 * time.Minute

// Order is what the bot tells the agent, through the queue OrdersQueue.
type Order struct {
	Schema    int       `json:"schema"`
	Kind      OrderKind `json:"kind"`
	World     string    `json:"world"`
	Operation string    `json:"operation"`
	Epoch     int64     `json:"epoch"`
	Issued    time.Time `json:"issued"`
	Lines     int       `json:"lines,omitempty"` // for OrderLogTail, at most MaxTailLines
}

// MaxTailLines is how many lines of the log an agent tells at most.
const MaxTailLines = 100

// OrdersQueue names the queue of a world's orders.
func OrdersQueue(world string) string { return "orders-" + world }

// EventsQueue is the queue of everything that happens.
const EventsQueue = "events"

// PoisonQueue names where messages of a queue go that no handler could take.
func PoisonQueue(queue string) string { return queue + "-poison" }

// Encode writes the order for its queue.
func (o Order) Encode() ([]byte, error) {
	o.Schema = SchemaVersion
	b, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode order: %w", err)
	}
	return b, nil
}

// DecodeOrder reads an order; ErrMalformed or ErrSchema.
func DecodeOrder(b []byte) (Order, error) {
	var o Order
	if err := json.Unmarshal(b, &o); err != nil {
		return Order{}, fmt.Errorf("decode order: %w: %w", ErrMalformed, err)
	}
	if o.Schema != SchemaVersion {
		return Order{}, fmt.Errorf("decode order: %w: %d", ErrSchema, o.Schema)
	}
	if o.Kind == "" || o.World == "" {
		return Order{}, fmt.Errorf("decode order: %w: kind or world missing", ErrMalformed)
	}
	return o, nil
}

// CloudDo is something to ask of Compute. Its answer comes back as a
// CloudReport with the same operation and round.
type CloudDo struct {
	Act       CloudAct `json:"act"`
	Operation string   `json:"operation"`
	Round     int64    `json:"round"`
	Placement string   `json:"placement"`       // a Placement's ID in the world's configuration
	Capacity  int      `json:"capacity"`        // for ActScale
	Token     string   `json:"token,omitempty"` // for ActLook: the operation under way, if any
	// Console, for ActLook: read the machine's console, too.
	Console bool `json:"console,omitempty"`
}

// CloudAct is a kind of CloudDo.
type CloudAct string

// The kinds of acts.
const (
	ActScale CloudAct = "scale" // begin to bring the placement to Capacity
	ActLook  CloudAct = "look"  // poll Token if there is one, and list the instances
	// ActRemove deletes those of State.Leftovers that are to be Removed. There is
	// no report: the next survey tells.
	ActRemove CloudAct = "remove"
)

// Delay is an event to be delivered to this world later.
type Delay struct {
	Timer Timer         `json:"timer"`
	After time.Duration `json:"after"`
}

// ChatDo is something to say. An older one with the same Key that still waits
// is replaced by a newer one.
type ChatDo struct {
	Kind ChatKind `json:"kind"`
	Say  Say      `json:"say"`
	// Reply is where an answer or the first card goes; if its token is dead,
	// what is not ephemeral goes to the channel instead.
	Reply *Reply `json:"reply,omitempty"`
	Key   string `json:"key,omitempty"`
	// Operation is the one a card belongs to.
	Operation string `json:"operation,omitempty"`
	// Made is when it was said; after ChatLifetime it is no longer news.
	Made time.Time `json:"made"`
	// Unsaid is how many lost messages this one tells of; if it is lost too,
	// they go on being counted.
	Unsaid int `json:"unsaid,omitempty"`
	// Tries counts failed attempts.
	Tries int `json:"tries,omitempty"`
}

// ChatKind is where something is said.
type ChatKind string

// The places to say something.
const (
	ChatAnswer ChatKind = "answer" // to the person who asked
	ChatCard   ChatKind = "card"   // the session's card: posted once, then edited
	ChatLine   ChatKind = "line"   // a new line in the channel
	ChatKeeper ChatKind = "keeper" // a new line in the keeper's channel
)

// Bounds of what waits to be said.
const (
	MaxChatWaiting = 12
	ChatLifetime   = 15 * time.Minute
)
