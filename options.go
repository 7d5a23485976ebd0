package apono

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/apono-go/apono/internal/transport"
)

// Option configures a [Client]. [NewClient] returns an [*ArgumentError] for an option
// with an invalid value.
type Option func(*options) error

// options are the configuration of a transport, and of a client above it.
type options struct {
	transport.Config
	readOnly, readAhead bool
}

func defaultOptions() options {
	userAgent := fmt.Sprintf("apono-go/%s (%s; %s/%s)", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return options{Config: transport.Config{
		Origin:         &url.URL{Scheme: "https", Host: "api.apono.io"},
		Header:         http.Header{"Accept": {mediaType}, "User-Agent": {userAgent}},
		Policy:         transport.Policy(defaultRetryPolicy),
		AttemptTimeout: 30 * time.Second,
		MaxBytes:       64 << 20,
	}}
}

// RetryPolicy configures the number of attempts and the waits between them. A zero
// field means the default.
//
// The conditions for a retry are fixed:
//
//   - GET, PUT and DELETE are retried after the statuses 408, 425, 429, 500, 502, 503,
//     504, 520 to 530, 598 and 599, after network errors, and when the response body is
//     cut short.
//   - POST and PATCH are retried after 429 and when nothing was sent.
//   - Reads that can use up one-time credentials are retried when nothing was sent.
//   - Permanent failures are never retried: invalid certificates, TLS alerts, host
//     names that do not exist, and, without [WithHTTPClient], a proxy that rejects the
//     connection.
//
// The wait before a retry is that of the Retry-After header and up to a fifth more, at
// random. After a 429 with Retry-After, all calls of the client with the same token
// wait, at most MaxRetryAfter, except those whose deadline comes sooner. Without
// Retry-After the wait is random, between MinWait and a bound that doubles up to
// MaxWait. If the next attempt would start after the deadline of the context, the call
// ends immediately. Its error then wraps both the deadline and the last response.
type RetryPolicy struct {
	// MaxAttempts is the maximum number of attempts, 3 by default. With 1 there are no
	// retries, except after a 401 with a token source.
	MaxAttempts int
	// MinWait is the shortest wait without Retry-After, 0.5 s by default.
	MinWait time.Duration
	// MaxWait is the longest wait without Retry-After, 8 s by default.
	MaxWait time.Duration
	// MaxRetryAfter is the longest Retry-After that the client waits for, 60 s by default.
	// If the server asks for more, the call fails with that response.
	MaxRetryAfter time.Duration
}

var defaultRetryPolicy = RetryPolicy{
	MaxAttempts:   3,
	MinWait:       500 * time.Millisecond,
	MaxWait:       8 * time.Second,
	MaxRetryAfter: 60 * time.Second,
}

// WithBaseURL sets the base URL of the API; the default is [DefaultBaseURL]. It must be
// an https URL without a user, query or fragment. http is accepted for loopback
// addresses. A path is kept as a prefix, except for a trailing /api, because the path
// of every operation starts with it.
func WithBaseURL(baseURL string) Option { return baseURLOption("baseURL", baseURL) }

func baseURLOption(arg, baseURL string) Option {
	return func(o *options) (err error) {
		o.Origin, err = parseBaseURL(arg, baseURL)
		return err
	}
}

// WithHTTPClient sets the client that sends the requests. Its transport, its cookie jar
// and, for each attempt, its timeout are used; the timeout includes the waits for the
// limiter and the token. It is not modified. Its redirect policy has no effect, because
// redirects are not followed.
//
// If the transport is an [*http.Transport], reads that use up one-time credentials and
// POST requests without a body are sent over a new connection, which does not count
// against MaxConnsPerHost. Any other [http.RoundTripper], and the Fetch API of a
// browser, receives an ordinary request. It may send it twice, as net/http does with a
// GET when a connection breaks.
//
// If a request gets no response within the timeout of an attempt, connections of the
// transport may be dead. Unless HTTP2.SendPingTimeout of the transport is set, the client
// then sends each request over a new connection for as long as that timeout, and closes
// the idle ones.
func WithHTTPClient(client *http.Client) Option {
	return func(o *options) error {
		if client == nil {
			return &ArgumentError{Arg: "client", Reason: "must not be nil: omit the option for the default"}
		}
		if client.Transport != nil && transport.IsNil(client.Transport) {
			return &ArgumentError{Arg: "client.Transport", Reason: "must not hold a nil pointer: omit the field for the default"}
		}
		if client.Jar != nil && transport.IsNil(client.Jar) {
			return &ArgumentError{Arg: "client.Jar", Reason: "must not hold a nil pointer: omit the field for no cookies"}
		}
		o.HTTPClient = client
		return nil
	}
}

// WithTokenSource sets a function that returns the token, in place of the token passed
// to [NewClient]. It is called before every attempt, with the context of the call, and
// possibly by several goroutines at the same time. It should cache its token while the
// token is valid; [CachedTokenSource] does.
//
// When the server responds with 401, the function is called again with a context for
// which [TokenRejected] is true, and the request is retried once, whatever its method.
// An error from the function ends the call.
func WithTokenSource(source func(ctx context.Context) (string, error)) Option {
	return func(o *options) error {
		if source == nil {
			return &ArgumentError{Arg: "source", Reason: "must not be nil: pass a function that returns a token"}
		}
		o.Renewable = true
		o.Token = func(ctx context.Context) (string, error) {
			token, err := source(ctx)
			if err != nil {
				return "", err
			}
			return token, checkToken("token from WithTokenSource", token)
		}
		return nil
	}
}

// TokenRejected reports, in a function passed to [WithTokenSource], whether the server
// rejected the previous token. A function that caches its token should then get a new
// one.
func TokenRejected(ctx context.Context) bool { return transport.RejectedToken(ctx) != "" }

// WithUserAgent appends a product, such as "inventory/1.4", to the User-Agent
// header.
func WithUserAgent(product string) Option {
	return func(o *options) error {
		if strings.TrimSpace(product) == "" || !isHeaderValue(product) {
			return &ArgumentError{Arg: "product", Reason: "must be printable ASCII, such as \"inventory/1.4\""}
		}
		o.Header["User-Agent"][0] += " " + product
		return nil
	}
}

// WithRetryPolicy sets the number of attempts and the waits between them.
func WithRetryPolicy(policy RetryPolicy) Option {
	return func(o *options) error {
		policy, standard := policy, defaultRetryPolicy
		policy.MaxAttempts = cmp.Or(policy.MaxAttempts, standard.MaxAttempts)
		policy.MaxRetryAfter = cmp.Or(policy.MaxRetryAfter, standard.MaxRetryAfter)
		// A default must not conflict with the bound that was set.
		if policy.MaxWait == 0 {
			policy.MaxWait = max(standard.MaxWait, policy.MinWait)
		}
		if policy.MinWait == 0 {
			policy.MinWait = min(standard.MinWait, policy.MaxWait)
		}
		longest := max(policy.MinWait, policy.MaxWait, policy.MaxRetryAfter)
		switch {
		case longest > maxDuration:
			return &ArgumentError{Arg: "policy", Reason: "must not have waits longer than 24 hours"}
		case policy.MaxAttempts < 1:
			return &ArgumentError{Arg: "policy.MaxAttempts", Reason: "must be at least 1, or 0 for the default"}
		case policy.MinWait < 0 || policy.MaxWait < policy.MinWait:
			return &ArgumentError{Arg: "policy.MinWait", Reason: "must not be negative or longer than MaxWait"}
		case policy.MaxRetryAfter < 0:
			return &ArgumentError{Arg: "policy.MaxRetryAfter", Reason: "must not be negative"}
		}
		o.Policy = transport.Policy(policy)
		return nil
	}
}

// WithAttemptTimeout sets how long one attempt waits for the header of the response,
// including the time to connect, and then for each part of the body. The default is 30 s,
// the maximum is 24 hours; 0 means no timeout. In total, an attempt takes at most ten
// times the timeout. [WithCallAttemptTimeout] sets the timeout for one call.
//
// Middleware does not see this timeout as a deadline, because it is extended while the
// body is read.
func WithAttemptTimeout(timeout time.Duration) Option {
	return func(o *options) error {
		if err := checkTimeout("timeout", timeout); err != nil {
			return err
		}
		o.AttemptTimeout = timeout
		return nil
	}
}

// maxDuration is the longest timeout or wait.
const maxDuration = 24 * time.Hour

func checkTimeout(arg string, timeout time.Duration) error {
	if timeout < 0 || timeout > maxDuration {
		return &ArgumentError{Arg: arg, Reason: "must be at most 24 hours, or 0 for no timeout"}
	}
	return nil
}

// WithMaxResponseBytes limits the size of a response body after decompression. The
// default is 64 MiB. A larger body returns a [*DecodeError] that wraps
// [ErrResponseTooLarge].
func WithMaxResponseBytes(limit int64) Option {
	return func(o *options) error {
		if limit <= 0 {
			return &ArgumentError{Arg: "limit", Reason: "must be positive"}
		}
		o.MaxBytes = limit
		return nil
	}
}

// WithLogger logs every attempt: operation, method, path template, attempt, wait before
// it, duration, status, request ID and error. Records do not contain arguments,
// queries, bodies or tokens. The levels are:
//
//   - Debug: successful attempts, and requests that were canceled
//   - Warn: attempts that are retried, and the statuses 3xx and 4xx
//   - Error: the statuses 5xx, and attempts without a response
func WithLogger(logger *slog.Logger) Option {
	return func(o *options) error {
		if logger == nil {
			return &ArgumentError{Arg: "logger", Reason: "must not be nil: omit the option for no logging"}
		}
		if transport.IsNil(logger.Handler()) {
			return &ArgumentError{Arg: "logger", Reason: "must have a handler: use slog.New"}
		}
		o.Logger = logger
		return nil
	}
}

// WithMiddleware wraps the transport, for metrics, tracing or recording. [NewClient]
// calls the function once; the [http.RoundTripper] that it returns receives every
// attempt. The option can be given several times; the last one is the outermost.
// Middleware does not see the token. The token is added after it, and only to requests
// to the origin of the base URL.
func WithMiddleware(middleware func(next http.RoundTripper) http.RoundTripper) Option {
	return func(o *options) error {
		if middleware == nil {
			return &ArgumentError{Arg: "middleware", Reason: "must not be nil: omit the option for none"}
		}
		o.Middleware = append(o.Middleware, middleware)
		return nil
	}
}

// OperationFromContext returns the operation of a context that middleware, a limiter or
// a token source receives: its name, such as "Integrations.Get", and its path template,
// such as "/api/admin/v4/integrations/{id}". Neither contains arguments, so both can be
// names of spans or labels of metrics. ok is false for other contexts.
func OperationFromContext(ctx context.Context) (name, path string, ok bool) {
	op := transport.OperationOf(ctx)
	if op == nil {
		return "", "", false
	}
	return op.Name, op.Path, true
}

// WithLimiter sets a rate limiter that every attempt waits for, such as a *rate.Limiter
// of golang.org/x/time/rate. An error from the limiter ends the call.
func WithLimiter(limiter interface {
	Wait(ctx context.Context) error
}) Option {
	return func(o *options) error {
		if transport.IsNil(limiter) {
			return &ArgumentError{Arg: "limiter", Reason: "must not be nil: omit the option for none"}
		}
		o.Limiter = limiter
		return nil
	}
}

// WithReadOnly rejects every operation that changes something, and every read that uses
// up one-time credentials. Such calls return [ErrReadOnly] and send nothing. The option
// is meant for audits and reports that use an administrator's token.
func WithReadOnly() Option {
	return func(o *options) error {
		o.readOnly = true
		return nil
	}
}

// WithReadAhead lets the ListAll methods request the next page while the loop uses the
// current one. When the loop ends early, that request is canceled, and the loop waits
// for it to finish.
func WithReadAhead() Option {
	return func(o *options) error {
		o.readAhead = true
		return nil
	}
}

// shared is the transport of all clients without [WithHTTPClient].
var shared struct {
	mu       sync.Mutex
	standard *http.Transport // http.DefaultTransport when it was cloned
	tuned    *http.Transport
}

// sharedTransport returns that transport. If http.DefaultTransport has been replaced, it
// is another one, or nil if net/http uses a replacement of another type.
func sharedTransport() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.standard != standard {
		shared.standard, shared.tuned = standard, standard.Clone()
		transport.Tune(shared.tuned)
	}
	return shared.tuned
}

