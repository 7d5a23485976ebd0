package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { process.Main(m, main) }

// first is the id that the fake server gives out first.
const first = "00000001-0000-4000-8000-000000000001"

const waited = "Waiting up to 500ms for approval (PENDING).\n"

var approved = aponotest.WithApprovalAfter(0)

// newServer has two databases, bundles of them, and one person.
func newServer(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, opts...)
	server.Put(aponotest.Users, apono.User{ID: "u1", Email: "ben@example.com"})
	targets := []apono.BundleTarget{}
	for _, name := range []string{"orders", "people"} {
		server.Put(aponotest.Integrations, apono.Integration{ID: "i-" + name, Name: name, Type: "mysql"})
		server.Put(aponotest.ResourcesOf("i-"+name),
			apono.Resource{ID: name + "-db", Name: "main", Type: "database"}, apono.Resource{ID: name + "-table", Name: "main", Type: "table"})
		server.Put(aponotest.PermissionsOf("i-"+name),
			apono.Permission{ID: name + "-read", Name: "READ", ResourceType: "database"},
			apono.Permission{ID: name + "-write", Name: "WRITE", ResourceType: "database"},
			apono.Permission{ID: name + "-table-read", Name: "READ", ResourceType: "table"})
		targets = append(targets, apono.BundleTarget{Integration: &apono.IntegrationAccessTarget{
			IntegrationID: "i-" + name, IntegrationName: name, ResourceType: "database", Permissions: []string{"READ"},
		}})
	}
	server.Put(aponotest.Bundles,
		apono.Bundle{ID: "b1", Name: "On call", AccessTargets: targets},
		apono.Bundle{ID: "b2", Name: "Twice", AccessTargets: targets[:1]}, apono.Bundle{ID: "b3", Name: "twice", AccessTargets: targets[:1]},
		apono.Bundle{ID: "b4", Name: "Empty", AccessTargets: targets[:0]})
	return server
}

// onCall are the arguments that request a bundle, and what comes with them.
func onCall(more ...string) []string {
	return append([]string{"-bundle", "On call", "-justification", "Incident 4711"}, more...)
}

// status is the state in which a server has a request.
func status(t *testing.T, server *aponotest.Server, id string) apono.AccessRequestStatus {
	t.Helper()
	var request apono.AccessRequest
	require.Truef(t, server.Get(aponotest.AccessRequests, id, &request), "a request %s", id)
	return request.Status
}

// operations are what was asked of a server, in order.
func operations(server *aponotest.Server) []string {
	names := []string{}
	for _, request := range server.Requests() {
		names = append(names, request.Operation)
	}
	return names
}

// Somebody who is woken at night gets from the name of a bundle to every
// password in one command. Each is read once: a second read of a one-time
// password finds none.
func TestBundleToConnectionDetails(t *testing.T) {
	t.Parallel()
	server := newServer(t, approved, aponotest.WithOneTimeDetails(), aponotest.WithPageSize(1))
	require.Equal(t, process.Result{
		Stdout: "orders:\nConnect to orders as apono-user with the password made-up-1.\npassword: made-up-1\nusername: apono-user\n" +
			"\npeople:\nConnect to people as apono-user with the password made-up-2.\npassword: made-up-2\nusername: apono-user\n",
		Stderr: "Requested: " + first + "\n",
	}, process.Run(t, process.Env(server), "-bundle", "ON CALL", "-justification", "Incident 4711"))
	require.Equal(t, []string{
		"AccessRequests.Create", "AccessRequests.Get", "Sessions.List", "Sessions.List", "Sessions.GetAccessDetails", "Sessions.GetAccessDetails",
	}, operations(server)[4:])
	apitest.JSONEq(t, `{"bundle_reference": "b1", "justification": "Incident 4711", "custom_fields": {}}`, server.Requests("AccessRequests.Create")[0].Body)
	require.Equal(t, []string{first}, server.Requests("Sessions.List")[0].Query["request_ids"])
	require.EqualValues(t, "ACTIVE", status(t, server, first))
}

