// Package aponotest is a fake Apono for the tests of programs that use package
// apono, or that speak to the API by themselves.
//
//	func TestRename(t *testing.T) {
//		server := aponotest.NewServer(t)
//		server.Put(aponotest.Integrations, apono.Integration{ID: "i1", Name: "old", Type: "postgresql"})
//
//		require.NoError(t, rename(t.Context(), server.Client(), "i1", "new"))
//
//		var renamed apono.Integration
//		require.True(t, server.Get(aponotest.Integrations, "i1", &renamed))
//		require.Equal(t, "new", renamed.Name)
//	}
//
// The server serves every operation of the API from memory. [Server.Put] adds
// objects, [Server.Get] and [Server.List] read them back, [Server.Requests] returns what was
// requested. Objects refer to each other, and the older versions of the API are
// views of the same objects. [WithDemoTenant] starts with a made-up company.
//
// Requests are checked: an unknown query parameter, an unknown or missing member
// of a body and a value of the wrong type are rejected with status 422 and a
// message that names it; an empty required text or list, an access flow without
// requestors or targets, a reference to nothing, and a request for access that
// the access flows do not permit with status 400, and a name that is taken with
// 409. What the API does not document is accepted. [WithPageSize] and [WithOffsetPageSize] find programs
// that read the first page only; [Server.FailNext] and [Server.FaultNext] make
// requests fail.
//
// An access request is PENDING until [Server.Approve], [Server.Reject] or the
// clock ([WithApprovalAfter]) decides, GRANTING for the time of
// [WithProvisioningTime], then ACTIVE with a session for each integration, until
// it is revoked or its duration ends. [Server.Advance] moves the clock. In a
// testing/synctest bubble, with [WithoutNetwork], waiting takes no time.
//
// [Start] serves programs that are not tests, in any language. What the API does
// not document (bodies of errors, the spelling of states, the order of lists),
// the fake chooses; programs should not depend on it.
package aponotest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/operation"
)

// DefaultToken is the token that a server accepts unless [WithToken] says
// otherwise.
const DefaultToken = "aponotest-token"

// Server is a fake Apono. It is safe for concurrent use. It is an http.Handler
// too, for tests that want no network.
type Server struct {
	// URL is the server's base URL, for apono.WithBaseURL or APONO_ENDPOINT.
	URL string
	// Token is the token that the server accepts.
	Token string

	tb             testing.TB // nil for Start
	port           int
	noNetwork      bool
	demo           bool
	seeds          [][]byte
	pageSize       int
	offsetPageSize int
	decides        bool // requests are approved by themselves, after ...
	approval       time.Duration
	provisioning   time.Duration
	oneTimeDetails bool
	withoutSpaces  bool
	looseChecks    bool
	clock          func() time.Time
	http           http.Server

	mu       sync.Mutex
	ahead    time.Duration // of the clock, by Advance
	moment   time.Time     // what is happening now
	agenda   []due
	store    store
	faults   []*plannedFault
	requests []Request
}

// NewServer starts a server that stops with the test.
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

// Start starts a server for a program that is no test. The caller closes it.
func Start(opts ...Option) (*Server, error) { return start(nil, opts) }

// Close stops the server. Requests that are under way fail.
func (s *Server) Close() { _ = s.http.Close() }

// Client returns a client of the server, with connections of its own. Options
// come after the server's own base URL and HTTP client.
func (s *Server) Client(opts ...apono.Option) *apono.Client {
	s.help()
	// Of its own, because one that is shared with clients elsewhere may hold
	// connections that were opened outside a synctest bubble.
	var transport http.RoundTripper = &http.Transport{MaxIdleConnsPerHost: 100, IdleConnTimeout: 30 * time.Second}
	if s.noNetwork {
		transport = direct{s}
	}
	own := []apono.Option{apono.WithBaseURL(s.URL), apono.WithHTTPClient(&http.Client{Transport: transport})}
	client, err := apono.NewClient(s.Token, append(own, opts...)...)
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
	// Operation is the name in package apono, such as "Integrations.List", empty
	// for an address that is not part of the API.
	Operation string
	Method    string
	Path      string // escaped, as it was sent
	Query     url.Values
	Header    http.Header
	Body      string
	Status    int // of the response, 0 if a fault prevented one
}

// Requests returns the requests that the server has received, in order. Given
// names of operations, it returns the requests for those only.
func (s *Server) Requests(operations ...string) []Request {
	s.help()
	for _, name := range operations {
		s.mustKnow(name)
	}
	defer s.lock()()
	return slices.DeleteFunc(slices.Clone(s.requests), func(r Request) bool {
		return len(operations) > 0 && !slices.Contains(operations, r.Operation)
	})
}

// Collection names a kind of objects that a server holds.
type Collection string

