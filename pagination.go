package apono

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/url"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/transport"
	"github.com/apono-go/apono/internal/wire"
	"github.com/google/go-querystring/query"
)

// Page is one page of a list with page tokens.
type Page[T any] struct {
	// Items are the objects of the page, in the server's order.
	Items []*T
	// NextPageToken is the token of the next page, empty on the last one. Put
	// it into the options' PageToken to go on from here, even in another
	// process; how long it stays good is not documented.
	NextPageToken string
}

// OffsetPage is one page of a list that counts from an offset. For most such
// lists the API documents no parameters, and the server is expected to answer
// everything at once.
type OffsetPage[T any] struct {
	// Items are the objects of the page, in the server's order.
	Items []*T
	// Total is how many objects there are, as the server says.
	Total int
	// Limit is the size of a page, as the server says.
	Limit int
	// Offset is how many objects come before this page, as the server says.
	Offset int
}

// Collect reads a whole list into a slice. On an error it returns what came
// before it together with the error. It holds all objects in memory; a loop over
// the list does not.
func Collect[T any](seq iter.Seq2[*T, error]) ([]*T, error) {
	items := []*T{}
	for item, err := range seq {
		if err != nil {
			return items, err
		}
		items = append(items, item)
	}
	return items, nil
}

// First returns the first item of a list that matches, and reads no further.
// Without one it is [ErrNotFound].
func First[T any](seq iter.Seq2[*T, error], match func(*T) bool) (*T, error) {
	for item, err := range seq {
		if err != nil {
			return nil, err
		}
		if match(item) {
			return item, nil
		}
	}
	return nil, fmt.Errorf("apono: no item of the list matches: %w", ErrNotFound)
}

// byName returns the only item of a list that has a name. The list was asked
// for that name; but a server takes an asterisk at either end for any text, and
// a filter that it does not know it ignores.
func byName[T any](name string, seq iter.Seq2[*T, error], identify func(*T) (id, name string)) (*T, error) {
	if name == "" {
		return nil, &ArgumentError{Arg: "name", Reason: "it is empty: it must name one object"}
	}
	var found *T
	var ids []string
	for item, err := range seq {
		if err != nil {
			return nil, err
		}
		// An object may move to the next page while the list is read.
		if id, actual := identify(item); strings.EqualFold(actual, name) && !slices.Contains(ids, id) {
			found = item
			ids = append(ids, id)
		}
	}
	switch len(ids) {
	case 0:
		return nil, fmt.Errorf("apono: no object has this name: %w", ErrNotFound)
	case 1:
		return found, nil
	}
	return nil, fmt.Errorf("apono: %w: use one of the ids %s", ErrAmbiguous, strings.Join(ids, ", "))
}

// The query parameters of paging. Lists by offset call it skip when asked and
// offset when answering.
const (
	paramPageToken = "page_token"
	paramLimit     = "limit"
	paramSkip      = "skip"
)

// list gets one page of a list with page tokens.
func list[T, O any](ctx context.Context, c *Client, op *operation.Operation, opts []O, args ...string) (*Page[T], error) {
	path, params, err := listRequest(op, opts, args)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, op, path, firstPage(params), nil)
	if err != nil {
		return nil, err
	}
	return decodePage[T](op, resp)
}

