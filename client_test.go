package apono_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/script"
)

// Mistakes in the configuration show when the client is made, not in the middle
// of the first night's run. A token that an error quotes ends up in logs.
func TestBadConfigurationIsRefused(t *testing.T) {
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
		{"empty token", "", nil, "token", "the token is empty"},
		{"token with a line break", "hidden-1\n", nil, "token", "trim it"},
		{"token with a leading space", " hidden-1", nil, "token", "trim it"},
		{"token with a space", "hidden 1", nil, "token", "printable ASCII"},
		{"token with a line break inside", "hidden\r\nX-Admin: 1", nil, "token", "printable ASCII"},
		{"token with a tab", "hidden\t1", nil, "token", "printable ASCII"},
		{"token with a zero byte", "hidden\x001", nil, "token", "printable ASCII"},
		{"token that is not ASCII", "hiddén-1", nil, "token", "printable ASCII"},
		{"token with Bearer", "Bearer hidden-1", nil, "token", "without the word Bearer"},
		{"token with bearer", "bearer hidden-1", nil, "token", "without the word Bearer"},

		{"http base URL", "good", baseURL("http://api.apono.io"), "baseURL", "https://"},
		{"http base URL that begins like loopback", "good", baseURL("http://localhost.apono.test"), "baseURL", "https://"},
		{"http base URL of a private address", "good", baseURL("http://10.0.0.1"), "baseURL", "https://"},
		{"base URL with another scheme", "good", baseURL("ftp://localhost"), "baseURL", "https://"},
		{"base URL with a query", "good", baseURL("https://apono.test/?region=eu"), "baseURL", "query"},
		{"base URL with an empty query", "good", baseURL("https://apono.test/?"), "baseURL", "query"},
		{"base URL with a fragment", "good", baseURL("https://apono.test/#top"), "baseURL", "fragment"},
		{"base URL with an empty fragment", "good", baseURL("https://apono.test/#"), "baseURL", "fragment"},
		{"base URL with a user", "good", baseURL("https://hidden@apono.test"), "baseURL", "user"},
		{"base URL with a password", "good", baseURL("https://admin:hidden@apono.test"), "baseURL", "user"},
		{"base URL without a scheme", "good", baseURL("api.apono.io"), "baseURL", "no host"},
		{"base URL without a host", "good", baseURL("https:///api"), "baseURL", "no host"},
		{"base URL with a port alone", "good", baseURL("https://:8443"), "baseURL", "no host"},
		{"base URL that is opaque", "good", baseURL("https:api.apono.io"), "baseURL", "no host"},
		{"base URL that is a path", "good", baseURL("/api"), "baseURL", "no host"},
		{"base URL that is empty", "good", baseURL(""), "baseURL", "no host"},
		{"base URL that is no URL", "good", baseURL("https://[::1"), "baseURL", "not a URL"},

		{"nil option", "good", []apono.Option{nil}, "opts[2]", "nil"},
		{"nil HTTP client", "good", []apono.Option{apono.WithHTTPClient(nil)}, "client", "nil"},
		{"nil logger", "good", []apono.Option{apono.WithLogger(nil)}, "logger", "nil"},
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
		{"no attempt timeout", "good", []apono.Option{apono.WithAttemptTimeout(0)}, "timeout", "positive"},
		{"negative attempt timeout", "good", []apono.Option{apono.WithAttemptTimeout(-1)}, "timeout", "positive"},
		{"no response bytes", "good", []apono.Option{apono.WithMaxResponseBytes(0)}, "limit", "positive"},
		{"negative response bytes", "good", []apono.Option{apono.WithMaxResponseBytes(-1)}, "limit", "positive"},
		{"negative read-ahead", "good", []apono.Option{apono.WithReadAhead(-1)}, "pages", "0 (off) to 64"},
		{"immense read-ahead", "good", []apono.Option{apono.WithReadAhead(65)}, "pages", "0 (off) to 64"},

		{"negative attempts", "good", policy(apono.RetryPolicy{MaxAttempts: -1}), "policy.MaxAttempts", "at least 1"},
		{"negative shortest wait", "good", policy(apono.RetryPolicy{MinWait: -1}), "policy.MinWait", "negative"},
		{"negative longest wait", "good", policy(apono.RetryPolicy{MaxWait: -1}), "policy.MinWait", "MaxWait"},
		{"shortest wait above the longest", "good", policy(apono.RetryPolicy{MinWait: 2, MaxWait: 1}), "policy.MinWait", "MaxWait"},
		{"negative cap of Retry-After", "good", policy(apono.RetryPolicy{MaxRetryAfter: -1}), "policy.MaxRetryAfter", "negative"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			opts := []apono.Option{apono.WithBaseURL(testBase), apono.WithHTTPClient(noRequest(t).Client())}
			client, err := apono.NewClient(tc.token, append(opts, tc.opts...)...)
			check.Equal(t, client, nil)
			refusal := check.ErrorAs[*apono.ArgumentError](t, err)
			check.Equal(t, refusal.Arg, tc.arg)
			check.Contains(t, refusal.Reason, tc.reason)
			check.Lacks(t, printed(err), "hidd")
		})
	}
}

