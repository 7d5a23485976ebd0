//go:build proxies

package proxies_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

// large is larger than the buffers of a proxy.
var large = strings.Repeat("x", 1<<20)

func TestBufferedRequests(t *testing.T) {
	t.Parallel()
	each(t, everywhere, site{nginx: "client_max_body_size 2m; proxy_request_buffering on;", frontend: "option http-buffer-request"}, largeBodies)
}

func TestUnbufferedRequests(t *testing.T) {
	t.Parallel()
	each(t, everywhere, site{nginx: "client_max_body_size 2m; proxy_request_buffering off;"}, largeBodies)
}

func largeBodies(t *testing.T, r *rig) {
	r.try(t, creates(large)).succeeded(t)
	sent := r.fake.Requests("Integrations.Create")
	require.Len(t, sent, 1)
	var body struct {
		IntegrationConfig struct {
			Value string `json:"value"`
		} `json:"integration_config"`
	}
	require.NoError(t, json.Unmarshal([]byte(sent[0].Body), &body))
	require.Equal(t, large, body.IntegrationConfig.Value)
}

// A server that resets the connection before it has read the body may have carried out
// the request.
func TestUpstreamResetsBeforeBody(t *testing.T) {
	t.Parallel()
	for name, buffering := range map[string]string{"buffered": "on", "not buffered": "off"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site{nginx: "client_max_body_size 2m; proxy_request_buffering " + buffering + ";"}
			each(t, []way{{kind: nginx, protocol: 1}, overHTTP2, {kind: haproxy, protocol: 1}}, s, func(t *testing.T, r *rig) {
				r.upstream.next(resetsEarly)
				r.try(t, creates(large)).isPageOrBroken(t, http.StatusBadGateway, 1)
			})
		})
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	s := site{nginx: "client_max_body_size 8k;", frontend: "http-request wait-for-body time 1s\n\thttp-request deny deny_status 413 if { req.hdr_val(content-length) gt 8192 }"}
	each(t, everywhere, s, func(t *testing.T, r *rig) {
		r.try(t, creates(large[:12<<10])).isPage(t, http.StatusRequestEntityTooLarge, 0)
		r.try(t, creates(large)).isPageOrBroken(t, http.StatusRequestEntityTooLarge, 0)
		// Over HTTP/2, HAProxy 2.6 does not restore the flow-control window after the
		// body. The next body on the connection would wait for it.
		r.client.CloseIdleConnections()
		for _, c := range calls {
			r.try(t, c).succeeded(t)
		}
	})
}

// Over HTTP/2 a proxy closes the connection if the header is too large. Over HTTP/1.1
// it may close it before it has read the header.
func TestRequestHeaderLimit(t *testing.T) {
	t.Parallel()
	each(t, everywhere, site{}, func(t *testing.T, r *rig) { r.headerIsTooLarge(t, posts) })
}

func (r *rig) headerIsTooLarge(t *testing.T, calls []call) {
	t.Helper()
	for _, c := range calls {
		tooLarge := apono.WithRequestHeader(t.Context(), "X-Large", large[:40<<10])
		o := r.tryIn(t, tooLarge, c)
		require.Zero(t, o.seen, c.name) // so it may be sent again
		if page, ok := errors.AsType[*apono.APIError](o.err); ok {
			require.Equal(t, http.StatusBadRequest, page.StatusCode)
		} else {
			o.hasText(t, gone)
		}
		r.try(t, c).succeeded(t)
	}
}

func TestResponseHeaderLimit(t *testing.T) {
	t.Parallel()
	each(t, everywhere, site{}, func(t *testing.T, r *rig) {
		for _, c := range calls {
			r.fake.FaultNext("", 1, aponotest.Fault{Header: http.Header{"X-Large": {large[:40<<10]}}})
			r.try(t, c).isPage(t, http.StatusBadGateway, 1)
		}
	})
}

// isPageOrBroken fails the test unless the outcome is an error page or a closed
// connection. Either may come first if a proxy does not read the whole request.
func (o outcome) isPageOrBroken(t *testing.T, status, seen int) {
	t.Helper()
	if errors.As(o.err, new(*apono.APIError)) {
		o.isPage(t, status, seen)
	} else {
		o.isBroken(t, gone, seen)
	}
}

// A page for debugging may contain the header of the request.
func TestPageThatEchoesToken(t *testing.T) {
	t.Parallel()
	s := site{
		nginx: `default_type text/html; add_header X-Seen $http_authorization always;
		if ($http_x_call) { return 403 "<html><title>403</title>$http_authorization</html>"; }`,
		frontend: `http-request return status 403 content-type text/html hdr X-Seen "%[req.hdr(authorization)]" lf-string "<html><title>403</title>%[req.hdr(authorization)]</html>"`,
	}
	each(t, everywhere, s, func(t *testing.T, r *rig) {
		for _, c := range calls {
			o := r.try(t, c)
			o.isPage(t, http.StatusForbidden, 0)
			page := apitest.ErrorAs[*apono.APIError](t, o.err)
			require.Contains(t, string(page.Body), "Bearer [redacted]")
			require.Equal(t, "Bearer [redacted]", page.Header.Get("X-Seen"))
		}
	})
}
