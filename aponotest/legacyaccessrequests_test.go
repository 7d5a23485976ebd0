package aponotest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

// legacyRequest returns a version 3 request for the database of requestServer.
func legacyRequest(id, friendly, user, status, justification string) string {
	return fmt.Sprintf(`{"request_id": %q, "friendly_request_id": %q, "user_id": %q, "status": %q, "integration_id": "pg",
		"resource_ids": ["db"], "permissions": ["ReadOnly"], "justification": %q}`, id, friendly, user, status, justification)
}

func TestRequestsV3ShareObjectsWithRequests(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	want := legacyRequest(requestID(1), "AR-1", "u-ann", "PENDING", "")
	checkResponse(t, server, "POST", legacyRequestsPath, `{"user_id": "u-ann", "integration_id": "pg", "resource_ids": ["db"],
		"permissions": ["ReadOnly"], "justification": "", "duration_in_sec": 60}`, 200, want)
	checkResponse(t, server, "GET", legacyRequestsPath+"/"+requestID(1), "", 200, want)
	checkResponse(t, server, "GET", legacyRequestsPath, "", 200, legacyPage(1, want))
	const today = `"creation_date": "now", "custom_fields": {}, "duration_in_sec": 60, "justification": "",
		"grantee": {"id": "u-ann", "source_id": "ann@example.com"},
		"access_groups": [{"integration": {"id": "pg", "name": "Orders DB"}, "resource_types": [{"id": "database", "label": "database"}]}]`
	checkRequestResponse(t, server, "GET", "/api/user/v1/delegated-access-requests", "",
		requestPage(`{"id": "`+requestID(1)+`", "status": "PENDING", `+today+`}`))
	checkResponse(t, server, "GET", "/api/user/v4/access-requests/"+requestID(1)+"/entitlements", "", 200, requestPage(`{"status": "PENDING",
		"integration": {"id": "pg", "name": "Orders DB"}, "permission": {"name": "ReadOnly"},
		"resource": {"id": "db", "source_id": "db", "name": "orders", "type": {"id": "database", "label": "database"}}}`))

	checkResponse(t, server, "POST", "/api/v3/access-requests-bulk/revoke", `{"request_ids": ["`+requestID(1)+`"]}`, 200,
		`{"message": "The access requests are being revoked"}`)
	checkRequestResponse(t, server, "GET", "/api/user/v4/access-requests/"+requestID(1), "",
		`{"id": "`+requestID(1)+`", "status": "REVOKED", "revocation_date": "now", `+today+`}`)
	checkResponse(t, server, "GET", legacyRequestsPath+"/"+requestID(1), "", 200, legacyRequest(requestID(1), "AR-1", "u-ann", "EXPIRED", ""))
}

func TestRequestV3HasEntitlementForEachPair(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	server.Put(aponotest.ResourcesOf("aws"), json.RawMessage(`{"id": "bucket-2", "name": "log", "type": "s3", "status": {"status": "Active"}}`))
	checkResponse(t, server, "POST", legacyRequestsPath, `{"user_id": "ben@example.com", "integration_id": "aws", "resource_ids": ["bucket-2", "bucket"],
		"permissions": ["ReadWrite", "ReadOnly"], "justification": "why"}`, 200,
		`{"request_id": "`+requestID(1)+`", "friendly_request_id": "AR-1", "user_id": "u-ben", "status": "PENDING", "integration_id": "aws",
		"resource_ids": ["bucket-2", "bucket"], "permissions": ["ReadWrite", "ReadOnly"], "justification": "why"}`)
	_, response := sendHTTP(t, server, "GET", "/api/user/v4/access-requests/"+requestID(1)+"/entitlements", "")
	var page struct {
		Items []struct {
			Resource struct {
				ID string `json:"id"`
			} `json:"resource"`
			Permission struct {
				Name string `json:"name"`
			} `json:"permission"`
		} `json:"items"`
	}
	require.NoError(t, json.Unmarshal([]byte(response), &page))
	pairs := make([]string, 0, len(page.Items))
	for _, item := range page.Items {
		pairs = append(pairs, item.Resource.ID+" "+item.Permission.Name)
	}
	require.Equal(t, []string{"bucket-2 ReadWrite", "bucket-2 ReadOnly", "bucket ReadWrite", "bucket ReadOnly"}, pairs)
}

