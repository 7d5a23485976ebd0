// Package transport sends requests. It authenticates, limits the rate, retries and
// reads every response to its end. It handles HTTP; the API is the concern of
// package apono.
//
// Each stage of a request has a file. In order:
//
//   - transport.go: Send makes one call of one or more attempts. go-retryablehttp
//     runs the loop: it sends, asks the policy, waits, and rewinds the body. Inside it
//     an http.Client handles cookies, and redirects, which are not followed.
//   - attempt.go: RoundTrip makes one attempt. It waits for the limiter, gets a
//     token, waits if the server limits the rate (pause.go), starts the timeout
//     (timeout.go), sends the request and reads the body.
//   - The caller's middleware runs next, outermost first.
//   - auth.go: the authorizer adds the token, for the API's scheme and host only, and
//     calls the caller's transport.
//   - conn.go: some attempts use a connection of their own.
//   - body.go: the body is read up to a limit, and the token is masked in strings from
//     the response.
//   - policy.go: pure functions decide whether and when the request is retried.
//   - log.go: one log record for each attempt.
package transport

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"time"

	"github.com/apono-go/apono/internal/operation"
	"github.com/hashicorp/go-retryablehttp"
)

// Config configures a Transport. Logger, Limiter and Middleware are optional.
type Config struct {
	// HTTPClient sends the requests. It is copied, not changed.
	HTTPClient *http.Client
	// Origin is the only scheme and host to which the token is sent.
	Origin *url.URL
	// Header is sent with every request. Request.Header overrides it.
	Header http.Header
	// Token returns the bearer token for one attempt.
	Token func(context.Context) (string, error)
	// Renewable means that Token may return another token after a 401.
	Renewable bool
	Policy    Policy
	// AttemptTimeout limits the time until the header is received, 0 for no limit. The
	// body gets more time; see [TimeoutError].
	AttemptTimeout time.Duration
	MaxBytes       int64
	Logger         *slog.Logger
	Limiter        interface{ Wait(context.Context) error }
	// Middleware is applied in order: the last one is the outermost.
	Middleware []func(http.RoundTripper) http.RoundTripper
}

// Request is the request of one call, sent in one or more attempts.
type Request struct {
	Operation *operation.Operation
	URL       string
	Header    http.Header
	Body      []byte         // nil for no body
	Once      bool           // disables retries
	Timeout   *time.Duration // overrides Config.AttemptTimeout if not nil
}

// Response is a response with its body, which may be incomplete.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       []byte
	// RetryAfter is the wait that the server asks for, 0 for none.
	RetryAfter time.Duration
	// Attempts is the number of attempts up to this response.
	Attempts int
	// Uncertain means that the server may have carried out an earlier attempt
	// without confirming it.
	Uncertain bool
	// ReadErr is why the body is incomplete, nil if it is complete.
	ReadErr error

	token  string
	buffer *bytes.Buffer // of Body
}