// Whatever a person says about a request has to arrive, and the access must not
// be for another resource than the one that was named.
func TestEntitlement(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		body string
		// lookups are how many lists it takes to find the entitlement, each of them
		// for the grantee.
		lookups int
		grantee []string
	}{
		{
			[]string{"-resource", "main", "-permission", "WRITE", "-duration", "1h30m", "-grantee", "ben@example.com", "-field", "ticket=A=1", "-field", "team="},
			`{"entitlements": [{"resource_id": "orders-db", "permission_id": "orders-write"}], "justification": "Fix", "duration_in_sec": 5400,
				"grantee": "ben@example.com", "custom_fields": {"ticket": "A=1", "team": ""}}`, 1, []string{"ben@example.com"},
		},
		{
			[]string{"-resource", "orders-table", "-permission", "read"},
			`{"entitlements": [{"resource_id": "orders-table", "permission_id": "orders-table-read"}], "justification": "Fix", "custom_fields": {}}`, 2, nil,
		},
	} {
		server := newServer(t, approved)
		got := process.Run(t, process.Env(server), append([]string{"-integration", "orders", "-justification", "Fix"}, test.args...)...)
		require.Equal(t, "Requested: "+first+"\n", got.Stderr)
		require.Contains(t, got.Stdout, "orders:\nConnect to orders ")
		apitest.JSONEq(t, test.body, server.Requests("AccessRequests.Create")[0].Body)
		lookups := server.Requests("AvailableAccess.ListEntitlements")
		require.Len(t, lookups, test.lookups)
		require.Equal(t, []string{"orders"}, lookups[0].Query["integration_name"])
		require.Equal(t, test.grantee, lookups[0].Query["grantee"])
		require.Equal(t, []string{test.args[1]}, lookups[0].Query["resource_name"])
		require.Equal(t, []string{test.args[3]}, lookups[0].Query["permission_name"])
	}
}

// A name that fits nothing or too much must not become a request for something
// else, and the person should see what to type instead.
func TestNamesThatDoNotFitExactlyOne(t *testing.T) {
	t.Parallel()
	server := newServer(t, approved)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-bundle", "TWICE"}, "several have this name; use an id:\n  Twice: -bundle b2\n  twice: -bundle b3\n"},
		{[]string{"-bundle", "On*"}, "nothing with this name can be requested; these can:\n" +
			"  On call: -bundle b1\n  Twice: -bundle b2\n  twice: -bundle b3\n  Empty: -bundle b4\n"},
		{[]string{"-integration", "orders", "-resource", "main", "-permission", "READ"}, "several have this name; use an id:\n" +
			"  database, main: -resource orders-db -permission READ\n  table, main: -resource orders-table -permission READ\n"},
		{[]string{"-integration", "orders", "-resource", "mian", "-permission", "READ"}, "nothing with this name can be requested; these can:\n" +
			"  database, main: -resource orders-db -permission READ\n  database, main: -resource orders-db -permission WRITE\n" +
			"  table, main: -resource orders-table -permission READ\n"},
		{[]string{"-integration", "oders", "-resource", "main", "-permission", "READ"}, "nothing with this name can be requested\n"},
	} {
		got := process.Run(t, process.Env(server), append(test.args, "-justification", "Fix")...)
		require.Equal(t, process.Result{Stderr: "request-access: " + test.want, Code: 1}, got)
	}
	for i := range 8 {
		server.Put(aponotest.Bundles, apono.Bundle{Name: strings.Repeat("x", i+1), AccessTargets: []apono.BundleTarget{}})
	}
	got := process.Run(t, process.Env(server), "-bundle", "none", "-justification", "Fix")
	require.Equal(t, "request-access: nothing with this name can be requested; 12 others can\n", got.Stderr)
	require.Empty(t, server.Requests("AccessRequests.Create"))
}

