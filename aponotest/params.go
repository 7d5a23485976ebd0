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

// Kinds of query parameters. All but many may be given once.
const (
	one param = iota
	many
	count      // 0 to math.MaxInt32
	integer    // 64 bits
	undeclared // a count that the API does not document for this list
)

// Pagination parameters of the two kinds of lists.
var (
	tokenParams  = params{"limit": count, "page_token": one}
	offsetParams = params{"limit": undeclared, "skip": undeclared}
)

func (p params) with(more params) params {
	all := maps.Clone(p)
	maps.Copy(all, more)
	return all
}

// check rejects unknown and invalid parameters. Undeclared parameters are unknown unless
// paged is set.
func (p params) check(query url.Values, paged bool) *problem {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		kind, known := p[name]
		switch values := query[name]; {
		case !known || kind == undeclared && !paged:
			return invalid(name, "unknown query parameter")
		case len(values) > 1 && kind != many:
			return invalid(name, "must be given once, not %d times", len(values))
		case kind == count || kind == undeclared || kind == integer:
			bits, wanted := 32, "an integer from 0 to 2147483647"
			if kind == integer {
				bits, wanted = 64, "an integer"
			}
			if n, err := strconv.ParseInt(values[0], 10, bits); err != nil || n < 0 && kind != integer {
				return invalid(name, "must be %s, not %q", wanted, values[0])
			}
		}
	}
	return nil
}
