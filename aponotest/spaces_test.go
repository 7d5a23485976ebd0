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

// spaceServer has two space scopes, a space with two members, and people.
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

func TestSpacesAreAnsweredWithWholeScopes(t *testing.T) {
	t.Parallel()
	server := spaceServer(t)
	synctest.Test(t, func(t *testing.T) {
		created := func(at, name string, scopes ...string) string {
			return `{"id": "` + firstID + `", "created_date": "2000-01-01T00:00:00.000Z", "updated_date": "` + at + `", "name": "` + name + `",
				"space_scopes": [` + strings.Join(scopes, ",") + `]}`
		}
		const start, later = "2000-01-01T00:00:00.000Z", "2000-01-01T01:00:00.000Z"
		accessAnswers(t, server, "POST", spacesPath, `{"name": "New one", "space_scope_references": ["Two", "s1"], "members": [
			{"identity_reference": "On call", "identity_type": "group", "space_roles": []},
			{"identity_reference": "ada@example.com", "identity_type": "user", "space_roles": ["SpaceOwner", "Other"]}
		]}`, 200, created(start, "New one", spaceScopeTwo, spaceScopeOne))
		const members = `{"identity_id": "g1", "identity_type": "group", "space_roles": [], "name": "On call"},
			{"identity_id": "u1", "identity_type": "user", "space_roles": ["SpaceOwner", "Other"], "name": "Ada Lovelace", "email": "ada@example.com"}`
		accessAnswers(t, server, "GET", spacesPath+"/"+firstID+"/members", "", 200, spacePage(members))
		time.Sleep(time.Hour)
		accessAnswers(t, server, "PUT", spacesPath+"/New%20one", `{"name": "Newer", "space_scope_references": ["s1"]}`, 200, created(later, "Newer", spaceScopeOne))
		accessAnswers(t, server, "PUT", spacesPath+"/"+firstID, `{"name": "Newer", "space_scope_references": []}`, 200, created(later, "Newer"))
		accessAnswers(t, server, "GET", spacesPath+"/Newer", "", 200, created(later, "Newer"))
		accessAnswers(t, server, "GET", spacesPath, "", 200, spacePage(spaceTeam, created(later, "Newer")))
		accessAnswers(t, server, "GET", spacesPath+"?name=my*", "", 200, spacePage(spaceTeam))
		accessAnswers(t, server, "GET", spacesPath+"/Newer/members", "", 200, spacePage(members))
		accessAnswers(t, server, "DELETE", spacesPath+"/Newer", "", 204, "")
		accessAnswers(t, server, "DELETE", spacesPath+"/"+firstID, "", 404, peopleMissing("space", firstID))
		accessAnswers(t, server, "GET", spacesPath+"/"+firstID+"/members", "", 404, peopleMissing("space", firstID))
	})
}

func TestMembersOfSpaces(t *testing.T) {
	t.Parallel()
	server := spaceServer(t)
	members := spacesPath + "/My%20team/members"
	const ben = `{"identity_id": "u2", "identity_type": "user", "space_roles": ["SpaceManager"], "name": "Benedikt Love", "email": "ben+x/y@example.com"}`
	const group = `{"identity_id": "g2", "identity_type": "group", "space_roles": [], "name": "u1"}`
	for _, step := range []struct {
		method, path, body string
		status             int
		answer, members    string
	}{
		{"GET", "", "", 200, spacePage(memberAda, memberCall), memberAda + "," + memberCall},
		{"PUT", "/ben+x%2Fy@example.com", `{"identity_type": "user", "space_roles": ["SpaceManager"]}`, 200, ben, memberAda + "," + memberCall + "," + ben},
		{
			"PUT", "/u1", `{"identity_type": "user", "space_roles": []}`, 200, strings.Replace(memberAda, `"SpaceOwner"`, "", 1),
			strings.Replace(memberAda, `"SpaceOwner"`, "", 1) + "," + memberCall + "," + ben,
		},
		{"DELETE", "/ada@example.com", "", 204, "", memberCall + "," + ben},
		{"DELETE", "/On%20call", "", 204, "", ben},
		{"DELETE", "/On%20call", "", 404, peopleMissing("member of the space", "On call"), ben},
		{"DELETE", "/Benedikt%20Love", "", 404, peopleMissing("member of the space", "Benedikt Love"), ben}, // no reference
		{"PUT", "/nobody", `{"identity_type": "user", "space_roles": []}`, 404, peopleMissing("user", "nobody"), ben},
		{"PUT", "/ada@example.com", `{"identity_type": "group", "space_roles": []}`, 404, peopleMissing("group", "ada@example.com"), ben},
		{
			"PUT", "", `{"members": [{"identity_reference": "u1", "identity_type": "group", "space_roles": []},
				{"identity_reference": "u1", "identity_type": "user", "space_roles": ["SpaceOwner"]}]}`, 200, spacePage(group, memberAda), group + "," + memberAda,
		},
		{"DELETE", "/u1", "", 204, "", memberAda}, // the group of that name, which comes first
		{"PUT", "", `{"members": []}`, 200, spacePage(), ""},
	} {
		accessAnswers(t, server, step.method, members+step.path, step.body, step.status, step.answer)
		accessAnswers(t, server, "GET", spacesPath+"/t1/members", "", 200, spacePage(step.members))
	}
}

