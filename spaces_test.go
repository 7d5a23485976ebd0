package apono_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

const spacesPath = "/api/admin/v1/spaces"

// payments returns the object in spaces/full.json.
func payments() *apono.Space {
	return &apono.Space{
		ID: "9b1de9c2-70c7-4c1b-9a57-5d1c0f4be501", Name: "Payments & <co>",
		SpaceScopes: []apono.SpaceScope{paymentsSpaceScope(), allSpaceScope()},
		CreatedDate: time.Date(2026, 11, 7, 8, 9, 10, 5e8, time.UTC), UpdatedDate: time.Date(2026, 11, 8, 9, 10, 11, 0, time.UTC),
	}
}

// emptySpace returns the object in spaces/minimal.json.
func emptySpace() *apono.Space {
	at := time.Date(2026, 11, 7, 8, 9, 10, 0, time.UTC)
	return &apono.Space{ID: "space-2", Name: "Nil", SpaceScopes: []apono.SpaceScope{}, CreatedDate: at, UpdatedDate: at}
}

// spaceUser and spaceGroup return the objects in spaces/user.json and spaces/group.json.
func spaceUser() *apono.SpaceMember {
	return &apono.SpaceMember{
		IdentityID: "user-1", IdentityType: apono.SpaceIdentityTypeUser, Name: "Ada Lovelace", Email: new("ada@example.com"),
		SpaceRoles: []apono.SpaceRole{apono.SpaceRoleOwner, apono.SpaceRoleManager},
	}
}

func spaceGroup() *apono.SpaceMember {
	return &apono.SpaceMember{
		IdentityID: "group-1", IdentityType: apono.SpaceIdentityTypeGroup, Name: "On call", SpaceRoles: []apono.SpaceRole{"SpaceAuditor"},
	}
}

func TestListSpaces(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: `{"items": [` + apitest.Fixture(t, "spaces/full.json") + `,` + apitest.Fixture(t, "spaces/minimal.json") + `], "pagination": {"next_page_token": "t2"}}`},
		script.Response{Body: `{"items": [], "pagination": {}}`})
	client := apitest.NewClient(t, fake)
	page, err := client.Spaces.List(t.Context(), apono.ListSpacesOptions{Limit: 2, Name: "*a b&*"})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.Space]{Items: []*apono.Space{payments(), emptySpace()}, NextPageToken: "t2"}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", spacesPath, "limit=2&name=%2Aa+b%26%2A", "")
	page, err = client.Spaces.List(t.Context(), apono.ListSpacesOptions{Limit: 2, Name: "*a b&*", PageToken: page.NextPageToken})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.Space]{Items: []*apono.Space{}}, page)
	apitest.Sent(t, fake.Requests()[1], "GET", spacesPath, "limit=2&page_token=t2", "")
}

