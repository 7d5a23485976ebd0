package apono

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// IntegrationsService manages integrations: the cloud accounts, databases,
// clusters and identity providers that Apono is connected to. It also reads the
// catalog of systems, and the resources and permissions of an integration.
//
// API section: Integrations.
type IntegrationsService struct{ client *Client }

var (
	listIntegrations           = operation.New("Integrations.List", http.MethodGet, "/api/admin/v4/integrations")
	getIntegration             = operation.New("Integrations.Get", http.MethodGet, "/api/admin/v4/integrations/{id}")
	createIntegration          = operation.New("Integrations.Create", http.MethodPost, "/api/admin/v4/integrations")
	updateIntegration          = operation.New("Integrations.Update", http.MethodPut, "/api/admin/v4/integrations/{id}")
	deleteIntegration          = operation.New("Integrations.Delete", http.MethodDelete, "/api/admin/v4/integrations/{id}")
	refreshIntegration         = operation.New("Integrations.Refresh", http.MethodPost, "/api/v2/integrations/{id}/refresh").Requires("message")
	listCatalog                = operation.New("Integrations.ListCatalog", http.MethodGet, "/api/v2/integrations-catalog").Identified("type")
	getCatalogEntry            = operation.New("Integrations.GetCatalogEntry", http.MethodGet, "/api/v2/integrations-catalog/{type}").Identified("type")
	listIntegrationPermissions = operation.New("Integrations.ListPermissions", http.MethodGet, "/api/v3/integrations/{id}/permissions")
	listIntegrationResources   = operation.New("Integrations.ListResources", http.MethodGet, "/api/v3/integrations/{id}/resources")
	getResourceTags            = operation.New("Integrations.GetResourceTags", http.MethodGet, "/api/v3/integrations/resources/{resource_id}/user-tags").Requires("tags")
	updateResourceTags         = operation.New("Integrations.UpdateResourceTags", http.MethodPut, "/api/v3/integrations/resources/{resource_id}/user-tags").Requires("message")
)

// IntegrationCategory is the purpose of an integration. The API may return
// other values.
type IntegrationCategory string

// The known categories: integrations that hold resources, and integrations that
// hold users and groups, such as identity providers.
const (
	IntegrationCategoryResources       IntegrationCategory = "RESOURCES"
	IntegrationCategoryUserInformation IntegrationCategory = "USER-INFORMATION"
)

// IntegrationStatus is the state of an integration. The API does not list its
// values and may return others.
type IntegrationStatus string

// The known states of an integration.
const (
	IntegrationStatusActive IntegrationStatus = "ACTIVE"
	IntegrationStatusError  IntegrationStatus = "ERROR"
)

// ResourceStatus is the state of a resource that Apono found.
type ResourceStatus string

// The states of a resource; a resource with an error could not be read.
const (
	ResourceStatusActive  ResourceStatus = "Active"
	ResourceStatusError   ResourceStatus = "Error"
	ResourceStatusDeleted ResourceStatus = "Deleted"
)

