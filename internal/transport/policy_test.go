package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var errNoHost = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "apono.test", IsNotFound: true}}

var errAlert = &net.OpError{Op: "remote error", Err: tls.AlertError(48)}

// The number of attempts, Retry-After and the deadline limit retries.
func TestDecideByPolicy(t *testing.T) {
	t.Parallel()
	down := outcome{attempts: 1, status: 503, left: time.Hour}
	policy := Policy{MaxAttempts: 3, MinWait: time.Second, MaxWait: 8 * time.Second, MaxRetryAfter: time.Minute}
	for _, tc := range []struct {
		name   string
		change func(o *outcome)
		retry  bool
		wait   time.Duration
		late   bool
	}{
		{"first attempt", func(*outcome) {}, true, time.Second, false},
		{"second attempt", func(o *outcome) { o.attempts = 2 }, true, time.Second, false},
		{"last attempt", func(o *outcome) { o.attempts = 3 }, false, 0, false},
		{"Retry-After", func(o *outcome) { o.retryAfter = 7 * time.Second }, true, 7 * time.Second, false},
		{"random part of Retry-After", func(o *outcome) { o.retryAfter, o.chance = 10*time.Second, 0.5 }, true, 11 * time.Second, false},
		{"random part before the deadline", func(o *outcome) { o.retryAfter, o.chance, o.left = 10*time.Second, 0.5, 11*time.Second }, true, 10500 * time.Millisecond, false},
		{"Retry-After less than MinWait", func(o *outcome) { o.retryAfter = time.Millisecond }, true, time.Millisecond, false},
		{"Retry-After equal to MaxRetryAfter", func(o *outcome) { o.retryAfter = time.Minute }, true, time.Minute, false},
		{"Retry-After greater than MaxRetryAfter", func(o *outcome) { o.retryAfter = time.Minute + 1 }, false, 0, false},
		{"wait until the deadline", func(o *outcome) { o.left = time.Second }, true, time.Second, false},
		{"wait longer than until the deadline", func(o *outcome) { o.left = time.Second - 1 }, false, 0, true},
		{"Retry-After longer than until the deadline", func(o *outcome) { o.left, o.retryAfter = 7*time.Second, 8*time.Second }, false, 0, true},
		{"random part", func(o *outcome) { o.chance = 0.5 }, true, 1500 * time.Millisecond, false},
		{"token rejected", func(o *outcome) { o.status, o.renewable = 401, true }, true, 0, false},
		{"token rejected on the last attempt", func(o *outcome) { o.status, o.renewable, o.attempts = 401, true, 3 }, true, 0, false},
		{"another status with a token source", func(o *outcome) { o.status, o.renewable = 403, true }, false, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := down
			tc.change(&o)
			retry, wait, late := decide(reading, o, policy)
			assert.Equal(t, tc.retry, retry)
			assert.Equal(t, tc.wait, wait)
			assert.Equal(t, tc.late, late)
		})
	}
	// A token is renewed for every operation, because a rejected request was not
	// carried out.
	for _, op := range []*operation.Operation{creating, consuming} {
		retry, wait, _ := decide(op, outcome{attempts: 1, status: 401, renewable: true}, policy)
		assert.True(t, retry)
		assert.Zero(t, wait)
	}
}

// The bound of the wait doubles without an overflow.
func TestBackoffOfManyAttempts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		policy   Policy
		attempts int
		most     time.Duration
	}{
		{Policy{MinWait: time.Second, MaxWait: 10 * time.Second}, math.MaxInt, 10 * time.Second},
		{Policy{MinWait: time.Second, MaxWait: 24 * time.Hour}, 62, 1 << 16 * time.Second},
		{Policy{MinWait: 24 * time.Hour, MaxWait: 24 * time.Hour}, math.MaxInt, 24 * time.Hour},
	} {
		assert.Equal(t, tc.policy.MinWait, tc.policy.backoff(tc.attempts, 0))
		most := tc.policy.backoff(tc.attempts, math.Nextafter(1, 0))
		assert.LessOrEqual(t, most, tc.most)
		assert.InEpsilon(t, float64(tc.most), float64(most), 1e-9)
	}
}

func TestPermanentErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		errNoHost, &tls.CertificateVerificationError{Err: errors.New("revoked")}, x509.UnknownAuthorityError{},
		x509.HostnameError{Certificate: &x509.Certificate{}, Host: "apono.test"}, x509.CertificateInvalidError{Reason: x509.Expired},
		tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, http.ErrSchemeMismatch,
		errAlert, &net.OpError{Op: "local error", Err: errors.New("tls: protocol version not supported")}, &ProxyError{Status: 403},
	} {
		assert.True(t, isPermanent(fmt.Errorf("wrapped: %w", err)), "%T", err)
	}
	for _, err := range []error{
		errReset, errDial, io.EOF, &TimeoutError{}, &net.DNSError{Err: "server misbehaving", IsTemporary: true},
		&net.OpError{Op: "dial", Err: &net.DNSError{Err: "i/o timeout", IsTimeout: true}}, &ProxyError{Status: 503},
		&net.OpError{Op: "remote error", Err: tls.AlertError(80)}, &net.OpError{Op: "read", Err: tls.AlertError(48)},
	} {
		assert.False(t, isPermanent(err), "%v", err)
	}
}

// After a dial error every operation can be retried.
func TestDialErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errDial, errNoHost, &net.OpError{Op: "proxyconnect", Err: errReset}, &net.DNSError{Err: "server misbehaving"},
		&ProxyError{Status: 503}, &net.OpError{Op: "socks connect", Err: errReset}} {
		assert.True(t, isDialError(fmt.Errorf("wrapped: %w", err)), "%v", err)
	}
	for _, err := range []error{errReset, io.EOF, &net.OpError{Op: "read", Err: errReset}, &net.OpError{Op: "write", Err: errReset}, &TimeoutError{}} {
		assert.False(t, isDialError(err), "%v", err)
	}
}

// The wait is not negative, and not shorter than the header asks for.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{
		"", "0", "7", " 7 ", "007", "-7", "+7", "7.5", "1e3", "0x7", "soon", "9223372036", "9223372037", "9223372036854775807", "18446744073709551615",
		"Sat, 01 Jan 2000 00:00:07 GMT", "Saturday, 01-Jan-00 00:00:07 GMT", "Sat Jan  1 00:00:07 2000", "Fri, 31 Dec 9999 23:59:59 GMT",
		"Mon, 01 Jan 0001 00:00:00 GMT", "٧",
	} {
		f.Add(value, "")
		f.Add(value, "Sat, 01 Jan 2000 00:00:00 GMT")
	}
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value, date string) {
		got := RetryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, now)
		assert.GreaterOrEqual(t, got, time.Duration(0))
		trimmed := strings.TrimSpace(value)
		if trimmed == "" || strings.Trim(trimmed, "0123456789") != "" {
			if _, err := http.ParseTime(trimmed); err != nil {
				assert.Zero(t, got)
			}
			return
		}
		seconds, _ := new(big.Int).SetString(trimmed, 10)
		if most := big.NewInt(9223372036); seconds.Cmp(most) > 0 {
			seconds = most
		}
		assert.Equal(t, seconds.Int64(), int64(got/time.Second))
	})
}

// A retry may succeed after these statuses, and no others.
func TestTemporaryStatus(t *testing.T) {
	t.Parallel()
	var got []int
	for status := range 1000 {
		if TemporaryStatus(status) {
			got = append(got, status)
		}
	}
	assert.Equal(t, []int{408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 528, 529, 530, 598, 599}, got)
}

// What a token source, limiter or middleware returns is final, unless it is a timeout
// or temporary by itself.
func TestFailedInCaller(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{errors.New("invalid_grant"), true},
		{&TimeoutError{}, false},
		{&net.DNSError{Err: "server misbehaving", IsTemporary: true}, false},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, false},
		{errDial, false},
		{&net.OpError{Op: "remote error", Err: tls.AlertError(42)}, true},
		{&url.Error{Op: "Post", URL: "https://login.test/", Err: x509.UnknownAuthorityError{}}, true},
	} {
		transport := newTransport(t, script.New(t), func(config *Config) {
			config.Token = func(context.Context) (string, error) { return "", tc.err }
		})
		_, err := send(t, transport, reading)
		assert.Equal(t, tc.want, FailedInCaller(err), tc.err.Error())
		transport = newTransport(t, script.New(t), func(config *Config) {
			config.Limiter = limiterFunc(func(context.Context) error { return tc.err })
		})
		_, err = send(t, transport, reading)
		assert.Equal(t, tc.want, FailedInCaller(err), tc.err.Error())
	}
	_, err := send(t, newTransport(t, script.New(t, script.Response{Err: errReset}, script.Response{Err: errReset}, script.Response{Err: errReset})), reading)
	require.Error(t, err)
	assert.False(t, FailedInCaller(err), "the network failed")
}
