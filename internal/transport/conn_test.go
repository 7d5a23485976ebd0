package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono/internal/apitest/frames"
	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counting starts a server that counts its connections and requests, and sends to
// closed when a connection is closed.
func counting(t *testing.T, h2 bool, handler http.HandlerFunc, closed ...chan<- struct{}) (server *httptest.Server, connections, requests *atomic.Int32) {
	t.Helper()
	connections, requests = new(atomic.Int32), new(atomic.Int32)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
		if state == http.StateClosed {
			for _, c := range closed {
				c <- struct{}{}
			}
		}
	}
	server.EnableHTTP2 = h2
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, connections, requests
}

// over returns a Transport and the http.Transport that it uses.
func over(t *testing.T, server *httptest.Server, change ...func(*Config)) (*Transport, *http.Transport) {
	t.Helper()
	next := server.Client().Transport.(*http.Transport).Clone()
	t.Cleanup(next.CloseIdleConnections)
	quick := func(config *Config) { config.Policy.MinWait, config.Policy.MaxWait = 1, 1 }
	return newTransport(t, next, append([]func(*Config){quick}, change...)...), next
}

// net/http may send a request again on a connection that it reuses. A consuming read
// therefore uses a connection that no other request uses. It has no body, because
// gateways reject a GET with a body.
func TestConsumingReadUsesSeparateConnection(t *testing.T) {
	t.Parallel()
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			closed := make(chan struct{}, 10)
			server, connections, _ := counting(t, h2, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, h2, r.ProtoMajor == 2)
				assert.Empty(t, r.TransferEncoding)
				assert.Zero(t, r.ContentLength)
				assert.NotContains(t, r.Header, "Content-Length")
				_, _ = io.WriteString(w, "{}")
			}, closed)
			transport, _ := over(t, server)
			for _, want := range []int32{1, 1} {
				_, err := transport.Send(t.Context(), Request{Operation: reading, URL: server.URL})
				require.NoError(t, err)
				assert.Equal(t, want, connections.Load())
			}
			for _, want := range []int32{2, 3} {
				resp, err := transport.Send(t.Context(), Request{Operation: consuming, URL: server.URL})
				require.NoError(t, err)
				require.NoError(t, resp.ReadErr)
				assert.Equal(t, "{}", string(resp.Body))
				assert.Equal(t, want, connections.Load())
				within(t, closed)
			}
			_, err := transport.Send(t.Context(), Request{Operation: reading, URL: server.URL})
			require.NoError(t, err)
			assert.EqualValues(t, 3, connections.Load(), "the shared connection was closed")
		})
	}
}

// net/http sends a POST without a body again if an HTTP/2 server reports that it did
// not process it. Adding an empty body to prevent that would change the request.
func TestPostWithoutBodyUsesSeparateConnection(t *testing.T) {
	t.Parallel()
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, connections, _ := counting(t, h2, func(w http.ResponseWriter, r *http.Request) {
				assert.Empty(t, r.TransferEncoding)
				if r.ContentLength != 0 {
					_, _ = io.Copy(io.Discard, r.Body)
				}
				_, _ = io.WriteString(w, "{}")
			}, make(chan struct{}, 10))
			transport, _ := over(t, server)
			for _, c := range []struct {
				body []byte
				want int32
			}{{[]byte("{}"), 1}, {nil, 2}, {nil, 3}, {[]byte("{}"), 3}} {
				_, err := transport.Send(t.Context(), Request{Operation: creating, URL: server.URL, Body: c.body})
				require.NoError(t, err)
				assert.Equal(t, c.want, connections.Load())
			}
		})
	}
}

// A RoundTripper other than an http.Transport gets an ordinary request.
func TestConsumingReadWithOtherRoundTripper(t *testing.T) {
	t.Parallel()
	next := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		assert.Nil(t, req.Body)
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("{}"))}, nil
	})
	resp, err := send(t, newTransport(t, next), consuming)
	require.NoError(t, err)
	assert.Equal(t, "{}", string(resp.Body))
}

// Middleware that does not close a body must not leak the connection.
func TestSeparateConnectionIsClosedAfterAttempt(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 10)
	server, _, _ := counting(t, true, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }, closed)
	transport, _ := over(t, server, func(config *Config) {
		config.Middleware = []func(http.RoundTripper) http.RoundTripper{func(next http.RoundTripper) http.RoundTripper {
			return roundTripFunc(func(req *http.Request) (*http.Response, error) {
				_, _ = next.RoundTrip(req)
				return nil, errReset
			})
		}}
	})
	_, err := transport.Send(t.Context(), Request{Operation: consuming, URL: server.URL})
	require.ErrorIs(t, err, errReset)
	within(t, closed)
}

