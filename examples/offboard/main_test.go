package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { process.Main(m, main) }

var (
	ada = &apono.IdentityRef{ID: "u1", SourceID: "Ada@example.com"}
	ben = &apono.IdentityRef{ID: "u2", SourceID: "ben@example.com"}
)

// newServer returns a server with two users: Ada, who is to be offboarded and has
// requests of every status, and Ben.
func newServer(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, opts...)
	server.Put(aponotest.Users, apono.User{ID: "u2", Email: "ben@example.com", EmailAliases: []string{"ada@example.com"}}, apono.User{ID: "u1", Email: "Ada@example.com"})
	server.Put(aponotest.Groups, apono.Group{ID: "g1", Name: "orders"}, apono.Group{ID: "g2", Name: "people"},
		apono.Group{ID: "g3", Name: "everybody", SourceIntegrationID: new("okta-1"), SourceIntegrationName: new("Okta")},
		apono.Group{ID: "g4", Name: "search"})
	server.Put(aponotest.MembersOf("g1"), apono.GroupMember{Email: "ben@example.com"}, apono.GroupMember{Email: "ADA@example.com"})
	server.Put(aponotest.MembersOf("g2"), apono.GroupMember{Email: "ben@example.com"})
	server.Put(aponotest.MembersOf("g3"), apono.GroupMember{Email: "ada@example.com"})
	server.Put(aponotest.MembersOf("g4"), apono.GroupMember{Email: "ada@example.com"})
	server.Put(aponotest.Spaces, apono.Space{ID: "s1", Name: "Payments"}, apono.Space{ID: "s2", Name: "Shop floor"}, apono.Space{ID: "s3", Name: "Ledger"})
	server.Put(aponotest.SpaceMembersOf("s1"),
		apono.SpaceMember{IdentityID: "u2", IdentityType: "user", Email: new("ben@example.com")},
		apono.SpaceMember{IdentityID: "u1", IdentityType: "user", Email: new("Ada@example.com")})
	server.Put(aponotest.SpaceMembersOf("s2"),
		apono.SpaceMember{IdentityID: "g1", IdentityType: "group", Name: "orders"},
		apono.SpaceMember{IdentityID: "u9", IdentityType: "user", Email: new("ada@example.com")})
	server.Put(aponotest.SpaceMembersOf("s3"), apono.SpaceMember{IdentityID: "g9", IdentityType: "group", Name: "ada@example.com"})
	for _, status := range []apono.AccessRequestStatus{"ACTIVE", "Granted", "PENDING", "PENDING_MFA", "REJECTED", "FAILED", "REVOKED", "EXPIRED", "REVOKING", "HALF_OPEN"} {
		server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: "own-" + string(status), Status: status, Requestor: ada,
			AccessGroups: []apono.AccessGroup{
				{Integration: apono.Ref{ID: "i1", Name: "db"}, ResourceTypes: []apono.ResourceType{}},
				{Integration: apono.Ref{ID: "i2", Name: "k8s"}, ResourceTypes: []apono.ResourceType{}},
			}})
	}
	server.Put(aponotest.AccessRequests,
		apono.AccessRequest{ID: "of-ben", Status: "ACTIVE", Requestor: ben},
		apono.AccessRequest{ID: "for-ada", Status: "ACTIVE", Requestor: ben, Grantee: &apono.IdentityRef{ID: "u1", SourceID: "Ada@example.com"},
			Bundle: &apono.Ref{ID: "b1", Name: "On call"}},
		apono.AccessRequest{ID: "for-ada-over", Status: "REVOKED", Requestor: ben, Grantee: &apono.IdentityRef{ID: "u1", SourceID: "Ada@example.com"}},
		apono.AccessRequest{ID: "for-ben", Status: "ACTIVE", Requestor: ada, Grantee: &apono.IdentityRef{ID: "u2", SourceID: "ben@example.com"}})
	return server
}

