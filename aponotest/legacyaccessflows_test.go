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

// Version 1 shows neither agents, nor spaces, nor targets by query. A change
// through it must leave them.
func TestVersion1LeavesWhatCameWithSpaces(t *testing.T) {
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
		status, answer := ask(t, server, "PATCH", path, body)
		require.Equalf(t, 200, status, "a change, got %d %s", status, answer)
	}
	_, flow := ask(t, server, "GET", flowsPath+"/f", "")
	for _, part := range []string{
		space, query, `"requestor_identity_type":"AGENT"`, `"name":"g"`, `"bundle_id":"b"`,
	} {
		require.Contains(t, flow, part)
	}
	_, bundle := ask(t, server, "GET", bundlesPath+"/b", "")
	for _, part := range []string{
		space, query, `"description":"kept"`, `"name":"c"`, `"integration_id":"int-1"`,
	} {
		require.Contains(t, bundle, part)
	}
}

// legacyMade is what version 1 adds to a flow that was made at the start of a
// bubble.
const legacyMade = `"id": "` + legacyFirstID + `", "created_date": 946684800.000000000`

func TestFlowsOfVersion1AreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	const least = `"name": "f", "active": false, "trigger": {"type": "automatic"}, "grantees": []`
	const none = `, "integration_targets": [], "bundle_targets": []`
	for name, test := range map[string]struct{ body, want string }{
		"least":              {least + `, "revoke_after_in_sec": 3600`, none},
		"never":              {least + `, "revoke_after_in_sec": -1`, none},
		"at once":            {least + `, "revoke_after_in_sec": 0`, none},
		"no whole minutes":   {least + `, "revoke_after_in_sec": 90`, none},
		"empty lists":        {least + none + `, "revoke_after_in_sec": 60, "approvers": [], "settings": {}`, ""},
		"some settings":      {least + `, "revoke_after_in_sec": 60, "settings": {"require_approver_justification": true, "approver_cannot_approve_himself": false}`, none},
		"all of no approver": {least + `, "revoke_after_in_sec": 60, "settings": {"require_all_approvers": true}`, none},
		"seconds of the day": {`"name": "f", "active": true, "grantees": [], "revoke_after_in_sec": 60, "trigger": {"type": "user_request", "timeframe": {
			"start_of_day_time_in_seconds": 1, "end_of_day_time_in_seconds": 86400, "days_in_week": ["SUNDAY"], "time_zone": "UTC"}}`, none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := accessServer(t)
			synctest.Test(t, func(t *testing.T) {
				want := `{` + legacyMade + `, ` + test.body + test.want + `}`
				accessAnswers(t, server, "POST", legacyFlowsPath, `{`+test.body+`}`, 200, want)
				accessAnswers(t, server, "GET", legacyFlowsPath+"/"+legacyFirstID, "", 200, want)
				accessAnswers(t, server, "GET", legacyFlowsPath, "", 200, legacyPage(1, want))
			})
		})
	}
}

