package simhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"hearth/internal/sim/simhost/app"
	"hearth/internal/sim/simhost/envelope"
	"hearth/internal/sim/simhost/queues"
	"hearth/internal/sim/simhost/worker"
)

// grace is what a call has between the end of its time and the handler's.
const grace = 2 * time.Second

// hostVersion is what the host says of itself.
const hostVersion = "4.1037.0.0"

// maxBody bounds what is read of a request and of an answer (the host's
// maxRequestBodySize).
const maxBody = 100 << 20

// errTimeout ends a call that is out of time.
var errTimeout = errors.New("functionTimeout has passed: the handler is started anew")

// invocation is one call of a function.
type invocation struct {
	h  *Host
	g  *group
	f  app.Function
	at Moment // without a phase
	// raw: the request is the caller's, and a redirect is the caller's to
	// follow.
	raw bool
}

func (i *invocation) reach(p Phase) {
	m := i.at
	m.Phase = p
	i.h.observe(m)
}

func (i *invocation) sys() envelope.Sys {
	return envelope.Sys{Function: i.f.Name, Now: i.h.o.Clock.Now(), RandGUID: i.at.Invocation}
}

// response is what the handler sent, whole.
type response struct {
	status int
	header http.Header
	body   []byte
}

// deliver calls a queue function for one message.
func (h *Host) deliver(ctx context.Context, g *group, f app.Function, d queues.Delivery) error {
	i := &invocation{h: h, g: g, f: f, at: Moment{
		Function: f.Name, Invocation: d.Invocation, MessageID: d.ID, DequeueCount: d.DequeueCount, Body: string(d.Body),
	}}
	payload := envelope.Queue(f.Trigger.Name, f.Trigger.Binary, envelope.QueueMessage{
		Body: d.Body, ID: d.ID, PopReceipt: d.Receipt, DequeueCount: d.DequeueCount,
		Inserted: d.Inserted, Expires: d.Expires, NextVisible: d.NextVisible,
	}, i.sys())
	_, err := i.envelope(ctx, payload)
	return err
}

// envelope sends an invocation, reads the answer and binds its outputs; it
// returns the HTTP reply, if the function makes one. An error fails the
// invocation.
func (i *invocation) envelope(ctx context.Context, payload []byte) (envelope.Reply, error) {
	var answer envelope.Answer
	err := i.call(ctx, func(ctx context.Context) (*http.Request, error) {
		// Not a bytes.Reader: the length is not known to the host, either,
		// and the body goes in chunks.
		body := io.MultiReader(bytes.NewReader(payload))
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.g.url("/"+i.f.Name), body)
		if err == nil {
			r.Header.Set("Content-Type", "application/json; charset=utf-8")
			r.Header.Set("User-Agent", "Azure-Functions-Host/"+hostVersion)
			i.introduce(r.Header)
		}
		return r, err
	}, func(r response) (err error) {
		answer, err = envelope.ParseAnswer(r.status, r.header.Get("Content-Type"), r.body)
		return err
	})
	if err != nil {
		return envelope.Reply{}, err
	}
	reply, err := i.replyOf(answer)
	if err != nil {
		return reply, err
	}
	i.reach(Answered)
	for _, line := range answer.Logs {
		i.h.o.Log.Info("function said", "function", i.f.Name, "invocation", i.at.Invocation, "line", line)
	}
	if err := i.bind(ctx, answer); err != nil {
		return reply, err
	}
	i.reach(Bound)
	return reply, nil
}

// introduce adds the headers that name the invocation.
func (i *invocation) introduce(h http.Header) {
	h.Add("X-Azure-Functions-InvocationId", i.at.Invocation)
	h.Add("X-Azure-Functions-HostVersion", hostVersion)
}