// changes returns the requests other than GET.
func changes(server *aponotest.Server) []string {
	list := []string{}
	for _, request := range server.Requests() {
		if request.Method != "GET" {
			list = append(list, request.Method+" "+request.Path)
		}
	}
	return list
}

// everything lists the requests of a complete run for Ada.
var everything = []string{
	"DELETE /api/admin/v1/groups/g1/members/ADA@example.com",
	"DELETE /api/admin/v1/groups/g4/members/ada@example.com",
	"DELETE /api/admin/v1/spaces/s1/members/u1",
	"DELETE /api/admin/v1/spaces/s2/members/u9",
	"POST /api/user/v4/access-requests/own-ACTIVE/revoke",
	"POST /api/user/v4/access-requests/own-Granted/revoke",
	"POST /api/user/v4/access-requests/own-PENDING/revoke",
	"POST /api/user/v4/access-requests/own-PENDING_MFA/revoke",
	"POST /api/user/v4/access-requests/own-HALF_OPEN/revoke",
	"POST /api/user/v4/access-requests/for-ada/revoke",
}

func TestDryRunChangesNothing(t *testing.T) {
	t.Parallel()
	server := newServer(t, aponotest.WithPageSize(2))
	require.Equal(t, process.Result{
		Stdout: "not removed: ada@example.com in group everybody, which is managed in Okta\n" +
			"would remove ADA@example.com from group orders\n" +
			"would remove ada@example.com from group search\n" +
			"would remove Ada@example.com from space Payments\n" +
			"would remove ada@example.com from space Shop floor\n" +
			"would revoke request own-ACTIVE (ACTIVE), db, k8s\n" +
			"would revoke request own-Granted (Granted), db, k8s\n" +
			"would revoke request own-PENDING (PENDING), db, k8s\n" +
			"would revoke request own-PENDING_MFA (PENDING_MFA), db, k8s\n" +
			"would revoke request own-HALF_OPEN (HALF_OPEN), db, k8s\n" +
			"would revoke request for-ada (ACTIVE), bundle On call\n" +
			"ada@EXAMPLE.com: 10 steps to do (use -apply), 1 group managed by identity providers, 0 failures\n",
	}, process.Run(t, process.Env(server), "-user", "ada@EXAMPLE.com"))
	require.Equal(t, []string{}, changes(server))
	require.Equal(t, []string{"Ada@example.com"}, server.Requests("AccessRequests.List")[0].Query["requestor"])
	require.Equal(t, []string{"Ada@example.com"}, server.Requests("DelegatedRequests.List")[0].Query["grantee"])
}

// The access of others stays. A second run finds nothing to do, even while the
// revocations of the first run are in progress.
func TestApply(t *testing.T) {
	t.Parallel()
	server := newServer(t, aponotest.WithProvisioningTime(time.Hour))
	got := process.Run(t, process.Env(server), "-user", "ada@example.com", "-apply")
	require.Equal(t, process.Result{
		Stdout: "not removed: ada@example.com in group everybody, which is managed in Okta\n" +
			"remove ADA@example.com from group orders\n" +
			"remove ada@example.com from group search\n" +
			"remove Ada@example.com from space Payments\n" +
			"remove ada@example.com from space Shop floor\n" +
			"revoke request own-ACTIVE (ACTIVE), db, k8s\n" +
			"revoke request own-Granted (Granted), db, k8s\n" +
			"revoke request own-PENDING (PENDING), db, k8s\n" +
			"revoke request own-PENDING_MFA (PENDING_MFA), db, k8s\n" +
			"revoke request own-HALF_OPEN (HALF_OPEN), db, k8s\n" +
			"revoke request for-ada (ACTIVE), bundle On call\n" +
			"ada@example.com: 10 of 10 steps done, 1 group managed by identity providers, 0 failures\n",
	}, got)
	require.Equal(t, everything, changes(server))
	for id, want := range map[string]apono.AccessRequestStatus{
		"own-ACTIVE": "REVOKING", "own-HALF_OPEN": "REVOKING", "for-ada": "REVOKING", "own-REJECTED": "REJECTED", "of-ben": "ACTIVE", "for-ben": "ACTIVE",
	} {
		var request apono.AccessRequest
		require.Truef(t, server.Get(aponotest.AccessRequests, id, &request), "request %s does not exist", id)
		require.Equal(t, want, request.Status)
	}
	var member apono.GroupMember
	require.True(t, server.Get(aponotest.MembersOf("g1"), "ben@example.com", &member), "Ben must stay in the group")
	require.False(t, server.Get(aponotest.MembersOf("g1"), "ADA@example.com", &member), "Ada must not be in the group")
	require.True(t, server.Get(aponotest.MembersOf("g3"), "ada@example.com", &member), "the group of the identity provider must not change")

	got = process.Run(t, process.Env(server), "-user", "ada@example.com", "-apply")
	require.Equal(t, process.Result{
		Stdout: "not removed: ada@example.com in group everybody, which is managed in Okta\n" +
			"ada@example.com: 0 of 0 steps done, 1 group managed by identity providers, 0 failures\n",
	}, got)
	require.Equal(t, everything, changes(server))
}

