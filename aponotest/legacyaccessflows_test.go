package aponotest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

// Version 1 does not have the requestor's type, spaces and query targets. A change
// through it must keep them.
func TestPatchFlowV1KeepsSpaceFields(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	server.Put(aponotest.Spaces, json.RawMessage(`{"id": "t1", "name": "Team", "space_scopes": []}`))
	const space, query = `"space":{"space_id":"t1","space_name":"Team"}`, `{"query_target":{"query":"q"}}`
	server.Put(aponotest.AccessFlows, json.RawMessage(`{"id": "f", "name": "f", `+space+`, `+
		strings.NewReplacer(`"access_targets": []`, `"access_targets": [`+query+`]`, "HUMAN", "AGENT").Replace(smallFlow)+`}`))
	server.Put(aponotest.Bundles, json.RawMessage(`{"id": "b", "name": "b", "description": "kept", `+space+`, "access_targets": [`+query+`]}`))
	for path, body := range map[string]string{
		"/api/v1/access-flows/f": `{"name": "g", "bundle_targets": [{"bundle_id": "b"}]}`,
		"/api/v1/access-bundles/b": `{"name": "c", "integration_targets": [{"integration_id": "int-1", "resource_type": "t", "permissions": [],
			"resource_tag_includes": [], "resource_tag_excludes": []}]}`,
	} {
		status, response := sendHTTP(t, server, "PATCH", path, body)
		require.Equalf(t, 200, status, "PATCH returned %d: %s", status, response)
	}
	_, flow := sendHTTP(t, server, "GET", flowsPath+"/f", "")
	for _, part := range []string{
		space, query, `"requestor_identity_type":"AGENT"`, `"name":"g"`, `"bundle_id":"b"`,
	} {
		require.Contains(t, flow, part)
	}
	_, bundle := sendHTTP(t, server, "GET", bundlesPath+"/b", "")
	for _, part := range []string{
		space, query, `"description":"kept"`, `"name":"c"`, `"integration_id":"int-1"`,
	} {
		require.Contains(t, bundle, part)
	}
}

// legacyCreated has the members that version 1 adds to a flow created at the start of a
// synctest bubble.
const legacyCreated = `"id": "` + legacyFirstID + `", "created_date": 946684800.000000000`

func TestFlowsV1AreReturnedAsWritten(t *testing.T) {
	t.Parallel()
	const least = `"name": "f", "active": false, "trigger": {"type": "automatic"}, "grantees": []`
	const none = `, "integration_targets": [], "bundle_targets": []`
	for name, test := range map[string]struct{ body, want string }{
		"least":                {least + `, "revoke_after_in_sec": 3600`, none},
		"never":                {least + `, "revoke_after_in_sec": -1`, none},
		"at once":              {least + `, "revoke_after_in_sec": 0`, none},
		"fraction of a minute": {least + `, "revoke_after_in_sec": 90`, none},
		"empty lists":          {least + none + `, "revoke_after_in_sec": 60, "approvers": [], "settings": {}`, ""},
		"some settings":        {least + `, "revoke_after_in_sec": 60, "settings": {"require_approver_justification": true, "approver_cannot_approve_himself": false}`, none},
		"all of no approvers":  {least + `, "revoke_after_in_sec": 60, "settings": {"require_all_approvers": true}`, none},
		"seconds of the day": {`"name": "f", "active": true, "grantees": [], "revoke_after_in_sec": 60, "trigger": {"type": "user_request", "timeframe": {
			"start_of_day_time_in_seconds": 1, "end_of_day_time_in_seconds": 86400, "days_in_week": ["SUNDAY"], "time_zone": "UTC"}}`, none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := accessServer(t)
			synctest.Test(t, func(t *testing.T) {
				want := `{` + legacyCreated + `, ` + test.body + test.want + `}`
				checkDirectResponse(t, server, "POST", legacyFlowsPath, `{`+test.body+`}`, 200, want)
				checkDirectResponse(t, server, "GET", legacyFlowsPath+"/"+legacyFirstID, "", 200, want)
				checkDirectResponse(t, server, "GET", legacyFlowsPath, "", 200, legacyPage(1, want))
			})
		})
	}
}

