package apono_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// Configuration errors are returned by NewClient and do not contain the token.
func TestInvalidConfigurationIsArgumentError(t *testing.T) {
	t.Parallel()
	policy := func(policy apono.RetryPolicy) []apono.Option {
		return []apono.Option{apono.WithRetryPolicy(policy)}
	}
	baseURL := func(text string) []apono.Option { return []apono.Option{apono.WithBaseURL(text)} }
	for _, tc := range []struct {
		name, token string
		opts        []apono.Option
		arg, reason string
	}{
		{"empty token", "", nil, "token", "must not be empty"},
		{"token with a line break", "hidden-1\n", nil, "token", "must not begin or end with white space"},
		{"token with a leading space", " hidden-1", nil, "token", "must not begin or end with white space"},
		{"token with a space", "hidden 1", nil, "token", "printable ASCII"},
		{"token with a line break inside", "hidden\r\nX-Admin: 1", nil, "token", "printable ASCII"},
		{"token with a tab", "hidden\t1", nil, "token", "printable ASCII"},
		{"token with a zero byte", "hidden\x001", nil, "token", "printable ASCII"},
		{"token that is not ASCII", "hiddén-1", nil, "token", "printable ASCII"},
		{"token with Bearer", "Bearer hidden-1", nil, "token", "must not start with Bearer"},
		{"token with bearer", "bearer hidden-1", nil, "token", "must not start with Bearer"},

		{"http base URL", "good", baseURL("http://api.apono.io"), "baseURL", "https://"},
		{"http base URL with a prefix like loopback", "good", baseURL("http://localhost.apono.test"), "baseURL", "https://"},
		{"http base URL of a private address", "good", baseURL("http://10.0.0.1"), "baseURL", "https://"},
		{"base URL with another scheme", "good", baseURL("ftp://localhost"), "baseURL", "https://"},
		{"base URL with a query", "good", baseURL("https://apono.test/?region=eu"), "baseURL", "query"},
		{"base URL with an empty query", "good", baseURL("https://apono.test/?"), "baseURL", "query"},
		{"base URL with a fragment", "good", baseURL("https://apono.test/#top"), "baseURL", "fragment"},
		{"base URL with an empty fragment", "good", baseURL("https://apono.test/#"), "baseURL", "fragment"},
		{"base URL with a user", "good", baseURL("https://hidden@apono.test"), "baseURL", "user"},
		{"base URL with a password", "good", baseURL("https://admin:hidden@apono.test"), "baseURL", "user"},
		{"base URL with a two-dot segment", "good", baseURL("https://apono.test/gw/../x"), "baseURL", "segments"},
		{"base URL that ends in two dots", "good", baseURL("https://apono.test/gw/.."), "baseURL", "segments"},
		{"base URL with a one-dot segment", "good", baseURL("https://apono.test/./gw"), "baseURL", "segments"},
		{"base URL with escaped dots", "good", baseURL("https://apono.test/gw/%2e%2E/x"), "baseURL", "segments"},
		{"base URL with dots between escaped slashes", "good", baseURL("https://apono.test/gw%2F..%2Fx"), "baseURL", "segments"},
		{"base URL without a scheme", "good", baseURL("api.apono.io"), "baseURL", "must have a host"},
		{"base URL without a host", "good", baseURL("https:///api"), "baseURL", "must have a host"},
		{"base URL with only a port", "good", baseURL("https://:8443"), "baseURL", "must have a host"},
		{"base URL that is opaque", "good", baseURL("https:api.apono.io"), "baseURL", "must have a host"},
		{"base URL that is a path", "good", baseURL("/api"), "baseURL", "must have a host"},
		{"base URL that is empty", "good", baseURL(""), "baseURL", "must have a host"},
		{"base URL that is not a URL", "good", baseURL("https://[::1"), "baseURL", "must be a URL"},

		{"nil option", "good", []apono.Option{nil}, "opts[2]", "nil"},
		{"nil HTTP client", "good", []apono.Option{apono.WithHTTPClient(nil)}, "client", "nil"},
		{"nil logger", "good", []apono.Option{apono.WithLogger(nil)}, "logger", "nil"},
		{"logger without a handler", "good", []apono.Option{apono.WithLogger(&slog.Logger{})}, "logger", "handler"},
		{"nil middleware", "good", []apono.Option{apono.WithMiddleware(nil)}, "middleware", "nil"},
		{
			"middleware that returns nil", "good",
			[]apono.Option{apono.WithMiddleware(func(http.RoundTripper) http.RoundTripper { return nil })}, "middleware", "returned nil",
		},
		{"nil limiter", "good", []apono.Option{apono.WithLimiter(nil)}, "limiter", "nil"},
		{"nil token source", "good", []apono.Option{apono.WithTokenSource(nil)}, "source", "nil"},
		{"empty product", "good", []apono.Option{apono.WithUserAgent("")}, "product", "printable ASCII"},
		{"blank product", "good", []apono.Option{apono.WithUserAgent("  ")}, "product", "printable ASCII"},
		{"product with a line break", "good", []apono.Option{apono.WithUserAgent("tool/1\r\nX-Admin: 1")}, "product", "printable ASCII"},
		{"product that is not ASCII", "good", []apono.Option{apono.WithUserAgent("wérkzeug/1")}, "product", "printable ASCII"},
		{"token beside a token source", "good", []apono.Option{apono.WithTokenSource(func(context.Context) (string, error) { return "other", nil })}, "token", "must be empty with WithTokenSource"},
		{"negative attempt timeout", "good", []apono.Option{apono.WithAttemptTimeout(-1)}, "timeout", "24 hours"},
		{"attempt timeout above a day", "good", []apono.Option{apono.WithAttemptTimeout(24*time.Hour + 1)}, "timeout", "24 hours"},
		{"zero response bytes", "good", []apono.Option{apono.WithMaxResponseBytes(0)}, "limit", "positive"},
		{"negative response bytes", "good", []apono.Option{apono.WithMaxResponseBytes(-1)}, "limit", "positive"},

		{"negative attempts", "good", policy(apono.RetryPolicy{MaxAttempts: -1}), "policy.MaxAttempts", "at least 1"},
		{"negative MinWait", "good", policy(apono.RetryPolicy{MinWait: -1}), "policy.MinWait", "negative"},
		{"negative MaxWait", "good", policy(apono.RetryPolicy{MaxWait: -1}), "policy.MinWait", "MaxWait"},
		{"MinWait above MaxWait", "good", policy(apono.RetryPolicy{MinWait: 2, MaxWait: 1}), "policy.MinWait", "MaxWait"},
		{"MinWait above a day", "good", policy(apono.RetryPolicy{MinWait: 24*time.Hour + 1}), "policy", "24 hours"},
		{"MaxRetryAfter above a day", "good", policy(apono.RetryPolicy{MaxRetryAfter: 24*time.Hour + 1}), "policy", "24 hours"},
		{"negative MaxRetryAfter", "good", policy(apono.RetryPolicy{MaxRetryAfter: -1}), "policy.MaxRetryAfter", "negative"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			opts := []apono.Option{apono.WithBaseURL(apitest.BaseURL), apono.WithHTTPClient(apitest.NoRequest(t).Client())}
			client, err := apono.NewClient(tc.token, append(opts, tc.opts...)...)
			require.Nil(t, client)
			rejected := apitest.ErrorAs[*apono.ArgumentError](t, err)
			require.Equal(t, tc.arg, rejected.Arg)
			require.Contains(t, rejected.Reason, tc.reason)
			require.NotContains(t, apitest.Printed(err), "hidd")
		})
	}
}