// The program continues after a failure and reports it at the end. A member who
// is not there any more is not a failure.
func TestFailureDoesNotStopRun(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.FaultNext("Groups.ListMembers", 1, aponotest.Fault{Status: 403})
	server.FaultNext("Groups.RemoveMember", 1, aponotest.Fault{Status: 404})
	server.FaultNext("Spaces.ListMembers", 1, aponotest.Fault{Status: 403})
	server.FaultNext("Spaces.RemoveMember", 1, aponotest.Fault{Status: 404})
	server.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Status: 409})
	server.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Status: 404})
	server.FaultNext("DelegatedRequests.List", 1, aponotest.Fault{Status: 403})
	got := process.Run(t, process.Env(server), "-user", "ada@example.com", "-apply")
	require.Equal(t, process.Result{
		Stdout: "not removed: ada@example.com in group everybody, which is managed in Okta\n" +
			"remove ada@example.com from group search\n" +
			"remove ada@example.com from space Shop floor\n" +
			"revoke request own-PENDING (PENDING), db, k8s\n" +
			"revoke request own-PENDING_MFA (PENDING_MFA), db, k8s\n" +
			"revoke request own-HALF_OPEN (HALF_OPEN), db, k8s\n" +
			"ada@example.com: 5 of 7 steps done, 1 group managed by identity providers, 5 failures\n",
		Stderr: "offboard: could not read the members of group orders: apono: GET /api/admin/v1/groups/{id}/members: 403 Forbidden, request id fake-3\n" +
			"offboard: could not read the members of space Payments: apono: GET /api/admin/v1/spaces/{id}/members: 403 Forbidden, request id fake-8\n" +
			"offboard: could not read everything: apono: GET /api/user/v1/delegated-access-requests: 403 Forbidden, request id fake-12\n" +
			"offboard: could not revoke request own-ACTIVE (ACTIVE), db, k8s: apono: POST /api/user/v4/access-requests/{id}/revoke: 409 Conflict, request id fake-15\n" +
			"offboard: could not revoke request own-Granted (Granted), db, k8s: apono: POST /api/user/v4/access-requests/{id}/revoke: 404 Not Found, request id fake-16\n" +
			"offboard: not complete, 5 failures: run the command again\n",
		Code: 1,
	}, got)
}