// The parts of a flow in version 1, and those that they are today.
const (
	legacyTrigger = `"trigger": {"type": "user_request", "timeframe": {"start_of_day_time_in_seconds": 28800,
		"end_of_day_time_in_seconds": 63000, "days_in_week": ["SUNDAY", "MONDAY"], "time_zone": "Europe/Berlin"}}`
	legacyTriggerToday = `"trigger": "SELF_SERVE", "requestor_identity_type": "HUMAN", "timeframe": {"start_time": "08:00", "end_time": "17:30",
		"days_of_week": ["SUNDAY", "MONDAY"], "time_zone": "Europe/Berlin"}`

	legacyGrantees      = `"grantees": [{"id": "z", "type": "user"}, {"id": "a", "type": "group"}]`
	legacyGranteesToday = `"requestors": {"logical_operator": "OR", "conditions": [
		{"type": "user", "match_operator": "is", "values": ["z"]}, {"type": "group", "match_operator": "is", "values": ["a"]}]}`

	legacyApprovers      = `"approvers": [{"id": "b", "type": "user"}, {"id": "a", "type": "user"}]`
	legacyApproversToday = `"approver_policy": {"approval_mode": "ANY_OF", "approver_groups": [{"logical_operator": "AND", "approvers": [
		{"type": "user", "match_operator": "is", "values": ["b"]}, {"type": "user", "match_operator": "is", "values": ["a"]}]}]}`

	legacySettings = `"settings": {"require_justification_on_request_again": true, "require_all_approvers": true,
		"require_approver_justification": false, "approver_cannot_approve_himself": true}`
	legacySettingsToday = `"settings": {"justification_required": true, "require_approver_reason": false,
		"requestor_cannot_approve_himself": true, "require_mfa": false, "labels": []}`

	legacyBundleTarget      = `"bundle_targets": [{"bundle_id": "bundle-1"}]`
	legacyBundleTargetToday = `{"bundle": {"bundle_id": "bundle-1", "bundle_name": "Reading"}}`
)

// legacyFlow is a flow of version 1 without its name.
func legacyFlow(seconds string) string {
	return `"active": true, "revoke_after_in_sec": ` + seconds + `, ` + legacyTrigger + `, ` + legacyGrantees + `, ` + legacyApprovers + `, ` +
		legacySettings + `, ` + legacyBundleTarget + `, "integration_targets": [` + legacyTarget(legacyTags, legacyExcludes) + `]`
}

// legacyFlowToday is the same flow in today's form.
const legacyFlowToday = `"active": true, ` + legacyTriggerToday + `, ` + legacyGranteesToday + `, ` + legacyApproversToday + `, ` + legacySettingsToday

func TestFlowsOfVersion1AndOfTodayAreTheSame(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	synctest.Test(t, func(t *testing.T) {
		path, today := legacyFlowsPath+"/"+legacyFirstID, flowsPath+"/"+legacyFirstID
		accessAnswers(t, server, "POST", legacyFlowsPath, `{"name": "f", `+legacyFlow("90")+`}`, 200, `{`+legacyMade+`, "name": "f", `+legacyFlow("90")+`}`)
		accessAnswers(t, server, "GET", today, "", 200, `{"id": "`+legacyFirstID+`", "creation_date": "2000-01-01T00:00:00.000Z", "name": "f",
			`+legacyFlowToday+`, "grant_duration_in_min": 2, "access_targets": [`+legacyTargetToday(legacyScopes)+`,`+legacyBundleTargetToday+`]}`)

		// What is changed today is seen through version 1, and the rest stays to the
		// letter.
		changed := `"name": "g", "active": true, ` + legacyTriggerToday + `, ` + legacyGranteesToday + `, ` + legacyApproversToday + `, ` + settingsOff
		time.Sleep(time.Hour)
		accessAnswers(t, server, "PUT", today, `{"request_for_others": false, "grant_duration_in_min": 2,
			"access_targets": [{"bundle": {"bundle_reference": "Reading"}}], `+changed+`}`, 200,
			`{"id": "`+legacyFirstID+`", "creation_date": "2000-01-01T00:00:00.000Z", "update_date": "2000-01-01T01:00:00.000Z",
			"grant_duration_in_min": 2, "access_targets": [`+legacyBundleTargetToday+`], `+changed+`}`)
		accessAnswers(t, server, "GET", path, "", 200, `{`+legacyMade+`, "name": "g", "active": true, "revoke_after_in_sec": 90,
			`+legacyTrigger+`, `+legacyGrantees+`, `+legacyApprovers+`, `+legacyBundleTarget+`, "integration_targets": [],
			"settings": {"require_justification_on_request_again": false, "require_all_approvers": true,
				"require_approver_justification": false, "approver_cannot_approve_himself": false}}`)
	})
}