// The name of a space can be used in place of its id, and must be escaped.
func TestSpacesAreReadAndWritten(t *testing.T) {
	t.Parallel()
	type service = apono.SpacesService
	for _, c := range []struct {
		name               string
		call               func(context.Context, *service) (*apono.Space, error)
		method, path, body string
	}{
		{
			"Get", func(ctx context.Context, s *service) (*apono.Space, error) { return s.Get(ctx, "Payments / <co>?") },
			"GET", "/Payments%20%2F%20%3Cco%3E%3F", "",
		},
		{
			"Create", func(ctx context.Context, s *service) (*apono.Space, error) {
				return s.Create(ctx, apono.CreateSpaceInput{
					Name: "Payments & <co>", SpaceScopeReferences: []string{"space-scope-2", "Payments / resources"},
					Members: []apono.SpaceMemberInput{
						{IdentityReference: "ada@example.com", IdentityType: apono.SpaceIdentityTypeUser, SpaceRoles: []apono.SpaceRole{apono.SpaceRoleOwner}},
						{IdentityReference: "On call", IdentityType: apono.SpaceIdentityTypeGroup},
					},
				})
			},
			"POST", "", `{"name": "Payments & <co>", "space_scope_references": ["space-scope-2", "Payments / resources"], "members": [
				{"identity_reference": "ada@example.com", "identity_type": "user", "space_roles": ["SpaceOwner"]},
				{"identity_reference": "On call", "identity_type": "group", "space_roles": []}
			]}`,
		},
		{
			"Create with zero input", func(ctx context.Context, s *service) (*apono.Space, error) {
				return s.Create(ctx, apono.CreateSpaceInput{Name: "Nil"})
			},
			"POST", "", `{"name": "Nil", "space_scope_references": []}`,
		},
		{
			"Create with empty members", func(ctx context.Context, s *service) (*apono.Space, error) {
				return s.Create(ctx, apono.CreateSpaceInput{Name: "Nil", Members: []apono.SpaceMemberInput{}})
			},
			"POST", "", `{"name": "Nil", "space_scope_references": [], "members": []}`,
		},
		{
			"Update", func(ctx context.Context, s *service) (*apono.Space, error) {
				return s.Update(ctx, "Payments / <co>?", apono.UpdateSpaceInput{Name: "Renamed", SpaceScopeReferences: []string{"All"}})
			},
			"PUT", "/Payments%20%2F%20%3Cco%3E%3F", `{"name": "Renamed", "space_scope_references": ["All"]}`,
		},
		{
			"Update with zero input", func(ctx context.Context, s *service) (*apono.Space, error) {
				return s.Update(ctx, "space-2", apono.UpdateSpaceInput{Name: "Nil"})
			},
			"PUT", "/space-2", `{"name": "Nil", "space_scope_references": []}`,
		},
		{
			"Update with UpdateInput", func(ctx context.Context, s *service) (*apono.Space, error) {
				return s.Update(ctx, payments().ID, payments().UpdateInput())
			},
			"PUT", "/9b1de9c2-70c7-4c1b-9a57-5d1c0f4be501",
			`{"name": "Payments & <co>", "space_scope_references": ["3f0f4c1e-2d57-4a3f-8a51-0c9c6b1f7d01", "space-scope-2"]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: apitest.Fixture(t, "spaces/full.json")})
			got, err := c.call(t.Context(), apitest.NewClient(t, fake).Spaces)
			require.NoError(t, err)
			require.Equal(t, payments(), got)
			apitest.Sent(t, fake.Requests()[0], c.method, spacesPath+c.path, "", c.body)
		})
	}
}

func TestListSpaceMembers(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{
		Body: `{"items": [` + apitest.Fixture(t, "spaces/user.json") + `,` + apitest.Fixture(t, "spaces/group.json") + `], "pagination": {"next_page_token": "t2"}}`,
	}, script.Response{Body: `{"items": [], "pagination": {}}`})
	client := apitest.NewClient(t, fake)
	page, err := client.Spaces.ListMembers(t.Context(), "My space", apono.ListSpaceMembersOptions{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.SpaceMember]{Items: []*apono.SpaceMember{spaceUser(), spaceGroup()}, NextPageToken: "t2"}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", spacesPath+"/My%20space/members", "limit=2", "")
	page, err = client.Spaces.ListMembers(t.Context(), "My space", apono.ListSpaceMembersOptions{Limit: 2, PageToken: "t2"})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.SpaceMember]{Items: []*apono.SpaceMember{}}, page)
	apitest.Sent(t, fake.Requests()[1], "GET", spacesPath+"/My%20space/members", "limit=2&page_token=t2", "")
}

// SetMembers returns only the first page of the new members.
func TestSetSpaceMembers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		members []apono.SpaceMemberInput
		body    string
	}{
		"several": {
			[]apono.SpaceMemberInput{
				{IdentityReference: "ada@example.com", IdentityType: "user", SpaceRoles: []apono.SpaceRole{"SpaceOwner", "SpaceManager"}},
				{IdentityReference: "group-1", IdentityType: "robot", SpaceRoles: []apono.SpaceRole{"SpaceAuditor"}},
			},
			`{"members": [
				{"identity_reference": "ada@example.com", "identity_type": "user", "space_roles": ["SpaceOwner", "SpaceManager"]},
				{"identity_reference": "group-1", "identity_type": "robot", "space_roles": ["SpaceAuditor"]}
			]}`,
		},
		"empty slice": {[]apono.SpaceMemberInput{}, `{"members": []}`},
		"nil slice":   {nil, `{"members": []}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: `{"items": [` + apitest.Fixture(t, "spaces/user.json") + `], "pagination": {"next_page_token": "t2"}}`})
			page, err := apitest.NewClient(t, fake).Spaces.SetMembers(t.Context(), "a/b", test.members)
			require.NoError(t, err)
			require.Equal(t, &apono.Page[apono.SpaceMember]{Items: []*apono.SpaceMember{spaceUser()}, NextPageToken: "t2"}, page)
			apitest.Sent(t, fake.Requests()[0], "PUT", spacesPath+"/a%2Fb/members", "", test.body)
		})
	}
}