// putLegacyRequest adds a user's request for the database, created days ago.
func putLegacyRequest(server *aponotest.Server, id, user, status string, days int) {
	at := time.Now().AddDate(0, 0, -days).UTC().Format(time.RFC3339)
	server.Put(aponotest.AccessRequests, json.RawMessage(fmt.Sprintf(`{"id": %q, "status": %q, "creation_date": %q, "custom_fields": {},
		"justification": "j", "grantee": {"id": %q, "source_id": "e"},
		"access_groups": [{"integration": {"id": "pg", "name": "Orders DB"}, "resource_types": []}]}`, id, status, at, user)))
	server.Put(aponotest.EntitlementsOf(id), json.RawMessage(`{"status": "ACTIVE", "integration": {"id": "pg", "name": "Orders DB"},
		"permission": {"name": "ReadOnly"}, "resource": {"id": "db", "source_id": "db", "name": "orders", "type": {"id": "d", "label": "d"}}}`))
}

func TestRequestV3Statuses(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	for status, want := range map[string]string{
		"INITIALIZING": "PENDING", "PENDING": "PENDING", "PENDING_MFA": "PENDING", "APPROVED": "APPROVED", "GRANTING": "APPROVED",
		"ACTIVE": "GRANTED", "GRANTED": "GRANTED", "REJECTED": "REJECTED", "FAILED": "FAILED", "REVOKING": "REVOKING",
		"REVOKED": "EXPIRED", "EXPIRED": "EXPIRED", "active": "GRANTED",
	} {
		putLegacyRequest(server, "r", "u-ann", status, 0)
		checkResponse(t, server, "GET", legacyRequestsPath+"/r", "", 200, legacyRequest("r", "AR-1", "u-ann", want, "j"))
	}
}

func TestRequestV3Filters(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	putLegacyRequest(server, "old", "u-ann", "ACTIVE", 10)
	putLegacyRequest(server, "new", "u-ben", "ACTIVE", 1)
	old := legacyRequest("old", "AR-1", "u-ann", "GRANTED", "j")
	recent := legacyRequest("new", "AR-2", "u-ben", "GRANTED", "j")
	for query, want := range map[string]string{
		"":                                  legacyPage(2, old+","+recent),
		"?days_offset=7":                    legacyPage(1, recent),
		"?days_offset=11":                   legacyPage(2, old+","+recent),
		"?days_offset=0":                    legacyPage(0, ""),
		"?days_offset=9223372036854775807":  legacyPage(2, old+","+recent),
		"?user_id=u-ann":                    legacyPage(1, old),
		"?user_id=u-ann&days_offset=7":      legacyPage(0, ""),
		"?user_id=u-nobody":                 legacyPage(0, ""),
		"?user_id=u-ben&days_offset=000002": legacyPage(1, recent),
	} {
		checkResponse(t, server, "GET", legacyRequestsPath+query, "", 200, want)
	}
}