// A switch or an approver that was not given through version 1 and is put there
// today is there in version 1 too.
func TestWhatVersion1DidNotGiveIsSeenWhenItChanges(t *testing.T) {
	t.Parallel()
	const rest = `"name": "f", "active": false, "trigger": {"type": "automatic"}, "grantees": [], "revoke_after_in_sec": -1,
		"integration_targets": [], "bundle_targets": []`
	for changed, want := range map[string]string{
		settingsOff: ``,
		legacySettingsToday: `, "settings": {"require_justification_on_request_again": true,
			"require_approver_justification": false, "approver_cannot_approve_himself": true}`,
		settingsOff + `, ` + legacyApproversToday: `, ` + legacyApprovers + `, "settings": {"require_justification_on_request_again": false,
			"require_all_approvers": true, "require_approver_justification": false, "approver_cannot_approve_himself": false}`,
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			server := accessServer(t)
			synctest.Test(t, func(t *testing.T) {
				accessAnswers(t, server, "POST", legacyFlowsPath, `{`+rest+`}`, 200, `{`+legacyMade+`, `+rest+`}`)
				today := `"name": "f", "active": false, "trigger": "AUTOMATIC", "requestor_identity_type": "HUMAN", "requestors": {"logical_operator": "OR", "conditions": []}, "access_targets": [], ` + changed
				accessAnswers(t, server, "PUT", flowsPath+"/"+legacyFirstID, `{"request_for_others": false, `+today+`}`, 200,
					`{"id": "`+legacyFirstID+`", "creation_date": "2000-01-01T00:00:00.000Z", "update_date": "2000-01-01T00:00:00.000Z", `+today+`}`)
				accessAnswers(t, server, "GET", legacyFlowsPath+"/"+legacyFirstID, "", 200, `{`+legacyMade+`, `+rest+want+`}`)
			})
		})
	}
}

func TestFlowsAreGoneInAllVersions(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	for id, deleted := range map[string]func(){
		"a": func() { answers(t, server, "DELETE", flowsPath+"/a", "", 204, "") },
		"b": func() {
			answers(t, server, "DELETE", legacyFlowsPath+"/b", "", 200, `{"message": "The access flow was deleted"}`)
		},
	} {
		server.Put(aponotest.AccessFlows, json.RawMessage(`{"id": "`+id+`", "name": "n", `+smallFlow+`}`))
		deleted()
		missing := `{"message": "access flow \"` + id + `\" not found"}`
		answers(t, server, "GET", flowsPath+"/"+id, "", 404, missing)
		answers(t, server, "GET", legacyFlowsPath+"/"+id, "", 404, missing)
		answers(t, server, "PATCH", legacyFlowsPath+"/"+id, `{}`, 404, missing)
		answers(t, server, "DELETE", legacyFlowsPath+"/"+id, "", 404, missing)
		answers(t, server, "GET", legacyFlowsPath, "", 200, legacyPage(0, ""))
	}
}

// legacyRichFlow is a flow of which version 1 shows a part only; the members
// that a change may replace are given.
func legacyRichFlow(name, active, duration, settings, requestors string) string {
	return `{"id": "rich", "creation_date": "2000-01-01T00:00:00.000Z", "name": "` + name + `", "description": "", "active": ` + active + `,
		` + legacyTriggerToday + `, "requestors": ` + requestors + `,
		"request_for": {"request_scopes": ["others"], "grantees": {"logical_operator": "AND", "conditions": [{"type": "Owner"}]}},
		"approver_policy": {"approval_mode": "ALL_OF", "approver_groups": [
			{"logical_operator": "AND", "approvers": [{"type": "manager"}, {"type": "user", "match_operator": "is_not", "values": ["x", "y"]}]},
			{"logical_operator": "OR", "approvers": [{"type": "group", "match_operator": "contains", "values": ["z"], ` + readSource + `}]}]},
		"escalation_policy": {"interval_in_min": 30, "approver_groups": []}, "grant_duration_in_min": ` + duration + `,
		"access_targets": [` + legacyScopeTarget + `,` + legacyBundleTargetToday + `,` + legacyTargetToday(legacyScopes) + `],
		"settings": {"justification_required": true, ` + settings + `, "requestor_cannot_approve_himself": false,
			"require_mfa": true, "labels": ["b", "a"], "max_extensions": 0}`
}

