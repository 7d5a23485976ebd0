package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

var (
	errProxy   = &net.OpError{Op: "proxyconnect", Net: "tcp", Err: errors.New("bad gateway")}
	errNoHost  = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "apono.test", IsNotFound: true}}
	errRevoked = &tls.CertificateVerificationError{Err: errors.New("the certificate is revoked")}
	errExpired = x509.CertificateInvalidError{Reason: x509.Expired}
	errUnknown = x509.UnknownAuthorityError{}
	errOther   = x509.HostnameError{Certificate: &x509.Certificate{}, Host: "apono.test"}
	errNoTLS   = tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}
)

// A create must not be retried if it may have been carried out, because that would
// create a second object. A permanent failure, such as an invalid certificate, is not
// retried.
func TestRetriesByOutcomeAndMethod(t *testing.T) {
	t.Parallel()
	const noStatus = 0
	for _, tc := range []struct {
		name     string
		response script.Response
		status   int
		cause    error
		safe     int // number of requests for GET, PUT and DELETE
		other    int // number of requests for POST and PATCH
	}{
		{"304", script.Response{Status: 304}, 304, nil, 1, 1},
		{"400", script.Response{Status: 400}, 400, nil, 1, 1},
		{"401", script.Response{Status: 401}, 401, nil, 1, 1},
		{"403", script.Response{Status: 403}, 403, nil, 1, 1},
		{"403 with half a body", script.Response{Status: 403, Body: "{", BodyErr: io.ErrUnexpectedEOF}, 403, nil, 1, 1},
		{"404", script.Response{Status: 404}, 404, nil, 1, 1},
		{"408", script.Response{Status: 408}, 408, nil, 3, 1},
		{"409", script.Response{Status: 409}, 409, nil, 1, 1},
		{"425", script.Response{Status: 425}, 425, nil, 3, 1},
		{"429", script.Response{Status: 429}, 429, nil, 3, 3},
		{"500", script.Response{Status: 500}, 500, nil, 3, 1},
		{"501", script.Response{Status: 501}, 501, nil, 1, 1},
		{"502", script.Response{Status: 502}, 502, nil, 3, 1},
		{"503", script.Response{Status: 503}, 503, nil, 3, 1},
		{"503 with half a body", script.Response{Status: 503, Body: "{", BodyErr: io.ErrUnexpectedEOF}, 503, nil, 3, 1},
		{"504", script.Response{Status: 504}, 504, nil, 3, 1},
		{"connection broken after sending", script.Response{Err: apitest.ErrReset}, noStatus, apitest.ErrReset, 3, 1},
		{"connection refused", script.Response{Err: apitest.ErrConnectionRefused}, noStatus, apitest.ErrConnectionRefused, 3, 3},
		{"proxy failed", script.Response{Err: errProxy}, noStatus, errProxy, 3, 3},
		{"name server failed", script.Response{Err: apitest.ErrLookup}, noStatus, apitest.ErrLookup, 3, 3},
		{"body cut", script.Response{Body: `{"id":`, BodyErr: io.ErrUnexpectedEOF}, 200, io.ErrUnexpectedEOF, 3, 1},
		{"attempt timeout", script.Response{Delay: time.Hour}, noStatus, context.DeadlineExceeded, 3, 1},
		{"no such host", script.Response{Err: errNoHost}, noStatus, errNoHost, 1, 1},
		{"certificate revoked", script.Response{Err: errRevoked}, noStatus, errRevoked, 1, 1},
		{"certificate expired", script.Response{Err: errExpired}, noStatus, errExpired, 1, 1},
		{"certificate of an unknown authority", script.Response{Err: errUnknown}, noStatus, errUnknown, 1, 1},
		{"certificate of another host", script.Response{Err: errOther}, noStatus, errOther, 1, 1},
		{"no TLS", script.Response{Err: errNoTLS}, noStatus, errNoTLS, 1, 1},
	} {
		for method, requests := range map[string]int{
			http.MethodGet: tc.safe, http.MethodPut: tc.safe, http.MethodDelete: tc.safe,
			http.MethodPost: tc.other, http.MethodPatch: tc.other,
		} {
			t.Run(tc.name+" to "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					fake := script.New(t, slices.Repeat([]script.Response{tc.response}, requests)...)
					err := apitest.CallWith(t.Context(), method, apitest.NewClient(t, fake))
					for _, req := range fake.Requests() {
						require.Equal(t, method, req.Method)
					}
					switch {
					case tc.cause == nil:
						apitest.IsAPIError(t, err, tc.status, requests)
					case tc.status == noStatus:
						require.ErrorIs(t, err, tc.cause)
						failure := apitest.ErrorAs[*apono.TransportError](t, err)
						require.Equal(t, requests, failure.Attempts)
						require.Nil(t, failure.Last)
					default:
						require.ErrorIs(t, err, tc.cause)
						unusable := apitest.ErrorAs[*apono.DecodeError](t, err)
						require.Equal(t, tc.status, unusable.StatusCode)
						require.Equal(t, requests, unusable.Attempts)
						require.Equal(t, `{"id":`, string(unusable.Body))
					}
				})
			})
		}
	}
}

