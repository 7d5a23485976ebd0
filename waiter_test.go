package apono_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// waitingFor answers a request in one status after the other.
func waitingFor(statuses ...string) []script.Response {
	answers := make([]script.Response, 0, len(statuses))
	for _, status := range statuses {
		answers = append(answers, script.Response{Body: fmt.Sprintf(`{"id": "ar-1", "status": %q}`, status)})
	}
	return answers
}

// neverDone has a waiter wait for ever.
func neverDone(*apono.AccessRequest) (bool, error) { return false, nil }

// lastSeen fails unless the error is a waiter's with this text, and returns the
// status of the request as it was last seen, "never" if it never was.
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

// A waiter that waits before its first look costs everybody a second whose
// access is there already.
func TestWaitForLooksAtOnce(t *testing.T) {
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

// An approval may take hours. A waiter that asks every second all the while is
// throttled, several that started together all ask at the same moment, and one
// whose waits grow without bound comes long after the approval.
func TestWaitForWaitsLongerAndLongerUpToFifteenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const looks = 30
		var firsts, lasts []time.Duration
		for range 10 {
			statuses := make([]string, looks)
			statuses[looks-1] = "ACTIVE"
			fake := script.New(t, waitingFor(statuses...)...)
			_, err := apitest.NewClient(t, fake).AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted)
			require.NoError(t, err)
			all := apitest.Waits(fake)
			require.GreaterOrEqual(t, all[0], 750*time.Millisecond, "a first wait of about a second")
			require.LessOrEqual(t, all[0], time.Second, "a first wait of about a second")
			for i, wait := range all {
				require.LessOrEqualf(t, wait, 15*time.Second, "wait %d of 15 s at the most", i)
				if i >= 7 { // the longest wait, less some chance
					require.GreaterOrEqualf(t, wait, 11*time.Second, "wait %d of 11 s at least", i)
				} else if i > 0 {
					require.Greaterf(t, wait, all[i-1], "wait %d longer than %s, but not above twice as long", i, all[i-1])
					require.LessOrEqualf(t, wait, 2*all[i-1], "wait %d longer than %s, but not above twice as long", i, all[i-1])
				}
			}
			firsts, lasts = append(firsts, all[0]), append(lasts, all[7:]...)
		}
		require.Greater(t, slices.Max(firsts)-slices.Min(firsts), 10*time.Millisecond, "first waits that vary")
		require.Greater(t, slices.Max(lasts)-slices.Min(lasts), time.Second, "longest waits that vary")
	})
}

// A caller that is told "nil" at its deadline goes on as if the access were
// there; one that is told late, or without the state, cannot tell its user why.
func TestWaitForEndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []script.Response
		text    string
		last    apono.AccessRequestStatus
	}{
		"between two looks": {
			waitingFor("PENDING", "Granting", "Pending MFA"),
			"apono: waiting for an access request: context deadline exceeded; its last status was Pending MFA", "Pending MFA",
		},
		"during a look": {
			append(waitingFor("PENDING"), script.Response{Delay: 10 * time.Second}),
			"apono: waiting for an access request: GET /api/user/v4/access-requests/{id}: context deadline exceeded; its last status was PENDING", "PENDING",
		},
		"during the first look": {
			[]script.Response{{Delay: 10 * time.Second}},
			"apono: waiting: GET /api/user/v4/access-requests/{id}: context deadline exceeded", "never",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				start := time.Now()
				got, err := apitest.NewClient(t, script.New(t, test.answers...)).AccessRequests.WaitFor(ctx, "ar-1", apono.UntilGranted)
				require.Equal(t, 3*time.Second, time.Since(start))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, test.last, lastSeen(t, err, test.text))
				require.Nil(t, got)
			})
		})
	}
}

