package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/require"
)

// control starts a controlled server in this process.
func control(t *testing.T, opts ...aponotest.Option) *fake {
	t.Helper()
	c := &controlled{start: func() (*aponotest.Server, error) {
		return aponotest.Start(append(opts, aponotest.WithoutNetwork(), aponotest.WithDemoTenant())...)
	}}
	require.NoError(t, c.reset())
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return &fake{endpoint: server.URL, token: aponotest.DefaultToken}
}

// call sends a request to the control API and returns its response.
func (f *fake) call(t *testing.T, method, path, body string) (status int, response string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, f.endpoint+path, strings.NewReader(body))
	require.NoError(t, err)
	if f.token != "" {
		req.Header.Set("Authorization", "Bearer "+f.token)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if len(text) > 0 {
		require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	}
	return resp.StatusCode, string(text)
}

// does sends a request that must return nothing.
func (f *fake) does(t *testing.T, path, body string) {
	t.Helper()
	status, response := f.call(t, "POST", path, body)
	require.Empty(t, response)
	require.Equal(t, 204, status)
}

func TestControlPathsAreNotOfTheAPI(t *testing.T) {
	t.Parallel()
	for _, op := range operation.All() {
		require.NotRegexp(t, "^"+controlPath, op.Path)
	}
}

func TestControlDecidesRequests(t *testing.T) {
	t.Parallel()
	f := serve(t, "-approve-after", "-1s", "-provisioning", "1h")
	client := f.client(t)
	status := func(id string) string {
		found, err := client.AccessRequests.Get(t.Context(), id)
		require.NoError(t, err)
		return string(found.Status)
	}
	approved, rejected, failed := request(t, client).ID, request(t, client).ID, request(t, client).ID
	f.does(t, "/fake/approve", `{"id": "`+approved+`"}`)
	f.does(t, "/fake/reject", `{"id": "`+rejected+`"}`)
	f.does(t, "/fake/fail", `{"id": "`+failed+`"}`)
	require.Equal(t, []string{"GRANTING", "REJECTED", "FAILED"}, []string{status(approved), status(rejected), status(failed)})
	f.does(t, "/fake/advance", `{"duration": "59m"}`)
	require.Equal(t, "GRANTING", status(approved))
	f.does(t, "/fake/advance", `{"duration": "1m"}`)
	require.Equal(t, "ACTIVE", status(approved))
	for _, path := range []string{"/fake/approve", "/fake/reject", "/fake/fail"} {
		code, response := f.call(t, "POST", path, `{"id": "`+approved+`"}`)
		require.Equal(t, 409, code)
		apitest.JSONEq(t, `{"message": "access request \"`+approved+`\" is ACTIVE, not PENDING"}`, response)
	}
}