// Prefixes are for gateways; a trailing /api is what the documentation shows,
// and doubling it would make every call a 404.
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
			fake := script.New(t, script.Answer{Body: oneIntegration})
			check.NoError(t, getIntegration(t.Context(), newClient(t, fake, apono.WithBaseURL(base))))
			check.Equal(t, fake.Requests()[0].URL, want)
			check.Equal(t, fake.Requests()[0].Header.Get("Authorization"), "Bearer "+testToken)
		})
	}
}

func TestDefaultBaseURL(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: oneIntegration})
	client, err := apono.NewClient(testToken, apono.WithHTTPClient(fake.Client()))
	check.NoError(t, err)
	check.NoError(t, getIntegration(t.Context(), client))
	check.Equal(t, fake.Requests()[0].URL, "https://api.apono.io/api/admin/v4/integrations/i-1")
}

// Not parallel: t.Setenv changes the environment of the whole process.
func TestNewClientFromEnv(t *testing.T) {
	source := apono.WithTokenSource(func(context.Context) (string, error) { return "from-source", nil })
	for _, tc := range []struct {
		name                      string
		token, personal, endpoint string
		opts                      []apono.Option
		// wantArg is the variable that an error names, empty for success.
		wantToken, wantURL, wantArg string
	}{
		{"token", "one", "", "", nil, "one", "https://api.apono.io", ""},
		{"personal token", "", "two", "", nil, "two", "https://api.apono.io", ""},
		{"both tokens", "one", "two", "", nil, "one", "https://api.apono.io", ""},
		{"endpoint", "one", "", "https://eu.apono.test", nil, "one", "https://eu.apono.test", ""},
		{"option before endpoint", "one", "", "https://eu.apono.test", []apono.Option{apono.WithBaseURL(testBase)}, "one", testBase, ""},
		{"option before token", "one", "", "", []apono.Option{source}, "from-source", "https://api.apono.io", ""},
		{"option without token", "", "", "", []apono.Option{source}, "from-source", "https://api.apono.io", ""},
		{"nothing", "", "", "", nil, "", "", "APONO_TOKEN"},
		{"bad token", "hidden 1", "two", "", nil, "", "", "APONO_TOKEN"},
		{"bad personal token", "", "hidden-1\n", "", nil, "", "", "APONO_PERSONAL_TOKEN"},
		{"bad endpoint", "one", "", "http://hidden.apono.test", nil, "", "", "APONO_ENDPOINT"},
		{"endpoint that is no URL", "one", "", "%hidden", nil, "", "", "APONO_ENDPOINT"},
	} {
		// Not parallel, for the same reason.
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("APONO_TOKEN", tc.token)
			t.Setenv("APONO_PERSONAL_TOKEN", tc.personal)
			t.Setenv("APONO_ENDPOINT", tc.endpoint)
			if tc.wantArg != "" {
				_, err := apono.NewClientFromEnv(append(tc.opts, apono.WithHTTPClient(noRequest(t).Client()))...)
				check.Equal(t, check.ErrorAs[*apono.ArgumentError](t, err).Arg, tc.wantArg)
				check.Lacks(t, printed(err), "hidden")
				return
			}
			fake := script.New(t, script.Answer{Body: oneIntegration})
			client, err := apono.NewClientFromEnv(append(tc.opts, apono.WithHTTPClient(fake.Client()))...)
			check.NoError(t, err)
			check.NoError(t, getIntegration(t.Context(), client))
			check.Equal(t, fake.Requests()[0].URL, tc.wantURL+"/api/admin/v4/integrations/i-1")
			check.Equal(t, fake.Requests()[0].Header.Get("Authorization"), "Bearer "+tc.wantToken)
		})
	}
}

