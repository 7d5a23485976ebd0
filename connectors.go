package apono

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// ConnectorsService manages connectors: the installations through which Apono reaches
// systems. Installing a connector creates it; the API cannot.
//
// API section: Connectors, version 3.
type ConnectorsService struct{ client *Client }

var (
	listConnectors  = operation.New("Connectors.List", http.MethodGet, "/api/admin/v3/connectors")
	getConnector    = operation.New("Connectors.Get", http.MethodGet, "/api/admin/v3/connectors/{id}")
	updateConnector = operation.New("Connectors.Update", http.MethodPut, "/api/admin/v3/connectors/{id}")
	deleteConnector = operation.New("Connectors.Delete", http.MethodDelete, "/api/admin/v3/connectors/{id}")
)

// ConnectorStatus says whether a connector is reachable.
type ConnectorStatus string

// The known states of a connector.
const (
	ConnectorStatusConnected    ConnectorStatus = "CONNECTED"
	ConnectorStatusDisconnected ConnectorStatus = "DISCONNECTED"
)

// Connector is an installation through which Apono reaches systems.
type Connector struct {
	// ID is human-readable, such as "production-connector".
	ID              string          `json:"id"`
	Name            string          `json:"name"`
	Status          ConnectorStatus `json:"status"`
	Version         string          `json:"version"`
	LastConnected   *time.Time      `json:"last_connected,omitzero"`
	IsLatestVersion bool            `json:"is_latest_version"`
	// CloudProviderType has no documented values.
	CloudProviderType string `json:"cloud_provider_type"`
	// Sessions are the running instances: several with high availability, none
	// while the connector is disconnected.
	Sessions []ConnectorSession `json:"sessions"`

	Extra Extra `json:",embed,inline"`
}

// ConnectorSession is a running instance of a connector.
type ConnectorSession struct {
	ID                string                   `json:"id"`
	Metadata          ConnectorSessionMetadata `json:"metadata"`
	LastConnectedTime time.Time                `json:"last_connected_time"`

	Extra Extra `json:",embed,inline"`
}

// ConnectorSessionMetadata describes a running connector.
type ConnectorSessionMetadata struct {
	CloudProviderMetadata *CloudProviderMetadata `json:"cloud_provider_metadata,omitzero"`
	ConnectorVersion      *string                `json:"connector_version,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// CloudProviderMetadata is where a connector runs, such as a Kubernetes cluster, an AWS
// account, a Google Cloud project or an Azure subscription.
type CloudProviderMetadata struct {
	KubernetesType    *string `json:"kubernetes_type,omitzero"`
	KubernetesVersion *string `json:"kubernetes_version,omitzero"`
	IsKubernetesAdmin *bool   `json:"is_kubernetes_admin,omitzero"`
	LocalDeploy       *bool   `json:"local_deploy,omitzero"`
	AWSAccountID      *string `json:"aws_account_id,omitzero"`
	Region            *string `json:"region,omitzero"`
	AvailabilityZone  *string `json:"availability_zone,omitzero"`
	ProjectID         *string `json:"project_id,omitzero"`
	OrganizationID    *string `json:"organization_id,omitzero"`
	Zone              *string `json:"zone,omitzero"`
	SubscriptionID    *string `json:"subscription_id,omitzero"`
	ResourceGroup     *string `json:"resource_group,omitzero"`
	IsAzureAdmin      *bool   `json:"is_azure_admin,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListConnectorsOptions filters and pages a list of connectors.
type ListConnectorsOptions struct {
	PageToken string            `url:"page_token,omitempty"`
	Limit     int               `url:"limit,omitempty"`
	Status    []ConnectorStatus `url:"status,omitempty"`
}

// UpdateConnectorInput is the input for updating a connector.
type UpdateConnectorInput struct {
	// Name is unique in the account.
	Name string `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// List returns a page of connectors.
//
// GET /api/admin/v3/connectors
func (s *ConnectorsService) List(ctx context.Context, opts ...ListConnectorsOptions) (*Page[Connector], error) {
	return list[Connector](ctx, s.client, listConnectors, opts)
}

// ListAll returns an iterator over all connectors.
//
// GET /api/admin/v3/connectors
func (s *ConnectorsService) ListAll(ctx context.Context, opts ...ListConnectorsOptions) iter.Seq2[*Connector, error] {
	return listAll[Connector](ctx, s.client, listConnectors, opts)
}

// Get returns the connector with the given ID, or [ErrNotFound].
//
// GET /api/admin/v3/connectors/{id}
func (s *ConnectorsService) Get(ctx context.Context, id string) (*Connector, error) {
	return decode[Connector](s.client.call(ctx, getConnector, nil, id))
}

// Update replaces a connector, or returns [ErrNotFound].
//
// PUT /api/admin/v3/connectors/{id}
func (s *ConnectorsService) Update(ctx context.Context, id string, in UpdateConnectorInput) (*Connector, error) {
	return decode[Connector](s.client.call(ctx, updateConnector, in, id))
}

// Delete deletes a connector, or returns [ErrNotFound].
//
// DELETE /api/admin/v3/connectors/{id}
func (s *ConnectorsService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteConnector, nil, id))
}

// UpdateInput returns a copy of the connector, Extra included, for Update.
func (c *Connector) UpdateInput() UpdateConnectorInput {
	c = clone(c)
	return UpdateConnectorInput{Name: c.Name, Extra: c.Extra}
}
