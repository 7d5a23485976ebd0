package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono/internal/apitest/frames"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func quickly(config *Config) { config.Policy.MinWait, config.Policy.MaxWait = 1, 1 }

// A graceful GOAWAY certifies that later requests were not processed, so none is lost.
// net/http has no types for these errors; the test pins their texts.
func TestGracefulGoAwayLosesNothing(t *testing.T) {
	t.Parallel()
	for name, req := range map[string]Request{
		"create": {Operation: creating, Body: []byte("{}")}, "create without a body": {Operation: creating}, "read": {Operation: reading}, "consume": {Operation: consuming}, "delete": {Operation: deleting},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, next := frames.New(t, func(c *frames.Conn, stream uint32) {
				if c.Number == 1 {
					c.GoAway(0, frames.NoError)
					return
				}
				c.Respond(stream, 200, "{}")
			})
			req.URL = server.URL
			resp, err := newTransport(t, next, quickly).Send(t.Context(), req)
			require.NoError(t, err)
			assert.Equal(t, 200, resp.StatusCode)
			assert.EqualValues(t, 2, server.Requests.Load())
		})
	}
}

// HAProxy sends REFUSED_STREAM for requests that the server has processed, so that no
// acting request may be sent again, with a body or without.
func TestRefusedStreamIsNotReplayed(t *testing.T) {
	t.Parallel()
	for name, req := range map[string]Request{
		"create": {Operation: creating, Body: []byte("{}")}, "create without a body": {Operation: creating}, "consume": {Operation: consuming},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, next := frames.New(t, func(c *frames.Conn, stream uint32) { c.Reset(stream, frames.RefusedStream) })
			req.URL = server.URL
			_, err := newTransport(t, next, quickly).Send(t.Context(), req)
			require.ErrorContains(t, err, "REFUSED_STREAM")
			assert.NotContains(t, err.Error(), "GetBody")
			assert.True(t, failure(t, err).MaybeSent)
			assert.EqualValues(t, 1, server.Requests.Load())
		})
	}
}

// A DELETE that was processed and then refused is sent again by net/http itself. The
// 404 to that request is no certain one.
func TestHeaderWrittenTwiceIsUncertain(t *testing.T) {
	t.Parallel()
	server, next := frames.New(t, func(c *frames.Conn, stream uint32) {
		if stream == 1 {
			c.Reset(stream, frames.RefusedStream)
			return
		}
		c.Respond(stream, 404, "{}")
	})
	// net/http reports the second header only after the response has been read.
	slowly := func(next http.RoundTripper) http.RoundTripper {
		return roundTripFunc(func(req *http.Request) (*http.Response, error) {
			var headers atomic.Int32
			read := make(chan struct{})
			resp, err := next.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{WroteHeaders: func() {
				if headers.Add(1) > 1 {
					<-read
				}
			}})))
			if err == nil {
				resp.Body = closed{resp.Body, sync.OnceFunc(func() { close(read) })}
			}
			return resp, err
		})
	}
	resp, err := newTransport(t, next, func(config *Config) {
		config.Middleware = []func(http.RoundTripper) http.RoundTripper{slowly}
	}).Send(t.Context(), Request{Operation: deleting, URL: server.URL})
	require.NoError(t, err)
	assert.Equal(t, 404, resp.StatusCode)
	assert.Equal(t, 1, resp.Attempts)
	assert.True(t, resp.Uncertain)
}

// closed is a body that calls a function before it is closed.
type closed struct {
	io.ReadCloser
	before func()
}

func (c closed) Close() error {
	c.before()
	return c.ReadCloser.Close()
}

// If net/http cannot connect to send a request again, the first one may have arrived.
func TestDialErrorAfterHeaderIsUncertain(t *testing.T) {
	t.Parallel()
	var dials atomic.Int32
	server, next := frames.New(t, func(c *frames.Conn, stream uint32) {
		c.GoAway(stream, frames.NoError)
		c.Reset(stream, frames.RefusedStream)
	})
	next.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials.Add(1) > 1 {
			return nil, errDial
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	_, err := newTransport(t, next).Send(t.Context(), Request{Operation: deleting, URL: server.URL, Once: true})
	require.ErrorIs(t, err, errDial)
	assert.True(t, failure(t, err).MaybeSent)
	assert.EqualValues(t, 1, server.Requests.Load())
}

// failingWrites is a connection whose writes fail after the first request.
type failingWrites struct {
	net.Conn
	fails *atomic.Bool
}

func (c failingWrites) Write(p []byte) (int, error) {
	if c.fails.Load() {
		return 0, &net.OpError{Op: "write", Net: "tcp", Err: errors.New("broken pipe")}
	}
	return c.Conn.Write(p)
}

// A connection of HTTP/1 that fails before a byte was written has sent nothing, whether it
// is a new one or a reused one.
func TestConnectionThatWritesNothingIsUnsent(t *testing.T) {
	t.Parallel()
	var fails atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	t.Cleanup(server.Close)
	next := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return failingWrites{conn, &fails}, err
	}}
	t.Cleanup(next.CloseIdleConnections)
	transport := newTransport(t, next)
	for _, failing := range []bool{true, false, true} {
		fails.Store(failing)
		_, err := transport.Send(t.Context(), Request{Operation: creating, URL: server.URL, Body: []byte("{}"), Once: true})
		if failing {
			require.ErrorContains(t, err, "broken pipe")
			assert.NotContains(t, err.Error(), "HTTP/2")
			assert.False(t, failure(t, err).MaybeSent)
		} else {
			require.NoError(t, err)
		}
	}
}

