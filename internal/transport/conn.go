package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// longestDial is how long a connection may take to come about. A net.Dialer
// shares it among the addresses of a host, so that of two the first has 5 s.
const longestDial = 10 * time.Second

// Tune changes a transport of net/http to what is good for the API: it gives up
// dead connections in seconds, closes idle ones before common servers and load
// balancers do, which is after 60 s or more, and dials so that an attempt has time
// for the second address of a host. A dialer that it has is kept.
func Tune(t *http.Transport) {
	t.MaxIdleConns = 0 // no limit but that of each host
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

// dialKey is the key under which a context holds how long dialing may take, for
// attempts with a short timeout. net/http dials with the values of an attempt's
// context, but not until its end: another attempt may want the connection.
type dialKey struct{}

func withDialTimeout(ctx context.Context, attempt time.Duration) context.Context {
	if limit := attempt / 3 * 2; limit > 0 && limit < longestDial {
		return context.WithValue(ctx, dialKey{}, limit)
	}
	return ctx
}

// roundTripAlone sends a request over a connection of its own, which nothing
// else uses: net/http sends a GET again by itself when a connection that it
// keeps breaks, or when an HTTP/2 server sends GOAWAY or REFUSED_STREAM, and
// proxies reject a GET with a body, which would keep HTTP/1 from it. Proxy, TLS
// settings and dialer are the transport's. Only net/http's transport can do so;
// any other gets an ordinary request.
func roundTripAlone(next http.RoundTripper, req *http.Request, trace *connTrace) (*http.Response, error) {
	transport, ok := next.(*http.Transport)
	if !ok {
		return next.RoundTrip(req)
	}
	port := cmp.Or(req.URL.Port(), map[string]string{"http": "80", "https": "443"}[req.URL.Scheme])
	trace.asked.Store(true)
	conn, err := transport.NewClientConn(req.Context(), req.URL.Scheme, net.JoinHostPort(req.URL.Hostname(), port))
	if err != nil {
		return nil, err
	}
	trace.got.Store(true)
	closeConn := sync.OnceFunc(func() { _ = conn.Close() })
	context.AfterFunc(req.Context(), closeConn) // if middleware drops the response
	resp, err := conn.RoundTrip(req)
	if err != nil {
		closeConn()
		return nil, err
	}
	resp.Body = connBody{resp.Body, closeConn}
	return resp, nil
}

// connBody closes the connection along with the body.
type connBody struct {
	io.ReadCloser
	closeConn func()
}

func (b connBody) Close() error {
	defer b.closeConn()
	return b.ReadCloser.Close()
}

// ProxyError is a proxy that did not open the way to the server. Nothing was
// sent to the server.
type ProxyError struct {
	// Proxy is its host and port.
	Proxy string
	// Status is its response to CONNECT.
	Status int
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

func (e *ProxyError) permanent() bool { return e.Status < http.StatusInternalServerError }

// onProxyConnectResponse is for the field of that name of an http.Transport: it
// returns a *ProxyError where the proxy rejects CONNECT.
func onProxyConnectResponse(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode < http.StatusBadRequest {
		return nil
	}
	return &ProxyError{Proxy: proxy.Host, Status: resp.StatusCode}
}

// proxyError returns a *ProxyError where a transport of the caller's failed with
// nothing but the status text of a proxy, which is all that net/http says.
func proxyError(next http.RoundTripper, req *http.Request, err error) error {
	transport, ok := next.(*http.Transport)
	if !ok || transport.Proxy == nil || req.URL.Scheme != "https" || errors.Unwrap(err) != nil {
		return err
	}
	for status := http.StatusBadRequest; status < 600; status++ {
		if text := http.StatusText(status); text == "" || !strings.EqualFold(err.Error(), text) {
			continue
		}
		if proxy, _ := transport.Proxy(req); proxy != nil {
			return &ProxyError{Proxy: proxy.Host, Status: status}
		}
	}
	return err
}
