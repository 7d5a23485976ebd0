package apono_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

// The API documents one error body, for 401; all others are whatever the server
// or a proxy before it writes. The status must survive every one of them, none
// is a reason to ask again, and the body is kept for whoever knows better.
func TestErrorBodyOfAnyShape(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("long ", 20000)
	for _, tc := range []struct {
		name, contentType, body string
		code, message           string
	}{
		{"the documented one", "", `{"status":"401","code":"Unauthorized"}`, "Unauthorized", ""},
		{"message", "", `{"code":"E7","message":"the name is taken"}`, "E7", "the name is taken"},
		{"number as code", "", `{"code":4017,"message":"no"}`, "4017", "no"},
		{"error string", "", `{"error":"invalid name"}`, "", "invalid name"},
		{"OAuth", "", `{"error":"invalid_token","error_description":"the token has expired"}`, "", "the token has expired"},
		{"error object", "", `{"error":{"code":"E7","message":"invalid name"}}`, "E7", "invalid name"},
		{"errors of strings", "", `{"errors":["invalid name","invalid type"]}`, "", "invalid name; invalid type"},
		{"errors of objects", "", `{"errors":[{"field":"name","message":"taken"},{"message":"no type"}]}`, "", "taken; no type"},
		{"problem", "application/problem+json", `{"type":"about:blank","title":"Bad Request","detail":"invalid name"}`, "", "invalid name"},
		{"nested", "", `{"error":{"details":[{"description":"deep"}]}}`, "", "deep"},
		{"empty message", "", `{"message":"","error":"invalid name"}`, "", "invalid name"},
		{"null message", "", `{"message":null,"code":null,"error":"invalid name"}`, "", "invalid name"},
		{"message of another type", "", `{"message":{"text":"invalid"},"error":"invalid name"}`, "", "invalid name"},
		{"JSON string", "", `"invalid name"`, "", "invalid name"},
		{"JSON array", "", `["invalid name","invalid type"]`, "", "invalid name; invalid type"},
		{"JSON number", "", `42`, "", ""},
		{"JSON null", "", `null`, "", ""},
		{"object without a message", "", `{"timestamp":1}`, "", ""},
		{"plain text", "text/plain", "upstream request timeout\n", "", "upstream request timeout"},
		{"broken JSON", "", `{"message":"cut`, "", `{"message":"cut`},
		{"HTML", "text/html", "<!doctype html>\n<title>400</title>", "", ""},
		{"HTML by its looks", "", "\n<html>", "", ""},
		{"HTML by its type", "text/html; charset=utf-8", "Bad Request", "", ""},
		{"empty", "", "", "", ""},
		{"space", "", " \n", "", ""},
		{"not UTF-8", "text/plain", "\xff\xfe\x00", "", ""},
		{"JSON that is not UTF-8", "", "{\"message\":\"\xff\"}", "", "\uFFFD"},
		{"huge", "text/plain", huge, "", strings.TrimSpace(huge)},
		{"endlessly nested", "", strings.Repeat("[", 9000) + strings.Repeat("]", 9000), "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			answer := script.Answer{Status: 400, Body: tc.body}
			if tc.contentType != "" {
				answer.Header = map[string]string{"Content-Type": tc.contentType}
			}
			err := getIntegration(t.Context(), newClient(t, script.New(t, answer)))
			isRefusal(t, err, 400, 1)
			refusal := check.ErrorAs[*apono.APIError](t, err)
			check.Equal(t, refusal.Code, tc.code)
			check.Equal(t, refusal.Message, tc.message)
			check.Equal(t, string(refusal.Body), tc.body)
			isPresentable(t, err)
		})
	}
}

// An error whose body has the shape of an answer is still an error.
func TestRefusalWithAnObjectIsAnError(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 404, 503, 199, 304, 600} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Answer{Status: status, Body: oneIntegration})
			integration, err := newClient(t, fake).Integrations.Get(apono.WithoutRetry(t.Context()), "i-1")
			check.Equal(t, integration, nil)
			isRefusal(t, err, status, 1)
		})
	}
}

// isPresentable fails unless an error's text can stand in a line of a log that
// many people read.
func isPresentable(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	check.True(t, utf8.ValidString(text), "text, got %q", text)
	check.True(t, len(text) < 1200, "a short text, got %d bytes", len(text))
	check.True(t, !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }), "one line, got %q", text)
	check.True(t, !regexp.MustCompile(`\S@\S`).MatchString(text), "no address, got %q", text)
}

