// Package transport sends requests: it authenticates, waits, retries what may
// be retried, and reads every response whole. It knows HTTP, not the API.
//
// The stages stand one a file, in the order in which a request meets them:
//
//   - transport.go: Send is one call, whatever the number of attempts. The loop
//     is go-retryablehttp's, and inside it an http.Client sees to cookies and to
//     redirects, of which none is followed.
//   - attempt.go: RoundTrip is one attempt: the limiter, a token, the timeout
//     (timeout.go), the request, and the reading of what came.
//   - Here the caller's middleware has its place, outermost first.
//   - auth.go: the authorizer adds the token, for the API's own address only.
//     Behind it is the caller's transport.
//   - conn.go: some attempts get a connection of their own from it.
//   - body.go: what came is read up to a limit, and what is shown of it is rid
//     of the token.
//   - policy.go: pure functions decide whether another attempt follows, and when.
//   - log.go: the record of the attempt.
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

// Config is what a Transport is made of. Every field but Logger, Limiter and
// Middleware is needed.
type Config struct {
	// HTTPClient sends the requests; it is copied, never changed.
	HTTPClient *http.Client
	// Origin is the scheme and host that the token is sent to, and no other.
	Origin *url.URL
	// Header is sent with every request, unless the request has another.
	Header http.Header
	// Token gives the bearer token for one attempt.
	Token func(context.Context) (string, error)
	// Renewable says that asking Token again after a 401 may help.
	Renewable bool
	Policy    Policy
	// AttemptTimeout is how long the header of a response may take, 0 for ever.
	AttemptTimeout time.Duration
	MaxBytes       int64
	Logger         *slog.Logger
	Limiter        interface{ Wait(context.Context) error }
	// Middleware is applied in order, so that the last one is the outermost.
	Middleware []func(http.RoundTripper) http.RoundTripper
}

// Request is one call, whatever the number of attempts.
type Request struct {
	Operation *operation.Operation
	URL       string
	Header    http.Header
	// Body is nil where nothing is sent.
	Body []byte
	// Once forbids every retry.
	Once bool
	// Timeout is that of each attempt in place of the Config's, if not nil.
	Timeout *time.Duration
}

// Response is what came, read to its end or as far as it went.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       []byte
	// RetryAfter is how long the server asks to wait, zero if it does not.
	RetryAfter time.Duration
	// Attempts is the number of the attempt that the response came on.
	Attempts int
	// Uncertain says that an earlier attempt may have been carried out, though
	// no response said so.
	Uncertain bool
	// ReadErr is why the body ended early, nil if it did not.
	ReadErr error

	token  string
	buffer *bytes.Buffer // of Body
}

// Error is a call that ended without a response to return.
type Error struct {
	Err      error
	Attempts int
	// MaybeSent says that the server may have carried the request out. It is for
	// operations that change something.
	MaybeSent bool
	// Last is the last response before the end, nil if there was none.
	Last *Response
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Transport sends requests. It is safe for concurrent use.
type Transport struct {
	config Config
	client http.Client       // a call's own is made of it
	limit  time.Duration     // the Timeout of the caller's, for one attempt
	next   http.RoundTripper // the middleware and what is behind it
}

// New returns a Transport. It fails when a middleware returns nil.
func New(config Config) (*Transport, error) {
	t := &Transport{config: config, client: *config.HTTPClient, limit: config.HTTPClient.Timeout}
	t.client.Timeout = 0 // the attempt sees to it, and says whose it was
	// A redirect would carry the token to wherever the response points, and turn
	// a DELETE into a GET; the caller gets the 3xx itself.
	t.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.next = authorizer{
		origin: config.Origin, next: cmp.Or(t.client.Transport, http.DefaultTransport), direct: len(config.Middleware) == 0,
	}
	for _, middleware := range config.Middleware {
		if t.next = middleware(t.next); IsNil(t.next) {
			return nil, errors.New("the middleware returned nil")
		}
	}
	return t, nil
}

// IsNil reports whether an interface is nil or holds a nil pointer or function,
// which would panic in the first request.
func IsNil(v any) bool {
	value := reflect.ValueOf(v)
	return !value.IsValid() || (value.Kind() == reflect.Pointer || value.Kind() == reflect.Func) && value.IsNil()
}

// CloseIdleConnections closes the connections that no request is using.
func (t *Transport) CloseIdleConnections() { t.config.HTTPClient.CloseIdleConnections() }

// Send sends a request, retries it where the policy says so, and returns the
// last response, whatever its status. The error is always an *Error.
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
	c.loop.RetryMax = math.MaxInt32 // again is what decides
	c.loop.Backoff = func(time.Duration, time.Duration, int, *http.Response) time.Duration { return c.wait }
	c.loop.PrepareRetry = c.prepareRetry
	c.loop.ErrorHandler = retryablehttp.PassthroughErrorHandler
	resp, err := c.loop.Do(outgoing)
	if resp != nil {
		_ = resp.Body.Close() // the attempt has read the body; this one is empty
	}
	return c.finish(err)
}