// Not parallel: t.Setenv changes the environment of the whole process. A
// library that reads the environment behind the caller's back sends a test's
// requests to production.
func TestNewClientReadsNoEnvironment(t *testing.T) {
	t.Setenv("APONO_TOKEN", "from-env")
	t.Setenv("APONO_ENDPOINT", "https://from-env.apono.test")
	fake := script.New(t, script.Answer{Body: oneIntegration})
	client, err := apono.NewClient(testToken, apono.WithHTTPClient(fake.Client()))
	check.NoError(t, err)
	check.NoError(t, getIntegration(t.Context(), client))
	check.Equal(t, fake.Requests()[0].URL, "https://api.apono.io/api/admin/v4/integrations/i-1")
	check.Equal(t, fake.Requests()[0].Header.Get("Authorization"), "Bearer "+testToken)
}

// noLimit is a limiter that never waits.
type noLimit struct{}

func (noLimit) Wait(context.Context) error { return nil }

// Options that work alone and panic together are found by the first user who
// combines them. Making a client must also not need the network: whether a
// token is good shows when it is used.
func TestOptionsCombine(t *testing.T) {
	t.Parallel()
	jar, err := cookiejar.New(nil)
	check.NoError(t, err)
	options := map[string]apono.Option{
		"nothing":       apono.WithReadAhead(0),
		"base URL":      apono.WithBaseURL("https://apono.test/api"),
		"empty client":  apono.WithHTTPClient(&http.Client{}),
		"full client":   apono.WithHTTPClient(&http.Client{Transport: http.DefaultTransport, Timeout: time.Minute, Jar: jar}),
		"token source":  apono.WithTokenSource(func(context.Context) (string, error) { return testToken, nil }),
		"user agent":    apono.WithUserAgent("inventory/1.4"),
		"no policy":     apono.WithRetryPolicy(apono.RetryPolicy{}),
		"policy":        apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 1, MinWait: 1, MaxWait: 1, MaxRetryAfter: 1}),
		"timeout":       apono.WithAttemptTimeout(time.Minute),
		"long timeout":  apono.WithAttemptTimeout(1<<63 - 1),
		"small bodies":  apono.WithMaxResponseBytes(1 << 10),
		"logger":        apono.WithLogger(slog.New(slog.DiscardHandler)),
		"middleware":    apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return next }),
		"limiter":       apono.WithLimiter(noLimit{}),
		"read-only":     apono.WithReadOnly(),
		"reading ahead": apono.WithReadAhead(64),
	}
	for name1, option1 := range options {
		for name2, option2 := range options {
			t.Run(name1+" and "+name2, func(t *testing.T) {
				t.Parallel()
				fake := script.New(t, script.Answer{Body: oneIntegration})
				network := noRequest(t)
				answer := network.RoundTrip
				middleware := apono.WithMiddleware(func(http.RoundTripper) http.RoundTripper {
					return roundTripFunc(func(req *http.Request) (*http.Response, error) { return answer(req) })
				})
				client, err := apono.NewClient(testToken, option1, option2, middleware)
				check.NoError(t, err)
				answer = fake.RoundTrip
				integration, err := client.Integrations.Get(t.Context(), "i-1")
				check.NoError(t, err)
				check.Equal(t, integration.Name, "prod")
				client.CloseIdleConnections()
			})
		}
	}
}

// Programs keep their options in one variable and make clients where they need
// them: an option that changes what it was made of works only the first time.
func TestOptionsMayBeShared(t *testing.T) {
	t.Parallel()
	opts := []apono.Option{
		apono.WithBaseURL(testBase), apono.WithHTTPClient(noRequest(t).Client()), apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 2}),
		apono.WithUserAgent("inventory/1.4"), apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return next }),
		apono.WithTokenSource(func(context.Context) (string, error) { return testToken, nil }), apono.WithAttemptTimeout(time.Minute),
		apono.WithMaxResponseBytes(1 << 20), apono.WithLimiter(noLimit{}), apono.WithReadOnly(), apono.WithReadAhead(2),
	}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, err := apono.NewClient(testToken, opts...); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// The server's operators look for the library and for the program that uses it.
