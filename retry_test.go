package apono_test

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
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

// oneIntegration has what the API document requires of an integration.
const oneIntegration = `{"id":"i-1","name":"prod","type":"postgresql","category":"RESOURCES","status":"ACTIVE","integration_config":{}}`

// callWith makes a call that succeeds when oneIntegration is answered.
func callWith(ctx context.Context, method string, c *apono.Client) error {
	switch method {
	case http.MethodGet:
		_, err := c.Integrations.Get(ctx, "i-1")
		return err
	case http.MethodPut:
		_, err := c.Integrations.Update(ctx, "i-1", apono.UpdateIntegrationInput{Name: "prod"})
		return err
	case http.MethodDelete:
		return c.Integrations.Delete(ctx, "i-1")
	case http.MethodPost:
		_, err := c.Integrations.Create(ctx, apono.CreateIntegrationInput{Name: "prod", Type: "postgresql"})
		return err
	default:
		return c.Do(ctx, method, "/api/v1/access-flows/f-1", nil, map[string]any{"active": true}, new(map[string]any))
	}
}

// getIntegration is callWith for tests in which the method does not matter.
func getIntegration(ctx context.Context, c *apono.Client) error {
	return callWith(ctx, http.MethodGet, c)
}

// waits are the times between the requests.
func waits(fake *script.Transport) []time.Duration {
	var all []time.Duration
	requests := fake.Requests()
	for i := 1; i < len(requests); i++ {
		all = append(all, requests[i].At.Sub(requests[i-1].At))
	}
	return all
}

// isRefusal fails unless the error is the server's answer and nothing more.
func isRefusal(t *testing.T, err error, status, attempts int) {
	t.Helper()
	refusal := check.ErrorAs[*apono.APIError](t, err)
	check.Equal(t, refusal.StatusCode, status)
	check.Equal(t, refusal.Attempts, attempts)
	check.True(t, !errors.As(err, new(*apono.TransportError)), "the answer itself, got %v", err)
}