// within waits up to 5 s for a connection to be closed.
func within(t *testing.T, event <-chan struct{}) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(5 * time.Second):
		t.Error("the connection was not closed within 5 s")
	}
}

// proxy starts a proxy that responds to CONNECT with a status.
func proxy(t *testing.T, status int) (address *url.URL, requests *atomic.Int32) {
	t.Helper()
	requests = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, http.MethodConnect, r.Method)
		requests.Add(1)
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	address.User = url.UserPassword("ann", "s3cret")
	return address, requests
}

// A proxy that requires a password rejects retries too. The error names the proxy,
// which "Proxy Authentication Required" alone does not.
func TestProxyThatRejects(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status, attempts int
		text             string
	}{
		{407, 1, "407 Proxy Authentication Required: check the user and password of the proxy"},
		{403, 1, "403 Forbidden: check that it allows the host"},
		{502, 3, "502 Bad Gateway: it may be overloaded"},
		{429, 3, "429 Too Many Requests: it may be overloaded"},
	} {
		for _, op := range []struct{ name string }{{"read"}, {"create"}, {"consume"}} {
			t.Run(tc.text+" "+op.name, func(t *testing.T) {
				t.Parallel()
				address, requests := proxy(t, tc.status)
				next := &http.Transport{Proxy: http.ProxyURL(address)}
				Tune(next)
				transport := newTransport(t, next, func(config *Config) { config.Policy.MinWait, config.Policy.MaxWait = 1, 1 })
				operations := map[string]Request{"read": {Operation: reading}, "create": {Operation: creating}, "consume": {Operation: consuming}}
				req := operations[op.name]
				req.URL = "https://apono.test/"
				_, err := transport.Send(t.Context(), req)
				require.ErrorContains(t, err, "the proxy "+address.Host+" rejected CONNECT: "+tc.text)
				assert.NotContains(t, err.Error(), "s3cret")
				assert.Equal(t, tc.attempts, failure(t, err).Attempts)
				assert.EqualValues(t, tc.attempts, requests.Load())
				assert.False(t, failure(t, err).MaybeSent)
			})
		}
	}
}

// A proxy that accepts CONNECT connects to the server.
func TestProxyThatConnects(t *testing.T) {
	t.Parallel()
	server, _, requests := counting(t, false, func(http.ResponseWriter, *http.Request) {})
	var connects atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connects.Add(1)
		there, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
		if !assert.NoError(t, err) {
			return
		}
		defer func() { _ = there.Close() }()
		here, _, err := http.NewResponseController(w).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer func() { _ = here.Close() }()
		_, _ = io.WriteString(here, "HTTP/1.1 200 Connection Established\r\n\r\n")
		go func() { _, _ = io.Copy(there, here) }()
		_, _ = io.Copy(here, there)
	}))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	transport, next := over(t, server)
	next.Proxy = http.ProxyURL(address)
	Tune(next)
	for _, req := range []Request{{Operation: reading}, {Operation: creating, Body: []byte("{}")}, {Operation: consuming}} {
		req.URL, req.Once = server.URL, true
		resp, err := transport.Send(t.Context(), req)
		require.NoError(t, err)
		assert.Equal(t, 200, resp.StatusCode)
	}
	assert.EqualValues(t, 3, requests.Load())
	assert.EqualValues(t, 2, connects.Load())
}

