package apono_test

import (
	"context"
	"fmt"
	"log"
	"maps"
	"slices"
	"strings"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
)

// migration converts an access flow of version 1 to an input of version 2. It notes what
// cannot be converted exactly.
type migration struct{ notes []string }

func (m *migration) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}

// flow converts a flow. Settings that version 1 does not have are taken from base. It is
// the UpdateInput of the same flow in version 2, or an empty input for a new flow.
func (m *migration) flow(old *apono.AccessFlowV1, base apono.AccessFlowInput) apono.AccessFlowInput {
	in := base // has the description, escalation, labels and MFA, which version 1 lacks
	in.Name, in.Active = old.Name, old.Active
	switch old.Trigger.Type {
	case apono.AccessFlowTriggerTypeV1UserRequest:
		in.Trigger = apono.AccessFlowTriggerSelfServe
	case apono.AccessFlowTriggerTypeV1Automatic:
		in.Trigger = apono.AccessFlowTriggerAutomatic
	default:
		m.note("trigger.type: %q is unknown", old.Trigger.Type)
	}
	in.Timeframe = m.timeframe(old.Trigger.Timeframe)
	in.GrantDurationInMin = nil
	if seconds := old.RevokeAfterInSec; seconds != apono.RevokeNeverV1 {
		in.GrantDurationInMin = new(seconds / 60)
		if seconds%60 != 0 {
			m.note("revoke_after_in_sec: %d s is rounded to %d min", seconds, seconds/60)
		}
	}
	m.requestors(old, &in)
	m.targets(old, base, &in)
	m.approvers(old, &in)
	m.settings(old.Settings, &in.Settings)
	m.unknown("trigger", old.Trigger.Extra)
	m.unknown("flow", old.Extra)
	return in
}

// requestors keeps the requestors of version 2 if they are the same identities, because
// version 1 has neither operators nor attributes.
func (m *migration) requestors(old *apono.AccessFlowV1, in *apono.AccessFlowInput) {
	var conditions []apono.ConditionInput
	var shown []string
	var notes migration
	for i, grantee := range old.Grantees {
		place := fmt.Sprintf("grantees[%d]", i)
		m.unknown(place, grantee.Extra)
		shown = append(shown, identity(string(grantee.Type), grantee.ID))
		conditions = append(conditions, notes.condition(place, grantee.Type, grantee.ID)...)
	}
	if !slices.Equal(shown, identities(in.Requestors.Conditions)) {
		in.Requestors = apono.ConditionGroupInput{LogicalOperator: apono.LogicalOperatorOr, Conditions: conditions}
		m.notes = append(m.notes, notes.notes...)
	}
}

func identity(kind, id string) string { return strings.ToLower(kind) + " " + id }

// identities returns the identities of conditions, as version 1 has them.
func identities(conditions []apono.ConditionInput) (shown []string) {
	for _, condition := range conditions {
		for _, value := range condition.Values {
			shown = append(shown, identity(string(condition.Type), value))
		}
	}
	return shown
}

func (m *migration) timeframe(old *apono.TimeframeV1) *apono.AccessFlowTimeframe {
	if old == nil {
		return nil
	}
	clock := func(name string, seconds int64) string {
		if seconds%60 != 0 {
			m.note("trigger.timeframe.%s: version 2 has no seconds", name)
		}
		return fmt.Sprintf("%02d:%02d", seconds/3600, seconds/60%60)
	}
	m.unknown("trigger.timeframe", old.Extra)
	return &apono.AccessFlowTimeframe{
		StartTime:  clock("start_of_day_time_in_seconds", old.StartOfDayTimeInSeconds),
		EndTime:    clock("end_of_day_time_in_seconds", old.EndOfDayTimeInSeconds),
		DaysOfWeek: old.DaysInWeek, TimeZone: old.TimeZone,
	}
}

// condition returns the condition for an identity. It is empty for attributes.
func (m *migration) condition(place string, kind apono.IdentityTypeV1, id string) []apono.ConditionInput {
	kind = apono.IdentityTypeV1(strings.ToLower(string(kind)))
	if kind != apono.IdentityTypeV1User && kind != apono.IdentityTypeV1Group {
		m.note("%s: a condition needs the type and the value of the %s %q", place, kind, id)
		return nil
	}
	return []apono.ConditionInput{{Type: apono.ConditionType(kind), MatchOperator: new(apono.MatchOperatorIs), Values: []string{id}}}
}

