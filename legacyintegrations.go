package apono

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/wire"
)

// LegacyIntegrationsService manages integrations through version 2 of the API.
// Its successor is [IntegrationsService].
//
// API section: Integrations, version 2, see https://docs.apono.io.
type LegacyIntegrationsService struct{ client *Client }

var (
	listIntegrationsV2  = operation.New("Legacy.Integrations.List", http.MethodGet, "/api/v2/integrations")
	getIntegrationV2    = operation.New("Legacy.Integrations.Get", http.MethodGet, "/api/v2/integrations/{id}")
	createIntegrationV2 = operation.New("Legacy.Integrations.Create", http.MethodPost, "/api/v2/integrations")
	updateIntegrationV2 = operation.New("Legacy.Integrations.Update", http.MethodPut, "/api/v2/integrations/{id}")
	deleteIntegrationV2 = operation.New("Legacy.Integrations.Delete", http.MethodDelete, "/api/v2/integrations/{id}")
)

// IntegrationStatusV2 is the state of an integration in version 2.
type IntegrationStatusV2 string

// The states of an integration in version 2. Refreshing means that it is being
// read, warning that it works in part.
const (
	IntegrationStatusV2Initializing IntegrationStatusV2 = "Initializing"
	IntegrationStatusV2Refreshing   IntegrationStatusV2 = "Refreshing"
	IntegrationStatusV2Active       IntegrationStatusV2 = "Active"
	IntegrationStatusV2Error        IntegrationStatusV2 = "Error"
	IntegrationStatusV2Warning      IntegrationStatusV2 = "Warning"
	IntegrationStatusV2Disabled     IntegrationStatusV2 = "Disabled"
)

// IntegrationV2 is a connected system as version 2 returns it.
type IntegrationV2 struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Type is the kind of system. It never changes.
	Type   string              `json:"type"`
	Status IntegrationStatusV2 `json:"status"`
	// Details explains the status.
	Details *string `json:"details,omitzero"`
	// ProvisionerID is the ID of the connector.
	ProvisionerID *string `json:"provisioner_id,omitzero"`
	// Connection is not documented.
	Connection Object `json:"connection,omitzero"`
	// LastSyncTime is the time of the last successful sync.
	LastSyncTime *time.Time `json:"last_sync_time,omitzero"`
	// Metadata holds the settings of this kind of system. Numbers are read as
	// json.Number.
	Metadata Object `json:"metadata"`
	// SecretConfig is the place where the credentials for the system are stored: a field
	// "type", a [SecretStoreType], and the fields of that store.
	SecretConfig map[string]Secret `json:"secret_config,omitzero"`
	// ConnectedResourceTypes are the types of resources to look for.
	ConnectedResourceTypes []string `json:"connected_resource_types"`
	// CustomAccessDetails is a note for those who get access.
	CustomAccessDetails *string `json:"custom_access_details,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListIntegrationsV2Options pages the integrations of version 2. The API does
// not document Limit and Skip; they are sent only if set.
type ListIntegrationsV2Options struct {
	Limit int `url:"limit,omitempty"`
	Skip  int `url:"skip,omitempty"`
}

// CreateIntegrationV2Input is the input for a new integration for version 2.
type CreateIntegrationV2Input struct {
	Name string `json:"name"`
	// Type is a kind of system from the catalog.
	Type                   string            `json:"type"`
	ProvisionerID          *string           `json:"provisioner_id,omitzero"`
	Metadata               Object            `json:"metadata"`
	SecretConfig           map[string]Secret `json:"secret_config,omitzero"`
	ConnectedResourceTypes []string          `json:"connected_resource_types,omitzero"`
	CustomAccessDetails    *string           `json:"custom_access_details,omitzero"`
}

// UpdateIntegrationV2Input is the input for updating an integration. It replaces
// everything except the type, and removes fields that this package does not know. The
// successor, [Integration.UpdateInput], keeps them.
type UpdateIntegrationV2Input struct {
	Name                   string            `json:"name"`
	ProvisionerID          *string           `json:"provisioner_id,omitzero"`
	Metadata               Object            `json:"metadata"`
	SecretConfig           map[string]Secret `json:"secret_config,omitzero"`
	ConnectedResourceTypes []string          `json:"connected_resource_types,omitzero"`
	CustomAccessDetails    *string           `json:"custom_access_details,omitzero"`
}

// List returns a page of integrations. Its successor is
// [IntegrationsService.List].
//
// GET /api/v2/integrations
func (s *LegacyIntegrationsService) List(ctx context.Context, opts ...ListIntegrationsV2Options) (*OffsetPage[IntegrationV2], error) {
	return listOffset[IntegrationV2](ctx, s.client, listIntegrationsV2, opts)
}

// ListAll returns an iterator over all integrations and fetches pages as needed. An
// error ends it; an incomplete list returns [ErrTruncated]. Its successor is
// [IntegrationsService.ListAll].
//
// GET /api/v2/integrations
func (s *LegacyIntegrationsService) ListAll(ctx context.Context, opts ...ListIntegrationsV2Options) iter.Seq2[*IntegrationV2, error] {
	return listAllOffset[IntegrationV2](ctx, s.client, listIntegrationsV2, opts)
}

// Get returns the integration with the given ID, or [ErrNotFound]. Its successor is
// [IntegrationsService.Get].
//
// GET /api/v2/integrations/{id}
func (s *LegacyIntegrationsService) Get(ctx context.Context, id string) (*IntegrationV2, error) {
	return decode[IntegrationV2](s.client.call(ctx, getIntegrationV2, nil, id))
}

// Create creates an integration. It is not retried if it may already have taken effect.
// Its successor is [IntegrationsService.Create].
//
// POST /api/v2/integrations
func (s *LegacyIntegrationsService) Create(ctx context.Context, in CreateIntegrationV2Input) (*IntegrationV2, error) {
	return decode[IntegrationV2](s.client.call(ctx, createIntegrationV2, in))
}

// Update replaces an integration, or returns [ErrNotFound]. Its successor is
// [IntegrationsService.Update].
//
// PUT /api/v2/integrations/{id}
func (s *LegacyIntegrationsService) Update(ctx context.Context, id string, in UpdateIntegrationV2Input) (*IntegrationV2, error) {
	return decode[IntegrationV2](s.client.call(ctx, updateIntegrationV2, in, id))
}

// Delete deletes an integration, or returns [ErrNotFound]. Its successor is
// [IntegrationsService.Delete].
//
// DELETE /api/v2/integrations/{id}
func (s *LegacyIntegrationsService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteIntegrationV2, nil, id))
}

type plainIntegrationV2 IntegrationV2

// UnmarshalJSON reads the time of the last sync from a number of seconds.
func (i *IntegrationV2) UnmarshalJSON(data []byte) error {
	fields := struct {
		*plainIntegrationV2
		LastSyncTime *instant `json:"last_sync_time"`
	}{plainIntegrationV2: (*plainIntegrationV2)(i)}
	err := wire.Unmarshal(data, &fields)
	i.LastSyncTime = fields.LastSyncTime.time()
	return err
}

// fields returns the object with the time of the last sync as the API writes it.
func (i IntegrationV2) fields() any {
	return struct {
		plainIntegrationV2
		LastSyncTime *instant `json:"last_sync_time,omitzero"`
	}{plainIntegrationV2(i), newInstant(i.LastSyncTime)}
}