func FuzzErrorBody(f *testing.F) {
	for _, body := range []string{
		"", "null", `{"status":"401","code":"Unauthorized"}`, `{"message":"a\nb"}`, `{"error":{"message":["x",{"detail":1}]}}`, `"text"`,
		"<html>", "plain text", "\xff", `{"message":"ann@example.com is unknown","code":"a b@c"}`, "a\u2028b", "\x00@b", `{"code":1e400}`, "@ b",
	} {
		f.Add(body, "r-1")
	}
	f.Add("", "\xff")
	f.Fuzz(func(t *testing.T, body, requestID string) {
		fake := script.New(t, script.Answer{Status: 400, Body: body, Header: map[string]string{"X-Request-Id": requestID}})
		err := getIntegration(t.Context(), newClient(t, fake))
		isRefusal(t, err, 400, 1)
		isPresentable(t, err)
		refusal := check.ErrorAs[*apono.APIError](t, err)
		check.Equal(t, string(refusal.Body), strings.ReplaceAll(body, testToken, "[redacted]"))
		check.True(t, strings.HasPrefix(err.Error(), "apono: GET /api/admin/v4/integrations/{id}: 400 Bad Request"), "what failed first, got %q", err)
	})
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
				check.Equal(t, errors.Is(err, sentinel), sentinel != nil && sentinel == want) //nolint:errorlint // the very value is meant
			}
		})
	}
}

// everyError is one filled error of each type, by its text.
func everyError() map[string]error {
	refusal := &apono.APIError{
		StatusCode: 429, Code: "E7", Message: "slow\ndown,  ann@example.com: see https://apono.test/limits?user=ann", RequestID: "r-1",
		Method: "GET", Path: "/api/admin/v4/integrations/{id}", Attempts: 3, RetryAfter: 90 * time.Second,
		Header: http.Header{"X-Request-Id": {"r-1"}}, Body: []byte("{}"),
	}
	return map[string]error{
		"apono: GET /api/admin/v4/integrations/{id}: 429 Too Many Requests: slow down, [e-mail] see https://apono.test/limits, " +
			"code E7, request id r-1, retry after 1m30s, after 3 attempts": refusal,
		"apono: POST /api/x: 200 OK with a body that cannot be used: bad character, request id r-2": &apono.DecodeError{
			StatusCode: 200, RequestID: "r-2", Method: "POST", Path: "/api/x", Attempts: 2, Body: []byte("<"), Err: errors.New("bad\ncharacter"),
		},
		"apono: PUT /api/x: context canceled, after 2 attempts; the last answer was 429 Too Many Requests": &apono.TransportError{
			Method: "PUT", Path: "/api/x", Attempts: 2, Err: context.Canceled, Last: refusal,
		},
		"apono: argument id: it is empty": &apono.ArgumentError{Arg: "id", Reason: "it is empty"},
		"apono: GET /api/y: the list is not complete: 5 items read, total 9: it stopped": &apono.TruncatedError{
			Method: "GET", Path: "/api/y", Total: 9, Received: 5, Reason: "it stopped",
		},
	}
}

// Texts of errors end up in tickets, where addresses and queries must not be,
// and in tools that read line by line. Asking for the text twice, or from two
// goroutines, gives the same.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	untouched := everyError()
	for want, err := range everyError() {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			check.Equal(t, err.Error(), want)
			_ = printed(err)
			check.Equal(t, err.Error(), want)
			check.Equal(t, err, untouched[want])
		})
	}
}

// Zero values come from tests of callers and from errors.As targets.
func TestZeroErrorsHaveATextToo(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&apono.APIError{}, "apono: 0"},
		{&apono.DecodeError{}, "apono: 0 with a body that cannot be used"},
		{&apono.TransportError{}, "apono"},
		{&apono.TransportError{Last: &apono.APIError{}}, "apono; the last answer was 0"},
		{&apono.ArgumentError{}, "apono: argument : "},
		{&apono.TruncatedError{}, "apono: the list is not complete: 0 items read, total 0: "},
	} {
		t.Run(fmt.Sprintf("%T %s", tc.err, tc.want), func(t *testing.T) {
			t.Parallel()
			check.Equal(t, tc.err.Error(), tc.want)
			_ = printed(tc.err)
			check.True(t, !errors.Is(tc.err, apono.ErrNotFound), "no match")
		})
	}
}

func TestErrorTextIsCut(t *testing.T) {
	t.Parallel()
	err := &apono.APIError{StatusCode: 400, Message: strings.Repeat("ü", 5000)}
	check.Equal(t, err.Error(), "apono: 400 Bad Request: "+strings.Repeat("ü", 150)+"…")
}