// Whoever presses Ctrl-C in the middle of a wait of fifteen seconds does not
// want to see it out. What the canceller said is in the error whether the
// context ended between two looks or during one.
func TestWaitForEndsWithItsContext(t *testing.T) {
	t.Parallel()
	why := errors.New("the user left")
	for name, answers := range map[string][]script.Response{
		"between two looks": waitingFor("PENDING"),
		"during a look":     {{Delay: time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer time.AfterFunc(400*time.Millisecond, func() { cancel(why) }).Stop()
				start := time.Now()
				_, err := apitest.NewClient(t, script.New(t, answers...)).AccessRequests.WaitFor(ctx, "ar-1", neverDone)
				took := time.Since(start)
				require.GreaterOrEqual(t, took, 400*time.Millisecond, "an end within 50 ms")
				require.Less(t, took, 450*time.Millisecond, "an end within 50 ms")
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
	require.EqualValues(t, "never", lastSeen(t, err, "apono: waiting: GET /api/user/v4/access-requests/{id}: context canceled"))
}

var errDone = errors.New("the change window is over")

// A waiter that goes on after a refusal waits until its deadline for what will
// not come, and one that reads a request which has vanished crashes.
func TestWaitForEndsWhenThereIsNothingToWaitFor(t *testing.T) {
	t.Parallel()
	const waiting = "apono: waiting for an access request: "
	const request = "GET /api/user/v4/access-requests/{id}: "
	for name, test := range map[string]struct {
		answers []script.Response
		done    func(*apono.AccessRequest) (bool, error)
		err     error
		text    string
		last    apono.AccessRequestStatus
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
		"the caller's error beside true": {
			waitingFor("ACTIVE"), func(*apono.AccessRequest) (bool, error) { return true, errDone }, errDone,
			waiting + "the change window is over; its last status was ACTIVE", "ACTIVE",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				got, err := apitest.NewClient(t, script.New(t, test.answers...)).AccessRequests.WaitFor(ctx, "ar-1", test.done)
				require.ErrorIs(t, err, test.err)
				require.Equal(t, test.last, lastSeen(t, err, test.text))
				require.Nil(t, got)
			})
		})
	}
}

// The API may have states that nobody here has heard of, and servers have bad
// moments. Neither says that the access will not come.
func TestWaitForGoesOnUntilItIsDone(t *testing.T) {
	t.Parallel()
	down := script.Response{Status: 503}
	for name, test := range map[string]struct {
		answers []script.Response
		done    func(*apono.AccessRequest) (bool, error)
		last    apono.AccessRequestStatus
	}{
		"every state before the grant": {
			waitingFor("Initializing", "PENDING", "PendingMFA", "APPROVED", "granting", "active"), apono.UntilGranted, "active",
		},
		"unknown states":               {waitingFor("ON_HOLD", "", "Escalated to tier 2", "GRANTED"), apono.UntilGranted, "GRANTED"},
		"every state before the end":   {waitingFor("Active", "REVOKING", "Cleaning up", "Revoked"), apono.UntilRevoked, "Revoked"},
		"expired":                      {waitingFor("ACTIVE", "EXPIRED"), apono.UntilRevoked, "EXPIRED"},
		"never granted, to be revoked": {waitingFor("PENDING", "REVOKED"), apono.UntilRevoked, "REVOKED"},
		"server down now and then": {
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
				got, err := apitest.NewClient(t, script.New(t, test.answers...)).AccessRequests.WaitFor(ctx, "ar-1", test.done)
				require.NoError(t, err)
				require.Equal(t, test.last, got.Status)
			})
		})
	}
}

func TestWaitForChecksItsArguments(t *testing.T) {
	t.Parallel()
	var none context.Context
	for name, test := range map[string]struct {
		ctx  context.Context
		id   string
		done func(*apono.AccessRequest) (bool, error)
		text string
	}{
		"no function":  {t.Context(), "ar-1", nil, "apono: argument done: must not be nil: pass UntilGranted, UntilRevoked or a function of your own"},
		"no id":        {t.Context(), "", neverDone, "apono: argument id: it is empty: it must name one object"},
		"parent as id": {t.Context(), "..", neverDone, "apono: argument id: it is .., which a server may read as another path"},
		"line break":   {t.Context(), "ar-1\n", neverDone, "apono: argument id: it holds a control character, such as a line break"},
		"no context":   {none, "ar-1", neverDone, "apono: argument ctx: the context is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := apitest.NewClient(t, apitest.NoRequest(t)).AccessRequests.WaitFor(test.ctx, test.id, test.done)
			require.EqualError(t, apitest.ErrorAs[*apono.ArgumentError](t, err), test.text)
			require.NotErrorAs(t, err, new(*apono.WaitError), "expected no wait to have begun")
		})
	}
}

// A caller's function may call the API itself, with a mistake in it. The request
// as it was last seen must not be lost to that.
func TestWaitForWrapsArgumentErrorsOfTheCallersFunction(t *testing.T) {
	t.Parallel()
	client := apitest.NewClient(t, script.New(t, waitingFor("PENDING")...))
	_, err := client.AccessRequests.WaitFor(t.Context(), "ar-1", func(*apono.AccessRequest) (bool, error) {
		_, err := client.Sessions.Get(t.Context(), "")
		return false, err
	})
	require.ErrorAs(t, err, new(*apono.ArgumentError))
	require.EqualValues(t, "PENDING", lastSeen(t, err, "apono: waiting for an access request: argument id: it is empty: it must name one object; its last status was PENDING"))
}

