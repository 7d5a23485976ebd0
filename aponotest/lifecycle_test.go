package aponotest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

// lifecycleNoon is the time of the servers' clocks in these tests.
var lifecycleNoon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// lifecycleServer returns a requestServer at noon with a third bundle, which has all
// entitlements except the bucket's ReadWrite.
func lifecycleServer(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	opts = append([]aponotest.Option{aponotest.WithClock(func() time.Time { return lifecycleNoon })}, opts...)
	server := requestServer(t, opts...)
	server.Put(aponotest.Bundles, json.RawMessage(`{"id": "b3", "name": "Everything", "access_targets": [`+
		lifecycleTarget("pg", "database", `"ReadOnly", "ADMIN"`, "")+`,`+lifecycleTarget("aws", "s3", `"ReadOnly"`, "")+`,`+lifecycleTarget("aws", "iam", `"Assume"`, "")+`]}`))
	return server
}

// lifecycleTarget returns a target of a bundle. The scopes may be empty.
func lifecycleTarget(integration, resourceType, permissions, scopes string) string {
	if scopes != "" {
		scopes = `, "resources_scopes": [` + scopes + `]`
	}
	return fmt.Sprintf(`{"integration": {"integration_id": %q, "integration_name": "x", "resource_type": %q, "permissions": [%s]%s}}`,
		integration, resourceType, permissions, scopes)
}

// Access requests for the database, without and with a duration, and for the bundle of
// both integrations.
const (
	lifecycleDatabase = `{"entitlements": [{"resource_id": "db", "permission_id": "select"}], "custom_fields": {}}`
	lifecycleMinute   = `{"entitlements": [{"resource_id": "db", "permission_id": "select"}], "custom_fields": {}, "duration_in_sec": 60}`
	lifecycleBundle   = `{"bundle_reference": "b3", "custom_fields": {}}`
)

// lifecycleCreate creates an access request.
func lifecycleCreate(t *testing.T, server *aponotest.Server, path, body string) {
	t.Helper()
	status, response := sendHTTP(t, server, "POST", path, body)
	require.Equalf(t, 200, status, "POST %s returned status %d: %s", path, status, response)
}

// lifecycleGet returns the body of a response, without a network.
func lifecycleGet(t *testing.T, server *aponotest.Server, path string) string {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), "GET", path, http.NoBody)
	req.Header.Set("Authorization", "Bearer "+server.Token)
	w := httptest.NewRecorder()
	server.ServeHTTP(w, req)
	require.Equalf(t, 200, w.Code, "%s returned status %d: %s", path, w.Code, w.Body)
	return w.Body.String()
}

func lifecycleRead(t *testing.T, server *aponotest.Server, path string, out any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(lifecycleGet(t, server, path)), out))
}

// lifecycleState describes the state of an access request. The request, its entitlements
// and its activity must agree.
func lifecycleState(t *testing.T, server *aponotest.Server, id string) string {
	t.Helper()
	var request struct {
		Status  string `json:"status"`
		Revoked string `json:"revocation_date"`
	}
	lifecycleRead(t, server, requestsPath+"/"+id, &request)
	var entitlements struct {
		Items []struct {
			Status string `json:"status"`
		} `json:"items"`
	}
	lifecycleRead(t, server, requestsPath+"/"+id+"/entitlements", &entitlements)
	require.NotEmptyf(t, entitlements.Items, "no entitlements of %s", id)
	for _, entitlement := range entitlements.Items {
		require.Equal(t, request.Status, entitlement.Status)
	}
	var activity struct {
		Data []struct {
			Status  string `json:"status"`
			Granted string `json:"request_grant_date"`
			Revoked string `json:"request_revoke_date"`
		} `json:"data"`
	}
	lifecycleRead(t, server, activityPath+"?filter[access_request_id]="+id+"&fields=status&fields=request_grant_date&fields=request_revoke_date", &activity)
	require.NotEmptyf(t, activity.Data, "no activity of %s", id)
	for _, row := range activity.Data {
		require.Equal(t, request.Status, row.Status)
		require.Equal(t, request.Revoked, row.Revoked)
		require.Equal(t, activity.Data[0], row)
	}
	var v3 struct {
		Status string `json:"status"`
	}
	lifecycleRead(t, server, legacyRequestsPath+"/"+id, &v3)
	var sessions struct {
		Items []json.RawMessage `json:"items"`
	}
	lifecycleRead(t, server, sessionsPath+"?request_ids="+id, &sessions)
	text := fmt.Sprintf("%s (%s)", request.Status, v3.Status)
	if granted := activity.Data[0].Granted; granted != "" {
		text += " granted " + granted[len("2026-03-02T"):]
	}
	if request.Revoked != "" {
		text += " revoked " + request.Revoked[len("2026-03-02T"):]
	}
	return text + fmt.Sprintf(" sessions %d", len(sessions.Items))
}

// lifecycleStep is an action on an access request, the time since the step before, and
// the wanted state.
type lifecycleStep struct {
	after time.Duration
	do    func(t *testing.T, server *aponotest.Server, id string)
	want  string
}

func lifecycleApprove(_ *testing.T, server *aponotest.Server, id string) { server.Approve(id) }

func lifecycleReject(_ *testing.T, server *aponotest.Server, id string) { server.Reject(id) }

func lifecycleRevoke(t *testing.T, server *aponotest.Server, id string) {
	t.Helper()
	checkResponse(t, server, "POST", requestsPath+"/"+id+"/revoke", "", 200, `{"message": "The access request is being revoked"}`)
}

func lifecycleRevokeV3(t *testing.T, server *aponotest.Server, id string) {
	t.Helper()
	checkResponse(t, server, "POST", "/api/v3/access-requests-bulk/revoke", `{"request_ids": ["`+id+`"]}`, 200, `{"message": "The access requests are being revoked"}`)
}

