package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
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
	server.Put(aponotest.Users, apono.User{ID: "u2", Email: "ben@example.com"}, apono.User{ID: "u1", Email: "Ada@example.com", FirstName: "Ada", LastName: "Lovelace"})
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

// requireEverything requires a complete run for Ada, with all memberships before all
// requests.
func requireEverything(t *testing.T, server *aponotest.Server) {
	t.Helper()
	got := changes(server)
	require.Len(t, got, len(everything))
	require.ElementsMatch(t, everything[:4], got[:4])
	require.ElementsMatch(t, everything[4:], got[4:])
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
			"Ada Lovelace (Ada@example.com): 10 steps to do (use -apply), 1 group managed by identity providers\n", Code: 3,
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
			"Ada Lovelace (Ada@example.com): 10 of 10 steps done, 1 group managed by identity providers\n",
	}, got)
	requireEverything(t, server)
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
			"Ada Lovelace (Ada@example.com): 1 group managed by identity providers\n",
	}, got)
	requireEverything(t, server)
}

// The program continues after a failure and reports it at the end, with advice that
// follows from the causes.
func TestFailureDoesNotStopRun(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.FaultNext("Groups.ListMembers", 1, aponotest.Fault{Status: 403})
	server.FaultNext("Spaces.ListMembers", 1, aponotest.Fault{Status: 403})
	server.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Status: 409})
	server.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Status: 404})
	server.FaultNext("DelegatedRequests.List", 1, aponotest.Fault{Status: 403})
	got := process.Run(t, process.Env(server), "-user", "ada@example.com", "-apply", "-parallel", "1")
	require.Equal(t, process.Result{
		Stdout: "not removed: ada@example.com in group everybody, which is managed in Okta\n" +
			"remove ada@example.com from group search\n" +
			"remove ada@example.com from space Shop floor\n" +
			"revoke request own-PENDING (PENDING), db, k8s\n" +
			"revoke request own-PENDING_MFA (PENDING_MFA), db, k8s\n" +
			"revoke request own-HALF_OPEN (HALF_OPEN), db, k8s\n" +
			"Ada Lovelace (Ada@example.com): 5 of 7 steps done, 1 group managed by identity providers, 5 failures\n",
		Stderr: "offboard: could not read the members of group orders: apono: GET /api/admin/v1/groups/{id}/members: 403 Forbidden, request ID fake-6\n" +
			"offboard: could not read the members of space Payments: apono: GET /api/admin/v1/spaces/{id}/members: 403 Forbidden, request ID fake-10\n" +
			"offboard: could not read the access requests of others for the person: apono: GET /api/user/v1/delegated-access-requests: 403 Forbidden, request ID fake-14\n" +
			"offboard: could not revoke request own-ACTIVE (ACTIVE), db, k8s: apono: POST /api/user/v4/access-requests/{id}/revoke: 409 Conflict, request ID fake-19\n" +
			"offboard: could not revoke request own-Granted (Granted), db, k8s: apono: POST /api/user/v4/access-requests/{id}/revoke: 404 Not Found, request ID fake-21; check the base URL in APONO_ENDPOINT or WithBaseURL\n" +
			"offboard: not complete: run the command again\n",
		Code: 1,
	}, got)

	server = newServer(t)
	server.FaultNext("Groups.List", 1, aponotest.Fault{Status: 403})
	got = process.Run(t, process.Env(server), "-user", "nobody@example.com", "-missing-ok")
	require.Equal(t, process.Result{
		Stdout: "nobody@example.com: 1 failure\n",
		Stderr: "offboard: could not read the groups: apono: GET /api/admin/v1/groups: 403 Forbidden, request ID fake-N\n" +
			"offboard: not complete: the token needs more permissions\n",
		Code: 1,
	}, withoutNumbers(got))
}

