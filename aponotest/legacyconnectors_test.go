package aponotest_test

import (
	"encoding/json"
	"testing"

	"github.com/apono-go/apono/aponotest"
)

func TestConnectorsV2(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	checkResponse(t, server, "GET", "/api/v2/connectors", "", 200, `[]`)
	const rest = `"name": "n", "version": "1", "is_latest_version": true, "cloud_provider_type": "AWS", "sessions": []`
	server.Put(aponotest.Connectors,
		json.RawMessage(`{"id": "c2", "status": "CONNECTED", "last_connected": "2026-01-02T03:04:05.000000006Z", `+rest+`}`),
		json.RawMessage(`{"id": "c1", "status": "", `+rest+`}`))
	checkResponse(t, server, "GET", "/api/v2/connectors", "", 200,
		`[{"connector_id": "c2", "status": "CONNECTED", "last_connected": 1767323045.000000006}, {"connector_id": "c1", "status": ""}]`)
}
