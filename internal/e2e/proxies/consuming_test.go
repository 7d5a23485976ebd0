//go:build proxies

package proxies_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Over HTTP/2 HAProxy says REFUSED_STREAM, which means that nothing was done,
// where the server has read the request and gone away. net/http believes it and
// sends the request again.
func TestConsumingReadsThatAProxyAsksForAgain(t *testing.T) {
	t.Parallel()
	each(t, []way{{haproxy, 2}}, site{}, func(t *testing.T, r *rig) { r.asksForReplay(t, reads) })
}

func (r *rig) asksForReplay(t *testing.T, calls []call) {
	t.Helper()
	for _, lose := range losses {
		for _, c := range calls {
			lose(r)
			r.try(t, c).isBroken(t, "REFUSED_STREAM", 1)
		}
	}
}

// What a proxy does to kept connections does not touch consuming reads, which
// have a connection of their own each, and leave alone that of the other calls.
func TestConsumingReadsHaveConnectionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	each(t, everywhere, site{}, func(t *testing.T, r *rig) {
		r.try(t, create).succeeded(t)
		kept, dials := r.connections()
		require.Len(t, kept, 1)
		for _, c := range slices.Concat(reads, reads) {
			r.try(t, c).succeeded(t)
			open, now := r.connections()
			require.Equal(t, kept, open, "the connection that is kept, and no other")
			require.Equal(t, dials+1, now, "a connection for the %s", c.name)
			dials = now
			r.try(t, create).succeeded(t)
		}
		_, now := r.connections()
		require.Equal(t, dials, now, "other calls use the kept connection")
	})
}

func TestConsumingReadsBehindAKeptConnection(t *testing.T) {
	t.Parallel()
	each(t, []way{{nginx, 1}, {nginx, 2}, {haproxy, 1}}, site{}, func(t *testing.T, r *rig) {
		for _, lose := range losses {
			for _, c := range reads {
				r.try(t, create).succeeded(t)
				lose(r)
				r.try(t, c).isPage(t, http.StatusBadGateway, 1)
			}
		}
	})
}

func TestConsumingReadsWhileAProxyClosesIdleConnections(t *testing.T) {
	t.Parallel()
	each(t, everywhere, shortIdle, func(t *testing.T, r *rig) {
		for i := range 9 {
			for _, c := range reads {
				r.try(t, create).succeededOrBroken(t)
				time.Sleep(idle + time.Duration(i-4)*time.Millisecond)
				r.try(t, c).succeeded(t)
				time.Sleep(2 * idle) // for the next POST not to be at the edge
			}
		}
	})
}

// Gateways that look at requests reject a GET with a body, were it an empty one.
func TestConsumingReadsHaveNoBody(t *testing.T) {
	t.Parallel()
	s := site{frontend: "http-request deny deny_status 403 if METH_GET { req.fhdr(transfer-encoding) -m found } or METH_GET { req.fhdr(content-length) -m found }"}
	each(t, everywhere, s, func(t *testing.T, r *rig) {
		for _, c := range reads {
			r.upstream.next(func(w http.ResponseWriter, req *http.Request) {
				assert.Zero(t, req.ContentLength)
				assert.Empty(t, req.TransferEncoding)
				assert.NotContains(t, req.Header, "Content-Type")
				r.fake.ServeHTTP(w, req)
			})
			r.try(t, c).succeeded(t)
		}
	})
}

func TestConsumingReadsWithTooLargeAHeader(t *testing.T) {
	t.Parallel()
	each(t, everywhere, site{}, func(t *testing.T, r *rig) { r.headerIsTooLarge(t, reads) })
}

func TestConsumingReadsWhileAProxyIsReloaded(t *testing.T) {
	t.Parallel()
	each(t, everywhere, shortTimeout, func(t *testing.T, r *rig) { r.reloadsDuring(t, slices.Concat(reads, []call{create})) })
}