// A status is the server's word: it must not break the line of a log.
func TestWaitErrorTexts(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*apono.WaitError{
		"apono: waiting": {},
		"apono: waiting: the access request failed; the last failure was a b": {Err: apono.ErrRequestFailed, LastFailure: errors.New("a\nb")},
		"apono: waiting: the access request failed":                           {Err: apono.ErrRequestFailed, LastFailure: apono.ErrRequestFailed},
		"apono: waiting for an access request; its last status was ON HOLD x": {Request: &apono.AccessRequest{Status: "ON\nHOLD\t\x00 x"}},
		"apono: waiting for an access session; its last status was RESETTING": {Session: &apono.AccessSession{CredentialsStatus: "RESETTING"}},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, err, want)
			require.Equal(t, err.Err, errors.Unwrap(err))
		})
	}
}

// found is a poll that finds a request in a state.
func found(status string) script.Response { return waitingFor(status)[0] }

const html = "<html><head><title>Sign in</title></head></html>"

// A poll that fails says nothing about the access: a wait of an hour must not end
// because a name server or a gateway had a bad moment.
func TestWaitForWaitsOutFailuresThatMayPass(t *testing.T) {
	t.Parallel()
	notFound := &net.DNSError{Err: "no such host", Name: "apono.test", IsNotFound: true}
	for name, failure := range map[string]script.Response{
		"no such host":            {Err: &net.OpError{Op: "dial", Net: "tcp", Err: notFound}},
		"connection refused":      {Err: apitest.ErrConnectionRefused},
		"connection reset":        {Err: apitest.ErrReset},
		"408":                     {Status: 408},
		"425":                     {Status: 425},
		"429":                     {Status: 429},
		"500":                     {Status: 500},
		"501":                     {Status: 501},
		"503":                     {Status: 503, Header: map[string]string{"Retry-After": "20"}},
		"a body cut short":        {Body: `{"id": "ar-1", "sta`, BodyErr: io.ErrUnexpectedEOF},
		"a body that ends early":  {Body: `{"id": "ar-1", "sta`},
		"a connection lost in it": {Body: `{"id": "ar-1", "sta`, BodyErr: apitest.ErrReset},
		"a page of HTML":          {Body: html},
		"no body":                 {},
		"no attempt in time":      {Delay: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				fake := script.New(t, found("PENDING"), failure, failure, failure, found("PENDING"), failure, found("ACTIVE"))
				var polls []string
				got, err := apitest.NewClient(t, fake).AccessRequests.WaitFor(apono.WithoutRetry(ctx), "ar-1", apono.UntilGranted, apono.WaitOptions{
					OnPoll: func(status string, err error) {
						if err != nil {
							status += "failed"
						}
						polls = append(polls, status)
					},
				})
				require.NoError(t, err)
				require.EqualValues(t, "ACTIVE", got.Status)
				require.Equal(t, []string{"PENDING", "failed", "failed", "failed", "PENDING", "failed", "ACTIVE"}, polls)
			})
		})
	}
}

// What waiting cannot change must not be waited for until the deadline.
func TestWaitForEndsWithAFailureThatCannotPass(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]script.Response{
		"302":                      {Status: 302},
		"400":                      {Status: 400},
		"401":                      {Status: 401},
		"403":                      {Status: 403},
		"410":                      {Status: 410},
		"a bad certificate":        {Err: x509.UnknownAuthorityError{}},
		"a name not in it":         {Err: x509.HostnameError{Certificate: new(x509.Certificate), Host: "apono.test"}},
		"an alert of TLS":          {Err: tls.AlertError(48)},
		"an alert of TLS over TCP": {Err: &net.OpError{Op: "remote error", Err: errors.New("tls: unknown certificate authority")}},
		"a proxy that rejects":     {Err: errors.New("Proxy Authentication Required")},
		"JSON of another type":     {Body: `["ar-1"]`},
		"a body above the limit":   {Body: `{"id": "` + strings.Repeat("1", 200) + `"}`},
		"null":                     {Body: `null`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				started := time.Now()
				client := apitest.NewClient(t, script.New(t, found("PENDING"), failure), apono.WithMaxResponseBytes(150))
				_, err := client.AccessRequests.WaitFor(apono.WithoutRetry(ctx), "ar-1", apono.UntilGranted)
				ended := apitest.ErrorAs[*apono.WaitError](t, err)
				require.EqualValues(t, "PENDING", ended.Request.Status)
				require.Equal(t, ended.Err, ended.LastFailure)
				require.LessOrEqual(t, time.Since(started), time.Second)
			})
		})
	}
}

// The token source's word that its token cannot be used is about the program, not
// about the network.
func TestWaitForEndsWithATokenThatCannotBeSent(t *testing.T) {
	t.Parallel()
	client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithTokenSource(func(context.Context) (string, error) { return "two words", nil }))
	_, err := client.AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted)
	require.ErrorAs(t, err, new(*apono.WaitError))
	require.ErrorAs(t, err, new(*apono.ArgumentError))
}

