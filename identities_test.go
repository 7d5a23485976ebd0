package apono_test

import (
	"context"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

const bulkAttributesPath = "/api/v2/bulk/identities/attributes"

func TestListIdentities(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "identities/identities.json")})
	page, err := apitest.NewClient(t, fake).Identities.List(t.Context(), apono.ListIdentitiesOptions{Limit: 4, Skip: 8})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.Identity]{
		Items: []*apono.Identity{
			{Type: apono.IdentityTypeUser, Name: "Ada Lovelace", ID: "user-1"},
			{Type: apono.IdentityTypeGroup, Name: "On call", ID: "group-2"},
			{Type: apono.IdentityTypeContextAttribute, Name: "engines", ID: "team:engines"},
			{Type: "EXTERNAL_EMAIL", ID: "ada@example.org"},
		},
		Total: 12, Limit: 4, Offset: 8,
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v2/identities", "limit=4&skip=8", "")
}

func TestListIdentityAttributes(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "identities/attributes.json")})
	page, err := apitest.NewClient(t, fake).Identities.ListAttributes(t.Context(), apono.ListIdentityAttributesOptions{
		Limit: 2, Skip: 4, Emails: []string{"ada@example.com", "ben+on/call@example.com"},
	})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.IdentityAttributes]{
		Items: []*apono.IdentityAttributes{
			{Email: "ada@example.com", Attributes: map[string]string{"team": "engines", "shift": ""}},
			{Email: "ben@example.com", Attributes: map[string]string{}},
		},
		Total: 6, Limit: 2, Offset: 4,
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", bulkAttributesPath, "emails=ada%40example.com&emails=ben%2Bon%2Fcall%40example.com&limit=2&skip=4", "")
}

// bulkCalls are the two bulk calls with one identity each.
var bulkCalls = map[string]func(context.Context, *apono.Client) (*apono.IdentityAttributesResult, error){
	http.MethodPut: func(ctx context.Context, c *apono.Client) (*apono.IdentityAttributesResult, error) {
		return c.Identities.UpsertAttributes(ctx, []apono.IdentityAttributes{{Email: "ada@example.com", Attributes: map[string]string{"team": "looms"}}})
	},
	http.MethodDelete: func(ctx context.Context, c *apono.Client) (*apono.IdentityAttributesResult, error) {
		return c.Identities.DeleteAttributes(ctx, []apono.IdentityAttributeKeys{{Email: "ada@example.com", AttributeTypes: []string{"team"}}})
	},
}

// bulkBodies are the bodies that bulkCalls send.
var bulkBodies = map[string]string{
	http.MethodPut:    `[{"email": "ada@example.com", "attributes": {"team": "looms"}}]`,
	http.MethodDelete: `[{"email": "ada@example.com", "attribute_types": ["team"]}]`,
}