func TestUserAgent(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: oneIntegration})
	client := newClient(t, fake, apono.WithUserAgent("inventory/1.4"), apono.WithUserAgent("nightly (batch)"))
	check.NoError(t, getIntegration(t.Context(), client))
	got := fake.Requests()[0].Header.Get("User-Agent")
	want := regexp.MustCompile(`^apono-go/\d+\.\d+\.\d+ \(go[^;()]+; [a-z0-9]+/[a-z0-9]+\) inventory/1\.4 nightly \(batch\)$`)
	check.True(t, want.MatchString(got), "it to match %s, got %s", want, got)
}

// A proxy, a client certificate or a recorder in the caller's client has to be
// used by every attempt; and the client may be in use elsewhere, where it must
// not suddenly stop following redirects.
func TestCallersHTTPClientIsUsedAndNotChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Answer{Status: 503}, script.Answer{Status: 429}, script.Answer{Body: oneIntegration})
		jar, err := cookiejar.New(nil)
		check.NoError(t, err)
		httpClient := &http.Client{Transport: fake, Jar: jar, Timeout: time.Minute}
		check.NoError(t, getIntegration(t.Context(), newClient(t, fake, apono.WithHTTPClient(httpClient))))
		check.Equal(t, len(fake.Requests()), 3)
		check.Equal(t, *httpClient, http.Client{Transport: fake, Jar: jar, Timeout: time.Minute})
	})
}

// Servers behind balancers pin clients with cookies; each attempt sends the
// jar's, and no attempt sends those of the one before a second time.
func TestCookieJarIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set := map[string]string{"Set-Cookie": "node=7"}
		fake := script.New(t, script.Answer{Status: 503, Header: set}, script.Answer{Status: 503, Header: set}, script.Answer{Body: oneIntegration})
		jar, err := cookiejar.New(nil)
		check.NoError(t, err)
		check.NoError(t, getIntegration(t.Context(), newClient(t, fake, apono.WithHTTPClient(&http.Client{Transport: fake, Jar: jar}))))
		for i, want := range [][]string{nil, {"node=7"}, {"node=7"}} {
			check.Equal(t, fake.Requests()[i].Header["Cookie"], want)
		}
	})
}

// http.DefaultClient and http.DefaultTransport belong to the whole program.
func TestDefaultsOfNetHTTPStayAsTheyAre(t *testing.T) {
	t.Parallel()
	client, err := apono.NewClient(testToken, apono.WithReadAhead(64))
	check.NoError(t, err)
	client.CloseIdleConnections()
	transport, ok := http.DefaultTransport.(*http.Transport)
	check.True(t, ok, "the default transport of net/http")
	check.Equal(t, transport.MaxIdleConnsPerHost, 0)
	check.True(t, http.DefaultClient.Transport == nil && http.DefaultClient.CheckRedirect == nil, "the default client as it was")
}

// printed is everything that a value shows of itself.
func printed(value any) string {
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&b, verb+"\n", value)
	}
	everything := &slog.HandlerOptions{Level: slog.LevelDebug}
	slog.New(slog.NewTextHandler(&b, everything)).Info("value", "value", value)
	slog.New(slog.NewJSONHandler(&b, everything)).Info("value", "value", value)
	if encoded, err := json.Marshal(value); err == nil {
		b.Write(encoded)
	}
	return b.String()
}

// printReachable prints a value and all values of this module that can be
// reached from it, which is what dumpers and debuggers show. The script is left
// out: it keeps the requests as they were sent.
func printReachable(v reflect.Value, seen map[uintptr]bool, b *strings.Builder) {
	switch v.Kind() {
	case reflect.Interface:
		printReachable(v.Elem(), seen, b)
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] || v.Type() == reflect.TypeFor[*script.Transport]() {
			return
		}
		seen[v.Pointer()] = true
		printReachable(v.Elem(), seen, b)
	case reflect.Struct:
		fmt.Fprintf(b, "%+v\n%#v\n", v, v)
		if strings.HasPrefix(v.Type().PkgPath(), "github.com/apono-go/apono") {
			for i := range v.NumField() {
				printReachable(v.Field(i), seen, b)
			}
		}
	}
}

