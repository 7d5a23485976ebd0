package apono_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

func TestErrorStatusWithObjectIsError(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 404, 503, 199, 304, 600} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Status: status, Body: apitest.OneIntegration})
			integration, err := apitest.NewClient(t, fake).Integrations.Get(apono.WithoutRetry(t.Context()), "i-1")
			require.Nil(t, integration)
			apitest.IsAPIError(t, err, status, 1)
		})
	}
}

func TestSentinelsByStatus(t *testing.T) {
	t.Parallel()
	sentinels := []error{
		apono.ErrBadRequest, apono.ErrUnauthorized, apono.ErrForbidden, apono.ErrNotFound, apono.ErrConflict, apono.ErrRateLimited,
		apono.ErrServer, apono.ErrPageLoop, apono.ErrTruncated, apono.ErrResponseTooLarge, apono.ErrReadOnly, io.EOF, nil,
	}
	for status, want := range map[int]error{
		0: nil, 301: nil, 304: nil, 400: apono.ErrBadRequest, 401: apono.ErrUnauthorized, 402: nil, 403: apono.ErrForbidden, 404: apono.ErrNotFound,
		405: nil, 408: nil, 409: apono.ErrConflict, 410: nil, 412: nil, 418: nil, 422: apono.ErrBadRequest, 425: nil, 429: apono.ErrRateLimited,
		499: nil, 500: apono.ErrServer, 501: apono.ErrServer, 503: apono.ErrServer, 504: apono.ErrServer, 599: apono.ErrServer,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			err := fmt.Errorf("wrapped: %w", &apono.APIError{StatusCode: status})
			for _, sentinel := range sentinels {
				require.Equal(t, sentinel != nil && sentinel == want, errors.Is(err, sentinel)) //nolint:errorlint // //nolint:errorlint // must be the same value
			}
		})
	}
}

// everyError returns an error of each type, by its text.
func everyError() map[string]error {
	rejected := &apono.APIError{
		StatusCode: 429, Code: "E7", Message: "slow\ndown,  ann@example.com: see https://apono.test/limits?user=ann", RequestID: "r-1",
		Method: "GET", Path: "/api/admin/v4/integrations/{id}", Attempts: 3, RetryAfter: 90 * time.Second,
		Header: http.Header{"X-Request-Id": {"r-1"}}, Body: []byte("{}"),
	}
	return map[string]error{
		"apono: GET /api/admin/v4/integrations/{id}: 429 Too Many Requests: slow down, [e-mail] see https://apono.test/limits, " +
			"code E7, request ID r-1, retry after 90 s, after 3 attempts": rejected,
		"apono: POST /api/x: 200 OK, but the body is unusable: bad character, request ID r-2": &apono.DecodeError{
			StatusCode: 200, RequestID: "r-2", Method: "POST", Path: "/api/x", Attempts: 2, Body: []byte("<"), Err: errors.New("bad\ncharacter"),
		},
		"apono: PUT /api/x: context canceled, after 2 attempts; the last response was 429 Too Many Requests": &apono.TransportError{
			Method: "PUT", Path: "/api/x", Attempts: 2, Err: context.Canceled, Last: rejected,
		},
		"apono: argument id: must not be empty": &apono.ArgumentError{Arg: "id", Reason: "must not be empty"},
		"apono: GET /api/y: the list is not complete: 5 items read, total 9: it stopped": &apono.TruncatedError{
			Method: "GET", Path: "/api/y", Total: 9, Received: 5, Reason: "it stopped",
		},
	}
}

// Error texts are one line without addresses and queries, and do not change the error.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	untouched := everyError()
	for want, err := range everyError() {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, err, want)
			for _, verb := range []string{"%v", "%+v", "%s"} {
				require.Equal(t, want, fmt.Sprintf(verb, err), verb)
			}
			require.Equal(t, strconv.Quote(want), fmt.Sprintf("%q", err))
			var values []any // also as a value, all verbs print the text
			if rejected := (*apono.APIError)(nil); errors.As(err, &rejected) && rejected.Error() == want {
				values = []any{rejected, *rejected}
			}
			if broken := (*apono.DecodeError)(nil); errors.As(err, &broken) {
				values = []any{broken, *broken}
			}
			for _, value := range values {
				for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%t"} {
					require.Equal(t, want, fmt.Sprintf(verb, value), verb)
				}
				require.Equal(t, strconv.Quote(want), fmt.Sprintf("%q", value))
			}
			require.EqualError(t, err, want)
			require.Equal(t, untouched[want], err)
		})
	}
}

