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

const (
	usersPath          = "/api/admin/v3/users"
	groupsPath         = "/api/admin/v1/groups"
	attributesPath     = "/api/admin/v1/attributes"
	identitiesPath     = "/api/v2/identities"
	bulkAttributesPath = "/api/v2/bulk/identities/attributes"
)

// The people of the tests, in the order of the state.
const (
	userAda = `{"id": "u1", "email": "ada@example.com", "email_aliases": ["a@example.org"], "first_name": "Ada", "last_name": "Lovelace",
		"active": true, "roles": ["Admin", "Viewer"], "source_integration_id": "idp", "source_integration_name": "People",
		"attributes": {"team": "engines", "shift": ""}}`
	userBen = `{"id": "u2", "email": "ben+x/y@example.com", "email_aliases": [], "first_name": "Benedikt", "last_name": "Love",
		"active": false, "roles": ["Power User"], "source_integration_id": "other", "source_integration_name": "Elsewhere"}`
	userChen = `{"id": "u3", "email": "chen@example.com", "email_aliases": [], "first_name": "", "last_name": "", "active": true, "roles": []}`
)

// peopleServer holds three users and the integration that one of them comes
// from.
func peopleServer(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, opts...)
	server.Put(aponotest.Integrations, json.RawMessage(`{"id": "idp", "name": "People", "type": "okta", "integration_config": {}}`))
	server.Put(aponotest.Users, json.RawMessage(userAda), json.RawMessage(userBen), json.RawMessage(userChen))
	return server
}

