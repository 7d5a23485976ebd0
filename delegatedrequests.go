package apono

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// DelegatedRequestsService reads access requests on behalf of another identity.
//
// API section: Delegated Access Requests.
type DelegatedRequestsService struct{ client *Client }

var (
	listDelegatedRequests = operation.New("DelegatedRequests.List", http.MethodGet, "/api/user/v1/delegated-access-requests")
	getDelegatedRequest   = operation.New("DelegatedRequests.Get", http.MethodGet, "/api/user/v1/delegated-access-requests/{id}")
)

// DelegatedAccessRequest is an access request on behalf of another identity.
type DelegatedAccessRequest struct {
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
	// Requestor is nil if it is the caller.
	Requestor *IdentityRef `json:"requestor,omitzero"`
	Grantee   IdentityRef  `json:"grantee"`
	// Bundle is nil if no bundle was requested.
	Bundle *Ref `json:"bundle,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListDelegatedRequestsOptions filters and pages a list of delegated requests.
type ListDelegatedRequestsOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	Grantee   string `url:"grantee,omitempty"`
	// The API does not document how statuses are spelled.
	Statuses []AccessRequestStatus `url:"statuses,omitempty"`
}

// List returns a page of delegated requests.
//
// GET /api/user/v1/delegated-access-requests
func (s *DelegatedRequestsService) List(ctx context.Context, opts ...ListDelegatedRequestsOptions) (*Page[DelegatedAccessRequest], error) {
	return list[DelegatedAccessRequest](ctx, s.client, listDelegatedRequests, opts)
}

// ListAll returns an iterator over all delegated requests.
//
// GET /api/user/v1/delegated-access-requests
func (s *DelegatedRequestsService) ListAll(ctx context.Context, opts ...ListDelegatedRequestsOptions) iter.Seq2[*DelegatedAccessRequest, error] {
	return listAll[DelegatedAccessRequest](ctx, s.client, listDelegatedRequests, opts)
}

// Get returns the delegated request with the given ID, or [ErrNotFound].
//
// GET /api/user/v1/delegated-access-requests/{id}
func (s *DelegatedRequestsService) Get(ctx context.Context, id string) (*DelegatedAccessRequest, error) {
	return decode[DelegatedAccessRequest](s.client.call(ctx, getDelegatedRequest, nil, id))
}
