package apono_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

const activityPath = "/api/v3/activity"

// activityRow returns the row in activity/row.json.
func activityRow() *apono.ActivityEntry {
	return &apono.ActivityEntry{
		RequestID: new("AR-123"), RequestDate: new("2026-03-05 07:08"),
		RequestorName: new("Ada Lovelace"), RequestorEmail: new("ada@example.com"),
		Integration: new("Orders database"), ResourceType: new("postgresql-database"),
		Resources: []string{"orders", "billing"}, Permissions: []string{"READ_ONLY"},
		Justification: new("Ticket <7> & more"), Status: new("Active"), TriggerType: new("user_request"),
		AccessFlow: new("Databases"), ExtensionCount: new("2"),
	}
}

// activityExtra returns the row in activity/row_extra.json.
func activityExtra() *apono.ActivityEntry {
	return &apono.ActivityEntry{
		Status: new("Revoked"), Resources: []string{},
		Extra: map[string]json.RawMessage{
			"request_grant_date":  json.RawMessage(`"2026-03-05"`),
			"request_revoke_date": json.RawMessage(`null`),
			"grantee_name":        json.RawMessage(`"Ben"`),
			"approver_names":      json.RawMessage(`["Chen", "Dana"]`),
			"resources_status":    json.RawMessage(`{"orders": {"state": "Deleted", "size": 12345678901234567890, "price": 1.10}}`),
			"bundle_name":         json.RawMessage(`"<all> & \"more\""`),
		},
	}
}

// activityPage returns a page by offset with the given rows.
func activityPage(total, offset int, rows ...string) string {
	return fmt.Sprintf(`{"data": [%s], "pagination": {"total": %d, "limit": 2, "offset": %d}}`, strings.Join(rows, ","), total, offset)
}

func TestListActivity(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: activityPage(9, 6, apitest.Fixture(t, "activity/row.json"), apitest.Fixture(t, "activity/row_extra.json"), `{}`)})
	page, err := apitest.NewClient(t, fake).Activity.List(t.Context(), apono.ListActivityOptions{
		Limit: 3, Skip: 6, StartDate: 1772694489123, EndDate: -1, Fields: []apono.ReportField{apono.ReportFieldStatus, "next_years_column"},
		AccessFlowID: []string{"flow-1", "flow-2"}, AccessRequestID: []string{"AR-1", "AR-2"}, IntegrationID: []string{"i1", "i2"},
		Permission: []string{"READ_ONLY", "Key Vault"}, RequestorID: []string{"u1", "u2"}, Resource: []string{"r/1", "r&2"},
		ResourceType: []string{"mysql-database", "ssh"}, Status: []string{"Active", "Revoked"}, TriggerType: []string{"t1", "t2"},
	})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.ActivityEntry]{
		Items: []*apono.ActivityEntry{activityRow(), activityExtra(), {}}, Total: 9, Limit: 2, Offset: 6,
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", activityPath, "end_date=-1&fields=status&fields=next_years_column&"+
		"filter%5Baccess_flow_id%5D=flow-1&filter%5Baccess_flow_id%5D=flow-2&"+
		"filter%5Baccess_request_id%5D=AR-1&filter%5Baccess_request_id%5D=AR-2&"+
		"filter%5Bintegration_id%5D=i1&filter%5Bintegration_id%5D=i2&"+
		"filter%5Bpermission%5D=READ_ONLY&filter%5Bpermission%5D=Key+Vault&"+
		"filter%5Brequestor_id%5D=u1&filter%5Brequestor_id%5D=u2&"+
		"filter%5Bresource%5D=r%2F1&filter%5Bresource%5D=r%262&"+
		"filter%5Bresource_type%5D=mysql-database&filter%5Bresource_type%5D=ssh&"+
		"filter%5Bstatus%5D=Active&filter%5Bstatus%5D=Revoked&"+
		"filter%5Btrigger_type%5D=t1&filter%5Btrigger_type%5D=t2&"+
		"limit=3&skip=6&start_date=1772694489123", "")
}

func TestActivityColumnsAreSent(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: activityPage(0, 0)})
	_, err := apitest.NewClient(t, fake).Activity.List(t.Context(), apono.ListActivityOptions{Fields: []apono.ReportField{
		apono.ReportFieldRequestID, apono.ReportFieldRequestDate, apono.ReportFieldRequestGrantDate, apono.ReportFieldRequestRevokeDate,
		apono.ReportFieldRequestorName, apono.ReportFieldRequestorEmail, apono.ReportFieldGranteeName, apono.ReportFieldGranteeID,
		apono.ReportFieldGranteeType, apono.ReportFieldIntegration, apono.ReportFieldResources, apono.ReportFieldResourceType,
		apono.ReportFieldPermissions, apono.ReportFieldApproverNames, apono.ReportFieldApproverEmails, apono.ReportFieldApproverTypes,
		apono.ReportFieldJustification, apono.ReportFieldStatus, apono.ReportFieldApproverReason, apono.ReportFieldResourcesStatus,
		apono.ReportFieldTriggerType, apono.ReportFieldAccessFlow, apono.ReportFieldBundleName, apono.ReportFieldExtensionCount,
	}})
	require.NoError(t, err)
	apitest.Sent(t, fake.Requests()[0], "GET", activityPath, "fields=request_id&fields=request_date&fields=request_grant_date&fields=request_revoke_date&"+
		"fields=requestor_name&fields=requestor_email&fields=grantee_name&fields=grantee_id&"+
		"fields=grantee_type&fields=integration&fields=resources&fields=resource_type&"+
		"fields=permissions&fields=approver_names&fields=approver_emails&fields=approver_types&"+
		"fields=justification&fields=status&fields=approver_reason&fields=resources_status&"+
		"fields=trigger_type&fields=access_flow&fields=bundle_name&fields=extension_count", "")
}

// The schema of a row lacks some columns that can be requested. They must not get lost.
func TestActivityRowsMarshalAsTheyWereRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, row string
		want      *apono.ActivityEntry
	}{
		{"known members only", apitest.Fixture(t, "activity/row.json"), activityRow()},
		{"unknown members", apitest.Fixture(t, "activity/row_extra.json"), activityExtra()},
		{"unknown members only", `{"grantee_id": "u1"}`, &apono.ActivityEntry{Extra: map[string]json.RawMessage{"grantee_id": json.RawMessage(`"u1"`)}}},
		{"nothing", `{}`, &apono.ActivityEntry{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			entry := new(apono.ActivityEntry)
			require.NoError(t, json.Unmarshal([]byte(c.row), entry))
			require.Equal(t, c.want, entry)
			for _, value := range []any{entry, *entry} {
				data, err := json.Marshal(value)
				require.NoError(t, err)
				apitest.JSONEq(t, c.row, string(data))
			}
		})
	}
}

func TestNullsInActivityRowsAreAbsent(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: activityPage(1, 0, `{
		"request_id": null, "request_date": null, "requestor_name": null, "requestor_email": null, "integration": null, "resource_type": null,
		"resources": null, "permissions": null, "justification": null, "status": null, "trigger_type": null, "access_flow": null, "extension_count": null
	}`)})
	page, err := apitest.NewClient(t, fake).Activity.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, []*apono.ActivityEntry{{}}, page.Items)
	apitest.Sent(t, fake.Requests()[0], "GET", activityPath, "", "")
}

func TestActivityRowOfAnotherTypeIsDecodeError(t *testing.T) {
	t.Parallel()
	for _, row := range []string{
		`{"extension_count": 2}`, `{"resources": "orders"}`, `{"permissions": [1]}`, `{"request_date": {}}`,
		`{"grantee_name": "Ben", "extension_count": 2}`, `{"extension_count": 2, "grantee_name": "Ben"}`, `[]`, `"row"`, `null`,
	} {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: activityPage(2, 0, `{"status": "Active"}`, row)})
			page, err := apitest.NewClient(t, fake).Activity.List(t.Context())
			require.Nil(t, page)
			require.Equal(t, activityPath, apitest.ErrorAs[*apono.DecodeError](t, err).Path)
		})
	}
}

// Without the request id, many rows are equal. That must not count as a page seen before.
func TestActivityRowsMayBeEqual(t *testing.T) {
	t.Parallel()
	for _, row := range []string{`{"status": "Active"}`, `{"status": "Active", "grantee_name": "Ben"}`, `{}`} {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t,
				script.Response{Body: activityPage(5, 0, row, row)}, script.Response{Body: activityPage(5, 2, row, row)},
				script.Response{Body: activityPage(5, 4, row)},
			)
			entries, err := apono.Collect(apitest.NewClient(t, fake).Activity.ListAll(t.Context()))
			require.NoError(t, err)
			require.Len(t, entries, 5)
			for i, query := range []string{"", "skip=2", "skip=4"} {
				apitest.Sent(t, fake.Requests()[i], "GET", activityPath, query, "")
			}
		})
	}
}

// A server that ignores skip returns the first page again.
func TestDuplicatePageOfActivityIsErrTruncated(t *testing.T) {
	t.Parallel()
	const one, two = `{"request_id": "AR-1", "status": "Active"}`, `{"request_id": "AR-2", "status": "Active"}`
	for name, second := range map[string]string{
		"same ids":    activityPage(4, 2, one, two),
		"same offset": activityPage(4, 0, `{"status": "Active"}`, `{"status": "Active"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: activityPage(4, 0, one, two)}, script.Response{Body: second})
			entries, err := apono.Collect(apitest.NewClient(t, fake).Activity.ListAll(t.Context()))
			require.ErrorIs(t, err, apono.ErrTruncated)
			require.Len(t, entries, 2)
		})
	}
}

// A server that ignores skip but echoes it has no end. Equal rows must not make the list
// go on beyond its total.
func TestEqualActivityRowsEndAtTotal(t *testing.T) {
	t.Parallel()
	const row = `{"status": "Active"}`
	for _, total := range []int{0, 3} {
		t.Run(fmt.Sprint("total ", total), func(t *testing.T) {
			t.Parallel()
			p := &apitest.Pager{Serve: func(at string) string {
				skip, _ := strconv.Atoi(at) // absent in the first request
				if skip > 9 {
					return ""
				}
				return activityPage(total, skip, row, row)
			}}
			_, err := apono.Collect(p.Client(t, 0).Activity.ListAll(t.Context()))
			require.ErrorIs(t, err, apono.ErrTruncated)
			require.LessOrEqual(t, len(p.Requests()), 3, "the list must end after the total")
		})
	}
}

// A field without a tag would be sent or read under its Go name.
func TestActivityTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url", reflect.TypeFor[apono.ListActivityOptions]())
	apitest.Tagged(t, "json", reflect.TypeFor[apono.ActivityEntry]())
}
