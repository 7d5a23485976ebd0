package aponotest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

func TestGroupsAreCreatedRenamedAndDeleted(t *testing.T) {
	t.Parallel()
	server := peopleServer(t)
	const group = groupsPath + "/00000001-0000-4000-8000-000000000001"
	const made = `{"id": "00000001-0000-4000-8000-000000000001", "name": " On  call "}`
	checkResponse(t, server, "POST", groupsPath, `{"name": " On  call ", "members_emails": ["ben+x/y@example.com", "ada@example.com", "ben+x/y@example.com"]}`, 200, made)
	checkResponse(t, server, "GET", group, "", 200, made)
	checkResponse(t, server, "GET", group+"/members", "", 200, `{"items": [{"email": "ben+x/y@example.com"}, {"email": "ada@example.com"}], "pagination": {}}`)

	server.Put(aponotest.Groups, json.RawMessage(`{"id": "g2", "name": "old", "source_id": "00g", "source_integration_id": "idp", "source_integration_name": "stale"}`))
	const renamed = `{"id": "g2", "name": "new", "source_id": "00g", "source_integration_id": "idp", "source_integration_name": "People"}`
	checkResponse(t, server, "PUT", groupsPath+"/g2/name", `{"name": "new"}`, 200, renamed)
	checkResponse(t, server, "PUT", groupsPath+"/g2/name", `{"name": "new"}`, 200, renamed)
	checkResponse(t, server, "GET", groupsPath, "", 200, `{"items": [`+made+`,`+renamed+`], "pagination": {}}`)

	checkResponse(t, server, "DELETE", group, "", 204, "")
	checkResponse(t, server, "GET", group, "", 404, notFoundMessage("group", "00000001-0000-4000-8000-000000000001"))
	checkResponse(t, server, "GET", groupsPath, "", 200, `{"items": [`+renamed+`], "pagination": {}}`)
	server.Put(aponotest.Groups, json.RawMessage(made))
	checkResponse(t, server, "GET", group+"/members", "", 200, `{"items": [], "pagination": {}}`)
}

func TestGroupFilters(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	server.Put(aponotest.Groups, apono.Group{ID: "g1", Name: "On call"}, apono.Group{ID: "g2", Name: "Engines"})
	checkFilters(t, server, groupsPath, "id", map[string]string{
		"?name=ON+CALL": "g1", "?name=*n*": "g1 g2", "?name=*gines": "g2", "?name=On": "",
	})
}

func TestGroupMembersAreSetAddedAndRemoved(t *testing.T) {
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
			checkResponse(t, server, step.method, members+step.path, step.body, 204, "")
		}
		require.Equal(t, step.want, listedMembers(t, server, members, "email"))
	}
	require.Equal(t, "dana@example.com", listedMembers(t, server, groupsPath+"/g2/members", "email"))
	checkResponse(t, server, "DELETE", members+"/x@example.com", "", 404, notFoundMessage("member", "x@example.com"))
}

func TestGroupMembersHavePages(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	server.Put(aponotest.Groups, apono.Group{ID: "g1", Name: "one"}, apono.Group{ID: "g2", Name: "two"})
	server.Put(aponotest.MembersOf("g1"), apono.GroupMember{Email: "a"}, apono.GroupMember{Email: "b"}, apono.GroupMember{Email: "c"})
	page, err := server.Client().Groups.ListMembers(t.Context(), "g1", apono.ListGroupMembersOptions{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, []*apono.GroupMember{{Email: "a"}, {Email: "b"}}, page.Items)
	require.Equal(t, "c", listedMembers(t, server, groupsPath+"/g1/members?page_token="+page.NextPageToken, "email"))
	checkResponse(t, server, "GET", groupsPath+"/g2/members?page_token="+page.NextPageToken, "", 400,
		`{"field": "page_token", "message": "page_token: not a token of this list"}`)
}

func TestGroupsWithClient(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks(), aponotest.WithPageSize(1))
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