// withoutNumbers replaces the numbers of the server's responses, whose order varies.
func withoutNumbers(result process.Result) process.Result {
	result.Stderr = regexp.MustCompile(`fake-\d+`).ReplaceAllString(result.Stderr, "fake-N")
	return result
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
		Stdout: "would revoke request r3 (ACTIVE)\nada@example.com: 1 step to do (use -apply), 1 failure\n",
		Stderr: "offboard: request r2 is not revoked: it has no requestor\n" +
			"offboard: not complete: run the command again\n",
		Code: 1,
	}, process.Run(t, process.Env(server), "-user", "ada@example.com", "-missing-ok"))
	require.Equal(t, []string{"ada@example.com"}, server.Requests("AccessRequests.List")[0].Query["requestor"])
}

func TestServerWithoutSpaces(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithoutSpaces(), aponotest.WithDemoTenant())
	require.Equal(t, process.Result{
		Stdout: "would remove ben.orders@example.com from group orders\n" +
			"Ben of orders (ben.orders@example.com): 1 step to do (use -apply)\n",
		Stderr: "Apono has no spaces: it does not know the call that lists them.\n",
		Code:   3,
	}, process.Run(t, process.Env(server), "-user", "ben.orders@example.com"))
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
			"not changed: ada.orders@example.com is an approver of access flow Orders on-call\n" +
			"not changed: ada.orders@example.com is an approver of access flow Orders staging\n" +
			"Ada of orders (ada.orders@example.com): 4 of 4 steps done, 2 rights to change by hand\n",
		Stderr: demo + "offboard: not complete: change the remaining rights in the Apono portal\n",
		Code:   1,
	}, process.Run(t, nil, "-demo", "-user", "ADA.orders@example.com", "-apply"))
	require.Equal(t, process.Result{
		Stdout: "nobody@example.com: nothing to do\n",
		Stderr: demo,
	}, process.Run(t, nil, "-demo", "-user", "nobody@example.com", "-missing-ok"))
}

// A misspelled address must not look like success.
func TestUnknownPerson(t *testing.T) {
	t.Parallel()
	const missing = "offboard: Apono has no user with this address: check the spelling, or use -missing-ok\n" +
		"offboard: not complete\n"
	server := newServer(t)
	for _, flag := range []string{"-apply", "-apply=false"} {
		require.Equal(t, process.Result{
			Stdout: "adda@example.com: 1 failure\n", Stderr: missing, Code: 1,
		}, process.Run(t, process.Env(server), "-user", "adda@example.com", flag))
		require.Equal(t, process.Result{
			Stdout: "adda@example.com: nothing to do\n",
		}, process.Run(t, process.Env(server), "-user", "adda@example.com", flag, "-missing-ok"))
	}

	// Memberships of a deleted user are removed all the same.
	server.Put(aponotest.MembersOf("g4"), apono.GroupMember{Email: "left@example.com"})
	require.Equal(t, process.Result{
		Stdout: "remove left@example.com from group search\nleft@example.com: 1 of 1 step done, 1 failure\n",
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
		require.Contains(t, got.Stdout, "\nAda Lovelace (Ada@example.com): 10 of 10 steps done")
		requireEverything(t, server)
	}
	require.Equal(t, 2, process.Run(t, nil, "-user", "ada@example.com\rben@example.com").Code)
}

// A 404 of a gateway, or one that the next read contradicts, does not mean that the
// membership is gone.
func TestNotFoundIsNotGone(t *testing.T) {
	t.Parallel()
	const page, missing = "<html><title>Sorry</title></html>", `{"message": "not found"}`
	html := http.Header{"Content-Type": {"text/html"}}
	for _, test := range []struct {
		operation string
		body      string
		failure   string
	}{
		{"Groups.List", page, "could not read the groups: apono: GET /api/admin/v1/groups: 404"},
		{"Groups.ListMembers", page, "could not read the members of group "},
		{"Groups.ListMembers", missing, "could not read the members of group "},
		{"Groups.RemoveMember", page, "could not remove "},
		{"Groups.RemoveMember", missing, "could not remove "},
		{"Groups.RemoveMember", "", "could not remove "},
		{"Spaces.List", page, "could not read the spaces: apono: GET /api/admin/v1/spaces: 404"},
		{"Spaces.ListMembers", page, "could not read the members of space "},
		{"Spaces.ListMembers", missing, "could not read the members of space "},
		{"Spaces.RemoveMember", page, "could not remove "},
		{"Spaces.RemoveMember", missing, "could not remove "},
		{"AccessRequests.Revoke", page, "could not revoke request "},
		{"AccessRequests.Revoke", missing, "could not revoke request "},
	} {
		t.Run(test.operation+" "+test.body, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			server.FaultNext(test.operation, 1, aponotest.Fault{Status: 404, Header: html, Body: test.body})
			got := process.Run(t, process.Env(server), "-user", "ada@example.com", "-apply")
			require.Equal(t, 1, got.Code)
			require.Contains(t, got.Stderr, "offboard: "+test.failure)
			require.Contains(t, got.Stderr, "404 Not Found")
			require.Contains(t, got.Stdout, ", 1 failure\n")
			require.Zero(t, process.Run(t, process.Env(server), "-user", "ada@example.com", "-apply").Code)
			for member, of := range map[string]aponotest.Collection{
				"ADA@example.com": aponotest.MembersOf("g1"), "ada@example.com": aponotest.MembersOf("g4"), "u1": aponotest.SpaceMembersOf("s1"), "u9": aponotest.SpaceMembersOf("s2"),
			} {
				require.Falsef(t, server.Get(of, member, new(map[string]any)), "%s is still one of the %s", member, of)
			}
		})
	}
}