// A path is a prefix for gateways. A trailing /api must not be duplicated.
func TestBaseURL(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://apono.test":               "https://apono.test/api/admin/v4/integrations/i-1",
		"https://apono.test/":              "https://apono.test/api/admin/v4/integrations/i-1",
		"https://apono.test/api":           "https://apono.test/api/admin/v4/integrations/i-1",
		"https://apono.test/api/":          "https://apono.test/api/admin/v4/integrations/i-1",
		"https://apono.test/gateway/eu":    "https://apono.test/gateway/eu/api/admin/v4/integrations/i-1",
		"https://apono.test/gateway/eu/":   "https://apono.test/gateway/eu/api/admin/v4/integrations/i-1",
		"https://apono.test/gateway/api":   "https://apono.test/gateway/api/admin/v4/integrations/i-1",
		"https://apono.test/my%20gateway":  "https://apono.test/my%20gateway/api/admin/v4/integrations/i-1",
		"https://apono.test/a%2Fb":         "https://apono.test/a%2Fb/api/admin/v4/integrations/i-1",
		"https://apono.test/a%2fb/api/":    "https://apono.test/a%2fb/api/admin/v4/integrations/i-1",
		"https://apono.test/a%2Fapi":       "https://apono.test/a%2Fapi/api/admin/v4/integrations/i-1",
		"https://apono.test/a%3Bb;v=1,2":   "https://apono.test/a%3Bb;v=1,2/api/admin/v4/integrations/i-1",
		"https://apono.test/..gw/x..":      "https://apono.test/..gw/x../api/admin/v4/integrations/i-1",
		"https://apono.test/grapi":         "https://apono.test/grapi/api/admin/v4/integrations/i-1",
		"HTTPS://apono.test:8443":          "https://apono.test:8443/api/admin/v4/integrations/i-1",
		"https://apono.test:":              "https://apono.test/api/admin/v4/integrations/i-1",
		" https://apono.test\n":            "https://apono.test/api/admin/v4/integrations/i-1",
		"http://localhost:8080":            "http://localhost:8080/api/admin/v4/integrations/i-1",
		"http://127.0.0.1:8080":            "http://127.0.0.1:8080/api/admin/v4/integrations/i-1",
		"http://127.1.2.3":                 "http://127.1.2.3/api/admin/v4/integrations/i-1",
		"http://[::1]:8080/my/fake/server": "http://[::1]:8080/my/fake/server/api/admin/v4/integrations/i-1",
	} {
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: apitest.OneIntegration})
			require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithBaseURL(base))))
			require.Equal(t, want, fake.Requests()[0].URL)
			require.Equal(t, "Bearer "+apitest.Token, fake.Requests()[0].Header.Get("Authorization"))
		})
	}
}