// Parts of a flow in version 1 and in the newest version.
const (
	legacyTrigger = `"trigger": {"type": "user_request", "timeframe": {"start_of_day_time_in_seconds": 28800,
		"end_of_day_time_in_seconds": 63000, "days_in_week": ["SUNDAY", "MONDAY"], "time_zone": "Europe/Berlin"}}`
	newestTrigger = `"trigger": "SELF_SERVE", "requestor_identity_type": "HUMAN", "timeframe": {"start_time": "08:00", "end_time": "17:30",
		"days_of_week": ["SUNDAY", "MONDAY"], "time_zone": "Europe/Berlin"}`

	legacyGrantees = `"grantees": [{"id": "z", "type": "user"}, {"id": "a", "type": "group"}]`
	newestGrantees = `"requestors": {"logical_operator": "OR", "conditions": [
		{"type": "user", "match_operator": "is", "values": ["z"]}, {"type": "group", "match_operator": "is", "values": ["a"]}]}`

	legacyApprovers = `"approvers": [{"id": "b", "type": "user"}, {"id": "a", "type": "user"}]`
	newestApprovers = `"approver_policy": {"approval_mode": "ANY_OF", "approver_groups": [{"logical_operator": "AND", "approvers": [
		{"type": "user", "match_operator": "is", "values": ["b"]}, {"type": "user", "match_operator": "is", "values": ["a"]}]}]}`

	legacySettings = `"settings": {"require_justification_on_request_again": true, "require_all_approvers": true,
		"require_approver_justification": false, "approver_cannot_approve_himself": true}`
	newestSettings = `"settings": {"justification_required": true, "require_approver_reason": false,
		"requestor_cannot_approve_himself": true, "require_mfa": false, "labels": []}`

	legacyBundleTarget = `"bundle_targets": [{"bundle_id": "bundle-1"}]`
	newestBundleTarget = `{"bundle": {"bundle_id": "bundle-1", "bundle_name": "Reading"}}`
)

// legacyFlow returns a flow of version 1 without its name.
func legacyFlow(seconds string) string {
	return `"active": true, "revoke_after_in_sec": ` + seconds + `, ` + legacyTrigger + `, ` + legacyGrantees + `, ` + legacyApprovers + `, ` +
		legacySettings + `, ` + legacyBundleTarget + `, "integration_targets": [` + legacyTarget(legacyTags, legacyExcludes) + `]`
}

// newestFlow is the same flow in the newest version.
const newestFlow = `"active": true, ` + newestTrigger + `, ` + newestGrantees + `, ` + newestApprovers + `, ` + newestSettings

func TestFlowsV1ShareObjectsWithFlows(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	synctest.Test(t, func(t *testing.T) {
		path, today := legacyFlowsPath+"/"+legacyFirstID, flowsPath+"/"+legacyFirstID
		checkDirectResponse(t, server, "POST", legacyFlowsPath, `{"name": "f", `+legacyFlow("90")+`}`, 200, `{`+legacyCreated+`, "name": "f", `+legacyFlow("90")+`}`)
		checkDirectResponse(t, server, "GET", today, "", 200, `{"id": "`+legacyFirstID+`", "creation_date": "2000-01-01T00:00:00.000Z", "name": "f",
			`+newestFlow+`, "grant_duration_in_min": 2, "access_targets": [`+newestTarget(legacyScopes)+`,`+newestBundleTarget+`]}`)

		// Version 1 shows changes through the newest version; other members are exactly
		// as written.
		changed := `"name": "g", "active": true, ` + newestTrigger + `, ` + newestGrantees + `, ` + newestApprovers + `, ` + settingsOff
		time.Sleep(time.Hour)
		checkDirectResponse(t, server, "PUT", today, `{"request_for_others": false, "grant_duration_in_min": 2,
			"access_targets": [{"bundle": {"bundle_reference": "Reading"}}], `+changed+`}`, 200,
			`{"id": "`+legacyFirstID+`", "creation_date": "2000-01-01T00:00:00.000Z", "update_date": "2000-01-01T01:00:00.000Z",
			"grant_duration_in_min": 2, "access_targets": [`+newestBundleTarget+`], `+changed+`}`)
		checkDirectResponse(t, server, "GET", path, "", 200, `{`+legacyCreated+`, "name": "g", "active": true, "revoke_after_in_sec": 90,
			`+legacyTrigger+`, `+legacyGrantees+`, `+legacyApprovers+`, `+legacyBundleTarget+`, "integration_targets": [],
			"settings": {"require_justification_on_request_again": false, "require_all_approvers": true,
				"require_approver_justification": false, "approver_cannot_approve_himself": false}}`)
	})
}

