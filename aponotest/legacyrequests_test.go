package aponotest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

func TestConnectorsOfVersion2(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	answers(t, server, "GET", "/api/v2/connectors", "", 200, `[]`)
	const rest = `"name": "n", "version": "1", "is_latest_version": true, "cloud_provider_type": "AWS", "sessions": []`
	server.Put(aponotest.Connectors,
		json.RawMessage(`{"id": "c2", "status": "CONNECTED", "last_connected": "2026-01-02T03:04:05.000000006Z", `+rest+`}`),
		json.RawMessage(`{"id": "c1", "status": "", `+rest+`}`))
	answers(t, server, "GET", "/api/v2/connectors", "", 200,
		`[{"connector_id": "c2", "status": "CONNECTED", "last_connected": 1767323045.000000006}, {"connector_id": "c1", "status": ""}]`)
}

func TestUsersOfVersion2(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Users,
		json.RawMessage(`{"id": "u1", "email": "a+b@example.com", "email_aliases": ["x"], "first_name": "Ada", "last_name": "", "active": false,
			"roles": ["Admin"], "attributes": {"team": "t"}, "source_integration_id": "idp", "source_integration_name": "People"}`),
		json.RawMessage(`{"id": "u2", "email": "b@example.com", "email_aliases": [], "first_name": "", "last_name": "Bee", "active": true, "roles": []}`))
	const ada = `{"id": "u1", "email": "a+b@example.com", "first_name": "Ada", "last_name": "", "active": false}`
	const bee = `{"id": "u2", "email": "b@example.com", "first_name": "", "last_name": "Bee", "active": true}`
	answers(t, server, "GET", "/api/v2/users", "", 200, legacyPage(2, ada+","+bee))
	answers(t, server, "GET", "/api/v2/users/u1", "", 200, ada)
	answers(t, server, "GET", "/api/v2/users/a%2Bb@example.com", "", 200, ada)
	answers(t, server, "GET", "/api/v2/users/b@example.com", "", 200, bee)
	answers(t, server, "GET", "/api/v2/users/u3", "", 404, `{"message": "there is no user \"u3\""}`)
}

// legacyRequest is a request in the database of requestServer as version 3
// answers it.
func legacyRequest(id, friendly, user, status, justification string) string {
	return fmt.Sprintf(`{"request_id": %q, "friendly_request_id": %q, "user_id": %q, "status": %q, "integration_id": "pg",
		"resource_ids": ["db"], "permissions": ["ReadOnly"], "justification": %q}`, id, friendly, user, status, justification)
}

func TestRequestsOfVersion3AndOfTodayAreTheSame(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	want := legacyRequest(requestID(1), "AR-1", "u-ann", "PENDING", "")
	answers(t, server, "POST", legacyRequestsPath, `{"user_id": "u-ann", "integration_id": "pg", "resource_ids": ["db"],
		"permissions": ["ReadOnly"], "justification": "", "duration_in_sec": 60}`, 200, want)
	answers(t, server, "GET", legacyRequestsPath+"/"+requestID(1), "", 200, want)
	answers(t, server, "GET", legacyRequestsPath, "", 200, legacyPage(1, want))
	const today = `"creation_date": "now", "custom_fields": {}, "duration_in_sec": 60, "justification": "",
		"grantee": {"id": "u-ann", "source_id": "ann@example.com"},
		"access_groups": [{"integration": {"id": "pg", "name": "Orders DB"}, "resource_types": [{"id": "database", "label": "database"}]}]`
	requestAnswers(t, server, "GET", "/api/user/v1/delegated-access-requests", "",
		requestPage(`{"id": "`+requestID(1)+`", "status": "PENDING", `+today+`}`))
	answers(t, server, "GET", "/api/user/v4/access-requests/"+requestID(1)+"/entitlements", "", 200, requestPage(`{"status": "PENDING",
		"integration": {"id": "pg", "name": "Orders DB"}, "permission": {"name": "ReadOnly"},
		"resource": {"id": "db", "source_id": "db", "name": "orders", "type": {"id": "database", "label": "database"}}}`))

	answers(t, server, "POST", "/api/v3/access-requests-bulk/revoke", `{"request_ids": ["`+requestID(1)+`"]}`, 200,
		`{"message": "The access requests are being revoked"}`)
	requestAnswers(t, server, "GET", "/api/user/v4/access-requests/"+requestID(1), "",
		`{"id": "`+requestID(1)+`", "status": "REVOKED", "revocation_date": "now", `+today+`}`)
	answers(t, server, "GET", legacyRequestsPath+"/"+requestID(1), "", 200, legacyRequest(requestID(1), "AR-1", "u-ann", "EXPIRED", ""))
}