// call makes one request to the handler, when that is ready, and has the response
// judged. An answer that is envelope.ErrNothing never completes. At the end of
// functionTimeout the call fails, and unless it completes within the grace the
// handler is started anew, with all that it is doing.
func (i *invocation) call(ctx context.Context, request func(context.Context) (*http.Request, error), judge func(response) error) error {
	p, err := i.g.worker.Ready(ctx)
	if err != nil {
		if errors.Is(err, worker.ErrNotReady) {
			i.h.fail(err)
		}
		return err
	}
	var timeout <-chan time.Time // never, if there is no limit
	if i.h.app.FunctionTimeout > 0 {
		timeout = i.h.o.Clock.After(i.h.app.FunctionTimeout)
	}
	calling, cancel := context.WithCancel(ctx)
	completed := make(chan error, 1)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() {
		r, err := i.roundTrip(calling, request)
		if err == nil {
			err = judge(r)
		}
		if errors.Is(err, envelope.ErrNothing) {
			i.h.o.Log.Warn("an invocation never completes", "function", i.f.Name, "invocation", i.at.Invocation, "error", err)
			<-calling.Done()
		}
		completed <- err
	})
	select {
	case err := <-completed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-timeout:
	}
	i.h.o.Log.Error("function is out of time", "function", i.f.Name, "invocation", i.at.Invocation, "limit", i.h.app.FunctionTimeout)
	select {
	case err := <-completed:
		i.h.o.Log.Info("it ended after its time, and the handler is kept", "function", i.f.Name, "invocation", i.at.Invocation, "error", err)
	case <-ctx.Done():
	case <-i.h.o.Clock.After(grace):
		i.g.worker.Restart(p)
	}
	return errTimeout
}

// roundTrip sends a request and reads the whole response.
func (i *invocation) roundTrip(ctx context.Context, request func(context.Context) (*http.Request, error)) (response, error) {
	// The observer is told in the connection's goroutine, and has the word
	// before the answer is looked at.
	told := make(chan struct{})
	var once sync.Once
	trace := &httptrace.ClientTrace{WroteRequest: func(w httptrace.WroteRequestInfo) {
		once.Do(func() {
			defer close(told)
			if w.Err == nil {
				i.reach(Invoked)
			}
		})
	}}
	r, err := request(httptrace.WithClientTrace(ctx, trace))
	if err != nil {
		return response{}, err
	}
	client := *i.g.client.Load()
	if i.raw {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	resp, err := client.Do(r)
	if err != nil {
		return response{}, fmt.Errorf("call the handler: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return response{}, fmt.Errorf("read the handler's answer: %w", err)
	}
	if len(body) > maxBody {
		return response{}, fmt.Errorf("the handler's answer is above %d MB", maxBody>>20)
	}
	select {
	case <-told:
	case <-ctx.Done():
	}
	return response{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// replyOf makes the HTTP reply of an answer, for an HTTP function.
func (i *invocation) replyOf(a envelope.Answer) (envelope.Reply, error) {
	for _, out := range i.f.Outputs {
		if out.Type == app.HTTP {
			return envelope.ReplyOf(a, out.Name)
		}
	}
	return envelope.Reply{Status: http.StatusOK}, nil
}

// bind writes the outputs to queues, all at once, and returns when all are done.
func (i *invocation) bind(ctx context.Context, a envelope.Answer) error {
	var writing sync.WaitGroup
	errs := make([]error, len(i.f.Outputs))
	for n, out := range i.f.Outputs {
		value, ok := a.Output(out.Name)
		if out.Type != app.Queue || !ok {
			continue
		}
		writing.Go(func() {
			if err := i.enqueue(ctx, out, value); err != nil {
				errs[n] = fmt.Errorf("output %q: %w", out.Name, err)
			}
		})
	}
	writing.Wait()
	for name := range a.Outputs {
		if !i.knows(name) {
			i.h.o.Log.Warn("an output is bound to nothing: its name is in no binding", "function", i.f.Name, "output", name)
		}
	}
	return errors.Join(errs...)
}

func (i *invocation) knows(output string) bool {
	for _, out := range i.f.Outputs {
		if out.Name == output {
			return true
		}
	}
	return false
}

// enqueue writes one queue output and wakes who listens here.
func (i *invocation) enqueue(ctx context.Context, out app.Binding, value []byte) error {
	messages, err := envelope.Messages(value, out.Binary)
	if err != nil {
		return err
	}
	q := i.h.accounts[out.Connection].Queue(out.Queue)
	for _, m := range messages {
		text, err := queues.Encode(m, i.h.app.Queues.Base64)
		if err != nil {
			return err
		}
		if err := q.Send(ctx, text); err != nil {
			return err
		}
		i.g.wake(queueName{out.Connection, out.Queue})
	}
	return nil
}