// Names that differ only in case are two objects. The exact one is meant, wherever it is
// in the list.
func TestExactNameIsPreferred(t *testing.T) {
	t.Parallel()
	server := newServer(t, approved)
	server.Put(aponotest.PermissionsOf("i-orders"), apono.Permission{ID: "orders-small-write", Name: "write", ResourceType: "database"})
	for _, test := range []struct {
		args []string
		body string
	}{
		{[]string{"-bundle", "Twice"}, `{"bundle_reference": "b2", "justification": "Fix", "custom_fields": {}}`},
		{[]string{"-bundle", "twice"}, `{"bundle_reference": "b3", "justification": "Fix", "custom_fields": {}}`},
		{
			[]string{"-integration", "orders", "-resource", "main", "-permission", "WRITE"},
			`{"entitlements": [{"resource_id": "orders-db", "permission_id": "orders-write"}], "justification": "Fix", "custom_fields": {}}`,
		},
		{
			[]string{"-integration", "orders", "-resource", "main", "-permission", "write"},
			`{"entitlements": [{"resource_id": "orders-db", "permission_id": "orders-small-write"}], "justification": "Fix", "custom_fields": {}}`,
		},
	} {
		got := process.Run(t, process.Env(server), append(test.args, "-justification", "Fix")...)
		require.Zero(t, got.Code, got.Stderr)
		sent := server.Requests("AccessRequests.Create")
		apitest.JSONEq(t, test.body, sent[len(sent)-1].Body)
	}
}

// A server that ignores a filter must lead neither to a request for the wrong
// thing nor to a look at somebody else's one-time password.
func TestResponsesThatWereNotAskedFor(t *testing.T) {
	t.Parallel()
	server := newServer(t, approved)
	server.FaultNext("AvailableAccess.ListEntitlements", 1, aponotest.Fault{Body: `{"items": [{"integration": {"id": "i-people", "name": "people"},
		"resource": {"id": "people-db", "source_id": "", "type": {"id": "database", "label": "database"}, "name": "main"},
		"permission": {"id": "people-write", "source_id": "", "name": "WRITE"}}], "pagination": {"next_page_token": null}}`})
	server.FaultNext("Sessions.List", math.MaxInt, aponotest.Fault{Body: `{"items": [{"id": "s1", "name": "foreign", "request_ids": ["other"],
		"integration": {"id": "i-people", "name": "people"}, "credentials_status": "AVAILABLE", "can_reset_credentials": true}],
		"pagination": {"next_page_token": null}}`})
	got := process.Run(t, process.Env(server), "-integration", "orders", "-resource", "main", "-permission", "WRITE", "-justification", "Fix", "-timeout", "1s")
	require.Equal(t, process.Result{Stderr: "Requested: " + first + "\nWaiting for a session of " + first + ", orders\nGranted, but without a session: " + first + ", orders\n"}, got)
	apitest.JSONEq(t, `{"entitlements": [{"resource_id": "orders-db", "permission_id": "orders-write"}], "justification": "Fix", "custom_fields": {}}`, server.Requests("AccessRequests.Create")[0].Body)
	require.Empty(t, server.Requests("Sessions.GetAccessDetails"))
}

