package apono_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

func TestWithRequestHeader(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.OneIntegration}, script.Response{Body: apitest.OneIntegration}, script.Response{Body: apitest.OneIntegration})
	client := apitest.NewClient(t, fake)
	outer := apono.WithRequestHeader(t.Context(), "x-trace", "one")
	inner := apono.WithRequestHeader(outer, "X-Trace", "two")
	inner = apono.WithRequestHeader(inner, "user-agent", "mine/1")
	for _, ctx := range []context.Context{inner, outer, t.Context()} {
		require.NoError(t, apitest.GetIntegration(ctx, client))
	}
	for i, want := range []string{"two", "one", ""} {
		require.Equal(t, want, fake.Requests()[i].Header.Get("X-Trace"))
	}
	require.Equal(t, []string{"mine/1"}, fake.Requests()[0].Header["User-Agent"])
	require.Contains(t, fake.Requests()[1].Header.Get("User-Agent"), "apono-go/")
}

func TestRequestHeaderIsSentWithEveryAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Response{Status: 503}, script.Response{Body: apitest.OneIntegration})
		require.NoError(t, apitest.GetIntegration(apono.WithRequestHeader(t.Context(), "X-Trace", "one"), apitest.NewClient(t, fake)))
		require.Equal(t, []string{"one"}, fake.Requests()[1].Header["X-Trace"])
	})
}

// With an idempotency key, net/http would replay requests.
func TestWithRequestHeaderRejectsHeaders(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ key, value, arg string }{
		{"Authorization", "Bearer x", "key"},
		{"authorization", "Bearer x", "key"},
		{"Proxy-Authorization", "Basic x", "key"},
		{"Host", "elsewhere.test", "key"},
		{"Content-Length", "0", "key"},
		{"Content-Type", "text/plain", "key"},
		{"Content-Encoding", "gzip", "key"},
		{"Transfer-Encoding", "chunked", "key"},
		{"Connection", "close", "key"},
		{"TE", "trailers", "key"},
		{"Trailer", "X", "key"},
		{"Upgrade", "h2c", "key"},
		{"Expect", "100-continue", "key"},
		{"Accept", "text/html", "key"},
		{"Accept-Encoding", "br", "key"},
		{"idempotency-key", "k", "key"},
		{"X-Idempotency-Key", "k", "key"},
		{"", "x", "key"},
		{"X Trace", "x", "key"},
		{"X-Trace:", "x", "key"},
		{"X-Träce", "x", "key"},
		{"X-Trace\r\nX-Admin", "x", "key"},
		{"X-Trace", "a\r\nX-Admin: 1", "value"},
		{"X-Trace", "ä", "value"},
		{"X-Trace", "\x00", "value"},
	} {
		t.Run(tc.key+" "+tc.value, func(t *testing.T) {
			t.Parallel()
			err := apitest.GetIntegration(apono.WithRequestHeader(t.Context(), tc.key, tc.value), apitest.NewClient(t, apitest.NoRequest(t)))
			require.Equal(t, tc.arg, apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
		})
	}
}

func TestWithCallTimeout(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		client, call, want time.Duration
		late               bool
	}{
		{time.Second, 5 * time.Second, 5 * time.Second, true},
		{time.Minute, 5 * time.Second, 5 * time.Second, true},
		{time.Second, 0, time.Hour, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			client := apitest.NewClient(t, script.New(t, script.Response{Delay: time.Hour, Body: apitest.OneIntegration}), apono.WithAttemptTimeout(tc.client))
			started := time.Now()
			err := apitest.GetIntegration(apono.WithoutRetry(apono.WithCallAttemptTimeout(t.Context(), tc.call)), client)
			require.Equal(t, tc.want, time.Since(started))
			require.Equal(t, tc.late, errors.Is(err, context.DeadlineExceeded))
			if tc.late {
				require.ErrorContains(t, err, "no response within 5 s: raise WithCallAttemptTimeout for a slow server")
			}
		})
	}
	err := apitest.GetIntegration(apono.WithCallAttemptTimeout(t.Context(), -1), apitest.NewClient(t, apitest.NoRequest(t)))
	require.Equal(t, "timeout", apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
}

func TestAttemptTimeoutOfZeroMeansNoTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := apitest.NewClient(t, script.New(t, script.Response{Delay: 24 * time.Hour, Body: apitest.OneIntegration}), apono.WithAttemptTimeout(0))
		require.NoError(t, apitest.GetIntegration(t.Context(), client))
	})
}

// Results do not have the header, which contains rate limits and request ids.
func TestWithResponseFuncReceivesLastResponse(t *testing.T) {
	t.Parallel()
	page := func(token, id string) script.Response {
		return script.Response{Body: apitest.TokenPage(token), Header: map[string]string{"X-Request-Id": id}}
	}
	down := script.Response{Status: 503, Header: map[string]string{"X-Request-Id": "r-down"}}
	for name, test := range map[string]struct {
		responses []script.Response
		want      []string
	}{
		"each page":                           {[]script.Response{page("t1", "r-1"), page("", "r-2")}, []string{"200 r-1", "200 r-2"}},
		"the last attempt":                    {[]script.Response{down, page("", "r-2")}, []string{"200 r-2"}},
		"a rejection":                         {[]script.Response{{Status: 403, Header: map[string]string{"X-Request-Id": "r-1"}}}, []string{"403 r-1"}},
		"the response before a network error": {[]script.Response{down, {Err: apitest.ErrReset}, {Err: apitest.ErrReset}}, []string{"503 r-down"}},
		"none":                                {[]script.Response{{Err: x509.HostnameError{Certificate: new(x509.Certificate)}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen []string
			ctx := apono.WithResponseFunc(t.Context(), func(status int, header http.Header) {
				seen = append(seen, fmt.Sprint(status, " ", header.Get("X-Request-Id")))
			})
			_, _ = apono.Collect(apitest.NewClient(t, script.New(t, test.responses...), apitest.Quickly).Integrations.ListAll(ctx))
			require.Equal(t, test.want, seen)
		})
	}
}

func TestWithResponseFuncReceivesNoSecrets(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.OneIntegration, Header: map[string]string{"Set-Cookie": "a=b", "X-Echo": "Bearer " + apitest.Token}})
	calls := 0
	require.NoError(t, apitest.GetIntegration(apono.WithResponseFunc(t.Context(), func(_ int, header http.Header) {
		calls++
		require.Empty(t, header.Get("Set-Cookie"))
		require.Equal(t, "Bearer [redacted]", header.Get("X-Echo"))
		header.Set("X-Echo", "changed")
	}), apitest.NewClient(t, fake)))
	require.Equal(t, 1, calls)
	require.NoError(t, apitest.GetIntegration(apono.WithResponseFunc(t.Context(), nil), apitest.NewClient(t, script.New(t, script.Response{Body: apitest.OneIntegration}))))
}
