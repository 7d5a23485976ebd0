package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

// fails runs the program against a server and requires exit code 1 and no change.
func fails(t *testing.T, server *aponotest.Server, args ...string) (stderr string) {
	t.Helper()
	before := len(writes(server))
	result := process.Run(t, process.Env(server), args...)
	require.Equal(t, 1, result.Code)
	require.Empty(t, result.Stdout)
	require.Len(t, writes(server), before)
	return result.Stderr
}

// bundleOf returns the id of the bundle that a flow grants.
func bundleOf(t *testing.T, server *aponotest.Server, id string) string {
	t.Helper()
	var flow apono.AccessFlow
	require.True(t, server.Get(aponotest.AccessFlows, id, &flow), "the flow does not exist")
	return flow.AccessTargets[0].Bundle.BundleID
}

func rename(t *testing.T, server *aponotest.Server, id, name string) {
	t.Helper()
	bundle, err := server.Client().Bundles.Get(t.Context(), id)
	require.NoError(t, err)
	in := bundle.UpdateInput()
	in.Name = name
	_, err = server.Client().Bundles.Update(t.Context(), id, in)
	require.NoError(t, err)
}

// A response without items is a failure. Taken for an empty tenant, it would delete all
// files, or create everything again.
func TestResponseWithoutItemsIsNotAnEmptyTenant(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"AccessFlows.List", "Bundles.List", "Scopes.List", "Spaces.List", "SpaceScopes.List", "Integrations.List"} {
		for _, body := range []string{`{}`, `{"items": []}`} {
			t.Run(operation+" "+body, func(t *testing.T) {
				t.Parallel()
				server, dir := exportedDemo(t)
				before := tree(t, dir)
				server.FaultNext(operation, 2, aponotest.Fault{Body: body})
				require.Contains(t, fails(t, server, "export", dir), "but the body is unusable")
				require.Equal(t, before, tree(t, dir))
				require.Contains(t, fails(t, server, "apply", dir, "-yes", "-delete"), "but the body is unusable")
			})
		}
	}
}

// References are sent as ids. Sent as a name, this one would mean another bundle.
func TestNameThatIsTheIDOfAnotherObject(t *testing.T) {
	t.Parallel()
	server := demo(t)
	rename(t, server, "bundle-orders", "bundle-payments")
	dir := exported(t, server)
	edit(t, `"require_approver_reason": false`, `"require_approver_reason": true`, dir, "flows/Orders on-call.json")
	stdout, _ := runs(t, server, "apply", dir, "-yes")
	require.NotContains(t, stdout, "    -      \"bundle")
	require.Equal(t, "bundle-orders", bundleOf(t, server, "flow-orders"))

	// The API does not document which of the two bundles "bundle-payments" means.
	edit(t, `"require_approver_reason": false`, `"require_approver_reason": true`, dir, "flows/Payments on-call.json")
	require.Equal(t, "flows-as-code: flows/Payments on-call.json:7: \"bundle-payments\" is the id of one bundle and the name of another one: rename that first\n",
		fails(t, server, "apply", dir, "-yes"))
	edit(t, `"bundle_id": "bundle-payments",`, ``, dir, "flows/Payments on-call.json")
	edit(t, `"bundle_name": "Payments on-call"`, `"bundle_reference": "bundle-payments"`, dir, "flows/Payments on-call.json")
	require.Equal(t, "flows-as-code: flows/Payments on-call.json:8: \"bundle-payments\" is the id of one bundle and the name of another one\n",
		fails(t, server, "apply", dir, "-yes"))
}

