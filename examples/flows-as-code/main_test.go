package main

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { process.Main(m, main) }

// demo returns a server with the demo tenant and small pages.
func demo(t *testing.T) *aponotest.Server {
	t.Helper()
	return aponotest.NewServer(t, aponotest.WithDemoTenant(), aponotest.WithPageSize(30))
}

// runs runs the program against a server and requires exit code 0.
func runs(t *testing.T, server *aponotest.Server, args ...string) (stdout, stderr string) {
	t.Helper()
	result := process.Run(t, process.Env(server), args...)
	require.Zero(t, result.Code)
	return result.Stdout, result.Stderr
}

// differs runs the program against a server and requires exit code 3 and an empty
// standard error.
func differs(t *testing.T, server *aponotest.Server, args ...string) (stdout string) {
	t.Helper()
	result := process.Run(t, process.Env(server), args...)
	require.Equal(t, 3, result.Code)
	require.Empty(t, result.Stderr)
	return result.Stdout
}

// exported exports the tenant of a server to a new folder.
func exported(t *testing.T, server *aponotest.Server) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "access")
	runs(t, server, "export", dir)
	return dir
}

// demoFiles is the export of the demo tenant.
var demoFiles struct {
	once  sync.Once
	files fstest.MapFS
}

// exportedDemo returns a server with the demo tenant, and a new folder with its export,
// which is made once for all tests.
func exportedDemo(t *testing.T) (server *aponotest.Server, dir string) {
	t.Helper()
	demoFiles.once.Do(func() {
		from, files := exported(t, demo(t)), fstest.MapFS{}
		for _, name := range tree(t, from) {
			files[name] = &fstest.MapFile{Data: []byte(read(t, from, name))}
		}
		demoFiles.files = files
	})
	require.NotEmpty(t, demoFiles.files)
	dir = filepath.Join(t.TempDir(), "access")
	require.NoError(t, os.CopyFS(dir, demoFiles.files))
	return demo(t), dir
}

// writes returns the requests other than GET.
func writes(server *aponotest.Server) []string {
	var all []string
	for _, r := range server.Requests() {
		if r.Method != http.MethodGet {
			all = append(all, r.Method+" "+r.Path)
		}
	}
	return all
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(data)
}

func write(t testing.TB, text string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o750))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
}

func edit(t *testing.T, before, after string, path ...string) {
	t.Helper()
	text := read(t, path...)
	require.Contains(t, text, before)
	write(t, strings.Replace(text, before, after, 1), path...)
}

// tree returns the paths of the files in a folder.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	}))
	return names
}

const breakGlass = `{
  "id": "flow-break-glass",
  "object": {
    "access_targets": [
      {
        "access_scope": {
          "access_scope_id": "scope-production",
          "access_scope_name": "Production databases"
        }
      }
    ],
    "active": true,
    "description": "For emergencies only",
    "name": "Break glass",
    "request_for_others": false,
    "requestor_identity_type": "HUMAN",
    "requestors": {
      "conditions": [
        {
          "match_operator": "is",
          "source_integration_id": "google-idp",
          "source_integration_name": "google-idp",
          "type": "team",
          "values": [
            "platform"
          ]
        }
      ],
      "logical_operator": "OR"
    },
    "settings": {
      "justification_required": false,
      "labels": [
        "production",
        "emergency"
      ],
      "requestor_cannot_approve_himself": false,
      "require_approver_reason": false,
      "require_mfa": false
    },
    "trigger": "SELF_SERVE"
  }
}
`

func TestDiffAfterExportIsEmpty(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := filepath.Join(t.TempDir(), "new", "access")
	stdout, stderr := runs(t, server, "export", dir)
	require.Equal(t, "32 objects exported, 0 old files removed\n", stdout)
	require.Empty(t, stderr)
	require.Equal(t, []string{
		"bundles/Analytics on-call.json", "bundles/Billing on-call.json", "bundles/Catalog on-call.json",
		"bundles/Identity on-call.json", "bundles/Orders on-call.json", "bundles/Orders staging.json", "bundles/Payments on-call.json",
		"bundles/Platform on-call.json", "bundles/Search on-call.json", "bundles/Shipping on-call.json", "bundles/Support on-call.json",
		"flows/Agents in development.json", "flows/Analytics on-call.json", "flows/Billing on-call.json", "flows/Break glass.json", "flows/Catalog on-call.json",
		"flows/Identity on-call.json", "flows/Orders on-call.json", "flows/Orders staging.json", "flows/Payments on-call.json", "flows/Platform on-call.json",
		"flows/Search on-call.json", "flows/Shipping on-call.json", "flows/Staging for everybody.json",
		"flows/Support on-call.json", "flows/Support shift.json", "scopes/Orders databases.json", "scopes/Production databases.json",
		"space-scopes/Orders resources.json", "space-scopes/Staging resources.json",
		"spaces/Orders.json", "spaces/Platform engineering.json",
	}, tree(t, dir))
	require.Equal(t, breakGlass, read(t, dir, "flows/Break glass.json"))
	stdout, stderr = runs(t, server, "diff", dir)
	require.Empty(t, stdout+stderr)
	stdout, stderr = runs(t, server, "apply", dir, "-delete")
	require.Equal(t, "Nothing to do.\n", stdout+stderr)
	require.Empty(t, writes(server))
}

