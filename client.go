// Package apono is a client for the public REST API of Apono, which grants
// just-in-time access to cloud resources, databases and clusters.
//
// A [Client] has a service for each part of the API. List returns one page of
// objects, ListAll iterates over all of them, and Get, Create, Update and Delete
// work on a single object.
//
//	client, err := apono.NewClientFromEnv()
//	if err != nil {
//		return err
//	}
//	for integration, err := range client.Integrations.ListAll(ctx) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(integration.Name, integration.Status)
//	}
//
// # Authentication
//
// [NewClient] takes a token created in Apono's portal. [NewClientFromEnv] reads it
// from the environment variable APONO_TOKEN. [WithTokenSource] sets a function that
// returns the token; it is called again when the server rejects the token.
// [CachedTokenSource] caches what such a function returns. Tokens are sent only to
// the origin of the base URL and are never printed or logged.
//
// There are two kinds of token, and both can expire. A personal token has the
// permissions of its user. The services AccessRequests, DelegatedRequests,
// AvailableAccess and Sessions require one, and Apono support must have enabled
// end-user tokens for the account. An account token does not belong to a user and
// has its own roles. It is for the other services.
//
// [WithReadOnly] configures a client that rejects operations that change something.
//
// Approving, rejecting and extending a request are not part of the public API.
// [Client.Do] can call such operations of Apono's portal, without any guarantee.
//
// # Pagination
//
// ListAll requests the next page when the loop reaches it, and stops when the loop
// ends. Ranging over it again starts again from the first page. Filters are fields
// of an options struct:
//
//	options := apono.ListIntegrationsOptions{Name: "prod*", Type: []string{"postgresql"}}
//	databases, err := apono.Collect(client.Integrations.ListAll(ctx, options))
//
// [Collect] reads a list into a slice, and [First] returns the first item that
// matches. GetByName returns an object by its name, where the API filters by name.
// [WithReadAhead] requests the next page while the loop runs.
//
// A [Page] holds the token of the next page. With that token in the PageToken of the
// options, a list resumes there, also in another process. [Pages] iterates over pages
// instead of items. A list that fails after its first page returns a [*PageError]
// with the token of the page that could not be read.
//
// # Writing
//
// Inputs are structs. Required fields are plain values; optional fields are pointers
// written new("text"), slices and maps. A nil field is omitted, and an empty slice or map is
// sent. An update replaces the whole object, so its input is derived from an object
// that was read. This keeps members that this version has no field for (see [Extra]):
//
//	in := flow.UpdateInput()
//	in.Active = false
//	flow, err = client.AccessFlows.Update(ctx, flow.ID, in)
//
// # Errors
//
// Every method can return these errors:
//
//   - [*APIError]: the server responded with a status other than 2xx. errors.Is
//     compares it with [ErrNotFound] and similar.
//   - [*ArgumentError]: an argument is invalid. No request was sent.
//   - [*DecodeError]: the response is not in the form that the API documents.
//   - [*TransportError]: the call received no usable response. It is a [net.Error],
//     and every timeout matches [context.DeadlineExceeded].
//
// Lists, waits, During and bulk calls have further errors: [*PageError],
// [*TruncatedError], [*WaitError], [*RevokeError] and [*BulkError]. Error texts contain
// path templates, not the arguments of the call, except the name in those of GetByName.
//
// # Retries and timeouts
//
// GET, PUT and DELETE requests are retried after temporary failures. POST and PATCH
// requests are retried only after a 429 or when nothing was sent. Reads that use up
// one-time credentials are retried only when nothing was sent. [RetryPolicy] has the
// details, and [WithoutRetry] disables retries for a single call.
//
// In addition, net/http may send a GET twice when a reused connection breaks, but never
// a request that changes something. Reads that use up one-time credentials are sent
// over a new connection to prevent it; see [WithHTTPClient] for transports other than
// [http.Transport].
//
// [WithAttemptTimeout] limits each attempt, and [WithCallAttemptTimeout] each attempt of one
// call. A context limits the call as a whole, retries and waits included.
//
// # Waiting
//
// [AccessRequestsService.WaitFor] polls an access request until a function such as
// [UntilGranted] returns true. [SessionsService.WaitFor] polls a session. Only the
// context limits how long they wait; temporary failures do not end the wait.
// [AccessRequestsService.During] requests access, waits until it is granted, calls a
// function, and revokes the access in every case.
//
// # Logging, metrics and rate limits
//
// [WithLogger] logs every attempt. [WithMiddleware] wraps the transport, for metrics
// and tracing. [WithLimiter] waits for a rate limiter before each attempt.
//
// # Testing
//
// Package aponotest provides an in-memory Apono server for tests.
//
// # Legacy operations
//
// The services of [Client.Legacy] call operations of older API versions that have a
// newer version. All other services call the newest version.
//
// # Services
//
//   - [IntegrationsService]: integrations, their resources and permissions, the catalog
//   - [AccessFlowsService]: who can request access to what, and who approves
//   - [BundlesService]: sets of access that are requested together
//   - [AccessRequestsService]: requests for access, waiting and revocation
//   - [UsersService]: users
//   - [GroupsService]: groups and their members
//   - [ConnectorsService]: connectors
//   - [ReportsService]: saved activity reports
//   - [ScopesService]: access scopes, which select resources by a query
//   - [SessionsService]: sessions and their credentials
//   - [AvailableAccessService]: what the owner of the token can request
//   - [DelegatedRequestsService]: requests for other people
//   - [AttributesService]: attributes of identities
//   - [IdentitiesService]: identities, and their attributes in bulk
//   - [ActivityService]: the log of access
//   - [SpacesService]: parts of an account, and their members
//   - [SpaceScopesService]: resources of spaces
//   - [Legacy]: older versions of the API
package apono