// Clients are printed by accident: in a struct of the caller's that is logged,
// or by a debugger. A token that shows up there is a token to revoke.
func TestClientPrintsWithoutTheToken(t *testing.T) {
	t.Parallel()
	source := apono.WithTokenSource(func(context.Context) (string, error) { return testToken, nil })
	for name, opts := range map[string][]apono.Option{"static token": nil, "token source": {source}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Answer{Status: 500}, script.Answer{Body: oneIntegration})
			once := apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 1})
			client := newClient(t, fake, append(opts, once)...)
			isRefusal(t, getIntegration(t.Context(), client), 500, 1)
			check.NoError(t, getIntegration(t.Context(), client))

			check.Equal(t, fmt.Sprint(client), "apono.Client(https://apono.test/base)")
			for _, value := range []any{client, *client, client.Integrations, *client.Integrations, struct{ C *apono.Client }{client}} {
				check.Lacks(t, printed(value), testToken, fmt.Sprintf("%x", testToken))
			}
			var all strings.Builder
			printReachable(reflect.ValueOf(client), map[uintptr]bool{}, &all)
			check.Contains(t, all.String(), "AttemptTimeout") // the walk went into the transport
			check.Lacks(t, all.String(), testToken)
		})
	}
}

func TestReadOnlyRefusesWhateverChanges(t *testing.T) {
	t.Parallel()
	for _, op := range operation.All() {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			// Each word of the path is written in an unusual but equal way.
			path := op.Fill(func(int, string) string { return "x" })
			var unusual strings.Builder
			for segment := range strings.SplitSeq(path[1:], "/") {
				fmt.Fprintf(&unusual, "/%%%02x%s", segment[0], segment[1:])
			}
			for _, path := range []string{path, unusual.String()} {
				var fake *script.Transport
				if op.Changes {
					fake = noRequest(t)
				} else {
					fake = script.New(t, script.Answer{Body: "{}"})
				}
				err := newClient(t, fake, apono.WithReadOnly()).Do(t.Context(), op.Method, path, nil, nil, nil)
				if !op.Changes {
					check.NoError(t, err)
					continue
				}
				check.ErrorIs(t, err, apono.ErrReadOnly)
				check.Equal(t, err.Error(), "apono: "+op.Method+" "+op.Path+": the client is read-only")
			}
		})
	}
}

func TestReadOnlyCoversTheServices(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			check.ErrorIs(t, callWith(t.Context(), method, newClient(t, noRequest(t), apono.WithReadOnly())), apono.ErrReadOnly)
		})
	}
}

// limiter waits a fixed time and fails from a certain call on.
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

// Attempts are what a server counts, so repetitions wait for the limiter too;
// its wait is not the server's and does not use up the attempt's timeout.
func TestLimiterIsAskedBeforeEveryAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limit := &limiter{wait: time.Hour}
		fake := script.New(t, script.Answer{Status: 429}, script.Answer{Status: 503}, script.Answer{Body: oneIntegration})
		started := time.Now()
		check.NoError(t, getIntegration(t.Context(), newClient(t, fake, apono.WithLimiter(limit))))
		check.Equal(t, limit.calls, 3)
		check.Equal(t, fake.Requests()[0].At.Sub(started), time.Hour)
		for _, wait := range waits(fake) {
			check.True(t, wait > time.Hour, "the limiter's hour before the attempt, got %s", wait)
		}
	})
}

func TestContextEndsTheWaitForTheLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		err := getIntegration(ctx, newClient(t, noRequest(t), apono.WithLimiter(&limiter{wait: time.Hour})))
		check.Equal(t, time.Since(started), time.Second)
		check.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestErrorOfTheLimiterEndsTheCall(t *testing.T) {
	t.Parallel()
	for failAt, answers := range map[int][]script.Answer{1: nil, 2: {{Status: 503}}} {
		t.Run(fmt.Sprintf("before attempt %d", failAt), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, answers...)
				err := getIntegration(t.Context(), newClient(t, fake, apono.WithLimiter(&limiter{failAt: failAt})))
				check.ErrorIs(t, err, errLimit)
				failure := check.ErrorAs[*apono.TransportError](t, err)
				check.Equal(t, failure.Attempts, len(answers))
				check.Equal(t, failure.Last != nil, len(answers) > 0)
			})
		})
	}
}

// tap is middleware that shows each request to see before it goes on.
func tap(see func(req *http.Request)) apono.Option {
	return apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripFunc(func(req *http.Request) (*http.Response, error) {
			see(req)
			return next.RoundTrip(req)
		})
	})
}

