package apono

import (
	"context"
	"errors"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/apono-go/apono/internal/transport"
)

type (
	headerKey       struct{}
	withoutRetryKey struct{}
	callTimeoutKey  struct{}
	responseFuncKey struct{}
)

// WithRequestHeader returns a context whose calls carry a header, in place of
// the client's own of that name. Authorization, Host and the headers that
// describe the body or the connection cannot be set, nor Idempotency-Key,
// which would have net/http replay requests that must not be: calls with such a
// context are an [*ArgumentError].
func WithRequestHeader(ctx context.Context, key, value string) context.Context {
	header, _ := ctx.Value(headerKey{}).(http.Header)
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header[textproto.CanonicalMIMEHeaderKey(key)] = []string{value}
	return context.WithValue(ctx, headerKey{}, header)
}

// WithoutRetry returns a context whose calls have one attempt each, whatever
// becomes of it. Below that, net/http may send a GET a second time by itself when
// a connection that it kept breaks, but no other request, and no read that uses up
// one-time credentials.
func WithoutRetry(ctx context.Context) context.Context {
	return context.WithValue(ctx, withoutRetryKey{}, true)
}

func isWithoutRetry(ctx context.Context) bool {
	without, _ := ctx.Value(withoutRetryKey{}).(bool)
	return without
}

// WithCallTimeout returns a context whose calls have an attempt timeout of their
// own, in place of the client's; 0 is no timeout. See [WithAttemptTimeout] for
// what it limits. Calls with a negative one are an [*ArgumentError].
func WithCallTimeout(ctx context.Context, timeout time.Duration) context.Context {
	return context.WithValue(ctx, callTimeoutKey{}, timeout)
}

// callTimeout returns the attempt timeout of a call, nil for the client's.
func callTimeout(ctx context.Context) (*time.Duration, error) {
	if timeout, ok := ctx.Value(callTimeoutKey{}).(time.Duration); ok {
		return Ptr(timeout), checkTimeout("timeout", timeout)
	}
	return nil, nil
}

// WithResponseFunc returns a context whose calls pass the status and the header of
// their last response to a function, before they return: for rate limits and
// request ids. A list calls it for each page, with [WithReadAhead] from other
// goroutines. Calls without any response do not call it. The token is masked, and
// cookies are left out.
func WithResponseFunc(ctx context.Context, f func(status int, header http.Header)) context.Context {
	return context.WithValue(ctx, responseFuncKey{}, f)
}

// observe calls the context's response function, if there is one.
func observe(ctx context.Context, resp *transport.Response, err error) {
	f, _ := ctx.Value(responseFuncKey{}).(func(int, http.Header))
	if f == nil {
		return
	}
	if failed := (*transport.Error)(nil); errors.As(err, &failed) {
		resp = failed.Last
	}
	if resp == nil {
		return
	}
	header, _ := resp.Redacted()
	f(resp.StatusCode, header)
}

// ownHeaders are those that a caller cannot set.
var ownHeaders = []string{
	"Authorization", "Proxy-Authorization", "Host", "Accept", "Accept-Encoding", "Content-Type", "Content-Length",
	"Content-Encoding", "Transfer-Encoding", "Connection", "Te", "Trailer", "Upgrade", "Expect",
	"Idempotency-Key", "X-Idempotency-Key",
}

func checkHeader(name, value string) error {
	const nameCharacters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	switch {
	case name == "" || strings.Trim(name, nameCharacters) != "":
		return &ArgumentError{Arg: "key", Reason: "it is not the name of an HTTP header"}
	case slices.Contains(ownHeaders, name):
		return &ArgumentError{Arg: "key", Reason: "the header " + name + " is the client's own and cannot be set"}
	case !isHeaderValue(value):
		return &ArgumentError{Arg: "value", Reason: "the value of header " + name + " holds characters other than printable ASCII"}
	}
	return nil
}
