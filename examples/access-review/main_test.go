package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { process.Main(m, main) }

// careful returns an access flow that gets no flags.
func careful(name string) map[string]any {
	return map[string]any{
		"id": name, "name": name, "active": true, "trigger": "SELF_SERVE", "creation_date": "2026-01-01T00:00:00Z", "grant_duration_in_min": 90,
		"requestors":     object("OR", condition("group", nil, "g1")),
		"access_targets": []any{target("orders", "READ")},
		"settings":       settings(true, "production"),
		"approver_policy": map[string]any{"approval_mode": "ANY_OF", "approver_groups": []any{
			map[string]any{"logical_operator": "OR", "approvers": []any{condition("user", "is", "boss@example.com")}},
		}},
	}
}

func object(operator string, conditions ...any) map[string]any {
	return map[string]any{"logical_operator": operator, "conditions": conditions}
}

func condition(kind string, operator any, values ...string) map[string]any {
	c := map[string]any{"type": kind}
	if operator != nil {
		c["match_operator"] = operator
	}
	if len(values) > 0 {
		c["values"] = values
	}
	return c
}

func target(integration string, permissions ...string) map[string]any {
	return map[string]any{"integration": map[string]any{
		"integration_id": integration + "-id", "integration_name": integration, "resource_type": "mysql-database", "permissions": permissions,
	}}
}

func settings(mfa bool, labels ...string) map[string]any {
	return map[string]any{"justification_required": false, "require_approver_reason": false, "requestor_cannot_approve_himself": true, "require_mfa": mfa, "labels": labels}
}

// with sets members of a flow; a nil value removes the member.
func with(flow map[string]any, members map[string]any) map[string]any {
	for name, value := range members {
		if flow[name] = value; value == nil {
			delete(flow, name)
		}
	}
	return flow
}

// lines runs the program with -format csv and returns the lines after the header.
func lines(t *testing.T, server *aponotest.Server, args ...string) []string {
	t.Helper()
	got := process.Run(t, process.Env(server), append([]string{"-format", "csv"}, args...)...)
	require.Zero(t, got.Code)
	all := strings.Split(strings.TrimSuffix(got.Stdout, "\n"), "\n")
	require.Equal(t, "FLOW,SPACE,STATE,TRIGGER,REQUESTOR,FOR,BUNDLE,TARGET,RESOURCES,PERMISSIONS,DURATION,FLAGS", all[0])
	return all[1:]
}

