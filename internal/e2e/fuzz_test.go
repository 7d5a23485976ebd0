package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// twoBodies responds with first to requests for the first page, and with rest to all
// others.
type twoBodies struct {
	tb          testing.TB
	first, rest []byte
	requests    int
}

func (a *twoBodies) RoundTrip(req *http.Request) (*http.Response, error) {
	a.requests++
	assert.LessOrEqual(a.tb, a.requests, 10, "the list does not end")
	body := a.rest
	if q := req.URL.Query(); !q.Has("page_token") && !q.Has("skip") {
		body = a.first
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req}, nil
}

// FuzzPage decodes any bytes as pages. The result must be items that are not nil or a
// typed error, and the same again, with and without read-ahead.
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
				bodies := &twoBodies{tb: t, first: first, rest: rest}
				client, err := apono.NewClient(apitest.Token, apono.WithHTTPClient(&http.Client{Transport: bodies}), apitest.ReadAhead(ahead), apitest.Quickly)
				require.NoError(t, err)
				got, err := list(client)
				require.Truef(t, err == nil || errors.As(err, new(*apono.DecodeError)) || errors.Is(err, apono.ErrPageLoop) || errors.Is(err, apono.ErrTruncated), "untyped error from %s: %v", name, err)
				for _, item := range got {
					require.Falsef(t, reflect.ValueOf(item).IsNil(), "nil item from %s", name)
				}
				if round == 0 {
					items, failure = got, err
					continue
				}
				require.Equalf(t, items, got, "%s is not the same again", name)
				require.Equal(t, fmt.Sprint(failure), fmt.Sprint(err))
			}
		}
	})
}

// gather ranges over a list twice. The test fails unless both results are the same.
func gather[T any](t *testing.T, seq iter.Seq2[*T, error]) ([]any, error) {
	t.Helper()
	var rounds [2][]any
	var failures [2]error
	for round := range rounds {
		for item, err := range seq {
			require.NoError(t, failures[round], "the list continues after an error")
			require.Equal(t, err != nil, item == nil, "the list must yield an item or an error")
			if failures[round] = err; err == nil {
				rounds[round] = append(rounds[round], item)
			}
		}
	}
	require.Equal(t, rounds[1], rounds[0], "the second range is not the same")
	require.Equal(t, fmt.Sprint(failures[1]), fmt.Sprint(failures[0]))
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
			return []any{(*T)(nil)}, nil // makes the test fail
		}
		return nil, err
	}
	return gatherSlice(page.Items, err)
}

// methodsOf returns the methods of every service of a client, by name.
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

// invoke calls a method with an id for each string and zero inputs, and returns its
// results. A list is read to its end.
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
	var results []any
	for _, out := range method.Call(append(args, last...)) {
		if out.Kind() != reflect.Func {
			results = append(results, out.Interface())
			continue
		}
		for item, err := range out.Seq2() {
			results = append(results, item.Interface(), err.Interface())
		}
	}
	return results
}

// heapAllocated returns the number of bytes allocated so far.
func heapAllocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// FuzzModels decodes any bytes as the response of every method, except iterators and
// waiters. The result must be an object or a typed error. An object must be
// encodable, also as an update, and its memory in proportion to the body.
func FuzzModels(f *testing.F) {
	files, err := filepath.Glob(apitest.Path("testdata/*/*.json"))
	require.NoError(f, err)
	require.Greater(f, len(files), 40, "fixtures are missing")
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data)
		f.Add(append(append([]byte(`{"pagination":{"total":1},"data":[`), data...), "]}"...))
		f.Add(append(append([]byte(`{"items":[`), data...), "]}"...))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		server := &sameBody{body: body}
		client, err := apono.NewClient(apitest.Token, apono.WithHTTPClient(&http.Client{Transport: server}), apitest.Quickly)
		require.NoError(t, err)
		methods := methodsOf(client)
		require.GreaterOrEqual(t, len(methods), 109, "methods are missing")
		before := heapAllocated()
		for name, method := range methods {
			_, own, _ := strings.Cut(name, ".")
			if strings.Contains(name, ".ListAll") || slices.Contains([]string{"WaitFor", "During", "Acquire", "Adopt", "EnsureRevoked"}, own) {
				continue // FuzzPage covers lists; the others would poll without end
			}
			for _, result := range invoke(t.Context(), method) {
				switch result := result.(type) {
				case nil:
				case error:
					isTyped(t, name, result)
				default:
					writeBack(t, server, methods, name, result)
				}
			}
		}
		used := int(heapAllocated()-before) / len(methods)
		require.Lessf(t, used, 1<<18+500*len(body), "too much memory for %d bytes", len(body))
	})
}

// sameBody responds to every request with the same body, and keeps the body of the
// last request.
type sameBody struct {
	body, sent []byte
}

func (a *sameBody) RoundTrip(req *http.Request) (*http.Response, error) {
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
	require.Truef(t, typed, "untyped error from %s: %T: %v", name, err, err)
	if !errors.As(err, new(*apono.ArgumentError)) { // may quote the argument
		apitest.IsPresentable(t, err)
	}
}

// writeBack sends the UpdateInput of an object that has one. The test fails if the
// body is not a JSON object.
func writeBack(t *testing.T, server *sameBody, methods map[string]reflect.Value, name string, result any) {
	t.Helper()
	object := reflect.ValueOf(result)
	if object.Kind() != reflect.Pointer || object.IsNil() {
		return
	}
	_ = fmt.Sprintf("%+v", result)
	if _, err := json.Marshal(result); err != nil {
		t.Fatalf("the result of %s cannot be encoded: %v", name, err)
	}
	convert := object.MethodByName("UpdateInput")
	if !convert.IsValid() {
		return
	}
	service := name[:strings.LastIndex(name, ".")]
	server.sent = nil
	for _, result := range invoke(t.Context(), methods[service+".Update"], convert.Call(nil)[0]) {
		if err, ok := result.(error); ok {
			isTyped(t, service+".Update", err)
		}
	}
	if server.sent != nil {
		require.Truef(t, json.Valid(server.sent), "invalid JSON in the update of %s: %s", service, server.sent)
		require.Truef(t, bytes.HasPrefix(server.sent, []byte("{")), "no object in the update of %s: %s", service, server.sent)
	}
}

// Inputs in the corpora have names that describe them, not the hash that the go
// command assigns.
func TestFuzzCorpora(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{
		"FuzzPathArgument": ".", "FuzzPathArguments": ".", "FuzzErrorBody": ".", "FuzzInstant": ".",
		"FuzzPage": "internal/e2e", "FuzzModels": "internal/e2e",
	} {
		files, err := filepath.Glob(apitest.Path(dir + "/testdata/fuzz/" + name + "/*"))
		require.NoError(t, err)
		require.GreaterOrEqualf(t, len(files), 3, "%s has too small a corpus", name)
		for _, file := range files {
			require.NotRegexp(t, `^[0-9a-f]{16}$`, filepath.Base(file), "the file needs a descriptive name")
		}
	}
}
