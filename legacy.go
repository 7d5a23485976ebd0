package apono

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/wire"
)

// Legacy has the services of older versions of the API. Apono has not deprecated them.
// The comment of each method names its successor.
type Legacy struct {
	// Integrations is version 2 of Client.Integrations.
	Integrations *LegacyIntegrationsService
	// AccessFlows is version 1 of Client.AccessFlows.
	AccessFlows *LegacyAccessFlowsService
	// AccessBundles is version 1 of Client.Bundles.
	AccessBundles *LegacyAccessBundlesService
	// Connectors is version 2 of Client.Connectors.
	Connectors *LegacyConnectorsService
	// Users is version 2 of Client.Users.
	Users *LegacyUsersService
	// AccessRequests is version 3 of Client.AccessRequests, Client.Sessions
	// and Client.AvailableAccess.
	AccessRequests *LegacyAccessRequestsService
}

func newLegacy(c *Client) *Legacy {
	return &Legacy{
		Integrations:   &LegacyIntegrationsService{client: c},
		AccessFlows:    &LegacyAccessFlowsService{client: c},
		AccessBundles:  &LegacyAccessBundlesService{client: c},
		Connectors:     &LegacyConnectorsService{client: c},
		Users:          &LegacyUsersService{client: c},
		AccessRequests: &LegacyAccessRequestsService{client: c},
	}
}

// LegacyIntegrationsService manages integrations through version 2 of the API.
// Its successor is [IntegrationsService].
//
// API section: Integrations, version 2.
type LegacyIntegrationsService struct{ client *Client }

var (
	listIntegrationsV2  = operation.New("Legacy.Integrations.List", http.MethodGet, "/api/v2/integrations")
	getIntegrationV2    = operation.New("Legacy.Integrations.Get", http.MethodGet, "/api/v2/integrations/{id}")
	createIntegrationV2 = operation.New("Legacy.Integrations.Create", http.MethodPost, "/api/v2/integrations")
	updateIntegrationV2 = operation.New("Legacy.Integrations.Update", http.MethodPut, "/api/v2/integrations/{id}")
	deleteIntegrationV2 = operation.New("Legacy.Integrations.Delete", http.MethodDelete, "/api/v2/integrations/{id}")
)

// IntegrationStatusV2 is the state of an integration in version 2.
type IntegrationStatusV2 string

// The states of an integration in version 2. Refreshing means that it is being
// read, warning that it works in part.
const (
	IntegrationStatusV2Initializing IntegrationStatusV2 = "Initializing"
	IntegrationStatusV2Refreshing   IntegrationStatusV2 = "Refreshing"
	IntegrationStatusV2Active       IntegrationStatusV2 = "Active"
	IntegrationStatusV2Error        IntegrationStatusV2 = "Error"
	IntegrationStatusV2Warning      IntegrationStatusV2 = "Warning"
	IntegrationStatusV2Disabled     IntegrationStatusV2 = "Disabled"
)

