package apono

import (
	"context"
	"fmt"
	"iter"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/transport"
	"github.com/apono-go/apono/internal/wire"
	"github.com/google/go-querystring/query"
)

// Page is one page of a list with page tokens. In the options of such a list, PageToken
// is the NextPageToken of an earlier page. It carries the filters of its list; filters
// set beside it are ignored. Limit is the size of a page; 0 means the server's default
// of 100.
type Page[T any] struct {
	Items []*T // in the server's order
	// NextPageToken is the token of the next page, empty on the last page. The API does
	// not document how long it is valid.
	NextPageToken string
}

// OffsetPage is one page of a list by offset. For most such lists the API documents no
// parameters, and the server is expected to return all objects in one page; Limit and
// Skip of the options are sent only if they are set. An iterator over such a list returns
// [ErrTruncated] if the list is incomplete.
type OffsetPage[T any] struct {
	Items  []*T // in the server's order
	Total  int  // number of objects in the list, as reported by the server
	Limit  int  // size of a page, as reported by the server
	Offset int  // number of objects before this page, as reported by the server
}

// Pages iterates over the pages of a list with page tokens, for programs that save the
// page token as a checkpoint. A list method with an ID is passed in a closure:
//
//	for page, err := range apono.Pages(ctx, client.Integrations.List, apono.ListIntegrationsOptions{Limit: 50}) {
//		...
//	}
//
// Its errors are those of the ListAll methods: [ErrPageLoop], [ErrEmptyPages], or a
// [*PageError] with the token to resume from. It does not read ahead. Lists by offset
// have no page tokens; passing one does not compile. With options that have no field
// PageToken it returns an [*ArgumentError].
func Pages[T, O any](ctx context.Context, list func(context.Context, ...O) (*Page[T], error), opts ...O) iter.Seq2[*Page[T], error] {
	return func(yield func(*Page[T], error) bool) {
		o, err := oneOption(opts)
		token := pageToken(&o)
		switch {
		case list == nil:
			err = &ArgumentError{Arg: "list", Reason: "must not be nil: pass a List method or a closure"}
		case err == nil && token.Kind() != reflect.String:
			err = &ArgumentError{Arg: "opts", Reason: "must have a field PageToken: pass the options of a list with page tokens"}
		}
		if err != nil {
			yield(nil, err)
			return
		}
		read := func(ctx context.Context, token string) (*Page[T], error) {
			at := o
			pageToken(&at).SetString(token)
			return list(ctx, at)
		}
		tokenPages(ctx, false, "apono", token.String(), read, yield)
	}
}

// pageToken returns the field PageToken of options, the zero value if there is none.
func pageToken[O any](options *O) reflect.Value {
	if v := reflect.ValueOf(options).Elem(); v.Kind() == reflect.Struct {
		return v.FieldByName("PageToken")
	}
	return reflect.Value{}
}

// pages yields the pages of a list, beginning at a position. read reads the page at a
// position. next returns the position after a page and whether there is a page; its
// error ends the list after this page. With ahead, the next page is read while yield
// runs.
func pages[P, A any](ctx context.Context, ahead bool, at A, read func(context.Context, A) (P, error), next func(P) (A, bool, error), yield func(P, error) bool) {
	get, abandon := func() (P, error) { return read(ctx, at) }, func() {}
	defer func() { abandon() }()
	for more := true; more; {
		page, err := get()
		if err != nil {
			yield(page, err)
			return
		}
		if at, more, err = next(page); more && ahead {
			get, abandon = readAhead(ctx, at, read)
		}
		if !yield(page, nil) {
			return
		}
		if err != nil {
			yield(*new(P), err)
		}
	}
}

// readAhead reads a page in another goroutine. get returns it. abandon cancels the
// request unless get was called, and waits for its end. If user code panics or ends the
// goroutine, so do get and abandon.
func readAhead[P, A any](parent context.Context, at A, read func(context.Context, A) (P, error)) (get func() (P, error), abandon func()) {
	ctx, cancel := context.WithCancelCause(parent)
	var page P
	var err error
	ended, rethrow := async(func() { page, err = read(ctx, at) })
	taken := false
	get = func() (P, error) {
		taken = true
		<-ended
		cancel(nil)
		rethrow()
		if err == nil && parent.Err() != nil {
			return read(parent, at) // fails, as it would without read-ahead
		}
		return page, err
	}
	abandon = func() {
		if taken {
			return
		}
		cancel(transport.ErrAbandoned)
		<-ended
		rethrow()
	}
	return get, abandon
}

