// Package transport sends requests: it authenticates, waits, repeats what may
// be repeated, and reads every answer whole. It knows HTTP, not the API.
//
// The way of a request is Send → one attempt (RoundTrip) → the caller's hooks →
// authorize → the caller's http.Client transport.
package transport

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apono-go/apono/internal/operation"
	"github.com/hashicorp/go-retryablehttp"
)

// ErrTooLarge says that a body was longer than the limit.
var ErrTooLarge = errors.New("the body is larger than the limit")

// Config is what a Transport is made of. Every field but Logger, Limiter and
// Hooks is needed.
type Config struct {
	// HTTPClient sends the requests; it is copied, never changed.
	HTTPClient *http.Client
	// Origin is the scheme and host that the token is sent to, and no other.
	Origin *url.URL
	// Token gives the bearer token for one attempt.
	Token func(context.Context) (string, error)
	// Renewable says that asking Token again after a 401 may help.
	Renewable      bool
	Policy         Policy
	AttemptTimeout time.Duration
	MaxBytes       int64
	Logger         *slog.Logger
	Limiter        interface{ Wait(context.Context) error }
	Hooks          []func(http.RoundTripper) http.RoundTripper
}

// Request is one call, whatever the number of attempts.
type Request struct {
	Operation *operation.Operation
	URL       *url.URL
	Header    http.Header
	// Body is nil where nothing is sent.
	Body []byte
	// Once forbids every repetition.
	Once bool
}

// Response is an answer that was read to its end, or as far as it went.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       []byte
	// RetryAfter is how long the server asks to wait, zero if it does not.
	RetryAfter time.Duration
	// Attempts is the number of the attempt that this answers.
	Attempts int
	// Uncertain says that an earlier attempt may have been carried out, though
	// no answer said so.
	Uncertain bool
	// ReadErr is why the body ended early, nil if it did not.
	ReadErr error

	token string
}

// Redacted returns the header and the body without the token, which a server
// may echo, and without cookies.
func (r *Response) Redacted() (http.Header, []byte) {
	header := r.Header.Clone()
	header.Del("Set-Cookie")
	for _, values := range header {
		for i, value := range values {
			values[i] = r.Mask(value)
		}
	}
	if !bytes.Contains(r.Body, []byte(r.token)) {
		return header, r.Body
	}
	return header, []byte(r.Mask(string(r.Body)))
}

// Mask returns text from the answer without the token.
func (r *Response) Mask(text string) string { return mask(text, r.token) }

// mask also finds the token where it was quoted.
func mask(text, token string) string {
	if token == "" {
		return text
	}
	quoted := strconv.Quote(token)
	return strings.NewReplacer(token, redacted, quoted[1:len(quoted)-1], redacted).Replace(text)
}

// cutShort says that the answer is a success of which the end is missing.
func (r *Response) cutShort() bool {
	return r.ReadErr != nil && r.StatusCode >= 200 && r.StatusCode < 300
}

