// Package aponotest provides an in-memory Apono server for tests of programs that
// use package apono or call the API directly.
//
//	func TestRename(t *testing.T) {
//		server := aponotest.NewServer(t)
//		server.Put(aponotest.Integrations,
//			apono.Integration{ID: "i1", Name: "old", Type: "postgresql"})
//
//		require.NoError(t, rename(t.Context(), server.Client(), "i1", "new"))
//
//		var renamed apono.Integration
//		require.True(t, server.Get(aponotest.Integrations, "i1", &renamed))
//		require.Equal(t, "new", renamed.Name)
//	}
//
// The server implements every operation of the API. [Server.Put] adds objects,
// [Server.Get] and [List] read them, and [Server.Requests] returns the
// requests that the server received. The older versions of the API read and write
// the same objects. [WithDemoTenant] starts with the data of a fictitious company.
// [Start] starts a server for programs that are not tests, in any language.
//
// # Validation
//
// The server rejects invalid requests with a message that names the parameter or field:
//
//   - 422 for an unknown query parameter, an unknown or missing field of a body, or
//     a value of the wrong type
//   - 400 for a required string or list that is empty, a reference to an object that
//     does not exist, an access flow without requestors or targets, or an access
//     request that no access flow allows
//   - 409 for a name that is already in use
//
// It accepts anything else that the API's document allows. [WithLooseChecks] turns off
// most of the checks with status 400.
//
// # Pagination and errors
//
// [WithPageSize] and [WithOffsetPageSize] set small pages, to test that a program
// reads all of them. [Server.FaultNext] makes requests fail.
//
// # Access requests
//
// An access request is PENDING until [Server.Approve] or [Server.Reject] is called or
// the delay of [WithApprovalAfter] has passed. An approved request is GRANTING for the
// time of [WithProvisioningTime], then ACTIVE with a session for each integration,
// until it is revoked or its duration ends. [Server.Advance] moves the server's clock.
// In a testing/synctest bubble, with [WithoutNetwork], waiting takes no time.
//
// # Webhooks
//
// [WithWebhook] sends the events of Apono's webhooks to a program, and
// [WithWebhookHandler] calls a handler with them; see package
// [github.com/apono-go/apono/webhook].
//
// # Undocumented behavior
//
// The API does not document the bodies of errors, the spelling of states and the order
// of lists. Do not rely on how this server does it.
package aponotest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/operation"
)

// DefaultToken is the token that a server accepts without [WithToken].
const DefaultToken = "aponotest-token"

// Server is an in-memory Apono server. It implements [http.Handler] and is safe for
// concurrent use.
type Server struct {
	// URL is the base URL, for apono.WithBaseURL or APONO_ENDPOINT.
	URL string
	// Token is the token that the server accepts, see WithToken.
	Token string

	tb             testing.TB // nil for Start
	host           string
	port           int
	noNetwork      bool
	demo           bool
	seeds          [][]byte
	pageSize       int
	offsetPageSize int
	autoApproves   bool
	approval       time.Duration // from creation to approval, if autoApproves is set
	provisioning   time.Duration
	oneTimeDetails bool
	withoutSpaces  bool
	looseChecks    bool
	clock          func() time.Time
	http           http.Server
	webhooks       []webhook
	closing        context.Context // ends with the server
	close          context.CancelFunc

	mu       sync.Mutex
	ahead    time.Duration // sum of Advance
	present  time.Time     // time of the event being processed
	events   []event       // in order of time
	store    store
	faults   []*plannedFault
	requests record[Request]

	outbox     []func(context.Context) Delivery // events to be sent
	delivering bool                             // whether a goroutine sends them
	deliveries record[Delivery]
	delivered  chan struct{} // closed at the end of the next delivery; nil if nobody waits
}

// NewServer starts a server and stops it when the test ends. The test fails if the
// server cannot start, or if planned faults are left over at its end.
func NewServer(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	s, err := start(tb, opts)
	if err != nil {
		tb.Fatalf("aponotest: %v", err)
	}
	tb.Cleanup(func() {
		s.Close()
		s.checkFaults()
	})
	return s
}

// Start starts a server for a program that is not a test. The caller must call
// [Server.Close]. Methods that fail the test of [NewServer] panic instead.
func Start(opts ...Option) (*Server, error) { return start(nil, opts) }

// Close stops the server. Requests in flight and deliveries to webhooks fail.
func (s *Server) Close() {
	s.close()
	_ = s.http.Close()
}