func TestErrorTextsOfZeroValues(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&apono.APIError{}, "apono: 0"},
		{&apono.DecodeError{}, "apono: 0, but the body is unusable"},
		{&apono.TransportError{}, "apono"},
		{&apono.TransportError{Last: &apono.APIError{}}, "apono; the last response was 0"},
		{&apono.ArgumentError{}, "apono: argument : "},
		{&apono.TruncatedError{}, "apono: the list is not complete: 0 items read, total 0: "},
	} {
		t.Run(fmt.Sprintf("%T %s", tc.err, tc.want), func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, tc.err, tc.want)
			_ = apitest.Printed(tc.err)
			require.NotErrorIs(t, tc.err, apono.ErrNotFound, "no match")
		})
	}
}

func TestErrorTextIsTruncated(t *testing.T) {
	t.Parallel()
	err := &apono.APIError{StatusCode: 400, Message: strings.Repeat("ü", 5000)}
	require.EqualError(t, err, "apono: 400 Bad Request: "+strings.Repeat("ü", 150)+"…")
}

func TestErrorsContainNeitherCookiesNorToken(t *testing.T) {
	t.Parallel()
	echo := map[string]string{"Set-Cookie": "session=s-1", "X-Echo": "Bearer " + apitest.Token, "X-Request-Id": "r-" + apitest.Token}
	object := `{"message":"unknown token ` + apitest.Token + `","code":"` + apitest.Token + `"}`
	for _, tc := range []struct {
		name     string
		response script.Response
		kind     string
	}{
		{"error status", script.Response{Status: 403, Header: echo, Body: object}, "*apono.APIError"},
		{"error status with plain text", script.Response{Status: 403, Header: echo, Body: apitest.Token}, "*apono.APIError"},
		{"error status before a deadline", script.Response{Status: 429, Header: echo, Body: object}, "*apono.TransportError"},
		{"not JSON", script.Response{Header: echo, Body: apitest.Token}, "*apono.DecodeError"},
		{"bad time", script.Response{Header: echo, Body: `{"last_sync_time":"` + apitest.Token + `"}`}, "*apono.DecodeError"},
		{"cut", script.Response{Header: echo, Body: apitest.Token, BodyErr: io.ErrUnexpectedEOF}, "*apono.DecodeError"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				err := apitest.CallWith(ctx, http.MethodPost, apitest.NewClient(t, script.New(t, tc.response)))
				require.Equal(t, tc.kind, fmt.Sprintf("%T", err))
				var all strings.Builder
				all.WriteString(apitest.Printed(err))
				apitest.PrintReachable(reflect.ValueOf(err), map[uintptr]bool{}, &all)
				require.NotContains(t, all.String(), apitest.Token)
				require.NotContains(t, all.String(), fmt.Sprintf("%x", apitest.Token))
				require.NotContains(t, all.String(), "session=s-1")
				require.Contains(t, all.String(), "r-[redacted]")
			})
		})
	}
}

// A nil or zero object without an error would mislead the caller.
func TestResponseWithoutObjectIsDecodeError(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, *apono.Client) (any, error){
		"Get":     func(ctx context.Context, c *apono.Client) (any, error) { return c.Integrations.Get(ctx, "i-1") },
		"List":    func(ctx context.Context, c *apono.Client) (any, error) { return c.Integrations.List(ctx) },
		"Refresh": func(ctx context.Context, c *apono.Client) (any, error) { return c.Integrations.Refresh(ctx, "i-1") },
		"ListCatalog": func(ctx context.Context, c *apono.Client) (any, error) {
			return c.Integrations.ListCatalog(ctx)
		},
		"UpdateResourceTags": func(ctx context.Context, c *apono.Client) (any, error) {
			return c.Integrations.UpdateResourceTags(ctx, "r-1", apono.UpdateResourceTagsInput{})
		},
	}
	for name, response := range map[string]script.Response{
		"empty":          {},
		"space":          {Body: " \r\n"},
		"no content":     {Status: 204},
		"null":           {Body: "null"},
		"null and space": {Body: " null\n"},
		"HTML":           {Body: "<html>Sign in</html>"},
		"plain text":     {Body: "OK"},
		"string":         {Body: `"OK"`},
		"number":         {Body: "1"},
		"array":          {Body: "[]"},
		"trailing text":  {Body: `{"items":[],"data":[],"pagination":{}} OK`},
		"two objects":    {Body: `{"items":[],"data":[],"pagination":{}}{}`},
		"half an object": {Body: `{"items":[`},
	} {
		for method, call := range calls {
			t.Run(name+" to "+method, func(t *testing.T) {
				t.Parallel()
				fake := script.New(t, response)
				value, err := call(t.Context(), apitest.NewClient(t, fake))
				unusable := apitest.ErrorAs[*apono.DecodeError](t, err)
				require.Truef(t, reflect.ValueOf(value).IsNil(), "no object, got %+v", value)
				require.Equal(t, max(response.Status, 200), unusable.StatusCode)
				require.Truef(t, bytes.Equal(unusable.Body, []byte(response.Body)), "the error has the body %q", unusable.Body)
				require.Equal(t, 1, unusable.Attempts)
				require.Error(t, unusable.Err, "a cause")
				apitest.IsPresentable(t, err)
			})
		}
	}
}

