package apono

import (
	"context"
	"iter"
	"net/http"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/wire"
)

// LegacyAccessRequestsService manages access requests through version 3 of the
// API, and reads what can be requested. Its successors are
// [AccessRequestsService], [SessionsService] and [AvailableAccessService].
//
// API section: Access Requests, version 3, see https://docs.apono.io.
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
	// Total, Limit and Offset are as in [OffsetPage].
	Total, Limit, Offset int
	// AllowMultiple reports whether a request may name several of the items.
	AllowMultiple bool
}

// ListAccessRequestsV3Options filters and pages the access requests of version
// 3. The API does not document Limit and Skip; they are sent only if set.
type ListAccessRequestsV3Options struct {
	Limit int `url:"limit,omitempty"`
	Skip  int `url:"skip,omitempty"`
	// DaysOffset is how many days to look back. 0 is not sent; the server's
	// default is not documented.
	DaysOffset int64 `url:"days_offset,omitempty"`
	// UserID is the user who gets the access.
	UserID string `url:"user_id,omitempty"`
}

// ListSelectableOptions filters and pages what can be requested. The API does
// not document Limit and Skip; they are sent only if set.
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

// ListAll returns an iterator over all access requests and fetches pages as needed. An
// error ends it; an incomplete list returns [ErrTruncated]. Its successor is
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

// Create requests access. It is not retried if it may already have taken effect. Its
// successor is [AccessRequestsService.Create].
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

// ListAllSelectableIntegrations returns an iterator over the integrations in which
// access can be requested and fetches pages as needed. An error ends it; an incomplete
// list returns [ErrTruncated]. Its successor is
// [AvailableAccessService.ListAllEntitlements].
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
// integration to which access can be requested and fetches pages as needed. An error
// ends it; an incomplete list returns [ErrTruncated]. Its successor is
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

// ListAllSelectablePermissions returns an iterator over the names of the permissions
// that can be requested for a type of resources and fetches pages as needed. An error
// ends it; an incomplete list returns [ErrTruncated]. Its successor is
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
// access can be requested and fetches pages as needed. An error ends it; an incomplete
// list returns [ErrTruncated]. Its successor is
// [AvailableAccessService.ListAllEntitlements].
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
