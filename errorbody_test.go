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
		{"plain text with the type of HTML", "text/html; charset=utf-8", "Bad Request", "", "Bad Request"},
		{"HTML after text", "text/html", "Error: <b>400</b>", "", ""},
		{"a field without a letter", "", `{"_":["must not be empty"]}`, "", "_: must not be empty"},
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

// The names of fields and the reasons must be found in whatever form a framework has for
// them, and rejected values must not.
func TestFieldsOfErrorBodies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, message string }{
		"fields at the top":           {`{"name":["This field is required."],"duration":["is too long","is odd"]}`, "duration: is too long; is odd; name: This field is required."},
		"sentences at the top":        {`{"name":"is already taken","timestamp":"Mon Nov 30 2026","path":"/api/x"}`, "name: is already taken"},
		"nested fields":               {`{"owner":{"email":["Enter a valid address."]}}`, "owner: email: Enter a valid address."},
		"errors of no field":          {`{"non_field_errors":["passwords differ"]}`, "passwords differ"},
		"a message and fields":        {`{"message":"The given data was invalid.","errors":{"name":["is required"]}}`, "The given data was invalid.: name: is required"},
		"problem with fields":         {`{"type":"https://x","title":"Validation failed","status":400,"traceId":"a b","errors":{"Name":["is required"]}}`, "Validation failed: Name: is required"},
		"parameter violations":        {`{"exception":null,"propertyViolations":[],"parameterViolations":[{"constraintType":"PARAMETER","path":"create.in.name","message":"must not be blank","value":"hunter2"}]}`, "create.in.name: must not be blank"},
		"field violations":            {`{"error":{"code":400,"message":"invalid argument","status":"INVALID_ARGUMENT","details":[{"@type":"type.x/BadRequest","fieldViolations":[{"field":"name","description":"must not be empty"}]}]}}`, "invalid argument: name: must not be empty"},
		"issues":                      {`{"success":false,"error":{"issues":[{"code":"too_small","path":["in","name"],"message":"is too short"}],"name":"ValidationError"}}`, "in.name: is too short"},
		"field errors":                {`{"formErrors":[],"fieldErrors":{"name":["Required"]}}`, "name: Required"},
		"errors below each field":     {`{"_errors":[],"name":{"_errors":["Required"]}}`, "name: Required"},
		"path and location":           {`{"errors":[{"type":"field","msg":"Invalid value","path":"name","location":"body","value":"hunter2"}]}`, "name: Invalid value"},
		"messages in a list":          {`{"statusCode":400,"message":["name must be a string"],"error":"Bad Request"}`, "name must be a string"},
		"constraints":                 {`{"message":[{"property":"name","value":"hunter2","constraints":{"isString":"must be a string"}}]}`, "name: isString: must be a string"},
		"details with a context":      {`{"details":[{"message":"is required","path":["name"],"type":"any.required","context":{"label":"name","value":"hunter2"}}]}`, "name: is required"},
		"instance path":               {`{"errors":[{"instancePath":"/name","keyword":"minLength","params":{"limit":1},"message":"is too short"}]}`, "/name: is too short"},
		"pointer in a source":         {`{"errors":[{"status":"422","source":{"pointer":"/data/name"},"title":"Invalid","detail":"is too short"}]}`, "/data/name: is too short"},
		"parameter of an error":       {`{"error":{"type":"invalid_request","param":"name","message":"is taken"}}`, "name: is taken"},
		"code as the reason":          {`{"message":"Validation Failed","errors":[{"resource":"Issue","field":"title","code":"missing_field"}]}`, "Validation Failed: title: missing_field"},
		"fields in a location":        {`{"errors":{"json":{"name":["Missing data."]}}}`, "json: name: Missing data."},
		"property path":               {`{"title":"Invalid","violations":[{"propertyPath":"name","title":"is blank"}]}`, "Invalid: name: is blank"},
		"targets":                     {`{"error":{"code":"X","message":"invalid","target":"in","details":[{"code":"Y","target":"name","message":"is taken"}]}}`, "invalid: name: is taken"},
		"objects by field":            {`{"errors":{"name":{"message":"is required","kind":"required","path":"name","value":"hunter2"}}}`, "name: is required"},
		"fields in fields":            {`{"message":"schema violation","name":"schema violation","fields":{"config":{"host":"required"}},"code":2}`, "schema violation: config: host: required"},
		"a list of errors":            {`[{"message":"is blank","messageTemplate":"{x}","path":"create.name","invalidValue":"hunter2"}]`, "create.name: is blank"},
		"messages and fields":         {`{"errorMessages":["not allowed"],"errors":{"summary":"is required"}}`, "not allowed; summary: is required"},
		"lists of messages by field":  {`{"obj.name":[{"msg":["error.path.missing"],"args":[]}]}`, "obj.name: error.path.missing"},
		"a field beside the message":  {`{"field":"name","message":"is taken"}`, "name: is taken"},
		"details as a string":         {`{"message":"Validation failed","details":"name is blank"}`, "Validation failed: name is blank"},
		"fields called like messages": {`{"errors":{"message":"is blank","description":"is long","title":["is odd"]}}`, "description: is long; is blank; title: is odd"},
		"a field named twice":         {`{"field":"limit","message":"limit: unknown query parameter"}`, "limit: unknown query parameter"},
		"a member named twice":        {`{"errors":{"limit":"limit: unknown query parameter","limits":"limit: is odd"}}`, "limit: unknown query parameter; limits: limit: is odd"},
		"a byte order mark":           {"\ufeff" + `{"message":"is taken"}`, "is taken"},
		"a mark before text":          {"\ufeffis taken", "is taken"},
		"other members only":          {`{"status":400,"data":{"id":"i-1"},"trace":"a1b2"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, script.New(t, script.Response{Status: 400, Body: test.body})))
			require.Equal(t, test.message, apitest.ErrorAs[*apono.APIError](t, err).Message)
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