func TestRequestOfVersion3HasAnEntitlementForEachPair(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	server.Put(aponotest.ResourcesOf("aws"), json.RawMessage(`{"id": "bucket-2", "name": "log", "type": "s3", "status": {"status": "Active"}}`))
	answers(t, server, "POST", legacyRequestsPath, `{"user_id": "ben@example.com", "integration_id": "aws", "resource_ids": ["bucket-2", "bucket"],
		"permissions": ["ReadWrite", "ReadOnly"], "justification": "why"}`, 200,
		`{"request_id": "`+requestID(1)+`", "friendly_request_id": "AR-1", "user_id": "u-ben", "status": "PENDING", "integration_id": "aws",
		"resource_ids": ["bucket-2", "bucket"], "permissions": ["ReadWrite", "ReadOnly"], "justification": "why"}`)
	_, answer := ask(t, server, "GET", "/api/user/v4/access-requests/"+requestID(1)+"/entitlements", "")
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
	require.NoError(t, json.Unmarshal([]byte(answer), &page))
	pairs := make([]string, 0, len(page.Items))
	for _, item := range page.Items {
		pairs = append(pairs, item.Resource.ID+" "+item.Permission.Name)
	}
	require.Equal(t, []string{"bucket-2 ReadWrite", "bucket-2 ReadOnly", "bucket ReadWrite", "bucket ReadOnly"}, pairs)
}

// putLegacyRequest puts a request of a person for the database, made so many
// days ago.
func putLegacyRequest(server *aponotest.Server, id, user, status string, days int) {
	at := time.Now().AddDate(0, 0, -days).UTC().Format(time.RFC3339)
	server.Put(aponotest.AccessRequests, json.RawMessage(fmt.Sprintf(`{"id": %q, "status": %q, "creation_date": %q, "custom_fields": {},
		"justification": "j", "grantee": {"id": %q, "source_id": "e"},
		"access_groups": [{"integration": {"id": "pg", "name": "Orders DB"}, "resource_types": []}]}`, id, status, at, user)))
	server.Put(aponotest.EntitlementsOf(id), json.RawMessage(`{"status": "ACTIVE", "integration": {"id": "pg", "name": "Orders DB"},
		"permission": {"name": "ReadOnly"}, "resource": {"id": "db", "source_id": "db", "name": "orders", "type": {"id": "d", "label": "d"}}}`))
}

func TestStatusesOfVersion3(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	for status, want := range map[string]string{
		"INITIALIZING": "PENDING", "PENDING": "PENDING", "PENDING_MFA": "PENDING", "APPROVED": "APPROVED", "GRANTING": "APPROVED",
		"ACTIVE": "GRANTED", "GRANTED": "GRANTED", "REJECTED": "REJECTED", "FAILED": "FAILED", "REVOKING": "REVOKING",
		"REVOKED": "EXPIRED", "EXPIRED": "EXPIRED", "active": "GRANTED",
	} {
		putLegacyRequest(server, "r", "u-ann", status, 0)
		answers(t, server, "GET", legacyRequestsPath+"/r", "", 200, legacyRequest("r", "AR-1", "u-ann", want, "j"))
	}
}

func TestFiltersOfRequestsOfVersion3(t *testing.T) {
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
		answers(t, server, "GET", legacyRequestsPath+query, "", 200, want)
	}
}

