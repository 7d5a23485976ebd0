package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Policy is how often and how patiently a request is repeated.
type Policy struct {
	MaxAttempts   int
	MinWait       time.Duration
	MaxWait       time.Duration
	MaxRetryAfter time.Duration
}

// backoff returns the wait after a number of attempts: anywhere between the
// smallest wait and a bound that doubles from attempt to attempt.
func (p *Policy) backoff(attempts int) time.Duration {
	bound := p.MaxWait
	if shift := min(attempts, 32); p.MinWait <= p.MaxWait>>shift {
		bound = p.MinWait << shift
	}
	return p.MinWait + rand.N(bound-p.MinWait+1) //nolint:gosec // spreads load, hides nothing
}

// isTemporary lists the statuses after which a repetition may succeed.
func isTemporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// mayHaveActed tells answers that leave open whether the request was carried
// out from those that say it was not.
func mayHaveActed(status int) bool {
	return status < http.StatusMultipleChoices || status == http.StatusRequestTimeout ||
		status >= http.StatusInternalServerError
}

// isDialError says that no connection came about, so that nothing was sent.
func isDialError(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") || errors.As(err, &dns)
}

// isPermanent says that the same request will fail in the same way.
func isPermanent(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.IsNotFound
	}
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
		record       tls.RecordHeaderError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &hostname) ||
		errors.As(err, &invalid) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// connTrace watches whether a connection was asked for and whether one was had.
type connTrace struct{ asked, got atomic.Bool }

func (t *connTrace) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.got.Store(true) },
	})
}

// unsent says that the transport asked for a connection and never had one.
func (t *connTrace) unsent() bool { return t.asked.Load() && !t.got.Load() }

// attemptTimeout is the error of an attempt that took too long.
type attemptTimeout time.Duration

func (t attemptTimeout) Error() string { return fmt.Sprintf("no answer within %s", time.Duration(t)) }
func (t attemptTimeout) Timeout() bool { return true }

// Is makes the error a deadline's, as net/http's own timeouts are.
func (t attemptTimeout) Is(target error) bool { return target == context.DeadlineExceeded }

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

// requestIDs are the headers in which servers and proxies name a request, the
// most specific first. The API documents none.
var requestIDs = []string{
	"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Trace-Id", "X-Amzn-Requestid", "X-Amzn-Trace-Id", "Cf-Ray", "X-Amz-Cf-Id",
}

// RequestID returns the server's name for a request, empty if it gave none.
func RequestID(header http.Header) string {
	for _, name := range requestIDs {
		if id := header.Get(name); id != "" {
			return id
		}
	}
	return ""
}
