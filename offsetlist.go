package apono

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"reflect"
	"slices"
	"strconv"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/transport"
)

// listOffset gets one page of a list by offset.
func listOffset[T, O any](ctx context.Context, c *Client, op *operation.Operation, opts []O, args ...string) (*OffsetPage[T], error) {
	path, params, err := listRequest(op, opts, args)
	if err != nil {
		return nil, err
	}
	return getOffsetPage[T](ctx, c, op, path, params)
}

// listAllOffset iterates over a list by offset. The API does not document whether the
// server observes the requested offset. Every page is therefore compared with the
// request and the previous page, and the list ends in a [TruncatedError] if reading on
// would lose or duplicate items.
func listAllOffset[T, O any](ctx context.Context, c *Client, op *operation.Operation, opts []O, args ...string) iter.Seq2[*T, error] {
	path, params, err := listRequest(op, opts, args)
	return func(yield func(*T, error) bool) {
		if err != nil {
			yield(nil, err)
			return
		}
		start, _ := strconv.Atoi(params.Get(paramSkip)) // 0 if absent; checked by listRequest
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
			// A total smaller than the number of items received is ignored: the list
			// then ends with an empty page.
			if at == page.Total || len(page.Items) == 0 {
				return
			}
			previous = page
		}
	}
}

// misfit returns why a page cannot be the one at an offset, "" if it can.
func misfit[T any](page, first, previous *OffsetPage[T], at int) string {
	switch {
	case page.Offset != at:
		return fmt.Sprintf("requested the items from offset %d, the server returned those from %d", at, page.Offset)
	case page.Total != first.Total:
		return fmt.Sprintf("the total changed from %d, so items may have moved", first.Total)
	case len(page.Items) == 0 && at < page.Total:
		return "the server returned no more items"
	case previous != nil && (beginsAs(page, previous) || beginsAs(page, first)) &&
		(at+len(page.Items) > page.Total || !indistinct(page)):
		return "the server returned the same items again"
	}
	return ""
}

// indistinct reports whether different items of a page may be equal.
func indistinct[T any](page *OffsetPage[T]) bool {
	return slices.ContainsFunc(page.Items, func(item *T) bool {
		i, ok := any(item).(interface{ indistinct() bool })
		return ok && i.indistinct()
	})
}

// beginsAs reports whether two pages begin with the same items.
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
	if body.Data == nil {
		if err := lacksNone(op, resp, "data"); err != nil {
			return nil, err
		}
	}
	switch pages := body.Pagination; {
	case pages == nil:
		return nil, newDecodeError(op, resp, errors.New("pagination is missing"))
	case pages.Total == nil:
		return nil, newDecodeError(op, resp, errors.New("pagination.total is missing"))
	default:
		return &OffsetPage[T]{Items: body.Data, Total: *pages.Total, Limit: pages.Limit, Offset: pages.Offset}, nil
	}
}