// Client returns a client for the server. The options are applied after the
// server's own base URL and HTTP client. Each client has a separate connection pool.
func (s *Server) Client(opts ...apono.Option) *apono.Client {
	s.help()
	// A shared transport may hold connections that were opened outside a synctest
	// bubble.
	var transport http.RoundTripper = &http.Transport{MaxIdleConnsPerHost: 100, IdleConnTimeout: 30 * time.Second}
	if s.noNetwork {
		transport = direct{s}
	}
	own := []apono.Option{apono.WithBaseURL(s.URL), apono.WithHTTPClient(&http.Client{Transport: transport})}
	opts = append(own, opts...)
	client, err := apono.NewClient(s.Token, opts...)
	if invalid, ok := errors.AsType[*apono.ArgumentError](err); ok && invalid.Arg == "token" {
		client, err = apono.NewClient("", opts...) // with WithTokenSource
	}
	if err != nil {
		s.fail("%v", err)
	}
	if s.tb != nil {
		s.tb.Cleanup(client.CloseIdleConnections)
	}
	return client
}

// Request is a request that the server received.
type Request struct {
	// Operation is the name in package apono, such as "Integrations.List". It is
	// empty for a path that is not part of the API.
	Operation string
	Method    string
	Path      string // escaped, as sent
	Query     url.Values
	Header    http.Header
	Body      string
	Status    int // of the response; 0 if a fault prevented it
}

// Requests returns the requests that the server has received, in order. If
// operations are given, such as "Integrations.List", it returns only their requests. A
// server of [Start] keeps the last 10,000 requests.
func (s *Server) Requests(operations ...string) []Request {
	s.help()
	for _, name := range operations {
		s.mustKnow(name)
	}
	defer s.lock()()
	return slices.DeleteFunc(slices.Clone(s.requests.entries), func(r Request) bool {
		return len(operations) > 0 && !slices.Contains(operations, r.Operation)
	})
}

// Collection is the name of a collection of objects. See also [ResourcesOf],
// [PermissionsOf], [MembersOf], [SpaceMembersOf], [EntitlementsOf] and [DetailsOf].
type Collection string

// Collections of objects in the form that the newest version of the API returns:
// Integrations holds [apono.Integration], and so on. Attributes and Activity have no
// ID, so that [Server.Put] always adds to them.
const (
	Integrations Collection = "integrations"
	Catalog      Collection = "catalog" // apono.CatalogEntry, identified by its type
	Connectors   Collection = "connectors"
	Users        Collection = "users"
	Groups       Collection = "groups"
	Attributes   Collection = "attributes"
	AccessFlows  Collection = "access flows"
	Bundles      Collection = "bundles"
	Scopes       Collection = "scopes" // apono.AccessScope
	Spaces       Collection = "spaces"
	SpaceScopes  Collection = "space scopes"
	Reports      Collection = "reports" // apono.ActivityReport
	// AccessRequests with a grantee are returned as delegated requests. Those with a
	// requestor are returned only to requests that filter by requestor.
	AccessRequests Collection = "access requests"
	Sessions       Collection = "sessions" // apono.AccessSession
	// Activity holds apono.ActivityEntry with any columns. An entry may also have
	// access_flow_id, integration_id, requestor_id and date, which the filters use
	// and no response has.
	Activity Collection = "activity"
)

// ResourcesOf returns the collection of an integration's resources, of type
// [apono.Resource].
func ResourcesOf(integrationID string) Collection { return nested(integrationID, "resources") }

// PermissionsOf returns the collection of an integration's permissions, of type
// [apono.Permission].
func PermissionsOf(integrationID string) Collection { return nested(integrationID, "permissions") }

// MembersOf returns the collection of a group's members, of type
// [apono.GroupMember].
func MembersOf(groupID string) Collection { return nested(groupID, "members") }

// SpaceMembersOf returns the collection of a space's members, of type
// [apono.SpaceMember]. Their names are the current names of the users and groups.
func SpaceMembersOf(spaceID string) Collection { return nested(spaceID, spaceMembers) }

// EntitlementsOf returns the collection of an access request's entitlements, of type
// [apono.AccessRequestEntitlement]. They have no ID, so that [Server.Put] always adds.
func EntitlementsOf(requestID string) Collection { return nested(requestID, "entitlements") }

// DetailsOf returns the collection of a session's access details, of type
// [apono.AccessSessionDetails]. The API returns the object that was put last.
func DetailsOf(sessionID string) Collection { return nested(sessionID, "details") }

// Advance moves the server's clock forward by d and processes what is due by then:
// approvals (see [WithApprovalAfter]), provisioning (see [WithProvisioningTime]), and
// the end of access that was granted for a duration.
func (s *Server) Advance(d time.Duration) {
	s.help()
	if d < 0 {
		s.fail("d must not be negative, got %s", d)
	}
	defer s.lock()()
	s.ahead += d
	s.processEvents()
}

// Approve approves a pending access request. Its status becomes GRANTING, and
// ACTIVE after the time of [WithProvisioningTime]. A session with access details is
// then added for each integration of the request. Approve fails the test if the
// request does not exist or is not pending.
func (s *Server) Approve(requestID string) {
	s.help()
	defer s.lock()()
	s.mustBePending(requestID)
	s.approve(requestID)
}