// Error is a call that ended without an answer to give.
type Error struct {
	Err      error
	Attempts int
	// MaybeSent says that the server may have carried the request out.
	MaybeSent bool
	// Last is the last answer before the end, nil if there was none.
	Last *Response
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Transport sends requests. It is safe for concurrent use.
type Transport struct {
	config Config
	client http.Client       // whose transport is attempts
	next   http.RoundTripper // the hooks and what is behind them
	// shared says that somebody between here and the authorizer may add to a
	// request's header.
	shared   bool
	timedOut error
}

// New returns a Transport. It fails when a hook returns nil.
func New(config Config) (*Transport, error) {
	t := &Transport{
		config: config, client: *config.HTTPClient, timedOut: attemptTimeout(config.AttemptTimeout),
		shared: config.HTTPClient.Jar != nil || len(config.Hooks) > 0,
	}
	t.next = authorizer{
		origin: config.Origin, next: cmp.Or(t.client.Transport, http.DefaultTransport), inPlace: !t.shared,
	}
	t.client.Transport = attempts{}
	// A redirect would carry the token to wherever the answer points, and turn
	// a DELETE into a GET; the caller gets the 3xx itself.
	t.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, hook := range config.Hooks {
		if t.next = hook(t.next); t.next == nil {
			return nil, errors.New("the hook returned nil")
		}
	}
	return t, nil
}

// CloseIdleConnections closes the connections that no request is using.
func (t *Transport) CloseIdleConnections() { t.config.HTTPClient.CloseIdleConnections() }

// Send sends a request, repeats it where the policy says so, and returns the
// last answer. Any status is an answer; the error is always an *Error.
func (t *Transport) Send(ctx context.Context, req Request) (*Response, error) {
	c := &call{transport: t, request: req, ctx: ctx}
	if ctx.Err() != nil {
		return nil, c.fail(ContextErr(c.ctx))
	}
	outgoing := &http.Request{
		Method: req.Operation.Method, URL: req.URL, Host: req.URL.Host, Header: req.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if t.shared {
		outgoing.Header = req.Header.Clone()
	}
	retryable, err := retryablehttp.FromRequest(outgoing.WithContext(context.WithValue(ctx, callKey{}, c)))
	if err != nil {
		return nil, c.fail(err)
	}
	if req.Body != nil {
		if err := retryable.SetBody(req.Body); err != nil {
			return nil, c.fail(err)
		}
	} else if req.Operation.Repeat == operation.IfUnsent {
		// net/http repeats a GET by itself when a kept-alive connection breaks,
		// unless the request has a body that it cannot get a second time.
		retryable.Body, retryable.GetBody = io.NopCloser(strings.NewReader("")), nil
	}
	c.retry.HTTPClient = &t.client
	c.retry.RetryMax = math.MaxInt32 // again is what decides
	c.retry.CheckRetry = checkRetry
	c.retry.PrepareRetry = prepareRetry
	c.retry.Backoff = func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return c.wait }
	c.retry.ErrorHandler = retryablehttp.PassthroughErrorHandler
	resp, err := c.retry.Do(retryable)
	if resp != nil {
		_ = resp.Body.Close() // the attempt has read it; this one is empty
	}
	return c.finish(err)
}

// callKey is the key under which the context of a request holds its call.
type callKey struct{}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// OperationOf returns the operation that a request's context belongs to, or nil.
func OperationOf(ctx context.Context) *operation.Operation {
	if c := callOf(ctx); c != nil {
		return c.request.Operation
	}
	return nil
}

func checkRetry(ctx context.Context, _ *http.Response, _ error) (bool, error) {
	return callOf(ctx).again(), nil
}

// prepareRetry gives the next attempt a header of its own: somebody may have
// added to the last one's, or be reading it still.
func prepareRetry(req *http.Request) error {
	req.Header = callOf(req.Context()).request.Header.Clone()
	return nil
}

// attempts is the transport of the http.Client: one round trip is one attempt.
type attempts struct{}

func (attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	return callOf(req.Context()).attemptOnce(req)
}

// call is the state of one Send.
type call struct {
	transport *Transport
	request   Request
	ctx       context.Context
	retry     retryablehttp.Client
	token     string // of the latest attempt
	empty     http.Response

	attempts  int
	wait      time.Duration // before the next attempt
	waiting   bool          // between two attempts
	renewed   bool          // a 401 was met by asking for another token
	refused   bool          // ... which has not been asked for yet
	unsent    bool          // the latest attempt never left
	uncertain bool          // the server may have carried out an attempt
	answer    *Response     // of the latest attempt, nil if it had none
	last      *Response     // the latest answer of all, but for a 2xx cut short
	err       error         // why the latest attempt has no answer
	fatal     error         // why no attempt was made at all
}

// attemptOnce makes one attempt: everything from the limiter's leave to the last
// byte of the body.
func (c *call) attemptOnce(req *http.Request) (*http.Response, error) {
	config := &c.transport.config
	c.waiting, c.unsent, c.answer, c.err = false, false, nil, nil
	if config.Limiter != nil {
		if err := config.Limiter.Wait(req.Context()); err != nil {
			c.fatal = fmt.Errorf("waiting for the limiter: %w", err)
			return nil, c.fatal
		}
	}
	var err error
	if c.token, err = c.fetchToken(req.Context()); err != nil {
		c.fatal = fmt.Errorf("getting a token: %w", err)
		return nil, c.fatal
	}
	c.attempts++
	started := time.Now()
	resp, err := c.attempt(req)
	c.record(time.Since(started), err)
	if err != nil {
		c.err = err
		return nil, err
	}
	// The client's cookie jar reads the header; nobody reads the body again.
	c.empty = http.Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: http.NoBody, Request: req}
	return &c.empty, nil
}