var (
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errProxy   = &net.OpError{Op: "proxyconnect", Net: "tcp", Err: errors.New("bad gateway")}
	errLookup  = &net.DNSError{Err: "server misbehaving", Name: "apono.test", IsTemporary: true}
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
		answer script.Answer
		status int
		cause  error
		// safe is how many requests GET, PUT and DELETE make, other POST and PATCH.
		safe, other int
	}{
		{"400", script.Answer{Status: 400}, 400, nil, 1, 1},
		{"401", script.Answer{Status: 401}, 401, nil, 1, 1},
		{"403", script.Answer{Status: 403}, 403, nil, 1, 1},
		{"404", script.Answer{Status: 404}, 404, nil, 1, 1},
		{"408", script.Answer{Status: 408}, 408, nil, 3, 1},
		{"409", script.Answer{Status: 409}, 409, nil, 1, 1},
		{"425", script.Answer{Status: 425}, 425, nil, 3, 1},
		{"429", script.Answer{Status: 429}, 429, nil, 3, 3},
		{"500", script.Answer{Status: 500}, 500, nil, 3, 1},
		{"501", script.Answer{Status: 501}, 501, nil, 1, 1},
		{"502", script.Answer{Status: 502}, 502, nil, 3, 1},
		{"503", script.Answer{Status: 503}, 503, nil, 3, 1},
		{"504", script.Answer{Status: 504}, 504, nil, 3, 1},
		{"connection broken after sending", script.Answer{Err: errReset}, noStatus, errReset, 3, 1},
		{"connection refused", script.Answer{Err: errRefused}, noStatus, errRefused, 3, 3},
		{"proxy failed", script.Answer{Err: errProxy}, noStatus, errProxy, 3, 3},
		{"name server failed", script.Answer{Err: errLookup}, noStatus, errLookup, 3, 3},
		{"body cut", script.Answer{Body: `{"id":`, BodyErr: io.ErrUnexpectedEOF}, 200, io.ErrUnexpectedEOF, 3, 1},
		{"attempt timeout", script.Answer{Delay: time.Hour}, noStatus, context.DeadlineExceeded, 3, 1},
		{"no such host", script.Answer{Err: errNoHost}, noStatus, errNoHost, 1, 1},
		{"certificate revoked", script.Answer{Err: errRevoked}, noStatus, errRevoked, 1, 1},
		{"certificate expired", script.Answer{Err: errExpired}, noStatus, errExpired, 1, 1},
		{"certificate of an unknown authority", script.Answer{Err: errUnknown}, noStatus, errUnknown, 1, 1},
		{"certificate of another host", script.Answer{Err: errOther}, noStatus, errOther, 1, 1},
		{"no TLS", script.Answer{Err: errNoTLS}, noStatus, errNoTLS, 1, 1},
	} {
		for method, requests := range map[string]int{
			http.MethodGet: tc.safe, http.MethodPut: tc.safe, http.MethodDelete: tc.safe,
			http.MethodPost: tc.other, http.MethodPatch: tc.other,
		} {
			t.Run(tc.name+" to "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					fake := script.New(t, slices.Repeat([]script.Answer{tc.answer}, requests)...)
					err := callWith(t.Context(), method, newClient(t, fake))
					for _, req := range fake.Requests() {
						check.Equal(t, req.Method, method)
					}
					switch {
					case tc.cause == nil:
						isRefusal(t, err, tc.status, requests)
					case tc.status == noStatus:
						check.ErrorIs(t, err, tc.cause)
						failure := check.ErrorAs[*apono.TransportError](t, err)
						check.Equal(t, failure.Attempts, requests)
						check.Equal(t, failure.Last, nil)
					default:
						check.ErrorIs(t, err, tc.cause)
						unusable := check.ErrorAs[*apono.DecodeError](t, err)
						check.Equal(t, unusable.StatusCode, tc.status)
						check.Equal(t, unusable.Attempts, requests)
						check.Equal(t, string(unusable.Body), `{"id":`)
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
			fake := script.New(t, script.Answer{Body: oneIntegration})
			check.NoError(t, callWith(t.Context(), method, newClient(t, fake)))
			check.Equal(t, len(fake.Requests()), 1)
		})
	}
}

// Somebody who creates something has to know whether the server may have
// received the request before creating it again by hand.
func TestMaybeSent(t *testing.T) {
	t.Parallel()
	once := apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 1})
	for _, tc := range []struct {
		name string
		err  error
		want bool
	}{
		{"connection refused", errRefused, false},
		{"no such host", errNoHost, false},
		{"connection broken after sending", errReset, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Answer{Err: tc.err})
			err := callWith(t.Context(), http.MethodPost, newClient(t, fake, once))
			check.Equal(t, check.ErrorAs[*apono.TransportError](t, err).MaybeSent, tc.want)
		})
	}
}