// IntegrationV2 is a connected system as version 2 returns it.
type IntegrationV2 struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Type is the kind of system. It never changes.
	Type   string              `json:"type"`
	Status IntegrationStatusV2 `json:"status"`
	// Details explains the status.
	Details *string `json:"details,omitzero"`
	// ProvisionerID is the ID of the connector.
	ProvisionerID *string `json:"provisioner_id,omitzero"`
	// Connection is not documented.
	Connection Object `json:"connection,omitzero"`
	// LastSyncTime is the time of the last successful sync.
	LastSyncTime *time.Time `json:"last_sync_time,omitzero"`
	// Metadata holds the settings of this kind of system. Numbers are read as
	// json.Number.
	Metadata Object `json:"metadata"`
	// SecretConfig is the place where the credentials for the system are stored: a field
	// "type", a SecretStoreType, and the fields of that store.
	SecretConfig map[string]Secret `json:"secret_config,omitzero"`
	// ConnectedResourceTypes are the types of resources to look for.
	ConnectedResourceTypes []string `json:"connected_resource_types"`
	// CustomAccessDetails is a note for those who get access.
	CustomAccessDetails *string `json:"custom_access_details,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListIntegrationsV2Options pages the integrations of version 2.
type ListIntegrationsV2Options struct {
	Limit int `url:"limit,omitempty"`
	Skip  int `url:"skip,omitempty"`
}

// CreateIntegrationV2Input is the input for a new integration for version 2.
type CreateIntegrationV2Input struct {
	Name string `json:"name"`
	// Type is a kind of system from the catalog.
	Type                   string            `json:"type"`
	ProvisionerID          *string           `json:"provisioner_id,omitzero"`
	Metadata               Object            `json:"metadata"`
	SecretConfig           map[string]Secret `json:"secret_config,omitzero"`
	ConnectedResourceTypes []string          `json:"connected_resource_types,omitzero"`
	CustomAccessDetails    *string           `json:"custom_access_details,omitzero"`
}

// UpdateIntegrationV2Input is the input for updating an integration. It replaces
// everything except the type, and removes fields that this package does not know. The
// successor, [Integration.UpdateInput], keeps them.
type UpdateIntegrationV2Input struct {
	Name                   string            `json:"name"`
	ProvisionerID          *string           `json:"provisioner_id,omitzero"`
	Metadata               Object            `json:"metadata"`
	SecretConfig           map[string]Secret `json:"secret_config,omitzero"`
	ConnectedResourceTypes []string          `json:"connected_resource_types,omitzero"`
	CustomAccessDetails    *string           `json:"custom_access_details,omitzero"`
}

// List returns a page of integrations. Its successor is
// [IntegrationsService.List].
//
// GET /api/v2/integrations
func (s *LegacyIntegrationsService) List(ctx context.Context, opts ...ListIntegrationsV2Options) (*OffsetPage[IntegrationV2], error) {
	return listOffset[IntegrationV2](ctx, s.client, listIntegrationsV2, opts)
}

// ListAll returns an iterator over all integrations. Its successor is
// [IntegrationsService.ListAll].
//
// GET /api/v2/integrations
func (s *LegacyIntegrationsService) ListAll(ctx context.Context, opts ...ListIntegrationsV2Options) iter.Seq2[*IntegrationV2, error] {
	return listAllOffset[IntegrationV2](ctx, s.client, listIntegrationsV2, opts)
}

// Get returns the integration with the given ID, or [ErrNotFound]. Its successor is
// [IntegrationsService.Get].
//
// GET /api/v2/integrations/{id}
func (s *LegacyIntegrationsService) Get(ctx context.Context, id string) (*IntegrationV2, error) {
	return decode[IntegrationV2](s.client.call(ctx, getIntegrationV2, nil, id))
}

// Create creates an integration. Its successor is [IntegrationsService.Create].
//
// POST /api/v2/integrations
func (s *LegacyIntegrationsService) Create(ctx context.Context, in CreateIntegrationV2Input) (*IntegrationV2, error) {
	return decode[IntegrationV2](s.client.call(ctx, createIntegrationV2, in))
}

// Update replaces an integration, or returns [ErrNotFound]. Its successor is
// [IntegrationsService.Update].
//
// PUT /api/v2/integrations/{id}
func (s *LegacyIntegrationsService) Update(ctx context.Context, id string, in UpdateIntegrationV2Input) (*IntegrationV2, error) {
	return decode[IntegrationV2](s.client.call(ctx, updateIntegrationV2, in, id))
}

// Delete deletes an integration, or returns [ErrNotFound]. Its successor is
// [IntegrationsService.Delete].
//
// DELETE /api/v2/integrations/{id}
func (s *LegacyIntegrationsService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteIntegrationV2, nil, id))
}

type plainIntegrationV2 IntegrationV2

// UnmarshalJSON reads the time of the last sync from a number of seconds.
func (i *IntegrationV2) UnmarshalJSON(data []byte) error {
	fields := struct {
		*plainIntegrationV2
		LastSyncTime *instant `json:"last_sync_time"`
	}{plainIntegrationV2: (*plainIntegrationV2)(i)}
	err := wire.Unmarshal(data, &fields)
	i.LastSyncTime = fields.LastSyncTime.time()
	return err
}

// fields returns the object with the time of the last sync as the API writes it.
func (i IntegrationV2) fields() any {
	return struct {
		plainIntegrationV2
		LastSyncTime *instant `json:"last_sync_time,omitzero"`
	}{plainIntegrationV2(i), newInstant(i.LastSyncTime)}
}

// LegacyAccessFlowsService manages access flows through version 1 of the API.
// Its successor is [AccessFlowsService].
//
// API section: Access Flows, version 1.
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
	// RevokeAfterInSec is how long access lasts, or RevokeNeverV1.
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

// ListAccessFlowsV1Options pages the access flows of version 1.
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
	// RevokeAfterInSec is how long access lasts, or RevokeNeverV1.
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
	// RevokeAfterInSec is how long access lasts, or RevokeNeverV1.
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

// ListAll returns an iterator over all access flows. Its successor is
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

// Create creates an access flow. Its successor is [AccessFlowsService.Create].
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

// LegacyAccessBundlesService manages bundles through version 1 of the API. Its
// successor is [BundlesService].
//
// API section: Access Bundles, version 1.
type LegacyAccessBundlesService struct{ client *Client }

var (
	listAccessBundlesV1  = operation.New("Legacy.AccessBundles.List", http.MethodGet, "/api/v1/access-bundles")
	getAccessBundleV1    = operation.New("Legacy.AccessBundles.Get", http.MethodGet, "/api/v1/access-bundles/{id}")
	createAccessBundleV1 = operation.New("Legacy.AccessBundles.Create", http.MethodPost, "/api/v1/access-bundles")
	updateAccessBundleV1 = operation.New("Legacy.AccessBundles.Update", http.MethodPatch, "/api/v1/access-bundles/{id}")
	deleteAccessBundleV1 = operation.New("Legacy.AccessBundles.Delete", http.MethodDelete, "/api/v1/access-bundles/{id}")
)

// AccessBundleV1 is a bundle, as version 1 returns it.
type AccessBundleV1 struct {
	ID                 string                      `json:"id"`
	Name               string                      `json:"name"`
	IntegrationTargets []AccessTargetIntegrationV1 `json:"integration_targets"`

	Extra Extra `json:",embed,inline"`
}

// ListAccessBundlesV1Options pages the bundles of version 1.
type ListAccessBundlesV1Options struct {
	Limit int `url:"limit,omitempty"`
	Skip  int `url:"skip,omitempty"`
}

// CreateAccessBundleV1Input is the input for a new bundle for version 1.
type CreateAccessBundleV1Input struct {
	Name               string                      `json:"name"`
	IntegrationTargets []AccessTargetIntegrationV1 `json:"integration_targets"`
}

// UpdateAccessBundleV1Input changes a bundle. A nil field is left unchanged; an
// empty slice empties the list.
type UpdateAccessBundleV1Input struct {
	Name               *string                     `json:"name,omitzero"`
	IntegrationTargets []AccessTargetIntegrationV1 `json:"integration_targets,omitzero"`
}

// List returns a page of bundles. Its successor is [BundlesService.List].
//
// GET /api/v1/access-bundles
func (s *LegacyAccessBundlesService) List(ctx context.Context, opts ...ListAccessBundlesV1Options) (*OffsetPage[AccessBundleV1], error) {
	return listOffset[AccessBundleV1](ctx, s.client, listAccessBundlesV1, opts)
}

// ListAll returns an iterator over all bundles. Its successor is
// [BundlesService.ListAll].
//
// GET /api/v1/access-bundles
func (s *LegacyAccessBundlesService) ListAll(ctx context.Context, opts ...ListAccessBundlesV1Options) iter.Seq2[*AccessBundleV1, error] {
	return listAllOffset[AccessBundleV1](ctx, s.client, listAccessBundlesV1, opts)
}

// Get returns the bundle with the given ID, or [ErrNotFound]. Its successor is
// [BundlesService.Get].
//
// GET /api/v1/access-bundles/{id}
func (s *LegacyAccessBundlesService) Get(ctx context.Context, id string) (*AccessBundleV1, error) {
	return decode[AccessBundleV1](s.client.call(ctx, getAccessBundleV1, nil, id))
}

// Create creates a bundle. Its successor is [BundlesService.Create].
//
// POST /api/v1/access-bundles
func (s *LegacyAccessBundlesService) Create(ctx context.Context, in CreateAccessBundleV1Input) (*AccessBundleV1, error) {
	return decode[AccessBundleV1](s.client.call(ctx, createAccessBundleV1, in))
}

// Update changes the fields of a bundle that the input sets, or returns
// [ErrNotFound]. Its successor is [BundlesService.Update].
//
// PATCH /api/v1/access-bundles/{id}
func (s *LegacyAccessBundlesService) Update(ctx context.Context, id string, in UpdateAccessBundleV1Input) (*AccessBundleV1, error) {
	return decode[AccessBundleV1](s.client.call(ctx, updateAccessBundleV1, in, id))
}

// Delete deletes a bundle, or returns [ErrNotFound]. Its successor is
// [BundlesService.Delete].
//
// DELETE /api/v1/access-bundles/{id}
func (s *LegacyAccessBundlesService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteAccessBundleV1, nil, id))
}

// LegacyConnectorsService lists connectors through version 2 of the API. Its
// successor is [ConnectorsService].
//
// API section: Connectors, version 2.
type LegacyConnectorsService struct{ client *Client }

var listConnectorsV2 = operation.New("Legacy.Connectors.List", http.MethodGet, "/api/v2/connectors").Identified("connector_id")

// ConnectorV2 is a connector, as version 2 returns it.
type ConnectorV2 struct {
	ConnectorID   string     `json:"connector_id"`
	LastConnected *time.Time `json:"last_connected,omitzero"`
	// Status has no documented values.
	Status string `json:"status"`

	Extra Extra `json:",embed,inline"`
}

// List returns all connectors; the API does not page them. Its successor is
// [ConnectorsService.List].
//
// GET /api/v2/connectors
func (s *LegacyConnectorsService) List(ctx context.Context) ([]*ConnectorV2, error) {
	return decodeList[ConnectorV2](s.client.call(ctx, listConnectorsV2, nil))
}

type plainConnectorV2 ConnectorV2

// UnmarshalJSON reads the time of the last contact from a number of seconds.
func (c *ConnectorV2) UnmarshalJSON(data []byte) error {
	fields := struct {
		*plainConnectorV2
		LastConnected *instant `json:"last_connected"`
	}{plainConnectorV2: (*plainConnectorV2)(c)}
	err := wire.Unmarshal(data, &fields)
	c.LastConnected = fields.LastConnected.time()
	return err
}

// fields returns the object with the time of the last contact as the API writes it.
func (c ConnectorV2) fields() any {
	return struct {
		plainConnectorV2
		LastConnected *instant `json:"last_connected,omitzero"`
	}{plainConnectorV2(c), newInstant(c.LastConnected)}
}

// LegacyUsersService reads users through version 2 of the API. Its successor is
// [UsersService].
//
// API section: Users, version 2.
type LegacyUsersService struct{ client *Client }

var (
	listUsersV2 = operation.New("Legacy.Users.List", http.MethodGet, "/api/v2/users")
	getUserV2   = operation.New("Legacy.Users.Get", http.MethodGet, "/api/v2/users/{id}")
)

// UserV2 is a user, as version 2 returns it.
type UserV2 struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	// Active reports whether the user is enabled in Apono.
	Active bool `json:"active"`

	Extra Extra `json:",embed,inline"`
}

// ListUsersV2Options pages the users of version 2.
type ListUsersV2Options struct {
	Limit int `url:"limit,omitempty"`
	Skip  int `url:"skip,omitempty"`
}

// List returns a page of users. Its successor is [UsersService.List].
//
// GET /api/v2/users
func (s *LegacyUsersService) List(ctx context.Context, opts ...ListUsersV2Options) (*OffsetPage[UserV2], error) {
	return listOffset[UserV2](ctx, s.client, listUsersV2, opts)
}

// ListAll returns an iterator over all users. Its successor is [UsersService.ListAll].
//
// GET /api/v2/users
func (s *LegacyUsersService) ListAll(ctx context.Context, opts ...ListUsersV2Options) iter.Seq2[*UserV2, error] {
	return listAllOffset[UserV2](ctx, s.client, listUsersV2, opts)
}

// Get returns the user with the given ID or e-mail address, or [ErrNotFound]. Its
// successor is [UsersService.Get], for which only the ID is documented.
//
// GET /api/v2/users/{id}
func (s *LegacyUsersService) Get(ctx context.Context, id string) (*UserV2, error) {
	return decode[UserV2](s.client.call(ctx, getUserV2, nil, id))
}

// LegacyAccessRequestsService manages access requests through version 3 of the
// API, and reads what can be requested. Its successors are
// [AccessRequestsService], [SessionsService] and [AvailableAccessService].
//
// API section: Access Requests, version 3.
type LegacyAccessRequestsService struct{ client *Client }

var (
	listAccessRequestsV3        = operation.New("Legacy.AccessRequests.List", http.MethodGet, "/api/v3/access-requests").Identified("request_id")
	getAccessRequestV3          = operation.New("Legacy.AccessRequests.Get", http.MethodGet, "/api/v3/access-requests/{id}").Identified("request_id")
	createAccessRequestV3       = operation.New("Legacy.AccessRequests.Create", http.MethodPost, "/api/v3/access-requests").Identified("request_id")
	revokeAccessRequestsV3      = operation.New("Legacy.AccessRequests.RevokeMany", http.MethodPost, "/api/v3/access-requests-bulk/revoke").Requires("message")
	getAccessDetailsV3          = operation.New("Legacy.AccessRequests.GetAccessDetails", http.MethodGet, "/api/v3/access-requests/{id}/access-details").Consuming().Requires("details")
	resetCredentialsV3          = operation.New("Legacy.AccessRequests.ResetCredentials", http.MethodPost, "/api/v3/access-requests/{id}/reset").Requires("message")
	listSelectableIntegrations  = operation.New("Legacy.AccessRequests.ListSelectableIntegrations", http.MethodGet, "/api/v3/selectable-integrations")
	listSelectableResourceTypes = operation.New("Legacy.AccessRequests.ListSelectableResourceTypes", http.MethodGet, "/api/v3/selectable-integrations/{integration_id}/resource-types")
	listSelectablePermissions   = operation.New("Legacy.AccessRequests.ListSelectablePermissions", http.MethodGet, "/api/v3/selectable-integrations/{integration_id}/{resource_type}/permissions")
	listSelectableResources     = operation.New("Legacy.AccessRequests.ListSelectableResources", http.MethodGet, "/api/v3/selectable-integrations/{integration_id}/{resource_type}/resources")
)

// AccessStatusV3 is the state of a request in version 3.
type AccessStatusV3 string

// The states of a request in version 3.
const (
	AccessStatusV3Pending  AccessStatusV3 = "PENDING"
	AccessStatusV3Approved AccessStatusV3 = "APPROVED"
	AccessStatusV3Rejected AccessStatusV3 = "REJECTED"
	AccessStatusV3Granted  AccessStatusV3 = "GRANTED"
	AccessStatusV3Revoking AccessStatusV3 = "REVOKING"
	AccessStatusV3Expired  AccessStatusV3 = "EXPIRED"
	AccessStatusV3Failed   AccessStatusV3 = "FAILED"
)

// AccessRequestV3 is an access request, as version 3 returns it.
type AccessRequestV3 struct {
	RequestID string `json:"request_id"`
	// FriendlyRequestID is a readable ID, such as AR-123.
	FriendlyRequestID string `json:"friendly_request_id"`
	// UserID is the user who gets the access.
	UserID        string         `json:"user_id"`
	Status        AccessStatusV3 `json:"status"`
	IntegrationID string         `json:"integration_id"`
	ResourceIDs   []string       `json:"resource_ids"`
	Permissions   []string       `json:"permissions"`
	Justification string         `json:"justification"`

	Extra Extra `json:",embed,inline"`
}

// AccessDetailsV3 holds the credentials of a request and how to use them, as
// one string.
type AccessDetailsV3 struct {
	Details Secret `json:"details"`

	Extra map[string]Secret `json:",embed,inline"`
}

// SelectableIntegration is an integration in which access can be requested.
type SelectableIntegration struct {
	ID string `json:"id"`

	Extra Extra `json:",embed,inline"`
}

// SelectableResourceType is a type of resources to which access can be
// requested.
type SelectableResourceType struct {
	ID   string `json:"id"`
	Name string `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// SelectableResource is a resource to which access can be requested.