func TestSetSpaceMembersWithoutPageIsDecodeError(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `null`, ``, `[]`, `{"items": [null], "pagination": {}}`} {
		page, err := apitest.NewClient(t, script.New(t, script.Response{Body: body})).Spaces.SetMembers(t.Context(), "s", nil)
		require.Nilf(t, page, "expected no page for %s", body)
		require.ErrorAs(t, err, new(*apono.DecodeError))
	}
}

func TestSetAndRemoveSpaceMember(t *testing.T) {
	t.Parallel()
	const member = `"a b"?c#d%2F/ü@example.com`
	const path = spacesPath + "/My%20space/members/%22a%20b%22%3Fc%23d%252F%2F%C3%BC@example.com"
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "spaces/user.json")}, script.Response{Body: apitest.Fixture(t, "spaces/group.json")}, script.Response{Status: 204})
	client := apitest.NewClient(t, fake).Spaces
	got, err := client.SetMember(t.Context(), "My space", member, apono.SpaceMemberRolesInput{
		IdentityType: apono.SpaceIdentityTypeUser, SpaceRoles: []apono.SpaceRole{apono.SpaceRoleManager},
	})
	require.NoError(t, err)
	require.Equal(t, spaceUser(), got)
	got, err = client.SetMember(t.Context(), "My space", "group-1", apono.SpaceMemberRolesInput{IdentityType: "robot"})
	require.NoError(t, err)
	require.Equal(t, spaceGroup(), got)
	require.NoError(t, client.RemoveMember(t.Context(), "My space", member))
	apitest.Sent(t, fake.Requests()[0], "PUT", path, "", `{"identity_type": "user", "space_roles": ["SpaceManager"]}`)
	apitest.Sent(t, fake.Requests()[1], "PUT", spacesPath+"/My%20space/members/group-1", "", `{"identity_type": "robot", "space_roles": []}`)
	apitest.Sent(t, fake.Requests()[2], "DELETE", path, "", "")
}

// After an attempt that may have been processed, a 404 counts as success.
func TestDeletionInSpacesWithNotFoundAfterRetrySucceeds(t *testing.T) {
	t.Parallel()
	for path, remove := range map[string]func(context.Context, *apono.Client) error{
		spacesPath + "/s":              func(ctx context.Context, c *apono.Client) error { return c.Spaces.Delete(ctx, "s") },
		spacesPath + "/s/members/m":    func(ctx context.Context, c *apono.Client) error { return c.Spaces.RemoveMember(ctx, "s", "m") },
		"/api/admin/v1/space-scopes/s": func(ctx context.Context, c *apono.Client) error { return c.SpaceScopes.Delete(ctx, "s") },
	} {
		synctest.Test(t, func(t *testing.T) {
			fake := script.New(t, script.Response{Status: 503}, script.Response{Status: 404, Body: `{"message":"not found"}`}, script.Response{Status: 404})
			client := apitest.NewClient(t, fake)
			require.NoError(t, remove(t.Context(), client))
			require.ErrorIs(t, remove(t.Context(), client), apono.ErrNotFound)
			for _, request := range fake.Requests() {
				apitest.Sent(t, request, "DELETE", path, "", "")
			}
		})
	}
}