func TestDecodeErrorText(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                 "the body is empty",
		"null":             "the body is null",
		"<html>":           "an HTML page instead of JSON: a proxy or gateway may have responded",
		`{"name":"a"} ok`:  "invalid character 'o' after top-level value",
		`{"name":["a@b"]}`: "name: cannot unmarshal array into Go string",
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, script.New(t, script.Response{Body: body})))
			require.EqualError(t, apitest.ErrorAs[*apono.DecodeError](t, err), "apono: GET /api/admin/v4/integrations/{id}: 200 OK, but the body is unusable: "+want)
		})
	}
}

// A 404 that is not the API's comes from another server.
func TestNotFoundNamesTheBaseURL(t *testing.T) {
	t.Parallel()
	const hint = "; check the base URL in APONO_ENDPOINT or WithBaseURL"
	for name, test := range map[string]struct {
		base, body string
		status     int
		want       string
	}{
		"text":                    {"https://apono.test", "404 page not found", 404, "404 Not Found: 404 page not found" + hint},
		"no body":                 {"https://apono.test", "", 404, "404 Not Found" + hint},
		"a path":                  {apono.DefaultBaseURL + "/v1", "", 404, "404 Not Found" + hint},
		"the API's":               {"https://apono.test", `{"status":"404","code":"NotFound"}`, 404, "404 Not Found, code NotFound"},
		"the default":             {apono.DefaultBaseURL, "404 page not found", 404, "404 Not Found: 404 page not found"},
		"the default and a slash": {apono.DefaultBaseURL + "/", "", 404, "404 Not Found"},
		"another status":          {"https://apono.test", "no", 403, "403 Forbidden: no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Status: test.status, Body: test.body})
			err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake, apono.WithBaseURL(test.base)))
			require.EqualError(t, err, "apono: GET /api/admin/v4/integrations/{id}: "+test.want)
		})
	}
}

func TestErrorTextsMaskAddresses(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"no ann@example.com here":               "no [e-mail] here",
		"no /users/ann%40example.com here":      "no [e-mail] here",
		"no /users/ann%2540example.com here":    "no [e-mail] here",
		"no ann＠example.com here":               "no [e-mail] here",
		"no ann@example.com, ann%40example.com": "no [e-mail] [e-mail]",
		"sent @ noon to 40%":                    "sent @ noon to 40%",
		"＠ noon":                                "＠ noon",
	} {
		require.EqualError(t, &apono.APIError{StatusCode: 400, Message: message}, "apono: 400 Bad Request: "+want)
	}
}

// The attributes of an error contain neither header nor body.
func TestAPIErrorLogValue(t *testing.T) {
	t.Parallel()
	body := `{"message":"ann@example.com\nis unknown","code":"E7"}`
	header := map[string]string{"X-Request-Id": "r-1", "X-Internal": "secret"}
	err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, script.New(t, script.Response{Status: 404, Body: body, Header: header})))
	rejected := apitest.ErrorAs[*apono.APIError](t, err)
	require.Equal(t, "ann@example.com\nis unknown", rejected.Message)
	require.Equal(t, "[status=404 method=GET path=/api/admin/v4/integrations/{id} code=E7 "+
		"message=[e-mail] is unknown request_id=r-1 attempts=1]", rejected.LogValue().String())
}

