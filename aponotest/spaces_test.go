package aponotest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

const (
	spacesPath      = "/api/admin/v1/spaces"
	spaceScopesPath = "/api/admin/v1/space-scopes"
	firstID         = "00000001-0000-4000-8000-000000000001"
	secondID        = "00000002-0000-4000-8000-000000000002"

	spaceScopeOne = `{"id": "s1", "name": "One of them", "query": "q1", "created_date": "2026-11-01T00:00:00Z", "updated_date": "2026-11-02T00:00:00Z"}`
	spaceScopeTwo = `{"id": "s2", "name": "Two", "query": "q2", "created_date": "2026-11-03T00:00:00Z", "updated_date": "2026-11-04T00:00:00Z"}`
	spaceTeam     = `{"id": "t1", "name": "My team", "space_scopes": [` + spaceScopeTwo + `,` + spaceScopeOne + `],
		"created_date": "2026-11-05T00:00:00Z", "updated_date": "2026-11-06T00:00:00Z"}`
	memberAda  = `{"identity_id": "u1", "identity_type": "user", "space_roles": ["SpaceOwner"], "name": "Ada Lovelace", "email": "ada@example.com"}`
	memberCall = `{"identity_id": "g1", "identity_type": "group", "space_roles": ["SpaceManager", "SpaceOwner"], "name": "On call"}`
)

// spaceServer returns a server with two space scopes, a space with two members, users
// and groups.
func spaceServer(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := peopleServer(t, opts...)
	server.Put(aponotest.Groups, json.RawMessage(`{"id": "g1", "name": "On call"}`), json.RawMessage(`{"id": "g2", "name": "u1"}`))
	server.Put(aponotest.SpaceScopes, json.RawMessage(spaceScopeOne), json.RawMessage(spaceScopeTwo))
	server.Put(aponotest.Spaces, json.RawMessage(spaceTeam))
	server.Put(aponotest.SpaceMembersOf("t1"), json.RawMessage(memberAda), json.RawMessage(memberCall))
	return server
}

func spacePage(items ...string) string {
	return `{"items": [` + strings.Join(items, ",") + `], "pagination": {}}`
}

func TestSpacesContainTheirScopes(t *testing.T) {
	t.Parallel()
	server := spaceServer(t)
	synctest.Test(t, func(t *testing.T) {
		created := func(at, name string, scopes ...string) string {
			return `{"id": "` + firstID + `", "created_date": "2000-01-01T00:00:00.000Z", "updated_date": "` + at + `", "name": "` + name + `",
				"space_scopes": [` + strings.Join(scopes, ",") + `]}`
		}
		const start, later = "2000-01-01T00:00:00.000Z", "2000-01-01T01:00:00.000Z"
		checkDirectResponse(t, server, "POST", spacesPath, `{"name": "New one", "space_scope_references": ["Two", "s1"], "members": [
			{"identity_reference": "On call", "identity_type": "group", "space_roles": []},
			{"identity_reference": "ada@example.com", "identity_type": "user", "space_roles": ["SpaceOwner", "Other"]}
		]}`, 200, created(start, "New one", spaceScopeTwo, spaceScopeOne))
		const members = `{"identity_id": "g1", "identity_type": "group", "space_roles": [], "name": "On call"},
			{"identity_id": "u1", "identity_type": "user", "space_roles": ["SpaceOwner", "Other"], "name": "Ada Lovelace", "email": "ada@example.com"}`
		checkDirectResponse(t, server, "GET", spacesPath+"/"+firstID+"/members", "", 200, spacePage(members))
		time.Sleep(time.Hour)
		checkDirectResponse(t, server, "PUT", spacesPath+"/New%20one", `{"name": "Newer", "space_scope_references": ["s1"]}`, 200, created(later, "Newer", spaceScopeOne))
		checkDirectResponse(t, server, "PUT", spacesPath+"/"+firstID, `{"name": "Newer", "space_scope_references": []}`, 200, created(later, "Newer"))
		checkDirectResponse(t, server, "GET", spacesPath+"/Newer", "", 200, created(later, "Newer"))
		checkDirectResponse(t, server, "GET", spacesPath, "", 200, spacePage(spaceTeam, created(later, "Newer")))
		checkDirectResponse(t, server, "GET", spacesPath+"?name=my*", "", 200, spacePage(spaceTeam))
		checkDirectResponse(t, server, "GET", spacesPath+"/Newer/members", "", 200, spacePage(members))
		checkDirectResponse(t, server, "DELETE", spacesPath+"/Newer", "", 204, "")
		checkDirectResponse(t, server, "DELETE", spacesPath+"/"+firstID, "", 404, notFoundMessage("space", firstID))
		checkDirectResponse(t, server, "GET", spacesPath+"/"+firstID+"/members", "", 404, notFoundMessage("space", firstID))
	})
}

