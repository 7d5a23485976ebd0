package apono_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/apono-go/apono/internal/transport"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// waitingFor returns responses with the given statuses.
func waitingFor(statuses ...string) []script.Response {
	responses := make([]script.Response, 0, len(statuses))
	for _, status := range statuses {
		responses = append(responses, script.Response{Body: fmt.Sprintf(`{"id": "ar-1", "status": %q}`, status)})
	}
	return responses
}

// neverDone makes a wait endless.
func neverDone(*apono.AccessRequest) (bool, error) { return false, nil }

// lastSeen checks that the error is a WaitError with this text, and returns the last
// status of the request, "never" if it was never read.
func lastSeen(t *testing.T, err error, text string) apono.AccessRequestStatus {
	t.Helper()
	ended := apitest.ErrorAs[*apono.WaitError](t, err)
	require.EqualError(t, err, text)
	if ended.Request == nil {
		return "never"
	}
	require.Equal(t, "ar-1", ended.Request.ID)
	return ended.Request.Status
}

func TestWaitForPollsImmediately(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		fake := script.New(t, waitingFor("ACTIVE")...)
		got, err := apitest.NewClient(t, fake).AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted)
		require.NoError(t, err)
		require.Equal(t, &apono.AccessRequest{ID: "ar-1", Status: "ACTIVE"}, got)
		require.Zero(t, time.Since(start))
		apitest.Sent(t, fake.Requests()[0], "GET", "/api/user/v4/access-requests/ar-1", "", "")
	})
}

// Intervals grow, so that an approval that takes hours does not need many requests. They
// are bounded, so that the approval is noticed, and random, so that waits started
// together poll at different times.
func TestWaitForIntervals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const polls = 30
		var firsts, lasts []time.Duration
		for range 10 {
			statuses := make([]string, polls)
			statuses[polls-1] = "ACTIVE"
			fake := script.New(t, waitingFor(statuses...)...)
			_, err := apitest.NewClient(t, fake).AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted)
			require.NoError(t, err)
			all := apitest.Waits(fake)
			require.GreaterOrEqual(t, all[0], 750*time.Millisecond, "the first wait must be about a second")
			require.LessOrEqual(t, all[0], time.Second, "the first wait must be about a second")
			for i, wait := range all {
				require.LessOrEqualf(t, wait, 15*time.Second, "wait %d must be at most 15 s", i)
				if i >= 7 { // the longest interval with jitter
					require.GreaterOrEqualf(t, wait, 11*time.Second, "wait %d must be at least 11 s", i)
				} else if i > 0 {
					require.Greaterf(t, wait, all[i-1], "wait %d must be longer than %s and at most twice as long", i, all[i-1])
					require.LessOrEqualf(t, wait, 2*all[i-1], "wait %d must be longer than %s and at most twice as long", i, all[i-1])
				}
			}
			firsts, lasts = append(firsts, all[0]), append(lasts, all[7:]...)
		}
		require.Greater(t, slices.Max(firsts)-slices.Min(firsts), 10*time.Millisecond, "first waits must vary")
		require.Greater(t, slices.Max(lasts)-slices.Min(lasts), time.Second, "longest waits must vary")
	})
}

func TestWaitForEndsAtDeadline(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		responses []script.Response
		text      string
		last      apono.AccessRequestStatus
	}{
		"between two polls": {
			waitingFor("PENDING", "Granting", "Pending MFA"),
			"apono: waiting for access request ar-1: context deadline exceeded; its last status was Pending MFA", "Pending MFA",
		},
		"during a poll": {
			append(waitingFor("PENDING"), script.Response{Delay: 10 * time.Second}),
			"apono: waiting for access request ar-1: GET /api/user/v4/access-requests/{id}: context deadline exceeded; its last status was PENDING", "PENDING",
		},
		"during the first poll": {
			[]script.Response{{Delay: 10 * time.Second}},
			"apono: waiting for ar-1: GET /api/user/v4/access-requests/{id}: context deadline exceeded", "never",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				start := time.Now()
				got, err := apitest.NewClient(t, script.New(t, test.responses...)).AccessRequests.WaitFor(ctx, "ar-1", apono.UntilGranted)
				require.Equal(t, 3*time.Second, time.Since(start))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, test.last, lastSeen(t, err, test.text))
				require.Nil(t, got)
			})
		})
	}
}

