// Package apono is a client for the public REST API of Apono, which grants
// just-in-time access to cloud resources, databases and clusters.
//
// A [Client] has a service for each part of the API, and each service has the
// same verbs: List returns one page, ListAll iterates over all of them, Get,
// Create, Update and Delete do what they say.
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
// [NewClient] takes a token as made in Apono's portal; [NewClientFromEnv] reads
// it from APONO_TOKEN. [WithTokenSource] asks a function for it, and once more
// when the server rejects it; [CachedTokenSource] keeps what it returns. [WithReadOnly] makes a client that changes nothing,
// for audits. Tokens are sent to the base URL's origin only, and print nowhere.
//
// There are two kinds of token, and both can expire. A personal token acts with
// the permissions of its user. AccessRequests, DelegatedRequests, AvailableAccess
// and Sessions need one, and work only after Apono support has switched on
// end-user tokens for the account. An account token belongs to no user and has
// roles of its own; it is for the other services.
//
// What Apono's portal does beyond that (approve, reject or extend a request) is
// no public API. [Client.Do] reaches it, at one's own risk.
//
// # Listing
//
// ListAll asks for the next page when the loop comes to it, and stops asking
// when the loop is left. It can be ranged over again, from the start. Filters go
// into one options struct:
//
//	options := apono.ListIntegrationsOptions{Name: "prod*", Type: []string{"postgresql"}}
//	databases, err := apono.Collect(client.Integrations.ListAll(ctx, options))
//
// [Collect] makes a slice, [First] finds one item, and GetByName finds an object
// where the API filters by name. [WithReadAhead] has the next pages on their way
// while the loop works.
//
// # Resuming
//
// A [Page] has the token of the next one. Put into the options' PageToken, a
// listing goes on from there, even in another process. [Pages] iterates over the
// pages, and a list that fails after its first page returns a [*PageError] with
// the token of the page that it could not read.
//
// # Writing
//
// Inputs are structs: required fields are values, optional ones pointers (see
// [Ptr]), slices and maps, of which nil is left out and an empty one is sent. An
// update replaces the whole object, so it starts from what was read, which keeps
// the members that this version has no field for (see [Extra]):
//
//	in := flow.UpdateInput()
//	in.Active = false
//	flow, err = client.AccessFlows.Update(ctx, flow.ID, in)
//
// # Errors
//
// A refusal by the server is an [*APIError], which errors.Is compares with
// [ErrNotFound] and its kin. Arguments that no server could accept are an
// [*ArgumentError], before anything is sent. An answer that is not what the API
// promises is a [*DecodeError], and a call that got no response a
// [*TransportError], which is a [net.Error]: timeouts are
// [context.DeadlineExceeded], whoever set them. Error texts hold path templates and no arguments.
//
// # Retries
//
// GET, PUT and DELETE requests are retried after failures that may pass; POST and
// PATCH only when the server said that it did nothing, or when nothing was sent;
// reads that use up one-time credentials only when nothing was sent. See
// [RetryPolicy], and [WithoutRetry] for a single call. A context ends a call at
// once, in whichever state it is.
//
// That is what the client does. Below it, net/http sends a GET again by itself
// when a connection that it kept breaks; it does so with no request that changes
// something, and reads that use up one-time credentials are kept from it by a
// connection of their own. With a transport other than [http.Transport] they are
// not, because it may replay any GET: see [WithHTTPClient].
//
// # Timeouts
//
// [WithAttemptTimeout] limits each attempt, [WithCallTimeout] those of one call,
// and a context the call as a whole. A body that keeps coming has more time.
//
// # Waiting
//
// [AccessRequestsService.WaitFor] looks at an access request until a function
// such as [UntilGranted] is content, and [SessionsService.WaitFor] at a session.
// They have no limit but their context; failures that may pass do not end them.
// [AccessRequestsService.During] requests access, waits for it, calls a function
// and revokes the access, however that ends.
//
// # Observing
//
// [WithLogger] logs every attempt, and [WithMiddleware] wraps it, for metrics and
// tracing. [WithLimiter] asks a limiter before each.
//
// # Testing
//
// Package aponotest is a fake server for the tests of programs that use this
// one.
//
// # Older versions
//
// [Client.Legacy] has the operations of older versions of the API that a newer
// version has taken the place of. Everything else is the newest version.
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

// Version is the version of this module, as sent in the User-Agent header.
const Version = "0.1.0"

// DefaultBaseURL is where Apono serves its API.
const DefaultBaseURL = "https://api.apono.io"

const (
	envToken         = "APONO_TOKEN"
	envPersonalToken = "APONO_PERSONAL_TOKEN"
	envEndpoint      = "APONO_ENDPOINT"
)

