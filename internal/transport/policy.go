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

// Policy is how often and how patiently a request is retried.
type Policy struct {
	MaxAttempts   int
	MinWait       time.Duration
	MaxWait       time.Duration
	MaxRetryAfter time.Duration
}

// outcome is what an attempt came to, as far as a retry depends on it.
type outcome struct {
	attempts   int           // that count, from 1
	status     int           // 0 without a response
	err        error         // why the response, or its body, did not come
	unsent     bool          // nothing reached the server
	renewable  bool          // another token may be had
	retryAfter time.Duration // what the server asks for, 0 for nothing
	left       time.Duration // until the deadline of the call
	chance     float64       // in [0, 1), for the length of the wait
}

// reason is why an attempt is followed by another, or why it is not.
type reason string

const (
	tokenRejected reason = "the token was rejected"
	rateLimited   reason = "the server did nothing, and asks to wait"
	temporary     reason = "the status may pass"
	neverSent     reason = "nothing reached the server"
	broken        reason = "the response was lost, or a part of it"

	settled      reason = "another attempt would have the same result"
	actsTwice    reason = "the operation might act twice"
	exhausted    reason = "the attempts are used up"
	overlong     reason = "the server asks for too long a wait"
	pastDeadline reason = "the call ends before the next attempt"
)

// decide is the retry policy. Which outcomes an operation is retried after
// stands beside the operations.
func decide(op *operation.Operation, o outcome, p Policy) (retry bool, wait time.Duration, why reason) {
	if o.status == http.StatusUnauthorized && o.renewable {
		return true, 0, tokenRejected
	}
	may, why := allowed(op.Class.Retries(), o)
	if !may {
		return false, 0, why
	}
	if o.attempts >= p.MaxAttempts {
		return false, 0, exhausted
	}
	if o.retryAfter > p.MaxRetryAfter {
		return false, 0, overlong
	}
	if wait = o.retryAfter; wait == 0 {
		wait = p.backoff(o.attempts, o.chance)
	}
	if wait > o.left {
		return false, 0, pastDeadline
	}
	return true, wait, why
}

// allowed holds what an attempt came to against what the operation is retried
// after.
func allowed(retries operation.Retries, o outcome) (may bool, why reason) {
	switch {
	case o.status == 0 && isPermanent(o.err), errors.Is(o.err, ErrTooLarge):
		return false, settled
	case o.status == 0 && o.unsent:
		may, why = retries.Unsent, neverSent
	case o.status == 0, o.err != nil && isSuccess(o.status):
		may, why = retries.Broken, broken
	case o.status == http.StatusTooManyRequests:
		may, why = retries.RateLimited, rateLimited
	case isTemporary(o.status):
		may, why = retries.Temporary, temporary
	default:
		return false, settled
	}
	if !may {
		why = actsTwice
	}
	return may, why
}

// backoff returns the wait after a number of attempts: anywhere between the
// smallest wait and a bound that doubles from attempt to attempt.
func (p Policy) backoff(attempts int, chance float64) time.Duration {
	bound := p.MaxWait
	if shift := min(attempts, 32); p.MinWait <= p.MaxWait>>shift {
		bound = p.MinWait << shift
	}
	return p.MinWait + time.Duration(chance*float64(bound-p.MinWait+1))
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }

// isTemporary lists the statuses after which a retry may succeed.
func isTemporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// mayHaveActed tells statuses that leave open whether the request was carried
// out from those that say it was not.
func mayHaveActed(status int) bool {
	return status < http.StatusMultipleChoices || status == http.StatusRequestTimeout ||
		status >= http.StatusInternalServerError
}

// isDialError says that no connection came about, so that nothing was sent. An
// HTTP/2 connection that ends before its first request has no error of its own.
func isDialError(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var proxy *ProxyError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") || errors.As(err, &dns) ||
		errors.As(err, &proxy) || strings.HasSuffix(err.Error(), "http2: client conn could not be established")
}

// isPermanent says that the same request will fail in the same way.
func isPermanent(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.IsNotFound
	}
	return IsRejected(err)
}

// IsRejected says that the way to the server is closed until somebody changes
// something: a certificate is bad, one side rejects the other's TLS, or a proxy
// rejects the connection.
func IsRejected(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
		record       tls.RecordHeaderError
		proxy        *ProxyError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &hostname) ||
		errors.As(err, &invalid) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch) ||
		errors.As(err, &proxy) && proxy.permanent() || isAlert(err)
}

// alerts are those of TLS that end a handshake for good (RFC 8446, section 6.2).
var alerts = []tls.AlertError{
	40,                         // handshake failure
	42, 43, 44, 45, 46, 48, 49, // bad, unsupported, revoked, expired or unknown certificate, unknown CA, access denied
	70, 71, // protocol version, insufficient security
	112, 116, 120, // unrecognized name, certificate required, no application protocol
}

// isAlert says that one side ended the handshake with an alert for good. Over TCP
// crypto/tls hides which one it was in a type of its own, which prints as
// tls.AlertError does.
func isAlert(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" && op.Op != "local error" {
		return false
	}
	return slices.ContainsFunc(alerts, func(alert tls.AlertError) bool { return op.Err.Error() == alert.Error() })
}

// IsTimeout says that something took too long, whoever set the limit.
func IsTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// RetryAfter returns how long a Retry-After header asks to wait, or zero where
// there is none that can be understood. Dates count from the server's own clock
// if it gave one.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > math.MaxInt64/int64(time.Second) {
			return math.MaxInt64
		}
		return time.Duration(seconds) * time.Second
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