func TestDefaultBaseURL(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.OneIntegration})
	client, err := apono.NewClient(apitest.Token, apono.WithHTTPClient(fake.Client()))
	require.NoError(t, err)
	require.NoError(t, apitest.GetIntegration(t.Context(), client))
	require.Equal(t, "https://api.apono.io/api/admin/v4/integrations/i-1", fake.Requests()[0].URL)
}

// Not parallel: t.Setenv changes the environment of the whole process.
func TestNewClientFromEnv(t *testing.T) {
	source := apono.WithTokenSource(func(context.Context) (string, error) { return "from-source", nil })
	for _, tc := range []struct {
		name                      string
		token, personal, endpoint string
		opts                      []apono.Option
		// wantArg is the variable that the error names, empty for success.
		wantToken, wantURL, wantArg string
	}{
		{"token", "one", "", "", nil, "one", "https://api.apono.io", ""},
		{"personal token", "", "two", "", nil, "two", "https://api.apono.io", ""},
		{"both tokens", "one", "two", "", nil, "one", "https://api.apono.io", ""},
		{"endpoint", "one", "", "https://eu.apono.test", nil, "one", "https://eu.apono.test", ""},
		{"option before endpoint", "one", "", "https://eu.apono.test", []apono.Option{apono.WithBaseURL(apitest.BaseURL)}, "one", apitest.BaseURL, ""},
		{"option before token", "one", "", "", []apono.Option{source}, "from-source", "https://api.apono.io", ""},
		{"option without token", "", "", "", []apono.Option{source}, "from-source", "https://api.apono.io", ""},
		{"nothing", "", "", "", nil, "", "", "APONO_TOKEN"},
		{"bad token", "hidden 1", "two", "", nil, "", "", "APONO_TOKEN"},
		{"bad personal token", "", "hidden-1\n", "", nil, "", "", "APONO_PERSONAL_TOKEN"},
		{"bad endpoint", "one", "", "http://hidden.apono.test", nil, "", "", "APONO_ENDPOINT"},
		{"endpoint that is not a URL", "one", "", "%hidden", nil, "", "", "APONO_ENDPOINT"},
	} {
		// Not parallel for the same reason.
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("APONO_TOKEN", tc.token)
			t.Setenv("APONO_PERSONAL_TOKEN", tc.personal)
			t.Setenv("APONO_ENDPOINT", tc.endpoint)
			if tc.wantArg != "" {
				_, err := apono.NewClientFromEnv(append(tc.opts, apono.WithHTTPClient(apitest.NoRequest(t).Client()))...)
				require.Equal(t, tc.wantArg, apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
				require.NotContains(t, apitest.Printed(err), "hidden")
				return
			}
			fake := script.New(t, script.Response{Body: apitest.OneIntegration})
			client, err := apono.NewClientFromEnv(append(tc.opts, apono.WithHTTPClient(fake.Client()))...)
			require.NoError(t, err)
			require.NoError(t, apitest.GetIntegration(t.Context(), client))
			require.Equal(t, tc.wantURL+"/api/admin/v4/integrations/i-1", fake.Requests()[0].URL)
			require.Equal(t, "Bearer "+tc.wantToken, fake.Requests()[0].Header.Get("Authorization"))
		})
	}
}