// A removal that the server accepts is done only when the member is not listed.
func TestRemovalIsConfirmed(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"Groups.RemoveMember", "Spaces.RemoveMember"} {
		server := newServer(t)
		server.FaultNext(operation, 1, aponotest.Fault{Status: 204})
		got := process.Run(t, process.Env(server), "-user", "ada@example.com", "-apply")
		require.Regexp(t, `^offboard: could not remove \S+ from (group|space) .*: Apono accepted the removal but still lists the member\n`, got.Stderr)
		require.Contains(t, got.Stdout, "9 of 10 steps done")
		require.Equal(t, 1, got.Code)
	}
	server := newServer(t)
	got := process.Run(t, process.Behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == "DELETE" && strings.Contains(r.URL.Path, "/groups/g4/") {
			server.FaultNext("Groups.ListMembers", 1, aponotest.Fault{Status: 403})
		}
		return false
	}), "-user", "ada@example.com", "-apply", "-parallel", "1")
	require.Contains(t, got.Stderr, "offboard: could not remove ada@example.com from group search: cannot confirm it: apono: GET /api/admin/v1/groups/{id}/members: 403 Forbidden")
	require.Equal(t, 1, got.Code)
}

// Somebody else removes members, deletes a group and a space, and ends a request while
// the program runs. All that is gone, so it is done.
func TestGoneInTheMeantime(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := server.Client()
	env := process.Behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		switch path := r.URL.Path; {
		case r.Method == "DELETE":
			server.ServeHTTP(httptest.NewRecorder(), r.Clone(r.Context()))
		case strings.HasSuffix(path, "/groups/g4/members"):
			_ = client.Groups.Delete(r.Context(), "g4")
		case strings.HasSuffix(path, "/spaces/s2/members"):
			_ = client.Spaces.Delete(r.Context(), "s2")
		case strings.HasSuffix(path, "/own-ACTIVE/revoke"):
			server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: "own-ACTIVE", Status: "EXPIRED", Requestor: ada})
			w.WriteHeader(http.StatusConflict)
			return true
		}
		return false
	})
	require.Equal(t, process.Result{
		Stdout: "not removed: ada@example.com in group everybody, which is managed in Okta\n" +
			"remove ADA@example.com from group orders\n" +
			"remove Ada@example.com from space Payments\n" +
			"revoke request own-ACTIVE (ACTIVE), db, k8s\n" +
			"revoke request own-Granted (Granted), db, k8s\n" +
			"revoke request own-PENDING (PENDING), db, k8s\n" +
			"revoke request own-PENDING_MFA (PENDING_MFA), db, k8s\n" +
			"revoke request own-HALF_OPEN (HALF_OPEN), db, k8s\n" +
			"revoke request for-ada (ACTIVE), bundle On call\n" +
			"Ada Lovelace (Ada@example.com): 8 of 8 steps done, 1 group managed by identity providers\n",
	}, process.Run(t, env, "-user", "ada@example.com", "-apply"))
}