func parseBaseURL(arg, text string) (*url.URL, error) {
	reject := func(reason string) error { return &ArgumentError{Arg: arg, Reason: reason} }
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil:
		return nil, reject("must be a URL such as " + DefaultBaseURL)
	case u.Host == "" || u.Hostname() == "":
		return nil, reject("must have a host: pass a URL such as " + DefaultBaseURL)
	case u.User != nil:
		return nil, reject("must not contain a user or password")
	case u.RawQuery != "" || u.ForceQuery:
		return nil, reject("must not have a query (\"?\" and what follows)")
	case u.Fragment != "" || strings.HasSuffix(text, "#"):
		return nil, reject("must not have a fragment (\"#\" and what follows)")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return nil, reject("must start with https://, because every request carries the token; http:// is for loopback addresses only")
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return nil, reject("must not have the path segments \".\" and \"..\": pass the resolved path")
		}
	}
	u.Host = strings.TrimSuffix(u.Host, ":")
	prefix := strings.TrimSuffix(strings.TrimRight(u.EscapedPath(), "/"), "/api")
	if u.Path, err = url.PathUnescape(prefix); err != nil {
		return nil, reject("must have a path with valid percent-encoding")
	}
	u.RawPath = prefix // keeps an escaped slash
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkToken checks that a token can be sent in an Authorization header. Its errors do
// not contain the token.
func checkToken(arg, token string) error {
	reject := func(reason string) error { return &ArgumentError{Arg: arg, Reason: reason} }
	switch {
	case token == "" && arg == envToken:
		return reject("must not be empty: set " + envToken + " or " + envPersonalToken)
	case token == "":
		return reject("must not be empty")
	case strings.TrimSpace(token) != token:
		return reject("must not begin or end with white space")
	case strings.HasPrefix(strings.ToLower(token), "bearer "):
		return reject("must not start with Bearer: pass the token only")
	case strings.Contains(token, " ") || !isHeaderValue(token):
		return reject("must be printable ASCII without spaces: check that it is complete and the right one")
	}
	return nil
}

func isHeaderValue(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