func (m *migration) targets(old *apono.AccessFlowV1, base apono.AccessFlowInput, in *apono.AccessFlowInput) {
	in.AccessTargets = []apono.AccessTargetInput{}
	for i, target := range old.IntegrationTargets {
		place := fmt.Sprintf("integration_targets[%d]", i)
		m.unknown(place, target.Extra)
		in.AccessTargets = append(in.AccessTargets, apono.AccessTargetInput{Integration: &apono.IntegrationAccessTargetInput{
			IntegrationReference: target.IntegrationID, ResourceType: target.ResourceType, Permissions: target.Permissions,
			ResourcesScopes: slices.Concat(
				m.scopes(place+".resource_tag_includes", apono.ScopeModeInclude, target.ResourceTagIncludes),
				m.scopes(place+".resource_tag_excludes", apono.ScopeModeExclude, target.ResourceTagExcludes)),
		}})
	}
	for i, target := range old.BundleTargets {
		m.unknown(fmt.Sprintf("bundle_targets[%d]", i), target.Extra)
		in.AccessTargets = append(in.AccessTargets, apono.AccessTargetInput{Bundle: &apono.TargetBundleInput{BundleReference: target.BundleID}})
	}
	for _, target := range base.AccessTargets { // keeps those that version 1 does not have
		if target.Integration == nil && target.Bundle == nil {
			in.AccessTargets = append(in.AccessTargets, target)
		}
	}
}

func (m *migration) scopes(place string, mode apono.ScopeMode, tags []apono.TagV1) (scopes []apono.ResourcesScope) {
	for _, tag := range tags {
		m.unknown(place, tag.Extra)
		scope := apono.ResourcesScope{ScopeMode: mode, Type: apono.ResourcesScopeTypeTag, Values: []string{tag.Value}}
		switch tag.Name {
		case "__id":
			scope.Type = apono.ResourcesScopeTypeAponoID
		case "__name":
			scope.Type = apono.ResourcesScopeTypeName
		default:
			scope.Key = new(tag.Name)
		}
		scopes = append(scopes, scope)
	}
	if mode == apono.ScopeModeInclude && len(tags) > 1 {
		m.note("%s: any of %d tags matches; how several scopes combine is not documented", place, len(tags))
	}
	return scopes
}

// approvers keeps the approvers of version 2 if they are the same identities.
func (m *migration) approvers(old *apono.AccessFlowV1, in *apono.AccessFlowInput) {
	group := apono.ApproverGroupInput{LogicalOperator: apono.LogicalOperatorOr}
	if s := old.Settings; s != nil && s.RequireAllApprovers != nil && *s.RequireAllApprovers {
		group.LogicalOperator = apono.LogicalOperatorAnd
	}
	var shown, current []string
	var notes migration
	for i, approver := range old.Approvers {
		place := fmt.Sprintf("approvers[%d]", i)
		m.unknown(place, approver.Extra)
		shown = append(shown, identity(string(approver.Type), approver.ID))
		group.Approvers = append(group.Approvers, notes.condition(place, approver.Type, approver.ID)...)
	}
	operator := group.LogicalOperator // does not matter for a single approver
	if in.ApproverPolicy != nil {
		for _, g := range in.ApproverPolicy.ApproverGroups {
			current = append(current, identities(g.Approvers)...)
			if len(g.Approvers) > 1 {
				operator = g.LogicalOperator
			}
		}
	}
	if slices.Equal(shown, current) && operator == group.LogicalOperator {
		return
	}
	m.notes = append(m.notes, notes.notes...)
	in.ApproverPolicy = nil
	if len(group.Approvers) > 0 {
		in.ApproverPolicy = &apono.ApproverPolicyInput{ApprovalMode: apono.ApprovalModeAnyOf, ApproverGroups: []apono.ApproverGroupInput{group}}
	}
}

func (m *migration) settings(old *apono.AccessFlowSettingsV1, in *apono.AccessFlowSettings) {
	if in.Labels == nil {
		in.Labels = []string{}
	}
	in.JustificationRequired, in.RequireApproverReason, in.RequestorCannotApproveHimself = false, false, false
	if old == nil {
		return
	}
	m.unknown("settings", old.Extra)
	if again := old.RequireJustificationOnRequestAgain; again != nil && *again {
		in.JustificationRequired = true
		m.note("settings.require_justification_on_request_again: version 2 requires a justification of every request")
	}
	if old.RequireApproverJustification != nil {
		in.RequireApproverReason = *old.RequireApproverJustification
	}
	if old.ApproverCannotApproveHimself != nil {
		in.RequestorCannotApproveHimself = *old.ApproverCannotApproveHimself
	}
}

// unknown notes members that this package has no field for. Their names in version 2 are
// unknown.
func (m *migration) unknown(place string, extra apono.Extra) {
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		m.note("%s: the member %q is unknown", place, name)
	}
}

// Migrate an access flow from version 1 of the API to version 2. An update with version 2
// replaces the whole flow, so settings that version 1 does not have are read first.
// Settings that cannot be converted exactly are printed.
func Example_migration() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()

	old, err := client.Legacy.AccessFlows.Get(ctx, "flow-break-glass") // or from a file
	if err != nil {
		log.Fatal(err)
	}
	old.RevokeAfterInSec = 5430
	current, err := client.AccessFlows.Get(ctx, old.ID)
	if err != nil {
		log.Fatal(err)
	}
	var m migration
	in := m.flow(old, current.UpdateInput())
	for _, note := range m.notes {
		fmt.Println("check", note)
	}
	flow, err := client.AccessFlows.Update(ctx, old.ID, in)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*flow.GrantDurationInMin, flow.Settings.Labels, len(flow.AccessTargets))
	// Output:
	// check revoke_after_in_sec: 5430 s is rounded to 90 min
	// 90 [production emergency] 1
}