func TestDemoExportsDemoTenant(t *testing.T) {
	t.Parallel()
	process.NeedsToken(t, "export", t.TempDir())
	dir := t.TempDir()
	result := process.Run(t, nil, "-demo", "export", dir)
	require.Equal(t, process.Result{
		Stdout: "32 objects exported, 0 old files removed\n",
		Stderr: "Using a fake server with demo data.\n",
	}, result)
	require.Equal(t, breakGlass, read(t, dir, "flows/Break glass.json"))
}

func TestEditChangesOneObject(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
	const shown = `~ access flow "Break glass" (flows/Break glass.json)
         "requestor_cannot_approve_himself": false,
         "require_approver_reason": false,
    -    "require_mfa": false
    +    "require_mfa": true
       },
       "trigger": "SELF_SERVE"
0 to create, 1 to change, 0 to delete
`
	require.Equal(t, shown, differs(t, server, "diff", dir))
	require.Empty(t, writes(server))

	stdout, stderr := runs(t, server, "apply", dir, "-yes")
	require.Equal(t, shown+"changed access flow \"Break glass\" (flows/Break glass.json)\n", stdout)
	require.Empty(t, stderr)
	require.Equal(t, []string{"PUT /api/admin/v2/access-flows/flow-break-glass"}, writes(server))
	apitest.JSONEq(t, `{
		"name": "Break glass", "description": "For emergencies only", "active": true, "trigger": "SELF_SERVE",
		"requestors": {"logical_operator": "OR", "conditions": [
			{"type": "team", "match_operator": "is", "values": ["platform"], "source_integration_reference": "google-idp"}
		]},
		"access_targets": [{"access_scope": {"access_scope_reference": "scope-production"}}],
		"settings": {
			"justification_required": false, "require_approver_reason": false, "requestor_cannot_approve_himself": false,
			"require_mfa": true, "labels": ["production", "emergency"]
		},
		"request_for_others": false, "requestor_identity_type": "HUMAN"
	}`, server.Requests("AccessFlows.Update")[0].Body)
	var flow apono.AccessFlow
	require.True(t, server.Get(aponotest.AccessFlows, "flow-break-glass", &flow), "the flow does not exist")
	require.True(t, flow.Settings.RequireMFA, "the flow did not change")

	stdout, _ = runs(t, server, "apply", dir, "-yes")
	require.Equal(t, "Nothing to do.\n", stdout)
	require.Len(t, writes(server), 1)
}

// The files of one tenant can be applied to another one with other ids.
func TestApplyToAnotherTenant(t *testing.T) {
	t.Parallel()
	source, other := demo(t), aponotest.NewServer(t, aponotest.WithLooseChecks()) // it has no users
	dir := exported(t, source)
	for integration, err := range source.Client().Integrations.ListAll(t.Context()) {
		require.NoError(t, err)
		integration.ID = "other-" + integration.ID
		other.Put(aponotest.Integrations, *integration)
	}
	stdout, _ := runs(t, other, "apply", dir, "-yes")
	require.Contains(t, stdout, "+ access scope \"Production databases\" (scopes/Production databases.json)\n+ bundle \"Analytics")
	require.Contains(t, stdout, "32 to create, 0 to change, 0 to delete\ncreated space scope")
	require.Contains(t, stdout, "\ncreated access flow \"Support shift\" (flows/Support shift.json)\n")
	var want []string
	for _, created := range []struct {
		path  string
		count int
	}{
		{"/api/admin/v1/space-scopes", 2},
		{"/api/admin/v1/spaces", 2},
		{"/api/admin/v1/access-scopes", 2},
		{"/api/admin/v2/bundles", 11},
		{"/api/admin/v2/access-flows", 15},
	} {
		for range created.count {
			want = append(want, "POST "+created.path)
		}
	}
	require.Equal(t, want, writes(other))
	stdout, stderr := runs(t, other, "diff", dir)
	require.Empty(t, stdout+stderr)
	stdout, _ = runs(t, other, "apply", dir, "-yes", "-delete")
	require.Equal(t, "Nothing to do.\n", stdout)
	require.Len(t, writes(other), 32)

	again := exported(t, other)
	require.Equal(t, tree(t, dir), tree(t, again))
	for _, name := range tree(t, dir) {
		want, got := read(t, dir, name), read(t, again, name)
		// Names are the same in both tenants. Ids are not.
		require.Equal(t, ids.ReplaceAllString(want, "id"), ids.ReplaceAllString(got, "id"))
	}
}