// serveConns handles each connection to a new address and then closes it.
func serveConns(t *testing.T, handle func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			handle(conn)
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// socks starts a SOCKS5 proxy (RFC 1928) that chooses a method of authentication and
// sends a status for the password and for the request, until one is a rejection.
func socks(t *testing.T, method, password, reply byte) (address *url.URL, connections *atomic.Int32) {
	t.Helper()
	connections = new(atomic.Int32)
	host := serveConns(t, func(conn net.Conn) {
		connections.Add(1)
		replies := [][]byte{{5, method}, {5, reply, 0, 1, 0, 0, 0, 0, 0, 0}}
		if method == 2 {
			replies = slices.Insert(replies, 1, []byte{1, password})
		}
		for _, reply := range replies {
			if _, err := conn.Read(make([]byte, 512)); err != nil {
				break
			}
			_, _ = conn.Write(reply)
		}
		_, _ = io.Copy(io.Discard, conn) // until the client closes it
	})
	return &url.URL{Scheme: "socks5", Host: host, User: url.UserPassword("ann", "s3cret")}, connections
}

// A SOCKS proxy that rejects a request or the password rejects retries too. Its other
// replies are about the network. net/http has no types for them; the test pins its texts.
func TestSOCKSProxyThatRejects(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text                    string
		method, password, reply byte
		attempts                int32
	}{
		{"no acceptable authentication methods", 0xff, 0, 0, 1},
		{"username/password authentication failed", 2, 1, 0, 1},
		{"invalid username/password", 2, 0, 0, 1}, // net/http rejects this one
		{"connection not allowed by ruleset", 0, 0, 2, 1},
		{"host unreachable", 0, 0, 4, 3},
		{"connection refused", 2, 0, 5, 3},
	} {
		t.Run(tc.text, func(t *testing.T) {
			t.Parallel()
			for _, op := range []*operation.Operation{reading, creating, consuming} {
				address, connections := socks(t, tc.method, tc.password, tc.reply)
				if strings.HasPrefix(tc.text, "invalid") {
					address.User = url.UserPassword("ann", strings.Repeat("s3cret", 50))
				}
				next := &http.Transport{Proxy: http.ProxyURL(address)}
				_, err := newTransport(t, next, quickly).Send(t.Context(), Request{Operation: op, URL: "http://apono.test/"})
				require.ErrorContains(t, err, tc.text)
				assert.NotContains(t, err.Error(), "s3cret")
				assert.Equal(t, tc.attempts, connections.Load())
				assert.EqualValues(t, tc.attempts, failure(t, err).Attempts)
				assert.False(t, failure(t, err).MaybeSent)
			}
		})
	}
}

// lingering is a listener whose connections accept writes after Close, so that the
// client receives the alert and not a reset.
type lingering struct{ net.Listener }

func (l lingering) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		return lingeringConn{tcp}, err
	}
	return conn, err
}

type lingeringConn struct{ *net.TCPConn }

func (c lingeringConn) Close() error {
	go func() {
		_ = c.CloseWrite()
		_, _ = io.Copy(io.Discard, c.TCPConn)
		_ = c.TCPConn.Close()
	}()
	return nil
}

// A server that rejects the client's certificate or TLS version rejects retries too,
// and does not process the request. With TLS 1.3 the client has sent the request
// before it receives the alert.
func TestAlertsAreNotRetried(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(server, client *tls.Config){
		"no client certificate, TLS 1.3": func(server, _ *tls.Config) { server.ClientAuth = tls.RequireAnyClientCert },
		"no client certificate, TLS 1.2": func(server, _ *tls.Config) {
			server.ClientAuth, server.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		},
		"no version in common": func(server, client *tls.Config) {
			server.MinVersion, client.MaxVersion = tls.VersionTLS13, tls.VersionTLS12
		},
	} {
		for _, h2 := range []bool{false, true} {
			for _, op := range []string{"create", "consume", "read"} {
				t.Run(name+" "+map[bool]string{false: "HTTP/1.1", true: "HTTP/2"}[h2]+" "+op, func(t *testing.T) {
					t.Parallel()
					server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") }))
					server.EnableHTTP2, server.TLS = h2, &tls.Config{MinVersion: tls.VersionTLS12}
					client := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true} //nolint:gosec // a test's
					change(server.TLS, client)
					var connections atomic.Int32
					server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
						if state == http.StateNew {
							connections.Add(1)
						}
					}
					server.Config.ErrorLog = quiet
					server.Listener = lingering{server.Listener}
					server.StartTLS()
					t.Cleanup(server.Close)
					next := &http.Transport{TLSClientConfig: client, ForceAttemptHTTP2: h2}
					transport := newTransport(t, next, func(config *Config) { config.Policy.MinWait, config.Policy.MaxWait = 1, 1 })
					req := map[string]Request{"read": {Operation: reading}, "create": {Operation: creating, Body: []byte("{}")}, "consume": {Operation: consuming}}[op]
					req.URL = server.URL
					_, err := transport.Send(t.Context(), req)
					assert.False(t, failure(t, err).MaybeSent)
					if h2 && strings.HasPrefix(name, "no client") {
						return // net/http may see the connection end before its first request, which is retried
					}
					require.ErrorContains(t, err, "remote error: tls: ")
					assert.Equal(t, 1, failure(t, err).Attempts)
					assert.EqualValues(t, 1, connections.Load())
				})
			}
		}
	}
}

