package apono_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
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

// legacyTargetJSON is legacyTarget as the API writes it.
const legacyTargetJSON = `{
	"integration_id": "i1", "resource_type": "postgresql-database",
	"resource_tag_includes": [{"name": "__id", "value": "r1"}, {"name": "env", "value": "prod"}],
	"resource_tag_excludes": [{"name": "__name", "value": "billing"}],
	"permissions": ["READ_ONLY", "ADMIN"]
}`

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
	fake := script.New(t, script.Answer{Body: `{
		"data": [` + fixture(t, "legacy/access_flow.json") + `,` + fixture(t, "legacy/access_flow_minimal.json") + `],
		"pagination": {"total": 9, "limit": 2, "offset": 4}
	}`})
	page, err := newClient(t, fake).Legacy.AccessFlows.List(t.Context(), apono.ListAccessFlowsV1Options{Limit: 2, Skip: 4})
	check.NoError(t, err)
	check.Equal(t, page, &apono.OffsetPage[apono.AccessFlowV1]{
		Items: []*apono.AccessFlowV1{legacyFlow(), legacyFlowForAll()}, Total: 9, Limit: 2, Offset: 4,
	})
	sent(t, fake.Requests()[0], "GET", "/api/v1/access-flows", "limit=2&skip=4", "")
}

func TestGetLegacyAccessFlow(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Answer{Body: fixture(t, "legacy/access_flow.json")}, script.Answer{Body: fixture(t, "legacy/access_flow_minimal.json")},
	)
	client := newClient(t, fake)
	for i, want := range []*apono.AccessFlowV1{legacyFlow(), legacyFlowForAll()} {
		got, err := client.Legacy.AccessFlows.Get(t.Context(), "f1")
		check.NoError(t, err)
		check.Equal(t, got, want)
		sent(t, fake.Requests()[i], "GET", "/api/v1/access-flows/f1", "", "")
	}
}

func TestCreateAndUpdateLegacyAccessFlow(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Answer{Body: fixture(t, "legacy/access_flow.json")}, script.Answer{Body: fixture(t, "legacy/access_flow_minimal.json")},
	)
	client := newClient(t, fake).Legacy.AccessFlows
	flow := legacyFlow()
	got, err := client.Create(t.Context(), apono.CreateAccessFlowV1Input{
		Name: flow.Name, Active: flow.Active, Trigger: flow.Trigger, Grantees: flow.Grantees, IntegrationTargets: flow.IntegrationTargets,
		BundleTargets: flow.BundleTargets, Approvers: flow.Approvers, RevokeAfterInSec: flow.RevokeAfterInSec, Settings: flow.Settings,
	})
	check.NoError(t, err)
	check.Equal(t, got, legacyFlow())
	sent(t, fake.Requests()[0], "POST", "/api/v1/access-flows", "", fixture(t, "legacy/access_flow_input.json"))
	got, err = client.Update(t.Context(), "f1", apono.UpdateAccessFlowV1Input{
		Name: &flow.Name, Active: &flow.Active, Trigger: &flow.Trigger, Grantees: flow.Grantees, IntegrationTargets: flow.IntegrationTargets,
		BundleTargets: flow.BundleTargets, Approvers: flow.Approvers, RevokeAfterInSec: &flow.RevokeAfterInSec, Settings: flow.Settings,
	})
	check.NoError(t, err)
	check.Equal(t, got, legacyFlowForAll())
	sent(t, fake.Requests()[1], "PATCH", "/api/v1/access-flows/f1", "", fixture(t, "legacy/access_flow_input.json"))
}

