package simgame

import (
	"container/heap"
	"time"
)

// agenda is what the game will do later, in order of time, then of entry.
type agenda struct {
	items entries
	count int
}

type entry struct {
	at time.Time
	no int
	do func()
}

type entries []entry

func (e entries) Len() int { return len(e) }
func (e entries) Less(i, j int) bool {
	if e[i].at.Equal(e[j].at) {
		return e[i].no < e[j].no
	}
	return e[i].at.Before(e[j].at)
}
func (e entries) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

// Push implements heap.Interface.
func (e *entries) Push(x any) { *e = append(*e, x.(entry)) }

// Pop implements heap.Interface.
func (e *entries) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

func (a *agenda) add(at time.Time, do func()) {
	a.count++
	heap.Push(&a.items, entry{at: at, no: a.count, do: do})
}

func (a *agenda) next() (time.Time, bool) {
	if len(a.items) == 0 {
		return time.Time{}, false
	}
	return a.items[0].at, true
}

// due takes out the first entry if its time has come.
func (a *agenda) due(now time.Time) (do func(), ok bool) {
	at, ok := a.next()
	if !ok || at.After(now) {
		return nil, false
	}
	return heap.Pop(&a.items).(entry).do, true
}