// Each repetition is judged by its own outcome, so that a create which was
// first refused and then possibly carried out is not sent a third time.
func TestOutcomesMayDiffer(t *testing.T) {
	t.Parallel()
	ok := script.Answer{Body: oneIntegration}
	for _, tc := range []struct {
		name    string
		method  string
		answers []script.Answer
		check   func(t *testing.T, err error)
	}{
		{"GET recovers", http.MethodGet, []script.Answer{{Status: 503}, {Err: errReset}, ok}, func(t *testing.T, err error) {
			check.NoError(t, err)
		}},
		{"GET recovers from a cut body", http.MethodGet, []script.Answer{{Body: "{", BodyErr: io.ErrUnexpectedEOF}, ok}, func(t *testing.T, err error) {
			check.NoError(t, err)
		}},
		{"GET meets a refusal", http.MethodGet, []script.Answer{{Status: 503}, {Status: 403}}, func(t *testing.T, err error) {
			isRefusal(t, err, 403, 2)
		}},
		{"POST recovers", http.MethodPost, []script.Answer{{Status: 429}, {Status: 429}, ok}, func(t *testing.T, err error) {
			check.NoError(t, err)
		}},
		{"POST meets a failure", http.MethodPost, []script.Answer{{Status: 429}, {Status: 503}}, func(t *testing.T, err error) {
			isRefusal(t, err, 503, 2)
		}},
		{"POST cannot connect after a refusal", http.MethodPost, []script.Answer{{Status: 429}, {Err: errRefused}, ok}, func(t *testing.T, err error) {
			check.NoError(t, err)
		}},
		{"POST breaks after a refusal", http.MethodPost, []script.Answer{{Status: 429}, {Err: errReset}}, func(t *testing.T, err error) {
			check.ErrorIs(t, err, errReset)
			check.ErrorIs(t, err, apono.ErrRateLimited)
			check.Equal(t, check.ErrorAs[*apono.TransportError](t, err).Last.StatusCode, 429)
		}},
		{"GET keeps the last answer", http.MethodGet, []script.Answer{{Status: 503}, {Status: 502}, {Err: errReset}}, func(t *testing.T, err error) {
			check.ErrorIs(t, err, errReset)
			check.Equal(t, check.ErrorAs[*apono.TransportError](t, err).Last.StatusCode, 502)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, tc.answers...)
				tc.check(t, callWith(t.Context(), tc.method, newClient(t, fake)))
				check.Equal(t, len(fake.Requests()), len(tc.answers))
			})
		})
	}
}

// Retry loops like to end in "giving up after 3 attempts", which tells nobody
// what the server said and support nothing to look for.
func TestExhaustedAttemptsEndInTheLastAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answer := func(id string) script.Answer {
			return script.Answer{Status: 503, Header: map[string]string{"X-Request-Id": id}, Body: `{"message":"down for ` + id + `"}`}
		}
		fake := script.New(t, answer("r-1"), answer("r-2"), answer("r-3"))
		err := getIntegration(t.Context(), newClient(t, fake))
		check.ErrorIs(t, err, apono.ErrServer)
		check.Equal(t, err.Error(), "apono: GET /api/admin/v4/integrations/{id}: 503 Service Unavailable: "+
			"down for r-3, request id r-3, after 3 attempts")
	})
}

func TestMaxAttempts(t *testing.T) {
	t.Parallel()
	for _, attempts := range []int{1, 2, 5} {
		t.Run(fmt.Sprint(attempts), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, slices.Repeat([]script.Answer{{Status: 503}}, attempts)...)
				policy := apono.RetryPolicy{MaxAttempts: attempts}
				isRefusal(t, getIntegration(t.Context(), newClient(t, fake, apono.WithRetryPolicy(policy))), 503, attempts)
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
					fake := script.New(t, slices.Repeat([]script.Answer{{Status: 503}}, len(tc.most)+1)...)
					isRefusal(t, getIntegration(t.Context(), newClient(t, fake, tc.opts...)), 503, len(tc.most)+1)
					for i, wait := range waits(fake) {
						check.True(t, wait >= tc.least && wait <= tc.most[i], "wait %d to be %s to %s, got %s", i+1, tc.least, tc.most[i], wait)
						longest[i], shortest[i] = max(longest[i], wait), min(shortest[i], wait)
					}
				}
				// Of a hundred waits some are in the upper quarter, and some in the lower.
				for i, most := range tc.most {
					quarter := (most - tc.least) / 4
					check.True(t, longest[i] >= most-quarter, "wait %d to come near %s, the longest is %s", i+1, most, longest[i])
					check.True(t, shortest[i] <= tc.least+quarter, "wait %d to come near %s, the shortest is %s", i+1, tc.least, shortest[i])
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
					fake := script.New(t, script.Answer{Status: status, Header: header}, script.Answer{Body: oneIntegration})
					check.NoError(t, getIntegration(t.Context(), newClient(t, fake)))
					wait := waits(fake)[0]
					if tc.want == backoff {
						check.True(t, wait >= 500*time.Millisecond && wait <= time.Second, "an ordinary wait, got %s", wait)
					} else {
						check.Equal(t, wait, tc.want)
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
					fake := script.New(t, script.Answer{Status: 429, Header: map[string]string{"Retry-After": tc.value}, Body: `{"message":"slow down"}`})
					started := time.Now()
					err := callWith(t.Context(), method, newClient(t, fake, apono.WithRetryPolicy(tc.policy)))
					check.Equal(t, time.Since(started), 0)
					isRefusal(t, err, 429, 1)
					check.ErrorIs(t, err, apono.ErrRateLimited)
					refusal := check.ErrorAs[*apono.APIError](t, err)
					check.Equal(t, refusal.Message, "slow down")
					check.True(t, refusal.RetryAfter > 2*time.Second, "the server's wait, got %s", refusal.RetryAfter)
				})
			})
		}
	}
}

