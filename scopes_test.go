package apono_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
)

var scopeSuite = accessSuite[apono.AccessScope, apono.ListScopesOptions, apono.AccessScopeInput]{
	folder: "scopes", path: "/api/admin/v1/access-scopes",
	service: func(c *apono.Client) accessService[apono.AccessScope, apono.ListScopesOptions, apono.AccessScopeInput] {
		return inNoSpace[apono.AccessScope, apono.ListScopesOptions, apono.AccessScopeInput]{c.Scopes}
	},
	updateInput: (*apono.AccessScope).UpdateInput,
	full: func() *apono.AccessScope {
		return &apono.AccessScope{
			ID: "e0d5a9a4-64b1-4a6b-b1a3-2b1f5d0c7d03", Name: "Databases", Description: new("All of <production>."),
			Query:        `resource_type = "postgresql-database" and resource_tag["env"] in ("prod")`,
			CreationDate: time.Date(2026, 3, 5, 7, 8, 9, 123e6, time.UTC),
			UpdateDate:   time.Date(2026, 4, 6, 10, 11, 12, 0, time.UTC),
			Space:        &apono.SpaceReference{SpaceID: "space-1", SpaceName: "Payments"},
		}
	},
	minimal: func() *apono.AccessScope {
		return &apono.AccessScope{
			ID: "scope-2", Name: "All",
			CreationDate: time.Date(2026, 3, 5, 7, 8, 9, 0, time.UTC), UpdateDate: time.Date(2026, 3, 5, 7, 8, 10, 0, time.UTC),
		}
	},
	upsert: func() apono.AccessScopeInput {
		return apono.AccessScopeInput{
			Name: "Databases", Description: new("All of <production>."),
			Query: `resource_type = "postgresql-database" and resource_tag["env"] in ("prod")`,
		}
	},
	options: apono.ListScopesOptions{Limit: 2, Name: "data*", SpaceReferences: inSpaces}, query: "limit=2&name=data%2A&" + inSpacesQuery,
	onPage2: apono.ListScopesOptions{Limit: 2, Name: "data*", SpaceReferences: inSpaces, PageToken: "t2"},
	deleted: script.Response{Status: 204},
	rename:  func(in *apono.AccessScopeInput) *string { return &in.Name },
}

func TestScopeOperations(t *testing.T) {
	t.Parallel()
	scopeSuite.operations(t)
}

// An empty description must be sent, because it clears the old one.
func TestScopeInputsAreSentUnchanged(t *testing.T) {
	t.Parallel()
	scopeSuite.sends(t, apono.AccessScopeInput{}, `{"name": "", "query": ""}`)
	scopeSuite.sends(t, apono.AccessScopeInput{Description: new("")}, `{"name": "", "description": "", "query": ""}`)
}

func TestScopeUpdateInputIsComplete(t *testing.T) {
	t.Parallel()
	scopeSuite.updateInputs(t, `{"name": "All", "query": ""}`)
}

func TestScopeUpdateKeepsUnknownMembers(t *testing.T) {
	t.Parallel()
	scopeSuite.keepsUnknown(t)
}

func TestScopeTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url", reflect.TypeFor[apono.ListScopesOptions]())
	apitest.Tagged(t, "json", reflect.TypeFor[apono.AccessScope](), reflect.TypeFor[apono.AccessScopeInput]())
}