// The list has a row for every requestor and target, including the targets of
// bundles, and the identities that access can be requested for.
func TestAllRequestorsAndTargetsAreListed(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithPageSize(1))
	scope := map[string]any{"access_scope": map[string]any{"access_scope_id": "s1", "access_scope_name": "Databases"}}
	narrowed := target("people", "READ", "WRITE")
	narrowed["integration"].(map[string]any)["resources_scopes"] = []any{
		map[string]any{"scope_mode": "include_resources", "type": "TAG", "key": "env", "values": []string{"prod", "qa"}},
		map[string]any{"scope_mode": "exclude_resources", "type": "NAME", "values": []string{"tmp"}},
	}
	server.Put(aponotest.Bundles,
		map[string]any{"id": "b1", "name": "Night shift", "access_targets": []any{narrowed, scope}},
		map[string]any{"id": "b2", "name": "Empty", "access_targets": []any{}})
	bundle := func(id, name string) map[string]any {
		return map[string]any{"bundle": map[string]any{"bundle_id": id, "bundle_name": name}}
	}
	server.Put(aponotest.AccessFlows,
		with(careful("either"), map[string]any{
			"requestors":     object("OR", condition("group", "is", "g1", "g2"), condition("Owner", nil)),
			"access_targets": []any{target("orders", "READ"), bundle("b1", "Night shift")},
		}),
		with(careful("both"), map[string]any{
			"requestors":     object("AND", condition("team", "is_not", "ops"), condition("city", "starts_with", "Ber")),
			"access_targets": []any{bundle("b2", "Empty"), bundle("b3", "Gone"), scope},
			"request_for": map[string]any{
				"request_scopes": []string{"self", "others"}, "grantees": object("OR", condition("user", nil, "a@example.com"), condition("group", "is", "g9")),
			},
		}),
		with(careful("nothing"), map[string]any{"requestors": object("OR"), "access_targets": []any{}, "trigger": "AUTOMATIC"}),
	)
	require.Equal(t, []string{
		`either,,active,SELF_SERVE,"group g1, g2",self,,orders,mysql-database,READ,1h30m0s,`,
		`either,,active,SELF_SERVE,"group g1, g2",self,Night shift,people,"mysql-database; include_resources TAG env prod, qa; exclude_resources NAME tmp","READ, WRITE",1h30m0s,`,
		`either,,active,SELF_SERVE,"group g1, g2",self,Night shift,Databases,access scope,,1h30m0s,`,
		`either,,active,SELF_SERVE,Owner,self,,orders,mysql-database,READ,1h30m0s,`,
		`either,,active,SELF_SERVE,Owner,self,Night shift,people,"mysql-database; include_resources TAG env prod, qa; exclude_resources NAME tmp","READ, WRITE",1h30m0s,`,
		`either,,active,SELF_SERVE,Owner,self,Night shift,Databases,access scope,,1h30m0s,`,
		`both,,active,SELF_SERVE,team is_not ops AND city starts_with Ber,"self, others (user a@example.com; group g9)",Empty,(nothing),,,1h30m0s,`,
		`both,,active,SELF_SERVE,team is_not ops AND city starts_with Ber,"self, others (user a@example.com; group g9)",Gone,(unknown),,,1h30m0s,`,
		`both,,active,SELF_SERVE,team is_not ops AND city starts_with Ber,"self, others (user a@example.com; group g9)",,Databases,access scope,,1h30m0s,`,
		`nothing,,active,AUTOMATIC,(nobody),self,,(nothing),,,1h30m0s,`,
	}, lines(t, server))
	var asked []string
	for _, request := range server.Requests() {
		require.Equal(t, "GET", request.Method)
		asked = append(asked, request.Operation)
	}
	slices.Sort(asked)
	require.Equal(t, []string{
		"AccessFlows.List", "AccessFlows.List", "AccessFlows.List", "Bundles.List", "Bundles.List", "Groups.List", "Users.List",
	}, asked)
}

// The API may add types of targets that this version does not know.
func TestUnknownTargetIsListed(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	flow, err := json.Marshal(with(careful("new"), map[string]any{"access_targets": []any{map[string]any{"galaxy": map[string]any{}}}}))
	require.NoError(t, err)
	server.FaultNext("AccessFlows.List", 1, aponotest.Fault{Body: `{"items": [` + string(flow) + `], "pagination": {"next_page_token": null}}`})
	require.Equal(t, []string{"new,,active,SELF_SERVE,group g1,self,,(unknown),,,1h30m0s,"}, lines(t, server))
}

func TestFlags(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.AccessFlows,
		careful("careful"),
		with(careful("no approver"), map[string]any{"approver_policy": nil}),
		with(careful("empty approvers"), map[string]any{"approver_policy": map[string]any{"approval_mode": "ANY_OF", "approver_groups": []any{
			map[string]any{"logical_operator": "OR", "approvers": []any{}}}}}),
		with(careful("no end"), map[string]any{"grant_duration_in_min": nil}),
		with(careful("no mfa"), map[string]any{"settings": settings(false, "eu", "Production")}),
		with(careful("test"), map[string]any{"settings": settings(false, "test")}),
		with(careful("off"), map[string]any{"active": false, "approver_policy": nil, "grant_duration_in_min": nil, "settings": settings(false, "production")}),
	)
	require.Equal(t, []string{
		"no approver,,active,SELF_SERVE,group g1,self,,orders,mysql-database,READ,1h30m0s,no approver",
		"empty approvers,,active,SELF_SERVE,group g1,self,,orders,mysql-database,READ,1h30m0s,no approver",
		"no end,,active,SELF_SERVE,group g1,self,,orders,mysql-database,READ,no end,no end",
		"no mfa,,active,SELF_SERVE,group g1,self,,orders,mysql-database,READ,1h30m0s,no MFA",
	}, lines(t, server, "-flagged"))
	require.Len(t, lines(t, server), 6)
	everything := lines(t, server, "-all")
	require.Len(t, everything, 7)
	require.Equal(t, `off,,inactive,SELF_SERVE,group g1,self,,orders,mysql-database,READ,no end,"no approver, no end, no MFA"`, everything[6])
	labeled := lines(t, server, "-flagged", "-production-label", "staging, TEST")
	require.Len(t, labeled, 4)
	require.Equal(t, "test,,active,SELF_SERVE,group g1,self,,orders,mysql-database,READ,1h30m0s,no MFA", labeled[3])
}

