package apono

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/wire"
)

// LegacyAccessFlowsService manages access flows through version 1 of the API.
// Its successor is [AccessFlowsService].
//
// API section: Access Flows, version 1, see https://docs.apono.io.
type LegacyAccessFlowsService struct{ client *Client }

var (
	listAccessFlowsV1  = operation.New("Legacy.AccessFlows.List", http.MethodGet, "/api/v1/access-flows")
	getAccessFlowV1    = operation.New("Legacy.AccessFlows.Get", http.MethodGet, "/api/v1/access-flows/{id}")
	createAccessFlowV1 = operation.New("Legacy.AccessFlows.Create", http.MethodPost, "/api/v1/access-flows")
	updateAccessFlowV1 = operation.New("Legacy.AccessFlows.Update", http.MethodPatch, "/api/v1/access-flows/{id}")
	deleteAccessFlowV1 = operation.New("Legacy.AccessFlows.Delete", http.MethodDelete, "/api/v1/access-flows/{id}")
)

// AccessFlowTriggerTypeV1 is what triggers a grant in version 1. The API does
// not list its values.
type AccessFlowTriggerTypeV1 string

// The known triggers of version 1: access is granted on request, or to every grantee.
const (
	AccessFlowTriggerTypeV1UserRequest AccessFlowTriggerTypeV1 = "user_request"
	AccessFlowTriggerTypeV1Automatic   AccessFlowTriggerTypeV1 = "automatic"
)

// IdentityTypeV1 is a kind of identity in version 1. Send it in lower case; the
// API may return upper case.
type IdentityTypeV1 string

// The known kinds of version 1.
const (
	IdentityTypeV1User             IdentityTypeV1 = "user"
	IdentityTypeV1Group            IdentityTypeV1 = "group"
	IdentityTypeV1ContextAttribute IdentityTypeV1 = "context_attribute"
)

// RevokeNeverV1 is the RevokeAfterInSec of access that does not end.
const RevokeNeverV1 = -1

// AccessFlowV1 is a rule that grants access, as version 1 returns it.
type AccessFlowV1 struct {
	ID                 string                      `json:"id"`
	Name               string                      `json:"name"`
	Active             bool                        `json:"active"`
	Trigger            AccessFlowTriggerV1         `json:"trigger"`
	Grantees           []GranteeV1                 `json:"grantees"`
	IntegrationTargets []AccessTargetIntegrationV1 `json:"integration_targets"`
	BundleTargets      []AccessTargetBundleV1      `json:"bundle_targets"`
	// Approvers is empty if requests are approved automatically.
	Approvers []ApproverV1 `json:"approvers,omitzero"`
	// RevokeAfterInSec is how long access lasts, or [RevokeNeverV1].
	RevokeAfterInSec int                   `json:"revoke_after_in_sec"`
	Settings         *AccessFlowSettingsV1 `json:"settings,omitzero"`
	CreatedDate      time.Time             `json:"created_date"`

	Extra Extra `json:",embed,inline"`
}

