package aponotest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/require"
)

func TestEveryOperationIsImplemented(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	for _, op := range operation.All() {
		path := op.Fill(func(int, string) string { return "x" })
		status, response := sendHTTP(t, server, op.Method, path, "")
		if status == http.StatusNotImplemented || strings.Contains(response, `"operation `) {
			t.Errorf("%s: %d %s", op.Name, status, response)
		}
	}
}

func TestWrongTokenReturnsDocumentedError(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithToken("right"))
	status, response := sendHTTPAs(t, server, "wrong", http.MethodGet, integrationsPath, "")
	require.Equal(t, http.StatusUnauthorized, status)
	apitest.JSONEq(t, `{"status": "401", "code": "Unauthorized"}`, response)
	checkResponse(t, server, http.MethodGet, integrationsPath, "", http.StatusOK, `{"items": [], "pagination": {}}`)
}

func TestInvalidIntegrationRequestsAreRejected(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	server.Put(aponotest.Integrations, json.RawMessage(`{"id": "i1", "name": "one", "type": "mysql", "integration_config": {}}`))
	const config = `"integration_config": {}`
	for _, test := range []struct {
		method, path, body string
		status             int
		field, message     string
	}{
		{"GET", integrationsPath + "?nmae=x", "", 422, "nmae", "unknown query parameter"},
		{"GET", integrationsPath + "?limit=ten", "", 422, "limit", `must be an integer from 0 to 2147483647, not "ten"`},
		{"GET", integrationsPath + "?limit=0", "", 422, "limit", "must be at least 1"},
		{"GET", integrationsPath + "?limit=-1", "", 422, "limit", `must be an integer from 0 to 2147483647, not "-1"`},
		{"GET", integrationsPath + "?name=a&name=b", "", 422, "name", "must be given once, not 2 times"},
		{"GET", integrationsPath + "?page_token=junk", "", 400, "page_token", "not a token of this list"},
		{"GET", integrationsPath + "/i1?name=x", "", 422, "name", "unknown query parameter"},
		{"GET", integrationsPath, `{}`, 422, "", "the operation takes no body"},
		{"GET", "/api/v3/integrations/i1/permissions?skip=1", "", 422, "skip", "unknown query parameter"},
		{"GET", "/api/admin/v4/integration", "", 404, "", "operation GET /api/admin/v4/integration not found"},
		{"PATCH", integrationsPath + "/i1", `{}`, 404, "", "operation PATCH /api/admin/v4/integrations/i1 not found"},
		{"POST", integrationsPath, `{"name": "x"`, 400, "", "the body is not JSON: unexpected EOF"},
		{"POST", integrationsPath, `{"name": "x"} {}`, 400, "", "the body is not JSON: unexpected data after the value"},
		{"POST", integrationsPath, `[]`, 422, "", "the body must be an object, not an array"},
		{"POST", integrationsPath, `{"name": "x", "type": "mysql"}`, 422, "integration_config", "must be set"},
		{"POST", integrationsPath, `{"name": "x", "type": "mysql", "integration_config": null}`, 422, "integration_config", "must not be null"},
		{"POST", integrationsPath, `{"name": 5, "type": "mysql", ` + config + `}`, 422, "name", "must be a string, not a number"},
		{"POST", integrationsPath, `{"name": "x", "type": "mysql", "id": "mine", ` + config + `}`, 422, "id", "unknown field"},
		{"POST", integrationsPath, `{"name": "x", "type": "mysql", "connected_resource_types": ["a", 1], ` + config + `}`, 422, "connected_resource_types[1]", "must be a string, not a number"},
		{"POST", integrationsPath, `{"name": "x", "type": "mysql", "owner": {"attribute_type": "user"}, ` + config + `}`, 422, "owner.attribute_value", "must be set"},
		{"POST", integrationsPath, `{"name": "x", "type": "mysql", "owner": {"attribute_type": "user", "attribute_value": [], "source_integration_reference": "none"}, ` + config + `}`, 400, "owner.source_integration_reference", `integration "none" not found`},
		{"POST", integrationsPath, `{"name": "x", "type": "mysql", "secret_store_config": {}, ` + config + `}`, 422, "secret_store_config", "exactly one of apono, aws, azure, gcp, hashicorp_vault, kubernetes must be set"},
		{"POST", integrationsPath, `{"name": "x", "type": "mysql", "secret_store_config": {"apono": {"parameters": {"a": 1}}}, ` + config + `}`, 422, "secret_store_config.apono.parameters.a", "must be a string, not a number"},
		{"POST", integrationsPath, `{"name": "one", "type": "mysql", ` + config + `}`, 409, "name", "already used by another integration"},
		{"PUT", integrationsPath + "/i1", `{"name": "x", "type": "mysql", ` + config + `}`, 422, "type", "unknown field"},
		{"PUT", integrationsPath + "/i9", `{"name": "x", ` + config + `}`, 404, "", `integration "i9" not found`},
		{"PUT", "/api/v3/integrations/resources/r1/user-tags", `{"tags": {"a": null}}`, 422, "tags.a", "must be a string, not null"},
	} {
		t.Run(test.method+" "+test.path+" "+test.body, func(t *testing.T) {
			t.Parallel()
			want := fmt.Sprintf(`{"message": %q}`, test.message)
			if test.field != "" {
				want = fmt.Sprintf(`{"message": %q, "field": %q}`, test.field+": "+test.message, test.field)
			}
			checkResponse(t, server, test.method, test.path, test.body, test.status, want)
		})
	}
}

