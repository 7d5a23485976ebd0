package apono_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// legacyFlow returns the object in legacy/access_flow.json.
func legacyFlow() *apono.AccessFlowV1 {
	return &apono.AccessFlowV1{
		ID: "f1", Name: "Orders on call", Active: true,
		Trigger: apono.AccessFlowTriggerV1{
			Type: apono.AccessFlowTriggerTypeV1UserRequest,
			Timeframe: &apono.TimeframeV1{
				StartOfDayTimeInSeconds: 28800, EndOfDayTimeInSeconds: 64800,
				DaysInWeek: []apono.DayOfWeek{apono.DayOfWeekMonday, apono.DayOfWeekFriday}, TimeZone: "Europe/Berlin",
			},
		},
		Grantees:           []apono.GranteeV1{{ID: "u1", Type: apono.IdentityTypeV1User}, {ID: "g1", Type: "GROUP"}},
		IntegrationTargets: []apono.AccessTargetIntegrationV1{legacyTarget()},
		BundleTargets:      []apono.AccessTargetBundleV1{{BundleID: "b1"}},
		Approvers:          []apono.ApproverV1{{ID: "u2", Type: apono.IdentityTypeV1ContextAttribute}},
		RevokeAfterInSec:   3600,
		Settings: &apono.AccessFlowSettingsV1{
			RequireJustificationOnRequestAgain: new(true), RequireAllApprovers: new(false),
			RequireApproverJustification: new(true), ApproverCannotApproveHimself: new(false),
		},
		CreatedDate: legacyTime(),
	}
}

func legacyTarget() apono.AccessTargetIntegrationV1 {
	return apono.AccessTargetIntegrationV1{
		IntegrationID: "i1", ResourceType: "postgresql-database",
		ResourceTagIncludes: []apono.TagV1{{Name: "__id", Value: "r1"}, {Name: "env", Value: "prod"}},
		ResourceTagExcludes: []apono.TagV1{{Name: "__name", Value: "billing"}},
		Permissions:         []string{"READ_ONLY", "ADMIN"},
	}
}

// legacyFlowForAll returns the object in legacy/access_flow_minimal.json. Its trigger is
// not one of the constants.
func legacyFlowForAll() *apono.AccessFlowV1 {
	return &apono.AccessFlowV1{
		ID: "f2", Name: "Everybody", Trigger: apono.AccessFlowTriggerV1{Type: "on_shift"}, Grantees: []apono.GranteeV1{},
		IntegrationTargets: []apono.AccessTargetIntegrationV1{}, BundleTargets: []apono.AccessTargetBundleV1{},
		RevokeAfterInSec: apono.RevokeNeverV1, CreatedDate: time.Date(2023, 10, 2, 16, 14, 25, 0, time.UTC),
	}
}