// The list must not have the group any more, and the 404 must be the API's.
func TestDeletedGroupBehindGateway(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := server.Client()
	env := process.Behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/groups/g4/members") {
			return false
		}
		_ = client.Groups.Delete(r.Context(), "g4")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<html>")
		return true
	})
	got := process.Run(t, env, "-user", "ada@example.com", "-apply")
	require.Contains(t, got.Stderr, "offboard: could not read the members of group search: ")
	require.Equal(t, 1, got.Code)
}

// The aliases of a user are addresses of the person, on the command line and in Apono.
func TestAliases(t *testing.T) {
	t.Parallel()
	for _, email := range []string{"ada@example.com", "ADA.Old@example.com", "ada.byron@example.com"} {
		server := newServer(t)
		server.Put(aponotest.Users, apono.User{ID: "u1", Email: "Ada@example.com", EmailAliases: []string{"ada.old@example.com", "Ada.Byron@example.com"}})
		server.Put(aponotest.MembersOf("g2"), apono.GroupMember{Email: "ADA.old@example.com"})
		server.Put(aponotest.SpaceMembersOf("s3"), apono.SpaceMember{IdentityID: "x1", IdentityType: "user", Email: new("ada.byron@example.com")})
		server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: "by-alias", Status: "ACTIVE", Requestor: &apono.IdentityRef{ID: "x1", SourceID: "Ada.Byron@example.com"}})
		server.Put(aponotest.AccessFlows, flow("Night", apono.AccessFlowTriggerAutomatic, condition("user", "is", "ada.old@example.com")))
		got := process.Run(t, process.Env(server), "-user", email, "-apply")
		require.Contains(t, got.Stdout, "remove ADA.old@example.com from group people\n")
		require.Contains(t, got.Stdout, "remove ada.byron@example.com from space Ledger\n")
		require.Contains(t, got.Stdout, "revoke request by-alias (ACTIVE)\n")
		require.Contains(t, got.Stdout, "not changed: Ada@example.com gets access automatically through access flow Night\n")
		require.Contains(t, got.Stdout, "\nAda@example.com: 13 of 13 steps done")
		require.False(t, server.Get(aponotest.MembersOf("g2"), "ADA.old@example.com", new(apono.GroupMember)))
		require.True(t, server.Get(aponotest.MembersOf("g2"), "ben@example.com", new(apono.GroupMember)))
	}
}

// An address that several users have is not taken for the wrong one.
func TestSharedAddresses(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.Put(aponotest.Users,
		apono.User{ID: "u2", Email: "ben@example.com", EmailAliases: []string{"ada@example.com", "oncall@example.com"}},
		apono.User{ID: "u1", Email: "Ada@example.com", EmailAliases: []string{"OnCall@example.com"}})
	server.Put(aponotest.MembersOf("g2"), apono.GroupMember{Email: "oncall@example.com"})
	require.Equal(t, process.Result{
		Stderr: "offboard: oncall@example.com is an alias of several users: use the primary address of one, ada@example.com or ben@example.com\n", Code: 1,
	}, process.Run(t, process.Env(server), "-user", "oncall@example.com", "-apply"))
	require.Empty(t, changes(server))

	// Ada's primary address is hers, although it is an alias of Ben. The shared alias is
	// left to a person.
	got := process.Run(t, process.Env(server), "-user", "ada@example.com", "-apply")
	require.Contains(t, got.Stdout, "not changed: Ada@example.com is also an address of ben@example.com\n"+
		"not changed: OnCall@example.com is also an address of ben@example.com\n"+
		"Ada@example.com: 10 of 10 steps done, 1 group managed by identity providers, 2 rights to change by hand\n")
	require.Equal(t, 1, got.Code)
	requireEverything(t, server)
}

func condition(kind apono.ConditionType, operator apono.MatchOperator, values ...string) apono.Condition {
	return apono.Condition{Type: kind, MatchOperator: &operator, Values: values}
}

