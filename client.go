// Package apono is a client for the public REST API of Apono, which grants
// just-in-time access to cloud resources, databases and clusters. It is not an official
// product of Apono.
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
// To try it without an account, run the demo server of the examples and set the two
// variables that it prints:
//
//	go run github.com/apono-go/apono/examples/fakeserver@latest
//
// # Services
//
// For administrators:
//
//   - [IntegrationsService]: connected systems, their catalog, resources and permissions
//   - [ConnectorsService]: the programs through which Apono reaches them
//   - [AccessFlowsService], [BundlesService], [ScopesService]: what can be requested
//   - [SpacesService], [SpaceScopesService]: parts of an account with their own members
//   - [UsersService], [GroupsService], [IdentitiesService], [AttributesService]: people
//   - [ActivityService], [ReportsService]: who had which access
//
// For end users:
//
//   - [AvailableAccessService]: what can be requested
//   - [AccessRequestsService], [DelegatedRequestsService]: requesting and revoking access
//   - [SessionsService]: granted access and its credentials
//
// The services of [Client.Legacy] call operations of older API versions that have been
// superseded; their types have Legacy, Selectable, V1, V2 or V3 in their names. [Client.Do]
// calls any other endpoint. The comment of each service names its section of the API's
// documentation, https://docs.apono.io.
//
// # Authentication
//
// [NewClient] takes a token created in Apono's portal. [NewClientFromEnv] reads it
// from the environment variable APONO_TOKEN, or from the file that APONO_TOKEN_FILE
// names. [WithTokenSource] sets a function that returns the token; it is called again
// when the server rejects the token. [CachedTokenSource] caches what such a function
// returns, and [FileTokenSource] reads a file. Tokens are sent only to the origin of the
// base URL and are never printed or logged.
//
// There are two kinds of token, and both can expire. A personal token has the
// permissions of its user. The services for end users require one, and Apono support must
// have enabled end-user tokens for the account. An account token does not belong to a user
// and has its own roles. Use it for all other services.
//
// [WithReadOnly] configures a client that rejects operations that change something.
//
// Approving, rejecting and extending a request are not part of the public API.
// [Client.Do] can call the portal's operations, but they may change without notice.
//
// # Pagination
//
// ListAll fetches the next page when the loop reaches it, and stops when the loop
// ends. A second range starts over from the first page. An error ends the loop. A page
// token that comes twice returns [ErrPageLoop]; a list that fails after its first page
// returns a [*PageError] with the token to resume from. A list by offset, whose List
// method returns an [OffsetPage], returns [ErrTruncated] if it is incomplete. Filters are
// fields of an options struct:
//
//	options := apono.ListIntegrationsOptions{Name: "*production*", Type: []string{"postgresql"}}
//	databases, err := apono.Collect(client.Integrations.ListAll(ctx, options))
//
// [Collect] reads a list into a slice, and [First] returns the first item that
// matches. GetByName finds an object by its name, which is case-insensitive. It returns
// [ErrNotFound] if there is none and [ErrAmbiguous] if there are several, and exists where
// the API can filter by name. [WithReadAhead] requests the next page while the loop runs.
// [Pages] iterates over pages instead of items.
//
// To resume a list, even in another process, set PageToken in the options to the
// NextPageToken of a [Page].
//
// # Writing
//
// Inputs are structs. Required fields are plain values; optional fields are pointers,
// written new("text"), slices and maps. A nil field is omitted, and an empty slice or map is
// sent. An update replaces the whole object, so build its input from the current object.
// This keeps fields that this version does not know (see [Extra]). The API has no version
// check: a change that somebody else makes between the read and the update is lost.
//
//	in := flow.UpdateInput()
//	in.Active = false
//	flow, err = client.AccessFlows.Update(ctx, flow.ID, in)
//
// A create is not retried if it may already have taken effect; see [ErrMaybeDone].
//
// # Errors
//
// Every method can return these errors:
//
//   - [*APIError]: the server responded with a status other than 2xx. errors.Is
//     matches it with [ErrNotFound] and similar errors.
//   - [*ArgumentError]: an argument is invalid. No request was sent.
//   - [*DecodeError]: the response is not in the form that the API documents.
//   - [*TransportError]: the call received no usable response. It is a [net.Error],
//     and every timeout matches [context.DeadlineExceeded].
//
// Lists, waits, grants and bulk calls can also return [*PageError], [*TruncatedError],
// [*WaitError], [*RevokeError] and [*BulkError]. Error texts contain path templates, not
// the arguments of the call, but they quote the message of the server.
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
// [WithAttemptTimeout] limits each attempt, and [WithCallAttemptTimeout] each attempt of
// one call. The context limits the whole call, retries and waits included.
//
// # Access
//
// [AccessRequestsService.During] requests access, waits until it is granted, calls a
// function, and revokes the access in every case. [AccessRequestsService.Acquire] does the
// same in steps and returns a [Grant]. An exit that runs no deferred functions leaves the
// access: os.Exit, log.Fatal, and a signal that the program does not handle.
//
// To share one access between processes, list the active requests, choose one, and
// [AccessRequestsService.Adopt] it, but do not revoke it. To clean up after a process that
// was killed, save the IDs in [AcquireOptions] OnCreated and pass them to
// [AccessRequestsService.EnsureRevoked] in another process.
//
// [AccessRequestsService.WaitFor] polls an access request until a function such as
// [UntilGranted] returns true. [SessionsService.WaitFor] polls a session. Only the
// context limits how long they wait; temporary failures do not end the wait.
//
// # Secrets
//
// A [Secret] is a string that is or may contain a credential. However it is printed,
// logged or marshaled, it is [redacted]; only a request contains the string. The JSON of a
// model is the API's own, fields that this version does not know included; as text, a model
// shows only their names.
//
// # Logging, metrics and rate limits
//
// [WithLogger] logs every attempt. [WithMiddleware] wraps the transport, for metrics
// and tracing. [WithLimiter] waits for a rate limiter before each attempt.
//
// # Testing
//
// Package [github.com/apono-go/apono/aponotest] provides an in-memory Apono server for
// tests. Package [github.com/apono-go/apono/webhook] receives the events that Apono sends.
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
	envTokenFile     = "APONO_TOKEN_FILE" //nolint:gosec // a name, no credentials
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
// token must be empty.
func NewClient(token string, opts ...Option) (*Client, error) {
	return newClient("token", token, opts)
}

