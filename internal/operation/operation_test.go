package operation_test

import (
	"fmt"
	"testing"

	_ "github.com/apono-go/apono" // fills the table
	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/require"
)

// Operations that match the same path. The last one is neither the most nor the
// least general.
var (
	anything = operation.New("Test.Any", "GET", "/api/test/{kind}/{thing_id}")
	special  = operation.New("Test.Special", "GET", "/api/test/things/special")
	_        = operation.New("Test.Thing", "GET", "/api/test/things/{id}")
)

// A wrong match gives errors and logs the wrong name, and the call the wrong
// retries.
func TestMatchPrefersMostLiteralTemplate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/api/test/things/special", "Test.Special"},
		{"GET", "/api/test/things/t1", "Test.Thing"},
		{"GET", "/api/test/things/a%2Fb", "Test.Thing"},
		{"GET", "/api/test/others/special", "Test.Any"},
		{"PUT", "/api/test/things/special", ""},
		{"GET", "/api/test/things/", ""},
		{"GET", "/api/test//t1", ""},
		{"GET", "/api/test/things/t1/", ""},
		{"GET", "/api/test/things", ""},
		{"GET", "/api/test/Things/../special", ""},
		{"GET", "api/test/things/t1", ""},
		{"GET", "", ""},
		{"GET", "/api/admin/v4/integrations", "Integrations.List"},
		{"DELETE", "/api/admin/v4/integrations/i1", "Integrations.Delete"},
		{"GET", "/api/v3/integrations/resources/r1/user-tags", "Integrations.GetResourceTags"},
	} {
		got := ""
		if op := operation.Match(c.method, c.path); op != nil {
			got = op.Name
		}
		require.Equalf(t, c.want, got, "operation of %s %s", c.method, c.path)
	}
}

// Errors and logs contain the path of an unknown operation. They must not contain
// ids or email addresses.
func TestUnknownMasksArguments(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/api/admin/v5/access-flows":                                "/api/admin/v5/access-flows",
		"/api/admin/v12/user_tags/6f1c2a44-9c1e-4f57-8f7a-0d5c2b7f": "/api/admin/v12/user_tags/{}",
		"/api/v1/users/ada@example.com/roles":                       "/api/v1/users/{}/roles",
		"/api/v1/users/ada%40example.com":                           "/api/v1/users/{}",
		"/api/v1/users/Ada":                                         "/api/v1/users/{}",
		"/api/v1/users/42":                                          "/api/v1/users/{}",
		"/api/v1/users/team7":                                       "/api/v1/users/{}",
		"/api/v1/users/v1234":                                       "/api/v1/users/{}",
		"/api/v1/users/a.b":                                         "/api/v1/users/{}",
	} {
		op := operation.Unknown("GET", path)
		require.Equal(t, want, op.Path)
		require.Equal(t, "Do", op.Name)
	}
	require.Equal(t, operation.Consuming, operation.Unknown("GET", "/api/v9/sessions/s1/access-details").Class)
	require.True(t, operation.Unknown("GET", "/api/v9/sessions/s1/access-details").Changes, "reading credentials is not a change")
	require.Nil(t, operation.Lookup("Do"), "the unknown operation was added to the table")
}

func TestFillAndParameters(t *testing.T) {
	t.Parallel()
	bracket := func(i int, name string) string { return fmt.Sprintf("<%d %s>", i, name) }
	require.Equal(t, []string{"kind", "thing_id"}, anything.Parameters())
	require.Equal(t, "/api/test/<0 kind>/<1 thing_id>", anything.Fill(bracket))
	require.Empty(t, special.Parameters())
	require.Equal(t, "/api/test/things/special", special.Fill(bracket))
}

func TestNewPanicsOnUnknownMethod(t *testing.T) {
	t.Parallel()
	defer func() { require.Equal(t, `operation: Test.Head has the unknown method "HEAD"`, fmt.Sprint(recover())) }()
	operation.New("Test.Head", "HEAD", "/api/test")
}

func TestTableEntriesAreValidAndUnique(t *testing.T) {
	t.Parallel()
	table := operation.All()
	require.Greater(t, len(table), 12, "the table does not hold the operations of package apono")
	names, addresses := map[string]bool{}, map[string]bool{}
	for _, op := range table {
		require.Regexp(t, `^([A-Z][A-Za-z0-9]+\.)+[A-Z][A-Za-z]+$`, op.Name, "name must be such as Users.Get")
		require.Regexp(t, `^/api(/[a-z0-9_-]+|/\{[a-z_]+\})+$`, op.Path, "path must begin with /api/")
		require.Contains(t, []string{"GET", "POST", "PUT", "PATCH", "DELETE"}, op.Method, "method must be known")
		address := op.Method + " " + op.Path
		require.Falsef(t, names[op.Name], "duplicate name %s (%s)", op.Name, address)
		require.Falsef(t, addresses[address], "duplicate address %[2]s (%[1]s)", op.Name, address)
		names[op.Name], addresses[address] = true, true
		require.Samef(t, op, operation.Lookup(op.Name), "Lookup does not return %s", op.Name)
		require.Samef(t, op, operation.Match(op.Method, op.Path), "Match does not return %s for its template", op.Name)
	}
	table[0] = nil
	require.NotNil(t, operation.All()[0], "a caller changed the table")
}

func TestClassDependsOnMethod(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"GET", "POST", "PUT", "PATCH", "DELETE"}, operation.Methods())
	for method, want := range map[string]struct {
		class   operation.Class
		changes bool
	}{
		"GET":    {operation.Idempotent, false},
		"PUT":    {operation.Idempotent, true},
		"DELETE": {operation.Idempotent, true},
		"POST":   {operation.Acting, true},
		"PATCH":  {operation.Acting, true},
	} {
		op := operation.Unknown(method, "/api/test")
		require.Equal(t, method, op.Method)
		require.Equal(t, want.class, op.Class)
		require.Equal(t, want.changes, op.Changes)
	}
	op := operation.Unknown("GET", "/api/test/details").Consuming()
	require.Equal(t, operation.Consuming, op.Class)
	require.True(t, op.Changes)
}

// Consuming reads are listed here, so that none is added or removed by mistake. All
// other operations have the class of their method.
func TestClassOfEachOperation(t *testing.T) {
	t.Parallel()
	var consuming []string
	for _, op := range operation.All() {
		if op.Class == operation.Consuming {
			consuming = append(consuming, op.Name)
			require.Equalf(t, "GET", op.Method, "%s is consuming but not a read", op.Name)
			require.Truef(t, op.Changes, "%s is consuming but not a change", op.Name)
			continue
		}
		plain := operation.Unknown(op.Method, "/api/test")
		require.Equal(t, plain.Class, op.Class)
		require.Equal(t, plain.Changes, op.Changes)
	}
	require.Equal(t, []string{"Legacy.AccessRequests.GetAccessDetails", "Sessions.GetAccessDetails"}, consuming)
}