// AccessFlowTriggerV1 is the trigger of a flow and its time frame.
type AccessFlowTriggerV1 struct {
	Type      AccessFlowTriggerTypeV1 `json:"type"`
	Timeframe *TimeframeV1            `json:"timeframe,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// TimeframeV1 is a weekly window in which access may be granted.
type TimeframeV1 struct {
	// StartOfDayTimeInSeconds and EndOfDayTimeInSeconds count from midnight.
	StartOfDayTimeInSeconds int64 `json:"start_of_day_time_in_seconds"`
	EndOfDayTimeInSeconds   int64 `json:"end_of_day_time_in_seconds"`
	// DaysInWeek are the days on which the window opens.
	DaysInWeek []DayOfWeek `json:"days_in_week"`
	// TimeZone is an IANA name.
	TimeZone string `json:"time_zone"`

	Extra Extra `json:",embed,inline"`
}

// AccessFlowSettingsV1 are the settings of a flow.
type AccessFlowSettingsV1 struct {
	RequireJustificationOnRequestAgain *bool `json:"require_justification_on_request_again,omitzero"`
	RequireAllApprovers                *bool `json:"require_all_approvers,omitzero"`
	RequireApproverJustification       *bool `json:"require_approver_justification,omitzero"`
	ApproverCannotApproveHimself       *bool `json:"approver_cannot_approve_himself,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// GranteeV1 is an identity that may request access or, with an automatic trigger, gets
// it.
type GranteeV1 struct {
	ID   string         `json:"id"`
	Type IdentityTypeV1 `json:"type"`

	Extra Extra `json:",embed,inline"`
}

// ApproverV1 is an identity that approves requests.
type ApproverV1 struct {
	ID   string         `json:"id"`
	Type IdentityTypeV1 `json:"type"`

	Extra Extra `json:",embed,inline"`
}

// AccessTargetIntegrationV1 grants permissions on resources of one type.
type AccessTargetIntegrationV1 struct {
	IntegrationID string `json:"integration_id"`
	ResourceType  string `json:"resource_type"`
	// ResourceTagIncludes select the resources with any of the tags; empty means all of
	// the type. The tag names "__id" and "__name" stand for the ID and the name of the
	// resource.
	ResourceTagIncludes []TagV1 `json:"resource_tag_includes"`
	// ResourceTagExcludes exclude the resources with any of the tags.
	ResourceTagExcludes []TagV1 `json:"resource_tag_excludes"`
	// Permissions are names of permissions.
	Permissions []string `json:"permissions"`

	Extra Extra `json:",embed,inline"`
}

// TagV1 is a tag of a resource.
type TagV1 struct {
	// Name is the key of the tag.
	Name  string `json:"name"`
	Value string `json:"value"`

	Extra Extra `json:",embed,inline"`
}

// AccessTargetBundleV1 is a bundle as a target.
type AccessTargetBundleV1 struct {
	BundleID string `json:"bundle_id"`

	Extra Extra `json:",embed,inline"`
}

// ListAccessFlowsV1Options pages the access flows of version 1. The API does
// not document Limit and Skip; they are sent only if set.
type ListAccessFlowsV1Options struct {
	Limit int `url:"limit,omitempty"`
	Skip  int `url:"skip,omitempty"`
}

// CreateAccessFlowV1Input is the input for a new flow for version 1.
type CreateAccessFlowV1Input struct {
	Name               string                      `json:"name"`
	Active             bool                        `json:"active"`
	Trigger            AccessFlowTriggerV1         `json:"trigger"`
	Grantees           []GranteeV1                 `json:"grantees"`
	IntegrationTargets []AccessTargetIntegrationV1 `json:"integration_targets,omitzero"`
	BundleTargets      []AccessTargetBundleV1      `json:"bundle_targets,omitzero"`
	// Approvers is empty if requests are approved automatically.
	Approvers []ApproverV1 `json:"approvers,omitzero"`
	// RevokeAfterInSec is how long access lasts, or [RevokeNeverV1].
	RevokeAfterInSec int                   `json:"revoke_after_in_sec"`
	Settings         *AccessFlowSettingsV1 `json:"settings,omitzero"`
}

// UpdateAccessFlowV1Input changes a flow. A nil field is left unchanged; an
// empty slice empties the list.
type UpdateAccessFlowV1Input struct {
	Name               *string                     `json:"name,omitzero"`
	Active             *bool                       `json:"active,omitzero"`
	Trigger            *AccessFlowTriggerV1        `json:"trigger,omitzero"`
	Grantees           []GranteeV1                 `json:"grantees,omitzero"`
	IntegrationTargets []AccessTargetIntegrationV1 `json:"integration_targets,omitzero"`
	BundleTargets      []AccessTargetBundleV1      `json:"bundle_targets,omitzero"`
	// Approvers is empty, not nil, if requests are approved automatically.
	Approvers []ApproverV1 `json:"approvers,omitzero"`
	// RevokeAfterInSec is how long access lasts, or [RevokeNeverV1].
	RevokeAfterInSec *int                  `json:"revoke_after_in_sec,omitzero"`
	Settings         *AccessFlowSettingsV1 `json:"settings,omitzero"`
}

// List returns a page of access flows. Its successor is
// [AccessFlowsService.List].
//
// GET /api/v1/access-flows
func (s *LegacyAccessFlowsService) List(ctx context.Context, opts ...ListAccessFlowsV1Options) (*OffsetPage[AccessFlowV1], error) {
	return listOffset[AccessFlowV1](ctx, s.client, listAccessFlowsV1, opts)
}

// ListAll returns an iterator over all access flows and fetches pages as needed. An
// error ends it; an incomplete list returns [ErrTruncated]. Its successor is
// [AccessFlowsService.ListAll].
//
// GET /api/v1/access-flows
func (s *LegacyAccessFlowsService) ListAll(ctx context.Context, opts ...ListAccessFlowsV1Options) iter.Seq2[*AccessFlowV1, error] {
	return listAllOffset[AccessFlowV1](ctx, s.client, listAccessFlowsV1, opts)
}

// Get returns the access flow with the given ID, or [ErrNotFound]. Its successor is
// [AccessFlowsService.Get].
//
// GET /api/v1/access-flows/{id}
func (s *LegacyAccessFlowsService) Get(ctx context.Context, id string) (*AccessFlowV1, error) {
	return decode[AccessFlowV1](s.client.call(ctx, getAccessFlowV1, nil, id))
}

// Create creates an access flow. It is not retried if it may already have taken effect.
// Its successor is [AccessFlowsService.Create].
//
// POST /api/v1/access-flows
func (s *LegacyAccessFlowsService) Create(ctx context.Context, in CreateAccessFlowV1Input) (*AccessFlowV1, error) {
	return decode[AccessFlowV1](s.client.call(ctx, createAccessFlowV1, in))
}

// Update changes the fields of an access flow that the input sets, or returns
// [ErrNotFound]. Its successor is [AccessFlowsService.Update].
//
// PATCH /api/v1/access-flows/{id}
func (s *LegacyAccessFlowsService) Update(ctx context.Context, id string, in UpdateAccessFlowV1Input) (*AccessFlowV1, error) {
	return decode[AccessFlowV1](s.client.call(ctx, updateAccessFlowV1, in, id))
}

// Delete deletes an access flow, or returns [ErrNotFound]. Its successor is
// [AccessFlowsService.Delete].
//
// DELETE /api/v1/access-flows/{id}
func (s *LegacyAccessFlowsService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteAccessFlowV1, nil, id))
}

type plainAccessFlowV1 AccessFlowV1

// UnmarshalJSON reads the time of creation from a number of seconds.
func (f *AccessFlowV1) UnmarshalJSON(data []byte) error {
	fields := struct {
		*plainAccessFlowV1
		CreatedDate instant `json:"created_date"`
	}{plainAccessFlowV1: (*plainAccessFlowV1)(f)}
	err := wire.Unmarshal(data, &fields)
	f.CreatedDate = fields.CreatedDate.Time
	return err
}

// fields returns the object with the time of creation as the API writes it.
func (f AccessFlowV1) fields() any {
	return struct {
		plainAccessFlowV1
		CreatedDate instant `json:"created_date"`
	}{plainAccessFlowV1(f), instant{f.CreatedDate}}
}