const (
	legacyReason     = `"require_approver_reason": true`
	legacyRequestors = `{"logical_operator": "AND", "conditions": [{"type": "Owner"}, {"type": "user", "match_operator": "is_not", "values": ["u", "v"], ` + readSource + `}]}`
)

// legacyRichFlowV1 is what version 1 shows of the flow.
func legacyRichFlowV1(name, active, seconds, reason, grantees string) string {
	return `{"id": "rich", "created_date": 946684800.000000000, "name": "` + name + `", "active": ` + active + `, "revoke_after_in_sec": ` + seconds + `,
		` + legacyTrigger + `, "grantees": ` + grantees + `, ` + legacyBundleTarget + `, "integration_targets": [` + legacyTarget(legacyTags, legacyExcludes) + `],
		"approvers": [{"id": "x", "type": "user"}, {"id": "y", "type": "user"}, {"id": "z", "type": "group"}],
		"settings": {"require_justification_on_request_again": true, "require_all_approvers": false,
			"require_approver_justification": ` + reason + `, "approver_cannot_approve_himself": false}}`
}

// Whoever changes one member of a flow through version 1 must not lose, with all
// the rest, what version 1 cannot show: the flow would let in others, or need
// the approval of others, than its owner has said.
func TestPatchOfAFlowLeavesTheRest(t *testing.T) {
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
				accessAnswers(t, server, "GET", legacyFlowsPath+"/rich", "", 200, first)
				time.Sleep(time.Hour)
				accessAnswers(t, server, "PATCH", legacyFlowsPath+"/rich", body, 200, want.v1)
				accessAnswers(t, server, "GET", legacyFlowsPath+"/rich", "", 200, want.v1)
				accessAnswers(t, server, "GET", flowsPath+"/rich", "", 200, want.today+`, "update_date": "2000-01-01T01:00:00.000Z"}`)
			})
		})
	}
}

func TestPatchOfAFlowChangesWhatItNames(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	synctest.Test(t, func(t *testing.T) {
		path, today := legacyFlowsPath+"/"+legacyFirstID, flowsPath+"/"+legacyFirstID
		const automatic = `"active": true, "trigger": {"type": "automatic"}, "revoke_after_in_sec": -1, `
		const all = `"settings": {"require_all_approvers": true}`
		accessAnswers(t, server, "POST", legacyFlowsPath, `{"name": "f", `+legacyFlow("3600")+`}`, 200, `{`+legacyMade+`, "name": "f", `+legacyFlow("3600")+`}`)
		accessAnswers(t, server, "PATCH", path, `{`+automatic+`"approvers": [], "integration_targets": []}`, 200, `{`+legacyMade+`, "name": "f",
			`+automatic+legacyGrantees+`, "approvers": [], `+legacySettings+`, `+legacyBundleTarget+`, "integration_targets": []}`)
		accessAnswers(t, server, "GET", today, "", 200, `{"id": "`+legacyFirstID+`", "creation_date": "2000-01-01T00:00:00.000Z",
			"update_date": "2000-01-01T00:00:00.000Z", "name": "f", "active": true, "trigger": "AUTOMATIC", "requestor_identity_type": "HUMAN",
			`+legacyGranteesToday+`, `+legacySettingsToday+`, "access_targets": [`+legacyBundleTargetToday+`]}`)
		accessAnswers(t, server, "PATCH", path, `{"bundle_targets": [], `+legacyApprovers+`, `+all+`}`, 200, `{`+legacyMade+`, "name": "f",
			`+automatic+legacyGrantees+`, `+legacyApprovers+`, `+legacySettings+`, "bundle_targets": [], "integration_targets": []}`)
		accessAnswers(t, server, "GET", today, "", 200, `{"id": "`+legacyFirstID+`", "creation_date": "2000-01-01T00:00:00.000Z",
			"update_date": "2000-01-01T00:00:00.000Z", "name": "f", "active": true, "trigger": "AUTOMATIC", "requestor_identity_type": "HUMAN",
			`+legacyGranteesToday+`, `+legacyApproversToday+`, `+legacySettingsToday+`, "access_targets": []}`)
	})
}

