package transport

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signed returns the header of the request that the authorizer sends.
func signed(t *testing.T, req *http.Request) http.Header {
	t.Helper()
	var got http.Header
	a := authorizer{origin: &url.URL{Scheme: "https", Host: "apono.test", Path: "/base"}, next: roundTripFunc(func(req *http.Request) (*http.Response, error) {
		got = req.Header
		return nil, errReset
	})}
	_, err := a.RoundTrip(req)
	require.ErrorIs(t, err, errReset)
	return got
}

func withAttempt(ctx context.Context) context.Context {
	return context.WithValue(ctx, attemptKey{}, &attempt{token: func() string { return testToken }})
}

// Middleware may keep the request. The token must not be added to it.
func TestAuthorizerDoesNotChangeRequest(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]http.Header{
		"none": nil, "some": {"Accept": {"application/json"}}, "another authorization": {"Authorization": {"Basic x"}},
	} {
		req, err := http.NewRequestWithContext(withAttempt(t.Context()), http.MethodGet, "https://apono.test/", nil)
		require.NoError(t, err)
		req.Header = header.Clone()
		assert.Equal(t, []string{"Bearer " + testToken}, signed(t, req)["Authorization"], name)
		assert.Equal(t, header, req.Header, name)
	}
}

// Middleware may send requests with another context. They get no token.
func TestRequestWithOtherContextGetsNoToken(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://apono.test/", nil)
	require.NoError(t, err)
	assert.NotContains(t, signed(t, req), "Authorization")
}

// Tracing middleware may print contexts.
func TestContextPrintsWithoutToken(t *testing.T) {
	t.Parallel()
	ctx := withAttempt(t.Context())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		text := fmt.Sprintf(verb, ctx)
		assert.NotContains(t, text, testToken)
		assert.NotContains(t, text, fmt.Sprintf("%x", testToken))
	}
}