// MaybeSent reports whether an operation that changes something may have been carried
// out.
func TestMaybeSent(t *testing.T) {
	t.Parallel()
	once := apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 1})
	for _, tc := range []struct {
		name, method string
		err          error
		want         bool
	}{
		{"connection refused", http.MethodPost, apitest.ErrConnectionRefused, false},
		{"no such host", http.MethodPost, errNoHost, false},
		{"connection broken after sending", http.MethodPost, apitest.ErrReset, true},
		{"deletion broken after sending", http.MethodDelete, apitest.ErrReset, true},
		{"read broken after sending", http.MethodGet, apitest.ErrReset, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Err: tc.err})
			err := apitest.CallWith(t.Context(), tc.method, apitest.NewClient(t, fake, once))
			require.Equal(t, tc.want, apitest.ErrorAs[*apono.TransportError](t, err).MaybeSent)
		})
	}
}

// Each retry depends on the latest outcome: a create that was rejected first and then
// possibly carried out is not sent a third time.
func TestRetryDependsOnLatestOutcome(t *testing.T) {
	t.Parallel()
	ok := script.Response{Body: apitest.OneIntegration}
	half := script.Response{Body: "{", BodyErr: io.ErrUnexpectedEOF}
	for _, tc := range []struct {
		name      string
		method    string
		responses []script.Response
		check     func(t *testing.T, err error)
	}{
		{"GET succeeds", http.MethodGet, []script.Response{{Status: 503}, {Err: apitest.ErrReset}, ok}, func(t *testing.T, err error) {
			require.NoError(t, err)
		}},
		{"GET succeeds after a body cut short", http.MethodGet, []script.Response{{Body: "{", BodyErr: io.ErrUnexpectedEOF}, ok}, func(t *testing.T, err error) {
			require.NoError(t, err)
		}},
		{"GET is rejected", http.MethodGet, []script.Response{{Status: 503}, {Status: 403}}, func(t *testing.T, err error) {
			apitest.IsAPIError(t, err, 403, 2)
		}},
		{"POST succeeds", http.MethodPost, []script.Response{{Status: 429}, {Status: 429}, ok}, func(t *testing.T, err error) {
			require.NoError(t, err)
		}},
		{"POST fails", http.MethodPost, []script.Response{{Status: 429}, {Status: 503}}, func(t *testing.T, err error) {
			apitest.IsAPIError(t, err, 503, 2)
		}},
		{"POST cannot connect after a 429", http.MethodPost, []script.Response{{Status: 429}, {Err: apitest.ErrConnectionRefused}, ok}, func(t *testing.T, err error) {
			require.NoError(t, err)
		}},
		{"POST loses its connection after a 429", http.MethodPost, []script.Response{{Status: 429}, {Err: apitest.ErrReset}}, func(t *testing.T, err error) {
			require.ErrorIs(t, err, apitest.ErrReset)
			require.ErrorIs(t, err, apono.ErrRateLimited)
			require.Equal(t, 429, apitest.ErrorAs[*apono.TransportError](t, err).Last.StatusCode)
		}},
		{"GET keeps the last response", http.MethodGet, []script.Response{{Status: 503}, {Status: 502}, {Err: apitest.ErrReset}}, func(t *testing.T, err error) {
			require.ErrorIs(t, err, apitest.ErrReset)
			require.Equal(t, 502, apitest.ErrorAs[*apono.TransportError](t, err).Last.StatusCode)
		}},
		{"GET keeps no response with half a body", http.MethodGet, []script.Response{half, half, {Err: apitest.ErrReset}}, func(t *testing.T, err error) {
			require.ErrorIs(t, err, apitest.ErrReset)
			require.Nil(t, apitest.ErrorAs[*apono.TransportError](t, err).Last)
		}},
		{"DELETE cannot connect after a broken connection", http.MethodDelete, []script.Response{{Err: apitest.ErrReset}, {Err: apitest.ErrConnectionRefused}, {Err: apitest.ErrConnectionRefused}}, func(t *testing.T, err error) {
			require.True(t, apitest.ErrorAs[*apono.TransportError](t, err).MaybeSent)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, tc.responses...)
				tc.check(t, apitest.CallWith(t.Context(), tc.method, apitest.NewClient(t, fake)))
				require.Len(t, fake.Requests(), len(tc.responses))
			})
		})
	}
}