// listAll iterates over a list with page tokens. Each range over the result
// starts anew, and nothing is sent before the first.
func listAll[T, O any](ctx context.Context, c *Client, op *operation.Operation, opts []O, args ...string) iter.Seq2[*T, error] {
	path, params, err := listRequest(op, opts, args)
	return func(yield func(*T, error) bool) {
		if err != nil {
			yield(nil, err)
			return
		}
		pages := newFetcher[*transport.Response](ctx, op, c.readAhead > 0)
		defer pages.drop()
		request := func(params url.Values) func() (*transport.Response, error) {
			return pages.fetch(func(ctx context.Context) (*transport.Response, error) { return c.send(ctx, op, path, params, nil) })
		}
		seen := map[string]bool{params.Get(paramPageToken): true, "": true}
		for next := request(firstPage(params)); next != nil; {
			resp, err := next()
			if err != nil {
				yield(nil, err)
				return
			}
			next = nil
			var guess string
			if pages.ahead {
				if guess = guessToken(resp.Body); !seen[guess] {
					next = request(nextPage(params, guess))
				}
			}
			page, err := decodePage[T](op, resp)
			if err != nil {
				yield(nil, err)
				return
			}
			resp.Release()
			token := page.NextPageToken
			if next != nil && guess != token {
				pages.drop()
				next = nil
			}
			looped := token != "" && seen[token]
			if next == nil && !seen[token] {
				next = request(nextPage(params, token))
			}
			seen[token] = true
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if looped {
				yield(nil, fmt.Errorf("apono: %s %s: %w", op.Method, op.Path, ErrPageLoop))
			}
		}
	}
}

// guessToken finds the token of the next page before the page is decoded, so
// that the next request can be on its way meanwhile. It is a guess: a member of
// that name inside an item would mislead it, so the page decides.
func guessToken(body []byte) (token string) {
	const name = `"next_page_token"`
	at := bytes.LastIndex(body, []byte(name))
	if at < 0 {
		return ""
	}
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(body[at+len(name):]), []byte(":"))
	if !ok || json.NewDecoder(bytes.NewReader(rest)).Decode(&token) != nil {
		return ""
	}
	return token
}

// firstPage returns the parameters of the first request. A page token carries
// the filters of the list that it came from, so that beside one they are left
// out.
func firstPage(params url.Values) url.Values {
	if token := params.Get(paramPageToken); token != "" {
		return nextPage(params, token)
	}
	return params
}

func nextPage(params url.Values, token string) url.Values {
	next := url.Values{paramPageToken: {token}}
	if limit, ok := params[paramLimit]; ok {
		next[paramLimit] = limit
	}
	return next
}

func decodePage[T any](op *operation.Operation, resp *transport.Response) (*Page[T], error) {
	body, err := decodeList[T](op, resp)
	if err != nil {
		return nil, err
	}
	page := &Page[T]{Items: body.Items}
	switch {
	case body.Pagination != nil && body.Pagination.NextPageToken != nil:
		page.NextPageToken = *body.Pagination.NextPageToken
	case body.Pagination == nil && body.Items == nil:
		return nil, newDecodeError(op, resp, errors.New("it has neither items nor pagination"))
	}
	return page, nil
}

// listOffset gets one page of a list by offset.
func listOffset[T, O any](ctx context.Context, c *Client, op *operation.Operation, opts []O, args ...string) (*OffsetPage[T], error) {
	path, params, err := listRequest(op, opts, args)
	if err != nil {
		return nil, err
	}
	return getOffsetPage[T](ctx, c, op, path, params)
}

// listAllOffset iterates over a list by offset. Whether a server heeds the
// offset that it is asked for is not documented, so every page is held against
// what was asked and against the page before, and the list ends in a
// TruncatedError where going on would lose or repeat items.
func listAllOffset[T, O any](ctx context.Context, c *Client, op *operation.Operation, opts []O, args ...string) iter.Seq2[*T, error] {
	path, params, err := listRequest(op, opts, args)
	return func(yield func(*T, error) bool) {
		if err != nil {
			yield(nil, err)
			return
		}
		start, _ := strconv.Atoi(params.Get(paramSkip)) // absent is 0; listRequest has checked it
		window := offsetWindow[T]{
			fetcher: newFetcher[*OffsetPage[T]](ctx, op, c.readAhead > 0),
			ahead:   c.readAhead,
			get: func(ctx context.Context, skip int) (*OffsetPage[T], error) {
				return getOffsetPage[T](ctx, c, op, path, atOffset(params, skip))
			},
		}
		defer window.drop()
		var first, previous *OffsetPage[T]
		for at := start; ; {
			page, err := window.page(at)
			if err != nil {
				yield(nil, err)
				return
			}
			if first == nil {
				first = page
			}
			if reason := misfit(page, first, previous, at); reason != "" {
				yield(nil, &TruncatedError{Method: op.Method, Path: op.Path, Total: page.Total, Received: at - start, Reason: reason})
				return
			}
			at += len(page.Items)
			window.readAhead(at, len(page.Items), page.Total)
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			// A total below what came is no total: the list goes on until a page
			// is empty.
			if at == page.Total || len(page.Items) == 0 {
				return
			}
			previous = page
		}
	}
}

