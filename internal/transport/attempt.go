package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// result is the outcome of one attempt.
type result struct {
	resp   *Response // nil without a response
	err    error     // why there is no response
	unsent bool      // nothing reached the server
	took   time.Duration
}

// RoundTrip makes one attempt: it waits for the limiter, gets a token, sends the
// request and reads the whole body.
func (c *call) RoundTrip(req *http.Request) (*http.Response, error) {
	c.waiting = false
	a := &attempt{operation: c.request.Operation, alone: c.sendsOnce()}
	ctx := context.WithValue(req.Context(), attemptKey{}, a)
	if err := c.authorize(ctx, a); err != nil {
		c.stopped = err
		return nil, err
	}
	c.attempts++
	clock := clock{timeout: c.timeout()}
	ctx = withDialTimeout(clock.start(ctx), clock.timeout)
	defer clock.stop()
	if c.request.Operation.Changes { // reads are retried, sent or not
		ctx = a.trace.watch(ctx)
	}
	c.transport.pool.enter(a)
	outgoing := req.WithContext(ctx)
	if c.request.Operation.Class == operation.Acting {
		// Without GetBody, net/http does not send the body again. HTTP/2 servers report
		// that they did not process a request (REFUSED_STREAM) even if they did.
		outgoing.GetBody = nil
	}
	resp, err := c.transport.next.RoundTrip(outgoing)
	if resp != nil && resp.Body != nil {
		defer func() { _ = resp.Body.Close() }()
	}
	switch {
	case err != nil:
		c.latest = c.failed(outgoing, err, a, &clock)
	case resp == nil:
		c.latest = c.failed(outgoing, errors.New("the transport returned neither a response nor an error"), a, &clock)
	default:
		c.latest = c.responded(ctx, resp, a, &clock)
	}
	if !clock.header && c.latest.err != nil && IsTimeout(c.latest.err) {
		c.transport.pool.lost(a, cmp.Or(clock.timeout, c.client.Timeout))
	}
	c.latest.took = time.Since(clock.started)
	if c.latest.resp == nil {
		return nil, c.latest.err
	}
	// The client's cookie jar reads the header; the body has been read.
	return &http.Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: http.NoBody, Request: req}, nil
}

// sendsOnce reports whether the request needs a connection of its own so that
// net/http does not send it twice. A POST or PATCH with a body needs none, because it
// has no GetBody.
func (c *call) sendsOnce() bool {
	class := c.request.Operation.Class
	return class == operation.Consuming || class == operation.Acting && c.request.Body == nil
}

// authorize waits for the limiter, gets a token, and waits as long as the server asks the
// users of the token to. The attempt timeout covers none of this.
func (c *call) authorize(ctx context.Context, a *attempt) error {
	config := &c.transport.config
	if config.Limiter != nil {
		if err := config.Limiter.Wait(ctx); err != nil {
			// Such as the error of golang.org/x/time/rate, which has no type.
			if strings.HasSuffix(err.Error(), "would exceed context deadline") {
				err = fmt.Errorf("%w: %w", err, context.DeadlineExceeded)
			}
			return callerError{fmt.Errorf("waiting for the limiter: %w", err)}
		}
	}
	asking := ctx
	if c.rejected {
		c.rejected = false
		asking = withRejected(ctx, c.token)
	}
	for {
		var err error
		if c.token, err = config.Token(asking); err != nil {
			return callerError{fmt.Errorf("getting a token: %w", err)}
		}
		pause := c.transport.pauses.left(c.token)
		if deadline, ok := ctx.Deadline(); pause <= 0 || ok && pause >= time.Until(deadline) || isUnpaused(ctx) {
			token := c.token
			a.token = func() string { return token }
			return nil
		}
		asking = ctx
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
			c.wait += pause
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("waiting because the server limits the rate: %w", ContextErr(ctx))
		}
	}
}

// timeout returns the timeout of one attempt, 0 for none.
func (c *call) timeout() time.Duration {
	if own := c.request.Timeout; own != nil {
		return *own
	}
	return c.transport.config.AttemptTimeout
}

// failed returns the result of an attempt without a response.
func (c *call) failed(req *http.Request, err error, a *attempt, clock *clock) result {
	ctx := req.Context()
	err = withoutURL(err)
	_, known := c.transport.base.(*http.Transport)
	unsent := a.trace.unsent(err, known && ctx.Err() == nil) || c.wroteNothing(req, &a.trace, err)
	c.uncertain = c.uncertain || !unsent
	if err = c.explain(ctx, err, clock); ctx.Err() == nil {
		err = withProxy(c.transport.base, req, err)
	}
	if len(c.transport.config.Middleware) > 0 && !a.failed.Load() {
		err = callerError{err}
	}
	return result{err: err, unsent: unsent}
}

