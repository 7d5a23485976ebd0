package apono_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

// waitingFor answers a request in one status after the other.
func waitingFor(statuses ...string) []script.Answer {
	answers := make([]script.Answer, 0, len(statuses))
	for _, status := range statuses {
		answers = append(answers, script.Answer{Body: fmt.Sprintf(`{"id": "ar-1", "status": %q}`, status)})
	}
	return answers
}

// neverDone has a waiter wait for ever.
func neverDone(*apono.AccessRequest) (bool, error) { return false, nil }

// lastSeen fails unless the error is a waiter's with this text, and returns the
// status of the request as it was last seen, "never" if it never was.
func lastSeen(t *testing.T, err error, text string) apono.AccessRequestStatus {
	t.Helper()
	ended := check.ErrorAs[*apono.WaitError](t, err)
	check.Equal(t, err.Error(), text)
	if ended.Last == nil {
		return "never"
	}
	check.Equal(t, ended.Last.ID, "ar-1")
	return ended.Last.Status
}

// A waiter that waits before its first look costs everybody a second whose
// access is there already.
func TestWaitForLooksAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		fake := script.New(t, waitingFor("ACTIVE")...)
		got, err := newClient(t, fake).AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted)
		check.NoError(t, err)
		check.Equal(t, got, &apono.AccessRequest{ID: "ar-1", Status: "ACTIVE"})
		check.Equal(t, time.Since(start), 0)
		sent(t, fake.Requests()[0], "GET", "/api/user/v4/access-requests/ar-1", "", "")
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
			_, err := newClient(t, fake).AccessRequests.WaitFor(t.Context(), "ar-1", apono.UntilGranted)
			check.NoError(t, err)
			all := waits(fake)
			check.True(t, all[0] >= 750*time.Millisecond && all[0] <= time.Second, "a first wait of about a second, got %s", all[0])
			for i, wait := range all {
				check.True(t, wait <= 15*time.Second, "wait %d of 15 s at the most, got %s", i, wait)
				if i >= 7 { // the longest wait, less some chance
					check.True(t, wait >= 11*time.Second, "wait %d of 11 s at least, got %s", i, wait)
				} else if i > 0 {
					check.True(t, wait > all[i-1] && wait <= 2*all[i-1], "wait %d longer than %s, but not above twice as long, got %s", i, all[i-1], wait)
				}
			}
			firsts, lasts = append(firsts, all[0]), append(lasts, all[7:]...)
		}
		check.True(t, slices.Max(firsts)-slices.Min(firsts) > 10*time.Millisecond, "first waits that vary, got %v", firsts)
		check.True(t, slices.Max(lasts)-slices.Min(lasts) > time.Second, "longest waits that vary, got %v", lasts)
	})
}

// A caller that is told "nil" at its deadline goes on as if the access were
// there; one that is told late, or without the state, cannot tell its user why.
func TestWaitForEndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []script.Answer
		text    string
		last    apono.AccessRequestStatus
	}{
		"between two looks": {
			waitingFor("PENDING", "Granting", "Pending MFA"),
			"apono: waiting for an access request: context deadline exceeded; its last status was Pending MFA", "Pending MFA",
		},
		"during a look": {
			append(waitingFor("PENDING"), script.Answer{Delay: 10 * time.Second}),
			"apono: waiting for an access request: GET /api/user/v4/access-requests/{id}: context deadline exceeded; its last status was PENDING", "PENDING",
		},
		"during the first look": {
			[]script.Answer{{Delay: 10 * time.Second}},
			"apono: waiting for an access request: GET /api/user/v4/access-requests/{id}: context deadline exceeded", "never",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				start := time.Now()
				got, err := newClient(t, script.New(t, test.answers...)).AccessRequests.WaitFor(ctx, "ar-1", apono.UntilGranted)
				check.Equal(t, time.Since(start), 3*time.Second)
				check.ErrorIs(t, err, context.DeadlineExceeded)
				check.Equal(t, lastSeen(t, err, test.text), test.last)
				check.Equal(t, got, nil)
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
	for name, answers := range map[string][]script.Answer{
		"between two looks": waitingFor("PENDING"),
		"during a look":     {{Delay: time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer time.AfterFunc(400*time.Millisecond, func() { cancel(why) }).Stop()
				start := time.Now()
				_, err := newClient(t, script.New(t, answers...)).AccessRequests.WaitFor(ctx, "ar-1", neverDone)
				took := time.Since(start)
				check.True(t, took >= 400*time.Millisecond && took < 450*time.Millisecond, "an end within 50 ms, got it after %s", took)
				check.ErrorIs(t, err, context.Canceled)
				check.ErrorIs(t, err, why)
				check.ErrorAs[*apono.WaitError](t, err)
			})
		})
	}
}

func TestWaitForWithAnEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newClient(t, noRequest(t)).AccessRequests.WaitFor(ctx, "ar-1", apono.UntilGranted)
	check.ErrorIs(t, err, context.Canceled)
	check.Equal(t, lastSeen(t, err, "apono: waiting for an access request: GET /api/user/v4/access-requests/{id}: context canceled"), "never")
}

var errDone = errors.New("the change window is over")

// A waiter that goes on after a refusal waits until its deadline for what will
// not come, and one that reads a request which has vanished crashes.
func TestWaitForEndsWhenThereIsNothingToWaitFor(t *testing.T) {
	t.Parallel()
	const waiting = "apono: waiting for an access request: "
	const request = "GET /api/user/v4/access-requests/{id}: "
	for name, test := range map[string]struct {
		answers []script.Answer
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
		"vanished": {
			append(waitingFor("PENDING"), script.Answer{Status: 404}), apono.UntilGranted, apono.ErrNotFound,
			waiting + request + "404 Not Found; its last status was PENDING", "PENDING",
		},
		"never there": {
			[]script.Answer{{Status: 404}}, apono.UntilRevoked, apono.ErrNotFound, waiting + request + "404 Not Found", "never",
		},
		"forbidden": {
			append(waitingFor("PENDING"), script.Answer{Status: 403, Body: `{"message": "not yours"}`}), apono.UntilGranted, apono.ErrForbidden,
			waiting + request + "403 Forbidden: not yours; its last status was PENDING", "PENDING",
		},
		"server down for as long as Get repeats": {
			append(waitingFor("PENDING"), script.Answer{Status: 503}, script.Answer{Status: 503}, script.Answer{Status: 503}), apono.UntilGranted, apono.ErrServer,
			waiting + request + "503 Service Unavailable, after 3 attempts; its last status was PENDING", "PENDING",
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
				got, err := newClient(t, script.New(t, test.answers...)).AccessRequests.WaitFor(t.Context(), "ar-1", test.done)
				check.ErrorIs(t, err, test.err)
				check.Equal(t, lastSeen(t, err, test.text), test.last)
				check.Equal(t, got, nil)
			})
		})
	}
}

// The API may have states that nobody here has heard of, and servers have bad
// moments. Neither says that the access will not come.
func TestWaitForGoesOnUntilItIsDone(t *testing.T) {
	t.Parallel()
	down := script.Answer{Status: 503}
	for name, test := range map[string]struct {
		answers []script.Answer
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
			[]script.Answer{down, down, waitingFor("PENDING")[0], down, waitingFor("PENDING")[0], down, down, waitingFor("ACTIVE")[0]},
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
				got, err := newClient(t, script.New(t, test.answers...)).AccessRequests.WaitFor(t.Context(), "ar-1", test.done)
				check.NoError(t, err)
				check.Equal(t, got.Status, test.last)
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
		"no function":  {t.Context(), "ar-1", nil, "apono: argument done: it is nil: give UntilGranted, UntilRevoked or a function of your own"},
		"no id":        {t.Context(), "", neverDone, "apono: argument id: it is empty: it must name one object"},
		"parent as id": {t.Context(), "..", neverDone, "apono: argument id: it is .., which a server may read as another path"},
		"line break":   {t.Context(), "ar-1\n", neverDone, "apono: argument id: it holds a control character, such as a line break"},
		"no context":   {none, "ar-1", neverDone, "apono: argument ctx: the context is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(t, noRequest(t)).AccessRequests.WaitFor(test.ctx, test.id, test.done)
			check.Equal(t, check.ErrorAs[*apono.ArgumentError](t, err).Error(), test.text)
			check.True(t, !errors.As(err, new(*apono.WaitError)), "no wait to have begun, got %v", err)
		})
	}
}

// A caller's function may call the API itself, with a mistake in it. The request
// as it was last seen must not be lost to that.
func TestWaitForWrapsArgumentErrorsOfTheCallersFunction(t *testing.T) {
	t.Parallel()
	client := newClient(t, script.New(t, waitingFor("PENDING")...))
	_, err := client.AccessRequests.WaitFor(t.Context(), "ar-1", func(*apono.AccessRequest) (bool, error) {
		_, err := client.Sessions.Get(t.Context(), "")
		return false, err
	})
	check.ErrorAs[*apono.ArgumentError](t, err)
	check.Equal(t, lastSeen(t, err, "apono: waiting for an access request: argument id: it is empty: it must name one object; its last status was PENDING"), "PENDING")
}

// A status is the server's word: it must not break the line of a log.
func TestWaitErrorTexts(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*apono.WaitError{
		"apono: waiting for an access request":                                {},
		"apono: waiting for an access request: the access request failed":     {Err: apono.ErrRequestFailed},
		"apono: waiting for an access request; its last status was ON HOLD x": {Last: &apono.AccessRequest{Status: "ON\nHOLD\t\x00 x"}},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			check.Equal(t, err.Error(), want)
			check.Equal(t, errors.Unwrap(err), err.Err)
		})
	}
}