// After the last attempt the error is the last response, with its message and request
// ID.
func TestLastAttemptReturnsLastResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := func(id string) script.Response {
			return script.Response{Status: 503, Header: map[string]string{"X-Request-Id": id}, Body: `{"message":"down for ` + id + `"}`}
		}
		fake := script.New(t, down("r-1"), down("r-2"), down("r-3"))
		err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake))
		require.ErrorIs(t, err, apono.ErrServer)
		require.EqualError(t, err, "apono: GET /api/admin/v4/integrations/{id}: 503 Service Unavailable: "+
			"down for r-3, request ID r-3, after 3 attempts")
	})
}

func TestMaxAttempts(t *testing.T) {
	t.Parallel()
	for _, attempts := range []int{1, 2, 5} {
		t.Run(fmt.Sprint(attempts), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, slices.Repeat([]script.Response{{Status: 503}}, attempts)...)
				policy := apono.RetryPolicy{MaxAttempts: attempts}
				apitest.IsAPIError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithRetryPolicy(policy))), 503, attempts)
			})
		})
	}
}

// Waits grow, so that an overloaded server recovers, and are random, so that clients
// do not retry at the same moment.
func TestWaitsGrowWithinBoundsAndVary(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		opts  []apono.Option
		least time.Duration   // lower bound of every wait
		most  []time.Duration // upper bound of each wait
	}{
		{"default", nil, 500 * time.Millisecond, []time.Duration{time.Second, 2 * time.Second}},
		{
			"both set", []apono.Option{apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 6, MinWait: time.Second, MaxWait: 10 * time.Second})},
			time.Second, []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second},
		},
		{
			"MinWait set, above the default of MaxWait",
			[]apono.Option{apono.WithRetryPolicy(apono.RetryPolicy{MinWait: time.Minute})},
			time.Minute, []time.Duration{time.Minute, time.Minute},
		},
		{
			"MaxWait set, below the default of MinWait",
			[]apono.Option{apono.WithRetryPolicy(apono.RetryPolicy{MaxWait: 100 * time.Millisecond})},
			100 * time.Millisecond, []time.Duration{100 * time.Millisecond, 100 * time.Millisecond},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				longest := make([]time.Duration, len(tc.most))
				shortest := slices.Clone(tc.most)
				for range 100 {
					fake := script.New(t, slices.Repeat([]script.Response{{Status: 503}}, len(tc.most)+1)...)
					apitest.IsAPIError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, tc.opts...)), 503, len(tc.most)+1)
					for i, wait := range apitest.Waits(fake) {
						require.GreaterOrEqualf(t, wait, tc.least, "wait %d must be %s to %s", i+1, tc.least, tc.most[i])
						require.LessOrEqualf(t, wait, tc.most[i], "wait %d must be %s to %s", i+1, tc.least, tc.most[i])
						longest[i], shortest[i] = max(longest[i], wait), min(shortest[i], wait)
					}
				}
				// Some of 100 waits must be in the upper and in the lower quarter.
				for i, most := range tc.most {
					quarter := (most - tc.least) / 4
					require.GreaterOrEqualf(t, longest[i], most-quarter, "wait %d never comes near %s", i+1, most)
					require.LessOrEqualf(t, shortest[i], tc.least+quarter, "wait %d never comes near %s", i+1, tc.least)
				}
			})
		})
	}
}

