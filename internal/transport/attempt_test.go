package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The limiter comes first, so that the token is current when the request is sent.
// Each attempt calls both again, because both depend on the time.
func TestAttemptCallsLimiterThenToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var order []string
		requests := 0
		next := roundTripFunc(func(*http.Request) (*http.Response, error) {
			order = append(order, "request")
			requests++
			return &http.Response{StatusCode: map[int]int{1: 503, 2: 200}[requests]}, nil
		})
		transport := newTransport(t, next, func(config *Config) {
			config.Limiter = limiterFunc(func(context.Context) error { order = append(order, "limiter"); return nil })
			config.Token = func(context.Context) (string, error) { order = append(order, "token"); return testToken, nil }
		})
		_, err := send(t, transport, reading)
		require.NoError(t, err)
		assert.Equal(t, []string{"limiter", "token", "request", "limiter", "token", "request"}, order)
	})
}

// An error of the limiter or the token source ends the call before the first
// attempt.
func TestErrorOfLimiterOrTokenEndsCall(t *testing.T) {
	t.Parallel()
	broken := errors.New("vault is sealed")
	for name, tc := range map[string]struct {
		change func(*Config)
		text   string
	}{
		"limiter": {func(config *Config) {
			config.Limiter = limiterFunc(func(context.Context) error { return broken })
		}, "waiting for the limiter: vault is sealed"},
		"token": {func(config *Config) {
			config.Token = func(context.Context) (string, error) { return "", broken }
		}, "getting a token: vault is sealed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := send(t, newTransport(t, script.New(t), tc.change), reading)
			require.ErrorIs(t, err, broken)
			require.EqualError(t, err, tc.text)
			assert.Equal(t, 0, failure(t, err).Attempts)
			assert.False(t, failure(t, err).MaybeSent)
		})
	}
}

// The timeout starts after the limiter and the token source have returned. It
// covers reading the body.
func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	stalled := func(req *http.Request) (*http.Response, error) {
		reader, writer := io.Pipe()
		context.AfterFunc(req.Context(), func() { _ = writer.CloseWithError(req.Context().Err()) })
		return &http.Response{StatusCode: 200, Body: reader, ContentLength: -1}, nil
	}
	silent := func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	const advice = " within 5 s: raise WithAttemptTimeout for a slow server"
	for text, next := range map[string]roundTripFunc{"no response" + advice: silent, "only 0 bytes of the body" + advice: stalled} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := newTransport(t, next, func(config *Config) {
					config.AttemptTimeout = 5 * time.Second
					config.Limiter = limiterFunc(func(context.Context) error { time.Sleep(time.Hour); return nil })
					config.Token = func(context.Context) (string, error) { time.Sleep(time.Hour); return testToken, nil }
				})
				started := time.Now()
				resp, err := send(t, transport, creating)
				assert.Equal(t, 2*time.Hour+5*time.Second, time.Since(started))
				if resp != nil {
					err = resp.ReadErr
				}
				require.EqualError(t, err, text)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				var timeout net.Error
				require.ErrorAs(t, err, &timeout)
				assert.True(t, timeout.Timeout())
			})
		})
	}
}

// tokens is a token source that records the rejected token for which each is asked.
type tokens struct{ rejected []string }

func (s *tokens) next(ctx context.Context) (string, error) {
	s.rejected = append(s.rejected, RejectedToken(ctx))
	return fmt.Sprintf("token-%d", len(s.rejected)), nil
}

// The token source is notified of a rejection once. A second notification would
// make it discard a token that was accepted.
func TestTokenRejectedIsReportedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var source tokens
		fake := script.New(t, script.Response{Status: 401}, script.Response{Status: 503}, script.Response{Status: 401})
		started := time.Now()
		transport := newTransport(t, fake, func(config *Config) { config.Token, config.Renewable = source.next, true })
		resp, err := send(t, transport, reading)
		require.NoError(t, err)
		assert.Equal(t, 401, resp.StatusCode)
		assert.Equal(t, []string{"", "token-1", ""}, source.rejected)
		assert.Equal(t, "Bearer token-2", fake.Requests()[1].Header.Get("Authorization"))
		assert.Equal(t, started, fake.Requests()[1].At, "the call waited before the renewal")
	})
}