// The error has the cause of the context, whether it ends between two polls or during
// one.
func TestWaitForEndsWithContext(t *testing.T) {
	t.Parallel()
	why := errors.New("the user left")
	for name, responses := range map[string][]script.Response{
		"between two polls": waitingFor("PENDING"),
		"during a poll":     {{Delay: time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer time.AfterFunc(400*time.Millisecond, func() { cancel(why) }).Stop()
				start := time.Now()
				_, err := apitest.NewClient(t, script.New(t, responses...)).AccessRequests.WaitFor(ctx, "ar-1", neverDone)
				took := time.Since(start)
				require.GreaterOrEqual(t, took, 400*time.Millisecond, "the wait must end within 50 ms")
				require.Less(t, took, 450*time.Millisecond, "the wait must end within 50 ms")
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, why)
				require.ErrorAs(t, err, new(*apono.WaitError))
			})
		})
	}
}

func TestWaitForWithAnEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := apitest.NewClient(t, apitest.NoRequest(t)).AccessRequests.WaitFor(ctx, "ar-1", apono.UntilGranted)
	require.ErrorIs(t, err, context.Canceled)
	require.EqualValues(t, "never", lastSeen(t, err, "apono: waiting for ar-1: GET /api/user/v4/access-requests/{id}: context canceled"))
}

var errDone = errors.New("the change window is over")

func TestWaitForEndsWithPermanentStatusOrError(t *testing.T) {
	t.Parallel()
	const waiting = "apono: waiting for access request ar-1: "
	const request = "GET /api/user/v4/access-requests/{id}: "
	for name, test := range map[string]struct {
		responses []script.Response
		done      func(*apono.AccessRequest) (bool, error)
		err       error
		text      string
		last      apono.AccessRequestStatus
	}{
		"rejected": {
			waitingFor("PENDING", "Rejected"), apono.UntilGranted, apono.ErrRequestRejected,
			waiting + "the access request was rejected; its last status was Rejected", "Rejected",
		},
		"failed": {
			waitingFor("GRANTING", "FAILED"), apono.UntilGranted, apono.ErrRequestFailed,
			waiting + "the access request failed; its last status was FAILED", "FAILED",
		},
		"revoked while waiting to be granted": {
			waitingFor("PENDING", "revoked"), apono.UntilGranted, apono.ErrRequestRevoked,
			waiting + "the access request was revoked or has expired; its last status was revoked", "revoked",
		},
		"being revoked while waiting to be granted": {
			waitingFor("REVOKING"), apono.UntilGranted, apono.ErrRequestRevoked,
			waiting + "the access request was revoked or has expired; its last status was REVOKING", "REVOKING",
		},
		"expired while waiting to be granted": {
			waitingFor("Expired"), apono.UntilGranted, apono.ErrRequestRevoked,
			waiting + "the access request was revoked or has expired; its last status was Expired", "Expired",
		},
		"rejected while waiting to be revoked": {
			waitingFor("PENDING", "REJECTED"), apono.UntilRevoked, apono.ErrRequestRejected,
			waiting + "the access request was rejected; its last status was REJECTED", "REJECTED",
		},
		"failed while waiting to be revoked": {
			waitingFor("Revoking", "Failed"), apono.UntilRevoked, apono.ErrRequestFailed,
			waiting + "the access request failed; its last status was Failed", "Failed",
		},
		"forbidden": {
			append(waitingFor("PENDING"), script.Response{Status: 403, Body: `{"message": "not yours"}`}), apono.UntilGranted, apono.ErrForbidden,
			waiting + request + "403 Forbidden: not yours; its last status was PENDING", "PENDING",
		},
		"the caller's error": {
			waitingFor("PENDING"), func(*apono.AccessRequest) (bool, error) { return false, errDone }, errDone,
			waiting + "the change window is over; its last status was PENDING", "PENDING",
		},
		"the caller's error with true": {
			waitingFor("ACTIVE"), func(*apono.AccessRequest) (bool, error) { return true, errDone }, errDone,
			waiting + "the change window is over; its last status was ACTIVE", "ACTIVE",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				got, err := apitest.NewClient(t, script.New(t, test.responses...)).AccessRequests.WaitFor(ctx, "ar-1", test.done)
				require.ErrorIs(t, err, test.err)
				require.Equal(t, test.last, lastSeen(t, err, test.text))
				require.Nil(t, got)
			})
		})
	}
}

