package apono

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// ConnectorsService manages connectors: the installations through which Apono
// reaches systems. They are made by installing them, not through the API.
//
// API section: Connectors, version 3, see https://docs.apono.io.
type ConnectorsService struct{ client *Client }

var (
	listConnectors  = operation.New("Connectors.List", http.MethodGet, "/api/admin/v3/connectors")
	getConnector    = operation.New("Connectors.Get", http.MethodGet, "/api/admin/v3/connectors/{id}")
	updateConnector = operation.New("Connectors.Update", http.MethodPut, "/api/admin/v3/connectors/{id}")
	deleteConnector = operation.New("Connectors.Delete", http.MethodDelete, "/api/admin/v3/connectors/{id}")
)

// ConnectorStatus is whether a connector is reachable.
type ConnectorStatus string

// The known states of a connector.
const (
	// ConnectorStatusConnected is a connector that Apono hears from.
	ConnectorStatusConnected ConnectorStatus = "CONNECTED"
	// ConnectorStatusDisconnected is a connector that Apono does not hear from.
	ConnectorStatusDisconnected ConnectorStatus = "DISCONNECTED"
)

// Connector is an installation through which Apono reaches systems.
type Connector struct {
	// ID identifies the connector; it is readable text.
	ID string `json:"id"`
	// Name is the display name, unique in the account.
	Name string `json:"name"`
	// Status is whether the connector is reachable.
	Status ConnectorStatus `json:"status"`
	// Version is the version that is installed.
	Version string `json:"version"`
	// LastConnected is when Apono last heard from the connector.
	LastConnected *time.Time `json:"last_connected,omitzero"`
	// IsLatestVersion says that there is no newer version.
	IsLatestVersion bool `json:"is_latest_version"`
	// CloudProviderType is where it runs. The API does not list the values.
	CloudProviderType string `json:"cloud_provider_type"`
	// Sessions are the running instances, several with high availability. There
	// are none while the connector is not connected.
	Sessions []ConnectorSession `json:"sessions"`

	Extra Extra `json:",embed,inline"`
}

// ConnectorSession is a running instance of a connector.
type ConnectorSession struct {
	// ID identifies the session.
	ID string `json:"id"`
	// Metadata are facts about the installation.
	Metadata ConnectorSessionMetadata `json:"metadata"`
	// LastConnectedTime is when Apono last heard from it.
	LastConnectedTime time.Time `json:"last_connected_time"`

	Extra Extra `json:",embed,inline"`
}

// ConnectorSessionMetadata are facts about an installation.
type ConnectorSessionMetadata struct {
	// CloudProviderMetadata is where it runs.
	CloudProviderMetadata *CloudProviderMetadata `json:"cloud_provider_metadata,omitzero"`
	// ConnectorVersion is the version that runs.
	ConnectorVersion *string `json:"connector_version,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// CloudProviderMetadata is where a connector runs: facts about a Kubernetes
// cluster, an AWS account, a Google Cloud project or an Azure subscription.
type CloudProviderMetadata struct {
	// KubernetesType is the kind of cluster.
	KubernetesType *string `json:"kubernetes_type,omitzero"`
	// KubernetesVersion is the cluster's version.
	KubernetesVersion *string `json:"kubernetes_version,omitzero"`
	// IsKubernetesAdmin says that the connector administers the cluster.
	IsKubernetesAdmin *bool `json:"is_kubernetes_admin,omitzero"`
	// LocalDeploy says that it is a local installation.
	LocalDeploy *bool `json:"local_deploy,omitzero"`
	// AWSAccountID is the AWS account.
	AWSAccountID *string `json:"aws_account_id,omitzero"`
	// Region is the region.
	Region *string `json:"region,omitzero"`
	// AvailabilityZone is the AWS availability zone.
	AvailabilityZone *string `json:"availability_zone,omitzero"`
	// ProjectID is the Google Cloud project.
	ProjectID *string `json:"project_id,omitzero"`
	// OrganizationID is the Google Cloud organization.
	OrganizationID *string `json:"organization_id,omitzero"`
	// Zone is the Google Cloud zone.
	Zone *string `json:"zone,omitzero"`
	// SubscriptionID is the Azure subscription.
	SubscriptionID *string `json:"subscription_id,omitzero"`
	// ResourceGroup is the Azure resource group.
	ResourceGroup *string `json:"resource_group,omitzero"`
	// IsAzureAdmin says that the connector administers the subscription.
	IsAzureAdmin *bool `json:"is_azure_admin,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListConnectorsOptions filters and pages a list of connectors.
type ListConnectorsOptions struct {
	// PageToken is where to go on, from Page.NextPageToken. The token carries
	// the filters of the list that it came from; those given here are not sent.
	PageToken string `url:"page_token,omitempty"`
	// Limit is the size of a page; the server's default is 100.
	Limit int `url:"limit,omitempty"`
	// Status are states.
	Status []ConnectorStatus `url:"status,omitempty"`
}

func (o ListConnectorsOptions) at(token string) (ListConnectorsOptions, string) {
	from := o.PageToken
	o.PageToken = token
	return o, from
}

// UpdateConnectorInput is what a connector becomes.
type UpdateConnectorInput struct {
	// Name is the display name, unique in the account.
	Name string `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// List gets one page of the connectors.
//
// GET /api/admin/v3/connectors
func (s *ConnectorsService) List(ctx context.Context, opts ...ListConnectorsOptions) (*Page[Connector], error) {
	return list[Connector](ctx, s.client, listConnectors, opts)
}

// ListAll iterates over all connectors, page by page as the loop goes on. An
// error is the last pair of the loop; a page token that comes back is
// [ErrPageLoop].
//
// GET /api/admin/v3/connectors
func (s *ConnectorsService) ListAll(ctx context.Context, opts ...ListConnectorsOptions) iter.Seq2[*Connector, error] {
	return listAll[Connector](ctx, s.client, listConnectors, opts)
}

// Get gets a connector by its id; [ErrNotFound] if there is none.
//
// GET /api/admin/v3/connectors/{id}
func (s *ConnectorsService) Get(ctx context.Context, id string) (*Connector, error) {
	return call[Connector](ctx, s.client, getConnector, nil, id)
}

// Update replaces a connector; [ErrNotFound] if there is none.
//
// PUT /api/admin/v3/connectors/{id}
func (s *ConnectorsService) Update(ctx context.Context, id string, in UpdateConnectorInput) (*Connector, error) {
	return call[Connector](ctx, s.client, updateConnector, in, id)
}

// Delete deletes a connector; [ErrNotFound] if there is none.
//
// DELETE /api/admin/v3/connectors/{id}
func (s *ConnectorsService) Delete(ctx context.Context, id string) error {
	return exec(ctx, s.client, deleteConnector, nil, id)
}

// UpdateInput returns the input that writes the connector back as it is, Extra
// included, to be edited and passed to Update. Editing it does not change the
// connector.
func (c *Connector) UpdateInput() UpdateConnectorInput {
	c = clone(c)
	return UpdateConnectorInput{Name: c.Name, Extra: c.Extra}
}

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (c Connector) LogValue() slog.Value { return logValue(c) }

// String returns what LogValue does.
func (c Connector) String() string { return printed(c) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (c ConnectorSession) LogValue() slog.Value { return logValue(c) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (c ConnectorSessionMetadata) LogValue() slog.Value { return logValue(c) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (c CloudProviderMetadata) LogValue() slog.Value { return logValue(c) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (u UpdateConnectorInput) LogValue() slog.Value { return logValue(u) }