// alerting is a connection that ends with an alert.
type alerting struct{ net.Conn }

func (c alerting) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		err = errAlert
	}
	return n, err
}

// An alert ends the handshake of a new connection, and nothing was processed. On a reused
// connection it may follow a request that the server acts on.
func TestAlertOnReusedConnectionMayHaveSent(t *testing.T) {
	t.Parallel()
	for name, reused := range map[string]bool{"new": false, "reused": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, requests := httptest.NewUnstartedServer(nil), 0
			server.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if requests++; !reused || requests == 2 {
					panic(http.ErrAbortHandler) // closes the connection
				}
			})
			server.Start()
			t.Cleanup(server.Close)
			next := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				return alerting{conn}, err
			}}
			t.Cleanup(next.CloseIdleConnections)
			transport, req := newTransport(t, next), Request{Operation: creating, URL: server.URL, Body: []byte("{}")}
			if reused {
				_, err := transport.Send(t.Context(), req)
				require.NoError(t, err)
			}
			_, err := transport.Send(t.Context(), req)
			require.ErrorIs(t, err, errAlert)
			assert.Equal(t, 1, failure(t, err).Attempts)
			assert.Equal(t, reused, failure(t, err).MaybeSent)
		})
	}
}

// If net/http wrote the header twice, the error is about the second request only.
func TestErrorAfterHeaderWrittenTwiceIsUncertain(t *testing.T) {
	t.Parallel()
	for _, failed := range []error{errors.New(gracefulGoAway), errAlert, errDial} {
		for headers, sent := range map[int]bool{1: failed == errDial, 2: true} { //nolint:errorlint // not wrapped
			_, err := newTransport(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
				trace := httptrace.ContextClientTrace(req.Context())
				trace.GetConn("apono.test:443")
				trace.GotConn(httptrace.GotConnInfo{})
				for range headers {
					trace.WroteHeaders()
				}
				return nil, failed
			})).Send(t.Context(), Request{Operation: deleting, URL: "https://apono.test/", Once: true})
			require.ErrorIs(t, err, failed)
			assert.Equal(t, sent, failure(t, err).MaybeSent, "%v after %d headers", failed, headers)
		}
	}
}

// A write that fails after another one may follow a request that the server acts on. Over
// HTTP/2, a body is written after the header.
func TestLaterWriteThatFailsMayHaveSent(t *testing.T) {
	t.Parallel()
	http1 := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	t.Cleanup(http1.Close)
	http2, next := frames.New(t, func(c *frames.Conn, stream uint32) { c.Respond(stream, 200, "") })
	for name, test := range map[string]struct {
		url  string
		next *http.Transport
		body []byte
	}{
		"HTTP/1": {http1.URL, &http.Transport{}, bytes.Repeat([]byte(" "), 64<<10)},
		"HTTP/2": {http2.URL, next, []byte("{}")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var armed, fails atomic.Bool
			test.next.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				return laterWrites{failingWrites{conn, &fails}, &armed}, err
			}
			t.Cleanup(test.next.CloseIdleConnections)
			transport := newTransport(t, test.next)
			_, err := transport.Send(t.Context(), Request{Operation: creating, URL: test.url, Body: []byte("{}")})
			require.NoError(t, err)
			armed.Store(true)
			_, err = transport.Send(t.Context(), Request{Operation: creating, URL: test.url, Body: test.body})
			require.ErrorContains(t, err, "broken pipe")
			require.True(t, failure(t, err).MaybeSent)
			require.Equal(t, 1, failure(t, err).Attempts)
		})
	}
}

// laterWrites is a connection whose writes fail after the first one since armed was set.
type laterWrites struct {
	failingWrites
	armed *atomic.Bool
}

func (c laterWrites) Write(p []byte) (int, error) {
	n, err := c.failingWrites.Write(p)
	c.fails.Store(c.armed.Load())
	return n, err
}