// One submission may become several requests. None may be forgotten, and a
// session that serves two of them is read once.
func TestSeveralRequestsOfOneSubmission(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: "r1", Status: "ACTIVE"}, apono.AccessRequest{ID: "r2", Status: "Granted"},
		apono.AccessRequest{ID: "r3", Status: "REJECTED"}, apono.AccessRequest{ID: "r4", Status: "FAILED"}, apono.AccessRequest{ID: "r5", Status: "ACTIVE"},
		apono.AccessRequest{ID: "r6", Status: "PENDING"})
	server.Put(aponotest.Sessions, apono.AccessSession{ID: "s1", Name: "console", RequestIDs: []string{"r1", "r2"}, CredentialsStatus: "AVAILABLE"})
	server.Put(aponotest.DetailsOf("s1"), map[string]any{
		"instructions": "Open it.", "custom_admin_message": "Be careful.", "cli": "connect s1",
		"link": map[string]string{"url": "https://console.example.com"}, "parameters": map[string]string{"user": "u", "code": "c"},
	})
	var all []string
	for _, id := range []string{"r1", "r2", "r3", "r4", "r5", "r6"} {
		all = append(all, `{"id": "`+id+`", "status": "PENDING", "creation_date": "2026-01-01T00:00:00Z", "custom_fields": {}, "access_groups": []}`)
	}
	server.FaultNext("AccessRequests.Create", 1, aponotest.Fault{Body: "[" + strings.Join(all, ",") + "]"})
	require.Equal(t, process.Result{
		Stdout: "console:\nOpen it.\nBe careful.\nconnect s1\nhttps://console.example.com\ncode: c\nuser: u\n",
		Stderr: "Requested: r1\nRequested: r2\nRequested: r3\nRequested: r4\nRequested: r5\nRequested: r6\n" +
			waited + "Revoked: r6\nWaiting for a session of r5\nGranted, but without a session: r5\n" +
			"request-access: apono: waiting for access request r3: the access request was rejected; its last status was REJECTED\n" +
			"apono: waiting for access request r4: the access request failed; its last status was FAILED\n" +
			"apono: waiting for access request r6: context deadline exceeded: not granted within 500ms; its last status was PENDING\n",
		Code: 1,
	}, process.Run(t, process.Env(server), onCall("-timeout", "500ms")...))
	require.Len(t, server.Requests("Sessions.GetAccessDetails"), 1)
	require.Len(t, server.Requests("AccessRequests.Revoke"), 1)
	require.EqualValues(t, "REVOKED", status(t, server, "r6"))
}

// A request that nobody waits for any more may be approved days later: it goes
// with the program, unless the person wants it to stay. What could not be
// revoked is said.
func TestTimeout(t *testing.T) {
	t.Parallel()
	late := "apono: waiting for access request " + first + ": context deadline exceeded: not granted within 500ms; its last status was PENDING\n"
	for name, test := range map[string]struct {
		args     []string
		fault    aponotest.Fault
		text     string
		ends     apono.AccessRequestStatus
		response string // to the look after the revocation, if not the server's
	}{
		"rejected, and over nevertheless": {nil, aponotest.Fault{Status: 409, Body: "{}"}, "Revoked: " + first + "\nrequest-access: " + late, "PENDING", "REJECTED"},
		"revoked":                         {nil, aponotest.Fault{}, "Revoked: " + first + "\nrequest-access: " + late, "REVOKED", ""},
		"kept":                            {[]string{"-keep", "-poll", "20ms"}, aponotest.Fault{}, "Left open: " + first + "\nrequest-access: " + late, "PENDING", ""},
		"response lost":                   {nil, aponotest.Fault{Break: aponotest.ResponseLost}, "Revoked: " + first + "\nrequest-access: " + late, "REVOKED", ""},
		"rejected": {
			nil, aponotest.Fault{Status: 409, Body: "{}"}, "NOT revoked: " + first + ": apono: " +
				"POST /api/user/v4/access-requests/{id}/revoke: 409 Conflict, request ID fake-4\n" +
				"request-access: " + late + "1 request may remain: revoke it in the Apono portal\n", "PENDING", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			if test.fault.Status != 0 || test.fault.Break != "" {
				server.FaultNext("AccessRequests.Revoke", 1, test.fault)
			}
			if test.response != "" {
				server.FaultNext("AccessRequests.Get", 1, aponotest.Fault{After: 1, Body: `{"id": "` + first + `", "status": "` + test.response + `",
				"creation_date": "2026-01-01T00:00:00Z", "custom_fields": {}, "access_groups": []}`})
			}
			got := process.Run(t, process.Env(server), onCall(append(test.args, "-timeout", "500ms")...)...)
			require.Equal(t, process.Result{Stderr: "Requested: " + first + "\n" + waited + test.text, Code: 1}, got)
			require.Equal(t, test.ends, status(t, server, first))
		})
	}
}