// eachItem returns a function that yields the items of a page.
func eachItem[P, T any](items func(P) []*T, yield func(*T, error) bool) func(P, error) bool {
	return func(page P, err error) bool {
		if err != nil {
			return yield(nil, err)
		}
		for _, item := range items(page) {
			if !yield(item, nil) {
				return false
			}
		}
		return true
	}
}

// Query parameters of lists. The offset is skip in requests and offset in responses.
const (
	paramPageToken = "page_token"
	paramLimit     = "limit"
	paramSkip      = "skip"
)

// callList gets one page of a list.
func callList[O any](ctx context.Context, c *Client, op *operation.Operation, opts []O, args ...string) (*response, error) {
	path, params, err := listRequest(op, opts, args)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, op, path, atToken(params, params.Get(paramPageToken)), nil)
}

// listRequest returns the path and the parameters of a list.
func listRequest[O any](op *operation.Operation, opts []O, args []string) (path string, params url.Values, err error) {
	if path, err = fillPath(op, args); err != nil {
		return "", nil, err
	}
	params, err = encodeOptions(opts)
	return path, params, err
}

// encodeOptions checks options and returns them as parameters of a query.
func encodeOptions[O any](opts []O) (url.Values, error) {
	o, err := oneOption(opts)
	if err != nil {
		return nil, err
	}
	params, err := query.Values(o)
	if err != nil {
		return nil, &ArgumentError{Arg: "opts", Reason: err.Error()}
	}
	for name, values := range params {
		// An empty value means no filter, but a server might filter by it.
		values = slices.DeleteFunc(values, func(value string) bool { return value == "" })
		if params[name] = values; len(values) == 0 {
			delete(params, name)
		}
	}
	for name, arg := range map[string]string{paramLimit: "Limit", paramSkip: "Skip"} {
		if n, err := strconv.ParseInt(params.Get(name), 10, 64); err == nil && (n < 0 || n > math.MaxInt32) {
			return nil, &ArgumentError{Arg: arg, Reason: "must be 0 (not set) to 2147483647"}
		}
	}
	return params, nil
}

// oneOption returns the only value of opts, or the zero value if there is none.
func oneOption[O any](opts []O) (O, error) {
	var o O
	if len(opts) > 1 {
		return o, &ArgumentError{Arg: "opts", Reason: fmt.Sprintf("must be one value at most, not %d", len(opts))}
	}
	if len(opts) == 1 {
		o = opts[0]
	}
	return o, nil
}

// listBody is a page of either style.
type listBody[E any] struct {
	Items      []E         `json:"items"`
	Data       []E         `json:"data"`
	Pagination *pagination `json:"pagination"`
}

type pagination struct {
	NextPageToken *string `json:"next_page_token"`
	Total         *int    `json:"total"`
	Limit         int     `json:"limit"`
	Offset        int     `json:"offset"`
	Other         Extra   `json:",embed,inline"`
}

func decodeListBody[T any](resp *response, err error) (*listBody[*T], error) {
	if err != nil {
		return nil, err
	}
	body := new(listBody[*T])
	if err := wire.Unmarshal(resp.Body, body); err != nil {
		return nil, resp.decodeError(err)
	}
	for _, items := range [][]*T{body.Items, body.Data} {
		if err := identifyItems(resp, items); err != nil {
			return nil, resp.decodeError(err)
		}
	}
	return body, nil
}

// Collect reads a list into a slice. If the list ends in an error, Collect returns the
// items before it and the error.
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

// First returns the first item of a list for which match returns true, and reads no
// further. If there is none, it returns [ErrNotFound].
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

// byName returns the only item with a name or, if there is none, the only item whose
// name is equal case-insensitively. The list is filtered by the name already, but the
// server takes an asterisk at either end as a wildcard, and ignores unknown filters.
func byName[T any](name string, seq iter.Seq2[*T, error], identify func(*T) (id, name string)) (*T, error) {
	if name == "" {
		return nil, &ArgumentError{Arg: "name", Reason: "must not be empty"}
	}
	type named struct {
		ids  []string
		item *T
	}
	var exact, similar named
	for item, err := range seq {
		if err != nil {
			return nil, err
		}
		// An object may be listed twice if the list changes while it is read.
		id, actual := identify(item)
		found := &similar
		if actual == name {
			found = &exact
		}
		if strings.EqualFold(actual, name) && !slices.Contains(found.ids, id) {
			found.ids, found.item = append(found.ids, id), item
		}
	}
	found := exact
	if len(exact.ids) == 0 {
		found = similar
	}
	switch len(found.ids) {
	case 0:
		return nil, fmt.Errorf("apono: no object has the name %q: %w", name, ErrNotFound)
	case 1:
		return found.item, nil
	}
	return nil, fmt.Errorf("apono: %w: use one of the IDs %s", ErrAmbiguous, strings.Join(found.ids, ", "))
}
