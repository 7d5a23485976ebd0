package apono

import (
	"context"
	"iter"
	"net/http"

	"github.com/apono-go/apono/internal/operation"
)

// AvailableAccessService reads what the owner of the token may request.
//
// API section: Available Access.
type AvailableAccessService struct{ client *Client }

var (
	listAvailableBundles      = operation.New("AvailableAccess.ListBundles", http.MethodGet, "/api/user/v1/available-access/bundles")
	listAvailableEntitlements = operation.New("AvailableAccess.ListEntitlements", http.MethodGet, "/api/user/v1/available-access/entitlements").Identified("resource")
)

// AvailableBundle is a bundle that may be requested.
type AvailableBundle struct {
	ID   string `json:"id"`
	Name string `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// AvailableEntitlement is a permission to a resource that may be requested.
type AvailableEntitlement struct {
	Integration Ref                   `json:"integration"`
	Resource    EntitlementResource   `json:"resource"`
	Permission  EntitlementPermission `json:"permission"`

	Extra Extra `json:",embed,inline"`
}

// EntitlementPermission is a permission that may be requested.
type EntitlementPermission struct {
	// ID is Apono's ID, for use in a request.
	ID string `json:"id"`
	// SourceID is the ID in the integrated system.
	SourceID string `json:"source_id"`
	Name     string `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// ListAvailableBundlesOptions filters and pages a list of available bundles.
type ListAvailableBundlesOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	// Grantee is the identity to request access for; empty means the caller.
	Grantee string   `url:"grantee,omitempty"`
	Name    []string `url:"name,omitempty"`
}

// ListAvailableEntitlementsOptions filters and pages a list of available
// entitlements.
type ListAvailableEntitlementsOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	// Grantee is the identity to request access for; empty means the caller.
	Grantee         string   `url:"grantee,omitempty"`
	IntegrationID   string   `url:"integration_id,omitempty"`
	IntegrationName string   `url:"integration_name,omitempty"`
	PermissionName  []string `url:"permission_name,omitempty"`
	ResourceName    string   `url:"resource_name,omitempty"`
	ResourceTypeID  []string `url:"resource_type_id,omitempty"`
}

// ListBundles returns a page of the bundles that may be requested.
//
// GET /api/user/v1/available-access/bundles
func (s *AvailableAccessService) ListBundles(ctx context.Context, opts ...ListAvailableBundlesOptions) (*Page[AvailableBundle], error) {
	return list[AvailableBundle](ctx, s.client, listAvailableBundles, opts)
}

// ListAllBundles returns an iterator over all bundles that may be requested.
//
// GET /api/user/v1/available-access/bundles
func (s *AvailableAccessService) ListAllBundles(ctx context.Context, opts ...ListAvailableBundlesOptions) iter.Seq2[*AvailableBundle, error] {
	return listAll[AvailableBundle](ctx, s.client, listAvailableBundles, opts)
}

// ListEntitlements returns a page of the entitlements that may be requested.
//
// GET /api/user/v1/available-access/entitlements
func (s *AvailableAccessService) ListEntitlements(ctx context.Context, opts ...ListAvailableEntitlementsOptions) (*Page[AvailableEntitlement], error) {
	return list[AvailableEntitlement](ctx, s.client, listAvailableEntitlements, opts)
}

// ListAllEntitlements returns an iterator over all entitlements that may be requested.
//
// GET /api/user/v1/available-access/entitlements
func (s *AvailableAccessService) ListAllEntitlements(ctx context.Context, opts ...ListAvailableEntitlementsOptions) iter.Seq2[*AvailableEntitlement, error] {
	return listAll[AvailableEntitlement](ctx, s.client, listAvailableEntitlements, opts)
}