func TestOtherMediaTypesAreRejected(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, integrationsPath, strings.NewReader(`{}`))
	req.Header.Set("Authorization", "Bearer "+server.Token)
	response := httptest.NewRecorder()
	server.ServeHTTP(response, req)
	require.Equal(t, http.StatusUnsupportedMediaType, response.Code)
}

// Servers ignore the case of schemes and media types, and a byte order mark.
func TestHeadersInOtherForms(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	for _, test := range []struct {
		authorization, contentType string
		status                     int
	}{
		{"bearer " + server.Token, "Application/JSON; charset=utf-8", 200},
		{"BEARER " + server.Token, "application/json;charset=UTF-8", 200},
		{"Basic " + server.Token, "application/json", 401},
		{"Bearer" + server.Token, "application/json", 401},
		{"Bearer " + server.Token + "x", "application/json", 401},
		{"Bearer " + server.Token, "application/jsonp", 415},
		{"Bearer " + server.Token, "", 415},
	} {
		body := "\ufeff" + `{"name": "` + test.authorization + `", "members_emails": []}`
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+groupsPath, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", test.authorization)
		req.Header.Set("Content-Type", test.contentType)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, test.status, resp.StatusCode, "%+v", test)
	}
}

func TestFlowWithoutIdentityTypeIsForHumans(t *testing.T) {
	t.Parallel()
	server := demoServer(t)
	for _, value := range []string{"", `"requestor_identity_type": null, `} {
		body := strings.Replace(goodFlow, `"requestor_identity_type": "HUMAN",`, value, 1)
		require.NotEqual(t, goodFlow, body)
		status, response := send(t, server, "POST", flowsPath, strings.Replace(body, `"New"`, `"New`+strconv.Itoa(len(value))+`"`, 1))
		require.Equal(t, 200, status, response)
		require.Contains(t, response, `"requestor_identity_type":"HUMAN"`)
	}
	status, response := send(t, server, "POST", flowsPath, strings.Replace(goodFlow, `"HUMAN"`, `"HUMANOID"`, 1))
	require.Equal(t, 422, status)
	require.Contains(t, response, "requestor_identity_type")
}

