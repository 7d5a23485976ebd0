package aponotest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
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
	server := aponotest.NewServer(t, append(opts, aponotest.WithLooseChecks())...)
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

func TestWrongRequestsForPeopleAreRefusedByName(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
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
