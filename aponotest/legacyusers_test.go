package aponotest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

func TestUsersV2(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Users,
		json.RawMessage(`{"id": "u1", "email": "a+b@example.com", "email_aliases": ["x"], "first_name": "Ada", "last_name": "", "active": false,
			"roles": ["Admin"], "attributes": {"team": "t"}, "source_integration_id": "idp", "source_integration_name": "People"}`),
		json.RawMessage(`{"id": "u2", "email": "b@example.com", "email_aliases": [], "first_name": "", "last_name": "Bee", "active": true, "roles": []}`))
	const ada = `{"id": "u1", "email": "a+b@example.com", "first_name": "Ada", "last_name": "", "active": false}`
	const bee = `{"id": "u2", "email": "b@example.com", "first_name": "", "last_name": "Bee", "active": true}`
	checkResponse(t, server, "GET", "/api/v2/users", "", 200, legacyPage(2, ada+","+bee))
	checkResponse(t, server, "GET", "/api/v2/users/u1", "", 200, ada)
	checkResponse(t, server, "GET", "/api/v2/users/a%2Bb@example.com", "", 200, ada)
	checkResponse(t, server, "GET", "/api/v2/users/b@example.com", "", 200, bee)
	checkResponse(t, server, "GET", "/api/v2/users/u3", "", 404, `{"message": "user \"u3\" not found"}`)
}

func TestConnectorsAndUsersV2WithClient(t *testing.T) {
	t.Parallel()
	server := requestServer(t, aponotest.WithOffsetPageSize(1))
	legacy := server.Client().Legacy
	seen := time.Date(2026, time.January, 2, 3, 4, 5, 6, time.UTC)
	server.Put(aponotest.Connectors, apono.Connector{ID: "c", Status: "CONNECTED", LastConnected: &seen})
	connectors, err := legacy.Connectors.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, []*apono.ConnectorV2{{ConnectorID: "c", Status: "CONNECTED", LastConnected: &seen}}, connectors)

	page, err := legacy.Users.List(t.Context())
	legacyEverything(t, page, err, legacy.Users.ListAll(t.Context()), 2)
	for _, reference := range []string{"u-ben", "ben@example.com"} {
		user, err := legacy.Users.Get(t.Context(), reference)
		require.NoError(t, err)
		require.Equal(t, &apono.UserV2{ID: "u-ben", Email: "ben@example.com", Active: true}, user)
	}
}