// NewClientFromEnv returns a client configured by environment variables. The token is
// APONO_TOKEN, or APONO_PERSONAL_TOKEN if that is not set; instead of them,
// APONO_TOKEN_FILE names a file for [FileTokenSource]. The base URL is APONO_ENDPOINT, or [DefaultBaseURL] if that is not set. Options take precedence over
// variables. An [*ArgumentError] names the variable that is missing or invalid.
func NewClientFromEnv(opts ...Option) (*Client, error) {
	name := envToken
	if os.Getenv(envToken) == "" && os.Getenv(envPersonalToken) != "" {
		name = envPersonalToken
	}
	if path := os.Getenv(envTokenFile); path != "" {
		source := FileTokenSource(path)
		if os.Getenv(name) != "" {
			return nil, &ArgumentError{Arg: envTokenFile, Reason: "must not be set together with " + name}
		}
		if _, err := source(context.Background()); err != nil {
			return nil, &ArgumentError{Arg: envTokenFile, Reason: "must name a file with a token: " + err.Error()}
		}
		opts = append([]Option{WithTokenSource(source)}, opts...)
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
	if o.Token != nil && token != "" && name == "token" {
		return nil, &ArgumentError{Arg: name, Reason: "must be empty with WithTokenSource"}
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
	c := &Client{transport: t, logger: o.Logger, baseURL: o.Origin.String(), readOnly: o.readOnly, readAhead: o.readAhead}
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