// An empty argument or two dots would address all members or all spaces.
func TestInvalidPathArgumentOfSpacesIsArgumentError(t *testing.T) {
	t.Parallel()
	client, ctx := apitest.NewClient(t, apitest.NoRequest(t)), t.Context()
	roles := apono.SpaceMemberRolesInput{IdentityType: "user"}
	first := func(_ any, err error) error { return err }
	for _, none := range []string{"", ".", "..", "a\nb"} {
		for want, failures := range map[string][]error{
			"id": {
				first(client.Spaces.Get(ctx, none)), first(client.Spaces.Update(ctx, none, apono.UpdateSpaceInput{Name: "abc"})), client.Spaces.Delete(ctx, none),
				first(client.Spaces.ListMembers(ctx, none)), first(client.Spaces.SetMembers(ctx, none, nil)), first(client.Spaces.SetMember(ctx, none, "m", roles)),
				client.Spaces.RemoveMember(ctx, none, "m"), first(apono.Collect(client.Spaces.ListAllMembers(ctx, none))),
			},
			"identity_reference": {first(client.Spaces.SetMember(ctx, "s", none, roles)), client.Spaces.RemoveMember(ctx, "s", none)},
		} {
			for _, err := range failures {
				require.Equal(t, want, apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
			}
		}
	}
}

func TestInvalidSpaceInputsAreArgumentErrors(t *testing.T) {
	t.Parallel()
	client, ctx := apitest.NewClient(t, apitest.NoRequest(t)).Spaces, t.Context()
	create := func(in apono.CreateSpaceInput) error { _, err := client.Create(ctx, in); return err }
	update := func(in apono.UpdateSpaceInput) error { _, err := client.Update(ctx, "s", in); return err }
	ada := apono.SpaceMemberInput{IdentityReference: "ada@example.com", IdentityType: "user"}
	set := func(members ...apono.SpaceMemberInput) error {
		_, err := client.SetMembers(ctx, "s", members)
		return err
	}
	for _, test := range []struct {
		err  error
		want string
	}{
		{create(apono.CreateSpaceInput{}), "in.Name: must have 3 to 64 characters, not 0"},
		{create(apono.CreateSpaceInput{Name: "éé"}), "in.Name: must have 3 to 64 characters, not 2"},
		{create(apono.CreateSpaceInput{Name: strings.Repeat("a", 65)}), "in.Name: must have 3 to 64 characters, not 65"},
		{update(apono.UpdateSpaceInput{Name: "ab"}), "in.Name: must have 3 to 64 characters, not 2"},
		{update(apono.UpdateSpaceInput{Name: strings.Repeat("é", 65)}), "in.Name: must have 3 to 64 characters, not 65"},
		{create(apono.CreateSpaceInput{Name: "abc", SpaceScopeReferences: []string{"a", ""}}), "in.SpaceScopeReferences[1]: must not be empty"},
		{update(apono.UpdateSpaceInput{Name: "abc", SpaceScopeReferences: []string{""}}), "in.SpaceScopeReferences[0]: must not be empty"},
		{create(apono.CreateSpaceInput{Name: "abc", Members: []apono.SpaceMemberInput{ada, {IdentityType: "user"}}}), "in.Members[1].IdentityReference: must not be empty"},
		{create(apono.CreateSpaceInput{Name: "abc", Members: []apono.SpaceMemberInput{{IdentityReference: "a"}}}), "in.Members[0].IdentityType: must not be empty"},
		{set(ada, apono.SpaceMemberInput{IdentityType: "group"}), "members[1].IdentityReference: must not be empty"},
		{set(apono.SpaceMemberInput{IdentityReference: "a"}), "members[0].IdentityType: must not be empty"},
		{func() error {
			_, err := client.SetMember(ctx, "s", "a", apono.SpaceMemberRolesInput{SpaceRoles: []apono.SpaceRole{"SpaceOwner"}})
			return err
		}(), "in.IdentityType: must not be empty"},
	} {
		require.EqualError(t, apitest.ErrorAs[*apono.ArgumentError](t, test.err), "apono: argument "+test.want)
	}
}

// The length of a name is limited in characters, not in bytes.
func TestSpaceNameLengthIsInCharacters(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"abc", "日本語", strings.Repeat("a", 64), strings.Repeat("語", 64)} {
		fake := script.New(t, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject})
		client := apitest.NewClient(t, fake).Spaces
		_, err := client.Create(t.Context(), apono.CreateSpaceInput{Name: name})
		require.NoError(t, err)
		_, err = client.Update(t.Context(), "s", apono.UpdateSpaceInput{Name: name})
		require.NoError(t, err)
		for _, request := range fake.Requests() {
			apitest.JSONEq(t, `{"name": "`+name+`", "space_scope_references": []}`, request.Body)
		}
	}
}

