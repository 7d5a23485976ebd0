package transport

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const testToken = "test-token-8f3a"

var (
	reading   = operation.Unknown(http.MethodGet, "/api/v9/things")
	creating  = operation.Unknown(http.MethodPost, "/api/v9/things")
	deleting  = operation.Unknown(http.MethodDelete, "/api/v9/things/{}")
	consuming = operation.Unknown(http.MethodGet, "/api/v9/things/{}/access-details")

	errReset = errors.New("connection reset by peer")
	errDial  = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
)

// quiet discards the error log of servers in tests.
var quiet = log.New(io.Discard, "", 0)

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// newTransport returns a Transport that sends requests to next and waits 1 s between
// attempts.
func newTransport(t *testing.T, next http.RoundTripper, change ...func(*Config)) *Transport {
	t.Helper()
	config := Config{
		HTTPClient:     &http.Client{Transport: next},
		Origin:         &url.URL{Scheme: "https", Host: "apono.test"},
		Header:         http.Header{"Accept": {"application/json"}, "User-Agent": {"test/1"}},
		Token:          func(context.Context) (string, error) { return testToken, nil },
		Policy:         Policy{MaxAttempts: 3, MinWait: time.Second, MaxWait: time.Second, MaxRetryAfter: time.Minute},
		AttemptTimeout: 30 * time.Second,
		MaxBytes:       1 << 20,
	}
	for _, f := range change {
		f(&config)
	}
	transport, err := New(config)
	require.NoError(t, err)
	return transport
}

func send(t *testing.T, transport *Transport, op *operation.Operation) (*Response, error) {
	t.Helper()
	return transport.Send(t.Context(), Request{Operation: op, URL: "https://apono.test/base/things"})
}

// failure returns err as an *Error, which every error of Send must be.
func failure(t *testing.T, err error) *Error {
	t.Helper()
	var failed *Error
	require.ErrorAs(t, err, &failed)
	return failed
}

func TestSend(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Status: 201, Body: `{"id":"i-1"}`, Header: map[string]string{"X-Request-Id": "r-1", "Retry-After": "7"}})
	resp, err := newTransport(t, fake).Send(t.Context(), Request{
		Operation: creating, URL: "https://apono.test/base/a%2Fb?q=x+y",
		Header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"another/2"}}, Body: []byte(`{"name":"prod"}`),
	})
	require.NoError(t, err)
	require.Len(t, fake.Requests(), 1)
	sent := fake.Requests()[0]
	assert.Equal(t, "POST", sent.Method)
	assert.Equal(t, "https://apono.test/base/a%2Fb?q=x+y", sent.URL)
	assert.Equal(t, `{"name":"prod"}`, sent.Body)
	assert.Equal(t, http.Header{
		"Accept": {"application/json"}, "Content-Type": {"application/json"}, "User-Agent": {"another/2"}, "Authorization": {"Bearer " + testToken},
	}, sent.Header)
	assert.Equal(t, 201, resp.StatusCode)
	assert.JSONEq(t, `{"id":"i-1"}`, string(resp.Body))
	assert.Equal(t, "r-1", resp.Header.Get("X-Request-Id"))
	assert.Equal(t, 7*time.Second, resp.RetryAfter)
	assert.Equal(t, 1, resp.Attempts)
	assert.False(t, resp.Uncertain)
	assert.NoError(t, resp.ReadErr)
}

// All calls share Config.Header, and all attempts share Request.Header. What a cookie
// jar or middleware adds to an attempt must not be sent with the next one.
func TestAttemptsDoNotShareHeader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := script.Response{Status: 503, Header: map[string]string{"Set-Cookie": "node=7"}}
		fake := script.New(t, down, down, script.Response{})
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		shared := http.Header{"Accept": {"application/json"}}
		own := http.Header{"X-Own": {"1"}}
		transport := newTransport(t, fake, func(config *Config) {
			config.HTTPClient.Jar = jar
			config.Header = shared
			config.Middleware = []func(http.RoundTripper) http.RoundTripper{func(next http.RoundTripper) http.RoundTripper {
				return roundTripFunc(func(req *http.Request) (*http.Response, error) {
					req.Header.Add("X-Trace", "t")
					return next.RoundTrip(req)
				})
			}}
		})
		_, err = transport.Send(t.Context(), Request{Operation: reading, URL: "https://apono.test/", Header: own})
		require.NoError(t, err)
		for i, cookies := range [][]string{nil, {"node=7"}, {"node=7"}} {
			header := fake.Requests()[i].Header
			assert.Equal(t, cookies, header["Cookie"])
			assert.Equal(t, []string{"t"}, header["X-Trace"])
			assert.Equal(t, []string{"1"}, header["X-Own"])
		}
		assert.Equal(t, http.Header{"Accept": {"application/json"}}, shared)
		assert.Equal(t, http.Header{"X-Own": {"1"}}, own)
	})
}

// Limiter, token source and transport can get the operation from the context.
func TestContextHoldsOperation(t *testing.T) {
	t.Parallel()
	var seen []*operation.Operation
	see := func(ctx context.Context) { seen = append(seen, OperationOf(ctx)) }
	next := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		see(req.Context())
		return &http.Response{StatusCode: 200}, nil
	})
	transport := newTransport(t, next, func(config *Config) {
		config.Limiter = limiterFunc(func(ctx context.Context) error { see(ctx); return nil })
		config.Token = func(ctx context.Context) (string, error) { see(ctx); return testToken, nil }
	})
	_, err := send(t, transport, deleting)
	require.NoError(t, err)
	assert.Equal(t, []*operation.Operation{deleting, deleting, deleting}, seen)
	assert.Nil(t, OperationOf(t.Context()))
}

// An invalid request makes no attempt, and its error does not contain the URL.
func TestInvalidRequest(t *testing.T) {
	t.Parallel()
	_, err := newTransport(t, script.New(t)).Send(t.Context(), Request{Operation: reading, URL: "https://apono.test/secret\x7f"})
	require.EqualError(t, err, "net/url: invalid control character in URL")
	assert.Equal(t, 0, failure(t, err).Attempts)
}