func TestCredentialsOfARequestOfVersion3AreThoseOfItsSession(t *testing.T) {
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
		require.True(t, server.Get(aponotest.Sessions, "s1", &session), "the session")
		return string(session.CredentialsStatus)
	}
	answers(t, server, "GET", legacyRequestsPath+"/r1/access-details", "", 200, `{"details": "psql"}`)
	require.Equal(t, "VIEWED", status())
	answers(t, server, "POST", legacyRequestsPath+"/r1/reset", "", 200, `{"message": "The credentials are being reset"}`)
	require.Equal(t, "AVAILABLE", status())

	answers(t, server, "GET", legacyRequestsPath+"/r2/access-details", "", 404, `{"message": "there is no access details of session \"s2\""}`)
	answers(t, server, "POST", legacyRequestsPath+"/r2/reset", "", 422, `{"message": "the credentials of this session cannot be reset"}`)
	answers(t, server, "GET", legacyRequestsPath+"/r3/access-details", "", 404, `{"message": "there is no access session of request \"r3\""}`)
	answers(t, server, "POST", legacyRequestsPath+"/r3/reset", "", 404, `{"message": "there is no access session of request \"r3\""}`)
	answers(t, server, "GET", legacyRequestsPath+"/r9/access-details", "", 404, `{"message": "there is no access request \"r9\""}`)
}

func TestWhatCanBeSelectedIsListedOnce(t *testing.T) {
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
		answers(t, server, "GET", legacySelectablePath+path, "", 200, want)
		answers(t, server, "GET", legacySelectablePath+path+"?user_id=u-ann", "", 200, want)
	}
	for _, path := range []string{"/none/resource-types", "/none/s3/resources", "/none/s3/permissions"} {
		answers(t, server, "GET", legacySelectablePath+path, "", 404, `{"message": "there is no integration \"none\""}`)
	}
}