// A server that ignores the filters returns requests of all users. Only those of
// the person are revoked; a request without a requestor is reported.
func TestOnlyRequestsOfPersonAreRevoked(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	const rest = `"status": "ACTIVE", "creation_date": "2026-01-01T00:00:00Z", "custom_fields": {}, "access_groups": []`
	server.FaultNext("AccessRequests.List", 1, aponotest.Fault{Body: `{"items": [
		{"id": "r1", "requestor": {"id": "u2", "source_id": "ben@example.com"}, ` + rest + `},
		{"id": "r5", "requestor": {"id": "u1", "source_id": "ada@example.com"}, "grantee": {"id": "u2", "source_id": "ben@example.com"}, ` + rest + `},
		{"id": "r2", ` + rest + `},
		{"id": "r3", "requestor": {"id": "u1", "source_id": "ADA@example.com"}, ` + rest + `}], "pagination": {"next_page_token": null}}`})
	server.FaultNext("DelegatedRequests.List", 1, aponotest.Fault{Body: `{"items": [
		{"id": "r3", "grantee": {"id": "u1", "source_id": "ada@example.com"}, ` + rest + `},
		{"id": "r4", "grantee": {"id": "u2", "source_id": "ben@example.com"}, ` + rest + `}], "pagination": {"next_page_token": null}}`})
	require.Equal(t, process.Result{
		Stdout: "would revoke request r3 (ACTIVE)\nada@example.com: 1 step to do (use -apply), 0 groups managed by identity providers, 1 failure\n",
		Stderr: "offboard: request r2 is not revoked: it has no requestor\n" +
			"offboard: not complete, 1 failure: run the command again\n",
		Code: 1,
	}, process.Run(t, process.Env(server), "-user", "ada@example.com", "-missing-ok"))
	require.Equal(t, []string{"ada@example.com"}, server.Requests("AccessRequests.List")[0].Query["requestor"])
}

func TestServerWithoutSpaces(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithoutSpaces(), aponotest.WithDemoTenant())
	require.Equal(t, process.Result{
		Stdout: "would remove ada.orders@example.com from group orders\n" +
			"would revoke request request-ada-active (ACTIVE), postgresql-production-orders, bundle Orders on-call\n" +
			"would revoke request request-ada-pending (PENDING), postgresql-production-orders, bundle Orders on-call\n" +
			"ada.orders@example.com: 3 steps to do (use -apply), 0 groups managed by identity providers, 0 failures\n",
	}, process.Run(t, process.Env(server), "-user", "ada.orders@example.com"))
}

func TestDemo(t *testing.T) {
	t.Parallel()
	process.NeedsToken(t, "-user", "ada.orders@example.com", "-apply")
	const demo = "Using a fake server with demo data.\n"
	require.Equal(t, process.Result{
		Stdout: "remove ada.orders@example.com from group orders\n" +
			"remove ada.orders@example.com from space Orders\n" +
			"revoke request request-ada-active (ACTIVE), postgresql-production-orders, bundle Orders on-call\n" +
			"revoke request request-ada-pending (PENDING), postgresql-production-orders, bundle Orders on-call\n" +
			"ADA.orders@example.com: 4 of 4 steps done, 0 groups managed by identity providers, 0 failures\n",
		Stderr: demo,
	}, process.Run(t, nil, "-demo", "-user", "ADA.orders@example.com", "-apply"))
	require.Equal(t, process.Result{
		Stdout: "nobody@example.com: nothing to do, 0 groups managed by identity providers, 0 failures\n",
		Stderr: demo,
	}, process.Run(t, nil, "-demo", "-user", "nobody@example.com", "-missing-ok"))
}

// A misspelled address must not look like success.
func TestUnknownPerson(t *testing.T) {
	t.Parallel()
	const missing = "offboard: could not find the person: Apono has no user with this address; check the spelling, or use -missing-ok\n" +
		"offboard: not complete, 1 failure: run the command again\n"
	server := newServer(t)
	require.Equal(t, process.Result{
		Stdout: "adda@example.com: nothing to do, 0 groups managed by identity providers, 1 failure\n", Stderr: missing, Code: 1,
	}, process.Run(t, process.Env(server), "-user", "adda@example.com"))
	require.Equal(t, process.Result{
		Stdout: "adda@example.com: 0 of 0 steps done, 0 groups managed by identity providers, 1 failure\n", Stderr: missing, Code: 1,
	}, process.Run(t, process.Env(server), "-user", "adda@example.com", "-apply"))
	require.Equal(t, process.Result{
		Stdout: "adda@example.com: 0 of 0 steps done, 0 groups managed by identity providers, 0 failures\n",
	}, process.Run(t, process.Env(server), "-user", "adda@example.com", "-apply", "-missing-ok"))

	// Memberships of a deleted user are removed all the same.
	server.Put(aponotest.MembersOf("g4"), apono.GroupMember{Email: "left@example.com"})
	require.Equal(t, process.Result{
		Stdout: "remove left@example.com from group search\nleft@example.com: 1 of 1 step done, 0 groups managed by identity providers, 1 failure\n",
		Stderr: missing, Code: 1,
	}, process.Run(t, process.Env(server), "-user", "left@example.com", "-apply"))
}

