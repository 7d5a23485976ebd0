package apono

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/transport"
)

// WaitOptions configures the polls of a wait.
type WaitOptions struct {
	// Interval is the time between the first two polls, 1 s by default. It increases by
	// half after each poll.
	Interval time.Duration
	// MaxInterval is the longest time between two polls, 15 s by default.
	MaxInterval time.Duration
	// OnPoll is called after each poll, in the goroutine of the wait. While the function
	// passed to During runs, that is another goroutine. Calls for one wait or one Grant
	// do not overlap, so OnPoll must not call methods of the Grant that poll.
	OnPoll func(Poll)
}

// Poll is the result of one poll, of a request or of a session.
type Poll struct {
	ID      string           // of the request or the session
	Request *AccessRequest   // nil for a session, or if Err is not nil
	Session *AccessSession   // nil for a request, or if Err is not nil
	Missing []MissingSession // of the request, for Grant.Sessions
	Err     error            // why the poll failed
}

// MissingSession is an integration in which a granted request has no session yet, or
// only sessions whose credentials are being reset.
type MissingSession struct {
	RequestID   string
	Integration Ref // empty if the request does not name its integrations
}

const (
	maxBackoff = 30 * time.Second // longest time to the next poll after a failed one
	settleTime = 10 * time.Second // how long a created object may still be missing
)

// WaitFor polls a request until done returns true or an error. The first poll is
// immediate; [WaitOptions] has the intervals of the others. Only the context limits the
// wait, so it should have a deadline.
//
// Once a poll has succeeded, WaitFor goes on after failed polls, which OnPoll shows. The
// next poll follows after a backoff of up to 30 s, or after Retry-After if that is
// longer. Only these failures end the wait:
//
//   - a 4xx response with a JSON object as its body, which comes from the API, except
//     408, 425, 429, and a 404 in the first ten seconds
//   - an error of the caller's token source, limiter or middleware that is not temporary
//   - an invalid argument
//
// Before a poll has succeeded, everything but network errors, temporary statuses and
// bodies that are cut short ends the wait after ten seconds: the base URL may be wrong.
//
// A wait that ends early returns a [*WaitError], which holds the request as last read.
// It wraps the error of the context, the error of done, or the failure.
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
	w := waiter{options: options, poll: s.poll, done: func(p Poll) (bool, error) { return done(p.Request) }}
	polls, err := w.wait(ctx, id)
	if err != nil {
		return nil, err
	}
	return polls[0].Request, nil
}

func (s *AccessRequestsService) poll(ctx context.Context, id string) Poll {
	request, err := s.Get(ctx, id)
	return Poll{ID: id, Request: request, Err: err}
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
	w := waiter{options: options, done: func(p Poll) (bool, error) { return done(p.Session) }}
	w.poll = func(ctx context.Context, id string) Poll {
		session, err := s.Get(ctx, id)
		return Poll{ID: id, Session: session, Err: err}
	}
	polls, err := w.wait(ctx, id)
	if err != nil {
		return nil, err
	}
	return polls[0].Session, nil
}

