package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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
		Stdout: plan, Stderr: "Group \"On call\": 2 added, 2 removed.\n",
	}, process.Run(t, process.Env(server), "-group", "on CALL", "-yes", path))
	require.ElementsMatch(t, []string{addAda, addDan, dropCarl, dropEve}, writes(server))
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
	result := process.Run(t, process.Env(server), "-group", "On call", "-yes", "-parallel", "1", path)
	require.Equal(t, "+ ada@example.com: apono: PUT /api/admin/v1/groups/{id}/members/{email}: 422 Unprocessable Entity: no such user, request ID fake-5\n"+
		"- Carl@example.com: apono: DELETE /api/admin/v1/groups/{id}/members/{email}: 403 Forbidden, request ID fake-7\n"+
		"Group \"On call\": 1 added, 1 removed, 2 failed.\n"+
		"sync-group: not complete: the token needs more permissions\n", result.Stderr)
	require.Equal(t, 1, result.Code)
	require.ElementsMatch(t, []string{addAda, addDan, dropCarl, dropEve}, writes(server))

	result = process.Run(t, process.Env(server), "-group", "On call", "-yes", path)
	require.Equal(t, process.Result{
		Stdout: "+ ada@example.com\n- Carl@example.com\n", Stderr: "Group \"On call\": 1 added, 1 removed.\n",
	}, result)
	require.ElementsMatch(t, []string{addAda, dropCarl}, writes(server)[4:])
}

// Nothing is changed if the list of members cannot be read to its end.
func TestIncompleteListChangesNothing(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.FaultNext("Groups.ListMembers", 1, aponotest.Fault{After: 1, Status: 403})
	require.Equal(t, process.Result{
		Stderr: "sync-group: the token has no permission for this: apono: GET /api/admin/v1/groups/{id}/members: 403 Forbidden, request ID fake-3\n", Code: 1,
	}, process.Run(t, process.Env(server), "-group", "On call", "-yes", fileOf(t, wanted)))
	require.Equal(t, []string{}, writes(server))
}

// An interrupt lets the calls that are running end and starts no others. The program
// tells what is done and what is not, and the next run does the rest.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	server, path := newServer(t), fileOf(t, wanted)
	arrived, release := make(chan struct{}), make(chan struct{})
	env := process.Behind(t, server, func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/Dan+night@example.com") {
			close(arrived)
			<-release
		}
		return false
	})
	cmd := process.Command(t, env, "-group", "On call", "-yes", "-parallel", "1", path)
	rest := process.StopDuringCall(t, cmd, os.Interrupt, arrived, release)
	require.Equal(t, "done: + ada@example.com\ndone: + Dan+night@example.com\nnot done: - Carl@example.com\nnot done: - eve@example.com\n"+
		"Stopped after 2 of 4 changes. Run the same command to continue.\nsync-group: interrupted\n", rest)
	require.Equal(t, []string{addAda, addDan}, writes(server))

	require.Equal(t, process.Result{
		Stdout: "- Carl@example.com\n- eve@example.com\n", Stderr: "Group \"On call\": 2 removed.\n",
	}, process.Run(t, process.Env(server), "-group", "On call", "-yes", path))
}

// Calls run side by side, as many as -parallel allows, also additions with removals. The
// order of the output does not change.
func TestParallel(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	var mu sync.Mutex
	running, most := 0, 0
	all := make(chan struct{}) // ends when three changes have come
	env := process.Behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == "GET" {
			return false
		}
		mu.Lock()
		if running++; running == 3 && most < 3 {
			close(all)
		}
		most = max(most, running)
		mu.Unlock()
		select {
		case <-all:
		case <-time.After(20 * time.Second):
			t.Error("only one change at a time")
		}
		server.ServeHTTP(w, r)
		mu.Lock()
		running--
		mu.Unlock()
		return true
	})
	server.FaultNext("Groups.RemoveMember", 2, aponotest.Fault{Status: 403})
	got := process.Run(t, env, "-group", "On call", "-yes", "-parallel", "3", fileOf(t, wanted))
	require.Equal(t, 3, most)
	require.Regexp(t, `^- Carl@example.com: .*\n- eve@example.com: .*\nGroup "On call": 2 added, 2 failed.\nsync-group: not complete: the token needs more permissions\n$`, got.Stderr)
	require.Equal(t, 1, got.Code)
	require.Equal(t, process.Result{Stderr: "sync-group: -parallel must be at least 1; see -h\n", Code: 2},
		process.Run(t, nil, "-group", "On call", "-parallel", "0", "members.txt"))
}