// A flow whose requestors may approve their own requests is flagged, unless it needs no
// approval at all.
func TestSelfApprovalIsFlagged(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	own := settings(true, "production")
	own["requestor_cannot_approve_himself"] = false
	server.Put(aponotest.AccessFlows,
		careful("careful"), with(careful("own"), map[string]any{"settings": own}),
		with(careful("none"), map[string]any{"settings": own, "approver_policy": nil}))
	require.Equal(t, []string{
		"own,,active,SELF_SERVE,group g1,self,,orders,mysql-database,READ,1h30m0s,self-approval",
		"none,,active,SELF_SERVE,group g1,self,,orders,mysql-database,READ,1h30m0s,no approver",
	}, lines(t, server, "-flagged"))
}

// Groups and users appear by name, with the ID if several have it. Without permission to
// read them, they appear by ID.
func TestGroupsAndUsersAppearByName(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Groups, apono.Group{ID: "g1", Name: "On call"}, apono.Group{ID: "g2", Name: "Twins"}, apono.Group{ID: "g3", Name: "Twins"})
	server.Put(aponotest.Users, apono.User{ID: "u1", Email: "ada@example.com"})
	server.Put(aponotest.AccessFlows, with(careful("named"), map[string]any{
		"requestors": object("OR", condition("group", "is", "g1", "g2", "gone"), condition("user", "is", "u1"), condition("team", "is", "g1")),
	}))
	first := func(got []string) string {
		return strings.Split(got[0], ",self")[0] + strings.Split(got[1], ",self")[0] + strings.Split(got[2], ",self")[0]
	}
	const start = "named,,active,SELF_SERVE,"
	require.Equal(t, start+`"group On call, Twins (g2), gone"`+start+"user ada@example.com"+start+"team g1", first(lines(t, server)))
	server.FaultNext("Groups.List", 1, aponotest.Fault{Status: 403})
	require.Equal(t, start+`"group g1, g2, gone"`+start+"user ada@example.com"+start+"team g1", first(lines(t, server)))
	server.FaultNext("Users.List", 1, aponotest.Fault{Status: 403})
	got := process.Run(t, process.Env(server), "-wide")
	require.Contains(t, got.Stdout, "  user u1  ")
	require.Equal(t, "The token may not read all groups and users: some are shown by ID.\n1 access flow reviewed, 0 flagged\n", got.Stderr)
	server.FaultNext("Users.List", 1, aponotest.Fault{Status: 401})
	require.Equal(t, 1, process.Run(t, process.Env(server)).Code)
}

// The lists are read at the same time.
func TestListsAreReadTogether(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithDemoTenant(), aponotest.WithoutNetwork())
	all := make(chan struct{})
	var arrived atomic.Int64
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if arrived.Add(1) == 4 {
			close(all)
		}
		<-all // the first page of each of the four lists
		server.ServeHTTP(w, r)
	}))
	defer slow.Close()
	got := process.Run(t, []string{"APONO_TOKEN=" + server.Token, "APONO_ENDPOINT=" + slow.URL})
	require.Zero(t, got.Code, got.Stderr)
}

