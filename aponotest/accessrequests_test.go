package aponotest_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

const (
	requestsPath  = "/api/user/v4/access-requests"
	delegatedPath = "/api/user/v1/delegated-access-requests"
	availablePath = "/api/user/v1/available-access"
)

// requestServer returns a server with two integrations: an AWS account with buckets and
// a role, and a database that has the same name as a bucket.
func requestServer(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, append(opts, aponotest.WithLooseChecks())...)
	server.Put(aponotest.Integrations,
		json.RawMessage(`{"id": "aws", "name": "Production", "type": "aws-account", "integration_config": {}}`),
		json.RawMessage(`{"id": "pg", "name": "Orders DB", "type": "postgresql", "integration_config": {}}`))
	resource := func(id, name, kind string) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"id": %q, "name": %q, "type": %q, "status": {"status": "Active"}}`, id, name, kind))
	}
	permission := func(id, name, kind string) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"id": %q, "name": %q, "resource_type": %q}`, id, name, kind))
	}
	server.Put(aponotest.ResourcesOf("aws"), resource("bucket", "orders", "s3"), resource("role", "deployer", "iam"))
	server.Put(aponotest.PermissionsOf("aws"), permission("read", "ReadOnly", "s3"), permission("write", "ReadWrite", "s3"), permission("assume", "Assume", "iam"))
	server.Put(aponotest.ResourcesOf("pg"), resource("db", "orders", "database"))
	server.Put(aponotest.PermissionsOf("pg"), permission("select", "ReadOnly", "database"), permission("none", "ADMIN", "table"))
	server.Put(aponotest.Bundles,
		json.RawMessage(`{"id": "b1", "name": "On call", "access_targets": []}`),
		json.RawMessage(`{"id": "b2", "name": "Auditors", "access_targets": []}`))
	for _, name := range []string{"ann", "ben"} {
		server.Put(aponotest.Users, json.RawMessage(fmt.Sprintf(`{"id": "u-%[1]s", "email": "%[1]s@example.com", "email_aliases": [],
			"first_name": "", "last_name": "", "active": true, "roles": []}`, name)))
	}
	return server
}

var requestDates = regexp.MustCompile(`("(?:creation|revocation)_date":)"([^"]+)"`)

// checkRequestResponse checks the JSON of a response with status 200. "now" in want
// matches the current time.
func checkRequestResponse(t *testing.T, server *aponotest.Server, method, path, body, want string) {
	t.Helper()
	status, response := sendHTTP(t, server, method, path, body)
	require.Equalf(t, 200, status, "%s %s returned status %d: %s", method, path, status, response)
	apitest.JSONEq(t, want, requestDates.ReplaceAllStringFunc(response, func(text string) string {
		part := requestDates.FindStringSubmatch(text)
		if at, err := time.Parse(time.RFC3339Nano, part[2]); err != nil || time.Since(at).Abs() > time.Minute {
			return text
		}
		return part[1] + `"now"`
	}))
}

func requestPage(items ...string) string {
	return `{"items": [` + strings.Join(items, ",") + `], "pagination": {}}`
}