func waitOptions(opts []WaitOptions) (WaitOptions, error) {
	o, err := oneOption(opts)
	if err != nil {
		return o, err
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

// waiter polls requests or sessions. It is for one wait.
type waiter struct {
	options  WaitOptions
	poll     func(ctx context.Context, id string) Poll
	done     func(Poll) (bool, error)
	proven   bool // the API is known to respond at the base URL
	watching bool // the first poll is after an interval, and failed ones do not end the wait
	pollDone bool // an object that is done is polled until all are

	started time.Time
	last    []Poll // of each object, the last that succeeded
	failure error  // of the last failed poll
}

// wait polls the objects in turn until each is done. It returns the last polls, by ID.
func (w *waiter) wait(ctx context.Context, ids ...string) ([]Poll, error) {
	w.started, w.last = time.Now(), make([]Poll, len(ids))
	pending := make([]int, len(ids))
	for i, id := range ids {
		pending[i], w.last[i] = i, Poll{ID: id}
	}
	if w.watching {
		if err := sleep(ctx, w.options.Interval); err != nil {
			return nil, w.ended(0, err)
		}
	}
	failures := 0 // consecutive rounds with a failed poll
	for interval := w.options.Interval; ; interval = min(interval*3/2, w.options.MaxInterval) {
		left, failed, err := w.round(ctx, pending)
		if err != nil {
			return nil, err
		}
		if len(left) == 0 {
			return w.last, nil
		}
		if !w.pollDone {
			pending = left
		}
		if failures++; failed == nil {
			failures = 0
		}
		pause := max(interval, min(w.options.Interval<<min(failures, 16), maxBackoff))
		pause -= rand.N(pause/4 + 1) //nolint:gosec // spreads load, hides nothing
		if err := sleep(ctx, max(pause, retryAfter(failed))); err != nil {
			return nil, w.ended(left[0], err)
		}
	}
}

// round polls objects once. It returns those that are not done and the failure of the
// last failed poll, or an error that ends the wait.
func (w *waiter) round(ctx context.Context, pending []int) (left []int, failed, err error) {
	for _, i := range pending {
		p := w.poll(ctx, w.last[i].ID)
		if _, invalid := p.Err.(*ArgumentError); invalid { //nolint:errorlint // a wrapped one is not about the arguments of the wait
			return nil, nil, p.Err
		}
		if w.options.OnPoll != nil {
			w.options.OnPoll(p)
		}
		if p.Err != nil {
			if ctx.Err() != nil {
				return nil, nil, w.ended(i, p.Err)
			}
			if w.failure, failed = p.Err, p.Err; !w.watching && isFinal(p.Err, w.proven, time.Since(w.started)) {
				return nil, nil, w.ended(i, p.Err)
			}
			left = append(left, i)
			continue
		}
		w.proven, w.last[i] = true, p
		done, err := w.done(p)
		if err != nil {
			return nil, nil, w.ended(i, err)
		}
		if !done {
			left = append(left, i)
		}
	}
	return left, failed, nil
}

// ended returns the error of a wait that ends with an object that is not done.
func (w *waiter) ended(i int, err error) error {
	last := w.last[i]
	return &WaitError{ID: last.ID, Request: last.Request, Session: last.Session, LastFailure: w.failure, Err: err}
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

// retryAfter returns the wait that the server asks for in an error, 0 for none.
func retryAfter(err error) time.Duration {
	if rejected, ok := errors.AsType[*APIError](err); ok {
		return rejected.RetryAfter
	}
	return 0
}

// isFinal reports whether a failed poll ends a wait, given the time since its start. It
// is proven that the API responds at the base URL once a call has succeeded. From then
// on, what does not come from the API, such as the page of a firewall, will pass.
func isFinal(err error, proven bool, elapsed time.Duration) bool {
	var permanent bool // until the base URL or the network is changed
	if failed, ok := errors.AsType[*TransportError](err); ok {
		if transport.FailedInCaller(failed.Err) {
			return true // such as an invalid token of the token source
		}
		permanent = transport.IsRejected(failed.Err)
	} else if status, ok := errors.AsType[*APIError](err); ok {
		permanent = !transport.TemporaryStatus(status.StatusCode)
		if permanent && isRejection(status) {
			return status.StatusCode != http.StatusNotFound || elapsed >= settleTime
		}
	} else if body, ok := errors.AsType[*DecodeError](err); ok {
		permanent = errors.Is(err, ErrResponseTooLarge) || json.Valid(body.Body) || notFromTheAPI(body.Header, body.Body) != ""
	} else {
		return true // such as ErrReadOnly or an ArgumentError
	}
	return permanent && !proven && elapsed >= settleTime
}

// isRejection reports whether a response is a 4xx of the API itself. Gateways, firewalls
// and captive portals send HTML, text or nothing.
func isRejection(e *APIError) bool {
	body := bytes.TrimSpace(e.Body)
	return e.StatusCode/100 == 4 && bytes.HasPrefix(body, []byte("{")) && json.Valid(body)
}

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
