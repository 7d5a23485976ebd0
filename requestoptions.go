package apono

import (
	"context"
	"errors"
	"net/http"
	"net/textproto"
	"time"

	"github.com/apono-go/apono/internal/transport"
)

type (
	headerKey       struct{}
	withoutRetryKey struct{}
	callTimeoutKey  struct{}
	responseFuncKey struct{}
)

// WithRequestHeader returns a context whose calls send a header, in place of the
// client's header of that name. Authorization, Host and headers that describe the body
// or the connection cannot be set. Nor can Idempotency-Key, because net/http replays
// requests that have it. Calls with such a context return an [*ArgumentError].
func WithRequestHeader(ctx context.Context, key, value string) context.Context {
	header, _ := ctx.Value(headerKey{}).(http.Header)
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header[textproto.CanonicalMIMEHeaderKey(key)] = []string{value}
	return context.WithValue(ctx, headerKey{}, header)
}

// WithoutRetry returns a context whose calls make a single attempt. When a reused
// connection breaks, net/http may still send a GET twice, but no other request, and no
// read that uses up one-time credentials.
func WithoutRetry(ctx context.Context) context.Context {
	return context.WithValue(ctx, withoutRetryKey{}, true)
}

func isWithoutRetry(ctx context.Context) bool {
	without, _ := ctx.Value(withoutRetryKey{}).(bool)
	return without
}

// WithCallAttemptTimeout returns a context that sets the attempt timeout of its calls, in place
// of the client's [WithAttemptTimeout]; 0 means no timeout. With a negative timeout or one
// above 24 hours, calls return an [*ArgumentError].
func WithCallAttemptTimeout(ctx context.Context, timeout time.Duration) context.Context {
	return context.WithValue(ctx, callTimeoutKey{}, timeout)
}

// callTimeout returns the attempt timeout of a call, nil for the client's.
func callTimeout(ctx context.Context) (*time.Duration, error) {
	if timeout, ok := ctx.Value(callTimeoutKey{}).(time.Duration); ok {
		return new(timeout), checkTimeout("timeout", timeout)
	}
	return nil, nil
}

// WithResponseFunc returns a context whose calls pass the status and header of their
// last response to a function, for example to read rate limits and request IDs. The
// function runs before the call returns, and only if there was a response. Lists call
// it for each page; with [WithReadAhead], from other goroutines. The header has no
// cookies, and the token is masked in it.
func WithResponseFunc(ctx context.Context, f func(status int, header http.Header)) context.Context {
	return context.WithValue(ctx, responseFuncKey{}, f)
}

// observe calls the function of [WithResponseFunc], if there is one.
func observe(ctx context.Context, resp *transport.Response, err error) {
	f, _ := ctx.Value(responseFuncKey{}).(func(int, http.Header))
	if f == nil {
		return
	}
	if failed, ok := errors.AsType[*transport.Error](err); ok {
		resp = failed.Last
	}
	if resp == nil {
		return
	}
	header, _ := resp.Redacted()
	f(resp.StatusCode, header)
}
