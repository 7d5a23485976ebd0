package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/hostile"
	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/require"
)

// hostileClient returns a client of a hostile server and a counter of its bodies.
// The client logs to records unless that is nil.
func hostileClient(t *testing.T, server *hostile.Server, records *bytes.Buffer, opts ...apono.Option) (*apono.Client, *closing) {
	t.Helper()
	counting := new(closing)
	all := []apono.Option{
		apono.WithBaseURL(server.URL), apono.WithHTTPClient(&http.Client{Transport: server.Transport()}),
		apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			counting.next = next
			return counting
		}),
		apono.WithMaxResponseBytes(1 << 16), apitest.Quickly,
	}
	if records != nil {
		all = append(all, apitest.JSONLogger(records))
	}
	client, err := apono.NewClient(apitest.Token, append(all, opts...)...)
	require.NoError(t, err)
	return client, counting
}

// anyObject is a response that every verb accepts.
const anyObject = `{"id":"i-1","name":"prod","instructions":"none"}`

// verb is a call whose errors and retries depend on its kind.
type verb struct {
	name, method, path, template, body string
	call                               func(ctx context.Context, c *apono.Client) error
}

var verbs = []verb{
	{
		"GET", "GET", "/api/admin/v4/integrations/i-1", "/api/admin/v4/integrations/{id}", "",
		func(ctx context.Context, c *apono.Client) error { return apitest.CallWith(ctx, http.MethodGet, c) },
	},
	{
		"PUT", "PUT", "/api/admin/v4/integrations/i-1", "/api/admin/v4/integrations/{id}", `{"name":"prod","integration_config":{}}`,
		func(ctx context.Context, c *apono.Client) error { return apitest.CallWith(ctx, http.MethodPut, c) },
	},
	{
		"DELETE", "DELETE", "/api/admin/v4/integrations/i-1", "/api/admin/v4/integrations/{id}", "",
		func(ctx context.Context, c *apono.Client) error { return apitest.CallWith(ctx, http.MethodDelete, c) },
	},
	{
		"POST", "POST", "/api/admin/v4/integrations", "/api/admin/v4/integrations", `{"name":"prod","type":"postgresql","integration_config":{}}`,
		func(ctx context.Context, c *apono.Client) error { return apitest.CallWith(ctx, http.MethodPost, c) },
	},
	{
		"PATCH", "PATCH", "/api/v1/access-bundles/b-1", "/api/v1/access-bundles/{id}", `{"name":"prod"}`,
		func(ctx context.Context, c *apono.Client) error {
			_, err := c.Legacy.AccessBundles.Update(ctx, "b-1", apono.UpdateAccessBundleV1Input{Name: new("prod")})
			return err
		},
	},
	{
		"consuming read", "GET", "/api/user/v1/access-sessions/s-1/access-details", "/api/user/v1/access-sessions/{id}/access-details", "",
		func(ctx context.Context, c *apono.Client) error {
			_, err := c.Sessions.GetAccessDetails(ctx, "s-1")
			return err
		},
	},
}

// outcome is the outcome of a call: the number of attempts, the type of the error,
// and its text after method and path. A star in the text matches any text.
type outcome struct {
	attempts int
	kind     string
	text     string
}

func ok(attempts int) outcome { return outcome{attempts: attempts} }

func rejected(attempts int, text string) outcome { return outcome{attempts, "*apono.APIError", text} }

func unusable(attempts int, text string) outcome {
	return outcome{attempts, "*apono.DecodeError", text}
}

// unsent is the outcome of a request that did not reach the server.
func unsent(attempts int, text string) outcome { return outcome{attempts, "unsent", text} }

// lost is the outcome of a request that may have reached the server.
func lost(attempts int, text string) outcome { return outcome{attempts, "lost", text} }

// The columns of the table of retries in the README. There are no retries after other
// outcomes.
const (
	column429    = "429"
	columnStatus = "408, 425, 500, 502, 503, 504"
	columnUnsent = "connection failed before sending"
	columnBroken = "connection broke later, or the body was cut short"
	never        = ""
)

