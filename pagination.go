package apono

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
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

// listOptions are the options of a list with page tokens, which lists by offset
// have not.
type listOptions[O any] interface {
	// at returns the options with another page token, and the one that they had.
	at(token string) (moved O, from string)
}

// Pages iterates over the pages of a list with page tokens, for programs that
// keep the token of each as a checkpoint. A list that takes an id is passed in a
// closure:
//
//	for page, err := range apono.Pages(ctx, client.Integrations.List, apono.ListIntegrationsOptions{Limit: 50}) {
//		...
//	}
//
// It ends as the ListAll methods do, with [ErrPageLoop], [ErrEmptyPages] or a
// [*PageError] from which it can be resumed. It does not read ahead. Lists by
// offset (OffsetPage) have no page tokens, and do not compile.
func Pages[T any, O listOptions[O]](ctx context.Context, list func(context.Context, ...O) (*Page[T], error), opts ...O) iter.Seq2[*Page[T], error] {
	return func(yield func(*Page[T], error) bool) {
		var o O
		switch {
		case list == nil:
			yield(nil, &ArgumentError{Arg: "list", Reason: "must not be nil: pass a List method or a closure"})
			return
		case len(opts) > 1:
			yield(nil, &ArgumentError{Arg: "opts", Reason: fmt.Sprintf("must be one value at most, not %d", len(opts))})
			return
		case len(opts) == 1:
			o = opts[0]
		}
		_, token := o.at("")
		for walked := newTrail(token); ; {
			page, err := list(ctx, o)
			if err != nil {
				yield(nil, resumable(token, err))
				return
			}
			token = page.NextPageToken // which a caller may change
			lost := walked.follow(token, len(page.Items))
			if !yield(page, nil) || token == "" {
				return
			}
			if errors.Is(lost, ErrPageLoop) {
				lost = fmt.Errorf("apono: %w", lost)
			}
			if lost != nil {
				yield(nil, lost)
				return
			}
			o, _ = o.at(token)
		}
	}
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

// byName returns the only item of a list that has a name, or without one the only
// item whose name differs in case. The list was asked for that name; but a server
// takes an asterisk at either end for any text, and a filter that it does not know
// it ignores.
func byName[T any](name string, seq iter.Seq2[*T, error], identify func(*T) (id, name string)) (*T, error) {
	if name == "" {
		return nil, &ArgumentError{Arg: "name", Reason: "it is empty: it must name one object"}
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
		// An object may move to the next page while the list is read.
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
		return nil, fmt.Errorf("apono: no object has this name: %w", ErrNotFound)
	case 1:
		return found.item, nil
	}
	return nil, fmt.Errorf("apono: %w: use one of the ids %s", ErrAmbiguous, strings.Join(found.ids, ", "))
}