// The refusals are about the fields that the request had, and leave the state as
// it was.
func TestWrongRequestsToOlderVersionsAreRefusedByName(t *testing.T) {
	t.Parallel()
	const revoke = "/api/v3/access-requests-bulk/revoke"
	const request = `{"user_id": "u-ann", "justification": "", "integration_id": "aws", "resource_ids": ["bucket"], "permissions": ["ReadOnly"]`
	const flow = `{"active": true, "trigger": {"type": "automatic"}, "grantees": [], "revoke_after_in_sec": 1`
	target := func(id string) string {
		return `"integration_targets": [{"integration_id": "` + id + `", "resource_type": "t", "permissions": [], "resource_tag_includes": [], "resource_tag_excludes": []}]`
	}
	change := func(body, old, changed string) string { return strings.Replace(body, old, changed, 1) + `}` }
	for _, test := range []struct {
		method, path, body string
		status             int
		field, message     string
	}{
		{"GET", legacyIntegrationsPath + "?limit=1", "", 422, "limit", "there is no such query parameter"},
		{"GET", legacyFlowsPath + "?skip=1", "", 422, "skip", "there is no such query parameter"},
		{"GET", legacyBundlesPath + "?name=x", "", 422, "name", "there is no such query parameter"},
		{"GET", "/api/v2/connectors?limit=1", "", 422, "limit", "there is no such query parameter"},
		{"GET", "/api/v2/users?email=x", "", 422, "email", "there is no such query parameter"},
		{"GET", "/api/v2/users/u-ann?x=", "", 422, "x", "there is no such query parameter"},
		{"GET", legacyRequestsPath + "?days_offset=x", "", 422, "days_offset", `it must be a whole number, not "x"`},
		{"GET", legacyRequestsPath + "?user_id=a&user_id=b", "", 422, "user_id", "the query parameter is given 2 times"},
		{"GET", legacyRequestsPath + "/r?user_id=a", "", 422, "user_id", "there is no such query parameter"},
		{"GET", legacySelectablePath + "/aws/s3/permissions?limit=1", "", 422, "limit", "there is no such query parameter"},
		{"GET", legacyRequestsPath + "/none", "", 404, "", `there is no access request "none"`},
		{"DELETE", legacyFlowsPath + "/f1", `{}`, 422, "", "the operation takes no body"},

		{"POST", legacyIntegrationsPath, `{"name": "x", "metadata": {}}`, 422, "type", "it is missing"},
		{"POST", legacyIntegrationsPath, `{"name": "x", "type": "t", "metadata": {}, "owner": {}}`, 422, "owner", "there is no such field"},
		{"POST", legacyIntegrationsPath, `{"name": "Production", "type": "t", "metadata": {}}`, 409, "name", "another integration has this name"},
		{"PUT", legacyIntegrationsPath + "/aws", `{"name": "x", "type": "t", "metadata": {}}`, 422, "type", "there is no such field"},
		{"PUT", legacyIntegrationsPath + "/aws", `{"name": "x"}`, 422, "metadata", "it is missing"},
		{"PUT", legacyIntegrationsPath + "/aws", `{"name": "x", "metadata": {}, "secret_config": {"region": "r"}}`, 422, "secret_config.type", "the fake knows AWS, GCP, AZURE, KUBERNETES, HASHICORP_VAULT and APONO"},
		{"PUT", legacyIntegrationsPath + "/aws", `{"name": "x", "metadata": {}, "secret_config": {"type": "aws", "region": "r", "secret_id": "s"}}`, 422, "secret_config.type", "the fake knows AWS, GCP, AZURE, KUBERNETES, HASHICORP_VAULT and APONO"},
		{"PUT", legacyIntegrationsPath + "/aws", `{"name": "x", "metadata": {}, "secret_config": {"type": "AWS", "region": "r"}}`, 422, "secret_config.secret_id", "it is missing"},

		{"POST", legacyBundlesPath, `{"name": "x"}`, 422, "integration_targets", "it is missing"},
		{"POST", legacyBundlesPath, `{"name": "x", ` + target("none") + `}`, 422, "integration_targets[0].integration_id", `there is no integration "none"`},
		{"PATCH", legacyBundlesPath + "/b1", `{"name": "x", ` + target("Production") + `}`, 422, "integration_targets[0].integration_id", `there is no integration "Production"`},
		{"PATCH", legacyBundlesPath + "/b1", `{"integration_targets": [{}]}`, 422, "integration_targets[0].integration_id", "it is missing"},
		{"PATCH", legacyBundlesPath + "/b1", `{"access_targets": []}`, 422, "access_targets", "there is no such field"},

		{"POST", legacyFlowsPath, flow + `}`, 422, "name", "it is missing"},
		{"POST", legacyFlowsPath, flow + `, "name": "first"}`, 409, "name", "another access flow has this name"},
		{"POST", legacyFlowsPath, `{"name": "x", ` + change(flow[1:], `"automatic"`, `"AUTOMATIC"`), 422, "trigger.type", "it must be one of user_request, automatic"},
		{"POST", legacyFlowsPath, flow + `, "name": "x", "bundle_targets": [{"bundle_id": "On call"}]}`, 422, "bundle_targets[0].bundle_id", `there is no bundle "On call"`},
		{"PATCH", legacyFlowsPath + "/f1", `{"name": "x", "revoke_after_in_sec": 1.5}`, 422, "revoke_after_in_sec", "it must be a whole number of 32 bits, not a number"},
		{"PATCH", legacyFlowsPath + "/f1", `{"name": "x", "bundle_targets": [{"bundle_id": "b1"}, {"bundle_id": "none"}]}`, 422, "bundle_targets[1].bundle_id", `there is no bundle "none"`},
		{"PATCH", legacyFlowsPath + "/f1", `{"settings": {"require_mfa": true}}`, 422, "settings.require_mfa", "there is no such field"},
		{"PATCH", legacyFlowsPath + "/f1", `{"name": "second", "revoke_after_in_sec": 59}`, 409, "name", "another access flow has this name"},

		{"POST", legacyRequestsPath, change(request, "u-ann", "u-none"), 422, "user_id", `there is no user "u-none"`},
		{"POST", legacyRequestsPath, change(request, `"aws"`, `"none"`), 422, "integration_id", `there is no integration "none"`},
		{"POST", legacyRequestsPath, change(request, `["bucket"]`, `["bucket", "db"]`), 422, "resource_ids[1]", `there is no resource "db" in this integration`},
		{"POST", legacyRequestsPath, change(request, `["ReadOnly"]`, `["ReadOnly", "Assume"]`), 422, "permissions[1]", `there is no permission "Assume" to resource "bucket"`},
		{"POST", legacyRequestsPath, change(request, `["bucket"]`, `[]`), 422, "resource_ids", "there is no resource"},
		{"POST", legacyRequestsPath, change(request, `["ReadOnly"]`, `[]`), 422, "permissions", "there is no permission"},
		{"POST", legacyRequestsPath, change(request, `"aws"`, `"aws", "duration_in_sec": 0`), 422, "duration_in_sec", "it must be above 0"},
		{"POST", legacyRequestsPath, change(request, `"justification": "",`, ""), 422, "justification", "it is missing"},
		{"POST", revoke, `{"request_ids": ["r1", "none"]}`, 422, "request_ids[1]", `there is no access request "none"`},
		{"POST", revoke, `{}`, 422, "request_ids", "it is missing"},
	} {
		t.Run(test.method+" "+test.path+" "+test.body, func(t *testing.T) {
			t.Parallel()
			server := requestServer(t)
			server.Put(aponotest.AccessFlows, json.RawMessage(`{"id": "f2", "name": "second", `+smallFlow+`}`))
			status, _ := ask(t, server, "POST", legacyFlowsPath, flow+`, "name": "first"}`)
			require.Equal(t, 200, status)
			putLegacyRequest(server, "r1", "u-ann", "ACTIVE", 0)
			state := func() (state string) {
				for _, path := range []string{integrationsPath, bundlesPath, flowsPath, legacyFlowsPath, legacyRequestsPath} {
					_, answer := ask(t, server, "GET", path, "")
					state += answer
				}
				return state
			}
			before := state()
			accessRefuses(t, server, test.method, strings.Replace(test.path, "/f1", "/"+legacyFirstID, 1), test.body, test.status, test.field, test.message)
			require.Equal(t, before, state())
		})
	}
}

