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

// A create that is sent again after a failure that leaves open whether it was
// carried out makes a second object; a read, replacement or deletion that is
// not sent again leaves every caller to write its own loop. A failure that will
// not pass, such as a bad certificate, must not be waited for.
func TestWhatIsRepeated(t *testing.T) {
	t.Parallel()
	const noStatus = 0
	for _, tc := range []struct {
		name   string
		answer script.Response
		status int
		cause  error
		// safe is how many requests GET, PUT and DELETE make, other POST and PATCH.
		safe, other int
	}{
		{"400", script.Response{Status: 400}, 400, nil, 1, 1},
		{"401", script.Response{Status: 401}, 401, nil, 1, 1},
		{"403", script.Response{Status: 403}, 403, nil, 1, 1},
		{"404", script.Response{Status: 404}, 404, nil, 1, 1},
		{"408", script.Response{Status: 408}, 408, nil, 3, 1},
		{"409", script.Response{Status: 409}, 409, nil, 1, 1},
		{"425", script.Response{Status: 425}, 425, nil, 3, 1},
		{"429", script.Response{Status: 429}, 429, nil, 3, 3},
		{"500", script.Response{Status: 500}, 500, nil, 3, 1},
		{"501", script.Response{Status: 501}, 501, nil, 1, 1},
		{"502", script.Response{Status: 502}, 502, nil, 3, 1},
		{"503", script.Response{Status: 503}, 503, nil, 3, 1},
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
					fake := script.New(t, slices.Repeat([]script.Response{tc.answer}, requests)...)
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

func TestSuccessIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPost, http.MethodPatch} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: apitest.OneIntegration})
			require.NoError(t, apitest.CallWith(t.Context(), method, apitest.NewClient(t, fake)))
			require.Len(t, fake.Requests(), 1)
		})
	}
}

// Somebody who creates something has to know whether the server may have
// received the request before creating it again by hand.
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
		{"read broken after sending", http.MethodGet, apitest.ErrReset, false}, // it does not matter
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Err: tc.err})
			err := apitest.CallWith(t.Context(), tc.method, apitest.NewClient(t, fake, once))
			require.Equal(t, tc.want, apitest.ErrorAs[*apono.TransportError](t, err).MaybeSent)
		})
	}
}

// Each repetition is judged by its own outcome, so that a create which was
// first refused and then possibly carried out is not sent a third time.
func TestOutcomesMayDiffer(t *testing.T) {
	t.Parallel()
	ok := script.Response{Body: apitest.OneIntegration}
	for _, tc := range []struct {
		name    string
		method  string
		answers []script.Response
		check   func(t *testing.T, err error)
	}{
		{"GET recovers", http.MethodGet, []script.Response{{Status: 503}, {Err: apitest.ErrReset}, ok}, func(t *testing.T, err error) {
			require.NoError(t, err)
		}},
		{"GET recovers from a cut body", http.MethodGet, []script.Response{{Body: "{", BodyErr: io.ErrUnexpectedEOF}, ok}, func(t *testing.T, err error) {
			require.NoError(t, err)
		}},
		{"GET meets a refusal", http.MethodGet, []script.Response{{Status: 503}, {Status: 403}}, func(t *testing.T, err error) {
			apitest.IsAPIError(t, err, 403, 2)
		}},
		{"POST recovers", http.MethodPost, []script.Response{{Status: 429}, {Status: 429}, ok}, func(t *testing.T, err error) {
			require.NoError(t, err)
		}},
		{"POST meets a failure", http.MethodPost, []script.Response{{Status: 429}, {Status: 503}}, func(t *testing.T, err error) {
			apitest.IsAPIError(t, err, 503, 2)
		}},
		{"POST cannot connect after a refusal", http.MethodPost, []script.Response{{Status: 429}, {Err: apitest.ErrConnectionRefused}, ok}, func(t *testing.T, err error) {
			require.NoError(t, err)
		}},
		{"POST breaks after a refusal", http.MethodPost, []script.Response{{Status: 429}, {Err: apitest.ErrReset}}, func(t *testing.T, err error) {
			require.ErrorIs(t, err, apitest.ErrReset)
			require.ErrorIs(t, err, apono.ErrRateLimited)
			require.Equal(t, 429, apitest.ErrorAs[*apono.TransportError](t, err).Last.StatusCode)
		}},
		{"GET keeps the last answer", http.MethodGet, []script.Response{{Status: 503}, {Status: 502}, {Err: apitest.ErrReset}}, func(t *testing.T, err error) {
			require.ErrorIs(t, err, apitest.ErrReset)
			require.Equal(t, 502, apitest.ErrorAs[*apono.TransportError](t, err).Last.StatusCode)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, tc.answers...)
				tc.check(t, apitest.CallWith(t.Context(), tc.method, apitest.NewClient(t, fake)))
				require.Len(t, fake.Requests(), len(tc.answers))
			})
		})
	}
}

