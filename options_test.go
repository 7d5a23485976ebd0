package apono_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noLimit is a limiter that never waits.
type noLimit struct{}

func (noLimit) Wait(context.Context) error { return nil }

// Creating a client needs no network.
func TestPairsOfOptions(t *testing.T) {
	t.Parallel()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	options := map[string]apono.Option{
		"base URL":     apono.WithBaseURL("https://apono.test/api"),
		"empty client": apono.WithHTTPClient(&http.Client{}),
		"full client":  apono.WithHTTPClient(&http.Client{Transport: http.DefaultTransport, Timeout: time.Minute, Jar: jar}),
		"token source": apono.WithTokenSource(func(context.Context) (string, error) { return apitest.Token, nil }),
		"user agent":   apono.WithUserAgent("inventory/1.4"),
		"no policy":    apono.WithRetryPolicy(apono.RetryPolicy{}),
		"policy":       apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 1, MinWait: 1, MaxWait: 1, MaxRetryAfter: 1}),
		"timeout":      apono.WithAttemptTimeout(time.Minute),
		"long timeout": apono.WithAttemptTimeout(24 * time.Hour),
		"small bodies": apono.WithMaxResponseBytes(1 << 10),
		"logger":       apono.WithLogger(slog.New(slog.DiscardHandler)),
		"middleware":   apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return next }),
		"limiter":      apono.WithLimiter(noLimit{}),
		"read-only":    apono.WithReadOnly(),
		"read-ahead":   apono.WithReadAhead(),
	}
	for name1, option1 := range options {
		for name2, option2 := range options {
			t.Run(name1+" and "+name2, func(t *testing.T) {
				t.Parallel()
				fake := script.New(t, script.Response{Body: apitest.OneIntegration})
				network := apitest.NoRequest(t)
				roundTrip := network.RoundTrip
				middleware := apono.WithMiddleware(func(http.RoundTripper) http.RoundTripper {
					return apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) { return roundTrip(req) })
				})
				token := apitest.Token
				if slices.Contains([]string{name1, name2}, "token source") {
					token = ""
				}
				client, err := apono.NewClient(token, option1, option2, middleware)
				require.NoError(t, err)
				roundTrip = fake.RoundTrip
				integration, err := client.Integrations.Get(t.Context(), "i-1")
				require.NoError(t, err)
				require.Equal(t, "prod", integration.Name)
				client.CloseIdleConnections()
			})
		}
	}
}

// Programs share a slice of options between clients.
func TestOptionsMayBeShared(t *testing.T) {
	t.Parallel()
	opts := []apono.Option{
		apono.WithBaseURL(apitest.BaseURL), apono.WithHTTPClient(apitest.NoRequest(t).Client()), apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 2}),
		apono.WithUserAgent("inventory/1.4"), apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return next }),
		apono.WithTokenSource(func(context.Context) (string, error) { return apitest.Token, nil }), apono.WithAttemptTimeout(time.Minute),
		apono.WithMaxResponseBytes(1 << 20), apono.WithLimiter(noLimit{}), apono.WithReadOnly(), apono.WithReadAhead(),
	}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			_, err := apono.NewClient("", opts...)
			assert.NoError(t, err)
		})
	}
	group.Wait()
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.OneIntegration})
	client := apitest.NewClient(t, fake, apono.WithUserAgent("inventory/1.4"), apono.WithUserAgent("nightly (batch)"))
	require.NoError(t, apitest.GetIntegration(t.Context(), client))
	got := fake.Requests()[0].Header.Get("User-Agent")
	want := regexp.MustCompile(`^apono-go/\d+\.\d+\.\d+ \(go[^;()]+; [a-z0-9]+/[a-z0-9]+\) inventory/1\.4 nightly \(batch\)$`)
	require.Regexpf(t, want, got, "expected it to match %s", want)
}

func TestReadOnlyRejectsServiceMethods(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, apitest.CallWith(t.Context(), method, apitest.NewClient(t, apitest.NoRequest(t), apono.WithReadOnly())), apono.ErrReadOnly)
		})
	}
}

// limiter waits for a fixed time and fails at the call failAt.
type limiter struct {
	calls, failAt int
	wait          time.Duration
}

var errLimit = errors.New("budget used up")

func (l *limiter) Wait(ctx context.Context) error {
	l.calls++
	if l.calls == l.failAt {
		return errLimit
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(l.wait):
		return nil
	}
}

