package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// Policy limits the attempts of a request and the waits between them.
type Policy struct {
	MaxAttempts   int
	MinWait       time.Duration
	MaxWait       time.Duration
	MaxRetryAfter time.Duration
}

// outcome is the part of an attempt's outcome that a retry depends on.
type outcome struct {
	attempts   int           // from 1, without an attempt that only replaced the token
	status     int           // 0 without a response
	err        error         // why the response or its body is missing
	unsent     bool          // nothing reached the server
	renewable  bool          // a new token may be requested
	retryAfter time.Duration // 0 without a Retry-After header
	left       time.Duration // until the deadline of the call
	chance     float64       // in [0, 1), for the length of the wait
}

// decide is the retry policy. late means that the deadline of the call is before the next
// attempt. Package operation lists the outcomes after which an operation is retried.
func decide(op *operation.Operation, o outcome, p Policy) (retry bool, wait time.Duration, late bool) {
	if o.status == http.StatusUnauthorized && o.renewable {
		return true, 0, false
	}
	if !isRetried(op.Class.Retries(), o) || o.attempts >= p.MaxAttempts || o.retryAfter > p.MaxRetryAfter {
		return false, 0, false
	}
	if wait = o.retryAfter; wait == 0 {
		wait = p.backoff(o.attempts, o.chance)
	} else {
		wait += time.Duration(o.chance * float64(max(0, min(wait/spread, o.left-wait))))
	}
	if wait > o.left {
		return false, 0, true
	}
	return true, wait, false
}

// isRetried reports whether the operation is retried after the outcome.
func isRetried(retries operation.Retries, o outcome) bool {
	switch {
	case o.status == 0 && isPermanent(o.err), errors.Is(o.err, ErrTooLarge):
		return false
	case o.status == 0 && o.unsent:
		return retries.Unsent
	case o.status == 0, o.err != nil && isSuccess(o.status):
		return retries.Broken
	case o.status == http.StatusTooManyRequests:
		return retries.RateLimited
	}
	return TemporaryStatus(o.status) && retries.Temporary
}

// spread is the part of a Retry-After by which waits differ at most: a fifth. Without
// it, all clients would retry at the same moment.
const spread = 5

// backoff returns the wait after a number of attempts: a value between MinWait and
// a bound that doubles with each attempt.
func (p Policy) backoff(attempts int, chance float64) time.Duration {
	bound := min(p.MaxWait, p.MinWait<<min(attempts, 16))
	return p.MinWait + time.Duration(chance*float64(bound-p.MinWait+1))
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }

// TemporaryStatus reports whether a retry may succeed after the status. Reads are
// retried after these statuses, and waits go on.
func TemporaryStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		598, 599: // timeouts of proxies
		return true
	}
	return 520 <= status && status <= 530 // a content delivery network cannot reach the server
}

// mayHaveActed reports whether the server may have carried out a request to which
// it responded with the status.
func mayHaveActed(status int) bool {
	return status < http.StatusMultipleChoices || status == http.StatusRequestTimeout ||
		status >= http.StatusInternalServerError
}

// isDialError reports whether no connection was established, so that nothing was
// sent.
func isDialError(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "dial" || op.Op == "proxyconnect" || isSOCKS(op)) || is[*net.DNSError](err) || is[*ProxyError](err)
}

// is reports whether the tree of err has an error of type E.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func isSOCKS(op *net.OpError) bool { return strings.HasPrefix(op.Op, "socks") }

// net/http's error for a request whose body it cannot send again.
const cannotRetry, afterBody = "http2: Transport: cannot retry err [", "] after Request.Body was written; define Request.GetBody to avoid this error"

// withoutAdvice removes what that error tells authors of transports.
func withoutAdvice(err error) error {
	text, ok := strings.CutPrefix(err.Error(), cannotRetry)
	if text, also := strings.CutSuffix(text, afterBody); ok && also {
		return errors.New(text)
	}
	return err
}

const gracefulGoAway = "http2: Transport received Server's graceful shutdown GOAWAY"

// unprocessed are net/http's errors without a type for a request that the server has
// not processed (RFC 9113, section 6.8). Whole strings are compared, because others
// quote the server. REFUSED_STREAM is none of them: HAProxy sends it for requests that
// the server has received.
var unprocessed = []string{
	gracefulGoAway, cannotRetry + gracefulGoAway + afterBody,
	"http2: client conn not usable", "http2: client conn could not be established",
	"net/http: cannot rewind body after connection loss",
}

func isUnprocessed(err error) bool { return slices.Contains(unprocessed, err.Error()) }

// isPermanent reports whether a retry would fail in the same way.
func isPermanent(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound
	}
	return IsRejected(err)
}

// IsRejected reports whether the connection was rejected permanently: a certificate
// is invalid, one side rejects the TLS handshake, or a proxy rejects the request.
func IsRejected(err error) bool {
	proxy, _ := errors.AsType[*ProxyError](err)
	op, _ := errors.AsType[*net.OpError](err)
	return is[*tls.CertificateVerificationError](err) || is[x509.UnknownAuthorityError](err) ||
		is[x509.HostnameError](err) || is[x509.CertificateInvalidError](err) ||
		is[tls.RecordHeaderError](err) || errors.Is(err, http.ErrSchemeMismatch) || isAlert(err) ||
		proxy != nil && proxy.permanent() || op != nil && isSOCKS(op) && slices.Contains(rejections, op.Err.Error())
}

// rejections are net/http's errors without a type of a SOCKS proxy that rejects the
// request or the password. Its other replies are about the network.
var rejections = []string{
	"unknown error connection not allowed by ruleset", "no acceptable authentication methods",
	"username/password authentication failed", "invalid username/password",
}

// alerts are the TLS alerts after which a retry fails too (RFC 8446, section 6.2).
var alerts = []tls.AlertError{
	40,                         // handshake failure
	42, 43, 44, 45, 46, 48, 49, // bad, unsupported, revoked, expired or unknown certificate, unknown CA, access denied
	70, 71, // protocol version, insufficient security
	112, 116, 120, // unrecognized name, certificate required, no application protocol
}

// isAlert reports whether one side ended the handshake with one of alerts. Over TCP
// crypto/tls returns the alert in an unexported type, which prints as
// tls.AlertError does.
func isAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "remote error" || op.Op == "local error") && slices.ContainsFunc(alerts, func(alert tls.AlertError) bool { return op.Err.Error() == alert.Error() })
}

// IsTimeout reports whether the error is a timeout.
func IsTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout()
}

// callerError is what the caller's token source, limiter or middleware returned.
type callerError struct{ error }

func (e callerError) Unwrap() error { return e.error }

// FailedInCaller reports whether err is what the caller's token source, limiter or
// middleware returned itself, and is final: neither a timeout, nor temporary by itself,
// nor a network failure that a later attempt may not meet.
func FailedInCaller(err error) bool {
	temporary, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	if !is[callerError](err) || IsTimeout(err) || ok && temporary.Temporary() {
		return false
	}
	return !is[net.Error](err) || IsRejected(err)
}

// RetryAfter returns the wait that a Retry-After header asks for, or zero if it is
// missing or invalid. A date is relative to the Date header, or to now without one.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, _ := strconv.ParseInt(value, 10, 64) // of a number too large, the largest
		return time.Duration(min(seconds, math.MaxInt64/int64(time.Second))) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if server, err := http.ParseTime(header.Get("Date")); err == nil {
		now = server
	}
	return max(date.Sub(now), 0)
}