// names returns a resolver that resolves every name to two addresses.
func names(first, second [4]byte) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer func() { _ = server.Close() }()
			size := make([]byte, 2)
			if _, err := io.ReadFull(server, size); err != nil {
				return
			}
			query := make([]byte, binary.BigEndian.Uint16(size))
			if _, err := io.ReadFull(server, query); err != nil {
				return
			}
			if len(query) < 17 {
				return
			}
			end := 12 + bytes.IndexByte(query[12:], 0) + 5 // of the question
			response := bytes.Clone(query[:end])
			response[2] |= 0x80 // a response
			clear(response[6:12])
			if query[end-3] == 1 { // type A
				response[7] = 2 // answers
				for _, address := range [][4]byte{first, second} {
					// The name of the question, type A, class IN, TTL 0, four bytes.
					response = append(response, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
					response = append(response, address[:]...)
				}
			}
			_, _ = server.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(response))), response...)) //nolint:gosec // short
		}()
		return client, nil
	}}
}

// If the first address of a host is dead, the second is tried in the same attempt.
func TestDeadFirstAddressLeavesTimeForSecond(t *testing.T) {
	t.Parallel()
	for timeout, most := range map[time.Duration]time.Duration{30 * time.Second: 5 * time.Second, 6 * time.Second: 2 * time.Second, 0: 5 * time.Second} {
		for name, op := range map[string]*operation.Operation{"read": reading, "consume": consuming} {
			t.Run(timeout.String()+" "+name, func(t *testing.T) {
				t.Parallel()
				server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
				t.Cleanup(server.Close)
				_, port, err := net.SplitHostPort(server.Listener.Addr().String())
				require.NoError(t, err)
				_, err = names([4]byte{127, 0, 0, 1}, [4]byte{127, 0, 0, 1}).LookupHost(t.Context(), "one.apono.test")
				require.NoError(t, err, "package net must be initialized outside the bubble")
				synctest.Test(t, func(t *testing.T) {
					dialer := &net.Dialer{Resolver: names([4]byte{127, 0, 0, 99}, [4]byte{127, 0, 0, 1})}
					dialer.ControlContext = func(ctx context.Context, _, address string, _ syscall.RawConn) error {
						if strings.HasPrefix(address, "127.0.0.99:") {
							<-ctx.Done()
							return ctx.Err()
						}
						return nil
					}
					next := &http.Transport{DialContext: dialer.DialContext}
					Tune(next)
					defer next.CloseIdleConnections()
					started := time.Now()
					resp, err := newTransport(t, next).Send(t.Context(), Request{Operation: op, URL: "http://two.apono.test:" + port, Timeout: &timeout})
					require.NoError(t, err)
					assert.Equal(t, 1, resp.Attempts)
					assert.Equal(t, most, time.Since(started))
				})
			})
		}
	}
}

func TestTune(t *testing.T) {
	t.Parallel()
	next := http.DefaultTransport.(*http.Transport).Clone()
	Tune(next)
	assert.Equal(t, 30*time.Second, next.IdleConnTimeout, "must be less than the 60 s of servers and load balancers")
	assert.Equal(t, 10*time.Second, next.HTTP2.SendPingTimeout)
	assert.Equal(t, 10*time.Second, next.HTTP2.PingTimeout)
	assert.Equal(t, 100, next.MaxIdleConnsPerHost)
	assert.Zero(t, next.MaxIdleConns)
	assert.True(t, next.ForceAttemptHTTP2)
}

// pipes is an HTTP/2 server over connections in memory. Its first connection
// responds once and is dead afterwards: it stays open, but nothing more is received
// on it, not even the response to a ping.
func pipes() (dial func(context.Context, string, string) (net.Conn, error), server *frames.Server) {
	server = frames.InMemory(func(c *frames.Conn, stream uint32) {
		c.Respond(stream, 200, "")
		c.Dead = c.Number == 1
	})
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		buffered := bufferedConn{theirs, make(chan []byte, 100)}
		go func() {
			for p := range buffered.out {
				_, _ = theirs.Write(p)
			}
		}()
		go func() {
			defer close(buffered.out)
			server.Serve(buffered)
			_ = theirs.Close()
		}()
		return ours, nil
	}, server
}

// bufferedConn is a connection whose Write does not wait for the reader, unlike that
// of net.Pipe.
type bufferedConn struct {
	net.Conn
	out chan []byte
}

func (c bufferedConn) Write(p []byte) (int, error) {
	c.out <- bytes.Clone(p)
	return len(p), nil
}

