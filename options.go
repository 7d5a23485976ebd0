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

// Option configures a [Client]. A value that makes no sense is an
// [*ArgumentError] of [NewClient].
type Option func(*options) error

type options struct {
	baseURL          *url.URL
	httpClient       *http.Client
	tokenSource      func(context.Context) (string, error)
	userAgent        string
	retry            RetryPolicy
	attemptTimeout   time.Duration
	maxResponseBytes int64
	logger           *slog.Logger
	middleware       []func(http.RoundTripper) http.RoundTripper
	limiter          interface{ Wait(context.Context) error }
	readOnly         bool
	readAhead        int
}

func defaultOptions() options {
	return options{
		baseURL:          &url.URL{Scheme: "https", Host: "api.apono.io"},
		userAgent:        fmt.Sprintf("apono-go/%s (%s; %s/%s)", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH),
		retry:            defaultRetryPolicy,
		attemptTimeout:   30 * time.Second,
		maxResponseBytes: 64 << 20,
	}
}

// RetryPolicy says how often and how patiently a request is retried. A field
// that is zero has its default.
//
// What is retried is fixed. GET, PUT and DELETE are, after the statuses 408,
// 425, 429, 500, 502, 503 and 504, after network errors, and when a body ends
// too early. POST and PATCH are retried only after 429 and when nothing was
// sent. Reads that can use up one-time credentials are retried only when
// nothing was sent. What cannot pass is never retried: bad certificates, TLS
// alerts, names that do not exist, and a proxy that rejects the connection.
//
// Between two attempts the client waits as long as the Retry-After header asks,
// and otherwise a random time between MinWait and a bound that doubles up to
// MaxWait. A call whose next attempt would come after its context's deadline
// ends at once, with an error that holds both the deadline and the last response.
type RetryPolicy struct {
	// MaxAttempts is how many attempts a call has at most, 3 by default. With 1
	// none is retried, but for a 401 with a token source.
	MaxAttempts int
	// MinWait is the shortest wait between two attempts, 0.5 s by default.
	MinWait time.Duration
	// MaxWait is the longest wait that the client chooses, 8 s by default.
	MaxWait time.Duration
	// MaxRetryAfter is the longest wait that a server may ask for, 60 s by
	// default. When it asks for more, the call ends with its answer.
	MaxRetryAfter time.Duration
}

var defaultRetryPolicy = RetryPolicy{
	MaxAttempts:   3,
	MinWait:       500 * time.Millisecond,
	MaxWait:       8 * time.Second,
	MaxRetryAfter: 60 * time.Second,
}

// WithBaseURL sets the address of the API, [DefaultBaseURL] unless given. It
// must be an https URL without user, query and fragment; http is accepted for
// loopback addresses. A path is kept as a prefix, but for a trailing /api,
// which every operation's path starts with anyway.
func WithBaseURL(baseURL string) Option { return baseURLOption("baseURL", baseURL) }

func baseURLOption(arg, baseURL string) Option {
	return func(o *options) (err error) {
		o.baseURL, err = parseBaseURL(arg, baseURL)
		return err
	}
}

// WithHTTPClient sets the client that sends the requests. Its transport, cookie
// jar and timeout are used, the timeout for each attempt; it is never changed, and
// its redirect policy has no effect, because no redirect is followed.
//
// Reads that use up one-time credentials go over a connection of their own if the
// transport is an [*http.Transport]. Any other [http.RoundTripper] gets an
// ordinary request, which it may send again by itself, as net/http does with a
// GET when a connection breaks.
func WithHTTPClient(client *http.Client) Option {
	return func(o *options) error {
		if client == nil {
			return &ArgumentError{Arg: "client", Reason: "the HTTP client is nil: leave the option out for the default"}
		}
		if client.Transport != nil && transport.IsNil(client.Transport) {
			return &ArgumentError{Arg: "client.Transport", Reason: "the transport is a nil pointer: leave the field out for the default"}
		}
		if client.Jar != nil && transport.IsNil(client.Jar) {
			return &ArgumentError{Arg: "client.Jar", Reason: "the cookie jar is a nil pointer: leave the field out for none"}
		}
		o.httpClient = client
		return nil
	}
}