// A person who reads of a rejection would not look for a request that was taken.
func TestSubmissionThatMayHaveBeenTaken(t *testing.T) {
	t.Parallel()
	const note = maybeRequested + "\n"
	for _, test := range []struct {
		fault aponotest.Fault
		noted bool
	}{
		{aponotest.Fault{Break: aponotest.ResponseLost}, true},
		{aponotest.Fault{Break: aponotest.ResponseCut}, true},
		{aponotest.Fault{Status: 502}, true},
		{aponotest.Fault{Body: "[]"}, true},
		{aponotest.Fault{Status: 422, Body: `{"message": "no such field"}`}, false},
	} {
		server := newServer(t)
		server.FaultNext("AccessRequests.Create", 1, test.fault)
		got := process.Run(t, process.Env(server), onCall()...)
		require.Equal(t, 1, got.Code)
		require.Equal(t, test.noted, strings.HasPrefix(got.Stderr, note+"request-access: "))
		require.NotContains(t, got.Stderr, "Requested")
		require.Len(t, server.Requests("AccessRequests.Create"), 1)
	}
}

// Access without its details is access all the same: it says so and does not
// read a second time, which would burn another password.
func TestDetailsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	server := newServer(t, approved)
	server.FaultNext("Sessions.GetAccessDetails", 1, aponotest.Fault{Status: 503})
	got := process.Run(t, process.Env(server), onCall()...)
	require.Equal(t, "people:\nConnect to people as apono-user with the password made-up-2.\npassword: made-up-2\nusername: apono-user\n", got.Stdout)
	require.Contains(t, got.Stderr, "\nrequest-access: session ")
	require.Contains(t, got.Stderr, "GET /api/user/v1/access-sessions/{id}/access-details: 503 Service Unavailable")
	require.Equal(t, 1, got.Code)
	require.Len(t, server.Requests("Sessions.GetAccessDetails"), 2)
}

// Somebody who tries it with -demo gets a company to try it on.
func TestDemo(t *testing.T) {
	t.Parallel()
	process.NeedsToken(t, "-bundle", "orders on-call", "-justification", "Trying")
	const demo = "Using a fake server with demo data.\n"
	got := process.Run(t, nil, "-demo", "-bundle", "orders", "-justification", "Trying")
	require.Contains(t, got.Stderr, demo+"request-access: nothing with this name can be requested; these can:\n  Orders on-call: -bundle bundle-orders\n")
	require.Equal(t, 1, got.Code)
	got = process.Run(t, nil, "-demo", "-bundle", "orders on-call", "-justification", "Trying", "-timeout", "500ms", "-keep")
	require.Equal(t, process.Result{Stderr: demo + "Requested: " + first + "\n" + waited + "Left open: " + first +
		"\nrequest-access: apono: waiting for access request " + first + ": context deadline exceeded: not granted within 500ms; its last status was PENDING\n", Code: 1}, got)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	help := process.Help(t)
	for _, part := range []string{
		"Usage: request-access [flags] [-- COMMAND ARG...]\n", "-bundle", "-field", "-hold", "-keep", "-revoke-after", "10m0s)", "\n  -demo\n", "APONO_TOKEN_FILE", "APONO_SESSION_JSON",
		"\n  request-access -demo -bundle", "\n  1    access was not granted, cannot be used, or may remain\n",
		"\n  130  interrupted; the output says what was revoked and what may remain\n",
	} {
		require.Contains(t, help, part)
	}
	const parts = "request-access: either -bundle, or -integration, -resource and -permission must be set; see -h\n"
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, parts},
		{[]string{"-bundle", "b", "-resource", "r"}, parts},
		{[]string{"-integration", "i", "-resource", "r"}, parts},
		{[]string{"-bundle", "b", "-integration", "i", "-resource", "r", "-permission", "p"}, parts},
		{[]string{"-bundle", "b"}, "request-access: -justification is required; see -h\n"},
		{onCall("-duration", "1500ms"), "request-access: -duration must be whole seconds, -timeout, -poll and -grace must be positive, and -revoke-after must not be negative; see -h\n"},
		{onCall("-timeout", "0"), "request-access: -duration must be whole seconds, -timeout, -poll and -grace must be positive, and -revoke-after must not be negative; see -h\n"},
		{onCall("-hold", "-keep"), "request-access: -keep cannot be used with -hold, -revoke-after or COMMAND; see -h\n"},
		{onCall("-hold", "--", "/bin/sh"), "request-access: -hold cannot be used with COMMAND; see -h\n"},
		{onCall("-json", "--", "/bin/sh"), "request-access: -json cannot be used with COMMAND, which has APONO_SESSION_JSON; see -h\n"},
		{onCall("-session", "orders"), "request-access: -session can only be used with COMMAND; see -h\n"},
		{onCall("--"), "request-access: COMMAND must follow --; see -h\n"},
		{onCall("--", "./no-such"), "request-access: exec: \"./no-such\": stat ./no-such: no such file or directory; see -h\n"},
	} {
		require.Equal(t, process.Result{Stderr: test.want, Code: 2}, process.Run(t, process.Env(server), test.args...))
	}
	got := process.Run(t, process.Env(server), onCall("-field", "ticket")...)
	require.Contains(t, got.Stderr, `invalid value "ticket" for flag -field: must be id=value`)
	require.Equal(t, 2, got.Code)
	require.Empty(t, server.Requests())
}

