package aponotest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
)

func TestScopesAreReturnedAsWritten(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	synctest.Test(t, func(t *testing.T) {
		const id = "00000001-0000-4000-8000-000000000001"
		const created = `{"id": "` + id + `", "creation_date": "2000-01-01T00:00:00.000Z", "update_date": `
		const all = `"name": "All", "description": " d ", "query": "resource_name = \"a\"\n and true"`
		checkDirectResponse(t, server, "POST", scopesPath, `{`+all+`}`, 200, created+`"2000-01-01T00:00:00.000Z", `+all+`}`)
		time.Sleep(time.Hour)
		want := created + `"2000-01-01T01:00:00.000Z", "name": "All", "query": ""}`
		checkDirectResponse(t, server, "PUT", scopesPath+"/"+id, `{"name": "All", "query": ""}`, 200, want)
		checkDirectResponse(t, server, "GET", scopesPath+"/"+id, "", 200, want)
		checkDirectResponse(t, server, "DELETE", scopesPath+"/"+id, "", 204, "")
		checkDirectResponse(t, server, "GET", scopesPath+"/"+id, "", 404, `{"message": "access scope \"`+id+`\" not found"}`)
	})
}

func TestScopesWithClient(t *testing.T) {
	t.Parallel()
	accessEndToEnd[apono.AccessScope, apono.ListScopesOptions](t,
		inNoSpace[apono.AccessScope, apono.ListScopesOptions, apono.AccessScopeInput]{aponotest.NewServer(t, aponotest.WithLooseChecks(), aponotest.WithPageSize(2)).Client().Scopes},
		func(name string) apono.AccessScopeInput {
			return apono.AccessScopeInput{Name: name, Description: new("d"), Query: "q"}
		},
		(*apono.AccessScope).UpdateInput, func(in *apono.AccessScopeInput) *string { return &in.Name }, func(s *apono.AccessScope) string { return s.ID })
}