// call is one Send: what it sends, and what has come of it so far. It is the
// transport of its own http.Client.
type call struct {
	transport *Transport
	ctx       context.Context
	request   Request
	loop      retryablehttp.Client
	client    http.Client

	attempts  int           // that were begun
	token     string        // of the latest attempt
	latest    result        // of the latest attempt, zero if there was none
	last      *Response     // of all attempts, but for a 2xx cut short
	stopped   error         // why no attempt was made, or none any more
	wait      time.Duration // before the latest attempt, or before the next while waiting
	waiting   bool          // between two attempts
	renewed   bool          // a 401 was met by asking for another token
	rejected  bool          // ... which has not been asked for yet
	uncertain bool          // the server may have carried out an attempt
	suspect   bool          // the latest attempt timed out on a connection
}

// operationKey is the key under which a context holds the operation.
type operationKey struct{}

// OperationOf returns the operation that a request's context belongs to, or nil.
func OperationOf(ctx context.Context) *operation.Operation {
	op, _ := ctx.Value(operationKey{}).(*operation.Operation)
	return op
}

func (c *call) outgoing() (*retryablehttp.Request, error) {
	op := c.request.Operation
	var body any
	if c.request.Body != nil {
		body = c.request.Body
	}
	req, err := retryablehttp.NewRequestWithContext(context.WithValue(c.ctx, operationKey{}, op), op.Method, c.request.URL, body)
	if err != nil {
		return nil, err
	}
	c.fill(req.Header)
	return req, nil
}

// fill fills the header of one attempt. Each has its own: cookies and middleware
// add to it, and the one before may still be read.
func (c *call) fill(header http.Header) {
	maps.Copy(header, c.transport.config.Header)
	maps.Copy(header, c.request.Header)
}

// again ends an attempt, and reports whether another one follows.
func (c *call) again() bool {
	if c.latest.resp == nil && c.latest.err == nil {
		return false // there was none
	}
	var retry bool
	var wait time.Duration
	var why reason
	if !c.request.Once && c.ctx.Err() == nil {
		retry, wait, why = decide(c.request.Operation, c.outcome(), c.transport.config.Policy)
	}
	c.record(retry)
	switch why {
	case tokenRejected:
		c.renewed, c.rejected = true, true
	case pastDeadline:
		c.stopped = errors.Join(fmt.Errorf("the next attempt would come after the %w", context.DeadlineExceeded), c.latest.err)
	}
	c.waiting, c.wait = retry, wait
	return retry
}

// prepareRetry begins the next attempt.
func (c *call) prepareRetry(req *http.Request) error {
	c.latest = result{}
	req.Header = http.Header{}
	c.fill(req.Header)
	return nil
}

// outcome is what the latest attempt came to, for the retry policy.
func (c *call) outcome() outcome {
	o := outcome{
		attempts: c.attempts, err: c.latest.err, unsent: c.latest.unsent,
		renewable: c.transport.config.Renewable && !c.renewed,
		left:      math.MaxInt64, chance: rand.Float64(), //nolint:gosec // spreads load, hides nothing
	}
	if c.renewed {
		o.attempts-- // the 401 was no failure of the server
	}
	if resp := c.latest.resp; resp != nil {
		o.status, o.err, o.retryAfter = resp.StatusCode, resp.ReadErr, resp.RetryAfter
	}
	if deadline, ok := c.ctx.Deadline(); ok {
		o.left = time.Until(deadline)
	}
	return o
}

// finish gives what Send returns when no further attempt follows.
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

// ContextErr is the error of a context that has ended, with its cause where that
// says more.
func ContextErr(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