type SelectableResource struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// SelectablePermissionsPage is a page of the names of permissions that can be
// requested.
type SelectablePermissionsPage struct {
	Items []string
	// Total, Limit and Offset are as in OffsetPage.
	Total, Limit, Offset int
	// AllowMultiple reports whether a request may name several of the items.
	AllowMultiple bool
}

// ListAccessRequestsV3Options filters and pages the access requests of version 3.
type ListAccessRequestsV3Options struct {
	Limit int `url:"limit,omitempty"`
	Skip  int `url:"skip,omitempty"`
	// DaysOffset is how many days to look back. 0 is not sent; the server's
	// default is not documented.
	DaysOffset int64 `url:"days_offset,omitempty"`
	// UserID is the user who gets the access.
	UserID string `url:"user_id,omitempty"`
}

// ListSelectableOptions filters and pages what can be requested.
type ListSelectableOptions struct {
	Limit int `url:"limit,omitempty"`
	Skip  int `url:"skip,omitempty"`
	// UserID is the user to request access for.
	UserID string `url:"user_id,omitempty"`
}

// CreateAccessRequestV3Input is a request for access in one integration.
type CreateAccessRequestV3Input struct {
	// UserID is the user who gets the access.
	UserID        string `json:"user_id"`
	IntegrationID string `json:"integration_id"`
	// ResourceIDs are resources of the integration.
	ResourceIDs []string `json:"resource_ids"`
	// Permissions are names of permissions.
	Permissions   []string `json:"permissions"`
	Justification string   `json:"justification"`
	DurationInSec *int     `json:"duration_in_sec,omitzero"`
}