// A review reads the name. Apono gets the id.
func TestNameBesideIDMustFit(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	edit(t, `"bundle_id": "bundle-orders"`, `"bundle_id": "bundle-payments"`, dir, "flows/Orders on-call.json")
	const want = "flows-as-code: flows/Orders on-call.json:7: the bundle with the id \"bundle-payments\" is \"Payments on-call\", not \"Orders on-call\": correct the id or the name\n"
	require.Equal(t, want, fails(t, server, "diff", dir))
	require.Equal(t, want, fails(t, server, "apply", dir, "-yes"))

	edit(t, `"bundle_name": "Orders on-call"`, `"bundle_name": "Payments on-call"`, dir, "flows/Orders on-call.json")
	stdout := differs(t, server, "diff", dir)
	require.Contains(t, stdout, `    -        "bundle_id": "bundle-orders",
    -        "bundle_name": "Orders on-call"
    +        "bundle_id": "bundle-payments",
    +        "bundle_name": "Payments on-call"
`)

	edit(t, `"bundle_name": "Payments on-call"`, `"bundle_name": "Payments on-call", "bundle_reference": "bundle-orders"`, dir, "flows/Orders on-call.json")
	require.Contains(t, fails(t, server, "diff", dir), `the bundle is given twice: remove "bundle-orders", or the id and the name`)
	edit(t, `"bundle_name": "Payments on-call", "bundle_reference": "bundle-orders"`, `"bundle_name": 7`, dir, "flows/Orders on-call.json")
	require.Contains(t, fails(t, server, "diff", dir), "a reference must be a string")
}

// A rename does not change the objects that refer to the renamed one.
func TestRenameKeepsReferences(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	edit(t, `"name": "Orders on-call"`, `"name": "Orders duty"`, dir, "bundles/Orders on-call.json")
	runs(t, server, "apply", dir, "-yes")
	require.Equal(t, []string{"PUT /api/admin/v2/bundles/bundle-orders"}, writes(server))
	require.Equal(t, "bundle-orders", bundleOf(t, server, "flow-orders"))
	stdout, stderr := runs(t, server, "diff", dir)
	require.Empty(t, stdout+stderr)
}

// A name is a reference to the object that has it after all changes.
func TestReferenceByNameMeansTheObjectAfterwards(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	edit(t, `"bundle_id": "bundle-orders",`, ``, dir, "flows/Orders on-call.json")
	edit(t, `"bundle_name": "Orders on-call"`, `"bundle_reference": "Orders on-call"`, dir, "flows/Orders on-call.json")
	stdout, _ := runs(t, server, "diff", dir)
	require.Empty(t, stdout)

	edit(t, `"name": "Orders on-call"`, `"name": "Orders (old)"`, dir, "bundles/Orders on-call.json")
	edit(t, `"name": "Payments on-call"`, `"name": "Orders on-call"`, dir, "bundles/Payments on-call.json")
	stdout = differs(t, server, "diff", dir)
	require.Contains(t, stdout, `~ access flow "Orders on-call" (flows/Orders on-call.json)
         {
           "bundle": {
    -        "bundle_id": "bundle-orders",
    +        "bundle_id": "bundle-payments",
             "bundle_name": "Orders on-call"
           }
`)
	runs(t, server, "apply", dir, "-yes")
	require.Equal(t, "bundle-payments", bundleOf(t, server, "flow-orders"))
	require.Equal(t, "bundle-payments", bundleOf(t, server, "flow-payments"), "this file refers to it by id")
	stdout, stderr := runs(t, server, "diff", dir)
	require.Empty(t, stdout+stderr)

	// The new object has no id yet when the plan is made.
	edit(t, `"bundle_reference": "Orders on-call"`, `"bundle_reference": "New"`, dir, "flows/Orders on-call.json")
	write(t, `{"object": {"name": "New", "access_targets": [{"access_scope": {"access_scope_reference": "Production databases"}}]}}`, dir, "bundles/New.json")
	require.Contains(t, differs(t, server, "diff", dir), `    +        "bundle_id": "new: bundles/New.json",`)
	runs(t, server, "apply", dir, "-yes")
	bundle, err := server.Client().Bundles.GetByName(t.Context(), "New")
	require.NoError(t, err)
	require.Equal(t, bundle.ID, bundleOf(t, server, "flow-orders"))
}