// Retry loops like to end in "giving up after 3 attempts", which tells nobody
// what the server said and support nothing to look for.
func TestExhaustedAttemptsEndInTheLastAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answer := func(id string) script.Response {
			return script.Response{Status: 503, Header: map[string]string{"X-Request-Id": id}, Body: `{"message":"down for ` + id + `"}`}
		}
		fake := script.New(t, answer("r-1"), answer("r-2"), answer("r-3"))
		err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake))
		require.ErrorIs(t, err, apono.ErrServer)
		require.EqualError(t, err, "apono: GET /api/admin/v4/integrations/{id}: 503 Service Unavailable: "+
			"down for r-3, request id r-3, after 3 attempts")
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

// Without growth a struggling server is kept down, and without chance all
// clients come back at the same moment.
func TestWaitsGrowWithinBoundsAndVary(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		opts []apono.Option
		// least is the lower bound of every wait, most the upper bound of each.
		least time.Duration
		most  []time.Duration
	}{
		{"default", nil, 500 * time.Millisecond, []time.Duration{time.Second, 2 * time.Second}},
		{
			"given", []apono.Option{apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 6, MinWait: time.Second, MaxWait: 10 * time.Second})},
			time.Second, []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second},
		},
		{
			"only the shortest given, above the default of the longest",
			[]apono.Option{apono.WithRetryPolicy(apono.RetryPolicy{MinWait: time.Minute})},
			time.Minute, []time.Duration{time.Minute, time.Minute},
		},
		{
			"only the longest given, below the default of the shortest",
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
						require.GreaterOrEqualf(t, wait, tc.least, "expected wait %d to be %s to %s", i+1, tc.least, tc.most[i])
						require.LessOrEqualf(t, wait, tc.most[i], "expected wait %d to be %s to %s", i+1, tc.least, tc.most[i])
						longest[i], shortest[i] = max(longest[i], wait), min(shortest[i], wait)
					}
				}
				// Of a hundred waits some are in the upper quarter, and some in the lower.
				for i, most := range tc.most {
					quarter := (most - tc.least) / 4
					require.GreaterOrEqualf(t, longest[i], most-quarter, "expected wait %d to come near %s", i+1, most)
					require.LessOrEqualf(t, shortest[i], tc.least+quarter, "expected wait %d to come near %s", i+1, tc.least)
				}
			})
		})
	}
}

