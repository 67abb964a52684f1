package web_test

import (
	"runtime"
	"testing"
)

// BenchmarkPageMemory is what an open page holds, and the server behind it,
// after 10,000 messages of the kinds that an evening has. Both keep the last
// 500: of_1000 is the share of what they held after 1,000, and the bar is that
// it stays near 1. Garbage is collected before anything is counted. The
// server's heap is that of this whole process, the benchmark itself included.
func BenchmarkPageMemory(b *testing.B) {
	e := newEvening(b)
	for b.Loop() {
		e.beginAnew()
		none, serverThen := e.page.Memory(), heap()
		e.goOn(1000)
		few, serverFew := e.page.Memory(), heap()
		e.goOn(9000)
		many, server := e.page.Memory(), heap()

		const mega = 1 << 20
		b.ReportMetric(float64(none.Heap)/mega, "empty_MB")
		b.ReportMetric(float64(many.Heap)/mega, "page_MB")
		b.ReportMetric(float64(many.Heap)/float64(few.Heap), "page_of_1000")
		b.ReportMetric(float64(many.Nodes), "nodes")
		b.ReportMetric(float64(many.Nodes)/float64(few.Nodes), "nodes_of_1000")
		b.ReportMetric((float64(server)-float64(serverThen))/mega, "server_MB")
		b.ReportMetric(float64(server)/float64(serverFew), "server_of_1000")
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/10_000/float64(b.N), "ms/message")
	b.ReportMetric(0, "ns/op")
}

// heap is what lies in use on this process' heap, in bytes.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