// creators create each type of object that can be in a space.
var creators = map[string]struct {
	create func(context.Context, *apono.Client, ...apono.SpaceOptions) error
	body   string
}{
	"/api/admin/v2/access-flows": {func(ctx context.Context, c *apono.Client, opts ...apono.SpaceOptions) error {
		_, err := c.AccessFlows.Create(ctx, apono.AccessFlowInput{}, opts...)
		return err
	}, `{` + accessFlowRest + `, "requestors": {"logical_operator": "", "conditions": []}, "access_targets": [], "request_for_others": false}`},
	"/api/admin/v2/bundles": {func(ctx context.Context, c *apono.Client, opts ...apono.SpaceOptions) error {
		_, err := c.Bundles.Create(ctx, apono.BundleInput{}, opts...)
		return err
	}, `{"name": "", "access_targets": []}`},
	"/api/admin/v1/access-scopes": {func(ctx context.Context, c *apono.Client, opts ...apono.SpaceOptions) error {
		_, err := c.Scopes.Create(ctx, apono.AccessScopeInput{}, opts...)
		return err
	}, `{"name": "", "query": ""}`},
}

// The space is a query parameter. In the body the API would ignore it.
func TestObjectsAreCreatedInSpace(t *testing.T) {
	t.Parallel()
	for path, object := range creators {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject})
			client := apitest.NewClient(t, fake)
			require.NoError(t, object.create(t.Context(), client))
			require.NoError(t, object.create(t.Context(), client, apono.SpaceOptions{}))
			require.NoError(t, object.create(t.Context(), client, apono.SpaceOptions{SpaceReference: "My & space"}))
			for i, query := range []string{"", "", "space_reference=My+%26+space"} {
				apitest.Sent(t, fake.Requests()[i], "POST", path, query, object.body)
			}
		})
	}
}

func TestSeveralCreateOptionsAreArgumentError(t *testing.T) {
	t.Parallel()
	client := apitest.NewClient(t, apitest.NoRequest(t))
	for _, object := range creators {
		err := object.create(t.Context(), client, apono.SpaceOptions{}, apono.SpaceOptions{SpaceReference: "s"})
		require.EqualError(t, apitest.ErrorAs[*apono.ArgumentError](t, err), "apono: argument opts: must be one value at most, not 2")
	}
}

func TestCreateInSpaceIsNotRetried(t *testing.T) {
	t.Parallel()
	for _, object := range creators {
		fake := script.New(t, script.Response{Status: 503})
		require.ErrorIs(t, object.create(t.Context(), apitest.NewClient(t, fake), apono.SpaceOptions{SpaceReference: "s"}), apono.ErrServer)
	}
}

// The server would truncate a longer query.
func TestQueryTargetLimit(t *testing.T) {
	t.Parallel()
	long, tooLong := &apono.QueryTarget{Query: strings.Repeat("ü", 4096)}, &apono.QueryTarget{Query: strings.Repeat("ü", 4096) + "a"}
	want := apono.ArgumentError{Arg: "in.AccessTargets[1].QueryTarget.Query", Reason: "must have at most 8192 bytes, not 8193"}
	accessFlowSuite.rejects(t, apono.AccessFlowInput{AccessTargets: []apono.AccessTargetInput{{QueryTarget: long}, {QueryTarget: tooLong}}}, want)
	bundleSuite.rejects(t, apono.BundleInput{AccessTargets: []apono.BundleTargetInput{{QueryTarget: long}, {QueryTarget: tooLong}}}, want)
	bundleSuite.sends(t, apono.BundleInput{AccessTargets: []apono.BundleTargetInput{{QueryTarget: long}}},
		`{"name": "", "access_targets": [{"query_target": {"query": "`+long.Query+`"}}]}`)
}

