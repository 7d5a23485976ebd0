package aponotest_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

// Bodies that the demo tenant accepts. Tests change one place in them.
const (
	goodFlow = `{"name": "New", "active": true, "trigger": "SELF_SERVE", "requestor_identity_type": "HUMAN",
		"requestors": {"logical_operator": "OR", "conditions": [{"type": "group", "match_operator": "is", "values": ["group-orders"]}]},
		"request_for": {"request_scopes": ["self"], "grantees": {"logical_operator": "OR", "conditions": [{"type": "user", "values": ["user-00-00"]}]}},
		"access_targets": [
			{"integration": {"integration_reference": "ssh-staging-orders", "resource_type": "ssh-server", "permissions": ["root"],
				"resources_scopes": [{"scope_mode": "include_resources", "type": "NAME", "values": ["orders"]}]}},
			{"bundle": {"bundle_reference": "bundle-orders"}}, {"access_scope": {"access_scope_reference": "scope-orders"}},
			{"query_target": {"query": "q"}}],
		"approver_policy": {"approval_mode": "ANY_OF", "approver_groups": [{"logical_operator": "OR", "approvers": [
			{"type": "user", "match_operator": "is_not", "values": ["ada.orders@example.com"], "source_integration_reference": "google-idp"}]}]},
		"escalation_policy": {"interval_in_min": 5, "approver_groups": [{"logical_operator": "OR", "approvers": [{"type": "Owner"}]}]},
		"timeframe": {"start_time": "08:00", "end_time": "17:00", "days_of_week": ["MONDAY"], "time_zone": "Europe/Berlin"},
		"settings": {"justification_required": false, "require_approver_reason": false, "requestor_cannot_approve_himself": false,
			"require_mfa": false, "labels": []}, "request_for_others": false}`
	goodIntegration = `{"name": "New", "type": "postgresql", "integration_config": {}, "connector_id": "staging-connector",
		"secret_store_config": {"aws": {"region": "eu-central-1", "secret_id": "x"}},
		"owner": {"attribute_type": "group", "attribute_value": ["group-orders"]}}`
	goodBundle = `{"name": "New", "access_targets": [{"integration": {"integration_reference": "ssh-staging-orders", "resource_type": "ssh-server", "permissions": ["root"]}}]}`
	goodScope  = `{"name": "New", "query": "q"}`
	goodReport = `{"name": "New", "filters": {}, "timeframe": {"relative": {"last": 7, "unit": "day", "rounded": false}},
		"schedule": {"cron_expression": "0 9 * * 1-5", "recipients": ["ada.orders@example.com"]}}`
	goodGroup = `{"name": "New", "members_emails": []}`
	goodSpace = `{"name": "New", "space_scope_references": ["Orders resources"], "members": [
		{"identity_reference": "group-orders", "identity_type": "group", "space_roles": ["SpaceOwner"]}]}`
	goodRequest      = `{"bundle_reference": "Orders on-call", "justification": "On call", "duration_in_sec": 3600, "custom_fields": {}, "grantee": "user-01-00"}`
	goodEntitlements = `"entitlements": [{"resource_id": "postgresql-production-orders-postgresql-database",
		"permission_id": "postgresql-production-orders-postgresql-database-READ_ONLY"}], "justification": "On call", "duration_in_sec": 3600, "custom_fields": {}}`
	goodSelection = `{` + goodEntitlements
	goodBoth      = `{"bundle_reference": "Orders on-call", ` + goodEntitlements
	goodFlowV1    = `{"name": "New", "active": true, "trigger": {"type": "user_request"}, "revoke_after_in_sec": -1,
		"grantees": [{"id": "user-00-00", "type": "USER"}], "approvers": [{"id": "group-orders", "type": "group"}],
		"bundle_targets": [], "integration_targets": [{"integration_id": "ssh-staging-orders", "resource_type": "ssh-server", "permissions": ["root"],
			"resource_tag_includes": [{"name": "env", "value": ""}], "resource_tag_excludes": []}]}`
	goodBundleV1 = `{"name": "New", "integration_targets": [{"integration_id": "ssh-staging-orders", "resource_type": "ssh-server", "permissions": ["root"],
		"resource_tag_includes": [], "resource_tag_excludes": []}]}`
	goodIntegrationV2 = `{"name": "New", "type": "postgresql", "metadata": {}, "provisioner_id": "staging-connector"}`
	goodRequestV3     = `{"user_id": "user-00-00", "integration_id": "postgresql-production-orders", "justification": "On call", "duration_in_sec": 3600,
		"resource_ids": ["postgresql-production-orders-postgresql-database"], "permissions": ["READ_ONLY"]}`

	requestsV3Path = "/api/v3/access-requests"
	noBody         = ""
)