func TestPatchOfTargetsLeavesThoseOfOtherKinds(t *testing.T) {
	t.Parallel()
	const many = `, "resources_scopes": [{"scope_mode": "include_resources", "type": "NAME", "values": ["x", "y"]}]`
	for v1, want := range map[string]string{
		`"integration_targets": [], ` + legacyBundleTarget: legacyBundleTargetToday + `,` + legacyScopeTarget,
		`"bundle_targets": [], "integration_targets": [` + legacyTarget(`{"name": "__name", "value": "x"}, {"name": "__name", "value": "y"}`, "") + `]`: legacyTargetToday(many) + `,` + legacyScopeTarget,
	} {
		t.Run(v1, func(t *testing.T) {
			t.Parallel()
			server := accessServer(t)
			synctest.Test(t, func(t *testing.T) {
				const flow = `{"id": "f", "creation_date": "2000-01-01T00:00:00.000Z", "name": "f", "active": true, "trigger": "SELF_SERVE", "requestor_identity_type": "HUMAN",
					` + legacyGranteesToday + `, ` + settingsOff + `, "access_targets": [`
				server.Put(aponotest.AccessFlows, json.RawMessage(flow+legacyScopeTarget+`,`+legacyBundleTargetToday+`,`+legacyTargetToday(many)+`]}`))
				accessAnswers(t, server, "PATCH", legacyFlowsPath+"/f", `{`+v1+`}`, 200, `{"id": "f", "created_date": 946684800.000000000, "name": "f",
					"active": true, "trigger": {"type": "user_request"}, "revoke_after_in_sec": -1, `+legacyGrantees+`, `+v1+`,
					"settings": {"require_justification_on_request_again": false, "require_approver_justification": false, "approver_cannot_approve_himself": false}}`)
				accessAnswers(t, server, "GET", flowsPath+"/f", "", 200, flow+want+`], "update_date": "2000-01-01T00:00:00.000Z"}`)
			})
		})
	}
}

func TestPatchOfSettingsLeavesTheOtherSettings(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	synctest.Test(t, func(t *testing.T) {
		const rest = `"name": "f", "active": false, "trigger": {"type": "automatic"}, "grantees": [], "revoke_after_in_sec": -1,
			"integration_targets": [], "bundle_targets": [], ` + legacyApprovers
		made := `{` + rest + `, "settings": {"require_approver_justification": true}}`
		accessAnswers(t, server, "POST", legacyFlowsPath, made, 200, `{`+legacyMade+`, `+made[1:])
		accessAnswers(t, server, "PATCH", legacyFlowsPath+"/"+legacyFirstID, `{"settings": {"require_all_approvers": true}}`, 200,
			`{`+legacyMade+`, `+rest+`, "settings": {"require_approver_justification": true, "require_all_approvers": true}}`)
		accessAnswers(t, server, "GET", flowsPath+"/"+legacyFirstID, "", 200, `{"id": "`+legacyFirstID+`", "creation_date": "2000-01-01T00:00:00.000Z",
			"update_date": "2000-01-01T00:00:00.000Z", "name": "f", "active": false, "trigger": "AUTOMATIC", "requestor_identity_type": "HUMAN", "access_targets": [],
			"requestors": {"logical_operator": "OR", "conditions": []}, `+legacyApproversToday+`,
			"settings": {"justification_required": false, "require_approver_reason": true, "requestor_cannot_approve_himself": false,
				"require_mfa": false, "labels": []}}`)
	})
}
