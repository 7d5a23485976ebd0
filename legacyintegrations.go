package apono

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
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
	// ProvisionerID is the id of the connector.
	ProvisionerID *string `json:"provisioner_id,omitzero"`
	// Connection is not documented.
	Connection Object `json:"connection,omitzero"`
	// LastSyncTime is the time of the last successful sync.
	LastSyncTime *time.Time `json:"last_sync_time,omitzero"`
	// Metadata holds the settings of this kind of system. Numbers are read as
	// json.Number.
	Metadata     Object         `json:"metadata"`
	SecretConfig SecretConfigV2 `json:"secret_config,omitzero"`
	// ConnectedResourceTypes are the types of resources to look for.
	ConnectedResourceTypes []string `json:"connected_resource_types"`
	// CustomAccessDetails is a note for those who get access.
	CustomAccessDetails *string `json:"custom_access_details,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// SecretConfigV2 is the place where the credentials for a system are stored, in version
// 2: a member "type", a [SecretStoreType], and the members of that store. Printed,
// logged or marshaled to JSON, it contains only the names.
type SecretConfigV2 map[string]any

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
	Type                   string         `json:"type"`
	ProvisionerID          *string        `json:"provisioner_id,omitzero"`
	Metadata               Object         `json:"metadata"`
	SecretConfig           SecretConfigV2 `json:"secret_config,omitzero"`
	ConnectedResourceTypes []string       `json:"connected_resource_types,omitzero"`
	CustomAccessDetails    *string        `json:"custom_access_details,omitzero"`
}

// UpdateIntegrationV2Input is the input for updating an integration. It replaces
// everything except the type, and removes members that this package does not know. The
// successor, [Integration.UpdateInput], keeps them.
type UpdateIntegrationV2Input struct {
	Name                   string         `json:"name"`
	ProvisionerID          *string        `json:"provisioner_id,omitzero"`
	Metadata               Object         `json:"metadata"`
	SecretConfig           SecretConfigV2 `json:"secret_config,omitzero"`
	ConnectedResourceTypes []string       `json:"connected_resource_types,omitzero"`
	CustomAccessDetails    *string        `json:"custom_access_details,omitzero"`
}

// List returns a page of integrations. Its successor is
// [IntegrationsService.List].
//
// GET /api/v2/integrations
func (s *LegacyIntegrationsService) List(ctx context.Context, opts ...ListIntegrationsV2Options) (*OffsetPage[IntegrationV2], error) {
	return listOffset[IntegrationV2](ctx, s.client, listIntegrationsV2, opts)
}

// ListAll returns an iterator over all integrations and requests pages as
// needed. An error ends it; an incomplete list is [ErrTruncated]. Its successor
// is [IntegrationsService.ListAll].
//
// GET /api/v2/integrations
func (s *LegacyIntegrationsService) ListAll(ctx context.Context, opts ...ListIntegrationsV2Options) iter.Seq2[*IntegrationV2, error] {
	return listAllOffset[IntegrationV2](ctx, s.client, listIntegrationsV2, opts)
}

// Get returns the integration with the given id, or [ErrNotFound]. Its
// successor is [IntegrationsService.Get].
//
// GET /api/v2/integrations/{id}
func (s *LegacyIntegrationsService) Get(ctx context.Context, id string) (*IntegrationV2, error) {
	return decode[IntegrationV2](s.client.call(ctx, getIntegrationV2, nil, id))
}

// Create creates an integration. It is not retried when a failure leaves open
// whether it took effect. Its successor is [IntegrationsService.Create].
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

// Reveal returns the config as an ordinary map, which prints and marshals it.
func (s SecretConfigV2) Reveal() map[string]any { return clone(map[string]any(s)) }

// UnmarshalJSON reads the config.
func (s *SecretConfigV2) UnmarshalJSON(data []byte) (err error) {
	*s, err = wire.ReadObject(data, *s)
	return err
}

// Format prints the names only with every verb.
func (s SecretConfigV2) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, masked(s)) }

// LogValue implements [slog.LogValuer] and returns the names only.
func (s SecretConfigV2) LogValue() slog.Value { return slog.AnyValue(masked(s)) }

// MarshalJSON writes the names only. The JSON of a request contains the values.
func (s SecretConfigV2) MarshalJSON() ([]byte, error) { return wire.MarshalModel(masked(s)) }

func (s SecretConfigV2) revealed() any { return map[string]any(s) }

func (s SecretConfigV2) check(arg string) error {
	return checkUnmasked(arg, s)
}

func (in CreateIntegrationV2Input) check() error { return in.SecretConfig.check("in.SecretConfig") }

func (in UpdateIntegrationV2Input) check() error { return in.SecretConfig.check("in.SecretConfig") }

// Package fmt ignores the Format methods of members behind a pointer if the verb is not
// for pointers. The structs with credentials therefore have Format methods themselves.
type (
	plainIntegrationV2            IntegrationV2
	plainCreateIntegrationV2Input CreateIntegrationV2Input
	plainUpdateIntegrationV2Input UpdateIntegrationV2Input
)

// Format prints what LogValue returns with every verb.
func (i IntegrationV2) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, printed(i.revealed())) }

// Format prints the members and the names of the credentials.
func (in CreateIntegrationV2Input) Format(f fmt.State, verb rune) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), plainCreateIntegrationV2Input(in))
}

// Format prints the members and the names of the credentials.
func (in UpdateIntegrationV2Input) Format(f fmt.State, verb rune) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), plainUpdateIntegrationV2Input(in))
}

// Reveal returns the integration with its credentials, by the names of the API, as an
// ordinary map, which prints and marshals them.
func (i IntegrationV2) Reveal() map[string]any { return reveal(i) }

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

// MarshalJSON writes the time of the last sync as the API does.
func (i IntegrationV2) MarshalJSON() ([]byte, error) { return wire.MarshalModel(i.revealed()) }

func (i IntegrationV2) revealed() any {
	return struct {
		plainIntegrationV2
		LastSyncTime *instant `json:"last_sync_time,omitzero"`
	}{plainIntegrationV2(i), newInstant(i.LastSyncTime)}
}

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (i IntegrationV2) LogValue() slog.Value { return logValue(i.revealed()) }
