package transport

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// longestDial is the timeout for dialing. A net.Dialer divides it among the
// addresses of a host: the first of two has 5 s.
const longestDial = 10 * time.Second

// Tune configures an http.Transport for the API. It detects dead connections within
// seconds, and closes idle ones before common servers and load balancers do (60 s
// or more). It limits dialing so that an attempt has time for the second address of
// a host. An existing DialContext is wrapped.
func Tune(t *http.Transport) {
	t.MaxIdleConns = 0 // the limit of each host applies
	t.MaxIdleConnsPerHost = 100
	t.MaxResponseHeaderBytes = 1 << 20
	t.IdleConnTimeout = 30 * time.Second
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 10 * time.Second}
	t.OnProxyConnectResponse = onProxyConnectResponse
	if dial := t.DialContext; dial != nil {
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			limit, ok := ctx.Value(dialKey{}).(time.Duration)
			if !ok {
				limit = longestDial
			}
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			return dial(ctx, network, address)
		}
	}
}

// dialKey is the context key for the dial timeout of attempts with a short timeout.
// net/http dials with the values of an attempt's context but without its
// cancellation, because another attempt may use the connection.
type dialKey struct{}

func withDialTimeout(ctx context.Context, attempt time.Duration) context.Context {
	if limit := attempt / 3 * 2; limit > 0 && limit < longestDial {
		return context.WithValue(ctx, dialKey{}, limit)
	}
	return ctx
}

// roundTripAlone sends a request over a new connection that no other request uses.
// Otherwise net/http sends a GET again if a reused connection breaks, or if an HTTP/2
// server sends GOAWAY or REFUSED_STREAM. A body would prevent that over HTTP/1, but
// proxies reject a GET with a body. In other respects the new connection is like the
// transport's own. Only an http.Transport that does not use the Fetch API of a browser
// supports this; any other RoundTripper gets an ordinary request.
func roundTripAlone(next http.RoundTripper, req *http.Request, trace *connTrace) (*http.Response, error) {
	transport, ok := next.(*http.Transport)
	if !ok || usesFetch(runtime.GOOS, transport) {
		return next.RoundTrip(req)
	}
	transport = transport.Clone()
	if config := transport.TLSClientConfig; config != nil {
		config.NextProtos = slices.Clip(config.NextProtos) // clones share it, and net/http appends to it
	}
	// net/http counts a connection of NewClientConn when it closes, but not when it
	// opens, and panics.
	transport.MaxConnsPerHost = 0
	if transport.Proxy != nil { // NewClientConn would ask without the port
		proxy, err := transport.Proxy(req)
		if err != nil {
			return nil, err
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	if transport.TLSNextProto["h2"] != nil { // as set by golang.org/x/net/http2
		transport.TLSNextProto, transport.ForceAttemptHTTP2 = nil, true
	}
	port := cmp.Or(req.URL.Port(), map[string]string{"http": "80", "https": "443"}[req.URL.Scheme])
	trace.asked.Store(true)
	conn, err := transport.NewClientConn(req.Context(), req.URL.Scheme, net.JoinHostPort(req.URL.Hostname(), port))
	if err != nil {
		return nil, err
	}
	trace.obtained(nil, false)
	closeConn := sync.OnceFunc(func() { _ = conn.Close() })
	context.AfterFunc(req.Context(), closeConn) // if middleware does not close the body
	resp, err := conn.RoundTrip(req)
	if err != nil {
		closeConn()
		return nil, err
	}
	resp.Body = connBody{resp.Body, closeConn}
	return resp, nil
}

// usesFetch reports whether a transport uses the Fetch API of a browser, as an
// http.Transport without a dial function does on GOOS=js.
func usesFetch(goos string, t *http.Transport) bool {
	return goos == "js" && t.DialContext == nil && t.DialTLSContext == nil &&
		t.Dial == nil && t.DialTLS == nil //nolint:staticcheck // deprecated, but net/http looks at them
}

// connBody is a body that closes its connection when it is closed.
type connBody struct {
	io.ReadCloser
	closeConn func()
}

func (b connBody) Close() error {
	defer b.closeConn()
	return b.ReadCloser.Close()
}

// ProxyError reports that a proxy rejected CONNECT. Nothing was sent to the server.
type ProxyError struct {
	Proxy  string // host and port
	Status int    // of the response to CONNECT
}

func (e *ProxyError) Error() string {
	hint := "it may be overloaded"
	switch {
	case e.Status == http.StatusProxyAuthRequired:
		hint = "check the user and password of the proxy in HTTPS_PROXY or http.Transport.Proxy"
	case e.permanent():
		hint = "check that it allows the host, or name the host in NO_PROXY"
	}
	return fmt.Sprintf("the proxy %s rejected CONNECT: %d %s: %s", e.Proxy, e.Status, http.StatusText(e.Status), hint)
}

func (e *ProxyError) permanent() bool { return !TemporaryStatus(e.Status) }

// onProxyConnectResponse is the OnProxyConnectResponse function of an
// http.Transport. It returns a *ProxyError if the proxy rejects CONNECT.
func onProxyConnectResponse(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode < http.StatusBadRequest {
		return nil
	}
	return &ProxyError{Proxy: proxy.Host, Status: resp.StatusCode}
}

// withProxy adds the address of the request's proxy to an error that does not contain
// it, such as EOF.
func withProxy(next http.RoundTripper, req *http.Request, err error) error {
	transport, ok := next.(*http.Transport)
	if !ok || transport.Proxy == nil {
		return err
	}
	proxy, failed := transport.Proxy(req)
	if failed != nil || proxy == nil || strings.Contains(err.Error(), proxy.Host) {
		return err
	}
	return fmt.Errorf("through the proxy %s: %w", proxy.Host, err)
}

// pool notices that connections of the caller's transport may be dead. A router may
// drop one without notice, and net/http then keeps it as long as requests are waiting
// on it. Transports with pings notice it themselves.
type pool struct {
	client *http.Client // nil if its transport has pings

	mu     sync.Mutex
	closes time.Time // when idle connections are closed, zero if none may be dead
}

// enter records the start of an attempt. After a timeout, attempts have connections of
// their own, until those that use the pool have timed out too, so that its connections
// are idle and can be closed.
func (p *pool) enter(a *attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closes.IsZero() && time.Until(p.closes) <= 0 {
		p.closes = time.Time{}
		p.client.CloseIdleConnections()
	}
	a.alone = a.alone || !p.closes.IsZero()
}

// lost records that an attempt had no response within the timeout.
func (p *pool) lost(a *attempt, timeout time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil && !a.alone {
		p.closes = time.Now().Add(timeout + timeout/10) // net/http takes a moment to notice that a connection is idle
	}
}