// The cap is for what servers ask, not for the waits that the client chooses.
func TestCapOfRetryAfterLeavesBackoffAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Answer{Status: 503}, script.Answer{Body: oneIntegration})
		policy := apono.RetryPolicy{MinWait: 5 * time.Second, MaxWait: 5 * time.Second, MaxRetryAfter: time.Second}
		check.NoError(t, getIntegration(t.Context(), newClient(t, fake, apono.WithRetryPolicy(policy))))
		check.Equal(t, waits(fake), []time.Duration{5 * time.Second})
	})
}

// Waiting for an attempt that can no longer be made wastes the caller's time,
// and an error that holds the deadline alone hides that the server said 429.
func TestWaitPastTheDeadlineEndsTheCallWithBothErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		deadline time.Duration
		answer   script.Answer
	}{
		{"asked by the server", 10 * time.Second, script.Answer{Status: 429, Header: map[string]string{"Retry-After": "11"}}},
		{"chosen by the client", 400 * time.Millisecond, script.Answer{Status: 429}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tc.deadline)
				defer cancel()
				fake := script.New(t, tc.answer)
				started := time.Now()
				err := getIntegration(ctx, newClient(t, fake))
				check.Equal(t, time.Since(started), 0)
				check.ErrorIs(t, err, context.DeadlineExceeded)
				check.ErrorIs(t, err, apono.ErrRateLimited)
				check.Equal(t, check.ErrorAs[*apono.APIError](t, err).Attempts, 1)
				check.Contains(t, err.Error(), "the last answer was 429 Too Many Requests")
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
		err := getIntegration(ctx, newClient(t, script.New(t, script.Answer{Err: errReset})))
		check.ErrorIs(t, err, context.DeadlineExceeded)
		check.ErrorIs(t, err, errReset)
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
		fake := script.New(t, script.Answer{Status: 503, Body: `{"message":"down"}`})
		policy := apono.RetryPolicy{MinWait: time.Minute, MaxWait: time.Minute}
		started := time.Now()
		err := getIntegration(ctx, newClient(t, fake, apono.WithRetryPolicy(policy)))
		check.True(t, time.Since(started) <= 3*time.Second+50*time.Millisecond, "an end at once, got one after %s", time.Since(started))
		check.ErrorIs(t, err, context.Canceled)
		check.ErrorIs(t, err, shutdown)
		check.ErrorIs(t, err, apono.ErrServer)
		check.Equal(t, check.ErrorAs[*apono.APIError](t, err).Message, "down")
	})
}

func TestContextEndsAnAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		fake := script.New(t, script.Answer{Delay: time.Hour})
		started := time.Now()
		err := getIntegration(ctx, newClient(t, fake))
		check.Equal(t, time.Since(started), 10*time.Second)
		check.ErrorIs(t, err, context.DeadlineExceeded)
		check.Equal(t, check.ErrorAs[*apono.TransportError](t, err).MaybeSent, true)
	})
}

func TestEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := getIntegration(ctx, newClient(t, noRequest(t)))
	check.ErrorIs(t, err, context.Canceled)
	check.Equal(t, check.ErrorAs[*apono.TransportError](t, err).Attempts, 0)
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
				fake := script.New(t, script.Answer{Delay: time.Hour}, script.Answer{Body: oneIntegration})
				check.NoError(t, getIntegration(t.Context(), newClient(t, fake, tc.opts...)))
				backoff := waits(fake)[0] - tc.want
				check.True(t, backoff >= 500*time.Millisecond && backoff <= time.Second, "a timeout of %s and a wait, got %s", tc.want, waits(fake)[0])
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
		stalling := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			requests++
			reader, writer := io.Pipe()
			context.AfterFunc(req.Context(), func() { _ = writer.CloseWithError(req.Context().Err()) })
			return &http.Response{StatusCode: 200, Body: reader, ContentLength: -1, Request: req}, nil
		})
		started := time.Now()
		client := newClient(t, noRequest(t), apono.WithHTTPClient(&http.Client{Transport: stalling}), apono.WithAttemptTimeout(time.Second))
		err := callWith(t.Context(), http.MethodPost, client)
		check.Equal(t, time.Since(started), time.Second)
		check.Equal(t, requests, 1)
		check.ErrorIs(t, err, context.DeadlineExceeded)
		check.Contains(t, check.ErrorAs[*apono.DecodeError](t, err).Error(), "no answer within 1s")
	})
}

// The timeout of the caller's own http.Client is for one attempt as well.
func TestTimeoutOfTheHTTPClientIsRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Answer{Delay: time.Hour}, script.Answer{Body: oneIntegration})
		httpClient := &http.Client{Transport: fake, Timeout: 5 * time.Second}
		check.NoError(t, getIntegration(t.Context(), newClient(t, fake, apono.WithHTTPClient(httpClient))))
		check.True(t, waits(fake)[0] >= 5500*time.Millisecond && waits(fake)[0] <= 6*time.Second, "5 s and a wait, got %s", waits(fake)[0])
	})
}

// tokens is a token source that counts what it is asked.
type tokens struct{ refused []bool }

func (s *tokens) next(ctx context.Context) (string, error) {
	s.refused = append(s.refused, apono.TokenRefused(ctx))
	return fmt.Sprintf("token-%d", len(s.refused)), nil
}

// authorizations are the Authorization headers that were sent.
func authorizations(fake *script.Transport) string {
	var all []string
	for _, req := range fake.Requests() {
		all = append(all, req.Header.Get("Authorization"))
	}
	return strings.Join(all, ", ")
}

// Tokens expire while programs run. A refused request was not carried out, so
// it is safe to repeat whatever its method; but a source that gives bad tokens
// must not be asked for ever.
func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	ok := script.Answer{Body: oneIntegration}
	for _, tc := range []struct {
		name    string
		answers []script.Answer
		refused []bool
		status  int
	}{
		{"good at once", []script.Answer{ok}, []bool{false}, 0},
		{"good after renewal", []script.Answer{{Status: 401}, ok}, []bool{false, true}, 0},
		{"bad after renewal", []script.Answer{{Status: 401}, {Status: 401}}, []bool{false, true}, 401},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			t.Run(tc.name+" with "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var source tokens
					fake := script.New(t, tc.answers...)
					err := callWith(t.Context(), method, newClient(t, fake, apono.WithTokenSource(source.next)))
					if tc.status == 0 {
						check.NoError(t, err)
					} else {
						isRefusal(t, err, tc.status, len(tc.answers))
					}
					check.Equal(t, source.refused, tc.refused)
					check.Equal(t, authorizations(fake), []string{"Bearer token-1", "Bearer token-1, Bearer token-2"}[len(tc.answers)-1])
					for _, wait := range waits(fake) {
						check.Equal(t, wait, 0)
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
		fake := script.New(t, script.Answer{Status: 401}, script.Answer{Status: 503}, script.Answer{Status: 503}, script.Answer{Status: 503})
		isRefusal(t, getIntegration(t.Context(), newClient(t, fake, apono.WithTokenSource(source.next))), 503, 4)
	})
}

