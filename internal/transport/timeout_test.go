package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono/internal/apitest/script"
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

// A large page over a slow connection must be received. A body below the lowest rate
// must end in an error that contains the number of bytes received.
func TestTimeoutDependsOnRateOfBody(t *testing.T) {
	t.Parallel()
	const second, kib = time.Second, 1 << 10
	for _, tc := range []struct {
		name       string
		timeout    time.Duration
		next       roundTripFunc
		took       time.Duration
		text       string // empty for success
		clientTime time.Duration
	}{
		{"in one part", 10 * second, dripping(0, kib, kib), second, "", 0},
		{"large and slow", 10 * second, dripping(9*second, 80*kib, 3*kib), 36 * second, "", 0},
		{"large at the lowest rate", 10 * second, dripping(0, 320*kib, 4*kib), 80 * second, "", 0},
		{"header just before the timeout", 10 * second, dripping(10*second-1, kib, kib), 11*second - 1, "", 0},
		{"no header", 10 * second, dripping(11*second, kib, kib), 10 * second, "no response within 10s: raise WithAttemptTimeout for a slow server", 0},
		{"below the lowest rate", 9500 * time.Millisecond, dripping(second, kib, 1), 10500 * time.Millisecond, "only 9 bytes of the body within 10.5s: raise WithAttemptTimeout for a slow server", 0},
		{"longer than ten timeouts", 10 * second, dripping(second/2, 1<<20, 4*kib), 100 * second, "only 405504 bytes of the body within 1m40s: raise WithAttemptTimeout for a slow server", 0},
		{"no timeout", 0, dripping(time.Hour, 2*kib, 1), time.Hour + 2048*second, "", 0},
		{"the longest timeout", math.MaxInt64, dripping(time.Hour, 2*kib, 1), time.Hour + 2048*second, "", 0},
		{"http.Client.Timeout before the header", 10 * second, dripping(time.Hour, 1, 1), 5 * second, "no response within 5s: raise the Timeout of the http.Client", 5 * second},
		{"http.Client.Timeout in the body", 10 * second, dripping(0, 80*kib, 4*kib), 4500 * time.Millisecond, "only 16384 bytes of the body within 4.5s: raise the Timeout of the http.Client", 4500 * time.Millisecond},
		{"http.Client.Timeout only", 0, dripping(time.Hour, 1, 1), 5 * second, "no response within 5s: raise the Timeout of the http.Client", 5 * second},
		{"longer http.Client.Timeout", 10 * second, dripping(time.Hour, 1, 1), 10 * second, "no response within 10s: raise WithAttemptTimeout for a slow server", time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := newTransport(t, tc.next, func(config *Config) {
					config.AttemptTimeout, config.HTTPClient.Timeout = tc.timeout, tc.clientTime
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

// Request.Timeout overrides Config.AttemptTimeout.
func TestTimeoutOfRequest(t *testing.T) {
	t.Parallel()
	for own, want := range map[time.Duration]time.Duration{2 * time.Second: 2 * time.Second, 0: time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			transport := newTransport(t, script.New(t, script.Response{Delay: time.Hour}))
			started := time.Now()
			_, err := transport.Send(t.Context(), Request{Operation: creating, URL: "https://apono.test/", Timeout: &own})
			assert.Equal(t, want, time.Since(started))
			assert.Equal(t, own != 0, errors.Is(err, context.DeadlineExceeded))
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
