//go:build proxies

package proxies_test

import (
	"slices"
	"testing"
)

// net/http also sends a POST again after REFUSED_STREAM if it can get the body.
func TestPostsAreNotReplayed(t *testing.T) {
	t.Parallel()
	each(t, []way{{kind: haproxy, protocol: 2}}, site{}, func(t *testing.T, r *rig) {
		r.rejectsStream(t, slices.Concat(posts, []call{creates(large)}))
		r.upstream.next(resetsEarly)
		r.try(t, creates(large)).isBroken(t, "REFUSED_STREAM", 1)
	})
}