// What was just created may be unknown for a moment to the server that is asked;
// what is unknown after that has vanished.
func TestWaitForForgives404ForTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		missing := script.Response{Status: 404}
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

// An outage that outlasts the deadline is what the caller wants to hear of, and
// the server is not to be asked ever more often for it.
func TestWaitForBacksOffDuringAnOutage(t *testing.T) {
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
		require.EqualError(t, err, "apono: waiting for an access request: context deadline exceeded; its last status was PENDING; "+
			"the last failure was GET /api/user/v4/access-requests/{id}: 503 Service Unavailable: no page for you")
		for i := 8; i < len(down.Times); i++ {
			wait := down.Times[i].Sub(down.Times[i-1])
			require.GreaterOrEqual(t, wait, 22*time.Second)
			require.LessOrEqual(t, wait, 30*time.Second)
		}
		require.Greater(t, len(down.Times), 20)
	})
}

func TestWaitForWaitsAsLongAsTheServerAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Response{Status: 429, Header: map[string]string{"Retry-After": "300"}}, found("ACTIVE"))
		_, err := apitest.NewClient(t, fake).AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted)
		require.NoError(t, err)
		require.Equal(t, []time.Duration{5 * time.Minute}, apitest.Waits(fake))
	})
}

func TestWaitOptionsSetTheIntervals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options  apono.WaitOptions
		shortest time.Duration
		longest  time.Duration
	}{
		"both":                 {apono.WaitOptions{Interval: 10 * time.Second, MaxInterval: time.Minute}, 10 * time.Second, time.Minute},
		"a long first":         {apono.WaitOptions{Interval: time.Minute}, time.Minute, time.Minute},
		"a short longest":      {apono.WaitOptions{MaxInterval: 100 * time.Millisecond}, 100 * time.Millisecond, 100 * time.Millisecond},
		"a nanosecond":         {apono.WaitOptions{MaxInterval: 1}, 1, 1},
		"neither, the default": {apono.WaitOptions{}, time.Second, 15 * time.Second},
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

func TestWaitOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]apono.WaitOptions{
		"several":            {{}, {}},
		"a negative wait":    {{Interval: -1}},
		"a negative longest": {{MaxInterval: -1}},
		"crossed":            {{Interval: 2, MaxInterval: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := apitest.NewClient(t, apitest.NoRequest(t))
			_, err := client.AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted, opts...)
			require.ErrorAs(t, err, new(*apono.ArgumentError))
			_, err = client.Sessions.WaitFor(t.Context(), "s-1", apono.UntilCredentialsAvailable, opts...)
			require.ErrorAs(t, err, new(*apono.ArgumentError))
			err = client.AccessRequests.During(t.Context(), bundleRequest(), func(context.Context, []*apono.AccessRequest) error { return nil }, opts...)
			require.ErrorAs(t, err, new(*apono.ArgumentError))
		})
	}
}

// After a reset the access details are missing for some seconds, and reading them
// too early may use them up. The wait reads the session and nothing else.
func TestSessionsWaitFor(t *testing.T) {
	t.Parallel()
	session := func(status string) script.Response {
		return script.Response{Body: fmt.Sprintf(`{"id": "s-1", "credentials_status": %q}`, status)}
	}
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Response{Status: 404}, session("RESETTING"), script.Response{Err: apitest.ErrReset}, session("Resetting"), session("AVAILABLE"))
		var polls []string
		got, err := apitest.NewClient(t, fake).Sessions.WaitFor(apono.WithoutRetry(t.Context()), "s-1", apono.UntilCredentialsAvailable, apono.WaitOptions{
			OnPoll: func(status string, err error) { polls = append(polls, fmt.Sprintf("%s %t", status, err != nil)) },
		})
		require.NoError(t, err)
		require.Equal(t, &apono.AccessSession{ID: "s-1", CredentialsStatus: "AVAILABLE"}, got)
		require.Equal(t, []string{" true", "RESETTING false", " true", "Resetting false", "AVAILABLE false"}, polls)
		for _, req := range fake.Requests() {
			apitest.Sent(t, req, "GET", "/api/user/v1/access-sessions/s-1", "", "")
		}

		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err = apitest.NewClient(t, script.New(t, session("RESETTING"))).Sessions.WaitFor(ctx, "s-1", apono.UntilCredentialsAvailable)
		require.EqualError(t, err, "apono: waiting for an access session: context deadline exceeded; its last status was RESETTING")
		ended := apitest.ErrorAs[*apono.WaitError](t, err)
		require.Equal(t, "s-1", ended.Session.ID)
		require.Nil(t, ended.Request)
		require.NoError(t, ended.LastFailure)

		_, err = apitest.NewClient(t, apitest.NoRequest(t)).Sessions.WaitFor(t.Context(), "s-1", nil)
		require.EqualError(t, apitest.ErrorAs[*apono.ArgumentError](t, err), "apono: argument done: must not be nil: pass UntilCredentialsAvailable or a function of your own")
		_, err = apitest.NewClient(t, apitest.NoRequest(t)).Sessions.WaitFor(t.Context(), "", apono.UntilCredentialsAvailable)
		require.ErrorAs(t, err, new(*apono.ArgumentError))
	})
}

