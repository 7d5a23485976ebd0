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
	"slices"
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

// Middleware may hold counters and connections. It is called once for all calls and
// attempts; the last one is the outermost.
func TestMiddlewareIsCalledOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var built, met []string
		middleware := func(name string) func(http.RoundTripper) http.RoundTripper {
			return func(next http.RoundTripper) http.RoundTripper {
				built = append(built, name)
				return roundTripFunc(func(req *http.Request) (*http.Response, error) {
					met = append(met, name)
					return next.RoundTrip(req)
				})
			}
		}
		fake := script.New(t, script.Response{Status: 503}, script.Response{}, script.Response{})
		transport := newTransport(t, fake, func(config *Config) {
			config.Middleware = []func(http.RoundTripper) http.RoundTripper{middleware("first"), middleware("last")}
		})
		for range 2 {
			_, err := send(t, transport, reading)
			require.NoError(t, err)
		}
		assert.Equal(t, []string{"first", "last"}, built)
		assert.Equal(t, []string{"last", "first", "last", "first", "last", "first"}, met)
	})
}

func TestNewRejectsMiddlewareThatReturnsNil(t *testing.T) {
	t.Parallel()
	_, err := New(Config{
		HTTPClient: &http.Client{},
		Middleware: []func(http.RoundTripper) http.RoundTripper{func(http.RoundTripper) http.RoundTripper { return nil }},
	})
	require.EqualError(t, err, "the middleware returned nil")
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

// After a failed call, go-retryablehttp calls CloseIdleConnections of the transport
// if it has that method. Other calls use the same connections.
func TestCallDoesNotCloseIdleConnections(t *testing.T) {
	t.Parallel()
	_, closes := any(new(call)).(interface{ CloseIdleConnections() })
	assert.False(t, closes)
}

func TestCanceledContextMakesNoAttempt(t *testing.T) {
	t.Parallel()
	why := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	_, err := newTransport(t, script.New(t)).Send(ctx, Request{Operation: creating, URL: "https://apono.test/"})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, why)
	assert.Equal(t, 0, failure(t, err).Attempts)
	assert.False(t, failure(t, err).MaybeSent)
}

// An invalid request makes no attempt, and its error does not contain the URL.
func TestInvalidRequest(t *testing.T) {
	t.Parallel()
	_, err := newTransport(t, script.New(t)).Send(t.Context(), Request{Operation: reading, URL: "https://apono.test/secret\x7f"})
	require.EqualError(t, err, "net/url: invalid control character in URL")
	assert.Equal(t, 0, failure(t, err).Attempts)
}

// Send returns the last response, and whether an earlier attempt may have been
// carried out.
func TestSendReturnsLastResponse(t *testing.T) {
	t.Parallel()
	cut := script.Response{Body: "{", BodyErr: io.ErrUnexpectedEOF}
	for _, tc := range []struct {
		name      string
		responses []script.Response
		status    int // 0 for an error
		uncertain bool
		readErr   error
		last      int // status of the error's last response, 0 for none
		maybeSent bool
	}{
		{"success", []script.Response{{}}, 200, false, nil, 0, false},
		{"rejected, then done", []script.Response{{Status: 429}, {Status: 404}}, 404, false, nil, 0, false},
		{"failed, then gone", []script.Response{{Status: 503}, {Status: 404}}, 404, true, nil, 0, false},
		{"lost, then gone", []script.Response{{Err: errReset}, {Status: 404}}, 404, true, nil, 0, false},
		{"not sent, then gone", []script.Response{{Err: errDial}, {Status: 404}}, 404, false, nil, 0, false},
		{"cut, then gone", []script.Response{cut, {Status: 404}}, 404, true, nil, 0, false},
		{"cut every time", []script.Response{cut, cut, cut}, 200, true, io.ErrUnexpectedEOF, 0, false},
		{"failed, then lost", []script.Response{{Status: 503}, {Status: 429}, {Err: errReset}}, 0, false, nil, 429, true},
		{"cut, then lost", []script.Response{cut, cut, {Err: errReset}}, 0, false, nil, 0, true},
		{"never sent", []script.Response{{Err: errDial}, {Err: errDial}, {Err: errDial}}, 0, false, nil, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				resp, err := send(t, newTransport(t, script.New(t, tc.responses...)), deleting)
				if tc.status == 0 {
					failed := failure(t, err)
					assert.Equal(t, len(tc.responses), failed.Attempts)
					assert.Equal(t, tc.maybeSent, failed.MaybeSent)
					if tc.last == 0 {
						assert.Nil(t, failed.Last)
					} else if assert.NotNil(t, failed.Last) {
						assert.Equal(t, tc.last, failed.Last.StatusCode)
					}
					return
				}
				require.NoError(t, err)
				assert.Equal(t, tc.status, resp.StatusCode)
				assert.Equal(t, len(tc.responses), resp.Attempts)
				assert.Equal(t, tc.uncertain, resp.Uncertain)
				require.ErrorIs(t, resp.ReadErr, tc.readErr)
			})
		})
	}
}