var ids = regexp.MustCompile(`"(\w+_)?id": ".*"`)

func TestObjectsWithoutFileAreDeletedOnlyWithFlag(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	for _, name := range []string{"flows/Break glass.json", "flows/Orders on-call.json", "bundles/Orders on-call.json", "scopes/Production databases.json"} {
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
	const shown = `- access flow "Break glass" (flow-break-glass)
- access flow "Orders on-call" (flow-orders)
- bundle "Orders on-call" (bundle-orders)
- access scope "Production databases" (scope-production)
0 to create, 0 to change, 4 to delete
`
	require.Equal(t, lines(shown), lines(differs(t, server, "diff", "-delete", dir)))
	stdout, stderr := runs(t, server, "diff", dir)
	require.Empty(t, stdout)
	require.Equal(t, "4 objects without a file will not be deleted; use -delete to delete them.\n", stderr)
	stdout, stderr = runs(t, server, "apply", dir, "-yes")
	require.Equal(t, "Nothing to do.\n", stdout)
	require.Equal(t, "4 objects without a file will not be deleted; use -delete to delete them.\n", stderr)
	require.Empty(t, writes(server))

	stdout, stderr = runs(t, server, "apply", "-delete", dir, "-yes")
	require.Contains(t, stdout, "\ndeleted bundle \"Orders on-call\" (bundle-orders)\n")
	require.Empty(t, stderr)
	sent := writes(server)
	slices.Sort(sent[:2]) // flows do not refer to each other
	require.Equal(t, []string{
		"DELETE /api/admin/v2/access-flows/flow-break-glass", "DELETE /api/admin/v2/access-flows/flow-orders",
		"DELETE /api/admin/v2/bundles/bundle-orders", "DELETE /api/admin/v1/access-scopes/scope-production",
	}, sent)
	require.False(t, server.Get(aponotest.Bundles, "bundle-orders", &apono.Bundle{}), "the bundle was not deleted")
}

func lines(text string) []string {
	all := strings.Split(text, "\n")
	slices.Sort(all)
	return all
}

// Deleting a bundle that a flow refers to would fail halfway, or break the flow.
func TestDeletionOfReferencedObjectIsRejected(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	require.NoError(t, os.Remove(filepath.Join(dir, "bundles/Orders on-call.json")))
	result := process.Run(t, process.Env(server), "apply", dir, "-yes", "-delete")
	require.Equal(t, process.Result{
		Stderr: "flows-as-code: flows/Orders on-call.json:7: the referenced bundle \"Orders on-call\" would not exist\n", Code: 1,
	}, result)
	stdout, _ := runs(t, server, "apply", dir, "-yes")
	require.Equal(t, "Nothing to do.\n", stdout)
	require.Empty(t, writes(server))
}

// Git does not keep empty folders, so a missing folder must not mean deletion.
func TestKindWithoutFolderIsIgnored(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "bundles")))
	stdout, stderr := runs(t, server, "apply", dir, "-delete", "-yes")
	require.Equal(t, "Nothing to do.\n", stdout+stderr)
}

