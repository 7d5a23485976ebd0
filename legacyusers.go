package apono

import (
	"context"
	"iter"
	"net/http"

	"github.com/apono-go/apono/internal/operation"
)

// LegacyUsersService reads users through version 2 of the API. Its successor is
// [UsersService].
//
// API section: Users, version 2, see https://docs.apono.io.
type LegacyUsersService struct{ client *Client }

var (
	listUsersV2 = operation.New("Legacy.Users.List", http.MethodGet, "/api/v2/users")
	getUserV2   = operation.New("Legacy.Users.Get", http.MethodGet, "/api/v2/users/{id}")
)

// UserV2 is a user, as version 2 returns it.
type UserV2 struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	// Active reports whether the user is enabled in Apono.
	Active bool `json:"active"`

	Extra Extra `json:",embed,inline"`
}

// ListUsersV2Options pages the users of version 2. The API does not document
// Limit and Skip; they are sent only if set.
type ListUsersV2Options struct {
	Limit int `url:"limit,omitempty"`
	Skip  int `url:"skip,omitempty"`
}

// List returns a page of users. Its successor is [UsersService.List].
//
// GET /api/v2/users
func (s *LegacyUsersService) List(ctx context.Context, opts ...ListUsersV2Options) (*OffsetPage[UserV2], error) {
	return listOffset[UserV2](ctx, s.client, listUsersV2, opts)
}

// ListAll returns an iterator over all users and requests pages as needed. An
// error ends it; an incomplete list is [ErrTruncated]. Its successor is
// [UsersService.ListAll].
//
// GET /api/v2/users
func (s *LegacyUsersService) ListAll(ctx context.Context, opts ...ListUsersV2Options) iter.Seq2[*UserV2, error] {
	return listAllOffset[UserV2](ctx, s.client, listUsersV2, opts)
}

// Get returns the user with the given id or e-mail, or [ErrNotFound]. Its
// successor is [UsersService.Get], for which only the id is documented.
//
// GET /api/v2/users/{id}
func (s *LegacyUsersService) Get(ctx context.Context, id string) (*UserV2, error) {
	return decode[UserV2](s.client.call(ctx, getUserV2, nil, id))
}