// Objects without a file are not changed, so what they refer to must stay.
func TestDeletionOfWhatAnObjectWithoutFileRefersTo(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "flows")))
	require.NoError(t, os.Remove(filepath.Join(dir, "bundles/Orders on-call.json")))
	require.Equal(t, "flows-as-code: bundle \"Orders on-call\" (bundle-orders) cannot be deleted: access flow \"Orders on-call\" (flow-orders) refers to it and has no file\n",
		fails(t, server, "apply", dir, "-yes", "-delete"))
}

// flowNames returns the names of the flows by id.
func flowNames(t *testing.T, server *aponotest.Server) map[string]string {
	t.Helper()
	names := map[string]string{}
	for flow, err := range server.Client().AccessFlows.ListAll(t.Context()) {
		require.NoError(t, err)
		names[flow.ID] = flow.Name
	}
	return names
}

// Names are unique, so the one of the two that is changed first gets another name.
func TestNamesAreSwapped(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	edit(t, `"name": "Break glass"`, `"name": "Orders on-call"`, dir, "flows/Break glass.json")
	edit(t, `"name": "Orders on-call"`, `"name": "Search on-call"`, dir, "flows/Orders on-call.json")
	edit(t, `"name": "Search on-call"`, `"name": "Break glass"`, dir, "flows/Search on-call.json")
	stdout := differs(t, server, "diff", dir)
	require.Equal(t, 1, strings.Count(stdout, "    first renamed to \"renaming-flow-"))
	stdout, _ = runs(t, server, "apply", dir, "-yes")
	require.Contains(t, stdout, "\nrenamed access flow \"")
	got := flowNames(t, server)
	require.Equal(t, []string{"Orders on-call", "Search on-call", "Break glass"}, []string{got["flow-break-glass"], got["flow-orders"], got["flow-search"]})
	require.Len(t, writes(server), 4)
	stdout, stderr := runs(t, server, "diff", dir)
	require.Empty(t, stdout+stderr)
}

// A chain of renames ends with a deletion or with a new object.
func TestNamesAreFreedInOrder(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	edit(t, `"name": "Break glass"`, `"name": "Orders on-call"`, dir, "flows/Break glass.json")
	edit(t, `"name": "Orders on-call"`, `"name": "Search on-call"`, dir, "flows/Orders on-call.json")
	require.NoError(t, os.Remove(filepath.Join(dir, "flows/Search on-call.json")))
	created := regexp.MustCompile(`"id": "flow-.*",`).ReplaceAllString(read(t, dir, "flows/Support shift.json"), "")
	write(t, strings.Replace(created, `"name": "Support shift"`, `"name": "Break glass"`, 1), dir, "flows/new.json")
	result := process.Run(t, process.Env(server), "apply", dir, "-yes", "-delete")
	require.Empty(t, result.Stderr)
	require.Zero(t, result.Code)
	require.Equal(t, []string{
		"DELETE /api/admin/v2/access-flows/flow-search", "PUT /api/admin/v2/access-flows/flow-orders",
		"PUT /api/admin/v2/access-flows/flow-break-glass", "POST /api/admin/v2/access-flows",
	}, writes(server))
	got := flowNames(t, server)
	require.Equal(t, []string{"Orders on-call", "Search on-call"}, []string{got["flow-break-glass"], got["flow-orders"]})
	stdout, stderr := runs(t, server, "diff", dir, "-delete")
	require.Empty(t, stdout+stderr)
}

// An object that others refer to is deleted last. Until then, it has another name.
func TestNameOfDeletedObjectIsUsed(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	require.NoError(t, os.Remove(filepath.Join(dir, "scopes/Production databases.json")))
	edit(t, `"name": "Orders databases"`, `"name": "Production databases"`, dir, "scopes/Orders databases.json")
	for _, name := range tree(t, dir) {
		if text := read(t, dir, name); strings.Contains(text, `"scope-production"`) {
			write(t, strings.ReplaceAll(text, `"scope-production"`, `"scope-orders"`), dir, name)
		}
	}
	stdout, _ := runs(t, server, "apply", dir, "-yes", "-delete")
	require.Contains(t, stdout, "- access scope \"Production databases\" (scope-production)\n    first renamed to \"renaming-scope-production\"\n")
	sent := writes(server)
	require.Equal(t, []string{"PUT /api/admin/v1/access-scopes/scope-production", "PUT /api/admin/v1/access-scopes/scope-orders"}, sent[:2])
	require.Equal(t, "DELETE /api/admin/v1/access-scopes/scope-production", sent[len(sent)-1])
	stdout, stderr := runs(t, server, "diff", dir, "-delete")
	require.Empty(t, stdout+stderr)
}