// The collections of whole objects, in the form in which the newest version of
// the API returns them: Integrations hold apono.Integration, and so on. Attributes
// and Activity have no id, so that Put always adds to them.
const (
	Integrations Collection = "integrations"
	Catalog      Collection = "catalog" // apono.CatalogEntry, by type
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
	// AccessRequests with a grantee are returned as delegated requests, and those
	// with a requestor only where a requestor is asked for.
	AccessRequests Collection = "access requests"
	Sessions       Collection = "sessions" // apono.AccessSession
	// Activity holds apono.ActivityEntry, with any of the columns that the API can
	// be asked for. For the filters a row may have access_flow_id, integration_id,
	// requestor_id and date besides, none of which is returned.
	Activity Collection = "activity"
)

// ResourcesOf is the collection of an integration's resources, such as
// apono.Resource.
func ResourcesOf(integrationID string) Collection { return nested(integrationID, "resources") }

// PermissionsOf is the collection of an integration's permissions, such as
// apono.Permission.
func PermissionsOf(integrationID string) Collection { return nested(integrationID, "permissions") }

// MembersOf is the collection of a group's members, such as apono.GroupMember.
func MembersOf(groupID string) Collection { return nested(groupID, "members") }

// SpaceMembersOf is the collection of a space's members, such as
// apono.SpaceMember. Members show the names that their users and groups have.
func SpaceMembersOf(spaceID string) Collection { return nested(spaceID, spaceMembers) }

// EntitlementsOf is the collection of an access request's entitlements, such as
// apono.AccessRequestEntitlement. They have no id, so that Put always adds.
func EntitlementsOf(requestID string) Collection { return nested(requestID, "entitlements") }

// DetailsOf is the collection of a session's access details, one object such as
// apono.AccessSessionDetails.
func DetailsOf(sessionID string) Collection { return nested(sessionID, "details") }

// Advance moves the server's clock forward, on top of the time that passes.
// What falls due on the way happens: see [WithApprovalAfter] and
// [WithProvisioningTime]. Access that was requested for a time ends with it.
func (s *Server) Advance(d time.Duration) {
	s.help()
	if d < 0 {
		s.fail("the clock cannot go back by %s", -d)
	}
	defer s.lock()()
	s.ahead += d
	s.settle()
}

// Approve lets an access request that is pending go on to be granted, as an
// approver would: its status becomes GRANTING, and ACTIVE after the time of
// [WithProvisioningTime]. For each integration of the request a session appears,
// with access details.
func (s *Server) Approve(requestID string) {
	s.help()
	defer s.lock()()
	s.mustBePending(requestID)
	s.approve(requestID)
}

// Reject rejects an access request that is pending.
func (s *Server) Reject(requestID string) {
	s.help()
	defer s.lock()()
	s.mustBePending(requestID)
	s.setStatus(requestID, rejected)
}

// Put adds objects to a collection, or replaces those with the same id. An object
// is anything that marshals to the JSON in which the API returns it: a model of
// package apono, a map, or raw JSON as a json.RawMessage or []byte. Raw JSON, and
// Extra of a model, may have members that this version does not know: they are
// returned as they are. An empty id is generated. An object that the API could not
// return fails the test.
func (s *Server) Put(c Collection, objects ...any) {
	s.help()
	defer s.lock()()
	if err := s.put(c, objects); err != nil {
		s.fail("%v", err)
	}
}

// List returns the objects that a collection holds now, in the order in which they
// came, as pointers to models of package apono:
//
//	for _, o := range server.List(aponotest.Groups) {
//		group := o.(*apono.Group)
//		...
func (s *Server) List(c Collection) []any {
	s.help()
	newModel, ok := models[c.kind()]
	if !ok {
		s.fail("there is no collection %q", c)
	}
	defer s.lock()()
	list := []any{}
	for _, e := range s.store.objects[c] {
		model := newModel()
		if err := s.decode(e.object, model); err != nil {
			s.fail("%s: %v", c, err)
		}
		list = append(list, model)
	}
	return list
}

// Get decodes the object with an id into out, a pointer, and reports whether
// there is one.
func (s *Server) Get(c Collection, id string, out any) bool {
	s.help()
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
	s := &Server{Token: DefaultToken, tb: tb, store: newStore(), clock: time.Now}
	for _, opt := range opts {
		opt(s)
	}
	if s.demo {
		s.seedDemo()
	}
	for _, seed := range s.seeds {
		if err := s.plant(seed); err != nil {
			return nil, fmt.Errorf("the seed: %w", err)
		}
	}
	if s.noNetwork {
		s.URL = "http://localhost"
		return s, nil
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
	if err != nil {
		return nil, err
	}
	s.URL = "http://" + listener.Addr().String()
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

// fail reports a mistake of the program that uses the server.
func (s *Server) fail(format string, args ...any) {
	s.help()
	if s.tb == nil {
		panic(fmt.Sprintf("aponotest: "+format, args...))
	}
	s.tb.Fatalf("aponotest: "+format, args...)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away
	}
	path := r.URL.EscapedPath()
	op := operation.Match(r.Method, path)
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
	fault.send(w, s.answer(fault, op, r, recorded))
}