// A router may drop a connection without notice. Without pings, every attempt on it
// lasts its whole timeout.
func TestDeadConnectionIsDetectedByPings(t *testing.T) {
	t.Parallel()
	dial, server := pipes()
	synctest.Test(t, func(t *testing.T) {
		next := &http.Transport{
			DialContext: dial, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // a test's
		}
		Tune(next)
		defer next.CloseIdleConnections()
		transport := newTransport(t, next)
		started := time.Now()
		for range 5 {
			resp, err := send(t, transport, reading)
			require.NoError(t, err)
			assert.Equal(t, 200, resp.StatusCode)
		}
		assert.Equal(t, 21*time.Second, time.Since(started), "must be 10 s until the ping, 10 s for it and 1 s before the retry")
		assert.EqualValues(t, 2, server.Connections.Load())
	})
}

// A limit of connections is for the pool. net/http counts a connection of
// NewClientConn when it closes, but not when it opens, and panics.
func TestSeparateConnectionWithMaxConnsPerHost(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 8} {
		for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
			t.Run(fmt.Sprintf("%d %s", limit, name), func(t *testing.T) {
				t.Parallel()
				server, _, requests := counting(t, h2, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
				transport, next := over(t, server)
				next.MaxConnsPerHost = limit
				var group sync.WaitGroup
				for range 16 {
					group.Go(func() {
						for _, op := range []*operation.Operation{consuming, reading, creating, consuming} {
							_, err := transport.Send(t.Context(), Request{Operation: op, URL: server.URL})
							assert.NoError(t, err)
						}
					})
				}
				group.Wait()
				assert.EqualValues(t, 64, requests.Load())
			})
		}
	}
}

// The proxy of a request may depend on all of its URL: NO_PROXY names ports, and a
// loopback address is only recognized in brackets.
func TestSeparateConnectionUsesProxyOfRequest(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://[::1]:8080/api/x?y=z", "http://127.0.0.1:8080/", "https://apono.test/base/x"} {
		for name, req := range map[string]Request{"read": {Operation: reading}, "consume": {Operation: consuming}, "create": {Operation: creating}} {
			var asked []string
			noProxy := errors.New("no proxy for " + name)
			next := &http.Transport{Proxy: func(req *http.Request) (*url.URL, error) {
				asked = append(asked, req.Method+" "+req.URL.String())
				return nil, noProxy
			}}
			req.URL, req.Once = address, true
			_, err := newTransport(t, next).Send(t.Context(), req)
			require.ErrorIs(t, err, noProxy)
			assert.Equal(t, []string{req.Operation.Method + " " + address}, slices.Compact(asked))
		}
	}
}

// The proxy that the transport names for a request receives it.
func TestSeparateConnectionGoesThroughProxy(t *testing.T) {
	t.Parallel()
	var received atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { received.Store(r.RequestURI) }))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	next := &http.Transport{Proxy: func(req *http.Request) (*url.URL, error) {
		if req.URL.Host == "[::1]:8080" {
			return address, nil
		}
		return nil, errReset
	}}
	t.Cleanup(next.CloseIdleConnections)
	_, err = newTransport(t, next).Send(t.Context(), Request{Operation: consuming, URL: "http://[::1]:8080/api/x", Once: true})
	require.NoError(t, err)
	assert.Equal(t, "http://[::1]:8080/api/x", received.Load())
}

// A transport that golang.org/x/net/http2 has configured has an HTTP/2 of its own,
// which may have no separate connections.
func TestSeparateConnectionWithOtherHTTP2(t *testing.T) {
	t.Parallel()
	server, connections, _ := counting(t, true, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, 2, r.ProtoMajor)
		_, _ = io.WriteString(w, "{}")
	})
	transport, next := over(t, server)
	next.TLSClientConfig.NextProtos = []string{"h2", "http/1.1"}
	next.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{"h2": func(string, *tls.Conn) http.RoundTripper {
		t.Error("the connection was added to a pool")
		return server.Client().Transport
	}}
	_, err := transport.Send(t.Context(), Request{Operation: consuming, URL: server.URL})
	require.NoError(t, err)
	assert.EqualValues(t, 1, connections.Load())
}

// The Fetch API of browsers has no connections of its own. A request goes through it
// unless the transport dials.
func TestFetchIsUsedInBrowsers(t *testing.T) {
	t.Parallel()
	dial := func(context.Context, string, string) (net.Conn, error) { return nil, errReset }
	assert.True(t, usesFetch("js", &http.Transport{}))
	assert.False(t, usesFetch("js", &http.Transport{DialContext: dial}))
	assert.False(t, usesFetch("js", &http.Transport{DialTLSContext: dial}))
	assert.False(t, usesFetch("linux", &http.Transport{}))
}
