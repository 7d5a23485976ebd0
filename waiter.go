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

// WaitOptions says how often a wait polls, and who watches it.
type WaitOptions struct {
	// Interval is the time between the first two polls, 1 s by default. It grows
	// by half from poll to poll.
	Interval time.Duration
	// MaxInterval is the longest time between two polls, 15 s by default.
	MaxInterval time.Duration
	// OnPoll is called after each poll, with the status that it found or with the
	// error that it failed with. Calls do not overlap. While the function of
	// During runs, they come from another goroutine.
	OnPoll func(status string, err error)
}

const (
	// maxBackoff is the longest time between two polls of which the first failed.
	maxBackoff = 30 * time.Second
	// settling is how long an object that was just created may be missing.
	settling = 10 * time.Second
)

// WaitFor polls a request until done reports true or an error. It polls at once,
// and then at intervals that grow from 1 s to 15 s unless the options say
// otherwise. It has no limit but its context, so give that a deadline.
//
// A poll that fails in a way that may pass does not end the wait: the next one
// follows after a backoff of up to 30 s, or when Retry-After allows it. Such
// failures are the statuses 408, 425, 429 and 5xx, a 404 in the first ten
// seconds, a body that is no JSON or is cut short, and network errors, names that
// cannot be resolved among them.
//
// A wait that ends early returns a [*WaitError] that holds the request as it was
// last seen. It wraps the context's error, the error of done, or a failure that
// does not pass: a certificate or TLS alert, a proxy that rejects, any other
// status, or JSON of another type.
//
// GET /api/user/v4/access-requests/{id}
func (s *AccessRequestsService) WaitFor(ctx context.Context, id string, done func(*AccessRequest) (bool, error), opts ...WaitOptions) (*AccessRequest, error) {
	if done == nil {
		return nil, &ArgumentError{Arg: "done", Reason: "must not be nil: pass UntilGranted, UntilRevoked or a function of your own"}
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

// WaitFor polls a session until done reports true or an error, as
// [AccessRequestsService.WaitFor] polls a request. It reads the session and never
// its access details, so it uses up nothing.
//
// GET /api/user/v1/access-sessions/{id}
func (s *SessionsService) WaitFor(ctx context.Context, id string, done func(*AccessSession) (bool, error), opts ...WaitOptions) (*AccessSession, error) {
	if done == nil {
		return nil, &ArgumentError{Arg: "done", Reason: "must not be nil: pass UntilCredentialsAvailable or a function of your own"}
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
		return o, &ArgumentError{Arg: "opts.Interval", Reason: "must not be negative, nor longer than MaxInterval"}
	}
	// A default yields to the bound that was given.
	if o.MaxInterval == 0 {
		o.MaxInterval = max(15*time.Second, o.Interval)
	}
	o.Interval = cmp.Or(o.Interval, min(time.Second, o.MaxInterval))
	return o, nil
}

// waiter polls objects of one kind.
type waiter[T any] struct {
	options WaitOptions
	get     func(ctx context.Context, id string) (*T, error)
	status  func(*T) string
	done    func(*T) (bool, error)
	failed  func(last *T, failure, err error) error
	// endures is for a wait that no failed poll ends.
	endures bool
}

// wait polls the objects, in turn, until each is done. It returns them in their
// order.
func (w *waiter[T]) wait(ctx context.Context, ids ...string) ([]*T, error) {
	var (
		started  = time.Now()
		last     = make([]*T, len(ids))
		pending  = make([]int, len(ids))
		failure  error // of the latest poll that failed
		failures int   // rounds with one, in a row
	)
	for i := range pending {
		pending[i] = i
	}
	for interval := w.options.Interval; ; interval = min(interval*3/2, w.options.MaxInterval) {
		var left []int
		var failed error // in this round
		for _, i := range pending {
			object, err := w.get(ctx, ids[i])
			if _, invalid := err.(*ArgumentError); invalid { //nolint:errorlint // one inside another error is not about the wait's arguments
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
		if refused := (*APIError)(nil); errors.As(failed, &refused) {
			pause = max(pause, refused.RetryAfter)
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

// sleep waits. The end of the context is the error, with its cause, as it is
// when the context ends during a request.
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

// mayPass reports whether a later poll may succeed after one that failed so long
// after the first.
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

// What a waiter stops for.
var (
	// ErrRequestRejected is a request that an approver rejected.
	ErrRequestRejected = errors.New("the access request was rejected")
	// ErrRequestFailed is a request that went wrong.
	ErrRequestFailed = errors.New("the access request failed")
	// ErrRequestRevoked is a request whose access ended while it was waited for.
	ErrRequestRevoked = errors.New("the access request was revoked or has expired")
)

// WaitError is a wait that ended before what was waited for.
type WaitError struct {
	// Request is the request as it was last seen, nil if it never was.
	Request *AccessRequest
	// Session is the session as it was last seen, nil if it never was.
	Session *AccessSession
	// LastFailure is what the latest of the polls that failed ended with, nil if
	// all succeeded. A poll that ends with its context is none of them.
	LastFailure error
	// Err is why the wait ended.
	Err error
}

// Error says why the wait ended, in which state the object was, and which poll
// failed last.
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

// Unwrap returns why the wait ended.
func (e *WaitError) Unwrap() error { return e.Err }

// UntilGranted is for WaitFor: it is done when the access is there, and fails
// with [ErrRequestRejected], [ErrRequestFailed] or [ErrRequestRevoked] when it
// will not come. A request that waits for approval or for a second factor may
// wait for hours.
func UntilGranted(r *AccessRequest) (bool, error) {
	if r.Status.Revoked() || r.Status.Is(AccessRequestStatusRevoking) {
		return false, ErrRequestRevoked
	}
	return r.Status.Granted(), r.Status.failure()
}

// UntilRevoked is for WaitFor: it is done when the access has ended, and fails
// with [ErrRequestRejected] or [ErrRequestFailed] when there is none to end.
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

// UntilCredentialsAvailable is for WaitFor: it is done when the credentials of a
// session are not being replaced (any more), so that a read of its access details
// finds them. Use it after ResetCredentials.
func UntilCredentialsAvailable(s *AccessSession) (bool, error) {
	return !strings.EqualFold(string(s.CredentialsStatus), string(CredentialsStatusResetting)), nil
}
