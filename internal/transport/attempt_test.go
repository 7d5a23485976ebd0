package transport

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
	"time"

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

// closing is a body that records whether it was closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

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

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }
