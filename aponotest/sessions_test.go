package aponotest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

const sessionsPath = "/api/user/v1/access-sessions"

func sessionJSON(id, integration, status string, requests ...string) string {
	return fmt.Sprintf(`{"id": %q, "name": "of %[1]s", "request_ids": ["%s"], "integration": {"id": %q, "name": "x"},
		"credentials_status": %q, "can_reset_credentials": %t}`, id, strings.Join(requests, `", "`), integration, status, status != "NOT_APPLICABLE")
}

// sessionServer returns a server with three sessions. The first has access details.
func sessionServer(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, opts...)
	server.Put(aponotest.Sessions,
		json.RawMessage(sessionJSON("s1", "pg", "AVAILABLE", "ar1", "ar2")),
		json.RawMessage(sessionJSON("s2", "aws", "NOT_APPLICABLE", "ar2")),
		json.RawMessage(sessionJSON("s3", "pg", "VIEWED", "ar3")))
	server.Put(aponotest.DetailsOf("s1"), json.RawMessage(`{"instructions": "log in", "parameters": {"password": "hunter2"}, "custom_admin_message": null}`))
	return server
}

func TestSessionFilters(t *testing.T) {
	t.Parallel()
	server := sessionServer(t)
	for query, want := range map[string]string{
		"":                                      "s1 s2 s3",
		"?integration_id=pg":                    "s1 s3",
		"?integration_id=pg&integration_id=aws": "s1 s2 s3",
		"?integration_id=none":                  "",
		"?request_ids=ar2":                      "s1 s2",
		"?request_ids=ar1&request_ids=ar3":      "s1 s3",
		"?request_ids=ar2&integration_id=aws":   "s2",
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			ids, _ := requestIDs(t, server, sessionsPath+query)
			require.Equal(t, want, ids)
		})
	}
}

func TestInvalidSessionRequestsAreRejected(t *testing.T) {
	t.Parallel()
	server := sessionServer(t)
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "?integration_ids=pg", "", 422, `{"field": "integration_ids", "message": "integration_ids: unknown query parameter"}`},
		{"GET", "/none", "", 404, `{"message": "access session \"none\" not found"}`},
		{"GET", "/none/access-details", "", 404, `{"message": "access session \"none\" not found"}`},
		{"GET", "/s1/access-details?page_token=x", "", 422, `{"field": "page_token", "message": "page_token: unknown query parameter"}`},
		{"GET", "/s2/access-details", "", 404, `{"message": "access details of session \"s2\" not found"}`},
		{"POST", "/none/reset-credentials", "", 404, `{"message": "access session \"none\" not found"}`},
		{"POST", "/s1/reset-credentials", "{}", 422, `{"message": "the operation takes no body"}`},
		{"POST", "/s2/reset-credentials", "", 422, `{"message": "the credentials of this session cannot be reset"}`},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			t.Parallel()
			checkResponse(t, server, test.method, sessionsPath+test.path, test.body, test.status, test.want)
		})
	}
}

func TestGetAccessDetailsMarksCredentialsAsViewed(t *testing.T) {
	t.Parallel()
	server := sessionServer(t)
	const details = `{"instructions": "log in", "parameters": {"password": "hunter2"}}`
	checkResponse(t, server, "GET", sessionsPath+"/s1", "", 200, sessionJSON("s1", "pg", "AVAILABLE", "ar1", "ar2"))
	checkResponse(t, server, "GET", sessionsPath+"/s1/access-details", "", 200, details)
	checkResponse(t, server, "GET", sessionsPath+"/s1", "", 200, sessionJSON("s1", "pg", "VIEWED", "ar1", "ar2"))
	checkResponse(t, server, "POST", sessionsPath+"/s1/reset-credentials", "", 200, `{"message": "The credentials are being reset"}`)
	checkResponse(t, server, "GET", sessionsPath+"/s1", "", 200, sessionJSON("s1", "pg", "AVAILABLE", "ar1", "ar2"))

	server.Put(aponotest.DetailsOf("s2"), json.RawMessage(`{"instructions": "none needed"}`))
	checkResponse(t, server, "GET", sessionsPath+"/s2/access-details", "", 200, `{"instructions": "none needed"}`)
	checkResponse(t, server, "GET", sessionsPath+"/s2", "", 200, sessionJSON("s2", "aws", "NOT_APPLICABLE", "ar2"))
}

func TestFailedGetAccessDetailsKeepsCredentials(t *testing.T) {
	t.Parallel()
	server := sessionServer(t)
	server.FaultNext("Sessions.GetAccessDetails", 1, aponotest.Fault{Status: 503})
	_, err := server.Client().Sessions.GetAccessDetails(t.Context(), "s1")
	require.ErrorIs(t, err, apono.ErrServer)
	require.Len(t, server.Requests("Sessions.GetAccessDetails"), 1)
	checkResponse(t, server, "GET", sessionsPath+"/s1", "", 200, sessionJSON("s1", "pg", "AVAILABLE", "ar1", "ar2"))
}

func TestPutAccessDetailsReplacesPrevious(t *testing.T) {
	t.Parallel()
	server := sessionServer(t)
	server.Put(aponotest.DetailsOf("s1"), apono.AccessSessionDetails{Instructions: apono.NewSecret("new")})
	checkResponse(t, server, "GET", sessionsPath+"/s1/access-details", "", 200, `{"instructions": "new"}`)
}

func TestSessionsWithClient(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithPageSize(1))
	sessions := []*apono.AccessSession{
		{
			ID: "s1", Name: "orders", RequestIDs: []string{"ar1"}, Integration: apono.Ref{ID: "pg", Name: "Orders DB"},
			CredentialsStatus: apono.CredentialsStatusAvailable, CanResetCredentials: true,
		},
		{ID: "s2", RequestIDs: []string{}, CredentialsStatus: apono.CredentialsStatusNotApplicable},
	}
	details := &apono.AccessSessionDetails{
		Instructions: apono.NewSecret("Connect"), CustomAdminMessage: new("careful"), Parameters: map[string]apono.Secret{"password": apono.NewSecret("hunter2-<&>")},
		CLI: new(apono.NewSecret("psql hunter2")), Link: &apono.Link{URL: apono.NewSecret("https://console.example.com/?signin=hunter2"), Title: new("Console")},
	}
	server.Put(aponotest.Sessions, *sessions[0], sessions[1])
	server.Put(aponotest.DetailsOf("s1"), *details)
	service, ctx := server.Client().Sessions, t.Context()

	all, err := apono.Collect(service.ListAll(ctx))
	require.NoError(t, err)
	require.Equal(t, sessions, all)
	page, err := service.List(ctx, apono.ListSessionsOptions{RequestIDs: []string{"ar1"}, IntegrationID: []string{"pg"}})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.AccessSession]{Items: sessions[:1]}, page)
	read, err := service.GetAccessDetails(ctx, "s1")
	require.NoError(t, err)
	require.Equal(t, "hunter2-<&>", read.Parameters["password"].Reveal())
	require.Equal(t, details, read)
	session, err := service.Get(ctx, "s1")
	require.NoError(t, err)
	require.Equal(t, apono.CredentialsStatusViewed, session.CredentialsStatus)
	message, err := service.ResetCredentials(ctx, "s1")
	require.NoError(t, err)
	require.Equal(t, &apono.Message{Message: "The credentials are being reset"}, message)
	session, err = service.Get(ctx, "s1")
	require.NoError(t, err)
	require.Equal(t, sessions[0], session)
	_, err = service.ResetCredentials(ctx, "s2")
	require.ErrorIs(t, err, apono.ErrBadRequest)
}