// The body is an array, also of DELETE. The API rejects null for lists and maps.
func TestBulkAttributesAreSentAsArray(t *testing.T) {
	t.Parallel()
	type service = apono.IdentitiesService
	upsert := func(in []apono.IdentityAttributes) func(context.Context, *service) (*apono.IdentityAttributesResult, error) {
		return func(ctx context.Context, s *service) (*apono.IdentityAttributesResult, error) {
			return s.UpsertAttributes(ctx, in)
		}
	}
	remove := func(in []apono.IdentityAttributeKeys) func(context.Context, *service) (*apono.IdentityAttributesResult, error) {
		return func(ctx context.Context, s *service) (*apono.IdentityAttributesResult, error) {
			return s.DeleteAttributes(ctx, in)
		}
	}
	for _, c := range []struct {
		name         string
		call         func(context.Context, *service) (*apono.IdentityAttributesResult, error)
		method, body string
	}{
		{
			"upsert", upsert([]apono.IdentityAttributes{
				{Email: "ben@example.com", Attributes: map[string]string{"team": "<looms>", "shift": ""}},
				{Email: "ada@example.com", Attributes: map[string]string{}}, {},
			}),
			"PUT", `[
				{"email": "ben@example.com", "attributes": {"team": "<looms>", "shift": ""}},
				{"email": "ada@example.com", "attributes": {}}, {"email": "", "attributes": {}}
			]`,
		},
		{"upsert of nil", upsert(nil), "PUT", `[]`},
		{"upsert of an empty slice", upsert([]apono.IdentityAttributes{}), "PUT", `[]`},
		{
			"delete", remove([]apono.IdentityAttributeKeys{
				{Email: "ben@example.com", AttributeTypes: []string{"team", "shift"}},
				{Email: "ada@example.com", AttributeTypes: []string{}}, {},
			}),
			"DELETE", `[
				{"email": "ben@example.com", "attribute_types": ["team", "shift"]},
				{"email": "ada@example.com", "attribute_types": []}, {"email": "", "attribute_types": []}
			]`,
		},
		{"delete of nil", remove(nil), "DELETE", `[]`},
		{"delete of an empty slice", remove([]apono.IdentityAttributeKeys{}), "DELETE", `[]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: apitest.Fixture(t, "identities/result.json")})
			got, err := c.call(t.Context(), apitest.NewClient(t, fake).Identities)
			require.NoError(t, err)
			require.Equal(t, &apono.IdentityAttributesResult{
				Summary: apono.IdentityAttributesSummary{Total: 2, Succeeded: 2},
				Results: []apono.IdentityResult{
					{Email: "ada@example.com", Success: true, Errors: []apono.IdentityResultError{}},
					{Email: "ben@example.com", Success: true, Errors: []apono.IdentityResultError{}},
				},
			}, got)
			apitest.Sent(t, fake.Requests()[0], c.method, bulkAttributesPath, "", c.body)
		})
	}
}

// The status is 200 even if the server rejects every item, so the method returns both a
// result and an error.
func TestRejectedItemsOfBulkCallAreBulkError(t *testing.T) {
	t.Parallel()
	rejected := apono.IdentityResult{
		Email: "nobody@example.com",
		Errors: []apono.IdentityResultError{
			{ErrorCode: "IDENTITY_NOT_FOUND", ErrorDetails: "there is no identity nobody@example.com"}, {ErrorCode: "SECOND", ErrorDetails: "more"},
		},
	}
	done := apono.IdentityResult{Email: "ada@example.com", Success: true, Errors: []apono.IdentityResultError{}}
	plain := apono.IdentityResult{Email: "ben@example.com"}
	for _, c := range []struct {
		name, response string
		result         apono.IdentityAttributesResult
		err            *apono.BulkError
		text           string
	}{
		{
			"some items rejected", apitest.Fixture(t, "identities/result_failed.json"),
			apono.IdentityAttributesResult{
				Summary: apono.IdentityAttributesSummary{Total: 3, Succeeded: 1, Failed: 2},
				Results: []apono.IdentityResult{rejected, done, {Email: "ben@example.com", Errors: []apono.IdentityResultError{}}},
			},
			&apono.BulkError{Total: 3, Failed: []apono.IdentityResult{rejected, {Email: "ben@example.com", Errors: []apono.IdentityResultError{}}}},
			"apono: 2 of 3 items were rejected, the first with IDENTITY_NOT_FOUND: there is no identity [e-mail]",
		},
		{
			"summary counts no failures", `{"summary": {"total": 1, "succeeded": 1, "failed": 0}, "results": [{"email": "ben@example.com", "success": false}]}`,
			apono.IdentityAttributesResult{
				Summary: apono.IdentityAttributesSummary{Total: 1, Succeeded: 1}, Results: []apono.IdentityResult{plain},
			},
			&apono.BulkError{Total: 1, Failed: []apono.IdentityResult{plain}},
			"apono: 1 of 1 items were rejected",
		},
		{
			"no summary", `{"results": [{"email": "ben@example.com"}]}`,
			apono.IdentityAttributesResult{Results: []apono.IdentityResult{plain}},
			&apono.BulkError{Total: 1, Failed: []apono.IdentityResult{plain}},
			"apono: 1 of 1 items were rejected",
		},
		{
			"failures only in summary",
			`{"summary": {"total": 2, "succeeded": 1, "failed": 1}, "results": [{"email": "ada@example.com", "success": true, "errors": []}]}`,
			apono.IdentityAttributesResult{
				Summary: apono.IdentityAttributesSummary{Total: 2, Succeeded: 1, Failed: 1}, Results: []apono.IdentityResult{done},
			},
			&apono.BulkError{Total: 2},
			"apono: some of 2 items were rejected; the server does not list them",
		},
	} {
		for method, call := range bulkCalls {
			t.Run(c.name+", "+method, func(t *testing.T) {
				t.Parallel()
				got, err := call(t.Context(), apitest.NewClient(t, script.New(t, script.Response{Body: c.response})))
				require.Equal(t, &c.result, got)
				require.Equal(t, c.err, apitest.ErrorAs[*apono.BulkError](t, err))
				require.EqualError(t, err, c.text)
			})
		}
	}
}

func TestBulkErrorTextMasksIdentities(t *testing.T) {
	t.Parallel()
	for details, want := range map[string]string{
		`no "Ada L"@example.com, says boss@example.com`: "apono: 1 of 7 items were rejected, the first with E: no [e-mail], says [e-mail]",
		"line\nbreak": "apono: 1 of 7 items were rejected, the first with E: line break",
		"":            "apono: 1 of 7 items were rejected, the first with E",
	} {
		err := &apono.BulkError{Total: 7, Failed: []apono.IdentityResult{
			{Email: `"Ada L"@example.com`, Errors: []apono.IdentityResultError{{ErrorCode: "E", ErrorDetails: details}}},
		}}
		require.EqualError(t, err, want)
	}
	nameless := &apono.BulkError{Total: 1, Failed: []apono.IdentityResult{{Errors: []apono.IdentityResultError{{}, {ErrorDetails: "no e-mail"}}}}}
	require.EqualError(t, nameless, "apono: 1 of 1 items were rejected, the first with no e-mail")
	require.EqualError(t, (&apono.BulkError{}), "apono: some of 0 items were rejected; the server does not list them")
}

// A 404 on the retry of a bulk call is an error, because the results of the items are
// unknown.
func TestBulkDeleteWithNotFoundAfterRetryIsError(t *testing.T) {
	t.Parallel()
	for _, first := range []script.Response{{Status: 504}, {Err: apitest.ErrReset}} {
		synctest.Test(t, func(t *testing.T) {
			fake := script.New(t, first, script.Response{Status: 404, Body: `{"message": "gone"}`})
			got, err := bulkCalls[http.MethodDelete](t.Context(), apitest.NewClient(t, fake))
			require.Nil(t, got)
			require.ErrorIs(t, err, apono.ErrNotFound)
			require.Equal(t, 2, apitest.ErrorAs[*apono.APIError](t, err).Attempts)
		})
	}
}

func TestBulkBodyIsTheSameOnEveryAttempt(t *testing.T) {
	t.Parallel()
	for method, call := range bulkCalls {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, script.Response{Status: 503}, script.Response{Err: apitest.ErrReset}, script.Response{Body: apitest.Fixture(t, "identities/result.json")})
				_, err := call(t.Context(), apitest.NewClient(t, fake))
				require.NoError(t, err)
				for _, req := range fake.Requests() {
					apitest.Sent(t, req, method, bulkAttributesPath, "", bulkBodies[method])
				}
			})
		})
	}
}

// A response without results must not look like success.
func TestBulkResponseWithoutResultIsDecodeError(t *testing.T) {
	t.Parallel()
	for _, response := range []script.Response{{Status: 204}, {Body: "null"}, {Body: `[]`}, {Body: `{"results": {}}`}, {Body: "<html>"}} {
		for method, call := range bulkCalls {
			t.Run(method+" "+response.Body, func(t *testing.T) {
				t.Parallel()
				got, err := call(t.Context(), apitest.NewClient(t, script.New(t, response)))
				require.Nil(t, got)
				require.ErrorAs(t, err, new(*apono.DecodeError))
			})
		}
	}
}

func TestListAllOfIdentitiesConnectorsAndActivityReadsAllPages(t *testing.T) {
	t.Parallel()
	tokens := []string{apitest.TokenPage("t2", "a", "b"), apitest.TokenPage("", "c")}
	offsets := []string{apitest.OffsetPage(3, 2, 0, "a", "b"), apitest.OffsetPage(3, 2, 2, "c")}
	for _, c := range []struct {
		path  string
		pages []string
		query string // of the second page
		list  func(context.Context, *apono.Client) ([]string, error)
	}{
		{"/api/admin/v3/users", tokens, "page_token=t2", func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.Users.ListAll(ctx), func(u *apono.User) string { return u.ID })
		}},
		{"/api/admin/v1/groups", tokens, "page_token=t2", func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.Groups.ListAll(ctx), func(g *apono.Group) string { return g.ID })
		}},
		{
			"/api/admin/v1/groups/g1/members",
			[]string{
				`{"items": [{"email": "a"}, {"email": "b"}], "pagination": {"next_page_token": "t2"}}`,
				`{"items": [{"email": "c"}], "pagination": {"next_page_token": ""}}`,
			},
			"page_token=t2",
			func(ctx context.Context, c *apono.Client) ([]string, error) {
				return apitest.Names(c.Groups.ListAllMembers(ctx, "g1"), func(m *apono.GroupMember) string { return m.Email })
			},
		},
		{"/api/admin/v3/connectors", tokens, "page_token=t2", func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.Connectors.ListAll(ctx), func(c *apono.Connector) string { return c.ID })
		}},
		{
			"/api/admin/v1/attributes",
			[]string{
				`{"items": [{"type": "team", "value": "a"}, {"type": "team", "value": "b"}], "pagination": {"next_page_token": "t2"}}`,
				`{"items": [{"type": "team", "value": "c"}], "pagination": {"next_page_token": null}}`,
			},
			"page_token=t2",
			func(ctx context.Context, c *apono.Client) ([]string, error) {
				return apitest.Names(c.Attributes.ListAll(ctx), func(a *apono.Attribute) string { return a.Value })
			},
		},
		{"/api/v2/identities", offsets, "skip=2", func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.Identities.ListAll(ctx), func(i *apono.Identity) string { return i.ID })
		}},
		{
			bulkAttributesPath,
			[]string{
				`{"data": [{"email": "a"}, {"email": "b"}], "pagination": {"total": 3, "limit": 2, "offset": 0}}`,
				`{"data": [{"email": "c"}], "pagination": {"total": 3, "limit": 2, "offset": 2}}`,
			},
			"skip=2",
			func(ctx context.Context, c *apono.Client) ([]string, error) {
				return apitest.Names(c.Identities.ListAllAttributes(ctx), func(a *apono.IdentityAttributes) string { return a.Email })
			},
		},
		{
			activityPath,
			[]string{
				`{"data": [{"request_id": "a"}, {"request_id": "b"}], "pagination": {"total": 3, "limit": 2, "offset": 0}}`,
				`{"data": [{"request_id": "c"}], "pagination": {"total": 3, "limit": 2, "offset": 2}}`,
			},
			"skip=2",
			func(ctx context.Context, c *apono.Client) ([]string, error) {
				return apitest.Names(c.Activity.ListAll(ctx), func(e *apono.ActivityEntry) string { return *e.RequestID })
			},
		},
	} {
		t.Run(c.path, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: c.pages[0]}, script.Response{Body: c.pages[1]})
			got, err := c.list(t.Context(), apitest.NewClient(t, fake))
			require.NoError(t, err)
			require.Equal(t, []string{"a", "b", "c"}, got)
			apitest.Sent(t, fake.Requests()[0], "GET", c.path, "", "")
			apitest.Sent(t, fake.Requests()[1], "GET", c.path, c.query, "")
		})
	}
}

// No token keeps the filters of a list by offset, so they must be sent for every page.
func TestListAllOffsetSendsFiltersForEveryPage(t *testing.T) {
	t.Parallel()
	for path, c := range map[string]struct {
		query string
		list  func(context.Context, *apono.Client) error
	}{
		bulkAttributesPath: {"emails=a&emails=b", func(ctx context.Context, c *apono.Client) error {
			_, err := apono.Collect(c.Identities.ListAllAttributes(ctx, apono.ListIdentityAttributesOptions{Emails: []string{"a", "b"}}))
			return err
		}},
		activityPath: {"fields=status&filter%5Bstatus%5D=Active", func(ctx context.Context, c *apono.Client) error {
			_, err := apono.Collect(c.Activity.ListAll(ctx, apono.ListActivityOptions{
				Fields: []apono.ReportField{apono.ReportFieldStatus}, Status: []string{"Active"},
			}))
			return err
		}},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t,
				script.Response{Body: `{"data": [{"email": "a", "status": "Active"}], "pagination": {"total": 2, "limit": 1, "offset": 0}}`},
				script.Response{Body: `{"data": [{"email": "b", "status": "Active"}], "pagination": {"total": 2, "limit": 1, "offset": 1}}`},
			)
			require.NoError(t, c.list(t.Context(), apitest.NewClient(t, fake)))
			apitest.Sent(t, fake.Requests()[0], "GET", path, c.query, "")
			apitest.Sent(t, fake.Requests()[1], "GET", path, c.query+"&skip=1", "")
		})
	}
}

func TestIdentityAndConnectorConstants(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{string(apono.UserRoleAdmin), "Admin"},
		{string(apono.UserRolePowerUser), "Power User"},
		{string(apono.UserRoleDeployment), "Deployment"},
		{string(apono.UserRoleViewer), "Viewer"},
		{string(apono.UserRoleAuditor), "Auditor"},
		{string(apono.UserRoleGrantee), "Grantee"},
		{string(apono.UserRoleSpaceOwner), "Space Owner"},
		{string(apono.UserRoleSpaceManager), "Space Manager"},
		{string(apono.ConnectorStatusConnected), "CONNECTED"},
		{string(apono.ConnectorStatusDisconnected), "DISCONNECTED"},
		{string(apono.IdentityTypeUser), "USER"},
		{string(apono.IdentityTypeGroup), "GROUP"},
		{string(apono.IdentityTypeContextAttribute), "CONTEXT_ATTRIBUTE"},
	} {
		require.Equal(t, c[1], c[0])
	}
}

// A field without a tag would be read or sent under its Go name.
func TestIdentityTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url", reflect.TypeFor[apono.ListIdentitiesOptions](), reflect.TypeFor[apono.ListIdentityAttributesOptions]())
	apitest.Tagged(t, "json",
		reflect.TypeFor[apono.Identity](), reflect.TypeFor[apono.IdentityAttributes](), reflect.TypeFor[apono.IdentityAttributeKeys](),
		reflect.TypeFor[apono.IdentityAttributesResult](), reflect.TypeFor[apono.IdentityAttributesSummary](),
		reflect.TypeFor[apono.IdentityResult](), reflect.TypeFor[apono.IdentityResultError](),
	)
}

// A response without any item must not look like success.
func TestBulkResultWithoutItemsIsDecodeError(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"results":[]}`, `{"summary":{}}`, `{"message":"accepted"}`} {
		client := apitest.NewClient(t, script.New(t, script.Response{Body: body}, script.Response{Body: body}))
		result, err := client.Identities.UpsertAttributes(t.Context(), []apono.IdentityAttributes{{Email: "ada@example.com"}})
		require.ErrorAs(t, err, new(*apono.DecodeError), body)
		require.Nil(t, result)
		_, err = client.Identities.DeleteAttributes(t.Context(), []apono.IdentityAttributeKeys{{Email: "ada@example.com"}})
		require.ErrorAs(t, err, new(*apono.DecodeError), body)
	}
}
