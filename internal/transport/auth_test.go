package transport

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signed is what the authorizer makes of a request.
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

// Middleware may send a request elsewhere. The token is for the API's address.
func TestTokenIsForTheOrigin(t *testing.T) {
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

// What middleware recorded or still holds must not get the token afterwards.
func TestAuthorizerLeavesTheRequestAsItWas(t *testing.T) {
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

// A request of the middleware's own has no token to get.
func TestRequestOfAnotherContextGetsNoToken(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://apono.test/", nil)
	require.NoError(t, err)
	assert.NotContains(t, signed(t, req), "Authorization")
}

// Tracing middleware likes to print contexts.
func TestContextPrintsWithoutTheToken(t *testing.T) {
	t.Parallel()
	ctx := withToken(t.Context(), testToken)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		text := fmt.Sprintf(verb, ctx)
		assert.NotContains(t, text, testToken)
		assert.NotContains(t, text, fmt.Sprintf("%x", testToken))
	}
}
