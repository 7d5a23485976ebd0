package apono

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
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
		return !isRejectedConnection(failed.Err)
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

// isRejectedConnection reports whether a connection failed in a way that waiting
// does not change: on a certificate, with a TLS alert, or on a proxy that rejects
// it with a 4xx, whose status text is all that net/http says.
func isRejectedConnection(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
		alert        tls.AlertError
		remote       *net.OpError
	)
	if errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid) ||
		errors.As(err, &alert) || errors.As(err, &remote) && remote.Op == "remote error" {
		return true
	}
	for code := http.StatusBadRequest; err != nil && code < http.StatusInternalServerError; code++ {
		if text := http.StatusText(code); text != "" && err.Error() == text {
			return code != http.StatusRequestTimeout && code != http.StatusTooEarly && code != http.StatusTooManyRequests
		}
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

const (
	createTimeout = 30 * time.Second // of During's request, whatever its context
	revokeTimeout = 30 * time.Second // for the revocation of one request
	orderTimeout  = 10 * time.Second // for one Revoke of it, so that time is left for another
)

// During requests access, calls use while it is there, and revokes it: when use
// returns, fails, panics or ends its goroutine, when ctx ends, when one of several
// requests is rejected, and when the wait for the grant fails. A panic or the end
// of the goroutine goes on after the revocation.
//
// The submission is sent even if ctx ends meanwhile, for up to 30 s, so that no
// request is left whose id nobody knows. During then waits until all requests are
// granted, as WaitFor does with [UntilGranted], and passes them to use as they
// are. While use runs, During polls them; when one of them has ended, the context
// of use does, with [ErrRequestRevoked], [ErrRequestRejected] or
// [ErrRequestFailed] in its cause. Polls that fail do not end it.
//
// Each revocation has up to 30 s of its own, whatever becomes of ctx. Where the
// response to one is not clear, During reads the request, and revokes again while
// the access lives. During returns when the revocations have been ordered, not
// when they are done. What may remain is in a [*RevokeError], beside the error of
// use; where a panic passes, it is logged at Error by the logger of [WithLogger].
//
// POST /api/user/v4/access-requests
func (s *AccessRequestsService) During(ctx context.Context, in CreateAccessRequestInput, use func(ctx context.Context, requests []*AccessRequest) error, opts ...WaitOptions) error {
	options, err := waitOptions(opts)
	switch {
	case ctx == nil:
		return &ArgumentError{Arg: "ctx", Reason: "the context is nil"}
	case use == nil:
		return &ArgumentError{Arg: "use", Reason: "must not be nil: pass what needs the access"}
	case err != nil:
		return err
	case ctx.Err() != nil:
		return newTransportError(createAccessRequest, transport.ContextErr(ctx))
	}
	d := &during{service: s, ctx: context.WithoutCancel(ctx), options: options}
	returned := false
	defer func() {
		if left := d.left(); left != nil && !returned && s.client.logger != nil {
			s.client.logger.LogAttrs(d.ctx, slog.LevelError, "apono access may remain", slog.Any("requests", left.IDs), slog.String("error", left.Error()))
		}
	}()
	err = func() error {
		defer func() { d.revoke(d.ids) }()
		if err := d.create(in); err != nil {
			return err
		}
		return d.run(ctx, use)
	}()
	returned = true
	switch left := d.left(); {
	case left == nil:
		return err
	case err == nil || errors.Is(left, err):
		return left
	default:
		return fmt.Errorf("%w; %w", err, left)
	}
}

// during is one call of During.
type during struct {
	service *AccessRequestsService
	ctx     context.Context // that does not end
	options WaitOptions

	ids    []string        // of the requests that are known
	over   map[string]bool // ids that need no revocation
	lost   error           // why there may be requests that are not known
	failed []string        // ids whose access may remain
	errs   []error         // why it may
}

// create sends the submission and keeps the ids of what came of it, even those
// in a response that is no list of requests.
func (d *during) create(in CreateAccessRequestInput) error {
	ctx, cancel := context.WithTimeoutCause(d.ctx, createTimeout, fmt.Errorf("no response within %s", createTimeout))
	defer cancel()
	requests, err := d.service.Create(ctx, in)
	ids, whole := convert(requests, func(r *AccessRequest) string { return r.ID }), err == nil || !maybeDone(err)
	if unreadable := (*DecodeError)(nil); errors.As(err, &unreadable) {
		ids, whole = idsIn(unreadable.Body)
	}
	for _, id := range ids {
		if id != "" {
			d.ids = append(d.ids, id)
		}
	}
	if err == nil && (len(ids) == 0 || len(d.ids) < len(ids)) {
		whole = false
		err = fmt.Errorf("apono: %s %s: the response lacks the id of a request", createAccessRequest.Method, createAccessRequest.Path)
	}
	if !whole || len(d.ids) < len(ids) {
		d.lost = err
	}
	return err
}

// maybeDone reports whether an operation that changes something may have been
// carried out, although it failed.
func maybeDone(err error) bool {
	var (
		failed *TransportError
		status *APIError
	)
	switch {
	case errors.As(err, &failed):
		return failed.MaybeSent
	case errors.As(err, &status):
		return status.StatusCode >= http.StatusInternalServerError || status.StatusCode == http.StatusRequestTimeout
	}
	return errors.As(err, new(*DecodeError))
}

// idsIn returns the ids of a list of objects as far as it can be read, "" where
// one has none, and whether it was read to its end.
func idsIn(body []byte) (ids []string, whole bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if start, err := dec.Token(); err != nil || start != json.Delim('[') {
		return nil, false
	}
	for dec.More() {
		var element json.RawMessage
		if dec.Decode(&element) != nil {
			return ids, false
		}
		var object struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(element, &object) // without an id, it is ""
		ids = append(ids, object.ID)
	}
	_, err := dec.Token()
	return ids, err == nil
}

// run waits for the grant and calls use.
func (d *during) run(ctx context.Context, use func(context.Context, []*AccessRequest) error) error {
	requests, err := d.service.waiter(d.granted, d.options).wait(ctx, d.ids...)
	if err != nil {
		return err
	}
	using, cancel := context.WithCancelCause(ctx)
	var gone error
	ended, pass := apart(func() {
		defer func() { cancel(gone) }() // also where a poll panics
		gone = d.watch(using)
	})
	err = func() error {
		defer func() {
			cancel(nil)
			<-ended
		}()
		return use(using, requests)
	}()
	pass()
	if err != nil && gone != nil && !errors.Is(err, gone) {
		err = fmt.Errorf("%w: %w", err, gone)
	}
	return err
}

// granted is UntilGranted, which keeps in mind what need not be revoked. Part of
// a request that failed may have been granted.
func (d *during) granted(r *AccessRequest) (bool, error) {
	done, err := UntilGranted(r)
	if err != nil && !r.Status.Failed() {
		if d.over == nil {
			d.over = map[string]bool{}
		}
		d.over[r.ID] = true
	}
	return done, err
}

// watch polls the requests until one has no access any more, which is the error,
// or the context ends.
func (d *during) watch(ctx context.Context) (gone error) {
	if sleep(ctx, d.options.Interval) != nil {
		return nil
	}
	w := d.service.waiter(func(r *AccessRequest) (bool, error) {
		if _, err := d.granted(r); err != nil {
			gone = fmt.Errorf("apono: the access ended while it was in use: %w", err)
		}
		return false, gone
	}, d.options)
	w.endures = true
	_, _ = w.wait(ctx, d.ids...)
	return gone
}

// revoke revokes what is left to revoke, the rest too where user code panics.
func (d *during) revoke(ids []string) {
	if len(ids) == 0 {
		return
	}
	defer d.revoke(ids[1:])
	id := ids[0]
	if d.over[id] {
		return
	}
	err := errors.New("the revocation panicked or ended its goroutine")
	defer func() {
		if err != nil {
			d.failed, d.errs = append(d.failed, id), append(d.errs, err)
		}
	}()
	err = d.revokeOne(id)
}

func (d *during) revokeOne(id string) error {
	started := time.Now()
	ctx, cancel := context.WithTimeoutCause(d.ctx, revokeTimeout, fmt.Errorf("no revocation within %s", revokeTimeout))
	defer cancel()
	reading := d.service.waiter(func(*AccessRequest) (bool, error) { return true, nil }, WaitOptions{Interval: time.Second, MaxInterval: time.Second})
	for {
		err := d.order(ctx, id)
		if err == nil {
			return nil
		}
		request, unread := first(reading.wait(ctx, id))
		if unread != nil {
			return fmt.Errorf("%w; %w", err, unread)
		}
		if _, over := UntilGranted(request); over != nil {
			return nil
		}
		if !mayPass(err, time.Since(started)) || sleep(ctx, time.Second) != nil {
			return err
		}
	}
}

// order sends one Revoke, which leaves time for another.
func (d *during) order(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, orderTimeout, fmt.Errorf("no response within %s", orderTimeout))
	defer cancel()
	_, err := d.service.Revoke(ctx, id)
	return err
}