// Each case runs twice: Advance moves the clock, or the clock of WithClock advances.
func TestRequestStates(t *testing.T) {
	t.Parallel()
	const (
		second      = time.Second
		millisecond = time.Millisecond
		open        = "PENDING (PENDING) sessions 0"
		rejected    = "REJECTED (REJECTED) sessions 0"
		grantingNow = "GRANTING (APPROVED) sessions 0"
	)
	decides := func(wait time.Duration) aponotest.Option { return aponotest.WithApprovalAfter(wait) }
	takes := func(d time.Duration) aponotest.Option { return aponotest.WithProvisioningTime(d) }
	for name, test := range map[string]struct {
		opts  []aponotest.Option
		body  string
		steps []lifecycleStep
	}{
		"not decided": {nil, lifecycleMinute, []lifecycleStep{
			{0, nil, open},
			{1000 * time.Hour, nil, open},
		}},
		"at once": {nil, lifecycleDatabase, []lifecycleStep{
			{second, lifecycleApprove, "ACTIVE (GRANTED) granted 12:00:01.000Z sessions 1"},
			{1000 * time.Hour, nil, "ACTIVE (GRANTED) granted 12:00:01.000Z sessions 1"},
		}},
		"revoked at once": {nil, lifecycleDatabase, []lifecycleStep{
			{0, lifecycleApprove, "ACTIVE (GRANTED) granted 12:00:00.000Z sessions 1"},
			{90 * second, lifecycleRevoke, "REVOKED (EXPIRED) granted 12:00:00.000Z revoked 12:01:30.000Z sessions 0"},
		}},
		"rejected": {[]aponotest.Option{takes(5 * second)}, lifecycleMinute, []lifecycleStep{
			{second, lifecycleReject, rejected},
			{time.Hour, nil, rejected},
		}},
		"approved automatically at once": {[]aponotest.Option{decides(0)}, lifecycleDatabase, []lifecycleStep{
			{0, nil, "ACTIVE (GRANTED) granted 12:00:00.000Z sessions 1"},
		}},
		"approved automatically": {[]aponotest.Option{decides(10 * second)}, lifecycleDatabase, []lifecycleStep{
			{10*second - millisecond, nil, open},
			{millisecond, nil, "ACTIVE (GRANTED) granted 12:00:10.000Z sessions 1"},
		}},
		"with provisioning": {[]aponotest.Option{decides(10 * second), takes(5 * second)}, lifecycleDatabase, []lifecycleStep{
			{10*second - millisecond, nil, open},
			{millisecond, nil, grantingNow},
			{5*second - millisecond, nil, grantingNow},
			{millisecond, nil, "ACTIVE (GRANTED) granted 12:00:15.000Z sessions 1"},
			{5 * second, lifecycleRevokeV3, "REVOKING (REVOKING) granted 12:00:15.000Z sessions 1"},
			{5*second - millisecond, nil, "REVOKING (REVOKING) granted 12:00:15.000Z sessions 1"},
			{millisecond, nil, "REVOKED (EXPIRED) granted 12:00:15.000Z revoked 12:00:25.000Z sessions 0"},
			{time.Hour, nil, "REVOKED (EXPIRED) granted 12:00:15.000Z revoked 12:00:25.000Z sessions 0"},
		}},
		"all states in one Advance": {[]aponotest.Option{decides(10 * second), takes(5 * second)}, lifecycleMinute, []lifecycleStep{
			{time.Hour, nil, "REVOKED (EXPIRED) granted 12:00:15.000Z revoked 12:01:20.000Z sessions 0"},
		}},
		"the duration counts from the grant": {[]aponotest.Option{takes(5 * second)}, lifecycleMinute, []lifecycleStep{
			{100 * second, lifecycleApprove, grantingNow},
			{5 * second, nil, "ACTIVE (GRANTED) granted 12:01:45.000Z sessions 1"},
			{60*second - millisecond, nil, "ACTIVE (GRANTED) granted 12:01:45.000Z sessions 1"},
			{millisecond, nil, "REVOKING (REVOKING) granted 12:01:45.000Z sessions 1"},
			{5 * second, nil, "REVOKED (EXPIRED) granted 12:01:45.000Z revoked 12:02:50.000Z sessions 0"},
		}},
		"revoked while pending": {[]aponotest.Option{decides(10 * second)}, lifecycleMinute, []lifecycleStep{
			{second, lifecycleRevoke, "REVOKED (EXPIRED) revoked 12:00:01.000Z sessions 0"},
			{time.Hour, nil, "REVOKED (EXPIRED) revoked 12:00:01.000Z sessions 0"},
		}},
		"revoked while granting": {[]aponotest.Option{takes(5 * second)}, lifecycleMinute, []lifecycleStep{
			{0, lifecycleApprove, grantingNow},
			{2 * second, lifecycleRevoke, "REVOKING (REVOKING) sessions 0"},
			{3 * second, nil, "REVOKING (REVOKING) sessions 0"}, // the grant was due
			{2 * second, nil, "REVOKED (EXPIRED) revoked 12:00:07.000Z sessions 0"},
			{time.Hour, nil, "REVOKED (EXPIRED) revoked 12:00:07.000Z sessions 0"},
		}},
		"revoked before its end": {[]aponotest.Option{takes(5 * second)}, lifecycleMinute, []lifecycleStep{
			{0, lifecycleApprove, grantingNow},
			{63 * second, lifecycleRevoke, "REVOKING (REVOKING) granted 12:00:05.000Z sessions 1"},
			{2 * second, nil, "REVOKING (REVOKING) granted 12:00:05.000Z sessions 1"}, // the end was due
			{3 * second, nil, "REVOKED (EXPIRED) granted 12:00:05.000Z revoked 12:01:08.000Z sessions 0"},
			{time.Hour, nil, "REVOKED (EXPIRED) granted 12:00:05.000Z revoked 12:01:08.000Z sessions 0"},
		}},
		"revoked long before its end": {nil, lifecycleMinute, []lifecycleStep{
			{0, lifecycleApprove, "ACTIVE (GRANTED) granted 12:00:00.000Z sessions 1"},
			{10 * second, lifecycleRevoke, "REVOKED (EXPIRED) granted 12:00:00.000Z revoked 12:00:10.000Z sessions 0"},
			{time.Hour, nil, "REVOKED (EXPIRED) granted 12:00:00.000Z revoked 12:00:10.000Z sessions 0"}, // the end was due
		}},
		"revoked twice": {[]aponotest.Option{takes(5 * second)}, lifecycleDatabase, []lifecycleStep{
			{0, lifecycleApprove, grantingNow},
			{10 * second, lifecycleRevoke, "REVOKING (REVOKING) granted 12:00:05.000Z sessions 1"},
			{3 * second, lifecycleRevoke, "REVOKING (REVOKING) granted 12:00:05.000Z sessions 1"},
			{time.Hour, nil, "REVOKED (EXPIRED) granted 12:00:05.000Z revoked 12:00:15.000Z sessions 0"},
		}},
		"approved before automatic approval": {[]aponotest.Option{decides(10 * second)}, lifecycleDatabase, []lifecycleStep{
			{second, lifecycleApprove, "ACTIVE (GRANTED) granted 12:00:01.000Z sessions 1"},
			{time.Hour, nil, "ACTIVE (GRANTED) granted 12:00:01.000Z sessions 1"},
		}},
		"rejected before automatic approval": {[]aponotest.Option{decides(10 * second)}, lifecycleDatabase, []lifecycleStep{
			{second, lifecycleReject, rejected},
			{time.Hour, nil, rejected},
		}},
	} {
		var ticked atomic.Int64
		for mover, move := range map[string]func(*aponotest.Server, time.Duration){
			"Advance":   func(server *aponotest.Server, d time.Duration) { server.Advance(d) },
			"WithClock": func(_ *aponotest.Server, d time.Duration) { ticked.Add(int64(d)) },
		} {
			t.Run(name+" by "+mover, func(t *testing.T) {
				t.Parallel()
				opts := test.opts
				if mover == "WithClock" {
					opts = append([]aponotest.Option{aponotest.WithClock(func() time.Time { return lifecycleNoon.Add(time.Duration(ticked.Load())) })}, opts...)
				}
				server := lifecycleServer(t, opts...)
				lifecycleCreate(t, server, requestsPath, test.body)
				for i, step := range test.steps {
					move(server, step.after)
					if step.do != nil {
						step.do(t, server, requestID(1))
					}
					got := lifecycleState(t, server, requestID(1))
					require.Equalf(t, step.want, got, "wrong state after step %d", i)
				}
			})
		}
	}
}