// The call does not wait if the deadline comes first. The error wraps both causes.
func TestDeadlineBeforeNextAttempt(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]script.Response{"response": {Status: 503}, "no response": {Err: errReset}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				defer cancel()
				started := time.Now()
				_, err := newTransport(t, script.New(t, response)).Send(ctx, Request{Operation: reading, URL: "https://apono.test/"})
				assert.Zero(t, time.Since(started))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				if response.Err != nil {
					require.ErrorIs(t, err, errReset)
				} else {
					assert.Equal(t, 503, failure(t, err).Last.StatusCode)
				}
			})
		})
	}
}

func TestOnceDisablesRetries(t *testing.T) {
	t.Parallel()
	for _, response := range []script.Response{{Status: 401}, {Status: 429}, {Status: 503}, {Err: errDial}} {
		transport := newTransport(t, script.New(t, response), func(config *Config) { config.Renewable = true })
		resp, err := transport.Send(t.Context(), Request{Operation: reading, URL: "https://apono.test/", Once: true})
		if response.Err != nil {
			require.ErrorIs(t, err, errDial)
		} else {
			assert.Equal(t, response.Status, resp.StatusCode)
		}
	}
}

// An attempt whose token was rejected does not count toward MaxAttempts.
func TestRenewalDoesNotCountAsAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := script.Response{Status: 503}
		transport := newTransport(t, script.New(t, script.Response{Status: 401}, down, down, down), func(config *Config) { config.Renewable = true })
		resp, err := send(t, transport, reading)
		require.NoError(t, err)
		assert.Equal(t, 503, resp.StatusCode)
		assert.Equal(t, 4, resp.Attempts)
	})
}

// The server returns a one-time password once, whether or not the client receives
// the response. The read is retried only if the request cannot have reached the
// server.
func TestConsumingReadIsRetriedOnlyIfUnsent(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		response script.Response
		requests int
	}{
		{"success", script.Response{Body: "{}"}, 1},
		{"401", script.Response{Status: 401}, 1},
		{"408", script.Response{Status: 408}, 1},
		{"425", script.Response{Status: 425}, 1},
		{"429", script.Response{Status: 429, Header: map[string]string{"Retry-After": "1"}}, 1},
		{"500", script.Response{Status: 500}, 1},
		{"503", script.Response{Status: 503}, 1},
		{"broken connection", script.Response{Err: errReset}, 1},
		{"attempt timeout", script.Response{Delay: time.Hour}, 1},
		{"cut body", script.Response{Body: "{", BodyErr: io.ErrUnexpectedEOF}, 1},
		{"connection refused", script.Response{Err: errDial}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, slices.Repeat([]script.Response{tc.response}, tc.requests)...)
				resp, err := send(t, newTransport(t, fake), consuming)
				assert.Len(t, fake.Requests(), tc.requests)
				if err == nil {
					assert.Equal(t, max(tc.response.Status, 200), resp.StatusCode)
					return
				}
				assert.Equal(t, tc.requests, failure(t, err).Attempts)
				assert.Equal(t, tc.requests == 1, failure(t, err).MaybeSent)
			})
		})
	}
}
