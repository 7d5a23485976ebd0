package apono_test

import (
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// legacyTargetJSON is legacyTarget in JSON.
const legacyTargetJSON = `{
	"integration_id": "i1", "resource_type": "postgresql-database",
	"resource_tag_includes": [{"name": "__id", "value": "r1"}, {"name": "env", "value": "prod"}],
	"resource_tag_excludes": [{"name": "__name", "value": "billing"}],
	"permissions": ["READ_ONLY", "ADMIN"]
}`

const (
	legacyBundleInput = `{"name": "Orders on-call", "integration_targets": [` + legacyTargetJSON + `]}`
	legacyBundleJSON  = `{"id": "b1", "name": "Orders on-call", "integration_targets": [` + legacyTargetJSON + `]}`
)

func legacyBundle() *apono.AccessBundleV1 {
	return &apono.AccessBundleV1{ID: "b1", Name: "Orders on-call", IntegrationTargets: []apono.AccessTargetIntegrationV1{legacyTarget()}}
}

func TestListLegacyAccessBundles(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"data": [` + legacyBundleJSON + `, {"id": "b2", "name": "", "integration_targets": []}], "pagination": {"total": 9, "limit": 2, "offset": 4}
	}`})
	page, err := apitest.NewClient(t, fake).Legacy.AccessBundles.List(t.Context(), apono.ListAccessBundlesV1Options{Limit: 2, Skip: 4})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.AccessBundleV1]{
		Items: []*apono.AccessBundleV1{legacyBundle(), {ID: "b2", IntegrationTargets: []apono.AccessTargetIntegrationV1{}}}, Total: 9, Limit: 2, Offset: 4,
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v1/access-bundles", "limit=2&skip=4", "")
}

func TestGetCreateAndUpdateLegacyAccessBundle(t *testing.T) {
	t.Parallel()
	targets := []apono.AccessTargetIntegrationV1{legacyTarget()}
	for _, c := range []struct {
		method, path, body string
		call               func(*apono.LegacyAccessBundlesService) (*apono.AccessBundleV1, error)
	}{
		{"GET", "/api/v1/access-bundles/b1", "", func(s *apono.LegacyAccessBundlesService) (*apono.AccessBundleV1, error) {
			return s.Get(t.Context(), "b1")
		}},
		{"POST", "/api/v1/access-bundles", legacyBundleInput, func(s *apono.LegacyAccessBundlesService) (*apono.AccessBundleV1, error) {
			return s.Create(t.Context(), apono.CreateAccessBundleV1Input{Name: "Orders on-call", IntegrationTargets: targets})
		}},
		{"PATCH", "/api/v1/access-bundles/b1", legacyBundleInput, func(s *apono.LegacyAccessBundlesService) (*apono.AccessBundleV1, error) {
			return s.Update(t.Context(), "b1", apono.UpdateAccessBundleV1Input{Name: new("Orders on-call"), IntegrationTargets: targets})
		}},
	} {
		fake := script.New(t, script.Response{Body: legacyBundleJSON})
		got, err := c.call(apitest.NewClient(t, fake).Legacy.AccessBundles)
		require.NoError(t, err)
		require.Equal(t, legacyBundle(), got)
		apitest.Sent(t, fake.Requests()[0], c.method, c.path, "", c.body)
	}
}
