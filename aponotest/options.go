package aponotest

import "time"

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

// WithSeed puts objects into the server from a JSON object of lists by the name of
// their [Collection]: {"groups": [{"id": "g1", "name": "On call"}], "members of g1":
// [{"email": "ada@example.com"}]}. They come on top of [WithDemoTenant]. A seed that
// [Server.Put] would not take is an error of [Start], and fails the test of
// [NewServer].
func WithSeed(data []byte) Option { return func(s *Server) { s.seeds = append(s.seeds, data) } }

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

// WithLooseChecks has the server accept requests that are well formed and make no
// sense: empty texts and lists, references to connectors and people that it does
// not have, requests for access that no access flow allows, page tokens with other
// filters. It is for tests of something else whose requests are made up; a program
// that needs it is likely to be rejected by the API. References that a response
// has to resolve, and names that are taken, are rejected nevertheless.
func WithLooseChecks() Option { return func(s *Server) { s.looseChecks = true } }

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
