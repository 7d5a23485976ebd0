package apono

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// AccessFlowsService manages access flows. A flow defines who can get access to what,
// for how long, and with whose approval.
//
// API section: Access Flows, version 2.
type AccessFlowsService struct{ client *Client }

var (
	listAccessFlows  = operation.New("AccessFlows.List", http.MethodGet, "/api/admin/v2/access-flows")
	getAccessFlow    = operation.New("AccessFlows.Get", http.MethodGet, "/api/admin/v2/access-flows/{id}")
	createAccessFlow = operation.New("AccessFlows.Create", http.MethodPost, "/api/admin/v2/access-flows")
	updateAccessFlow = operation.New("AccessFlows.Update", http.MethodPut, "/api/admin/v2/access-flows/{id}")
	deleteAccessFlow = operation.New("AccessFlows.Delete", http.MethodDelete, "/api/admin/v2/access-flows/{id}")
)

// AccessFlowTrigger is what triggers a grant.
type AccessFlowTrigger string

// The known triggers. SELF_SERVE grants access on request, AUTOMATIC to everyone who
// meets the conditions of the flow.
const (
	AccessFlowTriggerSelfServe AccessFlowTrigger = "SELF_SERVE"
	AccessFlowTriggerAutomatic AccessFlowTrigger = "AUTOMATIC"
)

// RequestorIdentityType is the kind of requestor.
type RequestorIdentityType string

// The known types: people, or AI agents that act for a user.
const (
	RequestorIdentityTypeHuman RequestorIdentityType = "HUMAN"
	RequestorIdentityTypeAgent RequestorIdentityType = "AGENT"
)

// LogicalOperator joins conditions.
type LogicalOperator string

// The known operators: all conditions, or at least one.
const (
	LogicalOperatorAnd LogicalOperator = "AND"
	LogicalOperatorOr  LogicalOperator = "OR"
)

// ConditionType is what a condition tests: a kind of identity, or an attribute
// type of the account. It is case-sensitive.
type ConditionType string

// The types of every account. Group matches the members of groups, manager the
// manager of the requestor. Owner matches the owner of what is requested and
// takes neither values nor a match operator.
const (
	ConditionTypeUser    ConditionType = "user"
	ConditionTypeGroup   ConditionType = "group"
	ConditionTypeManager ConditionType = "manager"
	ConditionTypeOwner   ConditionType = "Owner"
)

// MatchOperator is how a condition compares.
type MatchOperator string

// The known operators; [MatchOperatorIs] is the default. A condition holds if any value
// matches or, for a negative operator, if none does.
const (
	MatchOperatorIs             MatchOperator = "is"
	MatchOperatorIsNot          MatchOperator = "is_not"
	MatchOperatorContains       MatchOperator = "contains"
	MatchOperatorDoesNotContain MatchOperator = "does_not_contain"
	MatchOperatorStartsWith     MatchOperator = "starts_with"
)

// RequestScope says for whom access can be requested.
type RequestScope string

// The known scopes: the requestor, the grantees of the flow, and the requestor's direct
// reports.
const (
	RequestScopeSelf          RequestScope = "self"
	RequestScopeOthers        RequestScope = "others"
	RequestScopeDirectReports RequestScope = "direct_reports"
)

// ApprovalMode combines the groups of an approver policy.
type ApprovalMode string

// The known modes: one group must approve, or every group.
const (
	ApprovalModeAnyOf ApprovalMode = "ANY_OF"
	ApprovalModeAllOf ApprovalMode = "ALL_OF"
)

// ScopeMode says whether a scope selects or excludes the matching resources.
type ScopeMode string

// The known modes.
const (
	ScopeModeInclude ScopeMode = "include_resources"
	ScopeModeExclude ScopeMode = "exclude_resources"
)

// ResourcesScopeType is what a scope matches resources by.
type ResourcesScopeType string

// The known types: the name, the value of the tag in Key, or Apono's ID.
const (
	ResourcesScopeTypeName    ResourcesScopeType = "NAME"
	ResourcesScopeTypeTag     ResourcesScopeType = "TAG"
	ResourcesScopeTypeAponoID ResourcesScopeType = "APONO_ID"
)