// Retries wait for the limiter, too. Its wait does not count towards the attempt timeout.
func TestEveryAttemptWaitsForLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limit := &limiter{wait: time.Hour}
		fake := script.New(t, script.Response{Status: 429}, script.Response{Status: 503}, script.Response{Body: apitest.OneIntegration})
		started := time.Now()
		require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithLimiter(limit))))
		require.Equal(t, 3, limit.calls)
		require.Equal(t, time.Hour, fake.Requests()[0].At.Sub(started))
		for _, wait := range apitest.Waits(fake) {
			require.Greater(t, wait, time.Hour, "the attempt must start after the wait of the limiter")
		}
	})
}

func TestErrorOfLimiterEndsCall(t *testing.T) {
	t.Parallel()
	for failAt, responses := range map[int][]script.Response{1: nil, 2: {{Status: 503}}} {
		t.Run(fmt.Sprintf("before attempt %d", failAt), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, responses...)
				err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithLimiter(&limiter{failAt: failAt})))
				require.ErrorIs(t, err, errLimit)
				require.ErrorContains(t, err, "waiting for the limiter: "+errLimit.Error())
				failure := apitest.ErrorAs[*apono.TransportError](t, err)
				require.Equal(t, len(responses), failure.Attempts)
				require.Equal(t, len(responses) > 0, failure.Last != nil)
			})
		})
	}
}

// tap is middleware that calls see with each request.
func tap(see func(req *http.Request)) apono.Option {
	return apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
			see(req)
			return next.RoundTrip(req)
		})
	})
}

// Middleware that records requests must not record the token, even if it reads them
// after the response. It may hold counters, so it is called once for all attempts.
func TestMiddlewareReceivesEveryAttemptWithoutToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var built, order []string
		see := func(req *http.Request) {
			assert.Nil(t, req.Header["Authorization"])
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v %v", req, req, req, req.Context()), apitest.Token)
		}
		named := func(name string) apono.Option {
			return apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
				built = append(built, name)
				return apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
					order = append(order, name)
					see(req)
					defer see(req)
					return next.RoundTrip(req)
				})
			})
		}
		fake := script.New(t, script.Response{Status: 503}, script.Response{Body: apitest.OneIntegration}, script.Response{Body: apitest.OneIntegration})
		client := apitest.NewClient(t, fake, named("first"), named("last"))
		for range 2 {
			require.NoError(t, apitest.GetIntegration(t.Context(), client))
		}
		require.Equal(t, []string{"first", "last"}, built)
		require.Equal(t, []string{"last", "first", "last", "first", "last", "first"}, order)
		require.Equal(t, strings.Repeat("Bearer "+apitest.Token+", ", 2)+"Bearer "+apitest.Token, apitest.Authorizations(fake))
	})
}

// Middleware may change the address, which must not receive the token.
func TestRequestRedirectedByMiddlewareHasNoToken(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://elsewhere.test":  "",
		"https://apono.test:8443": "",
		"http://apono.test":       "",
		"https://apono.test.evil": "",
		"https://apono.test":      "Bearer " + apitest.Token,
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			to, err := url.Parse(address)
			require.NoError(t, err)
			middleware := tap(func(req *http.Request) { req.URL.Scheme, req.URL.Host = to.Scheme, to.Host })
			fake := script.New(t, script.Response{Body: apitest.OneIntegration})
			require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, middleware)))
			require.Equal(t, address+"/base/api/admin/v4/integrations/i-1", fake.Requests()[0].URL)
			require.Equal(t, want, fake.Requests()[0].Header.Get("Authorization"))
		})
	}
}

