//go:build proxies

package proxies_test

import (
	"slices"
	"testing"
)

// net/http does so with a POST too if it can get the body once more.
func TestPostsThatAProxyAsksForAgain(t *testing.T) {
	t.Parallel()
	each(t, []way{{haproxy, 2}}, site{}, func(t *testing.T, r *rig) {
		r.asksForReplay(t, slices.Concat(posts, []call{creates(large)}))
		r.upstream.next(resetsEarly)
		r.try(t, creates(large)).isBroken(t, "REFUSED_STREAM", 1)
	})
}