// Unknown states and server errors do not end a wait.
func TestWaitForContinuesUntilDone(t *testing.T) {
	t.Parallel()
	down := script.Response{Status: 503}
	for name, test := range map[string]struct {
		responses []script.Response
		done      func(*apono.AccessRequest) (bool, error)
		last      apono.AccessRequestStatus
	}{
		"every state before the grant": {
			waitingFor("Initializing", "PENDING", "PendingMFA", "APPROVED", "granting", "active"), apono.UntilGranted, "active",
		},
		"unknown states":             {waitingFor("ON_HOLD", "", "Escalated to tier 2", "GRANTED"), apono.UntilGranted, "GRANTED"},
		"every state before the end": {waitingFor("Active", "REVOKING", "Cleaning up", "Revoked"), apono.UntilRevoked, "Revoked"},
		"expired":                    {waitingFor("ACTIVE", "EXPIRED"), apono.UntilRevoked, "EXPIRED"},
		"revoked without a grant":    {waitingFor("PENDING", "REVOKED"), apono.UntilRevoked, "REVOKED"},
		"temporary server errors": {
			[]script.Response{down, down, waitingFor("PENDING")[0], down, waitingFor("PENDING")[0], down, down, waitingFor("ACTIVE")[0]},
			apono.UntilGranted, "ACTIVE",
		},
		"the caller's true": {
			waitingFor("PENDING", "REJECTED"),
			func(r *apono.AccessRequest) (bool, error) { return r.Status.Rejected(), nil }, "REJECTED",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				got, err := apitest.NewClient(t, script.New(t, test.responses...)).AccessRequests.WaitFor(ctx, "ar-1", test.done)
				require.NoError(t, err)
				require.Equal(t, test.last, got.Status)
			})
		})
	}
}

func TestWaitForRejectsInvalidArguments(t *testing.T) {
	t.Parallel()
	var none context.Context
	for name, test := range map[string]struct {
		ctx  context.Context
		id   string
		done func(*apono.AccessRequest) (bool, error)
		text string
	}{
		"no function":  {t.Context(), "ar-1", nil, "apono: argument done: must not be nil: pass UntilGranted, UntilRevoked or another function"},
		"no id":        {t.Context(), "", neverDone, "apono: argument id: must not be empty"},
		"parent as id": {t.Context(), "..", neverDone, "apono: argument id: must not be \"..\", which servers may resolve to another path"},
		"line break":   {t.Context(), "ar-1\n", neverDone, "apono: argument id: must not contain control characters such as line breaks"},
		"no context":   {none, "ar-1", neverDone, "apono: argument ctx: must not be nil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := apitest.NewClient(t, apitest.NoRequest(t)).AccessRequests.WaitFor(test.ctx, test.id, test.done)
			require.EqualError(t, apitest.ErrorAs[*apono.ArgumentError](t, err), test.text)
			require.NotErrorAs(t, err, new(*apono.WaitError), "an invalid argument must not be a WaitError")
		})
	}
}

// The error of done may be an ArgumentError of another call. It is wrapped, so that the
// last status is kept.
func TestWaitForWrapsArgumentErrorOfDone(t *testing.T) {
	t.Parallel()
	client := apitest.NewClient(t, script.New(t, waitingFor("PENDING")...))
	_, err := client.AccessRequests.WaitFor(t.Context(), "ar-1", func(*apono.AccessRequest) (bool, error) {
		_, err := client.Sessions.Get(t.Context(), "")
		return false, err
	})
	require.ErrorAs(t, err, new(*apono.ArgumentError))
	require.EqualValues(t, "PENDING", lastSeen(t, err, "apono: waiting for access request ar-1: argument id: must not be empty; its last status was PENDING"))
}

// The status comes from the server and must not break a log line.
func TestWaitErrorTexts(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*apono.WaitError{
		"apono: waiting": {},
		"apono: waiting: the access request failed; the last failure was a b":   {Err: apono.ErrRequestFailed, LastFailure: errors.New("a\nb")},
		"apono: waiting: the access request failed":                             {Err: apono.ErrRequestFailed, LastFailure: apono.ErrRequestFailed},
		"apono: waiting for access request ar-1; its last status was ON HOLD x": {ID: "ar-1", Request: &apono.AccessRequest{Status: "ON\nHOLD\t\x00 x"}},
		"apono: waiting for access session s-1; its last status was RESETTING":  {ID: "s-1", Session: &apono.AccessSession{CredentialsStatus: "RESETTING"}},
		"apono: waiting for ar-1: no such host":                                 {ID: "ar-1", Err: errors.New("apono: no such host")},
		"apono: waiting for access request a; its last status was ACTIVE; no usable session of request a in orders, of request b, of request c in i 3": {
			ID: "a", Request: &apono.AccessRequest{Status: "ACTIVE"}, Missing: []apono.MissingSession{
				{RequestID: "a", Integration: apono.Ref{ID: "i1", Name: "orders"}}, {RequestID: "b"}, {RequestID: "c", Integration: apono.Ref{ID: "i\n3"}},
			},
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, err, want)
			require.Equal(t, err.Err, errors.Unwrap(err))
		})
	}
}