// Fake time starts at midnight on Saturday, 1 January 2000, in UTC. A client
// that reads one form of the header only, or holds the server's dates against a
// clock that is off, comes back too early and is refused again; one that takes
// nonsense for a number waits for ever, or not at all.
func TestRetryAfterIsHeeded(t *testing.T) {
	t.Parallel()
	const backoff = -1
	for _, tc := range []struct {
		name, value, date string
		want              time.Duration
	}{
		{"seconds", "7", "", 7 * time.Second},
		{"seconds with space", " 7 ", "", 7 * time.Second},
		{"the cap itself", "60", "", time.Minute},
		{"date", "Sat, 01 Jan 2000 00:00:07 GMT", "", 7 * time.Second},
		{"RFC 850 date", "Saturday, 01-Jan-00 00:00:07 GMT", "", 7 * time.Second},
		{"asctime date", "Sat Jan  1 00:00:07 2000", "", 7 * time.Second},
		{"date by a clock that is ahead", "Sun, 02 Jan 2000 00:00:07 GMT", "Sun, 02 Jan 2000 00:00:00 GMT", 7 * time.Second},
		{"date by a clock that is behind", "Fri, 31 Dec 1999 00:00:07 GMT", "Fri, 31 Dec 1999 00:00:00 GMT", 7 * time.Second},
		{"date beside a broken clock", "Sat, 01 Jan 2000 00:00:07 GMT", "now", 7 * time.Second},
		{"date in the past", "Fri, 31 Dec 1999 23:00:00 GMT", "", backoff},
		{"absent", "", "", backoff},
		{"zero", "0", "", backoff},
		{"negative", "-7", "", backoff},
		{"fractional", "7.5", "", backoff},
		{"garbage", "soon", "", backoff},
		{"half a date", "Sat, 01 Jan", "", backoff},
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
						require.GreaterOrEqual(t, wait, 500*time.Millisecond, "an ordinary wait")
						require.LessOrEqual(t, wait, time.Second, "an ordinary wait")
					} else {
						require.Equal(t, tc.want, wait)
					}
				})
			})
		}
	}
}

// A server that asks for more patience than the caller has must be believed:
// sleeping for days hangs the program, coming back early is refused again, and
// a number that overflows would become no wait at all.
func TestRetryAfterAboveTheCapEndsTheCall(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, value string
		policy      apono.RetryPolicy
	}{
		{"a second above the default", "61", apono.RetryPolicy{}},
		{"date", "Sat, 01 Jan 2000 00:01:01 GMT", apono.RetryPolicy{}},
		{"date far away", "Fri, 31 Dec 9999 23:59:59 GMT", apono.RetryPolicy{}},
		{"overflows nanoseconds", "9223372037", apono.RetryPolicy{}},
		{"overflows seconds", "18446744073709551615", apono.RetryPolicy{}},
		{"a cap of its own", "11", apono.RetryPolicy{MaxRetryAfter: 10 * time.Second}},
		{"a cap below the longest wait", "3", apono.RetryPolicy{MaxRetryAfter: 2 * time.Second}},
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
					refusal := apitest.ErrorAs[*apono.APIError](t, err)
					require.Equal(t, "slow down", refusal.Message)
					require.Greater(t, refusal.RetryAfter, 2*time.Second, "the server's wait")
				})
			})
		}
	}
}

// The cap is for what servers ask, not for the waits that the client chooses.
func TestCapOfRetryAfterLeavesBackoffAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Response{Status: 503}, script.Response{Body: apitest.OneIntegration})
		policy := apono.RetryPolicy{MinWait: 5 * time.Second, MaxWait: 5 * time.Second, MaxRetryAfter: time.Second}
		require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithRetryPolicy(policy))))
		require.Equal(t, []time.Duration{5 * time.Second}, apitest.Waits(fake))
	})
}

// Waiting for an attempt that can no longer be made wastes the caller's time,
// and an error that holds the deadline alone hides that the server said 429.
func TestWaitPastTheDeadlineEndsTheCallWithBothErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		deadline time.Duration
		answer   script.Response
	}{
		{"asked by the server", 10 * time.Second, script.Response{Status: 429, Header: map[string]string{"Retry-After": "11"}}},
		{"chosen by the client", 400 * time.Millisecond, script.Response{Status: 429}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tc.deadline)
				defer cancel()
				fake := script.New(t, tc.answer)
				started := time.Now()
				err := apitest.GetIntegration(ctx, apitest.NewClient(t, fake))
				require.Zero(t, time.Since(started))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, apono.ErrRateLimited)
				require.Equal(t, 1, apitest.ErrorAs[*apono.APIError](t, err).Attempts)
				require.ErrorContains(t, err, "the last response was 429 Too Many Requests")
			})
		})
	}
}

// The same without an answer: what failed stays reachable beside the deadline.
func TestWaitPastTheDeadlineKeepsTheTransportsError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		err := apitest.GetIntegration(ctx, apitest.NewClient(t, script.New(t, script.Response{Err: apitest.ErrReset})))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, apitest.ErrReset)
	})
}

