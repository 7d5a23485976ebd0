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
	// UserRoleAdmin may do everything.
	UserRoleAdmin UserRole = "Admin"
	// UserRolePowerUser may manage access.
	UserRolePowerUser UserRole = "Power User"
	// UserRoleDeployment may deploy connectors and integrations.
	UserRoleDeployment UserRole = "Deployment"
	// UserRoleViewer may look.
	UserRoleViewer UserRole = "Viewer"
	// UserRoleAuditor is the older name of a viewer.
	UserRoleAuditor UserRole = "Auditor"
	// UserRoleGrantee may request access in the portal.
	UserRoleGrantee UserRole = "Grantee"
	// UserRoleSpaceOwner may manage spaces.
	UserRoleSpaceOwner UserRole = "Space Owner"
	// UserRoleSpaceManager may manage what is in a space.
	UserRoleSpaceManager UserRole = "Space Manager"
)

// User is a person.
type User struct {
	// ID identifies the user.
	ID string `json:"id"`
	// Email is the main address.
	Email string `json:"email"`
	// EmailAliases are other addresses.
	EmailAliases []string `json:"email_aliases"`
	// FirstName is the first name.
	FirstName string `json:"first_name"`
	// LastName is the last name.
	LastName string `json:"last_name"`
	// Active says that the user is enabled in Apono.
	Active bool `json:"active"`
	// Roles are what the user may do in Apono.
	Roles []UserRole `json:"roles"`
	// SourceIntegrationID is the integration that the user comes from.
	SourceIntegrationID *string `json:"source_integration_id,omitzero"`
	// SourceIntegrationName is that integration's name.
	SourceIntegrationName *string `json:"source_integration_name,omitzero"`
	// Attributes are what the source knows about the user, by name.
	Attributes map[string]string `json:"attributes,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListUsersOptions filters and pages a list of users.
type ListUsersOptions struct {
	// PageToken is where to go on, from Page.NextPageToken. The token carries
	// the filters of the list that it came from; those given here are not sent.
	PageToken string `url:"page_token,omitempty"`
	// Limit is the size of a page; the server's default is 100.
	Limit int `url:"limit,omitempty"`
	// FirstName is a first name, or a pattern with an asterisk at either end or
	// both.
	FirstName string `url:"first_name,omitempty"`
	// LastName is a last name, or a pattern as for FirstName.
	LastName string `url:"last_name,omitempty"`
	// Role are roles.
	Role []UserRole `url:"role,omitempty"`
	// SourceIntegrationID is the integration that users come from.
	SourceIntegrationID string `url:"source_integration_id,omitempty"`
	// SourceIntegrationName is the name of that integration.
	SourceIntegrationName string `url:"source_integration_name,omitempty"`
}

func (o ListUsersOptions) at(token string) (ListUsersOptions, string) {
	from := o.PageToken
	o.PageToken = token
	return o, from
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

// String returns what LogValue does.
func (u User) String() string { return printed(u) }