// found returns a response with a status.
func found(status string) script.Response { return waitingFor(status)[0] }

const html = "<html><head><title>Sign in</title></head></html>"

// temporary are failures that pass, whatever was read before.
func temporary() map[string]script.Response {
	notFound := &net.DNSError{Err: "no such host", Name: "apono.test", IsNotFound: true}
	return map[string]script.Response{
		"no such host":                   {Err: &net.OpError{Op: "dial", Net: "tcp", Err: notFound}},
		"connection refused":             {Err: apitest.ErrConnectionRefused},
		"connection reset":               {Err: apitest.ErrReset},
		"408":                            {Status: 408, Body: `{"message": "slow"}`},
		"425":                            {Status: 425},
		"429":                            {Status: 429, Body: `{"message": "slow down"}`},
		"500":                            {Status: 500},
		"503":                            {Status: 503, Header: map[string]string{"Retry-After": "20"}},
		"522":                            {Status: 522, Body: html},
		"599":                            {Status: 599},
		"a body cut short":               {Body: `{"id": "ar-1", "sta`, BodyErr: io.ErrUnexpectedEOF},
		"a body that ends early":         {Body: `{"id": "ar-1", "sta`},
		"a connection reset in the body": {Body: `{"id": "ar-1", "sta`, BodyErr: apitest.ErrReset},
		"no body":                        {},
		"an attempt timeout":             {Delay: time.Hour},
	}
}

// foreign are failures that do not come from the API, but for example from a firewall, a
// captive portal, or a server at a wrong base URL.
func foreign() map[string]script.Response {
	page := map[string]string{"Content-Type": "text/html"}
	return map[string]script.Response{
		"HTML":                           {Body: html},
		"HTML 403":                       {Status: 403, Body: html, Header: page},
		"HTML 404":                       {Status: 404, Body: html, Header: page},
		"HTML 407":                       {Status: 407, Body: html, Header: page},
		"401 without a body":             {Status: 401},
		"text 403":                       {Status: 403, Body: "forbidden"},
		"JSON that is no object":         {Status: 403, Body: `"forbidden"`},
		"302":                            {Status: 302, Header: map[string]string{"Location": "https://portal.test/login"}},
		"501":                            {Status: 501},
		"a bad certificate":              {Err: x509.UnknownAuthorityError{}},
		"an expired certificate":         {Err: x509.CertificateInvalidError{Cert: new(x509.Certificate), Reason: x509.Expired}},
		"a certificate for another name": {Err: x509.HostnameError{Certificate: new(x509.Certificate), Host: "apono.test"}},
		"a TLS alert":                    {Err: &net.OpError{Op: "remote error", Err: tls.AlertError(48)}},
		"a TLS alert over TCP":           {Err: &net.OpError{Op: "remote error", Err: errors.New("tls: unknown certificate authority")}},
		"plain text on the TLS port":     {Err: tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}},
		"a proxy that rejects":           {Err: &transport.ProxyError{Proxy: "proxy.test:3128", Status: 407}},
		"JSON of another type":           {Body: `["ar-1"]`},
		"a body above the limit":         {Body: `{"id": "` + strings.Repeat("1", 200) + `"}`},
		"null":                           {Body: `null`},
	}
}

