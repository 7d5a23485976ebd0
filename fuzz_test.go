package apono_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/wire"
	"github.com/stretchr/testify/require"
)

// Two arguments in one path, one of them in its middle: whatever they are, the
// server sees nine segments, and the two as they were given. Otherwise the
// removal of a member becomes the removal of a group.
func FuzzPathArguments(f *testing.F) {
	f.Add("g-1", "ann@example.com")
	var target string
	var values [2]string
	mux := http.NewServeMux()
	mux.HandleFunc("DELETE /api/admin/v1/groups/{id}/members/{email}", func(w http.ResponseWriter, r *http.Request) {
		values = [2]string{r.PathValue("id"), r.PathValue("email")}
		w.WriteHeader(http.StatusNoContent)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target = r.RequestURI
		mux.ServeHTTP(w, r)
	}))
	f.Cleanup(server.Close)
	client, err := apono.NewClient(testToken, apono.WithBaseURL(server.URL), apono.WithHTTPClient(server.Client()))
	check.NoError(f, err)
	refusable := func(text string) bool {
		return text == "" || text == "." || text == ".." || strings.ContainsFunc(text, unicode.IsControl)
	}
	f.Fuzz(func(t *testing.T, id, email string) {
		target, values = "", [2]string{}
		err := client.Groups.RemoveMember(t.Context(), id, email)
		if refusable(id) || refusable(email) {
			check.ErrorAs[*apono.ArgumentError](t, err)
			check.Equal(t, target, "")
			return
		}
		segments := strings.Split(target, "/")
		check.Equal(t, len(segments), 8)
		check.Equal(t, strings.Join(segments[:5], "/")+" "+segments[6], "/api/admin/v1/groups members")
		for i, want := range map[int]string{5: id, 7: email} {
			text, err := url.PathUnescape(segments[i])
			check.NoError(t, err)
			check.Equal(t, text, want)
		}
		if id != "/" && email != "/" { // net/http's router takes a segment %2F for a slash
			check.NoError(t, err)
			check.Equal(t, values, [2]string{id, email})
		}
	})
}

// twoAnswers answers the first request with one body and all others with
// another.
type twoAnswers struct {
	tb          testing.TB
	first, rest []byte
	requests    int
}

func (a *twoAnswers) RoundTrip(req *http.Request) (*http.Response, error) {
	a.requests++
	check.True(a.tb, a.requests <= 10, "lists that end, read twice")
	body := a.rest
	if q := req.URL.Query(); !q.Has("page_token") && !q.Has("skip") {
		body = a.first
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req}, nil
}

