package simhost

// Phase is how far an invocation has come.
type Phase string

// The phases.
const (
	Received Phase = "received" // a message or request is here
	Invoked  Phase = "invoked"  // the handler has the whole of it
	Answered Phase = "answered" // the handler's answer is here, and is good
	Bound    Phase = "bound"    // all outputs are written
	Deleted  Phase = "deleted"  // done: the message is deleted
	Released Phase = "released" // failed: the message comes again
	Poisoned Phase = "poisoned" // given up: the message is in the poison queue
	Replied  Phase = "replied"  // the HTTP response is written
)

// Moment is one step of an invocation.
type Moment struct {
	Function     string
	Invocation   string // its id, the same in all its moments
	MessageID    string // of a queue's message, else empty
	DequeueCount int64  // of that message
	Body         string // of that message, once it is decoded
	Phase        Phase
}