// WithTokenSource sets a function that gives the token, in place of the one
// that was handed to [NewClient]. It is called before every attempt, from
// several goroutines if the client is used by several, with the context of the
// call, so it should keep its token while that is good.
//
// When the server answers 401 the function is asked once more, with a context
// for which [TokenRefused] is true, and the request is retried once, whatever
// its method. An error of the function ends the call.
func WithTokenSource(source func(ctx context.Context) (string, error)) Option {
	return func(o *options) error {
		if source == nil {
			return &ArgumentError{Arg: "source", Reason: "the token source is nil"}
		}
		o.tokenSource = func(ctx context.Context) (string, error) {
			token, err := source(ctx)
			if err != nil {
				return "", err
			}
			return token, checkToken("the token from the token source", token)
		}
		return nil
	}
}

// TokenRefused reports, in a function given to [WithTokenSource], whether the
// server has just refused the function's previous token. A source that keeps
// its token should then get a new one.
func TokenRefused(ctx context.Context) bool { return transport.TokenRejected(ctx) }

// WithUserAgent appends a product, such as "inventory/1.4", to the User-Agent
// header.
func WithUserAgent(product string) Option {
	return func(o *options) error {
		if strings.TrimSpace(product) == "" || !isHeaderValue(product) {
			return &ArgumentError{Arg: "product", Reason: "a User-Agent product is printable ASCII, such as \"inventory/1.4\""}
		}
		o.userAgent += " " + product
		return nil
	}
}

// WithRetryPolicy sets how often and how patiently requests are retried.
func WithRetryPolicy(policy RetryPolicy) Option {
	return func(o *options) error {
		policy, standard := policy, defaultRetryPolicy
		policy.MaxAttempts = cmp.Or(policy.MaxAttempts, standard.MaxAttempts)
		policy.MaxRetryAfter = cmp.Or(policy.MaxRetryAfter, standard.MaxRetryAfter)
		// A default makes way for the bound that was given.
		if policy.MaxWait == 0 {
			policy.MaxWait = max(standard.MaxWait, policy.MinWait)
		}
		if policy.MinWait == 0 {
			policy.MinWait = min(standard.MinWait, policy.MaxWait)
		}
		switch {
		case policy.MaxAttempts < 1:
			return &ArgumentError{Arg: "policy.MaxAttempts", Reason: "it must be at least 1 (or 0 for the default)"}
		case policy.MinWait < 0 || policy.MaxWait < policy.MinWait:
			return &ArgumentError{Arg: "policy.MinWait", Reason: "it must not be negative, nor longer than MaxWait"}
		case policy.MaxRetryAfter < 0:
			return &ArgumentError{Arg: "policy.MaxRetryAfter", Reason: "it must not be negative"}
		}
		o.retry = policy
		return nil
	}
}

// WithAttemptTimeout sets how long one attempt waits for the header of the
// response, from the dialing on, 30 s by default; 0 is no timeout. The body has
// as long again, and a second more for every 4 KiB that came, so that a large page
// arrives over a slow line; but an attempt takes no longer than ten timeouts. The
// call as a whole is limited by its context only. [WithCallTimeout] sets it for
// one call.
//
// As the end of an attempt moves on while its body comes, middleware sees a
// context without a deadline, but for the caller's own.
func WithAttemptTimeout(timeout time.Duration) Option {
	return func(o *options) error {
		if err := checkTimeout("timeout", timeout); err != nil {
			return err
		}
		o.attemptTimeout = timeout
		return nil
	}
}

func checkTimeout(arg string, timeout time.Duration) error {
	if timeout < 0 {
		return &ArgumentError{Arg: arg, Reason: "an attempt's timeout must be positive, or 0 for none"}
	}
	return nil
}

// WithMaxResponseBytes sets the size up to which a response body is read, after
// decompression, 64 MiB by default. A longer one is a [*DecodeError] that wraps
// [ErrResponseTooLarge].
func WithMaxResponseBytes(limit int64) Option {
	return func(o *options) error {
		if limit <= 0 {
			return &ArgumentError{Arg: "limit", Reason: "the limit must be positive"}
		}
		o.maxResponseBytes = limit
		return nil
	}
}

// WithLogger has every attempt logged: operation, method, path template,
// attempt, wait before it, duration, status, request id and error. Successes
// are logged at level Debug, attempts that are retried and rejections (3xx and
// 4xx) at Warn, failures (5xx and no response) at Error. A request of read-ahead
// that is given up is logged at Debug. No record holds an argument, a query, a
// body or a token.
func WithLogger(logger *slog.Logger) Option {
	return func(o *options) error {
		if logger == nil {
			return &ArgumentError{Arg: "logger", Reason: "the logger is nil: leave the option out for no logging"}
		}
		o.logger = logger
		return nil
	}
}

