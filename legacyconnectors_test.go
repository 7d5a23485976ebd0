package apono_test

import (
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

func TestListLegacyConnectors(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: `[{"connector_id": "c1", "last_connected": 1696263265.851898001, "status": "Connected"}, {"connector_id": "c2", "status": ""}]`},
		script.Response{Body: `[]`},
	)
	client := apitest.NewClient(t, fake).Legacy.Connectors
	for i, want := range [][]*apono.ConnectorV2{legacyConnectors(), {}} {
		got, err := client.List(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
		apitest.Sent(t, fake.Requests()[i], "GET", "/api/v2/connectors", "", "")
	}
}

// A list with null items, or in another form, must not look like an empty list.
func TestInvalidListOfLegacyConnectorsIsDecodeError(t *testing.T) {
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
		_, err := apitest.NewClient(t, script.New(t, script.Response{Body: body})).Legacy.Connectors.List(t.Context())
		require.ErrorAs(t, err, new(*apono.DecodeError))
		require.ErrorContains(t, err, "apono: GET /api/v2/connectors: 200 OK with a body that cannot be used: ")
		require.ErrorContains(t, err, cause)
	}
}
