package aponotest_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/apono-go/apono/aponotest"
)

func TestIntegrationsV2ShareObjectsWithIntegrations(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	const config = `{"port": 12345678901234567890, "connector_id": "c", "integration_id": "` + legacyFirstID + `", "none": null}`
	const v2 = `{"id": "` + legacyFirstID + `", "name": "Orders", "type": "postgresql", "status": "Active", "provisioner_id": "con-1",
		"metadata": ` + config + `, "secret_config": {"type": "AWS", "region": "eu", "secret_id": "s"},
		"connected_resource_types": ["b", "a", "b"], "custom_access_details": ""}`
	const v4 = `{"id": "` + legacyFirstID + `", "name": "Orders", "type": "postgresql", "status": "ACTIVE", "category": "RESOURCES",
		"connector_id": "con-1", "integration_config": ` + config + `, "secret_store_config": {"aws": {"region": "eu", "secret_id": "s"}},
		"connected_resource_types": ["b", "a", "b"], "custom_access_details": ""}`
	checkResponse(t, server, "POST", legacyIntegrationsPath, `{"name": "Orders", "type": "postgresql", "provisioner_id": "con-1",
		"metadata": `+config+`, "secret_config": {"type": "AWS", "region": "eu", "secret_id": "s"},
		"connected_resource_types": ["b", "a", "b"], "custom_access_details": ""}`, 200, v2)
	checkResponse(t, server, "GET", integrationsPath+"/"+legacyFirstID, "", 200, v4)

	server.Put(aponotest.Integrations, json.RawMessage(`{"id": "small", "name": "Small", "type": "okta", "integration_config": {}}`))
	const small = `{"id": "small", "name": "Small", "type": "okta", "status": "Active", "metadata": {}, "connected_resource_types": []}`
	checkResponse(t, server, "GET", legacyIntegrationsPath+"/small", "", 200, small)
	checkResponse(t, server, "GET", legacyIntegrationsPath, "", 200, legacyPage(2, v2+","+small))

	missing := `{"message": "integration \"small\" not found"}`
	checkResponse(t, server, "DELETE", legacyIntegrationsPath+"/small", "", 200, `{"message": "The integration was deleted"}`)
	checkResponse(t, server, "GET", integrationsPath+"/small", "", 404, missing)
	checkResponse(t, server, "GET", legacyIntegrationsPath+"/small", "", 404, missing)
	checkResponse(t, server, "PUT", legacyIntegrationsPath+"/small", `{"name": "x", "metadata": {}}`, 404, missing)
	checkResponse(t, server, "DELETE", legacyIntegrationsPath+"/small", "", 404, missing)
	checkResponse(t, server, "DELETE", integrationsPath+"/"+legacyFirstID, "", 204, "")
	checkResponse(t, server, "GET", legacyIntegrationsPath, "", 200, legacyPage(0, ""))
}

func TestUpdateIntegrationV2KeepsOtherFields(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	const hidden = `"category": "SPECIAL", "status": "ERROR", "last_sync_time": "2026-01-02T03:04:05.006Z",
		"owner": {"attribute_type": "user", "attribute_value": ["u"], "source_integration_id": "i1", "source_integration_name": "`
	server.Put(aponotest.Integrations, json.RawMessage(`{"id": "i1", "name": "old", "type": "okta", "connector_id": "c", "integration_config": {"a": "1"},
		"secret_store_config": {"gcp": {"project": "p", "secret_id": "s"}}, "connected_resource_types": ["x"], "custom_access_details": "note",
		`+hidden+`old"}, "owners_mapping": {"key_name": "Owner", "attribute_type": "group"}}`))
	checkResponse(t, server, "PUT", legacyIntegrationsPath+"/i1", `{"name": "new", "metadata": {"b": "2"}}`, 200,
		`{"id": "i1", "name": "new", "type": "okta", "status": "Error", "last_sync_time": 1767323045.006000000, "metadata": {"b": "2"}, "connected_resource_types": []}`)
	checkResponse(t, server, "GET", integrationsPath+"/i1", "", 200,
		`{"id": "i1", "name": "new", "type": "okta", "integration_config": {"b": "2"}, `+hidden+`new"},
		"owners_mapping": {"key_name": "Owner", "attribute_type": "group"}}`)
}

func TestIntegrationV2StatusesAndTimes(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	for _, test := range []struct{ status, time, wantStatus, wantTime string }{
		{"ACTIVE", "2026-01-02T03:04:05Z", "Active", "1767323045.000000000"},
		{"INITIALIZING", "2026-01-02T03:04:05.000000001Z", "Initializing", "1767323045.000000001"},
		{"REFRESHING", "2026-01-02T05:04:05.12+02:00", "Refreshing", "1767323045.120000000"},
		{"ERROR", "1970-01-01T00:00:00Z", "Error", "0.000000000"},
		{"WARNING", "2026-01-02T03:04:05Z", "Warning", "1767323045.000000000"},
		{"DISABLED", "2026-01-02T03:04:05Z", "Disabled", "1767323045.000000000"},
	} {
		server.Put(aponotest.Integrations, json.RawMessage(fmt.Sprintf(
			`{"id": %q, "name": %[1]q, "type": "mysql", "integration_config": {}, "status": %[1]q, "last_sync_time": %q}`, test.status, test.time)))
		checkResponse(t, server, "GET", legacyIntegrationsPath+"/"+test.status, "", 200, fmt.Sprintf(
			`{"id": %q, "name": %[1]q, "type": "mysql", "metadata": {}, "connected_resource_types": [], "status": %q, "last_sync_time": %s}`,
			test.status, test.wantStatus, test.wantTime))
	}
}

func TestIntegrationV2SecretStores(t *testing.T) {
	t.Parallel()
	for kind, test := range map[string]struct{ store, members string }{
		"AWS":             {"aws", `"region": "r", "secret_id": "s"`},
		"GCP":             {"gcp", `"project": "p", "secret_id": "s"`},
		"AZURE":           {"azure", `"vault_url": "v", "name": "n"`},
		"KUBERNETES":      {"kubernetes", `"namespace": "ns", "name": "n"`},
		"HASHICORP_VAULT": {"hashicorp_vault", `"secret_engine": "e", "path": "p"`},
		"APONO":           {"apono", `"parameters": {"user": "u"}`},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			server := aponotest.NewServer(t, aponotest.WithLooseChecks())
			secret := fmt.Sprintf(`"secret_config": {"type": %q, %s}`, kind, test.members)
			checkResponse(t, server, "POST", legacyIntegrationsPath, `{"name": "n", "type": "mysql", "metadata": {}, `+secret+`}`, 200,
				`{"id": "`+legacyFirstID+`", "name": "n", "type": "mysql", "status": "Active", "metadata": {}, "connected_resource_types": [], `+secret+`}`)
			checkResponse(t, server, "GET", integrationsPath+"/"+legacyFirstID, "", 200, `{"id": "`+legacyFirstID+`", "name": "n", "type": "mysql",
				"category": "RESOURCES", "status": "ACTIVE", "integration_config": {}, "secret_store_config": {"`+test.store+`": {`+test.members+`}}}`)
		})
	}
}