// WithMiddleware wraps the transport, for metrics, tracing or recording. The
// function is called once, by [NewClient]; what it returns sees every attempt.
// Of several, the middleware given last is the outermost. The token is added
// behind it, so it never sees the token, which is added only for the host of the
// base URL.
func WithMiddleware(middleware func(next http.RoundTripper) http.RoundTripper) Option {
	return func(o *options) error {
		if middleware == nil {
			return &ArgumentError{Arg: "middleware", Reason: "the middleware is nil: leave the option out for none"}
		}
		o.middleware = append(o.middleware, middleware)
		return nil
	}
}

// OperationFromContext tells middleware, a limiter or a token source which
// operation its context is about: the name, such as
// "Integrations.Get", and the path template, such as
// "/api/admin/v4/integrations/{id}", which holds no arguments and so suits the
// names of spans and the labels of metrics. ok is false for other contexts.
func OperationFromContext(ctx context.Context) (name, path string, ok bool) {
	op := transport.OperationOf(ctx)
	if op == nil {
		return "", "", false
	}
	return op.Name, op.Path, true
}

// WithLimiter has every attempt wait for a rate limiter first; a
// *rate.Limiter of golang.org/x/time/rate is one. An error of the limiter ends
// the call.
func WithLimiter(limiter interface {
	Wait(ctx context.Context) error
}) Option {
	return func(o *options) error {
		if transport.IsNil(limiter) {
			return &ArgumentError{Arg: "limiter", Reason: "the limiter is nil: leave the option out for none"}
		}
		o.limiter = limiter
		return nil
	}
}

// WithReadOnly refuses every operation that changes something, and every read
// that uses up one-time credentials, with [ErrReadOnly] before anything is
// sent. It is meant for audits and reports that run with an administrator's
// token.
func WithReadOnly() Option {
	return func(o *options) error {
		o.readOnly = true
		return nil
	}
}

// WithReadAhead lets the ListAll methods request pages before the loop asks for
// them: one page for lists with page tokens, up to the given number of pages at
// a time for lists with offsets. It is off by default. Leaving the loop cancels
// what is under way and waits for it to end.
func WithReadAhead(pages int) Option {
	return func(o *options) error {
		if pages < 0 || pages > 64 {
			return &ArgumentError{Arg: "pages", Reason: "the number of pages is 0 (off) to 64"}
		}
		o.readAhead = pages
		return nil
	}
}

// sharedTransport returns the transport of all clients without [WithHTTPClient].
var sharedTransport = sync.OnceValue(func() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil // somebody put another in its place, which is what net/http uses then
	}
	t := standard.Clone()
	transport.Tune(t)
	return t
})

func parseBaseURL(arg, text string) (*url.URL, error) {
	reject := func(reason string) error { return &ArgumentError{Arg: arg, Reason: reason} }
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil:
		return nil, reject("it is not a URL: give one such as " + DefaultBaseURL)
	case u.Host == "" || u.Hostname() == "":
		return nil, reject("it has no host: give a URL such as " + DefaultBaseURL)
	case u.User != nil:
		return nil, reject("it must not hold a user or password")
	case u.RawQuery != "" || u.ForceQuery:
		return nil, reject("it must not have a query (the part from \"?\")")
	case u.Fragment != "" || strings.HasSuffix(text, "#"):
		return nil, reject("it must not have a fragment (the part from \"#\")")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return nil, reject("it must start with https://, because the token travels with every request (http:// is for loopback addresses only)")
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return nil, reject("its path must not have the segments \".\" and \"..\": give the path that they lead to")
		}
	}
	u.Host = strings.TrimSuffix(u.Host, ":")
	prefix := strings.TrimSuffix(strings.TrimRight(u.EscapedPath(), "/"), "/api")
	if u.Path, err = url.PathUnescape(prefix); err != nil {
		return nil, reject("its path has broken escaping")
	}
	u.RawPath = prefix // keeps an escaped slash
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkToken accepts what an Authorization header can carry as a bearer token.
// It never repeats the token.
func checkToken(arg, token string) error {
	refuse := func(reason string) error { return &ArgumentError{Arg: arg, Reason: reason} }
	switch {
	case token == "" && arg == envToken:
		return refuse("no token: set " + envToken + " or " + envPersonalToken)
	case token == "":
		return refuse("the token is empty")
	case strings.TrimSpace(token) != token:
		return refuse("the token has white space or a line break around it: trim it")
	case strings.HasPrefix(strings.ToLower(token), "bearer "):
		return refuse("give the token alone, without the word Bearer")
	case strings.Contains(token, " ") || !isHeaderValue(token):
		return refuse("the token holds characters other than printable ASCII: is it complete, and from the right place?")
	}
	return nil
}

func isHeaderValue(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