// Members that neither this version nor Apono knows are misspelt, most likely.
func TestUnknownMembersAreRejected(t *testing.T) {
	t.Parallel()
	server := demo(t)
	for name, test := range map[string]struct{ before, after, want string }{
		"in an object":   {`    "active": true,`, `    "activ": true,`, "12: object.activ"},
		"with case":      {`"active": true`, `"Active": true`, "12: object.Active"},
		"deep":           {`"match_operator": "is"`, `"match_operatr": "is"`, "20: object.requestors.conditions[0].match_operatr"},
		"in settings":    {`"require_mfa": false`, `"require_mfa": false, "requires_mfa": true`, "39: object.settings.requires_mfa"},
		"of a reference": {`"access_scope_name": "Production databases"`, `"access_scope_nam": "Production databases"`, "8: object.access_targets[0].access_scope.access_scope_nam"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := exported(t, server)
			edit(t, test.before, test.after, dir, "flows/Break glass.json")
			line, member, _ := strings.Cut(test.want, ": ")
			stderr := fails(t, server, "apply", dir, "-yes")
			require.Regexp(t, `^flows-as-code: flows/Break glass\.json:\d+: `+regexp.QuoteMeta(member)+`: neither this version nor Apono knows this member: correct it, or use -allow-unknown\n$`, stderr)
			text, _, _ := strings.Cut(read(t, dir, "flows/Break glass.json"), test.after)
			require.Contains(t, stderr, ".json:"+line+":")
			require.Equal(t, line, strconv.Itoa(1+strings.Count(text, "\n")+strings.Count(test.after, "\n")))
			require.Equal(t, 3, process.Run(t, process.Env(server), "diff", dir, "-allow-unknown").Code)
		})
	}
}

func TestInvalidJSONNamesFileLineAndMember(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		"flows/a.json:4: object.active: must be a boolean, not a string":                             "{\n\"object\": {\n\"name\": \"a\",\n\"active\": \"yes\"}}",
		"flows/a.json:3: object.requestors.conditions[0].values[1]: must be a string, not a number":  "{\n\"object\": {\"requestors\": {\"conditions\": [\n{\"values\": [\"a\", 1]}]}}}",
		"flows/a.json:2: object.settings: must be an object, not an array":                           "{\n\"object\": {\"settings\": []}}",
		"flows/a.json:3: object.name: duplicate object member name":                                  "{\"object\": {\n\"name\": \"a\",\n\"name\": \"b\"}}",
		"flows/a.json:3: object.name: invalid character":                                             "{\"object\": {\n\"name\":\n'a'}}",
		"flows/a.json:2: object.grant_duration_in_min: must be an integer, not a string":             "{\"object\": {\n\"grant_duration_in_min\": \"60\"}}",
		"flows/a.json:1: must be an object, not an array":                                            "[]",
		"flows/a.json:1: id: must be a string, not a number":                                         `{"id": 1, "object": {}}`,
		"flows/a.json:2: object.access_targets[0].integration.permissions: must be an array, not an": "{\"object\": {\n\"access_targets\": [{\"integration\": {\"permissions\": {}}}]}}",
	} {
		dir := t.TempDir()
		write(t, text, dir, "flows/a.json")
		result := process.Run(t, []string{"APONO_TOKEN=t"}, "diff", dir)
		require.Equal(t, 1, result.Code)
		require.Contains(t, result.Stderr, "flows-as-code: "+want)
	}
}