type revokeManyInput struct {
	RequestIDs []string `json:"request_ids"`
}

// List returns a page of access requests. Its successor is
// [AccessRequestsService.List].
//
// GET /api/v3/access-requests
func (s *LegacyAccessRequestsService) List(ctx context.Context, opts ...ListAccessRequestsV3Options) (*OffsetPage[AccessRequestV3], error) {
	return listOffset[AccessRequestV3](ctx, s.client, listAccessRequestsV3, opts)
}

// ListAll returns an iterator over all access requests. Its successor is
// [AccessRequestsService.ListAll].
//
// GET /api/v3/access-requests
func (s *LegacyAccessRequestsService) ListAll(ctx context.Context, opts ...ListAccessRequestsV3Options) iter.Seq2[*AccessRequestV3, error] {
	return listAllOffset[AccessRequestV3](ctx, s.client, listAccessRequestsV3, opts)
}

// Get returns the access request with the given ID, or [ErrNotFound]. Its successor is
// [AccessRequestsService.Get].
//
// GET /api/v3/access-requests/{id}
func (s *LegacyAccessRequestsService) Get(ctx context.Context, id string) (*AccessRequestV3, error) {
	return decode[AccessRequestV3](s.client.call(ctx, getAccessRequestV3, nil, id))
}

