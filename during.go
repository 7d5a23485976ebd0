package apono

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/apono-go/apono/internal/transport"
)

const (
	createTimeout = 30 * time.Second // for Create, independent of the caller's context
	revokeTimeout = 30 * time.Second // for the revocation of one request
	orderTimeout  = 10 * time.Second // for one call of Revoke; leaves time for another
)

// During requests access, waits until it is granted, calls use, and revokes the access.
// It revokes in every case: when use returns, panics or ends its goroutine, when ctx
// ends, when one of several requests is rejected, and when the wait fails. A panic
// continues after the revocation.
//
// Creating the request takes up to 30 s and is not canceled when ctx ends, so that no
// request with an unknown id remains. During then waits as
// [AccessRequestsService.WaitFor] does with [UntilGranted], until all requests are
// granted, and passes them to use. While use runs, During polls them. When one of them
// ends, the context of use is canceled, with [ErrRequestRevoked], [ErrRequestRejected]
// or [ErrRequestFailed] in its cause. Polls that fail are ignored.
//
// Each revocation takes up to 30 s and is independent of ctx. If it is unclear whether
// it succeeded, During reads the request, and revokes again if the access still exists.
// During does not wait until the access has ended. Access that may remain is returned
// as a [*RevokeError], joined with the error of use. After a panic it is logged at
// level Error by the logger of [WithLogger].
//
// POST /api/user/v4/access-requests
func (s *AccessRequestsService) During(ctx context.Context, in CreateAccessRequestInput, use func(ctx context.Context, requests []*AccessRequest) error, opts ...WaitOptions) error {
	options, err := waitOptions(opts)
	switch {
	case ctx == nil:
		return &ArgumentError{Arg: "ctx", Reason: "must not be nil"}
	case use == nil:
		return &ArgumentError{Arg: "use", Reason: "must not be nil: pass the function that needs the access"}
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
	ctx     context.Context // without cancellation
	options WaitOptions

	ids    []string        // of the created requests
	over   map[string]bool // ids that need no revocation
	lost   error           // why there may be requests with unknown ids, nil if there are none
	failed []string        // ids that could not be revoked
	errs   []error         // and why
}

// create creates the requests and keeps their ids, even those in a response that could
// not be decoded.
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

// maybeDone reports whether an operation that failed may have changed something.
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

// idsIn returns the ids of a list of objects as far as it can be read, "" for objects
// without one, and whether the list is complete.
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
		_ = json.Unmarshal(element, &object) // an error leaves the id empty
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
	ended, rethrow := async(func() {
		defer func() { cancel(gone) }() // also if a poll panics
		gone = d.watch(using)
	})
	err = func() error {
		defer func() {
			cancel(nil)
			<-ended
		}()
		return use(using, requests)
	}()
	rethrow()
	if err != nil && gone != nil && !errors.Is(err, gone) {
		err = fmt.Errorf("%w: %w", err, gone)
	}
	return err
}

// granted is [UntilGranted], and records requests that need no revocation. A failed
// request needs one, because part of it may have been granted.
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

// watch polls the requests until the context ends or the access of one of them has
// ended, which is the error.
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

// revoke revokes requests. If user code panics, it goes on with the next request.
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

// order calls Revoke once.
func (d *during) order(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, orderTimeout, fmt.Errorf("no response within %s", orderTimeout))
	defer cancel()
	_, err := d.service.Revoke(ctx, id)
	return err
}

// left returns the access that may remain, nil for none.
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

// RevokeError is access that may remain after [AccessRequestsService.During].
type RevokeError struct {
	IDs []string // requests that could not be revoked
	// MaybeRequested reports that there may be more requests with unknown ids, because
	// the response to Create was lost or incomplete.
	MaybeRequested bool
	Err            error
}

// Error returns what may remain and why.
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

// Unwrap returns Err.
func (e *RevokeError) Unwrap() error { return e.Err }