// misfit says why a page cannot be the one that starts at an offset; it is
// empty if the page can.
func misfit[T any](page, first, previous *OffsetPage[T], at int) string {
	switch {
	case page.Offset != at:
		return fmt.Sprintf("asked for the items from %d, the server answered those from %d", at, page.Offset)
	case page.Total != first.Total:
		return fmt.Sprintf("the total changed from %d, so items may have moved", first.Total)
	case len(page.Items) == 0 && at < page.Total:
		return "the server sent no more items"
	case previous != nil && (beginsAs(page, previous) || beginsAs(page, first)) &&
		(at+len(page.Items) > page.Total || !indistinct(page)):
		return "the server sent the same items again"
	}
	return ""
}

// indistinct reports whether the items of a page may be alike without being the
// same.
func indistinct[T any](page *OffsetPage[T]) bool {
	return slices.ContainsFunc(page.Items, func(item *T) bool {
		i, ok := any(item).(interface{ indistinct() bool })
		return ok && i.indistinct()
	})
}

// beginsAs reports whether a page begins with the items of another.
func beginsAs[T any](page, other *OffsetPage[T]) bool {
	n := min(len(page.Items), len(other.Items))
	return n > 0 && reflect.DeepEqual(page.Items[:n], other.Items[:n])
}

func atOffset(params url.Values, skip int) url.Values {
	if skip == 0 {
		return params
	}
	at := url.Values{paramSkip: {strconv.Itoa(skip)}}
	for name, values := range params {
		if name != paramSkip {
			at[name] = values
		}
	}
	return at
}

func getOffsetPage[T any](ctx context.Context, c *Client, op *operation.Operation, path string, params url.Values) (*OffsetPage[T], error) {
	resp, err := c.send(ctx, op, path, params, nil)
	if err != nil {
		return nil, err
	}
	page, err := decodeOffsetPage[T](op, resp)
	if err == nil {
		resp.Release()
	}
	return page, err
}

func decodeOffsetPage[T any](op *operation.Operation, resp *transport.Response) (*OffsetPage[T], error) {
	body, err := decodeList[T](op, resp)
	if err != nil {
		return nil, err
	}
	page := &OffsetPage[T]{Items: body.Data}
	switch {
	case body.Pagination != nil:
		page.Total, page.Limit, page.Offset = body.Pagination.Total, body.Pagination.Limit, body.Pagination.Offset
	case body.Data == nil:
		return nil, newDecodeError(op, resp, errors.New("it has neither data nor pagination"))
	default:
		return nil, newDecodeError(op, resp, errors.New("it has no pagination, so that nothing says whether it is complete"))
	}
	return page, nil
}

// listBody is a page of either style.
type listBody[E any] struct {
	Items      []E         `json:"items"`
	Data       []E         `json:"data"`
	Pagination *pagination `json:"pagination"`
}

type pagination struct {
	NextPageToken *string `json:"next_page_token"`
	Total         int     `json:"total"`
	Limit         int     `json:"limit"`
	Offset        int     `json:"offset"`
}

func decodeList[T any](op *operation.Operation, resp *transport.Response) (*listBody[*T], error) {
	body := new(listBody[*T])
	if err := wire.Unmarshal(resp.Body, body); err != nil {
		return nil, newDecodeError(op, resp, err)
	}
	return body, noneIsNull(op, resp, slices.Concat(body.Items, body.Data))
}

