package apono

import (
	"context"
	"iter"
	"net/http"

	"github.com/apono-go/apono/internal/operation"
)

// LegacyAccessBundlesService manages bundles through version 1 of the API. Its
// successor is [BundlesService].
//
// API section: Access Bundles, version 1, see https://docs.apono.io.
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

// ListAccessBundlesV1Options pages the bundles of version 1. The API does not
// document Limit and Skip; they are sent only if set.
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

// ListAll returns an iterator over all bundles and requests pages as needed. An
// error ends it; an incomplete list is [ErrTruncated]. Its successor is
// [BundlesService.ListAll].
//
// GET /api/v1/access-bundles
func (s *LegacyAccessBundlesService) ListAll(ctx context.Context, opts ...ListAccessBundlesV1Options) iter.Seq2[*AccessBundleV1, error] {
	return listAllOffset[AccessBundleV1](ctx, s.client, listAccessBundlesV1, opts)
}

// Get returns the bundle with the given id, or [ErrNotFound]. Its successor is
// [BundlesService.Get].
//
// GET /api/v1/access-bundles/{id}
func (s *LegacyAccessBundlesService) Get(ctx context.Context, id string) (*AccessBundleV1, error) {
	return decode[AccessBundleV1](s.client.call(ctx, getAccessBundleV1, nil, id))
}

// Create creates a bundle. It is not retried when a failure leaves open whether
// it took effect. Its successor is [BundlesService.Create].
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