func TestListLegacyAccessFlows(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"data": [` + apitest.Fixture(t, "legacy/access_flow.json") + `,` + apitest.Fixture(t, "legacy/access_flow_minimal.json") + `],
		"pagination": {"total": 9, "limit": 2, "offset": 4}
	}`})
	page, err := apitest.NewClient(t, fake).Legacy.AccessFlows.List(t.Context(), apono.ListAccessFlowsV1Options{Limit: 2, Skip: 4})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.AccessFlowV1]{
		Items: []*apono.AccessFlowV1{legacyFlow(), legacyFlowForAll()}, Total: 9, Limit: 2, Offset: 4,
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v1/access-flows", "limit=2&skip=4", "")
}

func TestGetLegacyAccessFlow(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "legacy/access_flow.json")}, script.Response{Body: apitest.Fixture(t, "legacy/access_flow_minimal.json")},
	)
	client := apitest.NewClient(t, fake)
	for i, want := range []*apono.AccessFlowV1{legacyFlow(), legacyFlowForAll()} {
		got, err := client.Legacy.AccessFlows.Get(t.Context(), "f1")
		require.NoError(t, err)
		require.Equal(t, want, got)
		apitest.Sent(t, fake.Requests()[i], "GET", "/api/v1/access-flows/f1", "", "")
	}
}

func TestCreateAndUpdateLegacyAccessFlow(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "legacy/access_flow.json")}, script.Response{Body: apitest.Fixture(t, "legacy/access_flow_minimal.json")},
	)
	client := apitest.NewClient(t, fake).Legacy.AccessFlows
	flow := legacyFlow()
	got, err := client.Create(t.Context(), apono.CreateAccessFlowV1Input{
		Name: flow.Name, Active: flow.Active, Trigger: flow.Trigger, Grantees: flow.Grantees, IntegrationTargets: flow.IntegrationTargets,
		BundleTargets: flow.BundleTargets, Approvers: flow.Approvers, RevokeAfterInSec: flow.RevokeAfterInSec, Settings: flow.Settings,
	})
	require.NoError(t, err)
	require.Equal(t, legacyFlow(), got)
	apitest.Sent(t, fake.Requests()[0], "POST", "/api/v1/access-flows", "", apitest.Fixture(t, "legacy/access_flow_input.json"))
	got, err = client.Update(t.Context(), "f1", apono.UpdateAccessFlowV1Input{
		Name: &flow.Name, Active: &flow.Active, Trigger: &flow.Trigger, Grantees: flow.Grantees, IntegrationTargets: flow.IntegrationTargets,
		BundleTargets: flow.BundleTargets, Approvers: flow.Approvers, RevokeAfterInSec: &flow.RevokeAfterInSec, Settings: flow.Settings,
	})
	require.NoError(t, err)
	require.Equal(t, legacyFlowForAll(), got)
	apitest.Sent(t, fake.Requests()[1], "PATCH", "/api/v1/access-flows/f1", "", apitest.Fixture(t, "legacy/access_flow_input.json"))
}

// Everything in a flow of version 1 must be in the input or in a note. Settings that only
// version 2 has must not change.
func TestMigrationIsCompleteOrNoted(t *testing.T) {
	t.Parallel()
	const old = `{"id": "f1", "name": "n", "active": true, "trigger": {"type": "user_request", "timeframe": {
			"start_of_day_time_in_seconds": 28800, "end_of_day_time_in_seconds": 64800, "days_in_week": ["MONDAY"], "time_zone": "UTC"}},
		"grantees": [{"id": "u1", "type": "USER"}], "approvers": [{"id": "g1", "type": "group"}], "revoke_after_in_sec": 3600,
		"integration_targets": [{"integration_id": "i1", "resource_type": "db", "permissions": ["READ"],
			"resource_tag_includes": [{"name": "env", "value": "prod"}], "resource_tag_excludes": [{"name": "__name", "value": "tmp"}]}],
		"bundle_targets": [{"bundle_id": "b1"}], "created_date": 1700000000.5,
		"settings": {"require_justification_on_request_again": false, "require_all_approvers": false,
			"require_approver_justification": false, "approver_cannot_approve_himself": false}}`
	convert := func(text string, base apono.AccessFlowInput) (string, []string) {
		var flow apono.AccessFlowV1
		require.NoError(t, json.Unmarshal([]byte(text), &flow))
		var m migration
		data, err := json.Marshal(m.flow(&flow, base))
		require.NoError(t, err)
		return string(data), m.notes
	}
	base := apono.AccessFlowInput{
		Description: new("kept"), RequestorIdentityType: apono.RequestorIdentityTypeHuman,
		RequestFor:       &apono.RequestForInput{RequestScopes: []apono.RequestScope{"others"}},
		EscalationPolicy: &apono.EscalationPolicyInput{IntervalInMin: new(5), ApproverGroups: []apono.ApproverGroupInput{}},
		AccessTargets:    []apono.AccessTargetInput{{QueryTarget: &apono.QueryTarget{Query: "q"}}, {Bundle: &apono.TargetBundleInput{BundleReference: "gone"}}},
		Settings:         apono.AccessFlowSettings{RequireMFA: true, Labels: []string{"l"}, MaxExtensions: new(2), ExtensionDurationInMin: new(3)},
		Extra:            apono.Extra{"newer": json.RawMessage(`1`)},
	}
	whole, notes := convert(old, base)
	require.Empty(t, notes)
	apitest.JSONEq(t, `{"name": "n", "active": true, "trigger": "SELF_SERVE", "description": "kept", "requestor_identity_type": "HUMAN",
		"requestors": {"logical_operator": "OR", "conditions": [{"type": "user", "match_operator": "is", "values": ["u1"]}]},
		"request_for": {"request_scopes": ["others"]}, "request_for_others": false, "grant_duration_in_min": 60,
		"access_targets": [
			{"integration": {"integration_reference": "i1", "resource_type": "db", "permissions": ["READ"], "resources_scopes": [
				{"scope_mode": "include_resources", "type": "TAG", "key": "env", "values": ["prod"]},
				{"scope_mode": "exclude_resources", "type": "NAME", "values": ["tmp"]}]}},
			{"bundle": {"bundle_reference": "b1"}}, {"query_target": {"query": "q"}}],
		"approver_policy": {"approval_mode": "ANY_OF", "approver_groups": [
			{"logical_operator": "OR", "approvers": [{"type": "group", "match_operator": "is", "values": ["g1"]}]}]},
		"escalation_policy": {"interval_in_min": 5, "approver_groups": []},
		"timeframe": {"start_time": "08:00", "end_time": "18:00", "days_of_week": ["MONDAY"], "time_zone": "UTC"},
		"settings": {"justification_required": false, "require_approver_reason": false, "requestor_cannot_approve_himself": false,
			"require_mfa": true, "labels": ["l"], "max_extensions": 2, "extension_duration_in_min": 3},
		"newer": 1}`, whole)
	for _, change := range [][2]string{
		{`"n"`, `"m"`}, {`"active": true`, `"active": false`}, {"user_request", "automatic"}, {"user_request", "newer"},
		{"28800", "28801"}, {"64800", "64860"}, {"MONDAY", "FRIDAY"}, {`"UTC"`, `"Europe/Berlin"`}, {`"u1"`, `"u2"`}, {"USER", "group"},
		{"USER", "context_attribute"}, {`"g1"`, `"g2"`}, {`"group"`, `"context_attribute"`}, {"3600", "-1"}, {"3600", "3630"}, {"3600", "60"},
		{`"i1"`, `"i2"`}, {`"db"`, `"dbs"`}, {"READ", "WRITE"}, {`"env"`, `"stage"`}, {"prod", "qa"}, {"__name", "__id"}, {"tmp", "old"}, {"b1", "b2"},
		{`[{"name": "env"`, `[{"name": "a", "value": "b"}, {"name": "env"`},
		{`on_request_again": false`, `on_request_again": true`}, {`all_approvers": false`, `all_approvers": true`},
		{`approver_justification": false`, `approver_justification": true`}, {`himself": false`, `himself": true`},
		{`"id": "f1"`, `"newer": 1, "id": "f1"`}, {`"type": "user_request"`, `"newer": 1, "type": "user_request"`},
		{`"time_zone"`, `"newer": 1, "time_zone"`}, {`"id": "u1"`, `"newer": 1, "id": "u1"`}, {`"id": "g1"`, `"newer": 1, "id": "g1"`},
		{`"integration_id"`, `"newer": 1, "integration_id"`}, {`"name": "env"`, `"newer": 1, "name": "env"`},
		{`"bundle_id"`, `"newer": 1, "bundle_id"`}, {`"require_all`, `"newer": 1, "require_all`},
	} {
		require.Contains(t, old, change[0])
		in, notes := convert(strings.Replace(old, change[0], change[1], 1), base)
		require.True(t, in != whole || len(notes) > 0, "%s has no effect", change)
	}

	// Requestors and approvers of version 2 are kept if they are the same identities.
	base.Requestors = apono.ConditionGroupInput{LogicalOperator: apono.LogicalOperatorAnd, Conditions: []apono.ConditionInput{
		{Type: "user", Values: []string{"u1"}, SourceIntegrationReference: new("okta")},
	}}
	base.ApproverPolicy = &apono.ApproverPolicyInput{ApprovalMode: apono.ApprovalModeAllOf, ApproverGroups: []apono.ApproverGroupInput{
		{LogicalOperator: apono.LogicalOperatorAnd, Approvers: []apono.ConditionInput{{Type: "group", Values: []string{"g1"}}}},
	}}
	kept, notes := convert(old, base)
	require.Empty(t, notes)
	require.Contains(t, kept, `"source_integration_reference":"okta"`)
	require.Contains(t, kept, `"approval_mode":"ALL_OF"`)
}