func flow(name string, trigger apono.AccessFlowTrigger, requestors ...apono.Condition) apono.AccessFlow {
	return apono.AccessFlow{
		ID: "flow-" + name, Name: name, Active: true, Trigger: trigger,
		Requestors:    apono.ConditionGroup{LogicalOperator: "OR", Conditions: requestors},
		AccessTargets: []apono.AccessTarget{},
		Settings:      apono.AccessFlowSettings{Labels: []string{}},
	}
}

// Rights that are neither requests nor memberships are named, and nothing is done until
// somebody has changed them.
func TestRemainingRights(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	nobody := condition("group", "is", "g1")
	approved := flow("Approved", "SELF_SERVE", nobody)
	approved.ApproverPolicy = &apono.ApproverPolicy{ApprovalMode: "ALL_OF", ApproverGroups: []apono.ApproverGroup{
		{LogicalOperator: "OR", Approvers: []apono.Condition{condition("user", "is", "ben@example.com")}},
		{LogicalOperator: "OR", Approvers: []apono.Condition{{Type: "user", Values: []string{"ben@example.com", "ada@example.com"}}}},
	}}
	approved.EscalationPolicy = &apono.EscalationPolicy{IntervalInMin: 5, ApproverGroups: []apono.ApproverGroup{
		{LogicalOperator: "OR", Approvers: []apono.Condition{condition("user", "is", "u1")}},
	}}
	off := flow("Off", "AUTOMATIC", nobody, condition("user", "starts_with", "ADA@"))
	off.Active = false
	others := flow("Others", "SELF_SERVE", condition("okta_mail", "is", "ada@example.com"))
	others.RequestFor = &apono.RequestFor{
		RequestScopes: []apono.RequestScope{"others"},
		Grantees:      &apono.ConditionGroup{LogicalOperator: "OR", Conditions: []apono.Condition{condition("user", "contains", "da@ex")}},
	}
	server.Put(aponotest.AccessFlows, approved, off, others,
		flow("Not hers", "AUTOMATIC", condition("user", "is", "ben@example.com"), condition("user", "is_not", "ada@example.com"),
			condition("user", "does_not_contain", "ada"), condition("user", "starts_with", "da@"), condition("user", "contains", ""),
			condition("manager", "is", "ada@example.com"), condition("team", "contains", "ada")))
	for id, recipients := range map[string][]string{"Weekly": {"ben@example.com", "ADA@example.com"}, "Daily": {"ben@example.com"}} {
		server.Put(aponotest.Reports, apono.ActivityReport{
			ID: id, Name: id, Timeframe: apono.ReportTimeframe{Relative: &apono.RelativeTimeframe{Last: 1, Unit: "day"}},
			Schedule: &apono.ReportSchedule{CronExpression: "0 9 * * 1", Recipients: recipients},
		})
	}
	server.Put(aponotest.Reports, apono.ActivityReport{ID: "r3", Name: "Never", Timeframe: apono.ReportTimeframe{Relative: &apono.RelativeTimeframe{Last: 1, Unit: "day"}}})
	const list = "not changed: Ada@example.com is an approver of access flow Approved\n" +
		"not changed: Ada@example.com is an approver of access flow Approved after an escalation\n" +
		"not changed: Ada@example.com gets access automatically through access flow Off (inactive)\n" +
		"not changed: Ada@example.com may request access through access flow Others\n" +
		"not changed: others may request access for Ada@example.com through access flow Others\n" +
		"not changed: Ada@example.com receives report Weekly\n"
	const left = "offboard: not complete: change the remaining rights in the Apono portal\n"

	got := process.Run(t, process.Env(server), "-user", "ada@example.com")
	require.Contains(t, got.Stdout, list+"Ada Lovelace (Ada@example.com): 10 steps to do (use -apply), 1 group managed by identity providers, 6 rights to change by hand\n")
	require.Equal(t, 3, got.Code)
	got = process.Run(t, process.Env(server), "-user", "ada@example.com", "-apply")
	require.Contains(t, got.Stdout, list)
	require.Equal(t, left, got.Stderr)
	require.Equal(t, 1, got.Code)
	requireEverything(t, server)
	got = process.Run(t, process.Env(server), "-user", "ada@example.com")
	require.Equal(t, process.Result{
		Stdout: "not removed: ada@example.com in group everybody, which is managed in Okta\n" + list +
			"Ada Lovelace (Ada@example.com): 1 group managed by identity providers, 6 rights to change by hand\n",
		Stderr: left, Code: 1,
	}, got)
}