// A dead HTTP/2 connection of the caller's transport costs each goroutine one timeout,
// although other requests keep it busy all the time.
func TestDeadConnectionOfCallersTransportIsClosed(t *testing.T) {
	t.Parallel()
	const goroutines, timeout = 16, time.Second
	var died atomic.Bool
	server, next := frames.New(t, func(c *frames.Conn, stream uint32) {
		if c.Number == 1 && died.Load() {
			return
		}
		c.Respond(stream, 200, "")
	})
	transport := newTransport(t, next, quickly, func(config *Config) { config.AttemptTimeout = timeout })
	_, err := transport.Send(t.Context(), Request{Operation: reading, URL: server.URL})
	require.NoError(t, err)
	died.Store(true)
	var slow atomic.Int32
	started := time.Now()
	var group sync.WaitGroup
	for i := range goroutines {
		group.Go(func() {
			op := []*operation.Operation{reading, creating}[i%2] // a create is not retried, so its goroutine never pauses
			for range 25 {
				before := time.Now()
				_, _ = transport.Send(t.Context(), Request{Operation: op, URL: server.URL, Body: []byte("{}")})
				if time.Since(before) > timeout/2 {
					slow.Add(1)
				}
			}
		})
	}
	group.Wait()
	assert.LessOrEqual(t, slow.Load(), int32(2*goroutines))
	t.Logf("%d slow calls, %s", slow.Load(), time.Since(started))
	time.Sleep(5 * timeout / 2) // until the pool is used again
	started, before := time.Now(), server.Connections.Load()
	for range 3 {
		_, err = transport.Send(t.Context(), Request{Operation: reading, URL: server.URL})
		require.NoError(t, err)
	}
	assert.Less(t, time.Since(started), timeout/2, "the dead connection is used again")
	assert.LessOrEqual(t, server.Connections.Load(), before+1, "requests have connections of their own")
}

// A timeout on a connection of its own says nothing about the others.
func TestTimeoutOfSeparateConnectionKeepsOthers(t *testing.T) {
	t.Parallel()
	server, next := frames.New(t, func(c *frames.Conn, stream uint32) {
		if c.Number != 2 {
			c.Respond(stream, 200, "")
		}
	})
	transport := newTransport(t, next, func(config *Config) { config.AttemptTimeout = time.Second })
	for number, op := range []*operation.Operation{reading, consuming, reading} {
		_, err := transport.Send(t.Context(), Request{Operation: op, URL: server.URL, Once: true})
		require.Equal(t, number == 1, err != nil)
	}
	assert.EqualValues(t, 2, server.Connections.Load())
}

// At a limit of the server, calls wait together, and few fail for the number of their
// attempts. In 60 runs, at least 3510 of the 3600 requests that the server allows succeeded,
// at most 231 failed, and no goroutine had fewer than 15 successes.
func TestRateLimitIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		window, used := time.Now(), 0
		next := roundTripFunc(func(*http.Request) (*http.Response, error) {
			time.Sleep(5 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			if time.Since(window) >= time.Second {
				window, used = time.Now(), 0
			}
			if used++; used > 10 {
				return &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {"1"}}}, nil
			}
			return &http.Response{StatusCode: 200}, nil
		})
		transport := newTransport(t, next)
		var failed, succeeded atomic.Int32
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
		defer cancel()
		var group sync.WaitGroup
		for i := range 64 {
			group.Go(func() {
				successes := 0
				for ctx.Err() == nil {
					resp, err := transport.Send(ctx, Request{Operation: reading, URL: "https://apono.test/"})
					switch {
					case err != nil:
					case resp.StatusCode == 200:
						successes++
					default:
						failed.Add(1)
					}
				}
				assert.GreaterOrEqual(t, successes, 5, "goroutine %d starves", i)
				succeeded.Add(int32(successes))
			})
		}
		group.Wait()
		assert.Greater(t, succeeded.Load(), int32(3450))
		assert.Less(t, failed.Load(), int32(300))
		t.Logf("%d calls succeeded, %d failed", succeeded.Load(), failed.Load())
	})
}

// A call whose deadline comes before the end of the pause is sent at once, and so is the
// last try of a revocation. The pause is that of one token and at most MaxRetryAfter.
func TestPauseOfRateLimit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(ctx context.Context) (context.Context, context.CancelFunc)
		token  string
		most   time.Duration
		least  time.Duration
	}{
		"waits": {nil, testToken, 72 * time.Second, time.Minute},
		"deadline before": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, testToken, 0, 0},
		"unpaused":    {func(ctx context.Context) (context.Context, context.CancelFunc) { return Unpaused(ctx), func() {} }, testToken, 0, 0},
		"other token": {nil, "other-token", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				token := testToken
				fake := script.New(t, script.Response{Status: 429, Header: map[string]string{"Retry-After": "3600"}}, script.Response{})
				transport := newTransport(t, fake, func(config *Config) {
					config.Token = func(context.Context) (string, error) { return token, nil }
				})
				_, err := send(t, transport, creating)
				require.NoError(t, err)
				token = tc.token
				ctx := t.Context()
				if tc.change != nil {
					var cancel context.CancelFunc
					ctx, cancel = tc.change(ctx)
					defer cancel()
				}
				started := time.Now()
				_, err = transport.Send(ctx, Request{Operation: creating, URL: "https://apono.test/"})
				require.NoError(t, err)
				assert.LessOrEqual(t, time.Since(started), tc.most)
				assert.GreaterOrEqual(t, time.Since(started), tc.least)
			})
		})
	}
}

