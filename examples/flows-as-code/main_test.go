package main

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/internal/check"
)

func TestMain(m *testing.M) { process.Main(m, main) }

// demo is a server with the demo tenant, in small pages.
func demo(t *testing.T) *aponotest.Server {
	t.Helper()
	return aponotest.NewServer(t, aponotest.WithDemoTenant(), aponotest.WithPageSize(4))
}

// runs runs the program against a server, and fails unless it ends well.
func runs(t *testing.T, server *aponotest.Server, args ...string) (stdout, stderr string) {
	t.Helper()
	result := process.Run(t, process.Env(server), args...)
	check.Equal(t, result.Code, 0)
	return result.Stdout, result.Stderr
}

// exported exports a server's tenant into a folder of its own.
func exported(t *testing.T, server *aponotest.Server) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "access")
	runs(t, server, "export", dir)
	return dir
}

// writes are the requests by which something changed or could have.
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
	check.NoError(t, err)
	return string(data)
}

func write(t *testing.T, text string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	check.NoError(t, os.MkdirAll(filepath.Dir(name), 0o750))
	check.NoError(t, os.WriteFile(name, []byte(text), 0o600))
}

func edit(t *testing.T, before, after string, path ...string) {
	t.Helper()
	text := read(t, path...)
	check.Contains(t, text, before)
	write(t, strings.Replace(text, before, after, 1), path...)
}