// DayOfWeek is a day of the week.
type DayOfWeek string

// The days of the week.
const (
	DayOfWeekMonday    DayOfWeek = "MONDAY"
	DayOfWeekTuesday   DayOfWeek = "TUESDAY"
	DayOfWeekWednesday DayOfWeek = "WEDNESDAY"
	DayOfWeekThursday  DayOfWeek = "THURSDAY"
	DayOfWeekFriday    DayOfWeek = "FRIDAY"
	DayOfWeekSaturday  DayOfWeek = "SATURDAY"
	DayOfWeekSunday    DayOfWeek = "SUNDAY"
)

// AccessFlow is a rule that grants access.
type AccessFlow struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description *string           `json:"description,omitzero"`
	Active      bool              `json:"active"`
	Trigger     AccessFlowTrigger `json:"trigger"`
	// Requestors may request the access or, with an automatic trigger, get it.
	Requestors ConditionGroup `json:"requestors"`
	// RequestorIdentityType is empty if an older server did not send it, which
	// means RequestorIdentityTypeHuman.
	RequestorIdentityType RequestorIdentityType `json:"requestor_identity_type,omitzero"`
	// RequestFor applies to self-serve flows; nil means for the requestor only.
	RequestFor    *RequestFor    `json:"request_for,omitzero"`
	AccessTargets []AccessTarget `json:"access_targets"`
	// ApproverPolicy applies to self-serve flows; nil means automatic approval.
	ApproverPolicy   *ApproverPolicy   `json:"approver_policy,omitzero"`
	EscalationPolicy *EscalationPolicy `json:"escalation_policy,omitzero"`
	// GrantDurationInMin is nil for access that never expires.
	GrantDurationInMin *int `json:"grant_duration_in_min,omitzero"`
	// Timeframe is when access may be granted. It applies to self-serve flows.
	Timeframe    *AccessFlowTimeframe `json:"timeframe,omitzero"`
	Settings     AccessFlowSettings   `json:"settings"`
	CreationDate time.Time            `json:"creation_date"`
	// UpdateDate is nil if the flow was never changed.
	UpdateDate *time.Time `json:"update_date,omitzero"`
	// Space is nil for a flow that is in no space. Updates do not change it.
	Space *SpaceReference `json:"space,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// AccessFlowSettings are the settings of a flow; an update replaces them all.
type AccessFlowSettings struct {
	// JustificationRequired must be false in automatic flows.
	JustificationRequired         bool     `json:"justification_required"`
	RequireApproverReason         bool     `json:"require_approver_reason"`
	RequestorCannotApproveHimself bool     `json:"requestor_cannot_approve_himself"`
	RequireMFA                    bool     `json:"require_mfa"`
	Labels                        []string `json:"labels"`
	// MaxExtensions is how often access can be extended; 0 means never.
	MaxExtensions          *int `json:"max_extensions,omitzero"`
	ExtensionDurationInMin *int `json:"extension_duration_in_min,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// AccessFlowTimeframe is a weekly window in which access may be granted.
type AccessFlowTimeframe struct {
	// StartTime and EndTime are times of day, such as "08:00".
	StartTime string `json:"start_time"`
	EndTime   string `json:"end_time"`
	// DaysOfWeek are the days on which the window opens.
	DaysOfWeek []DayOfWeek `json:"days_of_week"`
	// TimeZone is an IANA name, such as "Europe/Berlin".
	TimeZone string `json:"time_zone"`

	Extra Extra `json:",embed,inline"`
}

// ConditionGroup holds the conditions for requestors or grantees.
type ConditionGroup struct {
	LogicalOperator LogicalOperator `json:"logical_operator"`
	Conditions      []Condition     `json:"conditions"`

	Extra Extra `json:",embed,inline"`
}