// Files are checked before the first change.
func TestInvalidFilesAreRejected(t *testing.T) {
	t.Parallel()
	const bundle = `{"id": "bundle-orders", "object": {"name": "Orders on-call", "access_targets": []}}`
	for name, test := range map[string]struct{ file, text, want string }{
		"broken":         {"flows/a.json", `{"id": "x", "object": {`, "flows/a.json:1: object: unexpected EOF"},
		"conflict":       {"flows/a.json", "<<<<<<< HEAD\n", "flows/a.json:1: invalid character '<' at start of value"},
		"two values":     {"flows/a.json", breakGlass + breakGlass, "flows/a.json: unexpected data after the JSON object"},
		"unknown member": {"flows/a.json", `{"id": "x", "flow": {}}`, "flows/a.json:1: flow: there is no such member"},
		"nothing":        {"flows/a.json", `{}`, "flows/a.json: there is no object"},
		"no name":        {"scopes/a.json", `{"object": {"query": "x", "name": " "}}`, "scopes/a.json: the object has no name"},
		"wrong type":     {"scopes/a.json", `{"object": {"query": 1, "name": "a"}}`, "scopes/a.json:1: object.query: must be a string, not a number"},
		"YAML":           {"flows/a.yaml", "name: a", "flows/a.yaml: not a .json file"},
		"another folder": {"groups/a.json", `{}`, "groups: not one of the folders space-scopes, spaces, scopes, bundles and flows"},
		"another file":   {"notes.txt", "x", "notes.txt: not one of the folders space-scopes, spaces, scopes, bundles and flows"},
		"one id twice":   {"bundles/a.json", bundle, "bundles/a.json: it has the same id as bundles/Orders on-call.json"},
		"unknown scope": {
			"flows/Break glass.json", strings.NewReplacer("scope-production", "scope-nothing", "Production databases", "Nothing").Replace(breakGlass),
			`flows/Break glass.json:7: the referenced access scope "Nothing" would not exist`,
		},
		"unknown integration": {
			"flows/Break glass.json", strings.ReplaceAll(breakGlass, "google-idp", "nothing-idp"),
			`flows/Break glass.json:21: the referenced integration "nothing-idp" would not exist`,
		},
		"unknown bundle": {
			"flows/Break glass.json", strings.NewReplacer("access_scope", "bundle", "Production databases", "Nothing").Replace(breakGlass),
			`flows/Break glass.json:7: the referenced bundle "Nothing" would not exist`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, dir := exportedDemo(t)
			edit(t, "flow-shift", "flow-of-another-tenant", dir, "flows/Support shift.json") // something to do
			write(t, test.text, dir, test.file)
			for _, command := range []string{"diff", "apply"} {
				result := process.Run(t, process.Env(server), command, dir, "-yes", "-delete")
				require.Equal(t, process.Result{Stderr: "flows-as-code: " + test.want + "\n", Code: 1}, result)
			}
			require.Empty(t, writes(server))
		})
	}
}

func TestInvalidArgumentsAreRejected(t *testing.T) {
	t.Parallel()
	server := demo(t)
	empty := t.TempDir()
	for _, test := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"apply", filepath.Join(empty, "x"), "-yes", "-delete"}, "open " + filepath.Join(empty, "x") + ": no such file or directory", 1},
		{[]string{"apply", empty, "-yes", "-delete"}, empty + ": it has none of the folders space-scopes, spaces, scopes, bundles and flows", 1},
		{[]string{"apply", "-yes"}, "expected 2 arguments, got 1; see -h", 2},
		{[]string{"destroy", empty}, `there is no command "destroy"; see -h`, 2},
		{[]string{"apply", "--", empty, "-yes"}, "expected 2 arguments, got 3; see -h", 2},
	} {
		result := process.Run(t, process.Env(server), test.args...)
		require.Equal(t, process.Result{Stderr: "flows-as-code: " + test.want + "\n", Code: test.code}, result)
	}
	require.Empty(t, server.Requests())
}

func TestUsage(t *testing.T) {
	t.Parallel()
	help := process.Help(t)
	for _, part := range []string{
		"Usage: flows-as-code [flags] COMMAND DIR\n", "export DIR", "diff DIR", "apply DIR", "-delete", "-yes", "-allow-unknown", "-parallel number",
		"  flows-as-code export access\n", "  3    there are differences, and nothing was changed\n", "APONO_TOKEN ",
	} {
		require.Contains(t, help, part)
	}
}

func TestExitCodesOfDiff(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	require.Equal(t, process.Result{}, process.Run(t, process.Env(server), "diff", dir))
	edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
	require.Equal(t, 3, process.Run(t, process.Env(server), "diff", dir).Code)
	server.FaultNext("AccessFlows.List", 1, aponotest.Fault{Status: 403})
	require.Equal(t, 1, process.Run(t, process.Env(server), "diff", dir).Code)
	require.Equal(t, 2, process.Run(t, process.Env(server), "diff").Code)
}