// Once a poll has succeeded, the base URL is right, and what does not come from the API
// passes.
func TestWaitForContinuesAfterFailedPolls(t *testing.T) {
	t.Parallel()
	failures := temporary()
	maps.Copy(failures, foreign())
	for name, failure := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				fake := script.New(t, found("PENDING"), failure, failure, failure, failure, failure, found("PENDING"), failure, found("ACTIVE"))
				var polls []string
				client := apitest.NewClient(t, fake, apono.WithMaxResponseBytes(150))
				got, err := client.AccessRequests.WaitFor(apono.WithoutRetry(ctx), "ar-1", apono.UntilGranted, apono.WaitOptions{
					OnPoll: func(p apono.Poll) {
						assert.Equal(t, "ar-1", p.ID)
						if p.Err != nil {
							assert.Nil(t, p.Request)
							polls = append(polls, "failed")
							return
						}
						polls = append(polls, string(p.Request.Status))
					},
				})
				require.NoError(t, err)
				require.EqualValues(t, "ACTIVE", got.Status)
				require.Equal(t, "PENDING failed failed failed failed failed PENDING failed ACTIVE", strings.Join(polls, " "))
			})
		})
	}
}

// Before a poll has succeeded, temporary failures pass, and others are told after ten
// seconds.
func TestWaitForReportsWrongBaseURL(t *testing.T) {
	t.Parallel()
	for name, failure := range foreign() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				started := time.Now()
				polls := 0
				client, err := apono.NewClient(apitest.Token, apono.WithMaxResponseBytes(150), apono.WithHTTPClient(&http.Client{
					Transport: apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) { return script.New(t, failure).RoundTrip(req) }),
				}))
				require.NoError(t, err)
				_, err = client.AccessRequests.WaitFor(apono.WithoutRetry(t.Context()), "ar-1", apono.UntilGranted, apono.WaitOptions{
					OnPoll: func(apono.Poll) { polls++ },
				})
				ended := apitest.ErrorAs[*apono.WaitError](t, err)
				require.Equal(t, "ar-1", ended.ID)
				require.Nil(t, ended.Request)
				require.Equal(t, ended.Err, ended.LastFailure)
				require.GreaterOrEqual(t, time.Since(started), 10*time.Second)
				require.Less(t, time.Since(started), 20*time.Second)
				require.Greater(t, polls, 3)
			})
		})
	}
	for name, failure := range temporary() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, failure, failure, failure, failure, failure, failure, found("ACTIVE"))
				_, err := apitest.NewClient(t, fake).AccessRequests.WaitFor(apono.WithoutRetry(t.Context()), "ar-1", apono.UntilGranted)
				require.NoError(t, err)
			})
		})
	}
}

func TestWaitForEndsWithRejection(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 409, 410, 422} {
		for name, before := range map[string][]script.Response{"at first": nil, "later": {found("PENDING")}} {
			t.Run(fmt.Sprint(status, " ", name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					started := time.Now()
					client := apitest.NewClient(t, script.New(t, append(before, script.Response{Status: status, Body: ` {"message": "no"}`})...))
					_, err := client.AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted)
					ended := apitest.ErrorAs[*apono.WaitError](t, err)
					require.Equal(t, status, apitest.ErrorAs[*apono.APIError](t, ended.Err).StatusCode)
					require.Equal(t, ended.Err, ended.LastFailure)
					require.LessOrEqual(t, time.Since(started), time.Second)
				})
			})
		}
	}
}

type passing struct{ error }

func (passing) Temporary() bool { return true }

// What a token source or a limiter returns is final, unless it is temporary.
func TestWaitForEndsWithErrorOfTokenSource(t *testing.T) {
	t.Parallel()
	errGrant := errors.New("invalid_grant")
	for name, test := range map[string]struct {
		err   error
		final bool
	}{
		"invalid_grant":  {errGrant, true},
		"temporary":      {passing{errors.New("the service is restarting")}, false},
		"a timeout":      {context.DeadlineExceeded, false},
		"no connection":  {apitest.ErrConnectionRefused, false},
		"no certificate": {x509.UnknownAuthorityError{}, true},
	} {
		for which, option := range map[string]func(fail func() error) apono.Option{
			"token source": func(fail func() error) apono.Option {
				return apono.WithTokenSource(func(context.Context) (string, error) { return apitest.Token, fail() })
			},
			"limiter": func(fail func() error) apono.Option { return apono.WithLimiter(limiterFunc(fail)) },
		} {
			t.Run(which+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					started := time.Now()
					calls := 0
					responses := waitingFor("PENDING", "ACTIVE")
					if test.final {
						responses = responses[:1]
					}
					client := apitest.NewClient(t, script.New(t, responses...), option(func() error {
						if calls++; calls == 2 || calls == 3 {
							return test.err
						}
						return nil
					}))
					_, err := client.AccessRequests.WaitFor(apono.WithoutRetry(t.Context()), "ar-1", apono.UntilGranted)
					if !test.final {
						require.NoError(t, err)
						return
					}
					require.ErrorIs(t, err, test.err)
					require.ErrorAs(t, err, new(*apono.WaitError))
					require.LessOrEqual(t, time.Since(started), time.Second)
				})
			})
		}
	}
}

