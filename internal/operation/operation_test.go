package operation_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	_ "github.com/apono-go/apono" // fills the table
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/operation"
)

// Entries that fit the same path, neither the most nor the least general last.
// The table is filled before anything runs, as it is in the library.
var (
	anything = operation.New("Test.Any", "GET", "/api/test/{kind}/{thing_id}")
	special  = operation.New("Test.Special", "GET", "/api/test/things/special")
	_        = operation.New("Test.Thing", "GET", "/api/test/things/{id}")
)

// Where a path of literals is taken for one with an argument, errors and logs
// name the wrong operation, and it is retried as that one is.
func TestMatchTakesTheMostLiteralTemplate(t *testing.T) {
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
		check.True(t, got == c.want, "%s %s to be %q, got %q", c.method, c.path, c.want, got)
	}
}

// The path of an operation that the table does not hold stands in errors and
// logs, where ids and addresses of people have no place.
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
		check.Equal(t, op.Path, want)
		check.Equal(t, op.Name, "Do")
	}
	check.Equal(t, operation.Unknown("GET", "/api/v9/sessions/s1/access-details").Class, operation.Consuming)
	check.True(t, operation.Unknown("GET", "/api/v9/sessions/s1/access-details").Changes, "reading credentials to be a change")
	check.True(t, operation.Lookup("Do") == nil, "an unknown operation to stay out of the table")
}

func TestFillAndParameters(t *testing.T) {
	t.Parallel()
	bracket := func(i int, name string) string { return fmt.Sprintf("<%d %s>", i, name) }
	check.Equal(t, anything.Parameters(), []string{"kind", "thing_id"})
	check.Equal(t, anything.Fill(bracket), "/api/test/<0 kind>/<1 thing_id>")
	check.Equal(t, len(special.Parameters()), 0)
	check.Equal(t, special.Fill(bracket), "/api/test/things/special")
}

func TestNewPanicsOnAnUnknownMethod(t *testing.T) {
	t.Parallel()
	defer func() { check.Equal(t, fmt.Sprint(recover()), `operation: Test.Head has the unknown method "HEAD"`) }()
	operation.New("Test.Head", "HEAD", "/api/test")
}

func TestEveryEntryOfTheTable(t *testing.T) {
	t.Parallel()
	table := operation.All()
	check.True(t, len(table) > 12, "the operations of the library, got %d", len(table))
	names, addresses := map[string]bool{}, map[string]bool{}
	for _, op := range table {
		check.True(t, regexp.MustCompile(`^([A-Z][A-Za-z0-9]+\.)+[A-Z][A-Za-z]+$`).MatchString(op.Name), "a name such as Users.Get, got %q", op.Name)
		check.True(t, regexp.MustCompile(`^/api(/[a-z0-9_-]+|/\{[a-z_]+\})+$`).MatchString(op.Path), "a path below /api/, got %q", op.Path)
		check.True(t, slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, op.Method), "a known method, got %q", op.Method)
		address := op.Method + " " + op.Path
		check.True(t, !names[op.Name] && !addresses[address], "%s (%s) to stand there once", op.Name, address)
		names[op.Name], addresses[address] = true, true
		check.True(t, operation.Lookup(op.Name) == op, "Lookup to find %s", op.Name)
		check.True(t, operation.Match(op.Method, op.Path) == op, "Match to find %s by its own template", op.Name)
	}
	table[0] = nil
	check.True(t, operation.All()[0] != nil, "a table that callers cannot change")
}

// A create that is sent twice creates two objects.
func TestClassFollowsTheMethod(t *testing.T) {
	t.Parallel()
	check.Equal(t, operation.Methods(), []string{"GET", "POST", "PUT", "PATCH", "DELETE"})
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
		check.Equal(t, op.Method, method)
		check.Equal(t, op.Class, want.class)
		check.Equal(t, op.Changes, want.changes)
	}
	op := operation.Unknown("GET", "/api/test/details").Consuming()
	check.Equal(t, op.Class, operation.Consuming)
	check.Equal(t, op.Changes, true)
}

// What is retried is what the README says. One letter here, and access is
// granted twice.
func TestRetriesOfEachClass(t *testing.T) {
	t.Parallel()
	check.Equal(t, operation.Idempotent.Retries(), operation.Retries{RateLimited: true, Temporary: true, Unsent: true, Broken: true})
	check.Equal(t, operation.Acting.Retries(), operation.Retries{RateLimited: true, Temporary: false, Unsent: true, Broken: false})
	check.Equal(t, operation.Consuming.Retries(), operation.Retries{RateLimited: false, Temporary: false, Unsent: true, Broken: false})
}

// The reads that use something up are written down here, so that none is added
// or lost by mistake. All other operations are of the class of their method.
func TestClassOfEveryEntryOfTheTable(t *testing.T) {
	t.Parallel()
	var consuming []string
	for _, op := range operation.All() {
		if op.Class == operation.Consuming {
			consuming = append(consuming, op.Name)
			check.True(t, op.Method == "GET" && op.Changes, "%s to be a read that counts as a change", op.Name)
			continue
		}
		plain := operation.Unknown(op.Method, "/api/test")
		check.Equal(t, op.Class, plain.Class)
		check.Equal(t, op.Changes, plain.Changes)
	}
	check.Equal(t, consuming, []string{"Legacy.AccessRequests.GetAccessDetails", "Sessions.GetAccessDetails"})
}
