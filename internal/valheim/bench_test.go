package valheim_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"hearth/internal/valheim"
)

func evening(b *testing.B) []byte {
	b.Helper()
	log, err := os.ReadFile("testdata/steam-0.22-evening.log")
	if err != nil {
		b.Fatal(err)
	}
	return log
}

// BenchmarkReader splits an evening's log into lines and reads them. of_scanner
// is its rate as a share of the rate at which bufio.Scanner alone hands the
// lines out as strings, which is what a Reader takes, taken in turns in the
// same run so that the machine's noise falls on both; the budget is 0.10.
// of_split is the share of a Scanner that only finds the line ends.
func BenchmarkReader(b *testing.B) {
	const evenings = 50 // in one turn, so that the clock's own time does not count
	log := bytes.Repeat(evening(b), evenings)
	lines := float64(bytes.Count(log, []byte("\n")))
	scan := func(take func(*bufio.Scanner)) time.Duration {
		begun := time.Now()
		for s := bufio.NewScanner(bytes.NewReader(log)); s.Scan(); {
			take(s)
		}
		return time.Since(begun)
	}
	r := valheim.NewReader()
	var last string // keeps the compiler from leaving the strings out
	var full, handed, split []time.Duration
	for b.Loop() {
		full = append(full, scan(func(s *bufio.Scanner) { r.Read(s.Text()) }))
		handed = append(handed, scan(func(s *bufio.Scanner) { last = s.Text() }))
		split = append(split, scan(func(*bufio.Scanner) {}))
	}
	runtime.KeepAlive(last)
	took := median(full)
	b.ReportMetric(0, "ns/op") // of all three
	b.ReportMetric(lines/took.Seconds(), "lines/s")
	b.ReportMetric(median(handed).Seconds()/took.Seconds(), "of_scanner")
	b.ReportMetric(median(split).Seconds()/took.Seconds(), "of_split")
}

// BenchmarkReaderBesideGrep reads a log of 16 MB from a file, in turns with
// grep, which is what people watch their servers with. of_grep is the reader's
// rate as a share of that of a grep for the three lines of a start, a join and a
// leave, its process included. The reader tells who it was, and who is on.
func BenchmarkReaderBesideGrep(b *testing.B) {
	grep, err := exec.LookPath("grep")
	if err != nil {
		b.Skip("grep is not on PATH")
	}
	log := evening(b)
	log = bytes.Repeat(log, 16<<20/len(log))
	path := filepath.Join(b.TempDir(), "server.log")
	if err := os.WriteFile(path, log, 0o600); err != nil {
		b.Fatal(err)
	}
	var read, grepped []time.Duration
	for b.Loop() {
		begun := time.Now()
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		r := valheim.NewReader()
		for s := bufio.NewScanner(f); s.Scan(); {
			r.Read(s.Text())
		}
		_ = f.Close()
		read = append(read, time.Since(begun))

		begun = time.Now()
		found, err := exec.CommandContext(b.Context(), grep, "-E", "Server is now listening|Got connection SteamID|Closing socket", path).Output()
		if err != nil || len(found) == 0 {
			b.Fatalf("grep found %d bytes: %v", len(found), err)
		}
		grepped = append(grepped, time.Since(begun))
	}
	b.ReportMetric(0, "ns/op") // of both
	b.ReportMetric(median(grepped).Seconds()/median(read).Seconds(), "of_grep")
	b.ReportMetric(float64(len(log))/(1<<20)/median(read).Seconds(), "MB/s")
	b.ReportMetric(float64(len(log))/(1<<20)/median(grepped).Seconds(), "grep_MB/s")
}

func median(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return ds[len(ds)/2]
}

// BenchmarkReaderMemory reads a log of 1 GB. grew_MB is how much what lies in
// use on the heap has grown since the first megabyte; the budget is that it
// stays flat. peak_MB is the most that the process held of the machine's memory
// meanwhile; the bar is 50.
func BenchmarkReaderMemory(b *testing.B) {
	const mega = 1 << 20
	log := evening(b)
	log = bytes.Repeat(log, mega/len(log)+1)
	for b.Loop() {
		r := valheim.NewReader()
		var first, peak uint64
		for turn := range 1024 {
			for s := bufio.NewScanner(io.LimitReader(bytes.NewReader(log), mega)); s.Scan(); {
				r.Read(s.Text())
			}
			if turn == 0 {
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