func TestWithHost(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithHost("0.0.0.0"))
	require.Regexp(t, `^http://127\.0\.0\.1:\d+$`, server.URL)
	status, _ := sendHTTP(t, server, "GET", groupsPath, "")
	require.Equal(t, 200, status)
	if runtime.GOOS == "linux" { // where all of 127.0.0.0/8 is local
		server.URL = strings.Replace(server.URL, "127.0.0.1", "127.0.0.2", 1)
		status, _ = sendHTTP(t, server, "GET", groupsPath, "")
		require.Equal(t, 200, status)
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithDemoTenant())
	call := func(method, path string) (int, http.Header, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, http.NoBody)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+server.Token)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Header.Del("Date")
		resp.Header.Del("X-Request-Id")
		return resp.StatusCode, resp.Header, string(body)
	}
	for path, want := range map[string]int{
		integrationsPath: 200, integrationsPath + "/okta": 200, integrationsPath + "/none": 404, integrationsPath + "?x=1": 422,
		"/api/admin/v1/none": 404, requestsPath + "/request-ada-active/revoke": 404,
	} {
		status, header, body := call("GET", path)
		require.Equal(t, want, status, path)
		header.Set("Content-Length", strconv.Itoa(len(body))) // of a large body, GET does not have it
		headStatus, headHeader, headBody := call("HEAD", path)
		require.Equal(t, status, headStatus, path)
		if strings.Contains(body, `"operation GET`) {
			header.Set("Content-Length", strconv.Itoa(len(body)+1)) // the message names the method
		}
		require.Equal(t, header, headHeader, path)
		require.Empty(t, headBody, path)
		sent := server.Requests()
		get, head := sent[len(sent)-2], sent[len(sent)-1]
		require.Equal(t, "HEAD", head.Method)
		require.Equal(t, get.Operation, head.Operation)
	}

	server.FaultNext("Integrations.List", 1, aponotest.Fault{Status: 503, Body: `{"message": "later"}`})
	status, header, body := call("HEAD", integrationsPath)
	require.Equal(t, 503, status)
	require.Equal(t, "20", header.Get("Content-Length"))
	require.Empty(t, body)
	response := httptest.NewRecorder() // which does not drop the body, as the HTTP server does
	server.ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), "HEAD", groupsPath, http.NoBody))
	require.Equal(t, 401, response.Code)
	require.Empty(t, response.Body.String())
}

// A server that is not part of a test may run for a long time.
func TestServerOfStartKeepsLastRequestsAndDeliveries(t *testing.T) {
	t.Parallel()
	const kept, all = 10_000, 10_003
	hook := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	opts := []aponotest.Option{
		aponotest.WithoutNetwork(), aponotest.WithWebhookHandler(hook, "Authorization", "x"),
		aponotest.WithSeed([]byte(`{"integrations": [{"id": "i1", "name": "none", "type": "mysql", "integration_config": {}}]}`)),
	}
	started, err := aponotest.Start(opts...)
	require.NoError(t, err)
	defer started.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for server, want := range map[*aponotest.Server]int{started: kept, aponotest.NewServer(t, opts...): all} {
		for i := range all {
			status, response := send(t, server, "PUT", integrationsPath+"/i1", fmt.Sprintf(`{"name": "<%d>", "integration_config": {}}`, i))
			require.Equal(t, 200, status, response)
		}
		isLast := func(d aponotest.Delivery) bool { return strings.Contains(d.Body, fmt.Sprintf("<%d>", all-1)) }
		require.Equal(t, http.StatusNoContent, server.WaitForDelivery(ctx, isLast).Status)
		requests, deliveries := server.Requests(), server.Deliveries()
		require.Len(t, requests, want)
		require.Len(t, deliveries, want)
		for _, i := range []int{0, want - 1} {
			name := fmt.Sprintf("<%d>", all-want+i)
			require.Contains(t, requests[i].Body, name)
			require.Contains(t, deliveries[i].Body, name)
		}
		require.Len(t, server.Requests("Integrations.Update"), want)
		require.Empty(t, server.Requests("Integrations.List"))

		// Request IDs count on, and a wait that fails counts all deliveries.
		response := httptest.NewRecorder()
		server.ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), "GET", groupsPath, http.NoBody))
		require.Equal(t, fmt.Sprint("fake-", all+1), response.Header().Get("X-Request-Id"))
	}
	cancel()
	require.PanicsWithValue(t, "aponotest: waiting for a delivery after 10003 others: context canceled", func() {
		started.WaitForDelivery(ctx, func(aponotest.Delivery) bool { return false })
	})
}