func requestID(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", n, n) }

func TestAccessRequestForBundle(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	wants := make([]string, 0, 2)
	for i, test := range []struct{ body, want string }{
		{
			`{"bundle_reference": "b1", "entitlements": null, "justification": " Be cause ", "duration_in_sec": 1, "custom_fields": {"ticket": "OPS-1", "note": ""}}`,
			`"justification": " Be cause ", "duration_in_sec": 1, "custom_fields": {"ticket": "OPS-1", "note": ""}, "bundle": {"id": "b1", "name": "On call"}}`,
		},
		{
			`{"bundle_reference": "Auditors", "custom_fields": {}}`,
			`"custom_fields": {}, "bundle": {"id": "b2", "name": "Auditors"}}`,
		},
	} {
		want := fmt.Sprintf(`{"id": %q, "status": "PENDING", "creation_date": "now", "access_groups": [], `, requestID(i+1)) + test.want
		checkRequestResponse(t, server, "POST", requestsPath, test.body, `[`+want+`]`)
		checkRequestResponse(t, server, "GET", requestsPath+"/"+requestID(i+1), "", want)
		checkResponse(t, server, "GET", requestsPath+"/"+requestID(i+1)+"/entitlements", "", 200, requestPage())
		wants = append(wants, want)
	}
	checkRequestResponse(t, server, "GET", requestsPath, "", requestPage(wants...))
}

func TestAccessRequestForEntitlementsIsSplitByIntegration(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	const (
		pg  = `{"id": "pg", "name": "Orders DB"}`
		aws = `{"id": "aws", "name": "Production"}`
		s3  = `{"id": "s3", "label": "s3"}`
		iam = `{"id": "iam", "label": "iam"}`
		db  = `{"id": "database", "label": "database"}`
	)
	request := func(n int, integration, types string) string {
		return fmt.Sprintf(`{"id": %q, "status": "PENDING", "creation_date": "now", "justification": "why", "custom_fields": {},
			"access_groups": [{"integration": %s, "resource_types": [%s]}]}`, requestID(n), integration, types)
	}
	checkRequestResponse(t, server, "POST", requestsPath, `{"custom_fields": {}, "justification": "why", "entitlements": [
		{"resource_id": "bucket", "permission_id": "write"}, {"resource_id": "db", "permission_id": "select"},
		{"resource_id": "role", "permission_id": "assume"}, {"resource_id": "bucket", "permission_id": "read"}]}`,
		`[`+request(1, aws, s3+`,`+iam)+`,`+request(2, pg, db)+`]`)
	entitlement := func(integration, id, name, kind, permission string) string {
		return fmt.Sprintf(`{"integration": %s, "resource": {"id": %[2]q, "source_id": %[2]q, "name": %q, "type": %s}, "permission": {"name": %q}, "status": "PENDING"}`,
			integration, id, name, kind, permission)
	}
	checkResponse(t, server, "GET", requestsPath+"/"+requestID(1)+"/entitlements", "", 200, requestPage(
		entitlement(aws, "bucket", "orders", s3, "ReadWrite"), entitlement(aws, "role", "deployer", iam, "Assume"), entitlement(aws, "bucket", "orders", s3, "ReadOnly")))
	checkResponse(t, server, "GET", requestsPath+"/"+requestID(2)+"/entitlements", "", 200, requestPage(entitlement(pg, "db", "orders", db, "ReadOnly")))
}

const (
	seededEntitlement = `{"integration": {"id": "i", "name": "n"}, "permission": {"name": "p"}, "status": %q,
		"resource": {"id": "r", "source_id": "arn:r", "name": "res", "type": {"id": "t", "label": "T"}}}`
	seededRequest = `{"id": "old", "status": "ACTIVE", "creation_date": "2026-01-02T03:04:05.006Z", "duration_in_sec": 60,
		"justification": "first", "custom_fields": {"a": "1"},
		"access_groups": [{"integration": {"id": "i", "name": "n"}, "resource_types": [{"id": "t", "label": "T"}]}],
		"requestor": {"id": "u-ann", "source_id": "ann@example.com"}, "grantee": {"id": "u-ben", "source_id": "ben@example.com"},
		"bundle": {"id": "b1", "name": "On call"}}`
)

func putRequest(server *aponotest.Server) {
	server.Put(aponotest.AccessRequests, json.RawMessage(seededRequest))
	server.Put(aponotest.EntitlementsOf("old"), json.RawMessage(fmt.Sprintf(seededEntitlement, "ACTIVE")))
}

// The new request has the same entitlements, grantee and duration, and a new
// justification.
func TestRequestAgainCopiesRequest(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	putRequest(server)
	const again = `"status": "PENDING", "creation_date": "now", "duration_in_sec": 60,
		"access_groups": [{"integration": {"id": "i", "name": "n"}, "resource_types": [{"id": "t", "label": "T"}]}],
		"grantee": {"id": "u-ben", "source_id": "ben@example.com"}, "bundle": {"id": "b1", "name": "On call"}, `
	checkRequestResponse(t, server, "POST", requestsPath+"/old/request-again", `{"justification": "second", "custom_fields": {"b": "2"}}`,
		`[{`+again+`"id": "`+requestID(1)+`", "justification": "second", "custom_fields": {"b": "2"}}]`)
	checkRequestResponse(t, server, "POST", requestsPath+"/"+requestID(1)+"/request-again", `{"custom_fields": {}}`,
		`[{`+again+`"id": "`+requestID(2)+`", "custom_fields": {}}]`)
	for _, id := range []string{requestID(1), requestID(2)} {
		checkResponse(t, server, "GET", requestsPath+"/"+id+"/entitlements", "", 200, requestPage(fmt.Sprintf(seededEntitlement, "PENDING")))
	}
	checkResponse(t, server, "GET", requestsPath+"/old", "", 200, seededRequest)
	checkResponse(t, server, "GET", requestsPath+"/old/entitlements", "", 200, requestPage(fmt.Sprintf(seededEntitlement, "ACTIVE")))
}

func TestRevokedAccessRequestHasRevokedEntitlements(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	putRequest(server)
	status, _ := sendHTTP(t, server, "POST", requestsPath+"/old/request-again", `{"custom_fields": {}}`)
	require.Equal(t, 200, status)
	checkResponse(t, server, "POST", requestsPath+"/old/revoke", "", 200, `{"message": "The access request is being revoked"}`)
	checkRequestResponse(t, server, "GET", requestsPath+"/old", "",
		strings.Replace(seededRequest, `"status": "ACTIVE"`, `"status": "REVOKED", "revocation_date": "now"`, 1))
	checkResponse(t, server, "GET", requestsPath+"/old/entitlements", "", 200, requestPage(fmt.Sprintf(seededEntitlement, "REVOKED")))
	checkResponse(t, server, "GET", requestsPath+"/"+requestID(1)+"/entitlements", "", 200, requestPage(fmt.Sprintf(seededEntitlement, "PENDING")))
}

// requestIDs gets a page and returns the ids of its items and the next page token.
func requestIDs(t *testing.T, server *aponotest.Server, path string) (ids, token string) {
	t.Helper()
	status, response := sendHTTP(t, server, "GET", path, "")
	require.Equalf(t, 200, status, "%s returned status %d: %s", path, status, response)
	var page struct {
		Items []struct {
			ID       string `json:"id"`
			Resource struct {
				ID string `json:"id"`
			} `json:"resource"`
			Permission struct {
				Name string `json:"name"`
			} `json:"permission"`
		} `json:"items"`
		Pagination struct {
			NextPageToken string `json:"next_page_token"`
		} `json:"pagination"`
	}
	require.NoError(t, json.Unmarshal([]byte(response), &page))
	all := make([]string, 0, len(page.Items))
	for _, item := range page.Items {
		if item.ID == "" {
			item.ID = item.Resource.ID + ":" + item.Permission.Name
		}
		all = append(all, item.ID)
	}
	return strings.Join(all, " "), page.Pagination.NextPageToken
}

// putManyRequests adds requests of the caller, requests by another user for the caller,
// and delegated requests.
func putManyRequests(server *aponotest.Server) {
	const (
		byAnn  = `, "requestor": {"id": "u-ann", "source_id": "ann@example.com"}`
		forAnn = `, "grantee": {"id": "u-ann", "source_id": "ann@example.com"}`
		forBen = `, "grantee": {"id": "u-ben", "source_id": "ben@example.com"}`
	)
	for _, r := range []struct{ id, status, rest string }{
		{"own1", "PENDING", ""}, {"ann1", "ACTIVE", byAnn}, {"own2", "ACTIVE", ""}, {"ann2", "PENDING", byAnn}, {"own3", "PENDING", ""},
		{"for1", "PENDING", forBen}, {"for2", "REVOKED", forAnn}, {"for3", "PENDING", byAnn + forBen},
	} {
		server.Put(aponotest.AccessRequests,
			json.RawMessage(fmt.Sprintf(`{"id": %q, "status": %q, "custom_fields": {}, "access_groups": []%s}`, r.id, r.status, r.rest)))
	}
	for _, e := range []struct{ integration, resource, kind, status string }{
		{"aws", "bucket", "s3", "PENDING"}, {"aws", "role", "iam", "ACTIVE"}, {"pg", "db", "database", "ACTIVE"},
	} {
		server.Put(aponotest.EntitlementsOf("own1"), json.RawMessage(fmt.Sprintf(`{"integration": {"id": %q, "name": "x"},
			"resource": {"id": %q, "source_id": "x", "name": "x", "type": {"id": %q, "label": "x"}}, "permission": {"name": "p"}, "status": %q}`,
			e.integration, e.resource, e.kind, e.status)))
	}
}

func TestAccessListFilters(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	putManyRequests(server)
	const entitlements = requestsPath + "/own1/entitlements"
	for path, want := range map[string]string{
		requestsPath:                                         "own1 own2 own3",
		requestsPath + "?statuses=pending":                   "own1 own3",
		requestsPath + "?statuses=PENDING&statuses=ACTIVE":   "own1 own2 own3",
		requestsPath + "?statuses=REVOKED":                   "",
		requestsPath + "?requestor=u-ann":                    "ann1 ann2",
		requestsPath + "?requestor=ann%40example.com":        "ann1 ann2",
		requestsPath + "?requestor=u-ann&statuses=ACTIVE":    "ann1",
		requestsPath + "?requestor=u-ben":                    "",
		delegatedPath:                                        "for1 for2 for3",
		delegatedPath + "?grantee=u-ben":                     "for1 for3",
		delegatedPath + "?grantee=BEN@example.com":           "for1 for3",
		delegatedPath + "?grantee=u-chen":                    "",
		delegatedPath + "?statuses=REVOKED":                  "for2",
		delegatedPath + "?statuses=REVOKED&statuses=PENDING": "for1 for2 for3",
		delegatedPath + "?statuses=REVOKED&grantee=u-ben":    "",
		entitlements:                          "bucket:p role:p db:p",
		entitlements + "?integration_ids=aws": "bucket:p role:p",
		entitlements + "?integration_ids=aws&integration_ids=pg":                                         "bucket:p role:p db:p",
		entitlements + "?resource_types=iam&resource_types=s3":                                           "bucket:p role:p",
		entitlements + "?statuses=active":                                                                "role:p db:p",
		entitlements + "?statuses=active&integration_ids=aws":                                            "role:p",
		entitlements + "?statuses=FAILED":                                                                "",
		availablePath + "/bundles":                                                                       "b1 b2",
		availablePath + "/bundles?name=On+call":                                                          "b1",
		availablePath + "/bundles?name=none&name=auditors":                                               "b2",
		availablePath + "/bundles?name=*a*":                                                              "b1 b2",
		availablePath + "/bundles?grantee=u-ben":                                                         "b1 b2",
		availablePath + "/entitlements":                                                                  "bucket:ReadOnly bucket:ReadWrite role:Assume db:ReadOnly",
		availablePath + "/entitlements?grantee=ann%40example.com":                                        "bucket:ReadOnly bucket:ReadWrite role:Assume db:ReadOnly",
		availablePath + "/entitlements?integration_id=pg":                                                "db:ReadOnly",
		availablePath + "/entitlements?integration_name=Production":                                      "bucket:ReadOnly bucket:ReadWrite role:Assume",
		availablePath + "/entitlements?integration_name=prod":                                            "",
		availablePath + "/entitlements?permission_name=ReadOnly":                                         "bucket:ReadOnly db:ReadOnly",
		availablePath + "/entitlements?permission_name=ReadWrite&permission_name=Assume":                 "bucket:ReadWrite role:Assume",
		availablePath + "/entitlements?resource_name=orders":                                             "bucket:ReadOnly bucket:ReadWrite db:ReadOnly",
		availablePath + "/entitlements?resource_type_id=iam&resource_type_id=database":                   "role:Assume db:ReadOnly",
		availablePath + "/entitlements?resource_name=orders&permission_name=ReadOnly&integration_id=aws": "bucket:ReadOnly",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			ids, _ := requestIDs(t, server, path)
			require.Equal(t, want, ids)
		})
	}
}