// tree are the files of a folder.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	check.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
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
          "access_scope_reference": "Production databases"
        }
      }
    ],
    "active": true,
    "description": "For the worst of nights",
    "name": "Break glass",
    "request_for_others": false,
    "requestor_identity_type": "HUMAN",
    "requestors": {
      "conditions": [
        {
          "match_operator": "is",
          "source_integration_reference": "google-idp",
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

// What was just exported is what Apono has: a difference would make every review
// of a change one of noise, too.
func TestADiffAfterAnExportSaysNothing(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := filepath.Join(t.TempDir(), "new", "access")
	stdout, stderr := runs(t, server, "export", dir)
	check.Equal(t, stdout, "32 objects exported, 0 files of others removed\n")
	check.Equal(t, stderr, "")
	check.Equal(t, tree(t, dir), []string{
		"bundles/Analytics on-call.json", "bundles/Billing on-call.json", "bundles/Catalog on-call.json",
		"bundles/Identity on-call.json", "bundles/Orders on-call.json", "bundles/Orders staging.json", "bundles/Payments on-call.json",
		"bundles/Platform on-call.json", "bundles/Search on-call.json", "bundles/Shipping on-call.json", "bundles/Support on-call.json",
		"flows/Agents in development.json", "flows/Analytics on-call.json", "flows/Billing on-call.json", "flows/Break glass.json", "flows/Catalog on-call.json",
		"flows/Identity on-call.json", "flows/Orders on-call.json", "flows/Orders staging.json", "flows/Payments on-call.json", "flows/Platform on-call.json",
		"flows/Search on-call.json", "flows/Shipping on-call.json", "flows/Staging for everybody.json",
		"flows/Support on-call.json", "flows/Support shift.json", "scopes/Orders databases.json", "scopes/Production databases.json",
		"space-scopes/Orders resources.json", "space-scopes/Staging resources.json",
		"spaces/Orders.json", "spaces/Platform engineering.json",
	})
	check.Equal(t, read(t, dir, "flows/Break glass.json"), breakGlass)
	stdout, stderr = runs(t, server, "diff", dir)
	check.Equal(t, stdout+stderr, "")
	stdout, stderr = runs(t, server, "apply", dir, "-delete")
	check.Equal(t, stdout+stderr, "Nothing to do.\n")
	check.Equal(t, len(writes(server)), 0)
}

func TestWithoutTokenExportsTheDemoTenant(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	result := process.Run(t, nil, "export", dir)
	check.Equal(t, result, process.Result{
		Stdout: "32 objects exported, 0 files of others removed\n",
		Stderr: "No APONO_TOKEN or APONO_PERSONAL_TOKEN is set: this is the demo tenant of an embedded fake server.\n",
	})
	check.Equal(t, read(t, dir, "flows/Break glass.json"), breakGlass)
}

func TestAnEditChangesExactlyThatObject(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := exported(t, server)
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
	stdout, stderr := runs(t, server, "diff", dir)
	check.Equal(t, stdout, shown)
	check.Equal(t, stderr, "")
	check.Equal(t, len(writes(server)), 0)

	stdout, stderr = runs(t, server, "apply", dir, "-yes")
	check.Equal(t, stdout, shown+"changed access flow \"Break glass\" (flows/Break glass.json)\n")
	check.Equal(t, stderr, "")
	check.Equal(t, writes(server), []string{"PUT /api/admin/v2/access-flows/flow-break-glass"})
	check.JSON(t, server.Requests("AccessFlows.Update")[0].Body, `{
		"name": "Break glass", "description": "For the worst of nights", "active": true, "trigger": "SELF_SERVE",
		"requestors": {"logical_operator": "OR", "conditions": [
			{"type": "team", "match_operator": "is", "values": ["platform"], "source_integration_reference": "google-idp"}
		]},
		"access_targets": [{"access_scope": {"access_scope_reference": "Production databases"}}],
		"settings": {
			"justification_required": false, "require_approver_reason": false, "requestor_cannot_approve_himself": false,
			"require_mfa": true, "labels": ["production", "emergency"]
		},
		"request_for_others": false, "requestor_identity_type": "HUMAN"
	}`)
	var flow apono.AccessFlow
	check.True(t, server.Get(aponotest.AccessFlows, "flow-break-glass", &flow), "the flow")
	check.True(t, flow.Settings.RequireMFA, "the flow to be changed")

	stdout, _ = runs(t, server, "apply", dir, "-yes")
	check.Equal(t, stdout, "Nothing to do.\n")
	check.Equal(t, len(writes(server)), 1)
}

// Whoever has a production and a test tenant wants the same rules in both.
func TestAnotherTenantIsRebuilt(t *testing.T) {
	t.Parallel()
	source, other := demo(t), aponotest.NewServer(t)
	dir := exported(t, source)
	for integration, err := range source.Client().Integrations.ListAll(t.Context()) {
		check.NoError(t, err)
		integration.ID = "other-" + integration.ID
		other.Put(aponotest.Integrations, *integration)
	}
	stdout, _ := runs(t, other, "apply", dir, "-yes")
	check.Contains(t, stdout, "+ access scope \"Production databases\" (scopes/Production databases.json)\n+ bundle \"Analytics",
		"32 to create, 0 to change, 0 to delete\ncreated space scope", "\ncreated access flow \"Support shift\" (flows/Support shift.json)\n")
	sent := writes(other)
	check.Equal(t, sent, slices.Concat(
		slices.Repeat([]string{"POST /api/admin/v1/space-scopes"}, 2),
		slices.Repeat([]string{"POST /api/admin/v1/spaces"}, 2),
		slices.Repeat([]string{"POST /api/admin/v1/access-scopes"}, 2),
		slices.Repeat([]string{"POST /api/admin/v2/bundles"}, 11),
		slices.Repeat([]string{"POST /api/admin/v2/access-flows"}, 15)))
	stdout, stderr := runs(t, other, "diff", dir)
	check.Equal(t, stdout+stderr, "")
	stdout, _ = runs(t, other, "apply", dir, "-yes", "-delete")
	check.Equal(t, stdout, "Nothing to do.\n")
	check.Equal(t, len(writes(other)), 32)

	again := exported(t, other)
	check.Equal(t, tree(t, again), tree(t, dir))
	for _, name := range tree(t, dir) {
		_, want, _ := strings.Cut(read(t, dir, name), ",\n")
		_, got, _ := strings.Cut(read(t, again, name), ",\n")
		check.Equal(t, got, want)
	}
}

func TestObjectsWithoutAFileStayUnlessDeletionIsAskedFor(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := exported(t, server)
	for _, name := range []string{"flows/Break glass.json", "flows/Orders on-call.json", "bundles/Orders on-call.json", "scopes/Production databases.json"} {
		check.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
	const shown = `- access flow "Break glass" (flow-break-glass)
- access flow "Orders on-call" (flow-orders)
- bundle "Orders on-call" (bundle-orders)
- access scope "Production databases" (scope-production)
0 to create, 0 to change, 4 to delete
`
	stdout, _ := runs(t, server, "diff", dir)
	check.Equal(t, lines(stdout), lines(shown))
	stdout, stderr := runs(t, server, "apply", dir, "-yes")
	check.Equal(t, stdout, "Nothing to do.\n")
	check.Equal(t, stderr, "4 objects without a file will stay; -delete deletes them.\n")
	check.Equal(t, len(writes(server)), 0)

	stdout, stderr = runs(t, server, "apply", "-delete", dir, "-yes")
	check.Contains(t, stdout, "\ndeleted bundle \"Orders on-call\" (bundle-orders)\n")
	check.Equal(t, stderr, "")
	sent := writes(server)
	slices.Sort(sent[:2]) // flows do not refer to each other
	check.Equal(t, sent, []string{
		"DELETE /api/admin/v2/access-flows/flow-break-glass", "DELETE /api/admin/v2/access-flows/flow-orders",
		"DELETE /api/admin/v2/bundles/bundle-orders", "DELETE /api/admin/v1/access-scopes/scope-production",
	})
	check.True(t, !server.Get(aponotest.Bundles, "bundle-orders", &apono.Bundle{}), "no bundle")
}

func lines(text string) []string {
	all := strings.Split(text, "\n")
	slices.Sort(all)
	return all
}

// A flow whose bundle is deleted would grant nothing, or stop the apply halfway.
func TestADeletionOfWhatIsReferredToIsRefused(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := exported(t, server)
	check.NoError(t, os.Remove(filepath.Join(dir, "bundles/Orders on-call.json")))
	result := process.Run(t, process.Env(server), "apply", dir, "-yes", "-delete")
	check.Equal(t, result, process.Result{
		Stderr: "flows-as-code: flows/Orders on-call.json: it refers to the bundle \"Orders on-call\", which would not exist\n", Code: 1,
	})
	stdout, _ := runs(t, server, "apply", dir, "-yes")
	check.Equal(t, stdout, "Nothing to do.\n")
	check.Equal(t, len(writes(server)), 0)
}

// Git keeps no empty folders: a clone without bundles must not delete them all.
func TestAKindWithoutAFolderIsLeftAlone(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := exported(t, server)
	check.NoError(t, os.RemoveAll(filepath.Join(dir, "bundles")))
	stdout, stderr := runs(t, server, "apply", dir, "-delete", "-yes")
	check.Equal(t, stdout+stderr, "Nothing to do.\n")
}

// A change that cannot be made as a whole must not be made in part.
func TestFoldersThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	const bundle = `{"id": "bundle-orders", "object": {"name": "Orders on-call", "access_targets": []}}`
	for name, test := range map[string]struct{ file, text, want string }{
		"broken":         {"flows/a.json", `{"id": "x", "object": {`, "flows/a.json: unexpected EOF"},
		"conflict":       {"flows/a.json", "<<<<<<< HEAD\n", "flows/a.json: invalid character '<' looking for beginning of value"},
		"two values":     {"flows/a.json", breakGlass + breakGlass, "flows/a.json: something follows after its JSON"},
		"unknown member": {"flows/a.json", `{"id": "x", "flow": {}}`, `flows/a.json: json: unknown field "flow"`},
		"nothing":        {"flows/a.json", `{}`, "flows/a.json: its object has no name"},
		"no name":        {"scopes/a.json", `{"object": {"query": "x", "name": " "}}`, "scopes/a.json: its object has no name"},
		"wrong type":     {"scopes/a.json", `{"object": {"query": 1, "name": "a"}}`, "scopes/a.json: "},
		"YAML":           {"flows/a.yaml", "name: a", "flows/a.yaml: it is no .json file"},
		"another folder": {"groups/a.json", `{}`, "groups: it is none of the folders space-scopes, spaces, scopes, bundles and flows"},
		"another file":   {"README.md", "x", "README.md: it is none of the folders space-scopes, spaces, scopes, bundles and flows"},
		"one id twice":   {"bundles/a.json", bundle, "bundles/a.json: it has the id of bundles/Orders on-call.json"},
		"unknown scope": {
			"flows/Break glass.json", strings.Replace(breakGlass, "Production databases", "Nothing", 1),
			`flows/Break glass.json: it refers to the access scope "Nothing", which would not exist`,
		},
		"unknown bundle": {
			"flows/Break glass.json", strings.NewReplacer("access_scope", "bundle", "Production databases", "Nothing").Replace(breakGlass),
			`flows/Break glass.json: it refers to the bundle "Nothing", which would not exist`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := demo(t)
			dir := exported(t, server)
			edit(t, "flow-shift", "flow-of-another-tenant", dir, "flows/Support shift.json") // something to do
			write(t, test.text, dir, test.file)
			for _, command := range []string{"diff", "apply"} {
				result := process.Run(t, process.Env(server), command, dir, "-yes", "-delete")
				if name == "wrong type" { // in the words of encoding/json, which change with its version
					check.Contains(t, result.Stderr, test.want, "cannot unmarshal number into Go", "query")
					result.Stderr = "flows-as-code: " + test.want + "\n"
				}
				check.Equal(t, result, process.Result{Stderr: "flows-as-code: " + test.want + "\n", Code: 1})
			}
			check.Equal(t, len(writes(server)), 0)
		})
	}
}

func TestFoldersThatAreNoneAreRefused(t *testing.T) {
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
		{[]string{"apply", "-yes"}, "it takes 2 arguments besides flags, not 1; see -h", 2},
		{[]string{"destroy", empty}, `there is no command "destroy"; see -h`, 2},
		{[]string{"apply", "--", empty, "-yes"}, "it takes 2 arguments besides flags, not 3; see -h", 2},
	} {
		result := process.Run(t, process.Env(server), test.args...)
		check.Equal(t, result, process.Result{Stderr: "flows-as-code: " + test.want + "\n", Code: test.code})
	}
	check.Equal(t, len(server.Requests()), 0)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	result := process.Run(t, nil, "-h")
	check.Equal(t, result.Code, 0)
	check.Contains(t, result.Stderr, "Usage: flows-as-code [flags] COMMAND DIR\n", "export DIR", "diff DIR", "apply DIR", "-delete", "-yes")
}

// In a pipeline nobody answers, and what was not confirmed must not happen.
func TestWithoutATerminalNothingIsApplied(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := exported(t, server)
	edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
	result := process.RunWith(t, "yes\n", process.Env(server), "apply", dir)
	check.Equal(t, result.Code, 1)
	check.Equal(t, result.Stderr, "flows-as-code: there is no terminal to ask on: nothing was changed; -yes applies without a question\n")
	check.Equal(t, len(writes(server)), 0)
}

// The names come from people: none may write outside of the folder, hide a file,
// or take the file of another object on any file system.
func TestEveryNameIsASafeFileName(t *testing.T) {
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
	check.Equal(t, tree(t, filepath.Dir(dir)), []string{
		"access/scopes/%20x.json", "access/scopes/%2E.%2F..%2Fetc%2Fpasswd.json", "access/scopes/%2E..json",
		"access/scopes/%2Ehidden.json", "access/scopes/%4EUL.txt.json", "access/scopes/%63on.json",
		"access/scopes/" + strings.Repeat("%C3%A4", 25) + "@s14.json",
		"access/scopes/100%25.json", "access/scopes/@s08.json", "access/scopes/Orders@s04.json",
		"access/scopes/a%2Fb.json", "access/scopes/a%5Cb%3Ac.json", "access/scopes/console.json", "access/scopes/orders@s05.json",
		"access/scopes/same%40s13.json", "access/scopes/same@%5313.json", "access/scopes/same@s11.json",
		"access/scopes/twice@%2E%2E%2Fs18.json", "access/scopes/twice@s19.json",
	})
	result := process.Run(t, process.Env(server), "diff", dir)
	check.Equal(t, result.Stderr, "flows-as-code: scopes/@s08.json: its object has no name\n")
	check.NoError(t, os.Remove(filepath.Join(dir, "scopes/@s08.json")))
	stdout, _ := runs(t, server, "diff", dir)
	check.Equal(t, stdout, "- access scope \"\" (s08)\n0 to create, 0 to change, 1 to delete\n")
}

// A file that stays behind would bring a deleted flow back with the next apply.
func TestAnExportRemovesTheFilesOfWhatIsGone(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := exported(t, server)
	write(t, "ref: refs/heads/main", dir, ".git/HEAD")
	check.NoError(t, server.Client().AccessFlows.Delete(t.Context(), "flow-break-glass"))
	bundle, err := server.Client().Bundles.GetByName(t.Context(), "Orders on-call")
	check.NoError(t, err)
	in := bundle.UpdateInput()
	in.Name = "ORDERS on-call"
	_, err = server.Client().Bundles.Update(t.Context(), bundle.ID, in)
	check.NoError(t, err)
	stdout, _ := runs(t, server, "export", dir)
	check.Equal(t, stdout, "31 objects exported, 2 files of others removed\n")
	names := tree(t, dir)
	check.Equal(t, len(names), 32)
	check.True(t, slices.Contains(names, "bundles/ORDERS on-call.json"), "the new name in %q", names)
	check.True(t, !slices.Contains(names, "bundles/Orders on-call.json"), "no old name in %q", names)
	check.True(t, !slices.Contains(names, "flows/Break glass.json"), "no deleted flow in %q", names)
	check.Contains(t, read(t, dir, "flows/Orders on-call.json"), `"bundle_reference": "ORDERS on-call"`)
}

func TestAnExportTouchesNoFilesOfSomethingElse(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := t.TempDir()
	write(t, "x", dir, "flows/notes.txt")
	result := process.Run(t, process.Env(server), "export", dir)
	check.Equal(t, result, process.Result{
		Stderr: "flows-as-code: " + dir + " holds what this program did not write: flows/notes.txt: it is no .json file\n", Code: 1,
	})
	check.Equal(t, tree(t, dir), []string{"flows/notes.txt"})
}

// A link in a repository that somebody else can push to must not have the
// program read or write other files.
func TestLinksOutOfTheFolderAreNotFollowed(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir, outside := exported(t, server), t.TempDir()
	write(t, breakGlass, outside, "secret.json")
	check.NoError(t, os.Remove(filepath.Join(dir, "flows/Break glass.json")))
	check.NoError(t, os.Symlink(filepath.Join(outside, "secret.json"), filepath.Join(dir, "flows/Break glass.json")))
	for _, command := range []string{"diff", "export"} {
		result := process.Run(t, process.Env(server), command, dir)
		check.Equal(t, result.Code, 1)
		check.Contains(t, result.Stderr, "path escapes from parent")
	}
	check.Equal(t, read(t, outside, "secret.json"), breakGlass)
}

// References by name break when only one side of a rename is edited.
func TestARenameNeedsItsReferencesEdited(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := exported(t, server)
	edit(t, `"name": "Orders on-call"`, `"name": "Orders duty"`, dir, "bundles/Orders on-call.json")
	result := process.Run(t, process.Env(server), "apply", dir, "-yes")
	check.Equal(t, result, process.Result{
		Stderr: "flows-as-code: flows/Orders on-call.json: it refers to the bundle \"Orders on-call\", which would not exist\n", Code: 1,
	})
	edit(t, `"bundle_reference": "Orders on-call"`, `"bundle_reference": "Orders duty"`, dir, "flows/Orders on-call.json")
	runs(t, server, "apply", dir, "-yes")
	check.Equal(t, writes(server), []string{"PUT /api/admin/v2/bundles/bundle-orders", "PUT /api/admin/v2/access-flows/flow-orders"})
	stdout, _ := runs(t, server, "apply", dir, "-yes")
	check.Equal(t, stdout, "Nothing to do.\n")
}

// What people write by hand says the same in other words.
func TestWhatIsTheSameToAponoIsNoChange(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := exported(t, server)
	name := filepath.Join(dir, "flows/Break glass.json")
	edit(t, `"access_scope_reference": "Production databases"`, `"access_scope_reference": "scope-production"`, name)
	edit(t, `"active": true`, `"timeframe": null, "active": true`, name)
	edit(t, `"request_for_others": false`, `"request_for_others": true`, name) // which Apono never answers
	edit(t, `  "id": "flow-break-glass",`, ``, name)
	stdout, _ := runs(t, server, "diff", dir)
	check.Equal(t, stdout, "")

	edit(t, `"require_mfa": false`, `"require_mfa": true`, name)
	runs(t, server, "apply", dir, "-yes")
	check.Contains(t, server.Requests("AccessFlows.Update")[0].Body, `"request_for_others":true`, `"access_scope_reference":"scope-production"`)
}

// A name that two bundles have refers to neither.
func TestSharedNames(t *testing.T) {
	t.Parallel()
	server := demo(t)
	server.Put(aponotest.Bundles, apono.Bundle{ID: "b2", Name: "Orders on-call", AccessTargets: []apono.AccessBundleAccessTarget{}})
	dir := exported(t, server)
	check.Contains(t, read(t, dir, "flows/Orders on-call.json"), `"bundle_reference": "bundle-orders"`)
	check.Contains(t, read(t, dir, "bundles/Orders on-call@b2.json"), `"id": "b2"`)
	stdout, _ := runs(t, server, "diff", dir)
	check.Equal(t, stdout, "")

	write(t, `{"object": {"name": "Orders on-call", "access_targets": []}}`, dir, "bundles/new.json")
	check.NoError(t, os.Remove(filepath.Join(dir, "bundles/Orders on-call@b2.json")))
	check.NoError(t, os.Remove(filepath.Join(dir, "bundles/Orders on-call@bundle-orders.json")))
	result := process.Run(t, process.Env(server), "diff", dir)
	check.Equal(t, result.Stderr, "flows-as-code: bundles/new.json: Apono has several of the name \"Orders on-call\": give the id of one\n")
	check.NoError(t, server.Client().Bundles.Delete(t.Context(), "b2"))
	write(t, `{"object": {"name": "Orders on-call", "access_targets": []}}`, dir, "bundles/newer.json")
	result = process.Run(t, process.Env(server), "diff", dir)
	check.Equal(t, result.Stderr,
		"flows-as-code: bundles/newer.json: another file has the name \"Orders on-call\" too, and Apono has no bundle with its id\n")
}

// Whoever is stopped halfway has to know how far it went.
func TestAFailureSaysHowFarItWent(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := exported(t, server)
	edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
	edit(t, `"Every database of the production stage"`, `"All of them"`, dir, "scopes/Production databases.json")
	server.FailNext("AccessFlows.Update", 1, 409, nil, `{"message": "locked"}`)
	result := process.Run(t, process.Env(server), "apply", dir, "-yes")
	check.Equal(t, result.Code, 1)
	check.Contains(t, result.Stdout, "\nchanged access scope \"Production databases\" (scopes/Production databases.json)\n")
	check.Contains(t, result.Stderr, "flows-as-code: after 1 of 2 changes: access flow \"Break glass\" (flows/Break glass.json): apono: PUT /api/admin/v2/access-flows/{id}: 409 Conflict: locked")
}

// tenantOf is a server of another version of the API, with one flow and no rules
// about what it is sent.
type tenantOf struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
}