// Not parallel: t.Setenv changes the environment of the whole process.
func TestNewClientReadsNoEnvironment(t *testing.T) {
	t.Setenv("APONO_TOKEN", "from-env")
	t.Setenv("APONO_ENDPOINT", "https://from-env.apono.test")
	fake := script.New(t, script.Response{Body: apitest.OneIntegration})
	client, err := apono.NewClient(apitest.Token, apono.WithHTTPClient(fake.Client()))
	require.NoError(t, err)
	require.NoError(t, apitest.GetIntegration(t.Context(), client))
	require.Equal(t, "https://api.apono.io/api/admin/v4/integrations/i-1", fake.Requests()[0].URL)
	require.Equal(t, "Bearer "+apitest.Token, fake.Requests()[0].Header.Get("Authorization"))
}

// Every attempt uses the caller's client, which must keep its redirect policy.
func TestHTTPClientIsUsedAndNotModified(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Response{Status: 503}, script.Response{Status: 429}, script.Response{Body: apitest.OneIntegration})
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		httpClient := &http.Client{Transport: fake, Jar: jar, Timeout: time.Minute}
		require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithHTTPClient(httpClient))))
		require.Len(t, fake.Requests(), 3)
		require.Equal(t, http.Client{Transport: fake, Jar: jar, Timeout: time.Minute}, *httpClient)
	})
}

// Each attempt sends the cookies of the jar once.
func TestCookieJarIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set := map[string]string{"Set-Cookie": "node=7"}
		fake := script.New(t, script.Response{Status: 503, Header: set}, script.Response{Status: 503, Header: set}, script.Response{Body: apitest.OneIntegration})
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithHTTPClient(&http.Client{Transport: fake, Jar: jar}))))
		for i, want := range [][]string{nil, {"node=7"}, {"node=7"}} {
			require.Equal(t, want, fake.Requests()[i].Header["Cookie"])
		}
	})
}

func TestDefaultsOfNetHTTPAreNotModified(t *testing.T) {
	t.Parallel()
	client, err := apono.NewClient(apitest.Token, apono.WithReadAhead())
	require.NoError(t, err)
	client.CloseIdleConnections()
	transport, ok := http.DefaultTransport.(*http.Transport)
	require.True(t, ok, "http.DefaultTransport must not change")
	require.Zero(t, transport.MaxIdleConnsPerHost)
	require.Nil(t, http.DefaultClient.Transport, "http.DefaultClient must not change")
	require.Nil(t, http.DefaultClient.CheckRedirect, "http.DefaultClient must not change")
}

// A test may replace http.DefaultTransport after other clients were made. Without it, the
// real API would be called.
//
// Not parallel: it replaces http.DefaultTransport.
func TestClientUsesReplacedDefaultTransport(t *testing.T) { //nolint:paralleltest // see above
	standard := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = standard })
	get := func() error {
		client, err := apono.NewClient(apitest.Token, apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 1}))
		require.NoError(t, err)
		return apitest.GetIntegration(t.Context(), client)
	}
	for _, text := range []string{"first replacement", "second replacement"} {
		replaced := errors.New(text)
		http.DefaultTransport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, replaced }}
		require.ErrorIs(t, get(), replaced)
	}
	fake := script.New(t, script.Response{Body: apitest.OneIntegration})
	http.DefaultTransport = fake
	require.NoError(t, get())
	require.Len(t, fake.Requests(), 1)
}

