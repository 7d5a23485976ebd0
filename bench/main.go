// Bench measures the SDK against the wire and against what users would write
// themselves. It prints a table in Markdown.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

func main() {
	defer func() {
		if err := recover(); err != nil {
			log.Fatal(err)
		}
	}()
	if child() {
		return
	}
	names := make([]string, len(measurements))
	for i, m := range measurements {
		names[i] = m.name
	}
	quick := flag.Bool("quick", false, "measure less, with less certainty")
	reps := flag.Int("reps", 0, "how often everything is measured (default 7, with -quick 3)")
	only := flag.String("only", "", "one measurement: "+strings.Join(names, ", "))
	profiles := flag.String("profile", "", "a directory that is there, for CPU profiles of the contenders")
	flag.Parse()
	if *only != "" && !slices.Contains(names, *only) {
		log.Fatalf("there is no measurement %q", *only)
	}
	set := full
	if *quick {
		set = short
	}
	set.reps = cmp.Or(*reps, set.reps)
	b := newBench(os.Stdout, set)
	defer b.close()
	b.profiles = *profiles
	b.measure(*only)
}

// bench runs contenders and prints what came out.
type bench struct {
	sizes
	out       io.Writer
	profiles  string
	directory string // of what is built
	server    *exec.Cmd
	input     io.Closer // of the server
	address   struct{ HTTP, HTTPS, CA string }
}

func newBench(out io.Writer, s sizes) *bench {
	b := &bench{sizes: s, out: out, directory: must(os.MkdirTemp("", "bench"))}
	b.server = exec.Command(b.build("server"), fmt.Sprintf("-items=%d", b.corpus)) //nolint:gosec,noctx // it ends with its input
	b.server.Stderr = os.Stderr
	b.input = must(b.server.StdinPipe())
	output := must(b.server.StdoutPipe())
	check(b.server.Start())
	check(decode(output, &b.address))
	return b
}

func (b *bench) close() {
	_ = b.input.Close()
	_ = b.server.Wait()
	_ = os.RemoveAll(b.directory)
}

// build builds a program of this module and returns its path.
func (b *bench) build(name string) string {
	path := filepath.Join(b.directory, filepath.Base(name))
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "./"+name) //nolint:gosec,noctx // names are this program's own
	cmd.Stderr = os.Stderr
	check(cmd.Run())
	return path
}

// runs are the results of one contender, one for each repetition.
type runs []result

// run measures tasks in turn, all of them once before any of them twice, so
// that a slow spell of the machine meets them all.
func (b *bench) run(reps int, tasks ...task) []runs {
	all := make([]runs, len(tasks))
	for rep := range reps {
		for i, t := range tasks {
			if b.profiles != "" && rep == 0 {
				t.Profile = filepath.Join(b.profiles, strings.ReplaceAll(t.String(), "/", "")+".pprof")
			}
			all[i] = append(all[i], b.runOnce(t))
		}
	}
	return all
}

func (b *bench) runOnce(t task) (r result) {
	t.URL, t.CA, t.Workers = b.address.HTTP, b.address.CA, max(t.Workers, 1)
	if t.TLS {
		t.URL = b.address.HTTPS
	}
	t.Setting.Page = cmp.Or(t.Setting.Page, b.page)
	cmd := exec.Command(must(os.Executable())) //nolint:gosec,noctx // this program
	cmd.Env = append(os.Environ(), taskVariable+"="+string(must(json.Marshal(any(t)))))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err == nil {
		err = decode(bytes.NewReader(out), &r)
	}
	if err == nil {
		err = b.readStats(&r)
	}
	if err == nil {
		err = b.verify(t, r)
	}
	if err != nil {
		panic(fmt.Errorf("%v: %w", t, err))
	}
	return r
}

// readStats gets what the server counted since it was last asked.
func (b *bench) readStats(r *result) error {
	resp, err := http.Get(b.address.HTTP + "/stats") //nolint:noctx // the server is this program's own
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return decode(resp.Body, &r.Stats)
}

