package apono

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// AccessFlowsService manages access flows: who can get access to what, for how
// long, and with whose approval.
//
// API section: Access Flows, version 2, see https://docs.apono.io.
type AccessFlowsService struct{ client *Client }

var (
	listAccessFlows  = operation.New("AccessFlows.List", http.MethodGet, "/api/admin/v2/access-flows")
	getAccessFlow    = operation.New("AccessFlows.Get", http.MethodGet, "/api/admin/v2/access-flows/{id}")
	createAccessFlow = operation.New("AccessFlows.Create", http.MethodPost, "/api/admin/v2/access-flows")
	updateAccessFlow = operation.New("AccessFlows.Update", http.MethodPut, "/api/admin/v2/access-flows/{id}")
	deleteAccessFlow = operation.New("AccessFlows.Delete", http.MethodDelete, "/api/admin/v2/access-flows/{id}")
)

// AccessFlowTrigger is how access comes about.
type AccessFlowTrigger string

// The known triggers.
const (
	// AccessFlowTriggerSelfServe is for access that somebody requests.
	AccessFlowTriggerSelfServe AccessFlowTrigger = "SELF_SERVE"
	// AccessFlowTriggerAutomatic is for access that is given to whoever matches.
	AccessFlowTriggerAutomatic AccessFlowTrigger = "AUTOMATIC"
)

// RequestorIdentityType is who may request: people, or agents that act for them.
type RequestorIdentityType string

// The known types: only people may request, or only AI agents that act for a
// user.
const (
	RequestorIdentityTypeHuman RequestorIdentityType = "HUMAN"
	RequestorIdentityTypeAgent RequestorIdentityType = "AGENT"
)

// LogicalOperator joins conditions.
type LogicalOperator string

// The known operators.
const (
	// LogicalOperatorAnd wants all conditions met.
	LogicalOperatorAnd LogicalOperator = "AND"
	// LogicalOperatorOr wants one condition met.
	LogicalOperatorOr LogicalOperator = "OR"
)

// ConditionType is what a condition tests: a kind of identity, or the type of an
// attribute, which differ from account to account. Letter case matters.
type ConditionType string

// The types that every account has.
const (
	// ConditionTypeUser is for users.
	ConditionTypeUser ConditionType = "user"
	// ConditionTypeGroup is for the members of groups.
	ConditionTypeGroup ConditionType = "group"
	// ConditionTypeManager is for the manager of the requestor.
	ConditionTypeManager ConditionType = "manager"
	// ConditionTypeOwner is for the owner of what is requested. It takes neither
	// values nor a match operator.
	ConditionTypeOwner ConditionType = "Owner"
)

// MatchOperator is how a condition compares.
type MatchOperator string

// The known operators.
const (
	// MatchOperatorIs wants one of the values; it is the default.
	MatchOperatorIs MatchOperator = "is"
	// MatchOperatorIsNot wants none of the values.
	MatchOperatorIsNot MatchOperator = "is_not"
	// MatchOperatorContains wants one of the values as a part.
	MatchOperatorContains MatchOperator = "contains"
	// MatchOperatorDoesNotContain wants none of the values as a part.
	MatchOperatorDoesNotContain MatchOperator = "does_not_contain"
	// MatchOperatorStartsWith wants one of the values at the start.
	MatchOperatorStartsWith MatchOperator = "starts_with"
)

// RequestScope is on whose behalf access can be requested.
type RequestScope string

// The known scopes.
const (
	// RequestScopeSelf is for oneself.
	RequestScopeSelf RequestScope = "self"
	// RequestScopeOthers is for the grantees of the flow.
	RequestScopeOthers RequestScope = "others"
	// RequestScopeDirectReports is for those who report to the requestor.
	RequestScopeDirectReports RequestScope = "direct_reports"
)

// ApprovalMode is how the groups of an approver policy work together. Within a
// group its LogicalOperator decides.
type ApprovalMode string

