package apono

import (
	"context"
	"iter"
	"net/http"

	"github.com/apono-go/apono/internal/operation"
)

// UsersService reads users. The API can neither create nor change them.
//
// API section: Users, version 3.
type UsersService struct{ client *Client }

var (
	listUsers = operation.New("Users.List", http.MethodGet, "/api/admin/v3/users")
	getUser   = operation.New("Users.Get", http.MethodGet, "/api/admin/v3/users/{id}")
)

// UserRole is a role of a user in Apono. The API may return other values.
type UserRole string

// The known roles, as spelled in Apono's documentation. The API documents only the
// first four, as examples. A power user manages access. A deployment user deploys
// connectors and integrations. Auditor is an older name for viewer. A grantee requests
// access in the portal. A space owner manages spaces, and a space manager the objects
// in a space.
const (
	UserRoleAdmin        UserRole = "Admin"
	UserRolePowerUser    UserRole = "Power User"
	UserRoleDeployment   UserRole = "Deployment"
	UserRoleViewer       UserRole = "Viewer"
	UserRoleAuditor      UserRole = "Auditor"
	UserRoleGrantee      UserRole = "Grantee"
	UserRoleSpaceOwner   UserRole = "Space Owner"
	UserRoleSpaceManager UserRole = "Space Manager"
)

// User is a person.
type User struct {
	ID           string   `json:"id"`
	Email        string   `json:"email"`
	EmailAliases []string `json:"email_aliases"`
	FirstName    string   `json:"first_name"`
	LastName     string   `json:"last_name"`
	// Active reports whether the user is enabled in Apono.
	Active                bool       `json:"active"`
	Roles                 []UserRole `json:"roles"`
	SourceIntegrationID   *string    `json:"source_integration_id,omitzero"`
	SourceIntegrationName *string    `json:"source_integration_name,omitzero"`
	// Attributes holds the attributes from the source integration, by name.
	Attributes map[string]string `json:"attributes,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListUsersOptions filters and pages a list of users.
type ListUsersOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	// FirstName and LastName may begin or end with "*".
	FirstName             string     `url:"first_name,omitempty"`
	LastName              string     `url:"last_name,omitempty"`
	Role                  []UserRole `url:"role,omitempty"`
	SourceIntegrationID   string     `url:"source_integration_id,omitempty"`
	SourceIntegrationName string     `url:"source_integration_name,omitempty"`
}

// List returns a page of users.
//
// GET /api/admin/v3/users
func (s *UsersService) List(ctx context.Context, opts ...ListUsersOptions) (*Page[User], error) {
	return list[User](ctx, s.client, listUsers, opts)
}

// ListAll returns an iterator over all users.
//
// GET /api/admin/v3/users
func (s *UsersService) ListAll(ctx context.Context, opts ...ListUsersOptions) iter.Seq2[*User, error] {
	return listAll[User](ctx, s.client, listUsers, opts)
}

// Get returns the user with the given ID, or [ErrNotFound].
//
// GET /api/admin/v3/users/{id}
func (s *UsersService) Get(ctx context.Context, id string) (*User, error) {
	return decode[User](s.client.call(ctx, getUser, nil, id))
}
