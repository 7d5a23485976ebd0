package aponotest_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

const connectorsPath = "/api/admin/v3/connectors"

// Connectors. The first has every member; %q is its name.
const (
	connectorFull = `{"id": "c/1", "name": %q, "status": "CONNECTED", "version": "1.7.4", "last_connected": "2026-03-05T07:08:09.123456Z",
		"is_latest_version": true, "cloud_provider_type": "AWS", "sessions": [{
			"id": "s1", "last_connected_time": "2026-03-05T07:08:08+01:00",
			"metadata": {"connector_version": "1.7.3", "cloud_provider_metadata": {
				"kubernetes_type": "EKS", "kubernetes_version": "1.34", "is_kubernetes_admin": false, "local_deploy": false,
				"aws_account_id": "000123456789", "region": "eu-central-1", "availability_zone": "eu-central-1a", "project_id": "p",
				"organization_id": "o", "zone": "z", "subscription_id": "s", "resource_group": "g", "is_azure_admin": true
			}}
		}, {"id": "s2", "last_connected_time": "2026-03-05T07:08:08Z", "metadata": {}}]}`
	connectorBare = `{"id": "c2", "name": "two", "status": "DISCONNECTED", "version": "", "is_latest_version": false,
		"cloud_provider_type": "", "sessions": []}`
)

func connectorServer(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, opts...)
	server.Put(aponotest.Connectors, json.RawMessage(fmt.Sprintf(connectorFull, "one")), json.RawMessage(connectorBare))
	return server
}

func TestUpdateConnectorKeepsServerFields(t *testing.T) {
	t.Parallel()
	server := connectorServer(t)
	old, renamed := fmt.Sprintf(connectorFull, "one"), fmt.Sprintf(connectorFull, " new name ")
	checkResponse(t, server, "GET", connectorsPath, "", 200, `{"items": [`+old+`,`+connectorBare+`], "pagination": {}}`)
	checkResponse(t, server, "GET", connectorsPath+"/c2", "", 200, connectorBare)
	checkResponse(t, server, "PUT", connectorsPath+"/c%2F1", `{"name": " new name "}`, 200, renamed)
	checkResponse(t, server, "GET", connectorsPath, "", 200, `{"items": [`+renamed+`,`+connectorBare+`], "pagination": {}}`)
	checkResponse(t, server, "DELETE", connectorsPath+"/c%2F1", "", 204, "")
	checkResponse(t, server, "GET", connectorsPath+"/c%2F1", "", 404, notFoundMessage("connector", "c/1"))
	checkResponse(t, server, "DELETE", connectorsPath+"/c%2F1", "", 404, notFoundMessage("connector", "c/1"))
	checkResponse(t, server, "GET", connectorsPath, "", 200, `{"items": [`+connectorBare+`], "pagination": {}}`)
}

func TestConnectorFilters(t *testing.T) {
	t.Parallel()
	checkFilters(t, connectorServer(t), connectorsPath, "id", map[string]string{
		"": "c/1 c2", "?status=CONNECTED": "c/1", "?status=DISCONNECTED": "c2", "?status=DISCONNECTED&status=CONNECTED": "c/1 c2",
		"?status=CONN*": "", "?status=": "",
	})
}

func TestInvalidConnectorRequestsAreRejected(t *testing.T) {
	t.Parallel()
	checkAllRejected(t, connectorServer(t), []rejection{
		{"GET", connectorsPath + "?name=one", "", 422, "name", "unknown query parameter"},
		{"POST", connectorsPath, `{"name": "x"}`, 404, "", "operation POST " + connectorsPath + " not found"},
		{"PUT", connectorsPath + "/c2", `{}`, 422, "name", "must be set"},
		{"PUT", connectorsPath + "/c2", `{"name": null}`, 422, "name", "must not be null"},
		{"PUT", connectorsPath + "/c2", `{"name": "x", "status": "CONNECTED"}`, 422, "status", "unknown field"},
		{"PUT", connectorsPath + "/c2", `{"name": "one"}`, 409, "name", "already used by another connector"},
		{"PUT", connectorsPath + "/c9", `{"name": "x"}`, 404, "", `connector "c9" not found`},
	})
}

func TestConnectorsWithClient(t *testing.T) {
	t.Parallel()
	connectors := connectorServer(t, aponotest.WithPageSize(1)).Client().Connectors
	page, err := connectors.List(t.Context(), apono.ListConnectorsOptions{
		Status: []apono.ConnectorStatus{apono.ConnectorStatusDisconnected, apono.ConnectorStatusConnected},
	})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	one := page.Items[0]
	all, err := apono.Collect(connectors.ListAll(t.Context()))
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, one, all[0])
	got, err := connectors.Get(t.Context(), "c/1")
	require.NoError(t, err)
	require.Equal(t, one, got)

	in := got.UpdateInput()
	in.Name = "renamed"
	updated, err := connectors.Update(t.Context(), "c/1", in)
	require.NoError(t, err)
	got.Name = "renamed"
	require.Equal(t, got, updated)
	require.NoError(t, connectors.Delete(t.Context(), "c/1"))
	_, err = connectors.Get(t.Context(), "c/1")
	require.ErrorIs(t, err, apono.ErrNotFound)
}
