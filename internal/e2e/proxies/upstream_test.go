//go:build proxies

package proxies_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

func TestCallsSucceed(t *testing.T) {
	t.Parallel()
	each(t, everywhere, site{}, func(t *testing.T, r *rig) {
		for range 3 {
			for _, c := range calls {
				r.try(t, c).succeeded(t)
			}
		}
	})
}

// losses are faults of a server after it has read a request, which it may have carried
// out.
var losses = map[string]func(r *rig){
	"reset":         func(r *rig) { r.upstream.next(resets) },
	"close":         func(r *rig) { r.upstream.next(closes) },
	"request lost":  func(r *rig) { r.fake.FaultNext("", 1, aponotest.Fault{Break: aponotest.RequestLost}) },
	"response lost": func(r *rig) { r.fake.FaultNext("", 1, aponotest.Fault{Break: aponotest.ResponseLost}) },
}

func TestUpstreamClosesConnection(t *testing.T) {
	t.Parallel()
	each(t, []way{{kind: nginx, protocol: 1}, overHTTP2, {kind: haproxy, protocol: 1}}, site{}, func(t *testing.T, r *rig) {
		for _, lose := range losses {
			for _, c := range calls {
				r.client.CloseIdleConnections() // HAProxy returns a page only for the first request on a connection
				lose(r)
				r.try(t, c).isPage(t, http.StatusBadGateway, 1)
			}
		}
	})
}

// After the first request on a connection, HAProxy closes it without a response, so that
// the client sends its request again. The library must not.
func TestUpstreamClosesConnectionAfterFirstRequest(t *testing.T) {
	t.Parallel()
	each(t, []way{{kind: haproxy, protocol: 1}}, site{}, func(t *testing.T, r *rig) {
		for _, lose := range losses {
			r.try(t, create).succeeded(t)
			lose(r)
			r.try(t, create).isBroken(t, gone, 1)
			// A POST without a body uses a separate connection.
			r.try(t, create).succeeded(t)
			lose(r)
			r.try(t, resetCredentials).isPage(t, http.StatusBadGateway, 1)
		}
	})
}

func TestResponseCutShort(t *testing.T) {
	t.Parallel()
	each(t, everywhere, site{}, func(t *testing.T, r *rig) {
		for _, c := range calls {
			r.fake.FaultNext("", 1, aponotest.Fault{Break: aponotest.ResponseCut})
			o := r.try(t, c)
			cut := apitest.ErrorAs[*apono.DecodeError](t, o.err)
			require.Equal(t, 1, o.seen)
			require.Equal(t, http.StatusOK, cut.StatusCode)
			require.Equal(t, 1, cut.Attempts)
			require.NotEmpty(t, cut.Body)
			o.hasText(t, "200 OK, but the body is unusable: .*(unexpected EOF|INTERNAL_ERROR)")
		}
	})
}

func TestUpstreamIsDown(t *testing.T) {
	t.Parallel()
	pages := map[string]int{"nginx": http.StatusBadGateway, "haproxy": http.StatusServiceUnavailable}
	each(t, everywhere, site{backend: "retries 1\n\ttimeout connect 50ms"}, func(t *testing.T, r *rig) {
		r.upstream.Close()
		for _, c := range calls {
			r.try(t, c).isPage(t, pages[r.name], 0)
		}
	})
}

// The timeout of the proxy ends while the server carries out the request.
func TestUpstreamIsTooSlowForProxy(t *testing.T) {
	t.Parallel()
	s := site{nginx: "proxy_read_timeout 100ms;", backend: "timeout server 100ms"}
	each(t, everywhere, s, func(t *testing.T, r *rig) {
		for _, c := range calls {
			r.fake.FaultNext("", 1, aponotest.Fault{Latency: time.Minute})
			r.try(t, c).isPage(t, http.StatusGatewayTimeout, 1)
		}
	})
}

func TestUpstreamIsTooSlowForClient(t *testing.T) {
	t.Parallel()
	each(t, everywhere, site{}, func(t *testing.T, r *rig) {
		for _, c := range calls {
			r.fake.FaultNext("", 1, aponotest.Fault{Latency: time.Minute})
			o := r.try(t, c)
			o.isBroken(t, "no response within 0.5 s", 1)
			require.ErrorIs(t, o.err, context.DeadlineExceeded)
		}
	}, apono.WithAttemptTimeout(500*time.Millisecond))
}

func TestUpstreamIsSlow(t *testing.T) {
	t.Parallel()
	each(t, everywhere, site{}, func(t *testing.T, r *rig) {
		for _, c := range calls {
			r.fake.FaultNext("", 1, aponotest.Fault{Latency: 300 * time.Millisecond})
			r.try(t, c).succeeded(t)
		}
	})
}
