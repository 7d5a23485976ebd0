package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/internal/check"
)

const platform = `{
  "id": "space-platform",
  "object": {
    "name": "Platform engineering",
    "space_scope_references": [
      "Orders resources",
      "Staging resources"
    ]
  }
}
`

const ordersScope = `{
  "id": "scope-orders",
  "space": "Orders",
  "object": {
    "name": "Orders databases",
    "query": "resource_type in (\"postgresql-database\", \"mysql-database\") and integration contains \"orders\""
  }
}
`

func TestSpacesAreFiles(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := exported(t, server)
	check.Equal(t, read(t, dir, "spaces/Platform engineering.json"), platform)
	check.Equal(t, read(t, dir, "scopes/Orders databases.json"), ordersScope)
	check.Contains(t, read(t, dir, "flows/Orders staging.json"), `"space": "Orders",`)
	check.Contains(t, read(t, dir, "flows/Agents in development.json"), `"requestor_identity_type": "AGENT"`, `"query_target": {`)

	// The scopes of a space have no order, and an id is as good as a name.
	edit(t, "\"Orders resources\",\n      \"Staging resources\"", `"space-scope-staging", "Orders resources"`, dir, "spaces/Platform engineering.json")
	edit(t, `"space": "Orders"`, `"space": "space-orders"`, dir, "scopes/Orders databases.json")
	stdout, stderr := runs(t, server, "diff", dir)
	check.Equal(t, stdout+stderr, "")

	edit(t, `"space-scope-staging", "Orders resources"`, `"Staging resources"`, dir, "spaces/Platform engineering.json")
	edit(t, `"query": "`, `"query": "true and `, dir, "space-scopes/Staging resources.json")
	runs(t, server, "apply", dir, "-yes")
	check.Equal(t, writes(server), []string{"PUT /api/admin/v1/space-scopes/space-scope-staging", "PUT /api/admin/v1/spaces/space-platform"})
	check.JSON(t, server.Requests("Spaces.Update")[0].Body, `{"name": "Platform engineering", "space_scope_references": ["Staging resources"]}`)
	var space apono.Space
	check.True(t, server.Get(aponotest.Spaces, "space-platform", &space), "the space")
	check.Equal(t, len(space.SpaceScopes), 1)
	check.Equal(t, space.SpaceScopes[0].Query, `true and integration contains "staging"`)
	check.True(t, server.Get(aponotest.SpaceMembersOf("space-platform"), "group-platform", &apono.SpaceMember{}), "the members to stay")
}

// An object that is created outside of its space is everybody's.
func TestObjectsAreCreatedInTheirSpace(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := exported(t, server)
	check.NoError(t, server.Client().AccessFlows.Delete(t.Context(), "flow-orders-staging"))
	check.NoError(t, server.Client().AccessFlows.Delete(t.Context(), "flow-agents"))
	runs(t, server, "apply", dir, "-yes")
	var spaces []string
	for _, request := range server.Requests("AccessFlows.Create") {
		spaces = append(spaces, request.Query.Encode())
		check.Lacks(t, request.Body, `"space"`)
	}
	check.Equal(t, spaces, []string{"", "space_reference=Orders"})
	flows, err := apono.Collect(server.Client().AccessFlows.ListAll(t.Context(), apono.ListAccessFlowsOptions{SpaceReferences: []string{"space-orders"}}))
	check.NoError(t, err)
	check.Equal(t, len(flows), 1)
	check.Equal(t, flows[0].Name, "Orders staging")
	stdout, stderr := runs(t, server, "diff", dir)
	check.Equal(t, stdout+stderr, "")
}

func TestSpacesThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(t *testing.T, dir string)
		want   string
	}{
		"another space": {func(t *testing.T, dir string) {
			edit(t, `"space": "Orders"`, `"space": "Platform engineering"`, dir, "flows/Orders staging.json")
		}, `flows/Orders staging.json: it says the space "Platform engineering", and what Apono has is in "Orders": an object stays where it was created`},
		"a space for what is in none": {func(t *testing.T, dir string) {
			edit(t, `"id": "flow-shift",`, `"id": "flow-shift", "space": "Orders",`, dir, "flows/Support shift.json")
		}, `flows/Support shift.json: it says the space "Orders", and what Apono has is in none: an object stays where it was created`},
		"a space in a space": {func(t *testing.T, dir string) {
			edit(t, `"id": "space-platform",`, `"id": "space-platform", "space": "Orders",`, dir, "spaces/Platform engineering.json")
		}, "spaces/Platform engineering.json: a space is in no space"},
		"an unknown space": {func(t *testing.T, dir string) {
			write(t, `{"space": "Nowhere", "object": {"name": "New", "query": "q"}}`, dir, "scopes/New.json")
		}, `scopes/New.json: it refers to the space "Nowhere", which would not exist`},
		"an unknown space scope": {func(t *testing.T, dir string) {
			edit(t, `"Staging resources"`, `"Nothing"`, dir, "spaces/Platform engineering.json")
		}, `spaces/Platform engineering.json: it refers to the space scope "Nothing", which would not exist`},
		"a space whose objects stay": {func(t *testing.T, dir string) {
			check.NoError(t, os.Remove(filepath.Join(dir, "spaces/Orders.json")))
		}, `scopes/Orders databases.json: it refers to the space "Orders", which would not exist`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := demo(t)
			dir := exported(t, server)
			test.change(t, dir)
			result := process.Run(t, process.Env(server), "apply", dir, "-yes", "-delete")
			check.Equal(t, result, process.Result{Stderr: "flows-as-code: " + test.want + "\n", Code: 1})
			check.Equal(t, len(writes(server)), 0)
		})
	}
}

// A file that says nothing of the space or of agents is one of a program before
// this one: it leaves the object where it is.
func TestFilesOfAnOlderProgram(t *testing.T) {
	t.Parallel()
	server := demo(t)
	dir := exported(t, server)
	edit(t, "  \"space\": \"Orders\",\n", "", dir, "flows/Orders staging.json")
	edit(t, "    \"requestor_identity_type\": \"HUMAN\",\n", "", dir, "flows/Orders staging.json")
	stdout, stderr := runs(t, server, "diff", dir)
	check.Equal(t, stdout+stderr, "")
}

func TestServerWithoutSpaces(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithDemoTenant(), aponotest.WithoutSpaces())
	dir := filepath.Join(t.TempDir(), "access")
	stdout, _ := runs(t, server, "export", dir)
	check.Equal(t, stdout, "24 objects exported, 0 files of others removed\n")
	stdout, stderr := runs(t, server, "diff", dir)
	check.Equal(t, stdout+stderr, "")
	edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
	runs(t, server, "apply", dir, "-yes", "-delete")
	check.Equal(t, writes(server), []string{"PUT /api/admin/v2/access-flows/flow-break-glass"})
}
