package apono

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/apono-go/apono/internal/transport"
)

const (
	timeLimit         = 30 * time.Second       // for Create, for Sessions without a deadline, and for a revocation
	revokeCallTimeout = 10 * time.Second       // for one call of a revocation; leaves time for another
	lastCallTime      = 750 * time.Millisecond // before the end of a revocation, for its last call
)

// AcquireOptions configures Acquire and During.
type AcquireOptions struct {
	Wait WaitOptions
	// OnCreated receives the IDs of the requests when they have been created, before the
	// first poll, so that they can be saved: another process can end what they grant with
	// EnsureRevoked if this one is killed. If it returns an error, the requests are revoked.
	OnCreated func(ids []string) error
}

// Grant is access that was granted by one or more requests.
// [AccessRequestsService.Acquire] and [AccessRequestsService.Adopt] return it. Its
// methods are safe for concurrent use. It prints, logs and marshals as the IDs of its
// requests.
type Grant struct {
	service *AccessRequestsService
	options WaitOptions
	ids     []string

	maybeRequested error // why there may be requests with unknown IDs, nil if there are none

	mu       sync.Mutex
	requests []*AccessRequest // as last read, in the order of IDs

	// A channel is full while OnPoll runs or a revocation does. Unlike a goroutine that
	// waits for a mutex, one that waits for it is idle for testing/synctest.
	polling, revoking chan struct{}
	revoked           map[string]bool
}

// Acquire requests access and waits until it is granted. The server may create several
// requests, and all of them must be granted. The caller ends the access with
// [Grant.Revoke]; without it, the access lasts as long as the access flow allows.
//
// Creating takes up to 30 s and is not canceled when ctx ends, so that no request with
// an unknown ID remains. Acquire then waits as [AccessRequestsService.WaitFor] does
// with [UntilGranted]; ctx should have a deadline. If a request is rejected or fails,
// if ctx ends, or if OnCreated fails or panics, Acquire revokes the requests, as
// Grant.Revoke does, and returns the reason. Access that may remain is returned as a
// [*RevokeError], joined with the reason. If a panic hides it, the logger of
// [WithLogger] has it at level Error.
//
// POST /api/user/v4/access-requests
func (s *AccessRequestsService) Acquire(ctx context.Context, in CreateAccessRequestInput, opts ...AcquireOptions) (*Grant, error) {
	if ctx == nil {
		return nil, &ArgumentError{Arg: "ctx", Reason: "must not be nil"}
	}
	o, err := oneOption(opts)
	if err != nil {
		return nil, err
	}
	g, err := s.newGrant([]WaitOptions{o.Wait})
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, newTransportError(createAccessRequest, transport.ContextErr(ctx))
	}
	err = g.thenRevoke(ctx, true, func() error {
		err := g.create(ctx, in)
		if o.OnCreated != nil && len(g.ids) > 0 {
			if failed := o.OnCreated(g.IDs()); failed != nil {
				err = errors.Join(err, failed)
			}
		}
		if err != nil {
			return err
		}
		return g.wait(ctx, true)
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// Adopt returns the access of requests that exist, such as those that another process
// has created. It waits until all are granted, as [AccessRequestsService.WaitFor] does
// with [UntilGranted]. For the first request that has ended, was rejected or failed, it
// returns a [*WaitError]. Adopt creates and revokes nothing, whatever happens.
//
// GET /api/user/v4/access-requests/{id}
func (s *AccessRequestsService) Adopt(ctx context.Context, ids []string, opts ...WaitOptions) (*Grant, error) {
	g, err := s.newGrant(opts)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.Contains(g.ids, id) {
			g.ids = append(g.ids, id)
		}
	}
	if len(g.ids) == 0 {
		return nil, &ArgumentError{Arg: "ids", Reason: "must not be empty"}
	}
	g.requests = make([]*AccessRequest, len(g.ids))
	if err := g.wait(ctx, false); err != nil {
		return nil, err
	}
	return g, nil
}

func (s *AccessRequestsService) newGrant(opts []WaitOptions) (*Grant, error) {
	options, err := waitOptions(opts)
	if err != nil {
		return nil, err
	}
	g := &Grant{service: s, options: options, polling: make(chan struct{}, 1), revoking: make(chan struct{}, 1), revoked: map[string]bool{}}
	if onPoll := options.OnPoll; onPoll != nil {
		g.options.OnPoll = func(p Poll) {
			g.polling <- struct{}{}
			defer func() { <-g.polling }()
			onPoll(p)
		}
	}
	return g, nil
}

// create creates the requests and keeps their IDs, even those in a response that could
// not be decoded.
func (g *Grant) create(ctx context.Context, in CreateAccessRequestInput) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), timeLimit, fmt.Errorf("no response within %s", timeLimit))
	defer cancel()
	g.maybeRequested = errors.New("creating the request panicked or ended its goroutine")
	requests, err := g.service.Create(ctx, in)
	complete := err == nil || !errors.Is(err, ErrMaybeDone)
	if undecoded, ok := errors.AsType[*DecodeError](err); ok {
		requests, complete = requestsIn(undecoded.Body)
	}
	for _, request := range requests {
		if request.ID == "" {
			complete = false
			continue
		}
		g.ids, g.requests = append(g.ids, request.ID), append(g.requests, request)
	}
	if err == nil && (!complete || len(g.ids) == 0) {
		complete, err = false, fmt.Errorf("apono: %s %s: the response lacks the ID of a request", createAccessRequest.Method, createAccessRequest.Path)
	}
	g.maybeRequested = nil
	if !complete {
		g.maybeRequested = err
	}
	return err
}