var goodBodies = map[string]string{
	flowsPath: goodFlow, integrationsPath: goodIntegration, bundlesPath: goodBundle, scopesPath: goodScope, reportsPath: goodReport,
	groupsPath: goodGroup, spacesPath: goodSpace, spaceScopesPath: goodScope, requestsPath: goodRequest, legacyFlowsPath: goodFlowV1,
	legacyBundlesPath: goodBundleV1, legacyIntegrationsPath: goodIntegrationV2, requestsV3Path: goodRequestV3,
}

func demoServer(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	return aponotest.NewServer(t, append(opts, aponotest.WithDemoTenant(), aponotest.WithoutNetwork())...)
}

// send sends a request without a network.
func send(t *testing.T, server *aponotest.Server, method, path, body string) (int, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+server.Token)
	req.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, req)
	return recorder.Code, recorder.Body.String()
}

func TestValidBodiesAreAccepted(t *testing.T) {
	t.Parallel()
	server := demoServer(t)
	for path, body := range goodBodies {
		status, response := send(t, server, "POST", path, strings.Replace(body, `"New"`, `"Of `+path+`"`, 1))
		require.Equalf(t, 200, status, "%s: %s", path, response)
	}
	for _, body := range []string{
		goodSelection, goodBoth,
		strings.Replace(goodRequest, `"duration_in_sec": 3600, `, ``, 1), // the flow's maximum applies
		`{"bundle_reference": "Orders staging", "custom_fields": {}}`,    // its flow requires no justification
	} {
		status, response := send(t, server, "POST", requestsPath, body)
		require.Equalf(t, 200, status, "%s: %s", body, response)
	}
}