// Middleware records and traces requests. If it saw the token, it would write it into
// every recording.
func TestMiddlewareSeesEveryAttemptAndNoToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var order []string
		see := func(name string) apono.Option {
			return tap(func(req *http.Request) {
				order = append(order, name)
				check.Equal(t, req.Header["Authorization"], nil)
				check.Lacks(t, fmt.Sprintf("%v %+v %#v %v", req, req, req, req.Context()), testToken)
			})
		}
		fake := script.New(t, script.Answer{Status: 503}, script.Answer{Body: oneIntegration})
		check.NoError(t, getIntegration(t.Context(), newClient(t, fake, see("first"), see("last"))))
		check.Equal(t, order, []string{"last", "first", "last", "first"})
		check.Equal(t, authorizations(fake), "Bearer "+testToken+", Bearer "+testToken)
	})
}

// Middleware may send requests elsewhere, such as to a recording proxy. The token
// is for the API's address and must not come along.
func TestMiddlewareThatChangesTheAddressLosesTheToken(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://elsewhere.test":  "",
		"https://apono.test:8443": "",
		"http://apono.test":       "",
		"https://apono.test":      "Bearer " + testToken,
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			to, err := url.Parse(address)
			check.NoError(t, err)
			middleware := tap(func(req *http.Request) { req.URL.Scheme, req.URL.Host = to.Scheme, to.Host })
			fake := script.New(t, script.Answer{Body: oneIntegration})
			check.NoError(t, getIntegration(t.Context(), newClient(t, fake, middleware)))
			check.Equal(t, fake.Requests()[0].URL, address+"/base/api/admin/v4/integrations/i-1")
			check.Equal(t, fake.Requests()[0].Header.Get("Authorization"), want)
		})
	}
}

// jsonLogger writes records as lines of JSON without their time.
func jsonLogger(w io.Writer) apono.Option {
	return apono.WithLogger(slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
			if attr.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return attr
		},
	})))
}

// Dashboards are built on names and levels of attributes, so they are fixed
// here to the letter.
func TestLogRecordOfEachOutcome(t *testing.T) {
	t.Parallel()
	const get = `"operation":"Integrations.Get","method":"GET","path":"/api/admin/v4/integrations/{id}"`
	for _, tc := range []struct {
		name    string
		answers []script.Answer
		want    []string
	}{
		{"success", []script.Answer{{Body: oneIntegration, Header: map[string]string{"X-Request-Id": "r-1"}, Delay: time.Second}}, []string{
			`{"level":"DEBUG","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":1000000000,"status":200,"request_id":"r-1"}`,
		}},
		{"refusal", []script.Answer{{Status: 404}}, []string{
			`{"level":"WARN","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":0,"status":404}`,
		}},
		{"redirect", []script.Answer{{Status: 302, Header: map[string]string{"Location": "https://elsewhere.test/?secret-query"}}}, []string{
			`{"level":"WARN","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":0,"status":302}`,
		}},
		{"repetition", []script.Answer{{Status: 429, Header: map[string]string{"Retry-After": "7"}}, {Status: 503}, {Status: 503}}, []string{
			`{"level":"WARN","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":0,"status":429}`,
			`{"level":"ERROR","msg":"apono request",` + get + `,"attempt":2,"wait":7000000000,"duration":0,"status":503}`,
			`{"level":"ERROR","msg":"apono request",` + get + `,"attempt":3,"wait":2000000000,"duration":0,"status":503}`,
		}},
		{"no answer", []script.Answer{{Err: errReset}, {Body: oneIntegration}}, []string{
			`{"level":"ERROR","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":0,"error":"connection reset by peer"}`,
			`{"level":"DEBUG","msg":"apono request",` + get + `,"attempt":2,"wait":2000000000,"duration":0,"status":200}`,
		}},
		{"attempt timeout", []script.Answer{{Delay: time.Hour}, {Body: oneIntegration}}, []string{
			`{"level":"ERROR","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":30000000000,"error":"no answer within 30s"}`,
			`{"level":"DEBUG","msg":"apono request",` + get + `,"attempt":2,"wait":2000000000,"duration":0,"status":200}`,
		}},
		{"body cut", []script.Answer{{Body: "{", BodyErr: io.ErrUnexpectedEOF}, {Body: oneIntegration}}, []string{
			`{"level":"ERROR","msg":"apono request",` + get + `,"attempt":1,"wait":0,"duration":0,"status":200,"error":"unexpected EOF"}`,
			`{"level":"DEBUG","msg":"apono request",` + get + `,"attempt":2,"wait":2000000000,"duration":0,"status":200}`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var logged strings.Builder
				steady := apono.WithRetryPolicy(apono.RetryPolicy{MinWait: 2 * time.Second, MaxWait: 2 * time.Second})
				_, _ = newClient(t, script.New(t, tc.answers...), jsonLogger(&logged), steady).Integrations.Get(t.Context(), "secret-id")
				check.Equal(t, strings.Split(strings.TrimSpace(logged.String()), "\n"), tc.want)
			})
		})
	}
}