// Older servers do not send the type. It must stay absent in the JSON of the flow.
func TestAccessFlowWithoutRequestorIdentityTypeIsForHumans(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "accessflows/minimal.json")}, script.Response{Body: apitest.AnyObject})
	client := apitest.NewClient(t, fake).AccessFlows
	flow, err := client.Get(t.Context(), "f")
	require.NoError(t, err)
	require.Empty(t, flow.RequestorIdentityType)
	data, err := json.Marshal(flow)
	require.NoError(t, err)
	require.NotContains(t, string(data), "requestor_identity_type")
	require.NotContains(t, string(data), "space")
	_, err = client.Update(t.Context(), "f", flow.UpdateInput())
	require.NoError(t, err)
	require.Contains(t, fake.Requests()[1].Body, `"requestor_identity_type":"HUMAN"`)
}

// An update must not change a flow for agents to one for people.
func TestAccessFlowUpdateKeepsRequestorIdentityType(t *testing.T) {
	t.Parallel()
	for _, identity := range []string{"AGENT", "HUMAN", "ROBOT"} {
		body := accessFlowSuite.updated(t, `{"requestor_identity_type": "`+identity+`"}`, func(in *apono.AccessFlowInput) { in.Name = "Renamed" })
		require.Contains(t, body, `"requestor_identity_type":"`+identity+`"`)
		require.Contains(t, body, `"name":"Renamed"`)
	}
}

// An object cannot change its space, and the API may reject an update with one.
func TestUpdateDoesNotSendSpace(t *testing.T) {
	t.Parallel()
	const space = `"space": {"space_id": "s1", "space_name": "Team", "color": "red"}, "future": {"space": 1}`
	for name, body := range map[string]string{
		"flow":   accessFlowSuite.updated(t, `{`+space+`}`, nil),
		"bundle": bundleSuite.updated(t, `{`+space+`}`, nil),
		"scope":  scopeSuite.updated(t, `{`+space+`}`, nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent map[string]any
			require.NoError(t, json.Unmarshal([]byte(body), &sent))
			require.Nilf(t, sent["space"], "expected the unknown member and no space, got %s", body)
			require.NotNilf(t, sent["future"], "expected the unknown member and no space, got %s", body)
		})
	}
}

// The input must not share memory with the object.
func TestEditingUpdateInputDoesNotChangeSpace(t *testing.T) {
	t.Parallel()
	space := payments()
	in := space.UpdateInput()
	require.Equal(t, apono.UpdateSpaceInput{
		Name: "Payments & <co>", SpaceScopeReferences: []string{"3f0f4c1e-2d57-4a3f-8a51-0c9c6b1f7d01", "space-scope-2"},
	}, in)
	accessOverwrite(reflect.ValueOf(&in).Elem())
	require.Equal(t, "edited", in.SpaceScopeReferences[0])
	require.Equal(t, payments(), space)
}

func TestSpaceTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url", reflect.TypeFor[apono.ListSpacesOptions](), reflect.TypeFor[apono.ListSpaceMembersOptions](), reflect.TypeFor[apono.SpaceOptions]())
	apitest.Tagged(t, "json", reflect.TypeFor[apono.Space](), reflect.TypeFor[apono.SpaceReference](), reflect.TypeFor[apono.SpaceMember](),
		reflect.TypeFor[apono.CreateSpaceInput](), reflect.TypeFor[apono.UpdateSpaceInput](), reflect.TypeFor[apono.SpaceMemberInput](),
		reflect.TypeFor[apono.SpaceMemberRolesInput]())
}
