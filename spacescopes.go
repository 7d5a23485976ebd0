package apono

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// SpaceScopesService manages space scopes: saved queries that say which
// resources are in a space. Wherever a method takes the id of a space scope, its
// name will do.
//
// API section: Spaces, see https://docs.apono.io.
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
	// PageToken is the NextPageToken of a page. It carries the filters of its
	// list; the filters set here are not sent.
	PageToken string `url:"page_token,omitempty"`
	// Limit is the page size; 0 means the server's default of 100.
	Limit int `url:"limit,omitempty"`
	// Name is case-insensitive and may begin or end with "*", as in "prod*".
	Name string `url:"name,omitempty"`
}

// SpaceScopeInput is a new space scope, or what one becomes. An update replaces
// the whole scope, so start from [SpaceScope.UpdateInput].
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

// ListAll iterates over all space scopes and requests each page when the loop
// comes to it. An error ends the loop; a page token seen before is
// [ErrPageLoop].
//
// GET /api/admin/v1/space-scopes
func (s *SpaceScopesService) ListAll(ctx context.Context, opts ...ListSpaceScopesOptions) iter.Seq2[*SpaceScope, error] {
	return listAll[SpaceScope](ctx, s.client, listSpaceScopes, opts)
}

// Get returns the space scope with an id or a name; [ErrNotFound] if there is
// none.
//
// GET /api/admin/v1/space-scopes/{id}
func (s *SpaceScopesService) Get(ctx context.Context, id string) (*SpaceScope, error) {
	return call[SpaceScope](ctx, s.client, getSpaceScope, nil, id)
}

// GetByName returns the space scope with a name, which is case-insensitive. It
// returns [ErrNotFound] if no space scope has the name, [ErrAmbiguous] if several
// have it, and an [*ArgumentError] if the name is empty.
//
// GET /api/admin/v1/space-scopes
func (s *SpaceScopesService) GetByName(ctx context.Context, name string) (*SpaceScope, error) {
	return byName(name, s.ListAll(ctx, ListSpaceScopesOptions{Name: name}), func(o *SpaceScope) (string, string) { return o.ID, o.Name })
}

// Create creates a space scope. The request is not retried after a failure that
// leaves open whether the space scope was created.
//
// POST /api/admin/v1/space-scopes
func (s *SpaceScopesService) Create(ctx context.Context, in SpaceScopeInput) (*SpaceScope, error) {
	return call[SpaceScope](ctx, s.client, createSpaceScope, in)
}

// Update replaces a space scope; [ErrNotFound] if there is none.
//
// PUT /api/admin/v1/space-scopes/{id}
func (s *SpaceScopesService) Update(ctx context.Context, id string, in SpaceScopeInput) (*SpaceScope, error) {
	return call[SpaceScope](ctx, s.client, updateSpaceScope, in, id)
}

// Delete deletes a space scope; [ErrNotFound] if there is none.
//
// DELETE /api/admin/v1/space-scopes/{id}
func (s *SpaceScopesService) Delete(ctx context.Context, id string) error {
	return exec(ctx, s.client, deleteSpaceScope, nil, id)
}

// UpdateInput returns the input that writes the space scope back as it is, to
// be edited and passed to Update.
func (s *SpaceScope) UpdateInput() SpaceScopeInput {
	s = clone(s)
	return SpaceScopeInput{Name: s.Name, Query: s.Query, Extra: s.Extra}
}

func (in SpaceScopeInput) check() error { return notEmpty("in.Name", in.Name) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (s SpaceScope) LogValue() slog.Value { return logValue(s) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (in SpaceScopeInput) LogValue() slog.Value { return logValue(in) }