// left is what may remain, nil if nothing does.
func (d *during) left() *RevokeError {
	errs := d.errs
	if d.lost != nil {
		errs = append([]error{d.lost}, errs...)
	}
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return &RevokeError{IDs: d.failed, MaybeRequested: d.lost != nil, Err: errs[0]}
	}
	return &RevokeError{IDs: d.failed, MaybeRequested: d.lost != nil, Err: errors.Join(errs...)}
}

// apart runs a function in a goroutine of its own. When that has ended, pass
// panics or ends the goroutine, where the function did.
func apart(f func()) (ended <-chan struct{}, pass func()) {
	done := make(chan struct{})
	var panicked any
	returned := false
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		f()
		returned = true
	}()
	return done, func() {
		switch {
		case panicked != nil:
			panic(panicked)
		case !returned:
			runtime.Goexit()
		}
	}
}

// RevokeError is access that During may have left behind.
type RevokeError struct {
	// IDs are the requests that could not be revoked.
	IDs []string
	// MaybeRequested says that there may be requests whose ids are not known,
	// because the response to the submission was lost, as a whole or in part.
	MaybeRequested bool
	// Err is why.
	Err error
}

// Error says what may remain and why.
func (e *RevokeError) Error() string {
	text := "apono: access may remain"
	if len(e.IDs) > 0 {
		text += ": revoke the requests " + oneLine(strings.Join(e.IDs, ", "))
	}
	if e.MaybeRequested {
		text += ": look for requests without a known id"
	}
	if e.Err != nil {
		text += ": " + strings.TrimPrefix(oneLine(e.Err.Error()), "apono: ")
	}
	return text
}

// Unwrap returns why access may remain.
func (e *RevokeError) Unwrap() error { return e.Err }
