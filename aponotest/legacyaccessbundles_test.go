package aponotest_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono/aponotest"
)

// legacyTarget is a target of version 1 with its tags.
func legacyTarget(includes, excludes string) string {
	return `{"integration_id": "int-1", "resource_type": "t", "permissions": ["b", "a", "b"],
		"resource_tag_includes": [` + includes + `], "resource_tag_excludes": [` + excludes + `]}`
}

// legacyTargetToday is the target of a resource type as it is answered today.
func legacyTargetToday(more string) string {
	return `{"integration": {"integration_id": "int-1", "integration_name": "Orders database", "resource_type": "t", "permissions": ["b", "a", "b"]` + more + `}}`
}

func TestBundlesOfVersion1AndOfTodayAreTheSame(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	synctest.Test(t, func(t *testing.T) {
		targets := `"integration_targets": [` + legacyTarget(legacyTags, legacyExcludes) + `,` + legacyTarget("", "") + `]`
		v1 := `{"id": "` + legacyFirstID + `", "name": "All", ` + targets + `}`
		accessAnswers(t, server, "POST", legacyBundlesPath, `{"name": "All", `+targets+`}`, 200, v1)
		accessAnswers(t, server, "GET", legacyBundlesPath+"/"+legacyFirstID, "", 200, v1)
		accessAnswers(t, server, "GET", legacyBundlesPath, "", 200,
			legacyPage(2, `{"id": "bundle-1", "name": "Reading", "integration_targets": []},`+v1))
		const dates = `"creation_date": "2000-01-01T00:00:00.000Z", "update_date": `
		accessAnswers(t, server, "GET", bundlesPath+"/"+legacyFirstID, "", 200, `{"id": "`+legacyFirstID+`", "name": "All",
			`+dates+`"2000-01-01T00:00:00.000Z", "access_targets": [`+legacyTargetToday(legacyScopes)+`,`+legacyTargetToday("")+`]}`)

		time.Sleep(time.Hour)
		accessAnswers(t, server, "PATCH", legacyBundlesPath+"/"+legacyFirstID, `{"integration_targets": []}`, 200,
			`{"id": "`+legacyFirstID+`", "name": "All", "integration_targets": []}`)
		accessAnswers(t, server, "GET", bundlesPath+"/"+legacyFirstID, "", 200, `{"id": "`+legacyFirstID+`", "name": "All",
			`+dates+`"2000-01-01T01:00:00.000Z", "access_targets": []}`)

		const second = "00000002-0000-4000-8000-000000000002"
		accessAnswers(t, server, "POST", legacyBundlesPath, `{"name": "", "integration_targets": []}`, 200, `{"id": "`+second+`", "name": "", "integration_targets": []}`)
		accessAnswers(t, server, "GET", bundlesPath+"/"+second, "", 200, `{"id": "`+second+`", "name": "",
			"creation_date": "2000-01-01T01:00:00.000Z", "update_date": "2000-01-01T01:00:00.000Z", "access_targets": []}`)

		missing := `{"message": "bundle \"` + legacyFirstID + `\" not found"}`
		accessAnswers(t, server, "DELETE", legacyBundlesPath+"/"+legacyFirstID, "", 200, `{"message": "The access bundle was deleted"}`)
		accessAnswers(t, server, "GET", bundlesPath+"/"+legacyFirstID, "", 404, missing)
		accessAnswers(t, server, "GET", legacyBundlesPath+"/"+legacyFirstID, "", 404, missing)
		accessAnswers(t, server, "PATCH", legacyBundlesPath+"/"+legacyFirstID, `{}`, 404, missing)
		accessAnswers(t, server, "DELETE", legacyBundlesPath+"/"+legacyFirstID, "", 404, missing)
	})
}

// A scope with several values has no single tag in version 1, and access scopes
// have nothing there at all; neither may be lost by a change of something else.
func TestPatchOfABundleLeavesWhatVersion1DoesNotShow(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	synctest.Test(t, func(t *testing.T) {
		const many = `, "resources_scopes": [{"scope_mode": "exclude_resources", "type": "NAME", "values": ["x", "y"]}]`
		server.Put(aponotest.Bundles, json.RawMessage(`{"id": "b", "name": "old", "access_targets": [`+legacyScopeTarget+`,`+legacyTargetToday(many)+`]}`))
		today := func(name, targets string) string {
			return `{"id": "b", "name": "` + name + `", "creation_date": "2000-01-01T00:00:00.000Z", "update_date": "2000-01-01T00:00:00.000Z", "access_targets": [` + targets + `]}`
		}
		shown := `"integration_targets": [` + legacyTarget("", `{"name": "__name", "value": "x"}, {"name": "__name", "value": "y"}`) + `]`
		accessAnswers(t, server, "GET", legacyBundlesPath+"/b", "", 200, `{"id": "b", "name": "old", `+shown+`}`)
		for _, body := range []string{`{"name": "new"}`, `{"name": "new", ` + shown + `}`} {
			accessAnswers(t, server, "PATCH", legacyBundlesPath+"/b", body, 200, `{"id": "b", "name": "new", `+shown+`}`)
			accessAnswers(t, server, "GET", bundlesPath+"/b", "", 200, today("new", legacyScopeTarget+`,`+legacyTargetToday(many)))
		}
		accessAnswers(t, server, "PATCH", legacyBundlesPath+"/b", `{"integration_targets": [`+legacyTarget("", "")+`]}`, 200,
			`{"id": "b", "name": "new", "integration_targets": [`+legacyTarget("", "")+`]}`)
		accessAnswers(t, server, "GET", bundlesPath+"/b", "", 200, today("new", legacyTargetToday("")+`,`+legacyScopeTarget))
		accessAnswers(t, server, "PATCH", legacyBundlesPath+"/b", `{"integration_targets": []}`, 200, `{"id": "b", "name": "new", "integration_targets": []}`)
		accessAnswers(t, server, "GET", bundlesPath+"/b", "", 200, today("new", legacyScopeTarget))
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
