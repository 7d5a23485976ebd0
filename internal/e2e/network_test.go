package e2e_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/hostile"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dial returns a client of a server that listens on loopback.
func dial(t *testing.T, address string, opts ...apono.Option) *apono.Client {
	t.Helper()
	transport := &http.Transport{DialContext: hostile.Dial}
	t.Cleanup(transport.CloseIdleConnections)
	opts = append([]apono.Option{apono.WithBaseURL(address), apono.WithHTTPClient(&http.Client{Transport: transport}), apitest.Quickly}, opts...)
	client, err := apono.NewClient(apitest.Token, opts...)
	require.NoError(t, err)
	return client
}

// serve starts a server and counts its requests. The handler gets the number of
// the request, from 1.
func serve(t *testing.T, handler func(w http.ResponseWriter, r *http.Request, n int32)) (address string, requests *atomic.Int32) {
	t.Helper()
	requests = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(w, r, requests.Add(1))
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

// listen starts a server that calls handle for each connection and counts them.
func listen(t *testing.T, handle func(conn net.Conn, n int32)) (address string, connections *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	connections = new(atomic.Int32)
	var group sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		group.Wait()
	})
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			n := connections.Add(1)
			group.Go(func() {
				defer func() { _ = conn.Close() }()
				handle(conn, n)
			})
		}
	})
	return listener.Addr().String(), connections
}

// hangUp closes the connection of a request without a response.
func hangUp(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// Following redirects, net/http would change a DELETE into a GET, and send the token
// to another port or over plain HTTP.
func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	trap, trapped := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int32) {
		_, _ = io.WriteString(w, apitest.OneIntegration)
	})
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { trapped.Add(1) }))
	t.Cleanup(secure.Close)
	t.Cleanup(func() {
		n := trapped.Load()
		assert.Zerof(t, n, "%d requests reached the target of a redirect", n)
	})
	for name, location := range map[string]string{
		"nowhere":                 "",
		"a path of the same host": "/api/admin/v4/integrations/i-2",
		"another port":            trap + "/api/admin/v4/integrations/i-1",
		"another host":            strings.Replace(trap, "127.0.0.1", "localhost", 1),
		"another scheme":          secure.URL,
		"no scheme":               strings.TrimPrefix(trap, "http:"),
		"a malformed address":     "https://[::1",
		"broken escaping":         "/%zz",
		"a scheme without host":   "javascript:alert(1)",
	} {
		for _, status := range []int{300, 301, 302, 303, 307, 308} {
			for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPost} {
				t.Run(fmt.Sprintf("%d from %s to %s", status, method, name), func(t *testing.T) {
					t.Parallel()
					address, requests := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int32) {
						if location != "" {
							w.Header().Set("Location", location)
						}
						w.WriteHeader(status)
					})
					err := apitest.CallWith(t.Context(), method, dial(t, address))
					apitest.IsAPIError(t, err, status, 1)
					require.Equal(t, location, apitest.ErrorAs[*apono.APIError](t, err).Header.Get("Location"))
					require.EqualValues(t, 1, requests.Load())
				})
			}
		}
	}
}

// compressed returns text compressed with gzip.
func compressed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	writer := gzip.NewWriter(&b)
	_, err := io.WriteString(writer, text)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	return b.Bytes()
}

func TestGzipIsAccepted(t *testing.T) {
	t.Parallel()
	body := compressed(t, apitest.OneIntegration)
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request, _ int32) {
		if r.Header.Get("Accept-Encoding") == "gzip" {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(body)
		}
	})
	require.NoError(t, apitest.GetIntegration(t.Context(), dial(t, address)))
}

// The limit protects a program from a server that sends without end. A retry would
// give the same result.
func TestBodyAboveTheLimit(t *testing.T) {
	t.Parallel()
	large := `"` + strings.Repeat("x", 1<<20) + `"`
	bomb := compressed(t, large)
	for name, write := range map[string]func(w http.ResponseWriter){
		"with a length": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", fmt.Sprint(len(large)))
			_, _ = io.WriteString(w, large)
		},
		"in chunks": func(w http.ResponseWriter) {
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, large)
		},
		"compressed": func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb)
		},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(name+" to "+method, func(t *testing.T) {
				t.Parallel()
				address, requests := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int32) { write(w) })
				err := apitest.CallWith(t.Context(), method, dial(t, address, apono.WithMaxResponseBytes(2000)))
				require.ErrorIs(t, err, apono.ErrResponseTooLarge)
				require.Len(t, apitest.ErrorAs[*apono.DecodeError](t, err).Body, 2000)
				require.EqualValues(t, 1, requests.Load())
			})
		}
	}
}

// A rejection with a body above the limit is still an APIError.
func TestAPIErrorAboveTheLimit(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Status: 503, Body: strings.Repeat("x", 3000)})
	err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithMaxResponseBytes(2000)))
	apitest.IsAPIError(t, err, 503, 1)
	require.Len(t, apitest.ErrorAs[*apono.APIError](t, err).Body, 2000)
}