func TestUntilCredentialsAvailable(t *testing.T) {
	t.Parallel()
	for status, want := range map[apono.CredentialsStatus]bool{"AVAILABLE": true, "VIEWED": true, "NOT_APPLICABLE": true, "RESETTING": false, "resetting": false} {
		done, err := apono.UntilCredentialsAvailable(&apono.AccessSession{CredentialsStatus: status})
		require.NoError(t, err)
		require.Equal(t, want, done, status)
	}
}

func bundleRequest() apono.CreateAccessRequestInput {
	return apono.CreateAccessRequestInput{BundleReference: apono.Ptr("b-1")}
}

// tenant is a server without a network that has two integrations, of each of which
// one resource may be requested.
func tenant(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, append([]aponotest.Option{aponotest.WithoutNetwork()}, opts...)...)
	for _, id := range []string{"orders", "billing"} {
		server.Put(aponotest.Integrations, apono.Integration{ID: id, Name: id, Type: "postgresql", Status: "ACTIVE"})
		server.Put(aponotest.ResourcesOf(id), apono.Resource{ID: id + "-table", Name: id, Type: "postgresql-table"})
		server.Put(aponotest.PermissionsOf(id), apono.Permission{ID: id + "-read", Name: "read", ResourceType: "postgresql-table"})
	}
	return server
}

// twoRequests is a submission that becomes two requests.
func twoRequests() apono.CreateAccessRequestInput {
	return apono.CreateAccessRequestInput{Entitlements: []apono.CreateAccessRequestEntitlement{
		{ResourceID: "orders-table", PermissionID: "orders-read"}, {ResourceID: "billing-table", PermissionID: "billing-read"},
	}}
}

// statuses are those of all requests that the server has.
func statuses(t *testing.T, server *aponotest.Server) string {
	t.Helper()
	all, err := apono.Collect(server.Client().AccessRequests.ListAll(context.Background()))
	require.NoError(t, err)
	var found []string
	for _, request := range all {
		found = append(found, string(request.Status))
	}
	return strings.Join(found, " ")
}

// pendingRequests are the ids of requests that are pending.
func pendingRequests(t *testing.T, server *aponotest.Server) []string {
	t.Helper()
	all, err := apono.Collect(server.Client().AccessRequests.ListAll(context.Background()))
	require.NoError(t, err)
	var ids []string
	for _, request := range all {
		if request.Status.Pending() {
			ids = append(ids, request.ID)
		}
	}
	return ids
}

var errUse = errors.New("the migration failed")

// Access is there while it is used and not before or after, however the use ends.
func TestDuringRevokesHoweverUseEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end   func(t *testing.T)
		err   error
		check func(t *testing.T, panicked any, exited bool)
	}{
		"returns": {end: func(*testing.T) {}},
		"fails":   {end: nil, err: errUse},
		"panics": {end: func(*testing.T) { panic("a bug") }, check: func(t *testing.T, panicked any, _ bool) {
			t.Helper()
			require.Equal(t, "a bug", panicked)
		}},
		"ends its goroutine": {end: func(*testing.T) { runtime.Goexit() }, check: func(t *testing.T, _ any, exited bool) {
			t.Helper()
			require.True(t, exited)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := tenant(t, aponotest.WithApprovalAfter(time.Hour), aponotest.WithProvisioningTime(time.Minute))
				client := server.Client()
				during := ""
				var err error
				var panicked any
				exited := true
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() { panicked = recover() }()
					err = client.AccessRequests.During(t.Context(), twoRequests(), func(_ context.Context, requests []*apono.AccessRequest) error {
						assert.Len(t, requests, 2)
						for _, request := range requests {
							assert.True(t, request.Status.Granted())
						}
						during = statuses(t, server)
						time.Sleep(time.Minute)
						if test.end == nil {
							return errUse
						}
						test.end(t)
						return nil
					})
					exited = false
				}()
				<-done
				require.Equal(t, "ACTIVE ACTIVE", during)
				require.Equal(t, "REVOKING REVOKING", statuses(t, server))
				require.Len(t, server.Requests("AccessRequests.Create"), 1)
				require.Len(t, server.Requests("AccessRequests.Revoke"), 2)
				if test.check != nil {
					test.check(t, panicked, exited)
					return
				}
				require.Nil(t, panicked)
				require.Equal(t, test.err, err, "the error of use itself")
			})
		})
	}
}

