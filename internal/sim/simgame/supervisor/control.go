//go:build unix

package supervisor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// request is one of the control socket.
type request struct {
	line string
	conn net.Conn
}

// reply answers and hangs up. Whoever asked may be gone.
func (r request) reply(code int, lines ...string) {
	_, _ = io.WriteString(r.conn, strings.Join(append(lines, "exit "+strconv.Itoa(code)), "\n")+"\n")
	_ = r.conn.Close()
}

// listen opens the control socket and hands its requests to the loop.
func (s *supervisor) listen(ctx context.Context) (closeSocket func() error, err error) {
	if err := os.Remove(s.o.Socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open control socket: %w", err) // of the container's last life
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", s.o.Socket)
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				line, err := bufio.NewReader(conn).ReadString('\n')
				if err != nil {
					_ = conn.Close()
					return
				}
				select {
				case s.requests <- request{line: strings.TrimSpace(line), conn: conn}:
				case <-ctx.Done():
					_ = conn.Close()
				}
			})
		}
	})
	return func() error {
		cancel()
		err := l.Close()
		for _, r := range s.waiting { // the container ends around them
			_ = r.conn.Close()
		}
		work.Wait()
		return err
	}, nil
}

// Ctl is the program supervisorctl: it sends one request and prints the answer.
// The exit code is the answer's, or 1 without one.
func Ctl(ctx context.Context, socket string, words []string, stdout, stderr io.Writer) int {
	if len(words) == 2 && words[0] == "gorge" {
		mega, _ := strconv.Atoi(words[1])
		return len(eat(mega)) - mega
	}
	code, err := ask(ctx, socket, strings.Join(words, " "), stdout)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "supervisorctl: %v\n", err) // nowhere else to say it
		return 1
	}
	return code
}

func ask(ctx context.Context, socket, line string, stdout io.Writer) (code int, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		return 0, err
	}
	answer := bufio.NewScanner(conn)
	for answer.Scan() {
		if n, ok := strings.CutPrefix(answer.Text(), "exit "); ok {
			return strconv.Atoi(n)
		}
		if _, err := fmt.Fprintln(stdout, answer.Text()); err != nil {
			return 0, err
		}
	}
	return 0, errors.Join(errors.New("no answer"), answer.Err())
}
