package bench

import (
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// use is what this process, without the server, has used so far.
type use struct {
	cpu           time.Duration // user and system
	allocs, bytes uint64
}

func used() use {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return use{time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), memory.Mallocs, memory.TotalAlloc}
}

// measure measures run, which processes a number of units, after a warm-up.
func measure(b *testing.B, unit string, units int, warmUp, run func() error) {
	b.Helper()
	require.NoError(b, warmUp())
	forgetPeak()
	before := used()
	for b.Loop() {
		require.NoError(b, run())
	}
	report(b, unit, units*b.N, before)
}

// report reports the use per unit.
func report(b *testing.B, unit string, units int, before use) {
	b.Helper()
	after, n := used(), float64(units)
	b.ReportMetric(float64((after.cpu-before.cpu).Nanoseconds())/n, "cpu-ns/"+unit)
	b.ReportMetric(float64(after.allocs-before.allocs)/n, "allocs/"+unit)
	b.ReportMetric(float64(after.bytes-before.bytes)/n, "B/"+unit)
	b.ReportMetric(float64(peak())/1e6, "peak-MB")
}

// forgetPeak returns memory to the system and resets the peak.
func forgetPeak() {
	debug.FreeOSMemory()
	check(os.WriteFile("/proc/self/clear_refs", []byte("5"), 0))
}

var highest = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)

// peak returns the peak of memory since forgetPeak, in bytes.
func peak() int {
	status := must(os.ReadFile("/proc/self/status"))
	return must(strconv.Atoi(string(highest.FindSubmatch(status)[1]))) << 10
}

// inUse returns the number of bytes of live objects.
func inUse() float64 {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return float64(memory.HeapAlloc)
}

// sockets returns the number of open sockets.
func sockets() float64 {
	files := must(os.ReadDir("/proc/self/fd"))
	open := 0
	for _, file := range files {
		if target, err := os.Readlink("/proc/self/fd/" + file.Name()); err == nil && strings.HasPrefix(target, "socket:") {
			open++
		}
	}
	return float64(open)
}