// A wait that fails leaves nothing behind, and what was rejected has nothing to
// revoke.
func TestDuringRevokesWhenTheWaitFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(server *aponotest.Server, ids []string, cancel func())
		err     error
		revoked int
		left    string
	}{
		"one is rejected": {func(s *aponotest.Server, ids []string, _ func()) { s.Reject(ids[1]) }, apono.ErrRequestRejected, 1, "REVOKED REJECTED"},
		"one is granted, the other rejected": {func(s *aponotest.Server, ids []string, _ func()) {
			s.Approve(ids[1])
			s.Reject(ids[0])
		}, apono.ErrRequestRejected, 1, "REJECTED REVOKED"},
		"the context ends": {func(_ *aponotest.Server, _ []string, cancel func()) { cancel() }, context.Canceled, 2, "REVOKED REVOKED"},
		"a poll fails for good": {func(s *aponotest.Server, _ []string, _ func()) {
			s.FailNext("AccessRequests.Get", 1, 403, nil, "")
		}, apono.ErrForbidden, 2, "REVOKED REVOKED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				server := tenant(t)
				time.AfterFunc(time.Minute, func() { test.happens(server, pendingRequests(t, server), cancel) })
				started := time.Now()
				err := server.Client().AccessRequests.During(ctx, twoRequests(), func(context.Context, []*apono.AccessRequest) error {
					assert.Fail(t, "expected use not to be called")
					return nil
				})
				require.ErrorIs(t, err, test.err)
				require.ErrorAs(t, err, new(*apono.WaitError))
				require.NotErrorAs(t, err, new(*apono.RevokeError))
				require.LessOrEqual(t, time.Since(started), 80*time.Second)
				require.Equal(t, test.left, statuses(t, server))
				require.Len(t, server.Requests("AccessRequests.Revoke"), test.revoked)
			})
		})
	}
}

// A cancel while the submission is under way must not lose its ids.
func TestDuringKeepsTheSubmissionFromItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("the user left")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		server := tenant(t, aponotest.WithApprovalAfter(0))
		server.FaultNext("AccessRequests.Create", 1, aponotest.Fault{Latency: 20 * time.Second})
		err := server.Client().AccessRequests.During(ctx, twoRequests(), useNothing)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, why)
		require.Equal(t, "REVOKED REVOKED", statuses(t, server))
	})
}

func useNothing(context.Context, []*apono.AccessRequest) error { return nil }

// What an ended context asks for is nothing.
func TestDuringWithAnEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := apitest.NewClient(t, apitest.NoRequest(t)).AccessRequests.During(ctx, twoRequests(), useNothing)
	require.ErrorIs(t, err, context.Canceled)
	err = apitest.NewClient(t, apitest.NoRequest(t)).AccessRequests.During(t.Context(), twoRequests(), nil)
	require.EqualError(t, apitest.ErrorAs[*apono.ArgumentError](t, err), "apono: argument use: must not be nil: pass what needs the access")
	var none context.Context
	err = apitest.NewClient(t, apitest.NoRequest(t)).AccessRequests.During(none, twoRequests(), useNothing)
	require.ErrorAs(t, err, new(*apono.ArgumentError))
	err = apitest.NewClient(t, apitest.NoRequest(t), apono.WithReadOnly()).AccessRequests.During(t.Context(), twoRequests(), useNothing)
	require.ErrorIs(t, err, apono.ErrReadOnly)
	require.NotErrorAs(t, err, new(*apono.RevokeError))
}

// Whoever uses access that has ended must learn why its calls fail; whoever uses
// access that is there must not be stopped by a poll that failed.
func TestDuringEndsUseWhenTheAccessIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t, aponotest.WithApprovalAfter(0))
		in := twoRequests()
		in.DurationInSec = apono.Ptr(3600)
		started := time.Now()
		var cause error
		err := server.Client().AccessRequests.During(t.Context(), in, func(ctx context.Context, _ []*apono.AccessRequest) error {
			server.FailNext("AccessRequests.Get", 3, 401, nil, "")
			server.FailNext("AccessRequests.Get", 3, 403, nil, "")
			server.FailNext("AccessRequests.Get", 3, 404, nil, "")
			<-ctx.Done()
			cause = context.Cause(ctx)
			return ctx.Err()
		})
		require.ErrorIs(t, cause, apono.ErrRequestRevoked)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, apono.ErrRequestRevoked)
		require.EqualError(t, err, "context canceled: apono: the access ended while it was in use: the access request was revoked or has expired")
		require.GreaterOrEqual(t, time.Since(started), time.Hour)
		require.LessOrEqual(t, time.Since(started), time.Hour+31*time.Second)
	})
}

