package transport

import (
	"context"
	"errors"
	"io"
	"math"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/script"
)

var (
	errReset   = errors.New("connection reset by peer")
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
)

// readOnce sends a read that uses something up.
func readOnce(t *testing.T, address string, next http.RoundTripper) (*Response, error) {
	t.Helper()
	origin, err := url.Parse(address + "/api/user/v1/access-sessions/s-1/access-details")
	check.NoError(t, err)
	transport, err := New(Config{
		HTTPClient:     &http.Client{Transport: next},
		Origin:         origin,
		Token:          func(context.Context) (string, error) { return "token", nil },
		Policy:         Policy{MaxAttempts: 3, MinWait: 1, MaxWait: 1, MaxRetryAfter: time.Minute},
		AttemptTimeout: 30 * time.Second,
		MaxBytes:       1 << 20,
	})
	check.NoError(t, err)
	return transport.Send(t.Context(), Request{
		Operation: operation.Unknown(http.MethodGet, "/api/user/v1/access-sessions/{id}/access-details").Consuming(),
		URL:       origin,
		Header:    http.Header{"Accept": {"application/json"}},
	})
}

// A one-time password is gone once the server has given it out, whether or not
// the answer arrived. A second request would get nothing, or use up another, so
// one is made only when the first cannot have arrived.
func TestReadThatUsesSomethingUpIsRepeatedOnlyWhenUnsent(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		answer   script.Answer
		requests int
	}{
		{"success", script.Answer{Body: "{}"}, 1},
		{"401", script.Answer{Status: 401}, 1},
		{"408", script.Answer{Status: 408}, 1},
		{"425", script.Answer{Status: 425}, 1},
		{"429", script.Answer{Status: 429, Header: map[string]string{"Retry-After": "1"}}, 1},
		{"500", script.Answer{Status: 500}, 1},
		{"503", script.Answer{Status: 503}, 1},
		{"broken connection", script.Answer{Err: errReset}, 1},
		{"attempt timeout", script.Answer{Delay: time.Hour}, 1},
		{"cut body", script.Answer{Body: "{", BodyErr: io.ErrUnexpectedEOF}, 1},
		{"refused connection", script.Answer{Err: errRefused}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, slices.Repeat([]script.Answer{tc.answer}, tc.requests)...)
				resp, err := readOnce(t, "https://apono.test", fake)
				check.Equal(t, len(fake.Requests()), tc.requests)
				if err == nil {
					check.Equal(t, resp.StatusCode, max(tc.answer.Status, 200))
					return
				}
				failure := check.ErrorAs[*Error](t, err)
				check.Equal(t, failure.Attempts, tc.requests)
				check.Equal(t, failure.MaybeSent, tc.requests == 1)
			})
		})
	}
}

// net/http repeats a GET by itself when a kept connection breaks before the
// answer, because most reads do no harm. This one does.
func TestReadThatUsesSomethingUpIsSentOnceOnAKeptConnection(t *testing.T) {
	t.Parallel()
	var requests, connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		check.Equal(t, r.TransferEncoding, nil)
		check.Equal(t, r.Header["Content-Length"], nil)
		if requests.Add(1) == 1 {
			_, _ = io.WriteString(w, "{}")
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	kept := &http.Transport{}
	t.Cleanup(kept.CloseIdleConnections)

	_, err := readOnce(t, server.URL, kept)
	check.NoError(t, err)
	_, err = readOnce(t, server.URL, kept)
	check.Equal(t, check.ErrorAs[*Error](t, err).MaybeSent, true)
	check.Equal(t, connections.Load(), 1)
	check.Equal(t, requests.Load(), 2)
}

// A connection that fails before anything could be written on it is no reason
// to give up: nothing was used up.
func TestReadThatUsesSomethingUpIsRepeatedAfterAFailedHandshake(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check.NoError(t, err)
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
	_, err = readOnce(t, "https://"+listener.Addr().String(), &http.Transport{})
	check.Equal(t, check.ErrorAs[*Error](t, err).MaybeSent, false)
	check.Equal(t, connections.Load(), 3)
}

// Whatever a server writes there, the wait is neither negative nor shorter than
// what was asked for.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{
		"", "0", "7", " 7 ", "007", "-7", "+7", "7.5", "1e3", "0x7", "soon", "9223372036", "9223372037", "9223372036854775807", "18446744073709551615",
		"Sat, 01 Jan 2000 00:00:07 GMT", "Saturday, 01-Jan-00 00:00:07 GMT", "Sat Jan  1 00:00:07 2000", "Fri, 31 Dec 9999 23:59:59 GMT",
		"Mon, 01 Jan 0001 00:00:00 GMT", "٧",
	} {
		f.Add(value, "")
		f.Add(value, "Sat, 01 Jan 2000 00:00:00 GMT")
	}
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value, date string) {
		got := RetryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, now)
		check.True(t, got >= 0, "no negative wait, got %s", got)
		trimmed := strings.TrimSpace(value)
		if trimmed == "" || strings.Trim(trimmed, "0123456789") != "" {
			if _, err := http.ParseTime(trimmed); err != nil {
				check.Equal(t, got, 0)
			}
			return
		}
		seconds, _ := new(big.Int).SetString(trimmed, 10)
		want := seconds.Mul(seconds, big.NewInt(1e9))
		if !want.IsInt64() {
			want.SetInt64(math.MaxInt64)
		}
		check.Equal(t, int64(got), want.Int64())
	})
}
