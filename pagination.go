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
	Items []*T // in the server's order
	// NextPageToken is the token of the next page, empty on the last page. As the
	// PageToken of the options, it resumes the list at that page. The API does not
	// document how long it is valid.
	NextPageToken string
}

// OffsetPage is one page of a list by offset. For most such lists the API documents no
// parameters, and the server is expected to return all objects in one page.
type OffsetPage[T any] struct {
	Items  []*T // in the server's order
	Total  int  // number of objects in the list, as reported by the server
	Limit  int  // size of a page, as reported by the server
	Offset int  // number of objects before this page, as reported by the server
}

// listOptions are the options of a list with page tokens. Those of lists by offset do
// not implement it.
type listOptions[O any] interface {
	// at returns the options with another page token, and their previous page token.
	at(token string) (moved O, from string)
}

// Pages iterates over the pages of a list with page tokens, for programs that save the
// page token as a checkpoint. A list method with an id is passed in a closure:
//
//	for page, err := range apono.Pages(ctx, client.Integrations.List, apono.ListIntegrationsOptions{Limit: 50}) {
//		...
//	}
//
// Its errors are those of the ListAll methods: [ErrPageLoop], [ErrEmptyPages], or a
// [*PageError] with the token to resume from. It does not read ahead. Lists by offset
// have no page tokens; passing one does not compile.
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
			token = page.NextPageToken // before yield, as the caller may change it
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
// further. If there is none, the error is [ErrNotFound].
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
		return nil, fmt.Errorf("apono: no object has this name: %w", ErrNotFound)
	case 1:
		return found.item, nil
	}
	return nil, fmt.Errorf("apono: %w: use one of the ids %s", ErrAmbiguous, strings.Join(found.ids, ", "))
}
