package apono_test

import (
	"reflect"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

func TestListAttributes(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "attributes/attributes.json")})
	page, err := apitest.NewClient(t, fake).Attributes.List(t.Context(), apono.ListAttributesOptions{
		Limit: 2, Search: "*dev*", SourceIntegrationReference: "Okta & co", Type: "Department",
	})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.Attribute]{
		Items: []*apono.Attribute{
			{
				Type: "Department", Value: "Research & <Development>", SourceID: new("00a1"),
				SourceIntegrationID: new("idp-1"), SourceIntegrationName: new("Okta"),
			},
			{Type: "shift"},
		},
		NextPageToken: "t2",
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/admin/v1/attributes",
		"limit=2&search=%2Adev%2A&source_integration_reference=Okta+%26+co&type=Department", "")
}

// A field without a tag would be sent under its Go name, which the API ignores.
func TestAttributeTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url", reflect.TypeFor[apono.ListAttributesOptions]())
	apitest.Tagged(t, "json", reflect.TypeFor[apono.Attribute]())
}
