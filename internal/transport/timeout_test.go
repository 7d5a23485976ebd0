package transport

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dripping responds after the duration header, with a body of the given size and
// rate.
func dripping(header time.Duration, size, bytesPerSecond int) roundTripFunc {
	return func(req *http.Request) (*http.Response, error) {
		if err := sleep(req.Context(), header); err != nil {
			return nil, err
		}
		reader, writer := io.Pipe()
		go func() {
			for left := size; left > 0; left -= bytesPerSecond {
				if err := sleep(req.Context(), time.Second); err != nil {
					_ = writer.CloseWithError(err)
					return
				}
				_, _ = writer.Write(bytes.Repeat([]byte("x"), min(left, bytesPerSecond)))
			}
			_ = writer.Close()
		}()
		return &http.Response{StatusCode: 200, Body: reader, ContentLength: -1}, nil
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A large page over a slow connection must be received. A body that stalls must end in
// an error that contains the number of bytes received.
func TestTimeoutIsExtendedByBody(t *testing.T) {
	t.Parallel()
	const second = time.Second
	stalling := func(size int) roundTripFunc { // all at once, and then silence
		return func(req *http.Request) (*http.Response, error) {
			reader, writer := io.Pipe()
			context.AfterFunc(req.Context(), func() { _ = writer.CloseWithError(req.Context().Err()) })
			go func() { _, _ = writer.Write(bytes.Repeat([]byte("x"), size)) }()
			return &http.Response{StatusCode: 200, Body: reader, ContentLength: -1}, nil
		}
	}
	const raise = ": raise WithAttemptTimeout for a slow server"
	const raiseClient = ": raise the Timeout of the http.Client for a slow server"
	for _, tc := range []struct {
		name       string
		timeout    time.Duration
		next       roundTripFunc
		took       time.Duration
		text       string // empty for success
		clientTime time.Duration
	}{
		{"in one part", 10 * second, dripping(0, 1000, 1000), second, "", 0},
		{"large and slow", 10 * second, dripping(9*second, 80, 1), 89 * second, "", 0},
		{"header just before the timeout", 10 * second, dripping(10*second-1, 1000, 1000), 11*second - 1, "", 0},
		{"no header", 10 * second, dripping(11*second, 1, 1), 10 * second, "no response within 10 s" + raise, 0},
		{"stalled", 2 * second, stalling(1_200_000), 2 * second, "only 1200000 bytes of the body within 2 s" + raise, 0},
		{"stalled at the start", 2500 * time.Millisecond, stalling(0), 2500 * time.Millisecond, "only 0 bytes of the body within 2.5 s" + raise, 0},
		{"longer than ten timeouts", 10 * second, dripping(second/2, 1000, 1), 100 * second, "only 99 bytes of the body within 100 s" + raise, 0},
		{"no timeout", 0, dripping(time.Hour, 1000, 1), time.Hour + 1000*second, "", 0},
		{"http.Client.Timeout before the header", 10 * second, dripping(time.Hour, 1, 1), 5 * second, "no response within 5 s" + raiseClient, 5 * second},
		{"http.Client.Timeout in the body", 10 * second, dripping(0, 80, 4), 4500 * time.Millisecond, "only 16 bytes of the body within 4.5 s" + raiseClient, 4500 * time.Millisecond},
		{"http.Client.Timeout only", 0, dripping(time.Hour, 1, 1), 5 * second, "no response within 5 s" + raiseClient, 5 * second},
		{"longer http.Client.Timeout", 10 * second, dripping(time.Hour, 1, 1), 10 * second, "no response within 10 s" + raise, time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := newTransport(t, tc.next, func(config *Config) {
					config.AttemptTimeout, config.HTTPClient.Timeout, config.MaxBytes = tc.timeout, tc.clientTime, 2_000_000
				})
				started := time.Now()
				resp, err := send(t, transport, creating)
				assert.Equal(t, tc.took, time.Since(started))
				if err == nil {
					err = resp.ReadErr
				}
				if tc.text == "" {
					require.NoError(t, err)
					return
				}
				require.EqualError(t, err, tc.text)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				var timeout net.Error
				require.ErrorAs(t, err, &timeout)
				assert.True(t, timeout.Timeout())
			})
		})
	}
}

// Middleware that applies the deadline of the context would end bodies too early.
func TestMiddlewareSeesNoDeadline(t *testing.T) {
	t.Parallel()
	next := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		_, ok := req.Context().Deadline()
		assert.False(t, ok)
		return &http.Response{StatusCode: 200}, nil
	})
	_, err := send(t, newTransport(t, next), reading)
	require.NoError(t, err)
}

// A response that switches protocols has no body, but a connection, which neither the
// timeout nor the end of the context closes.
func TestSwitchingProtocolsHasNoBody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = conn.Read(make([]byte, 1)) // until the client closes the connection
	}))
	t.Cleanup(server.Close)
	for name, op := range map[string]*operation.Operation{"read": reading, "create": creating, "consume": consuming} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := newTransport(t, server.Client().Transport, func(config *Config) { config.AttemptTimeout = 0 })
			resp, err := transport.Send(t.Context(), Request{Operation: op, URL: server.URL})
			require.NoError(t, err)
			assert.Equal(t, 101, resp.StatusCode)
			assert.Empty(t, resp.Body)
		})
	}
}
