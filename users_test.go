package apono_test

import (
	"reflect"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// userAda returns the object in users/user.json.
func userAda() *apono.User {
	return &apono.User{
		ID: "user-1", Email: "ada@example.com", EmailAliases: []string{"ada.lovelace@example.com", "countess@example.org"},
		FirstName: "Ada", LastName: "Lovelace", Active: true, Roles: []apono.UserRole{apono.UserRoleAdmin, apono.UserRolePowerUser},
		SourceIntegrationID: new("idp-1"), SourceIntegrationName: new("Okta"),
		Attributes: map[string]string{"team": "engines", "shift": ""},
	}
}

// userBen returns the object in users/user_minimal.json. His role is not one of the
// constants.
func userBen() *apono.User {
	return &apono.User{ID: "user-2", Email: "ben@example.com", EmailAliases: []string{}, Roles: []apono.UserRole{"Space Owner"}}
}

func TestListUsers(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"items": [` + apitest.Fixture(t, "users/user.json") + `,` + apitest.Fixture(t, "users/user_minimal.json") + `],
		"pagination": {"next_page_token": "t2"}
	}`})
	page, err := apitest.NewClient(t, fake).Users.List(t.Context(), apono.ListUsersOptions{
		Limit: 2, FirstName: "a*", LastName: "*love lace*",
		Role:                []apono.UserRole{apono.UserRoleAdmin, apono.UserRolePowerUser, apono.UserRoleDeployment, apono.UserRoleViewer, "Space Owner"},
		SourceIntegrationID: "idp-1", SourceIntegrationName: "Okta & co",
	})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.User]{Items: []*apono.User{userAda(), userBen()}, NextPageToken: "t2"}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/admin/v3/users", "first_name=a%2A&last_name=%2Alove+lace%2A&limit=2&"+
		"role=Admin&role=Power+User&role=Deployment&role=Viewer&role=Space+Owner&source_integration_id=idp-1&source_integration_name=Okta+%26+co", "")
}

func TestGetUser(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "users/user.json")}, script.Response{Body: apitest.Fixture(t, "users/user_minimal.json")})
	client := apitest.NewClient(t, fake)
	for i, want := range []*apono.User{userAda(), userBen()} {
		got, err := client.Users.Get(t.Context(), "user/1")
		require.NoError(t, err)
		require.Equal(t, want, got)
		apitest.Sent(t, fake.Requests()[i], "GET", "/api/admin/v3/users/user%2F1", "", "")
	}
}

// A field without a tag would be sent under its Go name, which the API ignores.
func TestUserTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url", reflect.TypeFor[apono.ListUsersOptions]())
	apitest.Tagged(t, "json", reflect.TypeFor[apono.User]())
}
