package aponotest_test

import (
	"encoding/json"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

func TestAvailableAccessFollowsState(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	checkResponse(t, server, "GET", availablePath+"/entitlements?integration_id=pg", "", 200, requestPage(`{"integration": {"id": "pg", "name": "Orders DB"},
		"resource": {"id": "db", "source_id": "db", "name": "orders", "type": {"id": "database", "label": "database"}},
		"permission": {"id": "select", "source_id": "select", "name": "ReadOnly"}}`))
	checkResponse(t, server, "GET", availablePath+"/bundles", "", 200, requestPage(`{"id": "b1", "name": "On call"}`, `{"id": "b2", "name": "Auditors"}`))

	server.Put(aponotest.ResourcesOf("pg"), json.RawMessage(`{"id": "t1", "name": "log", "type": "table", "status": {"status": "Active"}}`))
	checkResponse(t, server, "DELETE", "/api/admin/v4/integrations/aws", "", 204, "")
	checkResponse(t, server, "DELETE", "/api/admin/v2/bundles/b1", "", 204, "")
	ids, _ := requestIDs(t, server, availablePath+"/entitlements")
	require.Equal(t, "db:ReadOnly t1:ADMIN", ids)
	ids, _ = requestIDs(t, server, availablePath+"/bundles")
	require.Equal(t, "b2", ids)
	checkResponse(t, server, "POST", requestsPath, `{"entitlements": [{"resource_id": "bucket", "permission_id": "read"}], "custom_fields": {}}`, 400,
		`{"field": "entitlements[0]", "message": "entitlements[0]: no resource with this permission"}`)
}

func TestAvailableAccessWithClient(t *testing.T) {
	t.Parallel()
	service, ctx := requestServer(t, aponotest.WithPageSize(2)).Client().AvailableAccess, t.Context()
	bundles, err := service.ListBundles(ctx, apono.ListAvailableBundlesOptions{Name: []string{"Aud*"}, Grantee: "u-ben"})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.AvailableBundle]{Items: []*apono.AvailableBundle{{ID: "b2", Name: "Auditors"}}}, bundles)
	allBundles, err := apono.Collect(service.ListAllBundles(ctx))
	require.NoError(t, err)
	require.Len(t, allBundles, 2)
	entitlements, err := service.ListEntitlements(ctx, apono.ListAvailableEntitlementsOptions{PermissionName: []string{"Assume"}, ResourceTypeID: []string{"iam"}})
	require.NoError(t, err)
	require.Equal(t, []*apono.AvailableEntitlement{{
		Integration: apono.Ref{ID: "aws", Name: "Production"},
		Resource:    apono.EntitlementResource{ID: "role", SourceID: "role", Name: "deployer", Type: apono.ResourceType{ID: "iam", Label: "iam"}},
		Permission:  apono.EntitlementPermission{ID: "assume", SourceID: "assume", Name: "Assume"},
	}}, entitlements.Items)
	all, err := apono.Collect(service.ListAllEntitlements(ctx))
	require.NoError(t, err)
	require.Len(t, all, 4)
}
