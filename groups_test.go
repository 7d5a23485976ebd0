package apono_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// groupEngines returns the object in groups/group.json.
func groupEngines() *apono.Group {
	return &apono.Group{
		ID: "group-1", Name: "Engines <and> looms", SourceID: new("00g1"),
		SourceIntegrationID: new("idp-1"), SourceIntegrationName: new("Okta"),
	}
}

func TestListGroups(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"items": [` + apitest.Fixture(t, "groups/group.json") + `,` + apitest.Fixture(t, "groups/group_minimal.json") + `],
		"pagination": {"next_page_token": "t2"}
	}`})
	page, err := apitest.NewClient(t, fake).Groups.List(t.Context(), apono.ListGroupsOptions{Limit: 2, Name: "*on call*"})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.Group]{
		Items: []*apono.Group{groupEngines(), {ID: "group-2", Name: "On call"}}, NextPageToken: "t2",
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/admin/v1/groups", "limit=2&name=%2Aon+call%2A", "")
}

func TestGroupsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	type service = apono.GroupsService
	for _, c := range []struct {
		name               string
		call               func(context.Context, *service) (*apono.Group, error)
		method, path, body string
	}{
		{
			"Get", func(ctx context.Context, s *service) (*apono.Group, error) { return s.Get(ctx, "group/1") },
			"GET", "/api/admin/v1/groups/group%2F1", "",
		},
		{
			"Create", func(ctx context.Context, s *service) (*apono.Group, error) {
				return s.Create(ctx, apono.CreateGroupInput{Name: "Engines <and> looms", MembersEmails: []string{"ben@example.com", "ada@example.com"}})
			},
			"POST", "/api/admin/v1/groups", `{"name": "Engines <and> looms", "members_emails": ["ben@example.com", "ada@example.com"]}`,
		},
		{
			"Create with zero input", func(ctx context.Context, s *service) (*apono.Group, error) {
				return s.Create(ctx, apono.CreateGroupInput{})
			},
			"POST", "/api/admin/v1/groups", `{"name": "", "members_emails": []}`,
		},
		{
			"Rename", func(ctx context.Context, s *service) (*apono.Group, error) {
				return s.Rename(ctx, "group/1", "Engines <and> looms")
			},
			"PUT", "/api/admin/v1/groups/group%2F1/name", `{"name": "Engines <and> looms"}`,
		},
		{
			"Rename with an empty name", func(ctx context.Context, s *service) (*apono.Group, error) { return s.Rename(ctx, "group-1", "") },
			"PUT", "/api/admin/v1/groups/group-1/name", `{"name": ""}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: apitest.Fixture(t, "groups/group.json")})
			got, err := c.call(t.Context(), apitest.NewClient(t, fake).Groups)
			require.NoError(t, err)
			require.Equal(t, groupEngines(), got)
			apitest.Sent(t, fake.Requests()[0], c.method, c.path, "", c.body)
		})
	}
}

func TestListGroupMembers(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "groups/members.json")}, script.Response{Body: `{"items": [], "pagination": {}}`})
	client := apitest.NewClient(t, fake)
	page, err := client.Groups.ListMembers(t.Context(), "group/1", apono.ListGroupMembersOptions{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.GroupMember]{
		Items: []*apono.GroupMember{{Email: "ada@example.com"}, {Email: "ben+on/call@example.com"}}, NextPageToken: "t2",
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/admin/v1/groups/group%2F1/members", "limit=2", "")
	page, err = client.Groups.ListMembers(t.Context(), "empty")
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.GroupMember]{Items: []*apono.GroupMember{}}, page)
	apitest.Sent(t, fake.Requests()[1], "GET", "/api/admin/v1/groups/empty/members", "", "")
}

// The response is 204 without a body. The API rejects null for the list of members.
func TestGroupChangesWithoutResponseBody(t *testing.T) {
	t.Parallel()
	type service = apono.GroupsService
	set := func(emails []string) func(context.Context, *service) error {
		return func(ctx context.Context, s *service) error { return s.SetMembers(ctx, "group/1", emails) }
	}
	const group = "/api/admin/v1/groups/group%2F1"
	for _, c := range []struct {
		name               string
		call               func(context.Context, *service) error
		method, path, body string
	}{
		{"Delete", func(ctx context.Context, s *service) error { return s.Delete(ctx, "group/1") }, "DELETE", group, ""},
		{
			"SetMembers", set([]string{"ben+on/call@example.com", "ada@example.com"}), "PUT", group + "/members",
			`{"members_emails": ["ben+on/call@example.com", "ada@example.com"]}`,
		},
		{"SetMembers with nil", set(nil), "PUT", group + "/members", `{"members_emails": []}`},
		{"SetMembers with an empty slice", set([]string{}), "PUT", group + "/members", `{"members_emails": []}`},
		{
			"AddMember", func(ctx context.Context, s *service) error {
				return s.AddMember(ctx, "group/1", "ben+on/call@example.com")
			},
			"PUT", group + "/members/ben+on%2Fcall@example.com", "",
		},
		{
			"RemoveMember", func(ctx context.Context, s *service) error {
				return s.RemoveMember(ctx, "group/1", "ben+on/call@example.com")
			},
			"DELETE", group + "/members/ben+on%2Fcall@example.com", "",
		},
		{
			"AddMember with other characters", func(ctx context.Context, s *service) error {
				return s.AddMember(ctx, "group/1", `"a b"?c#d%2F;ü@example.com`)
			},
			"PUT", group + "/members/%22a%20b%22%3Fc%23d%252F%3B%C3%BC@example.com", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Status: 204})
			require.NoError(t, c.call(t.Context(), apitest.NewClient(t, fake).Groups))
			apitest.Sent(t, fake.Requests()[0], c.method, c.path, "", c.body)
		})
	}
}

// An empty address or two dots would change the path to that of all members or of the
// group.
func TestGroupMemberWithoutEmailIsArgumentError(t *testing.T) {
	t.Parallel()
	client := apitest.NewClient(t, apitest.NoRequest(t)).Groups
	for _, email := range []string{"", ".", ".."} {
		for _, err := range []error{client.AddMember(t.Context(), "group-1", email), client.RemoveMember(t.Context(), "group-1", email)} {
			require.Equal(t, "email", apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
		}
	}
}

// A field without a tag would be sent under its Go name, which the API ignores.
func TestGroupTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url", reflect.TypeFor[apono.ListGroupsOptions](), reflect.TypeFor[apono.ListGroupMembersOptions]())
	apitest.Tagged(t, "json", reflect.TypeFor[apono.Group](), reflect.TypeFor[apono.GroupMember](), reflect.TypeFor[apono.CreateGroupInput]())
}