// What is replaced in one go is seen in pages, and the token that comes with it
// is one of the list.
func TestReplacedMembersComeInPages(t *testing.T) {
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

// A program that is wrong has to fail here, not only in production.
func TestWrongSpacesAreRefusedByName(t *testing.T) {
	t.Parallel()
	clock := func() time.Time { return time.Date(2026, time.December, 1, 0, 0, 0, 0, time.UTC) }
	server := spaceServer(t, aponotest.WithClock(clock))
	server.Put(aponotest.Bundles, json.RawMessage(`{"id": "b1", "name": "b", "access_targets": []}`))
	const member = `{"identity_reference": "u1", "identity_type": "user", "space_roles": []}`
	long := strings.Repeat("語", 64)
	answers(t, server, "PUT", spacesPath+"/t1", `{"name": "`+long+`", "space_scope_references": ["s2", "s1"]}`, 200,
		strings.NewReplacer("My team", long, "2026-11-06T00:00:00Z", "2026-12-01T00:00:00.000Z").Replace(spaceTeam))
	const flow = `{"name": "f", "request_for_others": false, ` + smallFlow + `}`
	peopleRefused(t, server, []peopleRefusal{
		{"POST", spaceScopesPath, `{"name": "Two", "query": "q"}`, 409, "name", "already used by another space scope"},
		{"PUT", spaceScopesPath + "/s1", `{"name": "Two", "query": "q"}`, 409, "name", "already used by another space scope"},
		{"POST", spaceScopesPath, `{"name": "Three"}`, 422, "query", "is required"},
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
		{"POST", flowsPath, strings.Replace(flow, `"requestor_identity_type": "HUMAN", `, "", 1), 422, "requestor_identity_type", "is required"},
		{"POST", flowsPath, strings.Replace(flow, `"HUMAN"`, "null", 1), 422, "requestor_identity_type", "must not be null"},
	})
	answers(t, server, "GET", spacesPath+"/t1/members", "", 200, spacePage(memberAda, memberCall))
	require.Equal(t, "t1", peopleListed(t, server, spacesPath, "id"))
}

// An object is where it was created, whatever becomes of it; lists find it by
// the id and the name of its space, and "null" finds what is in none.
func TestObjectsAreCreatedFoundAndKeptInTheirSpace(t *testing.T) {
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
			status, _ := ask(t, server, "POST", path+query, named(path, name))
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
		_, answer := ask(t, server, "GET", path+filter, "")
		require.NoError(t, json.Unmarshal([]byte(answer), &page))
		found := map[string]bool{}
		for _, item := range page.Items {
			space := "none"
			if item.Space != nil {
				space = item.Space.ID + " " + item.Space.Name
			}
			found[item.Name+": "+space] = true
		}
		text, err := json.Marshal(found) // in order
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

	// Updates, renames and the deletion of the space.
	for path := range bodies {
		var created struct {
			ID string `json:"id"`
		}
		_, answer := ask(t, server, "POST", path+"?space_reference=t1", named(path, "kept"))
		require.NoError(t, json.Unmarshal([]byte(answer), &created))
		status, answer := ask(t, server, "PUT", path+"/"+created.ID, named(path, "kept on"))
		require.Equal(t, 200, status)
		require.Contains(t, answer, `"space":{"space_id":"t1","space_name":"My team"}`)
	}
	status, _ := ask(t, server, "PUT", spacesPath+"/t1", `{"name": "Renamed", "space_scope_references": []}`)
	require.Equal(t, 200, status)
	for path := range bodies {
		require.Equal(t, "{by id: t1 Renamed,in: t1 Renamed,kept on: t1 Renamed}", spaceOf(path, "?space_references=Renamed"))
	}
	answers(t, server, "DELETE", spacesPath+"/Renamed", "", 204, "")
	for path := range bodies {
		require.Equal(t, "{by id: none,empty: none,in: none,kept on: none,out: none}", spaceOf(path, "?space_references=null"))
	}
}

// What a space shows of others is as they are now.
func TestSpacesFollowRenames(t *testing.T) {
	t.Parallel()
	server := spaceServer(t)
	answers(t, server, "PUT", groupsPath+"/g1/name", `{"name": "On holiday"}`, 200, `{"id": "g1", "name": "On holiday"}`)
	answers(t, server, "GET", spacesPath+"/t1/members", "", 200, spacePage(memberAda, strings.Replace(memberCall, "On call", "On holiday", 1)))
	answers(t, server, "DELETE", spaceScopesPath+"/Two", "", 204, "")
	answers(t, server, "GET", spacesPath+"/t1", "", 200, strings.Replace(spaceTeam, spaceScopeTwo+",", "", 1))
	_, renamed := ask(t, server, "PUT", spaceScopesPath+"/s1", `{"name": "Renamed", "query": "new"}`)
	answers(t, server, "GET", spacesPath+"/t1", "", 200, strings.Replace(spaceTeam, spaceScopeTwo+","+spaceScopeOne, renamed, 1))
}