// Fake time starts at midnight UTC on Saturday, 1 January 2000. All forms of the
// header are supported, dates are relative to the server's clock, and invalid values
// are ignored.
func TestRetryAfterSetsWait(t *testing.T) {
	t.Parallel()
	const backoff = -1
	for _, tc := range []struct {
		name, value, date string
		want              time.Duration
	}{
		{"seconds", "7", "", 7 * time.Second},
		{"seconds with space", " 7 ", "", 7 * time.Second},
		{"equal to MaxRetryAfter", "60", "", time.Minute},
		{"date", "Sat, 01 Jan 2000 00:00:07 GMT", "", 7 * time.Second},
		{"RFC 850 date", "Saturday, 01-Jan-00 00:00:07 GMT", "", 7 * time.Second},
		{"asctime date", "Sat Jan  1 00:00:07 2000", "", 7 * time.Second},
		{"date with a clock that is ahead", "Sun, 02 Jan 2000 00:00:07 GMT", "Sun, 02 Jan 2000 00:00:00 GMT", 7 * time.Second},
		{"date with a clock that is behind", "Fri, 31 Dec 1999 00:00:07 GMT", "Fri, 31 Dec 1999 00:00:00 GMT", 7 * time.Second},
		{"date with an invalid Date header", "Sat, 01 Jan 2000 00:00:07 GMT", "now", 7 * time.Second},
		{"date in the past", "Fri, 31 Dec 1999 23:00:00 GMT", "", backoff},
		{"absent", "", "", backoff},
		{"zero", "0", "", backoff},
		{"negative", "-7", "", backoff},
		{"fractional", "7.5", "", backoff},
		{"invalid", "soon", "", backoff},
		{"incomplete date", "Sat, 01 Jan", "", backoff},
		{"overflowing and negative", "-18446744073709551615", "", backoff},
	} {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprintf("%s with %d", tc.name, status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					header := map[string]string{"Retry-After": tc.value, "Date": tc.date}
					fake := script.New(t, script.Response{Status: status, Header: header}, script.Response{Body: apitest.OneIntegration})
					require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake)))
					wait := apitest.Waits(fake)[0]
					if tc.want == backoff {
						require.GreaterOrEqual(t, wait, 500*time.Millisecond)
						require.LessOrEqual(t, wait, time.Second)
					} else {
						apitest.IsRetryAfter(t, tc.want, wait)
					}
				})
			})
		}
	}
}

// If Retry-After is longer than MaxRetryAfter, the call ends at once: a long wait would
// block the program, and a shorter wait would be rejected again. A number that
// overflows counts as longer.
func TestRetryAfterLongerThanCapEndsCall(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, value string
		policy      apono.RetryPolicy
	}{
		{"1 s above the default", "61", apono.RetryPolicy{}},
		{"date", "Sat, 01 Jan 2000 00:01:01 GMT", apono.RetryPolicy{}},
		{"date far in the future", "Fri, 31 Dec 9999 23:59:59 GMT", apono.RetryPolicy{}},
		{"overflows nanoseconds", "9223372037", apono.RetryPolicy{}},
		{"overflows seconds", "18446744073709551615", apono.RetryPolicy{}},
		{"MaxRetryAfter set", "11", apono.RetryPolicy{MaxRetryAfter: 10 * time.Second}},
		{"MaxRetryAfter below MaxWait", "3", apono.RetryPolicy{MaxRetryAfter: 2 * time.Second}},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(tc.name+" to "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					fake := script.New(t, script.Response{Status: 429, Header: map[string]string{"Retry-After": tc.value}, Body: `{"message":"slow down"}`})
					started := time.Now()
					err := apitest.CallWith(t.Context(), method, apitest.NewClient(t, fake, apono.WithRetryPolicy(tc.policy)))
					require.Zero(t, time.Since(started))
					apitest.IsAPIError(t, err, 429, 1)
					require.ErrorIs(t, err, apono.ErrRateLimited)
					rejection := apitest.ErrorAs[*apono.APIError](t, err)
					require.Equal(t, "slow down", rejection.Message)
					require.Greater(t, rejection.RetryAfter, 2*time.Second)
				})
			})
		}
	}
}