func TestAccessRequestPageTokensKeepFilters(t *testing.T) {
	t.Parallel()
	server := requestServer(t, aponotest.WithPageSize(1))
	putManyRequests(server)
	for path, want := range map[string]string{
		requestsPath:                                  "own1 own2 own3",
		requestsPath + "?statuses=PENDING":            "own1 own3",
		requestsPath + "?requestor=u-ann":             "ann1 ann2",
		delegatedPath + "?grantee=ben@example.com":    "for1 for3",
		requestsPath + "/own1/entitlements":           "bucket:p role:p db:p",
		availablePath + "/bundles":                    "b1 b2",
		availablePath + "/entitlements":               "bucket:ReadOnly bucket:ReadWrite role:Assume db:ReadOnly",
		availablePath + "/entitlements?grantee=u-ann": "bucket:ReadOnly bucket:ReadWrite role:Assume db:ReadOnly",
	} {
		list, _, _ := strings.Cut(path, "?")
		var all []string
		ids, token := requestIDs(t, server, path)
		for all = append(all, ids); token != ""; all = append(all, ids) {
			require.Lessf(t, len(all), 9, "the pages of %s do not end", path)
			ids, token = requestIDs(t, server, list+"?page_token="+token)
		}
		require.Equal(t, want, strings.Join(all, " "))
	}
	_, token := requestIDs(t, server, delegatedPath)
	checkResponse(t, server, "GET", requestsPath+"?page_token="+token, "", 400,
		`{"field": "page_token", "message": "page_token: not a token of this list"}`)
}

