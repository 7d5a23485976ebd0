package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
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
	ctx, err := c.admit(req.Context())
	if err != nil {
		c.stopped = err
		return nil, err
	}
	c.attempts++
	clock := clock{timeout: c.timeout(), limit: c.transport.limit}
	ctx = withDialTimeout(clock.start(ctx), clock.timeout)
	defer clock.stop()
	var trace connTrace
	if c.request.Operation.Changes { // reads are retried, sent or not
		ctx = trace.watch(ctx)
	}
	if c.sendsOnce() || c.suspect {
		ctx = context.WithValue(ctx, aloneKey{}, &trace)
		c.suspect = false
	}
	outgoing := req.WithContext(ctx)
	if c.request.Operation.Class == operation.Acting && req.GetBody != nil {
		trace.once(outgoing)
	}
	resp, err := c.transport.next.RoundTrip(outgoing)
	if resp != nil && resp.Body != nil {
		defer func() { _ = resp.Body.Close() }()
	}
	switch {
	case err != nil:
		c.latest = c.failed(ctx, err, &trace)
	case resp == nil:
		c.latest = c.failed(ctx, errors.New("the transport returned neither a response nor an error"), &trace)
	default:
		c.latest = c.responded(ctx, resp, clock.body(resp.Body))
	}
	c.latest.took = time.Since(clock.started)
	if c.latest.resp == nil {
		return nil, c.latest.err
	}
	// The client's cookie jar reads the header; the body has been read.
	return &http.Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: http.NoBody, Request: req}, nil
}

// sendsOnce reports whether the request needs a separate connection so that
// net/http does not send it twice. A POST or PATCH with a body does not need one:
// see [connTrace.once].
func (c *call) sendsOnce() bool {
	class := c.request.Operation.Class
	return class == operation.Consuming || class == operation.Acting && c.request.Body == nil
}

// admit waits for the limiter and gets a token, which the returned context holds.
// The attempt timeout covers neither.
func (c *call) admit(ctx context.Context) (context.Context, error) {
	config := &c.transport.config
	if config.Limiter != nil {
		if err := config.Limiter.Wait(ctx); err != nil {
			return nil, callerError{fmt.Errorf("waiting for the limiter: %w", err)}
		}
	}
	asking := ctx
	if c.rejected {
		c.rejected = false
		asking = context.WithValue(ctx, rejectedKey{}, true)
	}
	var err error
	if c.token, err = config.Token(asking); err != nil {
		return nil, callerError{fmt.Errorf("getting a token: %w", err)}
	}
	return withToken(ctx, c.token), nil
}

// timeout returns the timeout of one attempt, 0 for none.
func (c *call) timeout() time.Duration {
	if own := c.request.Timeout; own != nil {
		return *own
	}
	return c.transport.config.AttemptTimeout
}

// failed returns the result of an attempt without a response.
func (c *call) failed(ctx context.Context, err error, trace *connTrace) result {
	// An alert received on a new connection in place of a response ended the
	// handshake. In TLS 1.3 the client has sent its request by then.
	unsent := trace.unsent() || isDialError(err) || isAlert(err) && !trace.reused.Load()
	c.uncertain = c.uncertain || !unsent
	err = c.explain(ctx, err)
	c.suspect = !unsent && IsTimeout(err)
	return result{err: err, unsent: unsent}
}

// responded reads the body and returns the result of an attempt with a response.
func (c *call) responded(ctx context.Context, resp *http.Response, body io.Reader) result {
	buffer, err := readAll(body, resp.ContentLength, c.transport.config.MaxBytes)
	if err != nil {
		err = c.explain(ctx, err)
		c.suspect = IsTimeout(err)
	}
	came := &Response{
		StatusCode: resp.StatusCode, Header: resp.Header, Body: buffer.Bytes(), ReadErr: err,
		RetryAfter: RetryAfter(resp.Header, time.Now()),
		Attempts:   c.attempts, Uncertain: c.uncertain, token: c.token, buffer: buffer,
	}
	if err == nil || !isSuccess(resp.StatusCode) {
		c.last = came
	}
	c.uncertain = c.uncertain || mayHaveActed(resp.StatusCode)
	return result{resp: came}
}

// explain returns the attempt's timeout if that caused the error. It removes the
// URLs that an http.Client in middleware adds to errors, and the token if net/http
// quotes a malformed response that contains it.
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

// withoutURL returns the error that a url.Error wraps. The text of a url.Error
// contains the whole URL with its query.
func withoutURL(err error) error {
	for wrapped := (*url.Error)(nil); errors.As(err, &wrapped); {
		err = wrapped.Err
	}
	return err
}

// aloneKey is the context key for the trace of an attempt on a separate
// connection. These are requests that must not be sent twice, and attempts after a
// timeout, because the previous connection may be dead. It is not closed, because
// other calls may be using it.
type aloneKey struct{}

// connTrace records whether a connection was requested and obtained, and whether
// the request's header was written.
type connTrace struct{ asked, got, reused, wrote atomic.Bool }

func (t *connTrace) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.asked.Store(true) },
		GotConn: func(info httptrace.GotConnInfo) {
			t.got.Store(true)
			t.reused.Store(info.Reused)
		},
		WroteHeaders: func() { t.wrote.Store(true) },
	})
}

var errReplay = errors.New("the server or a proxy reported that it did not process the request (REFUSED_STREAM or GOAWAY), which is not always true")

// once keeps net/http from sending the request again after its header was
// written. To send a request again, net/http calls GetBody, which then fails.
func (t *connTrace) once(req *http.Request) {
	get := req.GetBody
	req.GetBody = func() (io.ReadCloser, error) {
		if t.wrote.Load() {
			return nil, errReplay
		}
		return get()
	}
}

// unsent reports whether the transport requested a connection and obtained none.
func (t *connTrace) unsent() bool { return t.asked.Load() && !t.got.Load() }