// A program that is told to stop must not sleep through it, and an error that
// holds the cancellation alone hides what the server had answered.
func TestContextEndsTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shutdown := errors.New("shutting down")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3*time.Second, func() { cancel(shutdown) })
		fake := script.New(t, script.Response{Status: 503, Body: `{"message":"down"}`})
		policy := apono.RetryPolicy{MinWait: time.Minute, MaxWait: time.Minute}
		started := time.Now()
		err := apitest.GetIntegration(ctx, apitest.NewClient(t, fake, apono.WithRetryPolicy(policy)))
		require.LessOrEqual(t, time.Since(started), 3*time.Second+50*time.Millisecond, "an end at once")
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, shutdown)
		require.ErrorIs(t, err, apono.ErrServer)
		require.Equal(t, "down", apitest.ErrorAs[*apono.APIError](t, err).Message)
	})
}

func TestContextEndsAnAttempt(t *testing.T) {
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

func TestEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := apitest.GetIntegration(ctx, apitest.NewClient(t, apitest.NoRequest(t)))
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, apitest.ErrorAs[*apono.TransportError](t, err).Attempts)
}

// A timeout that is meant for one attempt is of no use if the call ends with
// it: one hanging server behind a balancer would fail every call that meets it.
func TestAttemptTimeoutIsRetriedWhileTheContextLives(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		opts []apono.Option
		want time.Duration
	}{
		{"default", nil, 30 * time.Second},
		{"given", []apono.Option{apono.WithAttemptTimeout(2 * time.Second)}, 2 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, script.Response{Delay: time.Hour}, script.Response{Body: apitest.OneIntegration})
				require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, tc.opts...)))
				backoff := apitest.Waits(fake)[0] - tc.want
				require.GreaterOrEqualf(t, backoff, 500*time.Millisecond, "a timeout of %s and a wait, got %s", tc.want, apitest.Waits(fake)[0])
				require.LessOrEqualf(t, backoff, time.Second, "a timeout of %s and a wait, got %s", tc.want, apitest.Waits(fake)[0])
			})
		})
	}
}

// The timeout covers the body too: servers that stop in the middle of an answer
// hang just as long as those that never begin.
func TestAttemptTimeoutCoversTheBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		stalling := apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
			requests++
			reader, writer := io.Pipe()
			context.AfterFunc(req.Context(), func() { _ = writer.CloseWithError(req.Context().Err()) })
			return &http.Response{StatusCode: 200, Body: reader, ContentLength: -1, Request: req}, nil
		})
		started := time.Now()
		client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithHTTPClient(&http.Client{Transport: stalling}), apono.WithAttemptTimeout(time.Second))
		err := apitest.CallWith(t.Context(), http.MethodPost, client)
		require.Equal(t, time.Second, time.Since(started))
		require.Equal(t, 1, requests)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, apitest.ErrorAs[*apono.DecodeError](t, err), "only 0 bytes of the body within 1s: raise WithAttemptTimeout")
	})
}

// The timeout of the caller's own http.Client is for one attempt as well.
func TestTimeoutOfTheHTTPClientIsRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Response{Delay: time.Hour}, script.Response{Body: apitest.OneIntegration})
		httpClient := &http.Client{Transport: fake, Timeout: 5 * time.Second}
		require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithHTTPClient(httpClient))))
		require.GreaterOrEqual(t, apitest.Waits(fake)[0], 5500*time.Millisecond, "5 s and a wait")
		require.LessOrEqual(t, apitest.Waits(fake)[0], 6*time.Second, "5 s and a wait")
	})
}

// tokens is a token source that counts what it is asked.
type tokens struct{ refused []bool }

func (s *tokens) next(ctx context.Context) (string, error) {
	s.refused = append(s.refused, apono.TokenRefused(ctx))
	return fmt.Sprintf("token-%d", len(s.refused)), nil
}