// MaxRetryAfter does not limit the waits of the client's backoff.
func TestMaxRetryAfterDoesNotLimitBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Response{Status: 503}, script.Response{Body: apitest.OneIntegration})
		policy := apono.RetryPolicy{MinWait: 5 * time.Second, MaxWait: 5 * time.Second, MaxRetryAfter: time.Second}
		require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithRetryPolicy(policy))))
		require.Equal(t, []time.Duration{5 * time.Second}, apitest.Waits(fake))
	})
}

// The call does not wait if its deadline comes before the next attempt. Its error has
// the deadline and the last response.
func TestWaitPastDeadlineEndsCallWithBothErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		deadline time.Duration
		response script.Response
	}{
		{"Retry-After", 10 * time.Second, script.Response{Status: 429, Header: map[string]string{"Retry-After": "11"}}},
		{"backoff", 400 * time.Millisecond, script.Response{Status: 429}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tc.deadline)
				defer cancel()
				fake := script.New(t, tc.response)
				started := time.Now()
				err := apitest.GetIntegration(ctx, apitest.NewClient(t, fake))
				require.Zero(t, time.Since(started))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, apono.ErrRateLimited)
				require.Equal(t, 1, apitest.ErrorAs[*apono.APIError](t, err).Attempts)
				require.ErrorContains(t, err, " was 429 Too Many Requests")
			})
		})
	}
}

// Without a response the error has the deadline and the transport's error.
func TestWaitPastDeadlineKeepsTransportError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		err := apitest.GetIntegration(ctx, apitest.NewClient(t, script.New(t, script.Response{Err: apitest.ErrReset})))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, apitest.ErrReset)
	})
}

func TestContextEndsAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		fake := script.New(t, script.Response{Delay: time.Hour})
		started := time.Now()
		err := apitest.CallWith(ctx, http.MethodPost, apitest.NewClient(t, fake))
		require.Equal(t, 10*time.Second, time.Since(started))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, apitest.ErrorAs[*apono.TransportError](t, err).MaybeSent)
	})
}

func TestCanceledContextSendsNothing(t *testing.T) {
	t.Parallel()
	why := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	err := apitest.CallWith(ctx, http.MethodPost, apitest.NewClient(t, apitest.NoRequest(t)))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, why)
	failure := apitest.ErrorAs[*apono.TransportError](t, err)
	require.Zero(t, failure.Attempts)
	require.False(t, failure.MaybeSent)
}

// A call is retried after an attempt timeout, because another server behind the load
// balancer may respond.
func TestAttemptTimeoutIsRetried(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		opts []apono.Option
		want time.Duration
	}{
		{"default", nil, 30 * time.Second},
		{"set", []apono.Option{apono.WithAttemptTimeout(2 * time.Second)}, 2 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, script.Response{Delay: time.Hour}, script.Response{Body: apitest.OneIntegration})
				require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, tc.opts...)))
				backoff := apitest.Waits(fake)[0] - tc.want
				require.GreaterOrEqualf(t, backoff, 500*time.Millisecond, "retry after %s; want %s and a wait", apitest.Waits(fake)[0], tc.want)
				require.LessOrEqualf(t, backoff, time.Second, "retry after %s; want %s and a wait", apitest.Waits(fake)[0], tc.want)
			})
		})
	}
}

// The Timeout of the caller's http.Client limits one attempt too.
func TestTimeoutOfHTTPClientIsRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Response{Delay: time.Hour}, script.Response{Body: apitest.OneIntegration})
		httpClient := &http.Client{Transport: fake, Timeout: 5 * time.Second}
		require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithHTTPClient(httpClient))))
		require.GreaterOrEqual(t, apitest.Waits(fake)[0], 5500*time.Millisecond, "must be 5 s and a wait")
		require.LessOrEqual(t, apitest.Waits(fake)[0], 6*time.Second, "must be 5 s and a wait")
	})
}

// tokens is a token source that records whether each request follows a rejection.
type tokens struct{ rejected []bool }

func (s *tokens) next(ctx context.Context) (string, error) {
	s.rejected = append(s.rejected, apono.TokenRejected(ctx))
	return fmt.Sprintf("token-%d", len(s.rejected)), nil
}

