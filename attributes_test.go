package apono_test

import (
	"reflect"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

func TestListAttributes(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: fixture(t, "attributes/attributes.json")})
	page, err := newClient(t, fake).Attributes.List(t.Context(), apono.ListAttributesOptions{
		Limit: 2, Search: "*dev*", SourceIntegrationReference: "Okta & co", Type: "Department",
	})
	check.NoError(t, err)
	check.Equal(t, page, &apono.Page[apono.Attribute]{
		Items: []*apono.Attribute{
			{
				Type: "Department", Value: "Research & <Development>", SourceID: apono.Ptr("00a1"),
				SourceIntegrationID: apono.Ptr("idp-1"), SourceIntegrationName: apono.Ptr("Okta"),
			},
			{Type: "shift"},
		},
		NextPageToken: "t2",
	})
	sent(t, fake.Requests()[0], "GET", "/api/admin/v1/attributes",
		"limit=2&search=%2Adev%2A&source_integration_reference=Okta+%26+co&type=Department", "")
}

// A filter without a tag filters nothing, and everything counts as found.
func TestEveryFieldOfTheAttributeTypesIsTagged(t *testing.T) {
	t.Parallel()
	tagged(t, "url", reflect.TypeFor[apono.ListAttributesOptions]())
	tagged(t, "json", reflect.TypeFor[apono.Attribute]())
}