// The request id is the first thing that support asks for; each gateway has its
// own name for it.
func TestRequestIDIsFound(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		header map[string]string
		want   string
	}{
		{map[string]string{"X-Request-Id": "r"}, "r"},
		{map[string]string{"x-request-id": "r"}, "r"},
		{map[string]string{"Request-Id": "r"}, "r"},
		{map[string]string{"X-Correlation-Id": "r"}, "r"},
		{map[string]string{"X-Trace-Id": "r"}, "r"},
		{map[string]string{"X-Amzn-RequestId": "r"}, "r"},
		{map[string]string{"X-Amzn-Trace-Id": "r"}, "r"},
		{map[string]string{"CF-Ray": "r"}, "r"},
		{map[string]string{"X-Amz-Cf-Id": "r"}, "r"},
		{map[string]string{"CF-Ray": "proxy", "X-Request-Id": "r"}, "r"},
		{map[string]string{"X-Request-Id": "", "Request-Id": "r"}, "r"},
		{map[string]string{"X-Other": "r"}, ""},
	} {
		t.Run(fmt.Sprint(tc.header), func(t *testing.T) {
			t.Parallel()
			refusing := script.New(t, script.Answer{Status: 400, Header: tc.header}, script.Answer{Body: "<", Header: tc.header})
			client := newClient(t, refusing)
			check.Equal(t, check.ErrorAs[*apono.APIError](t, getIntegration(t.Context(), client)).RequestID, tc.want)
			check.Equal(t, check.ErrorAs[*apono.DecodeError](t, getIntegration(t.Context(), client)).RequestID, tc.want)
		})
	}
}

// Errors are printed, stored and sent on; a session cookie or a token that the
// server echoed would travel along.
func TestErrorsHoldNeitherCookiesNorTheToken(t *testing.T) {
	t.Parallel()
	echo := map[string]string{"Set-Cookie": "session=s-1", "X-Echo": "Bearer " + testToken, "X-Request-Id": "r-" + testToken}
	object := `{"message":"unknown token ` + testToken + `","code":"` + testToken + `"}`
	for _, tc := range []struct {
		name   string
		answer script.Answer
		kind   string
	}{
		{"refusal", script.Answer{Status: 403, Header: echo, Body: object}, "*apono.APIError"},
		{"refusal as plain text", script.Answer{Status: 403, Header: echo, Body: testToken}, "*apono.APIError"},
		{"refusal before a deadline", script.Answer{Status: 429, Header: echo, Body: object}, "*apono.TransportError"},
		{"not JSON", script.Answer{Header: echo, Body: testToken}, "*apono.DecodeError"},
		{"bad time", script.Answer{Header: echo, Body: `{"last_sync_time":"` + testToken + `"}`}, "*apono.DecodeError"},
		{"cut", script.Answer{Header: echo, Body: testToken, BodyErr: io.ErrUnexpectedEOF}, "*apono.DecodeError"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				err := callWith(ctx, http.MethodPost, newClient(t, script.New(t, tc.answer)))
				check.Equal(t, fmt.Sprintf("%T", err), tc.kind)
				var all strings.Builder
				all.WriteString(printed(err))
				printReachable(reflect.ValueOf(err), map[uintptr]bool{}, &all)
				check.Lacks(t, all.String(), testToken, fmt.Sprintf("%x", testToken), "session=s-1")
				check.Contains(t, all.String(), "r-[redacted]")
			})
		})
	}
}

// A nil object without an error, or a zero one, sends the caller's program on
// with nothing in its hands: the next thing that it does is delete what it did
// not find.
func TestAnswerThatIsNoObject(t *testing.T) {
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
	for name, answer := range map[string]script.Answer{
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
				fake := script.New(t, answer)
				value, err := call(t.Context(), newClient(t, fake))
				unusable := check.ErrorAs[*apono.DecodeError](t, err)
				check.True(t, reflect.ValueOf(value).IsNil(), "no object, got %+v", value)
				check.Equal(t, unusable.StatusCode, max(answer.Status, 200))
				check.True(t, bytes.Equal(unusable.Body, []byte(answer.Body)), "the body, got %q", unusable.Body)
				check.Equal(t, unusable.Attempts, 1)
				check.True(t, unusable.Err != nil, "a cause")
				isPresentable(t, err)
			})
		}
	}
}

func TestDecodeErrorSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                 "the body is empty",
		"null":             "the body is null",
		"<html>":           "invalid character '<' at start of value",
		`{"name":"a"} ok`:  "invalid character 'o' after top-level value",
		`{"name":["a@b"]}`: "name: cannot unmarshal array into Go string",
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			err := getIntegration(t.Context(), newClient(t, script.New(t, script.Answer{Body: body})))
			check.Equal(t, check.ErrorAs[*apono.DecodeError](t, err).Error(), "apono: GET /api/admin/v4/integrations/{id}: 200 OK with a body that cannot be used: "+want)
		})
	}
}

// Logs hold the parts of an error as attributes, and neither header nor body.
func TestAPIErrorInALog(t *testing.T) {
	t.Parallel()
	body := `{"message":"ann@example.com\nis unknown","code":"E7"}`
	header := map[string]string{"X-Request-Id": "r-1", "X-Internal": "secret"}
	err := getIntegration(t.Context(), newClient(t, script.New(t, script.Answer{Status: 404, Body: body, Header: header})))
	refusal := check.ErrorAs[*apono.APIError](t, err)
	check.Equal(t, refusal.Message, "ann@example.com\nis unknown")
	check.Equal(t, refusal.LogValue().String(), "[status=404 method=GET path=/api/admin/v4/integrations/{id} code=E7 "+
		"message=[e-mail] is unknown request_id=r-1 attempts=1]")
}