func TestSpaceMembers(t *testing.T) {
	t.Parallel()
	server := spaceServer(t)
	members := spacesPath + "/My%20team/members"
	const ben = `{"identity_id": "u2", "identity_type": "user", "space_roles": ["SpaceManager"], "name": "Benedikt Love", "email": "ben+x/y@example.com"}`
	const group = `{"identity_id": "g2", "identity_type": "group", "space_roles": [], "name": "u1"}`
	for _, step := range []struct {
		method, path, body string
		status             int
		response, members  string
	}{
		{"GET", "", "", 200, spacePage(memberAda, memberCall), memberAda + "," + memberCall},
		{"PUT", "/ben+x%2Fy@example.com", `{"identity_type": "user", "space_roles": ["SpaceManager"]}`, 200, ben, memberAda + "," + memberCall + "," + ben},
		{
			"PUT", "/u1", `{"identity_type": "user", "space_roles": []}`, 200, strings.Replace(memberAda, `"SpaceOwner"`, "", 1),
			strings.Replace(memberAda, `"SpaceOwner"`, "", 1) + "," + memberCall + "," + ben,
		},
		{"DELETE", "/ada@example.com", "", 204, "", memberCall + "," + ben},
		{"DELETE", "/On%20call", "", 204, "", ben},
		{"DELETE", "/On%20call", "", 404, notFoundMessage("member of the space", "On call"), ben},
		{"DELETE", "/Benedikt%20Love", "", 404, notFoundMessage("member of the space", "Benedikt Love"), ben}, // users are not referred to by name
		{"PUT", "/nobody", `{"identity_type": "user", "space_roles": []}`, 404, notFoundMessage("user", "nobody"), ben},
		{"PUT", "/ada@example.com", `{"identity_type": "group", "space_roles": []}`, 404, notFoundMessage("group", "ada@example.com"), ben},
		{
			"PUT", "", `{"members": [{"identity_reference": "u1", "identity_type": "group", "space_roles": []},
				{"identity_reference": "u1", "identity_type": "user", "space_roles": ["SpaceOwner"]}]}`, 200, spacePage(group, memberAda), group + "," + memberAda,
		},
		{"DELETE", "/u1", "", 204, "", memberAda}, // the group of that name is removed first
		{"PUT", "", `{"members": []}`, 200, spacePage(), ""},
	} {
		checkDirectResponse(t, server, step.method, members+step.path, step.body, step.status, step.response)
		checkDirectResponse(t, server, "GET", spacesPath+"/t1/members", "", 200, spacePage(step.members))
	}
}

// The page token of SetMembers is valid for ListMembers.
func TestSetSpaceMembersReturnsPage(t *testing.T) {
	t.Parallel()
	client := spaceServer(t, aponotest.WithPageSize(1)).Client()
	page, err := client.Spaces.SetMembers(t.Context(), "t1", []apono.SpaceMemberInput{
		{IdentityReference: "u2", IdentityType: apono.SpaceIdentityTypeUser}, {IdentityReference: "u1", IdentityType: apono.SpaceIdentityTypeUser},
	})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	require.Equal(t, "u2", page.Items[0].IdentityID)
	page, err = client.Spaces.ListMembers(t.Context(), "My team", apono.ListSpaceMembersOptions{PageToken: page.NextPageToken})
	require.NoError(t, err)
	require.Equal(t, "u1", page.Items[0].IdentityID)
	require.Empty(t, page.NextPageToken)
}