// Create requests access. Its successor is [AccessRequestsService.Create].
//
// POST /api/v3/access-requests
func (s *LegacyAccessRequestsService) Create(ctx context.Context, in CreateAccessRequestV3Input) (*AccessRequestV3, error) {
	return decode[AccessRequestV3](s.client.call(ctx, createAccessRequestV3, in))
}

// RevokeMany asks Apono to revoke the access of several requests. The API returns one
// message for all of them; Get returns the state of each. An empty list of IDs returns
// an [*ArgumentError]. Its successor is [AccessRequestsService.Revoke], for one
// request.
//
// POST /api/v3/access-requests-bulk/revoke
func (s *LegacyAccessRequestsService) RevokeMany(ctx context.Context, requestIDs []string) (*Message, error) {
	return decode[Message](s.client.call(ctx, revokeAccessRequestsV3, revokeManyInput{requestIDs}))
}

// GetAccessDetails returns the credentials of a request. Reading may use them up, so it
// is not retried once it may have reached the server, except after a 401 with a token
// source. A client with [WithReadOnly] returns [ErrReadOnly]. Its successor is
// [SessionsService.GetAccessDetails].
//
// GET /api/v3/access-requests/{id}/access-details
func (s *LegacyAccessRequestsService) GetAccessDetails(ctx context.Context, id string) (*AccessDetailsV3, error) {
	return decode[AccessDetailsV3](s.client.call(ctx, getAccessDetailsV3, nil, id))
}

