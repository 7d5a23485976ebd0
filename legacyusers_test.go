package apono_test

import (
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

const legacyAnn = `{"id": "u1", "email": "ann@example.com", "first_name": "Ann", "last_name": "Lee", "active": true}`

func legacyUser() *apono.UserV2 {
	return &apono.UserV2{ID: "u1", Email: "ann@example.com", FirstName: "Ann", LastName: "Lee", Active: true}
}

func TestListLegacyUsers(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"data": [` + legacyAnn + `, {"id": "u2", "active": false}], "pagination": {"total": 9, "limit": 2, "offset": 4}}`})
	page, err := apitest.NewClient(t, fake).Legacy.Users.List(t.Context(), apono.ListUsersV2Options{Limit: 2, Skip: 4})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.UserV2]{Items: []*apono.UserV2{legacyUser(), {ID: "u2"}}, Total: 9, Limit: 2, Offset: 4}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v2/users", "limit=2&skip=4", "")
}

func TestGetLegacyUserByEmail(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: legacyAnn})
	got, err := apitest.NewClient(t, fake).Legacy.Users.Get(t.Context(), "ann+x@example.com")
	require.NoError(t, err)
	require.Equal(t, legacyUser(), got)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v2/users/ann+x@example.com", "", "")
}

// legacyConnectors are a connector with all members and one with only the required
// members.
func legacyConnectors() []*apono.ConnectorV2 {
	return []*apono.ConnectorV2{{ConnectorID: "c1", LastConnected: new(legacyTime()), Status: "Connected"}, {ConnectorID: "c2"}}
}