// The known modes.
const (
	// ApprovalModeAnyOf wants the approval of one group.
	ApprovalModeAnyOf ApprovalMode = "ANY_OF"
	// ApprovalModeAllOf wants the approval of every group.
	ApprovalModeAllOf ApprovalMode = "ALL_OF"
)

// ScopeMode is whether a scope picks resources or leaves them out.
type ScopeMode string

// The known modes.
const (
	// ScopeModeInclude picks the resources that match.
	ScopeModeInclude ScopeMode = "include_resources"
	// ScopeModeExclude picks the resources that do not match.
	ScopeModeExclude ScopeMode = "exclude_resources"
)

// ResourcesScopeType is what a scope matches resources by.
type ResourcesScopeType string

// The known types.
const (
	// ResourcesScopeTypeName matches the name.
	ResourcesScopeTypeName ResourcesScopeType = "NAME"
	// ResourcesScopeTypeTag matches the value of the tag that Key names.
	ResourcesScopeTypeTag ResourcesScopeType = "TAG"
	// ResourcesScopeTypeAponoID matches Apono's id.
	ResourcesScopeTypeAponoID ResourcesScopeType = "APONO_ID"
)

// DayOfWeek is a day of the week.
type DayOfWeek string

// The days of the week.
const (
	// DayOfWeekMonday is Monday.
	DayOfWeekMonday DayOfWeek = "MONDAY"
	// DayOfWeekTuesday is Tuesday.
	DayOfWeekTuesday DayOfWeek = "TUESDAY"
	// DayOfWeekWednesday is Wednesday.
	DayOfWeekWednesday DayOfWeek = "WEDNESDAY"
	// DayOfWeekThursday is Thursday.
	DayOfWeekThursday DayOfWeek = "THURSDAY"
	// DayOfWeekFriday is Friday.
	DayOfWeekFriday DayOfWeek = "FRIDAY"
	// DayOfWeekSaturday is Saturday.
	DayOfWeekSaturday DayOfWeek = "SATURDAY"
	// DayOfWeekSunday is Sunday.
	DayOfWeekSunday DayOfWeek = "SUNDAY"
)

