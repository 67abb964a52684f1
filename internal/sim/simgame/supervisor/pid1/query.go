//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

// opener passes a game's log on and opens the game's query port, the one above
// its own, when the log says that it opened its server. Steam asks there what
// server this is; nobody can play on it.
type opener struct {
	io.Writer
	getenv func(string) string
	opened bool
}

// Write implements io.Writer. The game's lines come one a call.
func (o *opener) Write(b []byte) (int, error) {
	if !o.opened && bytes.Contains(b, []byte("Opened Steam server")) {
		o.opened = true
		if err := o.open(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return o.Writer.Write(b)
}

func (o *opener) open() error {
	port, err := strconv.Atoi(o.getenv("SERVER_PORT"))
	if err != nil {
		return fmt.Errorf("open the query port: %w", err)
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{Port: port + 1})
	if err != nil {
		return fmt.Errorf("open the query port: %w", err)
	}
	go answer(conn, o.getenv("SERVER_NAME"), o.getenv("WORLD_NAME")) // until the process ends
	return nil
}

// answer tells who asks "A2S_INFO" of Steam's server queries.
func answer(conn *net.UDPConn, name, world string) {
	info := fmt.Appendf(nil, "\xff\xff\xff\xffI\x11%s\x00%s\x00valheim\x00Valheim\x00", name, world)
	info = append(info, 0, 0, 0, 64, 0, 'd', 'l', 1, 0)
	info = append(info, "1.0.16\x00\x00"...)
	asked := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFromUDP(asked)
		if err != nil {
			return
		}
		if bytes.HasPrefix(asked[:n], []byte("\xff\xff\xff\xffTSource Engine Query\x00")) {
			_, _ = conn.WriteToUDP(info, from) // who went away needs no answer
		}
	}
}
