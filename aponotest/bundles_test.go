package aponotest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

func TestBundlesAreReturnedAsWritten(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	targets := func(integration, scope string) string {
		return `"access_targets": [{"access_scope": {` + scope + `}}, {"integration": {` + integration + `, "resource_type": "t", "permissions": ["b", "a"],
			"resources_scopes": [{"scope_mode": "include_resources", "type": "TAG", "key": "", "values": ["b", "a"]},
				{"scope_mode": "exclude_resources", "type": "NAME", "values": []}]}}]`
	}
	synctest.Test(t, func(t *testing.T) {
		const id = "00000001-0000-4000-8000-000000000001"
		const created = `{"id": "` + id + `", "creation_date": "2000-01-01T00:00:00.000Z", "update_date": `
		read := targets(`"integration_id": "int-1", "integration_name": "Orders database"`, `"access_scope_id": "scope-1", "access_scope_name": "Databases"`)
		byID := targets(`"integration_reference": "int-1"`, `"access_scope_reference": "scope-1"`)
		byName := targets(`"integration_reference": "Orders database"`, `"access_scope_reference": "Databases"`)
		checkDirectResponse(t, server, "POST", bundlesPath, `{"name": "All", `+byID+`}`, 200,
			created+`"2000-01-01T00:00:00.000Z", "name": "All", `+read+`}`)
		time.Sleep(time.Hour)
		want := created + `"2000-01-01T01:00:00.000Z", "name": "None", "access_targets": []}`
		checkDirectResponse(t, server, "PUT", bundlesPath+"/"+id, `{"name": "None", "access_targets": []}`, 200, want)
		checkDirectResponse(t, server, "GET", bundlesPath+"/"+id, "", 200, want)
		checkDirectResponse(t, server, "PUT", bundlesPath+"/"+id, `{"name": "All", `+byName+`}`, 200,
			created+`"2000-01-01T01:00:00.000Z", "name": "All", `+read+`}`)
		checkDirectResponse(t, server, "DELETE", bundlesPath+"/"+id, "", 204, "")
		checkDirectResponse(t, server, "GET", bundlesPath+"/"+id, "", 404, `{"message": "bundle \"`+id+`\" not found"}`)
	})
}

func TestBundlesWithClient(t *testing.T) {
	t.Parallel()
	client := aponotest.NewServer(t, aponotest.WithLooseChecks(), aponotest.WithPageSize(2)).Client()
	scope, err := client.Scopes.Create(t.Context(), apono.AccessScopeInput{Name: "Databases"})
	require.NoError(t, err)
	accessEndToEnd[apono.Bundle, apono.ListBundlesOptions](t, inNoSpace[apono.Bundle, apono.ListBundlesOptions, apono.BundleInput]{client.Bundles},
		func(name string) apono.BundleInput {
			target := &apono.TargetScopeInput{AccessScopeReference: scope.ID}
			return apono.BundleInput{Name: name, AccessTargets: []apono.BundleTargetInput{{AccessScope: target}}}
		},
		(*apono.Bundle).UpdateInput, func(in *apono.BundleInput) *string { return &in.Name }, func(b *apono.Bundle) string { return b.ID })
}