// Addresses from the lines of a file may have carriage returns and a byte order
// mark.
func TestAddressIsTrimmed(t *testing.T) {
	t.Parallel()
	for _, email := range []string{"ada@example.com\r", "\ufeffada@example.com\r", " \tada@example.com\u00a0\r\n"} {
		server := newServer(t)
		got := process.Run(t, process.Env(server), "-user", email, "-apply")
		require.Zero(t, got.Code)
		require.Contains(t, got.Stdout, "\nada@example.com: 10 of 10 steps done")
		require.Equal(t, everything, changes(server))
	}
	require.Equal(t, 2, process.Run(t, nil, "-user", "ada@example.com\rben@example.com").Code)
}

func TestGroupsAndSpacesDeletedDuringRun(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.FaultNext("Groups.ListMembers", 1, aponotest.Fault{Status: 404})
	server.FaultNext("Spaces.ListMembers", 1, aponotest.Fault{Status: 404})
	server.FaultNext("Groups.RemoveMember", 1, aponotest.Fault{Status: 404})
	got := process.Run(t, process.Env(server), "-user", "ada@example.com", "-apply")
	require.Zero(t, got.Code)
	require.Empty(t, got.Stderr)
	require.Contains(t, got.Stdout, "ada@example.com: 8 of 8 steps done, 1 group managed by identity providers, 0 failures\n")
}

// An interrupted run reports the number of steps done, and the next run does the
// rest.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, end := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		server := newServer(t)
		arrived := make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/own-PENDING/revoke") {
				close(arrived)
				<-r.Context().Done()
				return
			}
			server.ServeHTTP(w, r)
		}))
		defer slow.Close()
		cmd := process.Command(t, []string{"APONO_TOKEN=" + server.Token, "APONO_ENDPOINT=" + slow.URL}, "-user", "ada@example.com", "-apply")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		require.NoError(t, cmd.Start())
		<-arrived
		require.NoError(t, cmd.Process.Signal(end))
		_ = cmd.Wait()
		require.Equal(t, 130, cmd.ProcessState.ExitCode())
		require.Equal(t, "Stopped after 6 of 10 steps. Run the same command to continue.\noffboard: interrupted\n", stderr.String())
		require.Equal(t, everything[:6], changes(server))
		require.Zero(t, process.Run(t, process.Env(server), "-user", "ada@example.com", "-apply").Code)
		require.Equal(t, everything, changes(server))
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	help := process.Help(t)
	require.Contains(t, help, "-apply")
	require.Contains(t, help, "-user")
	for _, args := range [][]string{nil, {"-user", "ada"}} {
		require.Equal(t, process.Result{Stderr: "offboard: -user must be an e-mail address; see -h\n", Code: 2}, process.Run(t, nil, args...))
	}
	server := newServer(t)
	got := process.Run(t, []string{"APONO_TOKEN=wrong", "APONO_ENDPOINT=" + server.URL}, "-user", "ada@example.com", "-apply")
	require.Equal(t, process.Result{Code: 1,
		Stderr: "offboard: Apono rejected the token: check APONO_TOKEN or APONO_PERSONAL_TOKEN, or create a new token in the Apono portal\n"}, got)
	require.Len(t, server.Requests(), 1)
}
