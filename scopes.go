package apono

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// ScopesService manages access scopes. An access scope is a saved query for resources
// that access flows and bundles refer to.
//
// API section: Access Scopes.
type ScopesService struct{ client *Client }

var (
	listScopes  = operation.New("Scopes.List", http.MethodGet, "/api/admin/v1/access-scopes")
	getScope    = operation.New("Scopes.Get", http.MethodGet, "/api/admin/v1/access-scopes/{id}")
	createScope = operation.New("Scopes.Create", http.MethodPost, "/api/admin/v1/access-scopes")
	updateScope = operation.New("Scopes.Update", http.MethodPut, "/api/admin/v1/access-scopes/{id}")
	deleteScope = operation.New("Scopes.Delete", http.MethodDelete, "/api/admin/v1/access-scopes/{id}")
)

// AccessScope is a saved query for resources.
type AccessScope struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Description *string `json:"description,omitzero"`
	// Query is in the Apono Query Language.
	Query        string    `json:"query"`
	CreationDate time.Time `json:"creation_date"`
	UpdateDate   time.Time `json:"update_date"`
	// Space is nil for a scope that is in no space. Updates do not change it.
	Space *SpaceReference `json:"space,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListScopesOptions filters and pages a list of access scopes.
type ListScopesOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	// Name is case-insensitive and may begin or end with "*", as in "prod*".
	Name string `url:"name,omitempty"`
	// SpaceReferences are IDs or names, or SpaceReferenceNone; empty means all.
	SpaceReferences []string `url:"space_references,omitempty"`
}

// AccessScopeInput is the input for creating or updating an access scope. An update
// replaces the whole scope, so start from [AccessScope.UpdateInput].
type AccessScopeInput struct {
	// Name is unique in the account.
	Name        string  `json:"name"`
	Description *string `json:"description,omitzero"`
	// Query is in the Apono Query Language.
	Query string `json:"query"`

	Extra Extra `json:",embed,inline"`
}

// List returns a page of access scopes.
//
// GET /api/admin/v1/access-scopes
func (s *ScopesService) List(ctx context.Context, opts ...ListScopesOptions) (*Page[AccessScope], error) {
	return list[AccessScope](ctx, s.client, listScopes, opts)
}

// ListAll returns an iterator over all access scopes.
//
// GET /api/admin/v1/access-scopes
func (s *ScopesService) ListAll(ctx context.Context, opts ...ListScopesOptions) iter.Seq2[*AccessScope, error] {
	return listAll[AccessScope](ctx, s.client, listScopes, opts)
}

// Get returns the access scope with the given ID, or [ErrNotFound].
//
// GET /api/admin/v1/access-scopes/{id}
func (s *ScopesService) Get(ctx context.Context, id string) (*AccessScope, error) {
	return decode[AccessScope](s.client.call(ctx, getScope, nil, id))
}

// GetByName returns the access scope with the given name, or [ErrNotFound] or
// [ErrAmbiguous].
//
// GET /api/admin/v1/access-scopes
func (s *ScopesService) GetByName(ctx context.Context, name string) (*AccessScope, error) {
	return byName(name, s.ListAll(ctx, ListScopesOptions{Name: name}), func(o *AccessScope) (string, string) { return o.ID, o.Name })
}

// Create creates an access scope. [SpaceOptions] can set its space.
//
// POST /api/admin/v1/access-scopes
func (s *ScopesService) Create(ctx context.Context, in AccessScopeInput, opts ...SpaceOptions) (*AccessScope, error) {
	return decode[AccessScope](s.client.create(ctx, createScope, in, opts))
}

// Update replaces an access scope, or returns [ErrNotFound].
//
// PUT /api/admin/v1/access-scopes/{id}
func (s *ScopesService) Update(ctx context.Context, id string, in AccessScopeInput) (*AccessScope, error) {
	return decode[AccessScope](s.client.call(ctx, updateScope, in, id))
}

// Delete deletes an access scope, or returns [ErrNotFound].
//
// DELETE /api/admin/v1/access-scopes/{id}
func (s *ScopesService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteScope, nil, id))
}

// UpdateInput returns a copy of the scope, Extra included, for Update.
func (s *AccessScope) UpdateInput() AccessScopeInput {
	s = clone(s)
	return AccessScopeInput{Name: s.Name, Description: s.Description, Query: s.Query, Extra: s.Extra}
}