// An update in part that sends what its caller did not set turns a flow off or
// empties its grantees, and one that leaves out what is empty cannot do so when
// it is asked to. Null for what is required is refused by the API.
func TestLegacyInputsSendWhatIsSetAndNothingElse(t *testing.T) {
	t.Parallel()
	createFlow := func(in apono.CreateAccessFlowV1Input) func(context.Context, *apono.Legacy) error {
		return func(ctx context.Context, l *apono.Legacy) error { _, err := l.AccessFlows.Create(ctx, in); return err }
	}
	updateFlow := func(in apono.UpdateAccessFlowV1Input) func(context.Context, *apono.Legacy) error {
		return func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessFlows.Update(ctx, "f1", in)
			return err
		}
	}
	createBundle := func(in apono.CreateAccessBundleV1Input) func(context.Context, *apono.Legacy) error {
		return func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessBundles.Create(ctx, in)
			return err
		}
	}
	updateBundle := func(in apono.UpdateAccessBundleV1Input) func(context.Context, *apono.Legacy) error {
		return func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessBundles.Update(ctx, "b1", in)
			return err
		}
	}
	request := func(in apono.CreateAccessRequestV3Input) func(context.Context, *apono.Legacy) error {
		return func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessRequests.Create(ctx, in)
			return err
		}
	}
	const emptyTarget = `{"integration_id": "", "resource_type": "", "resource_tag_includes": [], "resource_tag_excludes": [], "permissions": []}`
	for _, c := range []struct {
		name string
		call func(context.Context, *apono.Legacy) error
		body string
	}{
		{"zero update of a flow", updateFlow(apono.UpdateAccessFlowV1Input{}), `{}`},
		{
			"empty members in the update of a flow",
			updateFlow(apono.UpdateAccessFlowV1Input{
				Name: apono.Ptr(""), Active: apono.Ptr(false), Trigger: &apono.AccessFlowTriggerV1{Timeframe: &apono.TimeframeV1{}},
				Grantees: []apono.GranteeV1{}, IntegrationTargets: []apono.AccessTargetIntegrationV1{}, BundleTargets: []apono.AccessTargetBundleV1{},
				Approvers: []apono.ApproverV1{}, RevokeAfterInSec: apono.Ptr(0), Settings: &apono.AccessFlowSettingsV1{},
			}),
			`{
				"name": "", "active": false, "grantees": [], "integration_targets": [], "bundle_targets": [], "approvers": [],
				"trigger": {"type": "", "timeframe": {
					"start_of_day_time_in_seconds": 0, "end_of_day_time_in_seconds": 0, "days_in_week": [], "time_zone": ""
				}},
				"revoke_after_in_sec": 0, "settings": {}
			}`,
		},
		{
			"a flow turned off, and nothing else",
			updateFlow(apono.UpdateAccessFlowV1Input{Active: apono.Ptr(false), Settings: &apono.AccessFlowSettingsV1{RequireAllApprovers: apono.Ptr(false)}}),
			`{"active": false, "settings": {"require_all_approvers": false}}`,
		},
		{
			"zero flow", createFlow(apono.CreateAccessFlowV1Input{}),
			`{"name": "", "active": false, "trigger": {"type": ""}, "grantees": [], "revoke_after_in_sec": 0}`,
		},
		{
			"empty members in a flow",
			createFlow(apono.CreateAccessFlowV1Input{
				IntegrationTargets: []apono.AccessTargetIntegrationV1{{}}, BundleTargets: []apono.AccessTargetBundleV1{}, Approvers: []apono.ApproverV1{},
				RevokeAfterInSec: apono.RevokeNeverV1,
			}),
			`{
				"name": "", "active": false, "trigger": {"type": ""}, "grantees": [], "revoke_after_in_sec": -1,
				"integration_targets": [` + emptyTarget + `], "bundle_targets": [], "approvers": []
			}`,
		},
		{"zero bundle", createBundle(apono.CreateAccessBundleV1Input{}), `{"name": "", "integration_targets": []}`},
		{"zero update of a bundle", updateBundle(apono.UpdateAccessBundleV1Input{}), `{}`},
		{
			"empty members in the update of a bundle",
			updateBundle(apono.UpdateAccessBundleV1Input{Name: apono.Ptr(""), IntegrationTargets: []apono.AccessTargetIntegrationV1{}}),
			`{"name": "", "integration_targets": []}`,
		},
		{
			"zero request", request(apono.CreateAccessRequestV3Input{}),
			`{"user_id": "", "integration_id": "", "resource_ids": [], "permissions": [], "justification": ""}`,
		},
		{
			"a request for no time", request(apono.CreateAccessRequestV3Input{DurationInSec: apono.Ptr(0)}),
			`{"user_id": "", "integration_id": "", "resource_ids": [], "permissions": [], "justification": "", "duration_in_sec": 0}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Answer{Body: `{}`})
			check.NoError(t, c.call(t.Context(), newClient(t, fake).Legacy))
			check.JSON(t, fake.Requests()[0].Body, c.body)
		})
	}
}

// A PATCH or POST that is sent again after a failure that leaves open whether it
// was carried out may undo what somebody else changed meanwhile, or make a
// second object. One that the server refused for its rate is sent again.
func TestLegacyChangesAreNotRepeatedWhenTheyMayHaveBeenMade(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context, *apono.Legacy) error{
		"update of a flow": func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessFlows.Update(ctx, "f1", apono.UpdateAccessFlowV1Input{Active: apono.Ptr(true)})
			return err
		},
		"update of a bundle": func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessBundles.Update(ctx, "b1", apono.UpdateAccessBundleV1Input{Name: apono.Ptr("b")})
			return err
		},
		"request": func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessRequests.Create(ctx, apono.CreateAccessRequestV3Input{})
			return err
		},
		"revocation": func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessRequests.RevokeMany(ctx, []string{"ar-1"})
			return err
		},
		"reset": func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessRequests.ResetCredentials(ctx, "ar-1")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, answer := range []script.Answer{
					{Status: 408}, {Status: 500}, {Status: 502}, {Status: 503}, {Status: 504}, {Err: errReset},
					{Body: `{"id":`, BodyErr: io.ErrUnexpectedEOF}, {Delay: time.Hour},
				} {
					fake := script.New(t, answer)
					check.True(t, call(t.Context(), newClient(t, fake).Legacy) != nil, "an error after %+v", answer)
					check.Equal(t, len(fake.Requests()), 1)
				}
				fake := script.New(t, script.Answer{Status: 429, Header: map[string]string{"Retry-After": "7"}}, script.Answer{Body: `{}`})
				check.NoError(t, call(t.Context(), newClient(t, fake).Legacy))
				check.Equal(t, waits(fake), []time.Duration{7 * time.Second})
				check.Equal(t, fake.Requests()[1].Body, fake.Requests()[0].Body)
			})
		})
	}
}

const (
	legacyBundleInput = `{"name": "Orders on-call", "integration_targets": [` + legacyTargetJSON + `]}`
	legacyBundleJSON  = `{"id": "b1", "name": "Orders on-call", "integration_targets": [` + legacyTargetJSON + `]}`
)

func legacyBundle() *apono.AccessBundleV1 {
	return &apono.AccessBundleV1{ID: "b1", Name: "Orders on-call", IntegrationTargets: []apono.AccessTargetIntegrationV1{legacyTarget()}}
}

func TestListLegacyAccessBundles(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{
		"data": [` + legacyBundleJSON + `, {"id": "b2", "name": "", "integration_targets": []}], "pagination": {"total": 9, "limit": 2, "offset": 4}
	}`})
	page, err := newClient(t, fake).Legacy.AccessBundles.List(t.Context(), apono.ListAccessBundlesV1Options{Limit: 2, Skip: 4})
	check.NoError(t, err)
	check.Equal(t, page, &apono.OffsetPage[apono.AccessBundleV1]{
		Items: []*apono.AccessBundleV1{legacyBundle(), {ID: "b2", IntegrationTargets: []apono.AccessTargetIntegrationV1{}}}, Total: 9, Limit: 2, Offset: 4,
	})
	sent(t, fake.Requests()[0], "GET", "/api/v1/access-bundles", "limit=2&skip=4", "")
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
			return s.Update(t.Context(), "b1", apono.UpdateAccessBundleV1Input{Name: apono.Ptr("Orders on-call"), IntegrationTargets: targets})
		}},
	} {
		fake := script.New(t, script.Answer{Body: legacyBundleJSON})
		got, err := c.call(newClient(t, fake).Legacy.AccessBundles)
		check.NoError(t, err)
		check.Equal(t, got, legacyBundle())
		sent(t, fake.Requests()[0], c.method, c.path, "", c.body)
	}
}
