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

// If the server closes the connection after it has read the request, HAProxy sends
// REFUSED_STREAM over HTTP/2. That means that the request was not processed, so that
// net/http sends it again.
func TestConsumingReadsAreNotReplayed(t *testing.T) {
	t.Parallel()
	each(t, []way{{kind: haproxy, protocol: 2}}, site{}, func(t *testing.T, r *rig) { r.rejectsStream(t, reads) })
}

func (r *rig) rejectsStream(t *testing.T, calls []call) {
	t.Helper()
	for _, lose := range losses {
		for _, c := range calls {
			lose(r)
			r.try(t, c).isBroken(t, "REFUSED_STREAM", 1)
		}
	}
}

// Each consuming read uses a separate connection. Other calls keep theirs.
func TestConsumingReadsUseSeparateConnections(t *testing.T) {
	t.Parallel()
	each(t, everywhere, site{}, func(t *testing.T, r *rig) {
		r.try(t, create).succeeded(t)
		kept, dials := r.connections()
		require.Len(t, kept, 1)
		for _, c := range slices.Concat(reads, reads) {
			r.try(t, c).succeeded(t)
			open, now := r.connections()
			require.Equal(t, kept, open, "open connections after the %s", c.name)
			require.Equal(t, dials+1, now, "dials after the %s", c.name)
			dials = now
			r.try(t, create).succeeded(t)
		}
		_, now := r.connections()
		require.Equal(t, dials, now, "another call did not reuse its connection")
	})
}

func TestConsumingReadsWithReusedUpstreamConnection(t *testing.T) {
	t.Parallel()
	each(t, []way{{kind: nginx, protocol: 1}, overHTTP2, {kind: haproxy, protocol: 1}}, site{}, func(t *testing.T, r *rig) {
		for _, lose := range losses {
			for _, c := range reads {
				r.try(t, create).succeeded(t)
				lose(r)
				r.try(t, c).isPage(t, http.StatusBadGateway, 1)
			}
		}
	})
}

func TestConsumingReadsWhileProxyClosesIdleConnections(t *testing.T) {
	t.Parallel()
	each(t, everywhere, shortIdle, func(t *testing.T, r *rig) {
		for i := range 9 {
			for _, c := range reads {
				r.try(t, create).succeededOrBroken(t)
				time.Sleep(idle + time.Duration(i-4)*time.Millisecond)
				r.try(t, c).succeeded(t)
				time.Sleep(2 * idle) // until the connection of the POST is closed
			}
		}
	})
}

// Gateways may reject a GET with a body, even an empty one.
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

func TestConsumingReadsWithTooLargeHeader(t *testing.T) {
	t.Parallel()
	each(t, everywhere, site{}, func(t *testing.T, r *rig) { r.headerIsTooLarge(t, reads) })
}

func TestConsumingReadsDuringReload(t *testing.T) {
	t.Parallel()
	each(t, everywhere, shortTimeout, func(t *testing.T, r *rig) { r.reloadsDuring(t, slices.Concat(reads, []call{create})) })
}
