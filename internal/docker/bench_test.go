package docker_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/docker"
	"hearth/internal/valheim"
	"hearth/internal/world"
)

// engine is an engine that has one container and its log, so that what is
// measured is our side of it.
type engine struct {
	log func(w io.Writer) // writes the frames
}

const benchID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", "1.45")
	hang := func() {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/json"):
		_, _ = fmt.Fprintf(w, `{"Id":%q,"State":{"Status":"running","Running":true},"Config":{"Labels":{"hearth.world":"midgard"}}}`, benchID)
	case strings.HasSuffix(path, "/logs"):
		e.log(w)
		hang()
	case strings.HasSuffix(path, "/_ping"):
	default: // wait, events
		hang()
	}
}

// watched is the log of a container as Game delivers it.
func watched(b *testing.B, e *engine) <-chan []world.Line {
	b.Helper()
	path := filepath.Join(b.TempDir(), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	srv := &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	o := options()
	o.Host = "unix://" + path
	g, err := docker.New(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := g.Close(); err != nil {
			b.Error(err)
		}
		_ = srv.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			b.Error(err)
		}
	})
	s, err := g.Find(b.Context(), world.Place{})
	if err != nil {
		b.Fatal(err)
	}
	return s.Lines()
}

func evening(b *testing.B) []byte {
	b.Helper()
	log, err := os.ReadFile("../valheim/testdata/steam-0.22-evening.log")
	if err != nil {
		b.Fatal(err)
	}
	return log
}

// framed is a log as the engine sends it, stamped from a time on.
func framed(log []byte, from time.Time) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(log) {
		from = from.Add(time.Millisecond)
		payload := append([]byte(from.Format("2006-01-02T15:04:05.000000000Z07:00")+" "), line...)
		head := [8]byte{1}
		binary.BigEndian.PutUint32(head[4:], uint32(len(payload)))
		out.Write(head[:])
		out.Write(payload)
	}
	return out.Bytes()
}

// BenchmarkWatcher takes an evening's log from the engine's socket to batches
// of lines. of_scanner is its rate as a share of the rate at which bufio.Scanner
// alone hands the same lines out as strings from memory, taken in turns in the
// same run; the budget is 0.10. with_reader is the share when package valheim
// reads the lines as well.
func BenchmarkWatcher(b *testing.B) {
	const evenings = 200
	log := bytes.Repeat(evening(b), evenings)
	frames := framed(log, time.Now().UTC())
	count := bytes.Count(log, []byte("\n"))
	turn := make(chan struct{})
	lines := watched(b, &engine{log: func(w io.Writer) {
		for range turn {
			_, _ = w.Write(frames)
			w.(http.Flusher).Flush()
		}
	}})
	defer close(turn)
	take := func(each func(world.Line)) time.Duration {
		begun := time.Now()
		turn <- struct{}{}
		for n := 0; n < count; {
			batch := <-lines
			n += len(batch)
			for _, l := range batch {
				each(l)
			}
		}
		return time.Since(begun)
	}
	r := valheim.NewReader()
	var last string // keeps the compiler from leaving the strings out
	var plain, read, scanned []time.Duration
	for b.Loop() {
		plain = append(plain, take(func(l world.Line) { last = l.Text }))
		read = append(read, take(func(l world.Line) { r.Read(l.Text) }))
		begun := time.Now()
		for s := bufio.NewScanner(bytes.NewReader(log)); s.Scan(); {
			last = s.Text()
		}
		scanned = append(scanned, time.Since(begun))
	}
	runtime.KeepAlive(last)
	b.ReportMetric(0, "ns/op") // of all three
	b.ReportMetric(float64(count)/median(plain).Seconds(), "lines/s")
	b.ReportMetric(median(scanned).Seconds()/median(plain).Seconds(), "of_scanner")
	b.ReportMetric(median(scanned).Seconds()/median(read).Seconds(), "with_reader")
}

func median(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return ds[len(ds)/2]
}

// BenchmarkWatcherMemory takes a log of 1 GB to a reader. grew_MB is how much
// what lies in use on the heap has grown since the first megabyte; the budget is
// that it stays flat. peak_MB is the most that the process held of the machine's
// memory meanwhile, the other end of the socket included; the bar is 50.
func BenchmarkWatcherMemory(b *testing.B) {
	const mega, turns = 1 << 20, 1024
	log := evening(b)
	log = bytes.Repeat(log, mega/len(log)+1)
	frames := framed(log, time.Now().UTC())
	count := bytes.Count(log, []byte("\n"))
	for b.Loop() {
		lines := watched(b, &engine{log: func(w io.Writer) {
			for range turns {
				_, _ = w.Write(frames)
			}
			w.(http.Flusher).Flush()
		}})
		r := valheim.NewReader()
		var first, peak uint64
		for n, due := 0, count; n < turns*count; {
			batch := <-lines
			n += len(batch)
			for _, l := range batch {
				r.Read(l.Text)
			}
			if n < due {
				continue
			}
			due += count
			if first == 0 {
				first = heap()
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.Sys-m.HeapReleased)
		}
		b.ReportMetric((float64(heap())-float64(first))/mega, "grew_MB")
		b.ReportMetric(float64(peak)/mega, "peak_MB")
		runtime.KeepAlive(r)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/GB")
	b.ReportMetric(0, "ns/op")
}

// heap is what lies in use on the heap, in bytes.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
