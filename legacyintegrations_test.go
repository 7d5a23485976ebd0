package apono_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// legacyTime is 1696263265.851898001 in the fixtures. A float would lose its last digits.
func legacyTime() time.Time { return time.Date(2023, 10, 2, 16, 14, 25, 851898001, time.UTC) }

func legacyAWS() map[string]apono.Secret {
	return secrets("type", "AWS", "region", "eu-west-1", "secret_id", "orders/apono")
}

// legacyOrders returns the object in legacy/integration.json.
func legacyOrders() *apono.IntegrationV2 {
	return &apono.IntegrationV2{
		ID: "i1", Name: "Orders database", Type: "postgresql", Status: apono.IntegrationStatusV2Active,
		Details: new("4 resources loaded"), ProvisionerID: new("connector-1"),
		Connection:   map[string]any{"attempts": json.Number("3"), "hosts": []any{"a", map[string]any{"b": nil}}},
		LastSyncTime: new(legacyTime()),
		Metadata: map[string]any{
			"hostname": "orders.example.com", "port": json.Number("5432"), "weight": json.Number("12345678901234567890"),
			"ssl": map[string]any{"hosts": []any{"a", map[string]any{"b": "c"}}},
		},
		SecretConfig:           legacyAWS(),
		ConnectedResourceTypes: []string{"postgresql-database", "postgresql-table"},
		CustomAccessDetails:    new("Ask in #orders <first>."),
	}
}

// legacyDirectory returns the object in legacy/integration_minimal.json. Its status is
// not one of the constants.
func legacyDirectory() *apono.IntegrationV2 {
	return &apono.IntegrationV2{
		ID: "i2", Name: "Directory", Type: "google-idp", Status: "Paused", Metadata: map[string]any{}, ConnectedResourceTypes: []string{},
	}
}

