package apono_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// A page without pagination may be the whole list or a part of it.
func TestOffsetPageWithoutPaginationIsDecodeError(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"data":[{"id":"a"}]}`})
	_, err := apitest.Drain(t, apitest.NewClient(t, fake).Integrations.ListAllPermissions(t.Context(), "i1"), apitest.PermissionID)
	require.ErrorAs(t, err, new(*apono.DecodeError))
	require.EqualError(t, err, "apono: GET /api/v3/integrations/{id}/permissions: 200 OK, but the body is unusable: "+
		"pagination is missing")
}

// The API does not document how lists by offset are paged. Limit and total may be zero or
// wrong, and skip may be ignored.
func TestListAllOffsetIsCompleteOrErrTruncated(t *testing.T) {
	t.Parallel()
	type options = apono.ListPermissionsOptions
	truncated := func(total, received int, reason string) *apono.TruncatedError {
		return &apono.TruncatedError{Method: "GET", Path: "/api/v3/integrations/{id}/permissions", Total: total, Received: received, Reason: reason}
	}
	for _, c := range []struct {
		name  string
		opts  []options
		pages map[string]string // by skip
		want  []string
		err   *apono.TruncatedError
		asked []string
	}{
		{
			name:  "one page",
			pages: map[string]string{"": apitest.OffsetPage(3, 3, 0, "a", "b", "c")},
			want:  []string{"a", "b", "c"}, asked: []string{""},
		},
		{
			name:  "no items",
			pages: map[string]string{"": apitest.OffsetPage(0, 100, 0)},
			asked: []string{""},
		},
		{
			name:  "null data",
			pages: map[string]string{"": `{"data":null,"pagination":{"total":0,"limit":0,"offset":0}}`},
			asked: []string{""},
		},
		{
			name:  "pages",
			pages: map[string]string{"": apitest.OffsetPage(5, 2, 0, "a", "b"), "2": apitest.OffsetPage(5, 2, 2, "c", "d"), "4": apitest.OffsetPage(5, 2, 4, "e")},
			want:  []string{"a", "b", "c", "d", "e"}, asked: []string{"", "skip=2", "skip=4"},
		},
		{
			name:  "limit and filter are sent for every page",
			opts:  []options{{Limit: 2, ResourceType: "db"}},
			pages: map[string]string{"": apitest.OffsetPage(3, 2, 0, "a", "b"), "2": apitest.OffsetPage(3, 2, 2, "c")},
			want:  []string{"a", "b", "c"}, asked: []string{"limit=2&resource-type=db", "limit=2&resource-type=db&skip=2"},
		},
		{
			name:  "the caller's skip",
			opts:  []options{{Skip: 2}},
			pages: map[string]string{"2": apitest.OffsetPage(5, 2, 2, "c", "d"), "4": apitest.OffsetPage(5, 2, 4, "e")},
			want:  []string{"c", "d", "e"}, asked: []string{"skip=2", "skip=4"},
		},
		{
			name:  "skip beyond the end",
			opts:  []options{{Skip: 9}},
			pages: map[string]string{"9": apitest.OffsetPage(5, 2, 9)},
			asked: []string{"skip=9"},
		},
		{
			name:  "skip beyond the end with the offset of the end",
			opts:  []options{{Skip: 9}},
			pages: map[string]string{"9": apitest.OffsetPage(5, 2, 5)},
			err:   truncated(5, 0, "requested the items from offset 9, the server returned those from 5"),
			asked: []string{"skip=9"},
		},
		{
			name:  "skip ignored",
			pages: map[string]string{"": apitest.OffsetPage(5, 2, 0, "a", "b"), "2": apitest.OffsetPage(5, 2, 0, "a", "b"), "4": apitest.OffsetPage(5, 2, 0, "a", "b")},
			want:  []string{"a", "b"},
			err:   truncated(5, 2, "requested the items from offset 2, the server returned those from 0"),
			asked: []string{"", "skip=2"},
		},
		{
			name:  "the caller's skip ignored",
			opts:  []options{{Skip: 2}},
			pages: map[string]string{"2": apitest.OffsetPage(5, 2, 0, "a", "b")},
			err:   truncated(5, 0, "requested the items from offset 2, the server returned those from 0"),
			asked: []string{"skip=2"},
		},
		{
			name:  "another offset after the caller's skip",
			opts:  []options{{Skip: 1}},
			pages: map[string]string{"1": apitest.OffsetPage(5, 2, 1, "b", "c"), "3": apitest.OffsetPage(5, 2, 4, "e")},
			want:  []string{"b", "c"},
			err:   truncated(5, 2, "requested the items from offset 3, the server returned those from 4"),
			asked: []string{"skip=1", "skip=3"},
		},
		{
			name:  "the requested offset with the items of the previous page",
			pages: map[string]string{"": apitest.OffsetPage(5, 2, 0, "a", "b"), "2": apitest.OffsetPage(5, 2, 2, "a", "b"), "4": apitest.OffsetPage(5, 2, 4, "a")},
			want:  []string{"a", "b"},
			err:   truncated(5, 2, "the server returned the same items again"),
			asked: []string{"", "skip=2"},
		},
		{
			name:  "limit zero",
			pages: map[string]string{"": apitest.OffsetPage(3, 0, 0, "a", "b"), "2": apitest.OffsetPage(3, 0, 2, "c")},
			want:  []string{"a", "b", "c"}, asked: []string{"", "skip=2"},
		},
		{
			name:  "fewer items than the limit",
			pages: map[string]string{"": apitest.OffsetPage(3, 100, 0, "a"), "1": apitest.OffsetPage(3, 100, 1, "b"), "2": apitest.OffsetPage(3, 100, 2, "c")},
			want:  []string{"a", "b", "c"}, asked: []string{"", "skip=1", "skip=2"},
		},
		{
			name:  "more items than the limit",
			pages: map[string]string{"": apitest.OffsetPage(5, 1, 0, "a", "b", "c"), "3": apitest.OffsetPage(5, 1, 3, "d", "e")},
			want:  []string{"a", "b", "c", "d", "e"}, asked: []string{"", "skip=3"},
		},
		{
			name:  "pages of other sizes",
			pages: map[string]string{"": apitest.OffsetPage(6, 2, 0, "a", "b"), "2": apitest.OffsetPage(6, 2, 2, "c"), "3": apitest.OffsetPage(6, 2, 3, "d", "e", "f")},
			want:  []string{"a", "b", "c", "d", "e", "f"}, asked: []string{"", "skip=2", "skip=3"},
		},
		{
			name:  "total zero and pages up to an empty one",
			pages: map[string]string{"": apitest.OffsetPage(0, 0, 0, "a", "b"), "2": apitest.OffsetPage(0, 0, 2, "c"), "3": apitest.OffsetPage(0, 0, 3)},
			want:  []string{"a", "b", "c"}, asked: []string{"", "skip=2", "skip=3"},
		},
		{
			name:  "total zero and skip ignored",
			pages: map[string]string{"": apitest.OffsetPage(0, 0, 0, "a", "b"), "2": apitest.OffsetPage(0, 0, 0, "a", "b")},
			want:  []string{"a", "b"},
			err:   truncated(0, 2, "requested the items from offset 2, the server returned those from 0"),
			asked: []string{"", "skip=2"},
		},
		{
			name:  "total negative",
			pages: map[string]string{"": apitest.OffsetPage(-1, 1, 0, "a"), "1": apitest.OffsetPage(-1, 1, 1, "b"), "2": apitest.OffsetPage(-1, 1, 2)},
			want:  []string{"a", "b"}, asked: []string{"", "skip=1", "skip=2"},
		},
		{
			name:  "total below the items",
			pages: map[string]string{"": apitest.OffsetPage(3, 2, 0, "a", "b"), "2": apitest.OffsetPage(3, 2, 2, "c", "d"), "4": apitest.OffsetPage(3, 2, 4)},
			want:  []string{"a", "b", "c", "d"}, asked: []string{"", "skip=2", "skip=4"},
		},
		{
			name:  "total grows",
			pages: map[string]string{"": apitest.OffsetPage(4, 2, 0, "a", "b"), "2": apitest.OffsetPage(5, 2, 2, "b", "c")},
			want:  []string{"a", "b"},
			err:   truncated(5, 2, "the total changed from 4, so items may have moved"),
			asked: []string{"", "skip=2"},
		},
		{
			name:  "total shrinks",
			pages: map[string]string{"": apitest.OffsetPage(4, 2, 0, "a", "b"), "2": apitest.OffsetPage(3, 2, 2, "d")},
			want:  []string{"a", "b"},
			err:   truncated(3, 2, "the total changed from 4, so items may have moved"),
			asked: []string{"", "skip=2"},
		},
		{
			name:  "an empty page before the end",
			pages: map[string]string{"": apitest.OffsetPage(5, 2, 0, "a", "b"), "2": apitest.OffsetPage(5, 2, 2)},
			want:  []string{"a", "b"},
			err:   truncated(5, 2, "the server returned no more items"),
			asked: []string{"", "skip=2"},
		},
		{
			name:  "total without items",
			pages: map[string]string{"": apitest.OffsetPage(5, 2, 0)},
			err:   truncated(5, 0, "the server returned no more items"),
			asked: []string{""},
		},
	} {
		for _, readAhead := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d ahead", c.name, readAhead), func(t *testing.T) {
				t.Parallel()
				p := &apitest.Pager{Pages: c.pages}
				got, err := apitest.Drain(t, p.Client(t, readAhead).Integrations.ListAllPermissions(t.Context(), "i1", c.opts...), apitest.PermissionID)
				require.Equal(t, c.want, got)
				if c.err == nil {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, apono.ErrTruncated)
					require.Equal(t, c.err, apitest.ErrorAs[*apono.TruncatedError](t, err))
				}
				asked := p.Requests()
				if readAhead == 0 {
					require.Equal(t, c.asked, asked)
				}
				require.LessOrEqual(t, len(asked), len(c.asked)*(1+readAhead), "the number of requests must be bounded")
			})
		}
	}
}

// A server that ignores skip but echoes it may end with a part of its first page. The
// total is then correct, but the items are duplicates.
func TestListAllOffsetDetectsShorterDuplicatePage(t *testing.T) {
	t.Parallel()
	p := &apitest.Pager{Pages: map[string]string{"": apitest.OffsetPage(5, 3, 0, "a", "b", "c"), "3": apitest.OffsetPage(5, 3, 3, "a", "b")}}
	got, err := apitest.Drain(t, p.Client(t, 0).Integrations.ListAllPermissions(t.Context(), "i1"), apitest.PermissionID)
	require.Equal(t, []string{"a", "b", "c"}, got)
	require.ErrorIs(t, err, apono.ErrTruncated)
}

func TestTruncatedErrorText(t *testing.T) {
	t.Parallel()
	p := &apitest.Pager{Pages: map[string]string{"": apitest.OffsetPage(5, 2, 0, "a", "b"), "2": apitest.OffsetPage(5, 2, 2)}}
	_, err := apitest.Drain(t, p.Client(t, 0).Integrations.ListAllPermissions(t.Context(), "i1"), apitest.PermissionID)
	require.Equal(t, "apono: GET /api/v3/integrations/{id}/permissions: the list is not complete: "+
		"2 items read, total 5: the server returned no more items", fmt.Sprint(err))
}

// randomServer serves a list by offset with a random choice of faults.
func randomServer(r *rand.Rand, ids []string) func(at string) string {
	n := len(ids)
	sizes := make([]int, n+1) // of the page from each offset
	for i := range sizes {
		sizes[i] = 1 + r.IntN(4)
	}
	sameSize := r.IntN(2) == 0
	total := []int{n, n, n, n, 0, -1, n + 3}[r.IntN(7)]
	moving := r.IntN(8) == 0
	stop := n + 1 // pages from this offset on are empty
	if total >= n && r.IntN(4) == 0 {
		stop = r.IntN(n + 1)
	}
	unpaged := r.IntN(20) == 0
	limit := r.IntN(5)
	const honors, ignores, ignoresAndEchoes, echoesOther = 0, 1, 2, 3
	skipping := []int{honors, honors, honors, ignores, ignoresAndEchoes, echoesOther}[r.IntN(6)]
	if skipping == ignoresAndEchoes {
		sameSize = true // parts of a page seen before cannot be detected
	}
	return func(at string) string {
		skip, _ := strconv.Atoi(at)
		echo, from := skip, min(skip, n)
		switch {
		case skipping == ignores:
			echo, from = 0, 0
		case skipping == ignoresAndEchoes:
			from = 0
		case skipping == echoesOther && skip > 0:
			echo++
		}
		size := sizes[from]
		if sameSize {
			size = sizes[0]
		}
		if skip >= stop {
			size = 0
		}
		page := ids[from:min(from+size, n)]
		reported := total
		if moving {
			reported += skip
		}
		if unpaged && skip > 0 {
			return `{"data":` + apitest.Objects(page) + `}`
		}
		return apitest.OffsetPage(reported, limit, echo, page...)
	}
}

// Whatever the server does, a list by offset ends, yields no item twice, and is complete
// without an error.
func TestListAllOffsetWithRandomServers(t *testing.T) {
	t.Parallel()
	for _, readAhead := range []int{0, 1} {
		t.Run(strconv.Itoa(readAhead), func(t *testing.T) {
			t.Parallel()
			outcomes := map[string]int{}
			for seed := range uint64(500) {
				r := rand.New(rand.NewPCG(seed, 0))
				var ids []string
				for i := range r.IntN(13) {
					ids = append(ids, strconv.Itoa(i))
				}
				p := &apitest.Pager{Serve: randomServer(r, ids)}
				got, err := apitest.Drain(t, p.Client(t, readAhead).Integrations.ListAllPermissions(t.Context(), "i1"), apitest.PermissionID)
				require.LessOrEqualf(t, len(got), len(ids), "seed %d: the first of %v", seed, ids)
				require.Truef(t, slices.Equal(got, ids[:len(got)]), "seed %d: the first of %v, got %v", seed, ids, got)
				require.LessOrEqualf(t, len(p.Requests()), (len(ids)+2)*(1+readAhead), "seed %d: the number of requests must be bounded", seed)
				switch e := (*apono.TruncatedError)(nil); {
				case err == nil:
					outcomes["whole"]++
					require.Lenf(t, got, len(ids), "seed %d: all of %v", seed, ids)
				case errors.As(err, &e):
					outcomes[strings.Join(strings.Fields(e.Reason)[:3], " ")]++
					require.Equalf(t, len(got), e.Received, "seed %d: %d received", seed, len(got))
				default:
					outcomes["no page"]++
					require.ErrorAs(t, err, new(*apono.DecodeError))
				}
			}
			// The servers must have caused every outcome.
			require.Equal(t, []string{
				"no page", "requested the items", "the server returned", "the total changed", "whole",
			}, slices.Sorted(maps.Keys(outcomes)))
		})
	}
}