func TestListsOfOlderVersionsComeInPages(t *testing.T) {
	t.Parallel()
	server := requestServer(t, aponotest.WithOffsetPageSize(2))
	server.Put(aponotest.Integrations, json.RawMessage(`{"id": "z", "name": "z", "type": "okta", "integration_config": {}}`))
	server.Put(aponotest.PermissionsOf("aws"), json.RawMessage(`{"id": "own", "name": "Own", "resource_type": "s3"}`))
	for path, want := range map[string]string{
		legacyIntegrationsPath + "?skip=2": `{"data": [{"id": "z", "name": "z", "type": "okta", "status": "Active", "metadata": {}, "connected_resource_types": []}],
			"pagination": {"total": 3, "limit": 2, "offset": 2}}`,
		legacyBundlesPath + "?skip=1&limit=1": `{"data": [{"id": "b2", "name": "Auditors", "integration_targets": []}],
			"pagination": {"total": 2, "limit": 1, "offset": 1}}`,
		legacySelectablePath + "/aws/s3/permissions":        `{"data": ["ReadOnly", "ReadWrite"], "allow_multiple": true, "pagination": {"total": 3, "limit": 2, "offset": 0}}`,
		legacySelectablePath + "/aws/s3/permissions?skip=2": `{"data": ["Own"], "allow_multiple": true, "pagination": {"total": 3, "limit": 2, "offset": 2}}`,
		legacySelectablePath + "?skip=9":                    `{"data": [], "pagination": {"total": 2, "limit": 2, "offset": 9}}`,
	} {
		answers(t, server, "GET", path, "", 200, want)
	}
}

// legacyEverything reads all of a list, of which a page holds one.
func legacyEverything[T any](t *testing.T, page *apono.OffsetPage[T], err error, all iter.Seq2[*T, error], total int) {
	t.Helper()
	require.NoError(t, err)
	items, err := apono.Collect(all)
	require.NoError(t, err)
	require.Len(t, items, total)
	require.Equal(t, items[:1], page.Items)
	require.Equal(t, []int{total, 1, 0}, []int{page.Total, page.Limit, page.Offset})
}