func TestInvalidAccessRequestsAreRejected(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	putManyRequests(server)
	const (
		union  = "one of bundle_reference and entitlements must be given"
		bundle = `"bundle_reference": "b1"`
		fields = `"custom_fields": {}`
	)
	for _, test := range []struct {
		method, path, body string
		status             int
		field, message     string
	}{
		{"POST", requestsPath, `{` + fields + `}`, 400, "bundle_reference", union},
		{"POST", requestsPath, `{"entitlements": [], ` + fields + `}`, 400, "bundle_reference", union},
		{"POST", requestsPath, `{"bundle_reference": "none", ` + fields + `}`, 400, "bundle_reference", `bundle "none" not found`},
		{"POST", requestsPath, `{"bundle_reference": "", ` + fields + `}`, 400, "bundle_reference", `bundle "" not found`},
		{"POST", requestsPath, `{` + bundle + `}`, 422, "custom_fields", "must be set"},
		{"POST", requestsPath, `{` + bundle + `, "custom_fields": null}`, 422, "custom_fields", "must not be null"},
		{"POST", requestsPath, `{` + bundle + `, "custom_fields": {"a": 1}}`, 422, "custom_fields.a", "must be a string, not a number"},
		{"POST", requestsPath, `{` + bundle + `, "duration_in_sec": 0, ` + fields + `}`, 400, "duration_in_sec", "must be positive"},
		{"POST", requestsPath, `{` + bundle + `, "duration_in_sec": -5, ` + fields + `}`, 400, "duration_in_sec", "must be positive"},
		{"POST", requestsPath, `{` + bundle + `, "duration_in_sec": 1.5, ` + fields + `}`, 422, "duration_in_sec", "must be a 32-bit integer, not a number"},
		{"POST", requestsPath, `{` + bundle + `, "grantee": "chen@example.com", ` + fields + `}`, 400, "grantee", `user "chen@example.com" not found`},
		{"POST", requestsPath, `{` + bundle + `, "status": "ACTIVE", ` + fields + `}`, 422, "status", "unknown field"},
		{"POST", requestsPath, `{"entitlements": [{"resource_id": "bucket"}], ` + fields + `}`, 422, "entitlements[0].permission_id", "must be set"},
		{"POST", requestsPath, `{"entitlements": [{"resource_id": "bucket", "permission_id": "assume"}], ` + fields + `}`, 400, "entitlements[0]", "no resource with this permission"},
		{"POST", requestsPath + "/own1/request-again", `{}`, 422, "custom_fields", "must be set"},
		{"POST", requestsPath + "/own1/request-again", `{"duration_in_sec": 1, ` + fields + `}`, 422, "duration_in_sec", "unknown field"},
		{"POST", requestsPath + "/none/request-again", `{` + fields + `}`, 404, "", `access request "none" not found`},
		{"POST", requestsPath + "/own1/revoke", `{}`, 422, "", "the operation takes no body"},
		{"POST", requestsPath + "/none/revoke", ``, 404, "", `access request "none" not found`},
		{"GET", requestsPath + "/none", ``, 404, "", `access request "none" not found`},
		{"GET", requestsPath + "/none/entitlements", ``, 404, "", `access request "none" not found`},
		{"GET", requestsPath + "?grantee=u-ben", ``, 422, "grantee", "unknown query parameter"},
		{"GET", requestsPath + "?requestor=a&requestor=b", ``, 422, "requestor", "must be given once, not 2 times"},
		{"GET", delegatedPath + "?requestor=u-ann", ``, 422, "requestor", "unknown query parameter"},
		{"GET", requestsPath + "/own1/entitlements?integration_id=aws", ``, 422, "integration_id", "unknown query parameter"},
		{"GET", availablePath + "/bundles?grantee=a&grantee=b", ``, 422, "grantee", "must be given once, not 2 times"},
		{"GET", availablePath + "/entitlements?name=x", ``, 422, "name", "unknown query parameter"},
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

func TestRejectedAccessRequestChangesNothing(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	status, _ := sendHTTP(t, server, "POST", requestsPath, `{"custom_fields": {}, "entitlements": [
		{"resource_id": "bucket", "permission_id": "read"}, {"resource_id": "none", "permission_id": "read"}]}`)
	require.Equal(t, 400, status)
	checkResponse(t, server, "GET", requestsPath, "", 200, requestPage())
}

func TestAccessRequestsWithClient(t *testing.T) {
	t.Parallel()
	server := requestServer(t, aponotest.WithPageSize(1))
	service, ctx := server.Client().AccessRequests, t.Context()
	made, err := service.Create(ctx, apono.CreateAccessRequestInput{
		Entitlements: []apono.CreateAccessRequestEntitlement{
			{ResourceID: "bucket", PermissionID: "read"}, {ResourceID: "db", PermissionID: "select"}, {ResourceID: "bucket", PermissionID: "write"},
		},
		Justification: new("why"), DurationInSec: new(60),
	})
	require.NoError(t, err)
	require.Len(t, made, 2)
	first := made[0]
	require.Equal(t, []apono.AccessGroup{{
		Integration: apono.Ref{ID: "aws", Name: "Production"}, ResourceTypes: []apono.ResourceType{{ID: "s3", Label: "s3"}},
	}}, first.AccessGroups)

	page, err := service.ListEntitlements(ctx, first.ID, apono.ListAccessRequestEntitlementsOptions{ResourceTypes: []string{"s3"}})
	require.NoError(t, err)
	require.Len(t, page.Items, 1, "not the first of two pages")
	require.NotEmpty(t, page.NextPageToken, "not the first of two pages")
	entitlements, err := apono.Collect(service.ListAllEntitlements(ctx, first.ID))
	require.NoError(t, err)
	require.Len(t, entitlements, 2)
	require.Equal(t, "ReadWrite", entitlements[1].Permission.Name)

	granted := *first
	granted.Status = apono.AccessRequestStatusActive
	server.Put(aponotest.AccessRequests, granted)
	got, err := service.WaitFor(ctx, first.ID, apono.UntilGranted)
	require.NoError(t, err)
	require.Equal(t, &granted, got)

	message, err := service.Revoke(ctx, first.ID)
	require.NoError(t, err)
	require.Equal(t, "The access request is being revoked", message.Message)
	revoked, err := service.WaitFor(ctx, first.ID, apono.UntilRevoked)
	require.NoError(t, err)
	require.NotNil(t, revoked.RevocationDate, "no revocation date")

	again, err := service.RequestAgain(ctx, first.ID, apono.RequestAgainInput{Justification: new("once more")})
	require.NoError(t, err)
	require.Len(t, again, 1)
	got, err = service.Get(ctx, again[0].ID)
	require.NoError(t, err)
	require.Equal(t, again[0], got)
	require.Truef(t, got.Status.Pending(), "the new request is not pending: %+v", got)
	require.Equal(t, "once more", *got.Justification, "wrong justification of the new request")
	require.Equal(t, 60, *got.DurationInSec, "wrong duration of the new request")

	requests, err := apono.Collect(service.ListAll(ctx))
	require.NoError(t, err)
	require.Equal(t, []*apono.AccessRequest{revoked, made[1], again[0]}, requests)
	list, err := service.List(ctx, apono.ListAccessRequestsOptions{Statuses: []apono.AccessRequestStatus{apono.AccessRequestStatusRevoked}})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.AccessRequest]{Items: requests[:1]}, list)
}
