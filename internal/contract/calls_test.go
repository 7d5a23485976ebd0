package contract

import "slices"

// calls are the path arguments and bodies of operations that need more than the ids of
// the seed. The first body has required members only; the others together have all
// members.
var calls = map[string]struct {
	args   [][]string
	bodies []string
}{
	"Integrations.GetCatalogEntry":    {args: [][]string{{"postgresql"}, {"okta"}}},
	"Integrations.GetResourceTags":    {args: [][]string{{"full-table"}, {"bare-table"}}},
	"Integrations.UpdateResourceTags": {args: [][]string{{"full-table"}}, bodies: []string{`{"tags":{}}`, `{"tags":{"team":"orders"}}`}},
	"Integrations.Create": {bodies: withStores(
		`{"name":"New","type":"postgresql","integration_config":{}}`,
		`{"name":"New","type":"postgresql","integration_config":{"hostname":"db.example.com","port":5432},"connector_id":"full",
		"connected_resource_types":["postgresql-table"],"custom_access_details":"Use the VPN",
		"owner":{"attribute_type":"group","attribute_value":["full"],"source_integration_reference":"full"},
		"owners_mapping":{"key_name":"team","attribute_type":"group","source_integration_reference":"full"},`,
	)},
	"Integrations.Update": {bodies: withStores(
		`{"name":"New","integration_config":{}}`,
		`{"name":"New","integration_config":{"hostname":"db.example.com","port":5432},"connector_id":"full",
		"connected_resource_types":["postgresql-table"],"custom_access_details":"Use the VPN",
		"owner":{"attribute_type":"group","attribute_value":["full"],"source_integration_reference":"full"},
		"owners_mapping":{"key_name":"team","attribute_type":"group","source_integration_reference":"full"},`,
	)},
	"AccessFlows.Create": {bodies: []string{bareFlow, fullFlow}},
	"AccessFlows.Update": {bodies: []string{bareFlow, fullFlow}},
	"Bundles.Create":     {bodies: bundles},
	"Bundles.Update":     {bodies: bundles},
	"Scopes.Create":      {bodies: scopes},
	"Scopes.Update":      {bodies: scopes},
	"Reports.Create":     {bodies: reports},
	"Reports.Update":     {bodies: reports},
	"Connectors.Update":  {bodies: []string{`{"name":"New"}`}},

	"SpaceScopes.Create": {bodies: spaceScopes},
	"SpaceScopes.Update": {args: [][]string{{"full"}, {"Bare"}}, bodies: spaceScopes},
	"Spaces.Create": {bodies: []string{
		`{"name":"New","space_scope_references":[]}`,
		`{"name":"New","space_scope_references":["full","Bare"],"members":[
		{"identity_reference":"ada@example.com","identity_type":"user","space_roles":["SpaceOwner"]},
		{"identity_reference":"Full","identity_type":"group","space_roles":["SpaceOwner"]}]}`,
	}},
	"Spaces.Update": {args: [][]string{{"full"}, {"Bare space / of all"}}, bodies: []string{
		`{"name":"New","space_scope_references":[]}`, `{"name":"New","space_scope_references":["full","Bare"]}`,
	}},
	"Spaces.ListMembers": {args: [][]string{{"full"}, {"Bare space / of all"}}},
	"Spaces.SetMembers": {bodies: []string{
		`{"members":[]}`, `{"members":[{"identity_reference":"bare","identity_type":"user","space_roles":["SpaceManager","SpaceOwner"]}]}`,
	}},
	"Spaces.SetMember": {
		args:   [][]string{{"full", "ada@example.com"}, {"Bare space / of all", "bare"}},
		bodies: []string{`{"identity_type":"user","space_roles":["SpaceOwner"]}`, `{"identity_type":"user","space_roles":["SpaceOwner"]}`},
	},

	"Groups.Create":       {bodies: []string{`{"name":"New","members_emails":[]}`, `{"name":"New","members_emails":["ada@example.com","ben@example.com"]}`}},
	"Groups.Rename":       {bodies: []string{`{"name":"New"}`}},
	"Groups.SetMembers":   {bodies: []string{`{"members_emails":[]}`, `{"members_emails":["ada@example.com","new@example.com"]}`}},
	"Groups.AddMember":    {args: [][]string{{"full", "new@example.com"}, {"bare", "a+b c/d@example.com"}}},
	"Groups.RemoveMember": {args: [][]string{{"full", "ada@example.com"}}},
	"Identities.UpsertAttributes": {bodies: []string{
		`[]`, `[{"email":"ada@example.com","attributes":{"team":"orders"}},{"email":"nobody@example.com","attributes":{}}]`,
	}},
	"Identities.DeleteAttributes": {bodies: []string{
		`[]`, `[{"email":"ada@example.com","attribute_types":["team"]},{"email":"nobody@example.com","attribute_types":["team"]}]`,
	}},

	"AccessRequests.Create": {bodies: []string{
		`{"bundle_reference":"full","custom_fields":{}}`,
		`{"bundle_reference":"full","custom_fields":{"ticket":"T-1"},"justification":"On call","duration_in_sec":3600,"grantee":"full"}`,
		`{"entitlements":[{"resource_id":"full-table","permission_id":"full-read"},{"resource_id":"bare-table","permission_id":"bare-read"}],"custom_fields":{}}`,
	}},
	"AccessRequests.RequestAgain": {bodies: []string{`{"custom_fields":{}}`, `{"custom_fields":{"ticket":"T-1"},"justification":"Once more"}`}},
	"DelegatedRequests.Get":       {args: [][]string{{"full"}, {"delegated"}}},

	"Legacy.Integrations.Create": {bodies: []string{
		`{"name":"New","type":"postgresql","metadata":{}}`,
		`{"name":"New","type":"postgresql","metadata":{"port":5432},"provisioner_id":"full","connected_resource_types":["postgresql-table"],
		"custom_access_details":"Use the VPN","secret_config":{"type":"AWS","region":"eu-central-1","secret_id":"orders"}}`,
	}},
	"Legacy.Integrations.Update": {bodies: []string{
		`{"name":"New","metadata":{}}`,
		`{"name":"New","metadata":{"port":5432},"provisioner_id":"full","connected_resource_types":["postgresql-table"],
		"custom_access_details":"Use the VPN","secret_config":{"type":"AWS","region":"eu-central-1","secret_id":"orders"}}`,
	}},
	"Legacy.AccessFlows.Create": {bodies: []string{
		`{"name":"New","active":true,"trigger":{"type":"automatic"},"grantees":[{"id":"full","type":"user"}],"bundle_targets":[{"bundle_id":"full"}],"revoke_after_in_sec":-1}`, fullFlowV1,
	}},
	"Legacy.AccessFlows.Update":   {bodies: []string{`{}`, fullFlowV1}},
	"Legacy.AccessBundles.Create": {bodies: []string{bareBundleV1, fullBundleV1}},
	"Legacy.AccessBundles.Update": {bodies: []string{`{}`, fullBundleV1}},
	"Legacy.Users.Get":            {args: [][]string{{"full"}, {"ben@example.com"}}},
	"Legacy.AccessRequests.Create": {bodies: []string{
		`{"user_id":"full","integration_id":"full","resource_ids":["full-table"],"permissions":["read"],"justification":"On call"}`,
		`{"user_id":"full","integration_id":"full","resource_ids":["full-table"],"permissions":["read"],"justification":"On call","duration_in_sec":3600}`,
	}},
	"Legacy.AccessRequests.RevokeMany":                {bodies: []string{`{"request_ids":["full","bare"]}`}},
	"Legacy.AccessRequests.ListSelectablePermissions": {args: [][]string{{"full", "postgresql-table"}, {"bare", "mysql-table"}}},
	"Legacy.AccessRequests.ListSelectableResources":   {args: [][]string{{"full", "postgresql-table"}, {"bare", "mysql-table"}}},
}

