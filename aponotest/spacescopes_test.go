package aponotest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono/aponotest"
)

func TestSpaceScopesAreReturnedAsWritten(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	synctest.Test(t, func(t *testing.T) {
		const created = `{"id": "` + firstID + `", "created_date": "2000-01-01T00:00:00.000Z", "updated_date": `
		const all = `"name": "All of a/b", "query": "q"`
		checkDirectResponse(t, server, "POST", spaceScopesPath, `{`+all+`}`, 200, created+`"2000-01-01T00:00:00.000Z", `+all+`}`)
		time.Sleep(time.Hour)
		want := created + `"2000-01-01T01:00:00.000Z", "name": "All of a/b", "query": ""}`
		checkDirectResponse(t, server, "PUT", spaceScopesPath+"/"+firstID, `{"name": "All of a/b", "query": ""}`, 200, want)
		checkDirectResponse(t, server, "GET", spaceScopesPath+"/"+firstID, "", 200, want)
		checkDirectResponse(t, server, "GET", spaceScopesPath+"/All%20of%20a%2Fb", "", 200, want)
		checkDirectResponse(t, server, "PUT", spaceScopesPath+"/All%20of%20a%2Fb", `{"name": "Few", "query": ""}`, 200, strings.Replace(want, "All of a/b", "Few", 1))
		checkDirectResponse(t, server, "GET", spaceScopesPath+"/All%20of%20a%2Fb", "", 404, `{"message": "space scope \"All of a/b\" not found"}`)
		checkDirectResponse(t, server, "DELETE", spaceScopesPath+"/Few", "", 204, "")
		checkDirectResponse(t, server, "DELETE", spaceScopesPath+"/Few", "", 404, `{"message": "space scope \"Few\" not found"}`)
		checkDirectResponse(t, server, "GET", spaceScopesPath, "", 200, spacePage())
	})
}
