package apono

import (
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
