package aponotest_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono/aponotest"
)

// legacyTarget returns a target of version 1.
func legacyTarget(includes, excludes string) string {
	return `{"integration_id": "int-1", "resource_type": "t", "permissions": ["b", "a", "b"],
		"resource_tag_includes": [` + includes + `], "resource_tag_excludes": [` + excludes + `]}`
}

// newestTarget returns the same target in the newest version.
func newestTarget(more string) string {
	return `{"integration": {"integration_id": "int-1", "integration_name": "Orders database", "resource_type": "t", "permissions": ["b", "a", "b"]` + more + `}}`
}

func TestBundlesV1ShareObjectsWithBundles(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	synctest.Test(t, func(t *testing.T) {
		targets := `"integration_targets": [` + legacyTarget(legacyTags, legacyExcludes) + `,` + legacyTarget("", "") + `]`
		v1 := `{"id": "` + legacyFirstID + `", "name": "All", ` + targets + `}`
		checkDirectResponse(t, server, "POST", legacyBundlesPath, `{"name": "All", `+targets+`}`, 200, v1)
		checkDirectResponse(t, server, "GET", legacyBundlesPath+"/"+legacyFirstID, "", 200, v1)
		checkDirectResponse(t, server, "GET", legacyBundlesPath, "", 200,
			legacyPage(2, `{"id": "bundle-1", "name": "Reading", "integration_targets": []},`+v1))
		const dates = `"creation_date": "2000-01-01T00:00:00.000Z", "update_date": `
		checkDirectResponse(t, server, "GET", bundlesPath+"/"+legacyFirstID, "", 200, `{"id": "`+legacyFirstID+`", "name": "All",
			`+dates+`"2000-01-01T00:00:00.000Z", "access_targets": [`+newestTarget(legacyScopes)+`,`+newestTarget("")+`]}`)

		time.Sleep(time.Hour)
		checkDirectResponse(t, server, "PATCH", legacyBundlesPath+"/"+legacyFirstID, `{"integration_targets": []}`, 200,
			`{"id": "`+legacyFirstID+`", "name": "All", "integration_targets": []}`)
		checkDirectResponse(t, server, "GET", bundlesPath+"/"+legacyFirstID, "", 200, `{"id": "`+legacyFirstID+`", "name": "All",
			`+dates+`"2000-01-01T01:00:00.000Z", "access_targets": []}`)

		const second = "00000002-0000-4000-8000-000000000002"
		checkDirectResponse(t, server, "POST", legacyBundlesPath, `{"name": "", "integration_targets": []}`, 200, `{"id": "`+second+`", "name": "", "integration_targets": []}`)
		checkDirectResponse(t, server, "GET", bundlesPath+"/"+second, "", 200, `{"id": "`+second+`", "name": "",
			"creation_date": "2000-01-01T01:00:00.000Z", "update_date": "2000-01-01T01:00:00.000Z", "access_targets": []}`)

		missing := `{"message": "bundle \"` + legacyFirstID + `\" not found"}`
		checkDirectResponse(t, server, "DELETE", legacyBundlesPath+"/"+legacyFirstID, "", 200, `{"message": "The access bundle was deleted"}`)
		checkDirectResponse(t, server, "GET", bundlesPath+"/"+legacyFirstID, "", 404, missing)
		checkDirectResponse(t, server, "GET", legacyBundlesPath+"/"+legacyFirstID, "", 404, missing)
		checkDirectResponse(t, server, "PATCH", legacyBundlesPath+"/"+legacyFirstID, `{}`, 404, missing)
		checkDirectResponse(t, server, "DELETE", legacyBundlesPath+"/"+legacyFirstID, "", 404, missing)
	})
}

// Version 1 has no scopes with several values and no access scopes. A change of another
// member must keep them.
func TestPatchBundleV1KeepsOtherTargets(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	synctest.Test(t, func(t *testing.T) {
		const many = `, "resources_scopes": [{"scope_mode": "exclude_resources", "type": "NAME", "values": ["x", "y"]}]`
		server.Put(aponotest.Bundles, json.RawMessage(`{"id": "b", "name": "old", "access_targets": [`+legacyScopeTarget+`,`+newestTarget(many)+`]}`))
		today := func(name, targets string) string {
			return `{"id": "b", "name": "` + name + `", "creation_date": "2000-01-01T00:00:00.000Z", "update_date": "2000-01-01T00:00:00.000Z", "access_targets": [` + targets + `]}`
		}
		shown := `"integration_targets": [` + legacyTarget("", `{"name": "__name", "value": "x"}, {"name": "__name", "value": "y"}`) + `]`
		checkDirectResponse(t, server, "GET", legacyBundlesPath+"/b", "", 200, `{"id": "b", "name": "old", `+shown+`}`)
		for _, body := range []string{`{"name": "new"}`, `{"name": "new", ` + shown + `}`} {
			checkDirectResponse(t, server, "PATCH", legacyBundlesPath+"/b", body, 200, `{"id": "b", "name": "new", `+shown+`}`)
			checkDirectResponse(t, server, "GET", bundlesPath+"/b", "", 200, today("new", legacyScopeTarget+`,`+newestTarget(many)))
		}
		checkDirectResponse(t, server, "PATCH", legacyBundlesPath+"/b", `{"integration_targets": [`+legacyTarget("", "")+`]}`, 200,
			`{"id": "b", "name": "new", "integration_targets": [`+legacyTarget("", "")+`]}`)
		checkDirectResponse(t, server, "GET", bundlesPath+"/b", "", 200, today("new", newestTarget("")+`,`+legacyScopeTarget))
		checkDirectResponse(t, server, "PATCH", legacyBundlesPath+"/b", `{"integration_targets": []}`, 200, `{"id": "b", "name": "new", "integration_targets": []}`)
		checkDirectResponse(t, server, "GET", bundlesPath+"/b", "", 200, today("new", legacyScopeTarget))
	})
}

const (
	legacyScopeTarget = `{"access_scope": {"access_scope_id": "scope-1", "access_scope_name": "Databases"}}`

	legacyTags     = `{"name": "env", "value": "prod"}, {"name": "__name", "value": "db"}, {"name": "env", "value": ""}, {"name": "__id", "value": "r1"}`
	legacyExcludes = `{"name": "__id", "value": "r9"}, {"name": "env", "value": "dev"}`
	legacyScopes   = `, "resources_scopes": [
		{"scope_mode": "include_resources", "type": "TAG", "key": "env", "values": ["prod"]},
		{"scope_mode": "include_resources", "type": "NAME", "values": ["db"]},
		{"scope_mode": "include_resources", "type": "TAG", "key": "env", "values": [""]},
		{"scope_mode": "include_resources", "type": "APONO_ID", "values": ["r1"]},
		{"scope_mode": "exclude_resources", "type": "APONO_ID", "values": ["r9"]},
		{"scope_mode": "exclude_resources", "type": "TAG", "key": "env", "values": ["dev"]}]`
)