// Each part of a call has its own timeout, some of which are neither a net.Error nor
// context.DeadlineExceeded.
func TestTransportErrorTimeout(t *testing.T) {
	t.Parallel()
	silent := apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, errors.New("net/http: request canceled")
	})
	failing := func(err error) http.RoundTripper {
		return apitest.RoundTripFunc(func(*http.Request) (*http.Response, error) { return nil, err })
	}
	for _, tc := range []struct {
		name    string
		client  *http.Client
		opts    []apono.Option
		timeout bool
		text    string
	}{
		{"http.Client", &http.Client{Transport: silent, Timeout: 200 * time.Millisecond}, nil, true, "no response within 0.2 s: raise the Timeout of the http.Client for a slow server"},
		{"attempt", &http.Client{Transport: silent}, []apono.Option{apono.WithAttemptTimeout(time.Second)}, true, "no response within 1 s: raise WithAttemptTimeout for a slow server"},
		{"response header", &http.Client{Transport: failing(netTimeout("net/http: timeout awaiting response headers"))}, nil, true, "net/http: timeout awaiting response headers"},
		{"dialer", &http.Client{Transport: failing(&net.OpError{Op: "dial", Net: "tcp", Err: netTimeout("i/o timeout")})}, nil, true, "dial tcp: i/o timeout"},
		{"no timeout", &http.Client{Transport: failing(apitest.ErrReset)}, nil, false, "connection reset by peer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := apitest.NewClient(t, apitest.NoRequest(t), append(tc.opts, apono.WithHTTPClient(tc.client))...)
				err := apitest.CallWith(apono.WithoutRetry(t.Context()), http.MethodPost, client)
				require.EqualError(t, err, "apono: POST /api/admin/v4/integrations: "+tc.text)
				require.Equal(t, tc.timeout, errors.Is(err, context.DeadlineExceeded))
				timeout := apitest.ErrorAs[net.Error](t, err)
				require.Same(t, apitest.ErrorAs[*apono.TransportError](t, err), timeout)
				require.Equal(t, tc.timeout, timeout.Timeout())
				require.Equal(t, tc.timeout, timeout.Temporary()) //nolint:staticcheck // part of net.Error
			})
		})
	}
}

// netTimeout is a timeout that does not match context.DeadlineExceeded, such as that of a
// TLS handshake.
type netTimeout string

func (e netTimeout) Error() string { return string(e) }
func (netTimeout) Timeout() bool   { return true }
func (netTimeout) Temporary() bool { return true }

func TestErrMaybeDone(t *testing.T) {
	t.Parallel()
	once := apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 1})
	cut := script.Response{Body: `{"id":`, BodyErr: io.ErrUnexpectedEOF}
	for _, test := range []struct {
		name      string
		method    string
		responses []script.Response
		want      bool
	}{
		{"500", http.MethodPost, []script.Response{{Status: 500}}, true},
		{"408", http.MethodPost, []script.Response{{Status: 408}}, true},
		{"503 of a PUT", http.MethodPut, []script.Response{{Status: 503}, {Status: 503}, {Status: 503}}, true},
		{"400", http.MethodPost, []script.Response{{Status: 400}}, false},
		{"429", http.MethodPost, []script.Response{{Status: 429}, {Status: 429}, {Status: 429}}, false},
		{"403 after 500", http.MethodPut, []script.Response{{Status: 500}, {Status: 403}}, true},
		{"403 after 429", http.MethodPut, []script.Response{{Status: 429}, {Status: 403}}, false},
		{"403 after a reset", http.MethodDelete, []script.Response{{Err: apitest.ErrReset}, {Status: 403}}, true},
		{"reset", http.MethodPost, []script.Response{{Err: apitest.ErrReset}}, true},
		{"refused", http.MethodPost, []script.Response{{Err: apitest.ErrConnectionRefused}, {Err: apitest.ErrConnectionRefused}, {Err: apitest.ErrConnectionRefused}}, false},
		{"cut body", http.MethodPost, []script.Response{cut}, true},
		{"no object", http.MethodPost, []script.Response{{Body: `{}`}}, true},
		{"500 of a read", http.MethodGet, []script.Response{{Status: 500}, {Status: 500}, {Status: 500}}, false},
		{"cut body of a read", http.MethodGet, []script.Response{cut, cut, cut}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := apitest.CallWith(t.Context(), test.method, apitest.NewClient(t, script.New(t, test.responses...), apitest.Quickly))
			require.Error(t, err)
			require.Equal(t, test.want, errors.Is(err, apono.ErrMaybeDone), err)
		})
	}
	_, err := apitest.NewClient(t, script.New(t, script.Response{Body: `{}`}), once).Sessions.GetAccessDetails(t.Context(), "s")
	require.ErrorIs(t, err, apono.ErrMaybeDone, "credentials may have been used up")
}