func TestInvalidSpacesAreRejected(t *testing.T) {
	t.Parallel()
	clock := func() time.Time { return time.Date(2026, time.December, 1, 0, 0, 0, 0, time.UTC) }
	server := spaceServer(t, aponotest.WithClock(clock))
	server.Put(aponotest.Bundles, json.RawMessage(`{"id": "b1", "name": "b", "access_targets": []}`))
	const member = `{"identity_reference": "u1", "identity_type": "user", "space_roles": []}`
	long := strings.Repeat("語", 64)
	checkResponse(t, server, "PUT", spacesPath+"/t1", `{"name": "`+long+`", "space_scope_references": ["s2", "s1"]}`, 200,
		strings.NewReplacer("My team", long, "2026-11-06T00:00:00Z", "2026-12-01T00:00:00.000Z").Replace(spaceTeam))
	const flow = `{"name": "f", "request_for_others": false, ` + smallFlow + `}`
	checkAllRejected(t, server, []rejection{
		{"POST", spaceScopesPath, `{"name": "Two", "query": "q"}`, 409, "name", "already used by another space scope"},
		{"PUT", spaceScopesPath + "/s1", `{"name": "Two", "query": "q"}`, 409, "name", "already used by another space scope"},
		{"POST", spaceScopesPath, `{"name": "Three"}`, 422, "query", "must be set"},
		{"POST", spacesPath, `{"name": "` + long + `", "space_scope_references": []}`, 409, "name", "already used by another space"},
		{"POST", spacesPath, `{"name": "ab", "space_scope_references": []}`, 422, "name", "must have 3 to 64 characters, not 2"},
		{"PUT", spacesPath + "/t1", `{"name": "` + long + `x", "space_scope_references": []}`, 422, "name", "must have 3 to 64 characters, not 65"},
		{"POST", spacesPath, `{"name": "abc", "space_scope_references": ["s1", "s3"]}`, 400, "space_scope_references[1]", `space scope "s3" not found`},
		{"PUT", spacesPath + "/t1", `{"name": "abc", "space_scope_references": ["s3"]}`, 400, "space_scope_references[0]", `space scope "s3" not found`},
		{"PUT", spacesPath + "/t1", `{"name": "abc", "space_scope_references": [], "members": []}`, 422, "members", "unknown field"},
		{"POST", spacesPath, `{"name": "abc", "space_scope_references": [], "members": [` + member + `, {"identity_reference": "u9", "identity_type": "user", "space_roles": []}]}`, 400, "members[1].identity_reference", `user "u9" not found`},
		{"PUT", spacesPath + "/t1/members", `{"members": [` + member + `, {"identity_reference": "ada@example.com", "identity_type": "group", "space_roles": []}]}`, 400, "members[1].identity_reference", `group "ada@example.com" not found`},
		{"PUT", spacesPath + "/t1/members", `{"members": [{"identity_reference": "u1", "identity_type": "robot", "space_roles": []}]}`, 422, "members[0].identity_type", `must be "user" or "group", not "robot"`},
		{"PUT", spacesPath + "/t1/members/u1", `{"identity_type": "robot", "space_roles": []}`, 422, "identity_type", `must be "user" or "group", not "robot"`},
		{"PUT", spacesPath + "/t2/members", `{"members": []}`, 404, "", `space "t2" not found`},
		{"PUT", spacesPath + "/t2/members/u1", `{"identity_type": "user", "space_roles": []}`, 404, "", `space "t2" not found`},
		{"DELETE", spacesPath + "/t2/members/u1", "", 404, "", `space "t2" not found`},
		{"POST", bundlesPath + "?space_reference=t2", `{"name": "b", "access_targets": []}`, 400, "space_reference", `space "t2" not found`},
		{"PUT", bundlesPath + "/b1?space_reference=t1", `{"name": "b", "access_targets": []}`, 422, "space_reference", "unknown query parameter"},
		{"POST", bundlesPath, `{"name": "b", "access_targets": [], "space": {"space_id": "t1", "space_name": "My team"}}`, 422, "space", "unknown field"},
		{"POST", bundlesPath, `{"name": "b", "access_targets": [{"query_target": {"query": "` + strings.Repeat("ü", 4096) + `a"}}]}`, 422, "access_targets[0].query_target.query", "must have at most 8192 bytes, not 8193"},
		{"POST", flowsPath, strings.Replace(flow, `"HUMAN"`, `"HUMANOID"`, 1), 422, "requestor_identity_type", "must be one of HUMAN, AGENT"},
	})
	checkResponse(t, server, "GET", spacesPath+"/t1/members", "", 200, spacePage(memberAda, memberCall))
	require.Equal(t, "t1", listedMembers(t, server, spacesPath, "id"))
}