// Calls that the server asks to wait are not sent again at the same moment: neither those
// that receive Retry-After, nor those that wait because another call received it.
func TestRetryAfterIsSpread(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"own": 503, "shared": 429} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				first, sent := map[string]bool{}, map[time.Duration]int{} // by path, and by seconds
				started := time.Now()
				transport := newTransport(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
					mu.Lock()
					defer mu.Unlock()
					wanted := status == 503 || len(first) == 0
					if wanted && !first[req.URL.Path] {
						first[req.URL.Path] = true
						return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"50"}}}, nil
					}
					sent[time.Since(started).Truncate(time.Second)]++
					return &http.Response{StatusCode: 200}, nil
				}))
				var group sync.WaitGroup
				for i := range 200 {
					group.Go(func() {
						_, err := transport.Send(t.Context(), Request{Operation: reading, URL: fmt.Sprintf("https://apono.test/%d", i)})
						assert.NoError(t, err)
					})
					synctest.Wait()
				}
				group.Wait()
				assert.Len(t, sent, 10)
				for second, calls := range sent {
					assert.GreaterOrEqual(t, second, 50*time.Second)
					assert.Less(t, second, 60*time.Second)
					assert.Less(t, calls, 50, "of 200 calls in one of 10 s")
				}
			})
		})
	}
}

// An error of the limiter or the token source on the second attempt is not taken for the
// outcome of the first, and ends the call.
func TestSecondAttemptThatIsNotAdmittedEndsCall(t *testing.T) {
	t.Parallel()
	for text, change := range map[string]func(config *Config, next func() error){
		"waiting for the limiter: closed": func(config *Config, next func() error) {
			config.Limiter = limiterFunc(func(context.Context) error { return next() })
		},
		"getting a token: closed": func(config *Config, next func() error) {
			config.Token = func(context.Context) (string, error) { return testToken, next() }
		},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				transport := newTransport(t, script.New(t, script.Response{Status: 503}), func(config *Config) {
					change(config, func() error {
						if calls++; calls > 1 {
							return errors.New("closed")
						}
						return nil
					})
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // of a call that would go on
				defer cancel()
				_, err := transport.Send(ctx, Request{Operation: reading, URL: "https://apono.test/"})
				require.EqualError(t, err, text)
				assert.Equal(t, 2, calls, "the call went on")
				assert.Equal(t, 503, failure(t, err).Last.StatusCode)
			})
		})
	}
}

// The error of golang.org/x/time/rate has no type.
func TestLimiterThatWouldExceedDeadline(t *testing.T) {
	t.Parallel()
	_, err := send(t, newTransport(t, script.New(t), func(config *Config) {
		config.Limiter = limiterFunc(func(context.Context) error { return errors.New("rate: Wait(n=1) would exceed context deadline") })
	}), reading)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// Errors of middleware are told from those of the network.
func TestErrorOfMiddlewareIsCallers(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]bool{"middleware": true, "network": false} {
		transport := newTransport(t, roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, errReset }), quickly, func(config *Config) {
			config.Middleware = []func(http.RoundTripper) http.RoundTripper{func(next http.RoundTripper) http.RoundTripper {
				return roundTripFunc(func(req *http.Request) (*http.Response, error) {
					if own {
						return nil, errReset
					}
					return next.RoundTrip(req)
				})
			}}
		})
		_, err := send(t, transport, reading)
		require.ErrorIs(t, err, errReset)
		assert.Equal(t, own, FailedInCaller(err), name)
	}
}

// A proxy that ends the connection in place of a response to CONNECT is named.
func TestProxyThatDiesIsNamed(t *testing.T) {
	t.Parallel()
	proxy := serveConns(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 4096)) })
	next := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: proxy})}
	for _, op := range []*operation.Operation{reading, creating, consuming} {
		_, err := newTransport(t, next).Send(t.Context(), Request{Operation: op, URL: "https://apono.test/", Once: true})
		require.ErrorContains(t, err, "proxy "+proxy)
		assert.False(t, failure(t, err).MaybeSent)
	}
}
