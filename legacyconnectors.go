package apono

import (
	"context"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/wire"
)

// LegacyConnectorsService lists connectors through version 2 of the API. Its
// successor is [ConnectorsService].
//
// API section: Connectors, version 2, see https://docs.apono.io.
type LegacyConnectorsService struct{ client *Client }

var listConnectorsV2 = operation.New("Legacy.Connectors.List", http.MethodGet, "/api/v2/connectors").Identified("connector_id")

// ConnectorV2 is a connector, as version 2 returns it.
type ConnectorV2 struct {
	ConnectorID   string     `json:"connector_id"`
	LastConnected *time.Time `json:"last_connected,omitzero"`
	// Status has no documented values.
	Status string `json:"status"`

	Extra Extra `json:",embed,inline"`
}

// List returns all connectors; the API does not page them. Its successor is
// [ConnectorsService.List].
//
// GET /api/v2/connectors
func (s *LegacyConnectorsService) List(ctx context.Context) ([]*ConnectorV2, error) {
	return decodeList[ConnectorV2](s.client.call(ctx, listConnectorsV2, nil))
}

type plainConnectorV2 ConnectorV2

// UnmarshalJSON reads the time of the last contact from a number of seconds.
func (c *ConnectorV2) UnmarshalJSON(data []byte) error {
	fields := struct {
		*plainConnectorV2
		LastConnected *instant `json:"last_connected"`
	}{plainConnectorV2: (*plainConnectorV2)(c)}
	err := wire.Unmarshal(data, &fields)
	c.LastConnected = fields.LastConnected.time()
	return err
}

// fields returns the object with the time of the last contact as the API writes it.
func (c ConnectorV2) fields() any {
	return struct {
		plainConnectorV2
		LastConnected *instant `json:"last_connected,omitzero"`
	}{plainConnectorV2(c), newInstant(c.LastConnected)}
}