// A failed call must not close the idle connections of other calls.
func TestFailedCallKeepsOtherConnections(t *testing.T) {
	t.Parallel()
	const others = 5
	var arrived sync.WaitGroup
	arrived.Add(others)
	var connections, failing atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/failing"):
			failing.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
		case strings.HasSuffix(r.URL.Path, "/broken"):
			failing.Add(1)
			hangUp(w, r)
		default:
			arrived.Done()
			arrived.Wait() // so that each call needs a connection
			_, _ = io.WriteString(w, apitest.OneIntegration)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	transport := &http.Transport{MaxIdleConnsPerHost: 2 * others}
	t.Cleanup(transport.CloseIdleConnections)
	client := dial(t, server.URL, apono.WithHTTPClient(&http.Client{Transport: transport}))
	together := func() {
		var group sync.WaitGroup
		for range others {
			group.Go(func() {
				assert.NoError(t, apitest.GetIntegration(t.Context(), client))
			})
		}
		group.Wait()
		arrived.Add(others)
	}

	together()
	require.EqualValues(t, others, connections.Load())
	_, err := client.Integrations.Get(t.Context(), "failing")
	apitest.IsAPIError(t, err, 503, 3)
	together()
	require.EqualValues(t, others, connections.Load())
	// Each attempt breaks one connection.
	err = client.Integrations.Delete(t.Context(), "broken")
	require.Equal(t, 3, apitest.ErrorAs[*apono.TransportError](t, err).Attempts)
	together()
	require.EqualValues(t, 6, failing.Load())
	require.LessOrEqual(t, connections.Load(), int32(others+3), "at most three new connections")
}

// closing counts the bodies that a transport returned and those not yet closed.
type closing struct {
	next        http.RoundTripper
	given, open atomic.Int32
}

type closeCounter struct {
	io.ReadCloser
	once func()
}

func (c closeCounter) Close() error {
	c.once()
	return c.ReadCloser.Close()
}

func (c *closing) CloseIdleConnections() { (&http.Client{Transport: c.next}).CloseIdleConnections() }

func (c *closing) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	if resp != nil && resp.Body != nil {
		c.given.Add(1)
		c.open.Add(1)
		resp.Body = closeCounter{resp.Body, sync.OnceFunc(func() { c.open.Add(-1) })}
	}
	return resp, err
}

// A body that is not closed leaks its connection.
func TestBodiesAreClosed(t *testing.T) {
	t.Parallel()
	ok := script.Response{Body: apitest.OneIntegration}
	for name, responses := range map[string][]script.Response{
		"success":            {ok},
		"rejection":          {{Status: 404, Body: "not here"}},
		"retry":              {{Status: 503, Body: "down"}, {Status: 429, Body: "slow down"}, ok},
		"cut":                {{Body: "{", BodyErr: io.ErrUnexpectedEOF}, ok},
		"too large":          {{Body: strings.Repeat("x", 3000)}},
		"redirect":           {{Status: 302, Header: map[string]string{"Location": "/elsewhere"}, Body: "moved"}},
		"malformed redirect": {{Status: 302, Header: map[string]string{"Location": "https://[::1"}, Body: "moved"}},
		"not JSON":           {{Body: "<html>"}},
		"no content":         {{Status: 204}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			counting := &closing{next: script.New(t, responses...)}
			client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithHTTPClient(&http.Client{Transport: counting}), apono.WithMaxResponseBytes(2000), apitest.Quickly)
			_ = apitest.GetIntegration(t.Context(), client)
			require.Equal(t, int32(len(responses)), counting.given.Load())
			require.Zero(t, counting.open.Load())
		})
	}
}

// Middleware and stubs written by users may not follow the rules of
// http.RoundTripper. They must not crash the program or count as a response.
func TestInvalidTransports(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		respond func(req *http.Request) (*http.Response, error)
		check   func(t *testing.T, err error)
	}{
		{"neither response nor error", func(*http.Request) (*http.Response, error) { return nil, nil }, func(t *testing.T, err error) {
			failure := apitest.ErrorAs[*apono.TransportError](t, err)
			require.ErrorContains(t, failure, "neither a response nor an error")
			require.True(t, failure.MaybeSent)
		}},
		{"response and error", func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(apitest.OneIntegration)), Request: req}, apitest.ErrReset
		}, func(t *testing.T, err error) {
			require.ErrorIs(t, err, apitest.ErrReset)
		}},
		{"body shorter than its length", func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(apitest.OneIntegration)), ContentLength: 1000, Request: req}, nil
		}, func(t *testing.T, err error) {
			require.ErrorIs(t, apitest.ErrorAs[*apono.DecodeError](t, err), io.ErrUnexpectedEOF)
		}},
		{"no header", func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 404, Body: http.NoBody, Request: req}, nil
		}, func(t *testing.T, err error) {
			apitest.IsAPIError(t, err, 404, 1)
		}},
		{"no body", func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 404, Header: http.Header{}, Request: req}, nil
		}, func(t *testing.T, err error) {
			apitest.IsAPIError(t, err, 404, 1)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				r := recover()
				require.Nilf(t, r, "panic: %v", r)
			}()
			counting := &closing{next: apitest.RoundTripFunc(tc.respond)}
			client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithHTTPClient(&http.Client{Transport: counting}))
			tc.check(t, apitest.CallWith(t.Context(), http.MethodPost, client))
			require.Zero(t, counting.open.Load())
		})
	}
}