// responded reads the body and returns the result of an attempt with a response.
func (c *call) responded(ctx context.Context, resp *http.Response, a *attempt, clock *clock) result {
	body := clock.body(resp.Body)
	if resp.StatusCode == http.StatusSwitchingProtocols {
		body = nil // what follows is another protocol
	}
	buffer, err := readAll(body, resp.ContentLength, c.transport.config.MaxBytes)
	if err != nil {
		err = c.explain(ctx, err, clock)
	}
	c.uncertain = c.uncertain || a.trace.again.Load()
	response := &Response{
		StatusCode: resp.StatusCode, Header: resp.Header, Body: buffer.Bytes(), ReadErr: err,
		RetryAfter: RetryAfter(resp.Header, time.Now()),
		Attempts:   c.attempts, Uncertain: c.uncertain, token: c.token, buffer: buffer,
	}
	if err == nil || !isSuccess(resp.StatusCode) {
		c.last = response
	}
	c.uncertain = c.uncertain || mayHaveActed(resp.StatusCode)
	if resp.StatusCode == http.StatusTooManyRequests {
		c.transport.pauses.add(c.token, min(response.RetryAfter, c.transport.config.Policy.MaxRetryAfter))
	}
	return result{resp: response}
}

// explain returns a TimeoutError if a timeout of the attempt caused the error. It masks
// the token if net/http quotes a malformed response that contains it.
func (c *call) explain(ctx context.Context, err error, clock *clock) error {
	if ctx.Err() != nil && c.ctx.Err() == nil {
		timeout := &TimeoutError{Took: time.Since(clock.started), Header: clock.header, Bytes: clock.bytes, Option: "the Timeout of the http.Client"}
		if context.Cause(ctx) == errTimeout { //nolint:errorlint // not wrapped
			if timeout.Option = "WithAttemptTimeout"; c.request.Timeout != nil {
				timeout.Option = "WithCallAttemptTimeout"
			}
			if !clock.header {
				timeout.Took = clock.timeout
			}
		}
		return timeout
	}
	if text := err.Error(); mask(text, c.token) != text {
		return errors.New(mask(text, c.token)) // without what it wraps
	}
	return withoutAdvice(err)
}

// withoutURL returns the error that a url.Error wraps, as an http.Client in middleware
// adds it. Its text has the whole URL with its query.
func withoutURL(err error) error {
	for wrapped := (*url.Error)(nil); errors.As(err, &wrapped); {
		err = wrapped.Err
	}
	return err
}

// attempt is what the stages of an attempt share, in its context.
type attempt struct {
	operation *operation.Operation
	token     func() string // a function, because middleware may print contexts
	alone     bool          // the request needs a connection of its own
	failed    atomic.Bool   // the last error was the network's, not middleware's
	trace     connTrace
}

type attemptKey struct{}

// OperationOf returns the operation that a request's context belongs to, or nil.
func OperationOf(ctx context.Context) *operation.Operation {
	if a, ok := ctx.Value(attemptKey{}).(*attempt); ok {
		return a.operation
	}
	return nil
}

// connTrace records whether a connection was requested and obtained, and how often
// the request's header was written.
type connTrace struct {
	asked, got, reused atomic.Bool
	http1              atomic.Bool // the connection is one of HTTP/1
	headers            atomic.Int32
	// again means that a connection was obtained after a header had been written. Over
	// HTTP/2 a response may come before net/http reports that its header was written.
	again atomic.Bool
}

func (t *connTrace) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { t.asked.Store(true) },
		GotConn:      func(info httptrace.GotConnInfo) { t.obtained(info.Conn, info.Reused) },
		WroteHeaders: func() { t.headers.Add(1) },
	})
}

func (t *connTrace) obtained(conn net.Conn, reused bool) {
	secure, ok := conn.(interface{ ConnectionState() tls.ConnectionState })
	t.http1.Store(conn != nil && (!ok || secure.ConnectionState().NegotiatedProtocol != "h2"))
	t.reused.Store(reused)
	t.again.Store(t.headers.Load() > 0)
	t.got.Store(true)
}

// unsent reports whether the server certainly processed nothing. If net/http wrote the
// header twice, it may have processed the first request. traced means that a header that
// was not recorded was not written.
func (t *connTrace) unsent(err error, traced bool) bool {
	switch headers := t.headers.Load(); {
	case t.asked.Load() && !t.got.Load():
		return true
	case headers > 1:
		return false
	case isUnprocessed(err):
		return true
	case headers == 0:
		return isDialError(err) || traced && t.got.Load()
	}
	// An alert received on a new connection in place of a response ended the
	// handshake. In TLS 1.3 the client has sent its request by then.
	return isAlert(err) && !t.reused.Load()
}

// wroteNothing reports whether the only write to an HTTP/1 connection failed.
// net/http buffers a request and writes it at once, unless it is longer than the buffer:
// then the error of a later write is the same.
func (c *call) wroteNothing(req *http.Request, trace *connTrace, err error) bool {
	base, ok := c.transport.base.(*http.Transport)
	op, failed := errors.AsType[*net.OpError](err)
	if !ok || base.WriteBufferSize != 0 || len(c.transport.config.Middleware) > 0 ||
		!trace.http1.Load() || trace.headers.Load() != 1 || !failed || op.Op != "write" ||
		strings.HasPrefix(err.Error(), "net/http: HTTP/1.x transport connection broken: ") { // a write of the body
		return false
	}
	var header strings.Builder
	_ = req.Header.Write(&header)
	const added = 256 // by net/http
	return len(req.URL.String())+len(c.token)+header.Len()+len(c.request.Body)+added <= 4<<10
}