// verify refuses the results of a contender that did something else than the
// others.
func (b *bench) verify(t task, r result) error {
	requests, http2, inFlight := t.Calls, 0, max(t.Workers, t.ReadAhead)
	if !t.Cold {
		requests += t.Calls / 10
	}
	if lists[t.Contender] != nil {
		warm := t.Setting.warmUp()
		requests = t.Setting.pages() + warm.pages()
		if want := b.ids(warm.Items); r.Warm != want {
			return fmt.Errorf("it warmed up with %+v instead of %+v", r.Warm, want)
		}
		if want := b.ids(t.Setting.Items); r.Seen != want && t.Contender != "floor" {
			return fmt.Errorf("it saw %+v instead of %+v", r.Seen, want)
		}
	}
	if t.TLS {
		http2 = requests
	}
	if r.Stats.Requests != requests || r.Stats.HTTP2 != http2 || r.Stats.MaxInFlight > inFlight {
		return fmt.Errorf("the server counted %+v instead of %d requests, %d over HTTP/2, at most %d at a time",
			r.Stats, requests, http2, inFlight)
	}
	return nil
}

// ids is what a contender has to see of a list.
func (b *bench) ids(n int) (t tally) {
	for i := range n {
		t.see(fmt.Sprintf("00000000-0000-4000-8000-%012d", i%b.corpus))
	}
	return t
}

// metric takes a number from a result.
type metric func(result) float64

func wall(r result) float64     { return float64(r.Wall.Nanoseconds()) / 1e3 / float64(r.Units) } // µs
func total(r result) float64    { return float64(r.Wall.Nanoseconds()) / 1e6 }                    // ms
func speed(r result) float64    { return float64(r.Units) / r.Wall.Seconds() }
func cpu(r result) float64      { return float64(r.CPU.Nanoseconds()) / 1e3 / float64(r.Units) } // µs
func allocs(r result) float64   { return float64(r.Allocs) / float64(r.Units) }
func size(r result) float64     { return float64(r.Bytes) / 1e3 / float64(r.Units) } // KB
func highest(r result) float64  { return float64(r.Peak) / 1e6 }                     // MB
func heap(r result) float64     { return float64(r.Heap) / 1e3 }                     // KB
func inFlight(r result) float64 { return float64(r.Stats.MaxInFlight) }

func (rs runs) median(of metric) float64 {
	return rs.against(rs, of, func(a, _ float64) float64 { return a })
}

// over returns the median of the ratios to another contender, run by run.
func (rs runs) over(base runs, of metric) float64 {
	return rs.against(base, of, func(a, b float64) float64 { return a / b })
}

// above is over for differences.
func (rs runs) above(base runs, of metric) float64 {
	return rs.against(base, of, func(a, b float64) float64 { return a - b })
}

func (rs runs) against(base runs, of metric, compare func(a, b float64) float64) float64 {
	values := make([]float64, len(rs))
	for i := range rs {
		values[i] = compare(of(rs[i]), of(base[i]))
	}
	return median(values)
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// limit is what a value has to be, nothing if it has no relation.
type limit struct {
	relation string
	value    float64
}

func atMost(value float64) limit  { return limit{"≤ ", value} }
func atLeast(value float64) limit { return limit{"≥ ", value} }

// add adds a row to the table. The unit is a format, such as "%.2f ms".
func (b *bench) add(name string, got float64, unit string, l limit, detail string) {
	value, target, met := fmt.Sprintf(unit, got), "", ""
	if detail != "" {
		value += " (" + detail + ")"
	}
	if l.relation != "" {
		target, met = l.relation+fmt.Sprintf(unit, l.value), "yes"
		if l.relation == "≤ " && got > l.value || l.relation == "≥ " && got < l.value {
			met = "**no**"
		}
	}
	b.row(name, value, target, met)
}

func (b *bench) row(cells ...string) {
	_, _ = fmt.Fprintf(b.out, "| %s |\n", strings.Join(cells, " | "))
}

// measure prints the table of one measurement, or of all.
func (b *bench) measure(only string) {
	_, model, _ := strings.Cut(string(must(os.ReadFile("/proc/cpuinfo"))), "model name\t: ")
	model, _, _ = strings.Cut(model, "\n")
	_, _ = fmt.Fprintf(b.out, "%s, %d cores; %s, %s/%s; medians of %d runs.\n\n",
		model, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, b.reps)
	b.row("Measurement", "Value", "Target", "Met")
	b.row("---", "---", "---", "---")
	for _, m := range measurements {
		if only == "" || only == m.name {
			m.run(b)
		}
	}
}
