package apono

import (
	"context"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

type (
	headerKey       struct{}
	withoutRetryKey struct{}
	callTimeoutKey  struct{}
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
	timeout, ok := ctx.Value(callTimeoutKey{}).(time.Duration)
	if !ok {
		return nil, nil
	}
	return &timeout, checkTimeout("timeout", timeout)
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