// listRequest checks and encodes what a list is asked for.
func listRequest[O any](op *operation.Operation, opts []O, args []string) (path string, params url.Values, err error) {
	path, err = buildPath(op, args)
	if err != nil {
		return "", nil, err
	}
	if len(opts) > 1 {
		return "", nil, &ArgumentError{Arg: "opts", Reason: fmt.Sprintf("must be one value at most, not %d", len(opts))}
	}
	params = url.Values{}
	for _, o := range opts {
		if params, err = query.Values(o); err != nil {
			return "", nil, &ArgumentError{Arg: "opts", Reason: err.Error()}
		}
	}
	for name, values := range params {
		// An empty value is no filter, and a server might take it for one.
		values = slices.DeleteFunc(values, func(value string) bool { return value == "" })
		if params[name] = values; len(values) == 0 {
			delete(params, name)
		}
	}
	for name, arg := range map[string]string{paramLimit: "Limit", paramSkip: "Skip"} {
		if n, err := strconv.ParseInt(params.Get(name), 10, 64); err == nil && (n < 0 || n > math.MaxInt32) {
			return "", nil, &ArgumentError{Arg: arg, Reason: "it must be between 0 (not given) and 2147483647"}
		}
	}
	return path, params, nil
}

// fetcher runs the requests of one iteration: each when its result is asked
// for, or with ahead at once, in a goroutine that drop waits for.
type fetcher[P any] struct {
	op      *operation.Operation
	parent  context.Context
	ctx     context.Context
	cancel  context.CancelFunc
	ahead   bool
	running sync.WaitGroup
}

func newFetcher[P any](ctx context.Context, op *operation.Operation, ahead bool) *fetcher[P] {
	return &fetcher[P]{op: op, parent: ctx, ahead: ahead && ctx != nil}
}

func (f *fetcher[P]) fetch(get func(context.Context) (P, error)) (result func() (P, error)) {
	if !f.ahead {
		return func() (P, error) { return get(f.parent) }
	}
	if f.ctx == nil {
		f.ctx, f.cancel = context.WithCancel(f.parent) //nolint:gosec // drop calls it
	}
	ctx := f.ctx
	var value P
	var err error
	done := make(chan struct{})
	f.running.Go(func() {
		defer close(done)
		value, err = get(ctx)
	})
	runtime.Gosched() // lets the request go out before the caller is busy again
	return func() (P, error) {
		<-done
		// What came before the context ended would have been asked for after it
		// without reading ahead.
		if err == nil && f.parent.Err() != nil {
			err = newTransportError(f.op, transport.ContextErr(f.parent))
		}
		return value, err
	}
}

// drop cancels the requests that are under way and waits for their end.
func (f *fetcher[P]) drop() {
	if f.ctx != nil {
		f.cancel()
		f.running.Wait()
		f.ctx = nil
	}
}

// offsetWindow holds the pages of a list by offset that are on their way, the
// next one first.
type offsetWindow[T any] struct {
	*fetcher[*OffsetPage[T]]
	get     func(ctx context.Context, skip int) (*OffsetPage[T], error)
	ahead   int
	pending []pendingPage[T]
}

type pendingPage[T any] struct {
	skip   int
	result func() (*OffsetPage[T], error)
}

// page returns the page at an offset. Pages on their way to another offset were
// a wrong guess; their results are dropped.
func (w *offsetWindow[T]) page(at int) (*OffsetPage[T], error) {
	if len(w.pending) > 0 && w.pending[0].skip != at {
		w.drop()
		w.pending = nil
	}
	if len(w.pending) == 0 {
		w.request(at)
	}
	next := w.pending[0]
	w.pending = w.pending[1:]
	return next.result()
}

// readAhead requests the pages from an offset, as many as may be under way,
// on the guess that they are as long as the last one.
func (w *offsetWindow[T]) readAhead(at, size, total int) {
	if n := len(w.pending); n > 0 {
		at = w.pending[n-1].skip + size
	}
	for ; size > 0 && at < total && len(w.pending) < w.ahead; at += size {
		w.request(at)
	}
}

func (w *offsetWindow[T]) request(skip int) {
	result := w.fetch(func(ctx context.Context) (*OffsetPage[T], error) { return w.get(ctx, skip) })
	w.pending = append(w.pending, pendingPage[T]{skip: skip, result: result})
}