// ResetCredentials asks Apono to replace the credentials of a request and does not wait
// until they are replaced. Its successor is [SessionsService.ResetCredentials].
//
// POST /api/v3/access-requests/{id}/reset
func (s *LegacyAccessRequestsService) ResetCredentials(ctx context.Context, id string) (*Message, error) {
	return decode[Message](s.client.call(ctx, resetCredentialsV3, nil, id))
}

// ListSelectableIntegrations returns a page of the integrations in which access
// can be requested. Its successor is [AvailableAccessService.ListEntitlements].
//
// GET /api/v3/selectable-integrations
func (s *LegacyAccessRequestsService) ListSelectableIntegrations(ctx context.Context, opts ...ListSelectableOptions) (*OffsetPage[SelectableIntegration], error) {
	return listOffset[SelectableIntegration](ctx, s.client, listSelectableIntegrations, opts)
}

// ListAllSelectableIntegrations returns an iterator over the integrations in which access
// can be requested. Its successor is [AvailableAccessService.ListAllEntitlements].
//
// GET /api/v3/selectable-integrations
func (s *LegacyAccessRequestsService) ListAllSelectableIntegrations(ctx context.Context, opts ...ListSelectableOptions) iter.Seq2[*SelectableIntegration, error] {
	return listAllOffset[SelectableIntegration](ctx, s.client, listSelectableIntegrations, opts)
}

