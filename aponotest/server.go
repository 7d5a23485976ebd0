// Package aponotest is a fake Apono for the tests of programs that use package
// apono, or that speak to the API by themselves.
//
//	func TestRename(t *testing.T) {
//		server := aponotest.NewServer(t)
//		server.Put(aponotest.Integrations, apono.Integration{ID: "i1", Name: "old", Type: "postgresql"})
//
//		if err := rename(t.Context(), server.Client(), "i1", "new"); err != nil {
//			t.Fatal(err)
//		}
//		var renamed apono.Integration
//		if !server.Get(aponotest.Integrations, "i1", &renamed) || renamed.Name != "new" {
//			t.Fatalf("the integration is %+v", renamed)
//		}
//	}
//
// # State
//
// The server knows every operation of the API and keeps what it is told in
// memory. [Server.Put] adds objects in the form in which the API answers them,
// models of package apono or JSON of one's own, to a [Collection]; [Server.Get]
// looks at one. Objects refer to each other: a reference by id or name is
// answered as the id and the name of the real object, and refused if there is
// none. The older versions of the API are views of the same objects.
// [WithDemoTenant] fills the server with a made-up company.
//
// # Requests
//
// The server is as strict as it can be: an unknown query parameter, an unknown
// or missing member of a body, and a value of the wrong type are refused with a
// message that names it, with status 422. [Server.Requests] tells what was asked,
// which is how a test sees that something was sent once, or not at all.
//
// # Pages
//
// [WithPageSize] has lists come in small pages, so that a program that forgets
// to ask for the next one fails its test. Page tokens carry the filters, as in
// the API. Lists by offset answer everything at once unless
// [WithOffsetPageSize] is given.
//
// # Faults
//
// [Server.FailNext] answers the next requests of an operation with a status, and
// [Server.FaultNext] makes them slow, loses them, loses or cuts their answer, or
// changes its header:
//
//	server.FailNext("Integrations.List", 2, http.StatusServiceUnavailable, nil, "")
//	server.FaultNext("AccessRequests.Create", 1, aponotest.Fault{Break: aponotest.AnswerLost})
//
// # Time
//
// An access request is PENDING until [Server.Approve], [Server.Reject] or, with
// [WithApprovalAfter], the server's clock decides. Then it is GRANTING for the
// time of [WithProvisioningTime], and ACTIVE until it is revoked or its duration
// ends. With the grant, sessions appear, whose access details may be read, with
// [WithOneTimeDetails] once; and activity tells what happened. [Server.Advance]
// moves the clock. Where a program waits by itself, a testing/synctest bubble
// makes that take no time, with a server that needs no network:
//
//	synctest.Test(t, func(t *testing.T) {
//		server := aponotest.NewServer(t, aponotest.WithoutNetwork(), aponotest.WithApprovalAfter(time.Hour))
//		client := server.Client()
//		...
//		request, err := client.AccessRequests.WaitFor(t.Context(), id, apono.UntilGranted) // an hour later
//	})
//
// # Other programs
//
// [Start] serves programs that are no tests, and [Server.URL] with
// [Server.Token] clients in any language. A server is an http.Handler too.
//
// # What is not known
//
// The API's document says nothing about the bodies of errors but that of a 401,
// the spelling of states, the limits of pages, or the order of lists. The fake
// has to choose; a program should not depend on its choices.
package aponotest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
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

	tb             testing.TB
	port           int
	noNetwork      bool
	demo           bool
	pageSize       int
	offsetPageSize int
	decides        bool // requests are approved by themselves, after ...
	approval       time.Duration
	provisioning   time.Duration
	oneTimeDetails bool
	withoutSpaces  bool
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

// Option configures a [Server].
type Option func(*Server)

// WithToken sets the token that the server accepts, [DefaultToken] otherwise.
func WithToken(token string) Option { return func(s *Server) { s.Token = token } }

// WithPageSize limits the pages of lists with page tokens to a number of items,
// whatever limit a request asks for. Without it a page holds what the request
// asks for, 100 items by default.
func WithPageSize(items int) Option { return func(s *Server) { s.pageSize = items } }

// WithOffsetPageSize has lists by offset answer in pages of at most a number of
// items and heed the query parameters skip and limit. Without it such lists
// answer everything at once and refuse parameters that the API does not
// document.
func WithOffsetPageSize(items int) Option { return func(s *Server) { s.offsetPageSize = items } }