// Version 1 shows settings and approvers that were added through the newest version.
func TestFlowV1ShowsSettingsAddedLater(t *testing.T) {
	t.Parallel()
	const rest = `"name": "f", "active": false, "trigger": {"type": "automatic"}, "grantees": [], "revoke_after_in_sec": -1,
		"integration_targets": [], "bundle_targets": []`
	for changed, want := range map[string]string{
		settingsOff: ``,
		newestSettings: `, "settings": {"require_justification_on_request_again": true,
			"require_approver_justification": false, "approver_cannot_approve_himself": true}`,
		settingsOff + `, ` + newestApprovers: `, ` + legacyApprovers + `, "settings": {"require_justification_on_request_again": false,
			"require_all_approvers": true, "require_approver_justification": false, "approver_cannot_approve_himself": false}`,
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			server := accessServer(t)
			synctest.Test(t, func(t *testing.T) {
				checkDirectResponse(t, server, "POST", legacyFlowsPath, `{`+rest+`}`, 200, `{`+legacyCreated+`, `+rest+`}`)
				today := `"name": "f", "active": false, "trigger": "AUTOMATIC", "requestor_identity_type": "HUMAN", "requestors": {"logical_operator": "OR", "conditions": []}, "access_targets": [], ` + changed
				checkDirectResponse(t, server, "PUT", flowsPath+"/"+legacyFirstID, `{"request_for_others": false, `+today+`}`, 200,
					`{"id": "`+legacyFirstID+`", "creation_date": "2000-01-01T00:00:00.000Z", "update_date": "2000-01-01T00:00:00.000Z", `+today+`}`)
				checkDirectResponse(t, server, "GET", legacyFlowsPath+"/"+legacyFirstID, "", 200, `{`+legacyCreated+`, `+rest+want+`}`)
			})
		})
	}
}

func TestDeletedFlowIsGoneInAllVersions(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	for id, deleted := range map[string]func(){
		"a": func() { checkResponse(t, server, "DELETE", flowsPath+"/a", "", 204, "") },
		"b": func() {
			checkResponse(t, server, "DELETE", legacyFlowsPath+"/b", "", 200, `{"message": "The access flow was deleted"}`)
		},
	} {
		server.Put(aponotest.AccessFlows, json.RawMessage(`{"id": "`+id+`", "name": "n", `+smallFlow+`}`))
		deleted()
		missing := `{"message": "access flow \"` + id + `\" not found"}`
		checkResponse(t, server, "GET", flowsPath+"/"+id, "", 404, missing)
		checkResponse(t, server, "GET", legacyFlowsPath+"/"+id, "", 404, missing)
		checkResponse(t, server, "PATCH", legacyFlowsPath+"/"+id, `{}`, 404, missing)
		checkResponse(t, server, "DELETE", legacyFlowsPath+"/"+id, "", 404, missing)
		checkResponse(t, server, "GET", legacyFlowsPath, "", 200, legacyPage(0, ""))
	}
}

// legacyRichFlow returns a flow with members that version 1 does not have.
func legacyRichFlow(name, active, duration, settings, requestors string) string {
	return `{"id": "rich", "creation_date": "2000-01-01T00:00:00.000Z", "name": "` + name + `", "description": "", "active": ` + active + `,
		` + newestTrigger + `, "requestors": ` + requestors + `,
		"request_for": {"request_scopes": ["others"], "grantees": {"logical_operator": "AND", "conditions": [{"type": "Owner"}]}},
		"approver_policy": {"approval_mode": "ALL_OF", "approver_groups": [
			{"logical_operator": "AND", "approvers": [{"type": "manager"}, {"type": "user", "match_operator": "is_not", "values": ["x", "y"]}]},
			{"logical_operator": "OR", "approvers": [{"type": "group", "match_operator": "contains", "values": ["z"], ` + readSource + `}]}]},
		"escalation_policy": {"interval_in_min": 30, "approver_groups": []}, "grant_duration_in_min": ` + duration + `,
		"access_targets": [` + legacyScopeTarget + `,` + newestBundleTarget + `,` + newestTarget(legacyScopes) + `],
		"settings": {"justification_required": true, ` + settings + `, "requestor_cannot_approve_himself": false,
			"require_mfa": true, "labels": ["b", "a"], "max_extensions": 0}`
}

const (
	legacyReason     = `"require_approver_reason": true`
	legacyRequestors = `{"logical_operator": "AND", "conditions": [{"type": "Owner"}, {"type": "user", "match_operator": "is_not", "values": ["u", "v"], ` + readSource + `}]}`
)