func TestControlPlansFaults(t *testing.T) {
	t.Parallel()
	f := control(t)
	client, once := f.client(t), apono.WithoutRetry(t.Context())
	f.does(t, "/fake/faults", `{"operation": "Groups.List", "times": 2, "after": 1, "status": 503, "header": {"X-Request-Id": "mine"}, "body": "{\"message\": \"later\"}"}`)
	f.does(t, "/fake/faults", `{"operation": "Users.List", "break": "response cut"}`)
	f.does(t, "/fake/faults", `{"latency": "1h", "operation": "Scopes.List"}`)
	list := func() error {
		_, err := client.Groups.List(once)
		return err
	}
	require.NoError(t, list())
	for range 2 {
		wrong := apitest.ErrorAs[*apono.APIError](t, list())
		require.Equal(t, 503, wrong.StatusCode)
		require.Equal(t, "later", wrong.Message)
		require.Equal(t, "mine", wrong.RequestID)
	}
	require.NoError(t, list())
	_, err := client.Users.List(once)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = client.Users.List(once)
	require.NoError(t, err)
	_, err = client.Scopes.List(apono.WithCallAttemptTimeout(once, 50*time.Millisecond))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestControlReturnsRequests(t *testing.T) {
	t.Parallel()
	f := control(t)
	client := f.client(t, apono.WithUserAgent("mine/1"))
	_, err := client.Groups.Create(t.Context(), apono.CreateGroupInput{Name: "New"})
	require.NoError(t, err)
	_, err = client.Integrations.List(t.Context(), apono.ListIntegrationsOptions{Name: "a b"})
	require.NoError(t, err)
	_, response := f.call(t, "PUT", "/elsewhere", "\xff")
	require.Contains(t, response, "not found")

	var all, lists []received
	status, response := f.call(t, "GET", "/fake/requests", "")
	require.Equal(t, 200, status)
	require.NoError(t, decode([]byte(response), &all))
	require.Len(t, all, 3) // not those of the control API
	require.Contains(t, all[0].Header["User-Agent"][0], "mine/1")
	all[0].Header = nil
	require.Equal(t, received{
		Operation: "Groups.Create", Method: "POST", Path: "/api/admin/v1/groups", Query: map[string][]string{}, Body: `{"name":"New","members_emails":[]}`, Status: 200,
	}, all[0])
	require.Equal(t, map[string][]string{"name": {"a b"}}, all[1].Query)
	require.Empty(t, all[2].Operation)
	require.Equal(t, 404, all[2].Status)

	_, response = f.call(t, "GET", "/fake/requests?operation=Integrations.List&operation=Users.List", "")
	require.NoError(t, decode([]byte(response), &lists))
	require.Equal(t, all[1:2], lists)
	_, response = f.call(t, "GET", "/fake/requests?operation=Users.List", "")
	require.Equal(t, "[]", response)
}

func TestControlResets(t *testing.T) {
	t.Parallel()
	f := control(t, aponotest.WithSeed([]byte(`{"groups": [{"id": "g1", "name": "Night shift"}]}`)))
	client := f.client(t)
	require.NoError(t, client.Groups.Delete(t.Context(), "g1"))
	f.does(t, "/fake/faults", `{"times": 100, "status": 500}`)
	f.does(t, "/fake/advance", `{"duration": "10000h"}`)
	f.does(t, "/fake/reset", "")
	_, response := f.call(t, "GET", "/fake/requests", "")
	require.Equal(t, "[]", response)
	group, err := client.Groups.GetByName(t.Context(), "Night shift")
	require.NoError(t, err)
	require.Equal(t, "g1", group.ID)
	require.WithinDuration(t, time.Now(), request(t, client).CreationDate, time.Minute)
}

func TestControlRejectsWrongInput(t *testing.T) {
	t.Parallel()
	f := control(t)
	client := f.client(t)
	pending := request(t, client).ID
	for _, test := range []struct {
		method, path, body string
		status             int
		message            string
	}{
		{"POST", "/fake/approve", `{"id": "none"}`, 404, `access request "none" not found`},
		{"POST", "/fake/approve", `{"id": ""}`, 400, "id must not be empty"},
		{"POST", "/fake/reject", ``, 400, "id must not be empty"},
		{"POST", "/fake/fail", `null`, 400, "id must not be empty"},
		{"POST", "/fake/approve", `{"id": "` + pending + `", "reason": "x"}`, 400, "reason"},
		{"POST", "/fake/approve", `{"ID": "` + pending + `"}`, 400, "ID"},
		{"POST", "/fake/approve", `{"id": "none", "id": "` + pending + `"}`, 400, "duplicate"},
		{"POST", "/fake/approve", `{"id": "` + pending + `"} {}`, 400, "after top-level value"},
		{"POST", "/fake/approve", `{"id": 1}`, 400, "id"},
		{"POST", "/fake/approve", `["` + pending + `"]`, 400, "array"},
		{"POST", "/fake/approve", `id=` + pending, 400, "invalid character"},
		{"POST", "/fake/approve", strings.Repeat(" ", 1<<20) + `{"id": "` + pending + `"}`, 413, "too large"},
		{"GET", "/fake/approve", `{"id": "` + pending + `"}`, 404, "no operation GET /fake/approve: see fakeserver -h"},
		{"POST", "/fake/approve/", `{"id": "` + pending + `"}`, 404, "no operation POST /fake/approve/: see fakeserver -h"},
		{"POST", "/fake/requests", ``, 404, "no operation POST /fake/requests: see fakeserver -h"},
		{"POST", "/fake/advance", `{}`, 400, "duration must be positive"},
		{"POST", "/fake/advance", `{"duration": "-1h"}`, 400, "duration must be positive"},
		{"POST", "/fake/advance", `{"duration": "1 hour"}`, 400, `unknown unit`},
		{"POST", "/fake/advance", `{"duration": 60}`, 400, "duration"},
		{"POST", "/fake/faults", `{"status": 503, "times": 0}`, 400, "times must be at least 1, not 0"},
		{"POST", "/fake/faults", `{"status": 503, "after": -1}`, 400, "After must not be negative, got -1"},
		{"POST", "/fake/faults", `{"status": 99}`, 400, "Status must be 200 to 599, not 99"},
		{"POST", "/fake/faults", `{"operation": "Groups.Lsit", "status": 503}`, 400, `unknown operation "Groups.Lsit"`},
		{"POST", "/fake/faults", `{"break": "x"}`, 400, `unknown Break "x"`},
		{"POST", "/fake/faults", ``, 400, "has no effect"},
		{"POST", "/fake/faults", `{"statuss": 503}`, 400, "statuss"},
		{"POST", "/fake/reset", `{"hard": true}`, 400, "hard"},
		{"GET", "/fake/requests?operation=Lsit", ``, 400, `unknown operation "Lsit"`},
		{"GET", "/fake/requests?operations=Groups.List", ``, 400, "the only query parameter is operation"},
	} {
		status, response := f.call(t, test.method, test.path, test.body)
		require.Equal(t, test.status, status, "%s %.80s: %s", test.path, test.body, response)
		var got struct {
			Message string `json:"message"`
		}
		require.NoError(t, decode([]byte(response), &got))
		require.Contains(t, got.Message, test.message, "%s %.80s", test.path, test.body)
	}
	for _, token := range []string{"", "other"} {
		denied := *f
		denied.token = token
		status, response := denied.call(t, "POST", "/fake/approve", `{"id": "`+pending+`"}`)
		require.Equal(t, 401, status)
		apitest.JSONEq(t, `{"message": "missing or wrong token"}`, response)
	}

	// Nothing has changed.
	found, err := client.AccessRequests.Get(apono.WithoutRetry(t.Context()), pending)
	require.NoError(t, err)
	require.EqualValues(t, "PENDING", found.Status)
}
