package contract

import (
	"encoding/json"

	"github.com/apono-go/apono/aponotest"
)

// fill adds two objects of each kind to a server: one with all members in the document
// and one with the required members only. Their ids are "full" and "bare".
func fill(server *aponotest.Server) {
	for _, put := range seed {
		for _, object := range put.objects {
			server.Put(put.collection, json.RawMessage(object))
		}
	}
}

var seed = []struct {
	collection aponotest.Collection
	objects    []string
}{
	{aponotest.Connectors, []string{
		`{"id":"full","name":"Full","status":"CONNECTED","version":"1.7.4","last_connected":"2026-03-02T08:00:00.123456789Z",
			"is_latest_version":true,"cloud_provider_type":"AWS","sessions":[{"id":"s","last_connected_time":"2026-03-02T08:00:00Z",
			"metadata":{"connector_version":"1.7.4","cloud_provider_metadata":{"kubernetes_type":"EKS","kubernetes_version":"1.31",
			"is_kubernetes_admin":true,"local_deploy":false,"aws_account_id":"1","region":"r","availability_zone":"z","project_id":"p",
			"organization_id":"o","zone":"z","subscription_id":"s","resource_group":"g","is_azure_admin":false}}},
			{"id":"t","last_connected_time":"2026-03-02T08:00:00Z","metadata":{}}]}`,
		`{"id":"bare","name":"Bare","status":"DISCONNECTED","version":"1","is_latest_version":false,"cloud_provider_type":"GCP","sessions":[]}`,
	}},
	{aponotest.Integrations, []string{
		`{"id":"full","name":"Full","type":"postgresql","category":"RESOURCES","status":"ACTIVE","connector_id":"full",
			"last_sync_time":"2026-03-02T08:00:00.123Z","integration_config":{"hostname":"db.example.com","port":5432,"replicas":["a"]},
			"secret_store_config":{"aws":{"region":"eu-central-1","secret_id":"orders"}},"connected_resource_types":["postgresql-table"],
			"custom_access_details":"Use the VPN","owner":{"attribute_type":"group","attribute_value":["full"],
			"source_integration_id":"full","source_integration_name":"Full"},"owners_mapping":{"key_name":"team","attribute_type":"group",
			"source_integration_id":"full","source_integration_name":"Full"}}`,
		`{"id":"bare","name":"Bare","type":"mysql","category":"RESOURCES","status":"ERROR","integration_config":{}}`,
	}},
	{aponotest.ResourcesOf("full"), []string{
		`{"id":"full-table","name":"orders","type":"postgresql-table","status":{"status":"Error","message":"No route"}}`,
		`{"id":"full-database","name":"shop","type":"postgresql-database","status":{"status":"Active"}}`,
	}},
	{aponotest.ResourcesOf("bare"), []string{`{"id":"bare-table","name":"orders","type":"mysql-table","status":{"status":"Deleted"}}`}},
	{aponotest.PermissionsOf("full"), []string{
		`{"id":"full-read","name":"read","resource_type":"postgresql-table"}`,
		`{"id":"full-connect","name":"connect","resource_type":"postgresql-database"}`,
	}},
	{aponotest.PermissionsOf("bare"), []string{`{"id":"bare-read","name":"read","resource_type":"mysql-table"}`}},
	{aponotest.Users, []string{
		`{"id":"full","email":"ada@example.com","email_aliases":["a@example.com"],"first_name":"Ada","last_name":"L","active":true,
			"roles":["Admin"],"source_integration_id":"full","source_integration_name":"Full","attributes":{"team":"orders"}}`,
		`{"id":"bare","email":"ben@example.com","email_aliases":[],"first_name":"Ben","last_name":"M","active":false,"roles":[]}`,
		`{"id":"third","email":"cy@example.com","email_aliases":[],"first_name":"Cy","last_name":"N","active":true,"roles":[],"attributes":{"team":"shop"}}`,
	}},
	{aponotest.Groups, []string{
		`{"id":"full","name":"Full","source_id":"g","source_integration_id":"full","source_integration_name":"Full"}`,
		`{"id":"bare","name":"Bare"}`,
	}},
	{aponotest.MembersOf("full"), []string{`{"email":"ada@example.com"}`, `{"email":"ben@example.com"}`}},
	{aponotest.MembersOf("bare"), []string{`{"email":"ada@example.com"}`, `{"email":"ben@example.com"}`}},
	{aponotest.Attributes, []string{
		`{"type":"team","value":"orders","source_id":"t","source_integration_id":"full","source_integration_name":"Full"}`,
		`{"type":"team","value":"shop"}`,
	}},
	{aponotest.SpaceScopes, []string{spaceScope, `{"id":"bare","name":"Bare","query":"q","created_date":"2026-03-02T08:00:00Z","updated_date":"2026-03-02T08:00:00Z"}`}},
	{aponotest.Spaces, []string{
		`{"id":"full","name":"Full","space_scopes":[` + spaceScope + `],"created_date":"2026-03-02T08:00:00Z","updated_date":"2026-03-02T08:00:00.5Z"}`,
		`{"id":"bare","name":"Bare space / of all","space_scopes":[],"created_date":"2026-03-02T08:00:00Z","updated_date":"2026-03-02T08:00:00Z"}`,
	}},
	{aponotest.SpaceMembersOf("full"), []string{spaceMember, spaceGroup}},
	{aponotest.SpaceMembersOf("bare"), []string{spaceGroup, spaceMember}},
	{aponotest.Bundles, []string{
		`{"id":"full","name":"Full","description":"All","space":{"space_id":"full","space_name":"Full"},"creation_date":"2026-03-02T08:00:00Z","update_date":"2026-03-02T08:00:00Z","access_targets":[
			{"integration":` + integrationTarget + `},{"access_scope":{"access_scope_id":"full","access_scope_name":"Full"}},` + queryTarget + `]}`,
		`{"id":"bare","name":"Bare","creation_date":"2026-03-02T08:00:00Z","update_date":"2026-03-02T08:00:00Z","access_targets":[]}`,
	}},
	{aponotest.Scopes, []string{
		`{"id":"full","name":"Full","description":"All","query":"q","space":{"space_id":"full","space_name":"Full"},"creation_date":"2026-03-02T08:00:00Z","update_date":"2026-03-02T08:00:00Z"}`,
		`{"id":"bare","name":"Bare","query":"q","creation_date":"2026-03-02T08:00:00Z","update_date":"2026-03-02T08:00:00Z"}`,
	}},
	{aponotest.AccessFlows, []string{
		`{"id":"full","name":"Full","description":"All","active":true,"trigger":"SELF_SERVE","requestor_identity_type":"AGENT",
			"space":{"space_id":"full","space_name":"Full"},"creation_date":"2026-03-02T08:00:00.123456Z",
			"update_date":"2026-03-02T08:00:00Z","requestors":{"logical_operator":"OR","conditions":[` + readCondition + `]},
			"request_for":{"request_scopes":["others"],"grantees":{"logical_operator":"OR","conditions":[` + readCondition + `]}},
			"access_targets":[{"integration":` + integrationTarget + `},{"bundle":{"bundle_id":"full","bundle_name":"Full"}},
			{"access_scope":{"access_scope_id":"full","access_scope_name":"Full"}},` + queryTarget + `],
			"approver_policy":{"approval_mode":"ALL_OF","approver_groups":[{"logical_operator":"AND","approvers":[` + readCondition + `]}]},
			"escalation_policy":{"interval_in_min":5,"approver_groups":[{"logical_operator":"OR","approvers":[` + readCondition + `]}]},
			"grant_duration_in_min":60,
			"timeframe":{"start_time":"08:00","end_time":"17:00","days_of_week":["MONDAY","SUNDAY"],"time_zone":"Europe/Berlin"},
			"settings":{"justification_required":true,"require_approver_reason":true,"requestor_cannot_approve_himself":true,
			"require_mfa":true,"labels":["orders"],"max_extensions":2,"extension_duration_in_min":30}}`,
		`{"id":"bare","name":"Bare","active":false,"trigger":"AUTOMATIC","creation_date":"2026-03-02T08:00:00Z",
			"requestors":{"logical_operator":"OR","conditions":[]},"access_targets":[],"settings":{"justification_required":false,
			"require_approver_reason":false,"requestor_cannot_approve_himself":false,"require_mfa":false,"labels":[]}}`,
	}},
	{aponotest.Reports, []string{
		`{"id":"full","name":"Full","fields":["status"],"format":"CSV","creation_date":"2026-03-02T08:00:00Z","update_date":"2026-03-02T08:00:00Z",
			"filters":{"requestor_source_ids":["a"],"grantee_source_ids":["a"],"grantee_identity_types":["USER"],"integration_ids":["full"],
			"permission_names":["read"],"resource_ids":["full-table"],"resource_types":["postgresql-table"],"statuses":["ACTIVE"],
			"trigger_types":["SELF_SERVE"],"access_flow_ids":["full"]},
			"timeframe":{"absolute":{"start_date":"2026-03-02T08:00:00Z","end_date":"2026-03-03T08:00:00Z"}},
			"schedule":{"cron_expression":"0 8 * * *","recipients":["ada@example.com"]}}`,
		`{"id":"bare","name":"Bare","filters":{},"timeframe":{"relative":{"last":7,"unit":"DAYS","rounded":false}},
			"creation_date":"2026-03-02T08:00:00Z","update_date":"2026-03-02T08:00:00Z"}`,
	}},
	{aponotest.AccessRequests, []string{
		`{"id":"full","status":"ACTIVE","duration_in_sec":3600,"justification":"On call","creation_date":"2026-03-02T08:00:00Z",
			"revocation_date":"2026-03-02T09:00:00Z","custom_fields":{"ticket":"T-1"},"access_groups":[{"integration":{"id":"full","name":"Full"},
			"resource_types":[{"id":"postgresql-table","label":"Table"}]}],"requestor":{"id":"full","source_id":"ada@example.com"},
			"grantee":{"id":"bare","source_id":"ben@example.com"},"bundle":{"id":"full","name":"Full"}}`,
		`{"id":"delegated","status":"PENDING","creation_date":"2026-03-02T08:00:00Z","custom_fields":{},"access_groups":[],
			"grantee":{"id":"bare","source_id":"ben@example.com"}}`,
		`{"id":"bare","status":"PENDING","creation_date":"2026-03-02T08:00:00Z","custom_fields":{},"access_groups":[]}`,
		`{"id":"third","status":"GRANTING","creation_date":"2026-03-02T08:00:00Z","custom_fields":{},"access_groups":[]}`,
	}},
	{aponotest.EntitlementsOf("full"), []string{entitlement, entitlement}},
	{aponotest.EntitlementsOf("bare"), []string{entitlement, entitlement}},
	{aponotest.Sessions, []string{
		`{"id":"full","name":"Full","request_ids":["full"],"integration":{"id":"full","name":"Full"},"credentials_status":"AVAILABLE","can_reset_credentials":true}`,
		`{"id":"bare","name":"Bare","request_ids":["bare"],"integration":{"id":"bare","name":"Bare"},"credentials_status":"VIEWED","can_reset_credentials":true}`,
	}},
	{aponotest.DetailsOf("full"), []string{
		`{"instructions":"psql","custom_admin_message":"Take care","parameters":{"password":"of ada"},"cli":"psql -h db",
			"link":{"url":"https://db.example.com","title":"Console"}}`,
	}},
	{aponotest.DetailsOf("bare"), []string{`{"instructions":"psql","link":{"url":"https://db.example.com"}}`}},
	{aponotest.Activity, []string{
		`{"request_id":"full","request_date":"2026-03-02","requestor_name":"Ada","requestor_email":"ada@example.com","integration":"Full",
			"resource_type":"postgresql-table","resources":["orders"],"permissions":["read"],"justification":"On call","status":"ACTIVE",
			"trigger_type":"SELF_SERVE","access_flow":"Full","extension_count":"0"}`,
		`{}`,
	}},
}

const (
	spaceScope  = `{"id":"full","name":"Full","query":"q","created_date":"2026-03-02T08:00:00.123Z","updated_date":"2026-03-02T08:00:00Z"}`
	spaceMember = `{"identity_id":"full","identity_type":"user","space_roles":["SpaceOwner"],"name":"Ada L","email":"ada@example.com"}`
	spaceGroup  = `{"identity_id":"bare","identity_type":"group","space_roles":[],"name":"Bare"}`

	readCondition = `{"type":"group","match_operator":"is","values":["full"],"source_integration_id":"full","source_integration_name":"Full"},
		{"type":"user"}`
	integrationTarget = `{"integration_id":"full","integration_name":"Full","resource_type":"postgresql-table","permissions":["read"],
		"resources_scopes":[{"scope_mode":"include_resources","type":"TAG","key":"team","values":["orders"]},
		{"scope_mode":"exclude_resources","type":"NAME","values":["audit"]}]}`
	entitlement = `{"integration":{"id":"full","name":"Full"},"resource":{"id":"full-table","source_id":"orders","name":"orders",
		"type":{"id":"postgresql-table","label":"Table"}},"permission":{"name":"read"},"status":"ACTIVE"}`
)