// legacyRichFlowV1 returns the same flow in version 1.
func legacyRichFlowV1(name, active, seconds, reason, grantees string) string {
	return `{"id": "rich", "created_date": 946684800.000000000, "name": "` + name + `", "active": ` + active + `, "revoke_after_in_sec": ` + seconds + `,
		` + legacyTrigger + `, "grantees": ` + grantees + `, ` + legacyBundleTarget + `, "integration_targets": [` + legacyTarget(legacyTags, legacyExcludes) + `],
		"approvers": [{"id": "x", "type": "user"}, {"id": "y", "type": "user"}, {"id": "z", "type": "group"}],
		"settings": {"require_justification_on_request_again": true, "require_all_approvers": false,
			"require_approver_justification": ` + reason + `, "approver_cannot_approve_himself": false}}`
}

// A change of one member through version 1 must keep what version 1 cannot show, such as
// conditions and approvers.
func TestPatchFlowV1KeepsOtherFields(t *testing.T) {
	t.Parallel()
	const people = `[{"id": "u", "type": "user"}, {"id": "v", "type": "user"}]`
	first := legacyRichFlowV1("f", "true", "7200", "true", people)
	for body, want := range map[string]struct{ v1, today string }{
		`{}`:                {first, legacyRichFlow("f", "true", "120", legacyReason, legacyRequestors)},
		`{"name": "g"}`:     {legacyRichFlowV1("g", "true", "7200", "true", people), legacyRichFlow("g", "true", "120", legacyReason, legacyRequestors)},
		`{"active": false}`: {legacyRichFlowV1("f", "false", "7200", "true", people), legacyRichFlow("f", "false", "120", legacyReason, legacyRequestors)},
		`{"revoke_after_in_sec": 90}`: {
			legacyRichFlowV1("f", "true", "90", "true", people), legacyRichFlow("f", "true", "2", legacyReason, legacyRequestors),
		},
		`{"revoke_after_in_sec": 0}`: {
			legacyRichFlowV1("f", "true", "0", "true", people), legacyRichFlow("f", "true", "0", legacyReason, legacyRequestors),
		},
		`{"settings": {"require_approver_justification": false}}`: {
			legacyRichFlowV1("f", "true", "7200", "false", people),
			legacyRichFlow("f", "true", "120", `"require_approver_reason": false`, legacyRequestors),
		},
		`{"grantees": []}`: {
			legacyRichFlowV1("f", "true", "7200", "true", "[]"),
			legacyRichFlow("f", "true", "120", legacyReason, `{"logical_operator": "OR", "conditions": []}`),
		},
		`{` + legacyTrigger + `, ` + legacyBundleTarget + `, "grantees": ` + people + `, "integration_targets": [` + legacyTarget(legacyTags, legacyExcludes) + `]}`: {
			first, legacyRichFlow("f", "true", "120", legacyReason, legacyRequestors),
		},
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			server := accessServer(t)
			server.Put(aponotest.AccessFlows, json.RawMessage(legacyRichFlow("f", "true", "120", legacyReason, legacyRequestors)+`}`))
			synctest.Test(t, func(t *testing.T) {
				checkDirectResponse(t, server, "GET", legacyFlowsPath+"/rich", "", 200, first)
				time.Sleep(time.Hour)
				checkDirectResponse(t, server, "PATCH", legacyFlowsPath+"/rich", body, 200, want.v1)
				checkDirectResponse(t, server, "GET", legacyFlowsPath+"/rich", "", 200, want.v1)
				checkDirectResponse(t, server, "GET", flowsPath+"/rich", "", 200, want.today+`, "update_date": "2000-01-01T01:00:00.000Z"}`)
			})
		})
	}
}

