package aponotest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

func TestIdentitiesListUsersGroupsAndAttributes(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	checkResponse(t, server, "GET", identitiesPath, "", 200, `{"data": [], "pagination": {"total": 0, "limit": 0, "offset": 0}}`)
	server.Put(aponotest.Attributes, json.RawMessage(`{"type": "team", "value": "engines"}`))
	server.Put(aponotest.Users, json.RawMessage(userAda))
	server.Put(aponotest.Groups, apono.Group{ID: "g1", Name: "old"}, apono.Group{ID: "g2", Name: "gone"})
	checkResponse(t, server, "PUT", groupsPath+"/g1/name", `{"name": "On call"}`, 200, `{"id": "g1", "name": "On call"}`)
	checkResponse(t, server, "DELETE", groupsPath+"/g2", "", 204, "")
	checkResponse(t, server, "GET", identitiesPath, "", 200, `{"data": [
		{"type": "USER", "id": "u1", "name": "Ada Lovelace"}, {"type": "GROUP", "id": "g1", "name": "On call"},
		{"type": "CONTEXT_ATTRIBUTE", "id": "team:engines", "name": "engines"}
	], "pagination": {"total": 3, "limit": 3, "offset": 0}}`)
}

func TestBulkAttributesChangeUsers(t *testing.T) {
	t.Parallel()
	server := peopleServer(t)
	attributes := func() string { return listedMembers(t, server, usersPath, "attributes") }
	ok := func(email string) string { return fmt.Sprintf(`{"email": %q, "success": true, "errors": []}`, email) }
	const nobody = `{"email": "nobody@example.com", "success": false, "errors": [
		{"error_code": "IDENTITY_NOT_FOUND", "error_details": "identity not found"}]}`

	checkResponse(t, server, "PUT", bulkAttributesPath, `[
		{"email": "ada@example.com", "attributes": {"team": "looms", "floor": "3"}}, {"email": "nobody@example.com", "attributes": {"team": "x"}},
		{"email": "ben+x/y@example.com", "attributes": {"team": ""}}, {"email": "chen@example.com", "attributes": {}}
	]`, 200, `{"summary": {"total": 4, "succeeded": 3, "failed": 1},
		"results": [`+ok("ada@example.com")+`,`+nobody+`,`+ok("ben+x/y@example.com")+`,`+ok("chen@example.com")+`]}`)
	require.Equal(t, "map[floor:3 shift: team:looms] map[team:] <nil>", attributes())
	checkResponse(t, server, "GET", bulkAttributesPath, "", 200, `{"data": [
		{"email": "ada@example.com", "attributes": {"floor": "3", "shift": "", "team": "looms"}},
		{"email": "ben+x/y@example.com", "attributes": {"team": ""}}
	], "pagination": {"total": 2, "limit": 100, "offset": 0}}`)

	checkResponse(t, server, "DELETE", bulkAttributesPath, `[
		{"email": "nobody@example.com", "attribute_types": []}, {"email": "ada@example.com", "attribute_types": ["shift", "none", "team"]},
		{"email": "ben+x/y@example.com", "attribute_types": ["team"]}, {"email": "chen@example.com", "attribute_types": ["team"]}
	]`, 200, `{"summary": {"total": 4, "succeeded": 3, "failed": 1},
		"results": [`+nobody+`,`+ok("ada@example.com")+`,`+ok("ben+x/y@example.com")+`,`+ok("chen@example.com")+`]}`)
	require.Equal(t, "map[floor:3] map[] <nil>", attributes())
	checkResponse(t, server, "GET", bulkAttributesPath, "", 200,
		`{"data": [{"email": "ada@example.com", "attributes": {"floor": "3"}}], "pagination": {"total": 1, "limit": 100, "offset": 0}}`)

	checkResponse(t, server, "PUT", bulkAttributesPath, `[]`, 200, `{"summary": {"total": 0, "succeeded": 0, "failed": 0}, "results": []}`)
}

