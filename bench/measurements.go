package main

import (
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// sizes are how much is measured.
type sizes struct {
	reps, starts     int // repetitions, and those of starts of programs
	corpus           int // items that the server has
	page, largePage  int
	items            int // of lists whose CPU time is measured
	stored, streamed int // of lists whose memory is measured
	latency, pause   time.Duration
	pages            []int // of lists with latency
	offsetPages      int
	calls, posts     int
	workers          int // that share calls
}

var (
	full = sizes{
		reps: 7, starts: 21, corpus: 100_000, page: 100, largePage: 1000, items: 50_000, stored: 100_000, streamed: 1_000_000,
		latency: 50 * time.Millisecond, pause: 10 * time.Millisecond, pages: []int{20, 40}, offsetPages: 100,
		calls: 5000, posts: 500, workers: 200,
	}
	short = sizes{
		reps: 3, starts: 7, corpus: 100_000, page: 100, largePage: 1000, items: 20_000, stored: 100_000, streamed: 200_000,
		latency: 50 * time.Millisecond, pause: 10 * time.Millisecond, pages: []int{20}, offsetPages: 100,
		calls: 2000, posts: 200, workers: 200,
	}
)

// measurements in the order of the table.
var measurements = []struct {
	name string
	run  func(*bench)
}{
	{"list", (*bench).list},
	{"latency", (*bench).latencies},
	{"offset", (*bench).offsets},
	{"memory", (*bench).memory},
	{"call", (*bench).call},
	{"parallel", (*bench).parallel},
	{"start", (*bench).start},
}

// entry is a task and what its metric has to be.
type entry struct {
	task
	limit limit
}

// compare adds a row for each entry: of the first one the details, of the
// others how they compare with it.
func (b *bench) compare(reps int, title string, of metric, unit string, detail func(all []runs, i int) string, entries ...entry) []runs {
	tasks := make([]task, len(entries))
	for i, e := range entries {
		tasks[i] = e.task
	}
	all := b.run(reps, tasks...)
	for i, e := range entries {
		name := fmt.Sprintf("%s: %v", title, e.task)
		if i == 0 {
			b.row(name, detail(all, i), "", "")
		} else {
			b.add(name, all[i].over(all[0], of), unit, e.limit, detail(all, i))
		}
	}
	return all
}

// list measures what an item of a list costs.
func (b *bench) list() {
	target := atMost(6)
	if version.Compare(runtime.Version(), "go1.27") < 0 {
		target = atMost(11) // without the faster encoding/json
	}
	detail := func(all []runs, i int) string {
		rs := all[i]
		text := fmt.Sprintf("%.2f µs, %.2f µs wall, %.1f allocations, %.2f KB; peak %.0f MB",
			rs.median(cpu), rs.median(wall), rs.median(allocs), rs.median(size), rs.median(highest))
		if i > 1 {
			text = fmt.Sprintf("%.2f × plain; ", rs.over(all[1], cpu)) + text
		}
		return text
	}
	for _, v := range []struct {
		set setting
		tls bool
	}{{setting{}, false}, {setting{Gzip: true}, false}, {setting{}, true}, {setting{Extra: true}, false}} {
		v.set.Items = b.items
		entries := []entry{
			{task: task{Contender: "floor", Setting: v.set, TLS: v.tls}},
			{task: task{Contender: "plain", Setting: v.set, TLS: v.tls}},
			{task: task{Contender: "ListAll", Setting: v.set, TLS: v.tls}},
		}
		if v.set == (setting{Items: b.items}) && !v.tls {
			entries[2].limit = target
			entries = append(entries, entry{task{Contender: "ListAll", Setting: v.set, ReadAhead: 1}, target},
				entry{task: task{Contender: "Collect", Setting: v.set}})
		}
		b.compare(b.reps, "CPU of an item", cpu, "%.2f × floor", detail, entries...)
	}
	set := setting{Items: b.items}
	b.compare(b.reps, "CPU of an item", cpu, "%.2f × plain", detail,
		entry{task: task{Contender: "Legacy.plain", Setting: set}}, entry{task: task{Contender: "Legacy.ListAll", Setting: set}})
}

// latencies measures how long a list takes whose server is far away.
func (b *bench) latencies() {
	for _, pages := range b.pages {
		for _, v := range []struct {
			page   int
			target limit
			pauses []time.Duration
		}{{b.page, atMost(1.02), []time.Duration{0, b.pause}}, {b.largePage, atMost(1.06), []time.Duration{0}}} {
			set := setting{Latency: b.latency, Items: pages * v.page, Page: v.page}
			entries := []entry{{task: task{Contender: "floor", Setting: set}}}
			for _, pause := range v.pauses {
				entries = append(entries, entry{task: task{Contender: "ListAll", Setting: set, Pause: pause}},
					entry{task{Contender: "ListAll", Setting: set, Pause: pause, ReadAhead: 1}, v.target})
			}
			b.compare(b.reps, fmt.Sprintf("Time of %d pages of %d at %v", pages, v.page, b.latency), wall, "%.3f × floor",
				func(all []runs, i int) string { return fmt.Sprintf("%.0f ms", all[i].median(total)) }, entries...)
		}
	}
}

// offsets measures lists of which several pages can be under way.
func (b *bench) offsets() {
	list := func(ahead int) task {
		return task{Contender: "Legacy.ListAll", Setting: setting{Latency: b.latency, Items: b.offsetPages * b.page}, ReadAhead: ahead}
	}
	b.compare(min(b.reps, 3), fmt.Sprintf("Speed of %d pages of %d at %v", b.offsetPages, b.page, b.latency), speed, "%.1f × as fast",
		func(all []runs, i int) string {
			return fmt.Sprintf("%.0f ms, %.0f in flight", all[i].median(total), all[i].median(inFlight))
		},
		entry{task: list(0)}, entry{task: list(1)}, entry{list(4), atLeast(3.7)}, entry{list(8), atLeast(7)}, entry{list(16), atLeast(11)})
}

// memory measures what a process needs at most, and what an item keeps alive.
func (b *bench) memory() {
	few := b.stored / 5
	list := func(contender string, items int) task {
		return task{Contender: contender, Setting: setting{Items: items}}
	}
	const oneKept = "ListAll, one of each page kept"
	all := b.run(min(b.reps, 3), list("floor", b.stored), list("plain", b.stored), list("Collect", b.stored),
		list("ListAll", b.stored), list("ListAll", few), list(oneKept, b.stored))
	longest := b.run(1, list("ListAll", b.streamed))[0]
	peakOf := func(rs runs, contender string, items int, l limit) {
		b.add(fmt.Sprintf("Peak of memory: %s, %d items", contender, items), rs.median(highest), "%.1f MB", l, "")
	}
	peakOf(all[0], "floor", b.stored, limit{})
	peakOf(all[1], "plain", b.stored, limit{})
	peakOf(all[2], "Collect", b.stored, atMost(210))
	peakOf(all[3], "ListAll", b.stored, limit{})
	peakOf(longest, "ListAll", b.streamed, atMost(25))
	b.add(fmt.Sprintf("Peak of memory: ListAll, %d items over %d items", b.stored, few), all[3].over(all[4], highest), "%.2f", atMost(1.1), "")
	each, one := all[2].median(heap)/float64(b.stored), all[5].median(heap)/float64(b.stored/b.page)
	b.add("Heap of an item: Collect", each, "%.2f KB", limit{}, "")
	b.add("Heap of an item: "+oneKept, one/each, "%.2f × Collect", atMost(1.2), fmt.Sprintf("%.2f KB", one))
}

// call measures what the SDK adds to a single call.
func (b *bench) call() {
	detail := func(all []runs, i int) string {
		rs := all[i]
		text := fmt.Sprintf("%.1f µs, %.1f µs CPU, %.0f allocations, %.1f KB", rs.median(wall), rs.median(cpu), rs.median(allocs), rs.median(size))
		if i > 0 {
			text += fmt.Sprintf("; CPU %.2f ×", rs.over(all[0], cpu))
		}
		return text
	}
	for _, tls := range []bool{false, true} {
		all := b.compare(b.reps, "Time of a call", wall, "%.2f × plain", detail,
			entry{task: task{Contender: "plain Get", Calls: b.calls, TLS: tls}},
			entry{task{Contender: "Get", Calls: b.calls, TLS: tls}, atMost(1.05)})
		b.add("Allocations of a call: Get over plain Get", all[1].above(all[0], allocs), "%+.0f", atMost(10), "")
		b.compare(b.reps, "Bytes of a POST of 100 KB", size, "%.2f × plain", detail,
			entry{task: task{Contender: "plain Create", Calls: b.posts, TLS: tls}},
			entry{task{Contender: "Create", Calls: b.posts, TLS: tls}, atMost(1.15)})
	}
}

// parallel measures a client that many goroutines share.
func (b *bench) parallel() {
	shared := func(contender string, own bool) entry {
		return entry{task: task{Contender: contender, Calls: 4 * b.calls, Workers: b.workers, OwnClient: own}}
	}
	b.compare(b.reps, "Calls a second", speed, "%.2f × plain", func(all []runs, i int) string {
		return fmt.Sprintf("%.0f; CPU of a call %.1f µs, %.2f × plain", all[i].median(speed), all[i].median(cpu), all[i].over(all[0], cpu))
	}, shared("plain Get", false), shared("Get", false), shared("Get", true))
}

// start measures what comes before the first answer.
func (b *bench) start() {
	b.compare(b.starts, "First call of a process", wall, "%.2f × plain",
		func(all []runs, i int) string {
			return fmt.Sprintf("%.0f µs, %+.0f µs", all[i].median(wall), all[i].above(all[0], wall))
		},
		entry{task: task{Contender: "plain client and Get", Calls: 1, Cold: true}},
		entry{task: task{Contender: "NewClient and Get", Calls: 1, Cold: true}})
	programs := [2]string{b.build("minimal/plain"), b.build("minimal/apono")}
	var sizes [2]float64
	var took [2][]float64
	for i, program := range programs {
		sizes[i] = float64(must(os.Stat(program)).Size()) / 1e6
	}
	for range b.starts {
		for i, program := range programs {
			took[i] = append(took[i], initialization(program))
		}
	}
	b.add("Initialization of packages: a program with the SDK over one without", median(took[1])-median(took[0]), "%+.3f ms", atMost(0.1),
		fmt.Sprintf("%.3f ms and %.3f ms", median(took[1]), median(took[0])))
	b.add("Size of a program with the SDK over one without", sizes[1]-sizes[0], "%+.2f MB", atMost(1.5),
		fmt.Sprintf("%.2f MB and %.2f MB, stripped", sizes[1], sizes[0]))
}

// initialization returns how many milliseconds the packages of a program take
// before its main function.
func initialization(program string) (sum float64) {
	cmd := exec.Command(program) //nolint:gosec,noctx // it was built here, and ends by itself
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	for line := range strings.Lines(string(must(cmd.CombinedOutput()))) {
		// For example "init net/http @0.61 ms, 0.024 ms clock, 6720 bytes, 120 allocs".
		if fields := strings.Fields(line); fields[0] == "init" {
			sum += must(strconv.ParseFloat(fields[4], 64))
		}
	}
	return sum
}
