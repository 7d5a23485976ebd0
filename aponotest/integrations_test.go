package aponotest_test

import (
	"encoding/json"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

func TestIntegrationsAreReturnedAsWritten(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	checkResponse(t, server, "POST", integrationsPath,
		`{"name": " Two  words ", "type": "mock-duck", "integration_config": {}, "connector_id": null}`, 200,
		`{"id": "00000001-0000-4000-8000-000000000001", "name": " Two  words ", "type": "mock-duck", "category": "RESOURCES",
			"status": "ACTIVE", "integration_config": {}}`)

	const all = `"name": "all", "connector_id": "",
		"integration_config": {"port": "5432", "json": "{\"a\": [1, 2]}", "big": 12345678901234567890, "off": false, "none": null, "list": []},
		"secret_store_config": {"hashicorp_vault": {"secret_engine": "kv", "path": " /a b "}},
		"connected_resource_types": ["b", "a", "b"], "custom_access_details": "",`
	server.Put(aponotest.Integrations, json.RawMessage(`{"id": "idp", "name": "People", "type": "okta", "integration_config": {}}`))
	checkResponse(t, server, "POST", integrationsPath, `{`+all+` "type": "postgresql",
		"owner": {"attribute_type": "group", "attribute_value": ["z", "a"], "source_integration_reference": "People"},
		"owners_mapping": {"key_name": "Owner", "attribute_type": "user", "source_integration_reference": "idp"}}`, 200,
		`{`+all+` "id": "00000002-0000-4000-8000-000000000002", "type": "postgresql", "category": "RESOURCES", "status": "ACTIVE",
		"owner": {"attribute_type": "group", "attribute_value": ["z", "a"], "source_integration_id": "idp", "source_integration_name": "People"},
		"owners_mapping": {"key_name": "Owner", "attribute_type": "user", "source_integration_id": "idp", "source_integration_name": "People"}}`)
}

func TestUpdateIntegrationKeepsServerFields(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Integrations, json.RawMessage(`{"id": "i1", "name": "old", "type": "okta", "status": "ERROR",
		"last_sync_time": "2026-01-02T03:04:05.006Z", "integration_config": {"a": "1"}, "custom_access_details": "note",
		"connected_resource_types": ["x"], "owner": {"attribute_type": "user", "attribute_value": []}}`))
	const want = `{"id": "i1", "name": "new", "type": "okta", "category": "USER-INFORMATION", "status": "ERROR",
		"last_sync_time": "2026-01-02T03:04:05.006Z", "integration_config": {"b": "2"}, "connected_resource_types": []}`
	checkResponse(t, server, "PUT", integrationsPath+"/i1",
		`{"name": "new", "integration_config": {"b": "2"}, "connected_resource_types": []}`, 200, want)
	checkResponse(t, server, "GET", integrationsPath+"/i1", "", 200, want)
}

func TestReferencesHaveCurrentNames(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	server.Put(aponotest.Integrations,
		json.RawMessage(`{"id": "idp", "name": "before", "type": "okta", "integration_config": {}}`),
		json.RawMessage(`{"id": "i1", "name": "one", "type": "mysql", "integration_config": {},
			"owner": {"attribute_type": "user", "attribute_value": ["u"], "source_integration_id": "idp", "source_integration_name": "before"}}`))
	checkResponse(t, server, "PUT", integrationsPath+"/idp", `{"name": "after", "integration_config": {}}`, 200,
		`{"id": "idp", "name": "after", "type": "okta", "category": "USER-INFORMATION", "status": "ACTIVE", "integration_config": {}}`)
	checkResponse(t, server, "GET", integrationsPath+"/i1", "", 200,
		`{"id": "i1", "name": "one", "type": "mysql", "category": "RESOURCES", "status": "ACTIVE", "integration_config": {},
		"owner": {"attribute_type": "user", "attribute_value": ["u"], "source_integration_id": "idp", "source_integration_name": "after"}}`)
}

func TestDeleteIntegrationRemovesResources(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Integrations, json.RawMessage(`{"id": "i/1", "name": "one", "type": "mysql", "integration_config": {}}`))
	server.Put(aponotest.ResourcesOf("i/1"), json.RawMessage(`{"id": "r1", "name": "db", "type": "mysql-database", "status": {"status": "Active"}}`))
	const path = integrationsPath + "/i%2F1"
	checkResponse(t, server, "DELETE", path, "", 204, "")
	missing := `{"message": "integration \"i/1\" not found"}`
	checkResponse(t, server, "GET", path, "", 404, missing)
	checkResponse(t, server, "DELETE", path, "", 404, missing)
	checkResponse(t, server, "GET", "/api/v3/integrations/i%2F1/resources", "", 404, missing)
	checkResponse(t, server, "GET", "/api/v3/integrations/resources/r1/user-tags", "", 404, `{"message": "resource \"r1\" not found"}`)
}