// What the server sends cannot act on a terminal or look like another line.
func TestNamesAreCleaned(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	const evil = "x\x1b[31m\u202e\nremove ben@example.com from group people"
	const safe = `x\u001b[31m\u202e remove ben@example.com from group people`
	server.Put(aponotest.Groups, apono.Group{ID: "g5", Name: evil}, apono.Group{ID: "g6", Name: "all", SourceIntegrationID: new("i1"), SourceIntegrationName: new(evil)})
	server.Put(aponotest.MembersOf("g5"), apono.GroupMember{Email: "ada@example.com"})
	server.Put(aponotest.MembersOf("g6"), apono.GroupMember{Email: "ada@example.com"})
	server.Put(aponotest.Spaces, apono.Space{ID: "s4", Name: evil})
	server.Put(aponotest.SpaceMembersOf("s4"), apono.SpaceMember{IdentityID: "u1", IdentityType: "user"})
	server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: "evil", Status: "ACTIVE", Requestor: ada, Bundle: &apono.Ref{ID: "b1", Name: evil}})
	server.Put(aponotest.AccessFlows, flow(evil, "AUTOMATIC", condition("user", "is", "ada@example.com")))
	server.Put(aponotest.Users, apono.User{ID: "u1", Email: "Ada@example.com", FirstName: evil})
	got := process.Run(t, process.Env(server), "-user", "ada@example.com")
	require.NotContains(t, got.Stdout, "\x1b")
	for _, line := range []string{
		"would remove ada@example.com from group " + safe, "not removed: ada@example.com in group all, which is managed in " + safe,
		"would remove Ada@example.com from space " + safe, "would revoke request evil (ACTIVE), bundle " + safe,
		"not changed: Ada@example.com gets access automatically through access flow " + safe,
	} {
		require.Contains(t, got.Stdout, line+"\n")
	}
	require.Contains(t, got.Stdout, "\n"+safe+" (Ada@example.com): ")
}

// Calls run side by side, as many as -parallel allows.
func TestParallel(t *testing.T) {
	t.Parallel()
	const parallel = 3
	server := newServer(t)
	for i := range 20 {
		id := fmt.Sprintf("many-%d", i)
		server.Put(aponotest.Groups, apono.Group{ID: id, Name: id})
		server.Put(aponotest.MembersOf(id), apono.GroupMember{Email: "ada@example.com"})
		server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: id, Status: "ACTIVE", Requestor: ada})
	}
	var mu sync.Mutex
	running, most := 0, 0
	meetings := map[string]chan struct{}{} // each ends when as many calls as possible have come
	waiting := map[string]int{}
	for _, kind := range []string{"GET members", "DELETE", "POST"} {
		meetings[kind] = make(chan struct{})
	}
	env := process.Behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		kind := r.Method
		if kind == "GET" && strings.Contains(r.URL.Path, "/groups/many-") {
			kind = "GET members"
		}
		mu.Lock()
		running++
		most = max(most, running)
		meeting := meetings[kind]
		if waiting[kind]++; waiting[kind] == parallel && meeting != nil {
			close(meeting)
		}
		mu.Unlock()
		if meeting != nil {
			select {
			case <-meeting:
			case <-time.After(20 * time.Second):
				t.Errorf("only one %s at a time", kind)
			}
		}
		server.ServeHTTP(w, r)
		mu.Lock()
		running--
		mu.Unlock()
		return true
	})
	got := process.Run(t, env, "-user", "ada@example.com", "-apply", "-parallel", strconv.Itoa(parallel))
	require.Zero(t, got.Code)
	require.Contains(t, got.Stdout, "50 of 50 steps done")
	require.LessOrEqual(t, most, parallel)
	lines := strings.SplitAfter(got.Stdout, "\n")
	require.Equal(t, "remove ada@example.com from group many-0\n", lines[3])
	require.Equal(t, "remove ada@example.com from group many-19\n", lines[22])
	require.Equal(t, process.Result{Stderr: "offboard: -parallel must be at least 1; see -h\n", Code: 2}, process.Run(t, nil, "-user", "ada@example.com", "-parallel", "0"))
}