// A source that keeps its token renews it when it hears that it was refused.
// Hearing so of a token that the server has accepted since, it would throw a
// good token away on every failure that follows.
func TestTokenIsCalledRefusedOnlyAfterARefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var source tokens
		fake := script.New(t, script.Answer{Status: 401}, script.Answer{Status: 503}, script.Answer{Body: oneIntegration})
		check.NoError(t, getIntegration(t.Context(), newClient(t, fake, apono.WithTokenSource(source.next))))
		check.Equal(t, source.refused, []bool{false, true, false})
	})
}

// The source is asked before every attempt, because a token may expire during
// the wait before it.
func TestTokenSourceIsAskedForEveryAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var source tokens
		fake := script.New(t, script.Answer{Status: 503}, script.Answer{Body: oneIntegration})
		check.NoError(t, getIntegration(t.Context(), newClient(t, fake, apono.WithTokenSource(source.next))))
		check.Equal(t, authorizations(fake), "Bearer token-1, Bearer token-2")
		check.Equal(t, source.refused, []bool{false, false})
	})
}

func TestTokenSourceFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("vault is sealed")
	client := newClient(t, noRequest(t), apono.WithTokenSource(func(context.Context) (string, error) { return "", broken }))
	err := callWith(t.Context(), http.MethodPost, client)
	check.ErrorIs(t, err, broken)
	check.Equal(t, err.Error(), "apono: POST /api/admin/v4/integrations: getting a token: vault is sealed")
	failure := check.ErrorAs[*apono.TransportError](t, err)
	check.Equal(t, failure.Attempts, 0)
	check.Equal(t, failure.MaybeSent, false)
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
	fake := script.New(t, script.Answer{Status: 401})
	err := getIntegration(t.Context(), newClient(t, fake, apono.WithTokenSource(source)))
	check.ErrorIs(t, err, broken)
	check.ErrorIs(t, err, apono.ErrUnauthorized)
}

// A file with a line break at its end is where bad tokens come from. They are
// found before a header is made of them, and errors do not print them.
func TestTokenSourceGivesABadToken(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "hidden-1\n", "hidden 1", "hiddén-1", "Bearer hidden-1"} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			source := func(context.Context) (string, error) { return token, nil }
			err := getIntegration(t.Context(), newClient(t, noRequest(t), apono.WithTokenSource(source)))
			check.ErrorAs[*apono.ArgumentError](t, err)
			check.Lacks(t, fmt.Sprintf("%v %+v %#v", err, err, err), "hidd")
		})
	}
}

// WithoutRetry is for callers that repeat by themselves: also the renewal of a
// token is theirs.
func TestWithoutRetry(t *testing.T) {
	t.Parallel()
	for _, answer := range []script.Answer{{Status: 401}, {Status: 429}, {Status: 503}, {Err: errRefused}, {Body: "{", BodyErr: io.ErrUnexpectedEOF}} {
		t.Run(fmt.Sprint(answer.Status, answer.Err, answer.BodyErr), func(t *testing.T) {
			t.Parallel()
			var source tokens
			fake := script.New(t, answer)
			err := getIntegration(apono.WithoutRetry(t.Context()), newClient(t, fake, apono.WithTokenSource(source.next)))
			check.True(t, err != nil, "an error")
			check.Equal(t, len(fake.Requests()), 1)
			check.Equal(t, len(source.refused), 1)
		})
	}
}
