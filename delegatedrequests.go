package apono

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// DelegatedRequestsService reads access requests that were made for somebody
// else.
//
// API section: Delegated Access Requests, see https://docs.apono.io.
type DelegatedRequestsService struct{ client *Client }

var (
	listDelegatedRequests = operation.New("DelegatedRequests.List", http.MethodGet, "/api/user/v1/delegated-access-requests")
	getDelegatedRequest   = operation.New("DelegatedRequests.Get", http.MethodGet, "/api/user/v1/delegated-access-requests/{id}")
)

// DelegatedAccessRequest is a request for somebody else's access.
type DelegatedAccessRequest struct {
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
	// Grantee is who gets the access.
	Grantee IdentityRef `json:"grantee"`
	// Bundle is the bundle that was requested, if one was.
	Bundle *Ref `json:"bundle,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListDelegatedRequestsOptions filters and pages a list of delegated requests.
type ListDelegatedRequestsOptions struct {
	// PageToken is where to go on, from Page.NextPageToken. The token carries
	// the filters of the list that it came from; those given here are not sent.
	PageToken string `url:"page_token,omitempty"`
	// Limit is the size of a page; the server's default is 100.
	Limit int `url:"limit,omitempty"`
	// Grantee is who gets the access.
	Grantee string `url:"grantee,omitempty"`
	// Statuses are states. How the API spells them is not documented.
	Statuses []AccessRequestStatus `url:"statuses,omitempty"`
}

func (o ListDelegatedRequestsOptions) at(token string) (ListDelegatedRequestsOptions, string) {
	from := o.PageToken
	o.PageToken = token
	return o, from
}

// List gets one page of the delegated requests.
//
// GET /api/user/v1/delegated-access-requests
func (s *DelegatedRequestsService) List(ctx context.Context, opts ...ListDelegatedRequestsOptions) (*Page[DelegatedAccessRequest], error) {
	return list[DelegatedAccessRequest](ctx, s.client, listDelegatedRequests, opts)
}

// ListAll iterates over all delegated requests, page by page as the loop goes
// on. An error is the last pair of the loop; a page token that comes back is
// [ErrPageLoop].
//
// GET /api/user/v1/delegated-access-requests
func (s *DelegatedRequestsService) ListAll(ctx context.Context, opts ...ListDelegatedRequestsOptions) iter.Seq2[*DelegatedAccessRequest, error] {
	return listAll[DelegatedAccessRequest](ctx, s.client, listDelegatedRequests, opts)
}

// Get gets a delegated request by its id; [ErrNotFound] if there is none.
//
// GET /api/user/v1/delegated-access-requests/{id}
func (s *DelegatedRequestsService) Get(ctx context.Context, id string) (*DelegatedAccessRequest, error) {
	return call[DelegatedAccessRequest](ctx, s.client, getDelegatedRequest, nil, id)
}

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (d DelegatedAccessRequest) LogValue() slog.Value { return logValue(d) }

// String returns what LogValue does.
func (d DelegatedAccessRequest) String() string { return printed(d) }