// Error reports a call that ended without a response.
type Error struct {
	Err      error
	Attempts int
	// MaybeSent means that the server may have carried out the request. It is set
	// for operations that change something.
	MaybeSent bool
	// Last is the last response of the call, nil for none.
	Last *Response
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Transport sends requests. It is safe for concurrent use.
type Transport struct {
	config Config
	client http.Client       // copied for each call
	base   http.RoundTripper // the caller's transport
	next   http.RoundTripper // middleware, authorizer and base
	pool   pool
	pauses pauses
}

// New returns a Transport. It returns an error if a middleware returns nil.
func New(config Config) (*Transport, error) {
	t := &Transport{config: config, client: *config.HTTPClient}
	t.base = cmp.Or(t.client.Transport, http.DefaultTransport)
	if own, ok := t.base.(*http.Transport); !ok || own.HTTP2 == nil || own.HTTP2.SendPingTimeout == 0 {
		t.pool.client = config.HTTPClient
	}
	// Following a redirect could send the token to another host, and change a
	// DELETE into a GET. The 3xx response is returned instead.
	t.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.next = authorizer{origin: config.Origin, next: t.base, direct: len(config.Middleware) == 0}
	for _, middleware := range config.Middleware {
		if t.next = middleware(t.next); IsNil(t.next) {
			return nil, errors.New("the middleware returned nil")
		}
	}
	return t, nil
}

// IsNil reports whether an interface is nil or holds a nil pointer or function.
func IsNil(v any) bool {
	value := reflect.ValueOf(v)
	return !value.IsValid() || (value.Kind() == reflect.Pointer || value.Kind() == reflect.Func) && value.IsNil()
}

// CloseIdleConnections closes the connections that no request is using.
func (t *Transport) CloseIdleConnections() { t.config.HTTPClient.CloseIdleConnections() }

// Send sends a request, retries it as the policy allows, and returns the last
// response with any status. The error is always an *Error.
func (t *Transport) Send(ctx context.Context, req Request) (*Response, error) {
	c := &call{transport: t, ctx: ctx, request: req}
	if ctx.Err() != nil {
		return nil, c.fail(ContextErr(ctx))
	}
	outgoing, err := c.outgoing()
	if err != nil {
		return nil, c.fail(withoutURL(err))
	}
	c.client = t.client
	c.client.Transport = c
	c.loop.HTTPClient = &c.client
	c.loop.CheckRetry = func(context.Context, *http.Response, error) (bool, error) { return c.again(), nil }
	c.loop.RetryMax = math.MaxInt32 // again decides
	c.loop.Backoff = func(time.Duration, time.Duration, int, *http.Response) time.Duration { return c.wait }
	c.loop.PrepareRetry = c.prepareRetry
	c.loop.ErrorHandler = retryablehttp.PassthroughErrorHandler
	resp, err := c.loop.Do(outgoing)
	if resp != nil {
		_ = resp.Body.Close() // RoundTrip returns an empty body
	}
	return c.finish(err)
}

// call is the state of one Send. It is the Transport of its http.Client.
type call struct {
	transport *Transport
	ctx       context.Context
	request   Request
	loop      retryablehttp.Client
	client    http.Client

	attempts  int           // number of attempts started
	token     string        // of the latest attempt
	latest    result        // of the latest attempt, zero before it
	last      *Response     // of all attempts, except a 2xx cut short
	stopped   error         // why there is no further attempt, other than the policy
	wait      time.Duration // before the latest attempt, or before the next while waiting
	waiting   bool          // between two attempts
	renewed   bool          // another token is used after a 401
	rejected  bool          // ... and has not been requested yet
	uncertain bool          // the server may have carried out an attempt
}

func (c *call) outgoing() (*retryablehttp.Request, error) {
	var body any
	if c.request.Body != nil {
		body = c.request.Body
	}
	req, err := retryablehttp.NewRequestWithContext(c.ctx, c.request.Operation.Method, c.request.URL, body)
	if err != nil {
		return nil, err
	}
	c.fill(req.Header)
	return req, nil
}

// fill sets the header of one attempt. Each attempt has a new header, because
// cookies and middleware add to it, and the previous one may still be in use.
func (c *call) fill(header http.Header) {
	maps.Copy(header, c.transport.config.Header)
	maps.Copy(header, c.request.Header)
}

// again logs the latest attempt and reports whether it is retried.
func (c *call) again() bool {
	if c.latest.resp == nil && c.latest.err == nil {
		return false // no attempt was made
	}
	var retry, late bool
	var wait time.Duration
	if !c.request.Once && c.ctx.Err() == nil {
		retry, wait, late = decide(c.request.Operation, c.outcome(), c.transport.config.Policy)
	}
	c.record(retry)
	switch {
	case retry && c.latest.resp != nil && c.latest.resp.StatusCode == http.StatusUnauthorized:
		c.renewed, c.rejected = true, true
	case late:
		c.stopped = errors.Join(fmt.Errorf("the next attempt would come after the %w", context.DeadlineExceeded), c.latest.err)
	}
	c.waiting, c.wait = retry, wait
	return retry
}

// prepareRetry resets the state for the next attempt.
func (c *call) prepareRetry(req *http.Request) error {
	c.latest = result{}
	req.Header = http.Header{}
	c.fill(req.Header)
	return nil
}

// outcome returns the outcome of the latest attempt for the retry policy.
func (c *call) outcome() outcome {
	o := outcome{
		attempts: c.attempts, err: c.latest.err, unsent: c.latest.unsent,
		renewable: c.transport.config.Renewable && !c.renewed,
		left:      math.MaxInt64, chance: rand.Float64(), //nolint:gosec // spreads load, hides nothing
	}
	if c.renewed {
		o.attempts-- // the attempt with the rejected token does not count
	}
	if resp := c.latest.resp; resp != nil {
		o.status, o.err, o.retryAfter = resp.StatusCode, resp.ReadErr, resp.RetryAfter
	}
	if deadline, ok := c.ctx.Deadline(); ok {
		o.left = time.Until(deadline)
	}
	return o
}

// finish returns the results of Send.
func (c *call) finish(err error) (*Response, error) {
	resp := c.latest.resp
	switch {
	case c.stopped != nil && c.ctx.Err() != nil:
		return nil, c.fail(fmt.Errorf("%w: %w", ContextErr(c.ctx), c.stopped))
	case c.stopped != nil:
		return nil, c.fail(c.stopped)
	case c.ctx.Err() != nil && (c.waiting || resp == nil || resp.ReadErr != nil):
		return nil, c.fail(ContextErr(c.ctx))
	case resp != nil:
		return resp, nil
	case c.latest.err != nil:
		return nil, c.fail(c.latest.err)
	default:
		return nil, c.fail(withoutURL(err)) // the http.Client rejected the request
	}
}

func (c *call) fail(err error) *Error {
	return &Error{Err: err, Attempts: c.attempts, MaybeSent: c.uncertain && c.request.Operation.Changes, Last: c.last}
}

// ContextErr returns the error of a context that has ended, and its cause if that
// is another error.
func ContextErr(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
