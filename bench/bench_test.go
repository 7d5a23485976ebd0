package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if !child() {
		os.Exit(m.Run())
	}
}

var tiny = sizes{
	reps: 1, starts: 1, corpus: 200, page: 10, largePage: 50, items: 60, stored: 100, streamed: 300,
	latency: time.Millisecond, pause: time.Millisecond, pages: []int{2}, offsetPages: 20, calls: 20, posts: 10, workers: 4,
}

func newTinyBench(t *testing.T, out io.Writer) *bench {
	t.Helper()
	b := newBench(out, tiny)
	t.Cleanup(b.close)
	return b
}

// A measurement that does not run, or a contender that reads another list than
// the others, is noticed here rather than after minutes of measuring. Nothing is
// said about speed.
func TestEveryMeasurement(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	newTinyBench(t, &out).measure("")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")[4:]
	if len(lines) != 54 {
		t.Errorf("%d rows, want 54", len(lines))
	}
	for _, line := range lines {
		if !regexp.MustCompile(`^\| [^|]*\d*[^|]* \| [^|]*\d[^|]* \| ([≤≥] [^|]*\d[^|]* \| (yes|\*\*no\*\*)| \| ) \|$`).MatchString(line) ||
			strings.Contains(line, "NaN") || strings.Contains(line, "Inf") {
			t.Errorf("not a row of the table: %s", line)
		}
	}
	for name := range lists {
		if !strings.Contains(out.String(), ": "+name) {
			t.Errorf("nothing is measured of %s", name)
		}
	}
	for name := range calls {
		if !strings.Contains(out.String(), ": "+name) {
			t.Errorf("nothing is measured of %s", name)
		}
	}
}

// A contender that leaves something out looks fast.
func TestVerify(t *testing.T) {
	t.Parallel()
	b := &bench{sizes: tiny}
	list := task{Contender: "ListAll", Setting: setting{Items: 60, Page: 10}, ReadAhead: 2}
	good := result{Warm: b.ids(50), Seen: b.ids(60)}
	good.Stats.Requests, good.Stats.MaxInFlight = 11, 2
	if err := b.verify(list, good); err != nil {
		t.Errorf("a good result: %v", err)
	}
	var swapped tally
	swapped.see("00000000-0000-4000-8000-000000000001")
	swapped.see("00000000-0000-4000-8000-000000000000")
	if swapped == b.ids(2) {
		t.Error("the checksum does not depend on the order")
	}
	for name, spoil := range map[string]func(*task, *result){
		"items missing":            func(_ *task, r *result) { r.Seen = b.ids(59) },
		"items twice":              func(_ *task, r *result) { r.Seen.see("00000000-0000-4000-8000-000000000059") },
		"another item":             func(_ *task, r *result) { r.Seen.Sum++ },
		"a short warm-up":          func(_ *task, r *result) { r.Warm = b.ids(40) },
		"a request too few":        func(_ *task, r *result) { r.Stats.Requests-- },
		"a request too many":       func(_ *task, r *result) { r.Stats.Requests++ },
		"too many at a time":       func(_ *task, r *result) { r.Stats.MaxInFlight++ },
		"HTTP/1 where 2 was due":   func(t *task, _ *result) { t.TLS = true },
		"a floor that warmed less": func(t *task, r *result) { t.Contender, r.Warm = "floor", tally{} },
	} {
		bad, r := list, good
		spoil(&bad, &r)
		if b.verify(bad, r) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// Each ratio is one of two runs side by side. The ratio of two medians would mix
// a slow spell of the machine into one of them.
func TestRatiosAreTakenRunByRun(t *testing.T) {
	t.Parallel()
	base := runs{{Units: 1, Wall: 10e6}, {Units: 1, Wall: 100e6}, {Units: 1, Wall: 30e6}}
	twice := runs{{Units: 1, Wall: 20e6}, {Units: 1, Wall: 200e6}, {Units: 1, Wall: 15e6}}
	if got := fmt.Sprint(twice.over(base, total), twice.above(base, total), base.median(total), median([]float64{4, 1, 3, 2})); got != "2 10 30 2.5" {
		t.Errorf("got %s, want 2 10 30 2.5", got)
	}
}

// A target that is missed has to stand out, in either direction.
func TestTargets(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := &bench{out: &out}
	for _, got := range []float64{1, 2, 3} {
		b.add("n", got, "%.0f ms", atMost(2), "")
		b.add("n", got, "%.0f ms", atLeast(2), "more")
	}
	b.add("n", 1, "%.0f ms", limit{}, "")
	want := "| n | 1 ms | ≤ 2 ms | yes |\n| n | 1 ms (more) | ≥ 2 ms | **no** |\n" +
		"| n | 2 ms | ≤ 2 ms | yes |\n| n | 2 ms (more) | ≥ 2 ms | yes |\n" +
		"| n | 3 ms | ≤ 2 ms | **no** |\n| n | 3 ms (more) | ≥ 2 ms | yes |\n| n | 1 ms |  |  |\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// Measurements against answers of another form or size than the API's would
// say nothing.
func TestServer(t *testing.T) {
	t.Parallel()
	b := newTinyBench(t, io.Discard)
	for _, c := range []struct{ path, ids, rest string }{
		{"/items=5&page=2/api/admin/v4/integrations", "0 1", `{"pagination":{"next_page_token":"2"}}`},
		{"/items=5&page=2/api/admin/v4/integrations?page_token=4", "4", `{"pagination":{"next_page_token":null}}`},
		{"/items=5&page=2/api/admin/v4/integrations?page_token=2&limit=3", "2 3 4", `{"pagination":{"next_page_token":null}}`},
		{"/items=500&page=2/api/admin/v4/integrations?page_token=202", "2 3", `{"pagination":{"next_page_token":"204"}}`},
		{"/items=5&page=2/api/v2/integrations", "0 1", `{"pagination":{"limit":2,"offset":0,"total":5}}`},
		{"/items=5&page=2/api/v2/integrations?skip=1&limit=3", "1 2 3", `{"pagination":{"limit":3,"offset":1,"total":5}}`},
		{"/items=5&page=2&gzip=true/api/v2/integrations?skip=4", "4", `{"pagination":{"limit":2,"offset":4,"total":5}}`},
		{"/items=5&page=2/api/v2/integrations?skip=5", "", `{"pagination":{"limit":2,"offset":5,"total":5}}`},
	} {
		resp, err := http.Get(b.address.HTTP + c.path)
		if err != nil {
			t.Fatal(err)
		}
		var body map[string]any
		err = json.NewDecoder(resp.Body).Decode(&body)
		_ = resp.Body.Close()
		if err != nil || resp.Uncompressed != strings.Contains(c.path, "gzip") {
			t.Fatalf("%s: %v, compressed %t", c.path, err, resp.Uncompressed)
		}
		items, _ := body["items"].([]any)
		if strings.Contains(c.path, "v2") {
			items, _ = body["data"].([]any)
		}
		var ids []string
		for _, item := range items {
			object, _ := item.(map[string]any)
			id, _ := object["id"].(string)
			ids = append(ids, strings.TrimPrefix(id, "00000000-0000-4000-8000-00000000000"))
			if text, _ := json.Marshal(item); len(text) < 950 || len(text) > 1250 {
				t.Errorf("an item of %d bytes", len(text))
			}
		}
		delete(body, "items")
		delete(body, "data")
		if rest, _ := json.Marshal(body); strings.Join(ids, " ") != c.ids || string(rest) != c.rest {
			t.Errorf("%s: got %v and %s, want %s and %s", c.path, ids, rest, c.ids, c.rest)
		}
	}
}
