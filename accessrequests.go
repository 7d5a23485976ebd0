package apono

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// AccessRequestsService makes access requests for the person whose token it is,
// follows them, and revokes them.
//
// API section: Access Requests, version 4, see https://docs.apono.io.
type AccessRequestsService struct{ client *Client }

var (
	listAccessRequests            = operation.New("AccessRequests.List", http.MethodGet, "/api/user/v4/access-requests")
	getAccessRequest              = operation.New("AccessRequests.Get", http.MethodGet, "/api/user/v4/access-requests/{id}")
	createAccessRequest           = operation.New("AccessRequests.Create", http.MethodPost, "/api/user/v4/access-requests")
	requestAccessAgain            = operation.New("AccessRequests.RequestAgain", http.MethodPost, "/api/user/v4/access-requests/{id}/request-again")
	revokeAccessRequest           = operation.New("AccessRequests.Revoke", http.MethodPost, "/api/user/v4/access-requests/{id}/revoke")
	listAccessRequestEntitlements = operation.New("AccessRequests.ListEntitlements", http.MethodGet, "/api/user/v4/access-requests/{id}/entitlements")
)

// AccessRequestStatus is the state of a request. The API lists neither its
// values nor how they are spelt, so compare with the methods rather than with
// ==; they ignore case, spaces, hyphens and underscores. A value that none of
// them knows is passed through.
type AccessRequestStatus string

// The states that Apono's own tools and the older API know.
const (
	// AccessRequestStatusInitializing is a request that is being taken in.
	AccessRequestStatusInitializing AccessRequestStatus = "INITIALIZING"
	// AccessRequestStatusPending is a request that waits for approval.
	AccessRequestStatusPending AccessRequestStatus = "PENDING"
	// AccessRequestStatusPendingMFA is a request that waits for the requestor's
	// second factor, to be given in Apono's portal.
	AccessRequestStatusPendingMFA AccessRequestStatus = "PENDING_MFA"
	// AccessRequestStatusApproved is a request that was approved.
	AccessRequestStatusApproved AccessRequestStatus = "APPROVED"
	// AccessRequestStatusGranting is a request whose access is being set up.
	AccessRequestStatusGranting AccessRequestStatus = "GRANTING"
	// AccessRequestStatusActive is a request whose access is there.
	AccessRequestStatusActive AccessRequestStatus = "ACTIVE"
	// AccessRequestStatusGranted is the older name of active.
	AccessRequestStatusGranted AccessRequestStatus = "GRANTED"
	// AccessRequestStatusRejected is a request that was refused.
	AccessRequestStatusRejected AccessRequestStatus = "REJECTED"
	// AccessRequestStatusFailed is a request that went wrong.
	AccessRequestStatusFailed AccessRequestStatus = "FAILED"
	// AccessRequestStatusFailure is the older name of failed, for a part of a
	// request.
	AccessRequestStatusFailure AccessRequestStatus = "FAILURE"
	// AccessRequestStatusRevoking is a request whose access is being taken away.
	AccessRequestStatusRevoking AccessRequestStatus = "REVOKING"
	// AccessRequestStatusRevoked is a request whose access was taken away.
	AccessRequestStatusRevoked AccessRequestStatus = "REVOKED"
	// AccessRequestStatusExpired is a request whose access has ended.
	AccessRequestStatusExpired AccessRequestStatus = "EXPIRED"
)

// Is reports whether the status is one of several, however it is spelt.
func (s AccessRequestStatus) Is(others ...AccessRequestStatus) bool {
	for _, other := range others {
		if s.normal() == other.normal() {
			return true
		}
	}
	return false
}

// Granted reports whether the access is there.
func (s AccessRequestStatus) Granted() bool {
	return s.Is(AccessRequestStatusActive, AccessRequestStatusGranted)
}