//go:generate go run ./internal/generate

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/apono-go/apono/internal/transport"
)

// Version is the version of this module. It is part of the User-Agent header.
const Version = "0.1.0"

// DefaultBaseURL is the base URL of Apono's API.
const DefaultBaseURL = "https://api.apono.io"

const (
	envToken         = "APONO_TOKEN"
	envPersonalToken = "APONO_PERSONAL_TOKEN"
	envEndpoint      = "APONO_ENDPOINT"
)

// Client calls the API. It is safe for concurrent use by multiple goroutines.
// [NewClient] and [NewClientFromEnv] create clients; the zero value is not usable.
type Client struct {
	Integrations      *IntegrationsService
	AccessFlows       *AccessFlowsService
	Bundles           *BundlesService
	AccessRequests    *AccessRequestsService
	Users             *UsersService
	Groups            *GroupsService
	Connectors        *ConnectorsService
	Reports           *ReportsService
	Scopes            *ScopesService
	Sessions          *SessionsService
	AvailableAccess   *AvailableAccessService
	DelegatedRequests *DelegatedRequestsService
	Attributes        *AttributesService
	Identities        *IdentitiesService
	Activity          *ActivityService
	Spaces            *SpacesService
	SpaceScopes       *SpaceScopesService
	// Legacy has the services of older API versions.
	Legacy *Legacy

	transport *transport.Transport
	logger    *slog.Logger // nil for none
	baseURL   string
	renewable bool // the token comes from a source
	readOnly  bool
	readAhead bool
}

// NewClient returns a client that authenticates with a token created in Apono's
// portal. It reads no environment variables and sends no request.
//
// Clients without [WithHTTPClient] share one pool of connections. A single client
// can also serve many users: [WithTokenSource] sets a function that receives the
// context of the call and returns the token of the user in that context.
//
// The error is an [*ArgumentError] if an option is invalid, or if the token is empty or
// contains spaces or characters other than printable ASCII. With [WithTokenSource] the
// token may be empty.
func NewClient(token string, opts ...Option) (*Client, error) {
	return newClient("token", token, opts)
}

// NewClientFromEnv returns a client configured by environment variables. The token is
// APONO_TOKEN, or APONO_PERSONAL_TOKEN if that is not set. The base URL is
// APONO_ENDPOINT, or [DefaultBaseURL] if that is not set. Options take precedence over
// variables. An [*ArgumentError] names the variable that is missing or invalid.
func NewClientFromEnv(opts ...Option) (*Client, error) {
	name := envToken
	if os.Getenv(envToken) == "" && os.Getenv(envPersonalToken) != "" {
		name = envPersonalToken
	}
	if endpoint := os.Getenv(envEndpoint); endpoint != "" {
		opts = append([]Option{baseURLOption(envEndpoint, endpoint)}, opts...)
	}
	return newClient(name, os.Getenv(name), opts)
}

// newClient creates a client. In errors, name stands for the token.
func newClient(name, token string, opts []Option) (*Client, error) {
	o := defaultOptions()
	for i, opt := range opts {
		if opt == nil {
			return nil, &ArgumentError{Arg: fmt.Sprintf("opts[%d]", i), Reason: "must not be nil"}
		}
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	if o.Token == nil {
		if err := checkToken(name, token); err != nil {
			return nil, err
		}
		o.Token = func(context.Context) (string, error) { return token, nil }
	}
	if o.HTTPClient == nil {
		o.HTTPClient = &http.Client{Transport: sharedTransport()}
	}
	t, err := transport.New(o.Config)
	if err != nil {
		return nil, &ArgumentError{Arg: "middleware", Reason: err.Error()}
	}
	c := &Client{transport: t, logger: o.Logger, baseURL: o.Origin.String(), renewable: o.Renewable, readOnly: o.readOnly, readAhead: o.readAhead}
	c.Integrations = &IntegrationsService{client: c}
	c.AccessFlows = &AccessFlowsService{client: c}
	c.Bundles = &BundlesService{client: c}
	c.AccessRequests = &AccessRequestsService{client: c}
	c.Users = &UsersService{client: c}
	c.Groups = &GroupsService{client: c}
	c.Connectors = &ConnectorsService{client: c}
	c.Reports = &ReportsService{client: c}
	c.Scopes = &ScopesService{client: c}
	c.Sessions = &SessionsService{client: c}
	c.AvailableAccess = &AvailableAccessService{client: c}
	c.DelegatedRequests = &DelegatedRequestsService{client: c}
	c.Attributes = &AttributesService{client: c}
	c.Identities = &IdentitiesService{client: c}
	c.Activity = &ActivityService{client: c}
	c.Spaces = &SpacesService{client: c}
	c.SpaceScopes = &SpaceScopesService{client: c}
	c.Legacy = newLegacy(c)
	return c, nil
}

// CloseIdleConnections closes the idle connections of the HTTP client that
// [WithHTTPClient] set, and otherwise those of all clients without that option, which
// share them. Calling it is optional, because connections idle for 30 s are closed.
func (c *Client) CloseIdleConnections() { c.transport.CloseIdleConnections() }

// String returns a description of the client that contains only its base URL.
func (c *Client) String() string { return "apono.Client(" + c.baseURL + ")" }