// AccessFlow is a rule that grants access.
type AccessFlow struct {
	// ID identifies the flow.
	ID string `json:"id"`
	// Name is the display name, unique in the account.
	Name string `json:"name"`
	// Description is a text for people.
	Description *string `json:"description,omitzero"`
	// Active says that the flow is on.
	Active bool `json:"active"`
	// Trigger is how access comes about.
	Trigger AccessFlowTrigger `json:"trigger"`
	// Requestors are those who may request the access, or with an automatic
	// trigger those who get it.
	Requestors ConditionGroup `json:"requestors"`
	// RequestorIdentityType is empty where an older server sent none, which
	// means [RequestorIdentityTypeHuman].
	RequestorIdentityType RequestorIdentityType `json:"requestor_identity_type,omitzero"`
	// RequestFor is on whose behalf access can be requested, oneself unless
	// given. It is for self-serve flows.
	RequestFor *RequestFor `json:"request_for,omitzero"`
	// AccessTargets are what access is granted to.
	AccessTargets []AccessTarget `json:"access_targets"`
	// ApproverPolicy is who approves; without one, requests are approved by
	// themselves. It is for self-serve flows.
	ApproverPolicy *ApproverPolicy `json:"approver_policy,omitzero"`
	// EscalationPolicy is who is asked when nobody answers.
	EscalationPolicy *EscalationPolicy `json:"escalation_policy,omitzero"`
	// GrantDurationInMin is how long access lasts, in minutes; without one it
	// does not end.
	GrantDurationInMin *int `json:"grant_duration_in_min,omitzero"`
	// Timeframe is when access may be granted. It is for self-serve flows.
	Timeframe *AccessFlowTimeframe `json:"timeframe,omitzero"`
	// Settings are the flow's switches.
	Settings AccessFlowSettings `json:"settings"`
	// CreationDate is when the flow was made.
	CreationDate time.Time `json:"creation_date"`
	// UpdateDate is when it was last changed, nil if it never was.
	UpdateDate *time.Time `json:"update_date,omitzero"`
	// Space is nil for a flow that is in no space. Updates leave it as it is.
	Space *SpaceReference `json:"space,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// AccessFlowSettings are the switches of a flow. They are written as a whole.
type AccessFlowSettings struct {
	// JustificationRequired wants a reason from the requestor. It must be false
	// in automatic flows.
	JustificationRequired bool `json:"justification_required"`
	// RequireApproverReason wants a reason from the approver.
	RequireApproverReason bool `json:"require_approver_reason"`
	// RequestorCannotApproveHimself keeps requestors from approving their own
	// requests.
	RequestorCannotApproveHimself bool `json:"requestor_cannot_approve_himself"`
	// RequireMFA wants a second factor.
	RequireMFA bool `json:"require_mfa"`
	// Labels are free tags of the flow.
	Labels []string `json:"labels"`
	// MaxExtensions is how often access can be extended, 0 for never.
	MaxExtensions *int `json:"max_extensions,omitzero"`
	// ExtensionDurationInMin is how long an extension lasts, in minutes.
	ExtensionDurationInMin *int `json:"extension_duration_in_min,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// AccessFlowTimeframe is a weekly window.
type AccessFlowTimeframe struct {
	// StartTime is the time of day at which it opens, such as "08:00".
	StartTime string `json:"start_time"`
	// EndTime is the time of day at which it closes, such as "17:00".
	EndTime string `json:"end_time"`
	// DaysOfWeek are the days on which it opens.
	DaysOfWeek []DayOfWeek `json:"days_of_week"`
	// TimeZone is the IANA name of the zone of the times, such as
	// "Europe/Berlin".
	TimeZone string `json:"time_zone"`

	Extra Extra `json:",embed,inline"`
}

// ConditionGroup is the conditions that requestors or grantees match.
type ConditionGroup struct {
	// LogicalOperator joins the conditions.
	LogicalOperator LogicalOperator `json:"logical_operator"`
	// Conditions are what has to match.
	Conditions []Condition `json:"conditions"`

	Extra Extra `json:",embed,inline"`
}

// Condition tests an identity.
type Condition struct {
	// SourceIntegrationID is the integration that knows the identity.
	SourceIntegrationID *string `json:"source_integration_id,omitzero"`
	// SourceIntegrationName is that integration's name.
	SourceIntegrationName *string `json:"source_integration_name,omitzero"`
	// Type is what is tested.
	Type ConditionType `json:"type"`
	// MatchOperator is how it is compared, nil where there are no values.
	MatchOperator *MatchOperator `json:"match_operator,omitzero"`
	// Values are what it is compared with: ids, or for users also e-mails.
	Values []string `json:"values,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// RequestFor is on whose behalf access can be requested.
type RequestFor struct {
	// RequestScopes are the possible ways.
	RequestScopes []RequestScope `json:"request_scopes"`
	// Grantees are those for whom others may request; it goes with the scope
	// "others".
	Grantees *ConditionGroup `json:"grantees,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ApproverPolicy is who approves requests.
type ApproverPolicy struct {
	// ApprovalMode is how the groups work together.
	ApprovalMode ApprovalMode `json:"approval_mode"`
	// ApproverGroups are the groups.
	ApproverGroups []ApproverGroup `json:"approver_groups"`

	Extra Extra `json:",embed,inline"`
}

// ApproverGroup are approvers who decide together.
type ApproverGroup struct {
	// LogicalOperator says whether all of them or any one has to approve.
	LogicalOperator LogicalOperator `json:"logical_operator"`
	// Approvers are the conditions that approvers match.
	Approvers []Condition `json:"approvers"`

	Extra Extra `json:",embed,inline"`
}

// EscalationPolicy is who is asked when nobody answers.
type EscalationPolicy struct {
	// IntervalInMin is how long a request waits before it goes to the next
	// group, in minutes.
	IntervalInMin int `json:"interval_in_min"`
	// ApproverGroups are asked one after the other; there are at most 5.
	ApproverGroups []ApproverGroup `json:"approver_groups"`

	Extra Extra `json:",embed,inline"`
}

// AccessTarget is what a flow grants access to. Exactly one member is set.
type AccessTarget struct {
	// Integration is resources of an integration.
	Integration *IntegrationAccessTarget `json:"integration,omitzero"`
	// Bundle is a bundle.
	Bundle *BundleAccessTarget `json:"bundle,omitzero"`
	// AccessScope is an access scope.
	AccessScope *AccessScopeAccessTarget `json:"access_scope,omitzero"`
	QueryTarget *QueryTarget             `json:"query_target,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// IntegrationAccessTarget is resources of one type in an integration, and the
// permissions to them.
type IntegrationAccessTarget struct {
	// IntegrationID is the integration.
	IntegrationID string `json:"integration_id"`
	// IntegrationName is the integration's name.
	IntegrationName string `json:"integration_name"`
	// ResourceType is the type of the resources.
	ResourceType string `json:"resource_type"`
	// Permissions are the names of the permissions.
	Permissions []string `json:"permissions"`
	// ResourcesScopes narrow the resources down; without any it is all of the
	// type.
	ResourcesScopes []ResourcesScope `json:"resources_scopes,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ResourcesScope picks resources of an integration.
type ResourcesScope struct {
	// ScopeMode is whether the matching resources are meant or all others.
	ScopeMode ScopeMode `json:"scope_mode"`
	// Type is what resources are matched by.
	Type ResourcesScopeType `json:"type"`
	// Key is the tag's key, for the type TAG.
	Key *string `json:"key,omitzero"`
	// Values are what has to match.
	Values []string `json:"values"`

	Extra Extra `json:",embed,inline"`
}

// BundleAccessTarget is a bundle as a target.
type BundleAccessTarget struct {
	// BundleID is the bundle.
	BundleID string `json:"bundle_id"`
	// BundleName is the bundle's name.
	BundleName string `json:"bundle_name"`

	Extra Extra `json:",embed,inline"`
}

// AccessScopeAccessTarget is an access scope as a target.
type AccessScopeAccessTarget struct {
	// AccessScopeID is the access scope.
	AccessScopeID string `json:"access_scope_id"`
	// AccessScopeName is the access scope's name.
	AccessScopeName string `json:"access_scope_name"`

	Extra Extra `json:",embed,inline"`
}

// QueryTarget is whatever resources a query finds when access is resolved.
type QueryTarget struct {
	// Query is in the Apono Query Language and has at most 8 KiB.
	Query string `json:"query"`

	Extra Extra `json:",embed,inline"`
}

const maxQueryTarget = 8 << 10

// ListAccessFlowsOptions filters and pages a list of access flows.
type ListAccessFlowsOptions struct {
	// PageToken is where to go on, from Page.NextPageToken.
	PageToken string `url:"page_token,omitempty"`
	// Limit is the size of a page; the server's default is 100.
	Limit int `url:"limit,omitempty"`
	// SpaceReferences are ids or names of spaces, and [SpaceReferenceNone];
	// empty means all.
	SpaceReferences []string `url:"space_references,omitempty"`
}

func (o ListAccessFlowsOptions) at(token string) (ListAccessFlowsOptions, string) {
	from := o.PageToken
	o.PageToken = token
	return o, from
}

// AccessFlowInput is a new flow, or what a flow becomes. An update replaces the
// whole flow, so start from [AccessFlow.UpdateInput].
type AccessFlowInput struct {
	// Name is the display name, unique in the account.
	Name string `json:"name"`
	// Description is a text for people.
	Description *string `json:"description,omitzero"`
	// Active says that the flow is on.
	Active bool `json:"active"`
	// Trigger is how access comes about.
	Trigger AccessFlowTrigger `json:"trigger"`
	// Requestors are those who may request the access, or with an automatic
	// trigger those who get it. It needs at least one condition.
	Requestors ConditionGroupInput `json:"requestors"`
	// RequestorIdentityType is sent as [RequestorIdentityTypeHuman] if it is
	// empty.
	RequestorIdentityType RequestorIdentityType `json:"requestor_identity_type"`
	// RequestFor is on whose behalf access can be requested, oneself unless
	// given. It is for self-serve flows.
	RequestFor *RequestForInput `json:"request_for,omitzero"`
	// AccessTargets are what access is granted to.
	AccessTargets []AccessTargetInput `json:"access_targets"`
	// ApproverPolicy is who approves; without one, requests are approved by
	// themselves. It is for self-serve flows.
	ApproverPolicy *ApproverPolicyInput `json:"approver_policy,omitzero"`
	// EscalationPolicy is who is asked when nobody answers.
	EscalationPolicy *EscalationPolicyInput `json:"escalation_policy,omitzero"`
	// GrantDurationInMin is how long access lasts, in minutes; without one it
	// does not end.
	GrantDurationInMin *int `json:"grant_duration_in_min,omitzero"`
	// Timeframe is when access may be granted. It is for self-serve flows.
	Timeframe *AccessFlowTimeframe `json:"timeframe,omitzero"`
	// Settings are the flow's switches.
	Settings AccessFlowSettings `json:"settings"`
	// RequestForOthers is always sent; the API requires it, explains it nowhere
	// and never answers it. Apono's own tools send false.
	RequestForOthers bool `json:"request_for_others"`

	Extra Extra `json:",embed,inline"`
}

// ConditionGroupInput sets the conditions that requestors or grantees match.
type ConditionGroupInput struct {
	// LogicalOperator joins the conditions.
	LogicalOperator LogicalOperator `json:"logical_operator"`
	// Conditions are what has to match.
	Conditions []ConditionInput `json:"conditions"`

	Extra Extra `json:",embed,inline"`
}

// ConditionInput sets a test of an identity.
type ConditionInput struct {
	// SourceIntegrationReference is the id or the name of the integration that
	// knows the identity.
	SourceIntegrationReference *string `json:"source_integration_reference,omitzero"`
	// Type is what is tested.
	Type ConditionType `json:"type"`
	// MatchOperator is how it is compared, [MatchOperatorIs] if nil. Send it only
	// together with values.
	MatchOperator *MatchOperator `json:"match_operator,omitzero"`
	// Values are what it is compared with: ids, or for users also e-mails.
	Values []string `json:"values,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// RequestForInput sets on whose behalf access can be requested.
type RequestForInput struct {
	// RequestScopes are the possible ways.
	RequestScopes []RequestScope `json:"request_scopes"`
	// Grantees are those for whom others may request; it goes with the scope
	// "others".
	Grantees *ConditionGroupInput `json:"grantees,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ApproverPolicyInput sets who approves requests.
type ApproverPolicyInput struct {
	// ApprovalMode is how the groups work together.
	ApprovalMode ApprovalMode `json:"approval_mode"`
	// ApproverGroups are the groups; at least one is needed.
	ApproverGroups []ApproverGroupInput `json:"approver_groups"`

	Extra Extra `json:",embed,inline"`
}

// ApproverGroupInput sets approvers who decide together.
type ApproverGroupInput struct {
	// LogicalOperator says whether all of them or any one has to approve.
	LogicalOperator LogicalOperator `json:"logical_operator"`
	// Approvers are the conditions that approvers match.
	Approvers []ConditionInput `json:"approvers"`

	Extra Extra `json:",embed,inline"`
}

// EscalationPolicyInput sets who is asked when nobody answers.
type EscalationPolicyInput struct {
	// IntervalInMin is how long a request waits before it goes to the next
	// group, in minutes, at least 1; nil leaves it to the server.
	IntervalInMin *int `json:"interval_in_min,omitzero"`
	// ApproverGroups are asked one after the other, at most 5.
	ApproverGroups []ApproverGroupInput `json:"approver_groups"`

	Extra Extra `json:",embed,inline"`
}

// AccessTargetInput sets what a flow grants access to. Exactly one member must
// be set.
type AccessTargetInput struct {
	// Integration is resources of an integration.
	Integration *IntegrationAccessTargetInput `json:"integration,omitzero"`
	// Bundle is a bundle.
	Bundle *BundleAccessTargetInput `json:"bundle,omitzero"`
	// AccessScope is an access scope.
	AccessScope *AccessScopeAccessTargetInput `json:"access_scope,omitzero"`
	QueryTarget *QueryTarget                  `json:"query_target,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// IntegrationAccessTargetInput sets resources of one type in an integration, and
// the permissions to them.
type IntegrationAccessTargetInput struct {
	// IntegrationReference is the id or the name of the integration.
	IntegrationReference string `json:"integration_reference"`
	// ResourceType is the type of the resources.
	ResourceType string `json:"resource_type"`
	// Permissions are the names of the permissions.
	Permissions []string `json:"permissions"`
	// ResourcesScopes narrow the resources down; without any it is all of the
	// type.
	ResourcesScopes []ResourcesScope `json:"resources_scopes,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// BundleAccessTargetInput sets a bundle as a target.
type BundleAccessTargetInput struct {
	// BundleReference is the id or the name of the bundle.
	BundleReference string `json:"bundle_reference"`

	Extra Extra `json:",embed,inline"`
}

// AccessScopeAccessTargetInput sets an access scope as a target.
type AccessScopeAccessTargetInput struct {
	// AccessScopeReference is the id or the name of the access scope.
	AccessScopeReference string `json:"access_scope_reference"`

	Extra Extra `json:",embed,inline"`
}

// List gets one page of the access flows.
//
// GET /api/admin/v2/access-flows
func (s *AccessFlowsService) List(ctx context.Context, opts ...ListAccessFlowsOptions) (*Page[AccessFlow], error) {
	return list[AccessFlow](ctx, s.client, listAccessFlows, opts)
}

// ListAll iterates over all access flows, page by page as the loop goes on. An
// error is the last pair of the loop; a page token that comes back is
// [ErrPageLoop].
//
// GET /api/admin/v2/access-flows
func (s *AccessFlowsService) ListAll(ctx context.Context, opts ...ListAccessFlowsOptions) iter.Seq2[*AccessFlow, error] {
	return listAll[AccessFlow](ctx, s.client, listAccessFlows, opts)
}

// Get gets an access flow by its id; [ErrNotFound] if there is none.
//
// GET /api/admin/v2/access-flows/{id}
func (s *AccessFlowsService) Get(ctx context.Context, id string) (*AccessFlow, error) {
	return call[AccessFlow](ctx, s.client, getAccessFlow, nil, id)
}

// Create makes an access flow. A target with other than exactly one member is
// an [*ArgumentError]. The request is not repeated after a failure that leaves
// open whether the flow was made. With options it is created in a space.
//
// POST /api/admin/v2/access-flows
func (s *AccessFlowsService) Create(ctx context.Context, in AccessFlowInput, opts ...CreateOptions) (*AccessFlow, error) {
	return create[AccessFlow](ctx, s.client, createAccessFlow, in.complete(), opts)
}

// Update replaces an access flow; [ErrNotFound] if there is none. A target with
// other than exactly one member is an [*ArgumentError].
//
// PUT /api/admin/v2/access-flows/{id}
func (s *AccessFlowsService) Update(ctx context.Context, id string, in AccessFlowInput) (*AccessFlow, error) {
	return call[AccessFlow](ctx, s.client, updateAccessFlow, in.complete(), id)
}

// Delete deletes an access flow; [ErrNotFound] if there is none.
//
// DELETE /api/admin/v2/access-flows/{id}
func (s *AccessFlowsService) Delete(ctx context.Context, id string) error {
	return exec(ctx, s.client, deleteAccessFlow, nil, id)
}

// UpdateInput returns the input that writes the flow back as it is, Extra
// included, to be edited and passed to Update. Editing it does not change the
// flow. The API does not return RequestForOthers, which is false in the input.
func (f *AccessFlow) UpdateInput() AccessFlowInput {
	f = clone(f)
	requestForOthers := string(f.Extra["request_for_others"]) == "true" // should the API come to return it
	return AccessFlowInput{
		Name:                  f.Name,
		Description:           f.Description,
		Active:                f.Active,
		Trigger:               f.Trigger,
		Requestors:            *f.Requestors.input(),
		RequestorIdentityType: f.RequestorIdentityType,
		RequestFor:            f.RequestFor.input(),
		AccessTargets:         convert(f.AccessTargets, AccessTarget.input),
		ApproverPolicy:        f.ApproverPolicy.input(),
		EscalationPolicy:      f.EscalationPolicy.input(),
		GrantDurationInMin:    f.GrantDurationInMin,
		Timeframe:             f.Timeframe,
		Settings:              f.Settings,
		RequestForOthers:      requestForOthers,
		Extra:                 f.Extra.without("request_for_others"),
	}
}

func (g *ConditionGroup) input() *ConditionGroupInput {
	if g == nil {
		return nil
	}
	return &ConditionGroupInput{g.LogicalOperator, convert(g.Conditions, Condition.input), g.Extra}
}

func (c Condition) input() ConditionInput {
	return ConditionInput{
		SourceIntegrationReference: reference(c.SourceIntegrationID, c.SourceIntegrationName),
		Type:                       c.Type,
		MatchOperator:              c.MatchOperator,
		Values:                     c.Values,
		Extra:                      c.Extra.without("source_integration_reference"),
	}
}

func (r *RequestFor) input() *RequestForInput {
	if r == nil {
		return nil
	}
	return &RequestForInput{r.RequestScopes, r.Grantees.input(), r.Extra}
}

func (p *ApproverPolicy) input() *ApproverPolicyInput {
	if p == nil {
		return nil
	}
	return &ApproverPolicyInput{p.ApprovalMode, convert(p.ApproverGroups, ApproverGroup.input), p.Extra}
}

func (g ApproverGroup) input() ApproverGroupInput {
	return ApproverGroupInput{g.LogicalOperator, convert(g.Approvers, Condition.input), g.Extra}
}

func (p *EscalationPolicy) input() *EscalationPolicyInput {
	if p == nil {
		return nil
	}
	return &EscalationPolicyInput{Ptr(p.IntervalInMin), convert(p.ApproverGroups, ApproverGroup.input), p.Extra}
}

func (t AccessTarget) input() AccessTargetInput {
	return AccessTargetInput{
		Integration: t.Integration.input(),
		Bundle:      t.Bundle.input(),
		AccessScope: t.AccessScope.input(),
		QueryTarget: t.QueryTarget,
		Extra:       t.Extra,
	}
}

func (t *IntegrationAccessTarget) input() *IntegrationAccessTargetInput {
	if t == nil {
		return nil
	}
	return &IntegrationAccessTargetInput{
		IntegrationReference: cmp.Or(t.IntegrationID, t.IntegrationName),
		ResourceType:         t.ResourceType,
		Permissions:          t.Permissions,
		ResourcesScopes:      t.ResourcesScopes,
		Extra:                t.Extra.without("integration_reference"),
	}
}

func (t *BundleAccessTarget) input() *BundleAccessTargetInput {
	if t == nil {
		return nil
	}
	return &BundleAccessTargetInput{BundleReference: cmp.Or(t.BundleID, t.BundleName), Extra: t.Extra.without("bundle_reference")}
}

func (t *AccessScopeAccessTarget) input() *AccessScopeAccessTargetInput {
	if t == nil {
		return nil
	}
	return &AccessScopeAccessTargetInput{AccessScopeReference: cmp.Or(t.AccessScopeID, t.AccessScopeName), Extra: t.Extra.without("access_scope_reference")}
}

// complete adds what has to be sent and may be left out.
func (in AccessFlowInput) complete() AccessFlowInput {
	in.RequestorIdentityType = cmp.Or(in.RequestorIdentityType, RequestorIdentityTypeHuman)
	return in
}

func (in AccessFlowInput) check() error {
	for i, target := range in.AccessTargets {
		arg := fmt.Sprintf("in.AccessTargets[%d]", i)
		err := exactlyOne(arg, target.Extra,
			member{"Integration", target.Integration != nil},
			member{"Bundle", target.Bundle != nil},
			member{"AccessScope", target.AccessScope != nil},
			member{"QueryTarget", target.QueryTarget != nil})
		if err != nil {
			return err
		}
		if err := target.QueryTarget.check(arg); err != nil {
			return err
		}
	}
	return nil
}

func (t *QueryTarget) check(arg string) error {
	if t != nil && len(t.Query) > maxQueryTarget {
		return &ArgumentError{Arg: arg + ".QueryTarget.Query", Reason: fmt.Sprintf("must have at most %d bytes, not %d", maxQueryTarget, len(t.Query))}
	}
	return nil
}

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (f AccessFlow) LogValue() slog.Value { return logValue(f) }

// String returns what LogValue does.
func (f AccessFlow) String() string { return printed(f) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (a AccessFlowSettings) LogValue() slog.Value { return logValue(a) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (a AccessFlowTimeframe) LogValue() slog.Value { return logValue(a) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (g ConditionGroup) LogValue() slog.Value { return logValue(g) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (c Condition) LogValue() slog.Value { return logValue(c) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (r RequestFor) LogValue() slog.Value { return logValue(r) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (p ApproverPolicy) LogValue() slog.Value { return logValue(p) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (g ApproverGroup) LogValue() slog.Value { return logValue(g) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (p EscalationPolicy) LogValue() slog.Value { return logValue(p) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (t AccessTarget) LogValue() slog.Value { return logValue(t) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (t IntegrationAccessTarget) LogValue() slog.Value { return logValue(t) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (r ResourcesScope) LogValue() slog.Value { return logValue(r) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (t BundleAccessTarget) LogValue() slog.Value { return logValue(t) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (t AccessScopeAccessTarget) LogValue() slog.Value { return logValue(t) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (in AccessFlowInput) LogValue() slog.Value { return logValue(in) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (r ConditionGroupInput) LogValue() slog.Value { return logValue(r) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (c ConditionInput) LogValue() slog.Value { return logValue(c) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (r RequestForInput) LogValue() slog.Value { return logValue(r) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (a ApproverPolicyInput) LogValue() slog.Value { return logValue(a) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (a ApproverGroupInput) LogValue() slog.Value { return logValue(a) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (e EscalationPolicyInput) LogValue() slog.Value { return logValue(e) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (a AccessTargetInput) LogValue() slog.Value { return logValue(a) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (i IntegrationAccessTargetInput) LogValue() slog.Value { return logValue(i) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (b BundleAccessTargetInput) LogValue() slog.Value { return logValue(b) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (a AccessScopeAccessTargetInput) LogValue() slog.Value { return logValue(a) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (q QueryTarget) LogValue() slog.Value { return logValue(q) }