// legacyService is what the services of integrations, flows and bundles have in
// common.
type legacyService[T, O, Create, Update any] interface {
	List(context.Context, ...O) (*apono.OffsetPage[T], error)
	ListAll(context.Context, ...O) iter.Seq2[*T, error]
	Get(context.Context, string) (*T, error)
	Create(context.Context, Create) (*T, error)
	Update(context.Context, string, Update) (*T, error)
	Delete(context.Context, string) error
}

func legacyEndToEnd[T, O, Create, Update any](t *testing.T, service legacyService[T, O, Create, Update],
	create Create, update Update, want func(made *T) (created, updated *T), id func(*T) string, total int,
) {
	t.Helper()
	made, err := service.Create(t.Context(), create)
	require.NoError(t, err)
	created, updated := want(made)
	require.Equal(t, created, made)
	read, err := service.Get(t.Context(), id(made))
	require.NoError(t, err)
	require.Equal(t, created, read)
	page, err := service.List(t.Context())
	legacyEverything(t, page, err, service.ListAll(t.Context()), total)

	changed, err := service.Update(t.Context(), id(made), update)
	require.NoError(t, err)
	require.Equal(t, updated, changed)

	require.NoError(t, service.Delete(t.Context(), id(made)))
	_, err = service.Get(t.Context(), id(made))
	require.ErrorIs(t, err, apono.ErrNotFound)
	_, err = service.Update(t.Context(), id(made), update)
	require.ErrorIs(t, err, apono.ErrNotFound)
	require.ErrorIs(t, service.Delete(t.Context(), id(made)), apono.ErrNotFound)
}