func (c *call) fetchToken(ctx context.Context) (string, error) {
	if c.refused {
		c.refused = false
		ctx = context.WithValue(ctx, refusedKey{}, true)
	}
	return c.transport.config.Token(ctx)
}

func (c *call) attempt(req *http.Request) (*http.Response, error) {
	config := &c.transport.config
	ctx, cancel := context.WithTimeoutCause(req.Context(), config.AttemptTimeout, c.transport.timedOut)
	defer cancel()
	var trace connTrace
	if c.request.Operation.Changes {
		ctx = trace.watch(ctx)
	}
	resp, err := c.transport.next.RoundTrip(req.WithContext(ctx))
	if resp != nil {
		resp.Body = cmp.Or(resp.Body, io.ReadCloser(http.NoBody)) // net/http allows transports to leave it out
		defer func() { _ = resp.Body.Close() }()
	}
	if err == nil && resp == nil {
		err = errors.New("the transport gave neither an answer nor an error")
	}
	if err != nil {
		c.unsent = isDialError(err) || trace.unsent()
		c.uncertain = c.uncertain || !c.unsent
		return nil, c.explain(ctx, err)
	}
	body, err := readAll(resp.Body, resp.ContentLength, config.MaxBytes)
	if err != nil {
		err = c.explain(ctx, err)
	}
	c.answer = &Response{
		StatusCode: resp.StatusCode, Header: resp.Header, Body: body, ReadErr: err,
		RetryAfter: RetryAfter(resp.Header, time.Now()),
		Attempts:   c.attempts, Uncertain: c.uncertain, token: c.token,
	}
	if !c.answer.cutShort() {
		c.last = c.answer
	}
	c.uncertain = c.uncertain || mayHaveActed(resp.StatusCode)
	return resp, nil
}

// explain names the attempt's own timeout as the cause where it was one. It drops
// the addresses that http.Clients in hooks put into their errors, and the token
// where net/http quotes what a server echoed in place of an answer.
func (c *call) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil && c.ctx.Err() == nil {
		return context.Cause(ctx)
	}
	err = withoutURL(err)
	if text := err.Error(); mask(text, c.token) != text {
		return errors.New(mask(text, c.token)) // without what it wraps
	}
	return err
}

// withoutURL returns the error inside a url.Error, whose text quotes the whole
// URL with its arguments.
func withoutURL(err error) error {
	for wrapped := (*url.Error)(nil); errors.As(err, &wrapped); {
		err = wrapped.Err
	}
	return err
}

// again decides whether the latest attempt is followed by another, and when.
func (c *call) again() bool {
	switch {
	case c.fatal != nil, c.ctx.Err() != nil, c.request.Once:
		return false
	case c.answer == nil && c.err == nil:
		return false // the http.Client refused the request before any attempt
	case c.answer != nil && c.answer.StatusCode == http.StatusUnauthorized && c.transport.config.Renewable && !c.renewed:
		c.renewed, c.refused, c.waiting, c.wait = true, true, true, 0
		return true
	}
	policy := &c.transport.config.Policy
	budget := policy.MaxAttempts
	if c.renewed {
		budget++ // the 401 was no failure of the server
	}
	if c.attempts >= budget || !c.repeatable() {
		return false
	}
	c.wait = policy.backoff(c.attempts)
	if c.answer != nil && c.answer.RetryAfter > 0 {
		if c.answer.RetryAfter > policy.MaxRetryAfter {
			return false
		}
		c.wait = c.answer.RetryAfter
	}
	if deadline, ok := c.ctx.Deadline(); ok && time.Until(deadline) < c.wait {
		c.err = errors.Join(fmt.Errorf("the next attempt would come after the %w", context.DeadlineExceeded), c.err)
		c.answer = nil
		return false
	}
	c.waiting = true
	return true
}

