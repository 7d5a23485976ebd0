package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { process.Main(m, main) }

const (
	demo       = "Using a fake server with demo data.\n"
	noTerminal = "Nothing was changed: cannot ask for confirmation without a terminal; use -yes.\n"
	addAda     = "PUT /api/admin/v1/groups/g1/members/ada@example.com"
	addDan     = "PUT /api/admin/v1/groups/g1/members/Dan+night@example.com"
	dropCarl   = "DELETE /api/admin/v1/groups/g1/members/Carl@example.com"
	dropEve    = "DELETE /api/admin/v1/groups/g1/members/eve@example.com"
)

// newServer returns a server with pages of three items. It has the group "On call"
// with four members and a group that an identity provider manages.
func newServer(t *testing.T) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, aponotest.WithPageSize(3))
	server.Put(aponotest.Groups,
		apono.Group{ID: "g1", Name: "On call"},
		apono.Group{ID: "g2", Name: "Engineers", SourceIntegrationID: new("okta-1")})
	for _, email := range []string{"eve@example.com", "BOB@example.com", "Carl@example.com", "frida@example.com"} {
		server.Put(aponotest.MembersOf("g1"), apono.GroupMember{Email: email})
	}
	return server
}

// wanted is a file that adds two members to "On call" and removes two.
const wanted = "\ufeff# the rota\r\n\r\nbob@example.com\nDan+night@example.com  # nights\n\tfrida@example.com\nada@example.com\nADA@example.com\n"

func fileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "members.txt")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// writes returns the requests other than GET.
func writes(server *aponotest.Server) []string {
	lines := []string{}
	for _, r := range server.Requests() {
		if r.Method != "GET" {
			lines = append(lines, strings.TrimSpace(r.Method+" "+r.Path+" "+r.Body))
		}
	}
	return lines
}

func holds(server *aponotest.Server, email string) bool {
	var member apono.GroupMember
	return server.Get(aponotest.MembersOf("g1"), email, &member)
}

// Members whose addresses differ from the file only in case are neither added nor
// removed.
func TestSync(t *testing.T) {
	t.Parallel()
	server, path := newServer(t), fileOf(t, wanted)
	const plan = "+ ada@example.com\n+ Dan+night@example.com\n- Carl@example.com\n- eve@example.com\n"
	require.Equal(t, process.Result{Stdout: plan, Stderr: noTerminal, Code: 3}, process.Run(t, process.Env(server), "-group", "on CALL", path))
	require.Equal(t, []string{}, writes(server))

	require.Equal(t, process.Result{
		Stdout: plan, Stderr: "Group \"On call\": 2 added, 2 removed, 0 failed.\n",
	}, process.Run(t, process.Env(server), "-group", "on CALL", "-yes", path))
	require.Equal(t, []string{addAda, addDan, dropCarl, dropEve}, writes(server))
	for email, member := range map[string]bool{
		"ada@example.com": true, "Dan+night@example.com": true, "BOB@example.com": true, "frida@example.com": true,
		"Carl@example.com": false, "eve@example.com": false, "bob@example.com": false, "ADA@example.com": false,
	} {
		require.Equalf(t, member, holds(server, email), "whether %s is a member, want %v", email, member)
	}

	require.Equal(t, process.Result{
		Stderr: "Nothing to change: group \"On call\" has the 4 members of " + path + ".\n",
	}, process.Run(t, process.Env(server), "-group", "On call", "-yes", path))
	require.Len(t, writes(server), 4)
}

// The program continues after a failed change, exits with code 1, and applies the
// failed changes in the next run.
func TestFailedChangeDoesNotStopRun(t *testing.T) {
	t.Parallel()
	server, path := newServer(t), fileOf(t, wanted)
	server.FaultNext("Groups.AddMember", 1, aponotest.Fault{Status: 422, Body: `{"message": "no such user"}`})
	server.FaultNext("Groups.RemoveMember", 1, aponotest.Fault{Status: 403})
	result := process.Run(t, process.Env(server), "-group", "On call", "-yes", path)
	require.Equal(t, "+ ada@example.com: apono: PUT /api/admin/v1/groups/{id}/members/{email}: 422 Unprocessable Entity: no such user, request id fake-4\n"+
		"- Carl@example.com: apono: DELETE /api/admin/v1/groups/{id}/members/{email}: 403 Forbidden, request id fake-6\n"+
		"Group \"On call\": 1 added, 1 removed, 2 failed.\n"+
		"sync-group: 2 of 4 changes failed: run the command again to retry them\n", result.Stderr)
	require.Equal(t, 1, result.Code)
	require.Equal(t, []string{addAda, addDan, dropCarl, dropEve}, writes(server))

	result = process.Run(t, process.Env(server), "-group", "On call", "-yes", path)
	require.Equal(t, process.Result{
		Stdout: "+ ada@example.com\n- Carl@example.com\n", Stderr: "Group \"On call\": 1 added, 1 removed, 0 failed.\n",
	}, result)
	require.Equal(t, []string{addAda, dropCarl}, writes(server)[4:])
}