func TestListLegacyIntegrations(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"data": [` + apitest.Fixture(t, "legacy/integration.json") + `,` + apitest.Fixture(t, "legacy/integration_minimal.json") + `],
		"pagination": {"total": 9, "limit": 2, "offset": 4}
	}`})
	page, err := apitest.NewClient(t, fake).Legacy.Integrations.List(t.Context(), apono.ListIntegrationsV2Options{Limit: 2, Skip: 4})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.IntegrationV2]{
		Items: []*apono.IntegrationV2{legacyOrders(), legacyDirectory()}, Total: 9, Limit: 2, Offset: 4,
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v2/integrations", "limit=2&skip=4", "")
}

func TestGetLegacyIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "legacy/integration.json")}, script.Response{Body: apitest.Fixture(t, "legacy/integration_minimal.json")},
	)
	client := apitest.NewClient(t, fake)
	for i, want := range []*apono.IntegrationV2{legacyOrders(), legacyDirectory()} {
		got, err := client.Legacy.Integrations.Get(t.Context(), "i/1 a")
		require.NoError(t, err)
		require.Equal(t, want, got)
		apitest.Sent(t, fake.Requests()[i], "GET", "/api/v2/integrations/i%2F1%20a", "", "")
	}
}

func TestCreateAndUpdateLegacyIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "legacy/integration.json")}, script.Response{Body: apitest.Fixture(t, "legacy/integration_minimal.json")},
	)
	client := apitest.NewClient(t, fake).Legacy.Integrations
	update := apono.UpdateIntegrationV2Input{
		Name: "Orders database", ProvisionerID: new("connector-1"),
		Metadata: map[string]any{
			"hostname": "orders.example.com", "port": 5432, "ssl": map[string]any{"hosts": []any{"a", map[string]string{"b": "c"}}},
		},
		SecretConfig:           legacyAWS(),
		ConnectedResourceTypes: []string{"postgresql-database", "postgresql-table"},
		CustomAccessDetails:    new("Ask in #orders <first>."),
	}
	got, err := client.Create(t.Context(), apono.CreateIntegrationV2Input{
		Name: update.Name, Type: "postgresql", ProvisionerID: update.ProvisionerID, Metadata: update.Metadata, SecretConfig: update.SecretConfig,
		ConnectedResourceTypes: update.ConnectedResourceTypes, CustomAccessDetails: update.CustomAccessDetails,
	})
	require.NoError(t, err)
	require.Equal(t, legacyOrders(), got)
	body := apitest.Fixture(t, "legacy/integration_update.json")
	apitest.Sent(t, fake.Requests()[0], "POST", "/api/v2/integrations", "", strings.Replace(body, "{", `{"type": "postgresql",`, 1))
	got, err = client.Update(t.Context(), "i1", update)
	require.NoError(t, err)
	require.Equal(t, legacyDirectory(), got)
	apitest.Sent(t, fake.Requests()[1], "PUT", "/api/v2/integrations/i1", "", body)
}

// The API rejects null for required maps. Empty members must be sent, because they clear
// values.
func TestLegacyIntegrationInputsAreSentWithoutNulls(t *testing.T) {
	t.Parallel()
	const empty = `"metadata": {}, "provisioner_id": "", "secret_config": {}, "connected_resource_types": [], "custom_access_details": ""}`
	for _, c := range []struct {
		create     apono.CreateIntegrationV2Input
		createBody string
		update     apono.UpdateIntegrationV2Input
		updateBody string
	}{
		{createBody: `{"name": "", "type": "", "metadata": {}}`, updateBody: `{"name": "", "metadata": {}}`},
		{
			apono.CreateIntegrationV2Input{
				ProvisionerID: new(""), SecretConfig: map[string]apono.Secret{}, ConnectedResourceTypes: []string{}, CustomAccessDetails: new(""),
			},
			`{"name": "", "type": "", ` + empty,
			apono.UpdateIntegrationV2Input{
				ProvisionerID: new(""), SecretConfig: map[string]apono.Secret{}, ConnectedResourceTypes: []string{}, CustomAccessDetails: new(""),
			},
			`{"name": "", ` + empty,
		},
	} {
		fake := script.New(t, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject})
		client := apitest.NewClient(t, fake).Legacy.Integrations
		_, err := client.Create(t.Context(), c.create)
		require.NoError(t, err)
		_, err = client.Update(t.Context(), "i1", c.update)
		require.NoError(t, err)
		apitest.JSONEq(t, c.createBody, fake.Requests()[0].Body)
		apitest.JSONEq(t, c.updateBody, fake.Requests()[1].Body)
	}
}

func legacyCredentials(t *testing.T) (config map[string]apono.Secret) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(`{"type": "APONO", "login": {"password":"hunter2-<&>"}, "pin": "hunter2"}`), &config))
	return config
}

// Requests must contain the credentials, not their masks.
func TestRequestsContainLegacyCredentials(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject})
	client := apitest.NewClient(t, fake)
	_, err := client.Legacy.Integrations.Create(t.Context(), apono.CreateIntegrationV2Input{SecretConfig: legacyCredentials(t)})
	require.NoError(t, err)
	_, err = client.Legacy.Integrations.Update(t.Context(), "i1", apono.UpdateIntegrationV2Input{SecretConfig: legacyCredentials(t)})
	require.NoError(t, err)
	require.NoError(t, client.Do(t.Context(), "PUT", "/api/v9/stores/s1", nil, map[string]any{"secret_config": legacyCredentials(t)}, nil))
	const config = `"secret_config":{"login":{"password":"hunter2-<&>"},"pin":"hunter2","type":"APONO"}}`
	require.Equal(t, `{"name":"","type":"","metadata":{},`+config, fake.Requests()[0].Body)
	require.Equal(t, `{"name":"","metadata":{},`+config, fake.Requests()[1].Body)
	require.Equal(t, `{`+config, fake.Requests()[2].Body)
}

// Programs may send a whole integration with Client.Do.
func TestRequestsContainCredentialsOfLegacyIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.AnyObject})
	in := apono.IntegrationV2{SecretConfig: legacyCredentials(t)}
	require.NoError(t, apitest.NewClient(t, fake).Do(t.Context(), "PUT", "/api/v2/integrations/i1", nil, in, nil))
	require.NotContains(t, fake.Requests()[0].Body, "[redacted]")
}

// An integration that was marshaled has masks in place of credentials. They must not be
// sent.
func TestMaskedLegacyCredentialsAreArgumentError(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(legacyCredentials(t))
	require.NoError(t, err)
	var config map[string]apono.Secret
	require.NoError(t, json.Unmarshal(data, &config))
	client := apitest.NewClient(t, apitest.NoRequest(t)).Legacy.Integrations
	_, createErr := client.Create(t.Context(), apono.CreateIntegrationV2Input{SecretConfig: config})
	_, updateErr := client.Update(t.Context(), "i1", apono.UpdateIntegrationV2Input{SecretConfig: config})
	for _, err := range []error{createErr, updateErr} {
		require.Regexp(t, `^in\.SecretConfig\["(type|login|pin)"\]$`, apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
	}
}
