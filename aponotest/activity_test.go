package aponotest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

const activityPath = "/api/v3/activity"

// Rows of activity. The first has every column and every member that filters use.
const (
	fullActivity = `"request_id": "AR-1", "request_date": "2026-03-05", "requestor_name": "Ada", "requestor_email": "ada@example.com",
		"integration": "Orders", "resource_type": "mysql-database", "resources": ["orders", "billing"], "permissions": ["READ_ONLY", "ADMIN"],
		"justification": "<why>", "status": "Active", "trigger_type": "user", "access_flow": "Databases", "extension_count": "2"`
	moreActivity = `"request_grant_date": "2026-03-06", "request_revoke_date": "2026-03-07", "grantee_name": "Ben", "grantee_id": "u2",
		"grantee_type": "USER", "approver_names": "Chen", "approver_emails": "chen@example.com", "approver_types": "USER",
		"approver_reason": "fine", "resources_status": "ok", "bundle_name": "All"`
	hiddenActivity = `"access_flow_id": "f1", "integration_id": "i1", "requestor_id": "u1", "date": 100`
	secondActivity = `"request_id": "AR-2", "resource_type": "ssh", "resources": ["host"], "permissions": [], "status": "Revoked", "trigger_type": "auto"`
	thirdActivity  = `"request_id": "AR-3", "status": "Active"`
)

func activityServer(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, opts...)
	server.Put(aponotest.Activity,
		json.RawMessage(`{`+fullActivity+`,`+moreActivity+`,`+hiddenActivity+`}`),
		json.RawMessage(`{`+secondActivity+`, "access_flow_id": "f2", "integration_id": "i2", "requestor_id": "u2", "date": 200}`),
		json.RawMessage(`{`+thirdActivity+`}`),
	)
	return server
}

// activityRows returns the response with the given rows.
func activityRows(total string, rows ...string) string {
	return `{"data": [{` + strings.Join(rows, `}, {`) + `}], "pagination": {"total": ` + total + `, "limit": ` + total + `, "offset": 0}}`
}

func TestActivityHasRequestedColumns(t *testing.T) {
	t.Parallel()
	server := activityServer(t)
	checkResponse(t, server, "GET", activityPath, "", 200, activityRows("3", fullActivity, secondActivity, thirdActivity))
	checkResponse(t, server, "GET", activityPath+"?fields=status&fields=bundle_name", "", 200,
		activityRows("3", `"status": "Active", "bundle_name": "All"`, `"status": "Revoked"`, `"status": "Active"`))
	var all []string
	for _, name := range []string{
		"request_id", "request_date", "request_grant_date", "request_revoke_date", "requestor_name", "requestor_email",
		"grantee_name", "grantee_id", "grantee_type", "integration", "resources", "resource_type", "permissions", "approver_names",
		"approver_emails", "approver_types", "justification", "status", "approver_reason", "resources_status", "trigger_type",
		"access_flow", "bundle_name", "extension_count",
	} {
		all = append(all, "fields="+name)
	}
	checkResponse(t, server, "GET", activityPath+"?"+strings.Join(all, "&"), "", 200,
		activityRows("3", fullActivity+`,`+moreActivity, secondActivity, thirdActivity))
}