// WithDemoTenant fills the server with a made-up company: 273 integrations of
// ten types with resources and permissions, connectors, 100 users, groups,
// attributes, bundles, access flows, two spaces, requests, and two months of
// activity. It is the same every time.
func WithDemoTenant() Option { return func(s *Server) { s.demo = true } }

// WithApprovalAfter has access requests approved by themselves, so long after
// they were made through the API, on the server's clock. Without it they stay
// pending until [Server.Approve] or [Server.Reject].
func WithApprovalAfter(wait time.Duration) Option {
	return func(s *Server) { s.decides, s.approval = true, wait }
}

// WithProvisioningTime sets how long it takes to carry out what the API orders
// in the systems behind it: a request is GRANTING so long before it is ACTIVE and
// REVOKING before it is REVOKED, and credentials are RESETTING before they are
// AVAILABLE. Without it all of that happens at once.
func WithProvisioningTime(d time.Duration) Option { return func(s *Server) { s.provisioning = d } }

// WithOneTimeDetails has the access details of a session given out once: the
// second read finds nothing, until the credentials are reset.
func WithOneTimeDetails() Option { return func(s *Server) { s.oneTimeDetails = true } }

// WithoutSpaces has the server behave like one of April 2026, before the API had
// spaces. It returns 404 for their operations, ignores unknown members of bodies
// and the query parameters for spaces, and leaves out of its responses what came
// with spaces: the type of a flow's requestors, targets by query, and descriptions
// of bundles are among it.
func WithoutSpaces() Option { return func(s *Server) { s.withoutSpaces = true } }

// WithClock sets the server's clock, time.Now unless given. See
// [Server.Advance] too.
func WithClock(now func() time.Time) Option { return func(s *Server) { s.clock = now } }

// WithPort sets the port that the server listens on; one that is free unless
// given.
func WithPort(port int) Option { return func(s *Server) { s.port = port } }

// WithoutNetwork has the server listen nowhere: the clients of [Server.Client]
// call it directly. It can then be made and used inside a testing/synctest
// bubble, where the waits of retries and of WaitFor take no time and the
// server's clock is the bubble's.
func WithoutNetwork() Option { return func(s *Server) { s.noNetwork = true } }

