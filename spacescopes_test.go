package apono_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

var spaceScopeSuite = accessSuite[apono.SpaceScope, apono.ListSpaceScopesOptions, apono.SpaceScopeInput]{
	folder: "spacescopes", path: "/api/admin/v1/space-scopes",
	service: func(c *apono.Client) accessService[apono.SpaceScope, apono.ListSpaceScopesOptions, apono.SpaceScopeInput] {
		return c.SpaceScopes
	},
	updateInput: (*apono.SpaceScope).UpdateInput,
	full:        func() *apono.SpaceScope { return new(paymentsSpaceScope()) },
	minimal:     func() *apono.SpaceScope { return new(allSpaceScope()) },
	upsert: func() apono.SpaceScopeInput {
		return apono.SpaceScopeInput{
			Name: "Payments / resources", Query: `resource_type = "postgresql-database" and resource_tag["team"] in ("payments")`,
		}
	},
	options: apono.ListSpaceScopesOptions{Limit: 2, Name: "*a b&*"}, query: "limit=2&name=%2Aa+b%26%2A",
	onPage2: apono.ListSpaceScopesOptions{Limit: 2, Name: "*a b&*", PageToken: "t2"},
	deleted: script.Response{Status: 204},
	rename:  func(in *apono.SpaceScopeInput) *string { return &in.Name },
}

// paymentsSpaceScope returns the object in spacescopes/full.json.
func paymentsSpaceScope() apono.SpaceScope {
	return apono.SpaceScope{
		ID: "3f0f4c1e-2d57-4a3f-8a51-0c9c6b1f7d01", Name: "Payments / resources",
		Query:       `resource_type = "postgresql-database" and resource_tag["team"] in ("payments")`,
		CreatedDate: time.Date(2026, 11, 5, 7, 8, 9, 123e6, time.UTC), UpdatedDate: time.Date(2026, 11, 6, 10, 11, 12, 0, time.UTC),
	}
}

// allSpaceScope returns the object in spacescopes/minimal.json.
func allSpaceScope() apono.SpaceScope {
	at := time.Date(2026, 11, 5, 7, 8, 9, 0, time.UTC)
	return apono.SpaceScope{ID: "space-scope-2", Name: "All", CreatedDate: at, UpdatedDate: at}
}

func TestSpaceScopeOperations(t *testing.T) {
	t.Parallel()
	spaceScopeSuite.operations(t)
}

func TestSpaceScopeUpdateInputIsComplete(t *testing.T) {
	t.Parallel()
	spaceScopeSuite.updateInputs(t, `{"name": "All", "query": ""}`)
}

func TestSpaceScopeWithoutNameIsArgumentError(t *testing.T) {
	t.Parallel()
	spaceScopeSuite.rejects(t, apono.SpaceScopeInput{Query: "q"}, apono.ArgumentError{Arg: "in.Name", Reason: "must not be empty"})
}

func TestListAllOfSpacesReadsAllPages(t *testing.T) {
	t.Parallel()
	for _, ahead := range []int{0, 1} {
		for path, list := range map[string]func(*apono.Client) ([]string, error){
			"/api/admin/v1/space-scopes": func(c *apono.Client) ([]string, error) {
				return apitest.Names(c.SpaceScopes.ListAll(t.Context(), apono.ListSpaceScopesOptions{Limit: 2}), func(s *apono.SpaceScope) string { return s.ID })
			},
			"/api/admin/v1/spaces": func(c *apono.Client) ([]string, error) {
				return apitest.Names(c.Spaces.ListAll(t.Context(), apono.ListSpacesOptions{Limit: 2}), func(s *apono.Space) string { return s.ID })
			},
			"/api/admin/v1/spaces/a%2Fb/members": func(c *apono.Client) ([]string, error) {
				return apitest.Names(c.Spaces.ListAllMembers(t.Context(), "a/b", apono.ListSpaceMembersOptions{Limit: 2}), func(m *apono.SpaceMember) string { return m.Name })
			},
		} {
			fake := script.New(t,
				script.Response{Body: `{"items": [{"id": "a", "identity_id": "a", "name": "a"}, {"id": "b", "identity_id": "b", "name": "b"}], "pagination": {"next_page_token": "t2"}}`},
				script.Response{Body: `{"items": [], "pagination": {"next_page_token": "t3"}}`},
				script.Response{Body: `{"items": [{"id": "c", "identity_id": "c", "name": "c"}], "pagination": {"next_page_token": ""}}`})
			got, err := list(apitest.NewClient(t, fake, apitest.ReadAhead(ahead)))
			require.NoError(t, err)
			require.Equal(t, []string{"a", "b", "c"}, got)
			for i, query := range []string{"limit=2", "limit=2&page_token=t2", "limit=2&page_token=t3"} {
				apitest.Sent(t, fake.Requests()[i], "GET", path, query, "")
			}
		}
	}
}

func TestSpaceScopeTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url", reflect.TypeFor[apono.ListSpaceScopesOptions]())
	apitest.Tagged(t, "json", reflect.TypeFor[apono.SpaceScope](), reflect.TypeFor[apono.SpaceScopeInput]())
}
