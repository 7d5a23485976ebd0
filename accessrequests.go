package apono

import (
	"context"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// AccessRequestsService creates, reads and revokes the access requests of the token's
// owner.
//
// API section: Access Requests, version 4.
type AccessRequestsService struct{ client *Client }

var (
	listAccessRequests            = operation.New("AccessRequests.List", http.MethodGet, "/api/user/v4/access-requests")
	getAccessRequest              = operation.New("AccessRequests.Get", http.MethodGet, "/api/user/v4/access-requests/{id}")
	createAccessRequest           = operation.New("AccessRequests.Create", http.MethodPost, "/api/user/v4/access-requests")
	requestAccessAgain            = operation.New("AccessRequests.RequestAgain", http.MethodPost, "/api/user/v4/access-requests/{id}/request-again")
	revokeAccessRequest           = operation.New("AccessRequests.Revoke", http.MethodPost, "/api/user/v4/access-requests/{id}/revoke").Requires("message")
	listAccessRequestEntitlements = operation.New("AccessRequests.ListEntitlements", http.MethodGet, "/api/user/v4/access-requests/{id}/entitlements").Identified("resource")
)

// AccessRequestStatus is the state of a request. The API documents neither its values
// nor their spelling, so compare it with its methods rather than with ==. The methods
// ignore case, spaces, hyphens and underscores. Other values are passed through.
type AccessRequestStatus string

// The states that Apono's tools and the legacy API use. A request that is pending MFA
// waits for the second factor of the requestor, which Apono's portal asks for. GRANTED
// is an older name for ACTIVE. FAILURE means FAILED, for a part of a request.
const (
	AccessRequestStatusInitializing AccessRequestStatus = "INITIALIZING"
	AccessRequestStatusPending      AccessRequestStatus = "PENDING"
	AccessRequestStatusPendingMFA   AccessRequestStatus = "PENDING_MFA"
	AccessRequestStatusApproved     AccessRequestStatus = "APPROVED"
	AccessRequestStatusGranting     AccessRequestStatus = "GRANTING"
	AccessRequestStatusActive       AccessRequestStatus = "ACTIVE"
	AccessRequestStatusGranted      AccessRequestStatus = "GRANTED"
	AccessRequestStatusRejected     AccessRequestStatus = "REJECTED"
	AccessRequestStatusFailed       AccessRequestStatus = "FAILED"
	AccessRequestStatusFailure      AccessRequestStatus = "FAILURE"
	AccessRequestStatusRevoking     AccessRequestStatus = "REVOKING"
	AccessRequestStatusRevoked      AccessRequestStatus = "REVOKED"
	AccessRequestStatusExpired      AccessRequestStatus = "EXPIRED"
)

// Is reports whether the status is one of others in any spelling.
func (s AccessRequestStatus) Is(others ...AccessRequestStatus) bool {
	for _, other := range others {
		if s.normal() == other.normal() {
			return true
		}
	}
	return false
}

// Granted reports whether the access is granted.
func (s AccessRequestStatus) Granted() bool {
	return s.Is(AccessRequestStatusActive, AccessRequestStatusGranted)
}

// Pending reports whether the access may still be granted.
func (s AccessRequestStatus) Pending() bool {
	return s.Is(AccessRequestStatusInitializing, AccessRequestStatusPending, AccessRequestStatusPendingMFA,
		AccessRequestStatusApproved, AccessRequestStatusGranting)
}

// Rejected reports whether the request was rejected.
func (s AccessRequestStatus) Rejected() bool { return s.Is(AccessRequestStatusRejected) }

// Failed reports whether the request failed.
func (s AccessRequestStatus) Failed() bool {
	return s.Is(AccessRequestStatusFailed, AccessRequestStatusFailure)
}

// Revoked reports whether the access was revoked or has expired.
func (s AccessRequestStatus) Revoked() bool {
	return s.Is(AccessRequestStatusRevoked, AccessRequestStatusExpired)
}

func (s AccessRequestStatus) normal() string {
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "").Replace(string(s)))
}