// ListSelectableResourceTypes returns a page of the types of resources in an
// integration to which access can be requested. Its successor is
// [AvailableAccessService.ListEntitlements].
//
// GET /api/v3/selectable-integrations/{integration_id}/resource-types
func (s *LegacyAccessRequestsService) ListSelectableResourceTypes(ctx context.Context, integrationID string, opts ...ListSelectableOptions) (*OffsetPage[SelectableResourceType], error) {
	return listOffset[SelectableResourceType](ctx, s.client, listSelectableResourceTypes, opts, integrationID)
}

// ListAllSelectableResourceTypes returns an iterator over the types of resources in an
// integration to which access can be requested. Its successor is
// [AvailableAccessService.ListAllEntitlements].
//
// GET /api/v3/selectable-integrations/{integration_id}/resource-types
func (s *LegacyAccessRequestsService) ListAllSelectableResourceTypes(ctx context.Context, integrationID string, opts ...ListSelectableOptions) iter.Seq2[*SelectableResourceType, error] {
	return listAllOffset[SelectableResourceType](ctx, s.client, listSelectableResourceTypes, opts, integrationID)
}

// ListSelectablePermissions returns a page of the names of the permissions that
// can be requested for a type of resources. Its successor is
// [AvailableAccessService.ListEntitlements].
//
// GET /api/v3/selectable-integrations/{integration_id}/{resource_type}/permissions
func (s *LegacyAccessRequestsService) ListSelectablePermissions(ctx context.Context, integrationID, resourceType string, opts ...ListSelectableOptions) (*SelectablePermissionsPage, error) {
	resp, err := callList(ctx, s.client, listSelectablePermissions, opts, integrationID, resourceType)
	page, err := decodeOffsetPage[string](resp, err)
	if err != nil {
		return nil, err
	}
	var more struct {
		AllowMultiple bool `json:"allow_multiple"`
	}
	if err := wire.Unmarshal(resp.Body, &more); err != nil {
		return nil, resp.decodeError(err)
	}
	return &SelectablePermissionsPage{
		Items: convert(page.Items, func(name *string) string { return *name }),
		Total: page.Total, Limit: page.Limit, Offset: page.Offset, AllowMultiple: more.AllowMultiple,
	}, nil
}