// Pages of any bytes are items or a typed error: no panic, no loop, no nil among
// the items, and the same once more, with and without reading ahead.
func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"items":[{"id":"a"}],"pagination":{"next_page_token":"t"}}`), []byte(`{"items":[]}`))
	f.Add([]byte(`{"data":[{"id":"a"}],"pagination":{"total":2,"limit":1,"offset":0}}`), []byte(`{"data":[{"id":"b"}],"pagination":{"total":2,"limit":1,"offset":1}}`))
	f.Fuzz(func(t *testing.T, first, rest []byte) {
		lists := map[string]func(c *apono.Client) ([]any, error){
			"tokens": func(c *apono.Client) ([]any, error) { return gather(t, c.Integrations.ListAll(t.Context())) },
			"offset": func(c *apono.Client) ([]any, error) {
				return gather(t, c.Integrations.ListAllPermissions(t.Context(), "i"))
			},
			"catalog": func(c *apono.Client) ([]any, error) { return gather(t, c.Integrations.ListAllCatalog(t.Context())) },
			"array":   func(c *apono.Client) ([]any, error) { return gatherSlice(c.Legacy.Connectors.List(t.Context())) },
			"page":    func(c *apono.Client) ([]any, error) { return gatherPage(c.Scopes.List(t.Context())) },
		}
		for name, list := range lists {
			var items []any
			var failure error
			for round, ahead := range []int{0, 0, 1} {
				answers := &twoAnswers{tb: t, first: first, rest: rest}
				client, err := apono.NewClient(testToken, apono.WithHTTPClient(&http.Client{Transport: answers}), apono.WithReadAhead(ahead), quickly)
				check.NoError(t, err)
				got, err := list(client)
				check.True(t, err == nil || errors.As(err, new(*apono.DecodeError)) || errors.Is(err, apono.ErrPageLoop) || errors.Is(err, apono.ErrTruncated),
					"items or a typed error of %s, got %v", name, err)
				for _, item := range got {
					check.True(t, !reflect.ValueOf(item).IsNil(), "an item of %s", name)
				}
				if round == 0 {
					items, failure = got, err
					continue
				}
				check.True(t, reflect.DeepEqual(got, items), "the same items of %s again", name)
				check.Equal(t, fmt.Sprint(err), fmt.Sprint(failure))
			}
		}
	})
}

// gather ranges over a list twice and fails unless both give the same.
func gather[T any](t *testing.T, seq iter.Seq2[*T, error]) ([]any, error) {
	t.Helper()
	var rounds [2][]any
	var failures [2]error
	for round := range rounds {
		for item, err := range seq {
			check.True(t, failures[round] == nil && (item == nil) == (err != nil), "an item or, last, an error")
			if failures[round] = err; err == nil {
				rounds[round] = append(rounds[round], item)
			}
		}
	}
	check.True(t, reflect.DeepEqual(rounds[0], rounds[1]), "the same from a second range")
	check.Equal(t, fmt.Sprint(failures[0]), fmt.Sprint(failures[1]))
	return rounds[0], failures[0]
}

func gatherSlice[T any](items []*T, err error) ([]any, error) {
	all := make([]any, 0, len(items))
	for _, item := range items {
		all = append(all, item)
	}
	return all, err
}

func gatherPage[T any](page *apono.Page[T], err error) ([]any, error) {
	if page == nil {
		if err == nil {
			return []any{(*T)(nil)}, nil // neither page nor error: the nil fails the test
		}
		return nil, err
	}
	return gatherSlice(page.Items, err)
}

// methodsOf lists the methods of every service of a client.
func methodsOf(client *apono.Client) map[string]reflect.Value {
	methods := map[string]reflect.Value{}
	for prefix, holder := range map[string]reflect.Value{"": reflect.ValueOf(client).Elem(), "Legacy.": reflect.ValueOf(client.Legacy).Elem()} {
		for i := range holder.NumField() {
			field := holder.Type().Field(i)
			if !field.IsExported() || !strings.HasSuffix(field.Type.String(), "Service") {
				continue
			}
			for j := range holder.Field(i).NumMethod() {
				methods[prefix+field.Name+"."+field.Type.Method(j).Name] = holder.Field(i).Method(j)
			}
		}
	}
	return methods
}

// invoke calls a method with an id for each string and zero inputs, and returns
// what it answers; a list is read to its end.
func invoke(ctx context.Context, method reflect.Value, last ...reflect.Value) []any {
	typ := method.Type()
	args := []reflect.Value{reflect.ValueOf(ctx)}
	for i := 1; i < typ.NumIn()-len(last); i++ {
		switch in := typ.In(i); {
		case typ.IsVariadic() && i == typ.NumIn()-1:
		case in.Kind() == reflect.String:
			args = append(args, reflect.ValueOf("x"))
		case in.Kind() == reflect.Func:
			args = append(args, reflect.ValueOf(func(*apono.AccessRequest) (bool, error) { return true, nil }))
		default:
			args = append(args, reflect.Zero(in))
		}
	}
	var answers []any
	for _, out := range method.Call(append(args, last...)) {
		if out.Kind() != reflect.Func {
			answers = append(answers, out.Interface())
			continue
		}
		for item, err := range out.Seq2() {
			answers = append(answers, item.Interface(), err.Interface())
		}
	}
	return answers
}

// heapAllocated is how much memory was allocated so far.
func heapAllocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// Any bytes in place of any answer are an object or a typed error. What decodes
// can be written back, as JSON, without a panic; and a small answer does not
// become a large object. It calls every method of the services but the
// iterating ones.
func FuzzModels(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.json")
	check.NoError(f, err)
	check.True(f, len(files) > 40, "the fixtures, got %d", len(files))
	for _, file := range files {
		data, err := os.ReadFile(file)
		check.NoError(f, err)
		f.Add(data)
		f.Add(append(append([]byte(`{"pagination":{"total":1},"data":[`), data...), "]}"...))
		f.Add(append(append([]byte(`{"items":[`), data...), "]}"...))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answers := &sameAnswer{body: body}
		client, err := apono.NewClient(testToken, apono.WithHTTPClient(&http.Client{Transport: answers}), quickly)
		check.NoError(t, err)
		methods := methodsOf(client)
		check.True(t, len(methods) >= 109, "a method for each operation, got %d", len(methods))
		before := heapAllocated()
		for name, method := range methods {
			if strings.Contains(name, ".ListAll") {
				continue // FuzzPage is about these
			}
			for _, answer := range invoke(t.Context(), method) {
				switch answer := answer.(type) {
				case nil:
				case error:
					isTyped(t, name, answer)
				default:
					writeBack(t, answers, methods, name, answer)
				}
			}
		}
		used := int(heapAllocated()-before) / len(methods)
		check.True(t, used < 1<<18+500*len(body), "memory in proportion to %d bytes, got %d for a call", len(body), used)
	})
}

// sameAnswer answers every request with the same body and keeps the last one.
type sameAnswer struct {
	body, sent []byte
}

func (a *sameAnswer) RoundTrip(req *http.Request) (*http.Response, error) {
	a.sent = nil
	if req.Body != nil {
		a.sent, _ = io.ReadAll(req.Body)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: req}, nil
}

func isTyped(t *testing.T, name string, err error) {
	t.Helper()
	typed := errors.As(err, new(*apono.DecodeError)) || errors.As(err, new(*apono.ArgumentError)) || errors.As(err, new(*apono.BulkError)) ||
		errors.Is(err, apono.ErrPageLoop) || errors.Is(err, apono.ErrTruncated) || errors.Is(err, apono.ErrNotFound) || errors.Is(err, apono.ErrAmbiguous)
	check.True(t, typed, "a typed error of %s, got %T: %v", name, err, err)
	if !errors.As(err, new(*apono.ArgumentError)) { // whose text is the caller's own
		isPresentable(t, err)
	}
}

// writeBack sends the update input of an object, where there is one, and fails
// if what is sent is no JSON object.
func writeBack(t *testing.T, answers *sameAnswer, methods map[string]reflect.Value, name string, answer any) {
	t.Helper()
	object := reflect.ValueOf(answer)
	if object.Kind() != reflect.Pointer || object.IsNil() {
		return
	}
	_ = fmt.Sprintf("%+v", answer)
	if _, err := json.Marshal(answer); err != nil {
		t.Fatalf("%s answered what is no JSON: %v", name, err)
	}
	convert := object.MethodByName("UpdateInput")
	if !convert.IsValid() {
		return
	}
	service := name[:strings.LastIndex(name, ".")]
	answers.sent = nil
	for _, result := range invoke(t.Context(), methods[service+".Update"], convert.Call(nil)[0]) {
		if err, ok := result.(error); ok {
			isTyped(t, service+".Update", err)
		}
	}
	if answers.sent != nil {
		check.True(t, json.Valid(answers.sent) && bytes.HasPrefix(answers.sent, []byte("{")), "an object in the update of %s, got %s", service, answers.sent)
	}
}

// The corpora are files, so that what was found once is tried for ever. Each is
// named for what it shows, not by the number that the go command gives it.
func TestFuzzCorpora(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"FuzzPathArgument", "FuzzPathArguments", "FuzzPage", "FuzzModels", "FuzzErrorBody", "FuzzInstant"} {
		files, err := filepath.Glob("testdata/fuzz/" + name + "/*")
		check.NoError(t, err)
		check.True(t, len(files) >= 3, "a corpus for %s, got %d files", name, len(files))
		for _, file := range files {
			check.True(t, !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(filepath.Base(file)), "a name that says something, got %s", file)
		}
	}
}

var record = flag.Bool("record", false, "write testdata/outcomes.txt anew")

// scalars matches the names and scalars of a JSON text.
var scalars = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null`)

// oddities stand in place of one scalar after the other.
var oddities = []string{
	`null`, `7`, `60.0`, `""`, `"2026-03-05 07:08"`, `[]`, `{}`, `true`, "\"\xff\"", `1e400`, `{"a":1,"a":2}`, `[null]`, `-0`, `"2026-03-05T07:08:09Z"`, `"\ud800"`, `[}`,
}

// FuzzOutcomes decodes the same bytes as every type of the API's objects. What is
// accepted, and as what, is the same on every release of Go: testdata/outcomes.txt
// has the outcomes, which the test with -record writes.
func FuzzOutcomes(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.json")
	require.NoError(f, err)
	require.Greater(f, len(files), 40)
	var seeds [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		seeds = append(seeds, text)
		for i, at := range scalars.FindAllIndex(text, -1) {
			if i%5 != 0 { // all of them take half a minute
				continue
			}
			seeds = append(seeds, slices.Concat(text[:at[0]], []byte(oddities[i/5%len(oddities)]), text[at[1]:]))
		}
	}
	const file = "testdata/outcomes.txt"
	if *record {
		var lines []string
		for _, seed := range seeds {
			lines = append(lines, digest(seed)+" "+digest(decoded(f, seed))+"\n")
		}
		slices.Sort(lines)
		require.NoError(f, os.WriteFile(file, []byte(strings.Join(slices.Compact(lines), "")), 0o600))
	}
	text, err := os.ReadFile(file)
	require.NoError(f, err)
	recorded := map[string]string{}
	for line := range strings.Lines(string(text)) {
		body, result, _ := strings.Cut(strings.TrimSpace(line), " ")
		recorded[body] = result
	}
	for _, seed := range seeds {
		require.Contains(f, recorded, digest(seed), "run the test with -record")
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		result := decoded(t, body)
		if want, ok := recorded[digest(body)]; ok {
			require.Equal(t, want, digest(result), "%s\n%s", body, result)
		}
	})
}

func digest(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data))[:16] }

// decoded is what a body is decoded to as each type, or why it is not.
func decoded(tb testing.TB, body []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	for _, typ := range typesWithExtra() {
		value, again := reflect.New(typ), reflect.New(typ)
		if err := wire.Unmarshal(body, value.Interface()); err != nil {
			fmt.Fprintf(&out, "%s: %v\n", typ, err)
			continue
		}
		written, err := wire.Marshal(value.Interface())
		if err != nil { // a time that RFC 3339 has no room for
			fmt.Fprintf(&out, "%s! %v\n", typ, err)
			continue
		}
		fmt.Fprintf(&out, "%s= %s\n", typ, written)
		require.NoError(tb, wire.Unmarshal(written, again.Interface()))
		rewritten, err := wire.Marshal(again.Interface())
		require.NoError(tb, err)
		require.Equal(tb, string(written), string(rewritten))
	}
	return out.Bytes()
}