// The list shows the space of a flow, flows for agents and query targets.
func TestSpacesAgentsAndQueries(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Spaces, map[string]any{"id": "s1", "name": "=Payments", "space_scopes": []any{}})
	space := map[string]any{"space_id": "s1", "space_name": "stale"}
	query := []any{map[string]any{"query_target": map[string]any{"query": "resource_type = \"ssh\""}}}
	server.Put(aponotest.Bundles, map[string]any{"id": "b1", "name": "Found", "access_targets": query})
	server.Put(aponotest.AccessFlows,
		with(careful("agents"), map[string]any{"requestor_identity_type": "AGENT", "space": space, "access_targets": query}),
		with(careful("careless"), map[string]any{"requestor_identity_type": "AGENT", "approver_policy": nil}),
		with(careful("robots"), map[string]any{"requestor_identity_type": "ROBOT", "approver_policy": nil, "access_targets": []any{
			map[string]any{"bundle": map[string]any{"bundle_id": "b1", "bundle_name": "Found"}},
		}}),
	)
	require.Equal(t, []string{
		`agents,'=Payments,active,SELF_SERVE,agent for group g1,self,,(query),"resource_type = ""ssh""",,1h30m0s,`,
		`careless,,active,SELF_SERVE,agent for group g1,self,,orders,mysql-database,READ,1h30m0s,no approver for agents`,
		`robots,,active,SELF_SERVE,robot for group g1,self,Found,(query),"resource_type = ""ssh""",,1h30m0s,no approver`,
	}, lines(t, server))
	got := process.Run(t, process.Env(server), "-format", "json", "-flagged")
	require.Contains(t, got.Stdout, `"flow": "careless"`)
	require.Contains(t, got.Stdout, `"space": ""`)

	older := aponotest.NewServer(t, aponotest.WithoutSpaces())
	older.Put(aponotest.AccessFlows, careful("before"))
	require.Equal(t, []string{`before,,active,SELF_SERVE,group g1,self,,orders,mysql-database,READ,1h30m0s,`}, lines(t, older))
}

// With -fail, the exit code tells whether a flow was flagged.
func TestFail(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.AccessFlows, careful("careful"), with(careful("off"), map[string]any{"active": false, "approver_policy": nil}))
	got := process.Run(t, process.Env(server), "-fail", "-flagged", "-format", "json")
	require.Equal(t, process.Result{Stdout: "[]\n", Stderr: "1 access flow reviewed, 0 flagged\n"}, got)
	got = process.Run(t, process.Env(server), "-fail", "-flagged", "-all", "-format", "json")
	require.Equal(t, 3, got.Code)
	require.Equal(t, "2 access flows reviewed, 1 flagged\n", got.Stderr)
	apitest.JSONEq(t, `[{"flow": "off", "space": "", "active": false, "trigger": "SELF_SERVE", "requestor": "group g1", "for": "self", "bundle": "",
		"target": "orders", "resources": "mysql-database", "permissions": ["READ"], "duration_min": 90, "flags": ["no approver"]}]`, got.Stdout)
	server.FaultNext("AccessFlows.List", 1, aponotest.Fault{Status: 403})
	got = process.Run(t, process.Env(server))
	require.Equal(t, 1, got.Code)
	require.Empty(t, got.Stdout)
	require.Contains(t, got.Stderr, "access-review: the token has no permission for this: apono: GET /api/admin/v2/access-flows: 403 Forbidden, request ID fake-")
}

// A name that begins like a formula is escaped in CSV, and control characters in
// a name do not change the layout of the table.
func TestNamesAreEscaped(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	for _, name := range []string{"=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "a=b"} {
		server.Put(aponotest.AccessFlows, careful(name))
	}
	const rest = ",,active,SELF_SERVE,group g1,self,,orders,mysql-database,READ,1h30m0s,"
	require.Equal(t, []string{"'=cmd()" + rest, "'+1" + rest, "'-1" + rest, "'@SUM(A1)" + rest, "\"'\t'=1\"" + rest, "a=b" + rest}, lines(t, server))

	server = aponotest.NewServer(t)
	server.Put(aponotest.AccessFlows, careful("a\tb\nc\x1b[2J"))
	got := process.Run(t, process.Env(server), "-wide")
	require.Equal(t, ""+
		"FLOW            SPACE  STATE   TRIGGER     REQUESTOR  FOR   BUNDLE  TARGET  RESOURCES       PERMISSIONS  DURATION  FLAGS\n"+
		"a b c\\u001b[2J  -      active  SELF_SERVE  group g1   self  -       orders  mysql-database  READ         1h30m0s   -\n", got.Stdout)
}

