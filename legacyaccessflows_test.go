package apono_test

import (
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// legacyFlow is what legacy/access_flow.json holds.
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
			RequireJustificationOnRequestAgain: apono.Ptr(true), RequireAllApprovers: apono.Ptr(false),
			RequireApproverJustification: apono.Ptr(true), ApproverCannotApproveHimself: apono.Ptr(false),
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

// legacyFlowForAll is what legacy/access_flow_minimal.json holds. Its trigger is
// none of the constants.
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
