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

// Users, in the order of the list.
const (
	userAda = `{"id": "u1", "email": "ada@example.com", "email_aliases": ["a@example.org"], "first_name": "Ada", "last_name": "Lovelace",
		"active": true, "roles": ["Admin", "Viewer"], "source_integration_id": "idp", "source_integration_name": "People",
		"attributes": {"team": "engines", "shift": ""}}`
	userBen = `{"id": "u2", "email": "ben+x/y@example.com", "email_aliases": [], "first_name": "Benedikt", "last_name": "Love",
		"active": false, "roles": ["Power User"], "source_integration_id": "other", "source_integration_name": "Elsewhere"}`
	userChen = `{"id": "u3", "email": "chen@example.com", "email_aliases": [], "first_name": "", "last_name": "", "active": true, "roles": []}`
)

// peopleServer returns a server with three users and the source integration of one.
func peopleServer(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, append(opts, aponotest.WithLooseChecks())...)
	server.Put(aponotest.Integrations, json.RawMessage(`{"id": "idp", "name": "People", "type": "okta", "integration_config": {}}`))
	server.Put(aponotest.Users, json.RawMessage(userAda), json.RawMessage(userBen), json.RawMessage(userChen))
	return server
}

// listedMembers gets a list in one page and joins the values of one member.
func listedMembers(t *testing.T, server *aponotest.Server, path, member string) string {
	t.Helper()
	status, response := sendHTTP(t, server, "GET", path, "")
	require.Equal(t, 200, status)
	var page struct {
		Items []map[string]any `json:"items"`
		Data  []map[string]any `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(response), &page))
	var values []string
	for _, item := range append(page.Items, page.Data...) {
		values = append(values, fmt.Sprint(item[member]))
	}
	return strings.Join(values, " ")
}

// checkFilters checks the items of a list by query.
func checkFilters(t *testing.T, server *aponotest.Server, path, member string, want map[string]string) {
	t.Helper()
	for query, want := range want {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, listedMembers(t, server, path+query, member))
		})
	}
}

// rejection is an invalid request and the wanted error response.
type rejection struct {
	method, path, body string
	status             int
	field, message     string
}

func checkAllRejected(t *testing.T, server *aponotest.Server, rejections []rejection) {
	t.Helper()
	for _, r := range rejections {
		t.Run(r.method+" "+r.path+" "+r.body, func(t *testing.T) {
			t.Parallel()
			want := fmt.Sprintf(`{"message": %q}`, r.message)
			if r.field != "" {
				want = fmt.Sprintf(`{"message": %q, "field": %q}`, r.field+": "+r.message, r.field)
			}
			checkResponse(t, server, r.method, r.path, r.body, r.status, want)
		})
	}
}

// notFoundMessage returns the body of a 404 response.
func notFoundMessage(what, id string) string {
	return fmt.Sprintf(`{"message": %q}`, fmt.Sprintf("%s %q not found", what, id))
}

func TestUsersAreReturnedAsPut(t *testing.T) {
	t.Parallel()
	server := peopleServer(t)
	checkResponse(t, server, "GET", usersPath, "", 200, `{"items": [`+userAda+`,`+userBen+`,`+userChen+`], "pagination": {}}`)
	checkResponse(t, server, "GET", usersPath+"/u2", "", 200, userBen)
	checkResponse(t, server, "GET", usersPath+"/u%2F9", "", 404, notFoundMessage("user", "u/9"))
	checkResponse(t, server, "POST", usersPath, userAda, 404, `{"message": "operation POST `+usersPath+` not found"}`)
}

func TestUserFilters(t *testing.T) {
	t.Parallel()
	checkFilters(t, peopleServer(t), usersPath, "id", map[string]string{
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

func TestUserFilterUsesCurrentIntegrationName(t *testing.T) {
	t.Parallel()
	server := peopleServer(t)
	server.Put(aponotest.Attributes, json.RawMessage(`{"type": "team", "value": "engines", "source_integration_id": "idp"}`))
	checkResponse(t, server, "PUT", integrationsPath+"/idp", `{"name": "Renamed", "integration_config": {}}`, 200,
		`{"id": "idp", "name": "Renamed", "type": "okta", "category": "USER-INFORMATION", "status": "ACTIVE", "integration_config": {}}`)
	require.Equal(t, "Renamed Elsewhere <nil>", listedMembers(t, server, usersPath, "source_integration_name"))
	require.Equal(t, "Renamed", listedMembers(t, server, attributesPath, "source_integration_name"))
	for query, want := range map[string]string{
		usersPath + "?source_integration_name=Renamed":           "Renamed",
		usersPath + "?source_integration_name=People":            "",
		attributesPath + "?source_integration_reference=Renamed": "Renamed",
	} {
		require.Equal(t, want, listedMembers(t, server, query, "source_integration_name"))
	}
}

func TestInvalidUserAndGroupRequestsAreRejected(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	server.Put(aponotest.Groups, apono.Group{ID: "g1", Name: "one"}, apono.Group{ID: "g2", Name: "two"})
	checkAllRejected(t, server, []rejection{
		{"GET", usersPath + "?name=x", "", 422, "name", "unknown query parameter"},
		{"GET", usersPath + "?first_name=a&first_name=b", "", 422, "first_name", "must be given once, not 2 times"},
		{"GET", usersPath + "?source_integration_reference=x", "", 422, "source_integration_reference", "unknown query parameter"},
		{"GET", usersPath + "/u1?role=Admin", "", 422, "role", "unknown query parameter"},
		{"GET", attributesPath + "?name=x", "", 422, "name", "unknown query parameter"},
		{"GET", identitiesPath + "?skip=1", "", 422, "skip", "unknown query parameter"},
		{"GET", identitiesPath + "?type=USER", "", 422, "type", "unknown query parameter"},
		{"GET", bulkAttributesPath + "?skip=-1", "", 422, "skip", `must be an integer from 0 to 2147483647, not "-1"`},
		{"GET", bulkAttributesPath + "?email=x", "", 422, "email", "unknown query parameter"},
		{"GET", groupsPath + "/g9", "", 404, "", `group "g9" not found`},
		{"GET", groupsPath + "/g9/members", "", 404, "", `group "g9" not found`},
		{"GET", groupsPath + "/g1/members?name=x", "", 422, "name", "unknown query parameter"},
		{"POST", groupsPath, `{"name": "x"}`, 422, "members_emails", "must be set"},
		{"POST", groupsPath, `{"name": "x", "members_emails": null}`, 422, "members_emails", "must not be null"},
		{"POST", groupsPath, `{"name": "x", "members_emails": [null]}`, 422, "members_emails[0]", "must be a string, not null"},
		{"POST", groupsPath, `{"name": "x", "members_emails": [], "source_id": "y"}`, 422, "source_id", "unknown field"},
		{"POST", groupsPath, `{"name": "one", "members_emails": []}`, 409, "name", "already used by another group"},
		{"PUT", groupsPath + "/g1/name", `{"name": "two"}`, 409, "name", "already used by another group"},
		{"PUT", groupsPath + "/g1/name", `{}`, 422, "name", "must be set"},
		{"PUT", groupsPath + "/g1/name", `{"name": "x", "members_emails": []}`, 422, "members_emails", "unknown field"},
		{"PUT", groupsPath + "/g9/name", `{"name": "x"}`, 404, "", `group "g9" not found`},
		{"PUT", groupsPath + "/g1/members", `{"members_emails": null}`, 422, "members_emails", "must not be null"},
		{"PUT", groupsPath + "/g1/members", `["a"]`, 422, "", "the body must be an object, not an array"},
		{"PUT", groupsPath + "/g9/members", `{"members_emails": []}`, 404, "", `group "g9" not found`},
		{"PUT", groupsPath + "/g1/members/a@example.com", `{"email": "a@example.com"}`, 422, "", "the operation takes no body"},
		{"PUT", groupsPath + "/g9/members/a@example.com", "", 404, "", `group "g9" not found`},
		{"DELETE", groupsPath + "/g9/members/a@example.com", "", 404, "", `group "g9" not found`},
		{"DELETE", groupsPath + "/g9", "", 404, "", `group "g9" not found`},
		{"PUT", bulkAttributesPath, `{"email": "x"}`, 422, "", "the body must be an array, not an object"},
		{"PUT", bulkAttributesPath, `[{"email": "x", "attributes": {}}, {"email": "y"}]`, 422, "[1].attributes", "must be set"},
		{"PUT", bulkAttributesPath, `[{"email": "x", "attributes": {"n": 1}}]`, 422, "[0].attributes.n", "must be a string, not a number"},
		{"PUT", bulkAttributesPath, `[{"email": "x", "attribute_types": []}]`, 422, "[0].attribute_types", "unknown field"},
		{"PUT", bulkAttributesPath, `null`, 422, "", "the body must be an array, not null"},
		{"DELETE", bulkAttributesPath, `[{"email": "x", "attribute_types": null}]`, 422, "[0].attribute_types", "must not be null"},
		{"DELETE", bulkAttributesPath, `[{"email": "x", "attributes": {}}]`, 422, "[0].attributes", "unknown field"},
	})
}

func TestUsersAndAttributesWithClient(t *testing.T) {
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
