package aponotest

import "time"

// Option configures a [Server].
type Option func(*Server)

// WithToken sets the token that the server accepts. The default is [DefaultToken].
func WithToken(token string) Option { return func(s *Server) { s.Token = token } }

// WithPageSize limits the pages of lists with page tokens to a number of items, even
// if a request has a higher limit. By default, a page has as many items as the limit
// of the request, or 100.
func WithPageSize(items int) Option { return func(s *Server) { s.pageSize = items } }

// WithOffsetPageSize limits the pages of offset lists to a number of items and enables
// the query parameters skip and limit. By default, offset lists return all items in
// one page and reject the parameters that the API does not document.
func WithOffsetPageSize(items int) Option { return func(s *Server) { s.offsetPageSize = items } }

// WithDemoTenant adds the data of a fictitious company: 273 integrations of ten types
// with resources and permissions, connectors, 100 users, groups, attributes, bundles,
// access flows, two spaces, access requests, and two months of activity. The data is
// the same in every run.
func WithDemoTenant() Option { return func(s *Server) { s.demo = true } }

// WithSeed adds objects from a JSON object whose fields are lists named after a
// [Collection], for example:
//
//	{
//		"groups": [{"id": "g1", "name": "On call"}],
//		"members of g1": [{"email": "ada@example.com"}]
//	}
//
// The objects are added after those of [WithDemoTenant]. An object that [Server.Put]
// would reject makes [Start] return an error and fails the test of [NewServer].
func WithSeed(data []byte) Option { return func(s *Server) { s.seeds = append(s.seeds, data) } }

// WithApprovalAfter approves each access request that is created through the API
// after a wait on the server's clock. By default, access requests are pending until
// [Server.Approve] or [Server.Reject] is called.
func WithApprovalAfter(wait time.Duration) Option {
	return func(s *Server) { s.autoApproves, s.approval = true, wait }
}

// WithProvisioningTime sets how long an access request is GRANTING before it is ACTIVE
// and REVOKING before it is REVOKED, and how long credentials are RESETTING before
// they are AVAILABLE. The default is 0.
func WithProvisioningTime(d time.Duration) Option { return func(s *Server) { s.provisioning = d } }

// WithOneTimeDetails returns the access details of a session only once. A second read
// returns 404 until the credentials are reset.
func WithOneTimeDetails() Option { return func(s *Server) { s.oneTimeDetails = true } }

// WithoutSpaces selects the API of April 2026, before it had spaces. The server returns
// 404 for the operations of spaces and ignores their query parameters and unknown
// fields of bodies. Responses lack the fields that were added with spaces, among them
// the type of a flow's requestors, query targets and descriptions of bundles.
func WithoutSpaces() Option { return func(s *Server) { s.withoutSpaces = true } }

// WithLooseChecks makes the server accept requests of the right form that the API is
// likely to reject: empty strings and lists, references to connectors, users and groups
// that do not exist, access requests that no access flow allows, and page tokens with
// other filters. It is meant for tests whose requests have placeholder values.
//
// The server still rejects names that are in use and references that a response
// shows by name.
func WithLooseChecks() Option { return func(s *Server) { s.looseChecks = true } }

// WithClock sets the server's clock. The default is [time.Now]. See also
// [Server.Advance].
func WithClock(now func() time.Time) Option { return func(s *Server) { s.clock = now } }

// WithPort sets the port that the server listens on. By default, the system chooses a
// free port.
func WithPort(port int) Option { return func(s *Server) { s.port = port } }

// WithHost sets the host name or address that the server listens on, such as "0.0.0.0" in
// a container. The default is 127.0.0.1. Whoever reaches it can use the server.
func WithHost(host string) Option { return func(s *Server) { s.host = host } }

// WithoutNetwork creates a server that does not listen on a port. The clients of
// [Server.Client] call it directly. Such a server can be used inside a testing/synctest
// bubble, where the server uses the bubble's clock and waiting takes no time.
func WithoutNetwork() Option { return func(s *Server) { s.noNetwork = true } }