// Integration is a connected system.
type Integration struct {
	ID string `json:"id"`
	// Name is unique in the account.
	Name string `json:"name"`
	// Type is the kind of system, such as "aws-account" or "postgresql", from
	// the catalog. It never changes.
	Type     string              `json:"type"`
	Category IntegrationCategory `json:"category"`
	// ConnectorID is nil for systems that need no connector.
	ConnectorID *string           `json:"connector_id,omitzero"`
	Status      IntegrationStatus `json:"status"`
	// LastSyncTime is the time of the last successful sync.
	LastSyncTime *time.Time `json:"last_sync_time,omitzero"`
	// IntegrationConfig holds the settings of this kind of system. Apono's own
	// tools write every value as a string. Numbers are read as json.Number and
	// keep every digit.
	IntegrationConfig Object             `json:"integration_config"`
	SecretStoreConfig *SecretStoreConfig `json:"secret_store_config,omitzero"`
	// ConnectedResourceTypes are the types of resources to look for.
	ConnectedResourceTypes []string `json:"connected_resource_types,omitzero"`
	// CustomAccessDetails is a note for those who get access.
	CustomAccessDetails *string        `json:"custom_access_details,omitzero"`
	Owner               *Owner         `json:"owner,omitzero"`
	OwnersMapping       *OwnersMapping `json:"owners_mapping,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// Owner is the owner of an integration: the identities with an attribute.
type Owner struct {
	// AttributeType is the type of an attribute, such as "user" or "group".
	AttributeType string `json:"attribute_type"`
	// AttributeValue holds the values to match: IDs or, for users, e-mail addresses.
	AttributeValue []string `json:"attribute_value"`
	// SourceIntegrationID is the integration that the attribute comes from.
	SourceIntegrationID   *string `json:"source_integration_id,omitzero"`
	SourceIntegrationName *string `json:"source_integration_name,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// OwnersMapping maps a tag of a resource to its owner.
type OwnersMapping struct {
	// KeyName is the key of the tag.
	KeyName string `json:"key_name"`
	// AttributeType is the attribute to match with the value of the tag.
	AttributeType string `json:"attribute_type"`
	// SourceIntegrationID is the integration that the attribute comes from.
	SourceIntegrationID   *string `json:"source_integration_id,omitzero"`
	SourceIntegrationName *string `json:"source_integration_name,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// CatalogEntry is a kind of system that can be integrated.
type CatalogEntry struct {
	Name string `json:"name"`
	// Type is the kind of system, as in Integration.Type.
	Type        string `json:"type"`
	Description string `json:"description"`
	// Params describe the settings in IntegrationConfig.
	Params []CatalogParam `json:"params"`
	// RequiresSecret reports whether a SecretStoreConfig is needed.
	RequiresSecret       bool              `json:"requires_secret"`
	SupportedSecretTypes []SecretStoreType `json:"supported_secret_types"`

	Extra Extra `json:",embed,inline"`
}

// CatalogParam is a setting of a kind of system.
type CatalogParam struct {
	// ID is the key in IntegrationConfig.
	ID    string `json:"id"`
	Label string `json:"label"`
	// Values are the allowed values; empty means any.
	Values []string `json:"values"`
	// Default is empty if there is no default.
	Default  string `json:"default"`
	Optional bool   `json:"optional"`

	Extra Extra `json:",embed,inline"`
}

// Permission is a permission that can be granted in an integration.
type Permission struct {
	ID string `json:"id"`
	// Name is the name in the integrated system.
	Name         string `json:"name"`
	ResourceType string `json:"resource_type"`

	Extra Extra `json:",embed,inline"`
}

// Resource is a resource of an integration.
type Resource struct {
	// ID is Apono's ID of the resource.
	ID     string             `json:"id"`
	Name   string             `json:"name"`
	Type   string             `json:"type"`
	Status ResourceSyncStatus `json:"status"`

	Extra Extra `json:",embed,inline"`
}

// ResourceSyncStatus is the state of a resource at its last sync.
type ResourceSyncStatus struct {
	Status  ResourceStatus `json:"status"`
	Message *string        `json:"message,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ResourceTags are the tags that users set on a resource in Apono.
type ResourceTags struct {
	// ResourceID is Apono's ID of the resource.
	ResourceID string            `json:"resource_id"`
	Tags       map[string]string `json:"tags"`

	Extra Extra `json:",embed,inline"`
}

// ListIntegrationsOptions filters and pages a list of integrations. All filters
// must match, each with at least one of its values.
type ListIntegrationsOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	// Name is case-insensitive and may begin or end with "*", as in "prod*".
	Name string `url:"name,omitempty"`
	// Type takes the same patterns as Name.
	Type        []string              `url:"type,omitempty"`
	Category    []IntegrationCategory `url:"category,omitempty"`
	Status      []IntegrationStatus   `url:"status,omitempty"`
	ConnectorID []string              `url:"connector_id,omitempty"`
}

// ListCatalogOptions pages the catalog.
type ListCatalogOptions struct {
	Limit int `url:"limit,omitempty"`
	Skip  int `url:"skip,omitempty"`
}

// ListPermissionsOptions filters and pages a list of permissions.
type ListPermissionsOptions struct {
	Limit        int    `url:"limit,omitempty"`
	Skip         int    `url:"skip,omitempty"`
	ResourceType string `url:"resource-type,omitempty"`
}

// ListResourcesOptions filters and pages a list of resources.
type ListResourcesOptions struct {
	Limit        int    `url:"limit,omitempty"`
	Skip         int    `url:"skip,omitempty"`
	ResourceType string `url:"resource-type,omitempty"`
}

// CreateIntegrationInput is the input for a new integration.
type CreateIntegrationInput struct {
	// Name is alphanumeric and unique in the account.
	Name string `json:"name"`
	// Type is a kind of system from the catalog.
	Type        string  `json:"type"`
	ConnectorID *string `json:"connector_id,omitzero"`
	// IntegrationConfig holds the settings that the catalog lists for the type.
	// Write every value as a string, as Apono's own tools do.
	IntegrationConfig      Object             `json:"integration_config"`
	SecretStoreConfig      *SecretStoreConfig `json:"secret_store_config,omitzero"`
	ConnectedResourceTypes []string           `json:"connected_resource_types,omitzero"`
	// CustomAccessDetails has at most 400 characters.
	CustomAccessDetails *string `json:"custom_access_details,omitzero"`
	// Owner is required if OwnersMapping is set, as its fallback.
	Owner         *OwnerInput         `json:"owner,omitzero"`
	OwnersMapping *OwnersMappingInput `json:"owners_mapping,omitzero"`
}

// UpdateIntegrationInput is the input for updating an integration. An update replaces
// everything except the type, so start from [Integration.UpdateInput].
type UpdateIntegrationInput struct {
	// Name is alphanumeric and unique in the account.
	Name                   string             `json:"name"`
	ConnectorID            *string            `json:"connector_id,omitzero"`
	IntegrationConfig      Object             `json:"integration_config"`
	SecretStoreConfig      *SecretStoreConfig `json:"secret_store_config,omitzero"`
	ConnectedResourceTypes []string           `json:"connected_resource_types,omitzero"`
	// CustomAccessDetails has at most 400 characters.
	CustomAccessDetails *string `json:"custom_access_details,omitzero"`
	// Owner is required if OwnersMapping is set, as its fallback.
	Owner         *OwnerInput         `json:"owner,omitzero"`
	OwnersMapping *OwnersMappingInput `json:"owners_mapping,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// OwnerInput sets the owner of an integration.
type OwnerInput struct {
	// AttributeType is the type of an attribute, such as "user" or "group".
	AttributeType string `json:"attribute_type"`
	// AttributeValue holds the values to match: IDs or, for users, e-mail addresses.
	AttributeValue []string `json:"attribute_value"`
	// SourceIntegrationReference is the ID or the name of an integration.
	SourceIntegrationReference *string `json:"source_integration_reference,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// OwnersMappingInput maps a tag of a resource to its owner.
type OwnersMappingInput struct {
	// KeyName is the key of the tag.
	KeyName string `json:"key_name"`
	// AttributeType is the attribute to match with the value of the tag.
	AttributeType string `json:"attribute_type"`
	// SourceIntegrationReference is the ID or the name of an integration.
	SourceIntegrationReference *string `json:"source_integration_reference,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// UpdateResourceTagsInput are the tags to set.
type UpdateResourceTagsInput struct {
	// Tags holds the values by key. Whether they replace the existing tags or
	// are added to them is not documented.
	Tags map[string]string `json:"tags"`
}

// List returns a page of integrations.
//
// GET /api/admin/v4/integrations
func (s *IntegrationsService) List(ctx context.Context, opts ...ListIntegrationsOptions) (*Page[Integration], error) {
	return list[Integration](ctx, s.client, listIntegrations, opts)
}

// ListAll returns an iterator over all integrations.
//
// GET /api/admin/v4/integrations
func (s *IntegrationsService) ListAll(ctx context.Context, opts ...ListIntegrationsOptions) iter.Seq2[*Integration, error] {
	return listAll[Integration](ctx, s.client, listIntegrations, opts)
}

// Get returns the integration with the given ID, or [ErrNotFound].
//
// GET /api/admin/v4/integrations/{id}
func (s *IntegrationsService) Get(ctx context.Context, id string) (*Integration, error) {
	return decode[Integration](s.client.call(ctx, getIntegration, nil, id))
}

// GetByName returns the integration with the given name, or [ErrNotFound] or
// [ErrAmbiguous].
//
// GET /api/admin/v4/integrations
func (s *IntegrationsService) GetByName(ctx context.Context, name string) (*Integration, error) {
	return byName(name, s.ListAll(ctx, ListIntegrationsOptions{Name: name}), func(o *Integration) (string, string) { return o.ID, o.Name })
}

// Create creates an integration. A SecretStoreConfig must have exactly one store, or
// Create returns an [*ArgumentError].
//
// POST /api/admin/v4/integrations
func (s *IntegrationsService) Create(ctx context.Context, in CreateIntegrationInput) (*Integration, error) {
	return decode[Integration](s.client.call(ctx, createIntegration, in))
}

// Update replaces an integration, or returns [ErrNotFound]. A SecretStoreConfig must
// have exactly one store, or Update returns an [*ArgumentError].
//
// PUT /api/admin/v4/integrations/{id}
func (s *IntegrationsService) Update(ctx context.Context, id string, in UpdateIntegrationInput) (*Integration, error) {
	return decode[Integration](s.client.call(ctx, updateIntegration, in, id))
}

// Delete deletes an integration, or returns [ErrNotFound].
//
// DELETE /api/admin/v4/integrations/{id}
func (s *IntegrationsService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteIntegration, nil, id))
}

// Refresh starts a sync of the resources and permissions of an integration. It does not
// wait for the sync to finish.
//
// POST /api/v2/integrations/{id}/refresh
func (s *IntegrationsService) Refresh(ctx context.Context, id string) (*Message, error) {
	return decode[Message](s.client.call(ctx, refreshIntegration, nil, id))
}

// ListCatalog returns a page of the catalog of systems that can be integrated.
//
// GET /api/v2/integrations-catalog
func (s *IntegrationsService) ListCatalog(ctx context.Context, opts ...ListCatalogOptions) (*OffsetPage[CatalogEntry], error) {
	return listOffset[CatalogEntry](ctx, s.client, listCatalog, opts)
}

// ListAllCatalog returns an iterator over the catalog of systems that can be integrated.
//
// GET /api/v2/integrations-catalog
func (s *IntegrationsService) ListAllCatalog(ctx context.Context, opts ...ListCatalogOptions) iter.Seq2[*CatalogEntry, error] {
	return listAllOffset[CatalogEntry](ctx, s.client, listCatalog, opts)
}

// GetCatalogEntry returns the catalog entry of a type. An unknown type is
// [ErrNotFound] or [ErrBadRequest]; the API does not document which.
//
// GET /api/v2/integrations-catalog/{type}
func (s *IntegrationsService) GetCatalogEntry(ctx context.Context, integrationType string) (*CatalogEntry, error) {
	return decode[CatalogEntry](s.client.call(ctx, getCatalogEntry, nil, integrationType))
}

// ListPermissions returns a page of the permissions of an integration.
//
// GET /api/v3/integrations/{id}/permissions
func (s *IntegrationsService) ListPermissions(ctx context.Context, id string, opts ...ListPermissionsOptions) (*OffsetPage[Permission], error) {
	return listOffset[Permission](ctx, s.client, listIntegrationPermissions, opts, id)
}

// ListAllPermissions returns an iterator over the permissions of an integration.
//
// GET /api/v3/integrations/{id}/permissions
func (s *IntegrationsService) ListAllPermissions(ctx context.Context, id string, opts ...ListPermissionsOptions) iter.Seq2[*Permission, error] {
	return listAllOffset[Permission](ctx, s.client, listIntegrationPermissions, opts, id)
}

// ListResources returns a page of the resources of an integration.
//
// GET /api/v3/integrations/{id}/resources
func (s *IntegrationsService) ListResources(ctx context.Context, id string, opts ...ListResourcesOptions) (*OffsetPage[Resource], error) {
	return listOffset[Resource](ctx, s.client, listIntegrationResources, opts, id)
}

// ListAllResources returns an iterator over the resources of an integration.
//
// GET /api/v3/integrations/{id}/resources
func (s *IntegrationsService) ListAllResources(ctx context.Context, id string, opts ...ListResourcesOptions) iter.Seq2[*Resource, error] {
	return listAllOffset[Resource](ctx, s.client, listIntegrationResources, opts, id)
}

// GetResourceTags returns the user tags of a resource, by its Resource.ID.
//
// GET /api/v3/integrations/resources/{resource_id}/user-tags
func (s *IntegrationsService) GetResourceTags(ctx context.Context, resourceID string) (*ResourceTags, error) {
	return decode[ResourceTags](s.client.call(ctx, getResourceTags, nil, resourceID))
}

// UpdateResourceTags sets user tags of a resource, by its Resource.ID.
//
// PUT /api/v3/integrations/resources/{resource_id}/user-tags
func (s *IntegrationsService) UpdateResourceTags(ctx context.Context, resourceID string, in UpdateResourceTagsInput) (*Message, error) {
	return decode[Message](s.client.call(ctx, updateResourceTags, in, resourceID))
}

// UpdateInput returns a copy of the integration, Extra included, for Update.
func (i *Integration) UpdateInput() UpdateIntegrationInput {
	i = clone(i)
	return UpdateIntegrationInput{
		Name:                   i.Name,
		ConnectorID:            i.ConnectorID,
		IntegrationConfig:      i.IntegrationConfig,
		SecretStoreConfig:      i.SecretStoreConfig.input(),
		ConnectedResourceTypes: i.ConnectedResourceTypes,
		CustomAccessDetails:    i.CustomAccessDetails,
		Owner:                  i.Owner.input(),
		OwnersMapping:          i.OwnersMapping.input(),
		Extra:                  i.Extra,
	}
}

func (o *Owner) input() *OwnerInput {
	if o == nil {
		return nil
	}
	return &OwnerInput{
		AttributeType:              o.AttributeType,
		AttributeValue:             o.AttributeValue,
		SourceIntegrationReference: reference(o.SourceIntegrationID, o.SourceIntegrationName),
		Extra:                      o.Extra.without("source_integration_reference"),
	}
}

func (m *OwnersMapping) input() *OwnersMappingInput {
	if m == nil {
		return nil
	}
	return &OwnersMappingInput{
		KeyName:                    m.KeyName,
		AttributeType:              m.AttributeType,
		SourceIntegrationReference: reference(m.SourceIntegrationID, m.SourceIntegrationName),
		Extra:                      m.Extra.without("source_integration_reference"),
	}
}

func (in CreateIntegrationInput) check() error {
	return in.SecretStoreConfig.check("in.SecretStoreConfig")
}

func (in UpdateIntegrationInput) check() error {
	return in.SecretStoreConfig.check("in.SecretStoreConfig")
}
