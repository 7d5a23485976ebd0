package transport

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/apono-go/apono/internal/apitest/script"
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

// Middleware may change the URL of a request.
func TestTokenIsSentToOriginOnly(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://apono.test/base/x":   "Bearer " + testToken,
		"https://apono.test/":         "Bearer " + testToken,
		"http://apono.test/base":      "",
		"https://apono.test:8443/":    "",
		"https://apono.test.evil.io/": "",
		"https://elsewhere.test/":     "",
	} {
		req, err := http.NewRequestWithContext(withToken(t.Context(), testToken), http.MethodGet, address, nil)
		require.NoError(t, err)
		assert.Equal(t, want, signed(t, req).Get("Authorization"), address)
	}
}

// Middleware may keep the request. The token must not be added to it.
func TestAuthorizerDoesNotChangeRequest(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]http.Header{
		"none": nil, "some": {"Accept": {"application/json"}}, "another authorization": {"Authorization": {"Basic x"}},
	} {
		req, err := http.NewRequestWithContext(withToken(t.Context(), testToken), http.MethodGet, "https://apono.test/", nil)
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

// Middleware may read the request after the response.
func TestMiddlewareDoesNotSeeToken(t *testing.T) {
	t.Parallel()
	var before, after http.Header
	transport := newTransport(t, script.New(t, script.Response{}), func(config *Config) {
		config.Middleware = []func(http.RoundTripper) http.RoundTripper{func(next http.RoundTripper) http.RoundTripper {
			return roundTripFunc(func(req *http.Request) (*http.Response, error) {
				before = req.Header.Clone()
				resp, err := next.RoundTrip(req)
				after = req.Header
				return resp, err
			})
		}}
	})
	_, err := send(t, transport, reading)
	require.NoError(t, err)
	assert.NotContains(t, before, "Authorization")
	assert.Equal(t, before, after)
}

// Tracing middleware may print contexts.
func TestContextPrintsWithoutToken(t *testing.T) {
	t.Parallel()
	ctx := withToken(t.Context(), testToken)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		text := fmt.Sprintf(verb, ctx)
		assert.NotContains(t, text, testToken)
		assert.NotContains(t, text, fmt.Sprintf("%x", testToken))
	}
}