// The members that are read in the end tell what is done, not the responses: a 404 of a
// gateway is none, and a member whom somebody else removed is removed.
func TestChangesAreConfirmed(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, server *aponotest.Server, step func(w http.ResponseWriter, r *http.Request) bool) process.Result {
		t.Helper()
		return process.Run(t, process.Behind(t, server, step), "-group", "On call", "-yes", fileOf(t, wanted))
	}
	none := func(http.ResponseWriter, *http.Request) bool { return false }
	t.Run("page of a gateway", func(t *testing.T) {
		t.Parallel()
		server := newServer(t)
		server.FaultNext("Groups.RemoveMember", 2, aponotest.Fault{Status: 404, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html><title>Sorry</title></html>"})
		got := run(t, server, none)
		require.Equal(t, 1, got.Code)
		require.Contains(t, got.Stderr, `- Carl@example.com: apono: DELETE /api/admin/v1/groups/{id}/members/{email}: 404 Not Found: an HTML page titled "Sorry"`)
		require.Contains(t, got.Stderr, "Group \"On call\": 2 added, 2 failed.\nsync-group: not complete: run the command again\n")
	})
	t.Run("gone in the meantime", func(t *testing.T) {
		t.Parallel()
		server := newServer(t)
		got := run(t, server, func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == "DELETE" {
				server.ServeHTTP(httptest.NewRecorder(), r.Clone(r.Context()))
			}
			return false
		})
		require.Equal(t, "Group \"On call\": 2 added, 2 removed.\n", got.Stderr)
		require.Zero(t, got.Code)
	})
	t.Run("accepted without effect", func(t *testing.T) {
		t.Parallel()
		server := newServer(t)
		server.FaultNext("Groups.RemoveMember", 2, aponotest.Fault{Status: 204})
		server.FaultNext("Groups.AddMember", 2, aponotest.Fault{Status: 204})
		got := run(t, server, none)
		const ignored = ": Apono accepted the change but does not show it\n"
		require.Equal(t, "+ ada@example.com"+ignored+"+ Dan+night@example.com"+ignored+"- Carl@example.com"+ignored+"- eve@example.com"+ignored+
			"Group \"On call\": 4 failed.\nsync-group: not complete: run the command again\n", got.Stderr)
		require.Equal(t, 1, got.Code)
	})
	t.Run("members cannot be read again", func(t *testing.T) {
		t.Parallel()
		server := newServer(t)
		server.FaultNext("Groups.ListMembers", 1, aponotest.Fault{After: 2, Status: 403}) // two pages
		got := run(t, server, none)
		require.Equal(t, "Group \"On call\": 2 added, 2 removed.\n"+
			"sync-group: the token has no permission for this: cannot confirm the changes: apono: GET /api/admin/v1/groups/{id}/members: 403 Forbidden, request ID fake-9\n", got.Stderr)
		require.Equal(t, 1, got.Code)
	})
}

// Only a list without the group, or the API's own 404, means that there is no group.
func TestNotFoundIsNotMissing(t *testing.T) {
	t.Parallel()
	server, path := newServer(t), fileOf(t, wanted)
	html := http.Header{"Content-Type": {"text/html"}}
	server.FaultNext("Groups.List", 1, aponotest.Fault{Status: 404, Header: html, Body: "<html>"})
	got := process.Run(t, process.Env(server), "-group", "On call", "-create", "-yes", path)
	require.Equal(t, process.Result{
		Stderr: "sync-group: apono: GET /api/admin/v1/groups: 404 Not Found: an HTML page instead of JSON: a proxy or gateway may have responded, request ID fake-1; check the base URL in APONO_ENDPOINT or WithBaseURL\n", Code: 1,
	}, got)
	server.FaultNext("Groups.Get", 1, aponotest.Fault{Status: 404, Header: html, Body: "<html>"})
	got = process.Run(t, process.Env(server), "-group-id", "g1", "-yes", path)
	require.Contains(t, got.Stderr, "an HTML page instead of JSON")
	require.Equal(t, 1, got.Code)
	require.Empty(t, writes(server))
}

