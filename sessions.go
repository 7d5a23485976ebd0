package apono

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/wire"
)

// SessionsService reads access sessions, which come with granted access, and the
// credentials that belong to them.
//
// API section: Access Sessions, see https://docs.apono.io.
type SessionsService struct{ client *Client }

var (
	listSessions            = operation.New("Sessions.List", http.MethodGet, "/api/user/v1/access-sessions")
	getSession              = operation.New("Sessions.Get", http.MethodGet, "/api/user/v1/access-sessions/{id}")
	getSessionAccessDetails = operation.New("Sessions.GetAccessDetails", http.MethodGet, "/api/user/v1/access-sessions/{id}/access-details").Consuming()
	resetSessionCredentials = operation.New("Sessions.ResetCredentials", http.MethodPost, "/api/user/v1/access-sessions/{id}/reset-credentials")
)

// CredentialsStatus is the state of a session's credentials. The API may answer
// values beyond the constants.
type CredentialsStatus string

// The known states of credentials.
const (
	// CredentialsStatusAvailable is for credentials that nobody has read.
	CredentialsStatusAvailable CredentialsStatus = "AVAILABLE"
	// CredentialsStatusViewed is for credentials that have been read.
	CredentialsStatusViewed CredentialsStatus = "VIEWED"
	// CredentialsStatusResetting is for credentials that are being replaced.
	CredentialsStatusResetting CredentialsStatus = "RESETTING"
	// CredentialsStatusNotApplicable is for sessions without credentials; they
	// have access details all the same.
	CredentialsStatusNotApplicable CredentialsStatus = "NOT_APPLICABLE"
)

// AccessSession is access that was set up in an integration.
type AccessSession struct {
	// ID identifies the session.
	ID string `json:"id"`
	// Name is the display name.
	Name string `json:"name"`
	// RequestIDs are the access requests that it serves.
	RequestIDs []string `json:"request_ids"`
	// Integration is where the access is.
	Integration Ref `json:"integration"`
	// CredentialsStatus is the state of the credentials.
	CredentialsStatus CredentialsStatus `json:"credentials_status"`
	// CanResetCredentials says that ResetCredentials may be used.
	CanResetCredentials bool `json:"can_reset_credentials"`

	Extra Extra `json:",embed,inline"`
}

// AccessSessionDetails are the credentials of a session and how to use them.
// Printed, logged or marshaled to JSON they show nothing of it; the fields are
// read one by one, and Reveal gives all of them.
type AccessSessionDetails struct {
	// Instructions are the steps for a person.
	Instructions string `json:"instructions"`
	// CustomAdminMessage is a note of an administrator.
	CustomAdminMessage *string `json:"custom_admin_message,omitzero"`
	// Parameters are the credentials, such as a user name and a password.
	Parameters Secrets `json:"parameters,omitzero"`
	// CLI is a command line.
	CLI *string `json:"cli,omitzero"`
	// Link is the address of a console or an application.
	Link *Link `json:"link,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// Link is an address and its title.
type Link struct {
	// URL is the address.
	URL string `json:"url"`
	// Title is the text to show instead of it.
	Title *string `json:"title,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListSessionsOptions filters and pages a list of sessions.
type ListSessionsOptions struct {
	// PageToken is where to go on, from Page.NextPageToken. The token carries
	// the filters of the list that it came from; those given here are not sent.
	PageToken string `url:"page_token,omitempty"`
	// Limit is the size of a page; the server's default is 100.
	Limit int `url:"limit,omitempty"`
	// IntegrationID are integrations.
	IntegrationID []string `url:"integration_id,omitempty"`
	// RequestIDs are access requests.
	RequestIDs []string `url:"request_ids,omitempty"`
}

func (o ListSessionsOptions) at(token string) (ListSessionsOptions, string) {
	from := o.PageToken
	o.PageToken = token
	return o, from
}

// List gets one page of the sessions.
//
// GET /api/user/v1/access-sessions
func (s *SessionsService) List(ctx context.Context, opts ...ListSessionsOptions) (*Page[AccessSession], error) {
	return list[AccessSession](ctx, s.client, listSessions, opts)
}

// ListAll iterates over all sessions, page by page as the loop goes on. An error
// is the last pair of the loop; a page token that comes back is [ErrPageLoop].
//
// GET /api/user/v1/access-sessions
func (s *SessionsService) ListAll(ctx context.Context, opts ...ListSessionsOptions) iter.Seq2[*AccessSession, error] {
	return listAll[AccessSession](ctx, s.client, listSessions, opts)
}

// Get gets a session by its id; [ErrNotFound] if there is none.
//
// GET /api/user/v1/access-sessions/{id}
func (s *SessionsService) Get(ctx context.Context, id string) (*AccessSession, error) {
	return call[AccessSession](ctx, s.client, getSession, nil, id)
}

// GetAccessDetails reads the credentials of a session. Reading may use them up:
// one-time credentials are gone after the first response. So the request is not
// retried once it may have reached the server, but for a 401 with a token source,
// and goes over a connection of its own, so that net/http does not send it again
// either (see [WithHTTPClient]). A client with [WithReadOnly] rejects it.
//
// GET /api/user/v1/access-sessions/{id}/access-details
func (s *SessionsService) GetAccessDetails(ctx context.Context, id string) (*AccessSessionDetails, error) {
	return call[AccessSessionDetails](ctx, s.client, getSessionAccessDetails, nil, id)
}

// ResetCredentials has the credentials of a session replaced, where the session
// says that it can be done. It returns once that has been ordered; the session's
// CredentialsStatus tells when it is done.
//
// POST /api/user/v1/access-sessions/{id}/reset-credentials
func (s *SessionsService) ResetCredentials(ctx context.Context, id string) (*Message, error) {
	return call[Message](ctx, s.client, resetSessionCredentials, nil, id)
}

// Reveal returns everything in a map that prints and marshals as it is, under
// the API's names.
func (d AccessSessionDetails) Reveal() map[string]any {
	all := reveal(d)
	if d.Parameters != nil {
		all["parameters"] = d.Parameters.Reveal()
	}
	return all
}

func (d AccessSessionDetails) revealed() any {
	type plain AccessSessionDetails
	return plain(d)
}

// Format prints that there are details, with every verb.
func (d AccessSessionDetails) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue gives that there are details.
func (d *AccessSessionDetails) LogValue() slog.Value {
	if d == nil {
		return slog.Value{}
	}
	return slog.StringValue(redacted)
}

// MarshalJSON gives that there are details.
func (d AccessSessionDetails) MarshalJSON() ([]byte, error) { return wire.MarshalModel(redacted) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (a AccessSession) LogValue() slog.Value { return logValue(a) }

// String returns what LogValue does.
func (a AccessSession) String() string { return printed(a) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (l Link) LogValue() slog.Value { return logValue(l) }