func TestProgramsUseOlderVersions(t *testing.T) {
	t.Parallel()
	server := requestServer(t, aponotest.WithOffsetPageSize(1))
	legacy := server.Client().Legacy
	legacyEndToEnd[apono.IntegrationV2, apono.ListIntegrationsV2Options](t, legacy.Integrations,
		apono.CreateIntegrationV2Input{
			Name: "i", Type: "mysql", ProvisionerID: apono.Ptr("c"), Metadata: map[string]any{"port": 5432},
			SecretConfig: apono.SecretConfigV2{"type": "AWS", "region": "r", "secret_id": "s"},
		},
		apono.UpdateIntegrationV2Input{Name: "j", ConnectedResourceTypes: []string{"t"}},
		func(made *apono.IntegrationV2) (created, updated *apono.IntegrationV2) {
			return &apono.IntegrationV2{
					ID: made.ID, Name: "i", Type: "mysql", Status: apono.IntegrationStatusV2Active, ProvisionerID: apono.Ptr("c"),
					Metadata: map[string]any{"port": json.Number("5432")}, ConnectedResourceTypes: []string{},
					SecretConfig: apono.SecretConfigV2{"type": "AWS", "region": "r", "secret_id": "s"},
				}, &apono.IntegrationV2{
					ID: made.ID, Name: "j", Type: "mysql", Status: apono.IntegrationStatusV2Active, Metadata: map[string]any{}, ConnectedResourceTypes: []string{"t"},
				}
		},
		func(i *apono.IntegrationV2) string { return i.ID }, 3)

	targets := []apono.AccessTargetIntegrationV1{{
		IntegrationID: "pg", ResourceType: "database", Permissions: []string{"ReadOnly"},
		ResourceTagIncludes: []apono.TagV1{{Name: "__name", Value: "orders"}}, ResourceTagExcludes: []apono.TagV1{},
	}}
	legacyEndToEnd[apono.AccessBundleV1, apono.ListAccessBundlesV1Options](t, legacy.AccessBundles,
		apono.CreateAccessBundleV1Input{Name: "b", IntegrationTargets: targets},
		apono.UpdateAccessBundleV1Input{IntegrationTargets: []apono.AccessTargetIntegrationV1{}},
		func(made *apono.AccessBundleV1) (created, updated *apono.AccessBundleV1) {
			return &apono.AccessBundleV1{ID: made.ID, Name: "b", IntegrationTargets: targets},
				&apono.AccessBundleV1{ID: made.ID, Name: "b", IntegrationTargets: []apono.AccessTargetIntegrationV1{}}
		},
		func(b *apono.AccessBundleV1) string { return b.ID }, 3)

	flow := func(made *apono.AccessFlowV1, name string, approvers []apono.ApproverV1) *apono.AccessFlowV1 {
		return &apono.AccessFlowV1{
			ID: made.ID, CreatedDate: made.CreatedDate, Name: name, Active: true, Trigger: apono.AccessFlowTriggerV1{Type: apono.AccessFlowTriggerTypeV1UserRequest},
			Grantees: []apono.GranteeV1{{ID: "g", Type: apono.IdentityTypeV1Group}}, Approvers: approvers, RevokeAfterInSec: 90,
			IntegrationTargets: []apono.AccessTargetIntegrationV1{}, BundleTargets: []apono.AccessTargetBundleV1{{BundleID: "b1"}},
			Settings: &apono.AccessFlowSettingsV1{RequireAllApprovers: apono.Ptr(true)},
		}
	}
	approvers := []apono.ApproverV1{{ID: "u", Type: apono.IdentityTypeV1User}}
	server.Put(aponotest.AccessFlows, json.RawMessage(`{"id": "f2", "name": "other", `+smallFlow+`}`))
	legacyEndToEnd[apono.AccessFlowV1, apono.ListAccessFlowsV1Options](t, legacy.AccessFlows,
		apono.CreateAccessFlowV1Input{
			Name: "f", Active: true, Trigger: apono.AccessFlowTriggerV1{Type: apono.AccessFlowTriggerTypeV1UserRequest},
			Grantees: []apono.GranteeV1{{ID: "g", Type: apono.IdentityTypeV1Group}}, Approvers: approvers, RevokeAfterInSec: 90,
			BundleTargets: []apono.AccessTargetBundleV1{{BundleID: "b1"}},
			Settings:      &apono.AccessFlowSettingsV1{RequireAllApprovers: apono.Ptr(true)},
		},
		apono.UpdateAccessFlowV1Input{Name: apono.Ptr("g"), Approvers: []apono.ApproverV1{}},
		func(made *apono.AccessFlowV1) (created, updated *apono.AccessFlowV1) {
			require.Less(t, time.Since(made.CreatedDate).Abs(), time.Minute, "a flow that is new")
			return flow(made, "f", approvers), flow(made, "g", []apono.ApproverV1{})
		},
		func(f *apono.AccessFlowV1) string { return f.ID }, 2)
}

func TestProgramsReadConnectorsAndUsersOfVersion2(t *testing.T) {
	t.Parallel()
	server := requestServer(t, aponotest.WithOffsetPageSize(1))
	legacy := server.Client().Legacy
	seen := time.Date(2026, time.January, 2, 3, 4, 5, 6, time.UTC)
	server.Put(aponotest.Connectors, apono.Connector{ID: "c", Status: "CONNECTED", LastConnected: &seen})
	connectors, err := legacy.Connectors.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, []*apono.ConnectorV2{{ConnectorID: "c", Status: "CONNECTED", LastConnected: &seen}}, connectors)

	page, err := legacy.Users.List(t.Context())
	legacyEverything(t, page, err, legacy.Users.ListAll(t.Context()), 2)
	for _, reference := range []string{"u-ben", "ben@example.com"} {
		user, err := legacy.Users.Get(t.Context(), reference)
		require.NoError(t, err)
		require.Equal(t, &apono.UserV2{ID: "u-ben", Email: "ben@example.com", Active: true}, user)
	}
}

func TestProgramsRequestAccessThroughVersion3(t *testing.T) {
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
	require.True(t, permissions.AllowMultiple, "several permissions allowed")
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
			Justification: "j", DurationInSec: apono.Ptr(60),
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
	require.Equal(t, "psql", details.Details)
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