type limiterFunc func() error

func (f limiterFunc) Wait(context.Context) error { return f() }

// A token that cannot be sent is a fault of the program, not of the network.
func TestWaitForEndsWithInvalidToken(t *testing.T) {
	t.Parallel()
	client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithTokenSource(func(context.Context) (string, error) { return "two words", nil }))
	_, err := client.AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted)
	require.ErrorAs(t, err, new(*apono.WaitError))
	require.ErrorAs(t, err, new(*apono.ArgumentError))
}

// A created object may be unknown to the server for a moment.
func TestWaitForIgnoresNotFoundForTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		missing := script.Response{Status: 404, Body: `{"message": "unknown"}`}
		got, err := apitest.NewClient(t, script.New(t, missing, missing, missing, found("ACTIVE"))).AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted)
		require.NoError(t, err)
		require.EqualValues(t, "ACTIVE", got.Status)

		started := time.Now()
		gone := &apitest.Pager{Serve: func(string) string { return "" }, Status: 404}
		_, err = gone.Client(t, 0).AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted)
		require.ErrorIs(t, err, apono.ErrNotFound)
		require.GreaterOrEqual(t, time.Since(started), 10*time.Second)
		require.Less(t, time.Since(started), 30*time.Second)
	})
}

// The error names the last failure, and polls become less frequent.
func TestWaitForBacksOffDuringOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		asked := 0
		down := &apitest.Pager{Status: 503, Serve: func(string) string {
			if asked++; asked == 1 {
				return `{"id":"ar-1","status":"PENDING"}`
			}
			return ""
		}}
		_, err := down.Client(t, 0).AccessRequests.WaitFor(apono.WithoutRetry(ctx), "ar-1", apono.UntilGranted)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		ended := apitest.ErrorAs[*apono.WaitError](t, err)
		require.EqualValues(t, "PENDING", ended.Request.Status)
		require.ErrorIs(t, ended.LastFailure, apono.ErrServer)
		require.EqualError(t, err, "apono: waiting for access request ar-1: context deadline exceeded; its last status was PENDING; "+
			"the last failure was GET /api/user/v4/access-requests/{id}: 503 Service Unavailable: no page for you")
		for i := 8; i < len(down.Times); i++ {
			wait := down.Times[i].Sub(down.Times[i-1])
			require.GreaterOrEqual(t, wait, 22*time.Second)
			require.LessOrEqual(t, wait, 30*time.Second)
		}
		require.Greater(t, len(down.Times), 20)
	})
}

func TestWaitForWaitsForRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Response{Status: 429, Header: map[string]string{"Retry-After": "300"}}, found("ACTIVE"))
		_, err := apitest.NewClient(t, fake).AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted)
		require.NoError(t, err)
		require.Equal(t, []time.Duration{5 * time.Minute}, apitest.Waits(fake))
	})
}

func TestWaitOptionsSetIntervals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options  apono.WaitOptions
		shortest time.Duration
		longest  time.Duration
	}{
		"both":              {apono.WaitOptions{Interval: 10 * time.Second, MaxInterval: time.Minute}, 10 * time.Second, time.Minute},
		"long Interval":     {apono.WaitOptions{Interval: time.Minute}, time.Minute, time.Minute},
		"short MaxInterval": {apono.WaitOptions{MaxInterval: 100 * time.Millisecond}, 100 * time.Millisecond, 100 * time.Millisecond},
		"a nanosecond":      {apono.WaitOptions{MaxInterval: 1}, 1, 1},
		"defaults":          {apono.WaitOptions{}, time.Second, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, append(waitingFor(slices.Repeat([]string{"PENDING"}, 12)...), found("ACTIVE"))...)
				_, err := apitest.NewClient(t, fake).AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted, test.options)
				require.NoError(t, err)
				waits := apitest.Waits(fake)
				require.GreaterOrEqual(t, waits[0], test.shortest*3/4)
				require.LessOrEqual(t, waits[0], test.shortest)
				require.GreaterOrEqual(t, waits[11], test.longest*3/4)
				require.LessOrEqual(t, waits[11], test.longest)
			})
		})
	}
}