// Lists find objects by the id or name of their space, and objects without a space by
// "null".
func TestObjectsStayInTheirSpace(t *testing.T) {
	t.Parallel()
	server := spaceServer(t)
	bodies := map[string]string{
		flowsPath:   `{"name": "NAME", "request_for_others": false, ` + smallFlow + `}`,
		bundlesPath: `{"name": "NAME", "access_targets": []}`,
		scopesPath:  `{"name": "NAME", "query": "q"}`,
	}
	named := func(path, name string) string { return strings.Replace(bodies[path], "NAME", name, 1) }
	for path := range bodies {
		for name, query := range map[string]string{
			"in": "?space_reference=My+team", "by id": "?space_reference=t1", "out": "", "empty": "?space_reference=",
		} {
			status, _ := sendHTTP(t, server, "POST", path+query, named(path, name))
			require.Equal(t, 200, status)
		}
	}
	spaceOf := func(path, filter string) string {
		var page struct {
			Items []struct {
				ID    string `json:"id"`
				Name  string `json:"name"`
				Space *struct {
					ID   string `json:"space_id"`
					Name string `json:"space_name"`
				} `json:"space"`
			} `json:"items"`
		}
		_, response := sendHTTP(t, server, "GET", path+filter, "")
		require.NoError(t, json.Unmarshal([]byte(response), &page))
		found := map[string]bool{}
		for _, item := range page.Items {
			space := "none"
			if item.Space != nil {
				space = item.Space.ID + " " + item.Space.Name
			}
			found[item.Name+": "+space] = true
		}
		text, err := json.Marshal(found) // with sorted members
		require.NoError(t, err)
		return strings.NewReplacer(`"`, "", `:true`, "").Replace(string(text))
	}
	const in, out = "by id: t1 My team,in: t1 My team", "empty: none,out: none"
	for path := range bodies {
		for filter, want := range map[string]string{
			"":                          "{by id: t1 My team,empty: none,in: t1 My team,out: none}",
			"?space_references=t1":      "{" + in + "}",
			"?space_references=My+team": "{" + in + "}",
			"?space_references=null":    "{" + out + "}",
			"?space_references=other":   "{}",
			"?space_references=null&space_references=t1":      "{by id: t1 My team,empty: none,in: t1 My team,out: none}",
			"?space_references=other&space_references=null":   "{" + out + "}",
			"?space_references=t1&space_references=My%20team": "{" + in + "}",
		} {
			require.Equal(t, want, spaceOf(path, filter))
		}
	}

	// Update and rename objects, rename and delete the space.
	for path := range bodies {
		var created struct {
			ID string `json:"id"`
		}
		_, response := sendHTTP(t, server, "POST", path+"?space_reference=t1", named(path, "kept"))
		require.NoError(t, json.Unmarshal([]byte(response), &created))
		status, response := sendHTTP(t, server, "PUT", path+"/"+created.ID, named(path, "kept on"))
		require.Equal(t, 200, status)
		require.Contains(t, response, `"space":{"space_id":"t1","space_name":"My team"}`)
	}
	status, _ := sendHTTP(t, server, "PUT", spacesPath+"/t1", `{"name": "Renamed", "space_scope_references": []}`)
	require.Equal(t, 200, status)
	for path := range bodies {
		require.Equal(t, "{by id: t1 Renamed,in: t1 Renamed,kept on: t1 Renamed}", spaceOf(path, "?space_references=Renamed"))
	}
	checkResponse(t, server, "DELETE", spacesPath+"/Renamed", "", 204, "")
	for path := range bodies {
		require.Equal(t, "{by id: none,empty: none,in: none,kept on: none,out: none}", spaceOf(path, "?space_references=null"))
	}
}

func TestSpacesHaveCurrentNames(t *testing.T) {
	t.Parallel()
	server := spaceServer(t)
	checkResponse(t, server, "PUT", groupsPath+"/g1/name", `{"name": "On holiday"}`, 200, `{"id": "g1", "name": "On holiday"}`)
	checkResponse(t, server, "GET", spacesPath+"/t1/members", "", 200, spacePage(memberAda, strings.Replace(memberCall, "On call", "On holiday", 1)))
	checkResponse(t, server, "DELETE", spaceScopesPath+"/Two", "", 204, "")
	checkResponse(t, server, "GET", spacesPath+"/t1", "", 200, strings.Replace(spaceTeam, spaceScopeTwo+",", "", 1))
	_, renamed := sendHTTP(t, server, "PUT", spaceScopesPath+"/s1", `{"name": "Renamed", "query": "new"}`)
	checkResponse(t, server, "GET", spacesPath+"/t1", "", 200, strings.Replace(spaceTeam, spaceScopeTwo+","+spaceScopeOne, renamed, 1))
}
