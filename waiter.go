package apono

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/apono-go/apono/internal/transport"
)

// WaitOptions configures the polls of WaitFor and During.
type WaitOptions struct {
	// Interval is the time between the first two polls, 1 s by default. It increases by
	// half after each poll.
	Interval time.Duration
	// MaxInterval is the longest time between two polls, 15 s by default.
	MaxInterval time.Duration
	// OnPoll is called after each poll, with the status or the error. Calls do not
	// overlap. While the function passed to During runs, they are made in another
	// goroutine.
	OnPoll func(status string, err error)
}

const (
	maxBackoff = 30 * time.Second // longest time to the next poll after a failed one
	settling   = 10 * time.Second // how long a created object may still be missing
)

// WaitFor polls a request until done returns true or an error. The first poll is
// immediate; [WaitOptions] has the intervals of the others. Only the context limits the
// wait, so it should have a deadline.
//
// A temporary failure does not end the wait. The next poll follows after a backoff of
// up to 30 s, or after Retry-After if that is longer. Temporary failures are:
//
//   - the statuses 408, 425, 429 and 5xx
//   - a 404 in the first ten seconds
//   - a body that is cut short or not JSON
//   - network errors, including host names that cannot be resolved
//
// A wait that ends early returns a [*WaitError], which holds the request as last read.
// It wraps the error of the context, the error of done, or a permanent failure: an
// invalid certificate or TLS alert, a proxy that rejects the connection, any other
// status, or JSON of another type.
//
// GET /api/user/v4/access-requests/{id}
func (s *AccessRequestsService) WaitFor(ctx context.Context, id string, done func(*AccessRequest) (bool, error), opts ...WaitOptions) (*AccessRequest, error) {
	if done == nil {
		return nil, &ArgumentError{Arg: "done", Reason: "must not be nil: pass UntilGranted, UntilRevoked or another function"}
	}
	options, err := waitOptions(opts)
	if err != nil {
		return nil, err
	}
	return first(s.waiter(done, options).wait(ctx, id))
}

func (s *AccessRequestsService) waiter(done func(*AccessRequest) (bool, error), options WaitOptions) *waiter[AccessRequest] {
	return &waiter[AccessRequest]{
		options: options, get: s.Get, done: done,
		status: func(r *AccessRequest) string { return string(r.Status) },
		failed: func(last *AccessRequest, failure, err error) error {
			return &WaitError{Request: last, LastFailure: failure, Err: err}
		},
	}
}

// WaitFor polls a session until done returns true or an error, as
// [AccessRequestsService.WaitFor] polls a request. It does not read the access details,
// so it does not use up credentials.
//
// GET /api/user/v1/access-sessions/{id}
func (s *SessionsService) WaitFor(ctx context.Context, id string, done func(*AccessSession) (bool, error), opts ...WaitOptions) (*AccessSession, error) {
	if done == nil {
		return nil, &ArgumentError{Arg: "done", Reason: "must not be nil: pass UntilCredentialsAvailable or another function"}
	}
	options, err := waitOptions(opts)
	if err != nil {
		return nil, err
	}
	w := &waiter[AccessSession]{
		options: options, get: s.Get, done: done,
		status: func(s *AccessSession) string { return string(s.CredentialsStatus) },
		failed: func(last *AccessSession, failure, err error) error {
			return &WaitError{Session: last, LastFailure: failure, Err: err}
		},
	}
	return first(w.wait(ctx, id))
}

func first[T any](all []*T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func waitOptions(opts []WaitOptions) (WaitOptions, error) {
	var o WaitOptions
	switch len(opts) {
	case 0:
	case 1:
		o = opts[0]
	default:
		return o, &ArgumentError{Arg: "opts", Reason: fmt.Sprintf("must be one value at most, not %d", len(opts))}
	}
	if o.Interval < 0 || o.MaxInterval < 0 || o.MaxInterval > 0 && o.Interval > o.MaxInterval {
		return o, &ArgumentError{Arg: "opts.Interval", Reason: "must not be negative or longer than MaxInterval"}
	}
	// A default must not conflict with the bound that was set.
	if o.MaxInterval == 0 {
		o.MaxInterval = max(15*time.Second, o.Interval)
	}
	o.Interval = cmp.Or(o.Interval, min(time.Second, o.MaxInterval))
	return o, nil
}

// waiter polls objects of one type.
type waiter[T any] struct {
	options WaitOptions
	get     func(ctx context.Context, id string) (*T, error)
	status  func(*T) string
	done    func(*T) (bool, error)
	failed  func(last *T, failure, err error) error
	endures bool // failed polls do not end the wait
}

// wait polls the objects in turn until each is done, and returns them in the order of
// ids.
func (w *waiter[T]) wait(ctx context.Context, ids ...string) ([]*T, error) {
	var (
		started  = time.Now()
		last     = make([]*T, len(ids))
		pending  = make([]int, len(ids))
		failure  error // of the last failed poll
		failures int   // consecutive rounds with a failed poll
	)
	for i := range pending {
		pending[i] = i
	}
	for interval := w.options.Interval; ; interval = min(interval*3/2, w.options.MaxInterval) {
		var left []int
		var failed error // in this round
		for _, i := range pending {
			object, err := w.get(ctx, ids[i])
			if _, invalid := err.(*ArgumentError); invalid { //nolint:errorlint // a wrapped one is not about the arguments of the wait
				return nil, err
			}
			if err != nil {
				w.report("", err)
				if ctx.Err() != nil {
					return nil, w.failed(last[i], failure, err)
				}
				if failure, failed = err, err; !w.endures && !mayPass(err, time.Since(started)) {
					return nil, w.failed(last[i], failure, err)
				}
				left = append(left, i)
				continue
			}
			last[i] = object
			w.report(w.status(object), nil)
			done, err := w.done(object)
			if err != nil {
				return nil, w.failed(object, failure, err)
			}
			if !done {
				left = append(left, i)
			}
		}
		if len(left) == 0 {
			return last, nil
		}
		pending = left
		pause := interval
		if failed == nil {
			failures = 0
		} else {
			failures++
			pause = max(interval, min(w.options.Interval<<min(failures, 16), maxBackoff))
		}
		pause -= rand.N(pause/4 + 1) //nolint:gosec // spreads load, hides nothing
		if rejected := (*APIError)(nil); errors.As(failed, &rejected) {
			pause = max(pause, rejected.RetryAfter)
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, w.failed(last[left[0]], failure, err)
		}
	}
}

func (w *waiter[T]) report(status string, err error) {
	if w.options.OnPoll != nil {
		w.options.OnPoll(status, err)
	}
}

// sleep waits for a duration. If the context ends first, the error is the same as when
// it ends during a request.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return transport.ContextErr(ctx)
	case <-timer.C:
		return nil
	}
}