// peopleListed gets a list in one page and joins what one member of its objects
// holds.
func peopleListed(t *testing.T, server *aponotest.Server, path, member string) string {
	t.Helper()
	status, answer := ask(t, server, "GET", path, "")
	require.Equal(t, 200, status)
	var page struct {
		Items []map[string]any `json:"items"`
		Data  []map[string]any `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(answer), &page))
	var values []string
	for _, item := range append(page.Items, page.Data...) {
		values = append(values, fmt.Sprint(item[member]))
	}
	return strings.Join(values, " ")
}

// peopleFiltered checks what a list holds, by query.
func peopleFiltered(t *testing.T, server *aponotest.Server, path, member string, want map[string]string) {
	t.Helper()
	for query, want := range want {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, peopleListed(t, server, path+query, member))
		})
	}
}

// peopleRefusal is a request and how it is refused.
type peopleRefusal struct {
	method, path, body string
	status             int
	field, message     string
}

func peopleRefused(t *testing.T, server *aponotest.Server, refusals []peopleRefusal) {
	t.Helper()
	for _, r := range refusals {
		t.Run(r.method+" "+r.path+" "+r.body, func(t *testing.T) {
			t.Parallel()
			want := fmt.Sprintf(`{"message": %q}`, r.message)
			if r.field != "" {
				want = fmt.Sprintf(`{"message": %q, "field": %q}`, r.field+": "+r.message, r.field)
			}
			answers(t, server, r.method, r.path, r.body, r.status, want)
		})
	}
}

// peopleMissing is the answer to a request for what is not there.
func peopleMissing(what, id string) string {
	return fmt.Sprintf(`{"message": %q}`, fmt.Sprintf("there is no %s %q", what, id))
}

func TestUsersAreAnsweredAsTheyWerePut(t *testing.T) {
	t.Parallel()
	server := peopleServer(t)
	answers(t, server, "GET", usersPath, "", 200, `{"items": [`+userAda+`,`+userBen+`,`+userChen+`], "pagination": {}}`)
	answers(t, server, "GET", usersPath+"/u2", "", 200, userBen)
	answers(t, server, "GET", usersPath+"/u%2F9", "", 404, peopleMissing("user", "u/9"))
	answers(t, server, "POST", usersPath, userAda, 404, `{"message": "there is no operation POST `+usersPath+`"}`)
}

func TestFiltersOfUsers(t *testing.T) {
	t.Parallel()
	peopleFiltered(t, peopleServer(t), usersPath, "id", map[string]string{
		"?first_name=ada":                          "u1",
		"?first_name=be*":                          "u2",
		"?first_name=be":                           "",
		"?last_name=*lo*":                          "u1 u2",
		"?last_name=*lace":                         "u1",
		"?role=Viewer":                             "u1",
		"?role=Viewer&role=Power+User":             "u1 u2",
		"?role=View*":                              "",
		"?source_integration_id=idp":               "u1",
		"?source_integration_id=People":            "",
		"?source_integration_name=elsewhere":       "u2",
		"?source_integration_name=idp":             "",
		"?last_name=lo*&role=Admin":                "u1",
		"?first_name=*&source_integration_id=none": "",
	})
}

// A filter that knows another name than the one in the answers finds nothing of
// what a program sees.
func TestFiltersByAnIntegrationsNameFollowItsRename(t *testing.T) {
	t.Parallel()
	server := peopleServer(t)
	server.Put(aponotest.Attributes, json.RawMessage(`{"type": "team", "value": "engines", "source_integration_id": "idp"}`))
	answers(t, server, "PUT", integrationsPath+"/idp", `{"name": "Renamed", "integration_config": {}}`, 200,
		`{"id": "idp", "name": "Renamed", "type": "okta", "category": "USER-INFORMATION", "status": "ACTIVE", "integration_config": {}}`)
	require.Equal(t, "Renamed Elsewhere <nil>", peopleListed(t, server, usersPath, "source_integration_name"))
	require.Equal(t, "Renamed", peopleListed(t, server, attributesPath, "source_integration_name"))
	for query, want := range map[string]string{
		usersPath + "?source_integration_name=Renamed":           "Renamed",
		usersPath + "?source_integration_name=People":            "",
		attributesPath + "?source_integration_reference=Renamed": "Renamed",
	} {
		require.Equal(t, want, peopleListed(t, server, query, "source_integration_name"))
	}
}

func TestGroupsAreMadeRenamedAndDeleted(t *testing.T) {
	t.Parallel()
	server := peopleServer(t)
	const group = groupsPath + "/00000001-0000-4000-8000-000000000001"
	const made = `{"id": "00000001-0000-4000-8000-000000000001", "name": " On  call "}`
	answers(t, server, "POST", groupsPath, `{"name": " On  call ", "members_emails": ["ben+x/y@example.com", "ada@example.com", "ben+x/y@example.com"]}`, 200, made)
	answers(t, server, "GET", group, "", 200, made)
	answers(t, server, "GET", group+"/members", "", 200, `{"items": [{"email": "ben+x/y@example.com"}, {"email": "ada@example.com"}], "pagination": {}}`)

	server.Put(aponotest.Groups, json.RawMessage(`{"id": "g2", "name": "old", "source_id": "00g", "source_integration_id": "idp", "source_integration_name": "stale"}`))
	const renamed = `{"id": "g2", "name": "new", "source_id": "00g", "source_integration_id": "idp", "source_integration_name": "People"}`
	answers(t, server, "PUT", groupsPath+"/g2/name", `{"name": "new"}`, 200, renamed)
	answers(t, server, "PUT", groupsPath+"/g2/name", `{"name": "new"}`, 200, renamed)
	answers(t, server, "GET", groupsPath, "", 200, `{"items": [`+made+`,`+renamed+`], "pagination": {}}`)

	answers(t, server, "DELETE", group, "", 204, "")
	answers(t, server, "GET", group, "", 404, peopleMissing("group", "00000001-0000-4000-8000-000000000001"))
	answers(t, server, "GET", groupsPath, "", 200, `{"items": [`+renamed+`], "pagination": {}}`)
	server.Put(aponotest.Groups, json.RawMessage(made))
	answers(t, server, "GET", group+"/members", "", 200, `{"items": [], "pagination": {}}`)
}

func TestFiltersOfGroups(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Groups, apono.Group{ID: "g1", Name: "On call"}, apono.Group{ID: "g2", Name: "Engines"})
	peopleFiltered(t, server, groupsPath, "id", map[string]string{
		"?name=ON+CALL": "g1", "?name=*n*": "g1 g2", "?name=*gines": "g2", "?name=On": "",
	})
}

func TestMembersAreSetAddedAndRemoved(t *testing.T) {
	t.Parallel()
	server := peopleServer(t)
	server.Put(aponotest.Groups, apono.Group{ID: "g/1", Name: "one"}, apono.Group{ID: "g2", Name: "two"})
	server.Put(aponotest.MembersOf("g2"), apono.GroupMember{Email: "dana@example.com"})
	const members = groupsPath + "/g%2F1/members"
	for _, step := range []struct{ method, path, body, want string }{
		{"GET", "", "", ""},
		{"PUT", "", `{"members_emails": ["c@example.com", "a@example.com", "c@example.com"]}`, "c@example.com a@example.com"},
		{"PUT", "/ben+x%2Fy@example.com", "", "c@example.com a@example.com ben+x/y@example.com"},
		{"PUT", "/c%40example.com", "", "c@example.com a@example.com ben+x/y@example.com"},
		{"DELETE", "/c@example.com", "", "a@example.com ben+x/y@example.com"},
		{"DELETE", "/ben+x%2Fy@example.com", "", "a@example.com"},
		{"PUT", "", `{"members_emails": ["d@example.com"]}`, "d@example.com"},
		{"PUT", "", `{"members_emails": []}`, ""},
	} {
		if step.method != "GET" {
			answers(t, server, step.method, members+step.path, step.body, 204, "")
		}
		require.Equal(t, step.want, peopleListed(t, server, members, "email"))
	}
	require.Equal(t, "dana@example.com", peopleListed(t, server, groupsPath+"/g2/members", "email"))
	answers(t, server, "DELETE", members+"/x@example.com", "", 404, peopleMissing("member", "x@example.com"))
}

func TestMembersComeInPages(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Groups, apono.Group{ID: "g1", Name: "one"}, apono.Group{ID: "g2", Name: "two"})
	server.Put(aponotest.MembersOf("g1"), apono.GroupMember{Email: "a"}, apono.GroupMember{Email: "b"}, apono.GroupMember{Email: "c"})
	page, err := server.Client().Groups.ListMembers(t.Context(), "g1", apono.ListGroupMembersOptions{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, []*apono.GroupMember{{Email: "a"}, {Email: "b"}}, page.Items)
	require.Equal(t, "c", peopleListed(t, server, groupsPath+"/g1/members?page_token="+page.NextPageToken, "email"))
	answers(t, server, "GET", groupsPath+"/g2/members?page_token="+page.NextPageToken, "", 400,
		`{"field": "page_token", "message": "page_token: it is not a token of this list"}`)
}

func TestAttributesAreAnsweredAsTheyWerePut(t *testing.T) {
	t.Parallel()
	server := peopleServer(t)
	const (
		engines = `{"type": "team", "value": "Engines & looms", "source_id": "00a", "source_integration_id": "idp", "source_integration_name": "People"}`
		looms   = `{"type": "team", "value": "looms"}`
		night   = `{"type": "Shift", "value": "night", "source_integration_id": "other", "source_integration_name": "Elsewhere"}`
	)
	server.Put(aponotest.Attributes, json.RawMessage(engines), json.RawMessage(looms), json.RawMessage(night), json.RawMessage(looms))
	answers(t, server, "GET", attributesPath, "", 200, `{"items": [`+engines+`,`+looms+`,`+night+`,`+looms+`], "pagination": {}}`)
	peopleFiltered(t, server, attributesPath, "value", map[string]string{
		"?search=looms":                           "looms looms",
		"?search=*LOOMS*":                         "Engines & looms looms looms",
		"?search=eng*":                            "Engines & looms",
		"?search=team":                            "",
		"?type=Shift":                             "night",
		"?type=*":                                 "",
		"?source_integration_reference=idp":       "Engines & looms",
		"?source_integration_reference=People":    "Engines & looms",
		"?source_integration_reference=Elsewhere": "night",
		"?source_integration_reference=People&search=looms":      "",
		"?type=team&search=*n*&source_integration_reference=idp": "Engines & looms",
	})
}

func TestIdentitiesFollowFromUsersGroupsAndAttributes(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	answers(t, server, "GET", identitiesPath, "", 200, `{"data": [], "pagination": {"total": 0, "limit": 0, "offset": 0}}`)
	server.Put(aponotest.Attributes, json.RawMessage(`{"type": "team", "value": "engines"}`))
	server.Put(aponotest.Users, json.RawMessage(userAda))
	server.Put(aponotest.Groups, apono.Group{ID: "g1", Name: "old"}, apono.Group{ID: "g2", Name: "gone"})
	answers(t, server, "PUT", groupsPath+"/g1/name", `{"name": "On call"}`, 200, `{"id": "g1", "name": "On call"}`)
	answers(t, server, "DELETE", groupsPath+"/g2", "", 204, "")
	answers(t, server, "GET", identitiesPath, "", 200, `{"data": [
		{"type": "USER", "id": "u1", "name": "Ada Lovelace"}, {"type": "GROUP", "id": "g1", "name": "On call"},
		{"type": "CONTEXT_ATTRIBUTE", "id": "team:engines", "name": "engines"}
	], "pagination": {"total": 3, "limit": 3, "offset": 0}}`)
}

// A bulk call that only looks as if it had worked is what a program learns of in
// production.
func TestBulkAttributesChangeWhatTheUserListShows(t *testing.T) {
	t.Parallel()
	server := peopleServer(t)
	attributes := func() string { return peopleListed(t, server, usersPath, "attributes") }
	ok := func(email string) string { return fmt.Sprintf(`{"email": %q, "success": true, "errors": []}`, email) }
	const nobody = `{"email": "nobody@example.com", "success": false, "errors": [
		{"error_code": "IDENTITY_NOT_FOUND", "error_details": "there is no identity with this e-mail"}]}`

	answers(t, server, "PUT", bulkAttributesPath, `[
		{"email": "ada@example.com", "attributes": {"team": "looms", "floor": "3"}}, {"email": "nobody@example.com", "attributes": {"team": "x"}},
		{"email": "ben+x/y@example.com", "attributes": {"team": ""}}, {"email": "chen@example.com", "attributes": {}}
	]`, 200, `{"summary": {"total": 4, "succeeded": 3, "failed": 1},
		"results": [`+ok("ada@example.com")+`,`+nobody+`,`+ok("ben+x/y@example.com")+`,`+ok("chen@example.com")+`]}`)
	require.Equal(t, "map[floor:3 shift: team:looms] map[team:] <nil>", attributes())
	answers(t, server, "GET", bulkAttributesPath, "", 200, `{"data": [
		{"email": "ada@example.com", "attributes": {"floor": "3", "shift": "", "team": "looms"}},
		{"email": "ben+x/y@example.com", "attributes": {"team": ""}}
	], "pagination": {"total": 2, "limit": 100, "offset": 0}}`)

	answers(t, server, "DELETE", bulkAttributesPath, `[
		{"email": "nobody@example.com", "attribute_types": []}, {"email": "ada@example.com", "attribute_types": ["shift", "none", "team"]},
		{"email": "ben+x/y@example.com", "attribute_types": ["team"]}, {"email": "chen@example.com", "attribute_types": ["team"]}
	]`, 200, `{"summary": {"total": 4, "succeeded": 3, "failed": 1},
		"results": [`+nobody+`,`+ok("ada@example.com")+`,`+ok("ben+x/y@example.com")+`,`+ok("chen@example.com")+`]}`)
	require.Equal(t, "map[floor:3] map[] <nil>", attributes())
	answers(t, server, "GET", bulkAttributesPath, "", 200,
		`{"data": [{"email": "ada@example.com", "attributes": {"floor": "3"}}], "pagination": {"total": 1, "limit": 100, "offset": 0}}`)

	answers(t, server, "PUT", bulkAttributesPath, `[]`, 200, `{"summary": {"total": 0, "succeeded": 0, "failed": 0}, "results": []}`)
}

// This is the only list by offset that documents its paging, so it is paged
// without any option.
func TestBulkAttributesComeInPages(t *testing.T) {
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
		emails := strings.Fields(peopleListed(t, c.server, bulkAttributesPath+c.query, "email"))
		require.Len(t, emails, c.items)
		require.Truef(t, c.items == 0 || emails[0] == c.first, "%s first, got %v", c.first, emails)
		_, answer := ask(t, c.server, "GET", bulkAttributesPath+c.query, "")
		var page map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(answer), &page))
		apitest.JSONEq(t, c.page, string(page["pagination"]))
	}
	all, err := apono.Collect(server.Client().Identities.ListAllAttributes(t.Context()))
	require.NoError(t, err)
	require.Len(t, all, 120)
}

// The API's numbers have 32 bits. A larger one must be refused as any other
// wrong parameter is, and not break the connection.
func TestSkipBeyondTheAPIsNumbersIsRefused(t *testing.T) {
	t.Parallel()
	answers(t, aponotest.NewServer(t), "GET", bulkAttributesPath+"?skip=9223372036854775807", "", 422,
		`{"field": "skip", "message": "skip: it must be a whole number, not \"9223372036854775807\""}`)
}

func TestWrongRequestsForPeopleAreRefusedByName(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Groups, apono.Group{ID: "g1", Name: "one"}, apono.Group{ID: "g2", Name: "two"})
	peopleRefused(t, server, []peopleRefusal{
		{"GET", usersPath + "?name=x", "", 422, "name", "there is no such query parameter"},
		{"GET", usersPath + "?first_name=a&first_name=b", "", 422, "first_name", "the query parameter is given 2 times"},
		{"GET", usersPath + "?source_integration_reference=x", "", 422, "source_integration_reference", "there is no such query parameter"},
		{"GET", usersPath + "/u1?role=Admin", "", 422, "role", "there is no such query parameter"},
		{"GET", attributesPath + "?name=x", "", 422, "name", "there is no such query parameter"},
		{"GET", identitiesPath + "?skip=1", "", 422, "skip", "there is no such query parameter"},
		{"GET", identitiesPath + "?type=USER", "", 422, "type", "there is no such query parameter"},
		{"GET", bulkAttributesPath + "?skip=-1", "", 422, "skip", `it must be a whole number, not "-1"`},
		{"GET", bulkAttributesPath + "?email=x", "", 422, "email", "there is no such query parameter"},
		{"GET", groupsPath + "/g9", "", 404, "", `there is no group "g9"`},
		{"GET", groupsPath + "/g9/members", "", 404, "", `there is no group "g9"`},
		{"GET", groupsPath + "/g1/members?name=x", "", 422, "name", "there is no such query parameter"},
		{"POST", groupsPath, `{"name": "x"}`, 422, "members_emails", "it is missing"},
		{"POST", groupsPath, `{"name": "x", "members_emails": null}`, 422, "members_emails", "it must not be null"},
		{"POST", groupsPath, `{"name": "x", "members_emails": [null]}`, 422, "members_emails[0]", "it must be a string, not null"},
		{"POST", groupsPath, `{"name": "x", "members_emails": [], "source_id": "y"}`, 422, "source_id", "there is no such field"},
		{"POST", groupsPath, `{"name": "one", "members_emails": []}`, 409, "name", "another group has this name"},
		{"PUT", groupsPath + "/g1/name", `{"name": "two"}`, 409, "name", "another group has this name"},
		{"PUT", groupsPath + "/g1/name", `{}`, 422, "name", "it is missing"},
		{"PUT", groupsPath + "/g1/name", `{"name": "x", "members_emails": []}`, 422, "members_emails", "there is no such field"},
		{"PUT", groupsPath + "/g9/name", `{"name": "x"}`, 404, "", `there is no group "g9"`},
		{"PUT", groupsPath + "/g1/members", `{"members_emails": null}`, 422, "members_emails", "it must not be null"},
		{"PUT", groupsPath + "/g1/members", `["a"]`, 422, "", "it must be an object, not an array"},
		{"PUT", groupsPath + "/g9/members", `{"members_emails": []}`, 404, "", `there is no group "g9"`},
		{"PUT", groupsPath + "/g1/members/a@example.com", `{"email": "a@example.com"}`, 422, "", "the operation takes no body"},
		{"PUT", groupsPath + "/g9/members/a@example.com", "", 404, "", `there is no group "g9"`},
		{"DELETE", groupsPath + "/g9/members/a@example.com", "", 404, "", `there is no group "g9"`},
		{"DELETE", groupsPath + "/g9", "", 404, "", `there is no group "g9"`},
		{"PUT", bulkAttributesPath, `{"email": "x"}`, 422, "", "it must be an array, not an object"},
		{"PUT", bulkAttributesPath, `[{"email": "x", "attributes": {}}, {"email": "y"}]`, 422, "[1].attributes", "it is missing"},
		{"PUT", bulkAttributesPath, `[{"email": "x", "attributes": {"n": 1}}]`, 422, "[0].attributes.n", "it must be a string, not a number"},
		{"PUT", bulkAttributesPath, `[{"email": "x", "attribute_types": []}]`, 422, "[0].attribute_types", "there is no such field"},
		{"PUT", bulkAttributesPath, `null`, 422, "", "it must be an array, not null"},
		{"DELETE", bulkAttributesPath, `[{"email": "x", "attribute_types": null}]`, 422, "[0].attribute_types", "it must not be null"},
		{"DELETE", bulkAttributesPath, `[{"email": "x", "attributes": {}}]`, 422, "[0].attributes", "there is no such field"},
	})
}

func TestProgramsUseUsersAndAttributes(t *testing.T) {
	t.Parallel()
	server := peopleServer(t, aponotest.WithPageSize(1))
	server.Put(aponotest.Attributes, apono.Attribute{Type: "team", Value: "engines"}, apono.Attribute{Type: "team", Value: "looms"})
	client := server.Client()

	page, err := client.Users.List(t.Context(), apono.ListUsersOptions{Role: []apono.UserRole{apono.UserRoleAdmin, apono.UserRolePowerUser}})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	require.Equal(t, "ada@example.com", page.Items[0].Email)
	users, err := apono.Collect(client.Users.ListAll(t.Context(), apono.ListUsersOptions{PageToken: page.NextPageToken}))
	require.NoError(t, err)
	require.Len(t, users, 1)
	got, err := client.Users.Get(t.Context(), "u2")
	require.NoError(t, err)
	require.Equal(t, users[0], got)
	_, err = client.Users.Get(t.Context(), "u9")
	require.ErrorIs(t, err, apono.ErrNotFound)

	first, err := client.Attributes.List(t.Context(), apono.ListAttributesOptions{Search: "*o*", Limit: 5})
	require.NoError(t, err)
	require.Equal(t, []*apono.Attribute{{Type: "team", Value: "looms"}}, first.Items)
	all, err := apono.Collect(client.Attributes.ListAll(t.Context()))
	require.NoError(t, err)
	require.Equal(t, []*apono.Attribute{{Type: "team", Value: "engines"}, {Type: "team", Value: "looms"}}, all)
}

func TestProgramsUseGroups(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithPageSize(1))
	groups := server.Client().Groups
	made, err := groups.Create(t.Context(), apono.CreateGroupInput{Name: "one", MembersEmails: []string{"a@example.com"}})
	require.NoError(t, err)
	require.Equal(t, "one", made.Name)
	empty, err := groups.Create(t.Context(), apono.CreateGroupInput{Name: "empty"})
	require.NoError(t, err)
	made, err = groups.Rename(t.Context(), made.ID, "two")
	require.NoError(t, err)
	got, err := groups.Get(t.Context(), made.ID)
	require.NoError(t, err)
	require.Equal(t, made, got)
	page, err := groups.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, []*apono.Group{made}, page.Items)
	all, err := apono.Collect(groups.ListAll(t.Context()))
	require.NoError(t, err)
	require.Equal(t, []*apono.Group{made, empty}, all)

	members := func(id string) string {
		all, err := apono.Collect(groups.ListAllMembers(t.Context(), id))
		require.NoError(t, err)
		var emails []string
		for _, member := range all {
			emails = append(emails, member.Email)
		}
		return strings.Join(emails, " ")
	}
	require.Empty(t, members(empty.ID))
	for range 2 {
		require.NoError(t, groups.AddMember(t.Context(), made.ID, "ben+x/y@example.com"))
	}
	require.Equal(t, "a@example.com ben+x/y@example.com", members(made.ID))
	one, err := groups.ListMembers(t.Context(), made.ID)
	require.NoError(t, err)
	require.Equal(t, []*apono.GroupMember{{Email: "a@example.com"}}, one.Items)
	require.NoError(t, groups.RemoveMember(t.Context(), made.ID, "ben+x/y@example.com"))
	require.ErrorIs(t, groups.RemoveMember(t.Context(), made.ID, "ben+x/y@example.com"), apono.ErrNotFound)
	require.Equal(t, "a@example.com", members(made.ID))
	require.NoError(t, groups.SetMembers(t.Context(), made.ID, []string{"c@example.com", "b@example.com"}))
	require.Equal(t, "c@example.com b@example.com", members(made.ID))
	require.NoError(t, groups.SetMembers(t.Context(), made.ID, nil))
	require.Empty(t, members(made.ID))

	require.NoError(t, groups.Delete(t.Context(), made.ID))
	_, err = groups.Get(t.Context(), made.ID)
	require.ErrorIs(t, err, apono.ErrNotFound)
	require.ErrorIs(t, groups.Delete(t.Context(), made.ID), apono.ErrNotFound)
}

func TestProgramsUseIdentities(t *testing.T) {
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
	refused := apitest.ErrorAs[*apono.BulkError](t, err)
	require.Equal(t, result.Results[1:], refused.Failed)
	require.EqualError(t, err, "apono: 1 of 2 items were refused, the first for IDENTITY_NOT_FOUND: there is no identity with this e-mail")
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