// An interrupt lets the calls that are running end and starts no others. The program
// tells what is done and what is not, and the next run does the rest.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, end := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		server := newServer(t)
		arrived, release := make(chan struct{}), make(chan struct{})
		env := process.Behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/own-PENDING/revoke") {
				close(arrived)
				<-release
			}
			return false
		})
		cmd := process.Command(t, env, "-user", "ada@example.com", "-apply", "-parallel", "1")
		var stdout strings.Builder
		cmd.Stdout = &stdout
		rest := process.StopDuringCall(t, cmd, end, arrived, release)
		require.Contains(t, stdout.String(), "\nrevoke request own-PENDING (PENDING), db, k8s\n")
		require.Equal(t, "not done: revoke request own-PENDING_MFA (PENDING_MFA), db, k8s\n"+
			"not done: revoke request own-HALF_OPEN (HALF_OPEN), db, k8s\n"+
			"not done: revoke request for-ada (ACTIVE), bundle On call\n"+
			"Stopped after 7 of 10 steps. Run the same command to continue.\noffboard: interrupted\n", rest)
		require.Equal(t, everything[:7], changes(server))
		require.Zero(t, process.Run(t, process.Env(server), "-user", "ada@example.com", "-apply").Code)
		requireEverything(t, server)
	}
}

// A read that is interrupted ends at once.
func TestInterruptWhileReading(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	arrived := make(chan struct{})
	env := process.Behind(t, server, func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/groups/g4/members") {
			close(arrived)
			<-r.Context().Done()
			return true
		}
		return false
	})
	cmd := process.Command(t, env, "-user", "ada@example.com", "-apply")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	<-arrived
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	_ = cmd.Wait()
	require.Equal(t, 130, cmd.ProcessState.ExitCode())
	require.Equal(t, "offboard: interrupted\n", stderr.String())
	require.Empty(t, changes(server))
}

// After a rejected token no more calls are made.
func TestTokenRejected(t *testing.T) {
	t.Parallel()
	const rejected = "offboard: Apono rejected the token: check APONO_TOKEN or APONO_PERSONAL_TOKEN, or create a new token in the Apono portal\n"
	server := newServer(t)
	got := process.Run(t, []string{"APONO_TOKEN=wrong", "APONO_ENDPOINT=" + server.URL}, "-user", "ada@example.com", "-apply", "-parallel", "1")
	require.Equal(t, process.Result{Code: 1, Stderr: rejected}, got)
	require.Len(t, server.Requests(), 1)

	server = newServer(t)
	server.FaultNext("Groups.RemoveMember", 1, aponotest.Fault{Status: 401})
	got = process.Run(t, process.Env(server), "-user", "ada@example.com", "-apply", "-parallel", "1")
	require.Equal(t, 1, got.Code)
	require.Contains(t, got.Stderr, "not done: revoke request for-ada (ACTIVE), bundle On call\nStopped after 0 of 10 steps. Run the same command to continue.\n"+rejected)
	require.Len(t, changes(server), 1)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	help := process.Help(t)
	require.Contains(t, help, "-apply")
	require.Contains(t, help, "-user")
	require.Contains(t, help, "-parallel number")
	require.Contains(t, help, "  1    something failed, or rights are left that must be changed by hand\n")
	require.Contains(t, help, "  3    there is something to do; use -apply\n")
	for _, args := range [][]string{nil, {"-user", "ada"}} {
		require.Equal(t, process.Result{Stderr: "offboard: -user must be an e-mail address; see -h\n", Code: 2}, process.Run(t, nil, args...))
	}
}