// After a 401 a request with any method is retried once with a new token, because a
// rejected request was not carried out.
func TestRejectedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	ok := script.Response{Body: apitest.OneIntegration}
	for _, tc := range []struct {
		name      string
		responses []script.Response
		rejected  []bool
		status    int
	}{
		{"valid", []script.Response{ok}, []bool{false}, 0},
		{"valid after renewal", []script.Response{{Status: 401}, ok}, []bool{false, true}, 0},
		{"invalid after renewal", []script.Response{{Status: 401}, {Status: 401}}, []bool{false, true}, 401},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			t.Run(tc.name+" with "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var source tokens
					fake := script.New(t, tc.responses...)
					err := apitest.CallWith(t.Context(), method, apitest.NewClient(t, fake, apono.WithTokenSource(source.next)))
					if tc.status == 0 {
						require.NoError(t, err)
					} else {
						apitest.IsAPIError(t, err, tc.status, len(tc.responses))
					}
					require.Equal(t, tc.rejected, source.rejected)
					require.Equal(t, []string{"Bearer token-1", "Bearer token-1, Bearer token-2"}[len(tc.responses)-1], apitest.Authorizations(fake))
					for _, wait := range apitest.Waits(fake) {
						require.Zero(t, wait)
					}
				})
			})
		}
	}
}

// An attempt whose token was rejected does not count toward MaxAttempts.
func TestRenewalDoesNotCountAsAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var source tokens
		fake := script.New(t, script.Response{Status: 401}, script.Response{Status: 503}, script.Response{Status: 503}, script.Response{Status: 503})
		apitest.IsAPIError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithTokenSource(source.next))), 503, 4)
	})
}

// TokenRejected is true only right after a 401. Later the source would discard a token
// that the server has accepted.
func TestTokenRejectionIsReportedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var source tokens
		fake := script.New(t, script.Response{Status: 401}, script.Response{Status: 503}, script.Response{Status: 401})
		apitest.IsAPIError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithTokenSource(source.next))), 401, 3)
		require.Equal(t, []bool{false, true, false}, source.rejected)
		require.Equal(t, "Bearer token-1, Bearer token-2, Bearer token-3", apitest.Authorizations(fake))
	})
}

func TestErrorOfTokenSourceEndsCall(t *testing.T) {
	t.Parallel()
	broken := errors.New("vault is sealed")
	client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithTokenSource(func(context.Context) (string, error) { return "", broken }))
	err := apitest.CallWith(t.Context(), http.MethodPost, client)
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "apono: POST /api/admin/v4/integrations: getting a token: vault is sealed")
	failure := apitest.ErrorAs[*apono.TransportError](t, err)
	require.Zero(t, failure.Attempts)
	require.False(t, failure.MaybeSent)
}

// If the source fails after a 401, the error also has the 401.
func TestErrorOfTokenSourceInRenewal(t *testing.T) {
	t.Parallel()
	broken := errors.New("vault is sealed")
	source := func(ctx context.Context) (string, error) {
		if apono.TokenRejected(ctx) {
			return "", broken
		}
		return "token-1", nil
	}
	fake := script.New(t, script.Response{Status: 401})
	err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithTokenSource(source)))
	require.ErrorIs(t, err, broken)
	require.ErrorIs(t, err, apono.ErrUnauthorized)
}

// An invalid token, such as one with a line break from a file, is an error that does
// not print the token.
func TestInvalidTokenFromTokenSource(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "hidden-1\n", "hidden 1", "hiddén-1", "Bearer hidden-1"} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			source := func(context.Context) (string, error) { return token, nil }
			err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, apitest.NoRequest(t), apono.WithTokenSource(source)))
			require.ErrorAs(t, err, new(*apono.ArgumentError))
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "hidd")
		})
	}
}

// WithoutRetry also disables the renewal of a token.
func TestWithoutRetry(t *testing.T) {
	t.Parallel()
	for _, response := range []script.Response{{Status: 401}, {Status: 429}, {Status: 503}, {Err: apitest.ErrConnectionRefused}, {Body: "{", BodyErr: io.ErrUnexpectedEOF}} {
		t.Run(fmt.Sprint(response.Status, response.Err, response.BodyErr), func(t *testing.T) {
			t.Parallel()
			var source tokens
			fake := script.New(t, response)
			err := apitest.GetIntegration(apono.WithoutRetry(t.Context()), apitest.NewClient(t, fake, apono.WithTokenSource(source.next)))
			require.Error(t, err)
			require.Len(t, fake.Requests(), 1)
			require.Len(t, source.rejected, 1)
		})
	}
}
