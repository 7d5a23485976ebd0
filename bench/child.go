package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// setting is how the server answers.
type setting struct {
	Latency     time.Duration
	Items, Page int
	Gzip, Extra bool
}

func (s setting) prefix() string {
	return fmt.Sprintf("/latency=%s&items=%d&page=%d&gzip=%t&extra=%t", s.Latency, s.Items, s.Page, s.Gzip, s.Extra)
}

// warmUp is what every contender reads of a list before it is measured.
func (s setting) warmUp() setting {
	s.Latency, s.Items = 0, min(s.Items, 5*s.Page)
	return s
}

func (s setting) pages() int { return (s.Items + s.Page - 1) / s.Page }

// task is what one process has to do: processes are what has a CPU time and a
// peak of memory.
type task struct {
	Contender string // a name in lists or calls
	Setting   setting
	TLS       bool
	ReadAhead int
	Pause     time.Duration // after each page
	Calls     int           // of contenders that are no lists
	Workers   int           // that share the calls
	OwnClient bool          // the SDK's own HTTP client instead of the one that all share
	Cold      bool          // no warm-up
	URL, CA   string        // the server
	Profile   string        // a file for the CPU profile, empty for none
}

// String names the contender and what is special about its task.
func (t task) String() string {
	parts := []string{t.Contender}
	for _, special := range []struct {
		is   bool
		text string
	}{
		{t.ReadAhead > 0, fmt.Sprintf("reading %d ahead", t.ReadAhead)},
		{t.Setting.Gzip, "gzip"},
		{t.TLS, "TLS and HTTP/2"},
		{t.Setting.Extra, "an unknown member in each"},
		{t.Pause > 0, fmt.Sprintf("%v of work on a page", t.Pause)},
		{t.Workers > 1, fmt.Sprintf("%d goroutines", t.Workers)},
		{t.OwnClient, "the SDK's own HTTP client"},
	} {
		if special.is {
			parts = append(parts, special.text)
		}
	}
	return strings.Join(parts, ", ")
}

// result is what a process measured.
type result struct {
	Warm, Seen    tally
	Units         int // items or calls
	Wall, CPU     time.Duration
	Allocs, Bytes uint64
	Heap          uint64 // bytes that are live at the end, more than at the start
	Peak          uint64 // bytes, of the whole life of the process
	Stats         struct {
		Requests    int
		HTTP2       int
		MaxInFlight int `json:"max_in_flight"`
	} // of the server
}

const taskVariable = "BENCH_TASK"

// child runs the task that the environment holds, if it holds one.
func child() (isChild bool) {
	text := os.Getenv(taskVariable)
	if text != "" {
		var t task
		check(decode(strings.NewReader(text), &t))
		check(json.NewEncoder(os.Stdout).Encode(any(t.measure())))
	}
	return text != ""
}

// measure warms up with a short list or a tenth of the calls, and then measures.
func (t task) measure() (r result) {
	s := &session{task: t, base: t.URL + t.Setting.prefix()}
	if !t.Cold {
		s = newSession(t)
		warm := s
		if lists[t.Contender] != nil {
			warm = s.with(t.Setting.warmUp())
		}
		r.Warm.exact = true
		warm.run(&r.Warm, t.Calls/10)
	}
	r.Units = max(t.Calls, t.Setting.Items)
	r.Seen.page, r.Seen.pause = t.Setting.Page, t.Pause
	runtime.GC()
	if t.Profile != "" {
		file := must(os.Create(t.Profile))
		check(pprof.StartCPUProfile(file))
	}
	before, start := snapshot(), time.Now()
	kept := s.run(&r.Seen, t.Calls)
	r.Wall = time.Since(start)
	after := snapshot()
	pprof.StopCPUProfile()
	r.CPU, r.Allocs, r.Bytes, r.Peak = after.CPU-before.CPU, after.Allocs-before.Allocs, after.Bytes-before.Bytes, peak()
	runtime.GC() // twice, because what is in a pool outlives the first
	runtime.GC()
	end := snapshot().Heap
	r.Heap = end - min(before.Heap, end)
	runtime.KeepAlive(kept)
	return r
}

// run reads a list or makes a number of calls.
func (s *session) run(seen *tally, n int) (kept any) {
	if list := lists[s.Contender]; list != nil {
		return must(list(s, seen))
	}
	var workers sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	for range s.Workers {
		workers.Go(func() {
			for left.Add(-1) >= 0 {
				check(calls[s.Contender](s))
			}
		})
	}
	workers.Wait()
	return nil
}

// snapshot returns what the process has used so far.
func snapshot() (r result) {
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	r.CPU = time.Duration(used.Utime.Nano() + used.Stime.Nano())
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	r.Allocs, r.Bytes, r.Heap = memory.Mallocs, memory.TotalAlloc, memory.HeapAlloc
	return r
}

// peak returns the most memory that the process has had. Getrusage may answer
// that of the process which started it.
func peak() uint64 {
	_, status, _ := strings.Cut(string(must(os.ReadFile("/proc/self/status"))), "VmHWM:")
	status, _, _ = strings.Cut(status, "kB")
	return must(strconv.ParseUint(strings.TrimSpace(status), 10, 64)) << 10
}

func decode(r io.Reader, v any) error { return json.NewDecoder(r).Decode(v) }

// A measurement that fails is worth nothing, and neither are the others beside
// it, so that every failure ends the program.
func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