// Without -delete, objects without a file are only counted, and kinds without a
// folder are ignored.
func TestDiffOfSomeObjects(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	for _, name := range tree(t, dir) {
		if name != "flows/Break glass.json" && name != "scopes/Orders databases.json" {
			require.NoError(t, os.Remove(filepath.Join(dir, name)))
		}
	}
	for _, name := range []string{"bundles", "spaces", "space-scopes"} {
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
	stdout, stderr := runs(t, server, "diff", dir)
	require.Empty(t, stdout)
	require.Equal(t, "15 objects without a file will not be deleted; use -delete to delete them.\n", stderr)
	edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
	require.Contains(t, process.Run(t, process.Env(server), "diff", dir).Stdout, "\n0 to create, 1 to change, 0 to delete\n")
}

// Apono may return the elements of a set in any order.
func TestOrderOfSetsIsNoDifference(t *testing.T) {
	t.Parallel()
	group := func(emails string) string {
		return `{"logical_operator": "OR", "approvers": [{"type": "user", "match_operator": "is", "values": [` + emails + `]}]}`
	}
	flow := func(permissions, labels, days, scopes, groups, tiers, values string) string {
		return `{"id": "f1", "name": "one", "active": true, "trigger": "SELF_SERVE", "requestor_identity_type": "HUMAN",
			"requestors": {"logical_operator": "OR", "conditions": [{"type": "user", "match_operator": "is", "values": [` + values + `]}]},
			"request_for": {"request_scopes": [` + scopes + `]},
			"access_targets": [{"integration": {"integration_id": "i2", "integration_name": "db", "resource_type": "t", "permissions": [` + permissions + `]}}],
			"approver_policy": {"approval_mode": "ANY_OF", "approver_groups": [` + groups + `]},
			"escalation_policy": {"interval_in_min": 30, "approver_groups": [` + tiers + `]},
			"timeframe": {"start_time": "08:00", "end_time": "18:00", "days_of_week": [` + days + `], "time_zone": "UTC"},
			"settings": {"justification_required": true, "require_approver_reason": false, "requestor_cannot_approve_himself": false,
				"require_mfa": true, "labels": [` + labels + `]}}`
	}
	ab := group(`"a", "b"`) + "," + group(`"c"`)
	first := flow(`"READ", "WRITE"`, `"x", "y"`, `"MONDAY", "FRIDAY"`, `"self", "others"`, ab, ab, `"u", "v"`)
	dir := t.TempDir()
	require.Zero(t, process.Run(t, newTenant(t, first, "").env(), "export", dir).Code)
	other := flow(`"WRITE", "READ", "READ"`, `"y", "x"`, `"FRIDAY", "MONDAY"`, `"others", "self"`, group(`"c"`)+","+group(`"b", "a"`), ab, `"v", "u"`)
	require.Equal(t, process.Result{}, process.Run(t, newTenant(t, other, "").env(), "diff", dir))

	// The approver groups of an escalation policy are ordered.
	turned := flow(`"READ", "WRITE"`, `"x", "y"`, `"MONDAY", "FRIDAY"`, `"self", "others"`, ab, group(`"c"`)+","+group(`"a", "b"`), `"u", "v"`)
	require.Equal(t, 3, process.Run(t, newTenant(t, turned, "").env(), "diff", dir).Code)
}

// Notes, backup files of editors and byte order marks are skipped.
func TestOtherFilesAreSkipped(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	const marked = "flows/Break glass.json"
	write(t, "\ufeff"+read(t, dir, marked), dir, marked)
	for _, name := range []string{"README.md", "flows/README", "flows/Break glass.json.orig", "flows/Break glass.json~", "scopes/x.json.rej"} {
		write(t, "x", dir, name)
	}
	const skipped = "README.md: skipped: not an object\n" +
		"flows/Break glass.json.orig: skipped: not an object\nflows/Break glass.json~: skipped: not an object\nflows/README: skipped: not an object\n" +
		"flows/Break glass.json: skipped: the byte order mark at the start\nscopes/x.json.rej: skipped: not an object\n"
	for _, command := range []string{"diff", "export"} {
		_, stderr := runs(t, server, command, dir)
		require.Equal(t, skipped, stderr)
	}
	require.Equal(t, breakGlass, read(t, dir, marked))
	require.Equal(t, "x", read(t, dir, "README.md"))
}

func TestWithoutTerminalNothingIsApplied(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
	result := process.RunWith(t, "yes\n", process.Env(server), "apply", dir)
	require.Equal(t, 3, result.Code)
	require.Equal(t, "Nothing was changed: cannot ask for confirmation without a terminal; use -yes.\n", result.Stderr)
	require.Empty(t, writes(server))
}

// No name of an object leads out of the folder, hides a file, or collides with the
// file of another object on a case-insensitive file system.
func TestFileNamesAreSafe(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	for id, name := range map[string]string{
		"s01": "..", "s02": "../../etc/passwd", "s03": "a/b", "s04": "Orders", "s05": "orders", "s06": "con", "s07": "NUL.txt",
		"s08": "", "s09": ".hidden", "s10": "a\\b:c", "s11": "same", "s12": "same@s13", "S13": "same", "s14": strings.Repeat("ä", 200),
		"s15": " x", "s16": "100%", "s17": "console", "../s18": "twice", "s19": "twice",
	} {
		server.Put(aponotest.Scopes, apono.AccessScope{ID: id, Name: name, Query: "q"})
	}
	dir := exported(t, server)
	require.Equal(t, []string{
		"access/scopes/%20x.json", "access/scopes/%2E.%2F..%2Fetc%2Fpasswd.json", "access/scopes/%2E..json",
		"access/scopes/%2Ehidden.json", "access/scopes/%4EUL.txt.json", "access/scopes/%63on.json",
		"access/scopes/" + strings.Repeat("%C3%A4", 25) + "@s14.json",
		"access/scopes/100%25.json", "access/scopes/@s08.json", "access/scopes/Orders@s04.json",
		"access/scopes/a%2Fb.json", "access/scopes/a%5Cb%3Ac.json", "access/scopes/console.json", "access/scopes/orders@s05.json",
		"access/scopes/same%40s13.json", "access/scopes/same@%5313.json", "access/scopes/same@s11.json",
		"access/scopes/twice@%2E%2E%2Fs18.json", "access/scopes/twice@s19.json",
	}, tree(t, filepath.Dir(dir)))
	result := process.Run(t, process.Env(server), "diff", dir)
	require.Equal(t, "flows-as-code: scopes/@s08.json: the object has no name\n", result.Stderr)
	require.NoError(t, os.Remove(filepath.Join(dir, "scopes/@s08.json")))
	stdout := differs(t, server, "diff", dir, "-delete")
	require.Equal(t, "- access scope \"\" (s08)\n0 to create, 0 to change, 1 to delete\n", stdout)
}

// An old file would restore a deleted flow with the next apply.
func TestExportRemovesFilesOfDeletedObjects(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	write(t, "ref: refs/heads/main", dir, ".git/HEAD")
	require.NoError(t, server.Client().AccessFlows.Delete(t.Context(), "flow-break-glass"))
	bundle, err := server.Client().Bundles.GetByName(t.Context(), "Orders on-call")
	require.NoError(t, err)
	in := bundle.UpdateInput()
	in.Name = "ORDERS on-call"
	_, err = server.Client().Bundles.Update(t.Context(), bundle.ID, in)
	require.NoError(t, err)
	stdout, _ := runs(t, server, "export", dir)
	require.Equal(t, "31 objects exported, 2 old files removed\n", stdout)
	names := tree(t, dir)
	require.Len(t, names, 32)
	require.Containsf(t, names, "bundles/ORDERS on-call.json", "no file with the new name in %q", names)
	require.NotContainsf(t, names, "bundles/Orders on-call.json", "a file with the old name in %q", names)
	require.NotContainsf(t, names, "flows/Break glass.json", "a file of the deleted flow in %q", names)
	require.Contains(t, read(t, dir, "flows/Orders on-call.json"), `"bundle_name": "ORDERS on-call"`)
}

func TestInterruptedExportChangesNothing(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	before := read(t, dir, "flows/Break glass.json")
	client := server.Client()
	require.NoError(t, client.AccessFlows.Delete(t.Context(), "flow-shift"))
	flow, err := client.AccessFlows.Get(t.Context(), "flow-break-glass")
	require.NoError(t, err)
	in := flow.UpdateInput()
	in.Active = false
	_, err = client.AccessFlows.Update(t.Context(), flow.ID, in)
	require.NoError(t, err)
	now, err := readTenant(t.Context(), client, 10)
	require.NoError(t, err)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	_, _, err = writeFolder(ctx, dir, now, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before, read(t, dir, "flows/Break glass.json"))
	require.Len(t, tree(t, dir), 32, "a file was removed, or a draft remains")
}

func TestExportKeepsOtherFiles(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := t.TempDir()
	write(t, "x", dir, "flows/notes.txt")
	result := process.Run(t, process.Env(server), "export", dir)
	require.Equal(t, process.Result{
		Stderr: "flows-as-code: " + dir + " has files that this program did not write: flows/notes.txt: not a .json file\n", Code: 1,
	}, result)
	require.Equal(t, []string{"flows/notes.txt"}, tree(t, dir))
}

// A symbolic link in a repository must not let the program read or write files
// outside of the folder.
func TestLinksOutOfFolderAreNotFollowed(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir, outside := exported(t, server), t.TempDir()
	write(t, breakGlass, outside, "secret.json")
	require.NoError(t, os.Remove(filepath.Join(dir, "flows/Break glass.json")))
	require.NoError(t, os.Symlink(filepath.Join(outside, "secret.json"), filepath.Join(dir, "flows/Break glass.json")))
	for _, command := range []string{"diff", "export"} {
		result := process.Run(t, process.Env(server), command, dir)
		require.Equal(t, 1, result.Code)
		require.Contains(t, result.Stderr, "path escapes from parent")
	}
	require.Equal(t, breakGlass, read(t, outside, "secret.json"))
}

// A file written by hand may have another form with the same meaning.
func TestEquivalentFileIsNoChange(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	name := filepath.Join(dir, "flows/Break glass.json")
	edit(t, `"access_scope_id": "scope-production",`, ``, name)
	edit(t, `"access_scope_name": "Production databases"`, `"access_scope_reference": "Production databases"`, name)
	edit(t, `"active": true`, `"timeframe": null, "active": true`, name)
	edit(t, `"request_for_others": false`, `"request_for_others": true`, name) // not part of responses
	edit(t, `  "id": "flow-break-glass",`, ``, name)
	stdout, _ := runs(t, server, "diff", dir)
	require.Empty(t, stdout)

	edit(t, `"require_mfa": false`, `"require_mfa": true`, name)
	runs(t, server, "apply", dir, "-yes")
	require.Contains(t, server.Requests("AccessFlows.Update")[0].Body, `"request_for_others":true`)
	require.Contains(t, server.Requests("AccessFlows.Update")[0].Body, `"access_scope_reference":"scope-production"`)
}

// Objects that share a name are referred to by id.
func TestSharedNames(t *testing.T) {
	t.Parallel()
	server := demo(t)
	server.Put(aponotest.Bundles, apono.Bundle{ID: "b2", Name: "Orders on-call", AccessTargets: []apono.BundleTarget{}})
	dir := exported(t, server)
	require.Contains(t, read(t, dir, "flows/Orders on-call.json"), `"bundle_id": "bundle-orders"`)
	require.Contains(t, read(t, dir, "bundles/Orders on-call@b2.json"), `"id": "b2"`)
	stdout, _ := runs(t, server, "diff", dir)
	require.Empty(t, stdout)

	write(t, `{"object": {"name": "Orders on-call", "access_targets": []}}`, dir, "bundles/new.json")
	require.NoError(t, os.Remove(filepath.Join(dir, "bundles/Orders on-call@b2.json")))
	require.NoError(t, os.Remove(filepath.Join(dir, "bundles/Orders on-call@bundle-orders.json")))
	result := process.Run(t, process.Env(server), "diff", dir)
	require.Equal(t, "flows-as-code: bundles/new.json: Apono has several objects named \"Orders on-call\": add an id\n", result.Stderr)
	require.NoError(t, server.Client().Bundles.Delete(t.Context(), "b2"))
	write(t, `{"object": {"name": "Orders on-call", "access_targets": []}}`, dir, "bundles/newer.json")
	result = process.Run(t, process.Env(server), "diff", dir)
	require.Equal(t, "flows-as-code: bundles/newer.json: another file has the name \"Orders on-call\" too, and Apono has no bundle with its id\n", result.Stderr)
}

func TestFailureReportsProgress(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
	edit(t, `"Every database of the production stage"`, `"All of them"`, dir, "scopes/Production databases.json")
	server.FaultNext("AccessFlows.Update", 1, aponotest.Fault{Status: 409, Body: `{"message": "locked"}`})
	result := process.Run(t, process.Env(server), "apply", dir, "-yes")
	require.Equal(t, 1, result.Code)
	require.Contains(t, result.Stdout, "\nchanged access scope \"Production databases\" (scopes/Production databases.json)\n")
	require.Contains(t, result.Stderr, "failed: access flow \"Break glass\" (flows/Break glass.json): apono: PUT /api/admin/v2/access-flows/{id}: 409 Conflict: locked")
	require.Contains(t, result.Stderr, "\nflows-as-code: 1 of 2 changes done, 1 failed: run the command again\n")
}

// tenantOf is a server for another version of the API. It has one flow and does
// not check requests.
type tenantOf struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
}

