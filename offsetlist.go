package apono

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"

	"github.com/apono-go/apono/internal/operation"
)

// listOffset gets one page of a list by offset.
func listOffset[T, O any](ctx context.Context, c *Client, op *operation.Operation, opts []O, args ...string) (*OffsetPage[T], error) {
	return decodeOffsetPage[T](callList(ctx, c, op, opts, args...))
}

// listAllOffset iterates over a list by offset. The API does not document whether the
// server observes the requested offset. Every page is therefore compared with the
// request and with earlier pages, and the list ends in a [TruncatedError] if reading on
// would lose or duplicate items.
func listAllOffset[T, O any](ctx context.Context, c *Client, op *operation.Operation, opts []O, args ...string) iter.Seq2[*T, error] {
	path, params, err := listRequest(op, opts, args)
	return func(yield func(*T, error) bool) {
		if err != nil {
			yield(nil, err)
			return
		}
		start, _ := strconv.Atoi(params.Get(paramSkip)) // 0 if absent; checked by listRequest
		var first, previous *OffsetPage[T]
		read := func(ctx context.Context, at int) (*OffsetPage[T], error) {
			resp, err := c.send(ctx, op, path, atOffset(params, at), nil)
			page, err := decodeOffsetPage[T](resp, err)
			if err != nil {
				return nil, err
			}
			resp.Release()
			if first == nil {
				first = page
			}
			if reason := discontinuity(page, first, previous, at); reason != "" {
				return nil, &TruncatedError{Method: op.Method, Path: op.Path, Total: page.Total, Received: at - start, Reason: reason}
			}
			previous = page
			return page, nil
		}
		next := func(page *OffsetPage[T]) (at int, more bool, err error) {
			at = page.Offset + len(page.Items)
			// A total smaller than the number of items received is ignored: the list
			// then ends with an empty page.
			return at, at != page.Total && len(page.Items) > 0, nil
		}
		items := func(page *OffsetPage[T]) []*T { return page.Items }
		pages(ctx, c.readAhead, start, read, next, eachItem(items, yield))
	}
}

// discontinuity returns why a page cannot be the one at an offset, "" if it can.
func discontinuity[T any](page, first, previous *OffsetPage[T], at int) string {
	switch {
	case page.Offset != at:
		return fmt.Sprintf("requested the items from offset %d, the server returned those from %d", at, page.Offset)
	case page.Total != first.Total:
		return fmt.Sprintf("the total changed from %d, so items may have moved", first.Total)
	case len(page.Items) == 0 && at < page.Total:
		return "the server returned no more items"
	case previous != nil && (haveSamePrefix(page, previous) || haveSamePrefix(page, first)) &&
		(at+len(page.Items) > page.Total || !mayHaveEqualItems(page)):
		return "the server returned the same items again"
	}
	return ""
}

// mayHaveEqualItems reports whether different items of a page may be equal.
func mayHaveEqualItems[T any](page *OffsetPage[T]) bool {
	return slices.ContainsFunc(page.Items, func(item *T) bool {
		i, ok := any(item).(interface{ mayEqualOthers() bool })
		return ok && i.mayEqualOthers()
	})
}

// haveSamePrefix reports whether two pages begin with the same items.
func haveSamePrefix[T any](page, other *OffsetPage[T]) bool {
	n := min(len(page.Items), len(other.Items))
	return n > 0 && reflect.DeepEqual(page.Items[:n], other.Items[:n])
}

// atOffset returns the parameters for the page at an offset.
func atOffset(params url.Values, skip int) url.Values {
	if skip == 0 {
		return params
	}
	at := maps.Clone(params)
	at.Set(paramSkip, strconv.Itoa(skip))
	return at
}

func decodeOffsetPage[T any](resp *response, err error) (*OffsetPage[T], error) {
	body, err := decodeListBody[T](resp, err)
	if err != nil {
		return nil, err
	}
	if body.Data == nil {
		if err := resp.requireAny("data"); err != nil {
			return nil, resp.decodeError(err)
		}
	}
	switch pagination := body.Pagination; {
	case pagination == nil:
		return nil, resp.decodeError(errors.New("pagination is missing"))
	case pagination.Total == nil:
		return nil, resp.decodeError(errors.New("pagination.total is missing"))
	default:
		return &OffsetPage[T]{Items: body.Data, Total: *pagination.Total, Limit: pagination.Limit, Offset: pagination.Offset}, nil
	}
}