// A revocation whose response is lost may have been carried out or not: a read
// tells, and access that lives is revoked again.
func TestDuringRevokesAgainWhileTheAccessLives(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		plan func(*aponotest.Server)
		sent int
	}{
		"the response is lost": {func(s *aponotest.Server) {
			s.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Break: aponotest.AnswerLost})
		}, 1},
		"the request is lost": {func(s *aponotest.Server) {
			s.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Break: aponotest.RequestLost})
		}, 2},
		"the request is lost often": {func(s *aponotest.Server) {
			s.FaultNext("AccessRequests.Revoke", 5, aponotest.Fault{Break: aponotest.RequestLost})
		}, 6},
		"502":                   {func(s *aponotest.Server) { s.FailNext("AccessRequests.Revoke", 1, 502, nil, html) }, 2},
		"a page of HTML as 200": {func(s *aponotest.Server) { s.FailNext("AccessRequests.Revoke", 1, 200, nil, html) }, 2},
		"no response for long": {func(s *aponotest.Server) {
			s.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Latency: time.Hour})
		}, 2},
		"reads fail for a while too": {func(s *aponotest.Server) {
			s.FailNext("AccessRequests.Revoke", 1, 502, nil, "")
			s.FailNext("AccessRequests.Get", 5, 503, nil, "")
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := tenant(t, aponotest.WithApprovalAfter(0))
				in := twoRequests()
				in.Entitlements = in.Entitlements[:1]
				ctx, cancel := context.WithCancel(t.Context())
				started := time.Now()
				err := server.Client().AccessRequests.During(ctx, in, func(context.Context, []*apono.AccessRequest) error {
					cancel()
					test.plan(server)
					return errUse
				})
				require.Equal(t, errUse, err)
				require.Equal(t, "REVOKED", statuses(t, server))
				require.Len(t, server.Requests("AccessRequests.Revoke"), test.sent)
				require.LessOrEqual(t, time.Since(started), 30*time.Second)
			})
		})
	}
}

// Access that cannot be revoked must not go unnoticed: the error names it, beside
// what went wrong before, and where no error can be returned the log does.
func TestDuringNamesWhatMayRemain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		plan     func(*aponotest.Server)
		err      error
		sent     int
		panicked bool
	}{
		"rejected":          {func(s *aponotest.Server) { s.FailNext("AccessRequests.Revoke", 1, 403, nil, "") }, apono.ErrForbidden, 2, false},
		"rejected, a panic": {func(s *aponotest.Server) { s.FailNext("AccessRequests.Revoke", 1, 403, nil, "") }, apono.ErrForbidden, 2, true},
		"never a read": {func(s *aponotest.Server) {
			s.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Break: aponotest.RequestLost})
			s.FailNext("AccessRequests.Get", 1, 403, nil, "")
		}, apono.ErrForbidden, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := tenant(t, aponotest.WithApprovalAfter(0))
				var log bytes.Buffer
				var first string
				var err error
				func() {
					defer func() { require.Equal(t, test.panicked, recover() != nil) }()
					err = server.Client(apitest.JSONLogger(&log)).AccessRequests.During(t.Context(), twoRequests(), func(_ context.Context, requests []*apono.AccessRequest) error {
						first = requests[0].ID
						test.plan(server)
						if test.panicked {
							panic("a bug")
						}
						return errUse
					})
				}()
				require.Equal(t, "ACTIVE REVOKED", statuses(t, server), "the other one is revoked all the same")
				require.Len(t, server.Requests("AccessRequests.Revoke"), test.sent)
				if test.panicked {
					require.Contains(t, log.String(), `"level":"ERROR","msg":"apono access may remain","requests":["`+first+`"]`)
					return
				}
				require.NotContains(t, log.String(), "may remain")
				require.ErrorIs(t, err, errUse)
				require.ErrorIs(t, err, test.err)
				left := apitest.ErrorAs[*apono.RevokeError](t, err)
				require.Equal(t, []string{first}, left.IDs)
				require.False(t, left.MaybeRequested)
				require.Contains(t, err.Error(), "the migration failed; apono: access may remain: revoke the requests "+first+": ")
			})
		})
	}
}