// A stub may return the same response for all requests.
func TestResponseOfTransportIsNotModified(t *testing.T) {
	t.Parallel()
	same := &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(apitest.OneIntegration))}
	body := same.Body
	stub := apitest.RoundTripFunc(func(*http.Request) (*http.Response, error) { return same, nil })
	client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithHTTPClient(&http.Client{Transport: stub}))
	require.NoError(t, apitest.GetIntegration(t.Context(), client))
	require.Equal(t, body, same.Body)
}

// Every attempt has the same body and Content-Type, also for DELETE.
func TestBodyIsTheSameOnEveryAttempt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		method string
		status int
	}{
		{http.MethodDelete, 503},
		{http.MethodPut, 503},
		{http.MethodPost, 429},
		{http.MethodPatch, 429},
	} {
		t.Run(tc.method, func(t *testing.T) {
			t.Parallel()
			var seen []string
			address, _ := serve(t, func(w http.ResponseWriter, r *http.Request, n int32) {
				body, _ := io.ReadAll(r.Body)
				seen = append(seen, fmt.Sprintf("%s %s %d %s", r.Method, r.Header.Get("Content-Type"), r.ContentLength, body))
				if n < 3 {
					w.WriteHeader(tc.status)
				}
			})
			in := []map[string]any{{"email": "ann@example.com", "attribute_types": []string{"<team>"}}}
			require.NoError(t, dial(t, address).Do(t.Context(), tc.method, "/api/v2/bulk/identities/attributes", nil, in, nil))
			want := tc.method + ` application/json 58 [{"attribute_types":["<team>"],"email":"ann@example.com"}]`
			require.Equal(t, []string{want, want, want}, seen)
		})
	}
}

// A failed verification of the server is not retried, and no request is sent.
func TestUntrustedServerIsNotRetried(t *testing.T) {
	t.Parallel()
	quiet := log.New(io.Discard, "", 0)
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	plain := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog, plain.Config.ErrorLog = quiet, quiet
	untrusted.StartTLS()
	plain.Start()
	t.Cleanup(untrusted.Close)
	t.Cleanup(plain.Close)
	for name, address := range map[string]string{
		"unknown authority": untrusted.URL,
		"no TLS":            strings.Replace(plain.URL, "http://", "https://", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := apitest.GetIntegration(t.Context(), dial(t, address))
			require.Equal(t, 1, apitest.ErrorAs[*apono.TransportError](t, err).Attempts)
		})
	}
}

// If the TLS handshake fails, nothing was sent. The call is retried whatever its
// method, and MaybeSent is false.
func TestFailedHandshakeIsRetried(t *testing.T) {
	t.Parallel()
	for _, v := range verbs {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			address, connections := listen(t, func(conn net.Conn, _ int32) { _, _ = conn.Read(make([]byte, 1)) })
			err := v.call(t.Context(), dial(t, "https://"+address))
			failure := apitest.ErrorAs[*apono.TransportError](t, err)
			require.EqualValues(t, 3, connections.Load())
			require.Equal(t, 3, failure.Attempts)
			require.False(t, failure.MaybeSent)
		})
	}
}

// A transport may return a url.Error, whose text contains the URL with IDs and filters,
// and net/http quotes malformed responses, which may echo the token.
func TestTransportErrorContainsNoURL(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(address string) error{
		"URL": func(address string) error { return &url.Error{Op: "Get", URL: address, Err: apitest.ErrReset} },
		"URL in the error of middleware": func(address string) error {
			return fmt.Errorf("middleware: %w", &url.Error{Op: "Get", URL: address, Err: &url.Error{Op: "Get", URL: address, Err: apitest.ErrReset}})
		},
		"token": func(string) error {
			return fmt.Errorf("%w: malformed response %q", apitest.ErrReset, "Bearer "+apitest.Token)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quoting := apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) { return nil, fail(req.URL.String()) })
			client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithHTTPClient(&http.Client{Transport: quoting}))
			_, err := client.Integrations.Get(apono.WithoutRetry(t.Context()), "secret-id")
			require.ErrorContains(t, err, apitest.ErrReset.Error())
			require.NotContains(t, err.Error(), "secret-id")
			require.NotContains(t, err.Error(), apitest.Token)
		})
	}
}

// The connection of a call is closed when its context ends.
func TestContextOfCallEndsItsConnection(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	address, _ := serve(t, func(_ http.ResponseWriter, r *http.Request, _ int32) {
		cancel()
		<-r.Context().Done()
		close(gone)
	})
	require.ErrorIs(t, apitest.GetIntegration(ctx, dial(t, address)), context.Canceled)
	<-gone
}