func TestRevokeSaved(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: "r1", Status: "ACTIVE"}, apono.AccessRequest{ID: "r2", Status: "PENDING"})
	saved := filepath.Join(t.TempDir(), "requests")
	require.NoError(t, os.WriteFile(saved, []byte("r1\r\nunknown\n\nr2"), 0o600))
	got := process.Run(t, process.Env(server), "-revoke", saved)
	require.Equal(t, 1, got.Code)
	require.Contains(t, got.Stderr, "Revoked: r1\nNOT revoked: unknown: apono: POST /api/user/v4/access-requests/{id}/revoke: 404 Not Found")
	require.Contains(t, got.Stderr, "\nRevoked: r2\nrequest-access: 1 request may remain: revoke it in the Apono portal\n")
	require.EqualValues(t, "REVOKED", status(t, server, "r1"))
	require.EqualValues(t, "REVOKED", status(t, server, "r2"))

	require.NoError(t, os.WriteFile(saved, nil, 0o600))
	got = process.Run(t, process.Env(server), "-revoke", saved)
	require.Equal(t, process.Result{Stderr: "No requests in " + saved + ".\n"}, got)
	require.NoError(t, os.WriteFile(saved, bytes.Repeat([]byte("r1\n"), 1<<19), 0o600))
	got = process.Run(t, process.Env(server), "-revoke", saved)
	require.Equal(t, process.Result{Stderr: "request-access: " + saved + " has more than 1048576 bytes\n", Code: 1}, got)
	for _, args := range [][]string{{"-revoke", saved, "-hold"}, {"-revoke", saved, "--", "/bin/sh"}} {
		got = process.Run(t, process.Env(server), args...)
		require.Equal(t, process.Result{Stderr: "request-access: -revoke cannot be used with other flags or COMMAND; see -h\n", Code: 2}, got)
	}
	missing := filepath.Join(t.TempDir(), "no", "such")
	for _, args := range [][]string{{"-revoke", missing}, onCall("-save", missing)} {
		got = process.Run(t, process.Env(server), args...)
		require.Equal(t, process.Result{Stderr: "request-access: open " + missing + ": no such file or directory\n", Code: 1}, got)
	}
	require.Empty(t, server.Requests("AccessRequests.Create"))
}

// Access whose ID cannot be saved does not remain.
func TestFailedSaveRevokes(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{onCall("-save", "/dev/full"), onCall("-save", "/dev/full", "-revoke-after", "1s")} {
		server := newServer(t, approved)
		got := process.Run(t, process.Env(server), args...)
		require.Equal(t, 1, got.Code)
		require.Contains(t, got.Stderr, "Revoked: "+first+"\nrequest-access: write /dev/full: no space left on device\n")
		require.EqualValues(t, "REVOKED", status(t, server, first))
	}
}