// newTenant starts a server; after every page comes the one with the token.
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
		if len(s.requests) > 100 { // a program that does not end would not end the test
			w.WriteHeader(http.StatusTeapot)
			return
		}
		items := ""
		if r.URL.Path == "/api/admin/v2/access-flows" {
			items = flow
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"items": [` + items + `], "pagination": {"next_page_token": "` + token + `"}}`))
	}))
	t.Cleanup(s.Close)
	return s
}

// take returns the requests since it was last called.
func (s *tenantOf) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.requests
	s.requests = nil
	return taken
}

func (s *tenantOf) env() []string { return []string{"APONO_TOKEN=t", "APONO_ENDPOINT=" + s.URL} }

// A member that the API gained after this program was built would be deleted by
// the next apply, in every flow of the company.
func TestWhatTheSDKDoesNotKnowSurvivesExportAndApply(t *testing.T) {
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
	check.Equal(t, process.Run(t, s.env(), "export", dir).Code, 0)
	check.Equal(t, process.Run(t, s.env(), "diff", dir), process.Result{})
	check.Contains(t, read(t, dir, "flows/one.json"), `"space": "Team"`, `"<a&b>"`, `"big": 12345678901234567890`, `"weight": 1.10`, `"exponent": 1E+2`)
	edit(t, `"active": true`, `"active": false`, dir, "flows/one.json")
	s.take()
	result := process.Run(t, s.env(), "apply", dir, "-yes")
	check.Equal(t, result.Stderr, "")
	requests := s.take()
	check.Equal(t, len(requests), 6)
	body, isPut := strings.CutPrefix(requests[5], "PUT /api/admin/v2/access-flows/f1 ")
	check.True(t, isPut, "a PUT, got %s", requests[3])
	check.JSON(t, body, `{
		"name": "one", "active": false, "trigger": "SELF_SERVE", "description": null,
		"requestors": {"logical_operator": "OR", "strict": false, "conditions": [
			{"type": "user", "match_operator": "is", "values": ["u"], "source_integration_reference": "Okta", "weight": 1.10}
		]},
		"access_targets": [
			{"integration": {"integration_reference": "db", "resource_type": "t", "permissions": ["p"], "tier": {"bundle_id": "x"}}},
			{"future": {"integration_id": "i3", "integration_name": "kept", "big": 12345678901234567890}}
		],
		"settings": {
			"justification_required": true, "require_approver_reason": false, "requestor_cannot_approve_himself": false,
			"require_mfa": true, "labels": [], "notify": ["<a&b>"]
		},
		"nothing": null, "exponent": 1E+2, "request_for_others": false, "requestor_identity_type": "HUMAN"
	}`)
}

// A server whose pages go round in circles would be asked forever.
func TestPagesThatComeBackAreAnError(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "", "same")
	result := process.Run(t, s.env(), "export", t.TempDir())
	check.Equal(t, result.Code, 1)
	check.Contains(t, result.Stderr, "flows-as-code: GET /api/admin/v1/space-scopes: ")
	check.Equal(t, len(s.take()), 2)
}

// Without an id an apply would create the object again.
func TestAnObjectWithoutAnIDIsAnError(t *testing.T) {
	t.Parallel()
	result := process.Run(t, newTenant(t, `{"name": "one"}`, "").env(), "export", t.TempDir())
	check.Equal(t, result, process.Result{Stderr: "flows-as-code: apono answered the access flow \"one\" without an id\n", Code: 1})
}

func TestDifferencesFarApartAreShownApart(t *testing.T) {
	t.Parallel()
	check.Equal(t, difference("a\nb\nc\nd\ne\nf\ng\nh\n", "a\nB\nc\nd\ne\nf\ng\nh\ni\n"),
		"     a\n    -b\n    +B\n     c\n     d\n    ...\n     g\n     h\n    +i\n")
	check.Equal(t, difference("a\n", "a\n"), "")
}