// A server that is down for good must not hold the program for longer than the
// revocations have.
func TestDuringGivesUpRevoking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t, aponotest.WithApprovalAfter(0))
		var ended time.Time
		err := server.Client(apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
				if !ended.IsZero() {
					return nil, apitest.ErrReset
				}
				return next.RoundTrip(req)
			})
		})).AccessRequests.During(t.Context(), twoRequests(), func(context.Context, []*apono.AccessRequest) error {
			time.Sleep(500 * time.Millisecond) // between two polls
			ended = time.Now()
			return nil
		})
		require.Len(t, apitest.ErrorAs[*apono.RevokeError](t, err).IDs, 2)
		require.Equal(t, time.Minute, time.Since(ended))
		require.Equal(t, "ACTIVE ACTIVE", statuses(t, server))
	})
}

// A submission whose response is lost may be a request that nobody knows of.
func TestDuringTellsOfALostSubmission(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault aponotest.Fault
		maybe bool
	}{
		"the response is lost": {aponotest.Fault{Break: aponotest.AnswerLost}, true},
		"504":                  {aponotest.Fault{Status: 504}, true},
		"a page of HTML":       {aponotest.Fault{Status: 200, Body: html}, true},
		"no request in it":     {aponotest.Fault{Status: 200, Body: `[]`}, true},
		"an object":            {aponotest.Fault{Status: 200, Body: `{"id":"r"}`}, true},
		"no id":                {aponotest.Fault{Status: 200, Body: `[{"status":"PENDING"}]`}, true},
		"too slow":             {aponotest.Fault{Latency: time.Hour}, true},
		"rejected":             {aponotest.Fault{Status: 422}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := tenant(t)
				server.FaultNext("AccessRequests.Create", 1, test.fault)
				started := time.Now()
				err := server.Client().AccessRequests.During(t.Context(), twoRequests(), func(context.Context, []*apono.AccessRequest) error {
					assert.Fail(t, "expected use not to be called")
					return nil
				})
				require.Error(t, err)
				require.LessOrEqual(t, time.Since(started), 30*time.Second)
				require.Len(t, server.Requests("AccessRequests.Create"), 1)
				if left := (*apono.RevokeError)(nil); errors.As(err, &left) {
					require.True(t, left.MaybeRequested)
					require.Empty(t, left.IDs)
					require.ErrorContains(t, err, "apono: access may remain: look for requests without a known id: POST /api/user/v4/access-requests")
				}
				require.Equal(t, test.maybe, errors.As(err, new(*apono.RevokeError)))
			})
		})
	}
}

// The ids in a response that cannot be read to its end are those of requests.
func TestDuringRevokesWhatAnUnreadableResponseNames(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		response string
		maybe    bool
	}{
		"another type":              {`[{"id":"r1","creation_date":"never"},{"id":"r2"}]`, false},
		"an item that is no object": {`[{"id":"r1"},null,{"id":"r2"}]`, true},
		"cut short":                 {`[{"id":"r1"},{"id":"r2"},{"id":"r`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, script.Response{Body: test.response}, script.Response{Body: `{"message":"ok"}`}, script.Response{Body: `{"message":"ok"}`})
				err := apitest.NewClient(t, fake).AccessRequests.During(t.Context(), twoRequests(), useNothing)
				require.ErrorAs(t, err, new(*apono.DecodeError))
				require.Equal(t, test.maybe, errors.As(err, new(*apono.RevokeError)))
				apitest.Sent(t, fake.Requests()[1], "POST", "/api/user/v4/access-requests/r1/revoke", "", "")
				apitest.Sent(t, fake.Requests()[2], "POST", "/api/user/v4/access-requests/r2/revoke", "", "")
			})
		})
	}
}

// A panic of the program's middleware in a poll during the use is the program's:
// it must reach its goroutine, after the revocation, and not kill the process.
func TestDuringPassesOnWhatPollsPanicWith(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t, aponotest.WithApprovalAfter(0))
		using := false
		defer func() {
			require.Equal(t, "of the observer", recover())
			require.Equal(t, "REVOKED REVOKED", statuses(t, server))
		}()
		_ = server.Client().AccessRequests.During(t.Context(), twoRequests(), func(ctx context.Context, _ []*apono.AccessRequest) error {
			using = true
			<-ctx.Done()
			return ctx.Err()
		}, apono.WaitOptions{OnPoll: func(string, error) {
			if using {
				panic("of the observer")
			}
		}})
	})
}

func TestRevokeErrorTexts(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*apono.RevokeError{
		"apono: access may remain":                                                              {},
		"apono: access may remain: revoke the requests a, b: no network":                        {IDs: []string{"a", "b"}, Err: errors.New("apono: no\nnetwork")},
		"apono: access may remain: look for requests without a known id":                        {MaybeRequested: true},
		"apono: access may remain: revoke the requests a: look for requests without a known id": {IDs: []string{"a"}, MaybeRequested: true},
	} {
		require.EqualError(t, err, want)
		require.Equal(t, err.Err, errors.Unwrap(err))
	}
}
