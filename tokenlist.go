package apono

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"

	"github.com/apono-go/apono/internal/operation"
)

// list gets one page of a list with page tokens.
func list[T, O any](ctx context.Context, c *Client, op *operation.Operation, opts []O, args ...string) (*Page[T], error) {
	return decodePage[T](callList(ctx, c, op, opts, args...))
}

// listAll iterates over a list with page tokens. Each range over it starts from the
// first page.
func listAll[T, O any](ctx context.Context, c *Client, op *operation.Operation, opts []O, args ...string) iter.Seq2[*T, error] {
	path, params, err := listRequest(op, opts, args)
	read := func(ctx context.Context, token string) (*Page[T], error) {
		resp, err := c.send(ctx, op, path, atToken(params, token), nil)
		page, err := decodePage[T](resp, err)
		if err == nil {
			resp.Release()
		}
		return page, err
	}
	return func(yield func(*T, error) bool) {
		if err != nil {
			yield(nil, err)
			return
		}
		items := func(page *Page[T]) []*T { return page.Items }
		prefix := "apono: " + op.Method + " " + op.Path
		tokenPages(ctx, c.readAhead, prefix, params.Get(paramPageToken), read, eachItem(items, yield))
	}
}

// tokenPages yields the pages of a list with page tokens, beginning at a token. The text
// of ErrPageLoop has a prefix.
func tokenPages[T any](ctx context.Context, ahead bool, prefix, token string, read func(context.Context, string) (*Page[T], error), yield func(*Page[T], error) bool) {
	seen := map[[sha256.Size]byte]bool{sha256.Sum256([]byte(token)): true} // hashes, because tokens may be long
	empty := 0                                                             // consecutive pages
	resumable := func(ctx context.Context, token string) (*Page[T], error) {
		page, err := read(ctx, token)
		if err != nil && token != "" {
			err = &PageError{NextPageToken: token, Err: err}
		}
		return page, err
	}
	next := func(page *Page[T]) (token string, more bool, err error) {
		token = page.NextPageToken
		hash := sha256.Sum256([]byte(token))
		if empty++; len(page.Items) > 0 {
			empty = 0
		}
		switch {
		case token == "":
			return "", false, nil
		case seen[hash]:
			return "", false, fmt.Errorf("%s: %w", prefix, ErrPageLoop)
		case empty >= maxEmptyPages:
			return "", false, &PageError{NextPageToken: token, Err: ErrEmptyPages}
		}
		seen[hash] = true
		return token, true, nil
	}
	pages(ctx, ahead, token, resumable, next, yield)
}

const maxEmptyPages = 10_000 // consecutive

// atToken returns the parameters for the page of a token. Filters are omitted, because
// the token includes those of its list.
func atToken(params url.Values, token string) url.Values {
	if token == "" {
		return params
	}
	at := url.Values{paramPageToken: {token}}
	if limit, ok := params[paramLimit]; ok {
		at[paramLimit] = limit
	}
	return at
}

func decodePage[T any](resp *response, err error) (*Page[T], error) {
	body, err := decodeListBody[T](resp, err)
	if err != nil {
		return nil, err
	}
	// Without these checks, the list would end early and without an error.
	if body.Items == nil {
		if err := resp.requireAny("items"); err != nil {
			return nil, resp.decodeError(err)
		}
	}
	if body.Pagination == nil {
		return nil, resp.decodeError(errors.New("pagination is missing"))
	}
	next := value(body.Pagination.NextPageToken)
	for name, token := range body.Pagination.Other {
		if strings.EqualFold(strings.ReplaceAll(name, "_", ""), "nextPageToken") && next == "" && string(token) != "null" && string(token) != `""` {
			return nil, resp.decodeError(errors.New("pagination has a page token with another name than next_page_token"))
		}
	}
	return &Page[T]{Items: body.Items, NextPageToken: next}, nil
}
