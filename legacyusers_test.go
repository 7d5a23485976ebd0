package apono_test

import (
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

const legacyAnn = `{"id": "u1", "email": "ann@example.com", "first_name": "Ann", "last_name": "Lee", "active": true}`

func legacyUser() *apono.UserV2 {
	return &apono.UserV2{ID: "u1", Email: "ann@example.com", FirstName: "Ann", LastName: "Lee", Active: true}
}

func TestListLegacyUsers(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{"data": [` + legacyAnn + `, {"active": false}], "pagination": {"total": 9, "limit": 2, "offset": 4}}`})
	page, err := newClient(t, fake).Legacy.Users.List(t.Context(), apono.ListUsersV2Options{Limit: 2, Skip: 4})
	check.NoError(t, err)
	check.Equal(t, page, &apono.OffsetPage[apono.UserV2]{Items: []*apono.UserV2{legacyUser(), {}}, Total: 9, Limit: 2, Offset: 4})
	sent(t, fake.Requests()[0], "GET", "/api/v2/users", "limit=2&skip=4", "")
}

func TestGetLegacyUserByEmail(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: legacyAnn})
	got, err := newClient(t, fake).Legacy.Users.Get(t.Context(), "ann+x@example.com")
	check.NoError(t, err)
	check.Equal(t, got, legacyUser())
	sent(t, fake.Requests()[0], "GET", "/api/v2/users/ann+x@example.com", "", "")
}

// legacyConnectors are a connector with all members, and one with the required
// ones only.
func legacyConnectors() []*apono.ConnectorV2 {
	return []*apono.ConnectorV2{{ConnectorID: "c1", LastConnected: apono.Ptr(legacyTime()), Status: "Connected"}, {ConnectorID: "c2"}}
}

func TestListLegacyConnectors(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Answer{Body: `[{"connector_id": "c1", "last_connected": 1696263265.851898001, "status": "Connected"}, {"connector_id": "c2", "status": ""}]`},
		script.Answer{Body: `[]`},
	)
	client := newClient(t, fake).Legacy.Connectors
	for i, want := range [][]*apono.ConnectorV2{legacyConnectors(), {}} {
		got, err := client.List(t.Context())
		check.NoError(t, err)
		check.Equal(t, got, want)
		sent(t, fake.Requests()[i], "GET", "/api/v2/connectors", "", "")
	}
}

// A list with a hole in it ends the program at the hole, and one that was not
// understood would look like none.
func TestBrokenListsOfLegacyConnectorsAreErrors(t *testing.T) {
	t.Parallel()
	for body, cause := range map[string]string{
		``:                            "the body is empty",
		`null`:                        "the body is null",
		`[null]`:                      "item 0 of the list is null",
		`[{"connector_id":"c"},null]`: "item 1 of the list is null",
		`{}`:                          "",
		`{"data":[]}`:                 "",
		`["c"]`:                       "",
		`[[]]`:                        "",
		`[]]`:                         "after top-level value",
		`[{"last_connected":"soon"}]`: "",
		`[{"connector_id":`:           "",
	} {
		_, err := newClient(t, script.New(t, script.Answer{Body: body})).Legacy.Connectors.List(t.Context())
		check.ErrorAs[*apono.DecodeError](t, err)
		check.Contains(t, err.Error(), "apono: GET /api/v2/connectors: 200 OK with a body that cannot be used: ", cause)
	}
}