// Tokens expire while programs run. A refused request was not carried out, so
// it is safe to repeat whatever its method; but a source that gives bad tokens
// must not be asked for ever.
func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	ok := script.Response{Body: apitest.OneIntegration}
	for _, tc := range []struct {
		name    string
		answers []script.Response
		refused []bool
		status  int
	}{
		{"good at once", []script.Response{ok}, []bool{false}, 0},
		{"good after renewal", []script.Response{{Status: 401}, ok}, []bool{false, true}, 0},
		{"bad after renewal", []script.Response{{Status: 401}, {Status: 401}}, []bool{false, true}, 401},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			t.Run(tc.name+" with "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var source tokens
					fake := script.New(t, tc.answers...)
					err := apitest.CallWith(t.Context(), method, apitest.NewClient(t, fake, apono.WithTokenSource(source.next)))
					if tc.status == 0 {
						require.NoError(t, err)
					} else {
						apitest.IsAPIError(t, err, tc.status, len(tc.answers))
					}
					require.Equal(t, tc.refused, source.refused)
					require.Equal(t, []string{"Bearer token-1", "Bearer token-1, Bearer token-2"}[len(tc.answers)-1], apitest.Authorizations(fake))
					for _, wait := range apitest.Waits(fake) {
						require.Zero(t, wait)
					}
				})
			})
		}
	}
}

// The renewal does not use up the attempts that are meant for failures.
func TestRenewalLeavesTheAttemptsForFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var source tokens
		fake := script.New(t, script.Response{Status: 401}, script.Response{Status: 503}, script.Response{Status: 503}, script.Response{Status: 503})
		apitest.IsAPIError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithTokenSource(source.next))), 503, 4)
	})
}

// A source that keeps its token renews it when it hears that it was refused.
// Hearing so of a token that the server has accepted since, it would throw a
// good token away on every failure that follows.
func TestTokenIsCalledRefusedOnlyAfterARefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var source tokens
		fake := script.New(t, script.Response{Status: 401}, script.Response{Status: 503}, script.Response{Body: apitest.OneIntegration})
		require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithTokenSource(source.next))))
		require.Equal(t, []bool{false, true, false}, source.refused)
	})
}

// The source is asked before every attempt, because a token may expire during
// the wait before it.
func TestTokenSourceIsAskedForEveryAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var source tokens
		fake := script.New(t, script.Response{Status: 503}, script.Response{Body: apitest.OneIntegration})
		require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithTokenSource(source.next))))
		require.Equal(t, "Bearer token-1, Bearer token-2", apitest.Authorizations(fake))
		require.Equal(t, []bool{false, false}, source.refused)
	})
}

func TestTokenSourceFails(t *testing.T) {
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

// A source that fails in the renewal leaves the refusal that caused it in sight.
func TestTokenSourceFailsInTheRenewal(t *testing.T) {
	t.Parallel()
	broken := errors.New("vault is sealed")
	source := func(ctx context.Context) (string, error) {
		if apono.TokenRefused(ctx) {
			return "", broken
		}
		return "token-1", nil
	}
	fake := script.New(t, script.Response{Status: 401})
	err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithTokenSource(source)))
	require.ErrorIs(t, err, broken)
	require.ErrorIs(t, err, apono.ErrUnauthorized)
}

// A file with a line break at its end is where bad tokens come from. They are
// found before a header is made of them, and errors do not print them.
func TestTokenSourceGivesABadToken(t *testing.T) {
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

// WithoutRetry is for callers that repeat by themselves: also the renewal of a
// token is theirs.
func TestWithoutRetry(t *testing.T) {
	t.Parallel()
	for _, answer := range []script.Response{{Status: 401}, {Status: 429}, {Status: 503}, {Err: apitest.ErrConnectionRefused}, {Body: "{", BodyErr: io.ErrUnexpectedEOF}} {
		t.Run(fmt.Sprint(answer.Status, answer.Err, answer.BodyErr), func(t *testing.T) {
			t.Parallel()
			var source tokens
			fake := script.New(t, answer)
			err := apitest.GetIntegration(apono.WithoutRetry(t.Context()), apitest.NewClient(t, fake, apono.WithTokenSource(source.next)))
			require.Error(t, err)
			require.Len(t, fake.Requests(), 1)
			require.Len(t, source.refused, 1)
		})
	}
}