// requestsIn returns the requests in a list as far as it can be read, with nothing but
// their IDs, and whether the list is complete.
func requestsIn(body []byte) (requests []*AccessRequest, complete bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if start, err := dec.Token(); err != nil || start != json.Delim('[') {
		return nil, false
	}
	for dec.More() {
		var element json.RawMessage
		if dec.Decode(&element) != nil {
			return requests, false
		}
		var object struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(element, &object) // an error leaves the ID empty
		requests = append(requests, &AccessRequest{ID: object.ID})
	}
	_, err := dec.Token()
	return requests, err == nil
}

// wait waits until all requests are granted.
func (g *Grant) wait(ctx context.Context, proven bool) error {
	w := waiter{options: g.options, poll: g.poll, proven: proven}
	w.done = func(p Poll) (bool, error) { return UntilGranted(p.Request) }
	_, err := w.wait(ctx, g.ids...)
	return err
}

// poll reads a request and keeps it.
func (g *Grant) poll(ctx context.Context, id string) Poll {
	p := g.service.poll(ctx, id)
	if p.Err == nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.requests[slices.Index(g.ids, id)] = p.Request
	}
	return p
}

// IDs returns the IDs of the requests.
func (g *Grant) IDs() []string { return slices.Clone(g.ids) }

// Requests returns the requests as last read, in the order of IDs.
func (g *Grant) Requests() []*AccessRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.requests)
}

// Watch polls the requests until the access of one of them ends, and returns a
// [*WaitError] with [ErrRequestRevoked], [ErrRequestRejected] or [ErrRequestFailed]. It
// goes on after failed polls of every kind. It also ends with ctx.
//
// GET /api/user/v4/access-requests/{id}
func (g *Grant) Watch(ctx context.Context) error {
	if ctx == nil {
		return &ArgumentError{Arg: "ctx", Reason: "must not be nil"}
	}
	w := waiter{options: g.options, poll: g.poll, watching: true}
	w.done = func(p Poll) (bool, error) {
		_, err := UntilGranted(p.Request)
		return false, err
	}
	_, err := w.wait(ctx, g.ids...)
	return err
}

// Sessions waits until every integration of every request has a session whose
// credentials are not being reset, and returns the sessions of the requests. If ctx has
// no deadline, it waits for 30 s at most. If that time, ctx or the access ends first,
// it returns the sessions that exist, and a [*WaitError] whose Missing lists the
// others: some kinds of integrations may have no sessions. It does not read access
// details.
//
// GET /api/user/v1/access-sessions
func (g *Grant) Sessions(ctx context.Context) ([]*AccessSession, error) {
	if ctx == nil {
		return nil, &ArgumentError{Arg: "ctx", Reason: "must not be nil"}
	}
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeLimit, fmt.Errorf("no session within %s", timeLimit))
		defer cancel()
	}
	found := map[string][]*AccessSession{} // by ID of the request
	w := waiter{options: g.options, proven: true, pollDone: true}
	w.done = func(p Poll) (bool, error) {
		_, err := UntilGranted(p.Request)
		return len(p.Missing) == 0, err
	}
	w.poll = func(ctx context.Context, id string) Poll {
		sessions, err := Collect(g.service.client.Sessions.ListAll(ctx, ListSessionsOptions{RequestIDs: []string{id}}))
		if err != nil {
			return Poll{ID: id, Err: err}
		}
		found[id] = slices.DeleteFunc(sessions, func(s *AccessSession) bool { return !slices.Contains(s.RequestIDs, id) })
		p := Poll{ID: id, Request: g.Requests()[slices.Index(g.ids, id)]}
		if p.Missing = missingSessions(p.Request, found[id]); len(p.Missing) > 0 { // is it still granted?
			if p = g.poll(ctx, id); p.Err == nil {
				p.Missing = missingSessions(p.Request, found[id])
			}
		}
		return p
	}
	_, err := w.wait(ctx, g.ids...)
	var all []*AccessSession
	var missing []MissingSession
	for i, request := range g.Requests() {
		sessions := found[g.ids[i]]
		for _, session := range sessions {
			if !slices.ContainsFunc(all, func(s *AccessSession) bool { return s.ID == session.ID }) { // of two requests
				all = append(all, session)
			}
		}
		missing = append(missing, missingSessions(request, sessions)...)
	}
	if ended, ok := errors.AsType[*WaitError](err); ok {
		ended.Missing = missing
	}
	return all, err
}