// Spreadsheets recognize formulas after white space and marks and in full-width
// characters. Some use a semicolon as the separator of cells.
func TestCSVEscapesUnusualFormulas(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	for _, name := range []string{"  =1", "\n=1", "\ufeff=1", "\u00a0\u200b+1", "＝1", "＋1", "－1", "＠A", "a;=1", "a;\"=1"} {
		server.Put(aponotest.AccessFlows, careful(name))
	}
	got := process.Run(t, process.Env(server), "-format", "csv")
	require.Zero(t, got.Code)
	for _, cell := range []string{
		"\n'  =1,", "\n\"'\n'=1\",", "\n'\ufeff=1,", "\n'\u00a0\u200b+1,", "\n'＝1,", "\n'＋1,", "\n'－1,", "\n'＠A,", "\n\"a;'=1\",", "\n\"a;'\"\"=1\",",
	} {
		require.Contains(t, got.Stdout, cell)
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	process.NeedsToken(t)
	const stderr = "Using a fake server with demo data.\n" +
		"15 access flows reviewed, 5 flagged\n"
	require.Equal(t, process.Result{
		Stdout: "" +
			"FLOW             REQUESTOR         TARGET            FLAGS\n" +
			"Break glass      team platform     Producti…tabases  no approver, no end, no MFA\n" +
			"Staging…erybody  team *            mysql-st…-orders  no approver\n" +
			"Support shift    pagerdut…on call  aws-acco…support  no approver, no end\n" +
			"Orders staging   group orders      postgres…-orders  self-approval\n" +
			"Orders staging   group orders      Orders databases  self-approval\n" +
			"Agents …lopment  agent fo…alytics  (query)           no approver for agents\n", Stderr: stderr,
	}, process.Run(t, nil, "-demo", "-flagged"))
	require.Equal(t, process.Result{
		Stdout: "" +
			"FLOW                   SPACE   STATE   TRIGGER     REQUESTOR                        FOR   BUNDLE          TARGET                          RESOURCES                                                                     PERMISSIONS     DURATION  FLAGS\n" +
			"Break glass            -       active  SELF_SERVE  team platform                    self  -               Production databases            access scope                                                                  -               no end    no approver, no end, no MFA\n" +
			"Staging for everybody  -       active  SELF_SERVE  team *                           self  -               mysql-staging-orders            mysql-database                                                                READ_ONLY       8h0m0s    no approver\n" +
			"Support shift          -       active  AUTOMATIC   pagerduty_shift support on call  self  -               aws-account-production-support  aws-account-s3-bucket                                                         ReadOnlyAccess  no end    no approver, no end\n" +
			"Orders staging         Orders  active  SELF_SERVE  group orders                     self  Orders staging  postgresql-staging-orders       postgresql-database                                                           READ_ONLY       4h0m0s    self-approval\n" +
			"Orders staging         Orders  active  SELF_SERVE  group orders                     self  Orders staging  Orders databases                access scope                                                                  -               4h0m0s    self-approval\n" +
			"Agents in development  -       active  SELF_SERVE  agent for team analytics         self  -               (query)                         resource_type = \"postgresql-database\" and integration contains \"development\"  -               30m0s     no approver for agents\n",
		Stderr: stderr,
	}, process.Run(t, nil, "-demo", "-flagged", "-wide"))
}

func TestUsage(t *testing.T) {
	t.Parallel()
	help := process.Help(t)
	for _, part := range []string{
		"-all", "-fail", "-flagged", "-format", "-production-label",
	} {
		require.Contains(t, help, part)
	}
	require.Equal(t, process.Result{Stderr: "access-review: -format must be table, csv or json, not \"xml\"; see -h\n", Code: 2}, process.Run(t, nil, "-format", "xml"))
	server := aponotest.NewServer(t)
	require.Equal(t, process.Result{Code: 1,
		Stderr: "access-review: Apono rejected the token: check APONO_TOKEN or APONO_PERSONAL_TOKEN, or create a new token in the Apono portal\n"}, process.Run(t, []string{"APONO_TOKEN=wrong", "APONO_ENDPOINT=" + server.URL}))
}

func TestFullOutput(t *testing.T) {
	t.Parallel()
	process.FullOutput(t, nil, "-demo")
}
