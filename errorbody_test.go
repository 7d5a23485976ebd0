package apono_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// The API documents one error body, for 401. Others may have any form, also that of a
// proxy. The status and the body must always be kept.
func TestErrorBodyOfAnyForm(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("long ", 20000)
	for _, tc := range []struct {
		name, contentType, body string
		code, message           string
	}{
		{"documented", "", `{"status":"401","code":"Unauthorized"}`, "Unauthorized", ""},
		{"message", "", `{"code":"E7","message":"the name is taken"}`, "E7", "the name is taken"},
		{"number as code", "", `{"code":4017,"message":"no"}`, "4017", "no"},
		{"error string", "", `{"error":"invalid name"}`, "", "invalid name"},
		{"OAuth", "", `{"error":"invalid_token","error_description":"the token has expired"}`, "", "the token has expired"},
		{"error object", "", `{"error":{"code":"E7","message":"invalid name"}}`, "E7", "invalid name"},
		{"strings in errors", "", `{"errors":["invalid name","invalid type"]}`, "", "invalid name; invalid type"},
		{"objects in errors", "", `{"errors":[{"field":"name","message":"taken"},{"message":"no type"}]}`, "", "name: taken; no type"},
		{"problem", "application/problem+json", `{"type":"about:blank","title":"Bad Request","detail":"invalid name"}`, "", "invalid name"},
		{"nested", "", `{"error":{"details":[{"description":"deep"}]}}`, "", "deep"},
		{"empty message", "", `{"message":"","error":"invalid name"}`, "", "invalid name"},
		{"null message", "", `{"message":null,"code":null,"error":"invalid name"}`, "", "invalid name"},
		{"message of another type", "", `{"message":{"text":"invalid"},"error":"invalid name"}`, "", "invalid name"},
		{"msg", "", `{"msg":"invalid name"}`, "", "invalid name"},
		{"Message", "", `{"Message":"invalid name","Code":"E7"}`, "E7", "invalid name"},
		{"detail with loc", "", `{"detail":[{"loc":["body","tags",0],"msg":"field required","type":"missing"}]}`, "", "body.tags.0: field required"},
		{"errors by field", "", `{"errors":{"name":["is taken","is too long"],"description":["is blank"]}}`, "", "description: is blank; name: is taken; is too long"},
		{"fields", "", `{"message":"Validation failed","fields":{"name":"is taken","description":"is blank"}}`, "", "Validation failed: description: is blank; name: is taken"},
		{"errorCauses", "", `{"errorCode":"E7","errorSummary":"Api validation failed","errorCauses":[{"errorSummary":"login: is taken"}]}`, "E7", "Api validation failed: login: is taken"},
		{"violations", "", `{"title":"Constraint Violation","violations":[{"field":"name","message":"must not be blank"}]}`, "", "Constraint Violation: name: must not be blank"},
		{"embedded errors", "", `{"message":"Bad Request","_embedded":{"errors":[{"path":"name","message":"must not be blank"}]}}`, "", "Bad Request: name: must not be blank"},
		{"default messages", "", `{"path":"/api","message":"Validation failed","errors":[{"field":"name","defaultMessage":"must not be blank","rejectedValue":"hunter2"}]}`, "", "Validation failed: name: must not be blank"},
		{"invalid_params", "application/problem+json", `{"title":"Invalid","detail":"2 are wrong","invalid_params":[{"name":"age","reason":"must be positive"}]}`, "", "2 are wrong: age: must be positive"},
		{"invalid-params", "application/problem+json", `{"title":"Invalid","invalid-params":[{"name":"age","reason":"must be positive"}]}`, "", "Invalid: age: must be positive"},
		{"errors in an error", "", `{"error":{"code":400,"errors":[{"location":"q","message":"invalid"}]}}`, "400", "invalid"},
		{"a message and an error with errors", "", `{"message":"Bad Request","error":{"errors":[{"param":"name","message":"is taken"}]}}`, "", "Bad Request: name: is taken"},
		{"a status and a message", "", `{"status":400,"error":"Bad Request","message":"the name is taken"}`, "", "the name is taken"},
		{"duplicate message", "", `{"message":"invalid","errors":["invalid"]}`, "", "invalid"},
		{"the token in a field", "", `{"errors":{"name":"test-token-8f3a is no name"}}`, "", "name: [redacted] is no name"},
		{"too many errors", "", `{"errors":[` + strings.Repeat(`"x",`, 1000) + `"x"]}`, "", strings.Repeat("x; ", 19) + "x"},
		{"long message", "", `{"message":"` + strings.Repeat("é", 3000) + `"}`, "", strings.Repeat("é", 2048) + "…"},
		{"JSON string", "", `"invalid name"`, "", "invalid name"},
		{"JSON array", "", `["invalid name","invalid type"]`, "", "invalid name; invalid type"},
		{"JSON number", "", `42`, "", ""},
		{"JSON null", "", `null`, "", ""},
		{"object without a message", "", `{"timestamp":1}`, "", ""},
		{"plain text", "text/plain", "upstream request timeout\n", "", "upstream request timeout"},
		{"broken JSON", "", `{"message":"cut`, "", `{"message":"cut`},
		{"HTML", "text/html", "<!doctype html>\n<title>400</title>", "", ""},
		{"HTML without a type", "", "\n<html>", "", ""},
		{"HTML type without HTML", "text/html; charset=utf-8", "Bad Request", "", ""},
		{"empty", "", "", "", ""},
		{"space", "", " \n", "", ""},
		{"not UTF-8", "text/plain", "\xff\xfe\x00", "", ""},
		{"JSON that is not UTF-8", "", "{\"message\":\"\xff\"}", "", "\uFFFD"},
		{"huge", "text/plain", huge, "", strings.TrimSpace(huge)},
		{"deeply nested", "", strings.Repeat("[", 9000) + strings.Repeat("]", 9000), "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			response := script.Response{Status: 400, Body: tc.body}
			if tc.contentType != "" {
				response.Header = map[string]string{"Content-Type": tc.contentType}
			}
			err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, script.New(t, response)))
			apitest.IsAPIError(t, err, 400, 1)
			rejected := apitest.ErrorAs[*apono.APIError](t, err)
			require.Equal(t, tc.code, rejected.Code)
			require.Equal(t, tc.message, rejected.Message)
			require.Equal(t, strings.ReplaceAll(tc.body, apitest.Token, "[redacted]"), string(rejected.Body))
			apitest.IsPresentable(t, err)
		})
	}
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
		fake := script.New(t, script.Response{Status: 400, Body: body, Header: map[string]string{"X-Request-Id": requestID}})
		err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake))
		apitest.IsAPIError(t, err, 400, 1)
		apitest.IsPresentable(t, err)
		rejected := apitest.ErrorAs[*apono.APIError](t, err)
		require.Equal(t, strings.ReplaceAll(body, apitest.Token, "[redacted]"), string(rejected.Body))
		require.Truef(t, strings.HasPrefix(err.Error(), "apono: GET /api/admin/v4/integrations/{id}: 400 Bad Request"), "unexpected prefix of %q", err)
	})
}

// Gateways have different names for the request id.
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
			rejecting := script.New(t, script.Response{Status: 400, Header: tc.header}, script.Response{Body: "<", Header: tc.header})
			client := apitest.NewClient(t, rejecting)
			require.Equal(t, tc.want, apitest.ErrorAs[*apono.APIError](t, apitest.GetIntegration(t.Context(), client)).RequestID)
			require.Equal(t, tc.want, apitest.ErrorAs[*apono.DecodeError](t, apitest.GetIntegration(t.Context(), client)).RequestID)
		})
	}
}
