package apono

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// SpaceScopesService manages space scopes: saved queries for the resources of a space.
// Methods take the ID or the name of a space scope.
//
// API section: Spaces.
type SpaceScopesService struct{ client *Client }

var (
	listSpaceScopes  = operation.New("SpaceScopes.List", http.MethodGet, "/api/admin/v1/space-scopes")
	getSpaceScope    = operation.New("SpaceScopes.Get", http.MethodGet, "/api/admin/v1/space-scopes/{id}")
	createSpaceScope = operation.New("SpaceScopes.Create", http.MethodPost, "/api/admin/v1/space-scopes")
	updateSpaceScope = operation.New("SpaceScopes.Update", http.MethodPut, "/api/admin/v1/space-scopes/{id}")
	deleteSpaceScope = operation.New("SpaceScopes.Delete", http.MethodDelete, "/api/admin/v1/space-scopes/{id}")
)

// SpaceScope is a saved query for resources of a space.
type SpaceScope struct {
	ID string `json:"id"`
	// Name is unique in the account.
	Name string `json:"name"`
	// Query is in the Apono Query Language.
	Query       string    `json:"query"`
	CreatedDate time.Time `json:"created_date"`
	UpdatedDate time.Time `json:"updated_date"`

	Extra Extra `json:",embed,inline"`
}

// ListSpaceScopesOptions filters and pages a list of space scopes.
type ListSpaceScopesOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	// Name is case-insensitive and may begin or end with "*", as in "prod*".
	Name string `url:"name,omitempty"`
}

// SpaceScopeInput is the input for creating or updating a space scope. An update
// replaces the whole scope, so start from [SpaceScope.UpdateInput].
type SpaceScopeInput struct {
	// Name must not be empty and is unique in the account.
	Name string `json:"name"`
	// Query is in the Apono Query Language.
	Query string `json:"query"`

	Extra Extra `json:",embed,inline"`
}

// List returns a page of space scopes.
//
// GET /api/admin/v1/space-scopes
func (s *SpaceScopesService) List(ctx context.Context, opts ...ListSpaceScopesOptions) (*Page[SpaceScope], error) {
	return list[SpaceScope](ctx, s.client, listSpaceScopes, opts)
}

// ListAll returns an iterator over all space scopes.
//
// GET /api/admin/v1/space-scopes
func (s *SpaceScopesService) ListAll(ctx context.Context, opts ...ListSpaceScopesOptions) iter.Seq2[*SpaceScope, error] {
	return listAll[SpaceScope](ctx, s.client, listSpaceScopes, opts)
}

// Get returns the space scope with the given ID or name, or [ErrNotFound].
//
// GET /api/admin/v1/space-scopes/{id}
func (s *SpaceScopesService) Get(ctx context.Context, id string) (*SpaceScope, error) {
	return decode[SpaceScope](s.client.call(ctx, getSpaceScope, nil, id))
}

// GetByName returns the space scope with the given name, or [ErrNotFound] or
// [ErrAmbiguous].
//
// GET /api/admin/v1/space-scopes
func (s *SpaceScopesService) GetByName(ctx context.Context, name string) (*SpaceScope, error) {
	return byName(name, s.ListAll(ctx, ListSpaceScopesOptions{Name: name}), func(o *SpaceScope) (string, string) { return o.ID, o.Name })
}

// Create creates a space scope.
//
// POST /api/admin/v1/space-scopes
func (s *SpaceScopesService) Create(ctx context.Context, in SpaceScopeInput) (*SpaceScope, error) {
	return decode[SpaceScope](s.client.call(ctx, createSpaceScope, in))
}

// Update replaces a space scope, or returns [ErrNotFound].
//
// PUT /api/admin/v1/space-scopes/{id}
func (s *SpaceScopesService) Update(ctx context.Context, id string, in SpaceScopeInput) (*SpaceScope, error) {
	return decode[SpaceScope](s.client.call(ctx, updateSpaceScope, in, id))
}

// Delete deletes a space scope, or returns [ErrNotFound].
//
// DELETE /api/admin/v1/space-scopes/{id}
func (s *SpaceScopesService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteSpaceScope, nil, id))
}

// UpdateInput returns a copy of the space scope, Extra included, for Update.
func (s *SpaceScope) UpdateInput() SpaceScopeInput {
	s = clone(s)
	return SpaceScopeInput{Name: s.Name, Query: s.Query, Extra: s.Extra}
}

func (in SpaceScopeInput) check() error { return notEmpty("in.Name", in.Name) }