func TestRequestV3HasCredentialsOfSession(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	for _, id := range []string{"r1", "r2", "r3"} {
		putLegacyRequest(server, id, "u-ann", "ACTIVE", 0)
	}
	server.Put(aponotest.Sessions,
		json.RawMessage(`{"id": "s1", "name": "n", "request_ids": ["r9", "r1"], "integration": {"id": "pg", "name": "Orders DB"},
			"credentials_status": "AVAILABLE", "can_reset_credentials": true}`),
		json.RawMessage(`{"id": "s2", "name": "n", "request_ids": ["r2"], "integration": {"id": "pg", "name": "Orders DB"},
			"credentials_status": "AVAILABLE", "can_reset_credentials": false}`))
	server.Put(aponotest.DetailsOf("s1"), json.RawMessage(`{"instructions": "psql", "cli": "other"}`))
	status := func() string {
		var session apono.AccessSession
		require.True(t, server.Get(aponotest.Sessions, "s1", &session), "no session s1")
		return string(session.CredentialsStatus)
	}
	checkResponse(t, server, "GET", legacyRequestsPath+"/r1/access-details", "", 200, `{"details": "psql"}`)
	require.Equal(t, "VIEWED", status())
	checkResponse(t, server, "POST", legacyRequestsPath+"/r1/reset", "", 200, `{"message": "The credentials are being reset"}`)
	require.Equal(t, "AVAILABLE", status())

	checkResponse(t, server, "GET", legacyRequestsPath+"/r2/access-details", "", 404, `{"message": "access details of session \"s2\" not found"}`)
	checkResponse(t, server, "POST", legacyRequestsPath+"/r2/reset", "", 422, `{"message": "the credentials of this session cannot be reset"}`)
	checkResponse(t, server, "GET", legacyRequestsPath+"/r3/access-details", "", 404, `{"message": "access session of request \"r3\" not found"}`)
	checkResponse(t, server, "POST", legacyRequestsPath+"/r3/reset", "", 404, `{"message": "access session of request \"r3\" not found"}`)
	checkResponse(t, server, "GET", legacyRequestsPath+"/r9/access-details", "", 404, `{"message": "access request \"r9\" not found"}`)
}

func TestSelectableListsHaveNoDuplicates(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	server.Put(aponotest.Integrations, json.RawMessage(`{"id": "empty", "name": "Empty", "type": "okta", "integration_config": {}}`))
	server.Put(aponotest.ResourcesOf("aws"), json.RawMessage(`{"id": "bucket-2", "name": "log", "type": "s3", "status": {"status": "Active"}}`))
	permissions := func(total int, names string) string {
		return strings.Replace(legacyPage(total, names), `{`, `{"allow_multiple": true, `, 1)
	}
	for path, want := range map[string]string{
		"":                        legacyPage(2, `{"id": "aws"}, {"id": "pg"}`),
		"/aws/resource-types":     legacyPage(2, `{"id": "s3", "name": "s3"}, {"id": "iam", "name": "iam"}`),
		"/empty/resource-types":   legacyPage(0, ""),
		"/aws/s3/resources":       legacyPage(2, `{"id": "bucket", "type": "s3", "name": "orders"}, {"id": "bucket-2", "type": "s3", "name": "log"}`),
		"/aws/database/resources": legacyPage(0, ""),
		"/pg/database/resources":  legacyPage(1, `{"id": "db", "type": "database", "name": "orders"}`),
		"/aws/s3/permissions":     permissions(2, `"ReadOnly", "ReadWrite"`),
		"/aws/iam/permissions":    permissions(1, `"Assume"`),
		"/pg/table/permissions":   permissions(0, ""),
	} {
		checkResponse(t, server, "GET", legacySelectablePath+path, "", 200, want)
		checkResponse(t, server, "GET", legacySelectablePath+path+"?user_id=u-ann", "", 200, want)
	}
	for _, path := range []string{"/none/resource-types", "/none/s3/resources", "/none/s3/permissions"} {
		checkResponse(t, server, "GET", legacySelectablePath+path, "", 404, `{"message": "integration \"none\" not found"}`)
	}
}