// missingSessions returns the integrations of a request in which none of the sessions is
// usable.
func missingSessions(request *AccessRequest, sessions []*AccessSession) []MissingSession {
	integrations := convert(request.AccessGroups, func(g AccessGroup) Ref { return g.Integration })
	if len(integrations) == 0 {
		integrations = []Ref{{}} // any
	}
	var missing []MissingSession
	for _, in := range integrations {
		usable := func(s *AccessSession) bool {
			return (in.ID == "" || s.Integration.ID == in.ID) && !s.CredentialsStatus.is(CredentialsStatusResetting)
		}
		if !slices.ContainsFunc(sessions, usable) {
			missing = append(missing, MissingSession{request.ID, in})
		}
	}
	return missing
}

// EnsureRevoked revokes requests in any state: the access of pending, granted and
// failed ones is revoked, those that have ended stay as they are. It takes 30 s at
// most, works on all requests concurrently, and continues after a failure. If it is
// unclear whether a revocation succeeded, it reads the request, and revokes again if
// the access still exists. It ends with ctx. Access that may remain is returned as a
// [*RevokeError]; for a request that does not exist it matches [ErrNotFound].
//
// EnsureRevoked makes sure that the API has accepted every revocation. It does not wait
// until the access has ended; see [AccessRequestsService.WaitFor] with [UntilRevoked].
//
// POST /api/user/v4/access-requests/{id}/revoke
func (s *AccessRequestsService) EnsureRevoked(ctx context.Context, ids ...string) error {
	if ctx == nil {
		return &ArgumentError{Arg: "ctx", Reason: "must not be nil"}
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	return s.revokeAll(ctx, ids, false, map[string]bool{})
}

// Revoke revokes the requests, except those that have ended, as
// [AccessRequestsService.EnsureRevoked] does. It uses only the values of ctx and does
// not end with it, so that it can be deferred. Of several concurrent calls, one
// revokes. A later call revokes only what could not be revoked before.
//
// POST /api/user/v4/access-requests/{id}/revoke
func (g *Grant) Revoke(ctx context.Context) error {
	if ctx == nil {
		return &ArgumentError{Arg: "ctx", Reason: "must not be nil"}
	}
	g.revoking <- struct{}{}
	defer func() { <-g.revoking }()
	var ids []string
	for i, request := range g.Requests() {
		if id := g.ids[i]; !g.revoked[id] && !hasEnded(request) {
			ids = append(ids, id)
		}
	}
	return g.service.revokeAll(context.WithoutCancel(ctx), ids, true, g.revoked)
}

// hasEnded reports whether there is nothing to revoke. Part of a failed request may have
// been granted.
func hasEnded(r *AccessRequest) bool {
	_, ended := UntilGranted(r)
	return ended != nil && !r.Status.Failed()
}

// thenRevoke calls f and then revokes the requests, even if f panics or ends its
// goroutine, unless keep is set and f succeeds. It returns the error of f with the access
// that may remain, or logs that if f does not return.
func (g *Grant) thenRevoke(ctx context.Context, keep bool, f func() error) (err error) {
	returned := false
	defer func() {
		if returned && keep && err == nil {
			return
		}
		left, _ := errors.AsType[*RevokeError](g.Revoke(ctx))
		if g.maybeRequested != nil {
			if left == nil {
				left = &RevokeError{Err: g.maybeRequested}
			} else {
				left.Err = errors.Join(g.maybeRequested, left.Err)
			}
			left.MaybeRequested = true
		}
		switch {
		case left == nil:
		case !returned:
			g.service.logLeft(ctx, left)
		case err == nil || errors.Is(left, err):
			err = left
		default:
			err = fmt.Errorf("%w; %w", err, left)
		}
	}()
	err = f()
	returned = true
	return err
}

// revokeAll revokes requests concurrently and adds those that are revoked to a map. known
// means that the requests exist, so that a 404 may pass. A panic of user code continues
// after all revocations.
func (s *AccessRequestsService) revokeAll(ctx context.Context, ids []string, known bool, revoked map[string]bool) error {
	errs := make([]error, len(ids))
	var waits, rethrows []func()
	for i, id := range ids {
		errs[i] = errors.New("the revocation panicked or ended its goroutine")
		ended, rethrow := async(func() { errs[i] = s.ensureRevoked(ctx, id, known) })
		waits, rethrows = append(waits, func() { <-ended }), append(rethrows, rethrow)
	}
	var left *RevokeError
	for i, wait := range waits {
		if wait(); errs[i] == nil {
			revoked[ids[i]] = true
			continue
		}
		if left == nil {
			left = new(RevokeError)
		}
		left.IDs, left.Err = append(left.IDs, ids[i]), errors.Join(left.Err, errs[i])
	}
	if left == nil {
		return nil
	}
	returned := false
	defer func() {
		if !returned {
			s.logLeft(ctx, left)
		}
	}()
	for _, rethrow := range rethrows {
		rethrow()
	}
	returned = true
	return left
}

func (s *AccessRequestsService) logLeft(ctx context.Context, left *RevokeError) {
	if s.client.logger != nil {
		s.client.logger.LogAttrs(ctx, slog.LevelError, "apono access may remain", slog.Any("requests", left.IDs), slog.String("error", left.Error()))
	}
}

// ensureRevoked revokes one request. After a failure it reads the request, and revokes
// again if the access exists. Its last call is made just before the end of its time, even
// if Retry-After asks to wait longer, or afterwards if the process was asleep.
func (s *AccessRequestsService) ensureRevoked(ctx context.Context, id string, known bool) error {
	r := &revocation{service: s, id: id, started: time.Now(), end: time.Now().Add(timeLimit)}
	if !known {
		r.started = r.started.Add(-settleTime) // a 404 does not pass
	}
	for {
		if left := time.Until(r.end); left <= lastCallTime {
			if r.last = true; left < lastCallTime/2 { // the process was asleep
				r.end = time.Now().Add(revokeCallTimeout)
			}
		}
		err := r.revoke(ctx)
		if err == nil {
			return nil
		}
		if final, err := r.verify(ctx, err); final {
			return err
		}
	}
}

// revocation is the revocation of one request.
type revocation struct {
	service      *AccessRequestsService
	id           string
	started, end time.Time
	last         bool // there is no time for further calls
}

func (r *revocation) revoke(ctx context.Context) error {
	ctx, cancel := r.limit(ctx)
	defer cancel()
	_, err := r.service.Revoke(ctx, r.id)
	return err
}

// verify reads the request after its revocation failed, until a read succeeds. It reports
// whether the revocation ends, and with which error.
func (r *revocation) verify(ctx context.Context, failure error) (final bool, _ error) {
	for again := r.last || r.pause(ctx, retryAfter(failure)); again; {
		request, err := r.read(ctx)
		switch over := r.last || ctx.Err() != nil; {
		case err == nil && (hasEnded(request) || request.Status.Failed() && r.isFinal(failure)):
			return true, nil
		case err == nil && (over || r.isFinal(failure)):
			return true, failure
		case err != nil && (over || r.isFinal(err)):
			return true, fmt.Errorf("%w; %w", failure, err)
		}
		again = r.pause(ctx, max(time.Second, retryAfter(err))) && err != nil
	}
	return ctx.Err() != nil, failure
}

func (r *revocation) read(ctx context.Context) (*AccessRequest, error) {
	ctx, cancel := r.limit(ctx)
	defer cancel()
	return r.service.Get(ctx, r.id)
}

// limit returns the context of one call.
func (r *revocation) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := time.Until(r.end)
	if r.last {
		ctx = transport.Unpaused(ctx)
	} else {
		limit = min(revokeCallTimeout, limit-lastCallTime)
	}
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("no response within %s", limit.Round(time.Millisecond)))
}

// pause reports whether there is time for another call before the last one.
func (r *revocation) pause(ctx context.Context, d time.Duration) bool {
	left := time.Until(r.end) - lastCallTime
	return sleep(ctx, min(d, left)) == nil && d < left
}

// isFinal reports whether further calls would fail as well.
func (r *revocation) isFinal(err error) bool { return isFinal(err, true, time.Since(r.started)) }

// Format prints the IDs of the requests with every verb.
func (g *Grant) Format(f fmt.State, verb rune) { formatText(f, verb, oneLine(fmt.Sprint(g.ids))) }

// LogValue returns the IDs of the requests.
func (g *Grant) LogValue() slog.Value {
	if g == nil {
		return slog.Value{}
	}
	return slog.AnyValue(g.IDs())
}

// MarshalJSON returns the IDs of the requests.
func (g *Grant) MarshalJSON() ([]byte, error) { return json.Marshal(g.ids) }
