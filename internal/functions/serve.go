package functions

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"
)

// PortVariable is where the host says which port it will ask.
const PortVariable = "FUNCTIONS_CUSTOMHANDLER_PORT"

// Bounds of the server. The host keeps a connection for about a minute after
// its last use; were it closed here first, an invocation might be sent into
// it. There is no bound on writing: an answer may take as long as its function
// may.
const (
	readHeaderWithin = 10 * time.Second
	readWithin       = 30 * time.Second
	idleWithin       = 5 * time.Minute
	maxHeaderBytes   = 64 * 1024
	drainWithin      = 10 * time.Second
	cancelWithin     = time.Second
)

// Listen binds the port on 127.0.0.1, the literal address that the host asks.
// Whoever listens before it makes ready is ready the sooner: what asks
// meanwhile waits.
func Listen(ctx context.Context, port string) (net.Listener, error) {
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return nil, fmt.Errorf("listen: %s is %q, not a port: this program is started by the Azure Functions host, which sets it", PortVariable, port)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// Serve answers the host on l until ctx ends; then it takes nothing new, gives
// what it has in hand ten seconds and cancels it. It closes l. Its error is
// never nil: the program must not end with code 0.
func (a *App) Serve(ctx context.Context, l net.Listener) error {
	inHand, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s := &http.Server{
		Handler: a, ReadHeaderTimeout: readHeaderWithin, ReadTimeout: readWithin, IdleTimeout: idleWithin, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:    slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
		BaseContext: func(net.Listener) context.Context { return inHand },
	}
	var ended error // once served is closed
	served := make(chan struct{})
	go func() {
		defer close(served)
		ended = s.Serve(l)
	}()
	select {
	case <-served:
		return fmt.Errorf("serve functions: %w", ended)
	case <-ctx.Done():
	}
	drain, stop := context.WithTimeout(inHand, drainWithin)
	defer stop()
	err := s.Shutdown(drain)
	if err != nil {
		cancel()
		last, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelWithin)
		defer stop()
		if s.Shutdown(last) != nil {
			_ = s.Close() // what has not heard that it was cancelled ends with the process
		}
	}
	<-served
	if err != nil {
		return fmt.Errorf("serve functions: %w: invocations were cut off: %w", context.Cause(ctx), err)
	}
	return fmt.Errorf("serve functions: %w", context.Cause(ctx))
}