// ListAllSelectablePermissions returns an iterator over the names of the permissions that
// can be requested for a type of resources. Its successor is
// [AvailableAccessService.ListAllEntitlements].
//
// GET /api/v3/selectable-integrations/{integration_id}/{resource_type}/permissions
func (s *LegacyAccessRequestsService) ListAllSelectablePermissions(ctx context.Context, integrationID, resourceType string, opts ...ListSelectableOptions) iter.Seq2[string, error] {
	names := listAllOffset[string](ctx, s.client, listSelectablePermissions, opts, integrationID, resourceType)
	return func(yield func(string, error) bool) {
		for name, err := range names {
			if !yield(value(name), err) {
				return
			}
		}
	}
}

// ListSelectableResources returns a page of the resources of a type to which
// access can be requested. Its successor is
// [AvailableAccessService.ListEntitlements].
//
// GET /api/v3/selectable-integrations/{integration_id}/{resource_type}/resources
func (s *LegacyAccessRequestsService) ListSelectableResources(ctx context.Context, integrationID, resourceType string, opts ...ListSelectableOptions) (*OffsetPage[SelectableResource], error) {
	return listOffset[SelectableResource](ctx, s.client, listSelectableResources, opts, integrationID, resourceType)
}

// ListAllSelectableResources returns an iterator over the resources of a type to which
// access can be requested. Its successor is [AvailableAccessService.ListAllEntitlements].
//
// GET /api/v3/selectable-integrations/{integration_id}/{resource_type}/resources
func (s *LegacyAccessRequestsService) ListAllSelectableResources(ctx context.Context, integrationID, resourceType string, opts ...ListSelectableOptions) iter.Seq2[*SelectableResource, error] {
	return listAllOffset[SelectableResource](ctx, s.client, listSelectableResources, opts, integrationID, resourceType)
}

func (in revokeManyInput) check() error {
	if len(in.RequestIDs) == 0 {
		return &ArgumentError{Arg: "requestIDs", Reason: "must not be empty: pass the IDs of the requests to revoke"}
	}
	return nil
}

// instant is a time of the legacy API: a JSON number of seconds since 1970, with
// nanoseconds as the fraction.
type instant struct{ time.Time }

// MarshalJSON writes the seconds with nine digits of fraction, and the zero time as null.
func (i instant) MarshalJSON() ([]byte, error) {
	if i.IsZero() {
		return []byte("null"), nil
	}
	return fmt.Appendf(nil, "%d.%09d", i.Unix(), i.Nanosecond()), nil
}

// UnmarshalJSON reads a number with or without quotes, or a time in ISO 8601.
func (i *instant) UnmarshalJSON(data []byte) (err error) {
	text := strings.TrimSpace(strings.Trim(string(data), `"`))
	switch text {
	case "null":
		return nil
	case "":
		*i = instant{}
		return nil
	}
	if i.Time, err = wire.ParseTime(text); err == nil && (i.Unix() < 0 || i.Unix() > wire.LastSecond) {
		err = errors.New("a time before 1970 or after 9999")
	}
	return err
}

func newInstant(t *time.Time) *instant {
	if t == nil {
		return nil
	}
	return &instant{*t}
}

func (i *instant) time() *time.Time {
	if i == nil || i.IsZero() {
		return nil
	}
	return &i.Time
}
