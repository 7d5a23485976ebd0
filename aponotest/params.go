package aponotest

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
)

// params are the query parameters of an operation.
type params map[string]param

type param int

const (
	one        param = iota // given once at most
	many                    // may be repeated
	count                   // a whole number from 0, given once at most
	integer                 // a whole number, given once at most
	undeclared              // a count that the API does not document for this list
)

// The paging parameters of the two styles of lists.
var (
	tokenParams  = params{"limit": count, "page_token": one}
	offsetParams = params{"limit": undeclared, "skip": undeclared}
)

func (p params) with(more params) params {
	all := maps.Clone(p)
	maps.Copy(all, more)
	return all
}

// check refuses parameters that the operation does not have. Those that are
// undeclared are let through where the server was told to page such lists.
func (p params) check(query url.Values, paged bool) *problem {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		kind, known := p[name]
		switch values := query[name]; {
		case !known || kind == undeclared && !paged:
			return invalid(name, "there is no such query parameter")
		case len(values) > 1 && kind != many:
			return invalid(name, "the query parameter is given %d times", len(values))
		case kind == count || kind == undeclared || kind == integer:
			bits := 32
			if kind == integer {
				bits = 64
			}
			if n, err := strconv.ParseInt(values[0], 10, bits); err != nil || n < 0 && kind != integer {
				return invalid(name, "it must be a whole number, not %q", values[0])
			}
		}
	}
	return nil
}
