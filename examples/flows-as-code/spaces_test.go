package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

const platform = `{
  "id": "space-platform",
  "object": {
    "name": "Platform engineering",
    "space_scopes": [
      {
        "id": "space-scope-orders",
        "name": "Orders resources"
      },
      {
        "id": "space-scope-staging",
        "name": "Staging resources"
      }
    ]
  }
}
`

const ordersScope = `{
  "id": "scope-orders",
  "space": {
    "space_id": "space-orders",
    "space_name": "Orders"
  },
  "object": {
    "name": "Orders databases",
    "query": "resource_type in (\"postgresql-database\", \"mysql-database\") and integration contains \"orders\""
  }
}
`

const inOrders = `"space": {
    "space_id": "space-orders",
    "space_name": "Orders"
  },`

func TestSpacesAreFiles(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	require.Equal(t, platform, read(t, dir, "spaces/Platform engineering.json"))
	require.Equal(t, ordersScope, read(t, dir, "scopes/Orders databases.json"))
	require.Contains(t, read(t, dir, "flows/Orders staging.json"), inOrders)
	text := read(t, dir, "flows/Agents in development.json")
	require.Contains(t, text, `"requestor_identity_type": "AGENT"`)
	require.Contains(t, text, `"query_target": {`)

	// The scopes of a space are a set, and an id is equivalent to a name.
	write(t, `{"object": {"name": "Platform engineering", "space_scope_references": ["space-scope-staging", "Orders resources"]}}`, dir, "spaces/Platform engineering.json")
	edit(t, inOrders, `"space": "Orders",`, dir, "scopes/Orders databases.json")
	stdout, stderr := runs(t, server, "diff", dir)
	require.Empty(t, stdout+stderr)

	edit(t, `"space-scope-staging", "Orders resources"`, `"Staging resources"`, dir, "spaces/Platform engineering.json")
	edit(t, `"query": "`, `"query": "true and `, dir, "space-scopes/Staging resources.json")
	runs(t, server, "apply", dir, "-yes")
	require.Equal(t, []string{"PUT /api/admin/v1/space-scopes/space-scope-staging", "PUT /api/admin/v1/spaces/space-platform"}, writes(server))
	apitest.JSONEq(t, `{"name": "Platform engineering", "space_scope_references": ["space-scope-staging"]}`, server.Requests("Spaces.Update")[0].Body)
	var space apono.Space
	require.True(t, server.Get(aponotest.Spaces, "space-platform", &space), "the space does not exist")
	require.Len(t, space.SpaceScopes, 1)
	require.Equal(t, `true and integration contains "staging"`, space.SpaceScopes[0].Query)
	require.True(t, server.Get(aponotest.SpaceMembersOf("space-platform"), "group-platform", &apono.SpaceMember{}), "the members must stay")
}

func TestObjectsAreCreatedInTheirSpace(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	require.NoError(t, server.Client().AccessFlows.Delete(t.Context(), "flow-orders-staging"))
	require.NoError(t, server.Client().AccessFlows.Delete(t.Context(), "flow-agents"))
	runs(t, server, "apply", dir, "-yes")
	var spaces []string
	for _, request := range server.Requests("AccessFlows.Create") {
		spaces = append(spaces, request.Query.Encode())
		require.NotContains(t, request.Body, `"space"`)
	}
	require.ElementsMatch(t, []string{"", "space_reference=space-orders"}, spaces)
	flows, err := apono.Collect(server.Client().AccessFlows.ListAll(t.Context(), apono.ListAccessFlowsOptions{SpaceReferences: []string{"space-orders"}}))
	require.NoError(t, err)
	require.Len(t, flows, 1)
	require.Equal(t, "Orders staging", flows[0].Name)
	stdout, stderr := runs(t, server, "diff", dir)
	require.Empty(t, stdout+stderr)
}

func TestInvalidSpacesAreRejected(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(t *testing.T, dir string)
		want   string
	}{
		"another space": {func(t *testing.T, dir string) {
			edit(t, inOrders, `"space": "Platform engineering",`, dir, "flows/Orders staging.json")
		}, `flows/Orders staging.json:3: the space is "Platform engineering", but in Apono it is "Orders": an object cannot be moved`},
		"a space for an object in none": {func(t *testing.T, dir string) {
			edit(t, `"id": "flow-shift",`, `"id": "flow-shift", "space": "Orders",`, dir, "flows/Support shift.json")
		}, `flows/Support shift.json:2: the space is "Orders", but in Apono it is none: an object cannot be moved`},
		"a space in a space": {func(t *testing.T, dir string) {
			edit(t, `"id": "space-platform",`, `"id": "space-platform", "space": "Orders",`, dir, "spaces/Platform engineering.json")
		}, "spaces/Platform engineering.json:2: a space cannot be in a space"},
		"an unknown space": {func(t *testing.T, dir string) {
			write(t, `{"space": "Nowhere", "object": {"name": "New", "query": "q"}}`, dir, "scopes/New.json")
		}, `scopes/New.json:1: the referenced space "Nowhere" would not exist`},
		"an unknown space scope": {func(t *testing.T, dir string) {
			edit(t, `"space-scope-staging"`, `"nothing"`, dir, "spaces/Platform engineering.json")
			edit(t, `"Staging resources"`, `"Nothing"`, dir, "spaces/Platform engineering.json")
		}, `spaces/Platform engineering.json:10: the referenced space scope "Nothing" would not exist`},
		"a space whose objects stay": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "spaces/Orders.json")))
		}, `scopes/Orders databases.json:4: the referenced space "Orders" would not exist`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, dir := exportedDemo(t)
			test.change(t, dir)
			result := process.Run(t, process.Env(server), "apply", dir, "-yes", "-delete")
			require.Equal(t, process.Result{Stderr: "flows-as-code: " + test.want + "\n", Code: 1}, result)
			require.Empty(t, writes(server))
		})
	}
}

// Files of earlier versions have neither a space nor a requestor identity type.
// They do not change either.
func TestFilesOfEarlierVersion(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	edit(t, inOrders, "", dir, "flows/Orders staging.json")
	edit(t, "    \"requestor_identity_type\": \"HUMAN\",\n", "", dir, "flows/Orders staging.json")
	stdout, stderr := runs(t, server, "diff", dir)
	require.Empty(t, stdout+stderr)
}

func TestServerWithoutSpaces(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithDemoTenant(), aponotest.WithoutSpaces())
	dir := filepath.Join(t.TempDir(), "access")
	stdout, _ := runs(t, server, "export", dir)
	require.Equal(t, "24 objects exported, 0 old files removed\n", stdout)
	stdout, stderr := runs(t, server, "diff", dir)
	require.Empty(t, stdout+stderr)
	edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
	runs(t, server, "apply", dir, "-yes", "-delete")
	require.Equal(t, []string{"PUT /api/admin/v2/access-flows/flow-break-glass"}, writes(server))
}