func TestRequestsV3WithClient(t *testing.T) {
	t.Parallel()
	server := requestServer(t, aponotest.WithOffsetPageSize(1))
	requests := server.Client().Legacy.AccessRequests

	integrations, err := requests.ListSelectableIntegrations(t.Context())
	legacyEverything(t, integrations, err, requests.ListAllSelectableIntegrations(t.Context()), 2)
	require.Equal(t, "aws", integrations.Items[0].ID)
	types, err := requests.ListSelectableResourceTypes(t.Context(), "aws")
	legacyEverything(t, types, err, requests.ListAllSelectableResourceTypes(t.Context(), "aws"), 2)
	require.Equal(t, &apono.SelectableResourceType{ID: "s3", Name: "s3"}, types.Items[0])
	resources, err := requests.ListSelectableResources(t.Context(), "aws", "s3")
	legacyEverything(t, resources, err, requests.ListAllSelectableResources(t.Context(), "aws", "s3"), 1)
	require.Equal(t, &apono.SelectableResource{ID: "bucket", Type: "s3", Name: "orders"}, resources.Items[0])
	permissions, err := requests.ListSelectablePermissions(t.Context(), "aws", "s3")
	require.NoError(t, err)
	require.True(t, permissions.AllowMultiple, "allow_multiple is not set")
	var names []string
	for name, err := range requests.ListAllSelectablePermissions(t.Context(), "aws", "s3") {
		require.NoError(t, err)
		names = append(names, name)
	}
	require.Len(t, names, 2)
	require.Equal(t, permissions.Items, names[:1])
	require.Equal(t, []int{2, 1, 0}, []int{permissions.Total, permissions.Limit, permissions.Offset})
	require.Equal(t, "ReadOnly", names[0])

	ids := make([]string, 0, 2)
	for _, user := range []string{"u-ann", "u-ben"} {
		made, err := requests.Create(t.Context(), apono.CreateAccessRequestV3Input{
			UserID: user, IntegrationID: "aws", ResourceIDs: []string{resources.Items[0].ID}, Permissions: []string{permissions.Items[0]},
			Justification: "j", DurationInSec: new(60),
		})
		require.NoError(t, err)
		ids = append(ids, made.RequestID)
		read, err := requests.Get(t.Context(), made.RequestID)
		require.NoError(t, err)
		require.Equal(t, made, read)
		require.Equal(t, &apono.AccessRequestV3{
			RequestID: made.RequestID, FriendlyRequestID: fmt.Sprint("AR-", len(ids)), UserID: user, Status: apono.AccessStatusV3Pending, IntegrationID: "aws",
			ResourceIDs: []string{"bucket"}, Permissions: []string{"ReadOnly"}, Justification: "j",
		}, read)
	}
	page, err := requests.List(t.Context())
	legacyEverything(t, page, err, requests.ListAll(t.Context()), 2)
	ofBen := apono.ListAccessRequestsV3Options{UserID: "u-ben", DaysOffset: 1}
	page, err = requests.List(t.Context(), ofBen)
	legacyEverything(t, page, err, requests.ListAll(t.Context(), ofBen), 1)

	server.Put(aponotest.Sessions, json.RawMessage(`{"id": "s", "name": "n", "request_ids": ["`+ids[0]+`"],
		"integration": {"id": "aws", "name": "Production"}, "credentials_status": "NEW", "can_reset_credentials": true}`))
	server.Put(aponotest.DetailsOf("s"), json.RawMessage(`{"instructions": "psql"}`))
	details, err := requests.GetAccessDetails(t.Context(), ids[0])
	require.NoError(t, err)
	require.Equal(t, "psql", details.Details.Reveal())
	message, err := requests.ResetCredentials(t.Context(), ids[0])
	require.NoError(t, err)
	require.Equal(t, &apono.Message{Message: "The credentials are being reset"}, message)

	message, err = requests.RevokeMany(t.Context(), ids)
	require.NoError(t, err)
	require.Equal(t, &apono.Message{Message: "The access requests are being revoked"}, message)
	for _, id := range ids {
		read, err := requests.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, apono.AccessStatusV3Expired, read.Status)
	}
}