// repeatable is the retry policy: the operation's kind against the outcome.
func (c *call) repeatable() bool {
	kind := c.request.Operation.Repeat
	if c.answer == nil {
		return !isPermanent(c.err) && (kind == operation.IfIdempotent || c.unsent)
	}
	switch {
	case errors.Is(c.answer.ReadErr, ErrTooLarge):
		return false
	case c.answer.cutShort():
		return kind == operation.IfIdempotent
	case c.answer.StatusCode == http.StatusTooManyRequests:
		return kind != operation.IfUnsent
	default:
		return kind == operation.IfIdempotent && isTemporary(c.answer.StatusCode)
	}
}

// finish gives what Send returns when no further attempt follows.
func (c *call) finish(err error) (*Response, error) {
	switch {
	case c.fatal != nil && c.ctx.Err() != nil:
		return nil, c.fail(fmt.Errorf("%w: %w", ContextErr(c.ctx), c.fatal))
	case c.fatal != nil:
		return nil, c.fail(c.fatal)
	case c.ctx.Err() != nil && (c.waiting || c.answer == nil || c.answer.ReadErr != nil):
		return nil, c.fail(ContextErr(c.ctx))
	case c.answer != nil:
		return c.answer, nil
	case c.err != nil:
		return nil, c.fail(c.err)
	default:
		return nil, c.fail(withoutURL(err)) // the http.Client refused the request
	}
}

func (c *call) fail(err error) *Error {
	return &Error{Err: err, Attempts: c.attempts, MaybeSent: c.uncertain, Last: c.last}
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

// record logs the attempt that has just ended, at a level that follows its
// outcome: Debug for success, Warn for a refusal, Error for a failure.
func (c *call) record(took time.Duration, err error) {
	logger := c.transport.config.Logger
	if logger == nil {
		return
	}
	op := c.request.Operation
	attrs := []slog.Attr{
		slog.String("operation", op.Name),
		slog.String("method", op.Method),
		slog.String("path", op.Path),
		slog.Int("attempt", c.attempts),
		slog.Duration("wait", c.wait),
		slog.Duration("duration", took),
	}
	level := slog.LevelError
	if c.answer != nil {
		attrs = append(attrs, slog.Int("status", c.answer.StatusCode))
		if id := c.answer.Mask(RequestID(c.answer.Header)); id != "" {
			attrs = append(attrs, slog.String("request_id", id))
		}
		err = c.answer.ReadErr
		switch {
		case err != nil || c.answer.StatusCode >= http.StatusInternalServerError:
		case c.answer.StatusCode >= http.StatusMultipleChoices:
			level = slog.LevelWarn
		default:
			level = slog.LevelDebug
		}
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	logger.LogAttrs(c.ctx, level, "apono request", attrs...)
}

// readAll reads a body up to a limit. What came before an error is returned
// with it.
func readAll(body io.Reader, length, limit int64) ([]byte, error) {
	limit = min(limit, math.MaxInt64-1)
	// The length is the server's claim: it sizes the buffer, within reason. One
	// byte more lets the buffer meet the end without growing.
	data := buffer(int(min(max(length, 0), limit, maxClaim)) + 1)
	for {
		if len(data) == cap(data) {
			data = slices.Grow(data, max(bytes.MinRead, len(data)))
		}
		n, err := body.Read(data[len(data):min(int64(cap(data)), limit+1)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > limit:
			return data[:limit], ErrTooLarge
		case errors.Is(err, io.EOF) && length > int64(len(data)):
			return data, io.ErrUnexpectedEOF // a transport that did not notice
		case err == io.EOF: //nolint:errorlint // readers return it bare
			return data, nil
		case err != nil:
			return data, err
		}
	}
}

// maxClaim is the largest buffer that a server gets by claiming a length. A page
// of a thousand objects fits.
const maxClaim = 4 << 20

// buffers are those of bodies that nobody needs any more.
var buffers sync.Pool

// buffer returns one for a size, or of any size for 1, which stands for a length
// that the server does not tell. A small body gets no large one: it may be kept.
func buffer(size int) []byte {
	b, ok := buffers.Get().(*[]byte)
	switch {
	case !ok:
	case size == 1 || size <= cap(*b) && cap(*b) <= 4*size:
		return (*b)[:0]
	default:
		buffers.Put(b)
	}
	return make([]byte, 0, size)
}

// Release gives the body's memory to the next answer. Nothing may refer to it any
// more.
func (r *Response) Release() {
	if b := r.Body[:0]; cap(b) <= maxClaim {
		buffers.Put(&b)
	}
	r.Body = nil
}