// withStores returns the bare body, and the full body with each kind of secret store.
func withStores(bare, full string) []string {
	bodies := []string{bare}
	for _, store := range []string{
		`"aws":{"region":"eu-central-1","secret_id":"orders"}`,
		`"gcp":{"project":"orders","secret_id":"orders"}`,
		`"kubernetes":{"namespace":"default","name":"orders"}`,
		`"azure":{"vault_url":"https://orders.vault.azure.net","name":"orders"}`,
		`"hashicorp_vault":{"secret_engine":"kv","path":"orders"}`,
		`"apono":{"parameters":{"username":"orders","password":"of orders"}}`,
	} {
		bodies = append(bodies, full+`"secret_store_config":{`+store+`}}`)
	}
	return bodies
}

const (
	bareFlow = `{"name":"New","active":false,"trigger":"SELF_SERVE","requestor_identity_type":"HUMAN","requestors":{"logical_operator":"OR","conditions":[{"type":"user"}]},
		"access_targets":[{"bundle":{"bundle_reference":"full"}}],"settings":{"justification_required":false,"require_approver_reason":false,
		"requestor_cannot_approve_himself":false,"require_mfa":false,"labels":[]},"request_for_others":false}`
	fullFlow = `{"name":"New","description":"Of the team","active":true,"trigger":"SELF_SERVE","requestor_identity_type":"AGENT",
		"requestors":{"logical_operator":"AND","conditions":[` + condition + `,{"type":"user"}]},
		"request_for":{"request_scopes":["others"],"grantees":{"logical_operator":"OR","conditions":[` + condition + `]}},
		"access_targets":[` + targets + `,{"bundle":{"bundle_reference":"full"}}],
		"approver_policy":{"approval_mode":"ALL_OF","approver_groups":[{"logical_operator":"OR","approvers":[` + condition + `]}]},
		"escalation_policy":{"interval_in_min":5,"approver_groups":[{"logical_operator":"OR","approvers":[` + condition + `]}]},
		"grant_duration_in_min":60,
		"timeframe":{"start_time":"08:00","end_time":"17:00","days_of_week":["MONDAY","TUESDAY"],"time_zone":"Europe/Berlin"},
		"settings":{"justification_required":true,"require_approver_reason":true,"requestor_cannot_approve_himself":true,
		"require_mfa":true,"labels":["orders"],"max_extensions":2,"extension_duration_in_min":30},"request_for_others":true}`
	condition = `{"type":"group","match_operator":"is","values":["full"],"source_integration_reference":"full"}`
	targets   = `{"integration":{"integration_reference":"full","resource_type":"postgresql-table","permissions":["read"],
		"resources_scopes":[{"scope_mode":"include_resources","type":"TAG","key":"team","values":["orders"]},
		{"scope_mode":"exclude_resources","type":"NAME","values":["audit"]}]}},
		{"integration":{"integration_reference":"bare","resource_type":"mysql-table","permissions":["read"]}},
		{"access_scope":{"access_scope_reference":"full"}},` + queryTarget
	queryTarget = `{"query_target":{"query":"resource_type = \"mysql-table\""}}`
	targetV1    = `{"integration_id":"full","resource_type":"postgresql-table","permissions":["read"],
		"resource_tag_includes":[{"name":"team","value":"orders"}],"resource_tag_excludes":[{"name":"__name","value":"audit"}]}`
	bareBundleV1 = `{"name":"New","integration_targets":[{"integration_id":"full","resource_type":"postgresql-table","permissions":["read"],
		"resource_tag_includes":[],"resource_tag_excludes":[]}]}`
	fullBundleV1 = `{"name":"New","integration_targets":[` + targetV1 + `]}`
	fullFlowV1   = `{"name":"New","active":true,"trigger":{"type":"user_request","timeframe":{"start_of_day_time_in_seconds":28800,
		"end_of_day_time_in_seconds":61200,"days_in_week":["MONDAY"],"time_zone":"Europe/Berlin"}},
		"grantees":[{"id":"full","type":"user"}],"integration_targets":[` + targetV1 + `],"bundle_targets":[{"bundle_id":"full"}],
		"approvers":[{"id":"full","type":"group"}],"revoke_after_in_sec":3600,
		"settings":{"require_justification_on_request_again":true,"require_all_approvers":true,
		"require_approver_justification":true,"approver_cannot_approve_himself":true}}`
)

