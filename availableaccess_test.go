package apono_test

import (
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

func TestListAvailableBundles(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"items": [{"id": "b1", "name": "Orders on-call"}], "pagination": {"next_page_token": "t2"}}`})
	page, err := apitest.NewClient(t, fake).AvailableAccess.ListBundles(t.Context(), apono.ListAvailableBundlesOptions{
		Limit: 20, Grantee: "ben@example.com", Name: []string{"Orders on-call", "*ops*"},
	})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.AvailableBundle]{
		Items: []*apono.AvailableBundle{{ID: "b1", Name: "Orders on-call"}}, NextPageToken: "t2",
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/user/v1/available-access/bundles",
		"grantee=ben%40example.com&limit=20&name=Orders+on-call&name=%2Aops%2A", "")
}

func TestListAvailableEntitlements(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"items": [` + apitest.Fixture(t, "availableaccess/entitlement.json") + `], "pagination": {"next_page_token": "t2"}}`})
	page, err := apitest.NewClient(t, fake).AvailableAccess.ListEntitlements(t.Context(), apono.ListAvailableEntitlementsOptions{
		Limit: 20, Grantee: "u2", IntegrationID: "i1", IntegrationName: "Production", PermissionName: []string{"ReadOnlyAccess", "Attach"},
		ResourceName: "orders", ResourceTypeID: []string{"aws-account-s3-bucket", "ssh"},
	})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.AvailableEntitlement]{
		Items: []*apono.AvailableEntitlement{{
			Integration: apono.Ref{ID: "i1", Name: "Production"}, Resource: ordersBucket(),
			Permission: apono.EntitlementPermission{ID: "p1", SourceID: "arn:aws:iam::aws:policy/ReadOnlyAccess", Name: "ReadOnlyAccess"},
		}},
		NextPageToken: "t2",
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/user/v1/available-access/entitlements",
		"grantee=u2&integration_id=i1&integration_name=Production&limit=20&permission_name=ReadOnlyAccess&permission_name=Attach&"+
			"resource_name=orders&resource_type_id=aws-account-s3-bucket&resource_type_id=ssh", "")
}