// Clients are often printed by accident, as part of another struct.
func TestClientPrintsWithoutTheToken(t *testing.T) {
	t.Parallel()
	source := apono.WithTokenSource(func(context.Context) (string, error) { return apitest.Token, nil })
	for name, opts := range map[string][]apono.Option{"static token": nil, "token source": {source}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Status: 500}, script.Response{Body: apitest.OneIntegration})
			once := apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 1})
			client := apitest.NewClient(t, fake, append(opts, once)...)
			apitest.IsAPIError(t, apitest.GetIntegration(t.Context(), client), 500, 1)
			require.NoError(t, apitest.GetIntegration(t.Context(), client))

			require.Equal(t, "apono.Client(https://apono.test/base)", fmt.Sprint(client))
			for _, value := range []any{client, *client, client.Integrations, *client.Integrations, struct{ C *apono.Client }{client}} {
				text := apitest.Printed(value)
				require.NotContains(t, text, apitest.Token)
				require.NotContains(t, text, fmt.Sprintf("%x", apitest.Token))
			}
			var all strings.Builder
			apitest.PrintReachable(reflect.ValueOf(client), map[uintptr]bool{}, &all)
			require.Contains(t, all.String(), "AttemptTimeout") // the walk reached the transport
			require.NotContains(t, all.String(), apitest.Token)
		})
	}
}

// Not parallel: it replaces os.Stderr and the output of the standard logger.
func TestNothingIsWrittenToStderrOrTheStandardLogger(t *testing.T) { //nolint:paralleltest // see above
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	stderr := os.Stderr
	os.Stderr = writer
	log.SetOutput(writer)
	restore := func() {
		os.Stderr = stderr
		log.SetOutput(stderr)
	}
	t.Cleanup(restore)

	synctest.Test(t, func(t *testing.T) {
		responses := []script.Response{
			{Status: 503}, {Err: apitest.ErrReset}, {Body: "{", BodyErr: io.ErrUnexpectedEOF}, // for one call
			{Status: 429, Header: map[string]string{"Retry-After": "soon"}}, {Body: apitest.OneIntegration},
			{Status: 301, Header: map[string]string{"Location": "https://[::1"}},
			{Status: 401}, {Body: "<html>"}, {Body: apitest.OneIntegration},
		}
		client := apitest.NewClient(t, script.New(t, responses...))
		for range 6 {
			_ = apitest.GetIntegration(t.Context(), client)
		}
		both := apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: http.NoBody, Request: req}, apitest.ErrReset
		})
		_ = apitest.GetIntegration(t.Context(), apitest.NewClient(t, apitest.NoRequest(t), apono.WithHTTPClient(&http.Client{Transport: both})))
	})

	restore()
	require.NoError(t, writer.Close())
	written, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Empty(t, string(written))
}

// A program may create a client for each of its users.
func TestClientsShareConnections(t *testing.T) { //nolint:paralleltest // CloseIdleConnections closes those of other tests
	var connections, closed atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, apitest.OneIntegration)
	}))
	done := make(chan struct{}, 100)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			connections.Add(1)
		case http.StateClosed:
			closed.Add(1)
			done <- struct{}{}
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	goroutines := runtime.NumGoroutine()
	var client *apono.Client
	for i := range 50 {
		var err error
		client, err = apono.NewClient(fmt.Sprintf("token-of-user-%d", i), apono.WithBaseURL(server.URL))
		require.NoError(t, err)
		require.NoError(t, apitest.GetIntegration(t.Context(), client))
	}
	require.EqualValues(t, 1, connections.Load())
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+10)
	require.Zero(t, closed.Load())
	client.CloseIdleConnections()
	<-done
	require.EqualValues(t, 1, closed.Load())
}

func TestTokenSourceReceivesContextOfCall(t *testing.T) {
	t.Parallel()
	type userKey struct{}
	fake := script.New(t, script.Response{Body: apitest.OneIntegration}, script.Response{Body: apitest.OneIntegration})
	client := apitest.NewClient(t, fake, apono.WithTokenSource(func(ctx context.Context) (string, error) {
		return "token-of-" + ctx.Value(userKey{}).(string), nil
	}))
	for _, user := range []string{"ann", "bob"} {
		require.NoError(t, apitest.GetIntegration(context.WithValue(t.Context(), userKey{}, user), client))
	}
	require.Equal(t, "Bearer token-of-ann, Bearer token-of-bob", apitest.Authorizations(fake))
}
