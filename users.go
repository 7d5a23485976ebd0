package apono

import (
	"context"
	"iter"
	"log/slog"
	"net/http"

	"github.com/apono-go/apono/internal/operation"
)

// UsersService reads users. The API neither makes nor changes them.
//
// API section: Users, version 3, see https://docs.apono.io.
type UsersService struct{ client *Client }

var (
	listUsers = operation.New("Users.List", http.MethodGet, "/api/admin/v3/users")
	getUser   = operation.New("Users.Get", http.MethodGet, "/api/admin/v3/users/{id}")
)

// UserRole is what a user may do in Apono. The API may answer values beyond the
// constants.
type UserRole string

// The known roles, as Apono's documentation writes them. How they are spelt on
// the wire is documented for the first four only, as examples.
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
	// PageToken is the NextPageToken of a page. It carries the filters of its
	// list; the filters set here are not sent.
	PageToken string `url:"page_token,omitempty"`
	// Limit is the page size; 0 means the server's default of 100.
	Limit int `url:"limit,omitempty"`
	// FirstName and LastName may begin or end with "*".
	FirstName             string     `url:"first_name,omitempty"`
	LastName              string     `url:"last_name,omitempty"`
	Role                  []UserRole `url:"role,omitempty"`
	SourceIntegrationID   string     `url:"source_integration_id,omitempty"`
	SourceIntegrationName string     `url:"source_integration_name,omitempty"`
}

// List gets one page of the users.
//
// GET /api/admin/v3/users
func (s *UsersService) List(ctx context.Context, opts ...ListUsersOptions) (*Page[User], error) {
	return list[User](ctx, s.client, listUsers, opts)
}

// ListAll iterates over all users, page by page as the loop goes on. An
// error is the last pair of the loop; a page token that comes back is
// [ErrPageLoop].
//
// GET /api/admin/v3/users
func (s *UsersService) ListAll(ctx context.Context, opts ...ListUsersOptions) iter.Seq2[*User, error] {
	return listAll[User](ctx, s.client, listUsers, opts)
}

// Get gets a user by its id; [ErrNotFound] if there is none.
//
// GET /api/admin/v3/users/{id}
func (s *UsersService) Get(ctx context.Context, id string) (*User, error) {
	return call[User](ctx, s.client, getUser, nil, id)
}

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (u User) LogValue() slog.Value { return logValue(u) }