func TestRefreshSetsLastSyncTime(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Integrations, apono.Integration{ID: "i1", Name: "one", Type: "mysql"})
	checkResponse(t, server, "POST", "/api/v2/integrations/i1/refresh", "", 200, `{"message": "The integration is being refreshed"}`)
	var integration apono.Integration
	require.True(t, server.Get(aponotest.Integrations, "i1", &integration), "no integration i1")
	require.NotNil(t, integration.LastSyncTime, "no last sync time")
	require.False(t, integration.LastSyncTime.IsZero(), "no last sync time")
	checkResponse(t, server, "POST", "/api/v2/integrations/i2/refresh", "", 404, `{"message": "integration \"i2\" not found"}`)
}

func TestResourcesPermissionsAndTags(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Integrations, apono.Integration{ID: "i1", Name: "one", Type: "mysql"})
	server.Put(aponotest.ResourcesOf("i1"),
		apono.Resource{ID: "r1", Name: "orders", Type: "mysql-database", Status: apono.ResourceSyncStatus{Status: apono.ResourceStatusActive}},
		json.RawMessage(`{"id": "r2", "name": "log", "type": "mysql-table", "status": {"status": "Error", "message": "locked"}}`))
	server.Put(aponotest.PermissionsOf("i1"),
		json.RawMessage(`{"id": "p1", "name": "READ_ONLY", "resource_type": "mysql-database"}`),
		json.RawMessage(`{"id": "p2", "name": "ADMIN", "resource_type": "mysql-table"}`))

	checkResponse(t, server, "GET", "/api/v3/integrations/i1/resources?resource-type=mysql-table", "", 200,
		`{"data": [{"id": "r2", "name": "log", "type": "mysql-table", "status": {"status": "Error", "message": "locked"}}],
		"pagination": {"total": 1, "limit": 1, "offset": 0}}`)
	checkResponse(t, server, "GET", "/api/v3/integrations/i1/permissions?resource-type=mysql-database", "", 200,
		`{"data": [{"id": "p1", "name": "READ_ONLY", "resource_type": "mysql-database"}], "pagination": {"total": 1, "limit": 1, "offset": 0}}`)

	const tags = "/api/v3/integrations/resources/r1/user-tags"
	checkResponse(t, server, "GET", tags, "", 200, `{"resource_id": "r1", "tags": {}}`)
	checkResponse(t, server, "PUT", tags, `{"tags": {"owner": "ada", "tier": ""}}`, 200, `{"message": "The tags were updated"}`)
	checkResponse(t, server, "GET", tags, "", 200, `{"resource_id": "r1", "tags": {"owner": "ada", "tier": ""}}`)
	checkResponse(t, server, "PUT", tags, `{"tags": {}}`, 200, `{"message": "The tags were updated"}`)
	checkResponse(t, server, "GET", tags, "", 200, `{"resource_id": "r1", "tags": {}}`)
}

func TestCatalog(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	checkResponse(t, server, "GET", "/api/v2/integrations-catalog/mysql", "", 200, `{
		"type": "mysql", "name": "MySQL", "description": "Connects MySQL to Apono", "requires_secret": true,
		"supported_secret_types": ["AWS", "GCP", "AZURE", "KUBERNETES", "HASHICORP_VAULT"],
		"params": [
			{"id": "hostname", "label": "hostname", "values": [], "default": "", "optional": false},
			{"id": "port", "label": "port", "values": [], "default": "", "optional": true}]}`)
	checkResponse(t, server, "GET", "/api/v2/integrations-catalog/none", "", 404, `{"message": "integration type \"none\" not found"}`)
	server.Put(aponotest.Catalog, json.RawMessage(`{"type": "mine", "name": "Mine", "description": "", "params": [],
		"requires_secret": false, "supported_secret_types": []}`))
	entry, err := server.Client().Integrations.GetCatalogEntry(t.Context(), "mine")
	require.NoError(t, err)
	require.Equal(t, "Mine", entry.Name)
}