// This is the only offset list with documented pagination, so it needs no option.
func TestBulkAttributesHavePages(t *testing.T) {
	t.Parallel()
	seed := func(opts ...aponotest.Option) *aponotest.Server {
		server := aponotest.NewServer(t, opts...)
		for i := range 120 {
			server.Put(aponotest.Users, apono.User{ID: fmt.Sprint("u", i), Email: fmt.Sprintf("u%d@example.com", i), Attributes: map[string]string{"n": "1"}})
		}
		return server
	}
	server, small := seed(), seed(aponotest.WithOffsetPageSize(50))
	for _, c := range []struct {
		server      *aponotest.Server
		query       string
		items       int
		first, page string
	}{
		{server, "", 100, "u0@example.com", `{"total": 120, "limit": 100, "offset": 0}`},
		{server, "?skip=100", 20, "u100@example.com", `{"total": 120, "limit": 100, "offset": 100}`},
		{server, "?limit=2&skip=7", 2, "u7@example.com", `{"total": 120, "limit": 2, "offset": 7}`},
		{server, "?limit=110", 110, "u0@example.com", `{"total": 120, "limit": 110, "offset": 0}`},
		{server, "?skip=500", 0, "", `{"total": 120, "limit": 100, "offset": 500}`},
		{server, "?emails=u5@example.com&emails=u3@example.com&emails=none", 2, "u3@example.com", `{"total": 2, "limit": 100, "offset": 0}`},
		{small, "", 50, "u0@example.com", `{"total": 120, "limit": 50, "offset": 0}`},
		{small, "?limit=110", 50, "u0@example.com", `{"total": 120, "limit": 50, "offset": 0}`},
	} {
		emails := strings.Fields(listedMembers(t, c.server, bulkAttributesPath+c.query, "email"))
		require.Len(t, emails, c.items)
		require.Truef(t, c.items == 0 || emails[0] == c.first, "%s is not the first of %v", c.first, emails)
		_, response := sendHTTP(t, c.server, "GET", bulkAttributesPath+c.query, "")
		var page map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(response), &page))
		apitest.JSONEq(t, c.page, string(page["pagination"]))
	}
	all, err := apono.Collect(server.Client().Identities.ListAllAttributes(t.Context()))
	require.NoError(t, err)
	require.Len(t, all, 120)
}

// A number of more than 32 bits must be rejected like other invalid parameters.
func TestSkipOver32BitsIsRejected(t *testing.T) {
	t.Parallel()
	checkResponse(t, aponotest.NewServer(t), "GET", bulkAttributesPath+"?skip=9223372036854775807", "", 422,
		`{"field": "skip", "message": "skip: must be an integer from 0 to 2147483647, not \"9223372036854775807\""}`)
}

func TestIdentitiesWithClient(t *testing.T) {
	t.Parallel()
	server := peopleServer(t, aponotest.WithOffsetPageSize(2))
	client := server.Client()
	identities := client.Identities
	page, err := identities.List(t.Context(), apono.ListIdentitiesOptions{Skip: 1, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.Identity]{
		Items: []*apono.Identity{{Type: apono.IdentityTypeUser, ID: "u2", Name: "Benedikt Love"}}, Total: 3, Limit: 1, Offset: 1,
	}, page)
	all, err := apono.Collect(identities.ListAll(t.Context()))
	require.NoError(t, err)
	require.Len(t, all, 3)

	result, err := identities.UpsertAttributes(t.Context(), []apono.IdentityAttributes{
		{Email: "chen@example.com", Attributes: map[string]string{"team": "looms"}}, {Email: "nobody@example.com"},
	})
	rejected := apitest.ErrorAs[*apono.BulkError](t, err)
	require.Equal(t, result.Results[1:], rejected.Failed)
	require.ErrorContains(t, err, "IDENTITY_NOT_FOUND: identity not found")
	require.Equal(t, apono.IdentityAttributesSummary{Total: 2, Succeeded: 1, Failed: 1}, result.Summary)
	user, err := client.Users.Get(t.Context(), "u3")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"team": "looms"}, user.Attributes)

	result, err = identities.DeleteAttributes(t.Context(), []apono.IdentityAttributeKeys{{Email: "ada@example.com", AttributeTypes: []string{"shift"}}})
	require.NoError(t, err)
	require.Equal(t, apono.IdentityAttributesSummary{Total: 1, Succeeded: 1}, result.Summary)
	_, err = identities.DeleteAttributes(t.Context(), nil)
	require.NoError(t, err)
	of, err := identities.ListAttributes(t.Context(), apono.ListIdentityAttributesOptions{Emails: []string{"ada@example.com"}})
	require.NoError(t, err)
	want := []*apono.IdentityAttributes{
		{Email: "ada@example.com", Attributes: map[string]string{"team": "engines"}},
		{Email: "chen@example.com", Attributes: map[string]string{"team": "looms"}},
	}
	require.Equal(t, &apono.OffsetPage[apono.IdentityAttributes]{Items: want[:1], Total: 1, Limit: 2}, of)
	everyone, err := apono.Collect(identities.ListAllAttributes(t.Context(), apono.ListIdentityAttributesOptions{Limit: 1}))
	require.NoError(t, err)
	require.Equal(t, want, everyone)
}