var (
	bundles     = []string{`{"name":"New","access_targets":[{"access_scope":{"access_scope_reference":"full"}}]}`, `{"name":"New","description":"Of the team","access_targets":[` + targets + `]}`}
	spaceScopes = []string{`{"name":"New","query":"type = 1"}`}
	scopes      = []string{`{"name":"New","query":"type = 1"}`, `{"name":"New","query":"type = 1","description":"Of the team"}`}
	reports     = []string{
		`{"name":"New","filters":{},"timeframe":{"relative":{"last":7,"unit":"DAYS","rounded":true}}}`,
		`{"name":"New","fields":["status"],"format":"CSV","filters":{"requestor_source_ids":["a"],"grantee_source_ids":["a"],
		"grantee_identity_types":["USER"],"integration_ids":["full"],"permission_names":["read"],"resource_ids":["full-table"],
		"resource_types":["postgresql-table"],"statuses":["ACTIVE"],"trigger_types":["SELF_SERVE"],"access_flow_ids":["full"]},
		"timeframe":{"absolute":{"start_date":"2026-03-02T08:00:00Z","end_date":"2026-03-03T08:00:00.5+01:00"}},
		"schedule":{"cron_expression":"0 8 * * *","recipients":["ada@example.com"]}}`,
	}
)

// needsOne are the schemas of which the server requires one of the optional members.
var needsOne = []string{"TimeFramePublicV1", "CreateAccessRequestV4", "UpsertAccessFlowV1", "AccessTargetUpsertV2", "AccessBundleAccessTargetUpsertV2"}

// argsOf returns the path arguments with which an operation is called: the ids of an
// object with all members, and of one with required members only.
func argsOf(name string, params int) [][]string {
	switch args := calls[name].args; {
	case args != nil:
		return args
	case params == 0:
		return [][]string{nil}
	case calls[name].bodies != nil:
		return [][]string{slices.Repeat([]string{"full"}, params)}
	}
	return [][]string{slices.Repeat([]string{"full"}, params), slices.Repeat([]string{"bare"}, params)}
}