// scenario is the behavior of a server and the outcome of each kind of call.
type scenario struct {
	name   string
	modes  []hostile.Mode
	column string  // of the table in the README, for the first mode
	safe   outcome // of GET, PUT and DELETE
	other  outcome // of POST and PATCH
	once   outcome // of consuming reads
	del    outcome // of DELETE if not zero
	unread bool    // the server does not receive the requests
	slow   bool    // the server is slower than the attempt timeout
	opts   []apono.Option
}

// test runs a test of the scenario. Tests with a slow server run in fake time.
func (s scenario) test(t *testing.T, run func(t *testing.T, newServer func(testing.TB, ...hostile.Mode) *hostile.Server)) {
	t.Helper()
	if !s.slow {
		run(t, hostile.New)
		return
	}
	synctest.Test(t, func(t *testing.T) { run(t, hostile.NewInMemory) })
}

func (s scenario) want(v verb) outcome {
	switch {
	case v.name == "DELETE" && s.del != outcome{}:
		return s.del
	case v.method == "POST" || v.method == "PATCH":
		return s.other
	case v.name == "consuming read":
		return s.once
	}
	return s.safe
}

// same returns a scenario with the same outcome for all calls.
func same(name string, want outcome, modes ...hostile.Mode) scenario {
	return scenario{name: name, modes: modes, safe: want, other: want, once: want}
}

// confirmed is same with another outcome for DELETE, whose response has no content.
func confirmed(name string, want, del outcome, modes ...hostile.Mode) scenario {
	s := same(name, want, modes...)
	s.del = del
	return s
}

// unidentified is a response without what identifies an object.
func unidentified(name, body string) scenario {
	s := confirmed(name, unusable(1, "200 OK, but the body is unusable: id is missing"), ok(1), hostile.JSON(body))
	s.once = unusable(1, "200 OK, but the body is unusable: instructions, custom_admin_message, parameters, cli, link are missing")
	return s
}

const (
	cut      = "200 OK, but the body is unusable: unexpected EOF"
	tooLarge = "200 OK, but the body is unusable: the body is larger than the limit"
	notJSON  = "200 OK, but the body is unusable: the body is not JSON"
	late     = "no response within 0.05 s: raise WithAttemptTimeout for a slow server"
	lateBody = "only * bytes of the body within *: raise WithAttemptTimeout for a slow server"
	slowDown = "429 Too Many Requests: slow down"
)

// dialError returns the error text of dialing a port without a listener.
func dialError() string {
	_, err := hostile.Dial(context.Background(), "tcp", "127.0.0.1:1")
	return err.Error()
}