func TestActivityFilters(t *testing.T) {
	t.Parallel()
	server := activityServer(t)
	checkFilters(t, server, activityPath, "request_id", map[string]string{
		"?filter[access_flow_id]=f1":                                     "AR-1",
		"?filter%5Baccess_flow_id%5D=f2":                                 "AR-2",
		"?filter[access_request_id]=AR-3":                                "AR-3",
		"?filter[access_request_id]=AR-3&filter[access_request_id]=AR-1": "AR-1 AR-3",
		"?filter[integration_id]=i2":                                     "AR-2",
		"?filter[integration_id]=Orders":                                 "",
		"?filter[permission]=ADMIN":                                      "AR-1",
		"?filter[permission]=ADMIN&filter[permission]=READ_ONLY":         "AR-1",
		"?filter[requestor_id]=u1&filter[requestor_id]=u2":               "AR-1 AR-2",
		"?filter[requestor_id]=Ada":                                      "",
		"?filter[resource]=billing&filter[resource]=host":                "AR-1 AR-2",
		"?filter[resource]=bill":                                         "",
		"?filter[resource_type]=ssh":                                     "AR-2",
		"?filter[status]=Active":                                         "AR-1 AR-3",
		"?filter[status]=Active&filter[resource]=orders":                 "AR-1",
		"?filter[trigger_type]=auto":                                     "AR-2",
		"?filter[trigger_type]=none":                                     "",
		"?start_date=100":                                                "AR-1 AR-2 AR-3",
		"?start_date=101":                                                "AR-2 AR-3",
		"?end_date=199":                                                  "AR-1 AR-3",
		"?start_date=101&end_date=199":                                   "AR-3",
		"?start_date=-1&end_date=200":                                    "AR-1 AR-2 AR-3",
		"?filter[status]=Active&end_date=99":                             "AR-3",
	})
	// Filters apply to columns that are not returned.
	checkResponse(t, server, "GET", activityPath+"?fields=status&filter[resource_type]=ssh", "", 200, activityRows("1", `"status": "Revoked"`))
}

func TestInvalidActivityRequestsAreRejected(t *testing.T) {
	t.Parallel()
	checkAllRejected(t, activityServer(t), []rejection{
		{"GET", activityPath + "?fields=access_flow_id", "", 422, "fields", `field "access_flow_id" not found`},
		{"GET", activityPath + "?fields=status&fields=date", "", 422, "fields", `field "date" not found`},
		{"GET", activityPath + "?filter[requestor]=u1", "", 422, "filter[requestor]", "unknown query parameter"},
		{"GET", activityPath + "?status=Active", "", 422, "status", "unknown query parameter"},
		{"GET", activityPath + "?start_date=2026-03-05", "", 422, "start_date", `must be an integer, not "2026-03-05"`},
		{"GET", activityPath + "?end_date=1.5", "", 422, "end_date", `must be an integer, not "1.5"`},
		{"GET", activityPath + "?end_date=1&end_date=2", "", 422, "end_date", "must be given once, not 2 times"},
		{"GET", activityPath + "?skip=1", "", 422, "skip", "unknown query parameter"},
	})
}

func TestActivityWithClient(t *testing.T) {
	t.Parallel()
	server := activityServer(t, aponotest.WithOffsetPageSize(1))
	for range 3 {
		server.Put(aponotest.Activity, apono.ActivityEntry{
			Status: new("Denied"), Extra: map[string]json.RawMessage{"grantee_name": json.RawMessage(`"Dana"`), "date": json.RawMessage(`300`)},
		})
	}
	activity := server.Client().Activity
	page, err := activity.List(t.Context(), apono.ListActivityOptions{
		Skip: 1, Limit: 1, Fields: []apono.ReportField{apono.ReportFieldStatus, apono.ReportFieldResources}, StartDate: 1, EndDate: 250,
	})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.ActivityEntry]{
		Items: []*apono.ActivityEntry{{Status: new("Revoked"), Resources: []string{"host"}}}, Total: 3, Limit: 1, Offset: 1,
	}, page)
	all, err := apono.Collect(activity.ListAll(t.Context(), apono.ListActivityOptions{
		AccessFlowID: []string{"f1"}, AccessRequestID: []string{"AR-1"}, IntegrationID: []string{"i1"}, Permission: []string{"ADMIN"},
		RequestorID: []string{"u1"}, Resource: []string{"orders"}, ResourceType: []string{"mysql-database"}, Status: []string{"Active"},
		TriggerType: []string{"user"}, Fields: []apono.ReportField{apono.ReportFieldAccessFlow},
	}))
	require.NoError(t, err)
	require.Equal(t, []*apono.ActivityEntry{{AccessFlow: new("Databases")}}, all)
	alike, err := apono.Collect(activity.ListAll(t.Context(), apono.ListActivityOptions{
		StartDate: 300, Status: []string{"Denied"}, Fields: []apono.ReportField{apono.ReportFieldGranteeName},
	}))
	require.NoError(t, err)
	dana := &apono.ActivityEntry{Extra: map[string]json.RawMessage{"grantee_name": json.RawMessage(`"Dana"`)}}
	require.Equal(t, []*apono.ActivityEntry{dana, dana, dana}, alike)
}