// These bodies match the schema and are rejected for their content.
func TestInvalidContentIsRejectedWithField(t *testing.T) {
	t.Parallel()
	const empty = "must not be empty"
	server := demoServer(t)
	for _, test := range []struct {
		path, old, new string
		field, message string
	}{
		{flowsPath, `"name": "New"`, `"name": ""`, "name", empty},
		{flowsPath, `"conditions": [{"type": "group", "match_operator": "is", "values": ["group-orders"]}]`, `"conditions": []`, "requestors.conditions", empty},
		{flowsPath, `["group-orders"]`, `["group-none"]`, "requestors.conditions[0].values[0]", `group "group-none" not found`},
		{flowsPath, `["user-00-00"]`, `["user-00-00", "x"]`, "request_for.grantees.conditions[0].values[1]", `user "x" not found`},
		{flowsPath, `["self"]`, `[]`, "request_for.request_scopes", empty},
		{flowsPath, `["root"]`, `[]`, "access_targets[0].integration.permissions", empty},
		{flowsPath, `["root"]`, `["root", ""]`, "access_targets[0].integration.permissions[1]", empty},
		{flowsPath, `"values": ["orders"]`, `"values": []`, "access_targets[0].integration.resources_scopes[0].values", empty},
		{flowsPath, `"ssh-staging-orders"`, `"none"`, "access_targets[0].integration.integration_reference", `integration "none" not found`},
		{flowsPath, `"bundle-orders"`, `"none"`, "access_targets[1].bundle.bundle_reference", `bundle "none" not found`},
		{flowsPath, `"scope-orders"`, `"none"`, "access_targets[2].access_scope.access_scope_reference", `access scope "none" not found`},
		{flowsPath, `"query": "q"`, `"query": ""`, "access_targets[3].query_target.query", empty},
		{flowsPath, `["ada.orders@example.com"]`, `["nobody@example.com"]`, "approver_policy.approver_groups[0].approvers[0].values[0]", `user "nobody@example.com" not found`},
		{flowsPath, `"google-idp"`, `"none"`, "approver_policy.approver_groups[0].approvers[0].source_integration_reference", `integration "none" not found`},
		{flowsPath, `[{"type": "Owner"}]`, `[]`, "escalation_policy.approver_groups[0].approvers", empty},
		{flowsPath, `{"type": "Owner"}`, `{"type": "group", "values": ["x"]}`, "escalation_policy.approver_groups[0].approvers[0].values[0]", `group "x" not found`},
		{flowsPath, `["MONDAY"]`, `[]`, "timeframe.days_of_week", empty},
		{flowsPath + "?space_reference=none", ``, ``, "space_reference", `space "none" not found`},
		{bundlesPath, goodBundle[len(`{"name": "New", "access_targets": `) : len(goodBundle)-1], `[]`, "access_targets", empty},
		{scopesPath, `"q"`, `""`, "query", empty},
		{integrationsPath, `"postgresql"`, `""`, "type", empty},
		{integrationsPath, `"staging-connector"`, `"none"`, "connector_id", `connector "none" not found`},
		{integrationsPath, `"secret_id": "x"`, `"secret_id": ""`, "secret_store_config.aws.secret_id", empty},
		{integrationsPath, `["group-orders"]`, `[]`, "owner.attribute_value", empty},
		{integrationsPath, `["group-orders"]`, `["x"]`, "owner.attribute_value[0]", `group "x" not found`},
		{reportsPath, `["ada.orders@example.com"]`, `[]`, "schedule.recipients", empty},
		{reportsPath, `"day"`, `""`, "timeframe.relative.unit", empty},
		{groupsPath, `"New"`, `""`, "name", empty},
		{spacesPath, `"Orders resources"`, `"none"`, "space_scope_references[0]", `space scope "none" not found`},
		{spacesPath, `"group-orders"`, `"none"`, "members[0].identity_reference", `group "none" not found`},
		{spacesPath, `["SpaceOwner"]`, `[]`, "members[0].space_roles", empty},
		{spaceScopesPath, `"q"`, `""`, "query", empty},
		{requestsPath, `"Orders on-call"`, `"none"`, "bundle_reference", `bundle "none" not found`},
		{requestsPath, `"user-01-00"`, `"none"`, "grantee", `user "none" not found`},
		{requestsPath, `"justification": "On call", `, ``, "justification", `required by the access flow "Orders on-call"`},
		{requestsPath, `"On call"`, `"  "`, "justification", `required by the access flow "Orders on-call"`},
		{requestsPath, `3600`, `3601`, "duration_in_sec", `the access flow "Orders on-call" allows at most 3600`},
		{requestsPath, goodRequest, strings.Replace(goodSelection, "3600", "3601", 1), "duration_in_sec", `the access flow "Orders on-call" allows at most 3600`},
		{requestsPath, goodRequest, strings.Replace(goodBoth, `Orders on-call`, "Billing on-call", 1), "entitlements[0]", `not part of the bundle "Billing on-call"`},
		{requestsPath, goodRequest, strings.Replace(goodSelection, `-READ_ONLY`, "-NONE", 1), "entitlements[0]", `no resource with this permission`},
		{requestsPath, goodRequest, `{"entitlements": [], "custom_fields": {}}`, "bundle_reference", `one of bundle_reference and entitlements must be given`},
		{requestsPath + "/request-ada-active/request-again", goodRequest, `{"custom_fields": {}}`, "justification", `required by the access flow "Orders on-call"`},
		{legacyFlowsPath, `[{"id": "user-00-00", "type": "USER"}]`, `[]`, "grantees", empty},
		{legacyFlowsPath, `"user-00-00"`, `"none"`, "grantees[0].id", `user "none" not found`},
		{legacyFlowsPath, `"group-orders"`, `"none"`, "approvers[0].id", `group "none" not found`},
		{legacyFlowsPath, goodFlowV1[strings.Index(goodFlowV1, `[{"integration_id"`) : len(goodFlowV1)-1], `[]`, "integration_targets", "an access flow needs a target"},
		{legacyFlowsPath, `"name": "env"`, `"name": ""`, "integration_targets[0].resource_tag_includes[0].name", empty},
		{legacyBundlesPath, `"ssh-staging-orders"`, `"none"`, "integration_targets[0].integration_id", `integration "none" not found`},
		{legacyBundlesPath, goodBundleV1[len(`{"name": "New", "integration_targets": `) : len(goodBundleV1)-1], `[]`, "integration_targets", empty},
		{legacyIntegrationsPath, `"staging-connector"`, `"none"`, "provisioner_id", `connector "none" not found`},
		{requestsV3Path, `"On call"`, `""`, "justification", empty},
		{requestsV3Path, `3600`, `3601`, "duration_in_sec", `the access flow "Orders on-call" allows at most 3600`},
		{requestsV3Path, `["READ_ONLY"]`, `[]`, "permissions", empty},
		{requestsV3Path, `"user-00-00"`, `"none"`, "user_id", `user "none" not found`},
	} {
		t.Run(test.path+" "+test.field+" "+test.new, func(t *testing.T) {
			t.Parallel()
			path, _, _ := strings.Cut(strings.TrimSuffix(test.path, "/request-ada-active/request-again"), "?")
			good := goodBodies[path]
			require.Contains(t, good, test.old)
			status, response := send(t, server, "POST", test.path, strings.Replace(good, test.old, test.new, 1))
			require.Equal(t, 400, status)
			var got struct {
				Message string `json:"message"`
				Field   string `json:"field"`
			}
			require.NoError(t, json.Unmarshal([]byte(response), &got))
			require.Equal(t, test.field, got.Field)
			require.Equal(t, test.field+": "+test.message, got.Message)
		})
	}
}

func TestDuplicateNamesAreRejected(t *testing.T) {
	t.Parallel()
	server := demoServer(t)
	server.Put(aponotest.Reports, json.RawMessage(`{"id": "r1", "name": "Weekly", "filters": {}, "timeframe": {"relative": {"last": 7, "unit": "day", "rounded": false}}}`))
	for path, name := range map[string]string{
		flowsPath: "Break glass", integrationsPath: "okta", scopesPath: "Orders databases", reportsPath: "Weekly", groupsPath: "orders",
		spacesPath: "Orders", spaceScopesPath: "Orders resources", legacyFlowsPath: "Break glass", legacyIntegrationsPath: "okta",
	} {
		status, response := send(t, server, "POST", path, strings.Replace(goodBodies[path], `"name": "New"`, `"name": "`+name+`"`, 1))
		require.Equalf(t, 409, status, "%s: %s", path, response)
		require.Containsf(t, response, `"field":"name"`, "%s", path)
	}
	status, _ := send(t, server, "PUT", "/api/admin/v3/connectors/staging-connector", `{"name": "production"}`)
	require.Equal(t, 409, status)
	status, response := send(t, server, "POST", bundlesPath, strings.Replace(goodBundle, `"New"`, `"Orders on-call"`, 1))
	require.Equalf(t, 200, status, "bundles may share a name: %s", response)
}

func TestPageTokensOfOtherFiltersAreRejected(t *testing.T) {
	t.Parallel()
	server := demoServer(t)
	token := func(path string) string {
		_, response := send(t, server, "GET", path, noBody)
		var page struct {
			Pagination struct {
				Token string `json:"next_page_token"`
			} `json:"pagination"`
		}
		require.NoError(t, json.Unmarshal([]byte(response), &page))
		require.NotEmpty(t, page.Pagination.Token)
		return "page_token=" + url.QueryEscape(page.Pagination.Token)
	}
	orders, filtered := token(groupsPath+"/group-orders/members?limit=1"), token(integrationsPath+"?type=mysql&limit=1")
	for _, path := range []string{
		groupsPath + "/group-billing/members?" + orders, usersPath + "?" + orders, integrationsPath + "?page_token=x",
		integrationsPath + "?type=okta&" + filtered, integrationsPath + "?type=mysql&name=x&" + filtered,
	} {
		status, response := send(t, server, "GET", path, noBody)
		require.Equalf(t, 400, status, "%s: %s", path, response)
		require.Containsf(t, response, `"field":"page_token"`, "%s", path)
	}
	for _, path := range []string{integrationsPath + "?" + filtered, integrationsPath + "?type=mysql&" + filtered} {
		status, response := send(t, server, "GET", path, noBody)
		require.Equalf(t, 200, status, "%s: %s", path, response)
	}
}

func TestLooseChecksAcceptInvalidContent(t *testing.T) {
	t.Parallel()
	server := demoServer(t, aponotest.WithLooseChecks())
	for _, test := range []struct{ path, old, new string }{
		// Before a flow is added that allows them.
		{requestsPath, `"On call"`, `""`},
		{requestsPath, `3600`, `86400`},
		{flowsPath, `"conditions": [{"type": "group", "match_operator": "is", "values": ["group-orders"]}]`, `"conditions": []`},
		{integrationsPath, `"staging-connector"`, `"none"`},
		{integrationsPath, `"New"`, `""`},
		{integrationsPath, `"group-orders"`, `"none"`},
		{requestsPath, goodRequest, strings.Replace(goodBoth, `Orders on-call`, "Billing on-call", 1)},
		{legacyFlowsPath, `"user-00-00"`, `"none"`},
		{legacyIntegrationsPath, `"staging-connector"`, `"none"`},
	} {
		body := strings.Replace(goodBodies[test.path], test.old, test.new, 1)
		body = strings.Replace(body, `"New"`, strconv.Quote(test.path+test.old), 1)
		status, response := send(t, server, "POST", test.path, body)
		require.Equalf(t, 200, status, "%s %s: %s", test.path, test.new, response)
	}
	page, err := server.Client().Integrations.List(t.Context(), apono.ListIntegrationsOptions{Limit: 1, Type: []string{"mysql"}})
	require.NoError(t, err)
	status, _ := send(t, server, "GET", integrationsPath+"?type=ssh&page_token="+url.QueryEscape(page.NextPageToken), noBody)
	require.Equal(t, 200, status)
	// The form is still checked.
	status, _ = send(t, server, "POST", groupsPath, `{"name": "x"}`)
	require.Equal(t, 422, status)
}