// The other fields of a request must be the same in each state.
func TestRequestFieldsInEachState(t *testing.T) {
	t.Parallel()
	server := lifecycleServer(t, aponotest.WithProvisioningTime(time.Minute))
	want := func(status string) string {
		return `{"id": "` + requestID(1) + `", ` + status + `, "creation_date": "2026-03-02T12:00:00.000Z", "duration_in_sec": 60, "custom_fields": {},
			"access_groups": [{"integration": {"id": "pg", "name": "Orders DB"}, "resource_types": [{"id": "database", "label": "database"}]}]}`
	}
	entitlements := func(status string) string {
		return requestPage(`{"status": "` + status + `", "integration": {"id": "pg", "name": "Orders DB"}, "permission": {"name": "ReadOnly"},
			"resource": {"id": "db", "source_id": "db", "name": "orders", "type": {"id": "database", "label": "database"}}}`)
	}
	const path = requestsPath + "/00000001-0000-4000-8000-000000000001"
	checkResponse(t, server, "POST", requestsPath, lifecycleMinute, 200, `[`+want(`"status": "PENDING"`)+`]`)
	server.Approve(requestID(1))
	for _, status := range []string{`GRANTING`, `ACTIVE`, `REVOKING`} {
		checkResponse(t, server, "GET", path, "", 200, want(`"status": "`+status+`"`))
		checkResponse(t, server, "GET", path+"/entitlements", "", 200, entitlements(status))
		server.Advance(time.Minute)
	}
	checkResponse(t, server, "GET", path, "", 200, want(`"status": "REVOKED", "revocation_date": "2026-03-02T12:03:00.000Z"`))
	checkResponse(t, server, "GET", path+"/entitlements?statuses=REVOKED", "", 200, entitlements("REVOKED"))
	checkResponse(t, server, "GET", requestsPath+"?statuses=REVOKED", "", 200, requestPage(want(`"status": "REVOKED", "revocation_date": "2026-03-02T12:03:00.000Z"`)))
}

// Requests added by Put are not approved automatically.
func TestPutRequestsCanBeApproved(t *testing.T) {
	t.Parallel()
	server := lifecycleServer(t, aponotest.WithApprovalAfter(time.Second))
	server.Put(aponotest.AccessRequests, json.RawMessage(`{"id": "mine", "status": "pending", "duration_in_sec": 60, "custom_fields": {},
		"access_groups": [{"integration": {"id": "pg", "name": "Orders DB"}, "resource_types": []}]}`))
	const path = requestsPath + "/mine"
	const rest = `"id": "mine", "creation_date": "2026-03-02T12:00:00.000Z", "duration_in_sec": 60, "custom_fields": {},
		"access_groups": [{"integration": {"id": "pg", "name": "Orders DB"}, "resource_types": []}]}`
	server.Advance(time.Hour)
	checkResponse(t, server, "GET", path, "", 200, `{"status": "pending", `+rest)
	server.Approve("mine")
	checkResponse(t, server, "GET", path, "", 200, `{"status": "ACTIVE", `+rest)
	ids, _ := requestIDs(t, server, sessionsPath+"?request_ids=mine")
	require.Equal(t, requestID(1), ids)
	server.Advance(time.Minute)
	checkResponse(t, server, "GET", path, "", 200, `{"status": "REVOKED", "revocation_date": "2026-03-02T13:01:00.000Z", `+rest)
	ids, _ = requestIDs(t, server, sessionsPath)
	require.Empty(t, ids)
}

// The order of the access requests and the time of the next request do not matter.
func TestEventsAreProcessedInOrderOfTime(t *testing.T) {
	t.Parallel()
	server := lifecycleServer(t, aponotest.WithApprovalAfter(10*time.Second), aponotest.WithProvisioningTime(4*time.Second))
	lifecycleCreate(t, server, requestsPath, lifecycleMinute)
	server.Advance(3 * time.Second)
	const bucket = `{"entitlements": [{"resource_id": "bucket", "permission_id": "read"}], "custom_fields": {}}`
	lifecycleCreate(t, server, requestsPath, bucket)
	lifecycleCreate(t, server, requestsPath, bucket)
	server.Approve(requestID(2))
	server.Advance(4 * time.Second)
	require.Equal(t, "PENDING (PENDING) sessions 0", lifecycleState(t, server, requestID(1)))
	require.Equal(t, "ACTIVE (GRANTED) granted 12:00:07.000Z sessions 1", lifecycleState(t, server, requestID(2)))
	server.Advance(26 * time.Second)
	require.Equal(t, "ACTIVE (GRANTED) granted 12:00:14.000Z sessions 1", lifecycleState(t, server, requestID(1)))
	require.Equal(t, "ACTIVE (GRANTED) granted 12:00:07.000Z sessions 1", lifecycleState(t, server, requestID(2)))
	require.Equal(t, "ACTIVE (GRANTED) granted 12:00:17.000Z sessions 1", lifecycleState(t, server, requestID(3)))
	session := func(n, request int, integration string) string {
		return lifecycleSession(n, request, integration, "AVAILABLE")
	}
	pg, aws := `{"id": "pg", "name": "Orders DB"}`, `{"id": "aws", "name": "Production"}`
	checkResponse(t, server, "GET", sessionsPath, "", 200, requestPage(session(4, 2, aws), session(5, 1, pg), session(6, 3, aws)))
	checkResponse(t, server, "GET", sessionsPath+"/"+requestID(5)+"/access-details", "", 200, lifecycleDetails("Orders DB", 2))
}

// Ids and passwords must be the same in every run.
func TestSimultaneousEventsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	server := lifecycleServer(t, aponotest.WithApprovalAfter(10*time.Second))
	for range 3 {
		lifecycleCreate(t, server, requestsPath, lifecycleDatabase)
	}
	server.Advance(10 * time.Second)
	const pg = `{"id": "pg", "name": "Orders DB"}`
	checkResponse(t, server, "GET", sessionsPath, "", 200, requestPage(
		lifecycleSession(4, 1, pg, "AVAILABLE"), lifecycleSession(5, 2, pg, "AVAILABLE"), lifecycleSession(6, 3, pg, "AVAILABLE")))
}

// lifecycleSession returns a session that the server added; n is the number of its id.
func lifecycleSession(n, request int, integration, status string) string {
	var partial struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal([]byte(integration), &partial)
	return fmt.Sprintf(`{"id": %q, "name": %q, "request_ids": [%q], "integration": %s, "credentials_status": %q, "can_reset_credentials": true}`,
		requestID(n), partial.Name, requestID(request), integration, status)
}

// lifecycleDetails returns generated access details; n is the number of the password.
func lifecycleDetails(name string, n int) string {
	return fmt.Sprintf(`{"instructions": "Connect to %s as apono-user with the password made-up-%d.",
		"parameters": {"username": "apono-user", "password": "made-up-%[2]d"}}`, name, n)
}

func TestSessionsExistWhileAccessIsGranted(t *testing.T) {
	t.Parallel()
	server := lifecycleServer(t)
	server.Put(aponotest.Sessions, json.RawMessage(sessionJSON("own", "pg", "AVAILABLE", requestID(1), "other")))
	server.Put(aponotest.DetailsOf("own"), json.RawMessage(`{"instructions": "by hand"}`))
	own := sessionJSON("own", "pg", "AVAILABLE", requestID(1), "other")
	lifecycleCreate(t, server, requestsPath, lifecycleBundle)
	lifecycleCreate(t, server, requestsPath, lifecycleDatabase)
	checkResponse(t, server, "GET", sessionsPath, "", 200, requestPage(own))
	server.Approve(requestID(1))
	server.Approve(requestID(2))
	const pg, aws = `{"id": "pg", "name": "Orders DB"}`, `{"id": "aws", "name": "Production"}`
	first, second, third := lifecycleSession(3, 1, aws, "AVAILABLE"), lifecycleSession(4, 1, pg, "AVAILABLE"), lifecycleSession(5, 2, pg, "AVAILABLE")
	for query, want := range map[string]string{
		"":                             requestPage(own, first, second, third),
		"?request_ids=" + requestID(1): requestPage(own, first, second),
		"?request_ids=" + requestID(2): requestPage(third),
		"?request_ids=" + requestID(2) + "&request_ids=other":  requestPage(own, third),
		"?request_ids=" + requestID(1) + "&integration_id=aws": requestPage(first),
		"?integration_id=pg":           requestPage(own, second, third),
		"?request_ids=" + requestID(9): requestPage(),
		"?request_ids=" + requestID(2) + "&request_ids=" + requestID(1): requestPage(own, first, second, third),
	} {
		checkResponse(t, server, "GET", sessionsPath+query, "", 200, want)
	}
	checkResponse(t, server, "GET", sessionsPath+"/"+requestID(3), "", 200, first)
	checkResponse(t, server, "GET", sessionsPath+"/"+requestID(3)+"/access-details", "", 200, lifecycleDetails("Production", 1))
	checkResponse(t, server, "GET", sessionsPath+"/"+requestID(4)+"/access-details", "", 200, lifecycleDetails("Orders DB", 2))
	checkResponse(t, server, "GET", sessionsPath+"/"+requestID(5)+"/access-details", "", 200, lifecycleDetails("Orders DB", 3))

	lifecycleRevoke(t, server, requestID(1))
	for _, gone := range []string{requestID(3), requestID(4)} {
		missing := `{"message": "access session \"` + gone + `\" not found"}`
		checkResponse(t, server, "GET", sessionsPath+"/"+gone, "", 404, missing)
		checkResponse(t, server, "GET", sessionsPath+"/"+gone+"/access-details", "", 404, missing)
		checkResponse(t, server, "POST", sessionsPath+"/"+gone+"/reset-credentials", "", 404, missing)
		require.Falsef(t, server.Get(aponotest.Sessions, gone, &map[string]any{}), "session %s still exists", gone)
	}
	checkResponse(t, server, "GET", sessionsPath, "", 200, requestPage(own, lifecycleSession(5, 2, pg, "VIEWED")))
	checkResponse(t, server, "GET", sessionsPath+"/own/access-details", "", 200, `{"instructions": "by hand"}`)
	lifecycleRevoke(t, server, requestID(2))
	checkResponse(t, server, "GET", sessionsPath, "", 200, requestPage(sessionJSON("own", "pg", "VIEWED", requestID(1), "other")))
}

func TestRevokeV3RemovesSession(t *testing.T) {
	t.Parallel()
	server := lifecycleServer(t)
	lifecycleCreate(t, server, legacyRequestsPath, `{"user_id": "u-ann", "integration_id": "pg", "resource_ids": ["db"], "permissions": ["ReadOnly"], "justification": ""}`)
	path := legacyRequestsPath + "/" + requestID(1)
	missing := `{"message": "access session of request \"` + requestID(1) + `\" not found"}`
	checkResponse(t, server, "GET", path+"/access-details", "", 404, missing)
	server.Approve(requestID(1))
	require.Equal(t, "ACTIVE (GRANTED) granted 12:00:00.000Z sessions 1", lifecycleState(t, server, requestID(1)))
	checkResponse(t, server, "GET", path+"/access-details", "", 200, `{"details": "Connect to Orders DB as apono-user with the password made-up-1."}`)
	lifecycleRevokeV3(t, server, requestID(1))
	checkResponse(t, server, "GET", path+"/access-details", "", 404, missing)
	checkResponse(t, server, "POST", path+"/reset", "", 404, missing)
}

func TestAccessDetailsAreViewedAndReset(t *testing.T) {
	t.Parallel()
	const message = `{"message": "The credentials are being reset"}`
	current := sessionsPath + "/" + requestID(2)
	old := legacyRequestsPath + "/" + requestID(1)
	missing := `{"message": "access details of session \"` + requestID(2) + `\" not found"}`
	for name, paths := range map[string]struct {
		details, reset string
		want           func(n int) string
	}{
		"today": {current + "/access-details", current + "/reset-credentials", func(n int) string { return lifecycleDetails("Orders DB", n) }},
		"version 3": {old + "/access-details", old + "/reset", func(n int) string {
			return fmt.Sprintf(`{"details": "Connect to Orders DB as apono-user with the password made-up-%d."}`, n)
		}},
	} {
		granted := func(t *testing.T, opts ...aponotest.Option) (server *aponotest.Server, has func(status string)) {
			t.Helper()
			server = lifecycleServer(t, opts...)
			lifecycleCreate(t, server, requestsPath, lifecycleDatabase)
			server.Approve(requestID(1))
			server.Advance(time.Minute)
			return server, func(status string) {
				t.Helper()
				checkResponse(t, server, "GET", current, "", 200, lifecycleSession(2, 1, `{"id": "pg", "name": "Orders DB"}`, status))
			}
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, has := granted(t)
			has("AVAILABLE")
			for range 2 {
				checkResponse(t, server, "GET", paths.details, "", 200, paths.want(1))
				has("VIEWED")
			}
			checkResponse(t, server, "POST", paths.reset, "", 200, message)
			has("AVAILABLE")
			checkResponse(t, server, "GET", paths.details, "", 200, paths.want(2))
			has("VIEWED")
		})
		t.Run(name+", one time", func(t *testing.T) {
			t.Parallel()
			server, has := granted(t, aponotest.WithOneTimeDetails(), aponotest.WithProvisioningTime(time.Minute))
			checkResponse(t, server, "GET", paths.details, "", 200, paths.want(1))
			for range 2 {
				checkResponse(t, server, "GET", paths.details, "", 404, missing)
			}
			has("VIEWED")
			checkResponse(t, server, "POST", paths.reset, "", 200, message)
			server.Advance(time.Minute - time.Millisecond)
			has("RESETTING")
			checkResponse(t, server, "GET", paths.details, "", 404, missing) // details are returned only once
			has("RESETTING")
			server.Advance(time.Millisecond)
			has("AVAILABLE")
			checkResponse(t, server, "GET", paths.details, "", 200, paths.want(2))
			checkResponse(t, server, "GET", paths.details, "", 404, missing)
		})
		t.Run(name+", revoked while resetting", func(t *testing.T) {
			t.Parallel()
			server, has := granted(t, aponotest.WithProvisioningTime(time.Minute))
			server.Advance(time.Second)
			checkResponse(t, server, "POST", paths.reset, "", 200, message)
			has("RESETTING")
			lifecycleRevoke(t, server, requestID(1))
			server.Advance(time.Hour)
			checkResponse(t, server, "GET", sessionsPath, "", 200, requestPage())
			checkResponse(t, server, "GET", current, "", 404, `{"message": "access session \"`+requestID(2)+`\" not found"}`)
		})
	}
}

// A reset keeps the access details that the test has put.
func TestResetCredentialsOfPutSession(t *testing.T) {
	t.Parallel()
	server := sessionServer(t, aponotest.WithOneTimeDetails(), aponotest.WithProvisioningTime(time.Minute))
	const details = `{"instructions": "log in", "parameters": {"password": "hunter2"}}`
	const path = sessionsPath + "/s1"
	checkResponse(t, server, "GET", path+"/access-details", "", 200, details)
	checkResponse(t, server, "GET", path+"/access-details", "", 404, `{"message": "access details of session \"s1\" not found"}`)
	checkResponse(t, server, "POST", path+"/reset-credentials", "", 200, `{"message": "The credentials are being reset"}`)
	var session map[string]any
	require.True(t, server.Get(aponotest.Sessions, "s1", &session), "no session s1")
	session["name"] = "renamed"
	server.Put(aponotest.Sessions, session)
	server.Advance(time.Minute)
	checkResponse(t, server, "GET", path, "", 200, strings.Replace(sessionJSON("s1", "pg", "AVAILABLE", "ar1", "ar2"), "of s1", "renamed", 1))
	checkResponse(t, server, "GET", path+"/access-details", "", 200, details)
}

// A change of the new request must not change the old one.
func TestRequestAgainIsIndependent(t *testing.T) {
	t.Parallel()
	server := lifecycleServer(t, aponotest.WithApprovalAfter(10*time.Second), aponotest.WithProvisioningTime(5*time.Second))
	lifecycleCreate(t, server, requestsPath, lifecycleMinute)
	server.Advance(10 * time.Minute)
	const ended = "REVOKED (EXPIRED) granted 12:00:15.000Z revoked 12:01:20.000Z sessions 0"
	require.Equal(t, ended, lifecycleState(t, server, requestID(1)))
	again := requestID(3) // the second id is the session's
	lifecycleCreate(t, server, requestsPath+"/"+requestID(1)+"/request-again", `{"custom_fields": {}}`)
	for _, want := range []struct {
		after time.Duration
		life  string
	}{
		{0, "PENDING (PENDING) sessions 0"},
		{10 * time.Second, "GRANTING (APPROVED) sessions 0"},
		{5 * time.Second, "ACTIVE (GRANTED) granted 12:10:15.000Z sessions 1"},
		{time.Minute, "REVOKING (REVOKING) granted 12:10:15.000Z sessions 1"},
		{5 * time.Second, "REVOKED (EXPIRED) granted 12:10:15.000Z revoked 12:11:20.000Z sessions 0"},
	} {
		server.Advance(want.after)
		require.Equal(t, want.life, lifecycleState(t, server, again))
		require.Equal(t, ended, lifecycleState(t, server, requestID(1)))
	}
	checkResponse(t, server, "GET", requestsPath+"/"+again, "", 200, `{"id": "`+again+`", "status": "REVOKED", "creation_date": "2026-03-02T12:10:00.000Z",
		"revocation_date": "2026-03-02T12:11:20.000Z", "duration_in_sec": 60, "custom_fields": {},
		"access_groups": [{"integration": {"id": "pg", "name": "Orders DB"}, "resource_types": [{"id": "database", "label": "database"}]}]}`)
}

// The request has the current entitlements of the bundle, without duplicates.
func TestRequestForBundleHasItsEntitlements(t *testing.T) {
	t.Parallel()
	all := `"ReadOnly", "ReadWrite", "Assume"`
	scope := func(mode, kind, key, values string) string {
		if key != "" {
			key = fmt.Sprintf(`"key": %q, `, key)
		}
		return fmt.Sprintf(`{"scope_mode": "%s_resources", "type": %q, %s"values": [%s]}`, mode, kind, key, values)
	}
	for name, test := range map[string]struct{ targets, want, systems string }{
		"nothing":             {``, ``, ``},
		"one permission":      {lifecycleTarget("aws", "s3", `"ReadWrite"`, ""), `bucket:ReadWrite log:ReadWrite`, `aws`},
		"all permissions":     {lifecycleTarget("aws", "s3", all, ""), `bucket:ReadOnly bucket:ReadWrite log:ReadOnly log:ReadWrite`, `aws`},
		"two integrations":    {lifecycleTarget("pg", "database", all, "") + `,` + lifecycleTarget("aws", "iam", all, ""), `role:Assume db:ReadOnly`, `aws pg`},
		"duplicate target":    {lifecycleTarget("aws", "s3", `"ReadOnly"`, "") + `,` + lifecycleTarget("aws", "s3", `"ReadOnly"`, ""), `bucket:ReadOnly log:ReadOnly`, `aws`},
		"another type":        {lifecycleTarget("aws", "database", all, ""), ``, ``},
		"unknown integration": {lifecycleTarget("gone", "s3", all, ""), ``, ``},
		"no permission":       {lifecycleTarget("aws", "s3", `"Assume"`, ""), ``, ``},
		"an access scope":     {`{"access_scope": {"access_scope_id": "x", "access_scope_name": "x"}}`, ``, ``},
		"by name":             {lifecycleTarget("aws", "s3", `"ReadOnly"`, scope("include", "NAME", "", `"orders", "none"`)), `bucket:ReadOnly`, `aws`},
		"not by name":         {lifecycleTarget("aws", "s3", `"ReadOnly"`, scope("exclude", "NAME", "", `"orders"`)), `log:ReadOnly`, `aws`},
		"by id":               {lifecycleTarget("aws", "s3", `"ReadOnly"`, scope("include", "APONO_ID", "", `"log"`)), `log:ReadOnly`, `aws`},
		"by tag":              {lifecycleTarget("aws", "s3", `"ReadOnly"`, scope("include", "TAG", "stage", `"prod"`)), `bucket:ReadOnly`, `aws`},
		"not by tag":          {lifecycleTarget("aws", "s3", `"ReadOnly"`, scope("exclude", "TAG", "stage", `"prod"`)), `log:ReadOnly`, `aws`},
		"by another tag":      {lifecycleTarget("aws", "s3", `"ReadOnly"`, scope("include", "TAG", "owner", `"prod"`)), ``, ``},
		"all scopes": {
			lifecycleTarget("aws", "s3", `"ReadOnly"`, scope("include", "NAME", "", `"orders", "log"`)+`,`+scope("exclude", "APONO_ID", "", `"bucket"`)),
			`log:ReadOnly`, `aws`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := lifecycleServer(t)
			server.Put(aponotest.ResourcesOf("aws"), json.RawMessage(`{"id": "log", "name": "log", "type": "s3", "status": {"status": "Active"}}`))
			checkResponse(t, server, "PUT", "/api/v3/integrations/resources/bucket/user-tags", `{"tags": {"stage": "prod"}}`, 200, `{"message": "The tags were updated"}`)
			server.Put(aponotest.Bundles, json.RawMessage(`{"id": "b4", "name": "Some", "access_targets": [`+test.targets+`]}`))
			lifecycleCreate(t, server, requestsPath, `{"bundle_reference": "Some", "custom_fields": {}}`)
			ids, _ := requestIDs(t, server, requestsPath+"/"+requestID(1)+"/entitlements")
			require.Equal(t, test.want, ids)
			server.Approve(requestID(1))
			var request apono.AccessRequest
			require.True(t, server.Get(aponotest.AccessRequests, requestID(1), &request), "no access request")
			var systems []string
			for _, group := range request.AccessGroups {
				systems = append(systems, group.Integration.ID)
			}
			require.Equal(t, test.systems, strings.Join(systems, " "))
			sessions, _ := requestIDs(t, server, sessionsPath)
			require.Len(t, strings.Fields(sessions), len(systems))
		})
	}
}

func TestActivityRecordsRequests(t *testing.T) {
	t.Parallel()
	server := lifecycleServer(t, aponotest.WithProvisioningTime(time.Second))
	server.Put(aponotest.ResourcesOf("aws"), json.RawMessage(`{"id": "log", "name": "log", "type": "s3", "status": {"status": "Active"}}`))
	columns := ""
	for _, name := range []string{
		"request_id", "request_date", "request_grant_date", "request_revoke_date", "requestor_name", "requestor_email", "grantee_name", "grantee_id",
		"grantee_type", "integration", "resources", "resource_type", "permissions", "approver_names", "approver_emails", "approver_types",
		"justification", "status", "approver_reason", "resources_status", "trigger_type", "access_flow", "bundle_name", "extension_count",
	} {
		columns += "fields=" + name + "&"
	}
	lifecycleCreate(t, server, requestsPath, `{"bundle_reference": "b3", "justification": "why", "custom_fields": {}, "duration_in_sec": 60}`)
	server.Advance(time.Hour)
	lifecycleCreate(t, server, requestsPath, `{"custom_fields": {}, "grantee": "ben@example.com", "entitlements": [
		{"resource_id": "bucket", "permission_id": "read"}, {"resource_id": "bucket", "permission_id": "write"}, {"resource_id": "db", "permission_id": "select"}]}`)
	server.Advance(time.Hour)
	lifecycleCreate(t, server, legacyRequestsPath, `{"user_id": "u-ann", "integration_id": "pg", "resource_ids": ["db"], "permissions": ["ReadOnly"], "justification": "old"}`)
	lifecycleCreate(t, server, requestsPath, `{"bundle_reference": "b1", "custom_fields": {}}`)
	const (
		bundle = `"request_id": "00000001-0000-4000-8000-000000000001", "request_date": "2026-03-02T12:00:00.000Z", "justification": "why", "bundle_name": "Everything", `
		ben    = `"request_date": "2026-03-02T13:00:00.000Z", "grantee_id": "u-ben", "permissions": ["ReadOnly"%s], "resources": ["orders"], `
		pg     = `"integration": "Orders DB", "resource_type": "database", "resources": ["orders"], "permissions": ["ReadOnly"], `
		old    = `"request_id": "00000004-0000-4000-8000-000000000004", "request_date": "2026-03-02T14:00:00.000Z", "justification": "old", "grantee_id": "u-ann", ` + pg
		empty  = `"request_id": "00000005-0000-4000-8000-000000000005", "request_date": "2026-03-02T14:00:00.000Z", "bundle_name": "On call", `
	)
	rows := func(first, second, third, fourth, fifth string) string {
		return activityRows("6",
			bundle+`"integration": "Production", "resource_type": "s3", "resources": ["orders", "deployer", "log"], "permissions": ["ReadOnly", "Assume"], `+first,
			bundle+pg+first,
			`"request_id": "00000002-0000-4000-8000-000000000002", "integration": "Production", "resource_type": "s3", `+fmt.Sprintf(ben, `, "ReadWrite"`)+second,
			`"request_id": "00000003-0000-4000-8000-000000000003", "integration": "Orders DB", "resource_type": "database", `+fmt.Sprintf(ben, ``)+third,
			old+fourth, empty+fifth)
	}
	const pending = `"status": "PENDING"`
	checkResponse(t, server, "GET", activityPath+"?"+columns, "", 200, rows(pending, pending, pending, pending, pending))

	server.Approve(requestID(1))
	server.Reject(requestID(2))
	server.Approve(requestID(3))
	lifecycleRevokeV3(t, server, requestID(4))
	checkResponse(t, server, "GET", activityPath+"?"+columns, "", 200,
		rows(`"status": "GRANTING"`, `"status": "REJECTED"`, `"status": "GRANTING"`, `"status": "REVOKING"`, pending))
	server.Advance(time.Second)
	const granted = `"request_grant_date": "2026-03-02T14:00:01.000Z", `
	const revoked = `"status": "REVOKED", "request_revoke_date": "2026-03-02T14:00:01.000Z"`
	checkResponse(t, server, "GET", activityPath+"?"+columns, "", 200,
		rows(granted+`"status": "ACTIVE"`, `"status": "REJECTED"`, granted+`"status": "ACTIVE"`, revoked, pending))
	server.Advance(time.Hour)
	checkResponse(t, server, "GET", activityPath+"?"+columns, "", 200,
		rows(granted+`"status": "REVOKED", "request_revoke_date": "2026-03-02T14:01:02.000Z"`, `"status": "REJECTED"`, granted+`"status": "ACTIVE"`, revoked, pending))

	// Dates are in seconds or milliseconds and inclusive. Noon is 1772452800.
	first, second, third, fourth, fifth := requestID(1), requestID(2), requestID(3), requestID(4), requestID(5)
	for query, want := range map[string][]string{
		"filter[access_request_id]=" + first:                                          {first, first},
		"filter[access_request_id]=" + third + "&filter[access_request_id]=" + second: {second, third},
		"filter[access_request_id]=none":                                              nil,
		"filter[integration_id]=aws":                                                  {first, second},
		"filter[status]=REVOKED":                                                      {first, first, fourth},
		"filter[permission]=ReadWrite":                                                {second},
		"filter[resource]=deployer":                                                   {first},
		"filter[resource_type]=database&filter[status]=ACTIVE":                        {third},
		"start_date=1772452800&end_date=1772452800":                                   {first, first},
		"start_date=1772452801&end_date=1772456400":                                   {second, third},
		"start_date=1772456401":                                                       {fourth, fifth},
		"end_date=1772456399":                                                         {first, first},
		"start_date=1772452800000&end_date=1772452800000":                             {first, first},
		"start_date=1772452800001&end_date=1772456400000":                             {second, third},
		"start_date=1772456400001":                                                    {fourth, fifth},
		"end_date=1772456399999":                                                      {first, first},
		"start_date=1772452801&end_date=1772456400000":                                {second, third},
		"start_date=99999999999":                                                      nil,
		"end_date=100000000000":                                                       nil, // the first in milliseconds, in 1973
		"start_date=1772452800&filter[access_request_id]=" + second + "&end_date=177245640000": nil,
		"start_date=-1&filter[access_request_id]=" + fifth:                                     {fifth},
	} {
		var page struct {
			Data []struct {
				ID string `json:"request_id"`
			} `json:"data"`
		}
		_, response := sendHTTP(t, server, "GET", activityPath+"?"+query, "")
		require.NoError(t, json.Unmarshal([]byte(response), &page))
		var ids []string
		for _, row := range page.Data {
			ids = append(ids, row.ID)
		}
		require.Equalf(t, fmt.Sprint(want), fmt.Sprint(ids), "wrong rows for %s", query)
	}
}

// lifecycleFatal returns the message of a failed test. The server must be usable
// afterwards, for the test's cleanups.
func lifecycleFatal(t *testing.T, use func(*aponotest.Server)) string {
	t.Helper()
	tb := &misuse{TB: t}
	server := aponotest.NewServer(tb)
	defer server.Close()
	for id, status := range map[string]string{"open": "PENDING", "over": "REVOKED"} {
		server.Put(aponotest.AccessRequests, json.RawMessage(`{"id": "`+id+`", "status": "`+status+`", "custom_fields": {}, "access_groups": []}`))
	}
	func() {
		defer func() { require.True(t, recover() == tb, "the test did not fail") }()
		use(server)
	}()
	require.Empty(t, server.Requests())
	return tb.message
}

func TestLifecycleMisuseFailsTest(t *testing.T) {
	t.Parallel()
	for want, use := range map[string]func(*aponotest.Server){
		`aponotest: access request "none" not found`:                func(s *aponotest.Server) { s.Approve("none") },
		`aponotest: access request "" not found`:                    func(s *aponotest.Server) { s.Reject("") },
		`aponotest: access request "over" is REVOKED, not PENDING`:  func(s *aponotest.Server) { s.Approve("over") },
		`aponotest: access request "open" is ACTIVE, not PENDING`:   func(s *aponotest.Server) { s.Approve("open"); s.Reject("open") },
		`aponotest: access request "open" is REJECTED, not PENDING`: func(s *aponotest.Server) { s.Reject("open"); s.Approve("open") },
		`aponotest: d must not be negative, got -1.5s`:              func(s *aponotest.Server) { s.Advance(-1500 * time.Millisecond) },
		`aponotest: unknown Break "request los"`:                    func(s *aponotest.Server) { s.FaultNext("", 1, aponotest.Fault{Break: "request los"}) },
		`aponotest: unknown operation "Sessions.Lsit": use a name such as "Integrations.List"`: func(s *aponotest.Server) {
			s.FaultNext("Sessions.Lsit", 1, aponotest.Fault{Break: aponotest.RequestLost})
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, lifecycleFatal(t, use))
		})
	}
}

func TestMisuseWithoutTestPanics(t *testing.T) {
	t.Parallel()
	server, err := aponotest.Start(aponotest.WithoutNetwork())
	require.NoError(t, err)
	defer func() {
		require.Equal(t, any(`aponotest: access request "none" not found`), recover())
		require.Empty(t, server.Requests())
	}()
	server.Approve("none")
}

// lifecycleInput requests access to the database for ten minutes.
var lifecycleInput = apono.CreateAccessRequestInput{
	Entitlements: []apono.CreateAccessRequestEntitlement{{ResourceID: "db", PermissionID: "select"}}, DurationInSec: new(600),
}

// The server and WaitFor use the clock of the bubble.
func TestLifecycleInBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := requestServer(t, aponotest.WithoutNetwork(), aponotest.WithApprovalAfter(time.Hour), aponotest.WithProvisioningTime(20*time.Second))
		requests := server.Client().AccessRequests
		began := time.Now() // midnight of 2000-01-01, as in every bubble
		made, err := requests.Create(t.Context(), lifecycleInput)
		require.NoError(t, err)
		require.Equal(t, time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC), made[0].CreationDate)
		require.Zero(t, time.Since(began))

		granted, err := requests.WaitFor(t.Context(), made[0].ID, apono.UntilGranted)
		require.NoError(t, err)
		require.Equal(t, apono.AccessRequestStatus("ACTIVE"), granted.Status)
		waited := time.Since(began)
		require.GreaterOrEqual(t, waited, time.Hour+20*time.Second, "WaitFor did not end with the first poll after 1h0m20s")
		require.LessOrEqual(t, waited, time.Hour+35*time.Second, "WaitFor did not end with the first poll after 1h0m20s")
		require.Equal(t, "ACTIVE (GRANTED) granted 01:00:20.000Z sessions 1", lifecycleState(t, server, made[0].ID))

		gone, err := requests.WaitFor(t.Context(), made[0].ID, apono.UntilRevoked)
		require.NoError(t, err)
		require.Equal(t, time.Date(2000, time.January, 1, 1, 10, 40, 0, time.UTC), *gone.RevocationDate)
		waited = time.Since(began)
		require.GreaterOrEqual(t, waited, time.Hour+640*time.Second, "WaitFor did not end with the first poll after 1h10m40s")
		require.LessOrEqual(t, waited, time.Hour+655*time.Second, "WaitFor did not end with the first poll after 1h10m40s")
		require.Equal(t, "REVOKED (EXPIRED) granted 01:00:20.000Z revoked 01:10:40.000Z sessions 0", lifecycleState(t, server, made[0].ID))
		n := len(server.Requests("AccessRequests.Get"))
		require.Greater(t, n, 100, "wrong number of polls")
		require.Less(t, n, 500, "wrong number of polls")
	})
}

func TestDecisionEndsWaitForInBubble(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		decide func(*aponotest.Server, string)
		want   error
		last   apono.AccessRequestStatus
	}{
		"approved": {(*aponotest.Server).Approve, nil, ""},
		"rejected": {(*aponotest.Server).Reject, apono.ErrRequestRejected, "REJECTED"},
		"revoked": {func(s *aponotest.Server, id string) {
			_, _ = s.Client().AccessRequests.Revoke(context.Background(), id)
		}, apono.ErrRequestRevoked, "REVOKED"},
		"no decision": {func(*aponotest.Server, string) {}, context.DeadlineExceeded, "PENDING"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := requestServer(t, aponotest.WithoutNetwork())
				requests := server.Client().AccessRequests
				made, err := requests.Create(t.Context(), lifecycleInput)
				require.NoError(t, err)
				time.AfterFunc(90*time.Second, func() { test.decide(server, made[0].ID) })
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				began := time.Now()
				granted, err := requests.WaitFor(ctx, made[0].ID, apono.UntilGranted)
				waited := time.Since(began)
				if test.want == nil {
					require.NoError(t, err)
					require.Equal(t, apono.AccessRequestStatus("ACTIVE"), granted.Status)
				} else {
					require.ErrorIs(t, err, test.want)
					require.Equal(t, test.last, apitest.ErrorAs[*apono.WaitError](t, err).Request.Status)
				}
				if errors.Is(err, context.DeadlineExceeded) {
					require.Equal(t, 2*time.Minute, waited)
				} else {
					require.GreaterOrEqual(t, waited, 90*time.Second, "WaitFor did not end with the first poll after 1m30s")
					require.LessOrEqual(t, waited, 105*time.Second, "WaitFor did not end with the first poll after 1m30s")
				}
			})
		})
	}
}

func TestAdvanceInBubbleAddsToTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := requestServer(t, aponotest.WithoutNetwork(), aponotest.WithApprovalAfter(time.Hour))
		made, err := server.Client().AccessRequests.Create(t.Context(), lifecycleInput)
		require.NoError(t, err)
		server.Advance(50 * time.Minute)
		time.Sleep(10*time.Minute - time.Millisecond)
		require.Equal(t, "PENDING (PENDING) sessions 0", lifecycleState(t, server, made[0].ID))
		time.Sleep(time.Millisecond)
		require.Equal(t, "ACTIVE (GRANTED) granted 01:00:00.000Z sessions 1", lifecycleState(t, server, made[0].ID))
		server.Advance(0)
		server.Advance(10 * time.Minute)
		require.Equal(t, "REVOKED (EXPIRED) granted 01:00:00.000Z revoked 01:10:00.000Z sessions 0", lifecycleState(t, server, made[0].ID))
	})
}

func TestConcurrentLifecycles(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]aponotest.Option{"network": nil, "no network": {aponotest.WithoutNetwork()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := requestServer(t, append(opts, aponotest.WithProvisioningTime(time.Minute))...)
			client, ctx := server.Client(), t.Context()
			var running sync.WaitGroup
			for range 8 {
				running.Go(func() {
					for range 5 {
						made, err := client.AccessRequests.Create(ctx, lifecycleInput)
						if err != nil {
							t.Error(err)
							return
						}
						server.Approve(made[0].ID)
						server.Advance(time.Minute)
						sessions, err := client.Sessions.List(ctx, apono.ListSessionsOptions{RequestIDs: []string{made[0].ID}})
						if err != nil {
							t.Error(err)
							return
						}
						for _, session := range sessions.Items {
							_, _ = client.Sessions.GetAccessDetails(ctx, session.ID) // the session may have ended
						}
						if _, err := client.AccessRequests.Revoke(ctx, made[0].ID); err != nil {
							t.Error(err)
						}
						if _, err := client.Activity.List(ctx); err != nil {
							t.Error(err)
						}
					}
				})
			}
			running.Wait()
			server.Advance(time.Hour)
			requests, err := apono.Collect(client.AccessRequests.ListAll(ctx))
			require.NoError(t, err)
			require.Len(t, requests, 40)
			for _, request := range requests {
				require.Equal(t, apono.AccessRequestStatus("REVOKED"), request.Status)
			}
			sessions, err := apono.Collect(client.Sessions.ListAll(ctx))
			require.NoError(t, err)
			require.Empty(t, sessions)
			activity, err := apono.Collect(client.Activity.ListAll(ctx))
			require.NoError(t, err)
			require.Len(t, activity, 40)
		})
	}
}