// closing is a body that records whether it was closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// Transports written by users may not follow the rules of http.RoundTripper.
func TestInvalidTransports(t *testing.T) {
	t.Parallel()
	t.Run("neither response nor error", func(t *testing.T) {
		t.Parallel()
		_, err := send(t, newTransport(t, roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, nil })), creating)
		require.EqualError(t, err, "the transport returned neither a response nor an error")
		assert.True(t, failure(t, err).MaybeSent)
	})
	t.Run("response and error", func(t *testing.T) {
		t.Parallel()
		body := &closing{Reader: strings.NewReader("{}")}
		_, err := send(t, newTransport(t, roundTripFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: body}, errReset
		})), creating)
		require.ErrorIs(t, err, errReset)
		assert.True(t, body.closed)
	})
	t.Run("no body", func(t *testing.T) {
		t.Parallel()
		resp, err := send(t, newTransport(t, roundTripFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 404}, nil
		})), creating)
		require.NoError(t, err)
		assert.Equal(t, 404, resp.StatusCode)
		assert.Empty(t, resp.Body)
	})
	t.Run("reused response", func(t *testing.T) {
		t.Parallel()
		same := &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("{}"))}
		before := same.Body
		_, err := send(t, newTransport(t, roundTripFunc(func(*http.Request) (*http.Response, error) { return same, nil })), creating)
		require.NoError(t, err)
		assert.Equal(t, before, same.Body)
	})
}

func TestBodyIsReadAndClosed(t *testing.T) {
	t.Parallel()
	for name, reader := range map[string]io.Reader{
		"whole": strings.NewReader("{}"), "broken": io.MultiReader(strings.NewReader("{"), errReader{errReset}), "too large": strings.NewReader("{      }"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := &closing{Reader: reader}
			next := roundTripFunc(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Body: body, ContentLength: -1}, nil
			})
			_, err := send(t, newTransport(t, next, func(config *Config) { config.MaxBytes = 5 }), creating)
			require.NoError(t, err)
			assert.True(t, body.closed)
		})
	}
}

// Errors are often logged. Those of an http.Client in middleware contain the whole
// URL, and net/http quotes malformed responses.
func TestErrorsContainNeitherURLNorToken(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&url.Error{Op: "Get", URL: "https://apono.test/secret", Err: errReset},
		fmt.Errorf("middleware: %w", &url.Error{Op: "Get", URL: "https://apono.test/secret", Err: &url.Error{Op: "Get", URL: "secret", Err: errReset}}),
		fmt.Errorf("malformed response %q", "Bearer "+testToken),
	} {
		_, got := send(t, newTransport(t, roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, err })), creating)
		assert.NotContains(t, got.Error(), "secret")
		assert.NotContains(t, got.Error(), testToken)
		assert.NotEmpty(t, got.Error())
	}
}

// A transport without a connection has sent nothing, whatever its error. This is
// traced only for operations that change something.
func TestNothingIsSentWithoutConnection(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		op       *operation.Operation
		got      bool
		attempts int
		sent     bool
	}{
		"create without a connection":      {creating, false, 3, false},
		"create with a connection":         {creating, true, 1, true},
		"delete without a connection":      {deleting, false, 3, false},
		"credentials without a connection": {consuming, false, 3, false},
		"credentials with a connection":    {consuming, true, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				next := roundTripFunc(func(req *http.Request) (*http.Response, error) {
					trace := httptrace.ContextClientTrace(req.Context())
					if trace == nil {
						t.Error("the request has no ClientTrace")
						return nil, io.EOF
					}
					trace.GetConn("apono.test:443")
					if tc.got {
						trace.GotConn(httptrace.GotConnInfo{})
					}
					return nil, io.EOF
				})
				_, err := send(t, newTransport(t, next), tc.op)
				assert.Equal(t, tc.attempts, failure(t, err).Attempts)
				assert.Equal(t, tc.sent, failure(t, err).MaybeSent)
			})
		})
	}
}

// A consuming read is retried if the connection fails before the request is written.
func TestFailedHandshakeIsRetried(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	var connections atomic.Int32
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_ = conn.Close()
		}
	}()
	transport := newTransport(t, &http.Transport{}, func(config *Config) { config.Policy.MinWait, config.Policy.MaxWait = 1, 1 })
	_, err = transport.Send(t.Context(), Request{Operation: consuming, URL: "https://" + listener.Addr().String()})
	assert.False(t, failure(t, err).MaybeSent)
	assert.EqualValues(t, 3, connections.Load())
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }
