package apono_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// connectorEU returns the object in connectors/connector.json.
func connectorEU() *apono.Connector {
	return &apono.Connector{
		ID: "production-eu", Name: "Production EU", Status: apono.ConnectorStatusConnected, Version: "1.7.4",
		LastConnected:   new(time.Date(2026, 3, 5, 7, 8, 9, 123000000, time.UTC)),
		IsLatestVersion: true, CloudProviderType: "AWS",
		Sessions: []apono.ConnectorSession{
			{
				ID: "session-1",
				Metadata: apono.ConnectorSessionMetadata{
					CloudProviderMetadata: &apono.CloudProviderMetadata{
						KubernetesType: new("EKS"), KubernetesVersion: new("1.34"),
						IsKubernetesAdmin: new(false), LocalDeploy: new(false),
						AWSAccountID: new("000123456789"), Region: new("eu-central-1"), AvailabilityZone: new("eu-central-1a"),
						ProjectID: new("project-1"), OrganizationID: new("organization-1"), Zone: new("europe-west3-a"),
						SubscriptionID: new("subscription-1"), ResourceGroup: new("group-1"), IsAzureAdmin: new(true),
					},
					ConnectorVersion: new("1.7.3"),
				},
				LastConnectedTime: time.Date(2026, 3, 5, 7, 8, 8, 0, time.UTC),
			},
			{ID: "session-2", LastConnectedTime: time.Date(2026, 3, 4, 23, 59, 59, 999999999, time.UTC)},
		},
	}
}

// connectorSpare returns the object in connectors/connector_minimal.json. Its status is
// not one of the constants.
func connectorSpare() *apono.Connector {
	return &apono.Connector{ID: "spare", Name: "Spare", Status: "UPGRADING", Sessions: []apono.ConnectorSession{}}
}

func TestListConnectors(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"items": [` + apitest.Fixture(t, "connectors/connector.json") + `,` + apitest.Fixture(t, "connectors/connector_minimal.json") + `],
		"pagination": {"next_page_token": "t2"}
	}`})
	page, err := apitest.NewClient(t, fake).Connectors.List(t.Context(), apono.ListConnectorsOptions{
		Limit: 2, Status: []apono.ConnectorStatus{apono.ConnectorStatusConnected, apono.ConnectorStatusDisconnected, "UPGRADING"},
	})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.Connector]{Items: []*apono.Connector{connectorEU(), connectorSpare()}, NextPageToken: "t2"}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/admin/v3/connectors", "limit=2&status=CONNECTED&status=DISCONNECTED&status=UPGRADING", "")
}

func TestGetConnector(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "connectors/connector.json")}, script.Response{Body: apitest.Fixture(t, "connectors/connector_minimal.json")},
	)
	client := apitest.NewClient(t, fake)
	for i, want := range []*apono.Connector{connectorEU(), connectorSpare()} {
		got, err := client.Connectors.Get(t.Context(), "production eu")
		require.NoError(t, err)
		require.Equal(t, want, got)
		apitest.Sent(t, fake.Requests()[i], "GET", "/api/admin/v3/connectors/production%20eu", "", "")
	}
}

func TestUpdateConnector(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "connectors/connector.json")}, script.Response{Body: apitest.Fixture(t, "connectors/connector_minimal.json")},
	)
	client := apitest.NewClient(t, fake)
	got, err := client.Connectors.Update(t.Context(), "production eu", apono.UpdateConnectorInput{Name: "Production <EU>"})
	require.NoError(t, err)
	require.Equal(t, connectorEU(), got)
	apitest.Sent(t, fake.Requests()[0], "PUT", "/api/admin/v3/connectors/production%20eu", "", `{"name": "Production <EU>"}`)
	got, err = client.Connectors.Update(t.Context(), "spare", apono.UpdateConnectorInput{})
	require.NoError(t, err)
	require.Equal(t, connectorSpare(), got)
	apitest.Sent(t, fake.Requests()[1], "PUT", "/api/admin/v3/connectors/spare", "", `{"name": ""}`)
}

func TestDeleteConnector(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Status: 204})
	require.NoError(t, apitest.NewClient(t, fake).Connectors.Delete(t.Context(), "production eu"))
	apitest.Sent(t, fake.Requests()[0], "DELETE", "/api/admin/v3/connectors/production%20eu", "", "")
}

// Members that are newer than this version must not be cleared by an update, and
// read-only members must not be sent.
func TestConnectorUpdateKeepsUnknownMembers(t *testing.T) {
	t.Parallel()
	const future = `{
		"id": "c1", "name": "one", "status": "CONNECTED", "version": "1", "last_connected": null, "is_latest_version": true,
		"cloud_provider_type": "AWS", "sessions": [{"id": "s1", "metadata": {"os": "linux"}, "last_connected_time": "2026-03-05T07:08:09Z", "cpu": 4}],
		"labels": {"stage": "production", "none": null}, "weight": 12345678901234567890, "price": 1.10, "pools": [{"id": "p1"}, null], "note": "<a & b>"
	}`
	const unknown = `"labels": {"stage": "production", "none": null}, "weight": 12345678901234567890, "price": 1.10, "pools": [{"id": "p1"}, null], "note": "<a & b>"`
	for _, c := range []struct{ name, read, rename, body string }{
		{"known members only", apitest.Fixture(t, "connectors/connector.json"), "", `{"name": "Production EU"}`},
		{"unchanged", future, "", `{"name": "one", ` + unknown + `}`},
		{"renamed", future, "two", `{"name": "two", ` + unknown + `}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t,
				script.Response{Body: c.read}, script.Response{Body: `{"items": [{"id": "c0"}, ` + c.read + `], "pagination": {}}`},
				script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject},
			)
			client := apitest.NewClient(t, fake).Connectors
			got, err := client.Get(t.Context(), "c1")
			require.NoError(t, err)
			page, err := client.List(t.Context())
			require.NoError(t, err)
			for i, connector := range []*apono.Connector{got, page.Items[1]} {
				in := connector.UpdateInput()
				if c.rename != "" {
					in.Name = c.rename
				}
				_, err = client.Update(t.Context(), "c1", in)
				require.NoError(t, err)
				apitest.Sent(t, fake.Requests()[2+i], "PUT", "/api/admin/v3/connectors/c1", "", c.body)
			}
		})
	}
}

// A field without a tag would be read under its Go name.
func TestConnectorTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url", reflect.TypeFor[apono.ListConnectorsOptions]())
	apitest.Tagged(t, "json",
		reflect.TypeFor[apono.Connector](), reflect.TypeFor[apono.ConnectorSession](), reflect.TypeFor[apono.ConnectorSessionMetadata](),
		reflect.TypeFor[apono.CloudProviderMetadata](), reflect.TypeFor[apono.UpdateConnectorInput](),
	)
}