// Pending reports whether the access may still come.
func (s AccessRequestStatus) Pending() bool {
	return s.Is(AccessRequestStatusInitializing, AccessRequestStatusPending, AccessRequestStatusPendingMFA,
		AccessRequestStatusApproved, AccessRequestStatusGranting)
}

// Rejected reports whether the request was refused.
func (s AccessRequestStatus) Rejected() bool { return s.Is(AccessRequestStatusRejected) }

// Failed reports whether the request went wrong.
func (s AccessRequestStatus) Failed() bool {
	return s.Is(AccessRequestStatusFailed, AccessRequestStatusFailure)
}

// Revoked reports whether the access has ended, by revocation or by itself.
func (s AccessRequestStatus) Revoked() bool {
	return s.Is(AccessRequestStatusRevoked, AccessRequestStatusExpired)
}

func (s AccessRequestStatus) normal() string {
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "").Replace(string(s)))
}

// AccessRequest is a request for access.
type AccessRequest struct {
	// ID identifies the request.
	ID string `json:"id"`
	// Status is the state of the request.
	Status AccessRequestStatus `json:"status"`
	// DurationInSec is how long the access lasts, in seconds.
	DurationInSec *int `json:"duration_in_sec,omitzero"`
	// Justification is the requestor's reason.
	Justification *string `json:"justification,omitzero"`
	// CreationDate is when the request was made.
	CreationDate time.Time `json:"creation_date"`
	// RevocationDate is when the access was taken away.
	RevocationDate *time.Time `json:"revocation_date,omitzero"`
	// CustomFields are the values of custom fields, by their ids.
	CustomFields map[string]string `json:"custom_fields"`
	// AccessGroups are what was requested, one for each integration.
	AccessGroups []AccessGroup `json:"access_groups"`
	// Requestor is who made the request, nil for the caller.
	Requestor *IdentityRef `json:"requestor,omitzero"`
	// Grantee is who gets the access, nil for the caller.
	Grantee *IdentityRef `json:"grantee,omitzero"`
	// Bundle is the bundle that was requested, if one was.
	Bundle *Ref `json:"bundle,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// AccessGroup is what was requested in one integration.
type AccessGroup struct {
	// Integration is the integration.
	Integration Ref `json:"integration"`
	// ResourceTypes are the types of the resources.
	ResourceTypes []ResourceType `json:"resource_types"`

	Extra Extra `json:",embed,inline"`
}

// Ref names an object.
type Ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// IdentityRef names a requestor or a grantee.
type IdentityRef struct {
	// ID is Apono's id.
	ID string `json:"id"`
	// SourceID is the id at the source, an e-mail for users.
	SourceID string `json:"source_id"`

	Extra Extra `json:",embed,inline"`
}

// ResourceType is a type of resource.
type ResourceType struct {
	// ID identifies the type.
	ID string `json:"id"`
	// Label is the display name.
	Label string `json:"label"`

	Extra Extra `json:",embed,inline"`
}

// AccessRequestEntitlement is a permission to a resource, as part of a request.
type AccessRequestEntitlement struct {
	// Integration is where the resource is.
	Integration Ref `json:"integration"`
	// Resource is the resource.
	Resource EntitlementResource `json:"resource"`
	// Permission is the permission.
	Permission RequestEntitlementPermission `json:"permission"`
	// Status is the state of this part of the request.
	Status AccessRequestStatus `json:"status"`

	Extra Extra `json:",embed,inline"`
}

// EntitlementResource is a resource to which there are permissions.
type EntitlementResource struct {
	// ID is Apono's id, to be used in a request.
	ID string `json:"id"`
	// SourceID is the id in the system, such as an ARN.
	SourceID string `json:"source_id"`
	// Type is the type of the resource.
	Type ResourceType `json:"type"`
	// Name is the display name.
	Name string `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// RequestEntitlementPermission names a permission that was requested. It has no
// id; to request the same again use RequestAgain.
type RequestEntitlementPermission struct {
	// Name is the display name.
	Name string `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// ListAccessRequestsOptions filters and pages a list of access requests.
type ListAccessRequestsOptions struct {
	// PageToken is where to go on, from Page.NextPageToken. The token carries
	// the filters of the list that it came from; those given here are not sent.
	PageToken string `url:"page_token,omitempty"`
	// Limit is the size of a page; the server's default is 100.
	Limit int `url:"limit,omitempty"`
	// Requestor is who made the requests, the caller unless given.
	Requestor string `url:"requestor,omitempty"`
	// Statuses are states. How the API spells them is not documented.
	Statuses []AccessRequestStatus `url:"statuses,omitempty"`
}

func (o ListAccessRequestsOptions) at(token string) (ListAccessRequestsOptions, string) {
	from := o.PageToken
	o.PageToken = token
	return o, from
}

// ListAccessRequestEntitlementsOptions filters and pages a list of the
// entitlements of a request.
type ListAccessRequestEntitlementsOptions struct {
	// PageToken is where to go on, from Page.NextPageToken. The token carries
	// the filters of the list that it came from; those given here are not sent.
	PageToken string `url:"page_token,omitempty"`
	// Limit is the size of a page; the server's default is 100.
	Limit int `url:"limit,omitempty"`
	// IntegrationIDs are integrations.
	IntegrationIDs []string `url:"integration_ids,omitempty"`
	// ResourceTypes are types of resources.
	ResourceTypes []string `url:"resource_types,omitempty"`
	// Statuses are states. How the API spells them is not documented.
	Statuses []AccessRequestStatus `url:"statuses,omitempty"`
}

func (o ListAccessRequestEntitlementsOptions) at(token string) (ListAccessRequestEntitlementsOptions, string) {
	from := o.PageToken
	o.PageToken = token
	return o, from
}

// CreateAccessRequestInput is a request for a bundle or for entitlements.
type CreateAccessRequestInput struct {
	// BundleReference is the id or the name of a bundle.
	BundleReference *string `json:"bundle_reference,omitzero"`
	// Entitlements are permissions to resources, from AvailableAccess.
	Entitlements []CreateAccessRequestEntitlement `json:"entitlements,omitzero"`
	// Justification is the reason, which the access flow may demand.
	Justification *string `json:"justification,omitzero"`
	// DurationInSec is how long the access shall last, in seconds, above 0 and
	// within what the access flow allows.
	DurationInSec *int `json:"duration_in_sec,omitzero"`
	// CustomFields are the values of custom fields, by their ids.
	CustomFields map[string]string `json:"custom_fields"`
	// Grantee is who shall get the access, by id or e-mail, the caller unless
	// given. The access flow has to allow it.
	Grantee *string `json:"grantee,omitzero"`
}

// CreateAccessRequestEntitlement is a permission to a resource.
type CreateAccessRequestEntitlement struct {
	// ResourceID is Apono's id of the resource.
	ResourceID string `json:"resource_id"`
	// PermissionID is Apono's id of the permission.
	PermissionID string `json:"permission_id"`
}

// RequestAgainInput is what is said anew when a request is repeated.
type RequestAgainInput struct {
	// Justification is the reason, which the access flow may demand.
	Justification *string `json:"justification,omitzero"`
	// CustomFields are the values of custom fields, by their ids.
	CustomFields map[string]string `json:"custom_fields"`
}

// List gets one page of the access requests.
//
// GET /api/user/v4/access-requests
func (s *AccessRequestsService) List(ctx context.Context, opts ...ListAccessRequestsOptions) (*Page[AccessRequest], error) {
	return list[AccessRequest](ctx, s.client, listAccessRequests, opts)
}

// ListAll iterates over all access requests, page by page as the loop goes on.
// An error is the last pair of the loop; a page token that comes back is
// [ErrPageLoop].
//
// GET /api/user/v4/access-requests
func (s *AccessRequestsService) ListAll(ctx context.Context, opts ...ListAccessRequestsOptions) iter.Seq2[*AccessRequest, error] {
	return listAll[AccessRequest](ctx, s.client, listAccessRequests, opts)
}

// Get gets an access request by its id; [ErrNotFound] if there is none.
//
// GET /api/user/v4/access-requests/{id}
func (s *AccessRequestsService) Get(ctx context.Context, id string) (*AccessRequest, error) {
	return call[AccessRequest](ctx, s.client, getAccessRequest, nil, id)
}

// Create requests access. One submission may become several requests, all of
// which are returned. Other than exactly one of BundleReference and
// Entitlements is an [*ArgumentError]. The submission is not repeated after a
// failure that leaves open whether it was taken.
//
// POST /api/user/v4/access-requests
func (s *AccessRequestsService) Create(ctx context.Context, in CreateAccessRequestInput) ([]*AccessRequest, error) {
	return callList[AccessRequest](ctx, s.client, createAccessRequest, in)
}

// RequestAgain requests once more what a request was for. One submission may
// become several requests, all of which are returned.
//
// POST /api/user/v4/access-requests/{id}/request-again
func (s *AccessRequestsService) RequestAgain(ctx context.Context, id string, in RequestAgainInput) ([]*AccessRequest, error) {
	return callList[AccessRequest](ctx, s.client, requestAccessAgain, in, id)
}

// Revoke takes the access of a request away. It returns once that has been
// ordered, not when it is done; see WaitFor with [UntilRevoked].
//
// POST /api/user/v4/access-requests/{id}/revoke
func (s *AccessRequestsService) Revoke(ctx context.Context, id string) (*Message, error) {
	return call[Message](ctx, s.client, revokeAccessRequest, nil, id)
}

// ListEntitlements gets one page of the entitlements of a request.
//
// GET /api/user/v4/access-requests/{id}/entitlements
func (s *AccessRequestsService) ListEntitlements(ctx context.Context, id string, opts ...ListAccessRequestEntitlementsOptions) (*Page[AccessRequestEntitlement], error) {
	return list[AccessRequestEntitlement](ctx, s.client, listAccessRequestEntitlements, opts, id)
}

// ListAllEntitlements iterates over the entitlements of a request, page by page
// as the loop goes on. An error is the last pair of the loop.
//
// GET /api/user/v4/access-requests/{id}/entitlements
func (s *AccessRequestsService) ListAllEntitlements(ctx context.Context, id string, opts ...ListAccessRequestEntitlementsOptions) iter.Seq2[*AccessRequestEntitlement, error] {
	return listAll[AccessRequestEntitlement](ctx, s.client, listAccessRequestEntitlements, opts, id)
}

func (in CreateAccessRequestInput) check() error {
	if err := exactlyOne("in", nil, member{"BundleReference", in.BundleReference != nil}, member{"Entitlements", len(in.Entitlements) > 0}); err != nil {
		return err
	}
	if in.DurationInSec != nil && *in.DurationInSec <= 0 {
		return &ArgumentError{Arg: "in.DurationInSec", Reason: "it must be above 0: leave it out for the flow's own duration"}
	}
	return nil
}

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (a AccessRequest) LogValue() slog.Value { return logValue(a) }

// String returns what LogValue does.
func (a AccessRequest) String() string { return printed(a) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (a AccessGroup) LogValue() slog.Value { return logValue(a) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (i Ref) LogValue() slog.Value { return logValue(i) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (r IdentityRef) LogValue() slog.Value { return logValue(r) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (r ResourceType) LogValue() slog.Value { return logValue(r) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (a AccessRequestEntitlement) LogValue() slog.Value { return logValue(a) }

// String returns what LogValue does.
func (a AccessRequestEntitlement) String() string { return printed(a) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (e EntitlementResource) LogValue() slog.Value { return logValue(e) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (r RequestEntitlementPermission) LogValue() slog.Value { return logValue(r) }