func scenarios() []scenario {
	good := hostile.JSON(anyObject)
	all := []scenario{
		same("good", ok(1), good),
		same("good in HTTP/1.0", ok(1), hostile.HTTP10(anyObject)),
		same("good after 100 Continue", ok(1), hostile.Raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+anyObject)),

		// Rejected requests.
		same("300", rejected(1, "300 Multiple Choices"), hostile.Status(300, "")),
		same("304", rejected(1, "304 Not Modified"), hostile.Raw("HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n")),
		same("400 with an object", rejected(1, "400 Bad Request"), hostile.Status(400, anyObject)),
		same("401 as documented", rejected(1, "401 Unauthorized"), hostile.Unauthorized()),
		same("403", rejected(1, "403 Forbidden: not yours"), hostile.Status(403, `{"message":"not yours"}`)),
		same("404 with HTML", rejected(1, "404 Not Found: an HTML page*"), hostile.HTML(404)),
		same("409", rejected(1, "409 Conflict: it exists, code E9"), hostile.Status(409, `{"message":"it exists","code":"E9"}`)),
		same("422", rejected(1, "422 Unprocessable Entity: name: too long"), hostile.Status(422, `{"errors":["name: too long"]}`)),
		same("501", rejected(1, "501 Not Implemented"), hostile.Status(501, "")),
		same("101", rejected(1, "101 Switching Protocols"), hostile.Raw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")),

		// A wait that is too long ends the call. The dates are an hour after the
		// Date header.
		overlong("429 for an hour", "3600", "3600 s"),
		overlong("429 until a date", "Sat, 01 Jan 2000 01:00:00 GMT", "3600 s"),
		overlong("429 until a date of RFC 850", "Saturday, 01-Jan-00 01:00:00 GMT", "3600 s"),
		overlong("429 until a date of asctime", "Sat Jan  1 01:00:00 2000", "3600 s"),
		overlong("429 for centuries", "9223372037", "9223372036 s"),
		overlong("429 for longer than an int64", "18446744073709551615", "9223372036 s"),
	}
	for name, retryAfter := range map[string]string{
		"without a time": "", "for 0 s": "0", "for a negative time": "-7", "for a fraction": "7.5", "for invalid text": "soon \xff",
		"until a date in the past": "Fri, 31 Dec 1999 23:00:00 GMT", "until an incomplete date": "Sat, 01 Jan",
	} {
		limited := hostile.RateLimited(retryAfter)
		all = append(
			all,
			scenario{name: "429 " + name, modes: []hostile.Mode{limited}, column: column429, safe: rejected(3, slowDown), other: rejected(3, slowDown), once: rejected(1, slowDown)},
			scenario{name: "429 " + name + ", then good", modes: []hostile.Mode{limited, good}, column: column429, safe: ok(2), other: ok(2), once: rejected(1, slowDown)},
		)
	}
	for status, text := range map[int]string{
		408: "408 Request Timeout: down", 425: "425 Too Early: down", 500: "500 Internal Server Error: down", 502: "502 Bad Gateway: down",
		503: "503 Service Unavailable: down", 504: "504 Gateway Timeout: down",
	} {
		down := hostile.Status(status, `{"message":"down"}`)
		for name, s := range map[string]scenario{
			"always":     {modes: []hostile.Mode{down}, safe: rejected(3, text)},
			"then good":  {modes: []hostile.Mode{down, good}, safe: ok(2)},
			"then reset": {modes: []hostile.Mode{down, hostile.ResetRead(), good}, safe: ok(3)},
			"then 403":   {modes: []hostile.Mode{down, hostile.Status(403, "")}, safe: rejected(2, "403 Forbidden")},
		} {
			s.name, s.column, s.other, s.once = fmt.Sprintf("%d, %s", status, name), columnStatus, rejected(1, text), rejected(1, text)
			all = append(all, s)
		}
	}
	// A 404 for the retry of a DELETE is success if an earlier attempt may have been
	// carried out.
	gone := hostile.Status(404, "{}")
	all = append(all, scenario{
		name: "500, then 404", modes: []hostile.Mode{hostile.Status(500, ""), gone}, column: columnStatus,
		safe: rejected(2, "404 Not Found"), del: ok(2), other: rejected(1, "500 Internal Server Error"), once: rejected(1, "500 Internal Server Error"),
	}, scenario{
		name: "429, then 404", modes: []hostile.Mode{hostile.RateLimited(""), gone}, column: column429,
		safe: rejected(2, "404 Not Found"), other: rejected(2, "404 Not Found"), once: rejected(1, slowDown),
	})

	// Connections. The text of a reset depends on the operating system.
	const reset = "read tcp 127.0.0.1:*->127.0.0.1:*: *"
	noListener := dialError()
	all = append(
		all,
		scenario{name: "no listener", modes: []hostile.Mode{hostile.NoListener()}, column: columnUnsent, unread: true, safe: unsent(3, noListener), other: unsent(3, noListener), once: unsent(3, noListener)},
		scenario{name: "no listener, then good", modes: []hostile.Mode{hostile.NoListener(), hostile.NoListener(), good}, column: columnUnsent, safe: ok(3), other: ok(3), once: ok(3)},
		broken("reset before the request was read", lost, reset, hostile.ResetUnread()),
		broken("reset after the request was read", lost, reset, hostile.ResetRead()),
		broken("hung up", lost, "EOF", hostile.HangUp()),
		broken("another protocol", lost, `net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0-OpenSSH_9.6"`, hostile.Raw("SSH-2.0-OpenSSH_9.6\r\n")),
		broken("half a status line", lost, `net/http: HTTP/1.x transport connection broken: malformed HTTP status code "2"`, hostile.Raw("HTTP/1.1 2")),
		broken("status out of range", lost, "*", hostile.Raw("HTTP/1.1 99999999999 OK\r\n\r\n")),
		broken("invalid length", lost, "*", hostile.Raw("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")),
		broken("negative length", lost, "*", hostile.Raw("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")),
		broken("two lengths", lost, "*", hostile.Raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}")),
		broken("header without a colon", lost, "*", hostile.Raw("HTTP/1.1 200 OK\r\nBroken\r\n\r\n")),
		broken("header without end", lost, "net/http: HTTP/1.x transport connection broken: *", hostile.Raw("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<18))),
		broken("header that drips", lost, late, hostile.DripHeader()),
		broken("body that drips", unusable, "200 OK, but the body is unusable: "+lateBody, hostile.DripBody()),
		broken("header without a body", unusable, cut, hostile.HeaderOnly()),
		broken("body cut short of its length", unusable, cut, hostile.CutLength(anyObject)),
		broken("body cut between chunks", unusable, cut, hostile.CutChunked(anyObject)),
		broken("body cut inside a chunk", unusable, cut, hostile.Raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{")),
		broken("bad chunks", unusable, "200 OK, but the body is unusable: invalid byte in chunk length", hostile.Raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")),
		broken("gzip cut short", unusable, cut, hostile.CutGzip(anyObject)),
		broken("gzip with another checksum", unusable, "200 OK, but the body is unusable: gzip: invalid checksum", hostile.CorruptGzip(anyObject)),
		broken("not gzip", unusable, "200 OK, but the body is unusable: gzip: invalid header", hostile.Response(200, map[string]string{"Content-Encoding": "gzip"}, anyObject)),
	)

	// Bodies.
	const unfit = "200 OK, but the body is unusable: "
	all = append(
		all,
		same("gzip bomb", unusable(1, tooLarge), hostile.GzipBomb(1)),
		same("endless body", unusable(1, tooLarge), hostile.Endless()),
		same("rejection with a large body", rejected(1, "403 Forbidden: "+strings.Repeat("x", 300)+"…"), hostile.Status(403, strings.Repeat("x", 1<<17))),
		same("invalid UTF-8", ok(1), hostile.JSON("{\"id\":\"\xff\xfe\",\"cli\":\"\xff\"}")),
		same("a duplicate member", ok(1), hostile.JSON(`{"id":"i-1","id":"i-2","cli":null,"cli":null}`)),
		unidentified("an empty object", `{}`),
		unidentified("another object", `{"message":"maintenance"}`),
		unidentified("an object in an envelope", `{"data":{"id":"i-1","instructions":"none"}}`),
		unidentified("names in another case", `{"ID":"i-1","Id":"i-1","Instructions":"none"}`),
		confirmed("a string", unusable(1, unfit+"cannot unmarshal string into Go struct"), ok(1), hostile.JSON(`"OK"`)),
		confirmed("an array", unusable(1, unfit+"cannot unmarshal array into Go struct"), ok(1), hostile.JSON(`[]`)),
		confirmed("trailing bytes", unusable(1, unfit+"invalid character 'O' after top-level value"), unusable(1, notJSON), hostile.JSON(anyObject+" OK")),
		confirmed("two objects", unusable(1, unfit+"invalid character '{' after top-level value"), unusable(1, notJSON), hostile.JSON(`{}{}`)),
		confirmed("deep nesting", unusable(1, unfit+"exceeded max depth"), unusable(1, notJSON), hostile.JSON(`{"x":`+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)+"}")),
		confirmed("null", unusable(1, unfit+"the body is null"), ok(1), hostile.JSON(" null\n")),
		confirmed("an empty body", unusable(1, unfit+"the body is empty"), ok(1), hostile.JSON("")),
		confirmed("204", unusable(1, "204 No Content, but the body is unusable: the body is empty"), ok(1), hostile.NoContent()),
		same("a page of HTML", unusable(1, unfit+"an HTML page* JSON: *"), hostile.HTML(200)),
	)

	// Redirects.
	all = append(
		all,
		same("301", rejected(1, "301 Moved Permanently"), hostile.Redirect(301, "/api/admin/v4/integrations/i-2"), good),
		same("307", rejected(1, "307 Temporary Redirect"), hostile.Redirect(307, "/api/admin/v4/integrations/i-2"), good),
	)
	return all
}

// overlong returns a scenario with a Retry-After longer than MaxRetryAfter.
func overlong(name, retryAfter, wait string) scenario {
	return same(name, rejected(1, slowDown+", retry after "+wait), hostile.RateLimited(retryAfter))
}

// broken returns a scenario of a failure after which it is unknown whether the
// request was carried out.
func broken(name string, kind func(int, string) outcome, text string, mode hostile.Mode) scenario {
	s := scenario{name: name, modes: []hostile.Mode{mode}, column: columnBroken, safe: kind(3, text), other: kind(1, text), once: kind(1, "*"+text)}
	s.unread = strings.Contains(name, "before the request was read")
	if s.slow = strings.Contains(name, "drips"); s.slow {
		s.opts = []apono.Option{apono.WithAttemptTimeout(50 * time.Millisecond)}
	}
	return s
}

// matches reports whether a text matches a pattern with stars for any text.
func matches(pattern, text string) bool {
	quoted := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`)
	return regexp.MustCompile("^" + quoted + "$").MatchString(text)
}

// isOutcome fails the test unless a call ended as wanted.
func isOutcome(t *testing.T, err error, v verb, want outcome) {
	t.Helper()
	if want.kind == "" {
		require.NoError(t, err)
		return
	}
	require.Errorf(t, err, "no error; want %s", want.text)
	text := "apono: " + v.method + " " + v.template + ": " + want.text
	if want.attempts > 1 && want.kind != "*apono.DecodeError" {
		text += fmt.Sprintf(", after %d attempts", want.attempts)
	}
	require.Truef(t, matches(text, err.Error()), "wrong text: %s; want %s", err, text)
	kind, attempts := fmt.Sprintf("%T", err), 0
	switch err := err.(type) { //nolint:errorlint // not wrapped
	case *apono.APIError:
		attempts = err.Attempts
	case *apono.DecodeError:
		attempts = err.Attempts
	case *apono.TransportError:
		attempts = err.Attempts
		kind = map[bool]string{true: "lost", false: "unsent"}[err.MaybeSent]
	}
	if want.kind == "lost" && v.name == "GET" {
		want.kind = "unsent" // MaybeSent is always false for reads
	}
	require.Equal(t, want.kind, kind)
	require.Equal(t, want.attempts, attempts)
	apitest.IsPresentable(t, err)
}

// Servers, proxies and networks may behave in each of these ways. No create may be
// sent twice, no incomplete response may count as complete, and every error must
// name its cause.
func TestHostileServer(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios() {
		for _, v := range verbs {
			t.Run(s.name+" to "+v.name, func(t *testing.T) {
				t.Parallel()
				s.test(t, func(t *testing.T, newServer func(testing.TB, ...hostile.Mode) *hostile.Server) {
					server := newServer(t, s.modes...)
					var records bytes.Buffer
					client, bodies := hostileClient(t, server, &records, s.opts...)
					err := v.call(t.Context(), client)
					want := s.want(v)
					isOutcome(t, err, v, want)

					accepted, failed := server.Connections()
					require.Equal(t, want.attempts, accepted+failed)
					requests := server.Requests()
					if s.unread {
						require.Empty(t, requests)
					} else {
						require.Len(t, requests, want.attempts-failed)
					}
					for _, req := range requests {
						require.Equal(t, v.method+" "+v.path+" ", req.Method+" "+req.Path+" "+req.Query)
						require.Equal(t, "Bearer "+apitest.Token, req.Header.Get("Authorization"))
						require.Equal(t, v.body == "", req.Body == "")
						if v.body != "" {
							apitest.JSONEq(t, v.body, req.Body)
						}
					}
					require.Equal(t, want.attempts, strings.Count(records.String(), "\n"))
					isWithoutToken(t, err, records.String())
					require.Zero(t, bodies.open.Load())
					server.WaitClosed(client.CloseIdleConnections)
				})
			})
		}
	}
}

// isWithoutToken fails the test if an error or a text contains the token.
func isWithoutToken(t *testing.T, err error, texts ...string) {
	t.Helper()
	var all strings.Builder
	all.WriteString(strings.Join(texts, "\n"))
	if err != nil {
		all.WriteString(apitest.Printed(err))
		apitest.PrintReachable(reflect.ValueOf(err), map[uintptr]bool{}, &all)
	}
	require.NotContains(t, all.String(), apitest.Token)
	require.NotContains(t, all.String(), fmt.Sprintf("%x", apitest.Token))
}

// retryTable is the table of retries in the README, which users rely on.
const retryTable = `| | 429 | 408, 425, 500, 502, 503, 504 | connection failed before sending | connection broke later, or the body was cut short |
|---|---|---|---|---|
| GET, PUT, DELETE | yes | yes | yes | yes |
| POST, PATCH | yes | **no** | yes | **no** |
| reads that use up one-time credentials | **no** | **no** | yes | **no** |
`

// isRetried reports whether a request is retried according to the table in the README.
func isRetried(row, column string) bool {
	lines := strings.Split(retryTable, "\n")
	columns := strings.Split(lines[0], " | ")
	for _, line := range lines[2:] {
		cells := strings.Split(line, " | ")
		for i, cell := range cells {
			if strings.TrimPrefix(cells[0], "| ") == row && i > 0 && strings.TrimSuffix(columns[i], " |") == column {
				return strings.TrimSuffix(cell, " |") == "yes"
			}
		}
	}
	return false
}

func TestReadmeHasTableOfRetries(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(apitest.Path("README.md"))
	require.NoError(t, err)
	require.Contains(t, string(readme), "\n\n"+retryTable+"\n")
	for _, row := range []string{"GET, PUT, DELETE", "POST, PATCH", "reads that use up one-time credentials"} {
		require.Truef(t, isRetried(row, columnUnsent), "requests that were not sent must be retried: %s", row)
	}
}

// acting returns the operations that take effect twice if they are sent twice.
func acting() []*operation.Operation {
	var all []*operation.Operation
	for _, op := range operation.All() {
		if op.Method == http.MethodPost || op.Method == http.MethodPatch || strings.HasSuffix(op.Path, "/access-details") {
			all = append(all, op)
		}
	}
	return all
}

// An access request that is created twice may leave access that is not revoked. The
// table in the README holds for every operation, also through Client.Do.
func TestActingOperationsAreNotSentTwice(t *testing.T) {
	t.Parallel()
	require.Len(t, acting(), 23)
	for _, s := range scenarios() {
		if strings.Contains(s.name, ", then") {
			continue // another scenario has the same first mode
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.test(t, func(t *testing.T, newServer func(testing.TB, ...hostile.Mode) *hostile.Server) {
				for _, op := range acting() {
					row, in := "POST, PATCH", any(map[string]any{"name": "prod"})
					if op.Method == http.MethodGet {
						row, in = "reads that use up one-time credentials", nil
					}
					// The server handles all requests with the first mode, so that every
					// retry is counted.
					server := newServer(t, s.modes[0])
					client, _ := hostileClient(t, server, nil, s.opts...)
					path := op.Fill(func(int, string) string { return "x" })
					_ = client.Do(t.Context(), op.Method, path, nil, in, new(any))
					want := 1
					if s.column != never && isRetried(row, s.column) {
						want = 3
					}
					accepted, failed := server.Connections()
					require.Equalf(t, want, accepted+failed, "requests of %s", op.Name)
					require.LessOrEqual(t, len(server.Requests()), accepted, "more than one request on a connection")
				}
			})
		})
	}
}

// net/http sends some requests again if a reused connection breaks. This may happen
// to a read, but not to an operation that changes something.
func TestBrokenReusedConnection(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]hostile.Mode{"hung up": hostile.HangUp(), "reset": hostile.ResetRead()} {
		for i, v := range verbs {
			t.Run(name+" on "+v.name, func(t *testing.T) {
				t.Parallel()
				server := hostile.New(t, hostile.Kept(200, anyObject), mode)
				client, _ := hostileClient(t, server, nil)
				require.NoError(t, apitest.GetIntegration(t.Context(), client))
				err := v.call(t.Context(), client)
				require.Equal(t, v.name != "GET", apitest.ErrorAs[*apono.TransportError](t, err).MaybeSent)
				accepted, _ := server.Connections()
				requests := len(server.Requests()) - 1
				require.Equal(t, []int{4, 3, 3, 1, 1, 1}[i], requests) // in the order of verbs; net/http sends the GET again
				if v.name == "consuming read" {
					accepted-- // it has a separate connection
				}
				require.Equal(t, requests, accepted)
			})
		}
	}
}

// listing is a list on a hostile server, with the ids read before the error, the
// queries of the requests, and the error.
type listing struct {
	name     string
	modes    []hostile.Mode
	ids      string
	queries  string
	sentinel error
	text     string
}

// An endless list blocks a program, and an incomplete list may make it delete the
// missing objects.
func TestHostileTokenLists(t *testing.T) {
	t.Parallel()
	const path = "apono: GET /api/admin/v4/integrations: "
	for _, l := range []listing{
		{"one page", pages(hostile.Page("", "a", "b")), "a b", "/", nil, ""},
		{"two pages", pages(hostile.Page("t1", "a"), hostile.Page("", "b")), "a b", "/ page_token=t1/", nil, ""},
		{"an empty page in the middle", pages(hostile.Page("t1", "a"), hostile.Page("t2"), hostile.Page("", "b")), "a b", "/ page_token=t1/ page_token=t2/", nil, ""},
		{"empty pages at both ends", pages(hostile.Page("t1"), hostile.Page("t2", "a"), hostile.Page("")), "a", "/ page_token=t1/ page_token=t2/", nil, ""},
		{"a token seen before", pages(hostile.Page("t1", "a")), "a a", "/ page_token=t1/", apono.ErrPageLoop, path + apono.ErrPageLoop.Error()},
		{"a token seen before, on empty pages", pages(hostile.Page("t1")), "", "/ page_token=t1/", apono.ErrPageLoop, path + apono.ErrPageLoop.Error()},
		{
			"tokens in a loop", pages(hostile.Page("t1", "a"), hostile.Page("t2", "b"), hostile.Page("t3", "c"), hostile.Page("t1", "d")),
			"a b c d", "/ page_token=t1/ page_token=t2/ page_token=t3/", apono.ErrPageLoop, path + apono.ErrPageLoop.Error(),
		},
		{"a page that fails", pages(hostile.Page("t1", "a"), hostile.Status(403, "")), "a", "/ page_token=t1/", apono.ErrForbidden, path + "403 Forbidden"},
		{
			"a page that succeeds on the third attempt", pages(hostile.Page("t1", "a"), hostile.Status(503, ""), hostile.CutChunked("{"), hostile.Page("", "b")),
			"a b", "/ page_token=t1/ page_token=t1/ page_token=t1/", nil, "",
		},
		{"no page", pages(hostile.JSON("{}")), "", "/", errAny, path + "200 OK, but the body is unusable: items is missing"},
		{"an array", pages(hostile.JSON("[]")), "", "/", errAny, path + "200 OK, but the body is unusable: cannot unmarshal array into Go struct"},
		{"null for an item", pages(hostile.JSON(`{"items":[null]}`)), "", "/", errAny, path + "200 OK, but the body is unusable: item 0 of the list is null"},
		{"a token of another type", pages(hostile.JSON(`{"items":[],"pagination":{"next_page_token":7}}`)), "", "/", errAny, path + "200 OK, but the body is unusable: pagination.next_page_token: cannot unmarshal number into Go string"},
		{"items of another type", pages(hostile.JSON(`{"items":{}}`)), "", "/", errAny, path + "200 OK, but the body is unusable: items: cannot unmarshal object into Go slice"},
	} {
		for _, ahead := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d ahead", l.name, ahead), func(t *testing.T) {
				t.Parallel()
				server := hostile.New(t, l.modes...)
				client, bodies := hostileClient(t, server, nil, apitest.ReadAhead(ahead))
				ids, err := apitest.Drain(t, client.Integrations.ListAll(t.Context()), apitest.IntegrationID)
				isListing(t, server, l, ids, err)
				require.Zero(t, bodies.open.Load())
			})
		}
	}
}

// errAny is the sentinel of DecodeErrors, which have none.
var errAny = errors.New("any")

func pages(modes ...hostile.Mode) []hostile.Mode { return modes }

func isListing(t *testing.T, server *hostile.Server, want listing, ids []string, err error) {
	t.Helper()
	require.Equal(t, want.ids, strings.Join(ids, " "))
	var queries strings.Builder
	for _, req := range server.Requests() {
		queries.WriteString(" " + req.Query + "/")
	}
	require.Equal(t, want.queries, strings.TrimSpace(queries.String()))
	if want.text == "" {
		require.NoError(t, err)
		return
	}
	require.Errorf(t, err, "no error; want %s", want.text)
	require.Truef(t, matches(want.text, err.Error()), "wrong text: %v; want %s", err, want.text)
	if !errors.Is(want.sentinel, errAny) {
		require.ErrorIs(t, err, want.sentinel)
	} else {
		require.ErrorAs(t, err, new(*apono.DecodeError))
	}
}

// A list with offsets ends in an error if total and offset do not agree with the
// items received.
func TestHostileOffsetLists(t *testing.T) {
	t.Parallel()
	const path = "apono: GET /api/v3/integrations/{id}/permissions: "
	truncated := path + "the list is not complete: "
	for _, l := range []listing{
		{"one page", pages(hostile.OffsetPage(2, 100, 0, "a", "b")), "a b", "/", nil, ""},
		{"two pages", pages(hostile.OffsetPage(3, 2, 0, "a", "b"), hostile.OffsetPage(3, 2, 2, "c")), "a b c", "/ skip=2/", nil, ""},
		{"the first page again", pages(hostile.OffsetPage(4, 2, 0, "a", "b")), "a b", "/ skip=2/", apono.ErrTruncated, truncated + "2 items read, total 4: *2, *from 0"},
		{"the items of the first page on the second", pages(hostile.OffsetPage(4, 2, 0, "a", "b"), hostile.OffsetPage(4, 2, 2, "a", "b")), "a b", "/ skip=2/", apono.ErrTruncated, truncated + "2 items read, total 4: *the same items again"},
		{"a total that grows", pages(hostile.OffsetPage(4, 2, 0, "a", "b"), hostile.OffsetPage(5, 2, 2, "c", "d")), "a b", "/ skip=2/", apono.ErrTruncated, truncated + "2 items read, total 5: the total changed from 4, so items may have moved"},
		{"a total larger than the list", pages(hostile.OffsetPage(4, 2, 0, "a", "b"), hostile.OffsetPage(4, 2, 2)), "a b", "/ skip=2/", apono.ErrTruncated, truncated + "2 items read, total 4: *no more items"},
		{"a first page with an offset", pages(hostile.OffsetPage(4, 2, 2, "c", "d")), "", "/", apono.ErrTruncated, truncated + "0 items read, total 4: *0, *from 2"},
		{"a total of 0", pages(hostile.OffsetPage(0, 0, 0, "a"), hostile.OffsetPage(0, 0, 1)), "a", "/ skip=1/", nil, ""},
		{"a negative total", pages(hostile.OffsetPage(-1, -1, 0, "a"), hostile.OffsetPage(-1, -1, 1)), "a", "/ skip=1/", nil, ""},
		{"a page that fails", pages(hostile.OffsetPage(2, 1, 0, "a"), hostile.HTML(403)), "a", "/ skip=1/", apono.ErrForbidden, path + "403 Forbidden: an HTML page*"},
		{"no pagination", pages(hostile.JSON(`{"data":[]}`)), "", "/", errAny, path + "200 OK, but the body is unusable: pagination is missing"},
		{"a total out of range", pages(hostile.JSON(`{"data":[],"pagination":{"total":1e400,"limit":0,"offset":0}}`)), "", "/", errAny, path + "200 OK, but the body is unusable: pagination.total: number out of the range of int"},
	} {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			server := hostile.New(t, l.modes...)
			client, bodies := hostileClient(t, server, nil)
			ids, err := apitest.Drain(t, client.Integrations.ListAllPermissions(t.Context(), "i-1"), apitest.PermissionID)
			isListing(t, server, l, ids, err)
			require.Zero(t, bodies.open.Load())
		})
	}
}