func TestInvalidWaitOptionsAreArgumentErrors(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]apono.WaitOptions{
		"several":              {{}, {}},
		"negative Interval":    {{Interval: -1}},
		"negative MaxInterval": {{MaxInterval: -1}},
		"crossed":              {{Interval: 2, MaxInterval: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := apitest.NewClient(t, apitest.NoRequest(t))
			_, err := client.AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted, opts...)
			require.ErrorAs(t, err, new(*apono.ArgumentError))
			_, err = client.Sessions.WaitFor(t.Context(), "s-1", apono.UntilCredentialsAvailable, opts...)
			require.ErrorAs(t, err, new(*apono.ArgumentError))
			_, err = client.AccessRequests.Adopt(t.Context(), []string{"ar-1"}, opts...)
			require.ErrorAs(t, err, new(*apono.ArgumentError))
			acquire := []apono.AcquireOptions{{}, {}}
			if len(opts) == 1 {
				acquire = []apono.AcquireOptions{{Wait: opts[0]}}
			}
			_, err = client.AccessRequests.Acquire(t.Context(), bundleRequest(), acquire...)
			require.ErrorAs(t, err, new(*apono.ArgumentError))
			require.ErrorAs(t, client.AccessRequests.During(t.Context(), bundleRequest(), useNothing, acquire...), new(*apono.ArgumentError))
		})
	}
}

// WaitFor reads the session and not its access details, which might use up credentials.
func TestSessionsWaitFor(t *testing.T) {
	t.Parallel()
	session := func(status string) script.Response {
		return script.Response{Body: fmt.Sprintf(`{"id": "s-1", "credentials_status": %q}`, status)}
	}
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Response{Status: 404}, session("RESETTING"), script.Response{Err: apitest.ErrReset}, session("Resetting"), session("AVAILABLE"))
		var polls []string
		got, err := apitest.NewClient(t, fake).Sessions.WaitFor(apono.WithoutRetry(t.Context()), "s-1", apono.UntilCredentialsAvailable, apono.WaitOptions{
			OnPoll: func(p apono.Poll) {
				if p.Err != nil {
					polls = append(polls, p.ID+" failed")
					return
				}
				polls = append(polls, p.ID+" "+string(p.Session.CredentialsStatus))
			},
		})
		require.NoError(t, err)
		require.Equal(t, &apono.AccessSession{ID: "s-1", CredentialsStatus: "AVAILABLE"}, got)
		require.Equal(t, []string{"s-1 failed", "s-1 RESETTING", "s-1 failed", "s-1 Resetting", "s-1 AVAILABLE"}, polls)
		for _, req := range fake.Requests() {
			apitest.Sent(t, req, "GET", "/api/user/v1/access-sessions/s-1", "", "")
		}

		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err = apitest.NewClient(t, script.New(t, session("RESETTING"))).Sessions.WaitFor(ctx, "s-1", apono.UntilCredentialsAvailable)
		require.EqualError(t, err, "apono: waiting for access session s-1: context deadline exceeded; its last status was RESETTING")
		ended := apitest.ErrorAs[*apono.WaitError](t, err)
		require.Equal(t, "s-1", ended.Session.ID)
		require.Nil(t, ended.Request)
		require.NoError(t, ended.LastFailure)

		_, err = apitest.NewClient(t, apitest.NoRequest(t)).Sessions.WaitFor(t.Context(), "s-1", nil)
		require.EqualError(t, apitest.ErrorAs[*apono.ArgumentError](t, err), "apono: argument done: must not be nil: pass UntilCredentialsAvailable or another function")
		_, err = apitest.NewClient(t, apitest.NoRequest(t)).Sessions.WaitFor(t.Context(), "", apono.UntilCredentialsAvailable)
		require.ErrorAs(t, err, new(*apono.ArgumentError))
	})
}

func TestUntilCredentialsAvailable(t *testing.T) {
	t.Parallel()
	for status, want := range map[apono.CredentialsStatus]bool{"AVAILABLE": true, "VIEWED": false, "Viewed": false, "NOT_APPLICABLE": true, "RESETTING": false, "resetting": false} {
		done, err := apono.UntilCredentialsAvailable(&apono.AccessSession{CredentialsStatus: status})
		require.NoError(t, err)
		require.Equal(t, want, done, status)
	}
}
