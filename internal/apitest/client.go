package apitest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

const (
	// Token is the token of clients from [NewClient].
	Token = "test-token-8f3a"
	// BaseURL has a path, so that tests detect requests without it.
	BaseURL = "https://apono.test/base"
)

// NewClient returns a client whose requests go to the scripted transport.
func NewClient(t *testing.T, fake *script.Transport, opts ...apono.Option) *apono.Client {
	t.Helper()
	opts = append([]apono.Option{apono.WithBaseURL(BaseURL), apono.WithHTTPClient(fake.Client())}, opts...)
	client, err := apono.NewClient(Token, opts...)
	if invalid, ok := errors.AsType[*apono.ArgumentError](err); ok && invalid.Arg == "token" {
		client, err = apono.NewClient("", opts...) // with WithTokenSource
	}
	require.NoError(t, err)
	return client
}

// Sent fails the test unless the request has the method, the path below the base,
// the query, the JSON body (empty for none) and the usual headers.
func Sent(t *testing.T, req script.Request, method, path, query, body string) {
	t.Helper()
	require.Equal(t, method, req.Method)
	require.Equal(t, "/base"+path, req.Path)
	require.Equal(t, query, req.Query)
	require.Equal(t, "Bearer "+Token, req.Header.Get("Authorization"))
	require.Equal(t, "application/json", req.Header.Get("Accept"))
	require.Equal(t, body != "", req.HasBody)
	if body != "" {
		require.Equal(t, "application/json", req.Header.Get("Content-Type"))
		JSONEq(t, body, req.Body)
	} else {
		require.Empty(t, req.Header.Get("Content-Type"))
	}
}

// Tagged fails the test unless every exported field of the types has a unique tag.
func Tagged(t *testing.T, tag string, types ...reflect.Type) {
	t.Helper()
	for _, typ := range types {
		seen := map[string]bool{"": true}
		for i := range typ.NumField() {
			field := typ.Field(i)
			if field.Name == "Extra" {
				require.Equal(t, `json:",embed,inline"`, string(field.Tag))
				continue
			}
			name, _, _ := strings.Cut(field.Tag.Get(tag), ",")
			require.Truef(t, !field.IsExported() || !seen[name], "missing or duplicate %s tag on %s.%s: %q", tag, typ, field.Name, name)
			seen[name] = true
		}
	}
}

// NoRequest returns a transport that fails the test if a request is sent.
func NoRequest(t *testing.T) *script.Transport { return script.New(t) }

// ErrReset is the error of a connection that the server resets. It is temporary, as
// syscall.ECONNRESET is, also if middleware returns it.
var ErrReset error = resetError{}

type resetError struct{}

func (resetError) Error() string   { return "connection reset by peer" }
func (resetError) Temporary() bool { return true }

// Fixture reads a file below testdata.
func Fixture(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(Path("testdata/" + name))
	require.NoError(t, err)
	return string(data)
}

// RoundTripFunc is a function that implements http.RoundTripper.
type RoundTripFunc func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (f RoundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Quickly sets waits of 1 ns between attempts, for tests without fake time.
var Quickly = apono.WithRetryPolicy(apono.RetryPolicy{MinWait: time.Nanosecond, MaxWait: time.Nanosecond})

// OneIntegration is an integration with the fields that the API document requires.
const OneIntegration = `{"id":"i-1","name":"prod","type":"postgresql","category":"RESOURCES","status":"ACTIVE","integration_config":{}}`

// AnyObject has what identifies an object of any type, for tests of what is sent.
const AnyObject = `{"id":"x","request_id":"x","identity_id":"x","type":"x","message":"x","details":"x"}`

// WithID adds an id to a JSON object without one.
func WithID(object string) string {
	rest := strings.TrimPrefix(strings.TrimSpace(object), "{")
	switch {
	case strings.Contains(object, `"id"`):
		return object
	case strings.TrimSpace(rest) == "}":
		return `{"id":"x"}`
	}
	return `{"id":"x",` + rest
}

// CallWith makes a call with the HTTP method. The call succeeds with OneIntegration
// as the response.
func CallWith(ctx context.Context, method string, c *apono.Client) error {
	switch method {
	case http.MethodGet:
		_, err := c.Integrations.Get(ctx, "i-1")
		return err
	case http.MethodPut:
		_, err := c.Integrations.Update(ctx, "i-1", apono.UpdateIntegrationInput{Name: "prod"})
		return err
	case http.MethodDelete:
		return c.Integrations.Delete(ctx, "i-1")
	case http.MethodPost:
		_, err := c.Integrations.Create(ctx, apono.CreateIntegrationInput{Name: "prod", Type: "postgresql"})
		return err
	default:
		return c.Do(ctx, method, "/api/v1/access-flows/f-1", nil, map[string]any{"active": true}, new(map[string]any))
	}
}

// GetIntegration is CallWith for GET.
func GetIntegration(ctx context.Context, c *apono.Client) error {
	return CallWith(ctx, http.MethodGet, c)
}

// Waits returns the durations between the requests.
func Waits(fake *script.Transport) []time.Duration {
	var all []time.Duration
	requests := fake.Requests()
	for i := 1; i < len(requests); i++ {
		all = append(all, requests[i].At.Sub(requests[i-1].At))
	}
	return all
}

// IsRetryAfter fails the test unless a wait is that of a Retry-After header, with up to a
// fifth more.
func IsRetryAfter(t *testing.T, want, got time.Duration) {
	t.Helper()
	require.GreaterOrEqual(t, got, want)
	require.LessOrEqual(t, got, want+want/5)
}

// IsAPIError fails the test unless the error is an APIError that no TransportError
// wraps.
func IsAPIError(t *testing.T, err error, status, attempts int) {
	t.Helper()
	failure := ErrorAs[*apono.APIError](t, err)
	require.Equal(t, status, failure.StatusCode)
	require.Equal(t, attempts, failure.Attempts)
	require.NotErrorAs(t, err, new(*apono.TransportError))
}

var (
	// ErrConnectionRefused is the error of dialing a port without a listener.
	ErrConnectionRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	// ErrLookup is the error of dialing while the name server fails.
	ErrLookup = &net.DNSError{Err: "server misbehaving", Name: "apono.test", IsTemporary: true}
)

// Authorizations returns the Authorization headers that were sent.
func Authorizations(fake *script.Transport) string {
	var all []string
	for _, req := range fake.Requests() {
		all = append(all, req.Header.Get("Authorization"))
	}
	return strings.Join(all, ", ")
}
