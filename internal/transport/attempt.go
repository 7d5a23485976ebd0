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

// result is what one attempt came to.
type result struct {
	resp   *Response // nil if none came
	err    error     // why none came
	unsent bool      // nothing reached the server
	took   time.Duration
}

// RoundTrip makes one attempt: everything from the limiter's leave to the last
// byte of the body.
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
	if c.request.Operation.Changes { // otherwise it is retried, sent or not
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
	// The client's cookie jar reads the header; nobody reads the body again.
	return &http.Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: http.NoBody, Request: req}, nil
}

// sendsOnce reports whether only a connection of its own keeps net/http from
// sending the request twice: it must not be, and has no body to ask for.
func (c *call) sendsOnce() bool {
	class := c.request.Operation.Class
	return class == operation.Consuming || class == operation.Acting && c.request.Body == nil
}

// admit waits for the limiter and asks for a token, which the returned context
// holds. Both have the time of the call, not of the attempt.
func (c *call) admit(ctx context.Context) (context.Context, error) {
	config := &c.transport.config
	if config.Limiter != nil {
		if err := config.Limiter.Wait(ctx); err != nil {
			return nil, fmt.Errorf("waiting for the limiter: %w", err)
		}
	}
	asking := ctx
	if c.rejected {
		c.rejected = false
		asking = context.WithValue(ctx, rejectedKey{}, true)
	}
	var err error
	if c.token, err = config.Token(asking); err != nil {
		return nil, fmt.Errorf("getting a token: %w", err)
	}
	return withToken(ctx, c.token), nil
}

// timeout is that of one attempt, 0 for none.
func (c *call) timeout() time.Duration {
	if own := c.request.Timeout; own != nil {
		return *own
	}
	return c.transport.config.AttemptTimeout
}

// failed is the result of an attempt without a response.
func (c *call) failed(ctx context.Context, err error, trace *connTrace) result {
	// An alert that comes on a new connection in place of the response ended the
	// handshake: in TLS 1.3 the client has sent its request by then.
	unsent := trace.unsent() || isDialError(err) || isAlert(err) && !trace.reused.Load()
	c.uncertain = c.uncertain || !unsent
	err = c.explain(ctx, err)
	c.suspect = !unsent && IsTimeout(err)
	return result{err: err, unsent: unsent}
}

// responded is the result of an attempt with a response, whose body it reads.
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

// explain names the attempt's own timeout as the cause where it was one. It drops
// the addresses that http.Clients in middleware put into their errors, and the
// token where net/http quotes what a server echoed in place of a response.
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

// aloneKey is the key under which a context holds the trace of an attempt that
// gets a connection of its own: a read that must not be sent twice, and an
// attempt after one that timed out, maybe on a connection that is dead. That one
// may serve other calls, so that it is not closed.
type aloneKey struct{}

// connTrace watches whether a connection was asked for and whether one was had.
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

var errReplay = errors.New("the server, or a proxy before it, said that it did nothing (REFUSED_STREAM or GOAWAY), which is not always so")

// once keeps net/http from sending the request again after its header was
// written: it asks for the body once more before it does.
func (t *connTrace) once(req *http.Request) {
	get := req.GetBody
	req.GetBody = func() (io.ReadCloser, error) {
		if t.wrote.Load() {
			return nil, errReplay
		}
		return get()
	}
}

// unsent says that the transport asked for a connection and never had one.
func (t *connTrace) unsent() bool { return t.asked.Load() && !t.got.Load() }