// Logs go to places that are read by many and kept for long. What callers and
// servers say to each other stays out of them, whatever goes wrong.
func TestLogHoldsNoArgumentQueryBodyOrToken(t *testing.T) {
	t.Parallel()
	secretURL := "https://apono.test/base/api/admin/v4/integrations/secret-id?name=secret-query"
	for name, answer := range map[string]script.Answer{
		"success":                       {Body: `{"id":"secret-answer"}`},
		"refusal":                       {Status: 400, Body: `{"message":"secret-answer is wrong","code":"secret-answer"}`},
		"redirect":                      {Status: 307, Header: map[string]string{"Location": secretURL}},
		"redirect to nowhere":           {Status: 307, Header: map[string]string{"Location": "https://[secret-answer"}},
		"no answer":                     {Err: errReset},
		"no answer, with the URL":       {Err: &url.Error{Op: "Get", URL: secretURL, Err: errReset}},
		"refusal that echoes the token": {Status: 400, Header: map[string]string{"X-Request-Id": "r-" + testToken}, Body: testToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged strings.Builder
			client := newClient(t, script.New(t, answer, answer, answer), jsonLogger(&logged), apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 1}))
			_, _ = client.Integrations.Get(t.Context(), "secret-id")
			_, _ = client.Integrations.List(t.Context(), apono.ListIntegrationsOptions{Name: "secret-query"})
			_ = client.Do(t.Context(), http.MethodPost, "/api/v9/secret-id-7", url.Values{"q": {"secret-query"}}, map[string]string{"a": "secret-body"}, nil)
			check.Equal(t, strings.Count(logged.String(), "\n"), 3)
			check.Contains(t, logged.String(), `"path":"/api/admin/v4/integrations/{id}"`, `"path":"/api/admin/v4/integrations"`, `"path":"/api/v9/{}"`)
			check.Lacks(t, logged.String(), "secret", testToken)
		})
	}
}

// Not parallel: it replaces os.Stderr and the standard logger's output, which
// belong to the whole process. A library that writes to either corrupts the
// output of the programs that use it, and prints URLs where nobody expects them.
func TestNothingIsWrittenToStderrOrTheStandardLogger(t *testing.T) { //nolint:paralleltest // see above
	reader, writer, err := os.Pipe()
	check.NoError(t, err)
	stderr := os.Stderr
	os.Stderr = writer
	log.SetOutput(writer)
	restore := func() {
		os.Stderr = stderr
		log.SetOutput(stderr)
	}
	t.Cleanup(restore)

	synctest.Test(t, func(t *testing.T) {
		answers := []script.Answer{
			{Status: 503}, {Err: errReset}, {Body: "{", BodyErr: io.ErrUnexpectedEOF}, // one call
			{Status: 429, Header: map[string]string{"Retry-After": "soon"}}, {Body: oneIntegration},
			{Status: 301, Header: map[string]string{"Location": "https://[::1"}},
			{Status: 401}, {Body: "<html>"}, {Body: oneIntegration},
		}
		client := newClient(t, script.New(t, answers...))
		for range 6 {
			_ = getIntegration(t.Context(), client)
		}
		both := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: http.NoBody, Request: req}, errReset
		})
		_ = getIntegration(t.Context(), newClient(t, noRequest(t), apono.WithHTTPClient(&http.Client{Transport: both})))
	})

	restore()
	check.NoError(t, writer.Close())
	written, err := io.ReadAll(reader)
	check.NoError(t, err)
	check.Equal(t, string(written), "")
}