// Client calls the API. It is safe for concurrent use, and one client should
// serve a whole program, because it keeps connections. Make it with [NewClient]
// or [NewClientFromEnv]; the zero value does not work.
type Client struct {
	// Integrations are the connected cloud accounts, databases, clusters and
	// identity providers.
	Integrations *IntegrationsService
	// AccessFlows are the rules that grant access.
	AccessFlows *AccessFlowsService
	// Bundles are targets of access under one name.
	Bundles *BundlesService
	// AccessRequests are requests for access, of the person whose token it is.
	AccessRequests *AccessRequestsService
	// Users are people.
	Users *UsersService
	// Groups are sets of users.
	Groups *GroupsService
	// Connectors are the installations through which Apono reaches systems.
	Connectors *ConnectorsService
	// Reports are activity reports.
	Reports *ReportsService
	// Scopes are access scopes: saved queries for resources.
	Scopes *ScopesService
	// Sessions are access that was set up, and its credentials.
	Sessions *SessionsService
	// AvailableAccess is what the person whose token it is may request.
	AvailableAccess *AvailableAccessService
	// DelegatedRequests are requests that were made for somebody else.
	DelegatedRequests *DelegatedRequestsService
	// Attributes are what identities can be matched by.
	Attributes *AttributesService
	// Identities are users, groups and attributes together, and the attributes
	// of identities in bulk.
	Identities *IdentitiesService
	// Activity is what happened.
	Activity *ActivityService
	// Spaces are parts of the account, with resources and people of their own.
	Spaces *SpacesService
	// SpaceScopes say which resources are in a space.
	SpaceScopes *SpaceScopesService
	// Legacy are older versions of the API.
	Legacy *Legacy

	transport *transport.Transport
	logger    *slog.Logger // nil for none
	baseURL   string
	renewable bool // the token comes from a source
	readOnly  bool
	readAhead int
}

// NewClient returns a client that authenticates with a token, as made in
// Apono's portal. It reads no environment variable and sends no request.
//
// Clients without [WithHTTPClient] share their connections, so that a client for
// each user costs none of its own. One client can also serve many users: a
// function given to [WithTokenSource] gets the context of the call, and can
// return the token of the user who is named there.
//
// An empty token, one with white space, control or non-ASCII characters, and
// options that make no sense are an [*ArgumentError]. The token may be empty
// with [WithTokenSource].
func NewClient(token string, opts ...Option) (*Client, error) {
	return newClient("token", token, opts)
}

// NewClientFromEnv returns a client that is configured by the environment: the
// token from APONO_TOKEN or else APONO_PERSONAL_TOKEN, the base URL from
// APONO_ENDPOINT if that is set. An option goes before the variable for the
// same thing. An [*ArgumentError] names the variable that is missing or wrong.
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

// newClient builds a client; name is where the token came from.
func newClient(name, token string, opts []Option) (*Client, error) {
	o := defaultOptions()
	for i, opt := range opts {
		if opt == nil {
			return nil, &ArgumentError{Arg: fmt.Sprintf("opts[%d]", i), Reason: "the option is nil"}
		}
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	source := o.tokenSource
	if source == nil {
		if err := checkToken(name, token); err != nil {
			return nil, err
		}
		source = func(context.Context) (string, error) { return token, nil }
	}
	if o.httpClient == nil {
		o.httpClient = &http.Client{Transport: sharedTransport()}
	}
	c := &Client{logger: o.logger, baseURL: o.baseURL.String(), renewable: o.tokenSource != nil, readOnly: o.readOnly, readAhead: o.readAhead}
	var err error
	c.transport, err = transport.New(transport.Config{
		HTTPClient:     o.httpClient,
		Origin:         o.baseURL,
		Header:         http.Header{"Accept": {mediaType}, "User-Agent": {o.userAgent}},
		Token:          source,
		Renewable:      o.tokenSource != nil,
		Policy:         transport.Policy(o.retry),
		AttemptTimeout: o.attemptTimeout,
		MaxBytes:       o.maxResponseBytes,
		Logger:         o.logger,
		Limiter:        o.limiter,
		Middleware:     o.middleware,
	})
	if err != nil {
		return nil, &ArgumentError{Arg: "middleware", Reason: err.Error()}
	}
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

// CloseIdleConnections closes the connections that no call is using: those of
// the transport of [WithHTTPClient], and otherwise those of all clients without
// that option, which share them. A client needs no clean-up, because connections
// that idle for 30 s are closed.
func (c *Client) CloseIdleConnections() { c.transport.CloseIdleConnections() }

// String names the client by its base URL.
func (c *Client) String() string { return "apono.Client(" + c.baseURL + ")" }