// AccessRequest is a request for access.
type AccessRequest struct {
	ID             string              `json:"id"`
	Status         AccessRequestStatus `json:"status"`
	DurationInSec  *int                `json:"duration_in_sec,omitzero"`
	Justification  *string             `json:"justification,omitzero"`
	CreationDate   time.Time           `json:"creation_date"`
	RevocationDate *time.Time          `json:"revocation_date,omitzero"`
	// CustomFields holds the values by field ID.
	CustomFields map[string]string `json:"custom_fields"`
	// AccessGroups has one group for each integration.
	AccessGroups []AccessGroup `json:"access_groups"`
	// Requestor and Grantee are nil if they are the caller.
	Requestor *IdentityRef `json:"requestor,omitzero"`
	Grantee   *IdentityRef `json:"grantee,omitzero"`
	// Bundle is nil if no bundle was requested.
	Bundle *Ref `json:"bundle,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// AccessGroup is what was requested in one integration.
type AccessGroup struct {
	Integration   Ref            `json:"integration"`
	ResourceTypes []ResourceType `json:"resource_types"`

	Extra Extra `json:",embed,inline"`
}

// Ref refers to an object by its ID and name.
type Ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// IdentityRef refers to a requestor or a grantee.
type IdentityRef struct {
	ID string `json:"id"`
	// SourceID is the ID in the source system, the e-mail address for users.
	SourceID string `json:"source_id"`

	Extra Extra `json:",embed,inline"`
}

// ResourceType is a type of resource.
type ResourceType struct {
	ID    string `json:"id"`
	Label string `json:"label"` // display name

	Extra Extra `json:",embed,inline"`
}

// AccessRequestEntitlement is a permission to a resource, as part of a request.
type AccessRequestEntitlement struct {
	Integration Ref                          `json:"integration"`
	Resource    EntitlementResource          `json:"resource"`
	Permission  RequestEntitlementPermission `json:"permission"`
	// Status is the state of this part of the request.
	Status AccessRequestStatus `json:"status"`

	Extra Extra `json:",embed,inline"`
}

// EntitlementResource is the resource of an entitlement.
type EntitlementResource struct {
	// ID is Apono's ID, for use in a request.
	ID string `json:"id"`
	// SourceID is the ID in the integrated system, such as an ARN.
	SourceID string       `json:"source_id"`
	Type     ResourceType `json:"type"`
	Name     string       `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// RequestEntitlementPermission is a permission that was requested. It has no ID; use
// [AccessRequestsService.RequestAgain] to request it again.
type RequestEntitlementPermission struct {
	Name string `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// ListAccessRequestsOptions filters and pages a list of access requests.
type ListAccessRequestsOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	// Requestor is the identity that requested; empty means the caller.
	Requestor string `url:"requestor,omitempty"`
	// The API does not document how statuses are spelled.
	Statuses []AccessRequestStatus `url:"statuses,omitempty"`
}

// ListAccessRequestEntitlementsOptions filters and pages a list of the
// entitlements of a request.
type ListAccessRequestEntitlementsOptions struct {
	PageToken      string   `url:"page_token,omitempty"`
	Limit          int      `url:"limit,omitempty"`
	IntegrationIDs []string `url:"integration_ids,omitempty"`
	ResourceTypes  []string `url:"resource_types,omitempty"`
	// The API does not document how statuses are spelled.
	Statuses []AccessRequestStatus `url:"statuses,omitempty"`
}

// CreateAccessRequestInput is a request for a bundle or for entitlements.
type CreateAccessRequestInput struct {
	// BundleReference is the ID or the name of a bundle. Exactly one of BundleReference
	// and Entitlements must be set.
	BundleReference *string                          `json:"bundle_reference,omitzero"`
	Entitlements    []CreateAccessRequestEntitlement `json:"entitlements,omitzero"`
	// Justification is required by some access flows.
	Justification *string `json:"justification,omitzero"`
	// DurationInSec is positive and at most what the access flow allows; nil means the
	// duration of the access flow.
	DurationInSec *int `json:"duration_in_sec,omitzero"`
	// CustomFields holds the values by field ID.
	CustomFields map[string]string `json:"custom_fields"`
	// Grantee is an ID or an e-mail address; nil means the caller. The access flow must
	// allow requests for the grantee.
	Grantee *string `json:"grantee,omitzero"`
}

// CreateAccessRequestEntitlement is a permission to a resource, as returned by
// [AvailableAccessService.ListEntitlements].
type CreateAccessRequestEntitlement struct {
	ResourceID   string `json:"resource_id"`
	PermissionID string `json:"permission_id"`
}

// RequestAgainInput is the input for requesting the same access again.
type RequestAgainInput struct {
	// Justification is required by some access flows.
	Justification *string `json:"justification,omitzero"`
	// CustomFields holds the values by field ID.
	CustomFields map[string]string `json:"custom_fields"`
}

// List returns a page of access requests.
//
// GET /api/user/v4/access-requests
func (s *AccessRequestsService) List(ctx context.Context, opts ...ListAccessRequestsOptions) (*Page[AccessRequest], error) {
	return list[AccessRequest](ctx, s.client, listAccessRequests, opts)
}

// ListAll returns an iterator over all access requests.
//
// GET /api/user/v4/access-requests
func (s *AccessRequestsService) ListAll(ctx context.Context, opts ...ListAccessRequestsOptions) iter.Seq2[*AccessRequest, error] {
	return listAll[AccessRequest](ctx, s.client, listAccessRequests, opts)
}

// Get returns the access request with the given ID, or [ErrNotFound].
//
// GET /api/user/v4/access-requests/{id}
func (s *AccessRequestsService) Get(ctx context.Context, id string) (*AccessRequest, error) {
	return decode[AccessRequest](s.client.call(ctx, getAccessRequest, nil, id))
}

// Create requests access. The server may create several requests, all of which are
// returned. An input must have exactly one of BundleReference and Entitlements, or Create
// returns an [*ArgumentError].
//
// POST /api/user/v4/access-requests
func (s *AccessRequestsService) Create(ctx context.Context, in CreateAccessRequestInput) ([]*AccessRequest, error) {
	return decodeList[AccessRequest](s.client.call(ctx, createAccessRequest, in))
}

// RequestAgain submits a request again. The server may create several requests, all of
// which are returned.
//
// POST /api/user/v4/access-requests/{id}/request-again
func (s *AccessRequestsService) RequestAgain(ctx context.Context, id string, in RequestAgainInput) ([]*AccessRequest, error) {
	return decodeList[AccessRequest](s.client.call(ctx, requestAccessAgain, in, id))
}

// Revoke asks Apono to revoke the access of a request and does not wait until it has
// ended; see [AccessRequestsService.WaitFor] with [UntilRevoked].
//
// POST /api/user/v4/access-requests/{id}/revoke
func (s *AccessRequestsService) Revoke(ctx context.Context, id string) (*Message, error) {
	return decode[Message](s.client.call(ctx, revokeAccessRequest, nil, id))
}

// ListEntitlements returns a page of the entitlements of a request.
//
// GET /api/user/v4/access-requests/{id}/entitlements
func (s *AccessRequestsService) ListEntitlements(ctx context.Context, id string, opts ...ListAccessRequestEntitlementsOptions) (*Page[AccessRequestEntitlement], error) {
	return list[AccessRequestEntitlement](ctx, s.client, listAccessRequestEntitlements, opts, id)
}

// ListAllEntitlements returns an iterator over the entitlements of a request.
//
// GET /api/user/v4/access-requests/{id}/entitlements
func (s *AccessRequestsService) ListAllEntitlements(ctx context.Context, id string, opts ...ListAccessRequestEntitlementsOptions) iter.Seq2[*AccessRequestEntitlement, error] {
	return listAll[AccessRequestEntitlement](ctx, s.client, listAccessRequestEntitlements, opts, id)
}

func (in CreateAccessRequestInput) check() error {
	if err := exactlyOne("in", 0, member{"BundleReference", in.BundleReference != nil}, member{"Entitlements", len(in.Entitlements) > 0}); err != nil {
		return err
	}
	if in.DurationInSec != nil && *in.DurationInSec <= 0 {
		return &ArgumentError{Arg: "in.DurationInSec", Reason: "must be positive, or nil for the duration of the access flow"}
	}
	return nil
}
