package apono

import (
	"context"
	"iter"
	"net/http"
	"strings"

	"github.com/apono-go/apono/internal/operation"
)

// SessionsService reads access sessions and their credentials. A session is created in
// an integration when access is granted.
//
// API section: Access Sessions.
type SessionsService struct{ client *Client }

var (
	listSessions            = operation.New("Sessions.List", http.MethodGet, "/api/user/v1/access-sessions")
	getSession              = operation.New("Sessions.Get", http.MethodGet, "/api/user/v1/access-sessions/{id}")
	getSessionAccessDetails = operation.New("Sessions.GetAccessDetails", http.MethodGet, "/api/user/v1/access-sessions/{id}/access-details").Consuming().Requires("instructions", "custom_admin_message", "parameters", "cli", "link")
	resetSessionCredentials = operation.New("Sessions.ResetCredentials", http.MethodPost, "/api/user/v1/access-sessions/{id}/reset-credentials").Requires("message")
)

// CredentialsStatus is the state of the credentials of a session. The API may return
// other values.
type CredentialsStatus string

// The known states of credentials. They are AVAILABLE until they are read, then VIEWED.
// A session for which they are not applicable has no credentials, but it has access
// details.
const (
	CredentialsStatusAvailable     CredentialsStatus = "AVAILABLE"
	CredentialsStatusViewed        CredentialsStatus = "VIEWED"
	CredentialsStatusResetting     CredentialsStatus = "RESETTING"
	CredentialsStatusNotApplicable CredentialsStatus = "NOT_APPLICABLE"
)

// AccessSession is access that was granted in one integration.
type AccessSession struct {
	ID                string            `json:"id"`
	Name              string            `json:"name"`
	RequestIDs        []string          `json:"request_ids"`
	Integration       Ref               `json:"integration"`
	CredentialsStatus CredentialsStatus `json:"credentials_status"`
	// CanResetCredentials reports whether ResetCredentials can be called.
	CanResetCredentials bool `json:"can_reset_credentials"`

	Extra Extra `json:",embed,inline"`
}

// AccessSessionDetails are the credentials of a session and how to use them.
type AccessSessionDetails struct {
	// Instructions are steps for a person.
	Instructions Secret `json:"instructions"`
	// CustomAdminMessage is a note of an administrator.
	CustomAdminMessage *string `json:"custom_admin_message,omitzero"`
	// Parameters are the credentials, such as a user name and a password.
	Parameters map[string]Secret `json:"parameters,omitzero"`
	// CLI is a command line.
	CLI *Secret `json:"cli,omitzero"`
	// Link is the address of a console or an application.
	Link *Link `json:"link,omitzero"`

	Extra map[string]Secret `json:",embed,inline"`
}

// Link is an address and its title.
type Link struct {
	URL   Secret  `json:"url"`
	Title *string `json:"title,omitzero"`

	Extra map[string]Secret `json:",embed,inline"`
}

// ListSessionsOptions filters and pages a list of sessions.
type ListSessionsOptions struct {
	PageToken     string   `url:"page_token,omitempty"`
	Limit         int      `url:"limit,omitempty"`
	IntegrationID []string `url:"integration_id,omitempty"`
	RequestIDs    []string `url:"request_ids,omitempty"`
}

// List returns a page of sessions.
//
// GET /api/user/v1/access-sessions
func (s *SessionsService) List(ctx context.Context, opts ...ListSessionsOptions) (*Page[AccessSession], error) {
	return list[AccessSession](ctx, s.client, listSessions, opts)
}

// ListAll returns an iterator over all sessions.
//
// GET /api/user/v1/access-sessions
func (s *SessionsService) ListAll(ctx context.Context, opts ...ListSessionsOptions) iter.Seq2[*AccessSession, error] {
	return listAll[AccessSession](ctx, s.client, listSessions, opts)
}

// Get returns the session with the given ID, or [ErrNotFound].
//
// GET /api/user/v1/access-sessions/{id}
func (s *SessionsService) Get(ctx context.Context, id string) (*AccessSession, error) {
	return decode[AccessSession](s.client.call(ctx, getSession, nil, id))
}

// GetAccessDetails returns the credentials of a session. Reading may use them up:
// one-time credentials are returned only once. The request is therefore not retried
// once it may have reached the server, except after a 401 with a token source. It is
// sent over a new connection, so that net/http does not send it twice; see
// [WithHTTPClient]. A client with [WithReadOnly] returns [ErrReadOnly].
//
// GET /api/user/v1/access-sessions/{id}/access-details
func (s *SessionsService) GetAccessDetails(ctx context.Context, id string) (*AccessSessionDetails, error) {
	return decode[AccessSessionDetails](s.client.call(ctx, getSessionAccessDetails, nil, id))
}

// ResetCredentials asks Apono to replace the credentials of a session, if its
// CanResetCredentials is true, and does not wait until they are replaced; see
// [SessionsService.WaitFor] with [UntilCredentialsAvailable].
//
// POST /api/user/v1/access-sessions/{id}/reset-credentials
func (s *SessionsService) ResetCredentials(ctx context.Context, id string) (*Message, error) {
	return decode[Message](s.client.call(ctx, resetSessionCredentials, nil, id))
}

// UntilCredentialsAvailable makes [SessionsService.WaitFor] wait until the credentials of
// a session have been reset, so that its access details can be read. It is for use after
// [SessionsService.ResetCredentials]. A reset may take a moment to show, so credentials
// that have been viewed are still the old ones. Old credentials that nobody has viewed
// cannot be told from new ones.
func UntilCredentialsAvailable(s *AccessSession) (bool, error) {
	return !s.CredentialsStatus.is(CredentialsStatusResetting) && !s.CredentialsStatus.is(CredentialsStatusViewed), nil
}

func (s CredentialsStatus) is(other CredentialsStatus) bool {
	return strings.EqualFold(string(s), string(other))
}