func TestPatchFlowV1ChangesGivenFields(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	synctest.Test(t, func(t *testing.T) {
		path, today := legacyFlowsPath+"/"+legacyFirstID, flowsPath+"/"+legacyFirstID
		const automatic = `"active": true, "trigger": {"type": "automatic"}, "revoke_after_in_sec": -1, `
		const all = `"settings": {"require_all_approvers": true}`
		checkDirectResponse(t, server, "POST", legacyFlowsPath, `{"name": "f", `+legacyFlow("3600")+`}`, 200, `{`+legacyCreated+`, "name": "f", `+legacyFlow("3600")+`}`)
		checkDirectResponse(t, server, "PATCH", path, `{`+automatic+`"approvers": [], "integration_targets": []}`, 200, `{`+legacyCreated+`, "name": "f",
			`+automatic+legacyGrantees+`, "approvers": [], `+legacySettings+`, `+legacyBundleTarget+`, "integration_targets": []}`)
		checkDirectResponse(t, server, "GET", today, "", 200, `{"id": "`+legacyFirstID+`", "creation_date": "2000-01-01T00:00:00.000Z",
			"update_date": "2000-01-01T00:00:00.000Z", "name": "f", "active": true, "trigger": "AUTOMATIC", "requestor_identity_type": "HUMAN",
			`+newestGrantees+`, `+newestSettings+`, "access_targets": [`+newestBundleTarget+`]}`)
		checkDirectResponse(t, server, "PATCH", path, `{"bundle_targets": [], `+legacyApprovers+`, `+all+`}`, 200, `{`+legacyCreated+`, "name": "f",
			`+automatic+legacyGrantees+`, `+legacyApprovers+`, `+legacySettings+`, "bundle_targets": [], "integration_targets": []}`)
		checkDirectResponse(t, server, "GET", today, "", 200, `{"id": "`+legacyFirstID+`", "creation_date": "2000-01-01T00:00:00.000Z",
			"update_date": "2000-01-01T00:00:00.000Z", "name": "f", "active": true, "trigger": "AUTOMATIC", "requestor_identity_type": "HUMAN",
			`+newestGrantees+`, `+newestApprovers+`, `+newestSettings+`, "access_targets": []}`)
	})
}

func TestPatchFlowV1KeepsOtherTargets(t *testing.T) {
	t.Parallel()
	const many = `, "resources_scopes": [{"scope_mode": "include_resources", "type": "NAME", "values": ["x", "y"]}]`
	for v1, want := range map[string]string{
		`"integration_targets": [], ` + legacyBundleTarget: newestBundleTarget + `,` + legacyScopeTarget,
		`"bundle_targets": [], "integration_targets": [` + legacyTarget(`{"name": "__name", "value": "x"}, {"name": "__name", "value": "y"}`, "") + `]`: newestTarget(many) + `,` + legacyScopeTarget,
	} {
		t.Run(v1, func(t *testing.T) {
			t.Parallel()
			server := accessServer(t)
			synctest.Test(t, func(t *testing.T) {
				const flow = `{"id": "f", "creation_date": "2000-01-01T00:00:00.000Z", "name": "f", "active": true, "trigger": "SELF_SERVE", "requestor_identity_type": "HUMAN",
					` + newestGrantees + `, ` + settingsOff + `, "access_targets": [`
				server.Put(aponotest.AccessFlows, json.RawMessage(flow+legacyScopeTarget+`,`+newestBundleTarget+`,`+newestTarget(many)+`]}`))
				checkDirectResponse(t, server, "PATCH", legacyFlowsPath+"/f", `{`+v1+`}`, 200, `{"id": "f", "created_date": 946684800.000000000, "name": "f",
					"active": true, "trigger": {"type": "user_request"}, "revoke_after_in_sec": -1, `+legacyGrantees+`, `+v1+`,
					"settings": {"require_justification_on_request_again": false, "require_approver_justification": false, "approver_cannot_approve_himself": false}}`)
				checkDirectResponse(t, server, "GET", flowsPath+"/f", "", 200, flow+want+`], "update_date": "2000-01-01T00:00:00.000Z"}`)
			})
		})
	}
}

func TestPatchFlowV1KeepsOtherSettings(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	synctest.Test(t, func(t *testing.T) {
		const rest = `"name": "f", "active": false, "trigger": {"type": "automatic"}, "grantees": [], "revoke_after_in_sec": -1,
			"integration_targets": [], "bundle_targets": [], ` + legacyApprovers
		made := `{` + rest + `, "settings": {"require_approver_justification": true}}`
		checkDirectResponse(t, server, "POST", legacyFlowsPath, made, 200, `{`+legacyCreated+`, `+made[1:])
		checkDirectResponse(t, server, "PATCH", legacyFlowsPath+"/"+legacyFirstID, `{"settings": {"require_all_approvers": true}}`, 200,
			`{`+legacyCreated+`, `+rest+`, "settings": {"require_approver_justification": true, "require_all_approvers": true}}`)
		checkDirectResponse(t, server, "GET", flowsPath+"/"+legacyFirstID, "", 200, `{"id": "`+legacyFirstID+`", "creation_date": "2000-01-01T00:00:00.000Z",
			"update_date": "2000-01-01T00:00:00.000Z", "name": "f", "active": false, "trigger": "AUTOMATIC", "requestor_identity_type": "HUMAN", "access_targets": [],
			"requestors": {"logical_operator": "OR", "conditions": []}, `+newestApprovers+`,
			"settings": {"justification_required": false, "require_approver_reason": true, "requestor_cannot_approve_himself": false,
				"require_mfa": false, "labels": []}}`)
	})
}