// Condition tests an identity.
type Condition struct {
	// SourceIntegrationID is the integration that the identity comes from.
	SourceIntegrationID   *string       `json:"source_integration_id,omitzero"`
	SourceIntegrationName *string       `json:"source_integration_name,omitzero"`
	Type                  ConditionType `json:"type"`
	// MatchOperator is nil if there are no values.
	MatchOperator *MatchOperator `json:"match_operator,omitzero"`
	// Values are IDs or, for users, e-mail addresses.
	Values []string `json:"values,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// RequestFor says for whom access can be requested.
type RequestFor struct {
	RequestScopes []RequestScope `json:"request_scopes"`
	// Grantees are those for whom RequestScopeOthers allows requests.
	Grantees *ConditionGroup `json:"grantees,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ApproverPolicy says who approves requests.
type ApproverPolicy struct {
	ApprovalMode   ApprovalMode    `json:"approval_mode"`
	ApproverGroups []ApproverGroup `json:"approver_groups"`

	Extra Extra `json:",embed,inline"`
}

// ApproverGroup is a group of approvers who decide together.
type ApproverGroup struct {
	// LogicalOperator says whether all approvers or only one of them must approve.
	LogicalOperator LogicalOperator `json:"logical_operator"`
	Approvers       []Condition     `json:"approvers"`

	Extra Extra `json:",embed,inline"`
}

// EscalationPolicy says who must approve if the approvers do not respond.
type EscalationPolicy struct {
	// IntervalInMin is the time until a request is passed to the next group.
	IntervalInMin int `json:"interval_in_min"`
	// ApproverGroups are notified one after the other; there are at most 5.
	ApproverGroups []ApproverGroup `json:"approver_groups"`

	Extra Extra `json:",embed,inline"`
}

// AccessTarget is what a flow grants access to. Exactly one field is set.
type AccessTarget struct {
	Integration *IntegrationAccessTarget `json:"integration,omitzero"`
	Bundle      *TargetBundle            `json:"bundle,omitzero"`
	AccessScope *TargetScope             `json:"access_scope,omitzero"`
	QueryTarget *QueryTarget             `json:"query_target,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// IntegrationAccessTarget grants permissions on resources of one type.
type IntegrationAccessTarget struct {
	IntegrationID   string `json:"integration_id"`
	IntegrationName string `json:"integration_name"`
	ResourceType    string `json:"resource_type"`
	// Permissions are names of permissions.
	Permissions []string `json:"permissions"`
	// ResourcesScopes select resources of the type; empty means all.
	ResourcesScopes []ResourcesScope `json:"resources_scopes,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ResourcesScope selects resources of an integration.
type ResourcesScope struct {
	ScopeMode ScopeMode          `json:"scope_mode"`
	Type      ResourcesScopeType `json:"type"`
	// Key is the key of the tag, for ResourcesScopeTypeTag.
	Key    *string  `json:"key,omitzero"`
	Values []string `json:"values"`

	Extra Extra `json:",embed,inline"`
}

// TargetBundle is a bundle as a target.
type TargetBundle struct {
	BundleID   string `json:"bundle_id"`
	BundleName string `json:"bundle_name"`

	Extra Extra `json:",embed,inline"`
}

// TargetScope is an access scope as a target.
type TargetScope struct {
	AccessScopeID   string `json:"access_scope_id"`
	AccessScopeName string `json:"access_scope_name"`

	Extra Extra `json:",embed,inline"`
}

// QueryTarget selects the resources that match a query when access is resolved.
type QueryTarget struct {
	// Query is in the Apono Query Language and has at most 8 KiB.
	Query string `json:"query"`

	Extra Extra `json:",embed,inline"`
}

const maxQueryTarget = 8 << 10

// ListAccessFlowsOptions filters and pages a list of access flows.
type ListAccessFlowsOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	// SpaceReferences are IDs or names, or SpaceReferenceNone; empty means all.
	SpaceReferences []string `url:"space_references,omitempty"`
}

// AccessFlowInput is the input for creating or updating an access flow. An update
// replaces the whole flow, so start from [AccessFlow.UpdateInput].
type AccessFlowInput struct {
	// Name is unique in the account.
	Name        string            `json:"name"`
	Description *string           `json:"description,omitzero"`
	Active      bool              `json:"active"`
	Trigger     AccessFlowTrigger `json:"trigger"`
	// Requestors may request the access or, with an automatic trigger, get it.
	// At least one condition is required.
	Requestors ConditionGroupInput `json:"requestors"`
	// RequestorIdentityType defaults to RequestorIdentityTypeHuman.
	RequestorIdentityType RequestorIdentityType `json:"requestor_identity_type"`
	// RequestFor applies to self-serve flows; nil means for the requestor only.
	RequestFor    *RequestForInput    `json:"request_for,omitzero"`
	AccessTargets []AccessTargetInput `json:"access_targets"`
	// ApproverPolicy applies to self-serve flows; nil means automatic approval.
	ApproverPolicy   *ApproverPolicyInput   `json:"approver_policy,omitzero"`
	EscalationPolicy *EscalationPolicyInput `json:"escalation_policy,omitzero"`
	// GrantDurationInMin is nil for access that never expires.
	GrantDurationInMin *int `json:"grant_duration_in_min,omitzero"`
	// Timeframe is when access may be granted. It applies to self-serve flows.
	Timeframe *AccessFlowTimeframe `json:"timeframe,omitzero"`
	Settings  AccessFlowSettings   `json:"settings"`
	// RequestForOthers is required by the API, which neither documents nor
	// returns it. Apono's own tools send false.
	RequestForOthers bool `json:"request_for_others"`

	Extra Extra `json:",embed,inline"`
}

// ConditionGroupInput sets the conditions for requestors or grantees.
type ConditionGroupInput struct {
	LogicalOperator LogicalOperator  `json:"logical_operator"`
	Conditions      []ConditionInput `json:"conditions"`

	Extra Extra `json:",embed,inline"`
}

// ConditionInput sets a test of an identity.
type ConditionInput struct {
	// SourceIntegrationReference is the ID or the name of an integration.
	SourceIntegrationReference *string       `json:"source_integration_reference,omitzero"`
	Type                       ConditionType `json:"type"`
	// MatchOperator defaults to MatchOperatorIs. Set it only if there are
	// Values.
	MatchOperator *MatchOperator `json:"match_operator,omitzero"`
	// Values are IDs or, for users, e-mail addresses.
	Values []string `json:"values,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// RequestForInput sets for whom access can be requested.
type RequestForInput struct {
	RequestScopes []RequestScope `json:"request_scopes"`
	// Grantees are those for whom RequestScopeOthers allows requests.
	Grantees *ConditionGroupInput `json:"grantees,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ApproverPolicyInput sets who approves requests.
type ApproverPolicyInput struct {
	ApprovalMode ApprovalMode `json:"approval_mode"`
	// ApproverGroups must not be empty.
	ApproverGroups []ApproverGroupInput `json:"approver_groups"`

	Extra Extra `json:",embed,inline"`
}

// ApproverGroupInput sets approvers who decide together.
type ApproverGroupInput struct {
	// LogicalOperator says whether all approvers or only one of them must approve.
	LogicalOperator LogicalOperator  `json:"logical_operator"`
	Approvers       []ConditionInput `json:"approvers"`

	Extra Extra `json:",embed,inline"`
}

// EscalationPolicyInput sets who must approve if the approvers do not respond.
type EscalationPolicyInput struct {
	// IntervalInMin is at least 1; nil means the server's default.
	IntervalInMin *int `json:"interval_in_min,omitzero"`
	// ApproverGroups are notified one after the other; there are at most 5.
	ApproverGroups []ApproverGroupInput `json:"approver_groups"`

	Extra Extra `json:",embed,inline"`
}

// AccessTargetInput sets an access target. Exactly one field must be set.
type AccessTargetInput struct {
	Integration *IntegrationAccessTargetInput `json:"integration,omitzero"`
	Bundle      *TargetBundleInput            `json:"bundle,omitzero"`
	AccessScope *TargetScopeInput             `json:"access_scope,omitzero"`
	QueryTarget *QueryTarget                  `json:"query_target,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// IntegrationAccessTargetInput sets resources of one type and their
// permissions.
type IntegrationAccessTargetInput struct {
	// IntegrationReference is an ID or a name.
	IntegrationReference string `json:"integration_reference"`
	ResourceType         string `json:"resource_type"`
	// Permissions are names of permissions.
	Permissions []string `json:"permissions"`
	// ResourcesScopes select resources of the type; empty means all.
	ResourcesScopes []ResourcesScope `json:"resources_scopes,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// TargetBundleInput sets a bundle as a target.
type TargetBundleInput struct {
	// BundleReference is an ID or a name.
	BundleReference string `json:"bundle_reference"`

	Extra Extra `json:",embed,inline"`
}

// TargetScopeInput sets an access scope as a target.
type TargetScopeInput struct {
	// AccessScopeReference is an ID or a name.
	AccessScopeReference string `json:"access_scope_reference"`

	Extra Extra `json:",embed,inline"`
}

// List returns a page of access flows.
//
// GET /api/admin/v2/access-flows
func (s *AccessFlowsService) List(ctx context.Context, opts ...ListAccessFlowsOptions) (*Page[AccessFlow], error) {
	return list[AccessFlow](ctx, s.client, listAccessFlows, opts)
}

// ListAll returns an iterator over all access flows.
//
// GET /api/admin/v2/access-flows
func (s *AccessFlowsService) ListAll(ctx context.Context, opts ...ListAccessFlowsOptions) iter.Seq2[*AccessFlow, error] {
	return listAll[AccessFlow](ctx, s.client, listAccessFlows, opts)
}

// Get returns the access flow with the given ID, or [ErrNotFound].
//
// GET /api/admin/v2/access-flows/{id}
func (s *AccessFlowsService) Get(ctx context.Context, id string) (*AccessFlow, error) {
	return decode[AccessFlow](s.client.call(ctx, getAccessFlow, nil, id))
}

// Create creates an access flow. Each target must have exactly one field set, or Create
// returns an [*ArgumentError]. [SpaceOptions] can set its space.
//
// POST /api/admin/v2/access-flows
func (s *AccessFlowsService) Create(ctx context.Context, in AccessFlowInput, opts ...SpaceOptions) (*AccessFlow, error) {
	return decode[AccessFlow](s.client.create(ctx, createAccessFlow, in.complete(), opts))
}

// Update replaces an access flow, or returns [ErrNotFound]. Each target must have
// exactly one field set, or Update returns an [*ArgumentError].
//
// PUT /api/admin/v2/access-flows/{id}
func (s *AccessFlowsService) Update(ctx context.Context, id string, in AccessFlowInput) (*AccessFlow, error) {
	return decode[AccessFlow](s.client.call(ctx, updateAccessFlow, in.complete(), id))
}

// Delete deletes an access flow, or returns [ErrNotFound].
//
// DELETE /api/admin/v2/access-flows/{id}
func (s *AccessFlowsService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteAccessFlow, nil, id))
}

// UpdateInput returns a copy of the flow, Extra included, for Update. The API
// does not return RequestForOthers, which is false in the input.
func (f *AccessFlow) UpdateInput() AccessFlowInput {
	f = clone(f)
	requestForOthers := string(f.Extra["request_for_others"]) == "true" // in case a newer API returns it
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
	return &EscalationPolicyInput{new(p.IntervalInMin), convert(p.ApproverGroups, ApproverGroup.input), p.Extra}
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

func (t *TargetBundle) input() *TargetBundleInput {
	if t == nil {
		return nil
	}
	return &TargetBundleInput{BundleReference: cmp.Or(t.BundleID, t.BundleName), Extra: t.Extra.without("bundle_reference")}
}

func (t *TargetScope) input() *TargetScopeInput {
	if t == nil {
		return nil
	}
	return &TargetScopeInput{AccessScopeReference: cmp.Or(t.AccessScopeID, t.AccessScopeName), Extra: t.Extra.without("access_scope_reference")}
}

// complete sets the defaults of required fields.
func (in AccessFlowInput) complete() AccessFlowInput {
	in.RequestorIdentityType = cmp.Or(in.RequestorIdentityType, RequestorIdentityTypeHuman)
	return in
}

func (in AccessFlowInput) check() error {
	for i, target := range in.AccessTargets {
		arg := fmt.Sprintf("in.AccessTargets[%d]", i)
		err := exactlyOne(arg, len(target.Extra),
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
