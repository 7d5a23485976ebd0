package apono

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// BundlesService manages bundles: named sets of access targets that are requested
// together.
//
// API section: Bundles, version 2.
type BundlesService struct{ client *Client }

var (
	listBundles  = operation.New("Bundles.List", http.MethodGet, "/api/admin/v2/bundles")
	getBundle    = operation.New("Bundles.Get", http.MethodGet, "/api/admin/v2/bundles/{id}")
	createBundle = operation.New("Bundles.Create", http.MethodPost, "/api/admin/v2/bundles")
	updateBundle = operation.New("Bundles.Update", http.MethodPut, "/api/admin/v2/bundles/{id}")
	deleteBundle = operation.New("Bundles.Delete", http.MethodDelete, "/api/admin/v2/bundles/{id}")
)

// Bundle is a named set of access targets.
type Bundle struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	Description   *string        `json:"description,omitzero"`
	AccessTargets []BundleTarget `json:"access_targets"`
	CreationDate  time.Time      `json:"creation_date"`
	UpdateDate    time.Time      `json:"update_date"`
	// Space is nil for a bundle that is in no space. Updates do not change it.
	Space *SpaceReference `json:"space,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// BundleTarget is a target in a bundle. Exactly one field is set. Bundles
// cannot contain bundles.
type BundleTarget struct {
	Integration *IntegrationAccessTarget `json:"integration,omitzero"`
	AccessScope *TargetScope             `json:"access_scope,omitzero"`
	QueryTarget *QueryTarget             `json:"query_target,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListBundlesOptions filters and pages a list of bundles.
type ListBundlesOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	// Name is case-insensitive and may begin or end with "*", as in "prod*".
	Name string `url:"name,omitempty"`
	// SpaceReferences are IDs or names, or SpaceReferenceNone; empty means all.
	SpaceReferences []string `url:"space_references,omitempty"`
}

// BundleInput is the input for creating or updating a bundle. An update replaces the
// whole bundle, so start from [Bundle.UpdateInput].
type BundleInput struct {
	Name          string              `json:"name"`
	Description   *string             `json:"description,omitzero"`
	AccessTargets []BundleTargetInput `json:"access_targets"`

	Extra Extra `json:",embed,inline"`
}

// BundleTargetInput sets a target in a bundle. Exactly one field must be
// set.
type BundleTargetInput struct {
	Integration *IntegrationAccessTargetInput `json:"integration,omitzero"`
	AccessScope *TargetScopeInput             `json:"access_scope,omitzero"`
	QueryTarget *QueryTarget                  `json:"query_target,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// List returns a page of bundles.
//
// GET /api/admin/v2/bundles
func (s *BundlesService) List(ctx context.Context, opts ...ListBundlesOptions) (*Page[Bundle], error) {
	return list[Bundle](ctx, s.client, listBundles, opts)
}

// ListAll returns an iterator over all bundles.
//
// GET /api/admin/v2/bundles
func (s *BundlesService) ListAll(ctx context.Context, opts ...ListBundlesOptions) iter.Seq2[*Bundle, error] {
	return listAll[Bundle](ctx, s.client, listBundles, opts)
}

// Get returns the bundle with the given ID, or [ErrNotFound].
//
// GET /api/admin/v2/bundles/{id}
func (s *BundlesService) Get(ctx context.Context, id string) (*Bundle, error) {
	return decode[Bundle](s.client.call(ctx, getBundle, nil, id))
}

// GetByName returns the bundle with the given name, or [ErrNotFound] or [ErrAmbiguous].
//
// GET /api/admin/v2/bundles
func (s *BundlesService) GetByName(ctx context.Context, name string) (*Bundle, error) {
	return byName(name, s.ListAll(ctx, ListBundlesOptions{Name: name}), func(o *Bundle) (string, string) { return o.ID, o.Name })
}

// Create creates a bundle. Each target must have exactly one field set, or Create returns
// an [*ArgumentError]. [SpaceOptions] can set its space.
//
// POST /api/admin/v2/bundles
func (s *BundlesService) Create(ctx context.Context, in BundleInput, opts ...SpaceOptions) (*Bundle, error) {
	return decode[Bundle](s.client.create(ctx, createBundle, in, opts))
}

// Update replaces a bundle, or returns [ErrNotFound]. Each target must have exactly one
// field set, or Update returns an [*ArgumentError].
//
// PUT /api/admin/v2/bundles/{id}
func (s *BundlesService) Update(ctx context.Context, id string, in BundleInput) (*Bundle, error) {
	return decode[Bundle](s.client.call(ctx, updateBundle, in, id))
}

// Delete deletes a bundle, or returns [ErrNotFound].
//
// DELETE /api/admin/v2/bundles/{id}
func (s *BundlesService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteBundle, nil, id))
}

// UpdateInput returns a copy of the bundle, Extra included, for Update.
func (b *Bundle) UpdateInput() BundleInput {
	b = clone(b)
	return BundleInput{
		Name:          b.Name,
		Description:   b.Description,
		AccessTargets: convert(b.AccessTargets, BundleTarget.input),
		Extra:         b.Extra,
	}
}

func (t BundleTarget) input() BundleTargetInput {
	return BundleTargetInput{t.Integration.input(), t.AccessScope.input(), t.QueryTarget, t.Extra}
}

func (in BundleInput) check() error {
	for i, target := range in.AccessTargets {
		arg := fmt.Sprintf("in.AccessTargets[%d]", i)
		err := exactlyOne(arg, len(target.Extra),
			member{"Integration", target.Integration != nil},
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