// Nothing is changed if the list of members cannot be read to its end.
func TestIncompleteListChangesNothing(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.FaultNext("Groups.ListMembers", 1, aponotest.Fault{After: 1, Status: 403})
	require.Equal(t, process.Result{
		Stderr: "sync-group: the token has no permission for this: apono: GET /api/admin/v1/groups/{id}/members: 403 Forbidden, request id fake-3\n", Code: 1,
	}, process.Run(t, process.Env(server), "-group", "On call", "-yes", fileOf(t, wanted)))
	require.Equal(t, []string{}, writes(server))
}

func TestRunAfterInterruptContinues(t *testing.T) {
	t.Parallel()
	server, path := newServer(t), fileOf(t, wanted)
	arrived := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/Dan+night@example.com") {
			close(arrived)
			<-r.Context().Done()
			return
		}
		server.ServeHTTP(w, r)
	}))
	defer slow.Close()
	cmd := process.Command(t, []string{"APONO_TOKEN=" + server.Token, "APONO_ENDPOINT=" + slow.URL}, "-group", "On call", "-yes", path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	<-arrived
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	_ = cmd.Wait()
	require.Equal(t, 130, cmd.ProcessState.ExitCode())
	require.Equal(t, "Stopped at + Dan+night@example.com. Run the same command to continue.\nsync-group: interrupted\n", stderr.String())
	require.Equal(t, []string{addAda}, writes(server))

	require.Equal(t, process.Result{
		Stdout: "+ Dan+night@example.com\n- Carl@example.com\n- eve@example.com\n", Stderr: "Group \"On call\": 1 added, 2 removed, 0 failed.\n",
	}, process.Run(t, process.Env(server), "-group", "On call", "-yes", path))
}

func TestGroupOfIdentityProviderIsRejected(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	require.Equal(t, process.Result{
		Stderr: "sync-group: group \"Engineers\" comes from the integration okta-1: change its members there\n", Code: 1,
	}, process.Run(t, process.Env(server), "-group", "Engineers", "-yes", "-create", fileOf(t, wanted)))
	require.Len(t, server.Requests(), 1)
}

func TestEmptyFileNeedsFlag(t *testing.T) {
	t.Parallel()
	server, path := newServer(t), fileOf(t, "# nobody\n\n")
	require.Equal(t, process.Result{
		Stderr: "sync-group: " + path + " has no addresses: use -allow-empty to remove all members\n", Code: 1,
	}, process.Run(t, process.Env(server), "-group", "On call", "-yes", path))
	require.Empty(t, server.Requests())
	result := process.Run(t, process.Env(server), "-group", "On call", "-yes", "-allow-empty", path)
	require.Equal(t, process.Result{
		Stdout: "- BOB@example.com\n- Carl@example.com\n- eve@example.com\n- frida@example.com\n",
		Stderr: "Group \"On call\": 0 added, 4 removed, 0 failed.\n",
	}, result)
	require.False(t, holds(server, "eve@example.com"), "the group must be empty")
}

// A file with an invalid line changes nothing.
func TestInvalidAddressIsRejected(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for _, line := range []string{"ada", "ada@", "a@example.com b@example.com", "a@example.com,b@example.com", "<ada@example.com>", "Ada <ada@example.com>"} {
		path := fileOf(t, "bob@example.com\n"+line+"\n")
		require.Equal(t, process.Result{
			Stderr: "sync-group: " + path + ", line 2: not a single e-mail address\n", Code: 1,
		}, process.Run(t, process.Env(server), "-group", "On call", "-yes", path))
	}
	require.Empty(t, server.Requests())
}

func TestCreate(t *testing.T) {
	t.Parallel()
	server, path := newServer(t), fileOf(t, "zoe@example.com\nada@example.com\n")
	args := []string{"-group", "New", "-yes", path}
	require.Equal(t, process.Result{
		Stderr: "sync-group: there is no group \"New\": use -create to create it\n", Code: 1,
	}, process.Run(t, process.Env(server), args...))
	args = append([]string{"-create"}, args...)
	// The response is lost, but the group exists and the next run finds it.
	server.FaultNext("Groups.Create", 1, aponotest.Fault{Break: aponotest.ResponseLost})
	result := process.Run(t, process.Env(server), args...)
	require.Equal(t, "+ ada@example.com\n+ zoe@example.com\n", result.Stdout)
	require.Equal(t, 1, result.Code)
	require.Equal(t, []string{`POST /api/admin/v1/groups {"name":"New","members_emails":["ada@example.com","zoe@example.com"]}`}, writes(server))
	require.Equal(t, process.Result{
		Stderr: "Nothing to change: group \"New\" has the 2 members of " + path + ".\n",
	}, process.Run(t, process.Env(server), args...))

	args[2] = "Other"
	require.Equal(t, process.Result{
		Stdout: "+ ada@example.com\n+ zoe@example.com\n", Stderr: "Created group \"Other\" with 2 members.\n",
	}, process.Run(t, process.Env(server), args...))
	args[2] = "Third"
	require.Equal(t, process.Result{
		Stdout: "+ ada@example.com\n+ zoe@example.com\n", Stderr: noTerminal, Code: 3,
	}, process.Run(t, process.Env(server), append(args[:3:3], path)...))
	require.Len(t, writes(server), 2)
}