// mayPass reports whether a failure is temporary, given the time since the start.
func mayPass(err error, elapsed time.Duration) bool {
	var (
		argument *ArgumentError // such as a token that the token source returns
		failed   *TransportError
		status   *APIError
		body     *DecodeError
	)
	switch {
	case errors.As(err, &argument):
		return false
	case errors.As(err, &failed):
		return !transport.IsRejected(failed.Err)
	case errors.As(err, &status):
		switch code := status.StatusCode; code {
		case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
			return true
		case http.StatusNotFound:
			return elapsed < settling
		default:
			return code >= http.StatusInternalServerError
		}
	case errors.As(err, &body):
		return !errors.Is(err, ErrResponseTooLarge) && !json.Valid(body.Body)
	}
	return false
}

// Errors of [UntilGranted], [UntilRevoked] and [AccessRequestsService.During].
var (
	ErrRequestRejected = errors.New("the access request was rejected")
	ErrRequestFailed   = errors.New("the access request failed")
	ErrRequestRevoked  = errors.New("the access request was revoked or has expired")
)

// WaitError is a wait that ended early.
type WaitError struct {
	Request *AccessRequest // as last read, nil if it was never read
	Session *AccessSession // as last read, nil if it was never read
	// LastFailure is the error of the last failed poll, nil if there was none. A poll
	// that the context ended does not count.
	LastFailure error
	Err         error // why the wait ended
}

// Error returns the reason, the last status of the object, and the last failed poll.
func (e *WaitError) Error() string {
	var what, status string
	switch {
	case e.Request != nil:
		what, status = " for an access request", string(e.Request.Status)
	case e.Session != nil:
		what, status = " for an access session", string(e.Session.CredentialsStatus)
	}
	text := "apono: waiting" + what
	if e.Err != nil {
		text += ": " + strings.TrimPrefix(e.Err.Error(), "apono: ")
	}
	if what != "" {
		text += "; its last status was " + oneLine(status)
	}
	if e.LastFailure != nil && !errors.Is(e.Err, e.LastFailure) {
		text += "; the last failure was " + strings.TrimPrefix(oneLine(e.LastFailure.Error()), "apono: ")
	}
	return text
}

// Unwrap returns Err.
func (e *WaitError) Unwrap() error { return e.Err }

// UntilGranted makes [AccessRequestsService.WaitFor] wait until the access is granted.
// It returns [ErrRequestRejected], [ErrRequestFailed] or [ErrRequestRevoked] if it will
// not be. Approval or a second factor may take hours.
func UntilGranted(r *AccessRequest) (bool, error) {
	if r.Status.Revoked() || r.Status.Is(AccessRequestStatusRevoking) {
		return false, ErrRequestRevoked
	}
	return r.Status.Granted(), r.Status.failure()
}

// UntilRevoked makes [AccessRequestsService.WaitFor] wait until the access has ended. It
// returns [ErrRequestRejected] or [ErrRequestFailed] if it was never granted.
func UntilRevoked(r *AccessRequest) (bool, error) { return r.Status.Revoked(), r.Status.failure() }

func (s AccessRequestStatus) failure() error {
	switch {
	case s.Rejected():
		return ErrRequestRejected
	case s.Failed():
		return ErrRequestFailed
	}
	return nil
}

// UntilCredentialsAvailable makes [SessionsService.WaitFor] wait until the credentials of
// a session are no longer being reset, so that its access details can be read. It is for
// use after [SessionsService.ResetCredentials].
func UntilCredentialsAvailable(s *AccessSession) (bool, error) {
	return !strings.EqualFold(string(s.CredentialsStatus), string(CredentialsStatusResetting)), nil
}