// Reject rejects a pending access request. It fails the test if the request does
// not exist or is not pending.
func (s *Server) Reject(requestID string) {
	s.help()
	defer s.lock()()
	s.mustBePending(requestID)
	s.setStatus(requestID, rejected)
	s.announceRequest(rejectedEvent, requestID)
}

// Fail makes the provisioning of an access request fail. It fails the test if the
// request does not exist or is neither pending nor being granted.
func (s *Server) Fail(requestID string) {
	s.help()
	defer s.lock()()
	if !s.hasStatus(requestID, granting) {
		s.mustBePending(requestID)
	}
	s.setStatus(requestID, failed)
	s.announceRequest(failedEvent, requestID)
}

// Put adds objects to a collection and replaces objects with the same ID. An object is
// a model of package apono, a map, raw JSON ([json.RawMessage] or []byte), or any other
// value that marshals to the JSON that the API returns.
//
// Put generates an ID for an object without one. Raw JSON and the Extra field of a
// model may have unknown fields, which are returned unchanged. Put fails the test if
// the collection is unknown, belongs to an object that does not exist, such as the
// members of a group, or if an object does not have the form that the API documents.
func (s *Server) Put(c Collection, objects ...any) {
	s.help()
	defer s.lock()()
	if err := s.put(c, objects); err != nil {
		s.fail("%v", err)
	}
}

// List returns the objects of a collection in the order in which they were added,
// decoded as the type that the API returns:
//
//	for _, group := range aponotest.List[apono.Group](server, aponotest.Groups) {
//		...
//
// It fails the test if the collection is unknown.
func List[T any](s *Server, c Collection) []*T {
	s.help()
	s.mustHave(c)
	defer s.lock()()
	list := []*T{}
	for _, e := range s.store.objects[c] {
		item := new(T)
		if err := s.decode(e.object, item); err != nil {
			s.fail("%s: %v", c, err)
		}
		list = append(list, item)
	}
	return list
}

// Get decodes the object with an ID into out, which must be a pointer, and reports
// whether the object exists. If it does not, out is unchanged. Get fails the test if
// the collection is unknown.
func (s *Server) Get(c Collection, id string, out any) bool {
	s.help()
	s.mustHave(c)
	defer s.lock()()
	found := s.store.get(c, id)
	if found == nil {
		return false
	}
	if err := s.decode(found, out); err != nil {
		s.fail("%s %s: %v", c, id, err)
	}
	return true
}

func start(tb testing.TB, opts []Option) (*Server, error) {
	s := &Server{Token: DefaultToken, tb: tb, host: "127.0.0.1", store: newStore(), clock: time.Now}
	s.closing, s.close = context.WithCancel(context.Background())
	for _, opt := range opts {
		opt(s)
	}
	if s.demo {
		s.seedDemo()
	}
	for _, seed := range s.seeds {
		if err := s.putSeed(seed); err != nil {
			return nil, fmt.Errorf("seed: %w", err)
		}
	}
	if s.noNetwork {
		s.URL = "http://localhost"
		return s, nil
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort(s.host, strconv.Itoa(s.port)))
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	s.URL = "http://" + net.JoinHostPort(host, port)
	s.http.Handler = s
	s.http.ReadHeaderTimeout = time.Minute
	go func() { _ = s.http.Serve(listener) }()
	return s, nil
}

func (s *Server) help() {
	if s.tb != nil {
		s.tb.Helper()
	}
}

// fail fails the test, or panics in a program that is not a test.
func (s *Server) fail(format string, args ...any) {
	s.help()
	if s.tb == nil {
		panic(fmt.Sprintf("aponotest: "+format, args...))
	}
	s.tb.Fatalf("aponotest: "+format, args...)
}

// ServeHTTP handles one request, as [http.Handler] documents.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client closed the connection
	}
	path := r.URL.EscapedPath()
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet // HTTP servers respond to HEAD as to GET, without the body
	}
	op := operation.Match(method, path)
	recorded := Request{Method: r.Method, Path: path, Query: r.URL.Query(), Header: r.Header.Clone(), Body: string(body)}
	if op != nil {
		recorded.Operation = op.Name
	}
	fault := s.nextFault(op)
	if !fault.wait(r.Context()) {
		s.record(recorded)
		return
	}
	if fault.Break == RequestLost {
		s.record(recorded)
		abort(w)
		return
	}
	response := s.respond(fault, op, r, recorded)
	if r.Method == http.MethodHead && len(response.body) > 0 {
		response.header.Set("Content-Length", strconv.Itoa(len(response.body)))
		response.body = nil
	}
	fault.send(w, response)
}