// An id selects one of two groups with the same name.
func TestGroupByID(t *testing.T) {
	t.Parallel()
	server, path := newServer(t), fileOf(t, wanted)
	server.Put(aponotest.Groups, apono.Group{ID: "g3", Name: "On call"})
	require.Equal(t, 1, process.Run(t, process.Env(server), "-group", "On call", "-yes", path).Code)
	require.Equal(t, process.Result{
		Stdout: "+ ada@example.com\n+ Dan+night@example.com\n- Carl@example.com\n- eve@example.com\n",
		Stderr: "Group \"On call\": 2 added, 2 removed, 0 failed.\n",
	}, process.Run(t, process.Env(server), "-group-id", "g1", "-yes", path))
	require.Equal(t, []string{addAda, addDan, dropCarl, dropEve}, writes(server))
	require.Equal(t, process.Result{
		Stderr: "sync-group: there is no group with the id \"g9\"\n", Code: 1,
	}, process.Run(t, process.Env(server), "-group-id", "g9", "-yes", path))
	require.Equal(t, process.Result{
		Stderr: "sync-group: group \"Engineers\" comes from the integration okta-1: change its members there\n", Code: 1,
	}, process.Run(t, process.Env(server), "-group-id", "g2", "-yes", path))
}

// Standard input can hold the addresses, up to a maximum size.
func TestStandardInput(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	args := []string{"-group", "On call", "-yes", "-"}
	require.Equal(t, process.Result{
		Stdout: "- BOB@example.com\n- Carl@example.com\n- eve@example.com\n", Stderr: "Group \"On call\": 0 added, 3 removed, 0 failed.\n",
	}, process.RunWith(t, "\ufefffrida@example.com\r\n", process.Env(server), args...))

	// Standard input is in use, so the program cannot ask there.
	result := process.RunWith(t, "zoe@example.com\n", process.Env(server), "-group", "On call", "-")
	require.Equal(t, process.Result{Stdout: "+ zoe@example.com\n- frida@example.com\n", Stderr: noTerminal, Code: 3}, result)

	endless, err := os.Open("/dev/zero")
	require.NoError(t, err)
	defer endless.Close()
	cmd := process.Command(t, process.Env(server), args...)
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = endless, &stderr
	require.Error(t, cmd.Run())
	require.Equal(t, "sync-group: - is larger than 16 MiB\n", stderr.String())
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	require.Len(t, writes(server), 3)
}

func TestDemoSyncsDemoTenant(t *testing.T) {
	t.Parallel()
	process.NeedsToken(t, "-group", "orders", "-yes", fileOf(t, "zoe@example.com\n"))
	path := fileOf(t, "Ada.Orders@example.com\nben.orders@example.com\nzoe@example.com\n")
	require.Equal(t, process.Result{
		Stdout: "+ zoe@example.com\n- chen.orders@example.com\n- dana.orders@example.com\n- elif.orders@example.com\n- femi.orders@example.com\n" +
			"- grace.orders@example.com\n- hugo.orders@example.com\n- ines.orders@example.com\n- jonas.orders@example.com\n",
		Stderr: demo + "Group \"orders\": 1 added, 8 removed, 0 failed.\n",
	}, process.Run(t, nil, "-demo", "-group", "orders", "-yes", path))
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	require.Equal(t, process.Result{
		Stderr: "sync-group: expected 1 argument, got 0; see -h\n", Code: 2,
	}, process.Run(t, nil, "-group", "orders"))
	for _, args := range [][]string{{"members.txt"}, {"-group", "a", "-group-id", "b", "members.txt"}} {
		require.Equal(t, process.Result{Stderr: "sync-group: set either -group or -group-id; see -h\n", Code: 2}, process.Run(t, nil, args...))
	}
	require.Equal(t, process.Result{
		Stderr: "sync-group: -create needs -group: Apono assigns the id; see -h\n", Code: 2,
	}, process.Run(t, nil, "-group-id", "b", "-create", "members.txt"))
	missing := filepath.Join(t.TempDir(), "none.txt")
	require.Equal(t, process.Result{
		Stderr: "sync-group: open " + missing + ": no such file or directory\n", Code: 1,
	}, process.Run(t, nil, "-group", "orders", missing))
	help := process.Help(t)
	for _, part := range []string{
		"Usage: sync-group [flags] FILE", "-group name", "-group-id id", "-yes", "-create", "-allow-empty",
	} {
		require.Contains(t, help, part)
	}
}