// The error names the cause, such as a proxy, rather than an invalid character.
func TestErrorsNameHTMLAndCompressedBodies(t *testing.T) {
	t.Parallel()
	var compressed bytes.Buffer
	writer := gzip.NewWriter(&compressed)
	_, _ = writer.Write([]byte(apitest.OneIntegration))
	_ = writer.Close()
	const (
		unusable = "200 OK, but the body is unusable: "
		place    = " instead of JSON: a proxy or gateway may have responded"
		page     = "an HTML page"
		check    = "; check the base URL in APONO_ENDPOINT or WithBaseURL"
	)
	for _, tc := range []struct {
		name, kind, body, want string
		status                 int
	}{
		{"login page", "text/html", "<!doctype html>\n<title>\n Sign in &amp; go </title>", unusable + page + ` titled "Sign in & go"` + place, 200},
		{"login page as 403", "text/html", "<html><head><TITLE lang=en>Sign in</TITLE>", "403 Forbidden: " + page + ` titled "Sign in"` + place, 403},
		{"page as 404", "text/html", "<title>Not here</title>", "404 Not Found: " + page + ` titled "Not here"` + place + check, 404},
		{"text with the type of HTML", "text/html; charset=utf-8", "Bad gateway", "403 Forbidden: Bad gateway", 403},
		{"no body with the type of HTML", "text/html", "", "403 Forbidden", 403},
		{"no body with the type of HTML and status 200", "text/html", "", unusable + "the body is empty", 200},
		{"HTML after text", "text/html", "Sorry <br>", "403 Forbidden: " + page + place, 403},
		{"HTML without a type", "", "\ufeff\n<p>", unusable + page + place, 200},
		{"title too long", "", "<title>" + strings.Repeat("x", 200) + "</title>", unusable + page + ` titled "` + strings.Repeat("x", 100) + `…"` + place, 200},
		{"title with an address", "", "<title>Hello ann@example.com</title>", unusable + page + ` titled "Hello [e-mail]"` + place, 200},
		{"title with the token", "", "<title>Hello " + apitest.Token + "</title>", unusable + page + ` titled "Hello [redacted]"` + place, 200},
		{"XHTML", "", `<?xml version="1.0"?><html xmlns="x"><title>Hello</title>`, unusable + page + ` titled "Hello"` + place, 200},
		{"XML", "application/xml", `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`, "403 Forbidden: an XML document" + place, 403},
		{"gzip", "application/json", compressed.String(), unusable + "the body is still compressed with gzip: unset http.Transport.DisableCompression and Accept-Encoding", 200},
		{"gzip as 404", "", compressed.String(), "404 Not Found: the body is still compressed with gzip: unset http.Transport.DisableCompression and Accept-Encoding" + check, 404},
		{"JSON with the type of HTML", "text/html", `{"id":7}`, unusable + "id: cannot unmarshal number into Go string", 200},
		{"JSON that is called a page, as 404", "text/html", `{"message":"no such thing"}`, "404 Not Found: no such thing", 404},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Status: tc.status, Header: map[string]string{"Content-Type": tc.kind}, Body: tc.body})
			err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake))
			require.EqualError(t, err, "apono: GET /api/admin/v4/integrations/{id}: "+tc.want)
		})
	}
	for encoding, named := range map[string]string{"br": "br", "zstd": "zstd", "deflate": "deflate", "Gzip, BR": "gzip, br"} {
		for status, start := range map[int]string{200: unusable, 403: "403 Forbidden: "} {
			fake := script.New(t, script.Response{Status: status, Header: map[string]string{"Content-Encoding": encoding}, Body: "\x0b\x02\x80ab\x03"})
			err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake))
			require.EqualError(t, err, "apono: GET /api/admin/v4/integrations/{id}: "+start+"the body is compressed with "+named+", which is not supported: unset Accept-Encoding")
		}
	}
	// The header may be wrong.
	for encoding, body := range map[string]string{"br": `{"message":"no"}`, "identity": "no"} {
		fake := script.New(t, script.Response{Status: 403, Header: map[string]string{"Content-Encoding": encoding}, Body: body})
		require.EqualError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake)), "apono: GET /api/admin/v4/integrations/{id}: 403 Forbidden: no")
	}
	// A call without a result reports HTML as well.
	fake := script.New(t, script.Response{Body: "<title>Sign in</title>"})
	err := apitest.CallWith(t.Context(), http.MethodDelete, apitest.NewClient(t, fake))
	require.ErrorContains(t, apitest.ErrorAs[*apono.DecodeError](t, err), page+` titled "Sign in"`+place)
}
