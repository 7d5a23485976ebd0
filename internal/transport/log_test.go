package transport

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func logInto(b *bytes.Buffer) func(*Config) {
	handler := slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
		if attr.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return attr
	}})
	return func(config *Config) { config.Logger = slog.New(handler) }
}

// Dashboards depend on these names and levels.
func TestRecord(t *testing.T) {
	t.Parallel()
	const call = ` msg="apono request" operation=Do method=POST path=/api/v9/things attempt=`
	for _, tc := range []struct {
		name      string
		responses []script.Response
		want      []string
	}{
		{"success", []script.Response{{Delay: time.Second, Header: map[string]string{"Request-Id": "r-1"}}}, []string{
			"level=DEBUG" + call + "1 wait=0s duration=1s status=200 request_id=r-1",
		}},
		{"rejection", []script.Response{{Status: 404}}, []string{"level=WARN" + call + "1 wait=0s duration=0s status=404"}},
		{"redirect", []script.Response{{Status: 307}}, []string{"level=WARN" + call + "1 wait=0s duration=0s status=307"}},
		{"failure", []script.Response{{Status: 500}}, []string{"level=ERROR" + call + "1 wait=0s duration=0s status=500"}},
		{"no response", []script.Response{{Err: errReset}}, []string{
			"level=ERROR" + call + `1 wait=0s duration=0s error="connection reset by peer"`,
		}},
		{"body cut", []script.Response{{Body: "{", BodyErr: io.ErrUnexpectedEOF}}, []string{
			"level=ERROR" + call + `1 wait=0s duration=0s status=200 error="unexpected EOF"`,
		}},
		{"retries", []script.Response{{Status: 429, Header: map[string]string{"Retry-After": "7"}}, {Status: 429}, {}}, []string{
			"level=WARN" + call + "1 wait=0s duration=0s status=429",
			"level=WARN" + call + "2 wait=7s duration=0s status=429",
			"level=DEBUG" + call + "3 wait=1s duration=0s status=200",
		}},
		{"echoed token", []script.Response{{Header: map[string]string{"X-Request-Id": "r-" + testToken}}}, []string{
			"level=DEBUG" + call + "1 wait=0s duration=0s status=200 request_id=r-[redacted]",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var records bytes.Buffer
				_, _ = send(t, newTransport(t, script.New(t, tc.responses...), logInto(&records)), creating)
				// Up to a fifth is added to a Retry-After.
				text := regexp.MustCompile(`wait=[78](\.\d+)?s`).ReplaceAllString(records.String(), "wait=7s")
				assert.Equal(t, tc.want, strings.Split(strings.TrimSpace(text), "\n"))
			})
		})
	}
}

// A record with level Error means that the call failed.
func TestOnlyLastFailureHasLevelError(t *testing.T) {
	t.Parallel()
	abandoned, cancel := context.WithCancelCause(t.Context())
	for _, tc := range []struct {
		name      string
		responses []script.Response
		want      string
	}{
		{"recovery", []script.Response{{Status: 503}, {Err: errReset}, {}}, "WARN WARN DEBUG"},
		{"failure", []script.Response{{Err: errReset}, {Status: 503}, {Status: 503}}, "WARN WARN ERROR"},
		{"rejection", []script.Response{{Status: 503}, {Status: 404}}, "WARN WARN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var records bytes.Buffer
				_, _ = send(t, newTransport(t, script.New(t, tc.responses...), logInto(&records)), reading)
				assert.Equal(t, tc.want, levels(records.String()))
			})
		})
	}
	var records bytes.Buffer
	next := roundTripFunc(func(*http.Request) (*http.Response, error) {
		cancel(ErrAbandoned)
		return nil, context.Canceled
	})
	_, err := newTransport(t, next, logInto(&records)).Send(abandoned, Request{Operation: reading, URL: "https://apono.test/"})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "DEBUG", levels(records.String()))
}

// levels returns the levels of the records.
func levels(records string) string {
	var all []string
	for line := range strings.Lines(records) {
		level, _, _ := strings.Cut(strings.TrimPrefix(line, "level="), " ")
		all = append(all, level)
	}
	return strings.Join(all, " ")
}

func TestNoRecordWithoutAttempt(t *testing.T) {
	t.Parallel()
	var records bytes.Buffer
	noToken := func(config *Config) { config.Token = func(context.Context) (string, error) { return "", errReset } }
	_, err := send(t, newTransport(t, script.New(t), logInto(&records), noToken), reading)
	require.ErrorIs(t, err, errReset)
	assert.Empty(t, records.String())
}

// RequestID prefers the most specific header.
func TestRequestID(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	assert.Empty(t, RequestID(header))
	for _, name := range []string{"Cf-Ray", "X-Amzn-Trace-Id", "X-Correlation-Id", "Request-Id", "X-Request-Id"} {
		header.Set(name, "from "+name)
		assert.Equal(t, "from "+name, RequestID(header))
	}
}