// NewServer starts a server that stops with the test.
func NewServer(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	s, err := start(tb, opts)
	if err != nil {
		tb.Fatalf("aponotest: %v", err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Start starts a server for a program that is no test. The caller closes it.
func Start(opts ...Option) (*Server, error) { return start(nil, opts) }

func start(tb testing.TB, opts []Option) (*Server, error) {
	s := &Server{Token: DefaultToken, tb: tb, store: newStore(), clock: time.Now}
	for _, opt := range opts {
		opt(s)
	}
	if s.demo {
		s.seedDemo()
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
	// Operation is the operation's name, such as "Integrations.List", empty if
	// the address is none of the API.
	Operation string
	// Method is the HTTP method.
	Method string
	// Path is the path as it was sent, escaped.
	Path string
	// Query are the query parameters.
	Query url.Values
	// Header is the request's header.
	Header http.Header
	// Body is the request's body.
	Body string
	// Status is what the server answered, 0 if a fault kept it from answering.
	Status int
}

// Requests returns the requests that the server has answered, in order. Given
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

func (s *Server) record(r Request) {
	defer s.lock()()
	s.requests = append(s.requests, r)
}

// answer carries one request out, unless a fault stands in its place, and
// records it.
func (s *Server) answer(fault Fault, op *operation.Operation, r *http.Request, recorded Request) reply {
	defer s.lock()()
	answer := reply{status: fault.Status, body: []byte(fault.Body)}
	if fault.Status == 0 {
		answer = s.carryOut(op, r, []byte(recorded.Body))
		if fault.Body != "" {
			answer.body = []byte(fault.Body)
			if answer.status == http.StatusNoContent {
				answer.status = http.StatusOK // the other has no body
			}
		}
	}
	if answer.header == nil {
		answer.header = http.Header{}
	}
	recorded.Status = answer.status
	s.requests = append(s.requests, recorded)
	answer.header.Set("X-Request-Id", fmt.Sprintf("fake-%d", len(s.requests)))
	return answer
}

func (s *Server) carryOut(op *operation.Operation, r *http.Request, body []byte) reply {
	status, value := s.handle(op, r, body)
	if value == nil {
		return reply{status: status}
	}
	text, err := json.Marshal(value)
	if err != nil {
		return reply{status: http.StatusInternalServerError, body: []byte(err.Error())}
	}
	return reply{status, http.Header{"Content-Type": {"application/json"}}, text}
}

func (s *Server) handle(op *operation.Operation, r *http.Request, body []byte) (int, any) {
	if r.Header.Get("Authorization") != "Bearer "+s.Token {
		return http.StatusUnauthorized, object{"status": "401", "code": "Unauthorized"}
	}
	if op != nil && s.withoutSpaces {
		if _, isNew := spaceRoutes[op.Name]; isNew {
			op = nil
		}
	}
	if op == nil {
		return problem{http.StatusNotFound, "", "there is no operation " + r.Method + " " + r.URL.Path}.answer()
	}
	route, ok := routes[op.Name]
	if !ok {
		return problem{http.StatusNotImplemented, "", "the fake does not know " + op.Name}.answer()
	}
	req, err := s.parse(op, route, r, body)
	if err != nil {
		return err.answer()
	}
	value, err := route.handle(s, req)
	switch {
	case err != nil:
		return err.answer()
	case value == nil:
		return http.StatusNoContent, nil
	}
	return http.StatusOK, value
}

// request is a request that was found to be well formed.
type request struct {
	args  []string
	query url.Values
	body  object
	list  []any // of a body that is an array
}

// route says what an operation takes and what it does. A handler that returns
// neither an object nor a problem answers 204.
type route struct {
	query  params
	body   *schema
	handle func(*Server, *request) (any, *problem)
}

// routes are the operations that the fake knows, by name.
var routes = collect(integrationRoutes, accessFlowRoutes, reportRoutes, activityRoutes, peopleRoutes, connectorRoutes, accessRequestRoutes, legacyRoutes, spaceRoutes)

func collect(resources ...map[string]route) map[string]route {
	all := map[string]route{}
	for _, routes := range resources {
		maps.Copy(all, routes)
	}
	return all
}

func (s *Server) parse(op *operation.Operation, route route, r *http.Request, body []byte) (*request, *problem) {
	req := &request{query: r.URL.Query()}
	for _, arg := range op.Args(r.URL.EscapedPath()) {
		text, err := url.PathUnescape(arg)
		if err != nil {
			return nil, &problem{http.StatusBadRequest, "", "the path is not escaped well"}
		}
		req.args = append(req.args, text)
	}
	if s.withoutSpaces {
		for _, name := range spaceParams {
			req.query.Del(name)
		}
	}
	if err := route.query.check(req.query, s.offsetPageSize > 0); err != nil {
		return nil, err
	}
	if route.body == nil {
		if len(bytes.TrimSpace(body)) > 0 {
			return nil, invalid("", "the operation takes no body")
		}
		return req, nil
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return nil, &problem{http.StatusUnsupportedMediaType, "", "the body must be application/json"}
	}
	value, err := parseJSON(body)
	if err != nil {
		return nil, &problem{http.StatusBadRequest, "", "the body is not JSON: " + err.Error()}
	}
	form := route.body
	if s.withoutSpaces {
		form = form.older()
		form.forget(value, true)
	}
	if err := form.check("", value); err != nil {
		return nil, err
	}
	req.body, _ = value.(object)
	req.list, _ = value.([]any)
	return req, nil
}

// parseJSON decodes JSON with its numbers kept to the letter.
func parseJSON(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return value, nil
}

// problem is an answer that refuses. The API documents no shape for these but
// for the 401; the fake's names the field.
type problem struct {
	status  int
	field   string
	message string
}

func invalid(field, format string, args ...any) *problem {
	return &problem{http.StatusUnprocessableEntity, field, fmt.Sprintf(format, args...)}
}

func notFound(what, id string) *problem {
	return &problem{http.StatusNotFound, "", fmt.Sprintf("there is no %s %q", what, id)}
}

func (p problem) answer() (int, any) {
	if p.field == "" {
		return p.status, object{"message": p.message}
	}
	return p.status, object{"message": p.field + ": " + p.message, "field": p.field}
}

// now is the present in the API's form.
func (s *Server) now() string { return s.moment.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

func (s *Server) mustKnow(name string) {
	s.help()
	if operation.Lookup(name) == nil {
		s.fail("there is no operation %q: name it as in package apono, such as \"Integrations.List\"", name)
	}
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