// Dashboards depend on the names and levels of records, so they are compared exactly.
func TestLogRecords(t *testing.T) {
	t.Parallel()
	const get = `"operation":"Integrations.Get","method":"GET","path":"/api/admin/v4/integrations/{id}"`
	for _, tc := range []struct {
		name      string
		responses []script.Response
		want      []string
	}{
		{"success", []script.Response{{Body: apitest.OneIntegration, Header: map[string]string{"X-Request-Id": "r-1"}, Delay: time.Second}}, []string{
			`{"level":"DEBUG","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":1000000000,"status":200,"request_id":"r-1"}`,
		}},
		{"error status", []script.Response{{Status: 404}}, []string{
			`{"level":"WARN","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":0,"status":404}`,
		}},
		{"redirect", []script.Response{{Status: 302, Header: map[string]string{"Location": "https://elsewhere.test/?secret-query"}}}, []string{
			`{"level":"WARN","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":0,"status":302}`,
		}},
		{"retry", []script.Response{{Status: 429, Header: map[string]string{"Retry-After": "7"}}, {Status: 503}, {Status: 503}}, []string{
			`{"level":"WARN","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":0,"status":429}`,
			`{"level":"WARN","msg":"apono request",` + get + `,"attempt":2,"wait":7000000000,"duration":0,"status":503}`,
			`{"level":"ERROR","msg":"apono request",` + get + `,"attempt":3,"wait":2000000000,"duration":0,"status":503}`,
		}},
		{"error status after a retry", []script.Response{{Status: 503}, {Status: 404}}, []string{
			`{"level":"WARN","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":0,"status":503}`,
			`{"level":"WARN","msg":"apono request",` + get + `,"attempt":2,"wait":2000000000,"duration":0,"status":404}`,
		}},
		{"no response", []script.Response{{Err: apitest.ErrReset}, {Body: apitest.OneIntegration}}, []string{
			`{"level":"WARN","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":0,"error":"connection reset by peer"}`,
			`{"level":"DEBUG","msg":"apono request",` + get + `,"attempt":2,"wait":2000000000,"duration":0,"status":200}`,
		}},
		{"attempt timeout", []script.Response{{Delay: time.Hour}, {Body: apitest.OneIntegration}}, []string{
			`{"level":"WARN","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":30000000000,"error":"no response within 30 s: raise WithAttemptTimeout for a slow server"}`,
			`{"level":"DEBUG","msg":"apono request",` + get + `,"attempt":2,"wait":2000000000,"duration":0,"status":200}`,
		}},
		{"truncated body", []script.Response{{Body: "{", BodyErr: io.ErrUnexpectedEOF}, {Body: apitest.OneIntegration}}, []string{
			`{"level":"WARN","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":0,"status":200,"error":"unexpected EOF"}`,
			`{"level":"DEBUG","msg":"apono request",` + get + `,"attempt":2,"wait":2000000000,"duration":0,"status":200}`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var logged strings.Builder
				steady := apono.WithRetryPolicy(apono.RetryPolicy{MinWait: 2 * time.Second, MaxWait: 2 * time.Second})
				_, _ = apitest.NewClient(t, script.New(t, tc.responses...), apitest.JSONLogger(&logged), steady).Integrations.Get(t.Context(), "secret-id")
				// Up to a fifth is added to a Retry-After.
				lines := regexp.MustCompile(`"wait":[78]\d{9},`).ReplaceAllString(strings.TrimSpace(logged.String()), `"wait":7000000000,`)
				require.Equal(t, tc.want, strings.Split(lines, "\n"))
			})
		})
	}
}

func TestLogContainsNoArgumentQueryBodyOrToken(t *testing.T) {
	t.Parallel()
	secretURL := "https://apono.test/base/api/admin/v4/integrations/secret-id?name=secret-query"
	for name, response := range map[string]script.Response{
		"success":                            {Body: `{"id":"secret-response"}`},
		"error status":                       {Status: 400, Body: `{"message":"secret-response is wrong","code":"secret-response"}`},
		"redirect":                           {Status: 307, Header: map[string]string{"Location": secretURL}},
		"redirect to an invalid URL":         {Status: 307, Header: map[string]string{"Location": "https://[secret-response"}},
		"no response":                        {Err: apitest.ErrReset},
		"no response, with the URL":          {Err: &url.Error{Op: "Get", URL: secretURL, Err: apitest.ErrReset}},
		"error status that echoes the token": {Status: 400, Header: map[string]string{"X-Request-Id": "r-" + apitest.Token}, Body: apitest.Token},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged strings.Builder
			client := apitest.NewClient(t, script.New(t, response, response, response), apitest.JSONLogger(&logged), apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 1}))
			_, _ = client.Integrations.Get(t.Context(), "secret-id")
			_, _ = client.Integrations.List(t.Context(), apono.ListIntegrationsOptions{Name: "secret-query"})
			_ = client.Do(t.Context(), http.MethodPost, "/api/v9/secret-id-7", url.Values{"q": {"secret-query"}}, map[string]string{"a": "secret-body"}, nil)
			require.Equal(t, 3, strings.Count(logged.String(), "\n"))
			require.Contains(t, logged.String(), `"path":"/api/admin/v4/integrations/{id}"`)
			require.Contains(t, logged.String(), `"path":"/api/admin/v4/integrations"`)
			require.Contains(t, logged.String(), `"path":"/api/v9/{}"`)
			require.NotContains(t, logged.String(), "secret")
			require.NotContains(t, logged.String(), apitest.Token)
		})
	}
}