// newTenant starts a server. Every page has token as its next page token.
func newTenant(t *testing.T, flow, token string) *tenantOf {
	t.Helper()
	s := &tenantOf{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		var body strings.Builder
		_ = r.Write(&body)
		_, sent, _ := strings.Cut(body.String(), "\r\n\r\n")
		s.requests = append(s.requests, r.Method+" "+r.URL.Path+" "+sent)
		if len(s.requests) > 100 { // end a program that reads pages in a loop
			w.WriteHeader(http.StatusTeapot)
			return
		}
		items := ""
		if r.URL.Path == "/api/admin/v2/access-flows" {
			items = flow
		}
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/api/admin/v2/access-flows/f1" {
			_, _ = w.Write([]byte(flow))
			return
		}
		_, _ = w.Write([]byte(`{"items": [` + items + `], "pagination": {"next_page_token": "` + token + `"}}`))
	}))
	t.Cleanup(s.Close)
	return s
}

// take returns the requests since the last call of take.
func (s *tenantOf) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.requests
	s.requests = nil
	return taken
}

func (s *tenantOf) env() []string { return []string{"APONO_TOKEN=t", "APONO_ENDPOINT=" + s.URL} }

// An export and an apply keep members that the API may add later.
func TestUnknownMembersSurviveExportAndApply(t *testing.T) {
	t.Parallel()
	s := newTenant(t, `{
		"id": "f1", "name": "one", "active": true, "trigger": "SELF_SERVE", "creation_date": "2026-03-02T08:00:00Z", "update_date": null,
		"description": null,
		"requestors": {"logical_operator": "OR", "strict": false, "conditions": [
			{"type": "user", "match_operator": "is", "values": ["u"], "source_integration_id": "i1", "source_integration_name": "Okta", "weight": 1.10}
		]},
		"access_targets": [
			{"integration": {"integration_id": "i2", "integration_name": "db", "resource_type": "t", "permissions": ["p"], "tier": {"bundle_id": "x"}}},
			{"future": {"integration_id": "i3", "integration_name": "kept", "big": 12345678901234567890}}
		],
		"settings": {
			"justification_required": true, "require_approver_reason": false, "requestor_cannot_approve_himself": false,
			"require_mfa": true, "labels": [], "notify": ["<a&b>"]
		},
		"space": {"space_id": "s1", "space_name": "Team"}, "nothing": null, "exponent": 1E+2
	}`, "")
	dir := t.TempDir()
	require.Zero(t, process.Run(t, s.env(), "export", dir).Code)
	require.Equal(t, process.Result{}, process.Run(t, s.env(), "diff", dir))
	text := read(t, dir, "flows/one.json")
	for _, part := range []string{
		`"space_name": "Team"`, `"<a&b>"`, `"big": 12345678901234567890`, `"weight": 1.10`, `"exponent": 1E+2`,
	} {
		require.Contains(t, text, part)
	}
	edit(t, `"active": true`, `"active": false`, dir, "flows/one.json")
	s.take()
	result := process.Run(t, s.env(), "apply", dir, "-yes")
	require.Empty(t, result.Stderr)
	requests := s.take()
	require.Len(t, requests, 8) // six lists, and the flow before it is changed
	body, isPut := strings.CutPrefix(requests[7], "PUT /api/admin/v2/access-flows/f1 ")
	require.Truef(t, isPut, "not a PUT of the flow: %s", requests[7])
	apitest.JSONEq(t, `{
		"name": "one", "active": false, "trigger": "SELF_SERVE",
		"requestors": {"logical_operator": "OR", "strict": false, "conditions": [
			{"type": "user", "match_operator": "is", "values": ["u"], "source_integration_reference": "i1", "weight": 1.10}
		]},
		"access_targets": [
			{"integration": {"integration_reference": "i2", "resource_type": "t", "permissions": ["p"], "tier": {"bundle_id": "x"}}},
			{"future": {"integration_id": "i3", "integration_name": "kept", "big": 12345678901234567890}}
		],
		"settings": {
			"justification_required": true, "require_approver_reason": false, "requestor_cannot_approve_himself": false,
			"require_mfa": true, "labels": [], "notify": ["<a&b>"]
		},
		"nothing": null, "exponent": 1E+2, "request_for_others": false, "requestor_identity_type": "HUMAN"
	}`, body)
}

func TestPageLoopIsError(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "", "same")
	result := process.Run(t, s.env(), "export", t.TempDir())
	require.Equal(t, 1, result.Code)
	require.Contains(t, result.Stderr, "flows-as-code: apono: GET /api/admin/v1/space-scopes: the server returned the same page token twice\n")
}

// An apply would create an object without an id again.
func TestObjectWithoutIDIsError(t *testing.T) {
	t.Parallel()
	result := process.Run(t, newTenant(t, `{"name": "one"}`, "").env(), "export", t.TempDir())
	require.Equal(t, 1, result.Code)
	require.Contains(t, result.Stderr, "id is missing")
}

func TestDistantDifferencesAreSeparated(t *testing.T) {
	t.Parallel()
	require.Equal(t, "     a\n    -b\n    +B\n     c\n     d\n    ...\n     g\n     h\n    +i\n", difference("a\nb\nc\nd\ne\nf\ng\nh\n", "a\nB\nc\nd\ne\nf\ng\nh\ni\n"))
	require.Empty(t, difference("a\n", "a\n"))
}