// An alias stands for the user, in the file and among the members.
func TestAliases(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.Put(aponotest.Users,
		apono.User{ID: "u1", Email: "ada@example.com", EmailAliases: []string{"ada.old@example.com", "ada.byron@example.com"}},
		apono.User{ID: "u2", Email: "Bob@example.com", EmailAliases: []string{"bob.old@example.com", "shared@example.com"}},
		apono.User{ID: "u3", Email: "carl@example.com", EmailAliases: []string{"carl.old@example.com", "shared@example.com"}},
		apono.User{ID: "u4", Email: "eve@example.com", EmailAliases: []string{"ada@example.com"}})
	server.Put(aponotest.MembersOf("g1"), apono.GroupMember{Email: "carl.OLD@example.com"})
	sync := func(text string) process.Result {
		return process.Run(t, process.Env(server), "-group", "On call", "-yes", fileOf(t, text))
	}
	// Bob and Frida stay; Ada is added once; every address of Carl is removed.
	require.Equal(t, process.Result{
		Stdout: "+ ada@example.com (ADA.old@example.com in the file)\n- carl.OLD@example.com\n- Carl@example.com\n- eve@example.com\n",
		Stderr: "Group \"On call\": 1 added, 3 removed.\n",
	}, sync("bob.old@example.com\nfrida@example.com\nADA.old@example.com\nada.byron@example.com\n"))
	require.True(t, holds(server, "ada@example.com"))
	require.False(t, holds(server, "carl.OLD@example.com"))

	// Two users share an alias, so it stands for neither.
	require.Equal(t, process.Result{
		Stdout: "+ shared@example.com\n- BOB@example.com\n", Stderr: "Group \"On call\": 1 added, 1 removed.\n",
	}, sync("shared@example.com\nfrida@example.com\nada@example.com\n"))

	// Without the users, it is not known what to change.
	server.FaultNext("Users.List", 1, aponotest.Fault{Status: 403})
	got := sync("bob@example.com\n")
	require.Contains(t, got.Stderr, "cannot tell which addresses belong to the same user: ")
	require.Equal(t, 1, got.Code)
	require.Empty(t, got.Stdout)
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
		Stderr: "Group \"On call\": 4 removed.\n",
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
		Stdout: "+ ada@example.com\n+ zoe@example.com\n", Stderr: "Created group \"Other\".\nGroup \"Other\": 2 added.\n",
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
		Stderr: "Group \"On call\": 2 added, 2 removed.\n",
	}, process.Run(t, process.Env(server), "-group-id", "g1", "-yes", path))
	require.ElementsMatch(t, []string{addAda, addDan, dropCarl, dropEve}, writes(server))
	require.Equal(t, process.Result{
		Stderr: "sync-group: there is no group with the ID \"g9\"\n", Code: 1,
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
		Stdout: "- BOB@example.com\n- Carl@example.com\n- eve@example.com\n", Stderr: "Group \"On call\": 3 removed.\n",
	}, process.RunWith(t, "\ufefffrida@example.com\r\n", process.Env(server), args...))

	// Standard input is in use, so the program cannot ask there.
	result := process.RunWith(t, "zoe@example.com\n", process.Env(server), "-group", "On call", "-")
	require.Equal(t, process.Result{Stdout: "+ zoe@example.com\n- frida@example.com\n", Stderr: noTerminal, Code: 3}, result)

	require.Equal(t, process.Result{Stderr: "sync-group: standard input, line 2: not a single e-mail address\n", Code: 1},
		process.RunWith(t, "zoe@example.com\nada\n", process.Env(server), args...))

	endless, err := os.Open("/dev/zero")
	require.NoError(t, err)
	defer endless.Close()
	cmd := process.Command(t, process.Env(server), args...)
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = endless, &stderr
	require.Error(t, cmd.Run())
	require.Equal(t, "sync-group: standard input has more than 16777216 bytes\n", stderr.String())
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	require.Len(t, writes(server), 3)
}

// What the server sends cannot act on a terminal.
func TestAddressesAreCleaned(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.Put(aponotest.MembersOf("g1"), apono.GroupMember{Email: "x\x1b[2J\u202e\n+ y@example.com"})
	got := process.Run(t, process.Env(server), "-group", "On call", fileOf(t, wanted))
	require.Contains(t, got.Stdout, "\n- x\\u001b[2J\\u202e + y@example.com\n")
}

func TestDemo(t *testing.T) {
	t.Parallel()
	process.NeedsToken(t, "-group", "orders", "-yes", fileOf(t, "zoe@example.com\n"))
	path := fileOf(t, "Ada.Orders@example.com\nben.orders@example.com\nzoe@example.com\n")
	require.Equal(t, process.Result{
		Stdout: "+ zoe@example.com\n- chen.orders@example.com\n- dana.orders@example.com\n- elif.orders@example.com\n- femi.orders@example.com\n" +
			"- grace.orders@example.com\n- hugo.orders@example.com\n- ines.orders@example.com\n- jonas.orders@example.com\n",
		Stderr: demo + "Group \"orders\": 1 added, 8 removed.\n",
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
		Stderr: "sync-group: -create needs -group: Apono assigns the ID; see -h\n", Code: 2,
	}, process.Run(t, nil, "-group-id", "b", "-create", "members.txt"))
	missing := filepath.Join(t.TempDir(), "none.txt")
	require.Equal(t, process.Result{
		Stderr: "sync-group: open " + missing + ": no such file or directory\n", Code: 1,
	}, process.Run(t, nil, "-group", "orders", missing))
	help := process.Help(t)
	for _, part := range []string{
		"Usage: sync-group [flags] FILE", "-group name", "-group-id ID", "-yes", "-create", "-allow-empty", "-parallel number",
		"  3    changes are needed and were not confirmed\n", "  sync-group -demo -group orders members.txt\n",
	} {
		require.Contains(t, help, part)
	}
}
