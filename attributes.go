package apono

import (
	"context"
	"iter"
	"net/http"

	"github.com/apono-go/apono/internal/operation"
)

// AttributesService reads the attributes that access flows match identities by.
//
// API section: Attributes.
type AttributesService struct{ client *Client }

var listAttributes = operation.New("Attributes.List", http.MethodGet, "/api/admin/v1/attributes").Identified("type")

// Attribute is a value of an attribute of identities.
type Attribute struct {
	// Type is the attribute, as in Condition.Type. It is case-sensitive.
	Type  string `json:"type"`
	Value string `json:"value"`
	// SourceID is the ID in the system that the value comes from.
	SourceID              *string `json:"source_id,omitzero"`
	SourceIntegrationID   *string `json:"source_integration_id,omitzero"`
	SourceIntegrationName *string `json:"source_integration_name,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListAttributesOptions filters and pages a list of attributes.
type ListAttributesOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	// Search is a value and may begin or end with "*".
	Search string `url:"search,omitempty"`
	// SourceIntegrationReference is the ID or the name of an integration.
	SourceIntegrationReference string `url:"source_integration_reference,omitempty"`
	Type                       string `url:"type,omitempty"`
}

// List returns a page of attributes.
//
// GET /api/admin/v1/attributes
func (s *AttributesService) List(ctx context.Context, opts ...ListAttributesOptions) (*Page[Attribute], error) {
	return list[Attribute](ctx, s.client, listAttributes, opts)
}

// ListAll returns an iterator over all attributes.
//
// GET /api/admin/v1/attributes
func (s *AttributesService) ListAll(ctx context.Context, opts ...ListAttributesOptions) iter.Seq2[*Attribute, error] {
	return listAll[Attribute](ctx, s.client, listAttributes, opts)
}
